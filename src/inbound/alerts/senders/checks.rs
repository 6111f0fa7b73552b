//! Small senders whose shape is their own: checks by name and state (Riemann, Sensu, Nagios), saved searches, error trackers.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};
use crate::model::{AlertStatus, Severity};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    [riemann, splunk, sensu, librenms, papertrail, librato, graylog, tracker, status_page, uptime_kuma]
        .iter()
        .find_map(|reader| reader(body))
        .map(|found| match found {
            Ok(draft) => Recognised::Alerts(vec![draft.finish(raw)]),
            Err(reason) => Recognised::NotAnAlert { reason: reason.to_owned() },
        })
}

type Found = Option<Result<Draft, &'static str>>;

/// Riemann: the state is both status and severity.
fn riemann(body: &Value) -> Found {
    if !(has(body, &["host", "service", "state"]) && body.get("state").is_some_and(Value::is_string)) {
        return None;
    }
    let mut draft = Draft::new("riemann");
    draft.name = text(body, "service");
    draft.severity_word = text(body, "state");
    draft.status = words::status(&draft.severity_word);
    draft.resource = text(body, "host");
    draft.description = text(body, "description");
    draft.starts_at = json::time(at(body, &["time"]));
    draft.dedup(&format!("{} {}", draft.resource, draft.name));
    Some(Ok(draft))
}

/// Splunk: a saved search that found something.
fn splunk(body: &Value) -> Found {
    if !(has(body, &["search_name"]) && (has(body, &["sid"]) || has(body, &["results_link"]) || has(body, &["result"]))) {
        return None;
    }
    let mut draft = Draft::new("splunk");
    draft.name = text(body, "search_name");
    draft.status = Some(AlertStatus::Firing);
    draft.resource = text(body, "result.host");
    draft.description = text(body, "result._raw");
    draft.severity_word = json::first(body, &["severity", "result.severity"]);
    draft.link("results", &text(body, "results_link"));
    Some(Ok(draft))
}

/// Sensu and Nagios-like checks: 0 is fine, 1 a warning, 2 critical.
fn sensu(body: &Value) -> Found {
    let check = at(body, &["check"]);
    let name = json::first(check, &["metadata.name", "name"]);
    if name.is_empty() || check.get("status").is_none() {
        return None;
    }
    let mut draft = Draft::new("sensu");
    draft.name = name;
    (draft.status, draft.severity_word) = match text(check, "status").as_str() {
        "0" => (Some(AlertStatus::Resolved), String::new()),
        "1" => (Some(AlertStatus::Firing), "warning".to_owned()),
        "2" => (Some(AlertStatus::Firing), "critical".to_owned()),
        word => (words::status(word).or(Some(AlertStatus::NoData)), String::new()),
    };
    draft.description = text(check, "output");
    draft.resource = json::first(body, &["entity.metadata.name", "client.name", "entity.name"]);
    draft.namespace = String::new();
    draft.dedup(&format!("{} {}", draft.resource, draft.name));
    Some(Ok(draft))
}

/// LibreNMS: 0 recovered, 1 alert, 2 acknowledged, 3 worse, 4 better.
fn librenms(body: &Value) -> Found {
    if !(has(body, &["hostname", "state", "name"]) && (has(body, &["sysDescr"]) || has(body, &["device_id"]) || has(body, &["rule_id"]))) {
        return None;
    }
    let mut draft = Draft::new("librenms");
    draft.name = text(body, "name");
    draft.status = match text(body, "state").as_str() {
        "0" => Some(AlertStatus::Resolved),
        "2" => Some(AlertStatus::Acknowledged),
        word => words::status(word).or(Some(AlertStatus::Firing)),
    };
    draft.severity_word = text(body, "severity");
    draft.resource = json::first(body, &["hostname", "sysName", "ip"]);
    draft.summary = text(body, "title");
    draft.description = text(body, "msg");
    draft.starts_at = json::time(at(body, &["timestamp"]));
    draft.dedup(&[text(body, "device_id"), text(body, "rule_id")].join(" "));
    Some(Ok(draft))
}

