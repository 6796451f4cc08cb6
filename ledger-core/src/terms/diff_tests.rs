//! Whatever differs between two versions of the terms is a change.

use proptest::prelude::any;
use proptest::proptest;

use crate::intake::testing::sound_terms;
use crate::intake::testing_clauses::random_terms;
use crate::intake::testing_clauses::whole_terms;
use crate::terms::body::AuditBase;
use crate::terms::body::AuditClause;
use crate::terms::body::BaseFrom;
use crate::terms::body::Bound;
use crate::terms::body::DisputeWindows;
use crate::terms::body::Measure;
use crate::terms::body::OnSilence;
use crate::terms::body::Pay;
use crate::terms::body::Role;
use crate::terms::body::Rule;
use crate::terms::body::SplitPart;
use crate::terms::body::TermsBody;
use crate::terms::body::TierKind;
use crate::terms::body::Tiers;
use crate::terms::body::Window;
use crate::terms::diff::Change;
use crate::terms::diff::diff;
use crate::terms::diff::merged;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::PeriodLength;
use crate::vocab::Rate;
use crate::vocab::Rounding;
use crate::vocab::Text;
use crate::vocab::Value;

/// What changing the whole terms in this way changes, as `clause: field`.
fn changed(change: impl FnOnce(&mut TermsBody)) -> Vec<String> {
    let old = whole_terms();
    let mut new = old.clone();
    change(&mut new.0);
    let there = diff(&old, &new);
    let back = diff(&new, &old);
    let turned = |one: &Change| (one.after.clone(), one.before.clone());
    // A clause put before others is a change of order; one that is gone is not.
    for change in there.iter().filter(|change| change.field != "order") {
        let same = |one: &&Change| one.clause == change.clause && one.field == change.field;
        let back = back.iter().find(same).expect("what changes, changes back");
        assert_eq!(turned(back), (change.before.clone(), change.after.clone()));
        assert_ne!(change.before, change.after);
    }
    there.into_iter().map(|one| format!("{}: {}", one.clause, one.field)).collect()
}

#[track_caller]
fn one(expected: &str, change: impl FnOnce(&mut TermsBody)) {
    assert_eq!(changed(change), [expected]);
}

fn tiers(body: &mut TermsBody) -> &mut Tiers {
    match &mut body.rules[1].pay {
        Pay::Tiered(tiers) => tiers,
        Pay::Flat(_) => panic!("the rule has tiers"),
    }
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).expect("an amount")
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).expect("a rate")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn value(text: &str) -> Value {
    Value::parse(text).expect("a value")
}

fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

