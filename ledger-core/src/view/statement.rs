//! Statements as a reader sees them, issued or not yet.

use std::collections::BTreeSet;

use crate::evolve;
use crate::state::Agreement;
use crate::state::State;
use crate::statement::Entry;
use crate::statement::InterestLine;
use crate::statement::RateUsed;
use crate::statement::Recoupment;
use crate::statement::Statement;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::StateRoot;
use crate::vocab::Timestamp;

/// A statement.
#[derive(Clone, Debug)]
pub struct StatementView {
    /// Its record; `None` for a preview.
    pub issued: Option<Issued>,
    /// The period.
    pub period: Period,
    /// The day on which the period's own amounts are due.
    pub due_on: Date,
    /// Digest of the terms.
    pub terms: Digest,
    /// Version of the calculation.
    pub calculation: u16,
    /// Version of the state root.
    pub root_version: u16,
    /// The state root before the statement.
    pub state_root: StateRoot,
    /// Postings: true-ups of earlier periods in period order, then the period's own.
    pub entries: Vec<EntryView>,
    /// All entries together, per beneficiary, sorted.
    pub totals: Vec<(Id, Amount)>,
    /// What is recouped of advances, per beneficiary that has something recouped or given back.
    pub recoupments: Vec<Recoupment>,
    /// Late interest.
    pub interest: Vec<InterestLine>,
}

/// A statement's place on the log.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Sequence number.
    pub seq: u64,
    /// The event.
    pub id: EventId,
    /// Recorded time.
    pub recorded_at: Timestamp,
    /// The parties that accepted it.
    pub accepted_by: BTreeSet<Id>,
}

/// What a statement posts for one period.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// The period.
    pub period: Period,
    /// Whether it is the difference of an earlier period.
    pub is_true_up: bool,
    /// The day on which it is due.
    pub due_on: Date,
    /// Change of the base.
    pub base: Amount,
    /// Change of what is owed, per beneficiary.
    pub shares: Vec<(Id, Amount)>,
    /// Change of what the collector keeps.
    pub keep: Amount,
    /// For a true-up: what moved the period.
    pub causes: Vec<Named>,
    /// The conversion rates that the period was computed with.
    pub rates: Vec<(RateUsed, Named)>,
}

/// The statement of a period, as it was issued. Errors: [`Code::UnknownEvent`].
pub fn issued(state: &State, period: Period) -> Result<StatementView, Problem> {
    let agreement = evolve::opened(state)?;
    let Some(record) = agreement.statements().get(&period) else {
        return Err(Problem::new(
            Code::UnknownEvent,
            format!("{period} is not stated"),
        )
        .hint(format!(
            "`revshare statement preview {period}` computes it, `revshare statement list` shows what is stated"
        )));
    };
    let issued = Issued {
        seq: record.seq,
        id: record.id,
        recorded_at: record.recorded_at,
        accepted_by: record.accepted_by.clone(),
    };
    Ok(view(state, agreement, &record.statement, Some(issued)))
}

/// Every issued statement, in period order.
pub fn all(state: &State) -> Vec<StatementView> {
    let Some(agreement) = state.agreement() else {
        return Vec::new();
    };
    agreement.statements().keys().filter_map(|period| issued(state, *period).ok()).collect()
}

/// The statement that would be issued now. Errors: the rules of issuing it.
pub fn preview(state: &State, period: Period) -> Result<StatementView, Problem> {
    let agreement = evolve::in_force(state)?;
    evolve::statement::admit_period(agreement, period)?;
    let statement = evolve::statement::compose(state, period)?;
    Ok(view(state, agreement, &statement, None))
}

fn view(
    state: &State,
    agreement: &Agreement,
    statement: &Statement,
    issued: Option<Issued>,
) -> StatementView {
    let versions = agreement.versions();
    let rate = |used: &RateUsed| (used.clone(), Named::of(state, used.source));
    let entry = |entry: &Entry| EntryView {
        period: entry.period,
        is_true_up: entry.period != statement.period,
        due_on: versions.of(entry.period).due_on(entry.period),
        base: entry.base,
        shares: entry.shares.clone(),
        // Statements were admitted only with sums that stay in bounds.
        keep: entry.keep().unwrap_or_default(),
        causes: entry.causes.iter().map(|id| Named::of(state, *id)).collect(),
        rates: entry.rates.iter().map(rate).collect(),
    };
    let total = |id: &Id| (id.clone(), statement.total(id).unwrap_or_default());
    StatementView {
        issued,
        period: statement.period,
        due_on: versions.of(statement.period).due_on(statement.period),
        terms: statement.terms,
        calculation: statement.calculation,
        root_version: statement.root_version,
        state_root: statement.state_root,
        entries: statement.entries.iter().map(entry).collect(),
        totals: versions.beneficiaries().into_iter().map(total).collect(),
        recoupments: statement.recoupments.clone(),
        interest: statement.interest.clone(),
    }
}
