//! What the columns of each kind's table say, in the fields of the API.

use serde_json::{Map, Value, json};

use super::super::describe::{age_seconds, tree::present};

/// The kind whose table has these columns; empty when it is none that is known.
pub fn kind_of_columns(columns: &[&str]) -> &'static str {
    let has = |names: &[&str]| names.iter().all(|name| columns.contains(name));
    if has(&["SERVICE", "AVAILABLE"]) {
        "APIService"
    } else if has(&["READY", "SECRET"]) {
        "Certificate"
    } else if has(&["SCALETARGETNAME", "READY"]) {
        "ScaledObject"
    } else if has(&["REQUEST", "LIMIT", "AGE"]) {
        "ResourceQuota"
    } else if has(&["READY", "STATUS", "RESTARTS"]) {
        "Pod"
    } else if has(&["READY", "UP-TO-DATE", "AVAILABLE"]) && !columns.contains(&"DESIRED") {
        "Deployment"
    } else if has(&["DESIRED", "CURRENT", "READY", "NODE SELECTOR"]) {
        "DaemonSet"
    } else if has(&["DESIRED", "CURRENT", "READY"]) {
        "ReplicaSet"
    } else if has(&["COMPLETIONS", "DURATION"]) {
        "Job"
    } else if has(&["SCHEDULE", "SUSPEND"]) {
        "CronJob"
    } else if has(&["STATUS", "ROLES", "VERSION"]) {
        "Node"
    } else if has(&["TYPE", "CLUSTER-IP"]) {
        "Service"
    } else if has(&["ADDRESSTYPE"]) {
        "EndpointSlice"
    } else if has(&["ENDPOINTS"]) {
        "Endpoints"
    } else if has(&["CLASS", "HOSTS"]) {
        "Ingress"
    } else if has(&["STATUS", "VOLUME", "STORAGECLASS"]) || has(&["STATUS", "VOLUME", "CAPACITY"]) {
        "PersistentVolumeClaim"
    } else if has(&["RECLAIM POLICY", "STATUS", "CLAIM"]) {
        "PersistentVolume"
    } else if has(&["PROVISIONER"]) {
        "StorageClass"
    } else if has(&["REFERENCE", "TARGETS"]) {
        "HorizontalPodAutoscaler"
    } else if has(&["POD-SELECTOR"]) {
        "NetworkPolicy"
    } else if has(&["ALLOWED DISRUPTIONS"]) {
        "PodDisruptionBudget"
    } else if has(&["TYPE", "DATA"]) {
        "Secret"
    } else if has(&["DATA", "AGE"]) {
        "ConfigMap"
    } else if has(&["SYNC STATUS", "HEALTH STATUS"]) {
        "Application"
    } else if has(&["AVAILABLE", "PROGRESSING", "DEGRADED"]) {
        "ClusterOperator"
    } else if columns.iter().all(|name| ["NAMESPACE", "NAME", "STATUS", "AGE", "LABELS"].contains(name)) && has(&["STATUS", "AGE"]) {
        "Namespace"
    } else if has(&["READY", "AGE"]) && !columns.contains(&"STATUS") {
        "StatefulSet"
    } else {
        ""
    }
}

/// `pod`, `pods`, `deployment.apps`, `Pod` as the API's kind.
pub fn kind_of_word(word: &str) -> String {
    let plain = word.split('.').next().unwrap_or_default();
    let kind = match plain.to_lowercase().as_str() {
        "po" | "pod" | "pods" => "Pod",
        "deploy" | "deployment" | "deployments" => "Deployment",
        "rs" | "replicaset" | "replicasets" => "ReplicaSet",
        "sts" | "statefulset" | "statefulsets" => "StatefulSet",
        "ds" | "daemonset" | "daemonsets" => "DaemonSet",
        "job" | "jobs" => "Job",
        "cj" | "cronjob" | "cronjobs" => "CronJob",
        "svc" | "service" | "services" => "Service",
        "no" | "node" | "nodes" => "Node",
        "ns" | "namespace" | "namespaces" => "Namespace",
        "ep" | "endpoints" => "Endpoints",
        "endpointslice" | "endpointslices" => "EndpointSlice",
        "ing" | "ingress" | "ingresses" => "Ingress",
        "pvc" | "persistentvolumeclaim" | "persistentvolumeclaims" => "PersistentVolumeClaim",
        "pv" | "persistentvolume" | "persistentvolumes" => "PersistentVolume",
        "hpa" | "horizontalpodautoscaler" | "horizontalpodautoscalers" => "HorizontalPodAutoscaler",
        "pdb" | "poddisruptionbudget" | "poddisruptionbudgets" => "PodDisruptionBudget",
        "netpol" | "networkpolicy" | "networkpolicies" => "NetworkPolicy",
        "cm" | "configmap" | "configmaps" => "ConfigMap",
        "secret" | "secrets" => "Secret",
        "event" | "events" => "Event",
        _ => return plain.to_owned(),
    };
    kind.to_owned()
}

