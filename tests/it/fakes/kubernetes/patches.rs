//! The three patches that an API server takes: merge (RFC 7386), strategic merge, and JSON patch (RFC 6902).

use serde_json::{Map, Value};

/// Why a patch cannot be applied.
#[derive(Debug)]
pub enum BadPatch {
    /// 400: it is no patch of its kind.
    Malformed(String),
    /// 422: it does not fit what is there, a failed `test` among them.
    DoesNotFit,
    /// 500: as the real server has it for an element of a list without its merge key.
    Broken(String),
}

/// RFC 7386: null removes, objects are merged, everything else is replaced.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let object = target.as_object_mut().unwrap();
    for (name, value) in fields {
        if value.is_null() {
            object.shift_remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// RFC 6902. Operations before the one that fails have no effect, because the caller gives a copy.
pub fn operations(target: &mut Value, patch: &Value) -> Result<(), BadPatch> {
    let malformed = |said: &str| BadPatch::Malformed(format!("error decoding patch: {said}"));
    let operations = patch.as_array().ok_or_else(|| malformed("json: cannot unmarshal object into Go value of type jsonpatch.Patch"))?;
    for operation in operations {
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let (Some(op), Some(path)) = (text("op"), text("path")) else { return Err(malformed("an operation wants op and path")) };
        let value = || operation.get("value").cloned().ok_or(BadPatch::DoesNotFit);
        match op {
            "add" => add(target, path, value()?)?,
            "replace" => {
                remove(target, path)?;
                add(target, path, value()?)?;
            }
            "remove" => drop(remove(target, path)?),
            "test" => {
                let (wanted, there) = (operation.get("value").unwrap_or(&Value::Null), target.pointer(path).unwrap_or(&Value::Null));
                if wanted != there {
                    return Err(BadPatch::DoesNotFit);
                }
            }
            "move" => {
                let moved = remove(target, text("from").ok_or(BadPatch::DoesNotFit)?)?;
                add(target, path, moved)?;
            }
            "copy" => {
                let copied = target.pointer(text("from").ok_or(BadPatch::DoesNotFit)?).cloned().ok_or(BadPatch::DoesNotFit)?;
                add(target, path, copied)?;
            }
            other => return Err(malformed(&format!("unexpected kind: {other}"))),
        }
    }
    Ok(())
}

/// The container of a pointer and the last part of it.
fn parent<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), BadPatch> {
    let (before, last) = path.rsplit_once('/').ok_or(BadPatch::DoesNotFit)?;
    let parent = target.pointer_mut(before).ok_or(BadPatch::DoesNotFit)?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), BadPatch> {
    match parent(target, path)? {
        (Value::Object(fields), name) => drop(fields.insert(name, value)),
        (Value::Array(items), name) if name == "-" => items.push(value),
        (Value::Array(items), name) => {
            let at: usize = name.parse().ok().filter(|at| *at <= items.len()).ok_or(BadPatch::DoesNotFit)?;
            items.insert(at, value);
        }
        _ => return Err(BadPatch::DoesNotFit),
    }
    Ok(())
}

fn remove(target: &mut Value, path: &str) -> Result<Value, BadPatch> {
    match parent(target, path)? {
        (Value::Object(fields), name) => fields.shift_remove(&name).ok_or(BadPatch::DoesNotFit),
        (Value::Array(items), name) => {
            let at: usize = name.parse().ok().filter(|at| *at < items.len()).ok_or(BadPatch::DoesNotFit)?;
            Ok(items.remove(at))
        }
        _ => Err(BadPatch::DoesNotFit),
    }
}

/// Which field tells the elements of a list apart; none: the list is replaced as a whole (tolerations, taints, args, envFrom…).
/// Source: `patchMergeKey` in the API's types.
fn merge_key(kind: &str, list: &str) -> Option<&'static str> {
    Some(match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "schedulingGates"
        | "resourceClaims"
        | "secrets" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" if kind == "Service" => "port",
        "ports" => "containerPort",
        "hostAliases" | "podIPs" | "hostIPs" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "ownerReferences" => "uid",
        "conditions" | "addresses" => "type",
        _ => return None,
    })
}

/// A strategic merge patch of an object of this kind, directives included.
pub fn strategic(kind: &str, target: &mut Value, patch: &Value) -> Result<(), BadPatch> {
    let Some(fields) = patch.as_object() else {
        return Err(BadPatch::Malformed("error decoding patch: json: cannot unmarshal into Go value of type map".to_owned()));
    };
    let original = target.as_object().cloned().unwrap_or_default();
    *target = Value::Object(merged(kind, original, fields)?);
    Ok(())
}

