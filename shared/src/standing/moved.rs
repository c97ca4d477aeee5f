//! Households that moved from one commune to another by a decision: what each side's list says.

use super::{Place, Standing};
use crate::classify::Class;
use crate::id::Digest;
use crate::life::{Holding, Life};
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

/// Tells whether what was found of a household that moved in says only that it left where it was: that
/// is no outcome where it came to.
pub fn is_of_before(outcome: Outcome, life: Life) -> bool {
    (outcome, life) == (Outcome::Left, Life::MovedOut)
}

/// Writes on a row that its household moved in by a decision, and what was decided about it. That it
/// moved out was found where it left: here it has no outcome until somebody asks it, or the committee
/// keeps it in the class that it had there, `opening`.
///
/// One that was on no opening list has arisen in the year, wherever it lives: it comes onto no list by
/// moving.
pub fn moved_in(row: &mut Row, opening: Option<Class>, held: Option<&Holding>) {
    match (row.outcome, row.life) {
        (outcome, life) if is_of_before(outcome, life) => {
            (row.outcome, row.class, row.life) = (Outcome::Pending, None, Life::Same);
        }
        (Outcome::Surveyed, Life::Same) if opening.is_some() => row.life = Life::MovedIn,
        (Outcome::Surveyed, Life::MovedIn) if opening.is_none() => row.life = Life::Same,
        _ => {}
    }
    let Some(held) = held else { return };
    let listed_here = std::mem::replace(&mut row.opening, opening);
    held.write_on(row);
    row.opening = listed_here;
    if row.life == Life::Kept {
        row.life = Life::MovedIn;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::approve::Paper;
    use crate::life::{Act, Verdict, holding};
    use crate::list::tests::row;

    const POOR: Option<Class> = Some(Class::Poor);

    #[test]
    fn what_was_found_where_it_left_is_no_outcome_where_it_came_to() {
        let mut out = Row { outcome: Outcome::Left, class: None, life: Life::MovedOut, ..row(1) };
        moved_in(&mut out, POOR, None);
        assert_eq!((out.outcome, out.life), (Outcome::Pending, Life::Same));
        let mut asked = row(1);
        moved_in(&mut asked, None, None);
        assert_eq!(asked, row(1), "an applicant arises where it lives");
        moved_in(&mut asked, POOR, None);
        assert_eq!(asked.life, Life::MovedIn);
        let mut died = Row { outcome: Outcome::Left, life: Life::DiedOut, ..row(1) };
        moved_in(&mut died, POOR, None);
        assert_eq!(died.life, Life::DiedOut);
    }

    /// It was on the other list: that class it keeps, and it came in by moving.
    #[test]
    fn the_committee_keeps_it_in_the_class_it_had_where_it_left() {
        let minutes = Paper {
            number: "5/BB".into(),
            date: "2022-12-01".into(),
            signer: "Trưởng ban".into(),
            scan: None,
        };
        let keep = Act::Decide { verdict: Verdict::Keep, minutes, reason: "đi vắng".into() };
        let away = Row { outcome: Outcome::Pending, class: None, opening: None, ..row(1) };
        let holds = holding([(away.household, keep)]);
        let mut kept = away.clone();
        moved_in(&mut kept, POOR, holds.get(&away.household));
        assert_eq!((kept.outcome, kept.class, kept.life), (Outcome::Kept, POOR, Life::MovedIn));
        assert_eq!(kept.opening, None, "it was on no list of this commune");
    }
}
