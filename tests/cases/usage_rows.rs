//! Usage files: rows that cannot be read, and rows that the terms do not provide for.

use revshare_core::vocab::Code;
use revshare_core::vocab::Level;
use serde_json::Value;

use crate::bench::Bench;
use crate::bench::Disk;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::bench::with_keys;
use crate::bench::words;
use crate::case::Case;
use crate::case::case;
use crate::hostile::Log;

const REPORT: &str = "-C acme usage report usage.csv --period 2024-02 --key acme-cloud.key";

/// A report of February from a CSV file; `¦` marks the place that the refusal names.
fn csv(code: Code, about: &'static str, text: &str) -> Case {
    case(code, about).given(Given::InForce).file("usage.csv", text).when(REPORT)
}

/// One row under a header of day, application and gross.
fn row(code: Code, about: &'static str, row: &str) -> Case {
    csv(code, about, &format!("day,application,gross\n2024-02-01,search,1.00\n{row}\n"))
}

/// Likewise, from JSON Lines.
fn json(code: Code, about: &'static str, line: &str) -> Case {
    case(code, about)
        .given(Given::InForce)
        .file("usage.jsonl", line)
        .when("-C acme usage report usage.jsonl --period 2024-02 --key acme-cloud.key")
}

/// A ledger under terms without a rule for everything, in the copy `narrow`.
fn narrow(bench: &Bench) {
    let rest = "[[rule]]\nid = \"everything-else\"\nshare = { meta = \"0.15\" }\n";
    assert!(TERMS.contains(rest));
    bench.write("narrow.toml", with_keys(&TERMS.replace(rest, "")));
    bench.ok("-C narrow init --terms narrow.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z -q");
    bench.ok("-C narrow accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z");
}

/// A ledger whose base is the price list, with prices in one currency, in the copy `priced`.
fn priced(bench: &Bench) {
    let base = "[base]\nfrom = \"priced\"\n";
    let price = "[[price]]\nmeter = \"input_tokens\"\nunit = \"1000000\"\nprice = \"0.72\"\n\
                 from = 2024-01-01\n\n[payment]";
    let terms = TERMS.replace("[base]\n", base).replace("[payment]", price);
    bench.write("priced.toml", with_keys(&terms));
    bench.ok("-C priced init --terms priced.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z -q");
    bench.ok("-C priced accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z");
}

