//! Everything that people do with an incident, as different people, through Slack.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use sre_agent::{
    model::{AuditEntry, Incident, IncidentId, Verdict},
    sandbox::Fault,
    store::{Embedded, Store},
};
use tokio::net::TcpListener;

use crate::{
    doors::signed,
    world::{ALICE, World, alertmanager, is_ours, sentence, shown},
};

const BOB: &str = "U02BOB";
const CAROL: &str = "U03CAROL";

/// An incident with its card and report: the alert's ts, the card's, the report.
pub async fn reported(world: &World) -> (String, String, Value) {
    let ts = world.post(sentence("firing")).await;
    let (card, report) = world.report(&ts).await;
    (ts, card["ts"].as_str().unwrap().to_owned(), report)
}

impl World {
    pub async fn press(&self, user: &str, message: &str, action: &str) {
        let delivery = self.slack.click(user, &self.channel, message, action).await.unwrap();
        assert_eq!(delivery.status, Some(200), "{action} is acknowledged");
    }

    pub async fn pick(&self, user: &str, message: &str, choice: &str) {
        let delivery = self.slack.choose(user, &self.channel, message, "more", choice).await.unwrap();
        assert_eq!(delivery.status, Some(200), "{choice} is acknowledged");
    }

    /// Waits until the person alone sees a sentence with `text`.
    pub async fn hears(&self, user: &str, text: &str) -> Value {
        self.until(
            &format!("{user} to hear `{text}`, having heard {:?}", self.slack.ephemeral(user).iter().map(shown).collect::<Vec<_>>()),
            |slack| slack.ephemeral(user).into_iter().find(|message| shown(message).contains(text)),
        )
        .await
    }

    /// Waits for a modal of the person that shows `text`.
    pub async fn modal(&self, user: &str, text: &str) -> (String, Value) {
        let view = self
            .until(&format!("a modal with `{text}`"), |slack| slack.open_views(user).into_iter().find(|view| shown(view).contains(text)))
            .await;
        (view["id"].as_str().unwrap().to_owned(), view)
    }

    pub async fn choose_in_modal(&self, user: &str, view: &str, action: &str, value: Value) {
        let body = json!({"user": user, "view_id": view, "action_id": action, "value": value}).to_string();
        let client = reqwest::Client::new();
        let request = client.post(format!("{}/sandbox/api/action", self.slack_url)).header("content-type", "application/json").body(body);
        assert!(request.send().await.unwrap().status().is_success());
    }

    /// Waits for a reply of ours in the thread with `text`, beside card and report.
    pub async fn says_in_thread(&self, ts: &str, text: &str) -> Value {
        let channel = self.channel.clone();
        self.until(&format!("`{text}` in the thread"), |slack| {
            slack.thread(&channel, ts).into_iter().filter(is_ours).skip(1).find(|message| shown(message).contains(text))
        })
        .await
    }

    pub fn store(&self) -> Embedded {
        Embedded::open(&self.folder.path().join("store.db")).unwrap()
    }

    pub async fn audit(&self) -> Vec<AuditEntry> {
        let mut lines = self.store().audit(Some("INC-1"), 100).await.unwrap();
        lines.reverse();
        lines
    }

    pub async fn incident(&self) -> Incident {
        self.store().incident(IncidentId(1)).await.unwrap().unwrap()
    }
}

/// Actor, act and outcome of each line.
fn lines(audit: &[AuditEntry]) -> Vec<(&str, &str, &str)> {
    audit.iter().map(|entry| (entry.actor.as_str(), entry.act.as_str(), entry.outcome.as_str())).collect()
}

