//! A PostgreSQL server for the tests: one that `TEST_POSTGRES_URL` names, or a throwaway one that
//! is started from the programs on this machine and goes when the tests end, however they end.
//!
//! Where there is neither, each test says that it was not run; with `CI` set it fails instead.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// Serves until this goes: the shell waits for the end of what it reads, then stops the server.
pub(crate) struct Cluster {
    url: String,
    folder: Option<PathBuf>,
    programs: Option<PathBuf>,
    port: u16,
    shell: Option<(Child, ChildStdin)>,
}

/// Stops the server, at once, when nobody holds the other end of its input any more; then takes the
/// folder away, unless told to keep it.
const KEEPER: &str = r#"
"$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 -c max_connections=300 >"$2/log" 2>&1 &
read -r _
kill -QUIT $! 2>/dev/null
wait
[ "$4" = keep ] || rm -rf "$2"
"#;

impl Cluster {
    /// Starts a server of its own, after `prepare` has seen its folder; none, where its programs are not
    /// on this machine.
    pub(crate) fn start(is_kept: bool, prepare: impl FnOnce(&Path)) -> Option<Self> {
        let programs = programs()?;
        let folder = tempfile::Builder::new().prefix("concord-pg-").tempdir().expect("there is room").keep();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).expect("root can give a folder away");
        }
        let mut initdb = as_owner(Command::new(programs.join("initdb")), owner);
        let made = initdb
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-D"])
            .arg(folder.join("data"))
            .current_dir(&folder)
            .output()
            .expect("the program is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        prepare(&folder.join("data"));
        let port = free_port();
        let mut cluster = Self { url: url_of(port), folder: Some(folder), programs: Some(programs), port, shell: None };
        cluster.run(is_kept);
        Some(cluster)
    }

    /// Writes a file that nobody but the server may read.
    pub(crate) fn write_secret(path: &Path, content: &str) {
        fs::write(path, content).expect("there is room");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("it is ours");
        if let Some((user, group)) = owner() {
            chown(path, Some(user), Some(group)).expect("root can give a file away");
        }
    }

    /// Runs the server; its folder outlives the next stop where it is kept.
    pub(crate) fn run(&mut self, is_kept: bool) {
        let (folder, programs) = (self.folder.as_ref().expect("ours"), self.programs.as_ref().expect("ours"));
        let mut shell = as_owner(Command::new("sh"), owner());
        let mut shell = shell
            .arg("-c")
            .arg(KEEPER)
            .arg("keeper")
            .arg(programs)
            .arg(folder)
            .arg(self.port.to_string())
            .arg(if is_kept { "keep" } else { "" })
            .current_dir("/")
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let stdin = shell.stdin.take().expect("it is piped");
        self.shell = Some((shell, stdin));
        let url = self.url.clone();
        let patience = Instant::now() + Duration::from_secs(20);
        let is_up = beside(async move {
            while Instant::now() < patience {
                match tokio_postgres::connect(&url, NoTls).await {
                    Ok(_) => return true,
                    // One that is up may refuse who asks without encryption.
                    Err(error) if error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => return true,
                    Err(_) => {}
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        });
        let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(is_up, "the server does not start: {}", log());
    }

    /// Stops the server at once, as a crash would.
    pub(crate) fn crash(&mut self) {
        if let Some((mut shell, stdin)) = self.shell.take() {
            drop(stdin);
            shell.wait().expect("it was started");
        }
    }

    /// Kills the server's first process and all that it has made, which leave nothing in order behind.
    pub(crate) fn kill(&mut self) {
        let folder = self.folder.as_ref().expect("ours");
        let lock = fs::read_to_string(folder.join("data/postmaster.pid")).expect("it runs");
        let first = lock.lines().next().expect("its id").to_owned();
        let children = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
        let all = std::iter::once(&*first).chain(children.split_whitespace());
        let killed = Command::new("kill").arg("-9").args(all).stderr(Stdio::null()).status();
        killed.expect("there is such a program");
        self.crash();
    }

    /// What the server said so far.
    pub(crate) fn log(&self) -> String {
        let folder = self.folder.as_ref().expect("it is a server of our own");
        String::from_utf8_lossy(&fs::read(folder.join("log")).expect("it has one")).into_owned()
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let (before, query) = self.url.split_once('?').map_or((&*self.url, ""), |(before, query)| (before, query));
        let server = before.rsplit_once('/').map_or(before, |(server, _)| server);
        format!("{server}/{database}{}{query}", if query.is_empty() { "" } else { "?" })
    }

    /// A new database.
    pub(crate) async fn database(&'static self) -> Database {
        self.copy_of("template0").await
    }

    /// A new database with all that is in another, to which nobody is connected.
    pub(crate) async fn copy(&'static self, original: &Database) -> Database {
        self.copy_of(&original.name).await
    }

    async fn copy_of(&'static self, original: &str) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("concord_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let admin = connect(&self.url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {original}")).await.expect("it is ours to make");
        Database { url: self.url(&name), admin: self.url.clone(), name }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
        if let Some(folder) = &self.folder {
            drop(fs::remove_dir_all(folder));
        }
    }
}

/// A database, for as long as this is kept.
pub(crate) struct Database {
    pub(crate) url: String,
    admin: String,
    name: String,
}

impl Database {
    /// A connection beside the store.
    pub(crate) async fn connect(&self) -> Client {
        connect(&self.url).await
    }

    /// One number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        self.connect().await.query_one(sql, &[]).await.expect("the statement is right").get(0)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (admin, sql) = (self.admin.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let drop_it = async move { drop(connect(&admin).await.batch_execute(&sql).await) };
        beside(drop_it);
    }
}

