//! A snapshot in a file, with how far the log is known by it, and archives in files beside it. A file
//! may be cut, old or another's: all parts are bound by digests, and a file that does not fit is
//! none.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::index::PROJECTION_VERSION;
use crate::index::run::Bytes;
use crate::index::run::Run;
use crate::index::run::RunBytes;
use crate::index::snapshot;
use crate::index::snapshot::Snapshot;
use crate::prefix::Known;
use crate::prefix::KnownSegment;
use crate::prefix::Links;
use crate::prefix::Seen;
use crate::state::Archive;
use crate::state::ArchiveFile;
use crate::state::Archives;
use crate::state::State;
use crate::store::Shelf;
use crate::store::files::Files;
use crate::store::files::read_exact_at;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;
use crate::wire::codec;

const MAGIC: &[u8; 8] = b"rvs-know";
/// What stands before the row: magic, its length, its digest.
const LEAD_LEN: usize = 8 + 8 + 32;
/// A run that is longer becomes a file of its own; up to there it is written with the snapshot each
/// time.
const RUN_LEN_MAX: u64 = 256 << 10;

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
    segments: Vec<(String, Option<SeenRow>)>,
    snapshot: [u8; 32],
    /// Digest, length and stamp of each archive, in order.
    archives: Vec<([u8; 32], u64, String)>,
}

/// What was seen of a segment: a digest and, if it is one of all bytes, how its records link.
#[derive(Serialize, Deserialize)]
struct SeenRow {
    digest: [u8; 32],
    links: Option<([u8; 32], u64, [u8; 32])>,
}

impl SeenRow {
    fn of(seen: Seen) -> SeenRow {
        match seen {
            Seen::Signatures(digest) => SeenRow { digest: digest.0, links: None },
            Seen::Bytes(digest, Links { previous, last_seq, head }) => {
                let links = (*previous.bytes(), last_seq, *head.bytes());
                SeenRow { digest: digest.0, links: Some(links) }
            }
        }
    }

    fn seen(self) -> Seen {
        let digest = Digest(self.digest);
        let Some((previous, last_seq, head)) = self.links else { return Seen::Signatures(digest) };
        let (previous, head) = (RecordHash::from_bytes(previous), RecordHash::from_bytes(head));
        Seen::Bytes(digest, Links { previous, last_seq, head })
    }
}

/// What such a file holds; the snapshot is not looked at yet.
#[derive(Clone, Debug)]
pub struct KnownFile {
    /// How far the log is known.
    pub known: Known,
    archives: Vec<ArchiveFile>,
    bytes: Arc<Vec<u8>>,
    snapshot_from: usize,
    shelf: Shelf,
}

/// How files of archives are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// They are read and held against their digests.
    Digest,
    /// Where one was not touched since it was written, as the file system says, it is looked up in as
    /// it is.
    Untouched,
}

/// Keeps how far a log is known, with its state: as a file, and files of archives beside it. The
/// snapshot's digest is set here. False if that failed; then nothing new is known.
pub fn keep(shelf: &Shelf, known: &Known, state: &State) -> bool {
    keep_with(shelf, known, state, RUN_LEN_MAX)
}

/// Likewise, with another length from which on a run is a file of its own.
pub fn keep_with(shelf: &Shelf, known: &Known, state: &State, run_len_max: u64) -> bool {
    let before = archives_of(shelf);
    let mut new = None;
    let kept = write(shelf, known, state, (run_len_max, &mut new));
    // What is named by neither file any more goes.
    let mut named = kept.clone().unwrap_or_else(|| before.clone());
    named.extend(shelf.other().iter().flat_map(archives_of));
    let is_named = |old: &ArchiveFile| named.iter().any(|file| file.digest == old.digest);
    let old = before.iter().chain(&new);
    old.filter(|old| !is_named(old)).for_each(|old| shelf.remove(&old.digest));
    kept.is_some()
}

/// The archives that are named now; `None` if what was there stays. `new` is one that was written.
fn write(
    shelf: &Shelf,
    known: &Known,
    state: &State,
    (run_len_max, new): (u64, &mut Option<ArchiveFile>),
) -> Option<Vec<ArchiveFile>> {
    let in_files = state.archives().iter().map_while(|archive| archive.file().cloned());
    let mut files: Vec<ArchiveFile> =
        in_files.take_while(|file| shelf.open(file).is_some()).collect();
    let mut snapshot = snapshot::write(state, files.len())?;
    if snapshot.run.len() > run_len_max {
        // A run takes in those before it that are not much longer, so that there are few, and each
        // record is written again only as often as their lengths double.
        let (all, mut len) = (files.len(), snapshot.run.len());
        while let Some(last) = files.pop_if(|last| last.len < 2 * len) {
            len += last.len;
        }
        if files.len() < all {
            snapshot = snapshot::write(state, files.len())?;
        }
        let parts: Vec<&[u8]> = snapshot.run.parts().collect();
        files.push(new.insert(shelf.put(&parts, || digest_of(&parts)).ok()?).clone());
        snapshot.run = RunBytes::default();
    }
    let lead = lead_of(known, &files, &snapshot)?;
    let parts: Vec<&[u8]> = std::iter::once(&*lead).chain(snapshot.parts()).collect();
    shelf.replace(&parts).ok()?;
    Some(files)
}

fn digest_of(parts: &[&[u8]]) -> Digest {
    Domain::Index.digest_of(|hasher| {
        for part in parts {
            hasher.update_rayon(part);
        }
    })
}

