//! Setting the campaign up as a province office does: files in, accounts, devices enrolled by code.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use shared::classify::{Basis, Class};
use shared::id::CampaignId;
use shared::spreadsheet::Column;
use shared::unit::Level;
use tokio::task::JoinSet;

use super::super::client::{Client, ClientError};
use super::super::office::Office;
use super::super::phone::Phone;
use super::super::population::{CommunePlan, Plan, truth};
use super::{AT_ONCE, Fleet, FleetError, basis};
use crate::imports::assignments::ASSIGNMENT_COLUMNS;
use crate::imports::hamlets::HAMLET_COLUMNS;
use crate::imports::opening::ROSTER_COLUMNS;
use crate::store::campaign::area_name;

/// Households one device is meant to carry at full scale: 33.000 on about 1.250 devices.
const HOUSEHOLDS_PER_DEVICE: usize = 26;

/// Opening lists loaded at one time.
const IMPORTS_AT_ONCE: usize = 3;

/// The second person of the province office: a score table needs two.
const SECOND: &str = "tinh-2";

/// An enrolled phone and the place it works in.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) unit: String,
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) phone: Phone,
}

/// Returns how many devices work in a unit with so many households under review.
pub(super) fn devices_of(households: usize) -> usize {
    households.div_ceil(HOUSEHOLDS_PER_DEVICE).max(2)
}

/// Tells whether a device is assigned a hamlet: each hamlet has at least two devices, and a device
/// works in one hamlet where that is enough.
pub(super) fn is_assigned(device: usize, hamlet: usize, devices: usize, hamlets: usize) -> bool {
    if devices < hamlets {
        return hamlet % devices == device || (hamlet + 1) % devices == device;
    }
    let reached_once = hamlet + hamlets >= devices;
    device % hamlets == hamlet || (reached_once && device == (hamlet + 1) % hamlets)
}

/// Adds the campaign of a plan.
pub(super) async fn add_campaign(office: &Office, plan: &Plan) -> Result<CampaignId, ClientError> {
    let region = plan.communes.first().map_or("", |commune| commune.region.as_str());
    office
        .add_campaign(&json!({
            "name": plan.campaign_name,
            "province": plan.province,
            "standard": "nd-07-2021",
            "opening_date": plan.opening_date.to_string(),
            "review_date": plan.review_date.to_string(),
            "region": region,
        }))
        .await
}

