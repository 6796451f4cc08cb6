//! Payloads that break one rule of the format each, built byte by byte from its document.

use ledger_core::event::Event;
use ledger_core::event::Kind;
use ledger_core::event::Lines;
use ledger_core::wire::event::encode_payload;
use ledger_core::wire::terms::encode_terms;
use revshare_kit::public_key;
use revshare_kit::random::facts;

use crate::golden::every_clause;
use crate::golden::every_kind;

/// A payload that must be refused.
pub struct Bad {
    /// The name of its file.
    pub name: &'static str,
    /// What is wrong with it.
    pub what: &'static str,
    /// What it claims to be.
    pub kind: Kind,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Writes bytes as the document says.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    pub fn raw(mut self, bytes: &[u8]) -> Bytes {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u8(self, number: u8) -> Bytes {
        self.raw(&[number])
    }

    pub fn u16(self, number: u16) -> Bytes {
        self.raw(&number.to_le_bytes())
    }

    pub fn u32(self, number: u32) -> Bytes {
        self.raw(&number.to_le_bytes())
    }

    pub fn u64(self, number: u64) -> Bytes {
        self.raw(&number.to_le_bytes())
    }

    pub fn text(self, text: &[u8]) -> Bytes {
        self.u64(text.len() as u64).raw(text)
    }

    pub fn decimal(self, mantissa: i128, scale: u8) -> Bytes {
        self.raw(&mantissa.to_le_bytes()).u8(scale)
    }
}

/// A payout, field by field.
struct Payout {
    to: &'static [u8],
    amount: (i128, u8),
    day: i32,
    reference: Vec<u8>,
}

impl Default for Payout {
    fn default() -> Payout {
        Payout { to: b"meta", amount: (125, 1), day: 20_000, reference: b"wire 1".to_vec() }
    }
}

impl Payout {
    fn bytes(&self) -> Vec<u8> {
        let (mantissa, scale) = self.amount;
        let bytes = Bytes::default().text(self.to).decimal(mantissa, scale).decimal(0, 0);
        bytes.raw(&self.day.to_le_bytes()).text(&self.reference).0
    }
}

/// A block of usage lines, field by field: two lines of two days, one attribute, one meter.
#[derive(Clone)]
struct Block {
    lines: u32,
    attributes: Vec<&'static [u8]>,
    meters: Vec<&'static [u8]>,
    values: Vec<&'static [u8]>,
    /// Day, currency, position of the value.
    keys: Vec<(i32, [u8; 3], u32)>,
    key_of: Vec<u8>,
    /// Scale, width, integers.
    gross: (u8, u8, Vec<u8>),
    meter: (u8, u8, Vec<u8>),
    behind: Vec<u8>,
}

impl Default for Block {
    fn default() -> Block {
        Block {
            lines: 2,
            attributes: vec![b"model"],
            meters: vec![b"tokens"],
            values: vec![b"llama", b"mistral"],
            keys: vec![(20_454, *b"USD", 0), (20_455, *b"USD", 1)],
            key_of: vec![0, 1],
            gross: (1, 1, vec![15, 20]),
            meter: (0, 1, vec![1, 0]),
            behind: vec![],
        }
    }
}

impl Block {
    fn bytes(&self) -> Vec<u8> {
        let names = |bytes: Bytes, names: &[&[u8]]| {
            let bytes = bytes.u8(names.len() as u8);
            names.iter().fold(bytes, |bytes, name| bytes.u8(name.len() as u8).raw(name))
        };
        let mut bytes = Bytes::default().u32(self.lines);
        bytes = names(bytes, &self.attributes);
        bytes = names(bytes, &self.meters);
        bytes = names(bytes, &[]).u32(self.values.len() as u32);
        for value in &self.values {
            bytes = bytes.u16(value.len() as u16).raw(value);
        }
        bytes = bytes.u32(self.keys.len() as u32);
        for (day, currency, value) in &self.keys {
            bytes = bytes.raw(&day.to_le_bytes()).raw(currency).u32(*value);
        }
        bytes = bytes.raw(&self.key_of);
        for (scale, width, integers) in [&self.gross, &self.meter] {
            bytes = bytes.u8(*scale).u8(*width).raw(integers);
        }
        bytes.raw(&self.behind).0
    }

