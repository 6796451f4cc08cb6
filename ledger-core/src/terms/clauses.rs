//! Judges the clauses beside the rules: prices, points, bounds and splits.

use std::collections::BTreeSet;

use crate::limits::CLAUSES_MAX;
use crate::limits::MINIMUM_MAX;
use crate::limits::MODIFIERS_MAX;
use crate::limits::PRICES_MAX;
use crate::terms::body::AuditClause;
use crate::terms::body::BaseFrom;
use crate::terms::body::Bounded;
use crate::terms::body::Condition;
use crate::terms::body::ContributionClause;
use crate::terms::body::DisputeWindows;
use crate::terms::body::Exclusivity;
use crate::terms::body::Price;
use crate::terms::body::Split;
use crate::terms::body::SplitPart;
use crate::terms::body::Window;
use crate::terms::body::Withholding;
use crate::terms::draft::At;
use crate::terms::draft::DraftBounded;
use crate::terms::draft::DraftPrice;
use crate::terms::draft::DraftSplit;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::Field;
use crate::terms::draft::PerParty;
use crate::terms::judge::Attributes;
use crate::terms::judge::ClauseIds;
use crate::terms::judge::Judge;
use crate::terms::judge::days;
use crate::terms::judge::part_of_one;
use crate::terms::judge::payable;
use crate::terms::payment;
use crate::terms::rules::Declared;
use crate::terms::rules::conditions;
use crate::terms::rules::declared_meter;
use crate::terms::rules::listed;
use crate::terms::rules::payee;
use crate::terms::rules::per_party;
use crate::terms::rules::role_text;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;

/// Days in which a statement may be disputed, and after which a proposal lapses, where the terms
/// do not say.
pub const WINDOW_DAYS: u16 = 90;

/// What was read of the clauses beside the rules; with a problem, some may be missing.
pub(in crate::terms) struct Clauses {
    pub(in crate::terms) base_from: BaseFrom,
    pub(in crate::terms) price_tolerance: Rate,
    pub(in crate::terms) prices: Vec<Price>,
    pub(in crate::terms) exclusivities: Vec<Exclusivity>,
    pub(in crate::terms) contributions: Vec<ContributionClause>,
    pub(in crate::terms) minimums: Vec<Bounded>,
    pub(in crate::terms) caps: Vec<Bounded>,
    pub(in crate::terms) splits: Vec<Split>,
    pub(in crate::terms) advances: Vec<Id>,
    pub(in crate::terms) withholding: Vec<(Id, Withholding)>,
    pub(in crate::terms) late_interest: Vec<(Date, Rate)>,
    pub(in crate::terms) objection_days: u16,
    pub(in crate::terms) proposal_lapse_days: u16,
    pub(in crate::terms) dispute: Option<DisputeWindows>,
    pub(in crate::terms) audit: Option<AuditClause>,
}

/// Judges all of them, in the order of the terms file.
pub(in crate::terms) fn check<'a>(
    judge: &mut Judge,
    draft: &'a DraftTerms,
    declared: &Declared,
    known: &mut Attributes,
    ids: &mut ClauseIds<'a>,
) -> Clauses {
    let (base_from, price_tolerance) = base(judge, draft);
    let prices = prices(judge, draft, declared, known);
    let modifiers = count(&draft.exclusivities).saturating_add(count(&draft.contributions));
    if let Some(at) = draft.contributions.place().or(draft.exclusivities.place()) {
        judge.at_most(at, "exclusivities and contributions", modifiers, MODIFIERS_MAX);
    }
    let exclusivities = exclusivities(judge, draft, declared, known, ids);
    let contributions = contributions(judge, draft, declared, known, ids);
    let currency = draft.currency.value();
    let minimums = bounds(judge, &draft.minimums, "minimum", declared, currency);
    guarantees(judge, draft);
    Clauses {
        base_from,
        price_tolerance,
        prices,
        exclusivities,
        contributions,
        minimums,
        caps: bounds(judge, &draft.caps, "cap", declared, currency),
        splits: splits(judge, &draft.splits, declared),
        advances: payment::advances(judge, draft, declared),
        withholding: payment::withholding(judge, draft, declared),
        late_interest: payment::late_interest(judge, draft),
        objection_days: days(judge, &draft.objection_days).unwrap_or(WINDOW_DAYS),
        proposal_lapse_days: days(judge, &draft.proposal_lapse_days).unwrap_or(WINDOW_DAYS),
        dispute: payment::dispute(judge, draft),
        audit: payment::audit(judge, draft),
    }
}

