//! Price levels in pages of 64. A page knows its occupied levels by one bit each, so that the next best price is found
//! without a search; both sides share the pages, as a book is never crossed and a price belongs to one side.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::ids::NIL;
use super::orders::{Order, Orders};

const RECENT: usize = 64;
const NO_PAGE: i64 = i64::MIN;

#[derive(Clone, Copy)]
pub struct Level {
    pub head: u32,
    pub tail: u32,
    pub visible: i64,
}

const EMPTY: Level = Level { head: NIL, tail: NIL, visible: 0 };

struct Page {
    /// Index of its first level, divided by 64; a level's index is its price in ticks.
    number: i64,
    occupied: [u64; 2],
    levels: [Level; 64],
}

/// Bids are 0, asks are 1.
#[inline(always)]
pub fn row(side: i8) -> usize {
    (side < 0) as usize
}

pub struct Ladder {
    tick: i64,
    pages: Vec<Page>,
    free: Vec<u32>,
    by_number: FxHashMap<i64, u32>,
    in_order: BTreeMap<i64, u32>,
    /// Page by the low bits of its number: almost every order is near one of late.
    recent: [(i64, u32); RECENT],
    best: [u32; 2],
    /// Prices of the best levels; far away where a side is empty.
    best_price: [i64; 2],
}

/// Further away than any price, yet near enough to be subtracted from one.
const NOWHERE: [i64; 2] = [-(1 << 62), 1 << 62];

impl Ladder {
    pub fn new(tick: i64) -> Self {
        Self {
            tick,
            pages: Vec::new(),
            free: Vec::new(),
            by_number: FxHashMap::default(),
            in_order: BTreeMap::new(),
            recent: [(NO_PAGE, NIL); RECENT],
            best: [NIL; 2],
            best_price: NOWHERE,
        }
    }

    /// The best level of a side, `NIL` when it is empty.
    #[inline(always)]
    pub fn best(&self, side: i8) -> u32 {
        self.best[row(side)]
    }

    /// The best price of a side; further away than any price when it is empty.
    #[inline(always)]
    pub fn best_price(&self, side: i8) -> i64 {
        self.best_price[row(side)]
    }

    #[inline(always)]
    pub fn level(&self, place: u32) -> &Level {
        &self.pages[(place >> 6) as usize].levels[(place & 63) as usize]
    }

    #[inline(always)]
    pub fn level_mut(&mut self, place: u32) -> &mut Level {
        &mut self.pages[(place >> 6) as usize].levels[(place & 63) as usize]
    }

    #[inline(always)]
    fn index(&self, place: u32) -> i64 {
        (self.pages[(place >> 6) as usize].number << 6) | (place & 63) as i64
    }

    #[inline(always)]
    pub fn price(&self, place: u32) -> i64 {
        self.index(place) * self.tick
    }

    /// The level at a price where this side has orders.
    pub fn find(&self, side: i8, price: i64) -> Option<u32> {
        if price % self.tick != 0 {
            return None;
        }
        let index = price / self.tick;
        let page = *self.by_number.get(&(index >> 6))?;
        let slot = (index & 63) as u32;
        let occupied = self.pages[page as usize].occupied[row(side)] >> slot & 1 == 1;
        occupied.then_some(page << 6 | slot)
    }

    /// The next level of this side behind this one.
    pub fn next(&self, side: i8, place: u32) -> u32 {
        let page = &self.pages[(place >> 6) as usize];
        let slot = place & 63;
        let within = page.occupied[row(side)]
            & if side > 0 { (1_u64 << slot) - 1 } else { (!0_u64 << slot) & !(1_u64 << slot) };
        if within != 0 {
            return place & !63 | near(side, within);
        }
        self.next_page(side, page.number)
    }

    /// Best level of this side in the pages behind one. Behind the best bid there are only bids; so for asks.
    #[cold]
    fn next_page(&self, side: i8, number: i64) -> u32 {
        let page = if side > 0 {
            self.in_order.range(..number).next_back()
        } else {
            self.in_order.range(number + 1..).next()
        };
        match page {
            Some((_, &page)) => match self.pages[page as usize].occupied[row(side)] {
                0 => NIL,
                occupied => page << 6 | near(side, occupied),
            },
            None => NIL,
        }
    }

