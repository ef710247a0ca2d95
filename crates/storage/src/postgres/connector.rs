//! Connections made when they are needed, and made anew after the database was away.
//!
//! Reads by key share a few connections: several are under way on each at once. Searches have one
//! to themselves, so that nothing waits behind them. While the database cannot be reached, nobody
//! waits for what the one before just tried in vain. Evidence: `tests/it/postgres/away.rs`.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use app::store::StoreError;
use tokio::sync::Semaphore;

use super::PostgresOptions;
use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;
use super::windows;
use crate::key::unavailable;

/// How long after a connection could not be made no other is tried.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(100);

/// What a server is told at the start of a connection, each by itself: what an engine does not
/// know it does without. Plans made for a table while it was small must not be kept for it.
const SEARCHING: [&str; 5] = [
    "SET jit = off",
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET max_parallel_workers_per_gather = 0",
];
/// Some of what is asked for waits while the rest is looked at.
const EXAMINING: [&str; 2] = ["SET jit = off", "SET idle_in_transaction_session_timeout = 0"];
const BY_KEY: [&str; 4] =
    ["SET jit = off", "SET enable_seqscan = off", "SET enable_hashjoin = off", "SET enable_mergejoin = off"];

/// Of the time an answer may take, the part that a transaction waits for another's rows, and the part
/// after which the database ends one that says nothing more: what a server held that is gone, or that
/// the network has forgotten, is free before those who wait for it give up.
const PART_FOR_LOCKS: u32 = 4;

/// A connection that is cut is noticed within this time; one that is silent is not.
const SOON: Duration = Duration::from_secs(1);

const COUNTING: [&str; 3] = ["SET jit = off", "SET enable_seqscan = off", "SET synchronous_commit = off"];

/// How long a step may take of what goes through the whole database.
const WITH_ALL: Duration = Duration::from_secs(4 * 3600);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Migrate,
    Examine,
    Read,
    Search,
    Write,
    /// For counts that a crash may forget.
    Count,
}

/// Makes connections.
pub(super) struct Connector {
    address: Address,
    options: PostgresOptions,
    is_closed: AtomicBool,
    failed_at: Mutex<Option<Instant>>,
}

impl Connector {
    pub(super) fn new(address: Address, options: PostgresOptions) -> Self {
        Self { address, options, is_closed: AtomicBool::new(false), failed_at: Mutex::default() }
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    pub(super) fn ensure_open(&self) -> Result<(), StoreError> {
        if self.is_closed.load(Ordering::Acquire) { Err(unavailable("the store is closed")) } else { Ok(()) }
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Connection, Failure> {
        let failed_at = *self.failed_at();
        if failed_at.is_some_and(|failed_at| failed_at.elapsed() < REST_AFTER_FAILURE) {
            return Err(Failure::Lost(unavailable("the database could not be reached just now")));
        }
        let made = self.connect_now(purpose).await;
        *self.failed_at() = made.is_err().then(Instant::now);
        made
    }

    async fn connect_now(&self, purpose: Purpose) -> Result<Connection, Failure> {
        let connecting = self.address.config.connect(self.address.tls.clone());
        let (client, driver) = tokio::time::timeout(self.options.connect_timeout, connecting)
            .await
            .map_err(|_| Failure::Lost(unavailable("connecting to the database took too long")))?
            .map_err(|error| Failure::Lost(unavailable(error)))?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::warn!(error = &error as &dyn Error, "a connection to the database broke");
            }
        });
        let patience = match purpose {
            Purpose::Migrate | Purpose::Examine => WITH_ALL,
            Purpose::Read | Purpose::Search | Purpose::Write => self.options.answer_timeout,
            Purpose::Count => self.options.answer_timeout.min(windows::PATIENCE),
        };
        let connection = Connection::new(client, patience);
        // The server gives up when nobody waits for the answer any more.
        let (limit, locks) = (patience.as_millis(), (patience / PART_FOR_LOCKS).as_millis());
        connection.script(&format!("SET statement_timeout = {limit}; SET lock_timeout = {locks}")).await?;
        let settings: &[&str] = match purpose {
            Purpose::Migrate => &[],
            Purpose::Examine => &EXAMINING,
            Purpose::Search => &SEARCHING,
            Purpose::Read | Purpose::Write => &BY_KEY,
            Purpose::Count => &COUNTING,
        };
        for setting in settings {
            connection.script_if_known(setting).await?;
        }
        if purpose == Purpose::Write {
            connection.script_if_known(&format!("SET idle_in_transaction_session_timeout = {locks}")).await?;
            // What is answered is on disk, whatever the default of the database.
            let setting = connection.query("SELECT current_setting('synchronous_commit')", &[]).await;
            if setting.is_ok_and(|rows| rows.first().is_some_and(|row| row.get::<_, &str>(0) == "off")) {
                connection.script("SET synchronous_commit = on").await?;
            }
        }
        Ok(connection)
    }

    fn failed_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.failed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections that read.
