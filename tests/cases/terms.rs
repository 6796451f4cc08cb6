//! Terms files, and the words and numbers in them.

use revshare_core::vocab::Code;

use crate::bench::Bench;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::bench::with_keys;
use crate::case::Case;
use crate::case::case;

const SHARE: &str = "share = { meta = \"0.15\" }";
const ZERO_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The sound terms with a piece replaced; `¦` marks the place that the refusal names.
fn spoiled(code: Code, about: &'static str, piece: &str, by: &str) -> Case {
    assert_eq!(TERMS.matches(piece).count(), 1, "`{piece}` stands once in the terms");
    case(code, about)
        .given(Given::Files)
        .file("spoiled.toml", &TERMS.replace(piece, by))
        .when("terms check spoiled.toml")
}

/// The last rule with something else in the place of its share.
fn ruled(code: Code, about: &'static str, by: &str) -> Case {
    spoiled(code, about, SHARE, by)
}

/// Terms of legal clauses that are larger than a record may be.
fn too_large(bench: &Bench) {
    let patterns: Vec<String> = (0..1024).map(|at| format!("\"{at:0>256}\"")).collect();
    let patterns = patterns.join(",");
    let names: Vec<String> = (0..29).map(|at| format!("a{at} = [{patterns}]")).collect();
    let mut terms = with_keys(TERMS);
    for rule in 0..7 {
        terms.push_str(&format!("\n[[rule]]\nid = \"large-{rule}\"\n{SHARE}\n[rule.when]\n"));
        terms.push_str(&names.join("\n"));
    }
    bench.write("large.toml", terms);
}

