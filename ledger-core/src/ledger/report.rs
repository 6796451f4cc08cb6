//! A report that is written while its file is still being read: its parts go to a draft that no
//! reader sees, and it is recorded as one group when everything in it was judged.

use crate::command::Command;
use crate::decide;
use crate::decide::Context;
use crate::decide::Decision;
use crate::decide::ReportHead;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Lines;
use crate::event::PartsIndex;
use crate::event::UsageCorrection;
use crate::event::UsagePart;
use crate::event::UsageReport;
use crate::evolve::usage::gross_totals;
use crate::evolve::usage::lines_digest;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::Outcome;
use crate::ledger::Recorded;
use crate::ledger::Signing;
use crate::ledger::progress::WrittenRecord;
use crate::ledger::writing::Applied;
use crate::ledger::writing::Group;
use crate::ledger::writing::admit_signer;
use crate::ledger::writing::signed_record;
use crate::state::State;
use crate::store::disk::Draft;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::OutOfBounds;
use crate::vocab::Problem;
use crate::vocab::digest::Domain;
use crate::wire::block;

/// A block of usage lines with what a record of it takes: made of it on any thread.
#[derive(Debug)]
pub struct PreparedBlock {
    block: LineBlock,
    /// Its canonical bytes.
    bytes: Vec<u8>,
    /// The exact sums of its lines.
    sums: UsageSums,
}

impl PreparedBlock {
    /// Encodes a block, and adds its lines up.
    pub fn new(block: LineBlock) -> PreparedBlock {
        let sums = block.sums();
        PreparedBlock { bytes: block::encode(&block), block, sums }
    }
}

/// A report or correction that is being written. Dropped before [`ReportDraft::finish`], it leaves
/// nothing.
pub struct ReportDraft<'l> {
    ledger: &'l mut Ledger,
    context: &'l Context,
    signing: &'l Signing<'l>,
    mode: Mode,
    head: ReportHead,
    /// The number of the next record when it was begun.
    before: u64,
    /// The only block so far: alone it lies in the event itself.
    only: Option<PreparedBlock>,
    parts: Vec<EventId>,
    payloads: Vec<Digest>,
    records: Vec<Recorded>,
    signed: Vec<WrittenRecord>,
    /// Where the parts go, unless it is a dry run.
    draft: Option<Draft>,
    finished: bool,
}

impl Ledger {
    /// Begins a report or correction; its lines are those of the command, and those that are added.
    /// Errors: those of [`Ledger::submit`]; [`Code::PartsBroken`] for another command.
    pub fn begin_report<'l>(
        &'l mut self,
        command: Command,
        context: &'l Context,
        signing: &'l Signing<'l>,
        mode: Mode,
    ) -> Result<ReportDraft<'l>, Problem> {
        self.admit_certain()?;
        admit_signer(&context.author, signing.signer)?;
        let decision = decide::propose(self.state(), command, &context.author)?;
        let Decision::Report { head, blocks } = decision else {
            return Err(Problem::new(Code::PartsBroken, "only a report is written line by line")
                .hint("submit the command"));
        };
        self.begin_blocks((head, blocks), context, signing, mode)
    }

    pub(super) fn begin_blocks<'l>(
        &'l mut self,
        (head, blocks): (ReportHead, Vec<LineBlock>),
        context: &'l Context,
        signing: &'l Signing<'l>,
        mode: Mode,
    ) -> Result<ReportDraft<'l>, Problem> {
        let before = self.state().next_seq();
        let mut report = ReportDraft {
            ledger: self,
            context,
            signing,
            mode,
            head,
            before,
            only: None,
            parts: Vec::new(),
            payloads: Vec::new(),
            records: Vec::new(),
            signed: Vec::new(),
            draft: None,
            finished: false,
        };
        blocks.into_iter().try_for_each(|block| report.add(PreparedBlock::new(block)))?;
        Ok(report)
    }
}

