//! `revshare evidence`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::dispute::Attachment;
use revshare_core::dispute::Erasure;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Outcome;
use revshare_core::state::Agreement;
use revshare_core::state::EvidenceRecord;
use revshare_core::state::State;
use revshare_core::view::place::Prefix;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::free_text;
use crate::commands::say_recorded;
use crate::context::Desk;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::evidence;
use crate::evidence_store;
use crate::evidence_store::EvidenceStatus;
use crate::evidence_store::EvidenceStore;
use crate::point;
use crate::render::json::evidence::EvidenceDocument;
use crate::render::json::evidence::EvidenceRow;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shown_path;

/// Files beside the ledger that the log names by commitments
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Name a file about an event
    ///
    /// The log gets a commitment to the file, from which nobody can tell what it says. A copy of the
    /// file and the salt of its commitment are kept in the ledger's folder (`evidence`).
    #[command(
        after_help = "Example:\n  revshare evidence attach 12 bank-statement.pdf --note \"what arrived in March\""
    )]
    Attach {
        /// What it is about: a record number, or a prefix of its hash or id
        event: String,
        /// The file
        file: PathBuf,
        /// What it is
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// List every file that the log names, and whether this copy has it unchanged
    ///
    /// Exits with 1 if a file is here that cannot be shown to be the one that was committed to. One
    /// that is missing here, or was erased, is no fault.
    #[command(after_help = "Example:\n  revshare evidence check")]
    Check {
        #[command(flatten)]
        reading: Reading,
    },
    /// Erase a file that you named, and its salt; the commitment stays
    ///
    /// Records that it is erased, then deletes what this copy has of it. Other copies keep theirs
    /// until their holders delete it, with --local. Every hash and state root stays what it was.
    #[command(
        after_help = "Examples:\n  revshare evidence erase 12 --reason \"names a customer\"\n  revshare evidence erase 3fa29c11d0b2 --local"
    )]
    Erase {
        /// At least 6 digits of the commitment or the record
        /// that named it, if that named one file
        #[arg(value_name = "COMMITMENT|EVENT")]
        what: String,
        /// Why
        #[arg(long, value_name = "TEXT", required_unless_present = "local")]
        reason: Option<String>,
        /// Record nothing: delete what this copy has of a file that a record says is erased
        #[arg(long, conflicts_with_all = ["reason", "if_head", "recorded_time"])]
        local: bool,
        #[command(flatten)]
        writing: Writing,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Attach { event, file, note, writing } => {
            attach(session, (event, file, note), writing)
        }
        Args::Check { reading } => check(session, reading),
        Args::Erase { what, local: true, writing, .. } => erase_here(session, what, writing.mode()),
        Args::Erase { what, reason, writing, .. } => {
            erase(session, (what, reason.as_deref().unwrap_or_default()), writing)
        }
    }
}

fn attach(
    session: &mut Session,
    (event, file, note): (&str, &Path, &str),
    writing: &Writing,
) -> Result<Answer, Failure> {
    let note = free_text("--note", note)?;
    let mut desk = session.write(writing)?;
    let (_, about) = point::event(&desk.ledger, event)?;
    let kept = evidence::attach(desk.ledger.folder(), file, desk.mode)?;
    let said = Attachment { about, commitment: kept.commitment, note };
    let outcome = desk.submit(Command::AttachEvidence(said)).inspect_err(|_| kept.withdraw())?;
    recorded(session, &desk, &outcome)?;
    if let Some(folder) = kept.folder {
        session.note(&format!(
            "a copy of the file and the salt of its commitment lie in {}; the log tells nothing of \
             what it says",
            shown_path(&folder)
        ))?;
    }
    session.next("evidence check")?;
    Ok(Answer::Yes)
}

/// Says what was recorded.
fn recorded(session: &mut Session, desk: &Desk, outcome: &Outcome) -> Result<(), Failure> {
    let Some(agreement) = desk.ledger.state().agreement() else { return Ok(()) };
    let currency = agreement.terms().currency;
    say_recorded(session, desk.ledger.state(), currency, outcome, desk.mode)
}

/// A commitment that is looked at, with what this copy has of it.
struct Row<'a> {
    commitment: &'a Digest,
    record: &'a EvidenceRecord,
    status: EvidenceStatus,
}

impl Row<'_> {
    /// Whether something is here that cannot be shown to be what was committed to.
    fn is_bad(&self) -> bool {
        self.record.erased.is_none()
            && matches!(self.status, EvidenceStatus::Changed | EvidenceStatus::SaltMissing)
    }

    /// Whether it should be deleted here.
    fn is_left_over(&self) -> bool {
        self.record.erased.is_some() && self.status != EvidenceStatus::Missing
    }

    fn text(&self) -> String {
        if let Some((seq, _)) = &self.record.erased {
            return match self.status {
                EvidenceStatus::Missing => format!("erased, record {seq}"),
                _ => format!("erased, record {seq}, but STILL HERE"),
            };
        }
        match self.status {
            EvidenceStatus::Matches => "here, matches",
            EvidenceStatus::Changed => "here, but CHANGED",
            EvidenceStatus::SaltMissing => "here, but its SALT is missing",
            EvidenceStatus::ContentMissing => "missing here; only its salt is left",
            EvidenceStatus::Missing => "missing here",
        }
        .to_owned()
    }
}

