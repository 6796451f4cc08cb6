//! A disk that loses power: what a log can look like after an append that was never finished.

use std::fs;
use std::path::Path;

use ledger_core::store::MemoryLog;
use ledger_core::store::SegmentHeader;

/// What a disk writes at once.
const SECTOR_LEN: usize = 512;

/// The bytes of a log before and after an append that lost power on the way.
#[derive(Clone, Debug)]
pub struct CrashingDisk {
    before: Vec<Vec<u8>>,
    after: Vec<Vec<u8>>,
}

impl CrashingDisk {
    /// The append that made `after` of `before`: one segment grew, or one was added.
    pub fn new(before: Vec<Vec<u8>>, after: Vec<Vec<u8>>) -> CrashingDisk {
        assert!(after.len() == before.len() || after.len() == before.len() + 1);
        CrashingDisk { before, after }
    }

    fn kept(&self) -> usize {
        if self.after.len() > self.before.len() { 0 } else { self.before[self.last()].len() }
    }

    fn last(&self) -> usize {
        self.after.len() - 1
    }

    /// How many bytes the append wrote.
    pub fn appended(&self) -> usize {
        self.after[self.last()].len() - self.kept()
    }

    /// Only the first `bytes` of the append reached the disk.
    pub fn torn_after(&self, bytes: usize) -> Vec<Vec<u8>> {
        let mut log = self.after.clone();
        log[self.last()].truncate(self.kept() + bytes);
        log
    }

    /// The file has its full length, and what lies behind the first `bytes` of the append reads
    /// as zeros from the next sector on.
    pub fn unwritten_after(&self, bytes: usize) -> Vec<Vec<u8>> {
        let mut log = self.after.clone();
        let from = (self.kept() + bytes).next_multiple_of(SECTOR_LEN);
        log[self.last()].iter_mut().skip(from).for_each(|byte| *byte = 0);
        log
    }

    /// One whole sector of the append was never written.
    pub fn without_sector(&self, number: usize) -> Vec<Vec<u8>> {
        let mut log = self.after.clone();
        let first = self.kept().next_multiple_of(SECTOR_LEN) + number * SECTOR_LEN;
        let sector = log[self.last()].iter_mut().skip(first).take(SECTOR_LEN);
        sector.for_each(|byte| *byte = 0);
        log
    }

    /// The sector that the append begins in, which holds what was recorded before as well, is as it
    /// was; the file has its full length.
    pub fn without_first_sector(&self) -> Vec<Vec<u8>> {
        let mut log = self.after.clone();
        let end = self.kept().next_multiple_of(SECTOR_LEN);
        let kept = self.kept();
        let last = self.last();
        log[last].iter_mut().take(end).skip(kept).for_each(|byte| *byte = 0);
        log
    }

    /// Where in its first sector the append begins.
    pub fn begins_at(&self) -> usize {
        self.kept() % SECTOR_LEN
    }

    /// How many whole sectors the append wrote.
    pub fn sectors(&self) -> usize {
        let first = self.kept().next_multiple_of(SECTOR_LEN);
        self.after[self.last()].len().saturating_sub(first) / SECTOR_LEN
    }
}

/// A log in memory.
pub fn in_memory(segments: Vec<Vec<u8>>) -> MemoryLog {
    MemoryLog { segments }
}

/// Writes segments as the log of a ledger's folder, in place of what is there.
pub fn place(segments: &[Vec<u8>], ledger: &Path) {
    let log = ledger.join("log");
    let _ = fs::remove_dir_all(&log);
    fs::create_dir_all(&log).expect("the log's folder");
    for (number, bytes) in segments.iter().enumerate() {
        fs::write(log.join(SegmentHeader::file_name(number as u32)), bytes).expect("a segment");
    }
}
