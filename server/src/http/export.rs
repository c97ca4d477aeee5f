//! Tables of everything an office may see, written commune by commune: memory stays flat however
//! many households there are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use axum::body::Body;
use mobile_schema::household::{Answers, Household, Value};
use mobile_schema::problem;
use shared::approve::{Act, Step};
use shared::id::DocumentId;
use shared::layout::{Cell, Facts, Layout, ListKind, PlaceNames, Prepared, Rows};
use shared::list::Hamlet;
use shared::scope::Role;
use shared::standing::Standing;
use tokio::sync::mpsc;

use super::download::{feed, nameless, pour};
use super::extract::Seen;
use crate::app::App;
use crate::auth::Actor;
use crate::imports::file::Format;
use crate::problem::Problem;
use crate::standing::refresh;
use crate::store::StoreError;
use crate::store::household::HouseholdAt;
use crate::store::material::AT_ONCE;
use crate::table::{Book, Csv};

/// Batches of rows that wait to be written.
const BATCHES_WAITING: usize = 4;

/// What is asked for.
pub(crate) struct Order {
    /// Campaign and tree.
    pub(crate) seen: Seen,
    /// List units, each in the scope of who asks.
    pub(crate) units: Vec<String>,
    /// Columns.
    pub(crate) layout: Layout,
    /// CSV or XLSX.
    pub(crate) format: Format,
    /// Whether identity numbers are written in full.
    pub(crate) numbers_in_full: bool,
}

/// Tells who may take identity numbers in full: those who issue papers with them. A district compares
/// and samples, and needs to tell people apart only.
pub(crate) fn may_have_numbers(role: Role) -> bool {
    matches!(role, Role::Province | Role::Officer)
}

/// Finds the list units of a unit that the caller covers. Any other does not exist for the caller.
pub(crate) fn units_under(actor: &Actor, seen: &Seen, top: &str) -> Result<Vec<String>, Problem> {
    let post = &actor.account.post;
    if seen.tree.get(top).is_none() || !post.covers(&seen.tree, top) {
        return Err(Problem::new(&problem::UNIT_UNKNOWN));
    }
    let mut units = post.list_units(&seen.tree);
    units.retain(|unit| seen.tree.contains(top, unit));
    Ok(units)
}

/// Rows on their way, each with its sheet.
type Batch = Vec<(usize, Vec<Cell>)>;

/// Begins to write a table; the body follows it.
pub(crate) fn start(app: App, order: Order) -> Body {
    let (parts, body) = feed();
    tokio::spawn(async move {
        let Ok(turn) = Arc::clone(&app.tables).acquire_owned().await else { return };
        let made = tokio::select! {
            made = table(&app, &order) => made,
            // Whoever has gone away wants nothing more.
            () = parts.closed() => return,
        };
        // A slow line takes the file down without a turn: nobody waits for it.
        drop(turn);
        let done = match made {
            Ok(disk) => pour(disk, &parts).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::error!(error = %error, "a table could not be written");
            // Broken off: nobody takes a part of a table for the whole.
            drop(parts.send(Err(io::Error::other("the table broke off"))).await);
        }
    });
    body
}

/// Writes a table into a file that nobody else sees.
async fn table(app: &App, order: &Order) -> io::Result<File> {
    match order.format {
        Format::Csv(separator) => csv(app, order, separator).await,
        Format::Xlsx => xlsx(app, order).await,
    }
}

async fn csv(app: &App, order: &Order, separator: u8) -> io::Result<File> {
    let mut csv = Csv::new(separator);
    let heads = order.layout.columns.iter().map(|column| Cell::from(column.title.as_str()));
    csv.row(&heads.collect::<Vec<_>>());
    let (batches, mut coming) = mpsc::channel::<Batch>(BATCHES_WAITING);
    let disk = nameless(&app.data)?;
    let mut file = disk.try_clone()?;
    let writing = tokio::task::spawn_blocking(move || {
        while let Some(batch) = coming.blocking_recv() {
            batch.iter().for_each(|(_, row)| csv.row(row));
            file.write_all(&csv.take())?;
        }
        file.write_all(&csv.take())
    });
    let made = make(app, order, batches).await;
    let written = writing.await.map_err(io::Error::other)?;
    made.map_err(io::Error::other)?;
    written?;
    Ok(disk)
}

async fn xlsx(app: &App, order: &Order) -> io::Result<File> {
    let (batches, mut coming) = mpsc::channel::<Batch>(BATCHES_WAITING);
    let disk = nameless(&app.data)?;
    let (folder, file) = (app.data.clone(), disk.try_clone()?);
    let heads: Vec<String> =
        order.layout.columns.iter().map(|column| column.title.clone()).collect();
    let sheets: Vec<&'static str> = match order.layout.rows {
        Rows::Lists => ListKind::ALL.map(ListKind::title).to_vec(),
        Rows::Member => vec!["Thành viên"],
        Rows::Household => vec!["Hộ gia đình"],
    };
    let writing = tokio::task::spawn_blocking(move || {
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let mut book = Book::new(&folder)?;
        for sheet in sheets {
            book.sheet(sheet, &heads)?;
        }
        while let Some(batch) = coming.blocking_recv() {
            for (sheet, row) in batch {
                book.row(sheet, &row)?;
            }
        }
        book.save(file)
    });
    let made = make(app, order, batches).await;
    let written = writing.await.map_err(io::Error::other)?;
    made.map_err(io::Error::other)?;
    written.map_err(io::Error::other)?;
    Ok(disk)
}

