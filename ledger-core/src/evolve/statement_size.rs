//! Statement size: how long the next statement can become. At levels 1 and 2 it names, for every
//! period that it moves, every event that can have moved it, and it must fit one record.

use crate::evolve::Violation;
use crate::limits::PAYLOAD_LEN_MAX;
use crate::limits::REPORTED_STATEMENT_LEN_MAX;
use crate::rating;
use crate::state::Agreement;
use crate::state::Reach;
use crate::state::State;
use crate::terms::Window;
use crate::vocab::Code;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// Bytes of a statement without entries, and of an entry without what it lists.
const FIXED_LEN: u64 = 128;
/// Bytes of an amount with its party's id counted apart.
const AMOUNT_LEN: u64 = 8 + 17;
const CAUSE_LEN: u64 = 32;
const RATE_LEN: u64 = 3 + 17 + 32;
const INTEREST_LEN: u64 = 3 * AMOUNT_LEN + 64;

/// How causes are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Count {
    /// Every event for every stated period: at once, and often too much.
    Product,
    /// Every event for the periods that it reaches.
    Reached,
}

/// The most bytes that the next statement can have: as if every period moved that can have moved.
pub fn next_len_max(agreement: &Agreement) -> u64 {
    len_max(agreement, Count::Reached)
}

fn len_max(agreement: &Agreement, count: Count) -> u64 {
    let versions = agreement.versions();
    let stated = to_u64(agreement.statements().len());
    let causes = match count {
        Count::Product => stated.saturating_mul(to_u64(agreement.effects().len())),
        Count::Reached => {
            let widest = rating::widest_window(versions);
            let effects = agreement.effects().iter();
            effects
                .map(|effect| reached(agreement, widest, effect.reach))
                .fold(0, u64::saturating_add)
        }
    };
    let moved = stated.min(causes);
    let ids = versions
        .beneficiaries()
        .into_iter()
        .map(|id| to_u64(id.as_str().len()).saturating_add(AMOUNT_LEN));
    let amounts: u64 = ids.sum();
    let entries = moved.saturating_add(1).saturating_mul(amounts.saturating_add(FIXED_LEN));
    let rates = to_u64(agreement.rates().len()).saturating_mul(RATE_LEN);
    let interest = agreement.pending_interest().iter();
    let interest = interest.map(|line| to_u64(line.to.as_str().len()).saturating_add(INTEREST_LEN));
    [causes.saturating_mul(CAUSE_LEN), entries, rates, amounts, FIXED_LEN]
        .into_iter()
        .chain(interest)
        .fold(0, u64::saturating_add)
}

/// How many stated periods an event can have moved.
fn reached(agreement: &Agreement, widest: Window, reach: Reach) -> u64 {
    let first = agreement.versions().first_period();
    match reach {
        Reach::Everything => stated_from(agreement, first),
        Reach::From(day) => {
            let length = agreement.terms().period_length;
            stated_from(agreement, Period::holding(length, day))
        }
        Reach::Period(period) => {
            let later = stated_from(agreement, period);
            match widest {
                Window::Period => later.min(1),
                Window::Year => later.min(period.length().per_year().unsigned_abs().into()),
                Window::Lifetime => later,
            }
        }
    }
}

/// How many stated periods there are from one on.
fn stated_from(agreement: &Agreement, period: Period) -> u64 {
    let before = period.ordinal().saturating_sub(agreement.versions().first_period().ordinal());
    let before = usize::try_from(before).unwrap_or(0);
    to_u64(agreement.statements().len().saturating_sub(before))
}

/// The next statement could not be written at all: what a ledger that a writer of another release
/// wrote can come to.
pub fn is_too_long(agreement: &Agreement) -> bool {
    next_len_max(agreement) > to_u64(PAYLOAD_LEN_MAX)
}

/// How much the next statement had to name before a writer's event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextStatement {
    effects: usize,
    interest: usize,
    versions: usize,
}

impl NextStatement {
    pub(crate) fn of(state: &State) -> NextStatement {
        let agreement = state.agreement();
        NextStatement {
            effects: agreement.map_or(0, |agreement| agreement.effects().len()),
            interest: agreement.map_or(0, |agreement| agreement.pending_interest().len()),
            versions: agreement.map_or(0, |agreement| agreement.versions().count()),
        }
    }

    /// Judges what a writer's event added: the next statement still fits in one record, and after
    /// a report in half of one, so that what a statement waits for (a conversion rate, the end of
    /// a dispute) can always be recorded. Errors: [`Code::StatementSize`].
    pub(crate) fn admit_growth(self, after: &State, is_report: bool) -> Result<(), Violation> {
        let Some(agreement) = after.agreement() else { return Ok(()) };
        let now = NextStatement::of(after);
        let added = agreement.effects().get(self.effects..).unwrap_or_default();
        let widest = rating::widest_window(agreement.versions());
        let is_moved = added.iter().any(|effect| reached(agreement, widest, effect.reach) > 0);
        if !is_moved && now.interest <= self.interest && now.versions == self.versions {
            return Ok(());
        }
        let bound = if is_report { REPORTED_STATEMENT_LEN_MAX } else { PAYLOAD_LEN_MAX };
        let bound = to_u64(bound);
        if len_max(agreement, Count::Product) <= bound || next_len_max(agreement) <= bound {
            return Ok(());
        }
        let hint = match agreement.next_to_state() {
            Some(next) => format!(
                "state {next} first: `revshare statement issue {next}`; or say as much with fewer \
                 events, such as one supplement of many lines"
            ),
            None => {
                "say as much with fewer events, such as one supplement of many lines".to_owned()
            }
        };
        Err(Problem::new(
            Code::StatementSize,
            format!(
                "with this, the next statement could name {} events for {} stated periods: more \
                 than one record holds",
                agreement.effects().len(),
                agreement.statements().len()
            ),
        )
        .hint(hint))
    }
}
