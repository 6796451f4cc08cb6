//! What this machine knows of a copy saves time and changes no answer: what was verified before, what
//! a writer replayed, what the index has.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::acknowledgement::read;
use ledger_core::acknowledgement::write;
use ledger_core::event::Acknowledgement;
use ledger_core::index::known;
use ledger_core::index::snapshot;
use ledger_core::ledger::IndexUse;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::ledger::verify_folder;
use ledger_core::ledger::verify_new;
use ledger_core::prefix::Again;
use ledger_core::prefix::Known;
use ledger_core::prefix::KnownSegment;
use ledger_core::prefix::Sight;
use ledger_core::prefix::holds as begins_so;
use ledger_core::replay::Signatures;
use ledger_core::replay::ledger_id;
use ledger_core::replay::replay;
use ledger_core::state::State;
use ledger_core::state::root::version_of;
use ledger_core::store::DiskLog;
use ledger_core::store::MemoryLog;
use ledger_core::store::Segment;
use ledger_core::store::SegmentSource;
use ledger_core::store::files::system;
use ledger_core::verify::Options;
use ledger_core::verify::Since;
use ledger_core::verify::SinceVerified;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify_since;
use ledger_core::vocab::Code;
use ledger_core::vocab::Digest;
use ledger_core::vocab::Problem;
use ledger_core::vocab::StateRoot;
use ledger_core::vocab::Timestamp;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::disk::in_memory;
use revshare_kit::disk::place;
use revshare_kit::keys;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::scratch;
use revshare_kit::two_parties;
use revshare_kit::world::state_root;
use tempfile::TempDir;

use crate::damage::frames;
use crate::damage::small;
use crate::runs::holds;

/// A copy in a folder, and the state folder of a machine beside it.
struct Copy {
    scratch: TempDir,
    /// The whole log, in one segment.
    log: Vec<u8>,
    /// Where its records begin, with their lengths.
    frames: Vec<(usize, usize)>,
}

impl Copy {
    fn of(log: Vec<u8>) -> Copy {
        let frames = frames(&log);
        Copy { scratch: scratch(), log, frames }
    }

    fn small() -> Copy {
        Copy::of(small().segments().remove(0))
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join("ledger")
    }

    fn state(&self) -> PathBuf {
        self.scratch.path().join("state")
    }

    /// The length of so many records, with the header before them.
    fn len(&self, records: usize) -> usize {
        self.frames.get(records).map_or(self.log.len(), |(at, _)| *at)
    }

    /// The copy has so many records, in a new file.
    fn has(&self, records: usize) -> &Copy {
        self.is(&self.log[..self.len(records)])
    }

    /// The copy has these bytes, in a new file.
    fn is(&self, log: &[u8]) -> &Copy {
        place(&[log.to_vec()], &self.folder());
        self
    }

    /// What follows on so many records is appended to the file.
    fn goes_on_behind(&self, records: usize) -> &Copy {
        let path = self.folder().join("log/00000000.seg");
        let mut file = OpenOptions::new().append(true).open(path).expect("the segment");
        file.write_all(&self.log[self.len(records)..]).expect("the segment");
        self
    }

    fn verify(&self) -> Verdict {
        verify_folder(&self.folder(), Some(&self.state()), options())
    }

    fn verify_new(&self, options: Options) -> Verdict {
        verify_new(&self.folder(), Some(&self.state()), options)
    }

    /// The one file in a folder of this machine's memories.
    fn memory(&self, kind: &str) -> Option<PathBuf> {
        let mut files = fs::read_dir(self.state().join(kind)).ok()?;
        Some(files.next()?.expect("an entry").path())
    }

    fn write(&self, with_memory: bool) -> Result<(State, Vec<String>), Problem> {
        let state = with_memory.then(|| self.state());
        let ledger = Ledger::open_for_writing(&self.folder(), state.as_deref())?;
        let notices = ledger.notices().iter().map(|notice| format!("{notice:?}")).collect();
        Ok((ledger.state().clone(), notices))
    }
}

fn options() -> Options {
    let now = Some(Timestamp::parse("2027-01-01T00:00:00Z").expect("a time"));
    Options { now, ..Options::default() }
}

