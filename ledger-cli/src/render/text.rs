//! Words and numbers for people.

use std::path::Path;

use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Exact;
use revshare_core::vocab::Rounding;
use revshare_core::vocab::exact;
use revshare_core::vocab::exact::Sum;
use revshare_core::vocab::text::is_concealed;
use revshare_core::vocab::text::shell_word;
use revshare_core::vocab::to_usize;

/// Text of a stranger for a terminal: control characters and what hides or turns text are shown as
/// escapes. (The ledger admits none; damaged or foreign files may hold them.)
pub fn escape(text: &str) -> String {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            // In a table, a blank at which no line is broken.
            '\u{a0}' => escaped.push(c),
            _ if is_concealed(c) => escaped.extend(c.escape_unicode()),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A path for people to read.
pub fn shown_path(path: &Path) -> String {
    escape(&path.display().to_string())
}

/// A path as a word of a command that can be typed.
pub fn shell_path(path: &Path) -> String {
    shell_word(path.as_os_str())
}

/// `12.50 USD`.
pub fn money(amount: Amount, currency: Currency) -> String {
    format!("{} {currency}", amount.to_text(currency.minor_digits()))
}

/// An exact amount with at least the minor unit's digits, without its currency.
pub fn exact_money(value: &Exact, currency: Currency) -> String {
    let text = exact_text(value);
    if text.contains('/') {
        return text;
    }
    let digits = to_usize(currency.minor_digits());
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, ""));
    match digits.max(fraction.len()) {
        0 => integer.to_owned(),
        width => format!("{integer}.{fraction:0<width$}"),
    }
}

/// An exact number; one that no decimal holds also as an approximation.
pub fn exact_text(value: &Exact) -> String {
    let text = exact::to_text(value);
    if !text.contains('/') {
        return text;
    }
    match Rounding::HalfEven.round(value, 12) {
        Some(near) => format!("{text} (about {near})"),
        None => text,
    }
}

/// Nothing, exactly.
pub fn zero() -> Exact {
    Sum::default().exact()
}

/// A sum as a plain decimal.
pub fn sum(sum: Sum) -> String {
    exact::to_text(&sum.exact())
}

/// `1 line`, `2 lines`.
pub fn count(count: u64, singular: &str) -> String {
    match count {
        1 => format!("1 {singular}"),
        _ => format!("{count} {singular}s"),
    }
}

/// Text in a style of the terminal.
pub fn styled(text: &str, style: &str, color: bool) -> String {
    match color {
        true => format!("\x1b[{style}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}
