//! Two years after one another: where the one ends the next begins, whatever became of households.

use std::collections::BTreeSet;

use mobile_schema::household::Household;
use serde_json::{Value, json};
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Truth, truth};
use shared::classify::Basis;
use shared::date::Date;
use shared::id::{DocumentId, HouseholdId};
use shared::page::Page;
use tests::hamlet::VISIT;
use tests::on_each_backend;
use tests::town::{HAMLETS, HUONG_HIEP, MO_O, Town, campaign_form, person};

use crate::ask::{get, post};
use crate::duplicates::merged::merge;
use crate::duplicates::{answer, registered, twice};

const FORMS: [&str; 2] = ["7.2", "7.3"];

/// Columns 1 to 9 of a commune's form: households, persons.
async fn columns(town: &Town, form: &str, unit: &str) -> Vec<(u64, u64)> {
    let path = town.path(&format!("/forms/{form}?under={unit}"));
    let shown = get(town, town.province.token(), &path).await.taken();
    let rows = shown["rows"].as_array().unwrap().clone();
    let total: Vec<&Value> = rows.iter().filter(|row| row["kind"] == "total").collect();
    let cells = |row: &Value| -> Vec<u64> {
        row["cells"].as_array().unwrap().iter().map(|c| c["count"].as_u64().unwrap()).collect()
    };
    cells(total[0]).into_iter().zip(cells(total[1])).collect()
}

/// The households behind a column, opened: households, persons, and the documents.
async fn opened(town: &Town, form: &str, column: usize, more: &str) -> (u64, u64, Vec<Value>) {
    let path = town.path(&format!("/register/moves?form={form}&column={column}{more}"));
    let opened = get(town, town.province.token(), &path).await.taken();
    let total = |key: &str| opened["total"][key].as_u64().unwrap();
    let parts = opened["parts"].as_array().unwrap().iter().filter(|part| part["households"] == 1);
    (total("households"), total("persons"), parts.map(|part| part["household"].clone()).collect())
}

/// What stands on a list after the review, counted from its rows: households and persons of a class.
async fn counted(town: &Town, office: &Office, unit: &str, class: &str) -> (u64, u64) {
    let list = office.list(town.campaign, unit).await.unwrap();
    let rows = list["list"]["rows"].as_array().unwrap().clone();
    let stays = |row: &&Value| {
        row["class"] == class && (row["outcome"] == "surveyed" || row["outcome"] == "kept")
    };
    let mut count = (0, 0);
    for row in rows.iter().filter(stays) {
        count = (count.0 + 1, count.1 + row["members"].as_u64().unwrap());
    }
    count
}

/// Checks one commune's year: it closes, every column opens to its households, and the end is what
/// the list says by itself.
async fn check_year(town: &Town, office: &Office, unit: &str) {
    for (form, class) in FORMS.into_iter().zip(["poor", "near_poor"]) {
        let columns = columns(town, form, unit).await;
        for pick in [|one: &(u64, u64)| one.0, |one: &(u64, u64)| one.1] {
            let sum = |of: &[usize]| -> u64 { of.iter().map(|at| pick(&columns[at - 1])).sum() };
            assert_eq!(sum(&[1, 5, 6, 7, 8]), sum(&[2, 3, 4, 9]), "{unit} {form} {columns:?}");
        }
        for (column, (households, persons)) in (1..).zip(&columns) {
            let opened = opened(town, form, column, &format!("&under={unit}")).await;
            assert_eq!((opened.0, opened.1), (*households, *persons), "{unit} {form} {column}");
            assert_eq!(u64::try_from(opened.2.len()).unwrap(), *households);
        }
        assert_eq!(columns[8], counted(town, office, unit, class).await, "{unit} {form}");
    }
    let [poor, near] = [columns(town, "7.2", unit).await, columns(town, "7.3", unit).await];
    assert_eq!((poor[1], poor[4]), (near[4], near[1]), "what leaves the one comes to the other");
}

async fn recognise(town: &Town, office: &Office, unit: &str, day: &str) {
    let paper = json!({ "number": format!("1/{unit}"), "date": day, "signer": "Người ký (thử)" });
    let root = office.submit(town.campaign, unit).await.unwrap();
    let approve = json!({ "act": "approve", "root": root, "opinion": paper });
    town.district.act(town.campaign, unit, &approve).await.unwrap();
    let recognise = json!({ "act": "recognise", "root": root, "decision": paper });
    office.act(town.campaign, unit, &recognise).await.unwrap();
}

async fn said(town: &Town, office: &Office, document: DocumentId, rest: &str, act: &Value) {
    let path = town.path(&format!("/households/{document}/{rest}"));
    post(town, office.token(), &path, act).await.taken();
}

/// What is true of a family in the second year, when everybody is a year older.
fn later(town: &Town, code: &str) -> Truth {
    let review_date = Date::parse("2023-12-14").unwrap();
    truth(&town.families[code], &Basis { review_date, ..town.basis() })
}

