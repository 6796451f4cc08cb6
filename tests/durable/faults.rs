//! Every file operation of every command fails once, in every way that it can: what was said to be
//! recorded is there, nothing half is, the message says what is so, and the ledger goes on.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Mutex;

use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Mode;
use ledger_core::ledger::Signing;
use ledger_core::vocab::Code;
use ledger_core::vocab::Problem;
use ledger_core::vocab::problem::Class;
use revshare_kit::SimulatedDisk;
use revshare_kit::keys::signer;
use revshare_kit::simulated::Dice;
use revshare_kit::simulated::Fault;
use revshare_kit::simulated::Operation;

use crate::scenes::CACHE;
use crate::scenes::Deed;
use crate::scenes::LEDGER;
use crate::scenes::STATE;
use crate::scenes::Scene;
use crate::scenes::all;
use crate::scenes::reader;
use crate::scenes::scenes;
use crate::scenes::segment_of;
use crate::scenes::writer;

/// What was tried, by kind of operation and of fault.
type Counts = BTreeMap<(Operation, &'static str), usize>;

fn word(fault: Fault) -> &'static str {
    match fault {
        Fault::Broken => "EIO",
        Fault::Gone => "EIO from there on",
        Fault::Full => "ENOSPC",
        Fault::Short => "short write",
        Fault::Unsynced => "failed sync",
    }
}

/// An acknowledgement by the owner: some other record on the head.
pub fn acknowledge(ledger: &mut Ledger) -> Result<(), Problem> {
    let key = signer("meta");
    let agreement = ledger.state().agreement().expect("an agreement");
    let party = agreement.versions().parties().into_values().find(|one| one.id.as_str() == "meta");
    let author = ledger_core::event::Author {
        party: party.expect("the owner").id.clone(),
        key: key.public().expect("a key"),
    };
    let at = ledger.state().recorded_at();
    let context = Context { author, recorded_at: at, now: at };
    let signing = Signing { signer: &key, nonce: [7; 16] };
    ledger.submit(Command::Acknowledge, &context, &signing, Mode::Record).map(|_| ())
}

/// Whether a refusal may be what is said when this operation fails like this.
fn fits(code: Code, operation: Operation, fault: Fault) -> bool {
    let syncs = matches!(operation, Operation::Sync | Operation::SyncFolder);
    match code {
        Code::DiskFull => fault == Fault::Full,
        Code::Reopen => syncs,
        Code::DiskWrite => fault != Fault::Full || syncs,
        Code::DiskRead => fault != Fault::Full,
        _ => false,
    }
}

/// The log as the writer's state has it, if nothing half is there.
fn records_on(disk: &SimulatedDisk, what: &str) -> u64 {
    let log = disk.bytes(&segment_of(LEDGER)).unwrap_or_default();
    let whole = (0..=all().records()).find(|records| all().until(*records) == log);
    whole.unwrap_or_else(|| panic!("{what}: the log is none that was ever there"))
}

/// What a fault left behind, and how many records it may have: looked at once.
type Left = BTreeSet<(u64, u64, u64)>;

/// Lets one operation fail; what kind it was, or `None` if the fault does not apply to it.
fn one_fault(
    scene: &Scene,
    (number, fault): (usize, Fault),
    known: &mut Left,
) -> Option<Operation> {
    let disk = scene.disk.copy();
    disk.plan(Some((number, fault)));
    let (said, mut ledger) = scene.run(&disk);
    let Some((operation, path)) = disk.met() else {
        assert!(said.is_ok(), "{}: {:?}", scene.name, said.err());
        return None;
    };
    let what = format!(
        "{}: operation {number} ({operation:?} of {}), {}: said {:?}",
        scene.name,
        path.display(),
        word(fault),
        said.as_ref().map_err(|problem| problem.to_string())
    );
    let is_unknown = said.as_ref().is_err_and(|problem| problem.code == Code::Reopen);
    if let Err(problem) = &said {
        assert_eq!(problem.code.class(), Class::Outside, "{what}");
        assert!(fits(problem.code, operation, fault), "{what}");
        let says_nothing = problem.message.contains("nothing was recorded");
        let is_write = matches!(problem.code, Code::DiskWrite | Code::DiskFull);
        assert_eq!(says_nothing, is_write, "{what}");
    } else if fault != Fault::Short {
        // Only what comes after the sync, or is not needed, may fail without a word.
        let is_late = path.starts_with(STATE) || path.starts_with(CACHE) || path.ends_with("lock");
        // What cannot be held against what is known is read as if nothing were.
        let reads = [Operation::Read, Operation::Open, Operation::Look];
        let is_checked = scene.knows && reads.contains(&operation);
        assert!(is_late || is_checked || operation == Operation::Remove, "{what}");
    }
    // A disk that did not confirm something is not relied on by the same process.
    if let (true, Some(ledger), Deed::Says(again)) = (is_unknown, &mut ledger, &scene.deed) {
        let codes = [again.again(ledger).err(), again.again(ledger).err()];
        assert!(codes.iter().all(|one| one.as_ref().is_some_and(|p| p.code == Code::Reopen)));
    }
    drop(ledger);
    let after = all().until(scene.after);
    let was_read = scene.after > scene.before && disk.longest(&segment_of(LEDGER)) >= after.len();
    // The power may fail as well: what was said to be recorded is there.
    let seeds = if disk.is_synced() { 0 } else { 2 };
    for seed in 0..seeds {
        let cut = disk.fork();
        cut.lose_power(&mut Dice::new(seed + 10 * number as u64));
        let least = if said.is_ok() { scene.after } else { scene.before };
        opens(scene, (&cut, true), (least, scene.after), &format!("{what}, power cut {seed}"));
    }
    // On another day, with a disk that works.
    disk.plan(None);
    let least = if said.is_ok() || was_read { scene.after } else { scene.before };
    let most = if said.is_ok() || is_unknown || was_read { scene.after } else { scene.before };
    if known.insert((disk.fingerprint(), least, most)) {
        opens(scene, (&disk, false), (least, most), &what);
    }
    Some(operation)
}

