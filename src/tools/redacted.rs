//! Secrets out of what a live system answered, before anything keeps it, shows it or reasons about it.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use crate::{model::observation::Observations, redact};

/// Copies of the whole object and of who wrote which field: long, and nobody reads them for a cause.
const COPIES: &[&str] = &["kubectl.kubernetes.io/last-applied-configuration"];

/// Takes the secrets out of every text.
pub fn observations(all: &mut Observations) {
    for object in &mut all.objects {
        lean(&mut object.body);
        environment(&mut object.body);
        redact::value(&mut object.body);
    }
    for event in &mut all.events {
        text(&mut event.message);
    }
    for log in &mut all.logs {
        text(&mut log.source);
        for line in &mut log.lines {
            text(&mut line.text);
            redact::value(&mut line.fields);
        }
    }
    for series in &mut all.metrics {
        labels(&mut series.labels);
    }
    for span in &mut all.spans {
        text(&mut span.name);
        text(&mut span.error);
        labels(&mut span.attributes);
    }
    for change in &mut all.changes {
        text(&mut change.summary);
        text(&mut change.diff);
    }
    for document in &mut all.documents {
        redact::value(&mut document.body);
    }
    all.gaps.iter_mut().for_each(text);
}

/// Takes the secrets out of one text.
pub fn text(text: &mut String) {
    if let Cow::Owned(without) = redact::text(text) {
        *text = without;
    }
}

fn labels(labels: &mut BTreeMap<String, String>) {
    for (name, value) in labels {
        let said = format!("{name}: {value}");
        if let Cow::Owned(without) = redact::text(&said) {
            *value = without.split_once(": ").map_or(without.clone(), |(_, value)| value.to_owned());
        }
    }
}

fn lean(body: &mut Value) {
    let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.shift_remove("managedFields");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        COPIES.iter().for_each(|name| drop(annotations.shift_remove(*name)));
    }
}

/// A container's variable names its value beside it: `{name: DB_PASSWORD, value: …}`.
fn environment(body: &mut Value) {
    let Some(spec) = ["/spec", "/spec/template/spec", "/spec/jobTemplate/spec/template/spec"]
        .into_iter()
        .find(|at| body.pointer(&format!("{at}/containers")).is_some())
        .and_then(|at| body.pointer_mut(at))
    else {
        return;
    };
    for kind in ["initContainers", "containers", "ephemeralContainers"] {
        let containers = spec.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten();
        let variables = containers.filter_map(|container| container.get_mut("env").and_then(Value::as_array_mut)).flatten();
        for variable in variables.filter_map(Value::as_object_mut) {
            let name = variable.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(Value::String(value)) = variable.get_mut("value")
                && let Cow::Owned(without) = redact::text(&format!("{name}={value}"))
            {
                *value = without.split_once('=').map_or(without.clone(), |(_, value)| value.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::observation::{Document, LogLine, LogStream, Object};

    #[test]
    fn planted_secrets_are_gone_from_every_kind_of_observation() {
        const SECRET: &str = "hunter2hunter2";
        let pod = json!({"metadata": {"name": "a", "managedFields": [{}], "annotations": {COPIES[0]: SECRET}},
            "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "URL", "value": format!("mongodb://u:{SECRET}@db/")}, {"name": "MODE", "value": "fast"}]}]}});
        let mut all = Observations {
            objects: vec![Object { body: pod, ..Object::default() }],
            logs: vec![LogStream {
                lines: vec![LogLine {
                    text: format!("login failed password={SECRET}"),
                    fields: json!({"token": SECRET}),
                    ..LogLine::default()
                }],
                ..LogStream::default()
            }],
            documents: vec![Document { body: json!({"argv": ["--keyFilePassword", format!("password={SECRET}")]}), ..Document::default() }],
            gaps: vec![format!("GET https://u:{SECRET}@host/ failed")],
            ..Observations::default()
        };
        observations(&mut all);
        let text = serde_json::to_string(&all).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        assert!(text.contains("\"fast\"") && !text.contains("managedFields"));
    }
}
