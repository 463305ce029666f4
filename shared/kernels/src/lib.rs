//! Hedgerow's native kernels. Python reaches them through `hedgerow.kernels` only.

mod arguments;
mod black;
pub mod book;
mod chain;
mod coefficients;
mod columns;
mod elementary;
mod implied;
mod instruction_sets;
mod isa;
mod normal;
mod pricing;
mod raw;
mod scalar;

use pyo3::prelude::*;

#[pymodule]
fn hedgerow_kernels(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(instruction_sets::instruction_sets, module)?)?;
    module.add_function(wrap_pyfunction!(instruction_sets::use_instruction_set, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::black_scholes, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::black76, module)?)?;
    scalar::add_to(module)?;
    module.add_function(wrap_pyfunction!(pricing::implied_volatility, module)?)?;
    module.add_function(wrap_pyfunction!(pricing::reference_implied_volatility, module)?)?;
    book::add_to(module)?;
    Ok(())
}
