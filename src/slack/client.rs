//! Web API calls: bounded in time, errors told apart by what the caller can do about them.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::error::{SlackError, SlackErrorKind, classify};
use crate::web::{self, Proxy};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::{HttpConnector, proxy::Tunnel};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use slack_morphism::{SlackApiToken, SlackClient, errors::SlackClientError, hyper_tokio::SlackClientHyperConnector};

/// How long one call may take; Slack answers in well under a second, and the library has no timeout of its own.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How many messages one page of a search holds.
const SEARCH_PAGE: &str = "200";
/// How many pages are searched for one of our own messages.
const SEARCH_PAGES: usize = 10;
/// The metadata event type that marks our messages.
const METADATA_EVENT: &str = "sre_agent_message";

/// What Slack says when a token is not good any more; a person must give a new one.
const TOKEN_REFUSALS: [&str; 5] = ["invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive"];

type Api<C> = SlackClient<SlackClientHyperConnector<HttpsConnector<C>>>;

/// The way to the Web API: straight, or through the proxy's tunnel.
enum Way {
    Straight(Api<HttpConnector>),
    Tunnel(Api<Tunnel<HttpConnector>>),
}

/// A message that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub ts: String,
}

/// A message of ours that was found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub ts: String,
    /// It was begun as a stream, which may still be open.
    pub streamed: bool,
}

/// The Slack workspace, as one bot token sees it.
pub struct Client {
    slack: Way,
    token: SlackApiToken,
    /// Why Slack refuses the token, as of the last call.
    refusal: Mutex<Option<String>>,
    /// For the addresses that Slack gives us (answers to an act, uploads): they are no Web API methods.
    pub(super) http: reqwest::Client,
    pub(super) api_url: String,
    /// Who is who, as far as it was asked lately.
    pub(super) people: super::people::Cache,
}

/// How to reach Slack.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `https://slack.com/api`, or another one for a workspace on this machine.
    pub api_url: String,
    proxy: Option<Proxy>,
    pub(super) http: reqwest::Client,
}

impl Connection {
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(api_url: &str, proxy: Option<Proxy>) -> Result<Self, String> {
        let http = web::client(CALL_TIMEOUT, proxy.as_ref())?;
        Ok(Self { api_url: api_url.trim_end_matches('/').to_owned(), proxy, http })
    }

    /// The HTTP proxy that leads out, where there is one.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The HTTP proxy that leads to `host`, where one does.
    pub(super) fn proxy_to(&self, host: &str) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.applies(host))
    }

    fn proxy_to_api(&self) -> Option<&Proxy> {
        url::Url::parse(&self.api_url).ok()?.host_str().and_then(|host| self.proxy_to(host))
    }
}

impl Client {
    /// One token's view of Slack.
    pub fn new(connection: &Connection, bot_token: &SecretString) -> Self {
        let https = || hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_all_versions();
        let tunnel = connection.proxy_to_api().and_then(tunnel);
        let slack = match tunnel {
            Some(tunnel) => Way::Tunnel(api(https().wrap_connector(tunnel), &connection.api_url)),
            None => Way::Straight(api(https().build(), &connection.api_url)),
        };
        let (http, api_url) = (connection.http.clone(), connection.api_url.clone());
        let token = SlackApiToken::new(bot_token.expose_secret().to_owned().into());
        Self { http, api_url, slack, token, refusal: Mutex::default(), people: super::people::Cache::default() }
    }

    /// Whether this is the token that the client uses.
    pub fn has_token(&self, token: &SecretString) -> bool {
        self.token.token_value.0 == token.expose_secret()
    }

    pub(super) fn token(&self) -> SecretString {
        self.token.token_value.0.clone().into()
    }

    /// Why Slack refuses the token, in its own word; `None` while it accepts it.
    pub fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers whether Slack still accepts the token.
    fn judged(&self, result: Result<Value, SlackError>) -> Result<Value, SlackError> {
        let said = match &result {
            Ok(_) => Some(None),
            Err(error) if TOKEN_REFUSALS.contains(&error.message.as_str()) => Some(Some(error.message.clone())),
            Err(_) => None,
        };
        if let Some(said) = said {
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = said;
        }
        result
    }

