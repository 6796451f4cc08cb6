//! Opening a ledger, and who may rely on what this machine computed before:
//!
//! | who | relies on |
//! |---|---|
//! | a reader | a checkpoint of this user's; segments that were not touched since are not read |
//! | a writer, and whoever checks what a writer would do | a checkpoint, after every byte of the log before it was hashed |
//! | who acknowledges, accepts or settles | likewise, and everything is verified, signatures included |

use std::path::Path;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::checkpoint::CheckpointLevel;
use crate::checkpoint::PrefixCheck;
use crate::checkpoint::find_record;
use crate::ledger::CheckpointUse;
use crate::ledger::Ledger;
use crate::ledger::Notice;
use crate::ledger::already_a_ledger;
use crate::ledger::not_a_ledger;
use crate::ledger::progress::Progress;
use crate::ledger::truncated;
use crate::machine::CacheDir;
use crate::machine::HeadStore;
use crate::machine::Machine;
use crate::machine::RememberedHead;
use crate::machine::SignatureLog;
use crate::replay::Replayed;
use crate::replay::Signatures;
use crate::replay::Start;
use crate::replay::ledger_id;
use crate::replay::nothing_recorded;
use crate::replay::replay_from;
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::DiskLog;
use crate::store::Files;
use crate::store::Segment;
use crate::store::SegmentSource;
use crate::store::ending::Tail;
use crate::store::files::system;
use crate::store::reader::FrameAt;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::RecordHash;

/// A log that was gone through, from a checkpoint or from its start.
struct Loaded {
    replayed: Replayed,
    progress: Progress,
    /// Hash and place of the record that this machine remembers as the head, if it is there.
    remembered_at: Option<(RecordHash, FrameAt)>,
    checkpoint_use: CheckpointUse,
}

impl Ledger {
    /// Opens a ledger to read. Errors: [`Code::NotALedger`], [`Code::LocalFolder`],
    /// [`Code::Rollback`], and everything that makes a log unreadable.
    pub fn open(folder: &Path, machine: &Machine) -> Result<Ledger, Problem> {
        Ledger::open_on(&system(), folder, machine)
    }

