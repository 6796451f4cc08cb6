//! Whether terms provide for a usage line: its currency, attributes, rule, quantities and prices.
//! Asked when a file is read, when a report is recorded, and when terms are to be amended.

use std::cell::RefCell;

use crate::terms::body::Price;
use crate::terms::body::Terms;
use crate::terms::clause_index::Clauses;
use crate::terms::clause_index::ValueMemo;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Level;
use crate::vocab::Name;
use crate::vocab::Problem;
use crate::vocab::Value;

/// Terms as they are asked about many lines.
#[derive(Clone, Debug)]
pub struct Admission<'a> {
    terms: &'a Terms,
    level: Level,
    known: Vec<Name>,
    memo: RefCell<ValueMemo>,
}

impl<'a> Admission<'a> {
    /// By these terms, on a ledger of this current format level.
    pub fn new(terms: &'a Terms, level: Level) -> Admission<'a> {
        Admission { terms, level, known: terms.known_attributes(), memo: RefCell::default() }
    }

    /// The terms.
    pub fn terms(&self) -> &'a Terms {
        self.terms
    }

    /// A key with its sums: all that the questions below ask. Quantities and deductions count
    /// where their sum is not zero. Returns the position of the rule. Errors: those of the
    /// questions, the first that fails.
    pub fn line(&self, key: &LineKey, sums: &LineSums) -> Result<usize, Problem> {
        self.attributes(key)?;
        let holding = self.holding(key);
        let rule = self.rule_of(key, &holding)?;
        for (meter, _) in sums.meters.iter().filter(|(_, sum)| !sum.is_zero()) {
            self.meter_of(key, meter, || self.price_of(key, meter, &holding))?;
        }
        for (kind, _) in sums.deductions.iter().filter(|(_, sum)| !sum.is_zero()) {
            self.deduction(kind)?;
        }
        Ok(rule)
    }

    /// Currency, attributes and rule of a key; not its day. Returns the position of the rule.
    /// Errors: [`Code::RowCurrency`], [`Code::LinesNotAdmissible`], [`Code::RowAttribute`],
    /// [`Code::RowRule`].
    pub fn key(&self, key: &LineKey) -> Result<usize, Problem> {
        self.attributes(key)?;
        self.rule(key)
    }

    fn attributes(&self, key: &LineKey) -> Result<(), Problem> {
        self.currency(key.currency)?;
        key.attributes.iter().try_for_each(|(name, value)| self.attribute(name, value))
    }

    /// The clauses whose conditions hold for a line.
    fn holding(&self, key: &LineKey) -> Clauses {
        self.terms.clauses().holding(&key.attributes, &mut self.memo.borrow_mut())
    }

    /// At format level 1, the settlement currency only. Errors: [`Code::RowCurrency`].
    pub fn currency(&self, currency: Currency) -> Result<(), Problem> {
        let settlement = self.terms.currency;
        if self.level >= Level::Two || currency == settlement {
            return Ok(());
        }
        Err(Problem::new(
            Code::RowCurrency,
            format!("the line is in {currency}, and the agreement settles in {settlement}"),
        )
        .hint(format!("convert the line to {settlement} before reporting it")))
    }

    /// A known attribute with an allowed value; an empty value says that it is absent. Errors:
    /// [`Code::LinesNotAdmissible`], [`Code::RowAttribute`].
    pub fn attribute(&self, attribute: &Name, value: &Value) -> Result<(), Problem> {
        if value.as_str().is_empty() {
            return Ok(());
        }
        if self.known.binary_search(attribute).is_err() {
            return Err(undeclared("attribute", attribute));
        }
        if !self.terms.allows(attribute, value) {
            return Err(Problem::new(
                Code::RowAttribute,
                format!("`{attribute}` cannot be \"{value}\""),
            )
            .hint("`revshare terms show` lists the allowed values under [attributes]"));
        }
        Ok(())
    }

    /// Whether the terms list the values that an attribute may have.
    pub fn lists(&self, attribute: &Name) -> bool {
        self.terms.attributes.iter().any(|listed| listed.attribute == *attribute)
    }

    /// The position of the rule that rates a line. Errors: [`Code::RowRule`].
    pub fn rule(&self, key: &LineKey) -> Result<usize, Problem> {
        self.rule_of(key, &self.holding(key))
    }

    fn rule_of(&self, key: &LineKey, holding: &Clauses) -> Result<usize, Problem> {
        self.terms.clauses().rule(holding).ok_or_else(|| {
            Problem::new(Code::RowRule, format!("no rule of the terms matches {}", described(key)))
                .hint("correct the attributes, or amend the terms with a rule for them")
        })
    }

