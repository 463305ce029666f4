//! One option at a time, as plain numbers.
//!
//! The maths takes a third of a call, so the way in and out is written against Python's C interface: seven numbers in
//! the right places are read as they come, and the result is a plain struct whose floats Python makes when they are
//! read. Whatever else is passed (keywords, numpy's scalars, mistakes) goes to a PyO3 function, which takes its time.

use std::ffi::{c_int, c_void};
use std::mem::{offset_of, size_of};
use std::ptr;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyString, PyTuple};

use crate::arguments::{Numbers, Truths, fault_error};
use crate::black::option;
use crate::chain::{COLUMNS, DOMAINS};
use crate::columns::{Column, Flags};
use crate::isa::{Kernel, dispatch};

type Input = [f64; COLUMNS];
type Values = [f64; 6];

const VALUE_NAMES: [&std::ffi::CStr; 6] = [c"price", c"delta", c"gamma", c"vega", c"theta", c"rho"];

/// One option, compiled per instruction set like the batches. The input is borrowed: copying what was just written
/// in other widths would stall the processor.
struct One<'a, const FUTURES: bool> {
    input: &'a Input,
    sign: f64,
}

impl<const FUTURES: bool> Kernel for One<'_, FUTURES> {
    type Output = Values;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Values {
        let [spot, strike, time, rate, carry, vol] = *self.input;
        let [price, delta, gamma, vega, theta, rho, ..] =
            option::<FMA, FUTURES, false>(spot, strike, time, rate, carry, vol, self.sign);
        [price, delta, gamma, vega, theta, rho]
    }
}

#[inline(always)]
fn values<const FUTURES: bool>(input: &Input, is_call: bool) -> Values {
    dispatch(One::<FUTURES> { input, sign: if is_call { 1.0 } else { -1.0 } })
}

/// An instance of `OptionGreeks`.
#[repr(C)]
struct Instance {
    head: ffi::PyObject,
    values: Values,
}

static OPTION_GREEKS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The class of results: six read-only numbers and their text.
fn option_greeks(py: Python<'_>) -> PyResult<&'static Py<PyAny>> {
    OPTION_GREEKS.get_or_try_init(py, || {
        let member = |at: usize| ffi::PyMemberDef {
            name: VALUE_NAMES[at].as_ptr(),
            type_code: ffi::Py_T_DOUBLE,
            offset: (offset_of!(Instance, values) + at * size_of::<f64>()) as ffi::Py_ssize_t,
            flags: ffi::Py_READONLY,
            doc: ptr::null(),
        };
        // The type keeps pointing at them.
        let members: &'static mut Vec<ffi::PyMemberDef> = Box::leak(Box::new((0..6).map(member).collect()));
        members.push(unsafe { std::mem::zeroed() });
        let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
        let mut slots = [
            slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
            slot(ffi::Py_tp_dealloc, free_instance as *mut c_void),
            slot(ffi::Py_tp_repr, text_of_instance as *mut c_void),
            slot(ffi::Py_tp_doc, c"Price and Greeks of one option.".as_ptr() as *mut c_void),
            slot(0, ptr::null_mut()),
        ];
        let mut spec = ffi::PyType_Spec {
            name: c"hedgerow.kernels.OptionGreeks".as_ptr(),
            basicsize: size_of::<Instance>() as c_int,
            itemsize: 0,
            flags: (ffi::Py_TPFLAGS_DEFAULT
                | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION
                | ffi::Py_TPFLAGS_IMMUTABLETYPE) as u32,
            slots: slots.as_mut_ptr(),
        };
        // SAFETY: the spec ends with an empty slot, the members with an empty member, and both fit `Instance`.
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec)) }.map(Bound::unbind)
    })
}

/// # Safety
/// Attached to the interpreter; `class` is what `option_greeks` made.
#[inline(always)]
unsafe fn new_instance(class: *mut ffi::PyTypeObject, values: Values) -> *mut ffi::PyObject {
    unsafe {
        let instance = ffi::PyObject_Malloc(size_of::<Instance>()).cast::<Instance>();
        if instance.is_null() {
            return ffi::PyErr_NoMemory();
        }
        (*instance).values = values;
        ffi::PyObject_Init(instance.cast(), class)
    }
}