#[test]
fn every_field_that_changes_is_a_change() {
    one("agreement: title", |t| t.title = Text::parse("Other").expect("a text"));
    one("agreement: period", |t| t.period_length = PeriodLength::Quarter);
    one("agreement: starts_on", |t| t.starts_on = t.starts_on.plus_days(1));
    one("agreement: ends_on", |t| t.ends_on = None);
    one("agreement: calculation", |t| t.calculation = 2);
    one("agreement: rounding.mode", |t| t.rounding = Rounding::Down);
    one("agreement: rounding.carry", |t| t.carry = false);
    one("agreement: meters", |t| t.meters.swap(0, 1));
    one("party meta: role", |t| t.parties[0].role = Role::Beneficiary);
    one("party meta: key", |t| t.parties[0].key = t.parties[2].key);
    one("party acme-cloud: recovery_key", |t| t.parties[1].recovery_key = None);
    one("parties: order", |t| t.parties.swap(0, 1));
    one("base: from", |t| t.base_from = BaseFrom::Gross);
    one("base: price_tolerance", |t| t.price_tolerance = rate("0.02"));
    one("deduction refunds: cap", |t| t.deductions[0].cap = Some(rate("0")));
    one("deductions: order", |t| t.deductions.swap(0, 1));
    let price = "price input_tokens from 2026-01-01 for model [\"llama-3*\"]";
    one(&format!("{price}: unit"), |t| t.prices[0].unit = amount("2"));
    one(&format!("{price}: price"), |t| t.prices[0].price = amount("2"));
    one("prices: order", |t| t.prices.swap(0, 1));
    one("rules: order", |t| t.rules.swap(0, 2));
    one("rule moderation: when.model", |t| t.rules[0].when[1].patterns[0] = value("x"));
    one("rule moderation: when.territory", |t| t.rules[0].when[2].patterns.swap(0, 1));
    one("rule metered: tiers.by", |t| tiers(t).by = Measure::Meter(name("input_tokens")));
    one("rule metered: tiers.over", |t| tiers(t).over = Window::Lifetime);
    one("rule metered: tiers.kind", |t| tiers(t).kind = TierKind::Marginal);
    one("rule metered: steps[0].below", |t| {
        tiers(t).steps[0].bound = Some(Bound { at: amount("99"), inclusive: false });
    });
    one("rule metered: steps[0].per_unit.meta", |t| {
        tiers(t).steps[0].per_unit[0].1 = amount("11");
    });
    one("rule metered: steps[1].flat.lab", |t| tiers(t).steps[1].flat[0].1 = amount("3"));
    one("rule metered: steps[1].share.lab", |t| {
        tiers(t).steps[1].share.push((id("lab"), rate("0")));
    });
    one("exclusivities: order", |t| t.exclusivities.swap(0, 1));
    let when = "exclusivity eu-search: when.territory";
    one(when, |t| t.exclusivities[0].when[1].patterns.push(value("UK")));
    one("exclusivity eu-search: from", |t| t.exclusivities[0].from = t.starts_on);
    one("exclusivity eu-search: to", |t| t.exclusivities[0].to = None);
    one("exclusivity for-ever: add.meta", |t| t.exclusivities[1].add[0].1 = rate("0"));
    one("contribution safety-tuning: by", |t| t.contributions[0].by = id("lab"));
    one("contribution safety-tuning: when.model", |t| t.contributions[0].when.clear());
    one("contribution safety-tuning: add.meta", |t| t.contributions[0].add.clear());
    one("limits: rate_floor", |t| t.rate_floor = None);
    one("limits: rate_ceiling", |t| t.rate_ceiling = Some(rate("1")));
    one("minimum meta/year: amount", |t| t.minimums[0].amount = amount("1"));
    one("minimums: order", |t| t.minimums.swap(0, 1));
    one("cap lab/lifetime: amount", |t| t.caps[0].amount = amount("1"));
    one("split meta: parts.lab", |t| t.splits[0].parts[1].weight = amount("1"));
    one("split meta: parts", |t| t.splits[0].parts.swap(0, 1));
    one("payment: due_days", |t| t.due_days = 1);
    one("payment: minimum_payout", |t| t.minimum_payout = amount("1"));
    one("payment: late_interest from 2027-01-01", |t| t.late_interest[1].1 = rate("0"));
    one("payment: withholding.meta.rate", |t| t.withholding[1].1.rate = rate("0"));
    one("payment: withholding.lab.gross_up", |t| t.withholding[0].1.gross_up = true);
    one("windows: report_due_days", |t| t.report_due_days = 1);
    one("windows: objection_days", |t| t.objection_days = 1);
    one("windows: proposal_lapse_days", |t| t.proposal_lapse_days = 1);
    let dispute = |t: &mut TermsBody| t.dispute.take().expect("a dispute");
    one("windows: dispute.response_days", |t| {
        t.dispute = Some(DisputeWindows { response_days: 1, ..dispute(t) });
    });
    one("windows: dispute.on_silence", |t| {
        let on_silence = OnSilence::Accept;
        t.dispute = Some(DisputeWindows { on_silence, ..dispute(t) });
    });
    one("windows: dispute.escalate_after_days", |t| {
        t.dispute = Some(DisputeWindows { escalate_after_days: 1, ..dispute(t) });
    });
    let audit = |t: &mut TermsBody| t.audit.take().expect("an audit");
    one("windows: audit.lookback_months", |t| {
        t.audit = Some(AuditClause { lookback_months: 1, ..audit(t) });
    });
    one("windows: audit.cost_shift", |t| {
        t.audit = Some(AuditClause { cost_shift: rate("0"), ..audit(t) });
    });
    one("windows: audit.of", |t| {
        t.audit = Some(AuditClause { of: AuditBase::Due, ..audit(t) });
    });
    one("attributes: application", |t| drop(t.attributes[0].values.remove(0)));
    // Should this no longer compile, a field of the terms is new: let a line above change it.
    let TermsBody {
        title: _,
        currency: _,
        period_length: _,
        starts_on: _,
        ends_on: _,
        calculation: _,
        rounding: _,
        carry: _,
        meters: _,
        parties: _,
        deductions: _,
        rules: _,
        rate_floor: _,
        rate_ceiling: _,
        due_days: _,
        minimum_payout: _,
        report_due_days: _,
        attributes: _,
        base_from: _,
        price_tolerance: _,
        prices: _,
        exclusivities: _,
        contributions: _,
        minimums: _,
        caps: _,
        splits: _,
        advances: _,
        withholding: _,
        late_interest: _,
        objection_days: _,
        proposal_lapse_days: _,
        dispute: _,
        audit: _,
    } = whole_terms().0;
}

