//! Layouts of exported tables: which column says what, under which title, in which form.
//!
//! A layout is data: a province edits it to suit the ministry's software. What a column says is
//! decided here, from one household's row, its answers and its place.

mod fields;
mod values;

use mobile_schema::household::{Answers, Household};
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::list::{Hamlet, Row};
use crate::standard::Standard;

pub use self::fields::{Field, Kind, fields};
#[cfg(feature = "merge")]
pub(crate) use self::values::no_labour;

/// Most columns of a layout.
pub const COLUMNS_MAX: usize = 250;

/// Longest title of a column, in characters.
pub const TITLE_CHARS_MAX: usize = 200;

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing is known or nothing applies.
    Empty,
    /// A text, whatever it looks like.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() { Self::Empty } else { Self::Text(text.to_owned()) }
    }
}

/// What a row of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// A member of a household that is on a list: poor and near-poor after the review, escaped
    /// poverty, escaped near-poverty; three sheets.
    ///
    /// Source: exchange list of an open-source tool of Hậu Lộc, Thanh Hóa.
    Lists,
    /// A member of any household.
    Member,
    /// A household.
    Household,
}

/// The form a column is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As people read it: labels in words, days as DD/MM/YYYY, yes and no as 1 and 0.
    #[default]
    Text,
    /// Codes of answers as they are stored.
    Code,
    /// Days as YYYY-MM-DD.
    Iso,
    /// A yes as x, a no as nothing.
    X,
    /// Có and Không.
    CoKhong,
}

impl Format {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Text, "text"),
        (Self::Code, "code"),
        (Self::Iso, "iso"),
        (Self::X, "x"),
        (Self::CoKhong, "co_khong"),
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(format, _)| *format == self).map_or("text", |(_, name)| name)
    }

    /// Reads its name; nothing is `text`.
    pub fn from_name(name: &str) -> Option<Self> {
        if name.is_empty() {
            return Some(Self::Text);
        }
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(format, _)| format)
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Our key of the field.
    pub key: String,
    /// Title of the column in the table.
    pub title: String,
    /// Form it is written in.
    #[serde(default)]
    pub format: Format,
}

/// A layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What a row is.
    pub rows: Rows,
    /// The columns in their order.
    pub columns: Vec<Column>,
}

/// What is wrong with one column of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnFault {
    /// Number of the column, from 1; 0 where the layout as a whole is meant.
    pub line: usize,
    /// What to change, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
}

impl Layout {
    /// Says what is wrong with a layout. Keys that are not known are named with those that are.
    pub fn check(&self, standard: &Standard) -> Vec<ColumnFault> {
        let known = fields(standard);
        let mut faults = Vec::new();
        let mut say =
            |line: usize, vi: String, en: String| faults.push(ColumnFault { line, vi, en });
        if self.columns.is_empty() || self.columns.len() > COLUMNS_MAX {
            say(
                0,
                format!("Mẫu phải có từ 1 đến {COLUMNS_MAX} cột."),
                format!("A layout has 1 to {COLUMNS_MAX} columns."),
            );
        }
        for (line, column) in (1..).zip(&self.columns) {
            let Some(field) = known.iter().find(|field| field.key == column.key) else {
                let fits =
                    known.iter().filter(|field| self.rows != Rows::Household || !field.of_member);
                let all: Vec<&str> = fits.map(|field| field.key.as_str()).collect();
                let (key, all) = (&column.key, all.join(", "));
                say(
                    line,
                    format!("Không có khóa “{key}”. Các khóa: {all}"),
                    format!("There is no key “{key}”. The keys are: {all}"),
                );
                continue;
            };
            if field.of_member && self.rows == Rows::Household {
                let key = &column.key;
                say(
                    line,
                    format!("“{key}” là của từng thành viên; mỗi dòng ở đây là một hộ."),
                    format!("“{key}” is of a member; a row here is a household."),
                );
            }
            if !field.kind.takes(column.format) {
                let all: Vec<&str> = field.kind.formats().iter().map(|one| one.name()).collect();
                say(
                    line,
                    format!("Dạng của “{}” là một trong: {}.", column.key, all.join(", ")),
                    format!("The format of “{}” is one of: {}.", column.key, all.join(", ")),
                );
            }
            let title = column.title.trim();
            if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX {
                say(
                    line,
                    format!("Thiếu tiêu đề cột, hoặc dài quá {TITLE_CHARS_MAX} ký tự."),
                    format!("The title is missing, or longer than {TITLE_CHARS_MAX} characters."),
                );
            }
        }
        faults
    }

    /// Tells whether rows are of members.
    pub fn is_of_members(&self) -> bool {
        self.rows != Rows::Household
    }

