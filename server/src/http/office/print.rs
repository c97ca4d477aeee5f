//! Papers as they are printed: what there is to print of a commune, and what every paper says.
//!
//! A paper is in Vietnamese whoever prints it. It says which campaign, list and standard it is of and
//! which of its rules were not compared with the legal text; no official wording is invented for it.

mod columns;
mod decision;
mod form;
mod minutes;
mod posted;
mod review_list;

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use shared::annex::is_draft;
use shared::id::{CampaignId, DocumentId};
use shared::list::{Hamlet, List, Row};
use shared::scope::Role;

use super::frame::{Asked, Frame, Visitor, page, time_text};
use super::list::step_text;
use crate::app::App;
use crate::http::extract::{Path, Seen, list_unit};
use crate::http::lists::{self, Shown};
use crate::problem::Problem;
use crate::standing::{Standings, refresh, standard_named, with_departed};

/// Pages of papers, below a campaign.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    let print = format!("{campaign}/units/{{unit}}/print");
    let household = format!("{campaign}/households/{{document}}/print/{{form}}");
    Router::new()
        .route(&print, get(choose))
        .route(&format!("{print}/review-list"), get(review_list::show))
        .route(&format!("{print}/posted"), get(posted::show))
        .route(&format!("{print}/decision"), get(decision::show))
        .route(&format!("{print}/minutes"), get(minutes::show))
        .route(&format!("{print}/forms/{{form}}"), get(form::blank))
        .route(&household, get(form::filled))
        .route(&format!("{campaign}/posted-columns"), get(columns::show).post(columns::choose))
}

/// Which part of a commune is printed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Part {
    /// Code of a hamlet; the whole commune where empty.
    #[serde(default)]
    pub(super) hamlet: String,
    /// `enumerator` puts households together by who visits them.
    #[serde(default)]
    pub(super) by: String,
}

/// What every paper says about itself.
pub(super) struct Paper {
    id: CampaignId,
    unit: String,
    /// The commune with its type word, as in `xã Mò Ó`.
    name: String,
    /// The same without, for the line of place and date.
    place: String,
    district: String,
    province: String,
    campaign: String,
    review_date: String,
    year: i32,
    standard: String,
    /// Parts of the standard that were not read in the legal text.
    unverified: usize,
    /// What of the paper itself was not compared with the printed one.
    wording: &'static str,
    /// Households whose B1 comes from a synthetic table.
    synthetic: usize,
    step: &'static str,
    draft: bool,
    root: String,
    printed_at: String,
}

impl Paper {
    fn of(app: &App, seen: &Seen, unit: &str, wording: &'static str) -> Self {
        let name = |code: Option<&shared::unit::Unit>| code.map(|unit| unit.full_name());
        let standard = standard_named(&seen.campaign.standard);
        let unverified = standard.as_ref().map_or(0, |standard| {
            let parts = standard.parts();
            parts.iter().filter(|(_, part)| !part.verified).count()
        });
        Self {
            id: seen.campaign.id,
            unit: unit.to_owned(),
            name: name(seen.tree.get(unit)).unwrap_or_default(),
            place: seen.tree.get(unit).map(|unit| unit.name.clone()).unwrap_or_default(),
            district: name(seen.tree.district_of(unit)).unwrap_or_default(),
            province: name(seen.tree.province_of(unit)).unwrap_or_default(),
            campaign: seen.campaign.name.clone(),
            review_date: seen.campaign.review_date.text_vi(),
            year: seen.campaign.review_date.year(),
            standard: seen.campaign.standard.clone(),
            unverified,
            wording,
            synthetic: 0,
            step: "",
            draft: false,
            root: String::new(),
            printed_at: time_text(app.now_ms()),
        }
    }

    /// Says which list the paper is of.
    fn of_list(mut self, shown: &Shown) -> Self {
        self.step = step_text(super::frame::Lang::Vi, &shown.step);
        self.draft = is_draft(&shown.step);
        self.root.clone_from(&shown.root);
        let synthetic = |row: &&Row| {
            row.table.as_deref().is_some_and(shared::score::ScoreTable::id_is_synthetic)
        };
        self.synthetic = shown.list.rows.iter().filter(synthetic).count();
        self
    }
}

/// A commune's list with the names that are no part of its frozen bytes.
struct Named {
    seen: Seen,
    shown: Shown,
    standings: Standings,
}

impl Named {
    async fn find(
        app: &App,
        visitor: &Visitor,
        id: CampaignId,
        unit: &str,
    ) -> Result<Self, Problem> {
        let seen = list_unit(app, &visitor.actor(), id, unit).await?;
        let path = Path((id, unit.to_owned()));
        let shown = lists::read(State(app.clone()), visitor.actor(), path).await?.0;
        let standings = refresh(app, &seen.campaign, unit).await?;
        let standings = with_departed(app, &seen.campaign, unit, standings).await?;
        Ok(Self { seen, shown, standings })
    }

    /// Returns head and code by document.
    fn names(&self) -> BTreeMap<DocumentId, (&str, &str)> {
        let named = self.standings.iter();
        named.map(|(at, of)| (at.document, (of.head.as_str(), at.code.as_str()))).collect()
    }

    fn list(&self) -> &List {
        &self.shown.list
    }
}

fn hamlet_name(hamlet: &Hamlet) -> String {
    format!("{} {}", hamlet.type_word, hamlet.name)
}

/// Returns the names of hamlets by code.
fn hamlet_names(hamlets: &[Hamlet]) -> BTreeMap<&str, String> {
    hamlets.iter().map(|hamlet| (hamlet.code.as_str(), hamlet_name(hamlet))).collect()
}

/// Writes points, or a dash.
fn points(points: Option<i64>) -> String {
    points.map_or_else(|| "–".to_owned(), |points| points.to_string())
}

#[derive(Template)]
#[template(path = "office/print/choose.html")]
struct Choose {
    f: Frame,
    paper: Paper,
    hamlets: Vec<(String, String)>,
    is_province: bool,
}

impl Choose {
    fn base(&self) -> String {
        format!("/office/campaigns/{}/units/{}/print", self.paper.id, self.paper.unit)
    }
}

/// Lists what there is to print of a commune.
async fn choose(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let seen = list_unit(&app, &visitor.actor(), id, &unit).await?;
        let hamlets = app.store.hamlet_list(id, Some(&unit)).await?.into_iter();
        let chosen = Choose {
            f: visitor.frame(lang.t("In", "Print")),
            paper: Paper::of(&app, &seen, &unit, ""),
            hamlets: hamlets.map(|(_, one)| (one.code.clone(), hamlet_name(&one))).collect(),
            is_province: visitor.account.post.role == Role::Province,
        };
        Ok(page(StatusCode::OK, &chosen))
    };
    Asked::of(lang, shown.await)
}

/// Sends a paper.
fn printed(template: &impl Template) -> Result<Response, Problem> {
    Ok(page(StatusCode::OK, template))
}
