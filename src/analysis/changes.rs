//! Which change did it? Words that the symptom and the change share, weighted by how rare they are among the changes.
//!
//! "Blame the latest deploy" names an innocent change nearly always: time only orders changes that speak of the symptom,
//! and where none does, none is named.

mod calls;
mod diff;
mod effect;
mod holds;
mod mechanism;
mod statement;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use self::{
    effect::Effect,
    mechanism::{Fit, Scene},
    words::words,
};
use super::{Finding, Focus, Role, Seen};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{Change, Level, Observations},
};

/// How long before the onset a change can still be the cause. Source: own measurement, all known culprits lie within a day.
const WINDOW_SECONDS: i64 = 24 * 3_600;
/// A change that is applied shortly after the first sign: clocks differ. Source: ±60 s onset uncertainty.
const AFTER_SECONDS: i64 = 120;
/// The least overlap, in units of the rarest word's weight, with which a change is named.
const LEAST_OVERLAP: f64 = 1.6;
/// From this weight on a shared word is telling: rarer than half of the changes, and the symptom's own.
const TELLING: f64 = 0.35;
/// How much better than the next one the best must be to be called likely.
const MARGIN: f64 = 1.15;
/// The strength of a change that fits, among others that fit nearly as well.
const LIKELY: f64 = 0.45;
/// The strength of a change that stands out.
const CLEAR: f64 = 0.6;
/// The strength of a change that stands out and does what brings about what is seen.
const PLAIN: f64 = 0.75;
/// From this weight on, what a change does explains what is seen by itself.
const MECHANISM: f64 = 2.0;
/// How much the mechanism counts beside shared words.
const MECHANISM_COUNTS: f64 = 3.0;
/// How much is left of the shared words of a diff that does nothing.
const IDLE_DIFF: f64 = 0.45;
/// The change that fits the symptom, where one does.
pub fn findings(observations: &Observations, focus: &Focus) -> Vec<Finding> {
    if observations.changes.is_empty() {
        return Vec::new();
    }
    let onset = onset(observations, focus);
    let symptom = symptom_words(observations, focus, onset);
    let groups = groups(&observations.changes, onset);
    let scene = Scene::of(observations, &focus.text, onset);
    let mut ranked = rank(&groups, &symptom, &scene, focus);
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.group.id.cmp(b.group.id)));
    let Some(best) = ranked.first().filter(|best| best.score >= LEAST_OVERLAP) else { return Vec::new() };
    let second = ranked.get(1).map_or(0.0, |next| next.score);
    let clear = best.score >= second * MARGIN;
    let strength = match &best.fit {
        Some(fit) if fit.weight >= MECHANISM && clear => PLAIN,
        Some(fit) if fit.weight >= MECHANISM => CLEAR,
        _ if clear => CLEAR,
        _ => LIKELY,
    };
    let mut out = vec![finding(best, focus, strength)];
    out.extend(
        ranked
            .iter()
            .skip(1)
            .take(2)
            .filter(|next| next.score >= LEAST_OVERLAP && next.score * 1.5 >= best.score)
            .map(|next| finding(next, focus, 0.35)),
    );
    out
}

/// What a program says about its own failure is explained by a change that speaks of the same things.
///
/// A failure of the surroundings (a certificate, a disk, a name) is not: no commit made it.
pub fn explain(changes: &[Finding], findings: &mut [Finding]) {
    const OWN: &[Category] = &[
        Category::CodeError,
        Category::DataError,
        Category::ConfigMissing,
        Category::Misconfiguration,
        Category::ConnectionPoolExhausted,
        Category::ErrorRate,
        Category::Latency,
        Category::Authentication,
        Category::QueueBacklog,
        Category::SlowQuery,
        Category::Unknown,
    ];
    let Some(change) = changes.first().filter(|change| change.strength >= LIKELY) else { return };
    let shared: BTreeSet<String> = change.statement.split_once("both speak of ").map(|(_, shared)| words(shared)).unwrap_or_default();
    for finding in findings.iter_mut() {
        let spoken_of = || {
            let said = finding.seen.iter().flat_map(|seen| words(&seen.summary)).chain(words(&finding.statement));
            said.into_iter().any(|word| shared.contains(&word))
        };
        if OWN.contains(&finding.category) && spoken_of() || change.strength >= PLAIN && is_effect(change, finding) {
            finding.role = Role::Symptom;
            finding.decisive = false;
            finding.entity = change.entity.clone();
        }
    }
}

