//! Patches of objects and of their `scale`: what is checked around the patch itself, and what of it is stored.

use serde_json::{Value, json};

use super::{
    Inner,
    patches::{self, BadPatch},
    refusals::{Cause, Refusal, forbidden_field, invalid_value},
    rules,
    writes::Asked,
};

/// The query's options, which every write takes. `options` is their kind.
pub fn options(asked: &Asked<'_>, options: &str) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    let unsupported = |field: &str, value: &str, known: &str| Cause {
        reason: "FieldValueNotSupported",
        field: field.to_owned(),
        message: format!("Unsupported value: \"{value}\": supported values: {known}"),
    };
    let get = |name: &str| asked.query.get(name).map(String::as_str);
    if let Some(word) = get("dryRun").filter(|word| *word != "All") {
        causes.push(unsupported("dryRun", word, "\"All\""));
    }
    if get("fieldManager").is_some_and(|manager| manager.len() > 128) {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            field: "fieldManager".to_owned(),
            message: "Too long: may not be more than 128 bytes".to_owned(),
        });
    }
    if let Some(word) = get("fieldValidation").filter(|word| !["", "Ignore", "Warn", "Strict"].contains(word)) {
        causes.push(unsupported("fieldValidation", word, "\"\", \"Ignore\", \"Strict\", \"Warn\""));
    }
    if options == "PatchOptions" && get("force").is_some() {
        causes.push(forbidden_field("force", "may not be specified for non-apply patch"));
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(&format!("{options}.meta.k8s.io"), "", &causes)) }
}

/// 415 unless it is a patch that this group takes: custom resources have no merge keys.
pub fn media(group: &str, content_type: &str) -> Result<(), Refusal> {
    let (json, merge, strategic) =
        ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json");
    let known: &[&str] = if group == "argoproj.io" { &[json, merge] } else { &[json, merge, strategic] };
    if known.contains(&content_type) {
        return Ok(());
    }
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {}, application/apply-patch+yaml",
        known.join(", ")
    );
    Err(Refusal::new(415, "UnsupportedMediaType", message, json!({})))
}

/// `object` with the patch of the request.
fn patched(asked: &Asked<'_>, kind: &str, object: &Value) -> Result<Value, Refusal> {
    let mut new = object.clone();
    let result = match asked.content_type {
        "application/merge-patch+json" if asked.body.is_object() => {
            patches::merge(&mut new, asked.body);
            Ok(())
        }
        "application/merge-patch+json" => Err(BadPatch::Malformed("error decoding patch: it is no JSON object".to_owned())),
        "application/strategic-merge-patch+json" => patches::strategic(kind, &mut new, asked.body),
        _ => patches::operations(&mut new, asked.body),
    };
    match result {
        Ok(()) => Ok(new),
        Err(BadPatch::Malformed(said)) => Err(Refusal::bad_request(said)),
        Err(BadPatch::DoesNotFit) => {
            Err(Refusal::new(422, "Invalid", "the server rejected our request due to an error in our request", json!({})))
        }
        Err(BadPatch::Broken(said)) => Err(Refusal::new(500, "", said, Value::Null)),
    }
}

