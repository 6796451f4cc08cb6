//! Snapshots of states, as another party may hand them over with digests that fit: any bytes. They
//! are refused, or they make a state, and whatever is asked of that is answered.
//!
//! An input is the bytes of a snapshot, or changes of one that was sound:
//!
//! ```text
//! log u8, records u8, next u8, then: part u8, at u16, drop u8, length u8, bytes
//! ```
//!
//! The log is a known one; 255 stands for no log, and the bytes of a snapshot follow. The snapshot is
//! of the state after so many of its records. At a place in a part of it so many bytes are dropped,
//! and others put there. Then all lengths and counts are made to fit, so that what is said is tried,
//! and not only that its length is wrong; a change of the part [`NUMBERS`] is made after that. At the
//! end the facts of the log from `next` on are said on the state.

use std::sync::Arc;

use ledger_core::event::Fact;
use ledger_core::evolve::evolve;
use ledger_core::index::RecordRow;
use ledger_core::index::snapshot;
use ledger_core::state::State;
use ledger_core::state::root::state_root;
use ledger_core::view::record::Record;
use ledger_core::vocab::EventId;

use crate::events::seen;
use crate::input::Input;
use crate::logs::KNOWN;
use crate::logs::Known;

/// What an input begins with that is the bytes of a snapshot.
pub const BYTES: u8 = 255;
/// The part that is small and no run.
pub const HEAD: u8 = 0;
/// The lists of the run, in the order in which it has them: rows of events, ids, contents, offsets of
/// payouts, payouts, sums; and the words that sums name.
pub const LISTS: u8 = 6;
/// The words that rows of sums name.
pub const WORDS: u8 = 7;
/// Eight bytes each: the length of the head; the first record, how many events and payouts, bytes of
/// payouts and of sums; the length of the run's head.
pub const NUMBERS: u8 = 8;

/// Most changes of one input.
const CHANGES_MAX: usize = 16;
/// Most facts that are said on a state.
const FACTS_MAX: usize = 12;
/// Bytes of an event's row, and of an entry of a list.
const ROW_LEN: usize = 66;
const ENTRY_LEN: usize = 16;

/// See the module.
pub fn run(input: &[u8]) {
    play(input);
}

/// How many facts are admitted on what an input is read as; `None` if it is not read.
fn play(input: &[u8]) -> Option<usize> {
    let mut input = Input(input);
    let log = input.u8();
    let known = &KNOWN[usize::from(log) % KNOWN.len()];
    let (bytes, next) = match log {
        BYTES => (input.0.to_vec(), known.facts.len() / 2),
        _ => {
            let records = usize::from(input.u8()) % known.states.len();
            let next = usize::from(input.u8());
            (Parts::of(&known.states[records])?.changed(input), next)
        }
    };
    let mut state = snapshot::read(&Arc::new(bytes), 0, Vec::new())?;
    asked(&state, known);
    let mut admitted = 0;
    for fact in known.facts.iter().skip(next).take(FACTS_MAX) {
        // The fact follows on this state, whatever that is: so that what it says is judged.
        let (seq, previous) = (state.next_seq(), state.head());
        let recorded_at = fact.recorded_at.max(state.recorded_at());
        let mut id = *fact.id.bytes();
        if state.event(&fact.id).is_some() {
            id[31] ^= 0xFF;
        }
        let id = EventId::from_bytes(id);
        let fact = Fact { seq, previous, recorded_at, id, ..fact.clone() };
        if evolve(&mut state, &fact).is_ok() {
            admitted += 1;
            let _ = Record::of(&state, &fact);
            let _ = RecordRow::of(&state, &fact, (0, 64));
        }
    }
    if admitted > 0 {
        asked(&state, known);
    }
    Some(admitted)
}

