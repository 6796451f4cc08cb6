//! Text that a stranger wrote: bounded, in NFC, without characters that hide or move other text.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::IsNormalized;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc_quick;
use unicode_properties::GeneralCategory;
use unicode_properties::UnicodeGeneralCategory;

use crate::limits::TEXT_LEN_MAX;
use crate::limits::VALUE_LEN_MAX;
use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// A free text (title, reason, reference): at most 1,024 bytes, see [`check`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Arc<str>);

/// An attribute's value or a pattern for one: at most 256 bytes, see [`check`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Value(Arc<str>);

/// Checks what every text on a ledger keeps to: within `len_max` bytes, in Unicode normal form C,
/// no control characters (terminal escapes among them), no bidirectional formatting, no
/// invisible separators of lines. Errors: [`Code::Text`].
pub fn check(text: &str, len_max: usize) -> Result<(), Problem> {
    let problem = |what: String, hint: &str| Err(Problem::new(Code::Text, what).hint(hint));
    if text.len() > len_max {
        return problem(
            format!("the text is {} bytes long, at most {len_max} are allowed", text.len()),
            "shorten it",
        );
    }
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Ok(());
    }
    if let Some(bad) = text.chars().find(|&c| is_unsafe(c)) {
        return problem(
            format!(
                "the text \"{}\" holds U+{:04X}, a control or formatting character",
                text.escape_debug(),
                u32::from(bad)
            ),
            "remove it: such characters can hide or rewrite what a reader sees",
        );
    }
    let is_nfc = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => text.nfc().eq(text.chars()),
    };
    if !is_nfc {
        return problem(
            format!("the text \"{}\" is not in Unicode normal form C", text.escape_debug()),
            "normalise the file to NFC, so that equal texts have equal bytes",
        );
    }
    Ok(())
}

/// Control characters (Cc), line and paragraph separators, bidirectional formatting and marks,
/// zero-width characters, byte order marks, interlinear annotation and tag characters.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

// Both tables are of one version of Unicode: what is assigned in it keeps its normal form for ever.
const _: () = assert!(matches!(unicode_normalization::UNICODE_VERSION, (18, 0, 0)));
const _: () = assert!(matches!(unicode_properties::UNICODE_VERSION, (18, 0, 0)));

/// Checks what a writer admits besides what [`check`] asks of every text on a ledger: no character
/// that is invisible, looks like a blank, or is not assigned in Unicode 18.0, so that texts which
/// look the same are the same. Texts that stand on a log are never judged by it. Errors:
/// [`Code::Text`].
pub fn check_typed(text: &str) -> Result<(), Problem> {
    if text.is_ascii() {
        return Ok(());
    }
    let Some(bad) = text.chars().find(|&c| is_concealed(c)) else { return Ok(()) };
    let what = match bad.general_category() {
        GeneralCategory::Unassigned => "a code point that Unicode 18.0 does not assign",
        GeneralCategory::PrivateUse => "a code point for private use",
        GeneralCategory::SpaceSeparator => "a blank that looks like an ordinary one",
        _ => "an invisible character",
    };
    let (shown, number) = (shown(text), u32::from(bad));
    Err(Problem::new(Code::Text, format!("the text \"{shown}\" holds U+{number:04X}, {what}"))
        .hint("remove or replace it: two texts that look the same must be the same"))
}

/// A text with every concealed character escaped.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_concealed(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

/// Whether a reader cannot see a character for what it is: control and formatting characters,
/// blanks other than the ordinary and the ideographic one, what is for private use or not assigned
/// (in Unicode 18.0), what is to be ignored by default, and letters and symbols without ink.
pub fn is_concealed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_blank_letter = matches!(c,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{16fe4}'
        | '\u{1d159}' | '\u{e0000}'..='\u{e0fff}');
    is_blank_letter
        || match c.general_category() {
            GeneralCategory::SpaceSeparator => c != '\u{3000}',
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned => true,
            _ => false,
        }
}

/// A word of a shell's command line (POSIX 2024, bash, zsh, ksh) that stands for these bytes, in
/// characters that can be seen and typed.
pub fn shell_word(word: &OsStr) -> String {
    let bytes = word.as_encoded_bytes();
    let text = word.to_str().filter(|text| !text.chars().any(is_concealed));
    let is_plain = |c: char| c.is_alphanumeric() || "_./:@%+,=-".contains(c);
    // What begins with a dash would be taken for an option.
    let dash = if bytes.starts_with(b"-") { "./" } else { "" };
    match text {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => format!("{dash}{text}"),
        Some(text) => format!("{dash}'{}'", text.replace('\'', "'\\''")),
        None => {
            let mut quoted = format!("{dash}$'");
            for chunk in bytes.utf8_chunks() {
                for c in chunk.valid().chars() {
                    match c {
                        '\'' | '\\' => quoted.extend(['\\', c]),
                        _ if is_concealed(c) => octal(&mut quoted, c.encode_utf8(&mut [0; 4])),
                        _ => quoted.push(c),
                    }
                }
                octal(&mut quoted, chunk.invalid());
            }
            quoted.push('\'');
            quoted
        }
    }
}

