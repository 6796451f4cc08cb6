//! What is wrong in a usage file, and what reading the file came to.

#![expect(clippy::arithmetic_side_effects, reason = "counts of what was found in one file")]

use crate::intake::place;
use crate::limits::ROW_ERRORS_MAX;
use crate::limits::USAGE_LINE_READ_MAX;
use crate::usage::LineBlock;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;

/// What reading a usage file came to. With a problem there are no blocks: nothing of the file may
/// be recorded.
#[derive(Clone, Debug)]
pub struct Usage {
    /// The lines, in the order of the file.
    pub blocks: Vec<LineBlock>,
    /// How many usage lines the file has, refused ones included.
    pub lines: u64,
    /// What is wrong, each with its place, in the order of the file; at most
    /// [`ROW_ERRORS_MAX`].
    pub problems: Vec<Problem>,
    /// How many problems there are, those beyond the bound included.
    pub problems_total: u64,
}

/// What reading a usage file came to whose blocks were taken as they came. With a problem nothing
/// of what was taken may be recorded.
#[derive(Clone, Debug)]
pub struct UsageRead {
    /// See [`Usage::lines`].
    pub lines: u64,
    /// See [`Usage::problems`].
    pub problems: Vec<Problem>,
    /// See [`Usage::problems_total`].
    pub problems_total: u64,
}

impl UsageRead {
    /// With the blocks that were taken.
    pub(in crate::intake) fn with_blocks(self, blocks: Vec<LineBlock>) -> Usage {
        let UsageRead { lines, problems, problems_total } = self;
        let blocks = if problems_total == 0 { blocks } else { Vec::new() };
        Usage { blocks, lines, problems, problems_total }
    }
}

/// Most problems of one line that are kept: more than the columns that terms may know.
const LINE_ERRORS_MAX: usize = 256;
/// Longest message that is kept, in characters.
const MESSAGE_CHARS_MAX: usize = 1000;

/// Problems with their places, kept up to a bound and counted beyond it.
pub(in crate::intake) struct Findings {
    path: String,
    pub(in crate::intake) kept: Vec<Problem>,
    pub(in crate::intake) total: u64,
    /// The last line with a problem, and how many of its problems are kept.
    last: (u64, usize),
}

impl Findings {
    /// None yet, in the file of this name.
    pub(in crate::intake) fn new(path: &str) -> Findings {
        Findings { path: path.to_owned(), kept: Vec::new(), total: 0, last: (0, 0) }
    }

    /// Adds a problem at a byte of a line.
    pub(in crate::intake) fn add(
        &mut self,
        number: u64,
        line: &[u8],
        offset: usize,
        problem: impl FnOnce() -> Problem,
    ) {
        self.total += 1;
        if self.last.0 != number {
            self.last = (number, 0);
        }
        if self.kept.len() < ROW_ERRORS_MAX && self.last.1 < LINE_ERRORS_MAX {
            self.last.1 += 1;
            let place = place::in_line(&self.path, number, line, offset);
            let mut problem = problem().at(place);
            // A name or a value may be as long as the line.
            if let Some((end, _)) = problem.message.char_indices().nth(MESSAGE_CHARS_MAX) {
                problem.message.truncate(end);
                problem.message.push('…');
            }
            self.kept.push(problem);
        }
    }

    /// Puts the problems of the last line in the order of its columns.
    pub(in crate::intake) fn sort_line(&mut self, number: u64) {
        let column = |problem: &Problem| match &problem.place {
            Some(Place::File { line, column, .. }) if *line == number => Some(*column),
            _ => None,
        };
        let before = self.kept.iter().rposition(|problem| column(problem).is_none());
        let first = before.map_or(0, |last| last + 1);
        if let Some(of_line) = self.kept.get_mut(first..) {
            of_line.sort_by_key(column);
        }
    }

    /// Adds a problem of the file as a whole.
    pub(in crate::intake) fn add_for_file(&mut self, problem: Problem) {
        self.total += 1;
        self.kept.push(problem.at(Place::Path(self.path.clone())));
    }

    /// Whether further problems are only counted.
    pub(in crate::intake) fn full(&self) -> bool {
        self.kept.len() >= ROW_ERRORS_MAX
    }

    /// Takes in what was found further down in the same file.
    pub(in crate::intake) fn append(&mut self, more: Findings) {
        self.total += more.total;
        let room = ROW_ERRORS_MAX.saturating_sub(self.kept.len());
        self.kept.extend(more.kept.into_iter().take(room));
    }

    /// The result of a file with so many lines.
    pub(in crate::intake) fn of(self, lines: u64) -> UsageRead {
        UsageRead { lines, problems: self.kept, problems_total: self.total }
    }
}

/// The source could not be read.
pub(in crate::intake) fn read_problem(error: &std::io::Error) -> Problem {
    Problem::new(Code::FileRead, format!("the file cannot be read: {error}"))
        .hint("check the path and its permissions")
}

/// A line that does not end.
pub(in crate::intake) fn endless_problem(number: u64) -> Problem {
    let what = format!(
        "line {number} does not end within {USAGE_LINE_READ_MAX} bytes; nothing behind it was read"
    );
    Problem::new(Code::ReportTooLarge, what).hint("is it the file you mean?")
}

/// Bytes that are no text.
pub(in crate::intake) fn encoding_problem() -> Problem {
    Problem::new(Code::FileEncoding, "the text is not UTF-8").hint("save the file as UTF-8")
}
