//! Amendments, conversion rates and contributions, as scripts meet them.

use std::fs;
use std::path::PathBuf;

use crate::documents::json;
use crate::run::Bench;
use crate::schema;

/// A ledger under a price list, with January reported in two currencies.
fn priced() -> Bench {
    let bench = Bench::with_terms();
    for line in [
        "-C acme init --terms priced.toml --key acme.key --recorded-time 2024-01-01T08:00:00Z",
        "-C acme accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z",
        "-C acme usage report priced-january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-03T08:00:00Z",
    ] {
        bench.ok(line);
    }
    bench
}

/// The folders of evidence.
fn evidence(bench: &Bench) -> Vec<PathBuf> {
    let entries = fs::read_dir(bench.path("acme/evidence")).map(|entries| entries.collect());
    let entries: Vec<_> = entries.unwrap_or_default();
    entries.into_iter().map(|entry| entry.expect("an entry").path()).collect()
}

const CLAIM: &str = "-C acme contribution claim safety-tuning --from 2024-01-08 \
                     --evidence report.pdf --key acme.key";

#[test]
fn json_fits_its_schema() {
    let bench = priced();
    let writing = [
        "amend propose terms-2.toml --from 2024-02-01 --reason renewal --key meta.key",
        "fx set EUR 1.09 --period 2024-01 --source ECB --key acme.key",
        "fx reject 4 --reason wrong --key meta.key",
        "fx set EUR 1.08 --period 2024-01 --source ECB --key acme.key",
        "fx withdraw 6 --reason wrong --key acme.key",
        "fx set EUR 1.07 --period 2024-01 --source ECB --key acme.key",
        "accept 8 --key meta.key",
        "contribution claim safety-tuning --from 2024-01-08 --note weekly --key acme.key",
        "accept 10 --key meta.key",
        "contribution end 10 --on 2024-02-01 --reason over --key acme.key",
        "contribution claim safety-tuning --from 2024-03-08 --key acme.key",
        "contribution reject 13 --reason no --key meta.key",
        "amend reject 3 --reason no --key acme.key",
    ];
    for command in writing {
        let command = format!("-C acme {command} --json");
        let ran = bench.ok(&command);
        assert_eq!(ran.err, "", "{command}");
        schema::check("recorded", &json(&ran.out));
    }
}

#[test]
fn evidence_is_kept_beside_the_log_and_committed_to() {
    let bench = priced();
    let ran = bench.ok(&format!("{CLAIM} --json"));
    let document = json(&ran.out);
    let commitment = document["record"]["says"]["evidence"].as_str().expect("a commitment");
    let folders = evidence(&bench);
    let [folder] = &folders[..] else { panic!("{folders:?}") };
    assert!(folder.ends_with(commitment), "{}", folder.display());
    let content = fs::read(folder.join("content")).expect("a copy");
    assert_eq!(content, fs::read(bench.path("report.pdf")).expect("the file"));
    let salt = fs::read(folder.join("salt")).expect("the salt");
    let salt: [u8; 32] = salt.try_into().expect("32 bytes");
    assert_eq!(blake3::keyed_hash(&salt, &content).to_hex().as_str(), commitment);
    // Another claim of the same file says nothing about that.
    let ran = bench.ok(&format!("{CLAIM} --json --note again"));
    assert_ne!(json(&ran.out)["record"]["says"]["evidence"].as_str(), Some(commitment));
    assert_eq!(evidence(&bench).len(), 2);
}

#[test]
fn evidence_of_what_was_not_recorded_is_not_kept() {
    let bench = priced();
    bench.ok(&format!("{CLAIM} --dry-run"));
    assert!(!bench.path("acme/evidence").exists());
    let refused = CLAIM.replace("safety-tuning", "unsafety-tuning");
    assert_eq!(bench.type_in(&refused).code, 3);
    assert!(!bench.path("acme/evidence").exists());
    let absent = CLAIM.replace("report.pdf", "nowhere.pdf");
    assert_eq!(bench.type_in(&absent).code, 5);
    assert!(!bench.path("acme/evidence").exists());
    // What is kept of another claim stays.
    bench.ok(CLAIM);
    assert_eq!(bench.type_in(&refused).code, 3);
    assert_eq!(evidence(&bench).len(), 1);
}

