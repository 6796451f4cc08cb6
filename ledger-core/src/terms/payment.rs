//! Judges what the terms say of payment, and of deadlines beside those of every agreement.

use std::collections::BTreeSet;

use crate::limits::INTEREST_STEPS_MAX;
use crate::limits::LOOKBACK_MONTHS_MAX;
use crate::terms::body::AuditClause;
use crate::terms::body::DisputeWindows;
use crate::terms::body::Withholding;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::Field;
use crate::terms::judge::Judge;
use crate::terms::judge::days;
use crate::terms::judge::part_of_one;
use crate::terms::rules::Declared;
use crate::terms::rules::payee;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Rate;

/// The parties that may get advances, sorted.
pub(in crate::terms) fn advances(
    judge: &mut Judge,
    draft: &DraftTerms,
    declared: &Declared,
) -> Vec<Id> {
    let Some((drafts, _)) = judge.optional(&draft.advances) else {
        return Vec::new();
    };
    let mut advances = BTreeSet::new();
    for draft in drafts {
        let Some((to, at)) = judge.required(&draft.to, &draft.at, "to") else {
            continue;
        };
        payee(judge, to, at, declared);
        if !advances.insert(to.clone()) {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("`{to}` may get advances already"),
                "name every party once",
            );
        }
    }
    advances.into_iter().collect()
}

/// The tax withheld from payouts, sorted by party.
pub(in crate::terms) fn withholding(
    judge: &mut Judge,
    draft: &DraftTerms,
    declared: &Declared,
) -> Vec<(Id, Withholding)> {
    let Some((entries, _)) = judge.optional(&draft.withholding) else {
        return Vec::new();
    };
    let mut list: Vec<(Id, Withholding)> = Vec::with_capacity(entries.len());
    let mut seen = BTreeSet::new();
    for entry in entries {
        let party = judge.optional(&entry.key);
        if let Some((party, at)) = party {
            payee(judge, party, at, declared);
            if !seen.insert(party) {
                judge.refuse(
                    at,
                    Code::TermsDuplicate,
                    format!("`{party}` is named twice"),
                    "name every party once",
                );
            }
        }
        let Some((clause, _)) = judge.optional(&entry.value) else {
            continue;
        };
        let rate = judge.required(&clause.rate, &clause.at, "rate");
        if let Some((rate, at)) = rate
            && (rate.is_negative() || *rate >= Rate::ONE)
        {
            judge.refuse(
                at,
                Code::TermsLimits,
                format!("the withholding rate {rate} is not from 0 to below 1"),
                "write 15 % as \"0.15\"; nobody can pay out what is withheld in full",
            );
        }
        let gross_up = judge.optional(&clause.gross_up).is_some_and(|(gross_up, _)| *gross_up);
        if let (Some((party, _)), Some((rate, _))) = (party, rate) {
            list.push((party.clone(), Withholding { rate: *rate, gross_up }));
        }
    }
    list.sort_by(|(one, _), (other, _)| one.cmp(other));
    list
}

/// The table of late interest, sorted by day.
pub(in crate::terms) fn late_interest(judge: &mut Judge, draft: &DraftTerms) -> Vec<(Date, Rate)> {
    let Some((drafts, at)) = judge.optional(&draft.late_interest) else {
        return Vec::new();
    };
    judge.at_most(at, "rows of late interest", drafts.len(), INTEREST_STEPS_MAX);
    let mut seen = BTreeSet::new();
    let mut rows = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let from = judge.required(&draft.from, &draft.at, "from");
        if judge.required(&draft.rate, &draft.at, "rate").is_none() {
            continue;
        }
        let rate = part_of_one(judge, &draft.rate, "the rate of late interest");
        let (Some((from, at)), Some(rate)) = (from, rate) else {
            continue;
        };
        if !seen.insert(from) {
            judge.refuse(
                at,
                Code::TermsDuplicate,
                format!("there are two rates of late interest from {from}"),
                "keep one of them",
            );
        }
        rows.push((*from, rate));
    }
    rows.sort();
    rows
}

/// The deadlines of disputes.
pub(in crate::terms) fn dispute(judge: &mut Judge, draft: &DraftTerms) -> Option<DisputeWindows> {
    let (dispute, _) = judge.optional(&draft.dispute)?;
    let mut deadline = |field: &Field<u16>, key: &str| {
        judge.required(field, &dispute.at, key)?;
        days(judge, field)
    };
    let response_days = deadline(&dispute.response_days, "response_days");
    let escalate_after_days = deadline(&dispute.escalate_after_days, "escalate_after_days");
    let on_silence = judge.required(&dispute.on_silence, &dispute.at, "on_silence");
    Some(DisputeWindows {
        response_days: response_days?,
        on_silence: *on_silence?.0,
        escalate_after_days: escalate_after_days?,
    })
}

/// What an audit looks back on.
pub(in crate::terms) fn audit(judge: &mut Judge, draft: &DraftTerms) -> Option<AuditClause> {
    let (audit, _) = judge.optional(&draft.audit)?;
    let lookback_months = judge.required(&audit.lookback_months, &audit.at, "lookback_months");
    if let Some((months, at)) = lookback_months
        && *months > LOOKBACK_MONTHS_MAX
    {
        judge.refuse(
            at,
            Code::TermsLimits,
            format!("{months} months are more than an audit may look back"),
            format!("write at most {LOOKBACK_MONTHS_MAX}"),
        );
    }
    judge.required(&audit.cost_shift, &audit.at, "cost_shift");
    let cost_shift = part_of_one(judge, &audit.cost_shift, "the shortfall that shifts the cost");
    let of = judge.required(&audit.of, &audit.at, "of");
    Some(AuditClause { lookback_months: *lookback_months?.0, cost_shift: cost_shift?, of: *of?.0 })
}
