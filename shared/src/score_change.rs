//! What differs between two score tables, so that whoever confirms one sees what changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::score::{Item, ScoreTable};
use crate::standard::Line;

/// One difference between two tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where it is, in both languages.
    pub place: Line,
    /// What stood there before; empty where nothing did.
    pub before: String,
    /// What stands there now; empty where nothing does.
    pub after: String,
}

/// Lists every difference, in the order of the newer table.
pub fn differences(before: &ScoreTable, after: &ScoreTable) -> Vec<Difference> {
    let mut found = Vec::new();
    let heads = [
        (line("mã và phiên bản", "code and version"), before.id(), after.id()),
        (line("tên", "title"), before.title.vi.clone(), after.title.vi.clone()),
        (line("nguồn", "source"), before.standing.source.clone(), after.standing.source.clone()),
        (
            line("đã đối chiếu văn bản gốc", "verified"),
            before.standing.verified.to_string(),
            after.standing.verified.to_string(),
        ),
        (line("vùng", "regions"), before.regions.join(", "), after.regions.join(", ")),
    ];
    for (place, before, after) in heads {
        push(&mut found, place, before, after);
    }
    for item in &after.items {
        match before.item(&item.code) {
            Some(known) => items(&mut found, known, item),
            None => push(&mut found, place(&item.label, ""), String::new(), item.code.clone()),
        }
    }
    for item in before.items.iter().filter(|item| after.item(&item.code).is_none()) {
        push(&mut found, place(&item.label, ""), item.code.clone(), String::new());
    }
    let order = |table: &ScoreTable| -> Vec<String> {
        let shared =
            |code: &&Item| before.item(&code.code).is_some() && after.item(&code.code).is_some();
        table.items.iter().filter(shared).map(|item| item.code.clone()).collect()
    };
    let (then, now) = (order(before), order(after));
    push(&mut found, line("thứ tự các mục", "order of the items"), then.join(", "), now.join(", "));
    found
}

fn line(vi: &str, en: &str) -> Line {
    Line { vi: vi.to_owned(), en: en.to_owned() }
}

fn place(label: &Line, more: &str) -> Line {
    line(&format!("{}{more}", label.vi), &format!("{}{more}", label.en))
}

fn push(found: &mut Vec<Difference>, place: Line, before: String, after: String) {
    if before != after {
        found.push(Difference { place, before, after });
    }
}

fn items(found: &mut Vec<Difference>, before: &Item, after: &Item) {
    push(found, place(&after.label, " – tên"), before.label.vi.clone(), after.label.vi.clone());
    let count = before.choices.len().max(after.choices.len());
    for number in 0..count {
        let (then, now) = (before.choices.get(number), after.choices.get(number));
        let at = |more: &str| place(&after.label, &format!(" – {}{more}", number + 1));
        let label = |choice: Option<&crate::score::Choice>| {
            choice.map_or(String::new(), |choice| choice.label.vi.clone())
        };
        push(found, at(""), label(then), label(now));
        let rule = |choice: Option<&crate::score::Choice>| {
            choice.and_then(|choice| serde_json::to_string(&choice.when).ok()).unwrap_or_default()
        };
        push(found, at(" – when"), rule(then), rule(now));
        let regions: BTreeSet<&String> =
            [then, now].into_iter().flatten().flat_map(|choice| choice.points.keys()).collect();
        for region in regions {
            let points = |choice: Option<&crate::score::Choice>| {
                let points = choice.and_then(|choice| choice.points.get(region));
                points.map_or(String::new(), ToString::to_string)
            };
            push(found, at(&format!(" – {region}")), points(then), points(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_that_changed_is_named_with_its_place_and_nothing_else_is() {
        let before = ScoreTable::synthetic_demo();
        assert!(differences(&before, &before).is_empty());
        let mut after = before.clone();
        let choice = after.items[0].choices.first_mut().expect("an item has choices");
        let (region, points) = choice.points.iter_mut().next().expect("points of a region");
        let (region, then) = (region.clone(), *points);
        *points += 1;
        let found = differences(&before, &after);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].place.vi.ends_with(&region), "{found:?}");
        assert_eq!(
            (&found[0].before, &found[0].after),
            (&then.to_string(), &(then + 1).to_string())
        );
    }

    #[test]
    fn an_item_that_came_or_went_is_named() {
        let before = ScoreTable::synthetic_demo();
        let mut after = before.clone();
        let gone = after.items.remove(1);
        let found = differences(&before, &after);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].before.as_str(), found[0].after.as_str()), (gone.code.as_str(), ""));
        let found = differences(&after, &before);
        assert_eq!((found[0].before.as_str(), found[0].after.as_str()), ("", gone.code.as_str()));
    }
}
