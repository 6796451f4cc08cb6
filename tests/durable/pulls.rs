//! A pull in several groups: what is durable stays, and a failure behind it says so. Who changes the
//! other copy meanwhile gets nothing in that was not checked.

use std::path::Path;

use ledger_core::chain::frame_len;
use ledger_core::store::SegmentHeader;
use ledger_core::vocab::Code;
use ledger_core::vocab::Place;
use ledger_core::vocab::Problem;
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Fault;
use revshare_kit::simulated::Meanwhile;
use revshare_kit::simulated::Put;
use revshare_kit::world::Said;

use crate::scenes::LEDGER;
use crate::scenes::THEIRS;
use crate::scenes::all;
use crate::scenes::pull;
use crate::scenes::reader;
use crate::scenes::segment_of;
use crate::scenes::writer;

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

/// Records in a segment of theirs. A reader takes one segment at a time, so that it sees what changes
/// in the middle of copying.
const IN_A_SEGMENT: u64 = 8;

/// Their folder with a log in several segments, and no others.
fn theirs(log: &[u8]) -> Vec<Put> {
    let header = |number: u32, first_seq: u64| SegmentHeader { number, first_seq }.bytes().to_vec();
    let mut segments = vec![header(0, 0)];
    let (mut rest, mut seq) = (&log[64..], 0);
    while !rest.is_empty() {
        if seq > 0 && seq % IN_A_SEGMENT == 0 {
            segments.push(header(segments.len() as u32, seq));
        }
        let len = frame_len(rest).unwrap_or(rest.len()).min(rest.len());
        let (frame, behind) = rest.split_at(len);
        segments.last_mut().expect("one").extend_from_slice(frame);
        (rest, seq) = (behind, seq + 1);
    }
    let most = (all().records() / IN_A_SEGMENT + 1).max(segments.len() as u64) as u32;
    let path = |number| Path::new(THEIRS).join("log").join(SegmentHeader::file_name(number));
    (0..most).map(|number| (path(number), segments.get(number as usize).cloned())).collect()
}

/// The log with one bit of a record turned, so many bytes before the record's end.
fn turned(record: u64, before_end: usize) -> Vec<u8> {
    let mut log = all().log.clone();
    log[all().place(record).end - before_end] ^= 1;
    log
}

/// A sound log that is another one from a record on: what was said there is said with another
/// nonce, and so is whatever can be said after it.
fn otherwise(record: u64) -> Vec<u8> {
    let disk = SimulatedDisk::default();
    disk.put(&segment_of(LEDGER), &all().until(record));
    let mut ledger = writer(&disk, false).expect("a ledger");
    let mut said = all().said.iter().filter(|said| said.before >= record);
    let mut again = |said: &Said| Said { nonce: [7; 16], ..said.clone() }.again(&mut ledger);
    again(said.next().expect("something was said")).expect("it can be said");
    // What is about something that was said before cannot.
    said.for_each(|said| drop(again(said)));
    disk.bytes(&segment_of(LEDGER)).expect("a segment")
}

/// A record of that in the place of ours, with what stands behind ours.
fn replaced(record: u64) -> Vec<u8> {
    let (place, other) = (all().place(record), otherwise(record));
    let len = frame_len(&other[place.start..]).expect("a record");
    let changed = &other[..place.start + len];
    [changed, &all().log[place.end..]].concat()
}

/// How many records of a log these bytes are; `None` if they are no beginning of it.
fn beginning(bytes: &[u8], log: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return Some(0);
    }
    let (mut at, mut records) = (64, 0);
    while at < bytes.len() {
        (at, records) = (at + frame_len(log.get(at..)?)?, records + 1);
    }
    (at == bytes.len() && log.starts_with(bytes)).then_some(records)
}

/// What became of pulls during which theirs was changed.
#[derive(Default, Debug)]
struct Tried {
    /// So many operations later, theirs is again what it was.
    back: Option<usize>,
    pulls: usize,
    /// Refused, as changed while it was read.
    changed: usize,
    /// Likewise, as shorter.
    shorter: usize,
    /// Of both, those with groups that stay.
    late: usize,
}

impl Tried {
    /// Ours has so many records, theirs are the first log, and before each operation in turn they
    /// become the second, of which something may be taken over only if it is sound in itself.
    fn every_operation(&mut self, name: &str, before: u64, logs: [&[u8]; 2], is_sound: bool) {
        let start = start(before, logs[0]);
        for number in 1.. {
            let disk = start.copy();
            let becomes = |number, log| {
                let (folder, puts) = (THEIRS.into(), theirs(log));
                Meanwhile { folder, number, puts }
            };
            let back = self.back.map(|back| becomes(number + back, logs[0]));
            let changes: Vec<_> = [becomes(number, logs[1])].into_iter().chain(back).collect();
            let all_to_come = changes.len();
            disk.meanwhile(changes);
            let pulled = pull(&disk, GROUP_LEN);
            if disk.to_come() == all_to_come {
                pulled.unwrap_or_else(|problem| panic!("{name}: {problem}"));
                break;
            }
            disk.plan(None);
            self.pulls += 1;
            let what = format!("{name}, before their operation {number}: {pulled:?}");
            let ours = disk.bytes(&segment_of(LEDGER)).unwrap_or_default();
            let sound = if is_sound { &logs[..] } else { &logs[..1] };
            // Our own beginning need not be one of theirs.
            let before_it = (before > 0).then(|| all().until(before));
            let known = sound.iter().copied().chain(before_it.as_deref());
            let records = known.into_iter().find_map(|log| beginning(&ours, log));
            let records = records.unwrap_or_else(|| panic!("{what}: unchecked bytes"));
            let noticed = match pulled {
                Ok(()) => {
                    assert!(sound.iter().any(|log| log.starts_with(&ours)), "{what}");
                    false
                }
                Err(problem) => self.noticed(problem, (before, records), &what),
            };
            let opened = (records > 0).then(|| reader(&disk).expect(&what).state().next_seq());
            assert_eq!(opened.unwrap_or(0), records, "{what}");
            if noticed && all().log.starts_with(&ours) {
                put_theirs(&disk, &all().log);
                pull(&disk, GROUP_LEN).unwrap_or_else(|problem| panic!("{what}, again: {problem}"));
                assert!(disk.bytes(&segment_of(LEDGER)).as_ref() == Some(&all().log), "{what}");
            }
        }
    }

