//! Places in text files: lines, columns, and the line to be shown.

#![expect(clippy::arithmetic_side_effects, reason = "places in a text in memory")]

use std::cell::Cell;

use crate::vocab::Place;
use crate::vocab::to_u64;

/// Most characters of a line that are shown.
const SHOWN_CHARS_MAX: usize = 200;

/// A line as it can be shown on a terminal: cut after 200 characters, tabs as blanks (so that
/// columns still fit), other control and formatting characters escaped.
pub fn shown(line: &[u8]) -> String {
    // Four bytes a character at most, and one character more to see that there is more.
    let head = line.get(..SHOWN_CHARS_MAX * 4 + 4).unwrap_or(line);
    let text = String::from_utf8_lossy(head);
    let mut shown = String::with_capacity(text.len());
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN_CHARS_MAX {
            shown.push('…');
            break;
        }
        match c {
            '\t' => shown.push(' '),
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// The column, in characters from 1, of a byte of a line. Bytes that are not UTF-8 count one each.
pub fn column(line: &[u8], offset: usize) -> u64 {
    let before = line.get(..offset).unwrap_or(line);
    let characters: usize = before
        .utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum();
    to_u64(characters) + 1
}

/// A place in a line.
pub fn in_line(path: &str, number: u64, line: &[u8], offset: usize) -> Place {
    Place::File {
        path: path.to_owned(),
        line: number,
        column: column(line, offset),
        text: Some(shown(line)),
    }
}

/// Where the lines of a text begin.
pub struct LineIndex<'a> {
    source: &'a [u8],
    starts: Vec<usize>,
    /// The last place: where its line begins, its offset in the line, and its column. Of many places
    /// in one line, in order, each is counted from the one before.
    last: Cell<(usize, usize, u64)>,
}

impl<'a> LineIndex<'a> {
    /// Looks at a text.
    pub fn new(source: &'a [u8]) -> LineIndex<'a> {
        let newlines = source.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1));
        LineIndex { source, starts: starts.collect(), last: Cell::new((0, 0, 1)) }
    }

    /// The place of a byte; past the end, of the end.
    pub fn place(&self, path: &str, offset: usize) -> Place {
        let offset = offset.min(self.source.len());
        let number = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(number.saturating_sub(1)).copied().unwrap_or(0);
        let next = self.starts.get(number);
        let end = next.map_or(self.source.len(), |next| next.saturating_sub(1));
        let line = self.source.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let offset = offset - start;
        let (known, before) = match self.last.get() {
            (line, known, column) if line == start && known <= offset => (known, column),
            _ => (0, 1),
        };
        let between = line.get(known..).unwrap_or_default();
        let column = before + column(between, offset - known) - 1;
        self.last.set((start, offset, column));
        Place::File { path: path.to_owned(), line: to_u64(number), column, text: Some(shown(line)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: &str, offset: usize) -> (u64, u64, String) {
        match LineIndex::new(source.as_bytes()).place("f", offset) {
            Place::File { line, column, text, .. } => (line, column, text.unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = "ab\r\ncäd\n";
        assert_eq!(place(source, 0), (1, 1, "ab".into()));
        assert_eq!(place(source, 7), (2, 3, "cäd".into()));
        assert_eq!(place(source, 99), (3, 1, String::new()));
    }

    #[test]
    fn places_one_after_another_are_those_found_apart() {
        let source = "a = ä, b = ö\nc = ü\r\n";
        let index = LineIndex::new(source.as_bytes());
        let starts = source.char_indices().map(|(at, _)| at).chain([source.len(), 0, 5, 3]);
        for at in starts {
            let apart = LineIndex::new(source.as_bytes()).place("f", at);
            assert_eq!(index.place("f", at), apart, "byte {at}");
        }
    }

    #[test]
    fn a_shown_line_hides_nothing_and_moves_nothing() {
        assert_eq!(shown(b"a\tb\x1b[31m"), "a b\\u{1b}[31m");
        assert_eq!(shown("\u{202e}x".as_bytes()), "\\u{202e}x");
        assert_eq!(shown("ä".repeat(500).as_bytes()).chars().count(), 201);
    }
}
