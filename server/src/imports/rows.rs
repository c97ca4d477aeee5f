//! A file as rows by column name, and the faults that are named for people.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Index};

use mobile_schema::problem::{self, Problem as Name};
use serde::Serialize;
use shared::limits::TEXT_CHARS_MAX;
use shared::spreadsheet::{Column, Need, Places, places};

use super::file::{At, COLUMNS_MAX, Cells, File, ROWS_MAX};

/// Rows at the top of a sheet among which its headers are looked for: titles may stand above them.
const HEADER_ROWS: usize = 10;

/// Most bytes of text that the rows of a file keep, whatever it inflates from: 200.000 rows of 670.
const KEPT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What cells say whose formula failed.
const FAILED: [&str; 7] = ["#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"];

/// A text that mostly is one of ours.
type Text = Cow<'static, str>;

/// One row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct RowFault {
    /// Sheet of the file from 1; 0 in a CSV file.
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) sheet: u32,
    /// Line of the file, the first being 1.
    pub(crate) line: u64,
    /// Column, empty where the row as a whole is meant.
    #[schema(value_type = String)]
    pub(crate) column: Text,
    /// What to change, in Vietnamese.
    #[schema(value_type = String)]
    pub(crate) vi: Text,
    /// The same in English.
    #[schema(value_type = String)]
    pub(crate) en: Text,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(sheet: &u32) -> bool {
    *sheet == 0
}

impl RowFault {
    /// Returns where the row stands.
    pub(crate) fn at(&self) -> At {
        At { sheet: self.sheet, line: self.line }
    }
}

/// Names what is wrong with one row.
pub(super) fn fault(
    at: At,
    column: impl Into<Text>,
    vi: impl Into<Text>,
    en: impl Into<Text>,
) -> RowFault {
    let At { sheet, line } = at;
    RowFault { sheet, line, column: column.into(), vi: vi.into(), en: en.into() }
}

/// Why a file cannot be read as rows at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// These columns are missing, or there twice.
    Columns(Vec<String>),
    /// It is no file of ours.
    File(&'static Name),
}

/// What could be read of a file, and the rows that could not.
#[derive(Debug)]
pub(crate) struct Sorted<T> {
    pub(crate) good: Vec<T>,
    /// Every fault, in order of the lines.
    pub(crate) faults: Vec<RowFault>,
    /// Rows without a fault of their own that are not used, because others of theirs have one.
    pub(crate) aside: Vec<At>,
    /// Rows that are not asked for, such as those of households that have left the list.
    pub(crate) left_out: usize,
}

impl<T> Sorted<T> {
    /// Makes it of rows that stand each for itself.
    pub(super) fn each(good: Vec<T>, mut faults: Vec<RowFault>) -> Self {
        faults.sort_by_key(RowFault::at);
        Self { good, faults, aside: Vec::new(), left_out: 0 }
    }
}

/// One row: a cell for each column asked for, empty where the file does not have it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) at: At,
    columns: &'static [Column],
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Index<&str> for Row {
    type Output = str;

    fn index(&self, key: &str) -> &str {
        let Some(place) = self.columns.iter().position(|column| column.key == key) else {
            return "";
        };
        let bound = |place: usize| usize::try_from(self.ends[place]).unwrap_or(usize::MAX);
        let start = if place == 0 { 0 } else { bound(place - 1) };
        &self.text[start..bound(place)]
    }
}

impl Row {
    fn of(at: At, columns: &'static [Column], places: &Places, cells: &Cells) -> Self {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for place in places {
            text.push_str(place.map_or("", |place| cells.get(place)));
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { at, columns, text: text.into_boxed_str(), ends: ends.into_boxed_slice() }
    }

    /// Lists the cells by column.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.columns.iter().map(|column| (column.key, &self[column.key]))
    }

    /// Returns about how many bytes it says.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// A file as rows by column name, with the lines that are not even rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    /// Rows of the wrong length or with cells that are no answer, for telling whose they are.
    pub(super) broken: Vec<Row>,
    pub(super) faults: Vec<RowFault>,
}

/// A sheet whose headers have been found.
struct Sheet {
    number: u32,
    headers: usize,
    places: Places,
}

/// Reads a file whose sheets have these columns. A sheet that has none of them is passed over.
pub(super) fn read(file: &File<'_>, columns: &'static [Column]) -> Result<Rows, Unreadable> {
    read_within(file, columns, KEPT_BYTES_MAX)
}

fn read_within(
    file: &File<'_>,
    columns: &'static [Column],
    bytes_max: usize,
) -> Result<Rows, Unreadable> {
    let mut reader = Reader::new(columns, bytes_max);
    file.rows(&mut |at, cells| reader.take(at, cells)).map_err(Unreadable::File)?;
    reader.finish()
}

