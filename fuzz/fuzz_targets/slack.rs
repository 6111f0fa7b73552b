//! What Slack sends: a message of another app, a press or a submission, the words behind a slash command; and any text back to blocks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sre_agent::{
    inbound::{Payload, alerts, command},
    model::Message,
    slack::{blocks, mrkdwn},
};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = command(&text, "U1");
    let _ = mrkdwn::escape(&text);
    if let Ok(value) = serde_json::from_slice(data) {
        let _ = alerts::from_slack_message(&value);
    }
    if let Ok(message) = serde_json::from_slice::<Message>(data) {
        let _ = (blocks::message(&message), blocks::plain_message(&message));
    }
    if let Ok(payload) = serde_json::from_slice::<Payload>(data) {
        let _ = payload.reply();
    }
});
