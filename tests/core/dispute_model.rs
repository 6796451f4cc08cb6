//! Random disputes beside a model that was written from `docs/calculation.md`, step 15, with whole
//! numbers of cents: what is booked, settled in two rounds, in transit, paid, held and payable.
//!
//! The terms are so simple that the model knows what every report and every claim comes to: a flat
//! tenth for meta and a twentieth for a-lab of reports in steps of twenty dollars, without interest.

use std::collections::BTreeMap;

use ledger_core::command::Command;
use ledger_core::dispute::Claim;
use ledger_core::dispute::ClaimAcceptance;
use ledger_core::dispute::DisputeStep;
use ledger_core::dispute::Ground;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Target;
use ledger_core::settlement::Offer;
use ledger_core::vocab::Amount;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::strategy::Strategy;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::signer;
use revshare_kit::two_parties;

use crate::reference::agree;
use crate::runs::holds;

const PARTIES: [&str; 2] = ["a-lab", "meta"];
/// Cents for each of twenty dollars reported.
const SHARES: [i128; 2] = [100, 200];

type Per<K> = BTreeMap<K, i128>;

/// A payout of the model.
#[derive(Clone, Debug)]
struct Sent {
    to: usize,
    amount: i128,
    on_account: i128,
    in_transit: bool,
    /// What it counts: none in transit.
    counts: Option<i128>,
    /// What it settled, by period, in that order.
    pieces: Vec<(usize, i128)>,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Figures(Per<usize>),
    Lines(i128),
    Payout(usize, i128),
}

#[derive(Clone, Debug)]
struct Disputed {
    period: Option<usize>,
    claim: What,
    lines: Vec<usize>,
    by: usize,
    /// 0 open, 1 resolved and not posted, 2 over, 3 withdrawn.
    status: u8,
    figures: Per<usize>,
}

/// What is owed to a party.
#[derive(Clone, Debug, Default)]
struct Owed {
    /// Open shares, by period.
    open: Per<usize>,
    credit: i128,
}

#[derive(Clone, Debug, Default)]
struct Model {
    /// Twenties reported per period, and whether a dispute adopted them.
    reported: Vec<(i128, bool)>,
    stated: usize,
    booked: Per<(usize, usize)>,
    adopted: Per<(usize, usize)>,
    owed: [Owed; 2],
    payouts: Vec<Sent>,
    disputes: Vec<Disputed>,
}

impl Owed {
    /// Two rounds: in the first, of each period only what leaves open what is held.
    fn settle(&mut self, credit: i128, held_back: &Per<usize>) -> Vec<(usize, i128)> {
        self.credit += credit;
        let mut pieces = Vec::new();
        for round in 0..2 {
            for (period, open) in &mut self.open {
                let keep = if round == 0 { held_back.get(period).copied().unwrap_or(0) } else { 0 };
                let part = (*open - keep.min(*open)).min(self.credit.max(0));
                if part > 0 {
                    *open -= part;
                    self.credit -= part;
                    pieces.push((*period, part));
                }
            }
        }
        pieces
    }
}

impl Model {
    /// What a party gets for a period by the facts.
    fn amount(&self, period: usize, party: usize) -> i128 {
        let by_lines = self.reported[period].0 * SHARES[party];
        self.adopted.get(&(period, party)).copied().unwrap_or(by_lines)
    }

    fn held_back(&self, party: usize) -> Per<usize> {
        let mut last = Per::new();
        for one in self.disputes.iter().filter(|one| one.status < 2) {
            if let (Some(period), Some(figure)) = (one.period, one.figures.get(&party)) {
                let booked = self.booked.get(&(period, party)).copied().unwrap_or(0);
                last.insert(period, (booked - figure).max(0));
            }
        }
        last
    }

    fn in_transit(&self, party: usize) -> i128 {
        let sent = self.payouts.iter().filter(|one| one.to == party && one.in_transit);
        sent.map(|one| one.amount).sum()
    }

    fn held(&self, party: usize) -> i128 {
        let held_back = self.held_back(party);
        let mut owed = self.owed[party].clone();
        owed.settle(self.in_transit(party), &held_back);
        let of_periods: i128 = held_back
            .iter()
            .map(|(period, most)| *most.min(&owed.open.get(period).copied().unwrap_or(0)))
            .sum();
        let mut of_payouts = 0;
        for one in self.disputes.iter().filter(|one| one.status == 0) {
            if let What::Payout(payout, figure) = &one.claim {
                let sent = &self.payouts[*payout];
                if sent.to == party {
                    of_payouts += (figure - sent.counts.unwrap_or(sent.amount)).max(0);
                }
            }
        }
        let unpaid: i128 = owed.open.values().sum();
        of_periods + of_payouts.min(unpaid - of_periods)
    }