    /// A method that writes: its arguments go as JSON.
    pub(super) async fn call(&self, method: &'static str, body: &Value) -> Result<Value, SlackError> {
        let result = match &self.slack {
            Way::Straight(slack) => {
                bounded(method, slack.open_session(&self.token).http_session_api.http_post::<Value, Value>(method, body, None)).await
            }
            Way::Tunnel(slack) => {
                bounded(method, slack.open_session(&self.token).http_session_api.http_post::<Value, Value>(method, body, None)).await
            }
        };
        self.judged(result)
    }

    /// A method that reads: Slack takes no JSON there, its arguments go in the query.
    pub(super) async fn ask(&self, method: &'static str, parameters: &Vec<(&str, Option<&str>)>) -> Result<Value, SlackError> {
        let result = match &self.slack {
            Way::Straight(slack) => {
                bounded(method, slack.open_session(&self.token).http_session_api.http_get::<Value, _, _>(method, parameters, None)).await
            }
            Way::Tunnel(slack) => {
                bounded(method, slack.open_session(&self.token).http_session_api.http_get::<Value, _, _>(method, parameters, None)).await
            }
        };
        self.judged(result)
    }

    /// Who we are: our bot's user id and bot id.
    ///
    /// # Errors
    /// When the token is not accepted or Slack is not reachable.
    pub async fn auth_test(&self) -> Result<Value, SlackError> {
        self.call("auth.test", &json!({})).await
    }

    /// Posts a message; `delivery` is kept in its metadata so that it can be found again.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn post(&self, channel: &str, thread_ts: Option<&str>, message: &Value, delivery: &str) -> Result<Posted, SlackError> {
        let mut body = message.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("channel".to_owned(), channel.into());
            fields.insert("unfurl_links".to_owned(), false.into());
            fields.insert("unfurl_media".to_owned(), false.into());
            fields.insert("metadata".to_owned(), delivery_metadata(delivery));
            if let Some(ts) = thread_ts {
                fields.insert("thread_ts".to_owned(), ts.into());
            }
        }
        let answer = self.call("chat.postMessage", &body).await?;
        posted("chat.postMessage", &answer)
    }

    /// Edits a message in place; doing it twice changes nothing.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn update(&self, channel: &str, ts: &str, message: &Value) -> Result<(), SlackError> {
        let mut body = message.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("channel".to_owned(), channel.into());
            fields.insert("ts".to_owned(), ts.into());
        }
        self.call("chat.update", &body).await.map(drop)
    }

    /// Looks for a message that was posted or streamed with `delivery`, in a thread or, without one, in the channel.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn find(&self, channel: &str, thread_ts: Option<&str>, delivery: &str) -> Result<Option<Found>, SlackError> {
        let found = |message: &Value| {
            let streamed = !carries(message, delivery);
            let ours = !streamed || message.get("blocks").is_some_and(|blocks| names(blocks, delivery));
            let ts = message.get("ts").and_then(Value::as_str).filter(|_| ours)?;
            Some(Found { ts: ts.to_owned(), streamed })
        };
        self.search(channel, thread_ts, found).await
    }

    /// The first message, of the newest thousands, in which `wanted` finds what it looks for.
    pub(super) async fn search<T>(
        &self,
        channel: &str,
        thread_ts: Option<&str>,
        wanted: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, SlackError> {
        let method = if thread_ts.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut cursor = String::new();
        for _ in 0..SEARCH_PAGES {
            let mut parameters = vec![("channel", Some(channel)), ("limit", Some(SEARCH_PAGE)), ("include_all_metadata", Some("true"))];
            parameters.extend(thread_ts.map(|ts| ("ts", Some(ts))));
            if !cursor.is_empty() {
                parameters.push(("cursor", Some(cursor.as_str())));
            }
            let answer = self.ask(method, &parameters).await?;
            let messages = answer.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if let Some(found) = messages.iter().find_map(&wanted) {
                return Ok(Some(found));
            }
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default().to_owned();
            if next.is_empty() {
                break;
            }
            cursor = next;
        }
        Ok(None)
    }

    /// Sets a reaction; one that is set already is fine.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn react(&self, channel: &str, ts: &str, name: &str) -> Result<(), SlackError> {
        fine_already(self.call("reactions.add", &json!({"channel": channel, "timestamp": ts, "name": name})).await)
    }

    /// Takes a reaction away; one that is not there is fine.
    ///
    /// # Errors
    /// See [`SlackErrorKind`].
    pub async fn unreact(&self, channel: &str, ts: &str, name: &str) -> Result<(), SlackError> {
        fine_already(self.call("reactions.remove", &json!({"channel": channel, "timestamp": ts, "name": name})).await)
    }
}

