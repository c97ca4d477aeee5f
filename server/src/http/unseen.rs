//! Households with changes that no worker has looked at yet, looked at before others are sent them: a
//! client stops on what the library stops on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::id::{CampaignId, DocumentId};
use shared::references::are_sound;

use crate::app::App;
use crate::kept::Kept;
use crate::store::StoreError;
use crate::store::material::{AT_ONCE, From, Material};

/// Households remembered as looked at: about a hundred bytes each.
const LOOKED_AT_KEPT: usize = 16_384;

/// How long an answer waits for a worker to look at what our own reading objects to: nobody's receipt
/// waits for a stranger's bomb. What is not looked at by then comes with a later sync.
const WORKER_WAIT: Duration = Duration::from_millis(100);

/// What this process has looked at itself, up to which position of a unit's log.
#[derive(Debug)]
pub(crate) struct LookedAt {
    sound: Kept<DocumentId, String, i64>,
    /// Of what it objects to only a worker can say what becomes of it.
    unsound: Kept<DocumentId, String, i64>,
    /// Phones that are sent the same at the same time do not all look at it.
    turn: tokio::sync::Mutex<()>,
}

impl Default for LookedAt {
    fn default() -> Self {
        let (sound, unsound) = (Kept::new(LOOKED_AT_KEPT), Kept::new(LOOKED_AT_KEPT));
        Self { sound, unsound, turn: tokio::sync::Mutex::default() }
    }
}

impl LookedAt {
    /// Tells whether a household was found sound up to a position of a unit's log.
    pub(crate) fn is_sound(&self, document: &DocumentId, unit: &String, position: i64) -> bool {
        self.sound.at(document, unit).is_some_and(|at| at >= position)
    }

    fn is_unsound(&self, document: &DocumentId, unit: &String, position: i64) -> bool {
        self.unsound.at(document, unit).is_some_and(|at| at >= position)
    }
}

/// Looks at households, each with the newest position of a unit's log that no worker has looked at.
/// Returns those of which something may not be sent; a worker sets that aside.
pub(super) async fn unsound(
    app: &App,
    campaign: CampaignId,
    unit: &String,
    unseen: BTreeMap<DocumentId, i64>,
) -> Result<BTreeSet<DocumentId>, StoreError> {
    if unseen.is_empty() {
        return Ok(BTreeSet::new());
    }
    let turn = app.looked_at.turn.lock().await;
    let is_new = |(document, position): &(DocumentId, i64)| {
        let known = &app.looked_at;
        !known.is_sound(document, unit, *position) && !known.is_unsound(document, unit, *position)
    };
    let new = unseen.iter().map(|(document, position)| (*document, *position)).filter(is_new);
    let new: Vec<DocumentId> = new.map(|(document, _)| document).collect();
    for documents in new.chunks(AT_ONCE) {
        let materials = app.store.material(campaign, documents, From::Log).await?;
        let check = move || {
            let look = |(document, material): (DocumentId, Material)| {
                let log = material.changes.iter().map(|entry| &entry.logged);
                let log = log.map(|logged| (logged.hash, logged.chunk.as_slice()));
                (document, material.position, are_sound(log))
            };
            materials.into_iter().map(look).collect::<Vec<_>>()
        };
        let looked = tokio::task::spawn_blocking(check).await;
        for (document, position, is_sound) in looked.map_err(|_| StoreError::Damaged)? {
            let LookedAt { sound, unsound, .. } = &app.looked_at;
            let kept = if is_sound { sound } else { unsound };
            kept.put(document, unit.clone(), position);
        }
    }
    drop(turn);
    let is_unsound = |(document, position): &(DocumentId, i64)| {
        !app.looked_at.is_sound(document, unit, *position)
    };
    let unsound: Vec<DocumentId> =
        unseen.into_iter().filter(is_unsound).map(|(document, _)| document).collect();
    if !unsound.is_empty() {
        let fresh = app.materialiser.fresh(campaign, &unsound);
        if let Ok(Err(error)) = tokio::time::timeout(WORKER_WAIT, fresh).await {
            tracing::warn!(error = %error, "new changes are not sent on yet");
        }
    }
    Ok(unsound.into_iter().collect())
}
