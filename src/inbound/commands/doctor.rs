//! Is everything connected? The store takes writes, Slack knows us.

use jiff::Timestamp;

use crate::{
    inbound::State,
    model::Finding,
    report::Health,
    slack::doctor,
    store::{DocumentKind, Result},
};

/// Everything that `sre-agent doctor` tries, as far as a running service can: the store, each workspace's token and
/// scopes, the channel.
pub async fn findings(state: &State) -> Vec<Finding> {
    let store = match state.store.ping().await {
        Ok(()) => Finding::fine("store", "takes writes"),
        Err(error) => {
            tracing::warn!(%error, "the store does not take writes");
            Finding::broken("store", "does not take writes", "Check the disk below `store.path`; the log says more.")
        }
    };
    let mut findings = vec![store];
    if let Some(socket) = &state.socket
        && let Some(trouble) = socket.complaint()
    {
        findings.push(Finding::broken("Socket Mode", trouble, "Check `slack.app_token` and that Socket Mode is on for the app."));
    }
    findings.extend(doctor::workspaces(&state.slack, &state.config.channel).await);
    findings
}

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
