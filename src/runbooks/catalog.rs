//! The runbooks that there are: read, checked as a whole at load, and found for an incident.

use std::{collections::BTreeMap, fmt};

use crate::model::{Category, EvidenceKind, Incident, Operation, Parameter, ParameterKind, Runbook, glob, nearest};

use super::fill;

/// How many runbooks and steps are taken; more is a mistake.
const RUNBOOKS_MAX: usize = 200;
const STEPS_MAX: usize = 20;
const PARAMETERS_MAX: usize = 20;
/// The runbooks that come with the program.
const EMBEDDED: &[(&str, &str)] = &[
    ("delete-pod", include_str!("../../config/runbooks/delete-pod.yaml")),
    ("kill-mongodb-operation", include_str!("../../config/runbooks/kill-mongodb-operation.yaml")),
    ("mongodb-profiler", include_str!("../../config/runbooks/mongodb-profiler.yaml")),
    ("mongodb-step-down", include_str!("../../config/runbooks/mongodb-step-down.yaml")),
    ("raise-memory-limit", include_str!("../../config/runbooks/raise-memory-limit.yaml")),
    ("restart-workload", include_str!("../../config/runbooks/restart-workload.yaml")),
    ("roll-back-workload", include_str!("../../config/runbooks/roll-back-workload.yaml")),
    ("scale-workload", include_str!("../../config/runbooks/scale-workload.yaml")),
    ("take-node-out", include_str!("../../config/runbooks/take-node-out.yaml")),
];

/// All of them, by id.
#[derive(Debug, Clone, Default)]
pub struct Catalog(BTreeMap<String, Runbook>);

/// Everything that is wrong with the runbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogErrors(pub Vec<String>);

impl fmt::Display for CatalogErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n  "))
    }
}

