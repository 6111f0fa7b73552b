//! Socket Mode: the same handlers as over HTTP; Slack's own connection takes the place of the signature.

use std::sync::Arc;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{State, deliveries, reply::Refusal};
use crate::slack::socket::{Answer, Envelope, NotTaken, Socket};

/// Takes what Slack sends over `socket`, until `stop`.
pub async fn run(state: State, socket: Socket, stop: CancellationToken) {
    let handler = move |envelope: Envelope| {
        let state = state.clone();
        async move { take(&state, envelope).await }.boxed()
    };
    socket.run(Arc::new(handler), stop).await;
}

async fn take(state: &State, envelope: Envelope) -> Answer {
    match deliveries::envelope(state, &envelope.kind, envelope.payload).await {
        Ok(answer) => Ok(answer),
        // Not now: without an acknowledgement Slack sends it again.
        Err(Refusal::Unavailable | Refusal::TooSlow) => Err(NotTaken),
        // Never: sending it again would not change it.
        Err(refusal) => {
            state.metrics.request_refused(refusal.kind());
            tracing::warn!(kind = refusal.kind(), envelope = %envelope.kind, "an envelope was refused");
            Ok(None)
        }
    }
}
