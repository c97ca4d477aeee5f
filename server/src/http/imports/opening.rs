//! The opening list is written: each household becomes a document with its members.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use mobile_schema::problem;
use shared::approve::Step;
use shared::classify::Class;
use shared::id::CampaignId;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::work::{Sent, open_campaign};
use crate::app::App;
use crate::auth::Actor;
use crate::imports::file::File;
use crate::imports::opening::{Opened, OpeningHousehold, Roster, open};
use crate::imports::rows::Unreadable;
use crate::ingest::desk::{DeskChange, OPENING_LIST, append_desk};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::household::NewHousehold;

/// Households of a file that are in memory together: one part is read while the documents of another
/// are made and those of a third are written.
const PART: usize = 500;

/// A household and its first change.
type Ready = (OpeningHousehold, Opened);

/// Writes the good households of a file in one transaction, or none of them, and returns how many.
/// Codes already there are left alone; a list frozen meanwhile takes nothing more.
///
/// Whoever else writes waits for as long as it takes to make the documents, a quarter of a minute at
/// most for the largest list there may be.
pub(super) async fn write_opening(
    app: &App,
    id: CampaignId,
    roster: Roster,
    sent: Sent,
    actor: &Actor,
) -> Result<usize, Problem> {
    // Households of a file would be others than those of the register, though they are the same people.
    if crate::standing::campaign(app, id).await?.register != id {
        return Err(Problem::new(&problem::REGISTER_GOES_ON));
    }
    let units = roster.units().clone();
    // The first part is read before anything is locked.
    let (reading, mut parts) = read(roster, sent);
    let mut opening = Opening::begin(app, id, units, actor).await?;
    let mut made: Option<JoinHandle<_>> = None;
    while let Some(mut part) = parts.recv().await {
        let known = opening.known(part.iter()).await?;
        part.retain(|household| !known.contains(&household.code));
        let next = spawn_blocking(move || make(id, part));
        if let Some(ready) = made.replace(next) {
            opening.add(&ready.await.map_err(|_| StoreError::Damaged)??).await?;
        }
    }
    reading.await.map_err(|_| StoreError::Damaged)??;
    if let Some(ready) = made {
        opening.add(&ready.await.map_err(|_| StoreError::Damaged)??).await?;
    }
    opening.finish().await
}

/// Writes opening households of a unit whose first changes are made, as [`write_opening`] does.
pub(in crate::http) async fn write_opened(
    app: &App,
    id: CampaignId,
    unit: &str,
    opened: &[Ready],
    actor: &Actor,
) -> Result<usize, Problem> {
    let mut opening = Opening::begin(app, id, BTreeSet::from([unit.to_owned()]), actor).await?;
    let known = opening.known(opened.iter().map(|(new, _)| new)).await?;
    opening.add(opened.iter().filter(|(new, _)| !known.contains(&new.code))).await?;
    opening.finish().await
}

/// Reads the households of a file off the async threads, in parts. Whoever stops taking them stops
/// the reading.
fn read(
    roster: Roster,
    sent: Sent,
) -> (JoinHandle<Result<(), Unreadable>>, Receiver<Vec<OpeningHousehold>>) {
    let (sender, parts) = channel(1);
    let reading = spawn_blocking(move || {
        let file = File::open(&sent.bytes).map_err(Unreadable::File)?;
        let mut part = Vec::with_capacity(PART);
        roster.households(&file, &mut |household| {
            part.push(household);
            if part.len() == PART && sender.blocking_send(std::mem::take(&mut part)).is_err() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        drop(sender.blocking_send(part));
        Ok(())
    });
    (reading, parts)
}

/// Makes the documents of households.
fn make(id: CampaignId, households: Vec<OpeningHousehold>) -> Result<Vec<Ready>, StoreError> {
    let ready = |mut household: OpeningHousehold| {
        let opened = open(id, &household).map_err(|_| StoreError::Damaged)?;
        // They stand in the change now.
        household.members = Vec::new();
        Ok((household, opened))
    };
    households.into_iter().map(ready).collect()
}

/// Opening households on their way into the log: all of them in one transaction.
struct Opening<'a> {
    id: CampaignId,
    actor: &'a Actor,
    units: BTreeSet<String>,
    /// Whether the campaign's register begins with it: one that goes on with a register adds nothing
    /// to that by its opening list.
    begins_register: bool,
    tx: Tx,
    now_ms: i64,
    written: usize,
}

impl<'a> Opening<'a> {
    /// Locks the campaign and the logs of the units. Refuses where one of their lists is frozen.
    async fn begin(
        app: &App,
        id: CampaignId,
        units: BTreeSet<String>,
        actor: &'a Actor,
    ) -> Result<Self, Problem> {
        let begins_register = crate::standing::campaign(app, id).await?.register == id;
        let mut tx = open_campaign(app, id).await?;
        tx.unit_lock_all(units.iter().map(|unit| (id, unit.as_str()))).await?;
        let steps = tx.list_steps(id).await?;
        let is_frozen = |unit: &&String| steps.get(*unit).is_some_and(Step::is_frozen);
        let frozen: Vec<&String> = units.iter().filter(is_frozen).collect();
        if !frozen.is_empty() {
            return Err(Problem::new(&problem::IMPORT_AFTER_WORK).with_items(&frozen));
        }
        Ok(Self { id, actor, units, begins_register, tx, now_ms: app.now_ms(), written: 0 })
    }

    /// Finds the codes that are there already.
    async fn known(
        &mut self,
        households: impl Iterator<Item = &OpeningHousehold>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let codes: Vec<&str> = households.map(|household| household.code.as_str()).collect();
        self.tx.household_codes(self.id, &codes).await
    }

    /// Writes households that are not there yet.
    async fn add(&mut self, opened: impl IntoIterator<Item = &Ready>) -> Result<(), StoreError> {
        let mut by_unit: BTreeMap<&str, Vec<&Ready>> = BTreeMap::new();
        for ready in opened {
            by_unit.entry(&ready.0.unit).or_default().push(ready);
        }
        let id = self.id;
        for (unit, opened) in by_unit {
            let position = self.tx.unit_lock(id, unit).await?;
            let rows: Vec<_> =
                opened.iter().map(|(new, opened)| opening_row(new, opened)).collect();
            self.tx.household_add_all(id, &rows).await?;
            let changes = opened.iter().map(|(new, opened)| DeskChange {
                document: opened.document,
                hamlet: &new.hamlet,
                hash: opened.written.hash,
                chunk: &opened.written.chunk,
                account: self.actor.account.id,
                note: OPENING_LIST,
            });
            let changes: Vec<_> = changes.collect();
            append_desk(&mut self.tx, id, unit, position, &changes, self.now_ms).await?;
            self.written += changes.len();
        }
        Ok(())
    }

    /// Brings the register up to date and makes it all durable; returns how many were written.
    async fn finish(mut self) -> Result<usize, Problem> {
        if self.begins_register {
            for unit in &self.units {
                self.tx.register_derive(self.id, unit).await?;
            }
        }
        self.tx.commit().await?;
        Ok(self.written)
    }
}

fn opening_row<'a>(new: &'a OpeningHousehold, opened: &Opened) -> NewHousehold<'a> {
    NewHousehold {
        document: opened.document,
        household: opened.household,
        unit: &new.unit,
        hamlet: &new.hamlet,
        code: &new.code,
        opening_class: match new.class {
            Class::Poor => "poor",
            Class::NearPoor => "near_poor",
            Class::Above | Class::Insufficient => "",
        },
        opening_dtts: new.dtts,
        opening_paper: &new.decision,
        opening_members: new.members_count,
    }
}
