//! The tables, and the settings that make a commit durable.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::things;

/// Raised with every change of the tables; a newer file is refused instead of misread.
const VERSION: i64 = 4;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, dedup_key TEXT NOT NULL,
  received_at INTEGER NOT NULL, doc TEXT NOT NULL, UNIQUE (source, dedup_key));
CREATE TABLE IF NOT EXISTS inbox (
  seq INTEGER PRIMARY KEY, source TEXT NOT NULL, key TEXT NOT NULL, team TEXT NOT NULL, received_at INTEGER NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS work (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, priority INTEGER NOT NULL,
  state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0, lease_until INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS work_open ON work (priority, seq) WHERE state = 'open';
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS incidents (
  id INTEGER PRIMARY KEY, version INTEGER NOT NULL, fingerprint TEXT NOT NULL, open INTEGER NOT NULL, service TEXT NOT NULL,
  opened_at INTEGER NOT NULL, doc TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS incidents_open ON incidents (fingerprint) WHERE open = 1;
CREATE INDEX IF NOT EXISTS incidents_fingerprint ON incidents (fingerprint, open DESC, id DESC);
CREATE INDEX IF NOT EXISTS incidents_service ON incidents (service, opened_at DESC);
CREATE TABLE IF NOT EXISTS investigations (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS incidents_text USING fts5(title, service, cause, tokenize = 'porter unicode61');
CREATE TABLE IF NOT EXISTS slots (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, incident INTEGER NOT NULL, channel TEXT NOT NULL,
  place TEXT NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL, sent_version INTEGER NOT NULL DEFAULT 0,
  ts TEXT, in_doubt INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
  delivery TEXT NOT NULL DEFAULT (lower(hex(randomblob(10)))));
CREATE TABLE IF NOT EXISTS incident_keys (key TEXT NOT NULL, incident INTEGER NOT NULL, PRIMARY KEY (key, incident)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incident_keys_incident ON incident_keys (incident);
CREATE TABLE IF NOT EXISTS members (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, incident INTEGER NOT NULL, fingerprint TEXT NOT NULL, doc TEXT NOT NULL,
  UNIQUE (incident, fingerprint));
CREATE INDEX IF NOT EXISTS members_fingerprint ON members (fingerprint, incident);
CREATE TABLE IF NOT EXISTS documents (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL, doc TEXT NOT NULL, UNIQUE (kind, key));
CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, object TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS audit_object ON audit (object, seq);
CREATE INDEX IF NOT EXISTS slots_due ON slots (seq) WHERE version > sent_version AND dead = 0;
";

/// What each version has that the one before had not; run once, in order, on a file of an earlier version.
const STEPS: &[(i64, &str)] = &[
    (
        2,
        "ALTER TABLE incidents ADD COLUMN thread TEXT NOT NULL DEFAULT '';
     ALTER TABLE incidents ADD COLUMN owner TEXT NOT NULL DEFAULT '';
     CREATE INDEX incidents_thread ON incidents (thread) WHERE thread <> '';
     ALTER TABLE slots ADD COLUMN team TEXT NOT NULL DEFAULT '';
     UPDATE incidents SET owner = COALESCE(json_extract(doc, '$.owner'), ''),
       thread = COALESCE(json_extract(doc, '$.thread.channel') || '/' || json_extract(doc, '$.thread.ts'), '');",
    ),
    (
        AUDIT_CHAIN,
        "CREATE TABLE audit_new (
           seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, object TEXT NOT NULL, doc TEXT NOT NULL, hash TEXT NOT NULL);",
    ),
];

/// The version whose audit log is a chain: the lines of an older one are hashed once.
const AUDIT_CHAIN: i64 = 4;

/// How many statements stay prepared: all that the store has.
const STATEMENTS: usize = 128;

/// Sets up a connection that writes: WAL, and an fsync at every commit. The log is moved into the file beside it
/// (`checkpoints`); only when that cannot keep up and the log has 64 MiB does a commit do it itself.
pub fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(rusqlite::Error::ToSqlConversionFailure(
            format!("the file was written by a newer version (schema {found}, this one knows {VERSION})").into(),
        ));
    }
    if found == VERSION {
        return Ok(());
    }
    // The write lock at once: one that is asked for after reading is refused without waiting while somebody else writes.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(TABLES)?;
    // A new file is at version 0 and takes every step on its empty tables.
    for (version, step) in STEPS.iter().filter(|(version, _)| *version > found) {
        transaction.execute_batch(step)?;
        if *version == AUDIT_CHAIN {
            things::chain_audit(&transaction)?;
            transaction.execute_batch(
                "DROP TABLE audit; ALTER TABLE audit_new RENAME TO audit; CREATE INDEX audit_object ON audit (object, seq);",
            )?;
        }
        tracing::debug!(version, "the store's tables were brought up to date");
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Sets up the connection that moves the log into the file.
pub fn prepare_checkpoints(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0; PRAGMA cache_size = -64;")
}

/// Sets up a connection that only reads.
pub fn prepare_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -512;")
}
