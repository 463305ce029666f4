//! Python arguments as columns: numbers and float64 arrays of one shape. What is wrong with them is said with the
//! argument's name and index.

use std::ops::RangeInclusive;

use numpy::{
    PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use crate::columns::{Column, EXPONENT, FINITE, Fault, Flags, NOT_NEGATIVE, POSITIVE};

/// A numeric argument, held while its values are read.
pub enum Numbers<'py> {
    Same(f64),
    Each(PyReadonlyArrayDyn<'py, f64>),
    /// An array that was not contiguous.
    Copied(Vec<f64>, Vec<usize>),
}

pub enum Truths<'py> {
    Same(bool),
    Each(PyReadonlyArrayDyn<'py, bool>),
    Copied(Vec<bool>, Vec<usize>),
}

impl<'py> Numbers<'py> {
    /// # Errors
    /// ValueError naming the argument, when it is neither a number nor a float64 array.
    pub fn new(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = value.cast::<PyArrayDyn<f64>>() {
            let array = array.try_readonly().map_err(|_| borrowed(name))?;
            return Ok(if array.ndim() == 0 {
                Numbers::Same(array.as_array()[[]])
            } else if array.is_c_contiguous() {
                Numbers::Each(array)
            } else {
                Numbers::Copied(array.as_array().iter().copied().collect(), array.shape().to_vec())
            });
        }
        let is_number = value.is_instance_of::<PyFloat>()
            || (value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>());
        if is_number {
            return value.extract().map(Numbers::Same).map_err(|_| {
                let text = format!("{name} is an int beyond all floats; it must be at most 1e100 in size");
                PyValueError::new_err(text)
            });
        }
        Err(wrong_type(name, value, "a float64 numpy array or a number"))
    }

    pub fn column(&self) -> Column<'_> {
        match self {
            Numbers::Same(value) => Column::Same(*value),
            Numbers::Each(array) => Column::Each(array.as_slice().expect("checked to be contiguous")),
            Numbers::Copied(values, _) => Column::Each(values),
        }
    }

    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Numbers::Same(_) => None,
            Numbers::Each(array) => Some(array.shape()),
            Numbers::Copied(_, shape) => Some(shape),
        }
    }
}

impl<'py> Truths<'py> {
    /// # Errors
    /// ValueError naming the argument, when it is neither a bool nor a bool array.
    pub fn new(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(array) = value.cast::<PyArrayDyn<bool>>() {
            let array = array.try_readonly().map_err(|_| borrowed(name))?;
            return Ok(if array.ndim() == 0 {
                Truths::Same(array.as_array()[[]])
            } else if array.is_c_contiguous() {
                Truths::Each(array)
            } else {
                Truths::Copied(array.as_array().iter().copied().collect(), array.shape().to_vec())
            });
        }
        match value.extract::<bool>() {
            Ok(truth) => Ok(Truths::Same(truth)),
            Err(_) => Err(wrong_type(name, value, "a bool numpy array or a bool")),
        }
    }

    pub fn flags(&self) -> Flags<'_> {
        match self {
            Truths::Same(value) => Flags::Same(*value),
            Truths::Each(array) => Flags::Each(array.as_slice().expect("checked to be contiguous")),
            Truths::Copied(values, _) => Flags::Each(values),
        }
    }

    pub fn shape(&self) -> Option<&[usize]> {
        match self {
            Truths::Same(_) => None,
            Truths::Each(array) => Some(array.shape()),
            Truths::Copied(_, shape) => Some(shape),
        }
    }
}

/// The one shape of all arrays; `[]` when every argument is a single value.
///
/// # Errors
/// ValueError naming the first two arguments that disagree.
pub fn common_shape(shapes: &[(&str, Option<&[usize]>)]) -> PyResult<Vec<usize>> {
    let mut arrays = shapes.iter().filter_map(|(name, shape)| shape.map(|shape| (name, shape)));
    let Some((first, shape)) = arrays.next() else { return Ok(vec![]) };
    for (name, other) in arrays {
        if other != shape {
            return Err(PyValueError::new_err(format!(
                "{name} has shape {}, but {first} has shape {}; every array needs the same shape",
                tuple(other),
                tuple(shape)
            )));
        }
    }
    Ok(shape.to_vec())
}

/// `out`, writable, as `rows` rows of `shape`; a new array without it.
///
/// # Errors
/// ValueError when it is not a writable contiguous float64 array of that shape, or overlaps an input.
pub fn output<'py>(
    py: Python<'py>,
    out: Option<&Bound<'py, PyAny>>,
    shape: &[usize],
) -> PyResult<PyReadwriteArrayDyn<'py, f64>> {
    let Some(out) = out else {
        // SAFETY: every element is written before anything reads it, or the array is dropped with an error.
        return Ok(unsafe { PyArrayDyn::<f64>::new(py, shape, false) }.readwrite());
    };
    let Ok(array) = out.cast::<PyArrayDyn<f64>>() else {
        return Err(wrong_type("out", out, "a float64 numpy array"));
    };
    if array.shape() != shape || !array.is_c_contiguous() {
        return Err(PyValueError::new_err(format!(
            "out has shape {}{}; it must be C-contiguous of shape {}",
            tuple(array.shape()),
            if array.is_c_contiguous() { "" } else { " and is not contiguous" },
            tuple(shape)
        )));
    }
    array.try_readwrite().map_err(|_| PyValueError::new_err("out is read-only or overlaps an input"))
}

/// What is wrong with an input, in words.
pub fn fault_error(
    py: Python<'_>,
    fault: &Fault,
    names: &[&str],
    domains: &[RangeInclusive<f64>],
    column: Column<'_>,
    shape: &[usize],
) -> PyErr {
    let range = &domains[fault.column];
    let requirement = if range.contains(&fault.value) {
        format!("times time it must lie within ±{EXPONENT}")
    } else if *range == POSITIVE {
        "it must be finite and positive (1e-100 to 1e100)".to_owned()
    } else if *range == NOT_NEGATIVE {
        "it must be finite and not negative (0 to 1e100)".to_owned()
    } else {
        debug_assert!(*range == FINITE);
        "it must be finite (at most 1e100 in size)".to_owned()
    };
    let place = if matches!(column, Column::Same(_)) { String::new() } else { place(fault.index, shape) };
    let value = PyFloat::new(py, fault.value);
    PyValueError::new_err(format!("{}{place} is {value}; {requirement}", names[fault.column]))
}

fn place(mut index: usize, shape: &[usize]) -> String {
    let mut indices = vec![0; shape.len()];
    for (slot, size) in indices.iter_mut().zip(shape).rev() {
        *slot = index % size;
        index /= size;
    }
    format!("[{}]", indices.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
}

/// A shape as Python writes it.
fn tuple(shape: &[usize]) -> String {
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 { format!("({sizes},)") } else { format!("({sizes})") }
}

fn wrong_type(name: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let given = match value.cast::<PyUntypedArray>() {
        Ok(array) => format!("an array of dtype {}", array.dtype()),
        Err(_) => {
            format!("a {}", value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string()))
        }
    };
    PyValueError::new_err(format!("{name} is {given}; {wanted} is needed"))
}

fn borrowed(name: &str) -> PyErr {
    PyValueError::new_err(format!("{name} is being written by another kernel"))
}
