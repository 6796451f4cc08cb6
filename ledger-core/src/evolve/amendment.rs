//! Other terms are proposed: what they may change, and that they rate every line on the log.

use crate::event::Amendment;
use crate::event::Author;
use crate::evolve::Violation;
use crate::evolve::bounds;
use crate::evolve::in_force;
use crate::evolve::proposal::admit_proposer;
use crate::evolve::usage::LineAdmission;
use crate::state::Agreement;
use crate::state::State;
use crate::terms::Terms;
use crate::terms::Version;
use crate::terms::Versions;
use crate::usage::LineKey;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::Problem;

/// An amendment: by a money party of the terms accepted last; see [`admit_content`].
pub fn admit(state: &State, author: &Author, amendment: &Amendment) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    admit_proposer(agreement, author)?;
    admit_content(agreement, amendment)
}

/// What amended terms may change, when they may take effect, and that every line in effect from
/// then on can be rated by them.
pub(crate) fn admit_content(agreement: &Agreement, amendment: &Amendment) -> Result<(), Violation> {
    let new = &amendment.version.terms;
    admit_fixed(agreement, new)?;
    admit_dates(agreement, amendment)?;
    if amendment.version.level != Level::LATEST {
        return Err(Problem::new(Code::FormatLevel, "amended terms are written at format level 2")
            .hint("propose them with this release"));
    }
    let last = agreement.versions().last();
    let from = amendment.effective_from;
    if amendment.version.digest == last.digest && from >= last.effective_from {
        return Err(Problem::new(
            Code::AmendmentNoChange,
            format!("these are the terms in force since {} already", last.effective_from),
        )
        .hint("`revshare terms diff` shows what a terms file changes"));
    }
    bounds::admit(agreement, agreement.exposure(), Some(new))?;
    let versions = with(agreement.versions(), amendment);
    admit_lines(agreement, &versions, from)
}

/// The versions as they would be with an amendment in force.
pub fn with(versions: &Versions, amendment: &Amendment) -> Versions {
    let mut versions = versions.clone();
    versions.push(Version {
        event: EventId::default(),
        seq: u64::MAX,
        effective_from: amendment.effective_from,
        terms: amendment.version.terms.clone(),
        digest: amendment.version.digest,
        level: amendment.version.level,
    });
    versions
}

fn fixed(what: impl std::fmt::Display) -> Problem {
    Problem::new(Code::AmendmentFixed, format!("an amendment cannot change {what}"))
        .hint("open another ledger for another agreement; keys are rotated by events of their own")
}

fn admit_fixed(agreement: &Agreement, new: &Terms) -> Result<(), Violation> {
    let old = agreement.terms();
    if new.starts_on != old.starts_on {
        return Err(fixed(format!("the start, {}, to {}", old.starts_on, new.starts_on))
            .at_field("agreement.starts_on"));
    }
    if new.currency != old.currency {
        return Err(fixed(format!("the currency, {}, to {}", old.currency, new.currency))
            .at_field("agreement.currency"));
    }
    if new.period_length != old.period_length {
        return Err(fixed("the length of periods").at_field("agreement.period"));
    }
    if new.collector() != old.collector() {
        return Err(fixed("the collector").at_field("party"));
    }
    let known = agreement.versions().parties();
    for party in &new.parties {
        if let Some(before) = known.get(&party.id) {
            if **before != *party {
                return Err(fixed(format!("the key or the role of {}", party.id)).at_field("party"));
            }
            continue;
        }
        let keys = [Some(party.key), party.recovery_key];
        let taken = known.values().find(|other| {
            keys.into_iter()
                .flatten()
                .any(|key| other.key == key || other.recovery_key == Some(key))
        });
        if let Some(other) = taken {
            return Err(fixed(format!("whose key it is: {} has that of {}", party.id, other.id))
                .at_field("party"));
        }
    }
    Ok(())
}

fn admit_dates(agreement: &Agreement, amendment: &Amendment) -> Result<(), Violation> {
    let (versions, from) = (agreement.versions(), amendment.effective_from);
    let new = &amendment.version.terms;
    let refuse =
        |message: String, hint: &str| Err(Problem::new(Code::AmendmentDates, message).hint(hint));
    if from < versions.starts_on() {
        return refuse(
            format!("{from} is before the agreement, which starts on {}", versions.starts_on()),
            "amended terms take effect on a day of the agreement",
        );
    }
    if let Some(end) = versions.ends_on().filter(|end| from > *end) {
        return refuse(
            format!("{from} is after the agreement, which ended on {end}"),
            "terms that continue an agreement take effect on the day on which it ends, or before",
        );
    }
    if let Some(end) = new.ends_on.filter(|end| *end <= from) {
        return refuse(
            format!("the amended agreement ends on {end}, which is not after {from}"),
            "let the terms take effect before they end",
        );
    }
    let in_force = versions.on(from);
    let rounding = |terms: &Terms| (terms.rounding, terms.carry);
    let begins = Period::holding(new.period_length, from).first_day() == from;
    if rounding(in_force) != rounding(new) && !begins && from != versions.starts_on() {
        let period = Period::holding(new.period_length, from);
        return Err(Problem::new(
            Code::AmendmentOffPeriod,
            format!("rounding changes on {from}, inside {period}, and a period is rounded once"),
        )
        .hint(format!("let it take effect on {}", period.first_day())));
    }
    Ok(())
}

/// Every line in effect from a day on has a day, attributes, meters, a rule and prices in these
/// versions of the terms.
fn admit_lines(agreement: &Agreement, versions: &Versions, from: Date) -> Result<(), Violation> {
    let mut lines = LineAdmission::new(versions, Level::LATEST);
    for period in agreement.reported_periods().filter(|period| period.last_day() >= from) {
        for report in agreement.in_effect(period) {
            let admitted = lines.admit_all(period, agreement.lines_of(report), Some(from));
            admitted.map_err(|refused| incomplete(&refused.0, report.seq, &refused.1))?;
        }
    }
    Ok(())
}

/// The refusal of terms that cannot rate a line on the log.
fn incomplete(key: &LineKey, seq: u64, why: &Problem) -> Problem {
    Problem::new(
        Code::AmendmentIncomplete,
        format!("usage of {} in record {seq} cannot be rated: {}", key.day, why.message),
    )
    .hint("give the terms a rule, meter, value or price for it, or let them take effect later")
    .at_record(seq)
}

/// What is legal about an amendment, and surprising.
pub fn warnings(agreement: &Agreement, amendment: &Amendment) -> Vec<String> {
    let (versions, from) = (agreement.versions(), amendment.effective_from);
    let mut warnings = Vec::new();
    for later in versions.iter().filter(|version| version.effective_from > from) {
        warnings.push(format!(
            "it overrides the terms that were accepted to take effect on {} (record {})",
            later.effective_from, later.seq
        ));
    }
    let (old, new) = (versions.on(from), &amendment.version.terms);
    let period = Period::holding(new.period_length, from);
    let settles_alike = (old.due_days, old.minimum_payout) == (new.due_days, new.minimum_payout)
        && (&old.caps, &old.minimums, &old.splits) == (&new.caps, &new.minimums, &new.splits);
    if !settles_alike && period.first_day() < from {
        warnings.push(format!(
            "caps, minimums, splits and payment of the whole of {period} follow the new terms: \
             they are in force on its last day"
        ));
    }
    warnings
}
