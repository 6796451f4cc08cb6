//! Conversion rates are proposed.

use crate::event::Author;
use crate::event::ConversionRate;
use crate::evolve::Violation;
use crate::evolve::bounds;
use crate::evolve::in_force;
use crate::evolve::proposal::admit_proposer;
use crate::evolve::usage::in_agreement;
use crate::limits::FX_RATE_MAX;
use crate::state::State;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Problem;

/// A conversion rate: by a money party, of a foreign currency, positive and within bounds, for a
/// period of the agreement.
pub fn admit(state: &State, author: &Author, rate: &ConversionRate) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    admit_proposer(agreement, author)?;
    let settlement = agreement.terms().currency;
    if rate.currency == settlement {
        return Err(Problem::new(
            Code::FxCurrency,
            format!("{settlement} is the settlement currency; it needs no rate"),
        )
        .hint("name the foreign currency"));
    }
    if rate.rate <= Amount::ZERO || rate.rate > Amount::from_whole(FX_RATE_MAX) {
        return Err(Problem::new(
            Code::FxRate,
            format!("{} {settlement} for one {} is no rate", rate.rate, rate.currency),
        )
        .hint(format!(
            "a rate is units of {settlement} for one {}: above 0, at most {FX_RATE_MAX}",
            rate.currency
        )));
    }
    in_agreement(agreement, rate.period)?;
    let mut exposure = agreement.exposure().clone();
    exposure.add_rate(rate);
    bounds::admit(agreement, &exposure, None)
}
