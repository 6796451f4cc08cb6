//! Lists that levels 1 and 2 of the format close: currencies, and the version of Unicode by which
//! texts are judged.

use std::fs;

use ledger_core::vocab::Currency;
use ledger_core::vocab::Text;
use serde_json::Value;
use unicode_normalization::UNICODE_VERSION;

use crate::written::holds_bytes_for_ever;
use crate::written::root;
use crate::written::unhex;

/// Every code of three letters, in capitals.
fn codes() -> impl Iterator<Item = String> {
    let letters = || 'A'..='Z';
    letters().flat_map(move |a| {
        letters().flat_map(move |b| letters().map(move |c| [a, b, c].iter().collect()))
    })
}

/// `schemas/currencies.csv` lists every code that the ledger takes, with its digits, and no other.
/// A release of `iso_currency` with another list fails here: levels 1 and 2 keep this one.
#[test]
fn currencies_are_those_of_the_file() {
    let mut file = "code,digits\n".to_owned();
    let mut count = 0;
    for code in codes() {
        if let Ok(currency) = Currency::parse(&code) {
            file.push_str(&format!("{code},{}\n", currency.minor_digits()));
            count += 1;
        }
        assert!(Currency::parse(&code.to_lowercase()).is_err(), "{code} in small letters");
        let mixed = format!("{}{}", &code[..2], code[2..].to_lowercase());
        assert!(Currency::parse(&mixed).is_err(), "{mixed}");
    }
    assert_eq!(count, 170, "currencies");
    holds_bytes_for_ever("schemas/currencies.csv", file.as_bytes());
}

/// Texts of levels 1 and 2 are in NFC by Unicode 18.0.0 (`schemas/log-format.md`, "Conventions").
/// A release of `unicode-normalization` with other tables fails here: whoever takes it keeps the
/// tables of 18.0.0 for these levels.
#[test]
fn texts_are_judged_by_the_unicode_of_the_format() {
    assert_eq!(UNICODE_VERSION, (18, 0, 0));
    let document = fs::read_to_string(root().join("schemas/log-format.md")).expect("the format");
    assert!(document.contains("**Unicode 18.0.0**"), "the format names its version");
}

/// What changes from one version of Unicode to the next: marks and compositions that came with
/// 16.0 and 17.0, and code points that 18.0.0 does not assign, which stand alone and join nothing.
#[test]
fn texts_tell_the_versions_of_unicode_apart() {
    let refused = [
        "e\u{301}",         // composes to U+00E9
        "a\u{315}\u{300}",  // out of the order of classes
        "\u{212b}",         // a singleton: U+00C5
        "\u{958}",          // excluded from composition
        "\u{1100}\u{1161}", // composes to a syllable
        "\u{105d2}\u{307}", // composes to U+105C9 since 16.0
        "a\u{1acf}\u{323}", // U+1ACF has class 230 since 17.0
    ];
    for text in refused {
        let problem = Text::parse(text).expect_err(&text.escape_unicode().to_string());
        assert!(problem.message.contains("normal form C"), "{problem}");
    }
    let taken =
        ["", "\u{e9}", "\u{105c9}", "\u{1ea1}\u{1acf}", "\u{378}", "a\u{378}\u{301}\u{315}"];
    for text in taken {
        assert!(Text::parse(text).is_ok(), "{}", text.escape_unicode());
    }
}

/// The reference reads every payload vector, and refuses every bad one of a kind that is there.
#[test]
fn the_reference_reads_the_payload_vectors() {
    let mut read = 0;
    for (folder, is_good) in [("payloads", true), ("bad-payloads", false)] {
        let folder = root().join("schemas/vectors").join(folder);
        for entry in fs::read_dir(&folder).expect("the folder of the vectors") {
            let path = entry.expect("an entry of the folder").path();
            let vector: Value = serde_json::from_slice(&fs::read(&path).expect("a vector"))
                .expect("a vector is JSON");
            let number =
                |key: &str| vector.get(key).and_then(Value::as_u64).map(|number| number as u16);
            let (kind, version) = (number("kind").expect("a kind"), number("version"));
            let payload = unhex(vector["payload"].as_str().expect("a payload"));
            // Of a record's place, author and state a payload says nothing: only logs show these.
            let result = revshare_reference::read_payload(kind, version.unwrap_or(1), &payload);
            match is_good {
                true => assert_eq!(result, Ok(()), "{}", path.display()),
                false if kind == 28 || kind == 3 => {
                    assert!(result.is_err(), "{}", path.display());
                }
                false => {}
            }
            read += 1;
        }
    }
    assert!(read > 200, "{read} vectors");
}
