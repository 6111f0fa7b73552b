//! `/sre`: a conversation from the alert to the figures, and what is said when a command is not understood.

use std::fs;

use serde_json::{Value, json};

use crate::world::{ALICE, World, alertmanager, is_ours, sentence, shown};

/// A world with an on-call group, an address of its own, and evidence that questions can be asked about.
pub async fn world() -> World {
    let mut world = World::usual().await;
    world.abandon_service().await;
    let evidence = world.folder.path().join("evidence");
    let line = |time: &str, service: &str, severity: &str, body: &str| {
        json!({"timestamp": format!("2026-01-15T{time}Z"), "service": service, "severity": severity, "body": body}).to_string()
    };
    let logs = [
        line("13:30:00", "api", "ERROR", "upstream payments timed out after 5000 ms"),
        line("13:58:00", "api", "ERROR", "upstream payments timed out after 5000 ms"),
        line("13:59:00", "api", "INFO", "request served in 12 ms"),
        line("14:01:00", "payments", "ERROR", "connection refused by db-1:5432"),
        line("14:03:00", "payments", "ERROR", "connection refused by db-1:5432"),
    ];
    fs::write(evidence.join("services.jsonl"), logs.join("\n") + "\n").unwrap();
    let change = |time: &str, id: &str, service: &str| {
        json!({"time": format!("2026-01-15T{time}Z"), "kind": "deploy", "service": service, "id": id, "summary": format!("deploy {id}")})
            .to_string()
    };
    let changes = [change("09:00:00", "v1", "api"), change("13:50:00", "v2", "api"), change("13:55:00", "v3", "payments")];
    fs::write(evidence.join("changes.jsonl"), changes.join("\n") + "\n").unwrap();
    let settings = fs::read_to_string(world.settings_file()).unwrap();
    let settings = settings.replace("server: {", "server: {public_url: 'https://sre.example.com', ");
    fs::write(world.settings_file(), settings + "escalation: {oncall_group: S01ONCALL}\n").unwrap();
    world.start_service().await;
    world
}

/// What the person sees after `/sre …`, the newest answer.
pub async fn sre(world: &World, text: &str) -> String {
    let before = world.slack.ephemeral(ALICE).len();
    let delivery = world.slack.command(ALICE, &world.channel, "/sre", text).await.unwrap();
    assert_eq!(delivery.status, Some(200), "/sre {text}");
    let answers =
        world.until(&format!("an answer to /sre {text}"), |slack| Some(slack.ephemeral(ALICE)).filter(|all| all.len() > before)).await;
    shown(answers.last().unwrap())
}

/// Our messages in a thread, after the card and the report.
pub fn further(thread: &[Value]) -> Vec<String> {
    thread.iter().filter(|message| is_ours(message)).skip(2).map(shown).collect()
}

#[tokio::test]
async fn from_the_alert_to_the_figures() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;

    let why = sre(&world, "why").await;
    assert!(
        why.contains("Why INC-1") && why.contains("Because") && why.contains("OOMKilled") && why.contains("Would be refuted if"),
        "{why}"
    );
    assert!(sre(&world, "similar INC-1").await.contains("No closed incident resembles INC-1"));
    let show = sre(&world, "show 1").await;
    assert!(show.contains("INC-1") && show.contains("Timeline") && show.contains("no owner"), "{show}");
    let status = sre(&world, "status").await;
    assert!(status.contains("1 incident open: 1 P0") && status.contains("Longest without an owner: INC-1"), "{status}");
    let runbook = sre(&world, "runbook").await;
    assert!(runbook.contains("the alert names none") && runbook.contains("Do now"), "{runbook}");

    world.slack.post_as_user(&world.channel, ALICE, "what changed?", Some(&ts)).await.unwrap();
    let channel = world.channel.clone();
    world.until("the answer", |slack| further(&slack.thread(&channel, &ts)).iter().any(|text| text.contains("hange")).then_some(())).await;

    let pointer = sre(&world, "postmortem").await;
    assert!(pointer.contains("A postmortem draft is in the thread of INC-1"), "{pointer}");
    let draft = world
        .until("the draft", |slack| further(&slack.thread(&channel, &ts)).into_iter().find(|text| text.contains("Postmortem draft")))
        .await;
    for chapter in ["Summary", "Impact", "Timeline (UTC)", "Root cause", "What went well", "Action items"] {
        assert!(draft.contains(chapter), "{chapter} is missing in {draft}");
    }
    assert!(draft.contains("Alice Moreno: asked: what changed?") && !draft.contains("<@"), "people are named, not called: {draft}");
    let markdown = sre(&world, "postmortem INC-1 markdown").await;
    assert!(markdown.contains("# Postmortem: INC-1") && markdown.contains("## Action items"), "{markdown}");

    let stats = sre(&world, "stats 1w").await;
    assert!(stats.contains("1 incident since") && stats.contains("first report") && stats.contains("nobody has judged one yet"), "{stats}");
    let handoff = sre(&world, "handoff").await;
    assert!(handoff.contains("1 open, 1 without an owner") && handoff.contains("On call: Alice Moreno, Bob Tanaka"), "{handoff}");
    assert!(sre(&world, "oncall").await.contains("On call: Alice Moreno, Bob Tanaka."));
    let examined = sre(&world, "doctor").await;
    assert!(examined.contains("Everything works."), "{examined}");
    let list = sre(&world, "incidents").await;
    assert!(list.contains("INC-1 P0") && list.contains("reported"), "{list}");
    assert!(sre(&world, "incidents nowhere").await.contains("There are no incidents of nowhere."));
    assert!(sre(&world, "help").await.contains("/sre investigate WORDS"));
}

