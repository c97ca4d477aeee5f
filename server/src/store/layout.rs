//! Columns of exported tables: every version is kept, the newest is in force.

use shared::date::Date;
use shared::id::AccountId;

use super::backend::vals;
use super::{Store, StoreError};

/// One version of a layout.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Province, and the day on which its code is read.
    pub(crate) province: String,
    pub(crate) province_on: Date,
    pub(crate) name: String,
    pub(crate) version: i64,
    /// JSON of the layout.
    pub(crate) body: String,
    /// Name of who saved it.
    pub(crate) by: String,
    pub(crate) at_ms: i64,
}

impl Store {
    /// Lists every version of every layout under a province's code, newest first by name.
    pub(crate) async fn layout_list(&self, province: &str) -> Result<Vec<Kept>, StoreError> {
        const SQL: &str = "
            select layout.*, account.full_name from layout
            join account on account.id = layout.account
            where layout.province = $1 order by layout.name, layout.at_ms desc, layout.version desc";
        let rows = self.db.all(SQL, vals![province]).await?;
        rows.iter()
            .map(|row| {
                Ok(Kept {
                    province: row.get("province")?,
                    province_on: row.date("province_on")?,
                    name: row.get("name")?,
                    version: row.get("version")?,
                    body: row.get("body")?,
                    by: row.get("full_name")?,
                    at_ms: row.get("at_ms")?,
                })
            })
            .collect()
    }

    /// Adds the next version of a layout. One that says what the newest says already is no new one.
    pub(crate) async fn layout_add(&self, new: &Kept, by: AccountId) -> Result<i64, StoreError> {
        const NEWEST: &str = "
            select version, body from layout
            where province = $1 and province_on = $2 and name = $3 order by version desc limit 1";
        const ADD: &str = "
            insert into layout (province, province_on, name, version, body, account, at_ms)
            values ($1, $2, $3, $4, $5, $6, $7)";
        let mut tx = self.begin().await?;
        let on = new.province_on.to_string();
        let newest = tx.one(NEWEST, vals![&new.province, &on, &new.name]).await?;
        let version = match newest {
            Some(row) if row.get::<String>("body")? == new.body => return row.get("version"),
            Some(row) => row.get::<i64>("version")? + 1,
            None => 1,
        };
        let row = vals![&new.province, on, &new.name, version, &new.body, by, new.at_ms];
        tx.run(ADD, row).await?;
        tx.commit().await?;
        Ok(version)
    }
}
