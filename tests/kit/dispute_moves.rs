//! Steps of random disputes to be: data that proptest can shrink. What they come to on a ledger is
//! in [`crate::dispute_wishes`].

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::changes::Change;
use crate::changes::change;
use crate::moves::DayPlan;
use crate::moves::LinePlan;
use crate::moves::Move;
use crate::moves::any_day;
use crate::moves::any_move;
use crate::moves::money_move;
use crate::moves::report_lines;
use crate::moves::usage_move;
use crate::plans::terms_plan;

/// A figure to be.
#[derive(Clone, Copy, Debug)]
pub enum FigurePlan {
    /// A part of what is booked, or was sent, in percent.
    Percent(u8),
    /// Some minor units more or less.
    Off(i32),
    /// With more fraction digits than there may be.
    Fine,
}

/// What should have been, to be.
#[derive(Clone, Debug)]
pub enum ClaimPlan {
    /// Figures, of some of the beneficiaries; none of them means the party that speaks.
    Figures { who: u8, of: Vec<FigurePlan> },
    /// Other lines for a report.
    Report { pick: u16, lines: Vec<LinePlan> },
    /// Other terms.
    Terms { of: u8, changes: Vec<Change>, from: DayPlan },
}

/// What a dispute comes to, to be.
#[derive(Clone, Debug)]
pub enum OutcomePlan {
    /// What is recorded.
    Stands,
    /// What is claimed.
    AsClaimed,
    /// Something else.
    Other(ClaimPlan),
}

/// How a dispute ends, to be.
#[derive(Clone, Debug)]
pub enum EndPlan {
    /// It goes on.
    Open,
    /// All respondents accept, or all but the last.
    Accepted,
    /// Silence accepts, after everybody has signed something and days have passed.
    ByDefault,
    /// It is settled. The number says what is wrong with the signatures, mostly nothing.
    Settled(OutcomePlan, u8),
    /// It is brought before the arbiter.
    Escalated,
    /// The arbiter decides.
    Determined(OutcomePlan),
    /// It is taken back.
    Withdrawn,
}

/// A step of a dispute to be. Numbers pick one of what there is at that time.
#[derive(Clone, Debug)]
pub enum DisputeMove {
    /// A dispute about a statement (0), a report (1), a payout (2) or a clause (3).
    Open {
        target: u8,
        pick: u16,
        claim: ClaimPlan,
        by: u8,
        /// What is said of grounds and of the dispute that is reopened; mostly what fits.
        ground: u8,
        evidence: Vec<u8>,
        then: EndPlan,
    },
    /// An answer.
    Respond { pick: u16, who: u8, evidence: Vec<u8> },
    /// A respondent accepts.
    Concede { pick: u16, who: u8 },
    /// A dispute goes on, or ends; sometimes somebody else than may tries that, or too early.
    End { pick: u16, who: u8, patient: bool, end: EndPlan },
    /// A file is named.
    Attach { pick: u16, who: u8, file: u8 },
    /// A file is erased.
    Erase { pick: u16, who: u8 },
}

fn figure() -> BoxedStrategy<FigurePlan> {
    prop_oneof![
        6 => (0..120u8).prop_map(FigurePlan::Percent),
        2 => (-20_000..20_000i32).prop_map(FigurePlan::Off),
        1 => Just(FigurePlan::Percent(0)),
        1 => Just(FigurePlan::Percent(100)),
        1 => Just(FigurePlan::Fine),
    ]
    .boxed()
}

fn figures() -> BoxedStrategy<ClaimPlan> {
    (prop_oneof![Just(0u8), any::<u8>()], vec(figure(), 1..4))
        .prop_map(|(who, of)| ClaimPlan::Figures { who, of })
        .boxed()
}

fn claim() -> BoxedStrategy<ClaimPlan> {
    prop_oneof![
        5 => figures(),
        3 => (any::<u16>(), report_lines()).prop_map(|(pick, lines)| ClaimPlan::Report { pick, lines }),
        2 => (any::<u8>(), vec(change(), 0..4), any_day())
            .prop_map(|(of, changes, from)| ClaimPlan::Terms { of, changes, from }),
    ]
    .boxed()
}

fn outcome() -> BoxedStrategy<OutcomePlan> {
    prop_oneof![
        2 => Just(OutcomePlan::Stands),
        3 => Just(OutcomePlan::AsClaimed),
        5 => claim().prop_map(OutcomePlan::Other),
    ]
    .boxed()
}

fn end() -> BoxedStrategy<EndPlan> {
    let wrong = prop_oneof![9 => Just(0u8), 2 => 1..6u8];
    prop_oneof![
        3 => Just(EndPlan::Accepted),
        2 => Just(EndPlan::ByDefault),
        4 => (outcome(), wrong).prop_map(|(outcome, wrong)| EndPlan::Settled(outcome, wrong)),
        2 => Just(EndPlan::Escalated),
        4 => outcome().prop_map(EndPlan::Determined),
        2 => Just(EndPlan::Withdrawn),
    ]
    .boxed()
}

fn evidence() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec(0..12u8, 1..4)].boxed()
}

/// A step of a dispute.
pub(crate) fn dispute_move() -> BoxedStrategy<Move> {
    let (who, pick) = (any::<u8>, any::<u16>);
    let then = prop_oneof![5 => Just(EndPlan::Open), 4 => end()];
    let target = select(vec![0u8, 0, 0, 1, 1, 2, 2, 2, 3]);
    prop_oneof![
        9 => (target, pick(), claim(), who(), who(), evidence(), then).prop_map(
            |(target, pick, claim, by, ground, evidence, then)| {
                DisputeMove::Open { target, pick, claim, by, ground, evidence, then }
            }
        ),
        2 => (pick(), who(), evidence())
            .prop_map(|(pick, who, evidence)| DisputeMove::Respond { pick, who, evidence }),
        1 => (pick(), who()).prop_map(|(pick, who)| DisputeMove::Concede { pick, who }),
        8 => (pick(), who(), prop::bool::weighted(0.8), end())
            .prop_map(|(pick, who, patient, end)| DisputeMove::End { pick, who, patient, end }),
        1 => (pick(), who(), 0..12u8)
            .prop_map(|(pick, who, file)| DisputeMove::Attach { pick, who, file }),
        1 => (pick(), who()).prop_map(|(pick, who)| DisputeMove::Erase { pick, who }),
    ]
    .prop_map(|step| Move::Dispute(Box::new(step)))
    .boxed()
}

/// Agreements with histories that are mostly of statements, payouts and disputes about them.
pub fn dispute_plan(moves: std::ops::Range<usize>) -> BoxedStrategy<crate::moves::Plan> {
    let step = prop_oneof![
        4 => (report_lines(), option::weighted(0.9, any::<u16>()), any::<bool>()).prop_map(
            |(lines, rate, by_owner)| Move::ReportAndState { lines, rate, by_owner }
        ),
        2 => usage_move(),
        6 => money_move(),
        8 => dispute_move(),
        1 => any_move(),
        1 => any::<u8>().prop_map(|days| Move::Wait { days }),
    ];
    let terms = (terms_plan(), select(vec![0u8, 1, 1, 2]));
    let terms = terms.prop_map(|(terms, silence)| terms.with_deadlines(silence));
    (terms, vec(step, moves)).prop_map(|(terms, moves)| crate::moves::Plan { terms, moves }).boxed()
}
