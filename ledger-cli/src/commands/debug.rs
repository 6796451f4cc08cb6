//! `revshare debug`: what the project's own documents are generated from. Hidden, and no promise.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::CommandFactory;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::app::Cli;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::schema;

/// Generate documents of the project
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Write the JSON Schemas of what --json prints
    Schemas {
        /// The folder to write to
        dir: PathBuf,
    },
    /// Print the reference of the command line in Markdown
    Reference,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Schemas { dir } => {
            for (name, schema) in schema::all() {
                let path = dir.join(format!("{name}.schema.json"));
                let mut text = serde_json::to_string_pretty(&schema)?;
                text.push('\n');
                fs::write(&path, text).map_err(|error| {
                    Problem::new(Code::DiskWrite, format!("the file cannot be written: {error}"))
                        .at(Place::Path(path.display().to_string()))
                })?;
            }
        }
        Args::Reference => session.out.write_all(reference().as_bytes())?,
    }
    Ok(Answer::Yes)
}

/// The help of every command, as one page.
fn reference() -> String {
    let mut page = String::from(
        "# The command line\n\nGenerated from the help of `revshare` by `revshare debug reference`; a test compares it.\n",
    );
    let mut root = Cli::command().term_width(100);
    root.build();
    add(&mut page, &mut root, "revshare");
    page
}

fn add(page: &mut String, command: &mut clap::Command, name: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    for inner in command.get_subcommands_mut() {
        if inner.is_hide_set() || inner.get_name() == "help" {
            continue;
        }
        let name = format!("{name} {}", inner.get_name());
        add(page, inner, &name);
    }
}
