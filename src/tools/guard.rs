//! What surrounds every tool that asks a live system: time-out, limits, retries, circuit breaker, cache, redaction, audit and
//! metrics. The tools themselves know nothing of it.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use moka::future::Cache;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::{sync::Semaphore, time::Instant};

use super::{Output, Tool, ToolError, ToolErrorKind, breaker::Breaker, redacted};
use crate::{model::ToolSpec, redact};

/// How much one backend may be asked, and how long its answers are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one call may take, retries included. Source: people wait for the thread, and 8 s is the longest server-side limit that we set.
    pub timeout: Duration,
    /// How many calls of one backend run at the same time.
    pub concurrent: usize,
    /// How many calls of one backend begin within a second.
    pub per_second: u32,
    /// How often a call that changes nothing is tried again after a passing failure.
    pub retries: u32,
    /// How long an answer is given again instead of asking anew.
    pub keep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(8), concurrent: 4, per_second: 10, retries: 2, keep: Duration::from_secs(15) }
    }
}

/// The pause before the first retry; each further one is twice as long, with up to as much again by chance.
const PAUSE: Duration = Duration::from_millis(100);
/// How much memory the kept answers of all tools may take, in bytes of their JSON.
const KEPT_BYTES: u64 = 64 << 20;
/// A larger answer is not kept.
const KEPT_EACH: u64 = 8 << 20;
/// How much of a call's arguments the audit shows.
const SHOWN_ARGUMENTS: usize = 2048;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    /// The answer was there already.
    FromCache,
    Failed(ToolErrorKind),
}

impl Outcome {
    /// A word for a metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::FromCache => "cached",
            Self::Failed(kind) => match kind {
                ToolErrorKind::Timeout => "timeout",
                ToolErrorKind::Unavailable => "unavailable",
                ToolErrorKind::RateLimited(_) => "rate_limited",
                ToolErrorKind::Unauthenticated => "unauthenticated",
                ToolErrorKind::PermissionDenied => "permission_denied",
                ToolErrorKind::NotFound => "not_found",
                ToolErrorKind::Conflict => "conflict",
                ToolErrorKind::BadAnswer => "bad_answer",
                ToolErrorKind::BadArguments => "bad_arguments",
                ToolErrorKind::NotAsked => "not_asked",
            },
        }
    }
}

/// One call, for the audit.
#[derive(Debug, Clone)]
pub struct Called<'a> {
    pub tool: &'a str,
    pub backend: &'a str,
    /// Redacted and cut.
    pub arguments: String,
    pub outcome: Outcome,
    /// What went wrong; empty otherwise.
    pub error: String,
    pub took: Duration,
    pub attempts: u32,
    pub bytes: u64,
}

/// Told of every call: the audit and the metrics.
pub trait Watcher: Send + Sync {
    fn called(&self, call: &Called<'_>);
}

/// Answers that other processes may have fetched: Redis, where there is one. Both calls are best effort.
#[async_trait]
pub trait Keep: Send + Sync {
    async fn get(&self, key: &str) -> Option<Vec<u8>>;
    async fn put(&self, key: &str, value: Vec<u8>, time_to_live: Duration);
}

/// What all guarded tools of a process share.
pub struct Guards {
    limits: Limits,
    watcher: Arc<dyn Watcher>,
    /// Between 0 and 1, for the retries' pauses.
    chance: fn() -> f64,
    kept: Cache<String, Arc<Output>>,
    elsewhere: Option<(Arc<dyn Keep>, String)>,
    gates: BTreeMap<String, Arc<Gate>>,
}

/// One backend's limits and circuit, shared by all of its tools.
struct Gate {
    places: Semaphore,
    pace: Mutex<Instant>,
    breaker: Mutex<Breaker>,
}

impl Guards {
    pub fn new(limits: Limits, watcher: Arc<dyn Watcher>, chance: fn() -> f64) -> Self {
        let weight = |_: &String, output: &Arc<Output>| u32::try_from(output.cost.bytes).unwrap_or(u32::MAX).max(64);
        let kept = Cache::builder().weigher(weight).max_capacity(KEPT_BYTES).time_to_live(limits.keep).build();
        Self { limits, watcher, chance, kept, elsewhere: None, gates: BTreeMap::new() }
    }

    /// With answers that other processes keep too; `whose` tells the systems that they are from.
    #[must_use]
    pub fn with_keep(mut self, keep: Arc<dyn Keep>, whose: &str) -> Self {
        self.elsewhere = Some((keep, whose.to_owned()));
        self
    }

    /// The same tools, guarded.
    pub fn around(mut self, tools: Vec<Arc<dyn Tool>>) -> Vec<Arc<dyn Tool>> {
        for tool in &tools {
            let limits = self.limits;
            self.gates.entry(tool.spec().backend).or_insert_with(|| {
                Arc::new(Gate {
                    places: Semaphore::new(limits.concurrent.max(1)),
                    // Nothing was asked yet: the first second's worth may go out at once.
                    pace: Mutex::new(Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now)),
                    breaker: Mutex::default(),
                })
            });
        }
        let shared = Arc::new(self);
        let guarded = tools.into_iter().filter_map(|tool| {
            let spec = tool.spec();
            let gate = Arc::clone(shared.gates.get(&spec.backend)?);
            Some(Arc::new(Guarded { spec, tool, gate, shared: Arc::clone(&shared) }) as Arc<dyn Tool>)
        });
        guarded.collect()
    }
}

