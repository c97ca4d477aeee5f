//! Households that moved from one commune to another by a decision: what each side's list says.

use super::{Place, Standing};
use crate::id::Digest;
use crate::life::Life;
use crate::list::{Open, Outcome, Provenance, Row, changes_digest};
use crate::triage::Triage;

/// Says of a household of the opening list that it moved to another commune: it stands on the list
/// that it left, so that its flows close, and rests on the decision, on none of the changes that go on
/// elsewhere.
///
/// Source: practice 11 (unverified), see `LEGAL.md`, "Outcomes of a visit".
pub fn gone_by_moving(place: &Place, members: u32) -> Standing {
    let changes: Digest = changes_digest(&[]);
    Standing {
        row: Row {
            household: place.household,
            document: place.document,
            hamlet: place.hamlet.clone(),
            area: place.area,
            outcome: Outcome::Left,
            class: None,
            b1: None,
            b1_method: None,
            table: None,
            b2: None,
            deprived: Vec::new(),
            members,
            dtts: place.opening_dtts,
            ethnicity: String::new(),
            causes: Vec::new(),
            opening: place.opening,
            opening_dtts: place.opening_dtts,
            provenance: Provenance::default(),
            changes,
            by_rule: Vec::new(),
            life: Life::MovedOut,
            kin: None,
        },
        head: String::new(),
        visit: "moved_out".to_owned(),
        on_paper: 0,
        open: Open::default(),
        disputes: Vec::new(),
        triage: Triage::default(),
        flags: Vec::new(),
        forked: Vec::new(),
        heads: Vec::new(),
    }
}

/// Writes on a row that its household moved in by a decision. That it moved out was found where it
/// left: here it has no outcome until somebody asks it.
///
/// One that was on no opening list has arisen in the year, wherever it lives: it comes onto no list by
/// moving.
pub fn moved_in(row: &mut Row, was_listed: bool) {
    match (row.outcome, row.life) {
        (Outcome::Left, Life::MovedOut) => {
            (row.outcome, row.class, row.life) = (Outcome::Pending, None, Life::Same);
        }
        (Outcome::Surveyed, Life::Same) if was_listed => row.life = Life::MovedIn,
        (Outcome::Surveyed, Life::MovedIn) if !was_listed => row.life = Life::Same,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::list::tests::row;

    #[test]
    fn what_was_found_where_it_left_is_no_outcome_where_it_came_to() {
        let mut out = Row { outcome: Outcome::Left, class: None, life: Life::MovedOut, ..row(1) };
        moved_in(&mut out, true);
        assert_eq!((out.outcome, out.life), (Outcome::Pending, Life::Same));
        let mut asked = row(1);
        moved_in(&mut asked, false);
        assert_eq!(asked, row(1), "an applicant arises where it lives");
        moved_in(&mut asked, true);
        assert_eq!(asked.life, Life::MovedIn);
        let mut died = Row { outcome: Outcome::Left, life: Life::DiedOut, ..row(1) };
        moved_in(&mut died, true);
        assert_eq!(died.life, Life::DiedOut);
    }
}
