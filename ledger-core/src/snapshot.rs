//! A checkpoint and the state there, as one file in this user's cache. It is no format: another
//! release does not read it, and a file that is damaged is deleted and made again.

use serde::Deserialize;
use serde::Serialize;

use crate::checkpoint::Checkpoint;
use crate::machine::CacheDir;
use crate::state::State;
use crate::vocab::digest::Domain;
use crate::vocab::to_u64;
use crate::wire::codec;

/// Raised when a type in the state or the way it is judged changes: what earlier builds have
/// written is then made again.
pub const SNAPSHOT_VERSION: u32 = 2;

/// The file in the cache folder of a copy.
pub const FILE: &str = "checkpoint";

const MAGIC: &[u8; 8] = b"rvs-chkp";
const LEAD_LEN: usize = 8 + 32 + 8;

/// Which build has written a file, and how far the log was processed.
#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    release: String,
    checkpoint: Checkpoint,
}

/// Snapshot: a checkpoint with the bytes of the state there.
#[derive(Debug)]
pub struct Snapshot {
    /// How much of the log was processed.
    pub checkpoint: Checkpoint,
    bytes: Vec<u8>,
    /// Where the state begins.
    state_at: usize,
}

impl Snapshot {
    /// Reads the snapshot of a copy; `None` if there is none. One that is damaged, or that another
    /// build has written, is deleted.
    pub fn read(cache: &CacheDir) -> Option<Snapshot> {
        let bytes = cache.read(FILE)?;
        let parsed = Snapshot::parse(bytes);
        if parsed.is_none() {
            cache.remove(FILE);
        }
        parsed
    }

    fn parse(bytes: Vec<u8>) -> Option<Snapshot> {
        let (lead, body) = bytes.split_first_chunk::<LEAD_LEN>()?;
        let (magic, rest) = lead.split_first_chunk::<8>()?;
        let (digest, header_len) = rest.split_first_chunk::<32>()?;
        let is_intact = magic == MAGIC && digest_of(body) == *digest;
        let header_len = u64::from_le_bytes(*header_len.first_chunk()?);
        let header = body.get(..usize::try_from(header_len).ok()?).filter(|_| is_intact)?;
        let state_at = LEAD_LEN.checked_add(header.len())?;
        let Header { version, release, checkpoint } = codec::decode_cache(header)?;
        let is_own = version == SNAPSHOT_VERSION && release == env!("CARGO_PKG_VERSION");
        is_own.then_some(Snapshot { checkpoint, bytes, state_at })
    }

    /// The length of the file in bytes.
    pub fn len(&self) -> u64 {
        to_u64(self.bytes.len())
    }

    /// A snapshot has a header.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The state at the checkpoint; `None` if the bytes are not those of one.
    pub fn state(&self) -> Option<State> {
        let state: State = codec::decode_cache(self.bytes.get(self.state_at..)?)?;
        let end = (state.agreement()?.ledger(), state.next_seq(), state.head());
        let Checkpoint { ledger, records, head, .. } = self.checkpoint;
        (end == (ledger, records, head)).then_some(state)
    }

    /// Writes a checkpoint with the state there. Returns the length of the file, or `None` if it
    /// was not written: it only saves time. A state in the middle of a report has no snapshot.
    pub fn write(cache: &CacheDir, checkpoint: &Checkpoint, state: &State) -> Option<u64> {
        if !state.open_parts().is_empty() || state.agreement().is_none() {
            return None;
        }
        let (version, release) = (SNAPSHOT_VERSION, env!("CARGO_PKG_VERSION").to_owned());
        let header = Header { version, release, checkpoint: checkpoint.clone() };
        let mut body = codec::encode_cache(&header)?;
        let header_len = to_u64(body.len()).to_le_bytes();
        codec::encode_cache_behind(&mut body, state).then_some(())?;
        cache.replace(FILE, &[MAGIC, &digest_of(&body), &header_len, &body]).ok()?;
        Some(to_u64(LEAD_LEN).saturating_add(to_u64(body.len())))
    }
}

fn digest_of(body: &[u8]) -> [u8; 32] {
    let digest = Domain::Index.digest_of(|hasher| {
        hasher.update_rayon(body);
    });
    digest.0
}
