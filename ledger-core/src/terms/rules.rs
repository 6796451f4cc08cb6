//! Judges the rules of a draft: conditions, shares, tiers and steps.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "rates and points are below 10^15 each, and terms hold a few hundred"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::limits::PATTERNS_MAX;
use crate::limits::RULES_MAX;
use crate::limits::STEP_AMOUNT_MAX;
use crate::limits::STEPS_MAX;
use crate::terms::body::Bound;
use crate::terms::body::Condition;
use crate::terms::body::Measure;
use crate::terms::body::Pay;
use crate::terms::body::Role;
use crate::terms::body::Rule;
use crate::terms::body::Step;
use crate::terms::body::Tiers;
use crate::terms::draft::At;
use crate::terms::draft::DraftMeasure;
use crate::terms::draft::DraftRule;
use crate::terms::draft::DraftStep;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::DraftTiers;
use crate::terms::draft::Field;
use crate::terms::draft::PerAttribute;
use crate::terms::draft::PerParty;
use crate::terms::judge::Attributes;
use crate::terms::judge::ClauseIds;
use crate::terms::judge::Judge;
use crate::terms::points::PartyPoints;
use crate::terms::points::Points;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;
use crate::vocab::exact;
use crate::vocab::exact::Sum;

/// What the rest of the terms declares, for rules to refer to.
pub(in crate::terms) struct Declared<'a> {
    /// The parties whose id and role are known.
    pub(in crate::terms) roles: BTreeMap<Id, Role>,
    /// Whether there are no other parties.
    pub(in crate::terms) roles_complete: bool,
    /// The declared meters.
    pub(in crate::terms) meters: BTreeSet<&'a Name>,
    /// Whether there are no other meters.
    pub(in crate::terms) meters_complete: bool,
    /// Lowest rate.
    pub(in crate::terms) rate_floor: Option<Rate>,
    /// Highest rate.
    pub(in crate::terms) rate_ceiling: Option<Rate>,
    /// What exclusivities and contributions add.
    pub(in crate::terms) points: Points<'a>,
}

impl Declared<'_> {
    /// A rate within floor and ceiling, all in units of 10^-12.
    fn clamped(&self, rate: i128) -> i128 {
        let raised = self.rate_floor.map_or(rate, |floor| rate.max(scaled(floor)));
        self.rate_ceiling.map_or(raised, |ceiling| raised.min(scaled(ceiling)))
    }
}

/// Judges all rules; those that are complete are returned in their order.
pub(in crate::terms) fn check<'a>(
    judge: &mut Judge,
    draft: &'a DraftTerms,
    declared: &Declared,
    known: &mut Attributes,
    ids: &mut ClauseIds<'a>,
) -> Vec<Rule> {
    let Some((drafts, at)) = judge.required(&draft.rules, &At::default(), "[[rule]]") else {
        return Vec::new();
    };
    judge.at_most(at, "rules", drafts.len(), RULES_MAX);
    if drafts.is_empty() {
        judge.refuse(
            at,
            Code::TermsMissing,
            "the terms have no rule",
            "add a [[rule]]: it says whose share is how much",
        );
    }
    let mut rules = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let id = judge.required(&draft.id, &draft.at, "id");
        if let Some((id, at)) = id {
            ids.admit(judge, "rule", id, at);
        }
        let when = conditions(judge, &draft.when, declared, known);
        let pay = pay(judge, draft, declared, &declared.points.on(&when));
        if let (Some((id, _)), Some(pay)) = (id, pay) {
            rules.push(Rule { id: id.clone(), when, pay });
        }
    }
    rules
}

