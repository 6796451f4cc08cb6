//! Records as JSON.

use revshare_core::event::Kind;
use revshare_core::ledger::reading::SignedAbove;
use revshare_core::statement::Entry;
use revshare_core::statement::InterestLine;
use revshare_core::statement::RateUsed;
use revshare_core::statement::Recoupment;
use revshare_core::statement::Statement;
use revshare_core::view::record;
use revshare_core::view::record::Said;
use revshare_core::view::record::Sent;
use revshare_core::vocab::Currency;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::CurrencyAmount;
use crate::render::json::EventRef;
use crate::render::json::PartyAmount;
use crate::render::json::PartyRole;
use crate::render::json::money;
use crate::render::json::party_amounts;
use crate::render::json::proposals::ProposedDocument;
use crate::render::json::usage::PriceFindingDocument;
use crate::render::record::short;
use crate::render::text::sum;

/// A record: `show`, and a line of `history`.
#[derive(Serialize, JsonSchema)]
pub struct RecordDocument {
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record.
    pub hash: String,
    /// Hash of the record before it; zeros for record 0.
    pub previous: String,
    /// Recorded time, RFC 3339.
    pub recorded_at: String,
    /// The author.
    pub party: String,
    /// The author's public key, as in OpenSSH.
    pub key: String,
    /// Its fingerprint, as `ssh-keygen -l` prints it.
    pub key_fingerprint: String,
    /// The event's id: independent of its place.
    pub event: String,
    /// Digest of what the event says, without its nonce.
    pub content_digest: String,
    /// Digest of the payload bytes.
    pub payload_digest: String,
    /// Bytes of the payload; `null` where it is not known.
    pub payload_bytes: Option<u64>,
    /// The signature by that key, in hexadecimal digits; only where `show` prints the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Per party, the first record that it signed after this one, which covers this one; only
    /// where `show` prints the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_above: Option<Vec<SignedAboveDocument>>,
    /// What the event says, in a few words.
    pub summary: String,
    /// The kind of event, and what it says.
    #[serde(flatten)]
    pub says: SaysDocument,
}

/// Whether a party has signed above a record.
#[derive(Serialize, JsonSchema)]
pub struct SignedAboveDocument {
    /// The party.
    pub party: String,
    /// The first record that it signed after this one; `null` if there is none yet.
    pub seq: Option<u64>,
    /// When that was recorded.
    pub recorded_at: Option<String>,
}

