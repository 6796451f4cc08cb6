//! Aligned tables for terminals: 80 columns, amounts to the right.

#![expect(clippy::arithmetic_side_effects, reason = "places on a terminal")]

use unicode_width::UnicodeWidthStr;

use crate::render::text::escape;

/// Columns of a terminal that a table keeps to.
const WIDTH_MAX: usize = 80;
/// A column that wraps is not made narrower than this.
const WRAPPED_MIN: usize = 12;
/// Blanks between columns.
const GAP: usize = 2;

/// A blank at which a cell is not wrapped; it is printed as a blank.
pub const HELD: char = '\u{a0}';

/// How a column stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers and amounts.
    Right,
    /// Free text: wrapped if the table is too wide.
    Wrap,
    /// Ids: broken if the table is too wide, since they have no blanks.
    Break,
}

/// A table under construction.
pub struct Table {
    titles: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&'static str, Align)]) -> Table {
        let columns = columns.iter().map(|(title, align)| ((*title).to_owned(), *align));
        let (titles, aligns) = columns.unzip();
        Table { titles, aligns, rows: Vec::new() }
    }

    /// With one more column.
    pub fn column(mut self, title: &str, align: Align) -> Table {
        self.titles.push(escape(title));
        self.aligns.push(align);
        self
    }

    /// Adds a row. What it holds is escaped for terminals.
    pub fn row(&mut self, cells: impl Into<Vec<String>>) {
        let cells = cells.into();
        debug_assert_eq!(cells.len(), self.titles.len());
        self.rows.push(cells.iter().map(|cell| escape(cell)).collect());
    }

    /// Whether it keeps to the width of a terminal without wrapping.
    pub fn fits(&self) -> bool {
        let gaps = GAP * self.titles.len().saturating_sub(1);
        self.widths().iter().sum::<usize>() + gaps <= WIDTH_MAX
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|title| title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table, titles first, each with an end of line.
    pub fn text(&self, color: bool) -> String {
        let mut widths = self.widths();
        self.narrow(&mut widths);
        let mut out = String::new();
        for (at, row) in std::iter::once(&self.titles).chain(&self.rows).enumerate() {
            self.push_row(&mut out, row, &widths, color && at == 0);
        }
        out
    }

    /// Takes width from the columns that wrap until the table fits.
    fn narrow(&self, widths: &mut [usize]) {
        let total: usize = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        for _ in 0..total.saturating_sub(WIDTH_MAX) {
            let wrapped = widths.iter_mut().zip(&self.aligns);
            let wrapped = wrapped.filter(|(width, align)| {
                matches!(align, Align::Wrap | Align::Break) && **width > WRAPPED_MIN
            });
            match wrapped.map(|(width, _)| width).max() {
                Some(widest) => *widest -= 1,
                None => return,
            }
        }
    }

    fn push_row(&self, out: &mut String, row: &[String], widths: &[usize], bold: bool) {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .zip(&self.aligns)
            .map(|((cell, width), align)| match align {
                Align::Wrap => wrap(cell, *width),
                Align::Break => broken(cell, *width),
                Align::Left | Align::Right => vec![cell.clone()],
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1);
        for at in 0..height {
            let mut line = String::new();
            for ((cell, width), align) in cells.iter().zip(widths).zip(&self.aligns) {
                let text = cell.get(at).map_or("", String::as_str);
                let pad = " ".repeat(width.saturating_sub(text.width()));
                match align {
                    Align::Right => line.extend([pad.as_str(), text]),
                    _ => line.extend([text, pad.as_str()]),
                }
                line.push_str(&" ".repeat(GAP));
            }
            let line = line.trim_end().replace(HELD, " ");
            match bold {
                true => out.push_str(&format!("\x1b[1m{line}\x1b[0m\n")),
                false => out.extend([line.as_str(), "\n"]),
            }
        }
    }
}

/// Breaks a text between words, and words that are longer than a line.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let words = text.split(' ').flat_map(|word| match word.width() > width {
        true => broken(word, width),
        false => vec![word.to_owned()],
    });
    for word in words {
        let line = lines
            .last_mut()
            .filter(|line| line.is_empty() || line.width() + 1 + word.width() <= width);
        match line {
            Some(line) if line.is_empty() => line.push_str(&word),
            Some(line) => line.extend([" ", &word]),
            None => lines.push(word),
        }
    }
    lines
}

/// Breaks a line of an indented tree: what does not fit stands further in than any line below it. A
/// remark in brackets at its end stays in one piece if it can.
pub fn wrap_tree(line: &str, width: usize) -> Vec<String> {
    const FURTHER: usize = 8;
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    let inner = " ".repeat(indent + FURTHER);
    let room = width.saturating_sub(indent + FURTHER);
    let (text, remark) = match text.rfind("  (") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut lines = vec![" ".repeat(indent)];
    let mut is_begun = false;
    let mut push = |word: &str, lines: &mut Vec<String>, gap: &str| {
        let last = lines
            .last_mut()
            .filter(|last| !is_begun || last.width() + gap.len() + word.width() <= width);
        match last {
            Some(last) if !is_begun => last.push_str(word),
            Some(last) => last.extend([gap, word]),
            // The second of two blanks at which the line is broken.
            None if word.is_empty() => {}
            None => lines.push(format!("{inner}{word}")),
        }
        is_begun = true;
    };
    for word in text.split(' ') {
        push(word, &mut lines, " ");
    }
    let remark = remark.trim_start_matches(' ');
    if remark.width() <= room && !remark.is_empty() {
        push(remark, &mut lines, "  ");
    } else if !remark.is_empty() {
        for (at, word) in remark.split(' ').enumerate() {
            push(word, &mut lines, if at == 0 { "  " } else { " " });
        }
    }
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end().len()));
    lines
}

/// Breaks a text after a dash, or anywhere if there is none, so that every line fits.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > width {
        let dash = rest.iter().take(width).rposition(|c| matches!(*c, '-' | ' ' | HELD));
        let end = dash.map_or(width, |at| at + 1);
        let after = rest.split_off(end);
        lines.push(rest.into_iter().collect::<String>().trim_end().to_owned());
        rest = after;
    }
    lines.push(rest.into_iter().collect());
    lines
}