#[tokio::test]
async fn acts_by_command_change_the_card() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    let act = async |text: &str| world.slack.command(ALICE, &world.channel, "/sre", text).await.unwrap();
    assert_eq!(act("ack").await.status, Some(200));
    let card = world.card_shows(&ts, "Acknowledged").await;
    assert!(shown(&card).contains(ALICE));
    act("resolve inc1").await;
    world.card_shows(&ts, "Resolved").await;
    assert!(sre(&world, "ack").await.contains("Nothing is open here"));
    assert!(sre(&world, "reopen").await.contains("/sre reopen INC-1"), "which one is asked for, with the candidates");
    act("reopen INC-1").await;
    world.card_shows(&ts, "Reported").await;
    act("replay").await;
    let channel = world.channel.clone();
    let replay = world
        .until("the comparison", |slack| further(&slack.thread(&channel, &ts)).into_iter().find(|text| text.contains("Replay as of")))
        .await;
    assert!(replay.contains("the same cause"), "{replay}");
}

#[tokio::test]
async fn what_is_not_understood_is_said_with_a_way_out() {
    let world = world().await;
    assert!(
        sre(&world, "incidnets").await.contains("did you mean incidents?")
            || sre(&world, "incidnets").await.contains("did you mean `incidents`?")
    );
    assert!(sre(&world, "why").await.contains("Nothing is open here"));
    assert!(sre(&world, "show INC-99").await.contains("There is no INC-99."));
    let first = world.post(alertmanager("firing", "HighLatency", "orders")).await;
    let second = world.post(alertmanager("firing", "TargetDown", "payments")).await;
    world.report(&first).await;
    world.report(&second).await;
    let which = sre(&world, "ack").await;
    assert!(which.contains("Which incident do you mean?") && which.contains("INC-1") && which.contains("INC-2"), "{which}");
    assert!(sre(&world, "similar INC-99999999999999999999").await.contains("is not an incident"));
}

#[tokio::test]
async fn a_past_incident_is_found_again_with_its_cause() {
    let world = world().await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    world.post(sentence("resolved")).await;
    world.card_shows(&ts, "Resolved").await;
    let mut other = sentence("firing");
    let text = other["attachments"][0]["text"].as_str().unwrap().replace("KubePodCrashLooping", "KubePodNotReady");
    other["attachments"][0]["text"] = text.into();
    other["attachments"][0]["title"] = "[FIRING:1] KubePodNotReady".into();
    let second = world.post(other).await;
    let (card, _) = world.report(&second).await;
    assert!(shown(&card).contains("INC-2"), "{}", shown(&card));
    let similar = sre(&world, "similar INC-2").await;
    assert!(similar.contains("Like INC-2") && similar.contains("INC-1") && similar.contains("Cause then"), "{similar}");
}

#[tokio::test]
async fn investigate_by_command_opens_a_message_of_its_own() {
    let world = world().await;
    let answer = sre(&world, "investigate why is checkout crashing in namespace shop?").await;
    assert!(answer.contains("I am looking into it"), "{answer}");
    let delivery = world.slack.command(ALICE, &world.channel, "/sre-analyze", "payments refuses connections since 14:00").await.unwrap();
    assert_eq!(delivery.status, Some(200));
    let channel = world.channel.clone();
    let cards = world
        .until("two cards", |slack| {
            Some(slack.messages(&channel).into_iter().filter(is_ours).collect::<Vec<_>>()).filter(|all| all.len() == 2)
        })
        .await;
    let first = cards.iter().find(|card| shown(card).contains("checkout")).unwrap();
    let ts = first["ts"].as_str().unwrap();
    let report = world.until("its report", |slack| slack.thread(&channel, ts).into_iter().nth(1)).await;
    assert!(shown(&report).contains("OOMKilled"), "{}", shown(&report));
    assert!(shown(&world.card_shows(ts, "Reported").await).contains("P3"));
}
