//! A household that no worker gets over: its newest changes are set aside, or it is shown as open.
//!
//! A change that a worker had to leave out, because the library stops on it, is set aside by name.
//! Otherwise nothing is set aside unless that helps: a household that fails without its new changes as well
//! has another fault, of the program or of the machine, and stays as it is.

use std::collections::BTreeSet;

use mobile_schema::problem;
use shared::guard::guard;
use shared::id::{ChangeHash, DocumentId};
use shared::standing::{Known, Way, unmerged};

use super::batch::{Desk, standing_job};
use crate::store::StoreError;
use crate::store::household::{Cached, NewStanding};
use crate::store::material::{Entry, From, Material};
use crate::worker::{Answer, OwnedBasis};

/// Times that changes of one household are set aside in one go: more may arrive meanwhile.
const ROUNDS: usize = 3;

/// Changes that are singled out as bad before everything that came after them is set aside: each takes
/// a worker some ten times as long as it may take for one household.
const SINGLED_OUT_MAX: usize = 4;

/// Finds out what a household comes to that was asked about alone without an answer, or of which a
/// worker had to leave out the changes named.
pub(super) async fn isolated(
    desk: &Desk<'_>,
    entry: &Cached,
    mut broken: Vec<ChangeHash>,
) -> Result<NewStanding, StoreError> {
    let (mut entry, document) = (entry.clone(), entry.at.document);
    let mut helps = true;
    for _ in 0..ROUNDS {
        let mut material = whole(desk, document).await?;
        let named = of_clients(&material, &broken);
        let bad = if broken.is_empty() {
            let bad = newest_bad(desk, &entry, &material).await?;
            helps = bad.is_some();
            let Some(bad) = bad else { break };
            Some((bad, &problem::CHANGE_UNMERGEABLE))
        } else {
            (!named.is_empty()).then_some((named, &problem::CHANGE_BROKEN))
        };
        if let Some((bad, reason)) = bad {
            let (store, unit) = (desk.store, &entry.at.unit);
            let count =
                store.change_quarantine(desk.campaign, unit, document, &bad, reason).await?;
            tracing::warn!(count, reason = reason.name, "changes were set aside");
            let again = store.household_cached_of(desk.campaign, &[document]).await?;
            entry = again.into_iter().next().ok_or(StoreError::Damaged)?;
            material = whole(desk, document).await?;
        }
        broken = match ask(desk, &entry, material.clone()).await? {
            Some(Answer::Stood { body, saved, broken }) => {
                if of_clients(&material, &broken).is_empty() {
                    return Ok(desk.stood(&entry, material.position, body, saved));
                }
                broken
            }
            _ => Vec::new(),
        };
    }
    let material = whole(desk, document).await?;
    let basis = OwnedBasis::of(&desk.basis).ok_or(StoreError::Damaged)?;
    let known = |entries: &[Entry]| -> Vec<Known> {
        let known = |entry: &Entry| Known { hash: entry.logged.hash, by: entry.logged.by };
        entries.iter().map(known).collect()
    };
    let (changes, side) = (known(&material.changes), known(&material.side));
    let standing = unmerged(&entry.place(), &changes, &side, &basis.basis());
    tracing::warn!("a household cannot be merged, and is shown as open");
    let body = serde_json::to_string(&standing).map_err(|_| StoreError::Damaged)?;
    let stood = desk.stood(&entry, material.position, body, None);
    Ok(if helps { open_until_later(&entry, stood) } else { stood })
}

/// Leaves a household stale that more bad changes came to than were set aside in one go: nobody has
/// looked at the last of them, so that it is sent to nobody, and is asked about again.
pub(super) fn open_until_later(entry: &Cached, stood: NewStanding) -> NewStanding {
    let merged_at = entry.computed.as_ref().map_or(0, |(position, _)| *position);
    NewStanding { position: merged_at, ..stood }
}

/// Tells whether one of several merged households is at fault: it cannot be merged by itself, or holds
/// one of the changes named.
pub(super) async fn is_at_fault(
    desk: &Desk<'_>,
    entry: &Cached,
    broken: &[ChangeHash],
) -> Result<bool, StoreError> {
    let material = whole(desk, entry.at.document).await?;
    if !broken.is_empty() {
        return Ok(!of_clients(&material, broken).is_empty());
    }
    Ok(!matches!(ask(desk, entry, material).await?, Some(Answer::Stood { .. })))
}

