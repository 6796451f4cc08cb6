//! What holds of every ledger, whatever its terms and its history.

use std::collections::BTreeMap;

use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::decide::decide;
use ledger_core::dispute::Claim;
use ledger_core::dispute::ClaimAcceptance;
use ledger_core::dispute::Ground;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Target;
use ledger_core::event::ContributionEnd;
use ledger_core::event::Event;
use ledger_core::event::Fact;
use ledger_core::event::Lines;
use ledger_core::evolve::evolve;
use ledger_core::evolve::statement::rate_until;
use ledger_core::rating::PeriodFacts;
use ledger_core::rating::PeriodGroups;
use ledger_core::rating::PeriodRating;
use ledger_core::rating::rate;
use ledger_core::state::ProposalStatus;
use ledger_core::state::Report;
use ledger_core::state::State;
use ledger_core::usage::LineBlock;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Exact;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Rounding;
use ledger_core::vocab::Text;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::random::Move;
use revshare_kit::random::Plan;
use revshare_kit::random::agree_on_rates;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::facts;
use revshare_kit::random::lines_for;
use revshare_kit::random::lines_plan;
use revshare_kit::random::opened;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::random::take;
use revshare_kit::random::terms_plan;
use revshare_kit::random::tiered_plan;
use revshare_kit::random::wish;
use revshare_kit::signer;
use revshare_kit::world::state_root;

use crate::runs::holds;

/// Every period that is stated, with what is booked for it.
fn booked(world: &World) -> BTreeMap<Period, (Amount, Vec<Amount>)> {
    let agreement = world.agreement();
    let of = |period: &Period| {
        let booked = agreement.booked(*period);
        (booked.base, booked.shares.into_iter().map(|(_, amount)| amount).collect())
    };
    agreement.statements().keys().map(|period| (*period, of(period))).collect()
}

/// The last stated period.
fn last_stated(world: &World) -> Option<Period> {
    world.agreement().statements().last_key_value().map(|(period, _)| *period)
}

/// One computation of every stated period from scratch: from the lines in effect, the versions of
/// the terms, the accepted contributions and conversion rates, and what disputes adopted.
fn recomputed(world: &World) -> BTreeMap<Period, (Amount, Vec<Amount>)> {
    let agreement = world.agreement();
    let (versions, contributions) = (agreement.versions(), agreement.contributions());
    let stated = agreement.statements().keys();
    let groups: Vec<(Period, PeriodGroups)> = stated
        .map(|period| {
            let groups = agreement.group_under(versions, contributions, *period);
            (*period, groups.expect("every line can be rated"))
        })
        .collect();
    let facts = groups.iter().map(|(period, groups)| {
        let adopted = agreement.adopted_figures(*period);
        PeriodFacts { period: *period, groups, adopted }
    });
    let facts: Vec<PeriodFacts<'_>> = facts.collect();
    let ratings = rate(agreement.contract(), &facts).expect("amounts within bounds");
    let of = |rating: &PeriodRating| {
        let shares = rating.shares.iter().map(|share| share.amount).collect();
        (rating.base_rounded, shares)
    };
    ratings.iter().map(|rating| (rating.period, of(rating))).collect()
}

/// The blocks of every report in effect, by period, in the order of their chains.
fn reports_in_effect(world: &World) -> Vec<(Period, Vec<LineBlock>)> {
    let mut parts = Vec::new();
    let mut by_id = BTreeMap::new();
    for fact in facts(world) {
        let lines = match &fact.event {
            Event::UsagePart(part) => {
                parts.push(part.block.clone());
                continue;
            }
            Event::UsageReported(report) => &report.lines,
            Event::UsageCorrected(correction) => &correction.lines,
            _ => continue,
        };
        let blocks = match lines {
            Lines::Nil => Vec::new(),
            Lines::Inline(block) => vec![block.clone()],
            Lines::Parts(_) => std::mem::take(&mut parts),
        };
        by_id.insert(fact.id, blocks);
    }
    let agreement = world.agreement();
    let claimed = claimed_lines(world);
    let periods = agreement.reported_periods().flat_map(|period| agreement.in_effect(period));
    let blocks = |report: &Report| match agreement.adopted_lines(&report.id) {
        Some(adopted) => claimed[&adopted.dispute].clone(),
        None => by_id[&report.id].clone(),
    };
    periods.map(|report| (report.period, blocks(report))).collect()
}

