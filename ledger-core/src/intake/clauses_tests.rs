//! Terms files with every clause: what is refused, what is warned of, and where.

use proptest::prelude::any;
use proptest::proptest;

use crate::intake::terms::read_terms;
use crate::intake::terms_show::to_toml;
use crate::intake::testing::assert_at_marks;
use crate::intake::testing::placed;
use crate::intake::testing::sound_file;
use crate::intake::testing::terms_of;
use crate::intake::testing::unmarked;
use crate::intake::testing_clauses::random_terms;
use crate::intake::testing_clauses::whole_file;
use crate::intake::testing_clauses::whole_terms;
use crate::terms::body::AuditBase;
use crate::terms::body::BaseFrom;
use crate::terms::body::OnSilence;
use crate::terms::body::Window;
use crate::vocab::Code;

fn spoiled(piece: &str, by: &str) -> (String, Vec<(u64, u64)>) {
    let whole = whole_file();
    assert_eq!(whole.matches(piece).count(), 1, "`{piece}` stands once in the file");
    unmarked(&whole.replace(piece, by))
}

/// That replacing a piece of the whole file gives exactly these problems at the marks.
#[track_caller]
fn refused(piece: &str, by: &str, codes: &[Code]) {
    let (text, marks) = spoiled(piece, by);
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.terms, None, "{text}");
    assert_at_marks(&file.problems, codes, &marks, &text);
}

/// That replacing a piece of the whole file gives exactly these warnings at the marks.
#[track_caller]
fn warned(piece: &str, by: &str, codes: &[Code]) {
    let (text, marks) = spoiled(piece, by);
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.problems, [], "{text}");
    assert_at_marks(&file.warnings, codes, &marks, &text);
}

const CAP: &str = "[[cap]]\nto = \"lab\"\namount = \"5000000\"\nover = \"lifetime\"";
const SPLIT: &str = "[[split]]\nof = \"meta\"";
const ADVANCE: &str = "[[advance]]\nto = \"meta\"";
const FIRST_PRICE: &str = "model = [\"llama-3*\"]\nunit = \"1000000\"\nprice = \"0.72\"";

#[test]
fn terms_with_every_clause_are_read_without_a_word() {
    let file = read_terms("terms.toml", whole_file().as_bytes());
    assert_eq!((file.problems, file.warnings), (vec![], vec![]));
    let terms = file.terms.expect("terms");
    assert_eq!(terms.base_from, BaseFrom::Priced);
    assert_eq!(terms.price_tolerance.to_string(), "0.01");
    let prices: Vec<(&str, String)> =
        terms.prices.iter().map(|one| (one.currency.code(), one.from.to_string())).collect();
    assert_eq!(prices, [("USD", "2026-01-01".to_owned()), ("EUR", "2026-03-01".to_owned())]);
    assert_eq!(terms.prices[0].when[0].attribute.as_str(), "model");
    let ids: Vec<&str> = terms.exclusivities.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["eu-search", "for-ever"]);
    assert_eq!(terms.exclusivities[1].to, None);
    let add: Vec<&str> = terms.exclusivities[0].add.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(add, ["lab", "meta"]);
    assert_eq!(terms.contributions[0].by.as_str(), "acme-cloud");
    let windows: Vec<Window> = terms.minimums.iter().map(|one| one.over).collect();
    assert_eq!(windows, [Window::Year, Window::Lifetime]);
    assert_eq!(terms.caps[0].to.as_str(), "lab");
    assert_eq!(terms.splits[0].parts[1].weight.to_string(), "20.5");
    assert_eq!(terms.advances.len(), 1);
    let days: Vec<String> = terms.late_interest.iter().map(|(day, _)| day.to_string()).collect();
    assert_eq!(days, ["2026-01-01", "2027-01-01"]);
    let (party, tax) = &terms.withholding[1];
    assert_eq!((party.as_str(), tax.gross_up), ("meta", true));
    assert!(!terms.withholding[0].1.gross_up);
    assert_eq!((terms.objection_days, terms.proposal_lapse_days), (60, 30));
    let dispute = terms.dispute.expect("a dispute");
    assert_eq!((dispute.response_days, dispute.escalate_after_days), (30, 61));
    assert_eq!(dispute.on_silence, OnSilence::Escalate);
    let audit = terms.audit.expect("an audit");
    assert_eq!((audit.lookback_months, audit.of), (24, AuditBase::Reported));
}

