//! Administrative units as dated data: province, district, commune.
//!
//! A unit is its code *and* its period. Codes are reused (44 was Quảng Bình and is Quảng Trị since
//! 1 July 2025), so a code means something only in the tree of a day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::date::{Date, DateError};

/// Kind of place a household lives in. It decides the threshold and the income line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Thành thị.
    Urban,
    /// Nông thôn.
    Rural,
}

/// Level of a unit in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Tỉnh, thành phố trực thuộc trung ương.
    Province,
    /// Huyện, quận, thị xã, thành phố. None after 30 June 2025.
    District,
    /// Xã, phường, thị trấn, đặc khu.
    Commune,
}

/// Identity of a unit: its code and the period in which the code means this unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitKey {
    /// Code of the statistics office, with its leading zeros.
    pub code: String,
    /// First day in force; `None` where it is older or not established.
    pub valid_from: Option<Date>,
    /// Last day in force; `None` where it still is.
    pub valid_to: Option<Date>,
}

impl UnitKey {
    /// Tells whether the unit exists on `date`.
    pub fn covers(&self, date: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= date) && self.valid_to.is_none_or(|to| date <= to)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let starts_in_time = |a: &Self, b: &Self| match (a.valid_from, b.valid_to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        };
        starts_in_time(self, other) && starts_in_time(other, self)
    }
}

/// One unit in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Code and period.
    pub key: UnitKey,
    /// Code of the unit above, in the same period.
    pub parent: Option<String>,
    /// Level in the tree.
    pub level: Level,
    /// Word in front of the name, such as `xã` or `thị trấn`.
    pub type_word: String,
    /// Name without the type word; not unique, and `1` is a name.
    pub name: String,
    /// Default area of its hamlets; `None` where it has no households of its own or no rule says.
    pub area: Option<Area>,
    /// Set where `area` rests on a reading of ours that no text was found for.
    pub area_unverified: bool,
}

impl Unit {
    /// Returns the code.
    pub fn code(&self) -> &str {
        &self.key.code
    }

    /// Returns type word and name, as in `xã Hướng Lập`.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.type_word, self.name)
    }
}

/// Why one row of a unit list was refused. Line 1 is the header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RowError {
    /// Line in the text, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: RowProblem,
}

/// What is wrong with one row of a unit list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// The header is not the expected one.
    #[error("the header must be {HEADER}")]
    Header,
    /// The row has another number of columns, or quotation marks.
    #[error("a row has 9 columns without quotation marks")]
    Columns,
    /// The level is none of the three.
    #[error("level must be province, district or commune")]
    Level,
    /// The code does not have the digits of its level.
    #[error("a code has 2 digits for a province, 3 for a district, 5 for a commune")]
    Code,
    /// Type word or name is empty.
    #[error("type and name may not be empty")]
    Name,
    /// The area is neither empty nor one of the two.
    #[error("area must be urban, rural or empty")]
    Area,
    /// A date cannot be read.
    #[error(transparent)]
    Date(#[from] DateError),
    /// The period ends before it begins.
    #[error("valid_to is before valid_from")]
    Period,
    /// A district or commune without a unit of a higher level above it in the list.
    #[error("parent {parent:?} is not a unit of a higher level in this list and period")]
    Parent {
        /// Code given as parent; empty where none was.
        parent: String,
    },
    /// The same code means two units on the same day.
    #[error("code {code} already means another unit in this period")]
    Overlap {
        /// The code.
        code: String,
    },
}

const HEADER: &str = "code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to";

/// Every known unit in every period. Ask it for the tree of a day with [`Units::at`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    units: Vec<Unit>,
}

impl Units {
    /// The built-in list as a file: old Quảng Trị in 2022.
    pub const QUANG_TRI_2022: &str = include_str!("../units/quang-tri-2022.csv");

    /// Returns the units of old Quảng Trị as in force on 31 December 2022.
    pub fn quang_tri_2022() -> Self {
        Self::parse_csv(Self::QUANG_TRI_2022).expect("the built-in list is read by a test")
    }

