//! The book as Python sees it; `hedgerow.kernels.twin_book` documents every method.

use numpy::{
    IntoPyArray, PyArray1, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::command::{Command, Happenings};
use super::core::{Book, Rules};
use super::report::{Report, as_records, records};
use super::words::{
    ANY_OWNER, MAX_QUANTITY, NO_PRICE, OWNERS, POST_ONLY, REDUCE_ONLY, SELF_TRADE_SHIFT, kind,
};

/// One instrument's orders, matched by price, then time; see `hedgerow.kernels.twin_book.TwinOrderBook`.
#[pyclass(module = "hedgerow_kernels")]
pub struct OrderBook {
    book: Book,
    /// Of the last batch; their room is used again.
    batch: Happenings,
    reports: Vec<[i64; 3]>,
}

impl OrderBook {
    fn of(book: Book) -> Self {
        Self { book, batch: Happenings::default(), reports: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn execute(&mut self, command: &Command) -> Report {
        let mut happenings = Happenings::default();
        let outcome = self.book.execute(command, &mut happenings);
        Report::new(outcome, happenings)
    }
}

pub(super) fn narrow_side(side: i64) -> i8 {
    i8::try_from(side).unwrap_or(i8::MAX)
}

pub(super) fn narrow_owner(owner: i64) -> u32 {
    u32::try_from(owner).unwrap_or(OWNERS)
}

fn a_side(side: i64) -> PyResult<i8> {
    match side {
        1 | -1 => Ok(side as i8),
        _ => Err(PyValueError::new_err(format!("side is {side}; it should be 1 (buy) or -1 (sell)"))),
    }
}

pub(super) fn flags(post_only: bool, reduce_only: bool, self_trade: i64) -> PyResult<u8> {
    if !(0..=3).contains(&self_trade) {
        return Err(PyValueError::new_err(format!(
            "self_trade is {self_trade}; it should be a SelfTrade, 0 to 3"
        )));
    }
    let post_only = if post_only { POST_ONLY } else { 0 };
    let reduce_only = if reduce_only { REDUCE_ONLY } else { 0 };
    Ok(post_only | reduce_only | (self_trade as u8) << SELF_TRADE_SHIFT)
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (*, tick=1, lot=1, min_quantity=1, max_quantity=MAX_QUANTITY, low=1, high=1 << 53))]
    fn new(tick: i64, lot: i64, min_quantity: i64, max_quantity: i64, low: i64, high: i64) -> PyResult<Self> {
        let rules = Rules { tick, lot, min_quantity, max_quantity, low, high };
        Book::new(rules).map(Self::of).map_err(PyValueError::new_err)
    }

    #[getter]
    fn changes(&self) -> i64 {
        self.book.changes
    }

    #[getter]
    fn last_trade(&self) -> Option<i64> {
        Some(self.book.last_trade).filter(|price| *price != NO_PRICE)
    }

    #[getter]
    fn now_ns(&self) -> i64 {
        self.book.now_ns
    }

    #[pyo3(signature = (order_id, owner, side, quantity, price, time_in_force=1, *, post_only=false,
                        reduce_only=false, display=0, expires_ns=0, self_trade=1))]
    fn limit(
        &mut self,
        order_id: i64,
        owner: i64,
        side: i64,
        quantity: i64,
        price: i64,
        time_in_force: i64,
        post_only: bool,
        reduce_only: bool,
        display: i64,
        expires_ns: i64,
        self_trade: i64,
    ) -> PyResult<Report> {
        Ok(self.execute(&Command {
            order_id,
            price,
            quantity,
            stop_price: NO_PRICE,
            display,
            expires_ns,
            owner: narrow_owner(owner),
            kind: kind::LIMIT,
            side: narrow_side(side),
            time_in_force: u8::try_from(time_in_force).unwrap_or(0),
            flags: flags(post_only, reduce_only, self_trade)?,
        }))
    }

    #[pyo3(signature = (order_id, owner, side, quantity, time_in_force=3, *, reduce_only=false, self_trade=1))]
    fn market(
        &mut self,
        order_id: i64,
        owner: i64,
        side: i64,
        quantity: i64,
        time_in_force: i64,
        reduce_only: bool,
        self_trade: i64,
    ) -> PyResult<Report> {
        Ok(self.execute(&Command {
            quantity,
            owner: narrow_owner(owner),
            side: narrow_side(side),
            time_in_force: u8::try_from(time_in_force).unwrap_or(0),
            flags: flags(false, reduce_only, self_trade)?,
            ..Command::new(kind::MARKET, order_id)
        }))
    }

    #[pyo3(signature = (order_id, owner, side, quantity, stop_price, price=None, time_in_force=1, *,
                        reduce_only=false, display=0, expires_ns=0, self_trade=1))]
    fn stop(
        &mut self,
        order_id: i64,
        owner: i64,
        side: i64,
        quantity: i64,
        stop_price: i64,
        price: Option<i64>,
        time_in_force: i64,
        reduce_only: bool,
        display: i64,
        expires_ns: i64,
        self_trade: i64,
    ) -> PyResult<Report> {
        Ok(self.execute(&Command {
            order_id,
            price: price.unwrap_or(NO_PRICE),
            quantity,
            stop_price,
            display,
            expires_ns,
            owner: narrow_owner(owner),
            kind: if price.is_none() { kind::STOP } else { kind::STOP_LIMIT },
            side: narrow_side(side),
            time_in_force: u8::try_from(time_in_force).unwrap_or(0),
            flags: flags(false, reduce_only, self_trade)?,
        }))
    }

    #[pyo3(signature = (order_id, quantity, price=None))]
    fn amend(&mut self, order_id: i64, quantity: i64, price: Option<i64>) -> Report {
        let price = price.unwrap_or(NO_PRICE);
        self.execute(&Command { quantity, price, ..Command::new(kind::AMEND, order_id) })
    }

    fn cancel(&mut self, order_id: i64) -> Report {
        self.execute(&Command::new(kind::CANCEL, order_id))
    }

    #[pyo3(signature = (owner=None, side=0))]
    fn cancel_all(&mut self, owner: Option<i64>, side: i64) -> Report {
        self.execute(&Command {
            owner: owner.map_or(ANY_OWNER, narrow_owner),
            side: narrow_side(side),
            ..Command::new(kind::MASS_CANCEL, 0)
        })
    }

    fn expire(&mut self, now_ns: i64) -> Report {
        self.execute(&Command { expires_ns: now_ns, ..Command::new(kind::EXPIRE, 0) })
    }

    fn set_band(&mut self, low: i64, high: i64) -> Report {
        self.execute(&Command { price: low, stop_price: high, ..Command::new(kind::SET_BAND, 0) })
    }

    fn set_position(&mut self, owner: i64, quantity: i64) -> Report {
        let owner = narrow_owner(owner);
        self.execute(&Command { quantity, owner, ..Command::new(kind::SET_POSITION, 0) })
    }

    fn run<'py>(
        &mut self,
        py: Python<'py>,
        commands: &Bound<'py, PyUntypedArray>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let records = records(py)?;
        if !commands.dtype().is_equiv_to(records.command.bind(py)) {
            return Err(PyValueError::new_err(format!(
                "commands have dtype {}; it should be COMMAND (see blank_commands)",
                commands.dtype()
            )));
        }
        if commands.ndim() != 1 || !commands.is_c_contiguous() {
            return Err(PyValueError::new_err("commands should be a contiguous, one-dimensional array"));
        }
        let count = commands.len();
        // SAFETY: the array is contiguous and of `COMMAND`, whose 56 bytes are `Command`'s; any bytes make a valid
        // `Command`. The GIL is held, so nobody writes to them meanwhile.
        let first = unsafe { (*commands.as_array_ptr()).fields.data }.cast::<Command>();
        let aligned: Vec<Command>;
        let commands = if first.is_aligned() {
            unsafe { std::slice::from_raw_parts(first, count) }
        } else {
            aligned = (0..count).map(|index| unsafe { first.add(index).read_unaligned() }).collect();
            &aligned
        };
        self.reports.clear();
        self.reports.reserve(count);
        let happenings = &mut self.batch;
        happenings.clear();
        let is_large = self.book.is_large();
        for (index, command) in commands.iter().enumerate() {
            if is_large {
                self.book.prepare(commands, index);
            }
            happenings.command = index as i64;
            self.reports.push(self.book.execute(command, happenings).record());
        }
        records.batch_report.bind(py).call1((
            as_records(py, &self.reports, &records.report)?,
            as_records(py, &happenings.fills, &records.fill)?,
            as_records(py, &happenings.cancels, &records.cancel)?,
            as_records(py, &happenings.triggers, &records.trigger)?,
        ))
    }

    fn best(&self, side: i64) -> PyResult<Option<i64>> {
        Ok(self.book.best(a_side(side)?))
    }

    fn levels(&self, side: i64, limit: i64) -> PyResult<Vec<(i64, i64)>> {
        Ok(self.book.levels(a_side(side)?, limit.max(0) as usize))
    }

    fn queue(&self, side: i64, price: i64) -> PyResult<Vec<i64>> {
        Ok(self.book.queue(a_side(side)?, price))
    }

    fn remaining(&self, order_id: i64) -> i64 {
        self.book.remaining(order_id)
    }

    fn position(&self, owner: i64) -> i64 {
        self.book.position(narrow_owner(owner))
    }

    fn orders<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes: Bound<'py, PyArray1<u8>> = self.book.order_records().into_pyarray(py);
        bytes.as_untyped().call_method1("view", (&records(py)?.order,))
    }

    fn __len__(&self) -> usize {
        self.book.len()
    }

    fn __contains__(&self, order_id: i64) -> bool {
        self.book.contains(order_id)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.book.snapshot())
    }

    #[staticmethod]
    fn restore(snapshot: &[u8]) -> PyResult<Self> {
        Book::restore(snapshot).map(Self::of).map_err(PyValueError::new_err)
    }

    fn state_hash(&self) -> String {
        let snapshot = self.book.snapshot();
        snapshot[snapshot.len() - 32..].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<OrderBook>()?;
    super::calls::add_to(&module.py().get_type::<OrderBook>())?;
    module.add("Report", super::report::report_class(module.py())?)?;
    module.add_class::<super::feeds_python::L2BookBuilder>()?;
    module.add_class::<super::feeds_python::L3BookBuilder>()
}
