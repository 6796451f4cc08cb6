//! Terms of format level 2 on the wire: those of level 1, and the clauses beside the rules.

use serde::Deserialize;
use serde::Serialize;

use crate::terms::Terms;
use crate::terms::body::AuditBase;
use crate::terms::body::BaseFrom;
use crate::terms::body::Bounded;
use crate::terms::body::Condition;
use crate::terms::body::ContributionClause;
use crate::terms::body::Exclusivity;
use crate::terms::body::OnSilence;
use crate::terms::body::Price;
use crate::terms::body::Split;
use crate::terms::draft::At;
use crate::terms::draft::DraftAdvance;
use crate::terms::draft::DraftAudit;
use crate::terms::draft::DraftBounded;
use crate::terms::draft::DraftContribution;
use crate::terms::draft::DraftDispute;
use crate::terms::draft::DraftExclusivity;
use crate::terms::draft::DraftInterest;
use crate::terms::draft::DraftPart;
use crate::terms::draft::DraftPrice;
use crate::terms::draft::DraftSplit;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::DraftWithholding;
use crate::terms::draft::Entry;
use crate::terms::draft::Field;
use crate::terms::draft::PerParty;
use crate::vocab::Problem;
use crate::wire::codec::malformed;
use crate::wire::fields::PerPartyWire;
use crate::wire::fields::TextsWire;
use crate::wire::fields::given;
use crate::wire::fields::list;
use crate::wire::fields::number;
use crate::wire::fields::option;
use crate::wire::fields::per_attribute;
use crate::wire::fields::per_party;
use crate::wire::fields::per_party_wire;
use crate::wire::fields::strictly_sorted;
use crate::wire::fields::texts_wire;
use crate::wire::fields::word;
use crate::wire::terms::TermsWire;
use crate::wire::terms::WINDOWS;
use crate::wire::terms::admitted;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::TextWire;

/// The terms as they stand in a payload of format level 2.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) terms: TermsWire<'a>,
    pub(in crate::wire) clauses: ClausesWire<'a>,
}

/// What level 2 adds to the terms of level 1.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct ClausesWire<'a> {
    pub(in crate::wire) base_from: u8,
    pub(in crate::wire) price_tolerance: DecimalWire,
    #[serde(borrow)]
    pub(in crate::wire) prices: Vec<PriceWire<'a>>,
    pub(in crate::wire) exclusivities: Vec<ExclusivityWire<'a>>,
    pub(in crate::wire) contributions: Vec<ContributionWire<'a>>,
    pub(in crate::wire) minimums: Vec<BoundedWire<'a>>,
    pub(in crate::wire) caps: Vec<BoundedWire<'a>>,
    pub(in crate::wire) splits: Vec<SplitWire<'a>>,
    pub(in crate::wire) advances: Vec<TextWire<'a>>,
    /// Party, rate, gross-up.
    pub(in crate::wire) withholding: Vec<(TextWire<'a>, DecimalWire, bool)>,
    /// Day from, rate.
    pub(in crate::wire) late_interest: Vec<(i32, DecimalWire)>,
    pub(in crate::wire) objection_days: u16,
    pub(in crate::wire) proposal_lapse_days: u16,
    /// Response days, on silence, days until the arbiter.
    pub(in crate::wire) dispute: Option<(u16, u8, u16)>,
    /// Months of looking back, shortfall, what it is a part of.
    pub(in crate::wire) audit: Option<(u16, DecimalWire, u8)>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct PriceWire<'a> {
    #[serde(borrow)]
    meter: TextWire<'a>,
    pub(in crate::wire) when: TextsWire<'a>,
    unit: DecimalWire,
    price: DecimalWire,
    pub(in crate::wire) currency: [u8; 3],
    from: i32,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct ExclusivityWire<'a> {
    #[serde(borrow)]
    id: TextWire<'a>,
    when: TextsWire<'a>,
    from: i32,
    pub(in crate::wire) to: Option<i32>,
    pub(in crate::wire) add: PerPartyWire<'a>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct ContributionWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) id: TextWire<'a>,
    by: TextWire<'a>,
    when: TextsWire<'a>,
    pub(in crate::wire) add: PerPartyWire<'a>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct BoundedWire<'a> {
    #[serde(borrow)]
    to: TextWire<'a>,
    amount: DecimalWire,
    pub(in crate::wire) window: u8,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct SplitWire<'a> {
    #[serde(borrow)]
    of: TextWire<'a>,
    pub(in crate::wire) parts: PerPartyWire<'a>,
}

const BASES: [BaseFrom; 2] = [BaseFrom::Gross, BaseFrom::Priced];
const SILENCES: [OnSilence; 2] = [OnSilence::Accept, OnSilence::Escalate];
const AUDIT_BASES: [AuditBase; 2] = [AuditBase::Due, AuditBase::Reported];

fn when_wire(when: &[Condition]) -> TextsWire<'_> {
    texts_wire(
        when.iter().map(|one| (&one.attribute, &one.patterns)),
        |name| name.as_str(),
        |pattern| pattern.as_str(),
    )
}

