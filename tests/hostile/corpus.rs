//! Every input of the fuzzer's corpus, and every first input, through the same functions that the
//! fuzzer calls: what was found once is found again, without a fuzzer.
//!
//! `REVSHARE_SEEDS=FOLDER` writes the first inputs into a folder per target.

use std::collections::BTreeMap;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::time::Instant;

use revshare_hostile::TARGETS;
use revshare_hostile::run;
use revshare_hostile::seeds;
use serde_json::Value;

/// Longest time for an input, in seconds. The slowest takes a hundredth of it.
const SECONDS_MAX: f32 = 20.0;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of a folder, by name.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = project().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.expect("an entry of a folder");
        if entry.path().is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((name, fs::read(entry.path()).expect("a file")));
        }
    }
    files.sort();
    files
}

fn with_extension(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    let files = files(folder).into_iter();
    files.filter(|(name, _)| name.ends_with(extension)).map(|(_, bytes)| bytes).collect()
}

fn vectors(folder: &str) -> Vec<Value> {
    let files = files(&format!("schemas/vectors/{folder}")).into_iter();
    files.map(|(_, bytes)| serde_json::from_slice(&bytes).expect("JSON")).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("hexadecimal digits");
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn each(mode: u8, files: Vec<Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    files.into_iter().map(move |file| [&[mode], &file[..]].concat())
}

/// The first inputs of every target.
fn first_inputs() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut inputs = BTreeMap::new();
    let payloads = ["payloads", "bad-payloads"].map(vectors).concat();
    let payload = |vector: &Value| {
        let length = u8::from(vector["period_length"] == "quarter");
        let kind = vector["kind"].as_u64().expect("a number") as u8;
        let version = vector["version"].as_u64().unwrap_or(1) as u8;
        [&[kind, version, length], &bytes(&vector["payload"])[..]].concat()
    };
    inputs.insert("payload", payloads.iter().map(payload).collect());
    let mut segments = seeds::segments();
    for vector in vectors("bad-logs") {
        let of_log = vector["segments"].as_array().expect("a list");
        let of_log: Vec<Vec<u8>> = of_log.iter().map(bytes).collect();
        let mut input = vec![of_log.len() as u8 - 1];
        for segment in &of_log[..of_log.len() - 1] {
            input.extend((segment.len() as u16).to_le_bytes());
        }
        segments.push([input, of_log.concat()].concat());
    }
    inputs.insert("segments", segments);
    inputs.insert("events", seeds::entries());
    inputs.insert("log", seeds::entries());
    inputs.insert("terms", seeds::terms());
    inputs.insert("terms_file", seeds::terms_files());
    inputs.insert("local_state", seeds::local_state());
    inputs.insert("acknowledgement", seeds::acknowledgements());
    inputs
        .insert("settlement", each(0, with_extension("schemas/vectors/settlements", "")).collect());
    let usage = |extension: &str| {
        let folders = ["tests/cli/data", "tests/cli/contract", "ledger-cli/demo"];
        let files: Vec<Vec<u8>> = folders
            .iter()
            .flat_map(|folder| with_extension(folder, extension))
            .filter(|file| file.len() < 10_000)
            .collect();
        (0..5).flat_map(|terms| each(terms, files.clone())).collect::<Vec<_>>()
    };
    inputs.insert("csv", usage(".csv"));
    inputs.insert("jsonl", usage(".jsonl"));
    let keys = with_extension("tests/cases/keys", ".key");
    let public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4hhCVEkTJ9/M1KJP1bVJ3yZWbf5ZLHMoVnQXqwRw4S";
    let signers = format!("# known\nmeta,lab namespaces=\"x\" {public} a comment\n");
    let mut of_keys: Vec<Vec<u8>> = each(2, keys).collect();
    of_keys.extend(each(0, vec![public.into()]));
    of_keys.extend(each(1, vec![signers.into()]));
    inputs.insert("keys", of_keys);
    let words =
        "-12.340 USD 2026-02-28 2026-Q1 2026-02 acme-cloud 0.333333333333 2026-01-05T09:30:00Z";
    inputs.insert("words", words.split(' ').map(|word| word.as_bytes().to_vec()).collect());
    inputs
}

/// Runs an input; says what does not hold.
fn tried(target: &str, name: &str, input: &[u8]) -> Option<String> {
    let start = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| run(target, input)));
    let seconds = start.elapsed().as_secs_f32();
    match ran {
        Err(_) => Some(format!("{target}: {name}: see above")),
        Ok(()) if seconds > SECONDS_MAX => Some(format!("{target}: {name}: {seconds} seconds")),
        Ok(()) => None,
    }
}

/// One test, so that nothing else uses memory while it is counted.
#[test]
fn every_known_input_holds() {
    let first = first_inputs();
    let folder = std::env::var_os("REVSHARE_SEEDS").map(PathBuf::from);
    let (mut failed, mut total) = (Vec::new(), 0);
    for target in &TARGETS {
        let own = first.get(target.name).unwrap_or_else(|| panic!("no inputs: {}", target.name));
        for (number, input) in own.iter().enumerate() {
            let name = format!("first-{number:03}");
            failed.extend(tried(target.name, &name, input));
            if let Some(folder) = &folder {
                let folder = folder.join(target.name);
                fs::create_dir_all(&folder).expect("a folder");
                fs::write(folder.join(name), input).expect("a file");
            }
        }
        let corpus = files(&format!("tests/fuzz/corpus/{}", target.name));
        for (name, input) in &corpus {
            assert!(input.len() <= target.len_max, "{name} is longer than the fuzzer tries");
            failed.extend(tried(target.name, name, input));
        }
        println!("{}: {} first inputs, {} of the corpus", target.name, own.len(), corpus.len());
        total += own.len() + corpus.len();
    }
    println!("{} targets, {total} inputs", TARGETS.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
