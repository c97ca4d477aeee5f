//! A server killed during its first start can be started again.

use server::demo::client::Client;
use server::demo::office::Office;
use tests::process::{Home, free_address};
use tests::rng::Rng;

use super::{on_postgres, pass, seed};

/// First starts that are interrupted, in one test.
const STARTS: u64 = 10;

/// A first start takes about this long with a debug build.
const START_MICROS: usize = 300_000;

async fn interrupt(home: &Home, rng: &mut Rng) {
    let address = free_address();
    let server = home.launch(address);
    pass(rng.below(START_MICROS)).await;
    server.kill();

    let server = home.start(address);
    // The password is shown once and may have been lost with the process.
    let password = home.new_password();
    let client = Client::new(server.base());
    Office::sign_in(&client, "tinh", &password).await.expect("the province signs in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_first_start_is_finished_by_the_next_sqlite() {
    let mut rng = Rng::new(seed());
    for _ in 0..STARTS {
        interrupt(&Home::new(None), &mut rng).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_first_start_is_finished_by_the_next_postgres() {
    let mut rng = Rng::new(seed());
    for _ in 0..STARTS {
        let Some(home) = on_postgres().await else { return };
        interrupt(&home, &mut rng).await;
    }
}