/// Judges conditions; returns them sorted by attribute.
pub(in crate::terms) fn conditions(
    judge: &mut Judge,
    when: &PerAttribute,
    declared: &Declared,
    known: &mut Attributes,
) -> Vec<Condition> {
    let Some((entries, _)) = judge.optional(when) else {
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut conditions = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = judge.optional(&entry.key);
        if let Some((name, at)) = name {
            known.admit(judge, &declared.meters, name, at);
            if !seen.insert(name) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("there are two conditions on `{name}`"),
                    "list all patterns of an attribute together",
                );
            }
        }
        let Some((drafts, at)) = judge.optional(&entry.value) else {
            continue;
        };
        judge.at_most(at, "patterns", drafts.len(), PATTERNS_MAX);
        if drafts.is_empty() {
            judge.refuse(
                at,
                Code::TermsLimits,
                "there is no pattern",
                "list at least one pattern, or leave the condition out to match everything",
            );
        }
        let patterns = drafts
            .iter()
            .filter_map(|draft| judge.optional(draft).map(|(pattern, _)| pattern.clone()))
            .collect();
        if let Some((name, _)) = name {
            conditions.push(Condition { attribute: name.clone(), patterns });
        }
    }
    conditions.sort_by(|a, b| a.attribute.cmp(&b.attribute));
    conditions
}

fn pay(
    judge: &mut Judge,
    draft: &DraftRule,
    declared: &Declared,
    points: &PartyPoints,
) -> Option<Pay> {
    let tiered = !draft.tiers.is_missing() || !draft.steps.is_missing();
    let share = shares(judge, &draft.share, declared, points);
    if !tiered {
        if draft.share.is_missing() {
            judge.refuse(
                &draft.at,
                Code::TermsMissing,
                format!("`{}` has neither `share` nor `tiers`", draft.at.path),
                "add `share = { party = \"0.10\" }`, or `tiers` and `steps`",
            );
        }
        return Some(Pay::Flat(share));
    }
    if let Some(at) = draft.share.place() {
        judge.refuse(
            at,
            Code::TermsSteps,
            "the rule has both a `share` and tiers",
            "a rule has either `share`, or `tiers` and `steps`: move the share into the steps",
        );
    }
    let tiers = judge.required(&draft.tiers, &draft.at, "tiers");
    let steps = judge.required(&draft.steps, &draft.at, "steps");
    let measure = tiers.and_then(|(tiers, _)| measure(judge, tiers, declared));
    let over = tiers.and_then(|(tiers, _)| judge.required(&tiers.over, &tiers.at, "over"));
    let kind = tiers.and_then(|(tiers, _)| judge.required(&tiers.kind, &tiers.at, "kind"));
    let by_meter = match tiers.map(|(tiers, _)| &tiers.by) {
        Some(Field::Given(DraftMeasure::Revenue, _)) => false,
        // Unknown: a missing measure is reported once, not again at every step.
        _ => true,
    };
    let steps =
        steps.map(|(drafts, at)| check_steps(judge, drafts, at, by_meter, declared, points));
    Some(Pay::Tiered(Tiers { by: measure?, over: *over?.0, kind: *kind?.0, steps: steps? }))
}

fn measure(judge: &mut Judge, tiers: &DraftTiers, declared: &Declared) -> Option<Measure> {
    let (by, at) = judge.required(&tiers.by, &tiers.at, "by")?;
    match by {
        DraftMeasure::Revenue => Some(Measure::Revenue),
        DraftMeasure::Meter(meter) => {
            declared_meter(judge, meter, at, "tiers count `revenue` or a meter", declared);
            Some(Measure::Meter(meter.clone()))
        }
    }
}

/// Judges that a meter is declared. `what` begins the hint.
pub(in crate::terms) fn declared_meter(
    judge: &mut Judge,
    meter: &Name,
    at: &At,
    what: &str,
    declared: &Declared,
) {
    if declared.meters_complete && !declared.meters.contains(meter) {
        let meters = listed(declared.meters.iter().map(|name| name.as_str()));
        judge.refuse(
            at,
            Code::TermsReference,
            format!("`{meter}` is no declared meter"),
            format!("{what} of [agreement]{meters}"),
        );
    }
}

/// `: a, b` for a hint; nothing if there are none, shortened if there are many.
pub(in crate::terms) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    if names.len() > 8 {
        names.truncate(8);
        names.push("…");
    }
    match names.is_empty() {
        true => String::new(),
        false => format!(": {}", names.join(", ")),
    }
}