/// The lines that each dispute adopted, if it adopted lines.
fn claimed_lines(world: &World) -> BTreeMap<EventId, Vec<LineBlock>> {
    let mut claimed: BTreeMap<EventId, Vec<LineBlock>> = BTreeMap::new();
    for fact in facts(world) {
        let (dispute, claim) = match &fact.event {
            Event::DisputeOpened(said) => (fact.id, &said.claim),
            Event::DisputeSettled(said) => match &said.outcome {
                Outcome::Other(claim) => (said.dispute, claim),
                _ => continue,
            },
            Event::DisputeDetermined(said) => match &said.outcome {
                Outcome::Other(claim) => (said.dispute, claim),
                _ => continue,
            },
            _ => continue,
        };
        if let Claim::Report { lines, .. } = claim {
            claimed.insert(dispute, lines.iter().cloned().collect());
        }
    }
    claimed
}

/// Adopts the figures of one ledger on another one, whose periods are stated but for the last:
/// each is claimed by the collector and accepted by the party that it is for. Whether that could be
/// said: the bounds of a ledger may stand in the way.
fn adopt_again(world: &World, other: &mut World) -> bool {
    let stated: Vec<(Period, EventId)> =
        other.agreement().statements().iter().map(|(period, one)| (*period, one.id)).collect();
    for (period, statement) in stated {
        for (party, figure) in world.agreement().adopted_figures(period) {
            if other.agreement().booked_to(period, party) == *figure {
                continue;
            }
            let opening = Opening {
                target: Target::Statement(statement),
                claim: Claim::Figures(vec![(party.clone(), *figure)]),
                basis: Text::default(),
                evidence: Vec::new(),
                ground: Some(Ground::Fraud),
                reopens: None,
            };
            let opened = match other.submit("acme-cloud", Command::OpenDispute(Box::new(opening))) {
                Ok(opened) => opened.fact.id,
                Err(problem) => {
                    assert_eq!(problem.code, Code::AmountBounds, "{problem}");
                    return false;
                }
            };
            let accept = ClaimAcceptance { dispute: opened, by_default: false };
            other.must(party.as_str(), Command::AcceptClaim(accept));
        }
    }
    true
}

/// For every ledger: applying its facts to a fresh state with `evolve` gives, after every record,
/// the state root that the live ledger had there, and in the end its head.
#[test]
fn replay_equals_live() {
    holds(150, plan(4..20), |plan| {
        let mut world = opened(&plan.terms);
        let mut live = BTreeMap::new();
        live.insert(world.state().next_seq(), world.root());
        for step in &plan.moves {
            take(&mut world, step);
            live.insert(world.state().next_seq(), world.root());
        }
        let mut state = State::default();
        for fact in facts(&world) {
            evolve(&mut state, &fact).expect("a recorded fact is admissible");
            if let Some(root) = live.get(&state.next_seq()) {
                assert_eq!(state_root(&state), *root, "after record {}", fact.seq);
            }
        }
        assert_eq!(state.head(), world.state().head());
    });
}

/// For every ledger and every head of it: what is booked for each stated period, all statements
/// together, is what one computation from scratch of the facts at the last statement gives. (A
/// true-up of only the corrected period breaks this at once.)
#[test]
fn booked_is_what_a_computation_from_scratch_gives() {
    holds(300, plan(4..24), |plan| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            let is_recorded = take(&mut world, step);
            if is_recorded && matches!(step, Move::State { .. }) {
                assert_eq!(booked(&world), recomputed(&world));
            }
        }
    });
}

