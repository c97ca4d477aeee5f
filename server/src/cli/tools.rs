//! Commands of the operator: people, devices, imports, backups, a check-up.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use shared::date::Date;
use shared::id::{AccountId, DeviceId};
use shared::scope::{Post, Role};

use super::{CliError, Place, say};
use crate::app::App;
use crate::http::devices::{Backlog, Listed, listed};
use crate::keys::random;
use crate::store::account::Account;

/// Adds people and sets passwords.
#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    act: UserAct,
}

#[derive(Debug, Subcommand)]
enum UserAct {
    /// Adds a person and prints the password once. Example: rasoat user add huyen-467 --role district --unit 467
    Add {
        /// Sign-in name.
        name: String,
        /// Name on papers; the sign-in name where absent.
        #[arg(long)]
        full_name: Option<String>,
        /// province, district, officer or enumerator.
        #[arg(long)]
        role: String,
        /// Unit code.
        #[arg(long)]
        unit: String,
        /// Day on which the code is read, YYYY-MM-DD; absent, the last one it is in force.
        #[arg(long)]
        on: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Draws a new password, prints it once and ends the person's sessions. Example: rasoat user password tinh
    Password {
        /// Sign-in name.
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Closes an account and ends the person's sessions. Example: rasoat user disable hoa
    Disable {
        /// Sign-in name.
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Opens a closed account again. Example: rasoat user enable hoa
    Enable {
        /// Sign-in name.
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Lists people. Example: rasoat user list --json
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
}

impl User {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        match self.act {
            UserAct::Add { name, full_name, role, unit, on, place } => {
                let role = Role::from_name(&role).ok_or_else(|| {
                    CliError::Usage("--role is province, district, officer or enumerator".into())
                })?;
                let app = place.open().await?;
                let unit_on = unit_day(&app, &unit, on.as_deref()).await?;
                let password = shared::id::to_hex(&random::<8>());
                let account = Account {
                    id: AccountId(random()),
                    full_name: full_name.unwrap_or_else(|| name.clone()),
                    name,
                    post: Post { role, unit },
                    unit_on,
                    password_hash: crate::auth::hash_password(&password),
                    once_until_ms: None,
                    disabled: false,
                };
                app.store.account_add(std::slice::from_ref(&account), app.now_ms()).await?;
                say(format!("{} / {password}", account.name));
            }
            UserAct::Password { name, place } => {
                let app = place.open().await?;
                let account = named(&app, &name).await?;
                let password = shared::id::to_hex(&random::<8>());
                let hash = crate::auth::hash_password(&password);
                app.store.account_password(account.id, &hash, None, app.now_ms()).await?;
                say(format!("{name} / {password}"));
            }
            UserAct::Disable { name, place } => {
                let app = place.open().await?;
                let account = named(&app, &name).await?;
                app.store.account_disable(account.id, app.now_ms()).await?;
                say("disabled");
            }
            UserAct::Enable { name, place } => {
                let app = place.open().await?;
                app.store.account_enable(named(&app, &name).await?.id).await?;
                say("enabled");
            }
            UserAct::List { json, place } => list_people(json, &place).await?,
        }
        Ok(())
    }
}

/// Finds an account by its sign-in name.
async fn named(app: &App, name: &str) -> Result<Account, CliError> {
    let account = app.store.account_named(name).await?;
    account.ok_or_else(|| CliError::Usage(format!("no account named {name}")))
}

async fn list_people(json: bool, place: &Place) -> Result<(), CliError> {
    for account in place.open().await?.store.account_list().await? {
        let (role, unit) = (account.post.role.name(), &account.post.unit);
        if json {
            say(serde_json::json!({
                "name": account.name, "role": role, "unit": unit,
                "unit_on": account.unit_on, "disabled": account.disabled,
            }));
        } else {
            let state = if account.disabled { "disabled" } else { "" };
            say(format!("{:<20} {role:<10} {unit:<6} {state}", account.name).trim_end());
        }
    }
    Ok(())
}

/// Finds the day on which a unit's code is read, and makes sure that it means a unit then.
async fn unit_day(app: &App, unit: &str, on: Option<&str>) -> Result<Date, CliError> {
    let units = app.units().await?;
    let day = match on {
        Some(on) => Date::parse(on).map_err(|error| CliError::Usage(error.to_string()))?,
        None => {
            let today = Date::of_unix_ms(app.now_ms());
            units.last_day(unit, today).unwrap_or(today)
        }
    };
    let known = units.at(day).get(unit).is_some();
    known.then_some(day).ok_or_else(|| CliError::Usage(format!("no unit {unit} on {day}")))
}

/// Lists and revokes devices.
#[derive(Debug, Args)]
pub struct Device {
    #[command(subcommand)]
    act: DeviceAct,
}

#[derive(Debug, Subcommand)]
enum DeviceAct {
    /// Lists devices. Example: rasoat device list --json
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Revokes a device. Example: rasoat device revoke 0123456789abcdef0123456789abcdef
    Revoke {
        /// Device id, 32 hex digits.
        device: String,
        #[command(flatten)]
        place: Place,
    },
}

impl Device {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        match self.act {
            DeviceAct::List { json, place } => {
                let app = place.open().await?;
                for device in listed(&app, |_| true).await? {
                    if json {
                        say(serde_json::json!(device));
                    } else {
                        say(line(&device));
                    }
                }
            }
            DeviceAct::Revoke { device, place } => {
                let id: DeviceId =
                    device.parse().map_err(|_| CliError::Usage("not a device id".into()))?;
                let app = place.open().await?;
                if app.store.device_get(id).await?.is_none() {
                    return Err(CliError::Usage("no such device".into()));
                }
                app.store.device_revoke(id, app.now_ms()).await?;
                say("revoked");
            }
        }
        Ok(())
    }
}

/// Writes a device for people: what it is, what it said last, what is not merged of it.
fn line(device: &Listed) -> String {
    let of = device;
    let states = [(of.revoked, "revoked"), (of.copied, "copied"), (of.silent, "silent")];
    let states: Vec<&str> =
        states.into_iter().filter(|(is, _)| *is).map(|(_, state)| state).collect();
    let app = if of.app.is_empty() { "-" } else { &of.app };
    let ahead = of.clock_ahead_ms.map_or("-".to_owned(), |ms| format!("{} s", ms / 1000));
    let Backlog { waiting, held, quarantined } = of.backlog;
    let line = format!(
        "{} {:<6} {:<24} app {app}, clock ahead {ahead}, waiting {waiting}, held {held}, \
         quarantined {quarantined}, installations {}  {}",
        of.device,
        of.unit,
        of.label,
        of.installations.len(),
        states.join(" "),
    );
    line.trim_end().to_owned()
}

/// Copies a running installation.
#[derive(Debug, Args)]
pub struct Backup {
    /// Folder of the copy; must not exist.
    #[arg(long)]
    to: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl Backup {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        if self.place.database.is_some() {
            return Err(CliError::Usage("use pg_dump for PostgreSQL, and copy server.key".into()));
        }
        if self.to.exists() {
            return Err(CliError::Usage(format!("{} exists already", self.to.display())));
        }
        std::fs::create_dir_all(&self.to)?;
        let app = self.place.open().await?;
        let file = self.to.join("rasoat.sqlite");
        app.store.copy_to(&file.to_string_lossy()).await?;
        std::fs::copy(self.place.data.join("server.key"), self.to.join("server.key"))?;
        say(format!("{}", self.to.display()));
        Ok(())
    }
}

/// Checks that an installation is sound.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
}

impl Doctor {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CliError> {
        let app = self.place.open().await?;
        app.store.ping().await?;
        say("ok  store answers, migrations are current");
        if !crate::auth::self_test(&app.keys) {
            return Err(CliError::Usage("tokens cannot be signed and checked".into()));
        }
        say("ok  tokens can be signed and checked");
        let mut damaged = 0;
        for campaign in app.store.campaign_list().await? {
            for (unit, step) in app.store.list_steps(campaign.id).await? {
                let Some(root) = step.root() else { continue };
                let bytes = app.store.frozen_get(campaign.id, &unit, root).await?;
                if bytes.is_none_or(|bytes| shared::id::sha256(&bytes) != root.0) {
                    eprintln!("bad list of unit {unit}: its bytes do not have the root it names");
                    damaged += 1;
                }
            }
        }
        if damaged > 0 {
            return Err(CliError::Usage(format!("{damaged} frozen lists are damaged")));
        }
        say("ok  every frozen list has the root it names");
        Ok(())
    }
}
