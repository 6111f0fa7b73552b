//! `investigate --format json`: the contract that scripts depend on.

use serde_json::{Value, json};

use crate::model::{Investigation, Report};

/// The investigation and its report as the one object of `--format json`, schema 1.
pub fn json(investigation: &Investigation, report: &Report) -> Value {
    let alert = investigation.request.as_alert();
    let of = |field: fn(&crate::model::Alert) -> &str| alert.map_or("", field);
    json!({
        "schema": 1,
        "status": investigation.status.as_str(),
        "alert": {
            "name": of(|alert| &alert.name),
            "service": of(|alert| &alert.service),
            "severity": of(|alert| alert.severity.as_str()),
            "priority": alert.map_or(String::new(), |alert| alert.priority.to_string()),
        },
        "routing": investigation.routing,
        "headline": report.headline,
        "hypotheses": investigation.hypotheses,
        "evidence": investigation.evidence,
        "timeline": report.timeline.iter().map(|item| json!({"time": item.time, "text": item.text, "evidence": item.evidence})).collect::<Vec<_>>(),
        "impact": report.impact,
        "immediate_actions": report.immediate_actions,
        "prevention": report.prevention,
        "gaps": report.gaps,
        "ruled_out": report.ruled_out,
        "tool_calls": investigation.tool_calls.iter().map(|call| json!({"tool": call.tool, "agent": call.agent, "digest": call.digest, "error": call.error, "calls": call.calls, "bytes": call.bytes})).collect::<Vec<_>>(),
        "durations_ms": {"total": investigation.duration_ms},
    })
}
