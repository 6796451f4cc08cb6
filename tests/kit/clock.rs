//! The clock of a test: it stands still until it is told to go on.

use ledger_core::vocab::Timestamp;

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// A clock that a test owns.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    micros: i64,
}

impl Clock {
    /// A clock that shows a time, such as `2026-01-01T00:00:00Z`.
    pub fn at(time: &str) -> Clock {
        Clock { micros: Timestamp::parse(time).expect("a time as in RFC 3339").micros() }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros).expect("a time before the year 3000")
    }

    /// A second passes.
    pub fn tick(&mut self) {
        self.micros += 1_000_000;
    }

    /// Days pass.
    pub fn pass_days(&mut self, days: i64) {
        self.micros += days * DAY_MICROS;
    }
}
