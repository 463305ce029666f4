//! The rebuilt books as Python sees them; `hedgerow.kernels.twin_l2` and `twin_l3` document every method.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::l2::{Applied, Chaining, L2Book};
use super::l3::{Followed, L3Book, message};

type Column<'py> = PyReadonlyArray1<'py, i64>;

/// What Python's side checks and defines once for both builders.
fn feeds<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyModule>> {
    py.import("hedgerow.kernels.book_feeds")
}

fn checked<'py>(
    sides: Bound<'py, PyAny>,
    prices: Bound<'py, PyAny>,
    quantities: Bound<'py, PyAny>,
) -> PyResult<(Column<'py>, Column<'py>, Column<'py>)> {
    feeds(sides.py())?.call_method1("changes", (sides, prices, quantities))?.extract()
}

/// Records as numbers, checked to be of that dtype.
fn numbers<'py>(messages: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Column<'py>> {
    let feeds = feeds(messages.py())?;
    let records = feeds.call_method1("records", ("messages", messages, feeds.getattr(dtype)?))?;
    records.call_method1("view", ("<i8",))?.extract()
}

fn rows<'a>(
    columns: &'a (&'a [i64], &'a [i64], &'a [i64]),
    from: usize,
    to: usize,
) -> impl Iterator<Item = (i64, i64, i64)> + 'a {
    let (sides, prices, quantities) = columns;
    (from..to).map(move |row| (sides[row], prices[row], quantities[row]))
}

fn a_side(side: i64) -> PyResult<i64> {
    match side {
        1 | -1 => Ok(side),
        _ => Err(PyValueError::new_err(format!("side is {side}; it should be 1 (bid) or -1 (ask)"))),
    }
}

#[pyclass(module = "hedgerow_kernels")]
pub struct L2BookBuilder {
    book: L2Book,
}

#[pymethods]
impl L2BookBuilder {
    #[new]
    fn new(chaining: i64) -> PyResult<Self> {
        let chaining = match chaining {
            1 => Chaining::Spot,
            2 => Chaining::Futures,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "chaining is {chaining}; it should be 1 (spot) or 2 (futures)"
                )));
            }
        };
        Ok(Self { book: L2Book::new(chaining) })
    }

    #[getter]
    fn last_update_id(&self) -> Option<i64> {
        self.book.last()
    }

    #[getter]
    fn gap(&self) -> Option<&str> {
        self.book.gap()
    }

    #[getter]
    fn gaps(&self) -> i64 {
        self.book.gaps()
    }

    #[getter]
    fn crossed(&self) -> bool {
        self.book.crossed()
    }

    fn snapshot<'py>(
        &mut self,
        last_update_id: i64,
        sides: Bound<'py, PyAny>,
        prices: Bound<'py, PyAny>,
        quantities: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let (sides, prices, quantities) = checked(sides, prices, quantities)?;
        let columns = (sides.as_slice()?, prices.as_slice()?, quantities.as_slice()?);
        self.book.snapshot(last_update_id, rows(&columns, 0, columns.0.len()));
        Ok(())
    }

    fn apply<'py>(
        &mut self,
        first_id: i64,
        last_id: i64,
        previous_id: i64,
        sides: Bound<'py, PyAny>,
        prices: Bound<'py, PyAny>,
        quantities: Bound<'py, PyAny>,
    ) -> PyResult<i64> {
        let (sides, prices, quantities) = checked(sides, prices, quantities)?;
        let columns = (sides.as_slice()?, prices.as_slice()?, quantities.as_slice()?);
        Ok(self.book.apply(first_id, last_id, previous_id, rows(&columns, 0, columns.0.len())) as i64)
    }

    fn apply_many<'py>(
        &mut self,
        py: Python<'py>,
        messages: Bound<'py, PyAny>,
        sides: Bound<'py, PyAny>,
        prices: Bound<'py, PyAny>,
        quantities: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let messages = numbers(&messages, "DEPTH_MESSAGE")?;
        let (sides, prices, quantities) = checked(sides, prices, quantities)?;
        let columns = (sides.as_slice()?, prices.as_slice()?, quantities.as_slice()?);
        let messages = messages.as_slice()?.chunks_exact(4);
        let total: i64 = messages.clone().map(|message| message[3]).sum();
        if total != columns.0.len() as i64 || messages.clone().any(|message| message[3] < 0) {
            return Err(PyValueError::new_err(format!(
                "the messages have {total} rows in all, the arrays {}",
                columns.0.len()
            )));
        }
        let mut touches = Vec::with_capacity(messages.len());
        let mut end = 0;
        for message in messages {
            let start = end;
            end += message[3] as usize;
            let result: Applied =
                self.book.apply(message[0], message[1], message[2], rows(&columns, start, end));
            let bid = self.book.side(1).best().unwrap_or((0, 0));
            let ask = self.book.side(-1).best().unwrap_or((0, 0));
            touches.push([bid.0, bid.1, ask.0, ask.1, result as i64]);
        }
        touches.into_flattened().into_pyarray(py).call_method1("view", (feeds(py)?.getattr("TOUCH")?,))
    }

    fn best(&self, side: i64) -> PyResult<Option<(i64, i64)>> {
        Ok(self.book.side(a_side(side)?).best())
    }

    fn levels(&self, side: i64, limit: i64) -> PyResult<Vec<(i64, i64)>> {
        Ok(self.book.side(a_side(side)?).top(limit.max(0) as usize))
    }
}

