//! What stands in a cell: numbers and dates as text, escapes, and where the cell is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use mobile_schema::problem::{self, Problem as Name};
use quick_xml::events::BytesStart;
use shared::date::Date;

use super::attribute;

/// Most formats that a workbook's cells may have; programs stop at this number.
const FORMATS_MAX: usize = 65_536;

/// Days between the day that programs count from and 1970-01-01.
const DAYS_TO_1970: i64 = 25_569;

/// Days between the two days that programs count from.
const DAYS_TO_1904: i64 = 1_462;

/// The day that programs believe in and no calendar has: 29 February 1900.
const NO_DAY: i64 = 60;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Which formats of cells are dates.
#[derive(Debug, Default)]
pub(super) struct Styles {
    /// Numbers of the workbook's own formats that are dates.
    own_dates: BTreeSet<u32>,
    is_date: Vec<bool>,
    in_cells: bool,
}

impl Styles {
    /// Takes the next tag of the styles.
    pub(super) fn take(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), &'static Name> {
        let number = || -> Result<Option<u32>, &'static Name> {
            Ok(attribute(tag, "numFmtId")?.and_then(|number| number.parse().ok()))
        };
        match name {
            "numFmt" => {
                let code = attribute(tag, "formatCode")?.unwrap_or_default();
                if let Some(number) = number()?.filter(|_| is_date_format(&code)) {
                    self.own_dates.insert(number);
                }
            }
            "cellXfs" => self.in_cells = true,
            "cellStyleXfs" | "cellStyles" | "dxfs" => self.in_cells = false,
            "xf" if self.in_cells => {
                if self.is_date.len() == FORMATS_MAX {
                    return Err(&problem::FILE_INFLATES);
                }
                let number = number()?.unwrap_or(0);
                let built_in = matches!(number, 14..=17 | 22 | 27..=31 | 36 | 50..=58);
                self.is_date.push(built_in || self.own_dates.contains(&number));
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells whether a number in this format is a day.
    pub(super) fn is_date(&self, style: usize) -> bool {
        self.is_date.get(style).copied().unwrap_or(false)
    }
}

/// Tells whether a format writes days: it has a `d` or `y` that is not quoted.
fn is_date_format(code: &str) -> bool {
    let mut signs = code.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '"' => drop(signs.by_ref().take_while(|sign| *sign != '"').count()),
            '[' => drop(signs.by_ref().take_while(|sign| *sign != ']').count()),
            '\\' | '_' | '*' => drop(signs.next()),
            'd' | 'D' | 'y' | 'Y' => return true,
            _ => {}
        }
    }
    false
}

/// Finds which column a place such as `AB12` names, from 0.
pub(super) fn column_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let column = letters.fold(0, |column, letter| {
        column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    column.checked_sub(1)
}

/// Writes a number as people read it: a day where it is one, whole numbers without a fraction.
pub(super) fn plain(value: &str, is_date: bool, from_1904: bool) -> Cow<'_, str> {
    let value = value.trim();
    if is_date && let Some(day) = day(value, from_1904) {
        return Cow::Owned(day);
    }
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    if value.bytes().all(is_plain) {
        return Cow::Borrowed(value);
    }
    // Programs write 1954 as 1954.0 and large numbers with an exponent.
    match value.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Cow::Owned(format!("{number:.0}"))
        }
        _ => Cow::Borrowed(value),
    }
}

fn day(value: &str, from_1904: bool) -> Option<String> {
    let whole = value.split('.').next()?.parse::<i64>().ok()?;
    let days = if from_1904 { whole.checked_add(DAYS_TO_1904)? } else { whole };
    let since = match days {
        1..NO_DAY => days + 1,
        NO_DAY => return None,
        _ => days,
    };
    // No day of anybody's life is outside four digits of a year.
    let inside = (1..2_958_466).contains(&days);
    inside.then(|| Date::of_unix_ms((since - DAYS_TO_1970) * DAY_MS).to_string())
}

/// Reads signs that programs write as `_xHHHH_`.
pub(super) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let sign = rest.get(at + 2..at + 6).filter(|_| rest[at + 6..].starts_with('_'));
        let sign =
            sign.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        out.push_str(&rest[..at]);
        match sign.filter(|sign| *sign != '\0') {
            Some(sign) => {
                out.push(sign);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_written_as_people_read_them() {
        assert_eq!(plain("1954", false, false), "1954");
        assert_eq!(plain("1954.0", false, false), "1954");
        assert_eq!(plain("4.5123456789E10", false, false), "45123456789");
        assert_eq!(plain("1.5", false, false), "1.5");
        assert_eq!(plain("44909", true, false), "2022-12-14");
        assert_eq!(plain("44909.5", true, false), "2022-12-14");
        assert_eq!(plain("1", true, false), "1900-01-01");
        assert_eq!(plain("61", true, false), "1900-03-01");
        assert_eq!(plain("60", true, false), "60", "a day that never was");
        assert_eq!(plain("43447", true, true), "2022-12-14");
        assert_eq!(plain("-3", true, false), "-3");
    }

    #[test]
    fn formats_of_days_are_told_from_others() {
        for code in ["dd/mm/yyyy", "yyyy", "[$-42A]d mmmm yyyy;@"] {
            assert!(is_date_format(code), "{code}");
        }
        for code in ["General", "#,##0", "0\" day\"", "#,##0\\d", "[Red]0", "0.00E+00"] {
            assert!(!is_date_format(code), "{code}");
        }
    }

    #[test]
    fn escapes_are_read_and_places_found() {
        assert_eq!(unescaped("a_x000D_b_x005F_x000D_"), "a\rb_x000D_");
        assert_eq!(unescaped("_xđấu_ và _x"), "_xđấu_ và _x");
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("AB12"), Some(27));
        assert_eq!(column_of("12"), None);
    }
}