#[test]
fn terms_without_the_clauses_have_their_defaults() {
    let terms = terms_of(&sound_file());
    assert!(!terms.needs_level_two());
    assert_eq!((terms.objection_days, terms.proposal_lapse_days), (90, 90));
    assert!(whole_terms().needs_level_two());
}

#[test]
fn one_rate_of_late_interest_holds_from_the_first_day() {
    let file = sound_file();
    let one = |value: &str| {
        let with = format!("due_days = 45\nlate_interest = {value}");
        terms_of(&file.replace("due_days = 45", &with)).late_interest.clone()
    };
    let short = one("{ rate = \"0.08\", day_count = \"act/365\" }");
    assert_eq!(short, one("[ { from = 1970-01-01, rate = \"0.08\" } ]"));
    assert_eq!(short.len(), 1);
    let headed = file.replace("[windows]", "[payment.late_interest]\nrate = \"0.08\"\n[windows]");
    assert_eq!(terms_of(&headed).late_interest, short);
    let rows = "[[payment.late_interest]]\nfrom = 1970-01-01\nrate = \"0.08\"\n[windows]";
    assert_eq!(terms_of(&file.replace("[windows]", rows)).late_interest, short);
}

#[test]
fn unknown_keys_are_refused_in_every_table() {
    let unknown = [Code::TermsUnknownKey];
    refused("price_tolerance = \"0.01\"", "¦price_tolerence = \"0.01\"", &unknown);
    refused(FIRST_PRICE, &format!("¦colour = 1\n{FIRST_PRICE}"), &unknown);
    refused("id = \"eu-search\"", "id = \"eu-search\"\n¦by = \"meta\"", &unknown);
    refused("id = \"safety-tuning\"", "id = \"safety-tuning\"\n¦from = 2026-01-01", &unknown);
    refused(CAP, &format!("{CAP}\n¦id = \"c\""), &unknown);
    refused(SPLIT, &format!("{SPLIT}\n¦to = \"lab\""), &unknown);
    refused("weight = \"80\"", "weight = \"80\", ¦of = \"lab\"", &unknown);
    refused(ADVANCE, &format!("{ADVANCE}\n¦amount = \"1\""), &unknown);
    refused("gross_up = true", "gross_up = true, ¦gros_up = true", &unknown);
    refused("rate = \"0.09\"", "rate = \"0.09\", ¦until = 2028-01-01", &unknown);
    refused("on_silence = \"escalate\"", "on_silence = \"escalate\", ¦days = 1", &unknown);
    refused("of = \"reported\"", "of = \"reported\", ¦months = 1", &unknown);
    refused("[limits]", "[[¦minimums]]\nto = \"meta\"\n[limits]", &unknown);
    let (text, _) = spoiled("objection_days = 60", "objecton_days = 60");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(file.problems[0].hint.as_deref(), Some("did you mean `objection_days`?"));
}

#[test]
fn missing_keys_are_named_at_their_table() {
    let missing = |count: usize| vec![Code::TermsMissing; count];
    let before = |table: &str| format!("{table}\n[limits]");
    refused("[limits]", &before("¦¦¦¦[[price]]"), &missing(4));
    refused("[limits]", &before("¦¦¦[[exclusivity]]"), &missing(3));
    refused("[limits]", &before("¦¦¦[[contribution]]"), &missing(3));
    refused("[limits]", &before("¦¦¦[[minimum]]"), &missing(3));
    refused("[limits]", &before("¦¦¦[[cap]]"), &missing(3));
    refused("[limits]", &before("¦¦[[split]]"), &missing(2));
    refused("[limits]", &before("¦[[advance]]"), &missing(1));
    refused("{ to = \"meta\", weight = \"80\" }", "¦¦{}", &missing(2));
    refused("{ from = 2027-01-01, rate = \"0.09\" }", "¦¦{}", &missing(2));
    refused("lab = { rate = \"0\" }", "lab = ¦{}", &missing(1));
    let dispute = "{ response_days = 30, on_silence = \"escalate\", escalate_after_days = 61 }";
    refused(dispute, "¦¦¦{}", &missing(3));
    let audit = "{ lookback_months = 24, cost_shift = \"0.05\", of = \"reported\" }";
    refused(audit, "¦¦¦{}", &missing(3));
}

