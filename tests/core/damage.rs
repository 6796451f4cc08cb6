//! Damage and tampering: whatever is wrong with a log is named with its place, and never read as
//! something else.

use std::collections::BTreeSet;
use std::fs;

use ledger_core::chain::FRAME_TRAILER_LEN;
use ledger_core::chain::frame_len;
use ledger_core::command::Command;
use ledger_core::ledger::Ledger;
use ledger_core::limits::SEGMENT_LEN_TARGET;
use ledger_core::machine::Machine;
use ledger_core::store::SegmentHeader;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Code;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Period;
use ledger_core::vocab::Place;
use ledger_core::vocab::Problem;
use ledger_core::vocab::problem::Class;
use proptest::prelude::any;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::disk::in_memory;
use revshare_kit::disk::place;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::scratch;
use revshare_kit::two_parties;
use revshare_kit::world::state_root;

use crate::runs::holds;

/// A small ledger with every kind of event but a missing report.
pub fn small() -> World {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let several = lines!["2026-02-05" => "1.00", "2026-02-06" => "2.00", "2026-02-07" => "3.00"];
    Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "600.00"])
        .and(host.issues_statement("2026-01"))
        .and(meta.accepts_statement("2026-01"))
        .and(host.sends("meta", "90.00", "2026-02-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-02-22"))
        .corrected("2026-01", lines!["2026-01-05" => "500.00"])
        .and(host.reports_in_blocks("2026-02", several, 2, false))
        .and(host.issues_statement("2026-02"))
        .and(host.sends_on_account("meta", "1.00", "2026-03-20", "wire 2"))
        .and(meta.returns("wire 2", "the account was closed"))
        .and(meta.acknowledges())
        .into_world()
}

/// Where the frames of a segment begin, with their lengths.
pub fn frames(segment: &[u8]) -> Vec<(usize, usize)> {
    let mut frames = Vec::new();
    let mut at = 64;
    while let Some(len) = frame_len(&segment[at..]) {
        frames.push((at, len));
        at += len;
    }
    frames
}

fn open(segments: &[Vec<u8>]) -> Result<Ledger, Problem> {
    let scratch = scratch();
    place(segments, &scratch.path().join("ledger"));
    Ledger::open(&scratch.path().join("ledger"), &Machine::without_folders())
}

/// Damage is named: with a code of its class, and the record or the place in the file.
#[track_caller]
fn assert_named(problem: &Problem, expected: u64, what: &str) {
    assert_eq!(problem.code.class(), Class::Damaged, "{what}: {problem}");
    match &problem.place {
        Some(Place::Record { seq }) => assert_eq!(*seq, expected, "{what}: {problem}"),
        Some(Place::Bytes { .. }) => {
            let names = problem.message.contains(&format!("record {expected}"))
                || problem.code == Code::SegmentBroken;
            assert!(names, "{what}: {problem}");
        }
        _ => panic!("{what}: no place: {problem}"),
    }
}

/// One bit flipped in any byte of a small ledger, one byte at a time: opening it fails with a code
/// of damage that names the record. Where the flip is in a signature other than the last one,
/// opening (which trusts signatures that were checked when the records came in) may succeed with
/// the same state; the verifier names the record then.
#[test]
fn a_flipped_bit_is_named() {
    let world = small();
    let segments = world.segments();
    let frames = frames(&segments[0]);
    let root = world.root();
    let _folder = world.close();
    for at in 0..segments[0].len() {
        let mut flipped = segments.clone();
        flipped[0][at] ^= 1 << (at % 8);
        let record = frames.iter().position(|(start, len)| (*start..start + len).contains(&at));
        let what = format!("byte {at}, in record {record:?}");
        let verdict = verify(&in_memory(flipped.clone()), &Options::default());
        assert!(!verdict.is_valid(), "{what}: the verifier finds nothing");
        let first = verdict.findings.iter().find_map(|finding| finding.seq);
        assert_eq!(first, Some(record.unwrap_or(0) as u64), "{what}: {:?}", verdict.findings);
        match open(&flipped) {
            Err(problem) => assert_named(&problem, record.unwrap_or(0) as u64, &what),
            Ok(ledger) => {
                let (start, len) = frames[record.expect("a header is never trusted")];
                let is_signature = at >= start + len - FRAME_TRAILER_LEN + 32;
                assert!(is_signature, "{what}: it opens");
                assert_eq!(state_root(ledger.state()), root, "{what}");
                assert!(ledger.notices().is_empty(), "{what}");
                let codes: BTreeSet<Code> =
                    verdict.findings.iter().map(|finding| finding.problem.code).collect();
                assert_eq!(codes, BTreeSet::from([Code::SignatureWrong]), "{what}");
            }
        }
    }
}

