//! The index, killed while it is written, damaged and deleted: answers are those of the log, and
//! it is made anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command as Process;
use std::process::Stdio;

use ledger_core::event::Kind;
use ledger_core::ledger::CheckpointUse;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::ledger::verify_folder;
use ledger_core::machine::Machine;
use ledger_core::verify::Options;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Timestamp;
use revshare_kit::disk::place;
use revshare_kit::scratch;
use revshare_kit::simulated::Dice;
use revshare_kit::world::state_root;

use crate::scenes::all;

/// The ledger's folder, for the process that is to be killed.
const FOLDER: &str = "REVSHARE_TEST_FOLDER";

/// The look-ups that the index answers.
fn lookups() -> Vec<Lookup> {
    let id = |text| Id::parse(text).expect("an id");
    vec![
        Lookup::Party(id("meta")),
        Lookup::Party(id("expert")),
        Lookup::Period(Period::parse("2026-01").expect("a period")),
        Lookup::Kind(Kind::UsageReported),
        Lookup::Kind(Kind::DisputeOpened),
        Lookup::Prefix("0".to_owned()),
        Lookup::Prefix("a".to_owned()),
    ]
}

/// Opens a ledger to read, on a machine whose state folder lies beside it.
fn open(folder: &Path) -> Result<Ledger, ledger_core::vocab::Problem> {
    Ledger::open(folder, &machine(folder))
}

fn machine(folder: &Path) -> Machine {
    Machine::in_folder(folder.parent().expect("a folder"))
}

/// The folder of the machine's only cache.
fn cache_of(folder: &Path) -> PathBuf {
    let mut found = fs::read_dir(machine(folder).cache.expect("a cache")).expect("a cache");
    found.next().expect("a copy").expect("an entry").path()
}

/// Verifies a copy, so that there is a checkpoint.
fn verify(folder: &Path) {
    let now = Some(Timestamp::parse("2027-01-01T00:00:00Z").expect("a time"));
    let options = Options { now, ..Options::default() };
    assert!(verify_folder(folder, &machine(folder), options).is_valid());
}

/// Everything that a reader may ask for, as text.
fn answers(ledger: &Ledger) -> String {
    let mut text = format!("{} {:?}\n", ledger.state().next_seq(), state_root(ledger.state()));
    for lookup in lookups() {
        text.push_str(&format!("{lookup:?}:"));
        let see = &mut |record: ledger_core::view::record::Record| {
            text.push_str(&format!(" {record:?}"));
        };
        ledger.find(&[lookup], see).expect("it can be read");
        text.push('\n');
    }
    text
}

/// The files of the index, with their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the index").map(|entry| entry.expect("an entry")) {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => {
                let bytes = fs::read(entry.path()).expect("a file of the index");
                found.insert(entry.path(), bytes);
            }
        }
    }
    found
}

fn write(files: &BTreeMap<PathBuf, Vec<u8>>, index: &Path) {
    let _ = fs::remove_dir_all(index);
    for (path, bytes) in files {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the index");
        fs::write(path, bytes).expect("a file of the index");
    }
}

/// What a test does to the index.
enum Damage {
    Deleted(PathBuf),
    Cut(PathBuf, usize),
    Flipped(PathBuf, usize, u8),
}

/// Every file deleted; cut at some lengths; with bytes flipped.
fn damages(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<Damage> {
    let mut dice = Dice::new(7);
    let mut damages = Vec::new();
    for (path, bytes) in files {
        damages.push(Damage::Deleted(path.clone()));
        // Most of the file is zeros that were never used.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for part in 0..8 {
            damages.push(Damage::Cut(path.clone(), used * part / 8));
        }
        let flips = if used == 0 { 0 } else { 24 };
        for _ in 0..flips {
            let at = dice.below(used);
            damages.push(Damage::Flipped(path.clone(), at, 1 << dice.below(8)));
        }
    }
    damages
}

#[test]
fn a_damaged_index_changes_no_answer() {
    let scratch = scratch();
    let folder = scratch.path().join("ledger");
    place(&[all().log.clone()], &folder);
    verify(&folder);
    let opened = open(&folder).expect("it opens");
    assert_eq!(opened.checkpoint_use(), CheckpointUse::Current);
    let expected = answers(&opened);
    drop(opened);
    let cache = cache_of(&folder);
    let opened = open(&folder).expect("it opens");
    assert!(answers(&opened) == expected, "the second time it is asked");
    drop(opened);
    let sound = files(&cache);
    assert!(sound.len() > 2, "a checkpoint and a database: {:?}", sound.keys());
    let damages = damages(&sound);
    let (mut unharmed, mut without) = (0, 0);
    for damage in &damages {
        let mut bad = sound.clone();
        match damage {
            Damage::Deleted(path) => {
                bad.remove(path);
            }
            Damage::Cut(path, len) => bad.get_mut(path).expect("a file").truncate(*len),
            Damage::Flipped(path, at, bit) => bad.get_mut(path).expect("a file")[*at] ^= bit,
        }
        write(&bad, &cache);
        let opened = open(&folder).expect("it opens all the same");
        assert!(answers(&opened) == expected, "other answers");
        match opened.checkpoint_use() {
            CheckpointUse::Without => without += 1,
            CheckpointUse::Current | CheckpointUse::Resumed => unharmed += 1,
        }
        drop(opened);
        // In one process, what broke may hold the files for a moment.
        let again = open(&folder).expect("it opens again");
        assert!(answers(&again) == expected, "other answers the second time");
    }
    println!(
        "index: {} damaged: {without} read without a checkpoint, {unharmed} with it",
        damages.len()
    );
    assert_eq!(unharmed + without, damages.len());
    assert!(without > 0 && unharmed > 0);
}

/// Not a test of its own: the process that [`an_index_killed_while_it_is_written`] kills.
#[test]
#[ignore = "the child of another test"]
fn child_makes_the_index_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    loop {
        verify(folder);
        let ledger = open(folder).expect("it opens");
        let _ = answers(&ledger);
        drop(ledger);
        let _ = fs::remove_dir_all(machine(folder).cache.expect("a cache"));
    }
}

#[test]
fn an_index_killed_while_it_is_written() {
    let scratch = scratch();
    let folder = scratch.path().join("ledger");
    place(&[all().log.clone()], &folder);
    let expected = answers(&open(&folder).expect("it opens"));
    let mut dice = Dice::new(11);
    let (mut used, mut without) = (0, 0);
    let kills = 40;
    for round in 0..kills {
        let mut child = Process::new(std::env::current_exe().expect("this test"));
        let name = "index::child_makes_the_index_until_it_is_killed";
        child.args([name, "--exact", "--ignored", "--test-threads=1"]);
        child.env(FOLDER, &folder).stdout(Stdio::null()).stderr(Stdio::null());
        let mut running = child.spawn().expect("a process can be started");
        std::thread::sleep(std::time::Duration::from_micros(5_000 + dice.below(40_000) as u64));
        running.kill().expect("it can be killed");
        running.wait().expect("it has ended");
        let opened = open(&folder).expect("it opens");
        match opened.checkpoint_use() {
            CheckpointUse::Without => without += 1,
            CheckpointUse::Current | CheckpointUse::Resumed => used += 1,
        }
        assert!(answers(&opened) == expected, "round {round}: other answers");
    }
    println!("index: {kills} kills: {used} with a checkpoint, {without} without");
    assert_eq!(used + without, kills);
}
