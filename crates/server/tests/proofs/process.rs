//! The real program, on a database of its own: prepared, started, asked, stopped, killed; one of it
//! on a SQLite file, or several on one PostgreSQL database.
//!
//! The database is prepared in this process, through the crates the program is made of: an
//! administrator who is logged in, and no limit on the rate of calls, which is not what is proven
//! here. Everything after that goes over HTTP. What the program logs is kept, and read at the end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::clock::{SystemChance, SystemClock};
use app::login::LoginName;
use app::mail::NoMailer;
use app::passwords::Password;
use app::store::Store;
use app::{App, FirstAdministrator, PasswordCost, World};
use domain::change_set::ChangeSet;
use domain::directory::{DirectoryChange, Record, Setting};
use serde_json::json;
use server::api;
use server::client::Credentials;
use storage::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use crate::beside::Beside;
use crate::caller::{Caller, expect_ok};
use crate::cluster::{self, Cluster, Database};

/// How long a start may take before it counts as failed.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How often a server learns what others made the figures of the database.
const FIGURES_EVERY: Duration = Duration::from_secs(1);

/// Where a proof plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// One server, on a file.
    OneOnSqlite,
    /// Two servers, on one database.
    TwoOnPostgres,
}

/// A database, prepared, and what is needed to serve it.
pub(crate) struct House {
    folder: TempDir,
    place: Place,
    pub(crate) admin: Credentials,
}

enum Place {
    File,
    /// A database that goes with the house, or one of a cluster that the proof itself runs.
    Postgres {
        url: String,
        _database: Option<Database>,
    },
}

impl House {
    /// On a file.
    pub(crate) async fn prepare() -> Self {
        Self::prepare_in(Place::File).await
    }

    /// Where the proof plays; nowhere, and it is said, where there is no PostgreSQL.
    pub(crate) async fn prepare_on(stage: Stage) -> Option<Self> {
        let place = match stage {
            Stage::OneOnSqlite => Place::File,
            Stage::TwoOnPostgres => {
                let Some(cluster) = cluster::shared() else {
                    cluster::say_not_run();
                    return None;
                };
                let database = cluster.database().await;
                Place::Postgres { url: database.url.clone(), _database: Some(database) }
            }
        };
        Some(Self::prepare_in(place).await)
    }

    /// In a cluster of the proof's own.
    pub(crate) async fn prepare_with(cluster: &Cluster) -> Self {
        Self::prepare_in(Place::Postgres { url: cluster.url("postgres"), _database: None }).await
    }

    async fn prepare_in(place: Place) -> Self {
        let nobody = Credentials { user_id: String::new(), token: String::new() };
        let mut house = Self { folder: tempfile::tempdir().unwrap(), place, admin: nobody };
        let store = house.open().await;
        let world = World {
            store: store.clone(),
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
            login_token_days: 1,
            // The cheapest there is: that passwords are dear is proven elsewhere.
            passwords: PasswordCost { memory_kib: 8, iterations: 1, threads: 1 },
            mailer: Arc::new(NoMailer),
        };
        let app = App::open(world).await.unwrap();
        let password = "known to this test";
        let first = FirstAdministrator {
            username: "admin".to_owned(),
            name: "Administrator".to_owned(),
            email: None,
            password: Some(password.to_owned()),
        };
        app.ensure_administrator(first).await.unwrap();
        let name = LoginName::Username("admin".to_owned());
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let session = app.log_in(&name, &Password::typed(password), here).await.unwrap();
        let setting = Setting {
            id: "API_Enable_Rate_Limiter".to_owned(),
            value: json!(false),
            updated_at: domain::ids::Timestamp::from_millis(0),
        };
        let change = DirectoryChange {
            base: app.directory().revision(),
            put: vec![Record::Setting(setting)],
            remove: Vec::new(),
        };
        store.commit(&ChangeSet { directory: Some(change), ..ChangeSet::default() }).await.unwrap();
        store.close().await.unwrap();
        house.admin = Credentials { user_id: session.user.id.to_string(), token: session.token };
        house
    }

