//! From answers to a class: poor, near-poor, above, or not enough to say.
//!
//! A pure function of household, area and basis. Indicators, B2 and the class are derived here and
//! nowhere else; no answer holds them.

use mobile_schema::household::{Household, Value};
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::rule::{Missing, Subject, Truth};
use crate::score::ScoreTable;
pub use crate::standard::Line;
use crate::standard::{Indicator, Standard};
use crate::unit::Area;

/// What a household is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Hộ nghèo.
    Poor,
    /// Hộ cận nghèo.
    NearPoor,
    /// Neither of the two (không thuộc hộ nghèo, hộ cận nghèo).
    Above,
    /// Answers or points are missing (chưa đủ căn cứ phân loại). Never counted as any class.
    Insufficient,
}

impl Class {
    /// Returns the code, as it travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Poor => "poor",
            Self::NearPoor => "near_poor",
            Self::Above => "above",
            Self::Insufficient => "insufficient",
        }
    }

    /// Returns the name on Vietnamese papers.
    pub const fn label_vi(self) -> &'static str {
        match self {
            Self::Poor => "Hộ nghèo",
            Self::NearPoor => "Hộ cận nghèo",
            Self::Above => "Không thuộc hộ nghèo, hộ cận nghèo",
            Self::Insufficient => "Chưa đủ căn cứ phân loại",
        }
    }

    /// Returns the English name.
    pub const fn label_en(self) -> &'static str {
        match self {
            Self::Poor => "Poor household",
            Self::NearPoor => "Near-poor household",
            Self::Above => "Neither poor nor near-poor",
            Self::Insufficient => "Not enough to classify",
        }
    }
}

/// How B1 was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum B1Method {
    /// From answers, by a loaded score table.
    Computed,
    /// Points were read from the handbook item by item and are summed here.
    ItemPoints,
    /// One total was read from paper.
    Entered,
}

impl B1Method {
    /// Reads the code of the answer `b1_method`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "computed" => Some(Self::Computed),
            "item_points" => Some(Self::ItemPoints),
            "entered" => Some(Self::Entered),
            _ => None,
        }
    }
}

/// Points of one item of B1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemPoints {
    /// Code of the item.
    pub item: String,
    /// Place of the choice in the item's choices, from 0; `None` where points were read by hand.
    pub choice: Option<usize>,
    /// The points.
    pub points: i64,
}

/// The income score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct B1 {
    /// Total points.
    pub points: i64,
    /// How they were obtained.
    pub method: B1Method,
    /// Code and version of the score table, where one was used.
    pub table: Option<String>,
    /// Set where the points come from a table made up for demonstration.
    pub synthetic: bool,
    /// Points of each item; empty where only a total was entered.
    pub items: Vec<ItemPoints>,
}

/// One indicator of deprivation for one household.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndicatorResult {
    /// Code of the indicator.
    pub code: String,
    /// Deprived, not deprived, or `None` where an answer is missing.
    pub deprived: Option<bool>,
    /// Where deprived: `members/<id>` of those who make it so, or the question keys behind it.
    /// Where unknown: the missing answers. Else empty.
    pub because: Vec<String>,
}

/// What a household is, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The class.
    pub class: Class,
    /// The area whose threshold was applied.
    pub area: Area,
    /// The income score; `None` where it cannot be had.
    pub b1: Option<B1>,
    /// The deprivation score; `None` where an indicator is unknown.
    pub b2: Option<i64>,
    /// Codes of the indicators known to be deprived, in the standard's order.
    pub deprived: Vec<String>,
    /// Every indicator, in the standard's order.
    pub indicators: Vec<IndicatorResult>,
    /// What lacks, sorted: `water`, `members/<id>/insurance`, `b1_method`, `score_table` …
    pub missing: Vec<String>,
    /// Code of the standard.
    pub standard: String,
    /// Parts used that are not verified: `thresholds`, `indicators.<code>`, `score_table` …
    pub unverified: Vec<String>,
    /// The reasons, for people.
    pub explanation: Vec<Line>,
}

