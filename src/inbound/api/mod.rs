//! The API below `/api/v1`: reads from the store, acts by records like every other door, described by OpenAPI.
//!
//! Every handler asks `access::authorize` once and first; what all requests share is in `door`, bodies and parameters are read
//! by `call` and `body`, and whatever goes wrong is a `Problem`.

mod acts;
mod agents;
mod alerts;
mod ask;
mod audit;
mod body;
mod call;
mod changes;
mod docs;
mod door;
mod health;
mod incidents;
mod investigations;
mod once;
mod openapi;
mod page;
mod problem;
mod runbooks;
mod shown;
mod silences;
mod stats;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::Request,
    middleware,
    routing::{MethodRouter, any, delete, get, post},
};
use tokio::sync::Semaphore;

use super::State;

pub use alerts::dedup_key;
pub use problem::Problem;

/// What all addresses of the API begin with.
const BASE: &str = "/api/v1";
/// How many event streams may be open: each looks at the store once a second.
const STREAMS_MAX: usize = 64;

/// What the handlers work with; cheap to clone.
#[derive(Clone)]
struct Api {
    state: State,
    /// The keys of requests that are being done here.
    under_way: Arc<Mutex<HashSet<String>>>,
    /// One for each event stream that may be open.
    streams: Arc<Semaphore>,
}

/// Every address: method, path below [`BASE`], handler. A test holds it against the OpenAPI document.
#[rustfmt::skip]
fn routes() -> Vec<(&'static str, &'static str, MethodRouter<Api>)> {
    vec![
        ("POST", "/alerts", post(alerts::send)),
        ("POST", "/changes", post(changes::tell)),
        ("GET", "/changes", get(changes::list)),
        ("GET", "/incidents", get(incidents::list)),
        ("GET", "/incidents/{id}", get(incidents::get)),
        ("GET", "/incidents/{id}/timeline", get(incidents::timeline)),
        ("GET", "/incidents/{id}/evidence", get(incidents::evidence)),
        ("GET", "/incidents/{id}/alerts", get(incidents::alerts)),
        ("GET", "/incidents/{id}/report", get(incidents::report)),
        ("GET", "/incidents/{id}/postmortem", get(incidents::postmortem)),
        ("POST", "/incidents/{id}/acknowledge", post(acts::acknowledge)),
        ("POST", "/incidents/{id}/unacknowledge", post(acts::unacknowledge)),
        ("POST", "/incidents/{id}/resolve", post(acts::resolve)),
        ("POST", "/incidents/{id}/reopen", post(acts::reopen)),
        ("POST", "/incidents/{id}/silence", post(acts::silence)),
        ("POST", "/incidents/{id}/unsilence", post(acts::unsilence)),
        ("POST", "/incidents/{id}/assign", post(acts::assign)),
        ("POST", "/incidents/{id}/rerun", post(acts::rerun)),
        ("POST", "/incidents/{id}/replay", post(acts::replay)),
        ("POST", "/incidents/{id}/feedback", post(acts::feedback)),
        ("POST", "/incidents/{id}/escalate", post(acts::escalate)),
        ("POST", "/incidents/{id}/questions", post(ask::question)),
        ("GET", "/incidents/{id}/investigations", get(investigations::of_incident)),
        ("POST", "/investigations", post(ask::begin)),
        ("GET", "/investigations/{investigation_id}", get(investigations::get)),
        ("GET", "/investigations/{investigation_id}/events", get(investigations::events)),
        ("GET", "/agents", get(agents::list)),
        ("GET", "/agents/{agent_name}", get(agents::get)),
        ("POST", "/agents/{agent_name}/tasks", post(agents::run)),
        ("GET", "/agents/{agent_name}/tasks/{task_id}", get(agents::task)),
        ("GET", "/silences", get(silences::list)),
        ("DELETE", "/silences/{silence_id}", delete(silences::end)),
        ("GET", "/runbooks", get(runbooks::list)),
        ("GET", "/runbooks/{runbook_id}", get(runbooks::get)),
        ("POST", "/runbooks/{runbook_id}/runs", post(runbooks::request)),
        ("GET", "/runs", get(runbooks::runs)),
        ("GET", "/runs/{run_id}", get(runbooks::run)),
        ("POST", "/runs/{run_id}/approve", post(runbooks::approve)),
        ("POST", "/runs/{run_id}/deny", post(runbooks::deny)),
        ("POST", "/runs/{run_id}/cancel", post(runbooks::cancel)),
        ("GET", "/approvals", get(runbooks::approvals)),
        ("GET", "/stats", get(stats::get)),
        ("GET", "/audit", get(audit::list)),
        ("GET", "/health", get(health::get)),
        ("GET", "/openapi.json", get(health::description)),
    ]
}

/// The API and its description.
pub fn router(state: State) -> Router {
    let api = Api { state, under_way: Arc::default(), streams: Arc::new(Semaphore::new(STREAMS_MAX)) };
    let unknown = any(async |request: Request| Problem::not_found(format!("there is nothing at {}", request.uri().path())));
    routes()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| router.route(&format!("{BASE}{path}"), handler))
        .method_not_allowed_fallback(async || Problem::new(problem::Kind::MethodNotAllowed, "see the header `Allow`"))
        .route(BASE, unknown.clone())
        .route(&format!("{BASE}/{{*rest}}"), unknown)
        .layer(middleware::from_fn_with_state(api.clone(), door::around))
        .with_state(api)
        .merge(docs::router())
}
