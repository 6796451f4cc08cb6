//! Small logs that end in every way (`schemas/vectors/`): those that must be read as so many
//! records, and those that must be refused.

use std::fs;

use ledger_core::chain;
use ledger_core::chain::Place;
use ledger_core::chain::frame::FrameHeader;
use ledger_core::diff::Diff;
use ledger_core::diff::diff;
use ledger_core::event::Kind;
use ledger_core::ledger::Ledger;
use ledger_core::machine::Machine;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::store::SegmentHeader;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Level;
use ledger_core::wire::event::Sealed;
use ledger_core::wire::event::encode_payload;
use revshare_kit::Given;
use revshare_kit::World;
use revshare_kit::another_machine;
use revshare_kit::disk::in_memory;
use revshare_kit::disk::place;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::facts;
use revshare_kit::scratch;
use revshare_kit::signer;
use revshare_kit::two_parties;
use revshare_kit::world::state_root;
use serde_json::Value;
use serde_json::json;

use crate::damage::frames;
use crate::vectors::log_with;
use crate::vectors::vectors;
use crate::written::hex;
use crate::written::holds_bytes_for_ever;
use crate::written::json_text;
use crate::written::unhex;

/// What a disk writes at once.
const SECTOR_LEN: usize = 512;

/// A ledger whose last records are a payout with a reference so long, and acknowledgements of it.
fn ledger(reference: usize, acknowledged: usize) -> World {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let mut given = Given::ledger_at(two_parties("share = { meta = \"0.15\" }"), Level::One)
        .reported("2026-01", lines!["2026-01-05" => "600.00"])
        .and(host.issues_statement("2026-01"))
        .and(host.sends_on_account("meta", "1.00", "2026-02-20", &"x".repeat(reference)));
    for party in [&meta, &host].into_iter().cycle().take(acknowledged) {
        given = given.and(party.acknowledges());
    }
    given.into_world()
}

/// A log in one segment, with the places of its frames.
struct Log {
    bytes: Vec<u8>,
    frames: Vec<(usize, usize)>,
}

impl Log {
    fn of(world: World) -> Log {
        let bytes = world.segments().remove(0);
        let frames = frames(&bytes);
        Log { bytes, frames }
    }

    fn ledger(reference: usize, acknowledged: usize) -> Log {
        Log::of(ledger(reference, acknowledged))
    }

    /// The ledger with the shortest reference from 400 bytes on with which this holds of the places
    /// where its last frames begin, and of its length.
    fn where_it(acknowledged: usize, fits: impl Fn(&[usize]) -> bool) -> Log {
        let log = Log::ledger(400, acknowledged);
        let payout = log.frames.len() - 1 - acknowledged;
        let mut places: Vec<usize> = log.frames[payout + 1..].iter().map(|(at, _)| *at).collect();
        places.push(log.bytes.len());
        // A longer reference moves what follows by as many bytes.
        let fits = |more: &usize| fits(&places.iter().map(|at| at + more).collect::<Vec<usize>>());
        let more = (0..SECTOR_LEN).find(fits).expect("some length fits");
        Log::ledger(400 + more, acknowledged)
    }

    /// Where the last frame begins, and ends.
    fn last(&self) -> (usize, usize) {
        let (at, len) = self.frames[self.frames.len() - 1];
        (at, at + len)
    }

    fn start(&self, record: usize) -> usize {
        self.frames[record].0
    }

    fn records(&self) -> u64 {
        self.frames.len() as u64
    }

    fn cut(&self, len: usize) -> Vec<u8> {
        self.bytes[..len].to_vec()
    }

    /// Zeros from one place to another.
    fn zeros(&self, from: usize, to: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[from..to].fill(0);
        bytes
    }

    /// The records from one on, in a segment of their own.
    fn from(&self, number: u32, record: u64) -> Vec<u8> {
        let mut bytes = SegmentHeader { number, first_seq: record }.bytes().to_vec();
        if let Some((at, _)) = self.frames.get(record as usize) {
            bytes.extend_from_slice(&self.bytes[*at..]);
        }
        bytes
    }
}

fn border_after(at: usize) -> usize {
    (at + 1).next_multiple_of(SECTOR_LEN)
}

/// A report of January in parts, written by one append, in a segment of its records.
fn in_parts() -> Log {
    let several = lines!["2026-01-05" => "1.00", "2026-01-06" => "2.00", "2026-01-07" => "3.00"];
    let given = Given::ledger_at(two_parties("share = { meta = \"0.15\" }"), Level::One)
        .and(party("acme-cloud").reports_in_blocks("2026-01", several, 2, false));
    Log::of(given.into_world())
}

