//! What an API server checks before it stores: types, needed fields, bounds, and what may not change.

use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, Node, PersistentVolumeClaim, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::refusals::{Cause, forbidden_field, invalid_value, required};

/// As the server decodes it: wrong types are errors, unknown fields are left out. Kinds that are not listed pass as they are.
pub fn typed(kind: &str, object: Value) -> Result<Value, String> {
    fn round<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
        let read: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        serde_json::to_value(read).map_err(|error| error.to_string())
    }
    let read = match kind {
        "Deployment" => round::<Deployment>(&object)?,
        "StatefulSet" => round::<StatefulSet>(&object)?,
        "DaemonSet" => round::<DaemonSet>(&object)?,
        "ReplicaSet" => round::<ReplicaSet>(&object)?,
        "Pod" => round::<Pod>(&object)?,
        "Node" => round::<Node>(&object)?,
        "Job" => round::<Job>(&object)?,
        "CronJob" => round::<CronJob>(&object)?,
        "Service" => round::<Service>(&object)?,
        "ConfigMap" => round::<ConfigMap>(&object)?,
        "PersistentVolumeClaim" => round::<PersistentVolumeClaim>(&object)?,
        "HorizontalPodAutoscaler" => round::<HorizontalPodAutoscaler>(&object)?,
        "PodDisruptionBudget" => round::<PodDisruptionBudget>(&object)?,
        _ => return Ok(object),
    };
    let mut object = object;
    quantities(&object)?;
    known_only(&mut object, &read);
    Ok(object)
}

/// Leaves out what the typed object does not have.
fn known_only(object: &mut Value, known: &Value) {
    match (object, known) {
        (Value::Object(fields), Value::Object(known)) => {
            fields.retain(|name, _| known.contains_key(name));
            fields.iter_mut().for_each(|(name, value)| known_only(value, &known[name]));
        }
        (Value::Array(items), Value::Array(known)) => items.iter_mut().zip(known).for_each(|(item, known)| known_only(item, known)),
        _ => {}
    }
}

/// Every value below `limits`, `requests` and `capacity` of resources.
fn quantities(object: &Value) -> Result<(), String> {
    match object {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Some(amounts)) = (["limits", "requests"].contains(&name.as_str()), value.as_object()) {
                    let wrong = amounts.values().any(|amount| amount.as_str().map_or(!amount.is_number(), |text| quantity(text).is_none()));
                    if wrong {
                        return Err(
                            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned()
                        );
                    }
                }
                quantities(value)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(quantities),
        _ => Ok(()),
    }
}

/// The number that a quantity is: `500m`, `128Mi`, `1.5G`, `1e3`.
pub fn quantity(text: &str) -> Option<f64> {
    const UNITS: &[(&str, f64)] = &[
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let (number, unit) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor))).unwrap_or((text, 1.0));
    let plain =
        number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && number.bytes().any(|byte| byte.is_ascii_digit());
    number.parse::<f64>().ok().filter(|_| plain).map(|number| number * unit)
}

/// What is wrong with `new`, which is to take the place of `old`.
pub fn wrong(kind: &str, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if old["metadata"]["uid"] != new["metadata"]["uid"] {
        causes.push(invalid_value("metadata.uid", &new["metadata"]["uid"], "field is immutable"));
    }
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => workload(kind, old, new, &mut causes),
        "Pod" => pod(old, new, &mut causes),
        "HorizontalPodAutoscaler" => {
            let (least, most) = (new["spec"]["minReplicas"].as_i64().unwrap_or(1), new["spec"]["maxReplicas"].as_i64().unwrap_or(0));
            if least < 1 {
                causes.push(invalid_value("spec.minReplicas", least, "must be greater than or equal to 1"));
            }
            if most < 1 {
                causes.push(invalid_value("spec.maxReplicas", most, "must be greater than 0"));
            } else if most < least {
                causes.push(invalid_value("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"));
            }
        }
        _ => {}
    }
    causes
}

