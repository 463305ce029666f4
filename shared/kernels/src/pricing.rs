//! The Python functions for prices, Greeks and implied volatility.

use numpy::{PyArrayDyn, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments::{Numbers, Truths, common_shape, fault_error, output};
use crate::black::{FIRST_ORDER, SECOND_ORDER};
use crate::chain::{self, Chain};
use crate::columns::{Column, Domains, Fault, Flags, portions};
use crate::implied::{self, Inversion};
use crate::isa::{Kernel, dispatch};

type Filled<'py, T> = Bound<'py, PyArrayDyn<T>>;

const SPOT_NAMES: [&str; chain::COLUMNS] = ["spot", "strike", "time", "rate", "carry", "vol"];
const FORWARD_NAMES: [&str; chain::COLUMNS] = ["forward", "strike", "time", "rate", "carry", "vol"];
const IMPLIED_NAMES: [&str; implied::COLUMNS] = ["price", "spot", "strike", "time", "rate", "carry"];

/// What the batch functions share: their inputs as columns of one shape.
struct Batch<'py, const N: usize> {
    numbers: [Numbers<'py>; N],
    calls: Truths<'py>,
    names: [&'static str; N],
    shape: Vec<usize>,
    count: usize,
}

impl<'py, const N: usize> Batch<'py, N> {
    fn new(
        names: [&'static str; N],
        values: [Option<&Bound<'py, PyAny>>; N],
        is_call: &Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        let mut numbers = [const { Numbers::Same(0.0) }; N];
        for ((slot, name), value) in numbers.iter_mut().zip(names).zip(values) {
            if let Some(value) = value {
                *slot = Numbers::new(name, value)?;
            }
        }
        let calls = Truths::new("is_call", is_call)?;
        let mut shapes: Vec<_> = names.into_iter().zip(numbers.iter().map(Numbers::shape)).collect();
        shapes.push(("is_call", calls.shape()));
        let shape = common_shape(&shapes)?;
        let count = shape.iter().product();
        Ok(Batch { numbers, calls, names, shape, count })
    }

    fn columns(&self) -> [Column<'_>; N] {
        std::array::from_fn(|i| self.numbers[i].column())
    }

    fn error(&self, py: Python<'_>, fault: &Fault, domains: &Domains<N>) -> PyErr {
        let column = self.numbers[fault.column].column();
        fault_error(py, fault, &self.names, &domains.ranges, column, &self.shape)
    }
}

#[pyfunction]
pub fn black_scholes<'py>(
    py: Python<'py>,
    spot: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    rate: &Bound<'py, PyAny>,
    carry: &Bound<'py, PyAny>,
    vol: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
    second_order: bool,
    strict: bool,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Filled<'py, f64>, Option<Filled<'py, u8>>)> {
    let values = [spot, strike, time, rate, carry, vol].map(Some);
    let batch = Batch::new(SPOT_NAMES, values, is_call)?;
    if second_order {
        greeks::<false, true>(py, &batch, strict, out)
    } else {
        greeks::<false, false>(py, &batch, strict, out)
    }
}

#[pyfunction]
pub fn black76<'py>(
    py: Python<'py>,
    forward: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    rate: &Bound<'py, PyAny>,
    vol: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
    second_order: bool,
    strict: bool,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Filled<'py, f64>, Option<Filled<'py, u8>>)> {
    let values = [Some(forward), Some(strike), Some(time), Some(rate), None, Some(vol)];
    let batch = Batch::new(FORWARD_NAMES, values, is_call)?;
    if second_order {
        greeks::<true, true>(py, &batch, strict, out)
    } else {
        greeks::<true, false>(py, &batch, strict, out)
    }
}

fn greeks<'py, const FUTURES: bool, const SECOND: bool>(
    py: Python<'py>,
    batch: &Batch<'py, { chain::COLUMNS }>,
    strict: bool,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Filled<'py, f64>, Option<Filled<'py, u8>>)> {
    let rows = if SECOND { SECOND_ORDER } else { FIRST_ORDER };
    let mut values = output(py, out, &[&[rows], batch.shape.as_slice()].concat())?;
    let status = (!strict).then(|| PyArrayDyn::<u8>::zeros(py, batch.shape.as_slice(), false));
    let mut status_guard = status.as_ref().map(|array| array.readwrite());
    let status_slice = status_guard.as_mut().map(|guard| guard.as_slice_mut().expect("newly made"));
    let target = values.as_slice_mut().expect("checked to be contiguous");
    let (columns, calls) = (batch.columns(), batch.calls.flags());
    let count = batch.count;
    py.detach(|| in_portions::<FUTURES, SECOND>(columns, calls, count, target, status_slice))
        .map_err(|fault| batch.error(py, &fault, &chain::DOMAINS))?;
    drop(status_guard);
    Ok((values.as_any().clone().cast_into()?, status))
}

fn in_portions<const FUTURES: bool, const SECOND: bool>(
    columns: [Column<'_>; chain::COLUMNS],
    calls: Flags<'_>,
    count: usize,
    target: &mut [f64],
    mut status: Option<&mut [u8]>,
) -> Result<(), Fault> {
    let mut rest: [&mut [f64]; SECOND_ORDER] = Default::default();
    for (row, values) in rest.iter_mut().zip(target.chunks_exact_mut(count.max(1))) {
        *row = values;
    }
    let mut work = Vec::new();
    for portion in portions(count) {
        let mut rows: [&mut [f64]; SECOND_ORDER] = Default::default();
        for (row, rest) in rows.iter_mut().zip(&mut rest) {
            *row = rest.split_off_mut(..portion.len().min(rest.len())).unwrap_or_default();
        }
        let status = status.as_mut().and_then(|rest| rest.split_off_mut(..portion.len()));
        work.push(Chain::<FUTURES, SECOND> { columns, calls, start: portion.start, rows, status });
    }
    on_threads(work)
}

#[pyfunction]
pub fn implied_volatility<'py>(
    py: Python<'py>,
    price: &Bound<'py, PyAny>,
    spot: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    rate: &Bound<'py, PyAny>,
    carry: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
    guess: Option<&Bound<'py, PyAny>>,
    strict: bool,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Filled<'py, f64>, Filled<'py, u8>)> {
    let values = [price, spot, strike, time, rate, carry].map(Some);
    let batch = Batch::new(IMPLIED_NAMES, values, is_call)?;
    let guess = guess.map(|guess| Numbers::new("guess", guess)).transpose()?;
    let guess_shape = guess.as_ref().and_then(Numbers::shape);
    if guess_shape.is_some_and(|shape| shape != batch.shape) {
        common_shape(&[("the batch", Some(&batch.shape)), ("guess", guess_shape)])?;
    }
    let mut vols = output(py, out, &batch.shape)?;
    let status = PyArrayDyn::<u8>::zeros(py, batch.shape.as_slice(), false);
    let mut status_guard = status.readwrite();
    let mut status_rest = status_guard.as_slice_mut().expect("newly made");
    let mut vol_rest = vols.as_slice_mut().expect("checked to be contiguous");
    let (columns, calls) = (batch.columns(), batch.calls.flags());
    let guess = guess.as_ref().map(Numbers::column);
    py.detach(|| {
        let mut work = Vec::new();
        for portion in portions(batch.count) {
            let vol = vol_rest.split_off_mut(..portion.len()).unwrap_or_default();
            let status = status_rest.split_off_mut(..portion.len()).unwrap_or_default();
            work.push(Inversion { columns, calls, guess, start: portion.start, vol, status, strict });
        }
        on_threads(work)
    })
    .map_err(|fault| batch.error(py, &fault, &implied::DOMAINS))?;
    drop(status_guard);
    Ok((vols.as_any().clone().cast_into()?, status))
}

/// Run every portion, the first of them on this thread; the first fault in the order of the batch counts.
fn on_threads<K: Kernel<Output = Result<(), Fault>> + Send>(work: Vec<K>) -> Result<(), Fault> {
    let mut work = work.into_iter();
    let Some(first) = work.next() else { return Ok(()) };
    std::thread::scope(|scope| {
        let others: Vec<_> = work.map(|kernel| scope.spawn(|| dispatch(kernel))).collect();
        let mut result = dispatch(first);
        for other in others {
            result = result.and(other.join().expect("a kernel panicked"));
        }
        result
    })
}

/// Implied volatility of undiscounted options by the `implied-vol` crate, one by one: an independent opinion.
#[pyfunction]
pub fn reference_implied_volatility<'py>(
    py: Python<'py>,
    price: &Bound<'py, PyAny>,
    forward: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
) -> PyResult<Filled<'py, f64>> {
    let values = [price, forward, strike, time].map(Some);
    let batch = Batch::new(["price", "forward", "strike", "time"], values, is_call)?;
    let mut vols = output(py, None, &batch.shape)?;
    let target = vols.as_slice_mut().map_err(|cause| PyValueError::new_err(cause.to_string()))?;
    let (columns, calls) = (batch.columns(), batch.calls.flags());
    py.detach(|| implied::reference(columns, calls, target));
    Ok(vols.as_any().clone().cast_into()?)
}
