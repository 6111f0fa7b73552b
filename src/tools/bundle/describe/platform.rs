//! Descriptions of nodes, volumes, quotas, configuration data and Argo CD applications.

use serde_json::{Map, Value, json};

use super::{
    conditions, instant,
    tree::{Level, cells, present},
};

pub fn node(level: &Level<'_>) -> Value {
    let taints: Vec<Value> = level
        .lines("Taints")
        .iter()
        .filter_map(|line| line.rsplit_once(':'))
        .map(|(key, effect)| {
            let (key, value) = key.split_once('=').unwrap_or((key, ""));
            json!({"key": key, "value": value, "effect": effect})
        })
        .collect();
    let amounts = |key: &str| -> Value {
        Value::Object(level.below(key).0.iter().map(|node| (node.key.clone(), Value::from(node.value.clone()))).collect())
    };
    let (_, allocated) = level.table("Allocated resources");
    let used: Map<String, Value> = allocated
        .iter()
        .filter_map(|row| match row.as_slice() {
            [resource, requests, ..] if requests.contains('%') => Some((resource.clone(), Value::from(requests.clone()))),
            _ => None,
        })
        .collect();
    json!({
        "spec": {"unschedulable": level.value("Unschedulable") == "true", "taints": taints},
        "status": {"conditions": conditions(level), "capacity": amounts("Capacity"), "allocatable": amounts("Allocatable"), "allocatedRequests": used},
    })
}

pub fn claim(level: &Level<'_>) -> Value {
    json!({
        "spec": {"storageClassName": level.value("StorageClass"), "volumeName": level.value("Volume"), "accessModes": modes(level)},
        "status": {"phase": level.value("Status").split_whitespace().next().unwrap_or_default(), "capacity": {"storage": level.value("Capacity")}, "usedBy": level.lines("Used By")},
    })
}

pub fn volume(level: &Level<'_>) -> Value {
    let (namespace, name) = level.value("Claim").split_once('/').unwrap_or_default();
    json!({
        "spec": {
            "storageClassName": level.value("StorageClass"), "persistentVolumeReclaimPolicy": level.value("Reclaim Policy"),
            "capacity": {"storage": level.value("Capacity")}, "claimRef": {"namespace": namespace, "name": name},
        },
        "status": {"phase": level.value("Status"), "message": level.value("Message")},
    })
}

fn modes<'a>(level: &Level<'a>) -> Vec<&'a str> {
    level.value("Access Modes").split(',').map(str::trim).filter(|mode| !mode.is_empty()).collect()
}

pub fn quota(text: &str) -> Value {
    let (mut used, mut hard) = (Map::new(), Map::new());
    for row in text.lines().map(cells) {
        if let [resource, used_amount, hard_amount] = row.as_slice()
            && resource != "Resource"
            && !resource.starts_with("--")
        {
            used.insert(resource.clone(), used_amount.clone().into());
            hard.insert(resource.clone(), hard_amount.clone().into());
        }
    }
    json!({"spec": {"hard": hard.clone()}, "status": {"hard": hard, "used": used}})
}

/// The `Data` section of a ConfigMap or Secret: keys, and values where they are shown.
pub fn data(text: &str) -> Value {
    let mut data = Map::new();
    let mut lines = text.lines().skip_while(|line| *line != "====").skip(1).peekable();
    let mut key: Option<(String, String)> = None;
    while let Some(line) = lines.next() {
        if line == "BinaryData" || line.starts_with("Events:") {
            break;
        }
        let starts = line.strip_suffix(':').filter(|_| lines.peek() == Some(&"----"));
        if let Some(name) = starts {
            if let Some((name, value)) = key.take() {
                data.insert(name, value.trim_end().into());
            }
            lines.next();
            key = Some((name.to_owned(), String::new()));
            continue;
        }
        match key.as_mut() {
            Some((_, value)) => {
                value.push_str(line);
                value.push('\n');
            }
            None => {
                if let Some((name, size)) = line.split_once(':').filter(|(_, size)| size.trim().ends_with("bytes")) {
                    data.insert(name.trim().to_owned(), size.trim().into());
                }
            }
        }
    }
    if let Some((name, value)) = key {
        data.insert(name, value.trim_end().into());
    }
    json!({"data": data})
}

/// `argocd app get`: the application's state, its last operation and its resources.
pub fn argo_application(level: &Level<'_>, text: &str) -> Value {
    let mut resources: Vec<Value> = Vec::new();
    let mut columns: Vec<(String, usize)> = Vec::new();
    for line in text.lines() {
        if line.contains("KIND") && line.contains("NAME") && line.contains("STATUS") {
            columns = super::super::table::columns(line);
        } else if !columns.is_empty() && !line.trim().is_empty() {
            let cell = |name: &str| super::super::table::cell(line, &columns, name);
            resources.push(json!({
                "group": cell("GROUP"), "kind": cell("KIND"), "namespace": cell("NAMESPACE"), "name": cell("NAME"), "status": cell("STATUS"),
                "health": {"status": cell("HEALTH")}, "message": cell("MESSAGE"),
            }));
        }
    }
    json!({
        "spec": {"project": level.value("Project"), "destination": {"server": level.value("Server"), "namespace": level.value("Namespace")}},
        "status": {
            "sync": {"status": level.value("Sync Status").split_whitespace().next().unwrap_or_default()},
            "health": {"status": present(level.value("Health Status"))},
            "operationState": {
                "phase": level.value("Phase"), "message": level.value("Message"), "startedAt": level.value("Start"), "finishedAt": instant(level.value("Finished")),
            },
            "conditions": conditions(level),
            "resources": resources,
        },
    })
}
