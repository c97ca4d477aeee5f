//! A small province for stories: two districts, three communes, four hamlets, a few families.
//!
//! Everybody speaks HTTP to a real server on a free port. Clock and ids are the server's own.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use mobile_schema::household::Household;
use serde_json::json;
use server::app::{App, system_clock};
use server::cli::serve::{FIRST_ACCOUNT, Running, first_account};
use server::config::Config;
use server::demo::client::Client;
use server::demo::office::Office;
use server::demo::phone::Phone;
use server::demo::population::{Goal, Spec, Truth, truth};
use server::worker::pool::Merging;
use shared::classify::{B1Method, Basis, Class};
use shared::id::{CampaignId, DocumentId};
use shared::unit::Area;
use tempfile::TempDir;

use crate::hamlet::{Rules, VISIT, roster_file};
use crate::postgres::{Cluster, database};

/// Commune the stories mostly play in: xã Mò Ó, district 467.
pub const MO_O: &str = "19558";
/// Its neighbour in the same district: xã Hướng Hiệp.
pub const HUONG_HIEP: &str = "19561";
/// A commune of another district (464): xã Vĩnh Thái.
pub const VINH_THAI: &str = "19369";

/// Hamlets by code: two in Mò Ó, one in each of the others.
pub const HAMLETS: [(&str, &str); 4] =
    [(MO_O, "19558-01"), (MO_O, "19558-02"), (HUONG_HIEP, "19561-01"), (VINH_THAI, "19369-01")];

/// Password of every account but the first.
pub const PASSWORD: &str = "mat-khau-thu";

/// Sign-in name of the second person of the province office.
pub const SECOND: &str = "tinh-2";

/// The province on a server inside this process.
pub struct Town {
    /// The running server.
    pub running: Running,
    /// Configuration it was started with.
    pub config: Config,
    /// Its people.
    pub cast: Cast,
    pub(crate) folder: TempDir,
}

impl Deref for Town {
    type Target = Cast;

    fn deref(&self) -> &Cast {
        &self.cast
    }
}

impl DerefMut for Town {
    fn deref_mut(&mut self) -> &mut Cast {
        &mut self.cast
    }
}

/// The offices, signed in, and the families of the province, wherever its server runs.
pub struct Cast {
    /// A client of the server.
    pub client: Client,
    /// Province office.
    pub province: Office,
    /// Another person of the province office.
    pub second: Office,
    /// District office of 467.
    pub district: Office,
    /// Commune officer of Mò Ó.
    pub officer: Office,
    /// The campaign.
    pub campaign: CampaignId,
    /// Families by code.
    pub families: BTreeMap<String, Spec>,
    rules: Rules,
}

impl Town {
    /// Starts on SQLite.
    pub async fn sqlite() -> Self {
        Self::start(None).await
    }

    /// Starts on PostgreSQL, if there is one.
    pub async fn postgres() -> Option<Self> {
        Some(Self::start(Some(database(Cluster::Fast).await?)).await)
    }

    /// Starts a server on a database of its own and sets the campaign up through the API.
    pub async fn start(database: Option<String>) -> Self {
        Self::start_with(database, Merging::found()).await
    }