#[tokio::test]
async fn an_act_is_done_once_and_each_person_hears_what_came_of_it() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    world.press(ALICE, &card, "ack").await;
    world.hears(ALICE, "You acknowledged INC-1.").await;
    world.card_shows(&ts, "Unacknowledge").await;
    world.press(BOB, &card, "unack").await;
    world.hears(BOB, "INC-1 is not acknowledged any more.").await;
    world.card_shows(&ts, "Reported").await;
    world.press(BOB, &card, "resolve").await;
    world.hears(BOB, "You resolved INC-1.").await;
    world.card_shows(&ts, "Resolved").await;
    world.press(ALICE, &card, "reopen").await;
    world.hears(ALICE, "You reopened INC-1.").await;
    let audit = world.audit().await;
    let expected = [(ALICE, "acknowledge", "done"), (BOB, "unacknowledge", "done"), (BOB, "resolve", "done"), (ALICE, "reopen", "done")];
    assert_eq!(lines(&audit), expected);
}

#[tokio::test]
async fn two_people_at_once_have_one_effect_and_the_second_hears_who_was_first() {
    let world = World::usual().await;
    let (_, card, _) = reported(&world).await;
    let press = |user: &'static str| world.slack.click(user, &world.channel, &card, "ack");
    let (first, second) = tokio::join!(press(ALICE), press(BOB));
    assert_eq!((first.unwrap().status, second.unwrap().status), (Some(200), Some(200)));
    let either = |text: &'static str| {
        move |slack: &sre_agent::sandbox::Sandbox| {
            [ALICE, BOB].into_iter().find(|user| slack.ephemeral(user).iter().any(|message| shown(message).contains(text)))
        }
    };
    let winner = world.until("somebody to have it", either("You acknowledged INC-1.")).await;
    let loser = world.until("somebody to be late", either("INC-1 is acknowledged already, by")).await;
    assert_ne!(winner, loser);
    world.hears(loser, &format!("<@{winner}>")).await;
    let audit = world.audit().await;
    assert_eq!(lines(&audit), [(winner, "acknowledge", "done"), (loser, "acknowledge", "nothing to do")]);
    assert_eq!(world.incident().await.owner.as_deref(), Some(winner));
}

#[tokio::test]
async fn a_press_that_is_delivered_three_times_is_done_once() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    world.press(ALICE, &card, "ack").await;
    world.card_shows(&ts, "Acknowledged").await;
    let presses = world.slack.deliveries();
    let payload = presses.iter().rev().find(|sent| sent["payload"]["type"] == "block_actions").unwrap()["payload"].to_string();
    let body = format!("payload={}", url::form_urlencoded::byte_serialize(payload.as_bytes()).collect::<String>());
    for _ in 0..2 {
        assert_eq!(signed(&world, "/slack/interactions", body.clone().into_bytes()).await.0, 200);
    }
    world.press(BOB, &card, "resolve").await;
    world.hears(BOB, "You resolved INC-1.").await;
    assert_eq!(lines(&world.audit().await), [(ALICE, "acknowledge", "done"), (BOB, "resolve", "done")]);
    assert_eq!(world.slack.ephemeral(ALICE).len(), 1);
}

