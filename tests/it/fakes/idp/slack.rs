//! "Sign in with Slack" of one workspace: the authorize page, the token, the keys and who somebody is. Source: Slack's documentation of
//! OpenID Connect and of `openid.connect.token` and `openid.connect.userInfo`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::digest;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

use super::{
    Mood, Shared, serve,
    tokens::{Generation, text},
};

/// How long a code may be used, and a token's claims hold: seconds. Source: Slack's documentation (ten minutes) and its example token.
const CODE_LIVES: i64 = 600;
const TOKEN_LIVES: i64 = 300;
const ISSUER: &str = "https://slack.com";

/// Somebody of the workspace.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
}

/// What a code stands for.
struct Code {
    redirect_uri: String,
    nonce: Option<String>,
    scopes: Vec<String>,
    challenge: Option<String>,
    person: Person,
    until: i64,
    used: bool,
}

type Twist = Box<dyn Fn(&mut Value) + Send>;

struct Workspace {
    url: String,
    team: String,
    client_id: String,
    client_secret: String,
    redirect_uris: Vec<String>,
    /// Who sits before the browser; nobody: the person refuses.
    person: Option<Person>,
    codes: HashMap<String, Code>,
    /// Access tokens, with whose and for what they are.
    tokens: HashMap<String, (Person, Vec<String>)>,
    keys: Generation,
    now: Option<i64>,
    count: u64,
    /// Changes an id token's claims before they are signed.
    twist: Option<Twist>,
}

/// It ends with the value.
pub struct SlackLogin {
    pub url: String,
    workspace: Shared<Workspace>,
    mood: Shared<Mood>,
    running: JoinHandle<()>,
}

impl Drop for SlackLogin {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl SlackLogin {
    /// For one app of the workspace `team` (`T…`), which may be sent back to `redirect_uris`: exactly one of them, or below one, as
    /// Slack has it. Tokens are issued by `https://slack.com`, as the real ones are.
    pub async fn start(team: &str, client_id: &str, client_secret: &str, redirect_uris: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let workspace = Arc::new(Mutex::new(Workspace {
            url: url.clone(),
            team: team.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            redirect_uris: redirect_uris.iter().map(|uri| (*uri).to_owned()).collect(),
            person: None,
            codes: HashMap::new(),
            tokens: HashMap::new(),
            keys: Generation::new(1),
            now: None,
            count: 0,
            twist: None,
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/openid/connect/authorize", get(authorize))
            .route("/openid/connect/keys", get(keys))
            .route("/api/openid.connect.token", post(token))
            .route("/api/openid.connect.userInfo", get(user_info).post(user_info))
            .with_state(Arc::clone(&workspace));
        let (mood, running) = serve(listener, router);
        Self { url, workspace, mood, running }
    }

    /// Who sits before the browser and agrees. Until then, everybody refuses.
    pub fn person(&self, id: &str, name: &str, email: &str) {
        let person = Person { id: id.to_owned(), name: name.to_owned(), email: email.to_owned(), email_verified: true };
        self.workspace().person = Some(person);
    }

    /// As [`Self::person`], with all of it.
    pub fn somebody(&self, person: Person) {
        self.workspace().person = Some(person);
    }

    /// The person says no.
    pub fn refuse(&self) {
        self.workspace().person = None;
    }

    /// Seconds since 1970; without it, the machine's time.
    pub fn set_time(&self, now: i64) {
        self.workspace().now = Some(now);
    }

    /// Changes the claims of the next id tokens: another team, no nonce.
    pub fn twist(&self, change: impl Fn(&mut Value) + Send + 'static) {
        self.workspace().twist = Some(Box::new(change));
    }

    /// New keys, at once.
    pub fn rotate(&self) {
        let mut workspace = self.workspace();
        workspace.keys = Generation::new(workspace.keys.number + 1);
    }

    pub fn down(&self, down: bool) {
        self.mood.lock().unwrap().down = down;
    }

    pub fn slow(&self, takes: Duration) {
        self.mood.lock().unwrap().slow = takes;
    }

    pub fn requests(&self) -> Vec<String> {
        self.mood.lock().unwrap().requests.clone()
    }

    fn workspace(&self) -> MutexGuard<'_, Workspace> {
        self.workspace.lock().unwrap()
    }
}

impl Workspace {
    fn now(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "a server of its own, with its own clock")]
        self.now.unwrap_or_else(|| jiff::Timestamp::now().as_second())
    }

