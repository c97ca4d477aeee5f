//! Routes for everybody, and those of the standard door.

use serde_json::json;

use super::{EVERYBODY, Outside, Route, SIGNED_IN, form, plain, spare_person};

pub(super) fn of_door() -> Vec<Route> {
    vec![
        // It is no WebSocket: whoever may not join is told so inside of one.
        route!("GET" "/v1/repo", EVERYBODY, Same, |_| plain("/v1/repo")),
        route!("POST" "/v1/tickets", SIGNED_IN, Same, |to| {
            form("/v1/tickets", &json!({ "campaign": to.town.campaign }))
        }),
        route!("POST" "/v1/households", SIGNED_IN, Same, |to| {
            let nowhere = json!({ "campaign": to.town.campaign, "hamlet": " ", "key": " " });
            form("/v1/households", &nowhere)
        }),
    ]
}

pub(super) fn of_nobody() -> Vec<Route> {
    vec![
        route!("GET" "/", EVERYBODY, Same, |_| plain("/")),
        route!("GET" "/healthz", EVERYBODY, Same, |_| plain("/healthz")),
        route!("GET" "/readyz", EVERYBODY, Same, |_| plain("/readyz")),
        route!("GET" "/problems/{name}", EVERYBODY, Same, |_| plain("/problems/forbidden")),
        route!("GET" "/v1/openapi.json", EVERYBODY, Same, |_| plain("/v1/openapi.json")),
        route!("POST" "/v1/sessions", EVERYBODY, Same, |to| {
            form("/v1/sessions", &json!({ "name": spare_person(to.unit), "password": "x" }))
        }),
        route!("POST" "/v1/sessions/refresh", EVERYBODY, Same, |_| {
            form("/v1/sessions/refresh", &json!({ "refresh": "eyJ0" }))
        }),
        route!("POST" "/v1/devices", EVERYBODY, Same, |_| {
            let key = "ab".repeat(32);
            form("/v1/devices", &json!({ "code": "0123", "label": "Zq", "public_key": key }))
        }),
    ]
}
