//! Pattern sets and clause indexes against the matcher of one pattern, and what they cost.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::intake::testing::terms_of;
use crate::intake::testing_clauses::whole_file;
use crate::intake::testing_clauses::whole_terms;
use crate::terms::ValueMemo;
use crate::terms::glob;
use crate::terms::patterns::PatternSet;
use crate::terms::patterns::Scratch;
use crate::usage::LineKey;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;

fn value(text: &str) -> Value {
    Value::parse(text).expect("a value")
}

fn found(set: &PatternSet, value: &str, scratch: &mut Scratch) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    set.matching(value, scratch, |clause| {
        found.insert(clause);
    });
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_set_matches_what_each_of_its_patterns_matches(
        patterns in prop::collection::vec(("[ab*]{0,9}|[ab*é]{0,5}|[a]{0,6}[*]", 0u32..5), 0..24),
        values in prop::collection::vec("[ab]{0,12}|[abé*]{0,6}", 1..8),
    ) {
        let patterns: Vec<(Value, u32)> =
            patterns.iter().map(|(pattern, clause)| (value(pattern), *clause)).collect();
        let set = PatternSet::new(patterns.iter().map(|(pattern, clause)| (pattern, *clause)));
        let mut scratch = Scratch::default();
        for value in values {
            let matching = patterns.iter().filter(|(one, _)| glob::matches(one.as_str(), &value));
            let expected: BTreeSet<u32> = matching.map(|(_, clause)| *clause).collect();
            prop_assert_eq!(found(&set, &value, &mut scratch), expected, "{}", value);
        }
    }

    #[test]
    fn an_index_finds_what_going_through_the_clauses_finds(
        lines in prop::collection::vec((
            prop::sample::select(vec!["", "search", "chat", "other"]),
            prop::sample::select(vec!["", "llama-3", "llama-4-large", "claude", "x"]),
            prop::sample::select(vec!["", "EU", "US"]),
            0i32..800,
            prop::sample::select(vec!["USD", "EUR"]),
        ), 1..16),
    ) {
        let terms = whole_terms();
        let (clauses, mut memo) = (terms.clauses(), ValueMemo::default());
        for (application, model, territory, days, currency) in lines {
            let named = [("application", application), ("model", model), ("territory", territory)];
            let named = named.iter().filter(|(_, value)| !value.is_empty());
            let named = named.map(|(name, one)| (Name::parse(name).expect("a name"), value(one)));
            let key = LineKey {
                day: Date::parse("2026-01-01").expect("a day").plus_days(days),
                currency: Currency::parse(currency).expect("a currency"),
                attributes: named.collect(),
            };
            let holding = clauses.holding(&key.attributes, &mut memo);
            prop_assert_eq!(clauses.rule(&holding), terms.rule_for(&key));
            let exclusivities: Vec<usize> = clauses.exclusivities(&holding).collect();
            for (at, one) in terms.exclusivities.iter().enumerate() {
                let covers = one.from <= key.day && one.to.is_none_or(|to| key.day < to);
                prop_assert_eq!(covers && exclusivities.contains(&at), one.applies_to(&key));
            }
            let contributions: Vec<usize> = clauses.contributions(&holding).collect();
            for (at, one) in terms.contributions.iter().enumerate() {
                prop_assert_eq!(contributions.contains(&at), one.may_apply_to(&key));
            }
            for meter in &terms.meters {
                let line = (meter, key.currency, key.day);
                prop_assert_eq!(clauses.is_priced(meter), terms.is_priced(meter));
                prop_assert_eq!(
                    clauses.price(&terms, line, &holding),
                    terms.price_for(meter, key.day, key.currency, &key.attributes)
                );
            }
        }
    }
}

/// Steps of matching values with patterns.
fn steps(patterns: &[String], values: &[String]) -> u64 {
    let patterns: Vec<Value> = patterns.iter().map(|pattern| value(pattern)).collect();
    let set = PatternSet::new(patterns.iter().zip(0..));
    let mut scratch = Scratch::default();
    values.iter().for_each(|value| set.matching(value, &mut scratch, |_| ()));
    scratch.steps()
}

/// With four times the patterns and four times the values, a set takes four times the steps (and a
/// matcher of one pattern would take sixteen times as many).
#[test]
fn patterns_and_values_add_up_and_do_not_multiply() {
    let long = |fill: &str, number: usize| format!("{}{number:06}", fill.repeat(120));
    type Shape = (fn(usize) -> String, fn(usize) -> String);
    let shapes: [(&str, Shape); 6] = [
        ("begins with", (|n| format!("{n:06}*"), |n| format!("{n:06}x"))),
        ("ends with", (|n| format!("*{n:06}"), |n| format!("x{n:06}"))),
        ("contains", (|n| format!("*{n:06}*"), |n| format!("x{n:06}y"))),
        ("begins and ends with", (|n| format!("a{n}*{n:06}"), |n| format!("a{n}x{n:06}"))),
        (
            "a run that never ends",
            (|n| format!("*{}{n}*", "a".repeat(100)), |n| format!("{}b{n}", "a".repeat(200))),
        ),
        ("many stars", (|n| format!("*{n:06}*a*b*c*d*"), |n| format!("abcd{n:06}abcd"))),
    ];
    for (name, (pattern, value)) in shapes {
        let cost = |count: usize| {
            let patterns: Vec<String> = (0..count).map(pattern).collect();
            let values: Vec<String> = (0..count).map(value).collect();
            steps(&patterns, &values)
        };
        let (small, large) = (cost(250), cost(1000));
        assert!(small > 250 && large <= small * 5, "{name}: {small} steps, then {large}");
    }
    // One value through the most patterns of a condition, each as long as the longest.
    let patterns: Vec<String> = (0..1024).map(|n| format!("*{}", long("ab", n))).collect();
    assert!(steps(&patterns, &[long("ab", 2000)]) < 20_000);
}

/// A value is matched once, however many lines have it.
#[test]
fn a_value_is_matched_once() {
    let many: Vec<String> = (0..100).map(|number| format!("\"*{number}*x\"")).collect();
    let rule = format!(
        "[[rule]]\nid = \"many\"\nwhen = {{ model = [{}] }}\nshare = {{ meta = \"0.1\" }}\n\n",
        many.join(", ")
    );
    let file = whole_file().replacen("[[rule]]", &format!("{rule}[[rule]]"), 1);
    let terms = terms_of(&file);
    let mut memo = ValueMemo::default();
    let attributes = [(Name::parse("model").expect("a name"), value("llama-77-x"))];
    let first = terms.clauses().holding(&attributes, &mut memo);
    let steps = memo.steps();
    assert_eq!(terms.clauses().rule(&first), Some(0));
    (0..10).for_each(|_| assert_eq!(terms.clauses().holding(&attributes, &mut memo), first));
    assert!(steps > 0 && memo.steps() == steps, "{steps} steps, then {}", memo.steps());
}
