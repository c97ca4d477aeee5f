//! Whose work it is that comes without a signature: only what was written under actors that first came
//! on the same device's tickets is taken.

use std::collections::{BTreeMap, BTreeSet};

use shared::id::{Actor, CampaignId, DeviceId, DocumentId};

use super::place::by_campaign;
use super::{Provenance, Work};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::material::AT_ONCE;
use crate::store::writer::Writer;

/// The author of every document's first change: nobody.
const NOBODY: Actor = Actor([0; 16]);

/// Who wrote in the households that such work is for.
#[derive(Debug, Default)]
pub(super) struct Writers {
    of: BTreeMap<(CampaignId, DocumentId, Actor), Writer>,
    signing: BTreeSet<Actor>,
}

impl Writers {
    /// Reads who wrote in the households that unsigned work of these requests is for. Their units
    /// must be locked.
    pub(super) async fn load(&mut self, tx: &mut Tx, works: &[&Work]) -> Result<(), StoreError> {
        let (mut documents, mut actors) = (BTreeSet::new(), BTreeSet::new());
        for work in works {
            let unsigned = |of: &&super::Incoming| of.provenance == Provenance::Session;
            let changes = work.batches.iter().filter(unsigned).flat_map(|of| &of.batch.changes);
            for verified in changes.flatten() {
                documents.insert((work.campaign, verified.document()));
                actors.insert(verified.change().actor());
            }
        }
        for (campaign, documents) in by_campaign(documents) {
            for documents in documents.chunks(AT_ONCE) {
                for (document, actor, writer) in tx.change_writers(campaign, documents).await? {
                    self.of.entry((campaign, document, actor)).or_insert(writer);
                }
            }
        }
        for actors in actors.into_iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            self.signing.extend(tx.actors_signed(actors).await?);
        }
        Ok(())
    }

    /// Tells whether an actor is somebody else's than a ticket's device, and notes it as the device's
    /// where nobody wrote under it yet. Who wrote in the household under it first, holds: what is
    /// signed elsewhere afterwards makes nobody's work foreign.
    pub(super) fn is_foreign(
        &mut self,
        campaign: CampaignId,
        document: DocumentId,
        actor: Actor,
        device: DeviceId,
    ) -> bool {
        if actor == NOBODY {
            return true;
        }
        let own = Writer::Ticket(device);
        let new = if self.signing.contains(&actor) { Writer::Signed } else { own };
        *self.of.entry((campaign, document, actor)).or_insert(new) != own
    }
}
