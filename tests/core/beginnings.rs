//! Whether a log begins as it is known.

use ledger_core::chain::StoredRecord;
use ledger_core::prefix::Again;
use ledger_core::prefix::Known;
use ledger_core::prefix::KnownSegment;
use ledger_core::prefix::holds as begins_so;
use ledger_core::store::SegmentHeader;
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
        segments: vec![KnownSegment { stamp: String::new(), signatures: None }; 4],
        snapshot: Digest::default(),
    };
    let last = known.records - 1;
    let read = |known: &Known, segments: &[Vec<u8>]| {
        begins_so(&in_memory(segments.to_vec()), known, Again::All, Some(last))
    };
    let found = read(&known, &whole).expect("it holds");
    assert_eq!(found.wanted.map(|(hash, _)| hash), Some(known.head));
    for (number, one) in (0u32..).zip(&mut known.segments) {
        one.signatures = Some(found.signatures.of(number).expect("signatures"));
    }
    let holds = |segments: &[Vec<u8>]| read(&known, segments).is_some();
    assert!(holds(&whole));
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
        segments: vec![KnownSegment { stamp: String::new(), signatures: None }; 4],
        ..known.clone()
    };
    assert!(read(&shorter, &whole).is_some());
    assert!(read(&Known { records: count as u64, ..shorter.clone() }, &whole).is_none());
    assert!(read(&Known { head: known.head, ..shorter }, &whole).is_none());
}

/// The hash that a record names as that of the one before it.
fn previous(frame: &[u8]) -> RecordHash {
    StoredRecord::read(frame).expect("a record").place.previous
}
