//! Tools of other MCP servers. Each is pinned by a hash of its name, description and schema when a person approves it: a server
//! that changes one of them has its tool switched off until a person looks again. What a server says about its own tools is a
//! hint and never believed: only those that say that they read are taken, unless the settings allow more.

mod connection;
mod pin;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use rmcp::model::{CallToolRequestParams, ContentBlock};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use self::connection::Connection;
pub use self::pin::pin;
use super::{
    Asked, Backend, Cost, Output, Query, Tool, ToolError, ToolErrorKind, Window, arguments, bundle,
    http::ANSWER_MAX,
    live::{self, Gathering, Subject},
};
use crate::model::{
    Annotations, Clock, Finding, ToolSpec,
    observation::{Document, Observations},
};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "mcp";

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum Reach {
    /// A program that is started and spoken to by its standard input and output. It sees these variables and no others: our own
    /// secrets are in the environment.
    Command {
        words: Vec<String>,
        environment: BTreeMap<String, String>,
    },
    Url {
        url: String,
        token: Option<SecretString>,
    },
}

/// A tool that a person approved.
#[derive(Debug, Clone, Default)]
pub struct Approved {
    /// `sha256:…` of what was approved.
    pub pin: String,
    /// The kind of evidence that agents ask it for; empty where it is for people and models only.
    pub topic: String,
    /// With a topic: its arguments, with `{service}`, `{namespace}`, `{pod}`, `{from}` and `{until}` filled in.
    pub arguments: Map<String, Value>,
    /// It may be called although it does not say that it only reads.
    pub may_write: bool,
}

/// One server, and its approved tools by the server's own names.
#[derive(Debug, Clone)]
pub struct Server {
    pub name: String,
    pub reach: Reach,
    pub tools: BTreeMap<String, Approved>,
}

/// A server that others run.
pub struct Mcp {
    server: Server,
    connection: Connection,
    /// The tools as they were last seen.
    seen: RwLock<BTreeMap<String, rmcp::model::Tool>>,
    clock: Clock,
}

/// One tool of such a server.
struct Remote {
    spec: ToolSpec,
    name: String,
    approved: Approved,
    mcp: Arc<Mcp>,
}

impl Mcp {
    pub fn new(server: Server, clock: Clock) -> Self {
        Self { connection: Connection::new(&server.name, server.reach.clone()), server, seen: RwLock::default(), clock }
    }

    /// Looks at the server's tools, so that their descriptions are known. One that is not reached is tried again at the first call.
    pub async fn look(&self) -> Result<(), ToolError> {
        let tools = self.connection.list(KIND).await?;
        let tools = tools.into_iter().map(|tool| (tool.name.to_string(), tool)).collect();
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = tools;
        Ok(())
    }

    fn seen(&self, name: &str) -> Option<rmcp::model::Tool> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The tool as it is now, if it is still what was approved.
    async fn checked(&self, tool: &str, name: &str, approved: &Approved) -> Result<(), ToolError> {
        self.look().await?;
        let refuse = |said: String| Err(ToolError::new(tool, said, ToolErrorKind::NotAsked));
        let Some(now) = self.seen(name) else {
            return refuse(format!("the MCP server {} has no tool {name} any more", self.server.name));
        };
        let pin = pin(&now);
        if pin != approved.pin {
            return refuse(format!(
                "switched off: the MCP server {} changed the name, description or schema of {name} since it was approved; look at it (`sre-agent doctor`) and set `sources.mcp.{}.tools.{name}.pin` to {pin}",
                self.server.name, self.server.name
            ));
        }
        if !reads(&now) && !approved.may_write {
            return refuse(format!(
                "switched off: {name} does not say that it only reads; `sources.mcp.{}.tools.{name}.may_write: true` would allow it",
                self.server.name
            ));
        }
        Ok(())
    }
}

fn reads(tool: &rmcp::model::Tool) -> bool {
    tool.annotations.as_ref().and_then(|annotations| annotations.read_only_hint) == Some(true)
}

