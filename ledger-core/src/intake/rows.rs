//! Usage rows, whatever file format they come from: judged against the terms, collected in blocks.

use std::hash::BuildHasher;
use std::ops::Range;
use std::rc::Rc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use rustc_hash::FxHashMap;

use crate::intake::columns::Columns;
use crate::intake::findings::Findings;
use crate::intake::findings::encoding_problem;
use crate::intake::nearest::nearest;
use crate::terms::Admission;
use crate::terms::TermsByDay;
use crate::usage::BlockBuilder;
use crate::usage::LineBlock;
use crate::usage::LineKey;
use crate::usage::builder::Number;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Value;
use crate::vocab::money::decimal_problem;
use crate::vocab::money::parse_digits;
use crate::vocab::text::check_typed;

/// A row as its file gives it.
pub(in crate::intake) trait Row {
    /// The text of a column; empty if the row has none.
    fn text(&self, column: usize) -> &[u8];
    /// Where a column's text begins in the line, in bytes; 0 if it has none.
    fn offset(&self, column: usize) -> usize;
    /// The bytes of neighbouring columns as they stand in the line, if it has them side by side;
    /// equal bytes have equal texts in each column.
    fn span(&self, first: usize, last: usize) -> Option<&[u8]>;
    /// The line, to be shown.
    fn line(&self) -> &[u8];
    /// The number of the line, from 1.
    fn number(&self) -> u64;
}

/// What the key fields of a row come to, once per distinct key of the file.
#[derive(Clone)]
enum Verdict {
    /// The key's number in the report.
    Good(u32),
    /// What is wrong, by column.
    Bad(Rc<[(usize, Problem)]>),
}

/// What the terms of a key's day refuse in the columns beside the key.
struct Watch {
    /// Whether gross is to be there.
    gross: bool,
    /// Positions among the meter columns, with why they hold nothing but zero.
    meters: Vec<(usize, Problem)>,
    /// Likewise of deductions.
    deductions: Vec<(usize, Problem)>,
}

/// What rows came to: their blocks, or what is wrong with them.
pub(in crate::intake) struct RowsRead {
    pub(in crate::intake) blocks: Vec<LineBlock>,
    pub(in crate::intake) findings: Findings,
}

/// Judges rows and collects them.
pub(in crate::intake) struct Rows<'a> {
    terms: &'a TermsByDay<'a>,
    /// What the terms of each stretch of the period admit.
    stretches: Vec<Admission<'a>>,
    /// Whether every line has a gross amount, whatever its day.
    gross_required: bool,
    period: Period,
    columns: Columns,
    /// The columns that make up a key, in a fixed order.
    key_columns: Vec<usize>,
    /// The first and the last of them, if no other column lies between.
    key_span: Option<(usize, usize)>,
    pub(in crate::intake) findings: Findings,
    builder: BlockBuilder,
    blocks: Vec<LineBlock>,
    /// By raw key. Several may mean the same key.
    verdicts: Verdicts,
    /// Keys for which some columns may not be filled, or gross may not be left out. Empty where
    /// one version of the terms holds for the whole period and the base is gross.
    watched: FxHashMap<u32, Rc<Watch>>,
    /// The raw key of the row: its columns as they stand in the line, or their texts, each followed
    /// by a byte that UTF-8 never has.
    key: Vec<u8>,
    /// The raw key of the last row whose key was good, and that key.
    previous: Vec<u8>,
    previous_key: u32,
    /// The values of the row's attributes.
    values: Vec<Value>,
    meters: Vec<Number>,
    deductions: Vec<Number>,
}

const KEY_FIELD_END: u8 = 0xff;

/// Verdicts by raw key: a table, and the keys one behind the other, without an allocation for each.
#[derive(Default)]
struct Verdicts {
    bytes: Vec<u8>,
    /// The hash of each key, where it lies, and its verdict.
    found: HashTable<(u64, Range<usize>, Verdict)>,
}

impl Verdicts {
    fn get(&self, key: &[u8]) -> Option<&Verdict> {
        let is_same =
            |(_, at, _): &(u64, Range<usize>, Verdict)| self.bytes.get(at.clone()) == Some(key);
        self.found.find(FxBuildHasher.hash_one(key), is_same).map(|(.., verdict)| verdict)
    }

    /// Notes the verdict of a key that has none.
    fn insert(&mut self, key: &[u8], verdict: Verdict) {
        let (hash, start) = (FxBuildHasher.hash_one(key), self.bytes.len());
        self.bytes.extend_from_slice(key);
        let entry = (hash, start..self.bytes.len(), verdict);
        self.found.insert_unique(hash, entry, |(hash, ..)| *hash);
    }
}