pub fn cases() -> Vec<Case> {
    vec![
        case(Code::FileRead, "a file that is not there")
            .given(Given::InForce)
            .when(REPORT)
            .at("usage.csv"),
        case(Code::FileRead, "a device instead of a file")
            .given(Given::InForce)
            .when("-C acme usage report /dev/zero --period 2024-02 --key acme-cloud.key")
            .at("/dev/zero")
            .saying("it is a device"),
        case(Code::FileRead, "a pipe that nobody writes to")
            .given(Given::InForce)
            .after(|bench| bench.pipe("usage.csv"))
            .when(REPORT)
            .at("usage.csv")
            .saying("nobody writes"),
        case(Code::CsvHeader, "a file of terabytes without content")
            .given(Given::InForce)
            .after(|bench| bench.sparse("usage.csv", b""))
            .when(REPORT)
            .at("usage.csv:1:1"),
        case(Code::ReportTooLarge, "a line that does not end")
            .given(Given::InForce)
            .after(|bench| bench.sparse("usage.csv", b"day,application,gross\n"))
            .when(REPORT)
            .at("usage.csv")
            .saying("line 2 does not end"),
        row(Code::Text, "a letter without ink", "2024-02-01,¦sea\u{3164}rch,1.00"),
        row(Code::Text, "a blank that does not break", "2024-02-01,¦sea\u{a0}rch,1.00"),
        row(Code::Text, "a character of a Unicode to come", "2024-02-01,¦sea\u{378}rch,1.00"),
        case(Code::FileRead, "a folder instead of a file")
            .given(Given::InForce)
            .when("-C acme usage report meta --period 2024-02 --key acme-cloud.key")
            .at("meta"),
        case(Code::FileEncoding, "a file in Latin-1")
            .given(Given::InForce)
            .bytes("usage.csv", b"day,application,gross\n2024-02-01,M\xfcller,1.00\n".to_vec())
            .when(REPORT)
            .at("usage.csv:2:12"),
        csv(Code::CsvHeader, "a column that the terms do not know", "day,gross,¦colour\n"),
        csv(Code::CsvHeader, "columns separated by semicolons", "¦day;gross\n2024-02-01;1\n"),
        csv(Code::CsvHeader, "a column twice", "day,gross,¦gross\n2024-02-01,1,1\n"),
        csv(Code::CsvHeader, "a file without a byte", "").at("usage.csv:1:1"),
        row(Code::CsvRow, "a comma in an amount", "2024-02-01,search,1¦,000.00")
            .at("usage.csv:3:21"),
        row(Code::CsvRow, "a field too few", "2024-02-01,search¦"),
        row(Code::CsvRow, "a quote that is never closed", "2024-02-01,¦\"search,1.00"),
        row(Code::CsvRow, "text behind a quote", "2024-02-01,\"search\"¦x,1.00"),
        row(Code::CsvRow, "an empty line", "¦"),
        json(
            Code::JsonRow,
            "a number that is no string",
            "{\"day\": \"2024-02-01\", \"gross\": ¦1.5}",
        ),
        json(
            Code::JsonRow,
            "an object that is cut off",
            "{\"day\": \"2024-02-01\", \"gross\": \"¦1",
        ),
        json(
            Code::JsonRow,
            "an object within",
            "{\"day\": \"2024-02-01\", \"gross\": ¦{\"usd\": \"1\"}}",
        ),
        row(Code::RowMissing, "a line without a gross amount", "2024-02-01,search,¦"),
        row(Code::RowMissing, "a line without a day", "¦,search,1.00"),
        row(Code::Decimal, "a thousands separator", "2024-02-01,search,¦\"1,000.00\"")
            .saying("thousands separator"),
        row(Code::Decimal, "an exponent", "2024-02-01,search,¦1e3").saying("exponent"),
        row(Code::Decimal, "13 fraction digits", "2024-02-01,search,¦0.0000000000001")
            .saying("12 fraction digits"),
        row(Code::Decimal, "16 integer digits", "2024-02-01,search,¦1000000000000000")
            .saying("15 integer digits"),
        row(Code::Decimal, "no number", "2024-02-01,search,¦NaN").saying("not a number"),
        row(Code::Decimal, "a formula", "2024-02-01,search,¦=cmd|' /C calc'!A0"),
        row(Code::Decimal, "a screen-clearing amount", "2024-02-01,search,¦\u{1b}[2J5"),
        row(Code::Date, "a day that no month has", "¦2024-02-30,search,1.00"),
        row(Code::Date, "a day in another order", "¦01.02.2024,search,1.00"),
        row(Code::RowDay, "a day of another period", "¦2024-03-01,search,1.00"),
        row(Code::Text, "an escape code", "2024-02-01,¦sea\u{1b}[31mrch,1.00"),
        row(Code::Text, "a text that turns the line", "2024-02-01,¦sea\u{202e}rch,1.00"),
        row(Code::RowAttribute, "an application that the terms exclude", "2024-02-01,¦gaming,1.00"),
        row(Code::RowAttribute, "a path for an application", "2024-02-01,¦../../etc/passwd,1.00"),
        case(Code::RowCurrency, "a line in another currency on a ledger of format level 1")
            .given(Given::Files)
            .after(|bench| Log::at_level(Level::One, TERMS, vec![]).save(bench, "old"))
            .file("usage.csv", "day,currency,gross\n2024-02-01,¦EUR,1.00\n")
            .when("-C old usage report usage.csv --period 2024-02 --key acme-cloud.key"),
        case(Code::RowPrice, "a quantity in a currency without a price")
            .given(Given::Files)
            .after(priced)
            .file(
                "usage.csv",
                "day,currency,gross,input_tokens\n2024-02-01,USD,1,1000\n2024-02-02,EUR,1,¦1000\n",
            )
            .when("-C priced usage report usage.csv --period 2024-02 --key acme-cloud.key"),
        csv(Code::Currency, "a line in no currency", "day,currency,gross\n2024-02-01,¦DOGE,1.00\n"),
        case(Code::RowRule, "usage that no rule matches")
            .given(Given::Files)
            .after(narrow)
            .file("usage.csv", "day,application,gross\n2024-02-01,¦search,1.00\n")
            .when("-C narrow usage report usage.csv --period 2024-02 --key acme-cloud.key"),
        csv(Code::ReportEmpty, "a header and no line", "day,gross\n").at("usage.csv"),
        csv(
            Code::AmountBounds,
            "amounts that come to more than a ledger may hold",
            "day,gross\n2024-02-01,999999999999999\n",
        )
        .at("acme"),
    ]
}

/// All bad rows of a file are told at once, each with its line and column; nothing is recorded.
#[test]
fn several_bad_rows_are_told_at_once() {
    let bench = Bench::new(Given::InForce);
    bench.write(
        "usage.csv",
        "day,application,gross\n\
         2024-02-01,search,1.00\n\
         2024-03-01,gaming,1e3\n\
         2024-02-02,search\n\
         \n\
         2024-02-03,search,NaN\n",
    );
    let before = bench.logs();
    let mut args = words(REPORT);
    let told = bench.run(&args, Disk::Sound);
    args.push("--json".to_owned());
    let ran = bench.run(&args, Disk::Sound);
    assert_eq!((told.code, ran.code), (3, 3));
    let document: Value = serde_json::from_str(&ran.err).expect("an error as JSON");
    let errors = document["errors"].as_array().expect("several problems");
    let found: Vec<(u64, u64, &str)> = errors
        .iter()
        .map(|error| {
            let place = |name: &str| error["place"][name].as_u64().unwrap_or_default();
            (place("line"), place("column"), error["code"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        (3, 1, "row-day"),
        (3, 12, "row-attribute"),
        (3, 19, "decimal"),
        (4, 18, "csv-row"),
        (5, 1, "csv-row"),
        (6, 19, "decimal"),
    ];
    assert_eq!(found, expected);
    for (line, column, code) in expected {
        assert!(told.err.contains(&format!("usage.csv:{line}:{column}")), "{}", told.err);
        assert!(told.err.contains(&format!("[{code}]")), "{}", told.err);
    }
    assert!(told.err.contains("6 problems in 5 lines"), "{}", told.err);
    assert!(before == bench.logs());
}
