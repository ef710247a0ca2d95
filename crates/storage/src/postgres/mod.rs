//! The store in a PostgreSQL database: for more than one machine, and several servers at once.
//!
//! Reads by key share a few connections, searches have one each, and writers commit groups of
//! change sets (`writer.rs`). What two servers must not do past each other is kept apart by rows
//! (`check.rs`, `absences.rs`) and by keys of the database; there are no advisory locks, no
//! deferred constraints, no notifications, so that engines which speak PostgreSQL's language can
//! stand in for it. The database may go away and come back: connections are made anew.
//! Evidence: the conformance suite; `tests/it/postgres/`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::store::{
    CommitError, ContactKey, ContactPage, ContactSearch, EventsError, Happened, Heads, Marks, MessagePage,
    MessageSearch, News, OutboxLease, Render, RoomPage, RoomSearch, Rows, Store, StoreError, StoreFigures, View,
    VisitorKey, VisitorPage, VisitorSearch, WaitingEvent,
};
use app::windows::Windows;
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
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub use self::address::AddressError;
use self::connection::Connection;
use self::connector::Readers;
pub use self::doctor::{DoctorError, examine, mend};
use self::migrate::Reached;
pub use self::migrate::{migrate_by_url, migrations};
pub use self::options::{PostgresOpenError, PostgresOptions};
use self::outbox::Taker;
use self::queue::{Member, Queue};
pub(crate) use self::transfer::PostgresEnd;
use self::upkeep::Upkeep;
use self::windows::SharedWindows;
use self::writer::{Shared, Writer, any_shard};
use crate::key::{unavailable, unsigned};
use crate::numbers::Numbers;
use crate::prepare::{Prepared, prepare};

mod absences;
mod address;
mod around;
mod check;
mod connection;
mod connector;
mod doctor;
mod failure;
mod happenings;
mod migrate;
mod news;
mod options;
mod outbox;
mod part;
mod queue;
mod read;
mod search;
mod tally;
mod text;
mod transfer;
mod upkeep;
mod windows;
mod write;
mod write_contacts;
mod write_rooms;
mod writer;

/// How often the figures are brought up with what other servers wrote.
const FIGURES_EVERY: Duration = Duration::from_secs(1);

/// How often numbers were asked for, among the numbers.
const RESERVATIONS: &str = "reservations";

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    render: Render,
    database: String,
    readers: Arc<Readers>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    closing: watch::Sender<bool>,
    taker: Taker,
    windows: Arc<SharedWindows>,
    numbers: Numbers,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("database", &self.database).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the database of a URL, and brings it to the form of this version.
    pub async fn open(url: &str, render: Render, options: &PostgresOptions) -> Result<Self, PostgresOpenError> {
        let Reached { connector, connection, shown: database, location: _ } = migrate::reach(url, options).await?;
        migrate::migrate(&connection, &database).await?;
        transfer::assert_finished(&connection, &database).await?;
        drop(connection);
        let readers = Arc::new(Readers::new(Arc::clone(&connector), options));
        let queue = Arc::new(Queue::new(options.queue_max, options.group_max));
        let shared = Arc::new(Shared::default());
        bring_up_figures(&readers, &shared)
            .await
            .map_err(|source| PostgresOpenError::Unreachable { database: database.clone(), source })?;
        let closing = watch::Sender::new(false);
        let (windows, counting) = SharedWindows::open(Arc::clone(&readers)).await;
        let mut tasks: Vec<JoinHandle<()>> = (0..options.writers.max(1))
            .map(|n| {
                let writer = Writer {
                    connector: Arc::clone(&connector),
                    queue: Arc::clone(&queue),
                    shared: Arc::clone(&shared),
                    on_commit: options.on_commit.clone(),
                    shard: any_shard(n),
                    own: None,
                };
                tokio::spawn(keep_writing(writer))
            })
            .collect();
        tasks.push(tokio::spawn(keep_figures(Arc::clone(&readers), Arc::clone(&shared), closing.subscribe())));
        let upkeep = Upkeep::new(Arc::clone(&readers), Arc::clone(&shared), options.happenings_kept);
        tasks.push(tokio::spawn(upkeep.run(closing.subscribe())));
        let mut closed = closing.subscribe();
        tasks.push(tokio::spawn(async move {
            tokio::select! {
                _ = closed.wait_for(|is_closing| *is_closing) => {}
                () = counting.run() => {}
            }
        }));
        let taker = Taker::new(connector, Arc::clone(&shared));
        Ok(Self {
            render,
            database,
            readers,
            queue,
            shared,
            tasks: Mutex::new(tasks),
            closing,
            taker,
            windows: Arc::new(windows),
            numbers: Numbers::default(),
        })
    }

    async fn reserve(&self, name: &str, count: u64) -> Result<u64, StoreError> {
        self.readers.read(|connection| async move { read::reserve(&connection, name, count).await }).await
    }

    /// Takes nothing more, and lets the writers finish.
    fn stop(&self) -> Vec<JoinHandle<()>> {
        self.readers.connector.close();
        self.queue.close();
        self.closing.send_replace(true);
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// Writes on after a fault of our own, which costs those in the group and nobody else.
async fn keep_writing(writer: Writer) {
    let again = writer.again();
    let mut run = tokio::spawn(writer.run());
    while let Err(error) = run.await {
        tracing::error!(error = &error as &dyn std::error::Error, "a writer had died");
        run = tokio::spawn(again().run());
    }
}

async fn keep_figures(readers: Arc<Readers>, shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = closing.wait_for(|is_closing| *is_closing) => return,
            () = tokio::time::sleep(FIGURES_EVERY) => {}
        }
        // While the database is away the figures stay what they were; whoever asks it is told.
        drop(bring_up_figures(&readers, &shared).await);
    }
}

