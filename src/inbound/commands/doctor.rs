//! Is everything connected? The store takes writes, Slack knows us.

use jiff::Timestamp;

use crate::{
    inbound::State,
    report::Health,
    store::{DocumentKind, Result},
};

/// The checks that take a moment each, in the order in which people read them.
pub async fn checks(state: &State, team: &str) -> Vec<Health> {
    let store = match state.store.ping().await {
        Ok(()) => health("Store", true, "takes writes"),
        Err(error) => {
            tracing::warn!(%error, "the store does not take writes");
            health("Store", false, "does not take writes")
        }
    };
    let slack = match state.slack.of(team).client.auth_test().await {
        Ok(_) => health("Slack", true, "knows us"),
        Err(error) => health("Slack", false, &error.message),
    };
    let mut checks = vec![store, slack];
    if let Ok(Some(heartbeats)) = heartbeats(state).await {
        checks.push(heartbeats);
    }
    checks
}

fn health(name: &str, fine: bool, says: &str) -> Health {
    Health { name: name.to_owned(), fine, says: says.to_owned() }
}

/// How many heartbeats are known; none is nothing to report.
async fn heartbeats(state: &State) -> Result<Option<Health>> {
    let known = state.store.documents(DocumentKind::Heartbeat, 100).await?;
    Ok((!known.is_empty()).then(|| health("Heartbeats", true, &format!("{} known", known.len()))))
}

/// When the newest alert arrived.
///
/// # Errors
/// When the store fails.
pub async fn last_alert(state: &State) -> Result<Option<Timestamp>> {
    let newest = crate::store::IncidentFilter { limit: 1, ..crate::store::IncidentFilter::default() };
    let found = state.store.incidents(&newest).await?;
    Ok(found.first().map(|incident| {
        // A record's id sorts by its time of arrival: the newest one that was applied is the newest alert.
        let applied = incident.applied.and_then(|id| i64::try_from(id.0.timestamp_ms()).ok());
        applied.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(incident.opened_at)
    }))
}
