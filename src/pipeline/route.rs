//! Which agents look, and why: shown in the first reply, before anything was looked at.

use crate::{
    agents::Engine,
    model::{Request, Routing},
};

/// The routing of a request.
pub fn step(engine: &Engine, request: &Request) -> Routing {
    engine.route(request)
}
