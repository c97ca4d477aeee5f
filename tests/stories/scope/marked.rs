//! The town with a marker in everything that has a name, another one in each hamlet.

use std::collections::BTreeMap;

use serde_json::json;
use server::demo::office::Office;
use server::demo::phone::Phone;
use shared::id::{CampaignId, DeviceId, DocumentId};
use shared::page::Page;
use tests::town::{HAMLETS, Town, campaign_form, person};

use super::UNITS;
use super::child::Server;

/// How every marker begins.
pub(super) const ALL: &str = "Zqx";

/// How the ID number of every marked family begins.
pub(super) const ID_NUMBERS: &str = "04577";

/// Returns the text that stands in every name of a hamlet and nowhere else.
pub(super) fn marker(hamlet: &str) -> String {
    let letters = hamlet.bytes().filter(u8::is_ascii_digit);
    let letters = letters.map(|digit| char::from(b'g' + (digit - b'0')));
    format!("{ALL}{}", letters.collect::<String>())
}

/// Returns the ID number of the marked family's head.
pub(super) fn id_number(hamlet: &str) -> String {
    format!("{ID_NUMBERS}{}", hamlet.replace('-', ""))
}

/// Returns the first hamlet of a unit.
pub(super) fn hamlet_of(unit: &str) -> &'static str {
    let found = HAMLETS.iter().find(|(of, _)| *of == unit);
    found.expect("every unit of the stories has a hamlet").1
}

/// Returns the sign-in name of somebody in a unit whose devices and hamlets may be taken away.
pub(super) fn spare_person(unit: &str) -> String {
    format!("{}-du", marker(hamlet_of(unit)))
}

fn worker(hamlet: &str) -> String {
    format!("{}-nguoi", marker(hamlet))
}

/// The marked town.
pub(super) struct Marked {
    /// The real program on the same installation.
    pub(super) child: Server,
    /// The phone of each hamlet's enumerator.
    pub(super) phones: BTreeMap<&'static str, Phone>,
    /// A second phone of each, which disagrees with the first.
    second: BTreeMap<&'static str, Phone>,
    /// A disputed household of each unit.
    pub(super) documents: BTreeMap<&'static str, DocumentId>,
    /// A device of each unit that may be revoked.
    pub(super) spare: BTreeMap<&'static str, DeviceId>,
    /// An open code of each unit, made by its officer.
    pub(super) codes: BTreeMap<&'static str, String>,
    /// Somebody of each unit who never works.
    pub(super) idle: BTreeMap<&'static str, String>,
    /// A courier file of each unit's work.
    pub(super) courier: BTreeMap<&'static str, Vec<u8>>,
    /// A campaign that may be closed.
    pub(super) other_campaign: CampaignId,
}

impl Marked {
    /// Marks the town: hamlets, families, people, phones, a dispute and a held change in each.
    pub(super) async fn new(town: &Town) -> Self {
        load(town).await;
        let mut marked = Self {
            child: Server::start(town),
            phones: BTreeMap::new(),
            second: BTreeMap::new(),
            documents: BTreeMap::new(),
            spare: BTreeMap::new(),
            codes: BTreeMap::new(),
            idle: BTreeMap::new(),
            courier: BTreeMap::new(),
            other_campaign: town.province.add_campaign(&campaign_form()).await.unwrap(),
        };
        for (unit, hamlet) in HAMLETS {
            let code = format!("{}-ho", marker(hamlet));
            let mut first = enrol(town, &worker(hamlet), hamlet).await;
            let mut second = enrol(town, &worker(hamlet), hamlet).await;
            let mut third = enrol(town, &worker(hamlet), hamlet).await;
            first.sync().await.unwrap();
            second.sync().await.unwrap();
            third.sync().await.unwrap();
            let document = town.document(&first, &code);
            first.save(document, &[cause(hamlet, "một")]).unwrap();
            second.save(document, &[cause(hamlet, "hai")]).unwrap();
            third.schema += 1;
            third.save(document, &[cause(hamlet, "ba")]).unwrap();
            marked.courier.entry(unit).or_insert_with(|| first.export(1024));
            for phone in [&mut first, &mut second, &mut third] {
                phone.sync().await.unwrap();
            }
            marked.documents.entry(unit).or_insert(document);
            marked.phones.insert(hamlet, first);
            marked.second.insert(hamlet, second);
        }
        for (unit, _) in UNITS {
            let spare = enrol(town, &spare_person(unit), hamlet_of(unit)).await;
            marked.spare.insert(unit, spare.device);
            let officer = town.sign_in(&format!("xa-{unit}")).await;
            let form = json!({ "accounts": [spare_person(unit)] });
            let codes = officer.post("/v1/devices/codes", &form).await.unwrap();
            marked.codes.insert(unit, codes[0]["id"].as_str().unwrap().to_owned());
            let name = format!("{}-nghi", marker(hamlet_of(unit)));
            let idle = json!([person(&name, "enumerator", unit, None)]);
            let idle = officer.post("/v1/accounts", &idle).await.unwrap();
            marked.idle.insert(unit, idle[0]["id"].as_str().unwrap().to_owned());
            let source = format!("{} kế hoạch", marker(hamlet_of(unit)));
            let target = json!({
                "unit": unit, "rate": "poor", "fall": 100, "number": "1/KH", "date": "2022-01-10",
                "source": source, "seen": 0,
            });
            town.province.post(&town.path("/targets"), &target).await.unwrap();
        }
        marked
    }

