//! New Relic: issue workflows, and the older incident notifications.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};
use crate::model::AlertStatus;

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    let issue = has(body, &["alertConditionNames"]) || has(body, &["alertPolicyNames"]) || has(body, &["issueUrl"]);
    let incident = has(body, &["condition_name"]) && (has(body, &["policy_name"]) || has(body, &["current_state"]));
    if !issue && !incident {
        return None;
    }
    let mut draft = Draft::new("newrelic");
    let list = |key: &str| items(at(body, &[key])).first().map(json::scalar).unwrap_or_default();
    draft.name = [list("alertConditionNames"), text(body, "condition_name"), list("annotations.title"), text(body, "title")]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    draft.summary = json::first(body, &["title", "details", "condition_name"]);
    draft.description = json::first(body, &["annotations.description.0", "details", "message"]);
    draft.status = words::status(&json::first(body, &["state", "current_state", "status"]));
    // An acknowledged issue stays ACTIVATED; who did it is in the trigger.
    let acknowledged = !text(body, "acknowledgedAt").is_empty() || text(body, "trigger").contains("ACKNOWLEDGE");
    if acknowledged && draft.status == Some(AlertStatus::Firing) {
        draft.status = Some(AlertStatus::Acknowledged);
    }
    draft.severity_word = json::first(body, &["priority", "severity"]);
    let entities = at(body, &["impactedEntities"]);
    draft.resource = items(entities).first().map(json::scalar).unwrap_or_default();
    if draft.resource.is_empty() {
        draft.resource = json::first(body, &["targets.0.name", "entitiesData.names.0"]);
    }
    draft.label("policy", &[list("alertPolicyNames"), text(body, "policy_name")].concat());
    draft.count = text(body, "totalIncidents").parse().unwrap_or(1);
    draft.starts_at = ["createdAt", "timestamp"].iter().find_map(|key| json::time(at(body, &[key])));
    draft.ends_at = json::time(at(body, &["closedAt"]));
    draft.dedup(&json::first(body, &["id", "issueId", "incident_id"]));
    draft.link("issue", &json::first(body, &["issueUrl", "issuePageUrl", "incident_url"]));
    super::one(draft.finish(raw))
}
