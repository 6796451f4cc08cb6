//! The index in sled. Its files may be lost, empty or broken after a crash, and opening them may
//! panic: all of that reads as "no index".

use std::fs;
use std::io;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use crate::index::Bound;
use crate::index::INDEX_VERSION;
use crate::index::Index;
use crate::index::Row;
use crate::vocab::RecordHash;
use crate::vocab::digest::Domain;
use crate::vocab::to_u64;
use crate::wire::codec;

const BOUND_KEY: &[u8] = b"bound";
/// A cache as small as sled takes: the index is read once per command.
const CACHE_LEN: u64 = 8 << 20;

/// An open index.
pub struct SledIndex {
    db: sled::Db,
}

#[derive(Serialize, Deserialize)]
struct BoundRow {
    version: u32,
    records: u64,
    head: [u8; 32],
    place: (u32, u64),
    rows: u64,
}

fn quietly<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

impl std::fmt::Debug for SledIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SledIndex")
    }
}

impl SledIndex {
    /// Opens the index in a folder of this machine's, and makes it if there is none; a broken one is
    /// deleted and made anew. `None` if it cannot be had: in use by another process, or not writable.
    pub fn open(path: &Path) -> Option<SledIndex> {
        let open = || {
            let config = sled::Config::new()
                .path(path)
                .cache_capacity(CACHE_LEN)
                .flush_every_ms(None)
                .print_profile_on_drop(false);
            Some(config.open())
        };
        for _ in 0..2 {
            match quietly(open) {
                Some(Ok(db)) => return Some(SledIndex { db }),
                Some(Err(sled::Error::Io(error))) if is_unavailable(&error) => return None,
                // Also a file that ends too early: that is an error of reading.
                _ => fs::remove_dir_all(path).ok()?,
            }
        }
        None
    }
}

/// Whether an error is no fault of the index's files.
fn is_unavailable(error: &io::Error) -> bool {
    use io::ErrorKind::PermissionDenied;
    use io::ErrorKind::ReadOnlyFilesystem;
    use io::ErrorKind::StorageFull;
    let outside = [PermissionDenied, ReadOnlyFilesystem, StorageFull].contains(&error.kind());
    // How sled says that another process has it open.
    outside || error.to_string().contains("could not acquire lock")
}

impl Index for SledIndex {
    fn bound(&self) -> Option<Bound> {
        let bytes = self.get(BOUND_KEY)?;
        let (row, digest) = bytes.split_last_chunk::<32>()?;
        if Domain::Index.digest(row).0 != *digest {
            return None;
        }
        let row: BoundRow = codec::decode(row).ok()?;
        (row.version == INDEX_VERSION).then_some(Bound {
            records: row.records,
            head: RecordHash::from_bytes(row.head),
            place: row.place,
            rows: row.rows,
        })
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        quietly(|| self.db.get(key).ok().flatten().map(|value| value.to_vec()))
    }

    fn len(&self) -> u64 {
        quietly(|| Some(to_u64(self.db.len()))).unwrap_or(0)
    }

    fn range(&self, prefix: &[u8]) -> Vec<Vec<u8>> {
        let keys = quietly(|| {
            let keys = self.db.scan_prefix(prefix).keys();
            Some(keys.filter_map(|key| Some(key.ok()?.get(prefix.len()..)?.to_vec())).collect())
        });
        keys.unwrap_or_default()
    }

    fn apply(&self, rows: Vec<Row>, bound: &Bound) -> bool {
        let row = BoundRow {
            version: INDEX_VERSION,
            records: bound.records,
            head: *bound.head.bytes(),
            place: bound.place,
            rows: bound.rows,
        };
        let Ok(mut bytes) = codec::encode(&row) else { return false };
        let digest = Domain::Index.digest(&bytes);
        bytes.extend_from_slice(&digest.0);
        let mut batch = sled::Batch::default();
        rows.into_iter().for_each(|(key, value)| batch.insert(key, value));
        batch.insert(BOUND_KEY, bytes);
        let applied = quietly(|| {
            self.db.apply_batch(batch).ok()?;
            self.db.flush().ok()
        });
        applied.is_some()
    }

    fn clear(&self) -> bool {
        quietly(|| self.db.clear().ok()).is_some()
    }
}
