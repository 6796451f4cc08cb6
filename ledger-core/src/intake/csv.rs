//! Usage as CSV: RFC 4180 in UTF-8, with a header.
//!
//! Split by hand, and more strictly than CSV readers commonly do: a stray quote, a quote that is
//! never closed, an empty line and a row with another number of fields are refused, because each
//! of them can move an amount into another column. No value of a usage file holds a line break,
//! so a row is a line, and one broken row does not hide the problems of the next.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "places in a line, which is at most `USAGE_LINE_LEN_MAX` bytes"
)]

use std::io::Read;

use crate::intake::columns::ColumnNames;
use crate::intake::columns::Columns;
use crate::intake::columns::Meaning;
use crate::intake::findings::Findings;
use crate::intake::findings::Usage;
use crate::intake::findings::UsageRead;
use crate::intake::findings::encoding_problem;
use crate::intake::findings::read_problem;
use crate::intake::lines::Chunks;
use crate::intake::lines::Line;
use crate::intake::reading::Blocks;
use crate::intake::reading::LineReader;
use crate::intake::reading::Standard;
use crate::intake::reading::collected;
use crate::intake::reading::read_lines;
use crate::intake::rows::Row;
use crate::intake::rows::Rows;
use crate::limits::USAGE_LINE_LEN_MAX;
use crate::terms::TermsByDay;
use crate::vocab::Code;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::to_usize;

/// Reads usage of a period from CSV and judges every row against the terms in force on its day.
///
/// `path` is how messages name the file. Every problem is reported with its line and column; with
/// a problem there are no blocks.
pub fn read_csv(path: &str, source: impl Read, terms: &TermsByDay, period: Period) -> Usage {
    collected(|blocks| read_csv_blocks(path, source, (terms, period), blocks))
}

/// Likewise, and hands every block on as it comes; with a problem, nothing of what was handed on
/// may be recorded. Errors: those of `blocks`.
pub fn read_csv_blocks<T: Send, E>(
    path: &str,
    source: impl Read,
    judged_by: (&TermsByDay, Period),
    blocks: Blocks<T, E>,
) -> Result<UsageRead, E> {
    read_chunks(path, Chunks::new(source), judged_by, blocks)
}

pub(in crate::intake) fn read_chunks<T: Send, E>(
    path: &str,
    mut chunks: Chunks<impl Read>,
    (terms, period): (&TermsByDay, Period),
    mut blocks: Blocks<T, E>,
) -> Result<UsageRead, E> {
    let mut fields = Fields::default();
    let mut findings = Findings::new(path);
    let columns = match chunks.next(Vec::new(), 1) {
        Err(error) => {
            findings.add_for_file(read_problem(&error));
            None
        }
        Ok(first) => match first.as_ref().and_then(|chunk| chunk.lines().next()) {
            None => {
                findings.add(1, b"", 0, || {
                    Problem::new(Code::CsvHeader, "the file is empty")
                        .hint("the first line names the columns: day, gross, …")
                });
                None
            }
            Some(line) => header(&line, &mut fields, terms, &mut findings),
        },
    };
    let Some(columns) = columns else { return Ok(findings.of(0)) };
    let width = fields.cells.len();
    let standard = Standard { path, terms, period, columns };
    let reader = || CsvReader { fields: Fields::default(), width };
    read_lines(chunks, &standard, &reader, &mut blocks, findings)
}

/// Reads rows that have as many fields as the header.
struct CsvReader {
    fields: Fields,
    width: usize,
}

impl LineReader for CsvReader {
    fn line(&mut self, line: &Line, rows: &mut Rows) {
        match self.fields.split(line, self.width) {
            Ok(()) => {
                rows.row(&CsvRow { number: line.number, line: line.bytes, fields: &self.fields });
            }
            Err(broken) => rows.findings.add(line.number, line.bytes, broken.offset, || {
                Problem::new(Code::CsvRow, broken.message).hint(broken.hint)
            }),
        }
    }
}

