//! Logs that are shipped as documents verify, and the index changes no answer.

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

/// Deleting the index, breaking it, or having none changes no answer of any reading command.
#[test]
fn the_index_changes_no_answer() {
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
    bench.ok("-C acme balances");
    let mut machine = fs::read_dir(bench.path("state/index")).expect("an index").flatten();
    let index = machine.next().expect("an index").path();
    for command in commands {
        for json in ["", " --json"] {
            let line = format!("-C acme {command}{json}");
            let ask = || {
                let ran = bench.type_in(&line);
                (ran.code, ran.out, ran.err)
            };
            let first = ask();
            assert_eq!(first, ask(), "warm: {line}");
            fs::remove_dir_all(&index).expect("the index is there");
            assert_eq!(first, ask(), "deleted: {line}");
            for entry in fs::read_dir(&index).expect("the index is there").flatten() {
                if entry.path().is_file() {
                    fs::write(entry.path(), b"not what sled wrote").expect("broken");
                }
            }
            assert_eq!(first, ask(), "broken: {line}");
            fs::remove_dir_all(&index).ok();
            fs::write(&index, b"a file in its place").expect("blocked");
            assert_eq!(first, ask(), "impossible: {line}");
            fs::remove_file(&index).expect("unblocked");
            ask();
        }
    }
}
