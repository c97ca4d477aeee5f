//! From the totals of a province to the households of every hamlet.
//!
//! Province, district, commune, hamlet: at every step the parts add up to the whole, so that the
//! sum over all hamlets is the target to the household.

use shared::list::{Hamlet, Registered};
use shared::unit::{Area, Unit, UnitTree};

use super::apportion::{bounded, share};
use super::figures::{Count, Figures};
use super::flow::{Flow, Flows};
use super::names::hamlet_names;
use super::people::{Mix, Serial};
use super::rng::Rng;
use super::roster::{closing_size, opening_size};
use super::split::{Part, split};
use super::targets::{Assumed, Commune, District, Targets};
use super::{CommunePlan, PlanError, SCALE_FULL_PPM, Spec};

/// The whole in parts per million, for shares of a unit.
const MILLION: u64 = 1_000_000;

/// Fewest households of a hamlet worth a list of its own in a scaled-down campaign.
const HAMLET_HOUSEHOLDS_MIN: u64 = 12;

/// A commune on its way to being planned.
struct Draft<'a> {
    unit: &'a Unit,
    district: &'a District,
    hamlets: Vec<Place>,
}

/// A hamlet on its way to being planned; flows of ethnic-minority and other households.
struct Place {
    figures: Figures,
    flows: [Flow; 2],
}

/// Plans every commune of the province.
pub(super) fn communes(
    targets: &Targets,
    scale_ppm: u64,
    seed: u64,
    tree: &UnitTree,
) -> Result<Vec<CommunePlan>, PlanError> {
    let mut rng = Rng::new(seed, 1);
    let mut drafts = Vec::new();
    for (code, figures) in districts(targets, scale_ppm, tree)? {
        let district = &targets.districts[&code];
        for (unit, figures) in of_district(&code, district, figures, tree, &mut rng)? {
            let full_scale = share(figures.all().closing.households, SCALE_FULL_PPM, scale_ppm);
            let hamlets = of_commune(unit, figures, full_scale, &targets.assumed, &mut rng)?;
            let hamlets =
                hamlets.into_iter().map(|figures| Place { figures, flows: Default::default() });
            drafts.push(Draft { unit, district, hamlets: hamlets.collect() });
        }
    }
    drafts.sort_by(|a, b| a.unit.code().cmp(b.unit.code()));

    let mut flows = [Flows::new(&targets.assumed), Flows::new(&targets.assumed)];
    for place in drafts.iter_mut().flat_map(|draft| &mut draft.hamlets) {
        place.flows = [flows[0].next(place.figures.dtts), flows[1].next(place.figures.other)];
    }
    refuse_applicants(&mut drafts, targets.scaled_applicants(scale_ppm));

    let mut serial = Serial::default();
    Ok(drafts.into_iter().map(|draft| finish(draft, targets, &mut serial, &mut rng)).collect())
}

/// Splits the province over its districts, as far as published exactly.
fn districts(
    targets: &Targets,
    scale_ppm: u64,
    tree: &UnitTree,
) -> Result<Vec<(String, Figures)>, PlanError> {
    let province = &targets.province;
    let units = tree.children(province);
    let unknown = |code: &String| units.iter().all(|unit| unit.code() != code);
    if let Some(code) = targets.districts.keys().find(|code| unknown(code)) {
        return Err(PlanError::UnknownUnit { code: code.clone(), parent: province.clone() });
    }
    let mut published = targets.scaled_published(scale_ppm)?;
    let mut parts = Vec::with_capacity(units.len());
    for unit in &units {
        let code = unit.code();
        let district = targets
            .districts
            .get(code)
            .ok_or_else(|| PlanError::MissingDistrict { code: code.to_owned() })?;
        let communes = tree.children(code).len().max(1);
        parts.push(Part {
            dtts: district.weights.dtts,
            other: district.weights.other,
            least: u64::try_from(communes).expect("communes fit in memory"),
            known: published.remove(code).unwrap_or_default(),
        });
    }
    let figures = split(province, targets.scaled(scale_ppm)?, &parts)?;
    Ok(units.iter().map(|unit| unit.code().to_owned()).zip(figures).collect())
}

