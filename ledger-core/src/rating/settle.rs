//! From rounded amounts to what parties get: caps, guarantees, divided pools.

#![expect(clippy::arithmetic_side_effects, reason = "days between two dates")]

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_traits::Signed;
use num_traits::ToPrimitive;

use crate::rating::derivation::Capped;
use crate::rating::derivation::Part;
use crate::rating::derivation::TopUp;
use crate::rating::group::whole;
use crate::terms::Split;
use crate::terms::Terms;
use crate::terms::Versions;
use crate::terms::Window;
use crate::vocab::Amount;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::exact;

/// The windows that caps and guarantees count over, narrowest first: the order in which they act.
const WINDOWS: [Window; 3] = [Window::Period, Window::Year, Window::Lifetime];

/// What a window kept of a party's amounts and cut off them, in minor units; and what the party
/// got, guarantees included.
#[derive(Clone, Debug, Default)]
struct Tracker {
    start: Option<Period>,
    kept: i128,
    cut: i128,
    got: i128,
}

/// A party's windows. They run whether or not a cap is in force, so that one that an amendment
/// brings counts from the beginning of its window.
#[derive(Clone, Debug, Default)]
pub(in crate::rating) struct Trackers([Tracker; 3]);

/// What caps and guarantees did to a party's rounded amount.
pub(in crate::rating) struct Settled {
    pub(in crate::rating) caps: Vec<Capped>,
    pub(in crate::rating) top_ups: Vec<TopUp>,
    pub(in crate::rating) amount: Amount,
}

impl Trackers {
    /// Takes a period's rounded amount through caps and guarantees. `None` past the bounds of an
    /// amount.
    pub(in crate::rating) fn settle(
        &mut self,
        versions: &Versions,
        (terms, period): (&Terms, Period),
        party: &Id,
        rounded: Amount,
    ) -> Option<Settled> {
        let digits = terms.currency.minor_digits();
        let amount = |units: i128| Amount::from_minor(units, digits);
        let mut caps = Vec::new();
        let mut units = rounded.to_minor(digits);
        for (over, tracker) in WINDOWS.into_iter().zip(&mut self.0) {
            let start = versions.window_start(over, period);
            if tracker.start != Some(start) {
                *tracker = Tracker { start: Some(start), ..Tracker::default() };
            }
            let cap = terms.cap_of(party, over).map(|cap| cap.amount);
            let before = units;
            let kept = tracker.kept;
            units = tracker.pass(before, cap.map(|cap| cap.to_minor(digits)))?;
            if cap.is_some() || units != before {
                caps.push(Capped {
                    over,
                    cap,
                    kept: amount(kept)?,
                    before: amount(before)?,
                    after: amount(units)?,
                });
            }
        }
        let mut top_ups = Vec::new();
        for (over, tracker) in WINDOWS.into_iter().zip(&self.0) {
            let got = tracker.got.checked_add(units)?;
            let minimum = terms.minimum_of(party, over).map(|minimum| minimum.amount);
            let Some(minimum) = minimum else { continue };
            let Some(days) = due(versions, over, period) else { continue };
            let exact = exact::of_amount(&minimum) * whole(days.0.into()) / whole(days.1.into());
            let guarantee = terms.rounding.round(&exact, digits)?;
            let added = (guarantee.to_minor(digits).checked_sub(got)?).max(0);
            let before = amount(units)?;
            units = units.checked_add(added)?;
            top_ups.push(TopUp {
                over,
                amount: minimum,
                days,
                guarantee,
                got: amount(got)?,
                before,
                added: amount(added)?,
            });
        }
        for tracker in &mut self.0 {
            tracker.got = tracker.got.checked_add(units)?;
        }
        Some(Settled { caps, top_ups, amount: amount(units)? })
    }
}

impl Tracker {
    /// x ≥ 0 keeps min(x, max(0, cap − kept)), the rest is cut; x < 0 first reduces what was cut,
    /// the rest what was kept.
    fn pass(&mut self, units: i128, cap: Option<i128>) -> Option<i128> {
        let out = if units >= 0 {
            let out = match cap {
                Some(cap) => units.min(cap.checked_sub(self.kept)?.max(0)),
                None => units,
            };
            self.cut = self.cut.checked_add(units.checked_sub(out)?)?;
            out
        } else {
            let taken = self.cut.min(units.checked_neg()?);
            self.cut = self.cut.checked_sub(taken)?;
            units.checked_add(taken)?
        };
        self.kept = self.kept.checked_add(out)?;
        Some(out)
    }
}