async fn bring_up_figures(readers: &Readers, shared: &Shared) -> Result<(), StoreError> {
    let rows = readers.read(|connection| async move { connection.query(tally::ALL, &[]).await }).await?;
    for row in &rows {
        shared.seen.note(row);
    }
    Ok(())
}

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, changes: &ChangeSet) -> Result<Vec<View>, CommitError> {
        let (prepared, views) = prepare(changes, self.render).await?;
        let (reply, answer) = oneshot::channel();
        let (touches, is_intricate) = (part::touches(&prepared), part::is_intricate(&prepared));
        let happened = Happened::of(changes);
        self.queue.push(Member { prepared, happened, touches, is_intricate, reply })?;
        answer.await.map_err(unavailable)??;
        Ok(views)
    }

    async fn contact(&self, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.readers.read(|connection| async move { read::contact(&connection, id).await }).await
    }

    async fn contact_view(&self, id: &ContactId) -> Result<Option<View>, StoreError> {
        self.readers.read(|connection| async move { read::contact_view(&connection, id).await }).await
    }

    async fn contact_of_channel(&self, channel: &ChannelIdentity) -> Result<Option<Contact>, StoreError> {
        self.readers.read(|connection| async move { read::contact_of_channel(&connection, channel).await }).await
    }

    async fn contacts_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Contact>, StoreError> {
        self.readers.read(|connection| async move { read::contacts_of_visitor(&connection, visitor).await }).await
    }

    async fn pre_registered(&self, emails: &[String], phones: &[String]) -> Result<Option<Contact>, StoreError> {
        self.readers.read(|connection| async move { read::pre_registered(&connection, emails, phones).await }).await
    }

    async fn contact_exists(&self, key: &ContactKey) -> Result<bool, StoreError> {
        self.readers.read(|connection| async move { read::contact_exists(&connection, key).await }).await
    }

    async fn search_contacts(&self, search: &ContactSearch) -> Result<ContactPage, StoreError> {
        self.readers.search(|connection| async move { search::search(&connection, search).await }).await
    }

    async fn journal(&self, contact: &ContactId, limit: usize) -> Result<Vec<JournalEntry>, StoreError> {
        self.readers.read(|connection| async move { read::journal(&connection, contact, limit).await }).await
    }

    async fn visitor(&self, id: &VisitorId) -> Result<Option<Visitor>, StoreError> {
        self.readers.read(|connection| async move { read::visitor(&connection, id).await }).await
    }

    async fn visitor_by(&self, key: &VisitorKey) -> Result<Option<Visitor>, StoreError> {
        self.readers.read(|connection| async move { read::visitor_by(&connection, key).await }).await
    }

    async fn search_visitors(&self, search: &VisitorSearch) -> Result<VisitorPage, StoreError> {
        self.readers.search(|connection| async move { around::search_visitors(&connection, search).await }).await
    }

    async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        self.readers.read(|connection| async move { read::room(&connection, id).await }).await
    }

    async fn these_rooms(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        self.readers.read(|connection| async move { read::these_rooms(&connection, ids).await }).await
    }

    async fn room_of_inquiry(&self, inquiry: &InquiryId) -> Result<Option<Room>, StoreError> {
        self.readers.read(|connection| async move { read::room_of_inquiry(&connection, inquiry).await }).await
    }

    async fn search_rooms(&self, search: &RoomSearch) -> Result<RoomPage, StoreError> {
        self.readers.search(|connection| async move { around::search_rooms(&connection, search).await }).await
    }

    async fn open_rooms_of_visitor(&self, visitor: &VisitorId) -> Result<Vec<Room>, StoreError> {
        self.readers.read(|connection| async move { read::open_rooms_of_visitor(&connection, visitor).await }).await
    }

    async fn open_rooms_by_agent(&self) -> Result<Vec<(UserId, u64)>, StoreError> {
        self.readers.read(|connection| async move { read::open_rooms_by_agent(&connection).await }).await
    }

    async fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.readers.read(|connection| async move { read::message(&connection, id).await }).await
    }

    async fn these_messages(&self, ids: &[MessageId]) -> Result<Vec<Message>, StoreError> {
        self.readers.read(|connection| async move { read::these_messages(&connection, ids).await }).await
    }

    async fn messages(&self, search: &MessageSearch) -> Result<MessagePage, StoreError> {
        self.readers.search(|connection| async move { around::messages(&connection, search).await }).await
    }

    async fn directory(&self) -> Result<Rows, StoreError> {
        self.readers.read(|connection| async move { read::directory(&connection).await }).await
    }

    async fn token(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        let hash = hash.to_owned();
        self.readers
            .read(move |connection| {
                let hash = hash.clone();
                async move { read::token(&connection, &hash).await }
            })
            .await
    }

    async fn heads(&self) -> Result<Heads, StoreError> {
        self.readers.read(|connection| async move { read::heads(&connection).await }).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn happenings(&self, since: &Marks, limit: usize) -> Result<News, StoreError> {
        let logs = &self.shared.logs;
        self.readers.read(|connection| async move { news::news(&connection, logs, since, limit).await }).await
    }

    async fn announce(&self, happened: Happened) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let happened = vec![happened];
        let member =
            Member { prepared: Prepared::default(), happened, touches: Vec::new(), is_intricate: false, reply };
        self.queue.push(member)?;
        match answer.await.map_err(unavailable)? {
            // It rests on nothing.
            Ok(()) | Err(CommitError::Stale) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.readers.search(|connection| async move { read::tokens(&connection).await }).await
    }

    async fn counter(&self, counter: Counter) -> Result<u64, StoreError> {
        let stored = self.readers.read(|connection| async move { read::counter(&connection, counter).await });
        self.numbers.given(counter, stored).await
    }

    async fn draw(&self, counter: Counter) -> Result<u64, StoreError> {
        self.readers.connector.ensure_open()?;
        self.numbers.give(counter, |count| self.reserve(counter.as_str(), count)).await
    }

    async fn outbox_len(&self) -> Result<u64, StoreError> {
        self.readers.read(|connection| async move { read::waiting(&connection).await }).await
    }

    async fn lease_outbox(
        &self,
        reader: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<OutboxLease>, StoreError> {
        self.readers.read(|connection| async move { outbox::lease(&connection, reader, now, until).await }).await
    }

    async fn waiting_events(&self, limit: usize) -> Result<Vec<WaitingEvent>, StoreError> {
        self.readers.read(|connection| async move { outbox::waiting(&connection, limit).await }).await
    }

    async fn remove_events(&self, lease: &OutboxLease, ids: &[u64]) -> Result<(), EventsError> {
        self.taker.remove(lease, ids).await
    }

    fn windows(&self) -> Arc<dyn Windows> {
        self.windows.clone()
    }

    async fn check(&self) -> Result<(), StoreError> {
        // Written and on disk: a database that only reads, or whose disk is full, does not pass.
        self.reserve(RESERVATIONS, 1).await.map(drop)
    }

    fn figures(&self) -> StoreFigures {
        let Shared { commits, change_sets, stale, seen, logs: _ } = &*self.shared;
        let tally = seen.sum();
        StoreFigures {
            commits: commits.load(Ordering::Relaxed),
            change_sets: change_sets.load(Ordering::Relaxed),
            stale: stale.load(Ordering::Relaxed),
            open_conflicts: unsigned(tally.open_conflicts),
            contacts: unsigned(tally.known + tally.unknown),
            resolved_conflicts: unsigned(tally.resolved),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        for task in self.stop() {
            task.await.map_err(unavailable)?;
        }
        self.readers.close().await;
        self.taker.close().await;
        Ok(())
    }
}
