//! Terms on the wire: what survives, and what is refused where.

use proptest::prelude::any;
use proptest::proptest;

use crate::intake::testing::random;
use crate::intake::testing::sound_file;
use crate::intake::testing::sound_terms;
use crate::intake::testing::terms_of;
use crate::intake::testing_clauses::random_terms;
use crate::intake::testing_clauses::whole_terms;
use crate::vocab::Code;
use crate::vocab::Level;
use crate::vocab::Place;
use crate::vocab::digest::Domain;
use crate::wire::clauses::WholeWire;
use crate::wire::codec;
use crate::wire::terms::PayWire;
use crate::wire::terms::TermsWire;
use crate::wire::terms::decode_terms;
use crate::wire::terms::encode_terms;
use crate::wire::terms::terms_digest;

/// That terms changed on the wire are refused with this code, at this field.
#[track_caller]
fn refused(change: impl FnOnce(&mut TermsWire), code: Code, field: &str) {
    let terms = sound_terms();
    let mut wire = TermsWire::from(&terms);
    change(&mut wire);
    let bytes = codec::encode(&wire).expect("encodes");
    let problem = decode_terms(&bytes, Level::One).expect_err("is refused");
    assert_eq!((problem.code, &problem.place), (code, &Some(Place::Field(field.to_owned()))));
    assert!(problem.hint.is_some());
}

#[test]
fn terms_survive_the_wire() {
    let terms = sound_terms();
    let bytes = encode_terms(&terms, Level::One).expect("encodes");
    assert_eq!(decode_terms(&bytes, Level::One).expect("decodes"), terms);
    assert_eq!(terms_digest(&terms, Level::One).expect("digests"), Domain::Terms.digest(&bytes));
}

#[test]
fn the_layout_is_the_documented_one() {
    let terms = sound_terms();
    let bytes = encode_terms(&terms, Level::One).expect("encodes");
    let mut start = 13u64.to_le_bytes().to_vec();
    start.extend(b"Llama hosting");
    start.extend(b"USD");
    start.push(0);
    start.extend(20_468i32.to_le_bytes());
    start.push(1);
    start.extend(21_550i32.to_le_bytes());
    start.extend(1u16.to_le_bytes());
    start.extend([1, 1]);
    start.extend(2u64.to_le_bytes());
    assert_eq!(bytes[..start.len()], start);
    // Report due days, then one attribute with three values.
    let mut end = 10u16.to_le_bytes().to_vec();
    end.extend(1u64.to_le_bytes());
    for text in ["application", "", "content_moderation", "customer_service", "search"] {
        match text {
            "" => end.extend(3u64.to_le_bytes()),
            _ => {
                end.extend((text.len() as u64).to_le_bytes());
                end.extend(text.as_bytes());
            }
        }
    }
    assert!(bytes.ends_with(&end));
}

#[test]
fn what_the_checks_refuse_in_a_file_they_refuse_on_the_wire() {
    refused(|wire| wire.calculation = 2, Code::TermsCalculation, "calculation");
    refused(|wire| wire.ends_on = Some(wire.starts_on), Code::TermsDates, "ends_on");
    refused(|wire| wire.parties[0].role = 1, Code::TermsRoles, "party[1].role");
    refused(|wire| wire.parties[2].key = [0; 32], Code::KeyWeak, "party[2].key");
    refused(|wire| wire.due_days = 4000, Code::TermsLimits, "payment.due_days");
    refused(|wire| wire.rules.clear(), Code::TermsMissing, "rule");
    refused(|wire| wire.rules[1].id = "moderation", Code::TermsDuplicate, "rule[1].id");
    refused(
        |wire| match &mut wire.rules[1].pay {
            PayWire::Tiered(tiers) => tiers.meter = None,
            PayWire::Flat(_) => {}
        },
        Code::TermsReference,
        "rule[1].steps[0].per_unit",
    );
}

#[test]
fn what_has_no_word_is_malformed() {
    let malformed = Code::PayloadMalformed;
    refused(|wire| wire.rounding = 3, malformed, "rounding.mode");
    refused(|wire| wire.period_length = 2, malformed, "period");
    refused(|wire| wire.parties[1].role = 5, malformed, "party[1].role");
    refused(|wire| wire.parties[1].id = "Acme", malformed, "party[1].id");
    refused(|wire| wire.title = "a\u{202e}", malformed, "title");
    refused(|wire| wire.currency = *b"XXQ", malformed, "currency");
    refused(|wire| wire.starts_on = -1, malformed, "starts_on");
}

