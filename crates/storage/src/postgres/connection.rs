//! One connection: statements stay prepared on it, and several are sent at once.
//!
//! Statements of a batch are sent before the first answer is awaited, so a batch costs one round
//! trip. They are done in their order; after one that fails, the rest of a transaction is void.
//! A connection that did not answer in time is not used again: what it is at is unknown. That holds
//! also where nobody waited for so long, as when requests have less time than the database.
//! Evidence: the conformance suite; `tests/it/postgres/away.rs`.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::failure::Failure;
use crate::key::unavailable;

/// A value for a place in a statement.
pub(super) type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One statement with its values.
struct Step<'a> {
    sql: &'static str,
    params: Vec<Param<'a>>,
}

/// Statements that are sent together.
#[derive(Default)]
pub(super) struct Batch<'a>(Vec<Step<'a>>);

impl<'a> Batch<'a> {
    /// Answers the place of the statement in the batch.
    pub(super) fn add(&mut self, sql: &'static str, params: Vec<Param<'a>>) -> usize {
        self.0.push(Step { sql, params });
        self.0.len() - 1
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A connection to the database.
pub(super) struct Connection {
    client: Client,
    /// How long a round trip may take.
    patience: Duration,
    statements: Mutex<HashMap<&'static str, Statement>>,
    is_given_up: AtomicBool,
    /// When the first question was asked after the last answer; whoever asked may have gone.
    unheard_since: Mutex<Option<Instant>>,
}

type Answers<'f, T> = Vec<Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'f>>>;

impl Connection {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self {
            client,
            patience,
            statements: Mutex::default(),
            is_given_up: AtomicBool::new(false),
            unheard_since: Mutex::default(),
        }
    }

    /// Whether nothing can be asked of it any more.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
            || self.is_given_up.load(Ordering::Acquire)
            || self.unheard_since().is_some_and(|since| since.elapsed() > self.patience)
    }

    /// The rows of a statement that is kept prepared.
    pub(super) async fn query(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        self.in_time(async {
            let statement = self.prepared(sql).await?;
            self.client.query(&statement, params).await
        })
        .await
    }

    /// The rows of a statement that is planned for these very values.
    pub(super) async fn query_once(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Failure> {
        self.in_time(self.client.query_typed(sql, params)).await
    }

    /// Does the statements of a batch; the rows of each.
    pub(super) async fn ask(&self, batch: Batch<'_>) -> Result<Vec<Vec<Row>>, Failure> {
        self.in_time(async {
            let statements = self.prepared_all(&batch).await?;
            let values: Vec<_> = batch.0.iter().map(values_of).collect();
            let sent: Answers<'_, _> = (statements.iter().zip(&values))
                .map(|(statement, values)| Box::pin(self.client.query(statement, values)) as Pin<Box<_>>)
                .collect();
            in_order(sent).await
        })
        .await
    }

    /// Does the statements of a batch; how many rows each changed.
    pub(super) async fn run(&self, batch: Batch<'_>) -> Result<Vec<u64>, Failure> {
        self.in_time(async {
            let statements = self.prepared_all(&batch).await?;
            let values: Vec<_> = batch.0.iter().map(values_of).collect();
            let sent: Answers<'_, _> = (statements.iter().zip(&values))
                .map(|(statement, values)| Box::pin(self.client.execute(statement, values)) as Pin<Box<_>>)
                .collect();
            in_order(sent).await
        })
        .await
    }

    /// Does statements without values.
    pub(super) async fn script(&self, sql: &str) -> Result<(), Failure> {
        self.in_time(self.client.batch_execute(sql)).await
    }

    /// Does a statement that some engines do not know, and do without.
    pub(super) async fn script_if_known(&self, sql: &str) -> Result<(), Failure> {
        match self.script(sql).await {
            Err(Failure::Lost(error)) => Err(Failure::Lost(error)),
            Ok(()) | Err(Failure::Clash(_) | Failure::Held | Failure::Moved | Failure::Refused(_)) => Ok(()),
        }
    }

    async fn prepared_all(&self, batch: &Batch<'_>) -> Result<Vec<Statement>, Error> {
        let mut statements = Vec::with_capacity(batch.0.len());
        for step in &batch.0 {
            statements.push(self.prepared(step.sql).await?);
        }
        Ok(statements)
    }

    async fn prepared(&self, sql: &'static str) -> Result<Statement, Error> {
        let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }

    fn unheard_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unheard_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        self.unheard_since().get_or_insert_with(Instant::now);
        if let Ok(answer) = tokio::time::timeout(self.patience, answer).await {
            *self.unheard_since() = None;
            return Ok(answer?);
        }
        self.is_given_up.store(true, Ordering::Release);
        Err(Failure::Lost(unavailable("the database did not answer in time")))
    }
}

fn values_of<'s>(step: &'s Step<'_>) -> Vec<&'s (dyn ToSql + Sync)> {
    step.params.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()
}

/// Awaits all answers. A statement is sent when its answer is first asked for, so they are asked
/// for one after the other, and only then waited for. The first error is the cause of the others.
async fn in_order<T>(mut pending: Answers<'_, T>) -> Result<Vec<T>, Error> {
    let mut answers: Vec<Option<Result<T, Error>>> = pending.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (pending, answer) in pending.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match pending.as_mut().poll(context) {
                    Poll::Ready(ready) => *answer = Some(ready),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    answers.into_iter().flatten().collect()
}
