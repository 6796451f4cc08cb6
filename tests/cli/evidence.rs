//! Files beside the log: kept, lost, changed, pulled and erased, and what scripts are told.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::documents::json;
use crate::run::Bench;
use crate::schema;

/// A ledger in the copies `acme` and `meta`; the host named `report.pdf` about its opening, in record
/// 2, and only `acme` has it.
pub fn attached() -> (Bench, String) {
    let bench = Bench::with_terms();
    for line in [
        "-C acme init --terms terms.toml --key acme.key --recorded-time 2024-01-01T08:00:00Z",
        "-C meta pull acme",
        "-C meta accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z",
        "-C acme pull meta",
    ] {
        bench.ok(line);
    }
    let ran = bench.ok(&format!("{ATTACH} --json"));
    let document = json(&ran.out);
    schema::check("recorded", &document);
    let commitment = document["record"]["says"]["commitment"].as_str().expect("a commitment");
    (bench, commitment.to_owned())
}

const ATTACH: &str = "-C acme evidence attach 0 report.pdf --note letter --key acme.key \
                      --recorded-time 2024-01-03T08:00:00Z";
const ERASE: &str = "-C acme evidence erase 2 --reason private --key acme.key \
                     --recorded-time 2024-01-04T08:00:00Z";

/// What `evidence check` says of a copy, with its exit code.
fn check(bench: &Bench, copy: &str) -> (i32, Value) {
    let ran = bench.type_in(&format!("-C {copy} evidence check --json"));
    assert_eq!(ran.err, "");
    let document = json(&ran.out);
    schema::check("evidence", &document);
    (ran.code, document)
}

/// What a copy has of the only file.
fn here(bench: &Bench, copy: &str) -> (i32, String) {
    let (code, document) = check(bench, copy);
    assert_eq!(document["ok"], code == 0);
    (code, document["evidence"][0]["here"].as_str().expect("a word").to_owned())
}

fn pull(bench: &Bench, more: &str) -> Value {
    let document = json(&bench.ok(&format!("-C meta pull acme --json {more}")).out);
    schema::check("pull", &document);
    document["evidence"].clone()
}

fn list(value: &Value) -> usize {
    value.as_array().expect("a list").len()
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn what_is_here_is_held_against_its_commitment() {
    let (bench, commitment) = attached();
    let folder = bench.path("acme/evidence").join(&commitment);
    assert_eq!(here(&bench, "acme"), (0, "matches".to_owned()));
    assert_eq!(check(&bench, "meta").1["evidence"].as_array().map(Vec::len), Some(0));
    let content = fs::read(folder.join("content")).expect("a copy");
    let salt = fs::read(folder.join("salt")).expect("a salt");
    fs::write(folder.join("content"), [&content[..], b"."].concat()).expect("a change");
    assert_eq!(here(&bench, "acme"), (1, "changed".to_owned()));
    fs::write(folder.join("content"), &content).expect("the file again");
    fs::write(folder.join("salt"), &salt[1..]).expect("a shorter salt");
    assert_eq!(here(&bench, "acme"), (1, "changed".to_owned()));
    fs::remove_file(folder.join("salt")).expect("no salt");
    assert_eq!(here(&bench, "acme"), (1, "salt-missing".to_owned()));
    fs::write(folder.join("salt"), &salt).expect("the salt again");
    assert_eq!(here(&bench, "acme"), (0, "matches".to_owned()));
    fs::remove_file(folder.join("content")).expect("no file");
    assert_eq!(here(&bench, "acme"), (0, "content-missing".to_owned()));
    fs::remove_dir_all(&folder).expect("nothing");
    assert_eq!(here(&bench, "acme"), (0, "missing".to_owned()));
    // A link is not the file, wherever it leads.
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("salt"), &salt).expect("the salt");
    std::os::unix::fs::symlink(bench.path("report.pdf"), folder.join("content")).expect("a link");
    assert_eq!(here(&bench, "acme"), (1, "changed".to_owned()));
}

