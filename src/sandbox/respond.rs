//! Response URLs and the answers to slash commands: 5 uses in 30 minutes, ephemeral unless said otherwise.

use axum::{
    Json, Router,
    extract::{Path, State as Shared},
    http::StatusCode,
    routing::post,
};
use serde_json::{Value, json};

use super::{
    Call, Sandbox,
    message::{Message, bot_sender},
    web::{Args, Content, Refusal},
    workspace::{Bot, Ephemeral, ResponseUrl, SLACKBOT, State},
};

/// `/response/{team}/{id}`.
pub fn router() -> Router<Sandbox> {
    Router::new().route("/response/{team}/{id}", post(answer))
}

async fn answer(Shared(sandbox): Shared<Sandbox>, Path((_, id)): Path<(String, String)>, body: String) -> (StatusCode, Json<Value>) {
    let at = sandbox.0.clock.now();
    let parsed: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
    let (status, out) = match sandbox.use_response_url(&id, &parsed) {
        Ok(()) => (StatusCode::OK, json!({"ok": true})),
        Err((status, refusal)) => (status, refusal.body()),
    };
    let call = Call { method: "response_url".to_owned(), body: parsed, status: status.as_u16(), answer: out.clone(), at };
    sandbox.state().record_call(call);
    sandbox.bump();
    (status, Json(out))
}

impl Sandbox {
    fn use_response_url(&self, id: &str, answer: &Value) -> Result<(), (StatusCode, Refusal)> {
        let now = self.0.clock.now();
        let mut state = self.state();
        let gone = |error| (StatusCode::NOT_FOUND, Refusal::new(error));
        let place = state.response_urls.get_mut(id).ok_or_else(|| gone("invalid_url"))?;
        if place.expires < now {
            return Err(gone("expired_url"));
        }
        if place.uses >= 5 {
            return Err(gone("used_url"));
        }
        place.uses += 1;
        let place = place.clone();
        if !answer.is_object() {
            return Err((StatusCode::BAD_REQUEST, Refusal::new("invalid_payload")));
        }
        self.apply_answer(&mut state, &place, answer).map_err(|refusal| (StatusCode::BAD_REQUEST, refusal))
    }

    /// Shows an answer where it belongs: instead of the original, in the channel, or to one person.
    pub(super) fn apply_answer(&self, state: &mut State, place: &ResponseUrl, answer: &Value) -> Result<(), Refusal> {
        let args = Args::from(answer.clone());
        let original = place.message.as_deref();
        if args.flag("delete_original") {
            state.ephemeral.retain(|e| Some(e.message.ts.as_str()) != original);
            if let Some(channel) = state.channel_mut(&place.channel) {
                channel.messages.retain(|m| Some(m.ts.as_str()) != original);
            }
            return Ok(());
        }
        let content = Content::read(&args, None, self.0.config.older)?.not_empty()?;
        if args.flag("replace_original")
            && let Some(ts) = original
        {
            return self.replace(state, place, ts, content);
        }
        let mut message = content.message(state, &self.0.config.app_name);
        let now = self.0.clock.now();
        message.ts = state.next_ts(now);
        let in_channel = args.str("response_type") == Some("in_channel");
        message.thread_ts = if in_channel { args.str("thread_ts").map(str::to_owned) } else { place.thread.clone() };
        if !in_channel {
            state.ephemeral.push(Ephemeral { user: place.user.clone(), channel: place.channel.clone(), message });
            return Ok(());
        }
        let ts = message.ts.clone();
        if let Some(channel) = state.channel_mut(&place.channel) {
            channel.messages.push(message);
        }
        state.message_event(&place.channel, &ts);
        Ok(())
    }

    fn replace(&self, state: &mut State, place: &ResponseUrl, ts: &str, content: Content) -> Result<(), Refusal> {
        if let Some(index) = state.ephemeral.iter().position(|e| e.message.ts == ts)
            && let Some(mut message) = state.ephemeral.get(index).map(|e| e.message.clone())
        {
            content.put(state, &mut message);
            if let Some(hidden) = state.ephemeral.get_mut(index) {
                hidden.message = message;
            }
            return Ok(());
        }
        let found = state.channel(&place.channel).and_then(|c| c.message(ts).map(|m| (m.clone(), c.render(m, false))));
        let (mut message, before) = found.ok_or_else(|| Refusal::new("message_not_found"))?;
        content.put(state, &mut message);
        let now = state.next_ts(self.0.clock.now());
        message.body.insert("edited".to_owned(), json!({"user": super::workspace::BOT_USER, "ts": now}));
        let after = Value::Object(message.plain());
        if let Some(slot) = state.channel_mut(&place.channel).and_then(|c| c.message_mut(ts)) {
            *slot = message;
        }
        state.changed_event(&place.channel, &before, &after, &now);
        Ok(())
    }
}

/// What Slackbot tells one person when an app did not do its part.
pub fn slackbot(state: &mut State, place: &ResponseUrl, text: &str, ts: String) {
    let bot = Bot { id: "B01".to_owned(), app_id: "A0SLACKBOT".to_owned(), user_id: SLACKBOT.to_owned(), name: "Slackbot".to_owned() };
    let mut message = Message { ts, body: bot_sender(&bot), ..Message::default() };
    message.body.insert("text".to_owned(), text.into());
    state.ephemeral.push(Ephemeral { user: place.user.clone(), channel: place.channel.clone(), message });
}
