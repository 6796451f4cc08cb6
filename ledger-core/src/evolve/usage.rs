//! Usage is reported, corrected, or missing.

use std::collections::BTreeMap;

use crate::event::Author;
use crate::event::Fact;
use crate::event::Lines;
use crate::event::PartsIndex;
use crate::event::UsageCorrection;
use crate::event::UsagePart;
use crate::event::UsageReport;
use crate::evolve::Violation;
use crate::evolve::bounds;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::limits::PARTS_MAX;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::Exposure;
use crate::state::GroupChange;
use crate::state::OpenPart;
use crate::state::Report;
use crate::state::ReportChange;
use crate::state::State;
use crate::terms::Admission;
use crate::terms::Role;
use crate::terms::Stretch;
use crate::terms::Versions;
use crate::terms::marker;
use crate::usage::Cell;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;
use crate::vocab::to_usize;

/// What a report or correction says besides its lines.
#[derive(Clone, Copy, Debug)]
pub enum Head<'a> {
    /// A report.
    Report {
        /// The period.
        period: Period,
        /// Whether it adds to earlier ones.
        supplement: bool,
    },
    /// A correction.
    Correction {
        /// The report or correction that it replaces.
        corrects: EventId,
        /// Why.
        reason: &'a Text,
    },
}

impl<'a> Head<'a> {
    /// Of a report.
    pub(crate) fn of_report(report: &UsageReport) -> Head<'a> {
        Head::Report { period: report.period, supplement: report.supplement }
    }

    /// Of a correction.
    pub(crate) fn of_correction(correction: &'a UsageCorrection) -> Head<'a> {
        Head::Correction { corrects: correction.corrects, reason: &correction.reason }
    }
}

/// A part of a report: by the collector, in order, directly after the parts before it.
pub fn admit_part(state: &State, author: &Author, part: &UsagePart) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role == Role::Collector, "the collector")?;
    let open = state.open_parts();
    let same_author = open.first().is_none_or(|first| first.author == *author);
    if !same_author || to_usize(part.index) != open.len() || open.len() >= PARTS_MAX {
        return Err(parts_broken(format!("part {} follows {} parts", part.index, open.len())));
    }
    Ok(())
}

fn parts_broken(message: String) -> Problem {
    Problem::new(Code::PartsBroken, message)
        .hint("parts and the event that closes them are written as one group, in order")
}

/// Admits a report or correction with these sums; returns its period, and what was ever reported,
/// with it.
pub fn admit_report(
    state: &State,
    author: &Author,
    head: Head<'_>,
    usage: &UsageSums,
) -> Result<(Period, Exposure), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role == Role::Collector, "the collector")?;
    let period = match head {
        Head::Report { period, supplement } => admit_new(agreement, period, supplement)?,
        Head::Correction { corrects, .. } => admit_correction(state, agreement, corrects)?,
    };
    admit_lines(agreement, period, usage)?;
    let mut exposure = agreement.exposure().clone();
    exposure.add(usage).map_err(|_| bounds::exceeded())?;
    bounds::admit(agreement, &exposure, None)?;
    Ok((period, exposure))
}

/// Every line has a day in the period and the agreement, and the terms of that day can rate it.
pub(crate) fn admit_lines(
    agreement: &Agreement,
    period: Period,
    usage: &UsageSums,
) -> Result<(), Violation> {
    let versions = agreement.versions();
    if !usage.is_exact() {
        return Err(Problem::new(Code::Internal, "the report has more than 2^32 keys or values")
            .hint("report the period in several parts: a report, then supplements"));
    }
    // A column that no terms in force in the period declare is refused even if it sums to zero.
    let terms = versions.by_day(period, agreement.level());
    if let Some(name) = terms.undeclared(&usage.total()?) {
        return Err(Problem::new(
            Code::LinesNotAdmissible,
            format!("the terms declare no meter or deduction called {name}"),
        )
        .hint("`revshare terms show` lists them"));
    }
    let mut lines = LineAdmission::new(versions, agreement.level());
    lines.admit_all(period, usage, None).map_err(|refused| refused.1)
}

