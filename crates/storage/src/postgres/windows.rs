//! Windows in which things are counted, for all servers on the database.
//!
//! What many count at once is counted by one statement; the row decides who had which number. Who
//! is refused is remembered here, so that a flood of calls that are refused costs the database
//! nothing. While the database does not count, each server counts for itself: nobody is let through
//! for it and nobody is refused for it. A block holds if either knows of it: the database, or what was
//! counted without it. A count is not flushed: a crash may forget the last of them.
//! Evidence: the conformance suite (`windows.rs`); `tests/it/postgres/windows.rs`.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::store::StoreError;
use app::windows::{LocalWindows, Measure, Window, WindowKey, Windows};
use async_trait::async_trait;
use domain::ids::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::Row;

use super::connection::{Batch, Connection};
use super::connector::{Connector, Purpose, Readers};
use super::failure::Failure;
use crate::key::unavailable;

/// How long the database may take to count before a server counts for itself.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How many are counted by one statement at most.
const GROUP_MAX: usize = 512;

/// How many wait to be counted at most.
const QUEUE_MAX: usize = 8192;

/// How often a statement is tried while others are in the way.
const ATTEMPTS: u32 = 5;

/// How long nobody is asked to count after it failed.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// How long a block is believed without asking: a login elsewhere may have ended it.
const BLOCK_BELIEVED_MS: i64 = 1000;

/// How often windows that have ended are taken away.
const PRUNES_EVERY: Duration = Duration::from_secs(1);

/// How many windows one statement takes away.
const PRUNED_AT_ONCE: i64 = 1000;

/// For how long a window stays after its end, since the clocks of servers differ.
const KEPT_AFTER_END_MS: i64 = 60_000;

/// The keys are in their order: who counts several waits for nobody who waits for them.
const COUNT: &str = "INSERT INTO windows AS w (key, count, at, ends_at, anew_at) \
     SELECT n.key, n.count, n.at, n.ends_at, n.anew_at \
     FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY \
         AS n (key, count, at, ends_at, anew_at, place) ORDER BY n.place \
     ON CONFLICT (key) DO UPDATE SET \
         count = excluded.count + CASE WHEN w.ends_at <= excluded.at THEN 0 ELSE w.count END, \
         at = excluded.at, anew_at = excluded.anew_at, \
         ends_at = CASE WHEN w.ends_at <= excluded.at THEN excluded.ends_at \
                        WHEN w.count < excluded.anew_at AND w.count + excluded.count >= excluded.anew_at \
                            THEN excluded.ends_at \
                        ELSE w.ends_at END \
     RETURNING w.key, w.count, w.ends_at";

const FIND: &str = "SELECT key, count, ends_at FROM windows WHERE key = $1 AND ends_at > $2";

const FORGET: &str = "DELETE FROM windows WHERE key = $1";

const PRUNE: &str = "DELETE FROM windows WHERE ends_at <= $1 AND key IN \
     (SELECT key FROM windows WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)";

/// Something to count.
struct Member {
    key: WindowKey,
    measure: Measure,
    now: Timestamp,
    reply: oneshot::Sender<Window>,
}

/// The windows of all servers.
pub(super) struct SharedWindows {
    readers: Arc<Readers>,
    members: mpsc::Sender<Member>,
    /// Whether the database does not count.
    is_away: Arc<AtomicBool>,
    /// Of the windows in the database, those that refuse.
    refused: LocalWindows,
    /// What the database last said of blocks, for when it cannot be asked.
    blocks: LocalWindows,
    /// What was counted while the database did not.
    alone: LocalWindows,
}

impl SharedWindows {
    /// The windows, and who counts in them.
    pub(super) async fn open(readers: Arc<Readers>) -> (Self, Counting) {
        let (members, queue) = mpsc::channel(QUEUE_MAX);
        let connector = Arc::clone(&readers.connector);
        let is_away = Arc::new(AtomicBool::new(true));
        let mut counting = Counting {
            connector,
            queue,
            is_away: Arc::clone(&is_away),
            connection: None,
            latest: 0,
            is_behind: false,
            is_failing: false,
        };
        // Whoever has been told that the store is open is counted with all others.
        counting.ensure_counting().await;
        let [refused, blocks, alone] = std::array::from_fn(|_| LocalWindows::default());
        (Self { readers, members, is_away, refused, blocks, alone }, counting)
    }

    /// The answer of the database, if it comes in time.
    async fn ask<T>(&self, answer: impl Future<Output = Option<T>>) -> Option<T> {
        if self.is_away.load(Ordering::Acquire) {
            return None;
        }
        timeout(PATIENCE, answer).await.ok().flatten()
    }

