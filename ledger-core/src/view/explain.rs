//! The derivation of an amount: from what statements posted back to the reports.

use crate::evolve;
use crate::rating::PartyRating;
use crate::rating::RuleRating;
use crate::state::DisputeStatus;
use crate::state::Report;
use crate::state::Resolution;
use crate::state::State;
use crate::terms::Version;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;

/// How a period's amount for a party comes about, from the facts known now.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The period.
    pub period: Period,
    /// The party.
    pub party: Id,
    /// The versions of the terms that had a part in it, by number: those in force on its days, and
    /// the one that settles it (the last entry).
    pub versions: Vec<(usize, Version)>,
    /// The day on which it is due.
    pub due_on: Date,
    /// What statements posted for the period, in the order of the log.
    pub postings: Vec<Posting>,
    /// All postings together.
    pub booked: Amount,
    /// What the next statement will post as a true-up; the whole amount if the period is not
    /// stated yet.
    pub pending: Amount,
    /// Earned, carried, rounded, capped, guaranteed and divided.
    pub rating: PartyRating,
    /// How it was earned, by the rules that have a part in it, in the order of the terms.
    pub rules: Vec<RuleRating>,
    /// The reports in effect.
    pub reports: Vec<Source>,
    /// The dispute that adopted the amount, if one did.
    pub adopted: Option<AdoptedBy>,
}

/// The dispute that adopted something, and how.
#[derive(Clone, Copy, Debug)]
pub struct AdoptedBy {
    /// The dispute.
    pub dispute: Named,
    /// The event that resolved it.
    pub by: Named,
    /// How.
    pub how: Resolution,
}

/// What a statement posted to a party for a period.
#[derive(Clone, Debug)]
pub struct Posting {
    /// The statement.
    pub statement: Named,
    /// The period of the statement.
    pub stated: Period,
    /// The amount.
    pub amount: Amount,
    /// For a true-up: what moved the period.
    pub causes: Vec<Named>,
}

/// A report that counts.
#[derive(Clone, Debug)]
pub struct Source {
    /// The report or correction.
    pub report: Named,
    /// For a correction: what it replaced.
    pub corrects: Option<Named>,
    /// Whether it adds to earlier ones.
    pub supplement: bool,
    /// Its lines; those that a dispute adopted, if one did.
    pub lines: u64,
    /// The dispute that adopted them, if one did.
    pub adopted: Option<AdoptedBy>,
}

/// Derives a period's amount for a party. Errors: [`Code::PeriodLength`],
/// [`Code::PeriodOutside`], [`Code::PeriodNotReported`], [`Code::NotAParty`].
pub fn explain(state: &State, period: Period, party: &Id) -> Result<Explanation, Problem> {
    let agreement = evolve::opened(state)?;
    let versions = agreement.versions();
    let terms = versions.of(period);
    if period.length() != terms.period_length {
        return Err(Problem::new(
            Code::PeriodLength,
            format!("{period} is not a {}", terms.period_length.as_str()),
        )
        .hint(format!("periods of this agreement look like {}", versions.first_period())));
    }
    if period < versions.first_period() {
        return Err(Problem::new(Code::PeriodOutside, format!("{period} is before the agreement"))
            .hint(format!("the agreement begins with {}", versions.first_period())));
    }
    let beneficiaries = versions.beneficiaries();
    if !beneficiaries.contains(&party) {
        let known: Vec<&str> = beneficiaries.iter().map(|id| id.as_str()).collect();
        return Err(Problem::new(Code::NotAParty, format!("no share is owed to {party}"))
            .hint(format!("shares are owed to {}", known.join(", "))));
    }
    let stated = agreement.statements().contains_key(&period);
    let last_reported = agreement.reported_periods().next_back();
    if !stated && last_reported.is_none_or(|last| period > last) {
        return Err(Problem::new(
            Code::PeriodNotReported,
            format!("{period} has neither a report nor a statement"),
        )
        .hint("`revshare usage list` shows what is reported"));
    }
    // Every period up to this one was asked for, so the last rating is its own.
    let rated = evolve::statement::rate_until(agreement, period)?.pop();
    let (rating, rules) = match rated {
        Some(rated) => (rated.share(party).cloned(), rated.rules),
        None => (None, Vec::new()),
    };
    let rating = rating.unwrap_or_else(|| PartyRating::nothing(party.clone()));
    let mut postings = Vec::new();
    for record in agreement.statements().values() {
        for entry in record.statement.entries.iter().filter(|entry| entry.period == period) {
            let share = entry.shares.iter().find(|(id, _)| id == party);
            postings.push(Posting {
                statement: Named { id: record.id, seq: Some(record.seq) },
                stated: record.statement.period,
                amount: share.map_or(Amount::ZERO, |(_, amount)| *amount),
                causes: entry.causes.iter().map(|id| Named::of(state, *id)).collect(),
            });
        }
    }
    let booked = Amount::total(postings.iter().map(|posting: &Posting| posting.amount))?;
    let resolution = |dispute: &EventId| {
        let known = agreement.disputes().get(dispute)?;
        let DisputeStatus::Resolved(resolved) = &known.status else { return None };
        Some(AdoptedBy {
            dispute: Named { id: known.id, seq: Some(known.seq) },
            by: Named { id: resolved.event, seq: Some(resolved.seq) },
            how: resolved.how,
        })
    };
    let source = |report: &Report| Source {
        report: Named { id: report.id, seq: Some(report.seq) },
        corrects: report.corrects.map(|id| Named::of(state, id)),
        supplement: report.supplement,
        lines: agreement
            .adopted_lines(&report.id)
            .map_or(report.lines, |adopted| adopted.usage.lines()),
        adopted: agreement
            .adopted_lines(&report.id)
            .and_then(|adopted| resolution(&adopted.dispute)),
    };
    // The party's own rules, and of a divided pool also those that filled it.
    let pools: Vec<&Id> = rating.parts.iter().map(|part| &part.of).chain([party]).collect();
    let has_part = |rule: &RuleRating| {
        let operands = rule.operands.iter();
        rule.lines() > 0 || operands.map(|one| &one.party).any(|id| pools.contains(&id))
    };
    let mut numbers: Vec<usize> = rules.iter().map(|rule| rule.version).collect();
    numbers.push(versions.number_of(period));
    numbers.dedup();
    Ok(Explanation {
        period,
        party: party.clone(),
        versions: numbers
            .into_iter()
            .map(|number| (number, versions.get(number).clone()))
            .collect(),
        due_on: terms.due_on(period),
        postings,
        booked,
        pending: rating.amount.minus(booked)?,
        rules: rules.into_iter().filter(has_part).collect(),
        rating,
        adopted: agreement
            .adopted_figure(period, party)
            .and_then(|figure| resolution(&figure.dispute)),
        reports: agreement.in_effect(period).into_iter().map(source).collect(),
    })
}
