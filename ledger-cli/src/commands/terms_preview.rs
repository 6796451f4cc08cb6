//! `revshare terms preview`

use std::io::Write;
use std::path::Path;

use revshare_core::view::preview::PreviewShare;
use revshare_core::view::preview::preview;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;

use crate::commands::Reading;
use crate::commands::amend::about_file;
use crate::commands::argument;
use crate::commands::proposals::warn;
use crate::commands::terms;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json;
use crate::render::json::terms::TermsPreviewDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::shell_path;

/// Runs terms over the periods on the log.
pub fn run(
    session: &mut Session,
    file: &Path,
    from: &str,
    reading: &Reading,
) -> Result<Answer, Failure> {
    let from = argument("--from", from, Date::parse)?;
    let standing = session.read(reading)?;
    let (version, terms_warnings) = terms::read_for_json(session, file)?;
    let digest = version.digest;
    let preview =
        preview(standing.state(), version, from).map_err(|problem| about_file(problem, file))?;
    let currency = standing.agreement()?.terms().currency;
    if session.globals.json {
        let at = standing.at();
        let terms = (digest.to_string(), terms_warnings);
        session.print_json(&TermsPreviewDocument::of(at, terms, &preview, currency))?;
        return Ok(Answer::Yes);
    }
    writeln!(
        session.out,
        "terms {} from {from}, run over what is on the log{}",
        digest.short(),
        standing.as_of()
    )?;
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("party", Align::Left),
        ("now", Align::Right),
        ("then", Align::Right),
        ("difference", Align::Right),
        ("", Align::Left),
    ]);
    let mut trues_up = false;
    for period in &preview.periods {
        for share in &period.shares {
            let differs = !share.difference.is_zero();
            trues_up |= differs && period.is_stated;
            let mark = match (period.is_stated, differs) {
                (true, true) => "stated: true-up",
                (true, false) => "stated",
                (false, _) => "",
            };
            row(&mut table, &period.period.to_string(), share, (currency, mark));
        }
    }
    if table.is_empty() {
        writeln!(session.out, "nothing is reported that these terms could rate")?;
    } else {
        for share in &preview.totals {
            row(&mut table, "all", share, (currency, ""));
        }
        let color = session.world.color;
        session.out.write_all(table.text(color).as_bytes())?;
        if trues_up {
            let line = "the next statement would post the true-ups";
            writeln!(session.out, "{line}")?;
        }
    }
    warn(session, &preview.warnings)?;
    let file = shell_path(file);
    session.next(&format!("amend propose {file} --from {from} --reason TEXT"))?;
    Ok(Answer::Yes)
}

fn row(table: &mut Table, period: &str, share: &PreviewShare, (currency, mark): (Currency, &str)) {
    let sign = match share.difference.is_zero() || share.difference.is_negative() {
        true => "",
        false => "+",
    };
    table.row([
        period.to_owned(),
        share.party.to_string(),
        json::money(share.now, currency),
        json::money(share.then, currency),
        format!("{sign}{}", json::money(share.difference, currency)),
        mark.to_owned(),
    ]);
}
