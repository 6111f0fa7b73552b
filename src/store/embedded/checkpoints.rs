//! Moves what was committed from the log into the file, beside the writer: a commit waits for its own fsync and nothing else.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;

use super::schema;

/// How many passes one round may take: what is committed during a pass is left for the next, and each is shorter than
/// the one before.
const PASSES: usize = 3;
/// How long the log may hold what is committed when nobody asks. A round makes the commits beside it wait some milliseconds
/// for the same disk, so it should be rare.
const IDLE: Duration = Duration::from_secs(20);

/// Asks for a round; a wish that waits already is enough.
#[derive(Clone)]
pub struct Checkpoints {
    wishes: SyncSender<()>,
    /// What is left to move is what was committed a moment ago: the writer, between two commits, can end it.
    nearly: Arc<AtomicBool>,
}

impl Checkpoints {
    pub fn ask(&self) {
        match self.wishes.try_send(()) {
            // Without the thread the log only grows until the next start.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }

    /// The writer's part, between two commits: moves the little that came during the last pass, so that the log begins anew.
    pub fn end(&self, connection: &Connection) {
        if self.nearly.swap(false, Ordering::Relaxed)
            && let Err(error) = pass(connection)
        {
            tracing::debug!(%error, "the log could not be moved into the file yet");
        }
    }
}

/// Starts the thread; it ends when the last [`Checkpoints`] is dropped.
pub fn start(path: &Path) -> anyhow::Result<Checkpoints> {
    let connection = Connection::open(path)?;
    schema::prepare_checkpoints(&connection)?;
    let (wishes, asked) = sync_channel(1);
    let nearly = Arc::<AtomicBool>::default();
    let behind = Arc::clone(&nearly);
    thread::Builder::new().name("store-log".to_owned()).spawn(move || run(&connection, &asked, &behind))?;
    Ok(Checkpoints { wishes, nearly })
}

fn run(connection: &Connection, asked: &Receiver<()>, nearly: &AtomicBool) {
    loop {
        match asked.recv_timeout(IDLE) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        for round in 1..=PASSES {
            match pass(connection) {
                // All of the log is in the file: the next commit starts the log anew.
                Ok((in_log, moved)) if moved >= in_log => break,
                Ok(_) if round == PASSES => nearly.store(true, Ordering::Relaxed),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "the log could not be moved into the file yet");
                    break;
                }
            }
        }
    }
}

/// One pass that disturbs nobody: how many pages the log has, and how many of them are in the file.
fn pass(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok((row.get(1)?, row.get(2)?)))
}
