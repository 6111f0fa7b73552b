//! The store of one machine: SQLite in WAL mode, one writer with group commit, a few readers.

mod checkpoints;
mod inbox;
mod looks;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod things;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, params};
use tokio::sync::Semaphore;

use super::{
    AuditLine, Commit, Delivery, Document, DocumentKind, IncidentFilter, Look, Looks, Place, Recorded, Result, Settled, Similar, Slot,
    SlotUpdate, Store, StoreError, Work,
};
use crate::model::{AlertId, AuditEntry, Incident, IncidentId, Investigation, InvestigationId, Member, Priority, RawRecord};
use writer::Writer;

/// How many connections read at the same time; more would only wait for the same disk, and each costs a thread and its
/// memory.
const READERS: usize = 3;

/// The embedded store. Cheap to clone.
#[derive(Clone)]
pub struct Embedded {
    path: Arc<PathBuf>,
    writer: Writer,
    readers: Arc<Mutex<Vec<Connection>>>,
    /// Who reads holds one; who waits for one holds no thread.
    turns: Arc<Semaphore>,
}

fn unavailable(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

impl Embedded {
    /// Opens the file, or makes it with its folder.
    ///
    /// # Errors
    /// When the file cannot be made, is no store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Unavailable(format!("{}: {error}", folder.display())))?;
        }
        let connection = Connection::open(path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        schema::prepare_writer(&connection).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let checkpoints = checkpoints::start(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let writer = Writer::start(connection, checkpoints).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { path: Arc::new(path.to_owned()), writer, readers: Arc::default(), turns: Arc::new(Semaphore::new(READERS)) })
    }

    async fn read<T: Send + 'static>(&self, job: impl FnOnce(&Connection) -> Result<T> + Send + 'static) -> Result<T> {
        let (readers, path) = (Arc::clone(&self.readers), Arc::clone(&self.path));
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let task = tokio::task::spawn_blocking(move || {
            let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let result = job(&connection);
            readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            // The caller may have given up waiting: the turn ends when the reading does.
            drop(turn);
            result
        });
        task.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    schema::prepare_reader(&connection).map_err(unavailable)?;
    Ok(connection)
}

#[async_trait]
impl Store for Embedded {
    async fn record(&self, record: &RawRecord, priority: Priority) -> Result<Recorded> {
        let record = record.clone();
        self.writer.write(move |connection| rows::insert_record(connection, &record, priority)).await
    }

    async fn deliver(&self, delivery: Delivery) -> Result<()> {
        self.writer.append(delivery).await
    }

    async fn deliveries(&self, limit: usize) -> Result<Vec<Delivery>> {
        self.read(move |connection| inbox::list(connection, limit)).await
    }

    async fn settle(&self, settled: Vec<Settled>) -> Result<Vec<Recorded>> {
        self.writer.write(move |connection| inbox::settle(connection, &settled)).await
    }

    async fn load_record(&self, id: AlertId) -> Result<Option<RawRecord>> {
        self.read(move |connection| rows::document(connection, "SELECT doc FROM records WHERE id = ?1", params![id.to_string()])).await
    }

    async fn claim(&self, work: &str, now: Timestamp, lease_until: Timestamp) -> Result<Option<Work>> {
        let work = work.to_owned();
        self.writer.write(move |connection| rows::claim(connection, &work, millis(now), millis(lease_until))).await
    }

    async fn unfinished(&self, now: Timestamp, limit: usize) -> Result<Vec<(String, Priority)>> {
        self.read(move |connection| rows::unfinished(connection, millis(now), limit)).await
    }

    async fn take_over(&self) -> Result<()> {
        self.writer
            .write(|connection| connection.run("UPDATE work SET lease_until = 0 WHERE state = 'open'", []).map(drop).map_err(unavailable))
            .await
    }

    async fn give_back(&self, work: &Work, error: &str, not_before: Option<Timestamp>) -> Result<()> {
        let (work, error) = (work.clone(), error.to_owned());
        self.writer
            .write(move |connection| {
                let (state, at) = not_before.map_or(("dead", 0), |at| ("open", millis(at)));
                let changed = connection
                    .run(
                        "UPDATE work SET state = ?1, not_before = ?2, lease_until = 0, error = ?3, failures = failures + 1 WHERE id = ?4 AND epoch = ?5 AND state = 'open'",
                        params![state, at, error, work.id, work.epoch as i64],
                    )
                    .map_err(unavailable)?;
                if changed == 1 { Ok(()) } else { Err(StoreError::Fenced) }
            })
            .await
    }

