//! The front door: open, submit, read, pull. The only place where decider, log and memories meet.

pub mod reading;

use std::path::Path;
use std::path::PathBuf;

use crate::chain;
use crate::chain::Place as RecordPlace;
use crate::chain::Signer;
use crate::command::Command;
use crate::decide;
use crate::decide::Context;
use crate::decide::Decision;
use crate::decide::ReportHead;
use crate::diff::Diff;
use crate::diff::diff;
use crate::event::Acknowledgement;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::Lines;
use crate::event::PartsIndex;
use crate::event::UsageCorrection;
use crate::event::UsagePart;
use crate::event::UsageReport;
use crate::evolve::acknowledgement::compose;
use crate::evolve::evolve;
use crate::evolve::usage::gross_totals;
use crate::evolve::usage::lines_digest;
pub use crate::index::Lookup;
use crate::index::SledIndex;
use crate::ledger::reading::Seen;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::replay;
use crate::state::State;
use crate::store::DiskLog;
use crate::store::SegmentSource;
use crate::store::Witness;
use crate::store::reader::Tail;
use crate::store::witness::RememberedHead;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::verify::Options;
use crate::verify::Verdict;
use crate::verify::verify;
use crate::view::place::Located;
use crate::view::record::Record;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::digest::Domain;
use crate::wire::event::Sealed;
use crate::wire::event::encode_payload;
use crate::wire::event::seal;

/// A ledger in a folder, loaded to its head.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
    log: DiskLog,
    witness: Witness,
    state: State,
    notices: Vec<Notice>,
    /// Of a ledger opened to read.
    index: Option<SledIndex>,
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

