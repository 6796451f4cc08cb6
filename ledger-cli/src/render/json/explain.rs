//! Derivations as JSON: every operand as an exact string, so that the amount can be computed again
//! by hand.

use revshare_core::rating::RuleRating;
use revshare_core::rating::derivation::Capped;
use revshare_core::rating::derivation::Operand;
use revshare_core::rating::derivation::Operation;
use revshare_core::rating::derivation::Part;
use revshare_core::rating::derivation::PointedRate;
use revshare_core::rating::derivation::TopUp;
use revshare_core::rating::group::Group;
use revshare_core::terms::Measure;
use revshare_core::terms::Pay;
use revshare_core::terms::Terms;
use revshare_core::terms::Version;
use revshare_core::view::explain::Explanation;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Exact;
use revshare_core::vocab::Id;
use revshare_core::vocab::exact::of_amount;
use revshare_core::vocab::exact::to_text;
use revshare_core::vocab::to_u64;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::explain::Derivation;
use crate::render::json::At;
use crate::render::json::EventRef;
use crate::render::json::dispute::AdoptedDocument;
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
    /// Settlement currency of every amount that names no other.
    pub currency: String,
    /// The day on which it is due.
    pub due_on: String,
    /// Digest of the terms that settle the period: rounding, caps, guarantees, splits.
    pub terms: String,
    /// Version of the calculation.
    pub calculation: u16,
    /// The versions of the terms that had a part in it: those in force on its days, and the one
    /// that settles it.
    pub versions: Vec<VersionDocument>,
    /// What the period comes to from the facts known now, in minor units: the sum of `parts`, and
    /// of `own` unless that is divided.
    pub amount: String,
    /// The dispute that adopted the amount; `null` if none did.
    pub adopted: Option<AdoptedDocument>,
    /// What the calculation comes to, where a dispute adopted another amount.
    pub computed: Option<String>,
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
    /// What the party's own amount comes from.
    #[serde(flatten)]
    pub chain: ChainDocument,
    /// How the party's own amount is divided, in the order of the terms; empty if it is not.
    pub split: Vec<PartDocument>,
    /// The parts of divided amounts that the party gets.
    pub parts: Vec<PartDocument>,
    /// What the amounts of other parties come from that are divided.
    pub pools: Vec<PoolDocument>,
    /// The conversion rates of the period.
    pub rates: Vec<RateUsedDocument>,
    /// The reports in effect.
    pub reports: Vec<SourceDocument>,
}

/// From rules to a party's own amount.
#[derive(Serialize, JsonSchema)]
pub struct ChainDocument {
    /// Earned before and not yet rounded to a unit. `rounded` = rounding of carried_in + earned,
    /// up to the parity of all that was rounded before.
    pub carried_in: String,
    /// Exactly earned: the sum over rules.
    pub earned: String,
    /// Earned, in minor units.
    pub rounded: String,
    /// What caps did to it, in their order.
    pub caps: Vec<CappedDocument>,
    /// What guarantees added behind the caps, in their order.
    pub top_ups: Vec<TopUpDocument>,
    /// After caps and guarantees.
    pub own: String,
    /// The rules that have a part in it, by stretch of days and then in the order of the terms.
    pub rules: Vec<RuleDocument>,
}

/// Where another party's amount comes from, of which a part goes to this one.
#[derive(Serialize, JsonSchema)]
pub struct PoolDocument {
    /// The party whose amount is divided.
    pub of: String,
    /// What it comes from.
    #[serde(flatten)]
    pub chain: ChainDocument,
}

/// A version of the terms that had a part in an amount.
#[derive(Serialize, JsonSchema)]
pub struct VersionDocument {
    /// Its number, from 0 for the terms that the ledger was opened with.
    pub version: u64,
    /// The record that brought it.
    pub seq: u64,
    /// The event that brought it.
    pub event: String,
    /// The first usage day that it rates.
    pub effective_from: String,
    /// Digest of the terms.
    pub terms: String,
}

/// What a cap did.
#[derive(Serialize, JsonSchema)]
pub struct CappedDocument {
    /// What it counts over: `period`, `year` or `lifetime`.
    pub over: String,
    /// The cap; `null` if only what an earlier cap had cut is taken back first.
    pub cap: Option<String>,
    /// What the window kept before.
    pub kept: String,
    /// What went in.
    pub before: String,
    /// What came out.
    pub after: String,
}

/// What a guarantee added, in the last period of its window.
#[derive(Serialize, JsonSchema)]
pub struct TopUpDocument {
    /// What it counts over: `period`, `year` or `lifetime`.
    pub over: String,
    /// The guarantee as the terms have it.
    pub amount: String,
    /// Days of the agreement in the window.
    pub days: i32,
    /// Days of the window.
    pub days_of_window: i32,
    /// amount × days / days_of_window, rounded.
    pub guarantee: String,
    /// What the party got in the window without it.
    pub got: String,
    /// What is added: guarantee − got, if positive.
    pub added: String,
}

