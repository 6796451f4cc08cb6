//! A state as bytes: a head with everything that is small, and runs with what is looked up
//! ([`crate::index::run`]). Runs that are files stay what they are; what is behind them becomes one
//! more.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::index::run;
use crate::index::run::Bytes;
use crate::index::run::Contents;
use crate::index::run::Run;
use crate::index::run::RunBytes;
use crate::state::Agreement;
use crate::state::Archive;
use crate::state::Archives;
use crate::state::PayoutRecord;
use crate::state::Report;
use crate::state::State;
use crate::state::stored;
use crate::state::stored::StoredSums;
use crate::vocab::EventId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::wire::codec;

/// Most distinct usage keys that a snapshot holds; beyond that the log is as fast to read.
const KEYS_MAX: usize = 1_000_000;

/// Where the rows of a report's sums lie in the run that has its record, and how many keys they have.
type Place = (u64, u64, u64);

#[derive(Serialize)]
struct Head<'s> {
    head: RecordHash,
    recorded_at: Timestamp,
    agreement: &'s Agreement,
    reports: Vec<(&'s Report, Place)>,
}

#[derive(Deserialize)]
struct OwnHead {
    head: RecordHash,
    recorded_at: Timestamp,
    agreement: Agreement,
    reports: Vec<(Report, Place)>,
}

/// The bytes of a snapshot.
#[derive(Debug)]
pub struct Snapshot {
    /// What is small.
    pub head: Vec<u8>,
    /// The run behind those that are kept; empty if there is nothing behind them.
    pub run: RunBytes,
}

impl Snapshot {
    /// The bytes of a snapshot that has its run with it, in parts.
    pub fn parts(&self) -> Vec<&[u8]> {
        std::iter::once(&*self.head).chain(self.run.parts()).collect()
    }
}

/// The bytes of a state of which the first so many archives are kept; `None` for a state that is not
/// worth a snapshot (unopened, in the middle of a report, or with very many distinct usage keys), or
/// of which something cannot be read.
pub fn write(state: &State, kept: usize) -> Option<Snapshot> {
    let agreement = state.agreement()?;
    let keys = agreement.reports().map(|report| report.usage.keys()).sum::<usize>();
    if keys > KEYS_MAX || !state.open_parts().is_empty() {
        return None;
    }
    let archives = state.archives();
    let (kept, behind) = archives.split_at_checked(kept)?;
    let first = kept.last().map_or(0, |archive| archive.records().end);
    let mut reports: Vec<&Report> = agreement.reports().collect();
    reports.sort_unstable_by_key(|report| report.seq);
    let new = reports.split_off(reports.partition_point(|report| report.seq < first));
    let of_kept = reports.iter().map(|report| {
        let rows = report.usage.stored()?.rows();
        Some((*report, (rows.start, rows.end, report.usage.keys() as u64)))
    });
    let mut placed = of_kept.collect::<Option<Vec<(&Report, Place)>>>()?;
    let mut run = RunBytes::default();
    if first < state.next_seq() {
        let changed = agreement.payouts().changed();
        // Later archives are right about what became of a payout.
        let archived = behind.iter().flat_map(|archive| archive.payouts());
        let archived = archived.filter(|record| !changed.contains_key(&record.id));
        let archived: BTreeMap<EventId, PayoutRecord> =
            archived.map(|record| (record.id, record)).collect();
        let (written, rows) = run::write(Contents {
            state,
            records: first..state.next_seq(),
            payouts: archived.values().chain(changed.values()).collect(),
            reports: &new,
            before: behind.first(),
        })?;
        run = written;
        let rows = new.iter().zip(rows).map(|(report, rows): (_, Range<u64>)| {
            (*report, (rows.start, rows.end, report.usage.keys() as u64))
        });
        placed.extend(rows);
    }
    let head =
        Head { head: state.head(), recorded_at: state.recorded_at(), agreement, reports: placed };
    let mut head = codec::encode_cache(&head)?;
    let len = (head.len() as u64).to_le_bytes();
    head.splice(0..0, len);
    // What could not be read on the way is missing.
    state.is_whole().then_some(Snapshot { head, run })
}

/// The state that a snapshot's bytes hold from an offset to their end, behind archives of the first
/// records; `None` if they hold none.
pub fn read(bytes: &Arc<Vec<u8>>, from: usize, mut archives: Archives) -> Option<State> {
    let (len, rest) = bytes.get(from..)?.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (head, rest) = rest.split_at_checked(len)?;
    if !rest.is_empty() {
        let bytes = Bytes::Memory(bytes.clone(), bytes.len() - rest.len()..bytes.len());
        archives.push(Arc::new(Run::of(bytes, None)?));
    }
    let mut next = 0;
    for archive in &archives {
        let records = archive.records();
        if records.start != next || records.is_empty() {
            return None;
        }
        next = records.end;
    }
    let OwnHead { head, recorded_at, agreement, reports } = codec::decode_cache(head)?;
    // Each report has rows of its own, in the order of the log: what is read of all of them together
    // is no more than what there is.
    let mut before = (0, 0);
    let with_sums = reports.into_iter().map(|(mut report, (start, end, keys))| {
        let found = archives.partition_point(|archive| archive.records().end <= report.seq);
        let archive: &Arc<dyn Archive> = archives.get(found)?;
        let len = end.checked_sub(start)?;
        if (found, start) < before || keys > len / stored::ROW_LEN_MIN {
            return None;
        }
        before = (found, end);
        report.usage = StoredSums::of(archive, start..end, keys).into();
        Some(report)
    });
    let reports = with_sums.collect::<Option<Vec<Report>>>()?;
    State::behind(archives, (head, recorded_at), agreement, reports)
}
