//! Grafana's legacy webhook (`ruleName`, `evalMatches`); the unified one has Alertmanager's shape.

use serde_json::Value;

use super::super::{
    Recognised,
    draft::Draft,
    json::{self, at, has, items, text},
    words,
};

pub(super) fn read(body: &Value, raw: &str) -> Option<Recognised> {
    if !(has(body, &["ruleName"]) && (has(body, &["state"]) || has(body, &["ruleId"]))) {
        return None;
    }
    let mut draft = Draft::new("grafana");
    draft.name = text(body, "ruleName");
    draft.summary = text(body, "title");
    draft.description = text(body, "message");
    draft.status = words::status(&text(body, "state"));
    draft.labels = json::labels(at(body, &["tags"]));
    let matches = items(at(body, &["evalMatches"]));
    for found in matches.iter().take(20) {
        for (key, value) in json::labels(at(found, &["tags"])) {
            draft.label(&key, &value);
        }
    }
    draft.severity_word = ["severity", "priority"].iter().find_map(|key| draft.labels.get(*key)).cloned().unwrap_or_default();
    if let Some(found) = matches.first()
        && !draft.labels.contains_key("instance")
        && !draft.labels.contains_key("pod")
    {
        draft.resource = text(found, "metric");
    }
    draft.dedup(&format!("rule {} {}", text(body, "ruleId"), draft.name));
    draft.link("rule", &text(body, "ruleUrl"));
    draft.link("image", &text(body, "imageUrl"));
    super::one(draft.finish(raw))
}