fn check_steps(
    judge: &mut Judge,
    drafts: &[DraftStep],
    at: &At,
    by_meter: bool,
    declared: &Declared,
    points: &PartyPoints,
) -> Vec<Step> {
    judge.at_most(at, "steps", drafts.len(), STEPS_MAX);
    if drafts.is_empty() {
        judge.refuse(
            at,
            Code::TermsSteps,
            "there is no step",
            "add at least one step; the last one has no bound",
        );
    }
    let mut below: Option<Amount> = None;
    let mut steps = Vec::with_capacity(drafts.len());
    for (place, draft) in drafts.iter().enumerate() {
        let last = place + 1 == drafts.len();
        let bound = bound(judge, draft, last, &mut below);
        let share = shares(judge, &draft.share, declared, points);
        if let Some(at) = draft.per_unit.place()
            && !by_meter
        {
            judge.refuse(
                at,
                Code::TermsReference,
                "`per_unit` needs a tier that counts a meter, and this one counts revenue",
                "write `tiers = { by = \"<meter>\", … }`, or use `share`",
            );
        }
        let per_unit = amounts(judge, &draft.per_unit, "per-unit amount", declared);
        let flat = amounts(judge, &draft.flat, "flat amount", declared);
        steps.push(Step { bound, share, per_unit, flat });
    }
    steps
}

fn bound(
    judge: &mut Judge,
    draft: &DraftStep,
    last: bool,
    below: &mut Option<Amount>,
) -> Option<Bound> {
    let up_to = judge.optional(&draft.up_to);
    let exclusive = judge.optional(&draft.below);
    if let (Some(_), Some((_, at))) = (up_to, exclusive) {
        judge.refuse(
            at,
            Code::TermsSteps,
            "the step has both `up_to` and `below`",
            "`up_to` includes its bound, `below` does not: keep one of them",
        );
    }
    let Some((bound, at, inclusive)) = up_to
        .map(|(bound, at)| (bound, at, true))
        .or(exclusive.map(|(bound, at)| (bound, at, false)))
    else {
        if !last && !draft.up_to.is_bad() && !draft.below.is_bad() {
            judge.refuse(
                &draft.at,
                Code::TermsSteps,
                "the step has no bound, and others follow it",
                "add `up_to = \"…\"`; only the last step has no bound",
            );
        }
        return None;
    };
    if last {
        judge.refuse(
            at,
            Code::TermsSteps,
            "the last step has a bound, so nothing says what is owed beyond it",
            "remove the bound, or add a step without one",
        );
    }
    if *bound <= Amount::ZERO {
        judge.refuse(
            at,
            Code::TermsSteps,
            format!("the bound {bound} is not positive"),
            "bounds are positive: the first step reaches down to everything below its bound",
        );
    }
    if let Some(below) = *below
        && *bound <= below
    {
        judge.refuse(
            at,
            Code::TermsSteps,
            format!("the bound {bound} does not rise above {below}, the bound before it"),
            "list steps in rising order; each begins where the one before it ends",
        );
    }
    *below = Some(*bound);
    Some(Bound { at: *bound, inclusive })
}

/// Judges shares of the base, with their sum after floor and ceiling, without points and with all
/// that raise it.
fn shares(
    judge: &mut Judge,
    field: &PerParty<Rate>,
    declared: &Declared,
    points: &PartyPoints,
) -> Vec<(Id, Rate)> {
    let shares = per_party(judge, field, declared, |judge, rate, at| {
        if rate.is_negative() {
            judge.refuse(
                at,
                Code::TermsShare,
                format!("the share {rate} is negative"),
                "shares run from \"0\" to \"1\"",
            );
        }
    });
    let floor_above_ceiling = match (declared.rate_floor, declared.rate_ceiling) {
        (Some(floor), Some(ceiling)) => floor > ceiling,
        _ => false,
    };
    let Some(at) = field.place().filter(|_| !floor_above_ceiling) else {
        return shares;
    };
    let total = |points: &PartyPoints| -> i128 {
        let rates = shares.iter().map(|(party, share)| scaled(*share) + points.up(party));
        rates.map(|rate| declared.clamped(rate)).sum()
    };
    let one = 10i128.pow(FRACTION_DIGITS_MAX);
    let text = |total| exact::to_text(&Sum(total).exact());
    let limits = match declared.rate_floor.or(declared.rate_ceiling) {
        Some(_) => " after floor and ceiling",
        None => "",
    };
    let (plain, raised) = (total(&PartyPoints::default()), total(points));
    if plain > one {
        judge.refuse(
            at,
            Code::TermsShare,
            format!("the shares come to {}{limits}, which is more than 1", text(plain)),
            "together, parties get at most the whole base",
        );
    } else if raised > one {
        judge.refuse(
            at,
            Code::TermsShare,
            format!(
                "with the points that exclusivities and contributions add, the shares come to \
                 {}{limits}, which is more than 1",
                text(raised)
            ),
            "lower shares or points, or bound the rate with `rate_ceiling` in [limits]",
        );
    }
    shares
}

