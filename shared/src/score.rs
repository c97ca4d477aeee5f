//! Score tables: how B1 points are read from answers, as data a province imports.
//!
//! The official table of 2022–2026 is not part of this program and no points are invented for it.
//! The only table shipped is synthetic and says so in its title.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::rule::{Rule, RuleError};
use crate::standard::{Certainty, Line, Standing};
use crate::unit::Area;

/// Region of every urban household.
pub const REGION_URBAN: &str = "urban";

/// Regions a table may have columns for.
///
/// Source: the columns of the superseded table of Circular 17/2016/TT-BLĐTBXH (secondary); that the
/// table of 2022–2026 keeps them is unverified, see `LEGAL.md`, "Score tables".
pub const REGIONS: [&str; 7] = [
    REGION_URBAN,
    "rural_red_river",
    "rural_north_mountains",
    "rural_north_central_coast",
    "rural_central_highlands",
    "rural_southeast",
    "rural_mekong",
];

/// Least that the best choices of a region may add up to, in points.
///
/// One more than the higher B1 threshold (175, urban): below it the table could not tell anybody
/// from the poor.
pub const TABLE_TOTAL_MIN: i64 = 176;

/// Most that the best choices of a region may add up to, in points: about ten thresholds. More is
/// a slip of the keyboard, such as 150 for 15.
pub const TABLE_TOTAL_MAX: i64 = 2_000;

/// Most items of a table, and most choices of an item; the known forms have about 20 of about 10.
pub const TABLE_ROWS_MAX: usize = 200;

/// Stands in the code of every synthetic table and in no other, in lower case.
///
/// Frozen rows keep only code and version of their table, so these alone must say what it is.
pub const SYNTHETIC_MARK: &str = "synthetic";

/// A table of B1 points. Made by [`ScoreTable::parse`], which checks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScoreTable {
    /// Stable code; see [`SYNTHETIC_MARK`].
    pub code: String,
    /// Version of the table; a corrected table is a new version.
    pub version: String,
    /// Name. A synthetic table says here that it is one.
    pub title: Line,
    /// Set for tables made up for demonstration and tests.
    pub synthetic: bool,
    /// What the table rests on.
    pub standing: Standing,
    /// Regions it has points for.
    pub regions: Vec<String>,
    /// Items, in the order of the form.
    pub items: Vec<Item>,
}

/// One item of a table: choices that exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Stable code, as in the household's `b1_items`.
    pub code: String,
    /// Name.
    pub label: Line,
    /// Choices; the first whose rule holds gives the points, and the last one always holds.
    pub choices: Vec<Choice>,
}

/// One choice of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Name.
    pub label: Line,
    /// When it is this choice, provided no earlier one was.
    pub when: Rule,
    /// Points by region.
    pub points: BTreeMap<String, i64>,
}

/// One thing that is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct TableError {
    /// Where it is.
    pub place: Place,
    /// What is wrong there.
    pub problem: TableProblem,
}

/// A place in a table. Numbers count from 1, as people do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Place {
    /// The table as a whole.
    #[error("table")]
    Table,
    /// One item.
    #[error("item {number} ({code})")]
    Item {
        /// Number of the item.
        number: usize,
        /// Code of the item; empty where it could not be read.
        code: String,
    },
    /// One choice of an item.
    #[error("item {number} ({code}), choice {choice}")]
    Choice {
        /// Number of the item.
        number: usize,
        /// Code of the item.
        code: String,
        /// Number of the choice.
        choice: usize,
    },
}

/// What is wrong with a place of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableProblem {
    /// It cannot be read as what it should be.
    #[error("cannot be read: {reason}")]
    Malformed {
        /// What the reader of JSON says.
        reason: String,
    },
    /// Code, version, title, source, or the marks of a synthetic or verified table are not in order.
    #[error("needs code, version, both titles and a source; a synthetic table must be called so")]
    Heading,
    /// The code does not tell a synthetic table from another.
    #[error(
        "a synthetic table's code contains \"{SYNTHETIC_MARK}\", and no other table's code or \
         version does"
    )]
    SyntheticCode,
    /// A region is unknown, comes twice, or none is urban or none is rural.
    #[error("regions must be known, given once, and include urban and a rural one")]
    Regions,
    /// There are no rows, or more than a table can have.
    #[error("needs 1 to {TABLE_ROWS_MAX} rows")]
    Rows,
    /// Two items have one code.
    #[error("the code is used twice")]
    Duplicate,
    /// The last choice is not `otherwise`, or an earlier one is.
    #[error("exactly the last choice must be \"otherwise\"")]
    Otherwise,
    /// A rule cannot be used.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A region of the table has no points here.
    #[error("no points for region {region}")]
    MissingRegion {
        /// The region.
        region: String,
    },
    /// Points are given for a region that the table does not have.
    #[error("points for {region}, which is not a region of the table")]
    ExtraRegion {
        /// The region.
        region: String,
    },
    /// Points are negative.
    #[error("{points} points for region {region}: points are not negative")]
    Negative {
        /// The region.
        region: String,
        /// The points.
        points: i64,
    },
    /// The best choices add up to too little or too much.
    #[error(
        "the best choices of region {region} add up to {total}: \
         not within {TABLE_TOTAL_MIN} to {TABLE_TOTAL_MAX}"
    )]
    Total {
        /// The region.
        region: String,
        /// What they add up to.
        total: i64,
    },
}

