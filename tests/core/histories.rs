//! The random ledgers of these tests have every kind of history: what other tests hold of them is
//! never held of nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ledger_core::event::Event;
use ledger_core::event::Kind;
use ledger_core::payout::Payout;
use ledger_core::rating::PeriodRating;
use ledger_core::rating::derivation::Operation;
use ledger_core::state::Agreement;
use ledger_core::state::PayoutStatus;
use ledger_core::state::ProposalStatus;
use ledger_core::state::State;
use ledger_core::statement::Statement;
use ledger_core::terms::Pay;
use ledger_core::terms::Rule;
use ledger_core::terms::TierKind;
use ledger_core::view::usage::price_findings;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use revshare_kit::World;
use revshare_kit::random::facts;
use revshare_kit::random::opened;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::random::tiered_plan;
use revshare_kit::random::wish;

use crate::promises::with_ratings;
use crate::runs::holds;

/// What must be seen beside every kind of event.
const HISTORIES: &[&str] = &[
    "correction of a correction",
    "correction to nil",
    "negative position",
    "statement after the end",
    "true-up by usage",
    "true-up by an amendment",
    "true-up by a conversion rate",
    "true-up by a contribution",
    "true-up by the end of a contribution",
    "conversion rate used",
    "late interest",
    "late interest on what was carried",
    "recoupment",
    "recoupment given back",
    "on account",
    "tax withheld",
    "tax grossed up",
    "advance that arrived",
    "advance that came back",
    "cap that cut",
    "cut that a correction took back",
    "top-up",
    "top-up of a stub",
    "amount divided",
    "negative amount divided",
    "priced base",
    "reported gross too far from the price list",
    "points of an exclusivity",
    "points of a contribution",
    "points of two modifiers",
    "rate at the floor",
    "rate at the ceiling",
    "two stretches with usage",
    "whole tier whose text changed",
    "flat amount taken off after a change of text",
    "flat amount given back",
    "marginal tier that became whole",
    "whole tier that became marginal",
    "tier with another window",
    "tier that counts something else",
    "rule that came back",
    "version in force on no day",
    "end moved",
    "rounding changed",
    "party joined",
    "party left",
    "ledger raised from level 1",
    "more than a contract year",
    "proposal pending",
    "proposal accepted",
    "proposal rejected",
    "proposal withdrawn",
    "proposal overtaken",
    "0 digits",
    "2 digits",
    "3 digits",
    "quarters",
];

/// What amendments of tiers must do.
const TIERS: &[&str] = &[
    "true-up by an amendment",
    "true-up by usage",
    "negative position",
    "two stretches with usage",
    "whole tier whose text changed",
    "flat amount taken off after a change of text",
    "flat amount given back",
    "marginal tier that became whole",
    "whole tier that became marginal",
    "tier with another window",
    "tier that counts something else",
    "rule that came back",
    "rule with usage that came back",
    "version in force on no day",
    "end moved",
    "cap that cut",
    "top-up",
    "amount divided",
    "more than a contract year",
];

/// Refusals that random wishes must run into.
const REFUSALS: &[&str] = &[
    "above-payable",
    "advance-not-permitted",
    "already-accepted",
    "amendment-dates",
    "amendment-fixed",
    "amendment-incomplete",
    "amendment-no-change",
    "amendment-off-period",
    "amount-bounds",
    "below-minimum",
    "contribution-dates",
    "contribution-not-open",
    "contribution-unknown",
    "format-level",
    "fx-missing",
    "fx-rate",
    "not-entitled",
    "proposal-closed",
    "proposal-lapsed",
    "row-attribute",
    "row-price",
    "row-rule",
];

struct Seen(RefCell<BTreeMap<String, u32>>);

impl Seen {
    fn note(&self, what: &str) {
        *self.0.borrow_mut().entry(what.to_owned()).or_default() += 1;
    }

    fn note_if(&self, seen: bool, what: &str) {
        if seen {
            self.note(what);
        }
    }
}

/// The random ledgers of these tests hold every kind of event, every clause at work, every outcome
/// of proposals, and run into every refusal that a random wish can.
#[test]
fn random_ledgers_have_every_kind_of_history() {
    let seen = Seen(RefCell::default());
    holds(700, plan(10..40), |plan| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            if let Some((party, command)) = wish(&mut world, step)
                && let Err(problem) = world.submit(&party, command)
            {
                seen.note(problem.code.as_str());
            }
        }
        note_world(&seen, world);
    });
    let kinds = Kind::ALL.map(Kind::as_str);
    let seen = seen.0.into_inner();
    let all = kinds.iter().chain(HISTORIES).chain(REFUSALS);
    let never: Vec<_> = all.filter(|what| !seen.contains_key(**what)).collect();
    assert!(never.is_empty(), "never seen: {never:?}; seen: {seen:#?}");
}

