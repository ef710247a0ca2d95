//! `concord demo`: a small true story, played through the server's own HTTP API.
//!
//! A server starts on a free port with a store of its own. An agent is set up; a person writes
//! from the web widget; the same person's details arrive again and disagree; the agent sees the
//! conflicts and settles them. Each request and each answer is printed as it was.

mod story;
mod telling;

use std::path::PathBuf;

use crate::cli::DemoArgs;
use crate::client::{Client, ClientError};
use crate::config::{Config, ConfigError, FirstAdmin, Flag, Secret, Sources};
use crate::serve::{self, ServeError};
use crate::telemetry::TelemetryError;
use telling::Telling;

/// Who administers the demo's server.
const ADMINISTRATOR: &str = "admin";

/// Why the story broke off.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There is no place for the store.
    #[error("cannot make a folder for the store at {}", path.display())]
    NoFolder {
        /// Where it should be.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The log cannot be written.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The server did not start or stop.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The server did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server answered otherwise than the story goes.
    #[error("the story goes otherwise: {request} answered {status}, and not {expected}")]
    Otherwise {
        /// Method and path.
        request: String,
        /// What it answered.
        status: u16,
        /// What it should have.
        expected: u16,
    },
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Journal(#[from] app::store::StoreError),
    /// The story cannot be printed any more.
    #[error("cannot print")]
    Print(#[from] std::io::Error),
}

/// Plays the story; with `--keep`, the server then goes on until it is told to stop.
pub async fn run(args: DemoArgs) -> Result<(), DemoError> {
    let folder = Folder::make()?;
    let password = serve::random_text(16);
    let mut config = configuration(&args, &folder)?;
    config.first_admin = FirstAdmin {
        username: ADMINISTRATOR.to_owned(),
        password: Some(Secret::new(password.clone())),
        ..FirstAdmin::default()
    };
    let telemetry = crate::telemetry::start(&config.log)?;
    let server = serve::start(config).await?;
    let mut telling = Telling::new(Client::new(server.address.clone()));
    telling.say(&format!(
        "A server listens on http://{} with a store of its own in {}.",
        server.address,
        folder.path.display()
    ))?;

    let told = story::play(&mut telling, &server, &password).await;
    if told.is_ok() && args.keep {
        telling.say(&format!(
            "The server goes on until you press Ctrl-C. Log in at http://{} as `{ADMINISTRATOR}` with the password \
             `{password}`, or as the agent `kim` with `{}`.",
            server.address,
            story::AGENT_PASSWORD
        ))?;
        serve::stop_asked().await?;
    }
    server.stop().await?;
    drop(telemetry);
    told
}

fn configuration(args: &DemoArgs, folder: &Folder) -> Result<Config, DemoError> {
    let flag = |key: &str, value: String| Flag { name: format!("the demo's {key}"), key: key.to_owned(), value };
    let flags = vec![
        flag("listen", args.listen.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned())),
        flag("store", format!("sqlite:{}", folder.path.join("concord.db").display())),
        flag("log.level", "warn".to_owned()),
    ];
    Ok(Config::load(&Sources { flags, ..Sources::default() })?.config)
}

/// A folder that goes with the demo.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make() -> Result<Self, DemoError> {
        let path = std::env::temp_dir().join(format!("concord-demo-{}", serve::random_text(8)));
        std::fs::create_dir(&path).map_err(|source| DemoError::NoFolder { path: path.clone(), source })?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a demo is in the folder of temporary things, and goes with it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
