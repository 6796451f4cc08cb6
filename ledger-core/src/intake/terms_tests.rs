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
use crate::limits::TERMS_ERRORS_MAX;
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
    let last = format!("[[rule]]\nid = \"everything-else\"\n{BY_REVENUE}");
    let without_tiers = "¦[[rule]]\nid = \"all\"\nsteps = [ { share = { meta = \"0.1\" } } ]";
    refused(&last, without_tiers, &missing);
    let rules = sound_file();
    let rules = &rules[rules.find("[[rule]]").expect("rules")..];
    let rules = &rules[..rules.find("[limits]").expect("limits")];
    let (text, _) = spoiled(rules, "");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsMissing, 1, 1)]);
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
    refused("[windows]\nreport_due_days = 10", "¦[[windows]]\nreport_due_days = 10", &wrong);
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
    refused(
        "[base]",
        &format!("[[party]]\nid = ¦\"meta\"\nrole = \"auditor\"\nkey = \"{}\"\n[base]", key(9)),
        &twice,
    );
    let (lab, meta, recovery) = (key(3), key(1), key(4));
    refused(&format!("key = \"{lab}\""), &format!("key = ¦\"{meta}\""), &twice);
    refused(&format!("key = \"{lab}\""), &format!("key = ¦\"{recovery}\""), &twice);
    refused(&format!("y_key = \"{recovery}\""), &format!("y_key = ¦\"{meta}\""), &twice);
    refused("[\"input_tokens\", \"requests\"]", "[\"requests\", ¦\"requests\"]", &twice);
    for taken in ["day", "currency", "gross", "model", "revenue"] {
        refused("\"input_tokens\"", &format!("¦\"{taken}\""), &twice);
    }
    refused("kind = \"infrastructure\"", "kind = ¦\"refunds\"", &twice);
    refused("id = \"metered\"", "id = ¦\"moderation\"", &twice);
    refused("\"customer_service\"]", "¦\"search\"]", &twice);
}

#[test]
fn an_agreement_has_one_collector_and_somebody_to_pay() {
    let roles = [Code::TermsRoles];
    refused(
        "[base]",
        &format!("[[party]]\nid = \"h\"\nrole = ¦\"collector\"\nkey = \"{}\"\n[base]", key(9)),
        &roles,
    );
    let text = sound_file().replace("\"collector\"", "\"auditor\"");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsRoles, 11, 1)]);
    let text = format!(
        "[agreement]\ntitle = \"T\"\ncurrency = \"USD\"\nstarts_on = 2026-01-01\ncalculation = 1\n\
         [[party]]\nid = \"c\"\nrole = \"collector\"\nkey = \"{}\"\n\
         [[rule]]\nid = \"all\"\nshare = {{ c = \"0.1\" }}\n",
        key(1)
    );
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsRoles, 6, 1), (Code::TermsReference, 12, 11)]);
}

#[test]
fn clauses_name_what_is_declared_and_pay_who_may_be_paid() {
    let reference = [Code::TermsReference];
    refused("lab = \"0.03\"", "¦labb = \"0.03\"", &reference);
    refused("lab = \"0.03\"", "¦acme-cloud = \"0.03\"", &reference);
    refused("by = \"requests\"", "by = ¦\"request\"", &reference);
    refused("when = { application = [\"search\"] }", "when = { ¦requests = \"1\" }", &reference);
    refused("when = { application = [\"search\"] }", "when = { ¦gross = \"1\" }", &reference);
    refused("[attributes]", "[attributes]\n¦day = [\"1\"]", &reference);
    refused(
        "{ up_to = \"1000000\", share = { meta = \"0.15\" } },",
        "{ up_to = \"1000000\", per_unit = ¦{ meta = \"0.15\" } },",
        &reference,
    );
}

/// That the rule by revenue, with these steps in place of its own, has these problems.
#[track_caller]
fn steps_refused(steps: &str, codes: &[Code]) {
    let tiers = "tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }";
    refused(BY_REVENUE, &format!("{tiers}\nsteps = {steps}"), codes);
}

#[test]
fn steps_rise_and_only_the_last_is_open() {
    let steps = [Code::TermsSteps];
    steps_refused("¦[]", &steps);
    steps_refused("[ { up_to = ¦\"100\", share = { meta = \"0.1\" } } ]", &steps);
    steps_refused("[ ¦{ share = { meta = \"0.1\" } }, { share = { meta = \"0.1\" } } ]", &steps);
    steps_refused(
        "[ { up_to = ¦\"0\", flat = { meta = \"1\" } }, { flat = { meta = \"1\" } } ]",
        &steps,
    );
    steps_refused(
        "[ { up_to = ¦\"-5\", flat = { meta = \"1\" } }, { flat = { meta = \"1\" } } ]",
        &steps,
    );
    steps_refused(
        "[ { up_to = \"10\", flat = { meta = \"1\" } }, { below = ¦\"10\", flat = { meta = \"1\" } }, \
         { up_to = ¦\"9\", flat = { meta = \"1\" } }, { flat = { meta = \"1\" } } ]",
        &[Code::TermsSteps, Code::TermsSteps],
    );
    steps_refused(
        "[ { up_to = \"10\", below = ¦\"11\", flat = { meta = \"1\" } }, { flat = { meta = \"1\" } } ]",
        &steps,
    );
    refused(BY_REVENUE, &format!("share = ¦{{ meta = \"0.1\" }}\n{BY_REVENUE}"), &steps);
}

