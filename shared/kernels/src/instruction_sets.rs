//! The Python functions that tell and choose the instruction set of the array kernels.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::isa::{Isa, available, choose};

/// The instruction sets of this processor, slowest first; the last is in use until another is chosen.
#[pyfunction]
pub fn instruction_sets() -> Vec<&'static str> {
    available().into_iter().map(Isa::name).collect()
}

/// Run the array kernels on one of `instruction_sets()` from now on.
#[pyfunction]
pub fn use_instruction_set(name: &str) -> PyResult<()> {
    let known = Isa::ALL.into_iter().find(|isa| isa.name() == name);
    if known.is_some_and(choose) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "no instruction set {name:?} here; this processor has {}",
        instruction_sets().join(", ")
    )))
}
