//! The front door: open, submit, read, pull. The only place where decider, log and memories meet.

mod opening;
mod progress;
pub mod reading;
mod verifying;
mod writing;
pub mod report;
pub mod group;

use std::path::Path;
use std::path::PathBuf;
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
use crate::ledger::progress::Progress;
pub use crate::ledger::verifying::verify_copy;
pub use crate::ledger::verifying::verify_folder;
pub use crate::ledger::verifying::verify_new;
use crate::machine::CacheDir;
use crate::machine::HeadStore;
use crate::machine::SignatureLog;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::State;
use crate::store::DiskLog;
use crate::store::SegmentSource;
use crate::store::ending::Tail;
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
    heads: HeadStore,
    signatures: SignatureLog,
    cache: Option<CacheDir>,
    state: State,
    progress: Progress,
    notices: Vec<Notice>,
    /// The look-ups, once something was looked up.
    lookups: OnceLock<Option<SledIndex>>,
    checkpoint_use: CheckpointUse,
}

/// Where the state of an opened ledger comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CheckpointUse {
    /// The whole log was read.
    #[default]
    Without,
    /// A checkpoint, and what was recorded behind it.
    Resumed,
    /// A checkpoint at the end of the log.
    Current,
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
    /// The last head could not be remembered.
    HeadNotRemembered(String),
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

    /// The log's bytes.
    pub fn source(&self) -> &dyn SegmentSource {
        &self.log
    }

    /// What is worth saying about opening.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Where its state comes from.
    pub fn checkpoint_use(&self) -> CheckpointUse {
        self.checkpoint_use
    }

    /// Whether this machine has a cache for this copy.
    pub fn has_cache(&self) -> bool {
        self.cache.is_some()
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

/// The refusal of a folder that is no ledger.
pub fn not_a_ledger(folder: &Path) -> Problem {
    Problem::new(Code::NotALedger, "the folder is no ledger")
        .at(Place::Path(folder.display().to_string()))
        .hint("name the ledger's folder with -C, or open one with `revshare init --terms FILE`")
}

/// The refusal of a log that another process has changed while it was read.
fn changed_meanwhile(folder: &Path) -> Problem {
    Problem::new(Code::DiskRead, "the log changed while it was read")
        .at(Place::Path(folder.display().to_string()))
        .hint("run the command again")
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
