//! How pods go: deletion with preconditions and time to end, and eviction, which a disruption budget may forbid.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Inner, Key,
    patching::options,
    refusals::{Cause, Refusal},
    writes::Asked,
};

/// How long a pod may take to end when nobody says otherwise, in seconds. Source: the API's default.
const GRACE: i64 = 30;

/// What a deletion says in its body and its query.
struct Deletion {
    grace: Option<i64>,
    uid: Option<String>,
    version: Option<String>,
    dry: bool,
}

impl Deletion {
    fn read(asked: &Asked<'_>, body: &Value) -> Result<Self, Refusal> {
        options(asked, "DeleteOptions")?;
        if !body.is_null() && !body.is_object() {
            return Err(Refusal::bad_request("couldn't get version/kind; json parse error"));
        }
        if body["kind"].as_str().is_some_and(|kind| kind != "DeleteOptions") {
            return Err(Refusal::bad_request("decoded object cannot be converted to DeleteOptions"));
        }
        let dry = match &body["dryRun"] {
            Value::Null => false,
            word if *word == json!(["All"]) => true,
            word if *word == json!([]) => false,
            _ => {
                let cause = Cause {
                    reason: "FieldValueNotSupported",
                    field: "dryRun".to_owned(),
                    message: format!("Unsupported value: {}: supported values: \"All\"", body["dryRun"][0]),
                };
                return Err(Refusal::invalid("DeleteOptions.meta.k8s.io", "", &[cause]));
            }
        };
        let text = |field: &str| body["preconditions"][field].as_str().map(str::to_owned);
        let asked_grace = asked.query.get("gracePeriodSeconds").and_then(|seconds| seconds.parse().ok());
        let grace = body["gracePeriodSeconds"].as_i64().or(asked_grace);
        Ok(Self { grace, uid: text("uid"), version: text("resourceVersion"), dry: dry || asked.dry() })
    }
}

/// The pod goes at once when it has no time to end or runs nowhere; else it is marked, and `settle` takes it away.
pub fn delete_pod(inner: &mut Inner, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let deletion = Deletion::read(asked, asked.body)?;
    delete(inner, asked, &deletion)
}