    /// Booked, paid, on account, in transit.
    fn account(&self, party: usize) -> [i128; 4] {
        let booked = self.booked.iter().filter(|((_, to), _)| *to == party);
        let (mut paid, mut on_account) = (0, 0);
        for sent in self.payouts.iter().filter(|one| one.to == party) {
            if let (Some(counts), false) = (sent.counts, sent.in_transit) {
                let credit = (sent.on_account - (sent.amount - counts)).max(0);
                on_account += credit;
                paid += counts - credit;
            }
        }
        [booked.map(|(_, sum)| sum).sum(), paid, on_account, self.in_transit(party)]
    }

    fn payable(&self, party: usize) -> i128 {
        let [booked, paid, on_account, in_transit] = self.account(party);
        booked - paid - on_account - in_transit - self.held(party)
    }

    fn state(&mut self) {
        self.stated += 1;
        let mut entries = Vec::new();
        for period in 0..self.stated {
            for party in 0..2 {
                let booked = self.booked.get(&(period, party)).copied().unwrap_or(0);
                entries.push((period, party, self.amount(period, party) - booked));
            }
        }
        for (period, party, by) in &entries {
            *self.booked.entry((*period, *party)).or_default() += by;
        }
        for one in &mut self.disputes {
            if one.status == 1 {
                one.status = 2;
                one.figures.clear();
            }
        }
        for party in 0..2 {
            let held_back = self.held_back(party);
            let mut credit = 0;
            for (period, _, by) in entries.iter().filter(|(_, to, _)| *to == party) {
                match *by {
                    by if by > 0 => *self.owed[party].open.entry(*period).or_default() += by,
                    by => credit -= by,
                }
            }
            self.owed[party].settle(credit, &held_back);
        }
    }

    fn count(&mut self, payout: usize, figure: i128) {
        let sent = self.payouts[payout].clone();
        let before = sent.counts.unwrap_or(0);
        let held_back = self.held_back(sent.to);
        let owed = &mut self.owed[sent.to];
        let mut pieces = sent.pieces;
        if figure >= before {
            pieces.extend(owed.settle(figure - before, &held_back));
        } else {
            let mut missing = before - figure;
            let of_credit = missing.min(owed.credit.max(0));
            owed.credit -= of_credit;
            missing -= of_credit;
            while missing > 0 {
                let Some((period, part)) = pieces.pop() else { break };
                let back = part.min(missing);
                missing -= back;
                *owed.open.entry(period).or_default() += back;
                if back < part {
                    pieces.push((period, part - back));
                }
            }
            owed.credit -= missing;
        }
        let sent = &mut self.payouts[payout];
        (sent.pieces, sent.in_transit, sent.counts) = (pieces, false, Some(figure));
    }

    /// A dispute is resolved with a claim, its own or another, or with nothing.
    fn resolve(&mut self, at: usize, adopted: Option<What>) {
        let lines = self.disputes[at].lines.clone();
        self.disputes[at].status = 1;
        self.disputes[at].figures.clear();
        let Some(adopted) = adopted else { return };
        let period = self.disputes[at].period;
        if let (Some(period), false) = (period, matches!(adopted, What::Payout(..))) {
            self.adopted.retain(|(of, party), _| *of != period || !lines.contains(party));
            match adopted {
                What::Figures(figures) => {
                    for (party, figure) in figures {
                        self.adopted.insert((period, party), figure);
                    }
                }
                What::Lines(twenties) => self.reported[period] = (twenties, true),
                What::Payout(..) => {}
            }
            let figures = lines.iter().map(|party| (*party, self.amount(period, *party)));
            self.disputes[at].figures = figures.collect();
        } else if let What::Payout(payout, figure) = adopted {
            self.count(payout, figure);
        }
    }
}

fn cents(sum: i128) -> Amount {
    Amount::normalised(sum, 2).expect("an amount")
}

fn month(number: usize) -> Period {
    let mut period = Period::parse("2026-01").expect("a period");
    for _ in 0..number {
        period = period.next().expect("a next period");
    }
    period
}

