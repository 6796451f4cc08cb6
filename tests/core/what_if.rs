//! What if: the log replayed without an event, with another report, or under other terms.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ledger_core::command::Command;
use ledger_core::dispute::Attachment;
use ledger_core::dispute::Claim;
use ledger_core::dispute::ClaimAcceptance;
use ledger_core::dispute::Determination;
use ledger_core::dispute::DisputeStep;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Response;
use ledger_core::dispute::Target;
use ledger_core::event::ContributionEnd;
use ledger_core::event::Event;
use ledger_core::event::Fact;
use ledger_core::event::Lines;
use ledger_core::evolve::statement::rate_until;
use ledger_core::settlement::Offer;
use ledger_core::usage::LineBlock;
use ledger_core::usage::UsageSums;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Text;
use ledger_core::vocab::Timestamp;
use ledger_core::what_if::Answer;
use ledger_core::what_if::Question;
use ledger_core::what_if::ask;
use proptest::prelude::any;
use revshare_kit::Clock;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::facts;
use revshare_kit::random::lines_for;
use revshare_kit::random::lines_plan;
use revshare_kit::random::opened;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::signer;
use revshare_kit::two_parties;
use revshare_kit::world::version;

use crate::runs::holds;

const SHARE: &str = "share = { meta = \"0.15\" }";

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

fn amount(text: &str) -> Option<Amount> {
    Some(Amount::parse(text).expect("an amount"))
}

/// January (record 2) stated and paid, then corrected (6), and February (7) with its statement.
fn corrected() -> World {
    let (host, owner) = (party("acme-cloud"), party("meta"));
    Given::ledger(two_parties(SHARE))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .and(host.sends("meta", "150.00", "2026-02-10", "R1"))
        .and(owner.confirms("R1", "2026-02-12"))
        .corrected("2026-01", lines!["2026-01-05" => "800.00"])
        .reported("2026-02", lines!["2026-02-05" => "400.00"])
        .stated("2026-02")
        .and(owner.accepts_statement("2026-02"))
        .and(host.acknowledges())
        .into_world()
}

fn event(world: &World, seq: u64) -> EventId {
    facts(world)[seq as usize].id
}

fn without(world: &World, seqs: &[u64]) -> Result<Answer, Problem> {
    let without = seqs.iter().map(|seq| event(world, *seq)).collect();
    ask(world.ledger().source(), &Question { without, ..Question::default() })
}

fn sums(world: &World, lines: Vec<Line>) -> UsageSums {
    let mut sums = UsageSums::default();
    let blocks = blocks(&lines, world.agreement().terms().currency, usize::MAX);
    blocks.iter().for_each(|block| block.add_to(&mut sums));
    sums
}

/// Real and assumed share of `meta` for a period.
fn share(answer: &Answer, of: &str) -> (Option<Amount>, Option<Amount>) {
    let found = answer.periods.iter().find(|one| one.period == period(of));
    let shares = &found.expect("the period is there").shares;
    (shares[0].real, shares[0].assumed)
}

fn refusals(answer: &Answer) -> Vec<(u64, Code)> {
    answer.refused.iter().map(|one| (one.event.seq.expect("a record"), one.why.code)).collect()
}

#[test]
fn nothing_asked_changes_nothing() {
    let world = corrected();
    let answer = ask(world.ledger().source(), &Question::default()).expect("an answer");
    assert!(answer.refused.is_empty());
    assert!(answer.periods.iter().all(|one| !one.differs()));
    assert_eq!(answer.payable[0].real, answer.payable[0].assumed);
    assert_eq!(answer.unstated[0].real, Some(Amount::ZERO));
    assert_eq!(answer.assumed.next_seq(), world.state().next_seq());
}

#[test]
fn without_a_correction_the_report_holds_again() {
    let world = corrected();
    let answer = without(&world, &[6]).expect("an answer");
    assert_eq!(refusals(&answer), []);
    assert_eq!(share(&answer, "2026-01"), (amount("120"), amount("150")));
    assert_eq!(share(&answer, "2026-02"), (amount("60"), amount("60")));
    assert_eq!(answer.totals[0].difference, amount("30"));
    // The statement of February would have posted no true-up.
    assert_eq!((answer.payable[0].real, answer.payable[0].assumed), (amount("30"), amount("60")));
    assert_eq!(answer.assumed.agreement().map(|known| known.statements().len()), Some(2));
}

