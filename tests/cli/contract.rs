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
use revshare_core::machine::Machine;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Exact;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;
use revshare_core::vocab::Rounding;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;
use revshare_core::vocab::exact;
use serde_json::Value;

use crate::documents::json;
use crate::run::Bench;
use crate::run::root;
use crate::schema;
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
        bench.play_contract(&|name| name.to_owned());
        bench
    }

    /// Likewise, where some ids have other names.
    fn play_contract(&self, named: &dyn Fn(&str) -> String) {
        let bench = self;
        bench.ok("-C acme init --terms contract.toml --key acme.key --recorded-time 2024-01-05T08:00:00Z");
        bench.accepted(0, "2024-01-06T08:00:00Z");
        bench.says("tuner", "2024-01-24T08:00:00Z", claim(&named("safety-tuning"), "2024-01-25"));
        bench.accepted(4, "2024-01-24T09:00:00Z");
        let january = "-C acme usage report january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-03T08:00:00Z";
        bench.ok(january);
        bench.says("acme-cloud", "2024-02-03T09:00:00Z", rate("1.085", "2024-01"));
        bench.accepted(9, "2024-02-03T10:00:00Z");
        for line in ADVANCE.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bench.ok(&line.replace(" meta ", &format!(" {} ", named("meta"))));
        }
        let amendment = Command::ProposeAmendment {
            version: Box::new(bench.terms("amended.toml")),
            effective_from: day("2024-02-15"),
            reason: text("new prices"),
        };
        bench.says("acme-cloud", "2024-02-20T08:00:00Z", amendment);
        bench.accepted(18, "2024-02-20T09:00:00Z");
        for line in FEBRUARY.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bench.ok(&line.replace(" meta ", &format!(" {} ", named("meta"))));
        }
        bench.says("acme-cloud", "2024-04-03T09:00:00Z", rate("1.10", "2024-02"));
        bench.accepted(26, "2024-04-03T10:00:00Z");
        bench.ok(
            "-C acme statement issue 2024-02 --key acme.key --recorded-time 2024-04-04T08:00:00Z",
        );
    }

    /// Every party whose acceptance of a record is missing accepts it.
    fn accepted(&self, seq: u64, time: &str) {
        let ledger =
            Ledger::open(&self.path("acme"), &Machine::without_folders()).expect("a ledger");
        let state = ledger.state();
        let id = event(&ledger, seq);
        let agreement = state.agreement().expect("an agreement");
        let missing: Vec<Id> = match agreement.proposals().get(&id) {
            Some(proposal) => proposal.needed.difference(&proposal.accepted_by).cloned().collect(),
            None => agreement.awaited().into_iter().cloned().collect(),
        };
        for party in missing {
            let file = key_file(party.as_str());
            self.ok(&format!("-C acme accept {seq} --key {file}.key --recorded-time {time}"));
        }
    }

    /// A party says what there is no command for in these tests.
    fn says(&self, party: &str, time: &str, command: Command) {
        let file = key_file(party);
        let key = ssh_key::PrivateKey::from_openssh(self.read(&format!("{file}.key")));
        let key = key.expect("a private key");
        let pair = key.key_data().ed25519().expect("an Ed25519 key");
        let signer = Signer::from_secret(&pair.private.to_bytes()).expect("a signer");
        let mut ledger = self.writable();
        let time = Timestamp::parse(time).expect("a time");
        let key = signer.public().expect("a public key");
        let agreement = ledger.state().agreement().expect("an agreement");
        let party = agreement.versions().party_of_key(&key).expect("a party").id.clone();
        let author = Author { party, key };
        let context = Context { author, recorded_at: time, now: time };
        let nonce = [u8::try_from(ledger.state().next_seq()).expect("few records"); 16];
        let signing = Signing { signer: &signer, nonce };
        ledger.submit(command, &context, &signing, Mode::Record).expect("an admissible command");
    }

    /// Between fork and exec, a child that another test has just started holds the lock, too.
    fn writable(&self) -> Ledger {
        loop {
            let other = Machine::in_folder(&self.path("another-machine"));
            match Ledger::open_for_writing(&self.path("acme"), &other) {
                Ok(ledger) => return ledger,
                Err(problem) if problem.code == Code::Locked => std::thread::yield_now(),
                Err(problem) => panic!("{problem}"),
            }
        }
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

/// The file of a party's key, by what its id begins and ends with.
fn key_file(party: &str) -> &'static str {
    let is = |id: &&(&str, &str)| {
        let (first, last) = id.0.split_once('-').unwrap_or((id.0, ""));
        party.starts_with(first) && party.ends_with(last)
    };
    // The research lab's id begins like its owner's.
    PARTIES.iter().rev().find(is).expect("a known party").1
}

fn event(ledger: &Ledger, seq: u64) -> EventId {
    view::place::event_of(ledger.state(), seq).expect("a record")
}

fn day(text: &str) -> Date {
    Date::parse(text).expect("a day")
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}

