//! The file that goes back: the rows that cannot be used, as they came, with what to change.

use std::fs::File as Disk;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use shared::layout::Cell;
use shared::spreadsheet::{Column, header, places};

use super::faults::Said;
use super::file::{At, COLUMNS_MAX, Cells, File, Format};
use crate::table::{Book, Csv};

/// Headers of the two columns that are added. Whoever sends the file again may leave them.
pub(crate) const ADDED: [&str; 2] = ["Dòng trong tệp đã gửi", "Cần sửa"];

/// Most bytes of CSV that are written at one time.
const PART_BYTES: usize = 64 * 1024;

/// Where the rows go.
enum Out {
    Csv(Csv, Disk),
    Book(Box<Book>, Disk),
}

/// What is known of the sheet whose rows come.
struct Sheet {
    number: u32,
    /// Its place in the new workbook.
    place: usize,
    /// The columns that were not added by us.
    columns: Vec<usize>,
}

/// Writes the rows of a file that `said` has something about, in the format that came. `columns` are
/// the columns by which a row of headers is known.
pub(crate) fn write(
    file: &File<'_>,
    columns: &[&[Column]],
    said: &Said,
    folder: &Path,
    disk: Disk,
) -> io::Result<()> {
    let mut out = match file.format() {
        Format::Csv(separator) => Out::Csv(Csv::new(separator), disk),
        Format::Xlsx => Out::Book(Box::new(Book::new(folder).map_err(io::Error::other)?), disk),
    };
    let names = file.sheets().map_err(|name| io::Error::other(name.name))?;
    let (mut sheet, mut sheets, mut failed): (Option<Sheet>, usize, _) = (None, 0, None);
    let taken = file.rows(&mut |at, cells| {
        let open = sheet.take().filter(|sheet| sheet.number == at.sheet);
        let written = match open {
            Some(open) => {
                let written = match said.of(at) {
                    Some(text) => out.row(&open, at, cells, &text),
                    None => Ok(()),
                };
                sheet = Some(open);
                written
            }
            None => {
                let heads = cells.all();
                let is_header = cells.count <= COLUMNS_MAX
                    && columns.iter().any(|columns| places(&heads, columns).is_ok());
                if is_header {
                    let opened = opened(at, sheets, &heads);
                    let named = usize::try_from(at.sheet).ok().and_then(|n| n.checked_sub(1));
                    let name = named.and_then(|n| names.get(n)).map_or("", String::as_str);
                    sheets += 1;
                    let written = out.heads(name, &opened, &heads);
                    sheet = Some(opened);
                    written
                } else {
                    Ok(())
                }
            }
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    taken.map_err(|name| io::Error::other(name.name))?;
    out.finish()
}

fn opened(at: At, place: usize, heads: &[&str]) -> Sheet {
    let added = ADDED.map(header);
    let own = heads.iter().enumerate().filter(|(_, head)| !added.contains(&header(head)));
    Sheet { number: at.sheet, place, columns: own.map(|(place, _)| place).collect() }
}

impl Out {
    fn heads(&mut self, name: &str, sheet: &Sheet, heads: &[&str]) -> io::Result<()> {
        let own = sheet.columns.iter().filter_map(|place| heads.get(*place).copied());
        let all: Vec<&str> = own.chain(ADDED).collect();
        match self {
            Self::Csv(csv, _) => {
                csv.row(&all.iter().map(|head| Cell::from(*head)).collect::<Vec<_>>());
                Ok(())
            }
            Self::Book(book, _) => book.sheet(name, &all).map_err(io::Error::other),
        }
    }

    fn row(&mut self, sheet: &Sheet, at: At, cells: &Cells, text: &str) -> io::Result<()> {
        let own = sheet.columns.iter().map(|place| Cell::from(cells.get(*place)));
        let line = Cell::Number(i64::try_from(at.line).unwrap_or(i64::MAX));
        let row: Vec<Cell> = own.chain([line, Cell::from(text)]).collect();
        match self {
            Self::Csv(csv, disk) => {
                csv.row(&row);
                if csv.len() > PART_BYTES { disk.write_all(&csv.take()) } else { Ok(()) }
            }
            Self::Book(book, _) => book.row(sheet.place, &row).map_err(io::Error::other),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut csv, mut disk) => disk.write_all(&csv.take()),
            Self::Book(book, disk) => book.save(disk).map_err(io::Error::other),
        }
    }
}
