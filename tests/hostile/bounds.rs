//! Files that are made to take for ever, or all of the memory: longer than the fuzzer tries. What
//! is counted is bytes that are read and bytes that are allocated, not time.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use ledger_core::chain::frame::FrameHeader;
use ledger_core::intake::read_csv;
use ledger_core::intake::read_jsonl;
use ledger_core::intake::read_terms;
use ledger_core::limits::BLOCK_LINES_MAX;
use ledger_core::store::MemoryLog;
use ledger_core::store::Segment;
use ledger_core::store::SegmentHeader;
use ledger_core::store::SegmentSource;
use ledger_core::terms::TermsByDay;
use ledger_core::usage::BlockBuilder;
use ledger_core::usage::UsageSums;
use ledger_core::usage::builder::Number;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::Level;
use ledger_core::vocab::Name;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Value;
use ledger_core::wire::block;
use revshare_hostile::entries::frame;
use revshare_hostile::entries::signer;
use revshare_hostile::memory::peak_of;
use revshare_hostile::seeds::terms_files;

const MIB: usize = 1 << 20;
const METERS: usize = 32;

/// A log that counts what is read of it.
struct Counted<S> {
    log: S,
    read: AtomicU64,
}

impl<S: SegmentSource> SegmentSource for Counted<S> {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        self.log.segments()
    }

    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.log.read_at(segment, offset, buffer)
    }
}

/// A segment that is a header and zeros.
struct Zeros(u64);

impl SegmentSource for Zeros {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        let name = SegmentHeader::file_name(0);
        Ok(vec![Segment { number: 0, name, len: self.0, stamp: String::new() }])
    }

    fn read_at(&self, _: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let header = SegmentHeader { number: 0, first_seq: 0 }.bytes();
        for (at, byte) in (offset..).zip(&mut *buffer).take_while(|(at, _)| *at < 64) {
            *byte = header[at as usize];
        }
        let zeros = 64u64.saturating_sub(offset) as usize;
        buffer.iter_mut().skip(zeros).for_each(|byte| *byte = 0);
        Ok(())
    }
}

/// The body of a record with a payload of any bytes.
fn body(payload: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 137 + 5 + payload.len()];
    body[0] = 1;
    body[2] = 1;
    body[136] = 1;
    body[137] = b'a';
    body[138..142].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    body[142..].copy_from_slice(payload);
    body
}

/// Verifies a log of one segment; how often it is read.
fn read_times(bytes: Vec<u8>) -> u64 {
    let len = bytes.len() as u64;
    let log = Counted { log: MemoryLog { segments: vec![bytes] }, read: AtomicU64::new(0) };
    assert!(!verify(&log, &Options::default()).is_valid());
    log.read.load(Ordering::Relaxed) / len
}

/// Between any two records stands a byte that belongs to none: the search for the next record goes
/// as far as that one.
fn damage_between_records() {
    let record = frame(0, &body(b"what"), 4, &signer("meta"));
    let mut bytes = SegmentHeader { number: 0, first_seq: 0 }.bytes().to_vec();
    while bytes.len() < 2 * MIB {
        bytes.push(0xFF);
        bytes.extend_from_slice(&record);
    }
    let times = read_times(bytes);
    assert!(times < 100, "the log is read {times} times");
}

/// Frames inside frames, each of them up to the end, with wrong hashes: not every one is hashed.
fn frames_inside_frames() {
    let mut inner = Vec::new();
    while inner.len() < MIB / 4 {
        let body = body(&inner);
        let mut outer = FrameHeader { body_len: body.len(), seq: 0 }.bytes().to_vec();
        outer.extend_from_slice(&body);
        outer.extend_from_slice(&[1; 96]);
        inner = outer;
    }
    let mut bytes = SegmentHeader { number: 0, first_seq: 0 }.bytes().to_vec();
    bytes.push(0xFF);
    bytes.extend_from_slice(&inner);
    let times = read_times(bytes);
    assert!(times < 100, "the log is read {times} times");
}

