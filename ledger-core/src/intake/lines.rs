//! The lines of a text file: read in chunks of whole lines, so that several can be judged at once,
//! and taken apart without an allocation per line.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of lines, and lengths of what was read of them"
)]

use std::io;
use std::io::Read;

use memchr::memchr;
use memchr::memchr_iter;

use crate::limits::USAGE_LINE_LEN_MAX;
use crate::limits::USAGE_LINE_READ_MAX;
use crate::vocab::to_u64;

/// Bytes that are read at once.
const READ_LEN: usize = 1 << 20;
/// A chunk is given out when it has this many bytes, however few lines they are.
const CHUNK_LEN: usize = 16 << 20;
/// How much of a line is kept that is too long: enough to tell, whatever its end.
const KEPT_LEN: usize = USAGE_LINE_LEN_MAX + 2;

/// What UTF-8 files may begin with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a file in chunks of whole lines. A line ends with LF or CRLF; the last one may end with
/// the file.
pub(in crate::intake) struct Chunks<R> {
    source: R,
    /// What was read and belongs to the next chunk.
    rest: Vec<u8>,
    /// Lines given out so far.
    lines: u64,
    at_end: bool,
    /// The line at which reading was given up, because it did not end.
    endless: Option<u64>,
    chunk_len: usize,
}

/// Whole lines of a file, as they lie in it. Of a line that is too long only the beginning is
/// there.
pub(in crate::intake) struct Chunk {
    bytes: Vec<u8>,
    /// The number of the first line, from 1.
    first: u64,
    count: usize,
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

impl<R: Read> Chunks<R> {
    /// The lines of a source.
    pub(in crate::intake) fn new(source: R) -> Chunks<R> {
        Chunks {
            source,
            rest: Vec::new(),
            lines: 0,
            at_end: false,
            endless: None,
            chunk_len: CHUNK_LEN,
        }
    }

    /// With smaller chunks, to test what is done where lines are long.
    #[cfg(test)]
    pub(in crate::intake) fn with_chunk_len(self, chunk_len: usize) -> Chunks<R> {
        Chunks { chunk_len, ..self }
    }

    /// The next lines, at most `most` of them and fewer only at the end or where they are long;
    /// `None` at the end. `buffer` is used again. Errors: those of the source.
    pub(in crate::intake) fn next(
        &mut self,
        mut buffer: Vec<u8>,
        most: usize,
    ) -> io::Result<Option<Chunk>> {
        buffer.clear();
        buffer.append(&mut self.rest);
        let (mut count, mut end, mut scanned) = (0, 0, 0);
        while count < most {
            if let Some(after) = nth_line_end(&buffer, scanned, most - count, &mut count) {
                end = after;
            }
            scanned = buffer.len();
            if count == most || (count > 0 && scanned >= self.chunk_len) {
                break;
            }
            if scanned - end > KEPT_LEN {
                buffer.truncate(end + KEPT_LEN);
                scanned = buffer.len();
                let number = self.lines + to_u64(count) + 1;
                self.skip_line(number, &mut buffer)?;
            } else if !self.fill(&mut buffer)? {
                count += usize::from(scanned > end);
                end = scanned;
                break;
            }
        }
        self.rest.extend_from_slice(buffer.get(end..).unwrap_or_default());
        buffer.truncate(end);
        let first = self.lines + 1;
        self.lines += to_u64(count);
        Ok((count > 0).then_some(Chunk { bytes: buffer, first, count }))
    }

    /// Whether everything was given out.
    pub(in crate::intake) fn is_at_end(&self) -> bool {
        self.at_end && self.rest.is_empty()
    }

    /// The line at which reading was given up, because it did not end.
    pub(in crate::intake) fn endless(&self) -> Option<u64> {
        self.endless
    }

    /// Reads some more; false at the end.
    fn fill(&mut self, buffer: &mut Vec<u8>) -> io::Result<bool> {
        if !self.at_end {
            let before = buffer.len();
            buffer.reserve(READ_LEN);
            self.source.by_ref().take(to_u64(READ_LEN)).read_to_end(buffer)?;
            self.at_end = buffer.len() == before;
        }
        Ok(!self.at_end)
    }

    /// Reads to the end of a line without keeping it; its end, and what was read behind it, is
    /// added to `buffer`. A line without an end is the last one.
    fn skip_line(&mut self, number: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut skipped = Vec::new();
        let mut len = 0;
        while self.fill(&mut skipped)? {
            if let Some(at) = memchr(b'\n', &skipped) {
                buffer.extend_from_slice(skipped.get(at..).unwrap_or_default());
                return Ok(());
            }
            len += skipped.len();
            if len > USAGE_LINE_READ_MAX {
                self.at_end = true;
                self.endless = Some(number);
            }
            skipped.clear();
        }
        Ok(())
    }
}

/// Counts line ends from a place on, at most `most` of them; where the last one of these ends.
fn nth_line_end(bytes: &[u8], from: usize, most: usize, count: &mut usize) -> Option<usize> {
    let ends = memchr_iter(b'\n', bytes.get(from..).unwrap_or_default());
    let last = ends.take(most).inspect(|_| *count += 1).last();
    last.map(|at| from + at + 1)
}

impl Chunk {
    /// How many lines.
    pub(in crate::intake) fn len(&self) -> usize {
        self.count
    }