    /// The file of a house that has one.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("concord.db")
    }

    /// What the program is told to serve.
    pub(crate) fn url(&self) -> String {
        match &self.place {
            Place::File => format!("sqlite:{}", self.database().display()),
            Place::Postgres { url, .. } => url.clone(),
        }
    }

    /// Where the program's log goes; every start writes on at its end.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Nothing is in the log but that so many were turned away, as may happen where servers meet.
    pub(crate) fn check_log(&self, turned_away: u64) {
        let log = self.log();
        let (told, rest): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| line.contains(" status=503 "));
        assert_eq!(told.len() as u64, turned_away, "a line for each who was turned away: {log}");
        let is_cause = |line: &&str| line.contains("somebody else holds what was to be written");
        let is_two = matches!(self.place, Place::Postgres { .. });
        assert!(rest.iter().all(|line| is_two && turned_away > 0 && is_cause(line)), "{log}");
    }

    /// Starts the program, and comes back once it says that it is ready.
    pub(crate) async fn start(&self) -> Process {
        self.start_at(&self.url()).await
    }

    /// Starts the program on the database behind another URL.
    pub(crate) async fn start_at(&self, url: &str) -> Process {
        self.start_by(Command::new(program()), url).await
    }

    /// Starts the program as `command` does, and comes back once it says that it is ready.
    pub(crate) async fn start_by(&self, command: Command, url: &str) -> Process {
        let started = Instant::now();
        let mut process = self.launch(command, url).unwrap_or_else(|why| panic!("it did not start: {why}"));
        while process.client().get("/readyz").await.status != 200 {
            assert!(started.elapsed() < START_PATIENCE, "it is not ready: {}", self.log());
        }
        process.ready_in = started.elapsed();
        assert!(process.ready_in < START_PATIENCE, "it took {:?} to start", process.ready_in);
        process
    }

    /// Starts the program as `command` does, which takes its arguments, and comes back once it listens;
    /// else, how it ended.
    pub(crate) fn launch(&self, mut command: Command, url: &str) -> Result<Process, String> {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(["--set", "auth.argon2_memory_kib=7168", "--set", "auth.argon2_iterations=1"])
            .args(["--store", url])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("Concord listens on http://").and_then(|rest| rest.split_once(','));
        let Some((address, _)) = address else {
            return Err(format!("{line:?}, {:?}, {}", child.wait(), self.log()));
        };
        let (address, admin) = (address.to_owned(), self.admin.clone());
        Ok(Process { child, address, admin, ready_in: Duration::ZERO })
    }

    /// Starts as many servers as play a part.
    pub(crate) async fn start_all(&self) -> Servers {
        let mut servers = vec![self.start().await];
        if matches!(self.place, Place::Postgres { .. }) {
            servers.push(self.start().await);
        }
        Servers(servers)
    }

    /// The store, beside the servers, or once no process has the file.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        match &self.place {
            Place::File => Arc::new(open(&self.database())),
            Place::Postgres { url, .. } => {
                Arc::new(PostgresStore::open(url, api::render, &PostgresOptions::default()).await.unwrap())
            }
        }
    }

    /// The database as it is.
    pub(crate) async fn beside(&self) -> Beside {
        match &self.place {
            Place::File => Beside::file(&self.database()),
            Place::Postgres { url, .. } => Beside::Postgres(cluster::connect(url).await),
        }
    }
}

/// The program that is tried.
pub(crate) fn program() -> String {
    std::env::var("CONCORD_PROOF_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_concord").into())
}

/// Opens a store on a file as the program does.
pub(crate) fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, api::render, &SqliteOptions::default()).unwrap()
}

/// The program, running.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
    admin: Credentials,
    /// From the start of the process to its being ready.
    pub(crate) ready_in: Duration,
}

impl Process {
    /// A connection of an agent's, and of a visitor's: both speak over it.
    pub(crate) fn client(&self) -> Caller {
        Caller::new(self.address.clone(), self.admin.clone())
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as the power cord does, as far as a process can tell.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits for it.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Those that serve one database.
pub(crate) struct Servers(pub(crate) Vec<Process>);

impl Servers {
    /// A connection to one of them, by turns.
    pub(crate) fn client(&self, number: usize) -> Caller {
        self.0[number % self.0.len()].client()
    }

    /// What a metric comes to, over all of them.
    pub(crate) async fn sum(&self, metric: &str) -> u64 {
        let mut sum = 0;
        for server in &self.0 {
            sum += server.client().metric(metric).await;
        }
        sum
    }

    /// How many requests were answered with that status, over all of them.
    pub(crate) async fn answers(&self, status: u16) -> u64 {
        let mut sum = 0;
        for server in &self.0 {
            let text = server.client().metrics().await;
            let of_status = text.lines().filter(|line| line.starts_with("concord_requests_total{"));
            let of_status = of_status.filter(|line| line.contains(&format!("status=\"{status}\"")));
            sum += of_status.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum::<u64>();
        }
        sum
    }

    /// A figure of the database as each of them shows it: what others wrote shows within a second.
    pub(crate) async fn figure(&self, metric: &str) -> BTreeSet<u64> {
        if self.0.len() > 1 {
            tokio::time::sleep(2 * FIGURES_EVERY).await;
        }
        let mut shown = BTreeSet::new();
        for server in &self.0 {
            shown.insert(server.client().metric(metric).await);
        }
        shown
    }

    /// How many were turned away, which nobody is where there is one server.
    pub(crate) async fn turned_away(&self) -> u64 {
        let turned_away = self.answers(503).await;
        assert!(turned_away == 0 || self.0.len() > 1, "{turned_away} were turned away");
        turned_away
    }

    /// Asks them to end, one after the other.
    pub(crate) fn stop(&mut self) {
        for server in &mut self.0 {
            assert!(server.stop().success());
        }
    }

    /// Waits until custom fields that were defined at one of them are known to all.
    pub(crate) async fn until_known(&self, fields: &[&str]) {
        let patience = Instant::now() + Duration::from_secs(10);
        for server in &self.0 {
            let mut caller = server.client();
            loop {
                let known = expect_ok(&caller.get("/api/v1/livechat/custom-fields?count=100").await);
                let known = known["customFields"].as_array().unwrap();
                if fields.iter().all(|field| known.iter().any(|known| known["_id"] == **field)) {
                    break;
                }
                assert!(Instant::now() < patience, "{known:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}
