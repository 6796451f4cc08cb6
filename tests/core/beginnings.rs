//! Whether a log begins as it is known.

use ledger_core::chain::StoredRecord;
use ledger_core::prefix::Again;
use ledger_core::prefix::Known;
use ledger_core::prefix::KnownSegment;
use ledger_core::prefix::Seen;
use ledger_core::prefix::Sight;
use ledger_core::prefix::holds as begins_so;
use ledger_core::store::Batch;
use ledger_core::store::Reader;
use ledger_core::store::SegmentHeader;
use ledger_core::store::SegmentSource;
use ledger_core::vocab::Digest;
use ledger_core::vocab::RecordHash;
use revshare_kit::disk::in_memory;

use crate::damage::frames;
use crate::damage::small;

/// A beginning over several segments, which are read in parallel, holds as it is and with more behind
/// it; not with any one bit turned, cut anywhere, with a record left out or two exchanged, or with a
/// header that counts otherwise.
#[test]
fn a_beginning_in_segments_holds_only_as_it_is() {
    let world = small();
    let log = world.segments().remove(0);
    let frames: Vec<Vec<u8>> =
        frames(&log).into_iter().map(|(at, len)| log[at..at + len].to_vec()).collect();
    let segment = |number: u32, first_seq: u64, frames: &[Vec<u8>]| {
        [&SegmentHeader { number, first_seq }.bytes()[..], &frames.concat()].concat()
    };
    let count = frames.len();
    let from = [0, 1, 3, count - 3, count];
    let segments = |frames: &[Vec<u8>]| -> Vec<Vec<u8>> {
        let ranges = from.windows(2).zip(0u32..);
        let of = |(range, number): (&[usize], u32)| {
            let range = range[0]..range[1].min(frames.len());
            segment(number, range.start as u64, &frames[range])
        };
        ranges.map(of).collect()
    };
    let whole = segments(&frames);
    let state = world.state();
    let mut known = Known {
        ledger: world.agreement().ledger(),
        records: state.next_seq(),
        head: state.head(),
        place: (3, whole[3].len() as u64),
        at: state.recorded_at(),
        complete: (state.next_seq(), state.recorded_at()),
        segments: vec![KnownSegment { stamp: String::new(), seen: None }; 4],
        snapshot: Digest::default(),
    };
    let last = known.records - 1;
    let read = |known: &Known, segments: &[Vec<u8>]| {
        begins_so(&in_memory(segments.to_vec()), known, Again::All, Some(last))
    };
    let found = read(&known, &whole).expect("it holds");
    assert_eq!(found.wanted.map(|(hash, _)| hash), Some(known.head));
    for (number, one) in (0u32..).zip(&mut known.segments) {
        one.seen = Some(found.sight.of(number).expect("seen"));
        assert!(matches!(one.seen, Some(Seen::Signatures(_))));
    }
    let by_signatures = known.clone();
    // The last segment, and at other times each of the others, was one to which more came.
    let by_bytes = |number: usize| {
        let mut known = by_signatures.clone();
        let sight = seen(&in_memory(whole.clone()), Some(number as u32));
        assert!(sight.is_whole_up_to(known.place));
        known.segments[number].seen = sight.of(number as u32);
        assert!(matches!(known.segments[number].seen, Some(Seen::Bytes(..))));
        known
    };
    let all: Vec<Known> = (0..4).map(by_bytes).chain([by_signatures.clone()]).collect();
    // Whatever is tried below, all of them say the same.
    let holds = |segments: &[Vec<u8>]| {
        let found: Vec<bool> = all.iter().map(|known| read(known, segments).is_some()).collect();
        assert!(found.iter().all(|one| one == &found[0]), "{found:?}");
        found[0]
    };
    assert!(holds(&whole));
    for (number, known) in all.iter().enumerate() {
        for seq in 0..count as u64 {
            let found = begins_so(&in_memory(whole.clone()), known, Again::All, Some(seq));
            let (hash, at) = found.and_then(|read| read.wanted).expect("the record");
            let offset = at.offset as usize;
            let frame = &whole[at.segment as usize][offset..offset + at.len];
            assert_eq!(frame, frames[seq as usize], "record {seq}, {number}");
            assert_eq!(hash, StoredRecord::read(frame).expect("a record").hash);
        }
    }
    let mut turned = 0;
    for (at, bytes) in whole.iter().enumerate() {
        for byte in 0..bytes.len() {
            let mut changed = whole.clone();
            changed[at][byte] ^= 1 << (byte % 8);
            assert!(!holds(&changed), "byte {byte} of segment {at}");
            turned += 1;
            changed[at].truncate(byte);
            assert!(!holds(&changed), "segment {at} cut at {byte}");
        }
        let mut short = whole.clone();
        short.remove(at);
        assert!(!holds(&short), "without segment {at}");
    }
    assert!(turned > 4_000);
    for at in 0..count {
        let mut fewer = frames.clone();
        fewer.remove(at);
        assert!(!holds(&segments(&fewer)), "without record {at}");
        if at > 0 {
            let mut twice = frames.clone();
            twice.insert(at - 1, frames[at - 1].clone());
            assert!(!holds(&segments(&twice)), "record {} twice", at - 1);
            let mut exchanged = frames.clone();
            exchanged.swap(at, at - 1);
            assert!(!holds(&segments(&exchanged)), "records {at} and the one before");
        }
    }
    for (number, first_seq) in [(0, 1), (1, 2), (2, 2), (2, 4), (3, 0)] {
        let mut miscounted = whole.clone();
        let header = SegmentHeader { number, first_seq }.bytes();
        miscounted[number as usize][..header.len()].copy_from_slice(&header);
        assert!(!holds(&miscounted), "segment {number} from record {first_seq}");
    }
    // More behind it, in the last segment and in others.
    let mut more = whole.clone();
    more[3].extend_from_slice(&frames[0]);
    more.push(segment(4, count as u64 + 1, &[]));
    assert!(holds(&more));
    // A beginning that ends within the last segment.
    let shorter = Known {
        records: count as u64 - 1,
        head: previous(&frames[count - 1]),
        place: (3, (whole[3].len() - frames[count - 1].len()) as u64),
        segments: vec![KnownSegment { stamp: String::new(), seen: None }; 4],
        ..known.clone()
    };
    assert!(read(&shorter, &whole).is_some());
    assert!(read(&Known { records: count as u64, ..shorter.clone() }, &whole).is_none());
    assert!(read(&Known { head: known.head, ..shorter }, &whole).is_none());
}

