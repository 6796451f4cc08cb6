//! The reference implementation and the ledger, on the same bytes.

use std::collections::BTreeSet;

use ledger_core::chain;
use ledger_core::chain::Place;
use ledger_core::chain::frame_len;
use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::decide::Decision;
use ledger_core::decide::ReportHead;
use ledger_core::decide::propose;
use ledger_core::event::Author;
use ledger_core::event::Event;
use ledger_core::event::Lines;
use ledger_core::event::UsageCorrection;
use ledger_core::event::UsageReport;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::Agreement;
use ledger_core::state::DisputeStatus;
use ledger_core::state::Stance;
use ledger_core::terms::Party;
use ledger_core::usage::LineBlock;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::view::usage::price_findings;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Period;
use ledger_core::vocab::StateRoot;
use ledger_core::vocab::digest::Domain;
use ledger_core::vocab::exact::of_amount;
use ledger_core::wire::event::Sealed;
use ledger_core::wire::event::encode_payload;
use ledger_core::wire::event::seal;
use num_rational::BigRational;
use proptest::prelude::any;
use revshare_kit::World;
use revshare_kit::disk::in_memory;
use revshare_kit::random::Plan;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::facts;
use revshare_kit::random::opened;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::random::tiered_plan;
use revshare_kit::random::wish;
use revshare_kit::signer;
use revshare_kit::world::state_root;
use revshare_reference::Report;

use crate::properties::twist;
use crate::runs::holds_from;

/// Ledgers whose records lie that each share of that comparison tries, 16 lies each.
const LIES: u32 = 100;
/// Random ledgers that each share of the comparison tries.
const CASES: u32 = 400;
/// Random ledgers whose refused wishes are tried.
const REFUSED: u32 = 150;

/// Ledger and reference come to the same ledger id, head, state root, balances and booked amounts;
/// and so do the ledger when it is opened again and the verifier.
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
    let verdict = verify(world.ledger().source(), &Options::default());
    assert!(verdict.is_valid(), "the verifier finds {:?}", verdict.findings);
    assert_eq!(verdict.state_root, Some(world.root()), "state root of the verifier");
}

fn compare_amounts(world: &World, report: &Report) {
    let agreement = world.agreement();
    let beneficiaries = agreement.versions().beneficiaries();
    let parties: Vec<&str> = beneficiaries.iter().map(|id| id.as_str()).collect();
    let others: Vec<&str> = report.balances.iter().map(|b| b.party.as_str()).collect();
    assert_eq!(parties, others, "beneficiaries");
    for (id, balance) in beneficiaries.into_iter().zip(&report.balances) {
        let account = agreement.account(id);
        let own = [
            account.booked,
            account.interest,
            account.recouped,
            account.advanced,
            account.withheld,
            account.paid,
            account.in_transit,
            account.on_account,
            agreement.held(id).expect("in bounds").1,
            agreement.payable(id).expect("in bounds"),
        ];
        let own: Vec<BigRational> = own.iter().map(ratio).collect();
        let other = [
            &balance.booked,
            &balance.interest,
            &balance.recouped,
            &balance.advanced,
            &balance.withheld,
            &balance.paid,
            &balance.in_transit,
            &balance.on_account,
            &balance.held,
            &balance.payable,
        ];
        assert!(own.iter().eq(other), "account of {id}: {account:?}, reference {balance:?}");
    }
    compare_disputes(agreement, report);
    // Of the reports in effect.
    let in_effect = agreement.reports().filter(|one| one.corrected_by.is_none());
    let findings = in_effect.flat_map(|one| {
        let findings = price_findings(agreement, one.period, agreement.lines_of(one)).into_iter();
        findings.map(|f| (*one.id.bytes(), f.currency.bytes(), f.reported.into(), f.priced.into()))
    });
    let own: BTreeSet<([u8; 32], [u8; 3], BigRational, BigRational)> = findings.collect();
    let other = report.price_findings.iter();
    let other: BTreeSet<_> =
        other.map(|f| (f.report, f.currency, f.reported.clone(), f.priced.clone())).collect();
    assert_eq!(own, other, "findings of the price list");
    let stated: Vec<Period> = agreement.statements().keys().copied().collect();
    assert_eq!(stated.len(), report.stated.len(), "stated periods");
    for (period, other) in stated.into_iter().zip(&report.stated) {
        assert_eq!((period.year() as u16, period.number()), (other.year, other.number));
        let booked = agreement.booked(period);
        assert_eq!(ratio(&booked.base), other.base, "base booked for {period}");
        for ((id, amount), (party, share)) in booked.shares.iter().zip(&other.shares) {
            assert_eq!(id.as_str(), party);
            assert_eq!(ratio(amount), *share, "booked to {id} for {period}");
        }
    }
}

