//! A form as CSV for spreadsheets of people: Vietnamese notation, byte order mark, nothing that runs.

use super::{Column, Kind, Measure, Row, Text};

/// Writes a form. `head` and `foot` are lines of text above and below the table.
pub fn csv(head: &[String], columns: &[Column], rows: &[Row], foot: &[String]) -> String {
    let mut out = String::from("\u{feff}");
    let has_measure = rows.iter().any(|row| row.measure.is_some());
    let measured = |text: &str| has_measure.then(|| text.to_owned());
    head.iter().for_each(|text| line(&mut out, std::iter::once(text.clone())));
    let labels = columns.iter().map(|column| column.label.vi.clone());
    let first = ["TT", "Khu vực / Đơn vị"].map(str::to_owned);
    line(&mut out, first.into_iter().chain(measured("Đơn vị tính")).chain(labels));
    let numbers = columns.iter().map(Column::formula);
    let first = ["A", "B"].map(str::to_owned);
    line(&mut out, first.into_iter().chain(measured("C")).chain(numbers));
    for row in rows {
        let first = [row.mark.clone(), row.title().vi];
        let measure = row.measure.map(|measure| measure.text().vi.to_owned());
        line(
            &mut out,
            first.into_iter().chain(measure).chain(row.cells.iter().map(|cell| cell.text_vi())),
        );
    }
    foot.iter().for_each(|text| line(&mut out, std::iter::once(text.clone())));
    out
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| quoted(&cell)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// Quotes a cell. A text that a spreadsheet would run as a formula gets an apostrophe in front.
fn quoted(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if runs { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

impl Measure {
    /// Names what a line counts.
    pub const fn text(self) -> Text {
        match self {
            Self::Households => Text { vi: "Hộ", en: "Households" },
            Self::Persons => Text { vi: "Nhân khẩu", en: "Persons" },
        }
    }
}

impl Row {
    /// Returns the row's title: the area, the unit's name, or the total.
    pub fn title(&self) -> crate::standard::Line {
        use crate::unit::Area;
        let (vi, en) = match (self.kind, self.area) {
            (Kind::Unit, _) => (self.name.as_str(), self.name.as_str()),
            (Kind::Area, Some(Area::Urban)) => ("Khu vực thành thị", "Urban"),
            (Kind::Area, _) => ("Khu vực nông thôn", "Rural"),
            (Kind::Total, _) => ("Tổng cộng (I + II)", "Total (I + II)"),
        };
        crate::standard::Line { vi: vi.to_owned(), en: en.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_formula_stays_a_name() {
        assert_eq!(quoted("=1+2"), "\"'=1+2\"");
        assert_eq!(quoted("\t@SUM(A1)"), "\"'\t@SUM(A1)\"");
        assert_eq!(quoted("thôn \"1\""), "\"thôn \"\"1\"\"\"");
    }
}
