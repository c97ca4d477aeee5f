//! The phones' work: reviews typed offline, returns in a seeded order, and what the line loses.

use std::collections::BTreeMap;
use std::sync::Arc;

use mobile_schema::frame::Fate;
use shared::id::DocumentId;
use shared::score::ScoreTable;
use shared::standard::Standard;

use super::super::phone::{Phone, PhoneError, SyncReport};
use super::super::population::{CommunePlan, Spec, Truth, truth};
use super::setup::{Out, devices_of, is_assigned};
use super::twice::{self, Twice};
use super::visit::Visit;
use super::{AT_ONCE, Fleet, FleetError, Found, Slipped, basis, draw};

/// Households in a hundred that a second device looks at too.
const SECOND_LOOK_PERCENT: u64 = 24;

/// Of these, one in so many comes back with another answer to the same question.
const SLIP_ONE_IN: u64 = 4;

/// One phone in so many loses the response to its first request.
const LOSE_ONE_IN: u64 = 9;

/// One phone in so many syncs a second time.
const TWICE_ONE_IN: u64 = 5;

/// Five years, in seconds: how far one clock is off.
const CLOCK_OFF_S: i64 = 5 * 365 * 24 * 60 * 60;

/// What one phone brought home.
struct Home {
    unit: String,
    phone: Phone,
    report: SyncReport,
    work: Work,
    lost: bool,
    twice: bool,
}

/// What one phone did.
#[derive(Default)]
struct Work {
    slips: Vec<Slipped>,
    /// Families it registered a second time.
    registered: Vec<Twice>,
    two_devices: usize,
}

/// Everything a phone's task needs, owned.
struct Trip {
    out: Out,
    commune: Arc<CommunePlan>,
    standard: Arc<Standard>,
    table: Arc<ScoreTable>,
    review_date: shared::date::Date,
    drop_upload: bool,
}

impl Fleet<'_> {
    /// Lets every phone do its work offline and come back in a seeded order.
    pub(super) async fn bring_back(&mut self, phones: Vec<Out>) -> Result<Found, FleetError> {
        let what = "rà soát ngoại tuyến, đồng bộ / review and sync";
        let bar = self.bar(what, phones.len());
        let communes: BTreeMap<String, Arc<CommunePlan>> = self
            .plan
            .communes
            .iter()
            .map(|commune| (commune.unit.clone(), Arc::new(commune.clone())))
            .collect();
        let (standard, table) = (Arc::new(self.standard.clone()), Arc::new(self.table.clone()));
        let mut phones = phones;
        let seed = self.options.seed;
        phones.sort_by_key(|out| shared::id::sha256(format!("{seed}/{}", out.name).as_bytes()));
        if let Some(first) = phones.first_mut() {
            first.phone.clock_s -= CLOCK_OFF_S;
            self.tally.clocks_off += 1;
        }
        let mut found = Found::default();
        let mut tasks = tokio::task::JoinSet::new();
        for out in phones {
            if tasks.len() >= AT_ONCE
                && let Some(done) = tasks.join_next().await
            {
                self.take_home(done??, &mut found);
                bar.inc(1);
            }
            let trip = Trip {
                commune: Arc::clone(&communes[&out.unit]),
                standard: Arc::clone(&standard),
                table: Arc::clone(&table),
                review_date: self.plan.review_date,
                drop_upload: self.options.drop_upload_of.as_deref() == Some(out.name.as_str()),
                out,
            };
            tasks.spawn(trip.run());
        }
        while let Some(done) = tasks.join_next().await {
            self.take_home(done??, &mut found);
            bar.inc(1);
        }
        let planned: usize = self.plan.communes.iter().map(|c| c.households.len()).sum();
        self.tally.documents = planned + found.twice.len();
        self.tally.same_field = found.slips.len();
        self.stage(&bar, what);
        Ok(found)
    }

    fn take_home(&mut self, home: Home, found: &mut Found) {
        self.tally.changes += Phone::count(&home.report, Fate::Accepted);
        self.tally.known += Phone::count(&home.report, Fate::Known);
        self.tally.bytes_up += home.report.up;
        self.tally.bytes_down += home.report.down;
        self.tally.two_devices += home.work.two_devices;
        self.tally.lost_responses += usize::from(home.lost);
        self.tally.synced_twice += usize::from(home.twice);
        found.slips.extend(home.work.slips);
        found.twice.extend(home.work.registered);
        if !home.phone.households.is_empty() {
            found.late.entry(home.unit).or_insert(home.phone);
        }
    }
}

