//! Usage lines in words, and blocks of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use ledger_core::usage::BlockBuilder;
use ledger_core::usage::LineBlock;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::Name;
use ledger_core::vocab::Value;

/// One usage line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The usage day.
    pub day: String,
    /// Gross revenue.
    pub gross: String,
    /// The currency, if it is not the settlement currency.
    pub currency: Option<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, String>,
    /// Quantities by meter.
    pub meters: BTreeMap<String, String>,
    /// Amounts by kind of deduction.
    pub deductions: BTreeMap<String, String>,
}

/// Lines in words: `lines!["2026-01-05" => "10.00", "2026-01-06" => "5"]`.
#[macro_export]
macro_rules! lines {
    ($($day:expr => $gross:expr),* $(,)?) => { vec![$($crate::Line::new($day, $gross)),*] };
}

impl Line {
    /// A line of a day with its gross revenue.
    pub fn new(day: &str, gross: &str) -> Line {
        Line {
            day: day.to_owned(),
            gross: gross.to_owned(),
            currency: None,
            attributes: BTreeMap::new(),
            meters: BTreeMap::new(),
            deductions: BTreeMap::new(),
        }
    }

    /// In a foreign currency.
    pub fn in_currency(mut self, code: &str) -> Line {
        self.currency = Some(code.to_owned());
        self
    }

    /// With an attribute.
    pub fn with(mut self, attribute: &str, value: &str) -> Line {
        self.attributes.insert(attribute.to_owned(), value.to_owned());
        self
    }

    /// With a quantity.
    pub fn meter(mut self, name: &str, quantity: &str) -> Line {
        self.meters.insert(name.to_owned(), quantity.to_owned());
        self
    }

    /// With a deduction.
    pub fn deduction(mut self, kind: &str, amount: &str) -> Line {
        self.deductions.insert(kind.to_owned(), amount.to_owned());
        self
    }
}

fn names<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<Name> {
    let sorted: BTreeSet<Name> =
        keys.map(|key| Name::parse(key).expect("a name of a column")).collect();
    sorted.into_iter().collect()
}

fn number(text: Option<&String>) -> (i128, u32) {
    let text = text.map_or("0", String::as_str);
    let amount = Amount::parse(text).unwrap_or_else(|problem| panic!("{problem}"));
    (amount.mantissa(), amount.scale())
}

/// Blocks of at most `per_block` lines each, in the order of the lines. Lines that name no currency
/// are in the settlement currency.
pub fn blocks(lines: &[Line], currency: Currency, per_block: usize) -> Vec<LineBlock> {
    lines.chunks(per_block.max(1)).map(|lines| block(lines, currency)).collect()
}

fn block(lines: &[Line], currency: Currency) -> LineBlock {
    let attributes = names(lines.iter().flat_map(|line| line.attributes.keys()));
    let meters = names(lines.iter().flat_map(|line| line.meters.keys()));
    let deductions = names(lines.iter().flat_map(|line| line.deductions.keys()));
    let mut builder = BlockBuilder::new(attributes.clone(), meters.clone(), deductions.clone());
    for line in lines {
        let day = Date::parse(&line.day).unwrap_or_else(|problem| panic!("{problem}"));
        let values: Vec<Value> = attributes
            .iter()
            .map(|name| line.attributes.get(name.as_str()).map_or("", String::as_str))
            .map(|value| Value::parse(value).unwrap_or_else(|problem| panic!("{problem}")))
            .collect();
        let foreign = line.currency.as_deref().map(Currency::parse);
        let currency = foreign.map_or(currency, |code| code.expect("a currency"));
        let key = builder.key(day, currency, &values);
        let meters: Vec<_> = meters.iter().map(|m| number(line.meters.get(m.as_str()))).collect();
        let deductions: Vec<_> =
            deductions.iter().map(|kind| number(line.deductions.get(kind.as_str()))).collect();
        let full = builder.line(key, number(Some(&line.gross)), &meters, &deductions);
        assert_eq!(full, Ok(None), "a block of a test holds few lines");
    }
    builder.finish().expect("numbers within bounds").expect("a block has lines")
}
