//! What holds of disputes on every ledger.

use std::collections::BTreeSet;

use ledger_core::command::Command;
use ledger_core::dispute::Claim;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Target;
use ledger_core::evolve::statement::rate_until;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay as replay_log;
use ledger_core::state::Account;
use ledger_core::state::Dispute;
use ledger_core::state::DisputeStatus;
use ledger_core::state::State;
use ledger_core::view::dispute::replay;
use ledger_core::vocab::Amount;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use ledger_core::what_if::Question;
use ledger_core::what_if::ask;
use ledger_core::wire::codec::decode_cache;
use ledger_core::wire::codec::encode_cache;
use proptest::prelude::any;
use revshare_kit::World;
use revshare_kit::disk::in_memory;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::opened;
use revshare_kit::random::play;
use revshare_kit::random::take;
use revshare_kit::world::state_root;

use crate::runs::holds;

fn accounts(world: &World) -> Vec<(Id, Account)> {
    let agreement = world.agreement();
    let ids = agreement.versions().beneficiaries().into_iter();
    ids.map(|id| (id.clone(), agreement.account(id))).collect()
}

/// After every step: balance = payable + held; held is never negative, and never more than what is
/// open; without anything on account, payable does not fall below zero because of a dispute.
#[test]
fn held_is_a_part_of_what_is_owed() {
    holds(200, dispute_plan(8..30), |plan| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            take(&mut world, step);
            let agreement = world.agreement();
            for (id, account) in accounts(&world) {
                let (by_period, held) = agreement.held(&id).expect("in bounds");
                let payable = agreement.payable(&id).expect("in bounds");
                assert_eq!(payable.plus(held), Ok(account.balance()), "balance of {id}");
                assert!(!held.is_negative(), "held from {id}");
                for (period, held) in by_period {
                    let open = agreement.open_of(period, &id).expect("in bounds");
                    assert!(!held.is_negative() && held <= open);
                }
                if !account.balance().is_negative() {
                    assert!(!payable.is_negative(), "a dispute took payable below zero");
                }
            }
        }
    });
}

/// A dispute that was withdrawn leaves every account and every statement as if it had never been
/// opened, as long as nothing else was said before it was withdrawn.
#[test]
fn a_withdrawn_dispute_leaves_nothing() {
    holds(80, (dispute_plan(8..24), any::<u16>()), |(plan, pick)| {
        let mut world = play(&plan);
        let before = accounts(&world);
        let Some((party, dispute)) = open_any(&mut world, pick) else { return };
        let reason = Text::parse("it was a mistake").expect("a text");
        let step = ledger_core::dispute::DisputeStep { dispute, reason };
        world.must(&party, Command::WithdrawDispute(step));
        assert_eq!(accounts(&world), before);
        let question = Question { without: BTreeSet::from([dispute]), ..Question::default() };
        let answer = ask(world.ledger().source(), &question).expect("an answer");
        assert_eq!(answer.refused.len(), 1, "{:?}", answer.refused);
        let assumed = answer.assumed.agreement().expect("an agreement");
        for (id, account) in before {
            assert_eq!(assumed.account(&id), account);
        }
        assert!(answer.periods.iter().all(|period| !period.differs()));
    });
}

/// The collector disputes a figure of some line that can be disputed; who, and the dispute.
fn open_any(world: &mut World, pick: u16) -> Option<(String, EventId)> {
    let agreement = world.agreement();
    let statements: Vec<(Period, EventId)> =
        agreement.statements().iter().map(|(period, one)| (*period, one.id)).collect();
    let (period, statement) = *statements.get(usize::from(pick) % statements.len().max(1))?;
    let parties: Vec<Id> = agreement.versions().beneficiaries().into_iter().cloned().collect();
    let party = parties[usize::from(pick) / 7 % parties.len()].clone();
    let opening = figure_of(world, (period, statement), &party)?;
    let opened = world.submit("acme-cloud", opening).ok()?;
    Some(("acme-cloud".to_owned(), opened.fact.id))
}

/// A dispute that says that half of what is booked is owed.
fn figure_of(world: &World, (period, of): (Period, EventId), party: &Id) -> Option<Command> {
    let booked = world.agreement().booked_to(period, party);
    let figure = Amount::normalised(booked.mantissa() / 2, booked.scale())?;
    Some(Command::OpenDispute(Box::new(Opening {
        target: Target::Statement(of),
        claim: Claim::Figures(vec![(party.clone(), figure)]),
        basis: Text::default(),
        evidence: Vec::new(),
        ground: None,
        reopens: None,
    })))
}

