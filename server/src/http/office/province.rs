//! What a province sets up and looks over: campaigns, score tables, people, devices, targets, and
//! the pictures. Districts and communes see of it what is theirs.

mod accounts;
mod campaign;
mod days;
mod devices;
mod figures;
mod hamlets;
mod map;
mod password;
mod score_table;
mod standards;
mod targets;
mod units;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::frame::{Fields, Lang, Notice};
use crate::app::App;
use crate::problem::Problem;

/// Pages of the province, and those that others have of the same things.
pub(super) fn routes() -> Router<App> {
    let of_campaign = "/office/campaigns/{campaign}";
    Router::new()
        .route("/office/password", get(password::show).post(password::choose))
        .route("/office/accounts", get(accounts::list).post(accounts::act))
        .route("/office/devices", get(devices::list).post(devices::act))
        .route("/office/devices/codes/{code}", get(devices::code).post(devices::withdraw))
        .route("/office/standards", get(standards::list))
        .route("/office/standards/{code}", get(standards::show))
        .route("/office/units", get(units::show).post(units::load))
        .route("/office/campaigns/new", get(campaign::blank).post(campaign::add))
        .route(&format!("{of_campaign}/settings"), get(campaign::settings).post(campaign::close))
        .route(&format!("{of_campaign}/score-table"), get(score_table::show).post(score_table::act))
        .route(&format!("{of_campaign}/targets"), get(targets::show).post(targets::put))
        .route(&format!("{of_campaign}/figures"), get(figures::show))
        .route(&format!("{of_campaign}/days"), get(days::show))
        .route(&format!("{of_campaign}/map"), get(map::show))
        .route(&format!("{of_campaign}/units/{{unit}}/hamlets"), get(hamlets::show))
}

/// Most rows of a page.
const ROWS_MAX: usize = 100;

/// Which page of a long list is shown, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    page: usize,
    pages: usize,
}

impl Part {
    /// Finds the page that is asked for; one that there is not is the nearest there is.
    fn of(found: usize, asked: &str) -> Self {
        let pages = found.div_ceil(ROWS_MAX).max(1);
        Self { page: asked.parse().unwrap_or(1).clamp(1, pages), pages }
    }

    /// Counts the rows of the pages before.
    const fn skipped(self) -> usize {
        (self.page - 1) * ROWS_MAX
    }
}

/// What somebody tried and was refused: why, and what was typed.
#[derive(Debug, Clone, Default)]
struct Tried {
    status: StatusCode,
    notice: Option<Notice>,
    /// Name of the field the refusal is about; empty where it is about none.
    field: &'static str,
    typed: Fields,
}

impl Tried {
    /// Keeps a refusal with what was typed.
    fn of(lang: Lang, problem: &Problem, field: &'static str, typed: Fields) -> Self {
        let (status, ..) = problem.said();
        Self { status, notice: Some(Notice::of(lang, problem)), field, typed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_page() {
        for found in [0, 1, ROWS_MAX, ROWS_MAX + 1, 3 * ROWS_MAX] {
            let pages = Part::of(found, "").pages;
            let rows = |page: usize| {
                let part = Part::of(found, &page.to_string());
                (0..found).skip(part.skipped()).take(ROWS_MAX)
            };
            assert!((1..=pages).flat_map(rows).eq(0..found), "{found} rows");
        }
    }

    #[test]
    fn a_page_that_there_is_not_is_the_nearest() {
        let pages = |asked| Part::of(2 * ROWS_MAX, asked).page;
        assert_eq!(["", "x", "-1", "0", "2", "9"].map(pages), [1, 1, 1, 1, 2, 2]);
    }
}
