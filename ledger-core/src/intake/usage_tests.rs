//! Usage files: what is refused and where, and what the lines come to.

use proptest::collection::vec;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::select;

use crate::intake::csv::read_csv;
use crate::intake::findings::Usage;
use crate::intake::jsonl::read_jsonl;
use crate::intake::testing::assert_at_marks;
use crate::intake::testing::placed;
use crate::intake::testing::sound_file;
use crate::intake::testing::sound_terms;
use crate::intake::testing::terms_of;
use crate::intake::testing::unmarked;
use crate::limits::ROW_ERRORS_MAX;
use crate::terms::Terms;
use crate::terms::TermsByDay;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::Level;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::Place;
use crate::vocab::exact::Sum;

fn june() -> Period {
    Period::parse("2026-06").expect("a period")
}

fn csv_of(terms: &Terms, bytes: &[u8]) -> Usage {
    read_csv("june.csv", bytes, &TermsByDay::one(terms, Level::One), june())
}

fn jsonl_of(terms: &Terms, bytes: &[u8]) -> Usage {
    read_jsonl("june.jsonl", bytes, &TermsByDay::one(terms, Level::One), june())
}

fn csv(text: &str) -> Usage {
    csv_of(&sound_terms(), text.as_bytes())
}

fn jsonl(text: &str) -> Usage {
    jsonl_of(&sound_terms(), text.as_bytes())
}

