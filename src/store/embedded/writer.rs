//! One thread writes; what waits while it commits goes into the next commit together (group commit).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::unavailable;
use crate::store::{Result, StoreError};

/// How many jobs may share one commit: enough to amortise the fsync, few enough to keep the worst wait in milliseconds.
const BATCH: usize = 256;
/// How many jobs may wait.
const WAITING: usize = 4096;
/// How long a caller tries to get a place among the waiting before it is told that the store is too busy. Below the
/// three seconds that Slack waits for its answer.
const PLACE_WAIT: Duration = Duration::from_millis(1500);

/// One unit of work: `run` inside a savepoint, `answer` after the commit, or without ever running when there can be none.
struct Job {
    run: Box<dyn FnOnce(&Connection) + Send>,
    answer: Box<dyn FnOnce(Result<()>) + Send>,
}

/// The writer's end for callers.
#[derive(Clone)]
pub struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread; it ends when the last `Writer` is dropped.
    pub fn start(connection: Connection) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(WAITING);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&connection, &waiting))?;
        Ok(Self { jobs })
    }

    /// Runs `job` in a transaction; the answer comes after the transaction is on disk.
    pub async fn write<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let outcome: Arc<Mutex<Option<Result<T>>>> = Arc::default();
        let kept = Arc::clone(&outcome);
        let mut job = Job {
            run: Box::new(move |connection| {
                let result = in_savepoint(connection, job);
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }),
            answer: Box::new(move |committed| {
                let ran = outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
                let missing = || Err(StoreError::Unavailable("the write was not carried out".to_owned()));
                // The caller may have given up waiting; then nobody needs the answer.
                let _ = answer.send(committed.and_then(|()| ran.unwrap_or_else(missing)));
            }),
        };
        let patience = tokio::time::Instant::now() + PLACE_WAIT;
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if tokio::time::Instant::now() < patience => {
                    job = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(TrySendError::Full(_)) => return Err(StoreError::Unavailable("too many writes are waiting".to_owned())),
                Err(TrySendError::Disconnected(_)) => return Err(stopped()),
            }
        }
        answered.await.map_err(|_| stopped())?
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

fn in_savepoint<T>(connection: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.execute_batch("SAVEPOINT job").map_err(unavailable)?;
    // A defect in one job must not end the thread that all the others need.
    let result = catch_unwind(AssertUnwindSafe(|| job(connection)))
        .unwrap_or_else(|_| Err(StoreError::Corrupt("a write has failed inside; see the log".to_owned())));
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    connection.execute_batch(end).map_err(unavailable)?;
    result
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        let mut answers = Vec::with_capacity(batch.len());
        let mut outcome = connection.execute_batch("BEGIN IMMEDIATE").map_err(unavailable);
        for job in batch {
            if outcome.is_ok() {
                (job.run)(connection);
                if connection.is_autocommit() {
                    // SQLite has rolled everything back by itself (disk full, I/O error): nothing of this batch is there.
                    outcome = Err(StoreError::Unavailable("the transaction was rolled back".to_owned()));
                }
            }
            answers.push(job.answer);
        }
        if outcome.is_ok() {
            outcome = connection.execute_batch("COMMIT").map_err(unavailable);
        }
        if let Err(error) = &outcome {
            tracing::error!(%error, "the store cannot commit");
            if !connection.is_autocommit() {
                // When even this fails, the next BEGIN fails too and says so.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        for answer in answers {
            answer(match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            });
        }
    }
}