/// Logs that must be read as so many records: name, what they are, segments, records.
fn good_logs() -> Vec<(&'static str, &'static str, Vec<Vec<u8>>, u64)> {
    let log = Log::ledger(1_000, 0);
    let (start, end) = log.last();
    let (all, before) = (log.records(), log.records() - 1);
    let first_border = border_after(start);
    let ends_in = |from, to| move |at: &[usize]| (from..=to).contains(&(at[0] % SECTOR_LEN));
    let signature = Log::where_it(0, ends_in(20, 64));
    let hash = Log::where_it(0, ends_in(70, 96));
    let over_border = Log::where_it(1, |at| at[0] % SECTOR_LEN == SECTOR_LEN - 8);
    let last_piece = |log: &Log| log.zeros(log.last().1 / SECTOR_LEN * SECTOR_LEN, log.last().1);
    let (at, over_end) = over_border.last();
    let second = (at + 8 + SECTOR_LEN).min(over_end);
    let parts = in_parts();
    let group = parts.records() - 3;
    let header = |number, first_seq| SegmentHeader { number, first_seq }.bytes().to_vec();
    let one = |bytes: Vec<u8>| vec![bytes];
    let and = |more: Vec<u8>| vec![log.bytes.clone(), more];
    vec![
        ("whole", "a log that ends with a whole record", one(log.bytes.clone()), all),
        ("cut-at-a-record", "the last record is cut off", one(log.cut(start)), before),
        ("cut-in-header", "cut in the last frame's header", one(log.cut(start + 7)), before),
        ("cut-in-body", "cut in the last record", one(log.cut(start + 300)), before),
        ("cut-before-signature", "the signature is cut off", one(log.cut(end - 64)), before),
        (
            "end-missing",
            "the last frame's sectors from the second on are missing",
            one(log.zeros(first_border, end)),
            before,
        ),
        (
            "sector-missing",
            "a sector inside the last frame is missing",
            one(log.zeros(first_border, first_border + SECTOR_LEN)),
            before,
        ),
        (
            "first-sector-missing",
            "what the first sector holds of the last frame is missing",
            one(log.zeros(start, first_border)),
            before,
        ),
        ("all-missing", "all of the last frame is missing", one(log.zeros(start, end)), before),
        (
            "first-sector-missing-and-cut",
            "the same, and the rest is cut",
            one(log.zeros(start, first_border)[..end - 30].to_vec()),
            before,
        ),
        (
            "signature-missing",
            "the last sector, which holds the end of the signature, is missing",
            one(last_piece(&signature)),
            signature.records() - 1,
        ),
        (
            "hash-missing",
            "the last sector, which holds the signature and the end of the hash, is missing",
            one(last_piece(&hash)),
            hash.records() - 1,
        ),
        (
            "header-over-border",
            "the sector with the first half of the last frame's header is missing",
            one(over_border.zeros(at, at + 8)),
            over_border.records() - 1,
        ),
        (
            "header-behind-border",
            "the sector with the second half of the last frame's header is missing",
            one(over_border.zeros(at + 8, second)),
            over_border.records() - 1,
        ),
        (
            "parts-open",
            "the parts of a report without the event that closes them",
            one(parts.cut(parts.last().0)),
            group,
        ),
        (
            "parts-cut",
            "a part of a report, and the next one cut off",
            one(parts.cut(parts.start(group as usize + 1) + 100)),
            group,
        ),
        (
            "parts-closing-cut",
            "the parts of a report, and the event that closes them cut off",
            one(parts.cut(parts.last().0 + 100)),
            group,
        ),
        ("segment-empty", "a last segment without a byte", and(Vec::new()), all),
        (
            "segment-short",
            "a last segment with half a header",
            and(header(1, all)[..32].to_vec()),
            all,
        ),
        ("segment-zeros", "a last segment of zeros", and(vec![0; 4_096]), all),
        ("segment-without-frame", "a last segment without a frame", and(header(1, all)), all),
        (
            "sealed-without-frame",
            "a sealed segment without a frame",
            vec![log.cut(start), header(1, before), log.from(2, before)],
            all,
        ),
    ]
}