/// Makes the rows, commune by commune. Ends where nobody takes them any more.
async fn make(app: &App, order: &Order, batches: mpsc::Sender<Batch>) -> Result<(), StoreError> {
    let columns = Prepared::of(&order.layout);
    let steps = app.store.list_steps(order.seen.campaign.id).await?;
    for unit in &order.units {
        let commune = Commune::of(app, order, unit, steps.get(unit)).await?;
        let standings = refresh(app, &order.seen.campaign, unit).await?;
        // Two workers have something to do.
        for some in standings.chunks(2 * AT_ONCE) {
            let (first, second) = some.split_at(some.len().min(AT_ONCE));
            let (mut answers, more) =
                tokio::try_join!(answers(app, order, first), answers(app, order, second))?;
            answers.extend(more);
            let mut batch = Batch::new();
            for (at, standing) in some {
                let mut household = answers.remove(&at.document).unwrap_or_default();
                standing.triage.apply(&mut household);
                commune.rows(&columns, (at, standing, &household), order, &mut batch);
            }
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn answers(
    app: &App,
    order: &Order,
    some: &[(HouseholdAt, Standing)],
) -> Result<BTreeMap<DocumentId, Household>, StoreError> {
    let documents: Vec<DocumentId> = some.iter().map(|(at, _)| at.document).collect();
    if documents.is_empty() {
        return Ok(BTreeMap::new());
    }
    app.materialiser.answers(&order.seen.campaign, &documents).await
}

/// What the rows of a commune have in common.
struct Commune {
    place: PlaceNames,
    hamlets: BTreeMap<String, Hamlet>,
    /// Number and date of the decision, where the list is recognised.
    decision: Option<(String, String)>,
}

impl Commune {
    async fn of(
        app: &App,
        order: &Order,
        unit: &str,
        step: Option<&Step>,
    ) -> Result<Self, StoreError> {
        let (tree, id) = (&order.seen.tree, order.seen.campaign.id);
        let name =
            |of: Option<&shared::unit::Unit>| of.map(|of| of.full_name()).unwrap_or_default();
        let district = tree.district_of(unit);
        let place = PlaceNames {
            unit: unit.to_owned(),
            commune: name(tree.get(unit)),
            district_code: district.map(|of| of.code().to_owned()).unwrap_or_default(),
            district: name(district),
            province: name(tree.province_of(unit)),
        };
        let hamlets = app.store.hamlet_list(id, Some(unit)).await?.into_iter();
        let hamlets = hamlets.map(|(_, hamlet)| (hamlet.code.clone(), hamlet)).collect();
        let decision = match step {
            Some(Step::Recognised { .. }) => {
                let decisions = app.store.decision_list(id, unit).await?.into_iter().rev();
                let mut acts = decisions.filter_map(|one| serde_json::from_value(one.body).ok());
                acts.find_map(|act| match act {
                    Act::Recognise { decision, .. } => Some((decision.number, decision.date)),
                    _ => None,
                })
            }
            _ => None,
        };
        Ok(Self { place, hamlets, decision })
    }

    /// Writes the rows of one household.
    fn rows(
        &self,
        columns: &Prepared<'_>,
        (at, standing, household): (&HouseholdAt, &Standing, &Household),
        order: &Order,
        batch: &mut Batch,
    ) {
        let flags: Vec<String> = standing.flags.iter().map(|flag| flag.code.clone()).collect();
        let facts = Facts {
            code: &at.code,
            place: &self.place,
            hamlet: self.hamlets.get(&standing.row.hamlet),
            row: &standing.row,
            household,
            decision: self.decision.as_ref().map(|(number, date)| (number.as_str(), date.as_str())),
            open: (standing.open.disputes, &standing.open.missing, &flags),
            review_date: order.seen.campaign.review_date,
            numbers_in_full: order.numbers_in_full,
        };
        match order.layout.rows {
            Rows::Household => batch.push((0, columns.row(&facts, None, None))),
            Rows::Member => {
                for member in in_order(household.members.iter()) {
                    batch.push((0, columns.row(&facts, None, Some(member))));
                }
            }
            Rows::Lists => {
                for (sheet, kind) in ListKind::ALL.into_iter().enumerate() {
                    if !ListKind::of(&standing.row).contains(&kind) {
                        continue;
                    }
                    for member in in_order(household.present()) {
                        batch.push((sheet, columns.row(&facts, Some(kind), Some(member))));
                    }
                }
            }
        }
    }
}

/// Lists members with the head in front, then the older before the younger.
fn in_order<'a>(
    members: impl Iterator<Item = (&'a String, &'a Answers)>,
) -> Vec<(&'a str, &'a Answers)> {
    let mut all: Vec<_> = members.map(|(id, answers)| (id.as_str(), answers)).collect();
    let text = |answers: &Answers, key: &str| {
        answers.get(key).and_then(Value::as_text).unwrap_or_default().to_owned()
    };
    all.sort_by_cached_key(|(id, answers)| {
        (text(answers, "relation") != "head", text(answers, "birth"), (*id).to_owned())
    });
    all
}
