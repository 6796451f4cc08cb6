//! What terms on the wire are made of: words by their number, sorted lists, and fields that know
//! their path.

use crate::terms::draft::At;
use crate::terms::draft::Entry;
use crate::terms::draft::Field;
use crate::terms::draft::PerAttribute;
use crate::terms::draft::PerParty;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::wire::codec::malformed;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::TextWire;

/// Texts per name, strictly sorted by name.
pub(in crate::wire) type TextsWire<'a> = Vec<(TextWire<'a>, Vec<TextWire<'a>>)>;

/// Decimals per party, strictly sorted by id.
pub(in crate::wire) type PerPartyWire<'a> = Vec<(TextWire<'a>, DecimalWire)>;

/// The number of a word: its position in the list of the format.
pub(in crate::wire) fn number<T: PartialEq>(words: &[T], word: &T) -> u8 {
    let position = words.iter().position(|known| known == word);
    position.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

/// Texts per name, on the wire.
pub(in crate::wire) fn texts_wire<'a, N: 'a, V: 'a>(
    entries: impl Iterator<Item = (&'a N, &'a Vec<V>)>,
    name: fn(&N) -> &str,
    text: fn(&V) -> &str,
) -> TextsWire<'a> {
    entries.map(|(key, values)| (name(key), values.iter().map(text).collect())).collect()
}

/// Decimals per party, on the wire.
pub(in crate::wire) fn per_party_wire<'a, T>(list: &'a [(Id, T)]) -> PerPartyWire<'a>
where
    DecimalWire: From<&'a T>,
{
    list.iter().map(|(party, value)| (party.as_str(), DecimalWire::from(value))).collect()
}

/// A given field, or the problem with its path.
pub(in crate::wire) fn given<T>(
    path: impl Into<String>,
    value: Result<T, Problem>,
) -> Result<Field<T>, Problem> {
    let path = path.into();
    match value {
        Ok(value) => Ok(Field::Given(value, At::path(path))),
        Err(problem) => Err(problem.at_field(path)),
    }
}

/// As [`given`], missing where the wire has none.
pub(in crate::wire) fn option<S, T>(
    path: &str,
    value: Option<S>,
    read: impl FnOnce(S) -> Result<T, Problem>,
) -> Result<Field<T>, Problem> {
    match value {
        Some(value) => given(path, read(value)),
        None => Ok(Field::Missing),
    }
}

/// The word with a number.
pub(in crate::wire) fn word<T: Copy>(words: &[T], number: u8) -> Result<T, Problem> {
    let word = words.get(usize::from(number)).copied();
    word.ok_or_else(|| malformed(format!("there is no alternative {number}")))
}

/// A list, item by item; each item gets its path.
pub(in crate::wire) fn list<S, T>(
    path: &str,
    items: impl IntoIterator<Item = S>,
    read: impl Fn(S, String) -> Result<T, Problem>,
) -> Result<Field<Vec<T>>, Problem> {
    let items = items.into_iter().enumerate();
    let items: Result<Vec<T>, Problem> =
        items.map(|(place, item)| read(item, format!("{path}[{place}]"))).collect();
    given(path, items)
}

/// Refuses a list that is not strictly sorted.
pub(in crate::wire) fn strictly_sorted<'a>(
    path: &str,
    texts: impl Iterator<Item = TextWire<'a>> + Clone,
) -> Result<(), Problem> {
    if texts.clone().zip(texts.skip(1)).all(|(one, next)| one < next) {
        return Ok(());
    }
    Err(malformed(format!("`{path}` is not strictly sorted")).at_field(path))
}

/// Several texts per attribute; `sorted` if the texts of each stand in strict order.
pub(in crate::wire) fn per_attribute(
    path: &str,
    entries: &TextsWire,
    sorted: bool,
) -> Result<PerAttribute, Problem> {
    strictly_sorted(path, entries.iter().map(|(name, _)| *name))?;
    list(path, entries, |(name, values), _| {
        let path = format!("{path}.{}", name.escape_debug());
        if sorted {
            strictly_sorted(&path, values.iter().copied())?;
        }
        Ok(Entry {
            key: given(path.as_str(), words::name(name))?,
            value: list(&path, values, |text, path| given(path, words::value(text)))?,
        })
    })
}

/// One decimal per party.
pub(in crate::wire) fn per_party<T>(
    path: &str,
    entries: &PerPartyWire,
    read: impl Fn(DecimalWire) -> Result<T, Problem>,
) -> Result<PerParty<T>, Problem> {
    strictly_sorted(path, entries.iter().map(|(party, _)| *party))?;
    list(path, entries, |(party, value), _| {
        let path = format!("{path}.{}", party.escape_debug());
        Ok(Entry {
            key: given(path.as_str(), words::id(party))?,
            value: given(path, read(*value))?,
        })
    })
}