/// What a campaign classifies by.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The standard of the campaign, never derived from the year.
    pub standard: &'a Standard,
    /// The score table, where one is loaded.
    pub table: Option<&'a ScoreTable>,
    /// Day on which ages are taken.
    pub review_date: Date,
    /// Rural region of the campaign's province, one of [`crate::score::REGIONS`].
    pub region: &'a str,
}

/// Classifies one household and says why.
///
/// Source: Decree 07/2021/NĐ-CP, Art. 3 (poor = income within the line *and* three deprivations or
/// more); points of Circular 07/2021/TT-BLĐTBXH (secondary). See `LEGAL.md`, "Classes".
///
/// ```
/// use mobile_schema::household::Household;
/// use shared::classify::{Basis, Class, classify};
/// use shared::{date::Date, standard::Standard, unit::Area};
///
/// let standard = Standard::nd_07_2021();
/// let review_date = Date::parse("2022-12-14").unwrap();
/// let region = "rural_north_central_coast";
/// let basis = Basis { standard: &standard, table: None, review_date, region };
///
/// // Nothing has been asked yet: that is not a class.
/// let result = classify(&Household::default(), Area::Rural, &basis);
/// assert_eq!(result.class, Class::Insufficient);
/// assert!(result.missing.contains(&"b1_method".to_owned()));
/// assert!(result.missing.contains(&"water".to_owned()));
/// ```
pub fn classify(household: &Household, area: Area, basis: &Basis<'_>) -> Classification {
    let standard = basis.standard;
    let subject = Subject::new(household, basis.review_date);
    let mut missing = Vec::new();

    let indicators: Vec<IndicatorResult> = standard
        .indicators
        .iter()
        .map(|indicator| judge(indicator, &subject, &mut missing))
        .collect();
    let b2 = b2(standard, &indicators);
    let b1 = b1(household, &subject, area, basis, &mut missing);
    missing.sort();
    missing.dedup();

    let class = class_of(b1.as_ref().map(|b1| b1.points), b2, area, standard);
    let deprived = indicators.iter().filter(|one| one.deprived == Some(true));
    let mut result = Classification {
        class,
        area,
        b2,
        deprived: deprived.map(|one| one.code.clone()).collect(),
        missing,
        standard: standard.code.clone(),
        unverified: unverified(basis, b1.as_ref(), &subject),
        explanation: Vec::new(),
        b1,
        indicators,
    };
    result.explanation = explain(&result, standard);
    result
}

/// The rule itself: both bounds count as within.
///
/// Held by `the_thresholds_are_inclusive` below.
fn class_of(b1: Option<i64>, b2: Option<i64>, area: Area, standard: &Standard) -> Class {
    let line = standard.thresholds.b1.of(area);
    match (b1, b2) {
        (None, _) | (_, None) => Class::Insufficient,
        (Some(b1), Some(_)) if b1 > line => Class::Above,
        (Some(_), Some(b2)) if b2 >= standard.thresholds.b2_poor => Class::Poor,
        (Some(_), Some(_)) => Class::NearPoor,
    }
}

/// Applies one indicator's rule, and notes which answers lacked.
fn judge<'a>(
    indicator: &'a Indicator,
    subject: &'a Subject<'a>,
    missing: &mut Vec<String>,
) -> IndicatorResult {
    let outcome = indicator.deprived.evaluate(subject);
    let because: Vec<String> = match outcome.truth {
        Truth::No => Vec::new(),
        Truth::Unknown => outcome.missing.iter().map(Missing::to_string).collect(),
        Truth::Yes if outcome.members.is_empty() => {
            indicator.deprived.keys().into_iter().map(str::to_owned).collect()
        }
        Truth::Yes => outcome.members.iter().map(|id| format!("members/{id}")).collect(),
    };
    if outcome.truth == Truth::Unknown {
        missing.extend(because.iter().cloned());
    }
    IndicatorResult { code: indicator.code.clone(), deprived: outcome.truth.known(), because }
}

/// Adds up B2; no total while an indicator is unknown.
fn b2(standard: &Standard, indicators: &[IndicatorResult]) -> Option<i64> {
    let each = standard.thresholds.points_per_indicator;
    indicators.iter().try_fold(0_i64, |points, one| {
        let more = if one.deprived? { each } else { 0 };
        points.checked_add(more)
    })
}

