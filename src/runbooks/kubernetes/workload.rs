//! Deployments, StatefulSets and DaemonSets: restart, rollback, scale, resources. Each is a patch that is made when it is
//! shown, and sent as it was shown.

use std::{collections::BTreeMap, slice};

use serde_json::{Value, json};

use crate::model::{Check, PatchResources, Preview, Workload, WorkloadKind};

use super::{
    super::{
        Systems,
        operate::{Doing, Failure},
        systems::TOOL,
    },
    TRIES, diff, digest, get, items, left_by, mark, marked, number, part, patch, segment, short, text,
};
use crate::tools::kubernetes::Client;

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
const HASH_LABEL: &str = "pod-template-hash";
const TEMPLATE: &str = "/spec/template";
/// Where an operation that is kept names its template instead of having it.
const OF_TEMPLATE: &str = "template_digest";

type Shown = Result<(Preview, Vec<Check>), Failure>;

fn path(of: &Workload) -> Result<String, Failure> {
    Ok(format!("/apis/apps/v1/namespaces/{}/{}/{}", segment(&of.namespace)?, of.kind.plural(), segment(&of.name)?))
}

/// What must still be so when it is done: the same object, with the same wish. How many replicas there are does not matter
/// where nobody changes their number: an autoscaler may.
fn seen(object: &Value, replicas_too: bool) -> String {
    let mut spec = part(object, "/spec").clone();
    if let (false, Some(fields)) = (replicas_too, spec.as_object_mut()) {
        fields.shift_remove("replicas");
    }
    digest(&[part(object, "/metadata/uid"), &spec])
}

/// What a write leaves, for its mark: once without the number of replicas and once with it, since not every step that comes
/// later minds it.
fn left(object: &Value) -> String {
    format!("{}.{}", short(&seen(object, false)), short(&seen(object, true)))
}

/// Whether this run wrote the object last and nobody has changed it since.
fn is_as_left(object: &Value, doing: &Doing<'_>, replicas_too: bool) -> bool {
    let now = left(object);
    left_by(object, doing).is_some_and(|was| was == now || !replicas_too && was.split('.').next() == now.split('.').next())
}

/// Tries the patch at the server and shows what it would change.
async fn shown(client: &Client, of: &Workload, object: &Value, change: Value, back: Value, effect: String) -> Shown {
    let path = path(of)?;
    let operations = [change.clone()];
    let after = match patch(client, &path, object, &operations, None).await {
        // Only its status was written meanwhile; the next look has the newest.
        Err(Failure::Conflict(_)) => {
            let newest = get(client, &path).await?;
            patch(client, &path, &newest, &operations, None).await?
        }
        other => other?,
    };
    let mut diff = diff(&wish(object), &wish(&after));
    if diff.is_empty() {
        return Err(Failure::Refused(format!("{} is so already: nothing would change", of.object())));
    }
    diff.insert(0, format!("  {}", of.object()));
    let scales = part(&change, "/path") == "/spec/replicas";
    let facts =
        [("change", change), ("back", back), ("scales", json!(scales)), ("from", json!(left(object))), ("leaves", json!(left(&after)))];
    let preview = Preview {
        place: format!("dry run on {}, accepted by the API server", client.cluster()),
        diff,
        effect,
        seen: seen(object, scales),
        facts: facts.map(|(name, fact)| (name.to_owned(), fact)).into(),
    };
    Ok((preview, Vec::new()))
}