#[test]
fn shares_are_not_negative_and_come_to_one_at_most() {
    let share = [Code::TermsShare];
    refused("meta = \"0.12\"", "meta = ¦\"-0.12\"", &share);
    steps_refused("[ { flat = { meta = ¦\"-1\" } } ]", &share);
    refused("flat = { lab = \"1\" }", "share = { lab = ¦\"-1\" }", &share);
    // The ceiling of 0.40 keeps these two within everything; without it they are not.
    let text = sound_file().replace("meta = \"0.12\"", "meta = \"0.98\"");
    terms_of(&text);
    let text = text.replace("rate_ceiling = \"0.40\"\n", "");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsShare, 34, 9)]);
    // A floor lifts shares that are within everything by themselves: two of 0.51.
    let text = sound_file()
        .replace("rate_floor = \"0.01\"", "rate_floor = \"0.51\"")
        .replace("rate_ceiling = \"0.40\"", "rate_ceiling = \"0.60\"");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsShare, 34, 9), (Code::TermsShare, 50, 13)]);
}

#[test]
fn counts_and_values_stay_within_bounds() {
    let limits = [Code::TermsLimits];
    refused("cap = \"0.10\"", "cap = ¦\"-0.10\"", &limits);
    refused("rate_floor = \"0.01\"", "rate_floor = ¦\"-0.01\"", &limits);
    refused("rate_floor = \"0.01\"", "rate_floor = ¦\"0.5\"", &limits);
    refused("due_days = 45", "due_days = ¦3651", &limits);
    refused("due_days = 45", "due_days = ¦-1", &limits);
    refused("minimum_payout = \"50.25\"", "minimum_payout = ¦\"-1\"", &limits);
    refused("minimum_payout = \"50.25\"", "minimum_payout = ¦\"50.255\"", &[Code::MinorUnit]);
    refused("application = [\"search\"]", "application = ¦[]", &limits);
    refused("[attributes]", "[attributes]\nmodel = ¦[]", &limits);
    let many: Vec<String> = (0..33).map(|n| format!("\"m{n}\"")).collect();
    refused(
        "[\"input_tokens\", \"requests\"]",
        &format!("¦[\"requests\", {}]", many.join(", ")),
        &limits,
    );
    let steps: String =
        (1..=64).map(|n| format!("{{ up_to = \"{n}\", flat = {{ meta = \"1\" }} }}, ")).collect();
    steps_refused(&format!("¦[ {steps} {{ flat = {{ meta = \"1\" }} }} ]"), &limits);
    let known: String = (0..29).map(|n| format!("a{n:02} = [\"x\"]\n")).collect();
    refused(
        "[attributes]",
        &format!("[attributes]\n{known}¦a29 = [\"x\"]\na30 = [\"x\"]"),
        &limits,
    );
}

#[test]
fn dates_and_versions_make_sense() {
    refused("ends_on = 2029-01-01", "ends_on = ¦2026-01-15", &[Code::TermsDates]);
    refused("calculation = 1", "calculation = ¦2", &[Code::TermsCalculation]);
    refused("calculation = 1", "calculation = ¦-1", &[Code::TermsCalculation]);
}

#[test]
fn a_whole_tier_where_more_usage_costs_less_is_warned_of() {
    let cheaper = [Code::WarnWholeCheaper];
    let whole = |tiers: &str, steps: &str| {
        format!(
            "tiers = {{ by = {tiers}, over = \"year\", kind = \"whole\" }}\nsteps = [ {steps} ]"
        )
    };
    let by_revenue = |steps: &str| whole("\"revenue\"", steps);
    // 15 units at 10 are 150, 16 units at 5 are 80.
    let by_meter = |steps: &str| whole("\"requests\"", steps);
    let units =
        "{ up_to = ¦\"15\", per_unit = { meta = \"10\" } }, { per_unit = { meta = \"5\" } }";
    warned(BY_REVENUE, &by_meter(units), &cheaper);
    let shares =
        "{ up_to = ¦\"1000\", share = { meta = \"0.3\" } }, { share = { meta = \"0.2\" } }";
    warned(BY_REVENUE, &by_revenue(shares), &cheaper);
    warned(BY_REVENUE, &by_meter(shares), &cheaper);
    let one_of_two = "{ up_to = ¦\"1000\", share = { meta = \"0.3\", lab = \"0.1\" } }, \
                      { share = { meta = \"0.4\" } }";
    warned(BY_REVENUE, &by_revenue(one_of_two), &cheaper);
    // A flat amount makes up for the lower share, exactly.
    let made_up = "{ up_to = \"1000\", share = { meta = \"0.3\" } }, \
                   { share = { meta = \"0.2\" }, flat = { meta = \"100\" } }";
    warned(BY_REVENUE, &by_revenue(made_up), &[]);
    // The floor of 0.01 makes both shares the same.
    let floored =
        "{ up_to = \"1000\", share = { meta = \"0.005\" } }, { share = { meta = \"0.001\" } }";
    warned(BY_REVENUE, &by_revenue(floored), &[]);
    // A rising share may outweigh a falling unit price: not certain.
    let mixed = "{ up_to = \"1000\", share = { meta = \"0.1\" }, per_unit = { meta = \"2\" } }, \
                 { share = { meta = \"0.2\" }, per_unit = { meta = \"1\" } }";
    warned(BY_REVENUE, &by_meter(mixed), &[]);
    warned(METERED, METERED, &[]);
}