    /// As a part of a report.
    fn part(&self) -> Vec<u8> {
        Bytes::default().u32(0).text(&self.bytes()).0
    }
}

/// The well-formed samples that the bad ones differ from.
fn samples_are_good() {
    let decode = |kind: Kind, payload: &[u8]| {
        let length = ledger_core::vocab::PeriodLength::Month;
        ledger_core::wire::event::decode_payload((kind as u16, 1), length, payload)
            .unwrap_or_else(|problem| panic!("{problem}"));
    };
    decode(Kind::PayoutSent, &Payout::default().bytes());
    decode(Kind::UsagePart, &Block::default().part());
}

/// Every bad payload.
pub fn bad_payloads() -> Vec<Bad> {
    samples_are_good();
    let mut all = words();
    all.extend(blocks());
    all.extend(structures());
    all.extend(terms());
    all
}

fn words() -> Vec<Bad> {
    let payout = |name, what, payout: Payout| Bad {
        name,
        what,
        kind: Kind::PayoutSent,
        payload: payout.bytes(),
    };
    let default = Payout::default;
    let missing = |name, what, year: u16, month: u8| Bad {
        name,
        what,
        kind: Kind::UsageMissing,
        payload: Bytes::default().u16(year).u8(month).0,
    };
    vec![
        payout("id-capital", "an id has a capital letter", Payout { to: b"Meta", ..default() }),
        payout("id-empty", "an id is empty", Payout { to: b"", ..default() }),
        payout(
            "decimal-zeros",
            "a decimal has a zero at the end of its fraction",
            Payout { amount: (1250, 2), ..default() },
        ),
        payout(
            "decimal-scaled-zero",
            "zero has fraction digits",
            Payout { amount: (0, 1), ..default() },
        ),
        payout(
            "decimal-scale",
            "a decimal has 13 fraction digits",
            Payout { amount: (1, 13), ..default() },
        ),
        payout(
            "decimal-large",
            "a decimal has 16 digits before the point",
            Payout { amount: (10i128.pow(15), 0), ..default() },
        ),
        payout(
            "decimal-largest",
            "a mantissa is the largest integer",
            Payout { amount: (i128::MAX, 12), ..default() },
        ),
        payout("day-negative", "a day lies before 1970", Payout { day: -1, ..default() }),
        payout("day-late", "a day lies behind 2999", Payout { day: 376_200, ..default() }),
        payout(
            "text-control",
            "a text has an escape character",
            Payout { reference: b"\x1b[31mred".to_vec(), ..default() },
        ),
        payout(
            "text-newline",
            "a text has a line break",
            Payout { reference: b"a\nb".to_vec(), ..default() },
        ),
        payout(
            "text-bidirectional",
            "a text turns its direction",
            Payout { reference: "a\u{202e}b".into(), ..default() },
        ),
        payout(
            "text-zero-width",
            "a text has an invisible character",
            Payout { reference: "a\u{200b}b".into(), ..default() },
        ),
        payout(
            "text-long",
            "a text has 1025 bytes",
            Payout { reference: vec![b'a'; 1025], ..default() },
        ),
        payout(
            "text-not-utf8",
            "a text is not UTF-8",
            Payout { reference: vec![0xc3, 0x28], ..default() },
        ),
        missing("month-zero", "a month is 0", 2026, 0),
        missing("month-thirteen", "a month is 13", 2026, 13),
        missing("year-early", "a year lies before 1970", 1969, 12),
        missing("year-late", "a year lies behind 2999", 3000, 1),
    ]
}

fn blocks() -> Vec<Bad> {
    let part =
        |name, what, block: Block| Bad { name, what, kind: Kind::UsagePart, payload: block.part() };
    let default = Block::default;
    vec![
        part(
            "block-no-lines",
            "a block has no lines",
            Block {
                lines: 0,
                key_of: vec![],
                gross: (0, 1, vec![]),
                meter: (0, 1, vec![]),
                ..default()
            },
        ),
        part(
            "block-too-many-lines",
            "a block counts 65,537 lines",
            Block { lines: 65_537, ..default() },
        ),
        part(
            "block-names-unsorted",
            "attributes are not sorted",
            Block { attributes: vec![b"model", b"a"], ..default() },
        ),
        part(
            "block-name-bad",
            "the name of a meter has a space",
            Block { meters: vec![b"a b"], ..default() },
        ),
        part(
            "block-values-unsorted",
            "values are not sorted",
            Block { values: vec![b"mistral", b"llama"], ..default() },
        ),
        part(
            "block-value-twice",
            "a value stands twice",
            Block { values: vec![b"llama", b"llama"], ..default() },
        ),
        part(
            "block-value-unused",
            "a value is not used",
            Block { values: vec![b"llama", b"mistral", b"other"], ..default() },
        ),
        part(
            "block-value-missing",
            "a key names a value that is not there",
            Block { keys: vec![(20_454, *b"USD", 0), (20_455, *b"USD", 9)], ..default() },
        ),
        part(
            "block-attribute-empty",
            "an attribute column holds only the empty value",
            Block {
                values: vec![b""],
                keys: vec![(20_454, *b"USD", 0), (20_455, *b"USD", 0)],
                ..default()
            },
        ),
        part(
            "block-keys-unsorted",
            "keys are not sorted",
            Block { keys: vec![(20_455, *b"USD", 0), (20_454, *b"USD", 1)], ..default() },
        ),
        part(
            "block-key-twice",
            "a key stands twice",
            Block {
                values: vec![b"llama"],
                keys: vec![(20_454, *b"USD", 0), (20_454, *b"USD", 0)],
                ..default()
            },
        ),
        part("block-key-unused", "a key is not used", Block { key_of: vec![1, 1], ..default() }),
        part(
            "block-key-missing",
            "a line names a key that is not there",
            Block { key_of: vec![0, 2], ..default() },
        ),
        part(
            "block-currency",
            "a currency is no code of ISO 4217",
            Block { keys: vec![(20_454, *b"USX", 0), (20_455, *b"USX", 1)], ..default() },
        ),
        part(
            "block-currency-lower",
            "a currency is not in capitals",
            Block { keys: vec![(20_454, *b"usd", 0), (20_455, *b"usd", 1)], ..default() },
        ),
        part(
            "block-scale",
            "a column has 13 fraction digits",
            Block { gross: (13, 1, vec![15, 20]), ..default() },
        ),
        part(
            "block-scale-not-smallest",
            "a column has more fraction digits than it needs",
            Block { gross: (1, 1, vec![10, 20]), ..default() },
        ),
        part(
            "block-width-not-smallest",
            "a column is wider than it needs to be",
            Block { gross: (1, 2, vec![15, 0, 20, 0]), ..default() },
        ),
        part(
            "block-width-unknown",
            "a column is 3 bytes wide",
            Block { gross: (1, 3, vec![15, 0, 0, 20, 0, 0]), ..default() },
        ),
        part(
            "block-meter-zero",
            "a meter column holds only zeros",
            Block { meter: (0, 1, vec![0, 0]), ..default() },
        ),
        part(
            "block-bytes-behind",
            "bytes follow the last column",
            Block { behind: vec![0], ..default() },
        ),
        part("block-cut", "the last column is cut", Block { meter: (0, 1, vec![1]), ..default() }),
        part(
            "block-number-large",
            "a number has 16 digits before the point",
            Block {
                gross: (
                    0,
                    8,
                    [10i64.pow(15), 1].iter().flat_map(|int| int.to_le_bytes()).collect(),
                ),
                ..default()
            },
        ),
    ]
}

fn structures() -> Vec<Bad> {
    let report = |name, what, payload: Bytes| Bad {
        name,
        what,
        kind: Kind::UsageReported,
        payload: payload.0,
    };
    let head = || Bytes::default().u16(2026).u8(1);
    let parts = |gross: &[(&[u8; 3], i128)]| {
        let list = head().u8(0).u32(2).u64(1).raw(&[1; 32]).u64(1).raw(&[2; 32]);
        let list = list.u64(gross.len() as u64);
        gross.iter().fold(list, |list, (code, sum)| list.raw(*code).decimal(*sum, 0))
    };
    let facts = facts(&every_kind());
    let statement = facts.iter().filter_map(|fact| match &fact.event {
        Event::StatementIssued(statement) if statement.entries.len() == 2 => Some(statement),
        _ => None,
    });
    let statement = statement.min_by_key(|s| s.period).expect("a statement with a true-up").clone();
    let statements = |name, what, change: &dyn Fn(&mut ledger_core::statement::Statement)| {
        let mut statement = statement.clone();
        change(&mut statement);
        let event = Event::StatementIssued(statement);
        let payload = encode_payload(&event).expect("it has bytes");
        Bad { name, what, kind: Kind::StatementIssued, payload }
    };
    let acknowledged = facts.iter().find(|fact| fact.event.kind() == Kind::Acknowledged);
    let acknowledged = encode_payload(&acknowledged.expect("there is one").event);
    let acknowledged = acknowledged.expect("it has bytes");
    let said = |name, what, payload: Vec<u8>| Bad { name, what, kind: Kind::Acknowledged, payload };
    let inline = facts.iter().find_map(|fact| match &fact.event {
        Event::UsageReported(report) if matches!(report.lines, Lines::Inline(_)) => {
            encode_payload(&fact.event).ok()
        }
        _ => None,
    });
    let mut long_count = inline.expect("a report with lines");
    long_count[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    vec![
        report("bool-two", "a boolean is 2", head().u8(2).u32(0)),
        report(
            "alternative-unknown",
            "the lines are of an unknown alternative",
            head().u8(0).u32(3),
        ),
        report("lines-absent", "the lines are not there", head().u8(0)),
        report("bytes-behind", "a byte follows the last field", head().u8(0).u32(0).u8(0)),
        report("count-huge", "a count is larger than the bytes left", Bytes(long_count)),
        report(
            "gross-unsorted",
            "gross totals are not sorted by currency",
            parts(&[(b"USD", 1), (b"EUR", 1)]),
        ),
        report(
            "gross-twice",
            "a currency has two gross totals",
            parts(&[(b"USD", 1), (b"USD", 1)]),
        ),
        statements("statement-empty", "a statement has no entries", &|s| s.entries.clear()),
        statements("statement-unsorted", "the entries of a statement are not sorted", &|s| {
            s.entries.reverse()
        }),
        statements("statement-own-missing", "the last entry is not the statement's own", &|s| {
            s.entries.pop();
        }),
        statements("shares-twice", "a party has two shares in an entry", &|s| {
            let shares = &mut s.entries[0].shares;
            shares.push(shares[0].clone());
        }),
        said(
            "acknowledged-cut",
            "the last field is cut",
            acknowledged[..acknowledged.len() - 1].to_vec(),
        ),
        said("acknowledged-empty", "the payload is empty", vec![]),
    ]
}

/// Replaces the one place where a pattern stands.
fn replaced(bytes: &[u8], pattern: &[u8], with: &[u8]) -> Vec<u8> {
    let places: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(pattern)).collect();
    assert!(!places.is_empty(), "the pattern stands in the sample");
    let at = places[0];
    [&bytes[..at], with, &bytes[at + pattern.len()..]].concat()
}

fn terms() -> Vec<Bad> {
    let world = every_clause();
    let terms = encode_terms(world.agreement().terms(), ledger_core::vocab::Level::One)
        .expect("terms have bytes");
    let terms = &terms[..];
    let bad = |name, what, payload| Bad { name, what, kind: Kind::LedgerOpened, payload };
    let text = |text: &str| Bytes::default().text(text.as_bytes()).0;
    let decimal = |mantissa, scale| Bytes::default().decimal(mantissa, scale).0;
    let day = |year, month, day| {
        let date = ledger_core::vocab::Date::from_ymd(year, month, day).expect("a day");
        date.days().to_le_bytes()
    };
    let key = |name: &str| public_key(name).bytes().to_vec();
    vec![
        bad(
            "terms-collector-missing",
            "there is no collector",
            replaced(
                terms,
                &[text("acme-cloud"), vec![1]].concat(),
                &[text("acme-cloud"), vec![0]].concat(),
            ),
        ),
        bad(
            "terms-collectors",
            "there are two collectors",
            replaced(
                terms,
                &[text("expert"), vec![3]].concat(),
                &[text("expert"), vec![1]].concat(),
            ),
        ),
        bad(
            "terms-role-unknown",
            "a role is unknown",
            replaced(
                terms,
                &[text("expert"), vec![3]].concat(),
                &[text("expert"), vec![5]].concat(),
            ),
        ),
        bad(
            "terms-key-twice",
            "two parties have one key",
            replaced(terms, &key("a-lab"), &key("expert")),
        ),
        bad(
            "terms-key-weak",
            "a key is a point of small order",
            replaced(terms, &key("a-lab"), &[0; 32]),
        ),
        bad(
            "terms-key-encoding",
            "a key is the point 3, written as 3 above the prime",
            replaced(terms, &key("a-lab"), &[&[0xf0], &[0xff; 30][..], &[0x7f]].concat()),
        ),
        bad(
            "terms-party-twice",
            "two parties have one id",
            replaced(terms, &text("expert"), &text("a-lab")),
        ),
        bad(
            "terms-steps-falling",
            "the bounds of steps do not rise",
            replaced(
                terms,
                &[vec![1], decimal(2000, 0)].concat(),
                &[vec![1], decimal(1000, 0)].concat(),
            ),
        ),
        bad(
            "terms-share-above-one",
            "a share is above 1",
            replaced(terms, &decimal(333_333_333_333, 12), &decimal(2, 0)),
        ),
        bad("terms-shares-above-one", "shares come to more than 1", {
            let ceiling = replaced(terms, &decimal(4, 1), &decimal(1, 0));
            replaced(&ceiling, &decimal(12, 2), &decimal(1, 0))
        }),
        bad(
            "terms-floor-above-ceiling",
            "the floor is above the ceiling",
            replaced(terms, &decimal(4, 1), &decimal(0, 0)),
        ),
        bad(
            "terms-share-negative",
            "a share is negative",
            replaced(terms, &decimal(12, 2), &decimal(-12, 2)),
        ),
        bad(
            "terms-flat-negative",
            "a flat amount is negative",
            replaced(terms, &decimal(75, 1), &decimal(-75, 1)),
        ),
        bad(
            "terms-rule-twice",
            "two rules have one id",
            replaced(terms, &text("by-tokens"), &text("by-revenue")),
        ),
        bad(
            "terms-deduction-twice",
            "a deduction is listed twice",
            replaced(terms, &text("infrastructure"), &text("refunds")),
        ),
        bad(
            "terms-meter-twice",
            "a meter is declared twice",
            replaced(terms, &text("requests"), &text("tokens")),
        ),
        bad(
            "terms-meter-reserved",
            "a meter has the name of a column",
            replaced(terms, &text("requests"), &text("gross")),
        ),
        bad(
            "terms-meter-attribute",
            "a meter has the name of an attribute",
            replaced(terms, &text("requests"), &text("model")),
        ),
        bad(
            "terms-meter-undeclared",
            "a tier counts a meter that is not declared",
            replaced(terms, &text("tokens"), &text("words")),
        ),
        bad(
            "terms-attribute-reserved",
            "an attribute has the name of a column",
            replaced(terms, &text("territory"), &text("day")),
        ),
        bad(
            "terms-attribute-meter",
            "an attribute has the name of a meter",
            replaced(terms, &text("territory"), &text("tokens")),
        ),
        bad(
            "terms-payee-missing",
            "a rule pays a party that is none",
            replaced(
                terms,
                &[text("meta"), decimal(12, 2)].concat(),
                &[text("nobody"), decimal(12, 2)].concat(),
            ),
        ),
        bad(
            "terms-payee-arbiter",
            "a rule pays the arbiter",
            replaced(
                terms,
                &[text("a-lab"), decimal(5, 0)].concat(),
                &[text("expert"), decimal(5, 0)].concat(),
            ),
        ),
        bad(
            "terms-dates",
            "the agreement ends before it begins",
            replaced(terms, &day(2026, 11, 20), &day(2026, 2, 10)),
        ),
        bad(
            "terms-calculation",
            "the calculation version is unknown",
            replaced(
                terms,
                &[&day(2026, 11, 20)[..], &[1, 0]].concat(),
                &[&day(2026, 11, 20)[..], &[2, 0]].concat(),
            ),
        ),
        bad(
            "terms-period-length",
            "the length of periods is unknown",
            replaced(terms, b"KWD\x01", b"KWD\x02"),
        ),
        bad(
            "terms-deadline-long",
            "a deadline is longer than 3,650 days",
            replaced(terms, &[45, 0], &[0x43, 0x0e]),
        ),
        bad(
            "terms-cap-negative",
            "the cap of a deduction is negative",
            replaced(terms, &decimal(1, 1), &decimal(-1, 1)),
        ),
        bad("terms-currency-unknown", "the currency is unknown", replaced(terms, b"KWD", b"KWX")),
        bad(
            "terms-minimum-fraction",
            "the minimum payout has a fraction of the minor unit",
            replaced(terms, &decimal(12_345, 3), &decimal(123_451, 4)),
        ),
        bad(
            "terms-attributes-unsorted",
            "allowed values are not sorted",
            replaced(
                terms,
                &[text("content_moderation"), text("search")].concat(),
                &[text("search"), text("content_moderation")].concat(),
            ),
        ),
        bad(
            "terms-amount-large",
            "an amount of a step is above 10^9",
            replaced(terms, &decimal(75, 1), &decimal(1_000_000_001, 0)),
        ),
        bad("terms-bytes-behind", "a byte follows the terms", [terms, &[0]].concat()),
        bad("terms-cut", "the terms are cut", terms[..terms.len() / 2].to_vec()),
    ]
}