pub fn cases() -> Vec<Case> {
    vec![
        spoiled(Code::Id, "a party named like a path", "id = \"meta\"", "id = ¦\"../../meta\""),
        spoiled(
            Code::Name,
            "a meter with a blank in its name",
            "\"requests\"]",
            "¦\"Requests made\"]",
        ),
        spoiled(
            Code::Text,
            "a title that clears the screen",
            "\"Llama hosting\"",
            "¦\"Llama \\u001b[2J hosting\"",
        ),
        spoiled(
            Code::Text,
            "a title with a letter that has no ink",
            "\"Llama hosting\"",
            "¦\"Llama \\u3164 hosting\"",
        ),
        spoiled(
            Code::Text,
            "a pattern with a variation selector",
            "\"content_moderation\" }",
            "¦\"content_moderation\\uFE0F\" }",
        ),
        case(Code::FileRead, "a pipe that nobody writes to")
            .given(Given::Files)
            .after(|bench| bench.pipe("pipe"))
            .when("terms check pipe")
            .at("pipe"),
        case(Code::FileRead, "a file of terabytes")
            .given(Given::Files)
            .after(|bench| bench.sparse("huge", b""))
            .when("terms check huge")
            .at("huge"),
        spoiled(
            Code::Text,
            "a title that turns the text after it",
            "\"Llama hosting\"",
            "¦\"Llama \\u202e hosting\"",
        ),
        ruled(Code::RateBounds, "a share in percent", "share = { meta = ¦\"15\" }"),
        ruled(Code::Decimal, "a share with an exponent", "share = { meta = ¦\"1.5e-1\" }"),
        spoiled(
            Code::MinorUnit,
            "a minimum payout in tenths of a cent",
            "minimum_payout = \"20\"",
            "minimum_payout = ¦\"20.001\"",
        ),
        spoiled(Code::Currency, "a currency that is none", "\"USD\"", "¦\"USDT\""),
        spoiled(
            Code::Date,
            "a day before the first that may stand on a ledger",
            "starts_on = 2024-01-01",
            "starts_on = ¦1969-12-31",
        ),
        spoiled(Code::Key, "a key of another kind", "\"@meta@\"", "¦\"ssh-rsa AAAAB3NzaC1yc2E\""),
        spoiled(
            Code::KeyWeak,
            "a key under which anything is signed",
            "\"@meta@\"",
            &format!("¦\"{ZERO_KEY}\""),
        ),
        spoiled(
            Code::TermsSyntax,
            "a text without quotes",
            "currency = \"USD\"",
            "currency = ¦USD",
        ),
        spoiled(Code::TermsUnknownKey, "a key with a slip", "due_days = 30", "¦due_day = 30"),
        spoiled(
            Code::TermsMissing,
            "an agreement without a currency",
            "[agreement]\ntitle = \"Llama hosting\"\ncurrency = \"USD\"",
            "¦[agreement]\ntitle = \"Llama hosting\"",
        ),
        ruled(Code::TermsType, "a share as a float", "share = { meta = ¦0.15 }"),
        spoiled(
            Code::TermsDuplicate,
            "two rules of one name",
            "id = \"everything-else\"",
            "id = ¦\"moderation\"",
        ),
        spoiled(
            Code::TermsRoles,
            "two collectors",
            "[base]",
            "[[party]]\nid = \"lab\"\nrole = ¦\"collector\"\nkey = \"@lab@\"\n\n[base]",
        ),
        ruled(
            Code::TermsReference,
            "a share for nobody who is a party",
            "share = { meta = \"0.15\", ¦zuck = \"0.01\" }",
        ),
        ruled(
            Code::TermsSteps,
            "steps that fall",
            "tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
             steps = [{ up_to = \"10\", share = { meta = \"0.1\" } }, \
             { up_to = ¦\"5\", share = { meta = \"0.1\" } }, { share = { meta = \"0.1\" } }]",
        ),
        ruled(Code::TermsShare, "a negative share", "share = { meta = ¦\"-0.15\" }"),
        spoiled(Code::TermsLimits, "a term of 20 years", "due_days = 30", "due_days = ¦7300"),
        spoiled(
            Code::TermsDates,
            "an end before the start",
            "calculation = 1",
            "ends_on = ¦2023-12-31\ncalculation = 1",
        ),
        spoiled(
            Code::TermsCalculation,
            "a calculation that nobody knows",
            "calculation = 1",
            "calculation = ¦2",
        ),
        case(Code::ReportTooLarge, "terms that are larger than a record may be")
            .given(Given::Files)
            .after(too_large)
            .when("terms check large.toml")
            .at("large.toml"),
        ruled(
            Code::WarnWholeCheaper,
            "a whole tier whose second step is worth less",
            "tiers = { by = \"revenue\", over = \"year\", kind = \"whole\" }\n\
             steps = [{ up_to = ¦\"1000\", share = { meta = \"0.2\" } }, { share = { meta = \"0.1\" } }]",
        ),
        spoiled(
            Code::WarnRuleUnreachable,
            "a rule for everything before another one",
            "[[rule]]\nid = \"moderation\"",
            "[[rule]]\nid = \"all\"\nshare = { meta = \"0.1\" }\n\n¦[[rule]]\nid = \"moderation\"",
        ),
        spoiled(
            Code::WarnNoCatchAll,
            "no rule for everything",
            "[[rule]]\nid = \"everything-else\"\nshare = { meta = \"0.15\" }",
            "¦[[rule]]\nid = \"search\"\nwhen = { application = \"search\" }\nshare = { meta = \"0.15\" }",
        ),
        spoiled(
            Code::WarnCapAndMinimum,
            "a guarantee above a cap",
            "[payment]",
            "[[cap]]\nto = \"meta\"\namount = \"10\"\nover = \"year\"\n\n\
             ¦[[minimum]]\nto = \"meta\"\namount = \"20\"\nover = \"year\"\n\n[payment]",
        ),
        ruled(
            Code::WarnNegativeRate,
            "points that take a rate below zero",
            "share = ¦{ meta = \"0.15\" }\n\n[[exclusivity]]\nid = \"spring\"\n\
             from = 2024-03-01\nadd = { meta = \"-0.2\" }",
        ),
        spoiled(
            Code::WarnUnusedPrice,
            "prices beside a base of reported gross",
            "[payment]",
            "¦[[price]]\nmeter = \"requests\"\nunit = \"1000\"\nprice = \"2\"\n\
             from = 2024-01-01\n\n[payment]",
        ),
        ruled(Code::WarnNothingOwed, "a rule that names nobody", "share = ¦{}"),
    ]
}