/// Likewise for random bits, runs of bytes and swapped bytes of random ledgers, with the verifier.
#[test]
fn damage_of_any_kind_is_found() {
    holds(60, (plan(4..16), any::<u64>()), |(plan, mut random)| {
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as usize % below.max(1)
        };
        let segments = play(&plan).segments();
        for _ in 0..10 {
            let mut damaged = segments.clone();
            let bytes = &mut damaged[0];
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] ^= 1 << next(8),
                1 => {
                    let run = next(40);
                    bytes.iter_mut().skip(at).take(run).for_each(|byte| *byte = next(256) as u8);
                }
                2 => {
                    let other = next(bytes.len());
                    bytes.swap(at, other);
                }
                _ => {
                    bytes.remove(at);
                }
            }
            if damaged == segments {
                continue;
            }
            let verdict = verify(&in_memory(damaged.clone()), &Options::default());
            let root = open(&damaged).map(|ledger| state_root(ledger.state()));
            // What cannot be told from an append that was never finished is shorter, and says so.
            if verdict.is_valid() {
                assert!(!verdict.notices.is_empty(), "damage at {at} goes unnoticed");
                assert_eq!(root.ok(), verdict.state_root);
            }
        }
    });
}

/// Records that are removed, repeated, exchanged or moved to another ledger are named.
#[test]
fn records_out_of_place_are_named() {
    let world = small();
    let segments = world.segments();
    let frames = frames(&segments[0]);
    let record = |at: usize| segments[0][frames[at].0..frames[at].0 + frames[at].1].to_vec();
    let log = |order: &[usize]| {
        let mut bytes = segments[0][..64].to_vec();
        order.iter().for_each(|at| bytes.extend(record(*at)));
        vec![bytes]
    };
    let all: Vec<usize> = (0..frames.len()).collect();
    for at in 0..frames.len() - 1 {
        let mut without = all.clone();
        without.remove(at);
        let problem = open(&log(&without)).expect_err("a record is missing");
        let codes = [Code::RecordLink, Code::EventRefused];
        assert!(codes.contains(&problem.code), "without {at}: {problem}");
        assert_named(&problem, at as u64, &format!("without record {at}"));

        let mut twice = all.clone();
        twice.insert(at, at);
        let problem = open(&log(&twice)).expect_err("a record stands twice");
        assert_named(&problem, at as u64 + 1, &format!("record {at} twice"));

        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        let problem = open(&log(&swapped)).expect_err("records are exchanged");
        assert_named(&problem, at as u64, &format!("records {at} and the next exchanged"));
    }
    let other = Given::ledger(two_parties("share = { meta = \"0.16\" }")).into_world();
    let mut mixed = other.segments();
    mixed[0].extend(record(2));
    let problem = open(&mixed).expect_err("a record of another ledger");
    assert_eq!(problem.code, Code::RecordLink);
    assert_named(&problem, 2, "a record of another ledger");
}

/// The records of a ledger, spread over segments of a number of records each.
pub fn in_segments(segment: &[u8], per_segment: usize) -> Vec<Vec<u8>> {
    let frames = frames(segment);
    let mut segments = Vec::new();
    for (number, chunk) in frames.chunks(per_segment).enumerate() {
        let first_seq = (number * per_segment) as u64;
        let mut bytes = SegmentHeader { number: number as u32, first_seq }.bytes().to_vec();
        for (start, len) in chunk {
            bytes.extend_from_slice(&segment[*start..start + len]);
        }
        segments.push(bytes);
    }
    segments
}

