//! The README's tutorial, word for word: its `sh tutorial` blocks are run one after another in one
//! folder, and each prints what the `text` block behind it shows (hashes, ids and keys aside).
//! Beside it: logs that are shipped as documents must verify.

use std::fs;
use std::process::Command;

use crate::run::Bench;
use crate::run::root;
use crate::run::steady;

/// Script and output, block by block.
fn tutorial() -> Vec<(String, String)> {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    let block = |lines: &mut std::str::Lines<'_>| -> String {
        lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect()
    };
    while let Some(line) = lines.next() {
        if line != "```sh tutorial" {
            continue;
        }
        let script = block(&mut lines);
        let opening = lines.find(|line| !line.is_empty());
        assert_eq!(opening, Some("```text"), "no output behind the block\n{script}");
        blocks.push((script, block(&mut lines)));
    }
    blocks
}

#[test]
fn the_tutorial_prints_what_it_shows() {
    let bench = Bench::new();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_revshare"));
    let folder = binary.parent().expect("the folder of the binary").display();
    let blocks = tutorial();
    assert!(blocks.len() >= 8, "the tutorial has {} blocks", blocks.len());
    for (script, shown) in blocks {
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-euc", &format!("exec 2>&1\n{script}")])
            .current_dir(bench.path(""))
            .env_clear()
            .env("PATH", format!("{folder}:{path}"))
            .env("HOME", bench.path(""))
            .env("REVSHARE_STATE_DIR", bench.path("state"))
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(steady(&printed), steady(&shown), "after\n{script}");
        assert!(output.status.success(), "{script}");
    }
}

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
    let index = bench.path("acme/index");
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
