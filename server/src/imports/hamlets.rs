//! The hamlets of a campaign with their registered counts.

use std::collections::{BTreeMap, BTreeSet};

use shared::list::{Hamlet, Registered};
use shared::spreadsheet::{Column, Need, date, header};
use shared::unit::{Area, UnitTree};

use super::faults::{Faults, fault};
use super::file::File;
use super::rows::{Row, Rows, Sorted, Unreadable, read};

const fn count(
    key: &'static str,
    titles: &'static [&'static str],
    vi: &'static str,
    en: &'static str,
) -> Column {
    Column { key, titles, need: Need::Always, vi, en, example: "120" }
}

/// Columns of the hamlet list with its registered counts.
pub(crate) static HAMLET_COLUMNS: [Column; 15] = [
    Column {
        key: "unit",
        titles: &["Mã xã", "Mã đơn vị"],
        need: Need::Always,
        vi: "Mã xã, phường, thị trấn vào ngày rà soát.",
        en: "Code of the commune on the review date.",
        example: "19558",
    },
    Column {
        key: "code",
        titles: &["Mã thôn"],
        need: Need::Always,
        vi: "Mã thôn trong đợt: chữ số, chữ không dấu, dấu gạch; không trùng.",
        en: "Hamlet code in the campaign: digits, plain letters, dashes; each once.",
        example: "19558-01",
    },
    Column {
        key: "type_word",
        titles: &["Loại", "Loại thôn"],
        need: Need::Always,
        vi: "thôn, bản, khối, khóm, khu phố, tổ dân phố.",
        en: "Type word: thôn, bản, khối, khóm, khu phố, tổ dân phố.",
        example: "thôn",
    },
    Column {
        key: "name",
        titles: &["Tên thôn", "Thôn"],
        need: Need::Always,
        vi: "Tên, không kèm loại.",
        en: "Name without the type word.",
        example: "A Đăng",
    },
    Column {
        key: "area",
        titles: &["Khu vực"],
        need: Need::Always,
        vi: "urban (thành thị) hoặc rural (nông thôn).",
        en: "urban or rural.",
        example: "rural",
    },
    count("households", &["Số hộ"], "Số hộ dân cư vào ngày rà soát.", "Resident households."),
    count("persons", &["Số nhân khẩu"], "Số nhân khẩu.", "Persons."),
    count("dtts_households", &["Số hộ DTTS"], "Trong đó hộ DTTS.", "DTTS households of them."),
    count("dtts_persons", &["Số nhân khẩu DTTS"], "Nhân khẩu hộ DTTS.", "Persons in those."),
    count("opening_households", &["Số hộ đầu kỳ"], "Số hộ ngày đầu kỳ.", "At the opening date."),
    count("opening_persons", &["Số nhân khẩu đầu kỳ"], "Nhân khẩu đầu kỳ.", "Persons then."),
    count("opening_dtts_households", &["Số hộ DTTS đầu kỳ"], "Hộ DTTS đầu kỳ.", "DTTS then."),
    count(
        "opening_dtts_persons",
        &["Số nhân khẩu DTTS đầu kỳ"],
        "Nhân khẩu hộ DTTS đầu kỳ.",
        "Persons in those then.",
    ),
    Column {
        key: "source",
        titles: &["Nguồn", "Nguồn số liệu"],
        need: Need::Always,
        vi: "Văn bản hoặc sổ lấy số liệu, người ký.",
        en: "Paper or register the counts come from, who signed.",
        example: "Công an xã, Báo cáo 12/BC-CAX",
    },
    Column {
        key: "counted_on",
        titles: &["Ngày số liệu", "Ngày"],
        need: Need::Never,
        vi: "Ngày của số liệu: NGÀY/THÁNG/NĂM.",
        en: "Day of the counts: DD/MM/YYYY.",
        example: "01/12/2022",
    },
];

/// A hamlet with what is known of its counts.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) unit: String,
    pub(crate) hamlet: Hamlet,
    /// Day of the counts, `YYYY-MM-DD`; empty where nothing is said.
    pub(crate) counted_on: String,
}

/// What the caller may write.
pub(crate) struct Reach<'a> {
    pub(crate) tree: &'a UnitTree,
    /// Unit and area of each hamlet there is: none moves by import.
    pub(crate) known: &'a BTreeMap<String, (String, Area)>,
    /// The one commune of an officer, who counts in hamlets that are there and adds none.
    pub(crate) only: Option<&'a str>,
}

