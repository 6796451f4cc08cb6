//! Logs that are shipped as documents verify, and the cache changes no answer.

use std::fs;

use crate::run::Bench;
use crate::run::root;

#[test]
fn the_example_of_the_documents_verifies() {
    let bench = Bench::new();
    let example = root().join("docs/example");
    let ran = bench.run(&["verify", &example.display().to_string()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

/// Deleting the cache, breaking it, or having none changes no answer of any reading command.
#[test]
fn the_cache_changes_no_answer() {
    let bench = Bench::with_terms();
    for line in [
        "-C acme init --terms terms.toml --key acme.key --recorded-time 2024-01-01T00:00:00Z",
        "-C meta pull acme",
        "-C meta accept 0 --key meta.key --recorded-time 2024-01-02T00:00:00Z",
        "-C acme pull meta",
        "-C acme usage report january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-01T00:00:00Z",
        "-C acme statement issue 2024-01 --key acme.key --recorded-time 2024-02-02T00:00:00Z",
    ] {
        bench.ok(line);
    }
    let commands = [
        "balances",
        "history",
        "history --kind usage-reported",
        "history --party meta",
        "history --period 2024-01",
        "show 2",
        "status --at 2024-02-03",
        "usage list",
        "usage show 2",
        "statement list",
        "statement show 2024-01",
        "statement preview 2024-02",
        "explain 2024-01/meta",
        "payout list",
        "terms show",
        "accept",
    ];
    let cache = bench.path("cache");
    for command in commands {
        for json in ["", " --json"] {
            let line = format!("-C acme {command}{json}");
            let ask = || {
                let ran = bench.type_in(&line);
                (ran.code, ran.out, ran.err)
            };
            bench.ok("-C acme verify");
            let first = ask();
            assert_eq!(first, ask(), "warm: {line}");
            let copy = fs::read_dir(&cache).expect("a cache").flatten().next().expect("a copy");
            for entry in fs::read_dir(copy.path()).expect("a folder").flatten() {
                if entry.path().is_file() {
                    fs::write(entry.path(), b"not what was written").expect("broken");
                }
            }
            assert_eq!(first, ask(), "broken: {line}");
            fs::remove_dir_all(&cache).expect("there is a cache");
            assert_eq!(first, ask(), "deleted: {line}");
            fs::remove_dir_all(&cache).ok();
            fs::write(&cache, b"a file in its place").expect("blocked");
            assert_eq!(first, ask(), "impossible: {line}");
            fs::remove_file(&cache).expect("unblocked");
        }
    }
}
