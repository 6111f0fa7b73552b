//! A scenario on disk: an alert or a question, the evidence, and what is known about the cause.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;

use crate::model::{Alert, Request, Severity};

/// What is known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Expect {
    pub outcome: Outcome,
    pub all_of: Vec<String>,
    pub none_of: Vec<String>,
    pub entity: Option<String>,
    pub agent: Option<String>,
    /// Cited log lines count too: the question is which line says why.
    pub line: bool,
    /// The question is which change did it.
    pub change: bool,
}

/// How the investigation should end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    RootCause,
    NoProblem,
    CannotTell,
}

/// An alert as scenarios write it; everything may be missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct AlertSpec {
    source: String,
    name: String,
    service: String,
    resource: String,
    namespace: String,
    cluster: String,
    severity: Option<String>,
    starts_at: Option<String>,
    summary: String,
    description: String,
    labels: BTreeMap<String, serde_json::Value>,
}

/// One scenario. Unknown keys are tolerated: sets carry notes of their own.
#[derive(Debug, Clone, Deserialize)]
pub struct Scenario {
    pub id: String,
    #[serde(default)]
    alert: Option<AlertSpec>,
    #[serde(default)]
    question: Option<String>,
    pub expect: Expect,
}

impl Scenario {
    /// The part of the id before the slash.
    pub fn set(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// What the engine is asked.
    pub fn request(&self) -> Request {
        match &self.alert {
            Some(spec) => Request::alert(spec.alert()),
            None => Request::question(self.question.as_deref().unwrap_or_default()),
        }
    }
}

impl AlertSpec {
    fn alert(&self) -> Alert {
        let labels: BTreeMap<String, String> =
            self.labels.iter().map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect();
        let label = |names: &[&str]| names.iter().find_map(|name| labels.get(*name)).cloned().unwrap_or_default();
        let or = |own: &String, names: &[&str]| if own.is_empty() { label(names) } else { own.clone() };
        let severity = self.severity.as_deref().and_then(Severity::from_word).unwrap_or_default();
        Alert {
            source: self.source.clone(),
            name: self.name.clone(),
            service: self.service.clone(),
            resource: or(&self.resource, &["pod", "persistentvolumeclaim", "job_name"]),
            namespace: or(&self.namespace, &["namespace", "kube_namespace"]),
            cluster: or(&self.cluster, &["cluster", "cluster_name"]),
            severity,
            severity_source: self.severity.clone().filter(|word| !word.is_empty()),
            priority: severity.priority(),
            starts_at: self.starts_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok()),
            summary: self.summary.clone(),
            description: self.description.clone(),
            labels,
            ..Alert::default()
        }
    }
}

/// Every folder below `dir` (itself included) that holds a scenario, in the order of the paths.
pub fn find(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        if folder.join("scenario.yaml").is_file() {
            found.push(folder);
            continue;
        }
        for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads one scenario, YAML or JSON.
pub fn load(folder: &Path) -> Result<Scenario> {
    let path = folder.join("scenario.yaml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Ok(scenario) = serde_json::from_str(&text) {
        return Ok(scenario);
    }
    serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}
