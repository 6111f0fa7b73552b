//! Deployments as GitHub and GitLab record them.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::Value;

use super::{
    Backend, Output, Query, Tool, ToolError, Window,
    http::{Endpoint, Place},
    live::{self, Gathering, asked},
};
use crate::model::{
    Clock, Finding,
    observation::{Change, Observations},
};

/// The backends' words in names of tools and settings.
pub const GITHUB: &str = "github";
pub const GITLAB: &str = "gitlab";
/// How many repositories are asked in one investigation.
pub const PLACES_MAX: usize = 20;
/// How many deployments of one repository are read.
const EACH: usize = 30;

/// Where a team's deployments are recorded.
pub struct Deployments {
    kind: &'static str,
    instance: String,
    /// `owner/name` at GitHub; an id or a path at GitLab.
    places: Vec<String>,
    endpoint: Endpoint,
    clock: Clock,
}

impl Deployments {
    /// `kind` is [`GITHUB`] or [`GITLAB`].
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(kind: &'static str, instance: &str, places: Vec<String>, place: Place, clock: Clock) -> Result<Self, String> {
        Ok(Self { kind, instance: instance.to_owned(), places, endpoint: Endpoint::new(place, clock.clone())?, clock })
    }

    async fn changes(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let mut gathering = Gathering::default();
        let answers = join_all(self.places.iter().take(PLACES_MAX).map(|place| self.newest(tool, place, window))).await;
        for (place, answer) in self.places.iter().zip(answers) {
            let Some(answer) = gathering.took(answer) else { continue };
            let source = format!("{} {}: {place}", self.kind, self.instance);
            let value = answer.json()?;
            let read = if self.kind == GITHUB { github } else { gitlab };
            let changes = value.as_array().into_iter().flatten().map(|row| Change { source: source.clone(), ..read(place, row) });
            let changes: Vec<Change> =
                changes.filter(|change| change.time.is_some_and(|time| time >= window.from && time <= window.until)).collect();
            gathering.add(
                asked(source, format!("GET /{}", self.path(place)), None, window),
                Observations { changes, ..Observations::default() },
            );
        }
        gathering.finish()
    }

    async fn newest(&self, tool: &str, place: &str, window: Window) -> Result<super::http::Answer, ToolError> {
        let mut form = vec![("per_page", EACH.to_string())];
        if self.kind == GITLAB {
            form.extend([("updated_after", window.from.to_string()), ("order_by", "updated_at".to_owned()), ("sort", "desc".to_owned())]);
        }
        self.endpoint.get(tool, &self.path(place), &form).await
    }

    fn path(&self, place: &str) -> String {
        if self.kind == GITHUB {
            format!("repos/{place}/deployments")
        } else {
            format!("api/v4/projects/{}/deployments", place.replace('/', "%2F"))
        }
    }
}

#[async_trait]
impl Backend for Deployments {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = live::spec(
            self.kind,
            &self.instance,
            "deployments",
            "The deployments of the configured repositories: what was deployed when, by whom",
        )
        .about("changes");
        vec![live::tool(spec, &self, |this: &Self, tool, query: Query| Box::pin(this.changes(tool, query)))]
    }

    async fn examine(&self) -> Vec<Finding> {
        let window = Window::between(None, None, self.clock.now());
        let tried = join_all(self.places.iter().take(PLACES_MAX).map(|place| self.newest(self.kind, place, window))).await;
        let shown = if self.kind == GITHUB { "GitHub" } else { "GitLab" };
        let finding = |(place, answer): (&String, Result<super::http::Answer, ToolError>)| {
            let what = format!("{shown} ({})", place);
            match answer {
                Ok(_) => Finding::fine(what, "its deployments can be read"),
                Err(error) => Finding::lacking(
                    what,
                    error.message,
                    "A token with read access to deployments is needed; until then they are missing from reports.",
                ),
            }
        };
        self.places.iter().zip(tried).map(finding).collect()
    }
}

fn text<'a>(row: &'a Value, path: &str) -> &'a str {
    row.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn github(place: &str, row: &Value) -> Change {
    let (name, environment, reference) = (place.rsplit('/').next().unwrap_or(place), text(row, "/environment"), text(row, "/ref"));
    let description = text(row, "/description");
    Change {
        id: text(row, "/sha").to_owned(),
        kind: "deploy".to_owned(),
        service: name.to_owned(),
        time: text(row, "/created_at").parse().ok(),
        author: text(row, "/creator/login").to_owned(),
        summary: format!("deployed {name} {reference} to {environment} {description}").trim_end().to_owned(),
        ..Change::default()
    }
}

fn gitlab(place: &str, row: &Value) -> Change {
    let name = place.rsplit('/').next().unwrap_or(place);
    let (environment, reference, status) = (text(row, "/environment/name"), text(row, "/ref"), text(row, "/status"));
    Change {
        id: text(row, "/sha").to_owned(),
        kind: "deploy".to_owned(),
        service: name.to_owned(),
        time: ["/deployable/finished_at", "/updated_at", "/created_at"].iter().find_map(|path| text(row, path).parse().ok()),
        author: text(row, "/user/username").to_owned(),
        summary: format!("deployed {name} {reference} to {environment}: {status}, {}", text(row, "/deployable/commit/title"))
            .trim_end_matches([',', ' '])
            .to_owned(),
        ..Change::default()
    }
}