/// An amount as the reference has it.
fn ratio(amount: &Amount) -> BigRational {
    of_amount(amount).into()
}

/// Claimant, period, status, respondents with what they said and saw, and figures of every dispute.
fn compare_disputes(agreement: &Agreement, report: &Report) {
    assert_eq!(agreement.disputes().len(), report.disputes.len(), "disputes");
    for (dispute, other) in agreement.disputes().values().zip(&report.disputes) {
        assert_eq!(
            (*dispute.id.bytes(), dispute.claimant.as_str()),
            (other.dispute, &*other.claimant)
        );
        let period = dispute.period.map(|period| (period.year() as u16, period.number()));
        assert_eq!(period, other.period, "period of record {}", dispute.seq);
        let status = match &dispute.status {
            DisputeStatus::Open => 0,
            DisputeStatus::Escalated { .. } => 1,
            DisputeStatus::Resolved(resolved) if !resolved.posted => 2,
            DisputeStatus::Resolved(_) => 3,
            DisputeStatus::Withdrawn { .. } => 4,
        };
        assert_eq!(status, other.status, "status of record {}", dispute.seq);
        let respondents = dispute.respondents.iter().map(|(id, one)| {
            let stance = match one.stance {
                Stance::Silent => 0,
                Stance::Responded => 1,
                Stance::Accepted => 2,
            };
            (id.to_string(), stance, one.seen.map(|at| at.micros()))
        });
        let respondents: Vec<_> = respondents.collect();
        assert_eq!(respondents, other.respondents, "respondents of record {}", dispute.seq);
        let figures = dispute.figures.iter();
        let figures: Vec<_> = figures.map(|(id, sum)| (id.to_string(), ratio(sum))).collect();
        assert_eq!(figures, other.figures, "figures of record {}", dispute.seq);
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

/// Ledger and reference agree on ledgers whose amendments change tiers again and again: kind, window,
/// measure, steps, order and id, marginal to whole and back, with caps, guarantees and splits behind.
#[test]
fn agrees_on_tiers_that_amendments_change() {
    holds_from(2, CASES, tiered_plan(8..30), |plan| agree(&play(&plan)));
}

/// Ledger and reference agree on ledgers whose parties dispute again and again. In two shares.
#[test]
fn agrees_on_disputes() {
    holds_from(3, CASES, dispute_plan(6..26), |plan| {
        agree(&play(&plan));
    });
}

/// See [`agrees_on_disputes`].
#[test]
fn agrees_on_more_disputes() {
    holds_from(4, CASES, dispute_plan(12..40), |plan| agree(&play(&plan)));
}

/// What the ledger makes of bytes that may be hostile: its root, or that they are refused.
fn judge(segments: Vec<Vec<u8>>) -> Option<StateRoot> {
    let log = in_memory(segments);
    let replayed = replay(&log, None, Signatures::Checked, &mut |_, _, _| {});
    let verdict = verify(&log, &Options::default());
    // A log that was cut behind its first header holds no ledger, and so has no root.
    let opened = replayed.as_ref().ok().filter(|replayed| replayed.state.agreement().is_some());
    let root = opened.map(|replayed| state_root(&replayed.state));
    if replayed.is_ok() {
        assert_eq!(verdict.state_root, root, "the verifier comes to the same");
    }
    assert_eq!(root.is_some(), verdict.is_valid(), "the verifier refuses it, too, or neither");
    root
}

/// A log with any bit flipped is refused by both.
#[test]
fn both_refuse_flipped_bits() {
    holds_from(0, 60, (plan(4..16), any::<u64>()), |(plan, mut random)| {
        let segments = play(&plan).segments();
        for _ in 0..12 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (random >> 16) as usize % segments[0].len();
            let mut flipped = segments.clone();
            flipped[0][at] ^= 1 << (random & 7);
            let reference = revshare_reference::replay(&flipped);
            assert!(reference.is_err(), "the reference accepts a flipped bit at {at}");
            assert_eq!(judge(flipped), None, "the ledger accepts a flipped bit at {at}");
        }
    });
}

/// A log that was cut anywhere is refused by both, or comes to the same.
#[test]
fn both_judge_cut_logs_alike() {
    holds_from(0, 40, (plan(4..12), any::<u64>()), |(plan, mut random)| {
        let segments = play(&plan).segments();
        for _ in 0..12 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut cut = segments.clone();
            let len = (random >> 16) as usize % segments[0].len();
            cut[0].truncate(len);
            let reference = revshare_reference::replay(&cut).ok().map(|report| report.state_root);
            assert_eq!(judge(cut).map(|root| *root.bytes()), reference, "cut after {len}");
        }
    });
}

