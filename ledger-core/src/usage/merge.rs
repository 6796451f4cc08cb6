//! Many blocks as one: a claim holds a single block.

use std::collections::BTreeSet;

use crate::limits::FRACTION_DIGITS_MAX;
use crate::usage::block::LineBlock;
use crate::usage::builder::BlockBuilder;
use crate::usage::builder::Number;
use crate::usage::sums::UsageSums;
use crate::vocab::Name;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// The lines of blocks, one per day, attributes and currency, in one block: rating reads exactly
/// the same. `None` if these are too many, or a sum is too large for a line.
pub fn merged(blocks: &[LineBlock]) -> Option<LineBlock> {
    let mut sums = UsageSums::default();
    blocks.iter().for_each(|block| block.add_to(&mut sums));
    let mut attributes = BTreeSet::<&Name>::new();
    let (mut meters, mut deductions) = (BTreeSet::<&Name>::new(), BTreeSet::<&Name>::new());
    for (key, of_key) in sums.iter() {
        attributes.extend(key.attributes.iter().map(|(name, _)| name));
        meters.extend(of_key.meters.iter().map(|(name, _)| name));
        deductions.extend(of_key.deductions.iter().map(|(name, _)| name));
    }
    let names = |names: &BTreeSet<&Name>| names.iter().map(|name| (*name).clone()).collect();
    let mut builder = BlockBuilder::new(names(&attributes), names(&meters), names(&deductions));
    let mut full = None;
    for (key, of_key) in sums.iter() {
        if full.is_some() {
            return None;
        }
        let value = |name: &&Name| Value::parse(key.attribute(name)).unwrap_or_default();
        let number = builder.key(key.day, key.currency, attributes.iter().map(value).collect());
        let of_meters: Vec<Number> = meters.iter().map(|name| short(of_key.meter(name))).collect();
        let of_deductions: Vec<Number> =
            deductions.iter().map(|name| short(of_key.deduction(name))).collect();
        full = builder.line(number, short(of_key.gross), &of_meters, &of_deductions).ok()?;
    }
    match full {
        Some(block) => Some(block),
        None => builder.finish().ok()?,
    }
}

/// Without the zeros at its end.
fn short(sum: Sum) -> Number {
    let (mut mantissa, mut scale) = (sum.0, FRACTION_DIGITS_MAX);
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (mantissa, scale)
}
