//! `revshare pull`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::pull::pull;
use revshare_core::state::EvidenceRecord;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Problem;

use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::evidence_kept;
use crate::evidence_kept::Kept;
use crate::evidence_kept::Taken;
use crate::render::json::evidence::PulledEvidence;
use crate::render::json::evidence::RefusedEvidence;
use crate::render::json::lists::PullDocument;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shown_path;

/// Take over what another copy on this machine has more, after checking all of it
///
/// Into a folder that is no ledger yet, takes a first full copy. Refused when the copies diverged.
/// Files of evidence come along, if they are the ones that the log names and were not erased.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare -C meta pull ../acme")]
pub struct Args {
    /// The folder of the other copy
    dir: PathBuf,
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
    let pulled = pull(&folder, session.state_folder(), &args.dir, session.world.now, mode)?;
    if mode == Mode::Record && pulled.new > 0 {
        let (seq, head) = pulled.head;
        session.output.stands(format!("the new records are recorded, to record {seq} {head}"));
    }
    let evidence = take_evidence(&folder, &args.dir, &pulled.evidence, mode)?;
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
    evidence.print(session, (&args.dir, mode))?;
    session.next(if is_first { "accept" } else { "status" })?;
    evidence.answer()
}

/// What became of the files that the log names.
#[derive(Default)]
struct TakenEvidence {
    /// Taken over.
    taken: Vec<Digest>,
    /// Not taken over, and why.
    refused: Vec<(Digest, String)>,
    /// Erased, but still here, with the record that says so.
    left_over: Vec<(Digest, u64)>,
    /// What could not be written.
    failed: Option<Problem>,
}

/// Takes over every file that the log names and this copy does not have.
fn take_evidence(
    folder: &Path,
    from: &Path,
    known: &BTreeMap<Digest, EvidenceRecord>,
    mode: Mode,
) -> Result<TakenEvidence, Failure> {
    let mut all = TakenEvidence::default();
    for (commitment, record) in known {
        let kept = evidence_kept::look(folder, commitment)?;
        if let Some((seq, _)) = &record.erased {
            if kept != Kept::Nothing {
                all.left_over.push((*commitment, *seq));
            }
            continue;
        }
        if kept != Kept::Nothing || all.failed.is_some() {
            continue;
        }
        match evidence_kept::take((folder, from), commitment, mode)? {
            Taken::Whole => all.taken.push(*commitment),
            Taken::Nothing => {}
            Taken::Not(why) => all.refused.push((*commitment, why)),
            Taken::Failed(problem) => all.failed = Some(problem),
        }
    }
    Ok(all)
}

impl TakenEvidence {
    fn document(&self) -> PulledEvidence {
        let refused = |(commitment, why): &(Digest, String)| RefusedEvidence {
            commitment: commitment.to_string(),
            why: why.clone(),
        };
        PulledEvidence {
            taken: self.taken.iter().map(Digest::to_string).collect(),
            refused: self.refused.iter().map(refused).collect(),
            erase_here: self.left_over.iter().map(|(one, _)| one.to_string()).collect(),
        }
    }

    fn print(&self, session: &mut Session, (from, mode): (&Path, Mode)) -> Result<(), Failure> {
        let taken = count(self.taken.len() as u64, "file");
        match (self.taken.len(), mode) {
            (0, _) => {}
            (_, Mode::Record) => writeln!(session.out, "took {taken} of evidence as well")?,
            (_, Mode::DryRun) => writeln!(session.out, "would take {taken} of evidence as well")?,
        }
        for (commitment, why) in &self.refused {
            let from = shown_path(from);
            session.tell(&format!(
                "evidence {} is not taken from {from}: {}",
                commitment.short(),
                escape(why)
            ))?;
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