/// The type of the events whose reason says it.
pub fn type_of_reason(reason: &str) -> &'static str {
    let bad = ["Fail", "BackOff", "Unhealthy", "Error", "Evict", "Kill", "OOM", "NotReady", "Exceeded"];
    if bad.iter().any(|word| reason.contains(word)) { "Warning" } else { "Normal" }
}

/// The API's fields that a row shows.
pub fn body(kind: &str, get: &dyn Fn(&str) -> String, columns: &[&str]) -> Value {
    let number = |name: &str| get(name).parse::<u64>().ok();
    let mut body = match kind {
        "Pod" => pod(&get("READY"), &get("STATUS"), &get("RESTARTS"), &get("NODE"), &get("IP")),
        "Deployment" | "StatefulSet" | "ReplicaSet" if !columns.contains(&"DESIRED") => {
            let ready = get("READY");
            let (ready, wanted) = fraction(&ready);
            json!({"spec": {"replicas": wanted}, "status": {"readyReplicas": ready, "availableReplicas": number("AVAILABLE").or(ready), "replicas": wanted}})
        }
        "ReplicaSet" => {
            json!({"spec": {"replicas": number("DESIRED")}, "status": {"replicas": number("CURRENT"), "readyReplicas": number("READY")}})
        }
        "DaemonSet" => {
            json!({"status": {"desiredNumberScheduled": number("DESIRED"), "currentNumberScheduled": number("CURRENT"), "numberReady": number("READY"),
            "numberAvailable": number("AVAILABLE")}})
        }
        "Job" => job(&get("STATUS"), &get("COMPLETIONS")),
        "CronJob" => json!({"spec": {"schedule": get("SCHEDULE"), "suspend": get("SUSPEND") == "True"}}),
        "Node" => node(&get("STATUS")),
        "Service" => {
            json!({"spec": {"type": get("TYPE"), "clusterIP": get("CLUSTER-IP"), "selector": labels(&get("SELECTOR")), "ports": ports(&get("PORT(S)"))},
            "status": {"externalIP": get("EXTERNAL-IP")}})
        }
        "Endpoints" => json!({"subsets": subsets(&get("ENDPOINTS"))}),
        "Ingress" => json!({"spec": {"ingressClassName": present(&get("CLASS"))}, "status": {"loadBalancer": {"ingress": []}}}),
        "PersistentVolumeClaim" => {
            json!({"spec": {"storageClassName": present(&get("STORAGECLASS")), "volumeName": get("VOLUME")}, "status": {"phase": get("STATUS")}})
        }
        "PersistentVolume" => {
            let claim = get("CLAIM");
            let (namespace, name) = claim.split_once('/').unwrap_or_default();
            json!({"spec": {"storageClassName": get("STORAGECLASS"), "claimRef": {"namespace": namespace, "name": name}}, "status": {"phase": get("STATUS")}})
        }
        "HorizontalPodAutoscaler" => {
            let reference = get("REFERENCE");
            let (kind, name) = reference.split_once('/').unwrap_or_default();
            json!({"spec": {"scaleTargetRef": {"kind": kind, "name": name}, "minReplicas": number("MINPODS"), "maxReplicas": number("MAXPODS")},
                "status": {"currentReplicas": number("REPLICAS"), "metricsText": [get("TARGETS")]}})
        }
        "Namespace" => json!({"status": {"phase": get("STATUS")}}),
        "PodDisruptionBudget" => json!({"status": {"disruptionsAllowed": number("ALLOWED DISRUPTIONS")}}),
        "APIService" => {
            let available = get("AVAILABLE");
            let (status, reason) = available.split_once(' ').unwrap_or((&available, ""));
            json!({"status": {"conditions": [{"type": "Available", "status": status, "reason": reason.trim_matches(['(', ')'])}]}})
        }
        "Certificate" | "ScaledObject" => {
            json!({"status": {"conditions": [{"type": "Ready", "status": get("READY"), "message": get("STATUS")}]}})
        }
        "ResourceQuota" => quota(&[get("REQUEST"), get("LIMIT")]),
        "ClusterOperator" => json!({"status": {"conditions": [
            {"type": "Available", "status": get("AVAILABLE")}, {"type": "Degraded", "status": get("DEGRADED"), "message": get("MESSAGE")}]}}),
        "Application" => json!({"status": {"sync": {"status": get("SYNC STATUS")}, "health": {"status": get("HEALTH STATUS")}}}),
        _ => json!({}),
    };
    if let Some(map) = body.as_object_mut() {
        let mut metadata = Map::new();
        if columns.contains(&"LABELS") {
            metadata.insert("labels".to_owned(), labels(&get("LABELS")));
        }
        map.insert("metadata".to_owned(), metadata.into());
        if let Some(age) = age_seconds(&get("AGE")) {
            map.insert("ageSeconds".to_owned(), age.into());
        }
    }
    body
}

