//! The list of households to review (Phụ lục I), by hamlet or by who visits them.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use shared::classify::Class;
use shared::id::{CampaignId, DocumentId};

use super::super::frame::{Asked, Frame, Lang, Visitor};
use super::super::list::class_text;
use super::super::words::option_text;
use super::{Paper, Part, hamlet_name, printed};
use crate::app::App;
use crate::http::extract::{Path, Query, list_unit};
use crate::problem::Problem;
use crate::standing::refresh;
use crate::store::assignment::Assignment;

/// What was not compared with the printed annex.
const WORDING: &str = "Tiêu đề và các cột của Phụ lục I chưa đối chiếu với bản in của Thông tư.";

struct Line {
    number: usize,
    head: String,
    code: String,
    hamlet: String,
    ethnicity: String,
    members: u32,
    opening: &'static str,
}

/// Households that go out together: a table of its own, from the top of a page.
struct Group {
    title: String,
    enumerators: String,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "office/print/review_list.html")]
struct ReviewList {
    f: Frame,
    paper: Paper,
    by_enumerator: bool,
    groups: Vec<Group>,
    households: usize,
    poor: usize,
    near_poor: usize,
}

/// Who visits what, as it is in force.
#[derive(Default)]
struct Visits {
    hamlets: BTreeMap<String, Vec<String>>,
    households: BTreeMap<DocumentId, Vec<String>>,
}

impl Visits {
    fn of(assignments: Vec<Assignment>) -> Self {
        let mut visits = Self::default();
        for one in assignments.into_iter().filter(|one| one.until_ms.is_none()) {
            let people = match one.document {
                Some(document) => visits.households.entry(document).or_default(),
                None => visits.hamlets.entry(one.hamlet).or_default(),
            };
            people.push(one.full_name);
        }
        visits
    }

    /// Returns who visits a household: whoever has it alone, else whoever has its hamlet.
    fn who(&self, document: DocumentId, hamlet: &str) -> &[String] {
        let alone = self.households.get(&document);
        alone.or_else(|| self.hamlets.get(hamlet)).map_or(&[], Vec::as_slice)
    }
}

/// Shows the list.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, unit)): Path<(CampaignId, String)>,
    Query(part): Query<Part>,
) -> Asked {
    let lang = visitor.lang;
    let shown = async {
        let list = found(&app, &visitor, id, &unit, &part).await?;
        printed(&list)
    };
    Asked::of(lang, shown.await)
}

async fn found(
    app: &App,
    visitor: &Visitor,
    id: CampaignId,
    unit: &str,
    part: &Part,
) -> Result<ReviewList, Problem> {
    let seen = list_unit(app, &visitor.actor(), id, unit).await?;
    let hamlets = app.store.hamlet_list(id, Some(unit)).await?.into_iter();
    let hamlets: BTreeMap<String, String> =
        hamlets.map(|(_, hamlet)| (hamlet.code.clone(), hamlet_name(&hamlet))).collect();
    let visits = Visits::of(app.store.assignment_list(id, unit).await?);
    let by_enumerator = part.by == "enumerator";
    let mut standings = refresh(app, &seen.campaign, unit).await?;
    standings.retain(|(at, _)| part.hamlet.is_empty() || at.hamlet == part.hamlet);
    standings.sort_by(|(one, _), (other, _)| {
        (&one.hamlet, &one.code, one.document).cmp(&(&other.hamlet, &other.code, other.document))
    });
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let (mut poor, mut near_poor) = (0, 0);
    for (at, standing) in &standings {
        let row = &standing.row;
        poor += usize::from(row.opening == Some(Class::Poor));
        near_poor += usize::from(row.opening == Some(Class::NearPoor));
        let hamlet = hamlets.get(&at.hamlet).unwrap_or(&at.hamlet);
        let people = visits.who(at.document, &at.hamlet).join(", ");
        let people = if people.is_empty() { "chưa giao".to_owned() } else { people };
        let key = if by_enumerator { &people } else { &at.hamlet };
        let group = groups.entry(key.clone()).or_insert_with(|| Group {
            title: if by_enumerator { "Cả xã".to_owned() } else { hamlet.clone() },
            enumerators: people.clone(),
            lines: Vec::new(),
        });
        group.lines.push(Line {
            number: group.lines.len() + 1,
            head: standing.head.clone(),
            code: at.code.clone(),
            hamlet: hamlet.clone(),
            ethnicity: option_text(Lang::Vi, "ethnicity", &row.ethnicity),
            members: row.members,
            opening: row
                .opening
                .map_or("Có giấy đề nghị", |class| class_text(Lang::Vi, class)),
        });
    }
    Ok(ReviewList {
        f: visitor.frame("Danh sách hộ gia đình cần rà soát"),
        paper: Paper::of(app, &seen, unit, WORDING),
        by_enumerator,
        groups: groups.into_values().collect(),
        households: standings.len(),
        poor,
        near_poor,
    })
}
