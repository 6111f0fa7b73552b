//! The buttons of a storm's summary: acknowledge everything, and the list of every alert.

use futures_util::future::try_join_all;

use super::{
    State,
    commands::{READ, Rights},
    reply::Refusal,
    state::Door,
};
use crate::{
    auth::Scope,
    model::{Act, Form, Inbound, Incident, IncidentId, Member, Part, Priority, RecordSource, Reply, Storm, Text},
    report,
    slack::{SlackError, blocks},
    store::{self, DocumentKind},
};

/// How many alerts one page of the list has. A view takes 100 blocks and 250 kB; ten alerts share a block.
const PAGE: usize = 100;

/// A button of a storm's summary was pressed.
#[derive(Debug, Clone, Copy)]
pub struct Press<'a> {
    pub team: &'a str,
    /// `storm_…`
    pub action: &'a str,
    /// The storm's id; for `storm_next` what [`Cursor`] writes.
    pub value: &'a str,
    pub user: &'a str,
    pub trigger: &'a str,
}

/// Where a page of the list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    storm: String,
    /// Which of the storm's incidents, and how many of its alerts were shown.
    incident: usize,
    skip: usize,
    /// The number of the first alert, from 1.
    from: u64,
    /// Our own name of the open view.
    view: String,
}

impl Cursor {
    fn write(&self) -> String {
        format!("{}/{}/{}/{}/{}", self.storm, self.incident, self.skip, self.from, self.view)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '/');
        let storm = parts.next()?.to_owned();
        let (incident, skip, from) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { storm, incident, skip, from, view: parts.next()?.to_owned() })
    }
}

/// Handles one press.
pub async fn handle(state: &State, press: &Press<'_>) -> Result<(), Refusal> {
    match press.action {
        "storm_ack" => acknowledge_all(state, press).await,
        "storm_list" => {
            let view = format!("storm-{}", press.trigger);
            let first = Cursor { storm: press.value.to_owned(), incident: 0, skip: 0, from: 1, view };
            show(state, press, first, true);
            Ok(())
        }
        "storm_next" => {
            match Cursor::read(press.value) {
                Some(next) => show(state, press, next, false),
                None => state.metrics.unknown_event(),
            }
            Ok(())
        }
        _ => {
            state.metrics.unknown_event();
            Ok(())
        }
    }
}

/// One act for each incident that nobody has yet, each with its own record, rights and audit line.
async fn acknowledge_all(state: &State, press: &Press<'_>) -> Result<(), Refusal> {
    let Some(storm) = read(state, press.value).await? else {
        tracing::warn!(storm = press.value, "a button of a storm that is not known was pressed");
        return Ok(());
    };
    let waiting: Vec<IncidentId> = incidents(state, &storm).await?.into_iter().filter(report::waits).map(|one| one.id).collect();
    try_join_all(waiting.into_iter().enumerate().map(|(at, incident)| async move {
        let key = format!("{}/{}/{incident}", press.trigger, press.action);
        let user = press.user.to_owned();
        // One answer is enough, whatever it is.
        let reply = if at == 0 { Reply { channel: storm_channel(press), ..Reply::default() } } else { Reply::default() };
        let door = Door { source: RecordSource::SlackInteraction, key: Some(&key), team: press.team, priority: Priority::P0 };
        state.record(door, |_| Inbound::Act { act: Act::Acknowledge, incident, user, reply }).await
    }))
    .await?;
    Ok(())
}

/// A storm's id begins with its channel.
fn storm_channel(press: &Press<'_>) -> String {
    press.value.split('-').next().unwrap_or_default().to_owned()
}

/// Shows a page: Slack wants its answer within three seconds and the view too, so the one does not wait for the other.
fn show(state: &State, press: &Press<'_>, cursor: Cursor, opens: bool) {
    let (state, team, user, trigger) = (state.clone(), press.team.to_owned(), press.user.to_owned(), press.trigger.to_owned());
    tokio::spawn(async move {
        let rights = Rights::of(&state, &team, &user).await;
        let mut view = match page(&state, &rights, &cursor).await {
            Ok(form) => blocks::form(&form),
            Err(error) => {
                tracing::error!(storm = %cursor.storm, %error, "the alerts of a storm could not be read");
                let text = Text::new().plain("The alerts cannot be read at the moment. Please try again.");
                blocks::modal("Every alert", &[Part::Section(text)])
            }
        };
        if let Some(fields) = view.as_object_mut() {
            fields.insert("external_id".to_owned(), cursor.view.clone().into());
        }
        let client = &state.slack.of(&team).client;
        let shown: Result<(), SlackError> =
            if opens { client.open_view(&trigger, &view).await } else { client.update_named_view(&cursor.view, &view).await };
        if let Err(error) = shown {
            tracing::warn!(storm = %cursor.storm, %error, "the list of a storm's alerts could not be shown");
        }
    });
}

/// A page that says why there is no list.
fn instead(parts: Vec<Part>) -> Form {
    Form { callback: String::new(), title: "Every alert".to_owned(), submit: String::new(), context: String::new(), parts }
}

async fn page(state: &State, rights: &Rights, cursor: &Cursor) -> store::Result<Form> {
    let Some(storm) = read(state, &cursor.storm).await? else {
        let over = Text::new().plain("This storm is long over; its alerts are not kept any more.");
        return Ok(instead(vec![Part::Section(over)]));
    };
    let place = Scope { channel: &storm.channel, ..Scope::default() };
    if let Err(why) = rights.need(state, READ, &place, &storm.id).await {
        return Ok(instead(why.parts));
    }
    let mut rows: Vec<(Incident, Vec<Member>)> = Vec::new();
    let mut next = None;
    let mut left = PAGE;
    for (at, id) in storm.incidents.iter().enumerate().skip(cursor.incident) {
        // A policy may keep some of its clusters from this person.
        let Some(incident) = state.store.incident(*id).await?.filter(|incident| rights.reads(state, incident)) else { continue };
        let skip = if at == cursor.incident { cursor.skip } else { 0 };
        // One more than there is room for: then there is a next page.
        let mut members = state.store.members(*id, skip, left + 1).await?;
        if members.len() > left {
            members.truncate(left);
            next = Some((at, skip + left));
        }
        left -= members.len();
        if !members.is_empty() {
            rows.push((incident, members));
        }
        if next.is_some() {
            break;
        }
    }
    let shown = (PAGE - left) as u64;
    let next = next.map(|(incident, skip)| Cursor { incident, skip, from: cursor.from + shown, ..cursor.clone() }.write());
    Ok(report::storm_page(&storm, &rows, cursor.from, next))
}

async fn read(state: &State, id: &str) -> store::Result<Option<Storm>> {
    let document = state.store.document(DocumentKind::Storm, id).await?;
    Ok(document.and_then(|document| serde_json::from_value(document.body).ok()))
}

async fn incidents(state: &State, storm: &Storm) -> store::Result<Vec<Incident>> {
    Ok(try_join_all(storm.incidents.iter().map(|id| state.store.incident(*id))).await?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_page_is_found_again_by_its_button() {
        let cursor = Cursor { storm: "C1-17".into(), incident: 3, skip: 20, from: 101, view: "storm-1.2.abc/d".into() };
        assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        assert_eq!(Cursor::read("C1-17/x/0/1/v"), None);
        assert_eq!(Cursor::read(""), None);
    }
}
