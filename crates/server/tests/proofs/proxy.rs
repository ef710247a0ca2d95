//! What stands between a server and its database, and breaks their conversation where it likes.
//!
//! It reads what the server says as far as to know a COMMIT when it comes by, so that it can break
//! off before it arrives, in the middle of it, or once it is done and before the server hears of it.
//! All else it breaks off at an offset chance has chosen, in either direction. It can also fall
//! silent: for a while, or for good as far as conversations under way are concerned, which is how a
//! network forgets a connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::frames::Commits;

mod frames;

/// What the proxy did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) connections: AtomicU64,
    /// Broken off at an offset of chance.
    pub(crate) anywhere: AtomicU64,
    /// Broken off before all of a COMMIT was passed on.
    pub(crate) within_commit: AtomicU64,
    /// Broken off when the database had committed, before the server heard of it.
    pub(crate) after_commit: AtomicU64,
}

/// Whether it passes on what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Passes,
    /// Nothing, until it passes on again.
    Silent,
}

pub(crate) struct Proxy {
    pub(crate) done: Arc<Done>,
    port: u16,
    mood: watch::Sender<Mood>,
    /// Conversations begun before this number are forgotten.
    forgotten: Arc<watch::Sender<u64>>,
    /// Conversations begun before this number end.
    ended: Arc<watch::Sender<u64>>,
    breaks: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Before the database at `host:port`; the choices are those of `seed`.
    pub(crate) async fn before(database: String, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let done = Arc::new(Done::default());
        let (mood, moods) = watch::channel(Mood::Passes);
        let (breaks, breaking) = watch::channel(false);
        let (forgotten, ended) = (Arc::new(watch::Sender::new(0)), Arc::new(watch::Sender::new(0)));
        let chance = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
        let (counts, forgets, ends) = (done.clone(), forgotten.clone(), ended.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counts.connections.fetch_add(1, Ordering::Relaxed);
                let fate = if *breaking.borrow() { Fate::by(&mut chance.lock().unwrap()) } else { Fate::Passes };
                let conversation = Conversation {
                    fate,
                    commits: Commits::default(),
                    chance: StdRng::seed_from_u64(seed ^ number << 20),
                    done: counts.clone(),
                    moods: moods.clone(),
                    number,
                    forgotten: forgets.subscribe(),
                };
                let (database, mut ends) = (database.clone(), ends.subscribe());
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(database).await else { return };
                    tokio::select! {
                        () = conversation.carry(client, server) => {}
                        _ = async { ends.wait_for(|until| *until > number).await.is_ok() } => {}
                    }
                });
            }
        });
        Self { done, port, mood, forgotten, ended, breaks, task }
    }

    /// The URL of the database, past this.
    pub(crate) fn url(&self, url: &str) -> String {
        let (before, rest) = url.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        let join = if database.contains('?') { '&' } else { '?' };
        // What is encrypted could not be read.
        format!("{before}@127.0.0.1:{}/{database}{join}sslmode=disable", self.port)
    }

    /// From now on, conversations that begin are broken off.
    pub(crate) fn breaks(&self, is_so: bool) {
        self.breaks.send_replace(is_so);
    }

    /// Ends all conversations under way.
    pub(crate) fn end_all(&self) {
        self.ended.send_replace(self.done.connections.load(Ordering::Relaxed));
    }

    /// Passes nothing on until `speak`.
    pub(crate) fn fall_silent(&self) {
        self.mood.send_replace(Mood::Silent);
    }

    /// Passes on all that was held back, and all that comes.
    pub(crate) fn speak(&self) {
        self.mood.send_replace(Mood::Passes);
    }

    /// Passes nothing on, ever, of conversations under way, and does not end them; others may begin.
    pub(crate) fn forget(&self) {
        self.forgotten.send_replace(self.done.connections.load(Ordering::Relaxed));
    }
}

