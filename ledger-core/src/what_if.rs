//! What if: the log replayed without an event, with another report in the place of one, or under
//! other terms. Records nothing.
//!
//! The answer follows from the log and the question alone, so both parties get the same one. What
//! was said later is judged again where it stands: what would not have been admissible is left out
//! and named, and so is what names it. Statements are composed again, since their content follows
//! from the facts; so are the tax on a payout, and the part of it on account if it said so.
//! Acknowledgements are left out, since they speak of the real history.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::Amendment;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::TermsVersion;
use crate::evolve;
use crate::evolve::Judged;
use crate::evolve::amendment;
use crate::evolve::money;
use crate::evolve::statement;
use crate::evolve::usage;
use crate::payout::Payout;
use crate::rating;
use crate::rating::PeriodRating;
use crate::rating::Unratable;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::Agreement;
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
    /// Every period from the first to the last with a report or a statement on either side, in
    /// order.
    pub periods: Vec<PeriodAnswer>,
    /// Per beneficiary, sorted: the sum over the periods that both sides can rate.
    pub totals: Vec<Sides>,
    /// Why periods from one on cannot be rated as it is, if there are such.
    pub unrated: Option<Problem>,
    /// Why periods from one on could not be rated as it would be, if there are such.
    pub unrated_assumed: Option<Problem>,
    /// What may be paid out, per beneficiary, sorted. A difference of what is earned shows here
    /// only once it is stated.
    pub payable: Vec<Sides>,
    /// What statements have not posted yet of the periods that can be rated, true-ups included;
    /// per beneficiary, sorted.
    pub unstated: Vec<Sides>,
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
    /// Its base as it is; `None` if it cannot be rated.
    pub base: Option<Amount>,
    /// Its base as it would be; `None` if it could not be rated.
    pub base_assumed: Option<Amount>,
    /// Per beneficiary, sorted.
    pub shares: Vec<Sides>,
}

/// A beneficiary's amount as it is and as it would be, in the settlement currency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sides {
    /// The beneficiary.
    pub party: Id,
    /// As it is, from the facts known now; `None` if it cannot be rated.
    pub real: Option<Amount>,
    /// As it would be; `None` if it could not be rated.
    pub assumed: Option<Amount>,
    /// assumed − real, if both are known.
    pub difference: Option<Amount>,
}

impl PeriodAnswer {
    /// Whether the two sides are not the same.
    pub fn differs(&self) -> bool {
        self.base != self.base_assumed || self.shares.iter().any(|one| one.real != one.assumed)
    }
}

/// Replays a log with and without what is asked, side by side. Errors: a log that cannot be read,
/// [`Code::WhatIf`], and terms that could not be proposed.
pub fn ask(source: &dyn SegmentSource, question: &Question) -> Result<Answer, Problem> {
    let (state, gone, refused) = (State::default(), BTreeMap::new(), Vec::new());
    let mut assumption = Assumption { question, state, gone, refused };
    let mut seen = BTreeSet::new();
    let replayed = replay(source, question.until, Signatures::Trusted, &mut |_, fact, _| {
        seen.insert(fact.id);
        assumption.take(fact);
    })?;
    let real = replayed.state;
    admit(&real, question, &seen)?;
    let Assumption { state: mut assumed, refused, .. } = assumption;
    if let Some((version, effective_from)) = &question.terms {
        assume_terms(&mut assumed, version, *effective_from)?;
    }
    compare(real, assumed, refused)
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
        let is_replaced = question.replaced.contains_key(id);
        let message = if kind == Kind::LedgerOpened {
            "without its first event there is no ledger".to_owned()
        } else if kind == Kind::UsagePart {
            format!("record {seq} is a part of a report")
        } else if is_replaced && !matches!(kind, Kind::UsageReported | Kind::UsageCorrected) {
            format!("record {seq} is {}, which has no lines to replace", kind.as_str())
        } else if is_replaced && question.without.contains(id) {
            format!("record {seq} is both left out and replaced")
        } else {
            continue;
        };
        return Err(Problem::new(Code::WhatIf, message)
            .hint("name a later event; of a report in parts, the event that closes it")
            .at_record(seq));
    }
    Ok(())
}

/// The log as it would have been, record by record.
struct Assumption<'a> {
    question: &'a Question,
    state: State,
    /// What does not count: the record, and whether it was left out or is not admissible.
    gone: BTreeMap<EventId, (u64, &'static str)>,
    refused: Vec<Refused>,
}

