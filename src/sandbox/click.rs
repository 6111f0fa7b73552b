//! Clicks and choices: from an element in a message or view to the `block_actions` payload the app gets.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Delivery, DeliveryOptions, Sandbox, SandboxError,
    delivery::Kind,
    workspace::{APP, ResponseUrl, State, TEAM, after},
};

/// Element types that a person can act on.
const INTERACTIVE: &[&str] = &[
    "button",
    "workflow_button",
    "overflow",
    "checkboxes",
    "radio_buttons",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "static_select",
    "multi_static_select",
    "external_select",
    "multi_external_select",
    "users_select",
    "multi_users_select",
    "channels_select",
    "multi_channels_select",
    "conversations_select",
    "multi_conversations_select",
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
    "file_input",
    "feedback_buttons",
    "icon_button",
];

/// Whether elements of this type carry an `action_id`.
pub fn is_interactive(kind: &str) -> bool {
    INTERACTIVE.contains(&kind)
}

/// Which element of a message or view is meant.
#[derive(Debug, Clone, Default)]
pub struct Aim<'a> {
    pub action_id: &'a str,
    /// Needed only where two blocks use the same `action_id`.
    pub block_id: Option<&'a str>,
    /// The option chosen, the text typed, the feedback given; for a button, its own value where several share an id.
    pub value: Option<Value>,
}

fn kind(element: &Value) -> &str {
    element.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// The first element that `aim` fits, with the id of its block.
fn find(value: &Value, aim: &Aim<'_>, block: &str) -> Option<(Value, String)> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| find(item, aim, block)),
        Value::Object(object) => {
            let block = object.get("block_id").and_then(Value::as_str).unwrap_or(block);
            let own = object.get("action_id").and_then(Value::as_str) == Some(aim.action_id);
            let fits = aim.block_id.is_none_or(|wanted| wanted == block);
            let is_button = kind(value) == "button";
            let same_value = aim.value.is_none() || object.get("value") == aim.value.as_ref();
            if own && fits && (!is_button || same_value) {
                return Some((value.clone(), block.to_owned()));
            }
            object.values().find_map(|child| find(child, aim, block))
        }
        _ => None,
    }
}

/// The input that a name in `values` means, and its action id.
pub fn find_input(blocks: &Value, block_id: &str, value: &Value) -> Option<(Value, String)> {
    let block = blocks.as_array()?.iter().find(|b| b.get("block_id").and_then(Value::as_str) == Some(block_id))?;
    let single = block.get("element").or_else(|| block.get("accessory")).into_iter();
    let mut all = single.chain(block.get("elements").and_then(Value::as_array).into_iter().flatten());
    let named = |e: &&Value| {
        let id = e.get("action_id").and_then(Value::as_str);
        value.as_object().is_none_or(|o| o.contains_key("type") || id.is_some_and(|id| o.contains_key(id)))
    };
    let element = all.find(named)?;
    Some((element.clone(), element.get("action_id")?.as_str()?.to_owned()))
}

/// All options of a menu, its groups included.
fn options(element: &Value) -> Vec<&Value> {
    let flat = element.get("options").and_then(Value::as_array).into_iter().flatten();
    let groups = element.get("option_groups").and_then(Value::as_array).into_iter().flatten();
    let grouped = groups.filter_map(|g| g.get("options").and_then(Value::as_array)).flatten();
    flat.chain(grouped).collect()
}

fn option(element: &Value, value: &Value) -> Option<Value> {
    options(element).into_iter().find(|o| o.get("value") == Some(value)).cloned()
}