/// What runs out or overflows at the same service after a change whose mechanism fits is what the change does.
fn is_effect(change: &Finding, finding: &Finding) -> bool {
    const EFFECTS: &[Category] = &[
        Category::OomKilled,
        Category::MemoryPressure,
        Category::CachePressure,
        Category::CpuSaturation,
        Category::ConnectionTimeout,
        Category::ConnectionLimit,
        Category::FileDescriptors,
        Category::RateLimited,
        Category::LockContention,
        Category::ConnectionPoolExhausted,
        Category::QueueBacklog,
        Category::SlowQuery,
        Category::Latency,
    ];
    let after = change.since.zip(finding.since).is_none_or(|(change, finding)| change <= finding);
    // Traffic that rose because of the change is told in its own sentence.
    let told = finding.category == Category::TrafficSurge && change.statement.contains(&format!("of {} went from", finding.entity.name));
    after && (told || EFFECTS.contains(&finding.category) && (finding.entity.is_empty() || finding.entity.name == change.entity.name))
}

/// A commit and its deploys carry one id.
struct Group<'a> {
    id: &'a str,
    changes: Vec<&'a Change>,
    words: BTreeSet<String>,
    last: Option<Timestamp>,
}

struct Ranked<'a, 'g> {
    group: &'g Group<'a>,
    score: f64,
    shared: Vec<String>,
    effects: Vec<Effect>,
    /// Why it fits, beyond words.
    fit: Option<Fit>,
}

fn onset(observations: &Observations, focus: &Focus) -> Option<Timestamp> {
    let logs = observations.logs.iter().flat_map(|log| log.lines.iter());
    let bad = logs.filter(|line| line.level >= Level::Error).filter_map(|line| line.time);
    // The first error may be old noise: the alert's own time stands where there is one.
    focus.now.or_else(|| bad.min())
}

fn groups<'a>(changes: &'a [Change], onset: Option<Timestamp>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for change in changes {
        let late = match (change.time, onset) {
            (Some(time), Some(onset)) => {
                let before = onset.duration_since(time).as_secs();
                !(-AFTER_SECONDS..=WINDOW_SECONDS).contains(&before)
            }
            _ => false,
        };
        if late {
            continue;
        }
        let id = if change.id.is_empty() { change.summary.as_str() } else { change.id.as_str() };
        let group = groups.entry(id).or_insert_with(|| Group { id, changes: Vec::new(), words: BTreeSet::new(), last: None });
        for text in [&change.summary, &change.diff].into_iter().chain(&change.files) {
            group.words.extend(words(text));
        }
        group.last = group.last.max(change.time);
        group.changes.push(change);
    }
    groups.into_values().collect()
}

/// The alert's words, and those of the log lines that are loud or new since shortly before it; with how much they count.
fn symptom_words(observations: &Observations, focus: &Focus, onset: Option<Timestamp>) -> BTreeMap<String, f64> {
    let mut out: BTreeMap<String, f64> = BTreeMap::new();
    for word in words(&focus.text) {
        out.insert(word, 1.0);
    }
    // The subject's own name stands in everything that concerns it, the innocent changes included.
    for word in focus.words.iter().flat_map(|word| words(word)) {
        out.insert(word, 0.3);
    }
    let own: BTreeSet<String> = out.iter().filter(|(_, weight)| **weight < 0.5).map(|(word, _)| word.clone()).collect();
    let mut before: BTreeSet<String> = BTreeSet::new();
    let mut loud: BTreeMap<String, usize> = BTreeMap::new();
    for line in observations.logs.iter().flat_map(|log| log.lines.iter()) {
        let early = onset.zip(line.time).is_some_and(|(onset, time)| onset.duration_since(time).as_secs() > 3_600);
        if early {
            before.extend(words(&line.text));
        } else if line.level >= Level::Warn {
            for word in words(&line.text) {
                *loud.entry(word).or_default() += 1;
            }
        }
    }
    for (word, count) in loud.into_iter().filter(|(word, _)| !own.contains(word)) {
        let fresh = !before.contains(&word);
        let weight = if fresh { 1.0 } else { 0.3 } * (1.0 + (count as f64).ln()).min(3.0) / 1.5;
        let entry = out.entry(word).or_insert(0.0);
        *entry = entry.max(weight);
    }
    out
}