#[test]
fn lists_that_are_sorted_are_sorted_strictly() {
    let malformed = Code::PayloadMalformed;
    refused(|wire| wire.rules[0].when.swap(0, 1), malformed, "rule[0].when");
    refused(|wire| wire.attributes[0].1.swap(0, 1), malformed, "attributes.application");
    let twice = |wire: &mut TermsWire| match &mut wire.rules[0].pay {
        PayWire::Flat(share) => share.push(share[1]),
        PayWire::Tiered(_) => {}
    };
    refused(twice, malformed, "rule[0].share");
}

/// That whole terms changed on the wire are refused with this code, at this field.
#[track_caller]
fn whole_refused(change: impl FnOnce(&mut WholeWire), code: Code, field: &str) {
    let terms = whole_terms();
    let mut wire = WholeWire::from(&terms);
    change(&mut wire);
    let bytes = codec::encode(&wire).expect("encodes");
    let problem = decode_terms(&bytes, Level::Two).expect_err("is refused");
    assert_eq!((problem.code, &problem.place), (code, &Some(Place::Field(field.to_owned()))));
    assert!(problem.hint.is_some());
}

#[test]
fn whole_terms_survive_the_wire() {
    for terms in [whole_terms(), sound_terms()] {
        let bytes = encode_terms(&terms, Level::Two).expect("encodes");
        assert_eq!(decode_terms(&bytes, Level::Two).expect("decodes"), terms);
        let digest = terms_digest(&terms, Level::Two).expect("digests");
        assert_eq!(digest, Domain::Terms.digest(&bytes));
        assert_eq!(
            decode_terms(&bytes, Level::One).expect_err("too long").code,
            Code::PayloadMalformed
        );
    }
}

#[test]
fn level_one_never_drops_a_clause() {
    let whole = whole_terms();
    let problem = encode_terms(&whole, Level::One).expect_err("is refused");
    assert_eq!(problem.code, Code::FormatLevel);
    assert_eq!(terms_digest(&whole, Level::One).expect_err("is refused").code, Code::FormatLevel);
    // Any one of the clauses is enough.
    let clauses = [
        "[[minimum]]\nto = \"meta\"\namount = \"1\"\nover = \"year\"\n[windows]",
        "[[cap]]\nto = \"meta\"\namount = \"1\"\nover = \"year\"\n[windows]",
        "[[advance]]\nto = \"meta\"\n[windows]",
        "[[split]]\nof = \"lab\"\nparts = [ { to = \"lab\", weight = \"1\" } ]\n[windows]",
        "[[contribution]]\nid = \"c\"\nby = \"lab\"\nadd = {}\n[windows]",
        "[[exclusivity]]\nid = \"e\"\nfrom = 2026-01-01\nadd = {}\n[windows]",
        "[[price]]\nmeter = \"requests\"\nunit = \"1\"\nprice = \"1\"\nfrom = 2026-01-01\n[windows]",
        "late_interest = { rate = \"0\" }\n[windows]",
        "withholding = { lab = { rate = \"0\" } }\n[windows]",
        "[windows]\nobjection_days = 91",
        "[windows]\nproposal_lapse_days = 89",
        "[windows]\naudit = { lookback_months = 0, cost_shift = \"0\", of = \"due\" }",
        "[windows]\ndispute = { response_days = 0, on_silence = \"accept\", escalate_after_days = 0 }",
    ];
    for clause in clauses {
        let terms = terms_of(&sound_file().replace("[windows]", clause));
        let problem = encode_terms(&terms, Level::One).expect_err(clause);
        assert_eq!(problem.code, Code::FormatLevel);
    }
    // What says the same as leaving it out is no clause.
    let said = sound_file().replace("[windows]", "[windows]\nobjection_days = 90");
    assert_eq!(
        encode_terms(&terms_of(&said), Level::One).expect("encodes"),
        encode_terms(&sound_terms(), Level::One).expect("encodes")
    );
}

