//! The deterministic engine: route, ask the tools, run the checks, conclude.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    activity,
    agent::{AGENTS, Case, Verdict},
    catalog::Catalog,
    clean::clean,
    focus::focus_of,
    narrow,
    router::Router,
};
use crate::{
    analysis::{Finding, Focus, Role, Thresholds, fuse, kubernetes::Cluster, links::Links, spans::peers},
    model::{
        Alert, Category, Investigation, InvestigationId, InvestigationStatus, Request, Routing, Subject, ToolCall, ToolSpec,
        observation::{Edge, Observations},
    },
    redact,
    tools::{Asked, Output, Query, Registry, ToolError},
};

/// How long before an alert began its causes are looked for.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// How long after an alert began its consequences are looked at.
const AFTER: SignedDuration = SignedDuration::from_hours(1);

/// A step of an investigation; shown while people wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The agent waits for the answers of these tools.
    Asking { agent: String, tools: Vec<String> },
    /// A tool answered every agent that waits for it, or failed with this reason.
    Answered { tool: String, error: Option<String> },
    /// The agent has judged the evidence: how much it found, and the most telling of it in words.
    Judged { agent: String, findings: usize, first: Option<String> },
}

/// The whole deterministic engine: everything that an investigation needs, made once.
pub struct Engine {
    tools: Registry,
    router: Router,
    thresholds: Thresholds,
    catalog: Catalog,
    /// Who calls whom, as people wrote it down.
    topology: Vec<Edge>,
}

/// What the tools brought back so far.
#[derive(Default)]
struct Gathered {
    observations: Observations,
    asked: BTreeSet<String>,
    calls: Vec<ToolCall>,
    gaps: Vec<String>,
    /// How the backends were asked, by the `source` of what that brought.
    questions: BTreeMap<String, Asked>,
}

impl Engine {
    pub fn new(tools: Registry, router: Router, thresholds: Thresholds) -> Self {
        Self { tools, router, thresholds, catalog: Catalog::embedded(), topology: Vec::new() }
    }

    /// With agents of one's own instead of the embedded ones.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// With what is known about who calls whom, beside what the evidence shows.
    #[must_use]
    pub fn with_topology(mut self, edges: Vec<Edge>) -> Self {
        self.topology = edges;
        self
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
        self.run(None, id, request, progress).await
    }

    /// As [`Engine::investigate`], by this one agent alone.
    ///
    /// # Errors
    /// Never for bad evidence.
    pub async fn investigate_as(&self, agent: &str, id: InvestigationId, request: &Request) -> Result<Investigation> {
        self.run(Some(agent), id, request, &|_| {}).await
    }

    /// The tools that an agent may ask; none for an agent that there is not.
    pub fn tools_of(&self, agent: &str) -> Vec<&ToolSpec> {
        let topics = self.catalog.get(agent).map(|spec| spec.tools.iter().take(spec.limits.calls)).into_iter().flatten();
        let names: BTreeSet<&str> = topics.flat_map(|topic| self.tools.about(topic)).collect();
        self.tools.specs().filter(|spec| names.contains(spec.name.as_str())).collect()
    }

