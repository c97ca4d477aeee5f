//! One official form as a page: its figures, what they rest on, and its checks.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use shared::forms::{Check, Form, Kind, Measure, Row};
use shared::id::CampaignId;

use super::forms::index_page;
use super::frame::{Asked, Frame, Lang, Visitor, page};
use crate::app::App;
use crate::http::extract::{Path, Query, Seen, campaign as find};
use crate::http::forms::gather::Which;
use crate::http::forms::{self as api, Shown, form_named};
use crate::problem::Problem;

/// One line of a form as a page shows it.
struct RowLine {
    kind: &'static str,
    mark: String,
    title: String,
    measure: &'static str,
    /// Where the unit's own form is opened.
    to: String,
    cells: Vec<Figure>,
}

/// One figure, and where the households behind it are opened.
struct Figure {
    text: String,
    to: String,
}

/// One check as a page shows it.
struct CheckLine {
    what: &'static str,
    figures: String,
    holds: bool,
}

/// Settings of the flows as the page offers them.
struct Settings {
    from: String,
    to: String,
    both: bool,
    look_back: u8,
}

impl Settings {
    /// Writes those that were asked for as the rest of an address.
    fn asked(which: &Which) -> String {
        let named = [
            ("from", which.from.clone()),
            ("to", which.to.clone()),
            ("through", which.through.clone()),
            ("look_back", which.look_back.map(|years| years.to_string())),
        ];
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in named {
            if let Some(value) = value {
                rest.append_pair(name, &value);
            }
        }
        let rest = rest.finish();
        if rest.is_empty() { rest } else { format!("&{rest}") }
    }
}

#[derive(Template)]
#[template(path = "office/form.html")]
struct Page {
    f: Frame,
    id: CampaignId,
    code: &'static str,
    number: &'static str,
    unit: String,
    name: String,
    /// The rest of the address: which unit, and which report.
    query: String,
    official: bool,
    /// That B1 was computed with a synthetic score table.
    warning: Option<String>,
    has_measure: bool,
    settings: Option<Settings>,
    state: String,
    head: Vec<String>,
    labels: Vec<(String, String)>,
    lines: Vec<RowLine>,
    checks: Vec<CheckLine>,
    foot: Vec<String>,
}

/// Shows one form of a unit.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, code)): Path<(CampaignId, String)>,
    Query(which): Query<Which>,
) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, form_page(app, visitor, id, &code, which).await)
}

async fn form_page(
    app: App,
    visitor: Visitor,
    id: CampaignId,
    code: &str,
    which: Which,
) -> Result<Response, Problem> {
    let form = form_named(code)?;
    let seen = find(&app, &visitor.actor(), id).await?;
    let asked = (State(app.clone()), visitor.actor(), Path((id, code.to_owned())));
    let shown = match api::read(asked.0, asked.1, asked.2, Query(which.clone())).await {
        Ok(shown) => shown.0,
        Err(refusal) if refusal.said().0 == StatusCode::CONFLICT => {
            return index_page(&app, &visitor, id, which.under, Some(&refusal)).await;
        }
        Err(refusal) => return Err(refusal),
    };
    Ok(page(StatusCode::OK, &page_of(&visitor, &seen, form, (shown, &which))))
}

fn page_of(visitor: &Visitor, seen: &Seen, form: Form, (shown, which): (Shown, &Which)) -> Page {
    let (lang, id) = (visitor.lang, seen.campaign.id);
    let text = |line: &shared::standard::Line| lang.t(&line.vi, &line.en).to_owned();
    let made = shown.preliminary.as_ref();
    let report = made.map(|made| format!("&number={}&of={}", made.number, made.unit));
    let report = report.unwrap_or_default();
    let asked = Settings::asked(which);
    let at = Place { lang, id, unit: &shown.unit, report: &report, asked: &asked, form, seen };
    let label = |column: &shared::forms::Column| (text(&column.label), column.formula());
    let mut head = shown.head.iter().map(text);
    Page {
        f: visitor.frame(&format!(
            "{} {} – {}",
            lang.t("Biểu", "Form"),
            shown.number,
            lang.t(shown.title.vi, shown.title.en)
        )),
        id,
        code: shown.form,
        number: shown.number,
        query: format!("?under={}{report}{asked}", shown.unit),
        settings: shown.period.filter(|_| form.has_persons() && shown.official).map(|period| {
            Settings {
                from: period.from.to_string(),
                to: period.to.to_string(),
                both: period.through == shared::register::Through::Both,
                look_back: period.look_back_years,
            }
        }),
        official: shown.official,
        has_measure: form.has_persons(),
        state: head.next().unwrap_or_default(),
        warning: if shown.synthetic { head.next() } else { None },
        head: head.collect(),
        labels: shown.columns.iter().map(label).collect(),
        lines: shown.rows.iter().map(|row| at.line(row)).collect(),
        checks: shown.checks.iter().map(|check| check_line(lang, check)).collect(),
        foot: shown.foot.iter().map(text).collect(),
        unit: shown.unit,
        name: shown.name,
    }
}

