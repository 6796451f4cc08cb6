//! Every reading command shows the ledger as it stood, by each way of naming a point.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;

use crate::documents::json;
use crate::run::Bench;

const READING: [&str; 25] = [
    "balances",
    "status",
    "accept",
    "history",
    "show 3",
    "usage list",
    "usage show 2",
    "statement list",
    "statement show 2024-01",
    "statement preview 2024-02",
    "payout list",
    "explain 2024-01/meta",
    "blame 2024-01/meta",
    "balances --diff 3",
    "replay --without 6",
    "terms show",
    "terms diff 0",
    "terms preview terms-2.toml --from 2024-01-15",
    "amend list",
    "fx list",
    "contribution list",
    "usage diff 2 2",
    "portfolio acme",
    "evidence check",
    "audit 2024-01 2024-01",
];

#[test]
fn every_reading_command_has_at_and_every_kind_of_point_works() {
    let bench = Bench::with_ledger();
    let hash = |seq: u64, field: &str| {
        let shown = json(&bench.ok(&format!("-C acme show {seq} --json")).out);
        shown[field].as_str().expect("a hash").to_owned()
    };
    for command in READING {
        let at = |point: &str| {
            let ran = bench.type_in(&format!("-C acme {command} --json --at {point}"));
            (ran.code, ran.out)
        };
        // Record 9 is the report of February; nothing else was recorded on that day.
        let expected = at("9");
        assert_eq!(expected.0, 0, "{command}");
        let by_hash = format!("id:{}", &hash(9, "hash")[..10]);
        let by_id = format!("id:{}", &hash(9, "event")[..16]);
        assert_eq!(at(&by_hash), expected, "{command} by hash");
        assert_eq!(at(&by_id), expected, "{command} by event id");
        assert_eq!(at("2024-03-02T23:00:00Z").1.len(), expected.1.len(), "{command} by time");
        if command != "status" {
            assert_eq!(at("2024-03-02T08:00:00Z"), expected, "{command} by time");
            assert_eq!(at("2024-03-02"), expected, "{command} by date");
        }
    }
}

#[test]
fn a_state_is_shown_as_it_was() {
    let bench = Bench::with_ledger();
    let payable = |at: &str| {
        let shown = json(&bench.ok(&format!("-C acme balances --json --at {at}")).out);
        shown["beneficiaries"][0]["payable"].as_str().expect("an amount").to_owned()
    };
    assert_eq!(payable("2"), "0.00");
    assert_eq!(payable("3"), "184.81");
    assert_eq!(payable("6"), "84.81");
    let shown = json(&bench.ok("-C acme usage show 2 --json").out);
    assert_eq!(shown["report"]["in_effect"], false);
    let shown = json(&bench.ok("-C acme usage show 2 --at 7 --json").out);
    assert_eq!(shown["report"]["in_effect"], true);
}

#[test]
fn history_is_filtered() {
    let bench = Bench::with_ledger();
    let seqs = |filter: &str| {
        let ran = bench.ok(&format!("-C acme history --json {filter}"));
        ran.out.lines().map(|line| json(line)["seq"].as_u64()).collect::<Option<Vec<_>>>()
    };
    assert_eq!(seqs("--kind payout-sent"), Some(vec![6, 11]));
    assert_eq!(seqs("--period 2024-02"), Some(vec![9, 10]));
    assert_eq!(seqs("--party meta --at 7"), Some(vec![1, 4, 5, 6, 7]));
    assert_eq!(seqs("--kind payout-sent --party meta --at 8"), Some(vec![6]));
    assert_eq!(seqs("--between 4 7"), Some(vec![5, 6, 7]));
    assert_eq!(seqs("--between 4 4"), Some(vec![]));
    assert_eq!(seqs("--between 2024-02-04 2024-02-20 --party meta"), Some(vec![4, 5, 6]));
    assert_eq!(seqs("--between 4 11 --kind payout-sent --at 8"), Some(vec![6]));
    assert_eq!(bench.type_in("-C acme history --between 7 4").code, 2);
}

#[test]
fn the_nearest_parent_that_is_a_ledger_is_meant() {
    let bench = Bench::with_ledger();
    let inner = bench.path("acme/some/where");
    std::fs::create_dir_all(&inner).expect("a folder");
    let mut command = bench.command(&["balances", "--json"]);
    let output = command.current_dir(&inner).output().expect("the binary runs");
    assert!(output.status.success());
    let mut command = bench.command(&["balances"]);
    let output = command.env("REVSHARE_LEDGER", bench.path("acme")).output().expect("it runs");
    assert!(output.status.success());
    assert_eq!(bench.run(&["balances"]).code, 2);
}

#[test]
fn there_is_no_pager_where_there_is_no_terminal() {
    let bench = Bench::with_ledger();
    let plain = bench.ok("-C acme history").out;
    for line in ["history", "history --no-pager"] {
        let args: Vec<&str> = ["-C", "acme"].into_iter().chain(line.split(' ')).collect();
        let mut command = bench.command(&args);
        let output = command.env("REVSHARE_PAGER", "false").output().expect("the binary runs");
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout), plain, "{line}");
    }
}

#[test]
fn a_reader_that_leaves_early_hurts_nobody() {
    let bench = Bench::with_ledger();
    let mut command = bench.command(&["-C", "acme", "completions", "bash"]);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("a line");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// Commands without `--at` that write nothing, and why.
const WITHOUT_AT: [(&str, &str); 7] = [
    ("demo", "it builds a ledger of its own"),
    ("keygen", "it reads no ledger"),
    ("terms check", "it reads a file"),
    ("completions", "it reads no ledger"),
    ("verify", "it judges all bytes of a copy"),
    ("diff", "it compares two copies as they are"),
    ("pull", "it takes all that the other copy has"),
];

#[test]
fn every_command_that_reads_a_ledger_and_writes_nothing_has_at() {
    let page = Bench::new().ok("debug reference").out;
    let mut seen = vec![];
    let mut missing = vec![];
    for section in page.split("\n## `revshare ").skip(1) {
        let (name, help) = section.split_once("`\n").expect("a name");
        let is_leaf = !help.contains("\nCommands:\n");
        let writes = help.contains("--if-head <HASH>");
        if !is_leaf || help.contains("--at <POINT>") || help.contains("[alias: --at]") {
            continue;
        }
        let named = WITHOUT_AT.iter().any(|(without, _)| *without == name);
        match named {
            true => seen.push(name),
            false if !writes => missing.push(name),
            false => {}
        }
    }
    assert_eq!(missing, Vec::<&str>::new(), "neither --at nor a reason");
    for (name, _) in WITHOUT_AT {
        assert!(seen.contains(&name), "{name} is no command without --at");
    }
}