/// A segment with nothing in it, longer than any frame.
fn a_long_segment() {
    let used = peak_of(|| {
        assert!(!verify(&Zeros(96 << 20), &Options::default()).is_valid());
    });
    assert!(used < 40 * MIB, "{used} bytes of memory");
}

/// A long line with as many problems as it has room for.
fn problems_in_a_line() {
    let terms = terms_files().remove(0);
    let terms = read_terms("terms.toml", &terms).terms.expect("sound terms");
    let terms = TermsByDay::one(&terms, Level::Two);
    let period = Period::parse("2024-01").expect("a period");
    let columns = format!("day,gross,{}", "x,".repeat(MIB / 4));
    let names = format!("{{{}\"a\":\"\"}}\n", "\"x\":1,".repeat(MIB / 8));
    let long = format!("{{\"{}\":\"\"}}\n", "x".repeat(MIB - 10)).repeat(20);
    let used = peak_of(|| {
        let header = read_csv("usage", columns.as_bytes(), &terms, period);
        assert_eq!(header.problems_total, MIB as u64 / 4 + 1);
        let line = read_jsonl("usage", names.as_bytes(), &terms, period);
        assert_eq!((line.problems.len(), line.problems_total), (256, MIB as u64 / 8 + 1));
        let lines = read_jsonl("usage", long.as_bytes(), &terms, period);
        assert_eq!(lines.problems.len(), 20);
        let longest = lines.problems.iter().map(|problem| problem.message.len()).max();
        assert!(longest < Some(2000), "a message of {longest:?} bytes");
    });
    assert!(used < 64 * MIB, "{used} bytes of memory");
    let unknown: String = (0..100_000).map(|number| format!("x{number} = 1, ")).collect();
    let file = format!("agreement = {{ {unknown} y = 1 }}\n");
    let listed = read_terms("terms.toml", file.as_bytes()).problems.len();
    assert!((1_000..1_002).contains(&listed), "{listed} are listed, the others counted");
}

/// A key for every line, and 32 meters of one byte: in every block, or in every block another one.
fn keys_of_one_line() {
    const BLOCKS: usize = 6;
    let name = |text: &str| Name::parse(text).expect("a name");
    let meters: Vec<Name> = (0..METERS).map(|meter| name(&format!("m{meter:02}"))).collect();
    let values: Vec<Value> =
        (0..128).map(|value| Value::parse(&value.to_string()).expect("a value")).collect();
    let (first, currency) = (Date::parse("2026-06-01"), Currency::parse("USD"));
    let (first, currency) = (first.expect("a day"), currency.expect("a currency"));
    for every_meter in [true, false] {
        let mut builder = BlockBuilder::new(vec![name("a"), name("b")], meters.clone(), Vec::new());
        let mut blocks = Vec::new();
        for line in 0..BLOCKS * BLOCK_LINES_MAX {
            let day = first.days() + (line / (128 * 128)) as i32;
            let day = Date::from_days(day).expect("a day");
            let of_line = [line / 128 % 128, line % 128].map(|value| values[value].clone());
            let key = builder.key(day, currency, &of_line);
            let has = |meter: usize| every_meter || meter == line / BLOCK_LINES_MAX;
            let quantities: Vec<Number> = (0..METERS).map(|meter| (has(meter).into(), 0)).collect();
            let full = builder.line(key, (1, 0), &quantities, &[]).expect("within bounds");
            blocks.extend(full.map(|block| block::encode(&block)));
        }
        assert_eq!(blocks.len(), BLOCKS);
        let used = peak_of(|| {
            let mut sums = UsageSums::default();
            for bytes in &blocks {
                block::decode(bytes).expect("a block").add_to(&mut sums);
            }
            sums.merge();
            assert_eq!(sums.keys(), BLOCKS * BLOCK_LINES_MAX);
        });
        let len: usize = blocks.iter().map(Vec::len).sum();
        assert!(used < 10 * len, "{used} bytes of memory for {len} bytes of blocks");
    }
}

/// One test, so that nothing else uses memory while it is counted.
#[test]
fn no_file_takes_for_ever() {
    damage_between_records();
    frames_inside_frames();
    a_long_segment();
    problems_in_a_line();
    keys_of_one_line();
}
