//! Columns of the opening list: the exchange spreadsheet, one row a member.

use shared::spreadsheet::{Column, Need};

const fn always(
    key: &'static str,
    titles: &'static [&'static str],
    vi: &'static str,
    en: &'static str,
    example: &'static str,
) -> Column {
    Column { key, titles, need: Need::Always, vi, en, example }
}

/// Columns of the opening list (danh sách hộ nghèo, hộ cận nghèo đang quản lý), one row a member.
/// Others, such as those of points and causes, are passed over.
///
/// Source: exchange list of an open-source tool of Hậu Lộc, Thanh Hóa; the codes of households and
/// hamlets are our addition.
pub(crate) static ROSTER_COLUMNS: [Column; 16] = [
    Column {
        key: "household",
        titles: &["Mã hộ", "Mã hộ gia đình"],
        need: Need::Unless("head"),
        vi: "Mã hộ, như nhau ở mọi dòng của hộ. Không có thì cần Họ tên chủ hộ ở mọi dòng.",
        en: "Code of the household, the same in all its rows. Without it the head's name is needed \
             in every row.",
        example: "19558-01-0001",
    },
    Column {
        key: "hamlet",
        titles: &["Mã thôn"],
        need: Need::Unless("hamlet_name"),
        vi: "Mã thôn trong đợt rà soát. Không có thì cần Mã xã và Thôn.",
        en: "Hamlet code in the campaign. Without it commune code and hamlet name are needed.",
        example: "19558-01",
    },
    always(
        "class",
        &["Phân loại hộ", "Phân loại", "Diện", "Diện hộ"],
        "Hộ nghèo (poor) hoặc Hộ cận nghèo (near_poor). Dòng “thoát nghèo” được bỏ qua.",
        "poor or near_poor. Rows of households that escaped are passed over.",
        "Hộ nghèo",
    ),
    always(
        "decision",
        &["Số quyết định", "Quyết định"],
        "Số quyết định công nhận.",
        "Number of the recognising decision.",
        "QĐ 30/QĐ-UBND",
    ),
    always(
        "dtts",
        &["Hộ DTTS", "DTTS", "Hộ dân tộc thiểu số"],
        "1 (có) hoặc 0 (không).",
        "1 or 0.",
        "1",
    ),
    always(
        "name",
        &["Họ và tên", "Họ tên", "Họ và tên thành viên", "Họ tên thành viên"],
        "Họ tên thành viên.",
        "Name of the member.",
        "Hồ Thị Đào",
    ),
    always(
        "relation",
        &["Quan hệ với chủ hộ", "Quan hệ"],
        "Theo Phiếu B: Chủ hộ, Vợ/chồng, Con …; đúng một chủ hộ mỗi hộ.",
        "As in Phiếu B: Head, Spouse, Child …; one head in each household.",
        "Chủ hộ",
    ),
    always(
        "birth",
        &["Ngày sinh", "Ngày tháng năm sinh", "Năm sinh"],
        "NĂM, THÁNG/NĂM hoặc NGÀY/THÁNG/NĂM.",
        "YYYY, MM/YYYY or DD/MM/YYYY.",
        "04/12/1980",
    ),
    always("sex", &["Giới tính"], "Nam hoặc Nữ.", "male or female.", "Nữ"),
    always(
        "ethnicity",
        &["Dân tộc"],
        "Tên hoặc mã hai chữ số của dân tộc.",
        "Name or two-digit code of the ethnic group.",
        "Bru-Vân Kiều",
    ),
    always(
        "id_number",
        &["Số định danh cá nhân/CCCD", "Số định danh", "CCCD", "Số CCCD", "CCCD/CMND"],
        "12 chữ số (CMND cũ: 9), ô dạng Văn bản; để trống nếu chưa có.",
        "12 digits (9 on an old card), in a text cell; empty where there is none.",
        "",
    ),
    Column {
        key: "decision_date",
        titles: &["Ngày quyết định"],
        need: Need::Never,
        vi: "Ngày của quyết định: NGÀY/THÁNG/NĂM.",
        en: "Date of the decision: DD/MM/YYYY.",
        example: "05/12/2021",
    },
    Column {
        key: "head",
        titles: &["Họ tên chủ hộ", "Họ và tên chủ hộ", "Chủ hộ", "Tên chủ hộ"],
        need: Need::Never,
        vi: "Họ tên chủ hộ, như nhau ở mọi dòng của hộ.",
        en: "Name of the head, the same in all rows of the household.",
        example: "Hồ Thị Đào",
    },
    Column {
        key: "unit",
        titles: &["Mã xã"],
        need: Need::Never,
        vi: "Mã xã, cần khi không có mã thôn.",
        en: "Code of the commune, needed without a hamlet code.",
        example: "19558",
    },
    Column {
        key: "hamlet_name",
        titles: &["Thôn", "Tên thôn", "Thôn/bản/khối/khóm/khu phố", "Thôn, bản"],
        need: Need::Never,
        vi: "Tên thôn, có hoặc không kèm loại.",
        en: "Name of the hamlet, with or without its type word.",
        example: "thôn A Đăng",
    },
    Column {
        key: "list",
        titles: &["Danh sách"],
        need: Need::Never,
        vi: "Danh sách nào; “thoát nghèo”, “thoát cận nghèo” được bỏ qua.",
        en: "Which list; those of households that escaped are passed over.",
        example: "Hộ nghèo, hộ cận nghèo",
    },
];