    async fn hand_back(&self, work: &Work) -> Result<()> {
        let work = work.clone();
        self.writer
            .write(move |connection| {
                connection
                    .run(
                        "UPDATE work SET lease_until = 0 WHERE id = ?1 AND epoch = ?2 AND state = 'open'",
                        params![work.id, work.epoch as i64],
                    )
                    .map(drop)
                    .map_err(unavailable)
            })
            .await
    }

    async fn commit(&self, commit: Commit) -> Result<Vec<Incident>> {
        self.writer.write(move |connection| rows::commit(connection, commit)).await
    }

    async fn reserve_incident_ids(&self, count: u64) -> Result<IncidentId> {
        self.writer
            .write(move |connection| {
                connection
                    .one(
                        "INSERT INTO counters (name, value) VALUES ('incident', ?1)
                         ON CONFLICT (name) DO UPDATE SET value = value + ?1 RETURNING value",
                        [count as i64],
                        |row| row.get::<_, i64>(0),
                    )
                    .map(|last| IncidentId(last as u64 + 1 - count))
                    .map_err(unavailable)
            })
            .await
    }

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>> {
        self.read(move |connection| rows::document(connection, "SELECT doc FROM incidents WHERE id = ?1", params![id.0 as i64])).await
    }

    async fn incident_of(&self, fingerprint: &str) -> Result<Option<Incident>> {
        let fingerprint = fingerprint.to_owned();
        self.read(move |connection| {
            rows::document(
                connection,
                "SELECT doc FROM incidents WHERE fingerprint = ?1 OR id IN (SELECT incident FROM members WHERE fingerprint = ?1)
                 ORDER BY open DESC, id DESC LIMIT 1",
                params![fingerprint],
            )
        })
        .await
    }

    async fn incidents_with_keys(&self, keys: &[String]) -> Result<Vec<Incident>> {
        let keys = keys.to_vec();
        self.read(move |connection| things::incidents_with_keys(connection, &keys)).await
    }

    async fn incidents_in_thread(&self, channel: &str, ts: &str) -> Result<Vec<Incident>> {
        let (channel, ts) = (channel.to_owned(), ts.to_owned());
        self.read(move |connection| things::incidents_in_thread(connection, &channel, &ts)).await
    }

    async fn member(&self, incident: IncidentId, fingerprint: &str) -> Result<Option<Member>> {
        let fingerprint = fingerprint.to_owned();
        let sql = "SELECT doc FROM members WHERE incident = ?1 AND fingerprint = ?2";
        self.read(move |connection| rows::document(connection, sql, params![incident.0 as i64, fingerprint])).await
    }

    async fn members(&self, incident: IncidentId, skip: usize, limit: usize) -> Result<Vec<Member>> {
        self.read(move |connection| things::members(connection, incident, skip, limit)).await
    }

    async fn document(&self, kind: DocumentKind, key: &str) -> Result<Option<Document>> {
        let key = key.to_owned();
        self.read(move |connection| Ok(things::documents(connection, kind, Some(&key), 1)?.into_iter().next())).await
    }

    async fn documents(&self, kind: DocumentKind, limit: usize) -> Result<Vec<Document>> {
        self.read(move |connection| things::documents(connection, kind, None, limit)).await
    }

