//! An audit: what stated periods were said to come to, what they come to now, and who bears the cost
//! of having looked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::Amendment;
use crate::event::TermsVersion;
use crate::evolve;
use crate::evolve::amendment;
use crate::evolve::statement::causes;
use crate::evolve::statement::rate_until;
use crate::evolve::statement::unassumable;
use crate::rating::PeriodRating;
use crate::state::Agreement;
use crate::state::Overlay;
use crate::state::State;
use crate::terms::AuditBase;
use crate::terms::AuditClause;
use crate::usage::UsageSums;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::exact;

/// What is audited, and against what.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The first period.
    pub first: Period,
    /// The last period.
    pub last: Period,
    /// An earlier state: what was booked there is what was claimed. Otherwise that is what each
    /// period's own statement posted.
    pub claimed: Option<&'a State>,
    /// Other lines for reports, in exact sums; empty sums for a nil report.
    pub replaced: BTreeMap<EventId, UsageSums>,
    /// Other terms, as if accepted after all others, and the first usage day that they rate.
    pub terms: Option<(TermsVersion, Date)>,
}

/// What an audit finds.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Settlement currency of every amount.
    pub currency: Currency,
    /// The periods, in order.
    pub periods: Vec<AuditPeriod>,
    /// Per beneficiary, sorted: all periods together.
    pub parties: Vec<Finding>,
    /// Everything together; what one was paid too much makes up for what another lacks.
    pub all: Finding,
    /// What the terms of the last period say about audits.
    pub clause: Option<AuditClause>,
    /// The first day that the clause lets an audit look back to.
    pub since: Option<Date>,
}

/// A period of an audit.
#[derive(Clone, Debug)]
pub struct AuditPeriod {
    /// The period.
    pub period: Period,
    /// Its base.
    pub base: Sums,
    /// Per beneficiary, sorted.
    pub shares: Vec<(Id, Sums)>,
    /// The events on the log that can have moved it since it was claimed, in the order of the log.
    pub moved_by: Vec<Named>,
    /// The beneficiaries whose amount a dispute adopted, where what the auditor assumes is computed
    /// without that.
    pub set_aside: Vec<Id>,
}

/// Two amounts and their difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// What was claimed.
    pub claimed: Amount,
    /// What it comes to.
    pub recomputed: Amount,
    /// recomputed − claimed; negative if too much was claimed.
    pub shortfall: Amount,
}

/// What is short, and whether that is enough for the collector to bear the cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The beneficiary; none for everything together.
    pub party: Option<Id>,
    /// Over all periods.
    pub sums: Sums,
    /// The shortfall as a part of what the terms name, exactly; none without a clause, or if that
    /// is not positive.
    pub part: Option<Exact>,
    /// Whether the collector bears the cost; none without a clause.
    pub shifts: Option<bool>,
}

impl Sums {
    fn new(claimed: Amount, recomputed: Amount) -> Result<Sums, Problem> {
        let shortfall = recomputed.checked_sub(claimed).ok_or_else(out_of_bounds)?;
        Ok(Sums { claimed, recomputed, shortfall })
    }

    fn and(self, other: Sums) -> Result<Sums, Problem> {
        let add = |one: Amount, more: Amount| one.checked_add(more).ok_or_else(out_of_bounds);
        Ok(Sums {
            claimed: add(self.claimed, other.claimed)?,
            recomputed: add(self.recomputed, other.recomputed)?,
            shortfall: add(self.shortfall, other.shortfall)?,
        })
    }
}

impl Finding {
    /// The cost shifts if something is short, and that is at least `cost_shift` × the base.
    fn of(party: Option<Id>, sums: Sums, clause: Option<AuditClause>) -> Finding {
        let Some(clause) = clause else { return Finding { party, sums, part: None, shifts: None } };
        let base = exact::of_amount(match clause.of {
            AuditBase::Due => &sums.recomputed,
            AuditBase::Reported => &sums.claimed,
        });
        let shortfall = exact::of_amount(&sums.shortfall);
        let reaches = shortfall >= exact::of_rate(&clause.cost_shift) * &base;
        let shifts = shortfall.is_positive() && reaches;
        let part = base.is_positive().then(|| shortfall / base);
        Finding { party, sums, part, shifts: Some(shifts) }
    }
}

