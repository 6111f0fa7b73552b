//! The doors: Slack's events and buttons, and the HTTP API. A door verifies, understands, makes the record durable, answers.
//!
//! Nothing is investigated here: a door meets the pipeline only through the store and the queue.

pub mod alerts;
pub mod mcp;

mod access;
mod api;
mod commands;
mod config;
mod console;
mod deliveries;
mod events;
mod exports;
pub mod gate;
mod installs;
mod interactions;
mod live;
mod oauth;
mod people;
mod reading;
mod reply;
mod router;
mod shortcuts;
mod socket;
mod state;
mod stops;
mod storms;
#[cfg(test)]
mod tests;
mod told;
mod webhooks;
mod word;

pub use commands::parse as command;
pub use config::{Config, WEBHOOKS, Webhook};
pub use deliveries::envelope;
pub use gate::Gate;
pub use installs::load as load_workspaces;
pub use interactions::Payload;
pub use live::Live;
pub use oauth::Install;
pub use reading::{Arrivals, run as read_deliveries};
pub use router::router;
pub use socket::run as socket;
pub use state::State;
