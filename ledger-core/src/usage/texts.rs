//! Texts: distinct values of attributes, in order, in one piece of memory.

#![expect(
    clippy::as_conversions,
    reason = "rows of one table, whose columns have one length; fewer than 2^32 rows and texts"
)]

use serde::Deserialize;
use serde::Serialize;

/// Strictly sorted texts. A block or a report names them by their positions.
///
/// A million values as allocations of their own cost more than everything else about them: most
/// are shorter than the pointers to them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Texts {
    bytes: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Texts {
    /// With room for so many, of so many bytes together.
    pub fn with_capacity(texts: usize, bytes: usize) -> Texts {
        Texts { bytes: String::with_capacity(bytes), ends: Vec::with_capacity(texts) }
    }

    /// Adds a text at the end.
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all of them together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The text at a position.
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.bytes.get(start.unwrap_or(0)..end)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Whether each is greater than the one before it.
    pub fn is_strictly_sorted(&self) -> bool {
        self.iter().zip(self.iter().skip(1)).all(|(one, next)| one < next)
    }

    /// Several as one, and the new position of each text of each. `None` if they are too many for
    /// 32 bits.
    pub(super) fn merged(all: &[&Texts]) -> Option<(Texts, Vec<Vec<u32>>)> {
        let count: usize = all.iter().map(|texts| texts.len()).sum();
        let all_places = 0..u32::try_from(count).ok()?;
        let first = all.first().copied();
        if let Some(first) = first.filter(|first| all.iter().all(|texts| texts == first)) {
            let same: Vec<u32> = all_places.take(first.len()).collect();
            return Some((first.clone(), vec![same; all.len()]));
        }
        let mut flat: Vec<&str> = Vec::with_capacity(count);
        all.iter().for_each(|texts| flat.extend(texts.iter()));
        let text = |at: u32| flat.get(at as usize).copied().unwrap_or_default();
        let mut order: Vec<u32> = all_places.collect();
        // Sorted texts behind sorted texts: a stable sort merges them.
        order.sort_by(|one, other| text(*one).cmp(text(*other)));
        let bytes = all.iter().map(|texts| texts.bytes()).sum();
        let (mut merged, mut maps) = (Texts::with_capacity(count, bytes), Vec::new());
        let mut places = vec![0u32; count];
        for (position, alike) in order.chunk_by(|one, next| text(*one) == text(*next)).enumerate() {
            alike.first().into_iter().for_each(|at| merged.push(text(*at)));
            for at in alike {
                if let Some(place) = places.get_mut(*at as usize) {
                    *place = u32::try_from(position).ok()?;
                }
            }
        }
        merged.bytes.shrink_to_fit();
        merged.ends.shrink_to_fit();
        for texts in all {
            let others = places.split_off(texts.len());
            maps.push(std::mem::replace(&mut places, others));
        }
        Some((merged, maps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn texts(of: &[String]) -> Texts {
        let mut of = of.to_vec();
        of.sort();
        of.dedup();
        let mut texts = Texts::default();
        of.iter().for_each(|text| texts.push(text));
        texts
    }

    proptest! {
        #[test]
        fn merged_texts_are_all_of_them_and_each_is_found_again(
            all in vec(vec("[a-c]{0,10}|abcdefgh[a-c]{0,10}", 0..20), 0..6),
        ) {
            let each: Vec<Texts> = all.iter().map(|one| texts(one)).collect();
            let (merged, maps) = Texts::merged(&each.iter().collect::<Vec<_>>()).expect("room");
            assert_eq!(merged, texts(&all.concat()));
            assert!(merged.is_strictly_sorted());
            for (one, map) in each.iter().zip(maps) {
                let found: Vec<&str> =
                    map.iter().filter_map(|at| merged.get(*at as usize)).collect();
                assert_eq!(found, one.iter().collect::<Vec<_>>());
            }
        }
    }
}