impl Catalog {
    /// Those that come with the program.
    pub fn embedded() -> Self {
        let files = EMBEDDED.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned()));
        // A test holds that they can be read.
        Self::from_files(files).unwrap_or_default()
    }

    /// Reads runbooks: an id and the text of its file each.
    ///
    /// # Errors
    /// Everything that is wrong, each with its runbook and place.
    pub fn from_files(files: impl IntoIterator<Item = (String, String)>) -> Result<Self, CatalogErrors> {
        let (mut found, mut errors) = (BTreeMap::new(), Vec::new());
        for (id, text) in files {
            match serde_saphyr::from_str::<Runbook>(&text) {
                Err(error) => errors.push(format!("runbook {id}: {error}")),
                Ok(mut runbook) => {
                    runbook.id.clone_from(&id);
                    errors.extend(judge(&runbook).into_iter().map(|wrong| format!("runbook {id}: {wrong}")));
                    found.insert(id, runbook);
                }
            }
        }
        if found.len() > RUNBOOKS_MAX {
            errors.push(format!("there are {} runbooks; at most {RUNBOOKS_MAX} are taken", found.len()));
        }
        if errors.is_empty() { Ok(Self(found)) } else { Err(CatalogErrors(errors)) }
    }

    pub fn get(&self, id: &str) -> Option<&Runbook> {
        self.0.get(id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Runbook> {
        self.0.values()
    }

    /// The nearest id to a word that is none.
    pub fn nearest(&self, word: &str) -> Option<&str> {
        nearest(word, self.0.keys().map(String::as_str), 4)
    }

    /// Those that fit the incident: what undoes a change that its first cause cites, then what fits an earlier cause, then what
    /// is made for fewer things, then what can break less.
    pub fn for_incident(&self, incident: &Incident) -> Vec<&Runbook> {
        let changed = cites_a_change(incident);
        let undoes = |runbook: &Runbook| changed && runbook.steps.iter().any(|step| step.action == "kubernetes.rollback");
        let mut found: Vec<(usize, &Runbook)> =
            self.0.values().filter_map(|runbook| Some((applies(runbook, incident)?, runbook))).collect();
        found.sort_by_key(|(rank, runbook)| (!undoes(runbook), *rank, runbook.applies.categories.len(), runbook.risk, runbook.id.clone()));
        found.into_iter().map(|(_, runbook)| runbook).collect()
    }
}

/// Whether what is said to be the cause began with a change that was seen.
fn cites_a_change(incident: &Incident) -> bool {
    let Some(report) = &incident.report else { return false };
    let cited = report.hypotheses.first().map(|cause| cause.supporting.as_slice()).unwrap_or_default();
    report.evidence.iter().any(|seen| seen.kind == EvidenceKind::Change && cited.contains(&seen.id))
}

/// The rank of the cause that the runbook is for, from 0; `None` where it does not apply. One that names nothing at all is
/// only found by its name.
fn applies(runbook: &Runbook, incident: &Incident) -> Option<usize> {
    let applies = &runbook.applies;
    if applies.categories.is_empty() && applies.alerts.is_empty() && applies.services.is_empty() {
        return None;
    }
    let fits = |patterns: &[String], text: &str| patterns.is_empty() || patterns.iter().any(|pattern| glob::fits(pattern, text));
    if !fits(&applies.alerts, &incident.alert.name) || !fits(&applies.services, &incident.service) {
        return None;
    }
    if applies.categories.is_empty() {
        return Some(0);
    }
    let causes = incident.report.as_ref().map(|report| report.hypotheses.as_slice()).unwrap_or_default();
    causes.iter().position(|cause| applies.categories.iter().any(|category| glob::fits(category, cause.category.as_str())))
}

/// Everything that is wrong with one runbook.
fn judge(runbook: &Runbook) -> Vec<String> {
    let mut wrong = Vec::new();
    if runbook.id.is_empty() || !runbook.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        wrong.push("its file's name must be of small letters, digits and `-`".to_owned());
    }
    if runbook.title.trim().is_empty() || runbook.title.chars().count() > 100 {
        wrong.push("title: 1 to 100 characters are wanted".to_owned());
    }
    if runbook.steps.is_empty() || runbook.steps.len() > STEPS_MAX {
        wrong.push(format!("steps: 1 to {STEPS_MAX} are wanted, not {}", runbook.steps.len()));
    }
    if runbook.parameters.len() > PARAMETERS_MAX {
        wrong.push(format!("parameters: at most {PARAMETERS_MAX} are taken"));
    }
    for (at, parameter) in runbook.parameters.iter().enumerate() {
        wrong.extend(judge_parameter(parameter).into_iter().map(|why| format!("parameters[{at}] ({}): {why}", parameter.name)));
        if runbook.parameters.iter().take(at).any(|other| other.name == parameter.name) {
            wrong.push(format!("parameters[{at}] ({}): there are two of this name", parameter.name));
        }
    }
    for category in runbook.applies.categories.iter().filter(|category| !category.contains('*')) {
        if serde_json::from_value::<Category>(serde_json::json!(category)).is_err() {
            wrong.push(format!("applies.categories: `{category}` is no category of a cause"));
        }
    }
    for (at, step) in runbook.steps.iter().enumerate() {
        let mut names = Vec::new();
        let texts = step.with.values().chain(step.verify.iter().flat_map(|check| check.with.values()));
        texts.for_each(|value| fill::named(value, &mut names));
        fill::named(&serde_json::json!(step.name), &mut names);
        for name in names.iter().filter(|name| !runbook.parameters.iter().any(|parameter| &&parameter.name == name)) {
            wrong.push(format!("steps[{at}] ({}): `{name}` is no parameter of it", step.name));
        }
    }
    // Filled with samples, every step must be an operation as its system knows it.
    let samples: BTreeMap<String, serde_json::Value> =
        runbook.parameters.iter().map(|parameter| (parameter.name.clone(), sample(parameter))).collect();
    if wrong.is_empty() {
        match fill::steps(runbook, &samples) {
            Err(errors) => wrong.extend(errors.into_iter().map(|error| error.to_string())),
            Ok(steps) => {
                if steps.iter().all(|step| matches!(step.operation, Operation::Note { .. })) {
                    wrong.push("steps: none of them does anything".to_owned());
                }
            }
        }
    }
    wrong
}

fn judge_parameter(parameter: &Parameter) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = &parameter.name;
    if name.is_empty() || name.len() > 40 || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        wrong.push("name: small letters, digits and `_` are wanted".to_owned());
    }
    if !parameter.pattern.is_empty()
        && let Err(error) = fill::pattern(&parameter.pattern)
    {
        wrong.push(format!("pattern: {error}"));
    }
    if (parameter.kind == ParameterKind::Choice) == parameter.choices.is_empty() {
        wrong.push("choices: they belong to a parameter of the kind `choice`, which needs some".to_owned());
    }
    if parameter.choices.len() > 100 {
        wrong.push("choices: at most 100 are taken".to_owned());
    }
    for source in &parameter.from {
        if !fill::is_source(source) {
            wrong.push(format!("from: `{source}` is not one of {} or alert.labels.NAME", fill::SOURCES.join(", ")));
        }
    }
    if let Some(default) = &parameter.default
        && let Err(why) = fill::judge(parameter, default)
    {
        wrong.push(format!("default: {why}"));
    }
    wrong
}

/// A value that the parameter takes, for the check at load.
fn sample(parameter: &Parameter) -> serde_json::Value {
    use serde_json::{Value, json};
    if let Some(default) = &parameter.default {
        return default.clone();
    }
    match parameter.kind {
        ParameterKind::Integer => json!(parameter.least.or(parameter.most).unwrap_or(1)),
        ParameterKind::Choice => parameter.choices.first().cloned().map_or(Value::Null, Value::String),
        ParameterKind::Text => json!("sample"),
    }
}