/// Whatever is looked up in a state is found or not, and whatever shows it answers.
fn asked(state: &State, known: &Known) {
    let _ = state_root(state);
    let own = state.events().map(|row| (row.id, row.content, row.seq));
    let of_log = known.facts.iter().map(|fact| (fact.id, fact.content, fact.seq));
    for (id, content, seq) in own.chain(of_log) {
        let _ = (state.event(&id), state.content(&content), state.event_at(seq));
        let Some(agreement) = state.agreement() else { continue };
        let _ = (agreement.payouts().get(&id), agreement.report(&id), agreement.current(&id));
    }
    let Some(agreement) = state.agreement() else { return };
    let payouts = agreement.payouts();
    let _ = (payouts.all().len(), payouts.in_transit().count());
    for report in agreement.reports() {
        let _ = (report.usage.keys(), report.usage.total(), report.usage.lines());
    }
    seen(state);
    let is_whole = state.is_whole();
    let Some(written) = snapshot::write(state, 0) else { return };
    assert!(is_whole && state.is_whole(), "a snapshot of a state that could not be read");
    // Where look-ups are wrong an event can have been admitted twice; no log leaves that.
    if let Some(read) = snapshot::read(&Arc::new(written.parts().concat()), 0, Vec::new()) {
        assert_eq!((read.next_seq(), read.head()), (state.next_seq(), state.head()));
        let _ = state_root(&read);
    }
}

/// The parts of a snapshot.
pub struct Parts(Vec<Vec<u8>>);

impl Parts {
    /// Of a state; `None` if it has no snapshot.
    pub fn of(state: &State) -> Option<Parts> {
        let snapshot = snapshot::write(state, 0)?;
        let mut parts: Vec<Vec<u8>> = snapshot.parts().iter().map(|part| part.to_vec()).collect();
        parts.truncate(usize::from(NUMBERS));
        parts[usize::from(HEAD)].drain(..8);
        let words = &mut parts[usize::from(WORDS)];
        (0..5).for_each(|_| drop(words.drain(..number_len(words[0]))));
        Some(Parts(parts))
    }

    /// The bytes of a part.
    pub fn part(&self, part: u8) -> &[u8] {
        &self.0[usize::from(part)]
    }

    /// The bytes of the snapshot after the changes that an input has.
    fn changed(&mut self, mut input: Input<'_>) -> Vec<u8> {
        let mut of_numbers = Vec::new();
        for _ in 0..CHANGES_MAX {
            if input.is_empty() {
                break;
            }
            let (part, at) = (input.u8() % (NUMBERS + 1), usize::from(input.u16()));
            let (dropped, len) = (usize::from(input.u8()), usize::from(input.u8()));
            let change = (at, dropped, input.take(len));
            match self.0.get_mut(usize::from(part)) {
                Some(bytes) => put(bytes, change),
                None => of_numbers.push(change),
            }
        }
        self.bytes(&of_numbers)
    }

    /// The bytes of a snapshot of these parts, of which the numbers are changed.
    fn bytes(&mut self, of_numbers: &[(usize, usize, &[u8])]) -> Vec<u8> {
        let [head, rows, ids, contents, offsets, payouts, sums, words] = &mut self.0[..] else {
            panic!("a snapshot has eight parts");
        };
        let (events, sent) = (rows.len() / ROW_LEN, offsets.len() / ENTRY_LEN);
        rows.truncate(events * ROW_LEN);
        offsets.truncate(sent * ENTRY_LEN);
        [&mut *ids, contents].into_iter().for_each(|list| list.resize(events * ENTRY_LEN, 0));
        let run_head = 5 * 9 + words.len();
        let numbers = [head.len(), 0, events, sent, payouts.len(), sums.len(), run_head];
        let mut numbers: Vec<u8> =
            numbers.iter().flat_map(|number| (*number as u64).to_le_bytes()).collect();
        of_numbers.iter().for_each(|change| put(&mut numbers, *change));
        numbers.resize(7 * 8, 0);
        let numbers = numbers.as_chunks::<8>().0;
        let mut bytes = [&numbers[0], &**head].concat();
        for part in [rows, ids, contents, offsets, payouts, sums] {
            bytes.extend_from_slice(part);
        }
        for number in &numbers[1..6] {
            bytes.push(253);
            bytes.extend_from_slice(number);
        }
        bytes.extend_from_slice(words);
        bytes.extend_from_slice(&numbers[6]);
        bytes
    }
}