#[test]
fn what_names_an_event_goes_with_it() {
    let world = corrected();
    let answer = without(&world, &[2]).expect("an answer");
    let expected = [
        (3, Code::PeriodNotReported),
        (4, Code::AbovePayable),
        (5, Code::UnknownEvent),
        (6, Code::UnknownEvent),
        (8, Code::StatementOrder),
        (9, Code::UnknownEvent),
    ];
    assert_eq!(refusals(&answer), expected);
    assert_eq!(
        answer.refused[2].why.message,
        "it names record 4, which would not have been admissible"
    );
    assert_eq!(answer.refused[3].why.message, "it names record 2, which is left out");
    assert_eq!(share(&answer, "2026-01"), (amount("120"), amount("0")));
    // Nothing is stated any more: all of it is what the next statements would post.
    assert_eq!(answer.payable[0].assumed, amount("0"));
    assert_eq!(answer.unstated[0].assumed, amount("60"));
}

#[test]
fn with_another_report_statements_say_something_else() {
    let world = corrected();
    let more = sums(&world, lines!["2026-01-05" => "2000.00"]);
    let replaced = BTreeMap::from([(event(&world, 2), more)]);
    let question = Question { replaced, until: Some(5), ..Question::default() };
    let answer = ask(world.ledger().source(), &question).expect("an answer");
    assert_eq!(refusals(&answer), []);
    assert_eq!(share(&answer, "2026-01"), (amount("150"), amount("300")));
    assert_eq!((answer.payable[0].real, answer.payable[0].assumed), (amount("0"), amount("150")));
    // A nil report in its place: the payout would have been above what is payable.
    let replaced = BTreeMap::from([(event(&world, 2), UsageSums::default())]);
    let question = Question { replaced, until: Some(5), ..Question::default() };
    let answer = ask(world.ledger().source(), &question).expect("an answer");
    assert_eq!(refusals(&answer), [(4, Code::AbovePayable), (5, Code::UnknownEvent)]);
}

#[test]
fn lines_that_the_terms_cannot_rate_are_not_admissible() {
    let world = corrected();
    let late = sums(&world, lines!["2026-03-05" => "2000.00"]);
    let replaced = BTreeMap::from([(event(&world, 7), late)]);
    let question = Question { replaced, ..Question::default() };
    let answer = ask(world.ledger().source(), &question).expect("an answer");
    let expected = [(7, Code::RowDay), (8, Code::PeriodNotReported), (9, Code::UnknownEvent)];
    assert_eq!(refusals(&answer), expected);
}

#[test]
fn what_a_payout_has_on_account_follows_from_the_facts() {
    let host = party("acme-cloud");
    let world = Given::ledger(two_parties(SHARE))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .and(host.sends_on_account("meta", "200.00", "2026-02-10", "R1"))
        .into_world();
    let replaced =
        BTreeMap::from([(event(&world, 2), sums(&world, lines!["2026-01-05" => "1200.00"]))]);
    let question = Question { replaced, ..Question::default() };
    let answer = ask(world.ledger().source(), &question).expect("an answer");
    assert_eq!(refusals(&answer), []);
    assert_eq!((answer.payable[0].real, answer.payable[0].assumed), (amount("-50"), amount("-20")));
}

#[test]
fn other_terms_are_what_an_amendment_would_make_them() {
    let mut world = corrected();
    let terms = || version(two_parties("share = { meta = \"0.20\" }").build());
    let from = Date::parse("2026-02-01").expect("a day");
    let question = Question { terms: Some((terms(), from)), ..Question::default() };
    let answer = ask(world.ledger().source(), &question).expect("an answer");
    assert_eq!(share(&answer, "2026-01"), (amount("120"), amount("120")));
    assert_eq!(share(&answer, "2026-02"), (amount("60"), amount("80")));
    assert_eq!(answer.payable[0].difference, amount("0"));
    assert_eq!(answer.unstated[0].assumed, amount("20"));
    // What a real amendment brings is the same.
    let reason = Text::default();
    let amendment =
        Command::ProposeAmendment { version: Box::new(terms()), effective_from: from, reason };
    let proposed = world.must("meta", amendment).fact.id;
    world.must("acme-cloud", Command::Accept(proposed));
    let rated = rate_until(world.agreement(), period("2026-02")).expect("ratings");
    for (rated, answer) in rated.iter().zip(&answer.periods) {
        assert_eq!(Some(rated.shares[0].amount), answer.shares[0].assumed);
    }
    // Without the proposal, its acceptance is not admissible and the old terms hold.
    let seq = world.state().event(&proposed).expect("it is on the log").0;
    let answer = without(&world, &[seq]).expect("an answer");
    assert_eq!(refusals(&answer), [(seq + 1, Code::UnknownEvent)]);
    assert_eq!(share(&answer, "2026-02"), (amount("80"), amount("60")));
    // Terms that could not be proposed cannot be assumed.
    let dear = version(two_parties("share = { meta = \"0.2\" }").ends_on("2026-02-01").build());
    let question = Question { terms: Some((dear, from)), ..Question::default() };
    let refused = ask(world.ledger().source(), &question).expect_err("they end before they begin");
    assert_eq!(refused.code, Code::AmendmentDates);
}

