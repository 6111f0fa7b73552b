//! `access`, `actions` and `runbooks`: who may do what, what may be changed at all, and what is written down about it.

use std::{collections::BTreeMap, path::Path};

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    reader::Reader,
    sections::is_http,
    sources::{self, cluster_access},
};
use crate::{
    auth::{Access, AccessConfig},
    model::{Risk, is_slack_user},
    pipeline::Anchors,
    runbooks::{Call, Catalog, Reach, Target, Terms},
    web::Proxy,
};

/// No approval waits longer than this: by then the system is another one.
const EXPIRES_MOST: u64 = 24 * 3600;

/// Who issues our own tokens, and whom they are for.
pub const ISSUER: &str = "sre-agent";
pub const AUDIENCE: &str = "sre-agent-api";

/// How many requests one caller may make, unless the settings say otherwise: a script that polls, and a page that loads.
const PER_SECOND: usize = 20;
const BURST: usize = 100;

/// How callers of the API prove who they are, beside the one token of `api.token`.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The secret of our own tokens.
    pub secret: Option<SecretString>,
    /// An identity provider's keys, its name, the audience it must name, and the claim with the roles.
    pub provider: Option<Provider>,
    /// Subjects of tokens that are people of Slack: subject to user id.
    pub identities: BTreeMap<String, String>,
    pub per_second: usize,
    pub burst: usize,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { secret: None, provider: None, identities: BTreeMap::new(), per_second: PER_SECOND, burst: BURST }
    }
}

/// An identity provider.
#[derive(Debug, Clone)]
pub struct Provider {
    pub jwks_url: String,
    pub issuer: String,
    pub audience: String,
    pub roles_claim: String,
}

/// `access`.
pub fn access(reader: &mut Reader<'_>) -> (Option<Access>, Tokens) {
    let mut whole = serde_json::Map::new();
    for part in ["roles", "people", "default_roles", "policies"] {
        if let Some(value) = reader.raw(&format!("access.{part}")).filter(|value| !value.is_null()) {
            whole.insert(part.to_owned(), value);
        }
    }
    let config = serde_json::from_value::<AccessConfig>(Value::Object(whole));
    let access = match config {
        Ok(config) => Access::new(config).map_err(|problems| {
            for problem in problems {
                reader.check(&problem.key, false, &problem.message);
            }
        }),
        Err(error) => {
            reader.check("access", false, &format!("roles, people, default_roles and policies as in the example ({error})"));
            Err(())
        }
    };
    let secret = reader.secret("access.tokens.secret");
    let long = secret.as_ref().is_none_or(|secret| secrecy::ExposeSecret::expose_secret(secret).len() >= 32);
    reader.check("access.tokens.secret", long, "at least 32 characters (`openssl rand -hex 32` makes some)");
    let jwks_url = reader.text("access.tokens.jwks_url", "");
    let issuer = reader.text("access.tokens.issuer", "");
    let audience = reader.text("access.tokens.audience", "sre-agent");
    let roles_claim = reader.text("access.tokens.roles_claim", "roles");
    reader.check("access.tokens.jwks_url", jwks_url.is_empty() || is_http(&jwks_url), "an http(s) address, or empty");
    reader.check("access.tokens.issuer", jwks_url.is_empty() || !issuer.is_empty(), "the issuer (`iss`) beside the `jwks_url`");
    let provider = (!jwks_url.is_empty()).then_some(Provider { jwks_url, issuer, audience, roles_claim });
    // Subjects have dots in them, which our keys take for steps.
    let identities: BTreeMap<String, String> =
        reader.raw("access.identities").and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
    let fine = identities.values().all(|user| is_slack_user(user));
    reader.check("access.identities", fine, "subjects of tokens, each with a Slack user id (U…)");
    let (per_second, burst) =
        (reader.number("access.rate.per_second", PER_SECOND, 1, 10_000), reader.number("access.rate.burst", BURST, 1, 100_000));
    let tokens = Tokens { secret, provider, identities, per_second, burst };
    (access.ok(), tokens)
}

