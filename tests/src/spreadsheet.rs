//! A reader of spreadsheets that computes them anew: what a file says must be what its formulas give.
//!
//! It knows nothing of the code that wrote the file. Numbers are exact fractions.

mod formula;

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};

pub use self::formula::{Fraction, Value};

/// Row and column, from 0.
pub type Place = (u32, u32);

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What is kept as its value.
    pub value: Value,
    /// Its formula, where it has one.
    pub formula: Option<String>,
}

/// A spreadsheet file as it was read.
#[derive(Debug, Clone)]
pub struct Spreadsheet {
    /// Cells by the name of their sheet.
    pub sheets: BTreeMap<String, BTreeMap<Place, Cell>>,
}

/// A cell whose kept value is not what its formula gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Sheet.
    pub sheet: String,
    /// Place of the cell.
    pub place: Place,
    /// What is kept.
    pub kept: Value,
    /// What the formula gives.
    pub computed: Value,
}

impl Spreadsheet {
    /// Reads the bytes of a file.
    pub fn read(bytes: &[u8]) -> Self {
        let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes.to_vec())).expect("a file");
        let mut sheets = BTreeMap::new();
        for name in book.sheet_names() {
            let values = book.worksheet_range(&name).expect("its values");
            let formulas = book.worksheet_formula(&name).expect("its formulas");
            let mut cells: BTreeMap<Place, Cell> = BTreeMap::new();
            let (top, left) = values.start().unwrap_or_default();
            for (row, column, data) in values.used_cells() {
                let cell = Cell { value: value(data), formula: None };
                cells.insert(place(top, left, row, column), cell);
            }
            let (top, left) = formulas.start().unwrap_or_default();
            for (row, column, text) in formulas.used_cells() {
                let cell = cells
                    .entry(place(top, left, row, column))
                    .or_insert(Cell { value: Value::Empty, formula: None });
                cell.formula = Some(text.clone());
            }
            sheets.insert(name, cells);
        }
        Self { sheets }
    }

    /// Returns the value kept in a cell.
    pub fn value(&self, sheet: &str, place: Place) -> Value {
        let cell = self.sheets.get(sheet).and_then(|cells| cells.get(&place));
        cell.map_or(Value::Empty, |cell| cell.value.clone())
    }

    /// Finds the first cell with this text.
    pub fn find(&self, sheet: &str, text: &str) -> Option<Place> {
        let mut cells = self.sheets.get(sheet)?.iter();
        cells.find(|(_, cell)| cell.value == Value::Text(text.to_owned())).map(|(place, _)| *place)
    }

    /// Tells whether any cell of a sheet holds this text, or has it in its own.
    pub fn holds(&self, sheet: &str, text: &str) -> bool {
        let mut cells = self.sheets[sheet].values();
        cells.any(|cell| matches!(&cell.value, Value::Text(whole) if whole.contains(text)))
    }

    /// Counts the formulas of all sheets.
    pub fn formulas(&self) -> usize {
        let cells = self.sheets.values().flat_map(BTreeMap::values);
        cells.filter(|cell| cell.formula.is_some()).count()
    }

    /// Computes every formula anew, those it builds on first, and names each cell that says otherwise.
    pub fn stale(&self) -> Vec<Stale> {
        let mut stale = Vec::new();
        for (sheet, cells) in &self.sheets {
            for (place, cell) in cells {
                if cell.formula.is_none() {
                    continue;
                }
                let computed = formula::compute(self, sheet, *place);
                if computed != cell.value {
                    let (sheet, kept) = (sheet.clone(), cell.value.clone());
                    stale.push(Stale { sheet, place: *place, kept, computed });
                }
            }
        }
        stale
    }
}

fn place(top: u32, left: u32, row: usize, column: usize) -> Place {
    let number = |number: usize| u32::try_from(number).expect("a sheet is not that large");
    (top + number(row), left + number(column))
}

fn value(data: &Data) -> Value {
    match data {
        Data::Empty => Value::Empty,
        Data::Int(number) => Value::Number(Fraction::of(i128::from(*number), 1)),
        Data::Float(number) => Value::Number(Fraction::parse(&number.to_string())),
        Data::String(text) => Value::Text(text.clone()),
        other => panic!("no form holds {other:?}"),
    }
}
