//! State roots after every record, handed out while a log is verified.

use std::fmt;
use std::sync::Arc;

use crate::vocab::RecordHash;
use crate::vocab::StateRoot;

/// State root after a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordRoot {
    /// Sequence number of the record.
    pub seq: u64,
    /// Record hash.
    pub hash: RecordHash,
    /// Version of the state root.
    pub version: u16,
    /// State root of the state after the record.
    pub root: StateRoot,
}

/// Receiver of state roots: called after every record, in order, up to the one before the first
/// finding.
#[derive(Clone)]
pub struct RootObserver(Arc<dyn Fn(RecordRoot) + Send + Sync>);

impl RootObserver {
    /// Calls a function with every state root.
    pub fn new(receive: impl Fn(RecordRoot) + Send + Sync + 'static) -> RootObserver {
        RootObserver(Arc::new(receive))
    }

    pub(super) fn receive(&self, root: RecordRoot) {
        (self.0)(root);
    }
}

impl fmt::Debug for RootObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootObserver")
    }
}
