//! The systems that runbooks may change, each with credentials of its own: what is not named here cannot be touched.

use std::{collections::BTreeMap, sync::Arc};

use mongodb::{Client as Mongo, options::ClientOptions};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::{
    model::{Clock, glob},
    tools::{
        ToolError, ToolErrorKind,
        http::{Endpoint, Place},
        kubernetes::{Access, Client},
    },
};

use super::operate::Failure;

/// How long a server is looked for.
const SELECTION_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);
/// The name under which these calls fail.
pub const TOOL: &str = "runbook";

/// What may be called at an address: a method and a path, in which `*` stands for any letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub method: String,
    pub path: String,
}

/// An address that runbooks may call.
#[derive(Debug, Clone)]
pub struct Target {
    pub place: Place,
    pub allowed: Vec<Call>,
}

/// A MongoDB deployment, connected when it is first needed.
pub struct Deployment {
    uri: SecretString,
    client: OnceCell<Mongo>,
}

/// An address that may be called, with what.
pub struct Callable {
    pub endpoint: Endpoint,
    allowed: Vec<Call>,
}

/// All of them, by name.
#[derive(Default)]
pub struct Systems {
    kubernetes: BTreeMap<String, Arc<Client>>,
    mongodb: BTreeMap<String, Deployment>,
    alertmanager: BTreeMap<String, Endpoint>,
    http: BTreeMap<String, Callable>,
}

/// As the settings name them.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    pub kubernetes: Vec<(String, Access)>,
    pub mongodb: Vec<(String, SecretString)>,
    pub alertmanager: Vec<(String, Place)>,
    pub http: Vec<(String, Target)>,
}

impl Systems {
    /// # Errors
    /// Every address or credential that cannot be used.
    pub fn new(reach: Reach, clock: &Clock) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let mut open = |place: Place| Endpoint::new(place, clock.clone()).map_err(|error| errors.push(error)).ok();
        let alertmanager = reach.alertmanager.into_iter().filter_map(|(name, place)| Some((name, open(place)?))).collect();
        let http = reach
            .http
            .into_iter()
            .filter_map(|(name, target)| Some((name, Callable { endpoint: open(target.place)?, allowed: target.allowed })))
            .collect();
        let kubernetes = reach
            .kubernetes
            .into_iter()
            .map(|(name, access)| (name.clone(), Arc::new(Client::new(&name, access).of_section("actions"))))
            .collect();
        let mongodb = reach.mongodb.into_iter().map(|(name, uri)| (name, Deployment { uri, client: OnceCell::new() })).collect();
        if errors.is_empty() { Ok(Self { kubernetes, mongodb, alertmanager, http }) } else { Err(errors) }
    }

    /// The names of the systems of a kind, for menus and messages.
    pub fn names(&self, kind: &str) -> Vec<&str> {
        match kind {
            "kubernetes" => self.kubernetes.keys().map(String::as_str).collect(),
            "mongodb" => self.mongodb.keys().map(String::as_str).collect(),
            "alertmanager" => self.alertmanager.keys().map(String::as_str).collect(),
            "http" => self.http.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The cluster of this name.
    pub fn cluster(&self, name: &str) -> Result<&Arc<Client>, Failure> {
        one(&self.kubernetes, "kubernetes", name)
    }

    pub fn alertmanager(&self, name: &str) -> Result<&Endpoint, Failure> {
        one(&self.alertmanager, "alertmanager", name)
    }

    /// The address of this name, where the settings allow the call.
    pub fn callable(&self, name: &str, method: &str, path: &str) -> Result<&Endpoint, Failure> {
        let target = one(&self.http, "http", name)?;
        if !super::fill::is_plain_path(path) {
            return Err(Failure::Refused(format!("{path} does not stay below the configured address")));
        }
        let plain = path.split('?').next().unwrap_or_default();
        let fits = |call: &Call| call.method == method && glob::fits(&call.path, plain);
        if method == "GET" || target.allowed.iter().any(fits) {
            return Ok(&target.endpoint);
        }
        Err(Failure::Refused(format!("`actions.http.{name}.allow` does not list {method} {plain}")))
    }

    pub async fn deployment(&self, name: &str) -> Result<&Mongo, Failure> {
        let deployment = one(&self.mongodb, "mongodb", name)?;
        let connect = || async {
            let mut options = ClientOptions::parse(deployment.uri.expose_secret()).await?;
            options.app_name = Some("sre-agent runbooks".to_owned());
            options.server_selection_timeout = Some(SELECTION_TIMEOUT);
            options.connect_timeout = Some(SELECTION_TIMEOUT);
            options.max_pool_size = Some(2);
            options.retry_reads = Some(false);
            options.retry_writes = Some(false);
            Mongo::with_options(options)
        };
        deployment.client.get_or_try_init(connect).await.map_err(|error| super::mongodb::failure(&error))
    }
}

fn one<'a, T>(all: &'a BTreeMap<String, T>, kind: &str, name: &str) -> Result<&'a T, Failure> {
    all.get(name).ok_or_else(|| {
        let known: Vec<&str> = all.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none is".to_owned() } else { format!("there is {}", known.join(", ")) };
        let wrong = if name.is_empty() { "which one is not said".to_owned() } else { format!("it does not name `{name}`") };
        Failure::Refused(format!("`actions.{kind}`: {wrong}: {known}"))
    })
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        match error.kind {
            ToolErrorKind::Timeout | ToolErrorKind::Unavailable | ToolErrorKind::RateLimited(_) => Self::Later(error.message),
            ToolErrorKind::Conflict => Self::Conflict(error.message),
            ToolErrorKind::NotFound => Self::Gone(error.message),
            _ => Self::Refused(error.message),
        }
    }
}
