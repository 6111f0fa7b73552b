//! What the adapters of log backends share: which lines are worth a sample, and samples that overlap put together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ToolError, Window, live::Subject};
use crate::model::{
    Entity,
    observation::{LogStream, Observations, Series},
};

/// Words of lines that tell of trouble. Source: what the log analysis takes for errors, in every level's spelling.
pub const ERROR_WORDS: &[&str] = &[
    "error",
    "exception",
    "fatal",
    "panic",
    "fail",
    "refused",
    "timeout",
    "timed out",
    "denied",
    "killed",
    "unavailable",
    "deadlock",
    "cannot",
    "unable",
    "traceback",
    "oom",
    "crit",
    "emerg",
];
/// How many lines of trouble are read: the newest.
pub const LATEST: usize = 300;
/// How many from where the trouble begins.
pub const EARLIEST: usize = 100;
/// How many lines of any kind, for what is usual.
pub const USUAL: usize = 100;

/// The levels that stand for trouble, as they are spelt.
pub const ERROR_LEVELS: &[&str] = &[
    "error",
    "ERROR",
    "Error",
    "err",
    "fatal",
    "FATAL",
    "Fatal",
    "critical",
    "CRITICAL",
    "crit",
    "emergency",
    "panic",
    "severe",
    "SEVERE",
];

/// Fields that name a service, in the words of the common collectors, the most exact first.
pub const SERVICE_FIELDS: &[&str] = &[
    "service.name",
    "service_name",
    "kubernetes.labels.app",
    "kubernetes.labels.app_kubernetes_io/name",
    "k8s.deployment.name",
    "kubernetes.deployment.name",
    "kubernetes.container_name",
    "kubernetes.container.name",
    "k8s.container.name",
    "app",
    "service",
    "container",
    "deployment",
    "job",
    "app_name",
    "component",
    "serviceName",
];
/// Fields that name a namespace.
pub const NAMESPACE_FIELDS: &[&str] = &[
    "namespace",
    "k8s.namespace.name",
    "k8s_namespace_name",
    "kubernetes.namespace_name",
    "kubernetes.namespace",
    "kubernetes.pod_namespace",
    "kubernetes_namespace_name",
    "kube_namespace",
    "namespace_name",
];
/// Fields that name a pod.
pub const POD_FIELDS: &[&str] =
    &["pod", "k8s.pod.name", "k8s_pod_name", "kubernetes.pod_name", "kubernetes.pod.name", "pod_name", "kubernetes_pod_name"];

/// A regular expression of the words, case-insensitive, in RE2's and Rust's language.
pub fn error_pattern() -> String {
    format!("(?i)({})", ERROR_WORDS.iter().map(|word| word.replace(' ', " ?")).collect::<Vec<_>>().join("|"))
}

/// How many lines a person or a model is given at most. Source: Datadog's limit of a page; nobody reads more.
pub const LINES_MAX: u32 = 1_000;

/// A search of a person or a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// In the backend's own language; the tool's description has an example.
    pub query: String,
    /// RFC 3339; an hour before `until` where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    from: Option<Timestamp>,
    /// RFC 3339; now where it is not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    until: Option<Timestamp>,
    /// 1 to 1000.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 1000))]
    limit: u32,
}

/// How many lines are given where nobody says.
pub fn hundred() -> u32 {
    100
}

impl Search {
    /// The span of time, and how many lines.
    ///
    /// # Errors
    /// When more lines are wanted than are given.
    pub fn bounds(&self, tool: &str, now: Timestamp) -> Result<(Window, usize), ToolError> {
        Ok((Window::between(self.from, self.until, now), checked_limit(tool, self.limit)?))
    }
}

/// How many lines, within what is given.
///
/// # Errors
/// When it is none, or more than [`LINES_MAX`].
pub fn checked_limit(tool: &str, limit: u32) -> Result<usize, ToolError> {
    if (1..=LINES_MAX).contains(&limit) {
        return Ok(limit as usize);
    }
    Err(ToolError::arguments(tool, format!("`limit`: {limit} is not between 1 and {LINES_MAX}")))
}

/// Counts of lines of trouble get their name, and are the subject's where they do not say whose.
pub fn counted(series: &mut [Series], subject: &Subject) {
    for one in series {
        "log_errors".clone_into(&mut one.metric);
        if let Some(service) = subject.services.first().filter(|_| one.entity.is_empty()) {
            one.entity = Entity::new("Service", &subject.namespace, service);
        }
    }
}

/// Samples of one log that overlap become one log: each line once, in time order, numbered anew.
pub fn merge(all: &mut Observations) {
    let mut by_writer: BTreeMap<(String, String, String), LogStream> = BTreeMap::new();
    for stream in all.logs.drain(..) {
        let key = (stream.entity.to_string(), stream.container.clone(), stream.dialect.clone());
        match by_writer.get_mut(&key) {
            Some(known) => known.lines.extend(stream.lines),
            None => drop(by_writer.insert(key, stream)),
        }
    }
    for mut stream in by_writer.into_values() {
        stream.lines.sort_by_key(|line| line.time);
        let mut seen = BTreeSet::new();
        stream.lines.retain(|line| seen.insert((line.time, line.service.clone(), line.text.clone())));
        for (line, number) in stream.lines.iter_mut().zip(1..) {
            line.number = number;
        }
        if !stream.lines.is_empty() {
            all.logs.push(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observation::LogLine;

    #[test]
    fn overlapping_samples_hold_each_line_once_and_in_order() {
        let line = |second: i64, text: &str| LogLine {
            number: 1,
            time: jiff::Timestamp::from_second(second).ok(),
            text: text.into(),
            ..LogLine::default()
        };
        let stream = |lines| LogStream { entity: Entity::new("Service", "", "a"), lines, ..LogStream::default() };
        let mut all = Observations {
            logs: vec![stream(vec![line(3, "c"), line(2, "b")]), stream(vec![line(1, "a"), line(2, "b")])],
            ..Observations::default()
        };
        merge(&mut all);
        let told: Vec<(u32, &str)> = all.logs[0].lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(told, [(1, "a"), (2, "b"), (3, "c")]);
        assert!(regex::Regex::new(&error_pattern()).unwrap().is_match("Connection TimedOut"));
    }
}
