//! Many events of one author under one sync.

use rayon::prelude::*;

use crate::chain::Signer;
use crate::chain::UnsignedRecord;
use crate::command::Command;
use crate::decide;
use crate::decide::Context;
use crate::decide::Decision;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::Recorded;
use crate::ledger::progress::WrittenRecord;
use crate::ledger::writing::Applied;
use crate::ledger::writing::Group;
use crate::ledger::writing::admit_signer;
use crate::ledger::writing::signed_record;
use crate::store::disk::Draft;
use crate::vocab::Code;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;

/// Records that are signed at once, on all cores.
const BATCH_LEN: usize = 1024;

/// Why a group of commands was not recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupRefusal {
    /// The position of the command that was refused, from 0; `None` if it was none of them.
    pub position: Option<usize>,
    /// Why.
    pub problem: Box<Problem>,
}

impl GroupRefusal {
    fn of(position: Option<usize>, problem: Problem) -> GroupRefusal {
        GroupRefusal { position, problem: Box::new(problem) }
    }
}

/// A group under construction.
struct Building {
    records: Vec<Recorded>,
    signed: Vec<WrittenRecord>,
    /// Previous hash and own hash of those that are not signed yet.
    links: Vec<(RecordHash, RecordHash)>,
    /// Judged, and not signed yet.
    unsigned: Vec<UnsignedRecord>,
    /// Where signed records go, unless it is a dry run.
    draft: Option<Draft>,
    /// The key that signs; `None` before the first command.
    key: Option<PublicKey>,
}

impl Ledger {
    /// Submits commands of one author as one group: each is decided and judged on the state that
    /// those before it leave, all are signed, and they become durable together, under one sync: all
    /// of them, or none. Every command comes with 16 random bytes. Usage with lines is reported by
    /// itself. Errors: those of [`Ledger::submit`].
    pub fn submit_all(
        &mut self,
        commands: impl IntoIterator<Item = (Command, Context, [u8; 16])>,
        signer: &Signer,
        mode: Mode,
    ) -> Result<Vec<Recorded>, GroupRefusal> {
        let of_none = |problem| GroupRefusal::of(None, problem);
        self.admit_certain().map_err(of_none)?;
        let before = self.state().next_seq();
        let mut building = Building {
            records: Vec::new(),
            signed: Vec::new(),
            links: Vec::new(),
            unsigned: Vec::new(),
            draft: None,
            key: None,
        };
        let submitted = self
            .build_all(&mut building, commands, signer, mode)
            .and_then(|()| self.record_all(building, before, mode).map_err(of_none));
        if submitted.is_err() || mode == Mode::DryRun {
            self.restore(before);
        }
        submitted
    }

    fn build_all(
        &mut self,
        building: &mut Building,
        commands: impl IntoIterator<Item = (Command, Context, [u8; 16])>,
        signer: &Signer,
        mode: Mode,
    ) -> Result<(), GroupRefusal> {
        for (position, (command, context, nonce)) in commands.into_iter().enumerate() {
            let of_this = |problem| GroupRefusal::of(Some(position), problem);
            admit_signer(&context.author, signer).map_err(of_this)?;
            let decision = decide::propose(self.state(), command, &context.author);
            let event = match decision.map_err(of_this)? {
                Decision::Event(event) => event,
                Decision::Report { .. } => return Err(of_this(report_in_group())),
            };
            let Applied { record, fact } =
                self.apply_event(event, &context, nonce).map_err(of_this)?;
            building.key = Some(context.author.key);
            building.records.push(Recorded::of(&fact));
            building.links.push((fact.previous, fact.hash));
            building.unsigned.push(record);
            if building.unsigned.len() == BATCH_LEN && mode == Mode::Record {
                self.sign_all(building, signer).map_err(of_this)?;
            }
        }
        let of_none = |problem| GroupRefusal::of(None, problem);
        match mode {
            Mode::Record => self.sign_all(building, signer).map_err(of_none),
            Mode::DryRun => Ok(()),
        }
    }

    /// Signs what is not signed yet, on all cores, and adds it to the draft.
    fn sign_all(&mut self, building: &mut Building, signer: &Signer) -> Result<(), Problem> {
        let unsigned = std::mem::take(&mut building.unsigned);
        let links = std::mem::take(&mut building.links);
        let frames: Vec<Vec<u8>> =
            unsigned.into_par_iter().map(|record| record.sign(signer)).collect();
        if frames.is_empty() {
            return Ok(());
        }
        let signed = links.iter().zip(&frames);
        let signed = signed.map(|((previous, hash), frame)| signed_record(*previous, *hash, frame));
        building.signed.extend(signed);
        let draft = match building.draft.take() {
            Some(draft) => draft,
            None => {
                let first = building.records.first().map_or(0, |record| record.seq);
                self.draft(first)?
            }
        };
        let draft = building.draft.insert(draft);
        frames.iter().try_for_each(|frame| draft.push(frame))
    }

    fn record_all(
        &mut self,
        building: Building,
        first_seq: u64,
        mode: Mode,
    ) -> Result<Vec<Recorded>, Problem> {
        let Building { records, signed, draft, key, .. } = building;
        if let Some(key) = key.filter(|_| mode == Mode::Record) {
            self.write(Group { first_seq, frames: Vec::new(), draft, signed }, key)?;
        }
        Ok(records)
    }
}

fn report_in_group() -> Problem {
    Problem::new(Code::PartsBroken, "a usage report is a group of its own")
        .hint("report usage by itself; submit the other commands as a group")
}
