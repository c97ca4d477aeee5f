//! Clients of two server processes on one PostgreSQL.

use super::Right;
use super::line::Written;
use super::raw::{Heard, Raw};
use crate::processes::Pair;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_one_process_is_told_at_the_other() {
    let Some(pair) = Pair::start().await else { return };
    let mut lines = Vec::new();
    let mut document = None;
    for (server, name) in [(0, "hoa"), (1, "minh")] {
        let phone = pair.phone(server, name).await;
        document = Some(pair.cast.document(&phone, "19558-01-0001"));
        let right = Right { client: &pair.clients[server], token: phone.access() };
        let ticket = right.ticket(&pair.cast).await;
        lines.push(Raw::join(&ticket, name).await);
    }
    let document = document.expect("both have it");
    for line in &mut lines {
        assert!(matches!(line.ask(document).await, Heard::Sync(..)));
    }
    let (head, change) = Written::begin(6).answer("roof", "leaf");
    lines[0].hand_in(document, head, &[change]).await;
    for line in &mut lines {
        loop {
            let Heard::Sync(_, said) = line.hear().await else { panic!("it is told") };
            if said.heads.contains(&head) {
                break;
            }
        }
    }
}
