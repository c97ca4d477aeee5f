//! A file of an opening list, read twice: first every row is judged, then the good households are
//! put together.
//!
//! Neither keeps the rows. What is kept of a household is its code, and of one whose rows do not
//! stand together in the file the rows that have been read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use shared::classify::Class;
use shared::limits::CHANGE_BYTES_MAX;
use shared::spreadsheet::{option_code, yes_no};

use super::{
    Hamlets, OpeningHousehold, ROSTER_COLUMNS, check_row, class_of, code_of, decision, has_left,
};
use crate::imports::faults::{RowFault, fault};
use crate::imports::file::{At, File, Go};
use crate::imports::rows::{Row, Sorted, Unreadable, each};

/// Most bytes that a member takes in a change beside its values: its id, keys and columns.
const MEMBER_BYTES: usize = 160;

/// The good households of a file.
#[derive(Debug)]
pub(crate) struct Roster {
    hamlets: Hamlets,
    /// Names of the sheets, none of a CSV file.
    sheets: Vec<String>,
    /// How many rows each has, by its code.
    rows_of: BTreeMap<String, u32>,
    units: BTreeSet<String>,
}

/// A household while its rows are judged.
#[derive(Debug)]
struct Judged<'a> {
    number: usize,
    first: At,
    hamlet: Option<&'a str>,
    class: Option<Class>,
    dtts: Option<bool>,
    is_named_by_head: bool,
    rows: u32,
    heads: u32,
    /// Bounds the size of its first change from above.
    bytes: usize,
    is_bad: bool,
}

impl<'a> Judged<'a> {
    fn new(number: usize, row: &Row, hamlet: Option<&'a str>) -> Self {
        Self {
            number,
            first: row.at,
            hamlet,
            class: class_of(&row["class"]),
            dtts: yes_no(&row["dtts"]),
            is_named_by_head: row["household"].is_empty(),
            rows: 0,
            heads: 0,
            bytes: 0,
            is_bad: false,
        }
    }

    /// Counts a row. False where it says something else than the household's others.
    fn count(&mut self, row: &Row, hamlet: Option<&str>) -> bool {
        self.rows += 1;
        self.heads += u32::from(option_code("relation", &row["relation"]) == Some("head"));
        self.bytes += MEMBER_BYTES + row.bytes();
        (hamlet, class_of(&row["class"]), yes_no(&row["dtts"]))
            == (self.hamlet, self.class, self.dtts)
    }

    /// Says what is wrong with a household of which each row is right.
    fn fault(&self) -> Option<RowFault> {
        if self.bytes > CHANGE_BYTES_MAX {
            return Some(fault(
                self.first,
                "household",
                "Hộ có quá nhiều thành viên cho một hồ sơ.",
                "The household has more members than one document takes.",
            ));
        }
        let (vi, en) = match (self.heads, self.is_named_by_head) {
            (1, _) => return None,
            (0, _) | (_, false) => {
                ("Mỗi hộ có đúng một chủ hộ.", "A household has exactly one head.")
            }
            (_, true) => (
                "Hai hộ trong thôn có chủ hộ cùng tên: thêm cột Mã hộ.",
                "Two households of the hamlet have heads of one name: add the column of codes.",
            ),
        };
        Some(fault(self.first, "relation", vi, en))
    }
}

