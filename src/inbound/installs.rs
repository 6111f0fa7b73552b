//! The app was installed into a workspace, or taken out of it.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

use super::{State, events::Envelope, reply::Refusal};
use crate::{
    model::AuditEntry,
    store::{self, Commit, DocumentKind, DocumentUpdate},
};

/// More workspaces than one process serves.
const WORKSPACES_MAX: usize = 1000;

/// Makes the workspaces that are stored known, and forgets those that are not stored any more: other processes install, too.
///
/// # Errors
/// When the store cannot be asked.
pub async fn load(state: &State) -> store::Result<()> {
    let documents = state.store.documents(DocumentKind::Workspace, WORKSPACES_MAX).await?;
    let token = |body: &Value| body.get("bot_token").and_then(Value::as_str).map(|token| SecretString::from(token.to_owned()));
    let stored: BTreeMap<String, SecretString> =
        documents.into_iter().filter_map(|document| token(&document.body).map(|token| (document.key, token))).collect();
    state.slack.sync(stored);
    Ok(())
}

/// The audit log's line about a workspace: whom we serve, with a token of theirs, is nobody's secret.
pub fn audited(state: &State, team: &str, act: &str, detail: &str) -> AuditEntry {
    AuditEntry {
        at: state.clock.now(),
        actor: "slack".to_owned(),
        act: act.to_owned(),
        object: team.to_owned(),
        outcome: "done".to_owned(),
        detail: detail.to_owned(),
    }
}

/// Handles `tokens_revoked` and `app_uninstalled`.
pub async fn handle(state: &State, envelope: &Envelope, kind: &str) -> Result<(), Refusal> {
    let team = envelope.team_id.as_str();
    // Slack also tells when a person takes back their own token, of which we have none.
    let bots = envelope.event.pointer("/tokens/bot").and_then(Value::as_array);
    if kind == "tokens_revoked" && bots.is_none_or(Vec::is_empty) {
        return Ok(());
    }
    let stored = state.store.document(DocumentKind::Workspace, team).await?;
    let installed_at = stored.as_ref().and_then(|document| document.body.get("installed_at")).and_then(Value::as_i64).unwrap_or_default();
    if envelope.event_time != 0 && envelope.event_time < installed_at {
        tracing::info!(team, kind, "a workspace that has installed the app again since is kept");
        return Ok(());
    }
    if stored.is_some() {
        let document = DocumentUpdate { kind: DocumentKind::Workspace, key: team.to_owned(), body: None };
        let audit = vec![audited(state, team, "workspace_remove", kind)];
        state.store.commit(Commit { documents: vec![document], audit, ..Commit::default() }).await?;
    }
    if state.slack.remove(team) || stored.is_some() {
        tracing::warn!(
            team,
            kind,
            "a workspace has removed the app and is not served any more; take it out of `slack.workspaces` if it is there"
        );
    } else if state.slack.is_home(team) {
        tracing::error!(
            team,
            kind,
            "the app was removed from its own workspace: nothing can be posted until it is installed there again and `slack.bot_token` is the new token"
        );
    } else {
        tracing::info!(team, kind, "a workspace that is not served has removed the app");
    }
    Ok(())
}
