//! Whole logs of hostile records that are hashed and signed rightly: opening, checking everything
//! while opening, and `verify` agree.

use ledger_core::diff::Diff;
use ledger_core::diff::diff;
use ledger_core::evolve::evolve;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::root::state_root;
use ledger_core::store::MemoryLog;
use ledger_core::store::SegmentHeader;
use ledger_core::verify::Options;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify;

use crate::entries::ENDS_SEGMENT;
use crate::entries::Entries;
use crate::entries::Made;
use crate::entries::fact;

/// Most entries of one input.
const ENTRIES_MAX: usize = 16;

/// See the module.
pub fn run(input: &[u8]) {
    let mut entries = Entries::new(input);
    let mut state = entries.known.states[entries.records].clone();
    let mut segments = vec![SegmentHeader { number: 0, first_seq: 0 }.bytes().to_vec()];
    let add = |segments: &mut Vec<Vec<u8>>, frame: &[u8]| {
        let last = segments.last_mut().expect("there is one");
        last.extend_from_slice(frame);
    };
    for frame in &entries.known.frames[..entries.records] {
        add(&mut segments, frame);
    }
    let mut made = Made::default();
    for first_seq in (entries.records as u64 + 1..).take(ENTRIES_MAX) {
        let Some(entry) = entries.next(&made) else { break };
        let frame = entry.frame(&state);
        let fact = fact(&frame, &state);
        made.note(fact.as_ref());
        add(&mut segments, &frame);
        let applied = fact.is_some_and(|fact| evolve(&mut state, &fact).is_ok());
        if !applied {
            // What follows would not be linked to it.
            break;
        }
        if entry.flags & ENDS_SEGMENT != 0 {
            let header = SegmentHeader { number: segments.len() as u32, first_seq };
            segments.push(header.bytes().to_vec());
        }
    }
    let one = (segments.len() > 1).then(|| joined(&segments));
    let verdict = agree(&MemoryLog { segments });
    if let Some(one) = one {
        let other = agree(&one);
        assert_eq!(
            (verdict.is_valid(), verdict.events, verdict.head, verdict.state_root),
            (other.is_valid(), other.events, other.head, other.state_root),
            "the verdict depends on how a log is cut into segments"
        );
    }
}

/// The same records in one segment.
fn joined(segments: &[Vec<u8>]) -> MemoryLog {
    let mut bytes = segments[0].clone();
    segments[1..].iter().for_each(|segment| bytes.extend_from_slice(&segment[64..]));
    MemoryLog { segments: vec![bytes] }
}

/// What is known of a log in one way agrees with what is known of it in the others.
pub fn agree(log: &MemoryLog) -> Verdict {
    let verdict = verify(log, &Options::default());
    let opened = replay(log, None, Signatures::Trusted, &mut |_, _, _| {});
    let checked = replay(log, None, Signatures::Checked, &mut |_, _, _| {});
    for finding in &verdict.findings {
        assert!(!finding.problem.message.is_empty());
        let placed = finding.seq.is_some() || finding.problem.place.is_some();
        assert!(placed || verdict.unreadable, "a finding has no place: {}", finding.problem);
    }
    if let Err(problem) = &opened {
        assert!(problem.place.is_some(), "a refusal has no place: {problem}");
        assert!(!verdict.is_valid(), "verify finds nothing, and opening refuses: {problem}");
    }
    match checked {
        Ok(checked) => {
            let opened = opened.expect("what holds with all signatures checked is opened");
            let state = &checked.state;
            assert_eq!(state_root(state), state_root(&opened.state));
            if state.agreement().is_none() {
                assert!(!verdict.findings.is_empty(), "nothing is recorded, and verify is silent");
            } else {
                let found: Vec<String> =
                    verdict.findings.iter().map(|one| one.problem.to_string()).collect();
                assert!(verdict.is_valid(), "opening finds nothing, and verify does: {found:?}");
                assert_eq!(verdict.events, state.next_seq());
                assert_eq!(verdict.head, Some((state.next_seq() - 1, state.head())));
                assert_eq!(verdict.state_root, state_root(state).ok());
            }
        }
        Err(problem) => {
            assert!(problem.place.is_some(), "a refusal has no place: {problem}");
            assert!(!verdict.is_valid(), "verify finds nothing, and a pull refuses: {problem}");
        }
    }
    match diff(log, log) {
        Ok(Diff::Same { records }) if verdict.is_valid() => assert_eq!(records, verdict.events),
        Ok(Diff::Same { .. }) => {}
        Ok(other) => panic!("a log differs from itself: {other:?}"),
        Err(_) => assert!(!verdict.is_valid()),
    }
    verdict
}
