//! Clients of two server processes on one PostgreSQL.

use server::demo::phone::Phone;
use shared::id::DocumentId;

use super::Right;
use super::line::Written;
use super::raw::{Heard, Raw};
use crate::processes::Pair;

/// A client at each of two processes, with one household open at both.
async fn both(pair: &Pair) -> ([Raw; 2], DocumentId) {
    let hoa = pair.phone(0, "hoa").await;
    let minh = pair.phone(1, "minh").await;
    let document = pair.cast.document(&hoa, "19558-01-0001");
    let join = async |server: usize, phone: &Phone| {
        let right = Right { client: &pair.clients[server], token: phone.access() };
        let mut line = Raw::join(&right.ticket(&pair.cast).await, "peer").await;
        assert!(matches!(line.ask(document).await, Heard::Sync(..)));
        line
    };
    ([join(0, &hoa).await, join(1, &minh).await], document)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_one_process_is_told_at_the_other() {
    let Some(pair) = Pair::start().await else { return };
    let (mut lines, document) = both(&pair).await;
    let (head, change) = Written::begin(6).answer("roof", "leaf");
    lines[0].hand_in(document, head, &[change]).await;
    for line in &mut lines {
        line.until_head(document, head).await;
    }
}

/// While nobody hears, something comes; whoever listens again is told all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_lost_its_line_to_the_database_hears_what_it_missed() {
    let Some(pair) = Pair::start().await else { return };
    let (mut lines, document) = both(&pair).await;
    let mut written = Written::begin(6);
    for value in ["leaf", "tile", "concrete"] {
        pair.deafen().await;
        let (head, change) = written.answer("roof", value);
        lines[0].hand_in(document, head, &[change]).await;
        for line in &mut lines {
            line.until_head(document, head).await;
        }
    }
}
