//! Routes by which a province runs a campaign: score tables, accounts, targets, progress by day.

use serde_json::json;

use super::{KEEPERS, OFFICES, Outside, PROVINCE, Route, form, of_campaign, of_unit, plain};

/// Each of them in every way it matters.
pub(super) fn of_province() -> Vec<Route> {
    vec![
        route!("POST" "/v1/campaigns/{campaign}/score-table", PROVINCE, Same, |to| {
            of_campaign(to, "/score-table")
        }),
        route!("GET" "/v1/campaigns/{campaign}/score-table", PROVINCE, Same, |to| {
            of_campaign(to, "/score-table")
        }),
        route!("POST" "/v1/campaigns/{campaign}/score-table/confirm", PROVINCE, Same, |to| {
            let path = to.town.path("/score-table/confirm");
            form(&path, &json!({ "digest": "0".repeat(64) }))
        }),
        route!("POST" "/v1/accounts/{account}/disable", KEEPERS, Hidden, |to| {
            plain(&format!("/v1/accounts/{}/disable", to.marked.idle[to.unit]))
        }),
        route!("POST" "/v1/accounts/{account}/enable", KEEPERS, Hidden, |to| {
            plain(&format!("/v1/accounts/{}/enable", to.marked.idle[to.unit]))
        }),
        route!("POST" "/v1/accounts/{account}/password", PROVINCE, Hidden, |to| {
            plain(&format!("/v1/accounts/{}/password", to.marked.idle[to.unit]))
        }),
        route!("POST" "/v1/me/password", OFFICES, Same, |_| {
            form("/v1/me/password", &json!({ "current": "x", "new": "x" }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/days", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/days?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/targets", OFFICES, Hidden, shows, |to| {
            of_campaign(to, &format!("/targets?under={}", to.unit))
        }),
        route!("POST" "/v1/campaigns/{campaign}/targets", PROVINCE, Hidden, |to| {
            let target = json!({
                "unit": to.unit, "rate": "poor", "fall": -1, "number": " ", "date": " ",
                "source": " ", "seen": 0,
            });
            form(&to.town.path("/targets"), &target)
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/hamlets", OFFICES, Hidden, shows, |to| {
            of_unit(to, "hamlets")
        }),
    ]
}