fn party(at: usize) -> Id {
    Id::parse(PARTIES[at]).expect("an id")
}

/// A ledger and its model, event ids of both.
struct Both {
    world: World,
    model: Model,
    payouts: Vec<EventId>,
    disputes: Vec<EventId>,
}

const HOST: &str = "acme-cloud";

impl Both {
    fn lines(&self, period: usize, twenties: i128) -> Vec<ledger_core::usage::LineBlock> {
        let gross = cents(twenties * 2_000).to_string();
        let line = Line::new(&month(period).first_day().to_string(), &gross);
        blocks(&[line], self.world.agreement().terms().currency, usize::MAX)
    }

    fn claim(&self, period: Option<usize>, what: &What) -> Claim {
        match what {
            What::Figures(figures) => {
                Claim::Figures(figures.iter().map(|(to, sum)| (party(*to), cents(*sum))).collect())
            }
            What::Lines(twenties) => {
                let period = period.expect("lines are of a period");
                let replaces = self.world.report_of(month(period)).expect("it is reported");
                Claim::Report { replaces, lines: self.lines(period, *twenties).pop() }
            }
            What::Payout(payout, figure) => {
                Claim::Figures(vec![(party(self.model.payouts[*payout].to), cents(*figure))])
            }
        }
    }

    fn says(&mut self, who: &str, command: Command) -> Option<EventId> {
        self.world.submit(who, command).ok().map(|outcome| outcome.fact.id)
    }

    /// One step; what the ledger refuses changes neither.
    fn step(&mut self, (kind, a, b, c): (u8, u8, u8, u16)) {
        let stated = self.model.stated;
        let text = |what: &str| Text::parse(what).expect("a text");
        let note = text(&format!("record {}", self.world.state().next_seq()));
        match kind {
            0 | 1 => {
                let twenties = i128::from(c % 50);
                let blocks = self.lines(stated, twenties);
                let report =
                    Command::ReportUsage { period: month(stated), supplement: false, blocks };
                self.says(HOST, report).expect("it can be reported");
                self.model.reported.push((twenties, false));
                self.says(HOST, Command::IssueStatement(month(stated))).expect("it is stated");
                self.model.state();
            }
            2 if stated > 0 => {
                let period = usize::from(a) % stated;
                let twenties = i128::from(c % 50);
                let corrects = self.world.report_of(month(period)).expect("it is reported");
                let blocks = self.lines(period, twenties);
                let command = Command::CorrectUsage { corrects, reason: note, blocks };
                if self.says(HOST, command).is_some() {
                    assert!(!self.model.reported[period].1, "adopted lines are corrected no more");
                    self.model.reported[period].0 = twenties;
                }
            }
            3 => {
                let to = usize::from(a % 2);
                let payable = self.model.payable(to);
                let amount = match b % 4 {
                    0 => payable,
                    1 => payable / 2,
                    2 => payable.max(0) + i128::from(c % 3_000),
                    _ => i128::from(c),
                };
                let command = Command::SendPayout {
                    to: party(to),
                    amount: cents(amount),
                    on_account: true,
                    sent_on: month(0).first_day(),
                    reference: note,
                };
                if let Some(id) = self.says(HOST, command) {
                    let on_account = (amount - payable.max(0)).max(0);
                    let sent = Sent {
                        to,
                        amount,
                        on_account,
                        in_transit: true,
                        counts: None,
                        pieces: vec![],
                    };
                    self.model.payouts.push(sent);
                    self.payouts.push(id);
                }
            }
            4 if !self.payouts.is_empty() => {
                let at = usize::from(a) % self.payouts.len();
                let (payout, to) = (self.payouts[at], self.model.payouts[at].to);
                let arrives = b % 4 > 0;
                let command = match arrives {
                    true => Command::ConfirmPayout { payout, received_on: month(0).first_day() },
                    false => Command::ReturnPayout { payout, reason: note },
                };
                if self.says(PARTIES[to], command).is_some() {
                    assert!(self.model.payouts[at].in_transit, "it is settled once");
                    let figure = if arrives { self.model.payouts[at].amount } else { 0 };
                    self.model.count(at, figure);
                }
            }
            5 | 6 if stated > 0 => self.opens((a, b, c)),
            7 | 8 => self.ends((a, b, c), note),
            _ => {}
        }
    }