#[test]
fn level_two_begins_with_the_bytes_of_level_one() {
    let terms = sound_terms();
    let one = encode_terms(&terms, Level::One).expect("encodes");
    let two = encode_terms(&terms, Level::Two).expect("encodes");
    // Gross; no tolerance; nine empty lists; 90 days twice; no dispute, no audit.
    let mut rest = vec![0];
    rest.extend([0; 16 + 1]);
    rest.extend([0; 9 * 8]);
    rest.extend([90, 0, 90, 0, 0, 0]);
    assert_eq!(two, [one, rest].concat());
}

#[test]
fn the_layout_of_the_clauses_is_the_documented_one() {
    let terms = whole_terms();
    let bytes = encode_terms(&terms, Level::Two).expect("encodes");
    let decimal = |mantissa: i128, scale: u8| [&mantissa.to_le_bytes()[..], &[scale]].concat();
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let count = |count: u64| count.to_le_bytes().to_vec();
    let day = |days: i32| days.to_le_bytes().to_vec();
    let year = 20_454;
    let price = |when: Vec<Vec<u8>>, mantissa, currency: &[u8], from| {
        let mut bytes = vec![text("input_tokens")];
        bytes.extend(when);
        bytes.extend([decimal(1_000_000, 0), decimal(mantissa, 2), currency.to_vec(), day(from)]);
        bytes.concat()
    };
    let model = [text("model"), count(1), text("llama-3*")].concat();
    let eu = [text("territory"), count(1), text("EU")].concat();
    let search = [text("application"), count(1), text("search")].concat();
    let bound = |to: &str, amount: Vec<u8>, window: u8| [text(to), amount, vec![window]].concat();
    let expected = [
        vec![1],
        decimal(1, 2),
        count(2),
        price(vec![count(1), model.clone()], 72, b"USD", year),
        price(vec![count(2), model.clone(), eu.clone()], 65, b"EUR", year + 59),
        count(2),
        text("eu-search"),
        count(2),
        search,
        eu,
        day(year + 59),
        vec![1],
        day(year + 59 + 365),
        count(2),
        text("lab"),
        decimal(1, 2),
        text("meta"),
        decimal(3, 2),
        text("for-ever"),
        count(0),
        day(year + 90),
        vec![0],
        count(1),
        text("meta"),
        decimal(5, 3),
        count(1),
        text("safety-tuning"),
        text("acme-cloud"),
        count(1),
        model,
        count(1),
        text("meta"),
        decimal(-1, 2),
        count(2),
        bound("meta", decimal(100_000, 0), 1),
        bound("meta", decimal(10_000_005, 1), 2),
        count(1),
        bound("lab", decimal(5_000_000, 0), 2),
        count(1),
        text("meta"),
        count(2),
        text("meta"),
        decimal(80, 0),
        text("lab"),
        decimal(205, 1),
        count(1),
        text("meta"),
        count(2),
        text("lab"),
        decimal(0, 0),
        vec![0],
        text("meta"),
        decimal(15, 2),
        vec![1],
        count(2),
        day(year),
        decimal(8, 2),
        day(year + 365),
        decimal(9, 2),
        vec![60, 0, 30, 0],
        vec![1, 30, 0, 1, 61, 0],
        vec![1, 24, 0],
        decimal(5, 2),
        vec![1],
    ];
    let expected = expected.concat();
    assert_eq!(bytes[bytes.len() - expected.len()..], expected);
}

#[test]
fn what_the_checks_refuse_in_whole_terms_they_refuse_on_the_wire() {
    whole_refused(|wire| wire.terms.calculation = 2, Code::TermsCalculation, "calculation");
    whole_refused(|wire| wire.clauses.base_from = 0, Code::TermsReference, "base.price_tolerance");
    whole_refused(|wire| wire.clauses.prices.clear(), Code::TermsMissing, "base.from");
    let earlier = |wire: &mut WholeWire| wire.clauses.exclusivities[0].to = Some(0);
    whole_refused(earlier, Code::TermsDates, "exclusivity[0].to");
    let same = |wire: &mut WholeWire| wire.clauses.contributions[0].id = "for-ever";
    whole_refused(same, Code::TermsDuplicate, "contribution[0].id");
    let nobody = |wire: &mut WholeWire| wire.clauses.withholding[0].0 = "host";
    whole_refused(nobody, Code::TermsReference, "payment.withholding.host");
    let twice = |wire: &mut WholeWire| wire.clauses.minimums[1].window = 1;
    whole_refused(twice, Code::TermsDuplicate, "minimum[1].over");
    let days = |wire: &mut WholeWire| wire.clauses.objection_days = 4000;
    whole_refused(days, Code::TermsLimits, "windows.objection_days");
}

