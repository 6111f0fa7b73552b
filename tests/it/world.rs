//! A whole small world on this machine: a strict Slack workspace, the service with its real parts, and a bundle of evidence.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;

use serde_json::{Value, json};
use sre_agent::{
    app::{App, Roles, random_ids, system_clock},
    config,
    model::Clock,
    sandbox::{Config, Sandbox},
    tools::Tool,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::payloads;

/// How long a test waits for something that happens in milliseconds when all is well.
const PATIENCE: Duration = Duration::from_secs(30);
pub const ALICE: &str = "U01ALICE";

pub struct World {
    pub slack: Sandbox,
    pub slack_url: String,
    pub channel: String,
    pub service_url: String,
    pub folder: TempDir,
    /// Further tools of the service, in place of the bundle's of the same name.
    pub tools: Vec<Arc<dyn Tool>>,
    /// How far the service's clock is ahead, in seconds.
    ahead: Arc<AtomicI64>,
    stop: CancellationToken,
    service_stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

/// A pod that was OOM-killed: the smallest evidence with a decisive cause.
pub fn oom_evidence() -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": [{
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "checkout-7f5b9c4d68-4xk9p", "namespace": "shop", "labels": {"app": "checkout"}, "creationTimestamp": "2026-01-15T13:00:00Z"},
        "spec": {"containers": [{"name": "checkout", "image": "shop/checkout:1", "resources": {"limits": {"memory": "128Mi"}}}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "checkout", "ready": false, "restartCount": 7, "started": false, "image": "shop/checkout:1", "imageID": "",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
            "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": "2026-01-15T14:00:00Z", "finishedAt": "2026-01-15T14:03:11Z"}}}]}}]})
}

/// What Alertmanager's default Slack template posts.
pub fn alertmanager(status: &str, name: &str, service: &str) -> Value {
    let (word, color) = if status == "resolved" { ("RESOLVED", "good") } else { ("FIRING:1", "danger") };
    let title = format!("[{word}] {name} (shop {service} critical)");
    json!({"text": "", "attachments": [{
        "color": color, "title": title, "title_link": "https://alertmanager.example.com/#/alerts?receiver=slack",
        "fallback": format!("{title} | https://alertmanager.example.com/#/alerts?receiver=slack"), "mrkdwn_in": ["fallback", "pretext", "text"]}]})
}

/// A plain sentence with everything in it.
pub fn sentence(status: &str) -> Value {
    json!({"text": "", "attachments": [{
        "color": if status == "resolved" { "good" } else { "danger" },
        "title": format!("[{}] KubePodCrashLooping", if status == "resolved" { "RESOLVED" } else { "FIRING:1" }),
        "text": "*Alert:* Pod is crash looping - `critical`\n*Description:* Pod shop/checkout-7f5b9c4d68-4xk9p restarts\n*Details:*\n • *alertname:* `KubePodCrashLooping`\n • *namespace:* `shop`\n • *pod:* `checkout-7f5b9c4d68-4xk9p`\n • *severity:* `critical`",
        "fallback": "KubePodCrashLooping"}]})
}

