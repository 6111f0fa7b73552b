//! The same questions in the words of versions 3 and 4.

use serde_json::{Value, json};

use super::{
    Window,
    questions::{Question, Signal, Want},
};

/// The body for `/api/v4/query_range` and `/api/v3/query_range`; times are in milliseconds.
pub fn body(question: &Question, window: Window) -> Value {
    let step = window.step(60);
    let (panel, operator, attribute) = match &question.want {
        Want::Rows { .. } => ("list", "noop", String::new()),
        Want::Series { aggregation, .. } => {
            let (operator, inside) = aggregation.split_once('(').unwrap_or((aggregation, ""));
            ("graph", operator, inside.trim_end_matches(')').replace("duration_nano", "durationNano"))
        }
    };
    let limit = if let Want::Rows { limit, .. } = question.want { limit } else { 0 };
    let ascending = matches!(question.want, Want::Rows { ascending: true, .. });
    let group: Vec<Value> = match &question.want {
        Want::Series { group, .. } if !group.is_empty() => vec![key("serviceName", question.signal)],
        _ => Vec::new(),
    };
    let query = json!({"dataSource": question.signal.word(), "queryName": "A", "expression": "A", "disabled": false, "aggregateOperator": operator,
        "aggregateAttribute": if attribute.is_empty() { json!({}) } else { json!({"key": attribute, "dataType": "float64", "type": "tag", "isColumn": true}) },
        "filters": {"op": "AND", "items": items(&question.filter, question.signal)}, "groupBy": group, "stepInterval": step, "limit": limit, "offset": 0, "pageSize": limit,
        "orderBy": [{"columnName": "timestamp", "order": if ascending { "asc" } else { "desc" }}], "selectColumns": []});
    json!({"start": window.from.as_millisecond(), "end": window.until.as_millisecond(), "step": step, "variables": {},
        "compositeQuery": {"queryType": "builder", "panelType": panel, "builderQueries": {"A": query}}})
}

/// The conditions that all hold; what was an alternative is left to the reader of the answer.
fn items(filter: &str, signal: Signal) -> Vec<Value> {
    let mut out = Vec::new();
    for part in filter.split(" AND ") {
        let condition = if let Some((name, list)) = part.split_once(" IN (") {
            let values: Vec<String> = list.trim_end_matches(')').split(", ").map(unquoted).collect();
            Some((name, "in", json!(values)))
        } else {
            part.split_once(" = ").map(|(name, value)| (name, "=", if value == "true" { json!(true) } else { json!(unquoted(value)) }))
        };
        if let Some((name, operator, value)) = condition.filter(|(name, ..)| !name.contains([' ', '('])) {
            out.push(json!({"key": key(name, signal), "op": operator, "value": value}));
        } else if part.contains("severity_text") {
            out.push(json!({"key": {"key": "severity_text", "dataType": "string", "type": "", "isColumn": true}, "op": "in", "value": ["ERROR", "FATAL", "error", "fatal"]}));
        }
    }
    out
}

fn unquoted(text: &str) -> String {
    text.trim_matches('\'').replace("\\'", "'").replace("\\\\", "\\")
}

fn key(name: &str, signal: Signal) -> Value {
    match (name, signal) {
        ("service.name" | "serviceName", Signal::Traces) => {
            json!({"key": "serviceName", "dataType": "string", "type": "tag", "isColumn": true})
        }
        ("trace_id", _) => json!({"key": "traceID", "dataType": "string", "type": "tag", "isColumn": true}),
        ("has_error", _) => json!({"key": "hasError", "dataType": "bool", "type": "tag", "isColumn": true}),
        _ => {
            json!({"key": if name == "serviceName" { "service.name" } else { name }, "dataType": "string", "type": "resource", "isColumn": false})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_told_one_by_one() {
        let found = items(
            "k8s.namespace.name = 'shop' AND service.name IN ('a', 'it\\'s') AND (severity_text IN ('ERROR') OR body REGEXP 'x')",
            Signal::Logs,
        );
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[1]["value"], json!(["a", "it's"]));
        assert_eq!(found[2]["key"]["key"], "severity_text");
    }
}
