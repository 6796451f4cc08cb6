//! Every bound of the ledger, in one place, with the relations between bounds asserted when the
//! crate is compiled. Bounds are checked when an event is admitted, so that nothing later (a
//! statement, a verification) can fail on size.

/// Longest party, rule or clause id, in bytes.
pub const ID_LEN_MAX: usize = 64;
/// Longest name of a meter, a deduction kind or an attribute, in bytes.
pub const NAME_LEN_MAX: usize = 64;
/// Longest free text (title, reason, reference), in bytes of UTF-8.
pub const TEXT_LEN_MAX: usize = 1024;
/// Longest attribute value on a usage line, in bytes of UTF-8.
pub const VALUE_LEN_MAX: usize = 256;

/// Most digits before the decimal point of an amount or a quantity.
pub const INTEGER_DIGITS_MAX: u32 = 15;
/// Most digits after the decimal point of an amount, a quantity or a rate.
pub const FRACTION_DIGITS_MAX: u32 = 12;

/// Most parties of one agreement.
pub const PARTIES_MAX: usize = 64;
/// Most meters that terms may declare.
pub const METERS_MAX: usize = 32;
/// Most kinds of deduction that terms may declare.
pub const DEDUCTIONS_MAX: usize = 16;
/// Most attributes that terms may know.
pub const ATTRIBUTES_MAX: usize = 32;
/// Most allowed values of one attribute.
pub const ATTRIBUTE_VALUES_MAX: usize = 4096;
/// Most rules of one agreement.
pub const RULES_MAX: usize = 1024;
/// Most steps of one tiered rule.
pub const STEPS_MAX: usize = 64;
/// Most patterns of one condition.
pub const PATTERNS_MAX: usize = 1024;
/// Most entries of a price list.
pub const PRICES_MAX: usize = 4096;
/// Most exclusivities and contributions of one agreement, together.
pub const MODIFIERS_MAX: usize = 256;
/// Most caps of one agreement; likewise minimums, and splits.
pub const CLAUSES_MAX: usize = 256;
/// Most rows of the table of late interest.
pub const INTEREST_STEPS_MAX: usize = 1024;
/// Most months that an audit may look back.
pub const LOOKBACK_MONTHS_MAX: u16 = 1200;
/// Most commitments to evidence that one event names.
pub const EVIDENCE_MAX: usize = 64;
/// Largest number of days in a deadline of the terms.
pub const DEADLINE_DAYS_MAX: u16 = 3650;

/// Most usage lines in one block (one part of a report).
pub const BLOCK_LINES_MAX: usize = 65_536;
/// A block under construction is closed when its dictionary and columns reach this many bytes.
pub const BLOCK_LEN_TARGET: usize = 8 << 20;
/// Most parts of one usage report.
pub const PARTS_MAX: usize = 1 << 20;
/// Most usage lines on one ledger: keeps every exact sum inside `i128`.
pub const LEDGER_LINES_MAX: u64 = 10_000_000_000;
/// Largest sum, over a ledger, of the absolute sums of gross and deductions, and of quantities
/// times the largest amount per unit: 10^14. Keeps every amount that can be earned, booked or
/// posted as a difference within 15 integer digits.
pub const LEDGER_MONEY_MAX: u128 = 10u128.pow(14 + FRACTION_DIGITS_MAX);
/// Largest sum of the payouts to one party that were not returned: 10^14. Keeps what is paid, on
/// account and payable within 15 integer digits.
pub const LEDGER_PAYOUTS_MAX: u64 = 10u64.pow(14);
/// Largest conversion rate: units of the settlement currency for one foreign unit.
pub const FX_RATE_MAX: u64 = 1_000_000;
/// Largest amount per unit or flat amount of a step.
pub const STEP_AMOUNT_MAX: u64 = 1_000_000_000;
/// Largest guaranteed minimum of a window.
pub const MINIMUM_MAX: u64 = 10_000_000_000;
/// Largest payload of one event, in bytes.
pub const PAYLOAD_LEN_MAX: usize = 48 << 20;
/// Longest that the next statement may become, in bytes, by a report or correction that a writer
/// records. The other half is for what a statement waits for.
pub const REPORTED_STATEMENT_LEN_MAX: usize = PAYLOAD_LEN_MAX / 2;
/// Largest frame of one record on disk, in bytes: payload and envelope.
pub const FRAME_LEN_MAX: usize = PAYLOAD_LEN_MAX + 4096;
/// A segment that has reached this size is sealed before the next group of records.
pub const SEGMENT_LEN_TARGET: u64 = 8 << 20;
/// A group of several records is added to the last segment by writing a copy of it, if the segment
/// is shorter than this; otherwise the group begins a new segment.
pub const SEGMENT_COPY_MAX: u64 = 1 << 20;

