//! A file that somebody sends, CSV or XLSX, as rows of text cells handed over one by one.
//!
//! What a file may cost is bounded whatever it claims: rows, columns, and what its parts inflate to.

use std::borrow::Cow;

use mobile_schema::problem::{self, Problem as Name};
use serde::Serialize;
use shared::limits::TEXT_CHARS_MAX;
use shared::text::composed;

use super::csv;
use super::xlsx;

/// Most rows of one file: the members of a province's households under review, and half as many.
pub(crate) const ROWS_MAX: usize = 200_000;

/// Most columns of a file: far more than any has.
pub(crate) const COLUMNS_MAX: usize = 256;

/// Where a row stands: sheet from 1, 0 in a CSV file, and line from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct At {
    pub(crate) sheet: u32,
    pub(crate) line: u64,
}

/// The ways a table travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text with this sign between cells.
    Csv(u8),
    /// Office Open XML.
    Xlsx,
}

impl Format {
    /// Returns the ending of a file's name.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Csv(_) => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// Returns what HTTP calls it.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv(_) => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Composes the letters of a cell and takes the space around it off. Of a text that is too long the
/// beginning alone is kept, one sign longer than a text may be: it is refused for that all the same.
pub(super) fn kept(cell: &str) -> Cow<'_, str> {
    let cell = cell.trim();
    let text = if cell.is_ascii() { Cow::Borrowed(cell) } else { Cow::Owned(composed(cell)) };
    let end = text.char_indices().nth(TEXT_CHARS_MAX).map(|(end, _)| end);
    match end {
        Some(end) => Cow::Owned(format!("{}…", &text[..end])),
        None => text,
    }
}

/// A row of a file: its cells in one text.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cells {
    text: String,
    ends: Vec<usize>,
    /// Cells the row has, some of them perhaps not kept.
    pub(crate) count: usize,
    /// Bytes of all cells ever added, those forgotten too.
    pub(super) bytes: usize,
}

impl Cells {
    /// Forgets the row.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.count = 0;
    }

    /// Adds a cell, its letters composed and without space around it. Beyond what a file may have
    /// it is only counted.
    pub(crate) fn push(&mut self, cell: &str) {
        if self.ends.len() > COLUMNS_MAX {
            self.count += 1;
        } else {
            self.push_kept(&kept(cell));
        }
    }

    /// Adds a cell that [`kept`] wrote.
    pub(super) fn push_kept(&mut self, cell: &str) {
        self.count += 1;
        if self.ends.len() > COLUMNS_MAX {
            return;
        }
        self.text.push_str(cell);
        self.bytes = self.bytes.saturating_add(cell.len());
        self.ends.push(self.text.len());
    }

    /// Adds empty cells up to a place.
    pub(crate) fn fill(&mut self, place: usize) {
        while self.count < place && self.ends.len() <= COLUMNS_MAX {
            self.push("");
        }
        self.count = self.count.max(place);
    }

    /// Returns a cell, empty where there is none.
    pub(crate) fn get(&self, place: usize) -> &str {
        let start = if place == 0 { 0 } else { self.ends.get(place - 1).copied().unwrap_or(0) };
        self.ends.get(place).map_or("", |end| &self.text[start..*end])
    }

    /// Returns the cells that were kept.
    pub(crate) fn all(&self) -> Vec<&str> {
        (0..self.ends.len()).map(|place| self.get(place)).collect()
    }

    /// Tells whether every cell is empty, of no more than a file may have.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.count <= COLUMNS_MAX
    }
}

/// Whoever takes the rows says whether to go on.
pub(crate) type Go = std::ops::ControlFlow<()>;

/// Takes each row that is not empty.
pub(crate) type Each<'a> = &'a mut dyn FnMut(At, &Cells) -> Go;

/// A file in memory, known to be one of ours by its first bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    bytes: &'a [u8],
    is_xlsx: bool,
}

impl<'a> File<'a> {
    /// Looks what a file is.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, &'static Name> {
        let starts = |with: &[u8]| bytes.starts_with(with);
        if starts(b"PK\x03\x04") {
            return Ok(Self { bytes, is_xlsx: true });
        }
        // The old XLS, and a workbook under a password, are both OLE.
        if starts(&[0xd0, 0xcf, 0x11, 0xe0]) || starts(b"%PDF") || starts(b"PK") {
            return Err(&problem::FILE_KIND);
        }
        if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) {
            return Err(&problem::FILE_ENCODING);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains('\0') => Err(&problem::BODY_MALFORMED),
            Ok(_) => Ok(Self { bytes, is_xlsx: false }),
            Err(_) => Err(&problem::FILE_ENCODING),
        }
    }

    /// Hands over every row that is not empty, sheet by sheet.
    pub(crate) fn rows(&self, each: Each<'_>) -> Result<(), &'static Name> {
        if self.is_xlsx { xlsx::rows(self.bytes, each) } else { csv::rows(self.text(), each) }
    }

    /// Returns the names of the sheets, none of a CSV file.
    pub(crate) fn sheets(&self) -> Result<Vec<String>, &'static Name> {
        if self.is_xlsx { xlsx::sheet_names(self.bytes) } else { Ok(Vec::new()) }
    }

    /// Returns the way it came.
    pub(crate) fn format(&self) -> Format {
        if self.is_xlsx { Format::Xlsx } else { Format::Csv(csv::separator(self.text())) }
    }

    fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }
}