    async fn read<T, F: Future<Output = Result<T, Failure>>>(&self, read: impl Fn(Arc<Connection>) -> F) -> Option<T> {
        let answer = async { self.readers.read(read).await.ok() };
        self.ask(answer).await
    }

    async fn count_with_others(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Option<Window> {
        let answer = async {
            let (reply, answer) = oneshot::channel();
            self.members.try_send(Member { key, measure, now, reply }).ok()?;
            answer.await.ok()
        };
        self.ask(answer).await
    }

    fn remember(&self, key: WindowKey, measure: Measure, window: Window, now: Timestamp) {
        if measure.is_block {
            // Of those who are counted at once, the first may be told last.
            let known = self.blocks.find(key, now).map_or(window, |known| known.max(window));
            self.blocks.put(key, known, now);
        }
        if measure.refuses(window) {
            let believed = Timestamp::from_millis(now.as_millis().saturating_add(BLOCK_BELIEVED_MS));
            let ends_at = if measure.is_block { window.ends_at.min(believed) } else { window.ends_at };
            self.refused.put(key, Window { ends_at, ..window }, now);
        }
    }

    fn remembered(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Option<Window> {
        self.refused.find(key, now).filter(|window| measure.refuses(*window))
    }
}

#[async_trait]
impl Windows for SharedWindows {
    async fn count(&self, key: WindowKey, measure: Measure, now: Timestamp) -> Window {
        // What is remembered of a block does not say when it ends.
        if !measure.is_block
            && let Some(window) = self.remembered(key, measure, now)
        {
            return window;
        }
        let Some(window) = self.count_with_others(key, measure, now).await else {
            return self.alone.count(key, measure, now);
        };
        self.remember(key, measure, window, now);
        window
    }

    async fn is_refused(&self, key: WindowKey, measure: Measure, now: Timestamp) -> bool {
        if self.remembered(key, measure, now).is_some() {
            return true;
        }
        let find = |connection: Arc<Connection>| async move {
            connection.query(FIND, &[&&key.digest()[..], &now.as_millis()]).await
        };
        let known = match self.read(find).await {
            Some(rows) => {
                let found = rows.first().map(window_of);
                self.blocks.forget(key);
                if let Some(window) = found {
                    self.remember(key, measure, window, now);
                }
                found
            }
            None => self.blocks.find(key, now),
        };
        // What was counted alone holds, too: the database may answer and yet not count.
        [known, self.alone.find(key, now)].into_iter().flatten().any(|window| measure.refuses(window))
    }

    async fn forget(&self, key: WindowKey) {
        for windows in [&self.refused, &self.blocks, &self.alone] {
            windows.forget(key);
        }
        let forget = |connection: Arc<Connection>| async move { connection.query(FORGET, &[&&key.digest()[..]]).await };
        if self.read(forget).await.is_none() {
            tracing::warn!("a login in vain was not forgotten");
        }
    }
}

/// Counts what is asked for, all that waits at a time.
pub(super) struct Counting {
    connector: Arc<Connector>,
    queue: mpsc::Receiver<Member>,
    is_away: Arc<AtomicBool>,
    connection: Option<Connection>,
    /// The time of those who asked last. Not the latest ever: a clock that was ahead once would end
    /// the windows of all servers from then on.
    latest: i64,
    /// More windows have ended than were taken away.
    is_behind: bool,
    /// What was counted last was counted in vain, which was said.
    is_failing: bool,
}

impl Counting {
    /// Counts until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let mut group = Vec::new();
        let mut prunes = interval(PRUNES_EVERY);
        prunes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if !self.ensure_counting().await {
                self.rest().await;
                continue;
            }
            let is_behind = self.is_behind;
            let is_due = async {
                if !is_behind {
                    prunes.tick().await;
                }
            };
            // Where both are ready either may come first: neither waits for all of the other.
            let done = tokio::select! {
                received = self.queue.recv_many(&mut group, GROUP_MAX) => match received {
                    0 => return,
                    _ => self.count(std::mem::take(&mut group)).await.inspect(|()| self.is_failing = false),
                },
                () = is_due => self.prune().await,
            };
            if let Err(failure) = done {
                self.give_up();
                if !std::mem::replace(&mut self.is_failing, true) {
                    let error = cause(&failure.into_store_error());
                    tracing::warn!(error, "the database does not count; this server counts for itself");
                }
                self.rest().await;
            }
        }
    }