pub fn replicas(spec: &Value) -> Option<Cause> {
    let replicas = spec["replicas"].as_i64().filter(|replicas| *replicas < 0)?;
    Some(invalid_value("spec.replicas", replicas, "must be greater than or equal to 0"))
}

fn workload(kind: &str, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    causes.extend(replicas(spec));
    let template = &spec["template"];
    if template["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        causes.push(required("spec.template.spec.containers"));
    }
    containers(&template["spec"], "spec.template.spec", causes);
    let labels = &template["metadata"]["labels"];
    let fits = spec["selector"]["matchLabels"].as_object().into_iter().flatten().all(|(name, value)| labels[name] == *value);
    if !fits {
        causes.push(invalid_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
    }
    if kind == "StatefulSet" {
        const MAY_CHANGE: &[&str] = &[
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
        ];
        let rest = |spec: &Value| {
            let mut rest = spec.as_object().cloned().unwrap_or_default();
            rest.retain(|name, _| !MAY_CHANGE.contains(&name.as_str()));
            rest
        };
        if rest(&old["spec"]) != rest(spec) {
            let said = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            causes.push(forbidden_field("spec", said));
        }
    } else if old["spec"]["selector"] != spec["selector"] {
        causes.push(invalid_value("spec.selector", &spec["selector"], "field is immutable"));
    }
}

fn containers(spec: &Value, place: &str, causes: &mut Vec<Cause>) {
    for list in ["initContainers", "containers"] {
        let mut names: Vec<&str> = Vec::new();
        for (at, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let place = format!("{place}.{list}[{at}]");
            match container["name"].as_str().unwrap_or_default() {
                "" => causes.push(required(format!("{place}.name"))),
                name if names.contains(&name) => causes.push(Cause {
                    reason: "FieldValueDuplicate",
                    field: format!("{place}.name"),
                    message: format!("Duplicate value: \"{name}\""),
                }),
                name if name.len() > 63 || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') => {
                    let said = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
                    causes.push(invalid_value(format!("{place}.name"), format!("\"{name}\""), said));
                }
                name => names.push(name),
            }
            if container["image"].as_str().unwrap_or_default().is_empty() {
                causes.push(required(format!("{place}.image")));
            }
            for (at, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
                if variable["name"].as_str().unwrap_or_default().is_empty() {
                    causes.push(required(format!("{place}.env[{at}].name")));
                }
                if !variable["valueFrom"].is_null() && variable["value"].as_str().is_some_and(|value| !value.is_empty()) {
                    let said = "may not be specified when `value` is not empty";
                    causes.push(invalid_value(format!("{place}.env[{at}].valueFrom"), "\"\"", said));
                }
            }
            resources(&container["resources"], &format!("{place}.resources"), causes);
        }
    }
}

fn resources(resources: &Value, place: &str, causes: &mut Vec<Cause>) {
    let amount = |value: &Value| value.as_str().map_or_else(|| value.as_f64(), quantity);
    for list in ["limits", "requests"] {
        for (name, value) in resources[list].as_object().into_iter().flatten() {
            if amount(value).is_some_and(|amount| amount < 0.0) {
                causes.push(invalid_value(format!("{place}.{list}[{name}]"), value, "must be greater than or equal to 0"));
            }
        }
    }
    for (name, asked) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        if let (Some(asked_amount), Some(limit_amount)) = (amount(asked), amount(limit))
            && asked_amount > limit_amount
        {
            let limit = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
            let said = format!("must be less than or equal to {name} limit of {limit}");
            causes.push(invalid_value(format!("{place}.requests"), asked, &said));
        }
    }
}

/// Nearly all of a pod's spec is fixed.
fn pod(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    containers(&new["spec"], "spec", causes);
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        for field in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
            spec[field] = Value::Null;
        }
        spec
    };
    if fixed(old) != fixed(new) {
        let said = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(forbidden_field("spec", said));
    }
}