    /// Settles what is disputed and reviews what is left, so that every list can be submitted.
    pub(super) async fn finish_work(&mut self, town: &Town) {
        for (unit, _) in UNITS {
            let officer = town.sign_in(&format!("xa-{unit}")).await;
            let path = town.path(&format!("/units/{unit}/disputes"));
            for disputed in officer.get(&path).await.unwrap().as_array().unwrap() {
                settle(town, &officer, disputed).await;
            }
        }
        for (hamlet, phone) in &mut self.phones {
            phone.sync().await.unwrap();
            let document = town.document(phone, &format!("{}-ho", marker(hamlet)));
            let answers = [("outcome".to_owned(), "moved_out".into())].into();
            phone.save(document, &[Page { answers, ..Page::default() }]).unwrap();
            town.review_all(phone, &[hamlet]);
            phone.sync().await.unwrap();
            self.second.get_mut(hamlet).unwrap().sync().await.unwrap();
        }
    }
}

fn cause(hamlet: &str, which: &str) -> Page {
    let text = format!("{} lý do {which}", marker(hamlet));
    Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
}

async fn settle(town: &Town, officer: &Office, disputed: &serde_json::Value) {
    let hamlet = disputed["hamlet"].as_str().unwrap();
    let form = json!({
        "heads": disputed["heads"],
        "path": disputed["disputes"][0]["path"],
        "value": disputed["disputes"][0]["values"][0]["value"],
        "reason": format!("{} đã hỏi lại", marker(hamlet)),
    });
    officer.settle(town.campaign, disputed["document"].as_str().unwrap(), &form).await.unwrap();
}

async fn enrol(town: &Town, name: &str, hamlet: &str) -> Phone {
    let codes = town.province.codes(&[name.to_owned()]).await.unwrap();
    let label = format!("{} máy", marker(hamlet));
    Phone::enrol(&town.client, town.campaign, &codes[0], &label).await.unwrap()
}

/// Loads hamlet names, families, people and assignments with their markers.
async fn load(town: &Town) {
    let mut hamlets =
        "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                       opening_households,opening_persons,opening_dtts_households,\
                       opening_dtts_persons,source\n"
            .to_owned();
    let mut roster =
        "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n"
            .to_owned();
    let mut assignments = "hamlet,account\n".to_owned();
    let mut people = Vec::new();
    for (unit, hamlet) in HAMLETS {
        let (mark, id) = (marker(hamlet), id_number(hamlet));
        hamlets.push_str(&format!(
            "{unit},{hamlet},thôn,{mark},rural,100,400,60,250,90,380,55,240,{mark}\n"
        ));
        for (relation, id) in [("head", id.as_str()), ("child", "")] {
            roster.push_str(&format!(
                "{mark}-ho,{hamlet},poor,QĐ {mark},0,{mark} {relation},{relation},1980,male,01,{id}\n"
            ));
        }
        people.push(person(&worker(hamlet), "enumerator", unit, None));
        assignments.push_str(&format!("{hamlet},{}\n", worker(hamlet)));
    }
    for (unit, _) in UNITS {
        people.push(person(&spare_person(unit), "enumerator", unit, None));
        assignments.push_str(&format!("{},{}\n", hamlet_of(unit), spare_person(unit)));
    }
    town.province.post("/v1/accounts", &json!(people)).await.unwrap();
    for (what, text) in [("hamlets", hamlets), ("roster", roster), ("assignments", assignments)] {
        town.province.import(&town.path(&format!("/{what}")), text).await.unwrap();
    }
}

/// Leaves out what was set aside in a unit, so that its list can be submitted.
pub(crate) async fn leave_out(town: &Town, officer: &Office, unit: &str) {
    let path = town.path(&format!("/units/{unit}/aside"));
    for change in officer.get(&path).await.unwrap().as_array().unwrap() {
        let form = json!({
            "document": change["document"],
            "hash": change["hash"],
            "reason": "đã xem",
            "let_in": false,
        });
        officer.post(&path, &form).await.unwrap();
    }
}
