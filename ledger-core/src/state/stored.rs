//! The sums of a report: in memory, or as rows of an archive that are read when they are asked for.
//!
//! Most answers need groups, which a snapshot of a state has ready, and no lines: a ledger of ten years has
//! tens of thousands of keys, and reading them all would cost more than everything else.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::state::Archive;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// Bytes of the row of a key at least: day, currency, lines, gross, and three counts.
pub const ROW_LEN_MIN: u64 = 4 + 4 + 8 + 16 + 3 * 4;

/// The words that rows name by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Names of attributes, meters and deductions.
    pub names: Vec<Name>,
    /// Values of attributes.
    pub values: Vec<Value>,
    /// Currencies.
    pub currencies: Vec<Currency>,
}

/// Rows of an archive.
#[derive(Clone, Debug)]
pub struct StoredSums {
    archive: Arc<dyn Archive>,
    rows: Range<u64>,
    keys: u64,
}

/// The sums of a report. Equal, shown and used as [`UsageSums`].
#[derive(Clone, Default)]
pub struct ReportSums {
    sums: OnceLock<UsageSums>,
    stored: Option<StoredSums>,
}

impl From<UsageSums> for ReportSums {
    fn from(sums: UsageSums) -> ReportSums {
        ReportSums { sums: OnceLock::from(sums), stored: None }
    }
}

impl From<StoredSums> for ReportSums {
    fn from(stored: StoredSums) -> ReportSums {
        ReportSums { sums: OnceLock::new(), stored: Some(stored) }
    }
}

impl Deref for ReportSums {
    type Target = UsageSums;

    fn deref(&self) -> &UsageSums {
        self.sums.get_or_init(|| {
            // An archive that cannot be read says so from then on.
            self.stored.as_ref().and_then(StoredSums::read).unwrap_or_default()
        })
    }
}

impl fmt::Debug for ReportSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl ReportSums {
    /// The number of distinct keys.
    pub fn keys(&self) -> usize {
        match &self.stored {
            Some(stored) => stored.keys as usize,
            None => UsageSums::keys(self),
        }
    }

    /// Where an archive has them, if one does.
    pub fn stored(&self) -> Option<&StoredSums> {
        self.stored.as_ref()
    }
}

impl StoredSums {
    /// So many sums in the rows of an archive.
    pub fn of(archive: &Arc<dyn Archive>, rows: Range<u64>, keys: u64) -> StoredSums {
        StoredSums { archive: archive.clone(), rows, keys }
    }

    /// Where its rows lie in their archive.
    pub fn rows(&self) -> &Range<u64> {
        &self.rows
    }

    /// The archive.
    pub fn archive(&self) -> &Arc<dyn Archive> {
        &self.archive
    }

    /// The sums; `None`, and the archive is not whole, if they cannot be read.
    fn read(&self) -> Option<UsageSums> {
        let read = self.sums();
        if read.is_none() {
            self.archive.fail();
        }
        read
    }

    fn sums(&self) -> Option<UsageSums> {
        let bytes = self.archive.sums(&self.rows)?;
        let (words, mut rows) = (&**self.archive.words(), Rows(&bytes));
        let mut usage = UsageSums::default();
        for _ in 0..rows.number()? {
            let day = rows.date()?;
            let currency = *words.currencies.get(rows.number()? as usize)?;
            let count = rows.number()?;
            let mut attributes = Vec::with_capacity(count.min(64) as usize);
            for _ in 0..count {
                let name = words.names.get(rows.number()? as usize)?.clone();
                attributes.push((name, words.values.get(rows.number()? as usize)?.clone()));
            }
            let lines = u64::from_le_bytes(*rows.take()?);
            let gross = Sum(i128::from_le_bytes(*rows.take()?));
            let mut named = || -> Option<Vec<(Name, Sum)>> {
                let mut sums = Vec::new();
                for _ in 0..rows.number()? {
                    let name = words.names.get(rows.number()? as usize)?.clone();
                    sums.push((name, Sum(i128::from_le_bytes(*rows.take()?))));
                }
                Some(sums)
            };
            let (meters, deductions) = (named()?, named()?);
            let key = LineKey { day, currency, attributes };
            *usage.entry(key) = LineSums { lines, gross, meters, deductions };
        }
        (rows.0.is_empty() && usage.keys() as u64 == self.keys).then_some(usage)
    }
}

