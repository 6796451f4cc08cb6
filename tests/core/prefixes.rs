//! Whether a log begins as a checkpoint says.

use ledger_core::checkpoint::Checkpoint;
use ledger_core::checkpoint::Fingerprints;
use ledger_core::checkpoint::PrefixCheck;
use ledger_core::checkpoint::find_record;
use ledger_core::store::Batch;
use ledger_core::store::Reader;
use ledger_core::store::SegmentHeader;
use ledger_core::store::SegmentSource;
use revshare_kit::disk::in_memory;

use crate::checkpoints::checkpoint_of;
use crate::damage::frames;
use crate::damage::small;

/// A prefix over several segments, which are read in parallel, holds as it is and with more behind
/// it; not with any one bit turned, cut anywhere, with a record left out or two exchanged, or with a
/// header that counts otherwise.
#[test]
fn a_prefix_in_segments_matches_only_as_it_is() {
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
    let log = in_memory(whole.clone());
    let checkpoint = checkpoint_of(&log);
    let holds = |segments: &[Vec<u8>]| {
        checkpoint.matches(&in_memory(segments.to_vec()), PrefixCheck::Content)
    };
    assert!(holds(&whole));
    for seq in 0..count as u64 {
        let (_, at) = find_record(&log, seq).expect("the record");
        let offset = at.offset as usize;
        let frame = &whole[at.segment as usize][offset..offset + at.len];
        assert_eq!(frame, frames[seq as usize], "record {seq}");
    }
    assert!(find_record(&log, count as u64).is_none());
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
    // A prefix that ends within the last segment.
    let mut shorter = whole.clone();
    shorter[3].truncate(whole[3].len() - frames[count - 1].len());
    let shorter = checkpoint_of(&in_memory(shorter));
    assert!(shorter.matches(&log, PrefixCheck::Content));
    let position = checkpoint.position;
    assert!(!Checkpoint { position, ..shorter }.matches(&log, PrefixCheck::Content));
}

/// Fingerprints count only where records were added from the start of a segment on, without a gap.
#[test]
fn fingerprints_with_a_gap_do_not_count() {
    let log = in_memory(small().segments());
    let mut reader = Reader::new(&log).expect("a log");
    let mut batch = Batch::default();
    assert!(reader.next_batch(&mut batch).expect("a log"));
    let (count, end) = (batch.len(), (0, batch.frames().last().expect("a record").0.end()));
    let adds = |ranges: &[(usize, usize)]| {
        let mut fingerprints = Fingerprints::default();
        ranges.iter().for_each(|(from, to)| fingerprints.add_frames(&batch, *from..*to));
        let segments = log.segments().expect("segments");
        fingerprints.finish(&segments).is_some() && fingerprints.position() == end
    };
    assert!(adds(&[(0, count)]) && adds(&[(0, 0), (0, 1), (1, 1), (1, count)]));
    assert!(!adds(&[(1, count)]), "without the first");
    assert!(!adds(&[(0, count - 1)]), "without the last");
    assert!(!adds(&[(0, 2), (3, count)]), "without one between");
    assert!(!adds(&[(0, 2), (1, count)]), "one twice");
}