fn line(cells: &[&str]) -> String {
    let quoted = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

impl Fleet<'_> {
    /// Loads hamlets, table, opening list, accounts and assignments.
    pub(super) async fn set_up(&mut self) -> Result<Vec<(String, String)>, FleetError> {
        let what = "mở đợt, nạp danh sách / set-up and imports";
        let bar = self.bar(what, self.plan.communes.len());
        let path = format!("/v1/campaigns/{}", self.campaign);
        let hamlets = self.hamlet_file();
        self.province.import(&format!("{path}/hamlets"), hamlets).await?;
        // The accounts are made beside the opening lists.
        let (people, accounts) = self.people();
        let names = accounts.iter().map(|(name, _)| name.clone()).collect();
        let of = (self.client.clone(), self.province.clone(), self.password.to_owned());
        let signed_in = tokio::spawn(add_accounts(of, people, names));
        self.load_rosters(&format!("{path}/roster"), &bar).await?;
        self.offices = signed_in.await??;
        let table = include_str!("../../../../shared/standards/b1-synthetic.json").to_owned();
        self.province.load_score_table(self.office(SECOND)?, self.campaign, table).await?;
        self.province.import(&format!("{path}/assignments"), self.assignment_file()).await?;
        self.stage(&bar, what);
        Ok(accounts)
    }

    fn hamlet_file(&mut self) -> String {
        let mut file = header(&HAMLET_COLUMNS[..14]);
        for commune in &self.plan.communes {
            for hamlet in &commune.hamlets {
                let (now, then) = (hamlet.closing, hamlet.opening);
                let counts = [
                    now.households,
                    now.persons,
                    now.dtts_households,
                    now.dtts_persons,
                    then.households,
                    then.persons,
                    then.dtts_households,
                    then.dtts_persons,
                ]
                .map(|count| count.to_string());
                let mut cells = vec![
                    commune.unit.as_str(),
                    &hamlet.code,
                    &hamlet.type_word,
                    &hamlet.name,
                    area_name(hamlet.area),
                ];
                cells.extend(counts.iter().map(String::as_str));
                cells.push(&hamlet.source);
                file.push_str(&line(&cells));
                self.tally.hamlets += 1;
            }
        }
        file
    }

    /// Loads the opening lists, a few units at a time.
    async fn load_rosters(
        &mut self,
        path: &str,
        bar: &indicatif::ProgressBar,
    ) -> Result<(), FleetError> {
        let (standard, table) = (Arc::new(self.standard.clone()), Arc::new(self.table.clone()));
        let mut tasks: JoinSet<Result<usize, FleetError>> = JoinSet::new();
        for commune in self.plan.communes.clone() {
            if tasks.len() >= IMPORTS_AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                self.tally.opening_households += done??;
                bar.inc(1);
            }
            let (standard, table) = (Arc::clone(&standard), Arc::clone(&table));
            let (province, path) = (self.province.clone(), path.to_owned());
            let review_date = self.plan.review_date;
            tasks.spawn(async move {
                let written = tokio::task::spawn_blocking(move || {
                    roster_file(&commune, &basis(&standard, &table, review_date, &commune.region))
                });
                let (households, file) = written.await?;
                if households > 0 {
                    province.import(&path, file).await?;
                }
                Ok(households)
            });
        }
        while let Some(done) = tasks.join_next().await {
            self.tally.opening_households += done??;
            bar.inc(1);
        }
        Ok(())
    }

    /// Lists the people to add, and the accounts that are shown with what they are.
    fn people(&self) -> (Vec<Value>, Vec<(String, String)>) {
        let mut people: Vec<Value> = Vec::new();
        let mut shown = Vec::new();
        let province = self.tree.get(&self.plan.province);
        let name = province.map(|unit| unit.full_name()).unwrap_or_default();
        shown.push(("tinh".to_owned(), name.clone()));
        shown.push((SECOND.to_owned(), format!("người thứ hai, {name}")));
        people.push(person(SECOND, "province", &self.plan.province, Some(self.password)));
        for district in self.tree.children(&self.plan.province) {
            if district.level == Level::District {
                let name = format!("huyen-{}", district.code());
                shown.push((name.clone(), format!("phòng huyện, {}", district.full_name())));
                people.push(person(&name, "district", district.code(), Some(self.password)));
            }
        }
        for commune in &self.plan.communes {
            let name = format!("xa-{}", commune.unit);
            let unit = self.tree.get(&commune.unit).map(|u| u.full_name()).unwrap_or_default();
            shown.push((name.clone(), format!("công chức, {unit}")));
            people.push(person(&name, "officer", &commune.unit, Some(self.password)));
            for device in 0..devices_of(commune.households.len()) {
                let name = enumerator(&commune.unit, device);
                people.push(person(&name, "enumerator", &commune.unit, None));
            }
        }
        (people, shown)
    }

    fn assignment_file(&self) -> String {
        let mut file = header(&ASSIGNMENT_COLUMNS);
        for commune in &self.plan.communes {
            let hamlets = commune.hamlets.len();
            let devices = devices_of(commune.households.len());
            for device in 0..devices {
                for (index, hamlet) in commune.hamlets.iter().enumerate() {
                    if is_assigned(device, index, devices, hamlets) {
                        file.push_str(&line(&[&hamlet.code, &enumerator(&commune.unit, device)]));
                    }
                }
            }
        }
        file
    }

    /// Enrols every phone with a one-time code and lets it fetch its households.
    pub(super) async fn send_out(&mut self) -> Result<Vec<Out>, FleetError> {
        let what = "ghép thiết bị, tải phiếu / enrol and download";
        let mut wanted = Vec::new();
        for commune in &self.plan.communes {
            let count = devices_of(commune.households.len());
            let names: Vec<String> =
                (0..count).map(|device| enumerator(&commune.unit, device)).collect();
            let officer = self.office(&format!("xa-{}", commune.unit))?;
            let codes = officer.codes(&names).await?;
            for (number, (name, code)) in names.into_iter().zip(codes).enumerate() {
                wanted.push((commune.unit.clone(), number, name, code));
            }
        }
        let bar = self.bar(what, wanted.len());
        let mut out = Vec::new();
        let mut tasks = JoinSet::new();
        for (unit, number, name, code) in wanted {
            if tasks.len() >= AT_ONCE {
                self.take_out(tasks.join_next().await, &mut out, &bar)?;
            }
            let (client, campaign) = (self.client.clone(), self.campaign);
            tasks.spawn(async move {
                let mut phone = Phone::enrol(&client, campaign, &code, &name).await?;
                let report = phone.sync_as_told().await?;
                Ok::<_, FleetError>((Out { unit, number, name, phone }, report))
            });
        }
        while let Some(done) = tasks.join_next().await {
            self.take_out(Some(done), &mut out, &bar)?;
        }
        self.tally.devices = out.len();
        self.stage(&bar, what);
        Ok(out)
    }

    fn take_out(
        &mut self,
        done: Option<JoinedOut>,
        out: &mut Vec<Out>,
        bar: &indicatif::ProgressBar,
    ) -> Result<(), FleetError> {
        if let Some(done) = done {
            let (phone, report) = done??;
            self.tally.bytes_up += report.up;
            self.tally.bytes_down += report.down;
            out.push(phone);
            bar.inc(1);
        }
        Ok(())
    }

    /// Finds a signed-in office by its account.
    pub(super) fn office(&self, name: &str) -> Result<&Office, FleetError> {
        self.offices.get(name).ok_or_else(|| FleetError::Short(format!("no account {name}")))
    }
}

