//! The timeline of an incident as a picture in its thread, and files that never hold up a message.

use serde_json::{Value, json};
use sre_agent::sandbox::{Config, Fault};

use crate::world::{World, is_ours, sentence, shown};

/// A world whose evidence has a rollout, a crash and logs with times.
async fn world(change: impl FnOnce(&mut Config)) -> World {
    let mut world = World::start(change).await;
    let evidence = world.folder.path().join("evidence");
    let mut pods = crate::world::oom_evidence();
    pods["items"].as_array_mut().unwrap().push(json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "BackOff",
        "metadata": {"name": "e1", "namespace": "shop"}, "message": "Back-off restarting failed container checkout",
        "involvedObject": {"kind": "Pod", "name": "checkout-7f5b9c4d68-4xk9p", "namespace": "shop"}, "count": 42,
        "firstTimestamp": "2026-01-15T14:04:00Z", "lastTimestamp": "2026-01-15T14:20:00Z"}));
    std::fs::write(evidence.join("pods.json"), pods.to_string()).unwrap();
    let lines: String = (0..600)
        .map(|second| {
            let (level, text) =
                if second > 200 { ("ERROR", "java.lang.OutOfMemoryError: Java heap space") } else { ("INFO", "served /cart") };
            format!("2026-01-15T14:{:02}:{:02}Z {level} checkout {text}\n", second / 60, second % 60)
        })
        .collect();
    std::fs::write(evidence.join("checkout.log"), lines).unwrap();
    // The evidence is read at the start.
    world.abandon_service().await;
    std::fs::remove_file(world.folder.path().join("store.db")).unwrap();
    world.start_service().await;
    world
}

fn files(world: &World, ts: &str) -> Vec<Value> {
    world
        .thread(ts)
        .iter()
        .filter(|message| is_ours(message))
        .flat_map(|message| message["files"].as_array().cloned().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn the_timeline_follows_the_report_as_a_picture_with_words() {
    let world = world(|_| {}).await;
    let ts = world.post(sentence("firing")).await;
    let picture = world.until("a picture", |_| files(&world, &ts).into_iter().next()).await;
    assert_eq!(picture["mimetype"], "image/png");
    assert!(picture["title"].as_str().unwrap().contains("INC-1 timeline"), "{picture}");
    let alt = picture["alt_txt"].as_str().unwrap();
    assert!(alt.contains("14:03:11") && alt.contains("UTC"), "{alt}");
    let ours: Vec<Value> = world.thread(&ts).into_iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 3, "card, report, picture");
    assert!(shown(&ours[1]).contains("OOMKilled") && ours[2]["files"].is_array(), "the report comes first");
    let bytes = reqwest::get(picture["url_private"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 80_000, "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_picture_that_was_shared_without_an_answer_is_not_shared_again() {
    let world = world(|_| {}).await;
    world.slack.inject("files.completeUploadExternal", Fault::Ambiguous, 1);
    world.slack.inject("files.getUploadURLExternal", Fault::ServerError(503), 1);
    let ts = world.post(sentence("firing")).await;
    world
        .until("the search for it", |slack| {
            let calls = slack.calls();
            let shared = calls.iter().position(|call| call.method == "files.completeUploadExternal")?;
            calls.iter().skip(shared).any(|call| call.method == "conversations.replies").then_some(())
        })
        .await;
    world.card_shows(&ts, "Reported").await;
    assert_eq!(files(&world, &ts).len(), 1);
}

#[tokio::test]
async fn without_the_scope_there_is_a_report_and_no_picture() {
    let world = world(|workspace| workspace.scopes.retain(|scope| scope != "files:write")).await;
    let ts = world.post(sentence("firing")).await;
    world.report(&ts).await;
    world.until("the attempt", |slack| slack.calls().iter().any(|call| call.method == "files.getUploadURLExternal").then_some(())).await;
    let second: Value =
        serde_json::from_str(&sentence("firing").to_string().replace("checkout-7f5b9c4d68-4xk9p", "checkout-7f5b9c4d68-4xk9q")).unwrap();
    let other = world.post(second).await;
    world.report(&other).await;
    let tried = world.slack.calls().iter().filter(|call| call.method == "files.getUploadURLExternal").count();
    assert_eq!(tried, 1, "it is asked for once and then left alone");
    assert!(files(&world, &ts).is_empty());
}