/// Judges an opening list. A household with one bad row is set aside whole, and named. Rows of
/// households that have left the list are counted and passed over.
pub(crate) fn roster(file: &File<'_>, hamlets: Hamlets) -> Result<Sorted<Roster>, Unreadable> {
    let sheets = file.sheets().map_err(Unreadable::File)?;
    let mut households: BTreeMap<String, Judged<'_>> = BTreeMap::new();
    // Of rows that are none it is known whose they are, before or after the household's others.
    let mut broken: BTreeSet<String> = BTreeSet::new();
    let mut members: Vec<(usize, At)> = Vec::new();
    let mut left_out = 0;
    let mut faults = each(file, &ROSTER_COLUMNS, &mut |row, is_row, faults| {
        let hamlet = hamlets.find(&row);
        let code = code_of(&row, hamlet);
        if !is_row {
            broken.extend(code);
            return ControlFlow::Continue(());
        }
        if has_left(&row, &sheets) {
            left_out += 1;
            return ControlFlow::Continue(());
        }
        let before = faults.len();
        check_row(&row, hamlet, faults);
        let Some(code) = code else { return ControlFlow::Continue(()) };
        let number = households.len();
        let household = households.entry(code).or_insert_with(|| Judged::new(number, &row, hamlet));
        members.push((household.number, row.at));
        // What is wrong with the row itself is said already.
        if !household.count(&row, hamlet) && faults.len() == before {
            faults.push(fault(
                row.at,
                "household",
                "Các dòng của một hộ không thống nhất thôn, diện hoặc DTTS.",
                "Rows of one household disagree on hamlet, class or DTTS.",
            ));
        }
        household.is_bad |= faults.len() > before;
        ControlFlow::Continue(())
    })?;
    let mut is_bad = vec![false; households.len()];
    let (mut rows_of, mut units) = (BTreeMap::new(), BTreeSet::new());
    for (code, household) in households {
        let mut bad = household.is_bad || broken.contains(&code);
        if !bad && let Some(fault) = household.fault() {
            faults.push(fault);
            bad = true;
        }
        is_bad[household.number] = bad;
        if !bad {
            units
                .extend(household.hamlet.and_then(|hamlet| hamlets.unit(hamlet)).map(String::from));
            rows_of.insert(code, household.rows);
        }
    }
    faults.sort();
    let aside = members.into_iter().filter(|(number, _)| is_bad[*number]).map(|(_, at)| at);
    let aside = aside.collect();
    let good = Roster { hamlets, sheets, rows_of, units };
    Ok(Sorted { good, faults, aside, left_out })
}

impl Roster {
    /// Returns how many households are good.
    pub(crate) fn len(&self) -> usize {
        self.rows_of.len()
    }

    /// Lists the communes that the good households are of.
    pub(crate) fn units(&self) -> &BTreeSet<String> {
        &self.units
    }

    /// Reads the file that was judged again and hands over each good household once its last row
    /// has been read.
    pub(crate) fn households(
        &self,
        file: &File<'_>,
        take: &mut dyn FnMut(OpeningHousehold) -> Go,
    ) -> Result<(), Unreadable> {
        let mut begun: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        each(file, &ROSTER_COLUMNS, &mut |row, is_row, _| {
            let hamlet = self.hamlets.find(&row);
            let code = code_of(&row, hamlet).filter(|code| self.rows_of.contains_key(code));
            let Some(code) = code.filter(|_| is_row && !has_left(&row, &self.sheets)) else {
                return ControlFlow::Continue(());
            };
            let rows = self.rows_of[&code];
            let mut members = begun.remove(&code).unwrap_or_default();
            members.push(row);
            if u32::try_from(members.len()).is_ok_and(|read| read < rows) {
                begun.insert(code, members);
                return ControlFlow::Continue(());
            }
            take(self.whole(code, members))
        })?;
        Ok(())
    }

