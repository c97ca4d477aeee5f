//! Spreadsheets as people make them: headers, cells that look like formulas, dates, answers in words.
//!
//! Nothing is guessed here. What can be read in one way only is read; anything else is left to the
//! caller, who names it to the person.

use std::borrow::Cow;

use mobile_schema::form::{Choice, Form, Kind, Scope};

use crate::date::PartialDate;
use crate::text::folded;

/// Signs that spreadsheet programs take for the beginning of a formula, in both widths.
const FORMULA_SIGNS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Tells whether a text, or what is left of it without apostrophes, begins like a formula.
fn begins_like_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA_SIGNS)
}

/// Writes a text for a CSV cell so that no program runs it: one apostrophe before what begins like
/// a formula. [`unguarded`] takes exactly that one off again.
///
/// ```
/// use shared::spreadsheet::{guarded, unguarded};
///
/// assert_eq!(guarded("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
/// assert_eq!(guarded("Hồ Thị Đào"), "Hồ Thị Đào");
/// for text in ["=1+1", "'=1+1", "''-2", "@a", "\tx", "'nói", "", "'"] {
///     assert_eq!(unguarded(&guarded(text)), text);
/// }
/// ```
pub fn guarded(text: &str) -> Cow<'_, str> {
    if begins_like_a_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Reads a CSV cell that [`guarded`] wrote; anything else is left as it is.
pub fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| begins_like_a_formula(rest)).unwrap_or(text)
}

/// One column of a file that offices send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Our name for it, which a header may say too.
    pub key: &'static str,
    /// Headers it goes under, the usual one first; case and marks do not matter.
    pub titles: &'static [&'static str],
    /// Whether the file must have it.
    pub need: Need,
    /// What belongs into it, in Vietnamese.
    pub vi: &'static str,
    /// The same in English.
    pub en: &'static str,
    /// A cell as it may look.
    pub example: &'static str,
}

/// Whether a file must have a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It must.
    Always,
    /// It must, unless it has this other one.
    Unless(&'static str),
    /// It need not.
    Never,
}

