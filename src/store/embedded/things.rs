//! The statements for what belongs to incidents and what stands beside them: alerts, keys, documents, the audit log.

use rusqlite::{Connection, params};

use super::{Prepared, corrupt, millis, optional, rows::parsed, unavailable};
use crate::{
    model::{AuditEntry, Incident, IncidentId, Member},
    store::{AuditLine, Document, DocumentKind, DocumentUpdate, Result, audit},
};

/// The most rows that a list hands out.
const LIST_MAX: usize = 1000;
/// The most incidents that a key or a thread leads to.
const FOUND_MAX: i64 = 20;

pub fn put_keys(connection: &Connection, incident: i64, keys: &[String]) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM incident_keys WHERE incident = ?1")
        .map_err(unavailable)?
        .execute([incident])
        .map_err(unavailable)?;
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO incident_keys (key, incident) VALUES (?1, ?2)").map_err(unavailable)?;
    keys.iter().try_for_each(|key| insert.execute(params![key, incident]).map(drop).map_err(unavailable))
}

pub fn incidents_with_keys(connection: &Connection, keys: &[String]) -> Result<Vec<Incident>> {
    let keys = serde_json::to_string(keys).map_err(corrupt)?;
    let mut statement = connection
        .prepare_cached(
            "SELECT doc FROM incidents WHERE open = 1 AND id IN
               (SELECT incident FROM incident_keys WHERE key IN (SELECT value FROM json_each(?1))) ORDER BY id DESC LIMIT ?2",
        )
        .map_err(unavailable)?;
    parsed(statement.query_map(params![keys, FOUND_MAX], |row| row.get(0)).map_err(unavailable)?)
}

pub fn incidents_in_thread(connection: &Connection, channel: &str, ts: &str) -> Result<Vec<Incident>> {
    let mut statement = connection
        .prepare_cached("SELECT doc FROM incidents WHERE thread = ?1 AND thread <> '' ORDER BY id DESC LIMIT ?2")
        .map_err(unavailable)?;
    parsed(statement.query_map(params![format!("{channel}/{ts}"), FOUND_MAX], |row| row.get(0)).map_err(unavailable)?)
}

pub fn put_members(connection: &Connection, members: &[Member]) -> Result<()> {
    let mut upsert = connection
        .prepare_cached(
            "INSERT INTO members (incident, fingerprint, doc) VALUES (?1, ?2, ?3) ON CONFLICT (incident, fingerprint) DO UPDATE SET doc = ?3",
        )
        .map_err(unavailable)?;
    members.iter().try_for_each(|member| {
        let doc = serde_json::to_string(member).map_err(corrupt)?;
        upsert.execute(params![member.incident.0 as i64, member.fingerprint, doc]).map(drop).map_err(unavailable)
    })
}

pub fn members(connection: &Connection, incident: IncidentId, skip: usize, limit: usize) -> Result<Vec<Member>> {
    let mut statement =
        connection.prepare_cached("SELECT doc FROM members WHERE incident = ?1 ORDER BY seq LIMIT ?2 OFFSET ?3").map_err(unavailable)?;
    let page = params![incident.0 as i64, limit.min(LIST_MAX) as i64, skip as i64];
    parsed(statement.query_map(page, |row| row.get(0)).map_err(unavailable)?)
}

pub fn put_documents(connection: &Connection, documents: &[DocumentUpdate]) -> Result<()> {
    documents.iter().try_for_each(|document| {
        // Written anew, so that its number says when it was written last.
        connection
            .run("DELETE FROM documents WHERE kind = ?1 AND key = ?2", params![document.kind.as_str(), document.key])
            .map_err(unavailable)?;
        let Some(body) = &document.body else { return Ok(()) };
        connection
            .run(
                "INSERT INTO documents (kind, key, doc) VALUES (?1, ?2, ?3)",
                params![document.kind.as_str(), document.key, body.to_string()],
            )
            .map(drop)
            .map_err(unavailable)
    })
}

/// Whether each document still has the sequence that it is known with; 0 means that there was none.
pub fn are_unchanged(connection: &Connection, known: &[(DocumentKind, String, u64)]) -> Result<bool> {
    for (kind, key, sequence) in known {
        let found: Option<i64> = optional(connection.query_row(
            "SELECT seq FROM documents WHERE kind = ?1 AND key = ?2",
            params![kind.as_str(), key],
            |row| row.get(0),
        ))?;
        if found.unwrap_or(0).unsigned_abs() != *sequence {
            return Ok(false);
        }
    }
    Ok(true)
}