impl Trip {
    async fn run(mut self) -> Result<Home, FleetError> {
        let unit = self.out.unit.clone();
        let chance = shared::id::sha256(self.out.name.as_bytes());
        let (lost, twice) =
            (u64::from(chance[0]) % LOSE_ONE_IN == 0, u64::from(chance[1]) % TWICE_ONE_IN == 0);
        let worked = tokio::task::spawn_blocking(move || {
            let work = self.work();
            (self, work)
        });
        let (trip, work) = worked.await?;
        let mut work = work?;
        let mut phone = trip.out.phone;
        let mut report = SyncReport::default();
        if !trip.drop_upload {
            if lost {
                phone.lose_a_response().await?;
            }
            report = phone.sync_as_told().await?;
            if let Some(name) = report.refused.first() {
                return Err(FleetError::Short(format!("a batch was refused: {name}")));
            }
            if twice {
                let again = phone.sync_as_told().await?;
                report.up += again.up;
                report.down += again.down;
            }
        } else {
            // Nobody ever hears of them.
            work.registered.clear();
        }
        Ok(Home { unit, phone, report, work, lost, twice })
    }

    /// Types every household this device is the first or second to visit.
    fn work(&mut self) -> Result<Work, PhoneError> {
        let commune = Arc::clone(&self.commune);
        let basis = basis(&self.standard, &self.table, self.review_date, &commune.region);
        let by_code: BTreeMap<String, DocumentId> = self
            .out
            .phone
            .households
            .iter()
            .map(|(document, kept)| (kept.code.clone(), *document))
            .collect();
        let visit = Visit { by: &self.out.name, day: "2022-10-15" };
        let devices = devices_of(commune.households.len());
        let mut work = Work::default();
        for (index, spec) in commune.households.iter().enumerate() {
            let Some((first, second)) = visitors(&commune, spec, index, devices) else { continue };
            if first == self.out.number {
                let truth = truth(spec, &basis);
                let twice = visit_first(&mut self.out.phone, &visit, spec, &truth, &by_code)?;
                let unit = self.out.unit.clone();
                work.registered.extend(twice.map(|twice| Twice { unit, ..twice }));
            } else if second == self.out.number && looked_at_again(spec) {
                let truth = truth(spec, &basis);
                let slip = draw(spec, 2).is_multiple_of(SLIP_ONE_IN).then(|| draw(spec, 3));
                let (page, slip) = visit.second_look(&truth, slip);
                let Some(document) = by_code.get(&spec.code) else { continue };
                self.out.phone.save(*document, &[page])?;
                work.two_devices += 1;
                work.slips.extend(slip.map(|slip| Slipped {
                    unit: self.out.unit.clone(),
                    document: *document,
                    path: format!("answers/{}", slip.key),
                    right: slip.right,
                }));
            }
        }
        Ok(work)
    }
}

/// Tells which devices visit a household first and second.
fn visitors(
    commune: &CommunePlan,
    spec: &Spec,
    index: usize,
    devices: usize,
) -> Option<(usize, usize)> {
    let hamlets = commune.hamlets.len();
    let hamlet = commune.hamlets.iter().position(|hamlet| hamlet.code == spec.hamlet)?;
    let here: Vec<usize> =
        (0..devices).filter(|device| is_assigned(*device, hamlet, devices, hamlets)).collect();
    let first = *here.get(index % here.len().max(1))?;
    let second = *here.get((index + 1) % here.len().max(1))?;
    Some((first, second))
}

/// A listed household that is still there may be looked at by a second device.
fn looked_at_again(spec: &Spec) -> bool {
    spec.opening.is_some()
        && matches!(spec.goal, super::super::population::Goal::Class(_))
        && draw(spec, 1) % 100 < SECOND_LOOK_PERCENT
}

fn visit_first(
    phone: &mut Phone,
    visit: &Visit<'_>,
    spec: &Spec,
    truth: &Truth,
    by_code: &BTreeMap<String, DocumentId>,
) -> Result<Option<Twice>, PhoneError> {
    if spec.opening.is_none() {
        let (document, opening) = phone.register(&spec.hamlet);
        let mut pages = visit.pages(truth, &Default::default(), true);
        if let Some(first) = pages.first_mut() {
            first.opening = opening.opening;
        }
        phone.save(document, &pages)?;
        return if twice::is_planted(spec) {
            twice::register(phone, spec, (document, &pages)).map(Some)
        } else {
            Ok(None)
        };
    }
    let document = *by_code.get(&spec.code).ok_or(PhoneError::Unknown)?;
    phone.review(document, |known| visit.pages(truth, known, false))?;
    Ok(None)
}
