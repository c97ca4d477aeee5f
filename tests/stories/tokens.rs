//! Tokens: which are believed, how a session stays alive on a bad line, and what revoking does.

use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signer, SigningKey};
use mobile_schema::frame::{Fate, REFRESH_CONTEXT};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, person};

use crate::ask::{ask, get, kept, post};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes base64url without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let whole = part.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        let whole = whole << (8 * (3 - part.len()));
        for place in 0..=part.len() {
            let digit = usize::try_from(whole >> (18 - 6 * place) & 63).unwrap();
            text.push(char::from(DIGITS[digit]));
        }
    }
    text
}

/// Reads base64url without padding.
fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut whole, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let value = DIGITS.iter().position(|known| *known == digit).unwrap();
        whole = whole << 6 | u32::try_from(value).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(whole >> bits & 255).unwrap());
        }
    }
    bytes
}

/// HMAC-SHA256 with a key of at most one block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

/// A token taken apart, to be put together wrongly.
struct Parts {
    header: Value,
    claims: Value,
}

impl Parts {
    fn of(token: &str) -> Self {
        let mut parts = token.split('.').map(decode);
        let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
        Self { header: json(), claims: json() }
    }

    fn text(&self) -> String {
        let part = |json: &Value| encode(json.to_string().as_bytes());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }

    fn signed(&self, key: &SigningKey) -> String {
        let text = self.text();
        format!("{text}.{}", encode(&key.sign(text.as_bytes()).to_bytes()))
    }
}

fn server_key(town: &Town) -> SigningKey {
    let pem = std::fs::read_to_string(town.config.data.join("server.key")).unwrap();
    SigningKey::from_pkcs8_pem(&pem).unwrap()
}

/// Every way to get a token wrong. `other` is a good token of the other kind.
fn forgeries(good: &str, other: &str, key: &SigningKey) -> Vec<(String, String)> {
    let mut forged = Vec::new();
    let mut with = |what: &str, alter: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of(good);
        alter(&mut parts);
        forged.push((what.to_owned(), parts.signed(key)));
    };
    for claim in ["iss", "aud", "sub", "fam", "jti", "nbf", "exp"] {
        with(&format!("without {claim}"), &|parts| {
            parts.claims.as_object_mut().unwrap().remove(claim);
        });
    }
    let now = Parts::of(good).claims["nbf"].as_i64().unwrap();
    with("exp as text", &|parts| parts.claims["exp"] = json!((now + 900).to_string()));
    with("exp with a fraction", &|parts| parts.claims["exp"] = json!(1e12));
    with("exp beyond every clock", &|parts| parts.claims["exp"] = json!(i64::MAX));
    with("expired", &|parts| parts.claims["exp"] = json!(now - 1));
    with("not yet valid", &|parts| parts.claims["nbf"] = json!(now + 3600));
    with("of another issuer", &|parts| parts.claims["iss"] = json!("someone"));
    with("for another audience", &|parts| parts.claims["aud"] = json!("something"));
    with("sub that is no id", &|parts| parts.claims["sub"] = json!("tinh"));
    with("of nobody", &|parts| parts.claims["sub"] = json!("0".repeat(32)));
    with("fam that is no id", &|parts| parts.claims["fam"] = json!(7));
    with("foreign kid", &|parts| parts.header["kid"] = json!("0123456789abcdef"));
    with("without kid", &|parts| drop(parts.header.as_object_mut().unwrap().remove("kid")));
    with("typ of the other kind", &|parts| {
        parts.header["typ"] = Parts::of(other).header["typ"].clone();
    });
    with("typ JWT", &|parts| parts.header["typ"] = json!("JWT"));
    with("alg EdDSA in lower case", &|parts| parts.header["alg"] = json!("eddsa"));
    let mut none = Parts::of(good);
    none.header["alg"] = json!("none");
    forged.push(("alg none, no signature".to_owned(), format!("{}.", none.text())));
    forged.push(("alg none, signed".to_owned(), none.signed(key)));
    let mut confused = Parts::of(good);
    confused.header["alg"] = json!("HS256");
    let public = key.verifying_key().to_bytes();
    let public_hex = shared::id::to_hex(&public);
    for (what, secret) in [("as bytes", &public[..]), ("as hex", public_hex.as_bytes())] {
        let text = confused.text();
        let signature = encode(&hmac(secret, text.as_bytes()));
        forged.push((format!("HS256 with the public key {what}"), format!("{text}.{signature}")));
    }
    let stranger = SigningKey::from_bytes(&[7; 32]);
    forged.push(("signed by another key".to_owned(), Parts::of(good).signed(&stranger)));
    let unsigned = good.rsplit_once('.').unwrap().0;
    forged.push(("without signature".to_owned(), format!("{unsigned}.")));
    forged.push(("of two parts".to_owned(), unsigned.to_owned()));
    forged.push(("truncated".to_owned(), good[..good.len() - 4].to_owned()));
    forged.push(("cut in the middle".to_owned(), good[..good.len() / 2].to_owned()));
    forged.push(("of the other kind".to_owned(), other.to_owned()));
    forged.push(("no token at all".to_owned(), "x".to_owned()));
    forged
}

