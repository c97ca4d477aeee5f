//! The official report forms 7.1 to 7.5: which there are, and what their columns hold, as data.
//!
//! Page, spreadsheet and CSV are written from the same columns, so that a formula is stated once.
//! Form numbers and columns are those of templates that were read; nothing here is official beyond
//! what `LEGAL.md`, "Report figures (forms 7.x)", grades as verified.

mod check;
mod column;
mod csv;
mod movement;
mod preliminary;
mod table;
mod tally;

use serde::{Deserialize, Serialize};

pub use self::check::{Check, Difference, checks, differences, opening_checks};
pub use self::column::{Column, Holds, Term, columns};
pub use self::csv::csv;
pub use self::movement::{Flow, Movement, Size};
pub use self::preliminary::{Covered, Preliminary, is_counted};
pub use self::table::{Cell, Formula, Kind, Measure, Row, UnitLine, lines, rows};
pub use self::tally::{Group, HamletPart, Part, Tally};

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Vietnamese.
    pub vi: &'static str,
    /// English.
    pub en: &'static str,
}

/// The two classes that the forms follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Hộ nghèo.
    Poor,
    /// Hộ cận nghèo.
    NearPoor,
}

impl Side {
    /// Returns the other of the two.
    pub const fn other(self) -> Self {
        match self {
            Self::Poor => Self::NearPoor,
            Self::NearPoor => Self::Poor,
        }
    }
}

/// One table of Annex VII.
///
/// Source: Circular 07/2021/TT-BLĐTBXH, Annex VII, see `LEGAL.md`. Forms 7.4 and 7.5 are printed once
/// for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Form {
    /// 7.1, result of the review.
    #[serde(rename = "7.1")]
    Result,
    /// 7.2, movement of poor households (diễn biến hộ nghèo).
    #[serde(rename = "7.2")]
    PoorMovement,
    /// 7.3, movement of near-poor households.
    #[serde(rename = "7.3")]
    NearPoorMovement,
    /// 7.4 for poor households: how many are deprived in each indicator.
    #[serde(rename = "7.4-poor")]
    PoorDeprived,
    /// 7.4 for near-poor households.
    #[serde(rename = "7.4-near-poor")]
    NearPoorDeprived,
    /// 7.5 for poor households: the same as rates.
    #[serde(rename = "7.5-poor")]
    PoorDeprivedRates,
    /// 7.5 for near-poor households.
    #[serde(rename = "7.5-near-poor")]
    NearPoorDeprivedRates,
}

impl Form {
    /// Every form, in the order of the annex.
    pub const ALL: [Self; 7] = [
        Self::Result,
        Self::PoorMovement,
        Self::NearPoorMovement,
        Self::PoorDeprived,
        Self::NearPoorDeprived,
        Self::PoorDeprivedRates,
        Self::NearPoorDeprivedRates,
    ];

    /// Returns the name used in addresses and of sheets.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Result => "7.1",
            Self::PoorMovement => "7.2",
            Self::NearPoorMovement => "7.3",
            Self::PoorDeprived => "7.4-poor",
            Self::NearPoorDeprived => "7.4-near-poor",
            Self::PoorDeprivedRates => "7.5-poor",
            Self::NearPoorDeprivedRates => "7.5-near-poor",
        }
    }

    /// Finds a form by its code.
    ///
    /// ```
    /// use shared::forms::Form;
    ///
    /// assert_eq!(Form::by_code("7.2"), Some(Form::PoorMovement));
    /// assert_eq!(Form::by_code("7.11"), None);
    /// ```
    pub fn by_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.code() == code)
    }

    /// Returns a short name: the number and, where it is printed once for each class, the class.
    pub const fn short(self) -> Text {
        match self {
            Self::Result => Text { vi: "7.1", en: "7.1" },
            Self::PoorMovement => Text { vi: "7.2", en: "7.2" },
            Self::NearPoorMovement => Text { vi: "7.3", en: "7.3" },
            Self::PoorDeprived => Text { vi: "7.4 hộ nghèo", en: "7.4 poor" },
            Self::NearPoorDeprived => Text { vi: "7.4 hộ cận nghèo", en: "7.4 near-poor" },
            Self::PoorDeprivedRates => Text { vi: "7.5 hộ nghèo", en: "7.5 poor" },
            Self::NearPoorDeprivedRates => {
                Text { vi: "7.5 hộ cận nghèo", en: "7.5 near-poor" }
            }
        }
    }

    /// Returns the number printed on the form.
    pub fn number(self) -> &'static str {
        self.code().get(..3).unwrap_or_default()
    }

    /// Returns the title. The wording is ours: the printed one was not read.
    pub const fn title(self) -> Text {
        match self {
            Self::Result => Text {
                vi: "Tổng hợp kết quả rà soát hộ nghèo, hộ cận nghèo",
                en: "Result of the review of poor and near-poor households",
            },
            Self::PoorMovement => {
                Text { vi: "Diễn biến hộ nghèo", en: "Movement of poor households" }
            }
            Self::NearPoorMovement => Text {
                vi: "Diễn biến hộ cận nghèo",
                en: "Movement of near-poor households",
            },
            Self::PoorDeprived => Text {
                vi: "Số hộ nghèo thiếu hụt theo từng chỉ số",
                en: "Poor households deprived in each indicator",
            },
            Self::NearPoorDeprived => Text {
                vi: "Số hộ cận nghèo thiếu hụt theo từng chỉ số",
                en: "Near-poor households deprived in each indicator",
            },
            Self::PoorDeprivedRates => Text {
                vi: "Tỷ lệ hộ nghèo thiếu hụt theo từng chỉ số",
                en: "Rates of poor households deprived in each indicator",
            },
            Self::NearPoorDeprivedRates => Text {
                vi: "Tỷ lệ hộ cận nghèo thiếu hụt theo từng chỉ số",
                en: "Rates of near-poor households deprived in each indicator",
            },
        }
    }

    /// Returns the form whose columns this one's formulas read, where it is another.
    pub const fn rests_on(self) -> Option<Self> {
        match self {
            Self::PoorDeprivedRates => Some(Self::PoorDeprived),
            Self::NearPoorDeprivedRates => Some(Self::NearPoorDeprived),
            _ => None,
        }
    }

    /// Tells whether every unit has two lines: households and persons.
    pub const fn has_persons(self) -> bool {
        matches!(self, Self::PoorMovement | Self::NearPoorMovement)
    }

    /// Says what a reader must know of the figures: what they cannot tell, and what is unverified.
    ///
    /// Source: `LEGAL.md`, "Report figures (forms 7.x)".
    pub fn notes(self) -> Vec<Text> {
        let mut notes = vec![LAYOUT];
        match self {
            Self::Result => notes.push(NUMBER_INFERRED),
            Self::PoorMovement => notes.extend(MOVEMENT),
            Self::NearPoorMovement => {
                notes.push(NUMBER_INFERRED);
                notes.extend(MOVEMENT);
            }
            Self::PoorDeprived | Self::NearPoorDeprived => notes.push(COLUMN_NUMBERS),
            Self::PoorDeprivedRates | Self::NearPoorDeprivedRates => {
                notes.push(COLUMN_NUMBERS);
                notes.push(OF_THE_CLASS);
            }
        }
        notes
    }
}

