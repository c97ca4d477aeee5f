//! A commune's paper forms: where to type one, which are typed, which are due a second time.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::id::{CampaignId, DocumentId};
use shared::scope::Role;
use shared::text::folded;

use super::super::frame::{Asked, Frame, Visitor, page, time_text};
use super::super::list::{class_text, outcome_text};
use crate::app::App;
use crate::http::extract::{Path, Query, list_unit};
use crate::http::second_entries::{self, PaperForm, Rate};
use crate::problem::Problem;
use crate::standing::refresh;

/// Most households found at one time.
const FOUND_MAX: usize = 40;

/// Most forms shown that were typed: first those that somebody has to do something about.
const TYPED_MAX: usize = 100;

/// A household to type a form of.
struct Line {
    document: DocumentId,
    code: String,
    head: String,
    hamlet: String,
    outcome: &'static str,
    class: &'static str,
}

/// A form that was typed.
struct Typed {
    document: DocumentId,
    head: String,
    code: String,
    by: String,
    at: String,
    drawn: bool,
    second: String,
    fields: u64,
    different: usize,
    open: usize,
}

impl Typed {
    /// Tells whether somebody else has to type it again.
    fn is_due(&self) -> bool {
        self.drawn && self.second.is_empty()
    }
}

#[derive(Template)]
#[template(path = "office/paper_forms.html")]
struct Papers {
    f: Frame,
    id: CampaignId,
    unit: String,
    name: String,
    q: String,
    is_officer: bool,
    lines: Vec<Line>,
    found: usize,
    most: usize,
    typed: Vec<Typed>,
    /// How many were typed, or were typed and are looked for.
    typed_found: usize,
    typed_most: usize,
    due: usize,
    rate: Rate,
    /// Share of the compared fields that differ, in percent.
    share: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
}

/// Shows the paper forms of a commune.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(wanted): Query<Wanted>,
) -> Asked {
    Asked::of(visitor.lang, found(&app, &visitor, id, unit, wanted.q).await)
}

async fn found(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: String,
    q: String,
) -> Result<Response, Problem> {
    let (lang, actor) = (visitor.lang, visitor.actor());
    let seen = list_unit(app, &actor, id, &unit).await?;
    let path = Path((id, unit.clone()));
    let forms = second_entries::list(State(app.clone()), actor, path).await?.0;
    let hamlets = super::hamlet_names(app, id, &unit).await?;
    let wanted = folded(q.trim());
    let mut lines: Vec<Line> = Vec::new();
    for (at, standing) in refresh(app, &seen.campaign, &unit).await? {
        let fits = folded(&standing.head).contains(&wanted) || folded(&at.code).contains(&wanted);
        let is_typed = forms.forms.iter().any(|form| form.document == at.document);
        // Without a name to look for: what nobody typed yet.
        if fits && (!wanted.is_empty() || !is_typed) {
            lines.push(Line {
                document: at.document,
                code: at.code,
                head: standing.head,
                hamlet: hamlets.get(&standing.row.hamlet).cloned().unwrap_or(standing.row.hamlet),
                outcome: outcome_text(lang, standing.row.outcome),
                class: standing.row.class.map_or("–", |class| class_text(lang, class)),
            });
        }
    }
    let number = lines.len();
    lines.sort_by(|a, b| (&a.hamlet, &a.code).cmp(&(&b.hamlet, &b.code)));
    lines.truncate(FOUND_MAX);
    let mut typed: Vec<Typed> = forms.forms.into_iter().map(typed).collect();
    let due = typed.iter().filter(|form| form.is_due()).count();
    let fits =
        |form: &Typed| [&form.head, &form.code].iter().any(|text| folded(text).contains(&wanted));
    typed.retain(fits);
    typed.sort_by_key(|form| !form.is_due() && form.open == 0);
    let typed_found = typed.len();
    typed.truncate(TYPED_MAX);
    let papers = Papers {
        f: visitor.frame(lang.t("Phiếu giấy", "Paper forms")),
        id,
        name: seen.tree.get(&unit).map(|unit| unit.full_name()).unwrap_or_default(),
        unit,
        q,
        is_officer: visitor.account.post.role == Role::Officer,
        lines,
        found: number,
        most: FOUND_MAX,
        due,
        typed_found,
        typed_most: TYPED_MAX,
        typed,
        share: percent(forms.rate.different, forms.rate.fields),
        rate: forms.rate,
    };
    Ok(page(StatusCode::OK, &papers))
}

fn typed(form: PaperForm) -> Typed {
    let differences = form.second.iter().flat_map(|second| &second.differences);
    let open = differences.filter(|one| one.settled.is_none()).count();
    Typed {
        document: form.document,
        head: form.head,
        code: form.code,
        by: form.by.join(", "),
        at: time_text(form.at_ms),
        drawn: form.drawn,
        fields: form.second.as_ref().map_or(0, |second| second.fields),
        different: form.second.as_ref().map_or(0, |second| second.differences.len()),
        second: form.second.map(|second| second.by).unwrap_or_default(),
        open,
    }
}

/// Writes a share in percent with two decimals, rounded half up once.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = (part * 20_000 + whole) / (2 * whole);
    format!("{},{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_share_is_rounded_once() {
        assert_eq!(super::percent(1, 3), "33,33 %");
        assert_eq!(super::percent(1, 200), "0,50 %");
        assert_eq!(super::percent(1, 800), "0,13 %");
        assert_eq!(super::percent(0, 0), "–");
    }
}
