//! Terms for tests: always through the text of a terms file, as a user would write them.

use std::fmt::Write;

use ledger_core::intake;
use ledger_core::terms::Terms;

use crate::keys::public_key;

/// Writes a terms file. Whatever is not said takes the default of the format.
#[derive(Clone, Debug)]
pub struct TermsBuilder {
    agreement: String,
    meters: Vec<String>,
    parties: String,
    base: String,
    deductions: String,
    rest: String,
}

impl TermsBuilder {
    /// An agreement in a currency, from a day on.
    pub fn new(currency: &str, starts_on: &str) -> TermsBuilder {
        let agreement = format!(
            "title = \"Test agreement\"\ncurrency = \"{currency}\"\nstarts_on = {starts_on}\n\
             calculation = 1\n"
        );
        let none = String::new;
        TermsBuilder {
            agreement,
            meters: Vec::new(),
            parties: none(),
            base: none(),
            deductions: none(),
            rest: none(),
        }
    }

    /// `month` or `quarter`.
    pub fn period(mut self, length: &str) -> TermsBuilder {
        let _ = writeln!(self.agreement, "period = \"{length}\"");
        self
    }

    /// The first day after the agreement.
    pub fn ends_on(mut self, day: &str) -> TermsBuilder {
        let _ = writeln!(self.agreement, "ends_on = {day}");
        self
    }

    /// The mode of rounding, and whether the difference is carried.
    pub fn rounding(mut self, mode: &str, carry: bool) -> TermsBuilder {
        let _ = writeln!(self.agreement, "rounding = {{ mode = \"{mode}\", carry = {carry} }}");
        self
    }

    /// Declares a meter.
    pub fn meter(mut self, name: &str) -> TermsBuilder {
        self.meters.push(format!("\"{name}\""));
        self
    }

    /// A party with a role; its key follows from its id.
    pub fn party(mut self, id: &str, role: &str) -> TermsBuilder {
        let key = public_key(id);
        let _ =
            writeln!(self.parties, "[[party]]\nid = \"{id}\"\nrole = \"{role}\"\nkey = \"{key}\"");
        self
    }

    /// The base is taken from the price list; a tolerance for what is reported, or none.
    pub fn priced(mut self, tolerance: Option<&str>) -> TermsBuilder {
        let _ = writeln!(self.base, "from = \"priced\"");
        if let Some(rate) = tolerance {
            let _ = writeln!(self.base, "price_tolerance = \"{rate}\"");
        }
        self
    }

    /// A kind of deduction, with a cap or without.
    pub fn deduction(mut self, kind: &str, cap: Option<&str>) -> TermsBuilder {
        let cap = cap.map(|cap| format!(", cap = \"{cap}\"")).unwrap_or_default();
        let _ = write!(self.deductions, "{{ kind = \"{kind}\"{cap} }}, ");
        self
    }

    /// A rule: its id, and the text of the rest of its table.
    pub fn rule(mut self, id: &str, text: &str) -> TermsBuilder {
        let _ = writeln!(self.rest, "[[rule]]\nid = \"{id}\"\n{text}");
        self
    }

    /// Any other part of a terms file, such as `[limits]`.
    pub fn clause(mut self, text: &str) -> TermsBuilder {
        let _ = writeln!(self.rest, "{text}");
        self
    }

    /// The text of the terms file.
    pub fn toml(&self) -> String {
        let TermsBuilder { agreement, meters, parties, base, deductions, rest } = self;
        let meters = meters.join(", ");
        let deductions = match deductions.as_str() {
            "" => String::new(),
            list => format!("deductions = [ {list} ]\n"),
        };
        let base = match (base.as_str(), deductions.as_str()) {
            ("", "") => String::new(),
            (from, deductions) => format!("[base]\n{from}{deductions}"),
        };
        format!("[agreement]\n{agreement}meters = [{meters}]\n{parties}{base}{rest}")
    }

    /// The terms. Panics with every problem if there are any.
    pub fn build(&self) -> Terms {
        read_terms(&self.toml())
    }
}

/// Reads a terms file. Panics with every problem if there are any.
pub fn read_terms(text: &str) -> Terms {
    let file = intake::read_terms("terms.toml", text.as_bytes());
    let problems: Vec<String> = file.problems.iter().map(|problem| problem.to_string()).collect();
    file.terms.unwrap_or_else(|| panic!("{}\n{text}", problems.join("\n")))
}

/// The owner `meta` and the collector `acme-cloud`, in dollars from 2026 on, with one rule.
pub fn two_parties(rule: &str) -> TermsBuilder {
    TermsBuilder::new("USD", "2026-01-01")
        .party("meta", "owner")
        .party("acme-cloud", "collector")
        .rule("everything", rule)
}
