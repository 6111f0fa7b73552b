//! Alertmanager: one silence, found again by its comment.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    model::{Check, LabelMatch, Preview},
    tools::http::{Body, Endpoint},
};

use super::{
    Systems,
    operate::{Doing, Failure, Seen},
    systems::TOOL,
};

/// How many alerts a preview names.
const NAMED_MAX: usize = 10;

async fn read(endpoint: &Endpoint, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
    let answer = endpoint.get(TOOL, path, query).await?;
    serde_json::from_slice(&answer.body).map_err(|error| Failure::Refused(format!("Alertmanager's answer is no JSON ({error})")))
}

fn filters(matchers: &[LabelMatch]) -> Vec<(&'static str, String)> {
    let one = |matcher: &LabelMatch| {
        let value = matcher.value.replace('\\', "\\\\").replace('"', "\\\"");
        ("filter", format!("{}{}\"{value}\"", matcher.name, if matcher.regex { "=~" } else { "=" }))
    };
    matchers.iter().map(one).collect()
}

/// The words in the comment by which the silence is found again.
fn signature(doing: &Doing<'_>) -> String {
    format!("[sre-agent {}]", doing.mark())
}

pub async fn preview(
    systems: &Systems,
    doing: &Doing<'_>,
    name: &str,
    matchers: &[LabelMatch],
    minutes: u32,
) -> Result<(Preview, Vec<Check>), Failure> {
    let endpoint = systems.alertmanager(name)?;
    let mut query = filters(matchers);
    query.push(("active", "true".to_owned()));
    let alerts = read(endpoint, "api/v2/alerts", &query).await?;
    let alerts = alerts.as_array().cloned().unwrap_or_default();
    let mut diff: Vec<String> = alerts
        .iter()
        .take(NAMED_MAX)
        .map(|alert| {
            let label = |name: &str| alert.pointer(&format!("/labels/{name}")).and_then(Value::as_str).unwrap_or_default().to_owned();
            format!("- {} {} {}", label("alertname"), label("namespace"), label("service")).trim_end().to_owned()
        })
        .collect();
    if alerts.len() > NAMED_MAX {
        diff.push(format!("  … and {} alerts more", alerts.len() - NAMED_MAX));
    }
    diff.extend(filters(matchers).into_iter().map(|(_, filter)| format!("+ silence {filter}")));
    let what = if alerts.len() == 1 {
        "1 alert that fires now falls silent".to_owned()
    } else {
        format!("{} alerts that fire now fall silent", alerts.len())
    };
    let preview = Preview {
        place: format!("looked at {name}; Alertmanager has no dry run for this"),
        diff,
        effect: format!("{what}, for {minutes} min"),
        // A silence does not depend on which alerts fire when it is set.
        seen: String::new(),
        facts: std::collections::BTreeMap::new(),
    };
    let check = Check::Silenced { alertmanager: name.to_owned(), comment: signature(doing) };
    Ok((preview, vec![check]))
}

/// The active silence of this signature.
async fn find(endpoint: &Endpoint, signature: &str) -> Result<Option<String>, Failure> {
    let list = read(endpoint, "api/v2/silences", &[]).await?;
    let ours = list.as_array().into_iter().flatten().find(|silence| {
        let comment = silence.get("comment").and_then(Value::as_str).unwrap_or_default();
        comment.contains(signature) && silence.pointer("/status/state").and_then(Value::as_str) != Some("expired")
    });
    Ok(ours.and_then(|silence| silence.get("id")?.as_str()).map(str::to_owned))
}

pub async fn apply(
    systems: &Systems,
    name: &str,
    matchers: &[LabelMatch],
    minutes: u32,
    comment: &str,
    doing: Doing<'_>,
) -> Result<String, Failure> {
    let endpoint = systems.alertmanager(name)?;
    let signature = signature(&doing);
    if find(endpoint, &signature).await?.is_some() {
        return Ok("it was done already".to_owned());
    }
    // The instant at which the step was begun is stored: a repetition asks for the same silence.
    let from = doing.step.begun_at.unwrap_or_default();
    let until = from + jiff::SignedDuration::from_mins(i64::from(minutes));
    let matchers: Vec<Value> = matchers
        .iter()
        .map(|matcher| json!({"name": matcher.name, "value": matcher.value, "isRegex": matcher.regex, "isEqual": true}))
        .collect();
    let body = json!({
        "matchers": matchers, "startsAt": from.to_string(), "endsAt": until.to_string(), "createdBy": "sre-agent",
        "comment": format!("{comment} {signature}"),
    });
    endpoint.post(TOOL, "api/v2/silences", &body).await?;
    Ok(String::new())
}

pub async fn undo(systems: &Systems, name: &str, doing: Doing<'_>) -> Result<String, Failure> {
    let endpoint = systems.alertmanager(name)?;
    if let Some(id) = find(endpoint, &signature(&doing)).await? {
        let fine = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !fine {
            return Err(Failure::Refused("Alertmanager gave a silence an id that is none".to_owned()));
        }
        endpoint.send(TOOL, Method::DELETE, &format!("api/v2/silence/{id}"), &[], Body::None).await?;
    }
    Ok("the silence is ended".to_owned())
}

pub async fn silenced(systems: &Systems, name: &str, signature: &str) -> Result<Seen, Failure> {
    let found = find(systems.alertmanager(name)?, signature).await?;
    Ok(if found.is_some() { Seen::so("the silence holds") } else { Seen::not_yet("the silence is not there") })
}