/// Papertrail: a saved search with the lines that it found.
fn papertrail(body: &Value) -> Found {
    let search = at(body, &["saved_search"]);
    let name = text(search, "name");
    if name.is_empty() {
        return None;
    }
    let events = items(at(body, &["events"]));
    let Some(first) = events.first() else { return Some(Err("a saved search without events")) };
    let mut draft = Draft::new("papertrail");
    draft.name = name;
    draft.status = Some(AlertStatus::Firing);
    draft.summary = text(first, "message");
    draft.description = events.iter().take(50).map(|event| text(event, "message")).collect::<Vec<_>>().join("\n");
    draft.severity_word = text(first, "severity");
    draft.resource = json::first(first, &["hostname", "source_name"]);
    draft.starts_at = json::time(at(first, &["received_at"]));
    draft.label("program", &text(first, "program"));
    draft.dedup(&text(search, "id"));
    draft.link("search", &text(search, "html_search_url"));
    Some(Ok(draft))
}

/// Librato / AppOptics: an alert with conditions, or its clearing.
fn librato(body: &Value) -> Found {
    let alert = at(body, &["alert"]);
    if !(has(alert, &["name"]) && (has(body, &["trigger_time"]) || has(body, &["violations"]) || has(body, &["conditions"]))) {
        return None;
    }
    let mut draft = Draft::new("librato");
    draft.name = text(alert, "name");
    draft.status = Some(if has(body, &["clear"]) { AlertStatus::Resolved } else { AlertStatus::Firing });
    draft.description = text(alert, "description");
    let first = at(body, &["violations"]).as_object().and_then(|map| map.iter().next());
    if let Some((source, list)) = first {
        source.clone_into(&mut draft.resource);
        draft.label("metric", &text(list, "0.metric"));
    }
    draft.starts_at = json::time(at(body, &["trigger_time"]));
    draft.dedup(&text(alert, "id"));
    draft.link("runbook", &text(alert, "runbook_url"));
    Some(Ok(draft))
}

/// Graylog: an event definition; priorities are 1 low, 2 normal, 3 high.
fn graylog(body: &Value) -> Found {
    if !has(body, &["event_definition_title"]) {
        return None;
    }
    let mut draft = Draft::new("graylog");
    draft.name = text(body, "event_definition_title");
    draft.status = Some(AlertStatus::Firing);
    draft.summary = text(body, "event.message");
    draft.description = text(body, "event_definition_description");
    draft.severity_word = text(body, "event.priority");
    draft.severity = match draft.severity_word.as_str() {
        "1" => Some(Severity::Low),
        "2" => Some(Severity::Medium),
        "3" => Some(Severity::High),
        "4" => Some(Severity::Critical),
        _ => None,
    };
    draft.resource = text(body, "event.source");
    draft.labels = json::labels(at(body, &["event", "fields"]));
    draft.starts_at = json::time(at(body, &["event", "timestamp"]));
    draft.dedup(&[text(body, "event_definition_id"), text(body, "event.key")].join(" "));
    Some(Ok(draft))
}

