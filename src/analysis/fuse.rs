//! Findings of all checks become numbered evidence and ranked hypotheses.
//!
//! Decisive facts outrank statistics, causes outrank the symptoms that they explain, and what concerns the subject of
//! the alert outranks what merely happens to be broken too. Below the bar nothing is asserted.

mod told;

use std::collections::BTreeSet;

use self::told::tell_changes;
use super::{Finding, Focus, Role, Seen, Thresholds, chains, links::Links};
use crate::model::{Category, Entity, Evidence, EvidenceId, EvidenceKind, Hypothesis};

/// No chain of evidence makes certain. Source: own choice, said in the report's contract.
pub const CONFIDENCE_CAP: f64 = 0.95;
/// How many pieces of evidence one hypothesis cites.
const CITED: usize = 8;
/// From this strength on, a statistical finding may explain others.
const STRONG: f64 = 0.7;
/// The most confidence that a cause has when the evidence does not know what was asked about: low.
const ELSEWHERE_CAP: f64 = 0.45;
/// The most confidence that a failed call has which nothing explains: it tells where, not why. Source: in fresh connectivity cases
/// causes with 0.6 to 0.7, most of them such lines, were right in 8 of 26.
const UNEXPLAINED_CAP: f64 = 0.55;
/// From this relevance on, a story concerns what was asked about.
const CONCERNS: f64 = 0.45;
/// The longest summary and excerpt. Source: the model's contract.
const SUMMARY_LIMIT: usize = 300;
const EXCERPT_LIMIT: usize = 1_000;
/// How much one piece of contradicting evidence takes from the confidence, and how many of them do. Source: own choice.
const DOUBT: f64 = 0.12;
const DOUBTS: usize = 3;
/// Effects that were seen this long before their cause speak against it. Source: clocks, scrapes and log shipping lag by minutes.
const EARLIER_SECONDS: i64 = 300;
/// How much of an effect's sentence the impact quotes.
const IMPACT_LIMIT: usize = 140;
/// How many of those that need the first cause are named.
const DEPENDENTS: usize = 5;

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
    /// The change that touched exactly what is broken; cited right after the lead.
    change: Option<Finding>,
    others: Vec<Finding>,
    /// Replicas that show the very same.
    twins: Vec<Entity>,
    /// An effect that this cause is known to bring about was seen too.
    predicted: bool,
    relevance: f64,
    score: f64,
}

impl Story {
    fn of(lead: Finding) -> Self {
        Self { lead, change: None, others: Vec::new(), twins: Vec::new(), predicted: false, relevance: 0.0, score: 0.0 }
    }

    /// All of its findings in the order of telling.
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.lead).chain(&self.change).chain(&self.others)
    }
}

/// Ranks `findings`. The order of the input does not matter.
pub fn fuse(mut findings: Vec<Finding>, focus: &Focus, links: &Links, thresholds: &Thresholds) -> Fused {
    findings.sort_by(|a, b| {
        (a.category, &a.entity, &a.statement).cmp(&(b.category, &b.entity, &b.statement)).then(b.strength.total_cmp(&a.strength))
    });
    findings.dedup_by(|a, b| a.category == b.category && a.entity == b.entity && a.statement == b.statement);

    // What was asked about is nowhere in the evidence: what is found is found elsewhere, and said with little confidence.
    let concerns_it = |finding: &Finding| links.relevance(&finding.entity, focus) >= 0.95;
    let elsewhere = !focus.entities.is_empty() && !links.is_known(focus) && !findings.iter().any(concerns_it);
    let mut stories = chained(stories(findings, focus, links), focus, links);
    tell_changes(&mut stories, links);
    for story in &mut stories {
        doubt_order(story);
        story.relevance = relevance(story, focus, links);
        story
            .others
            .sort_by(|a, b| weight(b).total_cmp(&weight(a)).then_with(|| (&a.entity, &a.statement).cmp(&(&b.entity, &b.statement))));
        story.score = score(story);
    }
    stories.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| (&a.lead.entity, &a.lead.statement).cmp(&(&b.lead.entity, &b.lead.statement)))
    });

    let mut fused = Fused::default();
    let best = stories.first().map_or(0.0, |story| story.score);
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
            fused.impact = impact(&story, links);
        }
        let mut hypothesis = hypothesis(story, &mut fused.evidence, fused.hypotheses.len() as u32 + 1);
        if elsewhere {
            hypothesis.confidence = hypothesis.confidence.min(ELSEWHERE_CAP);
            hypothesis.statement = format!("Elsewhere in the evidence: {}", hypothesis.statement);
        }
        fused.hypotheses.push(hypothesis);
    }
    fused
}