fn count<T>(list: &Field<Vec<T>>) -> usize {
    list.value().map_or(0, Vec::len)
}

fn base(judge: &mut Judge, draft: &DraftTerms) -> (BaseFrom, Rate) {
    let from = judge.optional(&draft.base_from);
    let tolerance = part_of_one(judge, &draft.price_tolerance, "the price tolerance");
    if let Some(at) = draft.price_tolerance.place()
        && !draft.base_from.is_bad()
        && from.is_none_or(|(from, _)| *from == BaseFrom::Gross)
    {
        judge.refuse(
            at,
            Code::TermsReference,
            "the base is the reported gross, so there is nothing to compare it with",
            "leave `price_tolerance` out, or write `from = \"priced\"`",
        );
    }
    if let Some((BaseFrom::Priced, at)) = from
        && !draft.prices.is_bad()
        && count(&draft.prices) == 0
    {
        judge.refuse(
            at,
            Code::TermsMissing,
            "the base is priced, and the terms have no [[price]]",
            "add a [[price]] for every meter that earns money, or write `from = \"gross\"`",
        );
    }
    (from.map_or(BaseFrom::Gross, |(from, _)| *from), tolerance.unwrap_or_default())
}

/// What two prices may not have in common: they would price the same lines.
type PriceKey = (Name, Currency, Date, Vec<(Name, Vec<String>)>);

fn price_key(price: &Price) -> PriceKey {
    let texts = |condition: &Condition| {
        let patterns = condition.patterns.iter().map(|pattern| pattern.as_str().to_owned());
        (condition.attribute.clone(), patterns.collect())
    };
    let when = price.when.iter().map(texts).collect();
    (price.meter.clone(), price.currency, price.from, when)
}

fn prices(
    judge: &mut Judge,
    draft: &DraftTerms,
    declared: &Declared,
    known: &mut Attributes,
) -> Vec<Price> {
    let Some((drafts, at)) = judge.optional(&draft.prices) else {
        return Vec::new();
    };
    judge.at_most(at, "prices", drafts.len(), PRICES_MAX);
    let mut seen: BTreeSet<PriceKey> = BTreeSet::new();
    let mut prices = Vec::with_capacity(drafts.len());
    for one in drafts {
        let Some(price) = price(judge, one, draft.currency.value(), declared, known) else {
            continue;
        };
        if !seen.insert(price_key(&price)) {
            judge.refuse(
                &one.at,
                Code::TermsDuplicate,
                format!(
                    "there are two prices of `{}` in {} from {} with the same conditions",
                    price.meter, price.currency, price.from
                ),
                "keep one of them, or let one begin later",
            );
        }
        prices.push(price);
    }
    prices
}

fn price(
    judge: &mut Judge,
    draft: &DraftPrice,
    settlement: Option<&Currency>,
    declared: &Declared,
    known: &mut Attributes,
) -> Option<Price> {
    let meter = judge.required(&draft.meter, &draft.at, "meter");
    if let Some((meter, at)) = meter {
        declared_meter(judge, meter, at, "prices are for a meter", declared);
    }
    let when = conditions(judge, &draft.when, declared, known);
    let unit = judge.required(&draft.unit, &draft.at, "unit");
    if let Some((unit, at)) = unit
        && *unit <= Amount::ZERO
    {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("the unit {unit} is not positive"),
            "write how many of the meter the price is for, such as \"1000000\"",
        );
    }
    let price = judge.required(&draft.price, &draft.at, "price");
    if let Some((price, at)) = price
        && price.is_negative()
    {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("the price {price} is negative"),
            "write \"0\" for what is free; refunds are negative quantities",
        );
    }
    let currency = judge.optional(&draft.currency).map(|(currency, _)| currency);
    let from = judge.required(&draft.from, &draft.at, "from");
    Some(Price {
        meter: meter?.0.clone(),
        when,
        unit: *unit?.0,
        price: *price?.0,
        currency: *currency.or(settlement.filter(|_| draft.currency.is_missing()))?,
        from: *from?.0,
    })
}