fn sums(usage: &Usage) -> UsageSums {
    assert_eq!(usage.problems, []);
    let mut sums = UsageSums::default();
    usage.blocks.iter().for_each(|block| block.add_to(&mut sums));
    sums
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// That a CSV file has exactly these problems, at its marks.
#[track_caller]
fn csv_refused(marked: &str, codes: &[Code]) -> Usage {
    let (text, marks) = unmarked(marked);
    let usage = csv(&text);
    assert_at_marks(&usage.problems, codes, &marks, &text);
    assert!(usage.blocks.is_empty() && usage.problems_total == codes.len() as u64);
    usage
}

/// That a JSON Lines file has exactly these problems, at its marks.
#[track_caller]
fn jsonl_refused(marked: &str, codes: &[Code]) -> Usage {
    let (text, marks) = unmarked(marked);
    let usage = jsonl(&text);
    assert_at_marks(&usage.problems, codes, &marks, &text);
    assert!(usage.blocks.is_empty() && usage.problems_total == codes.len() as u64);
    usage
}

const HEADER: &str = "day,gross,model,application,requests,deduction.refunds\n";

#[test]
fn a_file_comes_to_the_sums_of_its_lines() {
    let usage =
        csv("\u{feff}day,currency,gross,\"model\",territory,requests,deduction.refunds\r\n\
         2026-06-01,USD,10.50,llama-3-70b,EU,3,\r\n\
         2026-06-01,,-0.5,llama-3-70b,EU,,-0.25\r\n\
         2026-06-30,USD,007,\"a \"\"b\"\", c\",,1.5,0");
    let sums = sums(&usage);
    assert_eq!((usage.lines, sums.lines(), sums.keys()), (3, 3, 2));
    let total = sums.total().expect("in bounds");
    let unit = 10i128.pow(12);
    assert_eq!(total.gross, Sum(17 * unit));
    assert_eq!(total.meter(&name("requests")), Sum(9 * unit / 2));
    assert_eq!(total.deduction(&name("refunds")), Sum(-unit / 4));
    let last = sums.iter().last().expect("a key").0;
    assert_eq!(last.attribute(&name("model")), "a \"b\", c");
}

#[test]
fn lines_keep_their_order() {
    let usage = csv("day,gross\n2026-06-02,1\n2026-06-01,2\n2026-06-02,3\n");
    let block = &usage.blocks[0];
    let days: Vec<String> = block
        .parts()
        .key_of
        .iter()
        .map(|key| block.key(usize::from(*key)).expect("a key").day.to_string())
        .collect();
    assert_eq!(days, ["2026-06-02", "2026-06-01", "2026-06-02"]);
}

#[test]
fn a_header_names_known_columns_once() {
    let header = [Code::CsvHeader];
    csv_refused("¦", &header);
    csv_refused("¦\nday,gross\n", &header);
    csv_refused("day,gross,¦colour\n2026-06-01,1,red\n", &header);
    csv_refused("day,gross,¦day\n2026-06-01,1,\n", &header);
    csv_refused("day,gross,¦deduction.taxes\n2026-06-01,1,\n", &header);
    csv_refused("day,gross,model,¦\n2026-06-01,1,a,\n", &header);
    csv_refused("¦gross,model\n1,a\n", &header);
    csv_refused("¦¦¦day;gross\n2026-06-01;1\n", &[Code::CsvHeader; 3]);
    csv_refused("day,gross,¦\"model\n2026-06-01,1,a\n", &header);
    // What can be judged under such a header is judged.
    csv_refused("day,gross,¦colour\n2026-06-01,¦x,red\n", &[Code::CsvHeader, Code::Decimal]);
    let usage = csv("day,gross,teritory\n2026-06-01,1,EU\n");
    assert_eq!(usage.problems[0].hint.as_deref(), Some("did you mean `territory`?"));
}

#[test]
fn a_file_without_lines_is_not_a_nil_report() {
    let usage = csv(HEADER);
    assert_eq!(usage.problems.len(), 1);
    assert_eq!(usage.problems[0].code, Code::ReportEmpty);
    assert_eq!(usage.problems[0].place, Some(Place::Path("june.csv".into())));
    assert!(usage.problems[0].hint.as_deref().is_some_and(|hint| hint.contains("--nil")));
    assert_eq!(jsonl("").problems[0].code, Code::ReportEmpty);
}

#[test]
fn rows_follow_rfc_4180_strictly() {
    let row = [Code::CsvRow];
    let after_header = |rows: &str| format!("{HEADER}{rows}");
    csv_refused(&after_header("2026-06-01,1,a,,,0,¦7\n"), &row);
    csv_refused(&after_header("2026-06-01,1,a¦\n2026-06-01,1,a,,,0\n"), &row);
    csv_refused(&after_header("2026-06-01,1,a,,,0\n¦\n2026-06-01,1,a,,,0\n"), &row);
    csv_refused(&after_header("2026-06-01,1,a¦\"b,,,0\n"), &row);
    csv_refused(&after_header("2026-06-01,1,\"a\"¦b,,,0\n"), &row);
    csv_refused(&after_header("2026-06-01,1,a,,,¦\"0"), &row);
    // One broken row does not hide the next.
    csv_refused(
        &after_header("2026-06-01,1,¦\"a,,,0\n¦2026-06-31,1,a,,,0\n"),
        &[Code::CsvRow, Code::Date],
    );
    csv_refused(&after_header(&format!("¦{}\n", "x".repeat(2 << 20))), &row);
}

#[test]
fn every_line_has_a_day_and_a_gross_amount() {
    csv_refused(&format!("{HEADER}¦,¦,a,,,\n"), &[Code::RowMissing, Code::RowMissing]);
}

#[test]
fn days_are_days_of_the_period_and_the_agreement() {
    csv_refused(
        &format!(
            "{HEADER}¦1.6.2026,1,,,,\n¦2026-05-31,1,,,,\n2026-06-30,1,,,,\n¦2026-07-01,1,,,,\n"
        ),
        &[Code::Date, Code::RowDay, Code::RowDay],
    );
    let january = Period::parse("2026-01").expect("a period");
    let text = "day,gross\n2026-01-15,1\n2026-01-14,1\n";
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    let usage = read_csv("january.csv", text.as_bytes(), &terms, january);
    assert_eq!(placed(&usage.problems), [(Code::RowDay, 3, 1)]);
}

#[test]
fn currencies_are_the_settlement_currency() {
    csv_refused(
        "day,currency,gross\n2026-06-01,¦EUR,1\n2026-06-01,¦usd,1\n2026-06-01,USD,1\n",
        &[Code::RowCurrency, Code::Currency],
    );
}

#[test]
fn numbers_are_plain_decimals() {
    csv_refused(
        &format!(
            "{HEADER}2026-06-01,¦1e3,,,¦\"1,000\",¦+1\n2026-06-01,1,,,¦0.0000000000001,¦NaN\n"
        ),
        &[Code::Decimal; 5],
    );
    csv_refused(&format!("{HEADER}2026-06-01,¦1234567890123456,,,,\n"), &[Code::Decimal]);
}

#[test]
fn attributes_have_allowed_values() {
    let usage = csv_refused(
        &format!("{HEADER}2026-06-01,1,¦a\u{7}b,¦serch,,\n"),
        &[Code::Text, Code::RowAttribute],
    );
    let hint = usage.problems[1].hint.as_deref();
    assert_eq!(hint, Some("allowed are search, content_moderation, customer_service"));
    csv_refused(&format!("{HEADER}2026-06-01,1,¦{},,,\n", "x".repeat(257)), &[Code::Text]);
    csv_refused(&format!("{HEADER}2026-06-01,1,¦e\u{301},,,\n"), &[Code::Text]);
}

#[test]
fn a_line_that_no_rule_matches_is_refused_and_shown() {
    let file = sound_file().replace(
        "id = \"everything-else\"",
        "id = \"everything-else\"\nwhen = { model = \"llama-*\" }",
    );
    let terms = terms_of(&file);
    let text =
        "day,gross,territory,model\n2026-06-01,1,,llama-2\n2026-06-01,1,EU,gemma\n2026-06-01,1,,\n";
    let usage = csv_of(&terms, text.as_bytes());
    assert_eq!(placed(&usage.problems), [(Code::RowRule, 3, 17), (Code::RowRule, 4, 15)]);
    assert!(usage.problems[0].message.contains("model \"gemma\", territory \"EU\""));
}

#[test]
fn files_are_utf8() {
    let mut bytes = format!("{HEADER}2026-06-01,1,M").into_bytes();
    bytes.extend_from_slice(b"\xfcller,,,\n\xff,\xfe1,,,,\n");
    let usage = csv_of(&sound_terms(), &bytes);
    assert_eq!(
        placed(&usage.problems),
        [(Code::FileEncoding, 2, 14), (Code::FileEncoding, 3, 1), (Code::FileEncoding, 3, 3)]
    );
    let utf16: Vec<u8> =
        "\u{feff}day,gross\n".encode_utf16().flat_map(|unit| unit.to_le_bytes()).collect();
    let usage = csv_of(&sound_terms(), &utf16);
    assert_eq!(usage.problems[0].code, Code::FileEncoding);
    let usage = jsonl_of(&sound_terms(), b"{\"day\": \"\xff\"}\n");
    assert_eq!(placed(&usage.problems), [(Code::FileEncoding, 1, 10)]);
}

#[test]
fn a_source_that_breaks_off_is_a_problem() {
    struct Broken(bool);
    impl std::io::Read for Broken {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::Error::other("gone"));
            }
            let text = b"day,gross\n2026-06-01,1\n";
            into[..text.len()].copy_from_slice(text);
            Ok(text.len())
        }
    }
    let terms = sound_terms();
    let terms = TermsByDay::one(&terms, Level::One);
    for usage in [
        read_csv("f", Broken(false), &terms, june()),
        read_csv("f", Broken(true), &terms, june()),
        read_jsonl("f", Broken(true), &terms, june()),
    ] {
        assert!(usage.blocks.is_empty());
        assert!(usage.problems.iter().any(|problem| problem.code == Code::FileRead));
    }
}

