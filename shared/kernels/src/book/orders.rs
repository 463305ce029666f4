//! Open orders in slots that are used again. What only few orders have is kept aside, so that a plain one is 40 bytes.

use super::huge_pages;
use super::ids::NIL;
use super::prefetch::prefetch;
use super::words::{NO_PRICE, REDUCE_ONLY, SELF_TRADE_SHIFT, kind};

#[derive(Clone, Copy)]
pub struct Order {
    pub id: i64,
    /// What the book displays of it.
    pub visible: i64,
    pub next: u32,
    pub previous: u32,
    pub owner: u32,
    /// Its `Extra`, or `NIL`.
    pub extra: u32,
    /// Its level in the ladder.
    pub place: u32,
    pub flags: u8,
    pub side: i8,
}

impl Order {
    #[inline(always)]
    pub fn reduce_only(&self) -> bool {
        self.flags & REDUCE_ONLY != 0
    }

    #[inline(always)]
    pub fn self_trade(&self) -> u8 {
        self.flags >> SELF_TRADE_SHIFT
    }
}

/// What icebergs, orders with an expiry, and stops have on top.
#[derive(Clone, Copy)]
pub struct Extra {
    pub hidden: i64,
    pub display: i64,
    pub expires_ns: i64,
    pub sequence: i64,
    /// Of a waiting stop only: a resting order's price is its place.
    pub price: i64,
    pub stop_price: i64,
    pub kind: u8,
}

pub const PLAIN: Extra = Extra {
    hidden: 0,
    display: 0,
    expires_ns: 0,
    sequence: 0,
    price: NO_PRICE,
    stop_price: NO_PRICE,
    kind: kind::LIMIT,
};

#[derive(Default)]
pub struct Orders {
    slots: Vec<Order>,
    free: Vec<u32>,
    extras: Vec<Extra>,
    free_extras: Vec<u32>,
}

impl std::ops::Index<u32> for Orders {
    type Output = Order;
    #[inline(always)]
    fn index(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Orders {
    #[inline(always)]
    fn index_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }
}

impl Orders {
    #[inline(always)]
    pub fn add(&mut self, order: Order) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = order;
            return slot;
        }
        if self.slots.len() == self.slots.capacity() {
            self.grow();
        }
        self.slots.push(order);
        u32::try_from(self.slots.len() - 1).expect("a book holds less than 2^32 orders")
    }

    #[cold]
    fn grow(&mut self) {
        // A new table rather than a longer one: memory that the system moved keeps its small pages.
        let mut room = Vec::with_capacity(2 * self.slots.len().max(64));
        huge_pages::advise(&room);
        room.extend_from_slice(&self.slots);
        self.slots = room;
    }

    pub fn add_extra(&mut self, extra: Extra) -> u32 {
        if let Some(at) = self.free_extras.pop() {
            self.extras[at as usize] = extra;
            return at;
        }
        self.extras.push(extra);
        (self.extras.len() - 1) as u32
    }

    #[inline(always)]
    pub fn remove(&mut self, slot: u32) {
        let extra = self.slots[slot as usize].extra;
        if extra != NIL {
            self.free_extras.push(extra);
        }
        self.free.push(slot);
    }

    pub fn extra(&self, slot: u32) -> &Extra {
        match self[slot].extra {
            NIL => &PLAIN,
            at => &self.extras[at as usize],
        }
    }

    /// The extra of an order that has one.
    pub fn extra_mut(&mut self, slot: u32) -> &mut Extra {
        let at = self[slot].extra;
        &mut self.extras[at as usize]
    }

    /// How many slots there are, in use or not.
    pub fn room(&self) -> usize {
        self.slots.len()
    }

    #[inline(always)]
    pub fn get(&self, slot: u32) -> Option<&Order> {
        self.slots.get(slot as usize)
    }

    /// Ask for an order's memory; `NIL` is no order's.
    #[inline(always)]
    pub fn prefetch(&self, slot: u32) {
        if let Some(order) = self.slots.get(slot as usize) {
            prefetch(order);
        }
    }

    /// What an order still has, hidden quantity included.
    #[inline(always)]
    pub fn quantity(&self, slot: u32) -> i64 {
        self[slot].visible + self.extra(slot).hidden
    }
}
