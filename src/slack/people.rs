//! Who is who in a workspace: members of user groups, people's time zones, who has left. Asked once, remembered for minutes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::Instant;

use super::{Client, SlackError};

/// How long an answer is taken for true: someone who joins a rota is let in within this time, and Slack's 20 calls a minute
/// (tier 2) are never reached.
const FRESH: Duration = Duration::from_secs(300);
/// How many answers are remembered; old ones are forgotten first.
const ENTRIES_MAX: usize = 2048;

/// What Slack knows of a person, as far as we need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// As their colleagues see them; their id where Slack tells no name.
    pub name: String,
    /// They can be mentioned and can act: neither gone nor an app.
    pub is_here: bool,
    /// An app's or Slack's own user.
    pub is_app: bool,
    /// `None` where their profile names none that the time zone database knows.
    pub zone: Option<TimeZone>,
}

/// Remembered answers, by id.
#[derive(Default)]
pub(super) struct Cache {
    groups: Mutex<HashMap<String, (Instant, BTreeSet<String>)>>,
    people: Mutex<HashMap<String, (Instant, Known)>>,
}

fn remembered<T: Clone>(entries: &Mutex<HashMap<String, (Instant, T)>>, id: &str) -> Option<T> {
    let entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    entries.get(id).filter(|(at, _)| at.elapsed() < FRESH).map(|(_, value)| value.clone())
}

fn remember<T: Clone>(entries: &Mutex<HashMap<String, (Instant, T)>>, id: &str, value: T) -> T {
    let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() >= ENTRIES_MAX {
        entries.retain(|_, (at, _)| at.elapsed() < FRESH);
    }
    entries.insert(id.to_owned(), (Instant::now(), value.clone()));
    value
}

impl Client {
    /// The user ids of a user group's members, as of the last five minutes. Needs the scope `usergroups:read`.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`]; a group that is not there is `Refused`.
    pub async fn group_members(&self, group: &str) -> Result<BTreeSet<String>, SlackError> {
        if let Some(members) = remembered(&self.people.groups, group) {
            return Ok(members);
        }
        let answer = self.ask("usergroups.users.list", &vec![("usergroup", Some(group))]).await?;
        let listed = answer.get("users").and_then(Value::as_array).into_iter().flatten();
        let members = listed.filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(remember(&self.people.groups, group, members))
    }

    /// Which of these user groups the person is in, and whether Slack did not say it of some: what belongs to those is refused.
    pub async fn memberships<'g>(&self, user: &str, groups: impl Iterator<Item = &'g str>) -> (Vec<&'g str>, bool) {
        let (mut member, mut unknown) = (Vec::new(), false);
        for group in groups {
            match self.group_members(group).await {
                Ok(members) if members.contains(user) => member.push(group),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, group, "nobody knows who is in the group; what belongs to it is refused");
                    unknown = true;
                }
            }
        }
        (member, unknown)
    }

    /// What Slack knows of a person, as of the last five minutes. Needs the scope `users:read`.
    ///
    /// # Errors
    /// See [`super::SlackErrorKind`].
    pub async fn person(&self, user: &str) -> Result<Known, SlackError> {
        if let Some(known) = remembered(&self.people.people, user) {
            return Ok(known);
        }
        let known = match self.ask("users.info", &vec![("user", Some(user))]).await {
            Ok(answer) => {
                let flag = |name: &str| answer.pointer(&format!("/user/{name}")).and_then(Value::as_bool).unwrap_or_default();
                let zone = answer.pointer("/user/tz").and_then(Value::as_str).and_then(|name| TimeZone::get(name).ok());
                let is_app = flag("is_bot") || user == "USLACKBOT";
                Known { name: name(&answer, user), is_here: !flag("deleted") && !is_app, is_app, zone }
            }
            Err(error) if error.message.starts_with("user_not_found") => {
                Known { name: user.to_owned(), is_here: false, is_app: false, zone: None }
            }
            Err(error) => return Err(error),
        };
        Ok(remember(&self.people.people, user, known))
    }
}

fn name(answer: &Value, user: &str) -> String {
    let field = |path: &str| answer.pointer(path).and_then(Value::as_str).filter(|name| !name.is_empty());
    field("/user/profile/real_name").or_else(|| field("/user/real_name")).or_else(|| field("/user/name")).unwrap_or(user).to_owned()
}