/// Asks every household on a phone that it has from its opening list: what is true of it is what was
/// true of the family of its code; one that was on no list the year before has moved out.
fn ask_all(town: &Town, phone: &mut Phone) {
    let all: Vec<(DocumentId, String)> =
        phone.households.iter().map(|(document, kept)| (*document, kept.code.clone())).collect();
    for (document, code) in all {
        let known = phone.household(document).unwrap();
        let mut pages = if town.families.contains_key(&code) {
            VISIT.pages(&later(town, &code), &known, false)
        } else {
            vec![answer("outcome", "moved_out")]
        };
        // Whoever the family of that code does not know was written otherwise the year before.
        let named: BTreeSet<&String> = pages.iter().flat_map(|page| page.members.keys()).collect();
        let others: Vec<String> =
            known.present().map(|(id, _)| id).filter(|id| !named.contains(id)).cloned().collect();
        if town.families.contains_key(&code) {
            let mut page = Page::default();
            for id in others {
                page.members.entry(id).or_default().insert("removed".into(), "moved_out".into());
            }
            pages.push(page);
        }
        phone.save(document, &pages).unwrap();
    }
}

/// The campaign of the year after, with its hamlets, people and opening list.
async fn next_year(town: &mut Town) {
    let mut form = campaign_form();
    form["name"] = json!("Rà soát cuối năm 2023");
    form["opening_date"] = json!("2023-09-01");
    form["review_date"] = json!("2023-12-14");
    form["continues"] = json!(town.campaign.to_string());
    let later = town.province.add_campaign(&form).await.unwrap();
    town.campaign = later;
    let table = include_str!("../../shared/standards/b1-synthetic.json").to_owned();
    town.province.load_score_table(&town.second, later, table).await.unwrap();
    let mut hamlets = "unit,code,type_word,name,area,households,persons,dtts_households,\
        dtts_persons,opening_households,opening_persons,opening_dtts_households,\
        opening_dtts_persons,source\n"
        .to_owned();
    for (unit, code) in HAMLETS {
        hamlets += &format!("{unit},{code},thôn,{code},rural,100,400,60,250,90,380,55,240,thử\n");
    }
    town.province.import(&town.path("/hamlets"), hamlets).await.unwrap();
    // Others than the year before: phones of those would be waited for.
    let other = person("lan-2", "enumerator", HUONG_HIEP, None);
    town.province.post("/v1/accounts", &json!([other])).await.unwrap();
    let given = "hamlet,account\n19558-01,minh\n19558-02,minh\n19561-01,lan-2\n".to_owned();
    town.province.import(&town.path("/assignments"), given).await.unwrap();
    let take = json!({ "on": "2023-09-01" });
    let path = town.path("/register/roster");
    let taken = post(town, town.province.token(), &path, &take).await.taken();
    assert_eq!((&taken["broken"], &taken["more"]), (&json!([]), &json!(0)), "{taken}");
}

