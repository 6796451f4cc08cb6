//! What the worked examples are made of: terms and facts without the bytes of a log.

use crate::*;

/// A number as it is written.
pub fn exact(text: &str) -> Exact {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().expect("digits");
    Exact::new(digits, ten_to(fraction.len() as u32))
}

/// A day as it is written: `2026-01-31`.
pub fn day(text: &str) -> i32 {
    let numbers: Vec<i32> = text.split('-').map(|part| part.parse().expect("digits")).collect();
    first_of_month(numbers[0], numbers[1]) + numbers[2] - 1
}

/// A month of 2026, or of the years after it: 13 is January 2027.
pub fn month(number: u16) -> Period {
    Period { year: 2026 + (number - 1) / 12, number: ((number - 1) % 12 + 1) as u8 }
}

pub fn to_owner(amount: &str) -> PerParty {
    PerParty::from([("owner".to_string(), exact(amount))])
}

/// `up_to` a bound (or without end): share, per unit and flat of the owner.
pub fn step(up_to: Option<&str>, share: &str, per_unit: &str, flat: &str) -> Step {
    Step {
        bound: up_to.map(|at| Bound { at: exact(at), inclusive: true }),
        share: to_owner(share),
        per_unit: to_owner(per_unit),
        flat: to_owner(flat),
    }
}

/// Tiers by the meter `units`.
pub fn by_units(window: Window, whole: bool, steps: Vec<Step>) -> Pay {
    Pay::Tiered(Tiers { meter: Some("units".into()), window, whole, steps })
}

pub fn rule(id: &str, pay: Pay) -> Rule {
    Rule { id: id.into(), conditions: Vec::new(), pay }
}

fn party(id: &str, role: Role, key: u8) -> Party {
    Party { id: id.into(), role, key: [key; 32], recovery_key: None }
}

/// Terms from 2026-01-01 in dollars and months, with an owner, a lab and a host; one rule, `all`.
pub fn terms(pay: Pay) -> Terms {
    Terms {
        currency: *b"USD",
        minor_digits: 2,
        length: Length::Month,
        starts_on: day("2026-01-01"),
        ends_on: None,
        rounding: Rounding::HalfEven,
        carry: false,
        meters: vec!["units".into()],
        parties: vec![
            party("owner", Role::Owner, 1),
            party("host", Role::Collector, 2),
            party("lab", Role::Beneficiary, 3),
        ],
        deductions: Vec::new(),
        rules: vec![rule("all", pay)],
        limits: Limits { floor: None, ceiling: None },
        due_days: 30,
        minimum_payout: exact("0"),
        report_due_days: 15,
        attributes: BTreeMap::new(),
        clauses: Clauses::none(),
    }
}

/// The terms of an opening, and those of amendments with the days from which they are effective.
pub fn facts(opening: Terms, amendments: Vec<(&str, Terms)>) -> Facts {
    let mut versions = vec![Version {
        event: [0; 32],
        effective_from: opening.starts_on,
        terms: opening,
        digest: [0; 32],
    }];
    for (number, (from, terms)) in amendments.into_iter().enumerate() {
        let event = [number as u8 + 1; 32];
        versions.push(Version { event, effective_from: day(from), terms, digest: event });
    }
    Facts {
        versions,
        reports: BTreeMap::new(),
        claims: BTreeMap::new(),
        rates: BTreeMap::new(),
        figures: BTreeMap::new(),
    }
}

impl Facts {
    /// A report with one line: its day, gross and units, in a currency, with a `model`.
    pub fn line_of(&mut self, on: &str, gross: &str, units: &str, currency: [u8; 3], model: &str) {
        let day = day(on);
        let attributes = match model {
            "" => Vec::new(),
            _ => vec![("model".to_string(), model.to_string())],
        };
        let sums = Sums {
            gross: exact(gross),
            meters: PerName::from([("units".to_string(), exact(units))]),
            deductions: PerName::new(),
        };
        let usage = Usage { sums };
        let usage = BTreeMap::from([(UsageKey { day, currency, attributes }, usage)]);
        let period = self.length().holding(day);
        let event = [self.reports.len() as u8 + 1; 32];
        self.reports.insert(event, UsageReport { period, lines: 1, usage, adopted_by: None });
    }

    /// As [`Facts::line_of`], in the settlement currency and without a model.
    pub fn line(&mut self, on: &str, gross: &str, units: &str) {
        self.line_of(on, gross, units, *b"USD", "");
    }

    /// What a party comes to in each period up to `last`.
    pub fn shares(&self, party: &str, last: Period) -> Vec<Exact> {
        let computed = self.compute(last).expect("the facts can be rated");
        computed.into_iter().map(|period| period.shares[party].clone()).collect()
    }
}

/// Asserts what a party comes to in each period, from the first on.
#[track_caller]
pub fn comes_to(facts: &Facts, party: &str, amounts: &[&str]) {
    let mut last = facts.first_period();
    for _ in 1..amounts.len() {
        last = facts.length().next(last);
    }
    let expected: Vec<Exact> = amounts.iter().map(|amount| exact(amount)).collect();
    let shares = facts.shares(party, last);
    let shown: Vec<String> = shares.iter().map(ToString::to_string).collect();
    assert_eq!(shares, expected, "{party} comes to {shown:?}");
}
