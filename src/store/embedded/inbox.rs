//! Deliveries that wait to be read: an append-only table, emptied as it is read.
//!
//! It has no index besides the order of arrival: a repetition is recognised when it becomes a record, which has one.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{corrupt, millis, rows, unavailable};
use crate::{
    model::RecordSource,
    store::{Delivery, Recorded, Result, Settled},
};

pub fn append(connection: &Connection, delivery: &Delivery) -> Result<()> {
    let Delivery { sequence: _, source, key, team, received_at, body } = delivery;
    connection
        .prepare_cached("INSERT INTO inbox (source, key, team, received_at, body) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut statement| statement.execute(params![source.as_str(), key, team, millis(*received_at), body]))
        .map(drop)
        .map_err(unavailable)
}

pub fn list(connection: &Connection, limit: usize) -> Result<Vec<Delivery>> {
    let mut statement = connection
        .prepare_cached("SELECT seq, source, key, team, received_at, body FROM inbox ORDER BY seq LIMIT ?1")
        .map_err(unavailable)?;
    let rows = statement
        .query_map([limit as i64], |row| {
            Ok((
                row.get::<_, String>(1)?,
                Delivery {
                    sequence: row.get::<_, i64>(0)? as u64,
                    source: RecordSource::SlackEvents,
                    key: row.get(2)?,
                    team: row.get(3)?,
                    received_at: Timestamp::from_millisecond(row.get(4)?).unwrap_or(Timestamp::UNIX_EPOCH),
                    body: row.get(5)?,
                },
            ))
        })
        .map_err(unavailable)?;
    rows.map(|row| {
        let (word, delivery) = row.map_err(unavailable)?;
        let source = RecordSource::ALL.into_iter().find(|source| source.as_str() == word);
        Ok(Delivery { source: source.ok_or_else(|| corrupt(format!("a delivery by `{word}`")))?, ..delivery })
    })
    .collect()
}

pub fn settle(connection: &Connection, settled: &[Settled]) -> Result<Vec<Recorded>> {
    let mut recorded = Vec::with_capacity(settled.len());
    for Settled { sequence, key, record } in settled {
        connection
            // The key, because a number may have been given anew since another reader emptied the table.
            .prepare_cached("DELETE FROM inbox WHERE seq = ?1 AND key = ?2")
            .and_then(|mut statement| statement.execute(params![*sequence as i64, key]))
            .map_err(unavailable)?;
        if let Some((record, priority)) = record {
            recorded.push(rows::insert_record(connection, record, *priority)?);
        }
    }
    Ok(recorded)
}