#[test]
fn what_the_log_does_not_name_is_listed() {
    let (bench, commitment) = attached();
    let all = bench.path("acme/evidence");
    let other = "0".repeat(64);
    for name in ["new-0123", &other, &commitment.to_uppercase()] {
        fs::create_dir(all.join(name)).expect("a folder");
    }
    let (code, document) = check(&bench, "acme");
    assert_eq!((code, list(&document["unnamed"])), (0, 3));
    let ran = bench.ok("-C acme evidence check");
    assert!(ran.out.contains("not named by the log: evidence/new-0123\n"), "{}", ran.out);
    // Seen from before it was named, it is named all the same.
    let before = json(&bench.ok("-C acme evidence check --at 1 --json").out);
    assert_eq!((list(&before["evidence"]), list(&before["unnamed"])), (0, 3));
}

#[test]
fn pull_takes_what_matches_and_nothing_else() {
    let (bench, commitment) = attached();
    let (ours, theirs) =
        (bench.path("meta/evidence"), bench.path("acme/evidence").join(&commitment));
    assert_eq!(list(&pull(&bench, "--dry-run")["taken"]), 1);
    assert!(!ours.exists());
    let content = fs::read(theirs.join("content")).expect("a copy");
    let salt = fs::read(theirs.join("salt")).expect("a salt");
    // Another file, another salt, and no plain file.
    fs::write(theirs.join("content"), "another").expect("another file");
    let mismatch = pull(&bench, "");
    assert_eq!((list(&mismatch["taken"]), list(&mismatch["refused"])), (0, 1));
    assert!(!ours.exists(), "what does not match leaves nothing");
    let told = bench.ok("-C meta pull acme -q").err;
    let named = told.contains(&commitment[..12]);
    assert!(named && told.contains("committed to"), "{told}");
    fs::write(theirs.join("content"), &content).expect("the file");
    fs::write(theirs.join("salt"), [0; 31]).expect("a short salt");
    assert_eq!(list(&pull(&bench, "")["refused"]), 1);
    fs::write(theirs.join("salt"), &salt).expect("the salt");
    fs::remove_file(theirs.join("content")).expect("no file");
    assert_eq!((list(&pull(&bench, "")["refused"]), list(&pull(&bench, "")["taken"])), (0, 0));
    std::os::unix::fs::symlink("/dev/zero", theirs.join("content")).expect("a link");
    assert_eq!(list(&pull(&bench, "")["refused"]), 1);
    fs::remove_file(theirs.join("content")).expect("no link");
    let large = fs::File::create(theirs.join("content")).expect("a file");
    large.set_len((1 << 30) + 1).expect("a sparse file");
    let refused = pull(&bench, "");
    assert!(refused["refused"][0]["why"].as_str().is_some_and(|why| why.contains("1 GiB")));
    fs::write(theirs.join("content"), &content).expect("the file");
    assert_eq!(pull(&bench, "")["taken"][0], commitment.as_str());
    assert_eq!(fs::read(ours.join(&commitment).join("content")).expect("the copy"), content);
    assert_eq!(files(&ours).len(), 2);
    assert_eq!(here(&bench, "meta"), (0, "matches".to_owned()));
    assert_eq!(list(&pull(&bench, "")["taken"]), 0);
}

#[test]
fn pull_into_a_new_folder_and_from_a_copy_that_is_behind() {
    let (bench, _) = attached();
    let first = json(&bench.ok("-C third pull acme --json").out);
    assert_eq!(list(&first["evidence"]["taken"]), 1);
    assert_eq!(here(&bench, "third"), (0, "matches".to_owned()));
    // The copy that has fewer records may have the file: the longer log names it.
    bench.ok("-C meta pull acme");
    bench.ok("-C acme acknowledge --key acme.key --recorded-time 2024-01-05T08:00:00Z");
    fs::remove_dir_all(bench.path("acme/evidence")).expect("nothing is left");
    let back = json(&bench.ok("-C acme pull meta --json").out);
    assert_eq!((&back["new"], list(&back["evidence"]["taken"])), (&Value::from(0), 1));
    assert_eq!(here(&bench, "acme"), (0, "matches".to_owned()));
}