impl<'a> From<&'a Terms> for WholeWire<'a> {
    fn from(terms: &'a Terms) -> WholeWire<'a> {
        WholeWire { terms: TermsWire::from(terms), clauses: ClausesWire::from(terms) }
    }
}

impl<'a> From<&'a Terms> for ClausesWire<'a> {
    fn from(terms: &'a Terms) -> ClausesWire<'a> {
        let withholding = terms.withholding.iter();
        let late_interest = terms.late_interest.iter();
        let dispute = terms.dispute.as_ref().map(|one| {
            (one.response_days, number(&SILENCES, &one.on_silence), one.escalate_after_days)
        });
        let audit = terms.audit.as_ref().map(|one| {
            let shift = DecimalWire::from(&one.cost_shift);
            (one.lookback_months, shift, number(&AUDIT_BASES, &one.of))
        });
        ClausesWire {
            base_from: number(&BASES, &terms.base_from),
            price_tolerance: DecimalWire::from(&terms.price_tolerance),
            prices: terms.prices.iter().map(PriceWire::from).collect(),
            exclusivities: terms.exclusivities.iter().map(ExclusivityWire::from).collect(),
            contributions: terms.contributions.iter().map(ContributionWire::from).collect(),
            minimums: terms.minimums.iter().map(BoundedWire::from).collect(),
            caps: terms.caps.iter().map(BoundedWire::from).collect(),
            splits: terms.splits.iter().map(SplitWire::from).collect(),
            advances: terms.advances.iter().map(|party| party.as_str()).collect(),
            withholding: withholding
                .map(|(party, one)| (party.as_str(), DecimalWire::from(&one.rate), one.gross_up))
                .collect(),
            late_interest: late_interest
                .map(|(from, rate)| (from.days(), DecimalWire::from(rate)))
                .collect(),
            objection_days: terms.objection_days,
            proposal_lapse_days: terms.proposal_lapse_days,
            dispute,
            audit,
        }
    }
}

impl<'a> From<&'a Price> for PriceWire<'a> {
    fn from(price: &'a Price) -> PriceWire<'a> {
        PriceWire {
            meter: price.meter.as_str(),
            when: when_wire(&price.when),
            unit: DecimalWire::from(&price.unit),
            price: DecimalWire::from(&price.price),
            currency: price.currency.bytes(),
            from: price.from.days(),
        }
    }
}

impl<'a> From<&'a Exclusivity> for ExclusivityWire<'a> {
    fn from(one: &'a Exclusivity) -> ExclusivityWire<'a> {
        ExclusivityWire {
            id: one.id.as_str(),
            when: when_wire(&one.when),
            from: one.from.days(),
            to: one.to.map(|day| day.days()),
            add: per_party_wire(&one.add),
        }
    }
}

