//! Who may say what, and when.

use revshare_core::vocab::Code;

use crate::bench::Given;
use crate::case::Case;
use crate::case::case;

/// By the host, in its copy.
fn host(code: Code, about: &'static str, command: &str) -> Case {
    case(code, about).when(&format!("-C acme {command} --key acme-cloud.key"))
}

/// By the owner, in its copy.
fn owner(code: Code, about: &'static str, command: &str) -> Case {
    case(code, about).when(&format!("-C meta {command} --key meta.key"))
}

const FEBRUARY: &str = "day,application,gross\n2024-02-05,search,10\n";

pub fn cases() -> Vec<Case> {
    vec![
        host(Code::NotAccepted, "a report before the owner accepted", "usage report --nil --period 2024-01")
            .given(Given::Opened)
            .at("acme"),
        host(Code::AlreadyAccepted, "the opener accepts its own ledger", "accept 0")
            .given(Given::Opened)
            .at("record 0"),
        owner(Code::Repeat, "the ledger is accepted twice", "accept 0").at("record 1"),
        case(Code::NotAParty, "a key of nobody")
            .when("-C acme acknowledge --key stranger.key")
            .at("stranger.key"),
        case(Code::NotAParty, "a ledger opened with a key that is not in the terms")
            .given(Given::Files)
            .when("-C new init --terms terms.toml --key stranger.key")
            .at("stranger.key"),
        host(Code::NotAParty, "money for nobody", "payout send nobody 50").at("PARTY"),
        owner(Code::NotEntitled, "usage reported by the owner", "usage report --nil --period 2024-02")
            .at("meta.key"),
        owner(Code::NotEntitled, "a payout by its receiver", "payout send meta 50").at("meta.key"),
        host(Code::NotEntitled, "a statement accepted by the host", "statement accept 2024-01")
            .at("acme-cloud.key"),
        host(Code::Repeat, "the same report twice", "usage report january.csv --period 2024-01")
            .at("record 2")
            .saying("record 2"),
        host(
            Code::Repeat,
            "the same payout twice",
            "payout send meta 100 --reference R1 --sent-on 2024-02-20",
        )
        .at("record 4"),
        host(Code::PeriodReported, "another report of a period", "usage report usage.csv --period 2024-01")
            .file("usage.csv", "day,gross\n2024-01-05,10\n")
            .at("record 2")
            .saying("record 2"),
        case(Code::UnknownEvent, "a record that is not there").when("-C acme show 99").at("EVENT"),
        case(Code::UnknownEvent, "a time before the ledger")
            .when("-C acme balances --at 2023-01-01")
            .at("--at"),
        case(Code::WhatIf, "a ledger without its first event")
            .when("-C acme replay --without 0")
            .at("record 0"),
        case(Code::WhatIf, "a replay that ends before what it leaves out")
            .when("-C acme replay --without 4 --until 3")
            .at("--until"),
        owner(Code::UnknownEvent, "a confirmation of a report", "payout confirm 2").at("record 2"),
        host(Code::UnknownEvent, "a correction of an acceptance", "usage correct 1 --nil --reason x")
            .at("EVENT"),
        owner(Code::UnknownEvent, "a statement that was not issued", "statement accept 2024-02")
            .at("P"),
        host(
            Code::TimeBackwards,
            "a record from before the last one",
            "acknowledge --recorded-time 2024-02-19T00:00:00Z",
        )
        .at("--recorded-time"),
        host(
            Code::FromTheFuture,
            "a record from the future",
            "acknowledge --recorded-time 2999-01-01T00:00:00Z",
        )
        .at("--recorded-time"),
        host(Code::HeadMoved, "another head than expected", "acknowledge --if-head 000000")
            .at("--if-head"),
        host(Code::PeriodLength, "a quarter among months", "usage report --nil --period 2024-Q1")
            .at("--period"),
        host(Code::PeriodLength, "a statement of a quarter", "statement issue 2024-Q1").at("P"),
        host(Code::PeriodOutside, "a month before the agreement", "usage report --nil --period 2023-12")
            .at("--period"),
        host(Code::PeriodNotReported, "a statement of a missing report", "statement issue 2024-02")
            .at("P"),
        host(
            Code::PeriodNotReported,
            "a supplement to nothing",
            "usage report usage.csv --period 2024-02 --supplement",
        )
        .file("usage.csv", FEBRUARY)
        .at("--period"),
        host(Code::StatementOrder, "a statement that leaves a gap", "statement issue 2024-03")
            .at("P")
            .saying("2024-02 is"),
        host(Code::StatementOrder, "a second statement of a period", "statement issue 2024-01")
            .at("record 3"),
        owner(
            Code::NotYetMissing,
            "a report missed on its due day",
            "usage missing 2024-02 --recorded-time 2024-03-15T23:00:00Z",
        )
        .at("P"),
        owner(Code::PeriodReported, "a report missed that is there", "usage missing 2024-01")
            .at("record 2"),
        host(
            Code::CorrectionStale,
            "a correction of what was corrected",
            "usage correct 2 usage.csv --reason \"again\"",
        )
        .ran("-C acme usage correct 2 --nil --reason none --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
        .file("usage.csv", "day,gross\n2024-01-05,10\n")
        .at("record 2")
        .saying("record 5"),
        host(Code::AmountNotPositive, "a payout of nothing", "payout send meta 0").at("AMOUNT"),
        host(Code::AmountNotPositive, "a negative payout", "payout send meta -50").at("AMOUNT"),
        host(Code::MinorUnit, "a payout in tenths of a cent", "payout send meta 50.001").at("AMOUNT"),
        host(Code::AbovePayable, "more than is payable", "payout send meta 200.01")
            .at("AMOUNT")
            .saying("200.00"),
        host(Code::BelowMinimum, "less than the minimum is payable", "payout send meta 10")
            .ran("-C acme payout send meta 190 --reference R2 --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
            .at("AMOUNT"),
        host(Code::AmountBounds, "more than all payouts may be", "payout send meta 999999999999999")
            .at("AMOUNT"),
        owner(Code::PayoutSettled, "a payout confirmed twice", "payout confirm 4 --received-on 2024-02-23")
            .ran("-C meta payout confirm 4 --received-on 2024-02-22 --key meta.key --recorded-time 2024-03-01T08:00:00Z")
            .at("record 4"),
        owner(
            Code::PayoutDate,
            "money received before it was sent",
            "payout confirm 4 --received-on 2024-02-19",
        )
        .at("--received-on"),
        owner(Code::NothingToAccept, "a report is accepted", "accept 2").at("record 2"),
    ]
}