impl ReportDraft<'_> {
    /// The state before the report.
    pub fn state(&self) -> &State {
        self.ledger.state()
    }

    /// The exact sums of the lines so far.
    pub fn sums(&self) -> &UsageSums {
        match &self.only {
            Some(only) => &only.sums,
            None => self.ledger.state().open_usage(),
        }
    }

    /// Adds lines. Errors: the ledger's rules; [`Code::DiskFull`], [`Code::DiskWrite`],
    /// [`Code::Reopen`].
    pub fn add(&mut self, block: PreparedBlock) -> Result<(), Problem> {
        let Some(first) = self.only.take() else {
            if self.parts.is_empty() {
                self.only = Some(block);
                return Ok(());
            }
            return self.add_part(block);
        };
        self.add_part(first)?;
        self.add_part(block)
    }

    /// A part's nonce follows from that of the report.
    fn add_part(&mut self, lines: PreparedBlock) -> Result<(), Problem> {
        let index = u32::try_from(self.parts.len()).map_err(|_| OutOfBounds)?;
        let mut hasher = Domain::PartNonce.hasher();
        hasher.update(&self.signing.nonce).update(&index.to_le_bytes());
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        let PreparedBlock { block, bytes, sums } = lines;
        let part = Event::UsagePart(UsagePart { index, block });
        let sealed = self.ledger.sealed(part, Some(&bytes), self.context, nonce)?;
        self.parts.push(sealed.id);
        self.payloads.push(sealed.payload_digest);
        let applied = self.ledger.place(sealed, Some(sums), self.context)?;
        self.keep(applied).map(|_| ())
    }

    /// Signs and keeps a record that was applied.
    fn keep(&mut self, Applied { record, fact }: Applied) -> Result<Fact, Problem> {
        if self.mode == Mode::Record {
            let draft = match self.draft.take() {
                Some(draft) => draft,
                None => self.ledger.draft(self.before)?,
            };
            let frame = record.sign(self.signing.signer);
            self.draft.insert(draft).push(&frame)?;
            self.signed.push(signed_record(fact.previous, fact.hash, &frame));
        }
        self.records.push(Recorded::of(&fact));
        Ok(fact)
    }

    /// Records the report. On `Err`, nothing was recorded, but for [`Code::Reopen`]. Errors: those of
    /// [`Ledger::submit`].
    pub fn finish(mut self) -> Result<Outcome, Problem> {
        let (lines, bytes, sums) = match self.only.take() {
            Some(PreparedBlock { block, bytes, sums }) => {
                (Lines::Inline(block), Some(bytes), Some(sums))
            }
            None if self.parts.is_empty() => (Lines::Nil, None, None),
            None => {
                let parts = std::mem::take(&mut self.parts);
                let digest = lines_digest(self.payloads.iter().map(|digest| &digest.0));
                let sums = self.sums();
                let (lines, gross) = (sums.lines(), gross_totals(sums)?);
                let index = PartsIndex { parts, lines, digest, gross };
                (Lines::Parts(index), None, None)
            }
        };
        let event = match self.head.clone() {
            ReportHead::Report { period, supplement } => {
                Event::UsageReported(UsageReport { period, supplement, lines })
            }
            ReportHead::Correction { corrects, reason } => {
                Event::UsageCorrected(UsageCorrection { corrects, reason, lines })
            }
        };
        let (context, signing) = (self.context, self.signing);
        let sealed = self.ledger.sealed(event, bytes.as_deref(), context, signing.nonce)?;
        self.ledger.admit_new(&sealed, context)?;
        decide::admit_time(self.ledger.state(), context)?;
        let applied = self.ledger.place(sealed, sums, context)?;
        let (fact, frames) = match self.records.is_empty() {
            // A record by itself is appended, not drafted.
            true => {
                let Applied { record, fact } = applied;
                self.records.push(Recorded::of(&fact));
                let frame = record.sign(signing.signer);
                self.signed.push(signed_record(fact.previous, fact.hash, &frame));
                (fact, vec![frame])
            }
            false => (self.keep(applied)?, Vec::new()),
        };
        let records = std::mem::take(&mut self.records);
        if self.mode == Mode::Record {
            let signed = std::mem::take(&mut self.signed);
            let group = Group { first_seq: self.before, frames, draft: self.draft.take(), signed };
            self.ledger.write(group, context.author.key)?;
            self.finished = true;
        }
        Ok(Outcome { records, fact })
    }
}

impl Drop for ReportDraft<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.ledger.restore(self.before);
        }
    }
}