on_each_backend! {
    /// In the first year a household moves to another commune, a family registered twice is merged, one
    /// splits off in March and is back in December, and one rises; in the second one falls back. The
    /// closing columns of the first are the opening ones of the second.
    async fn a_year_begins_where_the_one_before_it_ended(town: Town) {
        let mut town = town;
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        let (mut hoa, one, other) = twice(&town).await;
        let child = registered(&town, &mut hoa, Some(answer("outcome", "joined")));
        hoa.sync().await.unwrap();
        let mut lan = town.phone_with_work("lan").await;
        town.review_all(&mut lan, &["19561-01"]);
        lan.sync().await.unwrap();
        assert_eq!(merge(&town, one, other).await["fate"], "taken");
        let parent = town.document(&hoa, "19558-02-0001");
        let read = get(&town, town.officer.token(), &town.path(&format!("/households/{parent}"))).await;
        let from = read.taken()["standing"]["row"]["household"].clone();
        let split = json!({ "act": "split", "from": from, "on": "2022-03-10", "evidence": "sổ hộ" });
        said(&town, &town.officer, child, "life", &split).await;
        let join = json!({ "act": "join", "into": from, "on": "2022-12-01", "evidence": "sổ hộ" });
        said(&town, &town.officer, child, "life", &join).await;
        let moves = town.document(&hoa, "19558-01-0001");
        let paper = json!({ "number": "9/XN", "date": "2022-10-02", "signer": "Chủ tịch (thử)" });
        let offer = json!({ "act": "offer", "to": HUONG_HIEP, "paper": paper, "on": "2022-10-01",
            "reason": "về quê" });
        crate::handover::say(&town, &town.officer, moves, &offer).await.taken();
        let accept = json!({ "act": "accept", "hamlet": "19561-01" });
        crate::handover::say(&town, &neighbour, moves, &accept).await.taken();

        let rose = town.document(&hoa, "19558-01-0003");
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        let rows = list["list"]["rows"].as_array().unwrap().clone();
        let row = |document: DocumentId| rows.iter().find(|row| row["document"] == json!(document));
        assert_eq!(row(rose).unwrap()["class"], "above");
        assert!(row(other).is_none(), "one row for the two registrations");
        let whole = row(child).unwrap();
        assert_eq!((&whole["outcome"], &whole["life"], &whole["kin"]), (&json!("left"), &json!("joined"), &from));
        let risen: HouseholdId = row(rose).unwrap()["household"].as_str().unwrap().parse().unwrap();

        recognise(&town, &town.officer, MO_O, "2022-12-12").await;
        recognise(&town, &neighbour, HUONG_HIEP, "2022-12-12").await;
        let mut ends = Vec::new();
        for (office, unit) in [(&town.officer, MO_O), (&neighbour, HUONG_HIEP)] {
            check_year(&town, office, unit).await;
            for form in FORMS {
                ends.push(columns(&town, form, unit).await[8]);
            }
        }
        assert!(ends.iter().all(|end| end.0 > 0 && end.1 > 0), "{ends:?}");
        let mut through = Vec::new();
        for form in FORMS {
            for column in 1..=9 {
                through.extend(opened(&town, form, column, "&under=467&through=both").await.2);
            }
        }
        let read = get(&town, town.officer.token(), &town.path(&format!("/households/{child}"))).await;
        let child_id = read.taken()["standing"]["row"]["household"].clone();
        assert!(!through.contains(&child_id), "it came and went between two lists: in no flow");

        next_year(&mut town).await;
        let mut hoa = town.phone_with_work("minh").await;
        let mut lan = town.phone_with_work("lan-2").await;
        assert!(lan.households.values().any(|kept| kept.code == "19558-01-0001"), "it lives there");
        assert!(!hoa.households.values().any(|kept| kept.code == "19558-01-0003"), "it had risen");
        let mut opening = Vec::new();
        for unit in [MO_O, HUONG_HIEP] {
            for form in FORMS {
                let opened = opened(&town, form, 1, &format!("&under={unit}")).await;
                opening.push((opened.0, opened.1));
            }
        }
        assert_eq!(opening, ends, "what the second year begins with");
        ask_all(&town, &mut hoa);
        ask_all(&town, &mut lan);
        let (again, opening) = hoa.register_as("19558-01", risen);
        let mut pages = VISIT.pages(&later(&town, "19558-02-0001"), &Household::default(), true);
        pages[0].opening = opening.opening;
        hoa.save(again, &pages).unwrap();
        hoa.sync().await.unwrap();
        lan.sync().await.unwrap();
        recognise(&town, &town.officer, MO_O, "2023-12-12").await;
        recognise(&town, &neighbour, HUONG_HIEP, "2023-12-12").await;
        let mut begins = Vec::new();
        for (office, unit) in [(&town.officer, MO_O), (&neighbour, HUONG_HIEP)] {
            check_year(&town, office, unit).await;
            for form in FORMS {
                begins.push(columns(&town, form, unit).await[0]);
            }
        }
        assert_eq!(begins, ends);
        let own = format!("&under={MO_O}");
        assert_eq!(opened(&town, "7.2", 6, &own).await.2, [json!(risen)], "fell back");
        let short = format!("{own}&look_back=0");
        assert!(opened(&town, "7.2", 6, &short).await.2.is_empty());
        assert_eq!(opened(&town, "7.2", 7, &short).await.2, [json!(risen)], "by another look-back");
    }

    /// The head has died and another member is the head: the household is the one it was.
    async fn a_new_head_is_no_new_household(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let known = hoa.household(document).unwrap();
        let head = |(_, member): &(&String, &mobile_schema::household::Answers)| {
            member.get("relation").and_then(|value| value.as_text()) == Some("head")
        };
        let (old, _) = known.present().find(head).unwrap();
        let (new, heir) = known.present().find(|one| !head(one)).unwrap();
        let mut page = Page::default();
        page.members.entry(old.clone()).or_default().insert("removed".into(), "died".into());
        page.members.entry(new.clone()).or_default().insert("relation".into(), "head".into());
        let names = [known.head_name().to_owned(), heir["name"].as_text().unwrap().to_owned()];
        let path = town.path(&format!("/households/{document}"));
        let read = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(read["head_change"], Value::Null);
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let read = get(&town, town.officer.token(), &path).await.taken();
        assert_eq!(read["head_change"], json!({ "from": names[0], "to": names[1] }));
        let mut officer = crate::offices::Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = format!("/office/campaigns/{}/households/{document}", town.campaign);
        officer.open(&page).await.holds(&format!("Chủ hộ đổi từ {} sang {}", names[0], names[1]));
        town.recognise_mo_o().await;
        let household = read["standing"]["row"]["household"].clone();
        for form in FORMS {
            for column in [4, 6, 7, 8] {
                let opened = opened(&town, form, column, &format!("&under={MO_O}")).await.2;
                assert!(!opened.contains(&household), "{form} {column}: it neither came nor went");
            }
        }
    }
}
