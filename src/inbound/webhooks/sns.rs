//! Amazon SNS asks once whether a topic may send to us: the answer is a GET of the address in its message.
//!
//! Source: docs.aws.amazon.com, SNS, "HTTP/HTTPS subscription confirmation JSON format".

use std::time::Duration;

use serde_json::Value;

use super::super::State;
use crate::web;

/// How long SNS may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Confirms a subscription, beside the answer: SNS waits for that. A confirmation that fails can be asked for again in SNS.
pub fn confirm(state: &State, body: &Value) {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("Type") != "SubscriptionConfirmation" {
        return;
    }
    let (topic, address) = (text("TopicArn").to_owned(), text("SubscribeURL"));
    let Some(address) = confirmable(address) else {
        tracing::warn!(topic, "an SNS subscription was not confirmed: its SubscribeURL is no https address of sns.<region>.amazonaws.com");
        return;
    };
    let proxy = state.config.proxy.clone();
    tokio::spawn(async move {
        // The address holds a token, so no error with the address in it is logged.
        let outcome = match web::client(PATIENCE, proxy.as_ref()) {
            Ok(client) => client.get(address).send().await.map(|answer| answer.status()).map_err(|error| error.without_url().to_string()),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(status) if status.is_success() => tracing::info!(topic, "an SNS subscription was confirmed"),
            Ok(status) => tracing::warn!(topic, %status, "an SNS subscription could not be confirmed"),
            Err(error) => tracing::warn!(topic, error, "an SNS subscription could not be confirmed"),
        }
    });
}

/// The address, if it can only be Amazon's: anything else would let a message make us call whom it likes.
pub fn confirmable(address: &str) -> Option<url::Url> {
    let url = url::Url::parse(address).ok()?;
    let region = url.host_str()?.strip_prefix("sns.")?;
    let region = region.strip_suffix(".amazonaws.com").or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
    let named = !region.is_empty() && region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let plain = url.scheme() == "https" && url.port().is_none() && url.username().is_empty() && url.password().is_none();
    (named && plain).then_some(url)
}
