//! Disputes as JSON.

use revshare_core::state::AdoptedKind;
use revshare_core::state::Dispute;
use revshare_core::state::DisputeStatus;
use revshare_core::state::Resolution;
use revshare_core::state::Resolved;
use revshare_core::state::Stance;
use revshare_core::state::State;
use revshare_core::terms::OnSilence;
use revshare_core::view::dispute::DisputedLine;
use revshare_core::view::explain::AdoptedBy;
use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::said::Named;
use revshare_core::view::said::OutcomeTotal;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Period;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::CurrencyAmount;
use crate::render::json::EventRef;
use crate::render::json::PartyAmount;
use crate::render::json::RecordDocument;
use crate::render::json::money;
use crate::render::json::party_amounts;
use crate::render::json::says::digests;
use crate::render::json::says::gross;

/// What a dispute is about.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TargetDocument {
    /// The statement of a period.
    Statement {
        /// The statement.
        #[serde(flatten)]
        event: EventRef,
        /// The period.
        period: Option<String>,
    },
    /// A report of a stated period.
    Report {
        /// The report or correction.
        #[serde(flatten)]
        event: EventRef,
        /// The period.
        period: Option<String>,
    },
    /// A payout.
    Payout {
        /// The payout.
        #[serde(flatten)]
        event: EventRef,
    },
    /// What a clause comes to in a stated period.
    Clause {
        /// The clause.
        clause: String,
        /// The period.
        period: String,
    },
}

/// What should have been.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClaimDocument {
    /// A figure per party.
    Figures {
        /// The currency.
        currency: String,
        /// What each party gets, or what the payout counts.
        figures: Vec<PartyAmount>,
    },
    /// Other lines in the place of a report's.
    Report {
        /// The report that is replaced.
        replaces: EventRef,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// Their gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// Other terms.
    Terms {
        /// Their digest.
        digest: String,
        /// The first usage day that they rate.
        from: String,
    },
}

/// What a dispute comes to.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeDocument {
    /// The recorded figures stand.
    Stands,
    /// The claim is right.
    AsClaimed,
    /// Something else is right.
    Other {
        /// What.
        is: ClaimDocument,
    },
}

impl TargetDocument {
    /// A target as JSON.
    pub fn of(target: &DisputedTarget) -> TargetDocument {
        let text = |period: &Option<Period>| period.map(|period| period.to_string());
        match target {
            DisputedTarget::Statement(named, period) => {
                TargetDocument::Statement { event: EventRef::of(named), period: text(period) }
            }
            DisputedTarget::Report(named, period) => {
                TargetDocument::Report { event: EventRef::of(named), period: text(period) }
            }
            DisputedTarget::Payout(named) => TargetDocument::Payout { event: EventRef::of(named) },
            DisputedTarget::Clause(clause, period) => {
                TargetDocument::Clause { clause: clause.to_string(), period: period.to_string() }
            }
        }
    }
}

impl ClaimDocument {
    /// A claim as JSON.
    pub fn of(claim: &ClaimTotal, currency: Currency) -> ClaimDocument {
        match claim {
            ClaimTotal::Figures(figures) => ClaimDocument::Figures {
                currency: currency.to_string(),
                figures: party_amounts(figures, currency),
            },
            ClaimTotal::Report { replaces, total } => ClaimDocument::Report {
                replaces: EventRef::of(replaces),
                lines: total.lines,
                gross: gross(total),
            },
            ClaimTotal::Terms { digest, from } => {
                ClaimDocument::Terms { digest: digest.to_string(), from: from.to_string() }
            }
        }
    }
}

impl OutcomeDocument {
    /// An outcome as JSON.
    pub fn of(outcome: &OutcomeTotal, currency: Currency) -> OutcomeDocument {
        match outcome {
            OutcomeTotal::Stands => OutcomeDocument::Stands,
            OutcomeTotal::AsClaimed => OutcomeDocument::AsClaimed,
            OutcomeTotal::Other(claim) => {
                OutcomeDocument::Other { is: ClaimDocument::of(claim, currency) }
            }
        }
    }
}

/// `dispute list`.
#[derive(Serialize, JsonSchema)]
pub struct DisputesDocument {
    /// The state that is shown.
    pub at: At,
    /// The settlement currency.
    pub currency: String,
    /// Every dispute, in the order of the log.
    pub disputes: Vec<DisputeSummary>,
}

