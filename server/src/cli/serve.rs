//! `rasoat serve`: runs the server until it is asked to stop.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::{App, StartError};
use crate::config::Config;

/// A server that listens. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// The installation.
    pub app: App,
    /// Address it listens on.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Opens an installation and starts listening; the listener is bound when this returns.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let app = App::open(config).await?;
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = crate::http::router(app.clone());
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async {
                    let _ = stopped.await;
                })
                .await
        });
        Ok(Self { app, address, stop: Some(stop), serving })
    }

    /// Finishes what is being answered, then closes the store.
    pub async fn stop(mut self) -> std::io::Result<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let ended = self.serving.await;
        self.app.store.close().await;
        ended.unwrap_or(Ok(()))
    }
}
