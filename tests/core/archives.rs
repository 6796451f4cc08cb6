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
use revshare_kit::world::state_root;

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

/// A run of events with these ids, in any order.
fn run_of(ids: &[[u8; 32]]) -> Run {
    let number = |number: usize| [&[253], &(number as u64).to_le_bytes()[..]].concat();
    let rows: Vec<u8> = ids.iter().flat_map(|id| [&id[..], &[0; 32], &[3, 0]].concat()).collect();
    let beginning = |id: &[u8; 32]| u64::from_be_bytes(*id.first_chunk().expect("eight bytes"));
    let mut sorted: Vec<(u64, u64)> = ids.iter().map(beginning).zip(0..).collect();
    sorted.sort_unstable();
    let list = |entries: &[(u64, u64)]| -> Vec<u8> {
        entries.iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()].concat()).collect()
    };
    let contents: Vec<(u64, u64)> = (0..ids.len() as u64).map(|seq| (0, seq)).collect();
    let events = number(ids.len());
    let head = [number(0), events, [number(0), number(0), number(0)].concat(), vec![0; 3]].concat();
    let len = (head.len() as u64).to_le_bytes().to_vec();
    let bytes = Arc::new([rows, list(&sorted), list(&contents), head, len].concat());
    let range = 0..bytes.len();
    Run::of(Bytes::Memory(bytes, range), None).expect("a run")
}

/// What the id of an event begins with, by its number.
type Spread = fn(u64) -> u64;

/// Ids are looked for where they should be if they are spread evenly; they are found if they are not.
#[test]
fn look_ups_find_what_is_there_however_ids_are_spread() {
    let spreads: [(&str, Spread); 8] = [
        ("evenly", |n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        ("all low", |n| n),
        ("all high", |n| u64::MAX - n),
        ("at both ends", |n| if n % 2 == 0 { n } else { u64::MAX - n }),
        ("in the middle", |n| (1 << 63) + n * 3),
        ("ever wider", |n| n.pow(5)),
        ("a few alike", |n| (n / 7).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        ("one far from the others", |n| if n == 0 { u64::MAX / 2 } else { n }),
    ];
    for count in [1, 2, 127, 128, 129, 130, 200, 1_000, 5_000] {
        for (name, spread) in &spreads {
            let id = |n: u64, end: u8| {
                let mut id = [end; 32];
                id[..8].copy_from_slice(&spread(n).to_be_bytes());
                id[8..16].copy_from_slice(&n.to_be_bytes());
                id
            };
            let ids: Vec<[u8; 32]> = (0..count).map(|n| id(n, 0)).collect();
            let run = run_of(&ids);
            for n in 0..count {
                let found = run.by_id(&EventId::from_bytes(id(n, 0)));
                assert_eq!(found.map(|row| row.seq), Some(n), "{count} ids spread {name}");
                assert_eq!(run.by_id(&EventId::from_bytes(id(n, 1))), None);
                let mut near = id(n, 0);
                near[7] ^= 1;
                near[8] = 255;
                assert_eq!(run.by_id(&EventId::from_bytes(near)), None);
            }
            assert!(run.is_whole());
        }
    }
}
