//! Keeping a server busy and watching it: as fast as it answers, or at a rate that is given.
//!
//! All connections are served by one thread. What it takes is measured beside what the server
//! takes, so that a rate that says more of the measuring than of the measured can be told.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::histogram::Histogram;
use super::process::{Server, own_cpu};
use super::wire::Connection;
use super::workloads::Requests;

/// What one window showed.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) per_second: f64,
    /// Of the server, a request.
    pub(crate) cpu_us: f64,
    /// Of the database server, a request.
    pub(crate) database_cpu_us: f64,
    /// Of this program, a request.
    pub(crate) own_cpu_us: f64,
    pub(crate) latencies: Histogram,
}

/// How requests come.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// The next once the last is answered.
    AsAnswered,
    /// So many a second, whatever becomes of them.
    PerSecond(f64),
}

/// What the connections of one window share.
struct Watch {
    requests: Arc<Requests>,
    is_measuring: AtomicBool,
    is_over: AtomicBool,
    answered: AtomicU64,
    latencies: Mutex<Histogram>,
    ran_out: Notify,
}

impl Watch {
    fn note(&self, took: Duration) {
        if self.is_measuring.load(Ordering::Relaxed) {
            self.answered.fetch_add(1, Ordering::Relaxed);
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).note(took);
        }
    }

    /// The next request; none when the window is over.
    fn next(&self, request: &mut Vec<u8>) -> bool {
        if self.is_over.load(Ordering::Relaxed) {
            return false;
        }
        let is_there = self.requests.write(request);
        if !is_there {
            self.ran_out.notify_one();
        }
        is_there
    }
}

/// Load on a server that goes on until it is ended.
pub(crate) struct Load {
    watch: Arc<Watch>,
    tasks: JoinSet<Result<()>>,
}

impl Load {
    pub(crate) async fn start(server: &Server, requests: &Arc<Requests>, connections: u32, pace: Pace) -> Result<Self> {
        let watch = Arc::new(Watch {
            requests: Arc::clone(requests),
            is_measuring: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            latencies: Mutex::default(),
            ran_out: Notify::new(),
        });
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(&server.address).await?);
        }
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for (place, connection) in open.into_iter().enumerate() {
            let watch = Arc::clone(&watch);
            match pace {
                Pace::AsAnswered => tasks.spawn(converse(connection, watch)),
                Pace::PerSecond(rate) => {
                    let each = Duration::from_secs_f64(f64::from(connections) / rate);
                    let first = begun + each.mul_f64(place as f64 / f64::from(connections));
                    tasks.spawn(keep_pace(connection, watch, first, each))
                }
            };
        }
        Ok(Self { watch, tasks })
    }

    /// Measures for so long, or until there are no requests left.
    pub(crate) async fn measure(&self, server: &Server, length: Duration) -> Result<Window> {
        let (cpu, database, own, begun) = (server.cpu()?, server.database_cpu()?, own_cpu()?, Instant::now());
        self.watch.is_measuring.store(true, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(length) => {}
            () = self.watch.ran_out.notified() => {}
        }
        self.watch.is_measuring.store(false, Ordering::Relaxed);
        let took = begun.elapsed();
        let (cpu, own) = (server.cpu()?.saturating_sub(cpu), own_cpu()?.saturating_sub(own));
        let database = server.database_cpu()?.saturating_sub(database);
        let answered = self.watch.answered.swap(0, Ordering::Relaxed) as f64;
        let latencies = std::mem::take(&mut *self.watch.latencies.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Window {
            per_second: answered / took.as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6 / answered,
            database_cpu_us: database.as_secs_f64() * 1e6 / answered,
            own_cpu_us: own.as_secs_f64() * 1e6 / answered,
            latencies,
        })
    }

    /// Waits until everything asked is answered.
    pub(crate) async fn end(mut self) -> Result<()> {
        self.watch.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended?.with_context(|| format!("while measuring {}", self.watch.requests.work))?;
        }
        Ok(())
    }
}

/// One window after a warm-up.
pub(crate) async fn window(
    server: &Server,
    requests: &Arc<Requests>,
    connections: u32,
    pace: Pace,
    length: Duration,
) -> Result<Window> {
    let load = Load::start(server, requests, connections, pace).await?;
    tokio::time::sleep(length / 5).await;
    let window = load.measure(server, length).await?;
    load.end().await?;
    Ok(window)
}

async fn converse(mut connection: Connection, watch: Arc<Watch>) -> Result<()> {
    let mut request = Vec::with_capacity(1024);
    while watch.next(&mut request) {
        let begun = Instant::now();
        connection.exchange(&request).await?;
        watch.note(begun.elapsed());
    }
    Ok(())
}

/// A request that is late because the one before it was not answered yet counts from when it was
/// due: a server that stalls does not get away with it. A timer that is late is not its fault.
async fn keep_pace(mut connection: Connection, watch: Arc<Watch>, first: Instant, each: Duration) -> Result<()> {
    let mut request = Vec::with_capacity(1024);
    let mut due = first;
    loop {
        let is_late = Instant::now() >= due;
        if !is_late {
            tokio::time::sleep_until(due.into()).await;
        }
        if !watch.next(&mut request) {
            return Ok(());
        }
        let begun = if is_late { due } else { Instant::now() };
        connection.exchange(&request).await?;
        watch.note(begun.elapsed());
        due += each;
    }
}
