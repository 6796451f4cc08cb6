//! An audit as JSON. It names no file and no folder: both parties get the same bytes.

use revshare_core::view::audit::Audit;
use revshare_core::view::audit::AuditPeriod;
use revshare_core::view::audit::Finding;
use revshare_core::view::audit::Sums;
use revshare_core::vocab::Currency;
use revshare_core::vocab::exact;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::EventRef;
use crate::render::json::money;
use crate::render::json::replay::AssumedTermsDocument;
use crate::render::json::replay::ReplacedDocument;

/// `audit`.
#[derive(Serialize, JsonSchema)]
pub struct AuditDocument {
    /// The point of the log whose facts are recomputed.
    pub at: At,
    /// The point at which what was booked is what was claimed; `null` if that is what each period's
    /// own statement posted.
    pub claimed_at: Option<At>,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Reports that have other lines.
    pub replaced: Vec<ReplacedDocument>,
    /// Other terms; `null` if none are assumed.
    pub terms: Option<AssumedTermsDocument>,
    /// The periods, in order.
    pub periods: Vec<AuditPeriodDocument>,
    /// Per beneficiary: all periods together.
    pub parties: Vec<AuditFindingDocument>,
    /// Everything together.
    pub all: AuditFindingDocument,
    /// What the terms of the last period say about audits; `null` if they say nothing.
    pub clause: Option<AuditClauseDocument>,
}

/// Two amounts and their difference.
#[derive(Serialize, JsonSchema)]
pub struct AuditSums {
    /// What was claimed.
    pub claimed: String,
    /// What it comes to.
    pub recomputed: String,
    /// recomputed − claimed; negative if too much was claimed.
    pub shortfall: String,
}

/// A period of an audit.
#[derive(Serialize, JsonSchema)]
pub struct AuditPeriodDocument {
    /// The period.
    pub period: String,
    /// Its base.
    pub base: AuditSums,
    /// Per beneficiary.
    pub shares: Vec<AuditShareDocument>,
    /// The events on the log that can have moved it since it was claimed.
    pub moved_by: Vec<EventRef>,
    /// The beneficiaries whose amount a dispute adopted, where what is assumed is computed without
    /// that.
    pub set_aside: Vec<String>,
}

/// A beneficiary's amount for a period.
#[derive(Serialize, JsonSchema)]
pub struct AuditShareDocument {
    /// The beneficiary.
    pub party: String,
    /// The amounts.
    #[serde(flatten)]
    pub sums: AuditSums,
}

/// What is short, and who bears the cost.
#[derive(Serialize, JsonSchema)]
pub struct AuditFindingDocument {
    /// The beneficiary; `null` for everything together.
    pub party: Option<String>,
    /// Over all periods.
    #[serde(flatten)]
    pub sums: AuditSums,
    /// The shortfall as a part of what the terms name, exactly; `null` if they name nothing, or if
    /// that is not positive.
    pub part: Option<String>,
    /// Whether the collector bears the audit's cost; `null` if the terms do not say.
    pub collector_bears_cost: Option<bool>,
}

/// What terms say about audits.
#[derive(Serialize, JsonSchema)]
pub struct AuditClauseDocument {
    /// Months that an audit may look back.
    pub lookback_months: u16,
    /// The first day that it may look back to.
    pub since: String,
    /// The shortfall from which the collector bears the cost.
    pub cost_shift: String,
    /// What that is a part of: `due` or `reported`.
    pub of: String,
}

impl AuditSums {
    fn of(sums: Sums, currency: Currency) -> AuditSums {
        AuditSums {
            claimed: money(sums.claimed, currency),
            recomputed: money(sums.recomputed, currency),
            shortfall: money(sums.shortfall, currency),
        }
    }
}

impl AuditDocument {
    /// An audit as JSON.
    pub fn of(
        audit: &Audit,
        (at, claimed_at): (At, Option<At>),
        (replaced, terms): (Vec<ReplacedDocument>, Option<AssumedTermsDocument>),
    ) -> AuditDocument {
        let currency = audit.currency;
        let period = |period: &AuditPeriod| AuditPeriodDocument {
            period: period.period.to_string(),
            base: AuditSums::of(period.base, currency),
            shares: period
                .shares
                .iter()
                .map(|(party, sums)| AuditShareDocument {
                    party: party.to_string(),
                    sums: AuditSums::of(*sums, currency),
                })
                .collect(),
            moved_by: period.moved_by.iter().map(EventRef::of).collect(),
            set_aside: period.set_aside.iter().map(|party| party.to_string()).collect(),
        };
        let finding = |finding: &Finding| AuditFindingDocument {
            party: finding.party.as_ref().map(|party| party.to_string()),
            sums: AuditSums::of(finding.sums, currency),
            part: finding.part.as_ref().map(exact::to_text),
            collector_bears_cost: finding.shifts,
        };
        let clause = audit.clause.zip(audit.since).map(|(clause, since)| AuditClauseDocument {
            lookback_months: clause.lookback_months,
            since: since.to_string(),
            cost_shift: clause.cost_shift.to_string(),
            of: clause.of.as_str().to_owned(),
        });
        AuditDocument {
            at,
            claimed_at,
            currency: currency.to_string(),
            replaced,
            terms,
            periods: audit.periods.iter().map(period).collect(),
            parties: audit.parties.iter().map(finding).collect(),
            all: finding(&audit.all),
            clause,
        }
    }
}
