//! The store in one SQLite file: what is acknowledged is on disk.
//!
//! One thread writes, in groups (`writer.rs`); reads by key run where they are asked for, on a
//! connection of the thread; searches have a few connections and run beside. The database is in
//! WAL mode, so neither waits for the other. Evidence: the conformance suite; `tests/it/`.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use app::store::{
    CommitError, ContactKey, ContactPage, ContactSearch, EventsError, Heads, LocalLease, MessagePage, MessageSearch,
    OutboxLease, Render, RoomPage, RoomSearch, Rows, Store, StoreError, StoreFigures, View, VisitorKey, VisitorPage,
    VisitorSearch, WaitingEvent,
};
use app::windows::{LocalWindows, Windows};
use async_trait::async_trait;
use domain::change_set::{ChangeSet, Counter};
use domain::channel::ChannelIdentity;
use domain::contact::Contact;
use domain::directory::Token;
use domain::ids::{ContactId, InquiryId, MessageId, RoomId, Timestamp, UserId, VisitorId};
use domain::journal::JournalEntry;
use domain::message::Message;
use domain::room::Room;
use domain::visitor::Visitor;
use rusqlite::Connection;
use thread_local::ThreadLocal;
use tokio::sync::{Semaphore, oneshot};

pub use self::backup::{BackedUp, back_up};
use self::checkpoint::Checkpointer;
pub(crate) use self::copying::is_same_file;
pub use self::copying::{CopyError, Progress, TableCount};
pub use self::doctor::{DoctorError, examine, mend};
use self::open::DatabaseFile;
pub use self::open::{SqliteOpenError, migrate, migrations, path_of};
pub use self::options::{OnCommit, SqliteOptions};
use self::read::Read;
pub use self::restore::{Restored, restore};
pub(crate) use self::transfer::SqliteEnd;
use self::writer::{Job, Shared, Writer};
use crate::key::{unavailable, unsigned};
use crate::numbers::Numbers;
use crate::prepare::prepare;

mod around;
mod backup;
mod checkpoint;
mod copying;
mod doctor;
mod grams;
mod index;
mod open;
mod options;
mod places;
#[cfg(test)]
mod plans;
mod read;
mod restore;
mod search;
mod stretches;
mod transfer;
mod write;
mod write_contacts;
mod write_rooms;
mod writer;

/// A store in one SQLite file.
pub struct SqliteStore {
    render: Render,
    reader: Arc<Reader>,
    shared: Arc<Shared>,
    jobs: RwLock<Option<SyncSender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    numbers: Numbers,
    /// One process uses the file: nobody else could have it.
    outbox_lease: tokio::sync::Mutex<LocalLease>,
    windows: Arc<LocalWindows>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("file", &self.reader.file).finish_non_exhaustive()
    }
}

/// The connections that read.
struct Reader {
    by_key: ThreadLocal<Connection>,
    idle: Mutex<Vec<Connection>>,
    searches: Arc<Semaphore>,
    /// None once the store is closed.
    file: Mutex<Option<DatabaseFile>>,
    is_closed: AtomicBool,
}