#[test]
fn what_cannot_be_rated_on_one_side_is_said() {
    let mut world = corrected();
    let (lines, eur) = (lines!["2026-02-05" => "100.00"], Currency::parse("EUR"));
    let blocks = blocks(&lines, eur.expect("a currency"), usize::MAX);
    let report = Command::ReportUsage { period: period("2026-02"), supplement: true, blocks };
    let supplement = world.must("acme-cloud", report).fact.id;
    let answer = ask(world.ledger().source(), &Question::default()).expect("an answer");
    assert_eq!(answer.unrated.map(|why| why.code), Some(Code::FxMissing));
    assert_eq!(answer.periods.len(), 1);
    let seq = world.state().event(&supplement).expect("it is on the log").0;
    let answer = without(&world, &[seq]).expect("an answer");
    assert!(answer.unrated_assumed.is_none());
    assert_eq!(share(&answer, "2026-02"), (None, amount("60")));
    assert_eq!(answer.totals[0].real, amount("120"));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let world = corrected();
    let code = |question: Question| {
        ask(world.ledger().source(), &question).expect_err("it is refused").code
    };
    assert_eq!(without(&world, &[0]).expect_err("no ledger is left").code, Code::WhatIf);
    let nil = || UsageSums::default();
    let replaced = |seq| BTreeMap::from([(event(&world, seq), nil())]);
    assert_eq!(code(Question { replaced: replaced(3), ..Question::default() }), Code::WhatIf);
    let stranger = EventId::from_bytes([9; 32]);
    let left_out = |id| Question { without: BTreeSet::from([id]), ..Question::default() };
    assert_eq!(code(left_out(stranger)), Code::WhatIf);
    let early = Question { until: Some(5), ..left_out(event(&world, 6)) };
    assert_eq!(code(early), Code::WhatIf);
    let both = Question { replaced: replaced(2), ..left_out(event(&world, 2)) };
    assert_eq!(code(both), Code::WhatIf);
    // Without an acceptance of the ledger nothing that follows is admissible.
    let answer = without(&world, &[1]).expect("an answer");
    assert!(answer.refused.iter().all(|one| one.why.code != Code::WhatIf));
    assert_eq!(answer.refused.first().map(|one| one.why.code), Some(Code::NotAccepted));
}

/// A claim, to be said again on another ledger.
fn claim_again(claim: &Claim, ids: &BTreeMap<EventId, EventId>) -> Option<Claim> {
    Some(match claim {
        Claim::Report { replaces, lines } => {
            Claim::Report { replaces: *ids.get(replaces)?, lines: lines.clone() }
        }
        other => other.clone(),
    })
}

fn outcome_again(outcome: &Outcome, ids: &BTreeMap<EventId, EventId>) -> Option<Outcome> {
    Some(match outcome {
        Outcome::Other(claim) => Outcome::Other(claim_again(claim, ids)?),
        other => other.clone(),
    })
}

