//! Problems for people: what, where with the line shown, which rule, what next.

#![expect(clippy::arithmetic_side_effects, reason = "places on a terminal")]

use std::collections::BTreeMap;
use std::io;
use std::io::Write;

use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::problem::Class;
use unicode_width::UnicodeWidthStr;

use crate::error::Failure;
use crate::render::json;
use crate::render::text::escape;
use crate::render::text::styled;

/// Columns of a line that are shown around a place.
const SHOWN_WIDTH: usize = 76;

/// Prints why a command ended early.
pub fn failure(out: &mut dyn Write, failure: &Failure, json: bool, color: bool) -> io::Result<()> {
    let (summary, problems) = match failure {
        Failure::Problem(problem) => (&**problem, &[][..]),
        Failure::Many(many) => (&many.summary, &many.problems[..]),
    };
    if json {
        let mut document = json::ErrorDocument::of(summary);
        document.errors = problems.iter().map(json::ErrorDocument::of).collect();
        serde_json::to_writer(&mut *out, &document)?;
        return writeln!(out);
    }
    each(out, problems, color)?;
    if problems.is_empty() {
        return one(out, summary, color, true);
    }
    let place = summary.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
    let label = styled("error:", "1;31", color);
    writeln!(out, "{label} {}{}", escape(&place), escape(&summary.message))?;
    match &summary.hint {
        Some(hint) => writeln!(out, " help: {}", escape(hint)),
        None => Ok(()),
    }
}

/// Prints problems one after another. A rule is told with the first problem of its code, and a
/// hint again only when it changes.
pub fn each(out: &mut dyn Write, problems: &[Problem], color: bool) -> io::Result<()> {
    let mut told: BTreeMap<Code, Option<&str>> = BTreeMap::new();
    for problem in problems {
        let hint = problem.hint.as_deref();
        let before = told.insert(problem.code, hint);
        let again = before == Some(hint);
        one(out, problem, color, before.is_none() || !again)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, problem: &Problem, color: bool, explain: bool) -> io::Result<()> {
    let (word, style) = match problem.code.class() {
        Class::Warning => ("warning", "1;33"),
        _ => ("error", "1;31"),
    };
    let label = styled(&format!("{word}:"), style, color);
    writeln!(out, "{label} {} [{}]", escape(&problem.message), problem.code.as_str())?;
    match &problem.place {
        Some(Place::File { path, line, column, text }) => {
            writeln!(out, " --> {}:{line}:{column}", escape(path))?;
            if let Some(text) = text {
                shown_line(out, *line, *column, text)?;
            }
        }
        Some(place) => writeln!(out, " --> {}", escape(&place.to_string()))?,
        None => {}
    }
    if explain {
        writeln!(out, " rule: {}", problem.code.rule())?;
        if let Some(hint) = &problem.hint {
            writeln!(out, " help: {}", escape(hint))?;
        }
    }
    Ok(())
}

/// The line, cut around the column, with a caret under it.
fn shown_line(out: &mut dyn Write, line: u64, column: u64, text: &str) -> io::Result<()> {
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let room = SHOWN_WIDTH.saturating_sub(number.len() + 3);
    let count = text.chars().count();
    // A window of the line that holds the column.
    let from = match column < room || count <= room {
        true => 0,
        false => (column - room / 2).min(count.saturating_sub(room)),
    };
    let window: String = text.chars().skip(from).take(room).collect();
    let before: String = text.chars().skip(from).take(column.saturating_sub(from)).collect();
    writeln!(out, "{margin} |")?;
    writeln!(out, "{number} | {}", window.trim_end())?;
    writeln!(out, "{margin} | {}^", " ".repeat(before.width()))
}
