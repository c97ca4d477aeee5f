//! The register: who is on a list on a day, and which households are behind a figure of 7.2 and 7.3.

pub(super) mod period;
pub(super) mod roster;

use std::collections::BTreeMap;

use axum::extract::State;
use mobile_schema::problem;
use serde::{Deserialize, Serialize};
use shared::date::Date;
use shared::days::day_of;
use shared::forms::{Flow, Form, Side, Size};
use shared::id::{CampaignId, DocumentId, HouseholdId, document_id};
use shared::register::{Cause, Held, Moved, Period, as_of_all, moves};
use shared::scope::Role;

use self::period::{Asked, decisions, period_of};
use super::extract::{Json, Path, Query, Seen, campaign};
use super::forms::gather::{covered_unit, list_units, name_of};
use super::households::OFFICES;
use crate::app::App;
use crate::auth::Actor;
use crate::problem::{Body, Problem};
use crate::store::StoreError;

/// Most households that one answer names.
const HOUSEHOLDS_MAX: usize = 5_000;

/// Households and the persons in them.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Count {
    pub(super) households: u64,
    pub(super) persons: u64,
    /// Households whose persons are not known, of opening lists from before the register: the persons
    /// of the others are no whole sum then.
    pub(super) persons_unknown: u64,
    /// Ethnic-minority households.
    pub(super) dtts_households: u64,
}

impl Count {
    fn add(&mut self, held: &Held<'_>) {
        self.households += 1;
        self.persons += u64::from(held.entry.persons);
        self.persons_unknown += u64::from(!held.entry.knows_persons());
        self.dtts_households += u64::from(held.entry.dtts);
    }
}

impl Count {
    /// Writes the persons: a dash where nothing is known, and a mark where the sum is not whole.
    pub(super) fn persons_text(&self) -> String {
        match (self.persons, self.persons_unknown) {
            (persons, 0) => persons.to_string(),
            (0, _) => "–".to_owned(),
            (persons, _) => format!("{persons}*"),
        }
    }
}

/// One unit's part of the register.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub(super) struct Managed {
    pub(super) unit: String,
    pub(super) name: String,
    pub(super) poor: Count,
    pub(super) near_poor: Count,
}

/// A household as the register names it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub(super) struct Named {
    #[schema(value_type = String)]
    pub(super) household: HouseholdId,
    #[schema(value_type = String)]
    pub(super) document: DocumentId,
    /// Campaign of the decision.
    #[schema(value_type = String)]
    pub(super) campaign: CampaignId,
    pub(super) unit: String,
    pub(super) hamlet: String,
    /// `poor` or `near_poor`.
    #[schema(value_type = String)]
    pub(super) class: Side,
    /// How it came to stand there.
    #[schema(value_type = String)]
    pub(super) cause: Cause,
    /// 0 where they are not known.
    pub(super) persons: u64,
    /// Day from which it holds.
    pub(super) since: String,
    /// The decision.
    pub(super) paper: String,
    /// The household it split from or joined.
    #[schema(value_type = Option<String>)]
    pub(super) kin: Option<HouseholdId>,
    /// Code and head as they are known in the decision's campaign.
    pub(super) code: String,
    pub(super) head: String,
}

/// The register on a day.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Shown {
    pub(super) unit: String,
    pub(super) name: String,
    /// `YYYY-MM-DD`.
    pub(super) on: String,
    pub(super) poor: Count,
    pub(super) near_poor: Count,
    /// The units below that keep a list.
    pub(super) units: Vec<Managed>,
    /// The households, where the unit keeps a list itself.
    pub(super) households: Vec<Named>,
}

/// Which register is asked for.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
pub(super) struct On {
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
    /// `YYYY-MM-DD`; today where absent.
    pub(super) on: Option<String>,
}