/// Effects that were there well before their cause began speak against it.
fn doubt_order(story: &mut Story) {
    let Some(began) = story.lead.since.or(story.change.as_ref().and_then(|change| change.since)) else { return };
    let early = |finding: &&Finding| finding.role == Role::Symptom && finding.category != Category::BadChange;
    let first =
        story.others.iter().filter(early).flat_map(|finding| &finding.seen).filter(|seen| seen.time.is_some()).min_by_key(|seen| seen.time);
    if let Some(seen) = first.filter(|seen| seen.time.is_some_and(|time| began.duration_since(time).as_secs() > EARLIER_SECONDS)) {
        let summary = format!("It was there before: {}", seen.summary);
        story.lead.against.push(Seen { summary, decisive: false, ..seen.clone() });
    }
}

/// How the first cause shows on other things, in their own words: the effects nearest to people first.
fn impact(story: &Story, links: &Links) -> String {
    let root = links.root(&story.lead.entity);
    let mut shown: Vec<String> = Vec::new();
    let effects = story.others.iter().filter(|finding| finding.role == Role::Symptom && finding.category != Category::BadChange);
    for effect in effects.filter(|effect| links.root(&effect.entity) != root || effect.category != story.lead.category) {
        let words = capped(effect.statement.split(": \"").next().unwrap_or_default(), IMPACT_LIMIT);
        if !shown.contains(&words) {
            shown.push(words);
        }
    }
    shown.truncate(2);
    let told = |name: &&String| !shown.iter().any(|words| words.contains(name.as_str()));
    let dependents = links.dependents(&story.lead.entity);
    let untold: Vec<&str> = dependents.iter().filter(told).map(String::as_str).collect();
    if let Some(first) = untold.get(..untold.len().min(DEPENDENTS)).filter(|first| !first.is_empty()) {
        let more = untold.len() - first.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        shown.push(format!("needed by {}{more}", first.join(", ")));
    }
    shown.join("; ")
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
            // Replicas of one workload with one problem are one story, told by the clearest of them; each change is its own.
            Some(story)
                if lead.category != Category::BadChange
                    && (story.lead.category != Category::CodeError || story.lead.entity == lead.entity) =>
            {
                let mut lead = lead;
                if weight(&lead) > weight(&story.lead) {
                    std::mem::swap(&mut story.lead, &mut lead);
                }
                if is_twin(&story.lead, &lead) {
                    story.twins.push(lead.entity);
                } else {
                    story.others.push(lead);
                }
            }
            _ => stories.push(Story::of(lead)),
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
            None => stories.push(Story::of(symptom)),
        }
    }
    stories
}

/// The two say the same, each of its own replica.
fn is_twin(one: &Finding, other: &Finding) -> bool {
    let neutral = |finding: &Finding| -> Vec<String> {
        let name = finding.entity.name.as_str();
        finding.seen.iter().map(|seen| if name.is_empty() { seen.summary.clone() } else { seen.summary.replace(name, "§") }).collect()
    };
    one.entity.kind == other.entity.kind && one.entity != other.entity && neutral(one) == neutral(other)
}

/// A cause matters as much as the most relevant thing that it explains.
fn relevance(story: &Story, focus: &Focus, links: &Links) -> f64 {
    let acted_on = story.lead.acts_on.iter().map(|entity| links.relevance(entity, focus) * 0.97);
    let own = acted_on.fold(links.relevance(&story.lead.entity, focus), f64::max);
    let of_symptoms =
        story.others.iter().filter(|finding| finding.role != Role::Context).map(|finding| links.relevance(&finding.entity, focus) * 0.97);
    of_symptoms.fold(own, f64::max)
}

/// A story whose lead is brought about by another story's lead becomes a part of that one.
fn chained(stories: Vec<Story>, focus: &Focus, links: &Links) -> Vec<Story> {
    let mut kept = stories;
    // Each turn removes one story, so this ends.
    while let Some((deeper, effect)) = next_link(&kept, focus, links) {
        let mut taken = kept.remove(effect);
        let into = if effect < deeper { deeper - 1 } else { deeper };
        if let Some(story) = kept.get_mut(into) {
            // An effect is told as a symptom from now on, whatever it would have been alone.
            taken.lead.role = Role::Symptom;
            story.others.push(taken.lead);
            story.others.extend(taken.others);
            story.predicted = true;
        }
    }
    kept
}

