//! How the store works: what is grouped, queued and kept in memory.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How the store works; the default is right for a server.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// How many change sets share a transaction at most; with 1, each has its own.
    pub group_max: usize,
    /// How many change sets wait to be written before more are refused.
    pub queue_max: usize,
    /// How much longer every commit takes, as if the disk were slower. For measurements.
    pub extra_flush: Duration,
    /// How many searches run at once; others wait.
    pub searches_max: usize,
    /// How much of the database each reading connection keeps in memory.
    pub reader_cache_kib: u32,
    /// How much of the database the writing connection keeps in memory.
    pub writer_cache_kib: u32,
    /// By how many pages the write-ahead log grows between two checkpoints.
    pub checkpoint_pages: u32,
    /// Told after each commit how many change sets shared it.
    pub on_commit: OnCommit,
}

/// What is told of commits, on the writer's time: it must be quick.
#[derive(Clone)]
pub struct OnCommit(pub Arc<dyn Fn(usize) + Send + Sync>);

impl std::fmt::Debug for OnCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnCommit").finish_non_exhaustive()
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            group_max: 256,
            queue_max: 4096,
            extra_flush: Duration::ZERO,
            searches_max: thread::available_parallelism().map_or(2, usize::from).clamp(2, 8),
            reader_cache_kib: 4 << 10,
            writer_cache_kib: 32 << 10,
            checkpoint_pages: 4096,
            on_commit: OnCommit(Arc::new(|_| {})),
        }
    }
}

impl SqliteOptions {
    /// For bringing in a great many contacts: takes more memory, and writes each page less often.
    pub fn for_bulk() -> Self {
        Self { writer_cache_kib: 128 << 10, checkpoint_pages: 16_384, ..Self::default() }
    }
}