fn merged(kind: &str, mut original: Map<String, Value>, patch: &Map<String, Value>) -> Result<Map<String, Value>, BadPatch> {
    match patch.get("$patch").map(|word| word.as_str().unwrap_or_default()) {
        None | Some("merge") => {}
        Some("replace") => return Ok(patch.iter().filter(|(name, _)| *name != "$patch").map(|(n, v)| (n.clone(), v.clone())).collect()),
        Some("delete") => return Ok(Map::new()),
        Some(other) => return Err(BadPatch::Broken(format!("Unknown patch type found: {other}"))),
    }
    if let Some(kept) = patch.get("$retainKeys") {
        let kept: Vec<&str> = kept.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        original.retain(|name, _| kept.contains(&name.as_str()));
    }
    for (name, value) in patch.iter().filter(|(name, _)| !["$patch", "$retainKeys"].contains(&name.as_str())) {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().cloned().unwrap_or_default();
            if let Some(items) = original.get_mut(list).and_then(Value::as_array_mut) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if let Some(list) = name.strip_prefix("$setElementOrder/") {
            // The list itself may be absent: then only its order changes.
            if !patch.contains_key(list) {
                let there = original.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
                original.insert(list.to_owned(), Value::Array(list_merged(kind, list, there, &[], Some(value))?));
            }
            continue;
        }
        match (original.get(name), value) {
            (_, Value::Null) => drop(original.shift_remove(name)),
            (there, Value::Object(fields)) => {
                let there = there.and_then(Value::as_object).cloned().unwrap_or_default();
                let deletes = fields.get("$patch").is_some_and(|word| word == "delete");
                let object = merged(kind, there, fields)?;
                if deletes {
                    original.shift_remove(name)
                } else {
                    original.insert(name.clone(), Value::Object(object))
                };
            }
            (there, Value::Array(items)) => {
                let there = there.and_then(Value::as_array).cloned().unwrap_or_default();
                let order = patch.get(&format!("$setElementOrder/{name}"));
                original.insert(name.clone(), Value::Array(list_merged(kind, name, there, items, order)?));
            }
            _ => drop(original.insert(name.clone(), value.clone())),
        }
    }
    Ok(original)
}

fn list_merged(kind: &str, list: &str, there: Vec<Value>, patch: &[Value], order: Option<&Value>) -> Result<Vec<Value>, BadPatch> {
    if ["finalizers", "podCIDRs"].contains(&list) {
        let new = patch.iter().filter(|item| !there.contains(item)).cloned().collect::<Vec<_>>();
        return Ok(there.into_iter().chain(new).collect());
    }
    let Some(key) = merge_key(kind, list) else { return Ok(patch.to_vec()) };
    if patch.iter().any(|item| item["$patch"] == "replace") {
        return Ok(patch.iter().filter(|item| item["$patch"] != "replace").cloned().collect());
    }
    let server_order: Vec<Value> = there.iter().map(|item| item[key].clone()).collect();
    let mut all = there;
    let mut patch_order = Vec::new();
    for item in patch {
        let Some(fields) = item.as_object() else { return Err(BadPatch::Broken(format!("{list}: an element is no map"))) };
        let Some(id) = fields.get(key).filter(|id| !id.is_null()) else {
            let shown: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
                .collect();
            return Err(BadPatch::Broken(format!("map: map[{}] does not contain declared merge key: {key}", shown.join(" "))));
        };
        let at = all.iter().position(|known| known[key] == *id);
        if fields.get("$patch").is_some_and(|word| word == "delete") {
            at.map(|at| all.remove(at));
            continue;
        }
        patch_order.push(id.clone());
        let original = at.map_or_else(Map::new, |at| all[at].as_object().cloned().unwrap_or_default());
        let object = Value::Object(merged(kind, original, fields)?);
        match at {
            Some(at) => all[at] = object,
            None => all.push(object),
        }
    }
    if let Some(order) = order.and_then(Value::as_array) {
        patch_order = order.iter().map(|item| item[key].clone()).collect();
    }
    Ok(ordered(all, key, &patch_order, &server_order))
}

/// What the patch names in its order and what only the server has in the server's; what is new comes first, as from the real server.
fn ordered(all: Vec<Value>, key: &str, patch_order: &[Value], server_order: &[Value]) -> Vec<Value> {
    let (mut named, rest): (Vec<Value>, Vec<Value>) = all.into_iter().partition(|item| patch_order.contains(&item[key]));
    named.sort_by_key(|item| patch_order.iter().position(|id| *id == item[key]));
    let place = |item: &Value| server_order.iter().position(|id| *id == item[key]);
    let (mut named, mut rest) = (named.into_iter().peekable(), rest.into_iter().peekable());
    let mut out = Vec::new();
    loop {
        let next = match (named.peek(), rest.peek()) {
            (Some(left), Some(right)) => match (place(left), place(right)) {
                (Some(left), Some(right)) if left > right => rest.next(),
                _ => named.next(),
            },
            (Some(_), None) => named.next(),
            (None, _) => rest.next(),
        };
        match next {
            Some(item) => out.push(item),
            None => return out,
        }
    }
}
