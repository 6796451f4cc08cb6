//! `revshare dispute settle`: a settlement is a file until every party has signed it.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::dispute::settlement_text;
use revshare_core::evolve::dispute::admit_outcome;
use revshare_core::ledger::Mode;
use revshare_core::settlement::Offer;
use revshare_core::state::Agreement;
use revshare_core::state::Dispute;
use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::said::OutcomeTotal;
use revshare_core::vocab::Code;
use revshare_core::vocab::Id;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::commands::Writing;
use crate::commands::dispute::asked::OutcomeArgs;
use crate::commands::dispute::next;
use crate::commands::dispute::of;
use crate::commands::dispute::told;
use crate::commands::free_text;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::files::read_file;
use crate::render::dispute;
use crate::render::json::dispute::OutcomeDocument;
use crate::render::json::dispute::SettlementDocument;
use crate::render::table::wrap_tree;
use crate::render::text::escape;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// What a settlement is made of, or the file that it lies in.
#[derive(clap::Args, Debug)]
pub struct SettleArgs {
    /// The dispute: its record number, or a prefix of its hash or id
    #[arg(value_name = "N")]
    dispute: String,
    #[command(flatten)]
    outcome: OutcomeArgs,
    /// A note on the settlement
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
    /// Look at the settlement in this file, and record it; with --out only sign it
    #[arg(long, value_name = "FILE")]
    offer: Option<PathBuf>,
    /// Write the settlement with your signature to a new file; nothing is recorded
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    writing: Writing,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &SettleArgs) -> Result<Answer, Failure> {
    let note = free_text("--note", &args.note)?;
    match (&args.offer, &args.out) {
        (Some(_), _) if !args.outcome.is_none() || !args.note.is_empty() => Err(bad_argument(
            "--offer",
            "the file says what is agreed on",
            "leave the outcome and the note out, or write another file without --offer",
        )),
        (None, None) => Err(bad_argument(
            "--out",
            "a settlement is signed in a file before it is recorded",
            "name the file: --out FILE; if you have one from the other side: --offer FILE",
        )),
        // Nothing is appended: no lock is taken.
        (offer, Some(out)) => {
            let unrecorded = Writing { dry_run: true, ..args.writing.clone() };
            let desk = session.write_verified(&unrecorded)?;
            let (_, id) = of(&desk, &args.dispute)?;
            let (agreement, dispute) = found(&desk, &id)?;
            admit_author(&desk, dispute)?;
            let mut offer = match offer {
                Some(file) => read(file, agreement, dispute)?,
                None => {
                    let outcome = args.outcome.read(session, &desk.ledger)?;
                    Offer::new(agreement.ledger(), id, (outcome, note))?
                }
            };
            admit_outcome(desk.ledger.state(), &id, &offer.settlement.outcome)
                .map_err(|problem| args.outcome.about(problem.into()))?;
            offer.sign(&desk.context.author.party, &desk.signer);
            if args.writing.mode() == Mode::Record {
                write(out, &offer.write()?)?;
                session.output.stands("the settlement is signed and its file written");
            }
            signed(session, &desk, (dispute, &offer), (out, args.writing.dry_run))
        }
        (Some(file), None) => {
            let mut desk = session.write_verified(&args.writing)?;
            let (_, id) = of(&desk, &args.dispute)?;
            let (agreement, dispute) = found(&desk, &id)?;
            admit_author(&desk, dispute)?;
            let offer = read(file, agreement, dispute)?;
            let author = desk.context.author.party.clone();
            if !session.globals.json {
                say(session, &desk, (dispute, &offer), Some(&author))?;
            }
            let missing = missing(agreement, dispute, &offer);
            let has_signed = !missing.contains(&&author);
            let missing: Vec<&str> =
                missing.iter().filter(|party| ***party != author).map(|id| id.as_str()).collect();
            if !missing.is_empty() {
                let (seq, name) = (dispute.seq, missing.join(" and "));
                let offer = shell_path(file);
                let hint = match has_signed {
                    true => format!(
                        "send the file to {name}, who records it: `revshare dispute settle {seq} --offer {offer}`"
                    ),
                    false => format!(
                        "add your signature to the file (`revshare dispute settle {seq} --offer {offer} --out FILE`) and send it to {name}, who records it"
                    ),
                };
                return Err(Problem::new(
                    Code::SettlementUnsigned,
                    format!("the settlement is not signed by {name}"),
                )
                .at(Place::Path(file.display().to_string()))
                .hint(hint)
                .into());
            }
            let command = Command::SettleDispute(Box::new(offer.recorded_by(&author)));
            let outcome = desk.submit(command)?;
            told(session, &desk, &outcome)?;
            next(session, &desk, &id)
        }
    }
}

