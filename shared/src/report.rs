//! Last stage of the line: the table of rates by unit, and what it does not cover yet.
//!
//! A row says how many lists it rests on; one list short and it is incomplete (chưa đầy đủ).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::{Counts, Rate, hundredths_vi, thousands_vi};
use crate::unit::{Level, UnitTree};

/// The rates of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRow {
    /// Unit code, in force at the review date.
    pub unit: String,
    /// Full name.
    pub name: String,
    /// Level.
    pub level: Level,
    /// Lists recognised below the unit.
    pub lists: usize,
    /// Lists there should be.
    pub lists_due: usize,
    /// True where every list is recognised; only then is the row official.
    pub complete: bool,
    /// Exact counts over the recognised lists.
    pub counts: Counts,
    /// The same as figures, rounded half up once.
    pub figures: Figures,
}

/// Figures in hundredths; a rate without a denominator is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Poor rate, hundredths of a per cent.
    pub poor: Option<i64>,
    /// Near-poor rate.
    pub near_poor: Option<i64>,
    /// Multidimensional rate.
    pub multidimensional: Option<i64>,
    /// Change of the poor rate since the opening, hundredths of a percentage point.
    pub poor_change_points: Option<i64>,
    /// Change of poor households since the opening.
    pub poor_change: i64,
    /// Poor DTTS households among DTTS households.
    pub dtts_poor: Option<i64>,
    /// DTTS households among the poor.
    pub dtts_share_of_poor: Option<i64>,
    /// Opening poor rate.
    pub opening_poor: Option<i64>,
}

impl Figures {
    /// Computes every figure from counts.
    pub fn of(counts: &Counts) -> Self {
        let percent = |rate: Rate| rate.percent_hundredths();
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self {
            poor: percent(counts.poor_rate()),
            near_poor: percent(counts.near_poor_rate()),
            multidimensional: percent(counts.multidimensional_rate()),
            poor_change_points: counts.poor_rate().points_since(counts.opening_poor_rate()),
            poor_change: count(counts.poor.households) - count(counts.opening_poor.households),
            dtts_poor: percent(counts.dtts_poor_rate()),
            dtts_share_of_poor: percent(counts.dtts_share_of_poor()),
            opening_poor: percent(counts.opening_poor_rate()),
        }
    }
}

/// Sums the counts of recognised lists for a unit and everything under it, top first.
///
/// `lists` holds the counts of each recognised list by its unit's code.
pub fn rates(tree: &UnitTree, top: &str, lists: &BTreeMap<String, Counts>) -> Vec<RateRow> {
    let mut rows = Vec::new();
    push(tree, top, lists, &mut rows);
    rows
}

fn push(tree: &UnitTree, code: &str, lists: &BTreeMap<String, Counts>, rows: &mut Vec<RateRow>) {
    let Some(unit) = tree.get(code) else { return };
    let mut counts = Counts::default();
    let (mut recognised, mut due) = (0, 0);
    for list_unit in tree.list_units() {
        if tree.contains(code, list_unit.code()) {
            due += 1;
            if let Some(list) = lists.get(list_unit.code()) {
                recognised += 1;
                counts.add(list);
            }
        }
    }
    rows.push(RateRow {
        unit: code.to_owned(),
        name: unit.full_name(),
        level: unit.level,
        lists: recognised,
        lists_due: due,
        complete: recognised == due,
        figures: Figures::of(&counts),
        counts,
    });
    let children: Vec<String> =
        tree.children(code).iter().map(|child| child.code().to_owned()).collect();
    for child in children {
        push(tree, &child, lists, rows);
    }
}

/// Column heads of [`csv`], in order. `synthetic` counts the households, of those `reviewed`, whose
/// B1 was computed with a synthetic score table: where it is not 0, no figure is official.
pub const CSV_COLUMNS: [&str; 22] = [
    "unit",
    "name",
    "level",
    "lists",
    "lists_due",
    "complete",
    "households",
    "poor",
    "poor_percent",
    "near_poor",
    "near_poor_percent",
    "multidimensional",
    "multidimensional_percent",
    "opening_poor",
    "poor_change",
    "poor_change_points",
    "dtts_households",
    "dtts_poor",
    "dtts_poor_percent",
    "dtts_share_of_poor_percent",
    "reviewed",
    "synthetic",
];

