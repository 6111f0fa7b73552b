//! `POST /slack/events`: the Events API. What another bot posted is kept and read afterwards; what a person did is handled;
//! everything else is acknowledged.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{State, deliveries::Ack, installs, people, reply::Refusal, stops, word::Word};
use crate::{model::RecordSource, redact, store::Delivery};

/// The outer envelope, as far as we need it; unknown fields and types are no error.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub challenge: Option<String>,
    #[serde(default)]
    pub event_id: Option<String>,
    #[serde(default)]
    pub api_app_id: Option<String>,
    #[serde(default)]
    pub team_id: String,
    /// When it happened, in seconds since 1970; 0 where it is not said.
    #[serde(default)]
    pub event_time: i64,
    #[serde(default)]
    pub event: Value,
}

/// Handles one verified delivery.
pub async fn handle(state: &State, envelope: Envelope) -> Ack {
    match (envelope.kind.as_str(), &envelope.challenge) {
        ("url_verification", Some(challenge)) => return Ok(Some(json!({"challenge": challenge}))),
        ("event_callback", _) => {}
        _ => {
            state.metrics.unknown_event();
            return Ok(None);
        }
    }
    match text(&envelope.event, "type") {
        "message" if is_a_persons(&envelope.event) => people::handle(state, &envelope, "message").await?,
        "message" => message(state, &envelope).await?,
        "agent_session_stopped" => stops::handle(state, &envelope).await?,
        kind @ ("app_mention" | "reaction_added" | "app_home_opened" | "link_shared") => {
            people::handle(state, &envelope, kind).await?;
        }
        kind @ ("tokens_revoked" | "app_uninstalled") => installs::handle(state, &envelope, kind).await?,
        _ => state.metrics.unknown_event(),
    }
    Ok(None)
}

/// A new message that a person wrote, not an app.
fn is_a_persons(event: &Value) -> bool {
    let plain = matches!(text(event, "subtype"), "" | "thread_broadcast" | "file_share");
    plain && text(event, "bot_id").is_empty() && !text(event, "user").is_empty()
}

/// The quick way for what comes most: a message of another bot in an event callback. It is looked at only as far as it
/// takes to know that, is made durable, and is read afterwards. `None`: it is something else.
pub async fn quick(state: &State, body: &[u8]) -> Option<Ack> {
    let envelope: Head<'_> = serde_json::from_slice(body).ok()?;
    if &*envelope.kind != "event_callback" {
        return None;
    }
    let event = envelope.event?.get();
    let glance: Glance<'_> = serde_json::from_str(event).ok()?;
    if &*glance.kind != "message" || glance.is_a_persons() {
        return None;
    }
    Some(keep(state, &envelope, &glance, event).await.map(|()| None))
}

/// A message that no person wrote, in an envelope that was read already.
async fn message(state: &State, envelope: &Envelope) -> Result<(), Refusal> {
    let event = envelope.event.to_string();
    let Ok(glance) = serde_json::from_str::<Glance<'_>>(&event) else {
        state.metrics.unknown_event();
        return Ok(());
    };
    let head = Head {
        kind: Word::of(&envelope.kind),
        event_id: Word::of(envelope.event_id.as_deref().unwrap_or_default()),
        api_app_id: Word::of(envelope.api_app_id.as_deref().unwrap_or_default()),
        team_id: Word::of(&envelope.team_id),
        event: None,
    };
    keep(state, &head, &glance, &event).await
}

/// Makes the event durable, without secrets, unless it is our own.
async fn keep(state: &State, head: &Head<'_>, glance: &Glance<'_>, event: &str) -> Result<(), Refusal> {
    let team = &*head.team_id;
    let message = if &*glance.subtype == "message_changed" { glance.message.as_deref() } else { Some(glance) };
    let (Some(message), true) = (message, matches!(&*glance.subtype, "" | "bot_message" | "message_changed")) else { return Ok(()) };
    if message.bot_id.is_empty() || message.ts.is_empty() || glance.channel.is_empty() || is_ours_at_a_glance(state, head, team, message) {
        return Ok(());
    }
    let key = match &*head.event_id {
        // Without an event id the message itself is the identity: the same message is the same alert.
        "" => format!("{}/{}/{}", &*glance.channel, &*message.ts, &*glance.event_ts),
        id => id.to_owned(),
    };
    let now = state.clock.now();
    let delivery = Delivery {
        sequence: 0,
        source: RecordSource::SlackEvents,
        key,
        team: state.slack.own(team).to_owned(),
        received_at: now,
        body: redact::json(event).into_owned(),
    };
    state.store.deliver(delivery).await?;
    state.deliveries.ring(now);
    Ok(())
}