    /// Lets everyone count for itself for a while: who waits already, and who comes.
    async fn rest(&mut self) {
        while self.queue.try_recv().is_ok() {}
        sleep(REST_AFTER_FAILURE).await;
    }

    /// Whether the database counts. After it did not, it must count nothing at all first.
    async fn ensure_counting(&mut self) -> bool {
        let is_lost = self.connection.as_ref().is_none_or(Connection::is_closed);
        if !is_lost && !self.is_away.load(Ordering::Acquire) {
            return true;
        }
        if is_lost {
            self.give_up();
            self.connection = self.connector.connect(Purpose::Count).await.ok();
        }
        let is_counting = self.connection.is_some() && self.count(Vec::new()).await.is_ok();
        if is_counting {
            self.is_away.store(false, Ordering::Release);
        } else {
            self.give_up();
        }
        is_counting
    }

    fn give_up(&mut self) {
        self.is_away.store(true, Ordering::Release);
        self.connection = None;
    }

    /// Counts, and tells each in the group where it stands. Where that fails, they are not told.
    async fn count(&mut self, group: Vec<Member>) -> Result<(), Failure> {
        let Some(connection) = &self.connection else { return Ok(()) };
        self.latest = group.iter().map(|member| member.now.as_millis()).min().unwrap_or(self.latest);
        let mut sums: BTreeMap<[u8; 32], Sum> = BTreeMap::new();
        for member in &group {
            sums.entry(*member.key.digest()).or_default().add(member);
        }
        let column = |value: fn(&Sum) -> i64| sums.values().map(value).collect::<Vec<i64>>();
        let keys: Vec<&[u8]> = sums.keys().map(|key| &key[..]).collect();
        let (counts, at) = (column(|sum| sum.count), column(|sum| sum.at));
        let (ends, anew) = (column(|sum| sum.ends_at), column(|sum| sum.anew_at));
        let insist = async {
            for _ in 1..ATTEMPTS {
                match connection.query(COUNT, &[&keys, &counts, &at, &ends, &anew]).await {
                    Err(Failure::Clash(_) | Failure::Held | Failure::Moved) => {}
                    done => return done,
                }
            }
            connection.query(COUNT, &[&keys, &counts, &at, &ends, &anew]).await
        };
        let rows = match timeout(PATIENCE, insist).await {
            Ok(Err(Failure::Clash(_) | Failure::Held | Failure::Moved)) => return Ok(()),
            Ok(rows) => rows?,
            Err(_) => return Err(Failure::Lost(unavailable("counting took too long"))),
        };
        let mut windows: HashMap<&[u8], Window> = rows.iter().map(|row| (row.get(0), window_of(row))).collect();
        // The first of those who counted the same has the least number.
        for member in group.into_iter().rev() {
            if let Some(window) = windows.get_mut(&member.key.digest()[..]) {
                // Whoever asked may have gone; then nobody needs the answer.
                let _ = member.reply.send(*window);
                window.count = window.count.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Takes away some of the windows that have ended.
    async fn prune(&mut self) -> Result<(), Failure> {
        self.is_behind = false;
        let Some(connection) = &self.connection else { return Ok(()) };
        let ended = self.latest.saturating_sub(KEPT_AFTER_END_MS);
        let mut batch = Batch::default();
        batch.add(PRUNE, vec![Box::new(ended), Box::new(PRUNED_AT_ONCE)]);
        match connection.run(batch).await {
            Ok(pruned) => self.is_behind = pruned.iter().sum::<u64>() >= PRUNED_AT_ONCE.unsigned_abs(),
            // Another takes them away.
            Err(Failure::Clash(_) | Failure::Held | Failure::Moved) => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

/// What a statement counts in one window.
#[derive(Default)]
struct Sum {
    count: i64,
    at: i64,
    ends_at: i64,
    anew_at: i64,
}

impl Sum {
    fn add(&mut self, member: &Member) {
        self.count += 1;
        self.at = self.at.max(member.now.as_millis());
        self.ends_at = self.at.saturating_add(member.measure.lasts_ms);
        self.anew_at = if member.measure.is_block { member.measure.refuses_from.into() } else { 0 };
    }
}

/// From key, count and end, in this order.
fn window_of(row: &Row) -> Window {
    Window {
        count: u32::try_from(row.get::<_, i64>(1)).unwrap_or(u32::MAX),
        ends_at: Timestamp::from_millis(row.get(2)),
    }
}

/// What went wrong, and what it comes from: what the database said is further down.
fn cause(error: &StoreError) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        said = format!("{said}: {error}");
        if let Some(code) = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code) {
            said = format!("{said} ({})", code.code());
        }
        next = error.source();
    }
    said
}