    /// Likewise, on other files than the system's.
    pub fn open_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        machine: &Machine,
    ) -> Result<Ledger, Problem> {
        Ledger::open_with(files, folder, machine, PrefixCheck::Stamps)
    }

    /// Opens a ledger to read as a writer does: every byte of the log is hashed. For what is signed
    /// or decided without being recorded. Errors: those of [`Ledger::open`].
    pub fn open_hashed(folder: &Path, machine: &Machine) -> Result<Ledger, Problem> {
        Ledger::open_hashed_on(&system(), folder, machine)
    }

    /// Likewise, on other files than the system's.
    pub fn open_hashed_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        machine: &Machine,
    ) -> Result<Ledger, Problem> {
        Ledger::open_with(files, folder, machine, PrefixCheck::Content)
    }

    fn open_with(
        files: &Arc<dyn Files>,
        folder: &Path,
        machine: &Machine,
        check: PrefixCheck,
    ) -> Result<Ledger, Problem> {
        machine.admit(&**files, folder)?;
        let log = DiskLog::open_on(files.clone(), folder);
        if !log.has_segments()? {
            return Err(not_a_ledger(folder));
        }
        let (mut ledger, loaded) = Ledger::load(files, (folder, machine), log, check)?;
        if let Some(Tail { len: bytes, .. }) = loaded.replayed.unfinished {
            let records = ledger.state.next_seq();
            ledger.notices.push(Notice::Ignored { bytes, records });
        }
        Ok(ledger)
    }

    /// Opens a ledger to write: takes the lock, and cuts an unfinished append. Errors: those of
    /// [`Ledger::open`], [`Code::Locked`], [`Code::DiskWrite`]; [`Code::LocalFolder`] also without
    /// a state folder.
    pub fn open_for_writing(folder: &Path, machine: &Machine) -> Result<Ledger, Problem> {
        Ledger::open_for_writing_on(&system(), folder, machine)
    }

    /// Likewise, on other files than the system's.
    pub fn open_for_writing_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        machine: &Machine,
    ) -> Result<Ledger, Problem> {
        machine.admit_writer()?;
        machine.admit(&**files, folder)?;
        if !DiskLog::open_on(files.clone(), folder).has_segments()? {
            return Err(not_a_ledger(folder));
        }
        let log = DiskLog::open_for_writing_on(files.clone(), folder)?;
        let (mut ledger, loaded) =
            Ledger::load(files, (folder, machine), log, PrefixCheck::Content)?;
        let has_draft = ledger.log.remove_drafts()?;
        let records = ledger.state.next_seq();
        if let Some(tail) = &loaded.replayed.unfinished {
            ledger.log.cut(tail.segment, tail.offset)?;
            ledger.notices.push(Notice::Cut { bytes: tail.len, records });
        }
        let is_left = has_draft || ledger.log.was_interrupted();
        let is_left = is_left || loaded.replayed.unfinished.is_some();
        let remembered = ledger.heads.head()?;
        let of_this = remembered.filter(|head| head.ledger == ledger_id(&ledger.state));
        // Of what a writer left that died or failed, nothing is known to be synced.
        let synced = of_this.zip(loaded.remembered_at.map(|(_, at)| at)).filter(|_| !is_left);
        ledger.resync_tail(synced)?;
        // What is not there any more was never synced, and a copy is only taken of what is: it never
        // left this machine, and its key may sign on the head again. Should that fail, the key is
        // refused.
        if is_left && ledger.signatures.release_pending(ledger.state.head()).is_ok() {
            ledger.log.resume();
        }
        machine.remove_earlier_caches(files, folder);
        Ok(ledger)
    }

    /// A folder in which a ledger is to be opened. Errors: [`Code::AlreadyALedger`],
    /// [`Code::DiskWrite`], [`Code::Locked`], [`Code::LocalFolder`].
    pub fn create(folder: &Path, machine: &Machine) -> Result<Ledger, Problem> {
        Ledger::create_on(&system(), folder, machine)
    }

    /// Likewise, on other files than the system's.
    pub fn create_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        machine: &Machine,
    ) -> Result<Ledger, Problem> {
        machine.admit_writer()?;
        machine.admit(&**files, folder)?;
        let log = DiskLog::create_on(files.clone(), folder)?;
        let ledger = Ledger::empty(files, (folder, machine), log);
        ledger.heads.clear();
        Ok(ledger)
    }

    /// A ledger that is not opened in any folder: for a dry run of opening one. Errors:
    /// [`Code::AlreadyALedger`].
    pub fn dry_run_create(folder: &Path) -> Result<Ledger, Problem> {
        if DiskLog::exists(folder) {
            return Err(already_a_ledger(folder));
        }
        let machine = Machine::without_folders();
        Ok(Ledger::empty(&system(), (folder, &machine), DiskLog::open(folder)))
    }

    fn empty(files: &Arc<dyn Files>, (folder, machine): (&Path, &Machine), log: DiskLog) -> Ledger {
        Ledger {
            folder: folder.to_owned(),
            heads: HeadStore::new(files, machine, folder),
            signatures: SignatureLog::new(files, machine, folder),
            cache: CacheDir::new(files, machine, folder),
            log,
            state: State::default(),
            progress: Progress::new(),
            notices: Vec::new(),
            lookups: std::sync::OnceLock::new(),
            checkpoint_use: CheckpointUse::Without,
        }
    }

    /// Loads a ledger: from a checkpoint if there is one that fits the log, else from its start.
    fn load(
        files: &Arc<dyn Files>,
        (folder, machine): (&Path, &Machine),
        log: DiskLog,
        check: PrefixCheck,
    ) -> Result<(Ledger, Loaded), Problem> {
        let mut ledger = Ledger::empty(files, (folder, machine), log);
        let remembered = ledger.heads.head()?;
        // As they are before they are read: what is written meanwhile counts as touched.
        let segments = ledger.log.segments()?;
        let mut loaded = ledger.go_through(check, remembered, &segments)?;
        ledger.state = std::mem::take(&mut loaded.replayed.state);
        let unfinished = loaded.replayed.unfinished.clone();
        if ledger.state.agreement().is_none() {
            return Err(nothing_recorded(unfinished.map_or(0, |tail| tail.len)));
        }
        let hash = loaded.remembered_at.map(|(hash, _)| hash);
        ledger.admit_head(remembered, hash, unfinished.as_ref())?;
        ledger.progress = loaded.progress.clone();
        ledger.checkpoint_use = loaded.checkpoint_use;
        // Behind an unfinished append nothing is settled yet.
        if unfinished.is_none() {
            ledger.progress.save(ledger.cache.as_ref(), &ledger.state, &segments);
        }
        Ok((ledger, loaded))
    }

    /// Goes through the log behind a checkpoint, or from its start. What cannot be read behind a
    /// checkpoint is read from the start: a cache never decides whether a log is refused.
    fn go_through(
        &self,
        check: PrefixCheck,
        remembered: Option<RememberedHead>,
        segments: &[Segment],
    ) -> Result<Loaded, Problem> {
        let snapshot = self.cache.as_ref().and_then(Snapshot::read);
        if let Some(snapshot) = &snapshot
            && let Some(start) = self.resume(snapshot, check)
        {
            let checkpoint = &snapshot.checkpoint;
            let signatures = match checkpoint.level {
                // What is verified stays so.
                CheckpointLevel::Verified(_) => Signatures::Checked,
                CheckpointLevel::Replayed => Signatures::Trusted,
            };
            let head = remembered.and_then(|head| self.in_prefix(checkpoint, head));
            let progress = Progress::at(snapshot);
            let loaded = self.replay_behind((start, signatures), progress, (remembered, head));
            if let Ok(mut loaded) = loaded {
                loaded.checkpoint_use = match checkpoint.is_current(segments) {
                    true => CheckpointUse::Current,
                    false => CheckpointUse::Resumed,
                };
                return Ok(loaded);
            }
        }
        let start = (Start::default(), Signatures::Trusted);
        self.replay_behind(start, Progress::new(), (remembered, None))
    }

    /// The start at a snapshot; `None` if the log does not begin as it did then.
    fn resume(&self, snapshot: &Snapshot, check: PrefixCheck) -> Option<Start> {
        let (matches, state) =
            rayon::join(|| snapshot.checkpoint.matches(&self.log, check), || snapshot.state());
        let place = Some(snapshot.checkpoint.position);
        state.filter(|_| matches).map(|state| Start { state, place })
    }

    /// Hash and place of a remembered head that lies before a checkpoint.
    fn in_prefix(
        &self,
        checkpoint: &Checkpoint,
        head: RememberedHead,
    ) -> Option<(RecordHash, FrameAt)> {
        if head.ledger != checkpoint.ledger || head.seq >= checkpoint.records {
            return None;
        }
        if head.seq.checked_add(1) == Some(checkpoint.records) {
            let (segment, offset) = checkpoint.position;
            return Some((checkpoint.head, FrameAt { segment, offset, start: 0, len: 0 }));
        }
        find_record(&self.log, head.seq)
    }

    fn replay_behind(
        &self,
        (start, signatures): (Start, Signatures),
        mut progress: Progress,
        (remembered, mut remembered_at): (Option<RememberedHead>, Option<(RecordHash, FrameAt)>),
    ) -> Result<Loaded, Problem> {
        let replayed = replay_from(&self.log, start, signatures, &mut |fact, at, signature| {
            progress.add(at, &fact.hash, signature);
            if remembered.is_some_and(|head| head.seq == fact.seq) {
                remembered_at = Some((fact.hash, at));
            }
        })?;
        let checkpoint_use = CheckpointUse::Without;
        Ok(Loaded { replayed, progress, remembered_at, checkpoint_use })
    }

    /// The log is not behind the head that this machine remembers for this copy.
    fn admit_head(
        &self,
        remembered: Option<RememberedHead>,
        found: Option<RecordHash>,
        unfinished: Option<&Tail>,
    ) -> Result<(), Problem> {
        let Some(head) = remembered.filter(|head| head.ledger == ledger_id(&self.state)) else {
            return Ok(());
        };
        if head.seq < self.state.next_seq() && found == Some(head.hash) {
            return Ok(());
        }
        if let Some(tail) = unfinished.filter(|_| head.seq >= self.state.next_seq()) {
            return Err(truncated(&self.state, tail));
        }
        let last = self.state.next_seq().saturating_sub(1);
        let message = match head.seq > last {
            true => format!(
                "rollback: this log ends with record {last}, but record {} was recorded here before",
                head.seq
            ),
            false => format!(
                "rollback: record {} is not the one that was recorded here before ({})",
                head.seq,
                head.hash.0.short()
            ),
        };
        Err(Problem::new(Code::Rollback, message)
            .at(Place::Path(self.folder.display().to_string()))
            .hint("an older copy was put in its place: restore the newer one, or `revshare pull` from the other party's copy into a new folder"))
    }

    /// Whatever this machine does not remember to have been synced is written again before anything
    /// may follow it: the process that wrote it may have died, or failed, before its sync.
    fn resync_tail(
        &mut self,
        remembered: Option<(RememberedHead, FrameAt)>,
    ) -> Result<(), Problem> {
        let synced = match remembered {
            Some((head, _)) if head.seq.checked_add(1) == Some(self.state.next_seq()) => {
                return Ok(());
            }
            Some((_, at)) => (at.segment, at.end()),
            None => (0, 0),
        };
        self.log.settle(synced)?;
        self.remember_head(ledger_id(&self.state));
        Ok(())
    }
}
