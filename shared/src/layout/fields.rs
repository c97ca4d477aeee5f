//! The fields that a table may have, in which forms, and the columns of the exchange layout.

use mobile_schema::form::{Form, Kind as Asked, Scope};

use super::{Column, Format};
use crate::standard::Standard;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// A day, a month or a year.
    Day,
    /// Yes or no.
    Flag,
    /// One of several codes, each with a label.
    Choice,
}

impl Kind {
    /// Lists the forms it can be written in.
    pub fn formats(self) -> &'static [Format] {
        match self {
            Self::Text | Self::Number => &[Format::Text],
            Self::Day => &[Format::Text, Format::Iso],
            Self::Flag => &[Format::Text, Format::X, Format::CoKhong],
            Self::Choice => &[Format::Text, Format::Code],
        }
    }

    /// Tells whether it can be written in a form.
    pub fn takes(self, format: Format) -> bool {
        self.formats().contains(&format)
    }
}

/// A field that a column may show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Our key.
    pub key: String,
    /// What it is, in Vietnamese; the usual title of its column.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// What it holds.
    pub kind: Kind,
    /// Set where only a row of a member has it.
    pub of_member: bool,
}

impl Field {
    /// Makes the usual column of it.
    pub(super) fn column(&self) -> Column {
        Column { key: self.key.clone(), title: self.vi.clone(), format: Format::Text }
    }
}

/// The columns of the exchange layout, in its order.
///
/// Source: exchange list of an open-source tool of Hậu Lộc, Thanh Hóa. The codes of household and
/// hamlet in front are our addition: without them two lists cannot be told to mean the same family.
pub(super) const EXCHANGE: [&str; 27] = [
    "household",
    "list",
    "head",
    "name",
    "relation",
    "birth",
    "sex",
    "id_number",
    "province",
    "district",
    "district_code",
    "commune",
    "unit",
    "hamlet_name",
    "hamlet",
    "ethnicity",
    "class",
    "decision",
    "decision_date",
    "b1",
    "b2",
    "dtts",
    "no_labour",
    "has_merit",
    "causes",
    "age",
    "members",
];

