//! Modals and home tabs: their life between opening and closing, and what a person does in them.

use serde_json::{Map, Value, json};

use super::{
    Delivery, DeliveryOptions, Sandbox, SandboxError, blocks,
    click::{entered, find_input},
    delivery::Kind,
    workspace::{APP, BOT, State, TEAM, View},
};

impl View {
    /// The view as Slack sends it.
    pub fn render(&self) -> Value {
        let text = |name: &str| self.body.get(name).cloned().unwrap_or_else(|| "".into());
        let flag = |name: &str| self.body.get(name).cloned().unwrap_or_else(|| false.into());
        let part = |name: &str| self.body.get(name).cloned().unwrap_or(Value::Null);
        let mut out = json!({
            "id": self.id, "team_id": TEAM, "type": part("type"), "blocks": part("blocks"),
            "private_metadata": text("private_metadata"), "callback_id": text("callback_id"),
            "state": {"values": self.state}, "hash": self.hash, "title": part("title"),
            "clear_on_close": flag("clear_on_close"), "notify_on_close": flag("notify_on_close"),
            "close": part("close"), "submit": part("submit"), "previous_view_id": self.previous,
            "root_view_id": self.root, "app_id": APP, "external_id": text("external_id"),
            "app_installed_team_id": TEAM, "bot_id": BOT,
        });
        if self.body.get("type").and_then(Value::as_str) == Some("home")
            && let Some(object) = out.as_object_mut()
        {
            for name in ["title", "close", "submit"] {
                object.shift_remove(name);
            }
        }
        out
    }
}

impl State {
    /// Opens a modal for a person; `on` is the view it lies on.
    pub fn open_view(&mut self, user: &str, body: Map<String, Value>, on: Option<&str>) -> Value {
        let id = self.next_id("V0");
        let below = on.and_then(|on| self.views.iter().find(|v| v.id == on));
        let (root, previous) = match below {
            Some(below) => (below.root.clone(), Some(below.id.clone())),
            None => (id.clone(), None),
        };
        if on.is_none() {
            // A person sees one stack of modals; a fresh one takes the place of what was left open.
            self.views.retain(|v| v.user != user);
        }
        let view = self.view(id, user, root, previous, body);
        let shown = view.render();
        self.views.push(view);
        shown
    }

    fn view(&mut self, id: String, user: &str, root: String, previous: Option<String>, body: Map<String, Value>) -> View {
        let mut body = body;
        if let Some(blocks) = body.get("blocks").cloned() {
            body.insert("blocks".to_owned(), self.name_blocks(&blocks));
        }
        let hash = self.next_id("hash");
        let state = initial(&body);
        View { id, user: user.to_owned(), root, previous, hash, body, state, errors: Map::new() }
    }

    /// Replaces the content of a view; what was entered in fields that stay is kept.
    pub fn change_view(&mut self, id: &str, body: Map<String, Value>) -> Option<Value> {
        let old = self.views.iter().chain(self.homes.values()).find(|v| v.id == id)?.clone();
        let mut new = self.view(old.id, &old.user, old.root, old.previous, body);
        for (block, actions) in &mut new.state {
            if let Some(kept) = old.state.get(block).filter(|k| same_keys(k, actions)) {
                *actions = kept.clone();
            }
        }
        let shown = new.render();
        match self.views.iter_mut().find(|v| v.id == id) {
            Some(place) => *place = new,
            None => {
                self.homes.insert(new.user.clone(), new);
            }
        }
        Some(shown)
    }

    /// Publishes a person's home tab.
    pub fn publish_home(&mut self, user: &str, body: Map<String, Value>) -> Value {
        let id = self.homes.get(user).map(|v| v.id.clone());
        let id = id.unwrap_or_else(|| self.next_id("V0"));
        let view = self.view(id.clone(), user, id, None, body);
        let shown = view.render();
        self.homes.insert(user.to_owned(), view);
        shown
    }
}