    /// Puts a household together.
    fn whole(&self, code: String, members: Vec<Row>) -> OpeningHousehold {
        let first = &members[0];
        let hamlet = self.hamlets.find(first).unwrap_or_default().to_owned();
        OpeningHousehold {
            code,
            unit: self.hamlets.unit(&hamlet).unwrap_or_default().to_owned(),
            hamlet,
            class: class_of(&first["class"]).unwrap_or(Class::Insufficient),
            decision: decision(first),
            dtts: yes_no(&first["dtts"]) == Some(true),
            members_count: u32::try_from(members.len()).unwrap_or(u32::MAX),
            members,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shared::list::{Hamlet, Registered};
    use shared::unit::Area;

    use super::*;

    const HEADER: &str =
        "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n";

    fn hamlets() -> Hamlets {
        let hamlet = |code: &str| Hamlet {
            code: code.to_owned(),
            type_word: "thôn".to_owned(),
            name: code.to_owned(),
            area: Area::Rural,
            closing: Registered::default(),
            opening: Registered::default(),
            source: "synthetic".to_owned(),
        };
        let of = |unit: &str, code: &str| (unit.to_owned(), hamlet(code));
        Hamlets::of([of("19558", "19558-01"), of("19561", "19561-01")])
    }

    fn row(code: &str, hamlet: &str, relation: &str, name: &str) -> String {
        format!("{code},{hamlet},poor,QĐ 1,0,{name},{relation},1980,male,01,\n")
    }

    /// A household: code, unit and names of the members.
    type Read = (String, String, Vec<String>);

    /// Judges a file and lists its good households.
    fn read(text: &str) -> (Sorted<Roster>, Vec<Read>) {
        let file = File::open(text.as_bytes()).unwrap();
        let sorted = roster(&file, hamlets()).unwrap();
        let mut households = Vec::new();
        let take = &mut |one: OpeningHousehold| {
            let names = one.members.iter().map(|member| member["name"].to_owned());
            households.push((one.code, one.unit, names.collect()));
            ControlFlow::Continue(())
        };
        sorted.good.households(&file, take).unwrap();
        assert_eq!(sorted.good.len(), households.len(), "all that are good are handed over");
        (sorted, households)
    }

    #[test]
    fn households_are_whole_wherever_their_rows_stand() {
        let text = [
            HEADER,
            &row("B", "19561-01", "head", "B1"),
            &row("A", "19558-01", "child", "A1"),
            &row("C", "19558-01", "head", "C1"),
            &row("B", "19561-01", "child", "B2"),
            &row("A", "19558-01", "head", "A2"),
        ];
        let (sorted, households) = read(&text.concat());
        let household = |code: &str, unit: &str, members: &[&str]| {
            let members = members.iter().map(ToString::to_string).collect();
            (code.to_owned(), unit.to_owned(), members)
        };
        let expected = [
            household("C", "19558", &["C1"]),
            household("B", "19561", &["B1", "B2"]),
            household("A", "19558", &["A1", "A2"]),
        ];
        assert_eq!(households, expected);
        let units: Vec<&str> = sorted.good.units().iter().map(String::as_str).collect();
        assert_eq!((units, sorted.faults.len()), (vec!["19558", "19561"], 0));
    }

    #[test]
    fn a_household_with_one_bad_row_is_set_aside_whole_wherever_it_stands() {
        let bad = [
            row("A", "19558-01", "child", ""),
            row("A", "19561-01", "child", "of another hamlet"),
            "A,19558-01,poor\n".to_owned(),
            row("A", "19558-01", "head", "a second head"),
        ];
        for bad in bad {
            for at in 0..3 {
                let mut rows =
                    vec![row("A", "19558-01", "head", "A1"), row("B", "19558-01", "head", "B1")];
                rows.insert(at, bad.clone());
                let (sorted, households) = read(&(HEADER.to_owned() + &rows.concat()));
                let codes: Vec<_> = households.iter().map(|(code, ..)| code.as_str()).collect();
                assert_eq!(codes, ["B"], "{bad} at {at}");
                assert!(sorted.faults.len() == 1, "{bad} at {at}: {:?}", sorted.faults);
                assert!(!sorted.aside.is_empty(), "its good rows go back too");
            }
        }
    }

    #[test]
    fn rows_of_households_that_left_are_counted_and_none_is_put_together() {
        let left = row("A", "19558-01", "head", "A1").replace("poor", "thoát nghèo");
        let text = HEADER.to_owned() + &left + &row("A", "19558-01", "head", "A1");
        let (sorted, households) = read(&text);
        assert_eq!((sorted.left_out, households.len()), (1, 1));
        assert_eq!(households[0].2, ["A1"]);
    }
}