#[test]
fn values_of_another_type_are_refused() {
    let wrong = [Code::TermsType];
    refused("from = \"priced\"", "from = ¦\"price\"", &wrong);
    refused("price = \"0.72\"", "price = ¦0.72", &wrong);
    refused("weight = \"80\"", "weight = ¦80", &wrong);
    refused("to = 2027-03-01", "to = ¦\"2027-03-01\"", &wrong);
    refused("\"act/365\"", "¦\"act/360\"", &wrong);
    refused("\"escalate\"", "¦\"reject\"", &wrong);
    refused("\"reported\"", "¦\"paid\"", &wrong);
    refused("gross_up = true", "gross_up = ¦\"yes\"", &wrong);
    refused("lab = { rate = \"0\" }", "lab = ¦\"0\"", &wrong);
    refused("over = \"year\"\n\n[[min", "over = ¦\"month\"\n\n[[min", &wrong);
    refused("add = { meta = \"0.005\" }", "add = ¦\"0.005\"", &wrong);
    refused("objection_days = 60", "objection_days = ¦\"60\"", &wrong);
    refused("price = \"0.72\"", "price = \"0.72\"\ncurrency = ¦\"XXQ\"", &[Code::Currency]);
    refused("meta = \"-0.01\"", "meta = ¦\"-1.01\"", &[Code::RateBounds]);
    let text = sound_file().replace("due_days = 45", "due_days = 45\nlate_interest = \"0.08\"");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!(placed(&file.problems), [(Code::TermsType, 59, 17)]);
}

#[test]
fn a_price_names_the_model_once() {
    let twice = format!("¦{FIRST_PRICE}\nwhen = {{ model = \"x\" }}");
    refused(FIRST_PRICE, &twice, &[Code::TermsDuplicate]);
    let both = format!("{FIRST_PRICE}\nwhen = {{ territory = \"EU\" }}");
    let terms = terms_of(&whole_file().replace(FIRST_PRICE, &both));
    let names: Vec<&str> = terms.prices[0].when.iter().map(|one| one.attribute.as_str()).collect();
    assert_eq!(names, ["model", "territory"]);
}

#[test]
fn ids_are_unique_over_all_clauses() {
    let twice = [Code::TermsDuplicate];
    refused("id = \"eu-search\"", "id = ¦\"moderation\"", &twice);
    refused("id = \"for-ever\"", "id = ¦\"eu-search\"", &twice);
    refused("id = \"safety-tuning\"", "id = ¦\"for-ever\"", &twice);
    // A clause may have the id of a party.
    warned("id = \"safety-tuning\"", "id = \"meta\"", &[]);
}

