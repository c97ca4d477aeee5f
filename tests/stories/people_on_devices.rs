//! Several people on one phone: bound by their own codes, and each one's work is their own.

use mobile_schema::frame::Fate;
use serde_json::{Value, json};
use server::demo::phone::{Phone, SyncReport};
use shared::id::{AccountId, DocumentId};
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, person};

use crate::ask::{get, kept, post};
use crate::scope::child::operator;

const PEOPLE: &str = "/v1/devices/me/people";

fn cause(text: &str) -> Page {
    Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
}

async fn bind(town: &Town, phone: &Phone, name: &str) -> AccountId {
    let codes = town.officer.codes(&[name.to_owned()]).await.unwrap();
    let people = phone.bind(&codes[0]).await.unwrap();
    people.iter().find(|(of, _)| of == name).unwrap().1
}

/// Returns who typed each change of a household that a phone brought.
async fn typists(town: &Town, document: DocumentId) -> Vec<(String, Value)> {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    let changes = read["changes"].as_array().unwrap().iter();
    let brought = changes.filter(|change| change["provenance"] == "device");
    brought.map(|c| (c["author"].as_str().unwrap().to_owned(), c["typed_by"].clone())).collect()
}

#[track_caller]
fn all(report: &SyncReport, fate: Fate, reason: Option<&str>) {
    assert!(!report.verdicts.is_empty());
    for verdict in &report.verdicts {
        assert_eq!((verdict.fate, verdict.reason.as_deref()), (fate, reason));
    }
}

