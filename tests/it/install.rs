//! Several workspaces, each with its own token, and how the app comes into them and out again.

use std::{fs, time::Duration};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State as Shared},
    response::Response,
};
use reqwest::{StatusCode, redirect::Policy};
use serde_json::{Value, json};
use sre_agent::{
    app::system_clock,
    sandbox::{Config, DeliveryOptions, Sandbox},
    store::Store as _,
};
use tokio::net::TcpListener;

use crate::world::{ALICE, World, is_ours, sentence, shown};

const OTHER: &str = "T02OTHER";
const OTHER_TOKEN: &str = "xoxb-other";

/// One Slack with two workspaces: the world's own, and another one with its own token.
struct Slack {
    world: World,
    other: Sandbox,
    channel: String,
    front: String,
}

/// Gives each call to the workspace that its token is for, as Slack does. Installing is always into the other one.
#[derive(Clone)]
struct Front {
    home: String,
    other: String,
    client: reqwest::Client,
}

async fn forward(Shared(front): Shared<Front>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().unwrap().as_str();
    let token = head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (to, path) = match path.strip_prefix("/b/") {
        Some(rest) => (&front.other, format!("/{rest}")),
        None if token.ends_with(OTHER_TOKEN) || path.contains("oauth") => (&front.other, path.to_owned()),
        None => (&front.home, path.to_owned()),
    };
    let body: Bytes = to_bytes(body, 1 << 22).await.unwrap();
    let mut headers = head.headers;
    headers.remove("host");
    let answer = front.client.request(head.method, format!("{to}{path}")).headers(headers).body(body).send().await.unwrap();
    let mut out = Response::builder().status(answer.status());
    *out.headers_mut().unwrap() = answer.headers().clone();
    out.headers_mut().unwrap().remove("transfer-encoding");
    out.body(answer.bytes().await.unwrap().into()).unwrap()
}

fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

/// `settings` goes into the `slack` section.
async fn slack(settings: &str) -> Slack {
    let mut world = World::usual().await;
    world.abandon_service().await;
    let workspace = Config { team: OTHER.to_owned(), bot_token: OTHER_TOKEN.to_owned(), ..Config::default() };
    let other = Sandbox::new(workspace, system_clock());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other_url = format!("http://{}", listener.local_addr().unwrap());
    let listener_of_front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = format!("http://{}", listener_of_front.local_addr().unwrap());
    let text = fs::read_to_string(world.settings_file()).unwrap();
    let home = text.split("api_url: '").nth(1).unwrap().split("/api'").next().unwrap().to_owned();
    world.slack.set_base_url(&front);
    other.set_base_url(&format!("{front}/b"));
    tokio::spawn(other.clone().serve(listener, std::future::pending()));
    let state = Front { home: home.clone(), other: other_url, client: browser() };
    let app = Router::new().fallback(forward).with_state(state);
    tokio::spawn(async move { axum::serve(listener_of_front, app).await });
    let text = text.replace(&format!("{home}/api"), &format!("{front}/api")).replace("slack: {", &format!("slack: {{{settings}"));
    fs::write(world.settings_file(), text.replace("server: {", "server: {public_url: 'http://sre.example:3000', ")).unwrap();
    let channel = other.channel_id("alerts").unwrap();
    let mut slack = Slack { world, other, channel, front };
    slack.restart().await;
    slack
}

impl Slack {
    async fn restart(&mut self) {
        self.world.abandon_service().await;
        self.world.start_service().await;
        let url = &self.world.service_url;
        self.other.set_app_urls(&format!("{url}/slack/events"), &format!("{url}/slack/interactions"), &format!("{url}/slack/commands"));
    }

