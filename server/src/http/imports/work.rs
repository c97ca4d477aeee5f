//! Work on a table that was sent: first it is judged, then its good rows are written.
//!
//! Pages, routes and the command line all come here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mobile_schema::problem;
use serde::Serialize;
use shared::approve::Step;
use shared::id::{AccountId, CampaignId};
use shared::scope::Role;
use shared::spreadsheet::Column;

use super::opening::write_opening;
use crate::app::App;
use crate::auth::Actor;
use crate::gate::Share;
use crate::http::accounts::hash;
use crate::http::assignments::assignable;
use crate::http::extract::{Seen, campaign, covers};
use crate::http::passwords::{ONCE_MS, drawn};
use crate::imports::assignments::{
    ASSIGNMENT_COLUMNS, Assignable, SINGLE_COLUMNS, assignment_rows,
};
use crate::imports::faults::{Faults, Said};
use crate::imports::file::{At, File};
use crate::imports::hamlets::{Counted, HAMLET_COLUMNS, Reach, hamlet_rows};
use crate::imports::opening::{Hamlets, ROSTER_COLUMNS, Roster, roster};
use crate::imports::people::{ACCOUNT_COLUMNS, People, people};
use crate::imports::rows::{Sorted, Unreadable};
use crate::problem::Problem;
use crate::store::StoreError;
use crate::store::account::Account;
use crate::store::assignment::Given;
use crate::store::backend::Tx;

/// What a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The opening list.
    Roster,
    /// Hamlets with their registered counts.
    Hamlets,
    /// People.
    Accounts,
    /// Who works where.
    Assignments,
}

impl Kind {
    /// Every kind, in the order they are loaded.
    pub(crate) const ALL: [Self; 4] =
        [Self::Hamlets, Self::Accounts, Self::Roster, Self::Assignments];

    /// Returns the stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Roster => "roster",
            Self::Hamlets => "hamlets",
            Self::Accounts => "accounts",
            Self::Assignments => "assignments",
        }
    }

    /// Reads the stable name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the columns of its tables: one set, or either of two.
    pub(crate) fn columns(self) -> Vec<&'static [Column]> {
        match self {
            Self::Roster => vec![&ROSTER_COLUMNS],
            Self::Hamlets => vec![&HAMLET_COLUMNS],
            Self::Accounts => vec![&ACCOUNT_COLUMNS],
            Self::Assignments => vec![&ASSIGNMENT_COLUMNS, &SINGLE_COLUMNS],
        }
    }

    /// Tells whether an office may load it; what it may load is judged row by row.
    pub(crate) fn is_of(self, role: Role) -> bool {
        match role {
            Role::Province => true,
            Role::Officer => self != Self::Roster,
            Role::District | Role::Enumerator => false,
        }
    }
}

/// A table in memory.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) bytes: Arc<Vec<u8>>,
    /// Its share of the memory for bodies, kept as long as it is.
    pub(crate) _share: Arc<Share>,
}

impl Sent {
    /// Takes a table that counts for no body.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(bytes), _share: Arc::default() }
    }
}

/// What a table comes to before anything is written.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Good rows; of an opening list good households.
    pub(crate) good: usize,
    /// Rows of people that are there already.
    known: usize,
    /// Rows that are not asked for.
    pub(crate) left_out: usize,
    pub(crate) faults: Faults,
    aside: Vec<At>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    /// Its file is read once more: of the rows none are kept.
    Roster(Roster, Sent),
    Hamlets(Vec<Counted>),
    Accounts(Vec<Account>),
    Assignments(Vec<(Given, AccountId)>),
}

impl Judged {
    fn of<G>(sorted: Sorted<G>, rows: impl FnOnce(G) -> Rows) -> Self {
        let Sorted { good, faults, aside, left_out } = sorted;
        let rows = rows(good);
        let good = match &rows {
            Rows::Roster(roster, _) => roster.len(),
            Rows::Hamlets(hamlets) => hamlets.len(),
            Rows::Accounts(accounts) => accounts.len(),
            Rows::Assignments(pairs) => pairs.len(),
        };
        Self { good, known: 0, left_out, faults, aside, rows }
    }

