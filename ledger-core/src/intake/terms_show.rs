//! Terms as a terms file: canonical text that reads back to equal terms.

use std::fmt::Display;

use crate::intake::terms_clauses::DAY_COUNT;
use crate::terms::Terms;
use crate::terms::body::BaseFrom;
use crate::terms::body::Condition;
use crate::terms::body::Pay;
use crate::terms::body::Price;
use crate::terms::body::Rule;
use crate::terms::body::Step;
use crate::vocab::Id;

/// Writes terms as TOML. Everything is said, defaults included; equal terms give equal text. Terms
/// that format level 1 can say are written as they were when there was no other level.
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
    text.entry("from", quoted(terms.base_from.as_str()));
    let deductions = terms.deductions.iter().map(|deduction| {
        let kind = ("kind", quoted(deduction.kind.as_str()));
        let cap = deduction.cap.map(|cap| ("cap", quoted(&cap.to_string())));
        table([kind].into_iter().chain(cap))
    });
    text.list("deductions", deductions.collect());
    if terms.base_from == BaseFrom::Priced {
        text.entry("price_tolerance", quoted(&terms.price_tolerance.to_string()));
    }
    for price in &terms.prices {
        text.price(price);
    }
    for rule in &terms.rules {
        text.rule(rule);
    }
    for one in &terms.exclusivities {
        text.line("\n[[exclusivity]]");
        text.entry("id", quoted(one.id.as_str()));
        text.when(&one.when);
        text.entry("from", one.from);
        if let Some(to) = one.to {
            text.entry("to", to);
        }
        text.entry("add", per_party(&one.add));
    }
    for one in &terms.contributions {
        text.line("\n[[contribution]]");
        text.entry("id", quoted(one.id.as_str()));
        text.entry("by", quoted(one.by.as_str()));
        text.when(&one.when);
        text.entry("add", per_party(&one.add));
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
    for (kind, bounds) in [("minimum", &terms.minimums), ("cap", &terms.caps)] {
        for bound in bounds {
            text.line(&format!("\n[[{kind}]]"));
            text.entry("to", quoted(bound.to.as_str()));
            text.entry("amount", quoted(&bound.amount.to_string()));
            text.entry("over", quoted(bound.over.as_str()));
        }
    }
    for split in &terms.splits {
        text.line("\n[[split]]");
        text.entry("of", quoted(split.of.as_str()));
        let parts = split.parts.iter().map(|part| {
            let weight = quoted(&part.weight.to_string());
            table([("to", quoted(part.to.as_str())), ("weight", weight)])
        });
        text.list("parts", parts.collect());
    }
    for party in &terms.advances {
        text.line("\n[[advance]]");
        text.entry("to", quoted(party.as_str()));
    }
    text.line("\n[payment]");
    text.entry("due_days", terms.due_days);
    text.entry("minimum_payout", quoted(&terms.minimum_payout.to_string()));
    if !terms.late_interest.is_empty() {
        let rows = terms.late_interest.iter().map(|(from, rate)| {
            let rate = quoted(&rate.to_string());
            table([("from", from.to_string()), ("rate", rate), ("day_count", quoted(DAY_COUNT))])
        });
        text.list("late_interest", rows.collect());
    }
    if !terms.withholding.is_empty() {
        let clauses = terms.withholding.iter().map(|(party, clause)| {
            let rate = quoted(&clause.rate.to_string());
            (party, table([("rate", rate), ("gross_up", clause.gross_up.to_string())]))
        });
        text.entry("withholding", table(clauses));
    }
    text.line("\n[windows]");
    text.entry("report_due_days", terms.report_due_days);
    if terms.needs_level_two() {
        text.entry("objection_days", terms.objection_days);
        text.entry("proposal_lapse_days", terms.proposal_lapse_days);
    }
    if let Some(dispute) = terms.dispute {
        text.entry(
            "dispute",
            table([
                ("response_days", dispute.response_days.to_string()),
                ("on_silence", quoted(dispute.on_silence.as_str())),
                ("escalate_after_days", dispute.escalate_after_days.to_string()),
            ]),
        );
    }
    if let Some(audit) = terms.audit {
        text.entry(
            "audit",
            table([
                ("lookback_months", audit.lookback_months.to_string()),
                ("cost_shift", quoted(&audit.cost_shift.to_string())),
                ("of", quoted(audit.of.as_str())),
            ]),
        );
    }
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

    fn when(&mut self, when: &[Condition]) {
        if when.is_empty() {
            return;
        }
        let condition = |condition: &Condition| {
            let patterns = condition.patterns.iter().map(|pattern| pattern.as_str());
            (condition.attribute.to_string(), array(patterns))
        };
        self.entry("when", table(when.iter().map(condition)));
    }

    fn price(&mut self, price: &Price) {
        self.line("\n[[price]]");
        self.entry("meter", quoted(price.meter.as_str()));
        self.when(&price.when);
        self.entry("unit", quoted(&price.unit.to_string()));
        self.entry("price", quoted(&price.price.to_string()));
        self.entry("currency", quoted(price.currency.code()));
        self.entry("from", price.from);
    }

    fn rule(&mut self, rule: &Rule) {
        self.line("\n[[rule]]");
        self.entry("id", quoted(rule.id.as_str()));
        self.when(&rule.when);
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
    let mut quoted = String::new();
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
