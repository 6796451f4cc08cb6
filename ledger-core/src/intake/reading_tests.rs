//! However a file is cut into chunks, and on however many threads they are judged, the same comes
//! out.

use std::io;
use std::io::Read;

use crate::intake::Usage;
use crate::intake::UsageRead;
use crate::intake::csv::read_chunks;
use crate::intake::lines::Chunks;
use crate::intake::read_csv;
use crate::intake::read_csv_blocks;
use crate::intake::read_jsonl;
use crate::intake::reading::Blocks;
use crate::intake::reading::collected;
use crate::intake::testing::sound_terms;
use crate::limits::BLOCK_LINES_MAX;
use crate::terms::TermsByDay;
use crate::vocab::Code;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::Problem;

const HEADER: &str = "day,application,model,gross,requests\n";

fn june() -> Period {
    Period::parse("2026-06").expect("a period")
}

/// Rows of several blocks; `at` says what is wrong in which row, from 0.
fn file(rows: usize, wrong: &[(usize, &str)]) -> String {
    let mut file = HEADER.to_owned();
    for row in 0..rows {
        match wrong.iter().find(|(at, _)| *at == row) {
            Some((_, text)) => file.push_str(text),
            None => {
                let (day, application) = (
                    1 + row % 30,
                    ["search", "content_moderation", "\"customer_service\""][row % 3],
                );
                let row = format!(
                    "2026-06-{day:02},{application},llama-{},{}.{:02},{}\n",
                    row % 7,
                    row % 1009,
                    row % 100,
                    row % 13
                );
                file.push_str(&row);
            }
        }
    }
    file
}

fn in_chunks(file: &str, chunk_len: usize, threads: usize) -> Usage {
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        let chunks = Chunks::new(file.as_bytes()).with_chunk_len(chunk_len);
        collected(|blocks| read_chunks("june.csv", chunks, (&terms, june()), blocks))
    })
}

fn same(file: &str) -> Usage {
    let whole = in_chunks(file, usize::MAX, 1);
    for (chunk_len, threads) in [(usize::MAX, 3), (1 << 20, 1), (1 << 21, 2), (1_300_000, 4)] {
        let cut = in_chunks(file, chunk_len, threads);
        assert_eq!(cut.problems, whole.problems);
        assert_eq!((cut.lines, cut.problems_total), (whole.lines, whole.problems_total));
        assert!(cut.blocks == whole.blocks, "chunks of {chunk_len} bytes on {threads} threads");
    }
    whole
}

#[test]
fn a_block_ends_with_every_65536th_line() {
    for (rows, blocks) in [(1, 1), (65_536, 1), (65_537, 2), (2 * 65_536 + 5, 3)] {
        let usage = same(&file(rows, &[]));
        assert_eq!(usage.problems, []);
        assert_eq!((usage.blocks.len(), usage.lines), (blocks, rows as u64));
        let full = usage.blocks.iter().rev().skip(1);
        assert!(full.map(|block| block.lines()).all(|lines| lines == BLOCK_LINES_MAX));
    }
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let wrong = [
        (3, "2026-07-01,search,llama-1,1,1\n"),
        (65_530, "2026-06-01,search,llama-1,1e3,x\n"),
        (65_540, "\n"),
        (140_000, "2026-06-01,\"search,llama-1,1,1\n"),
        (140_001, "2026-06-01,search\n"),
    ];
    let usage = same(&file(150_000, &wrong));
    let codes: Vec<Code> = usage.problems.iter().map(|problem| problem.code).collect();
    let decimal = [Code::RowDay, Code::Decimal, Code::Decimal];
    assert_eq!(codes, [&decimal[..], &[Code::CsvRow; 3]].concat());
    assert_eq!((usage.lines, usage.blocks.len()), (150_000, 0));
}

#[test]
fn the_same_rows_as_json_lines_are_the_same_blocks() {
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    let csv = file(70_000, &[]);
    let mut jsonl = String::new();
    for row in csv.lines().skip(1) {
        let row = row.replace('"', "");
        let cells: Vec<&str> = row.split(',').collect();
        let names = HEADER.trim().split(',').zip(cells);
        let members: Vec<String> = names.map(|(n, v)| format!("\"{n}\": \"{v}\"")).collect();
        jsonl.push_str(&format!("{{{}}}\n", members.join(", ")));
    }
    let (csv, jsonl) = (csv.as_bytes(), jsonl.as_bytes());
    let read = read_jsonl("june.jsonl", jsonl, &terms, june());
    assert_eq!(read.problems, []);
    assert!(read.blocks == read_csv("june.csv", csv, &terms, june()).blocks);
}

#[test]
fn what_takes_the_blocks_may_end_the_reading() {
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    let mut taken = 0;
    let mut take = |_| {
        taken += 1;
        match taken {
            3 => Err(Problem::new(Code::DiskFull, "no room")),
            _ => Ok(()),
        }
    };
    let text = file(600_000, &[]);
    let blocks = Blocks { prepare: &|_| (), take: &mut take };
    let read = read_csv_blocks("june.csv", text.as_bytes(), (&terms, june()), blocks);
    assert_eq!(read.map(|read| read.lines).map_err(|problem| problem.code), Err(Code::DiskFull));
    assert_eq!(taken, 3);
}

#[test]
fn a_source_that_fails_is_a_problem_of_the_file() {
    struct Failing<'a>(&'a [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                read => Ok(read),
            }
        }
    }
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    for rows in [0, 10, 140_000] {
        let text = file(rows, &[(5, "\n")]);
        let mut take = |_: ()| Ok::<(), Problem>(());
        let blocks = Blocks { prepare: &|_| (), take: &mut take };
        let source = Failing(text.as_bytes());
        let read = read_csv_blocks("june.csv", source, (&terms, june()), blocks);
        let UsageRead { problems, .. } = read.expect("nothing ends it");
        assert_eq!(problems.last().map(|problem| problem.code), Some(Code::FileRead));
    }
}