pub fn documents(connection: &Connection, kind: DocumentKind, key: Option<&str>, limit: usize) -> Result<Vec<Document>> {
    let mut statement = connection
        .prepare_cached("SELECT key, doc, seq FROM documents WHERE kind = ?1 AND (?2 IS NULL OR key = ?2) ORDER BY seq DESC LIMIT ?3")
        .map_err(unavailable)?;
    let rows = statement
        .query_map(params![kind.as_str(), key, limit.min(LIST_MAX) as i64], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })
        .map_err(unavailable)?;
    rows.map(|row| {
        let (key, doc, sequence) = row.map_err(unavailable)?;
        Ok(Document { key, body: serde_json::from_str(&doc).map_err(corrupt)?, sequence: sequence.unsigned_abs() })
    })
    .collect()
}

/// Adds lines to the end of the chain.
pub fn put_audit(connection: &Connection, entries: &[AuditEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut sequence, mut previous) = audit_head(connection)?;
    let mut insert =
        connection.prepare_cached("INSERT INTO audit (seq, at, object, doc, hash) VALUES (?1, ?2, ?3, ?4, ?5)").map_err(unavailable)?;
    entries.iter().try_for_each(|entry| {
        let text = serde_json::to_string(entry).map_err(corrupt)?;
        sequence += 1;
        previous = audit::link(&previous, sequence, &text);
        insert.execute(params![sequence as i64, millis(entry.at), entry.object, text, previous]).map(drop).map_err(unavailable)
    })
}

/// The last line's number, as the store counts them, and its hash.
fn audit_head(connection: &Connection) -> Result<(u64, String)> {
    let last = optional(
        connection
            .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
            .map_err(unavailable)?
            .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, String>(1)?))),
    )?;
    let (sequence, hash) = last.unwrap_or_else(|| (0, audit::GENESIS.to_owned()));
    // A line that was taken off the end keeps its number: the gap shows.
    Ok((sequence.max(audit_count(connection)?), hash))
}

/// Gives the lines of an older file their hashes.
pub fn chain_audit(connection: &Connection) -> rusqlite::Result<()> {
    let rows: Vec<(i64, String)> = connection
        .prepare("SELECT seq, doc FROM audit ORDER BY seq")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    connection.execute("DELETE FROM audit_new", [])?;
    let mut previous = audit::GENESIS.to_owned();
    for (at, (old, text)) in rows.into_iter().enumerate() {
        let sequence = at as u64 + 1;
        previous = audit::link(&previous, sequence, &text);
        connection.execute(
            "INSERT INTO audit_new (seq, at, object, doc, hash) SELECT ?1, at, object, doc, ?2 FROM audit WHERE seq = ?3",
            params![sequence as i64, previous, old],
        )?;
    }
    Ok(())
}

pub fn audit_count(connection: &Connection) -> Result<u64> {
    let found: Option<i64> = optional(
        connection
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
            .map_err(unavailable)?
            .query_row([], |row| row.get(0)),
    )?;
    Ok(found.unwrap_or(0).unsigned_abs())
}

pub fn audit_lines(connection: &Connection, after: u64, limit: usize) -> Result<Vec<AuditLine>> {
    let mut statement =
        connection.prepare_cached("SELECT seq, hash, doc FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2").map_err(unavailable)?;
    let rows = statement
        .query_map(params![i64::try_from(after).unwrap_or(i64::MAX), limit.min(LIST_MAX) as i64], |row| {
            Ok(AuditLine { sequence: row.get::<_, i64>(0)?.unsigned_abs(), hash: row.get(1)?, text: row.get(2)? })
        })
        .map_err(unavailable)?;
    rows.map(|row| row.map_err(unavailable)).collect()
}

pub fn audit(connection: &Connection, object: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = connection
        .prepare_cached("SELECT doc FROM audit WHERE (?1 IS NULL OR object = ?1) ORDER BY seq DESC LIMIT ?2")
        .map_err(unavailable)?;
    parsed(statement.query_map(params![object, limit.min(LIST_MAX) as i64], |row| row.get(0)).map_err(unavailable)?)
}
