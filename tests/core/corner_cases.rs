//! A small ledger of what a reader of the documents is likely to get wrong, each case once, and
//! reports that break a rule which only whole logs show.

use ledger_core::chain;
use ledger_core::chain::Place;
use ledger_core::event::Author;
use ledger_core::event::Event;
use ledger_core::event::Lines;
use ledger_core::event::PartsIndex;
use ledger_core::event::UsageReport;
use ledger_core::view::balances::balances;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Digest;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::RecordHash;
use ledger_core::vocab::digest::Domain;
use ledger_core::wire::event::seal;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::disputes::as_claimed;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::random::facts;
use revshare_kit::signer;
use revshare_kit::two_parties;

use crate::damage::frames;
use crate::reference::agree;

/// Quarters of half a year; a whole tier over the year or the quarter; a guarantee over the year.
fn terms(over: &str) -> TermsBuilder {
    let tiers = format!(
        "tiers = {{ by = \"tokens\", over = \"{over}\", kind = \"whole\" }}\n\
         steps = [ {{ up_to = \"10\", share = {{ a-lab = \"0.1\" }}, \
         per_unit = {{ meta = \"10\" }} }}, \
         {{ share = {{ a-lab = \"0.1\" }}, per_unit = {{ meta = \"5\" }} }} ]"
    );
    TermsBuilder::new("USD", "2026-01-01")
        .period("quarter")
        .ends_on("2026-07-01")
        .meter("tokens")
        .party("meta", "owner")
        .party("a-lab", "beneficiary")
        .party("acme-cloud", "collector")
        .rule("all", &tiers)
        .clause(
            "[[exclusivity]]\nid = \"api-only\"\nwhen = { channel = [\"api\"] }\n\
             from = 2026-04-01\nadd = { a-lab = \"0.01\" }\n\
             [[minimum]]\nto = \"a-lab\"\namount = \"100\"\nover = \"year\"\n\
             [payment]\nlate_interest = { rate = \"0.0365\" }",
        )
}

/// The ledger. What each step shows is said where it stands.
pub fn corner_cases() -> World {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let tokens = |day: &str, quantity: &str| Line::new(day, "0").meter("tokens", quantity);
    // `channel` is known because a condition of an exclusivity names it; the exclusivity is not in
    // force in the first quarter, and holds for no line of it. Euros come to zero, and are listed.
    let first = vec![
        Line::new("2026-01-10", "200").meter("tokens", "8").with("channel", "web"),
        Line::new("2026-02-01", "5").in_currency("EUR"),
        Line::new("2026-02-02", "-5").in_currency("EUR"),
    ];
    // The tier counts over the year until 15 May, and over the quarter from 16 May on.
    let second = vec![
        tokens("2026-05-10", "4"),
        tokens("2026-05-20", "5"),
        Line::new("2026-06-01", "100").with("channel", "api"),
    ];
    let given = Given::ledger(terms("year"))
        .and(host.reports_in_blocks("2026-Q1", first, 2, false))
        .converted("EUR", "1.1", "2026-Q1")
        .stated("2026-Q1")
        // A claim of 0 for a payout in transit is a claim: it counts nothing yet.
        .and(host.sends("meta", "10", "2026-04-20", "wire 1"))
        .and(meta.disputes_payout("wire 1", "meta", "0"))
        .and(host.settles(as_claimed(), &["meta"]))
        // 80 settle the first quarter, 30 are credit and settle the second.
        .and(host.sends_on_account("meta", "110", "2026-04-21", "wire 2"))
        .and(meta.confirms("wire 2", "2026-04-22"))
        .amended(terms("period"), "2026-05-16")
        .reported("2026-Q2", second)
        .stated("2026-Q2");
    given
        // Nothing came: 80 are open again, and the credit is −30.
        .and(meta.disputes_payout("wire 2", "meta", "0"))
        .and(host.settles(as_claimed(), &["meta"]))
        .and(host.proposes_rate("GBP", "1.3", "2026-Q2"))
        // Of 100, 30 fill the credit and 70 settle the first quarter, late.
        .and(host.sends("meta", "100", "2026-08-28", "wire 3"))
        .and(host.sends("meta", "5", "2026-08-29", "wire 4"))
        .and(meta.confirms("wire 3", "2026-08-28"))
        .and(meta.returns("wire 4", "the account was closed"))
        // After the agreement, the last quarter of the contract year has no guarantee.
        .stated("2026-Q3")
        .stated("2026-Q4")
        .and(meta.acknowledges())
        .into_world()
}