/// Takes the rows of a file one by one.
pub(super) struct Reader {
    columns: &'static [Column],
    sheet: Option<Sheet>,
    /// Sheet in which headers are looked for, and how many rows have been looked at.
    looked: (u32, usize),
    /// Of a sheet that has some of the columns and not all: what it lacks least.
    missing: BTreeMap<u32, Vec<String>>,
    found: usize,
    rows: Rows,
    /// Bytes of text that may still be kept; `None` where a row was too much.
    left: Option<usize>,
}

impl Reader {
    fn new(columns: &'static [Column], bytes_max: usize) -> Self {
        let rows = Rows { rows: Vec::new(), broken: Vec::new(), faults: Vec::new() };
        let (missing, left) = (BTreeMap::new(), Some(bytes_max));
        Self { columns, sheet: None, looked: (0, 0), missing, found: 0, rows, left }
    }

    fn take(&mut self, at: At, cells: &Cells) -> ControlFlow<()> {
        match self.sheet.take().filter(|sheet| sheet.number == at.sheet) {
            Some(sheet) => {
                let go = self.row(at, cells, &sheet);
                self.sheet = Some(sheet);
                go
            }
            None => {
                self.look(at, cells);
                ControlFlow::Continue(())
            }
        }
    }

    /// Looks for the headers of a sheet.
    fn look(&mut self, at: At, cells: &Cells) {
        if self.looked.0 != at.sheet {
            self.looked = (at.sheet, 0);
        }
        self.looked.1 += 1;
        if self.looked.1 > HEADER_ROWS || cells.count > COLUMNS_MAX {
            return;
        }
        match places(&cells.all(), self.columns) {
            Ok(places) => {
                self.missing.remove(&at.sheet);
                self.found += 1;
                self.sheet = Some(Sheet { number: at.sheet, headers: cells.count, places });
            }
            Err(wrong) => {
                let known = self.missing.get(&at.sheet).map_or(usize::MAX, Vec::len);
                if wrong.len() < known.min(needed(self.columns).len()) {
                    self.missing.insert(at.sheet, wrong);
                }
            }
        }
    }

    fn row(&mut self, at: At, cells: &Cells, sheet: &Sheet) -> ControlFlow<()> {
        let rows = &mut self.rows;
        if rows.rows.len() + rows.broken.len() >= ROWS_MAX {
            rows.faults.push(fault(
                at,
                "",
                "Quá nhiều dòng: từ đây chưa đọc. Chia tệp ra.",
                "Too many rows: from here on nothing was read. Split the file.",
            ));
            return ControlFlow::Break(());
        }
        let row = Row::of(at, self.columns, &sheet.places, cells);
        self.left = self.left.and_then(|left| left.checked_sub(row.bytes()));
        if self.left.is_none() {
            return ControlFlow::Break(());
        }
        // A workbook leaves empty cells out; a line of text must have them all.
        let is_whole =
            if at.sheet == 0 { cells.count == sheet.headers } else { cells.count <= COLUMNS_MAX };
        let before = rows.faults.len();
        if !is_whole {
            rows.faults.push(fault(
                at,
                "",
                "Số cột không khớp.",
                "The number of cells is not that of the columns.",
            ));
        }
        for (column, cell) in row.cells() {
            if cell.chars().nth(TEXT_CHARS_MAX).is_some() {
                rows.faults.push(fault(at, column, "Nội dung quá dài.", "The text is too long."));
            }
            if FAILED.contains(&cell) {
                rows.faults.push(fault(
                    at,
                    column,
                    "Công thức trong ô bị lỗi: ghi giá trị vào ô.",
                    "The formula in the cell has failed: write the value itself.",
                ));
            }
        }
        let is_good = rows.faults.len() == before;
        if is_good {
            rows.rows.push(row);
        } else {
            rows.broken.push(row);
        }
        ControlFlow::Continue(())
    }

    fn finish(self) -> Result<Rows, Unreadable> {
        if self.left.is_none() {
            return Err(Unreadable::File(&problem::FILE_INFLATES));
        }
        match (self.found, self.missing.into_values().next()) {
            (_, Some(missing)) => Err(Unreadable::Columns(missing)),
            (0, None) => Err(Unreadable::Columns(needed(self.columns))),
            (_, None) => Ok(self.rows),
        }
    }
}

/// Lists the columns that a file needs.
fn needed(columns: &[Column]) -> Vec<String> {
    let needed = columns.iter().filter(|column| column.need != Need::Never);
    needed.map(|column| column.key.to_owned()).collect()
}

/// Says in one line what is wrong with each row, for the file that goes back.
pub(crate) fn by_row<T>(sorted: &Sorted<T>) -> BTreeMap<At, String> {
    let mut said: BTreeMap<At, String> = BTreeMap::new();
    for fault in &sorted.faults {
        let line = said.entry(fault.at()).or_default();
        if !line.is_empty() {
            line.push_str(" · ");
        }
        let (column, vi, en) = (&fault.column, &fault.vi, &fault.en);
        let column = if column.is_empty() { String::new() } else { format!("{column}: ") };
        line.push_str(&format!("{column}{vi} ({en})"));
    }
    for at in &sorted.aside {
        said.entry(*at).or_insert_with(|| {
            "Hộ này có dòng sai: gửi lại cả hộ. (Another row of this household is wrong.)"
                .to_owned()
        });
    }
    said
}

