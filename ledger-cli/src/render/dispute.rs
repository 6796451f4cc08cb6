//! Disputes in words.

use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::said::Named;
use revshare_core::view::said::OutcomeTotal;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Period;

use crate::render::record::lines;
use crate::render::record::record_of;
use crate::render::text::money;

/// What is disputed: `the statement of 2026-06 (record 9)`.
pub fn target(target: &DisputedTarget) -> String {
    let of = |what: &str, period: &Option<Period>, named: &Named| {
        let period = period.map_or(String::new(), |period| format!(" of {period}"));
        format!("the {what}{period} ({})", record_of(named))
    };
    match target {
        DisputedTarget::Statement(named, period) => of("statement", period, named),
        DisputedTarget::Report(named, period) => of("report", period, named),
        DisputedTarget::Payout(named) => of("payout", &None, named),
        DisputedTarget::Clause(clause, period) => format!("clause {clause} in {period}"),
    }
}

/// What is claimed: `globex 1250.00 USD`.
pub fn claim(claim: &ClaimTotal, currency: Currency) -> String {
    match claim {
        ClaimTotal::Figures(figures) => {
            let figures = figures.iter();
            let figures: Vec<String> =
                figures.map(|(id, figure)| format!("{id} {}", money(*figure, currency))).collect();
            figures.join(", ")
        }
        ClaimTotal::Report { replaces, total } => {
            format!("{} instead of those of {}", lines(total), record_of(replaces))
        }
        ClaimTotal::Terms { digest, from } => {
            format!("other terms from {from} on ({})", digest.short())
        }
    }
}

/// What a dispute comes to.
pub fn outcome(outcome: &OutcomeTotal, currency: Currency) -> String {
    match outcome {
        OutcomeTotal::Stands => "the recorded figures stand".to_owned(),
        OutcomeTotal::AsClaimed => "as claimed".to_owned(),
        OutcomeTotal::Other(other) => claim(other, currency),
    }
}