    /// Its lines, in order.
    pub(in crate::intake) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = self.bytes.as_slice();
        (self.first..).take(self.count).map(move |number| {
            let end = memchr(b'\n', rest);
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = after.get(1..).unwrap_or_default();
            let mut bytes = match end {
                Some(_) => line.strip_suffix(b"\r").unwrap_or(line),
                None => line,
            };
            if number == 1 {
                bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
            }
            Line { number, bytes, too_long: bytes.len() > USAGE_LINE_LEN_MAX }
        })
    }

    /// Its memory, to be used again.
    pub(in crate::intake) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source that gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(buffer.len()).min(self.0.len());
            let (given, rest) = self.0.split_at(len);
            buffer[..len].copy_from_slice(given);
            self.0 = rest;
            Ok(len)
        }
    }

    fn all(text: &[u8], most: usize, at_once: usize) -> Vec<(u64, Vec<u8>, bool)> {
        let mut chunks = Chunks::new(Slow(text, at_once));
        let mut seen = Vec::new();
        while let Some(chunk) = chunks.next(Vec::new(), most).expect("reads") {
            let before = seen.len();
            let own = |line: Line| (line.number, line.bytes.to_vec(), line.too_long);
            seen.extend(chunk.lines().map(own));
            assert_eq!(seen.len() - before, chunk.len());
            assert!(chunk.len() <= most);
        }
        seen
    }

    #[test]
    fn lines_end_with_lf_crlf_or_the_file_however_they_are_read() {
        let text = "\u{feff}a\r\n\nb\rc\n\u{feff}d\r\n\r".as_bytes();
        let expected = ["a", "", "b\rc", "\u{feff}d", "\r"];
        for most in 1..7 {
            for at_once in [1, 2, 3, 100] {
                let seen = all(text, most, at_once);
                let texts: Vec<&[u8]> = seen.iter().map(|(_, text, _)| text.as_slice()).collect();
                assert_eq!(texts, expected.map(str::as_bytes));
                assert!(seen.iter().zip(1..).all(|((number, ..), at)| *number == at));
            }
        }
        assert!(all(b"", 5, 5).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_does_not_swallow_the_next_and_is_not_kept_whole() {
        for over in [1, 2, 3, 5 << 20] {
            let mut text = b"first\n".to_vec();
            text.resize(text.len() + USAGE_LINE_LEN_MAX + over, b'x');
            text.extend_from_slice(b"\r\nnext\n");
            for most in [1, 2, 10] {
                let seen = all(&text, most, 1 << 20);
                let lens: Vec<bool> = seen.iter().map(|(.., too_long)| *too_long).collect();
                assert_eq!(lens, [false, true, false]);
                assert!(seen[1].1.len() <= KEPT_LEN + READ_LEN);
                assert_eq!((seen[2].0, seen[2].1.as_slice()), (3, &b"next"[..]));
            }
        }
    }

    #[test]
    fn a_last_line_that_is_too_long_and_has_no_end_is_one_line() {
        let text = vec![b'x'; USAGE_LINE_LEN_MAX + (3 << 20)];
        let seen = all(&text, 10, 1 << 16);
        assert_eq!(
            seen.iter().map(|(number, _, long)| (*number, *long)).collect::<Vec<_>>(),
            [(1, true)]
        );
    }

    #[test]
    fn a_line_without_an_end_ends_the_reading() {
        let mut chunks = Chunks::new(b"first\n".chain(io::repeat(0)));
        let mut seen = 0;
        while let Some(chunk) = chunks.next(Vec::new(), 10).expect("reads") {
            seen += chunk.len();
        }
        assert_eq!((seen, chunks.endless()), (2, Some(2)));
    }

    #[test]
    fn long_lines_come_in_chunks_of_few() {
        let mut text = Vec::new();
        for _ in 0..40 {
            text.resize(text.len() + USAGE_LINE_LEN_MAX, b'y');
            text.push(b'\n');
        }
        let mut chunks = Chunks::new(text.as_slice());
        let (mut lines, mut most) = (0, 0);
        while let Some(chunk) = chunks.next(Vec::new(), 1000).expect("reads") {
            lines += chunk.len();
            most = most.max(chunk.into_buffer().len());
        }
        assert_eq!(lines, 40);
        assert!(most <= CHUNK_LEN + (2 << 20));
    }
}
