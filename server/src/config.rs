//! What can be set, with every default visible.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the server listens and what it keeps its data in.
#[derive(Clone)]
pub struct Config {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Folder of the key file and, without `database`, of the SQLite file.
    pub data: PathBuf,
    /// `postgres://…`; absent means SQLite inside `data`.
    pub database: Option<String>,
}

/// Default address: this machine only.
pub const LISTEN: &str = "127.0.0.1:8080";

/// Default data folder.
pub const DATA: &str = "./rasoat-data";

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let database = if self.database.is_some() { "postgres (address hidden)" } else { "sqlite" };
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("data", &self.data)
            .field("database", &database)
            .finish()
    }
}