#[tokio::test]
async fn broken_and_forged_interactions_change_nothing_and_harm_nobody() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    let press = |action: Value| json!({"type": "block_actions", "user": {"id": ALICE}, "team": {"id": "T01SANDBOX"}, "channel": {"id": world.channel}, "container": {}, "trigger_id": "1.2", "actions": [action]});
    let submit = |callback: &str, metadata: &str, values: Value| json!({"type": "view_submission", "user": {"id": ALICE}, "view": {"id": "V1", "callback_id": callback, "private_metadata": metadata, "state": {"values": values}}});
    let ours = json!({"incident": 1, "reply": {"channel": world.channel}}).to_string();
    let cases = [
        (press(json!({"action_id": "ack", "value": "INC-x"})), ""),
        (press(json!({"action_id": "more", "block_id": "nothing", "selected_option": {"value": "assign"}})), ""),
        (press(json!({"action_id": "feedback", "value": "é"})), ""),
        (press(json!({"action_id": "details_next", "value": "INC-1 99999999999999999999"})), ""),
        (press(json!({"action_id": "covers"})), ""),
        (submit("silence", "not ours", json!({})), "\"for\":"),
        (submit("silence", &ours, json!({})), "\"covers\":"),
        (submit("silence", &ours, json!({"for": {"for": {"selected_option": {"value": "900d"}}}})), "longest silence is 30 days"),
        (submit("assign", &ours, json!({"to": {"to": {"selected_user": "<!channel>"}}})), "choose a person"),
        (submit("escalate", &ours, json!({"to": 5})), ""),
        (submit("feedback", &ours, json!({"verdict": {"verdict": {"selected_option": {"value": "nonsense"}}}})), "choose one"),
        (submit("somebody else's", "", json!({})), ""),
        (json!({"type": "something_new"}), ""),
    ];
    for (payload, said) in cases {
        let body = format!("payload={}", url::form_urlencoded::byte_serialize(payload.to_string().as_bytes()).collect::<String>());
        let (status, answer) = signed(&world, "/slack/interactions", body.into_bytes()).await;
        assert!(matches!(status, 200 | 400), "{payload} → {status} {answer}");
        assert!(answer.to_string().contains(said), "{payload} → {answer}");
    }
    // A group that nobody configured, and an incident that never was: sentences, and no effect.
    for (payload, said) in [
        (press(json!({"action_id": "ack", "value": "INC-99", "action_ts": "1"})), "INC-99 does not exist"),
        (
            submit(
                "escalate",
                &ours,
                json!({"to": {"to": {"selected_option": {"value": "S0FORGED"}}}, "reason": {"reason": {"value": "x"}}}),
            ),
            "S0FORGED is no group",
        ),
    ] {
        let body = format!("payload={}", url::form_urlencoded::byte_serialize(payload.to_string().as_bytes()).collect::<String>());
        assert_eq!(signed(&world, "/slack/interactions", body.into_bytes()).await.0, 200);
        world.hears(ALICE, &said.replace("S0FORGED", "`S0FORGED`")).await;
    }
    world.press(BOB, &card, "ack").await;
    world.card_shows(&ts, "Acknowledged").await;
    assert_eq!(lines(&world.audit().await), [(ALICE, "escalate", "refused"), (BOB, "acknowledge", "done")]);
}

#[tokio::test]
async fn in_an_archived_channel_an_act_is_done_all_the_same() {
    let world = World::usual().await;
    let (_, card, _) = reported(&world).await;
    world.slack.archive(&world.channel).unwrap();
    world.press(ALICE, &card, "resolve").await;
    world.hears(ALICE, "You resolved INC-1.").await;
    assert_eq!(lines(&world.audit().await), [(ALICE, "resolve", "done")]);
}

#[tokio::test]
async fn what_was_over_when_it_was_first_seen_has_details_too() {
    let world = World::usual().await;
    let ts = world.post(sentence("resolved")).await;
    let card = world.card_shows(&ts, "Resolved").await;
    world.pick(ALICE, card["ts"].as_str().unwrap(), "details").await;
    let (_, view) = world.modal(ALICE, "nobody looked into it").await;
    assert!(shown(&view).contains("namespace=shop"), "{}", shown(&view));
}

#[tokio::test]
async fn an_incident_is_given_to_somebody_who_is_told_once_and_taken_away_again() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    world.pick(ALICE, &card, "assign").await;
    let (view, _) = world.modal(ALICE, "Who shall have it").await;
    world.slack.submit_view(ALICE, &view, json!({"to": BOB})).await.unwrap();
    world.card_shows(&ts, &format!("owner <@{BOB}>")).await;
    world.says_in_thread(&ts, &format!("<@{BOB}>, INC-1 is yours now; <@{ALICE}> gave it to you.")).await;
    world.hears(ALICE, "INC-1 belongs to").await;
    world.pick(BOB, &card, "assign").await;
    let (view, _) = world.modal(BOB, "Remove owner").await;
    world.choose_in_modal(BOB, &view, "unassign", Value::Null).await;
    world.card_shows(&ts, "no owner yet").await;
    world.modal(BOB, "Taken down").await;
    let told = world.thread(&ts).iter().filter(|message| shown(message).contains("is yours now")).count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn somebody_who_left_gets_no_incident() {
    let world = World::usual().await;
    let (_, card, _) = reported(&world).await;
    world.slack.deactivate(CAROL).unwrap();
    world.pick(ALICE, &card, "assign").await;
    let (view, _) = world.modal(ALICE, "Who shall have it").await;
    world.slack.submit_view(ALICE, &view, json!({"to": CAROL})).await.unwrap();
    world.hears(ALICE, "has left this workspace").await;
    assert_eq!(world.incident().await.owner, None);
    assert_eq!(lines(&world.audit().await), [(ALICE, "assign", "refused")]);
}