    /// A meter of which a line has a quantity: declared, and with a price if the base is priced
    /// and the meter has prices at all. Errors: [`Code::LinesNotAdmissible`], [`Code::RowPrice`].
    pub fn meter(&self, key: &LineKey, meter: &Name) -> Result<(), Problem> {
        self.meter_of(key, meter, || self.price_of(key, meter, &self.holding(key)))
    }

    fn price_of(&self, key: &LineKey, meter: &Name, holding: &Clauses) -> Option<&Price> {
        self.terms.clauses().price(self.terms, (meter, key.currency, key.day), holding)
    }

    fn meter_of<'p>(
        &self,
        key: &LineKey,
        meter: &Name,
        price: impl FnOnce() -> Option<&'p Price>,
    ) -> Result<(), Problem> {
        if !self.terms.meters.contains(meter) {
            return Err(undeclared("meter", meter));
        }
        let needs_price = self.terms.is_priced_base() && self.terms.clauses().is_priced(meter);
        if needs_price && price().is_none() {
            return Err(Problem::new(
                Code::RowPrice,
                format!(
                    "`{meter}` has no price in {} on {} for {}",
                    key.currency,
                    key.day,
                    described(key)
                ),
            )
            .hint("correct the line, or amend the terms with a [[price]] for it"));
        }
        Ok(())
    }

    /// A kind of deduction of which a line has an amount: declared. Errors:
    /// [`Code::LinesNotAdmissible`].
    pub fn deduction(&self, kind: &Name) -> Result<(), Problem> {
        match self.terms.deductions.iter().any(|known| known.kind == *kind) {
            true => Ok(()),
            false => Err(undeclared("deduction", kind)),
        }
    }
}

/// The refusal of a name that the terms of the day do not declare.
fn undeclared(what: &str, name: &Name) -> Problem {
    let message = format!("the terms of the day know no {what} called {name}");
    Problem::new(Code::LinesNotAdmissible, message)
        .hint("`revshare terms show` lists them; an amendment can change them from a day on")
}

/// The attributes of a line, for a message.
fn described(key: &LineKey) -> String {
    let named: Vec<String> =
        key.attributes.iter().map(|(name, value)| format!("{name} \"{value}\"")).collect();
    match named.is_empty() {
        true => "a line without attributes".to_owned(),
        false => named.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::testing_clauses::whole_terms;
    use crate::vocab::Date;
    use crate::vocab::exact::Sum;

    fn key(currency: &str, attributes: &[(&str, &str)]) -> LineKey {
        let named = |(name, value): &(&str, &str)| {
            (Name::parse(name).expect("a name"), Value::parse(value).expect("a value"))
        };
        LineKey {
            day: Date::parse("2026-06-01").expect("a day"),
            currency: Currency::parse(currency).expect("a currency"),
            attributes: attributes.iter().map(named).collect(),
        }
    }

    fn sums(meter: &str, quantity: i128, kind: &str, amount: i128) -> LineSums {
        let mut sums = LineSums::default();
        sums.add_meter(&Name::parse(meter).expect("a name"), Sum(quantity)).expect("in bounds");
        sums.add_deduction(&Name::parse(kind).expect("a name"), Sum(amount)).expect("in bounds");
        sums
    }

    #[test]
    fn each_question_has_its_code() {
        let terms = whole_terms();
        let (one, two) = (Admission::new(&terms, Level::One), Admission::new(&terms, Level::Two));
        let llama = key("USD", &[("model", "llama-3")]);
        let plain = sums("input_tokens", 1, "refunds", 1);
        let code = |result: Result<usize, Problem>| result.map_err(|problem| problem.code);
        assert_eq!(code(two.line(&llama, &plain)), Ok(2));
        assert_eq!(code(one.line(&key("EUR", &[]), &plain)), Err(Code::RowCurrency));
        assert_eq!(code(two.key(&key("EUR", &[]))), Ok(2));
        assert_eq!(code(two.key(&key("USD", &[("tier", "x")]))), Err(Code::LinesNotAdmissible));
        let value = key("USD", &[("application", "serch")]);
        assert_eq!(code(two.key(&value)), Err(Code::RowAttribute));
        assert_eq!(code(two.line(&key("USD", &[]), &plain)), Err(Code::RowPrice));
        let meter = |quantity| sums("tokens", quantity, "refunds", 1);
        assert_eq!(code(two.line(&llama, &meter(1))), Err(Code::LinesNotAdmissible));
        assert_eq!(code(two.line(&llama, &meter(0))), Ok(2));
        let kind = |amount| sums("requests", 1, "fees", amount);
        assert_eq!(code(two.line(&llama, &kind(-1))), Err(Code::LinesNotAdmissible));
        assert_eq!(code(two.line(&llama, &kind(0))), Ok(2));
    }
}