pub(super) struct Readers {
    pub(super) connector: Arc<Connector>,
    shared: Vec<tokio::sync::Mutex<Option<Arc<Connection>>>>,
    next: AtomicUsize,
    searches: Semaphore,
    idle: Mutex<Vec<Arc<Connection>>>,
}

impl Readers {
    pub(super) fn new(connector: Arc<Connector>, options: &PostgresOptions) -> Self {
        Self {
            connector,
            shared: (0..options.readers.max(1)).map(|_| tokio::sync::Mutex::default()).collect(),
            next: AtomicUsize::new(0),
            searches: Semaphore::new(options.searches_max.max(1)),
            idle: Mutex::default(),
        }
    }

    /// Reads by key. Where the connection turned out to be lost, the read is done again on another; not
    /// where that took as long as anyone waits.
    pub(super) async fn read<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        read: impl Fn(Arc<Connection>) -> F,
    ) -> Result<T, StoreError> {
        self.connector.ensure_open()?;
        let asked = Instant::now();
        match read(self.shared().await?).await {
            Err(Failure::Lost(_)) if asked.elapsed() < SOON => {}
            answer => return answer.map_err(Failure::into_store_error),
        }
        read(self.shared().await?).await.map_err(Failure::into_store_error)
    }

    /// A read that may take long.
    pub(super) async fn search<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        search: impl Fn(Arc<Connection>) -> F,
    ) -> Result<T, StoreError> {
        self.connector.ensure_open()?;
        let _permit = self.searches.acquire().await.map_err(unavailable)?;
        let asked = Instant::now();
        let mut attempts = 2;
        loop {
            attempts -= 1;
            let idle = self.idle().pop().filter(|connection| !connection.is_closed());
            let connection = match idle {
                Some(connection) => connection,
                None => Arc::new(self.connector.connect(Purpose::Search).await.map_err(Failure::into_store_error)?),
            };
            match search(Arc::clone(&connection)).await {
                Err(Failure::Lost(_)) if attempts > 0 && asked.elapsed() < SOON => {}
                answer => {
                    self.idle().push(connection);
                    return answer.map_err(Failure::into_store_error);
                }
            }
        }
    }

    /// Lets go of all connections.
    pub(super) async fn close(&self) {
        self.idle().clear();
        for shared in &self.shared {
            *shared.lock().await = None;
        }
    }

    async fn shared(&self) -> Result<Arc<Connection>, StoreError> {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.shared.len();
        let mut shared = self.shared[place].lock().await;
        if let Some(connection) = &*shared
            && !connection.is_closed()
        {
            return Ok(Arc::clone(connection));
        }
        let made = self.connector.connect(Purpose::Read).await.map_err(Failure::into_store_error)?;
        Ok(Arc::clone(shared.insert(Arc::new(made))))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
