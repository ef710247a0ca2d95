//! What happened is kept for about a minute, and then taken away by the server that wrote it, or by
//! any other once that one is gone.
//!
//! Each log says up to where its rows are gone, in the transaction that takes them: whoever reads
//! later sees that it missed something. Evidence: `tests/it/postgres/happenings.rs`.

use std::collections::{BTreeMap, VecDeque};
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
            if self.tidy(live_writers, &over).await.is_ok() {
                self.seen.drain(..is_over);
            }
        }
    }

    async fn tidy(&self, live: Vec<i64>, over: &BTreeMap<i64, i64>) -> Result<(), StoreError> {
        let (writers, upto): (Vec<i64>, Vec<i64>) = over.iter().unzip();
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let (silent_for, forgotten_after) = (millis(2 * self.kept), millis(LOGS_KEPT));
        let tidy = |connection: Arc<super::Connection>| {
            let mut batch = Batch::default();
            batch.add("BEGIN", Vec::new());
            batch.add(SAY_THERE, vec![Box::new(live.clone()), Box::new(self.shared.logs.server)]);
            for sql in OWN {
                batch.add(sql, vec![Box::new(writers.clone()), Box::new(upto.clone())]);
            }
            for sql in OF_THE_SILENT {
                batch.add(sql, vec![Box::new(silent_for)]);
            }
            batch.add(FORGET, vec![Box::new(forgotten_after)]);
            batch.add("COMMIT", Vec::new());
            async move { connection.ask(batch).await.map(drop) }
        };
        // Not on a connection that others read on at the same time: it is a transaction.
        self.readers.search(tidy).await
    }
}

/// What this server wrote, up to a number of each log.
const OWN: [&str; 2] = [
    "UPDATE writers AS r SET pruned = w.upto FROM unnest($1::bigint[], $2::bigint[]) AS w (writer, upto) \
     WHERE r.writer = w.writer AND r.pruned < w.upto",
    "DELETE FROM happenings AS h USING unnest($1::bigint[], $2::bigint[]) AS w (writer, upto) \
     WHERE h.writer = w.writer AND h.seq <= w.upto",
];

/// All of logs whose server has not said for some time that it is there.
const OF_THE_SILENT: [&str; 2] = [
    "UPDATE writers AS r SET pruned = (SELECT max(h.seq) FROM happenings AS h WHERE h.writer = r.writer) \
     WHERE r.seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 \
       AND EXISTS (SELECT 1 FROM happenings AS h WHERE h.writer = r.writer)",
    "DELETE FROM happenings AS h USING writers AS r \
     WHERE r.seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1 \
       AND h.writer = r.writer AND h.seq <= r.pruned",
];

/// The logs themselves, whose rows are long gone.
const FORGET: &str = "DELETE FROM writers WHERE seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1";