/// Bytes as escapes of three digits: unlike hexadecimal ones, no shell takes more for one of them.
fn octal(quoted: &mut String, bytes: impl AsRef<[u8]>) {
    for byte in bytes.as_ref() {
        quoted.push_str(&format!("\\{byte:03o}"));
    }
}

impl Text {
    /// Reads a free text that is about to be written. Errors: [`Code::Text`].
    pub fn typed(text: &str) -> Result<Text, Problem> {
        let read = Text::parse(text)?;
        check_typed(text).map(|()| read)
    }

    /// Reads a free text. Errors: [`Code::Text`].
    pub fn parse(text: &str) -> Result<Text, Problem> {
        check(text, TEXT_LEN_MAX)?;
        Ok(Text(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value {
    /// Reads a value that is about to be written. Errors: [`Code::Text`].
    pub fn typed(text: &str) -> Result<Value, Problem> {
        let read = Value::parse(text)?;
        check_typed(text).map(|()| read)
    }

    /// Reads an attribute's value. Errors: [`Code::Text`].
    pub fn parse(text: &str) -> Result<Value, Problem> {
        check(text, VALUE_LEN_MAX)?;
        Ok(Value(text.into()))
    }

    /// Of a text that was read as a value before.
    pub(crate) fn of_checked(text: &str) -> Value {
        debug_assert!(check(text, VALUE_LEN_MAX).is_ok());
        Value(text.into())
    }

    /// Checks a text that is kept elsewhere. Errors: [`Code::Text`].
    pub fn check(text: &str) -> Result<(), Problem> {
        check(text, VALUE_LEN_MAX)
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_writer_refuses_what_cannot_be_seen() {
        let concealed = [
            '\u{3164}',
            '\u{115f}',
            '\u{1160}',
            '\u{ffa0}',
            '\u{2800}',
            '\u{034f}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{180b}',
            '\u{00a0}',
            '\u{2007}',
            '\u{202f}',
            '\u{17b4}',
            '\u{1d159}',
            '\u{13430}',
            '\u{1bca0}',
            '\u{fff0}',
            '\u{e000}',
            '\u{0378}',
            '\u{2fe0}',
            '\u{ffff}',
            '\u{10ffff}',
        ];
        for c in concealed {
            let text = format!("a{c}b");
            let refused = Value::typed(&text).expect_err("it cannot be seen");
            assert_eq!(refused.code, Code::Text);
            assert!(!refused.message.contains(c), "U+{:04X} is shown as it is", c as u32);
            assert!(Text::typed(&text).is_err());
            // On a log of level 1 or 2 it is what it always was.
            assert_eq!(Text::parse(&text).is_ok(), Value::parse(&text).is_ok());
        }
        assert!(Text::parse("a\u{3164}b\u{fe0f}\u{0378}").is_ok());
    }

    #[test]
    fn a_writer_admits_what_people_write() {
        let texts =
            ["Zahlung für März", "東京\u{3000}支店", "договор № 7", "شركة", "हिन्दी", "😀", "5 €"];
        for text in texts {
            assert_eq!(Text::typed(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn whatever_no_log_admits_is_concealed() {
        for c in ('\0'..=char::MAX).filter(|&c| is_unsafe(c)) {
            assert!(is_concealed(c), "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn a_word_of_a_shell_can_be_seen_and_typed() {
        let word = |bytes: &[u8]| shell_word(OsStr::from_bytes(bytes));
        assert_eq!(word(b"../acme/terms-2.toml"), "../acme/terms-2.toml");
        assert_eq!(word("für uns/März".as_bytes()), "'für uns/März'");
        assert_eq!(word(b"it's"), "'it'\\''s'");
        assert_eq!(word(b"$(reboot)"), "'$(reboot)'");
        assert_eq!(word(b""), "''");
        assert_eq!(word(b"-rf"), "./-rf");
        assert_eq!(word(b"a\x1b[2Jb\n'"), "$'a\\033[2Jb\\012\\''");
        assert_eq!(word("a\u{202e}1".as_bytes()), "$'a\\342\\200\\2561'");
        assert_eq!(word(b"\xff7"), "$'\\3777'");
    }
}
