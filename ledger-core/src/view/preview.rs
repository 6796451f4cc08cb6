//! Proposed terms, run over the real history.

use std::collections::BTreeMap;

use crate::event::Amendment;
use crate::event::TermsVersion;
use crate::evolve;
use crate::evolve::amendment;
use crate::evolve::statement::unassumable;
use crate::rating::PeriodRating;
use crate::state::Agreement;
use crate::state::Overlay;
use crate::state::State;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;

/// What terms would make of the periods on the log.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The first usage day that the terms would rate.
    pub effective_from: Date,
    /// Every period with a report or a statement, in order.
    pub periods: Vec<PreviewPeriod>,
    /// Per beneficiary, sorted: now, then, over all periods.
    pub totals: Vec<PreviewShare>,
    /// What is legal about the terms, and surprising.
    pub warnings: Vec<String>,
}

/// What terms would make of one period.
#[derive(Clone, Debug)]
pub struct PreviewPeriod {
    /// The period.
    pub period: Period,
    /// Whether it is stated: a difference would be a true-up.
    pub is_stated: bool,
    /// Per beneficiary, sorted.
    pub shares: Vec<PreviewShare>,
}

/// What a beneficiary gets, under the terms accepted so far and under the proposed ones.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreviewShare {
    /// The beneficiary.
    pub party: Id,
    /// Under the terms accepted so far.
    pub now: Amount,
    /// Under the proposed ones.
    pub then: Amount,
    /// then − now.
    pub difference: Amount,
}

/// Runs proposed terms over the history. Errors: those of proposing them, and of rating.
pub fn preview(
    state: &State,
    version: TermsVersion,
    effective_from: Date,
) -> Result<Preview, Problem> {
    let agreement = evolve::in_force(state)?;
    let amendment = Amendment { version, effective_from, reason: Text::default() };
    amendment::admit_content(agreement, &amendment)?;
    let reported = agreement.reported_periods().next_back();
    let stated = agreement.statements().keys().next_back().copied();
    let Some(last) = reported.max(stated) else {
        return Ok(Preview {
            effective_from,
            periods: Vec::new(),
            totals: Vec::new(),
            warnings: amendment::warnings(agreement, &amendment),
        });
    };
    let now = evolve::statement::rate_until(agreement, last)?;
    let then = rate_with(agreement, &amendment, last)?;
    let mut periods = Vec::with_capacity(now.len());
    let mut totals: BTreeMap<Id, (Amount, Amount)> = BTreeMap::new();
    for (now, then) in now.iter().zip(&then) {
        let mut shares = Vec::with_capacity(then.shares.len());
        for share in &then.shares {
            let before = now.share(&share.party).map_or(Amount::ZERO, |share| share.amount);
            shares.push(compared(&share.party, before, share.amount)?);
            let total = totals.entry(share.party.clone()).or_default();
            *total = (sum(total.0, before)?, sum(total.1, share.amount)?);
        }
        let period = now.period;
        let is_stated = agreement.statements().contains_key(&period);
        periods.push(PreviewPeriod { period, is_stated, shares });
    }
    let totals = totals.iter().map(|(party, (now, then))| compared(party, *now, *then));
    Ok(Preview {
        effective_from,
        periods,
        totals: totals.collect::<Result<_, Problem>>()?,
        warnings: amendment::warnings(agreement, &amendment),
    })
}

fn sum(one: Amount, other: Amount) -> Result<Amount, Problem> {
    one.checked_add(other).ok_or_else(out_of_bounds)
}

fn out_of_bounds() -> Problem {
    Problem::new(crate::vocab::Code::AmountBounds, "a sum has more than 15 integer digits")
        .hint("the ledger cannot state such an amount")
}

fn compared(party: &Id, now: Amount, then: Amount) -> Result<PreviewShare, Problem> {
    let difference = then.checked_sub(now).ok_or_else(out_of_bounds)?;
    Ok(PreviewShare { party: party.clone(), now, then, difference })
}

/// Rates every period from the first to `last` as if an amendment were in force.
fn rate_with(
    agreement: &Agreement,
    amendment: &Amendment,
    last: Period,
) -> Result<Vec<PeriodRating>, Problem> {
    let version = amendment::with(agreement.versions(), amendment).last().clone();
    let overlay = Overlay { version: Some(version), ..Overlay::default() };
    agreement.rate_over(&overlay, last).map_err(unassumable)
}
