//! The statements: each function is one question or one change, inside the caller's transaction.

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, params};
use serde::de::DeserializeOwned;

use super::{Prepared, corrupt, millis, optional, things, unavailable};
use crate::{
    model::{Incident, IncidentId, Priority, RawRecord},
    store::{Commit, DocumentKind, IncidentFilter, NewWork, Recorded, Result, Similar, Slot, SlotUpdate, StoreError, Work, WorkKind},
};

/// The most rows that a list hands out.
const LIST_MAX: usize = 500;
/// How many answers of the API, and how many results of tasks, are kept; the oldest go first.
const ANSWERS_MAX: i64 = 20_000;
/// How many words of a text are searched for: more cost time and find no better match.
const SEARCH_WORDS: usize = 24;

pub fn document<T: DeserializeOwned>(connection: &Connection, sql: &str, parameters: impl Params) -> Result<Option<T>> {
    let text: Option<String> = optional(connection.one(sql, parameters, |row| row.get(0)))?;
    text.map(|text| serde_json::from_str(&text).map_err(corrupt)).transpose()
}

pub fn insert_record(connection: &Connection, record: &RawRecord, priority: Priority) -> Result<Recorded> {
    let doc = serde_json::to_string(record).map_err(corrupt)?;
    let inserted = execute(
        connection,
        "INSERT INTO records (id, source, dedup_key, received_at, doc) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![record.id.to_string(), record.source.as_str(), record.dedup_key, millis(record.received_at), doc],
    )?;
    if inserted == 0 {
        let id: String = connection
            .one("SELECT id FROM records WHERE source = ?1 AND dedup_key = ?2", params![record.source.as_str(), record.dedup_key], |row| {
                row.get(0)
            })
            .map_err(unavailable)?;
        return Ok(Recorded::Duplicate(id.parse().map_err(corrupt)?));
    }
    enqueue(connection, &NewWork::now(WorkKind::Record(record.id), priority))?;
    Ok(Recorded::Fresh)
}

fn enqueue(connection: &Connection, work: &NewWork) -> Result<()> {
    let kind = serde_json::to_string(&work.kind).map_err(corrupt)?;
    execute(
        connection,
        "INSERT INTO work (id, kind, priority, state, not_before) VALUES (?1, ?2, ?3, 'open', ?4) ON CONFLICT DO NOTHING",
        params![work.kind.id(), kind, rank(work.priority), work.not_before.map_or(0, super::millis)],
    )
    .map(drop)
}

fn execute(connection: &Connection, sql: &str, parameters: impl Params) -> Result<usize> {
    connection.run(sql, parameters).map_err(unavailable)
}

pub fn claim(connection: &Connection, work: &str, now: i64, lease_until: i64) -> Result<Option<Work>> {
    let row = optional(connection.one(
        "UPDATE work SET lease_until = ?3, epoch = epoch + 1, attempts = attempts + 1
         WHERE id = ?1 AND state = 'open' AND not_before <= ?2 AND lease_until <= ?2
         RETURNING kind, priority, attempts, epoch, failures",
        params![work, now, lease_until],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, u32>(2)?, row.get::<_, i64>(3)?, row.get::<_, u32>(4)?)),
    ))?;
    let Some((kind, priority, attempts, epoch, failures)) = row else { return Ok(None) };
    let kind = serde_json::from_str(&kind).map_err(corrupt)?;
    Ok(Some(Work { id: work.to_owned(), kind, priority: unrank(priority), attempts, failures, epoch: epoch as u64 }))
}

pub fn unfinished(connection: &Connection, now: i64, limit: usize) -> Result<Vec<(String, Priority)>> {
    let mut statement = connection
        .prepare_cached(
            "SELECT id, priority FROM work WHERE state = 'open' AND not_before <= ?1 AND lease_until <= ?1 ORDER BY priority, seq LIMIT ?2",
        )
        .map_err(unavailable)?;
    let rows = statement.query_map(params![now, limit as i64], |row| Ok((row.get(0)?, unrank(row.get(1)?)))).map_err(unavailable)?;
    rows.collect::<rusqlite::Result<_>>().map_err(unavailable)
}