/// Where a conversation is broken off.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Passes,
    /// After so many bytes of the server's.
    Up(usize),
    /// After so many bytes of the database's.
    Down(usize),
    /// At a byte of chance of the COMMIT of that number.
    WithinCommit(usize),
    /// When the COMMIT of that number is done, somewhere before its answer is passed on.
    AfterCommit(usize),
}

impl Fate {
    fn by(chance: &mut StdRng) -> Self {
        match chance.random_range(0..10) {
            0 => Self::Up(chance.random_range(0..60_000)),
            1 => Self::Down(chance.random_range(0..30_000)),
            2..5 => Self::WithinCommit(chance.random_range(1..6)),
            _ => Self::AfterCommit(chance.random_range(1..6)),
        }
    }
}

struct Conversation {
    fate: Fate,
    commits: Commits,
    chance: StdRng,
    done: Arc<Done>,
    moods: watch::Receiver<Mood>,
    number: u64,
    forgotten: watch::Receiver<u64>,
}

impl Conversation {
    async fn carry(mut self, mut client: TcpStream, mut server: TcpStream) {
        let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let is_broken = loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let Some(length) = read.ok().filter(|length| *length > 0) else { break false };
                    self.until_passing().await;
                    let passed = self.up(&up[..length]);
                    if server.write_all(&up[..passed]).await.is_err() { break false }
                    if passed < length { break true }
                }
                read = server.read(&mut down) => {
                    let Some(length) = read.ok().filter(|length| *length > 0) else { break false };
                    self.until_passing().await;
                    let passed = self.down(&down[..length]);
                    if client.write_all(&down[..passed]).await.is_err() { break false }
                    if passed < length { break true }
                }
            }
        };
        // As a cable that is cut, or as a process that goes: with a reset, or an end.
        if is_broken && self.chance.random_bool(0.5) {
            drop(client.set_zero_linger());
            drop(server.set_zero_linger());
        }
    }

    async fn until_passing(&mut self) {
        let (number, mut forgotten, moods) = (self.number, self.forgotten.clone(), &mut self.moods);
        let is_forgotten = tokio::select! {
            biased;
            is_so = async { forgotten.wait_for(|until| *until > number).await.is_ok() } => is_so,
            _ = async { moods.wait_for(|mood| *mood == Mood::Passes).await.is_ok() } => false,
        };
        if is_forgotten {
            // The sockets stay open for as long as the proof goes on.
            std::future::pending::<()>().await;
        }
    }

    /// How much of what the server says is passed on; less than all where it is broken off.
    fn up(&mut self, bytes: &[u8]) -> usize {
        let before = self.commits.seen;
        let commit_at = self.commits.read(bytes);
        match &mut self.fate {
            Fate::Up(left) if bytes.len() > *left => {
                self.done.anywhere.fetch_add(1, Ordering::Relaxed);
                *left
            }
            Fate::Up(left) => {
                *left -= bytes.len();
                bytes.len()
            }
            Fate::WithinCommit(nth) if before < *nth && *nth <= self.commits.seen => {
                self.done.within_commit.fetch_add(1, Ordering::Relaxed);
                // All but the last byte of it, at most.
                self.chance.random_range(commit_at.unwrap_or(0)..bytes.len())
            }
            _ => bytes.len(),
        }
    }

    fn down(&mut self, bytes: &[u8]) -> usize {
        match &mut self.fate {
            Fate::Down(left) if bytes.len() > *left => {
                self.done.anywhere.fetch_add(1, Ordering::Relaxed);
                *left
            }
            Fate::Down(left) => {
                *left -= bytes.len();
                bytes.len()
            }
            Fate::AfterCommit(nth) if *nth <= self.commits.seen => {
                let done_at = bytes.windows(DONE.len()).position(|window| window == DONE);
                let Some(done_at) = done_at else { return bytes.len() };
                self.done.after_commit.fetch_add(1, Ordering::Relaxed);
                self.chance.random_range(0..done_at + DONE.len())
            }
            _ => bytes.len(),
        }
    }
}

/// What the database says when it has committed.
const DONE: &[u8] = b"COMMIT\0";