/// Reads the header; `None` if rows cannot be judged by it.
fn header(
    line: &Line,
    fields: &mut Fields,
    terms: &TermsByDay,
    findings: &mut Findings,
) -> Option<Columns> {
    if let Err(broken) = fields.split(line, 0) {
        findings.add(line.number, line.bytes, broken.offset, || {
            Problem::new(Code::CsvHeader, broken.message).hint(broken.hint)
        });
        return None;
    }
    let attributes = ColumnNames::attributes(terms);
    let names = ColumnNames::new(terms, &attributes);
    let mut columns = Columns::default();
    let mut seen: Vec<Meaning> = Vec::with_capacity(fields.cells.len());
    for (column, cell) in fields.cells.iter().enumerate() {
        let mut refuse = |problem: Problem| {
            findings.add(line.number, line.bytes, cell.offset(), || problem);
        };
        let Ok(name) = std::str::from_utf8(fields.text(line.bytes, column)) else {
            refuse(encoding_problem());
            continue;
        };
        match names.meaning(name) {
            None => refuse(unknown_column(name, &names)),
            Some(meaning) if seen.contains(&meaning) => refuse(
                Problem::new(Code::CsvHeader, format!("there are two columns `{name}`"))
                    .hint("keep one of them"),
            ),
            Some(meaning) => {
                seen.push(meaning);
                columns.set(meaning, column);
            }
        }
    }
    let mut complete = true;
    let priced = terms.iter().any(|terms| terms.is_priced_base());
    for (name, meaning) in [("day", Meaning::Day), ("gross", Meaning::Gross)] {
        let needed = meaning == Meaning::Day || !priced;
        if needed && !seen.contains(&meaning) {
            complete = false;
            findings.add(line.number, line.bytes, 0, || {
                Problem::new(Code::CsvHeader, format!("there is no column `{name}`")).hint(
                    match priced {
                        true => "every usage file has the column `day`",
                        false => "every usage file has the columns `day` and `gross`",
                    },
                )
            });
        }
    }
    complete.then_some(columns)
}

fn unknown_column(name: &str, names: &ColumnNames) -> Problem {
    let hint = match name.contains([';', '\t', '|', '\r']) {
        true => "columns are separated by commas, and lines end with LF or CRLF".to_owned(),
        false => names.hint(name),
    };
    Problem::new(Code::CsvHeader, format!("the terms know no column `{}`", name.escape_debug()))
        .hint(hint)
}

/// A row of a CSV file.
struct CsvRow<'a> {
    number: u64,
    line: &'a [u8],
    fields: &'a Fields,
}

