//! Given, when, then: a test of the ledger's rules in the words of the business.

use ledger_core::command::Command;
use ledger_core::event::Fact;
use ledger_core::ledger::Outcome;
use ledger_core::terms::Terms;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Text;

use crate::lines::Line;
use crate::lines::blocks;
use crate::terms::TermsBuilder;
use crate::world::World;

/// A ledger with a history.
#[derive(Debug)]
pub struct Given {
    pub(crate) world: World,
}

/// What came of a wish, and the ledger after it.
#[derive(Debug)]
pub struct When {
    pub(crate) world: World,
    outcome: Result<Outcome, Problem>,
}

/// What a party wishes.
pub struct Wish {
    party: String,
    what: Box<dyn Fn(&World) -> Command>,
}

/// What must hold afterwards.
pub struct Expectation(pub(crate) Box<dyn Fn(&When)>);

/// A party that is about to say something.
#[derive(Clone, Debug)]
pub struct Party(String);

/// A party, by its id.
pub fn party(id: &str) -> Party {
    Party(id.to_owned())
}

pub(crate) fn period(text: &str) -> Period {
    Period::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn day(text: &str) -> Date {
    Date::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap_or_else(|problem| panic!("{problem}"))
}

impl Party {
    pub(crate) fn wishes(&self, what: impl Fn(&World) -> Command + 'static) -> Wish {
        Wish { party: self.0.clone(), what: Box::new(what) }
    }

    /// Reports usage; no lines means a nil report.
    pub fn reports(&self, of: &str, lines: Vec<Line>) -> Wish {
        self.reports_in_blocks(of, lines, usize::MAX, false)
    }

    /// Adds to a report.
    pub fn supplements(&self, of: &str, lines: Vec<Line>) -> Wish {
        self.reports_in_blocks(of, lines, usize::MAX, true)
    }

    /// Reports usage in blocks of a few lines; more than one block makes a report in parts.
    pub fn reports_in_blocks(
        &self,
        of: &str,
        lines: Vec<Line>,
        per_block: usize,
        supplement: bool,
    ) -> Wish {
        let period = period(of);
        self.wishes(move |world| {
            let blocks = blocks(&lines, world.agreement().terms().currency, per_block);
            Command::ReportUsage { period, supplement, blocks }
        })
    }

    /// Replaces the report of a period that holds now (the first, if there are several).
    pub fn corrects(&self, of: &str, reason: &str, lines: Vec<Line>) -> Wish {
        let (period, reason) = (period(of), text(reason));
        self.wishes(move |world| Command::CorrectUsage {
            corrects: world.report_of(period).expect("the period has a report"),
            reason: reason.clone(),
            blocks: blocks(&lines, world.agreement().terms().currency, usize::MAX),
        })
    }

    /// Records that a report is missing.
    pub fn notes_missing(&self, of: &str) -> Wish {
        let period = period(of);
        self.wishes(move |_| Command::NoteMissing(period))
    }

    /// Issues a statement.
    pub fn issues_statement(&self, of: &str) -> Wish {
        let period = period(of);
        self.wishes(move |_| Command::IssueStatement(period))
    }

    /// Accepts the statement of a period.
    pub fn accepts_statement(&self, of: &str) -> Wish {
        let period = period(of);
        self.wishes(move |world| Command::AcceptStatement(statement_of(world, period)))
    }

    /// Sends money on a day.
    pub fn sends(&self, to: &str, money: &str, on: &str, reference: &str) -> Wish {
        self.sends_money((to, money, on, reference), false)
    }

    /// Sends money, an excess being a credit.
    pub fn sends_on_account(&self, to: &str, money: &str, on: &str, reference: &str) -> Wish {
        self.sends_money((to, money, on, reference), true)
    }

    fn sends_money(
        &self,
        (to, money, on, reference): (&str, &str, &str, &str),
        on_account: bool,
    ) -> Wish {
        let to = Id::parse(to).expect("a party id");
        let (amount, sent_on, reference) = (amount(money), day(on), text(reference));
        self.wishes(move |_| Command::SendPayout {
            to: to.clone(),
            amount,
            on_account,
            sent_on,
            reference: reference.clone(),
        })
    }

    /// Confirms the payout or advance with a reference.
    pub fn confirms(&self, reference: &str, on: &str) -> Wish {
        let (reference, received_on) = (text(reference), day(on));
        self.wishes(move |world| Command::ConfirmPayout {
            payout: payout_of(world, &reference),
            received_on,
        })
    }

    /// Says that the payout or advance with a reference came back.
    pub fn returns(&self, reference: &str, reason: &str) -> Wish {
        let (reference, reason) = (text(reference), text(reason));
        self.wishes(move |world| Command::ReturnPayout {
            payout: payout_of(world, &reference),
            reason: reason.clone(),
        })
    }

    /// Acknowledges head and state root.
    pub fn acknowledges(&self) -> Wish {
        self.wishes(|_| Command::Acknowledge)
    }
}

pub(crate) fn statement_of(world: &World, period: Period) -> EventId {
    world.agreement().statements().get(&period).expect("the period is stated").id
}

pub(crate) fn payout_of(world: &World, reference: &Text) -> EventId {
    let payouts = world.agreement().payouts().all();
    let payouts = payouts.values().map(|record| (&record.payout.reference, record.id));
    let advances = world.agreement().advances().values();
    let advances = advances.map(|record| (&record.advance.reference, record.id));
    let mut found = payouts.chain(advances).filter(|(known, _)| *known == reference);
    found.next().expect("a payout or an advance with this reference").1
}

impl Given {
    /// A ledger under terms, opened by the collector and accepted by all money parties.
    pub fn ledger(terms: TermsBuilder) -> Given {
        Given::under(terms.build())
    }

    /// Likewise, under terms that were read already.
    pub fn under(terms: Terms) -> Given {
        Given { world: World::in_force(terms) }
    }

    /// A ledger of an earlier format level.
    pub fn ledger_at(terms: TermsBuilder, level: Level) -> Given {
        let mut world = World::new();
        world.open_and_accept_at(terms.build(), level);
        Given { world }
    }

    /// Goes on from a ledger as it is.
    pub fn from(world: World) -> Given {
        Given { world }
    }

    /// And a wish that was carried out.
    #[track_caller]
    pub fn and(mut self, wish: impl Into<Wish>) -> Given {
        let wish = wish.into();
        let command = (wish.what)(&self.world);
        self.world.must(&wish.party, command);
        self
    }

    /// And the collector reported usage; no lines means a nil report.
    #[track_caller]
    pub fn reported(self, of: &str, lines: Vec<Line>) -> Given {
        let collector = self.collector();
        self.and(collector.reports(of, lines))
    }

    /// And the collector replaced the report of a period.
    #[track_caller]
    pub fn corrected(self, of: &str, lines: Vec<Line>) -> Given {
        let collector = self.collector();
        self.and(collector.corrects(of, "the export was wrong", lines))
    }

    /// And the collector issued the statement of a period.
    #[track_caller]
    pub fn stated(self, of: &str) -> Given {
        let collector = self.collector();
        self.and(collector.issues_statement(of))
    }

    /// And days passed.
    pub fn after_days(mut self, days: i64) -> Given {
        self.world.clock().pass_days(days);
        self
    }

    pub(crate) fn collector(&self) -> Party {
        let collector = self.world.agreement().terms().collector();
        party(collector.expect("terms have a collector").as_str())
    }

    /// When a party wishes something.
    pub fn when(mut self, wish: impl Into<Wish>) -> When {
        let wish = wish.into();
        let command = (wish.what)(&self.world);
        let outcome = self.world.submit(&wish.party, command);
        When { world: self.world, outcome }
    }

    /// The ledger.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// The ledger, to keep.
    pub fn into_world(self) -> World {
        self.world
    }
}

impl When {
    /// Then this holds; what was wished was recorded.
    #[track_caller]
    pub fn then(self, expectation: Expectation) -> When {
        if let Err(problem) = &self.outcome {
            panic!("refused: {problem}");
        }
        (expectation.0)(&self);
        self
    }

    /// Then it is refused with a code, and the ledger is as it was.
    #[track_caller]
    pub fn refused(self, code: Code) -> Given {
        match &self.outcome {
            Ok(outcome) => panic!("recorded: {:?}", outcome.fact.event),
            Err(problem) => assert_eq!(problem.code, code, "{problem}"),
        }
        let reopened = self.world.reopened().expect("the ledger opens");
        assert_eq!(reopened.state().head(), self.world.state().head());
        Given { world: self.world }
    }

    /// The fact that was recorded.
    #[track_caller]
    pub fn fact(&self) -> &Fact {
        match &self.outcome {
            Ok(outcome) => &outcome.fact,
            Err(problem) => panic!("refused: {problem}"),
        }
    }

    /// The ledger goes on.
    pub fn given(self) -> Given {
        Given { world: self.world }
    }
}

/// The last statement posts an amount to a party for a period; for nothing posted, say `0`.
pub fn posted(to: &str, of: &str, money: &str) -> Expectation {
    let (to, period, money) = (Id::parse(to).expect("a party id"), period(of), amount(money));
    Expectation(Box::new(move |when| {
        let statements = when.world.agreement().statements();
        let (_, last) = statements.last_key_value().expect("there is a statement");
        let entry = last.statement.entries.iter().find(|entry| entry.period == period);
        let share = entry.and_then(|entry| entry.shares.iter().find(|(id, _)| *id == to));
        let found = share.map_or(Amount::ZERO, |(_, amount)| *amount);
        assert_eq!(found, money, "posted to {to} for {period}");
    }))
}

/// What all statements together booked for a party and period.
pub fn booked(to: &str, of: &str, money: &str) -> Expectation {
    let (to, period, money) = (Id::parse(to).expect("a party id"), period(of), amount(money));
    Expectation(Box::new(move |when| {
        let booked = when.world.agreement().booked(period);
        let found = booked.shares.iter().find(|(id, _)| *id == to).map(|(_, amount)| *amount);
        assert_eq!(found, Some(money), "booked to {to} for {period}");
    }))
}

/// What may be paid out to a party now.
pub fn payable(to: &str, money: &str) -> Expectation {
    let (to, money) = (Id::parse(to).expect("a party id"), amount(money));
    Expectation(Box::new(move |when| {
        assert_eq!(when.world.agreement().payable(&to), Ok(money), "payable to {to}");
    }))
}
