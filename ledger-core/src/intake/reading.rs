//! Reads the lines of a usage file: several chunks are judged at once, each by itself, and what
//! they come to is taken in the order of the file. Whatever the number of threads, the same blocks
//! and the same problems come out.
//!
//! A block ends with every 65,536th line of the file, so that the lines of a chunk are those of a
//! block, and memory does not grow with the file. Where lines are so long that a chunk holds fewer,
//! chunks are judged one after another until the block is full.

#![expect(clippy::arithmetic_side_effects, reason = "counts of what was read of one file")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::io::Read;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::TryRecvError;
use std::sync::mpsc::sync_channel;

use rayon::Yield;

use crate::intake::columns::Columns;
use crate::intake::findings::Findings;
use crate::intake::findings::Usage;
use crate::intake::findings::UsageRead;
use crate::intake::findings::endless_problem;
use crate::intake::findings::read_problem;
use crate::intake::lines::Chunks;
use crate::intake::lines::Line;
use crate::intake::rows::Rows;
use crate::intake::rows::RowsRead;
use crate::limits::BLOCK_LINES_MAX;
use crate::limits::LEDGER_LINES_MAX;
use crate::limits::PARTS_MAX;
use crate::terms::TermsByDay;
use crate::usage::LineBlock;
use crate::vocab::Code;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// Makes rows of lines, one after another.
pub(in crate::intake) trait LineReader {
    /// Judges a line as a row, or says why it is none.
    fn line(&mut self, line: &Line, rows: &mut Rows);
}

/// What lines are judged by.
pub(in crate::intake) struct Standard<'a> {
    /// How messages name the file.
    pub(in crate::intake) path: &'a str,
    pub(in crate::intake) terms: &'a TermsByDay<'a>,
    pub(in crate::intake) period: Period,
    pub(in crate::intake) columns: Columns,
}

/// What becomes of the blocks of a file, in its order.
pub struct Blocks<'a, T, E> {
    /// Is done with every block, several at once.
    pub prepare: &'a (dyn Fn(LineBlock) -> T + Sync),
    /// Takes what came of it, in the order of the file. An error ends the reading.
    pub take: &'a mut dyn FnMut(T) -> Result<(), E>,
}

/// Reads a file whose blocks are all kept.
pub(in crate::intake) fn collected(
    read: impl FnOnce(Blocks<LineBlock, Infallible>) -> Result<UsageRead, Infallible>,
) -> Usage {
    let mut kept = Vec::new();
    let mut keep = |block| {
        kept.push(block);
        Ok(())
    };
    let Ok(read) = read(Blocks { prepare: &|block| block, take: &mut keep });
    read.with_blocks(kept)
}

/// What came of a chunk.
struct Judged<T> {
    prepared: Vec<T>,
    findings: Findings,
    buffer: Vec<u8>,
}

/// Reads the rest of a file.
pub(in crate::intake) fn read_lines<L, T, E>(
    mut chunks: Chunks<impl Read>,
    standard: &Standard,
    reader: &(dyn Fn() -> L + Sync),
    blocks: &mut Blocks<T, E>,
    findings: Findings,
) -> Result<UsageRead, E>
where
    L: LineReader,
    T: Send,
{
    let prepare = blocks.prepare;
    let mut end = End { blocks, findings, lines: 0, parts: 0, spare: Vec::new() };
    // One chunk a thread, and one that waits for the first of them that is done.
    let at_once = rayon::current_num_threads() + 1;
    rayon::in_place_scope_fifo(|scope| -> Result<(), E> {
        let mut judging = VecDeque::<Receiver<Judged<T>>>::new();
        // The rows of a block whose lines came in several chunks.
        let mut open: Option<(Rows, L, usize)> = None;
        loop {
            let missing = BLOCK_LINES_MAX - open.as_ref().map_or(0, |(.., lines)| *lines);
            let chunk = match chunks.next(end.spare.pop().unwrap_or_default(), missing) {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => {
                    judging.drain(..).try_for_each(|one| end.receive(&one))?;
                    return end.unreadable(&error);
                }
            };
            end.lines += to_u64(chunk.len());
            if end.is_too_large() {
                break;
            }
            if open.is_none() && (chunk.len() == BLOCK_LINES_MAX || chunks.is_at_end()) {
                let (judged, receiver) = sync_channel(1);
                judging.push_back(receiver);
                scope.spawn_fifo(move |_| {
                    let (mut rows, mut reader) = (standard.rows(), reader());
                    chunk.lines().for_each(|line| reader.line(&line, &mut rows));
                    let RowsRead { blocks, findings } = rows.finish();
                    let prepared = blocks.into_iter().map(prepare).collect();
                    // Nobody waits for it if an error ended the reading.
                    let _ = judged.send(Judged { prepared, findings, buffer: chunk.into_buffer() });
                });
            } else {
                let (rows, reader, lines) =
                    open.get_or_insert_with(|| (standard.rows(), reader(), 0));
                chunk.lines().for_each(|line| reader.line(&line, rows));
                *lines += chunk.len();
                end.spare.push(chunk.into_buffer());
            }
            let is_full = open.as_ref().is_some_and(|(.., lines)| *lines == BLOCK_LINES_MAX);
            while judging.len() > at_once || (is_full && !judging.is_empty()) {
                end.receive_first(&mut judging)?;
            }
            if let Some((rows, ..)) = open.take_if(|_| is_full) {
                end.take_rows(rows, prepare)?;
            }
        }
        judging.drain(..).try_for_each(|one| end.receive(&one))?;
        open.map_or(Ok(()), |(rows, ..)| end.take_rows(rows, prepare))
    })?;
    if let Some(number) = chunks.endless() {
        end.findings.add_for_file(endless_problem(number));
    }
    Ok(end.finish())
}

