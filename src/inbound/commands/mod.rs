//! Slash commands: read, answered at once where only reading is wanted, recorded where something is to be done.

mod doctor;
mod find;
mod oncall;
mod parse;
mod postmortem;
mod read;
mod rights;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{State, deliveries::Ack, reply::Refusal, state::Door};
use crate::{
    model::{Act, Ask, Caller, Inbound, Incident, Message, Priority, RecordSource, Reply, RunWish, Silence},
    report,
    slack::blocks,
    store::StoreError,
};

pub use super::access::place;
pub use doctor::{checks, findings, last_alert};
pub use find::same_workspace;
pub use oncall::names as on_call;
pub use parse::{Command, parse, reads_as_command};
pub use postmortem::names;
pub use rights::{ASK, READ, Rights, asks};

/// Slack waits three seconds for the answer; what takes longer than this goes to the command's own address instead.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Who asks, and where.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The Slack workspace (team id).
    pub team: String,
    pub channel: String,
    /// The thread in which it was asked, where there is one.
    pub thread: Option<String>,
    pub user: String,
    /// What is typed before a command, for examples: `/sre`.
    pub prefix: String,
}

/// Handles one verified command; its fields are those of Slack's form.
pub async fn handle(state: &State, fields: Map<String, Value>) -> Ack {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let asker = Asker {
        team: text("team_id"),
        channel: text("channel_id"),
        thread: Some(text("thread_ts")).filter(|ts| !ts.is_empty()),
        user: text("user_id"),
        prefix: "/sre".to_owned(),
    };
    let typed = if text("command").ends_with("-analyze") { format!("investigate {}", text("text")) } else { text("text") };
    let command = match parse::parse(&typed, &asker.user) {
        Ok(command) => command,
        Err(why) => return Ok(Some(ephemeral(&report::sentence(&why)))),
    };
    let reply = Reply {
        channel: asker.channel.clone(),
        thread: asker.thread.clone(),
        response_url: Some(text("response_url")).filter(|url| !url.is_empty()),
    };
    // Without a trigger, as from a test by hand, each command stands for itself.
    let trigger = Some(text("trigger_id")).filter(|trigger| !trigger.is_empty());
    let door = Door { source: RecordSource::SlackCommand, key: trigger.as_deref(), team: &asker.team, priority: Priority::P0 };
    match command {
        Command::Investigate(text) => {
            if let Err(why) = asks(state, &asker, None).await {
                return Ok(Some(ephemeral(&why)));
            }
            investigate(state, door, &asker, text, reply).await?;
            Ok(Some(ephemeral(&report::sentence("I am looking into it; the answer comes as a message in this channel."))))
        }
        Command::Act(act, reference) => Ok(act_on(state, door, &asker, act, reference, reply).await?.map(|why| ephemeral(&why))),
        Command::Run { runbook, of, values } => {
            let incident = match of {
                Some(_) => match find::incident(state, &asker, of, "run", find::Wanted::Any).await? {
                    Ok(incident) => Some(incident.id),
                    Err(why) => return Ok(Some(ephemeral(&why))),
                },
                None => None,
            };
            let parameters = values.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            wish(state, door, &asker, RunWish::Request { runbook, parameters, incident }, reply).await
        }
        Command::Decide { run, approves, hash } => wish(state, door, &asker, RunWish::Decide { run, approves, hash }, reply).await,
        command => Ok(in_time(state.clone(), asker, command, reply).await.map(|answer| ephemeral(&answer))),
    }
}

async fn investigate(state: &State, door: Door<'_>, asker: &Asker, text: String, reply: Reply) -> Result<(), Refusal> {
    let (user, channel) = (asker.user.clone(), asker.channel.clone());
    state.record(door, |_| Inbound::Ask { ask: Ask { text, user, channel, ts: None, incident: None }, reply }).await?;
    Ok(())
}

async fn wish(state: &State, door: Door<'_>, asker: &Asker, wish: RunWish, reply: Reply) -> Ack {
    let by = Caller::slack(&asker.user);
    state.record(door, |_| Inbound::Runbook { wish, by, reply }).await?;
    Ok(None)
}

/// Records the act; a message comes back when it is not clear what is to be acted upon.
///
/// # Errors
/// When the record is not durable.
pub async fn act_on(
    state: &State,
    door: Door<'_>,
    asker: &Asker,
    act: Act,
    reference: parse::Reference,
    reply: Reply,
) -> Result<Option<Message>, Refusal> {
    let wanted = if act == Act::Reopen { find::Wanted::Closed } else { find::Wanted::Open };
    let incident = match find::incident(state, asker, reference, act.name(), wanted).await? {
        Ok(incident) => incident.id,
        Err(why) => return Ok(Some(why)),
    };
    let user = asker.user.clone();
    state.record(door, |_| Inbound::Act { act, incident, user, reply }).await?;
    Ok(None)
}

/// Answers a reading command; never fails towards the person.
pub async fn answer(state: &State, asker: &Asker, command: Command) -> Message {
    match read::message(state, asker, command).await {
        Ok(message) => message,
        Err(error) => {
            tracing::error!(%error, "a command could not be answered");
            report::sentence("The store does not answer at the moment. Please try again.")
        }
    }
}

/// The open incidents and the silences of the asker's workspace, as far as they may see them.
///
/// # Errors
/// When the store fails.
pub async fn standing(state: &State, asker: &Asker) -> Result<(Vec<Incident>, Vec<Silence>), StoreError> {
    let rights = Rights::of(state, &asker.team, &asker.user).await;
    Ok((read::open(state, asker, &rights).await?, read::silences(state, asker, &rights).await?))
}

/// The answer, when it is there in time; otherwise it goes to the command's own address.
async fn in_time(state: State, asker: Asker, command: Command, reply: Reply) -> Option<Message> {
    let mut answering = tokio::spawn({
        let (state, asker) = (state.clone(), asker.clone());
        async move { answer(&state, &asker, command).await }
    });
    match tokio::time::timeout(ANSWER_WAIT, &mut answering).await {
        Ok(Ok(message)) => Some(message),
        Ok(Err(error)) => {
            tracing::error!(%error, "answering a command broke off");
            Some(report::sentence("That went wrong; the log says why."))
        }
        Err(_) => {
            tokio::spawn(async move {
                let (Ok(message), Some(url)) = (answering.await, &reply.response_url) else { return };
                let slack = state.slack.of(&asker.team);
                if let Err(error) = slack.client.respond(url, asker.thread.as_deref(), &blocks::message(&message)).await {
                    tracing::warn!(%error, "a late answer did not reach the person");
                }
            });
            None
        }
    }
}

/// The message as the answer to a command that only the person sees.
fn ephemeral(message: &Message) -> Value {
    let mut body = blocks::message(message);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("response_type".to_owned(), json!("ephemeral"));
    }
    body
}
