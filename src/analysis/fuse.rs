//! Findings of all checks become numbered evidence and ranked hypotheses.
//!
//! Decisive facts outrank statistics, causes outrank the symptoms that they explain, and what concerns the subject of
//! the alert outranks what merely happens to be broken too. Below the bar nothing is asserted.

use std::collections::BTreeSet;

use super::{Finding, Focus, Role, Seen, Thresholds, links::Links};
use crate::model::{Evidence, EvidenceId, Hypothesis};

/// No chain of evidence makes certain. Source: own choice, said in the report's contract.
pub const CONFIDENCE_CAP: f64 = 0.95;
/// How many pieces of evidence one hypothesis cites.
const CITED: usize = 8;
/// The longest summary and excerpt. Source: the model's contract.
const SUMMARY_LIMIT: usize = 300;
const EXCERPT_LIMIT: usize = 1_000;

/// What comes out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fused {
    pub evidence: Vec<Evidence>,
    pub hypotheses: Vec<Hypothesis>,
    /// What else is affected, one sentence; empty when nothing is.
    pub impact: String,
    /// Findings below the bar or beside the subject, one sentence each.
    pub aside: Vec<String>,
}

/// One story: the finding that explains, and those that it explains.
struct Story {
    lead: Finding,
    others: Vec<Finding>,
    relevance: f64,
    score: f64,
}

/// Ranks `findings`. The order of the input does not matter.
pub fn fuse(mut findings: Vec<Finding>, focus: &Focus, links: &Links, thresholds: &Thresholds) -> Fused {
    findings.sort_by(|a, b| {
        (a.category, &a.entity, &a.statement).cmp(&(b.category, &b.entity, &b.statement)).then(b.strength.total_cmp(&a.strength))
    });
    findings.dedup_by(|a, b| a.category == b.category && a.entity == b.entity && a.statement == b.statement);

    let mut stories = stories(findings, focus, links);
    for story in &mut stories {
        story.score = score(story);
    }
    stories.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| (&a.lead.entity, &a.lead.statement).cmp(&(&b.lead.entity, &b.lead.statement)))
    });

    let mut fused = Fused::default();
    let best = stories.first().map_or(0.0, |story| story.score);
    let mut touched = BTreeSet::new();
    for story in stories {
        // A cause far below the first one is noise beside it, not an alternative.
        let asserted = story.lead.role != Role::Context && story.score >= thresholds.bar && story.score >= best * 0.4;
        if !asserted || fused.hypotheses.len() >= thresholds.hypotheses {
            if story.lead.role != Role::Context && fused.aside.len() < 5 {
                fused.aside.push(story.lead.statement);
            }
            continue;
        }
        if fused.hypotheses.is_empty() {
            touched.extend(
                story.others.iter().map(|finding| links.root(&finding.entity)).filter(|root| *root != links.root(&story.lead.entity)),
            );
            touched.retain(|entity| !entity.is_empty());
        }
        let hypothesis = hypothesis(story, &mut fused.evidence, fused.hypotheses.len() as u32 + 1);
        fused.hypotheses.push(hypothesis);
    }
    if !touched.is_empty() {
        let names: Vec<String> = touched.iter().take(5).map(ToString::to_string).collect();
        fused.impact = format!("{} other object(s) show the effect: {}", touched.len(), names.join(", "));
    }
    fused
}

