//! What a command did, and the records of batches, as Python sees them.

use numpy::{IntoPyArray, PyArrayDescr};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;

use super::command::{Happenings, Outcome};

/// What Python's side of the records defines once for both books.
pub(super) struct Records {
    pub(super) command: Py<PyArrayDescr>,
    pub(super) report: Py<PyAny>,
    pub(super) fill: Py<PyAny>,
    pub(super) cancel: Py<PyAny>,
    pub(super) trigger: Py<PyAny>,
    pub(super) order: Py<PyAny>,
    pub(super) batch_report: Py<PyAny>,
    pub(super) reject: Py<PyAny>,
}

static RECORDS: PyOnceLock<Records> = PyOnceLock::new();

pub(super) fn records(py: Python<'_>) -> PyResult<&'static Records> {
    RECORDS.get_or_try_init(py, || {
        let records = py.import("hedgerow.kernels.book_records")?;
        let get = |name: &str| records.getattr(name).map(Bound::unbind);
        Ok(Records {
            command: records.getattr("COMMAND")?.cast_into::<PyArrayDescr>()?.unbind(),
            report: get("REPORT")?,
            fill: get("FILL")?,
            cancel: get("CANCEL")?,
            trigger: get("TRIGGER")?,
            order: get("ORDER")?,
            batch_report: get("BatchReport")?,
            reject: py.import("hedgerow.kernels.book_words")?.getattr("Reject")?.unbind(),
        })
    })
}

/// Numbers seen as records, without a copy.
pub(super) fn as_records<'py, const N: usize>(
    py: Python<'py>,
    rows: Vec<[i64; N]>,
    dtype: &Py<PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    rows.into_flattened().into_pyarray(py).call_method1("view", (dtype,))
}

/// What one command did.
#[pyclass(frozen, freelist = 256, module = "hedgerow_kernels")]
pub struct Report {
    pub(super) outcome: Outcome,
    pub(super) happenings: Happenings,
}

#[pymethods]
impl Report {
    #[getter]
    fn status(&self) -> u8 {
        self.outcome.status as u8
    }

    #[getter]
    fn code(&self) -> u8 {
        self.outcome.code as u8
    }

    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        records(py)?.reject.bind(py).call1((self.outcome.code as u8,))?.getattr("text")
    }

    #[getter]
    fn filled(&self) -> i64 {
        self.outcome.filled
    }

    #[getter]
    fn remaining(&self) -> i64 {
        self.outcome.remaining
    }

    #[getter]
    fn fills<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.fills.iter().map(|fill| (fill[0], fill[1], fill[2], fill[3])))
    }

    #[getter]
    fn cancels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.cancels.iter().map(|cancel| (cancel[0], cancel[1], cancel[2])))
    }

    #[getter]
    fn triggered<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.triggers.iter().map(|trigger| trigger[0]))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Report(status={}, code={}, filled={}, remaining={}, fills={}, cancels={}, triggered={})",
            self.status(),
            self.code(),
            self.filled(),
            self.remaining(),
            self.fills(py)?,
            self.cancels(py)?,
            self.triggered(py)?
        ))
    }
}
