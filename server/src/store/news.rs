//! Which households have moved on, for connections that have them open.
//!
//! A hint, told after the commit and never instead of the log: what gets lost is found when the client
//! next says something. Gathered for a moment, so that a thousand connections are not woken for each
//! change; across processes by PostgreSQL's own notices.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::id::{DocumentId, to_hex};
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::{Notify, broadcast};

use super::Store;

/// How long news are gathered. Clients take them no faster than ten times a second.
const GATHER: Duration = Duration::from_millis(50);

/// Rounds of news that a slow connection may be behind; then it looks at everything it has open.
const ROUNDS_KEPT: usize = 64;

/// Households remembered in one round; beyond it everybody looks at everything.
const HOUSEHOLDS_MAX: usize = 16 * 1024;

/// Name of PostgreSQL's channel.
const CHANNEL: &str = "rasoat_moved";

/// Households in one of PostgreSQL's notices, which hold 8.000 bytes.
const PER_NOTICE: usize = 140;

/// Wait before listening again after the line to the database was lost.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// A round of news.
#[derive(Debug, Clone)]
pub(crate) enum Round {
    /// These have moved on, to these positions.
    Moved(Arc<BTreeMap<DocumentId, i64>>),
    /// Any may have.
    Any,
}

/// Where news are noted and heard.
#[derive(Debug, Clone)]
pub(crate) struct News {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    noted: Mutex<BTreeMap<DocumentId, i64>>,
    filled: Notify,
    rounds: broadcast::Sender<Round>,
}

impl Default for News {
    fn default() -> Self {
        let (rounds, _) = broadcast::channel(ROUNDS_KEPT);
        let inner = Inner { noted: Mutex::default(), filled: Notify::new(), rounds };
        Self { inner: Arc::new(inner) }
    }
}

impl News {
    /// Notes households that have moved on.
    pub(super) fn note(&self, moved: Vec<(DocumentId, i64)>) {
        if moved.is_empty() {
            return;
        }
        let mut noted = self.inner.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for (document, position) in moved {
            if noted.len() <= HOUSEHOLDS_MAX {
                noted.insert(document, position);
            }
        }
        drop(noted);
        self.inner.filled.notify_one();
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Round> {
        self.inner.rounds.subscribe()
    }

    async fn gather(&self) -> BTreeMap<DocumentId, i64> {
        self.inner.filled.notified().await;
        tokio::time::sleep(GATHER).await;
        std::mem::take(&mut *self.inner.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tell(&self, round: Round) {
        // Nobody may be listening.
        let _told = self.inner.rounds.send(round);
    }
}

/// Carries news around as long as it is kept.
#[derive(Debug)]
pub(crate) struct Herald(Vec<tokio::task::JoinHandle<()>>);

impl Herald {
    /// Starts carrying the news of a store.
    pub(crate) fn start(store: &Store) -> Self {
        let news = store.db.news.clone();
        let Some(pool) = store.db.shared_pool().cloned() else {
            return Self(vec![tokio::spawn(carry(news, None))]);
        };
        // What this process told by itself it does not hear again.
        let own = to_hex(&crate::keys::random::<8>());
        let telling = carry(news.clone(), Some((pool.clone(), own.clone())));
        Self(vec![tokio::spawn(telling), tokio::spawn(hear(news, pool, own))])
    }
}

impl Drop for Herald {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn carry(news: News, others: Option<(PgPool, String)>) {
    loop {
        let moved = news.gather().await;
        if moved.is_empty() {
            continue;
        }
        if let Some((pool, own)) = &others {
            tell_others(pool, own, &moved).await;
        }
        let round = Round::Moved(Arc::new(moved));
        news.tell(match &round {
            Round::Moved(moved) if moved.len() > HOUSEHOLDS_MAX => Round::Any,
            _ => round,
        });
    }
}

async fn tell_others(pool: &PgPool, own: &str, moved: &BTreeMap<DocumentId, i64>) {
    let all: Vec<String> =
        moved.iter().map(|(document, position)| format!("{document}:{position}")).collect();
    for some in all.chunks(PER_NOTICE) {
        let notice = format!("{own} {}", some.join(" "));
        let told = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(notice);
        if let Err(error) = told.execute(pool).await {
            tracing::warn!(error = %error, "other processes were not told what moved on");
            return;
        }
    }
}

async fn hear(news: News, pool: PgPool, own: String) {
    while !pool.is_closed() {
        if let Err(error) = hear_on(&news, &pool, &own).await {
            tracing::warn!(error = %error, "not listening to other processes");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

async fn hear_on(news: &News, pool: &PgPool, own: &str) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was said before was not heard; what is said from now on is.
    news.tell(Round::Any);
    while let Some(notice) = listener.try_recv().await? {
        let mut words = notice.payload().split(' ');
        if words.next() == Some(own) {
            continue;
        }
        let moved = words.map(|word| {
            let (document, position) = word.split_once(':')?;
            Some((document.parse().ok()?, position.parse().ok()?))
        });
        let moved: Option<BTreeMap<DocumentId, i64>> = moved.collect();
        news.tell(moved.map_or(Round::Any, |moved| Round::Moved(Arc::new(moved))));
    }
    Ok(())
}
