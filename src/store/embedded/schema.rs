//! The tables, and the settings that make a commit durable.

use rusqlite::Connection;

/// Raised with every change of the tables; a newer file is refused instead of misread.
const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL, dedup_key TEXT NOT NULL,
  received_at INTEGER NOT NULL, doc TEXT NOT NULL, UNIQUE (source, dedup_key));
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
CREATE INDEX IF NOT EXISTS slots_due ON slots (seq) WHERE version > sent_version AND dead = 0;
";

/// Sets up a connection that writes: WAL, and an fsync at every commit.
pub fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")?;
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(rusqlite::Error::ToSqlConversionFailure(
            format!("the file was written by a newer version (schema {found}, this one knows {VERSION})").into(),
        ));
    }
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "user_version", VERSION)
}

/// Sets up a connection that only reads.
pub fn prepare_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;")
}
