//! Where people and other systems are told: silences at the alert's sender, PagerDuty, e-mail, webhooks. Knows those
//! systems, not incidents.
//!
//! Beside them the rules that say whom and when: on-call schedules, escalation chains.

mod address;
mod chains;
mod config;
mod email;
mod failures;
mod hours;
mod http;
mod notice;
mod oncall;
mod pagerduty;
mod rota;
mod schedule;
mod silences;
#[cfg(test)]
mod tests;
mod webhook;
mod yaml;

use async_trait::async_trait;

use crate::model::{Matcher, Pushed, Silence};

pub use address::{Allowed, Place, Refused};
pub use chains::{Chain, Chains, Done, Due, Facts, Known, Quiet, Repeat, Step, StepRef, To, due, due_at};
pub use config::{Config, Target};
pub use email::{Email, EmailConfig, Tls};
pub use failures::Failures;
pub use hours::Hours;
pub use notice::{Kind, Notice};
pub use oncall::{OnCall, OnCallConfig, Service, Standby};
pub use pagerduty::{Page, PagerDuty};
pub use rota::{Rota, Turn};
pub use schedule::{Layer, Override, Person, Schedule, Schedules, next_change, who};
pub use silences::{Senders, at_sender};
pub use webhook::{Webhook, WebhookConfig, signature};
pub use yaml::Wrong;

/// Why another system was not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// It may work later: no connection, no answer in time, 429, a 5xx.
    #[error("{0}")]
    Later(String),
    /// It will not work: a refused token, a refused body.
    #[error("{0}")]
    Never(String),
}

/// Sets and ends silences where alerts come from. Both may be asked twice for the same thing and do it once.
#[async_trait]
pub trait Silencer: Send + Sync {
    /// Whether alerts of this source can be silenced where they come from.
    fn takes(&self, source: &str) -> bool;

    /// Our silence as it holds at `source`, from an attempt whose answer was lost.
    async fn find(&self, source: &str, silence: &Silence) -> Result<Option<Pushed>, NotifyError>;

    /// Sets the silence at `source` with these matchers, or finds the one that was set before.
    async fn set(&self, source: &str, silence: &Silence, matchers: &[Matcher]) -> Result<Pushed, NotifyError>;

    /// Ends it; one that is over or gone is fine.
    async fn end(&self, pushed: &Pushed) -> Result<(), NotifyError>;
}

/// Calls people through a paging service.
#[async_trait]
pub trait Pager: Send + Sync {
    /// Calls; the same key again is the same call.
    async fn page(&self, page: &Page) -> Result<(), NotifyError>;
}

/// Tells people by one way: e-mail, a webhook.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells; the same key again is the same notice.
    ///
    /// # Errors
    /// Whether it helps to try again, and why people were not told.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifyError>;
}
