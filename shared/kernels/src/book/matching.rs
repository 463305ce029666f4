//! Matching: an incoming order against the other side, by price, then time.

use std::collections::HashMap;

use super::command::Happenings;
use super::core::Book;
use super::ids::NIL;
use super::words::{CancelReason, self_trade};

/// An incoming order. `limit` is the worst price that it takes.
pub struct Taker {
    pub order_id: i64,
    pub owner: u32,
    pub side: i8,
    pub limit: i64,
    pub self_trade: u8,
}

impl Taker {
    #[inline(always)]
    fn reaches(&self, price: i64) -> bool {
        (self.limit - price) * self.side as i64 >= 0
    }
}

/// Net position by owner, positive when long.
#[derive(Default)]
pub struct Positions {
    lots: Vec<i64>,
}

impl Positions {
    pub fn of(&self, owner: u32) -> i64 {
        self.lots.get(owner as usize).copied().unwrap_or(0)
    }

    pub fn set(&mut self, owner: u32, quantity: i64) {
        self.make_room(owner);
        self.lots[owner as usize] = quantity;
    }

    #[inline(always)]
    pub fn make_room(&mut self, owner: u32) {
        if owner as usize >= self.lots.len() {
            self.lots.resize(owner as usize + 1, 0);
        }
    }

    /// How much an order of this side can reduce.
    pub fn reducible(&self, owner: u32, side: i8) -> i64 {
        (-self.of(owner) * side as i64).max(0)
    }

    /// Move both by a fill; the quantity has the taker's sign.
    #[inline(always)]
    fn trade(&mut self, taker: u32, maker: u32, signed_quantity: i64) {
        self.lots[taker as usize] += signed_quantity;
        self.lots[maker as usize] -= signed_quantity;
    }

    /// The positions that are not zero, by owner.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.lots
            .iter()
            .enumerate()
            .filter(|(_, lots)| **lots != 0)
            .map(|(owner, &lots)| (owner as i64, lots))
    }
}

impl Book {
    /// Trade until done or out of reach: what is left, and whether self-trade prevention ended the incoming order.
    #[inline(always)]
    pub(super) fn trade(&mut self, taker: &Taker, mut quantity: i64, out: &mut Happenings) -> (i64, bool) {
        while quantity > 0 {
            let price = self.ladder.best_price(-taker.side);
            if !taker.reaches(price) {
                break;
            }
            let place = self.ladder.best(-taker.side);
            let slot = self.ladder.level(place).head;
            let maker = self.orders[slot];
            if maker.owner == taker.owner && taker.self_trade != self_trade::ALLOW {
                if taker.self_trade != self_trade::CANCEL_NEWEST {
                    self.cancel_open(slot, CancelReason::SelfTrade, out);
                }
                if taker.self_trade != self_trade::CANCEL_OLDEST {
                    return (quantity, true);
                }
                continue;
            }
            let mut traded = quantity.min(maker.visible);
            if maker.reduce_only() {
                traded = traded.min(self.positions.reducible(maker.owner, maker.side));
                if traded == 0 {
                    self.cancel_open(slot, CancelReason::ReduceOnly, out);
                    continue;
                }
            }
            out.fill(taker.order_id, maker.id, price, traded);
            self.positions.trade(taker.owner, maker.owner, traded * taker.side as i64);
            quantity -= traded;
            if traded < maker.visible {
                self.orders[slot].visible -= traded;
                self.ladder.level_mut(place).visible -= traded;
            } else if maker.extra == NIL {
                self.ladder.pop(&mut self.orders, &maker);
                self.prepare_next_fill(maker.next);
                self.forget(slot);
            } else {
                self.show_next(slot);
            }
        }
        (quantity, false)
    }

    /// An order's displayed part is gone: the next one joins the end of the queue, or the order leaves.
    #[cold]
    fn show_next(&mut self, slot: u32) {
        let hidden = self.orders.extra(slot).hidden;
        if hidden == 0 {
            let order = self.orders[slot];
            self.ladder.remove(&mut self.orders, &order);
            self.forget(slot);
            return;
        }
        let order = self.orders[slot];
        self.ladder.unlink(&mut self.orders, &order);
        self.show(slot, hidden);
        self.ladder.append(&mut self.orders, slot, order.place);
    }

    /// Have this much left, and display no more of it than the order wants.
    pub(super) fn show(&mut self, slot: u32, quantity: i64) {
        let mut visible = quantity;
        if self.orders[slot].extra != NIL {
            let extra = self.orders.extra_mut(slot);
            if extra.display != 0 {
                visible = quantity.min(extra.display);
            }
            extra.hidden = quantity - visible;
        }
        self.orders[slot].visible = visible;
    }

    /// Whether `trade` would leave nothing; nothing is touched.
    pub(super) fn fills_whole(&self, taker: &Taker, mut quantity: i64) -> bool {
        let mut moved: HashMap<u32, i64> = HashMap::new();
        let mut place = self.ladder.best(-taker.side);
        while place != NIL && taker.reaches(self.ladder.price(place)) {
            // Icebergs join the end of their queue with each part shown, so the line grows while it is walked.
            let mut line: Vec<(u32, i64, i64)> = self
                .line(place)
                .map(|slot| (slot, self.orders[slot].visible, self.orders.extra(slot).hidden))
                .collect();
            let mut at = 0;
            while at < line.len() {
                let (slot, visible, hidden) = line[at];
                at += 1;
                let order = &self.orders[slot];
                if order.owner == taker.owner && taker.self_trade != self_trade::ALLOW {
                    if taker.self_trade == self_trade::CANCEL_OLDEST {
                        continue;
                    }
                    return false;
                }
                let mut traded = quantity.min(visible);
                if order.reduce_only() {
                    let position =
                        self.positions.of(order.owner) + moved.get(&order.owner).copied().unwrap_or(0);
                    traded = traded.min((-position * order.side as i64).max(0));
                }
                let signed = traded * taker.side as i64;
                *moved.entry(taker.owner).or_default() += signed;
                *moved.entry(order.owner).or_default() -= signed;
                quantity -= traded;
                if quantity == 0 {
                    return true;
                }
                if traded == visible && hidden > 0 {
                    let shown = hidden.min(self.orders.extra(slot).display);
                    line.push((slot, shown, hidden - shown));
                }
            }
            place = self.ladder.next(-taker.side, place);
        }
        false
    }
}
