//! Reads a log from front to back in batches of whole frames, and says how it ends.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "places in a file, which the disk bounds, and in a batch of it in memory"
)]

use std::ops::Range;

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
use crate::store::ending::Ending;
use crate::store::ending::START_LEN;
use crate::store::ending::Tail;
use crate::store::ending::WHOLE_FRAME_LEN_MAX;
use crate::store::ending::begins_as_one_frame;
use crate::store::ending::is_zero;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::to_u64;
use crate::vocab::to_usize;

/// Bytes read at once; a larger frame is read whole.
const BATCH_LEN: usize = 4 << 20;
/// Most frames that are looked at at once, and most bytes of them but for the last: while these are
/// decoded in parallel, those before them are judged in order.
const SHARE_FRAMES_MAX: usize = 8_192;
const SHARE_LEN_MAX: usize = 4 << 20;
/// Bytes read at once behind damage, at first; more, the longer it goes on well.
const SEARCH_LEN: usize = 4 << 10;
/// Most bytes that are searched for whole records behind damage, over all of a log: four of the
/// largest records. A sparse file may be as long as it likes.
const SEARCH_LEN_MAX: u64 = 4 * WHOLE_FRAME_LEN_MAX;
/// Most bytes of frames that are hashed in that search.
const TRY_LEN_MAX: u64 = 1 << 30;

/// A length of a file, as one of memory that is not larger than `most`.
fn at_most(len: u64, most: usize) -> usize {
    usize::try_from(len).map_or(most, |len| len.min(most))
}

/// Where a frame lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameAt {
    /// Its segment.
    pub segment: u32,
    /// Its offset in the segment.
    pub offset: u64,
    /// Its start in the batch's bytes.
    pub start: usize,
    /// Its length.
    pub len: usize,
}

impl FrameAt {
    /// Its end in the segment.
    pub fn end(self) -> u64 {
        self.offset.saturating_add(to_u64(self.len))
    }
}

/// Whole frames, one after another. Reused from batch to batch.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    frames: Vec<FrameAt>,
}

impl Batch {
    /// The frames with their places.
    #[expect(clippy::indexing_slicing, reason = "a frame is pushed when its bytes lie here")]
    pub fn frames(&self) -> impl Iterator<Item = (FrameAt, &[u8])> {
        self.frames.iter().map(|at| (*at, &self.bytes[at.start..at.start + at.len]))
    }

    /// How many frames.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Where the frames end that are looked at at once with the one at a position.
    pub fn end_of_share(&self, from: usize) -> usize {
        let mut bytes = 0;
        let mut share = self.frames.iter().skip(from).take(SHARE_FRAMES_MAX);
        let beyond = share.position(|place| {
            bytes += place.len;
            bytes > SHARE_LEN_MAX
        });
        match beyond {
            Some(beyond) => from + beyond.max(1),
            None => self.frames.len().min(from + SHARE_FRAMES_MAX),
        }
    }

    /// The frame at a position.
    pub fn frame(&self, at: usize) -> Option<(FrameAt, &[u8])> {
        let at = self.frames.get(at)?;
        Some((*at, self.bytes.get(at.start..at.start + at.len)?))
    }

    /// The bytes of frames, which lie one behind another in one segment.
    pub fn bytes(&self, frames: Range<usize>) -> Option<&[u8]> {
        let frames = self.frames.get(frames)?;
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else {
            return Some(&[]);
        };
        self.bytes.get(first.start..last.start + last.len)
    }
}

/// Reads the frames of a log.
pub struct Reader<'s> {
    source: &'s dyn SegmentSource,
    segments: Vec<Segment>,
    /// Number of the first of them.
    first: u32,
    /// Position in `segments`.
    at: usize,
    offset: u64,
    /// The number of frames read from the present segment's start must fit the next header.
    next_seq: Option<u64>,
    /// What the header of the present segment says is the number of its first record.
    first_seq: Option<u64>,
    ending: Option<Ending>,
    /// Bytes to be read at once.
    batch_len: usize,
    /// Bytes of frames that are still tried in search of whole records: twice those of the log, at
    /// most.
    to_try: u64,
    /// Bytes that are still searched for whole records.
    to_search: u64,
}