/// Where the blocks of a file come together.
struct End<'e, 'b, T, E> {
    blocks: &'e mut Blocks<'b, T, E>,
    findings: Findings,
    lines: u64,
    parts: usize,
    /// Memory of chunks that were judged.
    spare: Vec<Vec<u8>>,
}

impl<T, E> End<'_, '_, T, E> {
    fn receive_first(&mut self, judging: &mut VecDeque<Receiver<Judged<T>>>) -> Result<(), E> {
        judging.pop_front().map_or(Ok(()), |first| self.receive(&first))
    }

    fn receive(&mut self, judging: &Receiver<Judged<T>>) -> Result<(), E> {
        let Some(judged) = awaited(judging) else { return Ok(()) };
        self.spare.push(judged.buffer);
        self.take(judged.prepared, judged.findings)
    }

    fn take_rows(&mut self, rows: Rows, prepare: &dyn Fn(LineBlock) -> T) -> Result<(), E> {
        let RowsRead { blocks, findings } = rows.finish();
        self.take(blocks.into_iter().map(prepare).collect(), findings)
    }

    fn take(&mut self, prepared: Vec<T>, findings: Findings) -> Result<(), E> {
        self.findings.append(findings);
        self.parts += prepared.len();
        if self.findings.total > 0 || self.is_too_large() {
            return Ok(());
        }
        prepared.into_iter().try_for_each(|one| (self.blocks.take)(one))
    }

    fn is_too_large(&self) -> bool {
        self.parts > PARTS_MAX || self.lines > LEDGER_LINES_MAX
    }

    fn unreadable(&mut self, error: &io::Error) -> Result<(), E> {
        self.findings.add_for_file(read_problem(error));
        Ok(())
    }

    fn finish(mut self) -> UsageRead {
        if self.lines == 0 && self.findings.total == 0 {
            self.findings.add_for_file(
                Problem::new(Code::ReportEmpty, "the file has no usage lines")
                    .hint("report a period without usage with `--nil`"),
            );
        }
        if self.is_too_large() {
            self.findings.add_for_file(
                Problem::new(Code::ReportTooLarge, "the file has too many lines for a report")
                    .hint("report the rest as a supplement"),
            );
        }
        self.findings.of(self.lines)
    }
}

/// What a job comes to; `None` if it died. A thread of the pool does other jobs meanwhile: it may be
/// the only one that there is.
fn awaited<T>(job: &Receiver<T>) -> Option<T> {
    loop {
        match job.try_recv() {
            Ok(done) => return Some(done),
            Err(TryRecvError::Disconnected) => return None,
            // Nothing is left to do, so another thread has the job.
            Err(TryRecvError::Empty) if rayon::yield_now() != Some(Yield::Executed) => {
                return job.recv().ok();
            }
            Err(TryRecvError::Empty) => {}
        }
    }
}

impl<'a> Standard<'a> {
    fn rows(&self) -> Rows<'a> {
        Rows::new(self.terms, self.period, &self.columns, self.path)
    }
}
