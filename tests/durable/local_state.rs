//! A key never signs two records on one previous record, whatever fails.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::machine::Machine;
use ledger_core::machine::SignatureLog;
use ledger_core::store::files::system;
use ledger_core::vocab::Code;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Problem;
use ledger_core::vocab::RecordHash;
use ledger_core::vocab::Timestamp;
use revshare_kit::SimulatedDisk;
use revshare_kit::public_key;
use revshare_kit::simulated::Fault;
use revshare_kit::simulated::Operation;

use crate::faults::acknowledge;
use crate::scenes::Deed;
use crate::scenes::LEDGER;
use crate::scenes::STATE;
use crate::scenes::Scene;
use crate::scenes::all;
use crate::scenes::machine;
use crate::scenes::scenes;
use crate::scenes::segment_of;
use crate::scenes::writer;

/// Something that the owner says, once the ledger is in force.
fn by_owner() -> Scene {
    let says = |scene: &Scene| match &scene.deed {
        Deed::Says(said) => said.party == "meta" && said.before > 3,
        _ => false,
    };
    scenes().into_iter().find(says).expect("the owner says something")
}

/// The head that this machine remembers is lost, what its keys have signed is not.
fn forget_heads(disk: &SimulatedDisk) {
    for path in
        disk.seen().into_keys().filter(|path| path.starts_with(Path::new(STATE).join("heads")))
    {
        disk.files().remove(&path).expect("it is there");
    }
}

/// The owner's key signs something else on the head.
fn something_else(ledger: &mut Ledger) -> Result<(), Problem> {
    acknowledge(ledger)
}

#[track_caller]
fn refused(signed: Result<(), Problem>) {
    assert_eq!(signed.map_err(|problem| problem.code), Err(Code::Equivocation));
}

/// A record whose sync failed stays signed, even if the disk turns out not to have it.
#[test]
fn what_the_disk_did_not_confirm_stays_signed() {
    let scene = by_owner();
    let disk = scene.disk.copy();
    disk.plan_of(Operation::Sync, (1, Fault::Unsynced));
    let (said, ledger) = scene.run(&disk);
    assert_eq!(said.map_err(|problem| problem.code), Err(Code::Reopen));
    drop(ledger);
    disk.plan(None);
    let with_tail = |len: usize| {
        let lost = disk.fork();
        let (before, after) = (all().until(scene.before), all().until(scene.after));
        lost.put(&segment_of(LEDGER), &after[..before.len() + len]);
        refused(something_else(&mut writer(&lost, false).expect("it opens")));
    };
    with_tail(0);
    with_tail(40);
    // As long as it is there, the key goes on behind it.
    let mut ledger = writer(&disk, false).expect("it opens");
    assert_eq!(ledger.state().next_seq(), scene.after);
    something_else(&mut ledger).expect("on another head");
}

/// An unfinished append in one copy does not release what the key signed in another one on the same
/// head.
#[test]
fn a_cut_releases_nothing_of_another_copy() {
    let scene = by_owner();
    let disk = scene.disk.copy();
    let (said, ledger) = scene.run(&disk);
    said.expect("it is recorded");
    drop(ledger);
    let other = Path::new("/home/second");
    let (before, after) = (all().until(scene.before), all().until(scene.after));
    disk.put(&segment_of("/home/second"), &after[..before.len() + 40]);
    let opened = Ledger::open_for_writing_on(&disk.files(), other, &machine());
    let mut second = opened.expect("it opens");
    assert_eq!(second.notices().len(), 1, "something is cut");
    refused(something_else(&mut second));
}

/// An entry of the signing memory that was written in part does not shift those behind it.
#[test]
fn half_an_entry_hides_none() {
    let scene = by_owner();
    let disk = scene.disk.copy();
    let signed = |disk: &SimulatedDisk| {
        let folder = Path::new(STATE).join("signatures");
        disk.seen().into_iter().filter(|(path, _)| path.starts_with(&folder)).collect::<Vec<_>>()
    };
    // Both parties' memories end in the middle of an entry.
    for (path, bytes) in signed(&disk) {
        disk.put(&path, &[bytes, vec![7; 40]].concat());
    }
    let (said, ledger) = scene.run(&disk);
    said.expect("it is recorded");
    drop(ledger);
    // An older copy is put in the place of the ledger, and the head is forgotten.
    disk.put(&segment_of(LEDGER), &all().until(scene.before));
    forget_heads(&disk);
    refused(something_else(&mut writer(&disk, false).expect("it opens")));
}

/// A process that dies anywhere in an append leaves a key that can go on, or the record.
#[test]
fn a_key_is_not_locked_out_by_a_process_that_died() {
    let scene = by_owner();
    let disk = scene.disk.copy();
    disk.plan(None);
    drop(scene.run(&disk));
    for number in 1..=disk.operations() {
        let disk = scene.disk.copy();
        disk.plan(Some((number, Fault::Gone)));
        drop(scene.run(&disk));
        disk.plan(None);
        let mut ledger = writer(&disk, false).expect("it opens");
        something_else(&mut ledger)
            .unwrap_or_else(|problem| panic!("operation {number}: {problem}"));
    }
}

/// Once a ledger could not go back to the state of its log, it records nothing more.
#[test]
fn a_state_that_is_not_known_is_not_built_upon() {
    let scene = by_owner();
    let Deed::Says(said) = &scene.deed else { panic!("a command") };
    let disk = scene.disk.copy();
    let mut ledger = writer(&disk, false).expect("it opens");
    // The record cannot be written, and the log cannot be read for the state before it.
    disk.plan_of(Operation::Write, (1, Fault::Gone));
    let problem = said.again(&mut ledger).map(|_| ()).expect_err("it is not written");
    assert_eq!(problem.code, Code::DiskWrite, "{problem}");
    disk.plan(None);
    let problem = said.again(&mut ledger).map(|_| ()).expect_err("the state is not known");
    assert_eq!(problem.code, Code::Reopen, "{problem}");
    drop(ledger);
    let mut ledger = writer(&disk, false).expect("it opens again");
    said.again(&mut ledger).expect("and goes on");
}