/// Judges the points of a modifier.
fn points(
    judge: &mut Judge,
    add: &PerParty<Rate>,
    table: &At,
    declared: &Declared,
) -> Vec<(Id, Rate)> {
    if add.is_missing() {
        judge.required(add, table, "add");
        return Vec::new();
    }
    per_party(judge, add, declared, |_, _, _| {})
}

fn exclusivities<'a>(
    judge: &mut Judge,
    draft: &'a DraftTerms,
    declared: &Declared,
    known: &mut Attributes,
    ids: &mut ClauseIds<'a>,
) -> Vec<Exclusivity> {
    let Some((drafts, _)) = judge.optional(&draft.exclusivities) else {
        return Vec::new();
    };
    let mut exclusivities = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let id = judge.required(&draft.id, &draft.at, "id");
        if let Some((id, at)) = id {
            ids.admit(judge, "exclusivity", id, at);
        }
        let when = conditions(judge, &draft.when, declared, known);
        let from = judge.required(&draft.from, &draft.at, "from");
        let to = judge.optional(&draft.to);
        if let (Some((from, _)), Some((to, at))) = (from, to)
            && to <= from
        {
            judge.refuse(
                at,
                Code::TermsDates,
                format!("the exclusivity ends on {to}, which is not after its start on {from}"),
                "`to` is the first day after the exclusivity",
            );
        }
        let add = points(judge, &draft.add, &draft.at, declared);
        if let (Some((id, _)), Some((from, _))) = (id, from) {
            let to = to.map(|(to, _)| *to);
            exclusivities.push(Exclusivity { id: id.clone(), when, from: *from, to, add });
        }
    }
    exclusivities
}

fn contributions<'a>(
    judge: &mut Judge,
    draft: &'a DraftTerms,
    declared: &Declared,
    known: &mut Attributes,
    ids: &mut ClauseIds<'a>,
) -> Vec<ContributionClause> {
    let Some((drafts, _)) = judge.optional(&draft.contributions) else {
        return Vec::new();
    };
    let mut contributions = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let id = judge.required(&draft.id, &draft.at, "id");
        if let Some((id, at)) = id {
            ids.admit(judge, "contribution", id, at);
        }
        let by = judge.required(&draft.by, &draft.at, "by");
        if let Some((by, at)) = by {
            contributor(judge, by, at, declared);
        }
        let when = conditions(judge, &draft.when, declared, known);
        let add = points(judge, &draft.add, &draft.at, declared);
        if let (Some((id, _)), Some((by, _))) = (id, by) {
            contributions.push(ContributionClause { id: id.clone(), by: by.clone(), when, add });
        }
    }
    contributions
}

fn contributor(judge: &mut Judge, party: &Id, at: &At, declared: &Declared) {
    match declared.roles.get(party) {
        Some(role) if role.is_money_party() => {}
        Some(role) => judge.refuse(
            at,
            Code::TermsReference,
            format!("`{party}` is {}, and contributes nothing", role_text(*role)),
            "name the collector, an owner or a beneficiary",
        ),
        None if declared.roles_complete => {
            let parties = declared.roles.iter().filter(|(_, role)| role.is_money_party());
            let parties = listed(parties.map(|(id, _)| id.as_str()));
            judge.refuse(
                at,
                Code::TermsReference,
                format!("`{party}` is not a party of the agreement"),
                format!("name the collector, an owner or a beneficiary{parties}"),
            );
        }
        None => {}
    }
}

