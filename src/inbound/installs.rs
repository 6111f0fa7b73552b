//! The app was installed into a workspace, or taken out of it.

use super::{State, events::Envelope, reply::Refusal};

/// Handles `tokens_revoked` and `app_uninstalled`.
pub async fn handle(state: &State, envelope: &Envelope, kind: &str) -> Result<(), Refusal> {
    let _ = (envelope, kind);
    state.metrics.unknown_event();
    Ok(())
}
