//! One pod, one node: delete, cordon, uncordon.

use axum::http::Method;
use serde_json::{Value, json};

use crate::model::{Check, Preview};

use super::{
    super::{
        Systems,
        operate::{Doing, Failure, Seen},
        systems::TOOL,
    },
    TRIES, diff, digest, get, left_by, mark, marked, part, patch, segment, short, text,
};

fn pod_path(namespace: &str, name: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/namespaces/{}/pods/{}", segment(namespace)?, segment(name)?))
}

pub async fn delete_pod(systems: &Systems, cluster: &str, namespace: &str, name: &str) -> Result<(Preview, Vec<Check>), Failure> {
    let client = systems.cluster(cluster)?;
    let path = pod_path(namespace, name)?;
    let pod = get(client, &path).await?;
    let uid = text(&pod, "/metadata/uid").to_owned();
    let owner = pod.pointer("/metadata/ownerReferences/0/kind").and_then(Value::as_str);
    let Some(owner) = owner else {
        return Err(Failure::Refused(format!("pod/{name} belongs to no controller: deleted it would be gone for good")));
    };
    let body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}, "dryRun": ["All"]});
    client.write(TOOL, Method::DELETE, &path, "application/json", &body).await?;
    let node = text(&pod, "/spec/nodeName");
    let preview = Preview {
        place: format!("dry run on {}, accepted by the API server", client.cluster()),
        diff: vec![format!("- pod/{name} on {node}"), format!("+ a new pod of the same {owner}")],
        effect: "its requests fail until the new pod is ready".to_owned(),
        seen: digest(&[&json!(uid)]),
        facts: [("uid".to_owned(), json!(uid))].into(),
    };
    let check = Check::PodGone { cluster: cluster.to_owned(), namespace: namespace.to_owned(), name: name.to_owned(), uid };
    Ok((preview, vec![check]))
}

pub async fn apply_delete(systems: &Systems, cluster: &str, namespace: &str, name: &str, doing: Doing<'_>) -> Result<String, Failure> {
    let client = systems.cluster(cluster)?;
    let uid = doing.step.preview.facts.get("uid").cloned().unwrap_or_default();
    let body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}});
    match client.write(TOOL, Method::DELETE, &pod_path(namespace, name)?, "application/json", &body).await.map_err(Failure::from) {
        Ok(_) => Ok(String::new()),
        Err(Failure::Gone(_) | Failure::Conflict(_)) if doing.again => Ok("it was done already".to_owned()),
        Err(Failure::Gone(_)) => Err(Failure::Changed(format!("pod/{name} is gone already"))),
        Err(Failure::Conflict(_)) => Err(Failure::Changed(format!("pod/{name} is another pod now"))),
        Err(other) => Err(other),
    }
}

pub async fn pod_gone(systems: &Systems, cluster: &str, namespace: &str, name: &str, uid: &str) -> Result<Seen, Failure> {
    match get(systems.cluster(cluster)?, &pod_path(namespace, name)?).await {
        Ok(pod) if text(&pod, "/metadata/uid") == uid => Ok(Seen::not_yet(format!("pod/{name} is still there"))),
        Ok(_) | Err(Failure::Gone(_)) => Ok(Seen::so(format!("pod/{name} is gone"))),
        Err(other) => Err(other),
    }
}

fn node_path(node: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/nodes/{}", segment(node)?))
}

fn flag(node: &Value) -> bool {
    node.pointer("/spec/unschedulable").and_then(Value::as_bool).unwrap_or(false)
}

/// What must still be so when something is done to it: the same node, and as open or closed.
fn seen(node: &Value, unschedulable: bool) -> String {
    digest(&[part(node, "/metadata/uid"), &json!(unschedulable)])
}

fn flag_operation(unschedulable: bool) -> Value {
    json!({"op": "add", "path": "/spec/unschedulable", "value": unschedulable})
}

pub async fn cordon(systems: &Systems, cluster: &str, node: &str, closed: bool) -> Result<(Preview, Vec<Check>), Failure> {
    let client = systems.cluster(cluster)?;
    let path = node_path(node)?;
    let object = get(client, &path).await?;
    if flag(&object) == closed {
        return Err(Failure::Refused(format!("node/{node} is {} already", if closed { "cordoned" } else { "schedulable" })));
    }
    let after = patch(client, &path, &object, &[flag_operation(closed)], None).await?;
    let before = json!({"unschedulable": flag(&object)});
    let mut lines = diff(&before, &json!({"unschedulable": flag(&after)}));
    lines.insert(0, format!("  node/{node}"));
    let effect = if closed { "no new pods are put on it; those that run there stay" } else { "new pods may be put on it again" };
    let preview = Preview {
        place: format!("dry run on {}, accepted by the API server", client.cluster()),
        diff: lines,
        effect: effect.to_owned(),
        seen: seen(&object, flag(&object)),
        facts: [("before".to_owned(), json!(flag(&object)))].into(),
    };
    Ok((preview, Vec::new()))
}

async fn set(
    systems: &Systems,
    cluster: &str,
    node: &str,
    closed: bool,
    step: &str,
    ready: impl Fn(&Value) -> Result<bool, Failure>,
) -> Result<bool, Failure> {
    let client = systems.cluster(cluster)?;
    let path = node_path(node)?;
    for _ in 0..TRIES {
        let object = get(client, &path).await?;
        if marked(&object).0 == step {
            return Ok(false);
        }
        if !ready(&object)? {
            return Err(Failure::Changed(format!("node/{node} was changed by somebody else since")));
        }
        let mark = mark(step, short(&seen(&object, closed)));
        match patch(client, &path, &object, &[flag_operation(closed)], Some(&mark)).await {
            Ok(_) => return Ok(true),
            Err(Failure::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Failure::Conflict(format!("node/{node} is written all the time by somebody else")))
}

pub async fn apply_cordon(systems: &Systems, cluster: &str, node: &str, closed: bool, doing: Doing<'_>) -> Result<String, Failure> {
    let as_seen = |object: &Value| Ok(seen(object, flag(object)) == doing.step.preview.seen);
    let fresh = set(systems, cluster, node, closed, &doing.mark(), as_seen).await?;
    Ok(if fresh { String::new() } else { "it was done already".to_owned() })
}

pub async fn undo_cordon(systems: &Systems, cluster: &str, node: &str, doing: Doing<'_>) -> Result<String, Failure> {
    let before = doing.step.preview.facts.get("before").and_then(Value::as_bool).unwrap_or(false);
    let step = format!("{}/undone", doing.mark());
    let as_left = |object: &Value| Ok(left_by(object, &doing) == Some(short(&seen(object, flag(object)))));
    set(systems, cluster, node, before, &step, as_left).await?;
    Ok(format!("node/{node} is {} again", if before { "cordoned" } else { "schedulable" }))
}

pub async fn schedulable(systems: &Systems, cluster: &str, node: &str, wanted: bool) -> Result<Seen, Failure> {
    let object = get(systems.cluster(cluster)?, &node_path(node)?).await?;
    let says = format!("node/{node} is {}", if flag(&object) { "cordoned" } else { "schedulable" });
    Ok(if flag(&object) == wanted { Seen::not_yet(says) } else { Seen::so(says) })
}
