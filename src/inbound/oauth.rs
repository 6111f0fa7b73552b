//! `GET /slack/install` and `GET /slack/oauth/callback`: installing the app into further workspaces.

mod page;

use std::sync::Arc;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::{State, installs};
use crate::{
    auth::{Refused, TICKET_LIFETIME_SECONDS, Tickets},
    redact,
    slack::{
        SlackError, SlackErrorKind,
        oauth::{self, AppCredentials},
        scopes,
    },
    store::{Commit, DocumentKind, DocumentUpdate},
};

/// Holds the browser's half of the ticket.
const COOKIE: &str = "sre_agent_install";
/// Where Slack sends the person back to.
const CALLBACK: &str = "/slack/oauth/callback";

/// What installing needs; without it the pages are not there.
#[derive(Debug)]
pub struct Install {
    app: AppCredentials,
    /// Our callback as Slack sees it.
    redirect: String,
    tickets: Tickets,
}

impl Install {
    /// `public_url` has no slash at its end.
    pub fn new(app: AppCredentials, public_url: &str) -> Arc<Self> {
        let tickets = Tickets::new(&app.client_secret, "install");
        Arc::new(Self { app, redirect: format!("{public_url}{CALLBACK}"), tickets })
    }
}

/// What Slack sends the person back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    code: String,
    state: String,
    error: String,
}

/// Sends the person to Slack's page.
pub fn install(state: &State) -> Response {
    let Some(install) = &state.install else { return page::not_found() };
    let now = state.clock.now();
    let nonce = format!("{:020x}{:020x}", state.ids.fresh(now).random(), state.ids.fresh(now).random());
    let ticket = install.tickets.issue(&nonce, now);
    let scopes = scopes::all().join(",");
    let Some(url) = oauth::authorize_url(state.slack.connection(), &install.app, &scopes, &install.redirect, &ticket) else {
        return page::problem(StatusCode::INTERNAL_SERVER_ERROR, "The address of Slack in the settings (slack.api_url) is not one.");
    };
    let secure = if install.redirect.starts_with("https://") { "; Secure" } else { "" };
    let life = TICKET_LIFETIME_SECONDS;
    // Lax: Slack's redirect is a navigation from elsewhere, and has to bring it.
    let cookie = format!("{COOKIE}={nonce}; Path={CALLBACK}; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    let headers = [(header::LOCATION, url.to_string()), (header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::FOUND, headers).into_response()
}

/// Takes the person back from Slack: checks, redeems the code, keeps the workspace.
pub async fn callback(state: &State, headers: &HeaderMap, back: Back) -> Response {
    let Some(install) = &state.install else { return page::not_found() };
    let now = state.clock.now();
    if let Err(refused) = install.tickets.redeem(&back.state, cookie(headers), now) {
        state.metrics.request_refused("unauthorized");
        tracing::info!(?refused, "an installation was refused");
        return page::problem(
            StatusCode::BAD_REQUEST,
            match refused {
                Refused::Foreign => "This installation was not started here, or in another browser. Please start it again.",
                Refused::Expired => "This installation took more than ten minutes. Please start it again.",
                Refused::Used => "This installation was finished before. Please start it again if it did not work.",
            },
        );
    }
    if !back.error.is_empty() || back.code.is_empty() {
        tracing::info!("an installation was cancelled");
        return page::problem(StatusCode::BAD_REQUEST, "Slack did not grant the installation. Nothing was changed.");
    }
    let grant = match oauth::access(state.slack.connection(), &install.app, &back.code, &install.redirect).await {
        Ok(grant) => grant,
        Err(error) => {
            tracing::warn!(%error, "an installation failed");
            return page::problem(StatusCode::BAD_GATEWAY, &in_words(&error));
        }
    };
    let body = json!({
        "name": grant.team_name, "bot_token": grant.bot_token.expose_secret(), "scopes": grant.scopes, "installed_at": now.as_second(),
    });
    let document = DocumentUpdate { kind: DocumentKind::Workspace, key: grant.team.clone(), body: Some(body) };
    let audit = vec![installs::audited(state, &grant.team, "workspace_install", &redact::text(&grant.team_name))];
    if let Err(error) = state.store.commit(Commit { documents: vec![document], audit, ..Commit::default() }).await {
        tracing::error!(%error, team = %grant.team, "an installation could not be stored");
        return page::problem(StatusCode::SERVICE_UNAVAILABLE, "The installation could not be saved at the moment. Please start it again.");
    }
    if let Err(error) = installs::load(state).await {
        tracing::warn!(%error, "the workspaces could not be read; they will be in a moment");
    }
    tracing::info!(team = %grant.team, "the app was installed into a workspace");
    page::installed(&grant.team_name)
}

fn in_words(error: &SlackError) -> String {
    match error.kind {
        SlackErrorKind::Ambiguous | SlackErrorKind::Unavailable => "Slack could not be reached. Please start it again.".to_owned(),
        _ => format!("Slack did not accept the installation ({}). Please start it again.", error.message),
    }
}

fn cookie(headers: &HeaderMap) -> &str {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map_or("", |(_, value)| value)
}