impl<'a> Rows<'a> {
    /// For rows with these columns.
    pub(in crate::intake) fn new(
        terms: &'a TermsByDay<'a>,
        period: Period,
        columns: &Columns,
        path: &str,
    ) -> Rows<'a> {
        let columns = columns.clone().sorted();
        let names =
            |list: &[(Name, usize)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let attributes = columns.attributes.iter().map(|(_, column)| *column);
        let key_columns = std::iter::once(columns.day).chain(columns.currency).chain(attributes);
        let key_columns: Vec<usize> = key_columns.collect();
        let (first, last) = (key_columns.iter().min(), key_columns.iter().max());
        let key_span = first.zip(last).map(|(first, last)| (*first, *last));
        Rows {
            terms,
            stretches: terms.iter().map(|of| Admission::new(of, terms.level())).collect(),
            gross_required: !terms.iter().any(|terms| terms.is_priced_base()),
            period,
            key_span: key_span.filter(|(first, last)| {
                last.abs_diff(*first) == key_columns.len().saturating_sub(1)
            }),
            key_columns,
            findings: Findings::new(path),
            builder: BlockBuilder::new(
                names(&columns.attributes),
                names(&columns.meters),
                names(&columns.deductions),
            ),
            columns,
            blocks: Vec::new(),
            verdicts: Verdicts::default(),
            watched: FxHashMap::default(),
            key: Vec::new(),
            previous: Vec::new(),
            previous_key: 0,
            values: Vec::new(),
            meters: Vec::new(),
            deductions: Vec::new(),
        }
    }

    /// Judges a row and takes it in.
    pub(in crate::intake) fn row(&mut self, row: &impl Row) {
        let before = self.findings.total;
        let key = self.key_of(row);
        let columns = &self.columns;
        let gross = match columns.gross {
            Some(column) => number(&mut self.findings, row, column, self.gross_required),
            None => (0, 0),
        };
        self.meters.clear();
        for (_, column) in &columns.meters {
            let quantity = number(&mut self.findings, row, *column, false);
            self.meters.push(quantity);
        }
        self.deductions.clear();
        for (_, column) in &columns.deductions {
            let amount = number(&mut self.findings, row, *column, false);
            self.deductions.push(amount);
        }
        if let Some(key) = key
            && !self.watched.is_empty()
            && let Some(watch) = self.watched.get(&key)
        {
            watch.judge(&mut self.findings, row, columns, (&self.meters, &self.deductions));
        }
        if self.findings.total > before {
            self.findings.sort_line(row.number());
        }
        // With a problem anywhere nothing is recorded, so nothing more is kept.
        let Some(key) = key.filter(|_| self.findings.total == 0) else {
            return;
        };
        match self.builder.line(key, gross, &self.meters, &self.deductions) {
            Ok(None) => {}
            Ok(Some(block)) => self.blocks.push(block),
            Err(why) => self.findings.add(row.number(), row.line(), 0, || {
                Problem::new(Code::AmountBounds, format!("the row cannot be kept: {why}"))
                    .hint("amounts have at most 15 integer and 12 fraction digits")
            }),
        }
    }

    /// The key of a row; `None` if something is wrong with it, which is reported.
    fn key_of(&mut self, row: &impl Row) -> Option<u32> {
        let span = self.key_span.and_then(|(first, last)| row.span(first, last));
        self.key.clear();
        // So that the bytes of one kind are never taken for the other's.
        self.key.push(u8::from(span.is_some()));
        match span {
            Some(span) => self.key.extend_from_slice(span),
            None => {
                for column in &self.key_columns {
                    self.key.extend_from_slice(row.text(*column));
                    self.key.push(KEY_FIELD_END);
                }
            }
        }
        if self.key == self.previous {
            return Some(self.previous_key);
        }
        let verdict = match self.verdicts.get(&self.key) {
            Some(verdict) => verdict.clone(),
            None => {
                let verdict = match self.judge_key(row) {
                    Ok((day, currency)) => Verdict::Good(self.number_of(day, currency)),
                    Err(problems) => Verdict::Bad(problems.into()),
                };
                // Bad keys are remembered only while their problems are kept.
                if matches!(verdict, Verdict::Good(_)) || !self.findings.full() {
                    self.verdicts.insert(&self.key, verdict.clone());
                }
                verdict
            }
        };
        match verdict {
            Verdict::Good(key) => {
                std::mem::swap(&mut self.key, &mut self.previous);
                self.previous_key = key;
                Some(key)
            }
            Verdict::Bad(problems) => {
                for (column, problem) in problems.iter() {
                    let offset = row.offset(*column);
                    self.findings.add(row.number(), row.line(), offset, || problem.clone());
                }
                None
            }
        }
    }

