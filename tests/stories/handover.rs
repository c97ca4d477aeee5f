//! A household that moves to another commune: both sides say so, and it is one decision.

use serde_json::{Value, json};
use server::demo::office::Office;
use server::demo::phone::Phone;
use shared::id::DocumentId;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O, Town, VINH_THAI};

use crate::ask::{Heard, get, post, sync};
use crate::offices::Browser;

mod counted;
mod mended;

const LISTED: &str = "19558-01-0001";

fn cause(text: &str) -> Page {
    Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
}

fn offer(to: &str) -> Value {
    let paper = json!({ "number": "12/XN", "date": "2022-11-02", "signer": "Chủ tịch (thử)" });
    json!({ "act": "offer", "to": to, "paper": paper, "on": "2022-11-01", "reason": "về quê vợ" })
}

fn accept(hamlet: &str) -> Value {
    json!({ "act": "accept", "hamlet": hamlet })
}

fn because(act: &str) -> Value {
    json!({ "act": act, "reason": "nhầm" })
}

/// Position of what was said last of a household, as the province reads it.
async fn newest(town: &Town, document: DocumentId) -> i64 {
    let path = town.path(&format!("/households/{document}/handover"));
    let read = get(town, town.province.token(), &path).await.json();
    let all = read.as_array().into_iter().flatten();
    all.filter_map(|one| one["position"].as_i64()).max().unwrap_or(0)
}

/// Says a word of what was said last.
pub(crate) async fn say(town: &Town, office: &Office, document: DocumentId, act: &Value) -> Heard {
    say_of(town, office, document, act, newest(town, document).await).await
}

async fn say_of(
    town: &Town,
    office: &Office,
    document: DocumentId,
    act: &Value,
    seen: i64,
) -> Heard {
    let path = town.path(&format!("/households/{document}/handover"));
    let mut saying = act.clone();
    saying["seen"] = json!(seen);
    post(town, office.token(), &path, &saying).await
}

/// The row of a document on a unit's list.
async fn row(town: &Town, office: &Office, unit: &str, document: DocumentId) -> Value {
    let list = office.list(town.campaign, unit).await.unwrap();
    let rows = list["list"]["rows"].as_array().unwrap().clone();
    let found = rows.into_iter().find(|row| row["document"] == json!(document));
    assert!(list["step"] != "" && town.campaign != shared::id::CampaignId([0; 16]));
    found.unwrap_or(Value::Null)
}

async fn root(town: &Town, office: &Office, unit: &str) -> Value {
    office.list(town.campaign, unit).await.unwrap()["root"].clone()
}

/// Columns 1 to 9 of a form's total: households, persons.
async fn columns(town: &Town, form: &str, under: &str) -> Vec<(u64, u64)> {
    let path = town.path(&format!("/forms/{form}?under={under}"));
    let shown = get(town, town.province.token(), &path).await.taken();
    let rows = shown["rows"].as_array().unwrap().clone();
    let total: Vec<&Value> = rows.iter().filter(|row| row["kind"] == "total").collect();
    let cells = |row: &Value| -> Vec<u64> {
        row["cells"].as_array().unwrap().iter().map(|c| c["count"].as_u64().unwrap()).collect()
    };
    cells(total[0]).into_iter().zip(cells(total[1])).collect()
}

#[track_caller]
fn closes(columns: &[(u64, u64)]) {
    for pick in [|one: &(u64, u64)| one.0, |one: &(u64, u64)| one.1] {
        let sum = |of: &[usize]| -> u64 { of.iter().map(|at| pick(&columns[at - 1])).sum() };
        assert_eq!(sum(&[1, 5, 6, 7, 8]), sum(&[2, 3, 4, 9]), "{columns:?}");
    }
}