/// What an object's owner wishes, without what the server keeps there.
fn wish(object: &Value) -> Value {
    let mut out = part(object, "/spec").clone();
    // Shorter lines: everything of interest is in the pods.
    if let Some(fields) = out.as_object_mut()
        && let Some(template) = fields.shift_remove("template")
    {
        for (name, pointer) in [("annotations", "/metadata/annotations"), ("labels", "/metadata/labels")] {
            if let Some(value) = template.pointer(pointer) {
                fields.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(pods) = part(&template, "/spec").as_object() {
            for (name, value) in pods {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    out
}

/// "3 pods are replaced one by one".
fn replacing(object: &Value) -> String {
    let pods =
        object.pointer("/spec/replicas").or_else(|| object.pointer("/status/desiredNumberScheduled")).and_then(Value::as_u64).unwrap_or(1);
    let pods = if pods == 1 { "1 pod is replaced".to_owned() } else { format!("{pods} pods are replaced") };
    let strategy = object.pointer("/spec/strategy").or_else(|| object.pointer("/spec/updateStrategy")).unwrap_or(&Value::Null);
    match (text(strategy, "/type"), strategy.pointer("/rollingUpdate/maxUnavailable"), strategy.pointer("/rollingUpdate/maxSurge")) {
        ("Recreate", ..) => format!("{pods} all at once (strategy Recreate): the service is away meanwhile"),
        ("OnDelete", ..) => format!("{pods} when somebody deletes them (strategy OnDelete)"),
        (_, Some(unavailable), Some(surge)) => {
            format!("{pods} step by step (maxUnavailable {}, maxSurge {})", word(unavailable), word(surge))
        }
        (_, Some(unavailable), None) => format!("{pods} step by step (maxUnavailable {})", word(unavailable)),
        _ => format!("{pods} step by step"),
    }
}

/// Sets a field; what is no object becomes one.
fn put(object: &mut Value, name: &str, value: Value) {
    if !object.is_object() {
        *object = json!({});
    }
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub async fn restart(systems: &Systems, of: &Workload, at: &str) -> Shown {
    let client = systems.cluster(&of.cluster)?;
    let object = get(client, &path(of)?).await?;
    let template = object.pointer("/spec/template").cloned().unwrap_or_default();
    let mut annotations = template.pointer("/metadata/annotations").cloned().unwrap_or_else(|| json!({}));
    put(&mut annotations, RESTARTED, json!(at));
    let change = json!({"op": "add", "path": "/spec/template/metadata/annotations", "value": annotations});
    let effect = replacing(&object);
    shown(client, of, &object, change, Value::Null, effect).await
}

pub async fn scale(systems: &Systems, of: &Workload, replicas: u32) -> Shown {
    let client = systems.cluster(&of.cluster)?;
    let object = get(client, &path(of)?).await?;
    let before = number(&object, "/spec/replicas");
    let change = json!({"op": "replace", "path": "/spec/replicas", "value": replicas});
    let back = json!({"op": "replace", "path": "/spec/replicas", "value": before});
    let mut effect = match u64::from(replicas) {
        0 => format!("{} serves nobody any more", of.path()),
        more if more > before => format!("{} more pods are started", more - before),
        fewer => format!("{} pods are stopped", before - fewer),
    };
    if let Some(range) = autoscaler(client, of).await {
        effect = format!("{effect}; its autoscaler ({range}) may change that again");
    }
    shown(client, of, &object, change, back, effect).await
}

/// The range of the autoscaler that has its hands on the workload; a server that does not let us look is no obstacle.
async fn autoscaler(client: &Client, of: &Workload) -> Option<String> {
    let list = get(client, &format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", of.namespace)).await.ok()?;
    let ours = items(&list)
        .find(|item| text(item, "/spec/scaleTargetRef/kind") == of.kind.as_str() && text(item, "/spec/scaleTargetRef/name") == of.name)?;
    Some(format!("{} to {}", number(ours, "/spec/minReplicas").max(1), number(ours, "/spec/maxReplicas")))
}

pub async fn resources(systems: &Systems, wanted: &PatchResources) -> Shown {
    let of = Workload::from(wanted);
    let client = systems.cluster(&of.cluster)?;
    let object = get(client, &path(&of)?).await?;
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(at) = containers.iter().position(|container| container["name"] == wanted.container.as_str()) else {
        let known: Vec<&str> = containers.iter().map(|container| text(container, "/name")).collect();
        return Err(Failure::Refused(format!("{} has no container `{}`; it has {}", of.object(), wanted.container, known.join(", "))));
    };
    let before = containers.get(at).and_then(|container| container.get("resources")).cloned().unwrap_or_else(|| json!({}));
    let mut after = before.clone();
    for (part, values) in [("requests", &wanted.requests), ("limits", &wanted.limits)] {
        for (name, quantity) in values {
            let mut quantities = after.get(part).cloned().unwrap_or_default();
            put(&mut quantities, name, json!(quantity));
            put(&mut after, part, quantities);
        }
    }
    let place = format!("/spec/template/spec/containers/{at}/resources");
    let change = json!({"op": "add", "path": place, "value": after});
    let back = json!({"op": "add", "path": place, "value": before});
    let effect = replacing(&object);
    shown(client, &of, &object, change, back, effect).await
}

pub async fn rollback(systems: &Systems, of: &Workload, revision: Option<u64>) -> Shown {
    let client = systems.cluster(&of.cluster)?;
    let object = get(client, &path(of)?).await?;
    let revisions = revisions(client, of, &object).await?;
    let present = match of.kind {
        WorkloadKind::Deployment => text(&object, REVISION).parse().ok().or_else(|| revisions.keys().next_back().copied()),
        _ => revisions.keys().next_back().copied(),
    }
    .unwrap_or(0);
    let known = || revisions.keys().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let target = match revision {
        Some(wanted) => wanted,
        None => *revisions
            .keys()
            .rev()
            .find(|number| **number < present)
            .ok_or_else(|| Failure::Refused(format!("{} has no earlier revision (it has {})", of.object(), known())))?,
    };
    let template =
        revisions.get(&target).ok_or_else(|| Failure::Refused(format!("{} has no revision {target}; it has {}", of.object(), known())))?;
    let change = json!({"op": "replace", "path": TEMPLATE, "value": template});
    let mut effect = format!("back to revision {target} (now {present}); {}", replacing(&object));
    let digest = template_digest(part(&object, TEMPLATE));
    let back = if revisions.values().any(|template| template_digest(template) == digest) {
        without_template(&digest)
    } else {
        effect.push_str("; it cannot be taken back, as no revision has what is there now");
        Value::Null
    };
    let (mut preview, checks) = shown(client, of, &object, change, back, effect).await?;
    preview.facts.insert("change".to_owned(), without_template(&template_digest(template)));
    Ok((preview, checks))
}

/// A digest of a pod template, the same for a workload and for a revision that an older server wrote.
fn template_digest(template: &Value) -> String {
    let mut template = template.clone();
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("creationTimestamp");
    }
    digest(&[&template])
}

/// The operation as it is kept with the run: the values of a template's variables may be secrets, and runs are stored.
fn without_template(digest: &str) -> Value {
    json!({"op": "replace", "path": TEMPLATE, OF_TEMPLATE: digest})
}

/// The operation as it is sent: a template that was kept by its digest is read again from the revision that has it, whatever
/// its number is by now.
async fn with_template(client: &Client, of: &Workload, object: &Value, kept: &Value) -> Result<Value, Failure> {
    let Some(wanted) = kept.get(OF_TEMPLATE).and_then(Value::as_str) else { return Ok(kept.clone()) };
    let template = revisions(client, of, object).await?.into_values().find(|template| template_digest(template) == wanted);
    let gone = || Failure::Changed(format!("the revision of {} that it needs is not there any more", of.object()));
    Ok(json!({"op": "replace", "path": TEMPLATE, "value": template.ok_or_else(gone)?}))
}

/// The pod templates of a workload's revisions.
async fn revisions(client: &Client, of: &Workload, object: &Value) -> Result<BTreeMap<u64, Value>, Failure> {
    let plural = if of.kind == WorkloadKind::Deployment { "replicasets" } else { "controllerrevisions" };
    let list = get(client, &format!("/apis/apps/v1/namespaces/{}/{plural}?limit=500", of.namespace)).await?;
    let uid = text(object, "/metadata/uid");
    let ours = |item: &&Value| {
        let owners = item.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        owners.into_iter().any(|owner| text(owner, "/uid") == uid)
    };
    let found = items(&list).filter(ours).filter_map(|item| {
        let (number, template) = if of.kind == WorkloadKind::Deployment {
            (text(item, REVISION).parse().ok()?, item.pointer("/spec/template")?)
        } else {
            (item.get("revision")?.as_u64()?, item.pointer("/data/spec/template")?)
        };
        let mut template = template.clone();
        if let Some(fields) = template.as_object_mut() {
            fields.shift_remove("$patch");
        }
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.shift_remove(HASH_LABEL);
        }
        Some((number, template))
    });
    Ok(found.collect())
}

/// Sends the patch that was shown.
pub async fn apply(systems: &Systems, of: &Workload, doing: Doing<'_>) -> Result<String, Failure> {
    let client = systems.cluster(&of.cluster)?;
    let (path, facts) = (path(of)?, &doing.step.preview.facts);
    let fact = |name: &str| facts.get(name).unwrap_or(&Value::Null);
    let scales = is_about_replicas(&doing);
    for _ in 0..TRIES {
        let object = get(client, &path).await?;
        if marked(&object).0 == doing.mark() {
            return Ok("it was done already".to_owned());
        }
        // An earlier step of the same run may have changed the object, as was shown.
        if seen(&object, scales) != doing.step.preview.seen && !is_as_left(&object, &doing, scales) {
            return Err(Failure::Changed(format!("{} was changed since the dry run", of.object())));
        }
        let change = with_template(client, of, &object, fact("change")).await?;
        let leaves = fact("leaves").as_str().filter(|_| *fact("from") == left(&object));
        match write(client, &path, &object, &change, &doing.mark(), leaves).await {
            Ok(()) => return Ok(String::new()),
            Err(Failure::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Failure::Conflict(format!("{} is written all the time by somebody else", of.object())))
}

/// Whether the step minds how many replicas there are.
fn is_about_replicas(doing: &Doing<'_>) -> bool {
    doing.step.preview.facts.get("scales") == Some(&json!(true))
}

/// Writes the change and its mark at once. What it leaves is for the server to say, which sets defaults and writes quantities
/// in its way: where no dry run of this version of the object has said it yet, one does now.
async fn write(client: &Client, path: &str, object: &Value, change: &Value, step: &str, leaves: Option<&str>) -> Result<(), Failure> {
    let change = slice::from_ref(change);
    let leaves = match leaves {
        Some(leaves) => leaves.to_owned(),
        None => left(&patch(client, path, object, change, None).await?),
    };
    patch(client, path, object, change, Some(&mark(step, &leaves))).await.map(drop)
}

/// Sets what was there before, unless somebody else has changed the object since.
pub async fn undo(systems: &Systems, of: &Workload, doing: Doing<'_>) -> Result<String, Failure> {
    let client = systems.cluster(&of.cluster)?;
    let path = path(of)?;
    let Some(back) = doing.step.preview.facts.get("back").filter(|back| back.is_object()) else {
        return Err(Failure::Refused("it cannot be taken back".to_owned()));
    };
    let step = format!("{}/undone", doing.mark());
    for _ in 0..TRIES {
        let object = get(client, &path).await?;
        if marked(&object).0 == step {
            return Ok(String::new());
        }
        if !is_as_left(&object, &doing, is_about_replicas(&doing)) {
            return Err(Failure::Changed(format!("somebody else has changed {} since; it is left as it is", of.object())));
        }
        let back = with_template(client, of, &object, back).await?;
        match write(client, &path, &object, &back, &step, None).await {
            Ok(()) => return Ok(format!("{} is as it was before", of.object())),
            Err(Failure::Conflict(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Failure::Conflict(format!("{TOOL}: {} is written all the time by somebody else", of.object())))
}