    /// Reads a list of units, or says what is wrong with every row that cannot be used.
    ///
    /// Where the area is empty, a phường or thị trấn is urban and a xã is rural; a đặc khu stays
    /// open. A district without communes holds its households itself: rural, unverified.
    pub fn parse_csv(text: &str) -> Result<Self, Vec<RowError>> {
        let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
        if lines.next().is_none_or(|(header, _)| header.trim_end() != HEADER) {
            return Err(vec![RowError { line: 1, problem: RowProblem::Header }]);
        }
        let mut rows = Vec::new();
        let mut errors = Vec::new();
        for (text, line) in lines.filter(|(text, _)| !text.trim().is_empty()) {
            match row(text) {
                Ok(unit) => rows.push((line, unit)),
                Err(problem) => errors.push(RowError { line, problem }),
            }
        }
        errors.extend(conflicts(&rows));
        errors.sort_by_key(|error| error.line);
        if !errors.is_empty() {
            return Err(errors);
        }

        let mut units: Vec<Unit> = rows.into_iter().map(|(_, unit)| unit).collect();
        settle_districts_without_communes(&mut units);
        units.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { units })
    }

    /// Returns the tree in force on a day.
    pub fn at(&self, date: Date) -> UnitTree {
        let units: BTreeMap<String, Unit> = self
            .units
            .iter()
            .filter(|unit| unit.key.covers(date))
            .map(|unit| (unit.key.code.clone(), unit.clone()))
            .collect();
        let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for unit in units.values() {
            if let Some(parent) = &unit.parent {
                children.entry(parent.clone()).or_default().push(unit.key.code.clone());
            }
        }
        UnitTree { date, units, children }
    }

    /// Iterates over every unit of every period, by code and period.
    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter()
    }
}

/// The units in force on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitTree {
    date: Date,
    units: BTreeMap<String, Unit>,
    children: BTreeMap<String, Vec<String>>,
}

impl UnitTree {
    /// Returns the day whose tree this is.
    pub fn date(&self) -> Date {
        self.date
    }

    /// Finds a unit by code.
    pub fn get(&self, code: &str) -> Option<&Unit> {
        self.units.get(code)
    }

    /// Lists the units directly below one, by code.
    pub fn children(&self, code: &str) -> Vec<&Unit> {
        let codes = self.children.get(code).map_or(&[][..], Vec::as_slice);
        codes.iter().filter_map(|child| self.units.get(child)).collect()
    }

    /// Lists the provinces, by code.
    pub fn provinces(&self) -> Vec<&Unit> {
        self.units.values().filter(|unit| unit.level == Level::Province).collect()
    }

    /// Lists the units that keep a list of households: communes, and districts without communes.
    pub fn list_units(&self) -> Vec<&Unit> {
        self.units.values().filter(|unit| self.keeps_list(unit)).collect()
    }

    /// Lists the units above one, the nearest first.
    pub fn ancestors(&self, code: &str) -> Vec<&Unit> {
        let above = |unit: &&Unit| unit.parent.as_deref().and_then(|parent| self.get(parent));
        std::iter::successors(self.get(code).as_ref().and_then(above), above).collect()
    }

    /// Tells whether `code` is `ancestor` itself or lies below it.
    pub fn contains(&self, ancestor: &str, code: &str) -> bool {
        self.with_ancestors(code).any(|unit| unit.code() == ancestor)
    }

    /// Finds the district a unit is or lies in; none on the map of two tiers.
    pub fn district_of(&self, code: &str) -> Option<&Unit> {
        self.with_ancestors(code).find(|unit| unit.level == Level::District)
    }

    /// Finds the province a unit is or lies in.
    pub fn province_of(&self, code: &str) -> Option<&Unit> {
        self.with_ancestors(code).find(|unit| unit.level == Level::Province)
    }

    fn with_ancestors(&self, code: &str) -> impl Iterator<Item = &Unit> {
        self.get(code).into_iter().chain(self.ancestors(code))
    }

    fn keeps_list(&self, unit: &Unit) -> bool {
        match unit.level {
            Level::Province => false,
            Level::District => !self.children.contains_key(unit.code()),
            Level::Commune => true,
        }
    }
}

