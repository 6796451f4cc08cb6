//! Many blocks as one: a claim holds a single block.

use crate::limits::FRACTION_DIGITS_MAX;
use crate::usage::block::LineBlock;
use crate::usage::builder::BlockBuilder;
use crate::usage::builder::Number;
use crate::usage::sums::UsageSums;
use crate::vocab::Value;
use crate::vocab::exact::Sum;

/// The lines of blocks, one per day, attributes and currency, in one block: rating reads exactly
/// the same. `None` if these are too many, or a sum is too large for a line.
pub fn merged(blocks: &[LineBlock]) -> Option<LineBlock> {
    let mut sums = UsageSums::default();
    blocks.iter().for_each(|block| block.add_to(&mut sums));
    if !sums.is_exact() {
        return None;
    }
    let (attributes, total) = (sums.attributes(), sums.total().ok()?);
    let meters = total.meters.iter().map(|(name, _)| name.clone()).collect();
    let deductions = total.deductions.iter().map(|(name, _)| name.clone()).collect();
    let mut builder = BlockBuilder::new(attributes.to_vec(), meters, deductions);
    let mut full = None;
    for (key, of_key) in sums.iter() {
        if full.is_some() {
            return None;
        }
        let value = |name| Value::parse(key.attribute(name)).unwrap_or_default();
        let values: Vec<Value> = attributes.iter().map(value).collect();
        let number = builder.key(key.day, key.currency, &values);
        let of_meters: Vec<Number> = of_key.meters.iter().map(|(_, sum)| short(*sum)).collect();
        let of_deductions: Vec<Number> =
            of_key.deductions.iter().map(|(_, sum)| short(*sum)).collect();
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
        scale = scale.saturating_sub(1);
    }
    (mantissa, scale)
}