const LAYOUT: Text = Text {
    vi: "Tên biểu và cách trình bày chưa đối chiếu với bản gốc Phụ lục VII, Thông tư 07/2021/TT-BLĐTBXH.",
    en: "Title and layout were not checked against the original of Annex VII, Circular 07/2021.",
};

const NUMBER_INFERRED: Text = Text {
    vi: "Số hiệu của biểu này được suy ra từ nội dung các mẫu, chưa đọc thấy trên bản gốc.",
    en: "The number of this form is inferred from the templates; it was not read on the original.",
};

const COLUMN_NUMBERS: Text = Text {
    vi: "Thứ tự chỉ số theo bộ chuẩn; số thứ tự cột chưa đối chiếu với bản gốc.",
    en: "Indicators in the order of the standard; the columns' numbers were not checked.",
};

const OF_THE_CLASS: Text = Text {
    vi: "Tỷ lệ tính trên số hộ thuộc diện của biểu, không phải trên tổng số hộ dân cư.",
    en: "Rates are over the households of the form's class, not over all resident households.",
};

const MOVEMENT: [Text; 4] = [
    Text {
        vi: "Tính từ sổ quản lý: các quyết định có hiệu lực trong kỳ, từng hộ. Cột 1 là hộ đang quản lý ngày đầu kỳ, cột 9 đếm độc lập từ danh sách đã công nhận.",
        en: "Computed from the register: the decisions of the period, household by household. Column 1 is the register on the first day; column 9 is counted apart, from the recognised lists.",
    },
    Text {
        vi: "Cột 6: hộ đã vượt chuẩn trong thời gian xét tái nghèo, nay trở lại danh sách; thời gian này là một thiết lập, chưa tìm thấy trong văn bản. Cột 8: hộ chuyển đến, hộ tách. Cột 4: hộ chuyển đi, nhập hộ, không còn ai, hoặc Ban Chỉ đạo đưa ra khỏi danh sách. Hộ chuyển giữa hai thôn ghi ở cột 4 của thôn cũ và cột 8 của thôn mới.",
        en: "Column 6: rose above the lines within the look-back and is on a list again; the look-back is a setting, none was found in a text. Column 8: moved in, split. Column 4: moved out, joined, died out, or taken off by the committee. A move between hamlets stands in column 4 of the one and column 8 of the other.",
    },
    Text {
        vi: "Hộ vừa chuyển xã và đổi diện trong kỳ: cột 4 của xã cũ theo diện cũ, cột 8 của xã mới theo diện mới; vượt chuẩn ở xã mới thì chỉ có cột 4 của xã cũ. Hộ đó không ở cột 2, 3, 5 của xã nào, cả trong số cộng của huyện, tỉnh. Cách ghi này chưa tìm thấy trong văn bản.",
        en: "A household that moved to another commune and changed its class: column 4 of the old commune under the old class, column 8 of the new one under the new class; risen above the lines there, column 4 of the old one alone. It is in column 2, 3 or 5 of neither, in the sums of a district or province as well. No text was found that says so.",
    },
    Text {
        vi: "Dòng nhân khẩu: thành viên tăng, giảm của hộ ở lại ghi ở cột 8, cột 4. Hộ đổi diện hoặc vượt chuẩn tính số nhân khẩu lúc rà soát, hộ rời danh sách tính số nhân khẩu đã ghi lần trước.",
        en: "Persons: members who came or left stand in columns 8 and 4. A household that changed class or rose counts as at the review, one that left with the members it had before.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_its_code_and_is_kept_under_it() {
        for form in Form::ALL {
            assert_eq!(Form::by_code(form.code()), Some(form));
            assert_eq!(serde_json::to_value(form).ok(), Some(form.code().into()));
            assert!(form.number().starts_with("7.") && form.number().len() == 3);
        }
    }
}
