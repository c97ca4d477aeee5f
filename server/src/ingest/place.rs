//! Where the changes of a group of requests belong: households known and new, and who was given them.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame;
use shared::id::{AccountId, CampaignId, DocumentId, HouseholdId, document_id};

use super::document::Document;
use super::ledger::Ledger;
use super::{Incoming, Work};
use crate::store::StoreError;
use crate::store::backend::Tx;
use crate::store::household::NewHousehold;
use crate::store::material::AT_ONCE;

impl Ledger {
    /// Finds where each document of these requests belongs, registering the new households they
    /// declare, and what their people were ever given.
    pub(super) async fn place(&mut self, tx: &mut Tx, works: &[&Work]) -> Result<(), StoreError> {
        let mut named: BTreeSet<(CampaignId, DocumentId)> = BTreeSet::new();
        let mut people: BTreeSet<(CampaignId, AccountId)> = BTreeSet::new();
        for (work, incoming) in incoming_of(works) {
            let manifest = &incoming.batch.manifest;
            let changed = manifest.changes.iter().map(|(document, _)| DocumentId(**document));
            let declared = declared(work, incoming).map(|(document, _)| document);
            named.extend(changed.chain(declared).map(|document| (work.campaign, document)));
            people.insert((work.campaign, incoming.account));
        }
        self.find(tx, named).await?;
        let mut added = BTreeSet::new();
        for (work, incoming) in incoming_of(works) {
            for (document, new) in declared(work, incoming) {
                // No hamlet code holds NUL, and PostgreSQL would not even look for one.
                let is_known = self.documents.contains_key(&(work.campaign, document));
                if is_known || new.hamlet.contains('\0') {
                    continue;
                }
                let Some(unit) = tx.hamlet_unit(work.campaign, &new.hamlet).await? else {
                    continue;
                };
                let row = NewHousehold {
                    document,
                    household: HouseholdId(*new.household),
                    unit: &unit,
                    hamlet: &new.hamlet,
                    code: "",
                    opening_class: "",
                    opening_dtts: false,
                    opening_paper: "",
                };
                if tx.household_add(work.campaign, &row).await? {
                    tx.change_rehome(work.campaign, document, &unit).await?;
                }
                added.insert((work.campaign, document));
            }
        }
        self.find(tx, added).await?;
        for (campaign, accounts) in by_campaign(people) {
            for accounts in accounts.chunks(AT_ONCE) {
                for (account, given) in tx.assignment_ever(campaign, accounts).await? {
                    self.assigned.entry((campaign, account)).or_default().insert(given);
                }
            }
        }
        Ok(())
    }

    /// Finds households by their documents.
    async fn find(
        &mut self,
        tx: &mut Tx,
        documents: BTreeSet<(CampaignId, DocumentId)>,
    ) -> Result<(), StoreError> {
        for (campaign, documents) in by_campaign(documents) {
            for documents in documents.chunks(AT_ONCE) {
                for at in tx.household_get_all(campaign, documents).await? {
                    self.units.entry((campaign, at.unit.clone())).or_default();
                    self.documents.insert((campaign, at.document), Document::new(at));
                }
            }
        }
        Ok(())
    }
}

/// Lists every batch with the request that brought it.
fn incoming_of<'a>(works: &'a [&'a Work]) -> impl Iterator<Item = (&'a Work, &'a Incoming)> {
    works.iter().flat_map(|work| work.batches.iter().map(move |incoming| (*work, incoming)))
}

/// Lists the households that a batch declares, with their documents.
fn declared<'a>(
    work: &'a Work,
    incoming: &'a Incoming,
) -> impl Iterator<Item = (DocumentId, &'a frame::NewHousehold)> {
    let of = |new: &frame::NewHousehold| document_id(work.campaign, HouseholdId(*new.household));
    incoming.batch.manifest.households.iter().map(move |new| (of(new), new))
}

/// Sorts ids by their campaign.
pub(super) fn by_campaign<T>(
    ids: impl IntoIterator<Item = (CampaignId, T)>,
) -> BTreeMap<CampaignId, Vec<T>> {
    let mut sorted: BTreeMap<CampaignId, Vec<T>> = BTreeMap::new();
    for (campaign, id) in ids {
        sorted.entry(campaign).or_default().push(id);
    }
    sorted
}