pub fn commit(connection: &Connection, commit: Commit) -> Result<Vec<Incident>> {
    for work in commit.done.iter().chain(&commit.also_done) {
        let changed = execute(
            connection,
            "UPDATE work SET state = 'done', error = '' WHERE id = ?1 AND epoch = ?2 AND state = 'open'",
            params![work.id, work.epoch as i64],
        )?;
        if changed != 1 {
            return Err(StoreError::Fenced);
        }
    }
    if !things::are_unchanged(connection, &commit.unchanged)? {
        return Err(StoreError::Conflict);
    }
    for incident in &commit.withdrawn {
        withdraw(connection, *incident)?;
    }
    let stored = commit.incidents.into_iter().map(|incident| put_incident(connection, incident)).collect::<Result<_>>()?;
    if let Some(investigation) = &commit.investigation {
        let doc = serde_json::to_string(investigation).map_err(corrupt)?;
        connection
            .run(
                "INSERT INTO investigations (id, doc) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET doc = ?2",
                params![investigation.id.to_string(), doc],
            )
            .map_err(unavailable)?;
    }
    for work in &commit.enqueue {
        enqueue(connection, work)?;
    }
    for slot in &commit.slots {
        put_slot(connection, slot)?;
    }
    things::put_members(connection, &commit.members)?;
    things::put_documents(connection, &commit.documents)?;
    things::put_audit(connection, &commit.audit)?;
    Ok(stored)
}

fn put_incident(connection: &Connection, mut incident: Incident) -> Result<Incident> {
    let before = incident.version;
    incident.version = before + 1;
    let doc = serde_json::to_string(&incident).map_err(corrupt)?;
    let open = !incident.state.is_closed();
    let id = incident.id.0 as i64;
    let thread = incident.thread.as_ref().map_or_else(String::new, |thread| format!("{}/{}", thread.channel, thread.ts));
    let owner = incident.owner.as_deref().unwrap_or_default();
    let result = if before == 0 {
        connection.run(
            "INSERT INTO incidents (id, version, fingerprint, open, service, opened_at, doc, thread, owner) VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![id, incident.fingerprint, open, incident.service, millis(incident.opened_at), doc, thread, owner],
        )
    } else {
        connection.run(
            "UPDATE incidents SET version = ?2, open = ?3, service = ?4, doc = ?5, thread = ?7, owner = ?8 WHERE id = ?1 AND version = ?6",
            params![id, incident.version as i64, open, incident.service, doc, before as i64, thread, owner],
        )
    };
    match result {
        Ok(1) => {}
        Ok(_) => return Err(StoreError::Conflict),
        // Two open incidents of one fingerprint, or one number twice: somebody was faster.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::ConstraintViolation => {
            return Err(StoreError::Conflict);
        }
        Err(error) => return Err(unavailable(error)),
    }
    things::put_keys(connection, id, if open { &incident.keys } else { &[] })?;
    let cause = incident.report.as_ref().and_then(|report| report.hypotheses.first()).map_or("", |first| first.statement.as_str());
    connection
        .run(
            "INSERT OR REPLACE INTO incidents_text (rowid, title, service, cause) VALUES (?1, ?2, ?3, ?4)",
            params![id, incident.title, incident.service, cause],
        )
        .map_err(unavailable)?;
    Ok(incident)
}

pub fn incidents(connection: &Connection, filter: &IncidentFilter) -> Result<Vec<Incident>> {
    let limit = if filter.limit == 0 { 50 } else { filter.limit.min(LIST_MAX) };
    let mut statement = connection
        .prepare_cached(
            "SELECT doc FROM incidents WHERE (?1 = 0 OR open = 1) AND (?2 IS NULL OR service = ?2) AND (?4 IS NULL OR owner = ?4)
             AND (?5 IS NULL OR opened_at >= ?5) AND (?6 IS NULL OR opened_at < ?6) AND (?7 IS NULL OR id < ?7)
             AND (?8 IS NULL OR json_extract(doc, '$.state') = ?8) AND (?9 IS NULL OR json_extract(doc, '$.priority') = ?9)
             AND (?10 IS NULL OR id IN (SELECT rowid FROM incidents_text WHERE incidents_text MATCH ?10))
             ORDER BY id DESC LIMIT ?3",
        )
        .map_err(unavailable)?;
    let words = match filter.text.as_deref().map(quoted) {
        // Nothing that could be looked for is found nowhere.
        Some(words) if words.is_empty() => return Ok(Vec::new()),
        words => words.map(|words| words.join(" ")),
    };
    let (state, priority) = (filter.state.map(|state| state.as_str()), filter.priority.map(|priority| priority.to_string()));
    let (since, until, before) = (filter.since.map(millis), filter.until.map(millis), filter.before.map(|id| id.0 as i64));
    let values = params![filter.open, filter.service, limit as i64, filter.owner, since, until, before, state, priority, words];
    let rows = statement.query_map(values, |row| row.get::<_, String>(0)).map_err(unavailable)?;
    parsed(rows)
}

