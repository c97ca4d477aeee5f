//! The line for a household that others were merged into: every document by itself, then together.

use std::collections::BTreeMap;

use mobile_schema::household::Household;
use serde::{Deserialize, Serialize};

use super::{Known, Logged, Place, Read, Standing, each_once, judge, stand};
use crate::classify::Basis;
use crate::id::{ChangeHash, HouseholdId};
use crate::life::Life;
use crate::link::{Link, Whole, joined};
use crate::list::{Open, Outcome, Row};
use crate::merge::merge;
use crate::resolve::{Flag, resolve, written_by};
use crate::triage::Triage;

/// Flags that say that something is not in the document, not what its answers come to.
const LEFT_OUT: [&str; 3] = ["change-broken", "operations-ahead", "actor-forked"];

/// A household that was merged into another: the decision and its own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// What was decided.
    pub link: Link,
    /// Changes of its main branch.
    pub changes: Vec<Logged>,
    /// Changes of its side branches.
    pub side: Vec<Logged>,
}

/// What one log comes to, with what was left out of it.
struct Alone {
    whole: Whole,
    broken: u32,
    forked: Vec<ChangeHash>,
    left_out: Vec<Flag>,
}

impl Alone {
    fn of(place: &Place, changes: &[Logged], side: &[Logged], basis: &Basis<'_>) -> Self {
        let standing = stand(place, changes, side, basis);
        let doc = merge(&each_once(changes)).doc;
        let mut resolved = resolve(&doc);
        let writers = written_by(&doc, &resolved.household);
        // Those of side branches are among these.
        resolved.disputes = standing.disputes;
        let is_left_out = |flag: &&Flag| LEFT_OUT.contains(&flag.code.as_str());
        Self {
            whole: Whole { resolved, writers },
            broken: standing.open.broken,
            forked: standing.forked,
            left_out: standing.flags.iter().filter(is_left_out).cloned().collect(),
        }
    }
}

/// A household with everything that was merged into it.
#[derive(Debug, Clone)]
pub struct Together {
    /// Its row and what is open.
    pub standing: Standing,
    /// Its answers.
    pub household: Household,
    /// The changes that wrote each answer.
    pub writers: BTreeMap<String, Vec<ChangeHash>>,
}

/// Does what [`stand`] does for a household that others were merged into, in the order in which that
/// was decided. The heads are those of the document that stays.
pub fn stand_linked(
    place: &Place,
    (changes, side): (&[Logged], &[Logged]),
    absorbed: &[Absorbed],
    basis: &Basis<'_>,
) -> Together {
    let mut all = Alone::of(place, changes, side, basis);
    let (mut changes, mut side) = (known(changes), known(side));
    for other in absorbed {
        let alone = Alone::of(place, &other.changes, &other.side, basis);
        all.whole = joined(&all.whole, &alone.whole, &other.link);
        all.broken = all.broken.saturating_add(alone.broken);
        all.forked.extend(alone.forked);
        all.left_out.extend(alone.left_out);
        changes.extend(known(&other.changes));
        side.extend(known(&other.side));
    }
    let Whole { resolved, writers } = all.whole;
    let household = resolved.household.clone();
    let broken = usize::try_from(all.broken).unwrap_or(usize::MAX);
    let mut flags = all.left_out;
    let merged = absorbed.iter().map(|other| other.link.absorbed.to_string());
    flags.extend(merged.map(|path| Flag { code: "household-merged".to_owned(), path }));
    let read = Read { resolved, flags, broken, forked: all.forked };
    let standing = judge(place, read, &changes, &side, basis);
    Together { standing, household, writers }
}

fn known(changes: &[Logged]) -> Vec<Known> {
    let once = each_once(changes);
    once.iter().map(|change| Known { hash: change.hash, by: change.by }).collect()
}

/// Says of a household that was merged into another, and that was on the opening list like that one,
/// that it left by joining it: the opening list is closed by nobody vanishing from it.
///
/// Source: the flows of Biểu 7.2 and 7.3 (opening − out + in = closing), see `LEGAL.md`; that a
/// household listed twice goes out as one that joined another is a rule of ours (unverified).
pub fn left_by_joining(standing: Standing, kept: HouseholdId) -> Standing {
    let row = Row {
        outcome: Outcome::Left,
        class: None,
        b1: None,
        b1_method: None,
        table: None,
        b2: None,
        deprived: Vec::new(),
        by_rule: Vec::new(),
        life: Life::Joined,
        kin: Some(kept),
        ..standing.row
    };
    Standing {
        row,
        visit: "joined".to_owned(),
        open: Open::default(),
        disputes: Vec::new(),
        triage: Triage::default(),
        forked: Vec::new(),
        ..standing
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::date::Date;
    use crate::id::DocumentId;
    use crate::standard::Standard;
    use crate::unit::Area;

    #[test]
    fn without_anything_merged_into_it_a_household_is_what_it_was() {
        let standard = Standard::nd_07_2021();
        let review_date = Date::parse("2022-12-14").unwrap();
        let basis = Basis { standard: &standard, table: None, review_date, region: "" };
        let place = Place {
            household: HouseholdId([1; 16]),
            document: DocumentId([2; 16]),
            hamlet: "19558-01".into(),
            area: Area::Rural,
            opening: None,
            opening_dtts: false,
        };
        let together = stand_linked(&place, (&[], &[]), &[], &basis);
        assert_eq!(together.standing, stand(&place, &[], &[], &basis));
    }
}
