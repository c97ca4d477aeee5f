//! The district's desk in the table of routes.

use serde_json::json;

use super::super::marked::{hamlet_of, marker};
use super::{
    Call, DISTRICT, LOOKERS, OFFICER, OFFICES, Outside, PROVINCE, Route, Target, form, of_campaign,
    of_unit,
};

/// Those above a commune.
const ABOVE: &[&str] = &["province", "district"];

pub(super) fn of_desks() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/desk", OFFICES, Same, |to| of_campaign(to, "/desk")),
        route!("POST" "/v1/campaigns/{campaign}/deadline", PROVINCE, Same, |to| {
            form(&to.town.path("/deadline"), &json!({ "days": 0, "source": "x" }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/review-desk",
            OFFICES, Hidden, shows, |to| of_unit(to, "review-desk")),
        route!("GET" "/v1/campaigns/{campaign}/households/{document}/ledger",
            OFFICES, Hidden, shows, |to| {
            let document = to.marked.documents[to.unit];
            of_campaign(to, &format!("/households/{document}/ledger"))
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/countersignatures",
            OFFICES, Hidden, |to| of_unit(to, "countersignatures")),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/countersignatures",
            OFFICER, Hidden, |to| {
            let signed = json!({ "member": "x", "title": " ", "decisions": [] });
            form(&of_unit(to, "countersignatures").path, &signed)
        }),
        route!("POST" "/v1/campaigns/{campaign}/four-eyes", PROVINCE, Same, |to| {
            form(&to.town.path("/four-eyes"), &json!({ "required": true, "source": " " }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/comparison",
            OFFICES, Hidden, shows, |to| of_unit(to, "comparison")),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/comparison/phones",
            OFFICES, Hidden, shows, |to| of_unit(to, "comparison/phones")),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/pairs",
            OFFICES, Hidden, |to| of_unit(to, "pairs")),
        route!("GET" "/v1/campaigns/{campaign}/pairs", ABOVE, Same, |to| of_campaign(to, "/pairs")),
        route!("GET" "/v1/campaigns/{campaign}/pairs/{one}/{other}",
            OFFICES, Hidden, |to| of_campaign(to, &pair_of(to))),
        route!("POST" "/v1/campaigns/{campaign}/pairs/{one}/{other}",
            OFFICES, Hidden, |to| {
            form(&of_campaign(to, &pair_of(to)).path, &json!({ "act": "dismiss", "reason": " " }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/pairs/{one}/{other}",
            OFFICER, Hidden, |to| {
            form(&of_campaign(to, &pair_of(to)).path, &json!({ "act": "merge", "reason": " " }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/comments",
            OFFICES, Hidden, shows, |to| of_unit(to, "comments")),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/comments",
            LOOKERS => DISTRICT, Hidden, |to| {
            let document = to.marked.documents[to.unit];
            let said = json!({
                "kind": "comment", "root": "0".repeat(64), "document": document, "text": "x",
            });
            form(&of_unit(to, "comments").path, &said)
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/comments",
            LOOKERS => OFFICER, Hidden, |to| {
            // Whoever may say it is told that there is no text; nothing is looked up for it.
            let said = json!({ "kind": "done", "about": 1, "text": " " });
            form(&of_unit(to, "comments").path, &said)
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/sample",
            OFFICES, Hidden, shows, |to| of_unit(to, "sample")),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/sample", DISTRICT, Hidden, |to| {
            let drawn = json!({ "root": "0".repeat(64), "size": { "per_cent": 10 } });
            form(&of_unit(to, "sample").path, &drawn)
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/sample/findings",
            DISTRICT, Hidden, |to| {
            let document = to.marked.documents[to.unit];
            let found = json!({
                "root": "0".repeat(64), "document": document, "finding": { "finding": "agrees" },
            });
            form(&of_unit(to, "sample/findings").path, &found)
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/scans",
            OFFICES, Hidden, shows, |to| of_unit(to, "scans")),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/scans",
            LOOKERS => DISTRICT, Hidden, |to| {
            Call { body: b"no scan".to_vec(), ..of_unit(to, "scans?kind=opinion") }
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/scans",
            LOOKERS => OFFICER, Hidden, |to| {
            Call { body: b"no scan".to_vec(), ..of_unit(to, "scans?kind=minutes") }
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/scans/{digest}",
            OFFICES, Hidden, shows, |to| of_unit(to, &format!("scans/{}", scan_of(to.unit)))),
    ]
}

/// A household with itself: who may see it is told that it makes no pair.
fn pair_of(to: &Target<'_>) -> String {
    let document = to.marked.documents[to.unit];
    format!("/pairs/{document}/{document}")
}

/// The name of the scan that each unit has: its own text, as a PDF.
pub(crate) fn scan_of(unit: &str) -> String {
    shared::id::to_hex(&shared::id::sha256(&scan_bytes(unit)))
}

/// A scan with the marker of a unit's hamlet in it.
pub(crate) fn scan_bytes(unit: &str) -> Vec<u8> {
    format!("%PDF-1.4 {}", marker(hamlet_of(unit))).into_bytes()
}
