//! Usage files: read at once and in small pieces they say the same, and every problem has a place.
//!
//! ```text
//! terms u8, file
//! ```

use std::io::Read;
use std::sync::LazyLock;

use ledger_core::intake::Usage;
use ledger_core::intake::read_csv;
use ledger_core::intake::read_jsonl;
use ledger_core::intake::read_terms;
use ledger_core::terms::Terms;
use ledger_core::terms::TermsByDay;
use ledger_core::vocab::Date;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::wire::block;

use crate::entries::signer;
use crate::input::Input;
use crate::terms::is_placed;

/// The terms files of the command line's tests; keys are put in their places. New ones go to the end.
pub const FILES: [&str; 4] = [
    include_str!("../cli/data/terms.toml"),
    include_str!("../cli/data/priced.toml"),
    include_str!("../cli/contract/contract.toml"),
    include_str!("../cli/contract/amended.toml"),
];

static TERMS: LazyLock<Vec<Terms>> =
    LazyLock::new(|| FILES.iter().map(|text| sound(text)).collect());

/// A terms file of the command line's tests, with keys in their places.
pub fn with_keys(text: &str) -> String {
    let mut text = text.to_owned();
    for name in ["OWNER", "HOST", "EXPERT", "META", "ACME", "RESEARCH", "TUNER"] {
        let key = signer(name).public().expect("a sound key");
        text = text.replace(&format!("@{name}_KEY@"), &key.to_string());
    }
    text
}

fn sound(text: &str) -> Terms {
    let read = read_terms("terms.toml", with_keys(text).as_bytes());
    let problems: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    read.terms.unwrap_or_else(|| panic!("{problems:?}"))
}

/// Usage as CSV.
pub fn csv(input: &[u8]) {
    same(input, |source, terms, period| read_csv("usage", source, terms, period));
}

/// Usage as JSON Lines.
pub fn jsonl(input: &[u8]) {
    same(input, |source, terms, period| read_jsonl("usage", source, terms, period));
}

/// Reads the terms that all inputs share.
pub fn load() {
    LazyLock::force(&TERMS);
}

fn same(input: &[u8], read: impl Fn(Box<dyn Read + '_>, &TermsByDay, Period) -> Usage) {
    let mut input = Input(input);
    let number = usize::from(input.u8());
    let source = input.0;
    let terms = &*TERMS;
    let day = |day: &str| Date::parse(day).expect("a day");
    let by_day = match number % 5 {
        4 => TermsByDay::new(
            &terms[2],
            [(day("2024-01-20"), &terms[3])],
            (terms[2].starts_on, terms[2].ends_on),
            Level::Two,
        ),
        one => TermsByDay::one(&terms[one], Level::Two),
    };
    let period = Period::parse("2024-01").expect("a period");
    let usage = read(Box::new(source), &by_day, period);
    assert_eq!(usage.problems.is_empty(), usage.problems_total == 0);
    for problem in &usage.problems {
        is_placed(problem, source);
        assert!(problem.hint.is_some(), "no hint: {problem}");
    }
    if usage.problems.is_empty() {
        let lines: usize = usage.blocks.iter().map(|block| block.lines()).sum();
        assert_eq!(lines as u64, usage.lines, "a line is lost or counted twice");
        for one in &usage.blocks {
            let again = block::decode(&block::encode(one)).expect("a block is canonical");
            assert_eq!(&again, one);
        }
    } else {
        assert!(usage.blocks.is_empty(), "something of a bad file could be recorded");
    }
    for piece in [1, 7] {
        let pieces = Pieces { rest: source, piece };
        let other = read(Box::new(pieces), &by_day, period);
        let same = other.blocks == usage.blocks
            && other.lines == usage.lines
            && other.problems == usage.problems
            && other.problems_total == usage.problems_total;
        assert!(same, "read {piece} bytes at a time, the file says something else");
    }
}

/// A file that is read a few bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.piece.min(buffer.len()).min(self.rest.len());
        let (now, rest) = self.rest.split_at(len);
        buffer[..len].copy_from_slice(now);
        self.rest = rest;
        Ok(len)
    }
}
