//! The pages of the review desk: 50 households at one time, those that wait for a person first.

use serde::{Deserialize, Serialize};
use shared::id::DocumentId;
use shared::standing::Standing;

use crate::store::household::HouseholdAt;

/// How many households have disputes.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub(in crate::http) struct Found {
    /// A person decides something about them.
    pub(in crate::http) waiting: usize,
    /// The rule settled something in them.
    pub(in crate::http) by_rule: usize,
}

/// Households on one page of the desk: each is traced through its whole log.
pub(super) const PAGE: usize = 50;

/// Which page of the desk is shown.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct After {
    /// `next` of the page before; the first page where absent.
    pub(in crate::http) after: Option<String>,
    /// Households on the page, 1 to 50; 50 where absent.
    pub(in crate::http) most: Option<usize>,
}

/// Where a household stands on the desk: those that wait come first.
pub(super) type Turn = (bool, DocumentId);

pub(super) fn turn(at: &HouseholdAt, standing: &Standing) -> Turn {
    (standing.open.disputes == 0, at.document)
}

pub(super) fn turn_text((settled, document): Turn) -> String {
    format!("{}-{document}", u8::from(settled))
}

pub(super) fn read_turn(text: &str) -> Option<Turn> {
    let (settled, document) = text.split_once('-')?;
    let settled = match settled {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    Some((settled, document.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_read_back_and_nothing_else_is() {
        let turn = (true, DocumentId([7; 16]));
        assert_eq!(read_turn(&turn_text(turn)), Some(turn));
        assert!((false, DocumentId([9; 16])) < turn, "those that wait come first");
        for bad in ["", "1", "2-", "0-xyz", "00-07", "1-07070707"] {
            assert_eq!(read_turn(bad), None, "{bad}");
        }
    }
}