/// Everything in a state, as text.
pub(crate) fn shown(state: &State) -> String {
    let events: Vec<String> = state.events().map(|one| format!("{one:?}")).collect();
    let place = (state.next_seq(), state.head(), state.recorded_at());
    format!("{place:?} {events:?} {:?} {:?}", state.open_parts(), state.agreement())
}

/// What a verdict says apart from which records were verified when.
fn said(verdict: &Verdict) -> String {
    let Verdict { ledger, events, head, state_root, findings, acknowledged, .. } = verdict;
    format!("{ledger:?} {events} {head:?} {state_root:?} {findings:?} {acknowledged:?}")
}

#[track_caller]
fn assert_everything(verdict: &Verdict, why: &str) {
    match &verdict.since {
        SinceVerified::Everything(said) => assert!(said.contains(why), "{said}"),
        other => panic!("not everything was verified: {other:?}"),
    }
}

fn verified_before(verdict: &Verdict) -> Option<u64> {
    match &verdict.since {
        SinceVerified::From(before) => Some(before.records),
        SinceVerified::NotAsked | SinceVerified::Everything(_) => None,
    }
}

#[test]
fn only_new_records_are_verified() {
    let copy = Copy::small();
    let all = copy.frames.len();
    let whole = {
        let other = Copy::small();
        other.has(all).verify()
    };
    for records in 1..all {
        let copy = Copy::small();
        let first = copy.has(records).verify();
        if !first.is_valid() || first.events < records as u64 {
            // In the middle of a report, or before anybody has accepted.
            continue;
        }
        assert_eq!(first.since, SinceVerified::NotAsked);
        let second = copy.goes_on_behind(records).verify_new(options());
        assert_eq!(verified_before(&second), Some(records as u64));
        assert_eq!(said(&second), said(&whole));
        assert!(second.unchecked[0].contains("--since-verified"), "{:?}", second.unchecked);
        // That is remembered, too, and when everything was last verified at once.
        let third = copy.verify_new(options());
        assert_eq!(verified_before(&third), Some(all as u64));
        assert_eq!(said(&third), said(&whole));
        let SinceVerified::From(before) = third.since else { panic!("not since") };
        assert_eq!(before.complete.0, records as u64);
        assert!(!copy.verify().unchecked[0].contains("--since-verified"));
    }
    assert_everything(&copy.has(all).verify_new(options()), "does not remember");
}

#[test]
fn a_verdict_with_findings_is_not_remembered() {
    let copy = Copy::small();
    let mut log = copy.log.clone();
    let last = log.len() - 1;
    log[last] ^= 1;
    assert!(!copy.is(&log).verify().is_valid());
    assert!(!copy.verify_new(options()).is_valid());
    assert_eq!(copy.memory("verified"), None);
    // Nor is what was never finished.
    copy.is(&copy.log[..copy.log.len() - 1]);
    assert!(copy.verify().is_valid());
    copy.has(copy.frames.len());
    assert_eq!(verified_before(&copy.verify_new(options())), Some(copy.frames.len() as u64 - 1));
}

/// Whatever is changed, before the point or behind it, `--since-verified` finds what `verify` finds,
/// as long as the file system says that the file was touched.
#[test]
fn tampering_is_found_on_either_side() {
    let copy = Copy::small();
    let point = copy.frames.len() / 2;
    copy.has(point);
    assert!(copy.verify().is_valid());
    let memory = fs::read(copy.memory("verified").expect("a memory")).expect("a memory");
    for at in (0..copy.log.len()).step_by(5) {
        let mut log = copy.log.clone();
        log[at] ^= 1 << (at % 8);
        copy.is(&log);
        let since = copy.verify_new(options());
        if at < copy.len(point) {
            assert_everything(&since, "does not begin");
        } else {
            assert_eq!(verified_before(&since), Some(point as u64), "byte {at}");
        }
        assert!(!since.is_valid(), "byte {at}");
        let codes = |verdict: &Verdict| -> Vec<Code> {
            let codes = verdict.findings.iter().map(|one| one.problem.code);
            codes.filter(|code| *code != Code::Rollback).collect()
        };
        assert_eq!(codes(&since), codes(&copy.verify()), "byte {at}");
        let path = copy.memory("verified").expect("a memory");
        assert_eq!(fs::read(path).expect("a memory"), memory, "it stays as it was");
    }
}