fn same_keys(a: &Value, b: &Value) -> bool {
    let keys = |v: &Value| v.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>());
    keys(a) == keys(b)
}

/// The state of a view that nobody has touched: every input, with its initial value.
fn initial(body: &Map<String, Value>) -> Map<String, Value> {
    let mut values = Map::new();
    for block in body.get("blocks").and_then(Value::as_array).into_iter().flatten() {
        let block_id = block.get("block_id").and_then(Value::as_str).unwrap_or_default();
        let elements = block.get("element").into_iter().chain(block.get("accessory"));
        let listed = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        let mut actions = Map::new();
        for element in elements.chain(listed) {
            let id = element.get("action_id").and_then(Value::as_str);
            if let (Some(id), Some(value)) = (id, entered(element, None)) {
                actions.insert(id.to_owned(), value);
            }
        }
        if !actions.is_empty() {
            values.insert(block_id.to_owned(), Value::Object(actions));
        }
    }
    values
}

impl Sandbox {
    /// Fills in a modal and submits it. `values` maps a block id to what is entered there (text, an option's value, a
    /// list of them), or to `{action_id: …}`; fields that are not named keep their initial values.
    pub async fn submit_view(&self, user: &str, view_id: &str, values: Value) -> Result<Delivery, SandboxError> {
        let payload = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let user = state.user(user).map(|u| u.id.clone()).ok_or_else(|| missing("person", user))?;
            let view = state.views.iter_mut().find(|v| v.id == view_id && v.user == user);
            let view = view.ok_or_else(|| missing("open view", view_id))?;
            fill(view, &values)?;
            view.errors.clear();
            let shown = view.render();
            let trigger_id = state.trigger(&user, Some(view_id), now);
            json!({
                "type": "view_submission", "team": {"id": TEAM, "domain": "sandbox"}, "user": state.actor(&user),
                "api_app_id": APP, "token": "sandbox-verification-token", "trigger_id": trigger_id, "view": shown,
                "response_urls": [], "is_enterprise_install": false, "enterprise": null,
            })
        };
        let delivery = self.deliver(Kind::Interaction, payload, &DeliveryOptions::default()).await;
        self.settle(view_id, &delivery);
        self.bump();
        Ok(delivery)
    }

    /// Closes a modal without submitting; the app hears of it where it asked to (`notify_on_close`).
    pub async fn close_view(&self, user: &str, view_id: &str) -> Result<Option<Delivery>, SandboxError> {
        let (payload, notify) = {
            let mut state = self.state();
            let user = state.user(user).map(|u| u.id.clone()).ok_or_else(|| missing("person", user))?;
            let found = state.views.iter().position(|v| v.id == view_id && v.user == user);
            let view = state.views.remove(found.ok_or_else(|| missing("open view", view_id))?);
            let payload = json!({
                "type": "view_closed", "team": {"id": TEAM, "domain": "sandbox"}, "user": state.actor(&user),
                "api_app_id": APP, "token": "sandbox-verification-token", "view": view.render(), "is_cleared": false,
                "is_enterprise_install": false, "enterprise": null,
            });
            (payload, view.body.get("notify_on_close") == Some(&Value::Bool(true)))
        };
        self.bump();
        if !notify {
            return Ok(None);
        }
        Ok(Some(self.deliver(Kind::Interaction, payload, &DeliveryOptions::default()).await))
    }

    /// What the app's answer to a submission does to the modal.
    fn settle(&self, view_id: &str, delivery: &Delivery) {
        let mut state = self.state();
        let Some(index) = state.views.iter().position(|v| v.id == view_id) else { return };
        let trouble = |state: &mut State, text: &str| {
            if let Some(view) = state.views.get_mut(index) {
                view.errors.insert(String::new(), text.into());
            }
        };
        if delivery.status != Some(200) {
            return trouble(&mut state, "We had some trouble connecting. Try again?");
        }
        if delivery.body.trim().is_empty() {
            state.views.remove(index);
            return;
        }
        let Ok(answer) = serde_json::from_str::<Value>(&delivery.body) else {
            return trouble(&mut state, "The app answered something that is not JSON.");
        };
        let view = answer.get("view").cloned().unwrap_or(Value::Null);
        let action = answer.get("response_action").and_then(Value::as_str);
        if matches!(action, Some("update" | "push"))
            && let Some(problem) = blocks::view(&view).first()
        {
            return trouble(&mut state, &format!("{} [json-pointer:{}]", problem.message, problem.pointer));
        }
        let body = view.as_object().cloned().unwrap_or_default();
        match action {
            Some("errors") => {
                if let Some(view) = state.views.get_mut(index) {
                    view.errors = answer.get("errors").and_then(Value::as_object).cloned().unwrap_or_default();
                }
            }
            Some("update") => {
                state.change_view(view_id, body);
            }
            Some("push") => {
                let user = state.views.get(index).map(|v| v.user.clone()).unwrap_or_default();
                state.open_view(&user, body, Some(view_id));
            }
            Some("clear") => {
                let user = state.views.get(index).map(|v| v.user.clone()).unwrap_or_default();
                state.views.retain(|v| v.user != user);
            }
            _ => {
                state.views.remove(index);
            }
        }
    }

    /// What the app found wrong with the last submission, by block id.
    pub fn view_errors(&self, view_id: &str) -> Value {
        let state = self.state();
        let view = state.views.iter().find(|v| v.id == view_id);
        view.map(|v| Value::Object(v.errors.clone())).unwrap_or_default()
    }
}

