//! The doors: Slack's events and buttons, and the HTTP API. A door verifies, understands, makes the record durable, answers.
//!
//! Nothing is investigated here: a door meets the pipeline only through the store and the queue.

pub mod alerts;

mod api;
mod commands;
mod config;
mod deliveries;
mod events;
mod exports;
mod installs;
mod interactions;
mod people;
mod reply;
mod router;
mod shortcuts;
mod state;
mod stops;
mod storms;
#[cfg(test)]
mod tests;

pub use config::{Config, WEBHOOKS, Webhook};
pub use deliveries::envelope;
pub use router::router;
pub use state::State;