/// What an element holds after `given` was entered, as `state.values` shows it; without `given`, its initial value.
/// None where the element holds nothing (a button) or there is no such option.
pub fn entered(element: &Value, given: Option<&Value>) -> Option<Value> {
    let kind = kind(element);
    // A whole state object may be given instead of the bare value.
    if let Some(object) = given.and_then(Value::as_object)
        && object.contains_key("type")
    {
        return given.cloned();
    }
    let initial = |name: &str| element.get(name).cloned().unwrap_or(Value::Null);
    let plain = |field: &str, from: &str| {
        let value = given.cloned().unwrap_or_else(|| initial(from));
        let mut out = Map::new();
        out.insert("type".to_owned(), kind.into());
        out.insert(field.to_owned(), value);
        Some(Value::Object(out))
    };
    let one = |from: &str| {
        let chosen = match given {
            None => initial(from),
            Some(Value::Null) => Value::Null,
            Some(value) if kind.contains("external") => json!({"text": {"type": "plain_text", "text": value}, "value": value}),
            Some(value) => option(element, value)?,
        };
        Some(json!({"type": kind, "selected_option": chosen}))
    };
    let many = || {
        let chosen = match given {
            None => match initial("initial_options") {
                Value::Null => json!([]),
                list => list,
            },
            Some(value) => {
                let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                Value::Array(list.iter().map(|v| option(element, v)).collect::<Option<_>>()?)
            }
        };
        Some(json!({"type": kind, "selected_options": chosen}))
    };
    match kind {
        "plain_text_input" | "email_text_input" | "url_text_input" | "number_input" => plain("value", "initial_value"),
        "rich_text_input" => plain("rich_text_value", "initial_value"),
        "static_select" | "external_select" | "radio_buttons" => one("initial_option"),
        "multi_static_select" | "checkboxes" => many(),
        "users_select" => plain("selected_user", "initial_user"),
        "multi_users_select" => plain("selected_users", "initial_users"),
        "channels_select" => plain("selected_channel", "initial_channel"),
        "multi_channels_select" => plain("selected_channels", "initial_channels"),
        "conversations_select" => plain("selected_conversation", "initial_conversation"),
        "multi_conversations_select" => plain("selected_conversations", "initial_conversations"),
        "datepicker" => plain("selected_date", "initial_date"),
        "timepicker" => plain("selected_time", "initial_time"),
        "datetimepicker" => plain("selected_date_time", "initial_date_time"),
        "file_input" => plain("files", "initial_files"),
        _ => None,
    }
}

/// The entry of `actions`, and what the element holds from now on.
fn act(element: &Value, block: &str, aim: &Aim<'_>, ts: &str) -> Result<(Value, Option<Value>), SandboxError> {
    let kind = kind(element);
    let mut action = json!({"type": kind, "action_id": aim.action_id, "block_id": block, "action_ts": ts});
    let state = entered(element, aim.value.as_ref());
    let no_option = || SandboxError::Missing(format!("option {:?} in {}", aim.value, aim.action_id));
    let mut put = |name: &str, value: Value| {
        if let (Some(object), false) = (action.as_object_mut(), value.is_null()) {
            object.insert(name.to_owned(), value);
        }
    };
    let part = |of: &Value, name: &str| of.get(name).cloned().unwrap_or(Value::Null);
    match kind {
        "button" | "workflow_button" | "icon_button" => {
            for name in ["text", "value", "style", "url"] {
                put(name, part(element, name));
            }
        }
        "feedback_buttons" => {
            let sides = ["positive_button", "negative_button"].map(|side| part(element, side));
            let wanted = |side: &&Value| aim.value.is_none() || side.get("value") == aim.value.as_ref();
            let side = sides.iter().find(wanted).ok_or_else(no_option)?;
            put("text", part(side, "text"));
            put("value", part(side, "value"));
        }
        "overflow" => {
            let value = aim.value.as_ref().ok_or_else(no_option)?;
            put("selected_option", option(element, value).ok_or_else(no_option)?);
        }
        _ => {
            let state = state.as_ref().ok_or_else(no_option)?;
            for (name, value) in state.as_object().into_iter().flatten().filter(|(name, _)| *name != "type") {
                put(name, value.clone());
            }
        }
    }
    Ok((action, state))
}

impl Sandbox {
    /// Clicks a button of an open modal or the home tab.
    pub async fn click_in_view(&self, user: &str, view_id: &str, action_id: &str) -> Result<Delivery, SandboxError> {
        self.act_in_view(user, view_id, &Aim { action_id, block_id: None, value: None }).await
    }

    /// Clicks a button and waits for the app's acknowledgement. Feedback buttons count as the positive one.
    pub async fn click(&self, user: &str, channel: &str, ts: &str, action_id: &str) -> Result<Delivery, SandboxError> {
        self.act_on_message(user, channel, ts, &Aim { action_id, ..Aim::default() }).await
    }

    /// Chooses in a menu (or gives feedback) by the option's value; in a people or channel menu, by id.
    pub async fn choose(&self, user: &str, channel: &str, ts: &str, action_id: &str, option_value: &str) -> Result<Delivery, SandboxError> {
        let value = Some(option_value.into());
        self.act_on_message(user, channel, ts, &Aim { action_id, block_id: None, value }).await
    }

    /// A click or choice in a message of the app, ephemeral ones included.
    pub(super) async fn act_on_message(&self, user: &str, channel: &str, ts: &str, aim: &Aim<'_>) -> Result<Delivery, SandboxError> {
        let payload = self.message_payload(user, channel, ts, aim)?;
        Ok(self.interact(payload).await)
    }

    /// A click or choice in an open modal or the home tab.
    pub(super) async fn act_in_view(&self, user: &str, view_id: &str, aim: &Aim<'_>) -> Result<Delivery, SandboxError> {
        let payload = self.view_payload(user, view_id, aim)?;
        Ok(self.interact(payload).await)
    }

    async fn interact(&self, payload: Value) -> Delivery {
        self.bump();
        self.deliver(Kind::Interaction, payload, &DeliveryOptions::default()).await
    }