/// Files that nobody seems to have touched are not read: that is what `--since-verified` does not
/// check. A writer reads them.
#[test]
fn untouched_files_are_taken_at_the_file_systems_word() {
    struct Stamped(MemoryLog);
    impl SegmentSource for Stamped {
        fn segments(&self) -> Result<Vec<Segment>, Problem> {
            let segments = self.0.segments()?.into_iter();
            Ok(segments.map(|one| Segment { stamp: "as it was".to_owned(), ..one }).collect())
        }
        fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
            self.0.read_at(segment, offset, buffer)
        }
    }
    let world = small();
    let log = world.segments().remove(0);
    let state = world.state();
    let known = Known {
        ledger: world.agreement().ledger(),
        records: state.next_seq(),
        head: state.head(),
        place: (0, log.len() as u64),
        at: state.recorded_at(),
        complete: (state.next_seq(), state.recorded_at()),
        segments: vec![KnownSegment { stamp: "as it was".to_owned(), seen: None }],
        snapshot: Digest::default(),
    };
    let holds = |log: &[u8], again| {
        let source = Stamped(in_memory(vec![log.to_vec()]));
        begins_so(&source, &known, again, None).is_some()
    };
    assert!(holds(&log, Again::All) && holds(&log, Again::Touched));
    let mut changed = log.clone();
    changed[200] ^= 1;
    assert!(holds(&changed, Again::Touched));
    assert!(!holds(&changed, Again::All));
    assert!(!holds(&log[..log.len() - 1], Again::Touched), "a shorter file is another one");
}

/// Somebody appends after it was looked which files were touched: what is read then begins in the middle
/// of a segment, and a digest of that would stand for all of it.
#[test]
fn a_segment_that_was_read_from_the_middle_on_is_not_remembered() {
    let copy = Copy::small();
    let point = copy.frames.len() as u64 - 2;
    let log = in_memory(vec![copy.log.clone()]);
    let before = replay(&log, Some(point - 1), Signatures::Trusted, &mut |_, _, _| {});
    let state = before.expect("a log").state;
    let known = Known {
        ledger: ledger_id(&state),
        records: point,
        head: state.head(),
        place: (0, copy.len(point as usize) as u64),
        at: state.recorded_at(),
        complete: (point, state.recorded_at()),
        segments: vec![KnownSegment { stamp: String::new(), seen: None }],
        snapshot: Digest::default(),
    };
    let read_again = begins_so(&log, &known, Again::All, None).expect("it begins so").sight;
    for (sight, is_kept) in [(read_again, true), (Sight::default(), false)] {
        let since = Since { known: known.clone(), state: state.clone(), sight };
        let (verdict, _, kept) = verify_since(&log, &options(), Some(since));
        assert!(verdict.is_valid());
        assert_eq!(kept.is_some(), is_kept);
    }
}

#[test]
fn a_memory_that_does_not_fit_is_none() {
    let copy = Copy::small();
    let all = copy.frames.len();
    let whole = copy.has(all).verify();
    let path = copy.memory("verified").expect("a memory");
    let sound = fs::read(&path).expect("a memory");
    for at in (0..sound.len()).step_by(7) {
        let mut forged = sound.clone();
        forged[at] ^= 1 << (at % 8);
        fs::write(&path, &forged).expect("a memory");
        let verdict = copy.verify_new(options());
        assert!(matches!(verdict.since, SinceVerified::Everything(_)), "byte {at}");
        assert_eq!(said(&verdict), said(&whole), "byte {at}");
        fs::write(&path, &sound[..at]).expect("a memory");
        let verdict = copy.verify_new(options());
        assert_everything(&verdict, "remember");
        assert_eq!(said(&verdict), said(&whole), "cut at {at}");
    }
    // The memory of another ledger, under the name of this one.
    let other = other_ledger();
    assert!(other.has(other.frames.len()).verify().is_valid());
    fs::copy(other.memory("verified").expect("a memory"), &path).expect("a memory");
    assert_everything(&copy.verify_new(options()), "does not begin");
    // Its own again, from a copy elsewhere with the same records.
    let same = Copy::small();
    assert!(same.has(all - 2).verify().is_valid());
    fs::copy(same.memory("verified").expect("a memory"), &path).expect("a memory");
    let verdict = copy.verify_new(options());
    assert_eq!(verified_before(&verdict), Some(all as u64 - 2));
    assert_eq!(said(&verdict), said(&whole));
}

