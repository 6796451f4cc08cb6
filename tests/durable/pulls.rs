//! A pull in several groups: what is durable stays, and a failure behind it says so.

use ledger_core::vocab::Code;
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Fault;

use crate::scenes::LEDGER;
use crate::scenes::THEIRS;
use crate::scenes::all;
use crate::scenes::pull;
use crate::scenes::reader;
use crate::scenes::segment_of;

/// Two records a group, more or less.
const GROUP_LEN: usize = 800;

/// Ours has three records, theirs has all.
fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    disk.put(&segment_of(LEDGER), &all().until(3));
    disk.put(&segment_of(THEIRS), &all().log);
    disk
}

#[test]
fn a_pull_that_fails_says_how_far_it_came() {
    let clean = disk();
    clean.plan(None);
    pull(&clean, GROUP_LEN).expect("it is taken over");
    assert_eq!(reader(&clean).expect("a ledger").state().next_seq(), all().records());
    let (mut stopped_late, mut stopped_early) = (0, 0);
    for number in (1..=clean.operations()).step_by(3) {
        for fault in [Fault::Full, Fault::Broken, Fault::Unsynced] {
            let disk = disk();
            disk.plan(Some((number, fault)));
            let Err(problem) = pull(&disk, GROUP_LEN) else { continue };
            disk.plan(None);
            let records = reader(&disk).expect("a ledger").state().next_seq();
            let what = format!("operation {number}, {fault:?}, {records} records: {problem}");
            let says = problem.message.contains("nothing was recorded");
            let stays = format!("records 3 to {} were taken over and stay", records - 1);
            match (records, problem.code) {
                // Whether the last group is there is not known.
                (_, Code::Reopen) => assert!(!says, "{what}"),
                (3, Code::DiskRead) => assert!(!problem.message.contains("stay"), "{what}"),
                (3, _) => assert!(says && !problem.message.contains("stay"), "{what}"),
                _ => assert!(!says && problem.message.contains(&stays), "{what}"),
            }
            match records {
                3 => stopped_early += 1,
                _ => stopped_late += 1,
            }
            pull(&disk, GROUP_LEN).unwrap_or_else(|problem| panic!("{what}, again: {problem}"));
            assert_eq!(reader(&disk).expect("a ledger").state().next_seq(), all().records());
        }
    }
    println!("pulls: {stopped_early} stopped before the first group, {stopped_late} behind it");
    assert!(stopped_early > 10 && stopped_late > 50);
}
