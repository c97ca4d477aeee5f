//! Decisions of offices in households, who countersigned them, and whether a campaign asks for that.

use std::collections::BTreeMap;

use shared::four_eyes::{Decided, Member};
use shared::id::{AccountId, CampaignId, ChangeHash, DocumentId, sha256};

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
    /// `answer`, `linked` or `unlinked`.
    pub(crate) kind: String,
    /// The change it became; of a merge, what names it.
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

/// Merges of two registrations and their undoing, where the household that stays is now.
const MERGES: &str = "
    select pair_decision.one, pair_decision.other, pair_decision.position, pair_decision.kind,
        pair_decision.account, pair_decision.reason, pair_decision.at_ms, household.code,
        account.full_name
    from pair_decision join account on account.id = pair_decision.account
    join household on household.document = pair_decision.one
    where pair_decision.campaign = $1 and household.unit = $2 and pair_decision.fate = 'taken'
    and pair_decision.kind in ('linked', 'unlinked') order by pair_decision.position";

const SIGNED: &str = "
    select countersignature.document, countersignature.hash, countersignature.member,
        countersignature.title
    from countersignature join household on household.document = countersignature.document
    where countersignature.campaign = $1 and household.unit = $2";

/// Names a decision about a pair as a change is named: nothing else has that name.
fn merge_name(one: DocumentId, other: DocumentId, position: i64) -> ChangeHash {
    let mut bytes = b"rasoat pair decision 1".to_vec();
    bytes.extend(one.0);
    bytes.extend(other.0);
    bytes.extend(position.to_be_bytes());
    ChangeHash(sha256(&bytes))
}

/// Puts a unit's decisions together: answers settled, then merges.
fn all_decisions(
    answers: &[Row],
    merges: &[Row],
    signed: &[Row],
) -> Result<Vec<OfficeDecision>, StoreError> {
    let mut all: Vec<OfficeDecision> = answers.iter().map(decision).collect::<Result<_, _>>()?;
    let mut members: BTreeMap<(DocumentId, ChangeHash), (String, String)> = BTreeMap::new();
    for row in signed {
        let key = (row.id("document")?, row.id("hash")?);
        members.insert(key, (row.get("member")?, row.get("title")?));
    }
    for row in merges {
        let (document, other) = (row.id("one")?, row.id("other")?);
        let hash = merge_name(document, other, row.get("position")?);
        let (member, title) = members.remove(&(document, hash)).unzip();
        all.push(OfficeDecision {
            document,
            code: row.get("code")?,
            kind: row.get("kind")?,
            hash,
            account: row.id("account")?,
            by: row.get("full_name")?,
            note: row.get("reason")?,
            at_ms: row.get("at_ms")?,
            member,
            title,
        });
    }
    Ok(all)
}

const RULE: &str =
    "select required, source from four_eyes where campaign = $1 order by position desc limit 1";

fn decision(row: &Row) -> Result<OfficeDecision, StoreError> {
    Ok(OfficeDecision {
        document: row.id("document")?,
        code: row.get("code")?,
        kind: "answer".to_owned(),
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
        let answers = self.db.all(DECISIONS, vals![campaign, unit, OPENING_LIST]).await?;
        let merges = self.db.all(MERGES, vals![campaign, unit]).await?;
        let signed = self.db.all(SIGNED, vals![campaign, unit]).await?;
        all_decisions(&answers, &merges, &signed)
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
}

impl Tx {
    /// Records that a member of the committee countersigned decisions; the first one counts. The
    /// campaign must be locked.
    pub(crate) async fn countersign(
        &mut self,
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
        self.run_rows(SQL, decisions.iter().map(row).collect()).await.map(drop)
    }

    /// Lists what offices decided in a unit's households.
    pub(crate) async fn office_decisions(
        &mut self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<OfficeDecision>, StoreError> {
        let answers = self.all(DECISIONS, vals![campaign, unit, OPENING_LIST]).await?;
        let merges = self.all(MERGES, vals![campaign, unit]).await?;
        let signed = self.all(SIGNED, vals![campaign, unit]).await?;
        all_decisions(&answers, &merges, &signed)
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
