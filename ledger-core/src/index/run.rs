//! A run: the events, payouts and sums of reports of a stretch of a log, in the order in which they
//! are looked up.
//!
//! Bytes: a row for each event in the order of the log; numbers of records by the beginning of their
//! event's id, and of its content; offsets of payouts by the beginning of their id; payouts; rows of
//! sums; a head that says how many there are; the head's length. Ids and contents are digests, so
//! that where one stands in a sorted list can be guessed, and looking it up reads some
//! kilobytes of a file of any size.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use serde::Deserialize;
use serde::Serialize;

use crate::event::Kind;
use crate::state::Archive;
use crate::state::ArchiveFile;
use crate::state::EventRow;
use crate::state::PayoutRecord;
use crate::state::Report;
use crate::state::State;
use crate::state::stored::RowsWriter;
use crate::state::stored::Words;
use crate::store::files::ReadFile;
use crate::store::files::read_exact_at;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::EventId;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::wire::codec;

/// Bytes of an event: id, content, kind.
const EVENT_LEN: usize = 66;
/// Bytes of an entry in a sorted list: the beginning of a digest, a number.
const ENTRY_LEN: usize = 16;
/// Events or payouts that a thread takes at once.
const SHARE: usize = 4_096;
/// Entries that are read at once when a list is searched: 2 KiB.
const WINDOW: u64 = 128;
/// Most entries with the same beginning that are looked at. Those of different digests hardly ever
/// have one; where a list says so of all of them, no look-up goes through it.
const ALIKE_MAX: usize = 16;
/// Most names of attributes, meters and deductions: far more than the terms of a ledger declare. Sums
/// are lists by name, which take for ever to add up if every line has names of its own.
const NAMES_MAX: usize = 1 << 16;

#[derive(Serialize, Deserialize)]
struct Head {
    first: u64,
    events: u64,
    payouts: u64,
    /// Bytes of the payouts, and of the rows of sums.
    lens: [u64; 2],
    names: Vec<Name>,
    values: Vec<Value>,
    currencies: Vec<Currency>,
}

/// The bytes of a run, in parts.
#[derive(Debug, Default)]
pub struct RunBytes(Vec<Vec<u8>>);

impl RunBytes {
    /// One after another.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|part| part.len() as u64).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a run is made of.
pub struct Contents<'s> {
    /// The state after the last of its records.
    pub state: &'s State,
    /// The records.
    pub records: Range<u64>,
    /// Payouts that were sent in these records, or that something became of.
    pub payouts: Vec<&'s PayoutRecord>,
    /// Their reports and corrections.
    pub reports: &'s [&'s Report],
    /// An archive with the sums of some of these.
    pub before: Option<&'s Arc<dyn Archive>>,
}

/// The bytes of a run, and where the rows of each report's sums lie. `None` if something cannot be
/// read.
pub fn write(contents: Contents<'_>) -> Option<(RunBytes, Vec<Range<u64>>)> {
    let Contents { state, records, payouts, reports, before } = contents;
    let ((events, payouts), sums) = rayon::join(
        || rayon::join(|| events_of(state, records.clone()), || payouts_of(payouts)),
        || {
            let mut writer = RowsWriter::with(before);
            let places = reports.iter().map(|report| writer.add(&report.usage));
            Some((places.collect::<Option<Vec<Range<u64>>>>()?, writer.finish()))
        },
    );
    let ([rows, ids, contents], (offsets, said)) = events.zip(payouts)?;
    let (places, (Words { names, values, currencies }, sums)) = sums?;
    let head = codec::encode_cache(&Head {
        first: records.start,
        events: records.end.checked_sub(records.start)?,
        payouts: (offsets.len() / ENTRY_LEN) as u64,
        lens: [said.len() as u64, sums.len() as u64],
        names,
        values,
        currencies,
    })?;
    let len = (head.len() as u64).to_le_bytes().to_vec();
    Some((RunBytes(vec![rows, ids, contents, offsets, said, sums, head, len]), places))
}

