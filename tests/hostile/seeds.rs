//! First inputs, from what the project has already: logs, vectors and files. The fuzzer goes on
//! from there, and `tests/fuzz/corpus` keeps what reaches different code.

use ledger_core::event::Acknowledgement;
use ledger_core::event::Author;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Level;
use ledger_core::vocab::RecordHash;
use ledger_core::vocab::StateRoot;
use ledger_core::wire::terms::encode_terms;

use crate::entries::ASKED;
use crate::entries::RESTORED;
use crate::entries::reference;
use crate::entries::signer;
use crate::logs::BYTES;
use crate::logs::KNOWN;
use crate::snapshots;
use crate::snapshots::HEAD;
use crate::snapshots::LISTS;
use crate::snapshots::NUMBERS;
use crate::snapshots::Parts;
use crate::usage;

/// Most entries of a seed behind the known records.
const ENTRIES: usize = 4;

/// Inputs of the targets `events` and `log`: the records of the known logs, each with up to three
/// behind it, as hostile ones.
pub fn entries() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, known) in KNOWN.iter().enumerate() {
        for first in 0..known.facts.len() {
            let asked = [0, ASKED, 0, RESTORED][first % 4];
            let mut seed = vec![number as u8 | asked, first as u8];
            let facts = &known.facts[first..known.facts.len().min(first + ENTRIES)];
            for (at, fact) in facts.iter().enumerate() {
                let parties = known.states[first + at].agreement();
                let parties = parties.map(|known| known.versions().listed_parties());
                let parties = parties.unwrap_or_default();
                let author = parties.iter().position(|party| party.id == fact.author.party);
                let before = known.states[first + at].recorded_at().micros();
                let days = (fact.recorded_at.micros() - before) / 86_400_000_000;
                let frame = &known.frames[first + at];
                let start = 16 + 137 + fact.author.party.as_str().len() + 4;
                let mut payload = frame[start..frame.len() - 96].to_vec();
                for (earlier, one) in facts[..at].iter().enumerate() {
                    let names = [*one.id.bytes(), *one.content.bytes(), *one.hash.bytes()];
                    for (what, name) in names.iter().enumerate() {
                        replace(&mut payload, name, &reference(what, earlier as u8));
                    }
                }
                let version = fact.event.version() as u8;
                let author = author.unwrap_or(0) as u8;
                seed.extend([0, author, days.clamp(0, 255) as u8, fact.event.kind() as u8]);
                seed.push(version);
                seed.extend((payload.len() as u16).to_le_bytes());
                seed.extend(payload);
            }
            seeds.push(seed);
        }
    }
    seeds
}

fn replace(bytes: &mut [u8], from: &[u8; 32], to: &[u8; 32]) {
    let mut at = 0;
    while let Some(window) = bytes.get_mut(at..at + 32) {
        if window == from {
            window.copy_from_slice(to);
        }
        at += 1;
    }
}

/// Inputs of the target `segments`: short logs, whole and in pieces.
pub fn segments() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = BYTES[..2].iter().map(|bytes| [&[0], *bytes].concat()).collect();
    let known = &KNOWN[0];
    let first: usize = 64 + known.frames[..2].iter().map(Vec::len).sum::<usize>();
    seeds.push([&[0], &BYTES[0][..first]].concat());
    seeds.push([&[0], &BYTES[0][..first - 20]].concat());
    seeds.push([&[1][..], &(first as u16).to_le_bytes(), &BYTES[0][..first + 300]].concat());
    seeds
}

/// Inputs of the target `acknowledgement`.
pub fn acknowledgements() -> Vec<Vec<u8>> {
    let mut said = vec![1];
    said.extend([[9; 32].as_slice(), &7u64.to_le_bytes(), &[8; 32], &[2, 0], &[6; 32]].concat());
    said.extend(b"\x40\x00xmeta");
    let (ledger, signer) = (LedgerId::from_bytes([9; 32]), signer("meta"));
    let author = Author {
        party: Id::parse("meta").expect("an id"),
        key: signer.public().expect("a sound key"),
    };
    let head = Acknowledgement {
        seq: 7,
        head: RecordHash::from_bytes([8; 32]),
        root_version: 2,
        state_root: StateRoot::from_bytes([6; 32]),
    };
    let text = ledger_core::acknowledgement::write(ledger, &author, &head, &signer);
    vec![said, [&[0], text.as_bytes()].concat()]
}

/// Inputs of the target `terms_file`: those of the command line's tests, with keys.
pub fn terms_files() -> Vec<Vec<u8>> {
    usage::FILES.iter().map(|text| usage::with_keys(text).into_bytes()).collect()
}

/// Inputs of the target `terms`: all terms of the known logs.
pub fn terms() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for known in KNOWN.iter() {
        let Some(agreement) = known.states.last().and_then(|state| state.agreement()) else {
            continue;
        };
        for version in agreement.versions().iter() {
            for (number, level) in [(0, Level::Two), (1, Level::One)] {
                let bytes = encode_terms(&version.terms, level);
                seeds.extend(bytes.map(|bytes| [&[number], &bytes[..]].concat()));
            }
        }
    }
    seeds
}

