//! `revshare terms diff`

use std::io::Write;
use std::path::Path;

use revshare_core::event::TermsVersion;
use revshare_core::state::Agreement;
use revshare_core::state::Proposed;
use revshare_core::terms::Terms;
use revshare_core::terms::diff::Change;
use revshare_core::terms::diff::diff;
use revshare_core::view::place;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Problem;

use crate::commands::Reading;
use crate::commands::terms;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::terms::ClauseDocument;
use crate::render::json::terms::TermsDiffDocument;
use crate::render::json::terms::TermsSideDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::escape;

/// Terms that are compared.
struct Side {
    document: TermsSideDocument,
    terms: Terms,
}

impl Side {
    fn of_file(file: &str, version: TermsVersion) -> Side {
        let terms = version.digest.to_string();
        let document = TermsSideDocument { file: Some(file.to_owned()), seq: None, terms };
        Side { document, terms: version.terms }
    }

    fn of_record(seq: u64, terms: &Terms, digest: Digest) -> Side {
        let document = TermsSideDocument { file: None, seq: Some(seq), terms: digest.to_string() };
        Side { document, terms: terms.clone() }
    }

    fn name(&self) -> String {
        match (&self.document.file, self.document.seq) {
            (Some(file), _) => file.clone(),
            (None, seq) => format!("record {}", seq.unwrap_or_default()),
        }
    }
}

/// Compares terms.
pub fn run(
    session: &mut Session,
    first: &str,
    second: Option<&str>,
    reading: &Reading,
) -> Result<Answer, Failure> {
    let is_record = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let wants_ledger =
        second.is_none() || [Some(first), second].into_iter().flatten().any(is_record);
    let standing = match wants_ledger || reading.at.is_some() {
        true => Some(session.read(reading)?),
        false => None,
    };
    let agreement = standing.as_ref().map(Standing::agreement).transpose()?;
    let mut side = |text: &str, name: &str| -> Result<Side, Failure> {
        match (agreement, &standing) {
            (Some(agreement), Some(standing)) if is_record(text) => {
                let side = of_record(standing, agreement, text);
                Ok(side.map_err(|problem| problem.at_field(name))?)
            }
            _ => Ok(Side::of_file(text, terms::read(session, Path::new(text))?)),
        }
    };
    let (first, second) = match (second, agreement) {
        (Some(second), _) => (side(first, "A")?, side(second, "B")?),
        (None, agreement) => {
            let last = agreement.map(|known| known.versions().last());
            let last = last.map(|last| Side::of_record(last.seq, &last.terms, last.digest));
            let given = side(first, "A")?;
            match last {
                Some(last) => (last, given),
                None => return Ok(Answer::Yes),
            }
        }
    };
    let changes = diff(&first.terms, &second.terms);
    let answer = if changes.is_empty() { Answer::Yes } else { Answer::No };
    if session.globals.json {
        session.print_json(&TermsDiffDocument {
            at: standing.as_ref().map(Standing::at),
            first: first.document,
            second: second.document,
            equal: changes.is_empty(),
            changes: changes.iter().map(ClauseDocument::of).collect(),
        })?;
        return Ok(answer);
    }
    let (one, other) = (escape(&first.name()), escape(&second.name()));
    match changes.is_empty() {
        true => writeln!(session.out, "{one} and {other} are the same terms")?,
        false => {
            writeln!(session.out, "from {one} to {other}")?;
            print(session, &changes)?;
        }
    }
    if let (false, None, Some(file)) =
        (changes.is_empty(), first.document.file, &second.document.file)
    {
        session.next(&format!("terms preview {file} --from DAY"))?;
    }
    Ok(answer)
}

/// The version of the terms, or the proposed ones, that a record brought.
fn of_record(standing: &Standing, agreement: &Agreement, text: &str) -> Result<Side, Problem> {
    let unknown = || {
        let seqs: Vec<String> =
            agreement.versions().iter().map(|version| version.seq.to_string()).collect();
        Problem::new(Code::UnknownEvent, format!("record {text} brought no terms"))
            .hint(format!("terms that are in force came with record {}", seqs.join(", ")))
    };
    let seq: u64 = text.parse().map_err(|_| unknown())?;
    let seq = place::by_number(standing.state(), seq)?;
    if let Some(version) = agreement.versions().iter().find(|version| version.seq == seq) {
        return Ok(Side::of_record(seq, &version.terms, version.digest));
    }
    let proposed = agreement.proposals().values().find(|proposal| proposal.seq == seq);
    match proposed.map(|proposal| &proposal.what) {
        Some(Proposed::Amendment(amendment)) => {
            Ok(Side::of_record(seq, &amendment.version.terms, amendment.version.digest))
        }
        _ => Err(unknown()),
    }
}

/// Prints what changes, clause by clause.
pub fn print(session: &mut Session, changes: &[Change]) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("clause", Align::Wrap),
        ("field", Align::Wrap),
        ("before", Align::Wrap),
        ("after", Align::Wrap),
    ]);
    let mut last = "";
    for change in changes {
        let clause = if change.clause == last { "" } else { change.clause.as_str() };
        last = &change.clause;
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        table.row([
            clause.to_owned(),
            change.field.clone(),
            value(&change.before),
            value(&change.after),
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(())
}