/// In the last period of a window, or of the agreement: days of the agreement in the window, and
/// days of the window.
fn due(versions: &Versions, over: Window, period: Period) -> Option<(i32, i32)> {
    let last_of_agreement = versions.last_period();
    if last_of_agreement.is_some_and(|last| period > last) {
        return None;
    }
    let start = versions.window_start(over, period);
    let ends_here = match over {
        Window::Period => true,
        Window::Year => period.next().is_none_or(|next| versions.window_start(over, next) != start),
        Window::Lifetime => false,
    };
    if !ends_here && last_of_agreement != Some(period) {
        return None;
    }
    // The whole agreement is its own window: nothing of it is left out.
    if over == Window::Lifetime {
        return Some((1, 1));
    }
    let periods = if over == Window::Period { 1 } else { period.length().per_year() };
    let mut last = start;
    for _ in 1..periods {
        last = last.next()?;
    }
    let (from, to) = (start.first_day(), last.last_day().plus_days(1));
    let first = from.max(versions.starts_on());
    let end = versions.ends_on().map_or(to, |end| to.min(end));
    Some((end.days() - first.days(), to.days() - from.days()))
}

/// Divides an amount by weights, to the last minor unit: each part gets its quota rounded down,
/// what is left goes to the largest remainders, of equal ones to the part listed first. A negative
/// amount is divided as its absolute value.
pub(in crate::rating) fn divide(split: &Split, amount: Amount, digits: u32) -> Option<Vec<Part>> {
    let weights =
        split.parts.iter().fold(Exact::zero(), |sum, part| sum + exact::of_amount(&part.weight));
    let pool = BigInt::from(amount.to_minor(digits)).abs();
    let mut quotas: Vec<(BigInt, Exact)> = Vec::with_capacity(split.parts.len());
    for part in &split.parts {
        let quota = Exact::from(pool.clone()) * exact::of_amount(&part.weight) / &weights;
        let floor = quota.floor();
        let remainder = quota - Exact::from(floor.clone());
        quotas.push((floor, remainder));
    }
    let given: BigInt = quotas.iter().map(|(floor, _)| floor).sum();
    let left = (pool - given).to_usize()?;
    let mut order: Vec<&mut (BigInt, Exact)> = quotas.iter_mut().collect();
    // The sort is stable: of equal remainders, the part listed first stays first.
    order.sort_by(|a, b| b.1.cmp(&a.1));
    for (floor, _) in order.into_iter().take(left) {
        *floor += 1;
    }
    let signed = |units: &BigInt| {
        let units = units.to_i128()?;
        Amount::from_minor(if amount.is_negative() { units.checked_neg()? } else { units }, digits)
    };
    split
        .parts
        .iter()
        .zip(&quotas)
        .map(|(part, (units, _))| {
            Some(Part {
                of: split.of.clone(),
                to: part.to.clone(),
                weight: part.weight,
                weights: weights.clone(),
                amount: signed(units)?,
            })
        })
        .collect()
}

/// How a party's own pool was divided, the parts that it got, and what it gets together.
pub(in crate::rating) type Got = (Vec<Part>, Vec<Part>, Amount);

/// What every party gets: its own amount unless that is divided, and its parts of divided pools.
/// `None` past the bounds of an amount.
pub(in crate::rating) fn distribute(
    terms: &Terms,
    own: &BTreeMap<&Id, Amount>,
) -> Option<BTreeMap<Id, Got>> {
    let digits = terms.currency.minor_digits();
    let mut gets: BTreeMap<Id, Got> =
        own.iter().map(|(id, own)| ((*id).clone(), (Vec::new(), Vec::new(), *own))).collect();
    for split in &terms.splits {
        let Some(pool) = own.get(&split.of) else { continue };
        let parts = divide(split, *pool, digits)?;
        if let Some((divided, _, amount)) = gets.get_mut(&split.of) {
            divided.clone_from(&parts);
            *amount = amount.checked_sub(*pool)?;
        }
        for part in parts {
            if let Some((_, received, amount)) = gets.get_mut(&part.to) {
                *amount = amount.checked_add(part.amount)?;
                received.push(part);
            }
        }
    }
    Some(gets)
}
