//! XLSX read cell by cell under hard bounds, whatever a file claims about itself.
//!
//! Only what rows of text need is read: sheets, shared and inline strings, and which numbers are
//! dates. A part is inflated as it is read and refused at the byte that passes its bound, so is a
//! single tag or text that is far longer than any cell; nothing is set aside because a file says so.

mod cell;

use std::io::{BufReader, Cursor, Error, ErrorKind, Read};

use mobile_schema::problem::{self, Problem as Name};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use zip::ZipArchive;

use self::cell::{Styles, column_of, plain, unescaped};
use super::file::{At, Cells, Each, kept};

/// Largest workbook as sent, bytes: a province's opening list has about 10 MB.
const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most parts of a workbook; a usual one has about twelve.
const PARTS_MAX: usize = 1_000;

/// Most bytes that a part beside sheets and strings inflates to.
const PART_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Most bytes that the shared strings inflate to: 200.000 people with all that is said of them.
const STRINGS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most shared strings: ten different ones in each of the rows there may be.
const STRINGS_MAX: usize = 2_000_000;

/// Most bytes that all sheets inflate to: 200.000 rows of 1.300 bytes.
const SHEETS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Most bytes of text that the cells of a sheet say: a string shared by many counts in each of them.
const CELLS_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Longest single tag or text, bytes: a cell holds 32.767 characters at most.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Most sheets that are read.
const SHEETS_MAX: usize = 64;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Part<'z, 'a> = quick_xml::Reader<BufReader<Bounded<zip::read::ZipFile<'z, Cursor<&'a [u8]>>>>>;

/// A part that ends with an error at its bound.
struct Bounded<R> {
    part: R,
    left: u64,
    /// Bytes since the last tag began.
    event: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.part.read(bytes)?;
        let count = u64::try_from(read).map_err(Error::other)?;
        let left = self.left.checked_sub(count);
        self.event = match bytes[..read].iter().rposition(|byte| *byte == b'<') {
            Some(at) => read - at,
            None => self.event + read,
        };
        match left.filter(|_| self.event <= EVENT_BYTES_MAX) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => Err(Error::from(ErrorKind::FileTooLarge)),
        }
    }
}

/// Says what an unreadable part is: too large, or no part of a workbook.
fn refuse(error: quick_xml::Error) -> &'static Name {
    match &error {
        quick_xml::Error::Io(io) if io.kind() == ErrorKind::FileTooLarge => &problem::FILE_INFLATES,
        _ => &problem::FILE_DAMAGED,
    }
}

/// Opens the archive: not one whose list of parts would fill the memory.
fn archive(bytes: &[u8]) -> Result<Archive<'_>, &'static Name> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(&problem::FILE_INFLATES);
    }
    let tail = bytes.len().saturating_sub(66_000);
    let end = bytes[tail..].windows(4).rposition(|four| four == b"PK\x05\x06");
    let end = tail + end.ok_or(&problem::FILE_DAMAGED)?;
    let count = bytes.get(end + 10..end + 12).ok_or(&problem::FILE_DAMAGED)?;
    let is_long = end >= 20 && bytes[end - 20..].starts_with(b"PK\x06\x07");
    if is_long || usize::from(u16::from_le_bytes([count[0], count[1]])) > PARTS_MAX {
        return Err(&problem::FILE_INFLATES);
    }
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| &problem::FILE_DAMAGED)?;
    if archive.len() > PARTS_MAX { Err(&problem::FILE_INFLATES) } else { Ok(archive) }
}

/// Opens a part, if there is one of that name.
fn part<'z, 'a>(archive: &'z mut Archive<'a>, name: &str, bytes_max: u64) -> Option<Part<'z, 'a>> {
    let part = archive.by_name(name).ok()?;
    let bounded = Bounded { part, left: bytes_max, event: 0 };
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(bounded));
    reader.config_mut().expand_empty_elements = true;
    Some(reader)
}

/// Reads an attribute by its name without prefix.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, &'static Name> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|_| &problem::FILE_DAMAGED)?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            return Ok(Some(value.map_err(|_| &problem::FILE_DAMAGED)?.into_owned()));
        }
    }
    Ok(None)
}