impl<'a> From<&'a ContributionClause> for ContributionWire<'a> {
    fn from(one: &'a ContributionClause) -> ContributionWire<'a> {
        ContributionWire {
            id: one.id.as_str(),
            by: one.by.as_str(),
            when: when_wire(&one.when),
            add: per_party_wire(&one.add),
        }
    }
}

impl<'a> From<&'a Bounded> for BoundedWire<'a> {
    fn from(one: &'a Bounded) -> BoundedWire<'a> {
        BoundedWire {
            to: one.to.as_str(),
            amount: DecimalWire::from(&one.amount),
            window: number(&WINDOWS, &one.over),
        }
    }
}

impl<'a> From<&'a Split> for SplitWire<'a> {
    fn from(one: &'a Split) -> SplitWire<'a> {
        let parts = one.parts.iter();
        SplitWire {
            of: one.of.as_str(),
            parts: parts.map(|part| (part.to.as_str(), DecimalWire::from(&part.weight))).collect(),
        }
    }
}

impl WholeWire<'_> {
    /// Reads every word, and judges the terms.
    ///
    /// Errors: [`crate::vocab::Code::PayloadMalformed`] for what cannot be said in this form, and
    /// the first code of the checks for what can; with the field as its place.
    pub fn terms(&self) -> Result<Terms, Problem> {
        let mut draft = self.terms.draft()?;
        self.clauses.read_into(&mut draft)?;
        let terms = admitted(&draft)?;
        // One value, one encoding: whatever the checks put in order was in order.
        if WholeWire::from(&terms) != *self {
            return Err(malformed("the terms are not in their canonical order"));
        }
        Ok(terms)
    }
}

impl ClausesWire<'_> {
    fn read_into(&self, draft: &mut DraftTerms) -> Result<(), Problem> {
        draft.base_from = given("base.from", word(&BASES, self.base_from))?;
        // Zero says the same as nothing; only what is there is judged.
        draft.price_tolerance = given("base.price_tolerance", self.price_tolerance.rate())?;
        if draft.price_tolerance.value().is_some_and(|rate| rate.mantissa() == 0) {
            draft.price_tolerance = Field::Missing;
        }
        draft.prices = list("price", &self.prices, PriceWire::draft)?;
        draft.exclusivities = list("exclusivity", &self.exclusivities, ExclusivityWire::draft)?;
        draft.contributions = list("contribution", &self.contributions, ContributionWire::draft)?;
        draft.minimums = list("minimum", &self.minimums, BoundedWire::draft)?;
        draft.caps = list("cap", &self.caps, BoundedWire::draft)?;
        draft.splits = list("split", &self.splits, SplitWire::draft)?;
        strictly_sorted("advance", self.advances.iter().copied())?;
        draft.advances = list("advance", &self.advances, |party, path| {
            let to = given(format!("{path}.to"), words::id(party))?;
            Ok(DraftAdvance { at: At::path(path), to })
        })?;
        draft.withholding = self.withholding()?;
        draft.late_interest = self.late_interest()?;
        draft.objection_days = given("windows.objection_days", Ok(self.objection_days))?;
        draft.proposal_lapse_days =
            given("windows.proposal_lapse_days", Ok(self.proposal_lapse_days))?;
        if let Some((response_days, on_silence, escalate_after_days)) = self.dispute {
            let at = At::path("windows.dispute");
            let path = |key: &str| format!("windows.dispute.{key}");
            let dispute = DraftDispute {
                at: at.clone(),
                response_days: given(path("response_days"), Ok(response_days))?,
                on_silence: given(path("on_silence"), word(&SILENCES, on_silence))?,
                escalate_after_days: given(path("escalate_after_days"), Ok(escalate_after_days))?,
            };
            draft.dispute = Field::Given(dispute, at);
        }
        if let Some((lookback_months, cost_shift, of)) = self.audit {
            let at = At::path("windows.audit");
            let path = |key: &str| format!("windows.audit.{key}");
            let audit = DraftAudit {
                at: at.clone(),
                lookback_months: given(path("lookback_months"), Ok(lookback_months))?,
                cost_shift: given(path("cost_shift"), cost_shift.rate())?,
                of: given(path("of"), word(&AUDIT_BASES, of))?,
            };
            draft.audit = Field::Given(audit, at);
        }
        Ok(())
    }

    fn withholding(&self) -> Result<PerParty<DraftWithholding>, Problem> {
        let path = "payment.withholding";
        strictly_sorted(path, self.withholding.iter().map(|(party, ..)| *party))?;
        list(path, &self.withholding, |(party, rate, gross_up), _| {
            let path = format!("{path}.{}", party.escape_debug());
            let clause = DraftWithholding {
                at: At::path(path.as_str()),
                rate: given(format!("{path}.rate"), rate.rate())?,
                gross_up: given(format!("{path}.gross_up"), Ok(*gross_up))?,
            };
            Ok(Entry {
                key: given(path.as_str(), words::id(party))?,
                value: given(path, Ok(clause))?,
            })
        })
    }

    fn late_interest(&self) -> Result<Field<Vec<DraftInterest>>, Problem> {
        let path = "payment.late_interest";
        if !self.late_interest.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(malformed(format!("`{path}` is not strictly sorted")).at_field(path));
        }
        list(path, &self.late_interest, |(from, rate), path| {
            Ok(DraftInterest {
                from: given(format!("{path}.from"), words::day(*from))?,
                rate: given(format!("{path}.rate"), rate.rate())?,
                at: At::path(path),
            })
        })
    }
}