#[tokio::test]
async fn a_silence_shows_what_it_covers_before_it_is_set_and_is_undone_for_all() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    let other = world.post(alertmanager("firing", "KubePodCrashLooping", "payments")).await;
    world.report(&other).await;
    world.press(ALICE, &card, "silence").await;
    let (view, first) = world.modal(ALICE, "1 open incident").await;
    assert!(shown(&first).contains("INC-1") && !shown(&first).contains("INC-2"), "{}", shown(&first));
    world.choose_in_modal(ALICE, &view, "covers", "name".into()).await;
    let (_, wider) = world.modal(ALICE, "2 open incidents").await;
    assert!(shown(&wider).contains("alertname = KubePodCrashLooping") && shown(&wider).contains("INC-2"), "{}", shown(&wider));

    world.slack.submit_view(ALICE, &view, json!({"other": "when it is over"})).await.unwrap();
    let wrong = world.slack.view_errors(&view);
    assert!(wrong["other"].as_str().unwrap().contains("such as 45m"), "{wrong}");
    world.slack.submit_view(ALICE, &view, json!({"other": "1h30m", "reason": "index is being built"})).await.unwrap();
    world.card_shows(&ts, "Silenced").await;
    let silent = world.card_shows(&other, "Silenced").await;
    assert!(shown(&silent).contains("Undo silence"), "{}", shown(&silent));
    world.hears(ALICE, "1 other incident with it").await;
    world.until("the reaction", |_| (world.reactions(&ts) == ["no_bell"]).then_some(())).await;

    world.press(BOB, silent["ts"].as_str().unwrap(), "unsilence").await;
    world.card_shows(&ts, "Reported").await;
    world.card_shows(&other, "Reported").await;
    world.hears(BOB, "are not silenced any more").await;
    let audit = world.audit().await;
    assert_eq!(lines(&audit), [(ALICE, "silence", "done")]);
    assert!(audit[0].detail.contains("alertname=KubePodCrashLooping") && audit[0].detail.contains("index is being built"), "{audit:?}");
}

#[tokio::test]
async fn an_acknowledged_incident_is_acknowledged_again_after_its_silence() {
    let world = World::usual().await;
    let (ts, card, _) = reported(&world).await;
    world.press(ALICE, &card, "silence").await;
    let (view, _) = world.modal(ALICE, "For how long").await;
    world.slack.submit_view(ALICE, &view, json!({"for": "8h"})).await.unwrap();
    world.card_shows(&ts, "Silenced").await;
    world.press(BOB, &card, "ack").await;
    world.hears(BOB, "it stays silenced until").await;
    world.card_shows(&ts, "Unacknowledge").await;
    world.press(BOB, &card, "unsilence").await;
    world.card_shows(&ts, "Acknowledged").await;
}

/// An Alertmanager that takes what its API documents and nothing else.
#[derive(Default)]
struct Alertmanager {
    silences: Vec<Value>,
    wrong: Vec<String>,
    /// Statuses of the next answers to POST; the second says whether it is done all the same.
    answers: Vec<(u16, bool)>,
    posts: usize,
}

type Shared<T> = Arc<Mutex<T>>;

