//! The terms in force on the days of a period: amendments cut periods.

use crate::terms::body::Terms;
use crate::usage::LineSums;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Level;
use crate::vocab::Name;

/// Which terms are in force on which day, and what the agreement covers. A view: it owns no terms.
#[derive(Clone, Debug)]
pub struct TermsByDay<'a> {
    first: &'a Terms,
    /// Later terms with their first day, strictly rising.
    later: Vec<(Date, &'a Terms)>,
    starts_on: Date,
    ends_on: Option<Date>,
    level: Level,
}

impl<'a> TermsByDay<'a> {
    /// Of an agreement that never changed, on a ledger of this current format level.
    pub fn one(terms: &'a Terms, level: Level) -> TermsByDay<'a> {
        TermsByDay {
            first: terms,
            later: Vec::new(),
            starts_on: terms.starts_on,
            ends_on: terms.ends_on,
            level,
        }
    }

    /// Of a period: `first` are the terms in force on its first day in the agreement (`first` may
    /// be any terms if the period lies outside), `later` those of the stretches after it with
    /// their first day, in order. `agreement` is its first day and the first day after it, as the
    /// last version of the terms says; `level` the current format level of the ledger.
    pub fn new(
        first: &'a Terms,
        later: impl IntoIterator<Item = (Date, &'a Terms)>,
        agreement: (Date, Option<Date>),
        level: Level,
    ) -> TermsByDay<'a> {
        let later: Vec<(Date, &Terms)> = later.into_iter().collect();
        debug_assert!(later.is_sorted_by(|a, b| a.0 < b.0));
        TermsByDay { first, later, starts_on: agreement.0, ends_on: agreement.1, level }
    }

    /// The number of the stretch that holds a day, from 0; the first one holds all days before.
    pub fn stretch(&self, day: Date) -> usize {
        self.later.partition_point(|(from, _)| *from <= day)
    }

    /// The terms in force on a day.
    pub fn on(&self, day: Date) -> &'a Terms {
        let later = self.stretch(day).checked_sub(1).and_then(|at| self.later.get(at));
        later.map_or(self.first, |(_, terms)| terms)
    }

    /// Any of them, for what no amendment changes: start, currency, length of periods, collector.
    pub fn any(&self) -> &'a Terms {
        self.first
    }

    /// The terms of every stretch, in order. The same terms may be there twice.
    pub fn iter(&self) -> impl Iterator<Item = &'a Terms> {
        std::iter::once(self.first).chain(self.later.iter().map(|(_, terms)| *terms))
    }

    /// Whether the agreement covers a day.
    pub fn covers(&self, day: Date) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|end| day < end)
    }

    /// First day of the agreement.
    pub fn starts_on(&self) -> Date {
        self.starts_on
    }

    /// First day after the agreement.
    pub fn ends_on(&self) -> Option<Date> {
        self.ends_on
    }

    /// The settlement currency.
    pub fn currency(&self) -> Currency {
        self.first.currency
    }

    /// The current format level of the ledger.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The first meter or deduction that sums name, zero or not, and that no terms of the period
    /// declare.
    pub fn undeclared<'s>(&self, sums: &'s LineSums) -> Option<&'s Name> {
        let meter = |name: &Name| self.iter().any(|terms| terms.meters.contains(name));
        let deduction = |name: &Name| {
            self.iter().any(|terms| terms.deductions.iter().any(|known| known.kind == *name))
        };
        let meters = sums.meters.iter().map(|(name, _)| name);
        let deductions = sums.deductions.iter().map(|(name, _)| name);
        meters.filter(|name| !meter(name)).chain(deductions.filter(|name| !deduction(name))).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::testing::sound_terms;
    use crate::usage::LineSums;
    use crate::vocab::exact::Sum;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    #[test]
    fn a_day_belongs_to_the_last_stretch_that_began() {
        let (one, mut two) = (sound_terms(), sound_terms());
        two.0.meters.clear();
        let later = [(day("2026-06-10"), &two), (day("2026-06-20"), &one)];
        let agreement = (one.starts_on, None);
        let terms = TermsByDay::new(&one, later, agreement, Level::Two);
        let stretch = |text: &str| terms.stretch(day(text));
        assert_eq!(
            ["1999-01-01", "2026-06-09", "2026-06-10", "2026-06-19", "2026-06-20"].map(stretch),
            [0, 0, 1, 1, 2]
        );
        assert_eq!(terms.on(day("2026-06-19")), &two);
        assert_eq!(terms.on(day("2026-06-20")), &one);
        assert_eq!(terms.iter().count(), 3);
        assert!(terms.covers(day("2026-01-15")) && !terms.covers(day("2026-01-14")));
    }

    #[test]
    fn a_name_is_declared_if_any_terms_declare_it() {
        let (one, mut two) = (sound_terms(), sound_terms());
        two.0.meters = vec![Name::parse("output").expect("a name")];
        let terms =
            TermsByDay::new(&one, [(day("2026-06-10"), &two)], (one.starts_on, None), Level::Two);
        let mut sums = LineSums::default();
        for name in ["output", "requests"] {
            sums.add_meter(&Name::parse(name).expect("a name"), Sum(1)).expect("in bounds");
        }
        sums.add_deduction(&Name::parse("refunds").expect("a name"), Sum(0)).expect("in bounds");
        assert_eq!(terms.undeclared(&sums), None);
        let fees = Name::parse("fees").expect("a name");
        sums.add_deduction(&fees, Sum(0)).expect("in bounds");
        assert_eq!(terms.undeclared(&sums), Some(&fees));
    }
}
