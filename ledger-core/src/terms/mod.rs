//! The contract in machine-readable form.
//!
//! [`DraftTerms`](draft::DraftTerms) is what a file or a log says; [`check`](check::check) judges
//! it and yields [`Terms`], the only type that rating and the ledger accept.

pub mod glob;
pub mod body;

pub use body::*;