/// What an event says, by kind.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", content = "says", rename_all = "kebab-case")]
pub enum SaysDocument {
    /// The ledger was opened with these terms.
    LedgerOpened {
        /// The agreement's title.
        title: String,
        /// Digest of the terms.
        terms: String,
        /// The parties.
        parties: Vec<PartyRole>,
    },
    /// Something that waited for it was accepted.
    Accepted {
        /// What.
        accepts: EventRef,
        /// The content digest that the acceptance carries.
        content_digest: String,
    },
    /// A part of a large report.
    UsagePart {
        /// Position in the report, from 0.
        index: u32,
        /// Its lines.
        lines: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// Usage was reported.
    UsageReported {
        /// The period.
        period: String,
        /// Whether it adds to earlier reports.
        supplement: bool,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// In how many parts; 0 if the lines are in the event itself.
        parts: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// A report was replaced.
    UsageCorrected {
        /// The period.
        period: Option<String>,
        /// What is replaced.
        corrects: EventRef,
        /// Why.
        reason: String,
        /// How many lines; 0 for a nil report.
        lines: u64,
        /// In how many parts; 0 if the lines are in the event itself.
        parts: u64,
        /// Gross per currency.
        gross: Vec<CurrencyAmount>,
    },
    /// A report is missing after its due day.
    UsageMissing {
        /// The period.
        period: String,
    },
    /// A statement was issued.
    StatementIssued {
        /// The period.
        period: String,
        /// Digest of the terms.
        terms: String,
        /// Version of the calculation.
        calculation: u16,
        /// What it posts.
        entries: Vec<PostedDocument>,
        /// What it recoups of advances; negative if it is given back.
        recoupments: Vec<PartyAmount>,
        /// Late interest that it posts.
        interest: Vec<PostedInterestDocument>,
        /// Version of the state root.
        root_version: u16,
        /// The state root before the statement.
        state_root: String,
    },
    /// A statement was accepted.
    StatementAccepted {
        /// The statement.
        statement: EventRef,
        /// Its period.
        period: Option<String>,
    },
    /// Money was sent.
    PayoutSent {
        /// To whom.
        to: String,
        /// The amount.
        amount: String,
        /// The part of it above what was payable.
        on_account: String,
        /// Tax that was withheld.
        withheld: String,
        /// Whether the tax is on top of the amount.
        grossed_up: bool,
        /// What arrives in cash: the amount, less tax that is not on top.
        cash: String,
        /// The settlement currency.
        currency: String,
        /// The day it was sent.
        sent_on: String,
        /// How both sides find it at the bank.
        reference: String,
    },
    /// Money was received.
    PayoutConfirmed {
        /// The payout.
        payout: EventRef,
        /// The amount that was sent.
        amount: Option<String>,
        /// The day it was received.
        received_on: String,
    },
    /// Money came back.
    PayoutReturned {
        /// The payout.
        payout: EventRef,
        /// The amount that was sent.
        amount: Option<String>,
        /// Why.
        reason: String,
    },
    /// A head and its state root were acknowledged.
    Acknowledged {
        /// Sequence number of the head.
        seq: u64,
        /// Its hash.
        head: String,
        /// Version of the state root.
        root_version: u16,
        /// The state root after it.
        state_root: String,
    },
    /// Other terms were proposed.
    AmendmentProposed {
        /// Digest of the proposed terms.
        terms: String,
        /// The first usage day that they rate.
        effective_from: String,
        /// Why.
        reason: String,
    },
    /// A party whose acceptance is needed refused a proposal.
    ProposalRejected {
        /// The proposal.
        proposal: EventRef,
        /// Its kind; `null` if it is not on the log.
        proposed: Option<String>,
        /// Why.
        reason: String,
    },
    /// The proposer took a proposal back.
    ProposalWithdrawn {
        /// The proposal.
        proposal: EventRef,
        /// Its kind; `null` if it is not on the log.
        proposed: Option<String>,
        /// Why.
        reason: String,
    },
    /// A conversion rate was proposed.
    RateProposed {
        /// The foreign currency.
        currency: String,
        /// Units of the settlement currency for one unit of it.
        rate: String,
        /// The period whose lines it converts.
        period: String,
        /// Where it was published.
        source: String,
    },
    /// An ongoing contribution was claimed.
    ContributionClaimed {
        /// The clause of the terms.
        clause: String,
        /// The first day.
        from: String,
        /// The first day after it, if it has an end.
        to: Option<String>,
        /// A commitment to the evidence.
        evidence: Option<String>,
        /// What was contributed.
        note: String,
    },
    /// The contributor ended a contribution.
    ContributionEnded {
        /// The claim.
        claim: EventRef,
        /// The first day on which it does not count.
        on: String,
        /// Why.
        reason: String,
    },
    /// A recoupable advance was paid.
    AdvancePaid {
        /// To whom.
        to: String,
        /// The amount.
        amount: String,
        /// The settlement currency.
        currency: String,
        /// The day it was sent.
        paid_on: String,
        /// How both sides find it at the bank.
        reference: String,
    },
}

/// What a statement posts for one period, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedDocument {
    /// The period.
    pub period: String,
    /// Change of the base.
    pub base: String,
    /// Change of what is owed.
    pub shares: Vec<PartyAmount>,
    /// Ids of the events that moved an earlier period.
    pub causes: Vec<String>,
    /// The conversion rates that the amounts were computed with.
    pub rates: Vec<PostedRateDocument>,
}

/// A conversion rate that a statement used, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedRateDocument {
    /// The foreign currency.
    pub currency: String,
    /// Units of the settlement currency for one unit of it.
    pub rate: String,
    /// Id of the event that proposed it.
    pub source: String,
}

/// Late interest that a statement posts, in an event.
#[derive(Serialize, JsonSchema)]
pub struct PostedInterestDocument {
    /// Who gets it.
    pub to: String,
    /// Id of the payout that settled the principal.
    pub payout: String,
    /// The period that the principal belongs to.
    pub period: String,
    /// What was settled late.
    pub principal: String,
    /// The day on which it was due.
    pub due_on: String,
    /// The day on which it was received.
    pub received_on: String,
    /// The yearly rate.
    pub rate: String,
    /// principal × rate × days / 365, rounded.
    pub amount: String,
}

