//! Where the contacts are kept: a file, or a database of PostgreSQL; opened as the server does.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::store::Store;
use storage::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use tokio_postgres::{Client, NoTls};

use super::process::cpu_of;

/// One store.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Database(Database),
}

/// A database on a server of its own or of others.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
    /// The process that all others of the database server come from, where it runs on this machine.
    pub(crate) postmaster: Option<u32>,
}

/// An open store.
pub(crate) enum Opened {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Place {
    pub(crate) fn is_database(&self) -> bool {
        matches!(self, Self::Database(_))
    }

    /// As the server takes it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite:{}", path.display()),
            Self::Database(database) => database.url.clone(),
        }
    }

    /// Opens it as the server does.
    pub(crate) async fn open(&self) -> Result<Opened> {
        self.open_with(&SqliteOptions::default()).await
    }

    /// Opens it for loading.
    pub(crate) async fn open_for_bulk(&self) -> Result<Opened> {
        self.open_with(&SqliteOptions::for_bulk()).await
    }

    async fn open_with(&self, options: &SqliteOptions) -> Result<Opened> {
        let render = server::api::render;
        match self {
            Self::File(path) => {
                let store = SqliteStore::open(path, render, options);
                Ok(Opened::Sqlite(Arc::new(store.with_context(|| format!("cannot open {}", path.display()))?)))
            }
            Self::Database(database) => {
                let store = PostgresStore::open(&database.url, render, &PostgresOptions::default()).await;
                Ok(Opened::Postgres(Arc::new(store.context("cannot open the database")?)))
            }
        }
    }

    /// What autovacuum does in its own time: the statistics plans are made from, and the lists of
    /// what the indexes for search have not sorted in yet.
    pub(crate) async fn settle(&self) -> Result<()> {
        if let Self::Database(database) = self {
            database.connect().await?.batch_execute("VACUUM ANALYZE").await?;
        }
        Ok(())
    }

    /// How much disk it takes.
    pub(crate) async fn bytes(&self) -> Result<u64> {
        match self {
            Self::File(path) => Ok(fs::metadata(path)?.len()),
            Self::Database(database) => {
                let sql = "SELECT pg_database_size(current_database())";
                Ok(u64::try_from(database.connect().await?.query_one(sql, &[]).await?.get::<_, i64>(0))?)
            }
        }
    }
}

impl Opened {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as Arc<dyn Store>,
            Self::Postgres(store) => Arc::clone(store) as Arc<dyn Store>,
        }
    }

    /// Waits until searches need not look at contacts one by one that the index does not show yet.
    pub(crate) async fn settle_search(&self) -> Result<()> {
        if let Self::Sqlite(store) = self {
            store.settle_search().await?;
        }
        Ok(())
    }
}

impl Database {
    /// A database of this name on the server of `url`; made anew unless it is to be kept.
    pub(crate) async fn on(url: &str, name: &str, is_kept: bool) -> Result<Self> {
        let admin = connect(url).await?;
        let there = admin.query("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await?;
        if !is_kept && !there.is_empty() {
            admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        if !is_kept || there.is_empty() {
            let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
            admin.batch_execute(&sql).await.context("the benchmark makes a database of its own")?;
        }
        let (before, query) = url.split_once('?').map_or((url, ""), |(before, query)| (before, query));
        let (server, _) = before.rsplit_once('/').context("a URL ends with the name of a database")?;
        let url = format!("{server}/{name}{}{query}", if query.is_empty() { "" } else { "?" });
        let backend: i32 = admin.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        Ok(Self { url, postmaster: postmaster_of(backend) })
    }

    /// Takes it away.
    pub(crate) async fn remove(&self, server: &str) -> Result<()> {
        let name = self.url.rsplit('/').next().and_then(|name| name.split('?').next()).context("it has a name")?;
        Ok(connect(server).await?.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    async fn connect(&self) -> Result<Client> {
        connect(&self.url).await
    }

    /// Processor time of all its processes so far, ended ones too.
    pub(crate) fn cpu(&self) -> Result<Option<Duration>> {
        let Some(postmaster) = self.postmaster else { return Ok(None) };
        let mut all = cpu_of(&postmaster.to_string(), 4)?;
        for process in fs::read_dir("/proc")?.flatten() {
            let name = process.file_name();
            let Some(id) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else {
                continue;
            };
            if parent_of(id) == Some(postmaster) {
                // One that ended meanwhile is counted with those the postmaster waited for.
                all += cpu_of(id, 2).unwrap_or_default();
            }
        }
        Ok(Some(all))
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.context("cannot reach the database server")?;
    tokio::spawn(driver);
    Ok(client)
}

/// The parent of a process that answers for a connection, if that process is on this machine.
fn postmaster_of(backend: i32) -> Option<u32> {
    let id = backend.to_string();
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    name.starts_with("postgres").then(|| parent_of(&id)).flatten()
}

fn parent_of(process: &str) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Refuses a URL before anything long is begun.
pub(crate) fn ensure_is_postgres(url: &str) -> Result<()> {
    let is_one = url.starts_with("postgres://") || url.starts_with("postgresql://");
    ensure!(is_one, "`--postgres` wants postgres://USER@HOST/DATABASE");
    Ok(())
}
