//! Whose log is worth reading: the sick containers of the subject first, with the run that died.

use futures_util::future::join_all;
use serde_json::Value;

use super::{Kubernetes, kinds::PODS, lists::Which};
use crate::{
    model::{
        Entity,
        observation::{LogStream, Observations},
    },
    tools::{
        Asked, Cost, Output, Query, ToolError, ToolErrorKind, Window, bundle,
        live::{Gathering, Subject, workload},
    },
};

/// How many logs one investigation reads.
const LOGS_MAX: usize = 6;
/// How many logs of pods that seem well.
const WELL_MAX: usize = 2;
/// How much of one log is read: its end.
const LINES: u32 = 1_000;
const BYTES: u32 = 256 << 10;

/// One log that is worth reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The lower, the sooner.
    rank: u8,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub previous: bool,
}

impl Kubernetes {
    /// The logs of the subject's containers.
    pub(super) async fn logs(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let subject = Subject::of(&query);
        let window = Window::of(&query, self.clock.now());
        let namespaces = self.namespaces(tool, &subject).await?;
        let mut gathering = Gathering::default();
        let mut wanted = Vec::new();
        let lists: Vec<Which> = match (namespaces.is_empty(), subject.nodes.is_empty()) {
            (true, false) => subject.nodes.iter().map(|node| Which::default().fields(format!("spec.nodeName={node}"))).collect(),
            (true, true) => vec![Which::default().unwell()],
            _ => namespaces.iter().map(|namespace| Which::within(namespace)).collect(),
        };
        for which in lists {
            match self.lists.get(tool, PODS, which).await {
                Ok(listed) => wanted.extend(listed.items.iter().flat_map(|pod| of_pod(pod, &subject))),
                Err(error) => gathering.failed(error),
            }
        }
        let chosen = choose(wanted);
        if chosen.is_empty() {
            gathering.add(Asked { source: self.source("logs"), ..Asked::default() }, Observations::default());
        }
        // The run that died may have begun long before the window; of the present one only the window matters.
        let since = u64::try_from(self.clock.now().as_second() - window.from.as_second()).unwrap_or(3600).max(60);
        let answers = join_all(chosen.iter().map(|log| self.read(tool, log, Some(since).filter(|_| !log.previous), LINES))).await;
        for (log, answer) in chosen.into_iter().zip(answers) {
            match answer {
                Ok(text) => self.take_log(&mut gathering, &log, &text),
                // There may be no previous run any more, or the container has not begun: no gap.
                Err(error) if error.kind == ToolErrorKind::BadArguments => {
                    gathering.add(Asked { source: log.source(self.client.cluster()), ..Asked::default() }, Observations::default())
                }
                Err(error) => gathering.failed(error),
            }
        }
        gathering.finish()
    }

    /// Reads one log.
    pub(super) async fn read(&self, tool: &str, log: &Wanted, since: Option<u64>, lines: u32) -> Result<Vec<u8>, ToolError> {
        let path = address(log, since, lines);
        self.client.get(tool, &path, "*/*").await.map(|page| page.body)
    }

    /// Takes a log's text into an answer.
    pub(super) fn take_log(&self, gathering: &mut Gathering, log: &Wanted, text: &[u8]) {
        let source = log.source(self.client.cluster());
        let mut found = bundle::answer(&source, text);
        let cluster = if self.named { self.client.cluster() } else { "" };
        for stream in &mut found.logs {
            stream.entity = Entity { cluster: cluster.to_owned(), ..Entity::new("Pod", &log.namespace, &log.pod) };
            log.container.clone_into(&mut stream.container);
            stream.previous = log.previous;
        }
        // A log is a log, whatever its lines look like.
        if found.logs.is_empty() && !text.is_empty() {
            let text = String::from_utf8_lossy(text);
            found = Observations {
                logs: bundle::logs::read(&source, &text)
                    .into_iter()
                    .map(|stream| LogStream { entity: Entity::new("Pod", &log.namespace, &log.pod), ..stream })
                    .collect(),
                ..Observations::default()
            };
        }
        gathering.spent(Cost { calls: 1, bytes: text.len() as u64 });
        let previous = if log.previous { " --previous" } else { "" };
        let query = format!("kubectl logs -n {} {} -c {}{previous} --timestamps --tail={LINES}", log.namespace, log.pod, log.container);
        gathering.add(Asked { source, query, ..Asked::default() }, found);
    }
}

fn address(log: &Wanted, since: Option<u64>, lines: u32) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("timestamps", "true").append_pair("tailLines", &lines.to_string()).append_pair("limitBytes", &BYTES.to_string());
    if !log.container.is_empty() {
        query.append_pair("container", &log.container);
    }
    if log.previous {
        query.append_pair("previous", "true");
    }
    if let Some(since) = since {
        query.append_pair("sinceSeconds", &since.to_string());
    }
    format!("/api/v1/namespaces/{}/pods/{}/log?{}", log.namespace, log.pod, query.finish())
}