/// Rows of events, and the lists of ids and contents.
fn events_of(state: &State, records: Range<u64>) -> Option<[Vec<u8>; 3]> {
    let count = usize::try_from(records.end.checked_sub(records.start)?).ok()?;
    let mut rows = vec![0; count.checked_mul(EVENT_LEN)?];
    let (mut ids, mut contents) = (vec![(0, 0); count], vec![(0, 0); count]);
    let places = rows.par_chunks_exact_mut(EVENT_LEN).zip(&mut ids).zip(&mut contents);
    let places = places.enumerate().with_min_len(SHARE);
    let written = places.map(|(at, ((row, id), content))| {
        let seq = records.start + at as u64;
        let event = state.event_at(seq)?;
        row[..32].copy_from_slice(event.id.bytes());
        row[32..64].copy_from_slice(event.content.bytes());
        row[64..].copy_from_slice(&(event.kind as u16).to_le_bytes());
        *id = (beginning(event.id.bytes()), seq);
        *content = (beginning(event.content.bytes()), seq);
        Some(())
    });
    written.collect::<Option<()>>()?;
    Some([rows, sorted(ids), sorted(contents)])
}

/// The list of offsets of payouts, and the payouts.
fn payouts_of(mut payouts: Vec<&PayoutRecord>) -> Option<(Vec<u8>, Vec<u8>)> {
    payouts.par_sort_unstable_by_key(|record| record.id);
    let shares = payouts.par_chunks(SHARE).map(|share| {
        let (mut offsets, mut said) = (Vec::with_capacity(share.len()), Vec::new());
        for record in share {
            offsets.push((beginning(record.id.bytes()), said.len() as u64));
            let row = codec::encode_cache(record)?;
            said.extend_from_slice(&u32::try_from(row.len()).ok()?.to_le_bytes());
            said.extend_from_slice(&row);
        }
        Some((offsets, said))
    });
    let shares = shares.collect::<Option<Vec<_>>>()?;
    let (mut offsets, mut said) = (Vec::with_capacity(payouts.len()), Vec::new());
    said.reserve_exact(shares.iter().map(|(_, said)| said.len()).sum());
    for (own, more) in shares {
        let before = said.len() as u64;
        offsets.extend(own.into_iter().map(|(beginning, offset)| (beginning, before + offset)));
        said.extend_from_slice(&more);
    }
    Some((sorted(offsets), said))
}