fn delete(inner: &mut Inner, asked: &Asked<'_>, deletion: &Deletion) -> Result<Value, Refusal> {
    let (known, name, key) = (&asked.known, asked.name, asked.key());
    let pod = inner.objects.get(&key).cloned().ok_or_else(|| Refusal::not_found(known, name))?;
    let metadata = &pod["metadata"];
    let (uid, version) = (metadata["uid"].as_str().unwrap_or_default(), metadata["resourceVersion"].as_str().unwrap_or_default());
    if let Some(wanted) = deletion.uid.as_deref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        );
        return Err(Refusal::conflict(known.kind, known, name, &why));
    }
    if let Some(wanted) = deletion.version.as_deref().filter(|wanted| *wanted != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(Refusal::conflict(known.kind, known, name, &why));
    }
    let ended = ["Succeeded", "Failed"].iter().any(|phase| pod["status"]["phase"] == *phase);
    let nowhere = pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(GRACE);
    let grace = if ended || nowhere { 0 } else { deletion.grace.map_or(own, |grace| if grace < 0 { 1 } else { grace }) };
    let mut marked = (*pod).clone();
    if grace == 0 {
        if !deletion.dry {
            inner.remove(&key);
        }
        marked["metadata"]["deletionGracePeriodSeconds"] = json!(0);
        return Ok(marked);
    }
    // A second deletion can only shorten the time.
    if metadata["deletionGracePeriodSeconds"].as_i64().is_some_and(|before| before <= grace) {
        return Ok(marked);
    }
    marked["metadata"]["deletionTimestamp"] =
        json!((inner.now() + SignedDuration::from_secs(grace)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    marked["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
    Ok(if deletion.dry { marked } else { inner.store("MODIFIED", key, marked) })
}

pub fn evict(inner: &mut Inner, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let body = asked.body;
    if body["kind"].as_str() != Some("Eviction") || !["policy/v1", "policy/v1beta1"].iter().any(|known| body["apiVersion"] == *known) {
        return Err(Refusal::bad_request("no kind \"\" is registered for the eviction of a pod: send an Eviction of policy/v1"));
    }
    if body["metadata"]["name"].as_str().is_some_and(|name| name != asked.name) {
        return Err(Refusal::bad_request("name in URL does not match name in Eviction object"));
    }
    let deletion = Deletion::read(asked, &body["deleteOptions"])?;
    let pod = inner.objects.get(&asked.key()).cloned().ok_or_else(|| Refusal::not_found(&asked.known, asked.name))?;
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    let going = !pod["metadata"]["deletionTimestamp"].is_null();
    if !["Pending", "Succeeded", "Failed"].contains(&phase)
        && !going
        && let Some(budget) = budget(inner, asked, &pod)?
    {
        let mut object = (*inner.objects[&budget]).clone();
        if refused(&object, &pod)? && !deletion.dry {
            object["status"]["disruptionsAllowed"] = json!(object["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) - 1);
            let now = inner.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            object["status"]["disruptedPods"][asked.name] = json!(now);
            inner.store("MODIFIED", budget, object);
        }
    }
    delete(inner, asked, &deletion)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// The one budget that chooses the pod; two are an error.
fn budget(inner: &Inner, asked: &Asked<'_>, pod: &Value) -> Result<Option<Key>, Refusal> {
    let namespace = asked.namespace.unwrap_or_default();
    let mut found = inner.objects.iter().filter(|((kind, place, _), budget)| {
        kind == "PodDisruptionBudget" && place == namespace && chooses(&budget["spec"]["selector"], pod)
    });
    let first = found.next().map(|(key, _)| key.clone());
    if found.next().is_some() {
        let said = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(Refusal::new(500, "InternalError", said, Value::Null));
    }
    Ok(first)
}

/// Whether a label selector chooses the object.
pub fn chooses(selector: &Value, object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(name, value)| labels[name] == *value);
    equal
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|rule| {
            let label = &labels[rule["key"].as_str().unwrap_or_default()];
            let among = rule["values"].as_array().is_some_and(|values| values.contains(label));
            match rule["operator"].as_str() {
                Some("In") => among,
                Some("NotIn") => !among,
                Some("Exists") => !label.is_null(),
                _ => label.is_null(),
            }
        })
}

/// Whether a pod is well: its condition says so, or its containers do.
pub fn is_ready(pod: &Value) -> bool {
    let condition = pod["status"]["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == "Ready");
    match (condition, pod["status"]["containerStatuses"].as_array().filter(|all| !all.is_empty())) {
        (Some(condition), _) => condition["status"] == "True",
        (None, Some(all)) => all.iter().all(|container| container["ready"] == true),
        (None, None) => pod["status"]["phase"] == "Running",
    }
}

/// An error when the budget forbids the eviction; false when the budget does not count the pod.
fn refused(budget: &Value, pod: &Value) -> Result<bool, Refusal> {
    let (name, status) = (asked_name(budget), &budget["status"]);
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    let too_many = |message: String, seconds: i64| {
        let causes = json!([{"reason": "DisruptionBudget", "message": message}]);
        let mut details = json!({"causes": causes});
        if seconds > 0 {
            details["retryAfterSeconds"] = json!(seconds);
        }
        Refusal::new(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", details)
    };
    if !is_ready(pod) {
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        if always || (number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0) {
            return Ok(false);
        }
    }
    let generation = budget["metadata"]["generation"].as_i64().unwrap_or(0);
    if number("observedGeneration") < generation {
        return Err(too_many(format!("The disruption budget {name} is still being processed by the server."), 10));
    }
    if number("disruptionsAllowed") <= 0 {
        let said = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            number("desiredHealthy"),
            number("currentHealthy")
        );
        return Err(too_many(said, 0));
    }
    Ok(true)
}

fn asked_name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
