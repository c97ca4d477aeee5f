//! CSV as spreadsheet programs write it: UTF-8, with commas, semicolons or tabs between the cells.

use csv_core::{ReadRecordResult, ReaderBuilder};
use mobile_schema::problem::Problem as Name;

use super::file::{At, COLUMNS_MAX, Cells, Each};
use crate::table::unguarded_parts;

/// Signs between cells, the usual one first: programs set to Vietnamese write semicolons.
const SEPARATORS: [u8; 3] = *b",;\t";

/// How much of a file is looked at for its separator.
const HEAD_BYTES: usize = 8 * 1024;

/// Bytes set aside for the cells of a row, more where one has more.
const ROW_BYTES: usize = 4 * 1024;

fn without_mark(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

/// Finds the sign between cells: the one that the first rows have most of.
pub(super) fn separator(text: &str) -> u8 {
    let first = &text.as_bytes()[..text.len().min(HEAD_BYTES)];
    let count = |sign: u8| first.iter().filter(|byte| **byte == sign).count();
    let best = SEPARATORS.into_iter().rev().max_by_key(|sign| count(*sign));
    best.unwrap_or(SEPARATORS[0])
}

/// Hands over every row that is not empty.
pub(super) fn rows(text: &str, each: Each<'_>) -> Result<(), &'static Name> {
    let separator = separator(text);
    let mut reader = Reader {
        core: ReaderBuilder::new().delimiter(separator).build(),
        separator: char::from(separator),
        rest: without_mark(text).as_bytes(),
        row: vec![0; ROW_BYTES],
        ends: vec![0; COLUMNS_MAX + 1],
    };
    let mut cells = Cells::default();
    while let Some(line) = reader.next(&mut cells) {
        if !cells.is_empty() && each(At { sheet: 0, line }, &cells).is_break() {
            break;
        }
    }
    Ok(())
}

/// Reads a file row by row. Of a row with more cells than a file may have no more are kept: each
/// takes memory of its own, empty ones too.
struct Reader<'a> {
    core: csv_core::Reader,
    separator: char,
    rest: &'a [u8],
    /// The cells kept of a row, one behind the other, and where each ends.
    row: Vec<u8>,
    ends: Vec<usize>,
}

impl Reader<'_> {
    /// Reads the next row that is not an empty line, and returns its line.
    fn next(&mut self, out: &mut Cells) -> Option<u64> {
        let line = self.line();
        let (mut filled, mut kept, mut count) = (0, 0, 0);
        let (mut passed_over, mut ends_passed_over) = ([0; 512], [0; 64]);
        loop {
            if filled == self.row.len() {
                self.row.resize(2 * filled, 0);
            }
            let is_kept = kept < self.ends.len();
            let (row, ends) = if is_kept {
                (&mut self.row[filled..], &mut self.ends[kept..])
            } else {
                (&mut passed_over[..], &mut ends_passed_over[..])
            };
            let (result, read, written, ended) = self.core.read_record(self.rest, row, ends);
            self.rest = &self.rest[read..];
            count += ended;
            if is_kept {
                filled += written;
                kept += ended;
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
            }
        }
        out.clear();
        let mut start = 0;
        for end in &self.ends[..kept] {
            let cell = std::str::from_utf8(&self.row[start..*end]);
            let cell = cell.expect("text cut at separators is text").trim();
            out.push(&unguarded_parts(cell, self.separator));
            start = *end;
        }
        out.count = count;
        Some(line)
    }

    /// Finds the next row's line: the count stands before the empty lines that are passed over.
    fn line(&self) -> u64 {
        let passed_over = self.rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let lines = passed_over.filter(|byte| **byte == b'\n').count();
        self.core.line() + u64::try_from(lines).unwrap_or(0)
    }
}
