//! Disputes as scripts see them: documents that fit their schemas, the same with and without the
//! index, and on both sides.

use std::fs;

use serde_json::Value;

use crate::run::Bench;
use crate::schema;

/// A report (record 2) disputed and settled, a figure disputed and open (record 7).
const STORY: &str = "
    -C acme init --terms disputed.toml --key acme.key --recorded-time 2024-01-01T08:00:00Z
    -C acme accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z
    -C acme usage report january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-03T08:00:00Z
    -C acme statement issue 2024-01 --key acme.key --recorded-time 2024-02-04T08:00:00Z
    -C acme dispute open 2 --replace 2=january-corrected.csv --basis refunds --evidence report.pdf --key acme.key --recorded-time 2024-02-10T08:00:00Z
    -C acme dispute respond 4 --text half --key meta.key --recorded-time 2024-02-11T08:00:00Z
    -C acme dispute settle 4 --claimed meta=180 --out one.txt --key meta.key
    -C acme dispute settle 4 --offer one.txt --key acme.key --recorded-time 2024-02-12T08:00:00Z
    -C acme dispute open 2024-01 --claimed meta=170 --basis more --ground manifest-error --reopens 4 --key acme.key --recorded-time 2024-02-13T08:00:00Z
";

fn told() -> Bench {
    let bench = Bench::with_terms();
    for line in STORY.lines().map(str::trim).filter(|line| !line.is_empty()) {
        bench.ok(line);
    }
    bench
}

#[test]
fn every_document_of_a_dispute_fits_its_schema() {
    let bench = told();
    let documents = [
        ("disputes", "dispute list --json"),
        ("dispute", "dispute show 4 --json"),
        ("dispute", "dispute show 7 --json"),
        ("dispute-replay", "dispute replay 4 --json"),
        ("dispute-replay", "dispute replay 7 --json"),
        ("settlement", "dispute settle 7 --stands --out two.txt --json --key meta.key"),
        ("recorded", "dispute accept 7 --key meta.key --dry-run --json"),
        ("record", "show 4 --json"),
        ("record", "show 5 --json"),
        ("record", "show 6 --json"),
        ("record", "show 7 --json"),
        ("explain", "explain 2024-01/meta --json"),
        ("blame", "blame 2024-01/meta --json"),
        ("balances", "balances --json"),
        ("balances-diff", "balances --diff 3 --json"),
        ("status", "status --json"),
    ];
    for (name, command) in documents {
        let ran = bench.ok(&format!("-C acme {command}"));
        let document: Value = serde_json::from_str(&ran.out).expect(command);
        schema::check(name, &document);
    }
}

#[test]
fn the_index_finds_what_the_log_says() {
    let bench = told();
    let looks =
        ["--dispute 4", "--dispute 7", "--party meta", "--party expert", "--period 2024-01"];
    for look in looks {
        let line = format!("-C acme history {look} --json");
        let with = bench.ok(&line).out;
        bench.ok(&format!("-C acme history {look} --wide"));
        fs::remove_dir_all(bench.path("cache")).expect("a cache");
        let without = bench.ok(&line).out;
        // Whoever writes makes it anew.
        bench.ok("-C acme acknowledge --key meta.key");
        assert_eq!(with, without, "{look}");
        assert_eq!(with.contains("dispute-opened"), look != "--party expert", "{look}");
    }
}

#[test]
fn a_claim_of_many_lines_is_summed_into_one_block() {
    let bench = told();
    let mut lines = "day,application,gross\n".to_owned();
    for _ in 0..70_000 {
        lines.push_str("2024-01-05,search,0.01\n");
    }
    bench.write("many.csv", &lines);
    let command =
        "-C acme dispute open 3 --replace 2=many.csv --basis x --ground fraud --reopens 4";
    bench.ok("-C acme dispute withdraw 7 --reason x --key acme.key");
    let ran = bench.ok(&format!("{command} --key acme.key"));
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (out, err) = (flat(&ran.out), flat(&ran.err));
    assert!(err.contains("the 70000 lines of many.csv are summed by day"), "{err}");
    assert!(out.contains("claimed 1 line, 700 USD gross"), "{out}");
}