/// Audits stated periods. Errors: [`Code::AuditClause`], [`Code::PeriodLength`], [`Code::WhatIf`]
/// for lines that replace no report, and those of proposing the terms and of rating.
pub fn audit(state: &State, question: &Question<'_>) -> Result<Audit, Problem> {
    let agreement = evolve::in_force(state)?;
    let (first, last) = (question.first, question.last);
    admit(agreement, (first, last))?;
    let claimed = match question.claimed {
        None => None,
        Some(state) => {
            let claimed = evolve::opened(state)?;
            admit(claimed, (first, last)).map_err(|problem| problem.at_field("--claimed-at"))?;
            Some(claimed)
        }
    };
    let clause = agreement.versions().of(last).audit;
    let since =
        clause.map(|clause| state.recorded_at().date().minus_months(clause.lookback_months));
    if let (Some(since), Some(clause)) = (since, clause) {
        admit_lookback(agreement, (first, last), (since, clause))?;
    }
    let overlay = overlay(state, agreement, question)?;
    let rated = agreement.rate_over(&overlay, last).map_err(unassumable)?;
    let known = rate_until(agreement, last)?;
    let mut periods = Vec::new();
    for (rating, known) in rated.iter().zip(&known).filter(|(one, _)| one.period >= first) {
        let mut period = period(state, agreement, (rating, known), (claimed, question.claimed))?;
        if overlay.figures.contains_key(&rating.period) {
            period.set_aside = agreement.adopted_figures(rating.period).keys().cloned().collect();
        }
        periods.push(period);
    }
    let mut parties = Vec::new();
    let mut all = Sums::default();
    for (at, party) in agreement.versions().beneficiaries().into_iter().enumerate() {
        let own = periods.iter().filter_map(|period| period.shares.get(at));
        let mut own = own.map(|(_, sums)| *sums);
        let sums = own.try_fold(Sums::default(), Sums::and)?;
        all = all.and(sums)?;
        parties.push(Finding::of(Some(party.clone()), sums, clause));
    }
    let all = Finding::of(None, all, clause);
    let currency = agreement.terms().currency;
    Ok(Audit { currency, periods, parties, all, clause, since })
}

fn refused(message: String) -> Problem {
    Problem::new(Code::AuditClause, message)
}

/// The periods are in order, and stated: statements have no gaps.
fn admit(agreement: &Agreement, (first, last): (Period, Period)) -> Result<(), Problem> {
    let terms = agreement.terms();
    let mut other = [first, last].into_iter().filter(|one| one.length() != terms.period_length);
    if let Some(period) = other.next() {
        let length = terms.period_length.as_str();
        return Err(Problem::new(Code::PeriodLength, format!("{period} is not a {length}")).hint(
            format!("periods of this agreement look like {}", agreement.versions().first_period()),
        ));
    }
    if first > last {
        return Err(refused(format!("{first} is after {last}"))
            .hint("name the earlier period first; both are audited"));
    }
    let stated = agreement.statements();
    let Some((earliest, latest)) = stated.keys().next().zip(stated.keys().next_back()) else {
        return Err(refused("no period is stated".to_owned())
            .hint("`revshare statement issue` states one; an audit looks back"));
    };
    match [first, last].into_iter().find(|period| !stated.contains_key(period)) {
        None => Ok(()),
        Some(period) => {
            Err(refused(format!("{period} is not stated")).hint(match earliest == latest {
                true => format!("only {latest} is stated: audit that"),
                false => {
                    format!("stated are {earliest} to {latest}: audit these, or some of them")
                }
            }))
        }
    }
}

/// A period is inside if its last day is not before the first day of the lookback.
fn admit_lookback(
    agreement: &Agreement,
    (first, last): (Period, Period),
    (since, clause): (Date, AuditClause),
) -> Result<(), Problem> {
    if first.last_day() >= since {
        return Ok(());
    }
    let months = clause.lookback_months;
    let mut inside = agreement.statements().keys().filter(|period| period.last_day() >= since);
    let hint = match inside.next() {
        Some(inside) if *inside <= last => {
            format!("the first period that is inside is {inside}: `revshare audit {inside} {last}`")
        }
        Some(inside) => format!("the first period that is inside is {inside}"),
        None => "every stated period is older; `--at` looks from an earlier day".to_owned(),
    };
    Err(refused(format!(
        "{first} ended on {}; the terms of {last} let an audit look back {months} months, to {since}",
        first.last_day()
    ))
    .hint(hint))
}