/// The words of a text, each quoted, so that nothing in it can be read as a search operator.
fn quoted(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(SEARCH_WORDS)
        .map(|word| format!("\"{word}\""))
        .collect()
}

/// Rows of one JSON document each.
pub fn parsed<T: DeserializeOwned>(rows: impl Iterator<Item = rusqlite::Result<String>>) -> Result<Vec<T>> {
    rows.map(|text| serde_json::from_str(&text.map_err(unavailable)?).map_err(corrupt)).collect()
}

pub fn similar(connection: &Connection, text: &str, limit: usize) -> Result<Vec<Similar>> {
    // Each word is quoted, so that nothing in the text can be read as a search operator.
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.len() > 2)
        .take(SEARCH_WORDS)
        .map(|word| format!("\"{word}\""))
        .collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection
        .prepare_cached(
            "SELECT i.id, t.title, t.cause, i.opened_at FROM incidents_text t JOIN incidents i ON i.id = t.rowid
             WHERE incidents_text MATCH ?1 AND i.open = 0 ORDER BY bm25(incidents_text, 2.0, 4.0, 3.0), i.id DESC LIMIT ?2",
        )
        .map_err(unavailable)?;
    let rows = statement
        .query_map(params![words.join(" OR "), limit as i64], |row| {
            let at = Timestamp::from_millisecond(row.get(3)?).unwrap_or(Timestamp::UNIX_EPOCH);
            Ok(Similar { incident: IncidentId(row.get::<_, i64>(0)? as u64), title: row.get(1)?, cause: row.get(2)?, opened_at: at })
        })
        .map_err(unavailable)?;
    rows.collect::<rusqlite::Result<_>>().map_err(unavailable)
}

fn put_slot(connection: &Connection, slot: &SlotUpdate) -> Result<()> {
    let (place, body) = (serde_json::to_string(&slot.place).map_err(corrupt)?, serde_json::to_string(&slot.body).map_err(corrupt)?);
    connection
        .run(
            // The same wording again is no new version: nothing would be sent but an edit without a difference.
            "INSERT INTO slots (key, incident, channel, place, body, version, team) VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)
             ON CONFLICT (key) DO UPDATE SET body = ?5, version = version + 1, not_before = 0, dead = 0 WHERE body <> ?5",
            params![slot.key, slot.incident.0 as i64, slot.channel, place, body, slot.team],
        )
        .map(drop)
        .map_err(unavailable)
}

const SLOT_COLUMNS: &str = "SELECT s.key, s.incident, s.channel, s.place, s.body, s.version, s.sent_version, s.ts, c.ts AS card_ts, s.in_doubt, s.attempts, s.note, s.delivery, s.team";
const SLOT_TABLES: &str = " FROM slots s LEFT JOIN slots c ON c.incident = s.incident AND c.key = 'INC-' || s.incident || '/card'";

/// How many messages of one channel one look hands out: the others come with the next look, so that no channel starves another.
const PER_CHANNEL: i64 = 5;

/// What one look finds: messages that are due, and the keys of rows that cannot be read, each with why.
#[derive(Debug, Default)]
pub struct Due {
    pub slots: Vec<Slot>,
    pub unreadable: Vec<(String, String)>,
}

/// Looks for messages that are due.
pub fn due_slots(connection: &Connection, now: i64, limit: usize) -> Result<Due> {
    // The card leads its thread: nothing else of an incident goes out before it, unless it can never go out.
    // Within a channel a storm's summary goes first (a few others follow before it is looked at again), then what was
    // never posted, then edits of what is there; messages and reactions (the first eleven letters of the body) do not
    // take each other's places.
    let sql = format!(
        "SELECT * FROM ({SLOT_COLUMNS}, s.seq AS seq,
             ROW_NUMBER() OVER (PARTITION BY s.channel, substr(s.body, 1, 11) ORDER BY substr(s.key, 1, 6) <> 'storm/', s.ts IS NOT NULL, s.seq) AS place_in_channel
             {SLOT_TABLES} WHERE s.version > s.sent_version AND s.dead = 0 AND s.not_before <= ?1
             AND (c.key IS NULL OR c.key = s.key OR c.ts IS NOT NULL OR (c.dead = 1 AND s.place <> '\"under_card\"')))
         WHERE place_in_channel <= ?2 ORDER BY place_in_channel, seq LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
    let rows = statement
        .query_map(params![now, PER_CHANNEL, limit as i64], |row| Ok((row.get::<_, String>(0)?, read_slot(row)?)))
        .map_err(unavailable)?;
    let mut due = Due::default();
    for row in rows {
        match row.map_err(unavailable)? {
            (_, Ok(slot)) => due.slots.push(slot),
            (key, Err(error)) => due.unreadable.push((key, error.to_string())),
        }
    }
    Ok(due)
}

