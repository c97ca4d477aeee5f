//! What district and commune write to each other about households of a list.

use shared::id::{AccountId, CampaignId, Digest, DocumentId};
use shared::remark::Remark;

use super::backend::{Row, Tx, vals};
use super::{Store, StoreError};

/// A remark as it was written.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Written {
    /// Position among the unit's remarks, from 1.
    pub(crate) position: i64,
    /// List that the comment is about.
    #[schema(value_type = String)]
    pub(crate) root: Digest,
    /// The household.
    #[schema(value_type = String)]
    pub(crate) document: DocumentId,
    /// `comment`, `answer` or `done`.
    #[schema(value_type = String)]
    pub(crate) kind: Remark,
    /// Position of the comment that is answered; 0 for a comment.
    pub(crate) about: i64,
    /// The text.
    pub(crate) text: String,
    /// Name of who wrote it.
    pub(crate) by: String,
    /// When.
    pub(crate) at_ms: i64,
}

/// A remark being kept.
#[derive(Debug)]
pub(crate) struct NewRemark<'a> {
    pub(crate) root: Digest,
    pub(crate) document: DocumentId,
    pub(crate) kind: Remark,
    pub(crate) about: i64,
    pub(crate) text: &'a str,
    pub(crate) by: AccountId,
    pub(crate) at_ms: i64,
}

fn written(row: &Row) -> Result<Written, StoreError> {
    let kind: String = row.get("kind")?;
    Ok(Written {
        position: row.get("position")?,
        root: row.id("root")?,
        document: row.id("document")?,
        kind: Remark::from_name(&kind).ok_or(StoreError::Damaged)?,
        about: row.get("about")?,
        text: row.get("text")?,
        by: row.get("full_name")?,
        at_ms: row.get("at_ms")?,
    })
}

/// Reads remarks with who wrote them; what follows says which.
macro_rules! remark_sql {
    ($which:literal) => {
        concat!(
            "select remark.*, account.full_name from remark
            join account on account.id = remark.account where remark.campaign = $1 and ",
            $which,
            " order by remark.position"
        )
    };
}

impl Store {
    /// Lists a unit's remarks, oldest first.
    pub(crate) async fn remark_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Written>, StoreError> {
        const SQL: &str = remark_sql!("remark.unit = $2");
        self.db.all(SQL, vals![campaign, unit]).await?.iter().map(written).collect()
    }

    /// Lists the remarks about a household, oldest first.
    pub(crate) async fn remark_of(
        &self,
        campaign: CampaignId,
        document: DocumentId,
    ) -> Result<Vec<Written>, StoreError> {
        const SQL: &str = remark_sql!("remark.document = $2");
        self.db.all(SQL, vals![campaign, document]).await?.iter().map(written).collect()
    }
}

impl Tx {
    /// Lists a unit's remarks, oldest first; the unit's log must be locked.
    pub(crate) async fn remark_list(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Written>, StoreError> {
        const SQL: &str = remark_sql!("remark.unit = $2");
        self.all(SQL, vals![campaign, unit]).await?.iter().map(written).collect()
    }

    /// Keeps a remark and returns its position; the unit's log must be locked.
    ///
    /// What somebody has just said about a household is not said again: a form sent twice.
    pub(crate) async fn remark_add(
        &mut self,
        campaign: CampaignId,
        unit: &str,
        new: &NewRemark<'_>,
    ) -> Result<i64, StoreError> {
        const LAST: &str = "
            select coalesce(max(position), 0) as position from remark
            where campaign = $1 and unit = $2";
        const SAME: &str = "
            select position from remark
            where campaign = $1 and unit = $2 and document = $3 and position =
                (select max(position) from remark
                where campaign = $1 and unit = $2 and document = $3)
            and account = $4 and kind = $5 and about = $6 and text = $7 and root = $8";
        const ADD: &str = "
            insert into remark
                (campaign, unit, position, root, document, kind, about, text, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        let (kind, about, root) = (new.kind.name(), new.about, new.root);
        let same = vals![campaign, unit, new.document, new.by, kind, about, new.text, root];
        if let Some(row) = self.one(SAME, same).await? {
            return row.get("position");
        }
        let row = self.one(LAST, vals![campaign, unit]).await?;
        let last: i64 = row.map_or(Ok(0), |row| row.get("position"))?;
        let row = vals![
            campaign,
            unit,
            last + 1,
            root,
            new.document,
            kind,
            about,
            new.text,
            new.by,
            new.at_ms
        ];
        self.run(ADD, row).await?;
        Ok(last + 1)
    }
}
