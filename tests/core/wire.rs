//! The bytes of events: one value, one encoding, and no byte that does not count.

use ledger_core::event::Event;
use ledger_core::event::Kind;
use ledger_core::vocab::Code;
use ledger_core::vocab::PeriodLength;
use ledger_core::wire::event::decode_payload;
use ledger_core::wire::event::encode_payload;
use proptest::collection::vec;
use proptest::prelude::any;
use revshare_kit::World;
use revshare_kit::random::facts;
use revshare_kit::random::plan;
use revshare_kit::random::play;

use crate::runs::holds;

fn length(world: &World) -> PeriodLength {
    world.agreement().terms().period_length
}

fn decode(event: &Event, length: PeriodLength, payload: &[u8]) -> Option<Event> {
    match decode_payload((event.kind() as u16, event.version()), length, payload) {
        Ok(event) => Some(event),
        Err(problem) => {
            let words = [
                Code::PayloadMalformed,
                Code::Id,
                Code::Name,
                Code::Text,
                Code::Currency,
                Code::KeyWeak,
            ];
            let is_terms = problem.code.as_str().starts_with("terms-");
            assert!(words.contains(&problem.code) || is_terms, "{problem}");
            None
        }
    }
}

/// For every event of every ledger: decoding its payload gives the event, and encoding the event
/// gives the payload.
#[test]
fn every_event_round_trips() {
    holds(120, plan(4..24), |plan| {
        let world = play(&plan);
        for fact in facts(&world) {
            let payload = encode_payload(&fact.event).expect("it was encoded before");
            let again = decode(&fact.event, length(&world), &payload);
            assert_eq!(again.as_ref(), Some(&fact.event));
        }
    });
}

/// For every payload of a ledger, every byte of it and a random change of that byte: the payload is
/// refused, or it is the one encoding of another event. Never the same event, never a second
/// encoding, never a panic. Likewise for a payload that is cut short or has a byte more.
#[test]
fn every_changed_byte_is_refused_or_says_something_else() {
    holds(12, (plan(6..20), any::<u64>()), |(plan, mut random)| {
        let world = play(&plan);
        for fact in facts(&world) {
            let payload = encode_payload(&fact.event).expect("it was encoded before");
            let check = |changed: &[u8]| {
                if let Some(event) = decode(&fact.event, length(&world), changed) {
                    assert_ne!(event, fact.event, "two payloads say the same");
                    let encoded = encode_payload(&event).expect("what was decoded has bytes");
                    assert_eq!(encoded, changed, "a second encoding of one event");
                }
            };
            let mut changed = payload.clone();
            for at in 0..payload.len() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                changed[at] ^= 1 << (random >> 61);
                check(&changed);
                changed[at] = (random >> 40) as u8;
                if changed[at] != payload[at] {
                    check(&changed);
                }
                changed[at] = payload[at];
                check(&payload[..at]);
            }
            changed.push(0);
            check(&changed);
        }
    });
}

/// Whatever bytes a payload holds: reading it as any kind refuses it or gives an event whose one
/// encoding they are. Nothing panics, and nothing is allocated that the bytes could not fill.
#[test]
fn no_bytes_panic() {
    let bytes = proptest::prop_oneof![
        vec(any::<u8>(), 0..200),
        // Plausible: small counts among zeros.
        vec(proptest::prop_oneof![4 => proptest::prelude::Just(0u8), 1 => 0..4u8], 0..200),
    ];
    holds(3_000, bytes, |bytes| {
        for kind in Kind::ALL {
            for length in [PeriodLength::Month, PeriodLength::Quarter] {
                let read = decode_payload((kind as u16, 1), length, &bytes);
                if let Ok(event) = read {
                    assert_eq!(encode_payload(&event).expect("it has bytes"), bytes);
                }
            }
        }
    });
}

/// Kinds and versions that this release does not know are named as such.
#[test]
fn unknown_kinds_are_refused() {
    for (kind, version) in [(0, 1), (29, 1), (20, 2), (1, 0), (1, 3), (2, 2), (u16::MAX, u16::MAX)]
    {
        let read = decode_payload((kind, version), PeriodLength::Month, &[]);
        let code = read.map(|_| ()).map_err(|problem| problem.code);
        assert_eq!(code, Err(Code::KindUnknown), "kind {kind} version {version}");
    }
}