    async fn run(
        &self,
        alone: Option<&str>,
        id: InvestigationId,
        request: &Request,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Investigation> {
        let started = Instant::now();
        let mut focus = focus_of(request);
        let mut routing = match alone {
            Some(agent) => Routing { agents: vec![agent.to_owned()], reasons: vec!["asked for by name".to_owned()] },
            None => self.route(request),
        };
        let mut gathered = Gathered::default();
        // What we were told of counts like what the tools find.
        gathered.observations.changes.clone_from(&request.changes);
        gathered.observations.edges.clone_from(&self.topology);

        let chosen = routing.agents.clone();
        let query = self.query(request, &focus);
        self.gather(&chosen, &query, &mut gathered, progress).await;
        peers::complete(&mut gathered.observations);
        focus.now = self.now(request, &gathered.observations);
        let words = request.narrow.as_deref();
        let mut view = narrow::view(words, &focus, &gathered.observations);
        let mut verdict = self.judge(&chosen, &view.focus, &view.observations, progress);

        let mut rest: Vec<String> =
            self.catalog.agents.iter().map(|agent| agent.name.clone()).filter(|name| !chosen.contains(name)).collect();
        if alone.is_some() || !narrow::agents(words).is_empty() {
            rest.clear();
        }
        if !rest.is_empty() && !settles(&verdict, &view.focus, &Links::of(&view.observations)) {
            routing.reasons.push(format!(
                "nothing decisive about the subject in the evidence of {}: {} joined",
                chosen.join(", "),
                rest.join(", ")
            ));
            routing.agents.extend(rest.iter().cloned());
            self.gather(&rest, &query, &mut gathered, progress).await;
            peers::complete(&mut gathered.observations);
            focus.now = self.now(request, &gathered.observations);
            view = narrow::view(words, &focus, &gathered.observations);
            verdict = self.judge(&routing.agents, &view.focus, &view.observations, progress);
        }

        let links = Links::of(&view.observations);
        let mut fused = fuse::fuse(verdict.findings, &view.focus, &links, &self.thresholds);
        for evidence in &mut fused.evidence {
            if let Some(asked) = gathered.questions.get(&evidence.source) {
                asked.query.clone_into(&mut evidence.query);
                evidence.link.clone_from(&asked.link);
            }
        }
        let mut gaps = gaps(&gathered, &view.focus, &links);
        gaps.extend(view.gaps);
        if self.tools.is_empty() {
            let nothing = "no source of evidence is configured, so nothing was looked at (`sources` or `evidence.bundle` in the settings)";
            gaps.insert(0, nothing.to_owned());
        }
        let activity = activity::around(&gathered.observations.logs, &fused.evidence);
        let status = match (fused.hypotheses.is_empty(), gaps.is_empty()) {
            (_, false) => InvestigationStatus::Partial,
            (true, true) => InvestigationStatus::NoProblemFound,
            (false, true) => InvestigationStatus::Complete,
        };
        let mut ruled_out = verdict.ruled_out;
        ruled_out.extend(fused.aside.into_iter().map(|statement| format!("seen beside it, not the cause: {statement}")));
        Ok(clean(Investigation {
            id,
            request: request.clone(),
            status,
            routing,
            tool_calls: gathered.calls,
            evidence: fused.evidence,
            hypotheses: fused.hypotheses,
            impact: fused.impact,
            gaps,
            ruled_out,
            activity,
            narrowed: view.says,
            now: view.focus.now,
            duration_ms: millis(started.elapsed()),
        }))
    }

    /// The alert is one that nobody is to look at: a heartbeat, or a name that an override gives to no agent.
    pub fn is_heartbeat(&self, alert: &Alert) -> bool {
        self.router.route(alert).agents.is_empty()
    }

    /// Who would look, and why, without looking.
    pub fn route(&self, request: &Request) -> Routing {
        let mut routing = match &request.subject {
            Subject::Alert(alert) => self.router.route(alert),
            Subject::Question(text) => self.router.route_question(text),
        };
        let asked = narrow::agents(request.narrow.as_deref());
        if !asked.is_empty() {
            routing = Routing { agents: asked, reasons: vec!["asked for by name".to_owned()] };
        } else if request.narrow.is_some() && request.as_alert().is_some() {
            // The words are about the evidence; what the alert's name says about who should look does not matter any more.
            routing.agents = self.catalog.agents.iter().map(|agent| agent.name.clone()).collect();
            routing.reasons.insert(0, "a person asked: all of them look".to_owned());
        }
        routing.agents.retain(|name| self.catalog.get(name).is_some());
        if routing.agents.is_empty() {
            routing.agents = self.catalog.agents.iter().map(|agent| agent.name.clone()).collect();
            routing.reasons.push("no rule names a specialist: all of them look".to_owned());
        }
        routing
    }

    /// What the tools are asked.
    fn query(&self, request: &Request, focus: &Focus) -> Query {
        let alert = request.as_alert();
        let starts = alert.and_then(|alert| alert.starts_at);
        let near = |callee: &&Edge| focus.words.contains(&callee.caller);
        Query {
            focus: focus.entities.clone(),
            namespace: focus.namespace.clone(),
            words: focus.words.clone(),
            needs: self.topology.iter().filter(near).map(|edge| edge.callee.clone()).collect(),
            labels: alert.map(|alert| alert.labels.clone()).unwrap_or_default(),
            from: starts.and_then(|at| at.checked_sub(BEFORE).ok()),
            // A tool asks until now at the latest.
            until: starts.and_then(|at| at.checked_add(AFTER).ok()),
        }
    }

    /// The instant from which "since" is counted: a live system goes on after its alert.
    fn now(&self, request: &Request, observations: &Observations) -> Option<Timestamp> {
        let live = self.tools.specs().any(|spec| !spec.backend.is_empty());
        match request.now {
            Some(now) if live => newest(observations).max(Some(now)),
            Some(now) => Some(now),
            None => newest(observations),
        }
    }

    /// Asks the agents' tools that were not asked yet, all at once.
    async fn gather(&self, agents: &[String], query: &Query, gathered: &mut Gathered, progress: &(dyn Fn(Progress) + Send + Sync)) {
        let arguments = serde_json::to_value(query).unwrap_or_default();
        let before = gathered.asked.clone();
        let mut wanted: Vec<(String, String)> = Vec::new();
        for spec in agents.iter().filter_map(|name| self.catalog.get(name)) {
            let topics = spec.tools.iter().take(spec.limits.calls);
            let tools: Vec<String> = topics.flat_map(|topic| self.tools.about(topic)).map(str::to_owned).collect();
            // What another agent asks for in this round is waited for together; what an earlier round asked is there.
            let waits = tools.iter().filter(|tool| !before.contains(*tool));
            progress(Progress::Asking { agent: spec.name.clone(), tools: waits.cloned().collect() });
            for tool in tools {
                if gathered.asked.insert(tool.clone()) {
                    wanted.push((spec.name.clone(), tool));
                }
            }
        }
        let answers = join_all(wanted.iter().map(|(_, tool)| async {
            let started = Instant::now();
            let answer = self.tools.call(tool, &arguments).await;
            progress(Progress::Answered { tool: tool.clone(), error: answer.as_ref().err().map(|error| error.message.clone()) });
            (answer, started.elapsed())
        }))
        .await;
        for ((agent, tool), (answer, took)) in wanted.into_iter().zip(answers) {
            gathered.take(agent, tool, &arguments, answer, took);
        }
    }

    fn judge(&self, agents: &[String], focus: &Focus, observations: &Observations, progress: &(dyn Fn(Progress) + Send + Sync)) -> Verdict {
        let cluster = Cluster::of(observations, focus.now);
        let case = Case { observations, cluster: &cluster, focus, thresholds: &self.thresholds };
        let mut all = Verdict::default();
        for agent in AGENTS.iter().filter(|agent| agents.iter().any(|name| name == agent.name())) {
            let mut verdict = agent.judge(&case);
            // Lines of a source that a specialist weighed as a whole are not evidence of their own.
            let weighed =
                |finding: &Finding| !finding.seen.is_empty() && finding.seen.iter().all(|seen| all.weighed.contains(&seen.source));
            verdict.findings.retain(|finding| !weighed(finding));
            progress(Progress::Judged {
                agent: agent.name().to_owned(),
                findings: verdict.findings.len(),
                first: telling(&verdict.findings),
            });
            all.findings.extend(verdict.findings);
            all.ruled_out.extend(verdict.ruled_out);
            all.weighed.extend(verdict.weighed);
        }
        // An agent without checks of its own only gathers.
        for name in agents.iter().filter(|name| AGENTS.iter().all(|agent| agent.name() != name.as_str())) {
            progress(Progress::Judged { agent: name.clone(), findings: 0, first: None });
        }
        all
    }
}

impl Gathered {
    fn take(&mut self, agent: String, tool: String, arguments: &Value, answer: Result<Output, ToolError>, took: Duration) {
        let mut call = ToolCall {
            tool,
            agent,
            arguments: arguments.clone(),
            duration_ms: millis(took),
            digest: String::new(),
            error: None,
            calls: 0,
            bytes: 0,
        };
        match answer {
            Ok(output) => {
                call.digest = digest(&output.observations);
                (call.calls, call.bytes) = (output.cost.calls, output.cost.bytes);
                if output.truncated {
                    self.gaps.push(format!("{} had more than its limits allow", call.tool));
                }
                self.questions.extend(output.asked.into_iter().map(|asked| (asked.source.clone(), asked)));
                let mut observations = Arc::unwrap_or_clone(output.observations);
                self.gaps.append(&mut observations.gaps);
                self.observations.merge(observations);
            }
            Err(error) => {
                self.gaps.push(error.to_string());
                call.error = Some(error.message);
            }
        }
        self.calls.push(call);
    }
}

/// What an agent would say first: a cause before a symptom, what settles its point before a statistic.
fn telling(findings: &[Finding]) -> Option<String> {
    let best = findings.iter().reduce(|best, other| {
        let rank = |finding: &Finding| (finding.role, !finding.decisive);
        if rank(other) < rank(best) { other } else { best }
    });
    best.map(|finding| redact::text(&finding.statement).into_owned())
}

/// A cause that settles its point by itself and is about the very thing that was asked for.
fn settles(verdict: &Verdict, focus: &Focus, links: &Links) -> bool {
    let specific = !focus.entities.is_empty() || !focus.words.is_empty();
    // a connection that does not come about is how other faults show
    let unreached = |finding: &Finding| {
        use Category as C;
        finding.role == Role::Cause
            && matches!(finding.category, C::ConnectionTimeout | C::ConnectionRefused | C::DnsFailure | C::NetworkFault)
    };
    specific
        && !verdict.findings.iter().any(unreached)
        && verdict
            .findings
            .iter()
            .any(|finding| finding.decisive && finding.role == Role::Cause && links.relevance(&finding.entity, focus) >= 0.9)
}

fn gaps(gathered: &Gathered, focus: &Focus, links: &Links) -> Vec<String> {
    let mut gaps: Vec<String> = gathered.gaps.clone();
    if !links.is_known(focus)
        && let Some(name) = focus.entities.first().map(|entity| entity.name.clone()).or_else(|| focus.words.first().cloned())
    {
        gaps.push(format!("no evidence about {name}"));
    }
    gaps.sort();
    gaps.dedup();
    gaps
}

/// The newest instant that any observation carries.
fn newest(observations: &Observations) -> Option<Timestamp> {
    let events = observations.events.iter().filter_map(|event| event.last.or(event.first));
    let logs = observations.logs.iter().flat_map(|log| log.lines.iter().rev().filter_map(|line| line.time).take(200));
    let metrics = observations.metrics.iter().filter_map(|series| series.points.last().map(|(time, _)| *time));
    let spans = observations.spans.iter().map(|span| span.start);
    let changes = observations.changes.iter().filter_map(|change| change.time);
    let objects = observations.objects.iter().filter_map(|object| Cluster::newest_instant(&object.body));
    events.chain(logs).chain(metrics).chain(spans).chain(changes).chain(objects).max()
}

fn digest(observations: &Observations) -> String {
    let counts: BTreeMap<&str, usize> = BTreeMap::from([
        ("objects", observations.objects.len()),
        ("events", observations.events.len()),
        ("logs", observations.logs.len()),
        ("series", observations.metrics.len()),
        ("spans", observations.spans.len()),
        ("calls between services", observations.edges.len()),
        ("changes", observations.changes.len()),
        ("documents", observations.documents.len()),
    ]);
    let parts: Vec<String> = counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{count} {name}")).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
