//! What is wrong with a score table, told in both languages.

use serde::Serialize;
use shared::rule::RuleError;
use shared::score::{Place, TableError, TableProblem};

/// One thing that is wrong with a score table, and where.
#[derive(Debug, Serialize)]
pub(crate) struct TableFault {
    /// What to change, in Vietnamese.
    pub(crate) vi: String,
    /// The same in English.
    pub(crate) en: String,
}

impl From<&TableError> for TableFault {
    fn from(error: &TableError) -> Self {
        let vi = format!("{}: {}", place(&error.place), problem(&error.problem));
        Self { vi, en: error.to_string() }
    }
}

fn place(place: &Place) -> String {
    match place {
        Place::Table => "bảng điểm".to_owned(),
        Place::Item { number, code } => format!("mục {number} ({code})"),
        Place::Choice { number, code, choice } => {
            format!("mục {number} ({code}), lựa chọn {choice}")
        }
    }
}

fn problem(problem: &TableProblem) -> String {
    match problem {
        TableProblem::Malformed { reason } => format!("không đọc được ({reason})"),
        TableProblem::Heading => "cần mã, phiên bản, tên bằng hai ngôn ngữ và nguồn; bảng giả lập \
                                  phải ghi rõ là giả lập"
            .to_owned(),
        TableProblem::SyntheticCode => "mã của bảng giả lập phải có chữ “synthetic”; mã và phiên \
                                        bản của bảng khác thì không"
            .to_owned(),
        TableProblem::Regions => {
            "vùng phải có trong danh mục, mỗi vùng một lần, gồm urban và ít nhất một vùng nông thôn"
                .to_owned()
        }
        TableProblem::Rows => "không có dòng nào, hoặc quá nhiều dòng".to_owned(),
        TableProblem::Duplicate => "mã bị dùng hai lần".to_owned(),
        TableProblem::Otherwise => {
            "chỉ lựa chọn cuối cùng, và đúng lựa chọn đó, là “otherwise”".to_owned()
        }
        TableProblem::Rule(error) => rule(error),
        TableProblem::MissingRegion { region } => format!("thiếu điểm của vùng {region}"),
        TableProblem::ExtraRegion { region } => {
            format!("có điểm của {region}, không phải vùng của bảng này")
        }
        TableProblem::Negative { region, points } => {
            format!("{points} điểm ở vùng {region}: điểm không được âm")
        }
        TableProblem::Total { region, total } => {
            format!("tổng điểm cao nhất của vùng {region} là {total}, ngoài khoảng cho phép")
        }
    }
}

fn rule(error: &RuleError) -> String {
    match error {
        RuleError::TooDeep { limit } => format!("quy tắc lồng nhau quá {limit} cấp"),
        RuleError::UnknownKey { key } => format!("phiếu không có mục “{key}”"),
        RuleError::AgeOutsideMember => "hỏi tuổi ngoài quy tắc về thành viên".to_owned(),
        RuleError::HouseholdRuleInsideMember => {
            "quy tắc về mọi thành viên nằm trong quy tắc về một thành viên".to_owned()
        }
        RuleError::Empty => "danh sách phần hoặc mã bị trống".to_owned(),
        RuleError::Range => "khoảng, số đếm hoặc tỷ lệ trống hoặc không có giới hạn".to_owned(),
    }
}