/// A row whose header is missing.
#[derive(Debug)]
pub struct Guess<'a> {
    pub kind: &'static str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub body: Value,
}

/// Kind and fields of a row from the shapes of its cells: `1/1 Running 0 2d` is a pod, `1/1 1 1 2d` a deployment.
pub fn guess(row: &[String]) -> Option<Guess<'_>> {
    let is_fraction = |text: &String| {
        let (ready, wanted) = fraction(text);
        ready.is_some() && wanted.is_some() && text.bytes().all(|b| b.is_ascii_digit() || b == b'/')
    };
    let is_number = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let at = row.iter().position(is_fraction)?;
    let after = row.get(at + 1..).unwrap_or_default();
    let names = |end: usize| match row.get(..end)? {
        [name] => Some(("", name.as_str())),
        [namespace, name] => Some((namespace.as_str(), name.as_str())),
        _ => None,
    };
    let status = |text: &String| text.chars().next().is_some_and(char::is_alphabetic) && !text.contains(' ');
    let (namespace, name, kind, mut body, age) = match after {
        [_, _, age, ..] if after.iter().take(2).all(is_number) && age_seconds(age).is_some() => {
            let (namespace, name) = names(at)?;
            let (ready, wanted) = fraction(row.get(at)?);
            let body =
                json!({"spec": {"replicas": wanted}, "status": {"readyReplicas": ready, "availableReplicas": ready, "replicas": wanted}});
            (namespace, name, "Deployment", body, age)
        }
        [state, restarts, age, rest @ ..] if status(state) && restarts.split(' ').next().is_some_and(|n| n.parse::<u64>().is_ok()) => {
            let (namespace, name) = names(at)?;
            age_seconds(age)?;
            let word = |at: usize| rest.get(at).map(String::as_str).unwrap_or_default();
            (namespace, name, "Pod", pod(row.get(at)?, state, restarts, word(1), word(0)), age)
        }
        [_, age, ..] if at >= 2 && row.get(at - 1).is_some_and(status) && age_seconds(age).is_some() => {
            let (namespace, name) = names(at - 1)?;
            (namespace, name, "Job", job(row.get(at - 1)?, row.get(at)?), age)
        }
        _ => return None,
    };
    if name.contains(' ') || namespace.contains(' ') {
        return None;
    }
    if let (Some(map), Some(age)) = (body.as_object_mut(), age_seconds(age)) {
        map.insert("ageSeconds".to_owned(), age.into());
    }
    Some(Guess { kind, namespace, name, body })
}

fn fraction(text: &str) -> (Option<u64>, Option<u64>) {
    text.split_once('/').map_or((None, None), |(ready, wanted)| (ready.parse().ok(), wanted.parse().ok()))
}

