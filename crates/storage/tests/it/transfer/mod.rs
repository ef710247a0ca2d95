//! Copies from one database into another are whole, go on where they were broken off, and are told
//! apart from stores until they are whole.

mod broken_off;
mod refusals;
mod round_trip;
mod stage;

use std::path::Path;
use std::sync::Arc;

use app::conformance::render;
use app::store::Store;
use storage::transfer::{BatchSize, Step, TransferError, TransferOptions, Transferred, transfer};
use storage::{Options, connect};

/// So many rows a batch that a few acts make many.
const FEW: BatchSize = BatchSize { rows: 7, bytes: 1 << 20 };

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

async fn open(url: &str) -> Arc<dyn Store> {
    connect(url, render, &Options::default()).await.expect("it is a store")
}

async fn copy_telling(from: &str, to: &str, tell: &mut (dyn FnMut(Step) + Send)) -> Result<Transferred, TransferError> {
    transfer(from, to, render, &TransferOptions { batch: FEW, ..TransferOptions::default() }, tell).await
}

async fn copy(from: &str, to: &str) -> Result<Transferred, TransferError> {
    copy_telling(from, to, &mut |_| {}).await
}

/// The store at a URL, worked at and closed; and what it answered.
async fn worked_at(url: &str, seed: u64, acts: u32) -> Vec<String> {
    let store = open(url).await;
    stage::work(&store, seed, acts).await;
    store.close().await.unwrap();
    let store = open(url).await;
    let told = stage::everything(&store, acts).await;
    store.close().await.unwrap();
    told
}
