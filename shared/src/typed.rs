//! Reads what people type from paper: short codes, dates and measures as they are written in Viet Nam.
//!
//! [`show`] and [`read`] undo each other, so that a field nobody touched says what it said before.

use mobile_schema::form::{Choice, Kind, Label, Objection};
use mobile_schema::household::Value;

use crate::date::{Date, PartialDate};
use crate::text::{composed, folded};

/// Square metres of one sào of central Viet Nam.
///
/// Source: usage, as the form's hint on land says it; see `LEGAL.md`.
const SAO_M2: i64 = 500;

/// Square metres of a hectare.
const HECTARE_M2: i64 = 10_000;

/// Writes the short code that stands for an option: its number, or its own code of two digits.
pub fn short_code(options: &[Choice], place: usize) -> String {
    let own = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_digit());
    match options.get(place) {
        Some(option) if own(&option.code) => option.code.clone(),
        _ => (place + 1).to_string(),
    }
}

/// Reads one field; `None` where it was left empty.
///
/// ```
/// use mobile_schema::form::{Form, Scope};
/// use shared::typed::read;
///
/// let kind = |key, scope| &Form::phieu_b().find(key, scope).unwrap().question.kind;
/// assert_eq!(read(kind("roof", Scope::Household), "2").unwrap(), Some("tile".into()));
/// assert_eq!(read(kind("birth", Scope::Member), "4/12/1980").unwrap(), Some("1980-12-04".into()));
/// assert_eq!(read(kind("area_dm2", Scope::Household), "42,5").unwrap(), Some(4250.into()));
/// assert_eq!(read(kind("land.paddy_m2", Scope::Household), "3 sào").unwrap(), Some(1500.into()));
/// assert!(read(kind("birth", Scope::Member), "30/02/1980").is_err());
/// ```
///
/// # Errors
/// What to tell the person who typed it.
pub fn read(kind: &Kind, typed: &str) -> Result<Option<Value>, Objection> {
    let text = composed(typed);
    if text.is_empty() {
        return Ok(None);
    }
    let value = match kind {
        Kind::Choice { options } => Value::Text(choice(options, &text)?),
        Kind::Ticks { .. } | Kind::YesNo => Value::Bool(yes_no(&text)?),
        Kind::Counts { unit, .. } | Kind::Integer { unit, .. } => Value::Int(number(unit, &text)?),
        Kind::Text { .. } => Value::Text(text),
        Kind::PartialDate => Value::Text(partial_date(&text)?),
        Kind::Digits { .. } => Value::Text(digits(&text)?),
    };
    Ok(Some(value))
}

/// Writes a value as it would be typed.
pub fn show(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Choice { options }, Value::Text(code)) => {
            let place = options.iter().position(|option| option.code == *code);
            place.map_or_else(|| code.clone(), |place| short_code(options, place))
        }
        (Kind::PartialDate, Value::Text(date)) => show_date(date),
        (Kind::Integer { unit, .. }, Value::Int(dm2)) if unit == "dm2" && *dm2 >= 0 => {
            match dm2 % 100 {
                0 => (dm2 / 100).to_string(),
                rest => format!("{},{rest:02}", dm2 / 100),
            }
        }
        (_, Value::Int(number)) => number.to_string(),
        (_, Value::Bool(true)) => "1".to_owned(),
        (_, Value::Bool(false)) => "2".to_owned(),
        (_, Value::Text(text)) => text.clone(),
    }
}

/// Reads a day: `04/12/2022`, `4-12-2022`, `04122022` or `2022-12-04`.
pub fn day(typed: &str) -> Option<Date> {
    let date = partial_date(&composed(typed)).ok()?;
    Date::parse(&date).ok()
}

fn unreadable(code: &str, vi: &str, en: &str) -> Objection {
    let text = Label { vi: vi.to_owned(), en: en.to_owned() };
    Objection { code: code.to_owned(), text }
}

