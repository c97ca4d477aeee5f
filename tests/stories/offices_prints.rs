//! Papers of the offices: what they say, what they never say, and who may print them.

use serde_json::json;
use shared::page::Page;
use tests::on_each_backend;
use tests::town::{HUONG_HIEP, MO_O};

use crate::offices::Browser;

/// Pages of a commune's papers, below its own.
const PAPERS: [&str; 8] = [
    "print",
    "print/review-list",
    "print/review-list?by=enumerator",
    "print/posted",
    "print/decision",
    "print/minutes",
    "print/forms/phieu-a",
    "print/forms/phieu-b",
];

on_each_backend! {
    /// From the list of visits to the decision; before the district has agreed it is a draft.
    async fn a_decision_is_a_draft_until_the_district_has_agreed(town: Town) {
        let unit = format!("/office/campaigns/{}/units/{MO_O}", town.campaign);
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let visits = officer.open(&format!("{unit}/print/review-list")).await;
        visits.holds("Tổng số 5 hộ: 3 hộ nghèo, 2 hộ cận nghèo").holds("rà soát viên: hoa, minh");
        let by_person = officer.open(&format!("{unit}/print/review-list?by=enumerator")).await;
        by_person.holds("Rà soát viên: hoa, minh").holds("Rà soát viên: hoa –");
        let open = officer.open(&format!("{unit}/print/posted")).await;
        open.holds("Còn 5 hộ chưa có kết quả").holds("class=\"paper draft\"");

        let _phone = town.review_mo_o().await;
        let decision = format!("{unit}/print/decision");
        officer.open(&decision).await.holds("class=\"paper draft\"").holds("Số: ……/QĐ-UBND");
        officer.open(&format!("{unit}/print/posted")).await.lacks("class=\"paper draft\"");
        let root = town.officer.submit(town.campaign, MO_O).await.unwrap();
        officer.open(&decision).await.holds("class=\"paper draft\"");
        town.district.approve(town.campaign, MO_O, &root).await.unwrap();
        let agreed = officer.open(&decision).await;
        agreed.lacks("class=\"paper draft\"").holds("Số: ……/QĐ-UBND").lacks("số ………… ngày");
        town.officer.recognise(town.campaign, MO_O, &root).await.unwrap();
        let shown = officer.open(&decision).await;
        shown.lacks("Số: ……/QĐ-UBND").holds(&root).holds("bảng điểm giả định");
        // 0001 and 02-0001 are poor, 0002 and the applicant near-poor, 0003 above; one moved out.
        shown.holds("2 hộ nghèo, ").holds("2 hộ cận nghèo, ");
        shown.holds("1 hộ thoát nghèo, ").holds("1 hộ thoát cận nghèo, ");
        let minutes = officer.open(&format!("{unit}/print/minutes?hamlet=19558-02")).await;
        minutes.holds("19558-02").lacks("19558-01");

        // Taken back, it is a draft again, and the former number is not its own.
        let act = json!({ "act": "withdraw", "root": root, "reason": "sai" });
        town.officer.act(town.campaign, MO_O, &act).await.unwrap();
        officer.open(&decision).await.holds("class=\"paper draft\"").holds("Số: ……/QĐ-UBND");
    }

    /// The columns are the province's; what is no column cannot become one.
    async fn a_posted_list_shows_what_the_province_has_chosen_and_no_more(town: Town) {
        let _phone = town.review_mo_o().await;
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let posted = format!("{campaign}/units/{MO_O}/print/posted");
        let columns = format!("{campaign}/posted-columns");
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let usual = officer.open(&posted).await;
        usual.holds(">Điểm B1<").holds(">Điểm B2<").lacks("Mã hộ").lacks("19558-01-0001");
        let shown = officer.open(&columns).await;
        assert_eq!(officer.fill(&columns, &shown, &[("column", "code")]).await.status, 403);

        let path = town.path("/posted-columns");
        let never = json!({ "columns": ["b1", "id_number"] });
        let refused = town.province.post(&path, &never).await.unwrap_err().to_string();
        assert!(refused.contains("column-not-posted"), "{refused}");
        let chosen = json!({ "columns": ["class", "code"] });
        town.province.post(&path, &chosen).await.unwrap();
        let kept = town.province.get(&path).await.unwrap();
        assert_eq!(kept, json!({ "columns": ["code", "class"] }));
        officer.open(&posted).await.holds("19558-01-0001").lacks(">Điểm B1<");
    }

    /// A filled form says who asked, and shows no more of a number than its end.
    async fn a_filled_form_says_who_asked(town: Town) {
        let mut hoa = town.review_mo_o().await;
        let document = town.document(&hoa, "19558-01-0001");
        let household = hoa.household(document).unwrap();
        let head = household.members.keys().next().unwrap().clone();
        let named = [
            ("name".to_owned(), "Hồ Thị <b>Thử</b>".into()),
            ("id_number".to_owned(), "045199000123".into()),
        ];
        let page = Page { members: [(head, named.into())].into(), ..Page::default() };
        hoa.save(document, &[page]).unwrap();
        hoa.sync().await.unwrap();
        let campaign = format!("/office/campaigns/{}", town.campaign);
        let filled = format!("{campaign}/households/{document}/print/phieu-b");
        let mut officer = Browser::of(&town, &format!("xa-{MO_O}")).await;
        let shown = officer.open(&filled).await;
        shown.holds("rà soát viên").holds("điện thoại").holds("<span class=\"box\">×</span>");
        shown.holds("… 123").lacks("045199000123").lacks("<b>Thử</b>");
        let none = officer.open(&format!("{campaign}/households/{document}/print/phieu-c")).await;
        assert_eq!(none.status, 404);
        let mut stranger = Browser::of(&town, &format!("xa-{HUONG_HIEP}")).await;
        assert_eq!(stranger.open(&filled).await.status, 404);
    }

    /// Nobody prints what lies outside.
    async fn no_paper_of_another_commune_is_printed(town: Town) {
        let unit = format!("/office/campaigns/{}/units/{MO_O}", town.campaign);
        for (who, status) in [
            (format!("xa-{MO_O}"), 200),
            ("huyen-467".to_owned(), 200),
            (format!("xa-{HUONG_HIEP}"), 404),
            ("huyen-464".to_owned(), 404),
        ] {
            let mut browser = Browser::of(&town, &who).await;
            for paper in PAPERS {
                let shown = browser.open(&format!("{unit}/{paper}")).await;
                assert_eq!(shown.status, status, "{who} {paper}");
                if status == 404 {
                    shown.lacks("Mò Ó");
                }
            }
        }
    }
}
