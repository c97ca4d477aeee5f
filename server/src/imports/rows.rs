//! A file as rows by column name.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Index};

use mobile_schema::problem::{self, Problem as Name};
use shared::limits::TEXT_CHARS_MAX;
use shared::spreadsheet::{Column, Need, Places, places};

use super::faults::{Faults, fault};
use super::file::{At, COLUMNS_MAX, Cells, File, ROWS_MAX};

/// Rows at the top of a sheet among which its headers are looked for: titles may stand above them.
const HEADER_ROWS: usize = 10;

/// Most bytes of text that the rows of a file say, whatever it inflates from: 200.000 rows of 670.
const KEPT_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What cells say whose formula failed.
const FAILED: [&str; 7] = ["#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!"];

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
pub(crate) struct Sorted<G> {
    /// The good rows, or what is made of them.
    pub(crate) good: G,
    /// Every fault, in order of the lines.
    pub(crate) faults: Faults,
    /// Rows without a fault of their own that are not used, because others of theirs have one.
    pub(crate) aside: Vec<At>,
    /// Rows that are not asked for, such as those of households that have left the list.
    pub(crate) left_out: usize,
}

impl<G> Sorted<G> {
    /// Makes it of rows that stand each for itself.
    pub(super) fn each(good: G, mut faults: Faults) -> Self {
        faults.sort();
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

/// A file as rows by column name, and the lines that are not even rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) faults: Faults,
}

/// Reads a file whose sheets have these columns. A sheet that has none of them is passed over.
pub(super) fn read(file: &File<'_>, columns: &'static [Column]) -> Result<Rows, Unreadable> {
    let mut rows = Vec::new();
    let faults = each(file, columns, &mut |row, is_whole, _| {
        rows.extend(is_whole.then_some(row));
        ControlFlow::Continue(())
    })?;
    Ok(Rows { rows, faults })
}

/// Takes a row, told whether it is one: it is none where it has the wrong length or cells that are
/// no answer, and then tells only whose it is. What is wrong with it is added to the faults.
pub(super) type Take<'a> = &'a mut dyn FnMut(Row, bool, &mut Faults) -> ControlFlow<()>;

/// Hands over the rows of a file one by one and keeps none. A sheet that has none of the columns is
/// passed over. Returns what is wrong, in no order.
pub(super) fn each(
    file: &File<'_>,
    columns: &'static [Column],
    take: Take<'_>,
) -> Result<Faults, Unreadable> {
    each_within(file, columns, KEPT_BYTES_MAX, take)
}

fn each_within(
    file: &File<'_>,
    columns: &'static [Column],
    bytes_max: usize,
    take: Take<'_>,
) -> Result<Faults, Unreadable> {
    let mut reader = Reader::new(columns, bytes_max, take);
    file.rows(&mut |at, cells| reader.take(at, cells)).map_err(Unreadable::File)?;
    reader.finish()
}

/// A sheet whose headers have been found.
struct Sheet {
    number: u32,
    headers: usize,
    places: Places,
}

/// Takes the rows of a file one by one.
struct Reader<'a> {
    columns: &'static [Column],
    sheet: Option<Sheet>,
    /// Sheet in which headers are looked for, and how many rows have been looked at.
    looked: (u32, usize),
    /// Of a sheet that has some of the columns and not all: what it lacks least.
    missing: BTreeMap<u32, Vec<String>>,
    found: usize,
    rows: usize,
    faults: Faults,
    /// Bytes of text that rows may still say; `None` where one was too much.
    left: Option<usize>,
    to: Take<'a>,
}

impl<'a> Reader<'a> {
    fn new(columns: &'static [Column], bytes_max: usize, to: Take<'a>) -> Self {
        let (missing, faults, left) = (BTreeMap::new(), Faults::default(), Some(bytes_max));
        let (sheet, looked, found, rows) = (None, (0, 0), 0, 0);
        Self { columns, sheet, looked, missing, found, rows, faults, left, to }
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
        let faults = &mut self.faults;
        if self.rows >= ROWS_MAX {
            faults.push(fault(
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
        self.rows += 1;
        let before = faults.len();
        if !is_whole {
            faults.push(fault(
                at,
                "",
                "Số cột không khớp.",
                "The number of cells is not that of the columns.",
            ));
        }
        for (column, cell) in row.cells() {
            if cell.chars().nth(TEXT_CHARS_MAX).is_some() {
                faults.push(fault(at, column, "Nội dung quá dài.", "The text is too long."));
            }
            if FAILED.contains(&cell) {
                faults.push(fault(
                    at,
                    column,
                    "Công thức trong ô bị lỗi: ghi giá trị vào ô.",
                    "The formula in the cell has failed: write the value itself.",
                ));
            }
        }
        let is_row = faults.len() == before;
        (self.to)(row, is_row, faults)
    }

    fn finish(self) -> Result<Faults, Unreadable> {
        if self.left.is_none() {
            return Err(Unreadable::File(&problem::FILE_INFLATES));
        }
        match (self.found, self.missing.into_values().next()) {
            (_, Some(missing)) => Err(Unreadable::Columns(missing)),
            (0, None) => Err(Unreadable::Columns(needed(self.columns))),
            (_, None) => Ok(self.faults),
        }
    }
}

/// Lists the columns that a file needs.
fn needed(columns: &[Column]) -> Vec<String> {
    let needed = columns.iter().filter(|column| column.need != Need::Never);
    needed.map(|column| column.key.to_owned()).collect()
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

    /// Lists the rows that are none.
    fn broken(text: &str) -> Vec<Row> {
        let mut broken = Vec::new();
        each(&File::open(text.as_bytes()).unwrap(), &AB, &mut |row, is_row, _| {
            broken.extend((!is_row).then_some(row));
            ControlFlow::Continue(())
        })
        .unwrap();
        broken
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
        assert!(rows.faults.len() == 0 && broken(&text).is_empty());
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
        assert_eq!(&broken(&text)[0]["a"], "2", "whose row it is can be told");
    }

    #[test]
    fn of_a_text_that_is_too_long_no_more_is_kept_than_tells_so() {
        for sign in ["x", "ồ"] {
            let fits = sign.repeat(TEXT_CHARS_MAX);
            let text = format!("a,b\n1,{fits}\n2,{}\n", sign.repeat(50_000));
            let rows = of(&text).unwrap();
            assert_eq!(lines(&rows), [(2, "1", &*fits)]);
            let columns: Vec<_> = rows.faults.iter().map(|fault| fault.column).collect();
            assert_eq!(columns, ["b"]);
            assert_eq!(&broken(&text)[0]["b"], format!("{fits}…"));
        }
    }

    #[test]
    fn a_file_whose_rows_say_more_than_may_be_kept_is_refused() {
        let text = format!("a,b\n{}", "1,2345\n".repeat(10));
        let file = File::open(text.as_bytes()).unwrap();
        let mut rows = 0;
        let mut count = |_, _, _: &mut Faults| {
            rows += 1;
            ControlFlow::Continue(())
        };
        assert_eq!(each_within(&file, &AB, 50, &mut count).unwrap().len(), 0);
        let refused = each_within(&file, &AB, 49, &mut count).unwrap_err();
        assert_eq!((refused, rows), (Unreadable::File(&problem::FILE_INFLATES), 19));
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