/// Writes the opening list of one unit, a row a member, and counts its households.
fn roster_file(commune: &CommunePlan, basis: &Basis<'_>) -> (usize, String) {
    let mut file = header(&ROSTER_COLUMNS[..11]);
    let mut households = 0;
    for spec in &commune.households {
        let class = match spec.opening {
            Some(Class::Poor) => "poor",
            Some(Class::NearPoor) => "near_poor",
            Some(Class::Above | Class::Insufficient) | None => continue,
        };
        households += 1;
        let dtts = if spec.dtts { "1" } else { "0" };
        for member in truth(spec, basis).opening_members {
            let text = |key: &str| member.get(key).and_then(|v| v.as_text()).unwrap_or("");
            file.push_str(&line(&[
                &spec.code,
                &spec.hamlet,
                class,
                "QĐ DEMO/2021 (synthetic)",
                dtts,
                text("name"),
                text("relation"),
                text("birth"),
                text("sex"),
                text("ethnicity"),
                text("id_number"),
            ]));
        }
    }
    (households, file)
}

/// Adds people and signs in those who work in offices.
async fn add_accounts(
    (client, province, password): (Client, Office, String),
    people: Vec<Value>,
    names: Vec<String>,
) -> Result<BTreeMap<String, Office>, FleetError> {
    province.post("/v1/accounts", &Value::Array(people)).await?;
    let mut offices = BTreeMap::new();
    for name in names.into_iter().filter(|name| name != "tinh") {
        let office = Office::sign_in(&client, &name, &password).await?;
        offices.insert(name, office);
    }
    Ok(offices)
}

type JoinedOut =
    Result<Result<(Out, super::super::phone::SyncReport), FleetError>, tokio::task::JoinError>;

fn person(name: &str, role: &str, unit: &str, password: Option<&str>) -> Value {
    json!({
        "name": name,
        "full_name": format!("{name} (synthetic)"),
        "role": role,
        "unit": unit,
        "password": password,
    })
}

/// Names the account and device of one enumerator.
pub(super) fn enumerator(unit: &str, device: usize) -> String {
    format!("rsv-{unit}-{:02}", device + 1)
}

/// Writes the first line of a file.
fn header(columns: &[Column]) -> String {
    columns.iter().map(|column| column.key).collect::<Vec<_>>().join(",") + "\n"
}
