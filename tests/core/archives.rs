//! A state whose events, payouts and sums lie in files is the state that was: whatever is asked of it,
//! however often it is kept and read back, and if a file cannot be read, it says so.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ledger_core::evolve::evolve;
use ledger_core::index::known;
use ledger_core::index::known::Trust;
use ledger_core::index::run::Bytes;
use ledger_core::index::run::Run;
use ledger_core::index::snapshot;
use ledger_core::ledger::admit_whole;
use ledger_core::prefix::Known;
use ledger_core::replay::ledger_id;
use ledger_core::state::Archive;
use ledger_core::state::Archives;
use ledger_core::state::State;
use ledger_core::state::root::state_root;
use ledger_core::store::Shelf;
use ledger_core::store::Witness;
use ledger_core::store::files::ReadFile;
use ledger_core::store::witness::Memory;
use ledger_core::vocab::Code;
use ledger_core::vocab::ContentDigest;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use proptest::prelude::any;
use revshare_kit::SimulatedDisk;
use revshare_kit::World;
use revshare_kit::everything;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::facts;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::simulated::Fault;

use crate::known::shown;
use crate::runs::holds;

const STATE: &str = "/home/.state";

fn witness(disk: &SimulatedDisk) -> Witness {
    Witness::new_on(disk.files(), Some(Path::new(STATE)), Path::new("/home/acme"))
}

fn shelf(disk: &SimulatedDisk, memory: Memory) -> Shelf {
    witness(disk).shelf(memory).expect("a state folder")
}

/// Keeps a state; a run of more bytes than `run_len_max` becomes a file.
fn keep(shelf: &Shelf, state: &State, run_len_max: u64) {
    assert!(is_kept(shelf, state, run_len_max), "kept");
}

fn is_kept(shelf: &Shelf, state: &State, run_len_max: u64) -> bool {
    let at = state.recorded_at();
    let known = Known {
        ledger: ledger_id(state),
        records: state.next_seq(),
        head: state.head(),
        place: (0, 0),
        at,
        complete: (state.next_seq(), at),
        segments: Vec::new(),
        snapshot: Digest::default(),
    };
    known::keep_with(shelf, &known, state, run_len_max)
}

fn read(shelf: &Shelf, trust: Trust) -> Option<State> {
    known::read(shelf.clone())?.state(trust)
}

/// The files of archives.
fn archives(disk: &SimulatedDisk) -> BTreeSet<String> {
    let files = disk.seen().into_keys().map(|path| path.display().to_string());
    files.filter(|path| path.contains("/archives/")).collect()
}

/// Given any history, when one process after another takes in a few records and keeps the state, then
/// the last one has the state of the log, and there are few files.
#[test]
fn a_state_that_is_kept_again_and_again_is_that_of_the_log() {
    let check = |world: World, step: usize, run_len_max: u64| {
        let disk = SimulatedDisk::default();
        let shelf = shelf(&disk, Memory::Verified);
        let mut state = State::default();
        for (at, fact) in facts(&world).iter().enumerate() {
            evolve(&mut state, fact).expect("it was admitted before");
            if at % step == 0 && state.open_parts().is_empty() {
                keep(&shelf, &state, run_len_max);
                let trust = if at % 2 == 0 { Trust::Untouched } else { Trust::Digest };
                state = read(&shelf, trust).expect("it reads back");
            }
        }
        assert_eq!(shown(&state), shown(world.state()));
        assert_eq!(state_root(&state), world.root());
        for event in world.state().events() {
            assert_eq!(state.event(&event.id), Some((event.seq, event.kind)));
            assert_eq!(state.content(&event.content), world.state().content(&event.content));
            assert_eq!(state.event_at(event.seq), Some(event));
        }
        assert_eq!(state.event(&EventId::default()), None);
        assert_eq!(state.content(&ContentDigest::default()), None);
        assert_eq!(state.event_at(state.next_seq()), None);
        assert!(state.is_whole());
        // Each is less than half as long as the one before it.
        assert!(archives(&disk).len() <= 8, "{:?}", archives(&disk));
    };
    let lengths = [0, 1_500, 6_000, u64::MAX];
    let given = (plan(6..28), 1..5usize, any::<u8>());
    holds(60, given, |(plan, step, len)| {
        check(play(&plan), step, lengths[usize::from(len) % lengths.len()]);
    });
    let given = (dispute_plan(8..28), 1..5usize, any::<u8>());
    holds(60, given, |(plan, step, len)| {
        check(play(&plan), step, lengths[usize::from(len) % lengths.len()]);
    });
}

/// A file of which only so many reads succeed.
#[derive(Debug)]
struct Failing {
    bytes: Vec<u8>,
    reads: Arc<AtomicUsize>,
}