#[test]
fn what_may_stand_once_stands_once() {
    let twice = [Code::TermsDuplicate];
    let second = FIRST_PRICE.replace("0.72", "0.80");
    let price = |rest: &str| {
        format!("{FIRST_PRICE}\nfrom = 2026-01-01\n\n{rest}\nmeter = \"input_tokens\"\n{second}")
    };
    refused(FIRST_PRICE, &price("¦[[price]]"), &twice);
    warned(FIRST_PRICE, &price("[[price]]\ncurrency = \"JPY\""), &[]);
    refused("meta = \"0.03\", lab", "meta = \"0.03\", lab = \"0\", ¦lab", &[Code::TermsSyntax]);
    let again = |over: &str| format!("{CAP}\n\n{}", CAP.replace("\"lifetime\"", over));
    refused(CAP, &again("¦\"lifetime\""), &twice);
    warned(CAP, &again("\"year\""), &[]);
    refused("over = \"lifetime\"\n\n[[cap]]", "over = ¦\"year\"\n\n[[cap]]", &twice);
    let split = "[[split]]\nof = \"lab\"\nparts = [ { to = \"lab\", weight = \"1\" } ]\n\n";
    let two = split.replace("\"lab\"\nparts", "\"meta\"\nparts");
    refused(SPLIT, &format!("{two}[[split]]\nof = ¦\"meta\""), &twice);
    refused("{ to = \"lab\", weight", "{ to = ¦\"meta\", weight", &twice);
    refused(ADVANCE, &format!("{ADVANCE}\n\n[[advance]]\nto = ¦\"meta\""), &twice);
    refused("from = 2026-01-01, rate", "from = ¦2027-01-01, rate", &twice);
}

#[test]
fn clauses_name_who_and_what_there_is() {
    let reference = [Code::TermsReference];
    refused("meter = \"input_tokens\"\nmodel", "meter = ¦\"tokens\"\nmodel", &reference);
    refused("add = { meta = \"0.005\" }", "add = { ¦acme-cloud = \"0.005\" }", &reference);
    refused("add = { meta = \"-0.01\" }", "add = { ¦nobody = \"-0.01\" }", &reference);
    refused("by = \"acme-cloud\"", "by = ¦\"nobody\"", &reference);
    refused("to = \"lab\"\namount", "to = ¦\"acme-cloud\"\namount", &reference);
    refused("to = \"meta\"\namount = \"100000\"", "to = ¦\"x\"\namount = \"100000\"", &reference);
    refused(SPLIT, "[[split]]\nof = ¦\"acme-cloud\"", &reference);
    refused("{ to = \"lab\", weight", "{ to = ¦\"acme-cloud\", weight", &reference);
    refused(ADVANCE, "[[advance]]\nto = ¦\"acme-cloud\"", &reference);
    refused("lab = { rate = \"0\" }", "¦acme-cloud = { rate = \"0\" }", &reference);
    refused("when = { model = \"llama-3*\" }\nadd", "when = { ¦day = \"1\" }\nadd", &reference);
    // An arbiter contributes nothing; an owner may.
    let arbiter = "[[party]]\nid = \"acme-cloud\"\nrole = \"collector\"";
    let key = crate::intake::testing::key(9);
    let with =
        format!("[[party]]\nid = \"judge\"\nrole = \"arbiter\"\nkey = \"{key}\"\n\n{arbiter}");
    let text = whole_file().replace(arbiter, &with);
    let by = |who: &str| text.replace("by = \"acme-cloud\"", &format!("by = \"{who}\""));
    let file = read_terms("terms.toml", by("judge").as_bytes());
    let codes: Vec<Code> = file.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, reference);
    terms_of(&by("meta"));
}

#[test]
fn parts_are_not_split_again() {
    let other = "[[split]]\nof = \"lab\"\nparts = [ { to = \"lab\", weight = \"1\" } ]\n\n";
    let text = whole_file().replace(SPLIT, &format!("{other}{SPLIT}"));
    let (text, marks) = unmarked(
        &text
            .replace("{ to = \"lab\", weight = \"20.5\" }", "{ to = ¦\"lab\", weight = \"20.5\" }"),
    );
    let file = read_terms("terms.toml", text.as_bytes());
    assert_at_marks(&file.problems, &[Code::TermsReference], &marks, &text);
}

