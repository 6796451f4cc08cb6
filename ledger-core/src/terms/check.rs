//! Judges a draft. The only way to [`Terms`].

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::limits::ATTRIBUTE_VALUES_MAX;
use crate::limits::DEDUCTIONS_MAX;
use crate::limits::METERS_MAX;
use crate::limits::PARTIES_MAX;
use crate::terms::body::AllowedValues;
use crate::terms::body::Deduction;
use crate::terms::body::Party;
use crate::terms::body::Role;
use crate::terms::body::Terms;
use crate::terms::body::TermsBody;
use crate::terms::clause_index::IndexCell;
use crate::terms::clauses;
use crate::terms::draft::At;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::Field;
use crate::terms::judge::Attributes;
use crate::terms::judge::ClauseIds;
use crate::terms::judge::Judge;
use crate::terms::judge::RESERVED_COLUMNS;
use crate::terms::judge::STANDARD_ATTRIBUTES;
use crate::terms::judge::TermsProblem;
use crate::terms::judge::days;
use crate::terms::judge::part_of_one;
use crate::terms::judge::payable;
use crate::terms::points::Points;
use crate::terms::rules;
use crate::terms::rules::Declared;
use crate::terms::warnings;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::PeriodLength;
use crate::vocab::PublicKey;
use crate::vocab::Value;

/// The calculation version that this release knows.
pub const CALCULATION: u16 = 1;

/// The verdict on a draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The terms, if nothing is wrong with them.
    pub terms: Option<Terms>,
    /// Everything that is wrong, beside what the reader of the draft has reported already.
    pub problems: Vec<TermsProblem>,
    /// What is legal and surprising; only where there are terms.
    pub warnings: Vec<TermsProblem>,
}

/// Judges a draft: reports every problem, and warns of what is legal and surprising.
pub fn check(draft: DraftTerms) -> Checked {
    match admit(&draft) {
        Ok(terms) => Checked {
            warnings: warnings::of(&draft, &terms),
            terms: Some(terms),
            problems: Vec::new(),
        },
        Err(problems) => Checked { terms: None, problems, warnings: Vec::new() },
    }
}

/// Judges a draft without looking for surprises.
///
/// Errors: everything that is wrong. The list is empty if only fields are bad that the reader of
/// the draft has reported already.
pub fn admit(draft: &DraftTerms) -> Result<Terms, Vec<TermsProblem>> {
    let mut judge = Judge::default();
    let body = body(&mut judge, draft);
    match body {
        Some(body) if judge.problems.is_empty() && !judge.unreadable => {
            Ok(Terms(body, IndexCell::default()))
        }
        _ => Err(judge.problems),
    }
}

