//! Pairs of households in words.

use std::collections::BTreeMap;

use mobile_schema::household::{Answers, Value};
use shared::duplicate::{Grounds, Likely, NumberWarning};
use shared::link::Difference;
use shared::resolve::Path as AnswerPath;

use crate::http::office::frame::{Lang, time_text};
use crate::http::office::words::{id_number_text, option_text, path_text, path_value};
use crate::store::pair::PairDecision;

pub(super) fn likely_text(lang: Lang, likely: Option<Likely>) -> &'static str {
    match likely {
        Some(Likely::Household) => lang.t("có thể là một hộ", "may be one household"),
        Some(Likely::Person) => lang.t("có người ở cả hai hộ", "somebody is in both"),
        None => lang.t("hiện không còn dấu hiệu trùng", "nothing points to it now"),
    }
}

pub(super) fn grounds_text(lang: Lang, grounds: &Grounds) -> String {
    let mut parts = Vec::new();
    if grounds.numbers > 0 {
        let what = lang.t("số định danh trùng", "equal ID numbers");
        parts.push(format!("{what}: {}", grounds.numbers));
    }
    if grounds.members > 0 {
        let what = lang.t("thành viên khớp", "members who match");
        parts.push(format!("{what}: {}", grounds.members));
    }
    if grounds.weak > 0 {
        parts.push(format!("{}: {}", lang.t("gần khớp", "nearly match"), grounds.weak));
    }
    if grounds.relation {
        parts.push(lang.t("cùng quan hệ với chủ hộ", "same relation to the head").to_owned());
    }
    parts.join(" · ")
}

pub(super) fn state_text(lang: Lang, state: &str) -> &'static str {
    match state {
        "linked" => lang.t("đã gộp", "merged"),
        "dismissed" => lang.t("không trùng", "no duplicate"),
        _ => lang.t("chờ xem", "waits"),
    }
}

/// Something the two say differently.
pub(super) struct Differs {
    pub(super) label: String,
    pub(super) path: String,
    pub(super) values: [String; 2],
}

/// A decision as it was taken.
pub(super) struct Decided {
    pub(super) what: String,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) reason: String,
}

pub(super) fn person_text(lang: Lang, member: Option<&Answers>) -> String {
    let Some(member) = member else { return "–".to_owned() };
    let text = |key: &str| member.get(key).and_then(Value::as_text).unwrap_or("");
    let also = match text("also_known_as") {
        "" => String::new(),
        name => format!(" ({name})"),
    };
    let words = ["relation", "sex"].map(|key| option_text(lang, key, text(key)));
    format!("{}{also} · {} · {} · {}", text("name"), words[0], words[1], text("birth"))
}

pub(super) fn warning_text(lang: Lang, warning: NumberWarning) -> &'static str {
    match warning {
        NumberWarning::Length => lang.t("không phải 12 (hoặc 9) chữ số", "not 12 (or 9) digits"),
        NumberWarning::Sign => {
            lang.t("có ký tự không phải chữ số", "holds other signs than digits")
        }
        NumberWarning::Placeholder => lang.t("chỉ một chữ số lặp lại", "one digit over and over"),
        NumberWarning::SexOrCentury => lang
            .t("chữ số thứ 4 không khớp giới tính, thế kỷ sinh", "4th digit: other sex or century"),
        NumberWarning::Year => {
            lang.t("chữ số 5–6 không khớp năm sinh", "5th and 6th digit: other year of birth")
        }
    }
}

pub(super) fn differs(lang: Lang, of: &Difference, members: &BTreeMap<String, Answers>) -> Differs {
    let is_number = matches!(&of.path, AnswerPath::Member(_, key) if key == "id_number");
    let text = |value: &Option<Value>| match value {
        None => "–".to_owned(),
        Some(Value::Text(number)) if is_number => id_number_text(number),
        Some(value) => path_value(lang, &of.path, value),
    };
    let values = of.values.each_ref().map(text);
    Differs { label: path_text(lang, &of.path, members), path: of.path.to_string(), values }
}

pub(super) fn decided(lang: Lang, of: &PairDecision) -> Decided {
    let what = match of.kind.as_str() {
        "linked" => lang.t("gộp", "merged"),
        "unlinked" => lang.t("bỏ gộp", "merge undone"),
        "dismissed" => lang.t("không trùng", "no duplicate"),
        _ => lang.t("xem lại", "to look at again"),
    };
    let fate = match of.fate.as_str() {
        "late" => {
            lang.t(" (muộn: chờ điều chỉnh danh sách đã chốt)", " (late: waits for an amendment)")
        }
        "void" => lang.t(" (không còn áp dụng được)", " (did not fit any more)"),
        _ => "",
    };
    let (by, at, reason) = (of.by.clone(), time_text(of.at_ms), of.reason.clone());
    Decided { what: format!("{what}{fate}"), by, at, reason }
}
