//! `rasoat rebuild` and `rasoat expire`: what an operator does about derived tables and old gaps.

use clap::Args;

use super::{CliError, Place, say};
use crate::app::App;
use crate::standing::refresh;
use crate::store::StoreError;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Empties what is derived from the two logs and makes it anew.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What a rebuild came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Standings that were thrown away.
    pub cleared: u64,
    /// Households whose logs were merged.
    pub households: usize,
    /// Documents that were saved.
    pub snapshots: i64,
    /// Households that cannot be merged.
    pub broken: usize,
}

impl Rebuild {
    /// Runs the command. A server may go on running meanwhile.
    pub async fn run(self) -> Result<(), CliError> {
        let app = self.place.open().await?;
        let done = rebuild(&app).await?;
        if self.json {
            say(serde_json::json!(done));
        } else {
            let Rebuilt { cleared, households, snapshots, broken } = done;
            say(format!(
                "{cleared} standings thrown away, {households} households merged anew, \
                 {snapshots} documents saved, {broken} cannot be merged"
            ));
        }
        Ok(())
    }
}

/// Empties every derived table and makes it anew from the logs.
pub async fn rebuild(app: &App) -> Result<Rebuilt, StoreError> {
    let mut done = Rebuilt { cleared: app.store.derived_clear().await?, ..Rebuilt::default() };
    for campaign in app.store.campaign_list().await? {
        for unit in app.store.positions(campaign.id).await?.into_keys() {
            let standings = refresh(app, &campaign, &unit).await?;
            done.households += standings.len();
            let is_broken = |code: &str| code == mobile_schema::problem::DOCUMENT_BROKEN.name;
            let broken = standings
                .iter()
                .filter(|(_, standing)| standing.flags.iter().any(|flag| is_broken(&flag.code)));
            done.broken += broken.count();
        }
    }
    app.store.register_rebuild().await?;
    done.snapshots = app.store.snapshot_count().await?;
    Ok(done)
}

/// Gives up waiting for changes that never came.
#[derive(Debug, Args)]
pub struct Expire {
    /// Days that a change may wait for one it builds on.
    #[arg(long, default_value_t = shared::limits::WAITING_DAYS_MAX)]
    days: u32,
    #[command(flatten)]
    place: Place,
}

impl Expire {
    /// Runs the command: what has waited longer is held for the commune's officer. Nothing is lost.
    pub async fn run(self) -> Result<(), CliError> {
        let app = self.place.open().await?;
        let held = expire(&app, self.days).await?;
        say(format!("{held} changes waited for more than {} days and are held now", self.days));
        Ok(())
    }
}

/// Holds for review what has waited for an ancestor longer than so many days; returns how many.
pub async fn expire(app: &App, days: u32) -> Result<u64, StoreError> {
    app.store.change_expire(app.now_ms() - i64::from(days) * DAY_MS).await
}