fn found<'a>(
    desk: &'a Desk,
    id: &revshare_core::vocab::EventId,
) -> Result<(&'a Agreement, &'a Dispute), Failure> {
    let agreement = desk.ledger.state().agreement();
    let found = agreement.and_then(|known| Some((known, known.disputes().get(id)?)));
    found.ok_or_else(|| Problem::new(Code::NotALedger, "the folder is no ledger").into())
}

/// Only its parties settle a dispute.
fn admit_author(desk: &Desk, dispute: &Dispute) -> Result<(), Failure> {
    let author = &desk.context.author.party;
    if dispute.is_party(author) {
        return Ok(());
    }
    let parties: Vec<&str> = dispute.parties().map(|id| id.as_str()).collect();
    Err(Problem::new(
        Code::DisputeSide,
        format!("{author} is not a party of the dispute in record {}", dispute.seq),
    )
    .hint(format!("{} settle it", parties.join(" and ")))
    .at_record(dispute.seq)
    .into())
}

/// Reads a file, for this ledger and dispute. Errors: [`Code::SettlementFile`].
fn read(file: &Path, agreement: &Agreement, dispute: &Dispute) -> Result<Offer, Failure> {
    let place = || Place::Path(file.display().to_string());
    let wrong = |message: &str, hint: &str| -> Failure {
        Problem::new(Code::SettlementFile, message).at(place()).hint(hint).into()
    };
    let bytes = read_file(file)?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(wrong(
            "not a settlement: the file is no text",
            "such a file is written by `revshare dispute settle --out FILE`",
        ));
    };
    let offer = Offer::read(&text)
        .map_err(|problem| Problem { code: Code::SettlementFile, ..problem.at(place()) })?;
    if offer.ledger != agreement.ledger() {
        return Err(wrong(
            "the settlement is for another ledger",
            "name the ledger that it is for with -C",
        ));
    }
    if offer.settlement.dispute != dispute.id {
        let of = agreement.disputes().get(&offer.settlement.dispute);
        let message = match of {
            Some(of) => format!(
                "the settlement is for the dispute in record {}, not for record {}",
                of.seq, dispute.seq
            ),
            None => "the settlement is for a dispute that is not on this ledger".to_owned(),
        };
        return Err(wrong(&message, "`revshare dispute list` shows the disputes"));
    }
    Ok(offer)
}

/// The parties of the dispute that have not signed, sorted.
fn missing<'a>(agreement: &Agreement, dispute: &'a Dispute, offer: &Offer) -> Vec<&'a Id> {
    let said = &offer.settlement;
    let text = settlement_text(offer.ledger, said.dispute, said.digest);
    let has_signed = |party: &Id| {
        let signed = said.signatures.iter().find(|one| one.party == *party);
        let key = agreement.versions().party(party).map(|known| known.key);
        signed.zip(key).is_some_and(|(one, key)| key.has_signed(text.as_bytes(), &one.signature))
    };
    let mut missing: Vec<&Id> = dispute.parties().filter(|party| !has_signed(party)).collect();
    missing.sort();
    missing
}

/// Writes a new file.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let place = Place::Path(file.display().to_string());
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let written = created.and_then(|mut out| {
        out.write_all(text.as_bytes()).inspect_err(|_| {
            // Half a settlement helps nobody, and stands in the way of a whole one.
            let _ = std::fs::remove_file(file);
        })
    });
    Ok(written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Problem::new(Code::FileExists, "the file exists").hint("choose another name").at(place)
        }
        _ => Problem::new(Code::DiskWrite, format!("the file cannot be written: {error}"))
            .at(place)
            .hint("check the folder and its permissions"),
    })?)
}

