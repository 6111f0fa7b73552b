//! Files into a thread, the present way: ask for an address, send the bytes there, then share.

use serde_json::{Value, json};

use super::{Client, SlackError, SlackErrorKind};

/// Slack's limit for the description of a picture. Source: docs.slack.dev, `files.getUploadURLExternal`, `alt_txt_too_large`.
const ALT_MAX: usize = 1000;
/// What people read above a file; longer titles are cut in every client.
const TITLE_MAX: usize = 200;

/// A file to send.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The file's name; it should hold the delivery's id, so that the file can be found again.
    pub name: &'a str,
    pub title: &'a str,
    /// What a picture shows, in words; empty for a text.
    pub alt: &'a str,
    pub bytes: &'a [u8],
}

impl Client {
    /// Uploads a file and shares it in a channel or thread; returns its id. Only the last of the three calls shows anything.
    ///
    /// # Errors
    /// See [`SlackErrorKind`]; `Ambiguous` only when it may have been shared.
    pub async fn upload(&self, channel: &str, thread_ts: Option<&str>, file: &Upload<'_>) -> Result<String, SlackError> {
        const METHOD: &str = "files.getUploadURLExternal";
        let (length, alt) = (file.bytes.len().to_string(), cut(file.alt, ALT_MAX));
        let mut parameters = vec![("filename", Some(file.name)), ("length", Some(length.as_str()))];
        if !alt.is_empty() {
            parameters.push(("alt_txt", Some(alt.as_str())));
        }
        let answer = self.ask(METHOD, &parameters).await.map_err(harmless)?;
        let field = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let (address, id) = (field("upload_url"), field("file_id").to_owned());
        if id.is_empty() || !self.is_slacks(address) {
            let message = "the answer names no address of Slack's to upload to".to_owned();
            return Err(SlackError { method: METHOD, message, kind: SlackErrorKind::Unavailable });
        }
        self.send_bytes(address, file.bytes).await?;
        let mut body = json!({"files": [{"id": id, "title": cut(file.title, TITLE_MAX)}], "channel_id": channel});
        if let (Some(ts), Some(fields)) = (thread_ts, body.as_object_mut()) {
            fields.insert("thread_ts".to_owned(), ts.into());
        }
        self.call("files.completeUploadExternal", &body).await?;
        Ok(id)
    }

    async fn send_bytes(&self, address: &str, bytes: &[u8]) -> Result<(), SlackError> {
        let failed = |message: String, kind| SlackError { method: "upload", message, kind };
        let request = self.http.post(address).header("content-type", "application/octet-stream").body(bytes.to_vec());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(failed(format!("HTTP {}", answer.status().as_u16()), SlackErrorKind::Unavailable)),
            // Without its address: whoever has it can upload.
            Err(error) => Err(failed(error.without_url().to_string(), SlackErrorKind::Unavailable)),
        }
    }

    /// Looks for a file of ours whose name holds `delivery`, in a thread or, without one, in the channel; returns its id.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn find_file(&self, channel: &str, thread_ts: Option<&str>, delivery: &str) -> Result<Option<String>, SlackError> {
        let named = |message: &Value| {
            let files = message.get("files").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let ours = |file: &&Value| file.get("name").and_then(Value::as_str).is_some_and(|name| name.contains(delivery));
            files.iter().find(ours).map(|file| file.get("id").and_then(Value::as_str).unwrap_or(delivery).to_owned())
        };
        self.search(channel, thread_ts, named).await
    }
}

/// Nothing can have been shown yet, so doing it again does no harm.
fn harmless(error: SlackError) -> SlackError {
    let kind = if error.kind == SlackErrorKind::Ambiguous { SlackErrorKind::Unavailable } else { error.kind };
    SlackError { kind, ..error }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
