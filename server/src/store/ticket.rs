//! Tickets for the standard door. Only their hashes are kept.

use shared::id::{AccountId, CampaignId, DeviceId};
use shared::limits;

use super::backend::vals;
use super::{Store, StoreError};

/// A ticket as it was issued.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    /// SHA-256 of its text.
    pub(crate) hash: [u8; 32],
    pub(crate) campaign: CampaignId,
    pub(crate) device: DeviceId,
    pub(crate) account: AccountId,
    /// The session it was asked for in.
    pub(crate) session: [u8; 16],
    /// Layout and form version the client says it writes.
    pub(crate) schema: u32,
    pub(crate) expires_at_ms: i64,
    /// The peer that used it first.
    pub(crate) sender: Option<String>,
}

impl Store {
    /// Keeps a ticket, and forgets the device's oldest.
    pub(crate) async fn ticket_add(&self, new: &Ticket, now_ms: i64) -> Result<(), StoreError> {
        const FORGET: &str = "
            delete from ticket where device = $1 and hash not in (
                select hash from ticket where device = $1
                order by made_at_ms desc, hash limit $2)";
        const ADD: &str = "
            insert into ticket (hash, campaign, device, account, session, schema, made_at_ms,
                expires_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8)";
        let mut tx = self.begin().await?;
        tx.run(FORGET, vals![new.device, limits::TICKETS_PER_DEVICE_MAX - 1]).await?;
        let row = vals![
            new.hash.as_slice(),
            new.campaign,
            new.device,
            new.account,
            new.session.as_slice(),
            i64::from(new.schema),
            now_ms,
            new.expires_at_ms
        ];
        tx.run(ADD, row).await?;
        tx.commit().await
    }

    /// Finds a ticket.
    pub(crate) async fn ticket_get(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError> {
        let sql = "select * from ticket where hash = $1";
        let Some(row) = self.db.one(sql, vals![hash.as_slice()]).await? else { return Ok(None) };
        let session: Vec<u8> = row.get("session")?;
        Ok(Some(Ticket {
            hash,
            campaign: row.id("campaign")?,
            device: row.id("device")?,
            account: row.id("account")?,
            session: session.try_into().map_err(|_| StoreError::Damaged)?,
            schema: u32::try_from(row.get::<i64>("schema")?).unwrap_or(u32::MAX),
            expires_at_ms: row.get("expires_at_ms")?,
            sender: row.get("sender")?,
        }))
    }

    /// Binds a ticket to the peer that uses it first; false where it is another's.
    pub(crate) async fn ticket_bind(
        &self,
        hash: [u8; 32],
        sender: &str,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            update ticket set sender = $2
            where hash = $1 and (sender is null or sender = $2)";
        let mut tx = self.begin().await?;
        let bound = tx.run(SQL, vals![hash.as_slice(), sender]).await? == 1;
        tx.commit().await?;
        Ok(bound)
    }
}
