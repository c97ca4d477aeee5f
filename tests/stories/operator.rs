//! What the operator does with the program itself: a check-up, and a copy that serves.

use std::path::Path;
use std::process::Command;

use server::cli::serve::Running;
use server::config::Config;
use sqlx::Connection;
use tests::on_each_backend;
use tests::process::program;
use tests::town::{MO_O, Town};

use crate::ask::kept;

/// Runs a command of the program on the town's installation: what it says, or what it complains of.
fn operate(town: &Town, act: &str, more: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program());
    command.arg(act).args(more).arg("--data").arg(&town.config.data);
    command.args(town.config.database.iter().flat_map(|url| ["--database", url]));
    let done = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// Alters the bytes of every frozen list, as a failing disk or a meddler would.
async fn damage(town: &Town) {
    const SQL: &str = "update frozen_list set rows = root";
    if let Some(url) = &town.config.database {
        let mut db = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(SQL).execute(&mut db).await.unwrap();
    } else {
        let file = town.config.data.join("rasoat.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(SQL).execute(&mut db).await.unwrap();
    }
}

/// Lists the commune's households and the campaigns as a server shows them to the province.
async fn shown(town: &Town, base: &str) -> [serde_json::Value; 2] {
    let province = town.cast.on(base).province;
    let households = town.path(&format!("/units/{MO_O}/households"));
    [province.get("/v1/campaigns").await.unwrap(), province.get(&households).await.unwrap()]
}

on_each_backend! {
    /// The check-up of a running installation finds nothing, until a frozen list was altered.
    async fn the_check_up_names_a_damaged_list(town: Town) {
        town.review_mo_o().await;
        town.recognise_mo_o().await;
        let said = operate(&town, "doctor", &[]).unwrap();
        assert_eq!(said.lines().filter(|line| line.starts_with("ok  ")).count(), 3, "{said}");
        damage(&town).await;
        let complaint = operate(&town, "doctor", &[]).unwrap_err();
        assert!(complaint.contains(&format!("bad list of unit {MO_O}")), "{complaint}");
    }

    /// A copy taken while the server runs is an installation: same campaigns, same sign-ins, same
    /// households. PostgreSQL has a program of its own for that, which is named.
    async fn a_server_on_the_copy_shows_the_same(town: Town) {
        town.review_mo_o().await;
        let copy = town.folder().join("copy");
        let to = copy.to_str().unwrap();
        let copied = operate(&town, "backup", &["--to", to]);
        if town.config.database.is_some() {
            assert!(copied.unwrap_err().contains("pg_dump"));
            assert!(!Path::new(to).exists());
            return;
        }
        assert_eq!(copied.unwrap().trim(), to);
        let before = kept(&town).await;
        let original = shown(&town, &format!("http://{}", town.running.address)).await;

        let config = Config { data: copy.clone(), ..town.config.clone() };
        let second = Running::start(&config).await.unwrap();
        assert_eq!(shown(&town, &format!("http://{}", second.address)).await, original);
        second.stop().await.unwrap();
        // A copy that is there is not written over, and the original was only read.
        let again = operate(&town, "backup", &["--to", to]).unwrap_err();
        assert!(again.contains("exists already"), "{again}");
        assert_eq!(kept(&town).await, before);
    }
}