/// Every commitment, in the order in which they were named.
fn rows<'a>(agreement: &'a Agreement, store: &EvidenceStore) -> Result<Vec<Row<'a>>, Failure> {
    let mut rows = Vec::new();
    for (commitment, record) in agreement.evidence() {
        let status = store.status(commitment)?;
        rows.push(Row { commitment, record, status });
    }
    // Stable: those of one record stay in the order of their commitments.
    rows.sort_by_key(|row| row.record.named_by.1);
    Ok(rows)
}

fn check(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let store = EvidenceStore::open(standing.ledger.folder())?;
    let agreement = standing.agreement()?;
    let rows = rows(agreement, &store)?;
    // What is named later is named, whatever point is looked at.
    let known = standing.ledger.state().agreement().map(Agreement::evidence);
    let unnamed = store.unnamed(known.unwrap_or(agreement.evidence()))?;
    let is_bad = rows.iter().any(Row::is_bad);
    let answer = if is_bad { Answer::No } else { Answer::Yes };
    if session.globals.json {
        session.print_json(&document(&standing, &rows, unnamed))?;
        return Ok(answer);
    }
    session.page()?;
    print(session, &standing, &rows)?;
    for name in &unnamed {
        writeln!(session.out, "not named by the log: evidence/{}", escape(name))?;
    }
    if is_bad {
        session.note("what is here and does not match proves nothing: remove its folder, then pull from a copy that has the file")?;
    }
    let left_over = rows.iter().find(|row| row.is_left_over());
    let missing = |row: &&Row| row.record.erased.is_none() && row.status != EvidenceStatus::Matches;
    let missing = rows.iter().find(missing);
    match (left_over, missing) {
        (Some(row), _) => {
            session.next(&format!("evidence erase {} --local", row.commitment.short()))
        }
        (None, Some(row)) if !row.is_bad() => session
            .next(&format!("pull DIR (a copy that has it, such as that of {})", row.record.party)),
        _ => session.next("status"),
    }?;
    Ok(answer)
}