pub fn patch(inner: &mut Inner, asked: &Asked<'_>) -> Result<Value, Refusal> {
    options(asked, "PatchOptions")?;
    let (known, name) = (&asked.known, asked.name);
    let old = inner.objects.get(&asked.key()).cloned().ok_or_else(|| Refusal::not_found(known, name))?;
    let mut new = patched(asked, known.kind, &old)?;
    same_object(asked, &old, &new)?;
    if let Some(version) = new["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty())
        && old["metadata"]["resourceVersion"] != version
    {
        return Err(Refusal::modified(known, name));
    }
    let undecodable = |said: String, object: &Value| {
        let cause = invalid_value("patch", format!("\"{}\"", object.to_string().replace('"', "\\\"")), &said);
        Refusal::invalid("", "", &[cause])
    };
    new = rules::typed(known.kind, new.clone()).map_err(|said| undecodable(said, &new))?;
    if asked.query.get("fieldValidation").is_some_and(|word| word == "Strict") {
        strict(asked, &old, &new)?;
    }
    // What the server alone writes stays as it is: a patch of the object says nothing about its status.
    for field in ["status", "kind", "apiVersion"] {
        kept(&mut new, &old, field);
    }
    for field in ["resourceVersion", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
        let (mut inner_new, inner_old) = (new["metadata"].take(), &old["metadata"]);
        kept(&mut inner_new, inner_old, field);
        new["metadata"] = inner_new;
    }
    let causes = rules::wrong(known.kind, &rules::typed(known.kind, (*old).clone()).unwrap_or_else(|_| (*old).clone()), &new);
    if !causes.is_empty() {
        return Err(Refusal::invalid(&known.qualified(), name, &causes));
    }
    let before = rules::typed(known.kind, (*old).clone()).unwrap_or_else(|_| (*old).clone());
    if before == new {
        return Ok((*old).clone());
    }
    if before["spec"] != new["spec"] && !["Pod", "Node", "Service", "Namespace", "HorizontalPodAutoscaler"].contains(&known.kind) {
        new["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
    }
    if !asked.dry() {
        if before["spec"]["template"] != new["spec"]["template"] {
            inner.changed_templates.insert(asked.key());
        }
        new = inner.store("MODIFIED", asked.key(), new);
    }
    Ok(new)
}

fn kept(new: &mut Value, old: &Value, field: &str) {
    let Some(fields) = new.as_object_mut() else { return };
    match old.get(field) {
        Some(value) => drop(fields.insert(field.to_owned(), value.clone())),
        None => drop(fields.shift_remove(field)),
    }
}

/// Name, namespace, kind and version of the object may not be others than those of the path.
fn same_object(asked: &Asked<'_>, old: &Value, new: &Value) -> Result<(), Refusal> {
    let text = |path: &str| new.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    if name != asked.name {
        let said = format!("the name of the object ({name}) does not match the name on the URL ({})", asked.name);
        return Err(Refusal::bad_request(said));
    }
    let wanted = asked.namespace.unwrap_or_default();
    if asked.namespaced && namespace != wanted {
        let said = format!("the namespace of the object ({namespace}) does not match the namespace on the request ({wanted})");
        return Err(Refusal::bad_request(said));
    }
    if (&old["kind"], &old["apiVersion"]) != (&new["kind"], &new["apiVersion"]) {
        let (kind, version) = (asked.known.kind, asked.known.api_version());
        let said = format!("{kind} in version \"{version}\" cannot be handled as a {}: converting to another kind", text("/kind"));
        return Err(Refusal::bad_request(said));
    }
    Ok(())
}

/// With `fieldValidation=Strict` an unknown field is an error and not left out.
fn strict(asked: &Asked<'_>, old: &Value, new: &Value) -> Result<(), Refusal> {
    let whole = patched(asked, asked.known.kind, old)?;
    let mut unknown = Vec::new();
    left_out(&whole, new, "", &mut unknown);
    if unknown.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    let cause = invalid_value("patch", "\"\"", &format!("strict decoding error: {}", all.join(", ")));
    Err(Refusal::invalid("", "", &[cause]))
}

fn left_out(whole: &Value, kept: &Value, place: &str, out: &mut Vec<String>) {
    match (whole, kept) {
        (Value::Object(whole), Value::Object(kept)) => {
            for (name, value) in whole.iter().filter(|(_, value)| !value.is_null()) {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                match kept.get(name) {
                    Some(kept) => left_out(value, kept, &place, out),
                    None => out.push(place),
                }
            }
        }
        (Value::Array(whole), Value::Array(kept)) => {
            whole.iter().zip(kept).enumerate().for_each(|(at, (whole, kept))| left_out(whole, kept, &format!("{place}[{at}]"), out));
        }
        _ => {}
    }
}

/// The `scale` of a workload, as `autoscaling/v1` has it.
pub fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut own = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if !metadata[field].is_null() {
            own[field] = metadata[field].clone();
        }
    }
    let labels = object["spec"]["selector"]["matchLabels"].as_object().cloned().unwrap_or_default();
    let selector: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    let mut spec = json!({});
    // Zero is left out, as the real server does.
    let replicas = object["spec"]["replicas"].as_i64().unwrap_or(1);
    if replicas != 0 {
        spec["replicas"] = json!(replicas);
    }
    let status = json!({"replicas": object["status"]["replicas"].as_i64().unwrap_or(0), "selector": selector.join(",")});
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": own, "spec": spec, "status": status})
}

pub fn patch_scale(inner: &mut Inner, asked: &Asked<'_>) -> Result<Value, Refusal> {
    options(asked, "PatchOptions")?;
    let (known, name) = (&asked.known, asked.name);
    let old = inner.objects.get(&asked.key()).cloned().ok_or_else(|| Refusal::not_found(known, name))?;
    let new = patched(asked, "Scale", &scale(&old))?;
    if !new["spec"]["replicas"].is_null() && new["spec"]["replicas"].as_i64().is_none() {
        let cause = invalid_value("patch", &new, "json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32");
        return Err(Refusal::invalid("", "", &[cause]));
    }
    if let Some(version) = new["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty())
        && old["metadata"]["resourceVersion"] != version
    {
        return Err(Refusal::modified(known, name));
    }
    if let Some(cause) = rules::replicas(&new["spec"]) {
        return Err(Refusal::invalid("Scale.autoscaling", name, &[cause]));
    }
    let mut object = (*old).clone();
    let replicas = new["spec"]["replicas"].as_i64().unwrap_or(0);
    if object["spec"]["replicas"].as_i64().unwrap_or(1) == replicas {
        return Ok(scale(&object));
    }
    object["spec"]["replicas"] = json!(replicas);
    object["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(1) + 1);
    if !asked.dry() {
        object = inner.store("MODIFIED", asked.key(), object);
    }
    Ok(scale(&object))
}