#[test]
fn every_row_is_judged_and_a_key_only_once() {
    let rows = "2026-06-01,1,,serch,,\n2026-06-01,x,,serch,,\n".repeat(2);
    let usage = csv(&format!("{HEADER}{rows}"));
    let codes: Vec<(Code, u64)> =
        placed(&usage.problems).into_iter().map(|(code, line, _)| (code, line)).collect();
    let attribute = Code::RowAttribute;
    assert_eq!(
        codes,
        [
            (attribute, 2),
            (Code::Decimal, 3),
            (attribute, 3),
            (attribute, 4),
            (Code::Decimal, 5),
            (attribute, 5)
        ]
    );
}

#[test]
fn problems_beyond_the_bound_are_counted() {
    let mut text = HEADER.to_owned();
    for row in 0..ROW_ERRORS_MAX + 10 {
        text.push_str(&format!("2026-06-01,1,,no{row},,\n"));
    }
    let usage = csv(&text);
    assert_eq!(usage.problems.len(), ROW_ERRORS_MAX);
    assert_eq!(usage.problems_total, ROW_ERRORS_MAX as u64 + 10);
}

#[test]
fn a_long_line_is_shown_cut() {
    let usage = csv(&format!("{HEADER}2026-06-01,x,{},,,\n", "y".repeat(250)));
    let Some(Place::File { text: Some(text), .. }) = &usage.problems[0].place else {
        panic!("{:?}", usage.problems);
    };
    assert_eq!(text.chars().count(), 201);
}

