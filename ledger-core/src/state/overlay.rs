//! Other facts in the place of those on the log, for a computation that changes nothing: what a
//! claim would make of a period, what proposed terms would.

use std::collections::BTreeMap;

use crate::rating;
use crate::rating::Contract;
use crate::rating::PeriodFacts;
use crate::rating::PeriodGroups;
use crate::rating::PeriodRating;
use crate::rating::Unratable;
use crate::rating::group::Grouping;
use crate::rating::group::OpenContribution;
use crate::rating::group::Unrated;
use crate::state::Agreement;
use crate::state::ClaimFacts;
use crate::state::Report;
use crate::terms::Version;
use crate::terms::Versions;
use crate::usage::LineKey;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;

/// Other facts than those on the log.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    /// Terms, accepted after all others.
    pub version: Option<Version>,
    /// Lines for reports in effect.
    pub lines: BTreeMap<EventId, UsageSums>,
    /// Adopted figures of periods.
    pub figures: BTreeMap<Period, BTreeMap<Id, Amount>>,
}

/// Why periods cannot be rated with other facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unassumable {
    /// A line has no rule or no price.
    Line(Period, Unrated),
    /// The periods cannot be rated.
    Rating(Unratable),
}

impl Agreement {
    /// The lines of a report that count: its own, unless a dispute adopted others.
    pub fn lines_of<'a>(&'a self, report: &'a Report) -> &'a UsageSums {
        self.adopted_lines.get(&report.id).map_or(&report.usage, |adopted| &adopted.usage)
    }

    /// The end of the chain of corrections that a report stands in.
    pub fn current(&self, report: &EventId) -> EventId {
        let mut end = *report;
        // The chain is finite: each correction names an earlier event.
        while let Some(next) = self.reports.get(&end).and_then(|report| report.corrected_by) {
            end = next;
        }
        end
    }

    /// The facts that a claim about a period assumes. Figures that were adopted for these parties
    /// before do not count beside it.
    pub fn overlay(&self, claim: &ClaimFacts, (period, parties): (Period, &[Id])) -> Overlay {
        let mut overlay = Overlay::default();
        let figures = overlay.figures.entry(period).or_default();
        figures.extend(self.adopted_figures(period).clone());
        figures.retain(|party, _| !parties.contains(party));
        match claim {
            ClaimFacts::Figures(claimed) => figures.extend(claimed.iter().cloned()),
            ClaimFacts::Report { replaces, usage } => {
                overlay.lines.insert(self.current(replaces), usage.clone());
            }
            ClaimFacts::Terms(terms) => overlay.version = Some(terms.as_version()),
        }
        overlay
    }

    /// The groups of a period under given versions, contributions and lines. `Err` holds the
    /// report with a line that cannot be rated, the line, and why.
    pub fn group_over<'a>(
        &'a self,
        (versions, contributions): (&'a Versions, &'a [OpenContribution]),
        other_lines: &dyn Fn(&EventId) -> Option<&'a UsageSums>,
        period: Period,
    ) -> Result<PeriodGroups, (&'a Report, LineKey, Unrated)> {
        let mut groups = PeriodGroups::new();
        let grouping = Grouping::new(versions, contributions, period);
        for report in self.in_effect(period) {
            let usage = other_lines(&report.id).unwrap_or_else(|| self.lines_of(report));
            grouping.add(&mut groups, usage).map_err(|(key, why)| (report, key, why))?;
        }
        Ok(groups)
    }

    /// Rates every period from the first to `last` with other facts.
    pub fn rate_over(
        &self,
        overlay: &Overlay,
        last: Period,
    ) -> Result<Vec<PeriodRating>, Unassumable> {
        let mut versions = self.versions.clone();
        versions.push_all(&overlay.version);
        let mut others: BTreeMap<Period, PeriodGroups> = BTreeMap::new();
        for period in self.reported_periods().filter(|period| *period <= last) {
            let moved = |version: &Version| period.last_day() >= version.effective_from;
            let is_replaced = || {
                let reports = self.in_effect.get(&period);
                reports.into_iter().flatten().any(|id| overlay.lines.contains_key(id))
            };
            if overlay.version.as_ref().is_some_and(moved) || is_replaced() {
                let by = (&versions, &self.contributions[..]);
                let groups = self
                    .group_over(by, &|id| overlay.lines.get(id), period)
                    .map_err(|(_, _, why)| Unassumable::Line(period, why))?;
                others.insert(period, groups);
            }
        }
        let mut facts = self.facts_until(last);
        for facts in &mut facts {
            let PeriodFacts { period, groups, adopted } = facts;
            *groups = others.get(period).unwrap_or(groups);
            *adopted = overlay.figures.get(period).unwrap_or(adopted);
        }
        let contract = Contract { versions: &versions, rates: &self.rates };
        rating::rate(contract, &facts).map_err(Unassumable::Rating)
    }
}
