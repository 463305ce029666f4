//! An L3 book from messages about single orders; see `hedgerow.kernels.twin_l3`.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::l2::Levels;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
#[repr(i64)]
pub enum Followed {
    Applied = 1,
    NoEffect = 2,
    Gap = 3,
    UnknownOrder = 4,
    DuplicateOrder = 5,
    Mismatch = 6,
    TooMuch = 7,
}

pub mod message {
    pub const ADD: i64 = 1;
    pub const DELETE: i64 = 3;
    pub const EXECUTE: i64 = 4;
    pub const HALT: i64 = 7;
}

/// sequence, kind, order id, side, quantity, price
pub type Message = [i64; 6];

#[derive(Clone, Copy)]
struct Order {
    side: i64,
    price: i64,
    quantity: i64,
    arrival: u64,
}

#[derive(Default)]
pub struct L3Book {
    problems: i64,
    state: State,
}

struct State {
    sequence: Option<i64>,
    gap: Option<String>,
    orders: FxHashMap<i64, Order>,
    sides: [Levels; 2],
    seeded: FxHashMap<(i64, i64), i64>,
    queues: FxHashMap<(i64, i64), BTreeMap<u64, i64>>,
    arrivals: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            sequence: None,
            gap: None,
            orders: FxHashMap::default(),
            sides: [Levels::new(1), Levels::new(-1)],
            seeded: FxHashMap::default(),
            queues: FxHashMap::default(),
            arrivals: 0,
        }
    }
}

fn row(side: i64) -> usize {
    usize::from(side < 0)
}

impl L3Book {
    pub fn clear(&mut self) {
        self.state = State::default();
    }

    pub fn gap(&self) -> Option<&str> {
        self.state.gap.as_deref()
    }

    pub fn problems(&self) -> i64 {
        self.problems
    }

    pub fn len(&self) -> usize {
        self.state.orders.len()
    }

    pub fn is_empty(&self) -> bool {
        self.state.orders.is_empty()
    }

    pub fn side(&self, side: i64) -> &Levels {
        &self.state.sides[row(side)]
    }

    pub fn queue(&self, side: i64, price: i64) -> Vec<i64> {
        self.state.queues.get(&(side, price)).map_or_else(Vec::new, |line| line.values().copied().collect())
    }

    pub fn seed(&mut self, side: i64, price: i64, quantity: i64) {
        let before = self.state.seeded.insert((side, price), quantity).unwrap_or(0);
        self.state.move_level(side, price, quantity - before);
    }

    pub fn forget_beyond(&mut self, side: i64, price: i64) {
        let state = &mut self.state;
        for gone in state.sides[row(side)].split_beyond(price) {
            state.seeded.remove(&(side, gone));
            for order_id in state.queues.remove(&(side, gone)).into_iter().flat_map(BTreeMap::into_values) {
                state.orders.remove(&order_id);
            }
        }
    }

    pub fn follow(&mut self, message: &Message) -> Followed {
        let result = self.state.follow(message);
        self.problems += i64::from(result > Followed::NoEffect);
        result
    }
}

impl State {
    fn move_level(&mut self, side: i64, price: i64, by: i64) {
        let levels = &mut self.sides[row(side)];
        levels.set(price, levels.get(price) + by);
    }

    fn follow(&mut self, &[sequence, kind, order_id, side, quantity, price]: &Message) -> Followed {
        if self.gap.is_some() {
            return Followed::Gap;
        }
        if let Some(before) = self.sequence.filter(|before| sequence != before + 1) {
            self.gap = Some(format!("message {sequence} follows message {before}"));
            return Followed::Gap;
        }
        self.sequence = Some(sequence);
        if kind > message::EXECUTE {
            return Followed::NoEffect;
        }
        if kind == message::ADD {
            return self.add(order_id, side, quantity, price);
        }
        let Some(&order) = self.orders.get(&order_id) else {
            return self.take_seeded(side, quantity, price);
        };
        if (order.side, order.price) != (side, price) {
            return Followed::Mismatch;
        }
        if quantity > order.quantity {
            return Followed::TooMuch;
        }
        if kind == message::DELETE && quantity != order.quantity {
            return Followed::Mismatch;
        }
        self.take(order_id, order, quantity);
        Followed::Applied
    }

    fn add(&mut self, order_id: i64, side: i64, quantity: i64, price: i64) -> Followed {
        if self.orders.contains_key(&order_id) {
            return Followed::DuplicateOrder;
        }
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.orders.insert(order_id, Order { side, price, quantity, arrival });
        self.queues.entry((side, price)).or_default().insert(arrival, order_id);
        self.move_level(side, price, quantity);
        Followed::Applied
    }

    fn take(&mut self, order_id: i64, order: Order, quantity: i64) {
        let key = (order.side, order.price);
        self.move_level(order.side, order.price, -quantity);
        if quantity < order.quantity {
            let left = Order { quantity: order.quantity - quantity, ..order };
            self.orders.insert(order_id, left);
            return;
        }
        self.orders.remove(&order_id);
        let line = self.queues.get_mut(&key).expect("a known order stands in a queue");
        line.remove(&order.arrival);
        if line.is_empty() {
            self.queues.remove(&key);
        }
    }

    fn take_seeded(&mut self, side: i64, quantity: i64, price: i64) -> Followed {
        match self.seeded.get_mut(&(side, price)) {
            None | Some(0) => Followed::UnknownOrder,
            Some(seeded) if quantity > *seeded => Followed::TooMuch,
            Some(seeded) => {
                *seeded -= quantity;
                self.move_level(side, price, -quantity);
                Followed::Applied
            }
        }
    }
}
