//! An L2 book from a snapshot and the depth messages after it; see `hedgerow.kernels.twin_l2`.

use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Chaining {
    Spot,
    Futures,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum Applied {
    Applied = 1,
    Stale = 2,
    NoSnapshot = 3,
    Gap = 4,
}

/// Quantity by price; bids' prices are negated, so that the first is the best on both sides.
#[derive(Default)]
pub struct Levels {
    by_rank: BTreeMap<i64, i64>,
    sign: i64,
}

impl Levels {
    /// A side is 1 (bid) or -1 (ask).
    pub fn new(side: i64) -> Self {
        Self { by_rank: BTreeMap::new(), sign: -side }
    }

    #[inline(always)]
    fn rank(&self, price: i64) -> i64 {
        price.wrapping_mul(self.sign)
    }

    /// Quantity 0 takes the level away.
    pub fn set(&mut self, price: i64, quantity: i64) {
        let rank = self.rank(price);
        if quantity == 0 {
            self.by_rank.remove(&rank);
        } else {
            self.by_rank.insert(rank, quantity);
        }
    }

    pub fn get(&self, price: i64) -> i64 {
        self.by_rank.get(&self.rank(price)).copied().unwrap_or(0)
    }

    pub fn best(&self) -> Option<(i64, i64)> {
        self.by_rank.first_key_value().map(|(&rank, &quantity)| (self.rank(rank), quantity))
    }

    pub fn top(&self, limit: usize) -> Vec<(i64, i64)> {
        self.by_rank.iter().take(limit).map(|(&rank, &quantity)| (self.rank(rank), quantity)).collect()
    }

    /// Take out the levels worse than this price: their prices.
    pub fn split_beyond(&mut self, price: i64) -> Vec<i64> {
        let Some(from) = self.rank(price).checked_add(1) else { return Vec::new() };
        let gone = self.by_rank.split_off(&from);
        gone.into_keys().map(|rank| self.rank(rank)).collect()
    }
}

pub struct L2Book {
    chaining: Chaining,
    last: Option<i64>,
    synced: bool,
    gap: Option<String>,
    gaps: i64,
    bids: Levels,
    asks: Levels,
}

impl L2Book {
    pub fn new(chaining: Chaining) -> Self {
        Self {
            chaining,
            last: None,
            synced: false,
            gap: None,
            gaps: 0,
            bids: Levels::new(1),
            asks: Levels::new(-1),
        }
    }

    pub fn last(&self) -> Option<i64> {
        self.last
    }

    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }

    pub fn gaps(&self) -> i64 {
        self.gaps
    }

    pub fn side(&self, side: i64) -> &Levels {
        if side > 0 { &self.bids } else { &self.asks }
    }

    pub fn crossed(&self) -> bool {
        matches!((self.bids.best(), self.asks.best()), (Some(bid), Some(ask)) if bid.0 >= ask.0)
    }

    pub fn snapshot(&mut self, last: i64, rows: impl Iterator<Item = (i64, i64, i64)>) {
        (self.bids, self.asks) = (Levels::new(1), Levels::new(-1));
        self.set(rows);
        self.last = Some(last);
        self.synced = false;
        self.gap = None;
    }

    /// Apply a message's rows (side, price, absolute quantity) when it links to the one before it.
    pub fn apply(
        &mut self,
        first: i64,
        last: i64,
        previous: i64,
        rows: impl Iterator<Item = (i64, i64, i64)>,
    ) -> Applied {
        let result = self.chain(first, last, previous);
        if result == Applied::Applied {
            self.set(rows);
        }
        result
    }

    fn set(&mut self, rows: impl Iterator<Item = (i64, i64, i64)>) {
        for (side, price, quantity) in rows {
            if side > 0 { &mut self.bids } else { &mut self.asks }.set(price, quantity);
        }
    }

    fn chain(&mut self, first: i64, last: i64, previous: i64) -> Applied {
        let Some(here) = self.last else { return Applied::NoSnapshot };
        if self.gap.is_some() {
            return Applied::Gap;
        }
        if !self.synced && last <= here {
            return Applied::Stale;
        }
        let link = if self.chaining == Chaining::Spot { first - 1 } else { previous };
        let linked = if self.synced { link == here } else { link <= here };
        if !linked {
            self.gap = Some(format!(
                "depth message ending at update id {last} links to {link}, but the book stands at {here}"
            ));
            self.gaps += 1;
            return Applied::Gap;
        }
        self.synced = true;
        self.last = Some(last);
        Applied::Applied
    }
}
