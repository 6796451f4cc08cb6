//! Payloads of events: what is decoded is encoded as the same bytes.
//!
//! ```text
//! kind u8, version u8, length of periods u8 (month, quarter), payload
//! ```

use std::collections::BTreeSet;

use ledger_core::event::Event;
use ledger_core::event::Lines;
use ledger_core::usage::LineBlock;
use ledger_core::usage::LineKey;
use ledger_core::usage::UsageSums;
use ledger_core::vocab::PeriodLength;
use ledger_core::wire::block;
use ledger_core::wire::event::decode_payload;
use ledger_core::wire::event::encode_payload;

use crate::input::Input;

/// See the module.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let kind = (u16::from(input.u8()), u16::from(input.u8()));
    let length = match input.u8() % 2 {
        0 => PeriodLength::Month,
        _ => PeriodLength::Quarter,
    };
    let payload = input.0;
    match decode_payload(kind, length, payload) {
        Ok(event) => {
            assert_eq!((event.kind() as u16, event.version()), kind);
            let encoded = encode_payload(&event).expect("what was decoded can be encoded");
            assert_eq!(encoded, payload, "a payload has one encoding");
            lines(&event);
        }
        Err(problem) => assert!(problem.hint.is_some(), "no hint: {problem}"),
    }
    if let Ok(read) = block::decode(payload) {
        assert_eq!(block::encode(&read), payload, "a block has one encoding");
        whole(&read);
    }
}

fn lines(event: &Event) {
    match event {
        Event::UsagePart(part) => whole(&part.block),
        Event::UsageReported(report) => inline(&report.lines),
        Event::UsageCorrected(correction) => inline(&correction.lines),
        _ => {}
    }
}

fn inline(lines: &Lines) {
    if let Lines::Inline(block) = lines {
        whole(block);
    }
}

/// Every line has a key, and the sums are of all lines.
fn whole(block: &LineBlock) {
    let mut sums = UsageSums::default();
    block.add_to(&mut sums);
    assert_eq!(sums.lines(), block.lines() as u64);
    let keys: BTreeSet<LineKey> = sums.iter().map(|(key, _)| key).collect();
    for key in &block.parts().key_of {
        let key = block.key(usize::from(*key)).expect("every line has a key");
        assert!(keys.contains(&key));
    }
}