fn rank<'a, 'g>(groups: &'g [Group<'a>], symptom: &BTreeMap<String, f64>, scene: &Scene<'_>, focus: &Focus) -> Vec<Ranked<'a, 'g>> {
    let total = groups.len().max(2) as f64;
    let mut spread: BTreeMap<&str, usize> = BTreeMap::new();
    for group in groups {
        for word in &group.words {
            *spread.entry(word).or_default() += 1;
        }
    }
    let rarity = |word: &str| (total / *spread.get(word).unwrap_or(&1) as f64).ln() / total.ln();
    groups
        .iter()
        .map(|group| {
            let mut shared: Vec<(String, f64)> = group
                .words
                .iter()
                .filter_map(|word| symptom.get(word).map(|weight| (word.clone(), weight * rarity(word))))
                .filter(|(_, weight)| *weight > 0.05)
                .collect();
            shared.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            // One word may be chance; two that are rare are a theme.
            let telling = shared.iter().filter(|(_, weight)| *weight >= TELLING).count();
            let overlap: f64 = if telling >= 2 { shared.iter().take(12).map(|(_, weight)| weight).sum() } else { 0.0 };
            // Long diffs share more words by chance.
            let length = (group.words.len().max(20) as f64 / 20.0).ln().mul_add(0.25, 1.0);
            let services: Vec<&str> =
                group.changes.iter().map(|change| change.service.as_str()).filter(|service| !service.is_empty()).collect();
            let touches = services.iter().any(|service| focus.words.iter().any(|word| word.eq_ignore_ascii_case(service)));
            let idle = group
                .changes
                .iter()
                .all(|change| change.files.iter().all(|file| is_inert(file)) && !change.files.is_empty() && change.diff.is_empty());
            let effects: Vec<Effect> = group.changes.iter().flat_map(|change| effect::effects(&change.diff)).collect();
            let files: Vec<&str> = group.changes.iter().flat_map(|change| change.files.iter().map(String::as_str)).collect();
            let fit = scene.fit(&effects, &files);
            let read = || group.changes.iter().filter(|change| !change.diff.is_empty());
            let does_nothing = effects.is_empty() && read().next().is_some() && read().all(|change| effect::is_tidying(&change.diff));
            let factor = if touches { 1.3 } else { 1.0 } * if idle { 0.4 } else { 1.0 } * if does_nothing { IDLE_DIFF } else { 1.0 };
            let mechanism = fit.as_ref().map_or(0.0, |fit| fit.weight) * MECHANISM_COUNTS * if shared.is_empty() { 0.5 } else { 1.0 };
            Ranked {
                group,
                score: overlap / length * factor + mechanism,
                shared: shared.into_iter().take(6).map(|(word, _)| word).collect(),
                effects,
                fit,
            }
        })
        .collect()
}

/// Files that no program reads.
pub(super) fn is_inert(file: &str) -> bool {
    [".md", ".txt", ".rst", ".png", ".svg"].iter().any(|end| file.ends_with(end))
        || file.contains("_test.")
        || file.contains("/test/")
        || file.contains("/tests/")
        || file.starts_with("docs/")
}

fn finding(ranked: &Ranked<'_, '_>, focus: &Focus, strength: f64) -> Finding {
    let group = ranked.group;
    let summary = group.changes.iter().map(|change| change.summary.as_str()).find(|text| !text.is_empty()).unwrap_or("no description");
    let kind = group.changes.first().map_or("change", |change| if change.kind.is_empty() { "change" } else { change.kind.as_str() });
    let service = focus.entities.first().cloned().unwrap_or_default();
    let files: BTreeSet<&str> = group.changes.iter().flat_map(|change| change.files.iter().map(String::as_str)).collect();
    let files: Vec<&str> = files.into_iter().take(4).collect();
    let short = group.id.get(..10).unwrap_or(group.id);
    let shared = if ranked.shared.is_empty() { String::new() } else { format!("; shares {} with the symptom", ranked.shared.join(", ")) };
    let mut finding = Finding::new(Category::BadChange, Role::Cause, service, format!("The {kind} {short} \"{summary}\" {}", told(ranked)))
        .strength(strength)
        .falsifier(format!("the symptom stays after {short} is reverted, or it began before that change"))
        .fix(format!("git revert {short}   # or roll back the deploy that carries it"))
        .prevent("roll out to a small share first, and compare its error rate and latency before going on");
    for change in &group.changes {
        let touched = if files.is_empty() { String::new() } else { format!("; files {}", files.join(", ")) };
        let quoted: String = change.diff.chars().take(800).collect();
        finding = finding.saw(
            Seen::new(
                EvidenceKind::Change,
                &change.source,
                Entity::new("Change", "", group.id),
                format!("{} {}{}: {}{touched}{shared}", change.kind, short, by(&change.author), change.summary),
            )
            .at(change.time, None)
            .quoting(quoted),
        );
    }
    finding
}

/// What the change does and why that fits, as the rest of a sentence.
fn told(ranked: &Ranked<'_, '_>) -> String {
    let words = if ranked.shared.is_empty() { String::new() } else { format!("both speak of {}", ranked.shared.join(", ")) };
    let does = ranked.effects.first().map(Effect::told);
    let join = |head: String, mark: &str| if words.is_empty() { head } else { format!("{head}{mark} {words}") };
    match (does, &ranked.fit) {
        (Some(does), Some(fit)) => join(format!("{does}, which fits: {}", fit.why), ";"),
        (Some(does), None) => join(format!("{does} and fits the symptom"), ":"),
        (None, _) => join("fits the symptom".to_owned(), ":"),
    }
}

fn by(author: &str) -> String {
    if author.is_empty() { String::new() } else { format!(" by {author}") }
}

#[cfg(test)]
mod tests;
