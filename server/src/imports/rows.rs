//! A CSV file as rows by column name, and the faults that are named for people.

use std::collections::BTreeMap;

use csv_core::ReadRecordResult;
use serde::Serialize;

/// One row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct RowFault {
    /// Line of the file, the header being 1.
    pub(crate) line: u64,
    /// Column, empty where the row as a whole is meant.
    pub(crate) column: String,
    /// What to change, in Vietnamese.
    pub(crate) vi: String,
    /// The same in English.
    pub(crate) en: String,
}

/// A file that cannot be read as rows at all: these columns are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MissingColumns(pub(crate) Vec<String>);

/// What could be read of a file, and the rows that could not.
pub(crate) type Sorted<T> = Result<(Vec<T>, Vec<RowFault>), MissingColumns>;

/// A file as rows by column name, with the lines that are not even rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<(u64, BTreeMap<String, String>)>,
    /// Cells of rows of the wrong length, for telling whose they are.
    pub(super) broken: Vec<BTreeMap<String, String>>,
    pub(super) faults: Vec<RowFault>,
}

/// Names what is wrong with one row.
pub(super) fn fault(line: u64, column: &str, vi: &str, en: &str) -> RowFault {
    RowFault { line, column: column.to_owned(), vi: vi.to_owned(), en: en.to_owned() }
}

/// Longest header, bytes: every column there is, many times over.
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// Most rows of one file: the members of a province's households under review, and half as many.
const ROWS_MAX: usize = 200_000;

/// Most columns of a file: far more than any has.
const COLUMNS_MAX: usize = 256;

/// Bytes set aside for the cells of a row, more where one has more.
const ROW_BYTES: usize = 4 * 1024;

/// Reads a file row by row. Of a row with more cells than asked for one more is kept and no other:
/// each takes memory of its own, empty ones too.
struct Reader<'a> {
    core: csv_core::Reader,
    rest: &'a [u8],
    /// The cells kept of a row, one behind the other, and where each ends.
    row: Vec<u8>,
    ends: Vec<usize>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let (row, ends) = (vec![0; ROW_BYTES], Vec::new());
        Self { core: csv_core::Reader::new(), rest: text.as_bytes(), row, ends }
    }

    /// Returns the next row that is not empty, with its line.
    fn next(&mut self, most: usize) -> Option<(u64, Vec<&str>)> {
        let line = self.line();
        self.ends.resize(most + 1, 0);
        let (mut filled, mut cells) = (0, 0);
        let (mut passed_over, mut ends_passed_over) = ([0; 512], [0; 64]);
        loop {
            if filled == self.row.len() {
                self.row.resize(2 * filled, 0);
            }
            let is_kept = cells <= most;
            let (row, ends) = if is_kept {
                (&mut self.row[filled..], &mut self.ends[cells..])
            } else {
                (&mut passed_over[..], &mut ends_passed_over[..])
            };
            let (result, read, written, ended) = self.core.read_record(self.rest, row, ends);
            self.rest = &self.rest[read..];
            if is_kept {
                filled += written;
                cells += ended;
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return None,
                ReadRecordResult::InputEmpty
                | ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull => {}
            }
        }
        let mut start = 0;
        let cut = |end: &usize| {
            let cell = &self.row[start..*end];
            start = *end;
            std::str::from_utf8(cell).expect("text cut at commas is text").trim()
        };
        Some((line, self.ends[..cells].iter().map(cut).collect()))
    }

    /// Finds the next row's line: the count stands before the empty lines that are passed over.
    fn line(&self) -> u64 {
        let passed_over = self.rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let lines = passed_over.filter(|byte| **byte == b'\n').count();
        self.core.line() + u64::try_from(lines).unwrap_or(0)
    }
}

