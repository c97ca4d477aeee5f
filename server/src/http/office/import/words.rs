//! What the kinds of tables are called, and what each is for.

use crate::http::imports::work::Kind;
use crate::http::office::frame::Lang;

/// Names a kind of table.
pub(super) fn kind_text(lang: Lang, kind: Kind) -> &'static str {
    match kind {
        Kind::Roster => lang.t("Danh sách hộ đầu kỳ", "Opening list of households"),
        Kind::Hamlets => {
            lang.t("Thôn và số hộ, nhân khẩu đăng ký", "Hamlets and registered counts")
        }
        Kind::Accounts => lang.t("Tài khoản", "Accounts"),
        Kind::Assignments => lang.t("Giao thôn cho rà soát viên", "Assignments of enumerators"),
    }
}

/// Says what a kind of table is for.
pub(super) fn about(lang: Lang, kind: Kind) -> &'static str {
    match kind {
        Kind::Roster => lang.t(
            "Hộ nghèo, hộ cận nghèo đang quản lý, mỗi thành viên một dòng. Mã hộ đã có được giữ nguyên.",
            "Poor and near-poor households now managed, one row a member. Codes already there stay as they are.",
        ),
        Kind::Hamlets => lang.t(
            "Mẫu số của tỷ lệ: số hộ, nhân khẩu, hộ DTTS của từng thôn, có ngày và nguồn. Tỉnh thêm thôn mới; xã cập nhật số liệu thôn của mình.",
            "Denominators of the rates: households, persons, DTTS households of each hamlet, with day and source. The province adds hamlets; a commune brings its own up to date.",
        ),
        Kind::Accounts => lang.t(
            "Người làm việc trong đợt. Mật khẩu ban đầu hiện một lần ngay sau khi ghi; rà soát viên dùng mã ghép thiết bị.",
            "People who work in the campaign. The first password is shown once, right after writing; enumerators use codes for devices.",
        ),
        Kind::Assignments => lang.t(
            "Rà soát viên nào phụ trách thôn (hoặc hộ) nào.",
            "Which enumerator works in which hamlet (or household).",
        ),
    }
}