/// Splits a district over its communes, or gives it to itself where it has none.
fn of_district<'a>(
    code: &str,
    district: &District,
    figures: Figures,
    tree: &'a UnitTree,
    rng: &mut Rng,
) -> Result<Vec<(&'a Unit, Figures)>, PlanError> {
    let mut units = tree.children(code);
    if let Some(unknown) =
        district.communes.keys().find(|key| units.iter().all(|unit| unit.code() != *key))
    {
        return Err(PlanError::UnknownUnit { code: unknown.clone(), parent: code.to_owned() });
    }
    if units.is_empty() {
        units.extend(tree.get(code));
    }
    let all = figures.all().closing.households.max(1);
    let usual = share(MILLION, figures.dtts.closing.households, all);
    let parts: Vec<Part> = units
        .iter()
        .map(|unit| {
            let special = district.communes.get(unit.code());
            commune_weights(unit.area, special, usual, rng)
        })
        .collect();
    Ok(units.into_iter().zip(split(code, figures, &parts)?).collect())
}

/// Weighs one commune against the others of its district.
fn commune_weights(
    area: Option<Area>,
    special: Option<&Commune>,
    usual_ppm: u64,
    rng: &mut Rng,
) -> Part {
    let urban = area == Some(Area::Urban);
    let jitter = rng.below(61) + 70;
    let size = special.map_or(100, |commune| commune.size_percent);
    let size = size * jitter * if urban { 3 } else { 2 };
    let dtts_ppm =
        special.and_then(|commune| commune.dtts_per_mille).map_or(usual_ppm, |of| of * 1000);
    let poverty = if urban { 45 } else { 85 } + rng.below(31);
    weights(size, dtts_ppm, poverty, rng)
}

/// Turns a size, a share and a poverty factor into weights of every count.
fn weights(size: u64, dtts_ppm: u64, poverty: u64, rng: &mut Rng) -> Part {
    let near = rng.below(41) + 80;
    let count = |households: u64| Count {
        households: households * 100,
        poor: households * poverty,
        near_poor: households * near,
    };
    let dtts = count(size * dtts_ppm);
    let other = count(size * (MILLION - dtts_ppm.min(MILLION)));
    Part { dtts, other, least: 1, known: Default::default() }
}

/// Splits a commune over its hamlets; in a mixed commune ethnic groups live in hamlets of their own.
fn of_commune(
    unit: &Unit,
    figures: Figures,
    full_scale: u64,
    assumed: &Assumed,
    rng: &mut Rng,
) -> Result<Vec<Figures>, PlanError> {
    let households = figures.all().closing.households.min(figures.all().opening.households);
    let usual = share(full_scale, 1, assumed.hamlet_households);
    let full = if usual == 0 { 1 } else { usual.clamp(4, 9) };
    let count = full.min((households / HAMLET_HOUSEHOLDS_MIN).max(1));

    let all = figures.all().closing.households.max(1);
    let dtts_ppm = share(MILLION, figures.dtts.closing.households, all);
    let mut shares: Vec<u64> = (0..count)
        .map(|place| {
            let middle = (2 * place + 1) * MILLION / (2 * count);
            match dtts_ppm {
                0 => 0,
                ppm if middle < ppm => 970_000,
                ppm if place == 0 => ppm * count / 2,
                _ => 10_000,
            }
        })
        .collect();
    rng.shuffle(&mut shares);
    let parts: Vec<Part> = shares
        .into_iter()
        .map(|dtts_ppm| {
            let (size, poverty) = (rng.below(81) + 60, rng.below(81) + 60);
            weights(size, dtts_ppm.min(MILLION), poverty, rng)
        })
        .collect();
    split(unit.code(), figures, &parts)
}