/// The table as written, its rows still unread so that each can be refused by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    code: String,
    version: String,
    title: Line,
    synthetic: bool,
    standing: Standing,
    regions: Vec<String>,
    items: Vec<Json>,
}

/// An item as written, its choices still unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    code: String,
    label: Line,
    choices: Vec<Json>,
}

impl ScoreTable {
    /// Reads a table, or lists everything that is wrong with it, row by row.
    ///
    /// With `keys`, rules may only ask for these question keys.
    pub fn parse(json: &str, keys: Option<&BTreeSet<String>>) -> Result<Self, Vec<TableError>> {
        let raw: RawTable =
            serde_json::from_str(json).map_err(|error| vec![malformed(Place::Table, &error)])?;
        let mut reader = Reader { keys, regions: &raw.regions, errors: Vec::new() };
        reader.heading(&raw);

        let numbered = (1..).zip(raw.items.iter().take(TABLE_ROWS_MAX));
        let items: Vec<Item> =
            numbered.filter_map(|(number, item)| reader.item(number, item)).collect();
        reader.totals(&items);

        let Reader { errors, .. } = reader;
        if !errors.is_empty() {
            return Err(errors);
        }
        let RawTable { code, version, title, synthetic, standing, regions, .. } = raw;
        Ok(Self { code, version, title, synthetic, standing, regions, items })
    }

    /// Returns the table made up for demonstration and tests.
    pub fn synthetic_demo() -> Self {
        Self::parse(include_str!("../standards/b1-synthetic.json"), None)
            .expect("the built-in table is read by a test")
    }

    /// Returns code and version, as kept with every class made with it.
    pub fn id(&self) -> String {
        format!("{}@{}", self.code, self.version)
    }

    /// Tells from code and version, as kept with a class, whether the table is synthetic.
    pub fn id_is_synthetic(id: &str) -> bool {
        id.contains(SYNTHETIC_MARK)
    }

    /// Picks the column for a household; `None` where the table has none for it.
    ///
    /// Every urban household is in the urban column, whatever region the campaign is in.
    pub fn column(&self, area: Area, region: &str) -> Option<&str> {
        let wanted = match area {
            Area::Urban => REGION_URBAN,
            Area::Rural if region == REGION_URBAN => return None,
            Area::Rural => region,
        };
        self.regions.iter().map(String::as_str).find(|column| *column == wanted)
    }

    /// Finds an item by code.
    pub fn item(&self, code: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.code == code)
    }
}

/// Goes through the rows and collects what is wrong.
struct Reader<'a> {
    keys: Option<&'a BTreeSet<String>>,
    regions: &'a [String],
    errors: Vec<TableError>,
}

