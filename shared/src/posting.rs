//! What a posted list (niêm yết công khai) may show of a household.
//!
//! Everybody in the hamlet reads it, so the columns are a closed set: totals and classes, never a
//! number of identity, an illness, a birth date, a cause or a single indicator. A column that is not
//! here cannot be chosen, whatever a setting says.

use serde::{Deserialize, Serialize};

use crate::classify::Class;
use crate::list::Row;
use crate::unit::Area;

/// A column that a province may choose beside number and head of the household.
///
/// Source: practice of the field (unverified), see `LEGAL.md`, "Posting": columns are a setting, the
/// totals B1 and B2 are posted; identity numbers, illness and single indicators never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Hamlet the household lives in.
    Hamlet,
    /// Code of the household on the opening list.
    Code,
    /// Urban or rural.
    Area,
    /// Members who count.
    Members,
    /// Total of B1.
    B1,
    /// Total of B2.
    B2,
    /// Class on the opening list.
    Opening,
    /// Class after the review.
    Class,
}

/// A column that nobody may post.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no column of a posted list")]
pub struct NotPosted(
    /// What was asked for.
    pub String,
);

/// What a cell says; the words are the page's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A code of a hamlet.
    Hamlet(&'a str),
    /// The household's code, which is no part of the row.
    Code,
    /// An area type.
    Area(Area),
    /// A number, where there is one.
    Number(Option<i64>),
    /// A class, where there is one.
    Class(Option<Class>),
}

impl Column {
    /// Every column there is, in the order of the choice.
    pub const ALL: [Self; 8] = [
        Self::Hamlet,
        Self::Code,
        Self::Area,
        Self::Members,
        Self::B1,
        Self::B2,
        Self::Opening,
        Self::Class,
    ];

    /// What is posted until a province has chosen.
    pub const DEFAULT: [Self; 5] = [Self::Hamlet, Self::Members, Self::B1, Self::B2, Self::Class];

    /// Returns the stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Hamlet => "hamlet",
            Self::Code => "code",
            Self::Area => "area",
            Self::Members => "members",
            Self::B1 => "b1",
            Self::B2 => "b2",
            Self::Opening => "opening",
            Self::Class => "class",
        }
    }

    /// Returns the heading in Vietnamese.
    pub fn label_vi(self) -> &'static str {
        match self {
            Self::Hamlet => "Thôn/bản",
            Self::Code => "Mã hộ",
            Self::Area => "Khu vực",
            Self::Members => "Số nhân khẩu",
            Self::B1 => "Điểm B1",
            Self::B2 => "Điểm B2",
            Self::Opening => "Diện đầu kỳ",
            Self::Class => "Kết quả rà soát",
        }
    }

    /// Returns the heading in English.
    pub fn label_en(self) -> &'static str {
        match self {
            Self::Hamlet => "Hamlet",
            Self::Code => "Code",
            Self::Area => "Area",
            Self::Members => "Members",
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::Opening => "Opening class",
            Self::Class => "Class",
        }
    }

    /// Reads what of a row the column shows.
    pub fn cell(self, row: &Row) -> Cell<'_> {
        match self {
            Self::Hamlet => Cell::Hamlet(&row.hamlet),
            Self::Code => Cell::Code,
            Self::Area => Cell::Area(row.area),
            Self::Members => Cell::Number(Some(i64::from(row.members))),
            Self::B1 => Cell::Number(row.b1),
            Self::B2 => Cell::Number(row.b2),
            Self::Opening => Cell::Class(row.opening),
            Self::Class => Cell::Class(row.class),
        }
    }
}

/// Reads a choice of columns: each once, in the order of [`Column::ALL`].
///
/// ```
/// use shared::posting::{Column, NotPosted, columns};
///
/// assert_eq!(columns(["b2", "b1", "b2"]), Ok(vec![Column::B1, Column::B2]));
/// assert_eq!(columns(["b1", "id_number"]), Err(NotPosted("id_number".into())));
/// ```
pub fn columns<'a>(codes: impl IntoIterator<Item = &'a str>) -> Result<Vec<Column>, NotPosted> {
    let mut chosen = Vec::new();
    for code in codes {
        let known = Column::ALL.into_iter().find(|column| column.code() == code);
        chosen.push(known.ok_or_else(|| NotPosted(code.to_owned()))?);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::list::tests::row;
    use mobile_schema::form::Form;

    #[test]
    fn nothing_that_a_form_asks_is_ever_posted_as_such() {
        for form in [Form::phieu_a(), Form::phieu_b()] {
            for key in form.keys() {
                // Where the household lives is the server's word, under the same name.
                let own = key.key == "hamlet";
                assert_eq!(columns([key.key.as_str()]).is_ok(), own, "{}", key.key);
            }
        }
        let standard = crate::standard::Standard::nd_07_2021();
        for indicator in &standard.indicators {
            assert!(columns([indicator.code.as_str()]).is_err(), "{}", indicator.code);
        }
        for never in ["deprived", "causes", "ethnicity", "dtts", "serious_illness", "document", ""]
        {
            assert!(columns([never]).is_err(), "{never}");
        }
    }

    #[test]
    fn no_cell_changes_with_what_is_not_posted() {
        let mut other = row(1);
        other.deprived = vec!["health_insurance".into()];
        other.causes = vec![7];
        other.ethnicity = "01".into();
        other.dtts = false;
        other.b1_method = None;
        for column in Column::ALL {
            assert_eq!(column.cell(&row(1)), column.cell(&other), "{column:?}");
        }
    }

    #[test]
    fn every_column_reads_back_by_its_code() {
        let codes = Column::ALL.map(Column::code);
        assert_eq!(columns(codes).unwrap(), Column::ALL);
        assert!(Column::DEFAULT.iter().all(|column| Column::ALL.contains(column)));
        assert!(Column::DEFAULT.contains(&Column::B1) && Column::DEFAULT.contains(&Column::B2));
    }
}
