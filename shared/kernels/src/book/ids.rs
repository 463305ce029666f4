//! From order id to slot: open addressing with linear probing.
//!
//! Ids mostly rise by one, and recent orders are asked for most. A general hash would scatter them over the whole
//! table, one cache miss each; here eight consecutive ids share two cache lines, and only their block is hashed.

pub const NIL: u32 = u32::MAX;

const BLOCK_BITS: u32 = 3;
const SMALLEST_BITS: u32 = 10;

#[derive(Clone, Copy)]
struct Entry {
    id: i64,
    slot: u32,
}

const EMPTY: Entry = Entry { id: 0, slot: NIL };

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
    fn home(&self, id: i64) -> usize {
        let id = id as u64;
        let block = (id >> BLOCK_BITS).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - (self.bits - BLOCK_BITS));
        ((block << BLOCK_BITS) | (id & ((1 << BLOCK_BITS) - 1))) as usize
    }

    /// Where the id is, or the empty place where it would go.
    #[inline(always)]
    fn find(&self, id: i64) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = self.home(id);
        loop {
            let entry = &self.entries[at & mask];
            if entry.slot == NIL || entry.id == id {
                return at & mask;
            }
            at = at.wrapping_add(1);
        }
    }

    /// The id's slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn get(&self, id: i64) -> u32 {
        self.entries[self.find(id)].slot
    }

    /// Add an id that is not here.
    #[inline(always)]
    pub fn insert(&mut self, id: i64, slot: u32) {
        // Never more than half full.
        if 2 * (self.len + 1) > self.entries.len() {
            self.grow();
        }
        let at = self.find(id);
        self.entries[at] = Entry { id, slot };
        self.len += 1;
    }

    /// Take an id out: its slot, `NIL` when it is not here.
    #[inline(always)]
    pub fn remove(&mut self, id: i64) -> u32 {
        let at = self.find(id);
        let slot = self.entries[at].slot;
        if slot != NIL {
            self.len -= 1;
            self.close(at);
        }
        slot
    }

    /// Move later entries of the run into a hole, so that every entry stays reachable from its home.
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
            let from_home = at.wrapping_sub(self.home(entry.id)) & mask;
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
        self.entries = vec![EMPTY; 1 << self.bits];
        for entry in old.into_iter().filter(|entry| entry.slot != NIL) {
            let at = self.find(entry.id);
            self.entries[at] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn holds_what_a_hash_map_holds_whatever_the_stride() {
        for stride in [1_i64, 8, 1 << 20, -3] {
            let (mut ids, mut expected) = (Ids::default(), HashMap::new());
            for step in 0..20_000_i64 {
                let id = (step * 7 % 5_003) * stride;
                if expected.remove(&id).is_some() {
                    assert_ne!(ids.remove(id), NIL);
                } else {
                    ids.insert(id, step as u32);
                    expected.insert(id, step as u32);
                }
                assert_eq!(ids.len(), expected.len());
            }
            for id in (0..5_003).map(|id| id * stride) {
                assert_eq!(ids.get(id), expected.get(&id).copied().unwrap_or(NIL));
            }
        }
    }
}