    /// The number of the key with the row's values.
    fn number_of(&mut self, day: Date, currency: Currency) -> u32 {
        let known = self.builder.keys();
        let number = self.builder.key(day, currency, &self.values);
        if number == known
            && let Some(watch) = self.watch(day, currency)
        {
            self.watched.insert(number, Rc::new(watch));
        }
        number
    }

    /// What is refused beside a key; `None` if nothing is.
    fn watch(&self, day: Date, currency: Currency) -> Option<Watch> {
        if self.gross_required && self.stretches.len() == 1 {
            // One version of the terms declares every column, and asks for no price.
            return None;
        }
        let admission = self.stretches.get(self.terms.stretch(day))?;
        let key = self.line_key(day, currency);
        let meters = self.columns.meters.iter().enumerate();
        let deductions = self.columns.deductions.iter().enumerate();
        let watch = Watch {
            gross: !self.gross_required && !admission.terms().is_priced_base(),
            meters: meters
                .filter_map(|(at, (name, _))| Some((at, admission.meter(&key, name).err()?)))
                .collect(),
            deductions: deductions
                .filter_map(|(at, (kind, _))| Some((at, admission.deduction(kind).err()?)))
                .collect(),
        };
        let needed = watch.gross || !watch.meters.is_empty() || !watch.deductions.is_empty();
        needed.then_some(watch)
    }

    /// A key with the row's attributes by name; absent ones are left out.
    fn line_key(&self, day: Date, currency: Currency) -> LineKey {
        let named = self.columns.attributes.iter().zip(&self.values);
        let present = named.filter(|(_, value)| !value.as_str().is_empty());
        let attributes = present.map(|((name, _), value)| (name.clone(), value.clone()));
        LineKey { day, currency, attributes: attributes.collect() }
    }

