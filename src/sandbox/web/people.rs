//! Who is who: `auth.test`, `users.*`, `usergroups.list`; and `apps.connections.open`.

use serde_json::{Value, json};

use super::{Args, Context, Refusal, conversations::page};
use crate::sandbox::workspace::{APP, BOT, BOT_USER, TEAM, User};

type Answer = Result<Value, Refusal>;

/// `auth.test`.
pub fn auth_test(context: &mut Context<'_>, _: &Args) -> Answer {
    Ok(json!({
        "url": format!("{}/", context.state.base_url), "team": "Sandbox", "user": context.config.app_name, "team_id": TEAM,
        "user_id": BOT_USER, "bot_id": BOT, "app_id": APP, "is_enterprise_install": false,
    }))
}

/// `apps.connections.open`: a WebSocket URL that works once.
pub fn connections_open(context: &mut Context<'_>, _: &Args) -> Answer {
    let ticket = context.state.next_id("ticket-");
    context.state.sockets.admit(&ticket);
    let root = context.state.base_url.replacen("http", "ws", 1);
    Ok(json!({"url": format!("{root}/ws?ticket={ticket}&app_id={APP}")}))
}

fn describe(user: &User) -> Value {
    let first = user.real_name.split(' ').next();
    json!({
        "id": user.id, "team_id": TEAM, "name": user.name, "deleted": false, "color": "9f69e7",
        "real_name": user.real_name, "tz": "Etc/UTC", "tz_label": "Coordinated Universal Time", "tz_offset": 0,
        "profile": {
            "real_name": user.real_name, "display_name": user.name, "real_name_normalized": user.real_name,
            "display_name_normalized": user.name, "first_name": first, "team": TEAM, "title": "", "phone": "",
            "status_text": "", "status_emoji": "", "status_expiration": 0, "avatar_hash": "0",
        },
        "is_admin": false, "is_owner": false, "is_primary_owner": false, "is_restricted": false,
        "is_ultra_restricted": false, "is_bot": user.is_bot, "is_app_user": false, "updated": 1_700_000_000,
        "is_email_confirmed": true,
    })
}

/// `users.info`.
pub fn info(context: &mut Context<'_>, args: &Args) -> Answer {
    let id = args.need("user")?;
    let user = context.state.users.iter().find(|u| u.id == id).ok_or_else(|| Refusal::new("user_not_found"))?;
    Ok(json!({"user": describe(user)}))
}

/// `users.list`.
pub fn list(context: &mut Context<'_>, args: &Args) -> Answer {
    let all: Vec<Value> = context.state.users.iter().map(describe).collect();
    let (members, next) = page(args, &all, 1000, 1000)?;
    Ok(json!({
        "members": members, "cache_ts": context.now.as_second(), "response_metadata": {"next_cursor": next},
    }))
}

/// The one user group, and who is in it.
const ON_CALL_GROUP: &str = "S01ONCALL";
const ON_CALL: [&str; 2] = ["U01ALICE", "U02BOB"];

/// `usergroups.users.list`.
pub fn usergroup_users(_: &mut Context<'_>, args: &Args) -> Answer {
    if args.need("usergroup")? == ON_CALL_GROUP { Ok(json!({"users": ON_CALL})) } else { Err(Refusal::new("no_such_subteam")) }
}

/// `usergroups.list`: one group, the people on call.
pub fn usergroups(_: &mut Context<'_>, args: &Args) -> Answer {
    let users = ON_CALL;
    let mut group = json!({
        "id": ON_CALL_GROUP, "team_id": TEAM, "is_usergroup": true, "is_subteam": true, "name": "On call",
        "description": "Who carries the pager", "handle": "oncall", "is_external": false, "auto_provision": false,
        "date_create": 1_700_000_000, "date_update": 1_700_000_000, "date_delete": 0, "auto_type": null,
        "created_by": "U01ALICE", "updated_by": "U01ALICE", "deleted_by": null,
        "prefs": {"channels": [], "groups": []}, "user_count": users.len(), "channel_count": 0,
    });
    if args.flag("include_users")
        && let Some(object) = group.as_object_mut()
    {
        object.insert("users".to_owned(), json!(users));
    }
    Ok(json!({"usergroups": [group]}))
}
