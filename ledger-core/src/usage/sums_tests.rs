//! Sums in columns are what lines come to when they are added up one by one.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::limits::BLOCK_LINES_MAX;
use crate::limits::PARTS_MAX;
use crate::usage::BlockBuilder;
use crate::usage::Cell;
use crate::usage::LineBlock;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::Marker;
use crate::usage::UsageSums;
use crate::usage::builder::Number;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;
use crate::wire::codec::decode_cache;
use crate::wire::codec::encode_cache;

const ATTRIBUTES: [&str; 3] = ["application", "model", "territory"];
const METERS: [&str; 2] = ["requests", "tokens"];
const DEDUCTIONS: [&str; 1] = ["refunds"];

/// Day, currency, a value per attribute, gross, two quantities and a deduction.
type Line = (i32, &'static str, [String; 3], [Number; 4]);

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn names(all: &[&str]) -> Vec<Name> {
    all.iter().map(|text| name(text)).collect()
}

fn key_of((day, currency, values, _): &Line) -> (Date, Currency, Vec<Value>) {
    let values = values.iter().map(|text| Value::parse(text).expect("a value"));
    (
        Date::from_days(*day).expect("a day"),
        Currency::parse(currency).expect("a currency"),
        values.collect(),
    )
}

/// Lines, cut after these numbers of lines.
fn cut<'a>(lines: &'a [Line], cuts: &[usize]) -> Vec<&'a [Line]> {
    let mut cuts = cuts.iter().cycle();
    let (mut pieces, mut rest) = (Vec::new(), lines);
    while !rest.is_empty() {
        let cut = cuts.next().map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
        let (piece, others) = rest.split_at(cut);
        pieces.push(piece);
        rest = others;
    }
    pieces
}

fn blocks(lines: &[Line], cuts: &[usize]) -> Vec<LineBlock> {
    let mut blocks = Vec::new();
    for piece in cut(lines, cuts) {
        let mut builder = BlockBuilder::new(names(&ATTRIBUTES), names(&METERS), names(&DEDUCTIONS));
        for line in piece {
            let (day, currency, values) = key_of(line);
            let key = builder.key(day, currency, &values);
            let [gross, requests, tokens, refunds] = line.3;
            let full = builder.line(key, gross, &[requests, tokens], &[refunds]);
            assert_eq!(full, Ok(None));
        }
        blocks.extend(builder.finish().expect("within bounds"));
    }
    blocks
}

fn summed(blocks: &[LineBlock]) -> UsageSums {
    let mut sums = UsageSums::default();
    blocks.iter().for_each(|block| block.add_to(&mut sums));
    sums
}

/// Lines added up one by one. A key has the meters and deductions of every block it is in, and a
/// block has those that are not zero in one of its lines.
fn naive(lines: &[Line], cuts: &[usize]) -> BTreeMap<LineKey, LineSums> {
    let mut all = BTreeMap::<LineKey, LineSums>::new();
    for block in cut(lines, cuts) {
        let is_there = |at: usize| block.iter().any(|line| line.3[at].0 != 0);
        for line in block {
            let (day, currency, values) = key_of(line);
            let named = names(&ATTRIBUTES).into_iter().zip(values);
            let attributes = named.filter(|(_, value)| !value.as_str().is_empty()).collect();
            let sums = all.entry(LineKey { day, currency, attributes }).or_default();
            let unit = |(mantissa, scale): Number| Sum(mantissa * 10i128.pow(12 - scale));
            sums.lines += 1;
            sums.gross.0 += unit(line.3[0]).0;
            for (at, meter) in METERS.iter().enumerate().filter(|(at, _)| is_there(at + 1)) {
                sums.add_meter(&name(meter), unit(line.3[at + 1])).expect("in bounds");
            }
            if is_there(3) {
                sums.add_deduction(&name(DEDUCTIONS[0]), unit(line.3[3])).expect("in bounds");
            }
        }
    }
    all
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        3 => (-20i128..20, 0u32..4),
        1 => Just((0, 0)),
        1 => (-999_999_999_999_999i128..999_999_999_999_999, 0u32..1),
        1 => (-999_999_999_999_999i128..999_999_999_999_999, 9u32..13),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let value =
        || prop_oneof![2 => "[ab]{0,2}", 1 => Just(String::new()), 1 => "customer-[0-9]{1,2}"];
    (
        20_000i32..20_003,
        select(vec!["USD", "EUR"]),
        [value(), value(), value()],
        [number(), number(), number(), number()],
    )
}