/// Judges lines by the terms in force on their days.
pub(crate) struct LineAdmission<'a> {
    versions: &'a Versions,
    level: Level,
    by_version: BTreeMap<usize, Admission<'a>>,
    /// The last day asked about, and the number of its version: lines are sorted by day.
    last: Option<(Date, usize)>,
}

impl<'a> LineAdmission<'a> {
    pub(crate) fn new(versions: &'a Versions, level: Level) -> LineAdmission<'a> {
        LineAdmission { versions, level, by_version: BTreeMap::new(), last: None }
    }

    /// Admits all lines of a period, or those from a day on. `Err` holds the first key that is
    /// refused, and why.
    pub(crate) fn admit_all(
        &mut self,
        period: Period,
        usage: &UsageSums,
        from: Option<Date>,
    ) -> Result<(), Box<(LineKey, Violation)>> {
        let stretches = self.versions.stretches(period);
        let terms = |stretch: &Stretch| &self.versions.get(stretch.version).terms;
        let cells = usage.cells(|attribute| marker(stretches.iter().map(terms), attribute));
        let asked = |day: Date| from.is_none_or(|from| from <= day);
        for Cell { key, absolute, .. } in cells.into_iter().filter(|cell| asked(cell.key.day)) {
            // Sums of several keys may come to zero together: what counts is what each of them has.
            if let Err(why) = self.admit(period, (&key, &absolute)) {
                let mut keys = usage.iter().filter(|(key, _)| asked(key.day));
                let first = keys
                    .find_map(|(key, sums)| Some((self.admit(period, (&key, &sums)).err()?, key)));
                return Err(Box::new(first.map_or((key, why), |(why, key)| (key, why))));
            }
        }
        Ok(())
    }

    /// A day of the period, and a currency, attributes, meters, deductions, rule and prices that
    /// the terms in force on the day provide for.
    pub(crate) fn admit(
        &mut self,
        period: Period,
        (key, sums): (&LineKey, &LineSums),
    ) -> Result<(), Violation> {
        if !period.holds(key.day) || !self.versions.covers(key.day) {
            return Err(outside_period(self.versions, period, &key.day.to_string()));
        }
        let known = self.last.filter(|(day, _)| *day == key.day).map(|(_, number)| number);
        let number = known.unwrap_or_else(|| self.versions.number_on(key.day));
        self.last = Some((key.day, number));
        let terms = &self.versions.get(number).terms;
        let level = self.level;
        let admission =
            self.by_version.entry(number).or_insert_with(|| Admission::new(terms, level));
        admission.line(key, sums).map(|_| ())
    }
}

/// The refusal of a day outside the period or the agreement.
pub fn outside_period(versions: &Versions, period: Period, day: &str) -> Problem {
    let whole = versions.covers(period.first_day()) && versions.covers(period.last_day());
    let message = match whole {
        true => format!("the day {day} is not in {period}"),
        false => format!("the day {day} is not in {period} and the agreement"),
    };
    let hint = format!("{period} runs from {} to {}", period.first_day(), period.last_day());
    Problem::new(Code::RowDay, message).hint(hint)
}

fn admit_new(agreement: &Agreement, period: Period, supplement: bool) -> Result<Period, Violation> {
    in_agreement(agreement, period)?;
    match (agreement.first_in_effect(period), supplement) {
        (Some(first), false) => Err(Problem::new(
            Code::PeriodReported,
            format!("{period} has a report already: record {}", first.seq),
        )
        .hint("add lines with --supplement, or replace the report with `usage correct`")
        .at_record(first.seq)),
        (None, true) => Err(Problem::new(
            Code::PeriodNotReported,
            format!("{period} has no report that could be supplemented"),
        )
        .hint("leave --supplement out")),
        _ => Ok(period),
    }
}

/// The period has the length of the terms' periods and overlaps the agreement.
pub(crate) fn in_agreement(agreement: &Agreement, period: Period) -> Result<(), Violation> {
    let terms = agreement.terms();
    if period.length() != terms.period_length {
        return Err(Problem::new(
            Code::PeriodLength,
            format!("{period} is not a {}", terms.period_length.as_str()),
        )
        .hint(format!("periods of this agreement look like {}", terms.first_period())));
    }
    let (first, last) = (terms.first_period(), terms.last_period());
    if period < first || last.is_some_and(|last| period > last) {
        let end = last.map_or("it has no end".to_owned(), |last| format!("it ends with {last}"));
        return Err(Problem::new(
            Code::PeriodOutside,
            format!("{period} is outside the agreement"),
        )
        .hint(format!("the agreement begins with {first}; {end}")));
    }
    Ok(())
}

fn admit_correction(
    state: &State,
    agreement: &Agreement,
    corrects: EventId,
) -> Result<Period, Violation> {
    let Some(report) = agreement.report(&corrects) else {
        return Err(unknown_event(state, &corrects, "a usage report or correction"));
    };
    if let Some(adopted) = agreement.adopted_lines(&corrects) {
        let seq = agreement.disputes().get(&adopted.dispute).map_or(0, |dispute| dispute.seq);
        return Err(Problem::new(
            Code::DisputeFinal,
            format!(
                "the dispute in record {seq} adopted other lines in the place of record {}",
                report.seq
            ),
        )
        .hint("add lines with `usage report --supplement`, or open a dispute that reopens it")
        .at_record(report.seq));
    }
    if report.corrected_by.is_none() {
        return Ok(report.period);
    }
    let end = agreement.current(&corrects);
    let seq = agreement.report(&end).map_or(0, |report| report.seq);
    Err(Problem::new(
        Code::CorrectionStale,
        format!("record {} was corrected already; record {seq} holds now", report.seq),
    )
    .hint(format!("correct record {seq} instead: `revshare usage correct {seq} FILE`"))
    .at_record(report.seq))
}

/// What an admitted part of a report changes.
pub(crate) fn part(fact: &Fact, part: &UsagePart, sums: Option<UsageSums>) -> Change {
    let sums = sums.unwrap_or_else(|| part.block.sums());
    Change::Part(Box::new((OpenPart::of(fact, part), sums)))
}

/// Judges a report or correction. `sums` are those of its own lines, where they are there already.
pub(crate) fn judge(
    state: &State,
    fact: &Fact,
    head: Head<'_>,
    (lines, sums): (&Lines, Option<UsageSums>),
) -> Result<Change, Violation> {
    match lines {
        Lines::Nil => judge_sums(state, fact, head, (Some(UsageSums::default()), 0)),
        Lines::Inline(block) => {
            let sums = sums.unwrap_or_else(|| block.sums());
            judge_sums(state, fact, head, (Some(sums), 0))
        }
        Lines::Parts(index) => {
            admit_closing(state, &fact.author, index)?;
            admit_totals(state.open_usage(), index)?;
            judge_sums(state, fact, head, (None, index.parts.len()))
        }
    }
}

/// Judges a report or correction with the sums of its lines (those of the open parts if none are
/// given), written in so many parts.
pub(crate) fn judge_sums(
    state: &State,
    fact: &Fact,
    head: Head<'_>,
    (lines, parts): (Option<UsageSums>, usize),
) -> Result<Change, Violation> {
    let usage = lines.as_ref().unwrap_or(state.open_usage());
    let (period, exposure) = admit_report(state, &fact.author, head, usage)?;
    let agreement = in_force(state)?;
    let (supplement, corrects, reason) = match head {
        Head::Report { supplement, .. } => (supplement, None, None),
        Head::Correction { corrects, reason } => {
            let corrected = agreement.report(&corrects);
            (corrected.is_some_and(|r| r.supplement), Some(corrects), Some(reason.clone()))
        }
    };
    let groups = match corrects {
        None => GroupChange::Some(agreement.groups_with_more(period, usage)?),
        Some(corrects) => GroupChange::All(agreement.groups_with(period, (corrects, usage))?),
    };
    let report = Report {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        period,
        supplement,
        corrects,
        reason,
        corrected_by: None,
        lines: usage.lines(),
        parts,
        usage: UsageSums::default(),
    };
    Ok(Change::Report(Box::new(ReportChange { report, lines, exposure, groups })))
}

fn admit_closing(state: &State, author: &Author, index: &PartsIndex) -> Result<(), Violation> {
    let open = state.open_parts();
    let ids_fit = open.iter().map(|part| &part.id).eq(&index.parts);
    if open.is_empty() || !ids_fit {
        return Err(parts_broken(format!(
            "the event names {} parts that are not the {} parts before it",
            index.parts.len(),
            open.len()
        )));
    }
    if open.iter().any(|part| part.author != *author) {
        return Err(parts_broken(
            "the parts have another author than the event that closes them".into(),
        ));
    }
    if lines_digest(open.iter().map(|part| &part.payload.0)) != index.digest {
        return Err(parts_broken("the digest of the lines is not that of the parts".into()));
    }
    Ok(())
}

/// The digest of a report in parts: over the parts' payload digests, in order.
pub fn lines_digest<'a>(payloads: impl Iterator<Item = &'a [u8; 32]>) -> crate::vocab::Digest {
    let mut hasher = Domain::Lines.hasher();
    for payload in payloads {
        hasher.update(payload);
    }
    crate::vocab::Digest(*hasher.finalize().as_bytes())
}

