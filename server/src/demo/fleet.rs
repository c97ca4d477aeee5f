//! Carries out a whole campaign: offices set it up, phones work offline and come back, communes
//! submit, districts approve, communes recognise, and the province reads its table.

mod lists;
mod review;
mod setup;
mod twice;
pub mod visit;

use std::collections::BTreeMap;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use serde_json::Value;
use shared::classify::Basis;
use shared::date::Date;
use shared::id::{CampaignId, DocumentId};
use shared::score::ScoreTable;
use shared::standard::Standard;
use shared::unit::UnitTree;

use super::client::{Client, ClientError};
use super::office::Office;
use super::phone::PhoneError;
use super::population::{MadeUp, Plan, PlanError, Spec, Targets, plan};

/// Phones and offices that act at one time.
const AT_ONCE: usize = 6;

/// What to simulate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Share of the province, parts per million.
    pub scale_ppm: u64,
    /// Seed of everything made up.
    pub seed: u64,
    /// Totals to reproduce.
    pub targets: Targets,
    /// Draws progress bars on a terminal.
    pub bars: bool,
    /// Label of a phone whose upload is dropped, for stories that want to see it missed.
    pub drop_upload_of: Option<String>,
}

/// Why a demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The targets cannot be made into a plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A call was refused or failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A phone could not do its work.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// A task ended early.
    #[error("a simulated person stopped")]
    Stopped(#[from] tokio::task::JoinError),
    /// A number that must be there is not.
    #[error("{0}")]
    Short(String),
}

/// What happened, in numbers that were counted while it did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally {
    /// Hamlets of the campaign.
    pub hamlets: usize,
    /// Devices enrolled.
    pub devices: usize,
    /// Households on the opening lists.
    pub opening_households: usize,
    /// Household documents after the review.
    pub documents: usize,
    /// Households that two devices wrote to.
    pub two_devices: usize,
    /// Households where two devices wrote different answers to one question.
    pub same_field: usize,
    /// Changes accepted from phones.
    pub changes: usize,
    /// Changes the server knew already when they came again.
    pub known: usize,
    /// Responses that got lost.
    pub lost_responses: usize,
    /// Phones that synced a second time.
    pub synced_twice: usize,
    /// Phones whose clock is five years off.
    pub clocks_off: usize,
    /// Bytes of bodies sent by phones.
    pub bytes_up: usize,
    /// Bytes of bodies received by phones.
    pub bytes_down: usize,
    /// Families that were registered twice on purpose.
    pub planted_twice: usize,
    /// Of them found by the matcher.
    pub twice_found: usize,
    /// Pairs of other households that it named as one household.
    pub twice_wrong: usize,
    /// Registrations that officers merged into another.
    pub merged: usize,
    /// Disputes that arose.
    pub disputes: usize,
    /// Of them settled by the rule, because nothing hung on them.
    pub disputes_by_rule: usize,
    /// Of them settled by officers.
    pub disputes_settled: usize,
    /// Of these, those on which the class hung.
    pub class_hung: usize,
    /// Lists returned by a district and submitted again.
    pub lists_returned: usize,
    /// Changes that came after a list was frozen.
    pub late_changes: usize,
    /// Lists recognised.
    pub lists_recognised: usize,
    /// Milliseconds each stage took, in order.
    pub stages_ms: Vec<(String, u64)>,
}

/// A campaign that was carried out.
#[derive(Debug, Clone)]
pub struct Done {
    /// The campaign.
    pub campaign: CampaignId,
    /// What happened.
    pub tally: Tally,
    /// Rates as the province office reads them, JSON.
    pub rates: Value,
    /// Forms 7.2 and 7.3 as the province office reads them, JSON.
    pub movement: [Value; 2],
    /// The same as CSV.
    pub csv: String,
    /// Districts whose figures, or some of them, were made up; by code.
    pub made_up: BTreeMap<String, MadeUp>,
    /// Sign-in names of the demo accounts, with what they are.
    pub accounts: Vec<(String, String)>,
}

/// The campaign being carried out.
struct Fleet<'a> {
    client: Client,
    options: &'a Options,
    password: &'a str,
    plan: Plan,
    tree: UnitTree,
    standard: Standard,
    table: ScoreTable,
    campaign: CampaignId,
    province: Office,
    offices: BTreeMap<String, Office>,
    tally: Tally,
    started: Instant,
}