proptest! {
    #[test]
    fn columns_are_lines_added_up_one_by_one(
        lines in vec(line(), 0..60),
        cuts in vec(1usize..20, 1..4),
    ) {
        let sums = summed(&blocks(&lines, &cuts));
        let expected = naive(&lines, &cuts);
        assert!(sums.is_exact());
        assert_eq!(sums.iter().collect::<Vec<_>>(), expected.clone().into_iter().collect::<Vec<_>>());
        assert_eq!((sums.keys(), sums.lines()), (expected.len(), lines.len() as u64));
        let mut total = LineSums::default();
        for of_key in expected.values() {
            total.add(of_key).expect("in bounds");
        }
        assert_eq!(sums.total(), Ok(total));
        let by_currency = sums.by_currency();
        assert_eq!(by_currency.values().map(|(sums, _)| sums.lines).sum::<u64>(), lines.len() as u64);
        for (currency, (_, absolute)) in by_currency {
            let of = expected.iter().filter(|(key, _)| key.currency == *currency);
            let gross: i128 = of.map(|(_, sums)| sums.gross.0.abs()).sum();
            assert_eq!(absolute.gross, Sum(gross));
        }
    }

    /// Only which sums of 0 are there depends on how lines are cut into blocks.
    #[test]
    fn order_and_splitting_of_lines_change_nothing(
        (lines, turned) in vec(line(), 0..60).prop_flat_map(|lines| {
            (Just(lines.clone()), Just(lines).prop_shuffle())
        }),
        cuts in vec(1usize..20, 1..4),
    ) {
        let nonzero = |sums: &UsageSums| -> Vec<(LineKey, LineSums)> {
            let mut all: Vec<(LineKey, LineSums)> = sums.iter().collect();
            for (_, sums) in &mut all {
                sums.meters.retain(|(_, sum)| !sum.is_zero());
                sums.deductions.retain(|(_, sum)| !sum.is_zero());
            }
            all
        };
        let mut parts = summed(&blocks(&turned, &cuts));
        assert_eq!(nonzero(&summed(&blocks(&lines, &[usize::MAX]))), nonzero(&parts));
        let before = parts.clone();
        parts.merge();
        assert_eq!(before, parts);
        let bytes = encode_cache(&parts).expect("bytes");
        assert_eq!(encode_cache(&before).as_ref(), Some(&bytes));
        assert_eq!(decode_cache(&bytes), Some(parts));
    }

    #[test]
    fn cells_are_sums_over_the_keys_that_are_not_told_apart(lines in vec(line(), 1..60)) {
        // The reader looks at the first letter of one attribute, and at no other.
        let first = |value: &str| value.bytes().next().map_or(0, u64::from);
        let marker = |attribute: &Name| -> Option<Marker> {
            let is_read = attribute.as_str() == "model";
            is_read.then(|| -> Marker { Box::new(move |value, marks| marks.push(first(value))) })
        };
        let sums = summed(&blocks(&lines, &[9]));
        let told = |key: &LineKey| {
            let present: Vec<Name> = key.attributes.iter().map(|(name, _)| name.clone()).collect();
            (key.day, key.currency, present, first(key.attribute(&name("model"))))
        };
        let mut expected = BTreeMap::<_, (LineSums, i128)>::new();
        for (key, of_key) in sums.iter() {
            let (cell, gross) = expected.entry(told(&key)).or_default();
            cell.add(&of_key).expect("in bounds");
            *gross += of_key.gross.0.abs();
        }
        let cells = sums.cells(marker);
        assert_eq!(cells.len(), expected.len());
        for Cell { key, sums, absolute, .. } in &cells {
            let (all, gross) = &expected[&told(key)];
            assert_eq!((sums, absolute.gross.0), (all, *gross));
        }
        for (at, one) in cells.iter().enumerate() {
            for other in &cells[at + 1..] {
                let alike = |cell: &Cell| {
                    let (_, _, present, first) = told(&cell.key);
                    (present, first)
                };
                assert_eq!(one.class == other.class, alike(one) == alike(other));
            }
        }
    }
}

/// The largest numbers that a report can hold sum exactly.
#[test]
fn the_largest_sums_are_exact() {
    let largest = (999_999_999_999_999_999_999_999_999, 12);
    let line = (20_000, "USD", [const { String::new() }; 3], [largest; 4]);
    let mut sums = summed(&blocks(&[line], &[1]));
    // 2^36 lines: no report has more.
    for _ in 0..36 {
        sums.add(&sums.clone());
        sums.merge();
    }
    assert_eq!(sums.lines(), (PARTS_MAX * BLOCK_LINES_MAX) as u64);
    assert_eq!(sums.total().expect("in bounds").gross, Sum(largest.0 << 36));
}
