//! A small province on the built server, for whoever looks at it in a browser: `cargo run -p tests
//! --bin scene`.
//!
//! It prints one line of JSON (where the server is, who signs in and what there is to see) and
//! serves until its input ends. Mò Ó is reviewed but for one dispute, some of it typed from paper, Hướng Hiệp has two printed
//! pages of households that nobody has visited yet, and the list of Vĩnh Thái is recognised.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use mobile_schema::household::Value;
use serde_json::json;
use server::cli::serve::FIRST_ACCOUNT;
use server::demo::office::Office;
use server::demo::phone::{Phone, Unsent};
use server::demo::population::{Goal, Spec};
use shared::classify::Class;
use shared::id::{ChangeHash, DocumentId, sha256};
use shared::page::Page;
use tests::hamlet::roster_file;
use tests::process::{Home, free_address};
use tests::town::{Cast, HUONG_HIEP, MO_O, PASSWORD, VINH_THAI, person};

/// A second officer of Mò Ó.
const COLLEAGUE: &str = "xa-19558-2";

/// Households of Hướng Hiệp beside the town's, none of them visited.
const UNVISITED: usize = 58;

/// What the review of Vĩnh Thái finds, for so many households beside the town's.
const FOUND: [(Class, Goal, usize); 7] = [
    (Class::Poor, Goal::Class(Class::Poor), 38),
    (Class::Poor, Goal::Class(Class::NearPoor), 6),
    (Class::Poor, Goal::Class(Class::Above), 4),
    (Class::NearPoor, Goal::Class(Class::NearPoor), 9),
    (Class::NearPoor, Goal::Class(Class::Poor), 2),
    (Class::NearPoor, Goal::Class(Class::Above), 3),
    (Class::NearPoor, Goal::Left("moved_out"), 1),
];

/// Makes families like one of the town's up.
fn families(cast: &Cast, like: &str, wanted: &[(Class, Goal, usize)]) -> Vec<Spec> {
    let like = &cast.families[like];
    let each = wanted.iter().flat_map(|one| std::iter::repeat_n((one.0, one.1), one.2));
    let made = (100_u64..).zip(each).map(|(number, (opening, goal))| Spec {
        code: format!("{}-{number:04}", like.hamlet),
        opening: Some(opening),
        goal,
        seed: like.seed + (number << 32),
        ..like.clone()
    });
    made.collect()
}

/// Puts families onto the opening list.
async fn list(cast: &mut Cast, families: Vec<Spec>) {
    let roster = roster_file(&families, &cast.basis());
    cast.province.import(&cast.path("/roster"), roster).await.expect("an opening list");
    cast.families.extend(families.into_iter().map(|spec| (spec.code.clone(), spec)));
}

/// Two people disagree about one roof of Mò Ó; everything else there is agreed.
async fn dispute(cast: &Cast) -> (DocumentId, Phone) {
    let mut hoa = cast.review_mo_o().await;
    let document = cast.document(&hoa, "19558-01-0001");
    let mut minh = cast.phone_with_work("minh").await;
    say_roof(&mut hoa, document, "concrete").await;
    say_roof(&mut minh, document, "canvas").await;
    (document, hoa)
}

/// Somebody without the hamlet writes into a household of Hướng Hiệp: it is held.
async fn set_aside(cast: &Cast) {
    let lan = cast.phone_with_work("lan").await;
    let document = cast.document(&lan, "19561-01-0001");
    let mut stranger = cast.phone("stranger").await;
    stranger.households.insert(document, lan.households[&document].clone());
    say_roof(&mut stranger, document, "leaf").await;
}

async fn say_roof(phone: &mut Phone, document: DocumentId, roof: &str) {
    let answers = [("roof".to_owned(), Value::from(roof))].into();
    phone.save(document, &[Page { answers, ..Page::default() }]).expect("it saves");
    phone.sync().await.expect("it hands in");
}

/// Vĩnh Thái is reviewed and recognised.
async fn recognise(cast: &Cast) -> DocumentId {
    let mut son = cast.phone_with_work("son").await;
    cast.review_all(&mut son, &["19369-01"]);
    son.sync().await.expect("it hands in");
    let officer = cast.sign_in(&format!("xa-{VINH_THAI}")).await;
    let district = cast.sign_in("huyen-464").await;
    let root = officer.submit(cast.campaign, VINH_THAI).await.expect("submitted");
    district.approve(cast.campaign, VINH_THAI, &root).await.expect("approved");
    officer.recognise(cast.campaign, VINH_THAI, &root).await.expect("recognised");
    cast.document(&son, "19369-01-0100")
}

