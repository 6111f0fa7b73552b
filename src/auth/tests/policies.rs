//! Roles, policies and the sentences for those who are refused.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::auth::{Access, AccessConfig, PERMISSIONS, Principal, Scope};
use crate::model::glob;

fn config(json: Value) -> AccessConfig {
    serde_json::from_value(json).unwrap()
}

fn access(json: Value) -> Access {
    Access::new(config(json)).unwrap()
}

fn who(roles: &[&str]) -> Principal {
    Principal::slack("U01ALICE", "Alice", roles.iter().map(|role| (*role).to_owned()).collect())
}

fn may(access: &Access, roles: &[&str], permission: &str, scope: &Scope<'_>) -> bool {
    access.check(&who(roles), permission, scope).is_ok()
}

fn problems(json: Value) -> Vec<String> {
    Access::new(config(json)).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_built_in_roles_may_what_the_table_says() {
    let access = access(json!({}));
    let developer = ["runbook:request", "approval:decide", "alert:create", "change:create"];
    let admin = ["run:cancel", "audit:read", "token:issue", "token:revoke"];
    for (permission, meaning) in PERMISSIONS {
        assert!(!meaning.is_empty());
        let user = !developer.contains(permission) && !admin.contains(permission);
        assert_eq!(may(&access, &["user"], permission, &Scope::default()), user, "user {permission}");
        assert_eq!(may(&access, &["developer"], permission, &Scope::default()), user || developer.contains(permission), "{permission}");
        assert!(may(&access, &["admin"], permission, &Scope::default()), "admin {permission}");
        assert!(!may(&access, &[], permission, &Scope::default()) && !may(&access, &["nobody"], permission, &Scope::default()));
    }
    assert!(!may(&access, &["admin"], "incident:destroy", &Scope::default()), "what nobody defined is not granted");
    assert!(!may(&access, &["admin"], "*:*", &Scope::default()) && !may(&access, &["admin"], "", &Scope::default()));
}

#[test]
fn settings_replace_or_extend_a_role_and_add_others() {
    let access = access(json!({"roles": {
        "user": ["incident:read"],
        "developer": ["@developer", "audit:read"],
        "auditor": ["*:read"],
        "lead": ["@developer", "@auditor", "run:*"],
    }}));
    let all = Scope::default();
    assert!(may(&access, &["user"], "incident:read", &all) && !may(&access, &["user"], "incident:ask", &all), "replaced");
    assert!(may(&access, &["developer"], "audit:read", &all) && may(&access, &["developer"], "runbook:request", &all), "extended");
    assert!(!may(&access, &["developer"], "incident:ask", &all), "and stands on the replaced user");
    assert!(may(&access, &["auditor"], "audit:read", &all) && !may(&access, &["auditor"], "agent:run", &all));
    for permission in ["run:cancel", "approval:decide", "stats:read"] {
        assert!(may(&access, &["lead"], permission, &all), "{permission}");
    }
    assert_eq!(access.roles().collect::<Vec<_>>(), ["admin", "auditor", "developer", "lead", "user"]);
}

#[test]
fn policies_add_and_take_away() {
    let access = access(json!({"policies": [
        {"effect": "deny", "permissions": ["runbook:request"], "clusters": ["prod-*"], "roles": ["developer"]},
        {"effect": "allow", "permissions": ["runbook:request"], "runbooks": ["restart-*"], "roles": ["user"]},
        {"effect": "deny", "permissions": ["*:*"], "channels": ["*-archive"]},
        {"effect": "allow", "permissions": ["stats:read"]},
        {"effect": "deny", "permissions": ["runbook:*"], "runbooks": ["drop-*"], "clusters": ["prod-eu", "prod-us"]},
    ]}));
    let at = |channel, runbook, cluster| Scope { channel, runbook, cluster };
    let table: &[(&[&str], &str, Scope<'_>, bool)] = &[
        (&["developer"], "runbook:request", at("", "", "staging"), true),
        (&["developer"], "runbook:request", at("", "", "prod-eu"), false),
        (&["developer", "admin"], "runbook:request", at("", "", "prod-eu"), false),
        (&["admin"], "runbook:request", at("", "", "prod-eu"), true),
        (&["developer"], "runbook:request", at("", "", ""), true),
        (&["user"], "runbook:request", at("", "restart-api", "prod-eu"), true),
        (&["user", "developer"], "runbook:request", at("", "restart-api", "prod-eu"), false),
        (&["user"], "runbook:request", at("", "scale-api", "dev"), false),
        (&["user"], "runbook:request", at("", "", "dev"), false),
        (&["admin"], "incident:read", at("old-archive", "", ""), false),
        (&["admin"], "incident:read", at("archive", "", ""), true),
        (&[], "stats:read", at("", "", ""), true),
        (&[], "stats:read", at("old-archive", "", ""), false),
        (&[], "incident:read", at("", "", ""), false),
        (&["admin"], "runbook:read", at("", "drop-table", "prod-us"), false),
        (&["admin"], "runbook:read", at("", "drop-table", "prod-asia"), true),
    ];
    for (roles, permission, scope, expected) in table {
        assert_eq!(may(&access, roles, permission, scope), *expected, "{roles:?} {permission} {scope:?}");
    }
}

#[test]
fn a_refusal_says_what_is_missing_and_who_has_it() {
    let access = access(json!({"policies": [
        {"effect": "deny", "permissions": ["incident:*"], "channels": ["secret"], "roles": ["user", "developer"]},
        {"effect": "deny", "permissions": ["audit:read"]},
    ]}));
    let refused = |roles: &[&str], permission: &str, scope: &Scope<'_>| access.check(&who(roles), permission, scope).unwrap_err();
    let denied = refused(&["user"], "approval:decide", &Scope::default());
    assert_eq!(denied.permission, "approval:decide");
    assert_eq!(
        denied.to_string(),
        "This needs the permission `approval:decide`, which the roles admin and developer have. You have: user; an administrator can \
         change that under `access` in the settings."
    );
    assert_eq!(
        refused(&["user"], "incident:ask", &Scope { channel: "secret", ..Scope::default() }).why,
        "A policy (access.policies[0]) denies you `incident:ask` here, which the role admin has. You have: user; an administrator can \
         change that under `access` in the settings."
    );
    assert!(refused(&[], "audit:read", &Scope::default()).why.contains("which no role has here. You have no role;"));
    assert!(refused(&["admin"], "x:y", &Scope::default()).why.contains("There is no permission `x:y`"));
    let many: Vec<String> = (0..300).map(|n| format!("team-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(refused(&many, "run:cancel", &Scope::default()).why.len() < 500, "not every group of a person");
}

#[test]
fn the_proof_says_what_was_granted_to_whom() {
    let granted = access(json!({})).check(&who(&["user"]), "incident:read", &Scope::default()).unwrap();
    assert_eq!((granted.permission(), granted.who().slack_user()), ("incident:read", Some("U01ALICE")));
}

#[test]
fn people_have_their_own_roles_those_of_their_groups_and_everybodys() {
    let access = access(json!({"people": {"U01ALICE": ["admin"], "S01ONCALL": ["developer"], "S02OPS": ["admin"]}}));
    let roles = |user: &str, groups: &[&str]| access.roles_of(user, groups).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(roles("U01ALICE", &[]), "admin user");
    assert_eq!(roles("U02BOB", &["S01ONCALL", "S09OTHER"]), "developer user");
    assert_eq!(roles("U03EVE", &[]), "user");
    assert_eq!(roles("", &["S02OPS"]), "", "nobody has nothing");
    assert_eq!(access.groups().collect::<Vec<_>>(), ["S01ONCALL", "S02OPS"]);
    let closed = Access::new(config(json!({"default_roles": []}))).unwrap();
    assert_eq!(closed.roles_of("U03EVE", &[]), BTreeSet::new());
}

#[test]
fn all_mistakes_are_told_at_once() {
    let found = problems(json!({
        "roles": {"ops": ["incident:resolv", "runbooks:*", "@develper"], "Big Boss": ["*:*"], "a": ["@b"], "b": ["@a"], "c": ["@c"]},
        "people": {"alice": ["admin"], "U01ALICE": ["amdin"]},
        "default_roles": ["usr"],
        "policies": [{"effect": "deny", "permissions": [], "roles": ["nobody-at-all"]}, {"effect": "allow", "permissions": ["everything"], "channels": [""]}],
    }));
    let expected = [
        "access.roles.Big Boss: is no name for a role: up to 64 small letters, digits, `_` and `-`",
        "access.roles.a: leads back to itself: `b` holds `@a`",
        "access.roles.b: leads back to itself: `a` holds `@b`",
        "access.roles.c: leads back to itself: `c` holds `@c`",
        "access.roles.ops[0]: `incident:resolv` is not a permission; did you mean `incident:resolve`?",
        "access.roles.ops[1]: `runbooks:*` is not a permission; did you mean `runbook:*`?",
        "access.roles.ops[2]: there is no role `develper`; did you mean `developer`?",
        "access.people.alice: is not the id of a person or a user group in Slack, like U01ALICE or S01ONCALL",
        "access.people.U01ALICE[0]: there is no role `amdin`; did you mean `admin`?",
        "access.default_roles[0]: there is no role `usr`; did you mean `user`?",
        "access.policies[0].roles[0]: there is no role `nobody-at-all`; roles are Big Boss, a, admin, b, c, developer, ops, user",
        "access.policies[0].permissions: is empty; say which permissions it is about, `*:*` for all",
        "access.policies[1].channels[0]: is empty or longer than 200 bytes; `*` stands for all",
    ];
    for sentence in expected {
        assert!(found.iter().any(|problem| problem == sentence), "{sentence}\n is not in\n{}", found.join("\n"));
    }
    assert!(found.iter().any(|problem| problem.starts_with("access.policies[1].permissions[0]: `everything` is not a permission: ")));
    assert_eq!(found.len(), expected.len() + 1, "{}", found.join("\n"));
    assert!(serde_json::from_value::<AccessConfig>(json!({"role": {}})).is_err(), "unknown keys are mistakes");
}

#[test]
fn roles_that_hold_each_other_are_told_and_many_paths_take_no_time() {
    let built_in = problems(json!({"roles": {"user": ["@developer"]}}));
    assert_eq!(built_in, ["access.roles.user: leads back to itself: `developer` holds `@user`"]);
    let mut roles = serde_json::Map::new();
    for n in 0..200 {
        let above: Vec<String> = if n < 199 { vec![format!("@r{}", n + 1); 20] } else { vec!["stats:read".to_owned()] };
        roles.insert(format!("r{n}"), json!(above));
    }
    let access = access(json!({"roles": roles}));
    assert!(may(&access, &["r0"], "stats:read", &Scope::default()) && !may(&access, &["r0"], "audit:read", &Scope::default()));
}

#[test]
fn a_star_stands_for_any_characters() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything", true),
        ("prod-*", "prod-eu", true),
        ("prod-*", "prod", false),
        ("*-eu", "prod-eu", true),
        ("*-eu", "prod-eu-1", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "acb", false),
        ("ab*ba", "aba", false),
        ("a**c", "ac", true),
        ("*a*", "bab", true),
        ("é*", "éa", true),
    ] {
        assert_eq!(glob::fits(pattern, text), expected, "{pattern} {text}");
    }
}

/// The textbook's way, which takes long but is plainly right.
fn slow(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|from| slow(rest, &text[from..])),
        Some((c, rest)) => text.first() == Some(c) && slow(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn stars_are_read_as_in_the_textbook(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
        let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(glob::fits(&pattern, &text), slow(&p, &t));
    }
}
