//! An investigation becomes a report: bounded, in reading order, every sentence with its evidence.

use crate::model::{Entity, Evidence, Investigation, InvestigationStatus, Report, TimelineItem};

use super::words::short;

/// More would not be read; the rest is in the details.
const TIMELINE_MAX: usize = 8;
const AFFECTED_MAX: usize = 10;
const ACTIONS_MAX: usize = 4;
/// A second cause's actions are shown too when it is at least this likely.
const ALSO_LIKELY: f64 = 0.6;
const HEADLINE_MAX: usize = 150;

/// Draws the report out of the investigation; `similar` are one-line mentions of past incidents.
pub fn conclude(investigation: &Investigation, similar: Vec<String>) -> Report {
    let likely = || investigation.hypotheses.iter().filter(|cause| cause.rank == 1 || cause.confidence >= ALSO_LIKELY);
    Report {
        status: investigation.status,
        headline: headline(investigation),
        affected: affected(investigation),
        timeline: timeline(&investigation.evidence),
        hypotheses: investigation.hypotheses.clone(),
        evidence: investigation.evidence.clone(),
        impact: investigation.impact.clone(),
        immediate_actions: distinct(likely().flat_map(|cause| &cause.remediation)),
        prevention: distinct(likely().flat_map(|cause| &cause.prevention)),
        gaps: investigation.gaps.clone(),
        ruled_out: investigation.ruled_out.clone(),
        similar,
        routing: investigation.routing.clone(),
        tool_calls: investigation.tool_calls.len(),
        backend_calls: investigation.tool_calls.iter().map(|call| call.calls).sum(),
        backend_bytes: investigation.tool_calls.iter().map(|call| call.bytes).sum(),
        duration_ms: investigation.duration_ms,
    }
}

fn headline(investigation: &Investigation) -> String {
    match investigation.hypotheses.first() {
        Some(first) => short(&first.statement.replace('`', ""), HEADLINE_MAX),
        None if investigation.status == InvestigationStatus::Failed => "The investigation failed; nothing is concluded".to_owned(),
        None if investigation.gaps.is_empty() => "No problem found in what could be checked".to_owned(),
        None => format!("No cause found; {} could not be checked", super::words::count(investigation.gaps.len() as u64, "source")),
    }
}

fn affected(investigation: &Investigation) -> Vec<Entity> {
    let mut out: Vec<Entity> = Vec::new();
    let causes = investigation.hypotheses.iter().map(|cause| &cause.entity);
    for entity in causes.chain(investigation.evidence.iter().map(|evidence| &evidence.entity)) {
        if !entity.name.is_empty() && !out.contains(entity) {
            out.push(entity.clone());
        }
    }
    out.truncate(AFFECTED_MAX);
    out
}

fn timeline(evidence: &[Evidence]) -> Vec<TimelineItem> {
    let mut items: Vec<TimelineItem> = evidence
        .iter()
        .filter_map(|seen| seen.time.map(|time| TimelineItem { time, text: seen.summary.clone(), evidence: Some(seen.id) }))
        .collect();
    items.sort_by_key(|item| (item.time, item.evidence));
    items.dedup_by(|a, b| a.text == b.text);
    items.truncate(TIMELINE_MAX);
    items
}

fn distinct<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in lines {
        if !out.contains(line) {
            out.push(line.clone());
        }
    }
    out.truncate(ACTIONS_MAX);
    out
}