/// Reads one row; what it says about other rows is checked by [`conflicts`].
fn row(text: &str) -> Result<Unit, RowProblem> {
    // One more than there may be is enough to see that there are too many.
    let columns: Vec<&str> = text.trim_end().splitn(10, ',').map(str::trim).collect();
    let [code, parent, level, type_word, name, _ascii, area, from, to] = columns.as_slice() else {
        return Err(RowProblem::Columns);
    };
    if text.contains('"') {
        return Err(RowProblem::Columns);
    }
    let (level, digits) = match *level {
        "province" => (Level::Province, 2),
        "district" => (Level::District, 3),
        "commune" => (Level::Commune, 5),
        _ => return Err(RowProblem::Level),
    };
    if code.len() != digits || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RowProblem::Code);
    }
    if type_word.is_empty() || name.is_empty() {
        return Err(RowProblem::Name);
    }
    let area = match (*area, level, *type_word) {
        ("urban", _, _) | ("", Level::Commune, "phường" | "thị trấn") => Some(Area::Urban),
        ("rural", _, _) | ("", Level::Commune, "xã") => Some(Area::Rural),
        ("", _, _) => None,
        _ => return Err(RowProblem::Area),
    };
    let date = |text: &str| match text {
        "" => Ok(None),
        text => Date::parse(text).map(Some),
    };
    let (valid_from, valid_to) = (date(from)?, date(to)?);
    if valid_from.zip(valid_to).is_some_and(|(from, to)| to < from) {
        return Err(RowProblem::Period);
    }
    Ok(Unit {
        key: UnitKey { code: (*code).to_owned(), valid_from, valid_to },
        parent: (!parent.is_empty()).then(|| (*parent).to_owned()),
        level,
        type_word: (*type_word).to_owned(),
        name: (*name).to_owned(),
        area,
        area_unverified: false,
    })
}

/// Finds rows that do not go with the others: no parent, or a code twice on one day.
fn conflicts(rows: &[(usize, Unit)]) -> Vec<RowError> {
    let mut by_code: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for (_, unit) in rows {
        by_code.entry(unit.code()).or_default().push(unit);
    }
    let has_parent = |unit: &Unit| match &unit.parent {
        None => unit.level == Level::Province,
        Some(parent) => by_code.get(parent.as_str()).is_some_and(|above| {
            above.iter().any(|above| above.level < unit.level && above.key.overlaps(&unit.key))
        }),
    };
    let mut errors = Vec::new();
    let mut seen: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for (line, unit) in rows {
        if !has_parent(unit) {
            let parent = unit.parent.clone().unwrap_or_default();
            errors.push(RowError { line: *line, problem: RowProblem::Parent { parent } });
        }
        let earlier = seen.entry(unit.code()).or_default();
        if earlier.iter().any(|other| other.key.overlaps(&unit.key)) {
            let code = unit.key.code.clone();
            errors.push(RowError { line: *line, problem: RowProblem::Overlap { code } });
        }
        earlier.push(unit);
    }
    errors
}