/// Obtains B1 in the way the household's form says, or notes what lacks.
fn b1(
    household: &Household,
    subject: &Subject<'_>,
    area: Area,
    basis: &Basis<'_>,
    missing: &mut Vec<String>,
) -> Option<B1> {
    let method = household.answers.get("b1_method").and_then(Value::as_text);
    match method.and_then(B1Method::from_code) {
        None => {
            missing.push("b1_method".to_owned());
            None
        }
        Some(B1Method::Computed) => computed(subject, area, basis, missing),
        Some(B1Method::ItemPoints) => item_points(household, missing),
        Some(B1Method::Entered) => {
            let points = household.answers.get("b1_entered").and_then(Value::as_int);
            let points = points.filter(|points| *points >= 0);
            if points.is_none() {
                missing.push("b1_entered".to_owned());
            }
            let method = B1Method::Entered;
            points.map(|points| B1 { points, method, table: None, synthetic: false, items: vec![] })
        }
    }
}

/// Reads B1 from answers by the loaded table; one unknown item leaves no total.
fn computed(
    subject: &Subject<'_>,
    area: Area,
    basis: &Basis<'_>,
    missing: &mut Vec<String>,
) -> Option<B1> {
    let column = basis.table.and_then(|table| Some((table, table.column(area, basis.region)?)));
    let Some((table, column)) = column else {
        missing.push("score_table".to_owned());
        return None;
    };
    let mut items = Vec::with_capacity(table.items.len());
    let mut points = Some(0_i64);
    for item in &table.items {
        let first = item.choices.iter().enumerate().find_map(|(place, choice)| {
            let outcome = choice.when.evaluate(subject);
            match outcome.truth {
                Truth::No => None,
                Truth::Yes => Some(Ok((place, *choice.points.get(column)?))),
                Truth::Unknown => {
                    Some(Err(outcome.missing.iter().map(Missing::to_string).collect::<Vec<_>>()))
                }
            }
        });
        match first {
            Some(Ok((place, more))) => {
                points = points.and_then(|points| points.checked_add(more));
                items.push(ItemPoints {
                    item: item.code.clone(),
                    choice: Some(place),
                    points: more,
                });
            }
            Some(Err(lacking)) => {
                points = None;
                missing.extend(lacking);
            }
            None => points = None,
        }
    }
    let (method, synthetic) = (B1Method::Computed, table.synthetic);
    points.map(|points| B1 { points, method, table: Some(table.id()), synthetic, items })
}

/// Sums the points that were read from the handbook.
fn item_points(household: &Household, missing: &mut Vec<String>) -> Option<B1> {
    if household.b1_items.is_empty() {
        missing.push("b1_items".to_owned());
        return None;
    }
    let negative = household.b1_items.iter().filter(|(_, points)| **points < 0);
    let before = missing.len();
    missing.extend(negative.map(|(item, _)| format!("b1_items/{item}")));
    if missing.len() > before {
        return None;
    }
    let points = household.b1_items.values().try_fold(0_i64, |sum, one| sum.checked_add(*one))?;
    let items = household.b1_items.iter().map(|(item, points)| ItemPoints {
        item: item.clone(),
        choice: None,
        points: *points,
    });
    let (method, items) = (B1Method::ItemPoints, items.collect());
    Some(B1 { points, method, table: None, synthetic: false, items })
}

/// Names the parts used that no legal text was read for.
fn unverified(basis: &Basis<'_>, b1: Option<&B1>, subject: &Subject<'_>) -> Vec<String> {
    let standard = basis.standard;
    let mut parts = Vec::new();
    if !standard.thresholds.standing.verified {
        parts.push("thresholds".to_owned());
    }
    let indicators = standard.indicators.iter().filter(|one| !one.standing.verified);
    parts.extend(indicators.map(|one| format!("indicators.{}", one.code)));
    let by_table = b1.is_some_and(|b1| b1.table.is_some());
    if by_table && basis.table.is_some_and(|table| !table.standing.verified) {
        parts.push("score_table".to_owned());
    }
    if subject.has_partial_birth() {
        parts.push("partial_birth".to_owned());
    }
    parts
}

