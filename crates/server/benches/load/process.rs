//! The server as its operator runs it: the binary, a process of its own, and what the kernel
//! says it takes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::place::{Database, Place};
use super::wire::Connection;

/// The kernel counts the time of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// How the server commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Variant {
    /// By how much each flush is made longer.
    pub(crate) flush_us: u32,
    /// Each change set has its own transaction.
    pub(crate) one_by_one: bool,
    /// On so many connections of the database, where it is one and each has its own.
    pub(crate) writers: u32,
}

/// A running server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    pub(crate) started_in: Duration,
    /// Memory once it was ready, in bytes.
    pub(crate) idle_bytes: u64,
    database: Option<Database>,
}

impl Server {
    pub(crate) async fn start(place: &Place, variant: Variant, settings: &[String]) -> Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_concord"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--store"]);
        command.arg(place.url());
        command.args(["--set", &format!("sqlite.extra_flush_us={}", variant.flush_us)]);
        for setting in settings {
            command.args(["--set", setting]);
        }
        if variant.one_by_one {
            command.args(["--set", "sqlite.group_size=1", "--set", "postgres.group_size=1"]);
        }
        if variant.writers > 0 {
            command.args(["--set", &format!("postgres.writers={}", variant.writers)]);
        }
        let ours = std::env::vars_os().map(|(name, _)| name);
        for name in ours.filter(|name| name.to_str().is_some_and(|name| name.starts_with("CONCORD_"))) {
            command.env_remove(name);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the server")?;
        let mut output = BufReader::new(child.stdout.take().context("the output is piped")?);
        let mut greeting = String::new();
        output.read_line(&mut greeting)?;
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let address = greeting.split("http://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.with_context(|| format!("the server said `{greeting}`"))?.to_owned();
        let mut server = Self { child, address, started_in: Duration::ZERO, idle_bytes: 0, database: None };
        Connection::open(&server.address).await?.exchange(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        server.started_in = begun.elapsed();
        server.idle_bytes = server.memory("VmRSS:")?;
        if let Place::Database(database) = place {
            server.database = Some(database.clone());
        }
        Ok(server)
    }

    /// Processor time used so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.child.id().to_string(), 2)
    }

    /// Processor time the database server used so far; nothing where there is none that can be seen.
    pub(crate) fn database_cpu(&self) -> Result<Duration> {
        Ok(self.database.as_ref().map(Database::cpu).transpose()?.flatten().unwrap_or_default())
    }

    /// The most memory it ever had, in bytes.
    pub(crate) fn peak_bytes(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the kernel does not say")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Stops it as an operator would, and waits until everything is written.
    pub(crate) fn stop(mut self) -> Result<()> {
        let told = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(told.success(), "the server cannot be told to stop");
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the server ended with {ended}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already wherever all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of this process.
pub(crate) fn own_cpu() -> Result<Duration> {
    cpu_of("self", 2)
}

/// Of the process itself, its first two figures: user and system. The next two are of the children it
/// waited for.
pub(crate) fn cpu_of(process: &str, figures: usize) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')').context("no process")?;
    let numbers: Vec<u32> = rest.split_whitespace().skip(11).take(figures).map(str::parse).collect::<Result<_, _>>()?;
    Ok(TICK * numbers.iter().sum::<u32>())
}
