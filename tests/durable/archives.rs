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
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Fault;

use crate::scenes::LEDGER;
use crate::scenes::STATE;
use crate::scenes::all;
use crate::scenes::segment_of;

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
