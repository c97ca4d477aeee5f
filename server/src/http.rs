//! Every route, grouped by who calls it. A route and its description stand together.

mod accounts;
mod answer;
mod aside;
mod assignments;
mod caller;
mod campaigns;
mod codes;
mod comments;
pub(crate) mod comparison;
pub(crate) mod courier;
mod days;
pub(crate) mod desk;
mod desk_change;
pub(crate) mod devices;
mod download;
pub(crate) mod encoding;
mod export;
mod extract;
mod forms;
mod four_eyes;
mod hamlets;
mod handover;
mod health;
mod history;
mod households;
pub(crate) mod imports;
mod layouts;
mod life;
mod lists;
mod office;
mod pages;
mod pairs;
mod paper;
mod passwords;
mod people;
mod posting;
mod problems;
mod rates;
mod register;
mod registrations;
mod repo;
mod review;
mod samples;
mod scans;
mod score_tables;
mod second_entries;
mod sessions;
mod sync;
mod sync_health;
mod targets;
mod tickets;
pub(crate) mod unseen;

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use mobile_schema::problem;
use shared::limits;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Problem;

/// Longest a request may take, seconds: a slow line's upload of one part.
const REQUEST_SECONDS: u64 = 120;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rà Soát",
        description = "Sync server of the annual review of poor and near-poor households.",
        license(name = "Apache-2.0")
    ),
    modifiers(&Bearer)
)]
struct Api;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_default();
        components
            .add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// What offices read and decide.
fn of_offices() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::me))
        .routes(routes!(accounts::list, accounts::add))
        .routes(routes!(passwords::disable))
        .routes(routes!(passwords::enable))
        .routes(routes!(passwords::draw))
        .routes(routes!(passwords::choose))
        .routes(routes!(devices::list))
        .routes(routes!(codes::list, codes::issue))
        .routes(routes!(codes::read))
        .routes(routes!(codes::withdraw))
        .routes(routes!(devices::revoke))
        .routes(routes!(people::unbind))
        .routes(routes!(campaigns::list, campaigns::add))
        .routes(routes!(campaigns::progress))
        .routes(routes!(layouts::list, layouts::save))
        .routes(routes!(posting::read, posting::choose))
        .routes(routes!(assignments::list))
        .routes(routes!(households::list))
        .routes(routes!(households::disputes))
        .routes(routes!(review::queue))
        .routes(routes!(review::ledger))
        .routes(routes!(four_eyes::list, four_eyes::sign))
        .routes(routes!(four_eyes::set))
        .routes(routes!(aside::aside, aside::release))
        .routes(routes!(households::read))
        .routes(routes!(households::settle))
        .routes(routes!(life::list, life::decide))
        .routes(routes!(handover::list))
        .routes(routes!(handover::read, handover::say))
        .routes(routes!(history::read))
        .routes(routes!(paper::enter))
        .routes(routes!(second_entries::list, paper::register))
        .routes(routes!(second_entries::enter))
        .routes(routes!(second_entries::settle))
        .routes(routes!(sync_health::places))
        .routes(routes!(sync_health::devices))
        .routes(routes!(lists::read, lists::act))
        .routes(routes!(lists::waive))
        .routes(routes!(comparison::read))
        .routes(routes!(comparison::phones))
        .routes(routes!(comments::list, comments::say))
        .routes(routes!(samples::list, samples::draw))
        .routes(routes!(samples::find))
        .routes(routes!(scans::list))
        .routes(routes!(scans::read))
        .routes(routes!(pairs::list))
        .routes(routes!(pairs::list_across))
        .routes(routes!(pairs::read, pairs::decide))
        .routes(routes!(desk::read))
        .routes(routes!(desk::set_deadline))
        .routes(routes!(days::read))
        .routes(routes!(hamlets::list))
        .routes(routes!(targets::list, targets::put))
        .routes(routes!(rates::read))
        .routes(routes!(rates::read_csv))
        .routes(routes!(register::read))
        .routes(routes!(register::behind))
        .routes(routes!(register::roster::take))
        .routes(routes!(forms::read))
        .routes(routes!(forms::read_csv))
        .routes(routes!(forms::read_xlsx))
        .routes(routes!(forms::read_all))
        .routes(routes!(forms::preliminaries, forms::make))
}