/// Waits for something from within a runtime, which cannot be waited in.
fn beside<T: Send + 'static>(wanted: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let thread = std::thread::spawn(move || runtime().expect("it can be made").block_on(wanted));
    let wait = || thread.join().expect("it does not panic");
    // Whoever else is on this thread must not wait along: a database takes its time to go.
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.expect("the server is there");
    tokio::spawn(driver);
    client
}

/// The server that the tests share; none, where there is none on this machine.
pub(crate) fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    let cluster = SHARED.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) => Some(Cluster { url, folder: None, programs: None, port: 0, shell: None }),
        Err(_) => Cluster::start(false, |_| {}),
    });
    cluster.as_ref()
}

/// Says that the test at hand is not run; fails where it must be.
pub(crate) fn say_not_run() {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let why = "PostgreSQL's server programs are not on this machine, and TEST_POSTGRES_URL is not set";
    assert!(std::env::var_os("CI").is_none(), "{why}");
    // Past what the harness captures: a test that was not run must not look like one that was.
    writeln!(std::io::stderr(), "not run: {name}: {why}").expect("there is an output");
}

fn url_of(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Below those that systems give to whoever asks for any, so that nobody takes it between a crash and
/// the next start.
fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let start = std::process::id().wrapping_mul(37);
    let ports = std::iter::repeat_with(|| start.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % 12_000 + 20_000);
    ports.filter_map(|port| u16::try_from(port).ok()).take(1000).find(free).expect("one of a thousand is free")
}

/// The folder of `initdb` and its companions.
fn programs() -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut installed: Vec<PathBuf> = ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"]
        .iter()
        .filter_map(|place| fs::read_dir(place).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path().join("bin")))
        .collect();
    installed.sort();
    installed.reverse();
    on_path.chain(installed).find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// Whom the server runs as, where these tests run as root, which it refuses.
fn owner() -> Option<(u32, u32)> {
    let id = |flag: &str, user: &str| -> Option<u32> {
        let answer = Command::new("id").args([flag, user]).stderr(Stdio::null()).output().ok()?;
        String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
    };
    let own = Command::new("id").arg("-u").output().ok()?;
    if own.stdout.trim_ascii() != b"0" {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|user| Some((id("-u", user)?, id("-g", user)?)))
}

fn as_owner(mut command: Command, owner: Option<(u32, u32)>) -> Command {
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}
