//! A poverty standard shown whole: lines, thresholds, indicators, rules, and how surely each is known.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use mobile_schema::problem;
use shared::standard::{Certainty, Standard, Standing};

use super::super::frame::{Asked, Frame, Lang, Visitor, page};
use crate::http::extract::Path;
use crate::problem::Problem;
use crate::standing::standard_named;

/// Writes how surely a part is known.
pub(super) fn certainty_text(lang: Lang, standing: &Standing) -> &'static str {
    match standing.certainty {
        Certainty::Verified => lang.t("đã đối chiếu văn bản gốc", "read in the legal text"),
        Certainty::Secondary => lang.t("theo nguồn thứ cấp", "from a secondary source"),
        Certainty::Unverified => lang.t("chưa đối chiếu", "unverified"),
    }
}

#[derive(Template)]
#[template(path = "office/province/standards.html")]
struct List {
    f: Frame,
    standards: Vec<(String, String, String)>,
}

fn period(lang: Lang, standard: &Standard) -> String {
    let until = standard.valid_to.map_or_else(
        || lang.t("chưa có ngày hết hiệu lực", "open").to_owned(),
        shared::date::Date::text_vi,
    );
    format!("{} – {until}", standard.valid_from.text_vi())
}

/// Lists the standards there are.
pub(super) async fn list(visitor: Visitor) -> Response {
    let lang = visitor.lang;
    let known = Standard::nd_07_2021();
    let title = lang.t(&known.title.vi, &known.title.en).to_owned();
    let period = period(lang, &known);
    let f = visitor.frame(lang.t("Chuẩn nghèo", "Standards"));
    page(StatusCode::OK, &List { f, standards: vec![(known.code, title, period)] })
}

/// One part of the standard with what it rests on.
struct Part {
    name: String,
    value: String,
    source: String,
    certainty: &'static str,
}

/// One indicator.
struct IndicatorLine {
    number: usize,
    code: String,
    dimension: String,
    label: String,
    when: String,
    rule: String,
    source: String,
    certainty: &'static str,
}

#[derive(Template)]
#[template(path = "office/province/standard.html")]
struct Whole {
    f: Frame,
    code: String,
    period: String,
    parts: Vec<Part>,
    indicators: Vec<IndicatorLine>,
    unverified: usize,
    all: usize,
}

/// Shows one standard whole.
pub(super) async fn show(visitor: Visitor, Path(code): Path<String>) -> Asked {
    let lang = visitor.lang;
    let Some(standard) = standard_named(&code) else {
        return Asked::of(lang, Err(Problem::new(&problem::STANDARD_UNKNOWN)));
    };
    let indicators = standard.indicators.iter().zip(1..).map(|(indicator, number)| {
        let dimension = standard.dimensions.iter().find(|one| one.code == indicator.dimension);
        IndicatorLine {
            number,
            code: indicator.code.clone(),
            dimension: dimension
                .map(|one| lang.t(&one.label.vi, &one.label.en).to_owned())
                .unwrap_or_default(),
            label: lang.t(&indicator.label.vi, &indicator.label.en).to_owned(),
            when: lang.t(&indicator.when.vi, &indicator.when.en).to_owned(),
            rule: serde_json::to_string_pretty(&indicator.deprived).unwrap_or_default(),
            source: indicator.standing.source.clone(),
            certainty: certainty_text(lang, &indicator.standing),
        }
    });
    let all = standard.parts();
    let whole = Whole {
        f: visitor.frame(lang.t(&standard.title.vi, &standard.title.en)),
        code: standard.code.clone(),
        period: period(lang, &standard),
        parts: parts(lang, &standard),
        indicators: indicators.collect(),
        unverified: all.iter().filter(|(_, standing)| !standing.verified).count(),
        all: all.len(),
    };
    Asked::of(lang, Ok(page(StatusCode::OK, &whole)))
}

fn parts(lang: Lang, standard: &Standard) -> Vec<Part> {
    use shared::aggregate::thousands_vi;
    let part = |name: &str, value: String, standing: &Standing| Part {
        name: name.to_owned(),
        value,
        source: standing.source.clone(),
        certainty: certainty_text(lang, standing),
    };
    let (urban, rural) = (lang.t("thành thị", "urban"), lang.t("nông thôn", "rural"));
    let income = standard.income.vnd_per_person_month;
    let money = |dong: i64| thousands_vi(dong.unsigned_abs());
    let lines = format!(
        "{urban} {} đ, {rural} {} đ {}",
        money(income.urban),
        money(income.rural),
        lang.t("mỗi người mỗi tháng", "per person and month")
    );
    let points = &standard.thresholds;
    let b1 = format!("B1 ≤ {} ({urban}), ≤ {} ({rural})", points.b1.urban, points.b1.rural);
    let b2 = format!(
        "B2 ≥ {} · {} {}",
        points.b2_poor,
        points.points_per_indicator,
        lang.t("điểm mỗi chỉ số thiếu hụt", "points an indicator")
    );
    let form_a = format!(
        "{} {}",
        lang.t("số ô đánh dấu ít nhất:", "ticks at least:"),
        standard.form_a.ticks_min
    );
    let dtts = match standard.dtts.who {
        shared::standard::DttsWho::Head => lang.t("dân tộc của chủ hộ", "the head's ethnicity"),
        shared::standard::DttsWho::HeadOrSpouse => {
            lang.t("dân tộc của chủ hộ hoặc vợ/chồng", "the head's or the spouse's ethnicity")
        }
    };
    let majority = standard.dtts.majority.join(", ");
    let dtts = format!("{dtts}; {} {majority}", lang.t("không phải DTTS: mã", "no minority: code"));
    vec![
        part(lang.t("Thời gian áp dụng", "Period"), period(lang, standard), &standard.standing),
        part(lang.t("Chuẩn thu nhập", "Income lines"), lines, &standard.income.standing),
        part(
            lang.t("Hộ nghèo, cận nghèo theo B1", "Poor and near-poor by B1"),
            b1,
            &points.standing,
        ),
        part(lang.t("Hộ nghèo theo B2", "Poor by B2"), b2, &points.standing),
        part(lang.t("Phiếu A", "Phiếu A"), form_a, &standard.form_a.standing),
        part(
            lang.t("Hộ dân tộc thiểu số", "Ethnic-minority household"),
            dtts,
            &standard.dtts.standing,
        ),
    ]
}
