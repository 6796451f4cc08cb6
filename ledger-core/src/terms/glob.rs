//! Patterns of a rule's `when`: `*` stands for any run of characters, everything else for itself;
//! case-sensitive, over the whole string.

#![expect(clippy::arithmetic_side_effects, reason = "places in a pattern and in a text, in memory")]

/// Whether `text` as a whole matches `pattern`. Linear in `pattern` × `text` at worst, without
/// recursion, so that no pattern of a stranger can hang a reader.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star, should what follows it fail to match.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    p = after_star;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}
