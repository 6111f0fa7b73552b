//! What Slack sends with a press, a choice or a submission, as far as we need it; unknown fields are no error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{IncidentId, InvestigationId, Reply};

/// The payload.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Payload {
    #[serde(rename = "type")]
    pub kind: String,
    pub user: Named,
    pub team: Option<Named>,
    pub channel: Option<Named>,
    pub container: Container,
    pub response_url: Option<String>,
    pub trigger_id: String,
    pub actions: Vec<Pressed>,
    pub view: Option<View>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    pub id: String,
}

/// What the element was in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    pub thread_ts: Option<String>,
}

/// What was pressed or chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pressed {
    pub action_id: String,
    pub block_id: String,
    pub action_ts: String,
    pub value: Option<String>,
    pub selected_option: Option<Chosen>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    pub value: String,
}

/// An open modal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct View {
    pub id: String,
    pub hash: Option<String>,
    pub callback_id: String,
    pub private_metadata: String,
    pub state: Values,
}

/// What was filled in: block id, action id, the element's state.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Values {
    pub values: BTreeMap<String, BTreeMap<String, Value>>,
}

/// What a modal carries from its opening to its submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    pub incident: IncidentId,
    pub reply: Reply,
    /// The person's time zone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
    /// The investigation whose report is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub investigation: Option<InvestigationId>,
    /// The runbook that is prepared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runbook: String,
}

impl Payload {
    pub fn team(&self) -> &str {
        self.team.as_ref().map_or("", |team| team.id.as_str())
    }

    /// Where the person is answered: at the message that they used, or where their modal was opened from.
    pub fn reply(&self) -> Reply {
        if let Some(context) = self.view.as_ref().and_then(View::context) {
            return context.reply;
        }
        Reply {
            channel: self.channel.as_ref().map(|channel| channel.id.clone()).unwrap_or_default(),
            thread: self.container.thread_ts.clone(),
            response_url: self.response_url.clone(),
        }
    }

    /// What a second delivery of the same press has too, and no other press.
    pub fn key(&self, pressed: &Pressed) -> String {
        format!("{}/{}/{}", self.trigger_id, pressed.action_id, pressed.action_ts)
    }
}

impl View {
    /// What the modal was opened with; `None` when it is not one of ours.
    pub fn context(&self) -> Option<Context> {
        serde_json::from_str(&self.private_metadata).ok()
    }

    /// What was entered or chosen in an input, trimmed; `None` where nothing was.
    pub fn filled(&self, input: &str) -> Option<String> {
        let entered = self.state.values.get(input)?.get(input)?;
        let found = [entered.get("value"), entered.pointer("/selected_option/value"), entered.get("selected_user")];
        let text = found.into_iter().flatten().find_map(Value::as_str)?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl Context {
    /// As Slack carries it.
    pub fn to_metadata(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
