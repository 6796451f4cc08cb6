//! The same figures on real usage: windows of requests to production services, as ServeGen
//! publishes them (alibaba/ServeGen, Apache-2.0), summed over ten minutes a client. The file is
//! not part of the project; its columns are `category, model, client, window_start_s, rate_rps, cv,
//! mean_input_tokens, mean_output_tokens`. Prices are invented.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use crate::generate;
use crate::month::Month;

/// Ten minutes.
const WINDOW_SECONDS: u128 = 600;
/// Numbers of the file are taken in millionths.
const MILLION: u128 = 1_000_000;
/// How often every window is written: each with its own number of requests.
const COPIES: u128 = 40;

pub fn run(windows: &Path) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let month = Month::open(&scratch.path().join("windows"));
    let lines = write_usage(windows, &month.path("usage.csv"));
    month.import_file(lines);
    month.verify(lines);
    month.start_up();
}

/// One line for each window and copy with requests in it.
fn write_usage(windows: &Path, usage: &Path) -> u64 {
    let windows = BufReader::new(File::open(windows).expect("the file of windows"));
    let mut usage = BufWriter::new(File::create(usage).expect("a usage file"));
    writeln!(usage, "{}", generate::HEADER).expect("a usage file");
    let mut lines = 0;
    let rows: Vec<String> = windows.lines().skip(1).map(|row| row.expect("a row")).collect();
    for copy in 0..COPIES {
        for row in &rows {
            let cells: Vec<&str> = row.split(',').collect();
            let [category, model, client, start, rate, _, input, output] = cells.as_slice() else {
                panic!("a row has eight columns: {row}");
            };
            let start: u128 = start.parse().expect("seconds");
            let requests = millionths(rate) * WINDOW_SECONDS / MILLION + copy % 3;
            let tokens = |mean: &str| requests * millionths(mean) / MILLION;
            let (input, output) = (tokens(input), tokens(output));
            // At 0.20 and 0.60 a million tokens, exactly.
            let gross = input * 20 + output * 60;
            let day = 1 + start / 86_400;
            writeln!(
                usage,
                "2026-06-{day:02},{category},{model},client-{client},USD,{}.{:08},,{input},\
                 {output}",
                gross / (100 * MILLION),
                gross % (100 * MILLION)
            )
            .expect("a usage file");
            lines += 1;
        }
    }
    usage.flush().expect("a usage file");
    lines
}

/// A plain decimal in millionths; nothing is zero.
fn millionths(text: &str) -> u128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.parse::<u128>().unwrap_or(0);
    digits(whole) * MILLION + digits(&format!("{fraction:0<6.6}"))
}
