//! `revshare`: everything that talks. Paths, clock, environment and terminal live here; what a
//! ledger is and does lives in `ledger-core`.

#![cfg_attr(test, allow(clippy::restriction, reason = "a test that cannot go on fails"))]

mod error;
mod output;
mod files;
mod progress;
mod context;
mod point;
mod pager;
mod evidence;
mod evidence_store;
mod render;
mod commands;
mod app;

fn main() -> std::process::ExitCode {
    app::main()
}
