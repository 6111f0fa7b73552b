//! How things are said in Slack: signatures, Web API calls, Block Kit within Slack's limits. Knows Slack, not incidents.

pub mod blocks;
mod client;
mod groups;
mod messages;
pub mod mrkdwn;
mod pace;
pub mod signature;
mod unfurl;
mod views;
mod whisper;
mod workspaces;

pub use client::{Client, Connection, Posted, SlackError, SlackErrorKind};
pub use pace::Pace;
pub use unfurl::Shared;
pub use workspaces::{Identity, Workspace, Workspaces};
