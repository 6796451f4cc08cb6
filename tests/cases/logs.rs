//! Logs that are chained and signed as they should be, and lie.

use std::collections::BTreeMap;

use revshare_core::command::Command;
use revshare_core::event::Acceptance;
use revshare_core::event::Acknowledgement;
use revshare_core::event::Event;
use revshare_core::event::Lines;
use revshare_core::event::UsagePart;
use revshare_core::event::UsageReport;
use revshare_core::evolve::acknowledgement;
use revshare_core::evolve::statement;
use revshare_core::statement::Statement;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::ContentDigest;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Period;
use revshare_core::vocab::StateRoot;
use revshare_kit::Line;

use crate::bench::Bench;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::case::Case;
use crate::case::case;
use crate::hostile::Log;
use crate::hostile::january;
use crate::hostile::lines;
use crate::hostile::nonce;
use crate::statement_size::full;

/// Where a record's body gives the format level, the kind of the event, and the party.
const LEVEL_AT: usize = 2;
const KIND_AT: usize = 116;
const PARTY_AT: usize = 137;

/// `verify` finds it in a log.
fn found(code: Code, about: &'static str, place: &str, log: impl Fn() -> Log + 'static) -> Case {
    case(code, about)
        .given(Given::Files)
        .after(move |bench: &Bench| log().save(bench, "hostile"))
        .found_in("hostile", place)
}

fn february() -> Period {
    Period::parse("2024-02").expect("a period")
}

fn report(period: Period, lines: Lines) -> Event {
    Event::UsageReported(UsageReport { period, supplement: false, lines })
}

/// A statement of January that its author changed.
fn stated(change: impl Fn(&mut Statement)) -> Log {
    let report = Command::ReportUsage {
        period: january(),
        supplement: false,
        blocks: vec![lines(&[Line::new("2024-01-05", "2000")])],
    };
    let log = Log::of(TERMS, vec![("acme-cloud", report)]);
    let mut said = statement::compose(log.state(), january()).expect("a statement");
    change(&mut said);
    log.says("acme-cloud", Event::StatementIssued(said))
}

/// An acknowledgement that its author changed.
fn acknowledged(change: impl Fn(&mut Acknowledgement)) -> Log {
    let log = Log::honest();
    let mut said = acknowledgement::compose(log.state()).expect("sums in bounds");
    change(&mut said);
    log.says("meta", Event::Acknowledged(said))
}

/// Reports of two months whose event ids begin alike, by the choice of their nonces.
fn alike() -> (Log, String) {
    let log = Log::of(TERMS, vec![]);
    let first = report(january(), Lines::Nil);
    let second = report(february(), Lines::Nil);
    let id = |event: &Event, at: u64| {
        log.sealed_with("acme-cloud", event.clone(), nonce(at)).id.to_string()
    };
    let known: BTreeMap<String, u64> =
        (0..16_384).map(|at| (id(&first, at)[..6].to_owned(), at)).collect();
    let (prefix, one, other) = (0..)
        .find_map(|at| {
            let prefix = id(&second, at)[..6].to_owned();
            let one = known.get(&prefix)?;
            Some((prefix, *one, at))
        })
        .expect("two of many begin alike");
    let one = log.sealed_with("acme-cloud", first, nonce(one));
    let other = log.sealed_with("acme-cloud", second, nonce(other));
    (log.put("acme-cloud", &one).put("acme-cloud", &other), prefix)
}

/// Two owners, of whom the first said that January's report is missing.
fn two_owners() -> Log {
    let owner = "[[party]]\nid = \"lab\"\nrole = \"owner\"\nkey = \"@lab@\"\n\n[base]";
    let terms = TERMS.replace("[base]", owner);
    Log::of(&terms, vec![("meta", Command::NoteMissing(january()))])
}

