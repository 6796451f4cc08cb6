//! Derivations as JSON: every operand as an exact string, so that the amount can be computed again
//! by hand.

use revshare_core::rating::RuleRating;
use revshare_core::rating::derivation::Operand;
use revshare_core::rating::derivation::Operation;
use revshare_core::rating::group::Group;
use revshare_core::terms::Measure;
use revshare_core::terms::Pay;
use revshare_core::terms::Terms;
use revshare_core::view::explain::Explanation;
use revshare_core::vocab::exact::of_amount;
use revshare_core::vocab::exact::to_text;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::EventRef;
use crate::render::json::money;
use crate::render::json::usage::NamedAmount;

/// `explain`.
#[derive(Serialize, JsonSchema)]
pub struct ExplainDocument {
    /// The point of the log.
    pub at: At,
    /// The period.
    pub period: String,
    /// The party.
    pub party: String,
    /// Settlement currency of every amount.
    pub currency: String,
    /// The day on which it is due.
    pub due_on: String,
    /// Digest of the terms.
    pub terms: String,
    /// Version of the calculation.
    pub calculation: u16,
    /// What the period comes to from the facts known now, in minor units.
    pub amount: String,
    /// What statements posted, all together.
    pub booked: String,
    /// What the next statement will post: amount minus booked.
    pub pending: String,
    /// What statements posted, one by one.
    pub postings: Vec<PostingDocument>,
    /// `half_even`, `half_up` or `down`.
    pub rounding: String,
    /// Fraction digits of the minor unit.
    pub digits: u32,
    /// Whether rounding differences are carried.
    pub carry: bool,
    /// Earned before and not yet rounded to a unit. Amount = rounding of carried_in + earned, up
    /// to the parity of all that was rounded before.
    pub carried_in: String,
    /// Exactly earned: the sum over rules.
    pub earned: String,
    /// The rules that have a part in it.
    pub rules: Vec<RuleDocument>,
    /// The reports in effect.
    pub reports: Vec<SourceDocument>,
}

/// What a statement posted.
#[derive(Serialize, JsonSchema)]
pub struct PostingDocument {
    /// The statement.
    pub statement: EventRef,
    /// The period of the statement.
    pub stated: String,
    /// The amount.
    pub amount: String,
    /// Whether it is a true-up.
    pub true_up: bool,
    /// For a true-up: what moved the period.
    pub causes: Vec<EventRef>,
}

/// A report in effect.
#[derive(Serialize, JsonSchema)]
pub struct SourceDocument {
    /// The report or correction.
    pub report: EventRef,
    /// For a correction: what it replaced.
    pub corrects: Option<EventRef>,
    /// Whether it adds to earlier ones.
    pub supplement: bool,
    /// Its lines.
    pub lines: u64,
}

/// What a rule came to.
#[derive(Serialize, JsonSchema)]
pub struct RuleDocument {
    /// The rule's id.
    pub rule: String,
    /// Exactly earned for the party.
    pub earned: String,
    /// For tiers: how the position moved.
    pub tier: Option<TierDocument>,
    /// The operations whose results add up to what was earned.
    pub operations: Vec<OperationDocument>,
    /// The lines that the rule rates, in the order in which they enter.
    pub groups: Vec<GroupDocument>,
    /// `groups[0]` if there is exactly one group, otherwise `null`.
    pub group: Option<GroupDocument>,
}

/// A tier's position over the period.
#[derive(Serialize, JsonSchema)]
pub struct TierDocument {
    /// `marginal` or `whole`.
    pub kind: String,
    /// What the position counts: `revenue` or a meter.
    pub by: String,
    /// What it counts over: `period`, `year` or `lifetime`.
    pub over: String,
    /// The position on entering.
    pub before: String,
    /// The position on leaving.
    pub after: String,
}

