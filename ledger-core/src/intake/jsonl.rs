//! Usage as JSON Lines: one flat object a line, the names of the CSV columns, every value a
//! string. A JSON number has passed through somebody's float already, so it is refused.

#![expect(clippy::arithmetic_side_effects, reason = "counts of what one line holds")]

use std::fmt;
use std::io::Read;

use rustc_hash::FxHashMap;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::intake::columns::ColumnNames;
use crate::intake::columns::Columns;
use crate::intake::findings::Findings;
use crate::intake::findings::Usage;
use crate::intake::findings::UsageRead;
use crate::intake::findings::encoding_problem;
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

/// Reads usage of a period from JSON Lines and judges every line against the terms in force on its
/// day.
///
/// `path` is how messages name the file. Every problem is reported with its line and column; with
/// a problem there are no blocks.
pub fn read_jsonl(path: &str, source: impl Read, terms: &TermsByDay, period: Period) -> Usage {
    collected(|blocks| read_jsonl_blocks(path, source, (terms, period), blocks))
}

/// Likewise, and hands every block on as it comes; with a problem, nothing of what was handed on
/// may be recorded. Errors: those of `blocks`.
pub fn read_jsonl_blocks<T: Send, E>(
    path: &str,
    source: impl Read,
    (terms, period): (&TermsByDay, Period),
    mut blocks: Blocks<T, E>,
) -> Result<UsageRead, E> {
    let attributes = ColumnNames::attributes(terms);
    let names = ColumnNames::new(terms, &attributes);
    let mut columns = Columns::default();
    let mut places = FxHashMap::<Box<str>, usize>::default();
    for (column, name) in names.iter().enumerate() {
        if let Some(meaning) = names.meaning(name) {
            columns.set(meaning, column);
            places.insert(name.into(), column);
        }
    }
    let standard = Standard { path, terms, period, columns };
    let reader = || JsonReader {
        names: &names,
        object: Object {
            cells: vec![None; places.len()],
            columns: places.clone(),
            text: Vec::new(),
            entries: 0,
            faults: Vec::new(),
        },
    };
    read_lines(Chunks::new(source), &standard, &reader, &mut blocks, Findings::new(path))
}

/// Reads rows that are objects.
struct JsonReader<'a> {
    names: &'a ColumnNames<'a>,
    object: Object,
}

impl LineReader for JsonReader<'_> {
    fn line(&mut self, line: &Line, rows: &mut Rows) {
        let object = &mut self.object;
        match object.read(line) {
            Err(broken) => {
                let (offset, problem) = *broken;
                rows.findings.add(line.number, line.bytes, offset, || problem);
            }
            Ok(()) if object.faults.is_empty() => {
                rows.row(&JsonRow { number: line.number, line: line.bytes, object });
            }
            Ok(()) => {
                let offsets = entry_offsets(line.bytes);
                for fault in &object.faults {
                    let (name, value) = offsets.get(fault.entry).copied().unwrap_or_default();
                    let offset = if fault.at_value { value } else { name };
                    let problem = || fault.problem(self.names);
                    rows.findings.add(line.number, line.bytes, offset, problem);
                }
            }
        }
    }
}

/// The object of a line. Texts of its values lie one after another, without an allocation each.
struct Object {
    columns: FxHashMap<Box<str>, usize>,
    cells: Vec<Option<Cell>>,
    text: Vec<u8>,
    /// Entries read so far.
    entries: usize,
    faults: Vec<Fault>,
}

/// A value of a known name.
#[derive(Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    /// Which entry of the object it is.
    entry: usize,
}

/// An entry that no row may have.
struct Fault {
    entry: usize,
    at_value: bool,
    name: String,
    kind: FaultKind,
}

