//! What the adapters of live systems share: a tool from a function, an answer that is put together from several questions,
//! and the subject of an investigation in the words that backends know.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Asked, Cost, Output, Query, Tool, ToolError, Window, arguments, bundle, http::Answer, schema};
use crate::model::{
    ToolSpec,
    observation::{Document, Observations, TraceSpan},
};

/// The instance whose name is left out of its tools' names.
pub const MAIN: &str = "main";

/// `loki_logs`, or `loki_eu_logs` for the instance `eu`.
pub fn name(backend: &str, instance: &str, verb: &str) -> String {
    if instance == MAIN { format!("{backend}_{verb}") } else { format!("{backend}_{instance}_{verb}") }
}

/// What a tool of a live system says about itself: it reads, and it asks this instance.
pub fn spec(backend: &str, instance: &str, verb: &str, says: &str) -> ToolSpec {
    ToolSpec::reading(name(backend, instance, verb), says).of(format!("{backend}.{instance}"))
}

type Call<B, A> = for<'a> fn(&'a B, &'a str, A) -> BoxFuture<'a, Result<Output, ToolError>>;

/// A tool that is a function of a backend and typed arguments.
struct Asking<B, A> {
    spec: ToolSpec,
    backend: Arc<B>,
    call: Call<B, A>,
}

#[async_trait]
impl<B: Send + Sync, A: DeserializeOwned + Send> Tool for Asking<B, A> {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, given: &Value) -> Result<Output, ToolError> {
        (self.call)(&self.backend, &self.spec.name, arguments(&self.spec.name, given)?).await
    }
}

/// Makes the tool; its schema is that of `A`.
pub fn tool<B: Send + Sync + 'static, A: DeserializeOwned + JsonSchema + Send + 'static>(
    spec: ToolSpec,
    backend: &Arc<B>,
    call: Call<B, A>,
) -> Arc<dyn Tool> {
    Arc::new(Asking { spec: spec.wanting(schema::<A>()), backend: Arc::clone(backend), call })
}

/// An answer that is being put together.
#[derive(Default)]
pub struct Gathering {
    observations: Observations,
    asked: Vec<Asked>,
    truncated: bool,
    cost: Cost,
    failures: Vec<ToolError>,
    answered: bool,
}

impl Gathering {
    /// Takes an answer whose form is known to the readers of bundles. The cost and the clock are noted, whatever is in it.
    pub fn read(&mut self, asked: Asked, answer: Result<Answer, ToolError>) {
        self.read_as(asked, answer, bundle::answer);
    }

    /// Takes an answer of lines, of which none is an answer, too.
    pub fn read_lines(&mut self, asked: Asked, answer: Result<Answer, ToolError>) {
        match answer {
            Ok(answer) if answer.body.iter().all(u8::is_ascii_whitespace) => {
                self.took(Ok(answer));
                self.add(asked, Observations::default());
            }
            answer => self.read(asked, answer),
        }
    }

    /// Takes an answer that is turned into observations by `reader`.
    pub fn read_as(&mut self, asked: Asked, answer: Result<Answer, ToolError>, reader: impl FnOnce(&str, &[u8]) -> Observations) {
        let Some(answer) = self.took(answer) else { return };
        if let Err(error) = answer.refuse_pages() {
            return self.failed(error);
        }
        let found = reader(&asked.source, &answer.body);
        self.add(asked, found);
    }

    /// Takes an answer that is kept as it is, under the name `kind`; `part` picks what is wanted of it.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn keep(
        &mut self,
        asked: Asked,
        answer: Result<Answer, ToolError>,
        kind: &str,
        part: impl FnOnce(Value) -> Value,
    ) -> Result<(), ToolError> {
        if let Some(answer) = self.took(answer) {
            let document = Document { source: asked.source.clone(), kind: kind.to_owned(), body: part(answer.json()?) };
            self.add(asked, Observations { documents: vec![document], ..Observations::default() });
        }
        Ok(())
    }

    /// Notes cost, clock and cut of an answer, or that there is none.
    pub fn took(&mut self, answer: Result<Answer, ToolError>) -> Option<Answer> {
        match answer {
            Ok(answer) => {
                self.cost += answer.cost();
                self.truncated |= answer.truncated;
                if let Some(skew) = &answer.skew
                    && !self.observations.gaps.contains(skew)
                {
                    self.observations.gaps.push(skew.clone());
                }
                Some(answer)
            }
            Err(error) => {
                self.cost += Cost { calls: 1, bytes: 0 };
                self.failed(error);
                None
            }
        }
    }

    /// Adds observations that are understood already.
    pub fn add(&mut self, asked: Asked, found: Observations) {
        self.answered = true;
        self.observations.merge(found);
        self.asked.push(asked);
    }

    /// A part that could not be asked.
    pub fn failed(&mut self, error: ToolError) {
        self.failures.push(error);
    }

    /// What a part has cost.
    pub fn spent(&mut self, cost: Cost) {
        self.cost += cost;
    }

    /// There was more.
    pub fn cut(&mut self) {
        self.truncated = true;
    }

    pub fn observations(&mut self) -> &mut Observations {
        &mut self.observations
    }

    /// Everything; parts that failed are gaps beside what was answered.
    ///
    /// # Errors
    /// The first failure, when nothing was answered.
    pub fn finish(mut self) -> Result<Output, ToolError> {
        if !self.answered
            && let Some(error) = self.failures.first()
        {
            return Err(error.clone());
        }
        let mut gaps: Vec<String> = self.failures.iter().map(ToString::to_string).collect();
        gaps.dedup();
        self.observations.gaps.extend(gaps);
        Ok(Output { observations: Arc::new(self.observations), asked: self.asked, truncated: self.truncated, cost: self.cost })
    }
}