/// Judges caps, or minimums; `kind` is their table.
fn bounds(
    judge: &mut Judge,
    list: &Field<Vec<DraftBounded>>,
    kind: &str,
    declared: &Declared,
    currency: Option<&Currency>,
) -> Vec<Bounded> {
    let Some((drafts, at)) = judge.optional(list) else {
        return Vec::new();
    };
    judge.at_most(at, &format!("{kind}s"), drafts.len(), CLAUSES_MAX);
    let mut seen = BTreeSet::new();
    let mut bounds = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let to = judge.required(&draft.to, &draft.at, "to");
        if let Some((to, at)) = to {
            payee(judge, to, at, declared);
        }
        let amount = judge.required(&draft.amount, &draft.at, "amount");
        if let Some(amount) = amount {
            payable(judge, amount, (kind, "or leave the clause out"), currency);
        }
        let over = judge.required(&draft.over, &draft.at, "over");
        let (Some((to, _)), Some((over, at))) = (to, over) else {
            continue;
        };
        if !seen.insert((to, over)) {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("`{to}` has a {kind} over the {} already", over.as_str()),
                format!("a party has at most one {kind} over each window"),
            );
        }
        if let Some((amount, _)) = amount {
            bounds.push(Bounded { to: to.clone(), amount: *amount, over: *over });
        }
    }
    bounds
}

/// Judges of minimums what no cap needs.
fn guarantees(judge: &mut Judge, draft: &DraftTerms) {
    for minimum in draft.minimums.value().into_iter().flatten() {
        if let Field::Given(amount, at) = &minimum.amount
            && *amount > Amount::from_whole(MINIMUM_MAX)
        {
            judge.refuse(
                at,
                Code::TermsLimits,
                format!("the minimum {amount} is larger than it may be"),
                format!("write at most {MINIMUM_MAX}"),
            );
        }
        if let Field::Given(Window::Lifetime, at) = &minimum.over
            && draft.ends_on.is_missing()
        {
            judge.refuse(
                at,
                Code::TermsMissing,
                "a minimum over the lifetime needs an end of the agreement",
                "add `ends_on` to [agreement]: the guarantee is settled in the last period",
            );
        }
    }
}

fn splits(judge: &mut Judge, list: &Field<Vec<DraftSplit>>, declared: &Declared) -> Vec<Split> {
    let Some((drafts, at)) = judge.optional(list) else {
        return Vec::new();
    };
    judge.at_most(at, "splits", drafts.len(), CLAUSES_MAX);
    let pools: BTreeSet<&Id> = drafts.iter().filter_map(|draft| draft.of.value()).collect();
    let mut seen = BTreeSet::new();
    let mut splits = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let of = judge.required(&draft.of, &draft.at, "of");
        if let Some((of, at)) = of {
            payee(judge, of, at, declared);
            if !seen.insert(of) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("the amount of `{of}` is split already"),
                    "list all parts of a pool in one [[split]]",
                );
            }
        }
        let parts = parts(judge, draft, of.map(|(of, _)| of), &pools, declared);
        if let (Some((of, _)), Some(parts)) = (of, parts) {
            splits.push(Split { of: of.clone(), parts });
        }
    }
    splits
}

fn parts(
    judge: &mut Judge,
    draft: &DraftSplit,
    of: Option<&Id>,
    pools: &BTreeSet<&Id>,
    declared: &Declared,
) -> Option<Vec<SplitPart>> {
    let (drafts, at) = judge.required(&draft.parts, &draft.at, "parts")?;
    if drafts.is_empty() {
        judge.refuse(
            at,
            Code::TermsLimits,
            "the pool has no part",
            "list at least one part, or leave the split out",
        );
    }
    let mut seen = BTreeSet::new();
    let mut parts = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let to = judge.required(&draft.to, &draft.at, "to");
        if let Some((to, at)) = to {
            payee(judge, to, at, declared);
            if !seen.insert(to) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("`{to}` has a part already"),
                    "give every party one part, with its whole weight",
                );
            }
            if pools.contains(to) && of.is_some_and(|of| of != to) {
                judge.refuse(
                    at,
                    Code::TermsReference,
                    format!("the amount of `{to}` is split itself, and parts are not split again"),
                    format!("list the parts of `{to}` here instead"),
                );
            }
        }
        let weight = judge.required(&draft.weight, &draft.at, "weight");
        if let Some((weight, at)) = weight
            && *weight <= Amount::ZERO
        {
            judge.refuse(
                at,
                Code::TermsLimits,
                format!("the weight {weight} is not positive"),
                "leave out who gets nothing",
            );
        }
        if let (Some((to, _)), Some((weight, _))) = (to, weight) {
            parts.push(SplitPart { to: to.clone(), weight: *weight });
        }
    }
    Some(parts)
}
