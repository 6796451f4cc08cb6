//! The ledger: one agreement's log, and everything that follows from it.
//!
//! A collector earns revenue with a licensed model and owes a share of it. What the parties say
//! to each other (terms, usage, statements, payouts) are events, signed and chained in a log that
//! each party has a copy of; every balance is a fold over that log, so that either party computes
//! it alone.
//!
//! ```text
//!   text ──intake──▶ nouns ──command──▶ decide ──event──▶ evolve ──▶ state ──view──▶ people
//!                                          │                ▲           ▲
//!                                          ▼                │           │ snapshot (a cache)
//!                                    wire, chain ──▶ store ─┴─ replay ──┘
//!                                                      │
//!                                      another copy ───┴──▶ verify, diff, pull
//! ```
//!
//! The list of modules below is the reading order, the order of dependence and the way the data
//! goes, all at once: a module uses the modules above it and no other. A test holds that.
//!
//! What is deliberately absent: a clock, the environment, printing, floats, and any order that a
//! hash table gives. Only `store`, `machine` and `index` touch the disk.

#![cfg_attr(test, allow(clippy::restriction, reason = "a test that cannot go on fails"))]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

// Words.
pub mod limits;
pub mod vocab;
// Nouns of the business.
pub mod usage;
pub mod terms;
pub mod statement;
pub mod payout;
pub mod dispute;
// Arithmetic.
pub mod rating;
// From outside text to nouns.
pub mod intake;
// The decider.
pub mod event;
pub mod command;
pub mod state;
pub mod evolve;
pub mod decide;
// The log.
pub mod wire;
pub mod chain;
pub mod acknowledgement;
pub mod settlement;
pub mod store;
pub mod machine;
pub mod replay;
pub mod checkpoint;
pub mod snapshot;
pub mod index;
// Reading.
pub mod view;
pub mod verify;
pub mod what_if;
pub mod diff;
pub mod ledger;
pub mod pull;