#[derive(Clone, Copy)]
enum FaultKind {
    UnknownName,
    DuplicateName,
    /// The value is this instead of a string.
    NoString(&'static str),
}

impl Fault {
    fn problem(&self, names: &ColumnNames) -> Problem {
        let name = self.name.escape_debug();
        let (message, hint) = match self.kind {
            FaultKind::UnknownName => {
                (format!("the terms know no name `{name}`"), names.hint(&self.name))
            }
            FaultKind::DuplicateName => (
                format!("the name `{name}` stands twice in the line"),
                "keep one of them".to_owned(),
            ),
            FaultKind::NoString(kind) => (
                format!("the value of `{name}` is {kind}, and should be a string"),
                "put it in quotes: \"12.50\"; leave the name out if there is no value".to_owned(),
            ),
        };
        Problem::new(Code::JsonRow, message).hint(hint)
    }
}

impl Object {
    /// Reads a line. Errors: why it is no JSON object, and at which byte.
    fn read(&mut self, line: &Line) -> Result<(), Box<(usize, Problem)>> {
        let refuse = |offset: usize, message: String, hint: &str| {
            Err(Box::new((offset, Problem::new(Code::JsonRow, message).hint(hint))))
        };
        if line.too_long {
            let message = format!("the line is longer than {USAGE_LINE_LEN_MAX} bytes");
            return refuse(0, message, "write one object on each line");
        }
        if line.bytes.iter().all(|byte| byte.is_ascii_whitespace()) {
            return refuse(0, "the line is empty".to_owned(), "remove the line");
        }
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(error) => return Err(Box::new((error.valid_up_to(), encoding_problem()))),
        };
        self.cells.fill(None);
        self.text.clear();
        self.entries = 0;
        self.faults.clear();
        let mut json = serde_json::Deserializer::from_str(text);
        let read = ObjectSeed(self).deserialize(&mut json).and_then(|()| json.end());
        match read {
            Ok(()) => Ok(()),
            Err(error) => {
                // Columns of serde_json count bytes from 1; at the end of the text, from 0.
                let offset = error.column().saturating_sub(1);
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default();
                let message = format!("the line is not a JSON object: {}", what.escape_debug());
                let hint = "write one flat object a line: {\"day\": \"2026-06-01\", …}";
                refuse(offset, message, hint)
            }
        }
    }
}

/// A line of a JSON Lines file.
struct JsonRow<'a> {
    number: u64,
    line: &'a [u8],
    object: &'a Object,
}

impl Row for JsonRow<'_> {
    fn text(&self, column: usize) -> &[u8] {
        let cell = self.object.cells.get(column).copied().flatten();
        cell.and_then(|cell| self.object.text.get(cell.start..cell.end)).unwrap_or_default()
    }

    fn offset(&self, column: usize) -> usize {
        let cell = self.object.cells.get(column).copied().flatten();
        let entry = cell.and_then(|cell| entry_offsets(self.line).get(cell.entry).copied());
        entry.map_or(0, |(_, value)| value)
    }

    fn span(&self, _: usize, _: usize) -> Option<&[u8]> {
        None
    }

    fn line(&self) -> &[u8] {
        self.line
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// Where the names and the values of an object begin in its line, entry by entry. The line is
/// JSON; of anything else the result means nothing.
fn entry_offsets(line: &[u8]) -> Vec<(usize, usize)> {
    let mut entries = Vec::new();
    let mut depth = 0u32;
    let (mut in_string, mut escaped) = (false, false);
    let mut name: Option<usize> = None;
    // Whether the next thing on the first level is a value.
    let mut value_next = false;
    for (at, byte) in line.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        if depth == 1 && value_next && *byte != b':' {
            entries.push((name.take().unwrap_or(at), at));
            value_next = false;
        } else if depth == 1 && *byte == b'"' {
            name = Some(at);
        }
        match byte {
            b'"' => in_string = true,
            b':' if depth == 1 => value_next = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    entries
}

struct ObjectSeed<'o>(&'o mut Object);

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let object = self.0;
        while let Some(column) = map.next_key_seed(NameSeed(object))? {
            let start = object.text.len();
            let wrong_kind = map.next_value_seed(ValueSeed(&mut object.text))?;
            let entry = object.entries;
            object.entries += 1;
            let Some(column) = column else { continue };
            if let Some(kind) = wrong_kind {
                let known = object.columns.iter().find(|(_, at)| **at == column);
                object.faults.push(Fault {
                    entry,
                    at_value: true,
                    name: known.map(|(name, _)| name.to_string()).unwrap_or_default(),
                    kind: FaultKind::NoString(kind),
                });
            }
            if let Some(cell) = object.cells.get_mut(column) {
                let end = object.text.len();
                *cell = Some(Cell { start, end, entry });
            }
        }
        Ok(())
    }
}

/// Reads a name: its column, or `None` after reporting it.
struct NameSeed<'o>(&'o mut Object);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let object = self.0;
        let column = object.columns.get(name).copied();
        let seen = column.and_then(|column| object.cells.get(column)?.as_ref());
        let kind = match (column, seen) {
            (Some(_), None) => return Ok(column),
            (Some(_), Some(_)) => FaultKind::DuplicateName,
            (None, _) => FaultKind::UnknownName,
        };
        object.faults.push(Fault {
            entry: object.entries,
            at_value: false,
            name: name.to_owned(),
            kind,
        });
        Ok(None)
    }
}

/// Reads a value: appends a string to the texts, and says what anything else is.
struct ValueSeed<'o>(&'o mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        self.0.extend_from_slice(text.as_bytes());
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Some("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Some("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Some("a number"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Some("true or false"))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Some("null"))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some("an array"))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Some("an object"))
    }
}