/// Another ledger.
fn other_ledger() -> Copy {
    let world = Given::ledger(two_parties("share = { meta = \"0.25\" }"))
        .reported("2026-01", lines!["2026-01-05" => "1.00"])
        .into_world();
    Copy::of(world.segments().remove(0))
}

#[test]
fn a_rollback_below_the_point_is_found() {
    let copy = Copy::small();
    let all = copy.frames.len();
    assert!(copy.has(all).verify().is_valid());
    let verdict = copy.has(all - 2).verify_new(options());
    assert_everything(&verdict, "does not begin");
    let codes: Vec<Code> = verdict.findings.iter().map(|one| one.problem.code).collect();
    assert_eq!(codes, [Code::Rollback]);
    assert_eq!(verdict.findings[0].seq, Some(all as u64 - 1));
}

#[test]
fn older_acknowledgements_are_held_against_everything() {
    let world = small();
    let copy = Copy::of(world.segments().remove(0));
    let point = copy.frames.len() - 2;
    let acknowledged = |seq: usize| {
        let other = Copy::of(copy.log.clone());
        let records = other.has(seq + 1).verify();
        let (_, head) = records.head.expect("a head");
        let state_root = records.state_root.expect("a root");
        let root_version = version_of(world.state());
        let said = Acknowledgement { seq: seq as u64, head, root_version, state_root };
        let key = keys::signer("meta");
        let ledger = records.ledger.expect("a ledger");
        let author = world.context("meta", &key).author;
        read(&write(ledger, &author, &said, &key)).expect("an acknowledgement")
    };
    assert!(copy.has(point).verify().is_valid());
    copy.goes_on_behind(point);
    for seq in [point - 3, point - 1, point] {
        let against = vec![acknowledged(seq)];
        let since = copy.verify_new(Options { against: against.clone(), ..options() });
        assert!(since.is_valid(), "{:?}", since.findings);
        assert!(since.against_unchecked.is_empty(), "record {seq} was compared");
        match seq < point - 1 {
            true => assert_everything(&since, "names record"),
            false => assert!(verified_before(&since).is_some(), "record {seq}"),
        }
        // A root that is not that of its place is found.
        let mut wrong = against;
        wrong[0].said.state_root = StateRoot::default();
        let since = copy.verify_new(Options { against: wrong, ..options() });
        let codes: Vec<Code> = since.findings.iter().map(|one| one.problem.code).collect();
        assert_eq!(codes, [Code::AckMismatch], "record {seq}");
        copy.has(point);
        assert!(copy.verify().is_valid());
        copy.goes_on_behind(point);
    }
}

/// A snapshot gives the same state as the log, in everything that may be asked of it.
#[test]
fn snapshots_hold_everything() {
    let check = |world: World| {
        let write = |state: &State| snapshot::write(state, 0).expect("a snapshot").parts().concat();
        let bytes = write(world.state());
        let read = snapshot::read(&bytes.clone().into(), 0, Vec::new()).expect("it reads back");
        assert_eq!(state_root(&read), world.root());
        // Written again before its sums were looked at, and after.
        assert!(write(&read) == bytes);
        assert_eq!(shown(&read), shown(world.state()));
        assert!(write(&read) == bytes);
        assert!(read.is_whole());
    };
    holds(80, plan(4..24), |plan| check(play(&plan)));
    holds(60, dispute_plan(8..28), |plan| check(play(&plan)));
}

