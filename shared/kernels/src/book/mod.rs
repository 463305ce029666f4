//! The order book: price-time priority over a ladder of price pages, and books rebuilt from feeds.
//!
//! `hedgerow.kernels.twin_book` says what every command does; this is the same, byte for byte, and faster.

pub mod checks;
pub mod command;
pub mod core;
pub mod ids;
pub mod l2;
pub mod l3;
pub mod ladder;
pub mod matching;
pub mod orders;
pub mod prefetch;
pub mod snapshot;
pub mod stops;
pub mod words;

mod calls;
mod feeds_python;
mod huge_pages;
mod python;
mod questions;
mod rare;
mod report;

pub use python::add_to;
pub use report::Report;