fn api<C>(connector: HttpsConnector<C>, api_url: &str) -> Api<C>
where
    HttpsConnector<C>: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    SlackClient::new(SlackClientHyperConnector::with_connector(connector).with_slack_api_url(api_url))
}

/// The tunnel through a proxy; its address was checked when it was read, so that there always is one.
fn tunnel(proxy: &Proxy) -> Option<Tunnel<HttpConnector>> {
    let tunnel = Tunnel::new(proxy.bare().parse().ok()?, HttpConnector::new());
    match proxy.authorization() {
        Some(authorization) => Some(tunnel.with_auth(authorization.parse().ok()?)),
        None => Some(tunnel),
    }
}

/// What marks a message as ours.
pub(super) fn delivery_metadata(delivery: &str) -> Value {
    json!({"event_type": METADATA_EVENT, "event_payload": {"delivery": delivery}})
}

/// The message that an answer tells of.
pub(super) fn posted(method: &'static str, answer: &Value) -> Result<Posted, SlackError> {
    match answer.get("ts").and_then(Value::as_str) {
        Some(ts) => Ok(Posted { ts: ts.to_owned() }),
        None => Err(SlackError { method, message: "the answer has no ts".to_owned(), kind: SlackErrorKind::Ambiguous }),
    }
}

/// A step of a streamed plan names the delivery: Slack keeps no metadata while a message is being streamed.
fn names(blocks: &Value, delivery: &str) -> bool {
    match blocks {
        Value::Array(items) => items.iter().any(|item| names(item, delivery)),
        Value::Object(fields) => {
            let id = fields.get("task_id").and_then(Value::as_str).unwrap_or_default();
            id.starts_with(delivery) || fields.get("tasks").is_some_and(|tasks| names(tasks, delivery))
        }
        _ => false,
    }
}

fn carries(message: &Value, delivery: &str) -> bool {
    let field = |path: &str| message.pointer(path).and_then(Value::as_str);
    field("/metadata/event_type") == Some(METADATA_EVENT) && field("/metadata/event_payload/delivery") == Some(delivery)
}

async fn bounded(method: &'static str, call: impl Future<Output = Result<Value, SlackClientError>>) -> Result<Value, SlackError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        // A proxy's page with status 200 is no answer of Slack's.
        Ok(Ok(answer)) if answer.get("ok").and_then(Value::as_bool) != Some(true) => {
            Err(SlackError { method, message: "the answer is not what Slack sends".to_owned(), kind: SlackErrorKind::Ambiguous })
        }
        Ok(answer) => answer.map_err(|error| classify(method, error)),
        Err(_) => {
            Err(SlackError { method, message: format!("no answer in {} s", CALL_TIMEOUT.as_secs()), kind: SlackErrorKind::Ambiguous })
        }
    }
}

fn fine_already(result: Result<Value, SlackError>) -> Result<(), SlackError> {
    match result {
        Err(error) if error.kind == SlackErrorKind::Already => Ok(()),
        other => other.map(drop),
    }
}
