//! Reads a log from front to back in batches of whole frames, and says how it ends.

use std::ops::Range;

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::FRAME_TRAILER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::limits::FRAME_LEN_MAX;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;

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
const SEARCH_LEN_MAX: u64 = 4 * FRAME_LEN_MAX as u64;
/// The longest frame.
const ONE_FRAME_LEN_MAX: u64 = (FRAME_HEADER_LEN + FRAME_LEN_MAX + FRAME_TRAILER_LEN) as u64;
/// Most bytes of frames that are hashed in that search.
const TRY_LEN_MAX: u64 = 1 << 30;
/// What a disk writes at once: a sector that was never written reads as zeros.
const SECTOR_LEN: usize = 512;

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
        self.offset.saturating_add(self.len as u64)
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

/// How a log ends, once every whole frame was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With a whole record.
    Clean,
    /// With bytes that are no whole record and have none behind them: an append that was never
    /// finished. It was not said to be recorded.
    Unfinished(Tail),
    /// With damage.
    Damaged {
        /// What is wrong, and where.
        problem: Box<Problem>,
        /// Where a whole record follows, if one does.
        resume: Option<(u32, u64)>,
    },
}

/// The bytes behind the last whole record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tail {
    /// The segment that holds them.
    pub segment: u32,
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub len: u64,
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
        let expected = self.first as usize + self.at;
        if segment.number as usize != expected {
            let message = format!("segment {expected:08} is missing");
            return Ok(self.damaged(Code::SegmentBroken, segment, 0, message));
        }
        let is_last = self.at + 1 == self.segments.len();
        let header_len = SEGMENT_HEADER_LEN as u64;
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
            // A segment whose file was made and whose first bytes never reached the disk.
            None if is_last
                && segment.len <= header_len + ONE_FRAME_LEN_MAX
                && header.iter().all(|byte| *byte == 0) =>
            {
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
    fn read_frames(&mut self, segment: &Segment, batch: &mut Batch) -> Result<(), Problem> {
        let left = usize::try_from(segment.len - self.offset).unwrap_or(usize::MAX);
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
                let offset = self.offset + start as u64;
                batch.frames.push(FrameAt { segment: segment.number, offset, start, len });
                self.next_seq = header.seq.checked_add(1);
                start += len;
            }
            self.offset += start as u64;
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
        let len = segment.len - offset;
        let is_last = self.at + 1 == self.segments.len();
        let mut behind = self.whole_record_behind(segment, offset + 1)?;
        if behind.is_none() && !is_last {
            let next = &self.segments[self.at + 1];
            behind = Some((next.number, 0));
        }
        let header_damaged = behind.is_none() && self.is_record_with_damaged_header(segment)?;
        if behind.is_none() && !header_damaged && len <= ONE_FRAME_LEN_MAX {
            self.ending = Some(Ending::Unfinished(Tail { segment: number, offset, len }));
            return Ok(());
        }
        let message = match (header_damaged, &behind) {
            (true, _) => "the header of the last record is damaged".to_owned(),
            (_, Some(_)) => "no whole record begins here, but one follows".to_owned(),
            (_, None) => "no whole record begins here, and no append is as long".to_owned(),
        };
        self.damaged(Code::FrameBroken, segment, offset, message);
        if let Some(Ending::Damaged { resume, .. }) = &mut self.ending {
            *resume = behind;
        }
        Ok(())
    }

    /// The first whole record of the segment, with the right hash, from an offset on. It reads as
    /// far as it has to, and not more at once than a frame.
    fn whole_record_behind(
        &mut self,
        segment: &Segment,
        offset: u64,
    ) -> Result<Option<(u32, u64)>, Problem> {
        let (mut at, mut window) = (offset, SEARCH_LEN);
        let mut bytes = Vec::new();
        loop {
            let left = segment.len.saturating_sub(at);
            bytes.resize(usize::try_from(left).unwrap_or(usize::MAX).min(window), 0);
            let starts = bytes.len().saturating_sub(FRAME_HEADER_LEN);
            // Where no record has followed for so long, the log is damaged with or without one.
            if starts == 0 || self.to_search < starts as u64 {
                return Ok(None);
            }
            self.source.read_at(segment.number, at, &mut bytes)?;
            for start in 0..starts {
                // No log has 2^40 records: most places are ruled out before anything is hashed.
                let Some(bytes) = bytes.get(start..start + FRAME_HEADER_LEN) else { continue };
                if bytes[9..12] != [0; 3] || bytes[..4] == [0; 4] {
                    continue;
                }
                let Some(header) = FrameHeader::read(bytes) else { continue };
                let place = at + start as u64;
                if self.is_whole(segment, place, header)? {
                    self.to_search = self.to_search.saturating_sub(start as u64);
                    return Ok(Some((segment.number, place)));
                }
            }
            at += starts as u64;
            self.to_search = self.to_search.saturating_sub(starts as u64);
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
        if offset.checked_add(len as u64).is_none_or(|end| end > segment.len) {
            return Ok(false);
        }
        // Records lie one behind another. Frames inside frames, so many that hashing each would take
        // for ever, were made to that end: the log is damaged whatever they hold.
        let Some(left) = self.to_try.checked_sub(len as u64) else { return Ok(true) };
        self.to_try = left;
        let mut frame = vec![0; len];
        self.source.read_at(segment.number, offset, &mut frame)?;
        Ok(StoredRecord::read(&frame).is_ok_and(|record| record.check_hash().is_ok()))
    }

    /// Whether the rest of the segment is one whole record but for its frame header. Where what the
    /// first sector holds of it is zeros, that sector was never written.
    fn is_record_with_damaged_header(&self, segment: &Segment) -> Result<bool, Problem> {
        let len = usize::try_from(segment.len - self.offset).unwrap_or(usize::MAX);
        if len > FRAME_HEADER_LEN + FRAME_LEN_MAX + FRAME_TRAILER_LEN {
            return Ok(false);
        }
        let mut frame = vec![0; len];
        self.source.read_at(segment.number, self.offset, &mut frame)?;
        let Some(body_len) = len.checked_sub(FRAME_HEADER_LEN + FRAME_TRAILER_LEN) else {
            return Ok(false);
        };
        let into = (self.offset % SECTOR_LEN as u64) as usize;
        let first = frame.get(..(SECTOR_LEN - into) % SECTOR_LEN).unwrap_or_default();
        if !first.is_empty() && first.iter().all(|byte| *byte == 0) {
            return Ok(false);
        }
        // The body has the sequence number, too.
        let seq = frame.get(FRAME_HEADER_LEN + 36..).and_then(|rest| rest.first_chunk());
        let Some(seq) = seq.map(|bytes| u64::from_le_bytes(*bytes)) else {
            return Ok(false);
        };
        frame[..FRAME_HEADER_LEN].copy_from_slice(&FrameHeader { body_len, seq }.bytes());
        let record = StoredRecord::read(&frame);
        Ok(record.is_ok_and(|record| record.check_hash().is_ok()))
    }
}

/// Whether a frame at an offset of its file holds a sector that was never written. A last record
/// whose hash is wrong is an unfinished append if so, and damage if not.
pub fn has_unwritten_sector(frame: &[u8], offset: u64) -> bool {
    let into = (offset % SECTOR_LEN as u64) as usize;
    let lead = (SECTOR_LEN - into) % SECTOR_LEN;
    let whole = frame.get(lead..).unwrap_or_default().chunks_exact(SECTOR_LEN);
    let end = whole.remainder();
    let zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    // The last sector is written in part: its end, hash and signature, must be zeros.
    let end_unwritten = end.len() >= 64 && zero(end);
    whole.into_iter().any(zero) || end_unwritten
}

/// Whether the last sector of a frame at an offset of its file was never written. A last record
/// whose signature is wrong is an unfinished append if so: its hash may lie in a sector before.
pub fn has_unwritten_end(frame: &[u8], offset: u64) -> bool {
    let end = (offset % SECTOR_LEN as u64) as usize + frame.len();
    let from = frame.len().saturating_sub(end % SECTOR_LEN);
    let last = frame.get(from..).unwrap_or_default();
    !last.is_empty() && last.iter().all(|byte| *byte == 0)
}
