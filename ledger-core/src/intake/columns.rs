//! The columns of a usage file: which names terms allow, and what they mean.

use crate::intake::nearest::nearest;
use crate::terms::Terms;
use crate::vocab::Name;

/// Which column of a file means what.
#[derive(Default)]
pub(in crate::intake) struct Columns {
    pub(in crate::intake) day: usize,
    pub(in crate::intake) currency: Option<usize>,
    pub(in crate::intake) gross: usize,
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

/// The column names that terms allow.
pub(in crate::intake) struct ColumnNames<'a> {
    meanings: Vec<(String, Meaning<'a>)>,
}

impl<'a> ColumnNames<'a> {
    /// Those of some terms; `attributes` are the attributes that the terms know.
    pub(in crate::intake) fn new(terms: &'a Terms, attributes: &'a [Name]) -> ColumnNames<'a> {
        let mut meanings = vec![
            ("day".to_owned(), Meaning::Day),
            ("currency".to_owned(), Meaning::Currency),
            ("gross".to_owned(), Meaning::Gross),
        ];
        let meters = terms.meters.iter();
        meanings.extend(meters.map(|name| (name.to_string(), Meaning::Meter(name))));
        let deductions = terms.deductions.iter().map(|deduction| &deduction.kind);
        meanings
            .extend(deductions.map(|kind| (format!("deduction.{kind}"), Meaning::Deduction(kind))));
        let attributes = attributes.iter();
        meanings.extend(attributes.map(|name| (name.to_string(), Meaning::Attribute(name))));
        ColumnNames { meanings }
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
            Meaning::Gross => self.gross = column,
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