type Fixed = (&'static str, &'static str, &'static str, Kind, bool);

/// The fields beside answers and indicators.
const FIXED: [Fixed; 46] = [
    ("household", "Mã hộ", "Household code", Kind::Text, false),
    ("document", "Mã hồ sơ", "Document id", Kind::Text, false),
    ("list", "Danh sách", "List", Kind::Text, false),
    ("province", "Tỉnh", "Province", Kind::Text, false),
    ("district_code", "Mã huyện", "District code", Kind::Text, false),
    ("district", "Huyện", "District", Kind::Text, false),
    ("unit", "Mã xã", "Commune code", Kind::Text, false),
    ("commune", "Xã", "Commune", Kind::Text, false),
    ("hamlet", "Mã thôn", "Hamlet code", Kind::Text, false),
    ("hamlet_name", "Thôn", "Hamlet", Kind::Text, false),
    ("area", "Khu vực", "Area", Kind::Choice, false),
    ("head", "Họ tên chủ hộ", "Head of the household", Kind::Text, false),
    ("members", "Số nhân khẩu", "Members", Kind::Number, false),
    ("head_ethnicity", "Dân tộc chủ hộ", "Ethnicity of the head", Kind::Choice, false),
    ("dtts", "Hộ DTTS", "Ethnic-minority household", Kind::Flag, false),
    (
        "no_labour",
        "Hộ không có khả năng lao động",
        "No labour capacity (unverified)",
        Kind::Flag,
        false,
    ),
    ("has_merit", "Hộ có người có công", "Person with merit", Kind::Flag, false),
    ("female_head", "Chủ hộ là nữ", "Female head", Kind::Flag, false),
    ("opening_class", "Phân loại đầu kỳ", "Class at the start", Kind::Choice, false),
    ("outcome", "Kết quả thăm hộ", "Outcome of the visit", Kind::Choice, false),
    ("class", "Phân loại hộ", "Class", Kind::Choice, false),
    ("b1", "Điểm B1", "B1 points", Kind::Number, false),
    ("b1_method", "Cách xác định B1", "How B1 was obtained", Kind::Text, false),
    ("score_table", "Bảng điểm", "Score table", Kind::Text, false),
    ("b2", "Điểm B2", "B2 points", Kind::Number, false),
    ("deprived", "Chỉ số thiếu hụt", "Deprived indicators", Kind::Text, false),
    ("causes", "Nguyên nhân nghèo", "Causes", Kind::Text, false),
    ("decision", "Số quyết định", "Decision number", Kind::Text, false),
    ("decision_date", "Ngày quyết định", "Decision date", Kind::Day, false),
    ("disputes", "Số thông tin chưa thống nhất", "Open disputes", Kind::Number, false),
    ("missing", "Thông tin còn thiếu", "Missing answers", Kind::Text, false),
    ("flags", "Cần xem lại", "To look at", Kind::Text, false),
    ("changes_device", "Số lần gửi từ thiết bị", "Changes from devices", Kind::Number, false),
    ("changes_session", "Số lần gửi qua phiên", "Changes from sessions", Kind::Number, false),
    ("changes_desk", "Số lần ghi tại cơ quan", "Changes from offices", Kind::Number, false),
    ("asked_by", "Người hỏi", "Who asked", Kind::Text, false),
    ("answered_by", "Người cung cấp thông tin", "Who answered", Kind::Text, false),
    ("typed_by", "Người nhập phiếu", "Who typed", Kind::Text, false),
    ("member", "Mã thành viên", "Member id", Kind::Text, true),
    ("name", "Họ và tên", "Name", Kind::Text, true),
    ("relation", "Quan hệ với chủ hộ", "Relation to the head", Kind::Choice, true),
    ("birth", "Ngày sinh", "Birth", Kind::Day, true),
    ("sex", "Giới tính", "Sex", Kind::Choice, true),
    ("id_number", "Số định danh cá nhân/CCCD", "ID number", Kind::Text, true),
    ("ethnicity", "Dân tộc", "Ethnicity", Kind::Choice, true),
    ("age", "Tuổi", "Age", Kind::Number, true),
];

fn kind_of(asked: &Asked) -> Kind {
    match asked {
        Asked::Choice { .. } => Kind::Choice,
        Asked::Ticks { .. } | Asked::YesNo => Kind::Flag,
        Asked::Counts { .. } | Asked::Integer { .. } => Kind::Number,
        Asked::Text { .. } | Asked::Digits { .. } => Kind::Text,
        Asked::PartialDate => Kind::Day,
    }
}

/// Lists every field: those of the household and its place, indicators, and all answers.
pub fn fields(standard: &Standard) -> Vec<Field> {
    let fixed = FIXED.iter().map(|(key, vi, en, kind, of_member)| Field {
        key: (*key).to_owned(),
        vi: (*vi).to_owned(),
        en: (*en).to_owned(),
        kind: *kind,
        of_member: *of_member,
    });
    let indicators = standard.indicators.iter().map(|indicator| Field {
        key: format!("indicator.{}", indicator.code),
        vi: format!("Thiếu hụt: {}", indicator.label.vi),
        en: format!("Deprived: {}", indicator.label.en),
        kind: Kind::Flag,
        of_member: false,
    });
    let answers = Form::phieu_b().keys().into_iter().map(|answer| {
        let of_member = answer.scope == Scope::Member;
        let (label, option) = (&answer.question.label, answer.option.map(|option| &option.label));
        let with = |text: &str, option: Option<&str>| match option {
            Some(option) => format!("{text} – {option}"),
            None => text.to_owned(),
        };
        Field {
            key: format!("{}.{}", if of_member { "member" } else { "answer" }, answer.key),
            vi: with(&label.vi, option.map(|option| option.vi.as_str())),
            en: with(&label.en, option.map(|option| option.en.as_str())),
            kind: kind_of(&answer.question.kind),
            of_member,
        }
    });
    fixed.chain(indicators).chain(answers).collect()
}

/// Makes columns of fixed fields under their usual titles.
pub(super) fn titled(keys: &[&str]) -> Vec<Column> {
    let column = |key: &&str| {
        let field = FIXED.iter().find(|field| field.0 == *key)?;
        let (key, title) = (field.0.to_owned(), field.1.to_owned());
        Some(Column { key, title, format: Format::Text })
    };
    keys.iter().filter_map(column).collect()
}
