//! Whose the actors are that a client without a signature writes under.

use shared::id::{Actor, CampaignId, DeviceId, DocumentId};

use super::StoreError;
use super::backend::{Tx, vals};
use super::change::NewChange;
use super::material::{in_list, padded};

/// Who wrote under an actor in a household.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A client on a ticket of this device.
    Ticket(DeviceId),
    /// Somebody who signs, or an office.
    Signed,
}

impl Tx {
    /// Lists who wrote in at most [`super::material::AT_ONCE`] households, the first first. What was
    /// set aside because it was somebody else's says nothing about whose it is.
    pub(crate) async fn change_writers(
        &mut self,
        campaign: CampaignId,
        documents: &[DocumentId],
    ) -> Result<Vec<(DocumentId, Actor, Writer)>, StoreError> {
        const SQL: &str = concat!(
            "select document, actor, provenance, device from change
            where campaign = $1 and reason <> 'actor-foreign' and fate <> 'quarantined'
            and document in ",
            in_list!(),
            " order by received_at_ms, hash"
        );
        let mut of = vals![campaign];
        of.extend(padded(documents));
        let rows = self.all(SQL, of).await?;
        rows.iter()
            .map(|row| {
                let writer = match row.get::<String>("provenance")?.as_str() {
                    "session" => Writer::Ticket(row.id("device")?),
                    _ => Writer::Signed,
                };
                Ok((row.id("document")?, row.id("actor")?, writer))
            })
            .collect()
    }

    /// Notes who has now brought a change that was set aside because it was somebody else's.
    pub(crate) async fn change_brought(
        &mut self,
        campaign: CampaignId,
        new: &NewChange<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            update change set provenance = $4, device = $5, account = $6, typed_by = $7,
                manifest = $8
            where campaign = $1 and document = $2 and hash = $3 and reason = 'actor-foreign'";
        let by = vals![
            campaign,
            new.document,
            new.hash,
            new.provenance,
            new.device,
            new.account,
            new.typed_by,
            new.manifest
        ];
        self.run(SQL, by).await.map(drop)
    }

    /// Lists which of at most [`super::material::AT_ONCE`] actors signed changes have come under.
    pub(crate) async fn actors_signed(
        &mut self,
        actors: &[Actor],
    ) -> Result<Vec<Actor>, StoreError> {
        const SQL: &str =
            concat!("select actor from installation where signed = $1 and actor in ", in_list!());
        let mut of = vals![1];
        of.extend(padded(actors));
        self.all(SQL, of).await?.iter().map(|row| row.id("actor")).collect()
    }
}
