//! `revshare pull`

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use indicatif::HumanBytes;
use revshare_core::ledger::Mode;
use revshare_core::pull::pull;
use revshare_core::pull::pull_oversized;
use revshare_core::state::EvidenceRecord;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;

use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::evidence_store::Copied;
use crate::evidence_store::EvidenceStore;
use crate::evidence_store::EvidenceWriter;
use crate::evidence_store::Offer;
use crate::evidence_store::OfferedFile;
use crate::evidence_store::PULL_FILES_MAX;
use crate::evidence_store::PULL_LEN_MAX;
use crate::render::json::evidence::PulledEvidence;
use crate::render::json::evidence::RefusedEvidence;
use crate::render::json::lists::PullDocument;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// Most files of evidence that are named one by one.
const SHOWN_MAX: usize = 20;

/// Take over what another copy on this machine has more, after checking all of it
///
/// Into a folder that is no ledger yet, takes a first full copy. Refused when the copies diverged.
/// Files of evidence come along, if they are the ones that the log names and were not erased.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare -C meta pull ../acme")]
pub struct Args {
    /// The folder of the other copy
    dir: PathBuf,
    /// Which files of evidence come along
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Choice::Ask)]
    evidence: Choice,
    /// Also take records after which the next statement may not fit in one record
    #[arg(long, help_heading = "Writing")]
    allow_oversized_statement: bool,
    /// Check and show everything, take over nothing
    #[arg(long, help_heading = "Writing")]
    dry_run: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    // A parent that is a ledger is meant only if the folder itself is not named.
    let folder = match &session.globals.ledger {
        Some(folder) => folder.clone(),
        None => session.folder().unwrap_or_else(|_| PathBuf::from(".")),
    };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Record };
    let is_first = !is_ledger(&folder);
    let take = if args.allow_oversized_statement { pull_oversized } else { pull };
    let pulled = take(&folder, session.machine(), &args.dir, session.world.now, mode)?;
    if mode == Mode::Record && pulled.new > 0 {
        let (seq, head) = pulled.head;
        session.output.stands(format!("the new records are recorded, to record {seq} {head}"));
    }
    let evidence = take_evidence(session, &folder, args, &pulled.evidence)?;
    if session.globals.json {
        session.print_json(&PullDocument {
            recorded: mode == Mode::Record && pulled.new > 0,
            common: pulled.common,
            new: pulled.new,
            ahead: pulled.ahead,
            seq: pulled.head.0,
            head: pulled.head.1.to_string(),
            evidence: evidence.document(),
        })?;
        return evidence.answer();
    }
    let from = shown_path(&args.dir);
    let head = format!("head is record {} {}", pulled.head.0, pulled.head.1.0.short());
    let new = count(pulled.new, "new record");
    match (pulled.new, pulled.ahead, mode) {
        (0, 0, _) => writeln!(session.out, "nothing new in {from}; {head}")?,
        (0, ahead, _) => writeln!(
            session.out,
            "nothing new in {from}; this copy is ahead by {}; {head}",
            count(ahead, "record")
        )?,
        (_, _, Mode::DryRun) => writeln!(session.out, "would take {new} from {from}; {head}")?,
        _ => writeln!(session.out, "took {new} from {from}, all checked; {head}")?,
    }
    evidence.print(session, args)?;
    session.next(if is_first { "accept" } else { "status" })?;
    evidence.answer()
}

/// Which files of evidence a pull copies.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    /// All of them, after a question if they are more than 100 MiB or 1000 files
    Ask,
    /// All of them
    All,
    /// None
    None,
}

/// What became of the files that the log names.
#[derive(Default)]
struct TakenEvidence {
    /// Taken over.
    taken: Vec<Digest>,
    /// Their length.
    bytes: u64,
    /// Not taken over, and why.
    refused: Vec<(Digest, String)>,
    /// Not taken over, since nobody has agreed to so many.
    left_out: Option<(usize, u64)>,
    /// Erased, but still here, with the record that says so.
    left_over: Vec<(Digest, u64)>,
    /// What could not be read or written here.
    failed: Option<Problem>,
}

/// Takes over the files that the log names and this copy does not have. Own files are not read.
fn take_evidence(
    session: &mut Session,
    folder: &Path,
    args: &Args,
    known: &BTreeMap<Digest, EvidenceRecord>,
) -> Result<TakenEvidence, Failure> {
    let mut all = TakenEvidence::default();
    let missing = match all.missing_here(folder, known) {
        Ok(missing) if args.evidence != Choice::None => missing,
        Ok(_) => return Ok(all),
        Err(problem) => {
            all.failed = Some(problem);
            return Ok(all);
        }
    };
    let theirs = match EvidenceStore::open(&args.dir) {
        Ok(theirs) => theirs,
        Err(problem) => {
            let refused = |commitment: Digest| (commitment, problem.message.clone());
            all.refused = missing.into_iter().map(refused).collect();
            return Ok(all);
        }
    };
    let mut offered = Vec::new();
    for commitment in missing {
        match theirs.offer(&commitment) {
            Offer::Nothing => {}
            Offer::File(file) => offered.push((commitment, file)),
            Offer::Refused(why) => all.refused.push((commitment, why)),
        }
    }
    let bytes = offered.iter().fold(0u64, |sum, (_, file)| sum.saturating_add(file.len));
    let is_much = bytes > PULL_LEN_MAX || offered.len() > PULL_FILES_MAX;
    if args.evidence == Choice::Ask && is_much && !is_agreed(session, offered.len(), bytes)? {
        all.left_out = Some((offered.len(), bytes));
        let why = "together they are above what is copied without --evidence all";
        all.refused.extend(offered.into_iter().map(|(commitment, _)| (commitment, why.to_owned())));
        return Ok(all);
    }
    all.copy(&theirs, folder, (offered, args.dry_run))?;
    Ok(all)
}

