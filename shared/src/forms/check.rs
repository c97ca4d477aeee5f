//! Checks across the forms. A report whose flows do not close is refused with the difference shown.

use serde::Serialize;

use super::table::AREAS;
use super::{Measure, Part, Side, Text, UnitLine};
use crate::aggregate::{hundredths_vi, thousands_vi};
use crate::standard::Standard;
use crate::unit::Area;

/// Two figures of one place that must agree and do not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which check: `7.2`, `7.3` (9 against the closing list), the same with `-persons`,
    /// `7.2-2=7.3-5`, `7.2-5=7.3-2`.
    pub check: &'static str,
    /// Code of the unit or hamlet.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// Area type.
    pub area: Area,
    /// What the flows come to.
    pub computed: i64,
    /// What was counted.
    pub counted: i64,
    /// Computed less counted.
    pub difference: i64,
}

/// One check of the whole, as it is printed under the forms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is compared.
    pub what: Text,
    /// Figure on the left, in Vietnamese notation.
    pub left: String,
    /// `=`, `≥` or `<`.
    pub sign: &'static str,
    /// Figure on the right.
    pub right: String,
    /// True where it holds.
    pub holds: bool,
    /// True where the report is refused when it does not hold.
    pub refuses: bool,
}

/// A check that refuses: its name, and the two figures of a place.
struct Equality {
    name: &'static str,
    what: Text,
    figures: fn(&Part) -> (i64, i64),
}

/// Source: forms 7.2 and 7.3, column 9, and what the two say of each other; see `LEGAL.md`.
const EQUALITIES: [Equality; 6] = [
    Equality {
        name: "7.2",
        what: Text {
            vi: "Biểu 7.2: cột 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8 bằng số hộ nghèo đếm trong danh sách cuối kỳ",
            en: "Form 7.2: column 9 equals the poor households counted on the closing list",
        },
        figures: |part| closes(part, Side::Poor, Measure::Households),
    },
    Equality {
        name: "7.2-persons",
        what: Text {
            vi: "Biểu 7.2, nhân khẩu: cột 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8 bằng số nhân khẩu nghèo đếm trong danh sách cuối kỳ",
            en: "Form 7.2, persons: column 9 equals the poor persons counted on the closing list",
        },
        figures: |part| closes(part, Side::Poor, Measure::Persons),
    },
    Equality {
        name: "7.3",
        what: Text {
            vi: "Biểu 7.3: cột 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8 bằng số hộ cận nghèo đếm trong danh sách cuối kỳ",
            en: "Form 7.3: column 9 equals the near-poor households counted on the closing list",
        },
        figures: |part| closes(part, Side::NearPoor, Measure::Households),
    },
    Equality {
        name: "7.3-persons",
        what: Text {
            vi: "Biểu 7.3, nhân khẩu: cột 1 − 2 − 3 − 4 + 5 + 6 + 7 + 8 bằng số nhân khẩu cận nghèo đếm trong danh sách cuối kỳ",
            en: "Form 7.3, persons: column 9 equals the near-poor persons counted on the closing list",
        },
        figures: |part| closes(part, Side::NearPoor, Measure::Persons),
    },
    Equality {
        name: "7.2-2=7.3-5",
        what: Text {
            vi: "Biểu 7.2 cột 2 bằng biểu 7.3 cột 5 (nghèo thành cận nghèo)",
            en: "Form 7.2 column 2 equals form 7.3 column 5 (poor that became near-poor)",
        },
        figures: |part| {
            let (poor, near) = (&part.poor.movement, &part.near_poor.movement);
            (signed(poor.to_other.households), signed(near.from_other.households))
        },
    },
    Equality {
        name: "7.2-5=7.3-2",
        what: Text {
            vi: "Biểu 7.2 cột 5 bằng biểu 7.3 cột 2 (cận nghèo thành nghèo)",
            en: "Form 7.2 column 5 equals form 7.3 column 2 (near-poor that became poor)",
        },
        figures: |part| {
            let (poor, near) = (&part.poor.movement, &part.near_poor.movement);
            (signed(poor.from_other.households), signed(near.to_other.households))
        },
    },
];