fn document(standing: &Standing, rows: &[Row<'_>], unnamed: Vec<String>) -> EvidenceDocument {
    let row =
        |row: &Row<'_>| EvidenceRow::of(standing.state(), (row.commitment, row.record), row.status);
    EvidenceDocument {
        at: standing.at(),
        ok: !rows.iter().any(Row::is_bad),
        evidence: rows.iter().map(row).collect(),
        unnamed,
    }
}

fn print(session: &mut Session, standing: &Standing, rows: &[Row<'_>]) -> Result<(), Failure> {
    if rows.is_empty() {
        writeln!(session.out, "the log names no evidence{}", standing.as_of())?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("commitment", Align::Left),
        ("record", Align::Right),
        ("by", Align::Break),
        ("about", Align::Wrap),
        ("this copy", Align::Wrap),
        ("note", Align::Wrap),
    ]);
    for row in rows {
        let Row { commitment, record, .. } = row;
        table.row([
            commitment.short(),
            record.named_by.1.to_string(),
            record.party.to_string(),
            about(standing.state(), record),
            row.text(),
            record.note.as_ref().map_or(String::new(), |note| note.to_string()),
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    let whole = rows
        .iter()
        .filter(|row| row.status == EvidenceStatus::Matches && row.record.erased.is_none());
    let files = count(to_u64(rows.len()), "file");
    writeln!(
        session.out,
        "{files} named{}; {} here and unchanged",
        standing.as_of(),
        whole.count()
    )?;
    Ok(())
}

/// What a file is about.
fn about(state: &State, record: &EvidenceRecord) -> String {
    let Some((seq, kind)) = state.event(&record.about) else { return String::new() };
    match seq == record.named_by.1 {
        true => kind.as_str().to_owned(),
        false => format!("record {seq}, {}", kind.as_str()),
    }
}

/// The commitment that an argument names. Errors: [`Code::EvidenceUnknown`],
/// [`Code::AmbiguousEvent`], [`Code::UnknownEvent`].
fn named(ledger: &Ledger, text: &str) -> Result<Digest, Failure> {
    const WHAT: &str = "COMMITMENT|EVENT";
    let evidence = ledger.state().agreement().map(Agreement::evidence);
    let evidence = || evidence.into_iter().flatten();
    // Digits are a record's number if there is such a record.
    let is_record = text.parse::<u64>().is_ok_and(|seq| seq < ledger.state().next_seq());
    let prefix = Prefix::parse(text.strip_prefix("id:").unwrap_or(text)).filter(|_| !is_record);
    if let Some(prefix) = &prefix {
        let found = evidence().filter(|(commitment, _)| prefix.fits(commitment));
        match found.map(|(commitment, _)| *commitment).collect::<Vec<_>>()[..] {
            [] => {}
            [commitment] => return Ok(commitment),
            ref several => {
                return Err(ambiguous(&format!("begin with {}", prefix.as_str()), several)
                    .at_field(WHAT)
                    .into());
            }
        }
    }
    let (seq, event) = point::event_as(ledger, text, WHAT).map_err(|failure| match failure {
        Failure::Problem(problem) if prefix.is_some() && problem.code == Code::UnknownEvent => {
            unknown(format!("no commitment, hash or event id begins with {}", text.escape_debug()))
                .at_field(WHAT)
                .into()
        }
        other => other,
    })?;
    let found = evidence().filter(|(_, record)| record.named_by.0 == event);
    match found.map(|(commitment, _)| *commitment).collect::<Vec<_>>()[..] {
        [commitment] => Ok(commitment),
        [] => {
            Err(unknown(format!("record {seq} names no evidence of its own")).at_field(WHAT).into())
        }
        ref several => {
            Err(ambiguous(&format!("are named by record {seq}"), several).at_field(WHAT).into())
        }
    }
}

fn unknown(message: String) -> Problem {
    Problem::new(Code::EvidenceUnknown, message)
        .hint("`revshare evidence check` lists the evidence and who named it")
}

fn ambiguous(how: &str, several: &[Digest]) -> Problem {
    let shown: Vec<String> = several.iter().take(5).map(Digest::short).collect();
    let message = format!("{} commitments {how}: {}", several.len(), shown.join(", "));
    Problem::new(Code::AmbiguousEvent, message).hint("give the digits of one commitment")
}

fn erase(
    session: &mut Session,
    (what, reason): (&str, &str),
    writing: &Writing,
) -> Result<Answer, Failure> {
    let reason = free_text("--reason", reason)?;
    let mut desk = session.write(writing)?;
    let commitment = named(&desk.ledger, what)?;
    let known = desk.ledger.state().agreement().map(Agreement::evidence);
    if let Some((seq, _)) = known.and_then(|all| all.get(&commitment)?.erased.as_ref()) {
        return Err(unknown(format!("record {seq} says that it is erased"))
            .hint(format!(
                "`revshare evidence erase {} --local` deletes what this copy has of it, without an event",
                commitment.short()
            ))
            .at(Place::Record { seq: *seq })
            .into());
    }
    let outcome = desk
        .submit(Command::EraseEvidence(Erasure { commitment, reason }))
        .map_err(|failure| failure.about("COMMITMENT|EVENT", &[Code::EvidenceUnknown]))?;
    let folder = desk.ledger.folder().to_owned();
    let deleted = evidence_store::delete(&folder, &commitment, desk.mode);
    recorded(session, &desk, &outcome)?;
    let local = session.command(&format!("evidence erase {} --local", commitment.short()));
    let here = deleted.map_err(|problem| Problem {
        message: format!("what was recorded stands, but {}", problem.message),
        ..problem.hint(format!("see that its folder can be written, then `{local}`"))
    })?;
    session.note(match (here, desk.mode) {
        (true, Mode::Record) => "the file and its salt are deleted here; other copies keep theirs until their holders delete them (`evidence erase --local`)",
        (true, Mode::DryRun) => "the file and its salt would be deleted here",
        (false, _) => "this copy has nothing of it; other copies keep theirs until their holders delete them (`evidence erase --local`)",
    })?;
    session.next("evidence check")?;
    Ok(Answer::Yes)
}

/// Deletes what this copy has of a file that was erased; the log is not written.
fn erase_here(session: &mut Session, what: &str, mode: Mode) -> Result<Answer, Failure> {
    let standing = session.read(&Reading::default())?;
    let commitment = named(&standing.ledger, what)?;
    let folder = standing.ledger.folder().to_owned();
    let agreement = standing.agreement()?;
    let Some(record) = agreement.evidence().get(&commitment) else {
        return Err(unknown(format!("{} is no evidence on this ledger", commitment.short())).into());
    };
    if record.erased.is_none() {
        return Err(unknown(format!("no record says that {} is erased", commitment.short()))
            .hint(format!(
                "--local follows an erasure; {} records it: `revshare evidence erase {} --reason TEXT`",
                record.party,
                commitment.short()
            ))
            .at(Place::Record { seq: record.named_by.1 })
            .into());
    }
    let there = evidence_store::delete(&folder, &commitment, mode).map_err(|problem| {
        problem.hint("see that its folder can be written, then run the command again")
    })?;
    if session.globals.json {
        let status = EvidenceStore::open(&folder)?.status(&commitment)?;
        let row = Row { commitment: &commitment, record, status };
        session.print_json(&document(&standing, &[row], Vec::new()))?;
        return Ok(Answer::Yes);
    }
    let short = commitment.short();
    match (there, mode) {
        (true, Mode::Record) => writeln!(session.out, "deleted here: {short} and its salt")?,
        (true, Mode::DryRun) => {
            writeln!(session.out, "would be deleted here: {short} and its salt")?
        }
        (false, _) => writeln!(session.out, "nothing of {short} is here")?,
    }
    session.next("evidence check")?;
    Ok(Answer::Yes)
}
