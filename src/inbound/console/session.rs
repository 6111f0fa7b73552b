//! Who looks at the console: signing in and out, and the person of each request.

use axum::{
    Form,
    extract::{Query, State as Shared},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
    },
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{VERSION, html, to};
use crate::{
    auth::{Cookie, Principal, Scope, oidc, session as signed},
    console::{
        failure, links, sign_in,
        views::{Badges, Csrf, Failure, Frame, Notice, Person, Place, SignIn, Tone},
    },
    inbound::{
        State, access, commands,
        gate::{self, Shut},
    },
    model::{AuditEntry, Run, RunState, is_slack_user},
    store::{Commit, DocumentKind, DocumentUpdate, IncidentFilter},
};

/// How many open incidents and runs are counted for the navigation.
const COUNTED_MAX: usize = 200;
/// The workspace of a session that was opened with a token.
const BY_TOKEN: &str = "-";
/// What the form's token belongs to where nobody has to sign in.
const EVERYBODY: &str = "everybody";

/// Somebody who is signed in.
pub struct Visitor {
    pub who: Principal,
    session: signed::Session,
}

/// What a session by token may, as the token said it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    roles: Vec<String>,
    token: Option<String>,
    /// Until when the token counts, in seconds since 1970.
    #[serde(default)]
    until: Option<i64>,
}

impl Visitor {
    /// Whose request it is; a page that leads to signing in where it is nobody's.
    pub async fn of(state: &State, headers: &HeaderMap, path: &str) -> Result<Self, Response> {
        match find(state, headers).await {
            Ok(Some((who, session))) => Ok(Self { who, session }),
            Ok(None) => {
                let next = if links::safe_path(path).is_some() { path } else { "/incidents" };
                let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                Err(to(&format!("{}?next={query}", links::SIGN_IN)))
            }
            Err(_) => Err(away(state, None)),
        }
    }

    /// The same, for a form: it must carry the token that only our own pages know.
    pub async fn of_form(state: &State, headers: &HeaderMap, csrf: &str) -> Result<Self, Response> {
        let visitor = Self::of(state, headers, "/incidents").await?;
        if gate::is_foreign(state, headers) || !state.gate.sessions.is_csrf(&visitor.session, csrf) {
            let page =
                failure::page(&Failure::Forbidden { permission: "a form of this console".to_owned() }, &visitor.frame(state, None).await);
            return Err(html(StatusCode::FORBIDDEN, page));
        }
        Ok(visitor)
    }

    /// Whether they may; for what is shown.
    pub fn may(&self, state: &State, permission: &str, place: &Scope<'_>) -> bool {
        state.gate.access.check(&self.who, permission, place).is_ok()
    }

    /// Whether they may, in every place that the run touches.
    pub fn may_run(&self, state: &State, permission: &str, run: &Run) -> bool {
        access::places(run).iter().all(|place| self.may(state, permission, place))
    }

    /// Whether what belongs to this workspace is theirs to see: whoever signed in with Slack sees their own.
    pub fn is_of(&self, state: &State, team: &str) -> bool {
        [BY_TOKEN, EVERYBODY].contains(&self.session.team.as_str()) || commands::same_workspace(state, &self.session.team, team)
    }

    /// Whether they may; a page that says what is missing, and a line in the audit log, where they may not.
    pub async fn need(&self, state: &State, permission: &str, place: &Scope<'_>) -> Result<(), Response> {
        let Err(denied) = state.gate.access.check(&self.who, permission, place) else { return Ok(()) };
        let entry = AuditEntry {
            at: state.clock.now(),
            actor: self.name(),
            act: permission.to_owned(),
            object: "console".to_owned(),
            outcome: "refused".to_owned(),
            detail: denied.why,
        };
        if state.store.commit(Commit { audit: vec![entry], ..Commit::default() }).await.is_err() {
            return Err(away(state, Some(self)));
        }
        let page = failure::page(&Failure::Forbidden { permission: permission.to_owned() }, &self.frame(state, None).await);
        Err(html(StatusCode::FORBIDDEN, page))
    }