impl Alertmanager {
    fn check(&self, body: &Value) -> Result<(), String> {
        let known = ["matchers", "startsAt", "endsAt", "createdBy", "comment"];
        let fields = body.as_object().ok_or("no object")?;
        if let Some(extra) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("unknown field {extra}"));
        }
        let text =
            |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(format!("{key} in body is required"));
        let time = |key: &str| text(key)?.parse::<jiff::Timestamp>().map_err(|error| error.to_string());
        text("createdBy").and_then(|_| text("comment"))?;
        if time("startsAt")? >= time("endsAt")? {
            return Err("start time must be before end time".to_owned());
        }
        let matchers = fields.get("matchers").and_then(Value::as_array).filter(|list| !list.is_empty()).ok_or("matchers")?;
        for matcher in matchers {
            let strings = ["name", "value"].iter().all(|key| matcher[*key].as_str().is_some_and(|text| !text.is_empty()));
            if !strings
                || !matcher["isRegex"].is_boolean()
                || matcher.as_object().unwrap().keys().any(|key| !["name", "value", "isRegex", "isEqual"].contains(&key.as_str()))
            {
                return Err(format!("matcher {matcher}"));
            }
        }
        Ok(())
    }
}

async fn set_silence(State(shared): State<Shared<Alertmanager>>, headers: HeaderMap, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut here = shared.lock().unwrap();
    here.posts += 1;
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some("Bearer am-token") {
        here.wrong.push("no token".to_owned());
    }
    if let Err(error) = here.check(&body) {
        here.wrong.push(error.clone());
        return (StatusCode::BAD_REQUEST, Json(error.into()));
    }
    let (status, done) = if here.answers.is_empty() { (200, true) } else { here.answers.remove(0) };
    let id = format!("a0000000-0000-0000-0000-{:012}", here.silences.len());
    if done {
        let mut silence = body;
        silence["id"] = id.clone().into();
        silence["status"] = json!({"state": "active"});
        here.silences.push(silence);
    }
    let answer = if status == 200 { json!({"silenceID": id}) } else { "not today".into() };
    (StatusCode::from_u16(status).unwrap(), Json(answer))
}