/// Bytes that are read from the front.
struct Rows<'a>(&'a [u8]);

impl<'a> Rows<'a> {
    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.take()?))
    }

    fn date(&mut self) -> Option<Date> {
        Date::from_days(i32::from_le_bytes(*self.take()?))
    }
}

/// Writes sums as rows, and numbers the words on the way.
#[derive(Debug, Default)]
pub struct RowsWriter {
    words: Words,
    /// The archive whose rows are taken over as they are: its words are the first of `words`.
    taken: Option<Arc<dyn Archive>>,
    names: BTreeMap<Name, u32>,
    values: BTreeMap<Value, u32>,
    currencies: BTreeMap<Currency, u32>,
    bytes: Vec<u8>,
}

fn number_of<T: Clone + Ord>(words: &mut Vec<T>, numbers: &mut BTreeMap<T, u32>, word: &T) -> u32 {
    if let Some(number) = numbers.get(word) {
        return *number;
    }
    let number = words.len() as u32;
    words.push(word.clone());
    numbers.insert(word.clone(), number);
    number
}

impl RowsWriter {
    /// Goes on with the words of an archive.
    pub fn with(taken: Option<&Arc<dyn Archive>>) -> RowsWriter {
        let mut writer = RowsWriter { taken: taken.cloned(), ..RowsWriter::default() };
        let Some(taken) = taken else { return writer };
        let words = &mut writer.words;
        *words = (**taken.words()).clone();
        writer.names = words.names.iter().cloned().zip(0u32..).collect();
        writer.values = words.values.iter().cloned().zip(0u32..).collect();
        writer.currencies = words.currencies.iter().copied().zip(0u32..).collect();
        writer
    }

    /// Adds the sums of a report: where its rows lie. `None` if they cannot be read.
    pub fn add(&mut self, sums: &ReportSums) -> Option<Range<u64>> {
        let start = self.bytes.len();
        let taken = self.taken.as_ref();
        let same = sums
            .stored()
            .filter(|stored| taken.is_some_and(|taken| Arc::ptr_eq(taken, stored.archive())));
        match same {
            Some(stored) => {
                let rows = stored.archive().sums(stored.rows())?;
                self.bytes.extend_from_slice(&rows);
            }
            None => self.write(sums),
        }
        Some(start as u64..self.bytes.len() as u64)
    }

    fn put(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn write(&mut self, sums: &UsageSums) {
        self.put(sums.keys() as u32);
        for (key, sums) in sums.iter() {
            self.bytes.extend_from_slice(&key.day.days().to_le_bytes());
            let words = &mut self.words;
            let currency = number_of(&mut words.currencies, &mut self.currencies, &key.currency);
            self.put(currency);
            self.put(key.attributes.len() as u32);
            for (name, value) in &key.attributes {
                let name = number_of(&mut self.words.names, &mut self.names, name);
                let value = number_of(&mut self.words.values, &mut self.values, value);
                self.put(name);
                self.put(value);
            }
            self.bytes.extend_from_slice(&sums.lines.to_le_bytes());
            self.bytes.extend_from_slice(&sums.gross.0.to_le_bytes());
            for named in [&sums.meters, &sums.deductions] {
                self.put(named.len() as u32);
                for (name, sum) in named {
                    let name = number_of(&mut self.words.names, &mut self.names, name);
                    self.put(name);
                    self.bytes.extend_from_slice(&sum.0.to_le_bytes());
                }
            }
        }
    }

    /// The words, and the rows.
    pub fn finish(self) -> (Words, Vec<u8>) {
        (self.words, self.bytes)
    }
}