/// What was proposed and accepted by everybody, with its acceptances and ends, in the order of the
/// log.
fn agreed(world: &World) -> Vec<Fact> {
    let agreement = world.agreement();
    let accepted = |id: &EventId| {
        let proposal = agreement.proposals().get(id);
        proposal.is_some_and(|one| matches!(one.status, ProposalStatus::Accepted { .. }))
    };
    let mut facts = facts(world);
    facts.retain(|fact| match &fact.event {
        Event::AmendmentProposed(_) | Event::RateProposed(_) | Event::ContributionClaimed(_) => {
            accepted(&fact.id)
        }
        Event::Accepted(said) => accepted(&said.event),
        Event::ContributionEnded(_) => true,
        _ => false,
    });
    facts
}

/// Says again what was agreed, to another ledger under the same terms.
fn agree_again(other: &mut World, agreed: Vec<Fact>) {
    let mut ids: BTreeMap<EventId, EventId> = BTreeMap::new();
    for fact in agreed {
        let command = match fact.event {
            Event::AmendmentProposed(said) => Command::ProposeAmendment {
                version: Box::new(said.version),
                effective_from: said.effective_from,
                reason: said.reason,
            },
            Event::RateProposed(rate) => Command::ProposeRate(rate),
            Event::ContributionClaimed(claim) => Command::ClaimContribution(claim),
            Event::Accepted(said) => Command::Accept(ids[&said.event]),
            Event::ContributionEnded(end) => {
                Command::EndContribution(ContributionEnd { claim: ids[&end.claim], ..end })
            }
            _ => panic!("nothing that parties agree on"),
        };
        let id = other.must(fact.author.party.as_str(), command).fact.id;
        ids.insert(fact.id, id);
    }
}

/// For every ledger: the same amendments, contributions, conversion rates and reports in effect,
/// said at once, the reports in the opposite order, and before any statement, lead to the same
/// booked amounts for every period as the history of reports, corrections, proposals and statements
/// did. Lines that disputes adopted stand for those of their reports; figures that they adopted are
/// adopted again before the last statement.
#[test]
fn booked_does_not_depend_on_the_path() {
    holds(120, plan(4..24), |plan| does_not_depend_on_the_path(&plan));
}

/// The same of ledgers whose parties dispute again and again.
#[test]
fn booked_does_not_depend_on_the_path_of_disputes() {
    holds(120, dispute_plan(6..24), |plan| does_not_depend_on_the_path(&plan));
}

/// The same of ledgers whose amendments change tiers again and again.
#[test]
fn booked_does_not_depend_on_the_path_of_tiers() {
    holds(100, tiered_plan(6..24), |plan| does_not_depend_on_the_path(&plan));
}

fn does_not_depend_on_the_path(plan: &Plan) {
    let mut world = play(plan);
    // Everything that was reported is stated in the end.
    let last = world.agreement().reported_periods().max();
    let first = world.agreement().terms().first_period();
    let last = last.unwrap_or(first).max(last_stated(&world).unwrap_or(first));
    // One statement more than that, so that the last corrections are trued up.
    for _ in 0..60 {
        if last_stated(&world).is_some_and(|stated| stated > last) {
            break;
        }
        take(&mut world, &Move::State { by_owner: false, rate: Some(10_000) });
    }
    let Some(stated) = last_stated(&world).filter(|stated| *stated > last) else {
        // A conversion rate that would lead past the bounds of a ledger: it cannot be stated.
        return;
    };
    let mut other = opened(&plan.terms);
    agree_again(&mut other, agreed(&world));
    let mut reports = reports_in_effect(&world);
    reports.reverse();
    for (period, blocks) in reports {
        let supplement = other.agreement().is_reported(period);
        let is_nil = blocks.is_empty();
        let report = Command::ReportUsage { period, supplement, blocks };
        if let Err(problem) = other.submit("acme-cloud", report) {
            // Two nil reports of a period say the same.
            assert!(is_nil && problem.code == Code::Repeat, "{problem}");
        }
    }
    let mut are_adopted = false;
    while last_stated(&other).is_none_or(|last| last < stated) {
        if !are_adopted && other.agreement().next_to_state() == Some(stated) {
            are_adopted = true;
            if !adopt_again(&world, &mut other) {
                return;
            }
        }
        let next = Move::State { by_owner: true, rate: None };
        let wish = wish(&mut other, &next).expect("there is a next period");
        other.must(&wish.0, wish.1);
    }
    assert_eq!(booked(&world), booked(&other));
}