impl Gate {
    /// Waits until the backend may be asked again by its pace.
    async fn wait(&self, per_second: u32) {
        let gap = Duration::from_secs(1) / per_second.max(1);
        let turn = {
            let mut next = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            // A second's worth may be asked at once after a rest.
            let earliest = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now);
            let turn = (*next).max(earliest);
            *next = turn + gap;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One tool with everything around it.
struct Guarded {
    spec: ToolSpec,
    tool: Arc<dyn Tool>,
    gate: Arc<Gate>,
    shared: Arc<Guards>,
}

/// Tells the breaker when a call is dropped before it ended.
struct Trial<'a> {
    gate: &'a Gate,
    ended: bool,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.gate.breaker().abandoned();
        }
    }
}

#[async_trait]
impl Tool for Guarded {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, arguments: &Value) -> Result<Output, ToolError> {
        let started = Instant::now();
        let mut attempts = 0;
        let answer = if self.spec.annotations.read_only {
            self.kept(arguments, &mut attempts).await
        } else {
            self.asked(arguments, &mut attempts).await
        };
        let (outcome, error, bytes) = match &answer {
            Ok(output) if attempts == 0 => (Outcome::FromCache, String::new(), output.cost.bytes),
            Ok(output) => (Outcome::Answered, String::new(), output.cost.bytes),
            Err(error) => (Outcome::Failed(error.kind), error.message.clone(), 0),
        };
        self.shared.watcher.called(&Called {
            tool: &self.spec.name,
            backend: &self.spec.backend,
            arguments: shown(arguments),
            outcome,
            error,
            took: started.elapsed(),
            attempts,
            bytes,
        });
        answer
    }
}

impl Guarded {
    /// From memory, from elsewhere, or asked; callers with the same question wait for one answer.
    async fn kept(&self, arguments: &Value, attempts: &mut u32) -> Result<Output, ToolError> {
        let key = format!("{} {arguments}", self.spec.name);
        let fetched = self.shared.kept.try_get_with(key.clone(), async {
            if let Some((keep, whose)) = &self.shared.elsewhere
                && let Some(bytes) = keep.get(&digest(whose, &key)).await
                && let Ok(output) = serde_json::from_slice::<Output>(&bytes)
            {
                return Ok(Arc::new(output));
            }
            let output = Arc::new(self.asked(arguments, attempts).await?);
            if let Some((keep, whose)) = &self.shared.elsewhere
                && output.cost.bytes <= KEPT_EACH
                && let Ok(bytes) = serde_json::to_vec(&output)
            {
                keep.put(&digest(whose, &key), bytes, self.shared.limits.keep).await;
            }
            Ok(output)
        });
        match fetched.await {
            Ok(output) => {
                if output.cost.bytes > KEPT_EACH {
                    self.shared.kept.invalidate(&key).await;
                }
                Ok(Output::clone(&output))
            }
            Err(error) => Err(ToolError::clone(&error)),
        }
    }

    /// Asks, within the time and the limits, with retries where they are safe.
    async fn asked(&self, arguments: &Value, attempts: &mut u32) -> Result<Output, ToolError> {
        let limits = self.shared.limits;
        let name = &self.spec.name;
        self.gate.breaker().admit(Instant::now()).map_err(|said| ToolError::new(name, said, ToolErrorKind::NotAsked))?;
        let mut trial = Trial { gate: &self.gate, ended: false };
        let late = || ToolError::new(name, format!("no answer in {} s", limits.timeout.as_secs_f32()), ToolErrorKind::Timeout);
        let answer = tokio::time::timeout(limits.timeout, self.tried(arguments, attempts)).await.unwrap_or_else(|_| Err(late()));
        trial.ended = true;
        let mut breaker = self.gate.breaker();
        match &answer {
            Err(error) if error.kind.is_failure_of_backend() => breaker.failed(Instant::now(), &error.message),
            _ => breaker.answered(),
        }
        drop(breaker);
        let mut output = answer.map_err(|mut error| {
            redacted::text(&mut error.message);
            error
        })?;
        redacted::observations(Arc::make_mut(&mut output.observations));
        for asked in &mut output.asked {
            redacted::text(&mut asked.query);
        }
        Ok(output)
    }

    async fn tried(&self, arguments: &Value, attempts: &mut u32) -> Result<Output, ToolError> {
        let limits = self.shared.limits;
        let closed = |_| ToolError::new(&self.spec.name, "is being shut down", ToolErrorKind::NotAsked);
        let _place = self.gate.places.acquire().await.map_err(closed)?;
        let retries = if self.spec.annotations.read_only || self.spec.annotations.idempotent { limits.retries } else { 0 };
        let ends = Instant::now() + limits.timeout;
        loop {
            self.gate.wait(limits.per_second).await;
            *attempts += 1;
            let began = Instant::now();
            let error = match self.tool.call(arguments).await {
                Err(error) if error.kind.is_passing() && *attempts <= retries => error,
                answer => return answer,
            };
            let pause = PAUSE * 2_u32.saturating_pow(*attempts - 1);
            let pause = pause + pause.mul_f64((self.shared.chance)().clamp(0.0, 1.0));
            let pause = match error.kind {
                // A wait that does not fit into the call's time is not begun.
                ToolErrorKind::RateLimited(Some(asked)) if asked >= limits.timeout => return Err(error),
                ToolErrorKind::RateLimited(Some(asked)) => asked.max(pause),
                _ => pause,
            };
            // A try that would take as long as the last one and not come to its end is not begun: the reason is worth more.
            if Instant::now() + pause + began.elapsed() > ends {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// A question is not written into a shared store; its digest is.
fn digest(whose: &str, key: &str) -> String {
    hex::encode(Sha256::digest(format!("{whose} {key}").as_bytes()))
}

fn shown(arguments: &Value) -> String {
    let text = arguments.to_string();
    let cut = text.char_indices().nth(SHOWN_ARGUMENTS).map_or(text.len(), |(at, _)| at);
    redact::json(text.get(..cut).unwrap_or_default()).into_owned()
}
