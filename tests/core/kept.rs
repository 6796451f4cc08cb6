//! What the state keeps of work that was done, so that it is not done again: it is there, it is what
//! would come out again, and it goes when something moves it.

use ledger_core::event::Event;
use ledger_core::event::Lines;
use ledger_core::evolve::statement::rate_until;
use ledger_core::evolve::sums_of;
use ledger_core::rating::PeriodRating;
use ledger_core::usage::LineBlock;
use ledger_core::usage::UsageSums;
use ledger_core::vocab::Period;
use revshare_kit::Given;
use revshare_kit::World;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::facts;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::two_parties;

use crate::runs::holds;

fn kept(world: &World) -> Vec<PeriodRating> {
    world.agreement().rated().ratings().cloned().collect()
}

fn rated_until(world: &World, period: &str) -> Vec<PeriodRating> {
    let period = Period::parse(period).expect("a period");
    rate_until(world.agreement(), period).expect("it can be rated")
}

/// Periods that are stated are rated once; a correction lets go of its period and of all later ones,
/// and the next statement rates them again.
#[test]
fn stated_periods_stay_rated() {
    let host = party("acme-cloud");
    let begun = || {
        Given::ledger(two_parties("share = { meta = \"0.15\" }"))
            .reported("2026-01", lines!["2026-01-05" => "100"])
            .reported("2026-02", lines!["2026-02-05" => "200"])
            .reported("2026-03", lines!["2026-03-05" => "300"])
            .stated("2026-01")
    };
    let world = begun().into_world();
    assert_eq!(kept(&world), rated_until(&world, "2026-01"));
    let three = || begun().stated("2026-02").stated("2026-03");
    let world = three().into_world();
    assert_eq!(kept(&world), rated_until(&world, "2026-03"));
    assert_eq!(world.agreement().rated().periods(), 3);
    assert_eq!(format!("{:?}", world.agreement().rated()), "Rated");
    let correction = || host.corrects("2026-02", "a day late", lines!["2026-02-05" => "250"]);
    let world = three().and(correction()).into_world();
    assert_eq!(kept(&world), rated_until(&world, "2026-01"), "what stands before stays");
    let given = three().and(correction()).reported("2026-04", lines!["2026-04-05" => "400"]);
    let world = given.stated("2026-04").into_world();
    assert_eq!(kept(&world), rated_until(&world, "2026-04"));
    assert_eq!(world.agreement().rated().periods(), 4);
}

fn block(event: &Event) -> Option<&LineBlock> {
    let lines = match event {
        Event::UsagePart(part) => return Some(&part.block),
        Event::UsageReported(report) => &report.lines,
        Event::UsageCorrected(correction) => &correction.lines,
        _ => return None,
    };
    match lines {
        Lines::Inline(block) => Some(block),
        _ => None,
    }
}

/// The sums of an event are those of the lines that it holds itself.
#[test]
fn events_are_summed_before_they_are_applied() {
    holds(60, plan(6..20), |plan| {
        for fact in facts(&play(&plan)) {
            let expected = block(&fact.event).map(|block| {
                let mut sums = UsageSums::default();
                block.add_to(&mut sums);
                sums
            });
            assert_eq!(sums_of(&fact.event), expected);
            if let Some((sums, block)) = expected.zip(block(&fact.event)) {
                assert_eq!(sums.lines(), block.lines() as u64);
                assert!(sums.lines() > 0);
            }
        }
    });
    let lines = lines!["2026-01-05" => "1", "2026-01-06" => "2"];
    let given = Given::ledger(two_parties("share = { meta = \"0.15\" }"));
    let mut with_lines = 0;
    let parts =
        given.and(party("acme-cloud").reports_in_blocks("2026-01", lines, 1, false)).into_world();
    for fact in facts(&parts) {
        if let Event::UsagePart(part) = &fact.event {
            let sums = sums_of(&fact.event).expect("a part has lines");
            assert_eq!(sums.lines(), part.block.lines() as u64);
            with_lines += 1;
        }
    }
    assert_eq!(with_lines, 2);
}
