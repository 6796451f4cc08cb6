//! However a log is cut and whatever sectors of it are lost: nothing is taken for an unfinished
//! append but one append, and everybody who reads it agrees.

use std::fs;

use ledger_core::event::Kind;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Mode;
use ledger_core::machine::Machine;
use ledger_core::pull::pull;
use ledger_core::vocab::Timestamp;
use proptest::prelude::any;
use revshare_kit::another_machine;
use revshare_kit::disk::place;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::scratch;
use revshare_kit::world::segments;

use crate::damage::frames;
use crate::damage::in_segments;
use crate::golden::released;
use crate::log_ends::read_by_all;
use crate::runs::holds;

const SECTOR_LEN: usize = 512;

/// A log in one segment, as it was recorded.
struct Recorded {
    bytes: Vec<u8>,
    /// Where each append begins, with the number of its first record, and where the last one ends.
    appends: Vec<(usize, u64)>,
}

impl Recorded {
    fn of(bytes: Vec<u8>) -> Recorded {
        let frames = frames(&bytes);
        let kind = |at: usize| u16::from_le_bytes([bytes[at + 132], bytes[at + 133]]);
        let mut appends = Vec::new();
        let mut is_open = false;
        for (number, (at, _)) in frames.iter().enumerate() {
            if !is_open {
                appends.push((*at, number as u64));
            }
            is_open = kind(*at) == Kind::UsagePart as u16;
        }
        appends.push((bytes.len(), frames.len() as u64));
        Recorded { bytes, appends }
    }

    /// Holds what is read of a changed log against what was recorded: only whole appends are left
    /// out, and of those behind the first of them nothing is left but zeros. The one exception is a
    /// lost sector that begins where the first of them does and holds the header of the last.
    #[track_caller]
    fn holds_against(&self, log: &[u8], records: u64, lost: Option<usize>, what: &str) {
        let at = self.appends.iter().position(|(_, number)| *number == records);
        let at = at.unwrap_or_else(|| panic!("{what}: half an append counts"));
        let start = self.appends[at].0;
        assert_eq!(log.get(..start), self.bytes.get(..start), "{what}: what counts was recorded");
        let Some((behind, _)) = self.appends.get(at + 1) else { return };
        let left = log.get(*behind..).unwrap_or_default();
        if left.iter().all(|byte| *byte == 0) {
            return;
        }
        let sector = lost.filter(|lost| *lost == start);
        let headers = frames(&self.bytes);
        let mut hidden = headers.iter().filter(|(at, _)| (start..log.len()).contains(at));
        assert!(
            sector.is_some_and(|sector| hidden.all(|(at, _)| *at < sector + SECTOR_LEN)),
            "{what}: {records} records, and others that were recorded are left out"
        );
    }
}

/// Each sector of every log of a release, zeroed: what is left out is one append.
#[test]
fn a_lost_sector_never_hides_records() {
    let (mut damaged, mut left_out) = (0, 0);
    for (folder, _) in released() {
        let stored = segments(&folder);
        if stored.len() > 1 {
            continue;
        }
        let recorded = Recorded::of(stored[0].clone());
        for sector in (0..recorded.bytes.len()).step_by(SECTOR_LEN) {
            let mut log = recorded.bytes.clone();
            let end = log.len().min(sector + SECTOR_LEN);
            log[sector..end].fill(0);
            let what = format!("{}, sector at {sector}", folder.display());
            match read_by_all(&[log.clone()], &what) {
                Some(records) => {
                    recorded.holds_against(&log, records, Some(sector), &what);
                    left_out += 1;
                }
                None => damaged += 1,
            }
        }
    }
    println!("{damaged} lost sectors are damage, {left_out} an unfinished append");
    assert!(damaged > 50 && left_out > 0);
}