/// What a settlement says, and who has signed it.
fn say(
    session: &mut Session,
    desk: &Desk,
    (dispute, offer): (&Dispute, &Offer),
    author: Option<&Id>,
) -> Result<(), Failure> {
    let state = desk.ledger.state();
    let Some(agreement) = state.agreement() else { return Ok(()) };
    let currency = agreement.terms().currency;
    let outcome = OutcomeTotal::of(state, &offer.settlement.outcome);
    let target = dispute::target(&DisputedTarget::of(state, &dispute.target));
    let claim = dispute::claim(&ClaimTotal::of_facts(state, &dispute.claim), currency);
    let missing = missing(agreement, dispute, offer);
    let mut signed: Vec<&str> = Vec::new();
    let mut unsigned: Vec<&str> = Vec::new();
    for party in dispute.parties() {
        let is_missing = missing.contains(&party);
        // The author of the record signs the record.
        if is_missing && author == Some(party) {
            continue;
        }
        let list = if is_missing { &mut unsigned } else { &mut signed };
        list.push(party.as_str());
    }
    let none = |names: Vec<&str>| match names.is_empty() {
        true => "nobody".to_owned(),
        false => names.join(", "),
    };
    let mut rows = vec![
        ("disputed", format!("{target}, by {}", dispute.claimant)),
        ("claimed", claim),
        ("settled", dispute::outcome(&outcome, currency)),
    ];
    if !offer.settlement.note.as_str().is_empty() {
        rows.push(("note", offer.settlement.note.to_string()));
    }
    let by_record = author.filter(|id| missing.contains(id));
    let by_record = by_record.map_or(String::new(), |id| format!("; {id} signs the record"));
    rows.push(("signed by", format!("{}{by_record}", none(signed))));
    if !unsigned.is_empty() {
        rows.push(("not signed by", none(unsigned)));
    }
    writeln!(session.out, "settlement of the dispute in record {}", dispute.seq)?;
    for (name, value) in rows {
        for line in wrap_tree(&format!("  {name:<14}{}", escape(&value)), 80) {
            writeln!(session.out, "{line}")?;
        }
    }
    Ok(())
}

/// Says what was written, and who comes next.
fn signed(
    session: &mut Session,
    desk: &Desk,
    (dispute, offer): (&Dispute, &Offer),
    (file, is_dry): (&Path, bool),
) -> Result<Answer, Failure> {
    let state = desk.ledger.state();
    let Some(agreement) = state.agreement() else { return Ok(Answer::Unreadable) };
    let missing = missing(agreement, dispute, offer);
    if session.globals.json {
        let outcome = OutcomeTotal::of(state, &offer.settlement.outcome);
        let is_signed = |party: &&Id| !missing.contains(party);
        session.print_json(&SettlementDocument {
            written: !is_dry,
            file: file.display().to_string(),
            seq: dispute.seq,
            dispute: dispute.id.to_string(),
            outcome: OutcomeDocument::of(&outcome, agreement.terms().currency),
            note: offer.settlement.note.to_string(),
            digest: offer.settlement.digest.to_string(),
            signed_by: dispute.parties().filter(is_signed).map(ToString::to_string).collect(),
            not_signed_by: missing.iter().map(ToString::to_string).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    say(session, desk, (dispute, offer), None)?;
    let word = if is_dry { "would write" } else { "wrote" };
    writeln!(session.out, "{word} {}; nothing is recorded yet", shown_path(file))?;
    let (seq, file) = (dispute.seq, shell_path(file));
    match missing[..] {
        [] => session.next(&format!("dispute settle {seq} --offer {file}"))?,
        [one] => session.say(&format!(
            "next: {one} runs `revshare dispute settle {seq} --offer {file}`, which records it"
        ))?,
        [one, ..] => session.say(&format!(
            "next: {one} signs it, too: `revshare dispute settle {seq} --offer {file} --out FILE`"
        ))?,
    }
    Ok(Answer::Yes)
}
