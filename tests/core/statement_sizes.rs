//! How long the next statement can become is a bound that writers rely on: no statement is longer.

use ledger_core::event::Event;
use ledger_core::evolve::evolve;
use ledger_core::evolve::statement_size::next_len_max;
use ledger_core::state::State;
use ledger_core::wire::event::encode_payload;
use revshare_kit::random::Plan;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::facts;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::random::tiered_plan;

use crate::runs::holds;

/// Every statement of a ledger is at most as long as the state before it says.
fn bounds_every_statement(plan: &Plan) {
    let mut state = State::default();
    for fact in facts(&play(plan)) {
        if let (Event::StatementIssued(_), Some(agreement)) = (&fact.event, state.agreement()) {
            let len = encode_payload(&fact.event).expect("a recorded event is encoded").len();
            let bound = next_len_max(agreement);
            assert!(len as u64 <= bound, "record {}: {len} bytes, bound {bound}", fact.seq);
        }
        evolve(&mut state, &fact).expect("a recorded fact is admissible");
    }
}

#[test]
fn no_statement_is_longer_than_the_bound() {
    holds(100, plan(4..24), |plan| bounds_every_statement(&plan));
}

/// The same of statements that take back and add what disputes moved.
#[test]
fn no_statement_after_disputes_is_longer_than_the_bound() {
    holds(100, dispute_plan(6..24), |plan| bounds_every_statement(&plan));
}

/// The same where one report moves every later period of a tier window.
#[test]
fn no_statement_of_tiers_is_longer_than_the_bound() {
    holds(100, tiered_plan(6..24), |plan| bounds_every_statement(&plan));
}
