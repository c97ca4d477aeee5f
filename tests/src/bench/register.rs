//! The register of a whole province over ten years, as a household list and as flows.
//!
//! The decisions are made up and written straight into the derived table: what is measured is how
//! long reading them takes, from the request to the last byte of its answer.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use server::demo::office::Office;
use shared::date::Date;
use shared::forms::Side;
use shared::id::{CampaignId, HouseholdId, sha256};
use shared::register::{Cause, Decided, Entry, Kind, encode, in_order};
use shared::unit::{Area, Units};
use sqlx::Connection;

use super::{Size, micros, percentile};
use crate::process::{Home, free_address};
use crate::town::Cast;

/// Years of decisions.
const YEARS: i32 = 10;

/// Households on the register at any time.
const HOUSEHOLDS: usize = 180_000;

/// Calls after the first.
const CALLS: usize = 20;

/// How long reading the register takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Register {
    /// Households on the register on the days asked for.
    pub households: u64,
    /// Years of decisions.
    pub years: i32,
    /// Decisions kept.
    pub decisions: usize,
    /// What they take, bytes.
    pub bytes: usize,
    /// The first call after a start, microseconds.
    pub first_us: u64,
    /// Median of the province's register as of twenty days of the ten years, microseconds.
    pub p50_us: u64,
    /// The slowest but one of twenty, microseconds.
    pub p95_us: u64,
    /// A commune's register with all its households, median, microseconds.
    pub commune_p50_us: u64,
    /// A column of form 7.2 over the last year, opened to its households, median, microseconds.
    pub moves_p50_us: u64,
}

/// Makes ten years up on SQLite and reads them.
pub async fn measure(home: Home, size: Size) -> Register {
    let (server, password) = home.start_first(free_address());
    let cast = Cast::gather(server.base(), &password).await;
    let campaign = cast.campaign;
    let households = if size == Size::Quick { HOUSEHOLDS / 100 } else { HOUSEHOLDS };
    let (decisions, bytes) = fill(&home, campaign, households).await;
    let office = cast.province.clone();
    let path = format!("/v1/campaigns/{campaign}/register");
    let days = (0..).take(CALLS).map(|call: i32| {
        let (year, month) = (2013 + call % YEARS, 1 + u8::try_from(call % 12).unwrap_or(0));
        Date::new(year, month, 28).expect("a day")
    });
    let mut first_us = 0;
    let mut times = Vec::new();
    let mut held = 0;
    for (call, day) in days.enumerate() {
        let since = Instant::now();
        let shown = office.get(&format!("{path}?on={day}")).await.expect("the register");
        let took = since.elapsed();
        let count = |class: &str| shown[class]["households"].as_u64().unwrap_or(0);
        held = count("poor") + count("near_poor");
        assert!(held > 0, "{day}");
        if call == 0 { first_us = micros(&took) } else { times.push(took) }
    }
    let mut communes = repeat(&office, &format!("{path}?under=19558&on=2022-12-31")).await;
    let opened = format!("{path}/moves?form=7.2&column=3&from=2021-12-31&to=2022-12-31");
    let mut moves = repeat(&office, &opened).await;
    Register {
        households: held,
        years: YEARS,
        decisions,
        bytes,
        first_us,
        p50_us: percentile(&mut times, 50),
        p95_us: percentile(&mut times, 95),
        commune_p50_us: percentile(&mut communes, 50),
        moves_p50_us: percentile(&mut moves, 50),
    }
}

async fn repeat(office: &Office, path: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let since = Instant::now();
        office.get(path).await.expect("an answer");
        times.push(since.elapsed());
    }
    times
}

/// Writes the decisions of every commune past the server; returns how many and their bytes.
async fn fill(home: &Home, campaign: CampaignId, households: usize) -> (usize, usize) {
    const CLEAR: &str = "delete from register where register = $1";
    const ADD: &str = "insert into register (register, unit, moment, campaign, whole, bytes)
        values ($1, $2, $3, $1, $4, $5)";
    let file = home.data().join("rasoat.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.expect("the database");
    sqlx::query(CLEAR).bind(campaign.0.to_vec()).execute(&mut db).await.expect("it is emptied");
    let tree = Units::quang_tri_2022().at(Date::new(2022, 12, 14).expect("a day"));
    let units = tree.list_units();
    let (mut decisions, mut bytes) = (0, 0);
    for unit in &units {
        let of_unit = households.div_ceil(units.len());
        for (place, one) in (0_i64..).zip(unit_decisions(campaign, unit.code(), of_unit)) {
            let kept = encode(&one);
            decisions += 1;
            bytes += kept.len();
            let row = sqlx::query(ADD).bind(campaign.0.to_vec()).bind(unit.code().to_owned());
            let row = row.bind(one.date.number() * 10_000 + place).bind(i64::from(one.whole));
            row.bind(kept).execute(&mut db).await.expect("a decision");
        }
    }
    db.close().await.expect("it closes");
    (decisions, bytes)
}

/// Ten years of a commune: each December every household is decided on, a tenth rises and is
/// followed by others.
fn unit_decisions(campaign: CampaignId, unit: &str, households: usize) -> Vec<Decided> {
    let all = (0..YEARS + 1).map(|year| {
        let date = Date::new(2012 + year, 12, 15).expect("a day");
        let mut one = Decided::new(Kind::List, campaign, date, i64::from(year));
        let (hamlet, paper) = (one.hamlet("thôn 1", Area::Rural), one.paper("1/QĐ-UBND"));
        let year = usize::try_from(year).unwrap_or(0);
        let tenth = households / 10;
        let (first, last) = (year * tenth, year * tenth + households + tenth);
        for number in first..last {
            let name = sha256(format!("{unit}/{number}").as_bytes());
            let household = HouseholdId(name[..16].try_into().expect("16 bytes"));
            let rises = number < first + tenth;
            let side = if number % 3 == 0 { Side::NearPoor } else { Side::Poor };
            one.entries.push(Entry {
                household,
                hamlet,
                paper,
                class: Some(side).filter(|_| !rises),
                cause: if rises { Cause::Rose } else { Cause::Reviewed },
                persons: 4,
                dtts: number % 2 == 0,
                kin: None,
            });
        }
        one
    });
    in_order(all.collect())
}
