//! Tables written for people and their programs: CSV and XLSX, row by row.
//!
//! No text becomes a formula: in XLSX it is written as text, in CSV it is guarded.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use rust_xlsxwriter::{Format as CellFormat, Workbook, XlsxError};
use shared::layout::Cell;
use shared::spreadsheet::{guarded, unguarded};

/// Longest text of a cell, in characters, as spreadsheet programs have it.
const CELL_CHARS_MAX: usize = 32_767;

/// Signs at which one program or another begins a new cell, whatever the file says.
const CUTS: [char; 5] = [',', ';', '\t', '\n', '\r'];

/// Tells the signs at which a program cuts that takes another sign for the one between cells: to it
/// quotes amid a cell are letters.
fn is_cut(separator: char) -> impl Fn(char) -> bool {
    move |sign| CUTS.contains(&sign) && sign != separator
}

/// Tells whether a part begins like a formula, whatever quotes and space stand before.
fn is_formula(part: &str) -> bool {
    matches!(guarded(part.trim_start_matches(['\'', '"', ' '])), Cow::Owned(_))
}

/// Guards a text for CSV, and each part of it that is a cell to a program with another sign between
/// cells. [`unguarded_parts`] takes exactly that off again.
fn guarded_parts(text: &str, separator: char) -> String {
    let mut parts = text.split_inclusive(is_cut(separator));
    let mut out = guarded(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        if is_formula(part) {
            out.push('\'');
        }
        out.push_str(part);
    }
    out
}

/// Reads a text of CSV as it was before it was guarded.
pub(crate) fn unguarded_parts(text: &str, separator: char) -> Cow<'_, str> {
    if !text.contains('\'') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split_inclusive(is_cut(separator));
    let mut out = unguarded(parts.next().unwrap_or_default()).to_owned();
    for part in parts {
        out.push_str(part.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(part));
    }
    Cow::Owned(out)
}

/// CSV in UTF-8, with the mark by which spreadsheet programs know it.
#[derive(Debug)]
pub(crate) struct Csv {
    separator: char,
    out: String,
}

impl Csv {
    /// Begins a file with this sign between cells.
    pub(crate) fn new(separator: u8) -> Self {
        Self { separator: char::from(separator), out: "\u{feff}".to_owned() }
    }

    /// Writes a row.
    pub(crate) fn row(&mut self, cells: &[Cell]) {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.out.push(self.separator);
            }
            match cell {
                Cell::Empty => {}
                Cell::Number(number) => self.out.push_str(&number.to_string()),
                Cell::Text(text) => self.text(&guarded_parts(text, self.separator)),
            }
        }
        self.out.push_str("\r\n");
    }

    fn text(&mut self, text: &str) {
        if text.contains(|sign: char| sign == '"' || CUTS.contains(&sign)) {
            self.out.push('"');
            self.out.push_str(&text.replace('"', "\"\""));
            self.out.push('"');
        } else {
            self.out.push_str(text);
        }
    }

    /// Returns how many bytes wait to be taken.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes what was written so far.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).into_bytes()
    }
}

/// A workbook whose rows go to files of a folder as they come, and not into memory.
pub(crate) struct Book {
    workbook: Workbook,
    /// The next row of each sheet.
    next: Vec<u32>,
    head: CellFormat,
}

impl Book {
    /// Begins a workbook that keeps what it writes in a folder until it is saved.
    pub(crate) fn new(folder: &Path) -> Result<Self, XlsxError> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(folder)?;
        let head = CellFormat::new().set_bold().set_text_wrap();
        Ok(Self { workbook, next: Vec::new(), head })
    }

    /// Adds a sheet with its headers.
    pub(crate) fn sheet(&mut self, name: &str, heads: &[&str]) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(name))?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, head) in (0..).zip(heads) {
            sheet.set_column_width(column, if head.chars().count() > 14 { 22 } else { 14 })?;
            sheet.write_string_with_format(0, column, *head, &self.head)?;
        }
        self.next.push(1);
        Ok(())
    }

    /// Writes the next row of a sheet.
    pub(crate) fn row(&mut self, sheet: usize, cells: &[Cell]) -> Result<(), XlsxError> {
        let row = self.next[sheet];
        let sheet_of = self.workbook.worksheet_from_index(sheet)?;
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => {
                    let text: String = text.chars().take(CELL_CHARS_MAX).collect();
                    sheet_of.write_string(row, column, text)?;
                }
                Cell::Number(number) => match i32::try_from(*number) {
                    Ok(number) => drop(sheet_of.write_number(row, column, number)?),
                    Err(_) => drop(sheet_of.write_string(row, column, number.to_string())?),
                },
            }
        }
        self.next[sheet] = row + 1;
        Ok(())
    }

    /// Puts the workbook together.
    pub(crate) fn save(mut self, file: File) -> Result<(), XlsxError> {
        self.workbook.save_to_writer(file)
    }
}

/// Makes a name that a sheet may have.
fn sheet_name(name: &str) -> String {
    let fits = |sign: &char| !matches!(sign, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'');
    let name: String = name.chars().filter(fits).take(31).collect();
    if name.is_empty() { "Sheet".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_and_guarded_where_it_must_be() {
        let mut csv = Csv::new(b';');
        let text = |text: &str| Cell::Text(text.to_owned());
        csv.row(&[text("Hồ; \"A\""), Cell::Empty, Cell::Number(-3), text("=1+1"), text("-3")]);
        let line = String::from_utf8(csv.take()).unwrap_or_default();
        assert_eq!(line, "\u{feff}\"Hồ; \"\"A\"\"\";;-3;'=1+1;'-3\r\n");
    }

    #[test]
    fn no_part_of_a_text_is_a_formula_to_a_program_with_another_separator() {
        let mut csv = Csv::new(b',');
        csv.row(&["a;=1+1", "a\t@b", "a\n\"-1", "a,=1", "1; 2"].map(Cell::from));
        let line = String::from_utf8(csv.take()).unwrap_or_default();
        let cells = "\"a;'=1+1\",\"a\t'@b\",\"a\n'\"\"-1\",\"a,=1\",\"1; 2\"\r\n";
        assert_eq!(line, format!("\u{feff}{cells}"));
        for text in ["a;=1", "a;'=1", "=a;''-1;", "\tx;\t'x", "a\r\n'=", "'; a;'b", "", "'", ";"] {
            for separator in [',', ';', '\t'] {
                let written = guarded_parts(text, separator);
                assert_eq!(unguarded_parts(&written, separator), text);
            }
        }
    }
}
