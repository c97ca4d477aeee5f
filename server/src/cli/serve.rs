//! `rasoat serve`: runs the server until it is asked to stop.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use shared::date::Date;
use shared::id::AccountId;
use shared::scope::{Post, Role};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{CliError, Place, default_listen, say};
use crate::app::{App, StartError};
use crate::config::{Config, DATA};
use crate::keys::random;
use crate::store::StoreError;
use crate::store::account::Account;

/// Sign-in name of the province account made on the first start.
pub const FIRST_ACCOUNT: &str = "tinh";

/// Province of the built-in list of units.
pub const FIRST_UNIT: &str = "45";

/// Day that the built-in list of units is of.
const FIRST_UNIT_ON: &str = "2022-12-31";

/// Runs the server.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port.
    #[arg(long, default_value_t = default_listen())]
    listen: SocketAddr,
    #[command(flatten)]
    place: Place,
}

impl Default for Serve {
    fn default() -> Self {
        Self { listen: default_listen(), place: Place { data: DATA.into(), database: None } }
    }
}

impl Serve {
    /// Serves until Ctrl-C or a termination signal.
    pub async fn run(self) -> Result<(), CliError> {
        log_to_stderr("info,sqlx=warn");
        let running = Running::start(&self.place.config(self.listen)).await?;
        // Whoever reads the address may sign in.
        let first = first_account(&running.app).await?;
        say(format!("Rà Soát: http://{}/", running.address));
        if let Some(password) = first {
            say(format!(
                "Tài khoản tỉnh đầu tiên, chỉ hiện một lần / first province account, shown once:\n  \
                 {FIRST_ACCOUNT} / {password}\n  \
                 POST /v1/sessions {{\"name\":\"{FIRST_ACCOUNT}\",\"password\":\"{password}\"}}"
            ));
        }
        let forgets = tokio::spawn(forget(running.app.clone()));
        stopped().await;
        forgets.abort();
        Ok(running.stop().await?)
    }
}

/// Forgets every hour what is kept for a day only.
async fn forget(app: App) {
    loop {
        if let Err(error) = app.store.upload_forget(app.now_ms()).await {
            tracing::warn!(error = %error, "files that are a day old were not forgotten");
        }
        if let Err(error) = app.store.courier_forget(app.now_ms()).await {
            tracing::warn!(error = %error, "receipt files that are a day old were not forgotten");
        }
        tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    }
}

/// Adds the first province account of an empty installation; returns its password, once.
pub async fn first_account(app: &App) -> Result<Option<String>, StoreError> {
    if !app.store.account_list().await?.is_empty() {
        return Ok(None);
    }
    let password = shared::id::to_hex(&random::<8>());
    let account = Account {
        id: AccountId(random()),
        name: FIRST_ACCOUNT.to_owned(),
        full_name: "Phòng tỉnh".to_owned(),
        post: Post { role: Role::Province, unit: FIRST_UNIT.to_owned() },
        unit_on: Date::parse(FIRST_UNIT_ON).expect("it is a day of the calendar"),
        password_hash: crate::auth::hash_password(&password),
        once_until_ms: None,
        disabled: false,
    };
    match app.store.account_add(&[account], app.now_ms()).await {
        // Another process of the installation was first.
        Err(StoreError::Conflict(_)) => Ok(None),
        other => other.map(|()| Some(password)),
    }
}

/// Sends JSON log lines to standard error, at the level of `RUST_LOG`, else at the one given.
pub(crate) fn log_to_stderr(level: &str) {
    let level = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let subscriber = tracing_subscriber::fmt().json().with_env_filter(level);
    // Already set where a test started several servers.
    let _set = subscriber.with_writer(std::io::stderr).try_init();
    quiet_panics();
}

/// Logs that a thread panicked and where, never the message: it may quote what was sent.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), ToString::to_string);
        tracing::error!(place, "a thread panicked");
    }));
}

async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut ended) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = ended.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Waits for the signal to stop.
pub(crate) async fn until_stopped() {
    stopped().await;
}

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// The installation.
    pub app: App,
    /// Address it listens on.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Opens an installation and starts listening; the listener is bound when this returns.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let app = App::open(config).await?;
        Self::listen(app, config.listen).await
    }

    /// Starts listening for an installation that is open.
    pub async fn listen(app: App, listen: SocketAddr) -> Result<Self, StartError> {
        let listener = TcpListener::bind(listen).await.map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        app.materialiser.search();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = crate::http::router(app.clone());
        let stopped = async {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(crate::listen::serve(listener, router, stopped));
        Ok(Self { app, address, stop: Some(stop), serving })
    }

    /// Finishes what is being answered, then closes the store.
    pub async fn stop(mut self) -> std::io::Result<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let ended = self.serving.await;
        self.app.store.close().await;
        ended.map_err(std::io::Error::other)
    }
}
