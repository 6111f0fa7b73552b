//! Which specialist takes an alert, and why: rules from a file, compiled once, every decision in sentences.

mod rules;
mod terms;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Alert, Routing};

pub use rules::RouterError;
use rules::{Kind, Rules};

/// The rules that come with the program.
const EMBEDDED: &str = include_str!("../../config/routing.yaml");

/// The agents that know one area each, in the order in which they are asked when nothing is known.
const AREAS: [&str; 4] = ["infrastructure", "database", "network", "application"];

/// Labels whose values name what is sick, or what reported it.
#[rustfmt::skip]
const TELLING: &[&str] = &[
    "job", "service", "app", "application", "image", "container", "namespace", "pod", "deployment", "statefulset", "daemonset",
    "component", "consumergroup", "queue", "topic", "persistentvolumeclaim", "mongodb_cluster", "service_name", "exporter", "metric",
    "resource_type", "tags", "team", "kube_deployment", "product",
];

/// Text beyond this adds no new words and would only cost time.
const MAX_TEXT: usize = 4_000;
const MAX_REASONS: usize = 8;

/// The routing rules, compiled once.
#[derive(Debug, Clone)]
pub struct Router {
    rules: Rules,
}

impl Router {
    /// The rules that come with the program: `config/routing.yaml`.
    #[expect(clippy::expect_used, reason = "the file is part of the program and a test reads it")]
    pub fn embedded() -> Self {
        Self::from_yaml(EMBEDDED).expect("the embedded routing rules are valid")
    }

    /// Rules of one's own.
    ///
    /// # Errors
    /// Names the line, the key and what is allowed there.
    pub fn from_yaml(text: &str) -> Result<Self, RouterError> {
        Ok(Self { rules: Rules::read(text)? })
    }

    /// The agents for an alert, the likeliest first; none for a heartbeat.
    pub fn route(&self, alert: &Alert) -> Routing {
        if let Some(routing) = self.by_name(&alert.name) {
            return routing;
        }
        let mut votes = Votes::default();
        votes.count(&self.rules, "name", &alert.name, 3.0);
        for (key, value) in alert.labels.iter().filter(|(key, _)| TELLING.contains(&key.as_str())) {
            votes.count(&self.rules, &format!("label {key}"), value, 2.0);
        }
        for (area, key) in self.rules.label_areas(alert.labels.keys().map(String::as_str)) {
            votes.add(area, 8.0, format!("label `{key}` belongs to a {area}"));
        }
        votes.count(&self.rules, "service", &alert.service, 2.0);
        votes.count(&self.rules, "resource", &alert.resource, 1.0);
        votes.count(&self.rules, "summary", &words(&alert.summary, &alert.source), 1.0);
        if alert.description != alert.summary {
            votes.count(&self.rules, "description", &words(&alert.description, &alert.source), 1.0);
        }
        votes.decide()
    }

    /// The agents for a question in plain words.
    pub fn route_question(&self, text: &str) -> Routing {
        let mut votes = Votes::default();
        votes.count(&self.rules, "question", clip(text), 1.0);
        votes.decide()
    }

    /// Overrides and heartbeats look at the name alone.
    fn by_name(&self, name: &str) -> Option<Routing> {
        if let Some((pattern, agents)) = self.rules.override_for(name) {
            return Some(Routing { agents: agents.to_vec(), reasons: vec![format!("name `{name}` matches your rule `{pattern}`")] });
        }
        self.rules.is_heartbeat(name).then(|| Routing {
            agents: Vec::new(),
            reasons: vec![format!("name `{name}` is a heartbeat: it proves that alerting works, and its silence would be the problem")],
        })
    }
}

impl Default for Router {
    fn default() -> Self {
        Self::embedded()
    }
}

/// The sentences of a text without addresses and without what the sender writes of itself.
fn words(text: &str, sender: &str) -> String {
    let of_sender = |word: &&str| !sender.is_empty() && word.get(..sender.len()).is_some_and(|start| start.eq_ignore_ascii_case(sender));
    clip(text).split_whitespace().filter(|word| !word.contains("://") && !of_sender(word)).collect::<Vec<_>>().join(" ")
}

fn clip(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

/// Points per area, and why.
#[derive(Default)]
struct Votes {
    points: BTreeMap<&'static str, f64>,
    reasons: Vec<(f64, String)>,
    symptoms: BTreeSet<String>,
    seen: BTreeSet<(String, String)>,
}

impl Votes {
    fn add(&mut self, area: &'static str, points: f64, reason: String) {
        *self.points.entry(area).or_default() += points;
        self.reasons.push((points, reason));
    }

    /// Counts every term of one place; a term counts once per place, and less for each further one.
    fn count(&mut self, rules: &Rules, place: &str, text: &str, factor: f64) {
        let mut products = 0;
        for found in rules.terms().find(text) {
            if !self.seen.insert((place.to_owned(), found.term.text.clone())) {
                continue;
            }
            let term = &found.term;
            if term.symptom {
                self.symptoms.insert(format!("{place}: `{}` is a symptom that can start anywhere", term.text));
            }
            let Some(area) = term.area else { continue };
            // The first product of a name is what it is about: `KafkaZookeeperSync` is Kafka's.
            let lead = if term.kind == Kind::Product && products == 0 { 1.5 } else { 1.0 };
            products += usize::from(term.kind == Kind::Product);
            let points = term.kind.weight() * factor * lead;
            let shown = if place == "name" { format!("name `{}`", super::router::clip(text)) } else { place.to_owned() };
            self.add(area, points, format!("{shown}: `{}` is {} {area} word", term.text, article(area)));
        }
    }

    fn decide(mut self) -> Routing {
        let mut ranked: Vec<(&'static str, f64)> =
            AREAS.iter().map(|area| (*area, self.points.get(area).copied().unwrap_or(0.0))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let best = ranked.first().map_or(0.0, |first| first.1);
        self.reasons.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut reasons: Vec<String> = self.reasons.into_iter().map(|(_, reason)| reason).take(MAX_REASONS).collect();
        let mut agents: Vec<&str> = Vec::new();
        if best == 0.0 {
            agents.extend(AREAS);
            reasons.push("no word of it belongs to one area: all agents look".to_owned());
        } else if self.symptoms.is_empty() {
            // A close second is worth a look of its own.
            agents.extend(ranked.iter().filter(|(_, points)| *points >= best * 0.6).map(|(area, _)| *area));
        } else {
            agents.extend(ranked.iter().filter(|(area, _)| *area != "application").map(|(area, _)| *area));
            let at = if ranked.first().is_some_and(|(area, _)| *area == "application") { 0 } else { agents.len() };
            agents.insert(at, "application");
        }
        // What sent it to everybody is the reason that people want to see first.
        reasons.splice(0..0, self.symptoms.into_iter().take(3));
        Routing { agents: agents.into_iter().map(str::to_owned).collect(), reasons }
    }
}

fn article(area: &str) -> &'static str {
    if area.starts_with(['a', 'i']) { "an" } else { "a" }
}
