//! From order id to slot: open addressing with linear probing over slots only, as an order knows its own id.
//!
//! Ids mostly rise by one, and recent orders are asked for most. A general hash would scatter them over the whole
//! table, one cache miss each; here sixteen consecutive ids share a cache line, and only their block is hashed.

use super::orders::Orders;

pub const NIL: u32 = u32::MAX;

const BLOCK_BITS: u32 = 4;
const SMALLEST_BITS: u32 = 10;
/// At most one place in so many is taken, so that probing almost always ends at once.
const ROOM: usize = 4;

pub struct Ids {
    slots: Vec<u32>,
    bits: u32,
    len: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Self { slots: vec![NIL; 1 << SMALLEST_BITS], bits: SMALLEST_BITS, len: 0 }
    }
}

impl Ids {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(always)]
    fn home(&self, id: i64) -> usize {
        let id = id as u64;
        let block = (id >> BLOCK_BITS).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - (self.bits - BLOCK_BITS));
        ((block << BLOCK_BITS) | (id & ((1 << BLOCK_BITS) - 1))) as usize
    }

    /// Where the id is, or the empty place where it would go.
    #[inline(always)]
    fn find(&self, id: i64, orders: &Orders) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.home(id) & mask;
        loop {
            let slot = self.slots[at];
            if slot == NIL || orders[slot].id == id {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    /// The id's slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn get(&self, id: i64, orders: &Orders) -> u32 {
        self.slots[self.find(id, orders)]
    }

    /// Add the id of an order that is not here.
    #[inline(always)]
    pub fn insert(&mut self, slot: u32, orders: &Orders) {
        let at = self.find(orders[slot].id, orders);
        self.slots[at] = slot;
        self.len += 1;
        if ROOM * self.len > self.slots.len() {
            self.grow(orders);
        }
    }

    /// Take an id out: its slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn remove(&mut self, id: i64, orders: &Orders) -> u32 {
        let at = self.find(id, orders);
        let slot = self.slots[at];
        if slot != NIL {
            self.len -= 1;
            self.close(at, orders);
        }
        slot
    }

    /// Move later ids of the run into a hole, so that every id stays reachable from its home.
    #[inline(always)]
    fn close(&mut self, mut hole: usize, orders: &Orders) {
        let mask = self.slots.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots[at];
            if slot == NIL {
                break;
            }
            let from_home = at.wrapping_sub(self.home(orders[slot].id)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = NIL;
    }

    #[cold]
    fn grow(&mut self, orders: &Orders) {
        let old = std::mem::take(&mut self.slots);
        self.bits += 1;
        self.slots = vec![NIL; 1 << self.bits];
        for slot in old.into_iter().filter(|slot| *slot != NIL) {
            let at = self.find(orders[slot].id, orders);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::orders::Order;
    use super::*;
    use std::collections::HashMap;

    fn order(id: i64) -> Order {
        Order {
            id,
            visible: 1,
            next: NIL,
            previous: NIL,
            owner: 0,
            extra: NIL,
            place: NIL,
            flags: 0,
            side: 1,
        }
    }

    #[test]
    fn holds_what_a_hash_map_holds_whatever_the_stride() {
        for stride in [1_i64, 16, 1 << 20, -3] {
            let (mut ids, mut orders) = (Ids::default(), Orders::default());
            let mut expected: HashMap<i64, u32> = HashMap::new();
            for step in 0..20_000_i64 {
                let id = (step * 7 % 5_003) * stride;
                if let Some(slot) = expected.remove(&id) {
                    assert_eq!(ids.remove(id, &orders), slot);
                    orders.remove(slot);
                } else {
                    let slot = orders.add(order(id));
                    ids.insert(slot, &orders);
                    expected.insert(id, slot);
                }
                assert_eq!(ids.len(), expected.len());
            }
            for id in (0..5_003).map(|id| id * stride) {
                assert_eq!(ids.get(id, &orders), expected.get(&id).copied().unwrap_or(NIL));
            }
        }
    }
}