    /// Put an order at the end of the queue at a price, a multiple of the tick; its place.
    #[inline(always)]
    pub fn add(&mut self, orders: &mut Orders, slot: u32, side: i8, price: i64) -> u32 {
        let index = if self.tick == 1 { price } else { price / self.tick };
        let page = self.page(index >> 6);
        let place = page << 6 | (index & 63) as u32;
        let bit = 1_u64 << (index & 63);
        let occupied = &mut self.pages[page as usize].occupied[row(side)];
        if *occupied & bit == 0 {
            *occupied |= bit;
            if (price - self.best_price[row(side)]) * side as i64 > 0 {
                self.best[row(side)] = place;
                self.best_price[row(side)] = price;
            }
        }
        self.append(orders, slot, place);
        place
    }

    /// Put an order at the end of a level's queue.
    #[inline(always)]
    pub fn append(&mut self, orders: &mut Orders, slot: u32, place: u32) {
        let level = self.level_mut(place);
        let tail = level.tail;
        level.tail = slot;
        if tail == NIL {
            level.head = slot;
        } else {
            orders[tail].next = slot;
        }
        let order = &mut orders[slot];
        order.previous = tail;
        order.next = NIL;
        order.place = place;
        level.visible += order.visible;
    }

    /// Take an order out of its level's queue; the level stays, even when it is empty then (see `vacate`).
    #[inline(always)]
    pub fn unlink(&mut self, orders: &mut Orders, order: &Order) {
        let level = self.level_mut(order.place);
        level.visible -= order.visible;
        if order.previous == NIL {
            level.head = order.next;
        } else {
            orders[order.previous].next = order.next;
        }
        if order.next == NIL {
            level.tail = order.previous;
        } else {
            orders[order.next].previous = order.previous;
        }
    }

    /// Take out the first in line of a level, and the level when that leaves it empty.
    #[inline(always)]
    pub fn pop(&mut self, orders: &mut Orders, first: &Order) {
        let level = self.level_mut(first.place);
        level.visible -= first.visible;
        level.head = first.next;
        if first.next == NIL {
            level.tail = NIL;
            self.vacate(first.side, first.place);
        } else {
            orders[first.next].previous = NIL;
        }
    }

    /// Take an order out, and its level when that leaves it empty.
    #[inline(always)]
    pub fn remove(&mut self, orders: &mut Orders, order: &Order) {
        self.unlink(orders, order);
        // Only of one that stands alone are both neighbours the same: none.
        if order.previous == order.next {
            self.vacate(order.side, order.place);
        }
    }

    /// Give up an empty level.
    #[inline(always)]
    pub fn vacate(&mut self, side: i8, place: u32) {
        if self.best[row(side)] == place {
            let next = self.next(side, place);
            self.best[row(side)] = next;
            self.best_price[row(side)] = if next == NIL { NOWHERE[row(side)] } else { self.price(next) };
        }
        let page = &mut self.pages[(place >> 6) as usize];
        page.occupied[row(side)] &= !(1_u64 << (place & 63));
        if page.occupied == [0, 0] {
            self.free_page(place >> 6);
        }
    }

    #[inline(always)]
    fn page(&mut self, number: i64) -> u32 {
        let recent = self.recent[number as usize % RECENT];
        if recent.0 == number {
            return recent.1;
        }
        let page = match self.by_number.get(&number) {
            Some(&page) => page,
            None => self.new_page(number),
        };
        self.recent[number as usize % RECENT] = (number, page);
        page
    }

    #[cold]
    fn new_page(&mut self, number: i64) -> u32 {
        let page = match self.free.pop() {
            Some(page) => {
                // A page is freed when all of its levels are empty, so only its number is new.
                self.pages[page as usize].number = number;
                page
            }
            None => {
                self.pages.push(Page { number, occupied: [0, 0], levels: [EMPTY; 64] });
                u32::try_from(self.pages.len() - 1).expect("a book has less than 2^26 pages of prices")
            }
        };
        assert!(page < 1 << 26, "a book has less than 2^26 pages of prices");
        self.by_number.insert(number, page);
        self.in_order.insert(number, page);
        page
    }

    #[cold]
    fn free_page(&mut self, page: u32) {
        let number = self.pages[page as usize].number;
        self.by_number.remove(&number);
        self.in_order.remove(&number);
        self.free.push(page);
        let recent = &mut self.recent[number as usize % RECENT];
        if recent.0 == number {
            *recent = (NO_PAGE, NIL);
        }
    }
}

/// The best of a page's levels: the highest of bids, the lowest of asks.
#[inline(always)]
fn near(side: i8, occupied: u64) -> u32 {
    if side > 0 { 63 - occupied.leading_zeros() } else { occupied.trailing_zeros() }
}
