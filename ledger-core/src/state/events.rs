//! The events on a log: one row each, found by id and by content. A ledger may have millions, so that
//! both look-ups keep row numbers and no copies of what they look up; those that an archive has stay
//! there.

use std::fmt;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::event::Kind;
use crate::state::archive::Archives;
use crate::vocab::ContentDigest;
use crate::vocab::EventId;

/// What is known of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// Its id.
    pub id: EventId,
    /// The digest of its content.
    pub content: ContentDigest,
    /// The number of its record.
    pub seq: u64,
    /// Its kind.
    pub kind: Kind,
}

/// Every event, in the order in which they came in.
#[derive(Clone, Default)]
pub struct Events {
    /// Those of the first records.
    archives: Archives,
    /// Those that follow.
    rows: Vec<EventRow>,
    /// Rows by id.
    ids: HashTable<usize>,
    /// Rows by content: the one that came last.
    contents: HashTable<usize>,
}

/// Where the rows lie is of no interest.
impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Ids and contents are digests: any eight bytes of them are as good as a hash.
fn hash(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Events {
    /// The events of the first records.
    pub(crate) fn of(archives: Archives) -> Events {
        Events { archives, ..Events::default() }
    }

    /// The archives that have the events of the first records.
    pub(crate) fn archives(&self) -> &Archives {
        &self.archives
    }

    /// The first record whose event no archive has.
    fn behind_archives(&self) -> u64 {
        self.archives.last().map_or(0, |archive| archive.records().end)
    }

    /// The event of a record.
    pub(crate) fn at(&self, seq: u64) -> Option<EventRow> {
        match seq.checked_sub(self.behind_archives()) {
            Some(at) => self.rows.get(usize::try_from(at).ok()?).copied(),
            None => {
                let mut archives = self.archives.iter();
                archives.find(|archive| archive.records().contains(&seq))?.at(seq)
            }
        }
    }

    /// The event with an id.
    pub(crate) fn by_id(&self, id: &EventId) -> Option<EventRow> {
        let found = self.ids.find(hash(id.bytes()), |at| self.rows[*at].id == *id);
        match found {
            Some(at) => self.rows.get(*at).copied(),
            None => self.archives.iter().rev().find_map(|archive| archive.by_id(id)),
        }
    }

    /// The last event with a content.
    pub(crate) fn by_content(&self, content: &ContentDigest) -> Option<EventRow> {
        let of_row = |at: &usize| self.rows[*at].content == *content;
        match self.contents.find(hash(content.bytes()), of_row) {
            Some(at) => self.rows.get(*at).copied(),
            None => self.archives.iter().rev().find_map(|archive| archive.by_content(content)),
        }
    }

    /// Every event.
    pub(crate) fn iter(&self) -> impl Iterator<Item = EventRow> {
        let kept = self.archives.iter();
        let kept = kept.flat_map(|archive| archive.records().filter_map(|seq| archive.at(seq)));
        kept.chain(self.rows.iter().copied())
    }

    /// Adds an event.
    pub(crate) fn insert(&mut self, row: EventRow) {
        let Events { rows, ids, contents, .. } = self;
        let of_id = |at: &usize| rows[*at].id == row.id;
        let at = rows.len();
        match ids.entry(hash(row.id.bytes()), of_id, |at| hash(rows[*at].id.bytes())) {
            Entry::Occupied(mut known) => *known.get_mut() = at,
            Entry::Vacant(place) => drop(place.insert(at)),
        }
        rows.push(row);
        let of_content = |at: &usize| rows[*at].content == row.content;
        let content = hash(row.content.bytes());
        match contents.entry(content, of_content, |at| hash(rows[*at].content.bytes())) {
            Entry::Occupied(mut known) => *known.get_mut() = at,
            Entry::Vacant(place) => drop(place.insert(at)),
        }
    }
}
