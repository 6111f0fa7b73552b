//! AWS: CloudWatch alarms and other events, bare, as EventBridge sends them, inside SNS, inside a Lambda's records.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    if let Some(record) = items(at(body, &["Records"])).first() {
        return record.get("Sns").and_then(|sns| notification(sns, raw));
    }
    if has(body, &["Type", "TopicArn"]) || has(body, &["Type", "MessageId"]) {
        return match text(body, "Type").as_str() {
            "SubscriptionConfirmation" => super::none("an SNS subscription that waits for its confirmation"),
            "UnsubscribeConfirmation" => super::none("an SNS unsubscription"),
            _ => notification(body, raw),
        };
    }
    if has(body, &["AlarmName"]) || has(body, &["NewStateValue"]) {
        return alarm(body, raw);
    }
    has(body, &["detail-type", "detail"]).then(|| event(body, &text(body, "detail-type"), raw))
}

/// SNS wraps the real body as text.
fn notification(sns: &Value, raw: &str) -> Option<Recognised> {
    let message = text(sns, "Message");
    let subject = text(sns, "Subject");
    match serde_json::from_str::<Value>(&message) {
        Ok(inner) if inner.is_object() => {
            if let Some(found) = alarm(&inner, raw) {
                return Some(found);
            }
            if has(&inner, &["detail"]) {
                return Some(event(&inner, &if subject.is_empty() { text(&inner, "detail-type") } else { subject }, raw));
            }
            Some(super::super::read_value(&inner, raw))
        }
        _ => Some(match super::super::slack::plain_post(&format!("{subject}\n{message}")) {
            Some(mut draft) => {
                draft.source = "aws".into();
                Recognised::Alerts(vec![draft.finish(raw)])
            }
            None => Recognised::Unknown { reason: "an SNS message that states no alert".into() },
        }),
    }
}

fn alarm(body: &Value, raw: &str) -> Option<Recognised> {
    let name = text(body, "AlarmName");
    if name.is_empty() {
        return None;
    }
    let mut draft = Draft::new("cloudwatch");
    draft.name = name;
    draft.status = words::status(&text(body, "NewStateValue"));
    draft.summary = text(body, "NewStateReason");
    draft.description = text(body, "AlarmDescription");
    described(&mut draft);
    draft.starts_at = json::time(at(body, &["StateChangeTime"]));
    let trigger = at(body, &["Trigger"]);
    let metric =
        items(at(trigger, &["Metrics"])).iter().map(|metric| at(metric, &["MetricStat", "Metric"])).find(|metric| !metric.is_null());
    metric_labels(&mut draft, metric.unwrap_or(trigger), "MetricName", "Namespace", "Dimensions");
    for (label, key) in [("region", "Region"), ("account", "AWSAccountId")] {
        draft.label(label, &text(body, key));
    }
    let arn = text(body, "AlarmArn");
    draft.dedup(&if arn.is_empty() { format!("{} {} {}", text(body, "AWSAccountId"), text(body, "Region"), draft.name) } else { arn });
    super::one(draft.finish(raw))
}

/// `TEAM=x | PRIORITY=P1 | RUNBOOK=https://…` in an alarm's description, as teams do for want of labels.
fn described(draft: &mut Draft) {
    for part in draft.description.clone().split(['|', '\n', ';']) {
        let Some((key, value)) = part.trim().split_once('=') else { continue };
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        match key.as_str() {
            "priority" | "severity" | "sev" => draft.severity_word = value.to_owned(),
            "service" | "app" => draft.service = value.to_owned(),
            _ if key.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                draft.link(&key, value);
                draft.label(&key, value);
            }
            _ => {}
        }
    }
}

/// Dimensions that say which variant of a thing, and not which thing.
const VARIANTS: &[&str] =
    &["StorageType", "AvailabilityZone", "Currency", "FilterId", "Operation", "Class", "Type", "Resource", "Service", "CacheNodeId"];