fn routes() -> OpenApiRouter<App> {
    let anyone = OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::welcome))
        .routes(routes!(health::describe))
        .routes(routes!(problems::read))
        .routes(routes!(sessions::sign_in))
        .routes(routes!(sessions::refresh))
        .routes(routes!(devices::enrol))
        .routes(routes!(courier::key))
        .routes(routes!(repo::join));
    let phones = OpenApiRouter::new()
        .routes(routes!(sync::sync))
        .routes(routes!(tickets::issue))
        .routes(routes!(registrations::register))
        .routes(routes!(people::list, people::bind));
    let papers = OpenApiRouter::new()
        .routes(routes!(scans::add))
        .layer(DefaultBodyLimit::max(scans::BODY_BYTES_MAX));
    let carriers = OpenApiRouter::new()
        .routes(routes!(courier::hand_in))
        .layer(DefaultBodyLimit::max(limits::COURIER_BYTES_MAX));
    let province = OpenApiRouter::new()
        .routes(routes!(campaigns::close))
        .routes(routes!(score_tables::load, score_tables::read))
        .routes(routes!(score_tables::confirm))
        .routes(routes!(imports::hamlets))
        .routes(routes!(imports::roster))
        .routes(routes!(imports::accounts))
        .routes(routes!(assignments::load))
        .routes(routes!(assignments::end))
        .routes(routes!(imports::units))
        .layer(DefaultBodyLimit::max(limits::IMPORT_BYTES_MAX));
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(anyone)
        .merge(phones)
        .merge(of_offices())
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES_MAX))
        .merge(papers)
        .merge(carriers)
        .merge(province)
}

/// Returns the OpenAPI 3.1 description of every route.
pub fn openapi() -> Document {
    routes().into_openapi()
}

/// Builds the router of a running installation.
pub fn router(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .merge(office::routes())
        .fallback(async || Problem::new(&problem::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::new(&problem::METHOD_NOT_ALLOWED))
        .layer(middleware::from_fn(encoding::pack))
        .layer(middleware::from_fn_with_state(app.clone(), watch))
        .with_state(app)
}

/// Longest a request with a file may take, seconds: 10 MB on an office line of 128 kbit/s.
const FILE_SECONDS: u64 = 15 * 60;

/// Ends of the routes that take files: scans, by themselves and with the steps of a list, tables, and
/// courier files.
const FILE_ROUTES: [&str; 6] =
    ["/scans", "/list", "/import/{kind}", "/roster", "/hamlets", "/courier"];

/// Returns how long a request may take.
fn limit_of(method: &Method, route: &str) -> Duration {
    let takes_files = FILE_ROUTES.iter().any(|end| route.ends_with(end));
    let is_long = takes_files && *method == Method::POST;
    Duration::from_secs(if is_long { FILE_SECONDS } else { REQUEST_SECONDS })
}

/// Answers a request, or says that it took too long.
async fn within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    let answer = tokio::time::timeout(limit, answer).await;
    answer.unwrap_or_else(|_| Problem::new(&problem::TOO_SLOW).into_response())
}

/// Bounds a request's time, contains a panic, and logs one line without anything personal in it.
async fn watch(State(_app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The route, never the address: ids and queries stay out of the log.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    let limit = limit_of(&method, &route);
    let answer = tokio::spawn(async move { within(limit, next.run(request)).await });
    let response =
        answer.await.unwrap_or_else(|_| Problem::new(&problem::STORE_FAILED).into_response());
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status = response.status().as_u16(), took_ms, "request");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_told_so() {
        let response = within(Duration::ZERO, std::future::pending()).await;
        assert_eq!(response.status(), 408);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }

    #[test]
    fn only_what_takes_a_file_may_take_long() {
        let campaign = "/v1/campaigns/{campaign}";
        for end in ["/units/{unit}/list", "/units/{unit}/scans", "/import/{kind}", "/roster"] {
            let route = format!("{campaign}{end}");
            assert!(limit_of(&Method::POST, &route) > limit_of(&Method::GET, &route), "{end}");
        }
        assert_eq!(limit_of(&Method::POST, "/v1/sync").as_secs(), REQUEST_SECONDS);
    }
}
