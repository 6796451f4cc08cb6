//! Terms files: what is refused, what is warned of, and where.

use proptest::prelude::any;
use proptest::proptest;

use crate::intake::terms::read_terms;
use crate::intake::terms_show::to_toml;
use crate::intake::testing::assert_at_marks;
use crate::intake::testing::key;
use crate::intake::testing::placed;
use crate::intake::testing::random;
use crate::intake::testing::sound_file;
use crate::intake::testing::sound_terms;
use crate::intake::testing::terms_of;
use crate::intake::testing::unmarked;
use crate::vocab::Code;

/// The sound file with a piece replaced by one with marks.
fn spoiled(piece: &str, by: &str) -> (String, Vec<(u64, u64)>) {
    let sound = sound_file();
    assert_eq!(sound.matches(piece).count(), 1, "`{piece}` stands once in the file");
    unmarked(&sound.replace(piece, by))
}

/// That replacing a piece of the sound file gives exactly these problems at the marks.
#[track_caller]
fn refused(piece: &str, by: &str, codes: &[Code]) {
    let (text, marks) = spoiled(piece, by);
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.terms, None, "{text}");
    assert_at_marks(&file.problems, codes, &marks, &text);
}

/// That replacing a piece of the sound file gives exactly these warnings at the marks.
#[track_caller]
fn warned(piece: &str, by: &str, codes: &[Code]) {
    let (text, marks) = spoiled(piece, by);
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.problems, [], "{text}");
    assert_at_marks(&file.warnings, codes, &marks, &text);
}

const METERED: &str = r#"steps = [
  { below = "100", per_unit = { meta = "10" }, flat = { lab = "1" } },
  { per_unit = { meta = "10" }, flat = { lab = "2.5" } },
]"#;
const BY_REVENUE: &str = r#"tiers = { by = "revenue", over = "year", kind = "marginal" }
steps = [
  { up_to = "1000000", share = { meta = "0.15" } },
  { share = { meta = "0.30", lab = "0" } },
]"#;

#[test]
fn sound_terms_are_read_without_a_word() {
    let file = read_terms("terms.toml", sound_file().as_bytes());
    assert_eq!((file.problems, file.warnings), (vec![], vec![]));
    let terms = file.terms.expect("terms");
    assert_eq!(terms.parties.len(), 3);
    assert_eq!(terms.rules.len(), 3);
    assert_eq!(terms.due_days, 45);
    assert!(terms.carry);
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = format!(
        "agreement = {{ title = \"T\", currency = \"JPY\", starts_on = 2026-01-01, calculation = 1 }}\n\
         party = [ {{ id = \"o\", role = \"owner\", key = \"{}\" }}, \
         {{ id = \"c\", role = \"collector\", key = \"{}\" }} ]\n\
         rule = [ {{ id = \"all\", share = {{ o = \"1\" }} }} ]\n",
        key(1),
        key(2)
    );
    let terms = terms_of(&text);
    assert_eq!((terms.due_days, terms.report_due_days, terms.carry), (30, 15, false));
    assert_eq!(terms.period_length.as_str(), "month");
    assert_eq!(terms.rounding.as_str(), "half_even");
    assert!(terms.minimum_payout.is_zero() && terms.meters.is_empty());
}

#[test]
fn syntax_errors_have_a_place() {
    refused("currency = \"USD\"", "currency = ¦USD", &[Code::TermsSyntax]);
    refused("title = \"Llama hosting\"", "title = \"A\"\n¦title = \"B\"", &[Code::TermsSyntax]);
    let mut latin1 = b"[agreement]\ntitle = \"M\xfcller\"\n".to_vec();
    let file = read_terms("terms.toml", &latin1);
    assert_eq!(placed(&file.problems), [(Code::TermsSyntax, 2, 11)]);
    latin1.clear();
    let file = read_terms("terms.toml", &latin1);
    assert_eq!(file.problems.len(), 3, "{:?}", file.problems);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    refused("due_days = 45", "¦due_day = 45", &[Code::TermsUnknownKey]);
    refused("[windows]", "[windows]\n¦colour = 1", &[Code::TermsUnknownKey]);
    refused("[windows]", "[¦extra]\n[windows]", &[Code::TermsUnknownKey]);
    refused("cap = \"0.10\"", "cap = \"0.10\", ¦capp = \"1\"", &[Code::TermsUnknownKey]);
    let (text, _) = spoiled("due_days = 45", "due_day = 45");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.problems[0].hint.as_deref(), Some("did you mean `due_days`?"));
}

#[test]
fn clauses_of_later_releases_are_refused_and_never_ignored() {
    let unsupported = [Code::TermsUnsupported];
    for clause in ["exclusivity", "contribution", "price", "minimum", "cap", "split", "advance"] {
        refused("[windows]", &format!("[[¦{clause}]]\nid = \"x\"\n[windows]"), &unsupported);
    }
    for key in ["late_interest = {}", "withholding = {}"] {
        refused("due_days = 45", &format!("due_days = 45\n¦{key}"), &unsupported);
    }
    for key in ["objection_days = 1", "proposal_lapse_days = 1", "dispute = {}", "audit = {}"] {
        refused("[windows]", &format!("[windows]\n¦{key}"), &unsupported);
    }
    refused("from = \"gross\"", "from = ¦\"priced\"", &unsupported);
    refused("from = \"gross\"", "¦price_tolerance = \"0.01\"", &unsupported);
}

