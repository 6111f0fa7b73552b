//! Silences where the alert comes from: Alertmanager's API v2, and Grafana's copy of it.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Config, NotifyError, Silencer, Target, http};
use crate::{
    model::{Alert, Matcher, Pushed, Silence},
    web,
};

/// Where Grafana keeps its own Alertmanager. Source: grafana.com/docs, alerting HTTP API.
const GRAFANA_PREFIX: &str = "/api/alertmanager/grafana";
/// The labels under which senders carry what we call by one name.
const LABELS: &[(&str, &[&str])] = &[
    (
        "service",
        &[
            "service",
            "app",
            "app_kubernetes_io_name",
            "deployment",
            "statefulset",
            "daemonset",
            "workload",
            "component",
            "container",
            "job",
        ],
    ),
    ("namespace", &["namespace", "kubernetes_namespace", "exported_namespace"]),
    ("cluster", &["cluster", "cluster_name", "k8s_cluster_name"]),
    ("resource", &["pod", "node", "instance", "persistentvolumeclaim", "job_name", "queue", "host"]),
    ("severity", &["severity", "priority", "level"]),
];

/// The configured senders.
pub struct Senders {
    http: reqwest::Client,
    alertmanager: Option<Target>,
    grafana: Option<Target>,
}

impl Senders {
    /// Reached directly: they stand beside us, not outside.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(config: &Config) -> Result<Self, String> {
        let http = web::client(http::CALL_TIMEOUT, None)?;
        Ok(Self { http, alertmanager: config.alertmanager.clone(), grafana: config.grafana.clone() })
    }

    fn target(&self, system: &str) -> Option<(&Target, &'static str)> {
        match system {
            "alertmanager" => self.alertmanager.as_ref().map(|target| (target, "")),
            "grafana" => self.grafana.as_ref().map(|target| (target, GRAFANA_PREFIX)),
            _ => None,
        }
    }

    async fn call(&self, system: &str, method: Method, path: &str, body: Option<&Value>) -> Result<http::Answer, NotifyError> {
        let (target, prefix) = self.target(system).ok_or_else(|| NotifyError::Never(format!("`silences.{system}.url` is not set")))?;
        http::call(&self.http, method, &format!("{}{prefix}/api/v2/{path}", target.url), target.token.as_ref(), body).await
    }
}

#[async_trait]
impl Silencer for Senders {
    fn takes(&self, source: &str) -> bool {
        self.target(source).is_some()
    }

    async fn find(&self, source: &str, silence: &Silence) -> Result<Option<Pushed>, NotifyError> {
        let mark = mark(silence);
        let known = self.call(source, Method::GET, "silences", None).await?.success()?;
        let id = known.as_array().into_iter().flatten().find_map(|known| active_with(known, &mark));
        Ok(id.map(|id| Pushed { system: source.to_owned(), id: id.to_owned() }))
    }

    async fn set(&self, source: &str, silence: &Silence, matchers: &[Matcher]) -> Result<Pushed, NotifyError> {
        // An earlier attempt may have come through without its answer: what is there already is ours.
        if let Some(known) = self.find(source, silence).await? {
            return Ok(known);
        }
        let matchers: Vec<Value> = matchers
            .iter()
            .map(|matcher| json!({"name": matcher.name, "value": matcher.value, "isRegex": false, "isEqual": true}))
            .collect();
        let reason = if silence.reason.is_empty() { "silenced in Slack" } else { &silence.reason };
        let body = json!({
            "matchers": matchers, "startsAt": silence.from.to_string(), "endsAt": silence.until.to_string(),
            "createdBy": format!("sre-agent for Slack user {}", silence.by),
            "comment": format!("{reason} ({}) {}", silence.incident, mark(silence)),
        });
        let answer = self.call(source, Method::POST, "silences", Some(&body)).await?.success()?;
        match answer.get("silenceID").and_then(Value::as_str) {
            Some(id) => Ok(Pushed { system: source.to_owned(), id: id.to_owned() }),
            None => Err(NotifyError::Later("the answer names no silence".to_owned())),
        }
    }

    async fn end(&self, silence: &Pushed) -> Result<(), NotifyError> {
        let path = format!("silence/{}", url::form_urlencoded::byte_serialize(silence.id.as_bytes()).collect::<String>());
        let answer = self.call(&silence.system, Method::DELETE, &path, None).await?;
        if answer.status.is_success() || answer.status.as_u16() == 404 {
            return Ok(());
        }
        // Some versions refuse to end what is over already.
        let over = match self.call(&silence.system, Method::GET, &path, None).await {
            Ok(known) => known.body.pointer("/status/state").and_then(Value::as_str) == Some("expired"),
            Err(_) => false,
        };
        if over { Ok(()) } else { answer.success().map(drop) }
    }
}

/// What our silences are known by there.
fn mark(silence: &Silence) -> String {
    format!("[{}]", silence.id)
}

/// The id of a silence that holds and carries our mark.
fn active_with<'a>(known: &'a Value, mark: &str) -> Option<&'a str> {
    let text = |path: &str| known.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if text("/status/state") == "expired" || !text("/comment").contains(mark) {
        return None;
    }
    known.get("id").and_then(Value::as_str)
}

/// The matchers in the sender's own labels, as far as the alert shows them; `None` when one of them has no label there,
/// since a silence on a label that alerts do not carry would cover nothing.
pub fn at_sender(matchers: &[Matcher], alert: &Alert) -> Option<Vec<Matcher>> {
    let translated = matchers.iter().map(|matcher| {
        let carries = |label: &str| alert.labels.get(label) == Some(&matcher.value);
        if carries(&matcher.name) || matcher.name == "alertname" {
            return Some(matcher.clone());
        }
        let (_, labels) = LABELS.iter().find(|(name, _)| *name == matcher.name)?;
        let label = labels.iter().find(|label| carries(label))?;
        Some(Matcher { name: (*label).to_owned(), value: matcher.value.clone() })
    });
    translated.collect::<Option<Vec<_>>>().filter(|matchers| !matchers.is_empty())
}