/// Adds what a reference such as `&amp;` stands for. Others than XML's own stand for nothing.
fn push_reference(text: &mut String, reference: &BytesRef<'_>) -> Result<(), &'static Name> {
    if let Some(known) = quick_xml::escape::resolve_xml_entity(reference) {
        text.push_str(known);
        return Ok(());
    }
    let sign = reference.resolve_char_ref().map_err(|_| &problem::FILE_DAMAGED)?;
    text.push(sign.filter(|sign| *sign != '\0').ok_or(&problem::FILE_DAMAGED)?);
    Ok(())
}

/// What a workbook consists of.
#[derive(Debug, Default)]
struct Book {
    /// Name and path of each sheet, in their order.
    sheets: Vec<(String, String)>,
    strings: Option<String>,
    styles: Option<String>,
    from_1904: bool,
}

/// Hands each opening tag of a part over.
fn tags(
    mut part: Part<'_, '_>,
    mut each: impl FnMut(&str, &BytesStart<'_>) -> Result<(), &'static Name>,
) -> Result<(), &'static Name> {
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(refuse)? {
            Event::Start(tag) => each(tag.local_name().as_ref(), &tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn book(archive: &mut Archive<'_>) -> Result<Book, &'static Name> {
    let mut book = Book::default();
    let mut named: Vec<(String, String)> = Vec::new();
    let workbook = part(archive, "xl/workbook.xml", PART_BYTES_MAX).ok_or(&problem::FILE_KIND)?;
    tags(workbook, |name, tag| {
        match name {
            "sheet" if named.len() < SHEETS_MAX => {
                let id = attribute(tag, "id")?.ok_or(&problem::FILE_DAMAGED)?;
                named.push((attribute(tag, "name")?.unwrap_or_default(), id));
            }
            "workbookPr" => {
                let said = attribute(tag, "date1904")?;
                book.from_1904 = said.is_some_and(|said| said == "1" || said == "true");
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut paths: Vec<(String, String)> = Vec::new();
    let relations = part(archive, "xl/_rels/workbook.xml.rels", PART_BYTES_MAX);
    tags(relations.ok_or(&problem::FILE_DAMAGED)?, |name, tag| {
        if name == "Relationship" && paths.len() < PARTS_MAX {
            let target = attribute(tag, "Target")?.unwrap_or_default();
            let path = match target.strip_prefix('/') {
                Some(path) => path.to_owned(),
                None => format!("xl/{target}"),
            };
            let kind = attribute(tag, "Type")?.unwrap_or_default();
            match kind.rsplit('/').next() {
                Some("sharedStrings") => book.strings = Some(path),
                Some("styles") => book.styles = Some(path),
                _ => paths.push((attribute(tag, "Id")?.unwrap_or_default(), path)),
            }
        }
        Ok(())
    })?;
    for (name, id) in named {
        if let Some((_, path)) = paths.iter().find(|(known, _)| *known == id) {
            book.sheets.push((name, path.clone()));
        }
    }
    Ok(book)
}

/// Strings that cells refer to, in one text.
#[derive(Debug, Default)]
struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)?;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        Some(&self.text[start..end])
    }
}

fn strings(archive: &mut Archive<'_>, path: Option<&str>) -> Result<Strings, &'static Name> {
    let mut strings = Strings::default();
    let Some(mut part) = path.and_then(|path| part(archive, path, STRINGS_BYTES_MAX)) else {
        return Ok(strings);
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(refuse)? {
            Event::Start(tag) if tag.local_name().as_ref() == "si" => {
                if strings.ends.len() == STRINGS_MAX {
                    return Err(&problem::FILE_INFLATES);
                }
                strings.text.push_str(&kept(&text_until(&mut part, "si")?));
                strings.ends.push(strings.text.len());
            }
            Event::Eof => return Ok(strings),
            _ => {}
        }
    }
}

/// Reads the texts up to the end of an element: its runs together, without how they are read aloud.
fn text_until(part: &mut Part<'_, '_>, end: &str) -> Result<String, &'static Name> {
    let (mut text, mut buffer) = (String::new(), Vec::new());
    let (mut is_text, mut is_phonetic) = (false, false);
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(refuse)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "t" => is_text = !is_phonetic,
                "rPh" => is_phonetic = true,
                _ => {}
            },
            Event::Text(of) if is_text => text.push_str(&of.xml10_content()),
            Event::CData(of) if is_text => text.push_str(&of.xml10_content()),
            Event::GeneralRef(of) if is_text => push_reference(&mut text, &of)?,
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => is_text = false,
                "rPh" => is_phonetic = false,
                name if name == end => return Ok(unescaped(&text)),
                _ => {}
            },
            Event::Eof => return Err(&problem::FILE_DAMAGED),
            _ => {}
        }
        if text.len() > EVENT_BYTES_MAX {
            return Err(&problem::FILE_INFLATES);
        }
    }
}

/// Lists the names of the sheets.
pub(super) fn sheet_names(bytes: &[u8]) -> Result<Vec<String>, &'static Name> {
    let book = book(&mut archive(bytes)?)?;
    Ok(book.sheets.into_iter().map(|(name, _)| name).collect())
}

/// What the cells of a workbook are read with.
struct Lookup {
    strings: Strings,
    styles: Styles,
    from_1904: bool,
}

/// Hands over every row that is not empty, sheet by sheet.
pub(super) fn rows(bytes: &[u8], each: Each<'_>) -> Result<(), &'static Name> {
    let mut archive = archive(bytes)?;
    let book = book(&mut archive)?;
    let strings = strings(&mut archive, book.strings.as_deref())?;
    let mut styles = Styles::default();
    if let Some(part) = book.styles.as_deref().and_then(|at| part(&mut archive, at, PART_BYTES_MAX))
    {
        tags(part, |name, tag| styles.take(name, tag))?;
    }
    let lookup = Lookup { strings, styles, from_1904: book.from_1904 };
    let mut left = SHEETS_BYTES_MAX;
    for ((_, path), number) in book.sheets.iter().zip(1..) {
        let Some(mut part) = part(&mut archive, path, left) else { continue };
        if sheet(&mut part, number, &lookup, each)? {
            break;
        }
        left = part.get_ref().get_ref().left;
    }
    Ok(())
}

/// Reads one sheet; true where nothing more is wanted.
fn sheet(
    part: &mut Part<'_, '_>,
    number: u32,
    lookup: &Lookup,
    each: Each<'_>,
) -> Result<bool, &'static Name> {
    let (mut cells, mut buffer) = (Cells::default(), Vec::new());
    let mut line: u64 = 0;
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(refuse)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "row" if cells.bytes > CELLS_BYTES_MAX => return Err(&problem::FILE_INFLATES),
                "row" => {
                    let said = attribute(&tag, "r")?.and_then(|row| row.parse().ok());
                    line = said.unwrap_or(line + 1);
                    cells.clear();
                }
                "c" => {
                    let tag = tag.to_owned();
                    cell(part, &tag, lookup, &mut cells)?;
                }
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                "row"
                    if !cells.is_empty() && each(At { sheet: number, line }, &cells).is_break() =>
                {
                    return Ok(true);
                }
                "sheetData" => return Ok(false),
                _ => {}
            },
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

/// Reads one cell and puts it into its place.
fn cell(
    part: &mut Part<'_, '_>,
    tag: &BytesStart<'_>,
    lookup: &Lookup,
    cells: &mut Cells,
) -> Result<(), &'static Name> {
    if let Some(place) = attribute(tag, "r")?.as_deref().and_then(column_of) {
        if place < cells.count {
            return Err(&problem::FILE_DAMAGED);
        }
        cells.fill(place);
    }
    let kind = attribute(tag, "t")?.unwrap_or_default();
    let style = attribute(tag, "s")?.and_then(|style| style.parse().ok()).unwrap_or(0);
    let (mut value, mut inline) = (String::new(), None);
    let (mut is_value, mut buffer) = (false, Vec::new());
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(refuse)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "v" => is_value = true,
                "is" => inline = Some(text_until(part, "is")?),
                _ => {}
            },
            Event::Text(of) if is_value => value.push_str(&of.xml10_content()),
            Event::CData(of) if is_value => value.push_str(&of.xml10_content()),
            Event::GeneralRef(of) if is_value => push_reference(&mut value, &of)?,
            Event::End(tag) => match tag.local_name().as_ref() {
                "v" => is_value = false,
                "c" => break,
                _ => {}
            },
            Event::Eof => return Err(&problem::FILE_DAMAGED),
            _ => {}
        }
        if value.len() > EVENT_BYTES_MAX {
            return Err(&problem::FILE_INFLATES);
        }
    }
    match (kind.as_str(), inline) {
        (_, Some(text)) => cells.push(&text),
        ("s", None) => {
            let number = value.trim().parse().map_err(|_| &problem::FILE_DAMAGED)?;
            cells.push_kept(lookup.strings.get(number).ok_or(&problem::FILE_DAMAGED)?);
        }
        ("str" | "b" | "e", None) => cells.push(&unescaped(&value)),
        // A time of day behind a date says nothing here.
        ("d", None) => cells.push(value.get(..10).unwrap_or(&value)),
        (_, None) => cells.push(&plain(&value, lookup.styles.is_date(style), lookup.from_1904)),
    }
    Ok(())
}
