//! What becomes of a change on arrival: stored and acknowledged always, merged if nothing is odd.

use mobile_schema::frame::{BatchResult, FRAME_VERSION, Fate, SyncRequest, Verdict};
use serde_bytes::{ByteArray, ByteBuf};
use serde_json::{Value, json};
use server::demo::phone::{Phone, SyncReport, Unsent};
use shared::id::DocumentId;
use shared::limits;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use crate::ask::{post, sync, verdicts};

/// Requires that every change of a report was held under one name.
#[track_caller]
fn all_held(report: &SyncReport, name: &str) {
    assert!(!report.verdicts.is_empty(), "something was sent");
    for verdict in &report.verdicts {
        assert_eq!((verdict.fate, verdict.reason.as_deref()), (Fate::Held, Some(name)));
    }
}

#[track_caller]
fn all_accepted(report: &SyncReport) {
    assert!(!report.verdicts.is_empty(), "something was sent");
    assert_eq!(Phone::count(report, Fate::Accepted), report.verdicts.len(), "{report:?}");
}

/// Lists what the commune has set aside, as fate and reason.
async fn aside(town: &Town) -> Vec<(String, String)> {
    let listed = town.officer.get(&town.path(&format!("/units/{MO_O}/aside"))).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = listed.as_array().unwrap().iter();
    changes.map(|change| (text(&change["fate"]), text(&change["reason"]))).collect()
}

/// Reads the outcome of a household as the office sees it; null before one is merged.
async fn outcome(town: &Town, document: DocumentId) -> Value {
    let read = town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
    read["household"]["answers"]["outcome"].clone()
}

/// Sends chosen changes of a phone in one batch each, in the order given.
async fn send(town: &Town, phone: &Phone, batches: &[&[Unsent]]) -> Vec<Vec<Verdict>> {
    let request = SyncRequest {
        v: FRAME_VERSION,
        campaign: ByteArray::new(town.campaign.0),
        cursor: ByteBuf::new(),
        batches: batches.iter().map(|changes| phone.sign(changes)).collect(),
        all_in: false,
        ..SyncRequest::default()
    };
    let answer = sync(town, phone.access(), &request).await;
    answer.results.iter().map(|result| verdicts(result).unwrap()).collect()
}

fn fates(verdicts: &[Verdict]) -> Vec<Fate> {
    verdicts.iter().map(|verdict| verdict.fate).collect()
}

