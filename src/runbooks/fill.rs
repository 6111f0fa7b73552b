//! A runbook and the facts of an incident become values, and values become typed steps. Pure.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::model::{
    Check, CheckPlan, Hypothesis, Incident, LabelMatch, Operation, Parameter, ParameterKind, Preview, RunStep, Runbook, StepPlan,
    StepState, Workload,
};

/// How long a value may be.
const VALUE_MAX: usize = 300;
/// How long a check may take when nothing is said: what a rollout of a few pods needs.
const WITHIN_SECONDS: u32 = 300;
/// No check waits longer.
const WITHIN_MOST: u32 = 3600;
/// A user's pattern compiles to no more than this. Source: the reliability contract bounds user regexes.
const PATTERN_BYTES: usize = 64 << 10;

/// Where a parameter's value can come from.
pub const SOURCES: &[&str] = &[
    "cause.kind",
    "cause.namespace",
    "cause.name",
    "cause.workload",
    "cause.pod",
    "cause.node",
    "cause.cluster",
    "alert.service",
    "alert.namespace",
    "alert.cluster",
    "alert.resource",
];

/// What is wrong with a value or a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct FillError {
    /// The parameter, or the step's field.
    pub place: String,
    pub reason: String,
}

impl FillError {
    fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

/// What an incident tells runbooks.
pub struct Facts<'a> {
    pub incident: &'a Incident,
}

impl Facts<'_> {
    fn cause(&self) -> Option<&Hypothesis> {
        self.incident.report.as_ref()?.hypotheses.first()
    }

    /// The value of a source; `None` where the evidence does not have it.
    fn get(&self, source: &str) -> Option<String> {
        let alert = &self.incident.alert;
        let entity = self.cause().map(|cause| &cause.entity);
        let of_kind = |kind: &str| entity.filter(|entity| entity.kind == kind).map(|entity| entity.name.clone());
        let found = match source {
            // Of a pod, the kind of what made it: the pods of a StatefulSet are numbered.
            "cause.kind" => entity.map(|entity| match (entity.kind.as_str(), entity.name.rsplit_once('-')) {
                ("Pod", Some((_, number))) if number.bytes().all(|b| b.is_ascii_digit()) => "StatefulSet".to_owned(),
                ("Pod" | "ReplicaSet", _) => "Deployment".to_owned(),
                (kind, _) => kind.to_owned(),
            }),
            "cause.namespace" => entity.map(|entity| entity.namespace.clone()),
            "cause.name" => entity.map(|entity| entity.name.clone()),
            "cause.cluster" => entity.map(|entity| entity.cluster.clone()),
            "cause.pod" => of_kind("Pod").or_else(|| self.affected("Pod")),
            "cause.node" => of_kind("Node").or_else(|| self.affected("Node")),
            "cause.workload" => entity.and_then(|entity| match entity.kind.as_str() {
                "Deployment" | "StatefulSet" | "DaemonSet" => Some(entity.name.clone()),
                "Pod" => Some(workload_of(&entity.name).to_owned()),
                "ReplicaSet" => Some(without_hash(&entity.name).to_owned()),
                _ => None,
            }),
            "alert.service" => Some(alert.service.clone()),
            "alert.namespace" => Some(self.incident.namespace.clone()),
            "alert.cluster" => Some(alert.cluster.clone()),
            "alert.resource" => Some(alert.resource.clone()),
            other => other.strip_prefix("alert.labels.").and_then(|label| alert.labels.get(label).cloned()),
        };
        found.filter(|value| !value.is_empty())
    }

    fn affected(&self, kind: &str) -> Option<String> {
        let report = self.incident.report.as_ref()?;
        report.affected.iter().find(|entity| entity.kind == kind).map(|entity| entity.name.clone())
    }
}

/// The name of the workload that made the pod: its hash and its own letters, or its number, taken off.
fn workload_of(pod: &str) -> &str {
    let Some((head, tail)) = pod.rsplit_once('-') else { return pod };
    if tail.bytes().all(|b| b.is_ascii_digit()) {
        return head;
    }
    // The random letters of pod names. Source: k8s.io/apimachinery, util/rand.
    let random = |part: &str| !part.is_empty() && part.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b));
    if tail.len() != 5 || !random(tail) { pod } else { without_hash(head) }
}

fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((head, hash)) if (6..=10).contains(&hash.len()) && hash.bytes().all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b)) => head,
        _ => name,
    }
}

/// Whether a parameter may name this source.
pub fn is_source(source: &str) -> bool {
    SOURCES.contains(&source) || source.strip_prefix("alert.labels.").is_some_and(|label| !label.is_empty())
}

/// What the evidence has for each parameter; what it does not have, and a value that would not be taken, is left out.
pub fn defaults(runbook: &Runbook, facts: Option<&Facts<'_>>) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for parameter in &runbook.parameters {
        let seen = facts.and_then(|facts| parameter.from.iter().find_map(|source| facts.get(source)));
        let seen = seen.and_then(|text| typed(parameter, &Value::String(text)).ok());
        if let Some(value) = seen.or_else(|| parameter.default.clone()) {
            out.insert(parameter.name.clone(), value);
        }
    }
    out
}

/// The values that people gave, in the place of what the evidence has, each as its parameter wants it.
///
/// # Errors
/// Every value that is missing, wrong or of no parameter.
pub fn values(
    runbook: &Runbook,
    given: &BTreeMap<String, Value>,
    facts: Option<&Facts<'_>>,
) -> Result<BTreeMap<String, Value>, Vec<FillError>> {
    let mut errors = Vec::new();
    let mut out = defaults(runbook, facts);
    for (name, value) in given {
        let Some(parameter) = runbook.parameters.iter().find(|parameter| &parameter.name == name) else {
            let known: Vec<&str> = runbook.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            errors.push(FillError::new(
                name.chars().take(60).collect::<String>(),
                format!("is no parameter of it; they are {}", known.join(", ")),
            ));
            continue;
        };
        if matches!(value, Value::String(text) if text.trim().is_empty()) {
            // What somebody has emptied is not what the evidence says.
            match &parameter.default {
                Some(default) => out.insert(name.clone(), default.clone()),
                None => out.remove(name),
            };
            continue;
        }
        match typed(parameter, value) {
            Ok(value) => {
                out.insert(name.clone(), value);
            }
            Err(reason) => errors.push(FillError::new(name, reason)),
        }
    }
    for parameter in runbook.parameters.iter().filter(|parameter| !parameter.optional && !out.contains_key(&parameter.name)) {
        if !errors.iter().any(|error| error.place == parameter.name) {
            errors.push(FillError::new(&parameter.name, "is needed, and neither given nor in the evidence"));
        }
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

/// Whether a parameter takes the value.
///
/// # Errors
/// Why not.
pub fn judge(parameter: &Parameter, value: &Value) -> Result<(), String> {
    typed(parameter, value).map(drop)
}

fn typed(parameter: &Parameter, value: &Value) -> Result<Value, String> {
    match parameter.kind {
        ParameterKind::Integer => {
            let number = match value {
                Value::Number(number) => number.as_i64(),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            let number = number.ok_or("is no whole number")?;
            if parameter.least.is_some_and(|least| number < least) || parameter.most.is_some_and(|most| number > most) {
                let bounds =
                    [parameter.least.map(|least| format!("at least {least}")), parameter.most.map(|most| format!("at most {most}"))];
                return Err(format!("must be {}", bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ")));
            }
            Ok(json!(number))
        }
        ParameterKind::Choice => match value.as_str() {
            Some(text) if parameter.choices.iter().any(|choice| choice == text) => Ok(json!(text)),
            _ => Err(format!("must be one of {}", parameter.choices.join(", "))),
        },
        ParameterKind::Text => {
            let text = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return Err("is no text".to_owned()),
            };
            if text.len() > VALUE_MAX || text.chars().any(char::is_control) {
                return Err(format!("must be one line of at most {VALUE_MAX} bytes"));
            }
            if !parameter.pattern.is_empty() && !pattern(&parameter.pattern).is_ok_and(|regex| regex.is_match(&text)) {
                return Err(format!("must match {}", parameter.pattern));
            }
            Ok(json!(text))
        }
    }
}

/// A parameter's pattern, which the whole value must match.
///
/// # Errors
/// When it is no regular expression, or one that is too big.
pub fn pattern(text: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(&format!("^(?:{text})$"))
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|_| "is no regular expression, or one that is too big".to_owned())
}

/// The runbook's steps with these values in them.
///
/// # Errors
/// Every field that is not as the operation wants it.
pub fn steps(runbook: &Runbook, values: &BTreeMap<String, Value>) -> Result<Vec<RunStep>, Vec<FillError>> {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    for (at, plan) in runbook.steps.iter().enumerate() {
        match step(plan, values) {
            Ok(step) => out.push(step),
            Err(error) => errors.push(FillError::new(format!("steps[{at}] ({}){}", plan.name, error.place), error.reason)),
        }
    }
    if errors.is_empty() { Ok(out) } else { Err(errors) }
}

fn step(plan: &StepPlan, values: &BTreeMap<String, Value>) -> Result<RunStep, FillError> {
    let operation = json!({"action": plan.action, "with": filled(&plan.with, values)?});
    let operation: Operation = serde_json::from_value(operation).map_err(|error| FillError::new("", error.to_string()))?;
    let checks = plan.verify.iter().map(|check| the_check(check, values)).collect::<Result<Vec<_>, _>>()?;
    sensible(&operation)?;
    let within_seconds = match &plan.within {
        None => WITHIN_SECONDS,
        Some(text) => seconds(text).ok_or_else(|| FillError::new(".within", "a length of time like 90s or 10m is wanted, at most 1h"))?,
    };
    let checks = if checks.is_empty() { own_checks(&operation) } else { checks };
    let name = match put_text(&plan.name, values).map_err(|reason| FillError::new(".name", reason))? {
        Some(Value::String(name)) => name,
        _ => plan.name.clone(),
    };
    Ok(RunStep {
        name,
        operation,
        checks,
        within_seconds,
        rollback: plan.rollback,
        preview: Preview::default(),
        state: StepState::Waiting,
        begun_at: None,
        applied_at: None,
        holds_since: None,
        ended_at: None,
        outcome: String::new(),
    })
}

fn the_check(plan: &CheckPlan, values: &BTreeMap<String, Value>) -> Result<Check, FillError> {
    let check = json!({"check": plan.check, "with": filled(&plan.with, values)?});
    serde_json::from_value(check).map_err(|error| FillError::new(".verify", error.to_string()))
}

/// What is seen of an operation when nothing else is asked for.
fn own_checks(operation: &Operation) -> Vec<Check> {
    let ready =
        |of: Workload| Check::Ready { cluster: of.cluster, namespace: of.namespace, kind: of.kind, name: of.name, stable_seconds: 10 };
    match operation {
        Operation::RolloutRestart(of) => vec![ready(of.clone())],
        Operation::Rollback(of) => vec![ready(of.into())],
        Operation::Scale(of) => vec![ready(of.into())],
        Operation::PatchResources(of) => vec![ready(of.into())],
        Operation::Cordon { cluster, node } => {
            vec![Check::Schedulable { cluster: cluster.clone(), node: node.clone(), schedulable: false }]
        }
        Operation::Uncordon { cluster, node } => {
            vec![Check::Schedulable { cluster: cluster.clone(), node: node.clone(), schedulable: true }]
        }
        Operation::KillOp { deployment, opid } => vec![Check::OpGone { deployment: deployment.clone(), opid: opid.clone() }],
        Operation::Profiler { deployment, database, level, .. } => {
            vec![Check::ProfilerLevel { deployment: deployment.clone(), database: database.clone(), level: *level }]
        }
        Operation::WaitUntil(check) => vec![check.clone()],
        // What must be seen of these is known when they are previewed: a uid, the present primary, a comment with the run's id.
        Operation::DeletePod { .. } | Operation::StepDown { .. } | Operation::Silence { .. } => Vec::new(),
        Operation::Http { .. } | Operation::Note { .. } => Vec::new(),
    }
}

/// What the types do not say.
fn sensible(operation: &Operation) -> Result<(), FillError> {
    let wrong = |field: &str, reason: &str| Err(FillError::new(format!(".with.{field}"), reason));
    match operation {
        Operation::Scale(of) if of.kind == crate::model::WorkloadKind::DaemonSet => wrong("kind", "a DaemonSet has as many pods as nodes"),
        Operation::Scale(of) if of.replicas > 1000 => wrong("replicas", "must be at most 1000"),
        Operation::PatchResources(of) if of.requests.is_empty() && of.limits.is_empty() => {
            wrong("limits", "neither limits nor requests are given")
        }
        Operation::Profiler { level, .. } if *level > 2 => wrong("level", "must be 0, 1 or 2"),
        Operation::StepDown { seconds, .. } if !(10..=3600).contains(seconds) => wrong("seconds", "must be 10 to 3600"),
        Operation::Silence { matchers, minutes, .. } => {
            if matchers.is_empty() || matchers.iter().any(|LabelMatch { name, value, .. }| name.is_empty() || value.is_empty()) {
                return wrong("matchers", "at least one is wanted, each with a name and a value");
            }
            if (1..=30 * 24 * 60).contains(minutes) { Ok(()) } else { wrong("minutes", "must be one minute to thirty days") }
        }
        Operation::Http { method, path, .. } => {
            if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
                return wrong("method", "must be GET, POST, PUT, PATCH or DELETE");
            }
            if is_plain_path(path) { Ok(()) } else { wrong("path", "must begin with `/` and stay below the configured address") }
        }
        Operation::WaitUntil(Check::Json { path, .. }) if !is_plain_path(path) => {
            wrong("path", "must begin with `/` and stay below the configured address")
        }
        _ => Ok(()),
    }
}

/// A path that cannot leave the address that it is put after.
pub fn is_plain_path(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 1000
        && path.bytes().all(|b| b.is_ascii_graphic())
        && !path.contains(['\\', '#', '@'])
        && !path.split(['/', '?']).any(|part| part == ".." || part == ".")
        && !["%2e", "%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden))
}

fn seconds(text: &str) -> Option<u32> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(factor).filter(|seconds| (1..=WITHIN_MOST).contains(seconds))
}

/// The parameters that a value names.
pub fn named(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            out.extend(text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or_default().trim().to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, out)),
        Value::Object(fields) => fields.values().for_each(|inner| named(inner, out)),
        _ => {}
    }
}

