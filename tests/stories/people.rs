//! People whom the operator locks out, and lets in again.

use serde_json::{Value, json};
use tests::on_each_backend;
use tests::town::{PASSWORD, Town};

use crate::ask::{get, post};
use crate::scope::child::operator;

async fn sign_in(town: &Town, name: &str, password: &str) -> crate::ask::Heard {
    post(town, "", "/v1/sessions", &json!({ "name": name, "password": password })).await
}

async fn is_out(town: &Town, tokens: &Value) {
    let (access, refresh) = (tokens["access"].as_str().unwrap(), &tokens["refresh"]);
    get(town, access, "/v1/me").await.refused(401, "unauthenticated");
    let form = json!({ "refresh": refresh });
    post(town, "", "/v1/sessions/refresh", &form).await.refused(401, "token-refused");
}

on_each_backend! {
    /// Whoever knew the old password is out at once; the new one signs in.
    async fn a_new_password_ends_the_sessions(town: Town) {
        let old = sign_in(&town, "xa-19558", PASSWORD).await.taken();
        let said = operator(&town, &["user", "password", "xa-19558"]).unwrap();
        let password = said.trim().rsplit_once(" / ").unwrap().1;
        is_out(&town, &old).await;
        sign_in(&town, "xa-19558", PASSWORD).await.refused(401, "sign-in-failed");
        let new = sign_in(&town, "xa-19558", password).await.taken();
        get(&town, new["access"].as_str().unwrap(), "/v1/me").await.taken();
        get(&town, town.district.token(), "/v1/me").await.taken();
    }

    /// An account that was closed opens no door; opened again it signs in anew.
    async fn a_disabled_account_is_out_until_it_is_enabled(town: Town) {
        let old = sign_in(&town, "xa-19558", PASSWORD).await.taken();
        assert_eq!(operator(&town, &["user", "disable", "xa-19558"]).unwrap().trim(), "disabled");
        is_out(&town, &old).await;
        sign_in(&town, "xa-19558", PASSWORD).await.refused(401, "sign-in-failed");
        let listed = operator(&town, &["user", "list", "--json"]).unwrap();
        let state = |name: &str| {
            let of = |line: &&str| line.contains(&format!("\"{name}\""));
            let line = listed.lines().find(of).unwrap();
            serde_json::from_str::<Value>(line).unwrap()["disabled"].as_bool().unwrap()
        };
        assert!(state("xa-19558") && !state("hoa"));
        assert_eq!(operator(&town, &["user", "enable", "xa-19558"]).unwrap().trim(), "enabled");
        is_out(&town, &old).await;
        sign_in(&town, "xa-19558", PASSWORD).await.taken();
        for act in ["disable", "enable", "password"] {
            let said = operator(&town, &["user", act, "nobody"]).unwrap_err();
            assert!(said.contains("no account named nobody"), "{said}");
        }
    }
}
