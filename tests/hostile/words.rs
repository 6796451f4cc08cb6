//! Words of the vocabulary, as they stand in files and on the command line: what is read is written
//! as something that is read as the same.

use std::fmt::Debug;
use std::fmt::Display;

use ledger_core::intake::place::column;
use ledger_core::intake::place::shown;
use ledger_core::view::place::Prefix;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Date;
use ledger_core::vocab::Digest;
use ledger_core::vocab::Id;
use ledger_core::vocab::Name;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Rate;
use ledger_core::vocab::Text;
use ledger_core::vocab::Timestamp;
use ledger_core::vocab::Value;

/// See the module.
pub fn run(input: &[u8]) {
    let line = shown(input);
    assert!(line.chars().count() <= 201 * 10);
    assert!(!line.chars().any(char::is_control));
    assert!(column(input, input.len()) <= input.len() as u64 + 1);
    let Ok(text) = std::str::from_utf8(input) else { return };
    again(text, Amount::parse);
    again(text, Currency::parse);
    again(text, Date::parse);
    again(text, Digest::parse);
    again(text, Id::parse);
    again(text, Name::parse);
    again(text, Period::parse);
    again(text, Rate::parse);
    again(text, Timestamp::parse);
    again(text, |text| Text::parse(text).map(|text| text.as_str().to_owned()));
    again(text, |text| Value::parse(text).map(|text| text.as_str().to_owned()));
    let _ = Prefix::parse(text);
    if let Ok(period) = Period::parse(text) {
        assert!(period.holds(period.first_day()) && period.holds(period.last_day()));
        assert!(period.next().is_none_or(|next| next.previous() == Some(period)));
    }
    if let Ok(amount) = Amount::parse(text) {
        assert_eq!(Amount::from_parts(amount.mantissa(), amount.scale()), Some(amount));
        assert_eq!(amount.negated().negated(), amount);
    }
}

fn again<T: Display + PartialEq + Debug>(text: &str, read: impl Fn(&str) -> Result<T, Problem>) {
    match read(text) {
        Ok(word) => assert_eq!(read(&word.to_string()).as_ref(), Ok(&word), "{text:?}"),
        Err(problem) => assert!(!problem.message.is_empty() && problem.hint.is_some()),
    }
}