/// The fields with `{{parameter}}` replaced. A text that is one parameter and nothing else takes its value as it is; a field
/// whose parameter has no value is left out.
fn filled(fields: &BTreeMap<String, Value>, values: &BTreeMap<String, Value>) -> Result<Value, FillError> {
    let mut out = Map::new();
    for (name, value) in fields {
        if let Some(value) = put(value, values).map_err(|reason| FillError::new(format!(".with.{name}"), reason))? {
            out.insert(name.clone(), value);
        }
    }
    Ok(Value::Object(out))
}

fn put(value: &Value, values: &BTreeMap<String, Value>) -> Result<Option<Value>, String> {
    Ok(match value {
        Value::String(text) => put_text(text, values)?,
        Value::Array(items) => {
            let items = items.iter().map(|item| put(item, values)).collect::<Result<Vec<_>, _>>()?;
            Some(Value::Array(items.into_iter().flatten().collect()))
        }
        Value::Object(fields) => {
            let mut out = Map::new();
            for (name, inner) in fields {
                if let Some(inner) = put(inner, values)? {
                    out.insert(name.clone(), inner);
                }
            }
            Some(Value::Object(out))
        }
        other => Some(other.clone()),
    })
}

fn put_text(text: &str, values: &BTreeMap<String, Value>) -> Result<Option<Value>, String> {
    if let Some(name) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"))
        && !name.contains("{{")
    {
        return Ok(values.get(name.trim()).cloned());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, tail) = rest.split_at_checked(start).unwrap_or((rest, ""));
        let end = tail.find("}}").ok_or("`{{` without its `}}`")?;
        let name = tail.get(2..end).unwrap_or_default().trim();
        out.push_str(before);
        match values.get(name) {
            Some(Value::String(value)) => out.push_str(value),
            Some(value) => out.push_str(&value.to_string()),
            None => return Err(format!("the parameter `{name}` has no value")),
        }
        rest = tail.get(end + 2..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(Some(Value::String(out)))
}