#[test]
fn json_lines_say_the_same_as_csv() {
    let from_json = jsonl(
        "{\"day\": \"2026-06-01\", \"gross\": \"10.50\", \"model\": \"a \\\"b\\\", \\u00fc\", \"requests\": \"3\"}\r\n\
         { \"requests\":\"\", \"gross\":\"1\",\"day\":\"2026-06-02\",\"deduction.refunds\":\"0.5\" }",
    );
    let from_csv =
        csv(&format!("{HEADER}2026-06-01,10.50,\"a \"\"b\"\", ü\",,3,\n2026-06-02,1,,,,0.5\n"));
    assert_eq!(sums(&from_json), sums(&from_csv));
    assert_eq!(from_json.blocks, from_csv.blocks);
}

#[test]
fn json_lines_are_flat_objects_of_known_names_and_strings() {
    let row = [Code::JsonRow];
    let day = "\"day\": \"2026-06-01\"";
    for number in ["12.5", "1", "-3", "true", "null", "[1, {\"a\": 2}]", "{\"a\": \"}\"}"] {
        jsonl_refused(&format!("{{{day}, \"gross\": ¦{number}}}\n"), &row);
    }
    jsonl_refused(&format!("{{{day}, \"gross\": \"1\", ¦\"colour\": \"red\"}}"), &row);
    jsonl_refused(&format!("{{{day}, \"gross\": \"1\", ¦\"day\": \"2026-06-02\"}}"), &row);
    jsonl_refused(&format!("{{{day}, \"gross\": \"1\"}}\n¦\n{{{day}, \"gross\": \"1\"}}\n"), &row);
    jsonl_refused(&format!("{{{day}, \"gross\": \"1\"}} ¦x\n"), &row);
    jsonl_refused("{\"day\": 2026¦-06-01}\n", &row);
    jsonl_refused("¦[\"day\"]\n", &row);
    jsonl_refused(
        &format!("{{{day}, ¦\"x\": \"\", \"gross\": ¦1, \"requests\": ¦2}}\n"),
        &[Code::JsonRow; 3],
    );
}

#[test]
fn json_lines_are_judged_like_csv_rows() {
    jsonl_refused(
        "{\"day\": ¦\"2026-05-01\", \"application\": ¦\"serch\", \"gross\": ¦\"1e3\"}\n\
         ¦{\"day\": \"2026-06-01\"}\n\
         ¦{\"gross\": \"1\"}\n",
        &[Code::RowDay, Code::RowAttribute, Code::Decimal, Code::RowMissing, Code::RowMissing],
    );
}

/// A row: day, gross, model, application, requests, refunds.
type Fields = [String; 6];

fn rows() -> impl Strategy<Value = Vec<Fields>> {
    let number = || (-1_000_000i64..1_000_000, 0u32..7);
    let decimal =
        |(mantissa, scale): (i64, u32)| rust_decimal::Decimal::new(mantissa, scale).to_string();
    let text = select(vec!["", "llama-3", "a,b", "a \"b\"", " c ", "ü"]);
    let application = select(vec!["", "search", "content_moderation"]);
    let row = (1u32..31, number(), text, application, number(), number());
    let fields = row.prop_map(move |(day, gross, model, application, requests, refunds)| {
        [
            format!("2026-06-{day:02}"),
            decimal(gross),
            model.to_owned(),
            application.to_owned(),
            decimal(requests),
            decimal(refunds),
        ]
    });
    vec(fields, 1..40)
}