/// A record may be at most this far ahead of the local clock when it is admitted, in microseconds.
pub const CLOCK_AHEAD_MICROS_MAX: i64 = 10 * 60 * 1_000_000;

/// Most rounds that a key file stretches its passphrase by: some ten seconds.
pub const KEY_ROUNDS_MAX: u32 = 1000;

/// First and last day that may stand on a ledger.
pub const YEAR_MIN: i16 = 1970;
/// See [`YEAR_MIN`].
pub const YEAR_MAX: i16 = 2999;

/// Longest line of a usage file, in bytes: with every column full and every character escaped, a
/// line stays well below it.
pub const USAGE_LINE_LEN_MAX: usize = 1 << 20;
/// Longest file that is read as a whole (terms, keys, acknowledgements, settlements), in bytes: an
/// outcome of the largest payload in hexadecimal digits fits.
pub const FILE_LEN_MAX: usize = 128 << 20;
/// Longest file of evidence, in bytes.
pub const EVIDENCE_LEN_MAX: u64 = 4 << 30;
/// A line of a usage file that does not end within so many bytes ends the reading.
pub const USAGE_LINE_READ_MAX: usize = 64 << 20;
/// Most problems of one terms file that are kept with their text; the rest are counted.
pub const TERMS_ERRORS_MAX: usize = 1000;
/// Most row errors of one file that are kept with their text; the rest are counted.
pub const ROW_ERRORS_MAX: usize = 100_000;

const fn pow10(exponent: u32) -> i128 {
    10i128.pow(exponent)
}

// The largest amount in units of 10^-12, summed over every line a ledger may hold, fits in i128.
#[expect(clippy::as_conversions, reason = "`From` is not for constants; this widens")]
const _: () = assert!(
    pow10(INTEGER_DIGITS_MAX + FRACTION_DIGITS_MAX).checked_mul(LEDGER_LINES_MAX as i128).is_some()
);
// So does that over every line of a report, before it is asked how many a ledger may hold.
#[expect(clippy::as_conversions, reason = "`From` is not for constants; this widens")]
const _: () = assert!(
    pow10(INTEGER_DIGITS_MAX + FRACTION_DIGITS_MAX)
        <= i128::MAX / (PARTS_MAX * BLOCK_LINES_MAX) as i128
);
// Every admissible amount has a mantissa that `rust_decimal` holds exactly (28 digits).
const _: () = assert!(INTEGER_DIGITS_MAX + FRACTION_DIGITS_MAX <= 28);
// A block that was closed at its target, plus one more line of the largest kind, fits a payload.
const _: () = assert!(
    BLOCK_LEN_TARGET * 2 + BLOCK_LINES_MAX * 16 * 8 + (ATTRIBUTES_MAX * (VALUE_LEN_MAX + 12))
        <= PAYLOAD_LEN_MAX
);
const _: () = assert!(2 * PAYLOAD_LEN_MAX < FILE_LEN_MAX);
// A frame's length fits the 32 bits it has in the frame header.
#[expect(clippy::as_conversions, reason = "`From` is not for constants; this widens")]
const _: () = assert!(FRAME_LEN_MAX < u32::MAX as usize);