impl ReadFile for Failing {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self
            .reads
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        let rest = self.bytes.get(offset as usize..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
}

/// Given an archive in a file, when a read of it fails, then the answers are right all the same, or the
/// state says that it is not whole, and nobody takes them for answers.
#[test]
fn an_archive_that_cannot_be_read_says_so() {
    let world = everything();
    let written = snapshot::write(world.state(), 0).expect("a snapshot");
    let (run, head) = (written.run.parts().collect::<Vec<_>>().concat(), Arc::new(written.head));
    let expected = shown(world.state());
    let (mut failed, mut sound) = (0, 0);
    let mut reads = 0;
    while sound < 3 {
        let left = Arc::new(AtomicUsize::new(reads));
        reads += 1;
        let file = Failing { bytes: run.clone(), reads: left.clone() };
        let bytes = Bytes::File(Box::new(file), run.len() as u64);
        let Some(run) = Run::of(bytes, None) else { continue };
        let archive: Arc<dyn Archive> = Arc::new(run);
        let archives: Archives = vec![archive.clone()];
        let state = snapshot::read(&head, 0, archives.clone()).expect("a head");
        // Sums are not shown where they were not read: all are.
        let answer = shown(&state);
        let found = world.state().events().all(|event| {
            state.event(&event.id) == Some((event.seq, event.kind))
                && state.content(&event.content) == world.state().content(&event.content)
        });
        let is_right = answer == expected && found;
        assert!(is_right || !state.is_whole(), "{reads} reads");
        let admitted = admit_whole(&archives);
        match state.is_whole() {
            true => {
                sound += 1;
                assert_eq!(admitted, Ok(()));
            }
            false => {
                failed += 1;
                let problem = admitted.expect_err("it is not whole");
                assert_eq!(problem.code, Code::DiskRead);
                assert!(problem.message.contains("the answer does not count"), "{problem}");
                assert!(snapshot::write(&state, 0).is_none(), "nothing is kept of it");
            }
        }
    }
    assert!(failed > 100, "{failed} reads failed");
}

/// Given a state that is kept, when any one operation of keeping it again fails, then what was kept is
/// there or what is new, and no file that nobody names.
#[test]
fn a_fault_leaves_what_was_kept() {
    let world = everything();
    let facts = facts(&world);
    let mut state = State::default();
    facts[..20].iter().for_each(|fact| evolve(&mut state, fact).expect("admitted"));
    assert!(state.open_parts().is_empty());
    let start = SimulatedDisk::default();
    keep(&shelf(&start, Memory::Verified), &state, 0);
    let count = |disk: &SimulatedDisk| archives(disk).len();
    let kept = |disk: &SimulatedDisk| is_kept(&shelf(disk, Memory::Verified), world.state(), 0);
    let clean = start.fork();
    clean.plan(None);
    assert!(kept(&clean));
    assert_eq!(count(&clean), 1);
    let mut failed = 0;
    for number in 1..=clean.operations() {
        for fault in [Fault::Broken, Fault::Full, Fault::Unsynced] {
            let disk = start.fork();
            disk.plan(Some((number, fault)));
            let is_kept = kept(&disk);
            let what = format!("operation {number} ({:?}), {fault:?}", disk.met());
            disk.plan(None);
            let records = read(&shelf(&disk, Memory::Verified), Trust::Untouched)
                .unwrap_or_else(|| panic!("{what}: nothing is known"))
                .next_seq();
            match is_kept {
                true => assert_eq!(records, world.state().next_seq(), "{what}"),
                false => {
                    failed += 1;
                    assert_eq!(records, state.next_seq(), "{what}");
                    assert_eq!(count(&disk), 1, "{what}: {:?}", archives(&disk));
                }
            }
            let drafts =
                disk.seen().into_keys().filter(|path| path.extension().is_some_and(|e| e == "new"));
            assert_eq!(drafts.count(), 0, "{what}");
        }
    }
    assert!(failed > 15, "{failed}");
}

/// Given two memories of one copy, when one of them is kept again, then files that the other names
/// stay, and those that nobody names go.
#[test]
fn memories_share_archives() {
    let world = everything();
    let facts = facts(&world);
    let after = |records: usize| {
        let mut state = State::default();
        facts[..records].iter().for_each(|fact| evolve(&mut state, fact).expect("admitted"));
        state
    };
    let is_closed = |records: &usize| after(*records).open_parts().is_empty();
    let half = (facts.len() / 2..facts.len()).find(is_closed).expect("between two reports");
    let disk = SimulatedDisk::default();
    let [verified, replayed] = [Memory::Verified, Memory::Replayed].map(|one| shelf(&disk, one));
    keep(&verified, &after(half), 0);
    let first = archives(&disk);
    assert_eq!(first.len(), 1);
    // A writer goes on from what was verified.
    let mut state = read(&verified, Trust::Digest).expect("a state");
    let more = &facts[half..half + 1];
    more.iter().for_each(|fact| evolve(&mut state, fact).expect("admitted"));
    keep(&replayed, &state, 0);
    let both = archives(&disk);
    assert!(both.is_superset(&first) && both.len() == 2, "{both:?}");
    let reads = |shelf: &Shelf| read(shelf, Trust::Digest).map(|state| state.next_seq());
    // Everything is verified again.
    keep(&verified, &after(facts.len()), 0);
    assert_eq!(archives(&disk).len(), 3, "the first one is still named");
    assert_eq!(reads(&replayed), Some(half as u64 + 1));
    assert_eq!(reads(&verified), Some(facts.len() as u64));
    keep(&replayed, &after(facts.len()), 0);
    assert_eq!(archives(&disk).len(), 1, "both name the same");
    assert_eq!((reads(&replayed), reads(&verified)), (reads(&verified), reads(&replayed)));
    // A file that is not what it was is none.
    let path = archives(&disk).pop_first().expect("a file");
    let mut bytes = disk.bytes(Path::new(&path)).expect("bytes");
    bytes[7] ^= 1;
    disk.put(Path::new(&path), &bytes);
    for trust in [Trust::Digest, Trust::Untouched] {
        assert!(read(&verified, trust).is_none());
    }
    // Kept again, it is written again.
    keep(&verified, &after(facts.len()), 0);
    assert_eq!(reads(&replayed), Some(facts.len() as u64));
}
