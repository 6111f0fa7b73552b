//! `sre-agent token`: tokens for people, keys for machines, and taking them back.

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{audit::Place, runtime::block_on};
use crate::{
    app::{random_bytes, random_ids, system_clock},
    auth::{ApiKey, Issuer, StoredKey},
    config,
    model::AuditEntry,
    store::{Commit, DocumentKind, DocumentUpdate, Embedded, Store as _},
};

/// How many keys are listed.
const KEYS_MAX: usize = 500;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// A token for a person (signed with `access.tokens.secret`), or with --key a key for a machine; it is printed once
    Issue {
        #[command(flatten)]
        place: Place,
        /// Whom the token is for: alice@example.com
        #[arg(long, value_name = "WHO", required_unless_present = "key", conflicts_with = "key")]
        subject: Option<String>,
        /// The name of the machine that the key is for
        #[arg(long, value_name = "NAME")]
        key: Option<String>,
        /// A role; may be given several times
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
        /// How long it counts: 1h at most 24h for tokens; 90d for keys
        #[arg(long = "for", value_name = "TIME")]
        lifetime: Option<String>,
    },
    /// From now on this token or key is not taken any more
    Revoke {
        #[command(flatten)]
        place: Place,
        /// Its id, as `token issue` and `token list` print it
        id: String,
    },
    /// The keys that there are
    List {
        #[command(flatten)]
        place: Place,
    },
}

pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Issue { place, subject, key, roles, lifetime } => {
            let access = config::load_access(place.config(), &config::environment())?;
            let known: Vec<&str> = access.access.roles().collect();
            for role in &roles {
                anyhow::ensure!(known.contains(&role.as_str()), "--role: `{role}` is no role; there are {}", known.join(", "));
            }
            let lifetime = lifetime
                .map(|text| config::parse_duration(&text).context("--for: a length of time such as 1h or 90d is wanted"))
                .transpose()?;
            let store = place.open_or_make()?;
            match (subject, key) {
                (Some(subject), _) => block_on(issue_token(&store, &access.tokens, &subject, roles, lifetime)),
                (None, Some(name)) => block_on(issue_key(&store, &name, roles, lifetime)),
                (None, None) => anyhow::bail!("--subject or --key is wanted"),
            }
        }
        Command::Revoke { place, id } => {
            let (store, _) = place.open()?;
            block_on(revoke(&store, &id))
        }
        Command::List { place } => {
            let (store, _) = place.open()?;
            block_on(list(&store))
        }
    }
}

fn entry(act: &str, object: &str, detail: String) -> AuditEntry {
    AuditEntry {
        at: system_clock().now(),
        actor: "command line".to_owned(),
        act: act.to_owned(),
        object: object.to_owned(),
        outcome: "done".to_owned(),
        detail,
    }
}

async fn issue_token(
    store: &Embedded,
    tokens: &config::Tokens,
    subject: &str,
    roles: Vec<String>,
    lifetime: Option<Duration>,
) -> anyhow::Result<ExitCode> {
    let secret =
        tokens.secret.clone().context("`access.tokens.secret` is empty: set SRE_AGENT_TOKEN_SECRET (`openssl rand -hex 32` makes one)")?;
    let issuer = Issuer::new(&secret, config::ISSUER, config::AUDIENCE)?;
    let now = system_clock().now();
    let id = random_ids().fresh(now).to_string();
    let roles: BTreeSet<String> = roles.into_iter().collect();
    let lifetime = lifetime.map(jiff::SignedDuration::try_from).transpose()?;
    let (token, claims) = issuer.issue(subject, subject, &roles, lifetime, now, &id)?;
    let detail = format!("for {subject}, roles {}, until {}", roles.iter().cloned().collect::<Vec<_>>().join(", "), claims.exp);
    store.commit(Commit { audit: vec![entry("token_issue", &id, detail)], ..Commit::default() }).await?;
    eprintln!("Token {id} for {subject}; it is shown once, here:");
    super::print(&format!("{}\n", token.expose_secret()))?;
    Ok(ExitCode::SUCCESS)
}

async fn issue_key(store: &Embedded, name: &str, roles: Vec<String>, lifetime: Option<Duration>) -> anyhow::Result<ExitCode> {
    let now = system_clock().now();
    let expires = lifetime.map(|lifetime| Ok::<_, anyhow::Error>(now + jiff::SignedDuration::try_from(lifetime)?)).transpose()?;
    let (shown, key) = ApiKey::generate(name, roles.iter().cloned().collect(), expires, now, random_bytes::<40>()?)?;
    let document = DocumentUpdate { kind: DocumentKind::ApiKey, key: key.id.clone(), body: Some(serde_json::to_value(&key)?) };
    let detail = format!("key {name}, roles {}", roles.join(", "));
    store.commit(Commit { documents: vec![document], audit: vec![entry("token_issue", &key.id, detail)], ..Commit::default() }).await?;
    eprintln!("Key {} for {name}; it is shown once, here:", key.id);
    super::print(&format!("{}\n", shown.expose_secret()))?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(store: &Embedded, id: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!id.is_empty() && id.len() <= 100, "the id of a token or key is wanted");
    let now = system_clock().now();
    let mut documents = vec![DocumentUpdate { kind: DocumentKind::Revoked, key: id.to_owned(), body: Some(json!({"at": now})) }];
    if let Some(found) = store.document(DocumentKind::ApiKey, id).await? {
        let mut key: StoredKey = serde_json::from_value(found.body)?;
        key.revoked_at.get_or_insert(now);
        documents.push(DocumentUpdate { kind: DocumentKind::ApiKey, key: id.to_owned(), body: Some(serde_json::to_value(&key)?) });
    }
    store.commit(Commit { documents, audit: vec![entry("token_revoke", id, String::new())], ..Commit::default() }).await?;
    super::print(&format!("{id} is not taken any more.\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Embedded) -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    for document in store.documents(DocumentKind::ApiKey, KEYS_MAX).await? {
        let Ok(key) = serde_json::from_value::<StoredKey>(document.body) else { continue };
        let roles: Vec<&str> = key.roles.iter().map(String::as_str).collect();
        let state = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(until)) => format!("until {until}"),
            (None, None) => "without an end".to_owned(),
        };
        text.push_str(&format!("{}  {}  …{}  {}  {state}\n", key.id, key.name, key.last_four, roles.join(",")));
    }
    super::print(if text.is_empty() { "There are no keys.\n" } else { &text })?;
    Ok(ExitCode::SUCCESS)
}
