//! Plans of random histories: data that proptest can shrink.

use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::changes::Change;
use crate::changes::amendment;
use crate::changes::tier_change;
use crate::dispute_moves::DisputeMove;
use crate::dispute_moves::dispute_move;
use crate::plans::KINDS;
use crate::plans::METERS;
use crate::plans::TermsPlan;
use crate::plans::decimal;
use crate::plans::terms_plan;
use crate::plans::tiered_terms_plan;

const MODELS: [&str; 4] = ["", "llama-3-8b", "llama-3-70b", "mistral"];
const APPLICATIONS: [&str; 3] = ["", "search", "moderation"];
const TERRITORIES: [&str; 3] = ["", "EU", "US"];

/// A usage line to be.
#[derive(Clone, Debug)]
pub struct LinePlan {
    pub(crate) day: u16,
    pub(crate) model: &'static str,
    pub(crate) application: &'static str,
    pub(crate) territory: &'static str,
    /// The settlement currency, or one of the foreign ones.
    pub(crate) foreign: Option<u8>,
    pub(crate) gross: String,
    pub(crate) meters: Vec<Option<String>>,
    pub(crate) deductions: Vec<Option<String>>,
}

/// A day to be: inside what is stated or reported so far, often near its end or a little after;
/// seldom anywhere.
#[derive(Clone, Copy, Debug)]
pub struct DayPlan {
    pub(crate) at: u16,
    /// Moved to the first day of its period.
    pub(crate) first: bool,
}

/// What becomes of a proposal at once.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// It waits.
    Nothing,
    /// Everybody accepts it.
    All,
    /// One other party accepts it.
    One,
    /// Another party rejects it.
    Rejected,
    /// Its proposer takes it back.
    Withdrawn,
}

/// A step of a history to be. Numbers pick one of what there is at that time.
#[derive(Clone, Debug)]
pub enum Move {
    /// A report: of the first period without one, or of a later one.
    Report { ahead: u8, lines: Vec<LinePlan>, per_block: usize },
    /// A supplement to any period with a report.
    Supplement { pick: u16, lines: Vec<LinePlan>, per_block: usize },
    /// A correction of any report in effect, of any period; without lines, to nil.
    Correct { pick: u16, lines: Vec<LinePlan>, per_block: usize },
    /// The next statement, after a nil report if there is none, and after conversion rates if they
    /// are missing and a number is given for them.
    State { by_owner: bool, rate: Option<u16> },
    /// Likewise, with these lines in the report.
    ReportAndState { by_owner: bool, rate: Option<u16>, lines: Vec<LinePlan> },
    /// Several periods, one after another: a report of these lines, and its statement.
    Run { periods: u8, lines: Vec<LinePlan> },
    /// A report is missing.
    Missing { ahead: u8 },
    /// A statement is accepted.
    Accept { pick: u16, who: u8 },
    /// A payout: of all, half, twice or a minor unit of what is payable.
    Pay { who: u8, part: u8, sent: DayPlan },
    /// A payout or advance arrives, some days after it was sent, or comes back.
    Settle { pick: u16, arrives: bool, late: u16 },
    /// Other terms: those of a version there was, changed.
    Amend { of: u8, changes: Vec<Change>, from: DayPlan, by: u8, then: Then },
    /// A conversion rate.
    Rate { pick: u16, currency: u8, rate: String, by: u8, then: Then },
    /// A contribution under a clause of the terms.
    Claim { pick: u8, from: DayPlan, days: Option<u16>, by: u8, then: Then },
    /// The end of a contribution.
    End { pick: u16, on: DayPlan },
    /// A party decides on a proposal, pending or not.
    Decide { pick: u16, who: u8, then: Then },
    /// An advance.
    Advance { who: u8, units: u32 },
    /// A party acknowledges.
    Acknowledge { who: u8 },
    /// A step of a dispute.
    Dispute(Box<DisputeMove>),
    /// Days pass.
    Wait { days: u8 },
}

/// An agreement and its history.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The terms.
    pub terms: TermsPlan,
    /// The history.
    pub moves: Vec<Move>,
}

