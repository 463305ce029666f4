//! What can be asked of a book.

use super::core::Book;
use super::ids::NIL;
use super::words::{BUY, SELL};

impl Book {
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn contains(&self, order_id: i64) -> bool {
        self.ids.get(order_id, &self.orders) != NIL
    }

    /// Quantity that an order still has, hidden included; 0 when it is not in the book.
    pub fn remaining(&self, order_id: i64) -> i64 {
        match self.ids.get(order_id, &self.orders) {
            NIL => 0,
            slot => self.orders.quantity(slot),
        }
    }

    pub fn position(&self, owner: u32) -> i64 {
        self.positions.of(owner)
    }

    pub fn best(&self, side: i8) -> Option<i64> {
        match self.ladder.best(side) {
            NIL => None,
            _ => Some(self.ladder.best_price(side)),
        }
    }

    /// Occupied levels, best first.
    pub(super) fn places(&self, side: i8) -> impl Iterator<Item = u32> {
        let mut place = self.ladder.best(side);
        std::iter::from_fn(move || {
            let here = place;
            if here == NIL {
                return None;
            }
            place = self.ladder.next(side, here);
            Some(here)
        })
    }

    /// The orders of a level, first in line first.
    pub(super) fn line(&self, place: u32) -> impl Iterator<Item = u32> {
        let mut slot = self.ladder.level(place).head;
        std::iter::from_fn(move || {
            let here = slot;
            if here == NIL {
                return None;
            }
            slot = self.orders[here].next;
            Some(here)
        })
    }

    /// (price, displayed quantity) of the best levels, best first.
    pub fn levels(&self, side: i8, limit: usize) -> Vec<(i64, i64)> {
        self.places(side)
            .take(limit)
            .map(|place| (self.ladder.price(place), self.ladder.level(place).visible))
            .collect()
    }

    /// Ids of the orders at a price, first in line first.
    pub fn queue(&self, side: i8, price: i64) -> Vec<i64> {
        match self.ladder.find(side, price) {
            Some(place) => self.line(place).map(|slot| self.orders[slot].id).collect(),
            None => Vec::new(),
        }
    }

    pub(super) fn resting(&self, side: i8) -> impl Iterator<Item = u32> {
        self.places(side).flat_map(move |place| self.line(place))
    }

    /// Every open order: bids, asks (best first, then by time), stops (oldest first).
    pub(super) fn everything(&self) -> Vec<u32> {
        self.resting(BUY).chain(self.resting(SELL)).chain(self.stops.by_age()).collect()
    }
}