/// What an investigation is about, as backends can be asked for it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Subject {
    pub namespace: String,
    /// Pods by their whole name.
    pub pods: Vec<String>,
    pub nodes: Vec<String>,
    /// Workloads and services, the most specific first; pods without their hashes.
    pub services: Vec<String>,
}

/// How many names a backend is asked for at once.
const NAMES_MAX: usize = 6;

impl Subject {
    pub fn of(query: &Query) -> Self {
        let mut subject = Self { namespace: query.namespace.clone(), ..Self::default() };
        for entity in query.focus.iter().filter(|entity| !entity.name.is_empty()) {
            if subject.namespace.is_empty() {
                subject.namespace.clone_from(&entity.namespace);
            }
            let list = match entity.kind.as_str() {
                "Pod" => &mut subject.pods,
                "Node" | "Host" => &mut subject.nodes,
                _ => &mut subject.services,
            };
            list.push(entity.name.clone());
        }
        let known: BTreeSet<String> = subject.pods.iter().chain(&subject.nodes).cloned().collect();
        subject.services.extend(subject.pods.iter().map(|pod| workload(pod).to_owned()));
        subject.services.extend(query.words.iter().filter(|word| is_name(word) && !known.contains(*word)).cloned());
        subject.services.extend(query.needs.iter().filter(|word| is_name(word)).cloned());
        let mut seen = BTreeSet::new();
        subject.services.retain(|name| *name != subject.namespace && seen.insert(name.clone()));
        subject.services.truncate(NAMES_MAX);
        subject.pods.truncate(NAMES_MAX);
        subject.nodes.truncate(NAMES_MAX);
        subject
    }

    /// Nobody said what is sick.
    pub fn is_empty(&self) -> bool {
        self.namespace.is_empty() && self.pods.is_empty() && self.nodes.is_empty() && self.services.is_empty()
    }
}

/// `checkout` of `checkout-7f5b9c4d68-4xk9p` and of `checkout-0`; a name that is no pod's stays whole.
pub fn workload(pod: &str) -> &str {
    let hash = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_digit() || !b"aeiou013".contains(&b))
    };
    let Some((rest, last)) = pod.rsplit_once('-') else { return pod };
    if last.len() <= 3 && last.bytes().all(|b| b.is_ascii_digit()) {
        return rest;
    }
    if !hash(last, 5..=5) {
        return pod;
    }
    match rest.rsplit_once('-') {
        Some((name, middle)) if hash(middle, 6..=10) && middle.bytes().any(|b| b.is_ascii_digit()) => name,
        _ => rest,
    }
}

/// It could be the name of a service: one word of the letters that such names have.
fn is_name(word: &str) -> bool {
    word.len() > 2 && word.len() <= 253 && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// The first `most` of a list; anything else stays as it is.
pub fn first(mut value: Value, most: usize) -> Value {
    if let Some(list) = value.as_array_mut() {
        list.truncate(most);
    }
    value
}

/// Each span once, however many questions found it.
pub fn once(spans: &mut Vec<TraceSpan>) {
    let mut seen = BTreeSet::new();
    spans.retain(|span| seen.insert((span.trace_id.clone(), span.span_id.clone())));
}

/// A string of PromQL, LogQL and LogsQL, which all write them as Go does.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A question for a backend about a span of time.
pub fn asked(source: String, query: String, link: Option<String>, window: Window) -> Asked {
    Asked { source, query, link, from: Some(window.from), until: Some(window.until) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Entity;

    #[test]
    fn pods_lose_their_hashes() {
        for (pod, name) in [
            ("checkout-7f5b9c4d68-4xk9p", "checkout"),
            ("orders-db-0", "orders-db"),
            ("node-exporter-x2k8f", "node-exporter"),
            ("checkout", "checkout"),
            ("payments-api", "payments-api"),
            ("", ""),
        ] {
            assert_eq!(workload(pod), name, "{pod}");
        }
    }

    #[test]
    fn a_subject_is_told_by_kind() {
        let query = Query {
            focus: vec![
                Entity::new("Pod", "shop", "checkout-7f5b9c4d68-4xk9p"),
                Entity::new("Node", "", "n1"),
                Entity::new("", "shop", "checkout"),
            ],
            words: vec!["checkout".into(), "why?".into(), "n1".into()],
            needs: vec!["orders-db".into()],
            ..Query::default()
        };
        let subject = Subject::of(&query);
        assert_eq!(subject.namespace, "shop");
        assert_eq!((subject.pods.len(), subject.nodes.clone()), (1, vec!["n1".to_owned()]));
        assert_eq!(subject.services, ["checkout", "orders-db"]);
    }
}