/// How many bytes a number takes that begins with this one.
fn number_len(first: u8) -> usize {
    match first {
        251 => 3,
        252 => 5,
        253 => 9,
        254 => 17,
        _ => 1,
    }
}

fn put(bytes: &mut Vec<u8>, (at, dropped, new): (usize, usize, &[u8])) {
    let at = at.min(bytes.len());
    let end = bytes.len().min(at + dropped);
    bytes.splice(at..end, new.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds;

    /// What an id is followed by: the next id that the head of a snapshot names, and where.
    type Pair = ([u8; 32], usize, [u8; 32]);

    /// The ids of events that the head of a snapshot names, one after another, with a fact's.
    fn pairs(known: &Known) -> Vec<Pair> {
        let parts = Parts::of(known.states.last().expect("states")).expect("a snapshot");
        let is_id = |id: &[u8; 32]| known.facts.iter().any(|fact| fact.id.bytes() == id);
        let windows = parts.part(HEAD).windows(32).enumerate();
        let named = windows.filter_map(|(at, window)| Some((at, *window.first_chunk()?)));
        let named: Vec<(usize, [u8; 32])> = named.filter(|(_, id)| is_id(id)).collect();
        named.windows(2).map(|pair| (pair[0].1, pair[1].0, pair[1].1)).collect()
    }

    /// Whether a snapshot of the last state is read with other bytes at a place of its head.
    fn is_read(known: &Known, at: usize, dropped: usize, new: &[u8]) -> bool {
        let mut parts = Parts::of(known.states.last().expect("states")).expect("a snapshot");
        put(&mut parts.0[usize::from(HEAD)], (at, dropped, new));
        snapshot::read(&Arc::new(parts.bytes(&[])), 0, Vec::new()).is_some()
    }

    /// How many of these pairs there are on all logs; where the first id stands in the place of the
    /// second one, no snapshot is read.
    fn assert_refused(why: &str, is_meant: impl Fn(&Known, &Pair) -> bool) {
        let mut tried = 0;
        for known in KNOWN.iter() {
            for pair in pairs(known).iter().filter(|pair| is_meant(known, pair)) {
                assert!(is_read(known, pair.1, 32, &pair.2), "as it was");
                assert!(!is_read(known, pair.1, 32, &pair.0), "{why}");
                tried += 1;
            }
        }
        assert!(tried > 0, "{why}: nothing was tried");
    }

    /// A number of a snapshot (bincode's).
    fn number(number: u64) -> Vec<u8> {
        match number {
            0..=250 => vec![number as u8],
            251..=0xFFFF => [&[251], &(number as u16).to_le_bytes()[..]].concat(),
            _ => [&[253], &number.to_le_bytes()[..]].concat(),
        }
    }

    /// Most changes are small enough that the snapshot is read, and facts follow on most of these.
    #[test]
    fn first_inputs_are_read_and_go_on() {
        let (mut all, mut read, mut on) = (0, 0, 0);
        for seed in seeds::snapshots() {
            let played = super::play(&seed);
            all += 1;
            read += usize::from(played.is_some());
            on += usize::from(played > Some(0));
        }
        println!("{all} inputs, {read} are read, {on} go on");
        assert!(all > 400, "{all} inputs");
        assert!(read * 2 > all, "{read} of {all} inputs are read");
        assert!(on * 3 > all, "{on} of {all} inputs go on");
    }

    /// Given a report that was corrected, when it is said to be its own correction, then the snapshot
    /// is refused: going from correction to correction would never end.
    #[test]
    fn corrections_in_a_circle_are_refused() {
        assert_refused("a report corrects itself", |known, (first, _, second)| {
            let reports = known.states.last().and_then(State::agreement).expect("an agreement");
            let (first, second) = (EventId::from_bytes(*first), EventId::from_bytes(*second));
            let report = reports.report(&first).filter(|report| report.corrects.is_none());
            report.is_some_and(|report| report.corrected_by == Some(second))
        });
    }

    /// Given a dispute that reopens another one, when that is said to reopen itself, then the snapshot is
    /// refused, likewise.
    #[test]
    fn disputes_that_reopen_themselves_are_refused() {
        let mut refused = 0;
        for known in KNOWN.iter() {
            let agreement = known.states.last().and_then(State::agreement).expect("an agreement");
            for dispute in agreement.disputes().values() {
                let Some(reopened) = dispute.reopens else { continue };
                // It is named in other places, too, where it is no circle.
                let places = pairs(known).into_iter().filter(|pair| pair.2 == *reopened.bytes());
                let places: Vec<usize> = places.map(|pair| pair.1).collect();
                let is_refused = |at: &&usize| !is_read(known, **at, 32, dispute.id.bytes());
                refused += places.iter().filter(is_refused).count();
            }
        }
        assert!(refused > 0, "no log has a dispute that reopens one");
    }

    /// Given two reports of a period, when one of them is said to count twice, then the snapshot is
    /// refused: what is read for a period could be many times what there is.
    #[test]
    fn a_report_that_counts_twice_is_refused() {
        assert_refused("a report counts twice", |known, (first, _, second)| {
            let agreement = known.states.last().and_then(State::agreement).expect("an agreement");
            let ids = agreement.reported_periods().map(|period| {
                let reports = agreement.in_effect(period).into_iter();
                reports.map(|report| *report.id.bytes()).collect::<Vec<_>>()
            });
            let mut pairs = ids
                .flat_map(|ids| ids.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>());
            pairs.any(|pair| pair == (*first, *second))
        });
    }

    /// Given several reports, when the last one is said to have the rows of all, or more keys than its
    /// rows have room for, then the snapshot is refused.
    #[test]
    fn rows_that_reports_share_are_refused() {
        let mut tried = 0;
        for known in KNOWN.iter() {
            let state = known.states.last().expect("states");
            let parts = Parts::of(state).expect("a snapshot");
            let reports = state.agreement().expect("an agreement").reports();
            let Some(last) = reports.max_by_key(|report| report.seq) else { continue };
            let (head, sums) = (parts.part(HEAD), parts.part(LISTS).len() as u64);
            let keys = last.usage.keys() as u64;
            let place = |start: u64, keys: u64| [start, sums, keys].map(number).concat();
            let start = (1..=sums).rev().find(|start| head.ends_with(&place(*start, keys)));
            let Some(start) = start else { continue };
            let len = place(start, keys).len();
            let at = head.len() - len;
            assert!(is_read(known, at, len, &place(start, keys)), "as it was");
            assert!(!is_read(known, at, len, &place(0, keys)), "rows of others");
            assert!(!is_read(known, at, len, &place(start, sums)), "too many keys");
            assert!(!is_read(known, at, len, &place(start, u64::MAX)), "too many keys");
            assert!(
                !is_read(known, at, len, &place(sums + 1, keys)),
                "an end before the beginning"
            );
            tried += 1;
        }
        assert!(tried > 2, "{tried} logs have several reports");
    }

    /// Given sums as large as numbers are, when they are added up, then the largest number stands.
    #[test]
    fn sums_that_leave_their_numbers_are_the_largest() {
        let known = &KNOWN[0];
        let mut parts = Parts::of(known.states.last().expect("states")).expect("a snapshot");
        // Rows as the run has them: keys, day, currency, attributes, lines, gross.
        let sums = &mut parts.0[usize::from(LISTS)];
        let attributes = usize::from(sums[12]);
        let lines = 16 + 8 * attributes;
        sums[lines..lines + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        sums[lines + 8..lines + 24].copy_from_slice(&i128::MAX.to_le_bytes());
        let read = snapshot::read(&Arc::new(parts.bytes(&[])), 0, Vec::new()).expect("it is read");
        let reports = read.agreement().expect("an agreement").reports();
        let first = reports.min_by_key(|report| report.seq).expect("a report");
        assert_eq!(first.usage.total().lines, u64::MAX);
        asked(&read, known);
        assert!(read.is_whole());
    }
}