impl From<Unreadable> for crate::problem::Problem {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Columns(wrong) => Self::new(&problem::IMPORT_COLUMNS).with_items(&wrong),
            Unreadable::File(name) => Self::new(name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const fn column(key: &'static str) -> Column {
        Column { key, titles: &[], need: Need::Always, vi: "", en: "", example: "" }
    }

    static AB: [Column; 2] = [column("a"), column("b")];

    fn of(text: &str) -> Result<Rows, Unreadable> {
        read(&File::open(text.as_bytes()).unwrap(), &AB)
    }

    fn lines(rows: &Rows) -> Vec<(u64, &str, &str)> {
        rows.rows.iter().map(|row| (row.at.line, &row["a"], &row["b"])).collect()
    }

    #[test]
    fn columns_that_nobody_asked_for_are_passed_over() {
        let rows = of("a,x,b\n1,2,3\n").unwrap();
        assert_eq!(lines(&rows), [(2, "1", "3")]);
    }

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        let long = "ô ".repeat(1_900);
        let text = format!(
            "\u{feff} a ,b\r\n1, x \r\n\r\n\"2,\n\",\"nói \"\"thế\"\"\"\r\n,\r\n\"{long}\",\n,y"
        );
        let rows = of(&text).unwrap();
        let found = [(2, "1", "x"), (4, "2,", "nói \"thế\""), (7, long.trim(), ""), (8, "", "y")];
        assert_eq!(lines(&rows), found);
        assert!(rows.faults.is_empty() && rows.broken.is_empty());
    }

    #[test]
    fn semicolons_titles_above_and_letters_put_together_are_read() {
        let rows = of("Danh sách;;\n;;\nb;a;x\nHo\u{302}\u{300};1;\n").unwrap();
        assert_eq!(lines(&rows), [(4, "1", "Hồ")]);
    }

    #[test]
    fn a_row_of_too_many_cells_is_named_and_its_neighbours_are_read() {
        let wide = format!("2,y{}", ",z".repeat(1_000));
        let text = format!("a,b\n1,x\n{wide}\n3\n4,\"{wide}\"\n5,#REF!\n");
        let rows = of(&text).unwrap();
        assert_eq!(lines(&rows), [(2, "1", "x"), (5, "4", &wide)]);
        let faults: Vec<u64> = rows.faults.iter().map(|fault| fault.line).collect();
        assert_eq!(faults, [3, 4, 6]);
        assert_eq!(&rows.broken[0]["a"], "2", "whose row it is can be told");
    }

    #[test]
    fn of_a_text_that_is_too_long_no_more_is_kept_than_tells_so() {
        for sign in ["x", "ồ"] {
            let fits = sign.repeat(TEXT_CHARS_MAX);
            let rows = of(&format!("a,b\n1,{fits}\n2,{}\n", sign.repeat(50_000))).unwrap();
            assert_eq!(lines(&rows), [(2, "1", &*fits)]);
            assert_eq!((rows.faults.len(), &*rows.faults[0].column), (1, "b"));
            assert_eq!(&rows.broken[0]["b"], format!("{fits}…"));
        }
    }

    #[test]
    fn a_file_whose_rows_say_more_than_may_be_kept_is_refused() {
        let text = format!("a,b\n{}", "1,2345\n".repeat(10));
        let file = File::open(text.as_bytes()).unwrap();
        assert_eq!(read_within(&file, &AB, 50).unwrap().rows.len(), 10);
        let refused = read_within(&file, &AB, 49).unwrap_err();
        assert_eq!(refused, Unreadable::File(&problem::FILE_INFLATES));
    }

    #[test]
    fn a_header_of_too_many_cells_is_none() {
        let text = format!("\"\n\",a,b{}\n", ",z".repeat(10_000));
        let missing = |text: &str| match of(text) {
            Err(Unreadable::Columns(missing)) => missing,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(&text), ["a", "b"]);
        assert_eq!((missing(""), missing("\n\n")), (missing(&text), missing(&text)));
        assert_eq!(missing("x,a\n"), ["b"]);
    }

    #[test]
    fn files_that_are_none_say_what_they_are() {
        let name = |bytes: &[u8]| File::open(bytes).map(drop).unwrap_err().name;
        assert_eq!(name(b"\xff\xfea\0,\0b\0"), "file-encoding");
        assert_eq!(name(b"a,b\nH\xf4,\xd0\n"), "file-encoding", "Windows-1258");
        assert_eq!(name(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "file-kind");
        let zip = File::open(b"PK\x03\x04 and nothing more").unwrap();
        assert_eq!(read(&zip, &AB).unwrap_err(), Unreadable::File(&problem::FILE_DAMAGED));
    }
}
