//! Numbers of identity (số định danh cá nhân, CCCD): what looks odd about one. It never stops anybody.

use mobile_schema::household::{Answers, Value};
use serde::{Deserialize, Serialize};

use crate::date::PartialDate;

/// Something a person should look at in a number.
///
/// There is no check digit. Of twelve digits the first three name a province, the fourth sex and
/// century of birth, the next two the year.
///
/// Source: Nghị định 137/2015/NĐ-CP, Điều 13; Thông tư 59/2021/TT-BCA, Điều 4 (both unverified: from
/// memory of the texts, not read again). Which province codes are given out is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberWarning {
    /// Neither 12 digits nor the 9 of the old card.
    Length,
    /// Another sign than a digit.
    Sign,
    /// One digit over and over: something was typed to get past the field.
    Placeholder,
    /// The fourth digit says another sex or century than the member's answers.
    SexOrCentury,
    /// The fifth and sixth digit say another year of birth.
    Year,
}

/// Writes a number as it is compared: its digits. `None` where it tells nobody apart.
pub(super) fn comparable(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(24).collect();
    let first = digits.chars().next()?;
    let placeholder = digits.chars().all(|digit| digit == first);
    (digits.len() >= 8 && !placeholder).then_some(digits)
}

/// Says what looks odd about a member's number; nothing where there is none.
///
/// ```
/// use shared::duplicate::{NumberWarning, number_warnings};
/// use mobile_schema::household::Answers;
///
/// let member = |number: &str| Answers::from([
///     ("id_number".to_owned(), number.into()),
///     ("birth".to_owned(), "1975".into()),
///     ("sex".to_owned(), "female".into()),
/// ]);
/// assert_eq!(number_warnings(&member("045175001234")), []);
/// assert_eq!(number_warnings(&member("045075001234")), [NumberWarning::SexOrCentury]);
/// assert_eq!(number_warnings(&member("0451750012")), [NumberWarning::Length]);
/// assert_eq!(number_warnings(&member("191234567")), [], "the old card says nothing");
/// ```
pub fn number_warnings(member: &Answers) -> Vec<NumberWarning> {
    let text = |key: &str| member.get(key).and_then(Value::as_text);
    let Some(number) = text("id_number") else { return Vec::new() };
    let number: String = number.split_whitespace().collect();
    let mut warnings = Vec::new();
    if !number.chars().all(|c| c.is_ascii_digit()) {
        warnings.push(NumberWarning::Sign);
    }
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    if !matches!(digits.len(), 9 | 12) {
        warnings.push(NumberWarning::Length);
    }
    if digits.len() > 1 && digits.iter().all(|digit| *digit == digits[0]) {
        warnings.push(NumberWarning::Placeholder);
    } else if let (12, Some(birth)) = (digits.len(), text("birth")) {
        warnings.extend(against_birth(&digits, birth, text("sex")));
    }
    warnings
}

fn against_birth(digits: &[u32], birth: &str, sex: Option<&str>) -> Vec<NumberWarning> {
    let Ok(birth) = PartialDate::parse(birth) else { return Vec::new() };
    let Ok(year) = u32::try_from(birth.year()) else { return Vec::new() };
    let mut warnings = Vec::new();
    let century = (year / 100).checked_sub(19).map(|centuries| centuries * 2);
    let fits = |woman: u32| century.map(|century| century + woman) == Some(digits[3]);
    let fits = match sex {
        Some("male") => fits(0),
        Some("female") => fits(1),
        _ => fits(0) || fits(1),
    };
    if !fits {
        warnings.push(NumberWarning::SexOrCentury);
    }
    if digits[4] * 10 + digits[5] != year % 100 {
        warnings.push(NumberWarning::Year);
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_nobody_apart_is_not_compared() {
        assert_eq!(comparable("000000000000"), None);
        assert_eq!(comparable("1234567"), None);
        assert_eq!(comparable("045 175 001234").as_deref(), Some("045175001234"));
        assert_eq!(comparable("không có"), None);
    }

    #[test]
    fn odd_numbers_are_told_by_what_is_odd() {
        let of = |number: &str| {
            let member = [("id_number", number), ("birth", "2010-05-02"), ("sex", "male")];
            let member = member.map(|(key, value)| (key.to_owned(), Value::from(value)));
            number_warnings(&Answers::from(member))
        };
        assert_eq!(of("045210000001"), []);
        assert_eq!(of("045211000001"), [NumberWarning::Year]);
        assert_eq!(of("04521000000x"), [NumberWarning::Sign, NumberWarning::Length]);
        assert_eq!(of("111111111111"), [NumberWarning::Placeholder]);
        assert_eq!(of(""), [NumberWarning::Length]);
        assert!(number_warnings(&Answers::new()).is_empty());
    }
}
