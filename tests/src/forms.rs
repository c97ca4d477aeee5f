//! The official forms as somebody at the province reads them back, against what must stand in them.

use hyper::Method;
use serde_json::Value as Json;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::population::Targets;

use crate::spreadsheet::{Spreadsheet, Value};

/// Loads a file.
pub async fn load(client: &Client, office: &Office, path: &str) -> Vec<u8> {
    let asked = client.raw(Method::GET, path, Some(office.token()), "", Vec::new()).await;
    let (status, bytes) = asked.expect("the server answers");
    assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
    bytes.to_vec()
}

/// A form in a file: its sheet, and where its figures stand.
#[derive(Debug)]
pub struct Sheet<'a> {
    book: &'a Spreadsheet,
    name: &'a str,
    /// Row of the column numbers.
    numbers: u32,
    lead: u32,
}

impl<'a> Sheet<'a> {
    /// Finds a form in a file. Its figures stand below the row that numbers the columns.
    pub fn of(book: &'a Spreadsheet, name: &'a str) -> Self {
        let (numbers, first) = book.find(name, "1").expect("the columns are numbered");
        Self { book, name, numbers, lead: first }
    }

    /// Returns what a column holds in a row, both as printed: rows by mark, name and measure.
    pub fn figure(&self, row: u32, column: u32) -> Value {
        self.book.value(self.name, (row, self.lead + column - 1))
    }

    /// Finds a row by the title in its second column, the first below another row.
    pub fn row(&self, title: &str, after: Option<u32>) -> u32 {
        let from = after.unwrap_or(self.numbers) + 1;
        let title = Value::Text(title.to_owned());
        let found = (from..from + 500).find(|row| self.book.value(self.name, (*row, 1)) == title);
        found.unwrap_or_else(|| panic!("no row {title:?} in {}", self.name))
    }

    /// Returns the row of the total.
    pub fn total(&self) -> u32 {
        self.row("Tổng cộng (I + II)", None)
    }
}

/// Requires that the province's file of all forms holds the totals of a share of the targets, and
/// that every figure is what its formula gives. Returns how many formulas there were.
pub fn check_province(bytes: &[u8], targets: &Targets, scale_ppm: u64) -> usize {
    let due = targets.scaled(scale_ppm).expect("a scale");
    let (opening, closing) = (due.all().opening, due.all().closing);
    let book = Spreadsheet::read(bytes);
    let result = Sheet::of(&book, "7.1");
    let total = result.total();
    let whole = Value::whole;
    assert_eq!(result.figure(total, 1), whole(closing.households), "households");
    assert_eq!(result.figure(total, 3), whole(closing.poor), "poor");
    assert_eq!(result.figure(total, 7), whole(closing.near_poor), "near-poor");
    for (name, opening, closing) in
        [("7.2", opening.poor, closing.poor), ("7.3", opening.near_poor, closing.near_poor)]
    {
        let moved = Sheet::of(&book, name);
        let total = moved.total();
        assert_eq!(moved.figure(total, 1), whole(opening), "{name} column 1");
        assert_eq!(moved.figure(total, 9), whole(closing), "{name} column 9");
    }
    let (poor, near) = (Sheet::of(&book, "7.2"), Sheet::of(&book, "7.3"));
    let (total, other) = (poor.total(), near.total());
    assert_eq!(poor.figure(total, 2), near.figure(other, 5));
    assert_eq!(poor.figure(total, 5), near.figure(other, 2));
    assert_eq!(book.stale(), []);
    book.formulas()
}

/// Reads a form as JSON.
pub async fn read(office: &Office, campaign: &str, form: &str, query: &str) -> Json {
    let path = format!("/v1/campaigns/{campaign}/forms/{form}{query}");
    office.get(&path).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}
