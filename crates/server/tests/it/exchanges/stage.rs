//! Where exchanges are played: a server of ours on one store or another, or one that runs already.

use std::path::PathBuf;

use server::client::{Client, Credentials};

use crate::cluster::{Cluster, Database};
use crate::desk::Desk;

/// The store or the server to play on.
#[derive(Clone)]
pub(super) enum Stage {
    Memory,
    /// Files of SQLite in this folder.
    Sqlite(PathBuf),
    /// Databases of this PostgreSQL server.
    Postgres(&'static Cluster),
    /// Host and port of a server that runs already.
    Url(String),
}

/// A server that can be played on, and its administrator, who is logged in.
pub(super) struct Opened {
    pub(super) address: String,
    pub(super) administrator: Credentials,
    /// The server, where it is ours.
    _desk: Option<Desk>,
    /// Its database, where that is of a server; it goes after the desk.
    _database: Option<Database>,
}

impl Opened {
    /// Leaves a server that goes on running as strict as it should be.
    pub(super) async fn close(&self) -> Result<(), String> {
        self.limit_rate(true).await
    }

    async fn limit_rate(&self, is_on: bool) -> Result<(), String> {
        let mut client = Client::new(&self.address);
        let path = "/api/v1/settings/API_Enable_Rate_Limiter";
        let body = serde_json::json!({ "value": is_on });
        let answer = client.json("POST", path, Some(&self.administrator), Some(&body)).await.map_err(chain)?;
        if answer.status.is_success() { Ok(()) } else { Err(format!("the limiter stays as it is: {}", answer.json())) }
    }
}

/// Host and port in `CONCORD_EXCHANGES_URL`.
pub(super) fn url_given() -> Option<String> {
    let url = std::env::var("CONCORD_EXCHANGES_URL").ok()?;
    Some(url.trim_start_matches("http://").trim_end_matches('/').to_owned())
}

impl Stage {
    /// Whether servers can be started on it.
    pub(super) fn is_ours(&self) -> bool {
        !matches!(self, Self::Url(_))
    }

    /// A server that many can call often: its rate limiter is off, until it is closed.
    pub(super) async fn open(&self) -> Result<Opened, String> {
        let opened = self.open_as_delivered().await?;
        opened.limit_rate(false).await?;
        Ok(opened)
    }

    /// A server as it is when nobody has changed a setting.
    pub(super) async fn open_as_delivered(&self) -> Result<Opened, String> {
        let mut database = None;
        let desk = match self {
            Self::Memory => Desk::open().await,
            Self::Sqlite(folder) => Desk::open_in(folder).await,
            Self::Postgres(cluster) => Desk::open_at(&database.insert(cluster.database().await).url).await,
            Self::Url(address) => {
                let variable = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
                let username = variable("CONCORD_EXCHANGES_USER", "admin");
                let administrator = log_in(address, &username, &variable("CONCORD_EXCHANGES_PASS", "")).await?;
                return Ok(Opened { address: address.clone(), administrator, _desk: None, _database: None });
            }
        };
        let (username, password) = desk.administrator();
        let administrator = log_in(&desk.address(), &username, &password).await?;
        Ok(Opened { address: desk.address(), administrator, _desk: Some(desk), _database: database })
    }
}

async fn log_in(address: &str, user: &str, password: &str) -> Result<Credentials, String> {
    let body = serde_json::json!({ "user": user, "password": password });
    let answer = Client::new(address).json("POST", "/api/v1/login", None, Some(&body)).await.map_err(chain)?;
    let answer = answer.json();
    let text = |name: &str| answer["data"][name].as_str().map(str::to_owned).ok_or(format!("cannot log in: {answer}"));
    Ok(Credentials { user_id: text("userId")?, token: text("authToken")? })
}

/// An error with its causes.
pub(super) fn chain(error: impl std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
