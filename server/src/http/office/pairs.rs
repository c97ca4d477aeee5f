//! Households that may be one (Nghi trùng hộ): the queue, two side by side, and what is decided.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mobile_schema::household::{Answers, Value};
use mobile_schema::problem;
use shared::id::{CampaignId, DocumentId};
use shared::link::Choice;
use shared::resolve::Path as AnswerPath;
use shared::scope::Role;

use self::words::{
    Decided, Differs, decided, differs, grounds_text, likely_text, person_text, state_text,
    warning_text,
};
use super::frame::{Asked, Fields, Frame, Lang, Notice, Posted, Visitor, page};
use super::words::id_number_text;
use crate::app::App;
use crate::http::extract::{Json, Path, campaign};
use crate::http::forms::gather::name_of;
use crate::http::pairs::{self, Act, Compared, Decide, Elsewhere, Named, Paired, Party};
use crate::problem::Problem;

mod words;

/// The pages about pairs.
pub(super) fn routes() -> Router<App> {
    let campaign = "/office/campaigns/{campaign}";
    Router::new()
        .route(&format!("{campaign}/units/{{unit}}/pairs"), get(queue))
        .route(&format!("{campaign}/pairs"), get(across))
        .route(&format!("{campaign}/pairs/{{one}}/{{other}}"), get(show).post(decide))
}

/// One pair in a queue.
struct Line {
    one: Named,
    other: Named,
    likely: &'static str,
    grounds: String,
    state: &'static str,
    is_open: bool,
    late: bool,
}

#[derive(Template)]
#[template(path = "office/pairs.html")]
struct Queue {
    f: Frame,
    id: CampaignId,
    /// The unit; empty for pairs across units.
    unit: String,
    name: String,
    open: usize,
    lines: Vec<Line>,
    elsewhere: Vec<Elsewhere>,
    pending: usize,
}

/// Shows a unit's pairs.
async fn queue(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let at = Path((id, unit.clone()));
        let listed = pairs::list(State(app.clone()), visitor.actor(), at).await?.0;
        let seen = campaign(&app, &visitor.actor(), id).await?;
        let name = name_of(&seen.tree, &unit);
        let (found, elsewhere, pending) = (listed.pairs, listed.elsewhere, listed.pending);
        Ok(listing(&visitor, id, (unit, name), found, elsewhere, pending))
    };
    Asked::of(lang, shown.await)
}

/// Shows pairs across the visitor's units.
async fn across(State(app): State<App>, visitor: Visitor, Path(id): Path<CampaignId>) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let listed = pairs::list_across(State(app.clone()), visitor.actor(), Path(id)).await?.0;
        let seen = campaign(&app, &visitor.actor(), id).await?;
        let (found, elsewhere, pending) = (listed.pairs, listed.elsewhere, listed.pending);
        let name = seen.campaign.name.clone();
        Ok(listing(&visitor, id, (String::new(), name), found, elsewhere, pending))
    };
    Asked::of(lang, shown.await)
}

fn listing(
    visitor: &Visitor,
    id: CampaignId,
    (unit, name): (String, String),
    found: Vec<Paired>,
    elsewhere: Vec<Elsewhere>,
    pending: usize,
) -> Response {
    let lang = visitor.lang;
    let lines: Vec<Line> = found.into_iter().map(|pair| line(lang, pair)).collect();
    let title = if unit.is_empty() {
        lang.t("Nghi trùng hộ giữa các đơn vị", "Possible duplicates across units")
    } else {
        lang.t("Nghi trùng hộ", "Possible duplicates")
    };
    let open = lines.iter().filter(|line| line.is_open).count();
    let f = visitor.frame(title);
    page(StatusCode::OK, &Queue { f, id, unit, name, open, lines, elsewhere, pending })
}

fn line(lang: Lang, pair: Paired) -> Line {
    Line {
        likely: likely_text(lang, pair.likely),
        grounds: grounds_text(lang, &pair.grounds),
        state: state_text(lang, pair.state),
        is_open: pair.state == "open",
        late: pair.late,
        one: pair.one,
        other: pair.other,
    }
}

/// One member as the pair's page shows them.
struct Person {
    text: String,
    number: String,
    warnings: String,
}

/// Two members who seem to be the same.
struct Match {
    one: String,
    other: String,
    /// Ids, as the form sends them.
    ids: String,
}

#[derive(Template)]
#[template(path = "office/pair.html")]
struct Pair {
    f: Frame,
    id: CampaignId,
    one: Named,
    other: Named,
    people: [Vec<Person>; 2],
    matches: Vec<Match>,
    differs: Vec<Differs>,
    likely: &'static str,
    grounds: String,
    state: &'static str,
    state_text: &'static str,
    same_unit: bool,
    can_merge: bool,
    stamp: String,
    decisions: Vec<Decided>,
    notice: Option<Notice>,
    reason: String,
}

type Names = (CampaignId, DocumentId, DocumentId);

/// Shows two households side by side.
async fn show(State(app): State<App>, visitor: Visitor, Path(names): Path<Names>) -> Asked {
    let lang = visitor.lang;
    Asked::of(lang, shown(app, &visitor, names, StatusCode::OK, None).await)
}

