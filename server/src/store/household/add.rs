//! Households that are added: those of an opening list, and those that phones register.

use shared::id::{CampaignId, DocumentId, HouseholdId};

use super::super::StoreError;
use super::super::backend::{Tx, Val, vals};
use super::super::rows::Rows;

/// A household being registered.
#[derive(Debug, Clone)]
pub(crate) struct NewHousehold<'a> {
    pub(crate) document: DocumentId,
    pub(crate) household: HouseholdId,
    pub(crate) unit: &'a str,
    pub(crate) hamlet: &'a str,
    pub(crate) code: &'a str,
    pub(crate) opening_class: &'a str,
    pub(crate) opening_dtts: bool,
    pub(crate) opening_paper: &'a str,
    pub(crate) opening_members: u32,
}

impl Tx {
    /// Registers households; one that is known stays as it is.
    pub(crate) async fn household_add_new<'a>(
        &mut self,
        campaign: CampaignId,
        new: impl Iterator<Item = NewHousehold<'a>>,
    ) -> Result<(), StoreError> {
        let rows = new.map(|new| new.row(campaign)).collect();
        self.run_rows(ADD, rows).await.map(drop)
    }

    /// Registers households whose documents are new.
    pub(crate) async fn household_add_all(
        &mut self,
        campaign: CampaignId,
        new: &[NewHousehold<'_>],
    ) -> Result<(), StoreError> {
        let count = u64::try_from(new.len()).unwrap_or(u64::MAX);
        let rows = new.iter().map(|new| new.row(campaign)).collect();
        if self.run_rows(ADD, rows).await? == count { Ok(()) } else { Err(StoreError::Damaged) }
    }
}

/// A household whose document or code is known stays as it is.
const ADD: Rows = Rows {
    before: "insert into household (document, campaign, household, unit, hamlet, code,
        opening_class, opening_dtts, opening_paper, opening_members, last_position) values",
    after: "on conflict do nothing",
};

impl NewHousehold<'_> {
    fn row(&self, campaign: CampaignId) -> Vec<Val> {
        vals![
            self.document,
            campaign,
            self.household,
            self.unit,
            self.hamlet,
            self.code,
            self.opening_class,
            self.opening_dtts,
            self.opening_paper,
            i64::from(self.opening_members),
            0
        ]
    }
}
