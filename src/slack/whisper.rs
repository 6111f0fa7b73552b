//! Answers that one person sees: ephemeral messages, and the address that Slack gives with an act.

use serde_json::{Value, json};

use super::{Client, SlackError, SlackErrorKind};
use crate::model::Reply;

impl Client {
    /// Answers a person where they acted: at the act's own address, or else as a message that they alone see. Best effort:
    /// a failure is logged and changes nothing.
    pub async fn answer(&self, reply: &Reply, user: &str, message: &Value) {
        let thread = reply.thread.as_deref();
        if let Some(url) = &reply.response_url {
            match self.respond(url, thread, message).await {
                Ok(()) => return,
                Err(error) => tracing::info!(%error, "an answer did not reach its address; trying a message"),
            }
        }
        if reply.channel.is_empty() {
            return;
        }
        match self.whisper(&reply.channel, thread, user, message).await {
            Ok(()) => {}
            Err(error) if error.kind == SlackErrorKind::Refused => {
                tracing::info!(%error, user, "the person cannot be answered there");
            }
            Err(error) => tracing::warn!(%error, user, "an answer was not sent"),
        }
    }

    /// Says something that only `user` sees. Not kept by Slack: it is gone when they reload.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn whisper(&self, channel: &str, thread_ts: Option<&str>, user: &str, message: &Value) -> Result<(), SlackError> {
        let mut body = message.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("channel".to_owned(), channel.into());
            fields.insert("user".to_owned(), user.into());
            if let Some(ts) = thread_ts {
                fields.insert("thread_ts".to_owned(), ts.into());
            }
        }
        self.call("chat.postEphemeral", &body).await.map(drop)
    }

    /// Answers an act at its `response_url`, seen by the person alone; works also where the bot is no member.
    ///
    /// # Errors
    /// See [`SlackErrorKind`]; `Refused` for an address that is not Slack's.
    pub async fn respond(&self, response_url: &str, thread_ts: Option<&str>, message: &Value) -> Result<(), SlackError> {
        const METHOD: &str = "response_url";
        let refused = |message: &str, kind| SlackError { method: METHOD, message: message.to_owned(), kind };
        if !self.is_slacks(response_url) {
            return Err(refused("the address is not Slack's", SlackErrorKind::Refused));
        }
        let mut body = message.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("response_type".to_owned(), "ephemeral".into());
            fields.insert("replace_original".to_owned(), json!(false));
            if let Some(ts) = thread_ts {
                fields.insert("thread_ts".to_owned(), ts.into());
            }
        }
        let request = self.http.post(response_url).header("content-type", "application/json").body(body.to_string());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(refused(&format!("HTTP {}", answer.status().as_u16()), SlackErrorKind::Refused)),
            // Without its address: that is a secret while it lives.
            Err(error) => Err(refused(&error.without_url().to_string(), SlackErrorKind::Unavailable)),
        }
    }

    /// An address of Slack's own, or of the workspace on this machine that the API address names.
    pub(super) fn is_slacks(&self, address: &str) -> bool {
        let (Ok(address), Ok(api)) = (url::Url::parse(address), url::Url::parse(&self.api_url)) else { return false };
        let host = address.host_str().unwrap_or_default();
        let slack = address.scheme() == "https" && (host == "slack.com" || host.ends_with(".slack.com"));
        slack || address.origin() == api.origin()
    }
}
