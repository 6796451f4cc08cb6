//! Payloads whose texts, values or blocks break a rule of "Conventions" or "Block", and payloads at
//! the edge of these rules that must be read.

use ledger_core::dispute::Erasure;
use ledger_core::event::Event;
use ledger_core::event::Kind;
use ledger_core::vocab::Digest;
use ledger_core::vocab::Text;
use ledger_core::vocab::digest::Domain;
use ledger_core::wire::event::encode_payload;
use serde_json::json;

use crate::bad_payloads::Bad;
use crate::bad_payloads::Bytes;
use crate::says::says;
use crate::written::hex;
use crate::written::holds_bytes_for_ever;
use crate::written::json_text;

/// An erasure with a reason.
fn erased(reason: &str) -> Vec<u8> {
    Bytes::default().raw(&[9; 32]).text(reason.as_bytes()).0
}

/// A part of a report: a block of one line of one key, in which every attribute has the value, and
/// every meter and deduction a number.
fn part(columns: [usize; 3], value: &[u8]) -> Vec<u8> {
    let [attributes, meters, deductions] = columns;
    let mut block = Bytes::default().u32(1);
    for (count, letter) in [(attributes, 'a'), (meters, 'm'), (deductions, 'd')] {
        block = block.u8(count as u8);
        for number in 0..count {
            block = block.u8(3).raw(format!("{letter}{number:02}").as_bytes());
        }
    }
    block = match attributes {
        0 => block.u32(0),
        _ => block.u32(1).u16(value.len() as u16).raw(value),
    };
    block = block.u32(1).raw(&20_454i32.to_le_bytes()).raw(b"USD");
    block = (0..attributes).fold(block, |block, _| block.u32(0)).u8(0);
    block = block.raw(&[0, 1, 15]);
    block = (0..meters + deductions).fold(block, |block, _| block.raw(&[0, 1, 1]));
    Bytes::default().u32(0).u64(block.0.len() as u64).raw(&block.0).0
}

/// Payloads that must be refused, with the version that their vector names.
pub fn bad_texts() -> Vec<(Option<u16>, Bad)> {
    let text = |name, what, reason: &str| {
        let (kind, payload) = (Kind::EvidenceErased, erased(reason));
        (Some(1), Bad { name, what, kind, payload })
    };
    let block = |name, what, columns, value: &[u8]| {
        (None, Bad { name, what, kind: Kind::UsagePart, payload: part(columns, value) })
    };
    let long = [b'x'; 257];
    vec![
        text("text-not-composed", "a text is not in NFC: e and an accent", "e\u{301}"),
        text("text-marks-unordered", "a text is not in NFC: two marks", "a\u{315}\u{300}"),
        text("text-singleton", "a text is not in NFC: the sign of the angstrom", "\u{212b}"),
        text("text-excluded", "a text is not in NFC: a composition exclusion", "\u{958}"),
        text("text-jamo", "a text is not in NFC: a syllable in two letters", "\u{1100}\u{1161}"),
        text("text-composed-16", "not in NFC since Unicode 16.0", "\u{105d2}\u{307}"),
        text("text-marks-17", "not in NFC since Unicode 17.0", "a\u{1acf}\u{323}"),
        block("block-value-long", "a value of a block has 257 bytes", [1, 0, 0], &long),
        block("block-value-bidi", "a value of a block holds U+202E", [1, 0, 0], b"a\xe2\x80\xae"),
        block("block-value-nfc", "a value of a block is not in NFC", [1, 0, 0], b"e\xcc\x81"),
        block("block-attributes-many", "a block has 33 attributes", [33, 0, 0], b"x"),
        block("block-meters-many", "a block has 33 meters", [0, 33, 0], b"x"),
        block("block-deductions-many", "a block has 17 kinds of deduction", [0, 0, 17], b"x"),
    ]
}

/// Texts at the edge of the rules are read, and written again byte for byte.
#[test]
fn texts_at_the_edge_are_vectors() {
    let texts = [
        ("text-empty", ""),
        ("text-composed", "\u{e9} \u{105c9} \u{1ea1}\u{1acf}"),
        ("text-unassigned", "\u{378} and a\u{378}\u{301}\u{315}"),
    ];
    for (name, reason) in texts {
        let commitment = Digest([9; 32]);
        let event = Event::EvidenceErased(Erasure {
            commitment,
            reason: Text::parse(reason).expect("a text"),
        });
        let payload = encode_payload(&event).expect("it has bytes");
        assert_eq!(payload, erased(reason), "{name}");
        let vector = json!({
            "name": event.kind().as_str(),
            "kind": 28,
            "version": 1,
            "period_length": "month",
            "payload": hex(&payload),
            "payload_digest": Domain::Payload.digest(&payload).to_string(),
            "says": says(&event),
        });
        let path = format!("schemas/vectors/payloads/28-evidence-erased-{name}-month.json");
        holds_bytes_for_ever(&path, &json_text(&vector));
    }
}

/// A block with as many columns as there may be is read.
#[test]
fn a_block_may_have_as_many_columns_as_terms() {
    let payload = part([32, 32, 16], b"");
    assert!(revshare_reference::read_payload(3, 1, &payload).is_err(), "all attributes are empty");
    let payload = part([32, 32, 16], b"x");
    assert_eq!(revshare_reference::read_payload(3, 1, &payload), Ok(()));
    let month = ledger_core::vocab::PeriodLength::Month;
    assert!(ledger_core::wire::event::decode_payload((3, 1), month, &payload).is_ok());
}