    fn message_payload(&self, user: &str, channel: &str, ts: &str, aim: &Aim<'_>) -> Result<Value, SandboxError> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let user = id_of(&state, user)?;
        let place = state.channel(channel).ok_or_else(|| SandboxError::Missing(format!("channel {channel}")))?;
        let (channel, name) = (place.id.clone(), place.name.clone());
        let hidden = state.ephemeral.iter().position(|e| e.message.ts == ts && e.user == user);
        let message = match hidden.and_then(|i| state.ephemeral.get(i)) {
            Some(hidden) => &hidden.message,
            None => place.message(ts).ok_or_else(|| SandboxError::Missing(format!("message {ts}")))?,
        };
        if !message.ours {
            return Err(SandboxError::Refused("that message belongs to another app".to_owned()));
        }
        let body = Value::Object(message.body.clone());
        let thread = message.thread_ts.clone();
        let shown = if hidden.is_some() { Value::Object(message.plain()) } else { place.render(message, false) };
        let mut values = message.state.clone();
        let (element, block) = find(&body, aim, "").ok_or_else(|| SandboxError::Missing(format!("element {}", aim.action_id)))?;
        let (action, entered) = act(&element, &block, aim, &state.next_ts(now))?;
        if let Some(entered) = entered {
            let slot = values.entry(block).or_insert_with(|| json!({}));
            if let Some(slot) = slot.as_object_mut() {
                slot.insert(aim.action_id.to_owned(), entered);
            }
        }
        match hidden {
            Some(i) => {
                if let Some(hidden) = state.ephemeral.get_mut(i) {
                    hidden.message.state.clone_from(&values);
                }
            }
            None => {
                if let Some(message) = state.channel_mut(&channel).and_then(|c| c.message_mut(ts)) {
                    message.state.clone_from(&values);
                }
            }
        }
        let trigger_id = state.trigger(&user, None, now);
        let response_url = state.response_url(ResponseUrl {
            user: user.clone(),
            channel: channel.clone(),
            message: Some(ts.to_owned()),
            thread: thread.clone(),
            expires: after(now, Duration::from_secs(30 * 60)),
            uses: 0,
        });
        let mut container = json!({
            "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": hidden.is_some(),
        });
        if let (Some(thread), Some(object)) = (thread, container.as_object_mut()) {
            object.insert("thread_ts".to_owned(), thread.into());
        }
        let mut payload = json!({
            "type": "block_actions", "user": state.actor(&user), "api_app_id": APP,
            "token": "sandbox-verification-token", "container": container, "trigger_id": trigger_id,
            "team": {"id": TEAM, "domain": "sandbox"}, "enterprise": null, "is_enterprise_install": false,
            "channel": {"id": channel, "name": name}, "message": shown, "state": {"values": values},
            "response_url": response_url, "actions": [action],
        });
        // Slack does not send the content of a message that only one person sees.
        if let (true, Some(object)) = (hidden.is_some(), payload.as_object_mut()) {
            object.shift_remove("message");
        }
        Ok(payload)
    }

    fn view_payload(&self, user: &str, view_id: &str, aim: &Aim<'_>) -> Result<Value, SandboxError> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let user = id_of(&state, user)?;
        let ts = state.next_ts(now);
        let State { views, homes, .. } = &mut *state;
        let view = views.iter_mut().chain(homes.values_mut()).find(|v| v.id == view_id && v.user == user);
        let view = view.ok_or_else(|| SandboxError::Missing(format!("open view {view_id}")))?;
        let blocks = view.body.get("blocks").cloned().unwrap_or_default();
        let (element, block) = find(&blocks, aim, "").ok_or_else(|| SandboxError::Missing(format!("element {}", aim.action_id)))?;
        let (action, entered) = act(&element, &block, aim, &ts)?;
        if let Some(entered) = entered {
            let slot = view.state.entry(block).or_insert_with(|| json!({}));
            if let Some(slot) = slot.as_object_mut() {
                slot.insert(aim.action_id.to_owned(), entered);
            }
        }
        let shown = view.render();
        let trigger_id = state.trigger(&user, Some(view_id), now);
        Ok(json!({
            "type": "block_actions", "user": state.actor(&user), "api_app_id": APP,
            "token": "sandbox-verification-token", "container": {"type": "view", "view_id": view_id},
            "trigger_id": trigger_id, "team": {"id": TEAM, "domain": "sandbox"}, "enterprise": null,
            "is_enterprise_install": false, "view": shown, "actions": [action],
        }))
    }
}

fn id_of(state: &State, user: &str) -> Result<String, SandboxError> {
    state.user(user).map(|u| u.id.clone()).ok_or_else(|| SandboxError::Missing(format!("person {user}")))
}