unsafe extern "C" fn free_instance(instance: *mut ffi::PyObject) {
    unsafe {
        let class = ffi::Py_TYPE(instance);
        ffi::PyObject_Free(instance.cast());
        ffi::Py_DECREF(class.cast());
    }
}

unsafe extern "C" fn text_of_instance(instance: *mut ffi::PyObject) -> *mut ffi::PyObject {
    let values = unsafe { (*instance.cast::<Instance>()).values };
    Python::attach(|py| {
        let parts: Vec<_> = VALUE_NAMES
            .iter()
            .zip(values)
            .map(|(name, value)| format!("{}={}", name.to_string_lossy(), PyFloat::new(py, value)))
            .collect();
        PyString::new(py, &format!("OptionGreeks({})", parts.join(", "))).into_ptr()
    })
}

/// A float or an int as a number; None for anything else, and for an int beyond all floats.
///
/// # Safety
/// Attached to the interpreter; `object` is alive.
#[inline(always)]
unsafe fn number(object: *mut ffi::PyObject) -> Option<f64> {
    unsafe {
        if ffi::PyFloat_Check(object) == 0 && ffi::PyLong_CheckExact(object) == 0 {
            return None;
        }
        let value = ffi::PyFloat_AsDouble(object);
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(value)
    }
}

/// The result for numbers in their places and within their domains, else None.
///
/// # Safety
/// Attached to the interpreter; `arguments` has `count` living objects.
#[inline(always)]
unsafe fn fast<const FUTURES: bool>(
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
) -> Option<*mut ffi::PyObject> {
    let numbers = if FUTURES { COLUMNS - 1 } else { COLUMNS };
    if count as usize != numbers + 1 {
        return None;
    }
    unsafe {
        let mut input = [0.0; COLUMNS];
        for at in 0..numbers {
            // Of a future, the carry before the volatility is 0.
            let column = if FUTURES && at == numbers - 1 { COLUMNS - 1 } else { at };
            input[column] = number(*arguments.add(at))?;
        }
        let truth = *arguments.add(numbers);
        let is_call = truth == ffi::Py_True();
        if !(is_call || truth == ffi::Py_False()) || !DOMAINS.hold_for_one(&input) {
            return None;
        }
        let class = OPTION_GREEKS.get(Python::assume_attached())?.as_ptr();
        Some(new_instance(class.cast(), values::<FUTURES>(&input, is_call)))
    }
}

/// `arguments` and keywords to the function that takes its time.
///
/// # Safety
/// As for a function that Python calls with METH_FASTCALL | METH_KEYWORDS.
#[cold]
unsafe fn slow(
    function: &PyOnceLock<Py<PyAny>>,
    arguments: *const *mut ffi::PyObject,
    count: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let result = |py: Python<'_>| -> PyResult<*mut ffi::PyObject> {
        let argument = |at: usize| unsafe { Bound::from_borrowed_ptr(py, *arguments.add(at)) };
        let count = count as usize;
        let keywords = PyDict::new(py);
        if let Some(names) = unsafe { Bound::from_borrowed_ptr_or_opt(py, names) } {
            for (at, name) in names.try_iter()?.enumerate() {
                keywords.set_item(name?, argument(count + at))?;
            }
        }
        let positional = PyTuple::new(py, (0..count).map(argument))?;
        let function = function.get(py).expect("set when the module was made").bind(py);
        Ok(function.call(positional, Some(&keywords))?.into_ptr())
    };
    Python::attach(|py| {
        result(py).unwrap_or_else(|error| {
            error.restore(py);
            ptr::null_mut()
        })
    })
}

