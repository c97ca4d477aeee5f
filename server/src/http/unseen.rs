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

/// Units that take turns apart.
const TURNS: usize = 64;

/// How long an answer waits for a worker to look at what our own reading objects to: nobody's receipt
/// waits for a stranger's bomb. What is not looked at by then comes with a later sync.
const WORKER_WAIT: Duration = Duration::from_millis(100);

/// What this process has looked at itself, up to which position of a unit's log.
#[derive(Debug)]
pub(crate) struct LookedAt {
    sound: Kept<DocumentId, String, i64>,
    /// Of what it objects to only a worker can say what becomes of it.
    unsound: Kept<DocumentId, String, i64>,
    /// Phones that are sent the same at the same time do not all look at it: those of one unit take
    /// turns, and of some others.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

impl Default for LookedAt {
    fn default() -> Self {
        let (sound, unsound) = (Kept::new(LOOKED_AT_KEPT), Kept::new(LOOKED_AT_KEPT));
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self { sound, unsound, turns }
    }
}

impl LookedAt {
    /// Tells whether a household was found sound up to a position of a unit's log.
    pub(crate) fn is_sound(&self, document: &DocumentId, unit: &String, position: i64) -> bool {
        self.sound.at(document, unit).is_some_and(|at| at >= position)
    }

    fn turn(&self, unit: &str) -> &tokio::sync::Mutex<()> {
        let sum: usize = unit.bytes().map(usize::from).sum();
        &self.turns[sum % TURNS]
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
    let (known, mut sound) = (&app.looked_at, BTreeSet::new());
    let all: Vec<(DocumentId, i64)> = unseen.into_iter().collect();
    for some in all.chunks(AT_ONCE) {
        // Anew for each few: nobody keeps the others waiting with all that is new to it.
        let _turn = known.turn(unit).lock().await;
        let mut new = Vec::new();
        for (document, position) in some {
            if known.is_sound(document, unit, *position) {
                sound.insert(*document);
            } else if !known.is_unsound(document, unit, *position) {
                new.push(*document);
            }
        }
        if new.is_empty() {
            continue;
        }
        let materials = app.store.material(campaign, &new, From::Log).await?;
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
            let kept = if is_sound { &known.sound } else { &known.unsound };
            kept.put(document, unit.clone(), position);
            sound.extend(is_sound.then_some(document));
        }
    }
    let unsound = all.into_iter().map(|(document, _)| document);
    let unsound: Vec<DocumentId> = unsound.filter(|document| !sound.contains(document)).collect();
    if !unsound.is_empty() {
        let fresh = app.materialiser.fresh(campaign, &unsound);
        if let Ok(Err(error)) = tokio::time::timeout(WORKER_WAIT, fresh).await {
            tracing::warn!(error = %error, "new changes are not sent on yet");
        }
    }
    Ok(unsound.into_iter().collect())
}