/// A rate in units of 10^-12.
pub(in crate::terms) fn scaled(rate: Rate) -> i128 {
    rate.mantissa() * 10i128.pow(FRACTION_DIGITS_MAX.saturating_sub(rate.scale()))
}

fn amounts(
    judge: &mut Judge,
    field: &PerParty<Amount>,
    what: &str,
    declared: &Declared,
) -> Vec<(Id, Amount)> {
    per_party(judge, field, declared, |judge, amount, at| {
        if amount.is_negative() {
            judge.refuse(
                at,
                Code::TermsShare,
                format!("the {what} {amount} is negative"),
                "what is owed under a rule is not negative",
            );
        }
        if *amount > Amount::from_whole(STEP_AMOUNT_MAX) {
            judge.refuse(
                at,
                Code::TermsLimits,
                format!("the {what} {amount} is larger than it may be"),
                format!("write at most {STEP_AMOUNT_MAX}"),
            );
        }
    })
}

/// Judges the payees of a list, and each value; returns the list sorted by party.
pub(in crate::terms) fn per_party<T: Copy>(
    judge: &mut Judge,
    field: &PerParty<T>,
    declared: &Declared,
    value: impl Fn(&mut Judge, &T, &At),
) -> Vec<(Id, T)> {
    let Some((entries, _)) = judge.optional(field) else {
        return Vec::new();
    };
    let mut list: BTreeMap<Id, T> = BTreeMap::new();
    for entry in entries {
        let party = judge.optional(&entry.key);
        if let Some((party, at)) = party {
            payee(judge, party, at, declared);
        }
        let amount = judge.optional(&entry.value);
        if let Some((amount, at)) = amount {
            value(judge, amount, at);
        }
        if let (Some((party, at)), Some((amount, _))) = (party, amount)
            && list.insert(party.clone(), *amount).is_some()
        {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("`{party}` is named twice"),
                "name every party once",
            );
        }
    }
    list.into_iter().collect()
}

/// Judges that something can be owed to a party.
pub(in crate::terms) fn payee(judge: &mut Judge, party: &Id, at: &At, declared: &Declared) {
    match declared.roles.get(party) {
        Some(role) if role.is_beneficiary() => {}
        Some(role) => judge.refuse(
            at,
            Code::TermsReference,
            format!("`{party}` is {}, and nothing is owed to it", role_text(*role)),
            "name a party with the role `owner` or `beneficiary`",
        ),
        None if declared.roles_complete => {
            let payees = declared.roles.iter();
            let payees = payees.filter(|(_, role)| role.is_beneficiary());
            judge.refuse(
                at,
                Code::TermsReference,
                format!("`{party}` is not a party of the agreement"),
                format!(
                    "name an owner or a beneficiary{}",
                    listed(payees.map(|(id, _)| id.as_str()))
                ),
            );
        }
        None => {}
    }
}

/// A role in a sentence.
pub(in crate::terms) fn role_text(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Collector => "the collector",
        Role::Beneficiary => "a beneficiary",
        Role::Arbiter => "an arbiter",
        Role::Auditor => "an auditor",
    }
}
