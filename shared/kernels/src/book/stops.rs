//! Stop orders waiting for a trade at their stop price or beyond, by stop price and age.

use std::collections::BTreeMap;

use super::ladder::row;

#[derive(Default)]
pub struct Stops {
    by_price: [BTreeMap<(i64, i64), u32>; 2],
}

impl Stops {
    pub fn is_empty(&self) -> bool {
        self.by_price.iter().all(BTreeMap::is_empty)
    }

    pub fn add(&mut self, side: i8, stop_price: i64, sequence: i64, slot: u32) {
        self.by_price[row(side)].insert((stop_price, sequence), slot);
    }

    pub fn remove(&mut self, side: i8, stop_price: i64, sequence: i64) {
        self.by_price[row(side)].remove(&(stop_price, sequence));
    }

    /// Slots, oldest first.
    pub fn by_age(&self) -> Vec<u32> {
        let mut aged: Vec<(i64, u32)> =
            self.by_price.iter().flatten().map(|(&(_, sequence), &slot)| (sequence, slot)).collect();
        aged.sort_unstable();
        aged.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Take out the stops that trades between these prices set off, oldest first.
    pub fn take_triggered(&mut self, low: i64, high: i64) -> Vec<u32> {
        let [buys, sells] = &mut self.by_price;
        let waiting = if high == i64::MAX { BTreeMap::new() } else { buys.split_off(&(high + 1, i64::MIN)) };
        let bought = std::mem::replace(buys, waiting);
        let sold = sells.split_off(&(low, i64::MIN));
        let mut aged: Vec<(i64, u32)> =
            bought.into_iter().chain(sold).map(|((_, sequence), slot)| (sequence, slot)).collect();
        aged.sort_unstable();
        aged.into_iter().map(|(_, slot)| slot).collect()
    }
}

pub fn would_trigger(side: i8, stop_price: i64, last_trade: i64) -> bool {
    last_trade != super::words::NO_PRICE && (last_trade - stop_price) * side as i64 >= 0
}