/// Random logs, cut anywhere, with a sector or everything from some place on turned to zeros, or
/// with other bytes behind them, in one segment or several.
#[test]
fn only_one_append_is_left_out() {
    let counts = std::cell::Cell::new([0u32; 2]);
    holds(60, (plan(2..14), any::<u64>()), |(plan, mut random)| {
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below.max(1)
        };
        let recorded = Recorded::of(play(&plan).segments().remove(0));
        let len = recorded.bytes.len();
        for _ in 0..10 {
            let mut log = recorded.bytes.clone();
            let mut lost = None;
            // Mostly near the end, where it is not damage anyway.
            let near = len - next(len.min(3_000)).min(len - 64);
            match next(5) {
                0 => log.truncate(near),
                1 => log[near..].fill(0),
                2 => {
                    let sector = near / SECTOR_LEN * SECTOR_LEN;
                    log[sector..len.min(sector + SECTOR_LEN)].fill(0);
                    lost = Some(sector);
                }
                3 => {
                    let sector = near / SECTOR_LEN * SECTOR_LEN;
                    log[sector..len.min(sector + SECTOR_LEN)].fill(0);
                    lost = Some(sector);
                    log.truncate(near.max(len - next(600)));
                }
                _ => {
                    log.truncate(near);
                    log.resize(near + next(600), 0);
                }
            }
            let what =
                format!("{} of {len} bytes, changed near {near}, sector {lost:?}", log.len());
            let read = read_by_all(&[log.clone()], &what);
            let [whole, damaged] = counts.get();
            counts.set([whole + u32::from(read.is_some()), damaged + u32::from(read.is_none())]);
            if let Some(records) = read {
                recorded.holds_against(&log, records, lost, &what);
            }
        }
        // In several segments it is the last one only that can be unfinished.
        let mut spread = in_segments(&recorded.bytes, 1 + next(6));
        let number = next(spread.len());
        let from = 64.min(spread[number].len()) + next(spread[number].len() - 64);
        match next(2) {
            0 => spread[number].truncate(from),
            _ => spread[number][from..].fill(0),
        }
        let is_last = number + 1 == spread.len();
        let read = read_by_all(&spread, &format!("segment {number}, from {from}"));
        assert!(is_last || read.is_none(), "segment {number} of {} lacks something", spread.len());
    });
    println!("{:?} read, or damage", counts.get());
    assert!(counts.get().iter().all(|count| *count > 100));
}

/// Whoever opens a log to write, and whoever pulls from it, reads as many records as everybody
/// else; and the writer leaves exactly these behind.
#[test]
fn writers_and_pulls_agree() {
    let now = Timestamp::parse("2999-01-01T00:00:00Z").expect("a time");
    holds(12, (plan(2..14), any::<u64>()), |(plan, mut random)| {
        let recorded = Recorded::of(play(&plan).segments().remove(0));
        for _ in 0..6 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut log = recorded.bytes.clone();
            let back = (random >> 33) as usize % log.len().min(2_000);
            let sector = (log.len() - back) / SECTOR_LEN * SECTOR_LEN;
            let end = log.len().min(sector + SECTOR_LEN);
            log[sector..end].fill(0);
            if random >> 63 == 0 {
                log.truncate(log.len() - back / 2);
            }
            let what = format!("sector at {sector}, {} bytes", log.len());
            let read = read_by_all(&[log.clone()], &what);
            let scratch = scratch();
            let (folder, copy) = (scratch.path().join("ledger"), scratch.path().join("copy"));
            place(&[log.clone()], &folder);
            let pulled =
                pull(&copy, &Machine::in_folder(scratch.path()), &folder, now, Mode::Record).ok();
            assert_eq!(pulled.map(|pulled| pulled.new), read, "{what}: pull");
            let opened = Ledger::open_for_writing(&folder, &another_machine(&folder));
            let written = opened.as_ref().ok().map(|ledger| ledger.state().next_seq());
            // Opening trusts the signatures of all records but the last.
            if read.is_none() && written.is_some() {
                assert_eq!(segments(&folder), [log], "{what}: something is cut");
                continue;
            }
            assert_eq!(written, read, "{what}: {:?}", opened.map(|_| ()));
            let left = fs::read(folder.join("log/00000000.seg")).expect("a segment");
            let start = recorded.appends.iter().find(|(_, number)| Some(*number) == read);
            let expected = match start {
                Some((start, _)) => &recorded.bytes[..*start],
                None => &log[..],
            };
            assert!(left == expected, "{what}: what is left is not what counts");
        }
    });
}
