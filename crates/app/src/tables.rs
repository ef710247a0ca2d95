//! Changing the small tables: decide on the state they are in, commit on condition that they still
//! are, decide again if not.
//!
//! All of them share one revision, so those who change them in this process take turns; without,
//! a crowd would make one another stale until some had no attempts left.

use domain::change_set::ChangeSet;
use domain::directory::{DirectoryChange, Record, RecordKey, TokenChange};

use crate::App;
use crate::decide::Attempt;
use crate::directory::Directory;
use crate::error::AppError;

/// What is to change, and what is then answered. Nothing to change is nothing to commit.
#[derive(Debug, Default)]
pub(crate) struct TableChange<T> {
    pub(crate) put: Vec<Record>,
    pub(crate) remove: Vec<RecordKey>,
    pub(crate) tokens: Vec<TokenChange>,
    pub(crate) answer: T,
}

impl<T> TableChange<T> {
    /// Rows made or replaced.
    pub(crate) fn put(put: Vec<Record>, answer: T) -> Self {
        Self { put, remove: Vec::new(), tokens: Vec::new(), answer }
    }
}

impl App {
    /// Lets `rule` decide on the small tables and commits what it asks for.
    pub(crate) async fn change_tables<T, E>(
        &self,
        rule: impl Fn(&Directory) -> Result<TableChange<T>, E>,
    ) -> Result<T, AppError>
    where
        AppError: From<E>,
    {
        let _turn = self.table_turn.lock().await;
        let (answer, _) = self
            .settle(|| async {
                let directory = self.directory();
                let TableChange { put, remove, tokens, answer } = rule(&directory)?;
                if put.is_empty() && remove.is_empty() && tokens.is_empty() {
                    return Ok(Attempt::Done(answer));
                }
                let change = DirectoryChange { base: directory.revision(), put, remove };
                Ok(Attempt::Commit(ChangeSet { directory: Some(change), tokens, ..ChangeSet::default() }, answer))
            })
            .await?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::testing::open;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn however_many_change_the_tables_at_once_all_get_through() {
        let app = Arc::new(open().await);
        let changes: Vec<_> = (0..300)
            .map(|count| {
                let app = app.clone();
                tokio::spawn(
                    async move { app.change_settings(&[("API_Default_Count".to_owned(), json!(count))]).await },
                )
            })
            .collect();
        for change in changes {
            change.await.unwrap().unwrap();
        }
        assert_eq!(app.stale_retries(), 0);
    }
}
