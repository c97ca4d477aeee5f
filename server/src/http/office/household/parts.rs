//! Parts of a household's page: indicators, points, who asked, what to look at.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::household::{Answers, Household};
use shared::classify::{B1, B1Method, Classification};
use shared::paper::findings;
use shared::score::ScoreTable;
use shared::standing::Standing;

use super::super::frame::{Lang, day_text};
use super::super::words::{block_text, key_text};
use crate::store::campaign::Campaign;

/// One indicator with what it rests on.
pub(super) struct IndicatorLine {
    pub(super) label: String,
    pub(super) state: &'static str,
    pub(super) mark: &'static str,
    pub(super) because: String,
}

/// Writes the indicators with what each rests on.
pub(super) fn indicators(
    lang: Lang,
    classification: &Classification,
    members: &BTreeMap<String, Answers>,
) -> Vec<IndicatorLine> {
    let standard = crate::standing::standard_named(&classification.standard);
    let one = |one: &shared::classify::IndicatorResult| {
        let known = standard.as_ref().and_then(|standard| {
            standard.indicators.iter().find(|indicator| indicator.code == one.code)
        });
        let label = known.map(|known| lang.t(&known.label.vi, &known.label.en).to_owned());
        let (state, mark) = match one.deprived {
            Some(true) => (lang.t("Thiếu hụt", "Deprived"), "yes"),
            Some(false) => (lang.t("Không thiếu hụt", "Not deprived"), "no"),
            None => (lang.t("Chưa đủ thông tin", "Not known"), "unknown"),
        };
        let because = one.because.iter().map(|key| key_text(lang, key, members));
        IndicatorLine {
            label: label.unwrap_or_else(|| one.code.clone()),
            state,
            mark,
            because: because.collect::<Vec<_>>().join("; "),
        }
    };
    classification.indicators.iter().map(one).collect()
}

/// Points of one item of B1.
pub(super) struct ItemLine {
    pub(super) label: String,
    /// The choice that was read from the answers, where a table was used.
    pub(super) choice: String,
    pub(super) points: i64,
}

/// Writes in which way B1 was obtained, and by which version of the table.
pub(super) fn b1_way(lang: Lang, b1: Option<&B1>) -> String {
    let Some(b1) = b1 else { return String::new() };
    let way = match b1.method {
        B1Method::Computed => lang.t("tính từ bảng điểm đã nạp", "computed by the loaded table"),
        B1Method::ItemPoints => {
            lang.t("cộng điểm từng mục đọc từ sổ tay", "summed from items of the handbook")
        }
        B1Method::Entered => lang.t("ghi tổng điểm từ phiếu giấy", "the total on paper"),
    };
    match &b1.table {
        Some(table) => format!("{way}; {} {table}", lang.t("bảng điểm", "table")),
        None => way.to_owned(),
    }
}

/// Writes the points of each item.
pub(super) fn b1_items(lang: Lang, b1: Option<&B1>, campaign: &Campaign) -> Vec<ItemLine> {
    let table = match campaign.score_table.as_str() {
        "" => None,
        json => ScoreTable::parse(json, None).ok(),
    };
    let items = b1.into_iter().flat_map(|b1| &b1.items);
    items
        .map(|points| {
            let item = table.as_ref().and_then(|table| table.item(&points.item));
            let choice = points.choice.and_then(|place| item?.choices.get(place));
            let label = item.map(|item| lang.t(&item.label.vi, &item.label.en));
            let choice = choice.map(|choice| lang.t(&choice.label.vi, &choice.label.en));
            ItemLine {
                label: label.unwrap_or(&points.item).to_owned(),
                choice: choice.unwrap_or_default().to_owned(),
                points: points.points,
            }
        })
        .collect()
}

/// Who asked a block of the form.
pub(super) struct AskedLine {
    pub(super) block: String,
    pub(super) who: String,
    pub(super) day: String,
    pub(super) medium: &'static str,
}

/// Writes who asked, answered and typed each block.
pub(super) fn asked(lang: Lang, household: &Household) -> Vec<AskedLine> {
    let one = |(block, asked): (&String, &mobile_schema::household::Asked)| AskedLine {
        block: block_text(lang, block),
        who: [&asked.by, &asked.answered_by, &asked.typed_by]
            .map(|who| who.clone().unwrap_or_else(|| "–".to_owned()))
            .join(" · "),
        day: asked.day.as_deref().map(day_text).unwrap_or_default(),
        medium: match asked.medium.as_deref() {
            Some("paper") => lang.t("phiếu giấy", "paper"),
            Some("phone") => lang.t("điện thoại", "phone"),
            _ => "",
        },
    };
    household.asked.iter().map(one).collect()
}

/// Lists what a person should look at: what the form objects to in its words, then the rest.
pub(super) fn flags(
    lang: Lang,
    standing: &Standing,
    household: &Household,
    campaign: &Campaign,
) -> Vec<String> {
    let mut said = BTreeSet::new();
    let mut lines: Vec<String> = Vec::new();
    for found in findings(household, campaign.review_date) {
        let path = match &found.member {
            Some(member) => format!("members/{member}/{}", found.key),
            None => format!("answers/{}", found.key),
        };
        let text = lang.t(&found.objection.text.vi, &found.objection.text.en);
        lines.push(format!("{}: {text}", key_text(lang, &path, &household.members)));
        said.insert((found.objection.code, path));
    }
    let rest = standing
        .flags
        .iter()
        .filter(|flag| !said.contains(&(flag.code.clone(), flag.path.clone())));
    // The page says on its own what was merged into the household.
    let rest = rest.filter(|flag| flag.code != "household-merged");
    let rest = rest
        .map(|flag| format!("{} · {}", flag.code, key_text(lang, &flag.path, &household.members)));
    lines.extend(rest);
    lines
}