/// What is seen of a log, in pieces as they come; `growing` is the segment to which more may come.
fn seen(log: &dyn SegmentSource, growing: Option<u32>) -> Sight {
    let mut reader = Reader::new(log).expect("a log");
    let (mut batch, mut sight) = (Batch::default(), Sight::default());
    while reader.next_batch(&mut batch).expect("a log") {
        let middle = batch.len() / 2;
        sight.add(&batch, 0..middle, growing);
        sight.add(&batch, middle..batch.len(), growing);
    }
    sight
}

/// What was seen of a segment counts only from its start on, without a gap.
#[test]
fn a_sight_with_a_gap_is_not_whole() {
    let log = in_memory(small().segments());
    let mut reader = Reader::new(&log).expect("a log");
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).expect("a log"));
    let (count, end) = (batch.len(), (0, batch.frames().last().expect("a record").0.end()));
    for growing in [None, Some(0)] {
        let sees = |ranges: &[(usize, usize)]| {
            let mut sight = Sight::default();
            ranges.iter().for_each(|(from, to)| sight.add(&batch, *from..*to, growing));
            sight.is_whole_up_to(end)
        };
        assert!(sees(&[(0, count)]) && sees(&[(0, 0), (0, 1), (1, 1), (1, count)]));
        assert!(!sees(&[(1, count)]), "without the first");
        assert!(!sees(&[(0, count - 1)]), "without the last");
        assert!(!sees(&[(0, 2), (3, count)]), "without one between");
        assert!(!sees(&[(0, 2), (1, count)]), "one twice");
    }
}

/// The hash that a record names as that of the one before it.
fn previous(frame: &[u8]) -> RecordHash {
    StoredRecord::read(frame).expect("a record").place.previous
}
