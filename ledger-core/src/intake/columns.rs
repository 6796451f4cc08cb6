//! The columns of a usage file: which names the terms allow, and what they mean.

use crate::intake::nearest::nearest;
use crate::terms::TermsByDay;
use crate::vocab::Name;

/// Which column of a file means what.
#[derive(Clone, Default)]
pub(in crate::intake) struct Columns {
    pub(in crate::intake) day: usize,
    pub(in crate::intake) currency: Option<usize>,
    /// Missing only where the price list may stand in for it.
    pub(in crate::intake) gross: Option<usize>,
    pub(in crate::intake) attributes: Vec<(Name, usize)>,
    pub(in crate::intake) meters: Vec<(Name, usize)>,
    pub(in crate::intake) deductions: Vec<(Name, usize)>,
}

/// What a column name of a usage file stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::intake) enum Meaning<'a> {
    Day,
    Currency,
    Gross,
    Meter(&'a Name),
    Deduction(&'a Name),
    Attribute(&'a Name),
}

/// The column names that the terms of a period allow.
pub(in crate::intake) struct ColumnNames<'a> {
    meanings: Vec<(String, Meaning<'a>)>,
}

impl<'a> ColumnNames<'a> {
    /// Those that any terms of the period know; `attributes` are the attributes that those terms
    /// know. On which days a column may be filled is judged line by line.
    pub(in crate::intake) fn new(
        terms: &TermsByDay<'a>,
        attributes: &'a [Name],
    ) -> ColumnNames<'a> {
        let mut names = ColumnNames { meanings: Vec::new() };
        names.add("day".to_owned(), Meaning::Day);
        names.add("currency".to_owned(), Meaning::Currency);
        names.add("gross".to_owned(), Meaning::Gross);
        for meter in terms.iter().flat_map(|terms| &terms.meters) {
            names.add(meter.to_string(), Meaning::Meter(meter));
        }
        for deduction in terms.iter().flat_map(|terms| &terms.deductions) {
            let kind = &deduction.kind;
            names.add(format!("deduction.{kind}"), Meaning::Deduction(kind));
        }
        for attribute in attributes {
            names.add(attribute.to_string(), Meaning::Attribute(attribute));
        }
        names
    }

    /// A name has one meaning, the first: should terms turn a meter into an attribute inside a
    /// period, its column is the meter's.
    fn add(&mut self, name: String, meaning: Meaning<'a>) {
        if self.meaning(&name).is_none() {
            self.meanings.push((name, meaning));
        }
    }

    /// The attributes that any terms of a period know, sorted.
    pub(in crate::intake) fn attributes(terms: &TermsByDay) -> Vec<Name> {
        let mut names: Vec<Name> =
            terms.iter().flat_map(|terms| terms.known_attributes()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What a name stands for; `None` if the terms do not know it.
    pub(in crate::intake) fn meaning(&self, name: &str) -> Option<Meaning<'a>> {
        let known = self.meanings.iter().find(|(known, _)| known == name);
        known.map(|(_, meaning)| *meaning)
    }

    /// All names.
    pub(in crate::intake) fn iter(&self) -> impl Iterator<Item = &str> {
        self.meanings.iter().map(|(name, _)| name.as_str())
    }

    /// What to do about a name that is not known.
    pub(in crate::intake) fn hint(&self, name: &str) -> String {
        match nearest(name, self.iter()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let names: Vec<&str> = self.iter().collect();
                format!("the terms know {}", names.join(", "))
            }
        }
    }
}

impl Columns {
    /// Notes the column of a meaning.
    pub(in crate::intake) fn set(&mut self, meaning: Meaning, column: usize) {
        match meaning {
            Meaning::Day => self.day = column,
            Meaning::Currency => self.currency = Some(column),
            Meaning::Gross => self.gross = Some(column),
            Meaning::Meter(name) => self.meters.push((name.clone(), column)),
            Meaning::Deduction(kind) => self.deductions.push((kind.clone(), column)),
            Meaning::Attribute(name) => self.attributes.push((name.clone(), column)),
        }
    }

    /// In the order that blocks have.
    pub(in crate::intake) fn sorted(mut self) -> Columns {
        self.attributes.sort();
        self.meters.sort();
        self.deductions.sort();
        self
    }
}