pub fn cases() -> Vec<Case> {
    let (log, prefix) = alike();
    vec![
        case(Code::StatementSize, "a supplement that leaves the next statement no room")
            .given(Given::Files)
            .after(|bench: &Bench| full().save(bench, "full"))
            .when("-C full usage report january.csv --period 2024-01 --supplement --key acme-cloud.key")
            .at("full")
            .saying("2617 events for 300 stated periods"),
        found(Code::NotOpened, "a log that nobody opened", "record 0", || {
            Log::empty().says("acme-cloud", report(january(), Lines::Nil))
        }),
        found(Code::NotOpened, "a ledger opened twice", "record 5", || {
            let log = Log::honest();
            let terms = log.agreement().terms().clone();
            let version = revshare_kit::world::version(terms);
            log.says("acme-cloud", Event::LedgerOpened(Box::new(version)))
        }),
        found(Code::EventTwice, "an event that is put on the log again", "record 6", || {
            let mut log = Log::honest();
            let sealed = log.sealed("acme-cloud", report(february(), Lines::Nil));
            log.put("acme-cloud", &sealed).put("acme-cloud", &sealed)
        }),
        found(Code::DigestMismatch, "an acceptance of other terms", "record 5", || {
            let log = Log::honest();
            let event = log.agreement().opening().0;
            let content = ContentDigest::from_bytes([7; 32]);
            log.says("meta", Event::Accepted(Acceptance { event, content }))
        }),
        found(Code::PartsBroken, "a part without the one before it", "record 5", || {
            let block = lines(&[Line::new("2024-02-05", "1")]);
            Log::honest().says("acme-cloud", Event::UsagePart(UsagePart { index: 1, block }))
        }),
        found(
            Code::LinesNotAdmissible,
            "a meter that the terms do not declare",
            "record 5",
            || {
                let block = lines(&[Line::new("2024-02-05", "1").meter("images", "3")]);
                Log::honest().says("acme-cloud", report(february(), Lines::Inline(block)))
            },
        ),
        found(Code::NotEntitled, "usage reported by the owner", "record 5", || {
            Log::honest().says("meta", report(february(), Lines::Nil))
        }),
        found(Code::StatementContent, "a statement of less than is owed", "record 3", || {
            stated(|said| said.entries[0].shares[0].1 = Amount::from_whole(299))
        }),
        found(Code::StatementTerms, "a statement by other terms", "record 3", || {
            stated(|said| said.terms = Digest([7; 32]))
        }),
        found(Code::StateRootWrong, "a statement on another state", "record 3", || {
            stated(|said| said.state_root = StateRoot::from_bytes([7; 32]))
        }),
        found(Code::StateRootWrong, "an acknowledgement of another state", "record 5", || {
            acknowledged(|said| said.state_root = StateRoot::from_bytes([7; 32]))
        }),
        found(Code::HeadWrong, "an acknowledgement of another head", "record 5", || {
            acknowledged(|said| said.seq = 1)
        }),
        found(Code::TimeBackwards, "a record from before the last one", "record 5", || {
            let log = Log::honest().back_at("2024-01-01T00:00:00Z");
            log.says("acme-cloud", report(february(), Lines::Nil))
        }),
        found(Code::PayloadMalformed, "a byte that says nothing", "record 5", || {
            let mut log = Log::honest();
            let mut sealed = log.sealed("acme-cloud", report(february(), Lines::Nil));
            sealed.payload.push(0);
            log.put("acme-cloud", &sealed)
        }),
        found(Code::KindUnknown, "an event of no kind", "record 5", || {
            let mut log = Log::honest();
            let sealed = log.sealed("acme-cloud", report(february(), Lines::Nil));
            log.put_changed("acme-cloud", &sealed, |body| body[KIND_AT] = 99)
        }),
        found(Code::FormatNewer, "a record of a later format", "record 5", || {
            let mut log = Log::honest();
            let sealed = log.sealed("acme-cloud", report(february(), Lines::Nil));
            log.put_changed("acme-cloud", &sealed, |body| body[LEVEL_AT] = 3)
        }),
        found(Code::Id, "an author named by an escape code", "record 5", || {
            let mut log = Log::honest();
            let sealed = log.sealed("meta", report(february(), Lines::Nil));
            log.put_changed("meta", &sealed, |body| {
                body[PARTY_AT..PARTY_AT + 4].copy_from_slice(b"\x1b[2J");
            })
        }),
        case(Code::EventRefused, "a log that breaks the rules is read")
            .given(Given::Files)
            .after(|bench| {
                let log = Log::honest().says("meta", report(february(), Lines::Nil));
                log.save(bench, "hostile");
            })
            .when("-C hostile balances")
            .at("record 5")
            .saying("[not-entitled]"),
        case(Code::EventRefused, "a log that breaks the rules is pulled")
            .given(Given::Files)
            .after(|bench| {
                let log = Log::honest().says("meta", report(february(), Lines::Nil));
                log.save(bench, "hostile");
            })
            .when("-C copy pull hostile")
            .at("record 5"),
        case(Code::AmbiguousEvent, "digits with which two events begin")
            .given(Given::Files)
            .after(move |bench| log.save(bench, "alike"))
            .when(&format!("-C alike show id:{prefix}"))
            .at("EVENT"),
        case(Code::AlreadyMissing, "a missing report that was recorded already")
            .given(Given::Files)
            .after(|bench| two_owners().save(bench, "three"))
            .when("-C three usage missing 2024-01 --key lab.key")
            .at("record 3"),
    ]
}
