//! `revshare verify`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use revshare_core::acknowledgement;
use revshare_core::acknowledgement::SignedAcknowledgement;
use revshare_core::intake::read_signers;
use revshare_core::ledger::verify_new;
use revshare_core::store::files::system;
use revshare_core::verify::Finding;
use revshare_core::verify::Layer;
use revshare_core::verify::Options;
use revshare_core::verify::RecordRoot;
use revshare_core::verify::RootObserver;
use revshare_core::verify::SinceVerified;
use revshare_core::verify::Verdict;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;

use crate::commands::usage_findings;
use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::files::read_file;
use crate::render::json::verify::RecordRootDocument;
use crate::render::json::verify::VerdictDocument;
use crate::render::problem;
use crate::render::table::wrap;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shell_path;
use crate::render::text::styled;

/// Check everything again, from the bytes of the log and public keys
///
/// Hashes, links, signatures, who may say what, every amount to the last unit, and every
/// acknowledgement. Reports all findings, and says what it did not check. Exits with 0 if valid,
/// 1 if not, 4 if nothing could be read.
///
/// What was found valid is remembered in the cache folder of this user. With --since-verified, the
/// records that were verified before are not verified again, and the verdict says which these are.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare verify\n  revshare verify ../acme --keys allowed_signers --against meta.ack\n  revshare verify --since-verified"
)]
pub struct Args {
    /// The folder of the copy; otherwise that of -C or the current one
    path: Option<PathBuf>,
    /// Keys that you know from elsewhere, in the format of OpenSSH's allowed_signers: the
    /// principal is the party's id
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// An acknowledgement that you have from elsewhere (`acknowledge --out`); may be repeated
    #[arg(long, value_name = "FILE")]
    against: Vec<PathBuf>,
    /// Verify only what is new since this machine verified this copy last; everything, if that cannot
    /// be told
    #[arg(long)]
    since_verified: bool,
    /// Print the state root after every record, one line each, before the verdict: sequence number,
    /// record hash, version of the state root, state root. Ends before the first finding. With
    /// --json each line is a document, and so is the verdict, on the last one
    #[arg(long, conflicts_with = "since_verified")]
    roots: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let folder = match &args.path {
        Some(path) if !is_ledger(path) => {
            return Err(Problem::new(Code::NotALedger, "the folder is no ledger")
                .at(Place::Path(path.display().to_string()))
                .hint("name a folder that `revshare init` or `revshare pull` made")
                .into());
        }
        Some(path) => path.clone(),
        None => session.folder()?,
    };
    // Without its memory a verdict says less: that is not to be had by a wrong name.
    session.machine().admit(&*system(), &folder)?;
    let options = Options {
        keys: match &args.keys {
            Some(file) => read_signers(&file.display().to_string(), &read_file(file)?)?,
            None => Vec::new(),
        },
        against: args.against.iter().map(|file| against(file)).collect::<Result<_, _>>()?,
        now: Some(session.world.now),
        ..Options::default()
    };
    let (verdict, roots) = match (args.since_verified, args.roots) {
        (true, _) => (verify_new(&folder, session.machine(), options), Ok(())),
        (false, true) => verify_with_roots(session, &folder, options),
        (false, false) => (verify_folder(session, &folder, options), Ok(())),
    };
    // Damage behind a sound record is a finding; a log without one could not be read.
    let nothing = verdict.head.is_none() && verdict.holds_to(Layer::Chain).is_none();
    let answer = match (verdict.is_valid(), verdict.unreadable || nothing) {
        (true, _) => Answer::Yes,
        (false, true) => Answer::Unreadable,
        (false, false) => Answer::No,
    };
    roots?;
    if session.globals.json {
        let document = VerdictDocument::of(&verdict);
        match args.roots {
            true => session.print_json_line(&document)?,
            false => session.print_json(&document)?,
        }
        return Ok(answer);
    }
    print(session, &verdict)?;
    match (answer, &args.path) {
        // A copy that was only looked at is nobody's to sign here.
        (Answer::Yes, Some(path)) => {
            session.say(&format!("next: revshare -C {} status", shell_path(path)))?;
        }
        (Answer::Yes, None) => session.next("acknowledge")?,
        _ => session.say(&format!("next: revshare diff {} ANOTHER-COPY", shell_path(&folder)))?,
    }
    Ok(answer)
}

/// Verifies the copy in a folder, with this machine's memory of it.
pub fn verify_folder(session: &Session, folder: &Path, options: Options) -> Verdict {
    revshare_core::ledger::verify_folder(folder, session.machine(), options)
}

/// State roots that may wait to be printed.
const ROOTS_WAITING: usize = 1 << 10;

