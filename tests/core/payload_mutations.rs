//! Payloads that are nearly right: the ledger and the reference take the same ones.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;

use ledger_core::vocab::PeriodLength;
use ledger_core::wire::event::decode_payload;
use proptest::collection::vec;
use proptest::prelude::any;
use serde_json::Value;

use crate::runs::holds;
use crate::written::hex;
use crate::written::root;
use crate::written::unhex;

/// Mutated payloads that are tried.
const CASES: u32 = 20_000;

/// Every payload of the vectors, good and bad: kind, version, bytes.
fn payloads() -> Vec<(u16, u16, Vec<u8>)> {
    let mut payloads = Vec::new();
    for folder in ["payloads", "bad-payloads"] {
        let folder = root().join("schemas/vectors").join(folder);
        for entry in fs::read_dir(&folder).expect("the folder of the vectors") {
            let path = entry.expect("an entry of the folder").path();
            let vector: Value =
                serde_json::from_slice(&fs::read(&path).expect("a vector")).expect("it is JSON");
            let number = |key: &str| vector.get(key).and_then(Value::as_u64).map(|n| n as u16);
            let payload = unhex(vector["payload"].as_str().expect("a payload"));
            let (kind, version) = (number("kind").expect("a kind"), number("version"));
            payloads.push((path, kind, version.unwrap_or(1), payload));
        }
    }
    payloads.sort();
    payloads.into_iter().map(|(_, kind, version, payload)| (kind, version, payload)).collect()
}

/// Changes bytes: one to another value, one by one, one gone, one more, two exchanged, a run twice.
fn mutate(payload: &mut Vec<u8>, (at, how, byte): (u32, u8, u8)) {
    if payload.is_empty() {
        return;
    }
    let at = at as usize % payload.len();
    let other = usize::from(byte) % payload.len();
    let end = (at + usize::from(byte) % 40).min(payload.len());
    match how % 8 {
        0 => payload[at] = byte,
        1 => payload[at] = payload[at].wrapping_add(1),
        2 => payload[at] = payload[at].wrapping_sub(1),
        3 => payload[at] ^= 1 << (byte % 8),
        4 => drop(payload.remove(at)),
        5 => payload.insert(at, byte),
        6 => payload.swap(at, other),
        _ => {
            let run = payload[at..end].to_vec();
            payload.splice(at..at, run);
        }
    }
}

/// What is wrong with a payload, for both; the reference judges periods where terms say how long
/// they are.
#[test]
fn mutated_payloads_are_taken_by_both_or_by_none() {
    let payloads = payloads();
    let apart: RefCell<BTreeMap<(u16, String, String), String>> = RefCell::default();
    let strategy = (any::<u16>(), vec((any::<u32>(), any::<u8>(), any::<u8>()), 1..4));
    holds(CASES, strategy, |(pick, mutations)| {
        let (kind, version, payload) = &payloads[usize::from(pick) % payloads.len()];
        let mut payload = payload.clone();
        mutations.into_iter().for_each(|mutation| mutate(&mut payload, mutation));
        let own = decode_payload((*kind, *version), PeriodLength::Month, &payload);
        let own = own.map_or_else(|problem| problem.message, |_| String::new());
        let other = revshare_reference::read_payload(*kind, *version, &payload);
        let other = other.err().unwrap_or_default();
        if own.is_empty() != other.is_empty() && !own.contains("there is no period") {
            apart.borrow_mut().entry((*kind, own, other)).or_insert_with(|| hex(&payload));
        }
    });
    let apart = apart.into_inner();
    assert!(apart.is_empty(), "taken by one and not by the other: {apart:#?}");
}