/// The random ledgers whose amendments change tiers change them in every way, more than once.
#[test]
fn random_tiers_change_in_every_way() {
    let seen = Seen(RefCell::default());
    holds(120, tiered_plan(10..30), |plan| note_world(&seen, play(&plan)));
    let seen = seen.0.into_inner();
    let seldom: Vec<_> =
        TIERS.iter().filter(|what| seen.get(**what).is_none_or(|count| *count < 3)).collect();
    assert!(seldom.is_empty(), "seldom seen: {seldom:?}; seen: {seen:#?}");
}

fn note_world(seen: &Seen, world: World) {
    note_facts(seen, &world);
    note_agreement(seen, world.agreement());
    note_versions(seen, world.agreement());
    let (world, ratings) = with_ratings(world);
    ratings.iter().for_each(|rating| note_rating(seen, rating));
    let year = world.agreement().terms().period_length.per_year() as usize;
    seen.note_if(ratings.len() > year, "more than a contract year");
    note_tiers(seen, world.agreement(), &ratings);
}

fn note_facts(seen: &Seen, world: &World) {
    let state: &State = world.state();
    for fact in facts(world) {
        seen.note(fact.event.kind().as_str());
        match &fact.event {
            Event::StatementIssued(statement) => note_statement(seen, state, statement),
            Event::PayoutSent(Payout { on_account, withheld, grossed_up, .. }) => {
                seen.note_if(!on_account.is_zero(), "on account");
                seen.note_if(!withheld.is_zero() && *grossed_up, "tax grossed up");
                seen.note_if(!withheld.is_zero() && !grossed_up, "tax withheld");
            }
            _ => {}
        }
    }
    for report in world.agreement().reports() {
        let replaced = report.corrects.and_then(|id| world.agreement().report(&id));
        let twice = replaced.is_some_and(|replaced| replaced.corrects.is_some());
        seen.note_if(twice, "correction of a correction");
        seen.note_if(report.corrects.is_some() && report.lines == 0, "correction to nil");
        let findings = price_findings(world.agreement(), report.period, &report.usage);
        seen.note_if(!findings.is_empty(), "reported gross too far from the price list");
    }
}

fn note_statement(seen: &Seen, state: &State, statement: &Statement) {
    let agreement = state.agreement().expect("it is opened");
    for entry in &statement.entries {
        seen.note_if(!entry.rates.is_empty(), "conversion rate used");
        for cause in &entry.causes {
            let (_, kind) = state.event(cause).expect("causes are on the log");
            seen.note(match kind {
                Kind::AmendmentProposed => "true-up by an amendment",
                Kind::RateProposed => "true-up by a conversion rate",
                Kind::ContributionClaimed => "true-up by a contribution",
                Kind::ContributionEnded => "true-up by the end of a contribution",
                _ => "true-up by usage",
            });
        }
    }
    for line in &statement.interest {
        seen.note("late interest");
        let nominal = agreement.versions().of(line.period).due_on(line.period);
        seen.note_if(line.due_on > nominal, "late interest on what was carried");
    }
    for one in &statement.recoupments {
        seen.note(if one.amount.is_negative() { "recoupment given back" } else { "recoupment" });
    }
    let last = agreement.versions().last_period();
    seen.note_if(last.is_some_and(|last| statement.period > last), "statement after the end");
}

fn note_agreement(seen: &Seen, agreement: &Agreement) {
    for proposal in agreement.proposals().values() {
        seen.note(match proposal.status {
            ProposalStatus::Pending => "proposal pending",
            ProposalStatus::Accepted { .. } => "proposal accepted",
            ProposalStatus::Rejected { .. } => "proposal rejected",
            ProposalStatus::Withdrawn { .. } => "proposal withdrawn",
            ProposalStatus::Overtaken { .. } => "proposal overtaken",
        });
    }
    for advance in agreement.advances().values() {
        match advance.status {
            PayoutStatus::Confirmed { .. } => seen.note("advance that arrived"),
            PayoutStatus::Returned { .. } => seen.note("advance that came back"),
            PayoutStatus::InTransit | PayoutStatus::Determined { .. } => {}
        }
    }
    let terms = agreement.terms();
    seen.note(&format!("{} digits", terms.currency.minor_digits()));
    seen.note_if(terms.period_length.per_year() == 4, "quarters");
    let raised = agreement.opened_at() == Level::One && agreement.level() == Level::Two;
    seen.note_if(raised, "ledger raised from level 1");
}

fn note_versions(seen: &Seen, agreement: &Agreement) {
    let versions: Vec<_> = agreement.versions().iter().collect();
    for (at, pair) in versions.windows(2).enumerate() {
        let (old, new) = (&pair[0].terms, &pair[1].terms);
        seen.note_if(old.ends_on != new.ends_on, "end moved");
        let rounding = (old.rounding, old.carry) != (new.rounding, new.carry);
        seen.note_if(rounding, "rounding changed");
        seen.note_if(new.parties.len() > old.parties.len(), "party joined");
        seen.note_if(new.parties.len() < old.parties.len(), "party left");
        let overtaken =
            versions[at + 1..].iter().any(|later| later.effective_from <= pair[0].effective_from);
        seen.note_if(overtaken, "version in force on no day");
        for rule in &old.rules {
            let Some(now) = new.rules.iter().find(|now| now.id == rule.id) else {
                let later = versions[at + 2..].iter().flat_map(|version| &version.terms.rules);
                seen.note_if({ later }.any(|later| later.id == rule.id), "rule that came back");
                continue;
            };
            note_change(seen, rule, now);
        }
    }
}