impl Wanted {
    pub fn new(namespace: &str, pod: &str, container: &str, previous: bool) -> Self {
        Self { rank: 0, namespace: namespace.to_owned(), pod: pod.to_owned(), container: container.to_owned(), previous }
    }

    pub fn source(&self, cluster: &str) -> String {
        let previous = if self.previous { " previous" } else { "" };
        format!("kubernetes {cluster}: log {}/{} {}{previous}", self.namespace, self.pod, self.container)
    }
}

/// The logs of a pod that are worth reading.
fn of_pod(pod: &Value, subject: &Subject) -> Vec<Wanted> {
    let text = |path: &str| pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    let meant = subject.pods.iter().any(|pod| pod == name);
    let related = subject.services.iter().any(|service| service == workload(name) || name.starts_with(&format!("{service}-")));
    let specific = !subject.pods.is_empty() || !subject.services.is_empty();
    let mut out = Vec::new();
    for (statuses, specs) in [("/status/initContainerStatuses", "/spec/initContainers"), ("/status/containerStatuses", "/spec/containers")]
    {
        let statuses = pod.pointer(statuses).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for spec in pod.pointer(specs).and_then(Value::as_array).into_iter().flatten() {
            let Some(container) = spec.get("name").and_then(Value::as_str) else { continue };
            let Some(status) = statuses.iter().find(|status| status.get("name").and_then(Value::as_str) == Some(container)) else {
                continue;
            };
            let died = status.pointer("/lastState/terminated").is_some()
                || status.pointer("/state/terminated/exitCode").and_then(Value::as_i64).is_some_and(|code| code != 0);
            let ready = status.get("ready").and_then(Value::as_bool).unwrap_or(false)
                || status.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0);
            let sick = died || !ready;
            let rank = match (sick, meant, related) {
                (true, true, _) => 0,
                (true, _, true) => 1,
                (false, true, _) => 2,
                (true, ..) if !specific => 2,
                (false, _, true) => 3,
                (true, ..) => 4,
                (false, ..) if !specific && statuses.len() == 1 => 9,
                _ => continue,
            };
            let wanted = |previous| Wanted { rank, ..Wanted::new(namespace, name, container, previous) };
            if status.pointer("/lastState/terminated").is_some() {
                out.push(wanted(true));
            }
            // What waits for its image or its volume has no log.
            if status.pointer("/state/running").is_some()
                || status.pointer("/state/terminated").is_some()
                || status.pointer("/lastState/terminated").is_some()
            {
                out.push(wanted(false));
            }
        }
    }
    out
}

/// The first of every workload before the second of any.
fn choose(mut wanted: Vec<Wanted>) -> Vec<Wanted> {
    wanted.sort();
    let mut out: Vec<Wanted> = Vec::new();
    for round in 0..2 {
        for log in &wanted {
            let same = out
                .iter()
                .filter(|other| {
                    workload(&other.pod) == workload(&log.pod) && other.container == log.container && other.previous == log.previous
                })
                .count();
            let well = log.rank >= 3 && out.iter().filter(|other| other.rank >= 3).count() >= WELL_MAX;
            if out.len() < LOGS_MAX && same == round && !well && !out.contains(log) {
                out.push(log.clone());
            }
        }
    }
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, ready: bool, died: bool) -> Value {
        let mut status = json!({"name": "app", "ready": ready, "state": {"running": {}}});
        if died {
            status["lastState"] = json!({"terminated": {"exitCode": 1}});
        }
        json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [{"name": "app"}]}, "status": {"containerStatuses": [status]}})
    }

    #[test]
    fn the_run_that_died_comes_first_and_no_workload_takes_all_places() {
        let subject = Subject { services: vec!["checkout".into()], ..Subject::default() };
        let mut pods: Vec<Value> =
            ["4xk9p", "5xk9p", "6xk9p", "7xk9p"].iter().map(|end| pod(&format!("checkout-7f5b9c4d68-{end}"), false, true)).collect();
        pods.push(pod("orders-7f5b9c4d68-4xk9p", false, true));
        pods.push(pod("well-7f5b9c4d68-4xk9p", true, false));
        let chosen = choose(pods.iter().flat_map(|pod| of_pod(pod, &subject)).collect());
        let names: Vec<String> = chosen.iter().map(|log| format!("{}{}", log.pod, if log.previous { "!" } else { "" })).collect();
        assert_eq!(
            names,
            [
                "checkout-7f5b9c4d68-4xk9p",
                "checkout-7f5b9c4d68-4xk9p!",
                "checkout-7f5b9c4d68-5xk9p",
                "checkout-7f5b9c4d68-5xk9p!",
                "orders-7f5b9c4d68-4xk9p",
                "orders-7f5b9c4d68-4xk9p!"
            ]
        );
    }
}
