//! `revshare accept`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::ledger::Mode;
use revshare_core::state::Agreement;
use revshare_core::state::Proposal;
use revshare_core::state::Proposed;
use revshare_core::view::status;
use revshare_core::view::status::Matter;
use revshare_core::view::status::What;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;

use crate::commands::Beside;
use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::say_recorded_with;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::json::lists::WaitingDocument;
use crate::render::json::lists::WaitingRow;
use crate::render::json::record::DecidedDocument;
use crate::render::record::proposed;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::escape;

/// Accept the ledger, an amendment, a rate or a contribution; or list what waits
///
/// Without EVENT, lists everything that waits: for you, if a key is given, otherwise for anybody.
/// Look at what you accept first (`terms show`, `show`): your acceptance carries its digest. A
/// proposal takes effect when everybody whose acceptance it needs has accepted it.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare accept\n  revshare accept 0 --key meta.key\n  revshare accept 17 --key meta.key"
)]
pub struct Args {
    /// What to accept: a record number, or a prefix of its hash or event id
    event: Option<String>,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Some(event) = &args.event else {
        return list(session, &args.reading);
    };
    if args.reading.at.is_some() {
        return Err(crate::error::bad_argument(
            "--at",
            "--at belongs to the list of what waits, not to an acceptance",
            "leave --at out, or EVENT",
        ));
    }
    let mut desk = session.write_verified(&args.writing)?;
    let (_, id) = point::event(&desk.ledger, event)?;
    let outcome = desk.submit(Command::Accept(id))?;
    let Some(agreement) = desk.ledger.state().agreement() else {
        return Ok(Answer::Yes);
    };
    let currency = agreement.terms().currency;
    let decided = agreement.proposals().get(&id).map(|one| Decided::of(&desk, one));
    let beside = Beside { decided: decided.as_ref().map(Decided::document), ..Beside::default() };
    let state = (desk.ledger.state(), currency);
    say_recorded_with(session, state, (&outcome, desk.mode), beside)?;
    match &decided {
        Some(decided) => decided.say(session, agreement, currency)?,
        None => opening(session, &desk, agreement)?,
    }
    Ok(Answer::Yes)
}

/// What the acceptance of the opening came to.
fn opening(session: &mut Session, desk: &Desk, agreement: &Agreement) -> Result<(), Failure> {
    let version = agreement.versions().first();
    let terms = &version.terms;
    if !session.globals.json {
        writeln!(
            session.out,
            "{} accepts \"{}\", terms {}",
            desk.context.author.party,
            escape(terms.title.as_str()),
            version.digest.short()
        )?;
    }
    if agreement.is_in_force() {
        match terms.collector() == Some(&desk.context.author.party) {
            true => {
                session.next(&format!("usage report FILE --period {}", terms.first_period()))?
            }
            false => session.next("status")?,
        }
    }
    Ok(())
}

/// What an acceptance makes of a proposal.
struct Decided<'a> {
    proposal: &'a Proposal,
    by: Id,
    /// Whose acceptance is missing afterwards.
    waits_for: Vec<Id>,
    mode: Mode,
}

