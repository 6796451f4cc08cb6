//! Damage to a ledger that has every kind of event: every byte flipped, every record dropped,
//! doubled and swapped, a cut at every length. The verifier names each, and opening refuses it or
//! says what it leaves out.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ledger_core::acknowledgement::SignedAcknowledgement;
use ledger_core::chain::FRAME_TRAILER_LEN;
use ledger_core::machine::RememberedHead;
use ledger_core::replay::Signatures;
use ledger_core::replay::ledger_id;
use ledger_core::replay::replay;
use ledger_core::verify::Options;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify;
use ledger_core::vocab::Code;
use ledger_core::vocab::problem::Class;
use revshare_kit::disk::in_memory;

use crate::scenes::all;

/// Numbers of work, shared by all processors.
fn in_parallel(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    work(number);
                }
            });
        }
    });
}

fn judged(log: Vec<u8>) -> Verdict {
    verify(&in_memory(vec![log]), &Options::default())
}

fn first_named(verdict: &Verdict) -> Option<u64> {
    verdict.findings.iter().filter_map(|finding| finding.seq).min()
}

/// Whether everything is tried, with `REVSHARE_EVERY=1`: all bits of every byte, and a cut at every
/// length.
fn tries_everything() -> bool {
    std::env::var("REVSHARE_EVERY").is_ok_and(|text| text == "1")
}

/// The bits of each byte that are flipped: one, by its place, or all eight.
fn bits(at: usize) -> Vec<usize> {
    if tries_everything() { (0..8).collect() } else { vec![at % 8] }
}

/// The lengths at which the log is cut: every seventh, and those around the end of a record.
fn lengths(ends: &[usize], len: usize) -> Vec<usize> {
    let is_near = |at: &usize| ends.iter().any(|end| at.abs_diff(*end) <= 2) || *at <= 66;
    (0..len).filter(|at| tries_everything() || at % 7 == 0 || is_near(at)).collect()
}

/// A log with a flipped bit is not valid, and the record that the bit is in is the first that is
/// named. The log ends with the record behind it: what follows makes no difference and takes time.
#[test]
fn every_byte_flipped_is_named() {
    let all = all();
    let counts: Mutex<BTreeMap<Code, usize>> = Mutex::default();
    let flips = AtomicUsize::new(0);
    in_parallel(all.log.len(), |at| {
        let record = (0..all.records()).find(|record| at < all.until(record + 1).len());
        let record = record.expect("every byte is in a record, or before the first");
        let end = all.said.iter().map(|said| said.after).find(|after| *after > record + 1);
        let whole = all.until(end.unwrap_or(all.records()));
        for bit in bits(at) {
            let mut log = whole.clone();
            log[at] ^= 1 << bit;
            let what = format!("bit {bit} of byte {at}, in record {record}");
            let verdict = judged(log.clone());
            assert!(!verdict.is_valid(), "{what}: the verifier finds nothing");
            assert_eq!(first_named(&verdict), Some(record), "{what}: {:?}", verdict.findings);
            let code = verdict.findings[0].problem.code;
            *counts.lock().expect("counts").entry(code).or_default() += 1;
            flips.fetch_add(1, Ordering::Relaxed);
            match replay(&in_memory(vec![log]), None, Signatures::Trusted, &mut |_, _, _| {}) {
                Err(problem) => assert_eq!(problem.code.class(), Class::Damaged, "{what}"),
                // Opening trusts the signatures of all records but the last.
                Ok(replayed) => {
                    let is_signature = at + FRAME_TRAILER_LEN - 32 >= all.until(record + 1).len();
                    assert!(is_signature && code == Code::SignatureWrong, "{what}: it opens");
                    assert_eq!(replayed.unfinished, None, "{what}");
                }
            }
        }
    });
    let (flips, counts) = (flips.into_inner(), counts.into_inner().expect("counts"));
    println!("corruption: {flips} flipped bits in {} bytes, all named: {counts:?}", all.log.len());
    assert_eq!(flips, (0..all.log.len()).map(|at| bits(at).len()).sum::<usize>());
}

/// Frames of the log in another order.
fn log_of(order: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let all = all();
    let mut log = all.log[..64].to_vec();
    for record in order {
        let start = all.until(record).len().max(64);
        log.extend_from_slice(&all.log[start..all.until(record + 1).len()]);
    }
    log
}