pub fn slot(connection: &Connection, key: &str) -> Result<Option<Slot>> {
    optional(connection.one(&format!("{SLOT_COLUMNS}{SLOT_TABLES} WHERE s.key = ?1"), params![key], read_slot))?.transpose()
}

/// The slots whose keys begin with `prefix`, which ends with a slash; at most 100.
pub fn slots_below(connection: &Connection, prefix: &str) -> Result<Vec<Slot>> {
    // The sign after the slash ends the range, so that the index of the keys serves it.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let sql = format!("{SLOT_COLUMNS}{SLOT_TABLES} WHERE s.key >= ?1 AND s.key < ?2 ORDER BY s.key LIMIT 100");
    let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
    let rows = statement.query_map(params![prefix, end], read_slot).map_err(unavailable)?;
    rows.map(|row| row.map_err(unavailable)?).collect()
}

/// What was never tried is taken away; what may be out stays as it is.
fn withdraw(connection: &Connection, incident: IncidentId) -> Result<()> {
    connection
        .execute("DELETE FROM slots WHERE incident = ?1 AND ts IS NULL AND in_doubt = 0 AND sent_version = 0", params![incident.0 as i64])
        .map(drop)
        .map_err(unavailable)
}

fn read_slot(row: &Row<'_>) -> rusqlite::Result<Result<Slot>> {
    let (place, body): (String, String) = (row.get(3)?, row.get(4)?);
    let parsed = serde_json::from_str(&place).and_then(|place| Ok((place, serde_json::from_str(&body)?)));
    let (place, body) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(corrupt(error))),
    };
    Ok(Ok(Slot {
        key: row.get(0)?,
        incident: IncidentId(row.get::<_, i64>(1)? as u64),
        channel: row.get(2)?,
        place,
        body,
        version: row.get::<_, i64>(5)? as u64,
        sent_version: row.get::<_, i64>(6)? as u64,
        ts: row.get(7)?,
        card_ts: row.get(8)?,
        in_doubt: row.get(9)?,
        attempts: row.get(10)?,
        note: row.get(11)?,
        delivery: row.get(12)?,
        team: row.get(13)?,
    }))
}

fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::P0 => 0,
        Priority::P1 => 1,
        Priority::P2 => 2,
        Priority::P3 => 3,
    }
}

fn unrank(rank: i64) -> Priority {
    match rank {
        0 => Priority::P0,
        1 => Priority::P1,
        2 => Priority::P2,
        _ => Priority::P3,
    }
}

pub fn prune(connection: &Connection, before: i64) -> Result<usize> {
    const FINISHED: &[&str] = &[
        "DELETE FROM work WHERE state = 'done' AND kind LIKE '%record%' AND id IN (SELECT 'record/' || id FROM records WHERE received_at < ?1)",
        "DELETE FROM records WHERE received_at < ?1 AND NOT EXISTS (SELECT 1 FROM work WHERE work.id = 'record/' || records.id)",
        "DELETE FROM slots WHERE incident IN (SELECT id FROM incidents WHERE open = 0 AND opened_at < ?1)",
        "DELETE FROM members WHERE incident IN (SELECT id FROM incidents WHERE open = 0 AND opened_at < ?1)",
    ];
    let gone = FINISHED.iter().try_fold(0, |gone, sql| Ok(gone + connection.run(sql, params![before]).map_err(unavailable)?))?;
    [DocumentKind::Answer, DocumentKind::Task].iter().try_fold(gone, |gone, kind| {
        let sql = "DELETE FROM documents WHERE kind = ?1
                   AND seq <= (SELECT seq FROM documents WHERE kind = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
        Ok(gone + connection.run(sql, params![kind.as_str(), ANSWERS_MAX]).map_err(unavailable)?)
    })
}
