//! The table of routes: who may call each, where, and how it is called without doing harm.
//!
//! Written by hand, on purpose: a new route is thought about here before it is served.

use serde_json::{Value, json};
use tests::town::{Town, person};

use super::Caller;
use super::marked::{Marked, hamlet_of, spare_person};

/// What a caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// The call is judged on what it says: it went past every check of who asks.
    Taken,
    /// Sign in first.
    SignIn,
    /// Not this role.
    Forbidden,
    /// Not there, as far as this caller is told.
    Hidden,
}

/// Where a call is aimed.
pub(super) struct Target<'a> {
    pub(super) town: &'a Town,
    pub(super) marked: &'a Marked,
    pub(super) unit: &'static str,
}

/// A call ready to be sent.
pub(super) struct Call {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// What lies outside the caller's units is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outside {
    /// Answered like any other: the route is of no unit.
    Same,
    Hidden,
    Forbidden,
}

/// One way to call one route.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Roles that are let in; empty for everybody, signed in or not.
    door: &'static [&'static str],
    /// Roles that may, in their own units.
    roles: &'static [&'static str],
    outside: Outside,
    /// Shows markers to those who may see them.
    pub(super) shows: bool,
    pub(super) call: fn(&Target<'_>) -> Call,
}

impl Route {
    /// Tells whether it matters at which unit the call is aimed.
    pub(super) fn is_of_units(&self) -> bool {
        self.outside != Outside::Same
    }

    /// Tells whether there is something to show only once a district has worked on a list.
    pub(super) fn is_of_desk(&self) -> bool {
        ["/comments", "/sample", "/comparison/phones"].iter().any(|end| self.path.ends_with(end))
    }

    /// Says what a caller must be answered at a unit.
    pub(super) fn expected(&self, caller: &Caller, unit: &str) -> Expected {
        let may = self.roles.contains(&caller.role);
        if self.door.is_empty() {
            Expected::Taken
        } else if caller.role == "nobody" {
            Expected::SignIn
        } else if !self.door.contains(&caller.role) {
            Expected::Forbidden
        } else if caller.covers.contains(&unit) {
            if may { Expected::Taken } else { Expected::Forbidden }
        } else {
            match self.outside {
                Outside::Same => Expected::Taken,
                Outside::Hidden => Expected::Hidden,
                Outside::Forbidden => Expected::Forbidden,
            }
        }
    }
}

const EVERYBODY: &[&str] = &[];
const SIGNED_IN: &[&str] = &["province", "district", "officer", "enumerator"];
const OFFICES: &[&str] = &["province", "district", "officer"];
const PROVINCE: &[&str] = &["province"];
const OFFICER: &[&str] = &["officer"];
const DISTRICT: &[&str] = &["district"];
const LOOKERS: &[&str] = &["district", "officer"];
const KEEPERS: &[&str] = &["province", "officer"];

fn plain(path: &str) -> Call {
    Call { path: path.to_owned(), body: Vec::new() }
}

fn form(path: &str, form: &Value) -> Call {
    Call { path: path.to_owned(), body: form.to_string().into_bytes() }
}

fn of_campaign(to: &Target<'_>, rest: &str) -> Call {
    Call { path: to.town.path(rest), body: Vec::new() }
}

fn of_unit(to: &Target<'_>, rest: &str) -> Call {
    of_campaign(to, &format!("/units/{}/{rest}", to.unit))
}

fn of_household(to: &Target<'_>, rest: &str) -> String {
    to.town.path(&format!("/households/{}{rest}", to.marked.documents[to.unit]))
}

/// An act on a root that never is the current one: judged, and then refused.
fn act(to: &Target<'_>, mut act: Value) -> Call {
    act["root"] = json!("0".repeat(64));
    form(&of_unit(to, "list").path, &act)
}

fn paper() -> Value {
    json!({ "number": "1", "date": "2022-12-12", "signer": "A" })
}

macro_rules! route {
    ($method:literal $path:literal, $door:expr => $roles:expr, $outside:ident, shows, $call:expr) => {
        Route { shows: true, ..route!($method $path, $door => $roles, $outside, $call) }
    };
    ($method:literal $path:literal, $roles:expr, $outside:ident, shows, $call:expr) => {
        Route { shows: true, ..route!($method $path, $roles, $outside, $call) }
    };
    ($method:literal $path:literal, $roles:expr, $outside:ident, $call:expr) => {
        route!($method $path, $roles => $roles, $outside, $call)
    };
    ($method:literal $path:literal, $door:expr => $roles:expr, $outside:ident, $call:expr) => {
        Route {
            method: $method,
            path: $path,
            door: $door,
            roles: $roles,
            outside: Outside::$outside,
            shows: false,
            call: $call,
        }
    };
}