/// Reads a file whose header names at least these columns.
pub(super) fn read(text: &str, columns: &[&str]) -> Result<Rows, MissingColumns> {
    let text = text.trim_start_matches('\u{feff}');
    let no_header = || MissingColumns(columns.iter().map(|&column| column.to_owned()).collect());
    if text.bytes().take(HEADER_BYTES_MAX).all(|byte| byte != b'\n')
        && text.len() > HEADER_BYTES_MAX
    {
        return Err(no_header());
    }
    let mut reader = Reader::new(text);
    let (_, headers) = reader.next(COLUMNS_MAX).ok_or_else(no_header)?;
    let headers: Vec<String> = headers.into_iter().map(ToOwned::to_owned).collect();
    if headers.len() > COLUMNS_MAX {
        return Err(no_header());
    }
    let is_missing = |column: &&str| !headers.iter().any(|header| header == column);
    let missing = columns.iter().copied().filter(is_missing).map(ToOwned::to_owned);
    let missing: Vec<String> = missing.collect();
    if !missing.is_empty() {
        return Err(MissingColumns(missing));
    }
    let mut rows = Rows { rows: Vec::new(), broken: Vec::new(), faults: Vec::new() };
    while let Some((line, cells)) = reader.next(headers.len()) {
        if rows.rows.len() + rows.faults.len() >= ROWS_MAX {
            rows.faults.push(fault(
                line,
                "",
                "Quá nhiều dòng: từ đây chưa đọc. Chia tệp ra.",
                "Too many rows: from here on nothing was read. Split the file.",
            ));
            break;
        }
        // Columns that nobody asked for are passed over.
        let named = headers.iter().zip(&cells).filter(|(name, _)| columns.contains(&name.as_str()));
        let row = named.map(|(name, &cell)| (name.clone(), cell.to_owned())).collect();
        if cells.len() == headers.len() {
            rows.rows.push((line, row));
            continue;
        }
        rows.broken.push(row);
        rows.faults.push(fault(
            line,
            "",
            "Số cột không khớp.",
            "The number of cells is not that of the columns.",
        ));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn columns_that_nobody_asked_for_are_passed_over() {
        let rows = read("a,x,b\n1,2,3\n", &["a", "b"]).unwrap().rows;
        let names: Vec<&str> = rows[0].1.keys().map(String::as_str).collect();
        assert_eq!((names, &*rows[0].1["b"]), (vec!["a", "b"], "3"));
    }

    fn lines(rows: &Rows) -> Vec<(u64, &str, &str)> {
        rows.rows.iter().map(|(line, row)| (*line, &*row["a"], &*row["b"])).collect()
    }

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        let long = "ô ".repeat(ROW_BYTES);
        let text = format!(
            "\u{feff} a ,b\r\n1, x \r\n\r\n\"2,\n\",\"nói \"\"thế\"\"\"\r\n\"{long}\",\n,y"
        );
        let rows = read(&text, &["a", "b"]).unwrap();
        let found = [(2, "1", "x"), (4, "2,", "nói \"thế\""), (6, long.trim(), ""), (7, "", "y")];
        assert_eq!(lines(&rows), found);
        assert!(rows.faults.is_empty() && rows.broken.is_empty());
    }

    #[test]
    fn a_row_of_too_many_cells_is_named_and_its_neighbours_are_read() {
        let wide = format!("2,y{}", ",z".repeat(10_000));
        let text = format!("a,b\n1,x\n{wide}\n3\n4,\"{wide}\"\n");
        let rows = read(&text, &["a", "b"]).unwrap();
        assert_eq!(lines(&rows), [(2, "1", "x"), (5, "4", &wide)]);
        let faults: Vec<u64> = rows.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(faults, [3, 4]);
        assert_eq!(rows.broken[0]["a"], "2", "whose row it is can be told");
        assert_eq!(rows.broken[0].len(), 2);
    }

    #[test]
    fn a_header_of_too_many_cells_is_none() {
        let text = format!("\"\n\",a,b{}\n", ",z".repeat(10_000));
        assert_eq!(read(&text, &["a"]).unwrap_err(), MissingColumns(vec!["a".to_owned()]));
        assert!(read("", &["a"]).is_err() && read("\n\n", &["a"]).is_err());
    }
}
