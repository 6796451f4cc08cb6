//! What the project's documents say about the command line is what the binary says, and what
//! `--json` prints fits its schema.

use std::fs;

use serde_json::Value;

use crate::run::Bench;
use crate::run::compare;
use crate::run::root;
use crate::schema;

#[test]
fn the_reference_is_the_help() {
    let bench = Bench::new();
    let ran = bench.ok("debug reference");
    compare(&root().join("docs/reference/cli.md"), &ran.out);
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let bench = Bench::new();
    fs::create_dir(bench.path("schemas")).expect("a folder");
    bench.ok("debug schemas schemas");
    let mut count = 0;
    for entry in fs::read_dir(bench.path("schemas")).expect("schemas") {
        let path = entry.expect("a schema").path();
        let name = path.file_name().expect("a name");
        compare(&root().join("schemas").join(name), &fs::read_to_string(&path).expect("a text"));
        count += 1;
    }
    assert_eq!(count, 37);
}

#[test]
fn every_json_document_fits_its_schema() {
    let bench = Bench::with_ledger();
    let reading = [
        ("balances", "balances --json"),
        ("status", "status --json"),
        ("waiting", "accept --json"),
        ("record", "show 0 --json"),
        ("record", "show 4 --json"),
        ("record", "show 11 --json"),
        ("statement", "statement show 2024-01 --json"),
        ("statement", "statement show 2024-02 --json"),
        ("statement", "statement preview 2024-02 --at 9 --json"),
        ("statements", "statement list --json"),
        ("usage-list", "usage list --json"),
        ("usage-show", "usage show 9 --json"),
        ("payouts", "payout list --json"),
        ("explain", "explain 2024-01/meta --json"),
        ("explain", "explain 2024-02/meta --json"),
        ("blame", "blame 2024-01/meta --json"),
        ("balances-diff", "balances --diff 3 --json"),
        ("replay", "replay --without 8 --json"),
        ("replay", "replay --replace 2=january-corrected.csv --with-terms terms-2.toml --json"),
        ("terms-show", "terms show --json"),
        ("verdict", "verify --since-verified --json"),
        ("verdict", "verify --json"),
        ("verdict", "verify --since-verified --json"),
    ];
    for (name, command) in reading {
        let ran = bench.ok(&format!("-C acme {command}"));
        assert_eq!(ran.err, "", "{command} prints one document and nothing else");
        schema::check(name, &json(&ran.out));
    }
    for line in bench.ok("-C acme history --json").out.lines() {
        schema::check("record", &json(line));
    }
    let of_files = [
        ("terms-check", "terms check terms.toml --json", 0),
        ("keygen", "keygen new.key --json", 0),
        ("diff", "diff acme meta --json", 1),
        ("acknowledgement", "-C acme acknowledge --out a.ack --key acme.key --json", 0),
        ("error", "terms check february.jsonl --json", 3),
        ("error", "show 0 --at bogus --json", 2),
        ("error", "bogus --json", 2),
        ("pull", "-C third pull acme --json", 0),
        ("recorded", "-C acme acknowledge --key acme.key --json", 0),
        ("recorded", "-C acme payout return 11 --reason late --key meta.key --json --dry-run", 0),
    ];
    for (name, command, code) in of_files {
        let ran = bench.type_in(command);
        assert_eq!(ran.code, code, "{command}: {}{}", ran.out, ran.err);
        let text = if name == "error" { &ran.err } else { &ran.out };
        schema::check(name, &json(text));
    }
}

#[test]
fn no_amount_is_a_number() {
    let bench = Bench::with_ledger();
    let words = ["amount", "base", "keep", "gross", "booked", "paid", "payable", "open", "earned"];
    for command in ["balances", "statement list", "payout list", "explain 2024-01/meta"] {
        let document = json(&bench.ok(&format!("-C acme {command} --json")).out);
        each_field(&document, &mut |name, value| {
            assert!(!(words.contains(&name) && value.is_number()), "{command}: {name} is {value}");
        });
    }
}

#[test]
fn an_amount_can_be_computed_again_from_its_explanation() {
    let bench = Bench::with_ledger();
    let document = json(&bench.ok("-C acme explain 2024-01/meta --at 3 --json").out);
    // 0.12 × (100.10 − 10.01) + 0.15 × 1000 + 0.30 × 80.005 = 184.81230 → 184.81
    assert_eq!(document["earned"], "184.8123");
    assert_eq!(document["amount"], "184.81");
    assert_eq!(document["rules"][0]["group"]["deductions"][1]["bound"], "10.01");
    let operations = document["rules"][1]["operations"].as_array().expect("operations");
    assert_eq!(operations[0]["base"], "1000");
    assert_eq!(operations[0]["rate"], "0.15");
    assert_eq!(operations[1]["base"], "80.005");
    assert_eq!(operations[1]["from"], "1000");
    assert_eq!(operations[1]["to"], "1080.005");
}

fn each_field(value: &Value, see: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            see(name, value);
            each_field(value, see);
        }),
        Value::Array(values) => values.iter().for_each(|value| each_field(value, see)),
        _ => {}
    }
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
