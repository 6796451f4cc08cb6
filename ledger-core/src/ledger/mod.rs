//! The front door: open, submit, read, pull. The only place where decider, log and memories meet.

mod known;
pub mod reading;
mod writing;
pub mod report;
pub mod group;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::chain::Signer;
use crate::diff::Diff;
use crate::diff::diff;
use crate::event::Acknowledgement;
use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::acknowledgement::compose;
pub use crate::index::Lookup;
use crate::index::SledIndex;
use crate::ledger::known::Beginning;
pub use crate::ledger::known::verify_copy;
pub use crate::ledger::known::verify_folder;
pub use crate::ledger::known::verify_new;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::replay;
use crate::replay::replay_from;
use crate::state::Archives;
use crate::state::State;
use crate::store::DiskLog;
use crate::store::Files;
use crate::store::SegmentSource;
use crate::store::Witness;
use crate::store::files::system;
use crate::store::reader::FrameAt;
use crate::store::reader::Tail;
use crate::store::witness::RememberedHead;
use crate::view::place::Located;
use crate::view::record::Record;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::wire::event::encode_payload;

/// A ledger in a folder, loaded to its head.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    log: DiskLog,
    witness: Witness,
    state: State,
    notices: Vec<Notice>,
    /// The look-ups, once something was looked up.
    index: OnceLock<Option<SledIndex>>,
    index_use: IndexUse,
}

/// What became of the index when a ledger was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IndexUse {
    /// It was left alone, or could not be had: the log was read.
    #[default]
    Without,
    /// The log was read, and the index was made anew from it.
    Rebuilt,
    /// The index was sound and behind: what was recorded since was read, and added to it.
    CaughtUp,
    /// It was sound and up to date, and the ledger was taken from it.
    Answered,
}

/// Something worth saying that stopped nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A writer cut an unfinished append off.
    Cut {
        /// Its bytes.
        bytes: u64,
        /// The records that stand.
        records: u64,
    },
    /// A reader ignored an unfinished append.
    Ignored {
        /// Its bytes.
        bytes: u64,
        /// The records that stand.
        records: u64,
    },
    /// A memory of this machine could not be written.
    MemoryNotWritten(String),
}

/// Whether a command is carried out or only checked and shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Recorded durably.
    Record,
    /// Checked and shown; nothing is recorded.
    DryRun,
}

/// What was recorded (or would be).
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The records, in order: parts of a report, then the event that counts.
    pub records: Vec<Recorded>,
    /// The event that counts, with its place.
    pub fact: Fact,
}

/// A record that was written (or would be).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Sequence number.
    pub seq: u64,
    /// Hash.
    pub hash: RecordHash,
    /// Event id.
    pub event: EventId,
    /// Kind of event.
    pub kind: Kind,
}

impl Recorded {
    fn of(fact: &Fact) -> Recorded {
        Recorded { seq: fact.seq, hash: fact.hash, event: fact.id, kind: fact.event.kind() }
    }
}

/// What a command needs to be signed.
pub struct Signing<'a> {
    /// The author's key.
    pub signer: &'a Signer,
    /// 16 random bytes.
    pub nonce: [u8; 16],
}

impl Ledger {
    /// Whether a folder is a ledger.
    pub fn exists(folder: &Path) -> bool {
        DiskLog::exists(folder)
    }

    /// Opens a ledger to read. `state_folder` holds the memories of this machine, if there is one.
    /// Errors: [`Code::NotALedger`], and everything that makes a log unreadable.
    pub fn open(folder: &Path, state_folder: Option<&Path>) -> Result<Ledger, Problem> {
        let log = DiskLog::open(folder);
        match log.has_segments()? {
            true => Ledger::read(folder, state_folder, log),
            false => Err(not_a_ledger(folder)),
        }
    }

