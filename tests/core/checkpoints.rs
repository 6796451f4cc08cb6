//! Checkpoints save time and change no answer: what was verified before, what was replayed, what the
//! look-ups hold. Nothing in the ledger's folder takes their place.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::acknowledgement::read;
use ledger_core::acknowledgement::write;
use ledger_core::checkpoint::Checkpoint;
use ledger_core::checkpoint::CheckpointLevel;
use ledger_core::checkpoint::PrefixCheck;
use ledger_core::event::Acknowledgement;
use ledger_core::ledger::CheckpointUse;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::ledger::verify_folder;
use ledger_core::ledger::verify_new;
use ledger_core::machine::Machine;
use ledger_core::replay::ledger_id;
use ledger_core::state::State;
use ledger_core::state::root::version_of;
use ledger_core::store::MemoryLog;
use ledger_core::store::Segment;
use ledger_core::store::SegmentSource;
use ledger_core::verify::Options;
use ledger_core::verify::SinceVerified;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify_since;
use ledger_core::vocab::Code;
use ledger_core::vocab::Problem;
use ledger_core::vocab::StateRoot;
use ledger_core::vocab::Timestamp;
use ledger_core::wire::codec::decode_cache;
use ledger_core::wire::codec::encode_cache;
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

/// A copy in a folder, and the folders of a machine beside it.
pub(crate) struct Copy {
    pub(crate) scratch: TempDir,
    /// The whole log, in one segment.
    pub(crate) log: Vec<u8>,
    /// Where its records begin, with their lengths.
    pub(crate) frames: Vec<(usize, usize)>,
}

impl Copy {
    pub(crate) fn of(log: Vec<u8>) -> Copy {
        let frames = frames(&log);
        Copy { scratch: scratch(), log, frames }
    }

    pub(crate) fn small() -> Copy {
        Copy::of(small().segments().remove(0))
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.scratch.path().join("ledger")
    }

    pub(crate) fn machine(&self) -> Machine {
        Machine::in_folder(self.scratch.path())
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.scratch.path().join("cache")
    }

    /// The length of so many records, with the header before them.
    fn len(&self, records: usize) -> usize {
        self.frames.get(records).map_or(self.log.len(), |(at, _)| *at)
    }

    /// The copy has so many records, in a new file.
    pub(crate) fn has(&self, records: usize) -> &Copy {
        self.is(&self.log[..self.len(records)])
    }

    /// The copy has these bytes, in a new file.
    pub(crate) fn is(&self, log: &[u8]) -> &Copy {
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
        verify_folder(&self.folder(), &self.machine(), options())
    }

    fn verify_new(&self, options: Options) -> Verdict {
        verify_new(&self.folder(), &self.machine(), options)
    }

    /// The file of the checkpoint.
    pub(crate) fn checkpoint(&self) -> Option<PathBuf> {
        let mut copies = fs::read_dir(self.cache()).ok()?;
        let path = copies.next()?.expect("an entry").path().join("checkpoint");
        path.exists().then_some(path)
    }

    pub(crate) fn write(&self) -> Result<(State, Vec<String>), Problem> {
        let ledger = Ledger::open_for_writing(&self.folder(), &self.machine())?;
        let notices = ledger.notices().iter().map(|notice| format!("{notice:?}")).collect();
        Ok((ledger.state().clone(), notices))
    }
}

pub(crate) fn options() -> Options {
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
    assert_eq!(copy.checkpoint(), None);
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
    let memory = fs::read(copy.checkpoint().expect("a checkpoint")).expect("a checkpoint");
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
        let path = copy.checkpoint().expect("a checkpoint");
        assert_eq!(fs::read(path).expect("a checkpoint"), memory, "it stays as it was");
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
    let mut checkpoint = checkpoint_of(&in_memory(vec![log.clone()]));
    checkpoint.segments[0].stamp = "as it was".to_owned();
    let matches =
        |log: &[u8], check| checkpoint.matches(&Stamped(in_memory(vec![log.to_vec()])), check);
    assert!(matches(&log, PrefixCheck::Content) && matches(&log, PrefixCheck::Stamps));
    let mut changed = log.clone();
    changed[200] ^= 1;
    assert!(matches(&changed, PrefixCheck::Stamps));
    assert!(!matches(&changed, PrefixCheck::Content));
    assert!(!matches(&log[..log.len() - 1], PrefixCheck::Stamps), "a shorter file is another one");
}

