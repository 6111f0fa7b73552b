//! The description of a pod, and the pod templates inside of other descriptions.

use serde_json::{Map, Value, json};

use super::{
    conditions, instant, named_children, pairs,
    tree::{Level, Node, flatten, present},
};

pub fn pod(level: &Level<'_>) -> Value {
    let (init, init_statuses) = containers(level, "Init Containers");
    let (main, main_statuses) = containers(level, "Containers");
    let status = level.value("Status");
    let phase = status.split_whitespace().next().unwrap_or_default();
    let mut out = json!({
        "spec": {
            "containers": main, "initContainers": init, "volumes": volumes(level),
            "nodeName": level.value("Node").split('/').next().unwrap_or_default(),
            "serviceAccountName": level.value("Service Account"),
            "nodeSelector": pairs(level, "Node-Selectors", '='),
            "tolerations": level.lines("Tolerations"),
        },
        "status": {
            "phase": phase, "reason": level.value("Reason"), "message": level.lines("Message").join(" "),
            "podIP": level.value("IP"), "qosClass": level.value("QoS Class"), "startTime": instant(level.value("Start Time")),
            "conditions": conditions(level), "containerStatuses": main_statuses, "initContainerStatuses": init_statuses,
        },
    });
    if phase == "Terminating"
        && let Some(map) = out.as_object_mut()
    {
        map.insert("metadata".to_owned(), json!({"deletionTimestamp": "unknown"}));
        if let Some(status) = map.get_mut("status").and_then(Value::as_object_mut) {
            status.insert("phase".to_owned(), "Running".into());
        }
    }
    out
}

/// The template of a workload: its labels and containers.
pub fn template(level: &Level<'_>) -> Value {
    let inside = level.below("Pod Template");
    let (main, _) = containers(&inside, "Containers");
    let (init, _) = containers(&inside, "Init Containers");
    json!({
        "metadata": {"labels": pairs(&inside, "Labels", '=')},
        "spec": {"containers": main, "initContainers": init, "volumes": volumes(&inside), "nodeSelector": pairs(&inside, "Node-Selectors", '=')},
    })
}

fn containers(level: &Level<'_>, section: &str) -> (Vec<Value>, Vec<Value>) {
    named_children(level, section).into_iter().map(container).unzip()
}

/// One container's spec and status.
fn container(node: &Node) -> (Value, Value) {
    let level = Level(&node.children);
    let mut spec = Map::new();
    spec.insert("name".to_owned(), node.key.clone().into());
    spec.insert("image".to_owned(), level.value("Image").into());
    for (key, field) in [("Command", "command"), ("Args", "args")] {
        let lines = level.lines(key);
        if !lines.is_empty() {
            spec.insert(field.to_owned(), lines.into());
        }
    }
    let ports: Vec<Value> = [level.value("Port"), level.value("Ports")]
        .iter()
        .flat_map(|text| text.split(','))
        .filter_map(|port| port.trim().split('/').next().and_then(|number| number.parse::<u64>().ok()))
        .map(|port| json!({"containerPort": port}))
        .collect();
    spec.insert("ports".to_owned(), ports.into());
    spec.insert("resources".to_owned(), json!({"limits": amounts(&level, "Limits"), "requests": amounts(&level, "Requests")}));
    for (key, field) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")] {
        if !level.value(key).is_empty() {
            spec.insert(field.to_owned(), probe(level.value(key)));
        }
    }
    spec.insert("env".to_owned(), environment(&level));
    spec.insert("envFrom".to_owned(), environment_from(&level));
    spec.insert("volumeMounts".to_owned(), mounts(&level));
    (Value::Object(spec), status(node))
}

/// The states are read in the order of the lines, whatever their indentation: recordings lose it.
fn status(node: &Node) -> Value {
    let mut states: Map<String, Value> = Map::new();
    let mut current: Option<(&str, String, Map<String, Value>)> = None;
    let mut in_state = true;
    let lines: Vec<&str> = node.children.iter().flat_map(flatten).collect();
    let mut out = json!({"name": node.key, "restartCount": 0});
    for line in lines {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = present(value.trim());
        match key {
            "State" | "Last State" => {
                finish(&mut states, current.take());
                let field = if key == "State" { "state" } else { "lastState" };
                current = (!value.is_empty()).then(|| (field, value.to_lowercase(), Map::new()));
                in_state = true;
            }
            "Reason" | "Message" | "Exit Code" | "Signal" | "Started" | "Finished" if in_state => {
                if let Some((_, _, map)) = current.as_mut() {
                    state_field(map, key, value);
                }
            }
            "Ready" => set(&mut out, "ready", (value == "True").into()),
            "Restart Count" => set(&mut out, "restartCount", value.parse::<u64>().unwrap_or(0).into()),
            "Image ID" => set(&mut out, "imageID", value.into()),
            "Limits" | "Requests" | "Environment" | "Environment Variables from" | "Mounts" | "Command" | "Args" => in_state = false,
            _ => {}
        }
    }
    finish(&mut states, current.take());
    for (key, value) in states {
        set(&mut out, &key, value);
    }
    out
}

fn state_field(map: &mut Map<String, Value>, key: &str, value: &str) {
    match key {
        "Exit Code" | "Signal" => {
            if let Ok(code) = value.parse::<i64>() {
                map.insert(if key == "Signal" { "signal" } else { "exitCode" }.to_owned(), code.into());
            }
        }
        "Started" | "Finished" => {
            if let Some(time) = instant(value) {
                map.insert(if key == "Started" { "startedAt" } else { "finishedAt" }.to_owned(), time.into());
            }
        }
        key => {
            map.insert(key.to_lowercase(), value.into());
        }
    }
}