/// Asks a person whether so much is to be copied; without a person, the answer is no.
fn is_agreed(session: &mut Session, files: usize, bytes: u64) -> Result<bool, Failure> {
    if !session.world.is_interactive || session.globals.json {
        return Ok(false);
    }
    session.out.flush()?;
    write!(session.err, "copy {} of evidence? [y/N] ", amount(files, bytes))?;
    session.err.flush()?;
    let mut answer = String::new();
    // A terminal is text; what is not is no answer.
    let _ = std::io::stdin().lock().take(16).read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// `3 files (1.20 GiB)`.
fn amount(files: usize, bytes: u64) -> String {
    format!("{} ({})", count(to_u64(files), "file"), HumanBytes(bytes))
}

impl TakenEvidence {
    /// What the log names, was not erased, and is missing here.
    fn missing_here(
        &mut self,
        folder: &Path,
        known: &BTreeMap<Digest, EvidenceRecord>,
    ) -> Result<Vec<Digest>, Problem> {
        let ours = EvidenceStore::open(folder)?;
        let mut missing = Vec::new();
        for (commitment, record) in known {
            match (ours.has(commitment)?, &record.erased) {
                (true, Some((seq, _))) => self.left_over.push((*commitment, *seq)),
                (false, None) => missing.push(*commitment),
                _ => {}
            }
        }
        Ok(missing)
    }

    fn copy(
        &mut self,
        theirs: &EvidenceStore,
        folder: &Path,
        (offered, dry_run): (Vec<(Digest, OfferedFile)>, bool),
    ) -> Result<(), Failure> {
        let writer = match !dry_run && !offered.is_empty() {
            true => match EvidenceWriter::open(folder) {
                Ok(writer) => Some(writer),
                Err(problem) => {
                    self.failed = Some(problem);
                    return Ok(());
                }
            },
            false => None,
        };
        for (commitment, file) in offered {
            let why = match theirs.copy((&commitment, &file), writer.as_ref())? {
                Copied::Done(commitment) => {
                    self.taken.push(commitment);
                    self.bytes = self.bytes.saturating_add(file.len);
                    continue;
                }
                Copied::Mismatch => {
                    "the other copy's file is not the one that was committed to".to_owned()
                }
                Copied::Unread(error) => format!("it cannot be read: {error}"),
                Copied::Unwritten(problem) => {
                    let hint =
                        "what was recorded stands; check the folder and its room, then pull again";
                    self.failed = Some(problem.hint(hint));
                    return Ok(());
                }
            };
            self.refused.push((commitment, why));
        }
        Ok(())
    }

    fn document(&self) -> PulledEvidence {
        let refused = |(commitment, why): &(Digest, String)| RefusedEvidence {
            commitment: commitment.to_string(),
            why: why.clone(),
        };
        PulledEvidence {
            taken: self.taken.iter().map(Digest::to_string).collect(),
            bytes: self.bytes,
            refused: self.refused.iter().map(refused).collect(),
            erase_here: self.left_over.iter().map(|(one, _)| one.to_string()).collect(),
        }
    }

    fn print(&self, session: &mut Session, args: &Args) -> Result<(), Failure> {
        let taken = amount(self.taken.len(), self.bytes);
        match (self.taken.len(), args.dry_run) {
            (0, _) => {}
            (_, false) => writeln!(session.out, "took {taken} of evidence as well")?,
            (_, true) => writeln!(session.out, "would take {taken} of evidence as well")?,
        }
        let from = shown_path(&args.dir);
        if let Some((files, bytes)) = self.left_out {
            let files = amount(files, bytes);
            let dir = shell_path(&args.dir);
            let command = session.command(&format!("pull {dir} --evidence"));
            session.tell(&format!(
                "evidence is not taken from {from}: {files}, above {} and {PULL_FILES_MAX} files; \
                 `{command} all` takes it, `{command} none` leaves it out",
                HumanBytes(PULL_LEN_MAX)
            ))?;
        } else {
            for (commitment, why) in self.refused.iter().take(SHOWN_MAX) {
                session.tell(&format!(
                    "evidence {} is not taken from {from}: {}",
                    commitment.short(),
                    escape(why)
                ))?;
            }
            let more = self.refused.len().saturating_sub(SHOWN_MAX);
            if more > 0 {
                let more = count(to_u64(more), "more file");
                session.tell(&format!("evidence: {more} not taken from {from}"))?;
            }
        }
        for (commitment, seq) in &self.left_over {
            let command =
                session.command(&format!("evidence erase {} --local", commitment.short()));
            session.tell(&format!(
                "record {seq} says that evidence {} is erased, and it is still here: `{command}`",
                commitment.short()
            ))?;
        }
        Ok(())
    }

    fn answer(self) -> Result<Answer, Failure> {
        match self.failed {
            Some(problem) => Err(problem.into()),
            None => Ok(Answer::Yes),
        }
    }
}
