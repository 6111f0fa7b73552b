//! Investigations, their evidence and their reports.

use serde::Serialize;
use utoipa::ToSchema;

use super::words::{EvidenceKindName, LookStateName, PriorityName, SeverityName, StatusName, When};
use crate::{
    model::{Entity, Evidence, EvidenceId, Hypothesis, Investigation, Report, Routing, Subject, ToolCall},
    store::{Look, Occasion},
};

/// One object of the running system. What is unknown is empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntityView {
    #[schema(example = "Pod")]
    kind: String,
    namespace: String,
    name: String,
    cluster: String,
}

impl From<Entity> for EntityView {
    fn from(entity: Entity) -> Self {
        Self { kind: entity.kind, namespace: entity.namespace, name: entity.name, cluster: entity.cluster }
    }
}

/// One thing that was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceView {
    /// Its number inside of its investigation.
    #[schema(example = "E1", pattern = "^E[0-9]+$")]
    id: String,
    kind: EvidenceKindName,
    /// The tool or file that it comes from.
    source: String,
    /// What was asked, to ask it again; empty for a file.
    query: String,
    entity: EntityView,
    time: Option<When>,
    until: Option<When>,
    summary: String,
    /// The source's own words, without secrets.
    excerpt: String,
    link: Option<String>,
    /// It settles its point by itself.
    decisive: bool,
}

impl From<Evidence> for EvidenceView {
    fn from(seen: Evidence) -> Self {
        Self {
            id: seen.id.to_string(),
            kind: seen.kind.into(),
            source: seen.source,
            query: seen.query,
            entity: seen.entity.into(),
            time: seen.time.map(When),
            until: seen.until.map(When),
            summary: seen.summary,
            excerpt: seen.excerpt,
            link: seen.link,
            decisive: seen.decisive,
        }
    }
}

/// A ranked cause.
#[derive(Debug, Serialize, ToSchema)]
pub struct HypothesisView {
    /// 1 is the likeliest.
    #[schema(minimum = 1)]
    rank: u32,
    #[schema(example = "oom_killed")]
    category: &'static str,
    statement: String,
    entity: EntityView,
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
    supporting: Vec<String>,
    contradicting: Vec<String>,
    /// The observation that would refute it.
    falsifier: String,
    remediation: Vec<String>,
    prevention: Vec<String>,
}

impl From<Hypothesis> for HypothesisView {
    fn from(cause: Hypothesis) -> Self {
        let ids = |ids: Vec<EvidenceId>| ids.iter().map(EvidenceId::to_string).collect();
        Self {
            rank: cause.rank,
            category: cause.category.as_str(),
            statement: cause.statement,
            entity: cause.entity.into(),
            confidence: cause.confidence,
            supporting: ids(cause.supporting),
            contradicting: ids(cause.contradicting),
            falsifier: cause.falsifier,
            remediation: cause.remediation,
            prevention: cause.prevention,
        }
    }
}

/// Which agents were chosen, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingView {
    agents: Vec<String>,
    reasons: Vec<String>,
}

impl From<Routing> for RoutingView {
    fn from(routing: Routing) -> Self {
        Self { agents: routing.agents, reasons: routing.reasons }
    }
}

/// The alert that was looked into; a question leaves it empty.
#[derive(Debug, Serialize, ToSchema)]
struct AlertView {
    name: String,
    service: String,
    severity: Option<SeverityName>,
    priority: Option<PriorityName>,
}

/// One line of the evidence's timeline.
#[derive(Debug, Serialize, ToSchema)]
struct ReportLine {
    time: When,
    text: String,
    evidence: Option<String>,
}

/// One call of a tool.
#[derive(Debug, Serialize, ToSchema)]
struct ToolCallView {
    tool: String,
    agent: String,
    /// What came back, in a few words.
    digest: String,
    error: Option<String>,
    /// How many calls of the backend it took, and how many bytes came back.
    calls: u64,
    bytes: u64,
}