/// Gives a district that no commune names as its parent the area of its own households.
///
/// Source: none found; Cồn Cỏ (471) is an island district counted as rural, see `LEGAL.md`.
fn settle_districts_without_communes(units: &mut [Unit]) {
    let parents: std::collections::BTreeSet<String> =
        units.iter().filter_map(|unit| unit.parent.clone()).collect();
    for unit in units.iter_mut() {
        let empty = unit.level == Level::District && !parents.contains(unit.code());
        if empty && unit.area.is_none() {
            unit.area = Some(Area::Rural);
            unit.area_unverified = true;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tree() -> UnitTree {
        Units::quang_tri_2022().at(Date::parse("2022-12-14").unwrap())
    }

    fn codes<'a>(units: impl IntoIterator<Item = &'a Unit>) -> Vec<&'a str> {
        units.into_iter().map(Unit::code).collect()
    }

    fn problems(rows: &str) -> Vec<(usize, RowProblem)> {
        let errors = Units::parse_csv(&format!("{HEADER}\n{rows}")).unwrap_err();
        errors.into_iter().map(|error| (error.line, error.problem)).collect()
    }

    #[test]
    fn quang_tri_has_ten_districts_and_126_lists() {
        let tree = tree();
        assert_eq!(codes(tree.provinces()), ["45"]);
        assert_eq!(tree.children("45").len(), 10);
        let lists = tree.list_units();
        assert_eq!(lists.len(), 126);
        let of = |area| lists.iter().filter(|unit| unit.area == Some(area)).count();
        assert_eq!((of(Area::Urban), of(Area::Rural)), (24, 102));
    }

    #[test]
    fn con_co_keeps_its_own_list_and_its_area_is_unverified() {
        let tree = tree();
        let con_co = tree.get("471").unwrap();
        assert_eq!(con_co.full_name(), "huyện Cồn Cỏ");
        assert_eq!((con_co.area, con_co.area_unverified), (Some(Area::Rural), true));
        assert!(tree.list_units().contains(&con_co));
        assert_eq!(codes(tree.units.values().filter(|unit| unit.area_unverified)), ["471"]);
    }

    #[test]
    fn the_tree_is_walked_up_and_down() {
        let tree = tree();
        let commune = tree.list_units().into_iter().find(|unit| unit.name == "Hướng Lập").unwrap();
        assert_eq!(commune.full_name(), "xã Hướng Lập");
        let code = commune.code();
        assert_eq!(codes(tree.ancestors(code)), ["465", "45"]);
        assert_eq!(tree.district_of(code).unwrap().name, "Hướng Hóa");
        assert_eq!(tree.province_of(code).unwrap().code(), "45");
        assert_eq!(tree.district_of("45"), None);
        assert!(
            tree.contains("45", code) && tree.contains("465", code) && tree.contains(code, code)
        );
        assert!(!tree.contains("461", code) && !tree.contains(code, "465"));
        assert!(!tree.contains("45", "no-such-code") && tree.ancestors("no-such-code").is_empty());
    }

    #[test]
    fn a_code_means_a_unit_only_in_its_period() {
        let units = Units::parse_csv(&format!(
            "{HEADER}\n44,,province,tỉnh,Quảng Bình,Quang Binh,,,2025-06-30\n\
             44,,province,tỉnh,Quảng Trị,Quang Tri,,2025-07-01,\n\
             19742,44,commune,đặc khu,Cồn Cỏ,Con Co,,2025-07-01,\n"
        ))
        .unwrap();
        let name = |date| units.at(Date::parse(date).unwrap()).get("44").unwrap().name.clone();
        assert_eq!(name("2025-06-30"), "Quảng Bình");
        assert_eq!(name("2025-07-01"), "Quảng Trị");
        let tree = units.at(Date::parse("2025-07-01").unwrap());
        assert_eq!(tree.get("19742").unwrap().area, None, "no rule settles a đặc khu");
        assert_eq!(codes(tree.list_units()), ["19742"]);
        assert!(
            Units::quang_tri_2022().at(Date::parse("2025-07-01").unwrap()).list_units().is_empty()
        );
    }

    #[test]
    fn an_empty_area_follows_the_type() {
        let units = Units::parse_csv(&format!(
            "{HEADER}\r\n45,,province,tỉnh,A,A,,,\r\n461,45,district,huyện,B,B,,,\r\n\
             00001,461,commune,phường,1,1,,,\r\n00002,461,commune,thị trấn,C,C,,,\r\n\
             00003,461,commune,xã,D,D,,,\r\n"
        ))
        .unwrap();
        let areas: Vec<Option<Area>> = units.iter().map(|unit| unit.area).collect();
        let (urban, rural) = (Some(Area::Urban), Some(Area::Rural));
        assert_eq!(areas, [urban, urban, rural, None, None]);
    }

    #[test]
    fn every_bad_row_is_listed_with_its_line() {
        let parent = |code: &str| RowProblem::Parent { parent: code.to_owned() };
        let rows = "45,,province,tỉnh,Quảng Trị,Quang Tri,,,2025-06-30\n\
                    461,45,canton,huyện,A,A,,,\n\
                    46,45,district,huyện,A,A,,,\n\
                    462,45,district,huyện,,A,,,\n\
                    463,45,district,huyện,A,A,suburb,,\n\
                    464,45,district,huyện,A,A,,2022-13-01,\n\
                    465,45,district,huyện,A,A,,2022-02-01,2022-01-31\n\
                    466,99,district,huyện,A,A,,,\n\
                    467,,district,huyện,A,A,,,\n\
                    468,45,district,huyện,\"A\",A,,,\n\
                    469,45,district\n\
                    45,,province,tỉnh,Khác,Khac,,2025-06-30,\n\
                    470,45,district,huyện,A,A,,2030-01-01,\n";
        let no_day = DateError::NoSuchDay { year: 2022, month: 13, day: 1 };
        assert_eq!(
            problems(rows),
            [
                (3, RowProblem::Level),
                (4, RowProblem::Code),
                (5, RowProblem::Name),
                (6, RowProblem::Area),
                (7, RowProblem::Date(no_day)),
                (8, RowProblem::Period),
                (9, parent("99")),
                (10, parent("")),
                (11, RowProblem::Columns),
                (12, RowProblem::Columns),
                (13, RowProblem::Overlap { code: "45".to_owned() }),
            ]
        );
        assert_eq!(Units::parse_csv("").unwrap_err()[0].problem, RowProblem::Header);
    }
}
