//! Scenario replay and scoring: does the engine name the cause that is known?

mod calibration;
mod scenario;
mod score;
mod table;

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};

pub use calibration::Range;
pub use scenario::{Expect, Outcome, Scenario};
pub use score::{ScenarioScore, Scores, Tally};

use crate::{
    agents::{Engine, router::Router},
    analysis::Thresholds,
    model::{Investigation, InvestigationId},
    tools::{Registry, bundle::Bundle},
};

/// Replays every scenario below `dir`, one after the other, in the order of their paths.
///
/// # Errors
/// When there is no scenario below `dir`, or one cannot be read.
pub async fn run(dir: &Path, progress: &(dyn Fn(&ScenarioScore) + Send + Sync)) -> Result<Scores> {
    let folders = scenario::find(dir)?;
    anyhow::ensure!(!folders.is_empty(), "no scenario.yaml below {}", dir.display());
    let mut scores = Vec::new();
    for folder in folders {
        let scenario = scenario::load(&folder)?;
        let started = Instant::now();
        let investigation = replay(&scenario, &folder).await.with_context(|| format!("scenario {}", scenario.id))?;
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let scored = score::score(&scenario, &investigation, ms)?;
        progress(&scored);
        scores.push(scored);
    }
    Ok(Scores::new(scores))
}

/// The engine is given the bundle and the subject, nothing else.
async fn replay(scenario: &Scenario, folder: &Path) -> Result<Investigation> {
    let bundle = Bundle::open(&folder.join("bundle"))?;
    let engine = Engine::new(Registry::new(bundle.tools()), Router::embedded(), Thresholds::default());
    engine.investigate(InvestigationId(ulid::Ulid::nil()), &scenario.request(), &|_| ()).await
}

#[cfg(test)]
mod tests;