    /// Returns what is to be said behind each row that is not used.
    pub(crate) fn said(self) -> Said {
        Said::new(self.faults, self.aside)
    }
}

/// A sign-in name and the password that is shown once.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(crate) struct Password {
    pub(crate) name: String,
    pub(crate) full_name: String,
    pub(crate) unit: String,
    pub(crate) password: String,
}

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) taken: usize,
    pub(crate) skipped: usize,
    pub(crate) passwords: Vec<Password>,
}

/// Reads a table off the async threads.
async fn read<T: Send + 'static>(
    sent: &Sent,
    rows: impl FnOnce(&File<'_>) -> Result<T, Unreadable> + Send + 'static,
) -> Result<T, Problem> {
    let sent = sent.clone();
    let read = tokio::task::spawn_blocking(move || {
        let file = File::open(&sent.bytes).map_err(Unreadable::File)?;
        rows(&file)
    });
    Ok(read.await.map_err(|_| StoreError::Damaged)??)
}

/// Judges every row of a table. Nothing is written.
pub(crate) async fn judge(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    kind: Kind,
    sent: &Sent,
) -> Result<Judged, Problem> {
    let _turn = app.tables.acquire().await.map_err(|_| &problem::TOO_BUSY)?;
    judge_in_turn(app, actor, id, kind, sent).await
}

/// Judges every row of a table for a caller who has a turn. Nothing is written.
pub(crate) async fn judge_in_turn(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    kind: Kind,
    sent: &Sent,
) -> Result<Judged, Problem> {
    let role = actor.account.post.role;
    if !kind.is_of(role) {
        return Err(Problem::new(&problem::FORBIDDEN));
    }
    let seen = campaign(app, actor, id).await?;
    match kind {
        Kind::Roster => {
            let hamlets = Hamlets::of(app.store.hamlet_list(id, None).await?);
            let sorted = read(sent, move |file| roster(file, hamlets)).await?;
            Ok(Judged::of(sorted, |roster| Rows::Roster(roster, sent.clone())))
        }
        Kind::Hamlets => {
            let hamlets = app.store.hamlet_list(id, None).await?.into_iter();
            let known: BTreeMap<_, _> =
                hamlets.map(|(unit, hamlet)| (hamlet.code, (unit, hamlet.area))).collect();
            let only = (role == Role::Officer).then(|| actor.account.post.unit.clone());
            let tree = seen.tree;
            let sorted = read(sent, move |file| {
                hamlet_rows(file, &Reach { tree: &tree, known: &known, only: only.as_deref() })
            });
            Ok(Judged::of(sorted.await?, Rows::Hamlets))
        }
        Kind::Accounts => judge_people(app, actor, &seen, sent).await,
        Kind::Assignments => judge_assignments(app, actor, seen, sent).await,
    }
}

async fn judge_people(
    app: &App,
    actor: &Actor,
    seen: &Seen,
    sent: &Sent,
) -> Result<Judged, Problem> {
    let units = app.units().await?;
    let accounts = app.store.account_list().await?.into_iter();
    let known: BTreeMap<String, Account> =
        accounts.map(|account| (account.name.clone(), account)).collect();
    let (by, on) = (actor.account.clone(), seen.campaign.review_date);
    let People { sorted, known } = read(sent, move |file| {
        let may = |account: &Account| {
            let role = by.post.role == Role::Province || account.post.role == Role::Enumerator;
            role && covers(&units, &by, account)
        };
        people(file, on, &known, may)
    })
    .await?;
    Ok(Judged { known, ..Judged::of(sorted, Rows::Accounts) })
}

