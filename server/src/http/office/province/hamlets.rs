//! Hamlets of a commune with their registered counts and where these are from.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use shared::aggregate::thousands_vi;
use shared::id::CampaignId;
use shared::list::Registered;
use shared::unit::Area;

use super::super::frame::{Asked, Frame, Visitor, page};
use crate::app::App;
use crate::http::extract::{Path, list_unit};
use crate::http::hamlets;

/// One hamlet.
struct Line {
    code: String,
    name: String,
    area: &'static str,
    counts: Vec<String>,
    source: String,
}

#[derive(Template)]
#[template(path = "office/province/hamlets.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    opening: String,
    closing: String,
    lines: Vec<Line>,
    sums: Vec<String>,
}

fn cells(now: &Registered, then: &Registered) -> Vec<u64> {
    vec![
        now.households,
        now.persons,
        now.dtts_households,
        now.dtts_persons,
        then.households,
        then.persons,
        then.dtts_households,
        then.dtts_persons,
    ]
}

/// Shows the hamlets of a commune.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let actor = visitor.actor();
        let seen = list_unit(&app, &actor, id, &unit).await?;
        let path = Path((id, unit.clone()));
        let listed = hamlets::list(State(app.clone()), actor, path).await?.0;
        let mut sums = vec![0_u64; 8];
        let mut lines = Vec::new();
        for hamlet in listed {
            let counts = cells(&hamlet.closing, &hamlet.opening);
            for (sum, count) in sums.iter_mut().zip(&counts) {
                *sum += count;
            }
            lines.push(Line {
                name: format!("{} {}", hamlet.type_word, hamlet.name),
                area: match hamlet.area {
                    Area::Urban => lang.t("thành thị", "urban"),
                    Area::Rural => lang.t("nông thôn", "rural"),
                },
                counts: counts.into_iter().map(thousands_vi).collect(),
                code: hamlet.code,
                source: hamlet.source,
            });
        }
        let page_of = Page {
            f: visitor.frame(lang.t("Thôn, bản, khu phố", "Hamlets")),
            id,
            name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
            unit,
            opening: seen.campaign.opening_date.text_vi(),
            closing: seen.campaign.review_date.text_vi(),
            lines,
            sums: sums.into_iter().map(thousands_vi).collect(),
        };
        Ok(page(StatusCode::OK, &page_of))
    };
    Asked::of(lang, shown.await)
}
