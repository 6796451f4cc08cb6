//! What if: the log replayed without an event, with another report in the place of one, or under
//! other terms. Records nothing.
//!
//! The answer follows from the log and the question alone, so both parties get the same one. What
//! was said later is judged again where it stands: what would not have been admissible is left out
//! and named. Statements are composed again, since their content follows from the facts;
//! acknowledgements are left out, since they speak of the real history.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::Amendment;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::TermsVersion;
use crate::evolve;
use crate::evolve::amendment;
use crate::evolve::statement;
use crate::evolve::usage;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::State;
use crate::store::SegmentSource;
use crate::usage::UsageSums;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The last record that counts; all of them if none is named.
    pub until: Option<u64>,
    /// Events that are left out.
    pub without: BTreeSet<EventId>,
    /// Other lines for reports and corrections, in exact sums; empty sums for a nil report.
    pub replaced: BTreeMap<EventId, UsageSums>,
    /// Other terms, accepted after all others, from a usage day on.
    pub terms: Option<(TermsVersion, Date)>,
}

/// What follows.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The state as it is.
    pub real: State,
    /// The state as it would be.
    pub assumed: State,
    /// Later events that would not have been admissible, in the order of the log.
    pub refused: Vec<Refused>,
    /// Every period with a report or a statement on either side, in order.
    pub periods: Vec<PeriodAnswer>,
    /// What may be paid out, per beneficiary: as it is and as it would be. A difference of what is
    /// booked shows here only once it is stated.
    pub payable: Vec<Sides>,
}

/// A later event that would not have been admissible.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The event.
    pub event: Named,
    /// Its kind.
    pub kind: Kind,
    /// Why.
    pub why: Problem,
}

/// What a period comes to.
#[derive(Clone, Debug)]
pub struct PeriodAnswer {
    /// The period.
    pub period: Period,
    /// Its base.
    pub base: (Amount, Amount),
    /// Per beneficiary, sorted.
    pub shares: Vec<Sides>,
}

/// A beneficiary's amount as it is and as it would be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sides {
    /// The beneficiary.
    pub party: Id,
    /// As it is, from the facts known now.
    pub real: Amount,
    /// As it would be.
    pub assumed: Amount,
    /// assumed − real.
    pub difference: Amount,
}

/// Replays a log with and without what is asked, side by side. Errors: a log that cannot be read,
/// [`Code::WhatIf`], terms that could not be proposed, and periods that cannot be rated.
pub fn ask(source: &dyn SegmentSource, question: &Question) -> Result<Answer, Problem> {
    let mut assumed = State::default();
    let mut refused = Vec::new();
    let mut seen = BTreeSet::new();
    let replayed = replay(source, question.until, Signatures::Trusted, &mut |_, fact, _| {
        seen.insert(fact.id);
        if let Err(why) = assume(&mut assumed, question, fact) {
            let event = Named { id: fact.id, seq: Some(fact.seq) };
            refused.push(Refused { event, kind: fact.event.kind(), why });
        }
    })?;
    let real = replayed.state;
    admit(&real, question, &seen)?;
    if let Some((version, effective_from)) = &question.terms {
        assume_terms(&mut assumed, version, *effective_from)?;
    }
    let periods = periods(&real, &assumed)?;
    let payable = payable(&real, &assumed)?;
    Ok(Answer { real, assumed, refused, periods, payable })
}

/// The events that are asked about are on the log, are no opening, and are reports where lines are
/// replaced.
fn admit(real: &State, question: &Question, seen: &BTreeSet<EventId>) -> Result<(), Problem> {
    for id in question.without.iter().chain(question.replaced.keys()) {
        let Some((seq, kind)) = real.event(id).filter(|_| seen.contains(id)) else {
            return Err(Problem::new(
                Code::WhatIf,
                format!("there is no event {} up to where the replay ends", id.0.short()),
            )
            .hint("`revshare history` lists the events"));
        };
        let message = if kind == Kind::LedgerOpened {
            "without its first event there is no ledger".to_owned()
        } else if kind == Kind::UsagePart {
            format!("record {seq} is a part of a report")
        } else if question.replaced.contains_key(id)
            && !matches!(kind, Kind::UsageReported | Kind::UsageCorrected)
        {
            format!("record {seq} is {}, which has no lines to replace", kind.as_str())
        } else {
            continue;
        };
        return Err(Problem::new(Code::WhatIf, message)
            .hint("name a later event; of a report in parts, the event that closes it")
            .at_record(seq));
    }
    Ok(())
}