#[pyclass(module = "hedgerow_kernels")]
#[derive(Default)]
pub struct L3BookBuilder {
    book: L3Book,
}

impl L3BookBuilder {
    fn follow(&mut self, given: &[i64; 6]) -> PyResult<Followed> {
        let [_, kind, _, side, quantity, _] = *given;
        a_side(side)?;
        if !(message::ADD..=message::HALT).contains(&kind) {
            return Err(PyValueError::new_err(format!("kind is {kind}; it should be a Message, 1 to 7")));
        }
        if quantity <= 0 && kind <= message::EXECUTE {
            return Err(PyValueError::new_err(format!("quantity is {quantity}; it should be positive")));
        }
        Ok(self.book.follow(given))
    }
}

#[pymethods]
impl L3BookBuilder {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn clear(&mut self) {
        self.book.clear();
    }

    #[getter]
    fn gap(&self) -> Option<&str> {
        self.book.gap()
    }

    #[getter]
    fn problems(&self) -> i64 {
        self.book.problems()
    }

    fn __len__(&self) -> usize {
        self.book.len()
    }

    fn seed(&mut self, side: i64, price: i64, quantity: i64) -> PyResult<()> {
        a_side(side)?;
        if quantity < 0 {
            return Err(PyValueError::new_err(format!("quantity is {quantity}; it should be 0 or more")));
        }
        self.book.seed(side, price, quantity);
        Ok(())
    }

    fn forget_beyond(&mut self, side: i64, price: i64) -> PyResult<()> {
        self.book.forget_beyond(a_side(side)?, price);
        Ok(())
    }

    fn apply(
        &mut self,
        sequence: i64,
        kind: i64,
        order_id: i64,
        side: i64,
        quantity: i64,
        price: i64,
    ) -> PyResult<i64> {
        self.follow(&[sequence, kind, order_id, side, quantity, price]).map(|result| result as i64)
    }

    fn apply_many<'py>(
        &mut self,
        py: Python<'py>,
        messages: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let messages = numbers(&messages, "ORDER_MESSAGE")?;
        let mut results = Vec::new();
        for given in messages.as_slice()?.chunks_exact(6) {
            results.push(self.follow(given.try_into().expect("six numbers"))? as i64);
        }
        Ok(results.into_pyarray(py))
    }

    fn best(&self, side: i64) -> PyResult<Option<(i64, i64)>> {
        Ok(self.book.side(a_side(side)?).best())
    }

    fn levels(&self, side: i64, limit: i64) -> PyResult<Vec<(i64, i64)>> {
        Ok(self.book.side(a_side(side)?).top(limit.max(0) as usize))
    }

    fn queue(&self, side: i64, price: i64) -> PyResult<Vec<i64>> {
        Ok(self.book.queue(a_side(side)?, price))
    }
}