mod desks;
mod door;
mod doors;
mod forms;
mod papers;
mod province;
pub(super) use desks::{scan_bytes, scan_of};

/// Every route in every way it matters.
pub(super) fn table() -> Vec<Route> {
    [
        door::of_nobody(),
        of_people(),
        of_devices(),
        doors::of_doors(),
        of_campaigns(),
        forms::of_forms(),
        of_files(),
        of_units(),
        of_households(),
        of_lists(),
        papers::of_papers(),
        desks::of_desks(),
        door::of_door(),
        province::of_province(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_people() -> Vec<Route> {
    vec![
        route!("GET" "/v1/me", SIGNED_IN, Same, shows, |_| plain("/v1/me")),
        route!("GET" "/v1/accounts", OFFICES, Same, shows, |_| plain("/v1/accounts")),
        route!("POST" "/v1/accounts", KEEPERS, Forbidden, |to| {
            form("/v1/accounts", &json!([person(" ", "enumerator", to.unit, None)]))
        }),
        route!("GET" "/v1/devices", OFFICES, Same, shows, |_| plain("/v1/devices")),
        route!("POST" "/v1/devices/codes", KEEPERS, Hidden, shows, |to| {
            form("/v1/devices/codes", &json!({ "accounts": [spare_person(to.unit)] }))
        }),
        route!("POST" "/v1/devices/{device}/revoke", KEEPERS, Hidden, |to| {
            plain(&format!("/v1/devices/{}/revoke", to.marked.spare[to.unit]))
        }),
    ]
}

fn of_devices() -> Vec<Route> {
    vec![
        route!("GET" "/v1/devices/codes", KEEPERS, Same, shows, |_| plain("/v1/devices/codes")),
        route!("GET" "/v1/devices/codes/{code}", KEEPERS => OFFICER, Hidden, shows, |to| {
            plain(&format!("/v1/devices/codes/{}", to.marked.codes[to.unit]))
        }),
        route!("POST" "/v1/devices/codes/{code}/withdraw", KEEPERS, Hidden, |to| {
            plain(&format!("/v1/devices/codes/{}/withdraw", to.marked.codes[to.unit]))
        }),
        route!("GET" "/v1/devices/me/people", SIGNED_IN, Same, shows, |_| {
            plain("/v1/devices/me/people")
        }),
        route!("POST" "/v1/devices/me/people", SIGNED_IN, Same, |_| {
            form("/v1/devices/me/people", &json!({ "code": " " }))
        }),
        route!("POST" "/v1/devices/{device}/people/end", KEEPERS, Hidden, |to| {
            let path = format!("/v1/devices/{}/people/end", to.marked.spare[to.unit]);
            form(&path, &json!({ "account": spare_person(to.unit) }))
        }),
    ]
}

fn of_campaigns() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns", SIGNED_IN, Same, |_| plain("/v1/campaigns")),
        route!("POST" "/v1/campaigns", PROVINCE, Same, |_| {
            let mut backwards = tests::town::campaign_form();
            backwards["opening_date"] = json!("2029-01-01");
            form("/v1/campaigns", &backwards)
        }),
        route!("POST" "/v1/campaigns/{campaign}/close", PROVINCE, Same, |to| {
            plain(&format!("/v1/campaigns/{}/close", to.marked.other_campaign))
        }),
        route!("GET" "/v1/campaigns/{campaign}/layouts",
            OFFICES, Same, |to| of_campaign(to, "/layouts")),
        route!("POST" "/v1/campaigns/{campaign}/layouts", PROVINCE, Same, |to| {
            let empty = json!({ "name": " ", "rows": "household", "columns": [] });
            form(&to.town.path("/layouts"), &empty)
        }),
        route!("GET" "/v1/campaigns/{campaign}/units",
            OFFICES, Same, |to| of_campaign(to, "/units")),
        route!("GET" "/v1/campaigns/{campaign}/posted-columns",
            OFFICES, Same, |to| of_campaign(to, "/posted-columns")),
        route!("POST" "/v1/campaigns/{campaign}/posted-columns", PROVINCE, Same, |to| {
            form(&to.town.path("/posted-columns"), &json!({ "columns": ["id_number"] }))
        }),
        route!("GET" "/v1/campaigns/{campaign}/rates", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/rates?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/rates",
            OFFICES, Same, |to| of_campaign(to, "/rates")),
        route!("GET" "/v1/campaigns/{campaign}/rates.csv", OFFICES, Hidden, |to| {
            of_campaign(to, &format!("/rates.csv?under={}", to.unit))
        }),
    ]
}

fn of_files() -> Vec<Route> {
    vec![
        route!("POST" "/v1/units", PROVINCE, Same, |_| plain("/v1/units")),
        route!("POST" "/v1/campaigns/{campaign}/accounts", KEEPERS, Same, |to| {
            of_campaign(to, "/accounts")
        }),
        route!("POST" "/v1/campaigns/{campaign}/hamlets",
            KEEPERS, Same, |to| of_campaign(to, "/hamlets")),
        route!("POST" "/v1/campaigns/{campaign}/roster",
            PROVINCE, Same, |to| of_campaign(to, "/roster")),
        route!("POST" "/v1/campaigns/{campaign}/assignments", KEEPERS, Same, |to| {
            of_campaign(to, "/assignments")
        }),
        route!("POST" "/v1/campaigns/{campaign}/assignments/end", KEEPERS, Hidden, |to| {
            let ended = json!({ "hamlet": hamlet_of(to.unit), "account": spare_person(to.unit) });
            form(&to.town.path("/assignments/end"), &ended)
        }),
        route!("POST" "/v1/campaigns/{campaign}/assignments/end", KEEPERS, Hidden, |to| {
            let household = to.marked.documents[to.unit].to_string();
            let ended = json!({ "household": household, "account": spare_person(to.unit) });
            form(&to.town.path("/assignments/end"), &ended)
        }),
    ]
}

fn of_units() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/sync-health", OFFICES, Hidden, shows, |to| {
            of_campaign(to, &format!("/sync-health?by=hamlet&under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/sync-health", OFFICES, Same, |to| {
            of_campaign(to, "/sync-health?by=district")
        }),
        route!("GET" "/v1/campaigns/{campaign}/sync-health/devices",
            OFFICES, Hidden, shows, |to| {
            of_campaign(to, &format!("/sync-health/devices?under={}", to.unit))
        }),
        route!("GET" "/v1/campaigns/{campaign}/sync-health/devices", OFFICES, Same, |to| {
            of_campaign(to, "/sync-health/devices")
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/assignments",
            OFFICES, Hidden, shows, |to| {
            of_unit(to, "assignments")
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/households",
            OFFICES, Hidden, shows, |to| {
            of_unit(to, "households")
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/disputes",
            OFFICES, Hidden, shows, |to| {
            of_unit(to, "disputes")
        }),
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/aside", OFFICES, Hidden, shows, |to| {
            of_unit(to, "aside")
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/aside", OFFICER, Hidden, |to| {
            let (document, hash) = ("0".repeat(32), "0".repeat(64));
            let nothing = json!({ "document": document, "hash": hash, "reason": " " });
            form(&of_unit(to, "aside").path, &nothing)
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/waivers", OFFICER, Hidden, |to| {
            let waived = json!({ "device": to.marked.spare[to.unit], "reason": " " });
            form(&of_unit(to, "waivers").path, &waived)
        }),
    ]
}

fn of_households() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/households/{document}",
            OFFICES, Hidden, shows, |to| {
            plain(&of_household(to, ""))
        }),
        route!("POST" "/v1/campaigns/{campaign}/households/{document}/settle",
            OFFICER, Hidden, |to| {
            let settled = json!({
                "heads": [], "path": "answers/roof", "value": "leaf", "reason": " ",
            });
            form(&of_household(to, "/settle"), &settled)
        }),
    ]
}

fn of_lists() -> Vec<Route> {
    vec![
        route!("GET" "/v1/campaigns/{campaign}/units/{unit}/list", OFFICES, Hidden, shows, |to| {
            of_unit(to, "list")
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/list",
            OFFICES => OFFICER, Hidden, |to| {
            act(to, json!({ "act": "submit" }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/list",
            OFFICES => DISTRICT, Hidden, |to| {
            act(to, json!({ "act": "return", "comment": "x" }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/list",
            OFFICES => DISTRICT, Hidden, |to| {
            act(to, json!({ "act": "approve", "opinion": paper() }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/list",
            OFFICES => OFFICER, Hidden, |to| {
            act(to, json!({ "act": "recognise", "decision": paper() }))
        }),
        route!("POST" "/v1/campaigns/{campaign}/units/{unit}/list",
            OFFICES => OFFICER, Hidden, |to| {
            act(to, json!({ "act": "withdraw", "reason": "x" }))
        }),
    ]
}