    /// Likewise, on other files than the system's, and without the index.
    pub fn open_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        state_folder: Option<&Path>,
    ) -> Result<Ledger, Problem> {
        let log = DiskLog::open_on(files.clone(), folder);
        match log.has_segments()? {
            true => {
                let witness = Witness::new_on(files.clone(), state_folder, folder);
                Ok(Ledger::load(folder, witness, log, (None, false))?.0)
            }
            false => Err(not_a_ledger(folder)),
        }
    }

    /// Opens a ledger to write: takes the lock, and cuts an unfinished append. Errors: those of
    /// [`Ledger::open`], [`Code::Locked`], [`Code::Rollback`], [`Code::DiskWrite`].
    pub fn open_for_writing(folder: &Path, state_folder: Option<&Path>) -> Result<Ledger, Problem> {
        Ledger::open_for_writing_on(&system(), folder, state_folder)
    }

    /// Likewise, on other files than the system's.
    pub fn open_for_writing_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        state_folder: Option<&Path>,
    ) -> Result<Ledger, Problem> {
        if !DiskLog::open_on(files.clone(), folder).has_segments()? {
            return Err(not_a_ledger(folder));
        }
        let log = DiskLog::open_for_writing_on(files.clone(), folder)?;
        let witness = Witness::new_on(files.clone(), state_folder, folder);
        let beginning = Beginning::for_writing(&log, &witness, witness.head()?);
        let new = beginning.bytes_behind(&log.segments()?);
        let (ledger, place) = Ledger::load(folder, witness, log, (Some(beginning), true))?;
        if ledger.notices.is_empty() {
            let far = (place, new);
            known::remember_replayed(&ledger.witness, &ledger.log, &ledger.state, far);
        }
        Ok(ledger)
    }

    /// A folder in which a ledger is to be opened. Errors: [`Code::AlreadyALedger`],
    /// [`Code::DiskWrite`], [`Code::Locked`].
    pub fn create(folder: &Path, state_folder: Option<&Path>) -> Result<Ledger, Problem> {
        Ledger::create_on(&system(), folder, state_folder)
    }

    /// Likewise, on other files than the system's.
    pub fn create_on(
        files: &Arc<dyn Files>,
        folder: &Path,
        state_folder: Option<&Path>,
    ) -> Result<Ledger, Problem> {
        let log = DiskLog::create_on(files.clone(), folder)?;
        let witness = Witness::new_on(files.clone(), state_folder, folder);
        witness.forget_head();
        let (folder, state) = (folder.to_owned(), State::default());
        Ok(Ledger {
            folder,
            log,
            witness,
            state,
            notices: Vec::new(),
            index: OnceLock::new(),
            index_use: IndexUse::Without,
        })
    }

    /// A ledger that is opened nowhere: for a dry run of opening one.
    pub fn nowhere(folder: &Path) -> Result<Ledger, Problem> {
        if DiskLog::exists(folder) {
            return Err(already_a_ledger(folder));
        }
        let (log, witness) = (DiskLog::open(folder), Witness::new(None, folder));
        let (folder, state) = (folder.to_owned(), State::default());
        Ok(Ledger {
            folder,
            log,
            witness,
            state,
            notices: Vec::new(),
            index: OnceLock::new(),
            index_use: IndexUse::Without,
        })
    }

    /// Loads a ledger from the log, behind a beginning if one is known.
    fn load(
        folder: &Path,
        witness: Witness,
        log: DiskLog,
        (beginning, to_write): (Option<Beginning>, bool),
    ) -> Result<(Ledger, (u32, u64)), Problem> {
        let Beginning { start, mut remembered_at } = beginning.unwrap_or_default();
        let mut place = start.place.unwrap_or_default();
        let remembered = witness.head()?;
        let parts = (None, Signatures::Trusted);
        let replayed = replay_from(&log, start, parts, &mut |_, fact, at| {
            place = (at.segment, at.offset + at.len as u64);
            if remembered.is_some_and(|head| head.seq == fact.seq) {
                remembered_at = Some((fact.hash, at));
            }
        })?;
        let state = replayed.state;
        if state.agreement().is_none() {
            return Err(match replayed.unfinished {
                Some(tail) => truncated(&state, &tail),
                None => not_a_ledger(folder),
            });
        }
        let mut ledger = Ledger {
            folder: folder.to_owned(),
            log,
            witness,
            state,
            notices: Vec::new(),
            index: OnceLock::new(),
            index_use: IndexUse::Without,
        };
        let remembered_hash = remembered_at.map(|(hash, _)| hash);
        ledger.admit_memory(remembered, remembered_hash, replayed.unfinished.as_ref())?;
        let records = ledger.state.next_seq();
        if !to_write {
            if let Some(Tail { len: bytes, .. }) = replayed.unfinished {
                ledger.notices.push(Notice::Ignored { bytes, records });
            }
            return Ok((ledger, place));
        }
        let has_draft = ledger.log.remove_drafts()?;
        if let Some(tail) = &replayed.unfinished {
            ledger.log.cut(tail.segment, tail.offset)?;
            ledger.notices.push(Notice::Cut { bytes: tail.len, records });
        }
        if has_draft || ledger.log.was_interrupted() || replayed.unfinished.is_some() {
            // What is not there any more was never synced, and a copy is only taken of what is: it
            // never left this machine, and its key may sign on the head again. Should that fail,
            // the key is refused.
            if ledger.witness.release_pending(ledger.state.head()).is_ok() {
                ledger.log.resume();
            }
        }
        let of_this = remembered.filter(|head| head.ledger == ledger_id(&ledger.state));
        ledger.settle(of_this.zip(remembered_at.map(|(_, at)| at)))?;
        Ok((ledger, place))
    }

    /// The log is not behind the head that this machine remembers for this copy.
    fn admit_memory(
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
    fn settle(&mut self, remembered: Option<(RememberedHead, FrameAt)>) -> Result<(), Problem> {
        let known = match remembered {
            Some((head, _)) if head.seq.checked_add(1) == Some(self.state.next_seq()) => {
                return Ok(());
            }
            Some((_, at)) => (at.segment, at.offset + at.len as u64),
            None => (0, 0),
        };
        self.log.settle(known)?;
        self.remember_head(ledger_id(&self.state));
        Ok(())
    }

    /// The folder of the ledger.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state at the head.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Rates the periods that are stated, unless that was done: a statement is composed several times
    /// on its way to the log, and rates only what follows on them.
    pub fn rate_stated(&mut self) {
        if let Some(agreement) = self.state.agreement_mut() {
            agreement.rate_stated();
        }
    }

    /// What the state is looked up in. Whoever answers from it asks at the end whether that could be
    /// read: [`admit_whole`].
    pub fn archives(&self) -> Archives {
        self.state.archives().clone()
    }

    /// The log's bytes.
    pub fn source(&self) -> &dyn SegmentSource {
        &self.log
    }

    /// What is worth saying about opening.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What became of the index when it was opened.
    pub fn index_use(&self) -> IndexUse {
        self.index_use
    }

    /// The memories of this machine for this copy.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// The state after an earlier record. Errors: those of [`Ledger::open`].
    pub fn state_at(&self, seq: u64) -> Result<State, Problem> {
        if seq.checked_add(1) == Some(self.state.next_seq()) {
            return Ok(self.state.clone());
        }
        Ok(replay(&self.log, Some(seq), Signatures::Trusted, &mut |_, _, _| {})?.state)
    }

    /// Shows every record up to and including `last` (all of them for `None`) to `see`, in order. Errors:
    /// those of [`Ledger::open`].
    pub fn records(&self, last: Option<u64>, see: &mut dyn FnMut(Record)) -> Result<(), Problem> {
        replay(&self.log, last, Signatures::Trusted, &mut |state, fact, _| {
            see(Record::of(state, fact));
        })?;
        Ok(())
    }

    /// Shows every record that all look-ups find to `see`, in order: through the index if there is
    /// one. Errors: those of [`Ledger::open`].
    pub fn find(&self, lookups: &[Lookup], see: &mut dyn FnMut(Record)) -> Result<(), Problem> {
        self.select(lookups, &mut |state, fact| see(Record::of(state, fact)))
    }

    /// The record of an event, with the length of its payload. Errors: those of [`Ledger::open`].
    pub fn record(&self, id: &EventId) -> Result<Option<(Record, usize)>, Problem> {
        let mut found = None;
        self.select(&[Lookup::Prefix(id.to_string())], &mut |state, fact| {
            if fact.id == *id {
                // A payload has one encoding, so its length is that of the stored bytes.
                let payload_len = encode_payload(&fact.event).map(|payload| payload.len());
                found = Some(payload_len.map(|len| (Record::of(state, fact), len)));
            }
        })?;
        found.transpose()
    }

    /// Where every record stands, in order. Errors: those of [`Ledger::open`].
    pub fn places(&self) -> Result<Vec<Located>, Problem> {
        let mut places = Vec::new();
        self.records(None, &mut |record| places.push(Located::of(&record)))?;
        Ok(places)
    }

    /// What an acknowledgement of the head says. Errors: [`Code::Internal`].
    pub fn acknowledgement(&self) -> Result<Acknowledgement, Problem> {
        compose(&self.state)
    }
}

