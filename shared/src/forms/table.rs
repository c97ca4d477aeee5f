//! The rows of a form: urban, rural and their total, each area with the units below.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Column, Flow, Form, Holds, Part, Tally, Term, columns};
use crate::aggregate::{Rate, hundredths_vi, thousands_vi};
use crate::standard::Standard;
use crate::unit::{Area, UnitTree};

/// What a line counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Hộ.
    Households,
    /// Nhân khẩu.
    Persons,
}

/// One unit below the form's own, or one hamlet, with what was counted in each area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitLine {
    /// Code.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Its hamlets that are urban.
    pub urban: Option<Part>,
    /// Its hamlets that are rural.
    pub rural: Option<Part>,
}

impl UnitLine {
    /// Returns what was counted in one area; `None` where the unit has no such hamlet.
    pub fn part(&self, area: Area) -> Option<&Part> {
        match area {
            Area::Urban => self.urban.as_ref(),
            Area::Rural => self.rural.as_ref(),
        }
    }

    fn add(&mut self, area: Area, part: &Part) {
        let sum = match area {
            Area::Urban => &mut self.urban,
            Area::Rural => &mut self.rural,
        };
        sum.get_or_insert_with(Part::default).add(part);
    }
}

/// Both area types, in the order of the forms.
pub(super) const AREAS: [Area; 2] = [Area::Urban, Area::Rural];

/// Gathers the lines of a unit: those one level below it, and the hamlets of one that keeps a list.
///
/// A list that is not in `tallies` is not counted; whoever calls says how many are missing.
pub fn lines<T: Borrow<Tally>>(
    tree: &UnitTree,
    top: &str,
    tallies: &BTreeMap<String, T>,
) -> Vec<UnitLine> {
    let none = |code: &str, name: String| UnitLine {
        code: code.to_owned(),
        name,
        urban: None,
        rural: None,
    };
    let below = tree.children(top);
    if below.is_empty() {
        let hamlets = tallies.get(top).map(|tally| tally.borrow().hamlets.as_slice());
        let lines = hamlets.unwrap_or_default().iter().map(|hamlet| {
            let mut line = none(&hamlet.code, hamlet.name.clone());
            line.add(hamlet.area, &hamlet.part);
            line
        });
        return lines.collect();
    }
    let lines = below.into_iter().map(|unit| {
        let mut line = none(unit.code(), unit.full_name());
        for (code, tally) in tallies {
            if tree.contains(unit.code(), code) {
                for area in AREAS {
                    if let Some(part) = tally.borrow().area(area) {
                        line.add(area, &part);
                    }
                }
            }
        }
        line
    });
    lines.collect()
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// I or II: an area.
    Area,
    /// A unit in an area.
    Unit,
    /// I + II.
    Total,
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// A count.
    Count(u64),
    /// Hundredths of a per cent, rounded half up once.
    Hundredths(i64),
    /// A rate with nothing to divide by.
    NoWhole,
    /// The lists cannot tell.
    Unknown,
}

impl Cell {
    /// Writes the figure the Vietnamese way.
    ///
    /// ```
    /// use shared::forms::Cell;
    ///
    /// assert_eq!(Cell::Count(1_234).text_vi(), "1.234");
    /// assert_eq!(Cell::Hundredths(914).text_vi(), "9,14");
    /// assert_eq!(Cell::Unknown.text_vi(), "…");
    /// ```
    pub fn text_vi(self) -> String {
        match self {
            Self::Count(count) => thousands_vi(count),
            Self::Hundredths(hundredths) => hundredths_vi(hundredths),
            Self::NoWhole => "–".to_owned(),
            Self::Unknown => "…".to_owned(),
        }
    }
}

/// How a figure comes from others on the same sheet, or on the sheet of another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula<'a> {
    /// The same column of other rows, by their indices.
    Sum(&'a [usize]),
    /// Two columns of the same row, of this form or of the one named.
    Rate {
        /// Column above the line.
        part: u8,
        /// Column below the line.
        whole: u8,
        /// The form they are of.
        form: Option<Form>,
    },
    /// Columns of the same row, added and taken away.
    Balance(&'a [Term]),
}

/// One row of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is.
    pub kind: Kind,
    /// `I`, `II`, or the number of the unit in its area.
    pub mark: String,
    /// Name of the unit; empty for area and total.
    pub name: String,
    /// Code of the unit or hamlet.
    pub code: Option<String>,
    /// The area it counts; none for the total.
    pub area: Option<Area>,
    /// What it counts, where a form has two lines for each unit.
    pub measure: Option<Measure>,
    /// Rows it is the sum of, by index.
    pub adds: Vec<usize>,
    /// Figures, one a column.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Tells how the figure in a column is come by; `None` where it is counted.
    pub fn formula<'a>(&'a self, column: &'a Column) -> Option<Formula<'a>> {
        let cell = self.cells.get(usize::from(column.number).saturating_sub(1))?;
        match (&column.holds, cell) {
            (_, Cell::Unknown) => None,
            (Holds::Rate { part, whole, form }, _) => {
                Some(Formula::Rate { part: *part, whole: *whole, form: *form })
            }
            // Reports of before there was a register do not tell every column of persons.
            (Holds::Balance(_, terms), _) if !self.cells.contains(&Cell::Unknown) => {
                Some(Formula::Balance(terms))
            }
            _ if self.adds.is_empty() => None,
            _ => Some(Formula::Sum(&self.adds)),
        }
    }
}

