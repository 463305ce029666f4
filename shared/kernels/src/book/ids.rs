//! From order id to slot: open addressing with linear probing.
//!
//! Ids mostly rise by one, and recent orders are asked for most. A general hash would scatter them over the whole
//! table, one cache miss each; here eight consecutive ids share a cache line, and only their block is hashed. An entry
//! has 32 bits of its id, so that probing reads no order but the one that is wanted.

use super::huge_pages;
use super::orders::Orders;
use super::prefetch::prefetch;

pub const NIL: u32 = u32::MAX;

const BLOCK_BITS: u32 = 3;
const SMALLEST_BITS: u32 = 10;
/// At most one place in so many is taken, so that probing almost always ends at once.
const ROOM: usize = 4;

#[derive(Clone, Copy)]
struct Entry {
    tag: u32,
    slot: u32,
}

const EMPTY: Entry = Entry { tag: 0, slot: NIL };

/// 32 bits of an id; consecutive ids have consecutive tags.
#[inline(always)]
fn tag(id: i64) -> u32 {
    (id as u32).wrapping_add(((id >> 32) as u32).wrapping_mul(0x9E37_79B1))
}

pub struct Ids {
    entries: Vec<Entry>,
    bits: u32,
    len: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Self { entries: vec![EMPTY; 1 << SMALLEST_BITS], bits: SMALLEST_BITS, len: 0 }
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
    fn home(&self, tag: u32) -> usize {
        let block = u64::from(tag >> BLOCK_BITS).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            >> (64 - (self.bits - BLOCK_BITS));
        ((block << BLOCK_BITS) | u64::from(tag & ((1 << BLOCK_BITS) - 1))) as usize
    }

    /// Where the id is, or the empty place where it would go.
    #[inline(always)]
    fn find(&self, id: i64, orders: &Orders) -> usize {
        let mask = self.entries.len() - 1;
        let tag = tag(id);
        let mut at = self.home(tag) & mask;
        loop {
            let entry = self.entries[at];
            if entry.slot == NIL || (entry.tag == tag && orders[entry.slot].id == id) {
                return at;
            }
            at = (at + 1) & mask;
        }
    }

    /// The slot of the first entry with the id's tag, which is almost always the id's; `NIL` when there is none.
    #[inline(always)]
    pub fn likely(&self, id: i64) -> u32 {
        let mask = self.entries.len() - 1;
        let tag = tag(id);
        let mut at = self.home(tag) & mask;
        loop {
            let entry = self.entries[at];
            if entry.slot == NIL || entry.tag == tag {
                return entry.slot;
            }
            at = (at + 1) & mask;
        }
    }

    /// Ask for the memory where an id is looked for first.
    #[inline(always)]
    pub fn prefetch(&self, id: i64) {
        prefetch(&self.entries[self.home(tag(id)) & (self.entries.len() - 1)]);
    }

    /// The id's slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn get(&self, id: i64, orders: &Orders) -> u32 {
        self.entries[self.find(id, orders)].slot
    }

    /// Add the id of an order that is not here.
    #[inline(always)]
    pub fn insert(&mut self, slot: u32, orders: &Orders) {
        let id = orders[slot].id;
        let at = self.find(id, orders);
        self.entries[at] = Entry { tag: tag(id), slot };
        self.len += 1;
        if ROOM * self.len > self.entries.len() {
            self.grow();
        }
    }

    /// Take an id out: its slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn remove(&mut self, id: i64, orders: &Orders) -> u32 {
        let at = self.find(id, orders);
        let slot = self.entries[at].slot;
        if slot != NIL {
            self.len -= 1;
            self.close(at);
        }
        slot
    }

    /// Move later ids of the run into a hole, so that every id stays reachable from its home.
    #[inline(always)]
    fn close(&mut self, mut hole: usize) {
        let mask = self.entries.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let entry = self.entries[at];
            if entry.slot == NIL {
                break;
            }
            let from_home = at.wrapping_sub(self.home(entry.tag)) & mask;
            if from_home >= at.wrapping_sub(hole) & mask {
                self.entries[hole] = entry;
                hole = at;
            }
        }
        self.entries[hole] = EMPTY;
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.entries);
        self.bits += 1;
        self.entries = Vec::with_capacity(1 << self.bits);
        huge_pages::advise(&self.entries);
        self.entries.resize(1 << self.bits, EMPTY);
        let mask = self.entries.len() - 1;
        for entry in old.into_iter().filter(|entry| entry.slot != NIL) {
            let mut at = self.home(entry.tag) & mask;
            while self.entries[at].slot != NIL {
                at = (at + 1) & mask;
            }
            self.entries[at] = entry;
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
        for stride in [1_i64, 16, 1 << 20, 1 << 32, (1 << 32) - 1, -3] {
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