#[test]
fn what_a_clause_is_known_by_makes_it_another_one() {
    let currency = changed(|t| t.currency = Currency::parse("JPY").expect("a currency"));
    assert_eq!(currency[0], "agreement: currency");
    for change in [
        changed(|t| t.prices[0].from = t.starts_on),
        changed(|t| t.prices[0].meter = name("requests")),
        changed(|t| t.prices[0].when.clear()),
        changed(|t| t.rules[0].id = id("other")),
        changed(|t| t.exclusivities[0].id = id("other")),
        changed(|t| t.contributions[0].id = id("other")),
        changed(|t| t.caps[0].over = Window::Period),
        changed(|t| t.minimums[0].to = id("lab")),
        changed(|t| t.splits[0].of = id("lab")),
        changed(|t| t.advances[0] = id("lab")),
        changed(|t| t.parties[0].id = id("other")),
        changed(|t| t.deductions[0].kind = name("fees")),
        changed(|t| t.late_interest[0].0 = t.starts_on),
        changed(|t| t.withholding[0].0 = id("aaa")),
        changed(|t| t.attributes[0].attribute = name("model")),
    ] {
        assert!(change.len() >= 2, "one is gone, the other new: {change:?}");
    }
    one("advance lab: to", |t| t.advances.insert(0, id("lab")));
    let part = SplitPart { to: id("aaa"), weight: amount("1") };
    let parts = changed(|t| t.splits[0].parts.push(part));
    assert_eq!(parts, ["split meta: parts.aaa", "split meta: parts"]);
    assert_eq!(changed(|t| t.dispute = None).len(), 3);
    assert_eq!(changed(|t| t.audit = None).len(), 3);
}

#[test]
fn changes_say_what_was_and_what_is() {
    let old = whole_terms();
    let mut new = old.clone();
    new.0.rules.remove(0);
    new.0.caps[0].amount = amount("7");
    let changes = diff(&old, &new);
    let shown: Vec<(&str, &str, Option<&str>, Option<&str>)> = changes
        .iter()
        .map(|one| {
            let (before, after) = (one.before.as_deref(), one.after.as_deref());
            (one.clause.as_str(), one.field.as_str(), before, after)
        })
        .collect();
    let rule = "rule moderation";
    assert_eq!(
        shown,
        [
            (rule, "id", Some("moderation"), None),
            (rule, "when.application", Some("[\"content_moderation\"]"), None),
            (rule, "when.model", Some("[\"llama-3*\"]"), None),
            (rule, "when.territory", Some("[\"EU\", \"UK\"]"), None),
            (rule, "share.lab", Some("0.03"), None),
            (rule, "share.meta", Some("0.12"), None),
            ("cap lab/lifetime", "amount", Some("5000000"), Some("7")),
        ]
    );
}

#[test]
fn a_rule_put_before_others_is_a_change_of_order() {
    let old = whole_terms();
    let with = |place: usize| {
        let mut new = old.clone();
        let rule = Rule { id: id("new"), ..old.rules[0].clone() };
        new.0.rules.insert(place, rule);
        diff(&old, &new)
    };
    let order = &with(1)[0];
    assert_eq!((order.clause.as_str(), order.field.as_str()), ("rules", "order"));
    let after = "rule moderation, rule new, rule metered, rule everything-else";
    assert_eq!(order.after.as_deref(), Some(after));
    assert!(with(3).iter().all(|change| change.clause == "rule new" && change.before.is_none()));
}

#[test]
fn changes_stand_in_the_order_of_the_file() {
    let whole = whole_terms();
    let changes = diff(&sound_terms(), &whole);
    let mut clauses: Vec<&str> =
        changes.iter().map(|one| one.clause.split(' ').next().unwrap_or_default()).collect();
    clauses.dedup();
    assert_eq!(
        clauses,
        [
            "base",
            "price",
            "exclusivity",
            "contribution",
            "minimum",
            "cap",
            "split",
            "advance",
            "payment",
            "windows"
        ]
    );
    // What is gone stands where it stood.
    let (old, new) = (["a", "b", "c", "d"], ["x", "b", "d", "y"]);
    assert_eq!(merged(&old, &new), ["a", "x", "b", "c", "d", "y"]);
}

proptest! {
    #[test]
    fn only_equal_terms_have_no_difference(one in any::<u64>(), other in any::<u64>()) {
        let (one, other) = (random_terms(one), random_terms(other));
        assert_eq!(diff(&one, &one), []);
        assert_eq!(diff(&one, &other).is_empty(), one == other);
    }
}
