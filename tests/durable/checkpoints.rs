//! Checkpoints on a disk that fails: whatever happens to one, verdicts and states are those of the log.

use std::path::PathBuf;

use ledger_core::ledger::CheckpointUse;
use ledger_core::verify::SinceVerified;
use ledger_core::vocab::Code;
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Fault;
use revshare_kit::world::state_root;

use crate::scenes::LEDGER;
use crate::scenes::all;
use crate::scenes::check;
use crate::scenes::reader;
use crate::scenes::segment_of;
use crate::scenes::writer;

/// A copy of which so many records were verified; and all of the log.
fn verified_until(records: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    disk.put(&segment_of(LEDGER), &all().until(records));
    assert!(check(&disk, false).is_valid());
    assert!(checkpoint(&disk).is_some());
    disk.put(&segment_of(LEDGER), &all().log);
    disk
}

fn checkpoint(disk: &SimulatedDisk) -> Option<PathBuf> {
    disk.seen().into_keys().find(|path| path.ends_with("checkpoint"))
}

/// Given a checkpoint, when any one operation of a verification of what is new fails, then the verdict
/// is that of the whole log, or says that the log could not be read; and the next one is right.
#[test]
fn a_fault_beside_a_checkpoint_changes_no_verdict() {
    let complete = check(&verified_until(all().records()), false);
    let (mut runs, mut everything, mut unread) = (0, 0, 0);
    let lengths = all().said.iter().map(|said| said.after).filter(|records| *records > 2);
    for records in lengths.step_by(4) {
        let start = verified_until(records);
        let clean = start.fork();
        clean.plan(None);
        let verdict = check(&clean, true);
        assert!(matches!(verdict.since, SinceVerified::From(_)), "{:?}", verdict.since);
        assert_eq!((verdict.events, verdict.state_root), (complete.events, complete.state_root));
        for number in 1..=clean.operations() {
            for fault in [Fault::Broken, Fault::Full, Fault::Short] {
                let disk = start.fork();
                disk.plan(Some((number, fault)));
                let verdict = check(&disk, true);
                let what = format!("{records} records, operation {number}: {:?}", disk.met());
                runs += 1;
                match verdict.is_valid() {
                    true => {
                        assert_eq!(verdict.events, complete.events, "{what}");
                        assert_eq!(verdict.state_root, complete.state_root, "{what}");
                    }
                    false => {
                        unread += 1;
                        let is_unread = |code: Code| code == Code::DiskRead;
                        let mut codes = verdict.findings.iter().map(|one| one.problem.code);
                        assert!(codes.all(is_unread), "{what}: {:?}", verdict.findings);
                    }
                }
                everything += u32::from(matches!(verdict.since, SinceVerified::Everything(_)));
                // What was written meanwhile is right.
                disk.plan(None);
                let again = check(&disk, true);
                assert!(again.is_valid(), "{what}: {:?}", again.findings);
                assert_eq!(again.state_root, complete.state_root, "{what}");
            }
        }
    }
    println!(
        "checkpoints: {runs} faults while what is new was verified; {everything} times all of it, {unread} times the log was not read"
    );
    assert!(runs > 400 && everything > 20);
}

/// Given a checkpoint with any one byte changed, or cut anywhere, then it is not used, and readers,
/// writers and verifications come to what the log says.
#[test]
fn a_damaged_checkpoint_changes_no_answer() {
    let start = verified_until(all().records());
    let complete = check(&start.copy(), false);
    let path = checkpoint(&start).expect("a checkpoint");
    let intact = start.bytes(&path).expect("a checkpoint");
    let mut damages = 0;
    for at in (0..intact.len()).step_by(37) {
        let mut flipped = intact.clone();
        flipped[at] ^= 1 << (at % 8);
        for bytes in [flipped, intact[..at].to_vec()] {
            let disk = start.copy();
            disk.put(&path, &bytes);
            let read = reader(&disk).expect("it opens");
            assert_eq!(read.checkpoint_use(), CheckpointUse::Without, "byte {at}");
            assert_eq!(Some(state_root(read.state())), complete.state_root, "byte {at}");
            disk.put(&path, &bytes);
            let verdict = check(&disk, true);
            assert!(matches!(verdict.since, SinceVerified::Everything(_)), "byte {at}");
            assert_eq!(verdict.state_root, complete.state_root, "byte {at}");
            damages += 1;
        }
        let disk = start.copy();
        disk.put(&path, &intact[..at]);
        let written = writer(&disk, false).expect("it opens");
        assert_eq!(Some(state_root(written.state())), complete.state_root, "byte {at}");
    }
    println!("checkpoints: {damages} damaged, none used");
    assert!(damages > 150);
}
