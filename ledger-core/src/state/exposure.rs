//! How much was ever said, in absolute sums.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::event::ConversionRate;
use crate::state::Adopted;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::OutOfBounds;
use crate::vocab::exact::Sum;

/// Absolute sums of what was ever reported, corrected lines included: what bounds every amount
/// that can follow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// How many lines.
    pub lines: u64,
    /// Σ |gross| + Σ |deduction| over reports and keys, by currency, in units of 10^-12.
    pub money: BTreeMap<Currency, u128>,
    /// Σ |quantity| over reports and keys, by meter, in units of 10^-12.
    pub quantities: BTreeMap<Name, u128>,
    /// The largest conversion rate ever proposed, by currency, rounded up to a whole number.
    pub rates: BTreeMap<Currency, u128>,
}

impl Exposure {
    /// With the lines of one more report. Errors: [`OutOfBounds`].
    pub fn add(&mut self, usage: &UsageSums) -> Result<(), OutOfBounds> {
        self.lines = self.lines.checked_add(usage.lines()).ok_or(OutOfBounds)?;
        for (currency, (_, absolute)) in usage.by_currency() {
            let money = self.money.entry(*currency).or_default();
            add(money, absolute.gross.0.unsigned_abs())?;
            for (_, sum) in &absolute.deductions {
                add(money, sum.0.unsigned_abs())?;
            }
            for (meter, sum) in &absolute.meters {
                let quantity = self.quantities.entry(meter.clone()).or_default();
                add(quantity, sum.0.unsigned_abs())?;
            }
        }
        Ok(())
    }

    /// With figures in the settlement currency. Errors: [`OutOfBounds`].
    pub fn add_figures(
        &mut self,
        currency: Currency,
        figures: &[(Id, Amount)],
    ) -> Result<(), OutOfBounds> {
        let money = self.money.entry(currency).or_default();
        figures.iter().try_for_each(|(_, figure)| add(money, Sum::of(figure).0.unsigned_abs()))
    }

    /// With what a dispute adopts. Errors: [`OutOfBounds`].
    pub fn add_adopted(
        &mut self,
        currency: Currency,
        adopted: &Adopted,
    ) -> Result<(), OutOfBounds> {
        match adopted {
            Adopted::Figures(figures) => self.add_figures(currency, figures),
            Adopted::Lines { usage, .. } => self.add(usage),
            Adopted::Nothing | Adopted::Payout { .. } => Ok(()),
        }
    }

    /// With one more conversion rate.
    pub fn add_rate(&mut self, rate: &ConversionRate) {
        let whole = rate.rate.decimal().ceil().mantissa().unsigned_abs();
        let largest = self.rates.entry(rate.currency).or_default();
        *largest = whole.max(*largest);
    }
}

fn add(sum: &mut u128, more: u128) -> Result<(), OutOfBounds> {
    *sum = sum.checked_add(more).ok_or(OutOfBounds)?;
    Ok(())
}