impl Assumption<'_> {
    /// Applies a fact as it would have been, or names it. It takes its place either way.
    fn take(&mut self, fact: &Fact) {
        let kind = fact.event.kind();
        let mut judged = Judged::refused(fact);
        if self.question.without.contains(&fact.id) {
            self.gone.insert(fact.id, (fact.seq, "is left out"));
        } else if kind != Kind::Acknowledged {
            match self.judge(fact) {
                Ok(admitted) => judged = admitted,
                Err(why) => {
                    let event = Named { id: fact.id, seq: Some(fact.seq) };
                    self.gone.insert(fact.id, (fact.seq, "would not have been admissible"));
                    self.refused.push(Refused { event, kind, why });
                }
            }
        }
        evolve::apply(&mut self.state, judged);
        if kind != Kind::UsagePart {
            // With a report that is left out, its parts are.
            self.state.take_parts();
        }
    }

    fn judge(&self, fact: &Fact) -> Result<Judged, Problem> {
        let gone = named(&fact.event).and_then(|id| self.gone.get(&id));
        if let Some((seq, how)) = gone {
            let message = format!("it names record {seq}, which {how}");
            return Err(Problem::new(Code::UnknownEvent, message)
                .hint("what is said of an event goes with it")
                .at_record(*seq));
        }
        let state = &self.state;
        match &fact.event {
            // The event that closes the parts is judged, and says why if it does not stand.
            Event::UsagePart(part) => Ok(evolve::judged(fact, usage::part(fact, part, None))),
            Event::StatementIssued(issued) => {
                let change = statement::judge_composed(state, fact, issued.period)?;
                Ok(evolve::judged(fact, change))
            }
            Event::PayoutSent(payout) => send(state, fact, payout),
            event => match self.question.replaced.get(&fact.id) {
                Some(sums) => replace(state, fact, sums.clone()),
                None => {
                    if let Some(agreement) = state.agreement() {
                        evolve::admit_event_level(agreement.level(), event)?;
                    }
                    evolve::judge_event(state, fact, None)
                }
            },
        }
    }
}

/// The event that an event is about, if it is about one.
fn named(event: &Event) -> Option<EventId> {
    match event {
        Event::Accepted(acceptance) => Some(acceptance.event),
        Event::UsageCorrected(correction) => Some(correction.corrects),
        Event::StatementAccepted(statement) => Some(*statement),
        Event::PayoutConfirmed(receipt) => Some(receipt.payout),
        Event::PayoutReturned(returned) => Some(returned.payout),
        Event::ProposalRejected(closing) | Event::ProposalWithdrawn(closing) => {
            Some(closing.proposal)
        }
        Event::ContributionEnded(end) => Some(end.claim),
        Event::EvidenceAttached(attachment) => Some(attachment.about),
        Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_) => event.of_dispute(),
        Event::LedgerOpened(_)
        | Event::UsagePart(_)
        | Event::UsageReported(_)
        | Event::UsageMissing(_)
        | Event::StatementIssued(_)
        | Event::PayoutSent(_)
        | Event::Acknowledged(_)
        | Event::AmendmentProposed(_)
        | Event::RateProposed(_)
        | Event::ContributionClaimed(_)
        | Event::AdvancePaid(_)
        | Event::DisputeOpened(_)
        | Event::EvidenceErased(_) => None,
    }
}

/// A payout says what tax the terms withhold, and one whose excess is on account how much that is,
/// so it would have said something else.
fn send(state: &State, fact: &Fact, payout: &Payout) -> Result<Judged, Problem> {
    let Payout { to, amount, on_account, sent_on, reference, .. } = payout.clone();
    let sent = (to, amount, !on_account.is_zero());
    let payout = money::compose(state, sent, (sent_on, reference))?;
    Ok(evolve::judged(fact, money::judge_payout(state, fact, &payout)?))
}

fn replace(state: &State, fact: &Fact, sums: UsageSums) -> Result<Judged, Problem> {
    let head = match &fact.event {
        Event::UsageReported(report) => usage::Head::of_report(report),
        Event::UsageCorrected(correction) => usage::Head::of_correction(correction),
        _ => return evolve::judge_event(state, fact, None),
    };
    Ok(evolve::judged(fact, usage::judge_sums(state, fact, head, (Some(sums), 0))?))
}

fn assume_terms(state: &mut State, version: &TermsVersion, from: Date) -> Result<(), Problem> {
    let agreement = evolve::in_force(state)?;
    let (version, reason) = (version.clone(), Text::default());
    let amendment = Amendment { version, effective_from: from, reason };
    amendment::admit_content(agreement, &amendment)?;
    let version = amendment::with(agreement.versions(), &amendment).last().clone();
    match state.agreement_mut() {
        Some(agreement) => agreement.assume(version),
        None => Err(evolve::not_opened(false)),
    }
}

