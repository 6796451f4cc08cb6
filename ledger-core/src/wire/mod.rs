//! Canonical bytes of events: the only module that knows the binary format
//! (`schemas/log-format.md`).

pub mod codec;
pub mod words;
pub mod block;
mod statement;
mod fields;
pub mod clauses;
pub mod terms;
mod kept;
pub mod dispute;
pub mod event;

#[cfg(test)]
mod terms_tests;