    /// The same, in every place that the run touches.
    pub async fn need_run(&self, state: &State, permission: &str, run: &Run) -> Result<(), Response> {
        for place in access::places(run) {
            self.need(state, permission, &place).await?;
        }
        Ok(())
    }

    /// As records name them.
    pub fn name(&self) -> String {
        gate::caller(&self.who).id
    }

    /// What surrounds each of their pages.
    pub async fn frame(&self, state: &State, here: Option<Place>) -> Frame {
        let places = [
            (Place::Incidents, "incident:read"),
            (Place::Approvals, "approval:read"),
            (Place::Agents, "agent:read"),
            (Place::Accuracy, "stats:read"),
            (Place::Audit, "audit:read"),
        ];
        let places =
            places.into_iter().filter(|(_, permission)| self.may(state, permission, &Scope::default())).map(|(place, _)| place).collect();
        Frame {
            product: "sre-agent".to_owned(),
            version: VERSION.to_owned(),
            person: Some(Person { name: self.who.name.clone(), roles: self.who.roles.iter().cloned().collect() }),
            csrf: Csrf(state.gate.sessions.csrf(&self.session)),
            here,
            places,
            badges: badges(state).await,
            notice: None,
            now: state.clock.now(),
        }
    }
}

/// Numbers for the navigation; a store that does not answer has none.
async fn badges(state: &State) -> Badges {
    let open = IncidentFilter { open: true, limit: COUNTED_MAX, ..IncidentFilter::default() };
    let incidents = state.store.incidents(&open).await.unwrap_or_default();
    let runs = state.store.documents(DocumentKind::Run, COUNTED_MAX).await.unwrap_or_default();
    let waits = |body: &serde_json::Value| body.get("state").and_then(serde_json::Value::as_str) == Some(RunState::Waiting.as_str());
    Badges {
        incidents: incidents.iter().filter(|incident| crate::report::waits(incident)).count() as u64,
        approvals: runs.iter().filter(|run| waits(&run.body)).count() as u64,
        agents: 0,
    }
}

/// The store does not answer.
pub fn away(state: &State, visitor: Option<&Visitor>) -> Response {
    let frame = Frame {
        product: "sre-agent".to_owned(),
        version: VERSION.to_owned(),
        person: visitor.map(|visitor| Person { name: visitor.who.name.clone(), roles: Vec::new() }),
        now: state.clock.now(),
        ..Frame::default()
    };
    let reason = "The store does not answer at the moment.".to_owned();
    html(StatusCode::SERVICE_UNAVAILABLE, failure::page(&Failure::Unavailable { reason, retry_seconds: Some(5) }, &frame))
}

async fn find(state: &State, headers: &HeaderMap) -> Result<Option<(Principal, signed::Session)>, Shut> {
    let now = state.clock.now();
    let cookies: Vec<&str> = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let cookie = Cookie::new(signed::COOKIE, state.gate.secure);
    let read = cookie.read(cookies.iter().copied()).and_then(|value| state.gate.sessions.read(value, now).ok());
    let Some(session) = read else {
        if state.gate.open && gate::is_local(headers) {
            return Ok(Some((state.gate.anybody(), everybody())));
        }
        return Ok(None);
    };
    if state.store.document(DocumentKind::Revoked, &session.jti).await?.is_some() {
        return Ok(None);
    }
    if session.team != BY_TOKEN {
        let Some(user) = session.slack_user() else { return Ok(None) };
        let mut who = session.principal(slack_roles(state, &session.team, user).await);
        // Nothing but Slack vouches for them: signing out takes no approval back.
        who.token = None;
        return Ok(Some((who, session)));
    }
    let Some(kept) = state.store.document(DocumentKind::Session, &session.jti).await? else { return Ok(None) };
    let Ok(kept) = serde_json::from_value::<Kept>(kept.body) else { return Ok(None) };
    if let Some(token) = &kept.token
        && state.store.document(DocumentKind::Revoked, token).await?.is_some()
    {
        return Ok(None);
    }
    if kept.until.is_some_and(|until| until <= now.as_second()) {
        return Ok(None);
    }
    let mut roles: std::collections::BTreeSet<String> = kept.roles.into_iter().collect();
    if let Some(user) = session.slack_user() {
        // The person's own roles count, and of those only the ones that the token names, where it names any.
        let own = slack_roles(state, "", user).await;
        roles = if roles.is_empty() { own } else { &roles & &own };
    }
    let mut who = session.principal(roles);
    who.token = kept.token;
    Ok(Some((who, session)))
}

