//! The home tab: published when it is opened, and kept current for a while for those who have it open.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{
    State,
    commands::{self, Asker},
    events::{Envelope, text},
    reply::Refusal,
};
use crate::{
    model::{Incident, Silence},
    report::{self, Health},
    slack::blocks,
    store::{Commit, DocumentKind, DocumentUpdate},
};

/// How often it is looked whether something has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Lengths of time in it are brought up to date this often, also when nothing has changed.
const AT_LEAST_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Somebody who opened it longer ago looks elsewhere by now; opening it again starts anew.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(10);
/// More people at a time see it as it was when they opened it: `views.publish` takes about 100 calls a minute.
const KEPT_MAX: usize = 50;

/// Handles one `app_home_opened`.
///
/// # Errors
/// Never: the tab is best effort.
pub async fn handle(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = &envelope.event;
    let user = text(event, "user");
    // The messages tab comes as the same event.
    if user.is_empty() || !matches!(text(event, "tab"), "" | "home") {
        return Ok(());
    }
    let asker = Asker { team: envelope.team_id.clone(), user: user.to_owned(), prefix: "/sre".to_owned(), ..Asker::default() };
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(error) = keep(&state, &asker).await {
            tracing::warn!(%error, user = asker.user, "the home tab is not kept current");
        }
    });
    Ok(())
}

/// What the tab is made of that changes.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    open: Vec<Incident>,
    silences: Vec<Silence>,
}

/// Publishes the tab, and again whenever something has changed, until it is opened anew or a while has passed.
async fn keep(state: &State, asker: &Asker) -> crate::store::Result<()> {
    let key = format!("{}/{}", asker.team, asker.user);
    let begun = state.clock.now();
    // Slack's and the store's health, and who is on call, are asked once: they are not what changes while somebody looks.
    let (health, on_call) = tokio::join!(commands::checks(state, &asker.team), commands::on_call(state, &asker.team));
    let mut shown = look(state, asker).await?;
    publish(state, asker, &shown, &health, &on_call).await;
    let body = Some(json!({"opened_at": begun}));
    state
        .store
        .commit(Commit { documents: vec![DocumentUpdate { kind: DocumentKind::Home, key: key.clone(), body }], ..Commit::default() })
        .await?;
    let Some(mine) = state.store.document(DocumentKind::Home, &key).await? else { return Ok(()) };
    let lately = state.store.documents(DocumentKind::Home, KEPT_MAX + 1).await?;
    let open = lately.iter().filter(|document| is_lately(&document.body, begun)).count();
    let mut published = state.clock.now();
    while open <= KEPT_MAX && state.clock.now().duration_since(begun) < KEPT_FOR {
        tokio::time::sleep(LOOK_EVERY).await;
        // Opened again: the newer one takes over.
        if state.store.document(DocumentKind::Home, &key).await?.is_none_or(|document| document.sequence != mine.sequence) {
            return Ok(());
        }
        let now = state.clock.now();
        let seen = look(state, asker).await?;
        if seen != shown || now.duration_since(published) >= AT_LEAST_EVERY {
            shown = seen;
            published = now;
            publish(state, asker, &shown, &health, &on_call).await;
        }
    }
    let gone = DocumentUpdate { kind: DocumentKind::Home, key, body: None };
    state.store.commit(Commit { documents: vec![gone], ..Commit::default() }).await.map(drop)
}

fn is_lately(body: &Value, now: Timestamp) -> bool {
    let opened = body.get("opened_at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
    opened.is_some_and(|opened| now.duration_since(opened) < KEPT_FOR)
}

async fn look(state: &State, asker: &Asker) -> crate::store::Result<Shown> {
    let (open, silences) = commands::standing(state, asker).await?;
    Ok(Shown { open, silences })
}

async fn publish(state: &State, asker: &Asker, shown: &Shown, health: &[Health], on_call: &[String]) {
    let last_alert = commands::last_alert(state).await.unwrap_or_default();
    let parts = report::home(&report::Home {
        user: &asker.user,
        open: &shown.open,
        silences: &shown.silences,
        on_call,
        health,
        last_alert,
        now: state.clock.now(),
    });
    if let Err(error) = state.slack.of(&asker.team).client.publish_home(&asker.user, &blocks::home(&parts)).await {
        tracing::warn!(%error, user = asker.user, "the home tab could not be published");
    }
}
