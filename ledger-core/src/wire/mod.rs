//! Canonical bytes of events: the only module that knows the binary format
//! (`schemas/log-format.md`).

pub mod codec;
pub mod words;
pub mod block;
mod statement;
pub mod terms;
pub mod event;