/// The two parts of a number: a part of its digits, and the rest.
fn split(number: &str, at: u8) -> (String, String) {
    let whole = Amount::parse(number).expect("a number of a line");
    let part = whole.mantissa() / (i128::from(at) + 2);
    let part = Amount::normalised(part, whole.scale()).expect("a part is smaller");
    let rest = whole.checked_sub(part).expect("a rest is smaller");
    (part.to_string(), rest.to_string())
}

fn split_line(line: &Line, at: u8) -> [Line; 2] {
    let (mut one, mut two) = (line.clone(), line.clone());
    (one.gross, two.gross) = split(&line.gross, at);
    for (name, quantity) in &line.meters {
        let (part, rest) = split(quantity, at);
        one.meters.insert(name.clone(), part);
        two.meters.insert(name.clone(), rest);
    }
    for (kind, amount) in &line.deductions {
        let (part, rest) = split(amount, at);
        one.deductions.insert(kind.clone(), part);
        two.deductions.insert(kind.clone(), rest);
    }
    [one, two]
}

/// For all terms and lines: reversing the lines of a report, splitting each line in two, and
/// spreading them over a report and its supplements in any order changes nothing that anybody
/// earned, exactly, no position, and nothing that anybody gets.
#[test]
fn order_and_splitting_of_lines_change_nothing() {
    let cases = (terms_plan(), lines_plan(1..12), any::<u8>(), 1..4usize);
    holds(250, cases, |(terms, lines, at, reports)| {
        let earned = |world: &mut World| {
            let period = world.agreement().versions().first_period();
            agree_on_rates(world, period, 10_850);
            let ratings = rate_until(world.agreement(), period).expect("amounts within bounds");
            let tiers: Vec<_> = ratings[0]
                .rules
                .iter()
                .map(|rule| (rule.stretch, rule.rule.clone(), rule.tier.clone()))
                .collect();
            (ratings[0].base.clone(), ratings[0].shares.clone(), tiers)
        };
        let mut one = opened(&terms);
        let period = one.agreement().versions().first_period();
        let currency = one.agreement().terms().currency;
        let lines = lines_for(&one, period, &lines);
        let whole = blocks(&lines, currency, usize::MAX);
        let report = Command::ReportUsage { period, supplement: false, blocks: whole };
        let refused = |problem: &Problem| {
            // The amounts of a ledger have bounds, supplements that say the same are repeats, and
            // a price is needed where the lines of a report do not add up to no quantity: then
            // there is nothing to compare.
            let codes = [Code::AmountBounds, Code::Repeat, Code::RowPrice];
            assert!(codes.contains(&problem.code), "{problem}");
        };
        if let Err(problem) = one.submit("acme-cloud", report) {
            return refused(&problem);
        }

        let mut other = opened(&terms);
        let pieces: Vec<Line> = lines.iter().rev().flat_map(|line| split_line(line, at)).collect();
        let per_report = pieces.len().div_ceil(reports);
        for (place, pieces) in pieces.chunks(per_report).enumerate() {
            let blocks = blocks(pieces, currency, 3);
            let report = Command::ReportUsage { period, supplement: place > 0, blocks };
            if let Err(problem) = other.submit("acme-cloud", report) {
                return refused(&problem);
            }
        }
        assert_eq!(earned(&mut one), earned(&mut other));
    });
}