#[test]
fn a_rule_that_never_applies_is_warned_of() {
    let unreachable = [Code::WarnRuleUnreachable];
    let before_metered = |when: &str, mark: &str| {
        format!(
            "[[rule]]\nid = \"wide\"\n{when}\nshare = {{ meta = \"0.1\" }}\n\
             {mark}[[rule]]\nid = \"metered\""
        )
    };
    let metered = "[[rule]]\nid = \"metered\"";
    warned(metered, &before_metered("when = { application = \"s*\" }", "¦"), &unreachable);
    warned(metered, &before_metered("when = { application = \"s*h\" }", "¦"), &unreachable);
    warned(
        metered,
        &before_metered("when = { application = \"s*\", model = \"**\" }", "¦"),
        &unreachable,
    );
    warned(metered, &before_metered("when = { application = \"c*\" }", ""), &[]);
    warned(metered, &before_metered("when = { application = \"search\", model = \"a\" }", ""), &[]);
    // Every allowed value, and none at all, is covered one by one.
    let each = "when = { application = [\"\", \"search\", \"c*\"] }";
    let text = sound_file().replace(metered, &before_metered(each, ""));
    let file = read_terms("terms.toml", text.as_bytes());
    let codes: Vec<Code> = file.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, [Code::WarnRuleUnreachable, Code::WarnRuleUnreachable]);
    // A pattern that no allowed value matches.
    warned("application = [\"search\"]", "application = [\"search\", ¦\"serch\"]", &unreachable);
    warned("application = [\"search\"]", "application = [\"search\", \"\"]", &[]);
}

#[test]
fn terms_without_a_rule_for_everything_are_warned_of() {
    let last = format!("[[rule]]\nid = \"everything-else\"\n{BY_REVENUE}\n\n");
    let text = sound_file().replace(&last, "");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.warnings), [(Code::WarnNoCatchAll, 36, 1)]);
}

#[test]
fn rules_and_steps_that_owe_nothing_are_warned_of() {
    let nothing = [Code::WarnNothingOwed];
    warned("share = { meta = \"0.12\", lab = \"0.03\" }", "share = ¦{}", &nothing);
    warned(
        "{ up_to = \"1000000\", share = { meta = \"0.15\" } },",
        "¦{ up_to = \"1000000\" },",
        &nothing,
    );
}

#[test]
fn problems_stand_in_the_order_of_the_file() {
    let text = sound_file()
        .replace("due_days = 45", "due_days = 4500\nextra = 1")
        .replace("calculation = 1", "calculation = 7")
        .replace("\"0.03\"", "\"-0.03\"");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(
        placed(&file.problems),
        [
            (Code::TermsCalculation, 7, 15),
            (Code::TermsShare, 34, 32),
            (Code::TermsLimits, 58, 12),
            (Code::TermsUnknownKey, 59, 1),
        ]
    );
}

#[test]
fn sound_terms_survive_being_written() {
    let terms = sound_terms();
    assert_eq!(terms_of(&to_toml(&terms)), terms);
}

/// The first problems are listed, all are counted, and no work is done for those beyond.
#[test]
fn a_file_of_unknown_keys_is_read_in_one_go() {
    let text: String = (0..300_000).map(|at| format!("titel{at} = 1\n")).collect();
    let file = read_terms("terms.toml", text.as_bytes());
    assert!(file.terms.is_none());
    assert_eq!(file.problems.len(), TERMS_ERRORS_MAX);
    assert!(file.problems_total > 300_000);
    placed(&file.problems);
}

proptest! {
    #[test]
    fn terms_survive_being_written(seed in any::<u64>()) {
        let terms = random::terms(seed);
        let text = to_toml(&terms);
        let again = terms_of(&text);
        assert_eq!(again, terms, "{text}");
        assert_eq!(to_toml(&again), text);
    }

    #[test]
    fn no_file_makes_the_reader_panic(at in 0usize..2000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = sound_file().into_bytes();
        match (cut, text.get_mut(at)) {
            (true, _) => text.truncate(at),
            (false, Some(there)) => *there = byte,
            (false, None) => {}
        }
        let file = read_terms("terms.toml", &text);
        assert_eq!(file.terms.is_none(), !file.problems.is_empty());
        placed(&file.problems);
    }
}
