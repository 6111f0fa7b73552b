//! Zabbix media types: the webhook's parameters by their usual names, or the macros that teams copy.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has},
    title, words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let key = |name: &str| has(body, &[name]);
    let zabbix = key("event_nseverity")
        || key("trigger_id")
        || key("triggerid")
        || (key("event_value") && key("event_name"))
        || (key("trigger") && (key("host") || key("hostname")))
        || json::text(body, "type") == "zabbix";
    if !zabbix {
        return None;
    }
    let mut draft = Draft::new("zabbix");
    draft.name =
        title::read(&json::first(body, &["event_name", "trigger_name", "trigger.name", "trigger", "alert_subject", "subject", "name"]))
            .name;
    let value =
        json::first(body, &["event_value", "event_update_status", "status", "trigger_status", "trigger.status", "event_status", "value"]);
    draft.status = match value.as_str() {
        "1" => Some(AlertStatus::Firing),
        "0" => Some(AlertStatus::Resolved),
        word => words::status(word),
    };
    draft.severity_word = json::first(body, &["event_severity", "trigger_severity", "severity", "trigger.severity", "priority"]);
    draft.resource = json::first(body, &["host_name", "hostname", "host.name", "host", "host_ip"]);
    draft.description = json::first(body, &["alert_message", "message", "trigger_description", "opdata", "event_opdata"]);
    for key in ["event_tags", "tags", "event_tags_json"] {
        for (label, value) in json::labels(at(body, &[key])) {
            draft.label(&label, &value);
        }
    }
    draft.dedup(&json::first(body, &["trigger_id", "triggerid", "event_id", "eventid"]));
    super::one(draft.finish(raw))
}
