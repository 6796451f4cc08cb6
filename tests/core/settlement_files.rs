//! Settlement files: one canonical form, held for ever, and refused with anything changed.

use std::fs;

use ledger_core::settlement::Offer;
use ledger_core::vocab::Code;
use ledger_core::vocab::Id;
use revshare_kit::disputes::Ending;
use revshare_kit::disputes::as_claimed;
use revshare_kit::disputes::at;
use revshare_kit::disputes::offered;
use revshare_kit::disputes::stands;
use revshare_kit::disputes::with_lines;
use revshare_kit::lines;
use revshare_kit::signer;

use crate::every_dispute::every_dispute;
use crate::written::holds_bytes_for_ever;
use crate::written::root;

/// The last dispute of the sample ledger, with this outcome, signed by these parties.
fn file(outcome: &Ending, signed_by: &[&str]) -> String {
    let mut offer = offered(&every_dispute(), outcome, "as agreed on the phone");
    for party in signed_by {
        offer.sign(&Id::parse(party).expect("an id"), &signer(party));
    }
    offer.write().expect("a file")
}

fn files() -> [(&'static str, String); 4] {
    let lines = lines!["2026-05-06" => "5500"];
    [
        ("stands-unsigned", file(&stands(), &[])),
        ("as-claimed", file(&as_claimed(), &["meta"])),
        ("figures", file(&at(&[("meta", "120.5")]), &["meta", "acme-cloud"])),
        ("report", file(&with_lines("2026-05", lines), &["meta", "acme-cloud"])),
    ]
}

/// Today's code writes the files again, byte for byte.
#[test]
fn settlement_files_are_written_again() {
    for (name, text) in files() {
        holds_bytes_for_ever(&format!("schemas/vectors/settlements/{name}.txt"), text.as_bytes());
    }
}

/// Every file reads, and is written again as it was. With any bit flipped, a line exchanged, doubled
/// or gone, or bytes behind it, it is refused, or says that another signature was made.
#[test]
fn settlement_files_have_one_form() {
    let folder = root().join("schemas/vectors/settlements");
    for entry in fs::read_dir(folder).expect("the settlement files") {
        let path = entry.expect("an entry of the folder").path();
        let text = fs::read_to_string(&path).expect("a settlement file");
        let offer = Offer::read(&text).expect("it reads");
        assert_eq!(offer.write().as_ref(), Ok(&text));
        let refused = |text: &str| match Offer::read(text) {
            Ok(other) => {
                // Only ids, signatures and who gave them are not bound to each other in the file.
                assert_eq!(other.settlement.digest, offer.settlement.digest, "{text}");
                assert_eq!(other.settlement.outcome, offer.settlement.outcome, "{text}");
                assert_eq!(other.write().as_deref(), Ok(text), "another form: {text}");
            }
            Err(problem) => {
                assert!(problem.code == Code::SettlementFile, "{problem:?}");
            }
        };
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                refused(&String::from_utf8(bytes).expect("it stays ASCII"));
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        let strictly = |lines: &[&str]| {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let problem = Offer::read(&text).expect_err("it is not in its one form");
            assert_eq!(problem.code, Code::SettlementFile);
        };
        for at in 0..lines.len() {
            strictly(&[&lines[..=at], &lines[at..]].concat());
            if at < 6 {
                strictly(&[&lines[..at], &lines[at + 1..]].concat());
            }
            if at > 0 {
                let mut exchanged = lines.clone();
                exchanged.swap(at - 1, at);
                strictly(&exchanged);
            }
        }
        for (old, new) in
            [("\n", "\r\n"), ("ledger ", "ledger  "), ("v1\n", "v2\n"), ("\nagreed", "agreed")]
        {
            assert!(Offer::read(&text.replacen(old, new, 1)).is_err(), "{old:?} as {new:?}");
        }
        assert!(Offer::read(&format!("{text}\n")).is_err());
        assert!(Offer::read(text.trim_end()).is_err());
        assert!(Offer::read("").is_err());
    }
}
