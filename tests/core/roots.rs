//! State roots after every record: those of the verifier are those of the reference, and one of
//! them is worked out in a document, byte by byte.

use std::fs;
use std::sync::Arc;
use std::sync::Mutex;

use ledger_core::verify::Options;
use ledger_core::verify::RecordRoot;
use ledger_core::verify::RootObserver;
use ledger_core::verify::verify;
use revshare_kit::disk::in_memory;
use revshare_kit::world::segments;
use serde_json::Value;

use crate::golden::released;
use crate::written::hex;
use crate::written::root;
use crate::written::unhex;

/// A state root: record, record hash, version, root.
type Root = (u64, [u8; 32], u16, [u8; 32]);

/// The state roots that the verifier hands out, and how many findings it has.
fn of_verifier(log: Vec<Vec<u8>>) -> (Vec<Root>, usize) {
    let roots = Arc::new(Mutex::new(Vec::new()));
    let received = roots.clone();
    let observer = RootObserver::new(move |root: RecordRoot| {
        let root = (root.seq, *root.hash.bytes(), root.version, *root.root.bytes());
        received.lock().expect("no other thread panicked").push(root);
    });
    let options = Options { roots: Some(observer), ..Options::default() };
    let verdict = verify(&in_memory(log), &options);
    let roots = roots.lock().expect("no other thread panicked").clone();
    (roots, verdict.findings.len())
}

/// The state roots of the reference, up to the first record that it refuses.
fn of_reference(log: &[Vec<u8>]) -> Vec<Root> {
    let mut roots = Vec::new();
    let mut after = |seq, hash, version, root| roots.push((seq, hash, version, root));
    let _ = revshare_reference::replay_roots(log, &mut after);
    roots
}

#[test]
fn the_verifier_has_the_roots_of_the_reference_after_every_record() {
    for (folder, expected) in released() {
        let log = segments(&folder);
        let (roots, findings) = of_verifier(log.clone());
        assert_eq!(findings, 0, "{}", folder.display());
        assert_eq!(roots, of_reference(&log), "{}", folder.display());
        let records = expected["records"].as_array().expect("records").iter();
        let expected = records.map(|record| record["state_root_after"].as_str().map(str::to_owned));
        let own = roots.iter().map(|(.., root)| Some(hex(root)));
        assert!(own.eq(expected), "{}", folder.display());
    }
}

/// On a log that is wrong, both give the roots of the records before the first that is.
#[test]
fn roots_end_before_the_first_finding() {
    let folder = root().join("schemas/vectors/bad-logs");
    let mut some = 0;
    for entry in fs::read_dir(folder).expect("the bad logs") {
        let path = entry.expect("an entry of the folder").path();
        let vector: Value =
            serde_json::from_slice(&fs::read(&path).expect("a vector")).expect("it is JSON");
        let log = vector["segments"].as_array().expect("segments").iter();
        let log: Vec<Vec<u8>> = log.map(|text| unhex(text.as_str().expect("digits"))).collect();
        let (roots, findings) = of_verifier(log.clone());
        assert!(findings > 0, "{}", path.display());
        assert_eq!(roots, of_reference(&log), "{}", path.display());
        some += usize::from(!roots.is_empty());
    }
    assert!(some > 10, "{some} logs with roots before what is wrong");
}

/// The bytes in `schemas/state-root-example.md` have the state root that it names, which is that of
/// the log that it names after the record that it names.
#[test]
fn the_worked_state_root_is_that_of_its_bytes() {
    let page = fs::read_to_string(root().join("schemas/state-root-example.md")).expect("the page");
    let blocks: Vec<&str> = page.split("```\n").skip(1).step_by(2).collect();
    let [bytes, named] = blocks[..] else { panic!("the page has two blocks") };
    let rows = bytes.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    let digits = rows.map(|row| row.split_once("  ").expect("bytes and what they say").0);
    let bytes: Vec<u8> = digits.flat_map(|digits| unhex(&digits.replace(' ', ""))).collect();
    let context = "revshare 2026-11-23 state root v2";
    assert!(named.contains(context), "the page names the context");
    let hash = blake3::derive_key(context, &bytes);
    assert_eq!(named.lines().nth(1), Some(hex(&hash).as_str()), "the hash on the page");
    let (folder, record) = ("tests/logs/v2/corner-cases", 25);
    assert!(page.contains(folder) && page.contains(&format!("after record {record}.")));
    let roots = of_reference(&segments(&root().join(folder)));
    assert_eq!(roots[record].3, hash, "the state root of the log");
    // Every field of the table has its place.
    let fields: Vec<&str> = page.lines().filter_map(|row| row.strip_prefix("# ")).skip(1).collect();
    assert_eq!(fields.len(), 14, "{fields:?}");
}