/// Amounts and quantities: small, in cents, large, with as many fraction digits as there may be,
/// negative and zero.
fn number() -> BoxedStrategy<String> {
    prop_oneof![
        // Such as stand on the bounds of steps.
        4 => select(vec!["1", "5", "10", "50", "100"]).prop_map(str::to_owned),
        4 => (0..2_000i64).prop_map(|n| n.to_string()),
        4 => (0..5_000_000i64).prop_map(|n| decimal(n.into(), 2)),
        2 => (-500_000..0i64).prop_map(|n| decimal(n.into(), 2)),
        2 => (any::<i64>(), 8..=12u32).prop_map(|(n, scale)| decimal(n.into(), scale)),
        1 => (-1_000_000_000_000..1_000_000_000_000i64).prop_map(|n| decimal(n.into(), 0)),
        1 => Just("0".to_owned()),
        1 => Just("0.000000000001".to_owned()),
    ]
    .boxed()
}

fn line() -> BoxedStrategy<LinePlan> {
    (
        any::<u16>(),
        select(MODELS.to_vec()),
        select(APPLICATIONS.to_vec()),
        select(TERRITORIES.to_vec()),
        option::weighted(0.15, 0..2u8),
        number(),
        vec(option::of(number()), METERS.len()),
        vec(option::weighted(0.3, number()), KINDS.len()),
    )
        .prop_map(|line| {
            let (day, model, application, territory, foreign, gross, meters, deductions) = line;
            LinePlan { day, model, application, territory, foreign, gross, meters, deductions }
        })
        .boxed()
}

pub(crate) fn report_lines() -> BoxedStrategy<Vec<LinePlan>> {
    vec(line(), 0..7).boxed()
}

fn per_block() -> BoxedStrategy<usize> {
    prop_oneof![3 => Just(usize::MAX), 1 => 1..4usize].boxed()
}

pub(crate) fn any_day() -> BoxedStrategy<DayPlan> {
    (any::<u16>(), any::<bool>()).prop_map(|(at, first)| DayPlan { at, first }).boxed()
}

fn then() -> BoxedStrategy<Then> {
    prop_oneof![
        10 => Just(Then::All),
        2 => Just(Then::Nothing),
        2 => Just(Then::One),
        1 => Just(Then::Rejected),
        1 => Just(Then::Withdrawn),
    ]
    .boxed()
}

fn conversion_rate() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (1..3_000_000i64).prop_map(|n| decimal(n.into(), 6)),
        1 => select(vec!["1", "157.33", "0.000000000001", "0"]).prop_map(str::to_owned),
    ]
    .boxed()
}

pub(crate) fn usage_move() -> BoxedStrategy<Move> {
    prop_oneof![
        5 => (0..2u8, report_lines(), per_block())
            .prop_map(|(ahead, lines, per_block)| Move::Report { ahead, lines, per_block }),
        2 => (any::<u16>(), report_lines(), per_block())
            .prop_map(|(pick, lines, per_block)| Move::Supplement { pick, lines, per_block }),
        4 => (any::<u16>(), report_lines(), per_block())
            .prop_map(|(pick, lines, per_block)| Move::Correct { pick, lines, per_block }),
        1 => (0..3u8).prop_map(|ahead| Move::Missing { ahead }),
    ]
    .boxed()
}

fn statement_move() -> BoxedStrategy<Move> {
    let periods = prop_oneof![6 => 2..9u8, 1 => 9..25u8];
    prop_oneof![
        6 => (any::<bool>(), option::weighted(0.9, any::<u16>()))
            .prop_map(|(by_owner, rate)| Move::State { by_owner, rate }),
        1 => (periods, vec(line(), 0..3)).prop_map(|(periods, lines)| Move::Run { periods, lines }),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(pick, who)| Move::Accept { pick, who }),
    ]
    .boxed()
}