fn finish(states: &mut Map<String, Value>, current: Option<(&str, String, Map<String, Value>)>) {
    if let Some((field, state, map)) = current {
        states.insert(field.to_owned(), json!({state: map}));
    }
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

fn amounts(level: &Level<'_>, key: &str) -> Value {
    Value::Object(
        level.below(key).0.iter().filter(|node| !node.value.is_empty()).map(|node| (node.key.clone(), node.value.clone().into())).collect(),
    )
}

/// `http-get http://:3005/health delay=15s timeout=1s period=20s #success=1 #failure=3`.
fn probe(text: &str) -> Value {
    let mut out = json!({"text": text});
    let seconds = |name: &str| {
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(name))
            .map(|value| value.trim_end_matches('s').to_owned())
            .and_then(|value| value.parse::<u64>().ok())
    };
    for (name, field) in [
        ("delay=", "initialDelaySeconds"),
        ("timeout=", "timeoutSeconds"),
        ("period=", "periodSeconds"),
        ("#failure=", "failureThreshold"),
        ("#success=", "successThreshold"),
    ] {
        if let Some(value) = seconds(name) {
            set(&mut out, field, value.into());
        }
    }
    let target = text.split(" delay=").next().unwrap_or_default();
    if let Some(url) = target.strip_prefix("http-get ") {
        let rest = url.split("://").nth(1).unwrap_or(url);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = host.rsplit(':').next().unwrap_or_default();
        let port = port.parse::<u64>().map_or_else(|_| Value::from(port), Value::from);
        set(&mut out, "httpGet", json!({"path": format!("/{path}"), "port": port}));
    } else if let Some(address) = target.strip_prefix("tcp-socket ") {
        let port = address.rsplit(':').next().unwrap_or_default();
        set(&mut out, "tcpSocket", json!({"port": port.parse::<u64>().map_or_else(|_| Value::from(port), Value::from)}));
    } else if let Some(command) = target.strip_prefix("exec ") {
        set(&mut out, "exec", json!({"command": [command.trim_start_matches('[').trim_end_matches(']')]}));
    }
    out
}

fn environment(level: &Level<'_>) -> Value {
    let entries = level.below("Environment").0.iter().filter(|node| !node.key.is_empty()).map(|node| match reference(&node.value) {
        Some((kind, name, key, optional)) => {
            json!({"name": node.key, "valueFrom": {format!("{kind}KeyRef"): {"name": name, "key": key, "optional": optional}}})
        }
        None => json!({"name": node.key, "value": node.value}),
    });
    entries.collect()
}

/// `<set to the key 'token' in secret 'api'>  Optional: false`.
fn reference(value: &str) -> Option<(&'static str, &str, &str, bool)> {
    let rest = value.strip_prefix("<set to the key '")?;
    let (key, rest) = rest.split_once("' ")?;
    let (kind, rest) = if let Some(rest) = rest.strip_prefix("in secret '") {
        ("secret", rest)
    } else {
        ("configMap", rest.strip_prefix("of config map '")?)
    };
    let (name, rest) = rest.split_once('\'')?;
    Some((kind, name, key, rest.contains("Optional: true")))
}

/// `app-config  ConfigMap  Optional: false`.
fn environment_from(level: &Level<'_>) -> Value {
    let lines = level.below("Environment Variables from").0.iter().map(|node| node.raw.as_str());
    lines
        .filter_map(|line| {
            let cells = super::tree::cells(line);
            let [name, kind, ..] = cells.as_slice() else { return None };
            let optional = line.contains("Optional: true");
            match kind.split_whitespace().next() {
                Some("Secret") => Some(json!({"secretRef": {"name": name, "optional": optional}})),
                Some("ConfigMap") => Some(json!({"configMapRef": {"name": name, "optional": optional}})),
                _ => None,
            }
        })
        .collect()
}

fn mounts(level: &Level<'_>) -> Value {
    let lines = level.below("Mounts").0.iter().map(|node| node.raw.as_str());
    lines
        .filter_map(|line| line.split_once(" from "))
        .map(|(path, rest)| json!({"mountPath": path.trim(), "name": rest.split_whitespace().next().unwrap_or_default()}))
        .collect()
}

fn volumes(level: &Level<'_>) -> Value {
    named_children(level, "Volumes")
        .into_iter()
        .map(|node| {
            let inside = Level(&node.children);
            let optional = inside.value("Optional") == "true";
            let mut volume = json!({"name": node.key});
            match inside.value("Type").split_whitespace().next().unwrap_or_default() {
                "PersistentVolumeClaim" => set(&mut volume, "persistentVolumeClaim", json!({"claimName": inside.value("ClaimName")})),
                "ConfigMap" => set(&mut volume, "configMap", json!({"name": inside.value("Name"), "optional": optional})),
                "Secret" => set(&mut volume, "secret", json!({"secretName": inside.value("SecretName"), "optional": optional})),
                "EmptyDir" => {
                    set(&mut volume, "emptyDir", json!({"medium": inside.value("Medium"), "sizeLimit": inside.value("SizeLimit")}))
                }
                "HostPath" => set(&mut volume, "hostPath", json!({"path": inside.value("Path")})),
                "Projected" => {
                    let name = inside.value("ConfigMapName");
                    let sources = if name.is_empty() { json!([]) } else { json!([{"configMap": {"name": name}}]) };
                    set(&mut volume, "projected", json!({"sources": sources}));
                }
                _ => {}
            }
            volume
        })
        .collect()
}
