//! Which event changed an amount, and what changed between two points.

use ledger_core::event::Kind;
use ledger_core::view::balances::balances;
use ledger_core::view::blame::blame;
use ledger_core::view::explain::explain;
use ledger_core::view::movements::movements;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use proptest::prelude::any;
use revshare_kit::Given;
use revshare_kit::World;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::two_parties;

use crate::runs::holds;

const STEPS: &str = "tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
                     steps = [{ up_to = \"1000\", share = { meta = \"0.10\" } }, \
                     { share = { meta = \"0.20\" } }]";

/// January (record 2) and February (4) reported, January corrected (5), other terms from February
/// on proposed (6) and accepted (7), February stated (9).
fn amended() -> World {
    let better = "share = { meta = \"0.50\" }";
    Given::ledger(two_parties(STEPS))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .reported("2026-02", lines!["2026-02-05" => "500.00"])
        .corrected("2026-01", lines!["2026-01-05" => "800.00"])
        .amended(two_parties(better), "2026-02-01")
        .stated("2026-02")
        .into_world()
}

fn chain(world: &World, of: &str) -> Vec<(u64, Kind, String)> {
    let (of, who) = (Period::parse(of).expect("a period"), Id::parse("meta").expect("an id"));
    let blame = blame(world.ledger().source(), None, (of, &who)).expect("an amount");
    let changes = blame.changes.iter().map(|change| {
        let after = change.after.expect("it can be rated");
        (change.event.seq.expect("a record"), change.kind, after.to_string())
    });
    changes.collect()
}

#[test]
fn every_event_that_moved_an_amount_is_in_its_chain() {
    let world = amended();
    let expected =
        [(2, Kind::UsageReported, "100".to_owned()), (5, Kind::UsageCorrected, "80".to_owned())];
    assert_eq!(chain(&world, "2026-01"), expected);
    // The correction of January moved where February begins, and the last acceptance of the
    // amendment, not its proposal, took effect.
    let expected = [
        (4, Kind::UsageReported, "100".to_owned()),
        (5, Kind::UsageCorrected, "80".to_owned()),
        (7, Kind::Accepted, "250".to_owned()),
    ];
    assert_eq!(chain(&world, "2026-02"), expected);
    let (of, who) = (Period::parse("2026-02").expect("a period"), Id::parse("meta").expect("id"));
    let last = blame(world.ledger().source(), None, (of, &who)).expect("an amount");
    let proposal = last.changes[2].of.expect("it accepts something");
    assert_eq!((proposal.0.seq, proposal.1), (Some(6), Kind::AmendmentProposed));
    let early = blame(world.ledger().source(), Some(5), (of, &who)).expect("an amount");
    assert_eq!(early.amount.to_string(), "80");
    assert!(early.postings.is_empty());
}

#[test]
fn what_has_no_amount_has_no_chain() {
    let world = amended();
    let code = |of: &str, who: &str| {
        let (of, who) = (Period::parse(of).expect("a period"), Id::parse(who).expect("an id"));
        blame(world.ledger().source(), None, (of, &who)).expect_err("it has no amount").code
    };
    assert_eq!(code("2026-Q1", "meta"), Code::PeriodLength);
    assert_eq!(code("2026-03", "meta"), Code::PeriodNotReported);
    assert_eq!(code("2999-12", "meta"), Code::PeriodNotReported);
    assert_eq!(code("2025-12", "meta"), Code::PeriodOutside);
    assert_eq!(code("2026-01", "nobody"), Code::NotAParty);
}

#[test]
fn an_event_that_moves_columns_is_named_even_if_payable_is_the_same() {
    let (host, owner) = (party("acme-cloud"), party("meta"));
    let world = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .and(host.sends("meta", "100.00", "2026-02-10", "R1"))
        .and(owner.confirms("R1", "2026-02-12"))
        .and(host.acknowledges())
        .into_world();
    let moved = movements(world.ledger().source(), (2, 6)).expect("movements");
    let named = moved.events.iter().map(|one| (one.event.seq, one.payable[0].1.to_string()));
    let expected = [(3, "150"), (4, "-100"), (5, "0")];
    assert!(named.eq(expected.map(|(seq, by)| (Some(seq), by.to_owned()))));
    let same = movements(world.ledger().source(), (5, 5)).expect("movements");
    assert!(same.events.is_empty());
    assert_eq!(same.before, same.after);
}

/// The chain of an amount begins at nothing, has no gaps, and ends with what `explain` derives; what
/// is booked and pending adds up to it. The events between two points account for everything that
/// changed between them.
#[test]
fn chains_have_no_gaps_and_movements_add_up() {
    holds(60, (plan(4..20), any::<u16>()), |(plan, pick)| {
        let world = play(&plan);
        let source = world.ledger().source();
        let agreement = world.agreement();
        let beneficiaries: Vec<Id> =
            agreement.versions().beneficiaries().into_iter().cloned().collect();
        for period in agreement.reported_periods().take(3) {
            for who in &beneficiaries {
                let Ok(explained) = explain(world.state(), period, who) else { continue };
                let blame = blame(source, None, (period, who)).expect("an amount");
                let mut before = Some(Amount::ZERO);
                for change in &blame.changes {
                    assert_eq!(change.before, before);
                    assert_ne!(change.after, before);
                    before = change.after;
                }
                assert_eq!(before, Some(blame.amount));
                assert_eq!(blame.amount, explained.rating.amount);
                assert_eq!(blame.booked.checked_add(blame.pending), Some(blame.amount));
            }
        }
        let last = world.state().next_seq() - 1;
        let first = u64::from(pick) % (last + 1);
        let moved = movements(source, (first, last)).expect("movements");
        assert_eq!(Ok(moved.after.clone()), balances(agreement));
        let earlier = world.ledger().state_at(first).expect("a state");
        assert_eq!(Ok(moved.before.clone()), balances(earlier.agreement().expect("an agreement")));
        for one in &moved.after.beneficiaries {
            let events = moved.events.iter().flat_map(|event| &event.payable);
            let own = events.filter(|(party, _)| *party == one.party);
            let by = own.fold(Amount::ZERO, |sum, (_, by)| sum.checked_add(*by).expect("a sum"));
            let before = moved.before.beneficiaries.iter().find(|b| b.party == one.party);
            let before = before.map_or(Amount::ZERO, |balance| balance.payable);
            assert_eq!(before.checked_add(by), Some(one.payable));
        }
    });
}