/// `audit`.
pub fn anchors(reader: &mut Reader<'_>) -> Anchors {
    let file = reader.text("audit.anchor_file", "");
    let channel = reader.text("audit.anchor_channel", "");
    reader.check("audit.anchor_channel", channel.is_empty() || channel.starts_with(['C', 'G']), "a channel id, or empty");
    let every = reader.duration("audit.anchor_every", "10m");
    reader.check("audit.anchor_every", (10..=86_400).contains(&every.as_secs()), "10s to 24h");
    Anchors { file: (!file.is_empty()).then(|| file.into()), channel, every: SignedDuration::try_from(every).unwrap_or_default() }
}

/// `actions`: the systems that runbooks may change.
pub fn actions(reader: &mut Reader<'_>, proxy: Option<&Proxy>) -> Reach {
    let mut reach = Reach::default();
    for name in reader.names("actions.kubernetes") {
        reach.kubernetes.extend(cluster_access(reader, "actions", &name).map(|access| (name, access)));
    }
    for name in reader.names("actions.mongodb") {
        let key = format!("actions.mongodb.{name}.uri");
        let uri = reader.text(&key, "");
        let fine = uri.starts_with("mongodb://") || uri.starts_with("mongodb+srv://");
        reader.check(&key, fine, "a connection string: mongodb://… or mongodb+srv://…");
        reach.mongodb.push((name, uri.into()));
    }
    for name in reader.names("actions.alertmanager") {
        let place = sources::place(reader, &format!("actions.alertmanager.{name}"), proxy);
        reach.alertmanager.push((name, place));
    }
    for name in reader.names("actions.http") {
        let section = format!("actions.http.{name}");
        let place = sources::place(reader, &section, proxy);
        let key = format!("{section}.allow");
        let list = reader.list(&key);
        let allowed: Vec<Call> = list
            .iter()
            .filter_map(|line| line.split_once(' '))
            .filter(|(method, path)| ["POST", "PUT", "PATCH", "DELETE"].contains(method) && path.starts_with('/'))
            .map(|(method, path)| Call { method: method.to_owned(), path: path.to_owned() })
            .collect();
        reader.check(&key, allowed.len() == list.len(), "a list such as [\"POST /flags/*\"]");
        reach.http.push((name, Target { place, allowed }));
    }
    reach
}

/// `runbooks`: how approvals go. The runbooks themselves lie beside the settings.
pub fn terms(reader: &mut Reader<'_>) -> Terms {
    let usual = Terms::default();
    let expires = reader.duration("runbooks.expires", "15m");
    reader.check("runbooks.expires", (60..=EXPIRES_MOST).contains(&expires.as_secs()), "1m to 24h");
    let mut roles = Vec::new();
    for risk in Risk::ALL {
        let key = format!("runbooks.approve.{risk}");
        let named = reader.list(&key);
        let named = if named.is_empty() { usual.roles_for(risk).to_vec() } else { named };
        roles.push((risk, named));
    }
    Terms { expires: SignedDuration::try_from(expires).unwrap_or(usual.expires), roles }
}

/// The runbooks of the folder `runbooks` beside the settings, or those that come with the program where there is none.
pub fn runbooks(folder: Option<&Path>, errors: &mut Vec<String>) -> Option<Catalog> {
    let Some(folder) = folder.map(|folder| folder.join("runbooks")).filter(|folder| folder.is_dir()) else {
        return Some(Catalog::embedded());
    };
    let mut files = Vec::new();
    let listed = std::fs::read_dir(&folder).map_err(|error| errors.push(format!("{}: {error}", folder.display()))).ok()?;
    for path in listed.filter_map(Result::ok).map(|entry| entry.path()) {
        let Some(id) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".yaml")) else { continue };
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push((id.to_owned(), text)),
            Err(error) => errors.push(format!("{}: cannot be read: {error}", path.display())),
        }
    }
    files.sort();
    Catalog::from_files(files)
        .map_err(|wrong| errors.extend(wrong.0.into_iter().map(|error| format!("{}: {error}", folder.display()))))
        .ok()
}
