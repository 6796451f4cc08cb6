//! Format levels.

/// The format level of a ledger: which kinds, versions and clauses it may hold. Levels are
/// append-only; a ledger of any level opens for ever.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(u16)]
pub enum Level {
    /// One version of the terms, in the settlement currency, without points, guarantees, caps,
    /// splits, advances and interest.
    #[default]
    One = 1,
    /// The whole contract.
    Two = 2,
}

impl Level {
    /// The level that new ledgers are opened with.
    pub const LATEST: Level = Level::Two;

    /// The level with a number.
    pub fn from_number(number: u16) -> Option<Level> {
        [Level::One, Level::Two].into_iter().find(|level| level.number() == number)
    }

    /// Its number, as records carry it.
    #[expect(clippy::as_conversions, reason = "the discriminant, of which `repr` gives the width")]
    pub fn number(self) -> u16 {
        self as u16
    }
}
