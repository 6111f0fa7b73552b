//! Agent sessions as people see them: a sign beside the thread, and a Stop button.

use serde_json::json;

use super::{Delivery, DeliveryOptions, Sandbox, SandboxError, web::cut_short};

impl Sandbox {
    /// What the app says that it does in this thread: `processing`, `active`…
    pub fn session(&self, channel: &str, thread_ts: &str) -> Option<String> {
        self.state().sessions.get(&(channel.to_owned(), thread_ts.to_owned())).cloned()
    }

    /// Presses Slack's own Stop button, which is there while the session is processing. What is being streamed into the
    /// thread is cut short; the session's status is the app's to change.
    ///
    /// # Errors
    /// When there is no such button.
    pub async fn stop_session(&self, user: &str, channel: &str, thread_ts: &str) -> Result<Delivery, SandboxError> {
        if self.session(channel, thread_ts).as_deref() != Some("processing") {
            return Err(SandboxError::Missing(format!("Stop button in {channel}/{thread_ts}")));
        }
        let event = {
            let now = self.0.clock.now();
            let mut state = self.state();
            let mut stopped = Vec::new();
            let place = state.channel_mut(channel).ok_or_else(|| SandboxError::Missing(format!("channel {channel}")))?;
            for message in place.messages.iter_mut().filter(|message| message.thread_ts.as_deref() == Some(thread_ts)) {
                if let Some(stream) = message.stream.as_mut().filter(|stream| !stream.ended) {
                    cut_short(&mut message.body, stream);
                    stopped.push(message.ts.clone());
                }
            }
            let event_ts = state.next_ts(now);
            json!({"type": "agent_session_stopped", "channel": channel, "thread_ts": thread_ts, "user": user,
                "streaming_message_ts": stopped, "event_ts": event_ts})
        };
        self.bump();
        Ok(self.send_event(event, DeliveryOptions::default()).await)
    }
}
