//! How many random cases a property tries, and where its random numbers begin.

use proptest::strategy::Strategy;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::RngSeed;
use proptest::test_runner::TestCaseError;
use proptest::test_runner::TestRunner;

/// The seed unless `REVSHARE_SEED` names another one.
const SEED: u64 = 20_261_123;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

/// Tries a property on random values: `cases` of them, or `REVSHARE_CASES`. What fails is shrunk
/// (`REVSHARE_SHRINK` sets in how many steps at most) and shown with the seed that leads there.
#[track_caller]
pub fn holds<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value)) {
    holds_from(0, cases, strategy, property);
}

/// Likewise, as one of several shares of the work: each begins elsewhere.
#[track_caller]
pub fn holds_from<S: Strategy>(share: u64, cases: u32, strategy: S, property: impl Fn(S::Value)) {
    let seed = number("REVSHARE_SEED").unwrap_or(SEED).wrapping_add(share);
    let cases = number("REVSHARE_CASES").map_or(cases, |cases| cases as u32);
    let config = Config {
        cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: number("REVSHARE_SHRINK").map_or(2_000, |steps| steps as u32),
        ..Config::default()
    };
    println!("{cases} cases from seed {seed}");
    let outcome = TestRunner::new(config).run(&strategy, |value| {
        property(value);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        panic!("with REVSHARE_SEED={}: {failure}", seed.wrapping_sub(share));
    }
}