#[test]
fn prices_and_their_base_go_together() {
    let reference = [Code::TermsReference];
    refused(
        "from = \"priced\"\nprice_tolerance = ",
        "from = \"gross\"\nprice_tolerance = ¦",
        &reference,
    );
    let text = sound_file();
    let gross = text.replace("from = \"gross\"", "from = \"gross\"\nprice_tolerance = ¦\"0\"");
    let (gross, marks) = unmarked(&gross);
    let file = read_terms("terms.toml", gross.as_bytes());
    assert_at_marks(&file.problems, &reference, &marks, &gross);
    let (priced, marks) = unmarked(&text.replace("\"gross\"", "¦\"priced\""));
    let file = read_terms("terms.toml", priced.as_bytes());
    assert_at_marks(&file.problems, &[Code::TermsMissing], &marks, &priced);
    let tolerance = "from = \"priced\"\nprice_tolerance = \"0.01\"";
    let (text, _) = spoiled(tolerance, "from = \"gross\"");
    let file = read_terms("terms.toml", text.as_bytes());
    assert_eq!((file.problems, file.warnings.len()), (vec![], 1));
    assert_eq!(file.warnings[0].code, Code::WarnUnusedPrice);
    assert!(file.warnings[0].hint.is_some());
}

#[test]
fn values_stay_within_bounds() {
    let limits = [Code::TermsLimits];
    refused("price_tolerance = \"0.01\"", "price_tolerance = ¦\"-0.01\"", &limits);
    refused("price = \"0.72\"", "price = ¦\"-0.72\"", &limits);
    warned("price = \"0.72\"", "price = \"0\"", &[]);
    refused(FIRST_PRICE, &FIRST_PRICE.replace("\"1000000\"", "¦\"0\""), &limits);
    refused(FIRST_PRICE, &FIRST_PRICE.replace("[\"llama-3*\"]", "¦[]"), &limits);
    refused("amount = \"100000\"", "amount = ¦\"-1\"", &limits);
    refused("amount = \"5000000\"", "amount = ¦\"-1\"", &limits);
    warned("amount = \"5000000\"", "amount = \"0\"", &[]);
    refused("amount = \"100000\"", "amount = ¦\"0.005\"", &[Code::MinorUnit]);
    refused("amount = \"5000000\"", "amount = ¦\"0.005\"", &[Code::MinorUnit]);
    refused("weight = \"80\"", "weight = ¦\"0\"", &limits);
    refused("weight = \"80\"", "weight = ¦\"-1\"", &limits);
    refused(
        "[ { to = \"meta\", weight = \"80\" }, { to = \"lab\", weight = \"20.5\" } ]",
        "¦[]",
        &limits,
    );
    refused("rate = \"0.09\"", "rate = ¦\"-0.09\"", &limits);
    refused("rate = \"0.15\"", "rate = ¦\"1\"", &limits);
    refused("rate = \"0.15\"", "rate = ¦\"-0.15\"", &limits);
    refused("cost_shift = \"0.05\"", "cost_shift = ¦\"-0.05\"", &limits);
    for days in ["objection_days = 60", "proposal_lapse_days = 30", "response_days = 30"] {
        let (key, _) = days.split_once(" = ").expect("a value");
        refused(days, &format!("{key} = ¦3651"), &limits);
        refused(days, &format!("{key} = ¦-1"), &limits);
    }
    refused("escalate_after_days = 61", "escalate_after_days = ¦3651", &limits);
    refused("lookback_months = 24", "lookback_months = ¦65536", &limits);
    refused("lookback_months = 24", "lookback_months = ¦1201", &limits);
    warned("lookback_months = 24", "lookback_months = 1200", &[]);
    refused("amount = \"100000\"", "amount = ¦\"10000000000.01\"", &limits);
    warned("amount = \"100000\"", "amount = \"10000000000\"", &[]);
}