/// The log of a world with one record more: a wish, carried out by whoever wishes it whether or not
/// it may be; `None` if it cannot be said at all.
fn with_wish(world: &World, party: &str, command: Command) -> Option<Vec<Vec<u8>>> {
    let key = signer(party);
    let Context { author, recorded_at, .. } = world.context(party, &key);
    let lines = |mut blocks: Vec<LineBlock>| match blocks.len() {
        0 => Some(Lines::Nil),
        1 => blocks.pop().map(Lines::Inline),
        _ => None,
    };
    let event = match propose(world.state(), command, &author).ok()? {
        Decision::Event(event) => event,
        Decision::Report { head: ReportHead::Report { period, supplement }, blocks } => {
            Event::UsageReported(UsageReport { period, supplement, lines: lines(blocks)? })
        }
        Decision::Report { head: ReportHead::Correction { corrects, reason }, blocks } => {
            Event::UsageCorrected(UsageCorrection { corrects, reason, lines: lines(blocks)? })
        }
    };
    let agreement = world.agreement();
    let sealed = seal(agreement.ledger(), &author, [255; 16], event).ok()?;
    let place = Place {
        ledger: agreement.ledger(),
        seq: world.state().next_seq(),
        previous: world.state().head(),
        recorded_at,
        level: agreement.opened_at(),
    };
    let (frame, _) = chain::write(place, &author, &sealed, &key);
    let mut log = world.segments();
    log.last_mut()?.extend_from_slice(&frame);
    Some(log)
}

/// What the ledger refuses, the reference refuses: every wish of a random history that came to
/// nothing, and wishes of parties that may not say such a thing, written and signed as if they had
/// been recorded.
#[test]
fn both_refuse_what_is_refused() {
    holds_from(0, REFUSED, (plan(8..24), any::<u64>()), |(plan, mut random)| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            let Some((party, command)) = wish(&mut world, step) else { continue };
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if random >> 61 == 0 {
                // Somebody else says it.
                let parties = world.agreement().versions().listed_parties();
                let other = &parties[(random >> 33) as usize % parties.len()].id;
                if let Some(log) = with_wish(&world, other.as_str(), command.clone()) {
                    same_verdict(&log);
                }
            }
            match world.submit(&party, command.clone()) {
                Err(problem) if problem.code != Code::Repeat => {
                    let Some(log) = with_wish(&world, &party, command) else { continue };
                    let verdict = revshare_reference::replay(&log);
                    assert!(verdict.is_err(), "the reference admits what was refused: {problem}");
                }
                _ => {}
            }
        }
    });
}