/// Writes the rows of a form.
///
/// Source: every table of Annex VII has I urban, II rural and their total, see `LEGAL.md`.
pub fn rows(form: Form, standard: &Standard, lines: &[UnitLine]) -> Vec<Row> {
    let own = columns(form, standard);
    let source = form.rests_on().map_or_else(|| own.clone(), |form| columns(form, standard));
    let measures: &[Option<Measure>] = if form.has_persons() {
        &[Some(Measure::Households), Some(Measure::Persons)]
    } else {
        &[None]
    };
    let mut rows: Vec<Row> = Vec::new();
    let mut total = Part::default();
    let mut heads = Vec::new();
    for (area, mark) in AREAS.into_iter().zip(["I", "II"]) {
        let units: Vec<(&UnitLine, &Part)> =
            lines.iter().filter_map(|line| Some((line, line.part(area)?))).collect();
        let mut sum = Part::default();
        units.iter().for_each(|(_, part)| sum.add(part));
        total.add(&sum);
        let head = rows.len();
        heads.push(head);
        let made = Made { own: &own, source: &source, area: Some(area), kind: Kind::Area };
        for (step, measure) in measures.iter().enumerate() {
            let units = (1..=units.len()).map(|unit| head + unit * measures.len() + step);
            rows.push(Row { adds: units.collect(), ..made.row(mark, None, *measure, &sum) });
        }
        let made = Made { kind: Kind::Unit, ..made };
        for (number, (line, part)) in (1_usize..).zip(&units) {
            for measure in measures {
                rows.push(made.row(&number.to_string(), Some(line), *measure, part));
            }
        }
    }
    let made = Made { own: &own, source: &source, area: None, kind: Kind::Total };
    for (step, measure) in measures.iter().enumerate() {
        let adds = heads.iter().map(|head| head + step).collect();
        rows.push(Row { adds, ..made.row("", None, *measure, &total) });
    }
    rows
}

/// What rows of one kind and area have in common.
#[derive(Clone, Copy)]
struct Made<'a> {
    own: &'a [Column],
    /// Columns that rates are of.
    source: &'a [Column],
    area: Option<Area>,
    kind: Kind,
}

impl Made<'_> {
    fn row(
        self,
        mark: &str,
        line: Option<&UnitLine>,
        measure: Option<Measure>,
        part: &Part,
    ) -> Row {
        let measured = measure.unwrap_or(Measure::Households);
        Row {
            kind: self.kind,
            mark: mark.to_owned(),
            name: line.map_or_else(String::new, |line| line.name.clone()),
            code: line.map(|line| line.code.clone()),
            area: self.area,
            measure,
            adds: Vec::new(),
            cells: self.own.iter().map(|column| self.cell(column, part, measured)).collect(),
        }
    }

    fn cell(self, column: &Column, part: &Part, measure: Measure) -> Cell {
        if let Holds::Rate { part: over, whole, .. } = &column.holds {
            let of = |number: u8| {
                let column = self.source.iter().find(|column| column.number == number);
                column.and_then(|column| count(&column.holds, part, measure)).unwrap_or(0)
            };
            let rate = Rate::of(of(*over), of(*whole)).percent_hundredths();
            return rate.map_or(Cell::NoWhole, Cell::Hundredths);
        }
        count(&column.holds, part, measure).map_or(Cell::Unknown, Cell::Count)
    }
}

/// Returns what was counted for a column; `None` where the lists cannot tell.
fn count(holds: &Holds, part: &Part, measure: Measure) -> Option<u64> {
    match holds {
        Holds::Households => Some(part.registered.households),
        Holds::Persons => Some(part.registered.persons),
        Holds::ClassHouseholds(side) => Some(part.side(*side).closing.households),
        Holds::ClassPersons(side) => Some(part.side(*side).closing.persons),
        Holds::Flow(side, flow) => part.side(*side).flow(*flow, measure),
        // The closing list as it was counted by itself: that it is the balance is checked.
        Holds::Balance(side, _) => part.side(*side).flow(Flow::Closing, measure),
        Holds::Deprived(side, code) => {
            Some(part.side(*side).deprived.get(code).copied().unwrap_or(0))
        }
        Holds::Rate { .. } => None,
    }
}
