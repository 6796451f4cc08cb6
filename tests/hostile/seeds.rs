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

/// Inputs of the target `local_state`: what is there, and parts of it.
pub fn local_state() -> Vec<Vec<u8>> {
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
