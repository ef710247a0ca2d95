//! What happened in conversations, as rows that are written with what they tell of.
//!
//! Each connection that writes has a log of its own, and numbers its rows itself. It commits one
//! transaction after the other, so its rows become visible in the order of their numbers, and
//! whoever reads them needs to keep one number a log; of a sequence that all share, a smaller number
//! may become visible after a larger. A connection that was lost may still be committing, so the
//! next one has another log. Numbers are left out where a transaction failed.
//! Evidence: `tests/it/postgres/happenings.rs`.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use app::store::Happened;

use super::connection::Connection;
use super::failure::Failure;
use super::part::Part;
use super::text::escaped;
use super::write::Work;

/// How many commits whose answer was lost are kept in mind.
const DOUBTS_KEPT: usize = 64;

/// Lets everyone know that these logs are there, and at work.
pub(super) const SAY_THERE: &str = "INSERT INTO writers (writer, server, seen_at, pruned) \
     SELECT w.writer, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 0 \
     FROM unnest($1::bigint[]) AS w (writer) ORDER BY w.writer \
     ON CONFLICT (writer) DO UPDATE SET seen_at = excluded.seen_at";

/// The log of one connection.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) writer: i64,
    /// The last number that was given.
    given: AtomicI64,
    /// The last number that is known to be committed.
    committed: AtomicI64,
}

impl Log {
    pub(super) fn given(&self) -> i64 {
        self.given.load(Ordering::Acquire)
    }

    pub(super) fn committed(&self) -> i64 {
        self.committed.load(Ordering::Acquire)
    }

    /// All that was given is committed.
    pub(super) fn note_committed(&self) {
        self.committed.store(self.given(), Ordering::Release);
    }
}

/// The logs of this server.
#[derive(Debug)]
pub(super) struct Logs {
    /// Another number each time a store is opened.
    pub(super) server: i64,
    live: Mutex<Vec<Weak<Log>>>,
    doubts: Mutex<Vec<(i64, i64)>>,
}

impl Default for Logs {
    fn default() -> Self {
        Self { server: any_number(), live: Mutex::default(), doubts: Mutex::default() }
    }
}

impl Logs {
    /// A log for a connection that was just made. It ends when nobody holds it any more.
    pub(super) async fn begin(&self, connection: &Connection) -> Result<Arc<Log>, Failure> {
        let log = Arc::new(Log { writer: any_number(), given: AtomicI64::new(0), committed: AtomicI64::new(0) });
        connection.query(SAY_THERE, &[&vec![log.writer], &self.server]).await?;
        let mut live = lock(&self.live);
        live.retain(|log| log.strong_count() > 0);
        live.push(Arc::downgrade(&log));
        Ok(log)
    }

    pub(super) fn live(&self) -> Vec<Arc<Log>> {
        lock(&self.live).iter().filter_map(Weak::upgrade).collect()
    }

    /// Whether what has a larger number was committed is not known. If it was, nobody here has told
    /// it, so it is read as if another server had written it.
    pub(super) fn doubt(&self, log: &Log, known: i64) {
        if log.given() == known {
            return;
        }
        let mut doubts = lock(&self.doubts);
        if doubts.len() == DOUBTS_KEPT {
            doubts.remove(0);
        }
        doubts.push((log.writer, known));
    }

    /// Logs of this server that are read as if they were another's, each with the number it is read
    /// from.
    pub(super) fn doubts(&self) -> Vec<(i64, i64)> {
        lock(&self.doubts).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Of so many that no two are the same.
fn any_number() -> i64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Its keys are chance.
    let chance = RandomState::new().hash_one(NEXT.fetch_add(1, Ordering::Relaxed));
    i64::from_ne_bytes(chance.to_ne_bytes())
}

/// Writes what happened.
pub(super) fn write<'a>(work: &mut Work<'a>, parts: &[&Part<'a>], log: &Log) {
    let happened: Vec<&Happened> = parts.iter().flat_map(|part| part.happened).collect();
    let count = i64::try_from(happened.len()).expect("memory holds fewer");
    // Nobody else numbers this log.
    let before = log.given.fetch_add(count, Ordering::AcqRel);
    work.add_exactly(
        happened.len(),
        "INSERT INTO happenings (writer, seq, at, kind, room, subject) \
         SELECT $1, $2 + w.place, (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), w.kind, w.room, \
                w.subject \
         FROM unnest($3::smallint[], $4::text[], $5::text[]) WITH ORDINALITY AS w (kind, room, subject, place)",
        vec![
            Box::new(log.writer),
            Box::new(before),
            Box::new(happened.iter().map(|happened| kind(happened)).collect::<Vec<_>>()),
            Box::new(happened.iter().map(|happened| happened.room().as_str()).collect::<Vec<_>>()),
            Box::new(happened.iter().map(|happened| subject(happened)).collect::<Vec<_>>()),
        ],
    );
}

pub(super) const MESSAGE: i16 = 0;
pub(super) const MESSAGE_REMOVED: i16 = 1;
pub(super) const ROOM: i16 = 2;
pub(super) const TYPING: i16 = 3;
pub(super) const NOT_TYPING: i16 = 4;

fn kind(happened: &Happened) -> i16 {
    match happened {
        Happened::Message { .. } => MESSAGE,
        Happened::MessageRemoved { .. } => MESSAGE_REMOVED,
        Happened::Room(_) => ROOM,
        Happened::Typing { is_typing: true, .. } => TYPING,
        Happened::Typing { is_typing: false, .. } => NOT_TYPING,
    }
}

fn subject(happened: &Happened) -> Option<std::borrow::Cow<'_, str>> {
    match happened {
        Happened::Message { message, .. } | Happened::MessageRemoved { message, .. } => Some(message.as_str().into()),
        Happened::Room(_) => None,
        Happened::Typing { who, .. } => Some(escaped(who)),
    }
}
