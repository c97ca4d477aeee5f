//! Who is given which hamlets and which single households, now and formerly.
//!
//! A former assignment still admits work; only one in force lets anything be sent.

use std::collections::BTreeSet;

use shared::cursor::single;
use shared::id::{AccountId, CampaignId, DocumentId};

use super::backend::{Row, Tx, vals};
use super::material::{in_list, padded};
use super::{Store, StoreError};

/// What is given to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// A hamlet, by code.
    Hamlet(String),
    /// A single household.
    Household(DocumentId),
}

/// A place in somebody's scope.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// List unit.
    pub(crate) unit: String,
    /// Hamlet code, or a single household as cursors name it.
    pub(crate) name: String,
    /// Hamlet of a single household; empty for a hamlet.
    pub(crate) within: String,
}

/// Everything somebody was ever given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ever {
    pub(crate) hamlets: BTreeSet<String>,
    pub(crate) households: BTreeSet<DocumentId>,
}

impl Ever {
    /// Adds what was given.
    pub(crate) fn insert(&mut self, given: Given) {
        match given {
            Given::Hamlet(code) => self.hamlets.insert(code),
            Given::Household(document) => self.households.insert(document),
        };
    }
}

/// An assignment as offices see it.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Assignment {
    /// Hamlet code; of a single household the hamlet it is in.
    pub(crate) hamlet: String,
    /// The single household; absent for a whole hamlet.
    #[schema(value_type = Option<String>)]
    pub(crate) document: Option<DocumentId>,
    /// Code of the household on the opening list; empty for a hamlet.
    pub(crate) household: String,
    /// Sign-in name.
    pub(crate) account: String,
    /// Name on papers.
    pub(crate) full_name: String,
    /// When it was given first.
    pub(crate) from_ms: i64,
    /// When it was taken away; absent while in force.
    pub(crate) until_ms: Option<i64>,
}

/// Reads the places in force of account `$2`, and of everybody who types on device `$3`, in campaign
/// `$1`.
macro_rules! places_sql {
    () => {
        "select hamlet.unit, hamlet.code as name, '' as within
            from account join assignment on assignment.account = account.id
            join hamlet on hamlet.campaign = assignment.campaign
                and hamlet.code = assignment.hamlet
            where assignment.campaign = $1 and assignment.until_ms is null
            and account.disabled_at_ms is null
            and account.id in (select id from account where id = $2 union all
                select account from device_person where device = $3 and unbound_at_ms is null)
            and not exists (select 1 from device where id = $3 and revoked_at_ms is not null)
            union
            select household.unit, single.place, household.hamlet
            from account join household_assignment as single on single.account = account.id
            join household on household.document = single.document
            where single.campaign = $1 and single.until_ms is null
            and account.disabled_at_ms is null
            and account.id in (select id from account where id = $2 union all
                select account from device_person where device = $3 and unbound_at_ms is null)
            and not exists (select 1 from device where id = $3 and revoked_at_ms is not null)"
    };
}
pub(super) use places_sql;

/// Reads a row of places.
pub(super) fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(Place { unit: row.get("unit")?, name: row.get("name")?, within: row.get("within")? })
}

impl Store {
    /// Ends an assignment; work done under it is still taken.
    pub(crate) async fn assignment_end(
        &self,
        campaign: CampaignId,
        given: &Given,
        account: AccountId,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const HAMLET: &str = "
            update assignment set until_ms = $4
            where campaign = $1 and hamlet = $2 and account = $3 and until_ms is null";
        const HOUSEHOLD: &str = "
            update household_assignment set until_ms = $4
            where campaign = $1 and document = $2 and account = $3 and until_ms is null";
        let mut tx = self.begin().await?;
        match given {
            Given::Hamlet(code) => tx.run(HAMLET, vals![campaign, code, account, now_ms]).await?,
            Given::Household(document) => {
                tx.run(HOUSEHOLD, vals![campaign, *document, account, now_ms]).await?
            }
        };
        tx.commit().await
    }

    /// Lists a unit's assignments, former ones among them.
    pub(crate) async fn assignment_list(
        &self,
        campaign: CampaignId,
        unit: &str,
    ) -> Result<Vec<Assignment>, StoreError> {
        const HAMLETS: &str = "
            select assignment.hamlet, account.name, account.full_name, assignment.from_ms,
                assignment.until_ms
            from assignment join account on account.id = assignment.account
            join hamlet on hamlet.campaign = assignment.campaign
                and hamlet.code = assignment.hamlet
            where assignment.campaign = $1 and hamlet.unit = $2
            order by assignment.hamlet, account.name";
        const HOUSEHOLDS: &str = "
            select household.hamlet, household.document, household.code, account.name,
                account.full_name, single.from_ms, single.until_ms
            from household_assignment as single join account on account.id = single.account
            join household on household.document = single.document
            where single.campaign = $1 and household.unit = $2
            order by household.hamlet, household.code, household.document, account.name";
        let mut listed = Vec::new();
        for row in self.db.all(HAMLETS, vals![campaign, unit]).await? {
            listed.push(Assignment {
                hamlet: row.get("hamlet")?,
                document: None,
                household: String::new(),
                account: row.get("name")?,
                full_name: row.get("full_name")?,
                from_ms: row.get("from_ms")?,
                until_ms: row.get("until_ms")?,
            });
        }
        for row in self.db.all(HOUSEHOLDS, vals![campaign, unit]).await? {
            listed.push(Assignment {
                hamlet: row.get("hamlet")?,
                document: Some(row.id("document")?),
                household: row.get("code")?,
                account: row.get("name")?,
                full_name: row.get("full_name")?,
                from_ms: row.get("from_ms")?,
                until_ms: row.get("until_ms")?,
            });
        }
        Ok(listed)
    }
}

impl Tx {
    /// Gives hamlets and households to people.
    pub(crate) async fn assignment_put(
        &mut self,
        campaign: CampaignId,
        pairs: &[(Given, AccountId)],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        const HAMLET: &str = "
            insert into assignment (campaign, hamlet, account, from_ms) values ($1, $2, $3, $4)
            on conflict (campaign, hamlet, account) do update set until_ms = null";
        const HOUSEHOLD: &str = "
            insert into household_assignment (campaign, document, account, place, from_ms)
            values ($1, $2, $3, $4, $5)
            on conflict (campaign, document, account) do update set until_ms = null";
        for (given, account) in pairs {
            match given {
                Given::Hamlet(code) => {
                    self.run(HAMLET, vals![campaign, code, *account, now_ms]).await?
                }
                Given::Household(document) => {
                    let place = single(*document);
                    let row = vals![campaign, *document, *account, place, now_ms];
                    self.run(HOUSEHOLD, row).await?
                }
            };
        }
        Ok(())
    }

    /// Lists everything that at most [`super::material::AT_ONCE`] accounts were ever given.
    pub(crate) async fn assignment_ever(
        &mut self,
        campaign: CampaignId,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, Given)>, StoreError> {
        const SQL: &str = concat!(
            "select account, hamlet, null as document from assignment
            where campaign = $1 and account in ",
            in_list!(),
            " union all select account, null, document from household_assignment
            where campaign = $1 and account in ",
            in_list!()
        );
        let mut of = vals![campaign];
        of.extend(padded(accounts));
        let rows = self.all(SQL, of).await?;
        rows.iter()
            .map(|row| {
                let given = match row.get::<Option<String>>("hamlet")? {
                    Some(hamlet) => Given::Hamlet(hamlet),
                    None => Given::Household(row.id("document")?),
                };
                Ok((row.id("account")?, given))
            })
            .collect()
    }
}