fn check_line(lang: Lang, check: &Check) -> CheckLine {
    CheckLine {
        what: lang.t(check.what.vi, check.what.en),
        figures: format!("{} {} {}", check.left, check.sign, check.right),
        holds: check.holds,
    }
}

/// Where a form is looked at.
struct Place<'a> {
    lang: Lang,
    id: CampaignId,
    unit: &'a str,
    report: &'a str,
    asked: &'a str,
    form: Form,
    seen: &'a Seen,
}

impl Place<'_> {
    fn line(&self, row: &Row) -> RowLine {
        let title = row.title();
        let cells = row.cells.iter().zip(1..).map(|(cell, number)| Figure {
            text: cell.text_vi(),
            to: self.households(row, number),
        });
        RowLine {
            kind: match row.kind {
                Kind::Area => "district",
                Kind::Unit => "commune",
                Kind::Total => "province",
            },
            mark: row.mark.clone(),
            title: self.lang.t(&title.vi, &title.en).to_owned(),
            measure: row.measure.map_or("", |measure| {
                let text = measure.text();
                self.lang.t(text.vi, text.en)
            }),
            to: self.below(row),
            cells: cells.collect(),
        }
    }

    /// Writes where the form of a unit below is opened.
    fn below(&self, row: &Row) -> String {
        let code = row.code.as_deref().filter(|code| self.seen.tree.get(code).is_some());
        let (id, form, report) = (self.id, self.form.code(), self.report);
        code.map(|code| format!("/office/campaigns/{id}/forms/{form}?under={code}{report}"))
            .unwrap_or_default()
    }

    /// Writes where the households behind a figure of 7.2 or 7.3 are opened.
    fn moves(&self, row: &Row, number: u8) -> String {
        if !self.report.is_empty() || row.kind == Kind::Area {
            return String::new();
        }
        let keeps_list = self.seen.tree.children(self.unit).is_empty();
        let (under, hamlet) = match row.code.as_deref() {
            Some(code) if keeps_list => (self.unit, format!("&hamlet={code}")),
            Some(code) => (code, String::new()),
            None => (self.unit, String::new()),
        };
        let (id, form, asked) = (self.id, self.form.code(), self.asked);
        format!(
            "/office/campaigns/{id}/register/moves?form={form}&column={number}&under={under}{hamlet}{asked}"
        )
    }

    /// Writes where the households of a hamlet behind a figure are opened.
    fn households(&self, row: &Row, number: u8) -> String {
        if self.form.has_persons() {
            return self.moves(row, number);
        }
        if row.measure == Some(Measure::Persons) {
            return String::new();
        }
        let state = match (self.form, number) {
            (Form::Result, 3) => "poor",
            (Form::PoorDeprived | Form::PoorDeprivedRates, 1) => "poor",
            (Form::Result, 7) => "near_poor",
            (Form::NearPoorDeprived | Form::NearPoorDeprivedRates, 1) => "near_poor",
            _ => return String::new(),
        };
        let keeps_list = self.seen.tree.children(self.unit).is_empty();
        let hamlet = row.code.as_deref().filter(|_| keeps_list && self.report.is_empty());
        let (id, unit) = (self.id, self.unit);
        hamlet
            .map(|hamlet| {
                format!(
                    "/office/campaigns/{id}/units/{unit}/households?hamlet={hamlet}&state={state}"
                )
            })
            .unwrap_or_default()
    }
}
