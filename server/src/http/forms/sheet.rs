//! Forms as spreadsheets: the layout of the annex, real formulas, and beside each its exact result.
//!
//! A program that shows a file without computing, and one that computes it anew, show the same.

use rust_xlsxwriter::{
    ColNum, Format, FormatAlign, FormatBorder, Formula as Written, RowNum, Workbook, Worksheet,
    XlsxError, column_number_to_name,
};
use shared::forms::{Cell, Column, Form, Formula, Kind, Row};
use shared::standard::Line;

use super::Shown;

/// Code of A4 in the file format.
const A4: u8 = 9;

/// Rows of heading above the lines that say what the figures are.
const HEADING: RowNum = 5;

/// Writes forms as sheets of one file.
pub(super) fn workbook(forms: &[(Form, Shown)]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let looks = Looks::new();
    for (form, shown) in forms {
        let sheet = workbook.add_worksheet();
        sheet.set_name(form.short().vi)?;
        Page { form: *form, shown, looks: &looks }.write(sheet)?;
    }
    workbook.save_to_buffer()
}

/// The looks of cells. Number formats are the reader's: comma or point, by their program.
struct Looks {
    plain: Format,
    state: Format,
    title: Format,
    office: Format,
    label: Format,
    number: Format,
    text: [Format; 2],
    count: [Format; 2],
    rate: [Format; 2],
}

impl Looks {
    fn new() -> Self {
        let base = || Format::new().set_font_name("Times New Roman").set_font_size(11);
        let centred = || base().set_align(FormatAlign::Center).set_text_wrap();
        let framed = |format: Format| format.set_border(FormatBorder::Thin);
        let both = |format: Format| [format.clone(), format.set_bold()];
        Self {
            plain: base().set_text_wrap().set_align(FormatAlign::Top),
            state: centred().set_bold().set_italic(),
            title: centred().set_bold().set_font_size(14),
            office: centred().set_bold(),
            label: framed(centred().set_bold().set_align(FormatAlign::VerticalCenter)),
            number: framed(centred().set_italic().set_font_size(10)),
            text: both(framed(base().set_text_wrap())),
            count: both(framed(base().set_num_format("#,##0"))),
            rate: both(framed(base().set_num_format("0.00").set_align(FormatAlign::Right))),
        }
    }
}

/// One form on its sheet.
struct Page<'a> {
    form: Form,
    shown: &'a Shown,
    looks: &'a Looks,
}

