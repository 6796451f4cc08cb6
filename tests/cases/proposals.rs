//! Amendments, conversion rates, contributions, advances and tax: what the rules refuse.

use revshare_core::command::Command;
use revshare_core::event::ContributionEnd;
use revshare_core::event::ConversionRate;
use revshare_core::event::Event;
use revshare_core::event::ProposalClosing;
use revshare_core::payout::Advance;
use revshare_core::payout::Payout;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Id;
use revshare_core::vocab::Level;
use revshare_core::vocab::Text;
use revshare_kit::Line;

use crate::bench::Bench;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::bench::with_keys;
use crate::case::Case;
use crate::case::case;
use crate::hostile::Log;
use crate::hostile::january;
use crate::hostile::lines;

/// By the host, in its copy.
fn host(code: Code, about: &'static str, command: &str) -> Case {
    case(code, about).when(&format!("-C acme {command} --key acme-cloud.key"))
}

/// The host proposes the sound terms with a piece replaced; `¦` marks the place of the refusal.
fn amended(code: Code, about: &'static str, (piece, by): (&str, &str), from: &str) -> Case {
    assert_eq!(TERMS.matches(piece).count(), 1, "`{piece}` stands once in the terms");
    let command = format!("amend propose new.toml --from {from} --reason x");
    host(code, about, &command).file("new.toml", &TERMS.replace(piece, by))
}

