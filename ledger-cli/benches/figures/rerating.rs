//! Ten years of monthly periods, rated again after an amendment of the first.

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use revshare_core::chain::Signer;
use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::event::TermsVersion;
use revshare_core::intake::terms::read_terms;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Outcome;
use revshare_core::ledger::Signing;
use revshare_core::state::State;
use revshare_core::usage::BlockBuilder;
use revshare_core::usage::LineBlock;
use revshare_core::view;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::Name;
use revshare_core::vocab::Period;
use revshare_core::vocab::PublicKey;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;
use revshare_core::vocab::Value;

use crate::machine;

pub const MONTHS: usize = 120;
/// Bites in some month.
const CAP: &str = "900000000";

pub struct Party {
    id: Id,
    signer: Signer,
    key: PublicKey,
}

impl Party {
    pub fn author(&self) -> Author {
        Author { party: self.id.clone(), key: self.key }
    }

    pub fn signer(&self) -> &Signer {
        &self.signer
    }
}

pub struct Bench {
    pub ledger: Ledger,
    pub nonce: u64,
}

pub fn party(id: &str, secret: u8) -> Party {
    let signer = Signer::from_secret(&[secret; 32]).expect("key");
    let key = signer.public().expect("key");
    Party { id: Id::parse(id).expect("id"), signer, key }
}

impl Bench {
    pub fn say(&mut self, party: &Party, command: Command) -> Outcome {
        self.nonce += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_le_bytes());
        let now = Timestamp::parse("2036-07-01T00:00:00Z").expect("time");
        let author = Author { party: party.id.clone(), key: party.key };
        let context = Context { author, recorded_at: now, now };
        let signing = Signing { signer: &party.signer, nonce };
        self.ledger.submit(command, &context, &signing, Mode::Record).expect("recorded")
    }

    pub fn state(&self) -> &State {
        self.ledger.state()
    }
}

/// A month: three applications in three territories on every day, so that a period has some 270
/// distinct keys, and its lines fall into a few groups; so many lines per key.
pub fn report(period: Period, per_key: u32) -> Command {
    Command::ReportUsage { period, supplement: false, blocks: blocks(period, per_key) }
}

/// The lines of such a month.
pub fn blocks(period: Period, per_key: u32) -> Vec<LineBlock> {
    let attributes = ["application", "territory"].map(name).to_vec();
    let mut builder = BlockBuilder::new(attributes, vec![name("input_tokens")], Vec::new());
    let mut blocks = Vec::new();
    let currency = Currency::parse("USD").expect("currency");
    let mut day = period.first_day();
    while day <= period.last_day() {
        for application in ["search", "chat", "code"] {
            for territory in ["US", "EU", "JP"] {
                let values = [application, territory].map(value).to_vec();
                let key = builder.key(day, currency, &values);
                for copy in 0..per_key {
                    let gross = 720_013 + i128::from(day.days() % 31) * 2 + i128::from(copy);
                    let full = builder.line(key, (gross, 2), &[(10_000_001, 0)], &[]);
                    blocks.extend(full.expect("in bounds"));
                }
            }
        }
        day = day.plus_days(1);
    }
    blocks.extend(builder.finish().expect("in bounds"));
    blocks
}

pub fn terms(parties: &[&Party; 2], first_share: &str, cap: &str) -> TermsVersion {
    terms_since(parties, (first_share, cap), "2026")
}

/// Likewise, from the beginning of another year on.
pub fn terms_since(
    [host, owner]: &[&Party; 2],
    (first_share, cap): (&str, &str),
    year: &str,
) -> TermsVersion {
    let text = TERMS
        .replace("2026", year)
        .replace("@host@", &host.key.to_string())
        .replace("@owner@", &owner.key.to_string())
        .replace("@first@", first_share)
        .replace("@cap@", cap);
    let read = read_terms("terms.toml", text.as_bytes());
    view::terms::version(read.terms.expect("terms")).expect("terms that fit")
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .collect();
    times.sort();
    times[4]
}

/// Reports ten years, states all months but the last, amends the terms from the first day on, and
/// times what the next statement takes.
pub fn run(folder: &Path) {
    let (host, owner) = (party("host", 7), party("owner", 8));
    let ledger = Ledger::create(folder, &machine(folder)).expect("folder");
    let mut bench = Bench { ledger, nonce: 0 };
    let version = Box::new(terms(&[&host, &owner], "0.15", CAP));
    let opened = bench.say(&host, Command::OpenLedger(version)).fact.id;
    bench.say(&owner, Command::Accept(opened));
    let mut period = Period::parse("2026-01").expect("period");
    for month in 1..=MONTHS {
        bench.say(&host, report(period, 1));
        if month < MONTHS {
            bench.say(&host, Command::IssueStatement(period));
            period = period.next().expect("period");
        }
    }
    let compose = |bench: &Bench| {
        let statement = view::statement::preview(bench.state(), period).expect("statement");
        std::hint::black_box(statement);
    };
    let before = median(|| compose(&bench));
    let amendment = Command::ProposeAmendment {
        version: Box::new(terms(&[&host, &owner], "0.16", CAP)),
        effective_from: Date::parse("2026-01-01").expect("day"),
        reason: Text::parse("the step from the beginning").expect("text"),
    };
    let proposed = bench.say(&host, amendment).fact.id;
    let started = Instant::now();
    bench.say(&owner, Command::Accept(proposed));
    let accept = started.elapsed();
    let after = median(|| compose(&bench));
    let statement = view::statement::preview(bench.state(), period).expect("statement");
    assert_eq!(statement.entries.len(), MONTHS, "every month is trued up");
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{MONTHS} monthly periods, {} reported lines, amended from the first day on",
        lines(&bench)
    );
    println!("  statement of the last, before        {:>8.1} ms", milliseconds(before));
    println!("  last acceptance of the amendment     {:>8.1} ms", milliseconds(accept));
    println!("  statement of the last, all trued up  {:>8.1} ms", milliseconds(after));
}

pub fn lines(bench: &Bench) -> u64 {
    bench.state().agreement().map_or(0, |agreement| agreement.exposure().lines)
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("name")
}

fn value(text: &str) -> Value {
    Value::parse(text).expect("value")
}

const TERMS: &str = r#"
[agreement]
title = "Benchmark (all rates invented)"
currency = "USD"
period = "month"
starts_on = 2026-01-01
calculation = 1
meters = ["input_tokens"]
[[party]]
id = "owner"
role = "owner"
key = "@owner@"
[[party]]
id = "host"
role = "collector"
key = "@host@"
[[rule]]
id = "code"
when = { application = ["code"] }
share = { owner = "@first@" }
[[rule]]
id = "rest"
tiers = { by = "revenue", over = "year", kind = "marginal" }
steps = [{ up_to = "10000000", share = { owner = "@first@" } }, { share = { owner = "0.33" } }]
[[exclusivity]]
id = "eu-search"
when = { application = ["search"], territory = ["EU"] }
from = 2026-03-01
to = 2031-03-01
add = { owner = "0.03" }
[[cap]]
to = "owner"
amount = "@cap@"
over = "lifetime"
"#;