/// Shows the register of a unit as of a day (danh sách đang quản lý tại ngày …).
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/register",
    params(("campaign" = String, Path), On), security(("bearer" = [])), responses(
    (status = 200, body = Shown),
    (status = 400, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn read(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(asked): Query<On>,
) -> Result<Json<Shown>, Problem> {
    let actor = actor.with_role(&OFFICES)?;
    let seen = campaign(&app, &actor, id).await?;
    let unit = covered_unit(&seen, &actor, asked.under)?;
    let on = match asked.on.as_deref().filter(|on| !on.is_empty()) {
        Some(on) => Date::parse(on).map_err(|_| &problem::QUERY_MALFORMED)?,
        None => Date::of_unix_ms(day_of(app.now_ms()) * 86_400_000),
    };
    Ok(Json(shown(&app, &seen, unit, on).await?))
}

async fn shown(app: &App, seen: &Seen, unit: String, on: Date) -> Result<Shown, Problem> {
    let keeps_list = seen.tree.children(&unit).is_empty();
    let register = seen.campaign.register;
    let decided = if keeps_list {
        app.store.register_around(register, &unit, on).await?
    } else {
        app.store.register_read(register, None, (on, on)).await?
    };
    let mut all_held = as_of_all(&decided, on);
    let (mut poor, mut near_poor) = (Count::default(), Count::default());
    let (mut units, mut households) = (Vec::new(), Vec::new());
    for (code, name) in list_units(&seen.tree, &unit) {
        let mut managed = Managed { unit: code.clone(), name, ..Managed::default() };
        for held in all_held.remove(code.as_str()).unwrap_or_default() {
            let Some(side) = held.entry.class else { continue };
            let (part, all) = match side {
                Side::Poor => (&mut managed.poor, &mut poor),
                Side::NearPoor => (&mut managed.near_poor, &mut near_poor),
            };
            part.add(&held);
            all.add(&held);
            if keeps_list {
                households.push(named(&code, &held, side));
            }
        }
        units.push(managed);
    }
    with_names(app, &mut households).await?;
    let name = name_of(&seen.tree, &unit);
    Ok(Shown { unit, name, on: on.to_string(), poor, near_poor, units, households })
}

fn named(unit: &str, held: &Held<'_>, class: Side) -> Named {
    let (entry, by) = (held.entry, held.by);
    Named {
        household: entry.household,
        document: document_id(by.campaign, entry.household),
        campaign: by.campaign,
        unit: unit.to_owned(),
        hamlet: by.hamlet_of(entry).map(|hamlet| hamlet.code.clone()).unwrap_or_default(),
        class,
        cause: entry.cause,
        persons: u64::from(entry.persons),
        since: by.date.to_string(),
        paper: by.paper_of(entry).to_owned(),
        kin: entry.kin,
        code: String::new(),
        head: String::new(),
    }
}

/// Adds code and head of each household, as its campaign knows them.
async fn with_names(app: &App, households: &mut [Named]) -> Result<(), StoreError> {
    let mut known = BTreeMap::new();
    let mut by_campaign: BTreeMap<CampaignId, Vec<DocumentId>> = BTreeMap::new();
    for one in households.iter() {
        by_campaign.entry(one.campaign).or_default().push(one.document);
    }
    for (campaign, documents) in by_campaign {
        known.extend(app.store.household_names(campaign, &documents).await?);
    }
    for one in households {
        (one.code, one.head) = known.get(&one.document).cloned().unwrap_or_default();
    }
    Ok(())
}

/// One household's part in a figure of 7.2 or 7.3.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Part {
    #[serde(flatten)]
    pub(super) named: Named,
    /// 1; 0 where only its number of members changed.
    pub(super) households: u64,
}

/// The households behind a figure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Behind {
    pub(super) unit: String,
    pub(super) name: String,
    pub(super) form: &'static str,
    pub(super) column: usize,
    #[schema(value_type = Object)]
    pub(super) period: Period,
    /// What the parts come to.
    #[schema(value_type = Object)]
    pub(super) total: Size,
    /// Households among them whose persons are not known: the persons are no whole sum then.
    pub(super) persons_unknown: u64,
    /// At most 5.000 of them.
    pub(super) parts: Vec<Part>,
}