impl SqliteStore {
    /// Opens the database file, made where there is none, with the folders to it.
    pub fn open(path: &Path, render: Render, options: &SqliteOptions) -> Result<Self, SqliteOpenError> {
        let (file, mut connection) = DatabaseFile::open(path, options)?;
        let refused = |source| SqliteOpenError::Refused { path: path.to_owned(), source };
        let no_thread = |source| SqliteOpenError::NoThread { source };
        let shared = Arc::new(Shared::default());
        let copier = file.connect_to_checkpoint().map_err(refused)?;
        let checkpointer =
            Checkpointer::start(copier, Arc::clone(&shared), options.checkpoint_pages).map_err(no_thread)?;
        checkpointer.watch(&mut connection).map_err(refused)?;
        let (jobs, queue) = sync_channel(options.queue_max);
        let writer =
            Writer::new(connection, queue, Arc::clone(&shared), checkpointer, options.clone()).map_err(refused)?;
        let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run()).map_err(no_thread)?;
        let reader = Reader {
            by_key: ThreadLocal::new(),
            idle: Mutex::default(),
            searches: Arc::new(Semaphore::new(options.searches_max)),
            file: Mutex::new(Some(file)),
            is_closed: AtomicBool::new(false),
        };
        Ok(Self {
            render,
            reader: Arc::new(reader),
            shared,
            jobs: RwLock::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            numbers: Numbers::default(),
            outbox_lease: tokio::sync::Mutex::default(),
            windows: Arc::default(),
        })
    }

    /// Waits until the search index shows all that is committed; searches are right before that,
    /// but slow while much waits.
    pub async fn settle_search(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Index(reply))?;
        answer.await.map_err(unavailable)?
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.read().unwrap_or_else(PoisonError::into_inner);
        let Some(jobs) = &*jobs else { return Err(unavailable(CLOSED)) };
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => unavailable("the writer has died"),
        })
    }

    async fn reserve(&self, counter: Counter, count: u64) -> Result<u64, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Reserve(counter, count, reply))?;
        answer.await.map_err(unavailable)?
    }

    fn ensure_open(&self) -> Result<(), StoreError> {
        if self.reader.is_closed.load(Ordering::Acquire) { Err(unavailable(CLOSED)) } else { Ok(()) }
    }

    /// A read by key, done at once.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Read<T>) -> Result<T, StoreError> {
        self.ensure_open()?;
        let connection = self.reader.by_key.get_or_try(|| self.reader.connect())?;
        Ok(read(connection)?)
    }

    /// A read that may take long, done beside.
    async fn read_aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Read<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ensure_open()?;
        let permit = Arc::clone(&self.reader.searches).acquire_owned().await.map_err(unavailable)?;
        let reader = Arc::clone(&self.reader);
        let read = move || {
            let idle = reader.idle().pop();
            let connection = idle.map_or_else(|| reader.connect(), Ok)?;
            let answer = read(&connection);
            reader.idle().push(connection);
            drop(permit);
            Ok(answer?)
        };
        tokio::task::spawn_blocking(read).await.map_err(unavailable)?
    }

    /// Lets the writer finish, and waits for it.
    fn stop_writer(&self) -> Option<JoinHandle<()>> {
        self.reader.is_closed.store(true, Ordering::Release);
        *self.jobs.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

const CLOSED: &str = "the store is closed";

impl Reader {
    fn connect(&self) -> Result<Connection, StoreError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = file.as_ref().ok_or_else(|| unavailable(CLOSED))?;
        file.connect_to_read().map_err(unavailable)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Some(writer) = self.stop_writer()
            && writer.join().is_err()
        {
            tracing::error!("the writer had died");
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Vec<View>, CommitError> {
        let (prepared, views) = prepare(changes, self.render).await?;
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::Commit(Box::new(prepared), reply))?;
        answer.await.map_err(unavailable)??;
        Ok(views)
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.read(|connection| read::contact(connection, id))
    }

    async fn contact_view(&self, id: &ContactId) -> Result<Option<View>, StoreError> {
        self.read(|connection| read::contact_view(connection, id))
    }

    async fn contact_of_channel(&self, channel: &ChannelIdentity) -> Result<Option<Contact>, StoreError> {
        self.read(|connection| read::contact_of_channel(connection, channel))
    }

    async fn contacts_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Contact>, StoreError> {
        self.read(|connection| read::contacts_of_visitor(connection, visitor))
    }

    async fn pre_registered(&self, emails: &[String], phones: &[String]) -> Result<Option<Contact>, StoreError> {
        self.read(|connection| read::pre_registered(connection, emails, phones))
    }

    async fn contact_exists(&self, key: &ContactKey) -> Result<bool, StoreError> {
        self.read(|connection| read::contact_exists(connection, key))
    }

    async fn search_contacts(&self, search: &ContactSearch) -> Result<ContactPage, StoreError> {
        let (search, shared) = (search.clone(), Arc::clone(&self.shared));
        self.read_aside(move |connection| {
            let live = if search.unknown { &shared.unknown } else { &shared.known };
            let live = usize::try_from(live.load(Ordering::Acquire)).unwrap_or(0);
            search::search(connection, &search, live, &shared.stretches)
        })
        .await
    }

    async fn journal(&self, contact: &ContactId, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        let contact = contact.clone();
        self.read_aside(move |connection| read::journal(connection, &contact, limit)).await
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<Visitor>, StoreError> {
        self.read(|connection| read::visitor(connection, id))
    }

    async fn visitor_by(&self, key: &VisitorKey) -> Result<Option<Visitor>, StoreError> {
        self.read(|connection| read::visitor_by(connection, key))
    }

    async fn search_visitors(&self, search: &VisitorSearch) -> Result<VisitorPage, StoreError> {
        let search = search.clone();
        self.read_aside(move |connection| around::search_visitors(connection, &search)).await
    }

    async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        self.read(|connection| read::room(connection, id))
    }

    async fn room_of_inquiry(&self, inquiry: &InquiryId) -> Result<Option<Room>, StoreError> {
        self.read(|connection| read::room_of_inquiry(connection, inquiry))
    }

    async fn search_rooms(&self, search: &RoomSearch) -> Result<RoomPage, StoreError> {
        let search = search.clone();
        self.read_aside(move |connection| around::search_rooms(connection, &search)).await
    }

    async fn open_rooms_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Room>, StoreError> {
        self.read(|connection| read::open_rooms_of_visitor(connection, visitor))
    }

    async fn open_rooms_by_agent(&self) -> Result<Vec<(UserId, u64)>, StoreError> {
        self.read(read::open_rooms_by_agent)
    }

    async fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.read(|connection| read::message(connection, id))
    }

    async fn messages(&self, search: &MessageSearch) -> Result<MessagePage, StoreError> {
        let search = search.clone();
        self.read_aside(move |connection| around::messages(connection, &search)).await
    }

    async fn directory(&self) -> Result<Rows, StoreError> {
        self.read(read::directory)
    }

    async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        self.read(|connection| read::token(connection, hash))
    }

    async fn heads(&self) -> Result<Heads, StoreError> {
        self.read(read::heads)
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read_aside(read::tokens).await
    }

    async fn counter(&self, counter: Counter) -> Result<u64, StoreError> {
        let stored = async { self.read(|connection| read::counter(connection, counter)) };
        self.numbers.given(counter, stored).await
    }

    async fn draw(&self, counter: Counter) -> Result<u64, StoreError> {
        self.ensure_open()?;
        self.numbers.give(counter, |count| self.reserve(counter, count)).await
    }

    async fn outbox_len(&self) -> Result<u64, StoreError> {
        Ok(unsigned(self.shared.outbox.load(Ordering::Acquire)))
    }

    async fn lease_outbox(
        &self,
        reader: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<OutboxLease>, StoreError> {
        self.ensure_open()?;
        Ok(self.outbox_lease.lock().await.give(reader, now, until))
    }

    async fn waiting_events(&self, limit: usize) -> Result<Vec<WaitingEvent>, StoreError> {
        self.read_aside(move |connection| read::waiting_events(connection, limit)).await
    }

    async fn remove_events(&self, lease: &OutboxLease, ids: &[u64]) -> Result<(), EventsError> {
        // Kept until it is done, so that the outbox does not pass to another meanwhile.
        let current = self.outbox_lease.lock().await;
        if !current.stands(lease) {
            return Err(EventsError::Passed);
        }
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::RemoveEvents(ids.to_vec(), reply))?;
        answer.await.map_err(unavailable)??;
        Ok(())
    }

    fn windows(&self) -> Arc<dyn Windows> {
        self.windows.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.read(|connection| read::counter(connection, Counter::Guests))?;
        // Nothing is reserved, and it is on disk: a disk that is full does not pass.
        self.reserve(Counter::Guests, 0).await.map(drop)
    }

    fn figures(&self) -> StoreFigures {
        let Shared { commits, change_sets, stale, known, unknown, open_conflicts, .. } = &*self.shared;
        let live = known.load(Ordering::Acquire) + unknown.load(Ordering::Acquire);
        StoreFigures {
            commits: commits.load(Ordering::Relaxed),
            change_sets: change_sets.load(Ordering::Relaxed),
            stale: stale.load(Ordering::Relaxed),
            open_conflicts: unsigned(open_conflicts.load(Ordering::Acquire)),
            contacts: unsigned(live),
            resolved_conflicts: self
                .read(|connection| read::counter(connection, Counter::ResolvedConflicts))
                .unwrap_or_default(),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        let Some(writer) = self.stop_writer() else { return Ok(()) };
        let ended = tokio::task::spawn_blocking(move || writer.join()).await.map_err(unavailable)?;
        self.reader.idle().clear();
        *self.reader.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
        ended.map_err(|_| unavailable("the writer had died"))
    }
}
