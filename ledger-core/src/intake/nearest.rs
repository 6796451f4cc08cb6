//! "Did you mean": the known word that is nearest to one that is not known.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "edits between words of at most `WORD_LEN_MAX` bytes"
)]

/// Words longer than this are not compared.
const WORD_LEN_MAX: usize = 128;

/// The candidate with the fewest edits to `word`, if they are few enough for a slip: one in words
/// of up to five letters, a third of the letters in longer ones. Of equals, the first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > WORD_LEN_MAX {
        return None;
    }
    let length = word.chars().count();
    let slips_max = (length / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // So many letters more or less are so many edits at least.
        if candidate.chars().count().abs_diff(length) > slips_max {
            continue;
        }
        let edits = edits(&word.to_lowercase(), &candidate.to_lowercase());
        if edits <= slips_max && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `did you mean …?` if a candidate is near, otherwise what else to say.
pub fn suggest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match nearest(word, candidates) {
        Some(near) => format!("did you mean `{near}`?"),
        None => otherwise(),
    }
}

/// Insertions, deletions, replacements, and swaps of neighbours between two words.
pub fn edits(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    // Three rows of the table are enough; `row[j]` is the distance to the first j letters of b.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&above, j) + usize::from(from != to);
            let mut least = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = above;
        above = row;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["territory", "model", "application"];
        assert_eq!(nearest("teritory", known), Some("territory"));
        assert_eq!(nearest("modle", known), Some("model"));
        assert_eq!(nearest("Model", known), Some("model"));
        assert_eq!(nearest("price", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn edits_count_swaps_once() {
        assert_eq!(edits("ab", "ba"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "same"), 0);
    }
}