fn closes(part: &Part, side: Side, measure: Measure) -> (i64, i64) {
    let group = part.side(side);
    let counted = signed(group.closed(measure));
    if group.movement.before_register && measure == Measure::Persons {
        return (counted, counted);
    }
    (group.movement.balance(measure), counted)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Finds every place and area whose flows do not close or whose forms contradict each other.
pub fn differences(lines: &[UnitLine]) -> Vec<Difference> {
    let mut found = Vec::new();
    for line in lines {
        for area in AREAS {
            let Some(part) = line.part(area) else { continue };
            for equality in &EQUALITIES {
                let (computed, counted) = (equality.figures)(part);
                if computed != counted {
                    found.push(Difference {
                        check: equality.name,
                        unit: line.code.clone(),
                        name: line.name.clone(),
                        area,
                        computed,
                        counted,
                        difference: computed - counted,
                    });
                }
            }
        }
    }
    found
}

/// Makes every check of the total.
pub fn checks(lines: &[UnitLine], standard: &Standard) -> Vec<Check> {
    let total = total(lines);
    let number = |count: i64| {
        let sign = if count < 0 { "−" } else { "" };
        format!("{sign}{}", thousands_vi(count.unsigned_abs()))
    };
    let equal = EQUALITIES.iter().map(|equality| {
        let (left, right) = (equality.figures)(&total);
        Check {
            what: equality.what,
            left: number(left),
            sign: "=",
            right: number(right),
            holds: left == right,
            refuses: true,
        }
    });
    let mut checks: Vec<Check> = equal.collect();
    checks.extend(deprivations(&total, Side::Poor, standard));
    checks.extend(deprivations(&total, Side::NearPoor, standard));
    checks
}

/// Compares the opening lists as they were loaded with what the frozen lists say of them: no
/// household leaves a list silently.
///
/// Reported and refuses nothing: a household that moved to another commune after its list was
/// frozen is in the one list and in the other's register.
pub fn opening_checks(lines: &[UnitLine], loaded: [u64; 2]) -> Vec<Check> {
    let total = total(lines);
    let of = [Side::Poor, Side::NearPoor].into_iter().zip(loaded);
    of.map(|(side, loaded)| {
        let counted = total.side(side).movement.opening.households;
        let what = match side {
            Side::Poor => Text {
                vi: "Biểu 7.2: cột 1 bằng số hộ nghèo của danh sách đầu kỳ đã nạp",
                en: "Form 7.2: column 1 equals the poor households of the opening list as loaded",
            },
            Side::NearPoor => Text {
                vi: "Biểu 7.3: cột 1 bằng số hộ cận nghèo của danh sách đầu kỳ đã nạp",
                en: "Form 7.3: column 1 equals the near-poor households of the opening list as loaded",
            },
        };
        Check {
            what,
            left: thousands_vi(counted),
            sign: "=",
            right: thousands_vi(loaded),
            holds: counted == loaded,
            refuses: false,
        }
    })
    .collect()
}

fn total(lines: &[UnitLine]) -> Part {
    let mut total = Part::default();
    for line in lines {
        AREAS.into_iter().filter_map(|area| line.part(area)).for_each(|part| total.add(part));
    }
    total
}

/// Compares deprivations for each household with what the class asks: at least three for poor
/// households, fewer for near-poor ones.
///
/// Source: form 7.4, check of the ministry's template, and Decree 07/2021/NĐ-CP, Art. 3. The
/// number follows from the standard's thresholds.
fn deprivations(total: &Part, side: Side, standard: &Standard) -> Option<Check> {
    let group = total.side(side);
    let least = standard.thresholds.b2_poor / standard.thresholds.points_per_indicator;
    let (sum, households) =
        (signed(group.deprived.values().sum()), signed(group.closing.households));
    if households == 0 {
        return None;
    }
    let is_least = sum >= least * households;
    let (what, sign, holds) = match side {
        Side::Poor => (
            Text {
                vi: "Biểu 7.4: tổng số thiếu hụt ÷ số hộ nghèo",
                en: "Form 7.4: deprivations ÷ poor households",
            },
            "≥",
            is_least,
        ),
        Side::NearPoor => (
            Text {
                vi: "Biểu 7.4: tổng số thiếu hụt ÷ số hộ cận nghèo",
                en: "Form 7.4: deprivations ÷ near-poor households",
            },
            "<",
            !is_least,
        ),
    };
    // Cut and not rounded: 2,999 must not read as three.
    let left = hundredths_vi(sum.saturating_mul(100) / households);
    Some(Check { what, left, sign, right: least.to_string(), holds, refuses: false })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::classify::Class;
    use crate::date::Date;
    use crate::forms::{Cell, Form, Formula, Tally, columns, lines, rows};
    use crate::id::{CampaignId, Digest, DocumentId, HouseholdId};
    use crate::list::{Hamlet, List, Outcome, Provenance, Registered, Row};
    use crate::register::{Cause, Decided, Entry, Kind, Period, Through, in_order, moves};
    use crate::unit::Units;

    const UNIT: &str = "19558";
    const CLASSES: [Option<Class>; 3] = [Some(Class::Poor), Some(Class::NearPoor), None];

    fn row(number: u8, opening: usize, closing: usize) -> Row {
        let left = closing == 3;
        Row {
            household: HouseholdId([number; 16]),
            document: DocumentId([number; 16]),
            hamlet: if number.is_multiple_of(3) { "town" } else { "field" }.to_owned(),
            area: Area::Rural,
            outcome: if left { Outcome::Left } else { Outcome::Surveyed },
            class: if left { None } else { CLASSES[closing].or(Some(Class::Above)) },
            b1: None,
            b1_method: None,
            table: None,
            b2: None,
            deprived: vec!["work".to_owned()],
            members: u32::from(number) + 1,
            dtts: false,
            ethnicity: String::new(),
            causes: Vec::new(),
            opening: CLASSES[opening],
            opening_dtts: false,
            provenance: Provenance::default(),
            changes: Digest([0; 32]),
            by_rule: Vec::new(),
            life: crate::life::Life::Same,
            kin: None,
        }
    }

    fn list(rows: Vec<Row>) -> List {
        let hamlet = |code: &str, area| Hamlet {
            code: code.to_owned(),
            type_word: "thôn".to_owned(),
            name: code.to_owned(),
            area,
            closing: Registered { households: 50, persons: 200, ..Registered::default() },
            opening: Registered::default(),
            source: String::new(),
        };
        List {
            campaign: CampaignId([1; 16]),
            unit: UNIT.to_owned(),
            review_date: "2022-12-14".to_owned(),
            standard: "nd-07-2021".to_owned(),
            hamlets: vec![hamlet("field", Area::Rural), hamlet("town", Area::Urban)],
            rows,
        }
    }

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    /// The register as it was fed: the opening list, and the list as it was recognised.
    fn register(list: &List) -> Vec<Decided> {
        let mut opening = Decided::new(Kind::Opening, list.campaign, day("2021-12-31"), 0);
        let listed = list.rows.iter().filter(|row| Side::of(row.opening).is_some());
        for row in listed {
            let (hamlet, paper) = (opening.hamlet(&row.hamlet, row.area), opening.paper("1"));
            opening.entries.push(Entry {
                household: row.household,
                hamlet,
                paper,
                class: Side::of(row.opening),
                cause: Cause::Opening,
                persons: row.members + 1,
                dtts: false,
                kin: None,
            });
        }
        in_order(vec![opening, Decided::of_list(list, "2", day("2022-12-14"), 1)])
    }

    fn lines_of(list: &List) -> Vec<UnitLine> {
        lines_with(list, &register(list))
    }

    fn lines_with(list: &List, register: &[Decided]) -> Vec<UnitLine> {
        let day = day("2022-12-14");
        let period = Period {
            from: self::day("2021-12-31"),
            to: day,
            through: Through::None,
            look_back_years: 3,
        };
        let tally = Tally::of(list).with_moves(&moves(register, &period));
        let tallies = BTreeMap::from([(UNIT.to_owned(), tally)]);
        lines(&Units::quang_tri_2022().at(day), UNIT, &tallies)
    }

    #[test]
    fn a_household_without_an_outcome_keeps_the_flows_from_closing() {
        let mut rows: Vec<Row> = (1..9).map(|number| row(number, 0, 0)).collect();
        assert_eq!(differences(&lines_of(&list(rows.clone()))), []);
        let decided = register(&list(rows.clone()));
        (rows[1].outcome, rows[1].class) = (Outcome::Pending, None);
        (rows[2].outcome, rows[2].class) = (Outcome::Surveyed, Some(Class::Insufficient));
        let found = differences(&lines_with(&list(rows), &decided));
        let figures: Vec<_> =
            found.iter().map(|one| (one.check, one.unit.as_str(), one.difference)).collect();
        let due = [("7.2", "field", 1), ("7.2-persons", "field", 3)];
        assert_eq!(figures[..2], due);
        assert_eq!(figures[2..], [("7.2", "town", 1), ("7.2-persons", "town", 4)]);
        let all = checks(&[], &Standard::nd_07_2021());
        assert!(all.iter().all(|check| check.holds));
    }

    #[test]
    fn deprivations_for_each_household_are_reported_and_refuse_nothing() {
        let list = list((1..4).map(|number| row(number, 0, 0)).collect());
        let all = checks(&lines_of(&list), &Standard::nd_07_2021());
        let last = all.last().expect("a check");
        assert_eq!((last.left.as_str(), last.sign, last.right.as_str()), ("1,00", "≥", "3"));
        assert_eq!((last.holds, last.refuses), (false, false));
    }

    proptest! {
        /// Whatever a list holds: it closes, parts sum to the whole, and so do the formulas.
        #[test]
        fn a_list_of_outcomes_closes_and_sums_up(
            moves in proptest::collection::vec((0_usize..3, 0_usize..4), 0..60),
        ) {
            let made = (1..).zip(&moves).map(|(number, (from, to))| row(number, *from, *to));
            let lines = lines_of(&list(made.collect()));
            prop_assert_eq!(differences(&lines), []);
            let standard = Standard::nd_07_2021();
            for form in Form::ALL {
                let columns = columns(form, &standard);
                let rows = rows(form, &standard, &lines);
                for row in &rows {
                    for (column, cell) in columns.iter().zip(&row.cells) {
                        let count = |cell: Cell| match cell {
                            Cell::Count(count) => signed(count),
                            _ => 0,
                        };
                        let same_row = |number: u8| count(row.cells[usize::from(number) - 1]);
                        match row.formula(column) {
                            Some(Formula::Sum(adds)) => {
                                let at = usize::from(column.number) - 1;
                                let sum: i64 = adds.iter().map(|add| count(rows[*add].cells[at])).sum();
                                prop_assert_eq!(Cell::Count(sum.unsigned_abs()), *cell);
                            }
                            Some(Formula::Balance(terms)) => {
                                let sum: i64 = terms
                                    .iter()
                                    .map(|term| {
                                        let count = same_row(term.column);
                                        if term.minus { -count } else { count }
                                    })
                                    .sum();
                                prop_assert_eq!(Cell::Count(sum.unsigned_abs()), *cell);
                            }
                            Some(Formula::Rate { .. }) | None => {}
                        }
                    }
                }
            }
        }
    }
}
