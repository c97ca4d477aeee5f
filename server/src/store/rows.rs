//! Statements over many rows at once: one trip to the database instead of one for each row.

use sqlx::AssertSqlSafe;

use super::StoreError;
use super::backend::{Tx, Val};

/// Rows of one statement: the most that fit are taken. Few sizes, so that few statements are prepared;
/// the small ones all, so that a phone's little goes in one.
const SIZES: [usize; 12] = [32, 24, 16, 12, 8, 7, 6, 5, 4, 3, 2, 1];

/// A statement around its rows of values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// What stands before them, up to `values`.
    pub(crate) before: &'static str,
    /// What stands behind them; binds nothing.
    pub(crate) after: &'static str,
}

/// How the values of a statement are named.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values {
    /// `$1`, `$2` …
    Numbered,
    /// `?` each, in their order.
    InOrder,
}

impl Tx {
    /// Runs a statement over rows of one width, and returns how many rows of the table it touched.
    pub(crate) async fn run_rows(
        &mut self,
        sql: Rows,
        rows: Vec<Vec<Val>>,
    ) -> Result<u64, StoreError> {
        let mut touched = 0;
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = SIZES.into_iter().find(|size| *size <= rows.len()).unwrap_or(1);
            let vals: Vec<Val> = rows.by_ref().take(count).flatten().collect();
            let text = sql.text(count, vals.len() / count, self.values());
            // Nothing of it comes from outside: the values are bound.
            touched += self.run(AssertSqlSafe(text), vals).await?;
        }
        Ok(touched)
    }
}

impl Rows {
    /// Writes the statement for so many rows of so many values.
    fn text(self, count: usize, width: usize, values: Values) -> String {
        let row = |number: usize| {
            let vals = (1..=width).map(|place| match values {
                Values::Numbered => format!("${}", number * width + place),
                Values::InOrder => "?".to_owned(),
            });
            format!("({})", vals.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = (0..count).map(row).collect();
        format!("{} {} {}", self.before, rows.join(", "), self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_its_own_values() {
        let sql = Rows { before: "insert into t values", after: "on conflict do nothing" };
        let text = "insert into t values ($1, $2), ($3, $4) on conflict do nothing";
        assert_eq!(sql.text(2, 2, Values::Numbered), text);
        let text = "insert into t values (?, ?), (?, ?) on conflict do nothing";
        assert_eq!(sql.text(2, 2, Values::InOrder), text);
    }
}
