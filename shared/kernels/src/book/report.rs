//! What a command did, and the records of batches, as Python sees them.

use numpy::{PY_ARRAY_API, PyArrayDescr, npyffi};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;

use super::command::{Happenings, Outcome};

/// What Python's side of the records defines once for both books.
pub(super) struct Records {
    pub(super) command: Py<PyArrayDescr>,
    pub(super) report: Py<PyArrayDescr>,
    pub(super) fill: Py<PyArrayDescr>,
    pub(super) cancel: Py<PyArrayDescr>,
    pub(super) trigger: Py<PyArrayDescr>,
    pub(super) order: Py<PyAny>,
    pub(super) batch_report: Py<PyAny>,
    pub(super) reject: Py<PyAny>,
}

static RECORDS: PyOnceLock<Records> = PyOnceLock::new();

pub(super) fn records(py: Python<'_>) -> PyResult<&'static Records> {
    RECORDS.get_or_try_init(py, || {
        let records = py.import("hedgerow.kernels.book_records")?;
        let get = |name: &str| records.getattr(name).map(Bound::unbind);
        let record =
            |name: &str| -> PyResult<_> { Ok(records.getattr(name)?.cast_into::<PyArrayDescr>()?.unbind()) };
        Ok(Records {
            command: record("COMMAND")?,
            report: record("REPORT")?,
            fill: record("FILL")?,
            cancel: record("CANCEL")?,
            trigger: record("TRIGGER")?,
            order: get("ORDER")?,
            batch_report: get("BatchReport")?,
            reject: py.import("hedgerow.kernels.book_words")?.getattr("Reject")?.unbind(),
        })
    })
}

/// Numbers as a new array of records.
pub(super) fn as_records<'py, const N: usize>(
    py: Python<'py>,
    rows: &[[i64; N]],
    dtype: &Py<PyArrayDescr>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut count = rows.len() as npyffi::npy_intp;
    // SAFETY: the array is new and of a record of `N` times eight bytes, as the rows are; numpy takes over the
    // reference to the type.
    unsafe {
        let array = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            npyffi::get_type_object(py, npyffi::NpyTypes::PyArray_Type),
            dtype.clone_ref(py).into_ptr().cast(),
            1,
            &mut count,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        let array = Bound::from_owned_ptr_or_err(py, array)?;
        let data = (*array.as_ptr().cast::<npyffi::PyArrayObject>()).fields.data;
        std::ptr::copy_nonoverlapping(rows.as_ptr().cast(), data, size_of_val(rows));
        Ok(array)
    }
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
