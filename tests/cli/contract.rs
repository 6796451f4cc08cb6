//! A ledger whose contract has every clause, with amended terms, a foreign currency, a
//! contribution, an advance and late payouts; and what the commands show of it.

use std::fs;

use revshare_core::chain::Signer;
use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::event::ContributionClaim;
use revshare_core::event::ConversionRate;
use revshare_core::intake::read_terms;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;

use crate::run::Bench;
use crate::run::root;
use crate::transcripts::play_on;

/// The parties, each with its key's file.
const PARTIES: [(&str, &str); 4] =
    [("meta", "meta"), ("acme-cloud", "acme"), ("meta-research", "research"), ("tuner", "tuner")];

impl Bench {
    /// Keys, terms and usage files of the contract.
    pub fn with_contract_files() -> Bench {
        let bench = Bench::new();
        for (party, file) in PARTIES {
            bench.ok(&format!("keygen {file}.key --comment {party}"));
        }
        for entry in fs::read_dir(root().join("tests/cli/contract")).expect("the contract") {
            let path = entry.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let mut text = fs::read_to_string(&path).expect("a text");
            for (_, file) in PARTIES {
                let key = bench.read(&format!("{file}.key.pub"));
                let key = key.split(' ').take(2).collect::<Vec<_>>().join(" ");
                text = text.replace(&format!("@{}_KEY@", file.to_uppercase()), &key);
            }
            bench.write(&name, &text);
        }
        bench
    }

    /// The ledger, in the copy `acme` that all parties write to, up to the statement of February.
    pub fn with_contract() -> Bench {
        let bench = Bench::with_contract_files();
        bench.ok("-C acme init --terms contract.toml --key acme.key --recorded-time 2024-01-05T08:00:00Z");
        bench.accepted(0, "2024-01-06T08:00:00Z");
        bench.says("tuner", "2024-01-24T08:00:00Z", claim("2024-01-25"));
        bench.accepted(4, "2024-01-24T09:00:00Z");
        let january = "-C acme usage report january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-03T08:00:00Z";
        bench.ok(january);
        bench.says("acme-cloud", "2024-02-03T09:00:00Z", rate("1.085", "2024-01"));
        bench.accepted(9, "2024-02-03T10:00:00Z");
        for line in ADVANCE.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bench.ok(line);
        }
        let amendment = Command::ProposeAmendment {
            version: Box::new(bench.terms("amended.toml")),
            effective_from: day("2024-02-15"),
            reason: text("new prices"),
        };
        bench.says("acme-cloud", "2024-02-20T08:00:00Z", amendment);
        bench.accepted(18, "2024-02-20T09:00:00Z");
        for line in FEBRUARY.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bench.ok(line);
        }
        bench.says("acme-cloud", "2024-04-03T09:00:00Z", rate("1.10", "2024-02"));
        bench.accepted(26, "2024-04-03T10:00:00Z");
        bench.ok(
            "-C acme statement issue 2024-02 --key acme.key --recorded-time 2024-04-04T08:00:00Z",
        );
        bench
    }

    /// Every party whose acceptance of a record is missing accepts it.
    fn accepted(&self, seq: u64, time: &str) {
        let ledger = Ledger::open(&self.path("acme"), None).expect("a ledger");
        let state = ledger.state();
        let id = event(&ledger, seq);
        let agreement = state.agreement().expect("an agreement");
        let missing: Vec<Id> = match agreement.proposals().get(&id) {
            Some(proposal) => proposal.needed.difference(&proposal.accepted_by).cloned().collect(),
            None => agreement.awaited().into_iter().cloned().collect(),
        };
        for party in missing {
            let (_, file) =
                PARTIES.iter().find(|(id, _)| *id == party.as_str()).expect("a known party");
            self.ok(&format!("-C acme accept {seq} --key {file}.key --recorded-time {time}"));
        }
    }

    /// A party says what there is no command for in these tests.
    fn says(&self, party: &str, time: &str, command: Command) {
        let (_, file) = PARTIES.iter().find(|(id, _)| *id == party).expect("a known party");
        let key = ssh_key::PrivateKey::from_openssh(self.read(&format!("{file}.key")));
        let key = key.expect("a private key");
        let pair = key.key_data().ed25519().expect("an Ed25519 key");
        let signer = Signer::from_secret(&pair.private.to_bytes()).expect("a signer");
        let mut ledger = Ledger::open_for_writing(&self.path("acme"), None).expect("a ledger");
        let time = Timestamp::parse(time).expect("a time");
        let author = Author {
            party: Id::parse(party).expect("an id"),
            key: signer.public().expect("a public key"),
        };
        let context = Context { author, recorded_at: time, now: time };
        let nonce = [u8::try_from(ledger.state().next_seq()).expect("few records"); 16];
        let signing = Signing { signer: &signer, nonce };
        ledger.submit(command, &context, &signing, Mode::Record).expect("an admissible command");
    }

    fn terms(&self, file: &str) -> view::terms::TermsVersion {
        let read = read_terms(file, self.read(file).as_bytes());
        let terms = read.terms.unwrap_or_else(|| panic!("{file}: {:?}", read.problems));
        view::terms::version(terms).expect("terms that fit a payload")
    }
}

const ADVANCE: &str = r#"
    -C acme advance pay --to meta --amount 100 --on 2024-02-02 --reference A1 --key acme.key --recorded-time 2024-02-03T11:00:00Z
    -C acme payout confirm 13 --received-on 2024-02-03 --key meta.key --recorded-time 2024-02-03T12:00:00Z
    -C acme statement issue 2024-01 --key acme.key --recorded-time 2024-02-04T08:00:00Z
    -C acme payout send tuner 35.48 --reference R1 --key acme.key --recorded-time 2024-02-10T08:00:00Z
    -C acme payout confirm 16 --key tuner.key --recorded-time 2024-02-12T08:00:00Z
"#;

const FEBRUARY: &str = r#"
    -C acme usage correct 8 january-corrected.csv --reason "refunds were left out" --key acme.key --recorded-time 2024-03-01T08:00:00Z
    -C acme payout send meta 181.30 --sent-on 2024-03-20 --reference R2 --key acme.key --recorded-time 2024-03-20T08:00:00Z
    -C acme payout confirm 23 --received-on 2024-04-01 --key meta.key --recorded-time 2024-04-01T08:00:00Z
    -C acme usage report february.csv --period 2024-02 --key acme.key --recorded-time 2024-04-02T08:00:00Z
"#;

fn event(ledger: &Ledger, seq: u64) -> EventId {
    view::place::event_of(ledger.state(), seq).expect("a record")
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}

fn claim(from: &str) -> Command {
    Command::ClaimContribution(ContributionClaim {
        clause: Id::parse("safety-tuning").expect("an id"),
        from: day(from),
        to: None,
        evidence: None,
        note: text("safety tuning of llama-3"),
    })
}

fn rate(rate: &str, period: &str) -> Command {
    Command::ProposeRate(ConversionRate {
        currency: Currency::parse("EUR").expect("a currency"),
        rate: Amount::parse(rate).expect("a rate"),
        period: Period::parse(period).expect("a period"),
        source: text("ECB reference rate"),
    })
}

#[test]
fn what_the_commands_show_of_a_contract_with_every_clause() {
    play_on(&Bench::with_contract(), "contract");
}
