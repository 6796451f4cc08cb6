//! A snapshot in a file, with how far the log is known by it. The file may be cut, old or another's:
//! both parts are bound by digests, and a file that does not fit is none.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::index::PROJECTION_VERSION;
use crate::index::SaidLog;
use crate::index::sled_index;
use crate::index::snapshot;
use crate::index::snapshot::Parts;
use crate::prefix::Known;
use crate::prefix::KnownSegment;
use crate::state::State;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;
use crate::wire::codec;

const MAGIC: &[u8; 8] = b"rvs-know";
/// What stands before the row: magic, its length, its digest.
const LEAD_LEN: usize = 8 + 8 + 32;

#[derive(Serialize, Deserialize)]
struct Row {
    version: u32,
    /// Another release may judge otherwise.
    program: String,
    ledger: [u8; 32],
    records: u64,
    head: [u8; 32],
    place: (u32, u64),
    at: i64,
    complete: (u64, i64),
    segments: Vec<(String, Option<[u8; 32]>)>,
    snapshot: [u8; 32],
}

/// What such a file holds; the snapshot is not looked at yet.
#[derive(Clone, Debug)]
pub struct KnownFile {
    /// How far the log is known.
    pub known: Known,
    bytes: Arc<Vec<u8>>,
    snapshot_from: usize,
}

/// The bytes of a file, in parts.
#[derive(Debug)]
pub struct KnownBytes<'s> {
    lead: Vec<u8>,
    snapshot: Parts<'s>,
}

impl KnownBytes<'_> {
    /// One after another.
    pub fn parts(&self) -> Vec<&[u8]> {
        let lead = std::iter::once(&self.lead[..]);
        lead.chain(self.snapshot.all()).collect()
    }
}

/// The bytes of a file. The digest of the snapshot is set here.
pub fn write<'s>(known: &Known, snapshot: Parts<'s>) -> Option<KnownBytes<'s>> {
    let segments = known.segments.iter();
    let digest = Domain::Index.digest_of(|hasher| {
        for part in snapshot.all() {
            hasher.update(part);
        }
    });
    let row = Row {
        version: PROJECTION_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        ledger: *known.ledger.bytes(),
        records: known.records,
        head: *known.head.bytes(),
        place: known.place,
        at: known.at.micros(),
        complete: (known.complete.0, known.complete.1.micros()),
        segments: segments.map(|one| (one.stamp.clone(), one.signatures.map(|d| d.0))).collect(),
        snapshot: digest.0,
    };
    let row = codec::encode_cache(&row)?;
    let mut lead = Vec::with_capacity(LEAD_LEN + row.len());
    lead.extend_from_slice(MAGIC);
    lead.extend_from_slice(&(row.len() as u64).to_le_bytes());
    lead.extend_from_slice(&Domain::Index.digest(&row).0);
    lead.extend_from_slice(&row);
    Some(KnownBytes { lead, snapshot })
}

/// Length and digest of the row that follows on a lead.
fn lead(bytes: &[u8; LEAD_LEN]) -> Option<(usize, Digest)> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (len, digest) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    (magic == MAGIC).then_some((len, Digest(*digest.first_chunk()?)))
}

fn row(bytes: &[u8], digest: Digest) -> Option<Known> {
    if Domain::Index.digest(bytes) != digest {
        return None;
    }
    let row: Row = codec::decode_cache(bytes)?;
    if row.version != PROJECTION_VERSION || row.program != env!("CARGO_PKG_VERSION") {
        return None;
    }
    let segment = |(stamp, signatures): (String, Option<[u8; 32]>)| KnownSegment {
        stamp,
        signatures: signatures.map(Digest),
    };
    Some(Known {
        ledger: LedgerId::from_bytes(row.ledger),
        records: row.records,
        head: RecordHash::from_bytes(row.head),
        place: row.place,
        at: Timestamp::from_micros(row.at)?,
        complete: (row.complete.0, Timestamp::from_micros(row.complete.1)?),
        segments: row.segments.into_iter().map(segment).collect(),
        snapshot: Digest(row.snapshot),
    })
}

/// How far a log is known by a file of which `part` reads so many bytes from an offset: without
/// reading its snapshot.
pub fn how_far(part: impl Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Known> {
    let (len, digest) = lead(part(0, LEAD_LEN)?.first_chunk()?)?;
    row(&part(LEAD_LEN as u64, len)?, digest)
}

/// Reads a file; `None` if it is none, or one of another release.
pub fn read(bytes: Vec<u8>) -> Option<KnownFile> {
    let (start, rest) = bytes.split_first_chunk::<LEAD_LEN>()?;
    let (len, digest) = lead(start)?;
    let known = row(rest.get(..len)?, digest)?;
    Some(KnownFile { known, bytes: Arc::new(bytes), snapshot_from: LEAD_LEN + len })
}

impl KnownFile {
    /// The state, and what was said on the way to it; `None` if the snapshot is not the one that is
    /// known, or not of this state.
    pub fn state(&self) -> Option<(State, SaidLog)> {
        let bytes = self.bytes.get(self.snapshot_from..)?;
        if Domain::Index.digest(bytes) != self.known.snapshot {
            return None;
        }
        let (state, said) = snapshot::read(&self.bytes, self.snapshot_from)?;
        let ledger = state.agreement()?.ledger();
        let of_these = (ledger, state.next_seq(), state.head());
        let Known { ledger, records, head, .. } = self.known;
        (of_these == (ledger, records, head)).then_some((state, said))
    }
}

/// Where the index keeps its own.
fn path(ledger: &Path) -> PathBuf {
    sled_index::folder(ledger).join("state")
}

/// The file of the index of a ledger.
pub fn of_index(ledger: &Path) -> Option<KnownFile> {
    read(fs::read(path(ledger)).ok()?)
}

/// Writes the file of the index, whole or not at all. False if that failed.
pub fn keep_in_index(ledger: &Path, parts: &[&[u8]]) -> bool {
    let path = path(ledger);
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(ledger))?;
        let mut file = fs::File::create(&draft)?;
        parts.iter().try_for_each(|part| file.write_all(part))?;
        fs::rename(&draft, &path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft))).is_ok()
}

/// Removes the file of the index.
pub fn forget_in_index(ledger: &Path) {
    let _ = fs::remove_file(path(ledger));
}
