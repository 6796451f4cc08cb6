//! `revshare explain`

use std::collections::BTreeSet;
use std::io::Write;

use revshare_core::view;
use revshare_core::view::record::Named;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;

use crate::commands::Reading;
use crate::commands::party;
use crate::commands::period;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::render::explain::Derivation;
use crate::render::json::explain::ExplainDocument;
use crate::render::table::wrap_tree;
use crate::render::text::escape;

/// Derive an amount, from what is booked down to the reports
///
/// One operation a line. With --json, every operand is an exact string, so that the amount can be
/// computed again by hand.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare explain 2026-06/meta")]
pub struct Args {
    /// Whose amount of which period
    #[arg(value_name = "P/PARTY")]
    what: String,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Some((of, who)) = args.what.split_once('/') else {
        return Err(bad_argument(
            "P/PARTY",
            format!("`{}` is not a period and a party", args.what.escape_debug()),
            "write it like 2026-06/meta",
        ));
    };
    let (of, who) = (period("P/PARTY", of)?, party("P/PARTY", who)?);
    let standing = session.read(&args.reading)?;
    let Some(derivation) = derive(&standing, of, &who)? else {
        return Ok(Answer::Unreadable);
    };
    if session.globals.json {
        session.print_json(&ExplainDocument::of(&derivation, standing.at()))?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    for line in derivation.lines(&standing.as_of()) {
        for part in wrap_tree(&escape(&line), 80) {
            writeln!(session.out, "{part}")?;
        }
    }
    if let Some(seq) = derivation.explanation.reports.first().and_then(|source| source.report.seq) {
        session.next(&format!("usage show {seq}"))?;
    }
    Ok(Answer::Yes)
}

/// The derivation with everything that it refers to. `None` never happens: an explanation names the
/// version that settles the period.
fn derive(standing: &Standing, of: Period, who: &Id) -> Result<Option<Derivation>, Failure> {
    let state = standing.state();
    let explain = |who: &Id| {
        view::explain::explain(state, of, who).map_err(|problem| problem.at_field("P/PARTY"))
    };
    let explanation = explain(who)?;
    let mut pools = Vec::new();
    for part in explanation.rating.parts.iter().filter(|part| part.of != *who) {
        pools.push(explain(&part.of)?);
    }
    let agreement = standing.agreement()?;
    let used: BTreeSet<Currency> = std::iter::once(&explanation)
        .chain(&pools)
        .flat_map(|one| &one.rules)
        .flat_map(|rule| &rule.groups)
        .map(|group| group.currency)
        .collect();
    let rate = |currency: Currency| {
        let rate = agreement.rates().get(&(of, currency))?;
        let source = agreement.rate_source(of, currency)?;
        Some((currency, *rate, Named::of(state, source)))
    };
    let rates = used.into_iter().filter_map(rate).collect();
    let settling = explanation.versions.last().map(|(_, version)| version.clone());
    Ok(settling.map(|settling| Derivation { explanation, settling, pools, rates }))
}