/// Makes the form in which headers are compared: small letters without marks, words apart by one
/// space.
///
/// ```
/// use shared::spreadsheet::header;
///
/// assert_eq!(header(" Họ và TÊN (*)"), "ho va ten");
/// assert_eq!(header("id_number"), header("ID number"));
/// ```
pub fn header(text: &str) -> String {
    let words = folded(text);
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

impl Column {
    /// Tells whether a header, written by [`header`], names this column.
    pub fn is_named(&self, written: &str) -> bool {
        header(self.key) == written || self.titles.iter().any(|title| header(title) == written)
    }
}

/// Which cell of a row each column stands in.
pub type Places = Vec<Option<usize>>;

/// Finds the columns in a row of headers, or says which are missing or named twice.
///
/// # Errors
/// The keys that are missing; one that is there twice has ` (×2)` behind it.
pub fn places(headers: &[&str], columns: &[Column]) -> Result<Places, Vec<String>> {
    let written: Vec<String> = headers.iter().map(|text| header(text)).collect();
    let found = |column: &Column| -> Vec<usize> {
        let named = written.iter().enumerate().filter(|(_, name)| column.is_named(name));
        named.map(|(place, _)| place).collect()
    };
    let all: Vec<Vec<usize>> = columns.iter().map(found).collect();
    let has = |key: &str| {
        columns.iter().zip(&all).any(|(column, places)| column.key == key && !places.is_empty())
    };
    let mut wrong = Vec::new();
    for (column, places) in columns.iter().zip(&all) {
        let is_missing = match column.need {
            Need::Always => places.is_empty(),
            Need::Unless(other) => places.is_empty() && !has(other),
            Need::Never => false,
        };
        if is_missing {
            wrong.push(column.key.to_owned());
        } else if places.len() > 1 {
            wrong.push(format!("{} (×{})", column.key, places.len()));
        }
    }
    if wrong.is_empty() {
        Ok(all.into_iter().map(|places| places.first().copied()).collect())
    } else {
        Err(wrong)
    }
}

/// Reads a date as people write it: a year, `MM/YYYY` or `DD/MM/YYYY`, or as we write it.
///
/// ```
/// use shared::spreadsheet::date;
///
/// let read = |text| date(text).map(|date| date.to_string());
/// assert_eq!(read("04/12/2022").as_deref(), Some("2022-12-04"));
/// assert_eq!(read("4.12.2022").as_deref(), Some("2022-12-04"));
/// assert_eq!(read("12/2022").as_deref(), Some("2022-12"));
/// assert_eq!(read("1954").as_deref(), Some("1954"));
/// assert_eq!(read("04/12/22"), None, "which century is not ours to say");
/// ```
pub fn date(text: &str) -> Option<PartialDate> {
    if let Ok(date) = PartialDate::parse(text) {
        return Some(date);
    }
    let mut parts: Vec<&str> = text.split(['/', '.', '-']).map(str::trim).collect();
    let year = parts.pop().filter(|year| year.len() == 4)?;
    let is_short = |part: &&str| matches!(part.len(), 1 | 2);
    if parts.is_empty() || parts.len() > 2 || !parts.iter().all(is_short) {
        return None;
    }
    parts.reverse();
    let rest: String = parts.iter().map(|part| format!("-{part:0>2}")).collect();
    PartialDate::parse(&format!("{year}{rest}")).ok()
}

/// Reads a yes or no as it stands in lists.
///
/// ```
/// use shared::spreadsheet::yes_no;
///
/// assert_eq!((yes_no("1"), yes_no("x"), yes_no("Có")), (Some(true), Some(true), Some(true)));
/// assert_eq!((yes_no("0"), yes_no("không")), (Some(false), Some(false)));
/// assert_eq!((yes_no(""), yes_no("2")), (None, None), "nothing is no answer");
/// ```
pub fn yes_no(text: &str) -> Option<bool> {
    match folded(text).trim() {
        "1" | "x" | "co" | "yes" => Some(true),
        "0" | "khong" | "no" => Some(false),
        _ => None,
    }
}

/// Finds the code of an answer that is written as its code or in the words of Phiếu B; `None` where
/// the form has no such option, or two of them.
///
/// ```
/// use shared::spreadsheet::option_code;
///
/// assert_eq!(option_code("relation", "chủ hộ"), Some("head"));
/// assert_eq!(option_code("ethnicity", "Bru - Vân Kiều"), Some("23"));
/// assert_eq!(option_code("sex", "female"), Some("female"));
/// assert_eq!(option_code("sex", "bà"), None);
/// ```
pub fn option_code(question: &str, text: &str) -> Option<&'static str> {
    let place = Form::phieu_b().find(question, Scope::Member)?;
    let Kind::Choice { options } = &place.question.kind else { return None };
    if let Some(option) = options.iter().find(|option| option.code == text) {
        return Some(&option.code);
    }
    let wanted = header(text);
    let is_said = |option: &&Choice| {
        let label = &option.label;
        header(&label.vi) == wanted || header(&label.en) == wanted
    };
    let mut said = options.iter().filter(is_said);
    said.next().filter(|_| said.next().is_none()).map(|option| option.code.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COLUMNS: [Column; 3] = [
        column("name", &["Họ và tên"], Need::Always),
        column("hamlet", &["Mã thôn"], Need::Unless("hamlet_name")),
        column("hamlet_name", &["Thôn"], Need::Never),
    ];

    const fn column(key: &'static str, titles: &'static [&'static str], need: Need) -> Column {
        Column { key, titles, need, vi: "", en: "", example: "" }
    }

    #[test]
    fn columns_are_found_by_key_and_by_title_with_or_without_marks() {
        let found = |headers: &[&str]| places(headers, &COLUMNS);
        assert_eq!(found(&["x", "HO VA TEN", "ma thon"]), Ok(vec![Some(1), Some(2), None]));
        assert_eq!(found(&["hamlet_name", "name"]), Ok(vec![Some(1), None, Some(0)]));
        assert_eq!(found(&["hamlet"]), Err(vec!["name".to_owned()]));
        assert_eq!(found(&["name"]), Err(vec!["hamlet".to_owned()]));
        assert_eq!(found(&["name", "Họ và tên", "hamlet"]), Err(vec!["name (×2)".to_owned()]));
    }

    #[test]
    fn whatever_begins_like_a_formula_is_guarded_and_comes_back() {
        for sign in FORMULA_SIGNS {
            for before in ["", "'", "'''"] {
                let text = format!("{before}{sign}1");
                assert!(guarded(&text).starts_with('\''), "{text}");
                assert_eq!(unguarded(&guarded(&text)), text);
            }
        }
        assert_eq!(unguarded("'tên"), "'tên");
        assert_eq!(guarded("a=b"), "a=b");
    }
}
