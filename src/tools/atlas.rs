//! MongoDB Atlas, by its Admin API: measurements of the processes, slow queries as the servers logged them, open alerts.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    Backend, Output, Query, Tool, ToolError, ToolErrorKind, Window, bundle,
    http::{Answer, Auth, Body, Endpoint, Place},
    live::{self, Gathering, asked},
};
use crate::model::{
    Clock, Entity, Finding,
    observation::{Observations, Series},
};

/// The backend's word in names of tools and settings.
pub const KIND: &str = "atlas";
/// The API's version. Source: Atlas keeps a version for at least a year after a newer one.
const VERSION: &str = "application/vnd.atlas.2024-08-05+json";
/// What is measured. Source: what Atlas' own alerts are set on by default, and the saturation of WiredTiger.
const MEASURES: &[&str] = &[
    "CONNECTIONS",
    "SYSTEM_NORMALIZED_CPU_USER",
    "DISK_PARTITION_SPACE_PERCENT_FREE",
    "DISK_PARTITION_IOPS_TOTAL",
    "QUERY_TARGETING_SCANNED_OBJECTS_PER_RETURNED",
    "OPLOG_SLAVE_LAG_MASTER_TIME",
    "OP_EXECUTION_TIME_READS",
    "OP_EXECUTION_TIME_WRITES",
    "TICKETS_AVAILABLE_READS",
    "TICKETS_AVAILABLE_WRITES",
    "CACHE_DIRTY_BYTES",
    "CACHE_USED_BYTES",
    "GLOBAL_LOCK_CURRENT_QUEUE_TOTAL",
    "OPCOUNTER_QUERY",
    "OPCOUNTER_INSERT",
    "OPCOUNTER_UPDATE",
    "SYSTEM_MEMORY_AVAILABLE",
];
/// How many processes of a project are looked at.
const PROCESSES_MAX: usize = 6;
/// How many slow queries of a process are read.
const SLOW_MAX: usize = 100;
/// How many alerts are told.
const ALERTS_MAX: usize = 100;
/// A token is renewed so long before its end.
const EARLY: Duration = Duration::from_secs(60);

/// One project.
pub struct Atlas {
    instance: String,
    group: String,
    /// Asks with the token.
    endpoint: Endpoint,
    /// Asks for the token, with the account's name and secret.
    account: Endpoint,
    token: Mutex<Option<(SecretString, Instant)>>,
    clock: Clock,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Atlas {
    /// `place` holds the service account's client id and secret as name and password; `group` is the project's id.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(instance: &str, group: &str, place: Place, clock: Clock) -> Result<Self, String> {
        let open = Place { auth: Auth::None, ..place.clone() };
        Ok(Self {
            instance: instance.to_owned(),
            group: group.to_owned(),
            endpoint: Endpoint::new(open, clock.clone())?,
            account: Endpoint::new(place, clock.clone())?,
            token: Mutex::new(None),
            clock,
        })
    }

    async fn diagnose(&self, tool: &str, query: Query) -> Result<Output, ToolError> {
        let window = Window::of(&query, self.clock.now());
        let mut gathering = Gathering::default();
        let processes = self.get(tool, "processes", &[("itemsPerPage", PROCESSES_MAX.to_string())]).await?;
        let listed = processes.json()?;
        gathering.took(Ok(processes));
        let named = listed.get("results").and_then(Value::as_array).into_iter().flatten();
        let processes: Vec<String> = named
            .filter_map(|process| process.get("id")?.as_str())
            .filter(|id| is_process(id))
            .take(PROCESSES_MAX)
            .map(str::to_owned)
            .collect();
        let answers = join_all(processes.iter().map(|process| async move {
            let mut measured =
                vec![("granularity", "PT1M".to_owned()), ("start", window.from.to_string()), ("end", window.until.to_string())];
            measured.extend(MEASURES.iter().map(|name| ("m", (*name).to_owned())));
            let slow = [
                ("since", window.from.as_millisecond().to_string()),
                ("duration", (window.seconds() * 1000).to_string()),
                ("nLogs", SLOW_MAX.to_string()),
            ];
            let (measures, queries) =
                (format!("processes/{process}/measurements"), format!("processes/{process}/performanceAdvisor/slowQueryLogs"));
            tokio::join!(self.get(tool, &measures, &measured), self.get(tool, &queries, &slow))
        }))
        .await;
        for (process, (measures, queries)) in processes.iter().zip(answers) {
            let entity = Entity::new("Database", "", process);
            let source = format!("{KIND} {}: measurements of {process}", self.instance);
            gathering.read_as(asked(source, format!("GET processes/{process}/measurements"), None, window), measures, |source, bytes| {
                measured(source, bytes, &entity)
            });
            let source = format!("{KIND} {}: slow queries of {process}", self.instance);
            gathering.read_as(
                asked(source, format!("GET processes/{process}/performanceAdvisor/slowQueryLogs"), None, window),
                queries,
                |source, bytes| slow(source, bytes, &entity),
            );
        }
        gathering.finish()
    }