/// Segments may hold any number of records, even the parts of one report apart; the state is the
/// same. A segment that is missing, exchanged, cut or of another log is named.
#[test]
fn segments_are_there_and_in_order() {
    let world = small();
    let whole = world.segments();
    for per_segment in 1..8 {
        let segments = in_segments(&whole[0], per_segment);
        let ledger = open(&segments).unwrap_or_else(|p| panic!("{per_segment}: {p}"));
        assert_eq!(state_root(ledger.state()), world.root());
        let reference = revshare_reference::replay(&segments).expect("the reference reads it");
        assert_eq!(reference.state_root, *world.root().bytes());
    }
    let segments = in_segments(&whole[0], 4);
    let last = segments.len() - 1;
    for missing in 0..last {
        let scratch = scratch();
        let folder = scratch.path().join("ledger");
        place(&segments, &folder);
        fs::remove_file(folder.join("log").join(SegmentHeader::file_name(missing as u32)))
            .expect("the segment was there");
        let problem = Ledger::open(&folder, &Machine::without_folders())
            .map(|_| ())
            .expect_err("a segment is missing");
        assert_eq!(problem.code, Code::SegmentBroken, "without {missing}: {problem}");
        assert!(problem.message.contains(&SegmentHeader::file_name(missing as u32)[..8]));

        let mut swapped = segments.clone();
        swapped.swap(missing, missing + 1);
        let problem = open(&swapped).map(|_| ()).expect_err("segments are exchanged");
        assert_eq!(problem.code, Code::SegmentBroken, "{problem}");

        let mut cut = segments.clone();
        let shorter = cut[missing].len() - 10;
        cut[missing].truncate(shorter);
        let problem = open(&cut).map(|_| ()).expect_err("a sealed segment is cut");
        assert_eq!(problem.code.class(), Class::Damaged, "{problem}");

        let mut cut = segments.clone();
        cut[missing].truncate(70);
        let problem = open(&cut).map(|_| ()).expect_err("a sealed segment is cut");
        assert_eq!(problem.code.class(), Class::Damaged, "{problem}");

        let mut shorter = segments.clone();
        let (start, _) = *frames(&shorter[missing]).last().expect("a segment has records");
        shorter[missing].truncate(start);
        let problem = open(&shorter).map(|_| ()).expect_err("a sealed segment lacks a record");
        assert_eq!(problem.code, Code::SegmentBroken, "{problem}");
    }
    let mut doubled = segments.clone();
    doubled.push(segments[last].clone());
    let problem = open(&doubled).map(|_| ()).expect_err("a segment stands twice");
    assert_eq!(problem.code, Code::SegmentBroken, "{problem}");
}

/// Without a memory of this machine a missing last segment cannot be told from a shorter log; with
/// it, it is a rollback.
#[test]
fn a_missing_last_segment_is_a_rollback() {
    let mut world = World::with_cache();
    world.open_and_accept(two_parties("share = { meta = \"0.15\" }").build());
    let (folder, machine) = (world.folder(), world.machine());
    let segments = in_segments(&world.segments()[0], 1);
    let _root = world.close();
    place(&segments, &folder);
    Ledger::open(&folder, &machine).expect("the same records in two segments");
    place(&segments[..1], &folder);
    Ledger::open(&folder, &Machine::without_folders()).expect("a shorter log");
    for opened in [Ledger::open(&folder, &machine), Ledger::open_for_writing(&folder, &machine)] {
        let problem = opened.map(|_| ()).expect_err("a rollback");
        assert_eq!(problem.code, Code::Rollback, "{problem}");
        assert!(problem.message.contains("rollback"), "{problem}");
    }
}

/// A group of records is written into one segment, however large; a segment that has reached its
/// size is sealed, and the next group begins another one.
#[test]
fn segments_roll_over() {
    let mut terms = two_parties("share = { meta = \"0.15\" }");
    let meters: Vec<String> = (0..12).map(|number| format!("meter-{number}")).collect();
    for meter in &meters {
        terms = terms.meter(meter);
    }
    let mut world = World::in_force(terms.build());
    let period = Period::parse("2026-01").expect("a period");
    let usd = Currency::parse("USD").expect("a currency");
    // Blocks of 60,000 lines with numbers of 16 bytes.
    let mut line = Line::new("2026-01-05", "0.000000000001");
    for meter in &meters {
        line = line.meter(meter, "99999999.999999999999");
    }
    let block = blocks(&vec![line; 60_000], usd, usize::MAX);
    let per_block = 60_000 * 16 * 12;
    let needed = SEGMENT_LEN_TARGET as usize / per_block + 1;
    let report = Command::ReportUsage {
        period,
        supplement: false,
        blocks: block.iter().cycle().take(needed).cloned().collect(),
    };
    world.must("acme-cloud", report);
    assert_eq!(world.segments().len(), 1, "a group lies in one segment");
    world.must("acme-cloud", Command::IssueStatement(period));
    world.must("meta", Command::Acknowledge);
    let segments = world.segments();
    assert_eq!(segments.len(), 2, "the next group begins another one");
    assert!(segments[0].len() as u64 >= SEGMENT_LEN_TARGET);
    let reopened = world.reopened().expect("it opens");
    assert_eq!(state_root(reopened.state()), world.root());
}
