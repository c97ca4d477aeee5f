//! A CSV file as rows by column name, and the faults that are named for people.

use std::collections::BTreeMap;

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

/// Finds a row's line. The reader's own count stops at the empty lines it skips before the row.
fn line_at(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let lines = skipped.filter(|byte| **byte == b'\n').count();
    position.line() + u64::try_from(lines).unwrap_or(0)
}

/// Longest header, bytes: every column there is, many times over.
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// Most rows of one file: the members of a province's households under review, and half as many.
const ROWS_MAX: usize = 200_000;

/// Reads a file whose header names at least these columns.
pub(super) fn read(text: &str, columns: &[&str]) -> Result<Rows, MissingColumns> {
    let text = text.trim_start_matches('\u{feff}');
    if text.bytes().take(HEADER_BYTES_MAX).all(|byte| byte != b'\n')
        && text.len() > HEADER_BYTES_MAX
    {
        return Err(MissingColumns(columns.iter().map(|column| (*column).to_owned()).collect()));
    }
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let missing: Vec<String> = columns
        .iter()
        .filter(|column| !headers.iter().any(|header| header == **column))
        .map(|column| (*column).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(MissingColumns(missing));
    }
    let mut rows = Rows { rows: Vec::new(), broken: Vec::new(), faults: Vec::new() };
    for record in reader.records() {
        if rows.rows.len() + rows.faults.len() >= ROWS_MAX {
            rows.faults.push(fault(
                line_at(text, record.as_ref().ok().and_then(csv::StringRecord::position)),
                "",
                "Quá nhiều dòng: từ đây chưa đọc. Chia tệp ra.",
                "Too many rows: from here on nothing was read. Split the file.",
            ));
            break;
        }
        let line = match &record {
            Ok(record) => line_at(text, record.position()),
            Err(error) => line_at(text, error.position()),
        };
        match record {
            Ok(record) => {
                let cells = headers.iter().zip(&record);
                let row = cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect();
                if record.len() == headers.len() {
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
            Err(_) => {
                rows.faults.push(fault(
                    line,
                    "",
                    "Dòng không đọc được (UTF-8?).",
                    "The row cannot be read (UTF-8?).",
                ));
            }
        }
    }
    Ok(rows)
}
