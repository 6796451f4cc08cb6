//! What must hold of every decoder, whatever bytes it is given: it answers, in bounded memory, and
//! what it answers is consistent with what else is known of the same bytes.
//!
//! A target is a function over bytes that panics if something does not hold. The fuzzer
//! (`tests/fuzz`) calls it with bytes that it makes up, and the test `corpus.rs` with those that
//! are kept in `tests/fuzz/corpus`. `docs/contributing.md` says how to run both.

mod input;
mod logs;
mod acknowledgement;
mod events;
mod keys;
mod log;
mod local_state;
mod payload;
mod segments;
mod settlement;
mod terms;
mod usage;
mod words;

pub mod entries;
pub mod memory;
pub mod seeds;

/// A decoder and what must hold of it.
pub struct Target {
    /// The name of its binary in `tests/fuzz` and of its folder in the corpus.
    pub name: &'static str,
    /// Panics if something does not hold.
    run: fn(&[u8]),
    /// The longest input that is tried. Longer ones prove nothing that shorter ones do not, and
    /// take longer.
    pub len_max: usize,
    /// How much memory it may use at once: so many bytes, and so many more for each byte of input.
    memory: (usize, usize),
}

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    len_max: usize,
    memory: (usize, usize),
) -> Target {
    Target { name, run, len_max, memory }
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Every target. A list in a payload may claim a length that it has not; serde sets aside 1 MiB for
/// it, and OpenSSH's formats as much for a field, before they find out.
pub const TARGETS: [Target; 13] = [
    target("acknowledgement", acknowledgement::run, 2 * KIB, (2 * MIB, 16)),
    target("csv", usage::csv, 16 * KIB, (4 * MIB, 1024)),
    target("events", events::run, 8 * KIB, (8 * MIB, 256)),
    target("jsonl", usage::jsonl, 16 * KIB, (4 * MIB, 1024)),
    target("keys", keys::run, 4 * KIB, (2 * MIB, 32)),
    target("log", log::run, 8 * KIB, (64 * MIB, 256)),
    target("local_state", local_state::run, KIB, (64 * KIB, 16)),
    target("payload", payload::run, 16 * KIB, (4 * MIB, 256)),
    target("segments", segments::run, 16 * KIB, (64 * MIB, 256)),
    target("settlement", settlement::run, 8 * KIB, (4 * MIB, 256)),
    target("terms", terms::wire, 16 * KIB, (4 * MIB, 1024)),
    target("terms_file", terms::file, 16 * KIB, (MIB, 4096)),
    target("words", words::run, 2 * KIB, (64 * KIB, 64)),
];

/// Runs a target over an input, within its memory. Panics if something does not hold.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    // What is read once and kept for all inputs is not counted.
    logs::load();
    local_state::load();
    usage::load();
    let (base, each) = target.memory;
    let allowed = base + each * input.len();
    let used = memory::peak_of(|| (target.run)(input));
    assert!(
        used <= allowed,
        "{name}: {used} bytes of memory for an input of {} bytes, {allowed} are allowed",
        input.len()
    );
}