/// The sound terms with another due date, proposed by the host as record 5.
fn proposed(case: Case) -> Case {
    let terms = TERMS.replace("due_days = 30", "due_days = 60");
    case.file("other.toml", &terms).ran("-C acme amend propose other.toml --from 2024-02-01 --reason x --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
}

/// Terms under which the host contributes, and tax is withheld from the owner.
fn contract() -> String {
    let contribution = "[[contribution]]\nid = \"safety\"\nby = \"acme-cloud\"\n\
                        add = { meta = \"-0.01\" }\n\n[payment]\n\
                        withholding = { meta = { rate = \"0.10\" } }";
    TERMS.replace("[payment]", contribution)
}

/// A ledger under them, in the copy `contract`, with a claim in record 2.
fn claimed(bench: &Bench) {
    bench.write("contract.toml", with_keys(&contract()));
    bench.ok("-C contract init --terms contract.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z -q");
    bench.ok("-C contract accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z");
    bench.ok("-C contract contribution claim safety --from 2024-02-01 --key acme-cloud.key --recorded-time 2024-02-01T08:00:00Z");
}

/// By the host, in that copy.
fn contributor(code: Code, about: &'static str, command: &str) -> Case {
    let command = format!("-C contract {command} --key acme-cloud.key");
    case(code, about).given(Given::Files).after(claimed).when(&command)
}

/// `verify` finds it in a log.
fn found(code: Code, about: &'static str, place: &str, log: impl Fn() -> Log + 'static) -> Case {
    case(code, about)
        .given(Given::Files)
        .after(move |bench: &Bench| log().save(bench, "hostile"))
        .found_in("hostile", place)
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn meta() -> Id {
    Id::parse("meta").expect("a party")
}

/// A rate of January for a currency.
fn rate(currency: &str, rate: &str) -> Event {
    Event::RateProposed(ConversionRate {
        currency: Currency::parse(currency).expect("a currency"),
        rate: Amount::parse(rate).expect("a rate"),
        period: january(),
        source: Text::parse("ECB").expect("a text"),
    })
}

/// A payout of which as much is withheld as its author likes.
fn payout(withheld: u64, grossed_up: bool) -> Log {
    let report = Command::ReportUsage {
        period: january(),
        supplement: false,
        blocks: vec![lines(&[Line::new("2024-01-05", "2000")])],
    };
    let commands = vec![("acme-cloud", report), ("acme-cloud", Command::IssueStatement(january()))];
    let said = Payout {
        to: meta(),
        amount: Amount::from_whole(100),
        on_account: Amount::ZERO,
        withheld: Amount::from_whole(withheld),
        grossed_up,
        sent_on: day("2024-03-01"),
        reference: Text::default(),
        level: Level::LATEST,
    };
    Log::of(&contract(), commands).says("acme-cloud", Event::PayoutSent(said))
}

pub fn cases() -> Vec<Case> {
    amendments()
        .into_iter()
        .chain(rates())
        .chain(contributions())
        .chain(levels_and_money())
        .collect()
}

fn amendments() -> Vec<Case> {
    let slip = ("due_days = 30", "due_days = 60");
    vec![
        amended(
            Code::AmendmentFixed,
            "another currency",
            ("currency = \"USD\"", "¦currency = \"EUR\""),
            "2024-03-01",
        ),
        amended(
            Code::AmendmentFixed,
            "another start",
            ("starts_on = 2024-01-01", "¦starts_on = 2024-02-01"),
            "2024-03-01",
        ),
        amended(
            Code::AmendmentFixed,
            "another key of a party",
            ("key = \"@meta@\"", "key = \"@lab@\""),
            "2024-03-01",
        )
        .at("new.toml")
        .saying("meta"),
        amended(Code::AmendmentDates, "a day before the agreement", slip, "2023-12-31")
            .at("--from"),
        amended(
            Code::AmendmentDates,
            "an end before the terms take effect",
            ("calculation = 1", "ends_on = 2024-03-01\ncalculation = 1"),
            "2024-03-01",
        )
        .at("--from"),
        amended(
            Code::AmendmentOffPeriod,
            "other rounding within a month",
            ("calculation = 1", "calculation = 1\nrounding = { mode = \"down\" }"),
            "2024-03-15",
        )
        .at("--from"),
        host(
            Code::AmendmentNoChange,
            "the same terms",
            "amend propose terms.toml --from 2024-03-01 --reason x",
        )
        .at("terms.toml"),
        amended(
            Code::AmendmentIncomplete,
            "terms that do not know what was reported",
            ("[\"search\", \"content_moderation\"]", "[\"content_moderation\"]"),
            "2024-01-10",
        )
        .at("record 2")
        .saying("2024-01-20"),
        amended(
            Code::TermsReference,
            "terms with a slip",
            ("share = { meta = \"0.12\" }", "share = { ¦mta = \"0.12\" }"),
            "2024-03-01",
        ),
        amended(Code::AmendmentIncomplete, "a preview of such terms", slip, "2024-01-10")
            .file(
                "narrow.toml",
                &TERMS.replace("[\"search\", \"content_moderation\"]", "[\"content_moderation\"]"),
            )
            .when("-C acme terms preview narrow.toml --from 2024-01-10")
            .at("record 2"),
        proposed(host(Code::NotEntitled, "rejected by its proposer", "amend reject 5 --reason x --recorded-time 2024-03-02T08:00:00Z"))
            .at("record 5"),
        proposed(case(Code::NotEntitled, "withdrawn by another party"))
            .when("-C acme amend withdraw 5 --reason x --key meta.key --recorded-time 2024-03-02T08:00:00Z")
            .at("record 5"),
        proposed(host(Code::AlreadyAccepted, "accepted by its proposer", "accept 5 --recorded-time 2024-03-02T08:00:00Z"))
            .at("record 5"),
        proposed(case(Code::ProposalClosed, "accepted after it was withdrawn"))
            .ran("-C acme amend withdraw 5 --reason x --key acme-cloud.key --recorded-time 2024-03-02T08:00:00Z")
            .when("-C acme accept 5 --key meta.key")
            .at("record 5")
            .saying("withdrawn in record 6"),
        proposed(case(Code::ProposalLapsed, "accepted after 90 days"))
            .when("-C acme accept 5 --key meta.key --recorded-time 2024-05-31T08:00:00Z")
            .at("record 5")
            .saying("2024-05-30"),
        host(Code::UnknownEvent, "a report is withdrawn", "amend withdraw 2 --reason x")
            .at("EVENT"),
        case(Code::UnknownEvent, "terms of a report").when("-C acme terms diff 2").at("A"),
        case(Code::CommandLine, "reports of two months are compared")
            .ran("-C acme usage report --nil --period 2024-02 --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
            .when("-C acme usage diff 2 5")
            .at("B"),
    ]
}

fn rates() -> Vec<Case> {
    let set = |what: &str| format!("fx set {what} --source ECB");
    vec![
        host(Code::FxCurrency, "the settlement currency", &set("USD 1.1 --period 2024-01"))
            .at("CURRENCY"),
        host(Code::FxRate, "a rate of nothing", &set("EUR 0 --period 2024-01")).at("RATE"),
        host(Code::FxRate, "a negative rate", &set("EUR -1.1 --period 2024-01")).at("RATE"),
        host(Code::FxRate, "a rate beyond all rates", &set("EUR 1000000.1 --period 2024-01"))
            .at("RATE"),
        host(Code::Currency, "a currency that is none", &set("DOGE 1.1 --period 2024-01"))
            .at("CURRENCY"),
        host(Code::PeriodOutside, "a month before the agreement", &set("EUR 1 --period 2023-12"))
            .at("--period"),
        host(Code::PeriodLength, "a quarter among months", &set("EUR 1 --period 2024-Q1"))
            .at("--period"),
        host(Code::FxMissing, "a statement without a rate", "statement issue 2024-02")
            .file("eur.csv", "day,currency,gross\n2024-02-05,EUR,10\n")
            .ran("-C acme usage report eur.csv --period 2024-02 --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z")
            .at("P")
            .saying("EUR"),
        found(Code::FxRate, "a rate of nothing on a log", "record 5", || {
            Log::honest().says("meta", rate("EUR", "0"))
        }),
        found(Code::FxCurrency, "a rate of the settlement currency on a log", "record 5", || {
            Log::honest().says("meta", rate("USD", "1"))
        }),
        found(Code::ProposalClosed, "a rate that is withdrawn twice", "record 5", || {
            let mut log = Log::honest();
            let sealed = log.sealed("meta", rate("EUR", "1.1"));
            let closing = |reason: &str| {
                let (proposal, reason) = (sealed.id, Text::parse(reason).expect("a text"));
                Event::ProposalWithdrawn(ProposalClosing { proposal, reason })
            };
            log.put("meta", &sealed).says("meta", closing("one")).says("meta", closing("two"))
        }),
    ]
}

fn contributions() -> Vec<Case> {
    vec![
        host(Code::ContributionUnknown, "no such clause", "contribution claim x --from 2024-02-01")
            .at("ID"),
        contributor(
            Code::ContributionDates,
            "days before the agreement",
            "contribution claim safety --from 2023-12-01",
        )
        .at("--from"),
        contributor(
            Code::ContributionDates,
            "an end before the beginning",
            "contribution claim safety --from 2024-02-01 --to 2024-02-01",
        )
        .at("--from"),
        case(Code::NotEntitled, "claimed by another party")
            .given(Given::Files)
            .after(claimed)
            .when("-C contract contribution claim safety --from 2024-02-01 --key meta.key")
            .at("meta.key"),
        contributor(
            Code::FileRead,
            "evidence that is not there",
            "contribution claim safety --from 2024-02-01 --evidence nowhere.pdf",
        )
        .at("nowhere.pdf"),
        contributor(
            Code::ContributionNotOpen,
            "an end of what was not accepted",
            "contribution end 2 --on 2024-03-01 --reason x",
        )
        .at("record 2"),
        contributor(
            Code::ContributionDates,
            "an end before it began",
            "contribution end 2 --on 2024-01-31 --reason x",
        )
        .ran("-C contract accept 2 --key meta.key --recorded-time 2024-02-02T08:00:00Z")
        .at("record 2"),
        contributor(
            Code::UnknownEvent,
            "an end of the opening",
            "contribution end 0 --on 2024-03-01 --reason x",
        )
        .at("EVENT"),
        found(Code::UnknownEvent, "an end of nothing on a log", "record 5", || {
            let (claim, on) = (EventId::from_bytes([7; 32]), day("2024-02-01"));
            let end = ContributionEnd { claim, on, reason: Text::default() };
            Log::honest().says("acme-cloud", Event::ContributionEnded(end))
        }),
    ]
}

fn levels_and_money() -> Vec<Case> {
    vec![
        case(Code::FormatLevel, "a conversion rate on a ledger of format level 1")
            .given(Given::Files)
            .after(|bench| Log::at_level(Level::One, TERMS, vec![]).save(bench, "old"))
            .when("-C old fx set EUR 1.1 --period 2024-01 --source ECB --key acme-cloud.key")
            .at("old"),
        found(
            Code::FormatLevel,
            "a conversion rate on a log of format level 1",
            "record 2",
            || Log::at_level(Level::One, TERMS, vec![]).says("meta", rate("EUR", "1.1")),
        ),
        host(
            Code::AdvanceNotPermitted,
            "an advance that the terms do not provide for",
            "advance pay --to meta --amount 50",
        )
        .at("--to"),
        found(Code::AdvanceNotPermitted, "such an advance on a log", "record 5", || {
            Log::honest().says(
                "acme-cloud",
                Event::AdvancePaid(Advance {
                    to: meta(),
                    amount: Amount::from_whole(50),
                    paid_on: day("2024-03-01"),
                    reference: Text::default(),
                }),
            )
        }),
        found(Code::WithholdingWrong, "more tax than the terms say", "record 4", || {
            payout(11, false)
        }),
        found(Code::WithholdingWrong, "tax on top instead of out of it", "record 4", || {
            payout(10, true)
        }),
    ]
}