#[test]
fn counts_stay_within_bounds() {
    let limits = [Code::TermsLimits];
    let file = whole_file();
    let codes = |text: &str| -> Vec<Code> {
        let file = read_terms("terms.toml", text.as_bytes());
        file.problems.iter().map(|problem| problem.code).collect()
    };
    let more = |count: usize, item: &dyn Fn(usize) -> String| -> String {
        let items: String = (0..count).map(item).collect();
        file.replace("[limits]\n", &format!("{items}[limits]\n"))
    };
    let price = |n: usize| {
        format!(
            "[[price]]\nmeter = \"requests\"\nmodel = \"m{n}\"\nunit = \"1\"\nprice = \"1\"\n\
             from = 2026-01-01\n"
        )
    };
    assert_eq!(codes(&more(4094, &price)), []);
    assert_eq!(codes(&more(4095, &price)), limits);
    let modifier = |n: usize| match n % 2 {
        0 => format!("[[exclusivity]]\nid = \"e{n}\"\nfrom = 2026-01-01\nadd = {{}}\n"),
        _ => format!("[[contribution]]\nid = \"c{n}\"\nby = \"meta\"\nadd = {{}}\n"),
    };
    assert_eq!(codes(&more(253, &modifier)), []);
    assert_eq!(codes(&more(254, &modifier)), limits);
    // More caps than there are pairs of a party and a window.
    let cap = |_: usize| "[[cap]]\nto = \"lab\"\namount = \"1\"\nover = \"year\"\n".to_owned();
    assert!(codes(&more(256, &cap)).contains(&Code::TermsLimits));
    assert!(!codes(&more(255, &cap)).contains(&Code::TermsLimits));
    let rows = |count: usize| {
        let row = |n: usize| format!("{{ from = {}-01-01, rate = \"0\" }}, ", 1970 + n);
        let rows: String = (0..count).map(row).collect();
        sound_file().replace("due_days = 45", &format!("due_days = 45\nlate_interest = [{rows}]"))
    };
    assert_eq!(codes(&rows(1024)), []);
    assert_eq!(codes(&rows(1025)), limits);
}

#[test]
fn dates_make_sense() {
    refused("to = 2027-03-01", "to = ¦2026-03-01", &[Code::TermsDates]);
    warned("to = 2027-03-01", "to = 2026-03-02", &[]);
    let (text, marks) = unmarked(
        &whole_file()
            .replace("ends_on = 2029-01-01\n", "")
            .replace("over = \"lifetime\"\n\n[[cap]]", "over = ¦\"lifetime\"\n\n[[cap]]"),
    );
    let file = read_terms("terms.toml", text.as_bytes());
    assert_at_marks(&file.problems, &[Code::TermsMissing], &marks, &text);
}

/// The sound file without limits, with two rules and a modifier.
fn pointed(first: &str, second: &str, modifiers: &str) -> String {
    let file = sound_file();
    let rules = file.find("[[rule]]").expect("rules");
    let limits = file.find("[payment]").expect("payment");
    format!("{}{first}\n{second}\n{modifiers}\n{}", &file[..rules], &file[limits..])
}

#[track_caller]
fn pointed_refused(first: &str, second: &str, modifiers: &str, codes: &[Code]) {
    let (text, marks) = unmarked(&pointed(first, second, modifiers));
    let file = read_terms("terms.toml", text.as_bytes());
    assert_at_marks(&file.problems, codes, &marks, &text);
}