/// The two sides, each computed from its facts.
fn compare(real: State, assumed: State, refused: Vec<Refused>) -> Result<Answer, Problem> {
    let (is, would_be) = (evolve::opened(&real)?, evolve::opened(&assumed)?);
    let last = last_of(is).max(last_of(would_be));
    let (rated, unrated) = rate_known(is, last);
    let (rated_assumed, unrated_assumed) = rate_known(would_be, last);
    let parties: BTreeSet<Id> = [is, would_be]
        .into_iter()
        .flat_map(|one| one.versions().beneficiaries())
        .cloned()
        .collect();
    let mut periods = Vec::new();
    for at in 0..rated.len().max(rated_assumed.len()) {
        let (is, would_be) = (rated.get(at), rated_assumed.get(at));
        let Some(period) = is.or(would_be).map(|rating| rating.period) else { continue };
        let shares = parties.iter().map(|party| {
            sides(party, is.map(|one| share(one, party)), would_be.map(|one| share(one, party)))
        });
        periods.push(PeriodAnswer {
            period,
            base: is.map(|rating| rating.base_rounded),
            base_assumed: would_be.map(|rating| rating.base_rounded),
            shares: shares.collect::<Result<_, Problem>>()?,
        });
    }
    let both = rated.len().min(rated_assumed.len());
    let totals = each(&parties, |party| {
        let sum = |ratings: &[PeriodRating]| {
            let ratings = ratings.iter().take(both);
            add_up(ratings.map(|rating| Some(share(rating, party))))
        };
        Ok((sum(&rated)?, sum(&rated_assumed)?))
    })?;
    let payable = each(&parties, |party| Ok((is.payable(party)?, would_be.payable(party)?)))?;
    let unstated = each(&parties, |party| {
        let sum = |agreement: &Agreement, ratings: &[PeriodRating]| {
            add_up(ratings.iter().map(|rating| {
                let booked = agreement.booked(rating.period);
                let booked = booked.shares.iter().find(|(id, _)| id == party);
                let booked = booked.map_or(Amount::ZERO, |(_, amount)| *amount);
                share(rating, party).checked_sub(booked)
            }))
        };
        Ok((sum(is, &rated)?, sum(would_be, &rated_assumed)?))
    })?;
    Ok(Answer {
        refused,
        periods,
        totals,
        unrated,
        unrated_assumed,
        payable,
        unstated,
        real,
        assumed,
    })
}

/// The last period with a report or a statement.
fn last_of(agreement: &Agreement) -> Option<Period> {
    let reported = agreement.reported_periods().next_back();
    reported.max(agreement.statements().keys().next_back().copied())
}

/// Every period from the first to `last` that can be rated, and why the one after them cannot.
fn rate_known(agreement: &Agreement, last: Option<Period>) -> (Vec<PeriodRating>, Option<Problem>) {
    let Some(last) = last else { return (Vec::new(), None) };
    let mut facts = agreement.facts_until(last);
    let mut unrated = None;
    loop {
        let why = match rating::rate(agreement.contract(), &facts) {
            Ok(rated) => return (rated, unrated),
            Err(why) => why,
        };
        let (Unratable::OutOfBounds { period } | Unratable::NoRate { period, .. }) = &why;
        // At least one less each time, whatever the period.
        let known = facts.iter().take_while(|facts| facts.period < *period).count();
        facts.truncate(known.min(facts.len().saturating_sub(1)));
        unrated = Some(statement::unratable(why));
    }
}

fn share(rating: &PeriodRating, party: &Id) -> Amount {
    rating.share(party).map_or(Amount::ZERO, |share| share.amount)
}

/// Both sides of an amount per beneficiary.
fn each(
    parties: &BTreeSet<Id>,
    of: impl Fn(&Id) -> Result<(Amount, Amount), Problem>,
) -> Result<Vec<Sides>, Problem> {
    let both = |party| of(party).and_then(|(is, then)| sides(party, Some(is), Some(then)));
    parties.iter().map(both).collect()
}

fn add_up(mut amounts: impl Iterator<Item = Option<Amount>>) -> Result<Amount, Problem> {
    let sum = amounts.try_fold(Amount::ZERO, |sum, amount| sum.checked_add(amount?));
    sum.ok_or_else(out_of_bounds)
}

fn sides(party: &Id, real: Option<Amount>, assumed: Option<Amount>) -> Result<Sides, Problem> {
    let both = real.zip(assumed);
    let difference = both.map(|(is, then)| then.checked_sub(is).ok_or_else(out_of_bounds));
    Ok(Sides { party: party.clone(), real, assumed, difference: difference.transpose()? })
}

fn out_of_bounds() -> Problem {
    Problem::new(Code::AmountBounds, "a sum or difference has more than 15 integer digits")
        .hint("the two sides are too far apart to be compared")
}
