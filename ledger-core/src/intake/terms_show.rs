//! Terms as a terms file: canonical text that reads back to equal terms.

use std::fmt::Display;

use crate::terms::Terms;
use crate::terms::body::Condition;
use crate::terms::body::Pay;
use crate::terms::body::Rule;
use crate::terms::body::Step;
use crate::vocab::Id;

/// Writes terms as TOML. Everything is said, defaults included; equal terms give equal text.
pub fn to_toml(terms: &Terms) -> String {
    let mut text = Writer(String::new());
    text.line("[agreement]");
    text.entry("title", quoted(terms.title.as_str()));
    text.entry("currency", quoted(terms.currency.code()));
    text.entry("period", quoted(terms.period_length.as_str()));
    text.entry("starts_on", terms.starts_on);
    if let Some(end) = terms.ends_on {
        text.entry("ends_on", end);
    }
    text.entry("calculation", terms.calculation);
    text.entry(
        "rounding",
        format!("{{ mode = {}, carry = {} }}", quoted(terms.rounding.as_str()), terms.carry),
    );
    text.entry("meters", array(terms.meters.iter().map(|name| name.as_str())));
    for party in &terms.parties {
        text.line("\n[[party]]");
        text.entry("id", quoted(party.id.as_str()));
        text.entry("role", quoted(party.role.as_str()));
        text.entry("key", quoted(&party.key.to_string()));
        if let Some(key) = party.recovery_key {
            text.entry("recovery_key", quoted(&key.to_string()));
        }
    }
    text.line("\n[base]");
    text.entry("from", quoted("gross"));
    let deductions = terms.deductions.iter().map(|deduction| {
        let kind = ("kind", quoted(deduction.kind.as_str()));
        let cap = deduction.cap.map(|cap| ("cap", quoted(&cap.to_string())));
        table([kind].into_iter().chain(cap))
    });
    text.list("deductions", deductions.collect());
    for rule in &terms.rules {
        text.rule(rule);
    }
    if terms.rate_floor.is_some() || terms.rate_ceiling.is_some() {
        text.line("\n[limits]");
        for (key, rate) in [("rate_floor", terms.rate_floor), ("rate_ceiling", terms.rate_ceiling)]
        {
            if let Some(rate) = rate {
                text.entry(key, quoted(&rate.to_string()));
            }
        }
    }
    text.line("\n[payment]");
    text.entry("due_days", terms.due_days);
    text.entry("minimum_payout", quoted(&terms.minimum_payout.to_string()));
    text.line("\n[windows]");
    text.entry("report_due_days", terms.report_due_days);
    if !terms.attributes.is_empty() {
        text.line("\n[attributes]");
        for allowed in &terms.attributes {
            let values = allowed.values.iter().map(|value| value.as_str());
            text.entry(allowed.attribute.as_str(), array(values));
        }
    }
    text.0
}

struct Writer(String);

impl Writer {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn entry(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    /// A list with an item on each line.
    fn list(&mut self, key: &str, items: Vec<String>) {
        if items.is_empty() {
            return self.entry(key, "[]");
        }
        self.line(&format!("{key} = ["));
        for item in items {
            self.line(&format!("  {item},"));
        }
        self.line("]");
    }

    fn rule(&mut self, rule: &Rule) {
        self.line("\n[[rule]]");
        self.entry("id", quoted(rule.id.as_str()));
        if !rule.when.is_empty() {
            let condition = |condition: &Condition| {
                let patterns = condition.patterns.iter().map(|pattern| pattern.as_str());
                (condition.attribute.to_string(), array(patterns))
            };
            self.entry("when", table(rule.when.iter().map(condition)));
        }
        match &rule.pay {
            Pay::Flat(share) => self.entry("share", per_party(share)),
            Pay::Tiered(tiers) => {
                self.entry(
                    "tiers",
                    table([
                        ("by", quoted(tiers.by.as_str())),
                        ("over", quoted(tiers.over.as_str())),
                        ("kind", quoted(tiers.kind.as_str())),
                    ]),
                );
                self.list("steps", tiers.steps.iter().map(step).collect());
            }
        }
    }
}

fn step(step: &Step) -> String {
    let bound = step.bound.map(|bound| {
        let key = if bound.inclusive { "up_to" } else { "below" };
        (key, quoted(&bound.at.to_string()))
    });
    let share = (!step.share.is_empty()).then(|| ("share", per_party(&step.share)));
    let per_unit = (!step.per_unit.is_empty()).then(|| ("per_unit", per_party(&step.per_unit)));
    let flat = (!step.flat.is_empty()).then(|| ("flat", per_party(&step.flat)));
    table([bound, share, per_unit, flat].into_iter().flatten())
}

fn per_party<T: Display>(list: &[(Id, T)]) -> String {
    table(list.iter().map(|(party, value)| (party, quoted(&value.to_string()))))
}

/// An inline table. Ids and names need no quotes as keys.
fn table<K: Display>(entries: impl IntoIterator<Item = (K, String)>) -> String {
    let entries = entries.into_iter();
    let entries: Vec<String> = entries.map(|(key, value)| format!("{key} = {value}")).collect();
    match entries.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", entries.join(", ")),
    }
}

fn array<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(quoted).collect();
    format!("[{}]", texts.join(", "))
}

/// A basic string. Texts of terms hold no control characters, so these two escapes suffice.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