impl Fleet<'_> {
    /// Starts a bar and says what is being done.
    fn bar(&self, what: &str, count: usize) -> ProgressBar {
        let target = if self.options.bars {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(u64::try_from(count).ok(), target);
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:<48} {bar:20} {pos:>5}/{len:<5} {rate:>7}  còn/left {eta}",
        ) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A bar that cannot be drawn is no failure of the campaign.
                let _drawn = write!(out, "{:.0}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.set_message(what.to_owned());
        bar
    }

    /// Ends a stage: its time goes into the tally and onto the screen.
    fn stage(&mut self, bar: &ProgressBar, name: &str) {
        let took_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        bar.finish_and_clear();
        if self.options.bars {
            eprintln!("{name:<48} {:>7},{} s", took_ms / 1000, took_ms % 1000 / 100);
        }
        self.tally.stages_ms.push((name.to_owned(), took_ms));
        self.started = Instant::now();
    }
}

fn basis<'a>(
    standard: &'a Standard,
    table: &'a ScoreTable,
    review_date: Date,
    region: &'a str,
) -> Basis<'a> {
    Basis { standard, table: Some(table), review_date, region }
}

/// Runs a campaign against the server at `base`, from sign-in to the province's table.
///
/// `province` is a province account's name and password; demo accounts get the same password.
pub async fn run(
    base: &str,
    province: (&str, &str),
    tree: UnitTree,
    options: &Options,
) -> Result<Done, FleetError> {
    let client = Client::new(base);
    let started = Instant::now();
    let plan = plan(&options.targets, options.scale_ppm, options.seed, &tree)?;
    let office = Office::sign_in(&client, province.0, province.1).await?;
    let mut fleet = Fleet {
        campaign: setup::add_campaign(&office, &plan).await?,
        client,
        options,
        password: province.1,
        plan,
        tree,
        standard: Standard::nd_07_2021(),
        table: ScoreTable::synthetic_demo(),
        province: office,
        offices: BTreeMap::new(),
        tally: Tally::default(),
        started,
    };
    let accounts = fleet.set_up().await?;
    let phones = fleet.send_out().await?;
    let found = fleet.bring_back(phones).await?;
    fleet.settle(&found).await?;
    fleet.merge_twice(&found).await?;
    fleet.decide(found).await?;
    fleet.report(accounts).await
}

/// What the fleet remembers of one household: enough to settle what its slips caused.
#[derive(Debug, Clone)]
struct Slipped {
    unit: String,
    document: DocumentId,
    path: String,
    right: mobile_schema::household::Value,
}

/// What came of the phones' work.
#[derive(Debug, Default)]
struct Found {
    slips: Vec<Slipped>,
    twice: Vec<twice::Twice>,
    /// One phone for each unit that has any, to come late with.
    late: BTreeMap<String, super::phone::Phone>,
}

/// A draw that is the same for the same household and purpose.
fn draw(spec: &Spec, purpose: u64) -> u64 {
    let mut mixed = spec.seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}

impl Fleet<'_> {
    async fn report(mut self, accounts: Vec<(String, String)>) -> Result<Done, FleetError> {
        let path = format!("/v1/campaigns/{}/rates", self.campaign);
        let rates = self.province.get(&path).await?;
        let form = |code: &str| format!("/v1/campaigns/{}/forms/{code}", self.campaign);
        let poor = self.province.get(&form("7.2")).await?;
        let movement = [poor, self.province.get(&form("7.3")).await?];
        let (_, csv) = self
            .client
            .raw(
                hyper::Method::GET,
                &format!("{path}.csv"),
                Some(self.province.token()),
                "text/csv",
                Vec::new(),
            )
            .await?;
        let bar = self.bar("bảng tỉnh / the province's table", 1);
        self.stage(&bar, "bảng tỉnh / the province's table");
        Ok(Done {
            campaign: self.campaign,
            made_up: self.plan.made_up.clone(),
            tally: self.tally,
            rates,
            movement,
            csv: String::from_utf8_lossy(&csv).into_owned(),
            accounts,
        })
    }
}