#[test]
fn a_damaged_checkpoint_is_deleted_and_made_anew() {
    let copy = Copy::small();
    let all = copy.frames.len();
    let whole = copy.has(all).verify();
    let path = copy.checkpoint().expect("a checkpoint");
    let sound = fs::read(&path).expect("a checkpoint");
    for at in (0..sound.len()).step_by(7) {
        let mut forged = sound.clone();
        forged[at] ^= 1 << (at % 8);
        fs::write(&path, &forged).expect("a checkpoint");
        let verdict = copy.verify_new(options());
        assert_everything(&verdict, "does not remember");
        assert_eq!(said(&verdict), said(&whole), "byte {at}");
        assert!(fs::read(&path).expect("a checkpoint") == sound, "byte {at}: it is made anew");
        fs::write(&path, &sound[..at]).expect("a checkpoint");
        let opened = Ledger::open(&copy.folder(), &copy.machine()).expect("it opens");
        assert_eq!(opened.checkpoint_use(), CheckpointUse::Without, "cut at {at}");
        assert!(!path.exists(), "cut at {at}: it is deleted");
    }
    // The checkpoint of another ledger, under the name of this one.
    let other = other_ledger();
    assert!(other.has(other.frames.len()).verify().is_valid());
    fs::copy(other.checkpoint().expect("a checkpoint"), &path).expect("a checkpoint");
    assert_everything(&copy.verify_new(options()), "does not begin");
    // Its own again, from a copy elsewhere with the same records.
    let same = Copy::small();
    assert!(same.has(all - 2).verify().is_valid());
    fs::copy(same.checkpoint().expect("a checkpoint"), &path).expect("a checkpoint");
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
        let bytes = encode_cache(world.state()).expect("bytes");
        let read: State = decode_cache(&bytes).expect("it reads back");
        assert_eq!(state_root(&read), world.root());
        assert_eq!(shown(&read), shown(world.state()));
        assert!(encode_cache(&read) == Some(bytes));
    };
    holds(80, plan(4..24), |plan| check(play(&plan)));
    holds(60, dispute_plan(8..28), |plan| check(play(&plan)));
}

