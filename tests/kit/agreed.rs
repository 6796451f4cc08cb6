//! Given, when, then: what one party proposes and others accept, and advances, in the words of the
//! business.

use ledger_core::command::Command;
use ledger_core::event::ContributionClaim;
use ledger_core::event::ContributionEnd;
use ledger_core::event::ConversionRate;
use ledger_core::payout::Advance;
use ledger_core::state::Proposal;
use ledger_core::state::Proposed;
use ledger_core::statement::Statement;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Currency;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;

use crate::given::Expectation;
use crate::given::Given;
use crate::given::Party;
use crate::given::When;
use crate::given::Wish;
use crate::given::amount;
use crate::given::day;
use crate::given::period;
use crate::given::text;
use crate::terms::TermsBuilder;
use crate::world::World;
use crate::world::version_at;

/// The proposals of a ledger, in the order of its log.
fn proposals(world: &World) -> Vec<&Proposal> {
    let mut all: Vec<&Proposal> = world.agreement().proposals().values().collect();
    all.sort_by_key(|proposal| proposal.seq);
    all
}

fn last_proposal(world: &World) -> EventId {
    proposals(world).last().expect("something was proposed").id
}

fn last_claim(world: &World) -> EventId {
    let all = proposals(world).into_iter();
    let mut claims = all.filter(|proposal| matches!(proposal.what, Proposed::Contribution(_)));
    claims.next_back().expect("a contribution was claimed").id
}

impl Party {
    /// Proposes other terms, effective from a day.
    pub fn proposes(&self, terms: TermsBuilder, from: &str) -> Wish {
        let from = day(from);
        self.wishes(move |_| Command::ProposeAmendment {
            version: Box::new(version_at(terms.build(), Level::LATEST)),
            effective_from: from,
            reason: text("as agreed"),
        })
    }

    /// Proposes a conversion rate for a period.
    pub fn proposes_rate(&self, currency: &str, rate: &str, of: &str) -> Wish {
        let rate = ConversionRate {
            currency: Currency::parse(currency).expect("a currency"),
            rate: amount(rate),
            period: period(of),
            source: text("European Central Bank, average of the period"),
        };
        self.wishes(move |_| Command::ProposeRate(rate.clone()))
    }

    /// Claims a contribution under a clause, from a day to the day after its last one.
    pub fn claims(&self, clause: &str, from: &str, to: Option<&str>) -> Wish {
        let claim = ContributionClaim {
            clause: Id::parse(clause).expect("a clause id"),
            from: day(from),
            to: to.map(day),
            evidence: None,
            note: text("the model was tuned"),
        };
        self.wishes(move |_| Command::ClaimContribution(claim.clone()))
    }

    /// Ends the contribution that was claimed last.
    pub fn ends_contribution(&self, on: &str) -> Wish {
        let on = day(on);
        self.wishes(move |world| {
            let claim = last_claim(world);
            let reason = text("the work is over");
            Command::EndContribution(ContributionEnd { claim, on, reason })
        })
    }

    /// Accepts what was proposed last.
    pub fn accepts_proposal(&self) -> Wish {
        self.wishes(|world| Command::Accept(last_proposal(world)))
    }

    /// Accepts a proposal, by its number on the log, from 1.
    pub fn accepts_proposal_number(&self, number: usize) -> Wish {
        self.wishes(move |world| Command::Accept(proposals(world)[number - 1].id))
    }

    /// Rejects what was proposed last.
    pub fn rejects_proposal(&self) -> Wish {
        self.wishes(|world| Command::RejectProposal {
            proposal: last_proposal(world),
            reason: text("it is too dear"),
        })
    }

    /// Takes back what was proposed last.
    pub fn withdraws_proposal(&self) -> Wish {
        self.wishes(|world| Command::WithdrawProposal {
            proposal: last_proposal(world),
            reason: text("it was not meant so"),
        })
    }

    /// Pays a recoupable advance.
    pub fn advances(&self, to: &str, money: &str, on: &str, reference: &str) -> Wish {
        let advance = Advance {
            to: Id::parse(to).expect("a party id"),
            amount: amount(money),
            paid_on: day(on),
            reference: text(reference),
        };
        self.wishes(move |_| Command::PayAdvance(advance.clone()))
    }
}

impl Given {
    /// And the collector proposed something that everybody accepted.
    #[track_caller]
    pub fn and_all(self, wish: Wish) -> Given {
        self.and(wish).accepted_by_all()
    }

    /// And everybody accepted what was proposed last.
    #[track_caller]
    pub fn accepted_by_all(mut self) -> Given {
        let id = last_proposal(&self.world);
        let proposal = &self.world.agreement().proposals()[&id];
        let open: Vec<Id> = proposal.needed.difference(&proposal.accepted_by).cloned().collect();
        for party in open {
            self.world.must(party.as_str(), Command::Accept(id));
        }
        self
    }

    /// And other terms were proposed by the collector and accepted by everybody.
    #[track_caller]
    pub fn amended(self, terms: TermsBuilder, from: &str) -> Given {
        let collector = self.collector();
        self.and_all(collector.proposes(terms, from))
    }

    /// And everybody agreed on a conversion rate.
    #[track_caller]
    pub fn converted(self, currency: &str, rate: &str, of: &str) -> Given {
        let collector = self.collector();
        self.and_all(collector.proposes_rate(currency, rate, of))
    }
}

fn last_statement(when: &When) -> &Statement {
    let (_, record) =
        when.world.agreement().statements().last_key_value().expect("there is a statement");
    &record.statement
}

/// The last statement posts late interest to a party.
pub fn interest(to: &str, money: &str) -> Expectation {
    let (to, money) = (Id::parse(to).expect("a party id"), amount(money));
    Expectation(Box::new(move |when| {
        let found = last_statement(when).interest_of(&to);
        assert_eq!(found, Some(money), "late interest to {to}");
    }))
}

/// The last statement recoups an amount from a party; negative if it gives back.
pub fn recouped(from: &str, money: &str) -> Expectation {
    let (from, money) = (Id::parse(from).expect("a party id"), amount(money));
    Expectation(Box::new(move |when| {
        assert_eq!(last_statement(when).recouped_of(&from), money, "recouped from {from}");
    }))
}

/// The last statement's true-up of a period names causes of these kinds, in the order of the log.
pub fn caused_by(of: &str, kinds: &'static [&'static str]) -> Expectation {
    let period = period(of);
    Expectation(Box::new(move |when| {
        let entries = &last_statement(when).entries;
        let entry = entries.iter().find(|entry| entry.period == period).expect("a true-up");
        let kind = |id: &EventId| when.world.state().event(id).expect("on the log").1.as_str();
        let found: Vec<&str> = entry.causes.iter().map(kind).collect();
        assert_eq!(found, kinds, "causes of the true-up of {period}");
    }))
}

/// Tax that was withheld from, or borne on top of, all payouts that a party confirmed.
pub fn withheld(from: &str, money: &str) -> Expectation {
    let (from, money) = (Id::parse(from).expect("a party id"), amount(money));
    Expectation(Box::new(move |when| {
        let found: Amount = when.world.agreement().account(&from).withheld;
        assert_eq!(found, money, "withheld from {from}");
    }))
}
