//! An identity provider: it tells its configuration and keys, signs whatever a test wants, rotates keys, and can be down or slow.

mod keys;
mod slack;
mod tokens;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use self::tokens::{Generation, Key};
pub use self::{
    slack::{Person, SlackLogin},
    tokens::{symmetric, tampered, unsigned},
};

/// How the server behaves to everyone.
#[derive(Default)]
struct Mood {
    down: bool,
    slow: Duration,
    requests: Vec<String>,
}

type Shared<T> = Arc<Mutex<T>>;

struct Provider {
    url: String,
    /// The newest last; the published ones.
    generations: Vec<Generation>,
    max_age: u64,
}

/// It ends with the value.
pub struct Idp {
    pub url: String,
    provider: Shared<Provider>,
    mood: Shared<Mood>,
    running: JoinHandle<()>,
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Idp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Provider { url: url.clone(), generations: vec![Generation::new(1)], max_age: 300 };
        let provider = Arc::new(Mutex::new(provider));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(key_set))
            .with_state(Arc::clone(&provider));
        let (mood, running) = serve(listener, router);
        Self { url, provider, mood, running }
    }

    /// The issuer of its tokens.
    pub fn issuer(&self) -> &str {
        &self.url
    }

    pub fn keys_url(&self) -> String {
        format!("{}/keys", self.url)
    }

    /// Good claims for this person and audience, valid from `now` (seconds since 1970) for ten minutes.
    pub fn claims(&self, subject: &str, audience: &str, now: i64) -> Value {
        json!({"iss": self.url, "sub": subject, "aud": audience, "iat": now, "nbf": now, "exp": now + 600})
    }

    /// Signed with the newest RSA key, as the provider does.
    pub fn token(&self, claims: &Value) -> String {
        let provider = self.provider();
        let newest = provider.generations.last().unwrap();
        newest.rsa.sign(&json!({"alg": "RS256", "typ": "JWT", "kid": newest.rsa_id()}), claims)
    }

    /// Signed with the newest P-256 key.
    pub fn token_es256(&self, claims: &Value) -> String {
        let provider = self.provider();
        let newest = provider.generations.last().unwrap();
        newest.p256.sign(&json!({"alg": "ES256", "typ": "JWT", "kid": newest.p256_id()}), claims)
    }

    /// Signed with the newest key of the kind that `alg` names (`ES…`: P-256, else RSA), under exactly this header.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let provider = self.provider();
        let newest = provider.generations.last().unwrap();
        let elliptic = header["alg"].as_str().is_some_and(|alg| alg.starts_with("ES"));
        if elliptic { newest.p256.sign(header, claims) } else { newest.rsa.sign(header, claims) }
    }

    /// `alg: none`, without a signature.
    pub fn unsigned(&self, claims: &Value) -> String {
        unsigned("none", claims)
    }

    /// Under the newest key's id, signed with a key that is not the provider's.
    pub fn wrong_key(&self, claims: &Value) -> String {
        let id = self.provider().generations.last().unwrap().rsa_id();
        Key::rsa(keys::RSA_FOREIGN).sign(&json!({"alg": "RS256", "typ": "JWT", "kid": id}), claims)
    }

    /// As [`Self::wrong_key`], with P-256.
    pub fn wrong_key_es256(&self, claims: &Value) -> String {
        let id = self.provider().generations.last().unwrap().p256_id();
        Key::p256(keys::EC_FOREIGN).sign(&json!({"alg": "ES256", "typ": "JWT", "kid": id}), claims)
    }

    /// Signed well, with an id that the key set does not have.
    pub fn unknown_key_id(&self, claims: &Value) -> String {
        self.signed(&json!({"alg": "RS256", "typ": "JWT", "kid": "nobody-knows"}), claims)
    }

    /// HS256 with the public RSA key's PEM as the secret: passes where the algorithm is taken from the token.
    pub fn hs256_with_public_key(&self, claims: &Value) -> String {
        let provider = self.provider();
        let newest = provider.generations.last().unwrap();
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": newest.rsa_id()});
        symmetric(&header, claims, newest.rsa.public_pem().as_bytes())
    }

    /// Brings its own key in the header (`jwk`) and is signed with that.
    pub fn own_key_in_header(&self, claims: &Value) -> String {
        let foreign = Key::rsa(keys::RSA_FOREIGN);
        foreign.sign(&json!({"alg": "RS256", "typ": "JWT", "jwk": foreign.public("mine")}), claims)
    }

    /// [`Self::token`] of [`Self::claims`] that ended `seconds` before `now`.
    pub fn expired(&self, subject: &str, audience: &str, now: i64, seconds: i64) -> String {
        self.token(&self.claims(subject, audience, now - 600 - seconds))
    }

    /// [`Self::token`] of [`Self::claims`] that begin `seconds` after `now`.
    pub fn future(&self, subject: &str, audience: &str, now: i64, seconds: i64) -> String {
        self.token(&self.claims(subject, audience, now + seconds))
    }

    /// New keys sign from now on; the old ones are no longer published when `at_once`.
    pub fn rotate(&self, at_once: bool) {
        let mut provider = self.provider();
        let next = provider.generations.last().unwrap().number + 1;
        if at_once {
            provider.generations.clear();
        }
        provider.generations.push(Generation::new(next));
    }

    /// How long answers may be kept, in seconds; 300 at the beginning.
    pub fn max_age(&self, seconds: u64) {
        self.provider().max_age = seconds;
    }

    /// Answers everything with 503 while it is down.
    pub fn down(&self, down: bool) {
        self.mood().down = down;
    }

    /// Answers later by so much.
    pub fn slow(&self, takes: Duration) {
        self.mood().slow = takes;
    }

    /// What was asked, in order: `GET /keys`.
    pub fn requests(&self) -> Vec<String> {
        self.mood().requests.clone()
    }

    fn provider(&self) -> MutexGuard<'_, Provider> {
        self.provider.lock().unwrap()
    }

    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap()
    }
}

async fn configuration(State(provider): State<Shared<Provider>>) -> Response {
    let provider = provider.lock().unwrap();
    let url = &provider.url;
    let body = json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"), "jwks_uri": format!("{url}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "scopes_supported": ["openid", "profile", "email"], "claims_supported": ["sub", "iss", "aud", "exp", "iat", "email", "groups"],
    });
    kept(provider.max_age, body)
}

async fn key_set(State(provider): State<Shared<Provider>>) -> Response {
    let provider = provider.lock().unwrap();
    let keys: Vec<Value> = provider.generations.iter().flat_map(Generation::public).collect();
    kept(provider.max_age, json!({"keys": keys}))
}

fn kept(seconds: u64, body: Value) -> Response {
    ([(header::CACHE_CONTROL, format!("public, max-age={seconds}"))], Json(body)).into_response()
}

/// Serves the routes in a mood.
fn serve(listener: TcpListener, router: Router) -> (Shared<Mood>, JoinHandle<()>) {
    let mood: Shared<Mood> = Arc::default();
    let router = router.layer(middleware::from_fn_with_state(Arc::clone(&mood), in_mood));
    (mood, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn in_mood(State(mood): State<Shared<Mood>>, request: Request, next: Next) -> Response {
    let (down, slow) = {
        let mut mood = mood.lock().unwrap();
        mood.requests.push(format!("{} {}", request.method(), request.uri()));
        (mood.down, mood.slow)
    };
    if !slow.is_zero() {
        tokio::time::sleep(slow).await;
    }
    if down { (StatusCode::SERVICE_UNAVAILABLE, "upstream connect error").into_response() } else { next.run(request).await }
}