/// Both communes reviewed in full; the neighbour's officer, and the two phones.
async fn reviewed(town: &Town) -> (Office, Phone, Phone) {
    let hoa = town.review_mo_o().await;
    let mut lan = town.phone_with_work("lan").await;
    town.review_all(&mut lan, &["19561-01"]);
    lan.sync().await.unwrap();
    (town.sign_in(&format!("xa-{HUONG_HIEP}")).await, hoa, lan)
}

/// Handed over, and taken into a hamlet of another unit.
async fn moved(
    town: &Town,
    from: &Office,
    (taker, unit, hamlet): (&Office, &str, &str),
    document: DocumentId,
) {
    say(town, from, document, &offer(unit)).await.taken();
    say(town, taker, document, &accept(hamlet)).await.taken();
}

async fn recognise(town: &Town, officer: &Office, unit: &str) {
    let root = officer.submit(town.campaign, unit).await.unwrap();
    town.district.approve(town.campaign, unit, &root).await.unwrap();
    officer.recognise(town.campaign, unit, &root).await.unwrap();
}

on_each_backend! {
    /// It leaves the one list as moved out and stands on the other as moved in, with its history;
    /// phones of both sides hand in what they wrote; the flows of both close, and cancel out.
    async fn a_household_moves_by_the_word_of_both(town: Town) {
        let (neighbour, mut hoa, mut lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let before = row(&town, &town.officer, MO_O, document).await;
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        let waits = get(&town, neighbour.token(), &town.path("/units/19561/handovers")).await.taken();
        assert_eq!((&waits[0]["stage"], &waits[0]["code"]), (&json!("offered"), &json!(LISTED)));
        assert!(!waits[0]["head"].as_str().unwrap().is_empty(), "it is said who comes");
        assert_eq!(row(&town, &town.officer, MO_O, document).await, before, "nothing has moved");
        hoa.save(document, &[cause("hoa hỏi trước khi chuyển")]).unwrap();
        let heard = say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        assert_eq!(heard, json!({ "stage": "accepted", "unit": HUONG_HIEP }));

        let gone = row(&town, &town.officer, MO_O, document).await;
        assert_eq!((&gone["outcome"], &gone["life"]), (&json!("left"), &json!("moved_out")));
        assert_eq!(gone["opening"], before["opening"]);
        let come = row(&town, &neighbour, HUONG_HIEP, document).await;
        assert_eq!((&come["outcome"], &come["life"]), (&json!("surveyed"), &json!("moved_in")));
        assert_eq!((&come["class"], &come["opening"]), (&before["class"], &Value::Null));
        assert_eq!(come["changes"], before["changes"], "it rests on the same changes");
        let page = town.path(&format!("/households/{document}"));
        get(&town, town.officer.token(), &page).await.refused(404, "household-unknown");
        let read = get(&town, neighbour.token(), &page).await.taken();
        assert!(read["changes"].as_array().unwrap().len() > 1, "with its history");

        // Who asked it before hands in what she has, is told that it left, and gets nothing more.
        let answer = sync(&town, hoa.access(), &hoa.request()).await;
        let left: Vec<DocumentId> = answer.gone.iter().map(|gone| DocumentId(**gone)).collect();
        assert_eq!(left, [document]);
        hoa.sync().await.unwrap();
        assert!(!hoa.households.contains_key(&document));
        assert_eq!(hoa.sync().await.unwrap().received, 0);
        lan.sync().await.unwrap();
        let seen = lan.household(document).unwrap();
        assert_eq!(seen.answers["cause_other"], "hoa hỏi trước khi chuyển".into());
        lan.save(document, &[cause("lan hỏi sau khi chuyển")]).unwrap();
        lan.sync().await.unwrap();
        let read = get(&town, neighbour.token(), &page).await.taken();
        assert_eq!(read["household"]["answers"]["cause_other"], "lan hỏi sau khi chuyển");
        assert_eq!(row(&town, &town.officer, MO_O, document).await, gone, "of no concern there");

        recognise(&town, &town.officer, MO_O).await;
        recognise(&town, &neighbour, HUONG_HIEP).await;
        let poor = before["opening"] == "poor";
        let (own, other) = if poor { ("7.2", "7.3") } else { ("7.3", "7.2") };
        let out = get(&town, town.officer.token(),
            &town.path(&format!("/register/moves?form={own}&column=4"))).await.taken();
        let left = out["parts"].as_array().unwrap().iter();
        let left: Vec<_> = left.filter(|part| part["document"] == json!(document)).collect();
        assert_eq!((left.len(), &left[0]["cause"]), (1, &json!("moved_out")));
        let mut came = 0;
        for form in [own, other] {
            let [one, two] = [columns(&town, form, MO_O).await, columns(&town, form, HUONG_HIEP).await];
            closes(&one);
            closes(&two);
            let path = town.path(&format!("/register/moves?form={form}&column=8"));
            let into = get(&town, neighbour.token(), &path).await.taken();
            let parts = into["parts"].as_array().unwrap().iter();
            came += parts.filter(|part| part["cause"] == "moved_in").count();
            // The district has it once at the start and once at the end, out of the one and into the other.
            let of = async |column: usize| {
                let path = format!("/register/moves?form={form}&column={column}&under=467");
                let all = get(&town, town.district.token(), &town.path(&path)).await.taken();
                let parts = all["parts"].as_array().unwrap().clone().into_iter();
                parts.filter(|part| part["document"] == json!(document)).count()
            };
            let mine = usize::from(form == own);
            assert_eq!((of(1).await, of(4).await), (mine, mine), "{form}");
            assert_eq!(of(8).await, of(9).await, "{form}");
        }
        assert_eq!(came, 1);
        let register = get(&town, town.province.token(),
            &town.path("/register?on=2022-12-31&under=467")).await.taken();
        server::cli::rebuild::rebuild(&town.running.app).await.unwrap();
        let again = get(&town, town.province.token(),
            &town.path("/register?on=2022-12-31&under=467")).await.taken();
        assert_eq!(register, again);
    }

    /// Undone from above, or given back by an offer, both lists are what they were, to the byte; then it
    /// can be handed over again.
    async fn a_move_is_undone_without_a_trace(town: Town) {
        let (neighbour, mut hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let before = [root(&town, &town.officer, MO_O).await, root(&town, &neighbour, HUONG_HIEP).await];
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        assert_ne!(root(&town, &town.officer, MO_O).await, before[0]);
        assert_ne!(root(&town, &neighbour, HUONG_HIEP).await, before[1]);
        for commune in [&town.officer, &neighbour] {
            say(&town, commune, document, &because("undo")).await.refused(403, "forbidden");
        }
        say(&town, &town.district, document, &because("undo")).await.taken();
        assert_eq!(root(&town, &town.officer, MO_O).await, before[0]);
        assert_eq!(root(&town, &neighbour, HUONG_HIEP).await, before[1]);
        say(&town, &town.district, document, &because("undo")).await.refused(409, "nothing-to-undo");
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        say(&town, &neighbour, document, &offer(MO_O)).await.taken();
        say(&town, &town.officer, document, &accept("19558-01")).await.taken();
        assert_eq!(root(&town, &town.officer, MO_O).await, before[0]);
        assert_eq!(root(&town, &neighbour, HUONG_HIEP).await, before[1]);
        hoa.sync().await.unwrap();
        hoa.save(document, &[cause("hoa hỏi lại")]).unwrap();
        let report = hoa.sync().await.unwrap();
        assert_eq!(Phone::count(&report, mobile_schema::frame::Fate::Accepted), 1);
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        recognise(&town, &town.officer, MO_O).await;
        say(&town, &town.province, document, &because("undo")).await.refused(409, "list-frozen");
    }

    /// What no handing over is.
    async fn a_move_that_makes_no_sense_is_refused(town: Town) {
        let (neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let far = town.sign_in(&format!("xa-{VINH_THAI}")).await;
        let own = &town.officer;
        say(&town, own, document, &offer(MO_O)).await.refused(422, "handover-same-unit");
        for unit in ["00001", "467", "", "no such unit"] {
            say(&town, own, document, &offer(unit)).await.refused(404, "unit-unknown");
        }
        let mut bare = offer(HUONG_HIEP);
        bare["paper"]["number"] = json!(" ");
        say(&town, own, document, &bare).await.refused(422, "decision-incomplete");
        bare["paper"]["number"] = json!("12/XN");
        bare["paper"]["date"] = json!("2019-01-01");
        say(&town, own, document, &bare).await.refused(422, "paper-date");
        let mut late = offer(HUONG_HIEP);
        late["on"] = json!("2022-12-15");
        say(&town, own, document, &late).await.refused(422, "handover-day");
        let mut mute = offer(HUONG_HIEP);
        mute["reason"] = json!(" ");
        say(&town, own, document, &mute).await.refused(422, "reason-missing");
        for office in [&neighbour, &far] {
            say(&town, office, document, &offer(HUONG_HIEP)).await.refused(404, "household-unknown");
        }
        let nobody = DocumentId([9; 16]);
        say(&town, own, nobody, &offer(HUONG_HIEP)).await.refused(404, "household-unknown");
        say(&town, &neighbour, document, &accept("19561-01")).await.refused(404, "household-unknown");
        say(&town, own, document, &accept("19561-01")).await.refused(409, "handover-none");
        say(&town, &town.province, document, &offer(HUONG_HIEP)).await.refused(403, "forbidden");

        say(&town, own, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, own, document, &offer(HUONG_HIEP)).await.refused(409, "handover-open");
        say(&town, own, document, &accept("19561-01")).await.refused(403, "forbidden");
        say(&town, &neighbour, document, &because("withdraw")).await.refused(403, "forbidden");
        say(&town, &far, document, &accept("19369-01")).await.refused(404, "household-unknown");
        for hamlet in ["19558-02", "no such hamlet", ""] {
            say(&town, &neighbour, document, &accept(hamlet)).await.refused(404, "hamlet-unknown");
        }
        say(&town, own, document, &because("withdraw")).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.refused(409, "handover-none");
        say(&town, own, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &because("decline")).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.refused(409, "handover-none");

        // While a list is frozen the offer waits, and is taken when the list has come back.
        say(&town, own, document, &offer(HUONG_HIEP)).await.taken();
        let root = neighbour.submit(town.campaign, HUONG_HIEP).await.unwrap();
        say(&town, &neighbour, document, &accept("19561-01")).await.refused(409, "list-frozen");
        let back = json!({ "act": "return", "root": root, "comment": "xem lại" });
        town.district.act(town.campaign, HUONG_HIEP, &back).await.unwrap();
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.refused(409, "handover-none");
    }

    /// A district speaks for two of its communes; where two people are asked for, not one alone.
    async fn a_district_may_speak_for_both(town: Town) {
        let (_neighbour, hoa, _lan) = reviewed(&town).await;
        let [first, second] = [LISTED, "19558-01-0002"].map(|code| town.document(&hoa, code));
        let district = &town.district;
        say(&town, district, first, &offer(VINH_THAI)).await.refused(403, "forbidden");
        say(&town, district, first, &offer(HUONG_HIEP)).await.taken();
        say(&town, district, first, &accept("19561-01")).await.taken();
        let rule = json!({ "required": true, "source": "kế hoạch thử" });
        town.province.post(&town.path("/four-eyes"), &rule).await.unwrap();
        say(&town, district, second, &offer(HUONG_HIEP)).await.taken();
        say(&town, district, second, &accept("19561-01")).await.refused(409, "handover-alone");
        let neighbour = town.sign_in(&format!("xa-{HUONG_HIEP}")).await;
        say(&town, &neighbour, second, &accept("19561-01")).await.taken();
    }

    /// Somebody found that it had moved out, before it was handed over: where it comes to, that is no
    /// outcome, and the list waits until it was asked there.
    async fn moved_out_there_is_not_asked_here(town: Town) {
        let (neighbour, mut hoa, mut lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let out = [("outcome".to_owned(), "moved_out".into())].into();
        hoa.save(document, &[Page { answers: out, ..Page::default() }]).unwrap();
        hoa.sync().await.unwrap();
        say(&town, &town.officer, document, &offer(HUONG_HIEP)).await.taken();
        say(&town, &neighbour, document, &accept("19561-01")).await.taken();
        let refused = neighbour.submit(town.campaign, HUONG_HIEP).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-missing-outcomes"));
        let desk = get(&town, town.district.token(), &town.path("/desk")).await.taken();
        let communes = desk["communes"].as_array().unwrap();
        let progress = &communes.iter().find(|one| one["unit"] == HUONG_HIEP).unwrap()["progress"];
        assert_eq!((&progress["households"], &progress["done"]), (&json!(3), &json!(2)), "nor is it done");
        lan.sync().await.unwrap();
        let asked = [("outcome".to_owned(), "surveyed".into())].into();
        lan.save(document, &[Page { answers: asked, ..Page::default() }]).unwrap();
        lan.sync().await.unwrap();
        let come = row(&town, &neighbour, HUONG_HIEP, document).await;
        assert_eq!((&come["outcome"], &come["life"]), (&json!("surveyed"), &json!("moved_in")));
    }

    /// The same in two browsers.
    async fn a_household_is_handed_over_in_the_browser(town: Town) {
        let (_neighbour, hoa, _lan) = reviewed(&town).await;
        let document = town.document(&hoa, LISTED);
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let page = format!("{campaign}/households/{document}");
        let shown = officer.open(&page).await;
        shown.holds("bàn giao hộ").holds("xã Hướng Hiệp");
        let fields = [("act", "offer"), ("to", HUONG_HIEP), ("on", "2022-11-01"),
            ("number", "12/XN"), ("date", "2022-11-02"), ("signer", "Chủ tịch"), ("reason", "về quê")];
        let sent = officer.fill(&format!("{page}/handover"), &shown, &fields).await;
        assert_eq!(sent.status, 303);
        officer.open(&page).await.holds("12/XN").holds("về quê");
        let mut other = Browser::of(&town, &format!("xa-{HUONG_HIEP}")).await;
        other.open(&format!("{campaign}/units/{HUONG_HIEP}")).await.holds("Hộ chuyển đi, đến 1");
        let desk = format!("{campaign}/units/{HUONG_HIEP}/handovers");
        let shown = other.open(&desk).await;
        shown.holds(LISTED).holds("Tiếp nhận hộ").holds("chờ nơi đến tiếp nhận");
        let fields = [("act", "accept"), ("unit", HUONG_HIEP), ("hamlet", "19561-01")];
        let sent = other.fill(&format!("{page}/handover"), &shown, &fields).await;
        assert_eq!(sent.status, 303);
        other.open(&desk).await.holds("đã chuyển").holds("bàn giao lại trên trang của hộ").lacks("value=\"undo\"");
        other.open(&page).await.holds("Chuyển xã").holds("19561-01");
        officer.open(&format!("{campaign}/units/{MO_O}/households")).await.lacks(LISTED);
        let mut district = Browser::of(&town, "huyen-467").await;
        let shown = district.open(&desk).await;
        shown.holds("Hủy việc chuyển");
        let fields = [("act", "undo"), ("unit", HUONG_HIEP), ("reason", "nhầm hộ")];
        let sent = district.fill(&format!("{page}/handover"), &shown, &fields).await;
        assert_eq!(sent.status, 303);
        district.open(&desk).await.holds("đã hủy việc chuyển");
        officer.open(&format!("{campaign}/units/{MO_O}/households")).await.holds(LISTED);
    }
}
