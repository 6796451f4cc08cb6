//! Snapshots of the index, without the digest that guards them: any bytes give a state or nothing.

use ledger_core::index::snapshot;
use ledger_core::state::root::state_root;

/// See the module.
pub fn run(input: &[u8]) {
    if let Some(state) = snapshot::read(input) {
        let _ = state_root(&state);
    }
}
