//! The logs that hostile records are put behind: those that every release opens (`tests/logs`),
//! with the state after each of their records.

use std::sync::LazyLock;

use ledger_core::event::Fact;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::State;
use ledger_core::store::Batch;
use ledger_core::store::MemoryLog;
use ledger_core::store::Reader;

/// A log, record by record.
pub struct Known {
    /// The frames.
    pub frames: Vec<Vec<u8>>,
    /// What they say.
    pub facts: Vec<Fact>,
    /// The state before the first record, and after each of them.
    pub states: Vec<State>,
}

/// The bytes of the logs, in the order in which inputs number them. New ones go to the end.
pub const BYTES: [&[u8]; 6] = [
    include_bytes!("../logs/v1/every-kind/log/00000000.seg"),
    include_bytes!("../logs/v1/every-clause/log/00000000.seg"),
    include_bytes!("../logs/v2/every-kind/log/00000000.seg"),
    include_bytes!("../logs/v2/every-clause/log/00000000.seg"),
    include_bytes!("../logs/v2/every-dispute/log/00000000.seg"),
    include_bytes!("../logs/v2/raised/log/00000000.seg"),
];

/// The logs.
pub static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| BYTES.iter().map(|bytes| known(bytes)).collect());

/// Reads them all, if that was not done.
pub fn load() {
    LazyLock::force(&KNOWN);
}

/// Reads a sound log.
pub fn known(bytes: &[u8]) -> Known {
    let log = MemoryLog { segments: vec![bytes.to_vec()] };
    let mut frames = Vec::new();
    let (mut reader, mut batch) = (Reader::new(&log).expect("a log"), Batch::default());
    while reader.next_batch(&mut batch).expect("memory can be read") {
        frames.extend(batch.frames().map(|(_, frame)| frame.to_vec()));
    }
    let (mut facts, mut states) = (Vec::new(), vec![State::default()]);
    replay(&log, None, Signatures::Trusted, &mut |state, fact, _| {
        facts.push(fact.clone());
        states.push(state.clone());
    })
    .expect("a sound log");
    assert_eq!(frames.len(), facts.len());
    Known { frames, facts, states }
}