fn admit_totals(usage: &UsageSums, index: &PartsIndex) -> Result<(), Violation> {
    if usage.lines() != index.lines || gross_totals(usage)? != index.gross {
        return Err(parts_broken("the totals in the event are not those of the parts".into()));
    }
    Ok(())
}

/// Gross per currency. Errors: [`Code::AmountBounds`].
pub fn gross_totals(usage: &UsageSums) -> Result<Vec<(Currency, Amount)>, Violation> {
    let amount = |(currency, (sums, _)): (&Currency, &(LineSums, LineSums))| {
        let gross = Amount::normalised(sums.gross.0, crate::limits::FRACTION_DIGITS_MAX);
        gross.map(|gross| (*currency, gross))
    };
    usage.by_currency().iter().map(amount).collect::<Option<_>>().ok_or_else(|| {
        Problem::new(Code::AmountBounds, "the gross total has more than 15 integer digits")
            .hint("split the report")
    })
}

/// A report is missing: said by an owner, after the due day, once.
pub fn admit_missing(
    state: &State,
    author: &Author,
    at: Timestamp,
    period: Period,
) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role == Role::Owner, "the owner")?;
    in_agreement(agreement, period)?;
    if let Some(first) = agreement.first_in_effect(period) {
        return Err(Problem::new(
            Code::PeriodReported,
            format!("{period} is not missing: record {} reports it", first.seq),
        )
        .hint("`revshare usage list` shows the reports")
        .at_record(first.seq));
    }
    let due = agreement.versions().of(period).report_due_on(period);
    if at.date() <= due {
        return Err(Problem::new(
            Code::NotYetMissing,
            format!("the report of {period} is due on {due} and not missing before the day after"),
        )
        .hint("wait, or remind the collector"));
    }
    if let Some((seq, _)) = agreement.missing().get(&period).and_then(|id| state.event(id)) {
        return Err(Problem::new(
            Code::AlreadyMissing,
            format!("record {seq} says already that the report of {period} is missing"),
        )
        .hint("nothing is to be done")
        .at_record(seq));
    }
    Ok(())
}
