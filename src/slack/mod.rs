//! How things are said in Slack: signatures, Web API calls, Block Kit within Slack's limits. Knows Slack, not incidents.

pub mod blocks;
mod client;
pub mod doctor;
mod error;
mod files;
mod messages;
pub mod mrkdwn;
pub mod oauth;
mod pace;
mod people;
pub mod scopes;
mod sessions;
pub mod signature;
pub mod socket;
mod stream;
mod unfurl;
mod views;
mod whisper;
mod workspaces;

pub use client::{Client, Connection, Found, Posted};
pub use error::{SlackError, SlackErrorKind};
pub use files::Upload;
pub use pace::Pace;
pub use people::Known;
pub use sessions::SessionStatus;
pub use stream::Recipient;
pub use unfurl::Shared;
pub use workspaces::{Feature, Identity, Workspace, Workspaces};