on_each_backend! {
    /// Somebody without the hamlet writes into it: acknowledged, shown to the commune, not merged.
    async fn work_in_a_hamlet_never_assigned_is_held(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.document(&hoa, "19558-01-0001");
        let mut stranger = town.phone("stranger").await;
        stranger.households.insert(document, hoa.households[&document].clone());
        town.review(&mut stranger, "19558-01-0001");
        let report = stranger.sync().await.unwrap();

        all_held(&report, "hamlet-not-assigned");
        assert!(stranger.outbox.is_empty(), "a receipt names everything: nothing is sent again");
        assert_eq!(outcome(&town, document).await, Value::Null);
        assert_eq!(hoa.sync().await.unwrap().received, 0);
        assert_eq!(aside(&town).await.len(), report.verdicts.len());
    }

    /// The hamlet went to somebody else while she was offline: her work still counts.
    async fn work_under_a_former_assignment_is_accepted(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let document = town.review(&mut minh, "19558-01-0001");
        let ended = json!({ "hamlet": "19558-01", "account": "minh" });
        town.officer.post(&town.path("/assignments/end"), &ended).await.unwrap();
        let mut hoa = town.phone_with_work("hoa").await;
        town.review(&mut hoa, "19558-01-0003");
        hoa.sync().await.unwrap();
        let report = minh.sync().await.unwrap();

        all_accepted(&report);
        assert_eq!(report.received, 0, "but nothing more of the hamlet is sent");
        assert!(minh.households.is_empty(), "and the app is told that it left");
        assert_eq!(outcome(&town, document).await, "surveyed");
        hoa.sync().await.unwrap();
        let seen = hoa.household(document).unwrap();
        assert_eq!(seen.answers["outcome"], "surveyed".into());
    }

    /// The campaign was closed while the phone was away.
    async fn work_for_a_closed_campaign_is_held(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.review(&mut hoa, "19558-01-0001");
        town.province.post(&town.path("/close"), &json!({})).await.unwrap();
        let report = hoa.sync().await.unwrap();
        all_held(&report, "campaign-closed");
        assert_eq!(outcome(&town, document).await, Value::Null);
        assert_eq!(aside(&town).await.len(), report.verdicts.len());
    }

    /// An app newer than the server keeps its work safe here until the server understands it.
    async fn work_of_a_newer_app_is_held(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        hoa.schema += 1;
        let document = town.review(&mut hoa, "19558-01-0001");
        all_held(&hoa.sync().await.unwrap(), "schema-newer");
        assert_eq!(outcome(&town, document).await, Value::Null);
        hoa.schema -= 1;
        let page = shared::page::Page {
            answers: [("cause_other".to_owned(), "ốm đau".into())].into(),
            ..Default::default()
        };
        hoa.save(document, &[page]).unwrap();
        all_held(&hoa.sync().await.unwrap(), "ancestor-held");
    }

    /// A family that nobody listed and nobody declared.
    async fn work_on_an_unknown_household_is_held(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let (document, opening) = hoa.register("19558-77");
        hoa.save(document, &[opening]).unwrap();
        all_held(&hoa.sync().await.unwrap(), "document-foreign");
    }

    /// Late for the frozen list: shown as late; merged once the district has sent the list back.
    async fn late_work_is_merged_after_a_return(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let document = town.document(&hoa, "19558-01-0001");
        let page = shared::page::Page {
            answers: [("cause_other".to_owned(), "mất mùa".into())].into(),
            ..Default::default()
        };
        hoa.save(document, &[page]).unwrap();
        let report = hoa.sync().await.unwrap();
        all_held(&report, "list-frozen");
        let frozen = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&frozen["root"], &frozen["late"]), (&json!(root), &json!(1)));

        let back = json!({ "act": "return", "root": root, "comment": "xem lại thôn 1" });
        town.district.act(town.campaign, MO_O, &back).await.unwrap();
        let draft = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&draft["step"], &draft["late"]), (&json!("collecting"), &json!(0)));
        assert_ne!(draft["root"], root.as_str(), "the row rests on one change more");
        assert!(aside(&town).await.is_empty());
        let mut minh = town.phone_with_work("minh").await;
        assert_eq!(minh.household(document).unwrap().answers["cause_other"], "mất mùa".into());
        minh.sync().await.unwrap();
        town.officer.submit(town.campaign, MO_O).await.expect("and it can be submitted again");
    }

    /// More late work than the household has room for: what fits is merged by the return, the rest
    /// is held as on arrival, and nobody lets it in by hand either.
    async fn late_work_without_room_stays_held(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        let document = town.document(&hoa, "19558-01-0001");
        let long = |number: usize| {
            let text = format!("{number} {}", "ộ".repeat(limits::TEXT_CHARS_MAX - 10));
            Page { answers: [("cause_other".to_owned(), text.into())].into(), ..Page::default() }
        };
        let pages: Vec<Page> = (0..limits::DOCUMENT_BYTES_MAX / 11_000).map(long).collect();
        hoa.save(document, &pages).unwrap();
        all_held(&hoa.sync_as_told().await.unwrap(), "list-frozen");
        let back = json!({ "act": "return", "root": root, "comment": "xem lại thôn 1" });
        town.district.act(town.campaign, MO_O, &back).await.unwrap();

        let left = aside(&town).await;
        let is = |name: &str| left.iter().filter(|(_, reason)| reason == name).count();
        assert_eq!((is("document-too-large"), is("ancestor-held")), (1, left.len() - 1));
        assert!(left.len() > 1 && left.len() < pages.len() / 4, "{} of {}", left.len(), pages.len());
        assert_eq!(town.officer.list(town.campaign, MO_O).await.unwrap()["late"], 0);
        let path = town.path(&format!("/units/{MO_O}/aside"));
        let listed = town.officer.get(&path).await.unwrap();
        let mut listed = listed.as_array().unwrap().iter();
        let first = listed.find(|one| one["reason"] == "document-too-large").unwrap();
        let form = json!({ "document": document, "hash": first["hash"], "reason": "cần" });
        post(&town, town.officer.token(), &path, &form).await.refused(422, "document-too-large");
        assert_eq!(aside(&town).await, left);
    }

    /// Late for a recognised list: it stays late, and the list does not move.
    async fn late_work_stays_late_after_recognition(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let root = town.recognise_mo_o().await;
        let before = town.rates_of(MO_O).await;
        let document = town.document(&hoa, "19558-01-0001");
        let page = shared::page::Page {
            answers: [("outcome".to_owned(), "died_out".into())].into(),
            ..Default::default()
        };
        hoa.save(document, &[page]).unwrap();
        all_held(&hoa.sync().await.unwrap(), "list-frozen");
        let list = town.officer.list(town.campaign, MO_O).await.unwrap();
        assert_eq!((&list["root"], &list["late"]), (&json!(root), &json!(1)));
        assert_eq!(town.rates_of(MO_O).await, before);
        assert_eq!(outcome(&town, document).await, "surveyed");
    }

    /// Parts arrive in the wrong order: the later waits, then both go to the others.
    async fn a_change_waits_for_its_ancestor_and_is_then_sent_on(town: Town) {
        let mut minh = town.phone_with_work("minh").await;
        let mut hoa = town.phone_with_work("hoa").await;
        let document = town.review(&mut hoa, "19558-01-0001");
        let work = std::mem::take(&mut hoa.outbox);
        let (first, rest) = work.split_at(1);

        let waiting = send(&town, &hoa, &[rest]).await;
        assert!(waiting[0].iter().all(|verdict| verdict.fate == Fate::Waiting), "{waiting:?}");
        assert!(aside(&town).await.iter().all(|(fate, _)| fate == "waiting"));
        assert_eq!(minh.sync().await.unwrap().received, 0);
        let released = send(&town, &hoa, &[first]).await;
        assert_eq!(fates(&released[0]), [Fate::Accepted]);
        assert!(aside(&town).await.is_empty());
        assert_eq!(minh.sync().await.unwrap().received, work.len());
        assert_eq!(minh.household(document).unwrap(), hoa.household(document).unwrap());
        let again = send(&town, &hoa, &[&work]).await;
        assert!(again[0].iter().all(|verdict| verdict.fate == Fate::Known));
    }

    /// Work that waits keeps the list from being submitted until an officer leaves it out.
    async fn what_waits_keeps_the_list_back_until_it_is_left_out(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        for cause in ["mất mùa", "ốm đau"] {
            let answers = [("cause_other".to_owned(), cause.into())].into();
            hoa.save(document, &[shared::page::Page { answers, ..Default::default() }]).unwrap();
        }
        let work = std::mem::take(&mut hoa.outbox);
        assert_eq!(fates(&send(&town, &hoa, &[&work[1..]]).await[0]), [Fate::Waiting]);
        hoa.sync().await.unwrap();
        let refused = town.officer.submit(town.campaign, MO_O).await.unwrap_err();
        assert_eq!(refused.name(), Some("list-has-aside"));
        let form = json!({
            "document": work[1].document,
            "hash": work[1].hash,
            "reason": "máy hỏng, không còn phần trước",
            "let_in": false,
        });
        town.officer.post(&town.path("/units/19558/aside"), &form).await.unwrap();
        assert_eq!(aside(&town).await, [("held".to_owned(), "change-left-out".to_owned())]);
        town.officer.submit(town.campaign, MO_O).await.unwrap();
    }

    /// Late work in the wrong order: after the return nothing is left waiting.
    async fn late_work_in_any_order_is_released_by_a_return(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        for cause in ["mất mùa", "ốm đau"] {
            let answers = [("cause_other".to_owned(), cause.into())].into();
            hoa.save(document, &[shared::page::Page { answers, ..Default::default() }]).unwrap();
        }
        let work = std::mem::take(&mut hoa.outbox);
        hoa.sync().await.unwrap();
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        assert_eq!(fates(&send(&town, &hoa, &[&work[1..]]).await[0]), [Fate::Held]);
        assert_eq!(fates(&send(&town, &hoa, &[&work[..1]]).await[0]), [Fate::Held]);

        let back = json!({ "act": "return", "root": root, "comment": "xem lại" });
        town.district.act(town.campaign, MO_O, &back).await.unwrap();
        assert_eq!(aside(&town).await, []);
        let minh = town.phone_with_work("minh").await;
        assert_eq!(minh.household(document).unwrap().answers["cause_other"], "ốm đau".into());
    }

    /// One damaged change, at any place of a batch: its neighbours are merged.
    async fn a_damaged_change_stops_no_neighbour(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let codes = ["19558-01-0001", "19558-01-0002", "19558-01-0003", "19558-02-0001"];
        let page = |n: i64| shared::page::Page {
            answers: [("revisits".to_owned(), n.into())].into(),
            ..Default::default()
        };
        for (bad, n) in (0..codes.len()).zip(0_i64..) {
            for code in codes {
                let document = town.document(&hoa, code);
                hoa.save(document, &[page(n % 4)]).unwrap();
            }
            let work = std::mem::take(&mut hoa.outbox);
            let mut damaged = work.clone();
            let middle = damaged[bad].chunk.len() / 2;
            damaged[bad].chunk[middle] ^= 0xff;
            let told = send(&town, &hoa, &[&damaged]).await.remove(0);
            for (place, verdict) in told.iter().enumerate() {
                let expected = if place == bad { Fate::Quarantined } else { Fate::Accepted };
                assert_eq!(verdict.fate, expected, "bad at {bad}, {place}: {verdict:?}");
            }
            assert_eq!(told[bad].reason.as_deref(), Some("change-malformed"));
            assert_eq!(aside(&town).await.len(), bad + 1, "its bytes are kept");
            let whole = send(&town, &hoa, &[&work[bad..=bad]]).await;
            assert_eq!(fates(&whole[0]), [Fate::Accepted], "the sound change is still taken");
        }
    }

    /// One refused batch beside sound ones in a request.
    async fn a_refused_batch_stops_no_neighbour(town: Town) {
        let mut hoa = town.phone_with_work("hoa").await;
        let first = town.review(&mut hoa, "19558-01-0001");
        let one = hoa.sign(&hoa.outbox);
        hoa.outbox.clear();
        let second = town.review(&mut hoa, "19558-01-0002");
        let two = hoa.sign(&hoa.outbox);
        hoa.outbox.clear();
        let mut forged = one.clone();
        forged.signature[5] ^= 1;
        let mut request = hoa.request();
        request.batches = vec![one, forged, two];
        let answer = sync(&town, hoa.access(), &request).await;

        assert!(
            matches!(&answer.results[1], BatchResult::Refused(name) if name == "signature-refused")
        );
        for result in [&answer.results[0], &answer.results[2]] {
            assert!(verdicts(result).unwrap().iter().all(|v| v.fate == Fate::Accepted));
        }
        for document in [first, second] {
            assert_eq!(outcome(&town, document).await, "surveyed");
        }
    }

    /// Numbers at the very edge of what a phone can write: flagged, and the commune goes on.
    async fn absurd_numbers_stop_no_commune(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0002");
        let mut page = shared::page::Page::default();
        let form = mobile_schema::form::Form::phieu_b();
        let member = hoa.household(document).unwrap().members.keys().next().unwrap().clone();
        let mut of_member = mobile_schema::household::Answers::new();
        for (key, extreme) in form.keys().into_iter().zip([i64::MAX, i64::MIN].into_iter().cycle())
        {
            let to = if key.scope == mobile_schema::form::Scope::Member {
                &mut of_member
            } else {
                &mut page.answers
            };
            to.insert(key.key.to_string(), extreme.into());
        }
        page.members.insert(member, of_member);
        for item in ["a", "b", "c"] {
            page.b1_items.insert(item.to_owned(), i64::MAX);
        }
        page.answers.insert("b1_method".to_owned(), "item_points".into());
        hoa.save(document, &[page]).unwrap();
        all_accepted(&hoa.sync().await.unwrap());
        let shown =
            town.officer.get(&town.path(&format!("/units/{MO_O}/households"))).await.unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 6);
        town.officer.get(&town.path(&format!("/households/{document}"))).await.unwrap();
        town.officer.list(town.campaign, MO_O).await.unwrap();
    }
}