/// Types a form of Mò Ó from paper, with another area of the house than was found, where one is
/// given; `at` is the way in, for a first or a second entry.
async fn type_paper(
    cast: &Cast,
    by: &Office,
    (document, at): (DocumentId, &str),
    area: Option<i64>,
) {
    let household = cast.path(&format!("/households/{document}"));
    let read = cast.officer.get(&household).await.expect("a household");
    let mut form = json!({ "by": "Hồ Văn Hoa", "answered_by": "chủ hộ", "day": "2022-10-15" });
    for part in ["answers", "b1_items", "members"] {
        form[part] = read["household"][part].clone();
    }
    form["heads"] = read["standing"]["heads"].clone();
    if let Some(area) = area {
        form["answers"]["area_dm2"] = json!(area);
    }
    by.post(&format!("{household}/{at}"), &form).await.expect("it is taken");
}

/// Two people of Mò Ó type from paper: the second finds a slip in one form and has one to type.
async fn type_twice(cast: &Cast, phone: &Phone) -> [DocumentId; 2] {
    let colleague = json!([person(COLLEAGUE, "officer", MO_O, Some(PASSWORD))]);
    cast.province.post("/v1/accounts", &colleague).await.expect("an account");
    let colleague = cast.sign_in(COLLEAGUE).await;
    let [compared, due] = ["19558-01-0002", "19558-01-0003"].map(|code| cast.document(phone, code));
    type_paper(cast, &cast.officer, (compared, "paper"), None).await;
    type_paper(cast, &colleague, (compared, "second-entry"), Some(7777)).await;
    type_paper(cast, &cast.officer, (due, "paper"), None).await;
    [compared, due]
}

/// Mò Ó makes an enrolment code; returns what it is called.
async fn make_code(cast: &Cast) -> serde_json::Value {
    let people = json!({ "accounts": ["hoa"] });
    let codes = cast.officer.post("/v1/devices/codes", &people).await.expect("a code");
    codes[0]["id"].clone()
}

/// The officer brings a file of work that is there already, its last piece cut off; returns what its
/// import is called.
async fn carry(cast: &Cast, phone: &Phone) -> serde_json::Value {
    let document = cast.document(phone, "19558-02-0001");
    let known = phone.households[&document].chunks.iter().map(|chunk| Unsent {
        document,
        hash: ChangeHash(sha256(&chunk[8..])),
        chunk: chunk.clone(),
    });
    let known: Vec<Unsent> = known.collect();
    let mut file = phone.seal(&[vec![phone.sign(&known)], vec![phone.sign(&known[..1])]]);
    file.truncate(file.len() - 100);
    cast.officer.bring(file).await.expect("it is taken")["import"].clone()
}

/// The province freezes what there is so far.
async fn freeze(cast: &Cast) {
    let path = cast.path("/preliminaries?under=45");
    cast.province.post(&path, &json!({ "number": 1 })).await.expect("a preliminary report");
}

async fn play() -> std::io::Result<()> {
    let home = Home::new(None);
    let (server, password) = home.start_first(free_address());
    let mut cast = Cast::gather(server.base(), &password).await;
    let unvisited = [(Class::Poor, Goal::Class(Class::Poor), UNVISITED)];
    let unvisited = families(&cast, "19561-01-0001", &unvisited);
    list(&mut cast, unvisited).await;
    let found = families(&cast, "19369-01-0001", &FOUND);
    list(&mut cast, found).await;
    let ((disputed, hoa), reviewed) = (dispute(&cast).await, recognise(&cast).await);
    let ([compared, due], code) = (type_twice(&cast, &hoa).await, make_code(&cast).await);
    let courier = carry(&cast, &hoa).await;
    set_aside(&cast).await;
    freeze(&cast).await;
    let scene = json!({
        "base": server.base(),
        "campaign": cast.campaign.to_string(),
        "people": {
            "officer": { "name": format!("xa-{MO_O}"), "password": PASSWORD },
            "colleague": { "name": COLLEAGUE, "password": PASSWORD },
            "neighbour": { "name": format!("xa-{HUONG_HIEP}"), "password": PASSWORD },
            "district": { "name": "huyen-467", "password": PASSWORD },
            "other_district": { "name": "huyen-464", "password": PASSWORD },
            "province": { "name": FIRST_ACCOUNT, "password": password },
        },
        "disputed": { "unit": MO_O, "household": disputed.to_string() },
        "unvisited": { "unit": HUONG_HIEP, "hamlet": "19561-01", "households": UNVISITED + 2 },
        "typed": { "compared": compared.to_string(), "due": due.to_string() },
        "code": code,
        "courier": courier,
        "recognised": { "unit": VINH_THAI, "hamlet": "19369-01", "household": reviewed.to_string() },
    });
    let mut out = std::io::stdout();
    writeln!(out, "{scene}")?;
    out.flush()?;
    // Whoever started this closes the other end when it has seen enough.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(server);
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scene: {error}");
            ExitCode::FAILURE
        }
    }
}
