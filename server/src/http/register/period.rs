//! From which day to which flows are computed, by the report's settings.

use std::collections::BTreeMap;

use mobile_schema::problem;
use shared::date::Date;
use shared::register::{Decided, LOOK_BACK_YEARS, Period, Through};

use crate::app::App;
use crate::http::extract::Seen;
use crate::problem::Problem;
use crate::store::StoreError;

/// Settings as they stand in an address; absent ones are the usual ones.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::http) struct Asked<'a> {
    pub(in crate::http) from: Option<&'a str>,
    pub(in crate::http) to: Option<&'a str>,
    pub(in crate::http) through: Option<&'a str>,
    pub(in crate::http) look_back: Option<u8>,
}

/// Returns the period of a report: from the opening list, or the end of the year before, to the end
/// of the year of the review. Either end is the newest decision of the campaigns until then where that
/// is later.
pub(in crate::http) async fn period_of(
    app: &App,
    seen: &Seen,
    asked: Asked<'_>,
) -> Result<Period, Problem> {
    let campaign = &seen.campaign;
    let day = |text: Option<&str>| match text.filter(|text| !text.is_empty()) {
        Some(text) => Date::parse(text).map(Some).map_err(|_| &problem::QUERY_MALFORMED),
        None => Ok(None),
    };
    let year = campaign.review_date.year();
    let begins = campaign.register == campaign.id;
    // Where the report before this one ended: no decision counts in two.
    let before = app.store.register_newest_before(campaign.register, campaign.review_date).await?;
    let ended = before.map_or(end_of(year - 1), |newest| newest.max(end_of(year - 1)));
    let start = if begins { campaign.opening_date } else { ended };
    let newest = app.store.register_newest(campaign.register, campaign.id).await?;
    let end = end_of(year).max(newest.unwrap_or(campaign.review_date));
    let (from, to) = (day(asked.from)?.unwrap_or(start), day(asked.to)?.unwrap_or(end));
    let through = match asked.through.unwrap_or_default() {
        "" | "none" => Through::None,
        "both" => Through::Both,
        _ => return Err(Problem::new(&problem::QUERY_MALFORMED)),
    };
    let look_back_years = asked.look_back.unwrap_or(LOOK_BACK_YEARS);
    if from > to {
        return Err(Problem::new(&problem::QUERY_MALFORMED));
    }
    Ok(Period { from, to, through, look_back_years })
}

/// Returns the day from which decisions count for a period: falling back is told from older ones.
fn since(period: &Period) -> Date {
    period.from.years_before(period.look_back_years)
}

/// Reads the decisions of a unit's register that a period is told from.
pub(in crate::http) async fn decisions(
    app: &App,
    seen: &Seen,
    unit: &str,
    period: &Period,
) -> Result<BTreeMap<String, Vec<Decided>>, StoreError> {
    let only = seen.tree.children(unit).is_empty().then_some(unit);
    let days = (since(period), period.to);
    app.store.register_read(seen.campaign.register, only, days).await
}

fn end_of(year: i32) -> Date {
    Date::of_number(i64::from(year) * 10_000 + 1231).unwrap_or(Date::of_unix_ms(0))
}