async fn shown(
    app: App,
    visitor: &Visitor,
    names: Names,
    status: StatusCode,
    tried: Option<(Notice, &Fields)>,
) -> Result<Response, Problem> {
    let lang = visitor.lang;
    let read = pairs::read(State(app), visitor.actor(), Path(names)).await?.0;
    let stamp = stamp(&read);
    let members = [&read.one.household.members, &read.other.household.members];
    let matches = read.members.iter().map(|of| Match {
        one: person_text(lang, members[0].get(&of.one)),
        other: person_text(lang, members[1].get(&of.other)),
        ids: format!("{}={}", of.other, of.one),
    });
    let differs = read.differences.iter().map(|of| differs(lang, of, members[0]));
    let page_of = Pair {
        f: visitor.frame(lang.t("So hai hộ", "Two households side by side")),
        id: names.0,
        people: [people(lang, &read.one), people(lang, &read.other)],
        matches: matches.collect(),
        differs: differs.collect(),
        likely: likely_text(lang, read.likely),
        grounds: grounds_text(lang, &read.grounds),
        state: read.state,
        state_text: state_text(lang, read.state),
        same_unit: read.one.unit == read.other.unit,
        can_merge: visitor.account.post.role == Role::Officer,
        stamp,
        decisions: read.decisions.iter().map(|of| decided(lang, of)).collect(),
        reason: tried.as_ref().map_or(String::new(), |(_, fields)| fields.get("reason").to_owned()),
        notice: tried.map(|(notice, _)| notice),
        one: named(&read.one),
        other: named(&read.other),
    };
    Ok(page(status, &page_of))
}

/// Names what was shown without saying it: another stamp means that the two moved on.
fn stamp(read: &Compared) -> String {
    let members = read.members.iter().map(|of| (&of.one, &of.other)).collect::<Vec<_>>();
    let shown = serde_json::to_vec(&(members, &read.differences)).unwrap_or_default();
    shared::id::to_hex(&shared::id::sha256(&shown)[..16])
}

fn named(of: &Party) -> Named {
    let head = of.household.head_name().to_owned();
    let (code, unit, hamlet) = (of.code.clone(), of.unit.clone(), of.hamlet.clone());
    Named { document: of.document, code, unit, hamlet, head }
}

fn people(lang: Lang, of: &Party) -> Vec<Person> {
    let person = |(id, member): (&String, &Answers)| {
        let number = member.get("id_number").and_then(Value::as_text);
        let warnings = of.warnings.get(id).into_iter().flatten();
        let warnings = warnings.map(|warning| warning_text(lang, *warning)).collect::<Vec<_>>();
        Person {
            text: person_text(lang, Some(member)),
            number: number.map(id_number_text).unwrap_or_default(),
            warnings: warnings.join("; "),
        }
    };
    of.household.present().map(person).collect()
}

/// Decides about a pair, as the page showed it.
async fn decide(State(app): State<App>, Path(names): Path<Names>, posted: Posted) -> Asked {
    let (visitor, fields) = (posted.visitor, posted.fields);
    let lang = visitor.lang;
    let result = async {
        let done = async {
            let form = form(&app, &visitor, names, &fields).await?;
            let app = State(app.clone());
            pairs::decide(app, visitor.actor(), Path(names), Json(form)).await
        };
        match done.await {
            Ok(_) => {
                let (id, one, other) = names;
                let back = format!("/office/campaigns/{id}/pairs/{one}/{other}");
                Ok(Redirect::to(&back).into_response())
            }
            Err(problem) => {
                let notice = Notice::of(lang, &problem);
                let (status, ..) = problem.said();
                shown(app.clone(), &visitor, names, status, Some((notice, &fields))).await
            }
        }
    };
    Asked::of(lang, result.await)
}

/// Reads what was chosen; of a merge only where the two are what was shown.
async fn form(
    app: &App,
    visitor: &Visitor,
    names: Names,
    fields: &Fields,
) -> Result<Decide, Problem> {
    let act = match fields.get("act") {
        "merge" => Act::Merge,
        "unmerge" => Act::Unmerge,
        "reopen" => Act::Reopen,
        "dismiss" => Act::Dismiss,
        _ => return Err(Problem::new(&problem::BODY_MALFORMED)),
    };
    let reason = fields.get("reason").to_owned();
    let mut decide = Decide { act, reason, members: BTreeMap::new(), choices: Vec::new() };
    if act != Act::Merge {
        return Ok(decide);
    }
    let read = pairs::read(State(app.clone()), visitor.actor(), Path(names)).await?.0;
    if fields.get("stamp") != stamp(&read) {
        return Err(Problem::new(&problem::MERGE_CHOICE));
    }
    let ticked: Vec<&str> =
        fields.0.iter().filter(|(key, _)| key == "member").map(|(_, ids)| ids.as_str()).collect();
    for of in &read.members {
        if ticked.contains(&format!("{}={}", of.other, of.one).as_str()) {
            decide.members.insert(of.other.clone(), of.one.clone());
        }
    }
    for of in read.differences {
        let is_there = match &of.path {
            AnswerPath::Member(id, _) => decide.members.values().any(|one| one == id),
            AnswerPath::Answer(_) | AnswerPath::B1Item(_) => true,
        };
        let value = match fields.get(&format!("choice:{}", of.path)) {
            "one" => of.values[0].clone(),
            "other" => of.values[1].clone(),
            _ => continue,
        };
        if is_there {
            decide.choices.push(Choice { path: of.path, seen: of.values, value });
        }
    }
    Ok(decide)
}