/// Ledger and reference refuse a log both, or come to the same state root.
#[track_caller]
fn same_verdict(log: &[Vec<u8>]) {
    let reference = revshare_reference::replay(log);
    let other = reference.as_ref().ok().map(|report| report.state_root);
    let why = replay(&in_memory(log.to_vec()), None, Signatures::Checked, &mut |_, _, _| {}).err();
    let own = judge(log.to_vec()).map(|root| *root.bytes());
    assert_eq!(own, other, "ledger {why:?}, reference {:?}", reference.err());
}

/// Whoever holds a key can sign anything. A log whose last record says something else than it did,
/// in an event that was taken from elsewhere or in a payload with some bytes changed, correctly
/// hashed, linked and signed by any party: both refuse it, or both come to the same state root.
#[test]
fn both_judge_signed_lies_alike() {
    holds_from(0, LIES, (plan(2..12), any::<u64>()), |(plan, seed)| lie(&plan, seed));
}

/// See [`both_judge_signed_lies_alike`].
#[test]
fn both_judge_more_signed_lies_alike() {
    holds_from(1, LIES, (plan(2..12), any::<u64>()), |(plan, seed)| lie(&plan, seed));
}

fn lie(plan: &Plan, mut random: u64) {
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % below.max(1)
    };
    let world = play(plan);
    let facts = facts(&world);
    let segments = world.segments();
    let listed = world.agreement().versions().listed_parties();
    let parties: Vec<Party> = listed.into_iter().cloned().collect();
    // Where each frame begins.
    let mut starts = vec![64];
    while let Some(len) = frame_len(&segments[0][starts[starts.len() - 1]..]) {
        starts.push(starts[starts.len() - 1] + len);
    }
    for _ in 0..16 {
        // The log up to a record, and a lie in its place.
        let at = next(facts.len());
        let fact = &facts[at];
        let event = match next(3) {
            0 => facts[next(facts.len())].event.clone(),
            _ => fact.event.clone(),
        };
        let party = match next(3) {
            0 => parties[next(parties.len())].id.clone(),
            _ => fact.author.party.clone(),
        };
        let mut event = event;
        let twisted = next(3) == 0;
        if twisted {
            twist(&mut event, &mut next);
        }
        let Ok(mut payload) = encode_payload(&event) else { continue };
        for _ in 0..if twisted { 0 } else { next(3) } {
            let byte = next(payload.len());
            payload[byte] = match next(3) {
                0 => payload[byte] ^ (1 << next(8)),
                1 => payload[byte].wrapping_add(1),
                _ => next(256) as u8,
            };
        }
        let ledger = if at == 0 { LedgerId::default() } else { world.agreement().ledger() };
        let key = signer(party.as_str());
        let author = Author { party, key: key.public().expect("a key that is not weak") };
        let nonce = [next(256) as u8; 16];
        let sealed = Sealed {
            payload_digest: Domain::Payload.digest(&payload),
            payload,
            // The writer takes the kind from the event, and the rest from the payload.
            event,
            content: fact.content,
            id: fact.id,
            nonce,
        };
        let place = Place {
            ledger,
            seq: fact.seq,
            previous: fact.previous,
            recorded_at: fact.recorded_at,
            level: fact.level,
        };
        let (frame, _) = chain::write(place, &author, &sealed, &key);
        let mut log = segments[0][..starts[at]].to_vec();
        log.extend_from_slice(&frame);
        let log = vec![log];
        let reference = revshare_reference::replay(&log);
        let other = reference.as_ref().ok().map(|report| report.state_root);
        let own = judge(log.clone());
        assert_eq!(
            own.map(|root| *root.bytes()),
            other,
            "record {at}, a {} by {}: ledger {:?}, reference {:?}",
            sealed.event.kind().as_str(),
            author.party,
            replay(&in_memory(log), None, Signatures::Checked, &mut |_, _, _| {}).err(),
            reference.err(),
        );
    }
}