    /// Does the same with a server that merges where the caller says.
    pub async fn start_with(database: Option<String>, merging: Merging) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            data: folder.path().join("data"),
            database,
        };
        let app = App::open_with(&config, system_clock, merging).await.expect("it opens");
        let running = Running::listen(app, config.listen).await.expect("the server starts");
        let password = first_account(&running.app).await.expect("the store works");
        let base = format!("http://{}", running.address);
        let cast = Cast::gather(&base, &password.expect("it is empty")).await;
        Self { running, config, cast, folder }
    }

    /// Starts a second process' worth of server on the same database and key.
    pub async fn second_server(&self) -> Running {
        Running::start(&self.config).await.expect("a second server starts")
    }

    /// Returns the folder that is removed with the town.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Cast {
    /// Sets a campaign up through the API of an empty installation.
    pub async fn gather(base: &str, password: &str) -> Self {
        let client = Client::new(base);
        let province = Office::sign_in(&client, FIRST_ACCOUNT, password)
            .await
            .expect("the first account signs in");
        let campaign = province.add_campaign(&campaign_form()).await.expect("a campaign");
        let mut cast = Self {
            district: province.clone(),
            officer: province.clone(),
            second: province.clone(),
            client,
            province,
            campaign,
            families: families(),
            rules: Rules::default(),
        };
        let second = person(SECOND, "province", "45", Some(PASSWORD));
        cast.province.post("/v1/accounts", &json!([second])).await.expect("an account");
        cast.second = cast.sign_in(SECOND).await;
        cast.set_up().await;
        cast.district = cast.sign_in("huyen-467").await;
        cast.officer = cast.sign_in(&format!("xa-{MO_O}")).await;
        cast
    }

    /// Returns the same people at another server of the installation, or at a copy of it.
    #[must_use]
    pub fn on(&self, base: &str) -> Self {
        let client = Client::new(base);
        Self {
            province: self.province.on(&client),
            second: self.second.on(&client),
            district: self.district.on(&client),
            officer: self.officer.on(&client),
            client,
            campaign: self.campaign,
            families: self.families.clone(),
            rules: self.rules.clone(),
        }
    }

    async fn set_up(&self) {
        let path = self.path("");
        let table = include_str!("../../shared/standards/b1-synthetic.json").to_owned();
        let loaded = self.province.load_score_table(&self.second, self.campaign, table).await;
        loaded.unwrap_or_else(|error| panic!("the score table: {error}"));
        self.import("hamlets", hamlet_file()).await;
        let roster = roster_file(self.families.values(), &self.basis());
        self.import("roster", roster).await;
        let mut people = Vec::new();
        for (name, role, unit) in [
            ("huyen-467", "district", "467"),
            ("huyen-464", "district", "464"),
            ("xa-19558", "officer", MO_O),
            ("xa-19561", "officer", HUONG_HIEP),
            ("xa-19369", "officer", VINH_THAI),
        ] {
            people.push(person(name, role, unit, Some(PASSWORD)));
        }
        for (name, unit) in [
            ("hoa", MO_O),
            ("minh", MO_O),
            ("lan", HUONG_HIEP),
            ("son", VINH_THAI),
            ("stranger", MO_O),
        ] {
            people.push(person(name, "enumerator", unit, None));
        }
        self.province.post("/v1/accounts", &json!(people)).await.expect("accounts");
        let assignments = "hamlet,account\n19558-01,hoa\n19558-02,hoa\n19558-01,minh\n\
                           19561-01,lan\n19369-01,son\n";
        self.import("assignments", assignments.to_owned()).await;
        assert!(path.ends_with(&self.campaign.to_string()));
    }

    async fn import(&self, what: &str, text: String) {
        let done = self.province.import(&self.path(&format!("/{what}")), text).await;
        done.unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    /// Writes a route of the campaign.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/campaigns/{}{rest}", self.campaign)
    }

    /// Signs an office in with the common password.
    pub async fn sign_in(&self, name: &str) -> Office {
        Office::sign_in(&self.client, name, PASSWORD).await.expect("the office signs in")
    }

    /// Enrols a phone for an enumerator, without any sync yet.
    pub async fn phone(&self, name: &str) -> Phone {
        let codes = self.province.codes(&[name.to_owned()]).await.expect("a code");
        let label = format!("máy của {name}");
        Phone::enrol(&self.client, self.campaign, &codes[0], &label).await.expect("it enrols")
    }

    /// Enrols a phone and lets it fetch its households.
    pub async fn phone_with_work(&self, name: &str) -> Phone {
        let mut phone = self.phone(name).await;
        phone.sync().await.expect("it fetches its households");
        phone
    }

    /// Returns the basis that families are made up and classified on.
    pub fn basis(&self) -> Basis<'_> {
        self.rules.basis()
    }

    /// Returns what is true about a family.
    pub fn truth(&self, code: &str) -> Truth {
        truth(&self.families[code], &self.basis())
    }

    /// Types the whole review of a family on a phone; applicants are registered.
    pub fn review(&self, phone: &mut Phone, code: &str) -> DocumentId {
        let spec = &self.families[code];
        let truth = self.truth(code);
        if spec.opening.is_none() {
            let (document, opening) = phone.register(&spec.hamlet);
            let mut pages = VISIT.pages(&truth, &Household::default(), true);
            pages[0].opening = opening.opening;
            phone.save(document, &pages).expect("it saves");
            return document;
        }
        let document = self.document(phone, code);
        let known = phone.household(document).expect("it is on the phone");
        phone.save(document, &VISIT.pages(&truth, &known, false)).expect("it saves");
        document
    }

    /// Types the review of every family of the phone's hamlets.
    pub fn review_all(&self, phone: &mut Phone, hamlets: &[&str]) {
        let codes: Vec<String> = self
            .families
            .values()
            .filter(|spec| hamlets.contains(&spec.hamlet.as_str()))
            .map(|spec| spec.code.clone())
            .collect();
        for code in codes {
            self.review(phone, &code);
        }
    }

    /// Finds a listed family's document on a phone.
    pub fn document(&self, phone: &Phone, code: &str) -> DocumentId {
        let found = phone.households.iter().find(|(_, kept)| kept.code == code);
        *found.unwrap_or_else(|| panic!("{code} is not on the phone")).0
    }

    /// Lets hoa review both hamlets of Mò Ó and hand everything in.
    pub async fn review_mo_o(&self) -> Phone {
        let mut hoa = self.phone_with_work("hoa").await;
        self.review_all(&mut hoa, &["19558-01", "19558-02"]);
        hoa.sync().await.expect("it hands in");
        hoa
    }

    /// Takes Mò Ó's list all the way to recognition; returns its root.
    pub async fn recognise_mo_o(&self) -> String {
        let root = self.officer.submit(self.campaign, MO_O).await.expect("submitted");
        self.district.approve(self.campaign, MO_O, &root).await.expect("approved");
        self.officer.recognise(self.campaign, MO_O, &root).await.expect("recognised");
        root
    }

    /// Reads the rates row of a unit, as the province sees it.
    pub async fn rates_of(&self, unit: &str) -> serde_json::Value {
        let rates = self.province.get(&self.path("/rates")).await.expect("rates");
        let rows = rates["rows"].as_array().expect("rows");
        rows.iter().find(|row| row["unit"] == unit).expect("the unit has a row").clone()
    }
}

