//! What a stranger's log may not say, where no wish could make the ledger write it: records out of
//! their place, of another format level, and reports whose parts do not belong together.

use ledger_core::event::Author;
use ledger_core::event::Event;
use ledger_core::event::Fact;
use ledger_core::event::Lines;
use ledger_core::event::PartsIndex;
use ledger_core::evolve::evolve;
use ledger_core::evolve::usage::outside_period;
use ledger_core::state::State;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::RecordHash;
use revshare_kit::Given;
use revshare_kit::World;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::public_key;
use revshare_kit::random::facts;
use revshare_kit::two_parties;

/// Records 0 and 1 open the ledger; 2 reports, 3 states and 4 pays January; 5 and 6 are the parts of
/// February's report, which 7 closes.
fn known() -> World {
    let host = party("acme-cloud");
    let three = lines!["2026-02-05" => "1.00", "2026-02-06" => "2.00", "2026-02-07" => "3.00"];
    Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "600.00"])
        .stated("2026-01")
        .and(host.sends("meta", "90.00", "2026-02-20", "wire 1"))
        .and(host.reports_in_blocks("2026-02", three, 2, false))
        .into_world()
}

/// The code with which the ledger refuses a record that says something else than it did; none if it
/// takes it.
#[track_caller]
fn refusal(world: &World, seq: usize, change: impl FnOnce(&mut Fact)) -> Option<Problem> {
    let mut facts = facts(world);
    let mut state = State::default();
    for fact in &facts[..seq] {
        evolve(&mut state, fact).expect("it was recorded");
    }
    change(&mut facts[seq]);
    let head = state.head();
    let refusal = evolve(&mut state, &facts[seq]).err();
    assert_eq!(state.head() == head, refusal.is_some(), "what is refused changes nothing");
    refusal
}

#[track_caller]
fn refused(world: &World, seq: usize, code: Code, change: impl FnOnce(&mut Fact)) {
    let refusal = refusal(world, seq, change);
    assert_eq!(refusal.map(|problem| problem.code), Some(code));
}

#[test]
fn a_record_has_its_place() {
    let world = known();
    let all = facts(&world);
    let before = &all[0];
    for seq in 2..8 {
        assert_eq!(refusal(&world, seq, |_| {}), None, "record {seq} as it is");
        refused(&world, seq, Code::RecordLink, |fact| fact.seq += 1);
        refused(&world, seq, Code::RecordLink, |fact| fact.previous = RecordHash::default());
        refused(&world, seq, Code::TimeBackwards, |fact| fact.recorded_at = before.recorded_at);
        let same = all[seq - 1].recorded_at;
        assert_eq!(refusal(&world, seq, |fact| fact.recorded_at = same), None, "no time passed");
        refused(&world, seq, Code::EventTwice, |fact| fact.id = before.id);
    }
}

/// Every record names the level that its ledger was opened with, and its event is of the version of
/// that level.
#[test]
fn a_record_has_the_level_of_its_ledger() {
    let world = known();
    for seq in 1..8 {
        refused(&world, seq, Code::FormatLevel, |fact| fact.level = Level::One);
    }
    refused(&world, 3, Code::FormatLevel, |fact| {
        let Event::StatementIssued(statement) = &mut fact.event else { panic!("a statement") };
        statement.level = Level::One;
    });
    refused(&world, 4, Code::FormatLevel, |fact| {
        let Event::PayoutSent(payout) = &mut fact.event else { panic!("a payout") };
        payout.level = Level::One;
    });
}

fn index(fact: &mut Fact) -> &mut PartsIndex {
    match &mut fact.event {
        Event::UsageReported(report) => match &mut report.lines {
            Lines::Parts(index) => index,
            other => panic!("a report in parts, not {other:?}"),
        },
        other => panic!("a report, not {other:?}"),
    }
}

/// Parts come from the collector, in order, and the event that closes them names them, with what
/// they come to.
#[test]
fn parts_belong_together() {
    let world = known();
    let owner = Author { party: Id::parse("meta").expect("an id"), key: public_key("meta") };
    for part in [5, 6] {
        refused(&world, part, Code::NotEntitled, |fact| fact.author = owner.clone());
        refused(&world, part, Code::PartsBroken, |fact| {
            let Event::UsagePart(part) = &mut fact.event else { panic!("a part") };
            part.index += 1;
        });
    }
    refused(&world, 7, Code::PartsBroken, |fact| fact.author = owner.clone());
    refused(&world, 7, Code::PartsBroken, |fact| index(fact).parts.reverse());
    refused(&world, 7, Code::PartsBroken, |fact| index(fact).parts.truncate(1));
    refused(&world, 7, Code::PartsBroken, |fact| {
        index(fact).parts.push(EventId::from_bytes([9; 32]));
    });
    refused(&world, 7, Code::PartsBroken, |fact| index(fact).digest = Digest([9; 32]));
    refused(&world, 7, Code::PartsBroken, |fact| index(fact).lines += 1);
    refused(&world, 7, Code::PartsBroken, |fact| index(fact).gross[0].1 = Amount::from_whole(7));
    // An event that closes no parts stands where none are open.
    refused(&world, 5, Code::PartsBroken, |fact| {
        fact.event = facts(&world)[7].event.clone();
        index(fact).parts.clear();
    });
}

/// A refusal says who may say a thing, and as what the author was known.
#[test]
fn a_refusal_names_the_role_of_its_author() {
    let terms = two_parties("share = { meta = \"0.15\" }")
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .party("checker", "auditor");
    let world = Given::ledger(terms).reported("2026-01", vec![]).into_world();
    // The owner of the ledger alone notes a report as missing, the collector alone reports.
    for (id, role) in [
        ("meta", "meta is an owner; only the collector may say this"),
        ("a-lab", "a-lab is a beneficiary; only the collector may say this"),
        ("expert", "expert is an arbiter; only the collector may say this"),
        ("checker", "checker is an auditor; only the collector may say this"),
    ] {
        let author = Author { party: Id::parse(id).expect("an id"), key: public_key(id) };
        let last = facts(&world).len() - 1;
        let problem = refusal(&world, last, |fact| fact.author = author).expect("it is refused");
        assert_eq!((problem.code, &*problem.message), (Code::NotEntitled, role));
    }
}

/// The refusal of a day says whether the agreement, too, has an end in the period.
#[test]
fn a_day_outside_says_what_it_is_outside_of() {
    let message = |starts_on: &str, ends_on: &str| {
        let terms = revshare_kit::TermsBuilder::new("USD", starts_on)
            .party("meta", "owner")
            .party("acme-cloud", "collector")
            .rule("everything", "share = { meta = \"1\" }")
            .ends_on(ends_on);
        let world = Given::ledger(terms).into_world();
        let march = Period::parse("2026-03").expect("a period");
        outside_period(world.agreement().versions(), march, "2026-02-11").message
    };
    let of_period = "the day 2026-02-11 is not in 2026-03";
    let of_both = "the day 2026-02-11 is not in 2026-03 and the agreement";
    assert_eq!(message("2026-03-01", "2026-04-01"), of_period);
    assert_eq!(message("2026-03-02", "2026-04-01"), of_both);
    assert_eq!(message("2026-03-01", "2026-03-31"), of_both);
}
