//! Hedgerow's native kernels. Python reaches them through `hedgerow.kernels` only.

use pyo3::prelude::*;

#[pymodule]
fn hedgerow_kernels(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
