//! Which investigations there are, and how far each is: a question about work.

use rusqlite::{Connection, params};

use super::{corrupt, unavailable};
use crate::store::{Look, LookState, Looks, Result, WorkKind};

/// The most that one answer holds.
const LIST_MAX: i64 = 500;

/// The investigations, the one asked for last first.
pub fn list(connection: &Connection, which: Looks, now: i64) -> Result<Vec<Look>> {
    // The id begins with the incident and ends with the investigation, so its index serves both questions.
    let (from, ending) = match which {
        Looks::Of(incident) => (WorkKind::looks_prefix(incident), String::new()),
        Looks::One(investigation) => ("investigate/".to_owned(), format!("/{investigation}")),
    };
    // The sign after the slash ends the range.
    let until = format!("{}0", from.trim_end_matches('/'));
    let mut statement = connection
        .prepare_cached(
            "SELECT kind, state, lease_until > ?4 FROM work WHERE id >= ?1 AND id < ?2 AND (?3 = '' OR substr(id, -length(?3)) = ?3)
             ORDER BY seq DESC LIMIT ?5",
        )
        .map_err(unavailable)?;
    let rows = statement
        .query_map(params![from, until, ending, now, LIST_MAX], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
        })
        .map_err(unavailable)?;
    let mut looks = Vec::new();
    for row in rows {
        let (kind, state, leased) = row.map_err(unavailable)?;
        let WorkKind::Investigate { incident, investigation, occasion } = serde_json::from_str(&kind).map_err(corrupt)? else { continue };
        let state = match state.as_str() {
            "done" => LookState::Done,
            "dead" => LookState::PutAside,
            _ if leased => LookState::Running,
            _ => LookState::Waiting,
        };
        looks.push(Look { incident, investigation, occasion, state });
    }
    Ok(looks)
}
