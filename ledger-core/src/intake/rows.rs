//! Usage rows, whatever file format they come from: judged against the terms, collected in blocks.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::intake::columns::Columns;
use crate::intake::findings::Findings;
use crate::intake::findings::Usage;
use crate::intake::findings::encoding_problem;
use crate::intake::nearest::nearest;
use crate::limits::LEDGER_LINES_MAX;
use crate::limits::PARTS_MAX;
use crate::terms::Terms;
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
use crate::vocab::money::parse_decimal;

/// A row as its file gives it.
pub(in crate::intake) trait Row {
    /// The text of a column; empty if the row has none.
    fn text(&self, column: usize) -> &[u8];
    /// Where a column's text begins in the line, in bytes; 0 if it has none.
    fn offset(&self, column: usize) -> usize;
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

/// Judges rows and collects them.
pub(in crate::intake) struct Rows<'a> {
    terms: &'a Terms,
    period: Period,
    columns: Columns,
    /// The columns that make up a key, in a fixed order.
    key_columns: Vec<usize>,
    pub(in crate::intake) findings: Findings,
    builder: BlockBuilder,
    blocks: Vec<LineBlock>,
    lines: u64,
    verdicts: FxHashMap<Box<[u8]>, Verdict>,
    /// The numbers of the keys: several raw keys may mean the same.
    keys: FxHashMap<Key, u32>,
    /// The raw key of the row, each field followed by a byte that UTF-8 never has.
    key: Vec<u8>,
    /// The raw key of the last row whose key was good, and that key.
    previous: Vec<u8>,
    previous_key: u32,
    meters: Vec<Number>,
    deductions: Vec<Number>,
}

/// The key fields of a row, read: day, currency, and one value per attribute column.
type Key = (Date, Currency, Vec<Value>);

const KEY_FIELD_END: u8 = 0xff;