/// `dispute show`.
#[derive(Serialize, JsonSchema)]
pub struct DisputeDocument {
    /// The state that is shown.
    pub at: At,
    /// The settlement currency.
    pub currency: String,
    /// The day up to which interest is computed, and on which it is somebody's turn: the one that
    /// `--at` names, otherwise that of the last record.
    pub today: String,
    /// The dispute.
    pub dispute: DisputeSummary,
    /// What is disputed: a line per party.
    pub lines: Vec<LineDocument>,
    /// Who can do what.
    pub turns: Vec<TurnDocument>,
    /// Its records, evidence for it included, in order.
    pub records: Vec<RecordDocument>,
}

/// A dispute.
#[derive(Serialize, JsonSchema)]
pub struct DisputeSummary {
    /// The record that opened it.
    pub seq: u64,
    /// The event that opened it.
    pub event: String,
    /// When it was recorded.
    pub opened_at: String,
    /// Who opened it.
    pub claimant: String,
    /// What it is about.
    pub target: TargetDocument,
    /// The period that it is about; `null` for a payout.
    pub period: Option<String>,
    /// What should have been.
    pub claim: ClaimDocument,
    /// Why.
    pub basis: String,
    /// Why it is heard although it is late or was resolved: `fraud` or `manifest-error`.
    pub ground: Option<String>,
    /// The dispute that it reopens.
    pub reopens: Option<EventRef>,
    /// Commitments to evidence that its opening names.
    pub evidence: Vec<String>,
    /// Who answers.
    pub respondents: Vec<RespondentDocument>,
    /// The deadlines; `null` if the terms set none.
    pub windows: Option<WindowsDocument>,
    /// `open`, `escalated`, `resolved` or `withdrawn`.
    pub status: String,
    /// The record that escalated, resolved or withdrew it.
    pub status_seq: Option<u64>,
    /// How it was resolved.
    pub resolution: Option<ResolutionDocument>,
}

/// A party that answers.
#[derive(Serialize, JsonSchema)]
pub struct RespondentDocument {
    /// The party.
    pub party: String,
    /// `silent`, `responded` or `accepted`.
    pub stance: String,
    /// When it signed its first record after the opening: its deadline runs from there.
    pub seen_at: Option<String>,
    /// The last day on which it is in time.
    pub due_on: Option<String>,
}

/// The deadlines of a dispute.
#[derive(Serialize, JsonSchema)]
pub struct WindowsDocument {
    /// Days to answer.
    pub response_days: u16,
    /// What silence means after them: `accept` or `escalate`.
    pub on_silence: String,
    /// Days after which its parties may go to the arbiter.
    pub escalate_after_days: u16,
}

/// How a dispute was resolved.
#[derive(Serialize, JsonSchema)]
pub struct ResolutionDocument {
    /// The record.
    pub seq: u64,
    /// The event.
    pub event: String,
    /// When it was recorded.
    pub resolved_at: String,
    /// `accepted`, `by-default`, `settled` or `determined`.
    pub how: String,
    /// `nothing`, `figures`, `lines` or `payout`.
    pub adopted: String,
    /// Whether a statement has posted since.
    pub posted: bool,
}

/// The dispute that adopted something.
#[derive(Serialize, JsonSchema)]
pub struct AdoptedDocument {
    /// The dispute.
    pub dispute: EventRef,
    /// The event that resolved it.
    pub by: EventRef,
    /// `accepted`, `by-default`, `settled` or `determined`.
    pub how: String,
}

impl AdoptedDocument {
    /// As JSON.
    pub fn of(adopted: &AdoptedBy) -> AdoptedDocument {
        AdoptedDocument {
            dispute: EventRef::of(&adopted.dispute),
            by: EventRef::of(&adopted.by),
            how: how(adopted.how).to_owned(),
        }
    }
}

fn how(how: Resolution) -> &'static str {
    match how {
        Resolution::Accepted => "accepted",
        Resolution::ByDefault => "by-default",
        Resolution::Settled => "settled",
        Resolution::Determined => "determined",
    }
}

/// A disputed line: booked = settled + undisputed + held.
#[derive(Serialize, JsonSchema)]
pub struct LineDocument {
    /// The party.
    pub party: String,
    /// What is booked to it for the period, or what the payout counts.
    pub booked: String,
    /// What is claimed, or was adopted and is not posted yet; `null` if nothing is open any more.
    pub figure: Option<String>,
    /// The part of what is booked that has been settled, or is on its way.
    pub settled: String,
    /// The part that stays payable, due as before.
    pub undisputed: String,
    /// The part that is held.
    pub held: String,
    /// What is claimed above what is booked; it is not held.
    pub above: String,
    /// The day on which the line is due; `null` for a payout.
    pub due_on: Option<String>,
    /// The late interest that `above` would bear if it were paid today.
    pub interest: String,
}