/// The envelope, with its event unread.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Head<'b> {
    #[serde(rename = "type", borrow)]
    kind: Word<'b>,
    #[serde(borrow)]
    event_id: Word<'b>,
    #[serde(borrow)]
    api_app_id: Word<'b>,
    #[serde(borrow)]
    team_id: Word<'b>,
    #[serde(borrow)]
    event: Option<&'b RawValue>,
}

/// What says whose message it is, and where it stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Glance<'b> {
    #[serde(rename = "type", borrow)]
    kind: Word<'b>,
    #[serde(borrow)]
    subtype: Word<'b>,
    #[serde(borrow)]
    bot_id: Word<'b>,
    #[serde(borrow)]
    user: Word<'b>,
    #[serde(borrow)]
    app_id: Word<'b>,
    #[serde(borrow)]
    channel: Word<'b>,
    #[serde(borrow)]
    ts: Word<'b>,
    #[serde(borrow)]
    thread_ts: Word<'b>,
    #[serde(borrow)]
    event_ts: Word<'b>,
    #[serde(borrow)]
    bot_profile: Option<Profile<'b>>,
    #[serde(borrow)]
    message: Option<Box<Glance<'b>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Profile<'b> {
    #[serde(borrow)]
    app_id: Word<'b>,
}

impl Glance<'_> {
    /// A new message that a person wrote, not an app.
    fn is_a_persons(&self) -> bool {
        matches!(&*self.subtype, "" | "thread_broadcast" | "file_share") && self.bot_id.is_empty() && !self.user.is_empty()
    }
}

/// The message that an alert's incident belongs to.
pub struct Place<'a> {
    pub channel: &'a str,
    pub ts: &'a str,
    /// An edit, or a reply in a thread.
    pub follow_up: bool,
}

/// Where a message of a bot stands; `None` for everything else.
pub fn place(event: &Value) -> Option<Place<'_>> {
    let channel = Some(text(event, "channel")).filter(|channel| !channel.is_empty())?;
    // Alertmanager can edit its message in place, or answer in its thread, when the alert changes.
    let (message, edited) = match text(event, "subtype") {
        "" | "bot_message" => (event, false),
        "message_changed" => (event.get("message")?, true),
        _ => return None,
    };
    let ts = Some(text(message, "ts")).filter(|ts| !ts.is_empty())?;
    let thread = Some(text(message, "thread_ts")).filter(|thread| !thread.is_empty()).unwrap_or(ts);
    Some(Place { channel, ts: thread, follow_up: edited || thread != ts })
}

/// Whether we wrote it ourselves, in an envelope that was read already.
pub fn is_ours(state: &State, envelope: &Envelope, message: &Value) -> bool {
    let word = |key: &str| Word::of(text(message, key));
    let glance = Glance { bot_id: word("bot_id"), user: word("user"), app_id: word("app_id"), ..Glance::default() };
    let head = Head { api_app_id: Word::of(envelope.api_app_id.as_deref().unwrap_or_default()), ..Head::default() };
    is_ours_at_a_glance(state, &head, &envelope.team_id, &glance)
}

/// The same at a glance.
fn is_ours_at_a_glance(state: &State, head: &Head<'_>, team: &str, message: &Glance<'_>) -> bool {
    let same = |known: &str, given: &str| !known.is_empty() && known == given;
    let by_identity =
        state.slack.of(team).identity.get().is_some_and(|us| same(&us.bot_id, &message.bot_id) || same(&us.user_id, &message.user));
    let profile = message.bot_profile.as_ref().is_some_and(|profile| same(&head.api_app_id, &profile.app_id));
    by_identity || same(&head.api_app_id, &message.app_id) || profile
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