/// What a party said, to be said again on another ledger. `ids` has the ids of the events there.
fn again(
    fact: &Fact,
    (ledger, ids): (LedgerId, &BTreeMap<EventId, EventId>),
    lines: Vec<LineBlock>,
) -> Option<Command> {
    let id = |id: &EventId| ids.get(id).copied();
    Some(match &fact.event {
        Event::UsageReported(report) => Command::ReportUsage {
            period: report.period,
            supplement: report.supplement,
            blocks: lines,
        },
        Event::UsageCorrected(correction) => Command::CorrectUsage {
            corrects: id(&correction.corrects)?,
            reason: correction.reason.clone(),
            blocks: lines,
        },
        Event::UsageMissing(period) => Command::NoteMissing(*period),
        Event::StatementIssued(issued) => Command::IssueStatement(issued.period),
        Event::StatementAccepted(statement) => Command::AcceptStatement(id(statement)?),
        Event::PayoutSent(payout) => Command::SendPayout {
            to: payout.to.clone(),
            amount: payout.amount,
            on_account: !payout.on_account.is_zero(),
            sent_on: payout.sent_on,
            reference: payout.reference.clone(),
        },
        Event::PayoutConfirmed(receipt) => Command::ConfirmPayout {
            payout: id(&receipt.payout)?,
            received_on: receipt.received_on,
        },
        Event::PayoutReturned(returned) => {
            let payout = id(&returned.payout)?;
            Command::ReturnPayout { payout, reason: returned.reason.clone() }
        }
        Event::Accepted(acceptance) => Command::Accept(id(&acceptance.event)?),
        Event::AmendmentProposed(amendment) => Command::ProposeAmendment {
            version: Box::new(amendment.version.clone()),
            effective_from: amendment.effective_from,
            reason: amendment.reason.clone(),
        },
        Event::ProposalRejected(closing) => {
            let proposal = id(&closing.proposal)?;
            Command::RejectProposal { proposal, reason: closing.reason.clone() }
        }
        Event::ProposalWithdrawn(closing) => {
            let proposal = id(&closing.proposal)?;
            Command::WithdrawProposal { proposal, reason: closing.reason.clone() }
        }
        Event::RateProposed(rate) => Command::ProposeRate(rate.clone()),
        Event::ContributionClaimed(claim) => Command::ClaimContribution(claim.clone()),
        Event::ContributionEnded(end) => {
            let claim = id(&end.claim)?;
            Command::EndContribution(ContributionEnd { claim, ..end.clone() })
        }
        Event::AdvancePaid(advance) => Command::PayAdvance(advance.clone()),
        Event::DisputeOpened(said) => {
            let target = match &said.target {
                Target::Statement(of) => Target::Statement(id(of)?),
                Target::Report(of) => Target::Report(id(of)?),
                Target::Payout(of) => Target::Payout(id(of)?),
                clause => clause.clone(),
            };
            let reopens = match &said.reopens {
                Some(of) => Some(id(of)?),
                None => None,
            };
            let claim = claim_again(&said.claim, ids)?;
            Command::OpenDispute(Box::new(Opening { target, claim, reopens, ..(**said).clone() }))
        }
        Event::DisputeResponded(said) => {
            Command::RespondToDispute(Response { dispute: id(&said.dispute)?, ..said.clone() })
        }
        Event::DisputeAccepted(said) => {
            Command::AcceptClaim(ClaimAcceptance { dispute: id(&said.dispute)?, ..*said })
        }
        Event::DisputeSettled(said) => {
            let outcome = outcome_again(&said.outcome, ids)?;
            let agreed = (outcome, said.note.clone());
            let mut offer = Offer::new(ledger, id(&said.dispute)?, agreed).ok()?;
            for one in &said.signatures {
                offer.sign(&one.party, &signer(one.party.as_str()));
            }
            Command::SettleDispute(Box::new(offer.settlement))
        }
        Event::DisputeEscalated(said) => {
            Command::EscalateDispute(DisputeStep { dispute: id(&said.dispute)?, ..said.clone() })
        }
        Event::DisputeDetermined(said) => Command::DetermineDispute(Box::new(Determination {
            dispute: id(&said.dispute)?,
            outcome: outcome_again(&said.outcome, ids)?,
            ..(**said).clone()
        })),
        Event::DisputeWithdrawn(said) => {
            Command::WithdrawDispute(DisputeStep { dispute: id(&said.dispute)?, ..said.clone() })
        }
        Event::EvidenceAttached(said) => {
            Command::AttachEvidence(Attachment { about: id(&said.about)?, ..said.clone() })
        }
        Event::EvidenceErased(said) => Command::EraseEvidence(said.clone()),
        Event::LedgerOpened(_) | Event::UsagePart(_) | Event::Acknowledged(_) => return None,
    })
}