/// A writer that knows a beginning comes to the same state, or to the same refusal, as one that does
/// not, whatever was done to the log, and whichever head this machine remembers.
#[test]
fn a_writer_that_knows_a_beginning_sees_the_same() {
    let copy = Copy::small();
    let all = copy.frames.len();
    let heads = |state: &Path| state.join("heads");
    // What a machine remembers of the head when it has written so many records.
    let remembered = |records: usize| {
        let state = copy.scratch.path().join(format!("state-{records}"));
        copy.has(records);
        drop(Ledger::open_for_writing(&copy.folder(), Some(&state)).expect("it opens"));
        let mut entries = fs::read_dir(heads(&state)).expect("a memory of the head");
        entries.next().expect("one").expect("an entry").path()
    };
    let (before, last) = (remembered(all / 2), remembered(all));
    for (point, head) in [(all / 2, Some(&before)), (all - 1, Some(&last)), (all, None)] {
        assert!(copy.has(point).verify().is_valid());
        let known = copy.memory("verified").expect("a memory");
        let write = |log: &[u8], knows: bool| {
            copy.is(log);
            let state = copy.scratch.path().join("another-state");
            let _ = fs::remove_dir_all(&state);
            for (kind, from) in [("heads", head), ("verified", Some(&known).filter(|_| knows))] {
                let Some(from) = from else { continue };
                fs::create_dir_all(state.join(kind)).expect("a folder");
                let name = from.file_name().expect("a name");
                fs::copy(from, state.join(kind).join(name)).expect("a memory");
            }
            let ledger = Ledger::open_for_writing(&copy.folder(), Some(&state))?;
            let notices = format!("{:?}", ledger.notices());
            let log = fs::read(copy.folder().join("log/00000000.seg")).expect("the log");
            Ok::<_, Problem>((shown(ledger.state()), notices, log))
        };
        let compare = |log: &[u8], what: &str| match (write(log, true), write(log, false)) {
            (Ok(with), Ok(without)) => assert!(with == without, "{what}"),
            (Err(with), Err(without)) => {
                assert_eq!(with.to_string(), without.to_string(), "{what}");
            }
            (with, without) => panic!("{what}: {:?} and {:?}", with.is_ok(), without.is_ok()),
        };
        compare(&copy.log, "as it was");
        for at in (0..copy.log.len()).step_by(13) {
            let mut changed = copy.log.clone();
            changed[at] ^= 1 << (at % 8);
            compare(&changed, &format!("byte {at}"));
            compare(&copy.log[..at], &format!("cut at {at}"));
            let from = at.next_multiple_of(512).min(copy.log.len());
            let mut unwritten = copy.log.clone();
            unwritten[from..].fill(0);
            compare(&unwritten, &format!("unwritten from {from}"));
        }
    }
}

/// A writer that had much to replay remembers how far it came, and the next one begins there.
#[test]
fn writers_remember_how_far_they_replayed() {
    let many: Vec<Line> = (0..120_000)
        .map(|at| Line::new(&format!("2026-01-{:02}", 1 + at % 31), &format!("{}.25", at)))
        .collect();
    let world = Given::ledger(two_parties("share = { meta = \"0.25\" }"))
        .and(party("acme-cloud").reports_in_blocks("2026-01", many, 20_000, false))
        .and(party("acme-cloud").issues_statement("2026-01"))
        .into_world();
    let copy = Copy::of(world.segments().remove(0));
    copy.has(copy.frames.len());
    assert_eq!(copy.memory("replayed"), None);
    let (first, _) = copy.write(true).expect("it opens");
    let known = copy.memory("replayed").expect("it is remembered");
    let remembered = fs::read(&known).expect("a memory");
    let (second, _) = copy.write(true).expect("it opens");
    assert_eq!(shown(&first), shown(&second));
    assert_eq!(shown(&first), shown(world.state()));
    assert!(fs::read(&known).expect("a memory") == remembered, "there was nothing to replay");
    // Signatures were not checked: that is no verification.
    assert_everything(&copy.verify_new(options()), "does not remember");
}

/// The index takes in what was recorded since it was made, and answers as the log does.
#[test]
fn the_index_catches_up() {
    let answers = |ledger: &Ledger| {
        let mut text = shown(ledger.state());
        for prefix in ["0", "1", "7", "a", "f"] {
            let see = &mut |record| text.push_str(&format!("{record:?}"));
            ledger.find(&[Lookup::Prefix(prefix.to_owned())], see).expect("it can be read");
        }
        text
    };
    let whole = Copy::small();
    let all = whole.frames.len();
    let open = |copy: &Copy| Ledger::open(&copy.folder(), Some(&copy.state())).expect("it opens");
    let expected = answers(&open(whole.has(all)));
    for records in 2..all {
        let copy = Copy::small();
        let first = open(copy.has(records));
        let was_whole = first.index_use() == IndexUse::Rebuilt;
        let _ = answers(&first);
        drop(first);
        let second = open(copy.goes_on_behind(records));
        if was_whole {
            assert_eq!(second.index_use(), IndexUse::CaughtUp, "{records}");
        }
        assert!(answers(&second) == expected, "{records}");
        drop(second);
        let third = open(&copy);
        assert_eq!(third.index_use(), IndexUse::Answered);
        assert!(answers(&third) == expected, "{records}");
    }
}