fn posted(statement: &Statement, currency: Currency) -> SaysDocument {
    let rate = |used: &RateUsed| PostedRateDocument {
        currency: used.currency.to_string(),
        rate: used.rate.to_string(),
        source: used.source.to_string(),
    };
    let entry = |entry: &Entry| PostedDocument {
        period: entry.period.to_string(),
        base: money(entry.base, currency),
        shares: party_amounts(&entry.shares, currency),
        causes: entry.causes.iter().map(|id| id.to_string()).collect(),
        rates: entry.rates.iter().map(rate).collect(),
    };
    let recoupment = |one: &Recoupment| PartyAmount {
        party: one.party.to_string(),
        amount: money(one.amount, currency),
    };
    let interest = |line: &InterestLine| PostedInterestDocument {
        to: line.to.to_string(),
        payout: line.payout.to_string(),
        period: line.period.to_string(),
        principal: money(line.principal, currency),
        due_on: line.due_on.to_string(),
        received_on: line.received_on.to_string(),
        rate: line.rate.to_string(),
        amount: money(line.amount, currency),
    };
    SaysDocument::StatementIssued {
        period: statement.period.to_string(),
        terms: statement.terms.to_string(),
        calculation: statement.calculation,
        entries: statement.entries.iter().map(entry).collect(),
        recoupments: statement.recoupments.iter().map(recoupment).collect(),
        interest: statement.interest.iter().map(interest).collect(),
        root_version: statement.root_version,
        state_root: statement.state_root.to_string(),
    }
}

fn gross(total: &record::LinesTotal) -> Vec<CurrencyAmount> {
    let one = |(currency, gross): &(Currency, _)| CurrencyAmount {
        currency: currency.to_string(),
        amount: sum(*gross),
    };
    total.gross.iter().map(one).collect()
}

impl RecordDocument {
    /// A record as JSON.
    pub fn of(
        record: &record::Record,
        payload_bytes: Option<usize>,
        currency: Currency,
    ) -> RecordDocument {
        RecordDocument {
            seq: record.seq,
            hash: record.hash.to_string(),
            previous: record.previous.to_string(),
            recorded_at: record.recorded_at.to_string(),
            party: record.party.to_string(),
            key: record.key.to_string(),
            key_fingerprint: record.key.fingerprint(),
            event: record.id.to_string(),
            content_digest: record.content.to_string(),
            payload_digest: record.payload.to_string(),
            payload_bytes: payload_bytes.map(|bytes| bytes as u64),
            signature: None,
            signed_above: None,
            summary: short(&record.said, currency),
            says: SaysDocument::of(&record.said, currency),
        }
    }

    /// With its signature, and who has signed above it.
    pub fn with_signatures(self, signature: String, above: &[SignedAbove]) -> RecordDocument {
        let above = above.iter().map(|one| SignedAboveDocument {
            party: one.party.to_string(),
            seq: one.first.map(|(seq, _)| seq),
            recorded_at: one.first.map(|(_, at)| at.to_string()),
        });
        let (signature, signed_above) = (Some(signature), Some(above.collect()));
        RecordDocument { signature, signed_above, ..self }
    }
}