fn amount(text: &str) -> Amount {
    Amount::parse(text).expect("an amount")
}

/// The amounts of the ledger are those that were worked by hand from the documents, and the
/// reference comes to them.
#[test]
fn corner_cases_come_to_what_was_worked_by_hand() {
    let world = corner_cases();
    agree(&world);
    let agreement = world.agreement();
    let booked = |of: &str, to: &str| {
        let booked = agreement.booked(Period::parse(of).expect("a period"));
        let share = booked.shares.iter().find(|(id, _)| id.as_str() == to);
        share.map_or(Amount::ZERO, |(_, amount)| *amount)
    };
    // 8 units at 10.
    assert_eq!(booked("2026-Q1", "meta"), amount("80"));
    // The old text closes at 8 + 4 = 12 of the year: 12 × 5 − 80 = −20. The new one begins at 4 of
    // the quarter and ends at 9: 5 × 10 = 50.
    assert_eq!(booked("2026-Q2", "meta"), amount("30"));
    assert_eq!(booked("2026-Q1", "a-lab"), amount("20"));
    // 100 × 0.11 = 11. Guaranteed are 100 × 181 / 365 = 49.59, and 31 were got: 18.59 more.
    assert_eq!(booked("2026-Q2", "a-lab"), amount("29.59"));
    for of in ["2026-Q3", "2026-Q4"] {
        assert_eq!((booked(of, "meta"), booked(of, "a-lab")), (Amount::ZERO, Amount::ZERO));
    }
    let meta = Id::parse("meta").expect("an id");
    // Due on 30 April, received 120 days later: 70 × 0.0365 × 120 / 365 = 0.84.
    assert_eq!(agreement.account(&meta).interest, amount("0.84"));
    let queue = agreement.queue(&meta).expect("it has items");
    assert_eq!(queue.credit(), Amount::ZERO);
    let open: Vec<Amount> = queue.items().iter().map(|item| item.open).collect();
    assert_eq!(open, [amount("10"), amount("0.84")]);
    assert_eq!(agreement.payable(&meta), Ok(amount("10.84")));
}

/// What is open (`schemas/balances.schema.json`) is what a payout in transit would leave, and with
/// open interest it is payable and held together, less the credit that is left.
#[test]
fn what_is_open_is_what_payouts_in_transit_leave() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = two_parties("share = { meta = \"0.1\" }")
        .clause("[payment]\nlate_interest = { rate = \"0.0365\" }");
    let world = Given::ledger(terms)
        .reported("2026-01", lines!["2026-01-05" => "1000"])
        .stated("2026-01")
        .and(host.sends("meta", "50", "2026-03-12", "wire 1"))
        .and(meta.confirms("wire 1", "2026-03-12"))
        .reported("2026-02", lines!["2026-02-05" => "200"])
        .stated("2026-02")
        .and(host.sends("meta", "60", "2026-03-20", "wire 2"))
        .and(meta.disputes_statement("2026-02", &[("meta", "25")]))
        .into_world();
    let all = balances(world.agreement()).expect("sums in bounds");
    let [meta] = &all.beneficiaries[..] else { panic!("one beneficiary") };
    // 100 and 20 are booked. 50 were received 10 days late: 50 × 0.0365 × 10 / 365 = 0.05. Of the 60
    // in transit, 50 would settle January, and 10 of February's 20.
    assert_eq!(
        meta.periods.iter().map(|one| one.open).collect::<Vec<_>>(),
        ["0", "10"].map(amount)
    );
    assert_eq!(meta.open_interest, amount("0.05"));
    let open = meta.periods.iter().map(|one| one.open).chain([meta.open_interest]);
    let open = open.fold(Amount::ZERO, |sum, one| sum.checked_add(one).expect("small amounts"));
    assert_eq!(meta.payable.plus(meta.held), Ok(open));
}