fn everybody() -> signed::Session {
    let text = || EVERYBODY.to_owned();
    signed::Session { subject: text(), name: text(), team: text(), jti: text(), expires: i64::MAX }
}

/// The roles of a person of Slack, as they are now.
async fn slack_roles(state: &State, team: &str, user: &str) -> std::collections::BTreeSet<String> {
    let slack = state.slack.of(state.slack.own(team));
    let (groups, _) = slack.client.memberships(user, state.gate.access.groups()).await;
    state.gate.access.roles_of(user, &groups)
}

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
    code: String,
    state: String,
    error: String,
}

fn sign_in_page(state: &State, next: &str, error: Option<&str>) -> Response {
    let view = SignIn {
        slack: state.gate.sign_in.is_some(),
        token: true,
        error: error.map(str::to_owned),
        next: links::safe_path(next).unwrap_or("/incidents").to_owned(),
    };
    let notice = state.gate.open.then(|| Notice { tone: Tone::Neutral, text: "On this machine nobody has to sign in.".to_owned() });
    let frame = Frame { product: "sre-agent".to_owned(), version: VERSION.to_owned(), now: state.clock.now(), notice, ..Frame::default() };
    let status = if error.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    html(status, sign_in::page(&view, &frame))
}

pub async fn page(Shared(state): Shared<State>, Query(next): Query<Next>) -> Response {
    sign_in_page(&state, &next.next, None)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenForm {
    token: String,
    next: String,
}

/// Signs in with a token.
pub async fn begin(Shared(state): Shared<State>, headers: HeaderMap, Form(form): Form<TokenForm>) -> Response {
    if gate::is_foreign(&state, &headers) {
        return sign_in_page(&state, &form.next, Some("This form came from another page. Please sign in here."));
    }
    let now = state.clock.now();
    if state.gate.limits.take("sign-in", now).is_err() {
        return sign_in_page(&state, &form.next, Some("Too many attempts. Please wait a moment."));
    }
    let (who, until) = match state.gate.token_until(state.store.as_ref(), form.token.trim(), now).await {
        Ok((who, _)) if who.subject.starts_with("key:") => {
            return sign_in_page(
                &state,
                &form.next,
                Some("A key is for machines. People sign in with Slack, or with a token of their own."),
            );
        }
        Ok(found) => found,
        Err(Shut::Unknown(why)) => return sign_in_page(&state, &form.next, Some(&format!("This token is not taken: {why}."))),
        Err(Shut::Unavailable) => return away(&state, None),
    };
    let subject = if is_slack_user(&who.subject) { format!("slack:{}", who.subject) } else { who.subject.clone() };
    enter(&state, &subject, &who, BY_TOKEN, until, &form.next).await
}

/// Opens the session: its cookie, its line in the audit log, and what its token may.
async fn enter(state: &State, subject: &str, who: &Principal, team: &str, until: Option<i64>, next: &str) -> Response {
    let now = state.clock.now();
    let jti = state.ids.fresh(now).to_string();
    let (value, session) = match state.gate.sessions.open(subject, &who.name, team, now, &jti) {
        Ok(opened) => opened,
        Err(error) => return sign_in_page(state, next, Some(&error.to_string())),
    };
    let kept = Kept { roles: who.roles.iter().cloned().collect(), token: who.token.clone(), until };
    let document = DocumentUpdate { kind: DocumentKind::Session, key: session.jti.clone(), body: serde_json::to_value(kept).ok() };
    let entry = AuditEntry {
        at: now,
        actor: gate::caller(who).id,
        act: "sign_in".to_owned(),
        object: "console".to_owned(),
        outcome: "done".to_owned(),
        detail: String::new(),
    };
    if state.store.commit(Commit { documents: vec![document], audit: vec![entry], ..Commit::default() }).await.is_err() {
        return away(state, None);
    }
    let cookie = Cookie::new(signed::COOKIE, state.gate.secure).set(value.expose_secret(), signed::LIFETIME_SECONDS);
    with_cookies(to(links::safe_path(next).unwrap_or("/incidents")), &[cookie])
}

fn with_cookies(mut answer: Response, cookies: &[String]) -> Response {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            answer.headers_mut().append(SET_COOKIE, value);
        }
    }
    answer
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CsrfForm {
    csrf: String,
}

