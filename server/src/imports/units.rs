//! Lists of administrative units loaded beside the built-in one, and what is wrong with one.
//!
//! The lists are read as one text, so that they are checked against each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use shared::date::Date;
use shared::unit::{RowError, RowProblem, UnitTree, Units};

use super::faults::{RowFault, fault};
use super::file::At;

/// Most days whose trees are kept ready.
const TREES_MAX: usize = 32;

/// Every unit known at one version of the store, with the trees asked for so far.
#[derive(Debug)]
pub(crate) struct Known {
    /// Raised by every list loaded.
    pub(crate) version: String,
    units: Units,
    trees: Mutex<BTreeMap<Date, Arc<UnitTree>>>,
}

impl Known {
    /// Joins the built-in list with the files loaded beside it; `None` where they do not fit.
    pub(crate) fn read(version: String, files: &[String]) -> Option<Self> {
        let units = Units::parse_csv(&joined(files)).ok()?;
        Some(Self { version, units, trees: Mutex::default() })
    }

    /// Returns the units in force on a date.
    pub(crate) fn at(&self, date: Date) -> Arc<UnitTree> {
        let Ok(mut trees) = self.trees.lock() else { return Arc::new(self.units.at(date)) };
        if trees.len() >= TREES_MAX && !trees.contains_key(&date) {
            trees.clear();
        }
        Arc::clone(trees.entry(date).or_insert_with(|| Arc::new(self.units.at(date))))
    }

    /// Returns the newest day up to `today` on which a code is in force.
    pub(crate) fn last_day(&self, code: &str, today: Date) -> Option<Date> {
        let units = self.units.iter().filter(|unit| unit.code() == code);
        let begun = units.filter(|unit| unit.key.valid_from.is_none_or(|from| from <= today));
        begun.map(|unit| unit.key.valid_to.map_or(today, |to| to.min(today))).max()
    }
}

/// A fault of a list of units, by the line of the list; none where a row of an earlier list is
/// contradicted that the new one does not hold.
pub(crate) type UnitFault = (Option<usize>, RowProblem);

/// Checks a list of units on its own and then beside those already known.
///
/// A code that stood for two units on one day would make every list of that day ambiguous.
pub(crate) fn check_units(mut files: Vec<String>, sent: &str) -> Result<(), Vec<UnitFault>> {
    let named = |errors: Vec<RowError>, line_of: &dyn Fn(usize) -> Option<usize>| -> Vec<_> {
        errors.into_iter().map(|error| (line_of(error.line), error.problem)).collect()
    };
    Units::parse_csv(sent).map_err(|errors| named(errors, &Some))?;
    files.push(sent.to_owned());
    let all = joined(&files);
    let line_sent = |line: usize| {
        let row = all.lines().nth(line.checked_sub(1)?)?;
        (1..).zip(sent.lines()).find(|(_, text)| text.trim_end() == row).map(|(line, _)| line)
    };
    Units::parse_csv(&all).map(drop).map_err(|errors| named(errors, &line_sent))
}

/// Writes the built-in list and the files as one; equal lines count once.
fn joined(files: &[String]) -> String {
    let mut seen = BTreeSet::new();
    let builtin = std::iter::once(Units::QUANG_TRI_2022);
    builtin
        .chain(files.iter().map(String::as_str))
        .flat_map(|text| text.trim_start_matches('\u{feff}').lines())
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && seen.insert(*line))
        .fold(String::new(), |joined, line| joined + line + "\n")
}

/// Names a fault for people; line 0 is a row of an earlier list.
pub(crate) fn row_fault((line, problem): &UnitFault) -> RowFault {
    let (column, vi) = match problem {
        RowProblem::Header => ("", "Dòng tiêu đề không đúng mẫu.".to_owned()),
        RowProblem::Columns => ("", "Mỗi dòng có 9 cột, không dùng dấu ngoặc kép.".to_owned()),
        RowProblem::Level => ("level", "Cấp phải là province, district hoặc commune.".to_owned()),
        RowProblem::Code => ("code", "Mã tỉnh có 2 chữ số, mã huyện 3, mã xã 5 chữ số.".to_owned()),
        RowProblem::Name => ("name", "Thiếu loại đơn vị hoặc tên.".to_owned()),
        RowProblem::Area => ("area", "Khu vực là urban, rural hoặc để trống.".to_owned()),
        RowProblem::Date(_) => {
            ("valid_from", "Ngày phải có dạng NĂM-THÁNG-NGÀY và có thật.".to_owned())
        }
        RowProblem::Period => ("valid_to", "Ngày hết hiệu lực trước ngày có hiệu lực.".to_owned()),
        RowProblem::Parent { parent } => {
            let vi = format!("Đơn vị cấp trên “{parent}” không có trong danh sách cùng thời kỳ.");
            ("parent_code", vi)
        }
        RowProblem::Overlap { code } => {
            ("code", format!("Mã {code} đã là của đơn vị khác trong thời kỳ này."))
        }
    };
    let line = line.map_or(0, |line| u64::try_from(line).unwrap_or(u64::MAX));
    fault(At { sheet: 0, line }, column, vi, problem.to_string())
}
