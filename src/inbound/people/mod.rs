//! What people do in Slack besides pressing buttons: mentions, answers in threads, reactions, the home tab, links.

mod home;
mod links;
mod pick_up;
mod reaction;
mod talk;

use super::{State, events::Envelope, reply::Refusal};

pub use pick_up::{Picked, pick_up};

/// Handles one event that a person caused; `kind` is the event's type.
///
/// # Errors
/// When what the person wants could not be made durable.
pub async fn handle(state: &State, envelope: &Envelope, kind: &str) -> Result<(), Refusal> {
    match kind {
        "message" | "app_mention" => talk::handle(state, envelope).await,
        "reaction_added" => reaction::handle(state, envelope).await,
        "app_home_opened" => home::handle(state, envelope).await,
        "link_shared" => {
            links::handle(state, envelope);
            Ok(())
        }
        _ => {
            state.metrics.unknown_event();
            Ok(())
        }
    }
}
