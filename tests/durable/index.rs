//! The index, killed while it is written, damaged and deleted: answers are those of the log, and
//! it is made anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command as Process;
use std::process::Stdio;

use ledger_core::event::Kind;
use ledger_core::index::known;
use ledger_core::index::known::Trust;
use ledger_core::ledger::IndexUse;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::ledger::admit_whole;
use ledger_core::store::files::system;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
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
    Ledger::open(folder, Some(&state(folder)))
}

fn state(folder: &Path) -> PathBuf {
    folder.with_file_name("state")
}

/// The folder of the machine's only index.
fn index_of(folder: &Path) -> PathBuf {
    let mut found = fs::read_dir(state(folder).join("index")).expect("an index");
    found.next().expect("an index").expect("an entry").path()
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

/// The index of a small ledger has everything in one file; now with the archive of a large one.
fn in_files(folder: &Path) {
    let shelf = known::of_index(&system(), &index_of(folder));
    let file = known::read(shelf.clone()).expect("an index");
    let state = file.state(Trust::Digest).expect("a state");
    assert!(known::keep_with(&shelf, &file.known, &state, 0));
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
    let opened = open(&folder).expect("it opens");
    assert_eq!(opened.index_use(), IndexUse::Rebuilt);
    let index = index_of(&folder);
    let expected = answers(&opened);
    drop(opened);
    let opened = open(&folder).expect("it opens");
    assert_eq!(opened.index_use(), IndexUse::Answered, "the second time it is asked");
    assert!(answers(&opened) == expected);
    drop(opened);
    in_files(&folder);
    let opened = open(&folder).expect("it opens");
    assert_eq!(opened.index_use(), IndexUse::Answered, "from files that were not touched");
    assert!(answers(&opened) == expected);
    assert_eq!(admit_whole(&opened.archives()), Ok(()));
    drop(opened);
    let sound = files(&index);
    let is_archive = |path: &&PathBuf| path.display().to_string().contains("/state.");
    assert_eq!(sound.keys().filter(is_archive).count(), 1);
    let damages = damages(&sound);
    let (mut rebuilt, mut unharmed, mut without) = (0, 0, 0);
    for damage in &damages {
        let mut bad = sound.clone();
        match damage {
            Damage::Deleted(path) => {
                bad.remove(path);
            }
            Damage::Cut(path, len) => bad.get_mut(path).expect("a file").truncate(*len),
            Damage::Flipped(path, at, bit) => bad.get_mut(path).expect("a file")[*at] ^= bit,
        }
        write(&bad, &index);
        let opened = open(&folder).expect("it opens all the same");
        assert!(answers(&opened) == expected, "other answers");
        match opened.index_use() {
            IndexUse::Rebuilt => rebuilt += 1,
            IndexUse::Answered | IndexUse::CaughtUp => unharmed += 1,
            IndexUse::Without => without += 1,
        }
        drop(opened);
        // In one process, what broke may hold the files for a moment; then they can be had again.
        let again = (0..200).any(|_| {
            let again = open(&folder).expect("it opens again");
            assert!(answers(&again) == expected, "other answers the second time");
            let is_had = again.index_use() != IndexUse::Without;
            if !is_had {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            is_had
        });
        assert!(again, "it stays broken");
    }
    println!(
        "index: {} damaged: {rebuilt} rebuilt at once, {without} read without, {unharmed} where nothing that counts was hit",
        damages.len()
    );
    assert_eq!(rebuilt + unharmed + without, damages.len());
    assert!(rebuilt > 0);
}

/// Not a test of its own: the process that [`an_index_killed_while_it_is_written`] kills.
#[test]
#[ignore = "the child of another test"]
fn child_makes_the_index_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    loop {
        drop(open(folder).expect("it opens"));
        let _ = fs::remove_dir_all(state(folder).join("index"));
    }
}

#[test]
fn an_index_killed_while_it_is_written() {
    let scratch = scratch();
    let folder = scratch.path().join("ledger");
    place(&[all().log.clone()], &folder);
    let expected = answers(&open(&folder).expect("it opens"));
    let mut dice = Dice::new(11);
    let (mut answered, mut rebuilt, mut without) = (0, 0, 0);
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
        match opened.index_use() {
            IndexUse::Answered | IndexUse::CaughtUp => answered += 1,
            IndexUse::Rebuilt => rebuilt += 1,
            IndexUse::Without => without += 1,
        }
        assert!(answers(&opened) == expected, "round {round}: other answers");
    }
    println!(
        "index: {kills} kills: {answered} answered, {rebuilt} rebuilt, {without} read without"
    );
    assert!(rebuilt > 0);
}