#[test]
fn lists_and_comparisons_fit_their_schemas() {
    let bench = priced();
    // What is not as the price list has it is shown with the verdict, and makes nothing invalid.
    let verdict = json(&bench.ok("-C acme verify --json").out);
    schema::check("verdict", &verdict);
    assert_eq!(verdict["price_findings"][0]["seq"], 2);
    assert_eq!(verdict["price_findings"][0]["finding"]["reported"], "1100.505");
    let shown = bench.ok("-C acme verify").out;
    assert!(shown.contains("\nnote: record 2: 1100.505 USD gross is reported"), "{shown}");
    bench.ok("-C acme amend propose terms-2.toml --from 2024-02-01 --reason x --key meta.key");
    bench.ok("-C acme fx set EUR 1.09 --period 2024-01 --source ECB --key acme.key");
    bench.ok("-C acme fx reject 4 --reason wrong --key meta.key");
    bench.ok("-C acme contribution claim safety-tuning --from 2024-01-08 --key acme.key");
    bench.ok("-C acme accept 6 --key meta.key");
    bench.ok("-C acme contribution end 6 --on 2024-02-01 --reason over --key acme.key");
    bench.ok("-C acme usage correct 2 --nil --reason none --key acme.key");
    let reading = [
        ("amendments", 0, "amend list"),
        ("rates", 0, "fx list"),
        ("contributions", 0, "contribution list"),
        ("terms-diff", 1, "terms diff 0 3"),
        ("terms-diff", 0, "terms diff priced.toml"),
        ("terms-preview", 0, "terms preview terms-2.toml --from 2024-02-01"),
        ("usage-diff", 1, "usage diff 2 9"),
        ("usage-diff", 0, "usage diff 2 2"),
        ("usage-list", 0, "usage list"),
        ("usage-show", 0, "usage show 2"),
        ("portfolio", 1, "portfolio acme elsewhere"),
    ];
    for (name, code, command) in reading {
        let ran = bench.type_in(&format!("-C acme {command} --json"));
        assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{command}");
        schema::check(name, &json(&ran.out));
    }
    let verdict = json(&bench.ok("-C acme verify --json").out);
    assert_eq!(verdict["price_findings"], json("[]"), "what was corrected is not in effect");
    let shown = json(&bench.ok("-C acme usage show 2 --json").out);
    assert_eq!(shown["report"]["price_findings"][0]["reported"], "1100.505");
    assert_eq!(shown["report"]["price_findings"][0]["priced"], "1080");
    let rates = json(&bench.ok("-C acme fx list --json").out);
    assert_eq!(rates["rates"][0]["status"], "rejected");
    assert_eq!(rates["rates"][0]["rejected_by"], "meta");
}

#[test]
fn a_dry_run_of_a_proposal_records_nothing() {
    let bench = priced();
    let log = || fs::read(bench.path("acme/log/00000000.seg")).expect("a segment");
    let before = log();
    for command in [
        "amend propose terms-2.toml --from 2024-02-01 --reason x --key meta.key",
        "fx set EUR 1.09 --period 2024-01 --source ECB --key acme.key",
        "contribution claim safety-tuning --from 2024-01-08 --key acme.key",
    ] {
        let ran = bench.ok(&format!("-C acme {command} --dry-run --json"));
        let document = json(&ran.out);
        assert_eq!(document["recorded"], false, "{command}");
        assert_eq!(document["proposal"]["waits_for"].as_array().map(Vec::len), Some(1));
        let ran = bench.type_in(&format!("-C acme {command} --if-head 000000"));
        assert_eq!(ran.code, 3, "{command}");
    }
    assert!(before == log());
}

#[test]
fn a_portfolio_names_what_is_damaged_and_never_adds_currencies() {
    let bench = Bench::with_ledger();
    bench.ok("-C tokyo init --terms yen.toml --key acme.key");
    let whole = json(&bench.ok("portfolio acme meta tokyo --json --party meta").out);
    schema::check("portfolio", &whole);
    let currencies: Vec<_> =
        whole["totals"].as_array().expect("totals").iter().map(|one| &one["currency"]).collect();
    assert_eq!(currencies, ["JPY", "USD"]);
    assert_eq!(whole["ledgers"][0]["says"]["party"], "meta");
    assert_eq!(whole["totals"][1]["ledgers"], 2);
    let path = bench.path("meta/log/00000000.seg");
    let mut bytes = fs::read(&path).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, bytes).expect("a damaged segment");
    let ran = bench.type_in("portfolio acme meta tokyo --json");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let whole = json(&ran.out);
    schema::check("portfolio", &whole);
    assert_eq!(whole["ledgers"][1]["verdict"], "invalid");
    assert!(whole["ledgers"][1]["problem"]["code"].is_string());
    assert_eq!(whole["ledgers"][2]["verdict"], "valid");
}