fn choice(options: &[Choice], text: &str) -> Result<String, Objection> {
    let wanted = folded(text);
    let places = || options.iter().enumerate();
    let number = || {
        let number: usize = text.parse().ok()?;
        places().find(|(place, option)| {
            let own: Option<usize> = option.code.parse().ok();
            own.unwrap_or(place + 1) == number
        })
    };
    let found = places()
        .find(|(_, option)| option.code == text)
        .or_else(number)
        .or_else(|| places().find(|(_, option)| folded(&option.label.vi) == wanted));
    found.map(|(_, option)| option.code.clone()).ok_or_else(|| {
        unreadable(
            "unknown-option",
            &format!("Không có mã “{text}”; xem bảng mã của mục này"),
            &format!("there is no code “{text}”; see the codes of this question"),
        )
    })
}

fn yes_no(text: &str) -> Result<bool, Objection> {
    match folded(text).as_str() {
        "1" | "co" | "c" | "x" | "true" => Ok(true),
        "2" | "0" | "khong" | "k" | "false" => Ok(false),
        _ => Err(unreadable("wrong-type", "Ghi 1 (Có) hoặc 2 (Không)", "write 1 (yes) or 2 (no)")),
    }
}

fn number(unit: &str, text: &str) -> Result<i64, Objection> {
    let bare: String = folded(text).chars().filter(|c| !c.is_whitespace()).collect();
    let bare = bare.replace('²', "2");
    let by = |ending: &str, factor| bare.strip_suffix(ending).map(|rest| (rest, factor));
    let (digits, factor) = match unit {
        "m2" => by("sao", SAO_M2)
            .or_else(|| by("ha", HECTARE_M2))
            .or_else(|| by("m2", 1))
            .unwrap_or((&bare, 1)),
        // People write square metres.
        "dm2" => by("m2", 100).unwrap_or((&bare, 100)),
        _ => (bare.as_str(), 1),
    };
    multiplied(digits, factor).ok_or_else(|| {
        unreadable(
            "wrong-type",
            &format!("“{text}” không phải là số đọc được"),
            &format!("“{text}” is not a number that can be read"),
        )
    })
}

/// Reads `1.500` as thousands and `42,5` as a part, and multiplies; `None` where that is not whole.
fn multiplied(digits: &str, factor: i64) -> Option<i64> {
    let (whole, part) = digits.split_once(',').unwrap_or((digits, ""));
    let groups: Vec<&str> = whole.split('.').collect();
    let later = groups.get(1..)?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = later.iter().all(|group| group.len() == 3) && part.len() <= 4;
    if whole.is_empty() || groups[0].is_empty() || !fits {
        return None;
    }
    let joined = groups.concat() + part;
    if joined.len() > 15 || !is_number(&joined) {
        return None;
    }
    let tens = 10_i64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let all = joined.parse::<i64>().ok()?.checked_mul(factor)?;
    (all % tens == 0).then_some(all / tens)
}

fn digits(text: &str) -> Result<String, Objection> {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-')).collect();
    if bare.bytes().all(|byte| byte.is_ascii_digit()) && !bare.is_empty() {
        return Ok(bare);
    }
    Err(unreadable("digits-not-plausible", "Chỉ ghi chữ số", "write digits only"))
}

fn partial_date(text: &str) -> Result<String, Objection> {
    let parts: Vec<&str> = text.split(['/', '-', '.']).map(str::trim).collect();
    let is_short = |part: &&str| matches!(part.len(), 1 | 2);
    let written = match parts.as_slice() {
        [day, month, year] if is_short(day) && is_short(month) && year.len() == 4 => {
            format!("{year}-{month:0>2}-{day:0>2}")
        }
        [month, year] if is_short(month) && year.len() == 4 => format!("{year}-{month:0>2}"),
        [all] if all.len() == 8 && all.is_ascii() => {
            format!("{}-{}-{}", &all[4..], &all[2..4], &all[..2])
        }
        _ => text.to_owned(),
    };
    match PartialDate::parse(&written) {
        Ok(date) => Ok(date.to_string()),
        Err(_) => Err(unreadable(
            "date-not-plausible",
            "Ghi ngày/tháng/năm, tháng/năm hoặc chỉ năm; ngày này không có",
            "write day/month/year, month/year or the year; there is no such day",
        )),
    }
}

