//! The tile map: each district's communes as equal tiles, roughly where the district lies.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use shared::aggregate::{hundredths_vi, thousands_vi};
use shared::id::CampaignId;
use shared::report::RateRow;
use shared::tiles::{Block, SHADES, blocks, shade};
use shared::unit::UnitTree;

use super::super::frame::{Asked, Frame, Lang, Visitor, page};
use crate::app::App;
use crate::http::extract::{Path, Query};
use crate::http::rates::{Under, rows};

/// Tiles beside each other in a district.
const ACROSS: usize = 3;

/// Width and height of a tile with its gap, and of what stands above a district's tiles.
const TILE: (usize, usize) = (100, 40);
const HEAD: usize = 24;

/// Room between two districts.
const GAP: usize = 18;

/// One tile.
struct Tile {
    x: usize,
    y: usize,
    unit: String,
    name: String,
    full_name: String,
    rate: String,
    /// Class of its shade.
    shade: &'static str,
}

/// Name and rate above the tiles of a district.
struct Head {
    x: usize,
    y: usize,
    text: String,
}

/// One row of the table.
struct Line {
    district: String,
    unit: String,
    name: String,
    rate: String,
    poor: String,
    households: String,
    class: String,
    recognised: bool,
}

/// One shade of the key.
struct Key {
    x: usize,
    shade: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "office/province/map.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    name: String,
    unit: String,
    review_date: String,
    synthetic: bool,
    width: usize,
    height: usize,
    heads: Vec<Head>,
    tiles: Vec<Tile>,
    key: Vec<Key>,
    lines: Vec<Line>,
}

const CLASSES: [&str; 5] = ["s0", "s1", "s2", "s3", "s4"];

/// Class of a unit whose list was not recognised.
const NONE: &str = "none";

fn class_text(lang: Lang, number: usize) -> String {
    let bound = |index: usize| thousands_vi(SHADES[index].unsigned_abs() / 100);
    match number {
        0 => format!("{} {} %", lang.t("dưới", "below"), bound(0)),
        4 => format!("{} {} %", lang.t("từ", "from"), bound(3)),
        number => format!("{} – {} %", bound(number - 1), bound(number)),
    }
}

/// Shows the map of a unit.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<CampaignId>,
    Query(under): Query<Under>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let (seen, rows) = rows(&app, visitor.actor(), id, under).await?;
        let top = rows.first().map(|row| (row.unit.clone(), row.name.clone())).unwrap_or_default();
        let rates: BTreeMap<&str, &RateRow> =
            rows.iter().map(|row| (row.unit.as_str(), row)).collect();
        let blocks = blocks(&seen.tree, &top.0);
        let places = places(&blocks);
        let mut page_of = Page {
            f: visitor.frame(lang.t("Bản đồ ô", "Tile map")),
            id,
            name: seen.campaign.name.clone(),
            unit: top.1,
            review_date: seen.campaign.review_date.text_vi(),
            synthetic: rows.first().is_some_and(|row| row.counts.synthetic > 0),
            width: places.iter().map(|(x, _, width, _)| x + width).max().unwrap_or(0).max(760),
            height: places.iter().map(|(_, y, _, height)| y + height).max().unwrap_or(0) + 34,
            heads: Vec::new(),
            tiles: Vec::new(),
            key: key(lang),
            lines: Vec::new(),
        };
        for (block, (x, y, width, _)) in blocks.iter().zip(&places) {
            draw(&mut page_of, lang, (&seen.tree, &rates), block, (*x, *y, width / TILE.0));
        }
        Ok(page(StatusCode::OK, &page_of))
    };
    Asked::of(lang, shown.await)
}

fn key(lang: Lang) -> Vec<Key> {
    let shades = CLASSES.iter().enumerate();
    let mut key: Vec<Key> = shades
        .map(|(number, shade)| Key { x: number * 120, shade, text: class_text(lang, number) })
        .collect();
    let text = lang.t("chưa công nhận", "not recognised").to_owned();
    key.push(Key { x: 600, shade: NONE, text });
    key
}

/// Returns left, top, width and height of each block: a row is as high as its highest block, and
/// what has no place stands below all others.
fn places(blocks: &[Block]) -> Vec<(usize, usize, usize, usize)> {
    let across = |block: &Block| if block.column.is_some() { ACROSS } else { ACROSS * 4 };
    let size = |block: &Block| {
        let down = block.tiles.len().div_ceil(across(block));
        (across(block) * TILE.0, HEAD + down * TILE.1 + GAP)
    };
    let mut heights: BTreeMap<usize, usize> = BTreeMap::new();
    for block in blocks {
        if let Some(row) = block.row {
            let height = heights.entry(row).or_default();
            *height = (*height).max(size(block).1);
        }
    }
    let mut below: usize = heights.values().sum();
    let placed = blocks.iter().map(|block| {
        let (width, height) = size(block);
        match (block.column, block.row) {
            (Some(column), Some(row)) => {
                let top = heights.range(..row).map(|(_, height)| height).sum();
                (column * (ACROSS * TILE.0 + GAP), top, width, height)
            }
            _ => {
                let top = below;
                below += height;
                (0, top, width, height)
            }
        }
    });
    placed.collect()
}

/// Draws one block at its place, so many tiles across, and writes its rows of the table.
fn draw(
    page: &mut Page,
    lang: Lang,
    (tree, rates): (&UnitTree, &BTreeMap<&str, &RateRow>),
    block: &Block,
    (left, top, across): (usize, usize, usize),
) {
    let percent = |row: Option<&&RateRow>| {
        row.and_then(|row| row.figures.poor).map_or("–".to_owned(), hundredths_vi)
    };
    let full = |code: &str| tree.get(code).map(|unit| unit.full_name()).unwrap_or_default();
    let district = match block.unit.as_str() {
        "" => lang.t("Xếp ngoài lưới", "Without a place").to_owned(),
        code => full(code),
    };
    let of_all = rates.get(block.unit.as_str());
    let part = of_all.is_some_and(|row| !row.complete && row.figures.poor.is_some());
    let note = if part { lang.t(" (chưa đầy đủ)", " (incomplete)") } else { "" };
    let text = format!("{district} {} %{note}", percent(of_all));
    page.heads.push(Head { x: left, y: top + 16, text });
    for (index, code) in block.tiles.iter().enumerate() {
        let row = rates.get(code.as_str());
        let rate = row.and_then(|row| row.figures.poor).filter(|_| row.is_some_and(|r| r.complete));
        let number = rate.map(shade);
        let name = tree.get(code).map(|unit| unit.name.clone()).unwrap_or_default();
        page.tiles.push(Tile {
            x: left + index % across * TILE.0,
            y: top + HEAD + index / across * TILE.1,
            unit: code.clone(),
            // A phường may be called by a number alone.
            name: if name.chars().all(|c| c.is_ascii_digit()) { full(code) } else { name },
            full_name: full(code),
            rate: rate.map_or("–".to_owned(), hundredths_vi),
            shade: number.map_or(NONE, |number| CLASSES[number]),
        });
        page.lines.push(Line {
            district: district.clone(),
            unit: code.clone(),
            name: full(code),
            rate: percent(row),
            poor: row.map_or(String::new(), |row| thousands_vi(row.counts.poor.households)),
            households: row
                .map_or(String::new(), |row| thousands_vi(row.counts.closing.households)),
            class: number.map_or("–".to_owned(), |number| class_text(lang, number)),
            recognised: row.is_some_and(|row| row.complete),
        });
    }
}