async fn judge_assignments(
    app: &App,
    actor: &Actor,
    seen: Seen,
    sent: &Sent,
) -> Result<Judged, Problem> {
    let (by, id) = (&actor.account.post, seen.campaign.id);
    let mut hamlets = hamlet_units(app, id).await?;
    hamlets.retain(|_, unit| by.covers(&seen.tree, unit));
    let mut households = app.store.household_units(id).await?;
    households.retain(|household| by.covers(&seen.tree, &household.unit));
    let accounts = assignable(app, actor, &seen).await?;
    let sorted = read(sent, move |file| {
        let known = Assignable { hamlets: &hamlets, households: &households, accounts: &accounts };
        assignment_rows(file, &seen.tree, &known)
    });
    Ok(Judged::of(sorted.await?, Rows::Assignments))
}

/// Writes the good rows of a table, all in one go. Written a second time they change nothing.
pub(crate) async fn take(
    app: &App,
    actor: &Actor,
    id: CampaignId,
    judged: Judged,
) -> Result<Taken, Problem> {
    let good = judged.good;
    match judged.rows {
        Rows::Roster(roster, sent) => {
            let taken = write_opening(app, id, roster, sent, actor).await?;
            Ok(Taken { taken, skipped: good - taken, ..Taken::default() })
        }
        Rows::Hamlets(hamlets) => {
            let mut tx = open_campaign(app, id).await?;
            still_collecting(&mut tx, id, hamlets.iter().map(|one| one.unit.as_str())).await?;
            tx.hamlet_put(id, &hamlets).await?;
            tx.commit().await?;
            Ok(Taken { taken: good, ..Taken::default() })
        }
        Rows::Accounts(accounts) => {
            let taken = take_people(app, accounts).await?;
            Ok(Taken { skipped: judged.known, ..taken })
        }
        Rows::Assignments(pairs) => {
            let mut tx = open_campaign(app, id).await?;
            tx.assignment_put(id, &pairs, app.now_ms()).await?;
            tx.commit().await?;
            Ok(Taken { taken: good, ..Taken::default() })
        }
    }
}

/// Adds people. Those who sign in get a one-time password, which is said once and kept as its hash
/// alone; enumerators enrol a device with a one-time code.
async fn take_people(app: &App, mut accounts: Vec<Account>) -> Result<Taken, Problem> {
    let mut passwords = Vec::new();
    let now_ms = app.now_ms();
    for account in &mut accounts {
        if account.post.role == Role::Enumerator {
            continue;
        }
        let password = drawn();
        account.password_hash = hash(app, Some(password.clone())).await?;
        account.once_until_ms = Some(now_ms + ONCE_MS);
        passwords.push(Password {
            name: account.name.clone(),
            full_name: account.full_name.clone(),
            unit: account.post.unit.clone(),
            password,
        });
    }
    match app.store.account_add(&accounts, now_ms).await {
        Err(StoreError::Conflict(_)) => Err(Problem::new(&problem::ACCOUNT_EXISTS)),
        other => {
            other?;
            Ok(Taken { taken: accounts.len(), skipped: 0, passwords })
        }
    }
}

/// Starts writing into a campaign that stays open meanwhile: one import at a time.
pub(crate) async fn open_campaign(app: &App, id: CampaignId) -> Result<Tx, Problem> {
    let mut tx = app.store.begin().await?;
    if tx.campaign_lock(id).await? { Ok(tx) } else { Err(Problem::new(&problem::CAMPAIGN_CLOSED)) }
}

/// Finds the unit of each hamlet.
pub(crate) async fn hamlet_units(
    app: &App,
    id: CampaignId,
) -> Result<BTreeMap<String, String>, StoreError> {
    let hamlets = app.store.hamlet_list(id, None).await?;
    Ok(hamlets.into_iter().map(|(unit, hamlet)| (hamlet.code, unit)).collect())
}

/// Refuses where one of these lists has been frozen. The campaign is locked: none is frozen after it.
pub(crate) async fn still_collecting(
    tx: &mut Tx,
    id: CampaignId,
    units: impl Iterator<Item = &str>,
) -> Result<(), Problem> {
    let steps = tx.list_steps(id).await?;
    for unit in units.collect::<BTreeSet<_>>() {
        if steps.get(unit).is_some_and(Step::is_frozen) {
            return Err(Problem::new(&problem::IMPORT_AFTER_WORK).with_items(&[unit]));
        }
    }
    Ok(())
}