/// How long it took.
#[derive(Debug, Serialize, ToSchema)]
struct DurationsMs {
    total: u64,
}

/// A report, in the words of `sre-agent investigate --format json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// The version of this shape.
    #[schema(example = 1)]
    schema: u32,
    status: StatusName,
    alert: AlertView,
    /// The question that was asked, where there was no alert.
    question: Option<String>,
    routing: RoutingView,
    headline: String,
    hypotheses: Vec<HypothesisView>,
    evidence: Vec<EvidenceView>,
    timeline: Vec<ReportLine>,
    impact: String,
    immediate_actions: Vec<String>,
    prevention: Vec<String>,
    /// What could not be checked, and why.
    gaps: Vec<String>,
    ruled_out: Vec<String>,
    similar: Vec<String>,
    tool_calls: Vec<ToolCallView>,
    durations_ms: DurationsMs,
}

impl ReportView {
    /// The report of this investigation.
    pub fn of(investigation: Investigation, report: Report) -> Self {
        let (alert, question) = match investigation.request.subject {
            Subject::Alert(alert) => (
                AlertView {
                    name: alert.name,
                    service: alert.service,
                    severity: Some(alert.severity.into()),
                    priority: Some(alert.priority.into()),
                },
                None,
            ),
            Subject::Question(text) => {
                (AlertView { name: String::new(), service: String::new(), severity: None, priority: None }, Some(text))
            }
        };
        let call = |call: ToolCall| ToolCallView {
            tool: call.tool,
            agent: call.agent,
            digest: call.digest,
            error: call.error,
            calls: call.calls,
            bytes: call.bytes,
        };
        let line = |item: crate::model::TimelineItem| ReportLine {
            time: item.time.into(),
            text: item.text,
            evidence: item.evidence.map(|id| id.to_string()),
        };
        Self {
            schema: 1,
            status: investigation.status.into(),
            alert,
            question,
            routing: investigation.routing.into(),
            headline: report.headline,
            hypotheses: investigation.hypotheses.into_iter().map(HypothesisView::from).collect(),
            evidence: investigation.evidence.into_iter().map(EvidenceView::from).collect(),
            timeline: report.timeline.into_iter().map(line).collect(),
            impact: report.impact,
            immediate_actions: report.immediate_actions,
            prevention: report.prevention,
            gaps: report.gaps,
            ruled_out: report.ruled_out,
            similar: report.similar,
            tool_calls: investigation.tool_calls.into_iter().map(call).collect(),
            durations_ms: DurationsMs { total: investigation.duration_ms },
        }
    }
}

/// Why an investigation is made.
#[derive(Debug, Serialize, ToSchema)]
pub struct OccasionView {
    /// `alert`, `rerun`, `replay` or `question`.
    #[schema(example = "alert")]
    kind: &'static str,
    /// Who asked for it, where somebody did.
    user: Option<String>,
    /// The question.
    text: Option<String>,
}

impl From<Occasion> for OccasionView {
    fn from(occasion: Occasion) -> Self {
        match occasion {
            Occasion::Alert => Self { kind: "alert", user: None, text: None },
            Occasion::Rerun { user } => Self { kind: "rerun", user: Some(user), text: None },
            Occasion::Replay { user } => Self { kind: "replay", user: Some(user), text: None },
            Occasion::Question { user, text } => Self { kind: "question", user: Some(user), text: Some(text) },
        }
    }
}

/// One investigation in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvestigationLine {
    id: String,
    incident: String,
    state: LookStateName,
    occasion: OccasionView,
}

impl From<Look> for InvestigationLine {
    fn from(look: Look) -> Self {
        Self {
            id: look.investigation.to_string(),
            incident: look.incident.to_string(),
            state: look.state.into(),
            occasion: look.occasion.into(),
        }
    }
}

/// An investigation.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvestigationView {
    pub id: String,
    pub incident: String,
    pub state: LookStateName,
    pub occasion: OccasionView,
    /// Once it is done.
    pub report: Option<ReportView>,
}