/// Writes rows as CSV with plain integers and two-decimal points, for machines.
pub fn csv(rows: &[RateRow]) -> String {
    let mut out = CSV_COLUMNS.join(",");
    out.push('\n');
    for row in rows {
        let plain = |hundredths: Option<i64>| {
            hundredths.map_or(String::new(), |h| {
                hundredths_vi(h).replace('.', "").replace(',', ".").replace('−', "-")
            })
        };
        let (counts, figures) = (&row.counts, &row.figures);
        let cells: [String; CSV_COLUMNS.len()] = [
            row.unit.clone(),
            quoted(&row.name),
            level_name(row.level).to_owned(),
            row.lists.to_string(),
            row.lists_due.to_string(),
            row.complete.to_string(),
            counts.closing.households.to_string(),
            counts.poor.households.to_string(),
            plain(figures.poor),
            counts.near_poor.households.to_string(),
            plain(figures.near_poor),
            counts.multidimensional().to_string(),
            plain(figures.multidimensional),
            counts.opening_poor.households.to_string(),
            figures.poor_change.to_string(),
            plain(figures.poor_change_points),
            counts.closing.dtts_households.to_string(),
            counts.poor.dtts_households.to_string(),
            plain(figures.dtts_poor),
            plain(figures.dtts_share_of_poor),
            counts.reviewed.to_string(),
            counts.synthetic.to_string(),
        ];
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Province => "province",
        Level::District => "district",
        Level::Commune => "commune",
    }
}

/// Writes rows as a table for people, in Vietnamese, one line a unit.
///
/// `note` is put behind a unit's name, for example to say that its split is synthetic.
pub fn text(rows: &[RateRow], note: &dyn Fn(&str) -> &'static str) -> String {
    let percent = |hundredths: Option<i64>| hundredths.map_or("–".to_owned(), hundredths_vi);
    let mut out = format!(
        "{:<34}{:>9}{:>9}{:>8}{:>10}{:>8}{:>10}{:>8}{:>9}{:>9}\n",
        "Đơn vị", "Số hộ", "Nghèo", "%", "Cận ngh.", "%", "Đa chiều", "%", "± hộ", "± điểm"
    );
    for row in rows {
        let counts = &row.counts;
        let change = row.figures.poor_change;
        let sign = if change < 0 { "−" } else { "" };
        let mark = if row.complete { "" } else { " (chưa đủ)" };
        out.push_str(&format!(
            "{:<34}{:>9}{:>9}{:>8}{:>10}{:>8}{:>10}{:>8}{:>9}{:>9}\n",
            format!("{}{}{mark}", row.name, note(&row.unit)),
            thousands_vi(counts.closing.households),
            thousands_vi(counts.poor.households),
            percent(row.figures.poor),
            thousands_vi(counts.near_poor.households),
            percent(row.figures.near_poor),
            thousands_vi(counts.multidimensional()),
            percent(row.figures.multidimensional),
            format!("{sign}{}", thousands_vi(change.unsigned_abs())),
            percent(row.figures.poor_change_points),
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_csv_has_a_cell_for_each_head() {
        let counts = Counts { reviewed: 7, synthetic: 5, ..Counts::default() };
        let row = RateRow {
            unit: "19558".to_owned(),
            name: "Xã Đakrông".to_owned(),
            level: Level::Commune,
            lists: 1,
            lists_due: 1,
            complete: true,
            figures: Figures::of(&counts),
            counts,
        };
        let text = csv(&[row.clone(), row]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(lines[0], CSV_COLUMNS);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|cells| cells.len() == CSV_COLUMNS.len()));
        let cell = |head: &str| lines[0].iter().position(|one| *one == head).map(|at| lines[1][at]);
        assert_eq!(cell("unit"), Some("19558"));
        assert_eq!(cell("reviewed"), Some("7"));
        assert_eq!(cell("synthetic"), Some("5"));
    }
}
