//! The opening list is written: each household becomes a document with its members.

use std::collections::BTreeMap;

use mobile_schema::problem;
use shared::classify::Class;
use shared::id::CampaignId;

use super::work::open_campaign;
use crate::app::App;
use crate::auth::Actor;
use crate::imports::opening::{Opened, OpeningHousehold, open};
use crate::ingest::desk::{DeskChange, OPENING_LIST, append_desk};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::household::NewHousehold;

/// Writes the opening households of every unit in one transaction, or none of them, and returns
/// how many. Codes already there are left alone; a list frozen meanwhile takes nothing more.
pub(super) async fn write_opening(
    app: &App,
    id: CampaignId,
    by_unit: BTreeMap<&str, Vec<&OpeningHousehold>>,
    actor: &Actor,
) -> Result<usize, Problem> {
    // Households of a file would be others than those of the register, though they are the same people.
    if crate::standing::campaign(app, id).await?.register != id {
        return Err(Problem::new(&problem::REGISTER_GOES_ON));
    }
    let mut prepared = Vec::new();
    for (unit, households) in by_unit {
        prepared.push((unit, make_opening(id, &households).await?));
    }
    let prepared: Vec<_> =
        prepared.iter().map(|(unit, opened)| (*unit, opened.as_slice())).collect();
    write_opened(app, id, &prepared, actor).await
}

/// Writes opening households whose first changes are made.
pub(in crate::http) async fn write_opened(
    app: &App,
    id: CampaignId,
    prepared: &[(&str, &[(OpeningHousehold, Opened)])],
    actor: &Actor,
) -> Result<usize, Problem> {
    let (now_ms, mut written) = (app.now_ms(), 0);
    let register = crate::standing::campaign(app, id).await?.register;
    let mut tx = open_campaign(app, id).await?;
    for (unit, opened) in prepared {
        let position = tx.unit_lock(id, unit).await?;
        if tx.list_step(id, unit).await?.0.is_frozen() {
            return Err(Problem::new(&problem::IMPORT_AFTER_WORK).with_items(&[unit]));
        }
        let codes: Vec<&str> = opened.iter().map(|(new, _)| new.code.as_str()).collect();
        let known = tx.household_codes(id, &codes).await?;
        let fresh = || opened.iter().filter(|(new, _)| !known.contains(&new.code));
        let rows: Vec<_> = fresh().map(|(new, opened)| opening_row(unit, new, opened)).collect();
        tx.household_add_all(id, &rows).await?;
        let changes: Vec<_> = fresh()
            .map(|(new, opened)| DeskChange {
                document: opened.document,
                hamlet: &new.hamlet,
                hash: opened.written.hash,
                chunk: &opened.written.chunk,
                account: actor.account.id,
                note: OPENING_LIST,
            })
            .collect();
        written += changes.len();
        append_desk(&mut tx, id, unit, position, &changes, now_ms).await?;
        // A campaign that goes on with a register adds nothing to it by its opening list.
        if register == id {
            tx.register_derive(id, unit).await?;
        }
    }
    tx.commit().await?;
    Ok(written)
}

/// Makes the documents of a unit's households, off the async threads.
async fn make_opening(
    id: CampaignId,
    households: &[&OpeningHousehold],
) -> Result<Vec<(OpeningHousehold, Opened)>, StoreError> {
    let households: Vec<OpeningHousehold> =
        households.iter().map(|household| (*household).clone()).collect();
    let opened = tokio::task::spawn_blocking(move || {
        households
            .into_iter()
            .map(|mut household| {
                let opened = open(id, &household)?;
                household.members_count =
                    u32::try_from(household.members.len()).unwrap_or(u32::MAX);
                // They stand in the change now.
                household.members = Vec::new();
                Ok((household, opened))
            })
            .collect::<Result<Vec<_>, automerge::AutomergeError>>()
    });
    opened.await.map_err(|_| StoreError::Damaged)?.map_err(|_| StoreError::Damaged)
}

fn opening_row<'a>(unit: &'a str, new: &'a OpeningHousehold, opened: &Opened) -> NewHousehold<'a> {
    NewHousehold {
        document: opened.document,
        household: opened.household,
        unit,
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