async fn sign_in(town: &Town, name: &str) -> Value {
    let form = json!({ "name": name, "password": tests::town::PASSWORD });
    post(town, "", "/v1/sessions", &form).await.taken()
}

async fn refresh(town: &Town, token: &str) -> crate::ask::Heard {
    post(town, "", "/v1/sessions/refresh", &json!({ "refresh": token })).await
}

/// Writes the renewal of a device's tokens, signed with a key.
pub(crate) fn renewal(token: &str, key: &SigningKey) -> Value {
    let signature = key.sign(&[REFRESH_CONTEXT, token.as_bytes()].concat());
    json!({ "refresh": token, "signature": shared::id::to_hex(&signature.to_bytes()) })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

on_each_backend! {
    /// Only what this server signed for this very use, in its time, is believed.
    async fn no_forged_token_is_believed(town: Town) {
        let key = server_key(&town);
        let session = sign_in(&town, "xa-19558").await;
        let (access, renewal) = (text(&session["access"]), text(&session["refresh"]));
        let before = kept(&town).await;

        let remade = Parts::of(access).signed(&key);
        assert_eq!(
            get(&town, &remade, "/v1/me").await.taken()["name"],
            "xa-19558",
            "the forge works"
        );
        for (what, token) in forgeries(access, renewal, &key) {
            let heard = get(&town, &token, "/v1/me").await;
            assert_eq!(heard.name(), "unauthenticated", "{what}");
            heard.refused(401, "unauthenticated");
        }
        for (what, token) in forgeries(renewal, access, &key) {
            // A renewal is tied to its session, whoever the token says it is for.
            if what == "sub that is no id" || what == "of nobody" {
                continue;
            }
            let heard = refresh(&town, &token).await;
            assert_eq!(heard.name(), "token-refused", "{what}");
            heard.refused(401, "token-refused");
        }
        assert_eq!(kept(&town).await, before);
        assert_eq!(refresh(&town, renewal).await.status, 200, "the session outlives the attempts");
    }

    /// No header, an empty one, another scheme: signed in as nobody.
    async fn a_missing_token_is_told_so(town: Town) {
        let to = town.running.address;
        ask(to, "GET", "/v1/me", None, Vec::new()).await.refused(401, "unauthenticated");
        for scheme in ["", "Basic dGluaDp0aW5o", "Bearer", "Bearer  "] {
            let path = format!("/v1/me HTTP/1.1\r\nauthorization: {scheme}\r\nx-rest: ");
            ask(to, "GET", &path, None, Vec::new()).await.refused(401, "unauthenticated");
        }
    }

    /// On 2G the answer gets lost: the token used stays good until its successor is used.
    async fn a_lost_renewal_locks_nobody_out(town: Town) {
        let session = sign_in(&town, "xa-19558").await;
        let first = text(&session["refresh"]);
        let lost = refresh(&town, first).await.taken();
        let second = refresh(&town, first).await.taken();
        let again = refresh(&town, first).await.taken();
        for session in [&lost, &second, &again] {
            assert_eq!(get(&town, text(&session["access"]), "/v1/me").await.status, 200);
        }
        let third = refresh(&town, text(&again["refresh"])).await.taken();
        assert_eq!(refresh(&town, text(&third["refresh"])).await.status, 200);
    }

    /// Two answers to one token may arrive in any order: whichever the phone keeps is good.
    async fn renewals_that_cross_on_the_line_lock_nobody_out(town: Town) {
        let session = sign_in(&town, "xa-19558").await;
        let first = text(&session["refresh"]);
        let early = refresh(&town, first).await.taken();
        let late = refresh(&town, first).await.taken();
        assert_eq!(
            refresh(&town, text(&early["refresh"])).await.status,
            200,
            "the first answer is kept"
        );
        assert_eq!(refresh(&town, text(&late["refresh"])).await.status, 200, "or the second");
    }

    /// A token older than the one before the last is a copy: the session ends for everybody.
    async fn an_old_renewal_token_ends_the_session(town: Town) {
        let session = sign_in(&town, "xa-19558").await;
        let first = text(&session["refresh"]);
        let second = refresh(&town, first).await.taken();
        let third = refresh(&town, text(&second["refresh"])).await.taken();
        refresh(&town, first).await.refused(401, "token-refused");
        refresh(&town, text(&third["refresh"])).await.refused(401, "token-refused");
        let fresh = sign_in(&town, "xa-19558").await;
        assert_eq!(refresh(&town, text(&fresh["refresh"])).await.status, 200, "signing in helps");
    }

    /// The lost phone: its session ends, what it still sends is held, nothing more is sent to it.
    async fn a_revoked_phone_is_heard_but_told_nothing(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0003");
        town.review(&mut minh, "19558-01-0001");
        let path = format!("/v1/devices/{}/revoke", minh.device);
        town.officer.post(&path, &json!({})).await.unwrap();
        hoa.sync().await.unwrap();

        let report = minh.sync().await.unwrap();
        assert!(!report.verdicts.is_empty());
        for verdict in &report.verdicts {
            assert_eq!(
                (verdict.fate, verdict.reason.as_deref()),
                (Fate::Held, Some("device-revoked"))
            );
        }
        assert_eq!(report.received, 0, "what hoa wrote is not sent");
        assert!(minh.households.is_empty(), "the app is told that its hamlets left");
        minh.forget_cursor();
        assert_eq!(minh.sync().await.unwrap().received, 0, "nor with an empty cursor");

        let listed = town.officer.get(&town.path(&format!("/units/{MO_O}/aside"))).await.unwrap();
        assert_eq!(listed.as_array().unwrap().len(), report.verdicts.len());
    }

    /// It may renew its tokens, for it must be able to hand in; but no other door opens to it.
    async fn a_revoked_phone_can_hand_in_and_nothing_else(town: Town) {
        let enrol = async |name: &str| {
            let codes = town.province.codes(&[name.to_owned()]).await.unwrap();
            let key =
                shared::id::to_hex(SigningKey::from_bytes(&[9; 32]).verifying_key().as_bytes());
            let form = json!({ "code": codes[0], "label": "máy cũ", "public_key": key });
            post(&town, "", "/v1/devices", &form).await.taken()
        };
        for name in ["minh", "xa-19558"] {
            let enrolled = enrol(name).await;
            let tokens = &enrolled["tokens"];
            assert_eq!(get(&town, text(&tokens["access"]), "/v1/me").await.status, 200);
            let path = format!("/v1/devices/{}/revoke", text(&enrolled["device"]));
            town.officer.post(&path, &json!({})).await.unwrap();
            let form = renewal(text(&tokens["refresh"]), &SigningKey::from_bytes(&[9; 32]));
            let renewed = post(&town, "", "/v1/sessions/refresh", &form).await.taken();
            let tokens = &renewed;
            let households = town.path(&format!("/units/{MO_O}/households"));
            for path in ["/v1/me", "/v1/campaigns", "/v1/accounts", &households] {
                get(&town, text(&tokens["access"]), path).await.refused(403, "device-revoked");
            }
        }
    }

    /// A code enrols one device, once.
    async fn an_enrolment_code_works_once(town: Town) {
        let codes = town.province.codes(&["hoa".to_owned()]).await.unwrap();
        let form = |code: &str, key: &str| {
            json!({ "code": code, "label": "máy", "public_key": key.repeat(32) })
        };
        post(&town, "", "/v1/devices", &form(&codes[0], "ab")).await.taken();
        let before = kept(&town).await;
        for code in [codes[0].as_str(), "", "0000000000000000", "không có"] {
            post(&town, "", "/v1/devices", &form(code, "cd")).await.refused(401, "code-refused");
        }
        assert_eq!(kept(&town).await, before);
    }

    /// An officer hands out codes to enumerators: a code of a colleague would be a second self.
    async fn an_officer_makes_no_code_for_a_colleague(town: Town) {
        let people = json!([
            person("xa-19558-b", "officer", MO_O, Some("mat-khau-khac")),
            person("xa-19561-b", "enumerator", HUONG_HIEP, None),
        ]);
        town.province.post("/v1/accounts", &people).await.unwrap();
        let before = kept(&town).await;
        let codes = async |name: &str| {
            post(&town, town.officer.token(), "/v1/devices/codes", &json!({ "accounts": [name] }))
                .await
        };
        codes("xa-19558-b").await.refused(403, "forbidden");
        codes("xa-19561-b").await.refused(404, "not-found");
        assert_eq!(kept(&town).await, before);
        assert_eq!(codes("hoa").await.status, 200);
        assert_eq!(codes("xa-19558").await.status, 200, "but for a device of their own");
    }
}
