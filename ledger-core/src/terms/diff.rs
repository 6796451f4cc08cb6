//! What changes from one version of the terms to the next, clause by clause.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Display;

use crate::terms::body::Bounded;
use crate::terms::body::Condition;
use crate::terms::body::ContributionClause;
use crate::terms::body::Deduction;
use crate::terms::body::Exclusivity;
use crate::terms::body::Party;
use crate::terms::body::Pay;
use crate::terms::body::Price;
use crate::terms::body::Rule;
use crate::terms::body::Split;
use crate::terms::body::Step;
use crate::terms::body::Terms;
use crate::terms::body::TermsBody;
use crate::vocab::Id;
use crate::vocab::Value;

/// One field of one clause that is not the same before and after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The clause, such as `rule moderation`, `cap meta/lifetime` or `agreement`. Of a list whose
    /// order changed, the list: `rules`.
    pub clause: String,
    /// The field, such as `share.meta` or `steps[0].up_to`; `order` of a list.
    pub field: String,
    /// What it said; `None` if it was not there.
    pub before: Option<String>,
    /// What it says; `None` if it is gone.
    pub after: Option<String>,
}

/// Everything that changes, in the order of the terms file. A clause that is new or gone is all
/// of its fields. A change of order is a change; of clauses that go before one another (the first
/// rule that matches wins), one put before others is, too. Empty if and only if the terms are
/// equal.
pub fn diff(old: &Terms, new: &Terms) -> Vec<Change> {
    let (old, new) = (sections(old), sections(new));
    let mut changes = Vec::new();
    for (old, new) in old.iter().zip(&new) {
        compare(old, new, &mut changes);
    }
    changes
}

/// Clauses of one kind, in their order.
struct Section {
    /// What a change of their order is called.
    list: &'static str,
    order: Order,
    clauses: Vec<Clause>,
}

/// What the order of clauses means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// They are sorted.
    Sorted,
    /// They stand as the parties wrote them.
    Written,
    /// An earlier one goes before a later one, so that a new one among them changes the others.
    Counts,
}

impl Section {
    fn names(&self) -> Vec<&str> {
        self.clauses.iter().map(|clause| clause.name.as_str()).collect()
    }

    fn by_name(&self) -> BTreeMap<&str, &Clause> {
        self.clauses.iter().map(|clause| (clause.name.as_str(), clause)).collect()
    }
}

/// A clause as text: its name, which no other clause of the terms has, and its fields.
struct Clause {
    name: String,
    fields: Vec<(String, String)>,
}

impl Clause {
    fn new(name: impl Into<String>) -> Clause {
        Clause { name: name.into(), fields: Vec::new() }
    }

    fn say(&mut self, field: impl Into<String>, value: impl Display) {
        self.fields.push((field.into(), value.to_string()));
    }

    fn say_if(&mut self, field: impl Into<String>, value: Option<impl Display>) {
        if let Some(value) = value {
            self.say(field, value);
        }
    }

    fn per_party<T: Display>(&mut self, field: &str, list: &[(Id, T)]) {
        for (party, value) in list {
            self.say(format!("{field}.{party}"), value);
        }
    }

    fn when(&mut self, when: &[Condition]) {
        for condition in when {
            self.say(format!("when.{}", condition.attribute), texts(&condition.patterns));
        }
    }
}

