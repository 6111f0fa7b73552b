//! The routing file: read, checked, compiled.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use super::{AREAS, terms::Terms};

/// Why the routing rules cannot be used: the line, the key, and what is allowed there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RouterError(String);

/// How much a term says about its area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Decisive,
    Product,
    Word,
}

impl Kind {
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::Decisive => 20.0,
            Self::Product => 10.0,
            Self::Word => 3.0,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    overrides: Vec<Override>,
    #[serde(default)]
    heartbeats: Vec<String>,
    areas: BTreeMap<String, Area>,
    #[serde(default)]
    symptoms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    #[serde(rename = "match")]
    pattern: String,
    agents: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    #[serde(default)]
    decisive: Vec<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

/// The compiled file.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    overrides: Vec<(Regex, Vec<String>)>,
    heartbeats: Vec<Regex>,
    labels: BTreeMap<String, &'static str>,
    terms: Terms,
}

impl Rules {
    pub(super) fn read(text: &str) -> Result<Self, RouterError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|location| format!("line {}: ", location.line())).unwrap_or_default();
            let message = error.to_string();
            let message = message.lines().next().unwrap_or("not readable");
            RouterError(format!("{place}{message} (allowed at the top: overrides, heartbeats, areas, symptoms)"))
        })?;
        let line_of =
            |needle: &str| text.lines().position(|line| line.contains(needle)).map(|at| format!("line {}: ", at + 1)).unwrap_or_default();
        let regex = |key: &str, pattern: &str| {
            Regex::new(pattern).map_err(|_| RouterError(format!("{}`{key}`: `{pattern}` is not a regular expression", line_of(pattern))))
        };
        let area_of = |key: &str, name: &str| {
            AREAS.iter().copied().find(|area| *area == name).ok_or_else(|| {
                RouterError(format!(
                    "{}`{key}`: `{name}` is no agent; allowed are network, database, infrastructure, application",
                    line_of(name)
                ))
            })
        };
        let mut overrides = Vec::new();
        for rule in &file.overrides {
            for agent in &rule.agents {
                area_of("overrides.agents", agent)?;
            }
            overrides.push((regex("overrides.match", &rule.pattern)?, rule.agents.clone()));
        }
        let heartbeats = file.heartbeats.iter().map(|pattern| regex("heartbeats", pattern)).collect::<Result<_, _>>()?;
        let (mut terms, mut labels) = (Terms::default(), BTreeMap::new());
        for (name, area) in &file.areas {
            let place = area_of("areas", name)?;
            for (kind, list) in [(Kind::Decisive, &area.decisive), (Kind::Product, &area.products), (Kind::Word, &area.words)] {
                for term in list {
                    if super::terms::words(term).is_empty() {
                        return Err(RouterError(format!("`areas.{name}`: `{term}` holds no word")));
                    }
                    terms.insert(term, Some(place), kind);
                }
            }
            labels.extend(area.labels.iter().map(|label| (label.clone(), place)));
        }
        for symptom in &file.symptoms {
            terms.insert(symptom, None, Kind::Word);
        }
        Ok(Self { overrides, heartbeats, labels, terms })
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The first of the user's rules that matches, with the agents that it names.
    pub(super) fn override_for(&self, name: &str) -> Option<(&str, &[String])> {
        self.overrides.iter().find(|(pattern, _)| pattern.is_match(name)).map(|(pattern, agents)| (pattern.as_str(), agents.as_slice()))
    }

    pub(super) fn is_heartbeat(&self, name: &str) -> bool {
        self.heartbeats.iter().any(|pattern| pattern.is_match(name))
    }

    /// Label names that only one area's alerts have.
    pub(super) fn label_areas<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Vec<(&'static str, &'k str)> {
        keys.filter_map(|key| self.labels.get(key).map(|area| (*area, key))).collect()
    }
}