/// For every ledger and every wish: what `decide` decides is recorded (unless it says the same as
/// an earlier event), and what it refuses is not, with the head, state root and log unchanged.
#[test]
fn what_is_decided_is_recorded_and_what_is_refused_changes_nothing() {
    holds(150, plan(6..24), |plan| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            let Some((party, command)) = wish(&mut world, step) else {
                continue;
            };
            let mut context: Context = world.context(&party, &signer(&party));
            // The clock ticks before a command is submitted.
            let mut clock = *world.clock();
            clock.tick();
            (context.recorded_at, context.now) = (clock.now(), clock.now());
            let decided = decide(world.state(), command.clone(), &context);
            let before = (world.state().head(), world.root(), world.segments());
            let submitted = world.submit(&party, command);
            match (decided, submitted) {
                (Ok(_), Ok(_)) => {}
                (Ok(_), Err(problem)) => assert_eq!(problem.code, Code::Repeat, "{problem}"),
                (Err(problem), Ok(_)) => panic!("recorded what was refused: {problem}"),
                (Err(_), Err(_)) => {
                    let after = (world.state().head(), world.root(), world.segments());
                    assert!(before == after, "a refused command changed the ledger");
                }
            }
        }
    });
}

/// For every ledger, every head of it, and a fact that does not belong there (of another place,
/// author, time or with another event): `evolve` does not panic, and what it refuses leaves the
/// state as it was.
#[test]
fn evolve_survives_facts_that_lie() {
    let cases = (plan(6..16), any::<u64>());
    holds(100, cases, |(plan, mut random)| {
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below.max(1)
        };
        let world = play(&plan);
        let facts = facts(&world);
        let parties: Vec<_> = facts.iter().map(|fact| fact.author.clone()).collect();
        let mut state = State::default();
        for fact in &facts {
            for _ in 0..6 {
                let mut lie = fact.clone();
                match next(8) {
                    0 => lie.event = facts[next(facts.len())].event.clone(),
                    1 => lie.author = parties[next(parties.len())].clone(),
                    2 => lie.seq = lie.seq.wrapping_add(next(3) as u64).wrapping_sub(1),
                    3 => lie.previous = facts[next(facts.len())].hash,
                    4 => lie.recorded_at = facts[next(facts.len())].recorded_at,
                    5 => lie.id = facts[next(facts.len())].id,
                    6 => {
                        lie.event = facts[next(facts.len())].event.clone();
                        lie.author = parties[next(parties.len())].clone();
                        lie.id = ledger_core::vocab::EventId::from_bytes([next(255) as u8; 32]);
                    }
                    _ => twist(&mut lie.event, &mut next),
                }
                let mut tried = state.clone();
                if evolve(&mut tried, &lie).is_err() {
                    assert_eq!(state_root(&tried), state_root(&state), "a refusal changes nothing");
                    assert_eq!(tried.next_seq(), state.next_seq());
                    assert_eq!(tried.head(), state.head());
                    assert_eq!(tried.open_parts().len(), state.open_parts().len());
                } else {
                    // It was admissible after all; whatever follows from it can be computed.
                    let _ = state_root(&tried);
                }
            }
            evolve(&mut state, fact).expect("a recorded fact is admissible");
        }
    });
}

