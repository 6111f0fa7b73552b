//! How things are said in Slack: signatures, Web API calls, Block Kit within Slack's limits. Knows Slack, not incidents.

pub mod blocks;
mod client;
pub mod mrkdwn;
mod pace;
pub mod signature;

pub use client::{Client, Posted, SlackError, SlackErrorKind};
pub use pace::Pace;
