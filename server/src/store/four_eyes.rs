//! Decisions of offices in households, who countersigned them, and whether a campaign asks for that.

use shared::four_eyes::{Decided, Member};
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId};

use super::backend::{Row, Tx, Val, vals};
use super::rows::Rows;
use super::{Store, StoreError};
use crate::ingest::desk::OPENING_LIST;

/// A decision of an office about one household.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct OfficeDecision {
    /// Document id.
    #[schema(value_type = String)]
    pub(crate) document: DocumentId,
    /// Code on the opening list, empty for one a phone registered.
    pub(crate) code: String,
    /// The change it became.
    #[schema(value_type = String)]
    pub(crate) hash: ChangeHash,
    #[serde(skip)]
    pub(crate) account: AccountId,
    /// Who decided.
    pub(crate) by: String,
    /// Why.
    pub(crate) note: String,
    pub(crate) at_ms: i64,
    /// Member of the steering committee who countersigned.
    pub(crate) member: Option<String>,
    /// What that person is there.
    pub(crate) title: Option<String>,
}

impl OfficeDecision {
    /// Returns what matters for who has seen it.
    pub(crate) fn decided(&self) -> Decided {
        Decided { by: self.account, countersigned: self.member.is_some() }
    }
}

/// A paper form that was typed is no decision, and neither is the opening list.
const DECISIONS: &str = "
    select change.document, change.hash, change.account, change.note, change.received_at_ms,
        household.code, account.full_name, countersignature.member, countersignature.title
    from change join account on account.id = change.account
    join household on household.document = change.document
    left join countersignature on countersignature.campaign = change.campaign
        and countersignature.document = change.document
        and countersignature.hash = change.hash
    where change.campaign = $1 and change.unit = $2 and change.provenance = 'desk'
    and change.fate = 'accepted' and change.note <> $3 and not exists
        (select 1 from paper_entry where paper_entry.campaign = change.campaign
        and paper_entry.document = change.document and paper_entry.hash = change.hash)
    order by change.position";

const RULE: &str =
    "select required, source from four_eyes where campaign = $1 order by position desc limit 1";

fn decision(row: &Row) -> Result<OfficeDecision, StoreError> {
    Ok(OfficeDecision {
        document: row.id("document")?,
        code: row.get("code")?,
        hash: row.id("hash")?,
        account: row.id("account")?,
        by: row.get("full_name")?,
        note: row.get("note")?,
        at_ms: row.get("received_at_ms")?,
        member: row.get("member")?,
        title: row.get("title")?,
    })
}

fn rule(row: Option<Row>) -> Result<(bool, String), StoreError> {
    let Some(row) = row else { return Ok((false, String::new())) };
    Ok((row.get::<i64>("required")? == 1, row.get("source")?))
}

impl Store {
    /// Lists what offices decided in a unit's households, oldest first.
    pub(crate) async fn office_decisions(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<OfficeDecision>, StoreError> {
        let rows = self.db.all(DECISIONS, vals![campaign, unit, OPENING_LIST]).await?;
        rows.iter().map(decision).collect()
    }

    /// Tells whether a campaign asks for a second person behind each decision, and where it says so.
    pub(crate) async fn four_eyes_get(
        &self,
        campaign: CampaignId,
    ) -> Result<(bool, String), StoreError> {
        rule(self.db.one(RULE, vals![campaign]).await?)
    }

    /// Says whether a campaign asks for it.
    pub(crate) async fn four_eyes_add(
        &self,
        campaign: CampaignId,
        (required, source): (bool, &str),
        by: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into four_eyes (campaign, position, required, source, account, at_ms)
            select $1, coalesce(max(position), 0) + 1, $2, cast($3 as text), $4, $5
            from four_eyes where campaign = $1";
        let mut tx = self.begin().await?;
        // One at a time: two would take the same position.
        tx.run("update campaign set name = name where id = $1", vals![campaign]).await?;
        tx.run(SQL, vals![campaign, i64::from(required), source, by, now_ms]).await?;
        tx.commit().await
    }

    /// Records that a member of the committee countersigned decisions; the first one counts.
    pub(crate) async fn countersign(
        &self,
        (campaign, unit): (CampaignId, &str),
        decisions: &[(DocumentId, ChangeHash)],
        member: &Member,
        (by, now_ms): (AccountId, i64),
    ) -> Result<(), StoreError> {
        const SQL: Rows = Rows {
            before: "insert into countersignature
                (campaign, unit, document, hash, member, title, account, at_ms) values",
            after: "on conflict do nothing",
        };
        let row = |(document, hash): &(DocumentId, ChangeHash)| -> Vec<Val> {
            vals![campaign, unit, *document, *hash, &member.name, &member.title, by, now_ms]
        };
        let mut tx = self.begin().await?;
        tx.run_rows(SQL, decisions.iter().map(row).collect()).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Lists what offices decided in a unit's households.
    pub(crate) async fn office_decisions(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<OfficeDecision>, StoreError> {
        let rows = self.all(DECISIONS, vals![campaign, unit, OPENING_LIST]).await?;
        rows.iter().map(decision).collect()
    }

    /// Tells whether a campaign asks for a second person behind each decision.
    pub(crate) async fn four_eyes_required(
        &mut self,
        campaign: CampaignId,
    ) -> Result<bool, StoreError> {
        let row = self.all(RULE, vals![campaign]).await?.into_iter().next();
        Ok(rule(row)?.0)
    }
}
