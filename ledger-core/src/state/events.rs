//! The events on a log: one row each, found by id and by content. A ledger may have millions, so that
//! both look-ups keep row numbers and no copies of what they look up.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::event::Kind;
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
#[derive(Clone, Debug, Default)]
pub struct Events {
    rows: Vec<EventRow>,
    /// Rows by id.
    ids: HashTable<usize>,
    /// Rows by content: the one that came last.
    contents: HashTable<usize>,
}

/// Ids and contents are digests: any eight bytes of them are as good as a hash.
fn hash(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Events {
    /// The event with an id.
    pub(crate) fn by_id(&self, id: &EventId) -> Option<&EventRow> {
        let at = self.ids.find(hash(id.bytes()), |at| self.rows[*at].id == *id)?;
        self.rows.get(*at)
    }

    /// The last event with a content.
    pub(crate) fn by_content(&self, content: &ContentDigest) -> Option<&EventRow> {
        let of_row = |at: &usize| self.rows[*at].content == *content;
        let at = self.contents.find(hash(content.bytes()), of_row)?;
        self.rows.get(*at)
    }

    /// Every event.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &EventRow> {
        self.rows.iter()
    }

    /// So many events, in their order; `None` if one of them is.
    pub(crate) fn of(count: usize, rows: impl Iterator<Item = Option<EventRow>>) -> Option<Events> {
        let mut events = Events {
            rows: Vec::with_capacity(count),
            ids: HashTable::with_capacity(count),
            contents: HashTable::with_capacity(count),
        };
        for row in rows {
            events.insert(row?);
        }
        Some(events)
    }

    /// Adds an event, or puts it in the place of the one with its id.
    pub(crate) fn insert(&mut self, row: EventRow) {
        let Events { rows, ids, contents } = self;
        let of_id = |at: &usize| rows[*at].id == row.id;
        let at = match ids.entry(hash(row.id.bytes()), of_id, |at| hash(rows[*at].id.bytes())) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                place.insert(rows.len());
                rows.len()
            }
        };
        match rows.get_mut(at) {
            Some(known) => *known = row,
            None => rows.push(row),
        }
        let of_content = |at: &usize| rows[*at].content == row.content;
        let content = hash(row.content.bytes());
        match contents.entry(content, of_content, |at| hash(rows[*at].content.bytes())) {
            Entry::Occupied(mut known) => *known.get_mut() = at,
            Entry::Vacant(place) => drop(place.insert(at)),
        }
    }
}
