//! Durable under any fault: what was said to be recorded is there, and nothing half is.
//!
//! `cargo test -p ledger-core --test durable -- --nocapture` prints what was tried
//! (`docs/storage.md`). `REVSHARE_CRASHES` sets how many power cuts are tried, `REVSHARE_SEED`
//! where the random numbers begin.

#![allow(clippy::restriction, reason = "a test that cannot go on fails")]

mod scenes;
mod faults;
mod local_state;
mod checkpoints;
mod pulls;
mod crashes;
mod crash;
mod corruption;
mod index;
mod processes;