async fn expire(State(shared): State<Shared<Alertmanager>>, Path(id): Path<String>) -> StatusCode {
    let mut here = shared.lock().unwrap();
    match here.silences.iter_mut().find(|silence| silence["id"] == id.as_str()) {
        Some(silence) => {
            silence["status"] = json!({"state": "expired"});
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn listening(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn world_with_alertmanager(answers: Vec<(u16, bool)>) -> (World, Shared<Alertmanager>) {
    let shared: Shared<Alertmanager> = Arc::new(Mutex::new(Alertmanager { answers, ..Alertmanager::default() }));
    let list = |State(shared): State<Shared<Alertmanager>>| async move { Json(Value::Array(shared.lock().unwrap().silences.clone())) };
    let router = Router::new()
        .route("/api/v2/silences", get(list).post(set_silence))
        .route("/api/v2/silence/{id}", axum::routing::delete(expire))
        .with_state(Arc::clone(&shared));
    let url = listening(router).await;
    let world = World::tuned(|settings| format!("{settings}silences: {{alertmanager: {{url: '{url}', token: am-token}}}}\n")).await;
    (world, shared)
}

async fn silence_for_two_hours(world: &World, card: &str) {
    world.press(ALICE, card, "silence").await;
    let (view, _) = world.modal(ALICE, "For how long").await;
    world.slack.submit_view(ALICE, &view, json!({"reason": "known"})).await.unwrap();
}

#[tokio::test]
async fn a_silence_is_set_in_alertmanager_too_and_ended_there_with_undo() {
    let (world, alertmanager) = world_with_alertmanager(Vec::new()).await;
    let (ts, card, _) = reported(&world).await;
    silence_for_two_hours(&world, &card).await;
    world.hears(ALICE, "Alertmanager keeps quiet about INC-1 too").await;
    {
        let here = alertmanager.lock().unwrap();
        assert_eq!((here.silences.len(), &here.wrong), (1, &Vec::<String>::new()));
        let silence = here.silences[0].to_string();
        assert!(silence.contains("KubePodCrashLooping") && silence.contains("checkout-7f5b9c4d68-4xk9p"), "{silence}");
        assert!(!silence.contains("critical"), "the severity may change while it is silenced: {silence}");
        assert!(silence.contains("known (INC-1) [SIL-"), "{silence}");
    }
    world.card_shows(&ts, "Undo silence").await;
    world.press(ALICE, &card, "unsilence").await;
    world.hears(ALICE, "ended in Alertmanager too").await;
    assert_eq!(alertmanager.lock().unwrap().silences[0]["status"]["state"], "expired");
    world.card_shows(&ts, "Reported").await;
}

#[tokio::test]
async fn a_silence_whose_answer_was_lost_is_found_again_and_not_set_twice() {
    let (world, alertmanager) = world_with_alertmanager(vec![(500, true)]).await;
    let (_, card, _) = reported(&world).await;
    silence_for_two_hours(&world, &card).await;
    world.hears(ALICE, "Alertmanager keeps quiet about INC-1 too").await;
    let here = alertmanager.lock().unwrap();
    assert_eq!((here.silences.len(), here.posts), (1, 1));
}

#[tokio::test]
async fn where_alertmanager_refuses_everybody_reads_it_and_the_silence_holds_here() {
    let (world, _alertmanager) = world_with_alertmanager(vec![(403, false)]).await;
    let (ts, card, _) = reported(&world).await;
    silence_for_two_hours(&world, &card).await;
    let said = "Alertmanager was not silenced for INC-1: HTTP 403: not today. Here the silence holds.";
    world.says_in_thread(&ts, said).await;
    world.hears(ALICE, said).await;
    world.card_shows(&ts, "Silenced").await;
    assert_eq!(lines(&world.audit().await), [(ALICE, "silence", "done"), (ALICE, "silence", "failed")]);
}

#[tokio::test]
async fn a_group_is_called_once_and_pagerduty_is_told_with_the_way_back() {
    type Events = Shared<Vec<Value>>;
    let events: Events = Arc::default();
    let enqueue = |State(events): State<Events>, Json(body): Json<Value>| async move {
        events.lock().unwrap().push(body);
        (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Event processed", "dedup_key": "x"})))
    };
    let url = listening(Router::new().route("/v2/enqueue", post(enqueue)).with_state(Arc::clone(&events))).await;
    let world = World::tuned(|settings| {
        format!("{settings}escalation: {{groups: {{platform on-call: S01ONCALL}}, pagerduty_key: pd-s3cret, pagerduty_url: '{url}'}}\n")
    })
    .await;
    let (ts, card, _) = reported(&world).await;
    let call = async |to: &str, reason: &str| {
        world.pick(ALICE, &card, "escalate").await;
        let (view, _) = world.modal(ALICE, "Who shall be called").await;
        world.slack.submit_view(ALICE, &view, json!({"to": to, "reason": reason})).await.unwrap();
    };
    call("S01ONCALL", "the rollback fails, &lt;!channel&gt; <!here>").await;
    let line = world.says_in_thread(&ts, &format!("<!subteam^S01ONCALL> <@{ALICE}> calls you to INC-1")).await;
    assert!(!line.to_string().contains("<!here>"), "a reason mentions nobody: {line}");
    world.hears(ALICE, "You called platform on-call to INC-1.").await;
    world.card_shows(&ts, "called platform on-call").await;

    call("pagerduty", "need a DBA").await;
    world.hears(ALICE, "PagerDuty was called to INC-1.").await;
    world.says_in_thread(&ts, "called PagerDuty to INC-1: need a DBA").await;
    world.card_shows(&ts, "called PagerDuty").await;
    let told = events.lock().unwrap().clone();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["routing_key"], "pd-s3cret");
    assert_eq!(told[0]["payload"]["severity"], "critical");
    assert_eq!(told[0]["dedup_key"], "sre-agent/INC-1");
    assert!(told[0]["links"][0]["href"].as_str().unwrap().contains("/archives/"), "{}", told[0]);
    let audit = world.audit().await;
    assert_eq!(lines(&audit), [(ALICE, "escalate", "done"), (ALICE, "escalate", "done"), (ALICE, "escalate", "done")]);
    let mentions = world.thread(&ts).iter().filter(|message| message.to_string().contains("subteam^S01ONCALL")).count();
    assert_eq!(mentions, 1, "the group is called once");
}

#[tokio::test]
async fn pagerduty_not_taking_the_call_is_said_to_everybody() {
    let refuse = || async { (StatusCode::BAD_REQUEST, Json(json!({"status": "invalid event", "message": "Event object is invalid"}))) };
    let url = listening(Router::new().route("/v2/enqueue", post(refuse))).await;
    let world = World::tuned(|settings| format!("{settings}escalation: {{pagerduty_key: pd-s3cret, pagerduty_url: '{url}'}}\n")).await;
    let (ts, card, _) = reported(&world).await;
    world.pick(ALICE, &card, "escalate").await;
    let (view, _) = world.modal(ALICE, "Who shall be called").await;
    world.slack.submit_view(ALICE, &view, json!({"reason": "help"})).await.unwrap();
    let line = world.says_in_thread(&ts, "PagerDuty could not be called to INC-1: HTTP 400: Event object is invalid").await;
    assert!(!line.to_string().contains("s3cret"));
    world.hears(ALICE, "Please call people another way").await;
    assert_eq!(lines(&world.audit().await), [(ALICE, "escalate", "done"), (ALICE, "escalate", "failed")]);
}

#[tokio::test]
async fn opinions_on_a_report_are_kept_one_for_each_person() {
    let world = World::usual().await;
    let (_, _, report) = reported(&world).await;
    let report_ts = report["ts"].as_str().unwrap();
    world.press(ALICE, report_ts, "feedback").await;
    world.hears(ALICE, "counts as correct").await;
    let blocks = report["blocks"].as_array().unwrap();
    let thumbs = blocks.iter().find(|block| block["type"] == "context_actions").unwrap();
    let down = thumbs["elements"][0]["negative_button"]["value"].as_str().unwrap();
    world.slack.choose(BOB, &world.channel, report_ts, "feedback", down).await.unwrap();
    let (view, _) = world.modal(BOB, "What the real cause was").await;
    world.slack.submit_view(BOB, &view, json!({"verdict": "one_hop_short", "cause": "the limit was lowered by rollout 18"})).await.unwrap();
    world.hears(BOB, "counts as one hop short").await;
    // Alice thinks again: her newest word counts.
    world.slack.choose(ALICE, &world.channel, report_ts, "feedback", down).await.unwrap();
    let (view, _) = world.modal(ALICE, "What the real cause was").await;
    world.slack.submit_view(ALICE, &view, json!({})).await.unwrap();
    world.hears(ALICE, "counts as wrong").await;
    let incident = world.incident().await;
    let mut said: Vec<_> = incident.feedback.iter().map(|said| (said.by.as_str(), said.verdict, said.note.as_str())).collect();
    said.sort_unstable_by_key(|said| said.0);
    assert_eq!(said, [(ALICE, Verdict::Wrong, ""), (BOB, Verdict::OneHopShort, "the limit was lowered by rollout 18")]);
    assert!(incident.feedback.iter().all(|said| said.investigation.is_some() && said.investigation == incident.investigation));
}

#[tokio::test]
async fn who_may_not_hears_who_may_and_nothing_changes() {
    let world = World::tuned(|settings| settings.replace("slack: {", "slack: {rights: {resolve: [S01ONCALL, U09NOBODY]}, ")).await;
    let (ts, card, _) = reported(&world).await;
    world.press(CAROL, &card, "resolve").await;
    let said = world.hears(CAROL, "You may not resolve INC-1; ").await;
    assert!(shown(&said).contains("<!subteam^S01ONCALL> and <@U09NOBODY> may."), "{}", shown(&said));
    assert!(shown(&world.thread(&ts)[1]).contains("Reported"));
    world.press(ALICE, &card, "resolve").await;
    world.card_shows(&ts, "Resolved").await;
    let audit = world.audit().await;
    assert_eq!(lines(&audit), [(CAROL, "resolve", "refused"), (ALICE, "resolve", "done")]);
}

#[tokio::test]
async fn while_slack_does_not_say_who_is_in_a_group_nobody_is_let_in_by_it() {
    let world = World::tuned(|settings| settings.replace("slack: {", "slack: {rights: {acknowledge: [S01ONCALL]}, ")).await;
    let (_, card, _) = reported(&world).await;
    world.slack.inject("usergroups.users.list", Fault::ServerError(503), 1);
    world.press(ALICE, &card, "ack").await;
    world.hears(ALICE, "Slack does not say who is in the groups that may").await;
    world.press(ALICE, &card, "ack").await;
    world.hears(ALICE, "You acknowledged INC-1.").await;
}

#[tokio::test]
async fn a_window_that_slack_does_not_open_in_time_is_explained() {
    let world = World::usual().await;
    let (_, card, _) = reported(&world).await;
    // The trigger is three seconds old when Slack looks at it.
    world.slack.inject("views.open", Fault::Hang(Duration::from_millis(3500)), 1);
    world.press(ALICE, &card, "silence").await;
    world.hears(ALICE, "Please press it again").await;
    assert!(world.slack.open_views(ALICE).is_empty());
}

#[tokio::test]
async fn the_policy_mentions_people_in_the_first_post_and_never_again() {
    let world = World::tuned(|settings| settings.replace("slack: {", "slack: {mentions: {P0: [S01ONCALL, U02BOB]}, ")).await;
    let (ts, card, _) = reported(&world).await;
    world.post(sentence("firing")).await;
    world.card_shows(&ts, "2 alerts").await;
    world.press(ALICE, &card, "resolve").await;
    world.card_shows(&ts, "Resolved").await;
    world.press(ALICE, &card, "reopen").await;
    world.card_shows(&ts, "Reported").await;
    let posts: Vec<String> =
        world.slack.calls().iter().filter(|call| call.method == "chat.postMessage").map(|call| call.body.to_string()).collect();
    let called = posts.iter().filter(|post| post.contains("<!subteam^S01ONCALL>") && post.contains("<@U02BOB>")).count();
    assert_eq!(called, 1, "{posts:#?}");
    assert!(posts[0].contains("<!subteam^S01ONCALL>"), "the first post calls them");
}

#[tokio::test]
async fn what_is_known_can_be_read_from_the_card_and_a_runbook_is_one_press_away() {
    let world = World::tuned(|settings| settings).await;
    let mut alert = sentence("firing");
    alert["attachments"][0]["actions"] =
        json!([{"type": "button", "text": "Runbook :notebook:", "url": "https://wiki.example.com/crashloop?a=1&b=2"}]);
    let ts = world.post(alert).await;
    let (card, _) = world.report(&ts).await;
    assert!(shown(&card).contains("Alert's runbook"), "{}", shown(&card));
    assert!(card.to_string().contains("https://wiki.example.com/crashloop?a=1&b=2"), "{card}");
    let card = card["ts"].as_str().unwrap();
    world.press(ALICE, card, "runbook_link").await;
    world.pick(ALICE, card, "similar").await;
    let (_, view) = world.modal(ALICE, "Similar incidents").await;
    assert!(shown(&view).contains("The alert's Runbook"), "{}", shown(&view));
    world.pick(ALICE, card, "details").await;
    let (_, view) = world.modal(ALICE, "OOMKilled").await;
    assert!(shown(&view).contains("severity as sent: critical"), "{}", shown(&view));
}

#[tokio::test]
async fn forms_that_are_not_as_we_made_them_change_nothing() {
    let world = World::tuned(|settings| format!("{settings}escalation: {{groups: {{ops: S01ONCALL}}}}\n")).await;
    let (_, card, _) = reported(&world).await;
    world.pick(ALICE, &card, "escalate").await;
    let (view, _) = world.modal(ALICE, "Who shall be called").await;
    world.slack.submit_view(ALICE, &view, json!({"reason": "x".repeat(2000)})).await.unwrap();
    let wrong = world.slack.view_errors(&view);
    assert!(wrong["reason"].as_str().unwrap().contains("below 1000 characters"), "{wrong}");
    assert!(world.audit().await.is_empty());
}
