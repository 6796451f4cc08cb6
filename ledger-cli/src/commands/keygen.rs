//! `revshare keygen`

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::chain::Signer;
use revshare_core::store::disk::io_problem;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use ssh_key::LineEnding;
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;

use crate::context::Session;
use crate::context::random;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::lists::KeygenDocument;
use crate::render::text::shown_path;

/// Make an OpenSSH Ed25519 key pair: FILE, readable by you alone, and FILE.pub for the terms
///
/// Any other OpenSSH Ed25519 key does as well (`ssh-keygen -t ed25519`), also one with a
/// passphrase. An existing file is never overwritten.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare keygen acme.key --comment acme-cloud")]
pub struct Args {
    /// The private key's file; the public key goes to FILE.pub
    file: PathBuf,
    /// A comment in both files
    #[arg(long, default_value = "revshare")]
    comment: String,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let public_file = {
        let mut name = args.file.clone().into_os_string();
        name.push(".pub");
        PathBuf::from(name)
    };
    for file in [&args.file, &public_file] {
        if file.symlink_metadata().is_ok() {
            return Err(exists(file).into());
        }
    }
    let comment = super::free_text("--comment", &args.comment)?;
    let secret = random::<32>()?;
    let public = Signer::from_secret(&secret)?.public()?;
    let pair = Ed25519Keypair::from_seed(&secret);
    let failed = |file: &Path, error: &dyn std::fmt::Display| {
        Problem::new(Code::KeyFile, format!("the key cannot be written: {error}"))
            .at(Place::Path(file.display().to_string()))
            .hint("check that the folder exists and that you may write to it")
    };
    let mut key = PrivateKey::from(pair);
    key.set_comment(comment.as_str());
    let text = key.to_openssh(LineEnding::LF).map_err(|error| failed(&args.file, &error))?;
    write_new(&args.file, 0o600, text.as_bytes()).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(&args.file),
        _ => unwritable(&args.file, &error),
    })?;
    let line = format!("{public} {comment}\n");
    write_new(&public_file, 0o644, line.as_bytes()).map_err(|error| {
        // A private key without its public half helps nobody.
        let _ = std::fs::remove_file(&args.file);
        unwritable(&public_file, &error)
    })?;
    session.output.stands("the key files are written");
    let fingerprint = public.fingerprint();
    if session.globals.json {
        session.print_json(&KeygenDocument {
            private_key: args.file.display().to_string(),
            public_key: public_file.display().to_string(),
            key: public.to_string(),
            fingerprint,
        })?;
        return Ok(Answer::Yes);
    }
    writeln!(session.out, "{}  private, keep it to yourself", shown_path(&args.file))?;
    writeln!(session.out, "{}  public, {fingerprint}", shown_path(&public_file))?;
    writeln!(session.out, "{public}")?;
    session.say("next: put the public key into the terms, as the party's `key`")?;
    Ok(Answer::Yes)
}

fn unwritable(file: &Path, error: &std::io::Error) -> Problem {
    io_problem(Code::DiskWrite, "the key cannot be written", file, error)
}

fn exists(file: &Path) -> Problem {
    Problem::new(Code::FileExists, "the file exists")
        .at(Place::Path(file.display().to_string()))
        .hint("choose another name; a key is never overwritten")
}

fn write_new(file: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut out = OpenOptions::new().write(true).create_new(true).mode(mode).open(file)?;
    out.write_all(bytes).and_then(|()| out.sync_all()).inspect_err(|_| {
        // Half a key helps nobody, and stands in the way of a whole one.
        let _ = std::fs::remove_file(file);
    })
}
