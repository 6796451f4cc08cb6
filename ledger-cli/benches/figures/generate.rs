//! Usage as hosts report it, from a seed: a few applications, models and territories have most of
//! the lines, some amounts are refunds, some values need quotes, and each territory has its
//! currency. The same seed gives the same bytes on every machine; all figures are invented.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use revshare_core::vocab::Date;

/// Territories with their currencies, the most frequent first.
const TERRITORIES: [(&str, &str); 8] = [
    ("US", "USD"),
    ("EU", "EUR"),
    ("GB", "GBP"),
    ("JP", "JPY"),
    ("IN", "USD"),
    ("BR", "USD"),
    ("CA", "USD"),
    ("Côte d'Ivoire", "EUR"),
];
const MODELS: [&str; 4] = ["llama-3.3-70b", "llama-3.1-8b", "llama-4-scout", "llama-3.1-405b"];
const APPLICATIONS: [&str; 12] = [
    "chat",
    "\"search, web\"",
    "code",
    "content_moderation",
    "\"support, tier 1\"",
    "translation",
    "\"the \"\"fast\"\" lane\"",
    "summaries",
    "extraction",
    "speech",
    "agents",
    "batch",
];

/// The header of the files.
pub const HEADER: &str =
    "day,application,model,territory,currency,gross,deduction.refunds,input_tokens,output_tokens";

/// One random stream: xorshift64, seeded.
struct Random(u64);

impl Random {
    /// A stream of its own for every seed.
    fn new(seed: u64) -> Random {
        Random(88_172_645_463_325_252 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below a bound.
    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// A position in a list; the n-th is about 1/n as frequent as the first.
    fn skewed(&mut self, len: usize) -> usize {
        // Zipf's weights in whole numbers.
        let weight = |at: usize| 2520 / (at as u64 + 1);
        let mut left = self.below((0..len).map(weight).sum());
        for at in 0..len {
            if left < weight(at) {
                return at;
            }
            left -= weight(at);
        }
        len - 1
    }
}

/// Writes a file of usage in June 2026.
pub fn write_month(path: &Path, lines: u64) {
    write_usage(path, lines, (Date::parse("2026-06-01").expect("a day"), 30), 1);
}

/// Writes a file of usage in June 2026 in which every line is that of another customer.
pub fn write_detail(path: &Path, lines: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("usage file"));
    let mut random = Random::new(2);
    writeln!(file, "{HEADER}").expect("usage file");
    for line in 0..lines {
        let day = line * 30 / lines + 1;
        // A prime step: customers come in no order, and none comes twice.
        let customer = line * 7_919 % lines;
        let (territory, currency) = TERRITORIES[random.skewed(TERRITORIES.len())];
        let model = MODELS[random.skewed(MODELS.len())];
        let (input, output) = (40 + random.below(4_000), random.below(4_000));
        let gross = (input + output * 3) * 72;
        writeln!(
            file,
            "2026-06-{day:02},customer-{customer:08},{model},{territory},{currency},{}.{:08},,\
             {input},{output}",
            gross / 100_000_000,
            gross % 100_000_000
        )
        .expect("usage file");
    }
    file.flush().expect("usage file");
}

/// Writes a file of usage over some days, in their order.
fn write_usage(path: &Path, lines: u64, (first, days): (Date, u64), seed: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("usage file"));
    let mut random = Random::new(seed);
    writeln!(file, "{HEADER}").expect("usage file");
    let days: Vec<String> = (0..days as i32)
        .map(|day| Date::from_days(first.days() + day).expect("a day").to_string())
        .collect();
    for line in 0..lines {
        let day = &days[(line * days.len() as u64 / lines) as usize];
        write_line(&mut file, day, &mut random);
    }
    file.flush().expect("usage file");
}

fn write_line(file: &mut impl Write, day: &str, random: &mut Random) {
    let (territory, currency) = TERRITORIES[random.skewed(TERRITORIES.len())];
    let application = APPLICATIONS[random.skewed(APPLICATIONS.len())];
    let model = random.skewed(MODELS.len());
    // Most requests are small, a few are very large.
    let size = 1 << (4 + random.below(13));
    let (input, output) = (40 + random.below(size), random.below(4_000));
    // A price per million tokens that has two digits, exactly.
    let gross = (input + output * 3) * [72, 20, 35, 300][model];
    let (whole, fraction) = (gross / 100_000_000, gross % 100_000_000);
    // One line in fifty gives everything back, one in twenty a part of it.
    let (sign, refunds) = match random.below(100) {
        0 | 1 => ("-", String::new()),
        2..7 => ("", format!("0.{:04}", random.below(9_999))),
        _ => ("", String::new()),
    };
    writeln!(
        file,
        "{day},{application},{},{territory},{currency},{sign}{whole}.{fraction:08},{refunds},\
         {input},{output}",
        MODELS[model]
    )
    .expect("usage file");
}

/// The terms of such usage; keys are filled in.
pub const TERMS: &str = r#"
[agreement]
title = "Benchmark (all rates invented)"
currency = "USD"
period = "month"
starts_on = 2026-06-01
calculation = 1
meters = ["input_tokens", "output_tokens"]
[[party]]
id = "owner"
role = "owner"
key = "@owner@"
[[party]]
id = "host"
role = "collector"
key = "@host@"
[base]
deductions = [{ kind = "refunds", cap = "0.50" }]
[[rule]]
id = "moderation"
when = { application = "content_moderation" }
share = { owner = "0.12" }
[[rule]]
id = "rest"
tiers = { by = "revenue", over = "year", kind = "marginal" }
steps = [{ up_to = "1000000", share = { owner = "0.15" } }, { share = { owner = "0.30" } }]
"#;