#[test]
fn erasing_breaks_no_proof_and_leaves_nothing_to_guess_from() {
    let (bench, commitment) = attached();
    bench.ok("-C meta pull acme");
    let content = fs::read(bench.path("report.pdf")).expect("the file");
    let salt =
        fs::read(bench.path("acme/evidence").join(&commitment).join("salt")).expect("a salt");
    let root = |copy: &str| {
        let ran = bench.ok(&format!("verify {copy} --json"));
        json(&ran.out)["state_root"].as_str().expect("a root").to_owned()
    };
    let with_file = root("acme");
    let recorded = bench.ok(&format!("{ERASE} --json"));
    schema::check("recorded", &json(&recorded.out));
    bench.ok("-C meta pull acme");
    // Two copies, one with the file and one without.
    let (code, document) = check(&bench, "acme");
    assert_eq!((code, &document["evidence"][0]["erased_by"]), (0, &Value::from(3)));
    assert_eq!(document["evidence"][0]["erase_here"], false);
    assert_eq!(check(&bench, "meta").1["evidence"][0]["erase_here"], true);
    assert_eq!((root("acme"), root("meta")), (with_file.clone(), with_file));
    assert!(!bench.path("acme/evidence").exists());
    // Nothing in the copy has the file or the salt, and the commitment is no plain hash of it.
    for path in files(&bench.path("acme")) {
        let bytes = fs::read(&path).expect("a file");
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(!has(&content) && !has(&salt), "{}", path.display());
    }
    assert_ne!(blake3::hash(&content).to_hex().as_str(), commitment);
    assert_ne!(blake3::keyed_hash(&[0; 32], &content).to_hex().as_str(), commitment);
    // The other copy says so, and is not asked for a key.
    let left = pull(&bench, "");
    assert_eq!((list(&left["erase_here"]), list(&left["taken"])), (1, 0));
    let log = fs::read(bench.path("meta/log/00000000.seg")).expect("a segment");
    let prefix = &commitment[..12];
    let ran = bench.ok(&format!("-C meta evidence erase {prefix} --local --json"));
    let document = json(&ran.out);
    schema::check("evidence", &document);
    assert_eq!(document["evidence"][0]["here"], "missing");
    assert!(!bench.path("meta/evidence").exists());
    assert!(log == fs::read(bench.path("meta/log/00000000.seg")).expect("a segment"));
    // What is erased does not come back.
    bench.ok("-C third pull acme");
    assert!(!bench.path("third/evidence").exists());
}

#[test]
fn an_erasure_stands_if_the_file_cannot_be_deleted() {
    let (bench, commitment) = attached();
    let folder = bench.path("acme/evidence").join(&commitment);
    // A folder in the place of the salt cannot be removed as a file is, by nobody.
    fs::remove_file(folder.join("salt")).expect("no salt");
    fs::create_dir(folder.join("salt")).expect("a folder");
    let ran = bench.type_in(&format!("{ERASE} --json"));
    assert_eq!(ran.code, 5);
    assert_eq!(json(&ran.out)["recorded"], true);
    let error = json(&ran.err);
    assert_eq!(error["code"], "disk-write");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--local")), "{error}");
    assert_eq!(check(&bench, "acme").1["evidence"][0]["erase_here"], true);
    assert_eq!(bench.type_in("-C acme evidence erase 2 --local").code, 5);
    fs::remove_dir(folder.join("salt")).expect("nothing in its place");
    bench.ok("-C acme evidence erase 2 --local");
    assert_eq!(here(&bench, "acme"), (0, "missing".to_owned()));
}