    fn opens(&mut self, (a, b, c): (u8, u8, u16)) {
        let period = usize::from(a) % self.model.stated;
        let by_host = b & 1 == 0;
        let one = usize::from(b >> 1 & 1);
        let mut about = Some(period);
        let figure = |party: usize| {
            let booked = self.model.booked.get(&(period, party)).copied().unwrap_or(0);
            booked * i128::from(c % 130) / 100 + i128::from(c % 7)
        };
        let (claim, mut lines) = match b >> 2 & 3 {
            0 | 1 => {
                let both = by_host && c & 1 == 1;
                let lines: Vec<usize> = if both { vec![0, 1] } else { vec![one] };
                (What::Figures(lines.iter().map(|party| (*party, figure(*party))).collect()), lines)
            }
            2 => (What::Lines(i128::from(c % 50)), vec![]),
            _ if self.payouts.is_empty() => return,
            _ => {
                let at = usize::from(a) % self.payouts.len();
                let amount = self.model.payouts[at].amount;
                about = None;
                (
                    What::Payout(at, amount * i128::from(c % 101) / 100),
                    vec![self.model.payouts[at].to],
                )
            }
        };
        // The last resolved dispute about one of the lines has to be named.
        let resolved = |lines: &[usize]| {
            let same = |one: &Disputed| match (&one.claim, &claim) {
                (What::Payout(a, _), What::Payout(b, _)) => a == b,
                (What::Payout(..), _) | (_, What::Payout(..)) => false,
                _ => one.period == about && one.lines.iter().any(|party| lines.contains(party)),
            };
            let mut all = self.model.disputes.iter();
            all.rposition(|one| matches!(one.status, 1 | 2) && same(one))
        };
        let mut reopens = resolved(&lines);
        if let What::Lines(twenties) = &claim {
            let moved = |without: &[usize]| {
                let mut moved = Vec::new();
                for (party, share) in SHARES.iter().enumerate() {
                    let adopted = self.model.adopted.get(&(period, party));
                    let adopted = adopted.filter(|_| !without.contains(&party)).copied();
                    let with = adopted.unwrap_or(twenties * share);
                    if with != self.model.amount(period, party) {
                        moved.push(party);
                    }
                }
                moved
            };
            reopens = resolved(&[0, 1]);
            let without = reopens.map(|at| self.model.disputes[at].lines.clone());
            lines = moved(&without.unwrap_or_default());
            if reopens != resolved(&lines) {
                return;
            }
        }
        let target = match (&claim, about) {
            (What::Payout(at, _), _) => Target::Payout(self.payouts[*at]),
            (_, Some(period)) => {
                Target::Statement(self.world.agreement().statements()[&month(period)].id)
            }
            _ => return,
        };
        let opening = Opening {
            target,
            claim: self.claim(about, &claim),
            basis: Text::parse(&format!("record {}", self.world.state().next_seq())).expect("text"),
            evidence: vec![],
            ground: Some(Ground::ManifestError),
            reopens: reopens.map(|at| self.disputes[at]),
        };
        let author = if by_host || lines.is_empty() { HOST } else { PARTIES[lines[0]] };
        let Some(id) = self.says(author, Command::OpenDispute(Box::new(opening))) else { return };
        let figures = lines.iter().map(|party| match &claim {
            What::Figures(figures) => (*party, figures[party]),
            What::Lines(twenties) => (*party, twenties * SHARES[*party]),
            What::Payout(_, figure) => (*party, *figure),
        });
        let figures = figures.collect();
        let by = PARTIES.iter().position(|one| *one == author).unwrap_or(2);
        self.model.disputes.push(Disputed { period: about, claim, lines, by, status: 0, figures });
        self.disputes.push(id);
    }