    /// The message says how far it came. Whether it says that the other copy was changed meanwhile:
    /// then it says where, and what to do.
    fn noticed(&mut self, problem: Problem, (before, records): (u64, u64), what: &str) -> bool {
        let stays = format!("records {before} to {} were taken over and stay", records.max(1) - 1);
        assert_eq!(problem.message.contains("stay"), records > before, "{what}");
        assert!(records == before || problem.message.contains(&stays), "{what}");
        let changed = problem.message.starts_with("the other copy was changed while it was read");
        let shorter =
            problem.message.starts_with("the other copy became shorter while it was read");
        if !changed && !shorter {
            return false;
        }
        self.changed += usize::from(changed);
        self.shorter += usize::from(shorter);
        self.late += usize::from(records > before);
        assert_eq!(problem.code, Code::DiskRead, "{what}");
        assert!(records > before || problem.message.ends_with("nothing was recorded"), "{what}");
        assert!(
            records <= before || problem.place == Some(Place::Record { seq: records }),
            "{what}"
        );
        let hint = problem.hint.unwrap_or_default();
        assert!(hint.contains("`revshare verify /home/meta`, and pull again"), "{what}");
        true
    }
}

/// A disk with so many records in ours, and a log in theirs.
fn start(before: u64, log: &[u8]) -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    disk.put(Path::new("/home/readme"), b"a folder");
    if before > 0 {
        disk.put(&segment_of(LEDGER), &all().until(before));
    }
    put_theirs(&disk, log);
    disk
}

fn put_theirs(disk: &SimulatedDisk, log: &[u8]) {
    for (path, bytes) in theirs(log) {
        bytes.into_iter().for_each(|bytes| disk.put(&path, &bytes));
    }
}

#[test]
fn what_is_changed_after_it_was_checked_is_not_taken_over() {
    let mut tried = Tried::default();
    let last = all().records() - 1;
    for record in [3, 11, last] {
        let changes = [
            ("a signature", turned(record, 1)),
            ("a payload", turned(record, 97)),
            ("a stored hash", turned(record, 96)),
            ("a header", turned(record, all().place(record).len() - 1)),
            ("a record", replaced(record)),
        ];
        for (name, changed) in changes {
            // With another last record, it is another sound log.
            let is_sound = name == "a record" && record == last;
            let name = format!("{name} of record {record}");
            tried.every_operation(&name, 3, [&all().log, &changed], is_sound);
        }
        tried.every_operation("a first copy", 0, [&all().log, &turned(record, 1)], false);
    }
    println!("pulls of what is changed meanwhile: {tried:?}");
    assert!(tried.shorter == 0 && tried.changed > 200 && tried.late > 100);
}

#[test]
fn a_log_that_is_cut_after_it_was_checked_is_not_taken_over() {
    let mut tried = Tried::default();
    for record in [3, 4, 11, all().records() - 1] {
        let place = all().place(record);
        for len in [place.start, place.end - 1] {
            let (name, cut) = (format!("record {record} cut at {len}"), &all().log[..len]);
            tried.every_operation(&name, 3, [&all().log, cut], true);
        }
    }
    println!("pulls of what is cut meanwhile: {tried:?}");
    assert!(tried.changed == 0 && tried.shorter > 50 && tried.late > 20);
}

/// Their log is compared before it is checked, and may have become another one in between, which is
/// as sound.
#[test]
fn what_is_checked_is_what_was_compared() {
    let mut tried = Tried::default();
    for record in [2, 3, 5] {
        let (name, other) = (format!("another record {record}"), otherwise(record));
        tried.every_operation(&name, 3, [&all().log, &other], true);
        tried.every_operation(&name, 8, [&all().log, &other], true);
    }
    // Ours was ahead, and they have taken that over since and recorded something.
    let (few, more) = (all().until(5), all().until(12));
    tried.every_operation("ours was ahead", 8, [&few, &more], true);
    println!("pulls of what becomes another log meanwhile: {tried:?}");
    assert!(tried.changed > 50);
}

/// Of a log that ends with parts of a report, the state before them comes from another reading.
#[test]
fn the_state_before_unfinished_parts_is_that_of_what_was_checked() {
    let report = all().said.iter().find(|said| said.after > said.before + 1).expect("a report");
    let parts = all().until(report.before + 1);
    let mut tried = Tried::default();
    for back in [None, Some(8), Some(12), Some(16)] {
        tried.back = back;
        let record = report.before - 1;
        let (name, other) = (format!("{back:?}, another record {record}"), otherwise(record));
        tried.every_operation(&name, 3, [&parts, &other], true);
    }
    println!("pulls of unfinished parts: {tried:?}");
    assert!(tried.changed > 50);
}
