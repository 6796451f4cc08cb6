//! Disputes: who may say what in one, and when.

use revshare_core::vocab::Code;

use crate::bench::Bench;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::bench::with_keys;
use crate::case::Case;
use crate::case::case;

/// The sound terms with deadlines, and `lab` in another role.
fn terms(role: &str, more: &str) -> String {
    let lab = format!("[[party]]\nid = \"lab\"\nrole = \"{role}\"\nkey = \"@lab@\"\n\n[base]");
    let windows = "report_due_days = 15\nobjection_days = 90\ndispute = { response_days = 30, \
                   on_silence = \"accept\", escalate_after_days = 60 }";
    TERMS
        .replace("[base]", &lab)
        .replace("report_due_days = 15", windows)
        .replace("share = { meta = \"0.15\"", &format!("share = {{ meta = \"0.15\"{more}"))
}

/// January is reported (record 2) and stated (3): 300 USD for `meta`. In the copy `disputed`.
fn stated_under(bench: &Bench, terms: &str, accepting: &[&str]) {
    bench.write("disputed.toml", with_keys(terms));
    bench.ok("-C disputed init --terms disputed.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z");
    for party in accepting {
        bench.ok(&format!(
            "-C disputed accept 0 --key {party}.key --recorded-time 2024-01-02T08:00:00Z"
        ));
    }
    for line in [
        "usage report january.csv --period 2024-01 --key acme-cloud.key --recorded-time 2024-02-03T08:00:00Z",
        "statement issue 2024-01 --key acme-cloud.key --recorded-time 2024-02-04T08:00:00Z",
    ] {
        bench.ok(&format!("-C disputed {line}"));
    }
}

fn stated(bench: &Bench) {
    stated_under(bench, &terms("arbiter", ""), &["meta"]);
}

/// A share for `lab`, too.
fn stated_for_two(bench: &Bench) {
    stated_under(bench, &terms("beneficiary", ", lab = \"0.01\""), &["meta", "lab"]);
}

/// By a party, on a day, before there is a dispute.
fn says(code: Code, about: &'static str, (party, day): (&str, &str), command: &str) -> Case {
    let time = format!("--recorded-time {day}T09:00:00Z");
    let command = format!("-C disputed dispute {command} --key {party}.key {time}");
    case(code, about).given(Given::Files).after(stated).when(&command)
}

/// Likewise, in the dispute of record 4.
fn answers(code: Code, about: &'static str, by: (&str, &str), command: &str) -> Case {
    says(code, about, by, command).after(opened)
}

/// Record 4, where records 0 to 3 are there.
fn opened(bench: &Bench) {
    bench.ok("-C disputed dispute open 2024-01 --claimed meta=350 --basis x --key meta.key --recorded-time 2024-02-10T08:00:00Z");
}

pub fn cases() -> Vec<Case> {
    let owner = ("meta", "2024-02-11");
    let host = ("acme-cloud", "2024-02-12");
    let arbiter = ("lab", "2024-02-12");
    vec![
        says(
            Code::DisputeTarget,
            "a period that is not stated",
            owner,
            "open 2024-02 --claimed meta=1 --basis x",
        )
        .at("TARGET"),
        says(Code::DisputeTarget, "an acceptance", owner, "open 1 --claimed meta=1 --basis x")
            .at("TARGET")
            .saying("record 1 is accepted"),
        says(
            Code::DisputeTarget,
            "a clause that the terms do not have",
            owner,
            "open clause:nothing --period 2024-01 --claimed meta=1 --basis x",
        )
        .at("TARGET"),
        says(
            Code::DisputeClaim,
            "a claim of what is booked",
            owner,
            "open 2024-01 --claimed meta=300 --basis x",
        )
        .at("--claimed")
        .saying("300"),
        says(
            Code::DisputeClaim,
            "lines that come to the same",
            owner,
            "open 2 --replace 2=january.csv --basis x",
        )
        .at("--replace"),
        case(Code::DisputeNotAffected, "a figure of somebody else")
            .given(Given::Files)
            .after(stated_for_two)
            .when("-C disputed dispute open 2024-01 --claimed lab=5 --basis x --key meta.key --recorded-time 2024-02-12T08:00:00Z")
            .at("TARGET")
            .saying("lab"),
        says(
            Code::DisputeWindow,
            "after the objection window",
            ("meta", "2024-06-01"),
            "open 2024-01 --claimed meta=350 --basis x",
        )
        .at("TARGET")
        .saying("2024-05-04"),
        answers(
            Code::DisputeTwice,
            "a line that is disputed",
            owner,
            "open 3 --claimed meta=360 --basis x",
        )
        .at("record 4"),
        answers(
            Code::DisputeFinal,
            "a line that was resolved",
            ("meta", "2024-02-20"),
            "open 3 --claimed meta=360 --basis x",
        )
        .after(|bench: &Bench| {
            bench.ok("-C disputed dispute accept 4 --key acme-cloud.key --recorded-time 2024-02-12T08:00:00Z");
        })
        .at("record 4"),
        answers(Code::DisputeClosed, "an answer to what was taken back", host, "respond 4 --text x")
            .after(|bench: &Bench| {
                bench.ok("-C disputed dispute withdraw 4 --reason x --key meta.key --recorded-time 2024-02-11T08:00:00Z");
            })
            .at("record 4"),
        answers(Code::DisputeSide, "the claimant answers itself", owner, "respond 4 --text x")
            .at("record 4"),
        answers(Code::DisputeSide, "the respondent takes it back", host, "withdraw 4 --reason x")
            .at("record 4"),
        answers(
            Code::DisputeLate,
            "an answer after the deadline",
            ("acme-cloud", "2024-04-01"),
            "respond 4 --text x",
        )
        .after(|bench: &Bench| {
            bench.ok("-C disputed acknowledge --key acme-cloud.key --recorded-time 2024-02-12T08:00:00Z");
        })
        .at("record 4")
        .saying("2024-03-13"),
        answers(Code::DisputeEarly, "a default before anybody saw it", owner, "accept 4 --by-default")
            .at("record 4"),
        answers(Code::DisputeEarly, "the arbiter is asked at once", owner, "escalate 4 --reason x")
            .at("record 4"),
        answers(
            Code::DisputeEarly,
            "a determination that nobody asked for",
            arbiter,
            "determine 4 --stands --reasons x",
        )
        .at("record 4"),
        case(Code::DisputeNoArbiter, "there is no arbiter")
            .ran("-C meta dispute open 2024-01 --claimed meta=350 --basis x --key meta.key --recorded-time 2024-02-22T08:00:00Z")
            .when("-C meta dispute escalate 5 --reason x --key meta.key")
            .at("meta"),
        answers(
            Code::SettlementUnsigned,
            "a settlement that one side has signed",
            owner,
            "settle 4 --offer offer.txt",
        )
        .after(|bench: &Bench| {
            bench.ok("-C disputed dispute settle 4 --stands --out offer.txt --key meta.key");
        })
        .at("offer.txt")
        .saying("acme-cloud"),
        answers(Code::SettlementFile, "a file that is no settlement", host, "settle 4 --offer january.csv")
            .at("january.csv"),
        answers(
            Code::DisputeSide,
            "the arbiter settles",
            arbiter,
            "settle 4 --stands --out offer.txt",
        )
        .at("record 4"),
        answers(
            Code::DisputeClaim,
            "a settlement about somebody who is not in it",
            owner,
            "settle 4 --claimed lab=5 --out offer.txt",
        )
        .at("--claimed"),
    ]
}
