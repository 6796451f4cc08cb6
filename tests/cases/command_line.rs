//! The command line: its words and numbers, and keys.

use revshare_core::vocab::Code;

use crate::bench::Given;
use crate::case::Case;
use crate::case::case;

/// A command line with a bad argument; no key is needed to see that.
fn typed(code: Code, about: &'static str, line: &str) -> Case {
    case(code, about).when(line)
}

const ACKNOWLEDGE: &str = "-C acme acknowledge --key acme-cloud.key";

/// By the host, in its copy.
fn host(code: Code, about: &'static str, command: &str) -> Case {
    case(code, about).when(&format!("-C acme {command} --key acme-cloud.key"))
}

pub fn cases() -> Vec<Case> {
    vec![
        typed(Code::CommandLine, "a command that is none", "frobnicate").at("command line"),
        typed(Code::CommandLine, "a point that is none", "-C acme balances --at yesterday")
            .at("--at"),
        host(Code::CommandLine, "a head that is none", "acknowledge --if-head zzz").at("--if-head"),
        typed(Code::CommandLine, "a kind of event that is none", "-C acme history --kind nonsense")
            .at("--kind"),
        host(Code::CommandLine, "an acceptance in the past", "accept 0 --at 1").at("--at"),
        host(Code::CommandLine, "a time for an event", "payout confirm 2024-01-01").at("EVENT"),
        host(Code::Id, "a path for a party", "payout send ../../x 50").at("PARTY"),
        host(Code::Id, "an escape code for a party", "payout send \u{1b}[2J 50").at("PARTY"),
        host(Code::Decimal, "an amount with an exponent", "payout send meta 1e3").at("AMOUNT"),
        host(Code::Decimal, "an amount with separators", "payout send meta 1,000.00").at("AMOUNT"),
        host(Code::Decimal, "an amount that is none", "payout send meta NaN").at("AMOUNT"),
        host(
            Code::Text,
            "a reference with an escape code",
            "payout send meta 50 --reference \"a\u{1b}]0;b\u{7}\"",
        )
        .at("--reference"),
        host(
            Code::Text,
            "a reason that turns the text after it",
            "usage correct 2 --nil --reason \"a\u{202e}b\"",
        )
        .at("--reason"),
        host(Code::Period, "a month that no year has", "usage report --nil --period 2024-13")
            .at("--period"),
        host(Code::Period, "a path for a period", "statement issue ../../x").at("P"),
        host(Code::Date, "a day that no month has", "payout send meta 50 --sent-on 2024-02-30")
            .at("--sent-on"),
        host(Code::Time, "a time in words", "acknowledge --recorded-time yesterday")
            .at("--recorded-time"),
        typed(Code::KeyMissing, "no key", "-C acme acknowledge").at("--key"),
        typed(Code::KeyFile, "a key that is not there", "-C acme acknowledge --key nowhere.key")
            .at("nowhere.key"),
        typed(Code::KeyFile, "a key that is none", "-C acme acknowledge --key terms.toml")
            .at("terms.toml"),
        typed(
            Code::KeyLocked,
            "a protected key, and nobody to ask",
            "-C acme acknowledge --key locked.key",
        )
        .at("locked.key"),
        typed(Code::KeyExposed, "a key that others can read", ACKNOWLEDGE)
            .after(|bench| bench.set_mode("acme-cloud.key", 0o640))
            .at("acme-cloud.key")
            .saying("mode 0640"),
        typed(Code::KeyExposed, "a key that others can write", ACKNOWLEDGE)
            .after(|bench| bench.set_mode("acme-cloud.key", 0o602))
            .at("acme-cloud.key"),
        typed(Code::OutputFailed, "an answer that nobody gets", "-C acme balances")
            .with_full_output()
            .at("standard output"),
        typed(Code::LocalFolder, "a writer without a state folder", ACKNOWLEDGE)
            .without_folders()
            .at("REVSHARE_STATE_DIR"),
        typed(Code::LocalFolder, "a state folder by a relative path", "-C acme balances")
            .with_relative_folder()
            .at("state"),
        typed(Code::LocalFolder, "a verdict by a memory that is nowhere", "verify acme")
            .with_relative_folder()
            .at("state"),
        typed(Code::NoRandomness, "a system without random bytes", ACKNOWLEDGE)
            .without_randomness()
            .at("getrandom"),
        typed(Code::NoRandomness, "and a command that needs none", "terms check terms.toml")
            .without_randomness()
            .at("getrandom"),
        host(
            Code::Text,
            "a reference with a letter that has no ink",
            "payout send meta 50 --reference a\u{3164}",
        )
        .at("--reference")
        .saying("an invisible character"),
        host(
            Code::Text,
            "a reason in a version of Unicode to come",
            "usage correct 2 --nil --reason a\u{0378}",
        )
        .at("--reason")
        .saying("does not assign"),
        typed(Code::KeyFile, "a pipe for a key", "-C acme acknowledge --key pipe")
            .after(|bench| bench.pipe("pipe"))
            .at("pipe"),
        typed(Code::KeyFile, "a device for a key", "-C acme acknowledge --key /dev/zero")
            .at("/dev/zero"),
        typed(Code::FileRead, "a device for an acknowledgement", "verify acme --against /dev/zero")
            .at("/dev/zero"),
        typed(Code::FileRead, "a pipe for keys", "verify acme --keys pipe")
            .after(|bench| bench.pipe("pipe"))
            .at("pipe"),
        typed(Code::FileExists, "a key over another one", "keygen meta.key").at("meta.key"),
        typed(
            Code::FileExists,
            "an acknowledgement over a file",
            "-C acme acknowledge --out terms.toml --key acme-cloud.key",
        )
        .at("terms.toml"),
        typed(Code::NotALedger, "a folder that is no ledger", "balances")
            .given(Given::Files)
            .after(|bench| std::fs::create_dir(bench.path("elsewhere")).expect("a folder"))
            .when("-C elsewhere balances")
            .at("elsewhere"),
        typed(Code::NotALedger, "a folder that is not there", "verify ../../x").at("../../x"),
        typed(Code::NotALedger, "a difference to nothing", "diff acme nowhere").at("nowhere"),
        typed(
            Code::AlreadyALedger,
            "a ledger in a ledger",
            "-C acme init --terms terms.toml --key acme-cloud.key",
        )
        .at("acme"),
        host(Code::Digest, "an acknowledgement with a hash that is none", "verify --against a.ack")
            .file("a.ack", "revshare acknowledgement v1\nledger 5c1f\n")
            .at("a.ack"),
        host(Code::Key, "a list of keys that are none", "verify --keys signers")
            .file("signers", "¦meta ssh-rsa AAAA\n"),
    ]
}
