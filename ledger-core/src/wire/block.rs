//! Usage lines in columns, as bytes (`schemas/log-format.md`, "Block").

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "lengths of columns of one block, in memory"
)]

use crate::limits::BLOCK_LINES_MAX;
use crate::limits::NAME_LEN_MAX;
use crate::usage::BlockKeys;
use crate::usage::Column;
use crate::usage::Ints;
use crate::usage::LineBlock;
use crate::usage::Texts;
use crate::usage::block::BlockParts;
use crate::vocab::Currency;
use crate::vocab::Name;
use crate::vocab::Problem;
use crate::wire::codec::malformed;
use crate::wire::words;

/// The canonical bytes of a block.
pub fn encode(block: &LineBlock) -> Vec<u8> {
    let parts = block.parts();
    let of_keys = parts.keys.days.len() * 7 + parts.keys.values.len() * 4;
    let of_texts = parts.dictionary.bytes() + parts.dictionary.len() * 2;
    let mut out = Vec::with_capacity(64 + block.lines() * 24 + of_keys + of_texts);
    out.extend_from_slice(&(block.lines() as u32).to_le_bytes());
    for names in [&parts.attributes, &parts.meters, &parts.deductions] {
        out.push(names.len() as u8);
        for name in names {
            out.push(name.as_str().len() as u8);
            out.extend_from_slice(name.as_str().as_bytes());
        }
    }
    out.extend_from_slice(&(parts.dictionary.len() as u32).to_le_bytes());
    for value in parts.dictionary.iter() {
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let keys = &parts.keys;
    out.extend_from_slice(&(keys.days.len() as u32).to_le_bytes());
    let mut values = keys.values.chunks(parts.attributes.len().max(1));
    for (day, currency) in keys.days.iter().zip(&keys.currencies) {
        out.extend_from_slice(&day.days().to_le_bytes());
        out.extend_from_slice(&currency.bytes());
        let values = values.next().into_iter().flatten();
        values.for_each(|at| out.extend_from_slice(&at.to_le_bytes()));
    }
    if keys.days.len() <= 256 {
        out.extend(parts.key_of.iter().map(|at| *at as u8));
    } else {
        parts.key_of.iter().for_each(|at| out.extend_from_slice(&at.to_le_bytes()));
    }
    let columns = parts.meter_columns.iter().chain(&parts.deduction_columns);
    for column in std::iter::once(&parts.gross).chain(columns) {
        write_column(&mut out, column);
    }
    out
}

fn write_column(out: &mut Vec<u8>, column: &Column) {
    out.push(column.scale);
    out.push(column.ints.width());
    match &column.ints {
        Ints::I8(ints) => ints.iter().for_each(|int| out.extend_from_slice(&int.to_le_bytes())),
        Ints::I16(ints) => ints.iter().for_each(|int| out.extend_from_slice(&int.to_le_bytes())),
        Ints::I32(ints) => ints.iter().for_each(|int| out.extend_from_slice(&int.to_le_bytes())),
        Ints::I64(ints) => ints.iter().for_each(|int| out.extend_from_slice(&int.to_le_bytes())),
        Ints::I128(ints) => ints.iter().for_each(|int| out.extend_from_slice(&int.to_le_bytes())),
    }
}

/// Reads a block that fills `bytes` exactly. Errors: [`crate::vocab::Code::PayloadMalformed`].
pub fn decode(bytes: &[u8]) -> Result<LineBlock, Problem> {
    let mut reader = Reader { rest: bytes };
    let lines = reader.u32()? as usize;
    if lines == 0 || lines > BLOCK_LINES_MAX {
        return Err(malformed(format!("a block cannot have {lines} lines")));
    }
    let attributes = reader.names()?;
    let meters = reader.names()?;
    let deductions = reader.names()?;
    let values = reader.count(2)?;
    let mut dictionary = Texts::with_capacity(values, 0);
    for _ in 0..values {
        let len = usize::from(u16::from_le_bytes(reader.array()?));
        let text = reader.text(len)?;
        words::check_value(text)?;
        dictionary.push(text);
    }
    let key_count = reader.count(7)?;
    let mut keys = BlockKeys {
        days: Vec::with_capacity(key_count),
        currencies: Vec::with_capacity(key_count),
        // No more than the bytes left can hold.
        values: Vec::with_capacity((key_count * attributes.len()).min(reader.rest.len() / 4)),
    };
    let mut last_currency: Option<([u8; 3], Currency)> = None;
    for _ in 0..key_count {
        keys.days.push(words::day(i32::from_le_bytes(reader.array()?))?);
        let code = reader.array()?;
        let currency = match last_currency.filter(|(last, _)| *last == code) {
            Some((_, currency)) => currency,
            None => words::currency(code)?,
        };
        last_currency = Some((code, currency));
        keys.currencies.push(currency);
        for _ in 0..attributes.len() {
            keys.values.push(reader.u32()?);
        }
    }
    let key_of = match key_count <= 256 {
        true => reader.take(lines)?.iter().map(|at| u16::from(*at)).collect(),
        false => reader.ints(lines, u16::from_le_bytes)?,
    };
    let gross = reader.column(lines)?;
    let meter_columns = meters.iter().map(|_| reader.column(lines)).collect::<Result<_, _>>()?;
    let deduction_columns =
        deductions.iter().map(|_| reader.column(lines)).collect::<Result<_, _>>()?;
    if !reader.rest.is_empty() {
        return Err(malformed(format!("{} bytes follow the end of a block", reader.rest.len())));
    }
    let parts = BlockParts {
        attributes,
        meters,
        deductions,
        dictionary,
        keys,
        key_of,
        gross,
        meter_columns,
        deduction_columns,
    };
    LineBlock::new(parts).map_err(malformed)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or_else(|| malformed("a block ends before its last column"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| malformed("a block ends before its last column"))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Problem> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u8(&mut self) -> Result<u8, Problem> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// A count of items of at least `least` bytes each: never more than the bytes left can hold.
    fn count(&mut self, least: usize) -> Result<usize, Problem> {
        let count = self.u32()? as usize;
        if count > self.rest.len() / least {
            return Err(malformed(format!(
                "a block counts {count} items in {} bytes",
                self.rest.len()
            )));
        }
        Ok(count)
    }

    fn text(&mut self, len: usize) -> Result<&'a str, Problem> {
        std::str::from_utf8(self.take(len)?).map_err(|_| malformed("a text is not UTF-8"))
    }

    fn names(&mut self) -> Result<Vec<Name>, Problem> {
        let count = self.u8()?;
        let mut names = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let len = usize::from(self.u8()?);
            if len > NAME_LEN_MAX {
                return Err(malformed("a name is longer than 64 bytes"));
            }
            names.push(words::name(self.text(len)?)?);
        }
        Ok(names)
    }

    fn ints<const N: usize, T>(
        &mut self,
        lines: usize,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Problem> {
        let (chunks, _) = self.take(lines * N)?.as_chunks::<N>();
        Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
    }

    fn column(&mut self, lines: usize) -> Result<Column, Problem> {
        let scale = self.u8()?;
        let ints = match self.u8()? {
            1 => Ints::I8(self.ints(lines, i8::from_le_bytes)?),
            2 => Ints::I16(self.ints(lines, i16::from_le_bytes)?),
            4 => Ints::I32(self.ints(lines, i32::from_le_bytes)?),
            8 => Ints::I64(self.ints(lines, i64::from_le_bytes)?),
            16 => Ints::I128(self.ints(lines, i128::from_le_bytes)?),
            width => return Err(malformed(format!("a column cannot be {width} bytes wide"))),
        };
        Ok(Column { scale, ints })
    }
}