fn written(rows: &[Fields], style: csv::QuoteStyle) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
    writer.write_record(HEADER.trim_end().split(',')).expect("writes");
    rows.iter().for_each(|row| writer.write_record(row).expect("writes"));
    writer.into_inner().expect("writes")
}

proptest! {
    #[test]
    fn whatever_a_csv_writer_writes_is_read_as_it_was_meant(rows in rows()) {
        let terms = sound_terms();
        let plain = csv_of(&terms, &written(&rows, csv::QuoteStyle::Necessary));
        let quoted = csv_of(&terms, &written(&rows, csv::QuoteStyle::Always));
        assert_eq!(plain.problems, []);
        assert_eq!(plain.blocks, quoted.blocks);
        let names: Vec<&str> = HEADER.trim_end().split(',').collect();
        let json: String = rows
            .iter()
            .map(|row| {
                let object: serde_json::Map<String, serde_json::Value> = names
                    .iter()
                    .zip(row)
                    .map(|(name, text)| ((*name).to_owned(), text.as_str().into()))
                    .collect();
                serde_json::Value::Object(object).to_string() + "\n"
            })
            .collect();
        assert_eq!(plain.blocks, jsonl(&json).blocks);
        let block = &plain.blocks[0];
        for (row, key) in rows.iter().zip(&block.parts().key_of) {
            let key = block.key(usize::from(*key)).expect("a key");
            assert_eq!(key.day.to_string(), row[0]);
            assert_eq!(key.attribute(&name("model")), row[2]);
            assert_eq!(key.attribute(&name("application")), row[3]);
        }
    }

    #[test]
    fn neither_order_nor_splitting_of_lines_changes_the_sums(
        rows in rows(),
        order in vec(any::<u32>(), 40),
    ) {
        let terms = sound_terms();
        let before = sums(&csv_of(&terms, &written(&rows, csv::QuoteStyle::Necessary)));
        // Each row falls into one of 1 and the rest; quantities stay with the first.
        let mut split: Vec<Fields> = Vec::new();
        for row in &rows {
            let gross: rust_decimal::Decimal = row[1].parse().expect("a decimal");
            let mut rest = row.clone();
            rest[1] = (gross - rust_decimal::Decimal::ONE).to_string();
            let mut one = row.clone();
            (one[1], one[4], one[5]) = ("1".into(), String::new(), String::new());
            split.extend([rest, one]);
        }
        let mut keyed: Vec<(u32, Fields)> =
            split.into_iter().zip(order.iter().cycle()).map(|(row, key)| (*key, row)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let split: Vec<Fields> = keyed.into_iter().map(|(_, row)| row).collect();
        let after = sums(&csv_of(&terms, &written(&split, csv::QuoteStyle::Necessary)));
        assert_eq!(after.lines(), 2 * before.lines());
        let amounts = |sums: &UsageSums| -> Vec<_> {
            let amounts = |(key, sums): (crate::usage::LineKey, crate::usage::LineSums)| {
                let refunds = sums.deduction(&name("refunds"));
                (key, sums.gross, sums.meter(&name("requests")), refunds)
            };
            sums.iter().map(amounts).collect()
        };
        assert_eq!(amounts(&before), amounts(&after));
    }

    #[test]
    fn no_bytes_make_the_readers_panic(
        mut text in vec(select(b"\",\n\r{}:[]2026-1.day gross\xff\\".to_vec()), 0..200),
        headed in any::<bool>(),
    ) {
        if headed {
            let body = std::mem::replace(&mut text, HEADER.as_bytes().to_vec());
            text.extend(body);
        }
        let terms = sound_terms();
        for usage in [csv_of(&terms, &text), jsonl_of(&terms, &text)] {
            assert_eq!(usage.blocks.is_empty(), usage.problems_total > 0);
            assert_eq!(usage.problems.len() as u64, usage.problems_total);
        }
    }
}