impl<'s> Reader<'s> {
    /// From the first record. Errors: [`Code::DiskRead`].
    pub fn new(source: &'s dyn SegmentSource) -> Result<Reader<'s>, Problem> {
        let segments = source.segments()?;
        let len = segments.iter().fold(0u64, |len, segment| len.saturating_add(segment.len));
        let to_try = len.saturating_mul(2).min(TRY_LEN_MAX);
        Ok(Reader {
            source,
            segments,
            first: 0,
            at: 0,
            offset: 0,
            next_seq: Some(0),
            first_seq: None,
            ending: None,
            batch_len: BATCH_LEN,
            to_try,
            to_search: SEARCH_LEN_MAX,
        })
    }

    /// One segment alone, as long as it is said to be.
    pub fn of_segment(source: &'s dyn SegmentSource, segment: Segment) -> Reader<'s> {
        Reader {
            source,
            first: segment.number,
            at: 0,
            offset: 0,
            next_seq: None,
            first_seq: None,
            ending: None,
            batch_len: BATCH_LEN,
            to_try: segment.len.saturating_mul(2).min(TRY_LEN_MAX),
            to_search: SEARCH_LEN_MAX,
            segments: vec![segment],
        }
    }

    /// From a place where a frame begins.
    pub fn from_place(
        source: &'s dyn SegmentSource,
        (segment, offset): (u32, u64),
        next_seq: Option<u64>,
    ) -> Result<Reader<'s>, Problem> {
        let mut reader = Reader::new(source)?;
        reader.resume((segment, offset));
        reader.next_seq = next_seq;
        reader.batch_len = BATCH_LEN;
        Ok(reader)
    }

    /// Goes on behind damage, where a whole record follows.
    pub fn resume(&mut self, (segment, offset): (u32, u64)) {
        let place = self.segments.iter().position(|known| known.number == segment);
        self.at = place.unwrap_or(self.segments.len());
        self.offset = offset;
        self.next_seq = None;
        self.ending = None;
        self.batch_len = SEARCH_LEN;
    }

    /// Where the next frame would begin: segment number and offset.
    pub fn place(&self) -> (u32, u64) {
        let segment = self.segments.get(self.at).or(self.segments.last());
        (segment.map_or(0, |segment| segment.number), self.offset)
    }

    /// What the header of the segment that was opened last gives as the number of its first record.
    pub fn first_seq(&self) -> Option<u64> {
        self.first_seq
    }

    /// Where the log ends: its last segment, and the length of that.
    pub fn end(&self) -> Option<(u32, u64)> {
        self.segments.last().map(|last| (last.number, last.len))
    }

    /// How the log ends; `None` before [`Reader::next_batch`] has returned false.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// How many bytes follow, headers of segments among them.
    pub fn left(&self) -> u64 {
        let left = self.segments.iter().skip(self.at).map(|segment| segment.len);
        left.sum::<u64>().saturating_sub(self.offset)
    }

    /// Reads the next frames; false at the end of what can be read. Errors: [`Code::DiskRead`].
    pub fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, Problem> {
        batch.frames.clear();
        while self.ending.is_none() {
            let Some(segment) = self.segments.get(self.at).cloned() else {
                self.ending = Some(Ending::Clean);
                break;
            };
            if self.offset == 0 && !self.open_segment(&segment)? {
                break;
            }
            if self.offset >= segment.len {
                self.at += 1;
                self.offset = if self.at < self.segments.len() { 0 } else { segment.len };
                if self.at == self.segments.len() {
                    self.ending = Some(Ending::Clean);
                }
                continue;
            }
            self.read_frames(&segment, batch)?;
            if !batch.is_empty() {
                return Ok(true);
            }
            self.judge_tail(&segment)?;
        }
        Ok(false)
    }

    fn damaged(&mut self, code: Code, segment: &Segment, offset: u64, message: String) -> bool {
        let place = Place::Bytes { path: segment.name.clone(), offset };
        let problem = Problem::new(code, message)
            .at(place)
            .hint("the file was damaged or changed; compare it with another copy of the ledger");
        self.ending = Some(Ending::Damaged { problem: Box::new(problem), resume: None });
        false
    }

    /// Checks number and header of a segment, and steps behind the header.
    fn open_segment(&mut self, segment: &Segment) -> Result<bool, Problem> {
        let expected = to_usize(self.first) + self.at;
        if to_usize(segment.number) != expected {
            let message = format!("segment {expected:08} is missing");
            return Ok(self.damaged(Code::SegmentBroken, segment, 0, message));
        }
        let is_last = self.at + 1 == self.segments.len();
        let header_len = to_u64(SEGMENT_HEADER_LEN);
        if segment.len < header_len {
            if is_last {
                let tail = Tail { segment: segment.number, offset: 0, len: segment.len };
                self.ending = Some(Ending::Unfinished(tail));
                return Ok(false);
            }
            let message = "the segment is shorter than its header".to_owned();
            return Ok(self.damaged(Code::SegmentBroken, segment, 0, message));
        }
        let mut header = [0; SEGMENT_HEADER_LEN];
        self.source.read_at(segment.number, 0, &mut header)?;
        let fits = |read: SegmentHeader| {
            read.number == segment.number && self.next_seq.is_none_or(|seq| seq == read.first_seq)
        };
        match SegmentHeader::read(&header) {
            Some(read) if fits(read) => {
                self.offset = header_len;
                self.first_seq = Some(read.first_seq);
                Ok(true)
            }
            Some(read) => {
                let message = format!(
                    "the segment says that it is number {} and begins with record {}",
                    read.number, read.first_seq
                );
                Ok(self.damaged(Code::SegmentBroken, segment, 0, message))
            }
            // A segment whose file was made, and none of whose bytes reached the disk.
            None if is_last && is_zero(&header) && self.is_zero(segment)? => {
                let tail = Tail { segment: segment.number, offset: 0, len: segment.len };
                self.ending = Some(Ending::Unfinished(tail));
                Ok(false)
            }
            None => {
                let resume = self.whole_record_behind(segment, header_len)?;
                let message = "the segment's header is damaged".to_owned();
                self.damaged(Code::SegmentBroken, segment, 0, message);
                if let Some(Ending::Damaged { resume: to, .. }) = &mut self.ending {
                    *to = resume;
                }
                Ok(false)
            }
        }
    }

    /// Reads whole frames from the present place into the batch.
    #[expect(
        clippy::indexing_slicing,
        reason = "the batch is made `wanted` long, which `start` never passes"
    )]
    fn read_frames(&mut self, segment: &Segment, batch: &mut Batch) -> Result<(), Problem> {
        let left = at_most(segment.len - self.offset, usize::MAX);
        let mut wanted = left.min(self.batch_len);
        self.batch_len = (self.batch_len * 2).min(BATCH_LEN);
        loop {
            if batch.bytes.len() < wanted {
                batch.bytes.resize(wanted, 0);
            }
            self.source.read_at(segment.number, self.offset, &mut batch.bytes[..wanted])?;
            let mut start = 0;
            while let Some(header) = FrameHeader::read(&batch.bytes[start..wanted]) {
                let len = header.frame_len();
                if start == 0 && len > wanted && len <= left {
                    break;
                }
                if len > wanted - start {
                    break;
                }
                let offset = self.offset + to_u64(start);
                batch.frames.push(FrameAt { segment: segment.number, offset, start, len });
                self.next_seq = header.seq.checked_add(1);
                start += len;
            }
            self.offset += to_u64(start);
            let first = FrameHeader::read(&batch.bytes[..wanted]).map(FrameHeader::frame_len);
            match first {
                Some(len) if batch.is_empty() && len > wanted && len <= left => wanted = len,
                _ => return Ok(()),
            }
        }
    }

    /// Says what the bytes are that begin where no whole frame does.
    fn judge_tail(&mut self, segment: &Segment) -> Result<(), Problem> {
        let (number, offset) = (segment.number, self.offset);
        let next = self.segments.get(self.at + 1).map(|next| (next.number, 0));
        if next.is_none() && self.is_one_append(segment)? {
            let tail = Tail { segment: number, offset, len: segment.len - offset };
            self.ending = Some(Ending::Unfinished(tail));
            return Ok(());
        }
        let behind = self.whole_record_behind(segment, offset + 1)?.or(next);
        let message = match behind {
            Some(_) => "no whole record begins here, but one follows",
            None => "no whole record begins here, and one unfinished append leaves other bytes",
        };
        self.damaged(Code::FrameBroken, segment, offset, message.to_owned());
        if let Some(Ending::Damaged { resume, .. }) = &mut self.ending {
            *resume = behind;
        }
        Ok(())
    }

    /// Whether the bytes that end the log, and hold no whole frame, can be what one append left.
    fn is_one_append(&mut self, segment: &Segment) -> Result<bool, Problem> {
        let (offset, len) = (self.offset, segment.len - self.offset);
        // What cannot be searched to its end is not taken for an append.
        if len > WHOLE_FRAME_LEN_MAX || len > self.to_search {
            return Ok(false);
        }
        let mut start = vec![0; at_most(len, START_LEN)];
        self.source.read_at(segment.number, offset, &mut start)?;
        if !begins_as_one_frame(&start, offset, self.next_seq) {
            return Ok(false);
        }
        // Another frame was written behind it: it was finished.
        Ok(self.find_header(segment, offset + 1, |_, _, _| Ok(true))?.is_none())
    }

    /// Whether a segment is zeros from its first byte to its last, and not longer than one with one
    /// frame.
    fn is_zero(&self, segment: &Segment) -> Result<bool, Problem> {
        if segment.len > to_u64(SEGMENT_HEADER_LEN) + WHOLE_FRAME_LEN_MAX {
            return Ok(false);
        }
        let (mut at, mut bytes) = (0, Vec::new());
        while at < segment.len {
            bytes.resize(at_most(segment.len - at, BATCH_LEN), 0);
            self.source.read_at(segment.number, at, &mut bytes)?;
            if !is_zero(&bytes) {
                return Ok(false);
            }
            at += to_u64(bytes.len());
        }
        Ok(true)
    }

    /// The first whole record of the segment, with the right hash, from an offset on.
    fn whole_record_behind(
        &mut self,
        segment: &Segment,
        offset: u64,
    ) -> Result<Option<(u32, u64)>, Problem> {
        self.find_header(segment, offset, |reader, place, header| {
            reader.is_whole(segment, place, header)
        })
    }

    /// The first frame header of the segment, from an offset on, that is wanted. It reads as far as
    /// it has to, and not more at once than a frame.
    fn find_header(
        &mut self,
        segment: &Segment,
        offset: u64,
        is_wanted: impl Fn(&mut Self, u64, FrameHeader) -> Result<bool, Problem>,
    ) -> Result<Option<(u32, u64)>, Problem> {
        let (mut at, mut window) = (offset, SEARCH_LEN);
        let mut bytes = Vec::new();
        loop {
            let left = segment.len.saturating_sub(at);
            bytes.resize(at_most(left, window), 0);
            let starts = (bytes.len() + 1).saturating_sub(FRAME_HEADER_LEN);
            // Where no record has followed for so long, the log is damaged with or without one.
            if starts == 0 || self.to_search < to_u64(starts) {
                return Ok(None);
            }
            self.source.read_at(segment.number, at, &mut bytes)?;
            for start in 0..starts {
                // No log has 2^40 records: most places are ruled out before anything is hashed.
                let bytes =
                    bytes.get(start..).and_then(|rest| rest.first_chunk::<FRAME_HEADER_LEN>());
                let Some(bytes) = bytes else { continue };
                if bytes[9..12] != [0; 3] || bytes[..4] == [0; 4] {
                    continue;
                }
                let Some(header) = FrameHeader::read(bytes) else { continue };
                let place = at + to_u64(start);
                if is_wanted(self, place, header)? {
                    self.to_search = self.to_search.saturating_sub(to_u64(start));
                    return Ok(Some((segment.number, place)));
                }
            }
            at += to_u64(starts);
            self.to_search = self.to_search.saturating_sub(to_u64(starts));
            window = (window * 2).min(BATCH_LEN);
        }
    }

    /// Whether a whole record with the right hash begins where a frame header does.
    fn is_whole(
        &mut self,
        segment: &Segment,
        offset: u64,
        header: FrameHeader,
    ) -> Result<bool, Problem> {
        let len = header.frame_len();
        if offset.checked_add(to_u64(len)).is_none_or(|end| end > segment.len) {
            return Ok(false);
        }
        // Records lie one behind another. Frames inside frames, so many that hashing each would take
        // for ever, were made to that end: the log is damaged whatever they hold.
        let Some(left) = self.to_try.checked_sub(to_u64(len)) else { return Ok(true) };
        self.to_try = left;
        let mut frame = vec![0; len];
        self.source.read_at(segment.number, offset, &mut frame)?;
        Ok(StoredRecord::read(&frame).is_ok_and(|record| record.check_hash().is_ok()))
    }
}