/// Reads the hamlet list.
pub(crate) fn hamlet_rows(
    file: &File<'_>,
    reach: &Reach<'_>,
) -> Result<Sorted<Vec<Counted>>, Unreadable> {
    let Rows { rows, mut faults, .. } = read(file, &HAMLET_COLUMNS)?;
    let units: BTreeSet<&str> = reach.tree.list_units().iter().map(|unit| unit.code()).collect();
    let mut hamlets = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let before = faults.len();
        let is_there = units.contains(&row["unit"]);
        if !is_there || reach.only.is_some_and(|only| *only != row["unit"]) {
            faults.push(fault(
                row.at,
                "unit",
                "Không có xã, phường, thị trấn này vào ngày rà soát, trong phạm vi của tài khoản.",
                "There is no such commune on the review date, in the account's scope.",
            ));
        }
        check_code(row, reach, seen.insert(row["code"].to_owned()), &mut faults);
        let area = area(row, &mut faults);
        check_change(row, reach, area, &mut faults);
        let counted_on = counted_on(row, &mut faults);
        let closing = registered(row, "", &mut faults);
        let opening = registered(row, "opening_", &mut faults);
        if faults.len() == before {
            let area = area.unwrap_or(Area::Rural);
            let hamlet = Hamlet {
                code: row["code"].to_owned(),
                type_word: row["type_word"].to_owned(),
                name: row["name"].to_owned(),
                area,
                closing,
                opening,
                source: row["source"].to_owned(),
            };
            hamlets.push(Counted { unit: row["unit"].to_owned(), hamlet, counted_on });
        }
    }
    Ok(Sorted::each(hamlets, faults))
}

fn check_code(row: &Row, reach: &Reach<'_>, is_new: bool, faults: &mut Faults) {
    let code = &row["code"];
    // Whose it is otherwise an officer is not told.
    let other = reach.known.get(code).filter(|(unit, _)| *unit != row["unit"]);
    if other.is_some() && reach.only.is_none() {
        faults.push(fault(
            row.at,
            "unit",
            "Mã thôn này đã thuộc xã khác trong đợt rà soát.",
            "This hamlet code belongs to another commune of the campaign.",
        ));
    }
    let plain = code.len() <= 32 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if code.is_empty() || !plain || !is_new {
        faults.push(fault(
            row.at,
            "code",
            "Mã thôn phải có, chỉ gồm chữ số, chữ cái không dấu và dấu gạch, không trùng.",
            "A hamlet code is needed: digits, plain letters and dashes, each once.",
        ));
    }
    for (column, vi) in
        [("type_word", "Thiếu loại (thôn, bản, khu phố …)."), ("name", "Thiếu tên thôn.")]
    {
        if row[column].is_empty() {
            faults.push(fault(row.at, column, vi, "It is missing."));
        }
    }
}

/// What a commune may not change: which hamlets there are and their area.
fn check_change(row: &Row, reach: &Reach<'_>, area: Option<Area>, faults: &mut Faults) {
    let Some(only) = reach.only else { return };
    match reach.known.get(&row["code"]).filter(|(unit, _)| unit == only) {
        None => faults.push(fault(
            row.at,
            "code",
            "Không có mã thôn này ở xã; tỉnh thêm thôn mới.",
            "The commune has no hamlet of this code; the province adds hamlets.",
        )),
        Some((_, known)) if area.is_some_and(|area| area != *known) => faults.push(fault(
            row.at,
            "area",
            "Khu vực quyết định ngưỡng điểm, do tỉnh đặt.",
            "The area decides thresholds; the province sets it.",
        )),
        Some(_) => {}
    }
}

fn area(row: &Row, faults: &mut Faults) -> Option<Area> {
    let area = match header(&row["area"]).as_str() {
        "urban" | "thanh thi" => Some(Area::Urban),
        "rural" | "nong thon" => Some(Area::Rural),
        _ => None,
    };
    if area.is_none() {
        faults.push(fault(
            row.at,
            "area",
            "Khu vực phải là urban (thành thị) hoặc rural (nông thôn).",
            "The area is urban or rural.",
        ));
    }
    area
}

fn counted_on(row: &Row, faults: &mut Faults) -> String {
    let cell = &row["counted_on"];
    let day = date(cell).filter(|day| day.is_exact());
    if !cell.is_empty() && day.is_none() {
        faults.push(fault(
            row.at,
            "counted_on",
            "Ngày phải là NGÀY/THÁNG/NĂM và có thật.",
            "The day is DD/MM/YYYY, and a real one.",
        ));
    }
    day.map(|day| day.to_string()).unwrap_or_default()
}

fn registered(row: &Row, prefix: &str, faults: &mut Faults) -> Registered {
    let mut count = |name: &str| {
        let column = format!("{prefix}{name}");
        match row[&column].parse::<u32>() {
            Ok(count) => u64::from(count),
            Err(_) => {
                faults.push(fault(
                    row.at,
                    column,
                    "Phải là số nguyên không âm, không có dấu chấm hàng nghìn.",
                    "A whole number, not negative, without separators.",
                ));
                0
            }
        }
    };
    let counts = Registered {
        households: count("households"),
        persons: count("persons"),
        dtts_households: count("dtts_households"),
        dtts_persons: count("dtts_persons"),
    };
    if counts.dtts_households > counts.households || counts.dtts_persons > counts.persons {
        faults.push(fault(
            row.at,
            format!("{prefix}dtts_households"),
            "Số DTTS lớn hơn tổng số.",
            "More DTTS than there are in all.",
        ));
    }
    counts
}