/// Logs that must be refused, because more than one append lacks something, or something else.
pub fn bad_ends() -> Vec<(&'static str, &'static str, Vec<Vec<u8>>)> {
    // Small records behind a long one: a sector begins in that, and ends in the header of the last.
    let three = Log::where_it(2, |at| (100..150).contains(&(at[0] % SECTOR_LEN)));
    let sector = three.start(three.frames.len() - 2) / SECTOR_LEN * SECTOR_LEN;
    let aligned = Log::where_it(3, |at| at[0] % SECTOR_LEN == 0);
    let first = aligned.start(aligned.frames.len() - 3);
    let log = Log::ledger(1_000, 0);
    let (start, end) = log.last();
    let border = border_after(start);
    let before = log.records() - 1;
    let near = Log::where_it(1, |at| (400..490).contains(&(at[0] % SECTOR_LEN)));
    let followed = Log::ledger(1_000, 1);
    let payout = followed.frames.len() - 2;
    let missing = border_after(followed.start(payout));
    let one = |bytes: Vec<u8>| vec![bytes];
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = log.bytes.clone();
        change(&mut bytes);
        vec![bytes]
    };
    let other = crate::golden::every_kind();
    let part = facts(&other).into_iter().find(|fact| fact.event.kind() == Kind::UsagePart);
    let part = encode_payload(&part.expect("it has every kind").event).expect("it has bytes");
    let second_part = [&[1], &part[1..]].concat();
    let parts = in_parts();
    let signature = parts.start(parts.frames.len() - 2) - 20;
    vec![
        (
            "sector-of-three-records",
            "one sector is zeros: the end of a record, the next one, and the header of the last",
            one(three.zeros(sector, sector + SECTOR_LEN)),
        ),
        (
            "zeros-before-a-frame",
            "one sector is zeros, and behind it stands the header of a frame that is cut off",
            one(aligned.zeros(first, first + SECTOR_LEN)[..aligned.last().0 + 40].to_vec()),
        ),
        (
            "sector-and-more",
            "a record that lacks a sector, and behind it a frame that is cut off",
            one(followed.zeros(missing, missing + SECTOR_LEN)[..followed.last().0 + 40].to_vec()),
        ),
        (
            "signature-before-the-end",
            "zeros from the signature of a record to the end of the sector in which the last begins",
            one(near.zeros(near.last().0 - 20, border_after(near.last().0))),
        ),
        ("bytes-behind", "bytes that are no frame behind the last record", {
            changed(&|bytes| bytes.extend([0xFF; 40]))
        }),
        (
            "zeros-in-the-last-record",
            "zeros in the last record that are no sector",
            one(log.zeros(border + 1, border + SECTOR_LEN)),
        ),
        (
            "zeros-from-no-border",
            "zeros from inside the last frame's header on",
            one(log.zeros(start + 5, end)),
        ),
        (
            "last-payload-bit",
            "a bit of the last payload is flipped",
            changed(&|bytes| bytes[end - 100] ^= 1),
        ),
        ("segment-header-zeros", "the last segment's header is zeros, and a record follows", {
            let mut last = log.from(1, before);
            last[..64].fill(0);
            vec![log.cut(start), last]
        }),
        (
            "sealed-cut",
            "a record is cut off in a segment that is not the last",
            vec![followed.cut(followed.last().0 - 10), followed.from(1, before + 1)],
        ),
        (
            "two-unfinished",
            "a record that lacks a sector, and a last segment with half a header",
            vec![log.zeros(border, border + SECTOR_LEN), log.from(1, before + 1)[..32].to_vec()],
        ),
        (
            "cut-frame-of-another-number",
            "a record is missing, and the next one cut off",
            one([
                followed.cut(followed.start(payout)),
                followed.from(0, before + 1)[64..200].to_vec(),
            ]
            .concat()),
        ),
        (
            "frame-number",
            "the last frame's header gives another number than its record",
            changed(&|bytes| {
                let header = FrameHeader::read(&bytes[start..]).expect("a header");
                let header = FrameHeader { seq: header.seq + 1, ..header }.bytes();
                bytes[start..start + 16].copy_from_slice(&header);
            }),
        ),
        (
            "record-number",
            "the last record says that it is the one after the next, correctly signed",
            numbered(before + 2),
        ),
        (
            "open-part-by-beneficiary",
            "a part of a report by somebody who may not report, and nothing behind it",
            log_with(&other, Kind::UsagePart, "meta", &part),
        ),
        (
            "open-part-out-of-order",
            "the second part of a report without the first, and nothing behind it",
            log_with(&other, Kind::UsagePart, "acme-cloud", &second_part),
        ),
        ("open-part-signature", "a wrong signature in a group that is not closed", {
            let mut bytes = parts.cut(parts.last().0);
            bytes[signature] ^= 1;
            one(bytes)
        }),
    ]
}

/// A log whose last record gives a number.
fn numbered(seq: u64) -> Vec<Vec<u8>> {
    let world = ledger(1_000, 0);
    let fact = facts(&world).pop().expect("a record");
    let key = signer("meta");
    let author = world.context("meta", &key).author;
    let event = fact.event;
    let payload = encode_payload(&event).expect("it has bytes");
    let sealed = Sealed {
        event,
        payload_digest: fact.payload,
        payload,
        content: fact.content,
        id: fact.id,
        nonce: [7; 16],
    };
    let place = Place {
        ledger: world.agreement().ledger(),
        seq,
        previous: world.state().head(),
        recorded_at: world.state().recorded_at(),
        level: Level::One,
    };
    let mut log = world.segments();
    log[0].extend(chain::write(place, &author, &sealed, &key).0);
    log
}

