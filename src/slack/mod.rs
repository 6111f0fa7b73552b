//! How things are said in Slack: signatures, Web API calls, Block Kit within Slack's limits. Knows Slack, not incidents.

pub mod blocks;
mod client;
pub mod doctor;
pub mod mrkdwn;
pub mod oauth;
mod pace;
pub mod scopes;
pub mod signature;
pub mod socket;
mod views;
mod whisper;
mod workspaces;

pub use client::{Client, Connection, Posted, SlackError, SlackErrorKind};
pub use pace::Pace;
pub use workspaces::{Identity, Workspace, Workspaces};
