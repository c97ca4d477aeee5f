//! Files a province office loads: every bad row is named, and nothing is half stored.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::on_each_backend;
use tests::town::{MO_O, Town};

use crate::ask::{Heard, get, kept, post_raw};

const ROSTER: &str =
    "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n";
const HAMLETS: &str = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                       opening_households,opening_persons,opening_dtts_households,\
                       opening_dtts_persons,source\n";

async fn import(town: &Town, what: &str, text: &str) -> Heard {
    let path =
        if what == "units" { "/v1/units".to_owned() } else { town.path(&format!("/{what}")) };
    post_raw(town, town.province.token(), &path, text.as_bytes()).await
}

/// Reads which lines and columns a refusal or an answer names.
fn named(items: &[Value]) -> BTreeSet<(u64, String)> {
    for item in items {
        for language in ["vi", "en"] {
            assert!(item[language].as_str().is_some_and(|text| !text.is_empty()), "{item}");
        }
    }
    let column = |item: &Value| item["column"].as_str().unwrap().to_owned();
    items.iter().map(|item| (item["line"].as_u64().unwrap(), column(item))).collect()
}

fn places<const N: usize>(places: [(u64, &str); N]) -> BTreeSet<(u64, String)> {
    places.into_iter().map(|(line, column)| (line, column.to_owned())).collect()
}

/// One row of an opening list with everything right but what is given.
fn row(household: &str, hamlet: &str, relation: &str, name: &str) -> String {
    format!("{household},{hamlet},poor,QĐ 1,1,{name},{relation},1980,male,23,\n")
}