/// Something that somebody can do in a dispute.
#[derive(Serialize, JsonSchema)]
pub struct TurnDocument {
    /// Who.
    pub who: String,
    /// `answer`, `default`, `escalate`, `settle` or `determine`.
    pub turn: String,
    /// In words.
    pub what: String,
    /// The last day; `null` if there is none, or it is not known yet.
    pub until: Option<String>,
    /// The command for it.
    pub command: String,
}

/// `dispute settle`, where it writes a file.
#[derive(Serialize, JsonSchema)]
pub struct SettlementDocument {
    /// False with `--dry-run`.
    pub written: bool,
    /// The file.
    pub file: String,
    /// The record that opened the dispute.
    pub seq: u64,
    /// The event that opened it.
    pub dispute: String,
    /// What is agreed on.
    pub outcome: OutcomeDocument,
    /// A note on it.
    pub note: String,
    /// The digest of outcome and note: what is signed.
    pub digest: String,
    /// The parties of the dispute whose signatures are valid, the claimant first.
    pub signed_by: Vec<String>,
    /// Those whose signature is missing.
    pub not_signed_by: Vec<String>,
}

impl DisputeSummary {
    /// A dispute as JSON; `state` is any state that knows what it names.
    pub fn of(state: &State, dispute: &Dispute, currency: Currency) -> DisputeSummary {
        let respondents = dispute.respondents.iter().map(|(party, one)| RespondentDocument {
            party: party.to_string(),
            stance: match one.stance {
                Stance::Silent => "silent",
                Stance::Responded => "responded",
                Stance::Accepted => "accepted",
            }
            .to_owned(),
            seen_at: one.seen.map(|at| at.to_string()),
            due_on: dispute.answer_due_on(party).map(|day| day.to_string()),
        });
        let (status, status_seq, resolution) = match &dispute.status {
            DisputeStatus::Open => ("open", None, None),
            DisputeStatus::Escalated { seq } => ("escalated", Some(*seq), None),
            DisputeStatus::Withdrawn { seq, .. } => ("withdrawn", Some(*seq), None),
            DisputeStatus::Resolved(resolved) => {
                ("resolved", Some(resolved.seq), Some(ResolutionDocument::of(resolved)))
            }
        };
        DisputeSummary {
            seq: dispute.seq,
            event: dispute.id.to_string(),
            opened_at: dispute.recorded_at.to_string(),
            claimant: dispute.claimant.to_string(),
            target: TargetDocument::of(&DisputedTarget::of(state, &dispute.target)),
            period: dispute.period.map(|period| period.to_string()),
            claim: ClaimDocument::of(&ClaimTotal::of_facts(state, &dispute.claim), currency),
            basis: dispute.basis.to_string(),
            ground: dispute.ground.map(|ground| ground.as_str().to_owned()),
            reopens: dispute.reopens.map(|id| EventRef::of(&Named::of(state, id))),
            evidence: digests(&dispute.evidence),
            respondents: respondents.collect(),
            windows: dispute.windows.map(|windows| WindowsDocument {
                response_days: windows.response_days,
                on_silence: match windows.on_silence {
                    OnSilence::Accept => "accept".to_owned(),
                    OnSilence::Escalate => "escalate".to_owned(),
                },
                escalate_after_days: windows.escalate_after_days,
            }),
            status: status.to_owned(),
            status_seq,
            resolution,
        }
    }
}

impl ResolutionDocument {
    fn of(resolved: &Resolved) -> ResolutionDocument {
        ResolutionDocument {
            seq: resolved.seq,
            event: resolved.event.to_string(),
            resolved_at: resolved.recorded_at.to_string(),
            how: how(resolved.how).to_owned(),
            adopted: match resolved.adopted {
                AdoptedKind::Nothing => "nothing",
                AdoptedKind::Figures => "figures",
                AdoptedKind::Lines => "lines",
                AdoptedKind::Payout => "payout",
            }
            .to_owned(),
            posted: resolved.posted,
        }
    }
}

impl LineDocument {
    /// A line as JSON.
    pub fn of(line: &DisputedLine, currency: Currency) -> LineDocument {
        let text = |amount| money(amount, currency);
        LineDocument {
            party: line.party.to_string(),
            booked: text(line.booked),
            figure: line.figure.map(text),
            settled: text(line.settled),
            undisputed: text(line.undisputed),
            held: text(line.held),
            above: text(line.above),
            due_on: line.due_on.map(|day| day.to_string()),
            interest: text(line.interest),
        }
    }
}