impl Row for CsvRow<'_> {
    fn text(&self, column: usize) -> &[u8] {
        self.fields.text(self.line, column)
    }

    fn offset(&self, column: usize) -> usize {
        self.fields.cells.get(column).map_or(0, Cell::offset)
    }

    fn span(&self, first: usize, last: usize) -> Option<&[u8]> {
        let (first, last) = (self.fields.cells.get(first)?, self.fields.cells.get(last)?);
        self.line.get(first.offset()..last.line_end()?)
    }

    fn line(&self) -> &[u8] {
        self.line
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// The fields of one line.
#[derive(Default)]
struct Fields {
    cells: Vec<Cell>,
    /// The texts of fields that hold doubled quotes, with single ones.
    unquoted: Vec<u8>,
}

/// Where the text of a field lies. A line is shorter than 4 GiB.
#[derive(Clone, Copy)]
struct Cell {
    start: u32,
    end: u32,
    kind: CellKind,
}

#[derive(Clone, Copy)]
enum CellKind {
    /// Bytes of the line.
    Plain,
    /// Bytes of the line between quotes.
    Quoted,
    /// Bytes of [`Fields::unquoted`]; the field begins at this byte of the line.
    Unquoted(u32),
}

/// Why a line is no row of the file.
struct Broken {
    offset: usize,
    message: String,
    hint: &'static str,
}

impl Cell {
    /// Where the field begins in the line.
    fn offset(&self) -> usize {
        match self.kind {
            CellKind::Plain => to_usize(self.start),
            CellKind::Quoted => to_usize(self.start) - 1,
            CellKind::Unquoted(offset) => to_usize(offset),
        }
    }

    /// Where the field ends in the line, up to the quote; `None` if its text does not lie there.
    fn line_end(&self) -> Option<usize> {
        match self.kind {
            CellKind::Plain | CellKind::Quoted => Some(to_usize(self.end)),
            CellKind::Unquoted(_) => None,
        }
    }
}

impl Fields {
    /// The text of a field.
    fn text<'a>(&'a self, line: &'a [u8], column: usize) -> &'a [u8] {
        let Some(cell) = self.cells.get(column) else {
            return b"";
        };
        let bytes = match cell.kind {
            CellKind::Plain | CellKind::Quoted => line,
            CellKind::Unquoted(_) => &self.unquoted,
        };
        bytes.get(to_usize(cell.start)..to_usize(cell.end)).unwrap_or_default()
    }

    fn push(&mut self, start: usize, end: usize, kind: CellKind) {
        let (start, end) = (short(start), short(end));
        self.cells.push(Cell { start, end, kind });
    }

    /// Splits a line into as many fields as the header has (`width`; any number if 0).
    fn split(&mut self, line: &Line, width: usize) -> Result<(), Broken> {
        let broken =
            |offset, message: &str, hint| Broken { offset, message: message.to_owned(), hint };
        if line.too_long {
            return Err(Broken {
                offset: 0,
                message: format!("the line is longer than {USAGE_LINE_LEN_MAX} bytes"),
                hint: "a line has a few columns of at most 256 bytes; is its end missing?",
            });
        }
        if line.bytes.is_empty() {
            return Err(broken(0, "the line is empty", "remove the line"));
        }
        self.cells.clear();
        self.unquoted.clear();
        self.split_fields(line.bytes)?;
        if width > 0 && self.cells.len() != width {
            let excess = self.cells.get(width).map_or(line.bytes.len(), Cell::offset);
            return Err(Broken {
                offset: excess,
                message: format!(
                    "the row has {} fields, and the header has {width}",
                    self.cells.len()
                ),
                hint: "put fields that hold a comma in double quotes",
            });
        }
        Ok(())
    }

    fn split_fields(&mut self, line: &[u8]) -> Result<(), Broken> {
        const STRAY: &str =
            "a field that holds a quote is in quotes, and doubles it: \"a \"\"b\"\"\"";
        let broken =
            |offset, message: &str, hint| Err(Broken { offset, message: message.to_owned(), hint });
        let mut start = 0;
        loop {
            let end = if line.get(start) == Some(&b'"') {
                let close = self.quoted_field(line, start);
                let Some(close) = close else {
                    return broken(
                        start,
                        "a quote is opened and not closed on its line",
                        "close the quote; no value of a usage file holds a line break",
                    );
                };
                close + 1
            } else {
                let end = separator(line, start);
                self.push(start, end, CellKind::Plain);
                end
            };
            match line.get(end) {
                None => return Ok(()),
                Some(b',') => start = end + 1,
                Some(b'"') if end > start && line.get(start) != Some(&b'"') => {
                    return broken(end, "a quote stands inside a field without quotes", STRAY);
                }
                Some(_) => return broken(end, "text follows a closing quote", STRAY),
            }
        }
    }

    /// Takes in a field whose opening quote is at `open`. The place of the closing quote; `None`
    /// if there is none.
    fn quoted_field(&mut self, line: &[u8], open: usize) -> Option<usize> {
        let begin = self.unquoted.len();
        let mut doubled = false;
        let mut from = open + 1;
        loop {
            let rest = line.get(from..)?;
            let quote = from + rest.iter().position(|byte| *byte == b'"')?;
            self.unquoted.extend_from_slice(line.get(from..quote)?);
            if line.get(quote + 1) == Some(&b'"') {
                doubled = true;
                self.unquoted.push(b'"');
                from = quote + 2;
                continue;
            }
            if doubled {
                let end = self.unquoted.len();
                self.push(begin, end, CellKind::Unquoted(short(open)));
            } else {
                self.unquoted.truncate(begin);
                self.push(open + 1, quote, CellKind::Quoted);
            }
            return Some(quote);
        }
    }
}

/// A place in a line, in half the memory.
#[expect(clippy::as_conversions, reason = "a line is at most `USAGE_LINE_LEN_MAX` bytes")]
fn short(at: usize) -> u32 {
    at as u32
}

/// The first comma or quote from a place on, or the end of the line. Eight bytes at a time: fields
/// are so short that a general search costs more to begin than it saves, and a loop over bytes was
/// a fifth of the time of an import.
fn separator(line: &[u8], mut at: usize) -> usize {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit set marks the first byte that equals the wanted one (Mycroft's test for a zero
    // byte: bits above the first may be wrong).
    let marks = |word: u64, wanted: u8| {
        let zero_where_equal = word ^ u64::from_le_bytes([wanted; 8]);
        zero_where_equal.wrapping_sub(LOW) & !zero_where_equal & HIGH
    };
    while let Some(bytes) = line.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*bytes);
        let found = marks(word, b',') | marks(word, b'"');
        if found != 0 {
            return at + to_usize(found.trailing_zeros() / 8);
        }
        at += 8;
    }
    let rest = line.get(at..).unwrap_or_default().iter();
    at + rest.take_while(|byte| !matches!(byte, b',' | b'"')).count()
}
