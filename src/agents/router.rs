//! Which specialist takes an alert, and why.

use crate::model::{Alert, Routing};

/// Why the routing rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RouterError(String);

/// The routing rules, compiled once.
#[derive(Debug, Clone)]
pub struct Router;

impl Router {
    /// The rules that come with the program: `config/routing.yaml`.
    pub fn embedded() -> Self {
        Self
    }

    /// Rules of one's own.
    ///
    /// # Errors
    /// Names the line, the key and what is allowed there.
    pub fn from_yaml(text: &str) -> Result<Self, RouterError> {
        let _ = text;
        Ok(Self)
    }

    pub fn route(&self, alert: &Alert) -> Routing {
        let _ = alert;
        Routing::default()
    }

    pub fn route_question(&self, text: &str) -> Routing {
        let _ = text;
        Routing::default()
    }
}

impl Default for Router {
    fn default() -> Self {
        Self::embedded()
    }
}