/// The campaign every town has.
pub fn campaign_form() -> serde_json::Value {
    json!({
        "name": "Rà soát cuối năm 2022",
        "province": "45",
        "standard": "nd-07-2021",
        "opening_date": "2021-12-31",
        "review_date": "2022-12-14",
        "region": "rural_north_central_coast",
    })
}

/// Writes an account form.
pub fn person(name: &str, role: &str, unit: &str, password: Option<&str>) -> serde_json::Value {
    json!({ "name": name, "full_name": name, "role": role, "unit": unit, "password": password })
}

fn hamlet_file() -> String {
    let mut file = "unit,code,type_word,name,area,households,persons,dtts_households,dtts_persons,\
                    opening_households,opening_persons,opening_dtts_households,\
                    opening_dtts_persons,source\n"
        .to_owned();
    for (unit, code) in HAMLETS {
        file.push_str(&format!(
            "{unit},{code},thôn,{code},rural,100,400,60,250,90,380,55,240,thử\n"
        ));
    }
    file
}

/// Families by code: six in Mò Ó (one of them an applicant), two in Hướng Hiệp, one in Vĩnh Thái.
fn families() -> BTreeMap<String, Spec> {
    let class = |class| Goal::Class(class);
    let (poor, near) = (Some(Class::Poor), Some(Class::NearPoor));
    let computed = B1Method::Computed;
    [
        ("19558-01-0001", poor, true, class(Class::Poor), computed),
        ("19558-01-0002", poor, true, class(Class::NearPoor), B1Method::ItemPoints),
        ("19558-01-0003", near, false, class(Class::Above), computed),
        ("19558-02-0001", near, true, class(Class::Poor), B1Method::Entered),
        ("19558-02-0002", poor, false, Goal::Left("moved_out"), computed),
        ("19558-02-0003", None, true, class(Class::NearPoor), computed),
        ("19561-01-0001", poor, true, class(Class::Poor), computed),
        ("19561-01-0002", near, false, class(Class::NearPoor), computed),
        ("19369-01-0001", poor, false, class(Class::Above), computed),
    ]
    .into_iter()
    .zip(1_u64..)
    .map(|((code, opening, dtts, goal, method), number)| {
        let spec = Spec {
            code: code.to_owned(),
            hamlet: code[..8].to_owned(),
            area: Area::Rural,
            opening,
            dtts,
            ethnicity: if dtts { "23" } else { "01" }.to_owned(),
            goal,
            method,
            seed: (number * 7919) << 20 | number,
        };
        (code.to_owned(), spec)
    })
    .collect()
}