impl Reader<'_> {
    fn refuse(&mut self, place: Place, problem: TableProblem) {
        self.errors.push(TableError { place, problem });
    }

    fn heading(&mut self, raw: &RawTable) {
        let texts = [&raw.code, &raw.version, &raw.title.vi, &raw.title.en, &raw.standing.source];
        let verified = raw.standing.verified;
        let agrees = verified == (raw.standing.certainty == Certainty::Verified);
        let called_synthetic = raw.title.vi.to_uppercase().contains("GIẢ LẬP")
            && raw.title.en.to_uppercase().contains("SYNTHETIC");
        let named = raw.synthetic == called_synthetic && !(raw.synthetic && verified);
        if texts.iter().any(|text| text.trim().is_empty()) || !agrees || !named {
            self.refuse(Place::Table, TableProblem::Heading);
        }
        let marked = raw.code.contains(SYNTHETIC_MARK);
        if raw.synthetic != marked || (!marked && raw.version.contains(SYNTHETIC_MARK)) {
            self.refuse(Place::Table, TableProblem::SyntheticCode);
        }
        let given: BTreeSet<&str> = raw.regions.iter().map(String::as_str).collect();
        let known = given.iter().all(|region| REGIONS.contains(region));
        let once = given.len() == raw.regions.len();
        if !known || !once || !given.contains(REGION_URBAN) || given.len() < 2 {
            self.refuse(Place::Table, TableProblem::Regions);
        }
        if raw.items.is_empty() || raw.items.len() > TABLE_ROWS_MAX {
            self.refuse(Place::Table, TableProblem::Rows);
        }
        let mut codes = BTreeSet::new();
        for (number, item) in (1..).zip(&raw.items) {
            let code = code_of(item);
            if !codes.insert(code) {
                let place = Place::Item { number, code: code.to_owned() };
                self.refuse(place, TableProblem::Duplicate);
            }
        }
    }

    fn item(&mut self, number: usize, json: &Json) -> Option<Item> {
        let RawItem { code, label, choices: rows } = match RawItem::deserialize(json) {
            Ok(raw) => raw,
            Err(error) => {
                let code = code_of(json).to_owned();
                self.errors.push(malformed(Place::Item { number, code }, &error));
                return None;
            }
        };
        if rows.is_empty() || rows.len() > TABLE_ROWS_MAX {
            self.refuse(Place::Item { number, code }, TableProblem::Rows);
            return None;
        }
        let last = rows.len();
        let mut choices = Vec::with_capacity(last);
        for (choice, json) in (1..).zip(&rows) {
            let place = Place::Choice { number, code: code.clone(), choice };
            choices.extend(self.choice(&place, choice == last, json));
        }
        (choices.len() == last).then_some(Item { code, label, choices })
    }

    fn choice(&mut self, place: &Place, last: bool, json: &Json) -> Option<Choice> {
        let choice = match Choice::deserialize(json) {
            Ok(choice) => choice,
            Err(error) => {
                self.errors.push(malformed(place.clone(), &error));
                return None;
            }
        };
        if last != (choice.when == Rule::Otherwise) {
            self.refuse(place.clone(), TableProblem::Otherwise);
        }
        let mut rule_errors = choice.when.check();
        rule_errors.extend(self.keys.map(|keys| choice.when.check_keys(keys)).unwrap_or_default());
        for error in rule_errors {
            self.refuse(place.clone(), TableProblem::Rule(error));
        }
        let given: BTreeSet<&String> = choice.points.keys().collect();
        let wanted: BTreeSet<&String> = self.regions.iter().collect();
        for region in wanted.difference(&given).map(|region| (*region).clone()) {
            self.refuse(place.clone(), TableProblem::MissingRegion { region });
        }
        for region in given.difference(&wanted).map(|region| (*region).clone()) {
            self.refuse(place.clone(), TableProblem::ExtraRegion { region });
        }
        for (region, points) in choice.points.iter().filter(|(_, points)| **points < 0) {
            let problem = TableProblem::Negative { region: region.clone(), points: *points };
            self.refuse(place.clone(), problem);
        }
        Some(choice)
    }

    /// Adds up the best choices of each region. Only a table read whole has a total.
    fn totals(&mut self, items: &[Item]) {
        if !self.errors.is_empty() {
            return;
        }
        for region in self.regions {
            let best = items.iter().map(|item| {
                let points = item.choices.iter().filter_map(|choice| choice.points.get(region));
                points.max().copied().unwrap_or_default()
            });
            let total = best.fold(0, i64::saturating_add);
            if !(TABLE_TOTAL_MIN..=TABLE_TOTAL_MAX).contains(&total) {
                let problem = TableProblem::Total { region: region.clone(), total };
                self.errors.push(TableError { place: Place::Table, problem });
            }
        }
    }
}

/// Reads an item's code from a row that may not be an item at all.
fn code_of(row: &Json) -> &str {
    row.get("code").and_then(Json::as_str).unwrap_or_default()
}