/// What everybody makes of a log: how many records count, or that it is refused. Opening it with
/// and without signatures, the verifier, a comparison with itself and the reference agree.
#[track_caller]
pub fn read_by_all(segments: &[Vec<u8>], what: &str) -> Option<u64> {
    let log = in_memory(segments.to_vec());
    let opened = |signatures| replay(&log, None, signatures, &mut |_, _, _| {});
    let checked = opened(Signatures::Checked).and_then(|replayed| {
        let state = replayed.state;
        match state.agreement() {
            Some(_) => Ok((state.next_seq(), state_root(&state))),
            None => Err(ledger_core::replay::nothing_recorded(0)),
        }
    });
    let verdict = verify(&log, &Options::default());
    let reference = revshare_reference::replay(segments);
    let Ok((records, root)) = checked else {
        assert!(
            !verdict.is_valid() && !verdict.findings.is_empty(),
            "{what}: verify finds nothing"
        );
        if let Ok(report) = reference {
            panic!(
                "{what}: the reference reads {} records, the ledger {checked:?}",
                report.records
            );
        }
        return None;
    };
    let trusted = opened(Signatures::Trusted).expect("it opens with all signatures checked");
    assert_eq!((trusted.state.next_seq(), state_root(&trusted.state)), (records, root), "{what}");
    assert!(verdict.is_valid(), "{what}: {:?}", verdict.findings);
    assert_eq!((verdict.events, verdict.state_root), (records, Some(root)), "{what}: verify");
    assert_eq!(diff(&log, &log), Ok(Diff::Same { records }), "{what}: diff");
    let report = reference.unwrap_or_else(|fault| panic!("{what}: the reference refuses: {fault}"));
    assert_eq!((report.records, report.state_root), (records, *root.bytes()), "{what}: reference");
    Some(records)
}

fn bytes_of(vector: &Value) -> Vec<Vec<u8>> {
    let segments = vector["segments"].as_array().expect("segments").iter();
    segments.map(|text| unhex(text.as_str().expect("hexadecimal digits"))).collect()
}

/// Every good log is read as so many records: by everybody, and by a writer, who cuts what is
/// unfinished and leaves every other file alone.
#[test]
fn good_logs_are_read() {
    let vectors = vectors("good-logs");
    assert!(vectors.len() >= 22, "{} good logs", vectors.len());
    for (name, vector) in vectors {
        let stored = bytes_of(&vector);
        let records = read_by_all(&stored, &name);
        assert_eq!(records, vector["records"].as_u64(), "{name}");
        let scratch = scratch();
        let folder = scratch.path().join("ledger");
        place(&stored, &folder);
        let others = ["1.seg", "00000001.seg.bak", "00000009.SEG", "000000010.seg", "notes"];
        for other in others {
            fs::write(folder.join("log").join(other), "not a segment").expect("a file");
        }
        let reader = Ledger::open(&folder, &Machine::without_folders())
            .unwrap_or_else(|p| panic!("{name}: {p}"));
        let root = state_root(reader.state());
        assert_eq!(vector["state_root"], root.to_string(), "{name}");
        let writer = Ledger::open_for_writing(&folder, &another_machine(&folder));
        let writer = writer.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(Some(writer.state().next_seq()), records, "{name}");
        drop(writer);
        let left = (0..).map_while(|number| {
            fs::metadata(folder.join("log").join(SegmentHeader::file_name(number))).ok()
        });
        let left: usize = left.map(|segment| segment.len() as usize).sum();
        let was: usize = stored.iter().map(Vec::len).sum();
        let unfinished = vector["unfinished"].as_u64().expect("a number") as usize;
        assert_eq!(left + unfinished, was, "{name}: so much is cut");
        assert!(others.iter().all(|other| folder.join("log").join(other).exists()), "{name}");
    }
}

/// Today's code writes the good logs again, byte for byte.
#[test]
fn good_logs_are_written_again() {
    for (name, what, segments, records) in good_logs() {
        let log = in_memory(segments.clone());
        let read = replay(&log, None, Signatures::Checked, &mut |_, _, _| {});
        let read = read.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        let vector = json!({
            "what": what,
            "segments": segments.iter().map(|bytes| hex(bytes)).collect::<Vec<_>>(),
            "records": records,
            "unfinished": read.unfinished.map_or(0, |tail| tail.len),
            "state_root": state_root(&read.state).to_string(),
        });
        holds_bytes_for_ever(
            &format!("schemas/vectors/good-logs/{name}.json"),
            &json_text(&vector),
        );
    }
}
