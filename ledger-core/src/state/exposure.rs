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
use crate::vocab::exact::Sum;

/// Absolute sums of what was ever reported, corrected lines included: what bounds every amount
/// that can follow. No amount comes of them: one that leaves 128 bits stays at the largest number,
/// which is past every bound and refused.
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
    /// With the lines of one more report.
    pub fn add(&mut self, usage: &UsageSums) {
        self.lines = self.lines.saturating_add(usage.lines());
        let add = |sum: &mut u128, more: i128| *sum = sum.saturating_add(more.unsigned_abs());
        for (currency, (_, absolute)) in usage.by_currency() {
            let money = self.money.entry(*currency).or_default();
            add(money, absolute.gross.0);
            absolute.deductions.iter().for_each(|(_, sum)| add(money, sum.0));
            for (meter, sum) in &absolute.meters {
                add(self.quantities.entry(meter.clone()).or_default(), sum.0);
            }
        }
    }

    /// With figures in the settlement currency.
    pub fn add_figures(&mut self, currency: Currency, figures: &[(Id, Amount)]) {
        let money = self.money.entry(currency).or_default();
        for (_, figure) in figures {
            *money = money.saturating_add(whole_sum(figure));
        }
    }

    /// With what a dispute adopts.
    pub fn add_adopted(&mut self, currency: Currency, adopted: &Adopted) {
        match adopted {
            Adopted::Figures(figures) => self.add_figures(currency, figures),
            Adopted::Lines { usage, .. } => self.add(usage),
            Adopted::Nothing | Adopted::Payout { .. } => {}
        }
    }

    /// With one more conversion rate.
    pub fn add_rate(&mut self, rate: &ConversionRate) {
        let whole = rate.rate.decimal().ceil().mantissa().unsigned_abs();
        let largest = self.rates.entry(rate.currency).or_default();
        *largest = whole.max(*largest);
    }
}

/// The absolute value of an amount, in units of 10^-12.
fn whole_sum(amount: &Amount) -> u128 {
    Sum::of(amount).0.unsigned_abs()
}