fn malformed(place: Place, error: &serde_json::Error) -> TableError {
    TableError { place, problem: TableProblem::Malformed { reason: error.to_string() } }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const DEMO: &str = include_str!("../standards/b1-synthetic.json");

    fn demo() -> Json {
        serde_json::from_str(DEMO).unwrap()
    }

    fn problems(table: &Json) -> Vec<String> {
        let errors = ScoreTable::parse(&table.to_string(), None).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_demo_table_is_whole_and_says_that_it_is_made_up() {
        let table = ScoreTable::synthetic_demo();
        assert!(table.synthetic && !table.standing.verified);
        assert!(table.title.vi.contains("BẢNG ĐIỂM GIẢ LẬP – không phải bảng chính thức"));
        assert!(table.title.en.contains("SYNTHETIC"));
        assert_eq!(table.id(), "b1-synthetic@1");
        assert_eq!(table.regions.len(), REGIONS.len());
        let points = table.items.iter().flat_map(|item| &item.choices);
        assert!(points.flat_map(|choice| choice.points.values()).all(|points| points % 5 == 0));
    }

    #[test]
    fn an_urban_household_is_in_the_urban_column_in_every_region() {
        let table = ScoreTable::synthetic_demo();
        let coast = "rural_north_central_coast";
        assert_eq!(table.column(Area::Urban, coast), Some(REGION_URBAN));
        assert_eq!(table.column(Area::Rural, coast), Some(coast));
        assert_eq!(table.column(Area::Rural, REGION_URBAN), None);
        assert_eq!(table.column(Area::Rural, "nowhere"), None);
    }

    #[test]
    fn every_bad_row_is_listed_with_its_place() {
        let mut table = demo();
        let items = table["items"].as_array_mut().unwrap();
        items[0]["choices"][0]["points"].as_object_mut().unwrap().remove("urban");
        items[1]["choices"][1]["points"]["rural_mekong"] = (-5).into();
        items[1]["choices"][0]["points"]["mars"] = 5.into();
        items[2]["code"] = "work".into();
        items[4]["choices"] = Json::Array(Vec::new());
        items[5]["choices"].as_array_mut().unwrap().pop();
        items[6]["choices"][0]["when"] = "sometimes".into();
        items[7]["choices"][0]["when"] = serde_json::json!({ "age": { "below": 6 } });
        items[8]["colour"] = 1.into();

        let problems = problems(&table);
        for (place, what) in [
            ("item 1 (household_size), choice 1", "no points for region urban"),
            ("item 2 (dependants), choice 2", "-5 points for region rural_mekong"),
            ("item 2 (dependants), choice 1", "points for mars"),
            ("item 4 (work)", "used twice"),
            ("item 5 (pension)", "1 to 200 rows"),
            ("item 6 (wall), choice 2", "\"otherwise\""),
            ("item 7 (pillar), choice 1", "cannot be read"),
            ("item 8 (roof), choice 1", "an age stands outside"),
            ("item 9 (area_per_head)", "unknown field `colour`"),
        ] {
            let found = problems.iter().any(|text| text.starts_with(place) && text.contains(what));
            assert!(found, "{place}: {what} not in {problems:#?}");
        }
        assert_eq!(problems.len(), 9, "{problems:#?}");
    }

    #[test]
    fn a_heading_must_be_complete_and_honest() {
        let change = |path: &str, value: Json| {
            let mut table = demo();
            *table.pointer_mut(path).unwrap() = value;
            problems(&table)
        };
        for (path, value) in [
            ("/title/vi", "Bảng điểm B1".into()),
            ("/title/en", " ".into()),
            ("/synthetic", false.into()),
            ("/version", "".into()),
            ("/standing/verified", true.into()),
            ("/standing/source", "".into()),
        ] {
            assert!(change(path, value)[0].starts_with("table: needs code, version"), "{path}");
        }
        for (path, value) in [("/code", "b1-demo"), ("/code", "B1-SYNTHETIC")] {
            assert!(change(path, value.into())[0].starts_with("table: a synthetic table's code"));
        }
        let official = |code: &str, version: &str| {
            let mut table = demo();
            table["synthetic"] = false.into();
            table["title"] = serde_json::json!({ "vi": "Bảng điểm B1", "en": "B1 table" });
            (table["code"], table["version"]) = (code.into(), version.into());
            table
        };
        assert!(ScoreTable::parse(&official("b1-2022", "1").to_string(), None).is_ok());
        for (code, version) in [("b1-synthetic", "1"), ("b1-2022", "1-synthetic")] {
            let problems = problems(&official(code, version));
            assert!(problems[0].starts_with("table: a synthetic table's code"), "{problems:?}");
        }
        assert!(change("/synthetic", Json::Null)[0].starts_with("table: cannot be read"));
        assert!(change("/items", serde_json::json!([]))[0].contains("rows"));
        assert!(change("/regions/1", "urban".into())[0].contains("regions must be known"));
        assert!(ScoreTable::parse("", None).is_err());
    }

    #[test]
    fn a_table_nobody_can_rise_above_is_refused() {
        let mut table = demo();
        table["items"].as_array_mut().unwrap().truncate(1);
        assert!(problems(&table).iter().any(|text| text.contains("urban add up to 40")));
        let mut table = demo();
        table["items"][0]["choices"][0]["points"]["urban"] = 15_000.into();
        assert!(problems(&table)[0].contains("region urban add up to 15"));
    }

    #[test]
    fn a_rule_may_only_ask_what_the_form_asks() {
        let table = ScoreTable::synthetic_demo();
        let rules = table.items.iter().flat_map(|item| &item.choices).map(|choice| &choice.when);
        let mut keys: BTreeSet<String> =
            rules.flat_map(|rule| rule.keys()).map(str::to_owned).collect();
        assert!(ScoreTable::parse(DEMO, Some(&keys)).is_ok());
        keys.remove("roof");
        let errors = ScoreTable::parse(DEMO, Some(&keys)).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(errors[0].to_string().contains("the form has no question \"roof\""));
    }
}