#[test]
fn numbers_of_words_are_in_range() {
    let malformed = Code::PayloadMalformed;
    whole_refused(|wire| wire.clauses.base_from = 2, malformed, "base.from");
    whole_refused(|wire| wire.clauses.caps[0].window = 3, malformed, "cap[0].over");
    let currency = |wire: &mut WholeWire| wire.clauses.prices[1].currency = *b"XXQ";
    whole_refused(currency, malformed, "price[1].currency");
    let silence = |wire: &mut WholeWire| wire.clauses.dispute = Some((1, 2, 1));
    whole_refused(silence, malformed, "windows.dispute.on_silence");
    let audit = |wire: &mut WholeWire| {
        wire.clauses.audit = wire.clauses.audit.map(|(months, shift, _)| (months, shift, 2));
    };
    whole_refused(audit, malformed, "windows.audit.of");
}

#[test]
fn the_lists_of_the_clauses_are_sorted_strictly() {
    let malformed = Code::PayloadMalformed;
    let when = |wire: &mut WholeWire| wire.clauses.prices[1].when.swap(0, 1);
    whole_refused(when, malformed, "price[1].when");
    let add = |wire: &mut WholeWire| wire.clauses.exclusivities[0].add.swap(0, 1);
    whole_refused(add, malformed, "exclusivity[0].add");
    let points = |wire: &mut WholeWire| {
        let first = wire.clauses.contributions[0].add[0];
        wire.clauses.contributions[0].add.push(first);
    };
    whole_refused(points, malformed, "contribution[0].add");
    whole_refused(|wire| wire.clauses.advances.push("lab"), malformed, "advance");
    whole_refused(|wire| wire.clauses.withholding.swap(0, 1), malformed, "payment.withholding");
    whole_refused(|wire| wire.clauses.late_interest.swap(0, 1), malformed, "payment.late_interest");
    // The parts of a split keep their order.
    let terms = whole_terms();
    let mut wire = WholeWire::from(&terms);
    wire.clauses.splits[0].parts.swap(0, 1);
    let bytes = codec::encode(&wire).expect("encodes");
    let swapped = decode_terms(&bytes, Level::Two).expect("decodes");
    assert_eq!(swapped.splits[0].parts[0].to.as_str(), "lab");
}

proptest! {
    #[test]
    fn any_terms_survive_the_wire(seed in any::<u64>()) {
        let terms = random::terms(seed);
        let bytes = encode_terms(&terms, Level::One).expect("encodes");
        assert_eq!(decode_terms(&bytes, Level::One).expect("decodes"), terms);
    }

    #[test]
    fn no_other_bytes_say_the_same(
        seed in any::<u64>(),
        at in any::<proptest::sample::Index>(),
        change in 0u8..4,
        byte in 1u8..=255,
    ) {
        let terms = random::terms(seed);
        let mut bytes = encode_terms(&terms, Level::One).expect("encodes");
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] ^= byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        if let Ok(other) = decode_terms(&bytes, Level::One) {
            assert_eq!(encode_terms(&other, Level::One).expect("encodes"), bytes);
            // Removing or inserting an equal neighbour may leave the bytes as they were.
            assert_eq!(other == terms, bytes == encode_terms(&terms, Level::One).expect("encodes"));
        }
    }

    #[test]
    fn any_whole_terms_survive_the_wire(seed in any::<u64>()) {
        let terms = random_terms(seed);
        let bytes = encode_terms(&terms, Level::Two).expect("encodes");
        assert_eq!(decode_terms(&bytes, Level::Two).expect("decodes"), terms);
    }

    #[test]
    fn no_other_bytes_say_the_same_at_level_two(
        seed in any::<u64>(),
        at in any::<proptest::sample::Index>(),
        change in 0u8..4,
        byte in 1u8..=255,
    ) {
        let terms = random_terms(seed);
        let mut bytes = encode_terms(&terms, Level::Two).expect("encodes");
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] ^= byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
        if let Ok(other) = decode_terms(&bytes, Level::Two) {
            assert_eq!(encode_terms(&other, Level::Two).expect("encodes"), bytes);
        }
    }
}
