//! Examples of whole logs: what is admissible, what each record moves, and the logs of releases.

use std::fs;
use std::path::{Path, PathBuf};

use crate::worked::{day, exact, month, terms, to_owner};
use crate::writing::{Log, Payload, party, terms_bytes, with_keys};
use crate::*;

/// Terms of level 2 with the clauses that logs move.
fn sound_terms() -> Terms {
    let mut terms = with_keys(terms(Pay::Flat(to_owner("0.5"))));
    terms.minimum_payout = exact("10");
    let clauses = &mut terms.clauses;
    clauses.advances.insert("owner".into());
    clauses.withholding.insert("owner".into(), (exact("0.15"), true));
    clauses.late_interest.insert(day("2026-01-01"), exact("0.0730"));
    clauses.contributions.push(Contribution {
        id: "tuning".into(),
        by: "host".into(),
        conditions: Vec::new(),
        add: to_owner("-0.1"),
    });
    terms
}

/// The same terms with another share of the owner.
fn with_share(terms: &Terms, share: &str) -> Terms {
    let mut terms = terms.clone();
    terms.rules[0].pay = Pay::Flat(to_owner(share));
    terms
}

#[track_caller]
fn refused<T>(result: Result<T, String>, why: &str) {
    match result {
        Ok(_) => panic!("it is not refused: {why}"),
        Err(what) => assert!(what.contains(why), "refused because {what}, not {why}"),
    }
}

fn owner(log: &Log) -> Balance {
    let report = log.report();
    report.balances.into_iter().find(|balance| balance.party == "owner").expect("an owner")
}