/// The first pair (deeper cause, its effect), in the order of the findings.
fn next_link(stories: &[Story], focus: &Focus, links: &Links) -> Option<(usize, usize)> {
    stories.iter().enumerate().find_map(|(effect, shallow)| {
        let deeper = stories.iter().position(|deep| {
            chains::brings_about(deep.lead.category, shallow.lead.category)
                && (deep.lead.decisive || deep.lead.strength >= STRONG)
                && deep.lead.role == Role::Cause
                && belong_together(deep, shallow, focus, links)
        });
        deeper.map(|deeper| (deeper, effect))
    })
}

fn belong_together(deep: &Story, shallow: &Story, focus: &Focus, links: &Links) -> bool {
    let (a, b) = (&deep.lead.entity, &shallow.lead.entity);
    let apart = !a.namespace.is_empty() && !b.namespace.is_empty() && a.namespace != b.namespace;
    // Two faults that both concern what was asked about are one chain when nature knows the link between them.
    let both_concern_it = || relevance(deep, focus, links) >= CONCERNS && relevance(shallow, focus, links) >= CONCERNS;
    links.related(a, b)
        || deep.lead.acts_on.iter().any(|entity| links.related(entity, b))
        || !apart && chains::names(&shallow.lead, &deep.lead)
        || chains::is_shared(deep.lead.category) && !apart && both_concern_it()
}

fn explains(cause: &Finding, symptom: &Finding, focus: &Focus, links: &Links) -> bool {
    // A source that does not say whom it is about was collected for the subject.
    match (cause.entity.is_empty(), symptom.entity.is_empty()) {
        (true, true) => return true,
        (true, false) => return links.relevance(&symptom.entity, focus) >= 0.9,
        (false, true) => return false,
        (false, false) => {}
    }
    links.related(&cause.entity, &symptom.entity) || cause.acts_on.iter().any(|entity| links.related(entity, &symptom.entity))
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
    let kinds: BTreeSet<_> = story.findings().flat_map(|finding| &finding.seen).map(|seen| seen.kind.as_str()).collect();
    let explained = story.others.iter().any(|finding| finding.role == Role::Symptom);
    let support = 0.03 * kinds.len().saturating_sub(1) as f64 + if explained { 0.05 } else { 0.0 };
    let predicted = if story.predicted { 0.1 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let doubt = DOUBT.mul_add(-(story.lead.against.len().min(DOUBTS) as f64), 1.0);
    ((weight(&story.lead) + support.min(0.1) + predicted) * story.relevance * doubt).min(CONFIDENCE_CAP)
}

/// Only log lines of a caller whose call went wrong, and nothing that says why.
fn is_unexplained(story: &Story) -> bool {
    use Category as C;
    let of_a_caller = matches!(story.lead.category, C::ConnectionTimeout | C::ConnectionRefused | C::Latency | C::ErrorRate);
    let from_logs = story.findings().flat_map(|finding| &finding.seen).all(|seen| seen.kind == EvidenceKind::LogPattern);
    of_a_caller && from_logs && story.change.is_none() && !story.lead.decisive
}

fn hypothesis(story: Story, evidence: &mut Vec<Evidence>, rank: u32) -> Hypothesis {
    let mut supporting = Vec::new();
    let alike = alike(&story.twins);
    for (at, seen) in story.findings().flat_map(|finding| &finding.seen).take(CITED).enumerate() {
        // The first piece speaks for the replicas that show the same.
        let seen = if at == 0 { Seen { summary: format!("{}{alike}", seen.summary), ..seen.clone() } } else { seen.clone() };
        let id = number(&seen, evidence);
        if !supporting.contains(&id) {
            supporting.push(id);
        }
    }
    let mut contradicting = Vec::new();
    for seen in &story.lead.against {
        let id = number(seen, evidence);
        if !contradicting.contains(&id) && !supporting.contains(&id) {
            contradicting.push(id);
        }
    }
    let confidence = if is_unexplained(&story) { story.score.min(UNEXPLAINED_CAP) } else { story.score };
    Hypothesis {
        rank,
        category: story.lead.category,
        statement: format!("{}{alike}", story.lead.statement),
        entity: story.lead.entity,
        confidence: (confidence * 100.0).round() / 100.0,
        supporting,
        contradicting,
        falsifier: story.lead.falsifier,
        remediation: story.lead.remediation,
        prevention: story.lead.prevention,
    }
}

/// `; the same on 2 more: pods a and b`.
fn alike(twins: &[Entity]) -> String {
    let names: Vec<&str> = twins.iter().map(|twin| twin.name.as_str()).take(3).collect();
    if names.is_empty() { String::new() } else { format!("; the same on {} more: {}", twins.len(), names.join(", ")) }
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
