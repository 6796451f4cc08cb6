//! Verification: bytes in, findings out. It trusts nobody: it starts from segment bytes and public
//! keys, needs no database, computes everything again, reports all that it finds, and says what it
//! did not check.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of records that were read: no disk holds 2^64"
)]

mod comparison;
pub mod examine;
pub mod roots;
pub mod verdict;

use crate::acknowledgement::SignedAcknowledgement;
use crate::checkpoint::Checkpoint;
use crate::checkpoint::Fingerprints;
use crate::checkpoint::VerifiedAt;
use crate::event::Event;
use crate::evolve;
use crate::evolve::statement_size::is_too_long;
use crate::limits::CLOCK_AHEAD_MICROS_MAX;
use crate::machine::RememberedHead;
use crate::replay::ledger_id;
use crate::replay::nothing_recorded;
use crate::replay::period_length;
use crate::state::State;
use crate::state::root::state_root;
use crate::state::root::version_of;
use crate::store::Batch;
use crate::store::Ending;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::verify::examine::Examined;
use crate::verify::examine::SaidInRecord;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Timestamp;
use crate::vocab::to_u64;

pub use roots::RecordRoot;
pub use roots::RootObserver;
pub use verdict::Before;
pub use verdict::Finding;
pub use verdict::Layer;
pub use verdict::SinceVerified;
pub use verdict::Verdict;

/// What the verifier was given besides the log.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys that the user knows from elsewhere, by party.
    pub keys: Vec<(Id, PublicKey)>,
    /// Acknowledgements that the user has from elsewhere.
    pub against: Vec<SignedAcknowledgement>,
    /// The local clock, to report records from the future.
    pub now: Option<Timestamp>,
    /// The head that this machine remembers for this copy.
    pub remembered: Option<RememberedHead>,
    /// Receives the state root after every record.
    pub roots: Option<RootObserver>,
}

/// Resume point: where a verification of what is new begins.
#[derive(Debug)]
pub struct ResumePoint {
    /// The checkpoint; the log begins as it says.
    pub checkpoint: Checkpoint,
    /// When the records before it were verified.
    pub verified: VerifiedAt,
    /// The state there.
    pub state: State,
}

/// Verifies a log. Damage and false statements are findings of the verdict, never errors.
pub fn verify(source: &dyn SegmentSource, options: &Options) -> Verdict {
    verify_since(source, options, None).0
}

/// Likewise, from a resume point if one is given. Returns the state after the last record, too, and
/// if the verdict is valid the fingerprints for a checkpoint there.
pub fn verify_since(
    source: &dyn SegmentSource,
    options: &Options,
    resume: Option<ResumePoint>,
) -> (Verdict, State, Option<Fingerprints>) {
    let mut verifier = Verifier::new(options);
    if let Some(resume) = resume {
        verifier.begin(resume);
    }
    if let Err(problem) = verifier.read(source) {
        verifier.verdict.unreadable = verifier.records == 0;
        verifier.find(None, Layer::Chain, problem);
    }
    verifier.conclude()
}

/// So many bytes take longer to read than stated periods to rate.
const MUCH: u64 = 1 << 20;

/// Frames that are examined at once at least, where there are so many.
const SHARE_MIN: usize = 128;

/// What of a share is examined at once where nothing is behind it: judging the last share is done when
/// there is nothing left to examine meanwhile, so that it should be small.
fn near_the_end(share: usize) -> usize {
    (share / 2).max(SHARE_MIN).min(share)
}

struct Verifier<'o> {
    options: &'o Options,
    verdict: Verdict,
    state: State,
    /// Whether the state is known: no record before this one was damaged.
    state_known: bool,
    /// Records seen.
    records: u64,
    /// Hash and number of the last record, as stored; `None` behind a gap.
    last: Option<(u64, RecordHash)>,
    last_time: Timestamp,
    /// Head before the parts of a report that no event has closed yet.
    before_parts: Option<(u64, RecordHash)>,
    /// Roots at the heads that acknowledgements from elsewhere name.
    roots: Vec<(u64, RecordHash, (u16, StateRoot))>,
    remembered: Option<RecordHash>,
    /// Bytes of an unfinished append.
    left_over: u64,
    /// Where the record behind the last one that was applied begins, or will.
    place: (u32, u64),
    fingerprints: Fingerprints,
}