impl<'a> Rows<'a> {
    /// For rows with these columns.
    pub(in crate::intake) fn new(
        terms: &'a Terms,
        period: Period,
        columns: Columns,
        findings: Findings,
    ) -> Rows<'a> {
        let columns = columns.sorted();
        let names =
            |list: &[(Name, usize)]| list.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let attributes = columns.attributes.iter().map(|(_, column)| *column);
        let key_columns = std::iter::once(columns.day).chain(columns.currency);
        Rows {
            terms,
            period,
            key_columns: key_columns.chain(attributes).collect(),
            findings,
            builder: BlockBuilder::new(
                names(&columns.attributes),
                names(&columns.meters),
                names(&columns.deductions),
            ),
            columns,
            blocks: Vec::new(),
            lines: 0,
            verdicts: FxHashMap::default(),
            keys: FxHashMap::default(),
            key: Vec::new(),
            previous: Vec::new(),
            previous_key: 0,
            meters: Vec::new(),
            deductions: Vec::new(),
        }
    }

    /// Counts a row that could not be split into fields, and says why.
    pub(in crate::intake) fn unreadable(
        &mut self,
        number: u64,
        line: &[u8],
        offset: usize,
        problem: impl FnOnce() -> Problem,
    ) {
        self.lines += 1;
        self.findings.add(number, line, offset, problem);
    }

    /// Counts a row whose problems are reported elsewhere.
    pub(in crate::intake) fn skipped(&mut self) {
        self.lines += 1;
    }

    /// Judges a row and takes it in.
    pub(in crate::intake) fn row(&mut self, row: &impl Row) {
        self.lines += 1;
        let before = self.findings.total;
        let key = self.key_of(row);
        let columns = &self.columns;
        let gross = number(&mut self.findings, row, columns.gross, true);
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
        self.key.clear();
        for column in &self.key_columns {
            self.key.extend_from_slice(row.text(*column));
            self.key.push(KEY_FIELD_END);
        }
        if self.key == self.previous {
            return Some(self.previous_key);
        }
        let verdict = match self.verdicts.get(self.key.as_slice()) {
            Some(verdict) => verdict.clone(),
            None => {
                let verdict = match self.judge_key(row) {
                    Ok(key) => Verdict::Good(self.number_of(key)),
                    Err(problems) => Verdict::Bad(problems.into()),
                };
                // Bad keys are remembered only while their problems are kept.
                if matches!(verdict, Verdict::Good(_)) || !self.findings.full() {
                    self.verdicts.insert(self.key.as_slice().into(), verdict.clone());
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

    /// The number of a key in the report.
    fn number_of(&mut self, key: Key) -> u32 {
        if let Some(number) = self.keys.get(&key) {
            return *number;
        }
        let number = self.builder.key(key.0, key.1, key.2.clone());
        self.keys.insert(key, number);
        number
    }

    /// Reads the key fields of a row. Errors: everything that is wrong with them, by column.
    fn judge_key(&self, row: &impl Row) -> Result<Key, Vec<(usize, Problem)>> {
        let mut problems = Vec::new();
        let mut note = |column: usize, problem: Problem| problems.push((column, problem));
        let day = match self.day(row.text(self.columns.day)) {
            Ok(day) => Some(day),
            Err(problem) => {
                note(self.columns.day, problem);
                None
            }
        };
        if let Some(column) = self.columns.currency
            && let Err(problem) = self.currency(row.text(column))
        {
            note(column, problem);
        }
        let mut values = Vec::with_capacity(self.columns.attributes.len());
        for (name, column) in &self.columns.attributes {
            match self.value(name, row.text(*column)) {
                Ok(value) => values.push(value),
                Err(problem) => note(*column, problem),
            }
        }
        if values.len() == self.columns.attributes.len() {
            let named = self.columns.attributes.iter().map(|(name, _)| name.clone());
            let attributes = named.zip(values.iter().cloned());
            let key = LineKey {
                // Rules look at attributes only.
                day: day.unwrap_or(self.terms.starts_on),
                currency: self.terms.currency,
                attributes: attributes.filter(|(_, value)| !value.as_str().is_empty()).collect(),
            };
            if self.terms.rule_for(&key).is_none() {
                let attributes = self.columns.attributes.iter();
                let filled = attributes.clone().find(|(_, column)| !row.text(*column).is_empty());
                let first = filled.or_else(|| attributes.clone().next());
                let column = first.map_or(self.columns.day, |(_, column)| *column);
                note(column, no_rule(&key));
            }
        }
        match day {
            Some(day) if problems.is_empty() => Ok((day, self.terms.currency, values)),
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
            let end = self.terms.ends_on.map(|end| format!(" and ends before {end}"));
            return Err(Problem::new(Code::RowDay, format!("{day} lies outside the agreement"))
                .hint(format!(
                    "the agreement starts on {}{}",
                    self.terms.starts_on,
                    end.unwrap_or_default()
                )));
        }
        Ok(day)
    }

    fn currency(&self, bytes: &[u8]) -> Result<(), Problem> {
        if bytes.is_empty() || bytes == self.terms.currency.bytes() {
            return Ok(());
        }
        let currency = Currency::parse(utf8(bytes)?)?;
        let settlement = self.terms.currency;
        Err(Problem::new(
            Code::RowCurrency,
            format!("the line is in {currency}, and the agreement settles in {settlement}"),
        )
        .hint(format!("convert the line to {settlement} before reporting it")))
    }

    fn value(&self, attribute: &Name, bytes: &[u8]) -> Result<Value, Problem> {
        let value = Value::parse(utf8(bytes)?)?;
        if self.terms.allows(attribute, &value) {
            return Ok(value);
        }
        let allowed = self.terms.attributes.iter();
        let allowed: Vec<&str> = allowed
            .filter(|allowed| allowed.attribute == *attribute)
            .flat_map(|allowed| &allowed.values)
            .map(Value::as_str)
            .collect();
        Err(Problem::new(Code::RowAttribute, format!("`{attribute}` cannot be \"{value}\""))
            .hint(format!("allowed are {}", listed(value.as_str(), &allowed))))
    }

    /// The blocks, or what is wrong.
    pub(in crate::intake) fn finish(mut self) -> Usage {
        if self.lines == 0 && self.findings.total == 0 {
            self.findings.add_for_file(
                Problem::new(Code::ReportEmpty, "the file has no usage lines")
                    .hint("report a period without usage with `--nil`"),
            );
        }
        if self.findings.total == 0 {
            match self.builder.finish() {
                Ok(block) => self.blocks.extend(block),
                Err(why) => self.findings.add_for_file(
                    Problem::new(Code::AmountBounds, format!("the lines cannot be kept: {why}"))
                        .hint("amounts have at most 15 integer and 12 fraction digits"),
                ),
            }
        }
        if self.blocks.len() > PARTS_MAX || self.lines > LEDGER_LINES_MAX {
            self.findings.add_for_file(
                Problem::new(Code::ReportTooLarge, "the file has too many lines for a report")
                    .hint("report the rest as a supplement"),
            );
        }
        if self.findings.total > 0 {
            self.blocks.clear();
        }
        Usage {
            blocks: self.blocks,
            lines: self.lines,
            problems: self.findings.kept,
            problems_total: self.findings.total,
        }
    }
}

/// Reads a number; what is wrong is reported, and counts as zero from there on.
fn number(findings: &mut Findings, row: &impl Row, column: usize, required: bool) -> Number {
    let text = row.text(column);
    if text.is_empty() && !required {
        return (0, 0);
    }
    match parse_decimal(text) {
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

fn no_rule(key: &LineKey) -> Problem {
    let named: Vec<String> =
        key.attributes.iter().map(|(name, value)| format!("{name} \"{value}\"")).collect();
    let what = match named.is_empty() {
        true => "a line without attributes".to_owned(),
        false => named.join(", "),
    };
    Problem::new(Code::RowRule, format!("no rule of the terms matches {what}"))
        .hint("correct the attributes, or amend the terms with a rule for them")
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
