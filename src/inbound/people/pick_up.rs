//! A person points at a message and wants it looked into: by its menu, or with a reaction.

use serde_json::Value;

use super::super::{
    State,
    alerts::{self, Recognised},
    commands::{ASK, Asker, Rights},
    events::text,
    reply::Refusal,
    state::{Door, clean},
};
use crate::{
    model::{Alert, AlertStatus, Ask, Inbound, Message, Origin, Priority, Reply},
    report,
};

/// Which message, and who pointed at it.
#[derive(Debug, Clone, Copy)]
pub struct Picked<'a> {
    pub channel: &'a str,
    pub user: &'a str,
    /// What makes it happen once; its priority is replaced by the alert's.
    pub door: Door<'a>,
    pub message: &'a Value,
}

/// Records what the message says, as an alert or as a question; the sentence is for the person.
///
/// # Errors
/// When the record is not durable.
pub async fn pick_up(state: &State, picked: &Picked<'_>, reply: Reply) -> Result<Message, Refusal> {
    let ts = text(picked.message, "ts");
    if ts.is_empty() || picked.channel.is_empty() {
        return Ok(report::sentence("This message cannot be read."));
    }
    let root = Some(text(picked.message, "thread_ts")).filter(|root| !root.is_empty()).unwrap_or(ts);
    let found = state.store.incidents_in_thread(picked.channel, root).await?;
    if let Some(incident) = found.iter().find(|incident| !incident.state.is_closed()).or(found.first()) {
        return Ok(report::sentence(&format!("This is {} already: see the thread of the message.", incident.id)));
    }
    // An alert starts an investigation as a question does; nobody looks at the right to it later.
    let asker =
        Asker { team: picked.door.team.to_owned(), channel: picked.channel.to_owned(), user: picked.user.to_owned(), ..Asker::default() };
    if let Err(why) = Rights::of(state, &asker.team, &asker.user).await.need_here(state, ASK, &asker).await {
        return Ok(why);
    }
    if let Some(mut firing) = alerts_of(picked.message) {
        let origin = Origin::Slack { channel: picked.channel.to_owned(), ts: root.to_owned() };
        let priority = firing.iter().map(|alert| alert.priority).min().unwrap_or(Priority::P2);
        let names: Vec<String> = firing.iter().take(3).map(|alert| alert.name.replace('`', "")).collect();
        state
            .record(Door { priority, ..picked.door }, |id| {
                for alert in &mut firing {
                    alert.id = id;
                    alert.origin = origin.clone();
                    clean(alert);
                }
                Inbound::Alerts { alerts: firing, follow_up: false }
            })
            .await?;
        return Ok(report::sentence(&format!("I read it as an alert (`{}`) and answer in its thread.", names.join("`, `"))));
    }
    let words = words(picked.message);
    if words.is_empty() {
        return Ok(report::sentence("This message has no words that I could look for."));
    }
    let ask =
        Ask { text: words, user: picked.user.to_owned(), channel: picked.channel.to_owned(), ts: Some(root.to_owned()), incident: None };
    state.record(Door { priority: Priority::P1, ..picked.door }, |_| Inbound::Ask { ask, reply }).await?;
    Ok(report::sentence("I take it as a question and answer in its thread."))
}

/// The message's alerts, where one of them is not over.
fn alerts_of(message: &Value) -> Option<Vec<Alert>> {
    let Recognised::Alerts(found) = alerts::from_slack_message(message) else { return None };
    let over = |alert: &Alert| matches!(alert.status, AlertStatus::Resolved | AlertStatus::Paused | AlertStatus::Pending);
    found.iter().any(|alert| !over(alert)).then_some(found)
}

/// What the message says, in its text or its first attachment.
fn words(message: &Value) -> String {
    let attachment = |key: &str| message.pointer(&format!("/attachments/0/{key}")).and_then(Value::as_str).unwrap_or_default();
    let said = [text(message, "text"), attachment("title"), attachment("text"), attachment("fallback")];
    let said = said.into_iter().find(|said| !said.trim().is_empty()).unwrap_or_default();
    said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").trim().to_owned()
}
