//! Segment files as they come: any bytes, cut anywhere.
//!
//! ```text
//! number of cuts u8 (up to 3), a length u16 for each, and the bytes of the segments
//! ```

use ledger_core::chain::StoredRecord;
use ledger_core::chain::frame::FrameHeader;
use ledger_core::chain::frame_len;
use ledger_core::store::Batch;
use ledger_core::store::MemoryLog;
use ledger_core::store::Reader;
use ledger_core::store::SegmentHeader;

use crate::input::Input;
use crate::log::agree;

/// See the module.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let cuts = input.u8() % 4;
    let lengths: Vec<u16> = (0..cuts).map(|_| input.u16()).collect();
    let mut segments: Vec<Vec<u8>> =
        lengths.iter().map(|len| input.take(usize::from(*len)).to_vec()).collect();
    segments.push(input.0.to_vec());
    for segment in &segments {
        pieces(segment);
    }
    let log = MemoryLog { segments };
    frames(&log);
    agree(&log);
}

/// What is read of a segment without a log around it is written as the same bytes.
fn pieces(segment: &[u8]) {
    if let Some(header) = segment.first_chunk()
        && let Some(read) = SegmentHeader::read(header)
    {
        assert_eq!(read.bytes(), *header);
    }
    for at in [0, 64] {
        let bytes = segment.get(at..).unwrap_or_default();
        let Some(header) = FrameHeader::read(bytes) else { continue };
        assert_eq!(header.bytes()[..], bytes[..16]);
        assert_eq!(frame_len(bytes), Some(header.frame_len()));
        if let Some(frame) = bytes.get(..header.frame_len())
            && let Ok(record) = StoredRecord::read(frame)
        {
            assert_eq!((record.frame, record.place.seq), (frame, header.seq));
        }
    }
}

/// Frames lie one behind another, none twice, and reading ends.
fn frames(log: &MemoryLog) {
    let (mut reader, mut batch) = (Reader::new(log).expect("memory"), Batch::default());
    let mut last = (0, 0);
    while reader.next_batch(&mut batch).expect("memory can be read") {
        assert!(!batch.is_empty());
        for (at, frame) in batch.frames() {
            assert!((at.segment, at.offset) >= last, "a frame is read twice");
            last = (at.segment, at.offset + at.len as u64);
            let segment = &log.segments[at.segment as usize];
            let (start, end) = (at.offset as usize, at.offset as usize + at.len);
            assert_eq!(segment.get(start..end), Some(frame));
        }
    }
    assert!(reader.ending().is_some());
}
