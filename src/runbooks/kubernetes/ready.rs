//! Whether a workload is well: everything of its newest revision, everything ready, nothing restarting.

use jiff::Timestamp;
use serde_json::Value;

use crate::model::{Workload, WorkloadKind};

use super::{
    super::{
        Systems,
        operate::{Failure, Seen},
    },
    get, items, number, segment, text,
};

/// Looks at the workload and its pods; `since` is when it was changed: an older restart does not count.
pub async fn ready(systems: &Systems, of: &Workload, since: Option<Timestamp>) -> Result<Seen, Failure> {
    let client = systems.cluster(&of.cluster)?;
    let namespace = segment(&of.namespace)?;
    let object = get(client, &format!("/apis/apps/v1/namespaces/{namespace}/{}/{}", of.kind.plural(), segment(&of.name)?)).await?;
    let progress = progress(of.kind, &object);
    if !progress.holds {
        return Ok(progress);
    }
    let pods = get(client, &format!("/api/v1/namespaces/{namespace}/pods?labelSelector={}", selector(&object))).await?;
    let restarted = items(&pods).find_map(|pod| {
        let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
        let fresh = |status: &Value| {
            let ended: Option<Timestamp> = text(status, "/lastState/terminated/finishedAt").parse().ok();
            number(status, "/restartCount") > 0 && ended.zip(since).is_some_and(|(ended, since)| ended >= since)
        };
        let mut statuses = statuses.into_iter();
        let reason = statuses.find(|status| fresh(status)).map(|status| text(status, "/lastState/terminated/reason").to_owned())?;
        Some(format!("pod/{} has restarted ({reason})", text(pod, "/metadata/name")))
    });
    Ok(match restarted {
        Some(says) => Seen::not_yet(says),
        None => Seen::so(format!("{}, no restart", progress.says)),
    })
}

fn progress(kind: WorkloadKind, object: &Value) -> Seen {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Seen::not_yet("the controller has not seen the change yet");
    }
    let (wanted, updated, ready) = match kind {
        WorkloadKind::DaemonSet => {
            ("/status/desiredNumberScheduled", number(object, "/status/updatedNumberScheduled"), number(object, "/status/numberReady"))
        }
        _ => ("/spec/replicas", number(object, "/status/updatedReplicas"), number(object, "/status/readyReplicas")),
    };
    let wanted = object.pointer(wanted).and_then(Value::as_u64).unwrap_or(1);
    let there = if kind == WorkloadKind::DaemonSet { wanted } else { number(object, "/status/replicas") };
    let says = format!("{ready} of {wanted} pods ready, {updated} of the newest revision");
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    for condition in conditions {
        if text(condition, "/type") == "Progressing" && text(condition, "/reason") == "ProgressDeadlineExceeded" {
            return Seen::never(format!("{says}; the rollout does not progress ({})", text(condition, "/message")));
        }
    }
    if updated == wanted && ready == wanted && there == wanted {
        return Seen::so(format!("{ready} of {wanted} pods ready"));
    }
    Seen::not_yet(says)
}

/// The workload's own selector, as a query's value.
fn selector(object: &Value) -> String {
    let labels = object.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let pairs: Vec<String> = labels.into_iter().flatten().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    url::form_urlencoded::byte_serialize(pairs.join(",").as_bytes()).collect()
}