/// Signs out: the session counts no more, whoever holds its cookie.
pub async fn end(Shared(state): Shared<State>, headers: HeaderMap, Form(form): Form<CsrfForm>) -> Response {
    let visitor = match Visitor::of_form(&state, &headers, &form.csrf).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let jti = visitor.session.jti.clone();
    let documents = vec![
        DocumentUpdate { kind: DocumentKind::Revoked, key: jti.clone(), body: Some(serde_json::json!({"at": state.clock.now()})) },
        DocumentUpdate { kind: DocumentKind::Session, key: jti, body: None },
    ];
    let entry = AuditEntry {
        at: state.clock.now(),
        actor: visitor.name(),
        act: "sign_out".to_owned(),
        object: "console".to_owned(),
        outcome: "done".to_owned(),
        detail: String::new(),
    };
    let commit = Commit { documents, audit: vec![entry], ..Commit::default() };
    if visitor.session.jti != EVERYBODY && state.store.commit(commit).await.is_err() {
        return away(&state, Some(&visitor));
    }
    with_cookies(to(links::SIGN_IN), &[Cookie::new(signed::COOKIE, state.gate.secure).clear()])
}

/// To Slack's page.
pub async fn to_slack(Shared(state): Shared<State>) -> Response {
    let Some(sign_in) = &state.gate.sign_in else {
        return sign_in_page(&state, "", Some("Signing in with Slack is not set up: it wants slack.client_id and server.public_url."));
    };
    let now = state.clock.now();
    // Two fresh ids have more randomness than the cookie keeps.
    let mut random = [0u8; 32];
    let bytes = [state.ids.fresh(now).random().to_be_bytes(), state.ids.fresh(now).random().to_be_bytes()].concat();
    random.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
    let start = sign_in.start(random, now);
    let Ok(place) = HeaderValue::from_str(start.url.as_str()) else { return away(&state, None) };
    let cookie = Cookie::new(oidc::COOKIE, state.gate.secure).set(start.cookie.expose_secret(), oidc::LIFETIME_SECONDS);
    with_cookies((StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response(), &[cookie])
}

/// Back from Slack's page.
pub async fn from_slack(Shared(state): Shared<State>, headers: HeaderMap, Query(back): Query<Next>) -> Response {
    let Some(sign_in) = &state.gate.sign_in else { return sign_in_page(&state, "", Some("Signing in with Slack is not set up.")) };
    if !back.error.is_empty() {
        return sign_in_page(&state, "", Some("You did not sign in at Slack."));
    }
    let cookies: Vec<&str> = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    let cookie = Cookie::new(oidc::COOKIE, state.gate.secure);
    let kept = cookie.read(cookies.iter().copied()).unwrap_or_default().to_owned();
    let ours: Vec<String> =
        state.slack.all().into_iter().filter_map(|workspace| workspace.identity.get().map(|identity| identity.team_id.clone())).collect();
    let is_ours = move |team: &str| ours.iter().any(|known| known == team);
    match sign_in.finish(&back.code, &back.state, &kept, is_ours, state.clock.now()).await {
        Ok(person) => {
            let who = person.principal(slack_roles(&state, &person.team, &person.user).await);
            let answer = enter(&state, &who.subject, &who, &person.team, None, "/incidents").await;
            with_cookies(answer, &[cookie.clear()])
        }
        Err(error) => with_cookies(sign_in_page(&state, "", Some(&error.to_string())), &[cookie.clear()]),
    }
}
