//! The reference implementation and the ledger, on the same bytes.

use ledger_core::state::root::state_root;
use ledger_core::vocab::Exact;
use ledger_core::vocab::Period;
use ledger_core::vocab::exact::of_amount;
use revshare_kit::World;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_reference::Report;

use crate::runs::holds_from;

/// Random ledgers that each share of the comparison tries.
const CASES: u32 = 1_000;

/// Ledger and reference come to the same ledger id, head, state root, balances and booked amounts;
/// and so does the ledger when it is opened again.
#[track_caller]
pub fn agree(world: &World) {
    let report = match revshare_reference::replay(&world.segments()) {
        Ok(report) => report,
        Err(fault) => panic!("the reference refuses what the ledger recorded: {fault}"),
    };
    let state = world.state();
    let agreement = world.agreement();
    assert_eq!(report.ledger_id, *agreement.ledger().bytes(), "ledger id");
    assert_eq!(report.records, state.next_seq(), "records");
    assert_eq!(report.head, *state.head().bytes(), "head");
    compare_amounts(world, &report);
    assert_eq!(report.state_root, *world.root().bytes(), "state root");
    let reopened = world.reopened().expect("what was recorded opens again");
    assert_eq!(reopened.state().head(), state.head(), "head after opening again");
    assert_eq!(state_root(reopened.state()), world.root(), "state root after opening again");
}

fn compare_amounts(world: &World, report: &Report) {
    let agreement = world.agreement();
    let terms = agreement.terms();
    let parties: Vec<&str> = terms.beneficiaries().iter().map(|id| id.as_str()).collect();
    let others: Vec<&str> = report.balances.iter().map(|b| b.party.as_str()).collect();
    assert_eq!(parties, others, "beneficiaries");
    for (id, balance) in terms.beneficiaries().into_iter().zip(&report.balances) {
        let account = agreement.account(id);
        let own = [
            account.booked,
            account.paid,
            account.in_transit,
            account.on_account,
            account.payable(),
        ];
        let own: Vec<Exact> = own.iter().map(of_amount).collect();
        let other = [
            &balance.booked,
            &balance.paid,
            &balance.in_transit,
            &balance.on_account,
            &balance.payable,
        ];
        assert!(own.iter().eq(other), "account of {id}: {account:?}, reference {balance:?}");
    }
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    assert_eq!(stated.len(), report.stated.len(), "stated periods");
    for (period, other) in stated.into_iter().zip(&report.stated) {
        assert_eq!((period.year() as u16, period.number()), (other.year, other.number));
        let booked = agreement.booked(period);
        assert_eq!(of_amount(&booked.base), other.base, "base booked for {period}");
        for ((id, amount), (party, share)) in booked.shares.iter().zip(&other.shares) {
            assert_eq!(id.as_str(), party);
            assert_eq!(of_amount(amount), *share, "booked to {id} for {period}");
        }
    }
}

/// Ledger and reference agree on random ledgers. In two shares, so that two cores work on it.
#[test]
fn agrees_on_random_ledgers() {
    holds_from(0, CASES, plan(4..24), |plan| agree(&play(&plan)));
}

/// See [`agrees_on_random_ledgers`].
#[test]
fn agrees_on_more_random_ledgers() {
    holds_from(1, CASES, plan(4..24), |plan| agree(&play(&plan)));
}