    fn ends(&mut self, (a, b, c): (u8, u8, u16), note: Text) {
        let open: Vec<usize> =
            (0..self.disputes.len()).filter(|at| self.model.disputes[*at].status == 0).collect();
        let Some(at) = open.get(usize::from(a) % open.len().max(1)).copied() else { return };
        let (dispute, one) = (self.disputes[at], self.model.disputes[at].clone());
        let name = |by: usize| if by == 2 { HOST } else { PARTIES[by] };
        let mut respondents: Vec<usize> = one.lines.iter().copied().chain([2]).collect();
        respondents.retain(|party| *party != one.by);
        match b % 4 {
            0 => {
                let step = DisputeStep { dispute, reason: note };
                self.says(name(one.by), Command::WithdrawDispute(step)).expect("it is withdrawn");
                self.model.disputes[at].status = 3;
                self.model.disputes[at].figures.clear();
            }
            1 => {
                let mut last = None;
                for party in respondents {
                    let accept = ClaimAcceptance { dispute, by_default: false };
                    last = self.says(name(party), Command::AcceptClaim(accept));
                }
                if last.is_some() {
                    self.model.resolve(at, Some(one.claim));
                }
            }
            _ => {
                let other = match (&one.claim, c % 4) {
                    (_, 0) => None,
                    (What::Payout(payout, figure), _) => {
                        Some(What::Payout(*payout, figure * i128::from(c % 101) / 100))
                    }
                    (_, 1) => Some(What::Lines(i128::from(c % 50))),
                    _ => {
                        let some = one.lines.iter().filter(|party| c >> **party & 4 == 0);
                        let figures: Per<usize> =
                            some.map(|party| (*party, i128::from(c) * 3 - 50)).collect();
                        if figures.is_empty() {
                            return;
                        }
                        Some(What::Figures(figures))
                    }
                };
                let outcome = match &other {
                    None => Outcome::Stands,
                    Some(what) => Outcome::Other(self.claim(one.period, what)),
                };
                let ledger = self.world.agreement().ledger();
                let mut offer = Offer::new(ledger, dispute, (outcome, note)).expect("an offer");
                for party in &respondents {
                    let id = Id::parse(name(*party)).expect("an id");
                    offer.sign(&id, &signer(name(*party)));
                }
                let settled = Command::SettleDispute(Box::new(offer.settlement));
                if self.says(name(one.by), settled).is_some() {
                    self.model.resolve(at, other);
                }
            }
        }
    }

    fn compare(&self) {
        let agreement = self.world.agreement();
        for at in 0..2 {
            let (id, model) = (party(at), &self.model);
            let account = agreement.account(&id);
            let own = [account.booked, account.paid, account.on_account, account.in_transit];
            assert_eq!(own, model.account(at).map(cents), "booked, paid, on account, in transit");
            let (_, held) = agreement.held(&id).expect("in bounds");
            assert_eq!(held, cents(model.held(at)), "held from {id}: {model:?}");
            assert_eq!(agreement.payable(&id), Ok(cents(model.payable(at))), "payable to {id}");
            let queue = agreement.queue(&id).cloned().unwrap_or_default();
            assert_eq!(queue.credit(), cents(model.owed[at].credit), "credit of {id}");
            let unpaid: i128 = model.owed[at].open.values().sum();
            assert!((0..=unpaid).contains(&model.held(at)), "held is a part of what is unpaid");
            for period in 0..model.stated {
                let open = model.owed[at].open.get(&period).copied().unwrap_or(0);
                assert_eq!(queue.open_shares(month(period)), Ok(cents(open)), "open of {period}");
                let booked = model.booked[&(period, at)];
                assert_eq!(agreement.booked_to(month(period), &id), cents(booked));
            }
            // Money is conserved.
            let parts = own[1..].iter().chain([&account.recouped, &held]);
            let payable = agreement.payable(&id).expect("in bounds");
            let sum = Amount::total(parts.chain([&payable]).copied());
            assert_eq!(account.booked.plus(account.interest), sum);
        }
        for record in agreement.statements().values() {
            for entry in &record.statement.entries {
                let leg = entry.collector_leg().expect("a leg");
                let shares = entry.shares.iter().map(|(_, sum)| *sum);
                let sum = shares.fold(leg, |sum, one| sum.checked_add(one).expect("a sum"));
                assert!(sum.is_zero(), "legs add up to zero");
            }
        }
    }
}

/// After every event, ledger and model have the same.
#[test]
fn disputes_come_to_what_a_simple_model_says() {
    let step = (0..9u8, any::<u8>(), any::<u8>(), any::<u16>());
    let steps = vec(step, 10..50).prop_map(|mut steps| {
        steps.insert(0, (0, 0, 0, 40));
        steps
    });
    holds(400, steps, |steps| {
        let terms = two_parties("share = { meta = \"0.10\", a-lab = \"0.05\" }")
            .party("a-lab", "beneficiary");
        let mut both = Both {
            world: World::in_force(terms.build()),
            model: Model::default(),
            payouts: vec![],
            disputes: vec![],
        };
        for step in steps {
            both.step(step);
            both.compare();
        }
        agree(&both.world);
    });
}