/// In which order two disputes about different lines are opened changes no account.
#[test]
fn the_order_of_disputes_changes_nothing() {
    holds(80, (dispute_plan(8..24), any::<u16>(), any::<u16>()), |(plan, one, other)| {
        let both = |first: u16, second: u16| {
            let mut world = play(&plan);
            let opened = [open_any(&mut world, first), open_any(&mut world, second)];
            (opened.iter().flatten().count(), accounts(&world))
        };
        let (some, others) = (both(one, other), both(other, one));
        if some.0 == 2 && others.0 == 2 {
            assert_eq!(some.1, others.1);
        }
    });
}

/// What a dispute comes to on each side is the same from the writer's state, from a ledger that was
/// opened again and from another copy. Before it is resolved, its "stands" is the ledger as it is;
/// what adopted something is the ledger as it is, on the side of what was adopted.
#[test]
fn a_replay_is_the_same_everywhere() {
    holds(100, dispute_plan(8..24), |plan| {
        let world = play(&plan);
        let reopened = world.reopened().expect("it opens again");
        let log = in_memory(world.segments());
        let copy = replay_log(&log, None, Signatures::Checked, &mut |_, _, _| {}).expect("a copy");
        assert_eq!(state_root(&copy.state), world.root());
        for dispute in world.agreement().disputes().values() {
            let own = replay(world.state(), &dispute.id).expect("a replay");
            let shown = format!("{own:?}");
            let again = replay(reopened.state(), &dispute.id).expect("a replay");
            assert_eq!(shown, format!("{again:?}"), "after opening again");
            let other = replay(&copy.state, &dispute.id).expect("a replay");
            assert_eq!(shown, format!("{other:?}"), "from a copy");
            sides_are_ledgers(&world, dispute);
        }
    });
}

fn sides_are_ledgers(world: &World, dispute: &Dispute) {
    let replayed = replay(world.state(), &dispute.id).expect("a replay");
    let is_resolved = matches!(dispute.status, DisputeStatus::Resolved(_));
    let now = if is_resolved { replayed.sides.len() - 1 } else { 0 };
    for sides in &replayed.periods {
        let Ok(rated) = rate_until(world.agreement(), sides.period) else { continue };
        let recorded = rated.last().expect("the period is rated");
        let side = sides.ratings[now].as_ref().expect("this side can be rated");
        for share in &recorded.shares {
            let shown = side.share(&share.party).map(|one| one.amount);
            assert_eq!(shown, Some(share.amount), "{} of {}", share.party, sides.period);
        }
    }
}

/// Where a claim is accepted by everybody, what the side "as claimed" said before is what the
/// ledger computes afterwards, in every period that could be rated.
#[test]
fn as_claimed_is_what_acceptance_makes() {
    holds(120, dispute_plan(8..24), |plan| {
        let mut world = play(&plan);
        let open: Vec<Dispute> =
            world.agreement().disputes().values().filter(|one| one.is_open()).cloned().collect();
        for dispute in open {
            let before = replay(world.state(), &dispute.id).expect("a replay");
            let mut last = None;
            for party in dispute.respondents.keys() {
                let accept = ledger_core::dispute::ClaimAcceptance {
                    dispute: dispute.id,
                    by_default: false,
                };
                last = Some(world.submit(party.as_str(), Command::AcceptClaim(accept)));
            }
            let resolved = &world.agreement().disputes()[&dispute.id];
            if resolved.is_open() || last.is_none() || dispute.period.is_none() {
                continue;
            }
            for sides in &before.periods {
                let Ok(rated) = rate_until(world.agreement(), sides.period) else { continue };
                let rated = rated.last().expect("the period is rated");
                let claimed = sides.ratings[1].as_ref();
                // Of terms, only the figures of the disputed period are adopted.
                let is_terms = matches!(dispute.claim, ledger_core::state::ClaimFacts::Terms(_));
                if is_terms && dispute.period != Some(sides.period) {
                    continue;
                }
                for share in rated
                    .shares
                    .iter()
                    .filter(|one| !is_terms || dispute.lines.contains(&one.party))
                {
                    let shown = claimed.and_then(|one| one.share(&share.party));
                    let shown = shown.map(|one| one.amount);
                    assert_eq!(shown, Some(share.amount), "{} {}", share.party, sides.period);
                }
            }
        }
    });
}

/// A snapshot holds everything: what is read back from it has the same root, disputes, evidence,
/// payouts with the pieces that they settled, and what respondents saw when.
#[test]
fn snapshots_keep_disputes() {
    holds(120, dispute_plan(8..28), |plan| {
        let world = play(&plan);
        let bytes = encode_cache(world.state()).expect("bytes");
        let read: State = decode_cache(&bytes).expect("it reads back");
        assert_eq!(state_root(&read), world.root());
        let (own, other) = (world.agreement(), read.agreement().expect("an agreement"));
        assert_eq!(format!("{:?}", own.disputes()), format!("{:?}", other.disputes()));
        assert_eq!(format!("{:?}", own.evidence()), format!("{:?}", other.evidence()));
        assert_eq!(format!("{:?}", own.payouts()), format!("{:?}", other.payouts()));
    });
}
