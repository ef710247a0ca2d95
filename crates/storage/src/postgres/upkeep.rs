//! What happened is kept for about a minute, and then taken away by the server that wrote it, or by
//! any other once that one is gone.
//!
//! Each log says up to where its rows are gone, in the transaction that takes them: whoever reads
//! later sees that it missed something. What another server left behind may be much: it is taken in
//! steps that each end in time, and after all that is this server's own.
//! Evidence: `tests/it/postgres/happenings.rs`.

use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::store::StoreError;
use tokio::sync::watch;

use super::connection::Batch;
use super::connector::Readers;
use super::happenings::SAY_THERE;
use super::writer::Shared;

/// How many times while rows are kept a server says that it is there, and takes away what is over.
const TIMES: u32 = 6;

/// How long a log is kept in mind after its last word.
const LOGS_KEPT: Duration = Duration::from_secs(3600);

/// How many rows that another server left behind are taken away in one transaction.
const TAKEN_AT_ONCE: i64 = 10_000;

/// What has to be taken away, and when.
pub(super) struct Upkeep {
    readers: Arc<Readers>,
    shared: Arc<Shared>,
    /// How long what happened is kept.
    kept: Duration,
    /// How far each log had got when, the earliest first.
    seen: VecDeque<(Instant, BTreeMap<i64, i64>)>,
}

impl Upkeep {
    pub(super) fn new(readers: Arc<Readers>, shared: Arc<Shared>, kept: Duration) -> Self {
        Self { readers, shared, kept, seen: VecDeque::new() }
    }

    pub(super) async fn run(mut self, mut closing: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = closing.wait_for(|is_closing| *is_closing) => return,
                () = tokio::time::sleep(self.kept / TIMES) => {}
            }
            let mut live = BTreeMap::new();
            for log in self.shared.logs.live() {
                live.insert(log.writer, log.committed());
            }
            let is_over = self.seen.partition_point(|(at, _)| at.elapsed() >= self.kept);
            let over = self.seen.range(..is_over).next_back().map(|(_, seen)| seen.clone()).unwrap_or_default();
            let live_writers = live.keys().copied().collect();
            self.seen.push_back((Instant::now(), live));
            // While the database is away, all of it stays to be done.
            if self.tidy_own(live_writers, &over).await.is_ok() {
                self.seen.drain(..is_over);
                if let Err(error) = self.tidy_after_others().await {
                    tracing::debug!(error = &error as &dyn Error, "what others left behind stays for now");
                }
            }
        }
    }

    /// Says that this server is there, whatever comes of the rest, and takes away what it wrote.
    async fn tidy_own(&self, live: Vec<i64>, over: &BTreeMap<i64, i64>) -> Result<(), StoreError> {
        let (writers, upto): (Vec<i64>, Vec<i64>) = over.iter().unzip();
        self.change(|batch| {
            batch.add(SAY_THERE, vec![Box::new(live.clone()), Box::new(self.shared.logs.server)]);
        })
        .await?;
        self.change(|batch| {
            batch.add("BEGIN", Vec::new());
            for sql in OWN {
                batch.add(sql, vec![Box::new(writers.clone()), Box::new(upto.clone())]);
            }
            batch.add("COMMIT", Vec::new());
        })
        .await?;
        Ok(())
    }

    /// Takes away what the silent wrote, until it is time to say again that this server is there.
    async fn tidy_after_others(&self) -> Result<(), StoreError> {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let (silent_for, forgotten_after) = (millis(2 * self.kept), millis(LOGS_KEPT));
        let began = Instant::now();
        while began.elapsed() < self.kept / TIMES {
            let changed = self
                .change(|batch| {
                    batch.add("BEGIN", Vec::new());
                    batch.add(MARK_SILENT, vec![Box::new(silent_for), Box::new(TAKEN_AT_ONCE)]);
                    batch.add(TAKE_SILENT, vec![Box::new(silent_for)]);
                    batch.add("COMMIT", Vec::new());
                })
                .await?;
            if changed.iter().all(|rows| *rows == 0) {
                break;
            }
        }
        self.change(|batch| {
            batch.add(FORGET, vec![Box::new(forgotten_after)]);
        })
        .await?;
        Ok(())
    }

    /// How many rows each statement changed. Not on a connection that others read on at the same time:
    /// it may be a transaction.
    async fn change(&self, fill: impl Fn(&mut Batch<'static>)) -> Result<Vec<u64>, StoreError> {
        let change = |connection: Arc<super::Connection>| {
            let mut batch = Batch::default();
            fill(&mut batch);
            async move { connection.run(batch).await }
        };
        self.readers.search(change).await
    }
}

/// What this server wrote, up to a number of each log.
const OWN: [&str; 2] = [
    "UPDATE writers AS r SET pruned = w.upto FROM unnest($1::bigint[], $2::bigint[]) AS w (writer, upto) \
     WHERE r.writer = w.writer AND r.pruned < w.upto",
    "DELETE FROM happenings AS h USING unnest($1::bigint[], $2::bigint[]) AS w (writer, upto) \
     WHERE h.writer = w.writer AND h.seq <= w.upto",
];

/// Of one log whose server has not said for some time that it is there, up to where its next rows
/// are taken.
const MARK_SILENT: &str = "UPDATE writers AS r SET pruned = greatest(r.pruned, s.upto) \
     FROM (SELECT w.writer, (SELECT max(n.seq) FROM (SELECT h.seq FROM happenings AS h WHERE h.writer = w.writer \
                                                     ORDER BY h.seq LIMIT $2) AS n) AS upto \
           FROM writers AS w \
           WHERE w.seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 \
             AND EXISTS (SELECT 1 FROM happenings AS h WHERE h.writer = w.writer) \
           ORDER BY w.writer LIMIT 1) AS s \
     WHERE r.writer = s.writer";

const TAKE_SILENT: &str = "DELETE FROM happenings AS h USING writers AS r \
     WHERE r.seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 \
       AND h.writer = r.writer AND h.seq <= r.pruned";

/// The logs themselves, whose rows are long gone.
const FORGET: &str = "DELETE FROM writers AS w \
     WHERE w.seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 \
       AND NOT EXISTS (SELECT 1 FROM happenings AS h WHERE h.writer = w.writer)";
