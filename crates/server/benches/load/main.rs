//! The benchmark of the repository: `cargo bench -p server --bench load -- --help`.
//!
//! It loads made-up contacts, starts the server on them as an operator would, asks it everything
//! that has a target, and prints ratios against yardsticks measured in the same rounds.
//! What each figure means: docs/performance.md.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

#[path = "../../../storage/tests/it/postgres/cluster.rs"]
#[expect(dead_code, reason = "the tests crash, close and share it")]
mod cluster;
mod driving;
mod histogram;
mod loading;
mod names;
mod people;
mod place;
mod process;
mod report;
mod rounds;
mod searching;
mod terms;
mod wire;
mod workloads;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::cluster::Cluster;
use crate::people::Population;
use crate::place::{Place, ensure_is_postgres};
use crate::report::Results;
use crate::rounds::Plan;
use crate::workloads::Work;

const ABOUT: &str = "\
Load made-up contacts into a SQLite file and into a database of PostgreSQL, start the server on \
each, keep it busy, and print what was measured as ratios against an empty handler and against a \
transaction a request, each beside its target.

Every round measures every kind of request and every yardstick once; the figures are medians of \
the rounds, the ratios medians of the ratios within a round. Machines are noisy: compare ratios, \
and CPU time before rates. Nothing is asserted, and a target that is missed is no failure.";

const AFTER: &str = "\
Examples:
  cargo bench -p server --bench load                               both sizes; about 40 minutes
  cargo bench -p server --bench load -- --quick                    does it work at all? about 30 s
  cargo bench -p server --bench load -- --contacts 10000 --rounds 3
  cargo bench -p server --bench load -- --contacts 1000000 --keep bench-data
                                                                   load once, measure many times
  cargo bench -p server --bench load -- --stores postgres --postgres postgres://me@localhost/postgres

Without --postgres, PostgreSQL is started from the programs on this machine, on a folder that goes \
with the run; where there are none, it is left out. The load comes from this machine and shares its processors with the server; `ours` is what it \
takes of them. The file needs about 3.5 GB for 1,000,000 contacts.";

#[derive(Debug, Parser)]
#[command(name = "load", about = "Measure the server against its targets", long_about = ABOUT)]
#[command(after_long_help = AFTER, max_term_width = 100)]
struct Arguments {
    /// How many contacts; several sizes show what growth costs
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "10000,1000000")]
    contacts: Vec<u64>,

    /// How many seconds each kind of request is measured in each round
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,

    /// How many rounds
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,

    /// How many connections are open at once, each with one request at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: u32,

    /// By how many microseconds each flush of the disk is made longer; each is measured
    #[arg(long, value_name = "US,..", value_delimiter = ',', default_value = "0,1000")]
    flush_us: Vec<u32>,

    /// Where contacts are kept
    #[arg(long, value_name = "STORE,..", value_delimiter = ',', default_value = "sqlite,postgres")]
    stores: Vec<Kind>,

    /// The server of PostgreSQL to make databases on; they go with the run, unless --keep
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,

    /// Keep the loaded files in this folder, and use those that are there
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,

    /// A setting of the server that differs from its default; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Measure these kinds of request alone and print no targets; for a profiler
    #[arg(long, value_name = "KIND,..", value_delimiter = ',')]
    only: Vec<Work>,

    /// One short round on few contacts: shows that all of it works, and measures nothing well
    #[arg(long)]
    quick: bool,

    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// What a server of PostgreSQL reads last.
const SETTINGS_FILE: &str = "postgresql.auto.conf";

/// What a throwaway server is told beyond its defaults: memory as on a machine that is for it.
const POSTGRES_SETTINGS: &str = "shared_buffers = '2GB'\nmax_wal_size = '8GB'\ncheckpoint_timeout = '15min'\n";

fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        arguments = Arguments { contacts: vec![2_000, 4_000], seconds: 0.3, rounds: 1, ..arguments };
    }
    ensure!(arguments.contacts.iter().all(|contacts| *contacts >= 1_000), "fewer than 1,000 contacts show nothing");
    ensure!(arguments.connections > 0 && arguments.rounds > 0 && arguments.seconds > 0.0, "nothing to measure");
    arguments.postgres.as_deref().map(ensure_is_postgres).transpose()?;
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let temporary = tempfile::tempdir_in(&target).with_context(|| format!("cannot use {}", target.display()))?;
    let folder = arguments.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    let plan = Plan {
        rounds: arguments.rounds,
        length: Duration::from_secs_f64(arguments.seconds),
        connections: arguments.connections,
        flushes_us: arguments.flush_us,
        settings: arguments.set,
        only: arguments.only,
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut kinds = arguments.stores;
    let mut throwaway = None;
    if kinds.contains(&Kind::Postgres) && arguments.postgres.is_none() {
        throwaway = Cluster::start(false, |data| Cluster::write_secret(&data.join(SETTINGS_FILE), POSTGRES_SETTINGS));
        if throwaway.is_none() {
            eprintln!("PostgreSQL is not measured: its programs are not on this machine, and there is no --postgres");
            kinds.retain(|kind| *kind != Kind::Postgres);
        }
    }
    let server = arguments.postgres.clone().or_else(|| throwaway.as_ref().map(|cluster| cluster.url("postgres")));
    let is_kept = arguments.keep.is_some() && throwaway.is_none();
    let of_each = if arguments.quick { 20 } else { 200 };
    for kind in kinds {
        let mut all = Vec::new();
        for contacts in &arguments.contacts {
            eprintln!("{contacts} contacts, {kind:?}");
            let population = Population::of(*contacts);
            let all_threads = tokio::runtime::Runtime::new()?;
            let stock = match (kind, &server) {
                (Kind::Postgres, Some(server)) => {
                    // A throwaway server has none of an earlier run.
                    let notes = if throwaway.is_some() { temporary.path() } else { &folder };
                    all_threads.block_on(loading::load_database(server, notes, population))?
                }
                _ => all_threads.block_on(loading::load(&folder, population))?,
            };
            let one_thread = || tokio::runtime::Builder::new_current_thread().enable_all().build();
            if !plan.only.is_empty() {
                let measured = one_thread()?.block_on(rounds::measure(&stock.place, &folder, population, &plan))?;
                println!("{}", report::of_requests(&measured));
                continue;
            }
            let reading = all_threads.block_on(searching::read(&stock.place, population, of_each))?;
            let measured = one_thread()?.block_on(rounds::measure(&stock.place, &folder, population, &plan))?;
            if let (Place::Database(database), Some(server), false) = (&stock.place, &server, is_kept) {
                all_threads.block_on(database.remove(server))?;
            }
            all.push(Results { contacts: *contacts, stock, reading, measured });
        }
        report::print(&all);
    }
    Ok(())
}
