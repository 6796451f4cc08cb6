//! Text that a stranger wrote: bounded, in NFC, without characters that hide or move other text.

use std::fmt;
use std::sync::Arc;

use unicode_normalization::IsNormalized;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc_quick;

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
                bad as u32
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

impl Text {
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
    /// Reads an attribute's value. Errors: [`Code::Text`].
    pub fn parse(text: &str) -> Result<Value, Problem> {
        check(text, VALUE_LEN_MAX)?;
        Ok(Value(text.into()))
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
