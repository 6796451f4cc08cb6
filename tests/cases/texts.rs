//! Strings that are legal and look like an attack: kept as text, shown as text.

use crate::bench::Bench;
use crate::bench::Disk;
use crate::bench::Given;

/// What a spreadsheet would run and what a shell would follow is a text like any other: it is
/// shown as it is, and no file is made of it.
#[test]
fn legal_texts_are_shown_as_they_are() {
    let texts = ["=cmd|' /C calc'!A0", "../../x", "$(reboot)", "<script>", "Zahlung für März"];
    for text in texts {
        let bench = Bench::new(Given::Paid);
        let line = "-C acme payout send meta 50 --key acme-cloud.key --reference";
        let mut args = crate::bench::words(line);
        args.push(text.to_owned());
        let ran = bench.run(&args, Disk::Sound);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!bench.path("../../x").exists());
        for command in ["payout list", "payout list --json", "history --json", "show 5"] {
            let line = format!("-C acme {command}");
            let ran = bench.run(&crate::bench::words(&line), Disk::Sound);
            assert_eq!(ran.code, 0, "{line}: {}", ran.err);
            assert!(ran.out.contains(text), "{line}: {}", ran.out);
            assert!(ran.out.chars().all(|c| c == '\n' || !c.is_control()), "{line}: {}", ran.out);
        }
    }
}
