//! A replayed dispute as JSON.

use revshare_core::rating::PeriodRating;
use revshare_core::rating::RuleRating;
use revshare_core::state::Dispute;
use revshare_core::state::State;
use revshare_core::view::dispute::DisputeReplay;
use revshare_core::view::dispute::PartyAnswer;
use revshare_core::view::dispute::PeriodSides;
use revshare_core::view::dispute::SideAnswer;
use revshare_core::vocab::Currency;
use revshare_core::vocab::exact::to_text;
use revshare_core::vocab::to_u64;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::ErrorDocument;
use crate::render::json::PartyAmount;
use crate::render::json::dispute::DisputeSummary;
use crate::render::json::money;

/// `dispute replay`: the ledger without the claim, with it, and with what was adopted.
#[derive(Serialize, JsonSchema)]
pub struct DisputeReplayDocument {
    /// The state that is replayed.
    pub at: At,
    /// The settlement currency.
    pub currency: String,
    /// The day up to which interest is computed: that of the last record.
    pub today: String,
    /// The dispute.
    pub dispute: DisputeSummary,
    /// What follows from each outcome: `stands`, `as-claimed`, and `adopted` if something was.
    pub outcomes: Vec<OutcomeAnswerDocument>,
    /// The periods that differ, and the disputed one, in order.
    pub periods: Vec<PeriodSidesDocument>,
}

/// What follows from an outcome.
#[derive(Serialize, JsonSchema)]
pub struct OutcomeAnswerDocument {
    /// `stands`, `as-claimed` or `adopted`.
    pub outcome: String,
    /// Per beneficiary, sorted.
    pub parties: Vec<PartyAnswerDocument>,
    /// Why periods from one on cannot be rated with it; `null` if all can.
    pub unrated: Option<ErrorDocument>,
}

/// What a beneficiary gets with an outcome.
#[derive(Serialize, JsonSchema)]
pub struct PartyAnswerDocument {
    /// The beneficiary.
    pub party: String,
    /// What all periods come to that every outcome can rate.
    pub total: String,
    /// That, less the same where the recorded figures stand.
    pub difference: String,
    /// What the next statement would post for stated periods.
    pub true_up: String,
    /// What would then be payable, with nothing held by this dispute.
    pub payable: String,
    /// The late interest on the disputed part that would then be owed, if it were paid today.
    pub interest: String,
}

/// A period with every outcome.
#[derive(Serialize, JsonSchema)]
pub struct PeriodSidesDocument {
    /// The period.
    pub period: String,
    /// How it is rated, in the order of the outcomes; `null` where it cannot be.
    pub outcomes: Vec<Option<SideDocument>>,
}

/// A period with one outcome.
#[derive(Serialize, JsonSchema)]
pub struct SideDocument {
    /// Its base in minor units.
    pub base: String,
    /// What each beneficiary gets, sorted.
    pub shares: Vec<PartyAmount>,
    /// What each rule comes to, by stretch.
    pub rules: Vec<RuleSideDocument>,
}

/// A rule in a stretch of a period.
#[derive(Serialize, JsonSchema)]
pub struct RuleSideDocument {
    /// The rule.
    pub rule: String,
    /// The first day of the stretch.
    pub from: String,
    /// How many lines it rates.
    pub lines: u64,
    /// Their base, exact.
    pub base: String,
    /// For tiers: the position on entering, exact.
    pub position_before: Option<String>,
    /// For tiers: the position on leaving, exact.
    pub position_after: Option<String>,
    /// The steps that were used, from 1.
    pub steps: Vec<u64>,
    /// What it earned for each party, exact.
    pub earned: Vec<PartyAmount>,
}

impl DisputeReplayDocument {
    /// A replayed dispute as JSON.
    pub fn of(
        at: At,
        (state, dispute): (&State, &Dispute),
        replay: &DisputeReplay,
        currency: Currency,
    ) -> DisputeReplayDocument {
        DisputeReplayDocument {
            at,
            currency: currency.to_string(),
            today: replay.day.to_string(),
            dispute: DisputeSummary::of(state, dispute, currency),
            outcomes: replay.sides.iter().map(|side| outcome(side, currency)).collect(),
            periods: replay.periods.iter().map(|period| sides(period, currency)).collect(),
        }
    }
}

fn outcome(side: &SideAnswer, currency: Currency) -> OutcomeAnswerDocument {
    let party = |one: &PartyAnswer| PartyAnswerDocument {
        party: one.party.to_string(),
        total: money(one.total, currency),
        difference: money(one.difference, currency),
        true_up: money(one.true_up, currency),
        payable: money(one.payable, currency),
        interest: money(one.interest, currency),
    };
    OutcomeAnswerDocument {
        outcome: side.side.as_str().to_owned(),
        parties: side.parties.iter().map(party).collect(),
        unrated: side.unrated.as_ref().map(ErrorDocument::of),
    }
}

fn sides(period: &PeriodSides, currency: Currency) -> PeriodSidesDocument {
    let one = |rating: &PeriodRating| SideDocument {
        base: money(rating.base_rounded, currency),
        shares: rating
            .shares
            .iter()
            .map(|share| PartyAmount {
                party: share.party.to_string(),
                amount: money(share.amount, currency),
            })
            .collect(),
        rules: rating.rules.iter().map(|one| rule(rating, one)).collect(),
    };
    PeriodSidesDocument {
        period: period.period.to_string(),
        outcomes: period.ratings.iter().map(|rating| rating.as_ref().map(one)).collect(),
    }
}

fn rule(rating: &PeriodRating, one: &RuleRating) -> RuleSideDocument {
    let earned = rating
        .shares
        .iter()
        .filter(|share| one.operands.iter().any(|operand| operand.party == share.party));
    RuleSideDocument {
        rule: one.rule.to_string(),
        from: one.days.0.to_string(),
        lines: one.lines(),
        base: to_text(&one.base()),
        position_before: one.tier.as_ref().map(|tier| to_text(&tier.before)),
        position_after: one.tier.as_ref().map(|tier| to_text(&tier.after)),
        steps: one.steps().into_iter().map(to_u64).collect(),
        earned: earned
            .map(|share| PartyAmount {
                party: share.party.to_string(),
                amount: to_text(&one.earned(&share.party)),
            })
            .collect(),
    }
}