#[async_trait]
impl Backend for Mcp {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let remote = |(name, approved): (&String, &Approved)| {
            let now = self.seen(name);
            let said = now.as_ref().and_then(|tool| tool.description.as_deref()).unwrap_or("A tool of another MCP server");
            let mut spec =
                ToolSpec::reading(format!("{KIND}_{}_{name}", self.server.name), format!("{said} (MCP server {})", self.server.name))
                    .of(format!("{KIND}.{}", self.server.name))
                    .about(approved.topic.clone());
            spec.schema = match &now {
                _ if !approved.topic.is_empty() => super::schema::<Query>(),
                Some(tool) => Value::Object((*tool.input_schema).clone()),
                None => json!({"type": "object"}),
            };
            if approved.may_write && !now.as_ref().is_some_and(reads) {
                spec.annotations = Annotations::UNKNOWN;
            }
            Arc::new(Remote { spec, name: name.clone(), approved: approved.clone(), mcp: Arc::clone(&self) }) as Arc<dyn Tool>
        };
        self.server.tools.iter().map(remote).collect()
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("MCP server {}", self.server.name);
        if let Err(error) = self.look().await {
            return vec![Finding::lacking(what, error.message, "Its tools are missing until this works.")];
        }
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut findings = vec![Finding::fine(what, format!("offers {} tools, {} of them approved", seen.len(), self.server.tools.len()))];
        for (name, approved) in &self.server.tools {
            let what = format!("MCP tool {}/{name}", self.server.name);
            findings.push(match seen.get(name) {
                None => Finding::lacking(what, "the server does not offer it", "Take it out of the settings, or update the server."),
                Some(tool) if pin(tool) != approved.pin => Finding::lacking(
                    what,
                    "its name, description or schema are not those that were approved: it is switched off",
                    format!(
                        "Look at it: \"{}\". If it is fine, set its `pin` to {}.",
                        tool.description.as_deref().unwrap_or_default(),
                        pin(tool)
                    ),
                ),
                Some(tool) if !reads(tool) && !approved.may_write => Finding::lacking(
                    what,
                    "it does not say that it only reads: it is switched off",
                    "Set `may_write: true` only if what it changes may be changed without asking.",
                ),
                Some(_) => Finding::fine(what, "as approved"),
            });
        }
        let others: Vec<String> = seen
            .values()
            .filter(|tool| !self.server.tools.contains_key(tool.name.as_ref()))
            .map(|tool| format!("{}: {{pin: \"{}\"}}", tool.name, pin(tool)))
            .collect();
        if !others.is_empty() {
            findings.push(Finding::fine(
                format!("MCP server {}: not approved", self.server.name),
                format!("to approve, add below `sources.mcp.{}.tools`: {}", self.server.name, others.join(", ")),
            ));
        }
        findings
    }
}

#[async_trait]
impl Tool for Remote {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    async fn call(&self, given: &Value) -> Result<Output, ToolError> {
        let tool = self.spec.name.as_str();
        self.mcp.checked(tool, &self.name, &self.approved).await?;
        let filled = if self.approved.topic.is_empty() {
            given.as_object().cloned().unwrap_or_default()
        } else {
            let query: Query = arguments(tool, given)?;
            filled(&self.approved.arguments, &query, Window::of(&query, self.mcp.clock.now()))
        };
        let request = CallToolRequestParams::new(self.name.clone()).with_arguments(filled.clone());
        let result = self.mcp.connection.call(tool, request).await?;
        let mut text = String::new();
        for block in &result.content {
            if let ContentBlock::Text(block) = block {
                text.push_str(&block.text);
                text.push('\n');
            }
        }
        if text.trim().is_empty()
            && let Some(structured) = &result.structured_content
        {
            text = structured.to_string();
        }
        let mut gathering = Gathering::default();
        if text.len() > ANSWER_MAX {
            let cut = text.floor_char_boundary(ANSWER_MAX);
            text.truncate(cut);
            gathering.cut();
        }
        if result.is_error == Some(true) {
            let said: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
            return Err(ToolError::new(tool, format!("the MCP server {} failed: {said}", self.mcp.server.name), ToolErrorKind::BadAnswer));
        }
        let source = format!("mcp {}: {}", self.mcp.server.name, self.name);
        let mut found = bundle::answer(&source, text.as_bytes());
        if found == Observations::default() && !text.trim().is_empty() {
            found.documents.push(Document { source: source.clone(), kind: "text".to_owned(), body: Value::String(text.clone()) });
        }
        gathering.spent(Cost { calls: 2, bytes: text.len() as u64 });
        gathering.add(Asked { source, query: format!("{} {}", self.name, Value::Object(filled)), ..Asked::default() }, found);
        gathering.finish()
    }
}

/// The arguments with the subject's names in their places; text is only ever put inside of text.
fn filled(template: &Map<String, Value>, query: &Query, window: Window) -> Map<String, Value> {
    let subject = Subject::of(query);
    let pod = subject.pods.first().cloned().unwrap_or_default();
    let service = subject.services.first().cloned().unwrap_or_else(|| live::workload(&pod).to_owned());
    let places = [
        ("{service}", service),
        ("{namespace}", subject.namespace),
        ("{pod}", pod),
        ("{from}", window.from.to_string()),
        ("{until}", window.until.to_string()),
    ];
    fn fill(value: &Value, places: &[(&str, String)]) -> Value {
        match value {
            Value::String(text) => Value::String(places.iter().fold(text.clone(), |text, (place, value)| text.replace(place, value))),
            Value::Array(items) => items.iter().map(|item| fill(item, places)).collect(),
            Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), fill(value, places))).collect()),
            other => other.clone(),
        }
    }
    template.iter().map(|(name, value)| (name.clone(), fill(value, &places))).collect()
}