fn show_date(date: &str) -> String {
    let parts: Vec<&str> = date.split('-').collect();
    match parts.as_slice() {
        [year, month, day] => format!("{day}/{month}/{year}"),
        [year, month] => format!("{month}/{year}"),
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use mobile_schema::form::{Form, Scope};

    use super::*;

    fn kind(key: &str, scope: Scope) -> &'static Kind {
        &Form::phieu_b().find(key, scope).unwrap().question.kind
    }

    fn told(key: &str, scope: Scope, typed: &str) -> Result<Option<Value>, String> {
        read(kind(key, scope), typed).map_err(|objection| objection.code)
    }

    #[test]
    fn what_people_write_is_read() {
        let (household, member) = (Scope::Household, Scope::Member);
        for (key, scope, typed, value) in [
            ("ethnicity", member, "1", Value::from("01")),
            ("ethnicity", member, "23", "23".into()),
            ("ethnicity", member, "bru-vân kiều", "23".into()),
            ("sex", member, "Nữ", "female".into()),
            ("sex", member, "female", "female".into()),
            ("insurance", member, "x", true.into()),
            ("insurance", member, "Không", false.into()),
            ("birth", member, "1954", "1954".into()),
            ("birth", member, "3/1954", "1954-03".into()),
            ("birth", member, "01031954", "1954-03-01".into()),
            ("birth", member, "1954-03-01", "1954-03-01".into()),
            ("id_number", member, "045 000 000 001", "045000000001".into()),
            ("name", member, " Ho\u{302}\u{300} Thị Lan ", "Hồ Thị Lan".into()),
            ("area_dm2", household, "36", 3600.into()),
            ("area_dm2", household, "36,25 m²", 3625.into()),
            ("land.forest_m2", household, "1,5 ha", 15_000.into()),
            ("land.paddy_m2", household, "1.500", 1500.into()),
            ("goods.motorbike", household, "0", 0.into()),
        ] {
            assert_eq!(told(key, scope, typed), Ok(Some(value)), "{key} {typed}");
        }
        assert_eq!(told("name", member, "   "), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_said_at_the_field() {
        let (household, member) = (Scope::Household, Scope::Member);
        for (key, scope, typed, code) in [
            ("sex", member, "3", "unknown-option"),
            ("ethnicity", member, "55", "unknown-option"),
            ("roof", household, "vàng", "unknown-option"),
            ("insurance", member, "3", "wrong-type"),
            ("birth", member, "31/11/1980", "date-not-plausible"),
            ("birth", member, "năm 80", "date-not-plausible"),
            ("id_number", member, "không nhớ", "digits-not-plausible"),
            ("area_dm2", household, "36,255", "wrong-type"),
            ("area_dm2", household, "-1", "wrong-type"),
            ("land.paddy_m2", household, "1.50", "wrong-type"),
            ("goods.motorbike", household, "một", "wrong-type"),
            ("goods.motorbike", household, "9999999999999999", "wrong-type"),
            ("goods.motorbike", household, "1,5", "wrong-type"),
        ] {
            assert_eq!(told(key, scope, typed), Err(code.to_owned()), "{key} {typed}");
        }
    }

    #[test]
    fn a_field_nobody_touched_says_what_it_said() {
        for (key, scope, value) in [
            ("roof", Scope::Household, Value::from("canvas")),
            ("ethnicity", Scope::Member, "07".into()),
            ("birth", Scope::Member, "1954-03".into()),
            ("birth", Scope::Member, "1954-03-01".into()),
            ("area_dm2", Scope::Household, 3605.into()),
            ("land.paddy_m2", Scope::Household, 1500.into()),
            ("has_merit", Scope::Household, false.into()),
            ("causes.3", Scope::Household, true.into()),
        ] {
            let shown = show(kind(key, scope), &value);
            assert_eq!(told(key, scope, &shown), Ok(Some(value)), "{key} {shown}");
        }
        assert_eq!(show(kind("roof", Scope::Household), &"tin can".into()), "tin can");
    }
}