on_each_backend! {
    /// Columns missing or misnamed: which ones, for each kind of file.
    async fn missing_columns_are_named(town: Town) {
        let before = kept(&town).await;
        let roster = import(&town, "roster", "household;hamlet\n1;2\n").await;
        assert_eq!(roster.refused(422, "import-columns").items().len(), 9);
        let text = ROSTER.replace("birth", "ngày cưới");
        let roster = import(&town, "roster", &text).await;
        assert_eq!(roster.refused(422, "import-columns").items(), ["birth"]);
        let hamlets = import(&town, "hamlets", "").await;
        assert_eq!(hamlets.refused(422, "import-columns").items().len(), 14);
        let assignments = import(&town, "assignments", "hamlet\n19558-01\n").await;
        assert_eq!(assignments.refused(422, "import-columns").items(), ["account"]);
        import(&town, "units", "code,name\n1,2\n").await.refused(422, "import-rows");
        assert_eq!(kept(&town).await, before);
    }

    /// An opening list with one thing wrong in each family: each is named, with line and column.
    async fn every_bad_row_of_an_opening_list_is_named(town: Town) {
        let mut file = ROSTER.to_owned();
        file.push_str(&row("m-1", "19558-01", "head", "Hồ Văn A"));
        file.push_str(&row("m-1", "19558-01", "child", "Hồ Văn B"));
        file.push('\n');
        file.push_str(&row("m-2", "19558-99", "head", "Hồ Văn C"));
        file.push_str("m-3,19558-01,rich,,2,,head,1980-13,male,23,12345\n");
        file.push_str("m-5,19558-01,poor\n");
        file.push_str(&row("m-4", "19558-01", "child", "Hồ Văn D"));
        file.push_str(&row("m-6", "19558-01", "head", "Hồ Văn Đ"));
        file.push_str(&row("m-6", "19558-02", "child", "Hồ Văn E"));
        file.push_str(&row("", "19558-01", "head", "Hồ Văn G"));
        file.push_str(&row("m-7", "19558-02", "head", &"dài".repeat(2_000)));
        file.push_str(&row("m-5", "19558-01", "head", "Hồ Văn H"));
        let wrong = places([
            (5, "hamlet"),
            (6, "class"),
            (6, "decision"),
            (6, "dtts"),
            (6, "name"),
            (6, "birth"),
            (6, "id_number"),
            (7, ""),
            (8, "relation"),
            (10, "household"),
            (11, "household"),
            (12, "name"),
        ]);
        let before = kept(&town).await;
        let refused = import(&town, "roster", &file).await;
        assert_eq!(named(&refused.refused(422, "import-rows").items()), wrong);
        assert_eq!(kept(&town).await, before, "nothing is half stored");

        let taken = import(&town, "roster?keep=good", &file).await.taken();
        assert_eq!(
            taken["taken"], 1,
            "the one family without a fault, and no family without its short row"
        );
        assert_eq!(named(taken["faults"].as_array().unwrap()), wrong);
        assert_eq!(kept(&town).await["households"], before["households"] + 1);
        let path = town.path(&format!("/units/{MO_O}/households"));
        let shown = get(&town, town.officer.token(), &path).await.taken();
        let codes: Vec<_> = shown.as_array().unwrap().iter().map(|one| &one["code"]).collect();
        assert!(
            codes.iter().any(|code| **code == "m-1") && !codes.iter().any(|code| **code == "m-3")
        );
    }

    /// A family too large for one change is named, not lost.
    async fn a_family_too_large_is_named(town: Town) {
        let mut file = ROSTER.to_owned();
        file.push_str(&row("m-1", "19558-01", "head", "Hồ Văn A"));
        for n in 0..3_000 {
            let name = format!("Hồ Văn {n} {}", shared::id::to_hex(&server::keys::random::<40>()));
            file.push_str(&row("m-1", "19558-01", "child", &name));
        }
        let before = kept(&town).await;
        let refused = import(&town, "roster", &file).await;
        assert_eq!(named(&refused.refused(422, "import-rows").items()), places([(2, "household")]));
        assert_eq!(kept(&town).await, before);
    }

    /// Hamlets: counts that are none, codes twice, a commune that is none, a move to another one.
    async fn every_bad_row_of_a_hamlet_list_is_named(town: Town) {
        let good = "19558,m-1,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n";
        let mut file = format!("{HAMLETS}{good}");
        file.push_str("99999,m-2,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n");
        file.push_str("19558,m 3,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n");
        file.push_str("19558,m-1,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n");
        file.push_str("19558,m-4,thôn,,desert,-1,99999999999999999999,5,20,1e3,36,0,20,thử\n");
        file.push_str("19558,m-5,thôn,Mới,rural,10,40,11,20,9,36,5,20,thử\n");
        file.push_str("19561,19558-01,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n");
        let wrong = places([
            (3, "unit"),
            (4, "code"),
            (5, "code"),
            (6, "name"),
            (6, "area"),
            (6, "households"),
            (6, "persons"),
            (6, "opening_households"),
            (6, "dtts_households"),
            (7, "dtts_households"),
            (8, "unit"),
        ]);
        let before = kept(&town).await;
        let refused = import(&town, "hamlets", &file).await;
        assert_eq!(named(&refused.refused(422, "import-rows").items()), wrong);
        assert_eq!(kept(&town).await, before);
        let taken = import(&town, "hamlets?keep=good", &file).await.taken();
        assert_eq!(
            (&taken["taken"], named(taken["faults"].as_array().unwrap())),
            (&1.into(), wrong)
        );
    }

    /// Assignments to hamlets or people there are none of.
    async fn every_bad_row_of_an_assignment_list_is_named(town: Town) {
        let file = "hamlet,account\n19558-01,stranger\n19558-99,hoa\n19558-02,nobody\n19558-02\n";
        let wrong = places([(3, "hamlet"), (4, "account"), (5, "")]);
        let before = kept(&town).await;
        let refused = import(&town, "assignments", file).await;
        assert_eq!(named(&refused.refused(422, "import-rows").items()), wrong);
        assert_eq!(kept(&town).await, before);
        let taken = import(&town, "assignments?keep=good", file).await.taken();
        assert_eq!(taken["taken"], 1);
        import(&town, "assignments?keep=a&keep=b", file).await.refused(400, "query-malformed");
    }

    /// A score table with three things wrong: all three are said at once.
    async fn every_fault_of_a_score_table_is_named(town: Town) {
        let before = kept(&town).await;
        let table = include_str!("../../../shared/standards/b1-synthetic.json");
        import(&town, "score-table", &table[1..]).await.refused(422, "table-refused");
        let unknown = table
            .replacen("\"urban\": 10,", "", 1)
            .replacen("\"rural_mekong\": 20", "\"rural_moon\": 20", 1)
            .replacen("\"code\": \"household_size\"", "\"code\": \"\"", 1);
        let refused = import(&town, "score-table", &unknown).await;
        let items = refused.refused(422, "table-refused").items();
        assert!(items.len() >= 3, "{items:?}");
        for item in &items {
            assert!(item["vi"].is_string() && item["en"].is_string(), "{item}");
            assert_ne!(item["vi"], item["en"]);
        }
        assert!(
            import(&town, "score-table", "").await.refused(422, "table-refused").items().len() == 1
        );
        assert_eq!(kept(&town).await, before);
    }

    /// Units that contradict themselves or what is known already, by the lines of the file sent.
    async fn every_conflict_of_a_unit_list_is_named(town: Town) {
        let header = "code,parent_code,level,type,name,name_en_or_ascii,area,valid_from,valid_to\n";
        let before = kept(&town).await;
        let lines = |heard: &Heard| -> Vec<u64> {
            let items = heard.refused(422, "import-rows").items();
            named(&items).into_iter().map(|(line, _)| line).collect()
        };
        let itself = format!(
            "{header}44,,province,tỉnh,Quảng Bình,Quang Binh,,,\n\
             450,44,district,huyện,Lệ Thủy,Le Thuy,,,\n\
             450,44,district,huyện,Lệ Ninh,Le Ninh,,,\n\
             19300,450,commune,xã,A,A,desert,,\n\
             19301,999,commune,xã,B,B,,,\n"
        );
        assert_eq!(lines(&import(&town, "units", &itself).await), [4, 5, 6]);
        let known = format!(
            "{header}45,,province,tỉnh,Quảng Trị khác,Quang Tri,,,\n\
             44,,province,tỉnh,Quảng Bình,Quang Binh,,,\n\
             467,44,district,huyện,Đakrông khác,Dakrong,,,\n"
        );
        assert_eq!(lines(&import(&town, "units", &known).await), [2, 4], "467 and 45 are known");
        assert_eq!(kept(&town).await, before);
    }

    /// The list has been handed to the district: nothing under it is moved any more.
    async fn a_frozen_list_takes_no_import(town: Town) {
        town.review_mo_o().await;
        town.officer.submit(town.campaign, MO_O).await.unwrap();
        let before = kept(&town).await;
        let roster = format!("{ROSTER}{}", row("m-1", "19558-01", "head", "Hồ Văn A"));
        let both = format!(
            "{ROSTER}{}{}",
            row("m-1", "19369-01", "head", "A"),
            row("m-2", "19558-01", "head", "B")
        );
        let hamlet = format!("{HAMLETS}19558,m-1,thôn,Mới,rural,10,40,5,20,9,36,5,20,thử\n");
        let table = include_str!("../../../shared/standards/b1-synthetic.json");
        for (what, text) in [
            ("roster", &roster[..]),
            ("roster", &both),
            ("hamlets", &hamlet),
            ("score-table", table),
        ] {
            let refused = import(&town, what, text).await;
            assert_eq!(refused.refused(409, "import-after-work").items(), [MO_O]);
        }
        assert_eq!(kept(&town).await, before);
    }
}