    /// Writes the exchange layout: one row a member, on three sheets.
    pub fn exchange() -> Self {
        Self { rows: Rows::Lists, columns: fields::titled(&fields::EXCHANGE) }
    }

    /// Writes a row a member with every answer about the member.
    pub fn members(standard: &Standard) -> Self {
        let keys = ["household", "hamlet", "unit", "class", "outcome", "member"];
        let known = fields(standard);
        let fixed = keys.iter().filter_map(|key| known.iter().find(|field| field.key == *key));
        let answers = known.iter().filter(|field| field.key.starts_with("member."));
        Self { rows: Rows::Member, columns: fixed.chain(answers).map(Field::column).collect() }
    }

    /// Writes a row a household with everything that is known of it.
    pub fn households(standard: &Standard) -> Self {
        let known = fields(standard);
        let own = known.iter().filter(|field| !field.of_member && field.key != "list");
        Self { rows: Rows::Household, columns: own.map(Field::column).collect() }
    }
}

/// The lists of which households are told apart by an export.
///
/// Source: the annexes of the recognising decision (QĐ 24/2021/QĐ-TTg, Mẫu 02; secondary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListKind {
    /// Poor or near-poor after the review.
    Listed,
    /// Poor at the start and not any more.
    EscapedPoor,
    /// Near-poor at the start and above the line now.
    EscapedNearPoor,
}

impl ListKind {
    /// All of them, in the order of the sheets.
    pub const ALL: [Self; 3] = [Self::Listed, Self::EscapedPoor, Self::EscapedNearPoor];

    /// Returns the name of the sheet.
    pub fn title(self) -> &'static str {
        match self {
            Self::Listed => "Hộ nghèo, hộ cận nghèo",
            Self::EscapedPoor => "Hộ thoát nghèo",
            Self::EscapedNearPoor => "Hộ thoát cận nghèo",
        }
    }

    /// Tells which lists a household stands on. One that was poor and is near-poor has escaped
    /// poverty and is listed too. One that moved away or is not classified yet has escaped nothing.
    pub fn of(row: &Row) -> Vec<Self> {
        use crate::classify::Class;
        let mut lists = Vec::new();
        if matches!(row.class, Some(Class::Poor | Class::NearPoor)) {
            lists.push(Self::Listed);
        }
        match (row.opening, row.class) {
            (Some(Class::Poor), Some(Class::NearPoor | Class::Above)) => {
                lists.push(Self::EscapedPoor);
            }
            (Some(Class::NearPoor), Some(Class::Above)) => lists.push(Self::EscapedNearPoor),
            _ => {}
        }
        lists
    }
}

/// Where a household is, in words.
#[derive(Debug, Clone, Default)]
pub struct PlaceNames {
    /// Code of the list unit.
    pub unit: String,
    /// Its full name.
    pub commune: String,
    /// Code of its district.
    pub district_code: String,
    /// Full name of the district.
    pub district: String,
    /// Full name of the province.
    pub province: String,
}

/// Everything that a table may say of one household.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Code on the opening list, empty for one a phone registered.
    pub code: &'a str,
    /// Where it is.
    pub place: &'a PlaceNames,
    /// Its hamlet.
    pub hamlet: Option<&'a Hamlet>,
    /// Its row.
    pub row: &'a Row,
    /// Its answers.
    pub household: &'a Household,
    /// Number and date of the decision that recognised the list, where it is recognised.
    pub decision: Option<(&'a str, &'a str)>,
    /// Open disputes, answers that are missing, and what a person should look at.
    pub open: (u32, &'a [String], &'a [String]),
    /// Day on which ages are taken.
    pub review_date: Date,
    /// Whether identity numbers are written in full.
    pub numbers_in_full: bool,
}

/// A layout whose keys have been looked up, ready for many rows.
#[derive(Debug)]
pub struct Prepared<'a> {
    columns: Vec<values::Prepared<'a>>,
}

impl<'a> Prepared<'a> {
    /// Looks the keys of a checked layout up; one that is not known says nothing.
    pub fn of(layout: &'a Layout) -> Self {
        Self { columns: layout.columns.iter().map(values::Prepared::of).collect() }
    }

    /// Writes one row: of a household, or of one of its members on one of the lists.
    pub fn row(
        &self,
        facts: &Facts<'_>,
        list: Option<ListKind>,
        member: Option<(&str, &Answers)>,
    ) -> Vec<Cell> {
        self.columns.iter().map(|column| column.cell(facts, list, member)).collect()
    }
}

/// Writes an identity number for those who need to tell people apart and no more.
///
/// ```
/// assert_eq!(shared::layout::masked("045180001234"), "…234");
/// ```
pub fn masked(number: &str) -> String {
    let last: Vec<char> = number.chars().rev().take(3).collect();
    std::iter::once('…').chain(last.into_iter().rev()).collect()
}