/// `0/1  CrashLoopBackOff  12 (3m ago)` in the fields that the API has for it.
fn pod(ready: &str, status: &str, restarts: &str, node: &str, ip: &str) -> Value {
    let (ready, wanted) = fraction(ready);
    let restarts_count: u64 = restarts.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let all_ready = ready == wanted && wanted.is_some();
    let (init, word) = status.strip_prefix("Init:").map_or((false, status), |rest| (true, rest));
    let is_terminated = ["Error", "OOMKilled", "Completed", "ContainerCannotRun", "DeadlineExceeded", "StartError"].contains(&word)
        || word.starts_with("ExitCode:");
    let phase = match word {
        "Running" | "NotReady" | "Terminating" => "Running",
        "Completed" | "Succeeded" => "Succeeded",
        "Error" | "Failed" | "Evicted" | "DeadlineExceeded" | "ContainerCannotRun" if !init => "Failed",
        "Pending" | "ContainerCreating" | "PodInitializing" | "SchedulingGated" => "Pending",
        "Unknown" => "Unknown",
        "CrashLoopBackOff" | "OOMKilled" if !init => "Running",
        _ => "Pending",
    };
    let waiting = !is_terminated
        && !["Running", "Pending", "NotReady", "Terminating", "Succeeded", "Failed", "Evicted", "Unknown"].contains(&word)
        && word.chars().all(|c| c.is_alphanumeric());
    let state = if is_terminated && word != "Completed" {
        json!({"terminated": {"reason": word}})
    } else if waiting && word != "Completed" {
        json!({"waiting": {"reason": word}})
    } else {
        json!({})
    };
    let container = json!({"name": "", "ready": all_ready, "restartCount": restarts_count, "restartsText": restarts, "state": state});
    let statuses = if init { "initContainerStatuses" } else { "containerStatuses" };
    let mut body =
        json!({"spec": {"nodeName": present(node)}, "status": {"phase": phase, "podIP": present(ip), "readyText": [ready, wanted]}});
    if let Some(map) = body.get_mut("status").and_then(Value::as_object_mut) {
        if init && word.contains('/') {
            // `Init:0/2`: the first runs, the others and the main containers wait for it.
            map.insert("initText".to_owned(), word.into());
            map.insert(
                "containerStatuses".to_owned(),
                json!([{"name": "", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}]),
            );
        }
        map.insert(statuses.to_owned(), json!([container]));
        if word == "Evicted" {
            map.insert("reason".to_owned(), "Evicted".into());
        }
    }
    if word == "Terminating"
        && let Some(map) = body.as_object_mut()
    {
        map.insert("metadata".to_owned(), json!({"deletionTimestamp": "unknown"}));
    }
    body
}

fn job(status: &str, completions: &str) -> Value {
    let (done, wanted) = fraction(completions);
    let conditions = match status {
        "Failed" => json!([{"type": "Failed", "status": "True"}]),
        "Complete" | "SuccessCriteriaMet" => json!([{"type": "Complete", "status": "True"}]),
        _ => json!([]),
    };
    json!({"spec": {"completions": wanted, "suspend": status == "Suspended"}, "status": {"succeeded": done, "conditions": conditions}})
}

fn node(status: &str) -> Value {
    let words: Vec<&str> = status.split(',').collect();
    let ready = if words.contains(&"Ready") { "True" } else { "False" };
    json!({"spec": {"unschedulable": words.contains(&"SchedulingDisabled")}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

/// `pods: 20/20, requests.cpu: 3/10` as what is used and what is allowed.
fn quota(cells: &[String]) -> Value {
    let (mut used, mut hard) = (Map::new(), Map::new());
    for (resource, amounts) in cells.iter().flat_map(|cell| cell.split(',')).filter_map(|part| part.split_once(": ")) {
        if let Some((is, may)) = amounts.trim().split_once('/') {
            used.insert(resource.trim().to_owned(), is.into());
            hard.insert(resource.trim().to_owned(), may.into());
        }
    }
    json!({"status": {"used": used, "hard": hard}})
}

fn labels(text: &str) -> Value {
    Value::Object(
        present(text).split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), Value::from(value))).collect(),
    )
}

fn ports(text: &str) -> Value {
    text.split(',')
        .filter_map(|port| port.split('/').next())
        .filter_map(|port| port.split(':').next().and_then(|number| number.parse::<u64>().ok()))
        .map(|port| json!({"port": port}))
        .collect()
}

fn subsets(text: &str) -> Value {
    let addresses: Vec<Value> = present(text)
        .split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty() && !address.contains("more"))
        .map(|address| json!({"ip": address.rsplit_once(':').map_or(address, |(ip, _)| ip)}))
        .collect();
    if addresses.is_empty() { json!([]) } else { json!([{"addresses": addresses}]) }
}
