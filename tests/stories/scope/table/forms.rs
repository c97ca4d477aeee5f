//! Routes of the official forms and of preliminary reports.

use serde_json::json;

use super::{OFFICER, OFFICES, Outside, PROVINCE, Route, form, of_campaign, of_household, plain};

/// Who may freeze a preliminary report.
const REPORTERS: &[&str] = &["province", "district"];

pub(super) fn of_forms() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/forms/{form}", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/forms/7.1?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/forms/{form}/csv", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/forms/7.2/csv?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/forms/{form}/xlsx", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/forms/7.3/xlsx?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/forms.xlsx", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/forms.xlsx?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/register", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/register?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/register/moves", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/register/moves?form=7.2&column=1&under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/households/{document}/life",
            OFFICES, Hidden, |to| plain(&of_household(to, "/life"))),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/life",
            OFFICER, Hidden, |to| {
            form(&of_household(to, "/life"), &json!({ "act": "undo", "reason": " " }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/handovers",
            OFFICES, Hidden, |to| of_campaign(to, &format!("/units/{}/handovers", to.unit))),
        route!("GET" "/v1/campaigns/{campaign}/households/{document}/handover",
            OFFICES, Hidden, |to| plain(&of_household(to, "/handover"))),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/handover",
            OFFICES, Hidden, |to| {
            form(&of_household(to, "/handover"), &json!({ "act": "undo", "reason": " ", "seen": 0 }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/register/roster", PROVINCE, Same, |to| {
            form(&to.town.path("/register/roster"), &json!({ "on": "2022-12-31" }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/preliminaries", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/preliminaries?under={}", to.unit))
        }),
        route!("POST" "/v1/campaigns/{campaign}/preliminaries", REPORTERS, Hidden, |to| {
            let path = to.town.path(&format!("/preliminaries?under={}", to.unit));
            form(&path, &json!({ "number": 0 }))
        }),
    ]
}
