//! What is known of a copy lies in files, too: whatever fails while they are read, a verdict is that
//! of the log.

use std::path::Path;

use ledger_core::index::known;
use ledger_core::index::known::Trust;
use ledger_core::ledger::verify_copy;
use ledger_core::store::Witness;
use ledger_core::store::witness::Memory;
use ledger_core::verify::Options;
use ledger_core::verify::SinceVerified;
use ledger_core::verify::Verdict;
use ledger_core::vocab::Code;
use ledger_core::vocab::Timestamp;
use ledger_core::vocab::digest::Domain;
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Fault;

use crate::scenes::LEDGER;
use crate::scenes::STATE;
use crate::scenes::all;
use crate::scenes::segment_of;
use crate::scenes::writer;

fn check(disk: &SimulatedDisk, only_new: bool) -> Verdict {
    let now = Some(Timestamp::parse("2027-01-01T00:00:00Z").expect("a time"));
    let folders = (Path::new(LEDGER), Some(Path::new(STATE)));
    verify_copy(&disk.files(), folders, Options { now, ..Options::default() }, only_new)
}

/// A copy of which so many records were verified, with their archive in a file; and all of the log.
fn known_until(records: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    disk.put(&segment_of(LEDGER), &all().until(records));
    assert!(check(&disk, false).is_valid());
    let witness = Witness::new_on(disk.files(), Some(Path::new(STATE)), Path::new(LEDGER));
    let shelf = witness.shelf(Memory::Verified).expect("a state folder");
    let file = known::read(shelf.clone()).expect("it is remembered");
    let state = file.state(Trust::Digest).expect("with its state");
    assert!(known::keep_with(&shelf, &file.known, &state, 0));
    let is_file = |path: &&std::path::PathBuf| path.display().to_string().contains("/archives/");
    assert_eq!(disk.seen().keys().filter(is_file).count(), 1);
    disk.put(&segment_of(LEDGER), &all().log);
    disk
}

/// A memory of this machine that fits all of its digests, and whose archive does not say what kind of
/// event its last one is.
fn with_an_unreadable_row(disk: &SimulatedDisk, seq: u64) {
    // Id, content, kind.
    const ROW_LEN: usize = 32 + 32 + 2;
    let path_with = |part: &str| {
        let path = disk.seen().into_keys().find(|path| path.display().to_string().contains(part));
        path.expect("a file")
    };
    let (archive, memory) = (path_with("/archives/"), path_with("/verified/"));
    let mut run = disk.bytes(&archive).expect("an archive");
    let before = Domain::Index.digest(&run);
    run[(seq as usize + 1) * ROW_LEN - 2..][..2].copy_from_slice(&[255, 255]);
    let after = Domain::Index.digest(&run);
    let name = archive.display().to_string();
    disk.put(Path::new(&name.replace(&before.to_string(), &after.to_string())), &run);
    // Magic, length of the row, digest of the row, row.
    let mut head = disk.bytes(&memory).expect("a memory");
    let len = u64::from_le_bytes(*head[8..].first_chunk().expect("a length")) as usize;
    let row = &mut head[48..48 + len];
    let at = row.windows(32).position(|bytes| bytes == before.0).expect("it is named");
    row[at..at + 32].copy_from_slice(&after.0);
    let digest = Domain::Index.digest(row);
    head[16..48].copy_from_slice(&digest.0);
    disk.put(&memory, &head);
}

/// Given a memory in which what was said last cannot be looked up, when it is said again, then it does
/// not count as new: nothing is recorded that was decided on what could not be read.
#[test]
fn a_writer_records_nothing_on_what_cannot_be_read() {
    let (mut repeats, mut unread) = (0, 0);
    for said in all().said.iter().filter(|said| said.before > 1) {
        let disk = known_until(said.after);
        disk.put(&segment_of(LEDGER), &all().until(said.after));
        let again = |disk: &SimulatedDisk| {
            let mut ledger = writer(disk, false).expect("a ledger");
            let refused = said.again(&mut ledger).err().map(|problem| problem.code);
            let log = disk.bytes(&segment_of(LEDGER));
            assert_eq!(refused.is_some(), log == Some(all().until(said.after)));
            refused
        };
        let clean = again(&disk.copy());
        with_an_unreadable_row(&disk, said.after - 1);
        let found = again(&disk);
        if clean == Some(Code::Repeat) {
            repeats += 1;
            // What was said is not known to have been said; the rules may refuse it all the same.
            assert!(found.is_some_and(|code| code != Code::Repeat), "record {}", said.after - 1);
            unread += u32::from(found == Some(Code::DiskRead));
        }
    }
    println!(
        "archives: {unread} of {repeats} repetitions were held up by a row that cannot be read"
    );
    assert!(unread > 5, "{unread} of {repeats}");
}

#[test]
fn a_fault_while_archives_are_read_changes_no_verdict() {
    let whole = check(&known_until(all().records()), false);
    let (mut runs, mut everything, mut unread) = (0, 0, 0);
    let lengths = all().said.iter().map(|said| said.after).filter(|records| *records > 2);
    for records in lengths.step_by(7) {
        let start = known_until(records);
        let clean = start.fork();
        clean.plan(None);
        let verdict = check(&clean, true);
        assert!(matches!(verdict.since, SinceVerified::From(_)), "{:?}", verdict.since);
        assert_eq!((verdict.events, verdict.state_root), (whole.events, whole.state_root));
        for number in 1..=clean.operations() {
            let disk = start.fork();
            disk.plan(Some((number, Fault::Broken)));
            let verdict = check(&disk, true);
            let what = format!("{records} records known, operation {number}: {:?}", disk.met());
            runs += 1;
            match verdict.is_valid() {
                true => {
                    assert_eq!(verdict.events, whole.events, "{what}");
                    assert_eq!(verdict.state_root, whole.state_root, "{what}");
                }
                false => {
                    unread += 1;
                    let is_unread = |code: Code| code == Code::DiskRead;
                    let mut codes = verdict.findings.iter().map(|one| one.problem.code);
                    assert!(codes.all(is_unread), "{what}: {:?}", verdict.findings);
                }
            }
            everything += u32::from(matches!(verdict.since, SinceVerified::Everything(_)));
            // What was remembered meanwhile is right.
            disk.plan(None);
            let again = check(&disk, true);
            assert!(again.is_valid(), "{what}: {:?}", again.findings);
            assert_eq!(again.state_root, whole.state_root, "{what}");
        }
    }
    println!(
        "archives: {runs} faults while a known copy was verified; {everything} times all of it, {unread} times the log was not read"
    );
    assert!(runs > 300 && everything > 20);
}