/// The ledger `other`, on which the same was said, but for one event, or with other lines in its
/// place; and the records that it refused. `None` if something would be a repeat there, which is a
/// rule of what is recorded and not of what may be on a log.
fn said_again(
    world: &World,
    mut other: World,
    (gone, instead): (EventId, Option<&[LineBlock]>),
) -> Option<(World, Vec<u64>)> {
    let opening = world.agreement().opening().0;
    let (mut refused, mut parts) = (Vec::new(), Vec::new());
    let mut ids = BTreeMap::from([(opening, other.agreement().opening().0)]);
    for fact in facts(world) {
        let lines = match &fact.event {
            Event::UsagePart(part) => {
                parts.push(part.block.clone());
                continue;
            }
            Event::UsageReported(report) => Some(&report.lines),
            Event::UsageCorrected(correction) => Some(&correction.lines),
            _ => None,
        };
        let mut lines = match lines {
            Some(Lines::Inline(block)) => vec![block.clone()],
            Some(Lines::Parts(_)) => std::mem::take(&mut parts),
            Some(Lines::Nil) | None => Vec::new(),
        };
        let is_apart = match &fact.event {
            Event::LedgerOpened(_) | Event::Acknowledged(_) => true,
            Event::Accepted(acceptance) => acceptance.event == opening,
            _ => false,
        };
        if is_apart || (fact.id == gone && instead.is_none()) {
            continue;
        }
        if let Some(instead) = instead.filter(|_| fact.id == gone) {
            lines = instead.to_vec();
        }
        let before = Timestamp::from_micros(fact.recorded_at.micros() - 1_000_000);
        *other.clock() = Clock::at(&before.expect("a time").to_string());
        let party = fact.author.party.as_str();
        match again(&fact, (other.agreement().ledger(), &ids), lines)
            .map(|command| other.submit(party, command))
        {
            Some(Ok(outcome)) => {
                ids.insert(fact.id, outcome.fact.id);
            }
            Some(Err(why)) if why.code == Code::Repeat => return None,
            Some(Err(_)) | None => refused.push(fact.seq),
        }
    }
    Some((other, refused))
}

/// The assumed side is the ledger on which nobody ever said what is left out: period by period,
/// account by account, refusal by refusal. So is that with other lines in the place of a report's.
#[test]
fn a_what_if_is_the_ledger_that_never_had_the_event() {
    let given = (plan(4..20), lines_plan(0..6), any::<bool>(), any::<u16>());
    holds(150, given, |(plan, lines, replaces, pick)| {
        let world = play(&plan);
        let facts = facts(&world);
        let opening = world.agreement().opening().0;
        let is_there = |fact: &&Fact| match &fact.event {
            Event::LedgerOpened(_) | Event::UsagePart(_) => false,
            Event::UsageReported(_) | Event::UsageCorrected(_) => true,
            Event::Accepted(acceptance) => !replaces && acceptance.event != opening,
            _ => !replaces,
        };
        let candidates: Vec<&Fact> = facts.iter().filter(is_there).collect();
        let Some(gone) = candidates.get(usize::from(pick) % candidates.len().max(1)) else {
            return;
        };
        let agreement = world.agreement();
        let report = agreement.report(&gone.id).filter(|_| replaces);
        let lines = report.map(|report| {
            let lines = lines_for(&world, report.period, &lines);
            blocks(&lines, agreement.terms().currency, usize::MAX)
        });
        let mut question = Question::default();
        match &lines {
            Some(blocks) => {
                let mut sums = UsageSums::default();
                blocks.iter().for_each(|block| block.add_to(&mut sums));
                question.replaced.insert(gone.id, sums);
            }
            None => {
                question.without.insert(gone.id);
            }
        }
        let answer = ask(world.ledger().source(), &question).expect("an answer");
        let other = opened(&plan.terms);
        let Some((other, refused)) = said_again(&world, other, (gone.id, lines.as_deref())) else {
            return;
        };
        let named: Vec<u64> = answer.refused.iter().filter_map(|one| one.event.seq).collect();
        assert_eq!(named, refused, "{:?}", answer.refused);
        for one in &answer.payable {
            assert_eq!(one.assumed, other.agreement().payable(&one.party).ok());
        }
        let known = answer.periods.iter().filter(|one| one.base_assumed.is_some());
        let Some(last) = known.clone().next_back() else { return };
        let rated = rate_until(other.agreement(), last.period).expect("what can be rated");
        assert_eq!(rated.len(), known.clone().count());
        for (rated, answer) in rated.iter().zip(known) {
            assert_eq!(Some(rated.base_rounded), answer.base_assumed);
            let of = |party: &Id| rated.share(party).map(|share| share.amount);
            for one in &answer.shares {
                let assumed = one.assumed.filter(|_| of(&one.party).is_some());
                assert_eq!(assumed, of(&one.party), "{} of {}", one.party, answer.period);
            }
        }
        for statement in other.agreement().statements().values() {
            let booked = other.agreement().booked(statement.statement.period);
            let assumed = answer.assumed.agreement().expect("an agreement");
            assert_eq!(booked, assumed.booked(statement.statement.period));
        }
    });
}
