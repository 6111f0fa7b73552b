//! Who looks where: the router, the specialist agents, and the engine that runs them and concludes.

pub mod router;

use std::time::Duration;

use anyhow::Result;

use crate::{
    model::{Investigation, InvestigationId, InvestigationStatus, Request, Routing},
    tools::Registry,
};

/// One agent has started or finished; shown while people wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub agent: String,
    /// What it found in a few words; `None` while it is still looking.
    pub found: Option<String>,
}

/// The whole deterministic engine: everything that an investigation needs, made once.
pub struct Engine {
    tools: Registry,
}

impl Engine {
    pub fn new(tools: Registry) -> Self {
        Self { tools }
    }

    /// Who would look, and why, without looking.
    pub fn route(&self, request: &Request) -> Routing {
        let _ = request;
        Routing { agents: vec!["infrastructure".to_owned()], reasons: vec!["stub".to_owned()] }
    }

    /// Investigates `request`. Tool failures become gaps; only a broken invariant is an error.
    ///
    /// # Errors
    /// Never for bad evidence.
    pub async fn investigate(
        &self,
        id: InvestigationId,
        request: &Request,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Investigation> {
        let _ = (&self.tools, progress);
        Ok(Investigation {
            id,
            request: request.clone(),
            status: InvestigationStatus::NoProblemFound,
            routing: Routing::default(),
            tool_calls: Vec::new(),
            evidence: Vec::new(),
            hypotheses: Vec::new(),
            impact: String::new(),
            gaps: Vec::new(),
            ruled_out: Vec::new(),
            now: request.now,
            duration_ms: Duration::ZERO.as_millis() as u64,
        })
    }
}