/// Says something slightly else.
pub fn twist(event: &mut Event, next: &mut impl FnMut(usize) -> usize) {
    let amounts = ["0", "-0.01", "0.001", "999999999999999.999999999999", "-999999999999999"];
    let amount = Amount::parse(amounts[next(amounts.len())]).expect("an amount");
    match event {
        Event::StatementIssued(statement) => match next(6) {
            0 => statement.entries.clear(),
            4 => statement.interest.clear(),
            5 => statement.recoupments.iter_mut().for_each(|one| one.amount = amount),
            1 => statement.entries.iter_mut().for_each(|entry| entry.base = amount),
            2 => statement.entries.iter_mut().for_each(|entry| entry.shares.clear()),
            _ => statement
                .entries
                .iter_mut()
                .flat_map(|entry| &mut entry.shares)
                .for_each(|(_, share)| *share = amount),
        },
        Event::PayoutSent(payout) => match next(4) {
            0 => payout.amount = amount,
            1 => payout.on_account = amount,
            2 => payout.withheld = amount,
            _ => payout.grossed_up = !payout.grossed_up,
        },
        Event::UsageReported(report) => {
            report.period = report.period.next().unwrap_or(report.period);
            report.supplement = next(2) == 0;
        }
        Event::UsagePart(part) => part.index = next(5) as u32,
        Event::AmendmentProposed(amendment) => {
            let days = [-400, -1, 1, 30, 4_000];
            let from = amendment.effective_from;
            amendment.effective_from = from.plus_days(days[next(days.len())]);
        }
        Event::RateProposed(rate) => match next(2) {
            0 => rate.rate = amount,
            _ => rate.period = rate.period.previous().unwrap_or(rate.period),
        },
        Event::ContributionClaimed(claim) => claim.from = claim.from.plus_days(next(900) as i32),
        Event::ContributionEnded(end) => end.on = end.on.plus_days(next(900) as i32 - 450),
        Event::AdvancePaid(advance) => advance.amount = amount,
        Event::PayoutConfirmed(receipt) => {
            receipt.received_on = receipt.received_on.plus_days(next(3_000) as i32 - 100);
        }
        Event::Acknowledged(said) => said.seq = u64::MAX - next(2) as u64,
        _ => {}
    }
}

/// Rounds by looking for the nearest whole number of units among candidates.
fn oracle(mode: Rounding, numerator: i64, denominator: i64, digits: u32) -> i128 {
    let scaled = i128::from(numerator) * 10i128.pow(digits);
    let denominator = i128::from(denominator);
    let near = scaled / denominator;
    let distance = |units: i128| (units * denominator - scaled).abs();
    let candidates = near - 1..=near + 1;
    match mode {
        // The one nearest to the value of those that are not farther from zero.
        Rounding::Down => candidates
            .filter(|units| (units * denominator).abs() <= scaled.abs())
            .filter(|units| units.signum() * scaled.signum() >= 0)
            .min_by_key(|units| distance(*units)),
        Rounding::HalfEven => candidates.min_by_key(|units| (distance(*units), units % 2 != 0)),
        Rounding::HalfUp => candidates.min_by_key(|units| (distance(*units), -units.abs())),
    }
    .expect("there are candidates")
}

/// For all fractions, digits and modes: rounding gives what a search among the neighbours gives,
/// and is symmetric about zero.
#[test]
fn rounding_is_that_of_a_naive_oracle() {
    let halves =
        (-10_000..10_000i64, Strategy::prop_map(0..7u32, |n| [1, 2, 4, 5, 8, 20, 200][n as usize]));
    let any_fraction = (any::<i32>().prop_map(i64::from), 1..1_000_000i64);
    let cases = (proptest::prop_oneof![halves, any_fraction], 0..5u32);
    holds(4_000, cases, |((numerator, denominator), digits)| {
        for mode in [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down] {
            let value = Exact::new(numerator.into(), denominator.into());
            let rounded = mode.round(&value, digits).expect("within bounds");
            let expected = Amount::normalised(oracle(mode, numerator, denominator, digits), digits);
            assert_eq!(Some(rounded), expected, "{mode:?} of {value} to {digits} digits");
            assert_eq!(mode.round(&-value, digits), Some(rounded.negated()), "symmetric");
        }
    });
}