on_each_backend! {
    /// minh's phone, lan's hands: her households come to it, and her work is hers.
    async fn each_ones_work_is_their_own_on_a_shared_phone(town: Town) {
        let people = json!([person("mai", "enumerator", MO_O, None)]);
        town.province.post("/v1/accounts", &people).await.unwrap();
        let given = "hamlet,account\n19558-02,mai\n".to_owned();
        town.province.import(&town.path("/assignments"), given).await.unwrap();
        let mut phone = town.phone_with_work("minh").await;
        let hamlets = |phone: &Phone| {
            let of: std::collections::BTreeSet<String> =
                phone.households.values().map(|kept| kept.hamlet.clone()).collect();
            of.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(hamlets(&phone), ["19558-01"]);
        let mai = bind(&town, &phone, "mai").await;
        phone.sync().await.unwrap();
        assert_eq!(hamlets(&phone), ["19558-01", "19558-02"], "what both may see together");

        let (first, second) =
            (town.document(&phone, "19558-01-0001"), town.document(&phone, "19558-02-0001"));
        phone.save(first, &[cause("minh hỏi")]).unwrap();
        phone.hand_to(mai);
        phone.save(second, &[cause("mai hỏi")]).unwrap();
        all(&phone.sync().await.unwrap(), Fate::Accepted, None);
        assert_eq!(typists(&town, first).await, [("minh".to_owned(), Value::Null)]);
        assert_eq!(typists(&town, second).await, [("mai".to_owned(), json!("mai"))]);

        phone.save(first, &[cause("mai hỏi hộ")]).unwrap();
        all(&phone.sync().await.unwrap(), Fate::Held, Some("hamlet-not-assigned"));
    }

    /// Somebody who was never bound to the phone is named as typing: shown to the commune.
    async fn work_of_a_stranger_on_the_phone_is_held(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let hoa = town.phone_with_work("hoa").await;
        let codes = town.officer.codes(&["hoa".to_owned()]).await.unwrap();
        let account = hoa.bind(&codes[0]).await.unwrap()[0].1;
        minh.hand_to(account);
        let document = town.document(&minh, "19558-01-0001");
        minh.save(document, &[cause("ai nhập?")]).unwrap();
        all(&minh.sync().await.unwrap(), Fate::Held, Some("typed-by-unknown"));
        assert_eq!(typists(&town, document).await, [("minh".to_owned(), Value::Null)]);
    }

    /// Taken off the phone: nothing more of theirs comes, what they typed is still taken.
    async fn a_person_taken_off_leaves_no_work_behind(town: Town) {
        let people = json!([person("mai", "enumerator", MO_O, None)]);
        town.province.post("/v1/accounts", &people).await.unwrap();
        let given = "hamlet,account\n19558-02,mai\n".to_owned();
        town.province.import(&town.path("/assignments"), given).await.unwrap();
        let mut phone = town.phone_with_work("minh").await;
        let mai = bind(&town, &phone, "mai").await;
        phone.sync().await.unwrap();
        phone.hand_to(mai);
        let document = town.document(&phone, "19558-02-0001");
        phone.save(document, &[cause("mai hỏi")]).unwrap();
        let path = format!("/v1/devices/{}/people/end", phone.device);
        let end = json!({ "account": "mai" });
        assert_eq!(town.officer.post(&path, &end).await.unwrap(), true);
        assert_eq!(town.officer.post(&path, &end).await.unwrap(), false, "she was taken off");
        all(&phone.sync().await.unwrap(), Fate::Accepted, None);
        assert!(phone.households.values().all(|kept| kept.hamlet == "19558-01"));
        let mut hoa = town.phone_with_work("hoa").await;
        hoa.save(document, &[cause("hoa sửa")]).unwrap();
        hoa.sync().await.unwrap();
        assert_eq!(phone.sync().await.unwrap().received, 0);
        let owner = json!({ "account": "minh" });
        assert_eq!(town.officer.post(&path, &owner).await.unwrap(), false, "revoking does that");
    }

    /// Her account was closed: what comes of her afterwards waits for a person, minh's does not.
    async fn work_of_a_closed_account_is_held(town: Town) {
        let mut phone = town.phone_with_work("minh").await;
        let hoa = bind(&town, &phone, "hoa").await;
        phone.sync().await.unwrap();
        let document = town.document(&phone, "19558-01-0001");
        let other = town.document(&phone, "19558-01-0002");
        phone.save(document, &[cause("minh hỏi")]).unwrap();
        phone.hand_to(hoa);
        phone.save(other, &[cause("hoa hỏi")]).unwrap();
        operator(&town, &["user", "disable", "hoa"]).unwrap();
        let report = phone.sync().await.unwrap();
        let told: Vec<_> =
            report.verdicts.iter().map(|v| (v.fate, v.reason.as_deref())).collect();
        assert_eq!(told, [(Fate::Accepted, None), (Fate::Held, Some("person-disabled"))]);
        assert!(phone.households.values().all(|kept| kept.hamlet == "19558-01"));
    }

    /// A code binds an enumerator of the same commune, once, on an enrolled phone.
    async fn only_a_colleague_is_bound(town: Town) {
        let minh = town.phone_with_work("minh").await;
        let codes = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let province = town.province.clone();
            async move { province.codes(&names).await.unwrap() }
        };
        let made = codes(&["lan", "xa-19558", "hoa"]).await;
        let before = kept(&town).await;
        let bind = async |code: &str, token: &str| {
            post(&town, token, PEOPLE, &json!({ "code": code })).await
        };
        bind(&made[0], minh.access()).await.refused(403, "forbidden");
        bind(&made[1], minh.access()).await.refused(403, "forbidden");
        bind("0000000000000000", minh.access()).await.refused(401, "code-refused");
        bind(&made[2], town.officer.token()).await.refused(403, "device-needed");
        get(&town, town.officer.token(), PEOPLE).await.refused(403, "device-needed");
        assert_eq!(kept(&town).await, before, "and the codes are still good");
        bind(&made[2], minh.access()).await.taken();
        bind(&made[2], minh.access()).await.refused(401, "code-refused");
        let revoke = format!("/v1/devices/{}/revoke", minh.device);
        town.officer.post(&revoke, &json!({})).await.unwrap();
        let again = codes(&["stranger"]).await;
        bind(&again[0], minh.access()).await.refused(403, "device-revoked");
        assert!(HUONG_HIEP != MO_O);
    }

    /// The list waits for everybody's work on every phone it may be on.
    async fn the_list_waits_for_a_shared_phone(town: Town) {
        let mut phone = town.phone_with_work("stranger").await;
        bind(&town, &phone, "minh").await;
        town.review_mo_o().await;
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-devices-silent"));
        phone.sync().await.unwrap();
        phone.sync().await.unwrap();
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }
}
