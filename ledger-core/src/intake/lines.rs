//! The lines of a text file, one after another, without an allocation per line.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use crate::limits::USAGE_LINE_LEN_MAX;

/// Bytes that are read at once.
const BUFFER_LEN: usize = 1 << 20;

/// What UTF-8 files may begin with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads lines. A line ends with LF or CRLF; the last one may end with the file.
pub(in crate::intake) struct Lines<R> {
    source: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
}

/// A line of the file.
pub(in crate::intake) struct Line<'a> {
    /// Its number, from 1.
    pub(in crate::intake) number: u64,
    /// Its bytes, without its end; of a line that is too long, its beginning.
    pub(in crate::intake) bytes: &'a [u8],
    /// Whether it is longer than [`USAGE_LINE_LEN_MAX`].
    pub(in crate::intake) too_long: bool,
}

impl<R: Read> Lines<R> {
    /// The lines of a source.
    pub(in crate::intake) fn new(source: R) -> Lines<R> {
        Lines {
            source: BufReader::with_capacity(BUFFER_LEN, source),
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line; `None` at the end. Errors: those of the source.
    pub(in crate::intake) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let most = USAGE_LINE_LEN_MAX as u64 + 2;
        let mut limited = (&mut self.source).take(most);
        if limited.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.buffer.last() == Some(&b'\n');
        if !ended && self.buffer.len() as u64 == most {
            self.source.skip_until(b'\n')?;
        }
        let mut bytes = self.buffer.as_slice();
        if let Some(line) = bytes.strip_suffix(b"\n") {
            bytes = line.strip_suffix(b"\r").unwrap_or(line);
        }
        if self.number == 1 {
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        Ok(Some(Line { number: self.number, bytes, too_long: bytes.len() > USAGE_LINE_LEN_MAX }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_lf_crlf_or_the_file() {
        let mut lines = Lines::new("\u{feff}a\r\n\nb\rc".as_bytes());
        let mut seen = Vec::new();
        while let Some(line) = lines.next().expect("reads") {
            seen.push((line.number, String::from_utf8_lossy(line.bytes).into_owned()));
        }
        let expected = [(1, "a"), (2, ""), (3, "b\rc")];
        assert_eq!(seen, expected.map(|(number, text)| (number, text.to_owned())));
    }

    #[test]
    fn a_line_that_is_too_long_does_not_swallow_the_next() {
        let mut text = vec![b'x'; USAGE_LINE_LEN_MAX + 5];
        text.extend_from_slice(b"\nnext\n");
        let mut lines = Lines::new(text.as_slice());
        assert!(lines.next().expect("reads").expect("a line").too_long);
        let next = lines.next().expect("reads").expect("a line");
        assert_eq!((next.number, next.bytes, next.too_long), (2, &b"next"[..], false));
    }
}