    async fn until<T>(&self, what: &str, mut found: impl FnMut(&Sandbox) -> Option<T>) -> T {
        let mut version = self.other.subscribe();
        let waiting = async {
            loop {
                if let Some(value) = found(&self.other) {
                    return value;
                }
                version.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    /// An alert in the other workspace, and what we answer there: card and report.
    async fn conversation(&self) -> (String, Value, Value) {
        let ts = self.other.post_as_bot(&self.channel, "Alertmanager", sentence("firing")).await.unwrap();
        let (card, report) = self
            .until("card and report in the other workspace", |other| {
                let mut ours = other.thread(&self.channel, &ts).into_iter().filter(is_ours);
                ours.next().zip(ours.next()).filter(|(card, _)| shown(card).contains("Reported"))
            })
            .await;
        (ts, card, report)
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> reqwest::Response {
        let mut request = browser().get(format!("{}{path}", self.world.service_url));
        if let Some(cookie) = cookie {
            request = request.header("cookie", format!("theme=dark; {cookie}"));
        }
        request.send().await.unwrap()
    }

    /// What the person's browser does up to Slack's redirect: the path back to us, and the cookie.
    async fn agree(&self) -> (String, String) {
        let start = self.get("/slack/install", None).await;
        assert_eq!(start.status(), StatusCode::FOUND);
        let header = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (to, cookie) = (header(&start, "location"), header(&start, "set-cookie"));
        assert!(to.starts_with(&format!("{}/oauth/v2/authorize?", self.front)), "{to}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        let back = browser().get(to).send().await.unwrap();
        assert_eq!(back.status(), StatusCode::FOUND, "{}", back.text().await.unwrap());
        let path = header(&back, "location").strip_prefix("http://sre.example:3000").unwrap().to_owned();
        (path, cookie.split(';').next().unwrap().to_owned())
    }
}

const APP: &str = "client_id: '1234567890.0987654321', client_secret: sandbox-client-secret, ";

#[tokio::test]
async fn each_workspace_is_spoken_to_with_its_own_token() {
    let slack = slack(&format!("workspaces: {{{OTHER}: {OTHER_TOKEN}}}, ")).await;
    let (ts, card, report) = slack.conversation().await;
    assert!(shown(&report).contains("OOMKilled"));
    // Buttons, reactions and modals there, too.
    slack.other.click(ALICE, &slack.channel, card["ts"].as_str().unwrap(), "ack").await.unwrap();
    slack
        .until("the hand on the alert", |other| {
            let alert = other.thread(&slack.channel, &ts).into_iter().next()?;
            (alert.pointer("/reactions/0/name")? == "raised_hand").then_some(())
        })
        .await;
    slack.other.click(ALICE, &slack.channel, report["ts"].as_str().unwrap(), "details").await.unwrap();
    slack.until("the details", |other| other.open_views(ALICE).into_iter().next()).await;
    let spoken: Vec<String> = slack.world.slack.calls().into_iter().map(|call| call.method).filter(|name| name != "auth.test").collect();
    assert!(spoken.is_empty(), "the home workspace heard {spoken:?}");
    // And the home is served as before.
    let ts = slack
        .world
        .post(sentence("firing").to_string().replace("checkout-7f5b9c4d68-4xk9p", "cart-7f5b9c4d68-4xk9p").parse().unwrap())
        .await;
    slack.world.until("the home's own card", |home| home.thread(&slack.world.channel, &ts).into_iter().find(is_ours)).await;
}

#[tokio::test]
async fn installed_by_a_person_served_after_a_restart_and_forgotten_when_the_app_is_removed() {
    let mut slack = slack(APP).await;
    let (path, cookie) = slack.agree().await;
    let page = slack.get(&path, Some(&cookie)).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let html = page.text().await.unwrap();
    assert!(html.contains("Installed in Sandbox &lt;&amp;&gt; Sons") && html.contains("/invite @sre-agent"), "{html}");
    let asked = slack.other.calls().into_iter().find(|call| call.method == "oauth.v2.access").unwrap();
    assert_eq!(asked.body["redirect_uri"], "http://sre.example:3000/slack/oauth/callback");
    slack.conversation().await;

    slack.restart().await;
    slack.other.post_as_bot(&slack.channel, "Alertmanager", sentence("resolved")).await.unwrap();
    slack
        .until("the card after a restart", |other| {
            let cards =
                other.messages(&slack.channel).into_iter().flat_map(|alert| other.thread(&slack.channel, alert["ts"].as_str().unwrap()));
            cards.filter(is_ours).find(|card| shown(card).contains("Resolved"))
        })
        .await;

    // A person's own token is none of ours; the bot's is.
    let person = json!({"type": "tokens_revoked", "tokens": {"oauth": [ALICE]}});
    slack.other.send_event(person, DeliveryOptions::default()).await;
    let stored = |slack: &Slack| {
        let store = rusqlite::Connection::open(slack.world.folder.path().join("store.db")).unwrap();
        store.query_row("SELECT count(*) FROM documents WHERE kind = 'workspace'", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(stored(&slack), 1);
    let removed = slack.other.send_event(json!({"type": "app_uninstalled"}), DeliveryOptions::default()).await;
    assert_eq!(removed.status, Some(200));
    // The event may be read a moment after it is acknowledged.
    let gone = async {
        while stored(&slack) != 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the workspace is forgotten");
    let acts: Vec<String> = slack.world.store().audit(None, 100).await.unwrap().into_iter().map(|line| line.act).collect();
    for act in ["workspace_install", "workspace_remove"] {
        assert!(acts.iter().any(|done| done == act), "{act} is not in the audit log: {acts:?}");
    }
    // The home is never forgotten.
    slack.world.slack.send_event(json!({"type": "app_uninstalled"}), DeliveryOptions::default()).await;
    let ts = slack
        .world
        .post(sentence("firing").to_string().replace("checkout-7f5b9c4d68-4xk9p", "cart-7f5b9c4d68-4xk9p").parse().unwrap())
        .await;
    slack.world.until("the home's card", |home| home.thread(&slack.world.channel, &ts).into_iter().find(is_ours)).await;
}

#[tokio::test]
async fn an_installation_that_was_not_started_here_is_refused_in_words() {
    let slack = slack(APP).await;
    let (path, cookie) = slack.agree().await;
    let (_, second) = slack.agree().await;
    let says = async |path: &str, cookie: Option<&str>, wanted: &str| {
        let answer = slack.get(path, cookie).await;
        assert!(answer.status().is_client_error() || answer.status().is_server_error(), "{path}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(wanted) && !html.contains("<script"), "{path}: {html}");
    };
    says(&path, None, "in another browser").await;
    says(&path, Some(&second), "in another browser").await;
    says(&path.replace("state=", "state=9"), Some(&cookie), "not started here").await;
    says("/slack/oauth/callback", Some(&cookie), "not started here").await;
    says("/slack/oauth/callback?state=%00%ff&code=<script>alert(1)</script>", Some(&cookie), "not started here").await;
    // A wrong code: Slack refuses it, and its ticket is spent.
    let wrong = path.replace("code=", "code=x");
    says(&wrong, Some(&cookie), "Slack did not accept the installation (invalid_code)").await;
    says(&path, Some(&cookie), "was finished before").await;
    // The person says no.
    let (path, cookie) = slack.agree().await;
    let state = path.split("state=").nth(1).unwrap();
    says(&format!("/slack/oauth/callback?error=<script>&state={state}"), Some(&cookie), "Slack did not grant the installation").await;
    let world = World::usual().await;
    for path in ["/slack/install", "/slack/oauth/callback?code=1&state=2"] {
        let answer = reqwest::get(format!("{}{path}", world.service_url)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "installing is not configured");
    }
}
