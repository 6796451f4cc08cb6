//! Usage files under prices, foreign currencies and amended terms.

use crate::intake::csv::read_csv;
use crate::intake::findings::Usage;
use crate::intake::jsonl::read_jsonl;
use crate::intake::testing::assert_at_marks;
use crate::intake::testing::sound_file;
use crate::intake::testing::sound_terms;
use crate::intake::testing::terms_of;
use crate::intake::testing::unmarked;
use crate::intake::testing_clauses::whole_terms;
use crate::terms::Terms;
use crate::terms::TermsByDay;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::exact::Sum;

fn june() -> Period {
    Period::parse("2026-06").expect("a period")
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

/// The sound terms until mid-June, and others from then on.
fn amended<'a>(before: &'a Terms, after: &'a Terms) -> TermsByDay<'a> {
    let agreement = (before.starts_on, after.ends_on);
    TermsByDay::new(before, [(day("2026-06-15"), after)], agreement, Level::Two)
}

fn sums(usage: &Usage) -> UsageSums {
    assert_eq!(usage.problems, []);
    let mut sums = UsageSums::default();
    usage.blocks.iter().for_each(|block| block.add_to(&mut sums));
    sums
}

#[track_caller]
fn csv_comes_to(terms: &TermsByDay, marked: &str, codes: &[Code]) -> Usage {
    let (text, marks) = unmarked(marked);
    let usage = read_csv("june.csv", text.as_bytes(), terms, june());
    assert_at_marks(&usage.problems, codes, &marks, &text);
    assert_eq!(usage.blocks.is_empty(), !codes.is_empty());
    usage
}

#[track_caller]
fn jsonl_comes_to(terms: &TermsByDay, marked: &str, codes: &[Code]) -> Usage {
    let (text, marks) = unmarked(marked);
    let usage = read_jsonl("june.jsonl", text.as_bytes(), terms, june());
    assert_at_marks(&usage.problems, codes, &marks, &text);
    usage
}

#[test]
fn other_currencies_need_level_two() {
    let terms = sound_terms();
    let text = |mark: &str| {
        format!("day,currency,gross\n2026-06-01,{mark}EUR,1\n2026-06-01,,2\n2026-06-01,USD,3\n")
    };
    csv_comes_to(&TermsByDay::one(&terms, Level::One), &text("¦"), &[Code::RowCurrency]);
    let usage = csv_comes_to(&TermsByDay::one(&terms, Level::Two), &text(""), &[]);
    let sums = sums(&usage);
    let gross: Vec<(String, Sum)> =
        sums.iter().map(|(key, sums)| (key.currency.to_string(), sums.gross)).collect();
    let one = 10i128.pow(12);
    assert_eq!(gross, [("EUR".to_owned(), Sum(one)), ("USD".to_owned(), Sum(5 * one))]);
    let two = TermsByDay::one(&terms, Level::Two);
    csv_comes_to(&two, "day,currency,gross\n2026-06-01,¦EURO,1\n", &[Code::Currency]);
    let json = "{\"day\": \"2026-06-01\", \"currency\": \"JPY\", \"gross\": \"1\"}";
    jsonl_comes_to(&two, json, &[]);
}

#[test]
fn gross_may_be_left_out_where_the_base_is_priced() {
    let (gross, priced) = (sound_terms(), whole_terms());
    let by_price = TermsByDay::one(&priced, Level::Two);
    let text = "day,model,input_tokens\n2026-06-01,llama-3,5\n";
    let usage = csv_comes_to(&by_price, text, &[]);
    assert_eq!(sums(&usage).total().expect("in bounds").gross, Sum(0));
    csv_comes_to(&by_price, "day,gross,model\n2026-06-01,,\n2026-06-01,2,\n", &[]);
    csv_comes_to(&by_price, "¦model,input_tokens\nllama-3,5\n", &[Code::CsvHeader]);
    jsonl_comes_to(&by_price, "{\"day\": \"2026-06-01\", \"requests\": \"5\"}", &[]);
    let by_gross = TermsByDay::one(&gross, Level::Two);
    csv_comes_to(&by_gross, &format!("¦{text}"), &[Code::CsvHeader]);
    // From mid-June on the base is priced; before, gross is needed.
    let both = amended(&gross, &priced);
    let rows = "day,gross\n2026-06-14,¦\n2026-06-15,\n2026-06-14,1\n";
    csv_comes_to(&both, rows, &[Code::RowMissing]);
    csv_comes_to(&both, "day\n¦2026-06-14\n2026-06-15\n", &[Code::RowMissing]);
    let rows = "¦{\"day\": \"2026-06-14\"}\n{\"day\": \"2026-06-15\"}\n";
    jsonl_comes_to(&both, rows, &[Code::RowMissing]);
}

#[test]
fn quantities_of_priced_meters_have_a_price() {
    let terms = whole_terms();
    let terms = TermsByDay::one(&terms, Level::Two);
    let header = "day,currency,model,territory,input_tokens,requests\n";
    let rows = |rows: &str| format!("{header}{rows}");
    // Llama 3 has a price in dollars, and in the EU one in euros; requests have no price at all.
    csv_comes_to(&terms, &rows("2026-06-01,USD,llama-3-8b,,7,9\n"), &[]);
    csv_comes_to(&terms, &rows("2026-06-01,EUR,llama-3-8b,EU,7,9\n"), &[]);
    let price = [Code::RowPrice];
    let usage = csv_comes_to(&terms, &rows("2026-06-01,EUR,llama-3-8b,,¦7,9\n"), &price);
    let message = &usage.problems[0].message;
    assert!(message.contains("EUR on 2026-06-01 for model \"llama-3-8b\""), "{message}");
    csv_comes_to(
        &terms,
        &rows("2026-06-01,USD,gemma,,¦7,9\n2026-06-01,,gemma,,¦-1,9\n"),
        &[Code::RowPrice, Code::RowPrice],
    );
    // Nothing is no quantity, however it is written.
    csv_comes_to(&terms, &rows("2026-06-01,USD,gemma,,0.00,9\n2026-06-01,,gemma,,,9\n"), &[]);
    jsonl_comes_to(
        &terms,
        "{\"day\": \"2026-06-01\", \"model\": \"gemma\", \"input_tokens\": ¦\"1\"}",
        &price,
    );
    // A reported gross changes nothing about that.
    csv_comes_to(&terms, "day,gross,input_tokens\n2026-06-01,5,¦1\n", &price);
}

#[test]
fn a_price_holds_from_its_day() {
    let file = crate::intake::testing_clauses::whole_file();
    let later = terms_of(&file.replacen("from = 2026-01-01", "from = 2026-06-10", 1));
    let later = TermsByDay::one(&later, Level::Two);
    let text = "day,model,input_tokens\n2026-06-09,llama-3,¦5\n2026-06-10,llama-3,5\n";
    csv_comes_to(&later, text, &[Code::RowPrice]);
}

#[test]
fn lines_are_judged_by_the_terms_of_their_day() {
    let before = sound_terms();
    let after = sound_file()
        .replace("\"requests\"]\n", "\"output_tokens\"]\n")
        .replace("by = \"requests\"", "by = \"output_tokens\"")
        .replace("kind = \"refunds\"", "kind = \"taxes\"")
        .replace("model = \"llama-3*\"", "tier = \"llama-3*\"")
        .replace("\"customer_service\"]", "\"agents\"]")
        .replace(
            "id = \"everything-else\"",
            "id = \"everything-else\"\nwhen = { territory = \"?*\" }".replace('?', "E").as_str(),
        );
    let after = terms_of(&after);
    let terms = amended(&before, &after);
    let lines = Code::LinesNotAdmissible;
    let refused = |text: &str, codes: &[Code]| csv_comes_to(&terms, text, codes);
    let header = "day,gross,territory,requests,output_tokens,deduction.refunds,deduction.taxes\n";
    let rows = |rows: &str| format!("{header}{rows}");
    refused(&rows("2026-06-14,1,EU,5,,1,\n2026-06-15,1,EU,,5,,1\n"), &[]);
    refused(
        &rows("2026-06-14,1,EU,5,¦5,1,¦1\n2026-06-15,1,EU,¦5,5,¦1,1\n2026-06-14,1,EU,,0,,0\n"),
        &[lines; 4],
    );
    // The problems of a line stand in the order of its columns, also with others.
    refused(&rows("2026-06-14,¦x,EU,5,¦5,¦y,\n"), &[Code::Decimal, lines, Code::Decimal]);
    // An attribute that only one version knows.
    refused("day,gross,territory,tier\n2026-06-14,1,EU,¦x\n2026-06-15,1,EU,x\n", &[lines]);
    // A value that only one version allows.
    let values = "day,gross,territory,application\n2026-06-14,1,EU,customer_service\n\
                  2026-06-15,1,EU,¦customer_service\n2026-06-15,1,EU,agents\n\
                  2026-06-14,1,EU,¦agents\n";
    let usage = refused(values, &[Code::RowAttribute, Code::RowAttribute]);
    let hint = usage.problems[0].hint.as_deref();
    assert_eq!(hint, Some("allowed are agents, content_moderation, search"));
    // A rule that only one version has.
    let unmatched = "day,gross,territory\n2026-06-14,1,US\n2026-06-15,1,¦US\n";
    refused(unmatched, &[Code::RowRule]);
    // On a day that cannot be read, what the day's terms say is not known.
    refused("day,gross,territory\n¦2026-06-31,1,US\n", &[Code::Date]);
    refused("day,gross,¦colour\n2026-06-14,1,red\n", &[Code::CsvHeader]);
    let json = "{\"day\": \"2026-06-14\", \"gross\": \"1\", \"output_tokens\": ¦\"5\"}\n\
                {\"day\": \"2026-06-15\", \"gross\": \"1\", \"territory\": \"EU\", \
                \"output_tokens\": \"5\"}\n";
    jsonl_comes_to(&terms, json, &[lines]);
}

#[test]
fn the_agreement_ends_where_its_last_version_says() {
    let terms = sound_terms();
    let shorter =
        TermsByDay::new(&terms, [], (terms.starts_on, Some(day("2026-06-20"))), Level::Two);
    let text = "day,gross\n2026-06-19,1\n¦2026-06-20,1\n";
    csv_comes_to(&shorter, text, &[Code::RowDay]);
}
