//! The doors' own settings.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::{agents::AgentSpec, report::Services, web::Proxy};

/// The senders that have a webhook of their own.
pub const WEBHOOKS: [&str; 10] =
    ["alertmanager", "grafana", "pagerduty", "datadog", "opsgenie", "sentry", "newrelic", "cloudwatch", "zabbix", "generic"];

/// How one sender proves who it is, and how its body is read.
#[derive(Debug, Clone, Default)]
pub struct Webhook {
    /// A bearer token, or the password of basic authentication.
    pub token: Option<SecretString>,
    /// The key of the sender's HMAC-SHA256 signature over the body.
    pub secret: Option<SecretString>,
    /// `generic` only: our field to a JSON Pointer into the sender's body.
    pub map: BTreeMap<String, String>,
}

/// The doors' settings.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// By sender; one that is not here answers nobody.
    pub webhooks: BTreeMap<String, Webhook>,
    /// The channel for incidents that do not start in Slack.
    pub channel: String,
    /// The reaction that asks for an investigation; empty for none.
    pub emoji: String,
    /// The HTTP proxy that leads out, where there is one.
    pub proxy: Option<Proxy>,
    /// The Slack user group whose members are on call; empty for none.
    pub oncall_group: String,
    /// User groups that can be called for, by the name that people see.
    pub groups: BTreeMap<String, String>,
    /// Whether PagerDuty can be called.
    pub pagerduty: bool,
    /// The alert sources that silences are pushed to.
    pub silencers: Vec<String>,
    /// The agents that there are.
    pub agents: Vec<AgentSpec>,
    /// What the team says about its services.
    pub services: Services,
}
