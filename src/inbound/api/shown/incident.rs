//! Incidents and what belongs to them.

use serde::Serialize;
use utoipa::ToSchema;

use super::words::{AlertStatusName, PriorityName, SeverityName, StateName, VerdictName, When};
use crate::model::{AuditEntry, Escalation, Feedback, Incident, Matcher, Member, Origin, Silence, Silenced, TimelineEntry};

/// An incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentView {
    /// As people write it.
    #[schema(example = "INC-42", pattern = "^INC-[0-9]+$")]
    id: String,
    state: StateName,
    /// Counts the stored states: a higher one is newer.
    version: u64,
    title: String,
    service: String,
    namespace: String,
    cluster: String,
    priority: PriorityName,
    severity: SeverityName,
    /// The first alert's name, its sender and what tells it from others.
    alert_name: String,
    source: String,
    fingerprint: String,
    /// How many alerts have joined, repeats included.
    alert_count: u64,
    /// How many different alerts it has, and how many of them fire now.
    member_count: u64,
    firing_count: u64,
    /// Who has it: a Slack user id, or an API caller's name.
    owner: Option<String>,
    agents: Vec<String>,
    /// The report's first line.
    headline: Option<String>,
    /// Its own investigation, running or done.
    investigation: Option<String>,
    silenced: Option<SilencedView>,
    escalations: Vec<EscalationView>,
    feedback: Vec<FeedbackView>,
    slack: Option<ThreadView>,
    opened_at: When,
    reported_at: Option<When>,
    acknowledged_at: Option<When>,
    resolved_at: Option<When>,
}

/// The thread in Slack.
#[derive(Debug, Serialize, ToSchema)]
struct ThreadView {
    channel: String,
    ts: Option<String>,
}

/// Until when an incident is silenced.
#[derive(Debug, Serialize, ToSchema)]
struct SilencedView {
    silence: String,
    until: When,
    by: String,
}

/// More people were called.
#[derive(Debug, Serialize, ToSchema)]
struct EscalationView {
    at: When,
    by: String,
    to: String,
    reason: String,
}

/// What somebody said about a report.
#[derive(Debug, Serialize, ToSchema)]
struct FeedbackView {
    at: When,
    by: String,
    investigation: Option<String>,
    verdict: VerdictName,
    note: String,
}

impl From<Incident> for IncidentView {
    fn from(incident: Incident) -> Self {
        let alert = incident.alert;
        let ts = incident.thread.map(|thread| thread.ts);
        Self {
            id: incident.id.to_string(),
            state: incident.state.into(),
            version: incident.version,
            title: incident.title,
            service: incident.service,
            namespace: incident.namespace,
            cluster: alert.cluster,
            priority: incident.priority.into(),
            severity: alert.severity.into(),
            alert_name: alert.name,
            source: alert.source,
            fingerprint: incident.fingerprint,
            alert_count: incident.alert_count,
            // Incidents that a question opened have no members of their own.
            member_count: incident.group.members.max(1),
            firing_count: incident.firing,
            owner: incident.owner,
            agents: incident.agents,
            headline: incident.report.map(|report| report.headline),
            investigation: incident.investigation.map(|id| id.to_string()),
            silenced: incident.silenced.map(|Silenced { silence, until, by, .. }| SilencedView { silence, until: until.into(), by }),
            escalations: incident.escalations.into_iter().map(EscalationView::from).collect(),
            feedback: incident.feedback.into_iter().map(FeedbackView::from).collect(),
            slack: (!incident.channel.is_empty()).then_some(ThreadView { channel: incident.channel, ts }),
            opened_at: incident.opened_at.into(),
            reported_at: incident.reported_at.map(When),
            acknowledged_at: incident.acknowledged_at.map(When),
            resolved_at: incident.resolved_at.map(When),
        }
    }
}

impl From<Escalation> for EscalationView {
    fn from(call: Escalation) -> Self {
        let to = if call.name.is_empty() { call.to } else { call.name };
        Self { at: call.at.into(), by: call.by, to, reason: call.reason }
    }
}

impl From<Feedback> for FeedbackView {
    fn from(said: Feedback) -> Self {
        let investigation = said.investigation.map(|id| id.to_string());
        Self { at: said.at.into(), by: said.by, investigation, verdict: said.verdict.into(), note: said.note }
    }
}

/// Something that happened to an incident.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineLine {
    at: When,
    /// A Slack user id, an API caller's name, `sre-agent`, or the alert's source.
    actor: String,
    text: String,
}

impl From<TimelineEntry> for TimelineLine {
    fn from(entry: TimelineEntry) -> Self {
        Self { at: entry.at.into(), actor: entry.actor, text: entry.text }
    }
}

/// One of an incident's different alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberView {
    fingerprint: String,
    name: String,
    summary: String,
    service: String,
    namespace: String,
    resource: String,
    status: AlertStatusName,
    /// How many times it was told of.
    count: u64,
    first_at: When,
    last_at: When,
    /// When its present firing began, as the sender says.
    starts_at: Option<When>,
    /// `slack` or `webhook`.
    #[schema(example = "webhook")]
    origin: &'static str,
    /// Why it belongs to this incident; empty for the alert that opened it.
    reason: String,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            fingerprint: member.fingerprint,
            name: member.name,
            summary: member.summary,
            service: member.service,
            namespace: member.namespace,
            resource: member.resource,
            status: member.status.into(),
            count: member.count,
            first_at: member.first_at.into(),
            last_at: member.last_at.into(),
            starts_at: member.starts_at.map(When),
            origin: match member.origin {
                Origin::Slack { .. } => "slack",
                Origin::Webhook => "webhook",
            },
            reason: member.reason,
        }
    }
}

/// One condition of a silence.
#[derive(Debug, Serialize, ToSchema)]
pub struct MatcherView {
    name: String,
    value: String,
}

/// A silence.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceView {
    #[schema(example = "SIL-01JZ7Q0V7M1R9E3H5T8B2N4K6C")]
    id: String,
    /// All of them must hold.
    matchers: Vec<MatcherView>,
    from: When,
    until: When,
    by: String,
    reason: String,
    incident: String,
    /// Where else it was set.
    pushed_to: Vec<String>,
    /// How many alerts it has kept quiet.
    kept_quiet_count: u64,
}

impl From<Silence> for SilenceView {
    fn from(silence: Silence) -> Self {
        let matcher = |Matcher { name, value }| MatcherView { name, value };
        Self {
            id: silence.id,
            matchers: silence.matchers.into_iter().map(matcher).collect(),
            from: silence.from.into(),
            until: silence.until.into(),
            by: silence.by,
            reason: silence.reason,
            incident: silence.incident.to_string(),
            pushed_to: silence.pushed.into_iter().map(|pushed| pushed.system).collect(),
            kept_quiet_count: silence.kept_quiet,
        }
    }
}

/// One line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditLine {
    at: When,
    actor: String,
    /// What was done, or refused.
    act: String,
    /// What it was done to.
    object: String,
    /// `done`, `refused`, `failed`, `nothing to do`.
    outcome: String,
    detail: String,
}

impl From<AuditEntry> for AuditLine {
    fn from(entry: AuditEntry) -> Self {
        Self { at: entry.at.into(), actor: entry.actor, act: entry.act, object: entry.object, outcome: entry.outcome, detail: entry.detail }
    }
}
