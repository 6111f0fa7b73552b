//! Behind "Details": all evidence with the source's own words, all causes, all queries.

use crate::model::{Evidence, Investigation, Part, Text};

use super::words::{count, object, prose, short};

/// A modal takes 100 blocks; each piece of evidence takes two at most.
const EVIDENCE_MAX: usize = 30;
const CALLS_MAX: usize = 20;
const EXCERPT_MAX: usize = 900;

/// Everything that the investigation saw and did, as far as a modal holds it.
pub fn details(investigation: &Investigation) -> Vec<Part> {
    let mut parts = Vec::new();
    for cause in &investigation.hypotheses {
        let mut text = Text::new().bold(format!("{}. {} · {:.2}", cause.rank, cause.category, cause.confidence)).plain("\n");
        text.0.extend(prose(&cause.statement).0);
        text = text.plain(" ").evidence(&cause.supporting);
        if !cause.contradicting.is_empty() {
            text = text.plain("\nAgainst it:").evidence(&cause.contradicting);
        }
        if !cause.falsifier.is_empty() {
            text = text.plain(format!("\nWould be refuted by: {}", cause.falsifier));
        }
        parts.push(Part::Section(text));
    }
    if !investigation.evidence.is_empty() {
        parts.push(Part::Divider);
    }
    for seen in investigation.evidence.iter().take(EVIDENCE_MAX) {
        parts.push(Part::Section(evidence(seen)));
        if !seen.excerpt.trim().is_empty() {
            parts.push(Part::Excerpt(seen.excerpt.chars().take(EXCERPT_MAX).collect()));
        }
    }
    if let Some(more) = investigation.evidence.len().checked_sub(EVIDENCE_MAX).filter(|more| *more > 0) {
        parts.push(Part::Context(Text::new().plain(format!("and {more} more"))));
    }
    parts.push(Part::Divider);
    parts.push(Part::Context(done(investigation)));
    parts
}

fn evidence(seen: &Evidence) -> Text {
    let mut text = Text::new().bold(format!("{} {}", seen.id, seen.kind.as_str().replace('_', " "))).plain("  ");
    text.0.extend(prose(&seen.summary).0);
    text = text.plain("\n").code(short(&seen.source, 120));
    let object = object(&seen.entity);
    if !object.is_empty() {
        text = text.plain("  ").code(short(&object, 120));
    }
    if let Some(at) = seen.time {
        text = text.plain("  ").time(at);
    }
    if !seen.query.is_empty() {
        text = text.plain("\nasked: ").code(short(&seen.query, 300));
    }
    text
}

fn done(investigation: &Investigation) -> Text {
    let mut lines: Vec<String> = Vec::new();
    for call in investigation.tool_calls.iter().take(CALLS_MAX) {
        let outcome = call.error.as_deref().unwrap_or(&call.digest);
        lines.push(format!("{} asked {}: {} ({} ms)", call.agent, call.tool, short(outcome, 80), call.duration_ms));
    }
    for gap in investigation.gaps.iter().take(CALLS_MAX) {
        lines.push(format!("could not check: {}", short(gap, 160)));
    }
    lines.push(format!(
        "{} in {} ms",
        count(investigation.evidence.len() as u64, "piece")
            .replace("pieces", "pieces of evidence")
            .replace("1 piece ", "1 piece of evidence "),
        investigation.duration_ms
    ));
    Text::new().plain(lines.join("\n"))
}
