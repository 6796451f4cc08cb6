//! Writing: decide, seal, judge, sign, append, sync, in this order.

use crate::chain;
use crate::chain::Place as RecordPlace;
use crate::chain::Signer;
use crate::chain::UnsignedRecord;
use crate::command::Command;
use crate::decide;
use crate::decide::Context;
use crate::decide::Decision;
use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::apply;
use crate::evolve::judge;
use crate::evolve::statement_size::NextStatement;
use crate::evolve::sums_of;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::Notice;
use crate::ledger::Outcome;
use crate::ledger::Recorded;
use crate::ledger::Signing;
use crate::ledger::progress::WrittenRecord;
use crate::machine::RememberedHead;
use crate::machine::signatures::Signed;
use crate::replay::Signatures;
use crate::replay::ledger_id;
use crate::replay::replay;
use crate::state::State;
use crate::store::SegmentSource;
use crate::store::disk::Draft;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::wire::event::Sealed;
use crate::wire::event::seal_encoded;

/// A group of records, ready to be recorded.
pub(super) struct Group {
    pub(super) first_seq: u64,
    /// The records that are not in the draft.
    pub(super) frames: Vec<Vec<u8>>,
    /// Records that were written already.
    pub(super) draft: Option<Draft>,
    /// What was signed, record by record.
    pub(super) signed: Vec<WrittenRecord>,
}

/// A record that was applied and is not signed yet.
pub(super) struct Applied {
    pub(super) record: UnsignedRecord,
    pub(super) fact: Fact,
}

impl Ledger {
    /// Submits a command: what is decided is sealed, judged by `evolve`, signed, appended and
    /// synced, in this order. On `Err`, nothing was recorded. Errors: the ledger's rules, and
    /// [`Code::NotAParty`] for another key than the author's, [`Code::Repeat`], [`Code::Equivocation`], [`Code::DiskFull`], [`Code::DiskWrite`].
    pub fn submit(
        &mut self,
        command: Command,
        context: &Context,
        signing: &Signing<'_>,
        mode: Mode,
    ) -> Result<Outcome, Problem> {
        self.admit_certain()?;
        admit_signer(&context.author, signing.signer)?;
        let decision = decide::propose(&self.state, command, &context.author)?;
        let event = match decision {
            Decision::Report { head, blocks } => {
                return self.begin_blocks((head, blocks), context, signing, mode)?.finish();
            }
            Decision::Event(event) => event,
        };
        let before = self.state.next_seq();
        let submitted = self.submit_event(event, context, signing, mode);
        if submitted.is_err() || mode == Mode::DryRun {
            self.restore(before);
        }
        submitted
    }

    fn submit_event(
        &mut self,
        event: Event,
        context: &Context,
        signing: &Signing<'_>,
        mode: Mode,
    ) -> Result<Outcome, Problem> {
        let Applied { record, fact } = self.apply_event(event, context, signing.nonce)?;
        if mode == Mode::Record {
            let frame = record.sign(signing.signer);
            let signed = vec![signed_record(fact.previous, fact.hash, &frame)];
            let frames = vec![frame];
            let group = Group { first_seq: fact.seq, frames, draft: None, signed };
            self.write(group, context.author.key)?;
        }
        Ok(Outcome { records: vec![Recorded::of(&fact)], fact })
    }

    /// Seals, admits and applies an event.
    pub(super) fn apply_event(
        &mut self,
        event: Event,
        context: &Context,
        nonce: [u8; 16],
    ) -> Result<Applied, Problem> {
        let sealed = self.sealed(event.clone(), None, context, nonce)?;
        self.admit_new(&sealed, context)?;
        decide::admit(&self.state, &Decision::Event(event), context)?;
        self.place(sealed, None, context)
    }

    /// Errors: [`Code::Reopen`] once the disk did not confirm something.
    pub(super) fn admit_certain(&self) -> Result<(), Problem> {
        self.log.admit_certain()
    }