/// Looks at everything, whatever is wrong with the rest; `None` if a required value is missing.
fn body(judge: &mut Judge, draft: &DraftTerms) -> Option<TermsBody> {
    let table = &draft.at;
    let title = judge.required(&draft.title, table, "title");
    let currency = judge.required(&draft.currency, table, "currency");
    let period_length = judge.optional(&draft.period_length);
    let starts_on = judge.required(&draft.starts_on, table, "starts_on");
    let ends_on = judge.optional(&draft.ends_on);
    if let (Some((start, _)), Some((end, at))) = (starts_on, ends_on)
        && end <= start
    {
        judge.refuse(
            at,
            Code::TermsDates,
            format!("the agreement ends on {end}, which is not after its start on {start}"),
            "`ends_on` is the first day after the agreement",
        );
    }
    let calculation = judge.required(&draft.calculation, table, "calculation");
    if let Some((version, at)) = calculation
        && *version != CALCULATION
    {
        judge.refuse(
            at,
            Code::TermsCalculation,
            format!("there is no calculation version {version}"),
            format!("write `calculation = {CALCULATION}`"),
        );
    }
    let rounding = judge.optional(&draft.rounding);
    let carry = judge.optional(&draft.carry);
    let parties = parties(judge, draft);
    let meters = meters(judge, draft);
    let deductions = deductions(judge, draft);
    let rate_floor = part_of_one(judge, &draft.rate_floor, "the rate floor");
    let rate_ceiling = part_of_one(judge, &draft.rate_ceiling, "the rate ceiling");
    if let (Some(floor), Some(ceiling), Some(at)) =
        (rate_floor, rate_ceiling, draft.rate_floor.place())
        && floor > ceiling
    {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("the rate floor {floor} is above the rate ceiling {ceiling}"),
            "the floor is at most the ceiling",
        );
    }
    let due_days = days(judge, &draft.due_days).unwrap_or(30);
    let report_due_days = days(judge, &draft.report_due_days).unwrap_or(15);
    let minimum_payout = judge.optional(&draft.minimum_payout);
    if let Some(amount) = minimum_payout {
        let words = ("minimum payout", "to pay out everything");
        payable(judge, amount, words, draft.currency.value());
    }

    let meter_names: BTreeSet<&Name> = meters.iter().collect();
    let mut known = Attributes::standard();
    let attributes = attributes(judge, draft, &meter_names, &mut known);
    let declared = Declared {
        roles: roles(draft),
        roles_complete: complete(&draft.parties, |party| {
            party.id.value().is_some() && party.role.value().is_some()
        }),
        meters: meter_names,
        meters_complete: complete(&draft.meters, |meter| !meter.is_bad()),
        rate_floor,
        rate_ceiling,
        points: Points::of(draft),
    };
    let mut ids = ClauseIds::default();
    let rules = rules::check(judge, draft, &declared, &mut known, &mut ids);
    let clauses = clauses::check(judge, draft, &declared, &mut known, &mut ids);
    Some(TermsBody {
        title: title?.0.clone(),
        currency: *currency?.0,
        period_length: period_length.map_or(PeriodLength::Month, |(length, _)| *length),
        starts_on: *starts_on?.0,
        ends_on: ends_on.map(|(end, _)| *end),
        calculation: *calculation?.0,
        rounding: rounding.map(|(rounding, _)| *rounding).unwrap_or_default(),
        carry: carry.is_some_and(|(carry, _)| *carry),
        meters,
        parties,
        deductions,
        rules,
        rate_floor,
        rate_ceiling,
        due_days,
        minimum_payout: minimum_payout.map_or(Amount::ZERO, |(amount, _)| *amount),
        report_due_days,
        attributes,
        base_from: clauses.base_from,
        price_tolerance: clauses.price_tolerance,
        prices: clauses.prices,
        exclusivities: clauses.exclusivities,
        contributions: clauses.contributions,
        minimums: clauses.minimums,
        caps: clauses.caps,
        splits: clauses.splits,
        advances: clauses.advances,
        withholding: clauses.withholding,
        late_interest: clauses.late_interest,
        objection_days: clauses.objection_days,
        proposal_lapse_days: clauses.proposal_lapse_days,
        dispute: clauses.dispute,
        audit: clauses.audit,
    })
}

/// Whether a list was read in full: what is not in it does not exist.
fn complete<T>(list: &Field<Vec<T>>, read: impl Fn(&T) -> bool) -> bool {
    !list.is_bad() && list.value().is_none_or(|items| items.iter().all(read))
}

/// The parties whose id and role are known; of two with one id, the first.
fn roles(draft: &DraftTerms) -> BTreeMap<Id, Role> {
    let mut roles = BTreeMap::new();
    for party in draft.parties.value().into_iter().flatten() {
        if let (Some(id), Some(role)) = (party.id.value(), party.role.value()) {
            roles.entry(id.clone()).or_insert(*role);
        }
    }
    roles
}

fn parties(judge: &mut Judge, draft: &DraftTerms) -> Vec<Party> {
    let Some((drafts, at)) = judge.required(&draft.parties, &At::default(), "[[party]]") else {
        return Vec::new();
    };
    judge.at_most(at, "parties", drafts.len(), PARTIES_MAX);
    let mut ids = BTreeSet::new();
    let mut keys: BTreeMap<PublicKey, String> = BTreeMap::new();
    let mut collector: Option<&Id> = None;
    let mut parties = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let id = judge.required(&draft.id, &draft.at, "id");
        let role = judge.required(&draft.role, &draft.at, "role");
        let key = judge.required(&draft.key, &draft.at, "key");
        let recovery_key = judge.optional(&draft.recovery_key);
        if let Some((id, at)) = id
            && !ids.insert(id)
        {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("there are two parties `{id}`"),
                "give every party an id of its own",
            );
        }
        let owner = |name: &str| match id {
            Some((id, _)) => format!("{name} of `{id}`"),
            None => format!("{name} of another party"),
        };
        for (name, key) in [("the key", key), ("the recovery key", recovery_key)] {
            let Some((key, at)) = key else { continue };
            if let Some(holder) = keys.get(key) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("this key is {holder} already"),
                    "every party signs with a key of its own, and recovers with another one",
                );
            } else {
                keys.insert(*key, owner(name));
            }
        }
        if let Some((Role::Collector, at)) = role {
            match collector {
                Some(first) => judge.refuse(
                    at,
                    Code::TermsRoles,
                    format!("`{first}` is the collector already"),
                    "an agreement has exactly one collector: one ledger for every host",
                ),
                None => collector = id.map(|(id, _)| id),
            }
        }
        if let (Some((id, _)), Some((role, _)), Some((key, _))) = (id, role, key) {
            parties.push(Party {
                id: id.clone(),
                role: *role,
                key: *key,
                recovery_key: recovery_key.map(|(key, _)| *key),
            });
        }
    }
    let nobody = |is_it: fn(Role) -> bool| {
        drafts.iter().all(|party| party.role.value().is_some_and(|role| !is_it(*role)))
    };
    if nobody(|role| role == Role::Collector) {
        judge.refuse(
            at,
            Code::TermsRoles,
            "there is no collector",
            "give the party that earns the revenue `role = \"collector\"`",
        );
    }
    if nobody(Role::is_beneficiary) {
        judge.refuse(
            at,
            Code::TermsRoles,
            "there is no owner and no beneficiary",
            "give the party that a share is owed to `role = \"owner\"`",
        );
    }
    parties
}