async fn whole(desk: &Desk<'_>, document: DocumentId) -> Result<Material, StoreError> {
    let mut found = desk.store.material(desk.campaign, &[document], From::Log).await?;
    Ok(found.remove(&document).unwrap_or_default())
}

/// Returns those of the changes left out that clients wrote and that are bad by themselves; what builds
/// on them is held with them. What an office wrote stays, and is shown.
fn of_clients(material: &Material, broken: &[ChangeHash]) -> Vec<ChangeHash> {
    let all = material.changes.iter().chain(&material.side);
    let is_bad = |entry: &&Entry| {
        let of = guard(&entry.logged.chunk);
        entry.logged.by != Way::Desk
            && broken.contains(&entry.logged.hash)
            && of.is_ok_and(|of| !of.dependencies().iter().any(|dep| broken.contains(dep)))
    };
    all.filter(is_bad).map(|entry| entry.logged.hash).collect()
}

async fn ask(
    desk: &Desk<'_>,
    entry: &Cached,
    material: Material,
) -> Result<Option<Answer>, StoreError> {
    let outcomes = desk.pool.ask(&desk.basis, vec![standing_job(entry, material)]).await?;
    Ok(outcomes.into_iter().next().flatten())
}

/// Names the new changes without which the household can be merged; `None` where there are none.
///
/// New is what came after the household was last merged, or everything where that is not known. What
/// an office wrote is ours, and above suspicion. The changes are taken one after the other as they came,
/// and those are bad with which the household can no longer be merged: nobody's other work goes with
/// them, but what builds on them. Where there are many, what came after the last of them goes as well.
async fn newest_bad(
    desk: &Desk<'_>,
    entry: &Cached,
    material: &Material,
) -> Result<Option<Vec<ChangeHash>>, StoreError> {
    let merged_at = entry.computed.as_ref().map_or(0, |(position, _)| *position);
    let mut new: Vec<(i64, ChangeHash)> = material
        .changes
        .iter()
        .chain(&material.side)
        .filter(|entry| entry.logged.by != Way::Desk && entry.position > merged_at)
        .map(|entry| (entry.position, entry.logged.hash))
        .collect();
    new.sort_unstable();
    let new: Vec<ChangeHash> = new.into_iter().map(|(_, hash)| hash).collect();
    if new.is_empty() || !merges_without(desk, entry, material, &new).await? {
        return Ok(None);
    }
    let without = |bad: &[ChangeHash], from: usize| [bad, &new[from..]].concat();
    // Without the bad ones and what came from `good` on, the household can be merged.
    let (mut bad, mut good) = (Vec::new(), 0);
    while bad.len() < SINGLED_OUT_MAX {
        let mut fails = new.len();
        while fails - good > 1 {
            let middle = good + (fails - good) / 2;
            if merges_without(desk, entry, material, &without(&bad, middle)).await? {
                good = middle;
            } else {
                fails = middle;
            }
        }
        bad.push(new[fails - 1]);
        good = fails;
        if good == new.len() || merges_without(desk, entry, material, &bad).await? {
            return Ok(Some(bad));
        }
    }
    Ok(Some(without(&bad, good)))
}

/// Tries whether the household can be merged without some changes and what builds on them.
async fn merges_without(
    desk: &Desk<'_>,
    entry: &Cached,
    material: &Material,
    bad: &[ChangeHash],
) -> Result<bool, StoreError> {
    let mut out: BTreeSet<ChangeHash> = bad.iter().copied().collect();
    let mut kept = |entries: &[Entry]| -> Vec<Entry> {
        let builds_on = |entry: &&Entry| {
            let of = guard(&entry.logged.chunk);
            let dropped = out.contains(&entry.logged.hash)
                || of.is_ok_and(|of| of.dependencies().iter().any(|dep| out.contains(dep)));
            if dropped {
                out.insert(entry.logged.hash);
            }
            !dropped
        };
        entries.iter().filter(builds_on).cloned().collect()
    };
    let (changes, side) = (kept(&material.changes), kept(&material.side));
    let rest = Material { changes, side, ..Material::default() };
    Ok(matches!(ask(desk, entry, rest).await?, Some(Answer::Stood { .. })))
}