#[test]
fn missing_keys_are_named_at_their_table() {
    let missing = [Code::TermsMissing];
    refused("[agreement]\ntitle = \"Llama hosting\"", "¦[agreement]", &missing);
    refused(
        "[agreement]\ntitle = \"Llama hosting\"\ncurrency = \"USD\"",
        "¦¦[agreement]",
        &[Code::TermsMissing, Code::TermsMissing],
    );
    refused(
        "[[party]]\nid = \"lab\"\nrole = \"beneficiary\"\n",
        "¦[[party]]\nid = \"lab\"\n",
        &missing,
    );
    refused("{ kind = \"refunds\" }", "¦{}", &missing);
    let rule = "[[rule]]\nid = \"moderation\"";
    refused(rule, "¦[[rule]]", &missing);
    refused(
        "[[rule]]\nid = \"metered\"",
        "¦[[rule]]\nid = \"empty\"\n\n[[rule]]\nid = \"metered\"",
        &missing,
    );
    refused(
        "tiers = { by = \"requests\", over = \"period\", kind = \"whole\" }",
        "tiers = ¦¦¦{}",
        &[Code::TermsMissing, Code::TermsMissing, Code::TermsMissing],
    );
    refused(BY_REVENUE, "steps = [ { share = { meta = \"0.1\" } } ]", &[]);
}

#[test]
fn a_missing_table_hides_nothing_else() {
    let text = "[[party]]\nid = \"Meta\"\n[payment]\ndue_days = \"30\"\n";
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(
        placed(&file.problems),
        [
            (Code::TermsMissing, 1, 1),
            (Code::TermsMissing, 1, 1),
            (Code::TermsMissing, 1, 1),
            (Code::TermsMissing, 1, 1),
            (Code::Id, 2, 6),
            (Code::TermsType, 4, 12),
        ],
        "{:#?}",
        file.problems
    );
}

#[test]
fn values_of_another_type_are_refused() {
    let wrong = [Code::TermsType];
    refused("title = \"Llama hosting\"", "title = ¦1", &wrong);
    refused("calculation = 1", "calculation = ¦\"1\"", &wrong);
    refused("starts_on = 2026-01-15", "starts_on = ¦\"2026-01-15\"", &wrong);
    refused("starts_on = 2026-01-15", "starts_on = ¦2026-01-15T00:00:00Z", &wrong);
    refused("carry = true", "carry = ¦\"yes\"", &wrong);
    refused("mode = \"half_up\"", "mode = ¦\"halfup\"", &wrong);
    refused("period = \"month\"", "period = ¦\"year\"", &wrong);
    refused("role = \"owner\"", "role = ¦\"licensor\"", &wrong);
    refused("meters = [\"input_tokens\", \"requests\"]", "meters = [\"requests\", ¦1]", &wrong);
    refused("model = \"llama-3*\"", "model = ¦3", &wrong);
    refused("[windows]\nreport_due_days = 10", "[[¦windows]]\nreport_due_days = 10", &wrong);
    refused("share = { meta = \"0.12\", lab = \"0.03\" }", "share = ¦\"0.12\"", &wrong);
}

#[test]
fn decimals_are_quoted() {
    refused("cap = \"0.10\"", "cap = ¦0.10", &[Code::TermsType]);
    refused("minimum_payout = \"50.25\"", "minimum_payout = ¦50", &[Code::TermsType]);
    let (text, _) = spoiled("cap = \"0.10\"", "cap = 0.10");
    let file = read_terms("terms.toml", text.as_bytes());
    let hint = file.problems[0].hint.clone().expect("a hint");
    assert!(hint.ends_with("write \"0.10\""), "{hint}");
}

#[test]
fn words_keep_to_their_rules() {
    refused("id = \"lab\"", "id = ¦\"Lab\"", &[Code::Id]);
    refused("kind = \"refunds\"", "kind = ¦\"re funds\"", &[Code::Name]);
    refused("currency = \"USD\"", "currency = ¦\"XXQ\"", &[Code::Currency]);
    refused("title = \"Llama hosting\"", "title = ¦\"a\\u001b\"", &[Code::Text]);
    refused("starts_on = 2026-01-15", "starts_on = ¦1969-12-31", &[Code::Date]);
    refused("cap = \"0.10\"", "cap = ¦\"1e-1\"", &[Code::Decimal]);
    refused("cap = \"0.10\"", "cap = ¦\"10\"", &[Code::RateBounds]);
    let sound = key(3);
    refused(&format!("key = \"{sound}\""), "key = ¦\"ssh-rsa AAAA\"", &[Code::Key]);
    let weak = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    refused(&format!("key = \"{sound}\""), &format!("key = ¦\"{weak}\""), &[Code::KeyWeak]);
}

#[test]
fn ids_names_and_keys_are_unique() {
    let twice = [Code::TermsDuplicate];
    refused("id = \"lab\"", "id = ¦\"meta\"", &[Code::TermsDuplicate, Code::TermsReference]);
}

#[test]
fn an_agreement_has_one_collector_and_somebody_to_pay() {
    refused("role = \"beneficiary\"", "role = ¦\"collector\"", &[Code::TermsRoles]);
}