    async fn audit(&self, object: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>> {
        let object = object.map(str::to_owned);
        self.read(move |connection| things::audit(connection, object.as_deref(), limit)).await
    }

    async fn audit_lines(&self, after: u64, limit: usize) -> Result<Vec<AuditLine>> {
        self.read(move |connection| things::audit_lines(connection, after, limit)).await
    }

    async fn audit_count(&self) -> Result<u64> {
        self.read(things::audit_count).await
    }

    async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>> {
        let filter = filter.clone();
        self.read(move |connection| rows::incidents(connection, &filter)).await
    }

    async fn looks(&self, which: Looks, now: Timestamp) -> Result<Vec<Look>> {
        self.read(move |connection| looks::list(connection, which, millis(now))).await
    }

    async fn investigation(&self, id: InvestigationId) -> Result<Option<Investigation>> {
        self.read(move |connection| rows::document(connection, "SELECT doc FROM investigations WHERE id = ?1", params![id.to_string()]))
            .await
    }

    async fn similar(&self, text: &str, limit: usize) -> Result<Vec<Similar>> {
        let text = text.to_owned();
        self.read(move |connection| rows::similar(connection, &text, limit)).await
    }

    async fn due_slots(&self, now: Timestamp, limit: usize) -> Result<Vec<Slot>> {
        let due = self.read(move |connection| rows::due_slots(connection, millis(now), limit)).await?;
        for (key, error) in due.unreadable {
            // One row of another version must not silence all the others.
            tracing::error!(slot = %key, %error, "a message cannot be read and is put aside");
            self.slot_failed(&key, &error, false, None).await?;
        }
        Ok(due.slots)
    }

    async fn slot(&self, key: &str) -> Result<Option<Slot>> {
        let key = key.to_owned();
        self.read(move |connection| rows::slot(connection, &key)).await
    }

    async fn reactions_on(&self, channel: &str, ts: &str) -> Result<Vec<Slot>> {
        let prefix = SlotUpdate::reaction_prefix(channel, ts);
        self.read(move |connection| rows::slots_below(connection, &prefix)).await
    }

    async fn slot_started(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.writer
            .write(move |connection| {
                connection.run("UPDATE slots SET in_doubt = 1 WHERE key = ?1", params![key]).map(drop).map_err(unavailable)
            })
            .await
    }

    async fn slot_sent(&self, key: &str, version: u64, ts: &str, note: &str) -> Result<()> {
        let (key, ts, note) = (key.to_owned(), ts.to_owned(), note.to_owned());
        self.writer
            .write(move |connection| {
                connection
                    .run(
                        "UPDATE slots SET sent_version = MAX(sent_version, ?2), ts = ?3, note = ?4, in_doubt = 0, attempts = 0, error = '' WHERE key = ?1",
                        params![key, version as i64, ts, note],
                    )
                    .map(drop)
                    .map_err(unavailable)
            })
            .await
    }

    async fn slot_failed(&self, key: &str, error: &str, ambiguous: bool, not_before: Option<Timestamp>) -> Result<()> {
        let (key, error) = (key.to_owned(), error.to_owned());
        self.writer
            .write(move |connection| {
                connection
                    .run(
                        "UPDATE slots SET error = ?2, in_doubt = ?3, dead = ?4, not_before = ?5, attempts = attempts + 1 WHERE key = ?1",
                        params![key, error, ambiguous, not_before.is_none(), not_before.map_or(0, millis)],
                    )
                    .map(drop)
                    .map_err(unavailable)
            })
            .await
    }

    async fn slot_lost(&self, key: &str, place: &Place) -> Result<()> {
        let (key, place) = (key.to_owned(), serde_json::to_string(place).map_err(corrupt)?);
        self.writer
            .write(move |connection| {
                connection
                    .run(
                        "UPDATE slots SET ts = NULL, sent_version = 0, in_doubt = 0, note = '', place = ?2 WHERE key = ?1",
                        params![key, place],
                    )
                    .map(drop)
                    .map_err(unavailable)
            })
            .await
    }

    async fn prune(&self, before: Timestamp) -> Result<usize> {
        self.writer.write(move |connection| rows::prune(connection, millis(before))).await
    }

    async fn ping(&self) -> Result<()> {
        self.writer
            .write(|connection| {
                connection
                    .run("INSERT INTO counters (name, value) VALUES ('ping', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", [])
                    .map(drop)
                    .map_err(unavailable)
            })
            .await
    }
}

/// Statements that stay prepared: to prepare one costs more than to run it.
trait Prepared {
    /// How many rows it changed.
    fn run(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize>;

    fn one<T>(&self, sql: &str, parameters: impl Params, read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T>;
}

impl Prepared for Connection {
    fn run(&self, sql: &str, parameters: impl Params) -> rusqlite::Result<usize> {
        self.prepare_cached(sql)?.execute(parameters)
    }

    fn one<T>(&self, sql: &str, parameters: impl Params, read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.prepare_cached(sql)?.query_row(parameters, read)
    }
}

/// Runs a query that gives at most one JSON document.
fn optional<T>(result: rusqlite::Result<T>) -> Result<Option<T>> {
    result.optional().map_err(unavailable)
}
