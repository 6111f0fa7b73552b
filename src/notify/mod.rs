//! Where people and other systems are told: silences at the alert's sender, PagerDuty. Knows those systems, not incidents.

use secrecy::SecretString;

/// A system of the user's, with what it wants to see before it listens.
#[derive(Debug, Clone)]
pub struct Target {
    /// Without a slash at the end.
    pub url: String,
    pub token: Option<SecretString>,
}

/// Who can be told.
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub alertmanager: Option<Target>,
    pub grafana: Option<Target>,
    pub pagerduty_key: Option<SecretString>,
    pub pagerduty_url: String,
}
