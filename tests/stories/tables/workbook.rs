//! Workbooks made by hand, the way other programs make them, and ones that mean harm.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Makes an archive of these parts.
pub(super) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const WORKBOOK: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><workbook xmlns:r="r"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?><Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;

/// Makes a workbook of one sheet from its XML and that of its strings.
pub(super) fn workbook(sheet: &[u8], strings: &[u8]) -> Vec<u8> {
    archive(&[
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", strings),
    ])
}

/// Writes a sheet whose cells are inline strings.
pub(super) fn inline(rows: &[Vec<&str>]) -> Vec<u8> {
    let mut sheet = "<worksheet><sheetData>".to_owned();
    for row in rows {
        sheet.push_str("<row>");
        for cell in row {
            let cell = cell.replace('&', "&amp;").replace('<', "&lt;");
            sheet.push_str(&format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>"));
        }
        sheet.push_str("</row>");
    }
    (sheet + "</sheetData></worksheet>").into_bytes()
}

/// Workbooks that mean harm, each with the name of the refusal.
pub(super) fn bombs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let spaces = vec![b' '; 6 << 20];
    let endless = [b"<worksheet><sheetData><row><c><v>".as_slice(), &spaces].concat();
    let tag = [b"<worksheet><sheetData><row r=\"".as_slice(), &spaces[..]].concat();
    let claim = br#"<sst uniqueCount="99999999999999"><si><t>a</t></si></sst>"#;
    let strings = [b"<sst>".as_slice(), &b"<si/>".repeat(2_100_000)].concat();
    let empty = b"<worksheet><sheetData/></worksheet>".as_slice();
    let columns = [
        b"<worksheet><sheetData><row><c r=\"ZZZZ1\"><v>1</v></c></row>".as_slice(),
        b"</sheetData></worksheet>",
    ]
    .concat();
    let entity =
        b"<!DOCTYPE a [<!ENTITY x \"y\">]><worksheet><sheetData><row><c t=\"str\"><v>&x;</v></c>";
    let whole = workbook(empty, b"<sst/>");
    let (shared, long) = shared_string();
    vec![
        ("one endless text", workbook(&endless, b"<sst/>"), "file-inflates"),
        ("one endless tag", workbook(&tag, b"<sst/>"), "file-inflates"),
        ("two million strings", workbook(empty, &strings), "file-inflates"),
        ("a claim of many strings", workbook(empty, claim), "import-columns"),
        ("a cell far to the right", workbook(&columns, b"<sst/>"), "import-columns"),
        ("an entity of its own", workbook(entity, b"<sst/>"), "file-damaged"),
        ("half a workbook", whole[..whole.len() / 2].to_vec(), "file-damaged"),
        ("a document of another kind", archive(&[("content.xml", b"<a/>")]), "file-kind"),
        ("one long text in every cell", workbook(&shared, &long), "file-inflates"),
        ("a thousand parts", many_parts(), "file-inflates"),
    ]
}

/// Makes a sheet whose every cell names one string, and that string.
fn shared_string() -> (Vec<u8>, Vec<u8>) {
    let heads = String::from_utf8(inline(&[super::HEADS.split(',').collect()])).unwrap();
    let row = format!("<row>{}</row>", "<c t=\"s\"><v>0</v></c>".repeat(11));
    let sheet = heads.replace("</sheetData>", &(row.repeat(4_000) + "</sheetData>"));
    let long = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1_000_000));
    (sheet.into_bytes(), long.into_bytes())
}

fn many_parts() -> Vec<u8> {
    let names: Vec<String> = (0..2_000).map(|number| format!("x{number}")).collect();
    let parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    archive(&parts)
}
