//! The contract, exchange by exchange: every file under `exchanges/` is played against a server,
//! and every answer must be what the file says.
//!
//! Files share one server a store and are played several at once: each brings what it needs under
//! names of its own, and one that could not stand its neighbours opens with `# alone` and gets a
//! server of its own. `CONCORD_EXCHANGES_URL=host:port cargo test -p server --test it exchanges`
//! plays them against a running server instead, whose administrator is `CONCORD_EXCHANGES_USER` and
//! `CONCORD_EXCHANGES_PASS`; it should hold nothing anyone needs. `CONCORD_EXCHANGES_ONLY` is a part
//! of the paths to play.

pub(crate) mod format;
mod matching;
mod player;
mod stage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cluster;
use player::Player;
use stage::Stage;

use crate::copying::goes_through_postgres_and_back;

/// Files played at the same time.
const AT_ONCE: usize = 8;

/// Where the exchanges are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../exchanges")
}

/// Every file of exchanges, but for those that others are built on.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("given") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "http") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_goes_as_the_contract_says_in_memory_or_at_the_url_given() {
    match stage::url_given() {
        Some(address) => play_all(&Stage::Url(address)).await,
        None => play_all(&Stage::Memory).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_goes_as_the_contract_says_on_sqlite() {
    // A server that runs elsewhere has one store, and the other test plays on it.
    if stage::url_given().is_none() {
        let folder = tempfile::tempdir().unwrap();
        play_all(&Stage::Sqlite(folder.path().to_owned())).await;
        goes_through_postgres_and_back(folder.path()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_exchange_goes_as_the_contract_says_on_postgresql() {
    if stage::url_given().is_none() {
        match cluster::shared() {
            Some(cluster) => play_all(&Stage::Postgres(cluster)).await,
            None => cluster::say_not_run(),
        }
    }
}

async fn play_all(stage: &Stage) {
    let only = std::env::var("CONCORD_EXCHANGES_ONLY").unwrap_or_default();
    let files: Vec<_> = files().into_iter().filter(|file| file.to_string_lossy().contains(&only)).collect();
    assert!(!files.is_empty(), "there are no exchanges to play");
    let shared = Arc::new(stage.open().await.unwrap());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut plays = JoinSet::new();
    let mut left_out = Vec::new();
    for file in &files {
        let is_alone = std::fs::read_to_string(file).unwrap().starts_with("# alone");
        if is_alone && !stage.is_ours() {
            left_out.push(shown(file));
            continue;
        }
        let (file, stage, shared, turns) = (file.clone(), stage.clone(), shared.clone(), turns.clone());
        plays.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let played = if is_alone {
                let own = stage.open_as_delivered().await.unwrap();
                Player::new(root(), &own).play(&file).await
            } else {
                let mut player = Player::new(root(), &shared);
                let played = player.play(&file).await;
                player.clear_up().await;
                played
            };
            played.map_err(|problem| format!("{}: {problem}", shown(&file)))
        });
    }
    let mut failures: Vec<_> = plays.join_all().await.into_iter().filter_map(Result::err).collect();
    failures.sort();
    shared.close().await.unwrap();
    if !left_out.is_empty() {
        println!("left out, because they need a server of their own: {}", left_out.join(", "));
    }
    assert!(failures.is_empty(), "{} of {} files fail:\n\n{}", failures.len(), files.len(), failures.join("\n\n"));
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}