fn texts(values: &[Value]) -> String {
    joined(values.iter().map(|value| format!("{:?}", value.as_str())))
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

/// The terms as text, always with the same sections.
fn sections(terms: &TermsBody) -> Vec<Section> {
    let section = |list, order, clauses| Section { list, order, clauses };
    vec![
        section("agreement", Order::Written, vec![agreement(terms)]),
        section("parties", Order::Written, parties(terms)),
        section("base", Order::Written, vec![base(terms)]),
        section("deductions", Order::Written, deductions(terms)),
        section(
            "prices",
            Order::Counts,
            terms.prices.iter().map(|one| price(terms, one)).collect(),
        ),
        section("rules", Order::Counts, terms.rules.iter().map(rule).collect()),
        section("exclusivities", Order::Counts, exclusivities(terms)),
        section("contributions", Order::Counts, contributions(terms)),
        section("limits", Order::Written, vec![limits(terms)]),
        section("minimums", Order::Written, bounds("minimum", &terms.minimums)),
        section("caps", Order::Written, bounds("cap", &terms.caps)),
        section("splits", Order::Written, splits(terms)),
        section("advances", Order::Sorted, advances(terms)),
        section("payment", Order::Written, vec![payment(terms)]),
        section("windows", Order::Written, vec![windows(terms)]),
        section("attributes", Order::Written, vec![attributes(terms)]),
    ]
}

fn agreement(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("agreement");
    clause.say("title", &terms.title);
    clause.say("currency", terms.currency);
    clause.say("period", terms.period_length.as_str());
    clause.say("starts_on", terms.starts_on);
    clause.say_if("ends_on", terms.ends_on);
    clause.say("calculation", terms.calculation);
    clause.say("rounding.mode", terms.rounding.as_str());
    clause.say("rounding.carry", terms.carry);
    clause.say("meters", joined(terms.meters.iter().map(|meter| format!("{:?}", meter.as_str()))));
    clause
}

fn parties(terms: &TermsBody) -> Vec<Clause> {
    let party = |party: &Party| {
        let mut clause = Clause::new(format!("party {}", party.id));
        clause.say("role", party.role.as_str());
        clause.say("key", party.key);
        clause.say_if("recovery_key", party.recovery_key);
        clause
    };
    terms.parties.iter().map(party).collect()
}

fn base(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("base");
    clause.say("from", terms.base_from.as_str());
    clause.say("price_tolerance", terms.price_tolerance);
    clause
}

fn deductions(terms: &TermsBody) -> Vec<Clause> {
    let deduction = |deduction: &Deduction| {
        let mut clause = Clause::new(format!("deduction {}", deduction.kind));
        clause.say("kind", &deduction.kind);
        clause.say_if("cap", deduction.cap);
        clause
    };
    terms.deductions.iter().map(deduction).collect()
}

/// A price is known by all that says which lines it prices.
fn price(terms: &TermsBody, price: &Price) -> Clause {
    let mut name = format!("price {} from {}", price.meter, price.from);
    if price.currency != terms.currency {
        name.push_str(&format!(" in {}", price.currency));
    }
    for condition in &price.when {
        let patterns = texts(&condition.patterns);
        name.push_str(&format!(" for {} {patterns}", condition.attribute));
    }
    let mut clause = Clause::new(name);
    clause.say("unit", price.unit);
    clause.say("price", price.price);
    clause.say("currency", price.currency);
    clause
}

fn rule(rule: &Rule) -> Clause {
    let mut clause = Clause::new(format!("rule {}", rule.id));
    clause.say("id", &rule.id);
    clause.when(&rule.when);
    match &rule.pay {
        Pay::Flat(share) => clause.per_party("share", share),
        Pay::Tiered(tiers) => {
            clause.say("tiers.by", tiers.by.as_str());
            clause.say("tiers.over", tiers.over.as_str());
            clause.say("tiers.kind", tiers.kind.as_str());
            for (place, of) in tiers.steps.iter().enumerate() {
                step(&mut clause, place, of);
            }
        }
    }
    clause
}

fn step(clause: &mut Clause, place: usize, step: &Step) {
    let field = |name: &str| format!("steps[{place}].{name}");
    match step.bound {
        Some(bound) if bound.inclusive => clause.say(field("up_to"), bound.at),
        Some(bound) => clause.say(field("below"), bound.at),
        // The last step always says so much, however little is owed in it.
        None => clause.say(field("up_to"), "no bound"),
    }
    clause.per_party(&field("share"), &step.share);
    clause.per_party(&field("per_unit"), &step.per_unit);
    clause.per_party(&field("flat"), &step.flat);
}

fn exclusivities(terms: &TermsBody) -> Vec<Clause> {
    let one = |one: &Exclusivity| {
        let mut clause = Clause::new(format!("exclusivity {}", one.id));
        clause.when(&one.when);
        clause.say("from", one.from);
        clause.say_if("to", one.to);
        clause.per_party("add", &one.add);
        clause
    };
    terms.exclusivities.iter().map(one).collect()
}

fn contributions(terms: &TermsBody) -> Vec<Clause> {
    let one = |one: &ContributionClause| {
        let mut clause = Clause::new(format!("contribution {}", one.id));
        clause.say("by", &one.by);
        clause.when(&one.when);
        clause.per_party("add", &one.add);
        clause
    };
    terms.contributions.iter().map(one).collect()
}

fn limits(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("limits");
    clause.say_if("rate_floor", terms.rate_floor);
    clause.say_if("rate_ceiling", terms.rate_ceiling);
    clause
}

fn bounds(kind: &str, bounds: &[Bounded]) -> Vec<Clause> {
    let bound = |bound: &Bounded| {
        let mut clause = Clause::new(format!("{kind} {}/{}", bound.to, bound.over.as_str()));
        clause.say("amount", bound.amount);
        clause
    };
    bounds.iter().map(bound).collect()
}

fn splits(terms: &TermsBody) -> Vec<Clause> {
    let split = |split: &Split| {
        let mut clause = Clause::new(format!("split {}", split.of));
        for part in &split.parts {
            clause.say(format!("parts.{}", part.to), part.weight);
        }
        // Their order decides ties.
        clause.say("parts", joined(split.parts.iter().map(|part| part.to.to_string())));
        clause
    };
    terms.splits.iter().map(split).collect()
}

fn advances(terms: &TermsBody) -> Vec<Clause> {
    let advance = |party: &Id| {
        let mut clause = Clause::new(format!("advance {party}"));
        clause.say("to", party);
        clause
    };
    terms.advances.iter().map(advance).collect()
}

fn payment(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("payment");
    clause.say("due_days", terms.due_days);
    clause.say("minimum_payout", terms.minimum_payout);
    for (from, rate) in &terms.late_interest {
        clause.say(format!("late_interest from {from}"), rate);
    }
    for (party, withholding) in &terms.withholding {
        clause.say(format!("withholding.{party}.rate"), withholding.rate);
        clause.say(format!("withholding.{party}.gross_up"), withholding.gross_up);
    }
    clause
}

fn windows(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("windows");
    clause.say("report_due_days", terms.report_due_days);
    clause.say("objection_days", terms.objection_days);
    clause.say("proposal_lapse_days", terms.proposal_lapse_days);
    if let Some(dispute) = terms.dispute {
        clause.say("dispute.response_days", dispute.response_days);
        clause.say("dispute.on_silence", dispute.on_silence.as_str());
        clause.say("dispute.escalate_after_days", dispute.escalate_after_days);
    }
    if let Some(audit) = terms.audit {
        clause.say("audit.lookback_months", audit.lookback_months);
        clause.say("audit.cost_shift", audit.cost_shift);
        clause.say("audit.of", audit.of.as_str());
    }
    clause
}

fn attributes(terms: &TermsBody) -> Clause {
    let mut clause = Clause::new("attributes");
    for allowed in &terms.attributes {
        clause.say(allowed.attribute.as_str(), texts(&allowed.values));
    }
    clause
}

fn compare(old: &Section, new: &Section, changes: &mut Vec<Change>) {
    let (old_names, new_names) = (old.names(), new.names());
    if is_reordered(&old_names, &new_names, old.order) {
        changes.push(Change {
            clause: old.list.to_owned(),
            field: "order".to_owned(),
            before: Some(old_names.join(", ")),
            after: Some(new_names.join(", ")),
        });
    }
    let (before, after) = (old.by_name(), new.by_name());
    for name in merged(&old_names, &new_names) {
        let old = before.get(name).map_or(&[][..], |clause| clause.fields.as_slice());
        let new = after.get(name).map_or(&[][..], |clause| clause.fields.as_slice());
        compare_fields(name, old, new, changes);
    }
}

fn compare_fields(
    clause: &str,
    old: &[(String, String)],
    new: &[(String, String)],
    changes: &mut Vec<Change>,
) {
    fn by_name(fields: &[(String, String)]) -> BTreeMap<&str, &str> {
        fields.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect()
    }
    fn names(fields: &[(String, String)]) -> Vec<&str> {
        fields.iter().map(|(field, _)| field.as_str()).collect()
    }
    let (before, after) = (by_name(old), by_name(new));
    for field in merged(&names(old), &names(new)) {
        let (before, after) = (before.get(field), after.get(field));
        if before != after {
            changes.push(Change {
                clause: clause.to_owned(),
                field: field.to_owned(),
                before: before.map(|value| (*value).to_owned()),
                after: after.map(|value| (*value).to_owned()),
            });
        }
    }
}

/// Whether clauses that stay changed places, or a new one goes before one that stays.
fn is_reordered(old: &[&str], new: &[&str], order: Order) -> bool {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (old.iter().collect(), new.iter().collect());
    let stay = old.iter().filter(|name| after.contains(name));
    let moved = !new.iter().filter(|name| before.contains(name)).eq(stay.clone());
    let pushed = !new.iter().take(stay.count()).all(|name| before.contains(name));
    match order {
        Order::Sorted => false,
        Order::Written => moved,
        Order::Counts => moved || pushed,
    }
}

/// Every name once, in the order of the new list; one that is gone stands where it stood, after
/// the last one before it that stays.
pub(in crate::terms) fn merged<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<&'a str> {
    let after: BTreeSet<&str> = new.iter().copied().collect();
    let mut gone: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    let mut stays = None;
    for name in old {
        match after.contains(name) {
            true => stays = Some(*name),
            false => gone.entry(stays).or_default().push(*name),
        }
    }
    let mut merged = gone.remove(&None).unwrap_or_default();
    for name in new {
        merged.push(*name);
        merged.extend(gone.remove(&Some(*name)).unwrap_or_default());
    }
    merged
}