/// Says in a few lines how the class came about.
fn explain(result: &Classification, standard: &Standard) -> Vec<Line> {
    let mut lines = vec![class_line(result, standard)];
    lines.extend(result.b1.as_ref().map(b1_line));
    let deprived = result.indicators.iter().zip(&standard.indicators);
    let labels: Vec<&Line> = deprived
        .filter(|(one, _)| one.deprived == Some(true))
        .map(|(_, indicator)| &indicator.label)
        .collect();
    if !labels.is_empty() {
        let join = |pick: fn(&Line) -> &str| {
            labels.iter().map(|line| pick(line)).collect::<Vec<_>>().join("; ")
        };
        let (vi, en) = (join(|line| &line.vi), join(|line| &line.en));
        let count = labels.len();
        lines.push(Line {
            vi: format!("Thiếu hụt {count} chỉ số: {vi}."),
            en: format!("Deprived in {count}: {en}."),
        });
    }
    if !result.missing.is_empty() {
        let count = result.missing.len();
        lines.push(Line {
            vi: format!("Còn thiếu {count} thông tin."),
            en: format!("{count} answers or sources are missing."),
        });
    }
    if !result.unverified.is_empty() {
        let count = result.unverified.len();
        lines.push(Line {
            vi: format!("Có {count} phần của quy tắc chưa đối chiếu với văn bản gốc."),
            en: format!("{count} parts of the rules were not checked against the legal text."),
        });
    }
    lines
}

/// States the comparison that decides, with its numbers.
fn class_line(result: &Classification, standard: &Standard) -> Line {
    let (vi, en) = (result.class.label_vi(), result.class.label_en());
    let (area_vi, area_en) = match result.area {
        Area::Urban => ("thành thị", "urban"),
        Area::Rural => ("nông thôn", "rural"),
    };
    let line = standard.thresholds.b1.of(result.area);
    let poor = standard.thresholds.b2_poor;
    let (Some(b1), Some(b2)) = (&result.b1, result.b2) else {
        return Line { vi: format!("{vi}."), en: format!("{en}.") };
    };
    let b1 = b1.points;
    let (income, and_b2) = match result.class {
        Class::Poor => ("≤", Some("≥")),
        Class::NearPoor => ("≤", Some("<")),
        Class::Above | Class::Insufficient => (">", None),
    };
    let (tail_vi, tail_en) = match and_b2 {
        Some(sign) => {
            (format!(" và B2 = {b2} {sign} {poor}"), format!(" and B2 = {b2} {sign} {poor}"))
        }
        None => (String::new(), String::new()),
    };
    Line {
        vi: format!("{vi}: B1 = {b1} {income} {line} ({area_vi}){tail_vi}."),
        en: format!("{en}: B1 = {b1} {income} {line} ({area_en}){tail_en}."),
    }
}

/// States where B1 comes from.
fn b1_line(b1: &B1) -> Line {
    let table = b1.table.as_deref().unwrap_or_default();
    match (b1.method, b1.synthetic) {
        (B1Method::Computed, true) => Line {
            vi: format!("B1 tính theo bảng điểm GIẢ LẬP {table}: không phải bảng chính thức."),
            en: format!("B1 computed with the SYNTHETIC table {table}: not the official one."),
        },
        (B1Method::Computed, false) => Line {
            vi: format!("B1 tính theo bảng điểm {table}."),
            en: format!("B1 computed with score table {table}."),
        },
        (B1Method::ItemPoints, _) => Line {
            vi: format!("B1 cộng từ {} mục đọc theo sổ tay.", b1.items.len()),
            en: format!("B1 summed from {} items read from the handbook.", b1.items.len()),
        },
        (B1Method::Entered, _) => Line {
            vi: "B1 nhập từ tổng điểm trên phiếu giấy.".to_owned(),
            en: "B1 entered as the total on paper.".to_owned(),
        },
    }
}