    /// Goes back to the state before records that were applied and not recorded. Where the log
    /// cannot be read for that, nothing more is recorded until the ledger is opened again.
    pub(super) fn restore(&mut self, next_seq: u64) {
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

    /// Seals an event; `block` are the bytes of its lines where they are known already.
    pub(super) fn sealed(
        &self,
        event: Event,
        block: Option<&[u8]>,
        context: &Context,
        nonce: [u8; 16],
    ) -> Result<Sealed, Problem> {
        seal_encoded(ledger_id(&self.state), &context.author, nonce, event, block)
    }

    /// The content is not on the log already, or has come to nothing there.
    pub(super) fn admit_new(&self, sealed: &Sealed, context: &Context) -> Result<(), Problem> {
        let known = self.state.content(&sealed.content);
        match known.filter(|(_, id)| decide::is_repeated(&self.state, id, context.recorded_at)) {
            Some((seq, id)) => Err(decide::repeat(seq, id)),
            None => Ok(()),
        }
    }

    /// Places and applies a sealed event; `sums` are those of its lines where they are known
    /// already. On `Err`, the caller goes back to the state before ([`Ledger::restore`]).
    pub(super) fn place(
        &mut self,
        sealed: Sealed,
        sums: Option<UsageSums>,
        context: &Context,
    ) -> Result<Applied, Problem> {
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
        let record = chain::write_unsigned(place, &context.author, &sealed);
        let Sealed { event, payload_digest, content, id, .. } = sealed;
        let fact = Fact {
            seq: place.seq,
            previous: place.previous,
            hash: record.hash(),
            recorded_at: place.recorded_at,
            level: place.level,
            author: context.author.clone(),
            id,
            content,
            payload: payload_digest,
            event,
        };
        let sums = sums.or_else(|| sums_of(&fact.event));
        let judged = judge(&self.state, &fact, sums)?;
        let before = NextStatement::of(&self.state);
        let kind = fact.event.kind();
        apply(&mut self.state, judged);
        let is_report = matches!(kind, Kind::UsageReported | Kind::UsageCorrected);
        before.admit_growth(&self.state, is_report)?;
        Ok(Applied { record, fact })
    }

    /// Begins a draft of a group whose first record has this number.
    pub(super) fn draft(&mut self, first_seq: u64) -> Result<Draft, Problem> {
        self.log.draft(first_seq)
    }

    /// Records a group: notes what is signed, and makes it durable.
    pub(super) fn write(&mut self, group: Group, key: PublicKey) -> Result<(), Problem> {
        // Record 0 has no ledger before it; its id is its own hash.
        let ledger = ledger_id(&self.state);
        let Group { first_seq, frames, draft, signed } = group;
        let pairs: Vec<Signed> = signed.iter().map(|one| (one.previous, one.hash)).collect();
        let signatures = &self.signatures;
        let mut note = || match signatures.sign(ledger, &key, &pairs, first_seq == 0)? {
            None => Ok(()),
            Some(_) => Err(signed_twice(first_seq)),
        };
        let recorded = match draft {
            Some(draft) => self.log.publish(draft, &mut note),
            None => self.log.append(first_seq, &frames, &mut note),
        };
        if let Err(problem) = recorded {
            match problem.code {
                // What may be on the disk may have been read by others: its signature stands.
                Code::Reopen => self.signatures.clear_pending(),
                Code::Equivocation => {}
                _ => {
                    let _ = self.signatures.release(ledger, &key, |one| pairs.contains(one));
                }
            }
            return Err(problem);
        }
        self.remember_head(ledger);
        self.add_written(&signed);
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

    /// Goes on behind records that were appended. A checkpoint only saves time: that it cannot be
    /// written is not an error.
    fn add_written(&mut self, written: &[WrittenRecord]) {
        let Some(end) = self.log.end_of_append() else { return };
        self.progress.add_written(written, end);
        if self.progress.is_worth_saving()
            && let Ok(segments) = self.log.segments()
        {
            self.progress.save(self.cache.as_ref(), &self.state, &segments);
        }
    }

    pub(super) fn remember_head(&mut self, ledger: LedgerId) {
        let seq = self.state.next_seq().saturating_sub(1);
        let head = RememberedHead { ledger, seq, hash: self.state.head() };
        // The folder may have been made since the memory was opened.
        if let Err(error) = self.heads.set(head) {
            self.notices.push(Notice::HeadNotRemembered(error.to_string()));
        }
    }
}

/// A record as it is written: its signature stands at the end of its frame.
pub(super) fn signed_record(previous: RecordHash, hash: RecordHash, frame: &[u8]) -> WrittenRecord {
    let signature = frame.last_chunk().copied().unwrap_or([0; 64]);
    WrittenRecord { previous, hash, signature, len: frame.len() }
}

/// A record names its author's key: signed with another one it would be worth nothing, and everything
/// behind it as little. Errors: [`Code::NotAParty`].
pub(super) fn admit_signer(author: &Author, signer: &Signer) -> Result<(), Problem> {
    match signer.public().is_ok_and(|key| key == author.key) {
        true => Ok(()),
        false => Err(Problem::new(
            Code::NotAParty,
            format!("the key that signs is not the one that {} is to sign with", author.party),
        )
        .hint("sign with the author's own key")),
    }
}

fn signed_twice(seq: u64) -> Problem {
    Problem::new(
        Code::Equivocation,
        format!("this key has signed another record {seq} on the same head, in another copy or before a rollback"),
    )
    .hint("a key writes in one copy only: go on in that copy, or pull from it first")
    .at_record(seq)
}
