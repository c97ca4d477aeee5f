//! Enrolment codes: shown as QR to whoever made them, listed, withdrawn, and gone with their people.

use ed25519_dalek::SigningKey;
use mobile_schema::frame::{FRAME_VERSION, SyncRequest};
use serde_bytes::ByteArray;
use serde_json::{Value, json};
use server::app::{App, system_clock};
use server::cli::serve::Running;
use shared::id::to_hex;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, PASSWORD, Town, person};

use crate::ask::{Heard, ask, get, kept, post, sync};
use crate::scope::child::operator;
use crate::tokens::renewal;

const CODES: &str = "/v1/devices/codes";

async fn made(town: &Town, token: &str, name: &str) -> Value {
    let codes = post(town, token, CODES, &json!({ "accounts": [name] })).await.taken();
    codes[0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn enrol(town: &Town, code: &str) -> Heard {
    post(town, "", "/v1/devices", &form(code, "ab")).await
}

/// Writes what a phone enrols with; two digits stand for its key.
fn form(code: &str, key: &str) -> Value {
    json!({ "code": code, "label": "máy", "public_key": key.repeat(32) })
}

fn in_16_minutes() -> i64 {
    system_clock() + 16 * 60 * 1000
}

async fn open(town: &Town, token: &str) -> Vec<String> {
    let listed = get(town, token, CODES).await.taken();
    let codes = listed.as_array().unwrap().iter();
    codes.map(|code| text(&code["id"]).to_owned()).collect()
}

/// Reads a QR picture as a phone's camera does: from its dark pixels.
fn scanned(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let (_, path) = svg.split_once("<path").unwrap();
    let (_, path) = path.split_once(" d=\"").unwrap();
    let (path, _) = path.split_once('"').unwrap();
    let mut dark = std::collections::BTreeSet::new();
    for square in path.split('M').filter(|square| !square.trim().is_empty()) {
        let parts: Vec<&str> =
            square.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
        let [x, y, width, height, ..] = parts[..] else { panic!("{square}") };
        let (x, y) = (number(x), number(y));
        for dx in 0..number(width) {
            for dy in 0..number(height) {
                dark.insert((x + dx, y + dy));
            }
        }
    }
    let side = dark.iter().map(|(x, y)| x.max(y)).max().unwrap() + 60;
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
        if dark.contains(&(x, y)) { 0 } else { 255 }
    });
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1, "one QR is found");
    grids[0].decode().unwrap().1
}

