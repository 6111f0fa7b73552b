//! `views.*`: opening, pushing, changing modals and publishing the home tab.

use serde_json::{Map, Value, json};

use super::{Args, Context, Refusal};
use crate::sandbox::{blocks, workspace::Trigger};

type Answer = Result<Value, Refusal>;

/// `views.open`.
pub fn open(context: &mut Context<'_>, args: &Args) -> Answer {
    let trigger = use_trigger(context, args)?;
    let body = read(context, args, "modal")?;
    let view = context.state.open_view(&trigger.user, body, None);
    Ok(json!({"view": view}))
}

/// `views.push`: on top of the modal from which the trigger came, three deep at most.
pub fn push(context: &mut Context<'_>, args: &Args) -> Answer {
    let trigger = use_trigger(context, args)?;
    let body = read(context, args, "modal")?;
    let below = trigger.view.ok_or_else(|| Refusal::new("invalid_trigger_id"))?;
    if context.state.views.iter().filter(|v| v.user == trigger.user).count() >= 3 {
        return Err(Refusal::new("push_limit_reached"));
    }
    let view = context.state.open_view(&trigger.user, body, Some(&below));
    Ok(json!({"view": view}))
}

/// `views.update`, by `view_id` or `external_id`.
pub fn update(context: &mut Context<'_>, args: &Args) -> Answer {
    let body = read(context, args, "")?;
    let wanted = |id: &str, external: Option<&Value>| {
        args.str("view_id").is_some_and(|v| v == id)
            || (args.str("external_id").is_some() && external.and_then(Value::as_str) == args.str("external_id"))
    };
    if args.str("view_id").or_else(|| args.str("external_id")).is_none() {
        return Err(Refusal::arguments("missing required field: view_id or external_id"));
    }
    let views = context.state.views.iter().chain(context.state.homes.values());
    let found = views.filter(|v| wanted(&v.id, v.body.get("external_id"))).map(|v| (v.id.clone(), v.hash.clone())).next();
    let (id, hash) = found.ok_or_else(|| Refusal::new("not_found"))?;
    if args.str("hash").is_some_and(|h| h != hash) {
        return Err(Refusal::new("hash_conflict"));
    }
    let view = context.state.change_view(&id, body).ok_or_else(|| Refusal::new("not_found"))?;
    Ok(json!({"view": view}))
}

/// `views.publish`: the home tab of one person.
pub fn publish(context: &mut Context<'_>, args: &Args) -> Answer {
    let user = args.need("user_id")?.to_owned();
    if !context.state.users.iter().any(|u| u.id == user && !u.is_bot) {
        return Err(Refusal::new("user_not_found"));
    }
    let body = read(context, args, "home")?;
    let old = context.state.homes.get(&user).map(|v| v.hash.clone());
    if let (Some(hash), Some(old)) = (args.str("hash"), old)
        && hash != old
    {
        return Err(Refusal::new("hash_conflict"));
    }
    Ok(json!({"view": context.state.publish_home(&user, body)}))
}

fn use_trigger(context: &mut Context<'_>, args: &Args) -> Result<Trigger, Refusal> {
    let id = args.need("trigger_id")?;
    let now = context.now;
    let trigger = context.state.triggers.get_mut(id).ok_or_else(|| Refusal::new("invalid_trigger_id"))?;
    if trigger.used {
        return Err(Refusal::new("exchanged_trigger_id"));
    }
    if trigger.expires < now {
        return Err(Refusal::new("expired_trigger_id"));
    }
    trigger.used = true;
    Ok(trigger.clone())
}

/// Reads and checks the view; `kind` empty takes either sort.
fn read(context: &Context<'_>, args: &Args, kind: &str) -> Result<Map<String, Value>, Refusal> {
    let view = args.json("view").map_err(|()| Refusal::arguments("view is not JSON [json-pointer:/view]"))?;
    let view = view.ok_or_else(|| Refusal::arguments("missing required field: view"))?;
    let problems = blocks::view(&view);
    if !problems.is_empty() {
        return Err(Refusal::pointing("invalid_arguments", &problems));
    }
    if !kind.is_empty() && view.get("type").and_then(Value::as_str) != Some(kind) {
        return Err(Refusal::arguments(&format!("must be a {kind} view [json-pointer:/view/type]")));
    }
    if view.to_string().len() > 250_000 {
        return Err(Refusal::new("view_too_large"));
    }
    let external = view.get("external_id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let taken = |id: &str| {
        let mut views = context.state.views.iter();
        views.any(|v| v.body.get("external_id").and_then(Value::as_str) == Some(id) && args.str("view_id").is_none())
    };
    if external.is_some_and(taken) && args.str("external_id").is_none() {
        return Err(Refusal::new("duplicate_external_id"));
    }
    Ok(view.as_object().cloned().unwrap_or_default())
}