/// A part of a divided amount: amount × weight / weights, in whole minor units.
#[derive(Serialize, JsonSchema)]
pub struct PartDocument {
    /// The party whose amount is divided.
    pub of: String,
    /// Who gets the part.
    pub to: String,
    /// Its weight.
    pub weight: String,
    /// All weights together.
    pub weights: String,
    /// What it comes to.
    pub amount: String,
}

/// A conversion rate.
#[derive(Serialize, JsonSchema)]
pub struct RateUsedDocument {
    /// The foreign currency.
    pub currency: String,
    /// Units of the settlement currency for one unit of it.
    pub rate: String,
    /// The event that proposed it.
    pub source: EventRef,
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
    /// Its lines; those that a dispute adopted, if one did.
    pub lines: u64,
    /// The dispute that adopted them; `null` if none did.
    pub adopted: Option<AdoptedDocument>,
}

/// What a rule came to in a stretch of the period under one version of the terms.
#[derive(Serialize, JsonSchema)]
pub struct RuleDocument {
    /// The rule's id.
    pub rule: String,
    /// The stretch of the period, from 0.
    pub stretch: u64,
    /// Its first day.
    pub from: String,
    /// The first day after it.
    pub to: String,
    /// The number of the version of the terms in force.
    pub version: u64,
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
#[derive(Serialize, JsonSchema, Default)]
pub struct OperationDocument {
    /// `share`, `per-unit`, `flat`, `window-share` or `window-before`.
    pub operation: String,
    /// The step, from 1; 0 for a rule without steps.
    pub step: u64,
    /// The result.
    pub earned: String,
    /// The lines that are rated, by their position in `groups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<u64>,
    /// The part of the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The share that the step names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// Points by exclusivity or contribution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<PointsDocument>,
    /// The lowest rate of the terms, if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_floor: Option<String>,
    /// The highest rate of the terms, if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_ceiling: Option<String>,
    /// The rate: share + points, after floor and ceiling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// For a whole window: the version of the terms whose points and limits hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// For a whole window: the exclusivities and contributions of the lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<String>,
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

/// Points that a modifier adds to a rate.
#[derive(Serialize, JsonSchema)]
pub struct PointsDocument {
    /// The exclusivity or contribution.
    pub id: String,
    /// The points; negative ones lower the rate.
    pub points: String,
}

/// Lines that are rated alike, summed exactly, in their own currency.
#[derive(Serialize, JsonSchema)]
pub struct GroupDocument {
    /// How many lines.
    pub lines: u64,
    /// The currency of the lines.
    pub currency: String,
    /// The exclusivities and contributions in force, in the order of the terms.
    pub modifiers: Vec<String>,
    /// Gross revenue: as reported, or quantities times the price list.
    pub gross: String,
    /// Where gross comes from the price list: what was reported.
    pub reported_gross: Option<String>,
    /// Deductions and their bounds.
    pub deductions: Vec<DeductionDocument>,
    /// Gross minus what is deducted.
    pub base: String,
    /// The conversion rate; `null` for the settlement currency.
    pub rate: Option<String>,
    /// The base in the settlement currency.
    pub converted: String,
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
    pub fn of(derivation: &Derivation, at: At) -> ExplainDocument {
        let explanation = &derivation.explanation;
        let rating = &explanation.rating;
        let terms = derivation.terms();
        let currency = terms.currency;
        let part = |part: &Part| PartDocument {
            of: part.of.to_string(),
            to: part.to.to_string(),
            weight: part.weight.to_string(),
            weights: to_text(&part.weights),
            amount: money(part.amount, currency),
        };
        let pool = |pool: &Explanation| PoolDocument {
            of: pool.party.to_string(),
            chain: ChainDocument::of(pool, currency),
        };
        ExplainDocument {
            at,
            period: explanation.period.to_string(),
            party: explanation.party.to_string(),
            currency: currency.to_string(),
            due_on: explanation.due_on.to_string(),
            terms: derivation.settling.digest.to_string(),
            calculation: terms.calculation,
            versions: derivation.versions().into_iter().map(version_of).collect(),
            amount: money(rating.amount, currency),
            adopted: explanation.adopted.as_ref().map(AdoptedDocument::of),
            computed: rating.computed.map(|computed| money(computed, currency)),
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
            chain: ChainDocument::of(explanation, currency),
            split: rating.split.iter().map(part).collect(),
            parts: rating.parts.iter().map(part).collect(),
            pools: derivation.pools.iter().map(pool).collect(),
            rates: derivation
                .rates
                .iter()
                .map(|(used, rate, source)| RateUsedDocument {
                    currency: used.to_string(),
                    rate: rate.to_string(),
                    source: EventRef::of(source),
                })
                .collect(),
            reports: explanation
                .reports
                .iter()
                .map(|source| SourceDocument {
                    report: EventRef::of(&source.report),
                    corrects: source.corrects.as_ref().map(EventRef::of),
                    supplement: source.supplement,
                    lines: source.lines,
                    adopted: source.adopted.as_ref().map(AdoptedDocument::of),
                })
                .collect(),
        }
    }
}

impl ChainDocument {
    fn of(explanation: &Explanation, currency: Currency) -> ChainDocument {
        let rating = &explanation.rating;
        let text = |amount| money(amount, currency);
        let capped = |one: &Capped| CappedDocument {
            over: one.over.as_str().to_owned(),
            cap: one.cap.map(text),
            kept: text(one.kept),
            before: text(one.before),
            after: text(one.after),
        };
        let top_up = |one: &TopUp| TopUpDocument {
            over: one.over.as_str().to_owned(),
            amount: text(one.amount),
            days: one.days.0,
            days_of_window: one.days.1,
            guarantee: text(one.guarantee),
            got: text(one.got),
            added: text(one.added),
        };
        ChainDocument {
            carried_in: to_text(&rating.carry_in),
            earned: to_text(&rating.earned),
            rounded: text(rating.rounded),
            caps: rating.caps.iter().map(capped).collect(),
            top_ups: rating.top_ups.iter().map(top_up).collect(),
            own: text(rating.own),
            rules: explanation.rules.iter().map(|rule| rule_of(rule, explanation)).collect(),
        }
    }
}

fn version_of((number, version): &(usize, Version)) -> VersionDocument {
    VersionDocument {
        version: to_u64(*number),
        seq: version.seq,
        event: version.event.to_string(),
        effective_from: version.effective_from.to_string(),
        terms: version.digest.to_string(),
    }
}

fn rule_of(rule: &RuleRating, explanation: &Explanation) -> RuleDocument {
    let own = rule.operands.iter().filter(|operand| operand.party == explanation.party);
    let terms = |number: usize| {
        let found = explanation.versions.iter().find(|(known, _)| *known == number);
        found.map(|(_, version)| &version.terms)
    };
    let groups = || rule.groups.iter().map(group_of);
    RuleDocument {
        rule: rule.rule.to_string(),
        stretch: to_u64(rule.stretch),
        from: rule.days.0.to_string(),
        to: rule.days.1.to_string(),
        version: to_u64(rule.version),
        earned: to_text(&rule.earned(&explanation.party)),
        tier: terms(rule.version).and_then(|terms| tier_of(rule, terms)),
        operations: own.map(|operand| operation_of(operand, rule.version, terms)).collect(),
        groups: groups().collect(),
        group: groups().next().filter(|_| rule.groups.len() == 1),
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

impl OperationDocument {
    fn rated(&mut self, rate: &PointedRate, terms: Option<&Terms>) {
        let points = |(id, points): &(Id, Exact)| PointsDocument {
            id: id.to_string(),
            points: to_text(points),
        };
        self.share = Some(rate.share.to_string());
        self.points = rate.points.iter().map(points).collect();
        self.rate_floor = terms.and_then(|terms| terms.rate_floor).map(|rate| rate.to_string());
        self.rate_ceiling = terms.and_then(|terms| terms.rate_ceiling).map(|rate| rate.to_string());
        self.rate = Some(to_text(&rate.rate));
    }
}

fn operation_of<'a>(
    operand: &Operand,
    version: usize,
    terms: impl Fn(usize) -> Option<&'a Terms>,
) -> OperationDocument {
    let mut document = OperationDocument {
        step: to_u64(operand.step),
        earned: to_text(&operand.earned),
        group: operand.group.map(to_u64),
        ..OperationDocument::default()
    };
    let name = match &operand.what {
        Operation::Share { base, rate, stretch } => {
            document.base = Some(to_text(base));
            document.rated(rate, terms(version));
            document.from = stretch.as_ref().map(|(from, _)| to_text(from));
            document.to = stretch.as_ref().map(|(_, to)| to_text(to));
            "share"
        }
        Operation::WindowShare { version, modifiers, base, rate } => {
            document.base = Some(to_text(base));
            document.rated(rate, terms(*version));
            document.version = Some(to_u64(*version));
            document.modifiers = modifiers.iter().map(|id| id.to_string()).collect();
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
        currency: group.currency.to_string(),
        modifiers: group.modifiers.iter().map(|id| id.to_string()).collect(),
        gross: to_text(&group.gross),
        reported_gross: group.reported.as_ref().map(to_text),
        deductions: deductions.collect(),
        base: to_text(&group.base),
        rate: group.rate.map(|rate| rate.to_string()),
        converted: to_text(&group.converted),
        meters: meters.collect(),
    }
}