impl World {
    /// Starts everything; `change` may alter the workspace's settings.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_with(change, Vec::new()).await
    }

    /// As [`World::start`], with further tools.
    pub async fn start_with(change: impl FnOnce(&mut Config), tools: Vec<Arc<dyn Tool>>) -> Self {
        let mut world = Self::prepare(change, tools).await;
        world.start_service().await;
        world
    }

    /// Starts everything with `edit`ed settings of the service.
    pub async fn tuned(edit: impl FnOnce(String) -> String) -> Self {
        let mut world = Self::prepare(|_| {}, Vec::new()).await;
        let settings = fs::read_to_string(world.settings_file()).unwrap();
        fs::write(world.settings_file(), edit(settings)).unwrap();
        world.start_service().await;
        world
    }

    /// The workspace and the service's files; the service itself does not run yet.
    async fn prepare(change: impl FnOnce(&mut Config), tools: Vec<Arc<dyn Tool>>) -> Self {
        let mut workspace = Config { retry_delays: vec![Duration::ZERO; 3], ..Config::default() };
        change(&mut workspace);
        let slack = Sandbox::new(workspace, system_clock());
        let page = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let slack_url = format!("http://{}", page.local_addr().unwrap());
        slack.set_base_url(&slack_url);
        let stop = CancellationToken::new();
        tokio::spawn(slack.clone().serve(page, stop.clone().cancelled_owned()));
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(folder.path().join("evidence/pods.json"), oom_evidence().to_string()).unwrap();
        let channel = slack.channel_id("alerts").unwrap();
        let world = Self {
            slack,
            slack_url,
            channel,
            service_url: String::new(),
            folder,
            tools,
            ahead: Arc::default(),
            service_stop: CancellationToken::new(),
            stop,
            running: None,
        };
        world.write_settings("127.0.0.1:0");
        world
    }

    pub async fn usual() -> Self {
        Self::start(|_| {}).await
    }

    pub fn settings_file(&self) -> PathBuf {
        self.folder.path().join("settings.yaml")
    }

    /// The settings of the service in this world, as a user would write them.
    pub fn write_settings(&self, listen: &str) {
        let workspace = Config::default();
        let folder = self.folder.path().display();
        let slack_url = &self.slack_url;
        let text = format!(
            "server: {{listen: '{listen}'}}\nslack: {{api_url: '{slack_url}/api', bot_token: {}, signing_secret: {}, channel: {}}}\nstore: {{path: '{folder}/store.db'}}\nevidence: {{bundle: '{folder}/evidence'}}\nsources: {{probes: {{enabled: false}}}}\nlog: error\n",
            workspace.bot_token, workspace.signing_secret, self.channel,
        );
        fs::write(self.settings_file(), text).unwrap();
    }

    /// Names live systems in the settings; `alone`: they are all that is asked.
    pub fn name_sources(&self, sources: &str, alone: bool) {
        let text = fs::read_to_string(self.settings_file()).unwrap();
        let kept = text.lines().filter(|line| !(line.starts_with("sources:") || alone && line.starts_with("evidence:")));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        fs::write(self.settings_file(), format!("{kept}sources:\n  probes: {{enabled: false}}\n{sources}\n")).unwrap();
    }

    /// The workspace and the settings; the service itself does not run yet.
    pub async fn unstarted() -> Self {
        Self::prepare(|_| {}, Vec::new()).await
    }

    pub async fn start_service(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.start_service_on(listener).await;
    }

    /// As [`World::start_service`], at an address that somebody knows already.
    pub async fn start_service_on(&mut self, listener: TcpListener) {
        let settings = config::load(Some(&self.settings_file()), &std::collections::BTreeMap::new()).unwrap();
        let (real, ahead) = (system_clock(), Arc::clone(&self.ahead));
        let clock = Clock::new(move || real.now() + SignedDuration::from_secs(ahead.load(Ordering::Relaxed)));
        let roles = Roles::usual(settings.slack.delivery);
        let app = App::build_with(settings, roles, clock, random_ids(), self.tools.clone()).await.unwrap();
        self.listens_at(&format!("http://{}", listener.local_addr().unwrap()));
        self.service_stop = self.stop.child_token();
        self.running = Some(tokio::spawn(app.run(Some(listener), self.service_stop.clone())));
    }

    /// Puts the service's clock forward.
    pub fn advance(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Tells the service to stop and waits until it has.
    pub async fn stop_service(&mut self) {
        self.service_stop.cancel();
        if let Some(running) = self.running.take() {
            running.await.unwrap().unwrap();
        }
    }

    /// Sends an alert, or a list of them, to the API.
    pub async fn alert(&self, alert: Value) {
        let request = reqwest::Client::new().post(format!("{}/api/v1/alerts", self.service_url)).body(alert.to_string());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    /// What people do on the workspace's page, as the page itself says it.
    pub async fn on_page(&self, what: &str, body: &Value) {
        let request = reqwest::Client::new().post(format!("{}/sandbox/api/{what}", self.slack_url)).body(body.to_string());
        assert!(request.header("content-type", "application/json").send().await.unwrap().status().is_success());
    }

    /// Tells the workspace where the app is.
    pub fn listens_at(&mut self, url: &str) {
        self.service_url = url.to_owned();
        self.slack.set_app_urls(&format!("{url}/slack/events"), &format!("{url}/slack/interactions"), &format!("{url}/slack/commands"));
    }

    /// Ends the service that runs inside this process, as if it had never been.
    pub async fn abandon_service(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    pub async fn post(&self, message: Value) -> String {
        self.slack.post_as_bot(&self.channel, "Alertmanager", message).await.unwrap()
    }

    pub fn thread(&self, ts: &str) -> Vec<Value> {
        self.slack.thread(&self.channel, ts)
    }

    /// Waits until `found` says what it was waiting for; fails with what is there instead.
    pub async fn until<T>(&self, what: &str, mut found: impl FnMut(&Sandbox) -> Option<T>) -> T {
        let mut version = self.slack.subscribe();
        let waiting = async {
            loop {
                if let Some(value) = found(&self.slack) {
                    return value;
                }
                version.changed().await.expect("the workspace is there");
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(value) => value,
            Err(_) => panic!("waited in vain for {what}; the channel shows {:#?}", self.slack.messages(&self.channel)),
        }
    }

    /// Waits for the report in the thread of `ts` and returns (card, report).
    pub async fn report(&self, ts: &str) -> (Value, Value) {
        let channel = self.channel.clone();
        self.until("a card and a report", |slack| {
            let thread = slack.thread(&channel, ts);
            let mut ours = thread.into_iter().filter(is_ours);
            let (card, report) = (ours.next()?, ours.next()?);
            shown(&card).contains("Reported").then_some((card, report))
        })
        .await
    }

    /// Waits until the card of the thread shows `text`.
    pub async fn card_shows(&self, ts: &str, text: &str) -> Value {
        let channel = self.channel.clone();
        self.until(&format!("a card with `{text}`"), |slack| {
            slack.thread(&channel, ts).into_iter().find(is_ours).filter(|card| shown(card).contains(text))
        })
        .await
    }

    /// The names of the reactions on a message.
    pub fn reactions(&self, ts: &str) -> Vec<String> {
        let first = self.thread(ts).into_iter().next().unwrap();
        let reactions = first["reactions"].as_array().cloned().unwrap_or_default();
        reactions.iter().map(|reaction| reaction["name"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn metrics(&self) -> String {
        reqwest::get(format!("{}/metrics", self.service_url)).await.unwrap().text().await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        payloads::keep(&self.slack);
    }
}

/// Posted by the app itself.
pub fn is_ours(message: &Value) -> bool {
    message.pointer("/bot_profile/name").and_then(Value::as_str) == Some("sre-agent")
}

/// Everything a reader sees of a message, as one text.
pub fn shown(message: &Value) -> String {
    fn texts(value: &Value, out: &mut String) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    match inner {
                        Value::String(text) if name == "text" => {
                            out.push_str(text);
                            out.push('\n');
                        }
                        other => texts(other, out),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
            _ => {}
        }
    }
    let mut out = String::new();
    texts(&message["blocks"], &mut out);
    out.replace('\u{2060}', "")
}