/// A writer that goes on from a checkpoint comes to the same state, or to the same refusal, as one
/// that does not, whatever was done to the log, and whichever head this machine remembers.
#[test]
fn a_writer_with_a_checkpoint_sees_the_same() {
    let copy = Copy::small();
    let all = copy.frames.len();
    // What a machine remembers of the head when it has written so many records.
    let remembered = |records: usize| {
        let machine = copy.scratch.path().join(format!("machine-{records}"));
        copy.has(records);
        drop(
            Ledger::open_for_writing(&copy.folder(), &Machine::in_folder(&machine)).expect("opens"),
        );
        let mut entries = fs::read_dir(machine.join("state/heads")).expect("a head");
        entries.next().expect("one").expect("an entry").path()
    };
    let (before, last) = (remembered(all / 2), remembered(all));
    for (point, head) in [(all / 2, Some(&before)), (all - 1, Some(&last)), (all, None)] {
        assert!(copy.has(point).verify().is_valid());
        let known = copy.checkpoint().expect("a checkpoint");
        let write = |log: &[u8], knows: bool| {
            copy.is(log);
            let folder = copy.scratch.path().join("another-machine");
            let _ = fs::remove_dir_all(&folder);
            let (heads, cache) = (folder.join("state/heads"), folder.join("cache"));
            if let Some(head) = head {
                fs::create_dir_all(&heads).expect("a folder");
                fs::copy(head, heads.join(head.file_name().expect("a name"))).expect("a head");
            }
            if knows {
                let name = known.parent().and_then(Path::file_name).expect("a copy");
                fs::create_dir_all(cache.join(name)).expect("a folder");
                fs::copy(&known, cache.join(name).join("checkpoint")).expect("a checkpoint");
            }
            let ledger = Ledger::open_for_writing(&copy.folder(), &Machine::in_folder(&folder))?;
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

/// A writer that had much to replay, or has written much, leaves a checkpoint, and the next one
/// begins there. What was verified before stays verified behind what it has written.
#[test]
fn writers_leave_checkpoints() {
    let many: Vec<Line> = (0..120_000)
        .map(|at| Line::new(&format!("2026-01-{:02}", 1 + at % 31), &format!("{}.25", at)))
        .collect();
    let world = Given::ledger(two_parties("share = { meta = \"0.25\" }"))
        .and(party("acme-cloud").reports_in_blocks("2026-01", many, 20_000, false))
        .and(party("acme-cloud").issues_statement("2026-01"))
        .into_world();
    let copy = Copy::of(world.segments().remove(0));
    copy.has(copy.frames.len());
    assert_eq!(copy.checkpoint(), None);
    let (first, _) = copy.write().expect("it opens");
    let path = copy.checkpoint().expect("a checkpoint");
    let bytes = fs::read(&path).expect("a checkpoint");
    let (second, _) = copy.write().expect("it opens");
    assert_eq!(shown(&first), shown(&second));
    assert_eq!(shown(&first), shown(world.state()));
    assert!(fs::read(&path).expect("a checkpoint") == bytes, "there was nothing to replay");
    // Signatures were not checked: that is no verification.
    assert_everything(&copy.verify_new(options()), "does not remember");
    // Now they were; what a writer adds has its own signatures.
    let verdict = copy.verify_new(options());
    assert_eq!(verified_before(&verdict), Some(copy.frames.len() as u64));
}

/// The look-ups take in what was recorded since they were made, and answer as the log does.
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
    let open = |copy: &Copy| Ledger::open(&copy.folder(), &copy.machine()).expect("it opens");
    let expected = answers(&open(whole.has(all)));
    for records in 2..all {
        let copy = Copy::small();
        let is_valid = copy.has(records).verify().is_valid();
        let first = open(&copy);
        let _ = answers(&first);
        drop(first);
        let second = open(copy.goes_on_behind(records));
        if is_valid && copy.checkpoint().is_some() {
            assert_eq!(second.checkpoint_use(), CheckpointUse::Resumed, "{records}");
        }
        assert!(answers(&second) == expected, "{records}");
        drop(second);
        assert!(copy.verify().is_valid());
        let third = open(&copy);
        assert_eq!(third.checkpoint_use(), CheckpointUse::Current);
        assert!(answers(&third) == expected, "{records}");
    }
}

/// A log that was changed before a checkpoint is read from its start, and refused.
#[test]
fn a_checkpoint_never_covers_damage() {
    let copy = Copy::small();
    let point = copy.frames.len() / 2;
    for at in (64..copy.len(point)).step_by(13) {
        copy.has(point);
        assert!(copy.verify().is_valid());
        let mut log = copy.log.clone();
        log[at] ^= 1;
        copy.is(&log);
        let with = Ledger::open(&copy.folder(), &copy.machine());
        let with = with.map(|ledger| shown(ledger.state()));
        let without = Ledger::open(&copy.folder(), &Machine::without_folders());
        let without = without.map(|ledger| shown(ledger.state()));
        match (with, without) {
            (Ok(with), Ok(without)) => assert!(with == without, "byte {at}"),
            (Err(with), Err(without)) => assert_eq!(with.to_string(), without.to_string()),
            (with, without) => panic!("byte {at}: {with:?} and {without:?}"),
        }
        let _ = fs::remove_dir_all(copy.cache());
    }
}

/// The checkpoint at the end of a log.
pub(crate) fn checkpoint_of(source: &dyn SegmentSource) -> Checkpoint {
    let (verdict, state, fingerprints) = verify_since(source, &Options::default(), None);
    assert!(verdict.is_valid(), "{:?}", verdict.findings);
    let fingerprints = fingerprints.expect("fingerprints");
    Checkpoint {
        ledger: ledger_id(&state),
        records: state.next_seq(),
        head: state.head(),
        position: fingerprints.position(),
        level: CheckpointLevel::Replayed,
        segments: fingerprints.finish(&source.segments().expect("segments")).expect("all"),
    }
}
