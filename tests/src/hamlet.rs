//! Plenty of households on the real form and what people do to them, for whoever counts bytes.

use std::net::SocketAddr;

use mobile_schema::household::{Household, Value};
use server::demo::client::Client;
use server::demo::fleet::visit::Visit;
use server::demo::phone::{Phone, SyncReport};
use server::demo::population::{Spec, truth};
use shared::classify::Basis;
use shared::date::Date;
use shared::page::Page;
use shared::score::ScoreTable;
use shared::standard::Standard;

use crate::line::{Laid, Line};
use crate::town::Cast;

/// Households of one enumerator, beside the few of the town.
pub const HOUSEHOLDS: usize = 500;

/// Pages that are typed in a day.
pub const PAGES: usize = 25;

/// Edits of a household that two people work on.
pub const EDITS: usize = 20;

/// Bytes after which a 32 kbit/s line that breaks every five seconds breaks.
pub const FIVE_SECONDS_BYTES: u64 = 20_000;

/// What families are made up and classified by.
#[derive(Debug, Clone)]
pub struct Rules {
    standard: Standard,
    table: ScoreTable,
}

impl Default for Rules {
    fn default() -> Self {
        Self { standard: Standard::nd_07_2021(), table: ScoreTable::synthetic_demo() }
    }
}

impl Rules {
    /// Returns the basis of every test's campaign.
    pub fn basis(&self) -> Basis<'_> {
        Basis {
            standard: &self.standard,
            table: Some(&self.table),
            review_date: Date::parse("2022-12-14").expect("a date"),
            region: "rural_north_central_coast",
        }
    }
}

/// The enumerator of every test, on the same day.
pub const VISIT: Visit<'static> = Visit { by: "rà soát viên", day: "2022-10-15" };

/// Writes the opening list of these families; applicants are on none.
pub fn roster_file<'a>(specs: impl IntoIterator<Item = &'a Spec>, basis: &Basis<'_>) -> String {
    let mut file =
        "household,hamlet,class,decision,dtts,name,relation,birth,sex,ethnicity,id_number\n"
            .to_owned();
    for spec in specs {
        let Some(class) = spec.opening else { continue };
        let dtts = if spec.dtts { "1" } else { "0" };
        for member in truth(spec, basis).opening_members {
            let text = |key: &str| member.get(key).and_then(Value::as_text).unwrap_or("");
            let keys = ["name", "relation", "birth", "sex", "ethnicity", "id_number"];
            let cells = [spec.code.as_str(), &spec.hamlet, class.as_str(), "QĐ 1/2021", dtts];
            let cells: Vec<&str> = cells.into_iter().chain(keys.into_iter().map(text)).collect();
            file.push_str(&(cells.join(",") + "\n"));
        }
    }
    file
}

/// Makes families of one hamlet up, half of them like each of two of the town's.
pub fn listed(cast: &Cast, households: usize) -> Vec<Spec> {
    (0_u64..)
        .take(households)
        .map(|number| {
            let like = ["19558-01-0001", "19558-01-0003"][usize::from(number % 2 == 0)];
            let like = &cast.families[like];
            let code = format!("19558-01-{}", 1_000 + number);
            Spec { code, seed: like.seed + (number << 32), ..like.clone() }
        })
        .collect()
}

/// A phone that fetched everything on a line that counts.
#[derive(Debug)]
pub struct Fetched {
    /// The phone, still on that line.
    pub phone: Phone,
    /// The line.
    pub line: Laid,
    /// What it said.
    pub report: SyncReport,
}

/// Lets a phone that has nothing yet fetch everything that hoa may see.
pub async fn fetch(cast: &Cast, server: SocketAddr) -> Fetched {
    let line = Line::default().to(server);
    let mut phone = cast.phone("hoa").await;
    phone.move_to(&Client::new(&line.base));
    let report = phone.sync().await.expect("it fetches its households");
    Fetched { phone, line, report }
}

/// Types one page, on the dwelling, in so many households.
pub fn type_pages(phone: &mut Phone, pages: usize) {
    let documents: Vec<_> = phone.households.keys().copied().take(pages).collect();
    for (area, document) in (4_000_i64..).zip(documents) {
        let mut page = Page::default();
        page.answers.insert("area_dm2".to_owned(), area.into());
        page.answers.insert("roof".to_owned(), "leaf".into());
        page.answers.insert("wall".to_owned(), "plank".into());
        phone.save(document, &[page]).expect("it saves");
    }
}

/// Types two answers in every household on a phone; each round other ones.
pub fn type_round(phone: &mut Phone, round: usize) {
    let number = i64::try_from(round + 1).expect("a small number");
    for document in phone.households.keys().copied().collect::<Vec<_>>() {
        let mut page = Page::default();
        let key = ["area_dm2", "land.paddy_m2", "electricity_kwh_month", "goods.motorbike"];
        page.answers.insert(key[round % 4].to_owned(), number.into());
        page.answers.insert("cause_other".to_owned(), format!("lần {round}").into());
        phone.save(document, &[page]).expect("it saves");
    }
}

/// Types the whole review of a made-up family that is on no list.
pub fn type_applicant(phone: &mut Phone, spec: &Spec, basis: &Basis<'_>) {
    let (document, opening) = phone.register(&spec.hamlet);
    let mut pages = VISIT.pages(&truth(spec, basis), &Household::default(), true);
    pages[0].opening = opening.opening;
    phone.save(document, &pages).expect("it saves");
}

/// Types reviews of applicants in a hamlet until so many bytes wait on the phone.
pub fn type_reviews(cast: &Cast, phone: &mut Phone, hamlet: &str, bytes: usize) {
    let mut seed = 1;
    while phone.outbox.iter().map(|unsent| unsent.chunk.len()).sum::<usize>() < bytes {
        seed += 7919;
        let hamlet = hamlet.to_owned();
        let spec = Spec { seed, hamlet, ..cast.families["19558-02-0003"].clone() };
        type_applicant(phone, &spec, &cast.basis());
    }
}