fn meters(judge: &mut Judge, draft: &DraftTerms) -> Vec<Name> {
    let Some((drafts, at)) = judge.optional(&draft.meters) else {
        return Vec::new();
    };
    judge.at_most(at, "meters", drafts.len(), METERS_MAX);
    let mut seen = BTreeSet::new();
    let mut meters = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let Some((name, at)) = judge.optional(draft) else {
            continue;
        };
        let taken = if RESERVED_COLUMNS.contains(&name.as_str()) {
            Some("a column of every usage file")
        } else if name.as_str() == "revenue" {
            Some("what a tier counts in money")
        } else if STANDARD_ATTRIBUTES.contains(&name.as_str()) {
            Some("an attribute")
        } else {
            None
        };
        if let Some(taken) = taken {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("the meter `{name}` has the name of {taken}"),
                "give the meter another name",
            );
        } else if !seen.insert(name) {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("the meter `{name}` is declared twice"),
                "declare every meter once",
            );
        }
        meters.push(name.clone());
    }
    meters
}

fn deductions(judge: &mut Judge, draft: &DraftTerms) -> Vec<Deduction> {
    let Some((drafts, at)) = judge.optional(&draft.deductions) else {
        return Vec::new();
    };
    judge.at_most(at, "kinds of deduction", drafts.len(), DEDUCTIONS_MAX);
    let mut seen = BTreeSet::new();
    let mut deductions = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let kind = judge.required(&draft.kind, &draft.at, "kind");
        let cap = part_of_one(judge, &draft.cap, "the cap");
        let Some((kind, at)) = kind else { continue };
        if !seen.insert(kind) {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("the deduction `{kind}` is listed twice"),
                "list every kind of deduction once",
            );
        }
        deductions.push(Deduction { kind: kind.clone(), cap });
    }
    deductions
}

fn attributes(
    judge: &mut Judge,
    draft: &DraftTerms,
    meters: &BTreeSet<&Name>,
    known: &mut Attributes,
) -> Vec<AllowedValues> {
    let Some((entries, _)) = judge.optional(&draft.attributes) else {
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut attributes = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = judge.optional(&entry.key);
        if let Some((name, at)) = name {
            known.admit(judge, meters, name, at);
            if !seen.insert(name) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("the attribute `{name}` is listed twice"),
                    "list all allowed values of an attribute together",
                );
            }
        }
        let Some((drafts, at)) = judge.optional(&entry.value) else {
            continue;
        };
        judge.at_most(at, "allowed values", drafts.len(), ATTRIBUTE_VALUES_MAX);
        if drafts.is_empty() {
            judge.refuse(
                at,
                Code::TermsLimits,
                "there is no allowed value",
                "list at least one value, or leave the attribute out to allow any",
            );
        }
        let mut values: BTreeSet<Value> = BTreeSet::new();
        for draft in drafts {
            let Some((value, at)) = judge.optional(draft) else {
                continue;
            };
            if !values.insert(value.clone()) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("the value \"{value}\" is listed twice"),
                    "list every value once",
                );
            }
        }
        if let Some((name, _)) = name {
            attributes.push(AllowedValues {
                attribute: name.clone(),
                values: values.into_iter().collect(),
            });
        }
    }
    attributes.sort_by(|a, b| a.attribute.cmp(&b.attribute));
    attributes
}
