//! The hamlets of a campaign with their registered counts.

use std::collections::{BTreeMap, BTreeSet};

use shared::list::{Hamlet, Registered};
use shared::unit::{Area, UnitTree};

use super::rows::{RowFault, Rows, Sorted, fault, read};

/// Columns of the hamlet list with its registered counts.
pub(crate) const HAMLET_COLUMNS: [&str; 14] = [
    "unit",
    "code",
    "type_word",
    "name",
    "area",
    "households",
    "persons",
    "dtts_households",
    "dtts_persons",
    "opening_households",
    "opening_persons",
    "opening_dtts_households",
    "opening_dtts_persons",
    "source",
];

/// Reads the hamlet list. `known` holds the unit of each hamlet there is: none moves by import.
pub(crate) fn hamlet_rows(
    text: &str,
    tree: &UnitTree,
    known: &BTreeMap<String, String>,
) -> Sorted<(String, Hamlet)> {
    let Rows { rows, mut faults, .. } = read(text, &HAMLET_COLUMNS)?;
    let units: BTreeSet<&str> = tree.list_units().iter().map(|unit| unit.code()).collect();
    let mut hamlets = Vec::new();
    let mut seen = BTreeSet::new();
    for (line, row) in &rows {
        let before = faults.len();
        if !units.contains(row["unit"].as_str()) {
            faults.push(fault(
                *line,
                "unit",
                "Không có xã, phường, thị trấn này vào ngày rà soát.",
                "There is no such commune on the review date.",
            ));
        }
        let code = &row["code"];
        if known.get(code).is_some_and(|unit| *unit != row["unit"]) {
            faults.push(fault(
                *line,
                "unit",
                "Mã thôn này đã thuộc xã khác trong đợt rà soát.",
                "This hamlet code belongs to another commune of the campaign.",
            ));
        }
        let plain =
            code.len() <= 32 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if code.is_empty() || !plain || !seen.insert(code.clone()) {
            faults.push(fault(
                *line,
                "code",
                "Mã thôn phải có, chỉ gồm chữ số, chữ cái không dấu và dấu gạch, không trùng.",
                "A hamlet code is needed: digits, plain letters and dashes, each once.",
            ));
        }
        for (column, vi) in
            [("type_word", "Thiếu loại (thôn, bản, khu phố …)."), ("name", "Thiếu tên thôn.")]
        {
            if row[column].is_empty() {
                faults.push(fault(*line, column, vi, "It is missing."));
            }
        }
        let area = match row["area"].as_str() {
            "urban" => Some(Area::Urban),
            "rural" => Some(Area::Rural),
            _ => None,
        };
        if area.is_none() {
            faults.push(fault(
                *line,
                "area",
                "Khu vực phải là urban hoặc rural.",
                "The area is urban or rural.",
            ));
        }
        let closing = registered(*line, row, "", &mut faults);
        let opening = registered(*line, row, "opening_", &mut faults);
        if faults.len() == before {
            let area = area.unwrap_or(Area::Rural);
            let hamlet = Hamlet {
                code: code.clone(),
                type_word: row["type_word"].clone(),
                name: row["name"].clone(),
                area,
                closing,
                opening,
                source: row["source"].clone(),
            };
            hamlets.push((row["unit"].clone(), hamlet));
        }
    }
    Ok((hamlets, faults))
}

fn registered(
    line: u64,
    row: &BTreeMap<String, String>,
    prefix: &str,
    faults: &mut Vec<RowFault>,
) -> Registered {
    let mut count = |name: &str| {
        let column = format!("{prefix}{name}");
        match row[&column].parse::<u32>() {
            Ok(count) => u64::from(count),
            Err(_) => {
                faults.push(fault(
                    line,
                    &column,
                    "Phải là số nguyên không âm.",
                    "A whole number, not negative.",
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
            line,
            &format!("{prefix}dtts_households"),
            "Số DTTS lớn hơn tổng số.",
            "More DTTS than there are in all.",
        ));
    }
    counts
}
