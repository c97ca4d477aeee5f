//! Renewing the tokens of a device: bound to its key, and nobody is locked out by a bad line.

use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use shared::id::to_hex;
use tests::on_each_backend;
use tests::town::{MO_O, Town, person};

use crate::ask::{Heard, get, post};
use crate::tokens::renewal;

/// Phones whose first renewals are all lost.
const PHONES: usize = 1_000;

const REFRESH: &str = "/v1/sessions/refresh";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn key_of(number: usize) -> SigningKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    SigningKey::from_bytes(&seed)
}

async fn enrol(town: &Town, code: &str, key: &SigningKey) -> Value {
    let public_key = to_hex(key.verifying_key().as_bytes());
    let form = json!({ "code": code, "label": "máy", "public_key": public_key });
    post(town, "", "/v1/devices", &form).await.taken()["tokens"].clone()
}

async fn minh(town: &Town, key: &SigningKey) -> Value {
    let codes = town.province.codes(&["minh".to_owned()]).await.unwrap();
    enrol(town, &codes[0], key).await
}

async fn renew(town: &Town, tokens: &Value, key: &SigningKey) -> Heard {
    post(town, "", REFRESH, &renewal(text(&tokens["refresh"]), key)).await
}

async fn is_in(town: &Town, tokens: &Value) {
    assert_eq!(get(town, text(&tokens["access"]), "/v1/me").await.status, 200);
}

on_each_backend! {
    /// Every first answer is lost, for a thousand phones at once: each tries again, and is in.
    async fn no_phone_of_a_thousand_is_locked_out_by_lost_renewals(town: Town) {
        let names: Vec<String> = (0..PHONES).map(|number| format!("rsv-{number}")).collect();
        let people = names.iter().map(|name| person(name, "enumerator", MO_O, None));
        town.province.post("/v1/accounts", &people.collect()).await.unwrap();
        let codes = town.province.codes(&names).await.unwrap();
        let mut locked_out = Vec::new();
        for (number, code) in codes.iter().enumerate() {
            let key = key_of(number);
            let first = enrol(&town, code, &key).await;
            // The server answers, the line does not: the phone still has its first tokens.
            let lost = renew(&town, &first, &key).await;
            assert_eq!(lost.status, 200);
            let second = renew(&town, &first, &key).await;
            let third = renew(&town, &second.json(), &key).await;
            let access = third.json()["access"].as_str().unwrap_or("").to_owned();
            if get(&town, &access, "/v1/me").await.status != 200 {
                locked_out.push(number);
            }
        }
        assert!(locked_out.is_empty(), "{} locked out: {locked_out:?}", locked_out.len());
    }

    /// A copied token is of no use without the phone's key, and harms nobody.
    async fn a_stolen_token_alone_renews_nothing(town: Town) {
        let key = key_of(1);
        let tokens = minh(&town, &key).await;
        let stolen = json!({ "refresh": tokens["refresh"] });
        post(&town, "", REFRESH, &stolen).await.refused(401, "refresh-unsigned");
        is_in(&town, &renew(&town, &tokens, &key).await.taken()).await;
    }

    /// A token that comes with another key ends the session: the phone enrols again.
    async fn a_token_under_another_key_ends_the_session(town: Town) {
        let key = key_of(1);
        let tokens = minh(&town, &key).await;
        let renewed = renew(&town, &tokens, &key).await.taken();
        renew(&town, &tokens, &key_of(2)).await.refused(401, "token-refused");
        renew(&town, &renewed, &key).await.refused(401, "token-refused");
        get(&town, text(&renewed["access"]), "/v1/me").await.refused(401, "unauthenticated");
        is_in(&town, &minh(&town, &key_of(3)).await).await;
    }

    /// A signature over something else is no signature: of a manifest's context, of another token.
    async fn a_signature_counts_for_its_own_token_only(town: Town) {
        let key = key_of(1);
        for change in ["another token", "no hex", "too short"] {
            let tokens = minh(&town, &key).await;
            let other = minh(&town, &key).await;
            let mut form = renewal(text(&other["refresh"]), &key);
            form["refresh"] = tokens["refresh"].clone();
            match change {
                "no hex" => form["signature"] = json!("zz".repeat(64)),
                "too short" => form["signature"] = json!("ab"),
                _ => {}
            }
            post(&town, "", REFRESH, &form).await.refused(401, "token-refused");
        }
    }

    /// A phone restored from a backup has an old token, but the right key: it is let in, and the
    /// phone it was copied from as well.
    async fn a_phone_restored_from_a_backup_is_not_locked_out(town: Town) {
        let key = key_of(1);
        let backup = minh(&town, &key).await;
        let mut tokens = backup.clone();
        for _ in 0..4 {
            tokens = renew(&town, &tokens, &key).await.taken();
        }
        let restored = renew(&town, &backup, &key).await.taken();
        is_in(&town, &restored).await;
        is_in(&town, &renew(&town, &tokens, &key).await.taken()).await;
        is_in(&town, &renew(&town, &restored, &key).await.taken()).await;
    }
}
