//! Routes of paper forms, second entries and histories.

use serde_json::json;

use super::{OFFICER, OFFICES, Outside, Route, form, hamlet_of, of_household, of_unit, plain};

/// Whoever types from paper.
const TYPISTS: &[&str] = &["officer", "district"];

pub(super) fn of_papers() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/households/{document}/history",
            OFFICES, Hidden, shows, |to| {
            plain(&of_household(to, "/history"))
        }),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/paper",
            OFFICER, Hidden, |to| {
            let empty = json!({ "heads": [], "by": " ", "answered_by": " ", "day": " " });
            form(&of_household(to, "/paper"), &empty)
        }),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/second-entry",
            TYPISTS, Hidden, |to| {
            let empty = json!({ "by": " ", "answered_by": " ", "day": " " });
            form(&of_household(to, "/second-entry"), &empty)
        }),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/second-entry/settle",
            OFFICER, Hidden, |to| {
            let settled = json!({
                "heads": [], "path": "answers/roof", "value": "leaf", "reason": " ",
            });
            form(&of_household(to, "/second-entry/settle"), &settled)
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/paper", OFFICES, Hidden, |to| {
            of_unit(to, "paper")
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/paper", OFFICER, Hidden, |to| {
            let nowhere = json!({
                "hamlet": hamlet_of(to.unit), "entry": "x", "by": " ", "answered_by": " ", "day": " ",
            });
            form(&of_unit(to, "paper").path, &nowhere)
        }),
    ]
}
