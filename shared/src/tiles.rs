//! Where units stand on the tile map: equal tiles, roughly where their districts lie.
//!
//! Schematic: a place on the grid says who is north or west of whom, no boundary and no area.

use std::collections::BTreeMap;

use crate::unit::UnitTree;

/// Places of districts made by hand, see `units/README.md`.
const PLACES: &str = include_str!("../units/quang-tri-tiles.csv");

/// One district with its list units, or list units without a place of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Code of the district; empty for units that hang directly on a province.
    pub unit: String,
    /// Column on the grid, from the west; `None` where the unit has no place.
    pub column: Option<usize>,
    /// Row on the grid, from the north.
    pub row: Option<usize>,
    /// Codes of its list units, in the order of their codes.
    pub tiles: Vec<String>,
}

/// Returns column and row of every district that has a place.
fn places() -> BTreeMap<&'static str, (usize, usize)> {
    let rows = PLACES.lines().skip(1).filter_map(|line| {
        let mut cells = line.split(',');
        let unit = cells.next()?;
        let mut number = || cells.next()?.trim().parse::<usize>().ok();
        Some((unit, (number()?, number()?)))
    });
    rows.collect()
}

/// Puts the list units of a unit into blocks: those with a place first, by row and column, then the
/// others. A single block needs no place.
///
/// ```
/// use shared::{date::Date, tiles::blocks, unit::Units};
///
/// let tree = Units::quang_tri_2022().at(Date::parse("2022-12-14").unwrap());
/// let all = blocks(&tree, "45");
/// assert_eq!(all.len(), 10);
/// assert_eq!((all[0].unit.as_str(), all[0].column, all[0].row), ("464", Some(1), Some(0)));
/// assert_eq!(all.iter().map(|block| block.tiles.len()).sum::<usize>(), 126);
/// assert_eq!(blocks(&tree, "471")[0].tiles, ["471"]);
/// ```
pub fn blocks(tree: &UnitTree, top: &str) -> Vec<Block> {
    let places = places();
    let mut by_district: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for unit in tree.list_units() {
        if tree.contains(top, unit.code()) {
            let district = tree.district_of(unit.code());
            let district = district.map_or(String::new(), |district| district.code().to_owned());
            by_district.entry(district).or_default().push(unit.code().to_owned());
        }
    }
    let mut blocks: Vec<Block> = by_district
        .into_iter()
        .map(|(unit, tiles)| {
            let place = places.get(unit.as_str());
            let (column, row) = (place.map(|place| place.0), place.map(|place| place.1));
            Block { unit, column, row, tiles }
        })
        .collect();
    if let [only] = &mut blocks[..] {
        (only.column, only.row) = (Some(0), Some(0));
    }
    let order = |block: &Block| (block.row.is_none(), block.row, block.column, block.unit.clone());
    blocks.sort_by_key(order);
    blocks
}

/// Bounds between the shades of a map, hundredths of a per cent; ours, no rule's.
pub const SHADES: [i64; 4] = [500, 1_000, 2_000, 4_000];

/// Returns the shade of a rate, 0 the lightest to 4 the darkest.
///
/// ```
/// use shared::tiles::shade;
///
/// assert_eq!([0, 499, 500, 1_999, 2_000, 9_999].map(shade), [0, 0, 1, 2, 3, 4]);
/// ```
pub fn shade(hundredths: i64) -> usize {
    SHADES.iter().filter(|bound| hundredths >= **bound).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Date;
    use crate::unit::Units;

    #[test]
    fn units_without_a_place_stand_behind_the_others() {
        let list = "code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to\n\
                    46,,province,tỉnh,Huế,Hue,,,\n\
                    474,46,district,thành phố,Huế,Hue,,,\n\
                    19741,474,commune,phường,Một,Mot,,,\n\
                    19742,46,commune,xã,Hai,Hai,,,\n";
        let tree =
            Units::parse_csv(list).expect("units").at(Date::parse("2022-12-14").expect("day"));
        let blocks = blocks(&tree, "46");
        assert_eq!(blocks.len(), 2);
        assert!(blocks.iter().all(|block| block.column.is_none() && block.row.is_none()));
        assert_eq!(blocks.iter().map(|block| block.tiles.len()).sum::<usize>(), 2);
    }
}