/// Errbit, Airbrake, Honeybadger, Rollbar, Bugsnag: an error's class and message in a project.
fn tracker(body: &Value) -> Found {
    let inside = ["problem", "error", "fault", "item", "check_in", "site"].iter().find(|key| at(body, &[key]).is_object());
    let data = if has(at(body, &["data"]), &["item"]) { at(body, &["data", "item"]) } else { at(body, &[inside.copied().unwrap_or("")]) };
    let name =
        json::first(data, &["error_class", "errorClass", "klass", "exceptionClass", "exception_class", "title", "name", "error_message"]);
    if name.is_empty() {
        return None;
    }
    let mut draft = Draft::new(match inside.copied() {
        Some("problem") => "errbit",
        Some("fault" | "check_in" | "site") => "honeybadger",
        Some("error") => "bugsnag",
        _ => "rollbar",
    });
    draft.name = name;
    let event = json::first(body, &["event", "event_name", "trigger.type", "type"]);
    let resolved = text(data, "resolved") == "true" || text(data, "state") == "up";
    // Rollbar counts from 10, debug, to 50, critical.
    draft.severity = match json::first(data, &["level"]).as_str() {
        "50" => Some(Severity::Critical),
        "40" => Some(Severity::High),
        "30" => Some(Severity::Medium),
        "20" | "10" => Some(Severity::Low),
        _ => None,
    };
    draft.status = if resolved { Some(AlertStatus::Resolved) } else { words::status_of_event(&event).or(Some(AlertStatus::Firing)) };
    if words::plain(&event).contains("comment") || words::plain(&event).contains("deploy") {
        return Some(Err("a comment or a deploy notice"));
    }
    draft.description = json::first(data, &["message", "exceptionMessage"]);
    if draft.description.is_empty() {
        draft.description = text(body, "message");
    }
    draft.severity_word = json::first(data, &["severity", "level"]);
    draft.service = json::first(body, &["problem.app_name", "project.name", "fault.project.name", "data.item.project.name", "app.name"]);
    draft.label("environment", &json::first(data, &["environment", "releaseStage", "env"]));
    draft.starts_at = ["created_at", "firstReceived", "first_notice_at", "reported_at"].iter().find_map(|key| json::time(at(data, &[key])));
    draft.dedup(&json::first(data, &["_id", "id"]));
    draft.link("problem", &json::first(data, &["url", "html_url"]));
    Some(Ok(draft))
}

/// Statuspage: an incident or a component of somebody's service.
fn status_page(body: &Value) -> Found {
    if !has(body, &["page"]) {
        return None;
    }
    let component = at(body, &["component"]);
    let data = if component.is_null() { at(body, &["incident"]) } else { component };
    let name = text(data, "name");
    if name.is_empty() {
        return None;
    }
    let state = json::first(body, &["component_update.new_status", "incident.status", "component.status"]);
    if matches!(state.as_str(), "scheduled" | "verifying") || !text(data, "scheduled_for").is_empty() {
        return Some(Err("a scheduled maintenance"));
    }
    let mut draft = Draft::new("statuspage");
    draft.name = name;
    draft.status = words::status(&state).or(Some(AlertStatus::Firing));
    draft.severity_word = text(data, "impact");
    draft.description = json::first(data, &["incident_updates.0.body", "description"]);
    draft.service = json::first(data, &["incident_updates.0.affected_components.0.name", "components.0.name"]);
    draft.starts_at = json::time(at(data, &["created_at"]));
    draft.dedup(&text(data, "id"));
    draft.link("incident", &text(data, "shortlink"));
    Some(Ok(draft))
}

/// Uptime Kuma: a heartbeat of a monitor, 0 down, 1 up, 2 pending, 3 maintenance.
fn uptime_kuma(body: &Value) -> Found {
    if !has(body, &["heartbeat", "monitor"]) {
        return None;
    }
    let monitor = at(body, &["monitor"]);
    let mut draft = Draft::new("uptime");
    draft.status = match text(body, "heartbeat.status").as_str() {
        "0" => Some(AlertStatus::Firing),
        "1" => Some(AlertStatus::Resolved),
        "2" => Some(AlertStatus::Pending),
        _ => return Some(Err("a test or a maintenance of a monitor")),
    };
    draft.name = text(monitor, "name");
    draft.resource = json::first(monitor, &["url", "hostname"]);
    draft.description = json::first(body, &["heartbeat.msg", "msg"]);
    draft.dedup(&text(monitor, "id"));
    Some(Ok(draft))
}
