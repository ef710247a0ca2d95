//! Moving what is committed from the write-ahead log into the database, off the writer's path.
//!
//! A thread of its own copies pages whenever the log has grown by so many; it excludes neither
//! the writer nor readers. Under constant writing the log never comes to an end by that, so
//! once it is long the writer is asked to start it anew, when little is left to copy.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::writer::Shared;

/// The log is long when it has as many steps as this.
const STEPS_TO_LONG: i64 = 4;

/// The thread that copies; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Checkpointer {
    waker: Thread,
    thread: Option<JoinHandle<()>>,
    ends: Arc<AtomicBool>,
    step: u32,
}

impl Checkpointer {
    /// Starts the thread, which copies by `connection` when it is woken.
    pub(super) fn start(connection: Connection, shared: Arc<Shared>, step: u32) -> std::io::Result<Self> {
        let ends = Arc::new(AtomicBool::new(false));
        let copier = Copier { connection, shared, ends: Arc::clone(&ends), long: STEPS_TO_LONG * i64::from(step) };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || copier.run())?;
        Ok(Self { waker: thread.thread().clone(), thread: Some(thread), ends, step })
    }

    /// Has the thread woken whenever `writer` has added so many pages to the log.
    pub(super) fn watch(&self, writer: &mut Connection) -> rusqlite::Result<()> {
        writer.wal_hook(Some(wake(self.waker.clone(), self.step)))
    }
}

/// Wakes the thread after every `step` pages. The log's length falls when it starts anew.
fn wake(thread: Thread, step: u32) -> impl FnMut(&mut Wal, std::ffi::c_int) -> rusqlite::Result<()> {
    let mut copied = 0;
    move |_, pages| {
        let pages = u32::try_from(pages).unwrap_or(0);
        if pages < copied {
            copied = 0;
        }
        if pages - copied >= step {
            copied = pages;
            thread.unpark();
        }
        Ok(())
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            self.waker.unpark();
            if thread.join().is_err() {
                tracing::error!("the checkpoint thread had died");
            }
        }
    }
}

struct Copier {
    connection: Connection,
    shared: Arc<Shared>,
    ends: Arc<AtomicBool>,
    long: i64,
}

impl Copier {
    fn run(self) {
        loop {
            thread::park();
            if self.ends.load(Ordering::Acquire) {
                return;
            }
            match self.copy() {
                Ok(pages) if pages >= self.long => self.shared.wal_is_long.store(true, Ordering::Release),
                Ok(_) => {}
                Err(error) => tracing::warn!(error = &error as &dyn Error, "a checkpoint failed"),
            }
        }
    }

    /// Copies what can be copied; answers how many pages the log has.
    fn copy(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))
    }
}
