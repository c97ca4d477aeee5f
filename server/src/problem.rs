//! Failures as HTTP sees them. The only file that chooses a status code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mobile_schema::problem::{self as names, Problem as Name};
use serde::Serialize;
use shared::approve::ApproveError;
use shared::handover::HandoverError;
use shared::life::LifeError;
use shared::link::LinkError;
use shared::remark::RemarkError;
use shared::sample::SampleError;
use shared::scan::ScanError;

use crate::store::StoreError;

/// A refused request: status, stable name, and what to change in two languages (RFC 9457).
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    name: &'static Name,
    /// What exactly is wrong, as data a client can show; never personal.
    items: Vec<serde_json::Value>,
    /// For our log only.
    source: Option<StoreError>,
    /// How long to wait before trying again, where that is known.
    after_ms: u64,
}

/// The body of every problem, `application/problem+json`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Body {
    /// `/problems/NAME`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to change, in English.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What to change, in Vietnamese.
    pub detail_vi: String,
    /// Each thing that is wrong, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<serde_json::Value>,
}

impl Problem {
    /// Refuses with a published name.
    pub fn new(name: &'static Name) -> Self {
        Self { status: status(name), name, items: Vec::new(), source: None, after_ms: 0 }
    }

    /// Tells how long to wait before trying again.
    #[must_use]
    pub fn after_ms(self, after_ms: u64) -> Self {
        Self { after_ms, ..self }
    }

    /// Returns the status, the published name and its texts, and each thing that is wrong.
    pub(crate) fn said(&self) -> (StatusCode, &'static Name, &[serde_json::Value]) {
        (self.status, self.name, &self.items)
    }

    /// Logs the problem where it is the server's, for whom no answer does; returns it.
    pub(crate) fn told(self) -> Self {
        if self.status.is_server_error() {
            let error = self.source.as_ref().map(chain).unwrap_or_default();
            tracing::error!(problem = self.name.name, error, "a connection failed");
        }
        self
    }

    /// Returns how long to wait before trying again, where that is known.
    pub(crate) fn wait_ms(&self) -> u64 {
        self.after_ms
    }

    /// Names each thing that is wrong.
    #[must_use]
    pub fn with_items<T: Serialize>(mut self, items: &[T]) -> Self {
        self.items = items.iter().filter_map(|item| serde_json::to_value(item).ok()).collect();
        self
    }
}

