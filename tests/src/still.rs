//! A town at rest: its data without a server, of which any number of copies can be woken.

use server::cli::serve::Running;
use server::config::Config;
use tempfile::TempDir;

use crate::postgres;
use crate::town::{Cast, Town};

/// The data of a town whose server has stopped.
pub struct Still {
    config: Config,
    cast: Cast,
    _folder: TempDir,
}

impl Town {
    /// Stops the server and keeps the data.
    pub async fn stop(self) -> Still {
        let Self { running, config, cast, folder } = self;
        running.stop().await.expect("the server stops");
        Still { config, cast, _folder: folder }
    }

    /// Stops the server and starts another one on the same data.
    pub async fn restart(self) -> Self {
        let Self { running, config, cast, folder } = self;
        running.stop().await.expect("the server stops");
        wake(config, &cast, folder).await
    }

    /// Stops the server and removes the data.
    pub async fn remove(self) {
        let Still { config, .. } = self.stop().await;
        if let Some(database) = &config.database {
            postgres::remove(database).await;
        }
    }
}

impl Still {
    /// Starts a server on a copy; whoever was signed in still is.
    pub async fn copy(&self) -> Town {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a data folder");
        for file in std::fs::read_dir(&self.config.data).expect("the data folder is there") {
            let file = file.expect("it can be read");
            std::fs::copy(file.path(), data.join(file.file_name())).expect("a copy");
        }
        let database = match &self.config.database {
            Some(database) => Some(postgres::copy(database).await),
            None => None,
        };
        wake(Config { data, database, ..self.config.clone() }, &self.cast, folder).await
    }
}

async fn wake(config: Config, cast: &Cast, folder: TempDir) -> Town {
    let running = Running::start(&config).await.expect("the server starts");
    let cast = cast.on(&format!("http://{}", running.address));
    Town { running, config, cast, folder }
}