/// What a digest begins with.
fn beginning(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn sorted(mut entries: Vec<(u64, u64)>) -> Vec<u8> {
    entries.par_sort_unstable();
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_LEN);
    for (beginning, number) in entries {
        bytes.extend_from_slice(&beginning.to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Where the bytes of a run are.
#[derive(Debug)]
pub enum Bytes {
    /// In memory, from an offset on.
    Memory(Arc<Vec<u8>>, Range<usize>),
    /// In a file that has so many.
    File(Box<dyn ReadFile>, u64),
}

impl Bytes {
    fn len(&self) -> u64 {
        match self {
            Bytes::Memory(_, range) => range.len() as u64,
            Bytes::File(_, len) => *len,
        }
    }

    fn read(&self, from: u64, len: u64) -> Option<Cow<'_, [u8]>> {
        if from.checked_add(len)? > self.len() {
            return None;
        }
        let (start, len) = (usize::try_from(from).ok()?, usize::try_from(len).ok()?);
        match self {
            Bytes::Memory(bytes, range) => {
                let all = bytes.get(range.clone())?;
                all.get(start..start + len).map(Cow::Borrowed)
            }
            Bytes::File(file, _) => {
                let mut bytes = vec![0; len];
                read_exact_at(&**file, &mut bytes, from).ok()?;
                Some(Cow::Owned(bytes))
            }
        }
    }
}

/// An entry: the beginning of a digest, and a number.
fn split(entry: &[u8; ENTRY_LEN]) -> (u64, u64) {
    let both = u128::from_le_bytes(*entry);
    (both as u64, (both >> u64::BITS) as u64)
}

/// Where an entry should be among those that a list has from `low` on and before `high`, if they are
/// spread evenly from `least` to `most`.
fn guess(beginning: u64, (low, high): (u64, u64), (least, most): (u64, u64)) -> u64 {
    let into = u128::from(beginning.saturating_sub(least));
    let all = u128::from(most.saturating_sub(least)) + 1;
    let entries = high.saturating_sub(low);
    let by = into * u128::from(entries) / all;
    low.saturating_add((by as u64).min(entries.saturating_sub(1)))
}

/// The numbers of the last of some entries, as many as have a beginning, the last first.
fn alike(entries: &[[u8; ENTRY_LEN]], beginning: u64) -> Vec<u64> {
    let alike = entries.iter().rev().map(split).take_while(|(found, _)| *found == beginning);
    alike.take(ALIKE_MAX).map(|(_, number)| number).collect()
}

/// A sorted list: where it begins, how many entries it has.
#[derive(Clone, Copy, Debug)]
struct List {
    from: u64,
    count: u64,
}

/// A run, ready to be looked up in.
#[derive(Debug)]
pub struct Run {
    bytes: Bytes,
    file: Option<ArchiveFile>,
    records: Range<u64>,
    ids: List,
    contents: List,
    offsets: List,
    /// Where the payouts begin and end, and the rows of sums.
    payouts: Range<u64>,
    sums: Range<u64>,
    words: Arc<Words>,
    has_failed: AtomicBool,
}

impl Run {
    /// The run that these bytes are; `None` if they are none.
    pub fn of(bytes: Bytes, file: Option<ArchiveFile>) -> Option<Run> {
        let end = bytes.len().checked_sub(8)?;
        let len = u64::from_le_bytes(*bytes.read(end, 8)?.first_chunk()?);
        let from = end.checked_sub(len)?;
        let head: Head = codec::decode_cache(&bytes.read(from, len)?)?;
        let mut at = 0u64;
        let mut section = |count: u64, each: usize| -> Option<Range<u64>> {
            let start = at;
            at = at.checked_add(count.checked_mul(each as u64)?)?;
            Some(start..at)
        };
        let list = |section: Range<u64>, count| List { from: section.start, count };
        section(head.events, EVENT_LEN)?;
        let ids = list(section(head.events, ENTRY_LEN)?, head.events);
        let contents = list(section(head.events, ENTRY_LEN)?, head.events);
        let offsets = list(section(head.payouts, ENTRY_LEN)?, head.payouts);
        let payouts = section(head.lens[0], 1)?;
        let sums = section(head.lens[1], 1)?;
        let records = head.first..head.first.checked_add(head.events)?;
        let Head { names, values, currencies, .. } = head;
        (at == from && names.len() <= NAMES_MAX).then_some(Run {
            bytes,
            file,
            records,
            ids,
            contents,
            offsets,
            payouts,
            sums,
            words: Arc::new(Words { names, values, currencies }),
            has_failed: AtomicBool::new(false),
        })
    }

    /// What was looked up, unless it cannot be read.
    fn checked<T: Default>(&self, found: Option<T>) -> T {
        found.unwrap_or_else(|| {
            self.fail();
            T::default()
        })
    }

    /// The entry at a place in a list.
    fn entry(&self, list: List, at: u64) -> Option<(u64, u64)> {
        self.entries(list, at..at + 1)?.first_chunk().map(split)
    }

    /// The bytes of entries.
    fn entries(&self, list: List, range: Range<u64>) -> Option<Cow<'_, [u8]>> {
        let from = list.from.checked_add(range.start.checked_mul(ENTRY_LEN as u64)?)?;
        let len = range.end.checked_sub(range.start)?.checked_mul(ENTRY_LEN as u64)?;
        self.bytes.read(from, len)
    }

    /// The numbers of the last entries of a list with a beginning, the last first. `None` if it
    /// cannot be read.
    fn numbers(&self, list: List, beginning: u64) -> Option<Vec<u64>> {
        // No entry before `low` is above what is looked for, every one from `high` on is.
        let (mut low, mut high) = (0, list.count);
        // Beginnings are spread evenly, unless somebody has taken pains: a look where one should be
        // says how far that is off, and it is near the next guess.
        if high > WINDOW {
            let (mut least, mut most) = (0, u64::MAX);
            let at = guess(beginning, (low, high), (least, most));
            let (value, _) = self.entry(list, at)?;
            match value <= beginning {
                true => (low, least) = (at, value),
                false => (high, most) = (at, value),
            }
            let near = guess(beginning, (low, high), (least, most));
            let from = near.saturating_sub(WINDOW / 2).max(low);
            let to = near.saturating_add(WINDOW / 2).min(high);
            let bytes = self.entries(list, from..to)?;
            let entries = bytes.as_chunks::<ENTRY_LEN>().0;
            let end = entries.partition_point(|entry| split(entry).0 <= beginning);
            let begins_before =
                from == 0 || entries.first().is_some_and(|entry| split(entry).0 < beginning);
            if begins_before && (end < entries.len() || to == high) {
                return Some(alike(&entries[..end], beginning));
            }
            // Somewhere else after all; from here on by halves.
            match end {
                0 => high = from,
                end if end == entries.len() => low = to.saturating_sub(1),
                end => (low, high) = (from, from + end as u64),
            }
        }
        while high.saturating_sub(low) > WINDOW {
            let middle = low + (high - low) / 2;
            match self.entry(list, middle)?.0 <= beginning {
                true => low = middle,
                false => high = middle,
            }
        }
        let bytes = self.entries(list, low.saturating_sub(ALIKE_MAX as u64)..high)?;
        let entries = bytes.as_chunks::<ENTRY_LEN>().0;
        let end = entries.partition_point(|entry| split(entry).0 <= beginning);
        Some(alike(entries.get(..end)?, beginning))
    }

    fn row(&self, seq: u64) -> Option<EventRow> {
        let at = seq.checked_sub(self.records.start)?.checked_mul(EVENT_LEN as u64)?;
        let bytes = self.bytes.read(at, EVENT_LEN as u64)?;
        let (id, rest) = bytes.split_first_chunk()?;
        let (content, kind) = rest.split_first_chunk()?;
        Some(EventRow {
            id: EventId::from_bytes(*id),
            content: ContentDigest::from_bytes(*content),
            seq,
            kind: Kind::from_number(u16::from_le_bytes(*kind.first_chunk()?))?,
        })
    }

    /// The last event that a list leads to and that fits; the outer `None` if it cannot be read.
    fn last_event(
        &self,
        list: List,
        beginning: u64,
        fits: impl Fn(&EventRow) -> bool,
    ) -> Option<Option<EventRow>> {
        for seq in self.numbers(list, beginning)? {
            let row = self.row(seq).filter(|_| self.records.contains(&seq))?;
            if fits(&row) {
                return Some(Some(row));
            }
        }
        Some(None)
    }

    /// The payout at an offset, if that has an id. It begins with the id: only one that is looked for
    /// is read as a whole.
    fn payout_at(&self, offset: u64, id: &EventId) -> Option<Option<PayoutRecord>> {
        let from = self.payouts.start.checked_add(offset)?;
        let start = self.bytes.read(from, 4 + 32)?;
        let (len, begins_with) = start.split_first_chunk()?;
        if begins_with != id.bytes() {
            return Some(None);
        }
        let row = self.bytes.read(from.checked_add(4)?, u32::from_le_bytes(*len).into())?;
        codec::decode_cache(&row).map(Some)
    }

    fn find_payout(&self, id: &EventId) -> Option<Option<PayoutRecord>> {
        for offset in self.numbers(self.offsets, beginning(id.bytes()))? {
            if let Some(record) = self.payout_at(offset, id)? {
                return Some(Some(record));
            }
        }
        Some(None)
    }

    fn all_payouts(&self) -> Option<Vec<PayoutRecord>> {
        let bytes = self.bytes.read(self.payouts.start, self.payouts.end - self.payouts.start)?;
        let (mut rest, mut all) = (&*bytes, Vec::new());
        while let Some((len, after)) = rest.split_first_chunk() {
            let (row, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            all.push(codec::decode_cache(row)?);
            rest = after;
        }
        rest.is_empty().then_some(all)
    }
}

impl Archive for Run {
    fn records(&self) -> Range<u64> {
        self.records.clone()
    }

    fn at(&self, seq: u64) -> Option<EventRow> {
        match self.records.contains(&seq) {
            true => self.checked(self.row(seq).map(Some)),
            false => None,
        }
    }

    fn by_id(&self, id: &EventId) -> Option<EventRow> {
        self.checked(self.last_event(self.ids, beginning(id.bytes()), |row| row.id == *id))
    }

    fn by_content(&self, content: &ContentDigest) -> Option<EventRow> {
        let beginning = beginning(content.bytes());
        self.checked(self.last_event(self.contents, beginning, |row| row.content == *content))
    }

    fn payout(&self, id: &EventId) -> Option<PayoutRecord> {
        self.checked(self.find_payout(id))
    }

    fn payouts(&self) -> Vec<PayoutRecord> {
        self.checked(self.all_payouts())
    }

    fn sums(&self, rows: &Range<u64>) -> Option<Vec<u8>> {
        let from = self.sums.start.checked_add(rows.start)?;
        let len = rows.end.checked_sub(rows.start)?;
        let fits = from.checked_add(len)? <= self.sums.end;
        let read = self.bytes.read(from, len).filter(|_| fits);
        if read.is_none() {
            self.fail();
        }
        read.map(Cow::into_owned)
    }

    fn words(&self) -> &Arc<Words> {
        &self.words
    }

    fn file(&self) -> Option<&ArchiveFile> {
        self.file.as_ref()
    }

    fn fail(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    fn is_whole(&self) -> bool {
        !self.has_failed.load(Ordering::Relaxed)
    }
}
