//! Whole households for somebody who has nothing of them yet.

use shared::id::{CampaignId, DocumentId, HouseholdId};

use super::backend::vals;
use super::{Store, StoreError};

/// A household as one document, for somebody who has nothing of it yet.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) document: DocumentId,
    pub(crate) household: HouseholdId,
    pub(crate) hamlet: String,
    pub(crate) code: String,
    /// The document as Automerge saved it; absent where none was saved.
    pub(crate) saved: Option<Vec<u8>>,
    /// Accepted chunks of the main branch that are not in the document, ancestors first.
    pub(crate) later: Vec<Vec<u8>>,
}

impl Store {
    /// Reads whole households of a unit in the order of their documents, at most `limit` after one
    /// document, of all hamlets or of those named as in [`Store::change_after`].
    pub(crate) async fn snapshot_after(
        &self,
        campaign: CampaignId,
        unit: &str,
        hamlets: &str,
        after: Option<DocumentId>,
        limit: i64,
    ) -> Result<Vec<Whole>, StoreError> {
        const SQL: &str = "
            with page as (
                select document, household, hamlet, code from household
                where campaign = $1 and unit = $2 and document > $3 and last_position > 0
                and ($4 = '' or replace($4, ',' || hamlet || ',', '') <> $4)
                order by document limit $5)
            select page.document, page.household, page.hamlet, page.code, change.chunk
            from page join change on change.campaign = $1 and change.document = page.document
            where change.fate = 'accepted' and change.side = 0
            order by page.document, change.position";
        let after = after.map_or(Vec::new(), |document| document.0.to_vec());
        let mut whole: Vec<Whole> = Vec::new();
        for row in self.db.all(SQL, vals![campaign, unit, after, hamlets, limit]).await? {
            let document: DocumentId = row.id("document")?;
            if whole.last().is_none_or(|last| last.document != document) {
                let (household, hamlet) = (row.id("household")?, row.get("hamlet")?);
                let (code, later) = (row.get("code")?, Vec::new());
                whole.push(Whole { document, household, hamlet, code, saved: None, later });
            }
            if let Some(last) = whole.last_mut() {
                last.later.push(row.get("chunk")?);
            }
        }
        Ok(whole)
    }
}
