//! The reasons for a class, in the words people see.
//!
//! Written from the finished result only, so that it can never say anything else than the result.

use super::{B1, B1Method, Class, Classification};
use crate::standard::{Line, Standard};
use crate::unit::Area;

/// Says in a few lines how the class came about.
pub(super) fn explain(result: &Classification, standard: &Standard) -> Vec<Line> {
    let mut lines = vec![class_line(result, standard)];
    lines.extend(result.b1.as_ref().map(b1_line));
    let deprived = result.indicators.iter().zip(&standard.indicators);
    let labels: Vec<&Line> = deprived
        .filter(|(one, _)| one.deprived == Some(true))
        .map(|(_, indicator)| &indicator.label)
        .collect();
    if !labels.is_empty() {
        let join = |pick: fn(&Line) -> &str| {
            labels.iter().map(|line| pick(line)).collect::<Vec<_>>().join("; ")
        };
        let (vi, en) = (join(|line| &line.vi), join(|line| &line.en));
        let count = labels.len();
        lines.push(Line {
            vi: format!("Thiếu hụt {count} chỉ số: {vi}."),
            en: format!("Deprived in {count}: {en}."),
        });
    }
    if !result.missing.is_empty() {
        let count = result.missing.len();
        lines.push(Line {
            vi: format!("Còn thiếu {count} thông tin."),
            en: format!("{count} answers or sources are missing."),
        });
    }
    if !result.unverified.is_empty() {
        let count = result.unverified.len();
        lines.push(Line {
            vi: format!("Có {count} phần của quy tắc chưa đối chiếu với văn bản gốc."),
            en: format!("{count} parts of the rules were not checked against the legal text."),
        });
    }
    lines
}

/// States the comparison that decides, with its numbers.
fn class_line(result: &Classification, standard: &Standard) -> Line {
    let (vi, en) = (result.class.label_vi(), result.class.label_en());
    let (area_vi, area_en) = match result.area {
        Area::Urban => ("thành thị", "urban"),
        Area::Rural => ("nông thôn", "rural"),
    };
    let line = standard.thresholds.b1.of(result.area);
    let poor = standard.thresholds.b2_poor;
    let (Some(b1), Some(b2)) = (&result.b1, result.b2) else {
        return Line { vi: format!("{vi}."), en: format!("{en}.") };
    };
    let b1 = b1.points;
    let (income, and_b2) = match result.class {
        Class::Poor => ("≤", Some("≥")),
        Class::NearPoor => ("≤", Some("<")),
        Class::Above | Class::Insufficient => (">", None),
    };
    let (tail_vi, tail_en) = match and_b2 {
        Some(sign) => {
            (format!(" và B2 = {b2} {sign} {poor}"), format!(" and B2 = {b2} {sign} {poor}"))
        }
        None => (String::new(), String::new()),
    };
    Line {
        vi: format!("{vi}: B1 = {b1} {income} {line} ({area_vi}){tail_vi}."),
        en: format!("{en}: B1 = {b1} {income} {line} ({area_en}){tail_en}."),
    }
}

/// States where B1 comes from.
fn b1_line(b1: &B1) -> Line {
    let table = b1.table.as_deref().unwrap_or_default();
    match (b1.method, b1.synthetic) {
        (B1Method::Computed, true) => Line {
            vi: format!("B1 tính theo bảng điểm GIẢ LẬP {table}: không phải bảng chính thức."),
            en: format!("B1 computed with the SYNTHETIC table {table}: not the official one."),
        },
        (B1Method::Computed, false) => Line {
            vi: format!("B1 tính theo bảng điểm {table}."),
            en: format!("B1 computed with score table {table}."),
        },
        (B1Method::ItemPoints, _) => Line {
            vi: format!("B1 cộng từ {} mục đọc theo sổ tay.", b1.items.len()),
            en: format!("B1 summed from {} items read from the handbook.", b1.items.len()),
        },
        (B1Method::Entered, _) => Line {
            vi: "B1 nhập từ tổng điểm trên phiếu giấy.".to_owned(),
            en: "B1 entered as the total on paper.".to_owned(),
        },
    }
}
