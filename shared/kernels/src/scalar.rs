//! One option at a time, as plain numbers.

use std::ffi::CStr;
use std::mem::size_of;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyString};

use crate::arguments::{Numbers, Truths, fault_error};
use crate::black::option;
use crate::chain::{COLUMNS, DOMAINS};
use crate::columns::{Column, Flags};
use crate::isa::{Kernel, dispatch};
use crate::raw::{Arguments, Class, Instance, definition, given, new_instance, slow, truth};

type Input = [f64; COLUMNS];
type Values = [f64; 6];

const VALUE_NAMES: [&CStr; 6] = [c"price", c"delta", c"gamma", c"vega", c"theta", c"rho"];

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

static OPTION_GREEKS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The class of results: six read-only numbers, made into floats when they are read.
fn option_greeks(py: Python<'_>) -> PyResult<&'static Py<PyAny>> {
    OPTION_GREEKS.get_or_try_init(py, || {
        let members = VALUE_NAMES.iter().enumerate();
        Class {
            name: c"hedgerow.kernels.OptionGreeks",
            doc: c"Price and Greeks of one option.",
            members: members.map(|(at, name)| (*name, ffi::Py_T_DOUBLE, at * size_of::<f64>())).collect(),
            getters: vec![],
            text,
        }
        .make::<Values>(py)
    })
}

unsafe extern "C" fn text(greeks: *mut ffi::PyObject) -> *mut ffi::PyObject {
    let values = unsafe { (*greeks.cast::<Instance<Values>>()).value };
    given(|py| {
        let parts = VALUE_NAMES.iter().zip(values);
        let parts =
            parts.map(|(name, value)| format!("{}={}", name.to_string_lossy(), PyFloat::new(py, value)));
        Ok(PyString::new(py, &format!("OptionGreeks({})", parts.collect::<Vec<_>>().join(", "))).unbind())
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
/// Attached to the interpreter; the arguments are alive.
#[inline(always)]
unsafe fn fast<const FUTURES: bool>(arguments: Arguments) -> Option<*mut ffi::PyObject> {
    let numbers = if FUTURES { COLUMNS - 1 } else { COLUMNS };
    if !arguments.names.is_null() || arguments.count != numbers + 1 {
        return None;
    }
    unsafe {
        let mut input = [0.0; COLUMNS];
        for at in 0..numbers {
            // Of a future, the carry before the volatility is 0.
            let column = if FUTURES && at == numbers - 1 { COLUMNS - 1 } else { at };
            input[column] = number(*arguments.first.add(at))?;
        }
        let is_call = truth(*arguments.first.add(numbers))?;
        if !DOMAINS.hold_for_one(&input) {
            return None;
        }
        let class = OPTION_GREEKS.get(Python::assume_attached())?;
        Some(new_instance(class, values::<FUTURES>(&input, is_call)))
    }
}

macro_rules! entry {
    ($name:ident, $slow_function:ident, $futures:literal) => {
        static $slow_function: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

        unsafe extern "C" fn $name(
            _module: *mut ffi::PyObject,
            first: *const *mut ffi::PyObject,
            count: ffi::Py_ssize_t,
            names: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject {
            let arguments = Arguments { first, count: count as usize, names };
            unsafe { fast::<$futures>(arguments).unwrap_or_else(|| slow(&$slow_function, None, arguments)) }
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
    let class = option_greeks(py)?;
    // SAFETY: attached, and the class was made for such values.
    unsafe { Bound::from_owned_ptr_or_err(py, new_instance(class, values::<FUTURES>(&input, is_call))) }
}

fn an_array(name: &str) -> PyErr {
    PyValueError::new_err(format!("{name} is an array; one option takes a single value"))
}

/// Add a function that has a short way in, and keep the PyO3 function that it falls back to.
fn add_entry(
    module: &Bound<'_, PyModule>,
    name: &'static CStr,
    text: &'static CStr,
    entry: ffi::PyCFunctionFastWithKeywords,
    slow_function: &PyOnceLock<Py<PyAny>>,
    function: Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = module.py();
    slow_function.get_or_init(py, || function.unbind());
    let module_name = module.name()?;
    // SAFETY: the definition lives as long as the process.
    let function = unsafe {
        let made =
            ffi::PyCFunction_NewEx(definition(name, text, entry), module.as_ptr(), module_name.as_ptr());
        Bound::from_owned_ptr_or_err(py, made)?
    };
    module.add(&*name.to_string_lossy(), function)
}

pub fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("OptionGreeks", option_greeks(module.py())?)?;
    add_entry(
        module,
        c"black_scholes_scalar",
        c"black_scholes_scalar(spot, strike, time, rate, carry, vol, is_call)\n--\n\n",
        black_scholes_entry,
        &BLACK_SCHOLES_SLOW,
        wrap_pyfunction!(black_scholes_slow, module)?.into_any(),
    )?;
    add_entry(
        module,
        c"black76_scalar",
        c"black76_scalar(forward, strike, time, rate, vol, is_call)\n--\n\n",
        black76_entry,
        &BLACK76_SLOW,
        wrap_pyfunction!(black76_slow, module)?.into_any(),
    )
}
