//! Price and Greeks of many options, block by block.

use crate::black::{FIRST_ORDER, SECOND_ORDER, option};
use crate::columns::{BLOCK, Column, Domains, FINITE, Fault, Flags, NOT_NEGATIVE, POSITIVE, Status};
use crate::isa::Kernel;

/// spot or forward, strike, time, rate, carry, vol
pub const COLUMNS: usize = 6;

pub const DOMAINS: Domains<COLUMNS> = Domains {
    ranges: [POSITIVE, POSITIVE, NOT_NEGATIVE, FINITE, FINITE, NOT_NEGATIVE],
    time: 2,
    rates: [3, 4],
};

/// A stretch of a batch: its options begin at `start` of the columns and fill all of each row.
pub struct Chain<'a, const FUTURES: bool, const SECOND: bool> {
    pub columns: [Column<'a>; COLUMNS],
    pub calls: Flags<'a>,
    pub start: usize,
    /// One row per value; the last three are empty without `SECOND`.
    pub rows: [&'a mut [f64]; SECOND_ORDER],
    /// Where to note bad options; without it the first of them ends the batch.
    pub status: Option<&'a mut [u8]>,
}

impl<const FUTURES: bool, const SECOND: bool> Kernel for Chain<'_, FUTURES, SECOND> {
    type Output = Result<(), Fault>;

    #[inline(always)]
    fn run<const FMA: bool>(mut self) -> Self::Output {
        let count = self.rows[0].len();
        let rows = if SECOND { SECOND_ORDER } else { FIRST_ORDER };
        let mut input = [[1.0; BLOCK]; COLUMNS];
        let mut sign = [1.0; BLOCK];
        let mut output = [[0.0; BLOCK]; SECOND_ORDER];
        let mut done = 0;
        while done < count {
            let size = (count - done).min(BLOCK);
            for (column, block) in self.columns.iter().zip(&mut input) {
                column.read(self.start + done, &mut block[..size]);
            }
            self.calls.read_signs(self.start + done, &mut sign[..size]);
            let whole = DOMAINS.hold(&input);
            if !whole {
                self.neutralise(&mut input, done, size)?;
            }
            for i in 0..BLOCK {
                let [spot, strike, time, rate, carry, vol] = [0, 1, 2, 3, 4, 5].map(|c: usize| input[c][i]);
                let values = option::<FMA, FUTURES, SECOND>(spot, strike, time, rate, carry, vol, sign[i]);
                for row in 0..rows {
                    output[row][i] = values[row];
                }
            }
            for (row, block) in self.rows.iter_mut().zip(&output).take(rows) {
                row[done..done + size].copy_from_slice(&block[..size]);
            }
            if !whole {
                self.blank(done, size, rows);
            }
            done += size;
        }
        Ok(())
    }
}

impl<const FUTURES: bool, const SECOND: bool> Chain<'_, FUTURES, SECOND> {
    /// Put harmless inputs in place of bad ones and note their status; an error where there is nowhere to note it.
    #[cold]
    fn neutralise(
        &mut self,
        input: &mut [[f64; BLOCK]; COLUMNS],
        done: usize,
        size: usize,
    ) -> Result<(), Fault> {
        for lane in 0..BLOCK {
            if let Some(fault) = DOMAINS.fault(input, lane, self.start + done + lane) {
                if lane < size {
                    self.status.as_mut().ok_or(fault)?[done + lane] = fault.status() as u8;
                }
                input.iter_mut().for_each(|block| block[lane] = 1.0);
            }
        }
        Ok(())
    }

    #[cold]
    fn blank(&mut self, done: usize, size: usize, rows: usize) {
        let Some(status) = &self.status else { return };
        for i in (done..done + size).filter(|&i| status[i] != Status::Ok as u8) {
            self.rows.iter_mut().take(rows).for_each(|row| row[i] = f64::NAN);
        }
    }
}