    /// Something that is never the same.
    fn unique(&mut self, head: &str) -> String {
        self.count += 1;
        let seed = format!("{head} {} {}", self.url, self.count);
        format!("{head}{}", hex::encode(&digest::digest(&digest::SHA256, seed.as_bytes()).as_ref()[..16]))
    }

    /// What a token or an answer says of a person, by the scopes.
    fn profile(&self, person: &Person, scopes: &[String]) -> Value {
        let mut claims = json!({"sub": person.id, "https://slack.com/user_id": person.id, "https://slack.com/team_id": self.team});
        let has = |scope: &str| scopes.iter().any(|known| known == scope);
        if has("email") {
            claims["email"] = json!(person.email);
            claims["email_verified"] = json!(person.email_verified);
            claims["date_email_verified"] = json!(1_622_128_723);
        }
        if has("profile") {
            let (first, last) = person.name.split_once(' ').unwrap_or((&person.name, ""));
            let more = json!({"name": person.name, "given_name": first, "family_name": last, "locale": "en-US", "picture": "https://secure.gravatar.com/avatar/0.jpg", "https://slack.com/team_name": "Workspace", "https://slack.com/team_domain": "workspace", "https://slack.com/team_image_default": true});
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        }
        claims
    }
}

async fn configuration(State(workspace): State<Shared<Workspace>>) -> Json<Value> {
    let url = workspace.lock().unwrap().url.clone();
    Json(json!({
        "issuer": ISSUER, "authorization_endpoint": format!("{url}/openid/connect/authorize"),
        "token_endpoint": format!("{url}/api/openid.connect.token"), "userinfo_endpoint": format!("{url}/api/openid.connect.userInfo"),
        "jwks_uri": format!("{url}/openid/connect/keys"), "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"], "response_modes_supported": ["form_post"], "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "auth_time", "iss"], "claims_parameter_supported": false, "request_parameter_supported": false,
        "request_uri_parameter_supported": true, "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    }))
}

async fn keys(State(workspace): State<Shared<Workspace>>) -> Json<Value> {
    let workspace = workspace.lock().unwrap();
    Json(json!({"keys": [workspace.keys.rsa.public(&workspace.keys.rsa_id())]}))
}

/// A page, and no way back: nobody is sent to an address that may not be the app's.
fn page(error: &str) -> Response {
    let body = format!("<!DOCTYPE html><title>Error</title><h1>Something went wrong when authorizing this app.</h1><p>{error}</p>");
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response()
}

async fn authorize(State(workspace): State<Shared<Workspace>>, Query(query): Query<HashMap<String, String>>) -> Response {
    let mut workspace = workspace.lock().unwrap();
    let get = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if get("client_id") != Some(&workspace.client_id) {
        return page("Invalid client_id parameter");
    }
    let redirect_uri = get("redirect_uri").unwrap_or_default();
    let below = |known: &String| redirect_uri == known || redirect_uri.starts_with(&format!("{}/", known.trim_end_matches('/')));
    if !workspace.redirect_uris.iter().any(below) {
        return page(&format!("redirect_uri did not match any configured URIs. Passed URI: {redirect_uri}"));
    }
    if get("response_type") != Some("code") {
        return page("Invalid response_type parameter");
    }
    let scopes: Vec<String> = get("scope").unwrap_or_default().split([' ', ',']).map(str::to_owned).collect();
    if !scopes.iter().any(|scope| scope == "openid") || scopes.iter().any(|scope| !["openid", "profile", "email"].contains(&scope.as_str()))
    {
        return page("Invalid permissions requested: openid is needed, and only profile and email may come with it");
    }
    if get("team").is_some_and(|team| team != workspace.team) {
        return page("Invalid team parameter");
    }
    if get("code_challenge").is_some() && get("code_challenge_method") != Some("S256") {
        return page("Invalid code_challenge_method parameter");
    }
    let Ok(mut back) = Url::parse(redirect_uri) else { return page("Invalid redirect_uri parameter") };
    match workspace.person.clone() {
        None => drop(back.query_pairs_mut().append_pair("error", "access_denied")),
        Some(person) => {
            let code = workspace.unique("9876.5432.");
            back.query_pairs_mut().append_pair("code", &code);
            let until = workspace.now() + CODE_LIVES;
            let (nonce, challenge) = (get("nonce").map(str::to_owned), get("code_challenge").map(str::to_owned));
            let redirect_uri = redirect_uri.to_owned();
            workspace.codes.insert(code, Code { redirect_uri, nonce, scopes, challenge, person, until, used: false });
        }
    }
    if let Some(state) = get("state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

/// The fields of a form.
fn fields(body: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

/// As every method of Slack: 200, and `ok` says.
fn refused(error: &str) -> Json<Value> {
    Json(json!({"ok": false, "error": error}))
}

async fn token(State(workspace): State<Shared<Workspace>>, headers: HeaderMap, body: String) -> Json<Value> {
    let mut workspace = workspace.lock().unwrap();
    let form = fields(&body);
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let basic = basic.and_then(|text| String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok());
    let (id, secret) = match basic.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => (id.to_owned(), secret.to_owned()),
        None => (form.get("client_id").cloned().unwrap_or_default(), form.get("client_secret").cloned().unwrap_or_default()),
    };
    if id != workspace.client_id {
        return refused("invalid_client_id");
    }
    if secret != workspace.client_secret {
        return refused("bad_client_secret");
    }
    if form.get("grant_type").is_some_and(|kind| kind != "authorization_code") {
        return refused("invalid_grant_type");
    }
    let (now, given) = (workspace.now(), form.get("code").cloned().unwrap_or_default());
    let Some(code) = workspace.codes.get_mut(&given).filter(|code| now < code.until) else { return refused("invalid_code") };
    if code.used {
        return refused("code_already_used");
    }
    if form.get("redirect_uri") != Some(&code.redirect_uri) {
        return refused("bad_redirect_uri");
    }
    let verifier = form.get("code_verifier").map(|verifier| text(digest::digest(&digest::SHA256, verifier.as_bytes())));
    if code.challenge.is_some() && code.challenge != verifier {
        return refused("invalid_code_verifier");
    }
    code.used = true;
    let (person, scopes, nonce) = (code.person.clone(), code.scopes.clone(), code.nonce.clone());
    let access = workspace.unique("xoxp-");
    let mut claims = workspace.profile(&person, &scopes);
    let half = text(&digest::digest(&digest::SHA256, access.as_bytes()).as_ref()[..16]);
    let own = json!({"iss": ISSUER, "aud": workspace.client_id, "iat": now, "auth_time": now, "exp": now + TOKEN_LIVES, "at_hash": half});
    claims.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    if let Some(twist) = &workspace.twist {
        twist(&mut claims);
    }
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": workspace.keys.rsa_id()});
    let id_token = workspace.keys.rsa.sign(&header, &claims);
    workspace.tokens.insert(access.clone(), (person, scopes));
    Json(json!({"ok": true, "access_token": access, "token_type": "Bearer", "id_token": id_token, "state": ""}))
}

async fn user_info(State(workspace): State<Shared<Workspace>>, headers: HeaderMap, body: String) -> Json<Value> {
    let workspace = workspace.lock().unwrap();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let form = fields(&body);
    let Some(token) = bearer.or(form.get("token").map(String::as_str)) else { return refused("not_authed") };
    let Some((person, scopes)) = workspace.tokens.get(token) else { return refused("invalid_auth") };
    let mut answer = json!({"ok": true});
    answer.as_object_mut().unwrap().extend(workspace.profile(person, scopes).as_object().unwrap().clone());
    Json(answer)
}