/// Applies a fact as it would have been. `Err` if it would not have been admissible; its place is
/// taken either way.
fn assume(state: &mut State, question: &Question, fact: &Fact) -> Result<(), Problem> {
    if question.without.contains(&fact.id) {
        evolve::leave_out(state, fact);
        return Ok(());
    }
    let judged = match &fact.event {
        Event::Acknowledged(_) => {
            evolve::skip(state, fact);
            return Ok(());
        }
        Event::StatementIssued(issued) => restate(state, fact, issued.period),
        event => match question.replaced.get(&fact.id) {
            Some(sums) => replace(state, fact, sums.clone()),
            None => evolve::admit(state, &fact.author, fact.recorded_at, event)
                .and_then(|()| evolve::apply(state, fact)),
        },
    };
    evolve::leave_out(state, fact);
    judged
}

fn restate(state: &mut State, fact: &Fact, period: Period) -> Result<(), Problem> {
    statement::admit(state, &fact.author, period)?;
    let composed = statement::compose(state, period)?;
    statement::record(state, fact, &composed)
}

fn replace(state: &mut State, fact: &Fact, sums: UsageSums) -> Result<(), Problem> {
    match &fact.event {
        Event::UsageReported(report) => {
            let head = usage::Head::Report { period: report.period, supplement: report.supplement };
            usage::record_sums(state, fact, head, (sums, 0))
        }
        Event::UsageCorrected(correction) => {
            let (corrects, reason) = (correction.corrects, &correction.reason);
            let head = usage::Head::Correction { corrects, reason };
            usage::record_sums(state, fact, head, (sums, 0))
        }
        _ => evolve::apply(state, fact),
    }
}

fn assume_terms(state: &mut State, version: &TermsVersion, from: Date) -> Result<(), Problem> {
    let agreement = evolve::in_force(state)?;
    let (version, reason) = (version.clone(), Text::default());
    let amendment = Amendment { version, effective_from: from, reason };
    amendment::admit_content(agreement, &amendment)?;
    let version = amendment::with(agreement.versions(), &amendment).last().clone();
    evolve::opened_mut(state)?.assume(version);
    Ok(())
}

/// Every period that either side has, computed from the facts of each.
fn periods(real: &State, assumed: &State) -> Result<Vec<PeriodAnswer>, Problem> {
    let (real, assumed) = (evolve::opened(real)?, evolve::opened(assumed)?);
    let last_of = |agreement: &crate::state::Agreement| {
        let reported = agreement.reported_periods().next_back();
        reported.max(agreement.statements().keys().next_back().copied())
    };
    let Some(last) = last_of(real).max(last_of(assumed)) else { return Ok(Vec::new()) };
    let is = statement::rate_until(real, last)?;
    let would_be = statement::rate_until(assumed, last)?;
    let mut periods = Vec::with_capacity(is.len());
    for (is, would_be) in is.iter().zip(&would_be) {
        let parties: BTreeSet<&Id> =
            is.shares.iter().chain(&would_be.shares).map(|share| &share.party).collect();
        let amount = |rating: &crate::rating::PeriodRating, party: &Id| {
            rating.share(party).map_or(Amount::ZERO, |share| share.amount)
        };
        let shares = parties
            .into_iter()
            .map(|party| sides(party, amount(is, party), amount(would_be, party)))
            .collect::<Result<_, Problem>>()?;
        let base = (is.base_rounded, would_be.base_rounded);
        periods.push(PeriodAnswer { period: is.period, base, shares });
    }
    Ok(periods)
}

fn payable(real: &State, assumed: &State) -> Result<Vec<Sides>, Problem> {
    let (real, assumed) = (evolve::opened(real)?, evolve::opened(assumed)?);
    let parties: BTreeSet<&Id> = real
        .versions()
        .beneficiaries()
        .into_iter()
        .chain(assumed.versions().beneficiaries())
        .collect();
    parties
        .into_iter()
        .map(|party| sides(party, real.account(party).payable(), assumed.account(party).payable()))
        .collect()
}

fn sides(party: &Id, real: Amount, assumed: Amount) -> Result<Sides, Problem> {
    let difference = assumed.checked_sub(real).ok_or_else(|| {
        Problem::new(Code::AmountBounds, "a difference has more than 15 integer digits")
            .hint("the two sides are too far apart to be compared")
    })?;
    Ok(Sides { party: party.clone(), real, assumed, difference })
}