on_each_backend! {
    /// The officer holds the phone over the screen: the QR says where, with whom, and the code.
    async fn a_phone_scans_what_it_needs_to_enrol(town: Town) {
        let token = town.officer.token();
        let code = made(&town, token, "hoa").await;
        let path = format!("{CODES}/{}", text(&code["id"]));
        let shown = get(&town, token, &path).await.taken();
        assert_eq!((&shown["account"], &shown["unit"]), (&json!("hoa"), &json!("19558")));
        assert_eq!(shown["code"], code["code"], "the same code as when it was made");
        let said = scanned(text(&shown["svg"]));
        assert_eq!(said, text(&shown["payload"]));
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["server"], format!("http://{}", town.running.address));
        let enrolled = enrol(&town, text(&said["code"])).await.taken();
        assert_eq!(said["server_key"], enrolled["server_key"], "and it is that server's key");
        get(&town, token, &path).await.refused(409, "code-closed");
    }

    /// The answer is lost and the phone asks again with the same key: it is the same device. Nobody
    /// else gets in with the code, and the phone itself no more once it has been heard of.
    async fn a_phone_whose_enrolment_was_not_answered_is_one_device(town: Town) {
        let code = made(&town, town.officer.token(), "hoa").await;
        let code = text(&code["code"]);
        let key = SigningKey::from_bytes(&[5; 32]);
        let public_key = to_hex(key.verifying_key().as_bytes());
        let mine = json!({ "code": code, "label": "máy", "public_key": public_key });
        let lost = post(&town, "", "/v1/devices", &mine).await.taken();
        let before = kept(&town).await;
        let again = post(&town, "", "/v1/devices", &mine).await.taken();
        enrol(&town, code).await.refused(401, "code-refused");
        assert_eq!(kept(&town).await, before, "there is one device");
        assert_eq!((&again["device"], &again["account"]), (&lost["device"], &lost["account"]));
        // Both are of one session, whichever of the two answers the phone heard.
        for tokens in [&lost["tokens"], &again["tokens"]] {
            get(&town, text(&tokens["access"]), "/v1/me").await.taken();
            let form = renewal(text(&tokens["refresh"]), &key);
            let renewed = post(&town, "", "/v1/sessions/refresh", &form).await.taken();
            get(&town, text(&renewed["access"]), "/v1/me").await.taken();
        }

        let app = App::open_at(&town.config, in_16_minutes).await.unwrap();
        let later = Running::listen(app, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let body = mine.to_string().into_bytes();
        let heard = ask(later.address, "POST", "/v1/devices", None, body).await;
        heard.refused(401, "code-refused");
        later.stop().await.unwrap();

        let request = SyncRequest {
            v: FRAME_VERSION,
            campaign: ByteArray::new(town.campaign.0),
            ..SyncRequest::default()
        };
        sync(&town, text(&again["tokens"]["access"]), &request).await;
        post(&town, "", "/v1/devices", &mine).await.refused(401, "code-refused");
        assert_eq!(kept(&town).await, before);
    }

    /// What ends a phone's session ends the code's second chance with it.
    async fn a_phone_that_was_put_out_does_not_come_back_by_its_code(town: Town) {
        let codes = [made(&town, town.officer.token(), "hoa").await,
            made(&town, town.officer.token(), "minh").await];
        let enrolled = enrol(&town, text(&codes[0]["code"])).await.taken();
        let revoke = format!("/v1/devices/{}/revoke", text(&enrolled["device"]));
        post(&town, town.officer.token(), &revoke, &json!({})).await.taken();
        enrol(&town, text(&codes[0]["code"])).await.refused(401, "code-refused");
        enrol(&town, text(&codes[1]["code"])).await.taken();
        operator(&town, &["user", "disable", "minh"]).unwrap();
        operator(&town, &["user", "enable", "minh"]).unwrap();
        enrol(&town, text(&codes[1]["code"])).await.refused(401, "code-refused");
    }

    /// Whoever made a code may see it again; a colleague and the province may not.
    async fn a_code_is_shown_to_nobody_else(town: Town) {
        let code = made(&town, town.officer.token(), "hoa").await;
        let path = format!("{CODES}/{}", text(&code["id"]));
        get(&town, town.province.token(), &path).await.refused(403, "forbidden");
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        get(&town, neighbour.token(), &path).await.refused(404, "not-found");
        let nowhere = format!("{CODES}/{}", "0".repeat(32));
        get(&town, town.officer.token(), &nowhere).await.refused(404, "not-found");
    }

    /// Open codes are listed without the codes themselves, and each can be withdrawn.
    async fn an_open_code_is_listed_and_withdrawn(town: Town) {
        let token = town.officer.token();
        let (first, second) = (made(&town, token, "hoa").await, made(&town, token, "minh").await);
        let listed = get(&town, token, CODES).await;
        assert!(!listed.holds(text(&first["code"])), "the list says no code");
        assert_eq!(open(&town, token).await.len(), 2);
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        assert!(open(&town, neighbour.token()).await.is_empty());
        let withdraw = format!("{CODES}/{}/withdraw", text(&first["id"]));
        post(&town, neighbour.token(), &withdraw, &json!({})).await.refused(404, "not-found");
        post(&town, token, &withdraw, &json!({})).await.taken();
        let before = kept(&town).await;
        enrol(&town, text(&first["code"])).await.refused(401, "code-refused");
        post(&town, token, &withdraw, &json!({})).await.refused(409, "code-closed");
        assert_eq!(kept(&town).await, before);
        assert_eq!(open(&town, token).await, [text(&second["id"])]);
        enrol(&town, text(&second["code"])).await.taken();
        assert!(open(&town, token).await.is_empty(), "a used one is not open");
    }

    /// A closed account's codes are no good any more, even after it is opened again; nor are those
    /// it made for others.
    async fn a_closed_account_takes_its_codes_with_it(town: Town) {
        let for_hoa = made(&town, town.officer.token(), "hoa").await;
        operator(&town, &["user", "disable", "hoa"]).unwrap();
        enrol(&town, text(&for_hoa["code"])).await.refused(401, "code-refused");
        operator(&town, &["user", "enable", "hoa"]).unwrap();
        enrol(&town, text(&for_hoa["code"])).await.refused(401, "code-refused");

        let by_officer = made(&town, town.officer.token(), "minh").await;
        operator(&town, &["user", "disable", "xa-19558"]).unwrap();
        enrol(&town, text(&by_officer["code"])).await.refused(401, "code-refused");
        let again = made(&town, town.province.token(), "hoa").await;
        enrol(&town, text(&again["code"])).await.taken();
    }

    /// Somebody signs in with the old password while it is being changed: the session does not
    /// outlive the change, whichever comes first.
    async fn no_sign_in_slips_past_a_new_password(town: Town) {
        for round in 0..6 {
            let name = format!("xa-moi-{round}");
            let people = json!([person(&name, "officer", "19558", Some(PASSWORD))]);
            town.province.post("/v1/accounts", &people).await.unwrap();
            let mut tries = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let form = json!({ "name": name, "password": PASSWORD });
                let (to, body) = (town.running.address, form.to_string().into_bytes());
                tries.spawn(async move {
                    crate::ask::ask(to, "POST", "/v1/sessions", None, body).await
                });
            }
            operator(&town, &["user", "password", &name]).unwrap();
            while let Some(heard) = tries.join_next().await {
                let session = heard.unwrap().json();
                let Some(access) = session["access"].as_str() else { continue };
                get(&town, access, "/v1/me").await.refused(401, "unauthenticated");
            }
        }
    }
}
