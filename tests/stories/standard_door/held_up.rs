//! What nothing was sent of, since no worker could look at it, comes once one has.

use server::worker::pool::Merging;
use shared::repo::sync::SyncMessage;
use tests::postgres::{Cluster, database};
use tests::process::program;
use tests::town::Town;

use super::line::Written;
use super::raw::{Heard, Raw};
use super::{Right, named};

/// A change that the guard lets through and our own reading objects to.
const REPLACES_NOTHING: &[u8] = include_bytes!("../../bombs/files/replaces_nothing.changes");

/// No worker can be had while somebody hands in what only a worker can say of what becomes of it. The
/// neighbour's work is taken, nothing of the household is sent, and nobody has to write again.
async fn comes_once_there_are_workers(database: Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let worker = folder.path().join("rasoat");
    let merging = Merging::Workers { program: worker.clone(), count: 1, arguments: Vec::new() };
    let town = Town::start_with(database, merging).await;
    let tablet = town.phone_with_work("minh").await;
    let right = Right { client: &town.client, token: tablet.access() };
    let document = town.document(&tablet, "19558-01-0001");
    let mut hostile = Raw::join(&right.ticket(&town).await, "hostile").await;
    let (_length, bomb) = REPLACES_NOTHING.split_at(4);
    let message = SyncMessage { changes: vec![bomb.to_vec()], ..SyncMessage::default() };
    hostile.say(document, &message).await;
    hostile.ping().await;

    let hoa = town.phone_with_work("hoa").await;
    let right = Right { client: &town.client, token: hoa.access() };
    let mut honest = Raw::join(&right.ticket(&town).await, "honest").await;
    let (head, change) = Written::begin(3).answer("roof", "leaf");
    honest.hand_in(document, head, &[change]).await;
    assert!(honest.is_quiet().await, "nothing may be sent yet");

    std::os::unix::fs::symlink(program(), &worker).unwrap();
    loop {
        let Heard::Sync(of, said) = honest.hear().await else { panic!("it goes on") };
        assert_eq!(of, named(document));
        if said.heads.contains(&head) && !said.changes.is_empty() {
            break;
        }
    }
    let aside = town.officer.get(&town.path("/units/19558/aside")).await.unwrap();
    assert_eq!(aside.as_array().unwrap().len(), 1, "{aside}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    comes_once_there_are_workers(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    if let Some(url) = database(Cluster::Fast).await {
        comes_once_there_are_workers(Some(url)).await;
    }
}