/// What stands before a snapshot.
fn lead_of(known: &Known, archives: &[ArchiveFile], snapshot: &Snapshot) -> Option<Vec<u8>> {
    let segments = known.segments.iter();
    let archive = |file: &ArchiveFile| (file.digest.0, file.len, file.stamp.clone());
    let row = Row {
        version: PROJECTION_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        ledger: *known.ledger.bytes(),
        records: known.records,
        head: *known.head.bytes(),
        place: known.place,
        at: known.at.micros(),
        complete: (known.complete.0, known.complete.1.micros()),
        segments: segments.map(|one| (one.stamp.clone(), one.seen.map(SeenRow::of))).collect(),
        snapshot: digest_of(&snapshot.parts()).0,
        archives: archives.iter().map(archive).collect(),
    };
    let row = codec::encode_cache(&row)?;
    let mut lead = Vec::with_capacity(LEAD_LEN + row.len());
    lead.extend_from_slice(MAGIC);
    lead.extend_from_slice(&(row.len() as u64).to_le_bytes());
    lead.extend_from_slice(&Domain::Index.digest(&row).0);
    lead.extend_from_slice(&row);
    Some(lead)
}

/// Length and digest of the row that follows on a lead.
fn lead(bytes: &[u8; LEAD_LEN]) -> Option<(usize, Digest)> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (len, digest) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    (magic == MAGIC).then_some((len, Digest(*digest.first_chunk()?)))
}

fn row(bytes: &[u8], digest: Digest) -> Option<(Known, Vec<ArchiveFile>)> {
    if Domain::Index.digest(bytes) != digest {
        return None;
    }
    let row: Row = codec::decode_cache(bytes)?;
    if row.version != PROJECTION_VERSION || row.program != env!("CARGO_PKG_VERSION") {
        return None;
    }
    let segment = |(stamp, seen): (String, Option<SeenRow>)| KnownSegment {
        stamp,
        seen: seen.map(SeenRow::seen),
    };
    let archive = |(digest, len, stamp)| ArchiveFile { digest: Digest(digest), len, stamp };
    let known = Known {
        ledger: LedgerId::from_bytes(row.ledger),
        records: row.records,
        head: RecordHash::from_bytes(row.head),
        place: row.place,
        at: Timestamp::from_micros(row.at)?,
        complete: (row.complete.0, Timestamp::from_micros(row.complete.1)?),
        segments: row.segments.into_iter().map(segment).collect(),
        snapshot: Digest(row.snapshot),
    };
    Some((known, row.archives.into_iter().map(archive).collect()))
}

fn row_of(shelf: &Shelf) -> Option<(Known, Vec<ArchiveFile>)> {
    let (len, digest) = lead(shelf.part(0, LEAD_LEN)?.first_chunk()?)?;
    row(&shelf.part(LEAD_LEN as u64, len)?, digest)
}

/// How far a log is known, without reading the snapshot.
pub fn how_far(shelf: &Shelf) -> Option<Known> {
    row_of(shelf).map(|(known, _)| known)
}

/// The archives that a shelf's file names.
fn archives_of(shelf: &Shelf) -> Vec<ArchiveFile> {
    row_of(shelf).map(|(_, archives)| archives).unwrap_or_default()
}

/// Reads a file; `None` if it is none, or one of another release.
pub fn read(shelf: Shelf) -> Option<KnownFile> {
    let bytes = shelf.read()?;
    let (start, rest) = bytes.split_first_chunk::<LEAD_LEN>()?;
    let (len, digest) = lead(start)?;
    let (known, archives) = row(rest.get(..len)?, digest)?;
    let snapshot_from = LEAD_LEN + len;
    Some(KnownFile { known, archives, bytes: Arc::new(bytes), snapshot_from, shelf })
}

impl KnownFile {
    /// The state; `None` if the snapshot or an archive is not the one that is known, or not of this
    /// state.
    pub fn state(&self, trust: Trust) -> Option<State> {
        let bytes = self.bytes.get(self.snapshot_from..)?;
        if Domain::Index.digest(bytes) != self.known.snapshot {
            return None;
        }
        let archive = |file| Some(Arc::new(self.archive(file, trust)?) as Arc<dyn Archive>);
        let archives = self.archives.iter().map(archive).collect::<Option<Archives>>()?;
        let state = snapshot::read(&self.bytes, self.snapshot_from, archives)?;
        let ledger = state.agreement()?.ledger();
        let of_these = (ledger, state.next_seq(), state.head());
        let Known { ledger, records, head, .. } = self.known;
        (of_these == (ledger, records, head)).then_some(state)
    }

    fn archive(&self, named: &ArchiveFile, trust: Trust) -> Option<Run> {
        let (file, is_untouched) = self.shelf.open(named)?;
        let bytes = match trust == Trust::Untouched && is_untouched {
            true => Bytes::File(file, named.len),
            false => {
                let mut bytes = vec![0; usize::try_from(named.len).ok()?];
                read_exact_at(&*file, &mut bytes, 0).ok()?;
                if digest_of(&[&bytes]) != named.digest {
                    return None;
                }
                let range = 0..bytes.len();
                Bytes::Memory(Arc::new(bytes), range)
            }
        };
        Run::of(bytes, Some(named.clone()))
    }
}

/// Where an index in a folder keeps its own.
pub fn of_index(files: &Arc<dyn Files>, index: &Path) -> Shelf {
    // Several readers may write at once.
    Shelf::new(files.clone(), index.join("state"), &format!("{}.new", std::process::id()))
}