/// A process that goes on behind its own last entry sees what another copy signs meanwhile, also
/// where entries before it were released.
#[test]
fn what_another_copy_signs_is_seen_at_once() {
    let hash = |number: u8| RecordHash::from_bytes([number; 32]);
    let (ledger, key) = (LedgerId::from_bytes([9; 32]), public_key("meta"));
    for released in [false, true] {
        let disk = SimulatedDisk::default();
        let of = |copy: &str| SignatureLog::new(&disk.files(), &machine(), Path::new(copy));
        let (ours, theirs) = (of(LEDGER), of("/home/other"));
        let sign = |log: &SignatureLog, previous: u8, own: u8| {
            log.sign(ledger, &key, &[(hash(previous), hash(own))], false)
        };
        for number in 1..5 {
            assert_eq!(sign(&ours, number, number + 1), Ok(None));
        }
        if released {
            let first = |signed: &_| *signed == (hash(1), hash(2));
            theirs.release(ledger, &key, first).expect("released");
        }
        assert_eq!(sign(&theirs, 5, 66), Ok(None));
        assert_eq!(sign(&ours, 5, 6), Ok(Some(hash(66))), "the other copy was first");
        assert_eq!(sign(&ours, 4, 77), Ok(Some(hash(5))));
        assert_eq!(sign(&ours, 5, 66), Ok(None), "the same record again");
        disk.files().remove(&only_signed(&disk)).expect("it is there");
        assert_eq!(sign(&ours, 5, 6), Ok(None), "nothing is left to compare");
    }
}

fn only_signed(disk: &SimulatedDisk) -> PathBuf {
    let signed = Path::new(STATE).join("signatures");
    let is_log = |path: &PathBuf| path.starts_with(&signed) && path.extension().is_none();
    disk.seen().into_keys().find(is_log).expect("a signature log")
}

/// What an earlier release noted of a key's signatures is taken over, once.
#[test]
fn earlier_signatures_are_taken_over() {
    let hash = |number: u8| RecordHash::from_bytes([number; 32]);
    let (ledger, key) = (LedgerId::from_bytes([9; 32]), public_key("meta"));
    let disk = SimulatedDisk::default();
    let log = SignatureLog::new(&disk.files(), &machine(), Path::new(LEDGER));
    assert_eq!(log.sign(ledger, &key, &[(hash(1), hash(2))], false), Ok(None));
    let path = only_signed(&disk);
    let earlier = Path::new(STATE).join("signed").join(path.file_name().expect("a name"));
    disk.put(&earlier, &disk.bytes(&path).expect("bytes"));
    disk.files().remove(&path).expect("it is there");
    let other = SignatureLog::new(&disk.files(), &machine(), Path::new("/home/other"));
    assert_eq!(other.sign(ledger, &key, &[(hash(1), hash(3))], false), Ok(Some(hash(2))));
    assert_eq!(disk.bytes(&earlier), None, "it is moved");
    assert!(disk.bytes(&path).is_some());
}

/// Given two copies and one key, when both sign on one previous record at once, then exactly one may.
#[test]
fn two_copies_at_once_sign_one_record() {
    let scratch = revshare_kit::scratch();
    let machine = Machine::in_folder(scratch.path());
    let (ledger, key) = (LedgerId::from_bytes([9; 32]), public_key("meta"));
    let log = |copy: &str| SignatureLog::new(&system(), &machine, Path::new(copy));
    let copies = [log("/nowhere/first"), log("/nowhere/second")];
    for round in 0..300u64 {
        let mut previous = [0; 32];
        previous[..8].copy_from_slice(&round.to_le_bytes());
        let sign = |(number, copy): (u8, &SignatureLog)| {
            let pair = (RecordHash::from_bytes(previous), RecordHash::from_bytes([number; 32]));
            copy.sign(ledger, &key, &[pair], false).expect("the files work")
        };
        let both = std::thread::scope(|scope| {
            let running = (1..).zip(&copies).map(|one| scope.spawn(move || sign(one)));
            let running: Vec<_> = running.collect();
            let ended = running.into_iter().map(|one| one.join().expect("it ends"));
            ended.collect::<Vec<Option<RecordHash>>>()
        });
        let allowed = both.iter().filter(|other| other.is_none()).count();
        assert_eq!(allowed, 1, "round {round}: {both:?}");
    }
}

/// Local state and cache are for their owner alone.
#[test]
fn others_cannot_read_local_state_or_cache() {
    let scratch = revshare_kit::scratch();
    let machine = Machine::in_folder(scratch.path());
    let ledger = scratch.path().join("ledger");
    revshare_kit::disk::place(&[all().log.clone()], &ledger);
    let mut opened = Ledger::open_for_writing(&ledger, &machine).expect("it opens");
    acknowledge(&mut opened).expect("it is recorded");
    let now = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    opened.admit_verified(now).expect("it is valid");
    drop(opened);
    let read = Ledger::open(&ledger, &machine).expect("it opens");
    read.find(&[Lookup::Prefix("0".to_owned())], &mut |_| {}).expect("it can be read");
    let mut folders = vec![scratch.path().join("state"), scratch.path().join("cache")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        // sled makes its own; nobody can reach it through the folder above.
        if folder.ends_with("db") {
            continue;
        }
        let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => {
                    assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
                    files += 1;
                }
            }
        }
    }
    assert!(files >= 4, "head, signatures, what is pending, checkpoint: {files}");
}