impl<'o> Verifier<'o> {
    fn new(options: &'o Options) -> Verifier<'o> {
        Verifier {
            options,
            verdict: Verdict::default(),
            state: State::default(),
            state_known: true,
            records: 0,
            last: None,
            last_time: Timestamp::default(),
            before_parts: None,
            roots: Vec::new(),
            remembered: None,
            left_over: 0,
            place: (0, 0),
            fingerprints: Fingerprints::default(),
        }
    }

    /// Begins behind records that were verified before.
    fn begin(&mut self, resume: ResumePoint) {
        let ResumePoint { checkpoint, verified, state } = resume;
        self.fingerprints = Fingerprints::behind(&checkpoint);
        let Checkpoint { ledger, records, head, position, .. } = checkpoint;
        let VerifiedAt { at, complete_records, complete_at } = verified;
        let complete = (complete_records, complete_at);
        self.verdict.since = SinceVerified::From(Before { records, head, at, complete });
        self.verdict.ledger = Some(ledger);
        self.last_time = state.recorded_at();
        self.state = state;
        (self.records, self.place) = (records, position);
        let last = records.saturating_sub(1);
        self.last = Some((last, head));
        self.note_head(last, Some(head));
    }

    fn find(&mut self, seq: Option<u64>, layer: Layer, problem: Problem) {
        self.verdict.findings.push(Finding { seq, layer, problem });
    }

    fn read(&mut self, source: &dyn SegmentSource) -> Result<(), Problem> {
        let mut reader = match self.records {
            0 => Reader::new(source)?,
            records => Reader::from_place(source, self.place, Some(records))?,
        };
        loop {
            self.read_whole(&mut reader)?;
            match reader.ending().cloned() {
                Some(Ending::Damaged { problem, resume }) => {
                    let seq = self.last.map_or(0, |(seq, _)| seq.saturating_add(1));
                    self.find(Some(seq), Layer::Chain, *problem);
                    self.lose_state(seq);
                    self.last = None;
                    let Some(place) = resume else { return Ok(()) };
                    reader.resume(place);
                }
                Some(Ending::Unfinished(tail)) => {
                    self.unfinished(tail.len);
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    /// Examines and judges whole records up to an ending. Records are examined in parallel, while
    /// those before them are judged in order and what follows is read.
    fn read_whole(&mut self, reader: &mut Reader<'_>) -> Result<(), Problem> {
        let (mut batch, mut next) = (Batch::default(), Batch::default());
        let mut waiting = Vec::new();
        let end = reader.end();
        let mut fingerprints = std::mem::take(&mut self.fingerprints);
        let mut more = match reader.left() < MUCH {
            true => reader.next_batch(&mut batch),
            // Of a state that was restored the stated periods are not rated, and the next statement
            // follows on them.
            false => {
                let rate = || self.state.rate_stated();
                rayon::join(|| reader.next_batch(&mut batch), rate).0
            }
        }?;
        while more {
            let mut from = 0;
            let mut read = Ok(false);
            while from < batch.len() {
                // Record 0 says how long periods are: what follows it is examined when it is known.
                let is_known = self.state.agreement().is_some();
                let to = match is_known {
                    true if reader.left() == 0 => {
                        from + near_the_end(batch.end_of_share(from) - from)
                    }
                    true => batch.end_of_share(from),
                    false => from + 1,
                };
                let length = period_length(&self.state);
                let examine = || {
                    let examine = || examine::examine_all(&batch, from..to, length, end);
                    rayon::join(examine, || fingerprints.add_frames(&batch, from..to)).0
                };
                let is_last = to == batch.len();
                let judge = || {
                    self.judge_all(std::mem::take(&mut waiting));
                    if is_last {
                        read = reader.next_batch(&mut next);
                    }
                };
                let (examined, ()) = rayon::join(examine, judge);
                // Terms cannot change the length of periods; if they ever do, nothing is judged by
                // the old one.
                waiting = match period_length(&self.state) == length {
                    true => examined,
                    false => {
                        examine::examine_all(&batch, from..to, period_length(&self.state), end)
                    }
                };
                if !is_known {
                    self.judge_all(std::mem::take(&mut waiting));
                }
                from = to;
            }
            std::mem::swap(&mut batch, &mut next);
            more = match read {
                Ok(more) => more,
                Err(problem) => {
                    self.judge_all(waiting);
                    return Err(problem);
                }
            };
        }
        self.judge_all(waiting);
        self.fingerprints = fingerprints;
        Ok(())
    }

    fn judge_all(&mut self, examined: Vec<Option<Examined>>) {
        examined.into_iter().flatten().for_each(|one| self.judge(one));
    }

    /// Holds one record against the records before it.
    fn judge(&mut self, examined: Examined) {
        let Examined { seq, place, stored_hash, chain, authors, said, is_torn, at } = examined;
        let expected = self.last.map(|(seq, hash)| (seq.saturating_add(1), hash));
        // The first record of a log is record 0, unless what stood before it was damaged.
        let is_first = self.records == 0 && self.state_known;
        let named = expected.map_or(if is_first { 0 } else { seq }, |(next, _)| next);
        let damaged = !chain.is_empty();
        // What was never written whole was not said to be recorded, unless this machine remembers
        // otherwise.
        if is_torn && seq == named && !self.is_remembered(seq) {
            self.left_over = at.map_or(0, |at| to_u64(at.len));
            self.verdict.notices.push(format!(
                "record {seq} was never written whole (a torn append); it does not count"
            ));
            return;
        }
        for problem in chain {
            self.find(Some(named), Layer::Chain, problem);
        }
        if let Some(place) = place {
            if self.records == 0 || expected.is_some() {
                let (next, previous) = expected.unwrap_or_default();
                let ledger = match self.state_known {
                    true => ledger_id(&self.state),
                    false => self.verdict.ledger.unwrap_or_default(),
                };
                if let Err(problem) = place.check_follows(ledger, next, previous) {
                    self.find(Some(named), Layer::Chain, problem);
                    self.lose_state(named);
                }
            }
            if place.recorded_at < self.last_time {
                let problem = evolve::time_before(self.last_time, place.recorded_at);
                self.find(Some(named), Layer::Chain, problem);
            }
            self.last_time = self.last_time.max(place.recorded_at);
            self.note_clock(named, place.recorded_at);
        }
        for problem in authors {
            self.find(Some(named), Layer::Authors, problem);
        }
        self.records += 1;
        self.last = stored_hash.map(|hash| (seq, hash));
        if named == 0 && self.verdict.ledger.is_none() {
            self.verdict.ledger = stored_hash.map(|hash| crate::vocab::LedgerId(hash.0));
        }
        match said {
            Some(said) if !damaged && self.state_known => {
                if let Some(at) = at {
                    self.place = (at.segment, at.end());
                }
                self.apply(said);
            }
            _ => self.lose_state(named),
        }
        self.note_head(named, stored_hash);
        self.note_root(named, stored_hash);
    }

    /// Hands out the state root after a record. Behind a finding there is none: what a state is
    /// after a record that should not be there, the format does not say.
    fn note_root(&mut self, seq: u64, hash: Option<RecordHash>) {
        let options = self.options;
        let Some((observer, hash)) = options.roots.as_ref().zip(hash) else { return };
        if self.state_known && self.verdict.findings.is_empty() {
            let version = version_of(&self.state);
            match state_root(&self.state) {
                Ok(root) => observer.receive(RecordRoot { seq, hash, version, root }),
                Err(out_of_bounds) => {
                    self.find(Some(seq), Layer::Arithmetic, out_of_bounds.into());
                }
            }
        }
    }

    /// From this record on, nothing that depends on the state can be checked.
    fn lose_state(&mut self, seq: u64) {
        if self.state_known {
            self.state_known = false;
            self.verdict.state_lost_at = Some(seq);
        }
    }

    fn note_clock(&mut self, seq: u64, at: Timestamp) {
        let ahead =
            |now: &Timestamp| at.micros() > now.micros().saturating_add(CLOCK_AHEAD_MICROS_MAX);
        if self.options.now.as_ref().is_some_and(ahead) {
            let notice =
                format!("record {seq} says {at}, more than 10 minutes ahead of this clock");
            self.verdict.notices.push(notice);
        }
    }

    fn note_head(&mut self, seq: u64, hash: Option<RecordHash>) {
        let Some(hash) = hash else { return };
        if self.options.remembered.is_some_and(|head| head.seq == seq) {
            self.remembered = Some(hash);
        }
        let wanted = self.options.against.iter().any(|signed| signed.said.seq == seq);
        if wanted && self.state_known {
            match state_root(&self.state) {
                Ok(root) => self.roots.push((seq, hash, (version_of(&self.state), root))),
                Err(out_of_bounds) => {
                    self.find(Some(seq), Layer::Arithmetic, out_of_bounds.into());
                }
            }
        }
    }

    /// Applies a fact, with everything it says that is not so.
    fn apply(&mut self, SaidInRecord { mut fact, sums }: SaidInRecord) {
        let head = (self.state.next_seq(), self.state.head());
        // A time that runs backwards was reported with the chain; the rest is judged all the same.
        fact.recorded_at = fact.recorded_at.max(self.state.recorded_at());
        let fact = &fact;
        let judged = match &fact.event {
            Event::StatementIssued(issued) => evolve::judge_statement(&self.state, fact, issued)
                .map(|(findings, judged)| {
                    for problem in findings {
                        self.find(Some(fact.seq), Layer::Arithmetic, problem);
                    }
                    judged
                }),
            _ => evolve::judge(&self.state, fact, sums),
        };
        match judged {
            Ok(judged) => evolve::apply(&mut self.state, judged),
            Err(problem) => {
                let layer = Layer::of(problem.code);
                let opened = self.state.agreement().is_some();
                self.find(Some(fact.seq), layer, problem.at_record(fact.seq));
                evolve::apply(&mut self.state, evolve::Judged::refused(fact));
                if !opened {
                    self.lose_state(fact.seq);
                }
            }
        }
        self.before_parts = match self.state.open_parts().is_empty() {
            true => None,
            false => self.before_parts.or(Some(head)),
        };
    }

    /// Whether this machine remembers that a record was recorded.
    fn is_remembered(&self, seq: u64) -> bool {
        let is_of_this = |ledger| self.verdict.ledger.is_none_or(|own| own == ledger);
        self.options.remembered.is_some_and(|head| head.seq >= seq && is_of_this(head.ledger))
    }

    fn unfinished(&mut self, bytes: u64) {
        let records = self.last.map_or(0, |(seq, _)| seq.saturating_add(1));
        if self.is_remembered(records) {
            let problem = Problem::new(
                Code::Truncated,
                format!(
                    "record {records} was recorded here, but only {bytes} bytes of it are left"
                ),
            )
            .hint("the file was cut after it was written: restore it from another copy");
            self.find(Some(records), Layer::Chain, problem);
            return;
        }
        self.left_over = bytes;
        self.verdict.notices.push(format!(
            "{bytes} bytes behind the last whole record belong to an append that was never finished; they do not count"
        ));
    }

    fn conclude(mut self) -> (Verdict, State, Option<Fingerprints>) {
        if self.records == 0 && self.verdict.findings.is_empty() {
            self.find(Some(0), Layer::Chain, nothing_recorded(self.left_over));
        }
        if let Some((next_seq, _)) = self.before_parts {
            self.verdict.notices.push(format!(
                "records from {next_seq} on are parts of a report that was never finished; they do not count"
            ));
            self.records = next_seq;
        }
        let head = match self.before_parts {
            Some((next, hash)) => Some((next.saturating_sub(1), hash)),
            None if self.state_known && self.records > 0 => {
                Some((self.state.next_seq().saturating_sub(1), self.state.head()))
            }
            None => self.last,
        };
        self.verdict.events = self.records;
        self.verdict.head = head;
        if self.state_known && self.state.agreement().is_some() {
            match state_root(&self.state) {
                Ok(root) => self.verdict.state_root = Some(root),
                Err(out_of_bounds) => self.find(None, Layer::Arithmetic, out_of_bounds.into()),
            }
        }
        if let Some(agreement) = self.state.agreement() {
            if is_too_long(agreement) {
                self.verdict.notices.push(format!(
                    "the next statement may be longer than a record can be: it could name {} \
                     events for {} stated periods",
                    agreement.effects().len(),
                    agreement.statements().len()
                ));
            }
            let acknowledged = agreement.acknowledged().iter();
            self.verdict.acknowledged =
                acknowledged.map(|(party, one)| (party.clone(), one.head_seq)).collect();
        }
        self.verdict.price_findings = verdict::price_findings(&self.verdict, &self.state);
        self.compare_keys();
        self.compare_acknowledgements();
        self.compare_memory();
        verdict::say_unchecked(&mut self.verdict, self.options);
        let is_valid = self.verdict.is_valid() && self.state_known;
        let is_settled = self.state.open_parts().is_empty();
        // Behind the last record may be one that was never written whole, and will be cut.
        let ends_there = self.fingerprints.position() == self.place;
        let fingerprints = Some(self.fingerprints);
        let fingerprints = fingerprints.filter(|_| is_valid && is_settled && ends_there);
        (self.verdict, self.state, fingerprints)
    }
}