/// A log that was changed before what the index knows is read as a whole, and refused.
#[test]
fn the_index_never_covers_damage() {
    let copy = Copy::small();
    let point = copy.frames.len() / 2;
    for at in (64..copy.len(point)).step_by(13) {
        copy.has(point);
        drop(Ledger::open(&copy.folder(), Some(&copy.state())).expect("it opens"));
        let mut log = copy.log.clone();
        log[at] ^= 1;
        copy.is(&log);
        let with =
            Ledger::open(&copy.folder(), Some(&copy.state())).map(|ledger| shown(ledger.state()));
        let _ = fs::remove_dir_all(copy.state());
        let without = Ledger::open(&copy.folder(), None).map(|ledger| shown(ledger.state()));
        match (with, without) {
            (Ok(with), Ok(without)) => assert!(with == without, "byte {at}"),
            (Err(with), Err(without)) => assert_eq!(with.to_string(), without.to_string()),
            (with, without) => panic!("byte {at}: {with:?} and {without:?}"),
        }
        let _ = fs::remove_dir_all(copy.state());
    }
}

/// A folder that was handed over has an index, with digests that fit, of another state than its log
/// has: a reader answers from the log, writes nothing beside it, and signs the root of the log.
#[test]
fn a_forged_index_in_the_folder_is_not_read() {
    let copy = Copy::small();
    let all = copy.frames.len();
    copy.has(all);
    let honest = copy.verify();
    let log = DiskLog::open(&copy.folder());
    let stamps = log.segments().expect("the segments").into_iter();
    // The state of a shorter log, said to be that of the whole one.
    let half = replay(&log, Some(all as u64 / 2), Signatures::Trusted, &mut |_, _, _| {});
    let (head, _) = honest.head.zip(honest.state_root).expect("a head");
    let forged = Known {
        ledger: honest.ledger.expect("a ledger"),
        records: half.as_ref().expect("a state").state.next_seq(),
        head: half.as_ref().expect("a state").state.head(),
        place: (0, copy.len(all) as u64),
        at: Timestamp::default(),
        complete: (0, Timestamp::default()),
        segments: stamps.map(|one| KnownSegment { stamp: one.stamp, seen: None }).collect(),
        snapshot: Digest::default(),
    };
    let index = copy.folder().join("index");
    let shelf = known::of_index(&system(), &index);
    assert!(known::keep(&shelf, &forged, &half.expect("a state").state), "it is planted");
    let planted = fs::read(index.join("state")).expect("it is planted");
    for state in [None, Some(copy.state())] {
        for _ in 0..2 {
            let ledger = Ledger::open(&copy.folder(), state.as_deref()).expect("it opens");
            assert_eq!(ledger.state().head(), head.1);
            assert_eq!(
                ledger.acknowledgement().expect("sums in bounds").state_root,
                honest.state_root.expect("a root")
            );
            ledger.find(&[Lookup::Prefix("0".to_owned())], &mut |_| {}).expect("it can be read");
        }
    }
    let names: Vec<_> = fs::read_dir(&index).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 1, "nothing was made beside it");
    assert_eq!(fs::read(index.join("state")).expect("it is there"), planted);
}

/// Beside a writer's memory of its own, nothing in the ledger's folder counts.
#[test]
fn a_writer_trusts_no_index() {
    let copy = Copy::small();
    let other = Copy::of(copy.log.clone());
    let all = copy.frames.len();
    assert!(other.has(all).verify().is_valid());
    // What another machine knows lies in the index, and not in the state folder of this one.
    copy.has(all);
    let index = copy.folder().join("index");
    fs::create_dir_all(&index).expect("the index");
    fs::copy(other.memory("verified").expect("a memory"), index.join("state")).expect("a file");
    let everything =
        |folder: &Path| fs::read_dir(folder).map(|entries| entries.count()).unwrap_or_default();
    assert_eq!(everything(&copy.state()), 0);
    let (state, _) = copy.write(true).expect("it opens");
    assert_eq!(shown(&state), shown(&other.write(true).expect("it opens").0));
    assert_everything(&copy.verify_new(options()), "does not remember");
}