impl Page<'_> {
    /// Columns before the first figure: number, unit and, with two lines a unit, what is counted.
    fn lead(&self) -> ColNum {
        if self.form.has_persons() { 3 } else { 2 }
    }

    fn width(&self) -> ColNum {
        self.lead() + ColNum::try_from(self.shown.columns.len()).unwrap_or(ColNum::MAX)
    }

    /// Row of the labels; their numbers stand below, then the figures.
    fn labels_at(&self) -> RowNum {
        HEADING + RowNum::try_from(self.shown.head.len()).unwrap_or(0)
    }

    fn row_at(&self, index: usize) -> RowNum {
        self.labels_at() + 2 + RowNum::try_from(index).unwrap_or(0)
    }

    fn column_at(&self, number: u8) -> ColNum {
        self.lead() + ColNum::from(number.saturating_sub(1))
    }

    /// Names a cell as formulas do.
    fn cell_name(&self, row: RowNum, number: u8) -> String {
        format!("{}{}", column_number_to_name(self.column_at(number)), row + 1)
    }

    fn write(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        self.set_up(sheet)?;
        self.write_heading(sheet)?;
        self.write_labels(sheet)?;
        for (index, row) in self.shown.rows.iter().enumerate() {
            self.write_row(sheet, index, row)?;
        }
        self.write_foot(sheet)
    }

    fn set_up(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let labels = self.labels_at();
        sheet.set_paper_size(A4).set_landscape().set_print_fit_to_pages(1, 0);
        sheet.set_margins(0.5, 0.5, 0.6, 0.6, 0.3, 0.3);
        sheet.set_footer(format!("&L{}&RTrang &P/&N", self.shown.name.replace('&', "&&")));
        sheet.set_repeat_rows(labels, labels + 1)?;
        // The names stay in sight; the heading is too high to stay on a small screen.
        sheet.set_freeze_panes(0, self.lead())?;
        sheet.set_column_width(0, 6)?.set_column_width(1, 28)?;
        if self.form.has_persons() {
            sheet.set_column_width(2, 11)?;
        }
        for column in self.lead()..self.width() {
            sheet.set_column_width(column, 12)?;
        }
        Ok(())
    }

    /// National heading, form number, title, and what the figures are.
    fn write_heading(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (looks, last) = (self.looks, self.width() - 1);
        let half = last / 2;
        let office = format!("ỦY BAN NHÂN DÂN {}", self.shown.name.to_uppercase());
        sheet.merge_range(0, 0, 0, half, &office, &looks.office)?;
        let nation = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM";
        sheet.merge_range(0, half + 1, 0, last, nation, &looks.office)?;
        let number = format!("Biểu số {}", self.shown.number);
        sheet.merge_range(1, 0, 1, half, &number, &looks.office)?;
        let motto = "Độc lập – Tự do – Hạnh phúc";
        sheet.merge_range(1, half + 1, 1, last, motto, &looks.office)?;
        let title = self.shown.title.vi.to_uppercase();
        sheet.merge_range(3, 0, 3, last, &title, &looks.title)?;
        sheet.set_row_height(3, 24)?;
        for (row, (index, line)) in (HEADING..).zip(self.shown.head.iter().enumerate()) {
            let look = if index == 0 { &looks.state } else { &looks.plain };
            sheet.merge_range(row, 0, row, last, &line.vi, look)?;
        }
        Ok(())
    }

    fn write_labels(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (looks, row) = (self.looks, self.labels_at());
        let leading = [("TT", "A"), ("Khu vực / Đơn vị", "B"), ("Đơn vị tính", "C")];
        for (column, (label, number)) in (0..self.lead()).zip(leading) {
            sheet.write_with_format(row, column, label, &looks.label)?;
            sheet.write_with_format(row + 1, column, number, &looks.number)?;
        }
        for one in &self.shown.columns {
            let column = self.column_at(one.number);
            sheet.write_with_format(row, column, &one.label.vi, &looks.label)?;
            sheet.write_with_format(row + 1, column, one.formula(), &looks.number)?;
        }
        sheet.set_row_height(row, 62)?;
        sheet.set_row_height(row + 1, 30)?;
        Ok(())
    }

    fn write_row(&self, sheet: &mut Worksheet, index: usize, row: &Row) -> Result<(), XlsxError> {
        let at = self.row_at(index);
        let bold = usize::from(row.kind != Kind::Unit);
        let text = &self.looks.text[bold];
        sheet.write_with_format(at, 0, &row.mark, text)?;
        sheet.write_with_format(at, 1, row.title().vi, text)?;
        if let Some(measure) = row.measure {
            sheet.write_with_format(at, 2, measure.text().vi, text)?;
        }
        for (column, cell) in self.shown.columns.iter().zip(&row.cells) {
            let figure = Figure { at, row, column, cell: *cell, bold };
            self.write_figure(sheet, &figure)?;
        }
        Ok(())
    }

    fn write_figure(&self, sheet: &mut Worksheet, figure: &Figure<'_>) -> Result<(), XlsxError> {
        let column = self.column_at(figure.column.number);
        let looks = if figure.column.is_rate() { &self.looks.rate } else { &self.looks.count };
        let look = &looks[figure.bold];
        let formula = figure.row.formula(figure.column);
        match (formula.map(|formula| self.formula(figure, formula)), figure.cell) {
            (_, Cell::Unknown) => sheet.write_blank(figure.at, column, look)?,
            (Some(text), cell) => {
                let written = Written::new(text).set_result(result(cell));
                sheet.write_formula_with_format(figure.at, column, written, look)?
            }
            (None, Cell::Count(count)) => {
                let count = u32::try_from(count).map_err(|_| XlsxError::RowColumnLimitError)?;
                sheet.write_number_with_format(figure.at, column, count, look)?
            }
            (None, cell) => {
                sheet.write_string_with_format(figure.at, column, result(cell), look)?
            }
        };
        Ok(())
    }

    /// Writes a formula over cells of the sheet. A rate is rounded from a quotient of integers, so
    /// that a half is a half in any program.
    fn formula(&self, figure: &Figure<'_>, formula: Formula<'_>) -> String {
        let own = |number: u8| self.cell_name(figure.at, number);
        match formula {
            Formula::Sum(rows) => {
                let cell =
                    |index: &usize| self.cell_name(self.row_at(*index), figure.column.number);
                let in_a_row = rows.windows(2).all(|pair| pair[1] == pair[0] + 1);
                match (rows.first(), rows.last()) {
                    (Some(first), Some(last)) if in_a_row && rows.len() > 1 => {
                        format!("=SUM({}:{})", cell(first), cell(last))
                    }
                    _ => format!("={}", rows.iter().map(cell).collect::<Vec<_>>().join("+")),
                }
            }
            Formula::Rate { part, whole, form } => {
                let sheet = form.map(|form| format!("'{}'!", form.short().vi)).unwrap_or_default();
                let (part, whole) = (own(part), own(whole));
                format!(
                    "=IF({sheet}{whole}=0,\"–\",ROUND({sheet}{part}*10000/{sheet}{whole},0)/100)"
                )
            }
            Formula::Balance(terms) => {
                let terms = terms.iter().enumerate().map(|(index, term)| {
                    let sign = match (index, term.minus) {
                        (0, false) => "",
                        (_, true) => "-",
                        (_, false) => "+",
                    };
                    format!("{sign}{}", own(term.column))
                });
                format!("={}", terms.collect::<String>())
            }
        }
    }

    /// Notes, checks, and who signs.
    fn write_foot(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let (looks, last) = (self.looks, self.width() - 1);
        let mut row = self.row_at(self.shown.rows.len()) + 1;
        let checks = self.shown.checks.iter().map(|check| {
            let held = if check.holds { "đạt" } else { "KHÔNG ĐẠT" };
            let (left, sign, right) = (&check.left, check.sign, &check.right);
            format!("Kiểm tra: {}: {left} {sign} {right}: {held}", check.what.vi)
        });
        let notes = self.shown.foot.iter().map(|Line { vi, .. }| format!("Ghi chú: {vi}"));
        for text in notes.chain(checks) {
            sheet.merge_range(row, 0, row, last, &text, &looks.plain)?;
            let lines = text.chars().count() / 110 + 1;
            sheet.set_row_height(row, u16::try_from(lines * 16).unwrap_or(16))?;
            row += 1;
        }
        row += 1;
        let half = last / 2;
        let signed = "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH\n(Ký, ghi rõ họ tên, đóng dấu)";
        let prepared = "Người lập biểu\n(Ký, ghi rõ họ tên)";
        sheet.merge_range(row, 0, row, half, prepared, &looks.office)?;
        sheet.merge_range(row, half + 1, row, last, signed, &looks.office)?;
        sheet.set_row_height(row, 60)?;
        Ok(())
    }
}

/// One figure and where it stands.
struct Figure<'a> {
    at: RowNum,
    row: &'a Row,
    column: &'a Column,
    cell: Cell,
    bold: usize,
}

/// Writes a figure as the file keeps it: plain digits with a point.
fn result(cell: Cell) -> String {
    match cell {
        Cell::Count(count) => count.to_string(),
        Cell::Hundredths(hundredths) => {
            let (whole, part) = (hundredths / 100, hundredths % 100);
            format!("{whole}.{part:02}")
        }
        Cell::NoWhole => "–".to_owned(),
        Cell::Unknown => String::new(),
    }
}