/// A group of records, ready to be appended.
struct Group {
    first_seq: u64,
    frames: Vec<Vec<u8>>,
    records: Vec<Recorded>,
    signed: Vec<(RecordHash, RecordHash)>,
    fact: Fact,
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
        if !DiskLog::exists(folder) {
            return Err(not_a_ledger(folder));
        }
        let log = DiskLog::open(folder);
        Ledger::read(folder, state_folder, log)
    }

    /// Opens a ledger to write: takes the lock, and cuts an unfinished append. Errors: those of
    /// [`Ledger::open`], [`Code::Locked`], [`Code::Rollback`], [`Code::DiskWrite`].
    pub fn open_for_writing(folder: &Path, state_folder: Option<&Path>) -> Result<Ledger, Problem> {
        if !DiskLog::exists(folder) {
            return Err(not_a_ledger(folder));
        }
        let log = DiskLog::open_for_writing(folder)?;
        Ledger::load(folder, state_folder, log, None)
    }

    /// A folder in which a ledger is to be opened. Errors: [`Code::AlreadyALedger`],
    /// [`Code::DiskWrite`], [`Code::Locked`].
    pub fn create(folder: &Path, state_folder: Option<&Path>) -> Result<Ledger, Problem> {
        let log = DiskLog::create(folder)?;
        let witness = Witness::new(state_folder, folder);
        witness.forget_head();
        let (folder, state) = (folder.to_owned(), State::default());
        Ok(Ledger { folder, log, witness, state, notices: Vec::new(), index: None })
    }

    /// A ledger that is opened nowhere: for a dry run of opening one.
    pub fn nowhere(folder: &Path) -> Result<Ledger, Problem> {
        if DiskLog::exists(folder) {
            return Err(already_a_ledger(folder));
        }
        let (log, witness) = (DiskLog::open(folder), Witness::new(None, folder));
        let (folder, state) = (folder.to_owned(), State::default());
        Ok(Ledger { folder, log, witness, state, notices: Vec::new(), index: None })
    }

    fn load(
        folder: &Path,
        state_folder: Option<&Path>,
        log: DiskLog,
        mut seen: Option<&mut Seen>,
    ) -> Result<Ledger, Problem> {
        let witness = Witness::new(state_folder, folder);
        let mut remembered_hash = None;
        let remembered = witness.head();
        let replayed = replay(&log, None, Signatures::Trusted, &mut |state, fact, at| {
            if let Some(seen) = &mut seen {
                seen.add(state, fact, (at.segment, at.offset));
            }
            if remembered.is_some_and(|head| head.seq == fact.seq) {
                remembered_hash = Some(fact.hash);
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
            index: None,
        };
        ledger.admit_memory(remembered, remembered_hash, replayed.unfinished.as_ref())?;
        if let Some(tail) = replayed.unfinished {
            let records = ledger.state.next_seq();
            let bytes = tail.len;
            if seen.is_none() {
                ledger.cut(&tail)?;
                ledger.notices.push(Notice::Cut { bytes, records });
            } else {
                ledger.notices.push(Notice::Ignored { bytes, records });
            }
        }
        Ok(ledger)
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

    fn cut(&mut self, tail: &Tail) -> Result<(), Problem> {
        // What was signed and cut never left this machine: the keys of this ledger may sign on the
        // head again.
        if let Some(agreement) = self.state.agreement() {
            let head = self.state.head();
            for party in agreement.versions().parties().into_values() {
                let released = |previous: RecordHash, _| previous == head;
                let _ = self.witness.release_signed(agreement.ledger(), &party.key, released);
            }
        }
        self.log.cut(tail.segment, tail.offset)
    }

    /// The folder of the ledger.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state at the head.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The log's bytes.
    pub fn source(&self) -> &dyn SegmentSource {
        &self.log
    }

    /// What is worth saying about opening.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
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

    /// What an acknowledgement of the head says.
    pub fn acknowledgement(&self) -> Acknowledgement {
        compose(&self.state)
    }

    /// Submits a command: what is decided is sealed, signed, judged by `evolve`, appended and
    /// synced, in this order. On `Err`, nothing was recorded. Errors: the ledger's rules, and
    /// [`Code::Repeat`], [`Code::Equivocation`], [`Code::DiskFull`], [`Code::DiskWrite`].
    pub fn submit(
        &mut self,
        command: Command,
        context: &Context,
        signing: &Signing<'_>,
        mode: Mode,
    ) -> Result<Outcome, Problem> {
        let before = self.state.next_seq();
        let group = match self.prepare(command, context, signing) {
            Ok(group) => group,
            Err(problem) => {
                self.restore(before)?;
                return Err(problem);
            }
        };
        let outcome = Outcome { records: group.records.clone(), fact: group.fact.clone() };
        if mode == Mode::DryRun {
            self.restore(before)?;
            return Ok(outcome);
        }
        if let Err(problem) = self.write(&group, context) {
            self.restore(before)?;
            return Err(problem);
        }
        Ok(outcome)
    }

    /// Goes back to the state of the log, if records were applied that were not written.
    fn restore(&mut self, next_seq: u64) -> Result<(), Problem> {
        if self.state.next_seq() == next_seq {
            return Ok(());
        }
        self.state = match next_seq {
            0 => State::default(),
            _ => replay(&self.log, None, Signatures::Trusted, &mut |_, _, _| {})?.state,
        };
        Ok(())
    }

    /// Decides, seals, signs and applies: everything but the writing.
    fn prepare(
        &mut self,
        command: Command,
        context: &Context,
        signing: &Signing<'_>,
    ) -> Result<Group, Problem> {
        let first_seq = self.state.next_seq();
        let mut group = Drafting { frames: Vec::new(), records: Vec::new(), signed: Vec::new() };
        let fact = match decide::propose(&self.state, command, &context.author)? {
            Decision::Report { head, mut blocks } if blocks.len() <= 1 => {
                let lines = blocks.pop().map_or(Lines::Nil, Lines::Inline);
                self.add_event(&mut group, report_event(head, lines), context, signing)?
            }
            Decision::Report { head, blocks } => {
                let lines = self.add_parts(&mut group, blocks, context, signing)?;
                self.add_event(&mut group, report_event(head, lines), context, signing)?
            }
            decision @ Decision::Event(_) => {
                let Decision::Event(event) = decision.clone() else { return Err(unwritable()) };
                let sealed = self.sealed(event, context, signing.nonce)?;
                self.admit_new(&sealed)?;
                decide::admit(&self.state, &decision, context)?;
                self.add(&mut group, sealed, context, signing)?
            }
        };
        let Drafting { frames, records, signed } = group;
        Ok(Group { first_seq, frames, records, signed, fact })
    }

    fn sealed(&self, event: Event, context: &Context, nonce: [u8; 16]) -> Result<Sealed, Problem> {
        seal(ledger_id(&self.state), &context.author, nonce, event)
    }

    /// The content is not on the log already.
    fn admit_new(&self, sealed: &Sealed) -> Result<(), Problem> {
        match self.state.content(&sealed.content) {
            Some((seq, id)) => Err(decide::repeat(seq, id)),
            None => Ok(()),
        }
    }

    fn add_event(
        &mut self,
        group: &mut Drafting,
        event: Event,
        context: &Context,
        signing: &Signing<'_>,
    ) -> Result<Fact, Problem> {
        let sealed = self.sealed(event, context, signing.nonce)?;
        self.admit_new(&sealed)?;
        decide::admit_time(&self.state, context)?;
        self.add(group, sealed, context, signing)
    }

    /// Writes the blocks of a large report as parts. Their nonces follow from that of the report.
    fn add_parts(
        &mut self,
        group: &mut Drafting,
        blocks: Vec<LineBlock>,
        context: &Context,
        signing: &Signing<'_>,
    ) -> Result<Lines, Problem> {
        let (mut parts, mut payloads) = (Vec::new(), Vec::new());
        let mut sums = UsageSums::default();
        for (index, block) in (0u32..).zip(blocks) {
            block.add_to(&mut sums);
            let mut hasher = Domain::PartNonce.hasher();
            hasher.update(&signing.nonce).update(&index.to_le_bytes());
            let mut nonce = [0; 16];
            nonce.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
            let part = Event::UsagePart(UsagePart { index, block });
            let sealed = self.sealed(part, context, nonce)?;
            parts.push(sealed.id);
            payloads.push(sealed.payload_digest);
            self.add(group, sealed, context, signing)?;
        }
        Ok(Lines::Parts(PartsIndex {
            parts,
            lines: sums.lines(),
            digest: lines_digest(payloads.iter().map(|digest| &digest.0)),
            gross: gross_totals(&sums)?,
        }))
    }

    /// Places, signs and applies a sealed event.
    fn add(
        &mut self,
        group: &mut Drafting,
        sealed: Sealed,
        context: &Context,
        signing: &Signing<'_>,
    ) -> Result<Fact, Problem> {
        let level = match (&sealed.event, self.state.agreement()) {
            (Event::LedgerOpened(version), _) => version.level,
            (_, agreement) => agreement.map_or(Level::LATEST, |known| known.opened_at()),
        };
        let place = RecordPlace {
            ledger: ledger_id(&self.state),
            seq: self.state.next_seq(),
            previous: self.state.head(),
            recorded_at: context.recorded_at,
            level,
        };
        let (frame, hash) = chain::write(place, &context.author, &sealed, signing.signer);
        let Sealed { event, payload_digest, content, id, .. } = sealed;
        let fact = Fact {
            seq: place.seq,
            previous: place.previous,
            hash,
            recorded_at: place.recorded_at,
            level: place.level,
            author: context.author.clone(),
            id,
            content,
            payload: payload_digest,
            event,
        };
        evolve(&mut self.state, &fact)?;
        group.frames.push(frame);
        group.records.push(Recorded { seq: fact.seq, hash, event: id, kind: fact.event.kind() });
        group.signed.push((place.previous, hash));
        Ok(fact)
    }

    fn write(&mut self, group: &Group, context: &Context) -> Result<(), Problem> {
        // Record 0 has no ledger before it; its id is its own hash.
        let ledger = ledger_id(&self.state);
        let key = context.author.key;
        if let Some((previous, hash)) = group.signed.first() {
            let signed = self.witness.signed_on(ledger, &key, *previous)?;
            if signed.iter().any(|known| known != hash) && group.first_seq > 0 {
                return Err(signed_twice(group.first_seq));
            }
        }
        let witness = &self.witness;
        let mut remember = || witness.remember_signed(ledger, &key, &group.signed);
        if let Err(problem) = self.log.append(group.first_seq, &group.frames, &mut remember) {
            let released =
                |previous: RecordHash, hash: RecordHash| group.signed.contains(&(previous, hash));
            let _ = self.witness.release_signed(ledger, &key, released);
            return Err(problem);
        }
        self.remember_head(ledger);
        Ok(())
    }

    /// Appends records of another copy, which were checked.
    pub(crate) fn append_foreign(
        &mut self,
        first_seq: u64,
        frames: &[Vec<u8>],
    ) -> Result<(), Problem> {
        self.log.append(first_seq, frames, &mut || Ok(()))
    }

    /// The state after records of another copy were appended.
    pub(crate) fn become_state(&mut self, state: State) {
        self.state = state;
        self.remember_head(ledger_id(&self.state));
    }

    fn remember_head(&mut self, ledger: LedgerId) {
        let seq = self.state.next_seq().saturating_sub(1);
        let head = RememberedHead { ledger, seq, hash: self.state.head() };
        // The folder may have been made since the memory was opened.
        if let Err(error) = self.witness.remember_head(head) {
            self.notices.push(Notice::MemoryNotWritten(error.to_string()));
        }
    }
}

/// Verifies the copy in a folder, with this machine's memory of it beside what `options` gives.
pub fn verify_folder(folder: &Path, state_folder: Option<&Path>, options: Options) -> Verdict {
    let remembered = Witness::new(state_folder, folder).head();
    verify(&DiskLog::open(folder), &Options { remembered, ..options })
}

/// Compares the copies in two folders. Errors: everything that makes a log unreadable before the
/// first difference.
pub fn diff_folders(first: &Path, second: &Path) -> Result<Diff, Problem> {
    diff(&DiskLog::open(first), &DiskLog::open(second))
}

/// A group under construction.
struct Drafting {
    frames: Vec<Vec<u8>>,
    records: Vec<Recorded>,
    signed: Vec<(RecordHash, RecordHash)>,
}

fn report_event(head: ReportHead, lines: Lines) -> Event {
    match head {
        ReportHead::Report { period, supplement } => {
            Event::UsageReported(UsageReport { period, supplement, lines })
        }
        ReportHead::Correction { corrects, reason } => {
            Event::UsageCorrected(UsageCorrection { corrects, reason, lines })
        }
    }
}

fn unwritable() -> Problem {
    Problem::new(Code::PartsBroken, "a report is written with its lines")
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

fn signed_twice(seq: u64) -> Problem {
    Problem::new(
        Code::Equivocation,
        format!("this key has signed another record {seq} on the same head, in another copy or before a rollback"),
    )
    .hint("a key writes in one copy only: go on in that copy, or pull from it first")
    .at_record(seq)
}