fn metric_labels(draft: &mut Draft, metric: &Value, name: &str, namespace: &str, dimensions: &str) {
    draft.label("metric", &format!("{} {}", text(metric, namespace), text(metric, name)));
    let list = at(metric, &[dimensions]);
    let mut pairs: Vec<(String, String)> =
        items(list).iter().map(|item| (json::first(item, &["name", "Name"]), json::first(item, &["value", "Value"]))).collect();
    pairs.extend(list.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), json::scalar(value))));
    pairs.retain(|(key, value)| !key.is_empty() && !value.is_empty());
    let thing = pairs.iter().find(|(key, _)| !VARIANTS.contains(&key.as_str())).or(pairs.first());
    if let Some((key, value)) = thing {
        draft.resource = format!("{key}:{value}");
    }
    for (key, value) in &pairs {
        draft.label(key, value);
    }
}

/// An EventBridge event.
fn event(body: &Value, kind: &str, raw: &str) -> Recognised {
    let detail = at(body, &["detail"]);
    let mut draft = Draft::new("aws");
    draft.label("region", &text(body, "region"));
    draft.label("account", &text(body, "account"));
    draft.starts_at = json::time(at(body, &["time"]));
    if has(detail, &["alarmName"]) {
        draft.source = "cloudwatch".into();
        draft.name = text(detail, "alarmName");
        draft.status = words::status(&text(detail, "state.value"));
        draft.summary = text(detail, "state.reason");
        draft.description = text(detail, "configuration.description");
        described(&mut draft);
        if let Some(metric) = items(at(detail, &["configuration", "metrics"]))
            .iter()
            .map(|metric| at(metric, &["metricStat", "metric"]))
            .find(|metric| !metric.is_null())
        {
            metric_labels(&mut draft, metric, "name", "namespace", "dimensions");
        }
        return Recognised::Alerts(vec![draft.finish(raw)]);
    }
    let result = json::first(
        detail,
        &["scanResultDetails.scanResultStatus", "state", "status", "lastStatus", "jobState", "build-status", "statusCode"],
    );
    draft.name = json::first(detail, &["type", "eventTypeCode", "alertName", "check-name"]);
    if draft.name.is_empty() || !draft.name.contains([':', '_', ' ']) {
        kind.clone_into(&mut draft.name);
    }
    draft.summary = json::first(detail, &["title", "eventTypeCode", "message", "stoppedReason", "statusMessage"]);
    draft.description = json::first(detail, &["description", "eventDescription.0.latestDescription", "cause", "message"]);
    draft.severity_word = finding_severity(at(detail, &["severity"]));
    if let Some(word) = Some(text(detail, "severity.label").to_lowercase()).filter(|word| !word.is_empty()) {
        draft.severity_word = word;
    }
    let (bucket, object) = (text(detail, "s3ObjectDetails.bucketName"), text(detail, "s3ObjectDetails.objectKey"));
    if !bucket.is_empty() {
        draft.resource = format!("{bucket}/{object}");
    }
    if draft.resource.is_empty() {
        draft.resource = json::first(
            detail,
            &[
                "resource.instanceDetails.instanceId",
                "instance-id",
                "EC2InstanceId",
                "jobName",
                "SourceIdentifier",
                "resourceId",
                "affectedEntities.0.entityValue",
                "stateMachineArn",
                "clusterArn",
                "AutoScalingGroupName",
            ],
        );
    }
    draft.service = text(detail, "service").trim().to_owned();
    draft.status = words::status(&result);
    if let Some(first) = items(at(body, &["resources"])).first() {
        draft.label("arn", &json::scalar(first));
    }
    draft.dedup(&json::first(detail, &["id", "eventArn", "arn", "jobRunId"]));
    let security = kind.contains("Finding") || kind.contains("Health") || kind.contains("Alarm") || kind.contains("Malware");
    let quiet = matches!(draft.status, Some(AlertStatus::Resolved)) || draft.status.is_none() && !security;
    if quiet && draft.severity_word.is_empty() && !security {
        return Recognised::NotAnAlert { reason: format!("an AWS event `{}`", super::super::draft::cut(kind, 80)) };
    }
    if words::plain(&result) == "no threats found" {
        return Recognised::NotAnAlert { reason: "a scan that found nothing".into() };
    }
    Recognised::Alerts(vec![draft.finish(raw)])
}

/// GuardDuty's scale from 1 to 10, in the words of its console.
fn finding_severity(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if number < 4.0 => "Low".into(),
        Some(number) if number < 7.0 => "Medium".into(),
        Some(_) => "High".into(),
        None => json::scalar(value),
    }
}
