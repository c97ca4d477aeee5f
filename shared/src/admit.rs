//! What becomes of a sound change on arrival: merged, kept waiting, or held for a person.
//!
//! Nothing here refuses: once the signature holds, every change is stored and acknowledged.

use mobile_schema::problem::{self, Problem};

use crate::limits;

/// What is known about a change when it arrives. Device clocks are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// The signing device was revoked before this arrived.
    pub device_revoked: bool,
    /// The person named as typing was never bound to the device.
    pub typist_unknown: bool,
    /// It came without a signature, under an actor that is not of the device it came from.
    pub actor_foreign: bool,
    /// The account of the person who typed was closed before this arrived.
    pub typist_disabled: bool,
    /// The manifest names a newer form than the server knows.
    pub schema_newer: bool,
    /// The document is neither listed nor declared as a new household.
    pub document_foreign: bool,
    /// The document has reached its size limit.
    pub document_full: bool,
    /// The household has as many versions side by side as it may, and this would be one more.
    pub branches_full: bool,
    /// The campaign is closed.
    pub campaign_closed: bool,
    /// Who typed was assigned the household or its hamlet, now or formerly.
    pub ever_assigned: bool,
    /// The unit's list is frozen.
    pub list_frozen: bool,
    /// Where the changes it builds on are.
    pub ancestors: Ancestors,
    /// The device has as many waiting changes as it may.
    pub waiting_full: bool,
    /// Its operations are numbered too far beyond those it builds on, see [`is_ahead`].
    pub numbered_ahead: bool,
}

/// Where the changes that one builds on are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ancestors {
    /// All accepted.
    Accepted,
    /// One is held or quarantined: what builds on it waits for the same person.
    Aside,
    /// One has not arrived.
    Missing,
}

/// What is done with the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Goes into the log at the next position.
    Accept,
    /// Kept until the missing ancestor arrives.
    Wait,
    /// Kept until a person decides, under this published reason.
    Hold(&'static Problem),
    /// Kept as it came, and never merged.
    Quarantine(&'static Problem),
}

/// Tells whether a change leaves out more numbers than any client does.
///
/// Whoever has the highest numbers wins every conflict from then on, and whoever builds on the
/// highest there are can write nothing more. So this is looked at before anybody gets the change.
///
/// ```
/// use shared::admit::is_ahead;
///
/// assert!(!is_ahead(8, 7));
/// assert!(!is_ahead(100_008, 7));
/// assert!(is_ahead(100_009, 7));
/// ```
pub fn is_ahead(first_operation: u32, newest_before: u32) -> bool {
    first_operation.saturating_sub(newest_before) > limits::OPERATIONS_AHEAD_MAX + 1
}

/// Decides on one change.
///
/// ```
/// use shared::admit::{Admission, Ancestors, Circumstances, admit};
///
/// let fine = Circumstances {
///     device_revoked: false,
///     typist_unknown: false,
///     actor_foreign: false,
///     typist_disabled: false,
///     schema_newer: false,
///     document_foreign: false,
///     document_full: false,
///     branches_full: false,
///     campaign_closed: false,
///     ever_assigned: true,
///     list_frozen: false,
///     ancestors: Ancestors::Accepted,
///     waiting_full: false,
///     numbered_ahead: false,
/// };
/// assert_eq!(admit(&fine), Admission::Accept);
/// let late = Circumstances { list_frozen: true, ..fine };
/// assert!(matches!(admit(&late), Admission::Hold(reason) if reason.name == "list-frozen"));
/// ```
pub fn admit(of: &Circumstances) -> Admission {
    // From what says most about the sender to what passes with time.
    let holds = [
        (of.device_revoked, &problem::DEVICE_REVOKED),
        (of.typist_unknown, &problem::TYPED_BY_UNKNOWN),
        (of.typist_disabled, &problem::PERSON_DISABLED),
        (of.document_foreign, &problem::DOCUMENT_FOREIGN),
        (of.actor_foreign, &problem::ACTOR_FOREIGN),
        (of.schema_newer, &problem::SCHEMA_NEWER),
        (!of.document_foreign && !of.ever_assigned, &problem::HAMLET_NOT_ASSIGNED),
        (of.campaign_closed, &problem::CAMPAIGN_CLOSED),
        (of.list_frozen, &problem::LIST_FROZEN),
        (of.document_full, &problem::DOCUMENT_TOO_LARGE),
        (of.branches_full, &problem::BRANCHES_TOO_MANY),
        (of.ancestors == Ancestors::Aside, &problem::ANCESTOR_HELD),
    ];
    match holds.iter().find(|(holds, _)| *holds) {
        Some((_, reason)) => Admission::Hold(reason),
        None if of.ancestors == Ancestors::Missing && of.waiting_full => {
            Admission::Hold(&problem::WAITING_TOO_MANY)
        }
        None if of.ancestors == Ancestors::Missing => Admission::Wait,
        None if of.numbered_ahead => Admission::Quarantine(&problem::OPERATIONS_AHEAD),
        None => Admission::Accept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_stays_held_when_its_ancestors_are_missing() {
        let of = Circumstances {
            device_revoked: false,
            typist_unknown: false,
            actor_foreign: false,
            typist_disabled: false,
            schema_newer: true,
            document_foreign: false,
            document_full: false,
            branches_full: false,
            campaign_closed: false,
            ever_assigned: true,
            list_frozen: false,
            ancestors: Ancestors::Missing,
            waiting_full: false,
            numbered_ahead: false,
        };
        assert_eq!(admit(&of), Admission::Hold(&problem::SCHEMA_NEWER));
        assert_eq!(admit(&Circumstances { schema_newer: false, ..of }), Admission::Wait);
    }

    #[test]
    fn what_is_numbered_too_far_ahead_is_quarantined_once_its_ancestors_are_there() {
        let of = Circumstances {
            device_revoked: false,
            typist_unknown: false,
            actor_foreign: false,
            typist_disabled: false,
            schema_newer: false,
            document_foreign: false,
            document_full: false,
            branches_full: false,
            campaign_closed: false,
            ever_assigned: true,
            list_frozen: false,
            ancestors: Ancestors::Accepted,
            waiting_full: false,
            numbered_ahead: true,
        };
        assert_eq!(admit(&of), Admission::Quarantine(&problem::OPERATIONS_AHEAD));
        let early = Circumstances { ancestors: Ancestors::Missing, ..of };
        assert_eq!(admit(&early), Admission::Wait);
        let held = Circumstances { list_frozen: true, ..of };
        assert_eq!(admit(&held), Admission::Hold(&problem::LIST_FROZEN));
    }
}