/// Records that are missing, there twice, or in another order.
#[test]
fn every_record_out_of_place_is_named() {
    let records = all().records();
    let named = AtomicUsize::new(0);
    in_parallel(records as usize, |record| {
        let record = record as u64;
        let check = |log: Vec<u8>, expected: u64, what: &str| {
            let what = format!("record {record} {what}");
            let verdict = judged(log.clone());
            assert!(!verdict.is_valid(), "{what}: the verifier finds nothing");
            assert_eq!(first_named(&verdict), Some(expected), "{what}: {:?}", verdict.findings);
            let opened =
                replay(&in_memory(vec![log]), None, Signatures::Trusted, &mut |_, _, _| {});
            let problem = opened.map(|_| ()).expect_err(&what);
            assert_eq!(problem.code.class(), Class::Damaged, "{what}: {problem}");
            named.fetch_add(1, Ordering::Relaxed);
        };
        let others = || (0..records).filter(|one| *one != record);
        if record + 1 < records {
            check(log_of(others()), record, "dropped");
            let swapped = (0..records).map(|one| match one {
                one if one == record => record + 1,
                one if one == record + 1 => record,
                one => one,
            });
            check(log_of(swapped), record, "swapped with the next");
        }
        check(log_of((0..=record).chain(record..records)), record + 1, "doubled");
    });
    let named = named.into_inner();
    println!("corruption: {named} logs with a record dropped, doubled or swapped, all named");
    assert_eq!(named, 3 * records as usize - 2);
}

/// A log that ends too early cannot be told from a shorter one without a memory of its head; the
/// verifier says what is left over, and with a remembered head, or an acknowledgement of it, it
/// says what is missing.
#[test]
fn every_cut_is_named_where_the_head_is_known() {
    let all = all();
    let whole =
        replay(&in_memory(vec![all.log.clone()]), None, Signatures::Trusted, &mut |_, _, _| {});
    let state = whole.expect("it is sound").state;
    let remembered =
        RememberedHead { ledger: ledger_id(&state), seq: state.next_seq() - 1, hash: state.head() };
    let known = Options { remembered: Some(remembered), ..Options::default() };
    let key = revshare_kit::signer("meta");
    let author = ledger_core::event::Author {
        party: ledger_core::vocab::Id::parse("meta").expect("a party"),
        key: key.public().expect("a key"),
    };
    let said = ledger_core::evolve::acknowledgement::compose(&state).expect("sums in bounds");
    let signed = SignedAcknowledgement { ledger: ledger_id(&state), author, said };
    let against = Options { against: vec![signed], ..Options::default() };
    let verdict = verify(&in_memory(vec![all.log.clone()]), &against);
    assert!(verdict.is_valid(), "the acknowledgement is good: {:?}", verdict.findings);
    let (clean, named, noted) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let ends: Vec<usize> = all.said.iter().map(|said| all.until(said.after).len()).collect();
    let lengths = lengths(&ends, all.log.len());
    in_parallel(lengths.len(), |number| {
        let len = lengths[number];
        let log = vec![all.log[..len].to_vec()];
        let is_clean = ends.contains(&len);
        let verdict = verify(&in_memory(log.clone()), &known);
        let codes: Vec<Code> = verdict.findings.iter().map(|one| one.problem.code).collect();
        // Without its first record a log names no ledger: nothing is there to be remembered.
        if len >= ends[0] {
            assert!(!verdict.is_valid(), "cut at {len}: with the head known, nothing is found");
            assert!(
                codes.iter().any(|code| matches!(code, Code::Truncated | Code::Rollback)),
                "cut at {len}: {codes:?}"
            );
            named.fetch_add(1, Ordering::Relaxed);
        }
        if is_clean {
            clean.fetch_add(1, Ordering::Relaxed);
            let verdict = verify(&in_memory(log.clone()), &against);
            assert!(!verdict.is_valid(), "cut at {len}: with an acknowledgement, nothing is found");
        }
        // Opening, without memories: what stands is opened, and what is left over is said.
        let verdict = judged(log[0].clone());
        let opened = replay(&in_memory(log), None, Signatures::Trusted, &mut |_, _, _| {});
        let opened = opened.unwrap_or_else(|problem| panic!("cut at {len}: {problem}"));
        assert_eq!(opened.unfinished.is_some(), !is_clean && len != 64, "cut at {len}");
        if opened.unfinished.is_some() && len >= ends[0] {
            assert!(verdict.is_valid() && !verdict.notices.is_empty(), "cut at {len}");
            noted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (clean, named, noted) = (clean.into_inner(), named.into_inner(), noted.into_inner());
    println!(
        "corruption: cut at {} lengths: {named} named with the head known, {noted} said to be unfinished without it, {clean} clean",
        lengths.len()
    );
    let with_a_record = lengths.iter().filter(|len| **len >= ends[0]).count();
    assert_eq!((named, noted + clean), (with_a_record, with_a_record));
    assert_eq!(clean, ends.len() - 1);
}
