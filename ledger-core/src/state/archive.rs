//! Facts that a file keeps, and that are looked up in it when they are asked for: a ledger may have
//! millions of events and payouts, of which a new record concerns a few.
//!
//! What is kept there was judged before, by this program. Looking it up can fail as reading any
//! file can: then the look-up finds nothing, and the archive says from then on that it is not whole.
//! Whoever relies on a state behind archives asks for that at the end ([`crate::state::State::is_whole`]).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::state::EventRow;
use crate::state::PayoutRecord;
use crate::state::stored::Words;
use crate::vocab::ContentDigest;
use crate::vocab::Digest;
use crate::vocab::EventId;

/// Events, payouts and sums of reports of a stretch of a log.
pub trait Archive: fmt::Debug + Send + Sync {
    /// The records that it is about.
    fn records(&self) -> Range<u64>;

    /// The event of a record.
    fn at(&self, seq: u64) -> Option<EventRow>;

    /// The event with an id.
    fn by_id(&self, id: &EventId) -> Option<EventRow>;

    /// The last event with a content.
    fn by_content(&self, content: &ContentDigest) -> Option<EventRow>;

    /// A payout, as it was after the last of these records.
    fn payout(&self, id: &EventId) -> Option<PayoutRecord>;

    /// Every payout, in no order.
    fn payouts(&self) -> Vec<PayoutRecord>;

    /// The rows of a report's sums.
    fn sums(&self, rows: &Range<u64>) -> Option<Vec<u8>>;

    /// The words that such rows name by their numbers.
    fn words(&self) -> &Arc<Words>;

    /// The file that has it; none if it is a part of a snapshot.
    fn file(&self) -> Option<&ArchiveFile>;

    /// Something that was looked up could not be read.
    fn fail(&self);

    /// Whether everything that was looked up could be read.
    fn is_whole(&self) -> bool;
}

/// A file that keeps an archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveFile {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its length.
    pub len: u64,
    /// What the file system said about it.
    pub stamp: String,
}

/// Archives of the stretches of a log from its beginning on, in order.
pub type Archives = Vec<Arc<dyn Archive>>;