fn missing(what: &str, name: &str) -> SandboxError {
    SandboxError::Missing(format!("{what} {name}"))
}

/// Enters values into a view and checks what Slack's own client checks before it sends.
fn fill(view: &mut View, values: &Value) -> Result<(), SandboxError> {
    let blocks = view.body.get("blocks").cloned().unwrap_or_default();
    for (block_id, value) in values.as_object().into_iter().flatten() {
        let (element, action_id) = find_input(&blocks, block_id, value).ok_or_else(|| missing("input", block_id))?;
        let given = match value.as_object().and_then(|o| o.get(&action_id)) {
            Some(inner) => inner,
            None => value,
        };
        let state = entered(&element, Some(given)).ok_or_else(|| missing("option in", block_id))?;
        let slot = view.state.entry(block_id.clone()).or_insert_with(|| json!({}));
        if let Some(slot) = slot.as_object_mut() {
            slot.insert(action_id, state);
        }
    }
    for block in blocks.as_array().into_iter().flatten() {
        if block.get("type").and_then(Value::as_str) != Some("input") {
            continue;
        }
        let block_id = block.get("block_id").and_then(Value::as_str).unwrap_or_default();
        let element = block.get("element").unwrap_or(&Value::Null);
        let action_id = element.get("action_id").and_then(Value::as_str).unwrap_or_default();
        let state = view.state.get(block_id).and_then(|b| b.get(action_id));
        let optional = block.get("optional") == Some(&Value::Bool(true));
        if !optional && !state.is_some_and(is_filled) {
            return Err(SandboxError::Refused(format!("please fill in {block_id}")));
        }
        let text = state.and_then(|s| s.get("value")).and_then(Value::as_str).unwrap_or_default();
        let limit = |name: &str| element.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let count = text.chars().count();
        if limit("max_length").is_some_and(|max| count > max) || (count > 0 && limit("min_length").is_some_and(|min| count < min)) {
            return Err(SandboxError::Refused(format!("{block_id} has the wrong length")));
        }
    }
    Ok(())
}

/// Whether an input's state holds anything.
fn is_filled(state: &Value) -> bool {
    let fields = state.as_object().into_iter().flatten();
    fields.filter(|(name, _)| *name != "type").any(|(_, value)| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    })
}