impl Decided<'_> {
    fn of<'a>(desk: &Desk, proposal: &'a Proposal) -> Decided<'a> {
        // A dry run leaves the proposal without the acceptance.
        let by = desk.context.author.party.clone();
        let missing = proposal.needed.difference(&proposal.accepted_by);
        let waits_for = missing.filter(|id| **id != by).cloned().collect();
        Decided { proposal, by, waits_for, mode: desk.mode }
    }

    fn document(&self) -> DecidedDocument {
        DecidedDocument {
            seq: self.proposal.seq,
            event: self.proposal.id.to_string(),
            kind: self.proposal.kind().as_str().to_owned(),
            in_force: self.waits_for.is_empty(),
            waits_for: self.waits_for.iter().map(|id| id.to_string()).collect(),
        }
    }

    fn say(
        &self,
        session: &mut Session,
        agreement: &Agreement,
        currency: Currency,
    ) -> Result<(), Failure> {
        let Decided { proposal, by, waits_for, mode } = self;
        if !session.globals.json {
            let what = escape(&proposed(&proposal.what, currency));
            let word = if *mode == Mode::DryRun { "would accept" } else { "accepts" };
            writeln!(session.out, "{by} {word} the {what}")?;
            let then = match (&waits_for[..], mode) {
                ([], Mode::Record) => "everybody has accepted: it is in force".to_owned(),
                ([], Mode::DryRun) => "everybody would have accepted: it would be in force".into(),
                (missing, mode) => {
                    let word = if *mode == Mode::DryRun { "would wait" } else { "waits" };
                    let missing: Vec<&str> = missing.iter().map(|id| id.as_str()).collect();
                    format!("it {word} for {}", missing.join(", "))
                }
            };
            let version = match (&proposal.what, agreement.versions().last()) {
                (Proposed::Amendment(_), last) if last.event == proposal.id => {
                    format!(", as version {} of the terms", agreement.versions().last_number())
                }
                _ => String::new(),
            };
            writeln!(session.out, "{then}{version}")?;
        }
        match (&waits_for[..], &proposal.what) {
            ([], Proposed::Amendment(_)) => session.next("terms show"),
            ([], Proposed::Rate(rate)) => {
                session.next(&format!("statement preview {}", rate.period))
            }
            _ => session.next("status"),
        }
    }
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let me = match &session.globals.key {
        Some(_) => Some(session.author_on(agreement, session.public_key()?)?.party),
        None => None,
    };
    let opened_on = opened_on(&standing)?;
    let today = standing.today(&session.world);
    let matters = status::status(standing.state(), opened_on, today)?.matters;
    let mine = matters.iter().filter(|matter| me.as_ref().is_none_or(|me| matter.who == *me));
    let opening = standing.state().event(&agreement.opening().0).map_or(0, |(seq, _)| seq);
    let row = |matter: &Matter| row(session, matter, opening, agreement);
    let rows: Vec<WaitingRow> = mine.filter_map(row).collect();
    if session.globals.json {
        session.print_json(&WaitingDocument { at: standing.at(), waiting: rows })?;
        return Ok(Answer::Yes);
    }
    if rows.is_empty() {
        writeln!(session.out, "nothing waits for an acceptance{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let has_until = rows.iter().any(|row| row.until.is_some());
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("party", Align::Break),
        ("what", Align::Wrap),
        ("since", Align::Left),
    ]);
    if has_until {
        table = table.column("until", Align::Left);
    }
    table = table.column("command", Align::Wrap);
    for row in rows {
        let mut cells = vec![row.seq.to_string(), row.party, row.summary, row.since];
        if has_until {
            cells.push(row.until.unwrap_or_default());
        }
        cells.push(row.command);
        table.row(cells);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(Answer::Yes)
}

fn row(
    session: &Session,
    matter: &Matter,
    opening: u64,
    agreement: &Agreement,
) -> Option<WaitingRow> {
    let mut row = WaitingRow {
        party: matter.who.to_string(),
        what: String::new(),
        summary: String::new(),
        period: None,
        seq: opening,
        since: matter.since.to_string(),
        until: None,
        command: String::new(),
    };
    let (what, summary, command) = match &matter.what {
        What::AcceptLedger { .. } => ("ledger", "ledger".to_owned(), format!("accept {opening}")),
        What::AcceptStatement { period, seq } => {
            row.period = Some(period.to_string());
            row.seq = *seq;
            ("statement", format!("statement {period}"), format!("statement accept {period}"))
        }
        What::AcceptProposal { proposal, until, .. } => {
            let known = agreement.proposals().get(&proposal.id)?;
            row.seq = known.seq;
            row.until = until.map(|until| until.to_string());
            let what = match &known.what {
                Proposed::Amendment(_) => "amendment",
                Proposed::Rate(rate) => {
                    row.period = Some(rate.period.to_string());
                    "conversion-rate"
                }
                Proposed::Contribution(_) => "contribution",
            };
            let summary = proposed(&known.what, agreement.terms().currency);
            (what, summary, format!("accept {}", known.seq))
        }
        _ => return None,
    };
    row.what = what.to_owned();
    row.summary = summary;
    row.command = session.command(&command);
    Some(row)
}

/// The recorded day of record 0.
pub fn opened_on(
    standing: &crate::context::Standing,
) -> Result<revshare_core::vocab::Date, Failure> {
    Ok(standing.ledger.opened_at()?.date())
}