/// Which figure is opened.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
pub(super) struct Figure {
    /// `7.2` or `7.3`.
    pub(super) form: String,
    /// Number of the column, 1 to 9.
    pub(super) column: usize,
    /// Unit code; the caller's own unit where absent.
    pub(super) under: Option<String>,
    /// Code of a hamlet.
    pub(super) hamlet: Option<String>,
    /// First day, `YYYY-MM-DD`.
    pub(super) from: Option<String>,
    /// Last day.
    pub(super) to: Option<String>,
    /// `none` or `both`.
    pub(super) through: Option<String>,
    /// Years of look-back.
    pub(super) look_back: Option<u8>,
}

impl Figure {
    fn place(&self) -> Option<(Form, Side, Flow)> {
        let form = Form::by_code(&self.form)?;
        let side = match form {
            Form::PoorMovement => Side::Poor,
            Form::NearPoorMovement => Side::NearPoor,
            _ => return None,
        };
        let flow = Flow::ALL.get(self.column.checked_sub(1)?)?;
        Some((form, side, *flow))
    }
}

/// Opens a figure of 7.2 or 7.3: the households behind it.
#[utoipa::path(get, path = "/v1/campaigns/{campaign}/register/moves",
    params(("campaign" = String, Path), Figure), security(("bearer" = [])), responses(
    (status = 200, body = Behind),
    (status = 400, body = Body, content_type = "application/problem+json"),
    (status = 404, body = Body, content_type = "application/problem+json"),
))]
pub(super) async fn behind(
    State(app): State<App>,
    actor: Actor,
    Path(id): Path<CampaignId>,
    Query(figure): Query<Figure>,
) -> Result<Json<Behind>, Problem> {
    let actor = actor.with_role(&[Role::Province, Role::District, Role::Officer])?;
    let seen = campaign(&app, &actor, id).await?;
    let unit = covered_unit(&seen, &actor, figure.under.clone())?;
    let (form, side, flow) = figure.place().ok_or(&problem::QUERY_MALFORMED)?;
    let asked = Asked {
        from: figure.from.as_deref(),
        to: figure.to.as_deref(),
        through: figure.through.as_deref(),
        look_back: figure.look_back,
    };
    let period = period_of(&app, &seen, asked).await?;
    let decided = decisions(&app, &seen, &unit, &period).await?;
    let (mut parts, mut total, mut persons_unknown) = (Vec::new(), Size::default(), 0);
    let inside = decided.iter().filter(|(code, _)| seen.tree.contains(&unit, code));
    for (code, decided) in inside {
        let all = moves(decided, &period);
        let here = all.iter().filter(|moved| (moved.side, moved.flow) == (side, flow));
        let hamlet = figure.hamlet.as_deref();
        for moved in here.filter(|moved| hamlet.is_none_or(|wanted| moved.hamlet.code == wanted)) {
            total.households += moved.households;
            total.persons += moved.persons;
            persons_unknown += u64::from(moved.households == 1 && moved.persons == 0);
            if parts.len() < HOUSEHOLDS_MAX {
                parts.push(part(code, moved));
            }
        }
    }
    let mut households: Vec<Named> = parts.iter().map(|part| part.named.clone()).collect();
    with_names(&app, &mut households).await?;
    parts.iter_mut().zip(households).for_each(|(part, named)| part.named = named);
    let (name, form) = (name_of(&seen.tree, &unit), form.code());
    Ok(Json(Behind {
        unit,
        name,
        form,
        column: figure.column,
        period,
        total,
        persons_unknown,
        parts,
    }))
}

fn part(unit: &str, moved: &Moved<'_>) -> Part {
    let named = Named {
        household: moved.household,
        document: document_id(moved.campaign, moved.household),
        campaign: moved.campaign,
        unit: unit.to_owned(),
        hamlet: moved.hamlet.code.clone(),
        class: moved.side,
        cause: moved.cause,
        persons: moved.persons,
        since: moved.date.to_string(),
        paper: moved.paper.to_owned(),
        kin: moved.kin,
        code: String::new(),
        head: String::new(),
    };
    Part { named, households: moved.households }
}