/// Spreads the applicants who turn out not to be poor: first to communes that would have nothing to
/// review, then to all in proportion to the households that could apply.
fn refuse_applicants(drafts: &mut [Draft<'_>], applicants: u64) {
    let places = || drafts.iter().flat_map(|draft| &draft.hamlets);
    let accepted: u64 = places().flat_map(|place| &place.flows).map(Flow::applied).sum();
    let mut left = applicants.saturating_sub(accepted);
    for draft in drafts.iter_mut() {
        let flows = draft.hamlets.iter().flat_map(|place| &place.flows);
        if left > 0 && flows.map(|flow| flow.listed() + flow.applied()).sum::<u64>() == 0 {
            let room = draft.hamlets.iter_mut().find_map(|place| {
                let rooms = rooms(place);
                let group = rooms.iter().position(|room| *room > 0)?;
                Some(&mut place.flows[group].applied[2])
            });
            if let Some(applied) = room {
                *applied += 1;
                left -= 1;
            }
        }
    }
    let cells: Vec<u64> = drafts.iter().flat_map(|draft| &draft.hamlets).flat_map(rooms).collect();
    let bounds: Vec<(u64, u64)> = cells.iter().map(|room| (0, *room)).collect();
    let left = left.min(cells.iter().sum());
    let parts = bounded(left, &cells, &bounds).expect("no more applicants than rooms");
    let flows = drafts.iter_mut().flat_map(|draft| &mut draft.hamlets);
    for (flow, more) in flows.flat_map(|place| &mut place.flows).zip(parts) {
        flow.applied[2] += more;
    }
}

/// Counts, by group, the households of a hamlet that are not under review.
fn rooms(place: &Place) -> [u64; 2] {
    let [dtts, other] = &place.flows;
    [
        place.figures.dtts.closing.households - dtts.staying(),
        place.figures.other.closing.households - other.staying(),
    ]
}

/// Names the hamlets of a commune and fills them with households.
fn finish(draft: Draft<'_>, targets: &Targets, serial: &mut Serial, rng: &mut Rng) -> CommunePlan {
    let Draft { unit, district, hamlets } = draft;
    let area = unit.area.unwrap_or(Area::Rural);
    let special = district.communes.get(unit.code());
    let own = special.and_then(|commune| commune.ethnicities.as_ref());
    let mix = Mix {
        area,
        b1_methods: &targets.assumed.b1_methods,
        ethnicities: own.unwrap_or(&targets.assumed.ethnicities),
    };
    let mostly_dtts: Vec<bool> = hamlets
        .iter()
        .map(|place| {
            let Figures { dtts, other } = place.figures;
            dtts.closing.households > other.closing.households
        })
        .collect();
    let names = hamlet_names(area, &mostly_dtts, rng);

    let mut plan = CommunePlan {
        unit: unit.code().to_owned(),
        region: targets.region.clone(),
        hamlets: Vec::new(),
        households: Vec::new(),
        split_is_synthetic: true,
    };
    for ((place, (type_word, name)), number) in hamlets.into_iter().zip(names).zip(1..) {
        let code = format!("{}-{number:02}", unit.code());
        let specs = serial.households(&code, &place.flows, &mix, rng);
        let (opening, closing) = registered(place.figures, &specs, &targets.assumed, rng);
        let source = "synthetic (demo)".to_owned();
        let type_word = type_word.to_owned();
        plan.hamlets.push(Hamlet { code, type_word, name, area, closing, opening, source });
        plan.households.extend(specs);
    }
    plan
}

/// Counts the persons of a hamlet: exactly those under review, and by the usual size the others.
fn registered(
    figures: Figures,
    specs: &[Spec],
    assumed: &Assumed,
    rng: &mut Rng,
) -> (Registered, Registered) {
    let jitter = rng.below(11) + 95;
    let mut counts = [Registered::default(); 2];
    let groups = [
        (true, figures.dtts, assumed.dtts_persons_per_100_households),
        (false, figures.other, assumed.persons_per_100_households),
    ];
    for (dtts, figures, usual) in groups {
        let ours = || specs.iter().filter(|spec| spec.dtts == dtts);
        let sizes = [
            (figures.opening, ours().filter_map(opening_size).collect::<Vec<_>>()),
            (figures.closing, ours().filter_map(closing_size).collect()),
        ];
        for (count, (figure, sizes)) in counts.iter_mut().zip(sizes) {
            let known = u64::try_from(sizes.len()).expect("households fit in memory");
            let others = figure.households - known;
            let persons = sizes.iter().sum::<u64>() + share(others * usual, jitter, 10_000);
            count.households += figure.households;
            count.persons += persons;
            if dtts {
                count.dtts_households = figure.households;
                count.dtts_persons = persons;
            }
        }
    }
    (counts[0], counts[1])
}
