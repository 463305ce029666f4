//! What a command did, and the records of batches, as Python sees them.

use std::ffi::c_void;
use std::mem::offset_of;

use numpy::{PY_ARRAY_API, PyArrayDescr, npyffi};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString};

use super::command::{Happenings, Outcome};
use crate::raw::{Class, Instance, given, new_instance};

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
#[repr(C)]
pub struct Report {
    filled: i64,
    remaining: i64,
    status: u8,
    code: u8,
    happenings: Happenings,
}

static REPORT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The class of reports. Its lists are made when they are read.
pub(super) fn report_class(py: Python<'_>) -> PyResult<&'static Py<PyAny>> {
    REPORT.get_or_try_init(py, || {
        Class {
            name: c"hedgerow_kernels.Report",
            doc: c"What one command did; see `hedgerow.kernels.twin_core.TwinReport`.",
            members: vec![
                (c"filled", ffi::Py_T_LONGLONG, offset_of!(Report, filled)),
                (c"remaining", ffi::Py_T_LONGLONG, offset_of!(Report, remaining)),
                (c"status", ffi::Py_T_UBYTE, offset_of!(Report, status)),
                (c"code", ffi::Py_T_UBYTE, offset_of!(Report, code)),
            ],
            getters: vec![
                (c"text", text_of_code),
                (c"fills", fills),
                (c"cancels", cancels),
                (c"triggered", triggered),
            ],
            text,
        }
        .make::<Report>(py)
    })
}

impl Report {
    pub fn new(outcome: Outcome, happenings: Happenings) -> Self {
        let Outcome { status, code, filled, remaining } = outcome;
        Self { filled, remaining, status: status as u8, code: code as u8, happenings }
    }

    fn fills<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.fills.iter().map(|fill| (fill[0], fill[1], fill[2], fill[3])))
    }

    fn cancels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.cancels.iter().map(|cancel| (cancel[0], cancel[1], cancel[2])))
    }

    fn triggered<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.happenings.triggers.iter().map(|trigger| trigger[0]))
    }
}

impl<'py> IntoPyObject<'py> for Report {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let class = report_class(py)?;
        // SAFETY: attached, and the class was made for reports.
        unsafe { Bound::from_owned_ptr_or_err(py, new_instance(class, self)) }
    }
}

type Object = *mut ffi::PyObject;

/// # Safety
/// `object` is a report, and outlives what is returned.
unsafe fn of<'a>(object: Object) -> &'a Report {
    unsafe { &(*object.cast::<Instance<Report>>()).value }
}

unsafe extern "C" fn text_of_code(object: Object, _: *mut c_void) -> Object {
    let code = unsafe { of(object) }.code;
    given(|py| Ok(records(py)?.reject.bind(py).call1((code,))?.getattr("text")?.unbind()))
}

unsafe extern "C" fn fills(object: Object, _: *mut c_void) -> Object {
    let report = unsafe { of(object) };
    given(|py| report.fills(py).map(Bound::unbind))
}

unsafe extern "C" fn cancels(object: Object, _: *mut c_void) -> Object {
    let report = unsafe { of(object) };
    given(|py| report.cancels(py).map(Bound::unbind))
}

unsafe extern "C" fn triggered(object: Object, _: *mut c_void) -> Object {
    let report = unsafe { of(object) };
    given(|py| report.triggered(py).map(Bound::unbind))
}

unsafe extern "C" fn text(object: Object) -> Object {
    let report = unsafe { of(object) };
    given(|py| {
        let text = format!(
            "Report(status={}, code={}, filled={}, remaining={}, fills={}, cancels={}, triggered={})",
            report.status,
            report.code,
            report.filled,
            report.remaining,
            report.fills(py)?,
            report.cancels(py)?,
            report.triggered(py)?
        );
        Ok(PyString::new(py, &text).unbind())
    })
}