    async fn alerts(&self, tool: &str, _: Nothing) -> Result<Output, ToolError> {
        let window = Window::between(None, None, self.clock.now());
        let answer = self.get(tool, "alerts", &[("status", "OPEN".to_owned()), ("itemsPerPage", ALERTS_MAX.to_string())]).await;
        let mut gathering = Gathering::default();
        let asked = asked(format!("{KIND} {}: alerts", self.instance), "GET alerts?status=OPEN".to_owned(), None, window);
        gathering.keep(asked, answer, "alerts", |value| value.get("results").cloned().unwrap_or_default())?;
        gathering.finish()
    }

    /// Asks with a token; one that was taken back meanwhile is asked for anew, once.
    async fn get(&self, tool: &str, path: &str, query: &[(&str, String)]) -> Result<Answer, ToolError> {
        let path = format!("api/atlas/v2/groups/{}/{path}", self.group);
        let mut again = true;
        loop {
            let token = self.token(tool, !again).await?;
            let wrong = |_| ToolError::new(tool, "the token has characters that no header may have", ToolErrorKind::BadAnswer);
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(wrong)?;
            bearer.set_sensitive(true);
            let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer), (ACCEPT, HeaderValue::from_static(VERSION))]);
            match self.endpoint.send_as(tool, Method::GET, &path, query, Body::None, headers).await {
                Err(error) if error.kind == ToolErrorKind::Unauthenticated && again => again = false,
                answer => return answer,
            }
        }
    }

    async fn token(&self, tool: &str, anew: bool) -> Result<SecretString, ToolError> {
        let mut held = self.token.lock().await;
        if let Some((token, _)) = held.as_ref().filter(|(_, until)| !anew && *until > Instant::now()) {
            return Ok(token.clone());
        }
        let form = [("grant_type", "client_credentials".to_owned())];
        let answer = self.account.send(tool, Method::POST, "api/oauth/token", &[], Body::Form(&form)).await?.json()?;
        let token = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let token = SecretString::from(token.ok_or_else(|| ToolError::new(tool, "gave no token", ToolErrorKind::BadAnswer))?.to_owned());
        let seconds = answer.get("expires_in").and_then(Value::as_u64).unwrap_or(300);
        let until = Instant::now() + Duration::from_secs(seconds).saturating_sub(EARLY);
        *held = Some((token.clone(), until));
        Ok(token)
    }
}

#[async_trait]
impl Backend for Atlas {
    fn tools(self: Arc<Self>) -> Vec<Arc<dyn Tool>> {
        let spec = |verb: &str, says: &str| live::spec(KIND, &self.instance, verb, says);
        let diagnose = spec("diagnose", "What MongoDB Atlas measures of a project's processes, and their slow queries").about("database");
        let alerts = spec("alerts", "The open alerts of a MongoDB Atlas project");
        vec![
            live::tool(diagnose, &self, |this: &Self, tool, query: Query| Box::pin(this.diagnose(tool, query))),
            live::tool(alerts, &self, |this: &Self, tool, nothing: Nothing| Box::pin(this.alerts(tool, nothing))),
        ]
    }

    async fn examine(&self) -> Vec<Finding> {
        let what = format!("MongoDB Atlas ({})", self.instance);
        let found = self.get(KIND, "processes", &[("itemsPerPage", "1".to_owned())]).await.and_then(|answer| answer.json());
        vec![match found {
            Ok(value) => Finding::fine(what, format!("sees {} processes", value.get("totalCount").and_then(Value::as_u64).unwrap_or(0))),
            Err(error) => Finding::lacking(
                what,
                error.message,
                "A service account with \"Project Read Only\" and \"Project Data Access Read Only\" is needed, and this machine on its access list.",
            ),
        }]
    }
}

fn measured(source: &str, bytes: &[u8], entity: &Entity) -> Observations {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let list = value.get("measurements").and_then(Value::as_array).into_iter().flatten();
    let series = list.filter_map(|one| {
        let points = one.get("dataPoints")?.as_array()?.iter();
        let points: Vec<(Timestamp, f64)> =
            points.filter_map(|point| Some((point.get("timestamp")?.as_str()?.parse().ok()?, point.get("value")?.as_f64()?))).collect();
        let metric = one.get("name")?.as_str()?.to_lowercase();
        (!points.is_empty()).then(|| Series { source: source.to_owned(), entity: entity.clone(), metric, points, ..Series::default() })
    });
    Observations { metrics: series.collect(), ..Observations::default() }
}

/// The lines are those of the servers' own logs.
fn slow(source: &str, bytes: &[u8], entity: &Entity) -> Observations {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let lines: Vec<&str> =
        value.get("slowQueries").and_then(Value::as_array).into_iter().flatten().filter_map(|one| one.get("line")?.as_str()).collect();
    let mut found = bundle::answer(source, lines.join("\n").as_bytes());
    found.logs.iter_mut().for_each(|log| log.entity = entity.clone());
    found
}

/// `host:port`; it becomes part of an address.
fn is_process(id: &str) -> bool {
    id.len() <= 300
        && id.split_once(':').is_some_and(|(host, port)| {
            port.parse::<u16>().is_ok() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        })
}
