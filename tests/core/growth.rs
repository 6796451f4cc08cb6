//! What checking a log costs as it grows: kinds of events are said n times and 4n times, and
//! judging the longer log may not cost much more than four times as much.
//!
//! What is counted is the processor time of this thread, the least of several runs: a cost that
//! grows with the square is sixteen times as much, and twice four is the bound.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use ledger_core::event::Fact;
use ledger_core::event::Kind;
use ledger_core::evolve::evolve;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::State;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::two_parties;

/// How often each is said at first, and then four times as often.
const COUNT: usize = 150;

fn terms(share: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{share}\" }}"))
        .party("expert", "arbiter")
        .party("checker", "auditor")
        .clause("[[contribution]]\nid = \"tuning\"\nby = \"meta\"\nadd = { meta = \"0.05\" }")
        .clause("[[advance]]\nto = \"meta\"")
        .clause(
            "[windows]\ndispute = { response_days = 10, on_silence = \"escalate\", \
             escalate_after_days = 20 }",
        )
}

/// A month of the agreement, from 0.
fn month(number: usize) -> String {
    format!("{}-{:02}", 2026 + number / 12, number % 12 + 1)
}

/// A ledger with so many stated months.
fn stated(months: usize) -> Given {
    let mut given = Given::ledger(terms("0.15"));
    for number in 0..months {
        let of = month(number);
        given = given.reported(&of, vec![Line::new(&format!("{of}-05"), "100")]).stated(&of);
    }
    given
}

/// A story that says something so often.
type Story = fn(usize) -> Given;

fn missing(count: usize) -> Given {
    let mut given = Given::ledger(terms("0.15")).after_days(200);
    for number in 0..count {
        given = given.and(party("meta").notes_missing(&month(number))).after_days(31);
    }
    given
}

fn supplements(count: usize) -> Given {
    let mut given = Given::ledger(terms("0.15")).reported("2026-01", lines!["2026-01-05" => "1"]);
    for number in 0..count {
        let more = vec![Line::new("2026-01-06", &format!("{number}.5"))];
        given = given.and(party("acme-cloud").supplements("2026-01", more));
    }
    given
}

fn corrections(count: usize) -> Given {
    let mut given = Given::ledger(terms("0.15")).reported("2026-01", lines!["2026-01-05" => "1"]);
    for number in 0..count {
        given = given.corrected("2026-01", vec![Line::new("2026-01-06", &format!("{number}.5"))]);
    }
    given
}

fn parts(count: usize) -> Given {
    let lines = (0..count + 2).map(|number| Line::new("2026-01-06", &format!("{number}.5")));
    let lines = lines.collect();
    Given::ledger(terms("0.15"))
        .and(party("acme-cloud").reports_in_blocks("2026-01", lines, 1, false))
}

fn payouts(count: usize) -> Given {
    let (host, meta, checker) = (party("acme-cloud"), party("meta"), party("checker"));
    let mut given = stated(1);
    for number in 0..count {
        given = given.and(host.sends("meta", "0.01", "2026-02-20", &format!("wire {number}")));
    }
    for _ in 0..count {
        given = given.and(checker.acknowledges());
    }
    for number in 0..count {
        let reference = format!("wire {number}");
        given = given.and(match number % 2 {
            0 => meta.confirms(&reference, "2026-02-22"),
            _ => meta.returns(&reference, "the account was closed"),
        });
    }
    given
}

fn proposals(count: usize) -> Given {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let mut given = stated(1);
    for number in 0..count {
        given = given.and(host.proposes_rate("EUR", "1.1", &month(number)));
        given = given.and(match number % 3 {
            0 => meta.rejects_proposal(),
            1 => host.withdraws_proposal(),
            _ => meta.accepts_proposal(),
        });
        let share = format!("0.{:03}", number % 700 + 200);
        given = given.and(host.proposes(terms(&share), "2040-01-01"));
        given = given.and(meta.rejects_proposal());
    }
    given
}

fn evidence(count: usize) -> Given {
    let meta = party("meta");
    let mut given = stated(1).and(meta.disputes_statement("2026-01", &[("meta", "20")]));
    for number in 0..count {
        let file = format!("file {number}");
        given = given.and(meta.attaches(&file)).and(meta.erases(&file));
    }
    given
}

const STORIES: [(&str, Story); 7] = [
    ("missing", missing),
    ("supplements", supplements),
    ("corrections", corrections),
    ("parts", parts),
    ("payouts", payouts),
    ("proposals", proposals),
    ("evidence", evidence),
];

/// The story in which a kind of event is said often: a new kind needs one. `None` for those that
/// still cost more the more there were before.
fn story_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Accepted | Kind::AmendmentProposed | Kind::RateProposed => Some("proposals"),
        Kind::ProposalRejected | Kind::ProposalWithdrawn => Some("proposals"),
        Kind::UsagePart => Some("parts"),
        Kind::UsageReported => Some("supplements"),
        Kind::UsageCorrected => Some("corrections"),
        Kind::UsageMissing => Some("missing"),
        Kind::PayoutSent | Kind::PayoutConfirmed | Kind::PayoutReturned => Some("payouts"),
        Kind::Acknowledged => Some("payouts"),
        Kind::EvidenceAttached | Kind::EvidenceErased => Some("evidence"),
        // Said once.
        Kind::LedgerOpened => None,
        // The state root is over all stated periods, and every rating is compared.
        Kind::StatementIssued | Kind::StatementAccepted => None,
        // Every advance, contribution and dispute is gone through for the next one.
        Kind::AdvancePaid | Kind::ContributionClaimed | Kind::ContributionEnded => None,
        Kind::DisputeOpened | Kind::DisputeResponded | Kind::DisputeAccepted => None,
        Kind::DisputeSettled | Kind::DisputeEscalated | Kind::DisputeDetermined => None,
        Kind::DisputeWithdrawn => None,
    }
}

/// Every fact of a ledger.
fn facts(given: Given) -> Vec<Fact> {
    let world = given.into_world();
    let mut facts = Vec::new();
    replay(world.ledger().source(), None, Signatures::Trusted, &mut |_, fact, _| {
        facts.push(fact.clone());
    })
    .expect("a ledger that was just written");
    facts
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    let nanos = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanos.expect("nanoseconds"))
}

/// What judging facts costs, at the least.
fn cost(facts: &[Fact]) -> Duration {
    let once = || {
        let before = processor_time();
        let mut state = State::default();
        for fact in facts {
            evolve(&mut state, fact).expect("it was recorded");
        }
        processor_time() - before
    };
    (0..3).map(|_| once()).min().expect("several runs")
}

#[test]
fn an_event_costs_the_same_however_many_there_are() {
    let mut said = BTreeSet::new();
    let mut slow = Vec::new();
    for (name, story) in STORIES {
        let (few, many) = (facts(story(COUNT)), facts(story(4 * COUNT)));
        said.extend(many.iter().map(|fact| (name, fact.event.kind())));
        let (small, large) = (cost(&few), cost(&many));
        println!("{name}: {small:?} for {}, {large:?} for {}", few.len(), many.len());
        // The system counts in steps of 4 ms.
        if large > small.max(Duration::from_millis(5)) * 8 {
            slow.push(format!("{name}: {small:?}, then {large:?}"));
        }
    }
    assert!(slow.is_empty(), "four times as many cost more than eight times: {slow:#?}");
    for (kind, story) in Kind::ALL.into_iter().filter_map(|kind| Some((kind, story_of(kind)?))) {
        assert!(said.contains(&(story, kind)), "{kind:?} is said in its story");
    }
}
