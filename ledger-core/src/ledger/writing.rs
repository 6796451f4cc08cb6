//! Writing: decide, seal, sign, judge, append, sync, in this order.

use crate::chain;
use crate::chain::Place as RecordPlace;
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
use crate::evolve::evolve;
use crate::evolve::usage::gross_totals;
use crate::evolve::usage::lines_digest;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::Notice;
use crate::ledger::Outcome;
use crate::ledger::Recorded;
use crate::ledger::Signing;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::replay;
use crate::state::State;
use crate::store::witness::RememberedHead;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::digest::Domain;
use crate::wire::event::Sealed;
use crate::wire::event::seal;

/// A group of records, ready to be appended.
struct Group {
    first_seq: u64,
    frames: Vec<Vec<u8>>,
    records: Vec<Recorded>,
    signed: Vec<(RecordHash, RecordHash)>,
    fact: Fact,
}

/// A group under construction.
struct Drafting {
    frames: Vec<Vec<u8>>,
    records: Vec<Recorded>,
    signed: Vec<(RecordHash, RecordHash)>,
}

impl Ledger {
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
        self.log.admit_certain()?;
        let before = self.state.next_seq();
        let group = match self.prepare(command, context, signing) {
            Ok(group) => group,
            Err(problem) => {
                self.restore(before);
                return Err(problem);
            }
        };
        let outcome = Outcome { records: group.records.clone(), fact: group.fact.clone() };
        if mode == Mode::DryRun {
            self.restore(before);
            return Ok(outcome);
        }
        if let Err(problem) = self.write(&group, context) {
            self.restore(before);
            return Err(problem);
        }
        Ok(outcome)
    }

    /// Goes back to the state before records that were applied and not recorded. Where the log
    /// cannot be read for that, nothing more is recorded until the ledger is opened again.
    fn restore(&mut self, next_seq: u64) {
        if self.state.next_seq() == next_seq {
            return;
        }
        let Some(last) = next_seq.checked_sub(1) else {
            self.state = State::default();
            return;
        };
        match replay(&self.log, Some(last), Signatures::Trusted, &mut |_, _, _| {}) {
            Ok(replayed) if replayed.state.next_seq() == next_seq => self.state = replayed.state,
            _ => {
                self.log.doubt();
                self.state = State::default();
            }
        }
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
                self.admit_new(&sealed, context)?;
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

    /// The content is not on the log already, or has come to nothing there.
    fn admit_new(&self, sealed: &Sealed, context: &Context) -> Result<(), Problem> {
        let known = self.state.content(&sealed.content);
        match known.filter(|(_, id)| decide::is_repeated(&self.state, id, context.recorded_at)) {
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
        self.admit_new(&sealed, context)?;
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
            if problem.code == Code::Reopen {
                // What may be on the disk may have been read by others: its signature stands.
                self.witness.forget_pending();
            } else {
                let released = |signed: &_| group.signed.contains(signed);
                let _ = self.witness.release_signed(ledger, &key, released);
            }
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

    pub(super) fn remember_head(&mut self, ledger: LedgerId) {
        let seq = self.state.next_seq().saturating_sub(1);
        let head = RememberedHead { ledger, seq, hash: self.state.head() };
        // The folder may have been made since the memory was opened.
        if let Err(error) = self.witness.remember_head(head) {
            self.notices.push(Notice::MemoryNotWritten(error.to_string()));
        }
    }
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

fn signed_twice(seq: u64) -> Problem {
    Problem::new(
        Code::Equivocation,
        format!("this key has signed another record {seq} on the same head, in another copy or before a rollback"),
    )
    .hint("a key writes in one copy only: go on in that copy, or pull from it first")
    .at_record(seq)
}