/// Groups causes with what they explain; a symptom that nothing explains leads a story of its own.
fn stories(findings: Vec<Finding>, focus: &Focus, links: &Links) -> Vec<Story> {
    let (leads, rest): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(|finding| finding.role == Role::Cause);
    let mut stories: Vec<Story> = Vec::new();
    for lead in leads {
        let same = stories
            .iter_mut()
            .find(|story| story.lead.category == lead.category && links.root(&story.lead.entity) == links.root(&lead.entity));
        match same {
            // Replicas of one workload with one problem are one story, told by the clearest of them.
            Some(story) if story.lead.category != crate::model::Category::CodeError || story.lead.entity == lead.entity => {
                let mut lead = lead;
                if weight(&lead) > weight(&story.lead) {
                    std::mem::swap(&mut story.lead, &mut lead);
                }
                story.others.push(lead);
            }
            _ => stories.push(Story { lead, others: Vec::new(), relevance: 0.0, score: 0.0 }),
        }
    }
    let causes = stories.len();
    for symptom in rest {
        let mut explained = false;
        for story in stories.iter_mut().take(causes) {
            if explains(&story.lead, &symptom, focus, links) {
                explained = true;
                story.others.push(symptom.clone());
            }
        }
        if explained {
            continue;
        }
        let same = stories
            .iter_mut()
            .skip(causes)
            .find(|story| links.root(&story.lead.entity) == links.root(&symptom.entity) && !symptom.entity.is_empty());
        match same {
            Some(story) => {
                let mut symptom = symptom;
                if weight(&symptom) > weight(&story.lead) {
                    std::mem::swap(&mut story.lead, &mut symptom);
                }
                story.others.push(symptom);
            }
            None => stories.push(Story { lead: symptom, others: Vec::new(), relevance: 0.0, score: 0.0 }),
        }
    }
    for story in &mut stories {
        // A cause matters as much as the most relevant thing that it explains.
        let own = links.relevance(&story.lead.entity, focus);
        let of_symptoms = story
            .others
            .iter()
            .filter(|finding| finding.role != Role::Context)
            .map(|finding| links.relevance(&finding.entity, focus) * 0.97);
        story.relevance = of_symptoms.fold(own, f64::max);
        story
            .others
            .sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| (&a.entity, &a.statement).cmp(&(&b.entity, &b.statement))));
    }
    stories
}

fn explains(cause: &Finding, symptom: &Finding, focus: &Focus, links: &Links) -> bool {
    // A source that does not say whom it is about was collected for the subject.
    match (cause.entity.is_empty(), symptom.entity.is_empty()) {
        (true, true) => return true,
        (true, false) => return links.relevance(&symptom.entity, focus) >= 0.9,
        (false, true) => return false,
        (false, false) => {}
    }
    links.related(&cause.entity, &symptom.entity)
}

/// How much a finding weighs by itself.
fn weight(finding: &Finding) -> f64 {
    let base = if finding.decisive { 0.86 } else { 0.3 + 0.45 * finding.strength.clamp(0.0, 1.0) };
    match finding.role {
        Role::Cause => base,
        Role::Symptom => base * 0.8,
        Role::Context => base * 0.2,
    }
}

fn score(story: &Story) -> f64 {
    let kinds: BTreeSet<_> =
        story.lead.seen.iter().chain(story.others.iter().flat_map(|finding| &finding.seen)).map(|seen| seen.kind.as_str()).collect();
    let explained = story.others.iter().any(|finding| finding.role == Role::Symptom);
    let support = 0.03 * kinds.len().saturating_sub(1) as f64 + if explained { 0.05 } else { 0.0 };
    ((weight(&story.lead) + support.min(0.1)) * story.relevance).min(CONFIDENCE_CAP)
}

fn hypothesis(story: Story, evidence: &mut Vec<Evidence>, rank: u32) -> Hypothesis {
    let mut supporting = Vec::new();
    let per_other = story.others.iter().flat_map(|finding| finding.seen.iter());
    for seen in story.lead.seen.iter().chain(per_other).take(CITED) {
        let id = number(seen, evidence);
        if !supporting.contains(&id) {
            supporting.push(id);
        }
    }
    Hypothesis {
        rank,
        category: story.lead.category,
        statement: story.lead.statement,
        entity: story.lead.entity,
        confidence: (story.score * 100.0).round() / 100.0,
        supporting,
        contradicting: Vec::new(),
        falsifier: story.lead.falsifier,
        remediation: story.lead.remediation,
        prevention: story.lead.prevention,
    }
}

/// The evidence's number, a new one where it was not cited yet.
fn number(seen: &Seen, evidence: &mut Vec<Evidence>) -> EvidenceId {
    let summary = capped(&seen.summary, SUMMARY_LIMIT);
    if let Some(known) = evidence.iter().find(|known| known.summary == summary && known.entity == seen.entity && known.kind == seen.kind) {
        return known.id;
    }
    let id = EvidenceId(evidence.len() as u32 + 1);
    evidence.push(Evidence {
        id,
        kind: seen.kind,
        source: seen.source.clone(),
        query: seen.query.clone(),
        entity: seen.entity.clone(),
        time: seen.time,
        until: seen.until,
        summary,
        excerpt: capped(&seen.excerpt, EXCERPT_LIMIT),
        link: None,
        decisive: seen.decisive,
    });
    id
}

fn capped(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(limit - 1).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests;