/// A reader and a writer open the ledger with at least and at most so many records, and go on; what
/// is recorded then survives a power cut, with everything before it.
fn opens(
    scene: &Scene,
    (disk, power_failed): (&SimulatedDisk, bool),
    (least, most): (u64, u64),
    what: &str,
) {
    let is_there = disk.bytes(&segment_of(LEDGER)).is_some();
    assert!(is_there || least == 0, "{what}: the ledger is gone");
    if is_there {
        let read = reader(disk).unwrap_or_else(|problem| panic!("{what}: {problem}"));
        let records = read.state().next_seq();
        assert!(records >= least && records <= most, "{what}: a reader sees {records}");
    }
    let mut ledger =
        writer(disk, !is_there).unwrap_or_else(|problem| panic!("{what}, a writer: {problem}"));
    let records = ledger.state().next_seq();
    assert!(records >= least && records <= most, "{what}: a writer sees {records}");
    if is_there {
        assert_eq!(records_on(disk, what), records, "{what}");
    }
    if let (Deed::Says(said), true) = (&scene.deed, records == scene.before) {
        said.again(&mut ledger).unwrap_or_else(|problem| panic!("{what}, again: {problem}"));
    }
    if ledger.state().next_seq() > 3 {
        match acknowledge(&mut ledger) {
            // A power cut may lose a record and keep the note that its key has signed it.
            Err(problem) if problem.code == Code::Equivocation && power_failed => {}
            done => done.unwrap_or_else(|problem| panic!("{what}, goes on: {problem}")),
        }
    }
    let recorded = ledger.state().next_seq();
    drop(ledger);
    if recorded == 0 {
        return;
    }
    disk.lose_power(&mut Dice::new(recorded));
    let read = reader(disk).unwrap_or_else(|problem| panic!("{what}, after it: {problem}"));
    assert_eq!(read.state().next_seq(), recorded, "{what}");
}

/// Work on all processors.
fn in_parallel(scenes: &[Scene], work: impl Fn(&Scene) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                while let Some(scene) =
                    scenes.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    work(scene);
                }
            });
        }
    });
}

#[test]
fn every_operation_may_fail() {
    let scenes = scenes();
    let counts: Mutex<Counts> = Mutex::default();
    let operations = Mutex::new(0);
    in_parallel(&scenes, |scene| {
        let disk = scene.disk.copy();
        disk.plan(None);
        let (done, ledger) = scene.run(&disk);
        drop(ledger);
        assert!(done.is_ok(), "{}", scene.name);
        let total = disk.operations();
        *operations.lock().expect("counts") += total;
        let mut known = Left::new();
        for number in 1..=total {
            for fault in Fault::ALL {
                if let Some(operation) = one_fault(scene, (number, fault), &mut known) {
                    let mut counts = counts.lock().expect("counts");
                    *counts.entry((operation, word(fault))).or_default() += 1;
                }
            }
        }
    });
    let counts = counts.into_inner().expect("counts");
    let operations = operations.into_inner().expect("counts");
    let faults: usize = counts.values().sum();
    println!("faults: {} scenes, {operations} operations, {faults} faults", scenes.len());
    for ((operation, fault), count) in &counts {
        println!("faults: {operation:?}, {fault}: {count}");
    }
    let kinds: BTreeSet<Operation> = counts.keys().map(|(operation, _)| *operation).collect();
    assert_eq!(kinds.len(), 12, "every kind of operation fails somewhere: {kinds:?}");
    assert!(faults > operations, "every operation fails in at least one way");
}