/// The segments of a ledger whose last record says something else, correctly signed.
fn ending_with(world: &World, event: Event) -> Vec<Vec<u8>> {
    let (ledger, facts) = (world.agreement().ledger(), facts(world));
    let last = facts.last().expect("the ledger has records");
    let before = facts.iter().rev().nth(1).map_or(RecordHash::default(), |fact| fact.hash);
    let key = signer("acme-cloud");
    let author = Author {
        party: Id::parse("acme-cloud").expect("an id"),
        key: key.public().expect("a key that is not weak"),
    };
    let sealed = seal(ledger, &author, [7; 16], event).expect("it has bytes");
    let place = Place {
        ledger,
        seq: last.seq,
        previous: before,
        recorded_at: last.recorded_at,
        level: world.agreement().opened_at(),
    };
    let mut log = world.segments();
    let segment = log.last_mut().expect("a segment");
    let (start, _) = frames(segment).pop().expect("a record");
    segment.truncate(start);
    segment.extend(chain::write(place, &author, &sealed, &key).0);
    log
}

/// Reports that are wrong, each alone on its log: name, what is wrong, segments.
pub fn bad_reports() -> Vec<(&'static str, &'static str, Vec<Vec<u8>>)> {
    let host = party("acme-cloud");
    let usage = vec![
        Line::new("2026-01-05", "5").in_currency("EUR"),
        Line::new("2026-01-06", "-5").in_currency("EUR"),
        Line::new("2026-01-07", "1"),
    ];
    let terms = two_parties("share = { meta = \"0.15\" }");
    let world =
        Given::ledger(terms).and(host.reports_in_blocks("2026-01", usage, 2, false)).into_world();
    let period = Period::parse("2026-01").expect("a period");
    let report = |lines| Event::UsageReported(UsageReport { period, supplement: false, lines });
    let index = facts(&world).into_iter().find_map(|fact| match fact.event {
        Event::UsageReported(UsageReport { lines: Lines::Parts(index), .. }) => Some(index),
        _ => None,
    });
    let index = index.expect("a report in parts");
    assert_eq!(index.gross.len(), 2, "euros come to zero, and are listed");
    let dollars = index.gross.iter().filter(|(_, gross)| !gross.is_zero()).copied().collect();
    let without = Lines::Parts(PartsIndex { gross: dollars, ..index.clone() });
    let nil = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .and(host.reports("2026-01", vec![]))
        .into_world();
    let no_parts = Lines::Parts(PartsIndex {
        parts: vec![],
        lines: 0,
        digest: Digest(*Domain::Lines.hasher().finalize().as_bytes()),
        gross: vec![],
    });
    let of_channel = vec![Line::new("2026-01-05", "1").with("channel", "web")];
    let currency = nil.agreement().terms().currency;
    let block = blocks(&of_channel, currency, 1).pop().expect("a block");
    vec![
        (
            "parts-currency-missing",
            "a report in parts leaves out the gross of a currency, which is zero",
            ending_with(&world, report(without)),
        ),
        ("parts-none", "a report in parts names no part", ending_with(&nil, report(no_parts))),
        (
            "attribute-unknown",
            "a line has an attribute that no clause of the terms names",
            ending_with(&nil, report(Lines::Inline(block))),
        ),
    ]
}