impl PriceWire<'_> {
    fn draft(&self, path: String) -> Result<DraftPrice, Problem> {
        Ok(DraftPrice {
            meter: given(format!("{path}.meter"), words::name(self.meter))?,
            when: per_attribute(&format!("{path}.when"), &self.when, false)?,
            unit: given(format!("{path}.unit"), self.unit.amount())?,
            price: given(format!("{path}.price"), self.price.amount())?,
            currency: given(format!("{path}.currency"), words::currency(self.currency))?,
            from: given(format!("{path}.from"), words::day(self.from))?,
            at: At::path(path),
        })
    }
}

impl ExclusivityWire<'_> {
    fn draft(&self, path: String) -> Result<DraftExclusivity, Problem> {
        Ok(DraftExclusivity {
            id: given(format!("{path}.id"), words::id(self.id))?,
            when: per_attribute(&format!("{path}.when"), &self.when, false)?,
            from: given(format!("{path}.from"), words::day(self.from))?,
            to: option(&format!("{path}.to"), self.to, words::day)?,
            add: per_party(&format!("{path}.add"), &self.add, DecimalWire::rate)?,
            at: At::path(path),
        })
    }
}

impl ContributionWire<'_> {
    fn draft(&self, path: String) -> Result<DraftContribution, Problem> {
        Ok(DraftContribution {
            id: given(format!("{path}.id"), words::id(self.id))?,
            by: given(format!("{path}.by"), words::id(self.by))?,
            when: per_attribute(&format!("{path}.when"), &self.when, false)?,
            add: per_party(&format!("{path}.add"), &self.add, DecimalWire::rate)?,
            at: At::path(path),
        })
    }
}

impl BoundedWire<'_> {
    fn draft(&self, path: String) -> Result<DraftBounded, Problem> {
        Ok(DraftBounded {
            to: given(format!("{path}.to"), words::id(self.to))?,
            amount: given(format!("{path}.amount"), self.amount.amount())?,
            over: given(format!("{path}.over"), word(&WINDOWS, self.window))?,
            at: At::path(path),
        })
    }
}

impl SplitWire<'_> {
    fn draft(&self, path: String) -> Result<DraftSplit, Problem> {
        Ok(DraftSplit {
            of: given(format!("{path}.of"), words::id(self.of))?,
            parts: list(&format!("{path}.parts"), &self.parts, |(to, weight), path| {
                Ok(DraftPart {
                    to: given(format!("{path}.to"), words::id(to))?,
                    weight: given(format!("{path}.weight"), weight.amount())?,
                    at: At::path(path),
                })
            })?,
            at: At::path(path),
        })
    }
}
