//! One thread writes; what waits while it commits goes into the next commit together (group commit).

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::unavailable;
use crate::store::{Result, StoreError};

/// How many jobs may share one commit: enough to amortise the fsync, few enough to keep the worst wait in milliseconds.
const BATCH: usize = 256;
/// How many jobs may wait; beyond it callers wait for a place, which slows the senders down instead of filling the memory.
const WAITING: usize = 4096;

/// One unit of work: runs inside a savepoint, its result is told after the commit.
type Job = Box<dyn FnOnce(&Connection) -> Box<dyn FnOnce(std::result::Result<(), StoreError>) + Send> + Send>;

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
        let boxed: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, job);
            Box::new(move |committed| {
                // The caller may have given up waiting; then nobody needs the answer.
                let _ = answer.send(committed.and(result));
            })
        });
        let jobs = self.jobs.clone();
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        match jobs.try_send(boxed) {
            Ok(()) => {}
            Err(std::sync::mpsc::TrySendError::Full(boxed)) => {
                tokio::task::spawn_blocking(move || jobs.send(boxed)).await.map_err(|_| gone())?.map_err(|_| gone())?;
            }
            Err(std::sync::mpsc::TrySendError::Disconnected(_)) => return Err(gone()),
        }
        answered.await.map_err(|_| gone())?
    }
}

fn in_savepoint<T>(connection: &Connection, job: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.execute_batch("SAVEPOINT job").map_err(unavailable)?;
    let result = job(connection);
    let end = if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
    connection.execute_batch(end).map_err(unavailable)?;
    result
}

fn run(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            // Without a transaction nothing may run; each caller is told, and the next batch tries afresh.
            tracing::error!(%error, "the store cannot begin a transaction");
            refuse(connection, batch, &error.to_string());
            continue;
        }
        let answers: Vec<_> = batch.into_iter().map(|job| job(connection)).collect();
        let committed = connection.execute_batch("COMMIT");
        if let Err(error) = &committed {
            tracing::error!(%error, "the store cannot commit");
            // A failed rollback leaves no open transaction either; the next BEGIN would say so.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(committed.as_ref().map_err(|error| StoreError::Unavailable(error.to_string())).copied());
        }
    }
}

/// Answers every job of a batch with the error; the jobs run on a transaction that is rolled back, for their answers only.
fn refuse(connection: &Connection, batch: Vec<Job>, error: &str) {
    for job in batch {
        let _ = connection.execute_batch("BEGIN");
        let answer = job(connection);
        let _ = connection.execute_batch("ROLLBACK");
        answer(Err(StoreError::Unavailable(error.to_owned())));
    }
}
