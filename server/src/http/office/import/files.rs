//! Files that imports give back: templates to fill in, and rows to correct.

use std::fs::File as Disk;

use axum::extract::State;
use mobile_schema::problem;
use serde::Deserialize;
use shared::id::CampaignId;
use shared::layout::Cell;
use shared::scope::Role;
use shared::spreadsheet::{Column, date};

use super::{find, in_turn, kind_of, kind_text};
use crate::app::App;
use crate::http::download::{attachment, feed, nameless, pour};
use crate::http::extract::{Path, Query, campaign};
use crate::http::imports::work::{Kind, judge_in_turn};
use crate::http::office::frame::{Asked, Lang, Visitor};
use crate::imports::file::{File, Format};
use crate::imports::hamlets::Counted;
use crate::imports::returned;
use crate::problem::Problem;
use crate::store::campaign::area_name;
use crate::table::{Book, Csv};

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    format: String,
}

/// Sends an empty table with the right headers and a row to show what belongs into it.
pub(super) async fn template(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, name)): Path<(CampaignId, String)>,
    Query(wanted): Query<Wanted>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            campaign(&app, &visitor.actor(), id).await?;
            let kind = kind_of(&visitor, &name)?;
            let columns = kind.columns().first().copied().unwrap_or_default();
            let title = |column: &Column| column.titles.first().copied().unwrap_or(column.key);
            let heads: Vec<&str> = columns.iter().map(title).collect();
            let name = format!("mau-{}", kind.name());
            let rows = known_rows(&app, &visitor, id, kind).await?;
            if wanted.format == "csv" {
                let mut csv = Csv::new(b',');
                csv.row(&heads.iter().map(|head| Cell::from(*head)).collect::<Vec<_>>());
                rows.iter().for_each(|row| csv.row(row));
                return Ok(attachment(&name, Format::Csv(b','), csv.take().into()));
            }
            let file = nameless(&app.data).map_err(failed)?;
            let written = file.try_clone().map_err(failed)?;
            template_book(&app, kind, (columns, &heads, &rows), written)
                .map_err(|_| Problem::new(&problem::STORE_FAILED))?;
            let (parts, body) = feed();
            tokio::spawn(async move { pour(file, &parts).await });
            Ok(attachment(&name, Format::Xlsx, body))
        }
        .await,
    )
}

/// Returns the rows a template begins with: a commune's own hamlets as they are known.
async fn known_rows(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    kind: Kind,
) -> Result<Vec<Vec<Cell>>, Problem> {
    let post = &visitor.account.post;
    if kind != Kind::Hamlets || post.role != Role::Officer {
        return Ok(Vec::new());
    }
    let counted = app.store.hamlet_counted(id, &post.unit).await?;
    Ok(counted.iter().map(hamlet_row).collect())
}

/// Writes a hamlet as its file has it.
fn hamlet_row(counted: &Counted) -> Vec<Cell> {
    let hamlet = &counted.hamlet;
    let texts = [&counted.unit, &hamlet.code, &hamlet.type_word, &hamlet.name];
    let counts = [hamlet.closing, hamlet.opening]
        .into_iter()
        .flat_map(|of| [of.households, of.persons, of.dtts_households, of.dtts_persons]);
    let counts = counts.map(|count| Cell::Number(i64::try_from(count).unwrap_or(i64::MAX)));
    let day = date(&counted.counted_on).map(|day| day.earliest().text_vi());
    let last = [hamlet.source.as_str(), day.as_deref().unwrap_or_default()];
    let texts = texts.into_iter().map(|text| Cell::from(text.as_str()));
    let area = Cell::from(area_name(hamlet.area));
    texts.chain([area]).chain(counts).chain(last.map(Cell::from)).collect()
}

/// Writes a template: one sheet to fill in, one that says what belongs where.
fn template_book(
    app: &App,
    kind: Kind,
    (columns, heads, rows): (&[Column], &[&str], &[Vec<Cell>]),
    file: Disk,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    let mut book = Book::new(&app.data)?;
    book.sheet(kind_text(Lang::Vi, kind), heads)?;
    for row in rows {
        book.row(0, row)?;
    }
    book.sheet("Hướng dẫn", &["Cột", "Khóa", "Nội dung", "In English", "Ví dụ"])?;
    for (column, head) in columns.iter().zip(heads) {
        let cells = [head, column.key, column.vi, column.en, column.example].map(Cell::from);
        book.row(1, &cells)?;
    }
    book.save(file)
}

/// Says in the log that the disk failed, and to people that we did.
fn failed(error: std::io::Error) -> Problem {
    tracing::error!(error = %error, "a table could not be put together");
    Problem::new(&problem::STORE_FAILED)
}

/// Sends the rows back that cannot be used, each with what to change.
pub(super) async fn errors(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, upload)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(
        lang,
        async {
            let (found, kind) = find(&app, &visitor, id, &upload).await?;
            let (turn, sent) = in_turn(&app, &found).await?;
            let said = judge_in_turn(&app, &visitor.actor(), id, kind, &sent).await?.said();
            let format = File::open(&sent.bytes).map_err(Problem::new)?.format();
            let disk = nameless(&app.data).map_err(failed)?;
            let (folder, written) = (app.data.clone(), disk.try_clone().map_err(failed)?);
            let (parts, body) = feed();
            tokio::spawn(async move {
                let writing = tokio::task::spawn_blocking(move || {
                    let file =
                        File::open(&sent.bytes).map_err(|name| std::io::Error::other(name.name))?;
                    returned::write(&file, &kind.columns(), &said, &folder, written)
                });
                let written = writing.await.map_err(std::io::Error::other).flatten();
                // A slow line takes the file down without a turn.
                drop(turn);
                let done = match written {
                    Ok(()) => pour(disk, &parts).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    tracing::error!(error = %error, "a table of errors could not be sent");
                    drop(parts.send(Err(error)).await);
                }
            });
            let name = format!("can-sua-{}", kind.name());
            Ok(attachment(&name, format, body))
        }
        .await,
    )
}