macro_rules! entry {
    ($name:ident, $slow_function:ident, $futures:literal) => {
        static $slow_function: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

        unsafe extern "C" fn $name(
            _module: *mut ffi::PyObject,
            arguments: *const *mut ffi::PyObject,
            count: ffi::Py_ssize_t,
            names: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject {
            unsafe {
                if names.is_null()
                    && let Some(result) = fast::<$futures>(arguments, count)
                {
                    return result;
                }
                slow(&$slow_function, arguments, count, names)
            }
        }
    };
}

entry!(black_scholes_entry, BLACK_SCHOLES_SLOW, false);
entry!(black76_entry, BLACK76_SLOW, true);

#[pyfunction(name = "black_scholes_scalar")]
fn black_scholes_slow<'py>(
    py: Python<'py>,
    spot: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    rate: &Bound<'py, PyAny>,
    carry: &Bound<'py, PyAny>,
    vol: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let names = ["spot", "strike", "time", "rate", "carry", "vol"];
    checked::<false>(py, names, [spot, strike, time, rate, carry, vol].map(Some), is_call)
}

#[pyfunction(name = "black76_scalar")]
fn black76_slow<'py>(
    py: Python<'py>,
    forward: &Bound<'py, PyAny>,
    strike: &Bound<'py, PyAny>,
    time: &Bound<'py, PyAny>,
    rate: &Bound<'py, PyAny>,
    vol: &Bound<'py, PyAny>,
    is_call: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let names = ["forward", "strike", "time", "rate", "carry", "vol"];
    let values = [Some(forward), Some(strike), Some(time), Some(rate), None, Some(vol)];
    checked::<true>(py, names, values, is_call)
}

/// The same as `fast`, with an error for whatever is wrong.
fn checked<'py, const FUTURES: bool>(
    py: Python<'py>,
    names: [&str; COLUMNS],
    arguments: [Option<&Bound<'py, PyAny>>; COLUMNS],
    is_call: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut input = [0.0; COLUMNS];
    for ((slot, name), argument) in input.iter_mut().zip(names).zip(arguments) {
        let Some(argument) = argument else { continue };
        match Numbers::new(name, argument)?.column() {
            Column::Same(value) => *slot = value,
            Column::Each(_) => return Err(an_array(name)),
        }
    }
    let Flags::Same(is_call) = Truths::new("is_call", is_call)?.flags() else {
        return Err(an_array("is_call"));
    };
    if let Some(fault) = DOMAINS.fault_of_one(&input) {
        return Err(fault_error(py, &fault, &names, &DOMAINS.ranges, Column::Same(fault.value), &[]));
    }
    let class = option_greeks(py)?.as_ptr();
    // SAFETY: attached, and the class is the one of the instances.
    unsafe {
        Bound::from_owned_ptr_or_err(py, new_instance(class.cast(), values::<FUTURES>(&input, is_call)))
    }
}

fn an_array(name: &str) -> PyErr {
    PyValueError::new_err(format!("{name} is an array; one option takes a single value"))
}

/// A function of the module that Python calls without a tuple or a dict.
fn function<'py>(
    module: &Bound<'py, PyModule>,
    text: &'static std::ffi::CStr,
    name: &'static std::ffi::CStr,
    entry: ffi::PyCFunctionFastWithKeywords,
) -> PyResult<Bound<'py, PyAny>> {
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: entry },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: text.as_ptr(),
    }));
    let module_name = module.name()?;
    // SAFETY: the definition lives as long as the process.
    unsafe {
        Bound::from_owned_ptr_or_err(
            module.py(),
            ffi::PyCFunction_NewEx(definition, module.as_ptr(), module_name.as_ptr()),
        )
    }
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("OptionGreeks", option_greeks(py)?)?;
    BLACK_SCHOLES_SLOW
        .get_or_init(py, || wrap_pyfunction!(black_scholes_slow, module).unwrap().into_any().unbind());
    BLACK76_SLOW.get_or_init(py, || wrap_pyfunction!(black76_slow, module).unwrap().into_any().unbind());
    module.add(
        "black_scholes_scalar",
        function(
            module,
            c"black_scholes_scalar(spot, strike, time, rate, carry, vol, is_call)\n--\n\n",
            c"black_scholes_scalar",
            black_scholes_entry,
        )?,
    )?;
    module.add(
        "black76_scalar",
        function(
            module,
            c"black76_scalar(forward, strike, time, rate, vol, is_call)\n--\n\n",
            c"black76_scalar",
            black76_entry,
        )?,
    )
}
