//! The inputs of a batch, one column per market quantity, read in blocks that stay in the first-level cache.

use std::ops::{Range, RangeInclusive};

/// Options per block: a few vectors of any instruction set, and all its columns fit the first-level cache.
pub const BLOCK: usize = 64;

/// Below this, starting a second thread costs more than it gains.
const WORTH_A_THREAD: usize = 65_536;

/// One value for the whole batch, or one per option.
#[derive(Clone, Copy)]
pub enum Column<'a> {
    Same(f64),
    Each(&'a [f64]),
}

impl Column<'_> {
    #[inline(always)]
    pub fn at(&self, index: usize) -> f64 {
        match self {
            Column::Same(value) => *value,
            Column::Each(values) => values[index],
        }
    }

    #[inline(always)]
    pub fn read(&self, start: usize, block: &mut [f64]) {
        match self {
            Column::Same(value) => block.fill(*value),
            Column::Each(values) => block.copy_from_slice(&values[start..start + block.len()]),
        }
    }
}

/// Call or put, for the whole batch or per option.
#[derive(Clone, Copy)]
pub enum Flags<'a> {
    Same(bool),
    Each(&'a [bool]),
}

impl Flags<'_> {
    #[inline(always)]
    pub fn at(&self, index: usize) -> bool {
        match self {
            Flags::Same(call) => *call,
            Flags::Each(calls) => calls[index],
        }
    }

    /// 1 for a call, -1 for a put.
    #[inline(always)]
    pub fn read_signs(&self, start: usize, block: &mut [f64]) {
        match self {
            Flags::Same(call) => block.fill(if *call { 1.0 } else { -1.0 }),
            Flags::Each(calls) => {
                for (sign, call) in block.iter_mut().zip(&calls[start..]) {
                    *sign = if *call { 1.0 } else { -1.0 };
                }
            }
        }
    }
}

/// What one option's result means; the numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    Ok = 0,
    BelowIntrinsic = 1,
    AboveBound = 2,
    NoTimeValue = 3,
    NotFinite = 4,
    OutOfDomain = 5,
    Unresolved = 6,
}

/// An input outside its domain: which column, which option, what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    pub column: usize,
    pub index: usize,
    pub value: f64,
}

impl Fault {
    pub fn status(&self) -> Status {
        if self.value.is_finite() { Status::OutOfDomain } else { Status::NotFinite }
    }
}

pub const POSITIVE: RangeInclusive<f64> = 1e-100..=1e100;
pub const NOT_NEGATIVE: RangeInclusive<f64> = 0.0..=1e100;
pub const FINITE: RangeInclusive<f64> = -1e100..=1e100;

/// Bound of |rate x time| and |carry x time|: e to it neither overflows nor underflows in any product.
pub const EXPONENT: f64 = 150.0;

/// The domains of a batch's columns, and where among them the time, and the rates that it multiplies, are.
pub struct Domains<const N: usize> {
    pub ranges: [RangeInclusive<f64>; N],
    pub time: usize,
    pub rates: [usize; 2],
}

impl<const N: usize> Domains<N> {
    /// Whether every option of a block is within its domain.
    #[inline(always)]
    pub fn hold(&self, block: &[[f64; BLOCK]; N]) -> bool {
        let mut outside = 0_u64;
        for (values, range) in block.iter().zip(&self.ranges) {
            for value in values {
                outside |= u64::from(!((*value >= *range.start()) & (*value <= *range.end())));
            }
        }
        for rate in self.rates {
            for (r, t) in block[rate].iter().zip(&block[self.time]) {
                outside |= u64::from((r * t).abs() > EXPONENT);
            }
        }
        outside == 0
    }

    /// The first input of option `lane` that is outside its domain.
    pub fn fault(&self, block: &[[f64; BLOCK]; N], lane: usize, index: usize) -> Option<Fault> {
        let fault = self.fault_of_one(&std::array::from_fn(|column| block[column][lane]))?;
        Some(Fault { index, ..fault })
    }

    /// Whether a single option is within its domain.
    #[inline(always)]
    pub fn hold_for_one(&self, input: &[f64; N]) -> bool {
        let inside = |i: usize| (input[i] >= *self.ranges[i].start()) & (input[i] <= *self.ranges[i].end());
        let flat = |i: usize| (input[i] * input[self.time]).abs() <= EXPONENT;
        let mut hold = flat(self.rates[0]) & flat(self.rates[1]);
        for i in 0..N {
            hold &= inside(i);
        }
        hold
    }

    /// The first input of a single option that is outside its domain.
    #[cold]
    pub fn fault_of_one(&self, input: &[f64; N]) -> Option<Fault> {
        let out = |column: &usize| !self.ranges[*column].contains(&input[*column]);
        let steep = |column: &usize| (input[*column] * input[self.time]).abs() > EXPONENT;
        let column = (0..N).find(out).or_else(|| self.rates.into_iter().find(steep))?;
        Some(Fault { column, index: 0, value: input[column] })
    }
}

/// How to divide `count` options among the processors, at block boundaries.
pub fn portions(count: usize) -> Vec<Range<usize>> {
    let workers = if count < 2 * WORTH_A_THREAD {
        1
    } else {
        std::thread::available_parallelism().map_or(1, |n| n.get()).min(count / WORTH_A_THREAD)
    };
    let size = count.div_ceil(workers).next_multiple_of(BLOCK).max(1);
    (0..count.max(1)).step_by(size).map(|start| start..(start + size).min(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_cover_every_option_once() {
        for count in [0, 1, 64, 65, 200_000, 1_000_001] {
            let portions = portions(count);
            assert_eq!(portions[0].start, 0);
            assert_eq!(portions.last().unwrap().end, count);
            assert!(portions.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
