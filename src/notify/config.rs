//! Who can be told, and what they want to see before they listen.

use secrecy::SecretString;

/// A system of the user's.
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
