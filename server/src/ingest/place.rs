//! Where the changes of a group of requests belong: households known and new, and who was given them.

use std::collections::{BTreeMap, BTreeSet};

use mobile_schema::frame::NewHousehold as Declared;
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id};

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
        let (mut changed, mut people) = (BTreeSet::new(), BTreeSet::new());
        // In one order, so that two processes that were sent the same do not wait for each other.
        let mut declared = BTreeMap::new();
        for (work, incoming) in incoming_of(works) {
            let manifest = &incoming.batch.manifest;
            let documents = manifest.changes.iter().map(|(document, _)| DocumentId(**document));
            changed.extend(documents.map(|document| (work.campaign, document)));
            for new in &manifest.households {
                let document = document_id(work.campaign, HouseholdId(*new.household));
                declared.entry((work.campaign, document)).or_insert(new);
            }
            let all = incoming.people.iter().chain([&incoming.account]);
            people.extend(all.map(|account| (work.campaign, *account)));
        }
        let named = changed.iter().chain(declared.keys()).copied().collect();
        let known = self.find(tx, named, &changed).await?;
        // No hamlet code holds NUL, and PostgreSQL would not even look for one.
        declared.retain(|key, new| !known.contains(key) && !new.hamlet.contains('\0'));
        let declared = declared.into_iter().map(|((of, document), new)| (of, (document, new)));
        for (campaign, declared) in by_campaign(declared) {
            for declared in declared.chunks(AT_ONCE) {
                register(tx, campaign, declared).await?;
                let named = declared.iter().map(|(document, _)| (campaign, *document)).collect();
                self.find(tx, named, &changed).await?;
            }
        }
        for (campaign, accounts) in by_campaign(people) {
            for accounts in accounts.chunks(AT_ONCE) {
                for (account, given) in tx.assignment_ever(campaign, accounts).await? {
                    self.assigned.entry((campaign, account)).or_default().insert(given);
                }
            }
        }
        Ok(())
    }

    /// Finds which of these households there are, and where those belong that are changed.
    async fn find(
        &mut self,
        tx: &mut Tx,
        documents: BTreeSet<(CampaignId, DocumentId)>,
        changed: &BTreeSet<(CampaignId, DocumentId)>,
    ) -> Result<BTreeSet<(CampaignId, DocumentId)>, StoreError> {
        let mut known = BTreeSet::new();
        for (campaign, documents) in by_campaign(documents) {
            for documents in documents.chunks(AT_ONCE) {
                for at in tx.household_get_all(campaign, documents).await? {
                    let key = (campaign, at.document);
                    known.insert(key);
                    if changed.contains(&key) {
                        self.units.entry((campaign, at.unit.clone())).or_default();
                        self.documents.insert(key, Document::new(at));
                    }
                }
            }
        }
        Ok(known)
    }
}

/// Registers those of at most [`AT_ONCE`] households that are declared in a hamlet there is.
async fn register(
    tx: &mut Tx,
    campaign: CampaignId,
    declared: &[(DocumentId, &Declared)],
) -> Result<(), StoreError> {
    let codes: Vec<&str> = declared.iter().map(|(_, new)| new.hamlet.as_str()).collect();
    let units = tx.hamlet_units(campaign, &codes).await?;
    let rows = declared.iter().filter_map(|(document, new)| {
        Some(NewHousehold {
            document: *document,
            household: HouseholdId(*new.household),
            unit: units.get(&new.hamlet)?,
            hamlet: &new.hamlet,
            code: "",
            opening_class: "",
            opening_dtts: false,
            opening_paper: "",
            opening_members: 0,
        })
    });
    tx.household_add_new(campaign, rows).await?;
    let documents: Vec<DocumentId> = declared.iter().map(|(document, _)| *document).collect();
    tx.change_rehome(campaign, &documents).await
}

/// Lists every batch with the request that brought it.
fn incoming_of<'a>(works: &'a [&'a Work]) -> impl Iterator<Item = (&'a Work, &'a Incoming)> {
    works.iter().flat_map(|work| work.batches.iter().map(move |incoming| (*work, incoming)))
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