fn claim(clause: &str, from: &str) -> Command {
    Command::ClaimContribution(ContributionClaim {
        clause: Id::parse(clause).expect("an id"),
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

#[test]
fn proposals_wait_until_everybody_has_accepted() {
    let bench = Bench::with_contract();
    bench.says("acme-cloud", "2024-05-02T08:00:00Z", rate("1.08", "2024-03"));
    bench.says("tuner", "2024-05-03T08:00:00Z", claim("safety-tuning", "2024-06-01"));
    let amendment = Command::ProposeAmendment {
        version: Box::new(bench.terms("contract.toml")),
        effective_from: day("2024-06-01"),
        reason: text("back to the first prices"),
    };
    bench.says("meta", "2024-05-04T08:00:00Z", amendment);
    play_on(&bench, "acceptances");
}

#[test]
fn advances_and_tax() {
    play_on(&Bench::with_contract(), "advances");
}

/// What people read on a terminal.
const SCREENS: [&str; 21] = [
    "show 4",
    "show 18",
    "show 23",
    "show 30",
    "accept",
    "status",
    "history",
    "balances -v",
    "balances -v --at 24",
    "usage list",
    "usage show 8",
    "usage show 25",
    "statement list",
    "statement show 2024-01",
    "statement show 2024-02",
    "statement preview 2024-01 --at 14",
    "payout list",
    "explain 2024-01/@META@",
    "explain 2024-02/@META@",
    "explain 2024-02/@META@-research",
    "explain 2024-02/tuner",
];

fn too_wide(bench: &Bench, meta: &str) -> Vec<String> {
    let mut wide = Vec::new();
    for screen in SCREENS {
        let screen = screen.replace("@META@", meta);
        let ran = bench.ok(&format!("-C acme {screen}"));
        let lines = ran.out.lines().filter(|line| line.chars().count() > 80);
        wide.extend(lines.map(|line| format!("{screen}: {line}")));
        assert!(!ran.out.lines().any(|line| line.ends_with(' ')), "{screen}: {}", ran.out);
    }
    wide
}

#[test]
fn every_screen_fits_80_columns() {
    let bench = Bench::with_contract();
    assert_eq!(too_wide(&bench, "meta"), Vec::<String>::new());
}

#[test]
fn every_screen_fits_80_columns_with_the_longest_ids_too() {
    let long = |word: &str| format!("{word}-{}", "x1".repeat((54 - word.len()) / 2));
    let names = ["meta", "everything-else", "eu-search", "safety-tuning"];
    let bench = Bench::with_contract_files();
    for file in ["contract.toml", "amended.toml"] {
        let mut text = bench.read(file);
        for name in names {
            text = text.replace(&format!("\"{name}"), &format!("\"{}", long(name)));
            text = text.replace(&format!(" {name} ="), &format!(" {} =", long(name)));
            text = text
                .replace(&format!(" {name}-research ="), &format!(" {}-research =", long(name)));
        }
        bench.write(file, &text);
    }
    bench.play_contract(&long);
    assert_eq!(too_wide(&bench, &long("meta")), Vec::<String>::new());
}

#[test]
fn every_json_document_of_it_fits_its_schema() {
    let bench = Bench::with_contract();
    let documents = [
        ("balances", "balances"),
        ("status", "status"),
        ("waiting", "accept"),
        ("statement", "statement show 2024-01"),
        ("statement", "statement show 2024-02"),
        ("statements", "statement list"),
        ("usage-list", "usage list"),
        ("usage-show", "usage show 8"),
        ("payouts", "payout list"),
        ("explain", "explain 2024-01/meta"),
        ("explain", "explain 2024-02/meta"),
        ("explain", "explain 2024-02/meta-research"),
        ("explain", "explain 2024-02/tuner"),
        ("terms-show", "terms show"),
        ("terms-show", "terms show --version 0"),
        ("recorded", "advance pay --to meta --amount 5 --key acme.key --dry-run"),
        ("recorded", "payout send tuner 50 --key acme.key --dry-run"),
    ];
    for (name, command) in documents {
        let ran = bench.ok(&format!("-C acme {command} --json"));
        assert_eq!(ran.err, "", "{command} prints one document and nothing else");
        schema::check(name, &json(&ran.out));
    }
    for line in bench.ok("-C acme history --json").out.lines() {
        schema::check("record", &json(line));
    }
    bench.says("acme-cloud", "2024-05-02T08:00:00Z", rate("1.08", "2024-03"));
    let ran =
        bench.ok("-C acme accept 31 --key meta.key --recorded-time 2024-05-03T08:00:00Z --json");
    schema::check("recorded", &json(&ran.out));
    assert_eq!(json(&ran.out)["decided"]["in_force"], false);
    schema::check("waiting", &json(&bench.ok("-C acme accept --at 31 --json").out));
}

#[test]
fn the_versions_of_the_terms_are_shown_and_each_can_be_read_again() {
    let bench = Bench::with_contract();
    let last = bench.ok("-C acme terms show").out;
    let first = bench.ok("-C acme terms show --version 0").out;
    assert!(last.contains("\n# version 1, of these:\n"), "{last}");
    assert!(first.contains("\n# version 0, of these:\n"), "{first}");
    assert!(!first.contains("price = \"22\"") && last.contains("price = \"22\""));
    for (text, file) in [(&first, "contract.toml"), (&last, "amended.toml")] {
        bench.write("shown.toml", text);
        let digest = |file: &str| {
            let document = json(&bench.ok(&format!("terms check {file} --json")).out);
            document["terms"].as_str().expect("a digest").to_owned()
        };
        assert_eq!(digest("shown.toml"), digest(file));
    }
    let document = json(&bench.ok("-C acme terms show --json --at 17").out);
    assert_eq!(document["versions"].as_array().map(Vec::len), Some(1));
    let document = json(&bench.ok("-C acme terms show --json").out);
    assert_eq!(document["version"], 1);
    assert_eq!(document["versions"][1]["seq"], 18);
    assert_eq!(document["versions"][1]["effective_from"], "2024-02-15");
}

/// From sums of lines up to the amount, with nothing but what the document says.
#[test]
fn every_amount_can_be_computed_again_from_its_explanation() {
    let bench = Bench::with_contract();
    for period in ["2024-01", "2024-02"] {
        for party in ["meta", "meta-research", "tuner"] {
            let document = json(&bench.ok(&format!("-C acme explain {period}/{party} --json")).out);
            let mut amount = Exact::zero();
            for part in list(&document["parts"]) {
                amount += number(&part["amount"]);
                let pool = list(&document["pools"]).iter().find(|pool| pool["of"] == part["of"]);
                let whole = number(&pool.unwrap_or(&document)["own"]);
                let exact = whole * number(&part["weight"]) / number(&part["weights"]);
                let off = exact - number(&part["amount"]);
                assert!(off < number(&"0.01".into()) && off > number(&"-0.01".into()));
            }
            if list(&document["split"]).is_empty() {
                amount += number(&document["own"]);
            }
            assert_eq!(amount, number(&document["amount"]), "{period}/{party}");
            recompute(&document);
            list(&document["pools"]).iter().for_each(recompute);
        }
    }
}

/// A party's own amount, from groups to guarantees.
fn recompute(chain: &Value) {
    let mut earned = Exact::zero();
    for rule in list(&chain["rules"]) {
        let mut of_rule = Exact::zero();
        for group in list(&rule["groups"]) {
            let deducted = list(&group["deductions"]).iter().map(|one| number(&one["deducted"]));
            assert_eq!(number(&group["gross"]) - deducted.sum::<Exact>(), number(&group["base"]));
            let rate = if group["rate"].is_null() { "1".into() } else { group["rate"].clone() };
            assert_eq!(number(&group["base"]) * number(&rate), number(&group["converted"]));
        }
        for operation in list(&rule["operations"]) {
            let result = match operation["operation"].as_str().expect("a name") {
                "share" | "window-share" => number(&operation["base"]) * rate_of(operation),
                "per-unit" => number(&operation["units"]) * number(&operation["price"]),
                // What a window came to before is the sum of earlier operations.
                _ => number(&operation["earned"]),
            };
            assert_eq!(result, number(&operation["earned"]), "{operation}");
            of_rule += result;
        }
        assert_eq!(of_rule, number(&rule["earned"]));
        earned += of_rule;
    }
    assert_eq!(earned, number(&chain["earned"]));
    let rounded = Rounding::HalfEven.round(&earned, 2).expect("an amount").to_text(2);
    assert_eq!(chain["rounded"], rounded);
    let mut own = number(&chain["rounded"]);
    for capped in list(&chain["caps"]) {
        let room = number(&capped["cap"]) - number(&capped["kept"]);
        own = own.min(room);
        assert_eq!(own, number(&capped["after"]));
    }
    for top_up in list(&chain["top_ups"]) {
        let missing = number(&top_up["guarantee"]) - number(&top_up["got"]);
        own += missing.max(Exact::zero());
    }
    assert_eq!(own, number(&chain["own"]));
}

/// share + points, between floor and ceiling.
fn rate_of(operation: &Value) -> Exact {
    let points = operation["points"].as_array().map(Vec::as_slice).unwrap_or_default();
    let points: Exact = points.iter().map(|one| number(&one["points"])).sum();
    let rate = (number(&operation["share"]) + points)
        .max(number(&operation["rate_floor"]))
        .min(number(&operation["rate_ceiling"]));
    assert_eq!(rate, number(&operation["rate"]));
    rate
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> Exact {
    let text = value.as_str().unwrap_or_else(|| panic!("no number: {value}"));
    match text.split_once('/') {
        Some((numerator, denominator)) => {
            let whole = |text: &str| Exact::from(text.parse::<i128>().expect("an integer"));
            whole(numerator) / whole(denominator)
        }
        None => exact::of_amount(&Amount::parse(text).expect("a decimal")),
    }
}
