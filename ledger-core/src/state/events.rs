//! The events on a log: one row each, found by id and by content. A ledger may have millions, so
//! that both tables hold row numbers and no copies of what they look up.

use std::fmt;
use std::sync::OnceLock;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;

use crate::event::Kind;
use crate::vocab::ContentDigest;
use crate::vocab::EventId;

/// Bytes of a row in a snapshot: id, content, kind. Its number is its place.
const ROW_LEN: usize = 32 + 32 + 2;

/// Event row: where an event stands and what it is.
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

/// Every event, in the order of the log.
#[derive(Clone, Default)]
pub struct Events {
    rows: Vec<EventRow>,
    /// Built when something is first looked up: most answers look nothing up.
    tables: OnceLock<Tables>,
}

/// Tables of row numbers.
#[derive(Clone, Default)]
struct Tables {
    ids: HashTable<usize>,
    /// Of each content, the row that came last.
    contents: HashTable<usize>,
}

/// The tables follow from the rows.
impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rows).finish()
    }
}

/// Ids and contents are digests: any eight bytes of them are as good as a hash.
fn hash(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Enters a row; a later row takes the place of an earlier one with the same digest.
fn enter(
    table: &mut HashTable<usize>,
    rows: &[EventRow],
    at: usize,
    digest: impl Fn(&EventRow) -> &[u8; 32],
) {
    let of = |at: &usize| rows.get(*at).map(&digest);
    let Some(own) = of(&at) else { return };
    let rehash = |at: &usize| of(at).map_or(0, hash);
    match table.entry(hash(own), |other| of(other) == Some(own), rehash) {
        Entry::Occupied(mut known) => *known.get_mut() = at,
        Entry::Vacant(place) => drop(place.insert(at)),
    }
}

fn by_id(row: &EventRow) -> &[u8; 32] {
    row.id.bytes()
}

fn by_content(row: &EventRow) -> &[u8; 32] {
    row.content.bytes()
}

impl Tables {
    fn of(rows: &[EventRow]) -> Tables {
        let table = |digest: fn(&EventRow) -> &[u8; 32]| {
            let mut table = HashTable::with_capacity(rows.len());
            (0..rows.len()).for_each(|at| enter(&mut table, rows, at, digest));
            table
        };
        let (ids, contents) = rayon::join(|| table(by_id), || table(by_content));
        Tables { ids, contents }
    }
}

impl Events {
    fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| Tables::of(&self.rows))
    }

    /// The event of a record.
    pub(crate) fn at(&self, seq: u64) -> Option<EventRow> {
        self.rows.get(usize::try_from(seq).ok()?).copied()
    }

    /// The event with an id.
    pub(crate) fn by_id(&self, id: &EventId) -> Option<EventRow> {
        let is_it = |at: &usize| self.rows.get(*at).is_some_and(|row| row.id == *id);
        let at = self.tables().ids.find(hash(id.bytes()), is_it)?;
        self.rows.get(*at).copied()
    }

    /// The last event with a content.
    pub(crate) fn by_content(&self, content: &ContentDigest) -> Option<EventRow> {
        let is_it = |at: &usize| self.rows.get(*at).is_some_and(|row| row.content == *content);
        let at = self.tables().contents.find(hash(content.bytes()), is_it)?;
        self.rows.get(*at).copied()
    }

    /// Every event.
    pub(crate) fn iter(&self) -> impl Iterator<Item = EventRow> {
        self.rows.iter().copied()
    }

    /// Adds the event of the next record.
    pub(crate) fn insert(&mut self, row: EventRow) {
        self.tables();
        let at = self.rows.len();
        self.rows.push(row);
        if let Some(Tables { ids, contents }) = self.tables.get_mut() {
            enter(ids, &self.rows, at, by_id);
            enter(contents, &self.rows, at, by_content);
        }
    }
}

impl Serialize for Events {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.rows.len().saturating_mul(ROW_LEN));
        for row in &self.rows {
            bytes.extend_from_slice(row.id.bytes());
            bytes.extend_from_slice(row.content.bytes());
            bytes.extend_from_slice(&row.kind.number().to_le_bytes());
        }
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Events, D::Error> {
        let bytes = <&'de [u8]>::deserialize(deserializer)?;
        let (chunks, rest) = bytes.as_chunks::<ROW_LEN>();
        let row = |(seq, chunk): (u64, &[u8; ROW_LEN])| {
            let (id, rest) = chunk.split_first_chunk()?;
            let (content, kind) = rest.split_first_chunk()?;
            Some(EventRow {
                id: EventId::from_bytes(*id),
                content: ContentDigest::from_bytes(*content),
                seq,
                kind: Kind::from_number(u16::from_le_bytes(*kind.first_chunk()?))?,
            })
        };
        let rows: Option<Vec<EventRow>> = (0u64..).zip(chunks).map(row).collect();
        let rows = rows.filter(|_| rest.is_empty());
        let rows = rows.ok_or_else(|| D::Error::custom("these are not rows of events"))?;
        Ok(Events { rows, tables: OnceLock::new() })
    }
}
