//! The short ways into `OrderBook.limit` and `OrderBook.cancel`, which are called once per order.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

use super::command::Command;
use super::python::{OrderBook, flags, narrow_owner, narrow_side};
use super::report::report_class;
use super::words::{NO_PRICE, kind, self_trade, tif};
use crate::raw::{Arguments, definition, integer, new_instance, slow, truth};

type Object = *mut ffi::PyObject;

/// order_id, owner, side, quantity, price; then time_in_force.
const PLACES: usize = 5;
/// What may be named, in the order of `Named`. Python passes these names as the one object that it keeps of each.
const NAMES: [&str; 6] = ["time_in_force", "post_only", "reduce_only", "display", "expires_ns", "self_trade"];

static INTERNED: PyOnceLock<[Py<PyString>; 6]> = PyOnceLock::new();
static LIMIT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static CANCEL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

struct Named {
    time_in_force: i64,
    post_only: bool,
    reduce_only: bool,
    display: i64,
    expires_ns: i64,
    self_trade: i64,
}

impl Named {
    /// # Safety
    /// Attached to the interpreter; the arguments are alive.
    #[inline(always)]
    unsafe fn read(arguments: Arguments) -> Option<Self> {
        let mut named = Self {
            time_in_force: tif::GTC as i64,
            post_only: false,
            reduce_only: false,
            display: 0,
            expires_ns: 0,
            self_trade: self_trade::CANCEL_NEWEST as i64,
        };
        unsafe {
            if arguments.count == PLACES + 1 {
                named.time_in_force = integer(*arguments.first.add(PLACES))?;
            }
            if arguments.names.is_null() {
                return Some(named);
            }
            let interned = INTERNED.get(Python::assume_attached())?;
            for at in 0..ffi::PyTuple_Size(arguments.names) {
                let name = ffi::PyTuple_GetItem(arguments.names, at);
                let value = *arguments.first.add(arguments.count + at as usize);
                match interned.iter().position(|known| known.as_ptr() == name)? {
                    0 if arguments.count == PLACES => named.time_in_force = integer(value)?,
                    1 => named.post_only = truth(value)?,
                    2 => named.reduce_only = truth(value)?,
                    3 => named.display = integer(value)?,
                    4 => named.expires_ns = integer(value)?,
                    5 => named.self_trade = integer(value)?,
                    _ => return None,
                }
            }
        }
        Some(named)
    }
}

/// # Safety
/// As `Named::read`.
#[inline(always)]
unsafe fn limit_command(arguments: Arguments) -> Option<Command> {
    if arguments.count != PLACES && arguments.count != PLACES + 1 {
        return None;
    }
    unsafe {
        let place = |at: usize| integer(*arguments.first.add(at));
        let (order_id, owner, side, quantity, price) =
            (place(0)?, place(1)?, place(2)?, place(3)?, place(4)?);
        let named = Named::read(arguments)?;
        Some(Command {
            order_id,
            price,
            quantity,
            stop_price: NO_PRICE,
            display: named.display,
            expires_ns: named.expires_ns,
            owner: narrow_owner(owner),
            kind: kind::LIMIT,
            side: narrow_side(side),
            time_in_force: u8::try_from(named.time_in_force).unwrap_or(0),
            flags: flags(named.post_only, named.reduce_only, named.self_trade).ok()?,
        })
    }
}

/// What the book makes of a command; None while another thread has the book.
///
/// # Safety
/// Attached to the interpreter; `book` is an `OrderBook`.
#[inline(always)]
unsafe fn execute(book: Object, command: &Command) -> Option<Object> {
    let py = unsafe { Python::assume_attached() };
    let book = unsafe { Bound::from_borrowed_ptr(py, book).cast_into_unchecked::<OrderBook>() };
    let class = report_class(py).ok()?;
    let report = book.try_borrow_mut().ok()?.execute(command);
    // SAFETY: the class was made for reports.
    Some(unsafe { new_instance(class, report) })
}

unsafe extern "C" fn limit(
    book: Object,
    first: *const Object,
    count: ffi::Py_ssize_t,
    names: Object,
) -> Object {
    let arguments = Arguments { first, count: count as usize, names };
    unsafe {
        limit_command(arguments)
            .and_then(|command| execute(book, &command))
            .unwrap_or_else(|| slow(&LIMIT, Some(book), arguments))
    }
}

unsafe extern "C" fn cancel(
    book: Object,
    first: *const Object,
    count: ffi::Py_ssize_t,
    names: Object,
) -> Object {
    let arguments = Arguments { first, count: count as usize, names };
    unsafe {
        let order_id = if count == 1 && names.is_null() { integer(*first) } else { None };
        order_id
            .and_then(|order_id| execute(book, &Command::new(kind::CANCEL, order_id)))
            .unwrap_or_else(|| slow(&CANCEL, Some(book), arguments))
    }
}

/// Put the short ways in place of the methods that they fall back to.
pub fn add_to(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    INTERNED.get_or_init(py, || NAMES.map(|name| PyString::intern(py, name).unbind()));
    let limit_text =
        c"limit($self, order_id, owner, side, quantity, price, time_in_force=1, *, post_only=False, \
        reduce_only=False, display=0, expires_ns=0, self_trade=1)\n--\n\n";
    for (name, method, slow_method) in [
        ("limit", definition(c"limit", limit_text, limit), &LIMIT),
        ("cancel", definition(c"cancel", c"cancel($self, order_id)\n--\n\n", cancel), &CANCEL),
    ] {
        let replaced = class.getattr(name)?;
        slow_method.get_or_init(py, || replaced.unbind());
        // SAFETY: the definition lives as long as the process.
        let method =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDescr_NewMethod(class.as_type_ptr(), method))? };
        class.setattr(name, method)?;
    }
    Ok(())
}
