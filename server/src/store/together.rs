//! Reads that many requests ask for at one moment, made in one statement.
//!
//! What a phone's sync looks up costs more on the way to the database and back than in it. While one
//! such statement runs, whoever asks the same of other rows waits and goes together with the rest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::AssertSqlSafe;
use tokio::sync::oneshot;

use super::StoreError;
use super::backend::{Db, Row, Val};

/// How many go together: the most that are waiting. Few sizes, so that few statements are prepared.
const SIZES: [usize; 5] = [16, 8, 4, 2, 1];

type Reply = oneshot::Sender<Result<Vec<Row>, StoreError>>;

/// Who waits for a statement, each with the values it asks for.
#[derive(Debug, Default)]
struct Waiting {
    asked: Vec<(Vec<Val>, Reply)>,
    /// Somebody is at it, and takes what comes meanwhile.
    running: bool,
}

/// One statement that is read together.
#[derive(Debug)]
struct Shared {
    parts: Parts,
    waiting: Mutex<Waiting>,
}

/// The statements of one database that are read together, by their text.
#[derive(Debug, Clone, Default)]
pub(super) struct Together(Arc<Mutex<BTreeMap<&'static str, Arc<Shared>>>>);

impl Together {
    fn of(&self, sql: &'static str) -> Arc<Shared> {
        let mut all = lock(&self.0);
        let made = || Arc::new(Shared { parts: Parts::of(sql), waiting: Mutex::default() });
        Arc::clone(all.entry(sql).or_insert_with(made))
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under these locks.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db {
    /// Reads all rows of a statement outside a transaction, as [`Db::all`] does, in one go with
    /// whoever asks the same of other values meanwhile. The rows come in no order.
    pub(super) async fn all_together(
        &self,
        sql: &'static str,
        vals: Vec<Val>,
    ) -> Result<Vec<Row>, StoreError> {
        self.faults.pass()?;
        let shared = self.together.of(sql);
        let (reply, answer) = oneshot::channel();
        let mut waiting = lock(&shared.waiting);
        waiting.asked.push((vals, reply));
        let starts = !std::mem::replace(&mut waiting.running, true);
        drop(waiting);
        if starts {
            // Not the asker's own: it may go away while others wait.
            tokio::spawn(run(self.clone(), Arc::clone(&shared)));
        }
        answer.await.unwrap_or(Err(StoreError::Busy(sqlx::Error::WorkerCrashed)))
    }
}

/// Answers whoever waits until nobody does.
async fn run(db: Db, shared: Arc<Shared>) {
    let mut round = Round(&shared);
    while let Some(asked) = round.next() {
        let (vals, replies): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        match shared.parts.read(&db, &vals).await {
            Ok(rows) => answer(replies, rows.into_iter().map(Ok)),
            // One asker's failure is not its neighbours': each is tried alone.
            Err(error) if vals.len() == 1 => answer(replies, [Err(error)]),
            Err(_) => {
                for (vals, reply) in vals.into_iter().zip(replies) {
                    let alone = shared.parts.read(&db, &[vals]).await;
                    answer(vec![reply], [alone.map(|rows| rows.into_iter().flatten().collect())]);
                }
            }
        }
    }
}

fn answer(replies: Vec<Reply>, rows: impl IntoIterator<Item = Result<Vec<Row>, StoreError>>) {
    for (reply, rows) in replies.into_iter().zip(rows) {
        // Whoever went away asks again.
        let _gone = reply.send(rows);
    }
}

/// Takes those who wait, some at a time. However it ends, the next asker starts anew.
struct Round<'a>(&'a Shared);

impl Round<'_> {
    fn next(&mut self) -> Option<Vec<(Vec<Val>, Reply)>> {
        let mut waiting = lock(&self.0.waiting);
        let count = SIZES.into_iter().find(|size| *size <= waiting.asked.len());
        waiting.running = count.is_some();
        count.map(|count| waiting.asked.drain(..count).collect())
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        if waiting.running {
            // It did not come to its end: nobody is left to answer these.
            *waiting = Waiting::default();
        }
    }
}

/// A statement, taken apart where its values stand.
#[derive(Debug)]
struct Parts {
    /// Text, and the number from 0 of the value behind it.
    values: Vec<(&'static str, usize)>,
    /// Text behind the last value.
    rest: &'static str,
}

impl Parts {
    fn of(sql: &'static str) -> Self {
        let mut values = Vec::new();
        let mut rest = sql;
        while let Some((text, behind)) = rest.split_once('$') {
            let digits = behind.find(|of: char| !of.is_ascii_digit()).unwrap_or(behind.len());
            let number: usize = behind[..digits].parse().unwrap_or(1);
            values.push((text, number.saturating_sub(1)));
            rest = &behind[digits..];
        }
        Self { values, rest }
    }

    /// Writes the statement so many times over, each saying in `asker` whose rows it reads.
    fn text(&self, askers: usize, width: usize, in_order: bool) -> String {
        let mut text = String::new();
        for asker in 0..askers {
            let all = if asker == 0 { "" } else { " union all " };
            text += &format!("{all}select cast({asker} as bigint) as asker, part.* from (");
            for (before, value) in &self.values {
                text += before;
                if in_order {
                    text.push('?');
                } else {
                    text += &format!("${}", asker * width + value + 1);
                }
            }
            text += self.rest;
            text += ") as part";
        }
        text
    }

    async fn read(&self, db: &Db, asked: &[Vec<Val>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let width = asked.first().map_or(0, Vec::len);
        let in_order = db.takes_values_in_order();
        let vals = if in_order {
            let of = |vals: &Vec<Val>| {
                self.values.iter().filter_map(|(_, number)| vals.get(*number).cloned()).collect()
            };
            asked.iter().flat_map(of as fn(&Vec<Val>) -> Vec<Val>).collect()
        } else {
            asked.concat()
        };
        // Nothing of it comes from outside: the values are bound.
        let text = AssertSqlSafe(self.text(asked.len(), width, in_order));
        let mut all: Vec<Vec<Row>> = asked.iter().map(|_| Vec::new()).collect();
        for row in db.read(text, vals).await? {
            let asker = usize::try_from(row.get::<i64>("asker")?).ok();
            let rows = asker.and_then(|asker| all.get_mut(asker)).ok_or(StoreError::Damaged)?;
            rows.push(row);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Store;
    use super::super::value::vals;
    use super::*;

    #[test]
    fn each_asker_has_its_own_values() {
        let parts = Parts::of("select $2 from t where a = $1 and b = $2 limit 1");
        let text = "select cast(0 as bigint) as asker, part.* from (select $2 from t where a = $1 and \
                    b = $2 limit 1) as part union all select cast(1 as bigint) as asker, part.* from \
                    (select $4 from t where a = $3 and b = $4 limit 1) as part";
        assert_eq!(parts.text(2, 2, false), text);
        assert_eq!(
            parts.text(1, 2, true),
            "select cast(0 as bigint) as asker, part.* from (select ? from t where a = ? and b = ? \
             limit 1) as part"
        );
    }

    #[tokio::test]
    async fn everybody_gets_what_was_asked_for_however_many_ask() {
        const SQL: &str = "select $1 as one, $2 as two union all select $2, $1 where $1 <> 7";
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("store.sqlite")).await.unwrap();
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..100_i64 {
            let db = store.db.clone();
            asking.spawn(async move {
                let rows = db.all_together(SQL, vals![number, 1000 + number]).await.unwrap();
                let mut read: Vec<(i64, i64)> = rows
                    .iter()
                    .map(|row| (row.get("one").unwrap(), row.get("two").unwrap()))
                    .collect();
                read.sort_unstable();
                let mut expected = vec![(number, 1000 + number), (1000 + number, number)];
                expected.truncate(if number == 7 { 1 } else { 2 });
                assert_eq!(read, expected);
            });
        }
        while let Some(done) = asking.join_next().await {
            done.unwrap();
        }
        store.close().await;
    }

    #[tokio::test]
    async fn whoever_asks_for_what_fails_is_told_and_nobody_else() {
        // SQLite adds whole numbers beyond 64 bits as floating ones, but refuses to sum them.
        const SQL: &str = "select sum(n) as n from (select $1 as n union all select $1)";
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("store.sqlite")).await.unwrap();
        let ask = |number: i64| {
            let db = store.db.clone();
            async move { db.all_together(SQL, vals![number]).await.map(|rows| rows[0].get("n")) }
        };
        let (first, second, bad, last) = tokio::join!(ask(1), ask(2), ask(i64::MAX), ask(3));
        for (read, expected) in [(first, 2_i64), (second, 4), (last, 6)] {
            assert_eq!(read.unwrap().unwrap(), expected);
        }
        assert!(bad.is_err());
        store.close().await;
    }
}