#[test]
fn shares_come_to_one_at_most_with_all_points() {
    let rule = |when: &str, share: &str| {
        format!("[[rule]]\nid = \"first\"\nwhen = {when}\nshare = {share}")
    };
    let rest = "[[rule]]\nid = \"rest\"\nshare = { lab = \"0.1\" }";
    let plus = |when: &str| {
        format!(
            "[[exclusivity]]\nid = \"e\"\nwhen = {when}\nfrom = 2026-01-01\nto = 2026-02-01\n\
             add = {{ meta = \"0.2\" }}\n[[contribution]]\nid = \"c\"\nby = \"lab\"\n\
             when = {when}\nadd = {{ meta = \"0.2\", lab = \"-1\" }}"
        )
    };
    let share = [Code::TermsShare];
    let (eu, us) = ("{ territory = [\"EU\", \"UK\"] }", "{ territory = \"US\" }");
    let full = "{ meta = \"0.61\" }";
    pointed_refused(&rule(eu, &format!("¦{full}")), rest, &plus("{}"), &share);
    pointed_refused(&rule(eu, &format!("¦{full}")), rest, &plus("{ model = \"m\" }"), &share);
    pointed_refused(&rule(eu, &format!("¦{full}")), rest, &plus("{ territory = \"UK\" }"), &share);
    pointed_refused(&rule(eu, &format!("¦{full}")), rest, &plus("{ territory = \"U*\" }"), &share);
    pointed_refused(&rule("{ territory = \"E*\" }", &format!("¦{full}")), rest, &plus(us), &share);
    // No line is both in the EU and in the US. One attribute is enough.
    pointed_refused(&rule(eu, full), rest, &plus(us), &[]);
    pointed_refused(&rule(eu, full), rest, &plus("{ model = \"m\", territory = \"US\" }"), &[]);
    // Exactly one is allowed, negative points take nothing off, and other parties do not matter.
    pointed_refused(&rule("{}", "{ meta = \"0.6\" }"), rest, &plus("{}"), &[]);
    pointed_refused(&rule("{}", "¦{ meta = \"0.3\", lab = \"0.31\" }"), rest, &plus("{}"), &share);
    // A step is judged as a rule is, and a ceiling is a way out.
    let tiers = "[[rule]]\nid = \"first\"\n\
                 tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
                 steps = [ { up_to = \"1\", share = { meta = \"0.1\" } }, \
                 { share = ¦{ meta = \"0.7\" } } ]";
    pointed_refused(tiers, rest, &plus("{}"), &share);
    let ceiling = format!("{}\n[limits]\nrate_ceiling = \"0.5\"", plus("{}"));
    pointed_refused(&tiers.replace('¦', ""), rest, &ceiling, &[]);
    let floor = format!("{}\n[limits]\nrate_floor = \"0.9\"", plus("{}"));
    let rest = "[[rule]]\nid = \"rest\"\nshare = ¦{ meta = \"0\", lab = \"0.1\" }";
    pointed_refused(tiers, rest, &floor, &[Code::TermsShare; 2]);
}

#[test]
fn rates_below_zero_are_warned_of() {
    let minus = "[[contribution]]\nid = \"c\"\nby = \"lab\"\nadd = { meta = \"-0.2\" }\n\
                 [[exclusivity]]\nid = \"e\"\nfrom = 2026-01-01\nadd = { meta = \"1\" }";
    let check = |share: &str, modifiers: &str, codes: &[Code]| {
        let rule = format!("[[rule]]\nid = \"all\"\nshare = {share}");
        let (text, marks) = unmarked(&pointed(&rule, "", modifiers));
        let text = text.replace("add = { meta = \"1\" }", "add = { meta = \"0.1\" }");
        let file = read_terms("terms.toml", text.as_bytes());
        assert_eq!(file.problems, []);
        assert_at_marks(&file.warnings, codes, &marks, &text);
    };
    check("¦{ meta = \"0.1\" }", minus, &[Code::WarnNegativeRate]);
    check("{ meta = \"0.2\" }", minus, &[]);
    check("{ lab = \"0\" }", minus, &[]);
    check("{ meta = \"0.1\" }", &format!("{minus}\n[limits]\nrate_floor = \"0\""), &[]);
}

#[test]
fn a_cap_and_a_minimum_of_one_party_are_warned_of() {
    let both = [Code::WarnCapAndMinimum];
    let minimum = "[[minimum]]\nto = \"meta\"\namount = \"100000\"";
    warned(minimum, "¦[[minimum]]\nto = \"lab\"\namount = \"100000\"", &both);
}

#[test]
fn whole_terms_survive_being_written() {
    let terms = whole_terms();
    let text = to_toml(&terms);
    assert_eq!(terms_of(&text), terms, "{text}");
    assert!(text.contains("\n[[exclusivity]]\n") && text.contains("\n[[advance]]\n"));
}

proptest! {
    #[test]
    fn terms_survive_being_written(seed in any::<u64>()) {
        let terms = random_terms(seed);
        let text = to_toml(&terms);
        let again = terms_of(&text);
        assert_eq!(again, terms, "{text}");
        assert_eq!(to_toml(&again), text);
    }

    #[test]
    fn no_file_makes_the_reader_panic(at in 0usize..4000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = whole_file().into_bytes();
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