    /// Reads the key fields of a row. Errors: everything that is wrong with them, by column.
    fn judge_key(&mut self, row: &impl Row) -> Result<(Date, Currency), Vec<(usize, Problem)>> {
        let mut problems = Vec::new();
        let mut note = |column: usize, problem: Problem| problems.push((column, problem));
        let day = match self.day(row.text(self.columns.day)) {
            Ok(day) => Some(day),
            Err(problem) => {
                note(self.columns.day, problem);
                None
            }
        };
        let mut currency = self.terms.currency();
        if let Some(column) = self.columns.currency {
            match self.currency(row.text(column)) {
                Ok(of_line) => currency = of_line,
                Err(problem) => note(column, problem),
            }
        }
        // What an unknown day's terms allow is known only if there is one version of them.
        let admission = match (day, self.stretches.as_slice()) {
            (Some(day), stretches) => stretches.get(self.terms.stretch(day)),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        self.values.clear();
        for (name, column) in &self.columns.attributes {
            match value(admission, name, row.text(*column)) {
                Ok(value) => self.values.push(value),
                Err(problem) => note(*column, problem),
            }
        }
        if let Some(admission) = admission
            && self.values.len() == self.columns.attributes.len()
        {
            // Rules look at attributes only.
            let key = self.line_key(day.unwrap_or(self.terms.starts_on()), currency);
            if let Err(problem) = admission.rule(&key) {
                let attributes = self.columns.attributes.iter();
                let filled = attributes.clone().find(|(_, column)| !row.text(*column).is_empty());
                let first = filled.or_else(|| attributes.clone().next());
                let column = first.map_or(self.columns.day, |(_, column)| *column);
                note(column, problem);
            }
        }
        match day {
            Some(day) if problems.is_empty() => Ok((day, currency)),
            _ => Err(problems),
        }
    }

    fn day(&self, bytes: &[u8]) -> Result<Date, Problem> {
        if bytes.is_empty() {
            return Err(Problem::new(Code::RowMissing, "the line has no day")
                .hint("every line has the `day` of the usage, as YYYY-MM-DD"));
        }
        let day = Date::parse(utf8(bytes)?)?;
        if !self.period.holds(day) {
            return Err(Problem::new(
                Code::RowDay,
                format!("{day} lies outside the period {}", self.period),
            )
            .hint(format!(
                "the period runs from {} to {}; report other days in their own period",
                self.period.first_day(),
                self.period.last_day()
            )));
        }
        if !self.terms.covers(day) {
            let end = self.terms.ends_on().map(|end| format!(" and ends before {end}"));
            return Err(Problem::new(Code::RowDay, format!("{day} lies outside the agreement"))
                .hint(format!(
                    "the agreement starts on {}{}",
                    self.terms.starts_on(),
                    end.unwrap_or_default()
                )));
        }
        Ok(day)
    }

    fn currency(&self, bytes: &[u8]) -> Result<Currency, Problem> {
        let settlement = self.terms.currency();
        if bytes.is_empty() || bytes == settlement.bytes() {
            return Ok(settlement);
        }
        let currency = Currency::parse(utf8(bytes)?)?;
        match self.stretches.first() {
            // No version of the terms changes what the ledger's level admits.
            Some(admission) => admission.currency(currency).map(|()| currency),
            None => Ok(currency),
        }
    }

    /// The blocks of the rows since the last ones, in order; or what is wrong.
    pub(in crate::intake) fn finish(mut self) -> RowsRead {
        if self.findings.total == 0 {
            match self.builder.finish() {
                Ok(block) => self.blocks.extend(block),
                Err(why) => self.findings.add_for_file(
                    Problem::new(Code::AmountBounds, format!("the lines cannot be kept: {why}"))
                        .hint("amounts have at most 15 integer and 12 fraction digits"),
                ),
            }
        }
        if self.findings.total > 0 {
            self.blocks.clear();
        }
        RowsRead { blocks: self.blocks, findings: self.findings }
    }
}

impl Watch {
    /// Refuses what a row has in columns that its key does not allow.
    fn judge(
        &self,
        findings: &mut Findings,
        row: &impl Row,
        columns: &Columns,
        (meters, deductions): (&[Number], &[Number]),
    ) {
        let gross = columns.gross.map(|column| (column, row.text(column)));
        if self.gross && gross.is_none_or(|(_, text)| text.is_empty()) {
            let offset = gross.map_or(0, |(column, _)| row.offset(column));
            findings.add(row.number(), row.line(), offset, || number_problem(b"", ""));
        }
        let columns = [
            (&self.meters, meters, &columns.meters),
            (&self.deductions, deductions, &columns.deductions),
        ];
        for (refused, numbers, columns) in columns {
            for (at, problem) in refused {
                let (Some((mantissa, _)), Some((_, column))) = (numbers.get(*at), columns.get(*at))
                else {
                    continue;
                };
                if *mantissa != 0 {
                    let offset = row.offset(*column);
                    findings.add(row.number(), row.line(), offset, || problem.clone());
                }
            }
        }
    }
}

/// Reads a number; what is wrong is reported, and counts as zero from there on.
fn number(findings: &mut Findings, row: &impl Row, column: usize, required: bool) -> Number {
    let text = row.text(column);
    if text.is_empty() && !required {
        return (0, 0);
    }
    match parse_digits(text) {
        Ok(number) => number,
        Err(why) => {
            findings
                .add(row.number(), row.line(), row.offset(column), || number_problem(text, why));
            (0, 0)
        }
    }
}

fn number_problem(text: &[u8], why: &str) -> Problem {
    if text.is_empty() {
        return Problem::new(Code::RowMissing, "the line has no gross amount")
            .hint("write \"0\" if nothing was earned");
    }
    match utf8(text) {
        Ok(text) => decimal_problem(text, why),
        Err(problem) => problem,
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| encoding_problem())
}

/// Reads the value of an attribute; without terms, as a text that may stand on a ledger.
fn value(admission: Option<&Admission>, attribute: &Name, bytes: &[u8]) -> Result<Value, Problem> {
    let value = Value::parse(utf8(bytes)?)?;
    let Some(admission) = admission else {
        return check_typed(value.as_str()).map(|()| value);
    };
    let typed = check_typed(value.as_str());
    match admission.attribute(attribute, &value) {
        // A value that the terms list is that one, however it looks.
        Ok(()) if admission.lists(attribute) => Ok(value),
        Ok(()) => typed.map(|()| value),
        Err(problem) if problem.code == Code::RowAttribute => {
            typed?;
            let allowed = admission.terms().attributes.iter();
            let allowed: Vec<&str> = allowed
                .filter(|allowed| allowed.attribute == *attribute)
                .flat_map(|allowed| &allowed.values)
                .map(Value::as_str)
                .collect();
            Err(problem.hint(format!("allowed are {}", listed(value.as_str(), &allowed))))
        }
        Err(problem) => Err(problem),
    }
}

/// Allowed values for a hint: the nearest first, and not too many.
fn listed(value: &str, allowed: &[&str]) -> String {
    const LISTED_MAX: usize = 8;
    let near = nearest(value, allowed.iter().copied());
    let others = allowed.iter().copied().filter(|other| Some(*other) != near);
    let mut shown: Vec<&str> = near.into_iter().chain(others).take(LISTED_MAX).collect();
    if allowed.len() > LISTED_MAX {
        shown.push("…");
    }
    shown.join(", ")
}
