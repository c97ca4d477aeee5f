//! What is printed above and below a form: what the figures are, and what they rest on.

use shared::date::Date;
use shared::forms::Form;
use shared::register::{Period, Through};
use shared::standard::{Line, Standard};

use super::gather::{Gathered, Standing};
use crate::http::office::time_text;

fn line(vi: String, en: String) -> Line {
    Line { vi, en }
}

/// Writes what stands above the table.
pub(super) fn head(form: Form, gathered: &Gathered) -> Vec<Line> {
    let campaign = &gathered.seen.campaign;
    let (lists, due) = (gathered.lists, gathered.due);
    let mut head = vec![match &gathered.standing {
        Standing::Official => line(
            format!("SỐ LIỆU CHÍNH THỨC – tổng hợp từ {lists}/{due} danh sách đã công nhận"),
            format!("OFFICIAL – from {lists} of {due} recognised lists"),
        ),
        Standing::Preliminary(made) => {
            let (number, at, by) = (made.number, time_text(made.made_at_ms), &made.by);
            line(
                format!(
                    "SỐ LIỆU SƠ BỘ số {number} – chốt lúc {at}, người chốt {by}, gồm {lists}/{due} danh sách"
                ),
                format!(
                    "PRELIMINARY no. {number} – frozen at {at} by {by}, covers {lists} of {due} lists"
                ),
            )
        }
    }];
    if gathered.is_synthetic() {
        head.push(line(
            "Điểm B1 tính bằng bảng điểm giả định: không có giá trị chính thức".to_owned(),
            "B1 was computed with a synthetic score table: no figure here is official".to_owned(),
        ));
    }
    let (opening, review) = (campaign.opening_date.text_vi(), campaign.review_date.text_vi());
    let name = &campaign.name;
    head.push(line(
        format!("Đợt rà soát: {name}; đầu kỳ {opening}, ngày rà soát {review}"),
        format!("Campaign: {name}; opening {opening}, review date {review}"),
    ));
    if let Some(period) = gathered.period.filter(|_| form.has_persons()) {
        head.push(flows(&period));
    }
    let standard = &gathered.standard;
    head.push(line(
        format!("Chuẩn nghèo: {} ({})", standard.title.vi, standard.code),
        format!("Standard: {} ({})", standard.title.en, standard.code),
    ));
    head.push(map(gathered.seen.tree.date()));
    if let Standing::Preliminary(made) = &gathered.standing {
        head.push(line(
            format!("Mã kiểm chứng: {}", made.digest),
            format!("Verification code: {}", made.digest),
        ));
    }
    head
}

/// Says over which days flows are computed, and by which settings.
///
/// Source: practice 1 and 20 (unverified): settings, see `LEGAL.md`.
fn flows(period: &Period) -> Line {
    let (from, to) = (period.from.text_vi(), period.to.text_vi());
    let (vi, en) = match period.through {
        Through::None => ("không tính vào biến động", "counts in no flow"),
        Through::Both => ("tính vào cả tăng và giảm", "counts in both flows"),
    };
    let years = period.look_back_years;
    line(
        format!(
            "Biến động từ {from} đến {to}; hộ vào rồi ra trong kỳ {vi}; tái nghèo xét trong {years} năm (thiết lập, chưa có nguồn)"
        ),
        format!(
            "Flows from {from} to {to}; a household that comes and goes in between {en}; falling back looks {years} years back (a setting without a source)"
        ),
    )
}

/// Says on which map of units the figures are.
///
/// Source: the district level ended on 1 July 2025, see `LEGAL.md`.
fn map(date: Date) -> Line {
    let day = date.text_vi();
    let is_old = date.to_string().as_str() < "2025-07-01";
    let (vi, en) = if is_old {
        ("trước 01/7/2025, có cấp huyện", "before 1 July 2025, with districts")
    } else {
        ("từ 01/7/2025, không có cấp huyện", "since 1 July 2025, without districts")
    };
    line(
        format!("Bản đồ đơn vị hành chính: danh mục có hiệu lực ngày {day} ({vi})"),
        format!("Map of units: list in force on {day} ({en})"),
    )
}

/// Writes what stands below the table.
pub(super) fn foot(form: Form, gathered: &Gathered) -> Vec<Line> {
    let notes = form.notes().into_iter();
    let mut foot: Vec<Line> =
        notes.map(|note| line(note.vi.to_owned(), note.en.to_owned())).collect();
    foot.push(line(
        "Tỷ lệ là phân số chính xác của hai số đếm, làm tròn một lần, nửa lên, đến hai chữ số thập phân. Mẫu số là số hộ, nhân khẩu đăng ký theo thôn do xã nhập.".to_owned(),
        "Rates are exact fractions of counts, rounded half up once to two decimals, over the registered households and persons of the hamlets.".to_owned(),
    ));
    if gathered.persons_unknown > 0 && matches!(form, Form::PoorMovement | Form::NearPoorMovement) {
        let count = gathered.persons_unknown;
        foot.push(line(
            format!("Dòng nhân khẩu chưa đầy đủ: không có nhân khẩu của {count} hộ trong danh sách đầu kỳ cũ."),
            format!("The line of persons is not complete: of {count} households on an older opening list they are not known."),
        ));
    }
    let parts = gathered.standard.parts();
    let unverified = parts.iter().filter(|(_, standing)| !standing.verified);
    let named: Vec<Line> = unverified.map(|(name, _)| part(&gathered.standard, name)).collect();
    if !named.is_empty() {
        let all = |of: fn(&Line) -> &str| named.iter().map(of).collect::<Vec<_>>().join("; ");
        foot.push(line(
            format!("Phần của chuẩn chưa đối chiếu với văn bản gốc: {}", all(|part| &part.vi)),
            format!(
                "Parts of the standard not checked against the legal text: {}",
                all(|part| &part.en)
            ),
        ));
    }
    foot
}

/// Names a part of a standard in words; one without a word of its own by its key.
fn part(standard: &Standard, name: &str) -> Line {
    let indicator = name.strip_prefix("indicators.").and_then(|code| standard.indicator(code));
    if let Some(indicator) = indicator {
        let (vi, en) = (&indicator.label.vi, &indicator.label.en);
        return line(format!("chỉ số {vi}"), format!("indicator {en}"));
    }
    let (vi, en) = match name {
        "standard" => ("thời hạn áp dụng của chuẩn", "the standard's period"),
        "income" => ("mức chuẩn thu nhập", "income lines"),
        "thresholds" => ("ngưỡng điểm B1, B2", "B1 and B2 thresholds"),
        "form_a" => ("quy tắc Phiếu A", "rule of Phiếu A"),
        "dtts" => ("quy tắc hộ DTTS", "rule of DTTS households"),
        other => (other, other),
    };
    line(vi.to_owned(), en.to_owned())
}