pub(crate) fn money_move() -> BoxedStrategy<Move> {
    prop_oneof![
        6 => (any::<u8>(), 0..4u8, any_day())
            .prop_map(|(who, part, sent)| Move::Pay { who, part, sent }),
        7 => (any::<u16>(), prop::bool::weighted(0.75), prop_oneof![0..5u16, 0..500u16])
            .prop_map(|(pick, arrives, late)| Move::Settle { pick, arrives, late }),
        3 => (any::<u8>(), 1..400_000u32).prop_map(|(who, units)| Move::Advance { who, units }),
    ]
    .boxed()
}

fn proposal_move() -> BoxedStrategy<Move> {
    let (who, any_pick) = (any::<u8>, any::<u16>);
    prop_oneof![
        7 => (any::<u8>(), vec(amendment(), 0..5), any_day(), who(), then()).prop_map(
            |(of, changes, from, by, then)| Move::Amend { of, changes, from, by, then }
        ),
        2 => (any_pick(), 0..2u8, conversion_rate(), who(), then()).prop_map(
            |(pick, currency, rate, by, then)| Move::Rate { pick, currency, rate, by, then }
        ),
        4 => (any::<u8>(), any_day(), option::of(prop_oneof![1 => Just(0u16), 9 => 1..400u16]), who(), then()).prop_map(
            |(pick, from, days, by, then)| Move::Claim { pick, from, days, by, then }
        ),
        2 => (any_pick(), any_day()).prop_map(|(pick, on)| Move::End { pick, on }),
        4 => (any_pick(), who(), then())
            .prop_map(|(pick, who, then)| Move::Decide { pick, who, then }),
    ]
    .boxed()
}

/// A step of a history.
pub fn any_move() -> BoxedStrategy<Move> {
    prop_oneof![
        12 => usage_move(),
        8 => statement_move(),
        9 => money_move(),
        9 => proposal_move(),
        3 => dispute_move(),
        1 => any::<u8>().prop_map(|who| Move::Acknowledge { who }),
        1 => any::<u8>().prop_map(|days| Move::Wait { days }),
    ]
    .boxed()
}

/// Agreements with histories of a number of steps.
pub fn plan(moves: Range<usize>) -> BoxedStrategy<Plan> {
    (terms_plan(), vec(any_move(), moves)).prop_map(|(terms, moves)| Plan { terms, moves }).boxed()
}

fn small_line() -> BoxedStrategy<LinePlan> {
    let number =
        || select(vec!["-9", "-4", "-1", "0.5", "1", "2", "4", "5", "9"]).prop_map(str::to_owned);
    (line(), number(), vec(option::of(number()), METERS.len()))
        .prop_map(|(line, gross, meters)| LinePlan {
            gross,
            meters,
            foreign: None,
            deductions: vec![],
            ..line
        })
        .boxed()
}

/// Agreements of tiers whose amendments change tiers, with histories of small numbers.
pub fn tiered_plan(moves: Range<usize>) -> BoxedStrategy<Plan> {
    let lines = || vec(small_line(), 1..5);
    let whole = usize::MAX;
    let step = prop_oneof![
        4 => (0..2u8, lines())
            .prop_map(move |(ahead, lines)| Move::Report { ahead, lines, per_block: whole }),
        3 => (any::<u16>(), lines())
            .prop_map(move |(pick, lines)| Move::Correct { pick, lines, per_block: whole }),
        3 => Just(Move::State { by_owner: false, rate: None }),
        4 => (2..8u8, vec(small_line(), 1..3))
            .prop_map(|(periods, lines)| Move::Run { periods, lines }),
        4 => (any::<u8>(), vec(tier_change(), 1..4), any_day(), any::<u8>()).prop_map(
            |(of, changes, from, by)| Move::Amend { of, changes, from, by, then: Then::All }
        ),
    ];
    (tiered_terms_plan(), vec(step, moves)).prop_map(|(terms, moves)| Plan { terms, moves }).boxed()
}

/// A list of usage lines for plans of any terms.
pub fn lines_plan(count: Range<usize>) -> BoxedStrategy<Vec<LinePlan>> {
    vec(line(), count).boxed()
}
