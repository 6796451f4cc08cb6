//! The bound on the money of a ledger: nothing that is reported, priced or converted may lead to
//! an amount past 15 integer digits, so that no statement ever fails on size.

use std::collections::BTreeMap;

use crate::evolve::Violation;
use crate::limits::LEDGER_LINES_MAX;
use crate::limits::LEDGER_MONEY_MAX;
use crate::state::Agreement;
use crate::state::Exposure;
use crate::terms::Pay;
use crate::terms::Terms;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Name;
use crate::vocab::Problem;
use crate::vocab::exact;

/// Admits what would then have been reported, under every version of the terms and, if there is
/// one, under proposed terms. Errors: [`Code::AmountBounds`].
pub(crate) fn admit(
    agreement: &Agreement,
    exposure: &Exposure,
    proposed: Option<&Terms>,
) -> Result<(), Violation> {
    let known = agreement.versions().iter().map(|version| &version.terms);
    let all: Vec<&Terms> = known.chain(proposed).collect();
    let is_bounded = money(&all, exposure).is_some_and(|money| money <= LEDGER_MONEY_MAX);
    if is_bounded && exposure.lines <= LEDGER_LINES_MAX { Ok(()) } else { Err(exceeded()) }
}

/// The refusal of what leaves the bounds of a ledger.
pub(crate) fn exceeded() -> Problem {
    Problem::new(
        Code::AmountBounds,
        "with this, the amounts on the ledger could leave 15 integer digits",
    )
    .hint("amounts on one ledger may sum to 100 trillion, lines to 10 billion")
}

fn ceiling(amount: &Amount) -> u128 {
    amount.decimal().ceil().mantissa().unsigned_abs()
}

/// Σ money × rate + Σ quantity × (largest amount per unit + largest price × rate), in units of
/// 10^-12; rates, prices and amounts per unit rounded up to whole numbers. `None` if it leaves 128
/// bits.
fn money(all: &[&Terms], exposure: &Exposure) -> Option<u128> {
    let rate = |currency: &Currency| exposure.rates.get(currency).copied().unwrap_or(1).max(1);
    let mut total = 0u128;
    for (currency, money) in &exposure.money {
        total = total.checked_add(money.checked_mul(rate(currency))?)?;
    }
    for (meter, quantity) in &exposure.quantities {
        let mut factor = per_unit(all, meter);
        for (currency, price) in prices(all, meter) {
            factor = factor.checked_add(price.checked_mul(rate(&currency))?)?;
        }
        total = total.checked_add(quantity.checked_mul(factor)?)?;
    }
    Some(total)
}

/// The largest amount per unit of any step of a rule that counts a meter.
fn per_unit(all: &[&Terms], meter: &Name) -> u128 {
    let of_rule = |pay: &Pay| match pay {
        Pay::Tiered(tiers) if tiers.by.as_str() == meter.as_str() => {
            let prices = tiers.steps.iter().flat_map(|step| &step.per_unit);
            prices.map(|(_, price)| ceiling(price)).max()
        }
        _ => None,
    };
    let rules = all.iter().flat_map(|terms| &terms.rules);
    rules.filter_map(|rule| of_rule(&rule.pay)).max().unwrap_or(0)
}

/// The largest price of one of a meter, by currency.
fn prices(all: &[&Terms], meter: &Name) -> BTreeMap<Currency, u128> {
    let mut largest = BTreeMap::new();
    for price in all.iter().flat_map(|terms| &terms.prices).filter(|p| p.meter == *meter) {
        let each = exact::of_amount(&price.price) / exact::of_amount(&price.unit);
        let whole = u128::try_from(each.ceil()).unwrap_or(u128::MAX);
        let known = largest.entry(price.currency).or_insert(0);
        *known = whole.max(*known);
    }
    largest
}