/// The files below a folder with a name, sorted by path.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, name));
        } else if path.file_name().is_some_and(|own| own.to_string_lossy().ends_with(name)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every record of every log that a release wrote has the state root that it had then.
#[test]
fn released_logs_keep_their_state_roots() {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../logs");
    let expected = files(&logs, "expected.json");
    assert!(expected.len() >= 3, "there are released logs");
    for file in expected {
        let text = fs::read_to_string(&file).expect("what is expected");
        let after = text.split("\"state_root_after\": \"").skip(1);
        let mut roots = after.map(|rest| rest.split('"').next().expect("a root"));
        let folder = file.parent().expect("the folder of the log");
        let segments: Vec<Vec<u8>> =
            files(folder, ".seg").iter().map(|file| fs::read(file).expect("a segment")).collect();
        let mut frames = Frames::of(&segments);
        let mut ledger = None;
        let mut seq = 0;
        while replay_next(&mut frames, &mut ledger, seq).expect("a sound record") {
            let root = ledger.as_ref().expect("a ledger").state_root().expect("a state root");
            let root = root.map(|byte| format!("{byte:02x}")).concat();
            assert_eq!(roots.next(), Some(root.as_str()), "{} record {seq}", file.display());
            seq += 1;
        }
        assert_eq!(roots.next(), None, "{} has more records", file.display());
    }
}

#[test]
fn a_payout_that_came_late_earns_interest_that_the_next_statement_posts() {
    let mut log = Log::open(2, &sound_terms());
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-10", b"USD", "m", 100, 1)]).expect("reported");
    log.states(month(1)).expect("stated");
    // 50 are payable, due on 31 January + 30 days = 2 March. Tax: R(50 / 0.85) − 50 = 8.82 on top.
    refused(log.pays("owner", "50", ("0", false), "2026-03-10"), "tax");
    refused(log.pays("owner", "50", ("8.82", false), "2026-03-10"), "tax");
    let payout = log.pays("owner", "50", ("8.82", true), "2026-03-10").expect("sent");
    refused(log.receives("lab", payout, "2026-03-12"), "receiver");
    log.receives("owner", payout, "2026-03-12").expect("received");
    // 10 days at 7.3 %: 50 × 0.073 × 10 / 365 = 0.1.
    assert_eq!(log.ledger().pending_interest[0].amount, exact("0.1"));
    log.reports(month(2), &[]).expect("reported");
    log.states(month(2)).expect("stated");
    let balance = owner(&log);
    assert_eq!((balance.booked, balance.interest), (exact("50"), exact("0.1")));
    assert_eq!((balance.paid, balance.withheld), (exact("50"), exact("8.82")));
    assert_eq!(balance.payable, exact("0.1"));
    // 0.1 / 0.85 = 0.1176…: 0.02 on top; but payable is below the minimum payout of 10.
    refused(log.pays("owner", "0.1", ("0.02", true), "2026-03-31"), "minimum payout");
    // It is open as interest, due with February on 30 March, and earns none itself.
    let items = &log.ledger().accounts["owner"].queue.items;
    assert_eq!(items.len(), 1);
    assert!(items[0].is_interest && items[0].interest_from.is_none());
    assert_eq!((items[0].due, &items[0].open), (day("2026-03-30"), &exact("0.1")));
}

#[test]
fn advances_are_recouped_by_later_statements() {
    let mut log = Log::open(2, &sound_terms());
    refused(log.advances("lab", "40", "2026-01-02"), "do not permit");
    refused(log.advances("owner", "0.001", "2026-01-02"), "minor unit");
    let advance = log.advances("owner", "40", "2026-01-02").expect("paid");
    log.today = day("2026-02-01");
    let january = log.reports(month(1), &[("2026-01-10", b"USD", "m", 60, 1)]).expect("reported");
    refused(log.receives("owner", advance, "2026-01-01"), "before it was paid");
    log.receives("owner", advance, "2026-01-03").expect("received");
    log.states(month(1)).expect("stated");
    // 30 booked, all of it recouped.
    assert_eq!((owner(&log).recouped, owner(&log).payable), (exact("30"), exact("0")));
    log.reports(month(2), &[("2026-02-10", b"USD", "m", 50, 1)]).expect("reported");
    log.states(month(2)).expect("stated");
    // 25 booked, the 10 left recouped, 15 payable.
    assert_eq!((owner(&log).recouped, owner(&log).payable), (exact("40"), exact("15")));
    // January falls from 60 to 20 of gross: −20, all given back.
    log.corrects(january, &[("2026-01-10", b"USD", "m", 20, 1)]).expect("corrected");
    log.reports(month(3), &[]).expect("reported");
    log.states(month(3)).expect("stated");
    assert_eq!((owner(&log).recouped, owner(&log).payable), (exact("20"), exact("15")));
    assert_eq!(owner(&log).booked, exact("35"));
}

#[test]
fn an_amendment_reaches_into_stated_periods() {
    let opening = sound_terms();
    let mut log = Log::open(2, &opening);
    let report = [("2026-01-10", b"USD", "m", 100, 1), ("2026-01-20", b"USD", "m", 100, 1)];
    log.today = day("2026-02-01");
    log.reports(month(1), &report).expect("reported");
    log.states(month(1)).expect("stated");
    // A lab of its own comes in, and signs with its key from the new terms.
    let mut amended = with_share(&opening, "0.4");
    amended.parties.push(party("new-lab", Role::Beneficiary));
    let proposal = log.amends("lab", &amended, "2026-01-20").expect("proposed");
    log.accepts("host", proposal).expect("accepted");
    refused(log.accepts("host", proposal), "twice");
    refused(log.accepts("lab", proposal), "twice");
    refused(log.closes("owner", 15, proposal), "only the proposer");
    log.accepts("owner", proposal).expect("accepted");
    assert_eq!(log.ledger().facts.versions.len(), 1);
    log.accepts("new-lab", proposal).expect("accepted");
    assert_eq!(log.ledger().facts.versions.len(), 2);
    refused(log.closes("host", 14, proposal), "was accepted");
    log.reports(month(2), &[]).expect("reported");
    let ledger = log.ledger();
    let entries = ledger.entries(month(2)).expect("entries");
    // January: 50 + 40 − 100 = −10 for the owner, because of the amendment.
    assert_eq!(entries[0].shares["owner"], exact("-10"));
    assert_eq!(entries[0].shares["new-lab"], exact("0"));
    assert_eq!(entries[0].causes, [proposal]);
    log.states(month(2)).expect("stated");
    assert_eq!(owner(&log).booked, exact("90"));
}

#[test]
fn amendments_that_are_refused() {
    let opening = sound_terms();
    let mut log = Log::open(2, &opening);
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-20", b"USD", "m", 100, 1)]).expect("reported");
    let other = with_share(&opening, "0.4");
    let from = "2026-01-10";
    refused(log.amends("owner", &opening, "2026-01-01"), "changes nothing");
    refused(log.amends("owner", &other, "2025-12-31"), "before the start");
    let ended = Terms { ends_on: Some(day("2026-01-20")), ..other.clone() };
    refused(log.amends("owner", &ended, from), "cover the day");
    refused(log.amends("owner", &ended, "2026-01-20"), "after the end");
    let carried = Terms { carry: true, ..other.clone() };
    refused(log.amends("owner", &carried, from), "rounding");
    log.amends("owner", &carried, "2026-02-01").expect("at the first day of a period");
    let moved = Terms { starts_on: day("2026-01-02"), ..other.clone() };
    refused(log.amends("owner", &moved, from), "changes start");
    let mut exchanged = other.clone();
    exchanged.parties[0].role = Role::Beneficiary;
    refused(log.amends("owner", &exchanged, from), "key or role");
    let mut known = other.clone();
    known.parties.push(Party { id: "twin".into(), ..known.parties[0].clone() });
    known.parties.remove(0);
    known.rules[0].pay = Pay::Flat(PerParty::new());
    known.clauses = Clauses::none();
    refused(log.amends("owner", &known, from), "to a new party");
    let mut narrow = other.clone();
    narrow.rules[0].conditions = vec![("model".into(), vec!["x".into()])];
    refused(log.amends("owner", &narrow, from), "matches no rule");
    log.amends("owner", &narrow, "2026-01-21").expect("complete from a later day on");
    let mut priced = other.clone();
    priced.clauses.priced = true;
    priced.clauses.prices.push(Price {
        meter: "units".into(),
        conditions: Vec::new(),
        unit: exact("1"),
        price: exact("2"),
        currency: *b"USD",
        from: day("2026-01-21"),
    });
    refused(log.amends("owner", &priced, from), "without a price");
}

#[test]
fn proposals_lapse_by_age_and_by_other_terms() {
    let opening = sound_terms();
    let mut log = Log::open(2, &opening);
    let rate = log.converts("owner", b"EUR", "1.1", month(1)).expect("proposed");
    let old = log.amends("owner", &with_share(&opening, "0.4"), "2026-01-10").expect("proposed");
    // 90 days after 1 January is 1 April; a day later it is too late.
    log.today = day("2026-04-01");
    log.accepts("lab", rate).expect("on the last day");
    log.today = day("2026-04-02");
    refused(log.accepts("host", rate), "too old");
    refused(log.closes("host", 14, rate), "too old");
    let [one, two] = ["0.3", "0.2"].map(|share| {
        log.amends("owner", &with_share(&opening, share), "2026-01-10").expect("proposed")
    });
    for party in ["host", "lab"] {
        log.accepts(party, two).expect("accepted");
    }
    refused(log.accepts("host", one), "other terms");
    refused(log.accepts("host", old), "other terms");
    // Too old is judged by the next event: it still is among those that wait.
    assert_eq!(log.ledger().waiting().keys().collect::<Vec<_>>(), [&rate]);
}

#[test]
fn foreign_lines_need_a_rate_before_a_statement() {
    let mut log = Log::open(2, &sound_terms());
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-10", b"EUR", "m", 100, 1)]).expect("reported");
    refused(log.states(month(1)), "no conversion rate of EUR for period 2026/1");
    refused(log.converts("host", b"USD", "1.1", month(1)), "settlement currency");
    refused(log.converts("host", b"EUR", "0", month(1)), "not above 0");
    refused(log.converts("host", b"EUR", "1000000.1", month(1)), "not above 0");
    let first = log.converts("host", b"EUR", "1.1", month(1)).expect("proposed");
    let second = log.converts("owner", b"EUR", "1.2", month(1)).expect("proposed");
    for (party, proposal) in [("lab", first), ("lab", second), ("host", second)] {
        log.accepts(party, proposal).expect("accepted");
    }
    log.states(month(1)).expect("stated");
    // 100 × 1.2 × 0.5 = 60. Then the rate proposed first is accepted last, and holds: 55.
    assert_eq!(owner(&log).booked, exact("60"));
    log.accepts("owner", first).expect("accepted");
    log.reports(month(2), &[]).expect("reported");
    let entries = log.ledger().entries(month(2)).expect("entries");
    assert_eq!((&entries[0].base, &entries[0].shares["owner"]), (&exact("-10"), &exact("-5")));
    assert_eq!(entries[0].causes, [first]);
    assert_eq!(entries[0].rates, [(*b"EUR", exact("1.1"), first)]);
    log.states(month(2)).expect("stated");
}

#[test]
fn a_contribution_counts_from_its_first_day_to_its_end() {
    let mut log = Log::open(2, &sound_terms());
    refused(log.claims("owner", "tuning", "2026-01-01", None), "another party");
    refused(log.claims("host", "turning", "2026-01-01", None), "no such contribution");
    refused(log.claims("host", "tuning", "2026-01-05", Some("2026-01-05")), "before it begins");
    log.today = day("2026-02-01");
    let lines = [("2026-01-10", b"USD", "m", 100, 1), ("2026-01-20", b"USD", "m", 100, 1)];
    log.reports(month(1), &lines).expect("reported");
    log.states(month(1)).expect("stated");
    let claim = log.claims("host", "tuning", "2026-01-05", None).expect("claimed");
    let end = |on: &str| Payload::default().hash(claim).on(on).text("done").bytes();
    refused(log.says("host", 18, 1, end("2026-01-15")), "no contribution is open");
    for party in ["owner", "lab"] {
        log.accepts(party, claim).expect("accepted");
    }
    log.reports(month(2), &[]).expect("reported");
    log.states(month(2)).expect("stated");
    // 0.4 instead of 0.5 on both lines: 80 of 100.
    assert_eq!(owner(&log).booked, exact("80"));
    refused(log.says("owner", 18, 1, end("2026-01-15")), "only the claimant");
    refused(log.says("host", 18, 1, end("2026-01-04")), "outside its interval");
    let ended = log.says("host", 18, 1, end("2026-01-15")).expect("ended");
    log.reports(month(3), &[]).expect("reported");
    let entries = log.ledger().entries(month(3)).expect("entries");
    // The line of the 20th has 0.5 again.
    assert_eq!(entries[0].shares["owner"], exact("10"));
    assert_eq!(entries[0].causes, [ended]);
    log.states(month(3)).expect("stated");
}

#[test]
fn a_ledger_of_level_1_comes_to_level_2_by_an_amendment() {
    let opening = Terms { clauses: Clauses::none(), ..sound_terms() };
    let mut log = Log::open(1, &opening);
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-10", b"USD", "m", 100, 1)]).expect("reported");
    log.states(month(1)).expect("stated, version 1");
    refused(log.states_in(month(2), 2), "another version");
    refused(log.converts("owner", b"EUR", "1.1", month(1)), "does not have this kind");
    refused(log.reports(month(2), &[("2026-02-01", b"EUR", "m", 1, 1)]), "settlement currency");
    refused(log.pays("owner", "50", ("0", false), "2026-02-01"), "another version");
    // The same terms in the form of level 2 are other bytes, and so a change.
    let proposal = log.amends("owner", &sound_terms(), "2026-02-01").expect("proposed");
    assert_eq!(log.report().level, 1);
    for party in ["host", "lab"] {
        log.accepts(party, proposal).expect("accepted");
    }
    assert_eq!(log.report().level, 2);
    log.reports(month(2), &[("2026-02-10", b"USD", "m", 10, 1)]).expect("reported");
    refused(log.states_in(month(2), 1), "another version");
    log.states(month(2)).expect("stated, version 2");
    assert_eq!(owner(&log).payable, exact("55"));
    // Items of level 1 are open, too: January is due on 2 March, and 3 days late on the 5th. The
    // terms of that day pay 7.3 %: 50 × 0.073 × 3 / 365 = 0.03.
    let payout = log.pays("owner", "50", ("8.82", true), "2026-03-04").expect("sent");
    log.receives("owner", payout, "2026-03-05").expect("received");
    assert_eq!(log.ledger().pending_interest[0].amount, exact("0.03"));
}

/// Terms of level 2, changed and read back.
fn read_back(change: impl Fn(&mut Terms)) -> Result<Terms, String> {
    let mut terms = sound_terms();
    change(&mut terms);
    read_terms(&terms_bytes(&terms, 2), 2)
}

fn exclusivity(id: &str, model: &str, points: &str) -> Exclusivity {
    Exclusivity {
        id: id.into(),
        conditions: vec![("model".into(), vec![model.into()])],
        from: day("2026-01-01"),
        to: Some(day("2026-02-01")),
        add: to_owner(points),
    }
}

fn clause(to: &str, amount: &str, window: Window) -> Clause {
    Clause { to: to.into(), amount: exact(amount), window }
}

fn split(of: &str, parts: &[(&str, &str)]) -> Split {
    let parts = parts.iter().map(|(to, weight)| (to.to_string(), exact(weight)));
    Split { of: of.into(), parts: parts.collect() }
}

fn price(unit: &str, price: &str) -> Price {
    Price {
        meter: "units".into(),
        conditions: vec![("model".into(), vec!["m*".into()])],
        unit: exact(unit),
        price: exact(price),
        currency: *b"EUR",
        from: day("2026-01-01"),
    }
}

#[test]
fn every_clause_is_read_back() {
    let terms = read_back(|terms| {
        terms.ends_on = Some(day("2027-01-01"));
        let clauses = &mut terms.clauses;
        clauses.priced = true;
        clauses.price_tolerance = exact("0.01");
        clauses.prices.push(price("1000", "0.72"));
        clauses.exclusivities.push(exclusivity("search", "m", "0.03"));
        clauses.minimums.push(clause("owner", "1000", Window::Lifetime));
        clauses.caps.push(clause("lab", "0.5", Window::Year));
        clauses.splits.push(split("owner", &[("owner", "0.8"), ("lab", "0.2")]));
        clauses.proposal_lapse_days = 7;
    });
    let terms = terms.expect("sound terms");
    let again = read_terms(&terms_bytes(&terms, 2), 2).expect("the same terms");
    assert_eq!(terms_bytes(&terms, 2), terms_bytes(&again, 2));
    let clauses = &again.clauses;
    assert_eq!(clauses.prices[0].price, exact("0.72"));
    assert_eq!(clauses.exclusivities[0].add, to_owner("0.03"));
    assert_eq!(clauses.minimums[0].window, Window::Lifetime);
    assert_eq!(clauses.caps[0].amount, exact("0.5"));
    assert_eq!(clauses.splits[0].parts[1], ("lab".into(), exact("0.2")));
    assert_eq!(clauses.withholding["owner"], (exact("0.15"), true));
    assert_eq!(again.late_interest(day("2026-05-01")), exact("0.073"));
    assert_eq!(clauses.proposal_lapse_days, 7);
}

#[test]
fn clauses_that_are_refused() {
    let clauses = |change: fn(&mut Clauses)| read_back(|terms| change(&mut terms.clauses));
    refused(clauses(|c| c.price_tolerance = exact("0.1")), "tolerance");
    refused(clauses(|c| c.priced = true), "without a price");
    refused(clauses(|c| c.prices.push(price("0", "1"))), "unit of a price");
    refused(clauses(|c| c.prices.push(price("1", "-1"))), "a price is negative");
    // The same meter, currency, day and conditions, at another price.
    refused(clauses(|c| c.prices = vec![price("1", "1"), price("1", "2")]), "stands twice");
    refused(clauses(|c| c.exclusivities.push(exclusivity("all", "m", "0"))), "stands twice");
    refused(clauses(|c| c.exclusivities.push(exclusivity("tuning", "m", "0"))), "stands twice");
    refused(
        clauses(|c| {
            c.exclusivities.push(exclusivity("e", "m", "0"));
            c.exclusivities[0].to = Some(day("2026-01-01"));
        }),
        "ends before it begins",
    );
    refused(clauses(|c| c.contributions[0].by = "nobody".into()), "no money party");
    refused(clauses(|c| c.caps.push(clause("host", "1", Window::Year))), "not paid: cap");
    refused(clauses(|c| c.caps.push(clause("owner", "-1", Window::Year))), "negative amount: cap");
    refused(clauses(|c| c.minimums.push(clause("lab", "0.001", Window::Year))), "minor unit");
    refused(clauses(|c| c.minimums.push(clause("lab", "1", Window::Lifetime))), "without end");
    // 10^10 is the most.
    clauses(|c| c.minimums.push(clause("lab", "10000000000", Window::Year))).expect("the most");
    refused(
        clauses(|c| c.minimums.push(clause("lab", "10000000000.01", Window::Year))),
        "too large",
    );
    refused(
        clauses(|c| {
            c.caps = vec![clause("lab", "1", Window::Year), clause("lab", "2", Window::Year)]
        }),
        "twice in one window: cap",
    );
    refused(clauses(|c| c.splits.push(split("owner", &[]))), "has no part");
    refused(clauses(|c| c.splits.push(split("owner", &[("lab", "0")]))), "not positive");
    refused(
        clauses(|c| {
            c.splits = vec![split("owner", &[("lab", "1")]), split("lab", &[("lab", "1")])]
        }),
        "split again",
    );
    refused(
        clauses(|c| drop(c.withholding.insert("lab".into(), (exact("1"), false)))),
        "withholding",
    );
    refused(
        clauses(|c| drop(c.late_interest.insert(day("2026-02-01"), exact("-0.1")))),
        "late interest",
    );
    refused(clauses(|c| c.proposal_lapse_days = 3651), "3650 days");
}

#[test]
fn points_may_not_take_shares_above_one() {
    let with = |model: &str, points: &[&str]| {
        read_back(|terms| {
            terms.rules[0].conditions = vec![("model".into(), vec!["a".into(), "b".into()])];
            terms.rules.push(Rule { id: "rest".into(), ..terms.rules[0].clone() });
            terms.rules[1].conditions = Vec::new();
            terms.rules[1].pay = Pay::Flat(to_owner("0.1"));
            for (number, points) in points.iter().enumerate() {
                let id = format!("e{number}");
                terms.clauses.exclusivities.push(exclusivity(&id, model, points));
            }
        })
    };
    // 0.5 + 0.3 + 0.2 = 1, whatever is taken off (the contribution is −0.1).
    with("a", &["0.3", "0.2", "-0.4"]).expect("at most 1");
    refused(with("a", &["0.3", "0.21"]), "above 1");
    // A model that the rule does not have cannot meet it; a pattern can.
    with("c", &["0.3", "0.21"]).expect("the conditions cannot hold together");
    refused(with("c*", &["0.3", "0.21"]), "above 1");
    let mut capped = sound_terms();
    capped.limits.ceiling = Some(exact("0.9"));
    capped.clauses.exclusivities.push(exclusivity("e", "a", "0.8"));
    read_terms(&terms_bytes(&capped, 2), 2).expect("the ceiling holds");
}

#[test]
fn money_on_a_ledger_is_bounded_with_prices_and_rates() {
    // The bound is 10^14. 100 of euros and 100 units at a price of 0.002 a unit, which counts 1.
    let mut terms = sound_terms();
    terms.clauses.priced = true;
    terms.clauses.prices.push(Price { conditions: Vec::new(), ..price("1000", "2") });
    let mut log = Log::open(2, &terms);
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-10", b"EUR", "m", 100, 100)]).expect("reported");
    let money = |log: &Log, proposed: Option<&Terms>| log.ledger().check_money(proposed);
    money(&log, None).expect("100 × 1 + 100 × (0 + 1 × 1) = 200");
    // The dearest price, 5 × 10^11 for a unit: 100 + 100 × 5 × 10^11 is below; 10^12 is above.
    let dear = |text| {
        let mut dear = terms.clone();
        dear.clauses.prices.push(Price { from: day("2027-01-01"), ..price("1", text) });
        dear
    };
    let dearest = dear("500000000000");
    money(&log, Some(&dearest)).expect("5 × 10^13");
    refused(log.amends("owner", &dear("1000000000000"), "2026-01-01"), "too much money");
    let amendment = log.amends("owner", &dearest, "2026-01-01").expect("proposed");
    // A rate of 2.5 counts 3, also before it is accepted: 1.5 × 10^14.
    log.converts("owner", b"EUR", "2.5", month(1)).expect("without the dearer price");
    log.accepts("host", amendment).expect("not the last");
    refused(log.accepts("lab", amendment), "too much money");
}

#[test]
fn statements_that_lie_are_refused() {
    let mut log = Log::open(2, &sound_terms());
    let advance = log.advances("owner", "10", "2026-01-02").expect("paid");
    log.receives("owner", advance, "2026-01-02").expect("received");
    log.today = day("2026-02-01");
    log.reports(month(1), &[("2026-01-10", b"USD", "m", 100, 1)]).expect("reported");
    let ledger = log.ledger();
    let statement = |shares: &str, recouped: Option<&str>, version: u16| {
        Payload::default()
            .period(month(1))
            .hash(ledger.facts.last().digest)
            .u16(1)
            .list([shares], |p, shares| {
                let amounts = [("lab", "0"), ("owner", shares)];
                let p = p.period(month(1)).amount("100");
                p.list(amounts, |p, (to, amount)| p.text(to).amount(amount))
                    .list([], |p, ()| p)
                    .list([], |p, ()| p)
            })
            .list(recouped, |p, amount| p.text("owner").amount(amount))
            .list([], |p, ()| p)
            .u16(version)
            .hash(ledger.state_root().expect("a state root"))
            .bytes()
    };
    refused(log.says("host", 7, 2, statement("50.01", Some("10"), 2)), "amount to");
    refused(log.says("host", 7, 2, statement("50", None, 2)), "recoup");
    refused(log.says("host", 7, 2, statement("50", Some("10.01"), 2)), "recoup");
    refused(log.says("host", 7, 2, statement("50", Some("10"), 1)), "version of the level");
    log.says("lab", 7, 2, statement("50", Some("10"), 2)).expect("as determined");
}

#[test]
fn a_column_is_declared_by_some_version_and_a_number_by_the_version_of_its_day() {
    let opening = sound_terms();
    let mut without = opening.clone();
    without.meters.clear();
    let mut log = Log::open(2, &opening);
    let proposal = log.amends("owner", &without, "2026-01-16").expect("proposed");
    for party in ["host", "lab"] {
        log.accepts(party, proposal).expect("accepted");
    }
    log.today = day("2026-03-01");
    let (early, late) = ("2026-01-15", "2026-01-16");
    let lines = [(early, b"USD", "m", 10, 1), (late, b"USD", "m", 10, 1)];
    refused(log.reports(month(1), &lines), "a line has a meter");
    let lines = [(early, b"USD", "m", 10, 1), (late, b"USD", "m", 10, 0)];
    log.reports(month(1), &lines).expect("no units under the later terms");
    // The block has a column of units, and no terms of February declare it.
    refused(log.reports(month(2), &[("2026-02-01", b"USD", "m", 10, 1)]), "a report has a meter");
}
