//! What tests of this module share: keys, sound terms, terms at random, and texts with marks.

use crate::intake::terms::read_terms;
use crate::terms::Terms;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::PublicKey;

/// A public key, as in OpenSSH; equal numbers give equal keys.
pub fn key(number: u8) -> String {
    let key = ed25519_dalek::SigningKey::from_bytes(&[number; 32]).verifying_key();
    PublicKey::from_bytes(key.to_bytes()).expect("a sound key").to_string()
}

/// A sound terms file with something of everything.
pub fn sound_file() -> String {
    SOUND
        .replace("KEY-META", &key(1))
        .replace("KEY-ACME", &key(2))
        .replace("KEY-LAB", &key(3))
        .replace("KEY-RECOVERY", &key(4))
}

/// The terms of [`sound_file`].
pub fn sound_terms() -> Terms {
    terms_of(&sound_file())
}

/// The terms of a file that must be sound.
pub fn terms_of(text: &str) -> Terms {
    let file = read_terms("terms.toml", text.as_bytes());
    assert!(file.problems.is_empty(), "{:#?}", file.problems);
    file.terms.expect("terms")
}

/// Takes the marks `¦` out of a text: the text, and line and column of every mark.
pub fn unmarked(marked: &str) -> (String, Vec<(u64, u64)>) {
    let mut text = String::new();
    let mut marks = Vec::new();
    let (mut line, mut column) = (1, 1);
    for c in marked.chars() {
        match c {
            '¦' => {
                marks.push((line, column));
                continue;
            }
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        text.push(c);
    }
    (text, marks)
}

/// Code, line and column of problems in a file.
pub fn placed(problems: &[Problem]) -> Vec<(Code, u64, u64)> {
    let place = |problem: &Problem| match &problem.place {
        Some(Place::File { line, column, text: Some(_), .. }) => (problem.code, *line, *column),
        other => panic!("{problem:?} stands at {other:?}"),
    };
    problems.iter().map(place).collect()
}

/// That these problems stand at these marks, and each says what to do next.
pub fn assert_at_marks(problems: &[Problem], codes: &[Code], marks: &[(u64, u64)], text: &str) {
    let expected: Vec<_> =
        codes.iter().zip(marks).map(|(code, (line, column))| (*code, *line, *column)).collect();
    assert_eq!(codes.len(), marks.len(), "one mark for each code");
    assert_eq!(placed(problems), expected, "{problems:#?}\n{text}");
    assert!(problems.iter().all(|problem| problem.hint.is_some()), "{problems:#?}");
}

const SOUND: &str = r#"[agreement]
title = "Llama hosting"
currency = "USD"
period = "month"
starts_on = 2026-01-15
ends_on = 2029-01-01
calculation = 1
rounding = { mode = "half_up", carry = true }
meters = ["input_tokens", "requests"]

[[party]]
id = "meta"
role = "owner"
key = "KEY-META"

[[party]]
id = "acme-cloud"
role = "collector"
key = "KEY-ACME"
recovery_key = "KEY-RECOVERY"

[[party]]
id = "lab"
role = "beneficiary"
key = "KEY-LAB"

[base]
from = "gross"
deductions = [ { kind = "refunds" }, { kind = "infrastructure", cap = "0.10" } ]

[[rule]]
id = "moderation"
when = { application = ["content_moderation"], model = "llama-3*", territory = ["EU", "UK"] }
share = { meta = "0.12", lab = "0.03" }

[[rule]]
id = "metered"
when = { application = ["search"] }
tiers = { by = "requests", over = "period", kind = "whole" }
steps = [
  { below = "100", per_unit = { meta = "10" }, flat = { lab = "1" } },
  { per_unit = { meta = "10" }, flat = { lab = "2.5" } },
]

[[rule]]
id = "everything-else"
tiers = { by = "revenue", over = "year", kind = "marginal" }
steps = [
  { up_to = "1000000", share = { meta = "0.15" } },
  { share = { meta = "0.30", lab = "0" } },
]

[limits]
rate_floor = "0.01"
rate_ceiling = "0.40"

[payment]
due_days = 45
minimum_payout = "50.25"

[windows]
report_due_days = 10

[attributes]
application = ["search", "content_moderation", "customer_service"]
"#;

/// Terms at random, from a seed; always sound.
pub mod random {
    use crate::intake::testing::key;
    use crate::terms::Terms;
    use crate::terms::body::Role;
    use crate::terms::body::TierKind;
    use crate::terms::body::Window;
    use crate::terms::check::admit;
    use crate::terms::draft::At;
    use crate::terms::draft::DraftDeduction;
    use crate::terms::draft::DraftMeasure;
    use crate::terms::draft::DraftParty;
    use crate::terms::draft::DraftRule;
    use crate::terms::draft::DraftStep;
    use crate::terms::draft::DraftTerms;
    use crate::terms::draft::DraftTiers;
    use crate::terms::draft::Entry;
    use crate::terms::draft::Field;
    use crate::terms::draft::PerAttribute;
    use crate::terms::draft::PerParty;
    use crate::vocab::Amount;
    use crate::vocab::Currency;
    use crate::vocab::Date;
    use crate::vocab::Id;
    use crate::vocab::Name;
    use crate::vocab::PeriodLength;
    use crate::vocab::PublicKey;
    use crate::vocab::Rate;
    use crate::vocab::Rounding;
    use crate::vocab::Text;
    use crate::vocab::Value;

    /// Numbers at random, from a seed.
    pub struct Random(pub u64);

    impl Random {
        /// A number below a bound.
        pub fn below(&mut self, bound: u64) -> u64 {
            // Splitmix64.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % bound
        }

        /// Yes or no.
        pub fn coin(&mut self) -> bool {
            self.below(2) == 0
        }

        /// One of several.
        pub fn of<T: Clone>(&mut self, items: &[T]) -> T {
            items[self.below(items.len() as u64) as usize].clone()
        }
    }

    /// A given field.
    pub fn given<T>(value: T) -> Field<T> {
        Field::Given(value, At::default())
    }

    /// A field that is given or not.
    pub fn maybe<T>(random: &mut Random, value: T) -> Field<T> {
        if random.coin() { given(value) } else { Field::Missing }
    }

    fn names(prefix: &str, count: u64) -> Vec<Name> {
        let name = |n| Name::parse(&format!("{prefix}_{n}")).expect("a name");
        (0..count).map(name).collect()
    }

    fn value(random: &mut Random) -> Value {
        let text =
            random.of(&["", "*", "llama-3*", "EU", "a \"b\" \\c", "日本", "x,y", "Ünïcödé #1"]);
        Value::parse(text).expect("a value")
    }

    /// Texts per attribute.
    pub fn texts(random: &mut Random, names: &[Name], distinct: bool) -> PerAttribute {
        let mut entries = Vec::new();
        for name in names.iter().rev() {
            if random.coin() {
                continue;
            }
            let mut values: Vec<Value> = (0..=random.below(3)).map(|_| value(random)).collect();
            if distinct {
                values.sort();
                values.dedup();
                values.reverse();
            }
            let values = values.into_iter().map(given).collect();
            entries.push(Entry { key: given(name.clone()), value: given(values) });
        }
        given(entries)
    }

    /// Values for some of the parties.
    pub fn per_party<T>(
        random: &mut Random,
        payees: &[Id],
        value: impl Fn(&mut Random) -> T,
    ) -> PerParty<T> {
        let mut entries = Vec::new();
        for party in payees.iter().rev() {
            if random.coin() {
                entries.push(Entry { key: given(party.clone()), value: given(value(random)) });
            }
        }
        if entries.is_empty() { Field::Missing } else { given(entries) }
    }

    /// An amount that is not negative.
    pub fn amount(random: &mut Random) -> Amount {
        let scale = random.below(13) as u32;
        Amount::normalised(i128::from(random.below(1_000_000_000)), scale).expect("bounded")
    }

    /// At most a fifth, so that five parties never get more than everything.
    fn share(random: &mut Random) -> Rate {
        let scaled = Amount::normalised(i128::from(random.below(200_001)), 6).expect("bounded");
        Rate::from_parts(scaled.mantissa(), scaled.scale()).expect("a rate")
    }

    fn rate(text: &str) -> Rate {
        Rate::parse(text).expect("a rate")
    }

    fn step(
        random: &mut Random,
        payees: &[Id],
        by_meter: bool,
        bound: Option<Amount>,
    ) -> DraftStep {
        let mut step = DraftStep {
            share: per_party(random, payees, share),
            flat: per_party(random, payees, amount),
            ..DraftStep::default()
        };
        if by_meter {
            step.per_unit = per_party(random, payees, amount);
        }
        if let Some(bound) = bound {
            match random.coin() {
                true => step.up_to = given(bound),
                false => step.below = given(bound),
            }
        }
        step
    }

    fn rule(
        random: &mut Random,
        number: u64,
        payees: &[Id],
        meters: &[Name],
        attributes: &[Name],
    ) -> DraftRule {
        let mut rule = DraftRule {
            id: given(Id::parse(&format!("rule-{number}")).expect("an id")),
            when: texts(random, attributes, false),
            ..DraftRule::default()
        };
        if random.coin() {
            rule.share = match per_party(random, payees, share) {
                Field::Missing => given(Vec::new()),
                share => share,
            };
            return rule;
        }
        let by_meter = !meters.is_empty() && random.coin();
        let by = match by_meter {
            true => DraftMeasure::Meter(random.of(meters)),
            false => DraftMeasure::Revenue,
        };
        rule.tiers = given(DraftTiers {
            at: At::default(),
            by: given(by),
            over: given(random.of(&[Window::Period, Window::Year, Window::Lifetime])),
            kind: given(random.of(&[TierKind::Marginal, TierKind::Whole])),
        });
        let mut bound = Amount::ZERO;
        let mut steps = Vec::new();
        for _ in 0..random.below(4) {
            let rise = amount(random).checked_add(Amount::parse("0.5").expect("an amount"));
            bound = bound.checked_add(rise.expect("bounded")).expect("bounded");
            steps.push(step(random, payees, by_meter, Some(bound)));
        }
        steps.push(step(random, payees, by_meter, None));
        rule.steps = given(steps);
        rule
    }

    /// Sound terms that format level 1 can say.
    pub fn terms(seed: u64) -> Terms {
        sound(&draft(&mut Random(seed)))
    }

    /// The terms of a draft that must be sound.
    pub fn sound(draft: &DraftTerms) -> Terms {
        match admit(draft) {
            Ok(terms) => terms,
            Err(problems) => panic!("{problems:#?}"),
        }
    }

    /// Sound terms as they were said, without clauses of format level 2.
    pub fn draft(r: &mut Random) -> DraftTerms {
        let payees: Vec<Id> =
            (0..=r.below(4)).map(|n| Id::parse(&format!("payee-{n}")).expect("an id")).collect();
        let mut parties = Vec::new();
        let roles = payees.iter().map(|id| (id.clone(), Role::Owner));
        let host = Id::parse("host").expect("an id");
        for (number, (id, role)) in roles.chain([(host, Role::Collector)]).enumerate() {
            let public = |n: usize| PublicKey::parse(&key(n as u8)).expect("a key");
            let role = match role {
                Role::Owner => r.of(&[Role::Owner, Role::Beneficiary]),
                other => other,
            };
            parties.push(DraftParty {
                at: At::default(),
                id: given(id),
                role: given(role),
                key: given(public(number + 1)),
                recovery_key: maybe(r, public(number + 101)),
            });
        }
        let meters = names("meter", r.below(4));
        let attributes = names("attribute", 3);
        let deductions = names("deduction", r.below(3)).into_iter().map(|kind| DraftDeduction {
            at: At::default(),
            kind: given(kind),
            cap: maybe(r, rate("0.1")),
        });
        let deductions: Vec<DraftDeduction> = deductions.collect();
        let start = Date::from_days(r.below(100_000) as i32).expect("a day");
        let rules = (0..=r.below(4)).map(|n| rule(r, n, &payees, &meters, &attributes)).collect();
        let title = r.of(&["", "Hosting", "\"A\" \\ B", "Vertrag über 日本 # 1"]);
        DraftTerms {
            at: At::default(),
            title: given(Text::parse(title).expect("a text")),
            currency: given(Currency::parse(r.of(&["USD", "KWD"])).expect("a currency")),
            period_length: given(r.of(&[PeriodLength::Month, PeriodLength::Quarter])),
            starts_on: given(start),
            ends_on: maybe(r, start.plus_days(1 + r.0 as u8 as i32)),
            calculation: given(1),
            rounding: given(r.of(&[Rounding::HalfEven, Rounding::HalfUp, Rounding::Down])),
            carry: given(r.coin()),
            meters: given(meters.iter().cloned().map(given).collect()),
            parties: given(parties),
            deductions: given(deductions),
            rules: given(rules),
            rate_floor: maybe(r, rate("0.05")),
            rate_ceiling: maybe(r, rate("0.15")),
            due_days: given(r.below(3651) as u16),
            minimum_payout: maybe(r, Amount::parse("12.5").expect("an amount")),
            report_due_days: maybe(r, 3),
            attributes: texts(r, &attributes, true),
            ..DraftTerms::default()
        }
    }
}
