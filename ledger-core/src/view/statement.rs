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
use crate::vocab::OutOfBounds;
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
    /// What it comes to, per beneficiary.
    pub gains: Vec<Gain>,
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

/// What a statement comes to for a party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gain {
    /// The party.
    pub party: Id,
    /// All entries together.
    pub posted: Amount,
    /// Late interest.
    pub interest: Amount,
    /// Recouped of advances; negative if it is given back.
    pub recouped: Amount,
    /// What payable grows by.
    pub total: Amount,
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
    Ok(view(state, agreement, &record.statement, Some(issued))?)
}

/// Every issued statement, in period order. Errors: [`Code::Internal`].
pub fn all(state: &State) -> Result<Vec<StatementView>, Problem> {
    let stated = state.agreement().into_iter().flat_map(|agreement| agreement.statements().keys());
    stated.map(|period| issued(state, *period)).collect()
}

/// The statement that would be issued now. Errors: the rules of issuing it.
pub fn preview(state: &State, period: Period) -> Result<StatementView, Problem> {
    let agreement = evolve::in_force(state)?;
    evolve::statement::admit_period(agreement, period)?;
    let statement = evolve::statement::compose(state, period)?;
    Ok(view(state, agreement, &statement, None)?)
}

fn view(
    state: &State,
    agreement: &Agreement,
    statement: &Statement,
    issued: Option<Issued>,
) -> Result<StatementView, OutOfBounds> {
    let versions = agreement.versions();
    let rate = |used: &RateUsed| (used.clone(), Named::of(state, used.source));
    let entry = |entry: &Entry| {
        Ok(EntryView {
            period: entry.period,
            is_true_up: entry.period != statement.period,
            due_on: versions.of(entry.period).due_on(entry.period),
            base: entry.base,
            shares: entry.shares.clone(),
            keep: entry.keep().ok_or(OutOfBounds)?,
            causes: entry.causes.iter().map(|id| Named::of(state, *id)).collect(),
            rates: entry.rates.iter().map(rate).collect(),
        })
    };
    let total = |id: &Id| Ok((id.clone(), statement.total(id).ok_or(OutOfBounds)?));
    let gain = |id: &Id| {
        let posted = statement.total(id).ok_or(OutOfBounds)?;
        let interest = statement.interest_of(id).ok_or(OutOfBounds)?;
        let recouped = statement.recouped_of(id);
        let total = posted.plus(interest)?.minus(recouped)?;
        Ok(Gain { party: id.clone(), posted, interest, recouped, total })
    };
    Ok(StatementView {
        issued,
        period: statement.period,
        due_on: versions.of(statement.period).due_on(statement.period),
        terms: statement.terms,
        calculation: statement.calculation,
        root_version: statement.root_version,
        state_root: statement.state_root,
        entries: statement.entries.iter().map(entry).collect::<Result<_, _>>()?,
        totals: versions.beneficiaries().into_iter().map(total).collect::<Result<_, _>>()?,
        gains: versions.beneficiaries().into_iter().map(gain).collect::<Result<_, _>>()?,
        recoupments: statement.recoupments.clone(),
        interest: statement.interest.clone(),
    })
}