/// Inputs of the target `memories`: what is there, and parts of it.
pub fn memories() -> Vec<Vec<u8>> {
    let key = signer("meta").public().expect("a sound key");
    let head = format!("{} 7 {}\n", LedgerId::from_bytes([3; 32]), LedgerId::from_bytes([7; 32]));
    let signed = [[1; 32], [2; 32]].concat();
    let pending = [[[3; 32], *key.bytes()].concat(), signed.clone()].concat();
    vec![
        [&[0], head.as_bytes()].concat(),
        [&[1], &signed[..], &signed[..40]].concat(),
        [&[2], &pending[..]].concat(),
        [&[2], &pending[..64], &[7; 64], &signed[..]].concat(),
    ]
}

/// Most changes of one sort in the head of one snapshot.
const CHANGES: usize = 24;

/// Inputs of the target `snapshots`: those of the known logs, whole, and with a change each: in
/// every count, at the beginning of every list, and in what the head names: events, days and periods,
/// numbers.
pub fn snapshots() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![snapshots::BYTES], [&[snapshots::BYTES], &[0; 40][..]].concat()];
    for (number, known) in KNOWN.iter().enumerate() {
        let last = known.states.len() - 1;
        for records in (1..=last).rev().step_by(4) {
            seeds.push(vec![number as u8, records as u8, records as u8]);
        }
        for records in [last, last * 2 / 3] {
            let Some(parts) = Parts::of(&known.states[records]) else { continue };
            let mut changes = in_lists(&parts);
            let ids: Vec<[u8; 32]> = known.facts.iter().map(|fact| *fact.id.bytes()).collect();
            changes.extend(in_head(parts.part(HEAD), &ids));
            for (at, change) in changes.into_iter().enumerate() {
                // Nothing follows on the whole log: what is there is said again.
                let next = if records == last { at % last } else { records };
                seeds.push([&[number as u8, records as u8, next as u8], &change[..]].concat());
            }
        }
    }
    seeds
}

fn change(part: u8, at: usize, dropped: usize, new: &[u8]) -> Vec<u8> {
    let at = (at as u16).to_le_bytes();
    [&[part, at[0], at[1], dropped as u8, new.len() as u8], new].concat()
}

/// Changes in the numbers of a snapshot, and in its lists.
fn in_lists(parts: &Parts) -> Vec<Vec<u8>> {
    let mut changes = Vec::new();
    for at in 0..7 {
        for number in [0u64, 1, 255, 1 << 40, 1 << 60, u64::MAX] {
            changes.push(change(NUMBERS, at * 8, 8, &number.to_le_bytes()));
        }
    }
    for part in 1..=LISTS {
        for (at, dropped) in [(0, 4), (0, 16), (4, 4), (8, 8), (12, 4), (16, 32), (64, 2)] {
            for new in [&[0; 32][..dropped], &[0xFF; 32][..dropped], &[]] {
                changes.push(change(part, at, dropped, new));
            }
        }
        // The second entry stands first, too.
        let second = parts.part(part).get(16..32).unwrap_or_default();
        changes.push(change(part, 0, second.len(), second));
    }
    changes
}

/// Changes in the head of a snapshot on a log with these events.
fn in_head(head: &[u8], ids: &[[u8; 32]]) -> Vec<Vec<u8>> {
    let mut named: Vec<(usize, usize)> = Vec::new();
    let mut numbers: Vec<usize> = Vec::new();
    for (at, window) in head.windows(32).enumerate() {
        named.extend(ids.iter().position(|id| window == id).map(|id| (at, id)));
        // The first byte of a number of two bytes: a day, a year, a length.
        if window[0] == 251 && window[2] != 0 {
            numbers.push(at);
        }
    }
    let mut changes = Vec::new();
    for (place, (at, id)) in spread(&named.iter().copied().enumerate().collect::<Vec<_>>()) {
        let before = place.checked_sub(1).and_then(|before| named.get(before));
        let others = [(id + 1) % ids.len(), before.map_or(0, |(_, id)| *id)];
        changes.push(change(HEAD, at, 32, &[0; 32]));
        changes.extend(others.map(|other| change(HEAD, at, 32, &ids[other])));
    }
    for at in spread(&numbers) {
        changes.push(change(HEAD, at, 3, &[0]));
        changes.push(change(HEAD, at, 3, &[251, 0x64, 0x0F]));
        changes.push(change(HEAD, at, 3, &[251, 0x6E, 0x17]));
        changes.push(change(HEAD, at, 3, &[252, 0xB0, 0x79, 0x0B, 0]));
        changes.push(change(HEAD, at, 3, &[252, 0xFF, 0xFF, 0xFF, 0xFF]));
        changes.push(change(HEAD, at.saturating_sub(1), 1, &[1]));
    }
    let most = [&[254], &[0xFF; 16][..]].concat();
    let anywhere: Vec<usize> = (0..head.len()).step_by(23).collect();
    for at in spread(&anywhere) {
        changes.push(change(HEAD, at, 1, &[0]));
        changes.push(change(HEAD, at, 1, &[head[at].wrapping_add(1)]));
        changes.push(change(HEAD, at, 1, &most));
    }
    changes
}

/// So many places, from everywhere.
fn spread<T: Copy>(places: &[T]) -> Vec<T> {
    places.iter().copied().step_by(places.len() / CHANGES + 1).collect()
}