/// What the auditor assumes. As with a claim, figures that disputes adopted for a period do not
/// count beside other lines of it, or other terms that rate it.
fn overlay(
    state: &State,
    agreement: &Agreement,
    question: &Question<'_>,
) -> Result<Overlay, Problem> {
    let mut overlay = Overlay::default();
    let mut touched: BTreeSet<Period> = BTreeSet::new();
    // In the order of the log: ids have an order of their own.
    let mut replaced = Vec::new();
    for (id, lines) in &question.replaced {
        let Some(report) = agreement.report(id) else {
            let no_lines = evolve::unknown_event(state, id, "a report or a correction");
            return Err(Problem { code: Code::WhatIf, ..no_lines });
        };
        replaced.push((report, lines));
    }
    replaced.sort_by_key(|(report, _)| report.seq);
    let mut seen: BTreeMap<EventId, u64> = BTreeMap::new();
    for (report, lines) in replaced {
        let (seq, period) = (report.seq, report.period);
        if period > question.last {
            let message = format!("record {seq} reports {period}, which is not audited");
            return Err(Problem::new(Code::WhatIf, message)
                .hint(format!("nothing after {} can move what is audited", question.last))
                .at_record(seq));
        }
        let current = agreement.current(&report.id);
        if let Some(other) = seen.insert(current, seq) {
            let message =
                format!("records {other} and {seq} are one report, corrected: both are replaced");
            return Err(Problem::new(Code::WhatIf, message)
                .hint("of a report and its corrections, name one")
                .at_record(seq));
        }
        overlay.lines.insert(current, lines.clone());
        touched.insert(period);
    }
    if let Some((version, from)) = &question.terms {
        let (version, reason) = (version.clone(), Text::default());
        let amendment = Amendment { version, effective_from: *from, reason };
        amendment::admit_content(agreement, &amendment)?;
        let version = amendment::with(agreement.versions(), &amendment).last().clone();
        let stated = agreement.statements().keys().copied();
        touched.extend(stated.filter(|period| period.last_day() >= version.effective_from));
        overlay.version = Some(version);
    }
    let adopted = |period: &Period| !agreement.adopted_figures(*period).is_empty();
    let touched = touched.into_iter().filter(adopted);
    overlay.figures = touched.map(|period| (period, BTreeMap::new())).collect();
    Ok(overlay)
}

/// What a period was claimed to be, and what it is.
fn period(
    state: &State,
    agreement: &Agreement,
    (rating, known): (&PeriodRating, &PeriodRating),
    (earlier, at): (Option<&Agreement>, Option<&State>),
) -> Result<AuditPeriod, Problem> {
    let period = rating.period;
    let own = agreement.statements().get(&period);
    let entry = own.and_then(|record| record.statement.own());
    let claimed = |party: &Id| match earlier {
        Some(earlier) => earlier.booked_to(period, party),
        None => {
            let shares = entry.into_iter().flat_map(|entry| &entry.shares);
            let mut own = shares.filter(|(id, _)| id == party);
            own.next().map_or(Amount::ZERO, |(_, amount)| *amount)
        }
    };
    let base = match earlier {
        Some(earlier) => earlier.booked(period).base,
        None => entry.map_or(Amount::ZERO, |entry| entry.base),
    };
    let mut shares = Vec::new();
    for party in agreement.versions().beneficiaries() {
        let share = rating.share(party).map_or(Amount::ZERO, |share| share.amount);
        shares.push((party.clone(), Sums::new(claimed(party), share)?));
    }
    // True-ups since then name what moved the period; what no statement has posted is still among
    // what took effect.
    let next = at.map_or(own.map_or(0, |record| record.seq), State::next_seq);
    let later = agreement.statements().values().filter(|record| record.seq >= next);
    let entries = later.flat_map(|record| &record.statement.entries);
    let true_ups = entries.filter(|entry| entry.period == period);
    let mut moved_by: Vec<EventId> = true_ups.flat_map(|entry| entry.causes.clone()).collect();
    let booked = agreement.booked(period);
    let now = known.shares.iter().map(|share| (share.party.clone(), share.amount));
    if known.base_rounded != booked.base || !now.eq(booked.shares) {
        moved_by.extend(causes(agreement, period));
    }
    let mut moved_by: Vec<Named> = moved_by.into_iter().map(|id| Named::of(state, id)).collect();
    moved_by.sort_by_key(|named| named.seq);
    moved_by.dedup();
    let base = Sums::new(base, rating.base_rounded)?;
    Ok(AuditPeriod { period, base, shares, moved_by, set_aside: Vec::new() })
}

fn out_of_bounds() -> Problem {
    Problem::new(Code::AmountBounds, "a sum or difference has more than 15 integer digits")
        .hint("audit fewer periods at once")
}