#[test]
fn an_erasure_needs_no_file_here() {
    let (bench, commitment) = attached();
    fs::remove_dir_all(bench.path("acme/evidence")).expect("it is lost");
    let by_prefix = ERASE.replace("erase 2", &format!("erase {}", &commitment[..8]));
    let ran = bench.ok(&by_prefix);
    assert!(ran.err.contains("this copy has nothing of it"), "{}", ran.err);
}

#[test]
fn what_was_not_attached_is_not_kept() {
    let (bench, commitment) = attached();
    let kept = || fs::read_dir(bench.path("acme/evidence")).expect("a folder").count();
    bench.ok(&ATTACH.replace("08:00:00Z", "09:00:00Z --dry-run"));
    assert_eq!(kept(), 1);
    let refused = ATTACH.replace("08:00:00Z", "09:00:00Z --if-head 000000");
    assert_eq!(bench.type_in(&refused).code, 3);
    assert_eq!(bench.type_in(&ATTACH.replace("attach 0", "attach 99")).code, 3);
    assert_eq!(bench.type_in(&ATTACH.replace("2024-01-03", "2023-01-03")).code, 3);
    assert_eq!(kept(), 1);
    // The same file again gets another commitment.
    let again = json(&bench.ok(&ATTACH.replace("08:00:00Z", "09:00:00Z --json")).out);
    assert_ne!(again["record"]["says"]["commitment"].as_str(), Some(commitment.as_str()));
}

#[test]
fn an_audit_fits_its_schema() {
    let bench = Bench::with_ledger();
    for command in [
        "audit 2024-01 2024-02",
        "audit 2024-01 2024-01 --claimed-at 7 --at 10",
        "audit 2024-01 2024-02 --replace 2=january.csv --with-terms terms-2.toml",
    ] {
        let ran = bench.ok(&format!("-C acme {command} --json"));
        assert_eq!(ran.err, "", "{command}");
        let document = json(&ran.out);
        schema::check("audit", &document);
        assert_eq!(document["all"]["collector_bears_cost"], Value::Null);
    }
    let document = json(&bench.ok("-C acme audit 2024-01 2024-02 --json").out);
    assert_eq!(document["periods"][0]["shares"][0]["claimed"], "184.81");
    assert_eq!(document["periods"][0]["shares"][0]["recomputed"], "175.81");
    assert_eq!(document["all"]["shortfall"], "-9.00");
    assert_eq!(document["periods"][0]["moved_by"][0]["seq"], 8);
}

#[test]
fn what_a_dispute_adopted_stands_unless_the_auditor_assumes_otherwise() {
    let bench = Bench::with_ledger();
    bench.ok("-C meta pull acme");
    bench.ok("-C meta dispute open 3 --claimed meta=200.00 --basis \"we count more\" --key meta.key --recorded-time 2024-03-05T08:00:00Z");
    bench.ok("-C acme pull meta");
    bench.ok("-C acme dispute accept 12 --key acme.key --recorded-time 2024-03-06T08:00:00Z");
    let audit = |more: &str| {
        let ran = bench.ok(&format!("-C acme audit 2024-01 2024-01 --json {more}"));
        let document = json(&ran.out);
        schema::check("audit", &document);
        let period = &document["periods"][0];
        (period["shares"][0]["recomputed"].clone(), period["set_aside"].clone())
    };
    assert_eq!(audit(""), ("200.00".into(), Value::Array(vec![])));
    let assumed = "--replace 2=january.csv";
    assert_eq!(audit(assumed), ("184.81".into(), Value::Array(vec!["meta".into()])));
    let shown = bench.ok(&format!("-C acme audit 2024-01 2024-01 {assumed}")).err;
    assert!(shown.contains("a dispute adopted the amount of meta for 2024-01"), "{shown}");
}
