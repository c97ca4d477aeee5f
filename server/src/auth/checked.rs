//! How tokens are checked. An access token's signature is not checked anew with every request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonwebtoken::{Algorithm, Validation};

use super::{ACCESS_TYPE, AUDIENCE, Claims, ISSUER};
use crate::keys::Keys;

/// How far two machines' clocks may be apart before a token counts as not yet valid.
const SKEW_MS: i64 = 60 * 1000;

/// Most tokens remembered: some hundred bytes each. Each phone has one for a quarter of an hour.
const TOKENS_MAX: usize = 4096;

/// What was found good. Whether a token's time has come or gone is not remembered, and what it names
/// is looked up every time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checked(Arc<Mutex<BTreeMap<String, Claims>>>);

impl Checked {
    pub(super) fn get(&self, token: &str) -> Option<Claims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    pub(super) fn put(&self, token: &str, claims: &Claims) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(token.to_owned(), claims.clone());
    }
}

/// Checks a token of one kind. Times are judged by the caller's clock, not the library's.
pub(super) fn check(keys: &Keys, kind: &str, token: &str, now_ms: i64) -> Option<Claims> {
    let known = if kind == ACCESS_TYPE { keys.checked.get(token) } else { None };
    let claims = match known {
        Some(claims) => claims,
        None => {
            let claims = signed(keys, kind, token)?;
            if kind == ACCESS_TYPE {
                keys.checked.put(token, &claims);
            }
            claims
        }
    };
    let in_time = claims.exp.checked_mul(1000)? > now_ms
        && claims.nbf.checked_mul(1000)? <= now_ms.saturating_add(SKEW_MS);
    in_time.then_some(claims)
}

/// Reads a token of one kind that bears our signature, whatever its time.
fn signed(keys: &Keys, kind: &str, token: &str) -> Option<Claims> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let expected = header.alg == Algorithm::EdDSA
        && header.typ.as_deref() == Some(kind)
        && header.kid.as_deref() == Some(keys.kid.as_str());
    if !expected {
        return None;
    }
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    Some(jsonwebtoken::decode::<Claims>(token, &keys.jwt_check, &validation).ok()?.claims)
}