fn note_change(seen: &Seen, old: &Rule, new: &Rule) {
    let (Pay::Tiered(old), Pay::Tiered(new)) = (&old.pay, &new.pay) else { return };
    match (old.kind, new.kind) {
        (TierKind::Marginal, TierKind::Whole) => seen.note("marginal tier that became whole"),
        (TierKind::Whole, TierKind::Marginal) => seen.note("whole tier that became marginal"),
        _ => {}
    }
    seen.note_if(old.over != new.over, "tier with another window");
    seen.note_if(old.by != new.by, "tier that counts something else");
}

fn note_rating(seen: &Seen, rating: &PeriodRating) {
    let used: BTreeSet<usize> = rating
        .rules
        .iter()
        .filter(|rule| !rule.groups.is_empty())
        .map(|rule| rule.stretch)
        .collect();
    seen.note_if(used.len() > 1, "two stretches with usage");
    for rule in &rating.rules {
        let falls = rule.tier.as_ref().is_some_and(|tier| tier.after.is_negative());
        seen.note_if(falls, "negative position");
        let is_whole = rule.tier.as_ref().is_some_and(|tier| tier.kind == TierKind::Whole);
        for operand in &rule.operands {
            match &operand.what {
                Operation::Flat { back: true, .. } if is_whole => {
                    seen.note("flat amount taken off after a change of text");
                }
                Operation::Flat { back: true, .. } => seen.note("flat amount given back"),
                Operation::Share { rate, .. } | Operation::WindowShare { rate, .. } => {
                    let points = rate.points.iter().fold(
                        ledger_core::vocab::exact::of_rate(&rate.share),
                        |sum, (_, points)| sum + points,
                    );
                    seen.note_if(rate.rate > points, "rate at the floor");
                    seen.note_if(rate.rate < points, "rate at the ceiling");
                }
                _ => {}
            }
        }
        for group in &rule.groups {
            seen.note_if(group.reported.is_some(), "priced base");
            seen.note_if(group.modifiers.len() > 1, "points of two modifiers");
            let starts =
                |word: &str| group.modifiers.iter().any(|id| id.as_str().starts_with(word));
            seen.note_if(starts("only-"), "points of an exclusivity");
            seen.note_if(starts("work-"), "points of a contribution");
        }
    }
    for share in &rating.shares {
        for capped in &share.caps {
            let grows = !capped.before.is_negative();
            seen.note_if(grows && capped.after < capped.before, "cap that cut");
            seen.note_if(!grows && capped.after > capped.before, "cut that a correction took back");
        }
        for top_up in share.top_ups.iter().filter(|top_up| top_up.added > Amount::ZERO) {
            seen.note("top-up");
            seen.note_if(top_up.days.0 < top_up.days.1, "top-up of a stub");
        }
        let divided = share.split.len() > 1 && !share.own.is_zero();
        seen.note_if(divided, "amount divided");
        seen.note_if(divided && share.own.is_negative(), "negative amount divided");
    }
}

/// Rules with usage that were gone in between, and whole tiers with usage under two texts.
fn note_tiers(seen: &Seen, agreement: &Agreement, ratings: &[PeriodRating]) {
    let mut texts: BTreeMap<&Id, &Rule> = BTreeMap::new();
    let mut absent: BTreeMap<&Id, bool> = BTreeMap::new();
    for rating in ratings {
        for rule in rating.rules.iter().filter(|rule| !rule.groups.is_empty()) {
            seen.note_if(absent.get(&rule.rule) == Some(&true), "rule with usage that came back");
        }
        let in_force: BTreeSet<&Id> = rating.rules.iter().map(|rule| &rule.rule).collect();
        for id in &in_force {
            absent.entry(*id).or_insert(false);
        }
        for (id, gone) in &mut absent {
            *gone = !in_force.contains(id);
        }
    }
    for rule in ratings.iter().flat_map(|rating| &rating.rules) {
        let terms = &agreement.versions().get(rule.version).terms;
        let text = terms.rules.iter().find(|known| known.id == rule.rule).expect("its own rule");
        let is_whole = rule.tier.as_ref().is_some_and(|tier| tier.kind == TierKind::Whole);
        if !is_whole || rule.groups.is_empty() {
            continue;
        }
        let before = texts.insert(&rule.rule, text);
        seen.note_if(before.is_some_and(|b| b != text), "whole tier whose text changed");
    }
}
