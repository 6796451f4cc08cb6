//! Collects what is wrong with a draft, so that every problem is reported and not only the first.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::limits::ATTRIBUTES_MAX;
use crate::limits::DEADLINE_DAYS_MAX;
use crate::terms::draft::At;
use crate::terms::draft::Field;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Problem;
use crate::vocab::Rate;

/// Something that is wrong, or surprising, at a place of the terms. The place inside the problem
/// is the path; who knows the text makes it a place in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TermsProblem {
    /// What is wrong.
    pub problem: Problem,
    /// Where.
    pub at: At,
}

impl TermsProblem {
    /// A problem at a place.
    pub fn new(at: &At, problem: Problem) -> TermsProblem {
        TermsProblem { problem: problem.at_field(at.path.clone()), at: at.clone() }
    }
}

/// The problems found so far, and what later checks look up.
#[derive(Default)]
pub(in crate::terms) struct Judge {
    pub(in crate::terms) problems: Vec<TermsProblem>,
    /// Whether a field could not be read: there can be no terms, even without further problems.
    pub(in crate::terms) unreadable: bool,
}

impl Judge {
    /// Reports a problem.
    pub(in crate::terms) fn refuse(
        &mut self,
        at: &At,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = Problem::new(code, message).hint(hint);
        self.problems.push(TermsProblem::new(at, problem));
    }

    /// The value of a field that need not be there, with its place.
    pub(in crate::terms) fn optional<'a, T>(
        &mut self,
        field: &'a Field<T>,
    ) -> Option<(&'a T, &'a At)> {
        self.unreadable |= field.is_bad();
        Some((field.value()?, field.place()?))
    }

    /// The value of a field that must be there, with its place; reports it if it is missing.
    pub(in crate::terms) fn required<'a, T>(
        &mut self,
        field: &'a Field<T>,
        table: &At,
        key: &str,
    ) -> Option<(&'a T, &'a At)> {
        if field.is_missing() {
            let owner = match table.path.as_str() {
                "" => "the terms have".to_owned(),
                path => format!("`{path}` has"),
            };
            self.refuse(
                table,
                Code::TermsMissing,
                format!("{owner} no `{key}`"),
                format!("add `{key}`"),
            );
        }
        self.optional(field)
    }

    /// Reports a list that is longer than the bounds allow.
    pub(in crate::terms) fn at_most(&mut self, at: &At, what: &str, count: usize, max: usize) {
        if count > max {
            self.refuse(
                at,
                Code::TermsLimits,
                format!("there are {count} {what}, at most {max} are allowed"),
                format!("use at most {max} {what}"),
            );
        }
    }
}

/// A part of something: a rate that is not negative.
pub(in crate::terms) fn part_of_one(
    judge: &mut Judge,
    field: &Field<Rate>,
    what: &str,
) -> Option<Rate> {
    let (rate, at) = judge.optional(field)?;
    if rate.is_negative() {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("{what} is {rate}, which is negative"),
            "write a fraction from \"0\" to \"1\"",
        );
    }
    Some(*rate)
}

/// The days of a deadline.
pub(in crate::terms) fn days(judge: &mut Judge, field: &Field<u16>) -> Option<u16> {
    let (days, at) = judge.optional(field)?;
    if *days > DEADLINE_DAYS_MAX {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("{days} days are longer than a deadline may be"),
            format!("write at most {DEADLINE_DAYS_MAX}"),
        );
    }
    Some(*days)
}

/// An amount that may be paid: not negative, in minor units of the settlement currency. `zero` is
/// what writing "0" means.
pub(in crate::terms) fn payable(
    judge: &mut Judge,
    (amount, at): (&Amount, &At),
    (what, zero): (&str, &str),
    currency: Option<&Currency>,
) {
    if amount.is_negative() {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("the {what} is {amount}, which is negative"),
            format!("write \"0\" {zero}"),
        );
    }
    if let Some(currency) = currency
        && amount.scale() > currency.minor_digits()
    {
        judge.refuse(
            at,
            Code::MinorUnit,
            format!("the {what} {amount} is no amount that can be paid in {currency}"),
            format!("{currency} has {} fraction digits", currency.minor_digits()),
        );
    }
}

/// The ids of rules, exclusivities and contributions: each is unique over all three, because
/// groups, claims and explanations name clauses by id alone.
#[derive(Default)]
pub(in crate::terms) struct ClauseIds<'a>(BTreeMap<&'a Id, &'static str>);

impl<'a> ClauseIds<'a> {
    /// Takes in the id of a clause; `kind` is the clause's table.
    pub(in crate::terms) fn admit(
        &mut self,
        judge: &mut Judge,
        kind: &'static str,
        id: &'a Id,
        at: &At,
    ) {
        match self.0.get(id) {
            None => {
                self.0.insert(id, kind);
            }
            Some(&"rule") if kind == "rule" => judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("there are two rules `{id}`"),
                "give every rule an id of its own: tier positions belong to it",
            ),
            Some(other) => judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("there is a [[{other}]] `{id}` already"),
                "every rule, exclusivity and contribution has an id that no other one has",
            ),
        }
    }
}

/// Columns that every usage file has, or may have: no meter or attribute takes their name.
pub const RESERVED_COLUMNS: [&str; 3] = ["day", "currency", "gross"];

/// The attributes that terms know even where no clause names them.
pub const STANDARD_ATTRIBUTES: [&str; 3] = ["application", "model", "territory"];

/// Collects the attributes that terms know, within their number.
pub(in crate::terms) struct Attributes {
    known: BTreeSet<Name>,
    too_many: bool,
}

impl Attributes {
    /// The attributes that are always known.
    pub(in crate::terms) fn standard() -> Attributes {
        let names = STANDARD_ATTRIBUTES.iter();
        Attributes {
            known: names.filter_map(|name| Name::parse(name).ok()).collect(),
            too_many: false,
        }
    }

    /// Judges a name that stands where an attribute stands, and counts it in.
    pub(in crate::terms) fn admit(
        &mut self,
        judge: &mut Judge,
        meters: &BTreeSet<&Name>,
        name: &Name,
        at: &At,
    ) {
        if RESERVED_COLUMNS.contains(&name.as_str()) {
            judge.refuse(
                at,
                Code::TermsReference,
                format!("`{name}` is a column of every usage file and no attribute"),
                "name an attribute, such as `model` or `territory`",
            );
            return;
        }
        // A meter with the name of a standard attribute was refused where it is declared.
        if meters.contains(name) && !STANDARD_ATTRIBUTES.contains(&name.as_str()) {
            judge.refuse(
                at,
                Code::TermsReference,
                format!("`{name}` is a declared meter and no attribute"),
                "rename the meter or the attribute",
            );
            return;
        }
        self.known.insert(name.clone());
        if self.known.len() > ATTRIBUTES_MAX && !self.too_many {
            self.too_many = true;
            judge.refuse(
                at,
                Code::TermsLimits,
                format!("with `{name}` the terms know more than {ATTRIBUTES_MAX} attributes"),
                format!(
                    "use at most {ATTRIBUTES_MAX} attributes, {} among them",
                    STANDARD_ATTRIBUTES.join(", ")
                ),
            );
        }
    }
}