/// Verifies the copy in a folder, and prints the state root after every record meanwhile. Returns
/// whether they could be printed, too.
fn verify_with_roots(
    session: &mut Session,
    folder: &Path,
    options: Options,
) -> (Verdict, Result<(), Failure>) {
    let (sender, roots) = mpsc::sync_channel(ROOTS_WAITING);
    // Roots that nobody can be shown any more change no verdict.
    let observer = RootObserver::new(move |root| {
        let _ = sender.send(root);
    });
    let options = Options { roots: Some(observer), ..options };
    let machine = session.machine().clone();
    thread::scope(|scope| {
        let verifying =
            scope.spawn(move || revshare_core::ledger::verify_folder(folder, &machine, options));
        let mut printed = Ok(());
        for root in roots {
            if printed.is_ok() {
                printed = print_root(session, &root);
            }
        }
        let verdict = verifying.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (verdict, printed)
    })
}

fn print_root(session: &mut Session, root: &RecordRoot) -> Result<(), Failure> {
    if session.globals.json {
        return session.print_json_line(&RecordRootDocument::of(root));
    }
    let RecordRoot { seq, hash, version, root } = root;
    writeln!(session.out, "{seq} {hash} {version} {root}")?;
    Ok(())
}

fn print(session: &mut Session, verdict: &Verdict) -> Result<(), Failure> {
    let color = session.world.color;
    let problems: Vec<Problem> = verdict.findings.iter().map(placed).collect();
    let mut text = Vec::new();
    problem::each(&mut text, &problems, color)?;
    session.out.write_all(&text)?;
    let head = match verdict.head {
        Some((seq, hash)) => format!("record {seq} {}", hash.0.short()),
        None => "no record".to_owned(),
    };
    let word = match verdict.is_valid() {
        true => styled("valid", "1;32", color),
        false => styled("invalid", "1;31", color),
    };
    match verdict.is_valid() {
        true => writeln!(session.out, "{word} to {head}; {} records", verdict.events)?,
        false => writeln!(
            session.out,
            "{word}: {}; the log ends with {head}",
            count(to_u64(verdict.findings.len()), "finding")
        )?,
    }
    match verdict.state_root {
        Some(root) => writeln!(session.out, "state root {root}")?,
        None => writeln!(session.out, "state root unknown")?,
    }
    if !verdict.is_valid() {
        for layer in Layer::ALL {
            let to = match verdict.holds_to(layer) {
                Some(seq) => format!("holds to record {seq}"),
                None => "does not hold for record 0".to_owned(),
            };
            writeln!(session.out, "  {:<12}{to}", layer.as_str())?;
        }
    }
    print_since(session, verdict)?;
    for (party, seq) in &verdict.acknowledged {
        writeln!(session.out, "acknowledged by {party} at record {seq}")?;
    }
    for (seq, finding) in &verdict.price_findings {
        let text = usage_findings::text(finding);
        writeln!(session.out, "note: record {seq}: {text}")?;
    }
    for notice in &verdict.notices {
        writeln!(session.out, "note: {}", escape(notice))?;
    }
    writeln!(session.out, "not checked:")?;
    for what in &verdict.unchecked {
        for (at, line) in wrap(&escape(what), 76).iter().enumerate() {
            writeln!(session.out, "{}{line}", if at == 0 { "  - " } else { "    " })?;
        }
    }
    Ok(())
}

/// Which records were verified now, if only new ones were asked for.
fn print_since(session: &mut Session, verdict: &Verdict) -> Result<(), Failure> {
    let text = match &verdict.since {
        SinceVerified::NotAsked => return Ok(()),
        SinceVerified::From(before) => {
            let last = before.records.saturating_sub(1);
            let new = match verdict.events.saturating_sub(before.records) {
                0 => "nothing is new".to_owned(),
                new => format!("verified {}", count(new, "new record")),
            };
            let ((complete, at), head) = (before.complete, before.head.0.short());
            let before = match complete == before.records {
                true => format!("record {last} {head}, on {}", at.date()),
                false => format!(
                    "record {last} {head}, by {} (all at once: to record {}, on {})",
                    before.at.date(),
                    complete.saturating_sub(1),
                    at.date()
                ),
            };
            format!("{new}; verified before: to {before}")
        }
        SinceVerified::Everything(why) => format!("verified everything: {why}"),
    };
    for (at, line) in wrap(&escape(&text), 78).iter().enumerate() {
        writeln!(session.out, "{}{line}", if at == 0 { "" } else { "  " })?;
    }
    Ok(())
}

/// A finding as a problem that names its record.
fn placed(finding: &Finding) -> Problem {
    let mut problem = finding.problem.clone();
    if let Some(seq) = finding.seq {
        if problem.place.is_some() && problem.place != Some(Place::Record { seq }) {
            problem.message = format!("record {seq}: {}", problem.message);
        }
        problem = problem.at_record(seq);
    }
    problem
}

/// Reads an acknowledgement file; problems name it.
fn against(file: &Path) -> Result<SignedAcknowledgement, Failure> {
    let place = || Place::Path(file.display().to_string());
    let bytes = read_file(file)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Problem::new(Code::AckFile, "not an acknowledgement: it is not UTF-8")
            .at(place())
            .hint("such a file is written by `revshare acknowledge --out FILE`")
    })?;
    Ok(acknowledgement::read(&text).map_err(|mut problem| {
        problem.place.get_or_insert_with(place);
        problem
    })?)
}