impl SaysDocument {
    fn of(said: &Said, currency: Currency) -> SaysDocument {
        let amount = |sent: &Option<Sent>| sent.as_ref().map(|s| money(s.amount(), currency));
        match said {
            Said::LedgerOpened { title, terms, parties } => SaysDocument::LedgerOpened {
                title: title.to_string(),
                terms: terms.to_string(),
                parties: parties
                    .iter()
                    .map(|(id, role)| PartyRole {
                        party: id.to_string(),
                        role: role.as_str().to_owned(),
                    })
                    .collect(),
            },
            Said::Accepted { what, content, .. } => SaysDocument::Accepted {
                accepts: EventRef::of(what),
                content_digest: content.to_string(),
            },
            Said::UsagePart { index, total } => {
                SaysDocument::UsagePart { index: *index, lines: total.lines, gross: gross(total) }
            }
            Said::UsageReported { period, supplement, total } => SaysDocument::UsageReported {
                period: period.to_string(),
                supplement: *supplement,
                lines: total.lines,
                parts: total.parts as u64,
                gross: gross(total),
            },
            Said::UsageCorrected { period, corrects, reason, total } => {
                SaysDocument::UsageCorrected {
                    period: period.map(|period| period.to_string()),
                    corrects: EventRef::of(corrects),
                    reason: reason.to_string(),
                    lines: total.lines,
                    parts: total.parts as u64,
                    gross: gross(total),
                }
            }
            Said::UsageMissing { period } => {
                SaysDocument::UsageMissing { period: period.to_string() }
            }
            Said::StatementIssued(statement) => posted(statement, currency),
            Said::StatementAccepted { statement, period } => SaysDocument::StatementAccepted {
                statement: EventRef::of(statement),
                period: period.map(|period| period.to_string()),
            },
            Said::PayoutSent(payout) => SaysDocument::PayoutSent {
                to: payout.to.to_string(),
                amount: money(payout.amount, currency),
                on_account: money(payout.on_account, currency),
                withheld: money(payout.withheld, currency),
                grossed_up: payout.grossed_up,
                cash: money(payout.cash(), currency),
                currency: currency.to_string(),
                sent_on: payout.sent_on.to_string(),
                reference: payout.reference.to_string(),
            },
            Said::PayoutConfirmed { payout, sent, received_on } => SaysDocument::PayoutConfirmed {
                payout: EventRef::of(payout),
                amount: amount(sent),
                received_on: received_on.to_string(),
            },
            Said::PayoutReturned { payout, sent, reason } => SaysDocument::PayoutReturned {
                payout: EventRef::of(payout),
                amount: amount(sent),
                reason: reason.to_string(),
            },
            Said::Acknowledged { seq, head, root_version, state_root } => {
                SaysDocument::Acknowledged {
                    seq: *seq,
                    head: head.to_string(),
                    root_version: *root_version,
                    state_root: state_root.to_string(),
                }
            }
            Said::AmendmentProposed { terms, effective_from, reason } => {
                SaysDocument::AmendmentProposed {
                    terms: terms.to_string(),
                    effective_from: effective_from.to_string(),
                    reason: reason.to_string(),
                }
            }
            Said::ProposalClosed { kind, proposal, proposed, reason } => {
                let (proposal, reason) = (EventRef::of(proposal), reason.to_string());
                let proposed = proposed.map(|kind| kind.as_str().to_owned());
                match kind {
                    Kind::ProposalWithdrawn => {
                        SaysDocument::ProposalWithdrawn { proposal, proposed, reason }
                    }
                    _ => SaysDocument::ProposalRejected { proposal, proposed, reason },
                }
            }
            Said::RateProposed(rate) => SaysDocument::RateProposed {
                currency: rate.currency.to_string(),
                rate: rate.rate.to_string(),
                period: rate.period.to_string(),
                source: rate.source.to_string(),
            },
            Said::ContributionClaimed(claim) => SaysDocument::ContributionClaimed {
                clause: claim.clause.to_string(),
                from: claim.from.to_string(),
                to: claim.to.map(|to| to.to_string()),
                evidence: claim.evidence.map(|digest| digest.to_string()),
                note: claim.note.to_string(),
            },
            Said::ContributionEnded { claim, on, reason } => SaysDocument::ContributionEnded {
                claim: EventRef::of(claim),
                on: on.to_string(),
                reason: reason.to_string(),
            },
            Said::AdvancePaid(advance) => SaysDocument::AdvancePaid {
                to: advance.to.to_string(),
                amount: money(advance.amount, currency),
                currency: currency.to_string(),
                paid_on: advance.paid_on.to_string(),
                reference: advance.reference.to_string(),
            },
        }
    }
}

/// What a writing command recorded, or would record.
#[derive(Serialize, JsonSchema)]
pub struct RecordedDocument {
    /// False with `--dry-run`.
    pub recorded: bool,
    /// Every record, parts of a report included, in order.
    pub records: Vec<RecordedRef>,
    /// The record that counts.
    pub record: RecordDocument,
    /// For a proposal: what it would change, and whose acceptance it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposedDocument>,
    /// For a usage report: where the reported gross is too far from the price list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub price_findings: Vec<PriceFindingDocument>,
    /// For the acceptance of a proposal: what it makes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<DecidedDocument>,
}

/// What an acceptance makes of a proposal.
#[derive(Serialize, JsonSchema)]
pub struct DecidedDocument {
    /// The proposal's record.
    pub seq: u64,
    /// The proposal's event id.
    pub event: String,
    /// Its kind of event.
    pub kind: String,
    /// Whether everybody has accepted it with this acceptance.
    pub in_force: bool,
    /// The parties whose acceptance is missing.
    pub waits_for: Vec<String>,
}

/// A record that was written.
#[derive(Serialize, JsonSchema)]
pub struct RecordedRef {
    /// Sequence number.
    pub seq: u64,
    /// Hash.
    pub hash: String,
    /// Event id.
    pub event: String,
    /// Kind of event.
    pub kind: String,
}