/// Compares the copies in two folders. Errors: everything that makes a log unreadable before the
/// first difference.
pub fn diff_folders(first: &Path, second: &Path) -> Result<Diff, Problem> {
    diff(&DiskLog::open(first), &DiskLog::open(second))
}

/// Whether everything could be read that was looked up in archives. Errors: [`Code::DiskRead`]; what
/// was found does not count then.
pub fn admit_whole(archives: &Archives) -> Result<(), Problem> {
    match archives.iter().all(|archive| archive.is_whole()) {
        true => Ok(()),
        false => Err(Problem::new(
            Code::DiskRead,
            "what this machine keeps of the log could not be read; the answer does not count",
        )
        .hint("remove the folder `index` in the ledger's folder and `archives` in this machine's state folder, and run the command again: they save time and nothing else")),
    }
}

/// The refusal of a folder that is no ledger.
pub fn not_a_ledger(folder: &Path) -> Problem {
    Problem::new(Code::NotALedger, "the folder is no ledger")
        .at(Place::Path(folder.display().to_string()))
        .hint("name the ledger's folder with -C, or open one with `revshare init --terms FILE`")
}

fn already_a_ledger(folder: &Path) -> Problem {
    Problem::new(Code::AlreadyALedger, "the folder is a ledger already")
        .at(Place::Path(folder.display().to_string()))
        .hint("open the ledger in another folder")
}

fn truncated(state: &State, tail: &Tail) -> Problem {
    Problem::new(
        Code::Truncated,
        format!(
            "record {} was recorded, but only {} bytes of it are left",
            state.next_seq(),
            tail.len
        ),
    )
    .at(Place::Record { seq: state.next_seq() })
    .hint("the file was cut or damaged after it was written: restore it from another copy")
}
