//! Evidence and audits: what is refused.

use revshare_core::dispute::Attachment;
use revshare_core::dispute::Erasure;
use revshare_core::event::Event;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Text;

use crate::bench::Bench;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::case::Case;
use crate::case::case;
use crate::hostile::Log;

/// With a file that the host named about the statement, in record 5.
fn named(code: Code, about: &'static str, command: &str) -> Case {
    case(code, about)
        .ran("-C acme evidence attach 3 january.csv --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
        .when(&format!("-C acme {command}"))
}

/// And erased in record 6.
fn erased(code: Code, about: &'static str, command: &str) -> Case {
    named(code, about, command)
        .ran("-C acme evidence erase 5 --reason private --key acme-cloud.key --recorded-time 2024-03-02T08:00:00Z")
}

/// `verify` finds it in a log.
fn found(code: Code, about: &'static str, place: &str, log: impl Fn() -> Log + 'static) -> Case {
    case(code, about)
        .given(Given::Files)
        .after(move |bench: &Bench| log().save(bench, "hostile"))
        .found_in("hostile", place)
}

/// A file is named on a log, about the opening.
fn attached(log: Log, party: &str, note: &str) -> Log {
    let about = log.agreement().opening().0;
    let note = Text::parse(note).expect("a text");
    log.says(
        party,
        Event::EvidenceAttached(Attachment { about, commitment: Digest([7; 32]), note }),
    )
}

/// And erased.
fn then_erased(log: Log, party: &str) -> Log {
    let (commitment, reason) = (Digest([7; 32]), Text::parse(party).expect("a text"));
    log.says(party, Event::EvidenceErased(Erasure { commitment, reason }))
}

/// A ledger whose terms let an audit look back a month: in March, January is stated (record 3).
fn audited(code: Code, about: &'static str, command: &str) -> Case {
    let clause = "[windows]\naudit = { lookback_months = 1, cost_shift = \"0.05\", of = \"due\" }";
    case(code, about)
        .given(Given::Files)
        .file("audited.toml", &TERMS.replace("[windows]", clause))
        .ran("-C audited init --terms audited.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z")
        .ran("-C audited accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z")
        .ran("-C audited usage report january.csv --period 2024-01 --key acme-cloud.key --recorded-time 2024-02-03T08:00:00Z")
        .ran("-C audited statement issue 2024-01 --key acme-cloud.key --recorded-time 2024-03-10T08:00:00Z")
        .when(&format!("-C audited {command}"))
}

pub fn cases() -> Vec<Case> {
    evidence().into_iter().chain(audits()).collect()
}

fn evidence() -> Vec<Case> {
    const WHAT: &str = "COMMITMENT|EVENT";
    let acme = "--key acme-cloud.key --recorded-time 2024-03-03T08:00:00Z";
    vec![
        named(
            Code::EvidenceUnknown,
            "nothing is named",
            &format!("evidence erase 3 --reason x {acme}"),
        )
        .at(WHAT),
        named(
            Code::EvidenceUnknown,
            "no such commitment",
            &format!("evidence erase id:000000 --reason x {acme}"),
        )
        .at(WHAT),
        named(
            Code::EvidenceUnknown,
            "another party named it",
            "evidence erase 5 --reason x --key meta.key",
        )
        .at("record 5")
        .saying("acme-cloud named it"),
        named(
            Code::EvidenceUnknown,
            "deleted here before it is erased",
            "evidence erase 5 --local",
        )
        .at("record 5"),
        erased(
            Code::EvidenceUnknown,
            "erased twice",
            &format!("evidence erase 5 --reason again {acme}"),
        )
        .at("record 6"),
        erased(
            Code::EvidenceUnknown,
            "erased by another holder",
            "evidence erase 5 --reason x --key meta.key",
        )
        .at("record 6"),
        named(
            Code::UnknownEvent,
            "a file about nothing",
            &format!("evidence attach 99 january.csv {acme}"),
        )
        .at("EVENT"),
        named(
            Code::FileRead,
            "a pipe that nobody writes to",
            &format!("evidence attach 3 pipe {acme}"),
        )
        .after(|bench| bench.pipe("pipe"))
        .at("pipe"),
        named(Code::FileRead, "a file of terabytes", &format!("evidence attach 3 huge {acme}"))
            .after(|bench| bench.sparse("huge", b""))
            .at("huge"),
        named(Code::FileRead, "a device", &format!("evidence attach 3 /dev/zero {acme}"))
            .at("/dev/zero"),
        named(
            Code::FileRead,
            "a file that is not there",
            &format!("evidence attach 3 nowhere {acme}"),
        )
        .at("nowhere"),
        named(
            Code::CommandLine,
            "erased here, with a reason",
            "evidence erase 5 --local --reason x",
        )
        .at("command line"),
        found(Code::EvidenceTwice, "a commitment that is named twice on a log", "record 5", || {
            attached(attached(Log::honest(), "meta", "one"), "acme-cloud", "two")
        }),
        found(Code::EvidenceUnknown, "an erasure of nothing on a log", "record 5", || {
            then_erased(Log::honest(), "meta")
        }),
        found(Code::EvidenceUnknown, "another party's erasure on a log", "record 5", || {
            then_erased(attached(Log::honest(), "meta", "one"), "acme-cloud")
        }),
    ]
}

fn audits() -> Vec<Case> {
    vec![
        audited(Code::AuditClause, "a month beyond the lookback", "audit 2024-01 2024-01")
            .at("FROM")
            .saying("look back 1 months, to 2024-02-10"),
        audited(Code::AuditClause, "a month that is not stated", "audit 2024-01 2024-02").at("TO"),
        audited(Code::AuditClause, "a month before the agreement", "audit 2023-12 2024-01")
            .at("FROM"),
        audited(Code::AuditClause, "before anything is stated", "audit 2024-01 2024-01 --at 2")
            .at("FROM"),
        audited(
            Code::AuditClause,
            "claimed before it was stated",
            "audit 2024-01 2024-01 --claimed-at 2",
        )
        .at("--claimed-at"),
        case(Code::CommandLine, "the later month first")
            .when("-C acme audit 2024-02 2024-01")
            .at("FROM"),
        case(Code::CommandLine, "claimed after what is looked at")
            .when("-C acme audit 2024-01 2024-01 --at 3 --claimed-at 4")
            .at("--claimed-at"),
        case(Code::PeriodLength, "quarters among months")
            .when("-C acme audit 2024-Q1 2024-Q1")
            .at("FROM"),
        case(Code::RowAttribute, "lines with a value that the terms do not allow")
            .file("mine.csv", "day,application,gross\n2024-01-05,¦chess,10\n")
            .when("-C acme audit 2024-01 2024-01 --replace 2=mine.csv"),
        case(Code::AmendmentFixed, "terms in another currency")
            .file("euro.toml", &TERMS.replace("currency = \"USD\"", "¦currency = \"EUR\""))
            .when("-C acme audit 2024-01 2024-01 --with-terms euro.toml"),
    ]
}
