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

use super::{checkpoints::Checkpoints, inbox, unavailable};
use crate::store::{Delivery, Result, StoreError};

/// How many jobs may share one commit: enough to amortise the fsync, few enough to keep the worst wait in milliseconds.
const BATCH: usize = 256;
/// From so many jobs in one commit on there is a crowd, and the next commit waits a moment for more of them: each commit
/// costs an fsync and its share of the processor, whatever it holds.
const CROWD: usize = 4;
/// That moment. Far below what anybody who waits for an answer would notice.
const MOMENT: Duration = Duration::from_micros(300);
/// After so many jobs the log is moved into the file.
const CHECKPOINT_JOBS: usize = 10_000;
/// How many jobs may wait.
const WAITING: usize = 4096;
/// How long a caller tries to get a place among the waiting before it is told that the store is too busy. Below the
/// three seconds that Slack waits for its answer.
const PLACE_WAIT: Duration = Duration::from_millis(1500);

/// One unit of work.
enum Job {
    /// `run` inside a savepoint, `answer` after the commit, or without ever running when there can be none.
    Unit { run: Box<dyn FnOnce(&Connection) + Send>, answer: Box<dyn FnOnce(Result<()>) + Send> },
    /// The one that senders wait for: a single statement, which needs no savepoint.
    Append { delivery: Delivery, answer: oneshot::Sender<Result<()>> },
}

/// The writer's end for callers.
#[derive(Clone)]
pub struct Writer {
    jobs: SyncSender<Job>,
}

/// What is still to be told after the commit.
enum Answer {
    Unit(Box<dyn FnOnce(Result<()>) + Send>),
    Append(oneshot::Sender<Result<()>>, Result<()>),
}

impl Writer {
    /// Starts the thread; it ends when the last `Writer` is dropped.
    pub fn start(connection: Connection, checkpoints: Checkpoints) -> std::io::Result<Self> {
        let (jobs, waiting) = sync_channel::<Job>(WAITING);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || run(&connection, &waiting, &checkpoints))?;
        Ok(Self { jobs })
    }

    /// Runs `job` in a transaction; the answer comes after the transaction is on disk.
    pub async fn write<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let outcome: Arc<Mutex<Option<Result<T>>>> = Arc::default();
        let kept = Arc::clone(&outcome);
        let job = Job::Unit {
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
        self.send(job).await?;
        answered.await.map_err(|_| stopped())?
    }

    /// Adds a delivery to those that wait to be read; the answer comes after it is on disk.
    pub async fn append(&self, delivery: Delivery) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Append { delivery, answer }).await?;
        answered.await.map_err(|_| stopped())?
    }

    async fn send(&self, mut job: Job) -> Result<()> {
        let mut patience = None;
        loop {
            match self.jobs.try_send(job) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back)) => {
                    let now = tokio::time::Instant::now();
                    if now >= *patience.get_or_insert(now + PLACE_WAIT) {
                        return Err(StoreError::Unavailable("too many writes are waiting".to_owned()));
                    }
                    job = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(TrySendError::Disconnected(_)) => return Err(stopped()),
            }
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

fn in_savepoint<T>(connection: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    simple(connection, "SAVEPOINT job")?;
    // A defect in one job must not end the thread that all the others need.
    let result = catch_unwind(AssertUnwindSafe(|| job(connection)))
        .unwrap_or_else(|_| Err(StoreError::Corrupt("a write has failed inside; see the log".to_owned())));
    if result.is_err() {
        simple(connection, "ROLLBACK TO job")?;
    }
    simple(connection, "RELEASE job")?;
    result
}

/// A statement without values, prepared once.
fn simple(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(unavailable)
}

fn run(connection: &Connection, waiting: &Receiver<Job>, checkpoints: &Checkpoints) {
    let (mut crowd, mut since_checkpoint) = (false, 0);
    while let Ok(first) = waiting.recv() {
        if crowd {
            thread::sleep(MOMENT);
        }
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        crowd = batch.len() >= CROWD;
        since_checkpoint += batch.len();
        commit(connection, batch);
        checkpoints.end(connection);
        if since_checkpoint >= CHECKPOINT_JOBS {
            since_checkpoint = 0;
            checkpoints.ask();
        }
    }
}

/// Runs the jobs in one transaction and answers them when it is on disk, or could not be.
fn commit(connection: &Connection, batch: Vec<Job>) {
    let mut answers = Vec::with_capacity(batch.len());
    let mut outcome = simple(connection, "BEGIN IMMEDIATE");
    for job in batch {
        let begun = outcome.is_ok();
        answers.push(match job {
            Job::Unit { run, answer } => {
                if begun {
                    run(connection);
                }
                Answer::Unit(answer)
            }
            Job::Append { delivery, answer } => Answer::Append(answer, if begun { inbox::append(connection, &delivery) } else { Ok(()) }),
        });
        if begun && connection.is_autocommit() {
            // SQLite has rolled everything back by itself (disk full, I/O error): nothing of this batch is there.
            outcome = Err(StoreError::Unavailable("the transaction was rolled back".to_owned()));
        }
    }
    if outcome.is_ok() {
        outcome = simple(connection, "COMMIT");
    }
    if let Err(error) = &outcome {
        tracing::error!(%error, "the store cannot commit");
        if !connection.is_autocommit() {
            // When even this fails, the next BEGIN fails too and says so.
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
    for answer in answers {
        let committed = outcome.as_ref().map(|_| ()).map_err(|error| StoreError::Unavailable(error.to_string()));
        match answer {
            Answer::Unit(answer) => answer(committed),
            // The caller may have given up waiting; then nobody needs the answer.
            Answer::Append(answer, ran) => drop(answer.send(committed.and(ran))),
        }
    }
}