/// One operation. `earned` is `base` × `rate`, `units` × `price`, or ± `amount`.
#[derive(Serialize, JsonSchema)]
pub struct OperationDocument {
    /// `share`, `per-unit`, `flat`, `window-share` or `window-before`.
    pub operation: String,
    /// The step, from 1; 0 for a rule without steps.
    pub step: u64,
    /// The result.
    pub earned: String,
    /// The part of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The share that the step names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The rate: the share after floor and ceiling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// Where the stretch of positions begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where the stretch of positions ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// The amount per unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The flat amount; it is given back where `earned` is negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// The lines that a rule rates, summed exactly.
#[derive(Serialize, JsonSchema)]
pub struct GroupDocument {
    /// How many lines.
    pub lines: u64,
    /// Gross revenue.
    pub gross: String,
    /// Deductions and their bounds.
    pub deductions: Vec<DeductionDocument>,
    /// Gross minus what is deducted.
    pub base: String,
    /// Quantities by meter.
    pub meters: Vec<NamedAmount>,
}

/// A deduction and its bound.
#[derive(Serialize, JsonSchema)]
pub struct DeductionDocument {
    /// Its kind.
    pub kind: String,
    /// What the lines deduct.
    pub reported: String,
    /// The bound: cap × |gross|.
    pub bound: Option<String>,
    /// What is deducted.
    pub deducted: String,
}

impl ExplainDocument {
    /// A derivation as JSON.
    pub fn of(explanation: &Explanation, at: At) -> ExplainDocument {
        let rating = &explanation.rating;
        let version = &explanation.versions[explanation.versions.len() - 1].1;
        let terms = &version.terms;
        let currency = terms.currency;
        ExplainDocument {
            at,
            period: explanation.period.to_string(),
            party: explanation.party.to_string(),
            currency: currency.to_string(),
            due_on: explanation.due_on.to_string(),
            terms: version.digest.to_string(),
            calculation: terms.calculation,
            amount: money(rating.rounded, currency),
            booked: money(explanation.booked, currency),
            pending: money(explanation.pending, currency),
            postings: explanation
                .postings
                .iter()
                .map(|posting| PostingDocument {
                    statement: EventRef::of(&posting.statement),
                    stated: posting.stated.to_string(),
                    amount: money(posting.amount, currency),
                    true_up: posting.stated != explanation.period,
                    causes: posting.causes.iter().map(EventRef::of).collect(),
                })
                .collect(),
            rounding: terms.rounding.as_str().to_owned(),
            digits: currency.minor_digits(),
            carry: terms.carry,
            carried_in: to_text(&rating.carry_in),
            earned: to_text(&rating.earned),
            rules: explanation.rules.iter().map(|rule| rule_of(rule, explanation)).collect(),
            reports: explanation
                .reports
                .iter()
                .map(|source| SourceDocument {
                    report: EventRef::of(&source.report),
                    corrects: source.corrects.as_ref().map(EventRef::of),
                    supplement: source.supplement,
                    lines: source.lines,
                })
                .collect(),
        }
    }
}

fn rule_of(rule: &RuleRating, explanation: &Explanation) -> RuleDocument {
    let own = rule.operands.iter().filter(|operand| operand.party == explanation.party);
    let version = explanation.versions.iter().find(|(number, _)| *number == rule.version);
    let terms = version.map(|(_, version)| &version.terms);
    RuleDocument {
        rule: rule.rule.to_string(),
        earned: to_text(&rule.earned(&explanation.party)),
        tier: terms.and_then(|terms| tier_of(rule, terms)),
        operations: own.map(operation_of).collect(),
        groups: rule.groups.iter().map(group_of).collect(),
        group: match &rule.groups[..] {
            [only] => Some(group_of(only)),
            _ => None,
        },
    }
}

fn tier_of(rule: &RuleRating, terms: &Terms) -> Option<TierDocument> {
    let tier = rule.tier.as_ref()?;
    let clause = terms.rules.iter().find(|clause| clause.id == rule.rule)?;
    let Pay::Tiered(tiers) = &clause.pay else { return None };
    let by = match &tiers.by {
        Measure::Revenue => "revenue".to_owned(),
        Measure::Meter(meter) => meter.to_string(),
    };
    Some(TierDocument {
        kind: tier.kind.as_str().to_owned(),
        by,
        over: tiers.over.as_str().to_owned(),
        before: to_text(&tier.before),
        after: to_text(&tier.after),
    })
}

fn operation_of(operand: &Operand) -> OperationDocument {
    let mut document = OperationDocument {
        operation: String::new(),
        step: operand.step as u64,
        earned: to_text(&operand.earned),
        base: None,
        share: None,
        rate: None,
        from: None,
        to: None,
        units: None,
        price: None,
        amount: None,
    };
    let name = match &operand.what {
        Operation::Share { base, rate, stretch } => {
            document.base = Some(to_text(base));
            document.share = Some(rate.share.to_string());
            document.rate = Some(to_text(&rate.rate));
            document.from = stretch.as_ref().map(|(from, _)| to_text(from));
            document.to = stretch.as_ref().map(|(_, to)| to_text(to));
            "share"
        }
        Operation::WindowShare { base, rate, .. } => {
            document.base = Some(to_text(base));
            document.share = Some(rate.share.to_string());
            document.rate = Some(to_text(&rate.rate));
            "window-share"
        }
        Operation::PerUnit { units, price } => {
            document.units = Some(to_text(units));
            document.price = Some(to_text(&of_amount(price)));
            "per-unit"
        }
        Operation::Flat { amount, .. } => {
            document.amount = Some(to_text(&of_amount(amount)));
            "flat"
        }
        Operation::WindowBefore => "window-before",
    };
    document.operation = name.to_owned();
    document
}

fn group_of(group: &Group) -> GroupDocument {
    let deductions = group.deductions.iter().map(|deduction| DeductionDocument {
        kind: deduction.kind.to_string(),
        reported: to_text(&deduction.reported),
        bound: deduction.bound.as_ref().map(to_text),
        deducted: to_text(&deduction.deducted),
    });
    let meters = group
        .meters
        .iter()
        .map(|(name, quantity)| NamedAmount { name: name.to_string(), amount: to_text(quantity) });
    GroupDocument {
        lines: group.lines,
        gross: to_text(&group.gross),
        deductions: deductions.collect(),
        base: to_text(&group.base),
        meters: meters.collect(),
    }
}
