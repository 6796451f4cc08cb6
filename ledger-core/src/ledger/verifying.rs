//! Verifying a copy with what this machine remembers of it, and remembering what was found valid.

use std::path::Path;
use std::sync::Arc;

use crate::checkpoint::Checkpoint;
use crate::checkpoint::CheckpointLevel;
use crate::checkpoint::PrefixCheck;
use crate::checkpoint::VerifiedAt;
use crate::ledger::Ledger;
use crate::machine::CacheDir;
use crate::machine::HeadStore;
use crate::machine::Machine;
use crate::machine::RememberedHead;
use crate::replay::ledger_id;
use crate::snapshot::Snapshot;
use crate::store::DiskLog;
use crate::store::Files;
use crate::store::Segment;
use crate::store::SegmentSource;
use crate::store::files::system;
use crate::verify::Options;
use crate::verify::ResumePoint;
use crate::verify::SinceVerified;
use crate::verify::Verdict;
use crate::verify::verify_since;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Verifies the copy in a folder, with the head that this machine remembers beside what `options`
/// gives. What is found valid becomes a checkpoint.
pub fn verify_folder(folder: &Path, machine: &Machine, options: Options) -> Verdict {
    verify_copy(&system(), (folder, machine), options, false)
}

/// Likewise, but only what is new since this machine verified the copy last, if that can be told.
/// The verdict says which records that were.
pub fn verify_new(folder: &Path, machine: &Machine, options: Options) -> Verdict {
    verify_copy(&system(), (folder, machine), options, true)
}

/// Both, on other files than the system's. A machine that does not fit the folder
/// ([`Machine::admit`]) is not used.
pub fn verify_copy(
    files: &Arc<dyn Files>,
    (folder, machine): (&Path, &Machine),
    mut options: Options,
    only_new: bool,
) -> Verdict {
    let log = DiskLog::open_on(files.clone(), folder);
    let machine = match machine.admit(&**files, folder) {
        Ok(()) => machine.clone(),
        Err(_) => Machine::without_folders(),
    };
    // A head that cannot be read is one that was not given; the verdict says so.
    options.remembered = HeadStore::new(files, &machine, folder).head().ok().flatten();
    let cache = CacheDir::new(files, &machine, folder);
    // Before anything is read: a segment that is written to meanwhile counts as touched.
    let segments = log.segments().unwrap_or_default();
    let (resume, why) = match only_new {
        false => (None, None),
        true => match resume_point(&log, cache.as_ref(), &mut options) {
            Ok(resume) => (Some(resume), None),
            Err(why) => (None, Some(why)),
        },
    };
    let before = resume.as_ref().map(|resume| (resume.checkpoint.clone(), resume.verified));
    let (mut verdict, state, fingerprints) = verify_since(&log, &options, resume);
    if let Some(why) = why {
        verdict.since = SinceVerified::Everything(why);
    }
    let is_current = before.as_ref().is_some_and(|(checkpoint, _)| {
        checkpoint.is_current(&segments) && checkpoint.records == state.next_seq()
    });
    // Without a clock nothing can be said of when.
    if let (Some(fingerprints), Some(at), Some(cache)) = (fingerprints, options.now, cache)
        && !is_current
        && let Some(segments) = fingerprints.finish(&segments)
    {
        let records = state.next_seq();
        let (complete_records, complete_at) = match &before {
            Some((_, verified)) => (verified.complete_records, verified.complete_at),
            None => (records, at),
        };
        let level = CheckpointLevel::Verified(VerifiedAt { at, complete_records, complete_at });
        let (ledger, head, position) = (ledger_id(&state), state.head(), fingerprints.position());
        let checkpoint = Checkpoint { ledger, records, head, position, level, segments };
        Snapshot::write(&cache, &checkpoint, &state);
    }
    // Letting go of a million payouts takes as long as writing them, and nobody waits for it.
    rayon::spawn(move || drop(state));
    verdict
}

/// Where a verification of what is new begins; `Err` says why everything is to be verified.
fn resume_point(
    log: &DiskLog,
    cache: Option<&CacheDir>,
    options: &mut Options,
) -> Result<ResumePoint, String> {
    let none = || "this machine does not remember to have verified this copy".to_owned();
    let snapshot = cache.and_then(Snapshot::read).ok_or_else(none)?;
    let checkpoint = &snapshot.checkpoint;
    let CheckpointLevel::Verified(verified) = checkpoint.level else { return Err(none()) };
    let last = checkpoint.records.saturating_sub(1);
    let remembered = options.remembered.filter(|head| head.ledger == checkpoint.ledger);
    let matches = || checkpoint.matches(log, PrefixCheck::Stamps);
    let (matches, state) = rayon::join(matches, || snapshot.state());
    if !matches {
        // What was verified here was here: a log without it is an older one, or another.
        if remembered.is_none_or(|head| head.seq < last) {
            let (ledger, hash) = (checkpoint.ledger, checkpoint.head);
            options.remembered = Some(RememberedHead { ledger, seq: last, hash });
        }
        return Err(format!(
            "the log does not begin with the {} records that this machine verified here before",
            checkpoint.records
        ));
    }
    if remembered.is_some_and(|head| head.seq < last) {
        return Err(
            "this machine remembers an earlier record as the last one that was recorded here"
                .to_owned(),
        );
    }
    if let Some(signed) = options.against.iter().find(|signed| signed.said.seq < last) {
        return Err(format!(
            "the acknowledgement of {} names record {}, before those that are new",
            signed.author.party, signed.said.seq
        ));
    }
    let state = state.ok_or_else(none)?;
    Ok(ResumePoint { checkpoint: checkpoint.clone(), verified, state })
}

impl Ledger {
    /// Makes sure that everything up to the head is verified, signatures included, before something
    /// is signed that vouches for it. What a checkpoint of this user's says was verified is not
    /// verified again; its bytes were hashed when the ledger was opened to write, or with
    /// [`Ledger::open_hashed`]. Errors: the first finding.
    pub fn admit_verified(&mut self, now: Timestamp) -> Result<(), Problem> {
        if let CheckpointLevel::Verified(_) = self.progress.level {
            return Ok(());
        }
        let segments: Vec<Segment> = self.log.segments()?;
        let remembered = self.heads.head()?;
        let options = Options { now: Some(now), remembered, ..Options::default() };
        let (verdict, state, fingerprints) = verify_since(&self.log, &options, None);
        if let Some(finding) = verdict.findings.into_iter().next() {
            let mut problem = finding.problem;
            problem.message = format!("the log is not valid: {}", problem.message);
            problem.hint = Some("`revshare verify` lists everything that is wrong".to_owned());
            return Err(match finding.seq {
                Some(seq) => problem.at_record(seq),
                None => problem,
            });
        }
        if state.head() != self.state.head() {
            return Err(crate::ledger::changed_meanwhile(&self.folder));
        }
        if let Some(fingerprints) = fingerprints {
            self.progress.fingerprints = fingerprints;
            let (complete_records, complete_at) = (state.next_seq(), now);
            self.progress.verified(VerifiedAt { at: now, complete_records, complete_at });
            self.progress.save(self.cache.as_ref(), &self.state, &segments);
        }
        Ok(())
    }
}