/// The one table from name to status.
pub(crate) fn status(name: &'static Name) -> StatusCode {
    match name.name {
        "unauthenticated" | "ticket-expired" | "ticket-refused" | "sign-in-failed"
        | "token-refused" | "code-refused" | "refresh-unsigned" => StatusCode::UNAUTHORIZED,
        "forbidden" | "device-revoked" | "device-needed" | "list-own-work" | "table-own-work"
        | "second-entry-own" | "password-own" | "account-own" => StatusCode::FORBIDDEN,
        "not-found" | "campaign-unknown" | "household-unknown" | "heads-unknown"
        | "unit-unknown" | "hamlet-unknown" | "comment-unknown" => StatusCode::NOT_FOUND,
        "method-not-allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "body-too-large" | "scan-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        "upgrade-needed" => StatusCode::UPGRADE_REQUIRED,
        "too-slow" => StatusCode::REQUEST_TIMEOUT,
        "encoding-unsupported" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "body-malformed" | "query-malformed" => StatusCode::BAD_REQUEST,
        "account-exists"
        | "code-closed"
        | "campaign-closed"
        | "list-frozen"
        | "list-has-disputes"
        | "list-has-missing-outcomes"
        | "list-has-unclassified"
        | "list-devices-silent"
        | "list-root-stale"
        | "list-state"
        | "list-counts-missing"
        | "list-has-aside"
        | "four-eyes-missing"
        | "document-broken"
        | "household-moved"
        | "paper-missing"
        | "second-entry-done"
        | "second-entry-settled"
        | "second-entry-household"
        | "sample-finding-moved"
        | "scans-too-many"
        | "report-incomplete"
        | "report-not-closed"
        | "preliminary-number"
        | "sample-drawn"
        | "merge-chain"
        | "merge-choice"
        | "merge-listed"
        | "register-goes-on"
        | "merge-none"
        | "household-has-outcome"
        | "nothing-to-undo"
        | "handover-open"
        | "handover-none"
        | "handover-stale"
        | "handover-alone"
        | "register-own"
        | "table-stale"
        | "table-not-pending"
        | "target-stale"
        | "import-after-work" => StatusCode::CONFLICT,
        "too-busy" | "store-busy" | "store-full" => StatusCode::SERVICE_UNAVAILABLE,
        "too-many" => StatusCode::TOO_MANY_REQUESTS,
        "store-failed" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl From<&'static Name> for Problem {
    fn from(name: &'static Name) -> Self {
        Self::new(name)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let name = match &error {
            StoreError::Busy(_) => &names::STORE_BUSY,
            StoreError::Conflict(_)
            | StoreError::Damaged
            | StoreError::Failed(_)
            | StoreError::Migrate(_) => &names::STORE_FAILED,
        };
        Self { source: Some(error), ..Self::new(name) }
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        Self::new(match error {
            LinkError::Itself => &names::MERGE_ITSELF,
            LinkError::Chain => &names::MERGE_CHAIN,
            LinkError::TooMany => &names::MERGE_TOO_MANY,
            LinkError::Members => &names::MERGE_MEMBERS,
            LinkError::Choice => &names::MERGE_CHOICE,
        })
    }
}

impl From<ApproveError> for Problem {
    fn from(error: ApproveError) -> Self {
        Self::new(match error {
            ApproveError::Role(_) => &names::FORBIDDEN,
            ApproveError::Step(_) => &names::LIST_STATE,
            ApproveError::StaleRoot => &names::LIST_ROOT_STALE,
            ApproveError::OwnWork => &names::LIST_OWN_WORK,
            ApproveError::PaperIncomplete => &names::DECISION_INCOMPLETE,
            ApproveError::ReasonMissing => &names::REASON_MISSING,
        })
    }
}

impl From<LifeError> for Problem {
    fn from(error: LifeError) -> Self {
        Self::new(match error {
            LifeError::PaperIncomplete => &names::DECISION_INCOMPLETE,
            LifeError::ReasonMissing => &names::REASON_MISSING,
            LifeError::HasOutcome => &names::HOUSEHOLD_HAS_OUTCOME,
            LifeError::NothingToKeep => &names::NO_CLASS_TO_KEEP,
            LifeError::Itself => &names::KIN_ITSELF,
            LifeError::OtherUnknown => &names::KIN_UNKNOWN,
            LifeError::Circle => &names::KIN_CIRCLE,
            LifeError::TooLate => &names::KIN_TOO_LATE,
            LifeError::NothingToUndo => &names::NOTHING_TO_UNDO,
        })
    }
}

impl From<HandoverError> for Problem {
    fn from(error: HandoverError) -> Self {
        Self::new(match error {
            HandoverError::PaperIncomplete => &names::DECISION_INCOMPLETE,
            HandoverError::ReasonMissing => &names::REASON_MISSING,
            HandoverError::SameUnit => &names::HANDOVER_SAME_UNIT,
            HandoverError::DayOutside => &names::HANDOVER_DAY,
            HandoverError::Open => &names::HANDOVER_OPEN,
            HandoverError::NothingOffered => &names::HANDOVER_NONE,
            HandoverError::NothingAccepted => &names::NOTHING_TO_UNDO,
            HandoverError::OtherSide => &names::FORBIDDEN,
            HandoverError::Alone => &names::HANDOVER_ALONE,
        })
    }
}

impl From<SampleError> for Problem {
    fn from(error: SampleError) -> Self {
        Self::new(match error {
            SampleError::Size => &names::SAMPLE_SIZE,
            SampleError::Seed => &names::SAMPLE_SEED,
        })
    }
}

impl From<RemarkError> for Problem {
    fn from(error: RemarkError) -> Self {
        Self::new(match error {
            RemarkError::Role => &names::FORBIDDEN,
            RemarkError::Text => &names::COMMENT_TEXT,
        })
    }
}

impl From<ScanError> for Problem {
    fn from(error: ScanError) -> Self {
        Self::new(match error {
            ScanError::TooLarge => &names::SCAN_TOO_LARGE,
            ScanError::Kind => &names::SCAN_KIND,
        })
    }
}

/// Writes an error with all its causes. What a database adds as detail is left out, and with it
/// the `Debug` form: PostgreSQL quotes whole rows there, names and all.
fn chain(error: &StoreError) -> String {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            // The whole chain is for the log, once; the client gets a fixed sentence.
            let error = self.source.as_ref().map(chain).unwrap_or_default();
            tracing::error!(problem = self.name.name, error, "request failed");
        }
        let body = Body {
            kind: format!("/problems/{}", self.name.name),
            title: self.name.en.to_owned(),
            status: self.status.as_u16(),
            detail_vi: self.name.vi.to_owned(),
            items: self.items,
        };
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(header::RETRY_AFTER, retry_after(self.after_ms));
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                let read = HeaderValue::from_static("zstd, gzip, deflate");
                response.headers_mut().insert(header::ACCEPT_ENCODING, read);
            }
            _ => {}
        }
        response
    }
}

/// Longest wait that is asked for, seconds: nobody stays away because of a rounding.
const RETRY_SECONDS_MAX: u64 = 600;

/// Writes when to come back, whole seconds. After an outage everybody comes back at once, so each
/// is told another time, drawn here: phones that start together would draw the same.
fn retry_after(after_ms: u64) -> HeaderValue {
    let [jitter] = crate::keys::random::<1>();
    let seconds = after_ms.div_ceil(1000).clamp(2, RETRY_SECONDS_MAX);
    let spread = (seconds / 2).max(16);
    HeaderValue::from(seconds + u64::from(jitter) % spread)
}
