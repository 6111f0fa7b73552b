//! The timeline of an incident as a picture in its thread, and files that never hold up a message.

use std::{fs, path::Path};

use serde_json::Value;
use sre_agent::sandbox::{Config, Fault};

use crate::world::{ALICE, World, is_ours, sentence, shown};

/// A world with the evidence of a rollout that lowered a memory limit, and the alert about it.
async fn world(change: impl FnOnce(&mut Config)) -> (World, Value) {
    let mut world = World::start(change).await;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/bundles/memory-limit");
    copy(&example.join("bundle"), &world.folder.path().join("evidence"));
    // The evidence is read at the start.
    world.abandon_service().await;
    world.start_service().await;
    let post: Value = serde_json::from_str(&fs::read_to_string(example.join("slack.json")).unwrap()).unwrap();
    (world, post["message"].clone())
}

fn copy(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push((entry.path(), target));
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
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
    let (world, alert) = world(|_| {}).await;
    let ts = world.post(alert.clone()).await;
    let picture = world.until("a picture", |_| files(&world, &ts).into_iter().next()).await;
    assert_eq!(picture["mimetype"], "image/png");
    assert!(picture["title"].as_str().unwrap().contains("INC-1 timeline"), "{picture}");
    let alt = picture["alt_txt"].as_str().unwrap();
    assert!(alt.contains("14:02:10 change") && alt.contains("UTC"), "{alt}");
    let ours: Vec<Value> = world.thread(&ts).into_iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 3, "card, report, picture");
    assert!(shown(&ours[1]).contains("OOMKilled") && ours[2]["files"].is_array(), "the report comes first");
    let bytes = reqwest::get(picture["url_private"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 80_000, "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_picture_that_was_shared_without_an_answer_is_not_shared_again() {
    let (world, alert) = world(|_| {}).await;
    world.slack.inject("files.completeUploadExternal", Fault::Ambiguous, 1);
    world.slack.inject("files.getUploadURLExternal", Fault::ServerError(503), 1);
    let ts = world.post(alert.clone()).await;
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
    let (world, alert) = world(|workspace| workspace.scopes.retain(|scope| scope != "files:write")).await;
    let ts = world.post(alert.clone()).await;
    world.report(&ts).await;
    world.until("the attempt", |slack| slack.calls().iter().any(|call| call.method == "files.getUploadURLExternal").then_some(())).await;
    let (card, _) = world.report(&ts).await;
    world.slack.choose(ALICE, &world.channel, card["ts"].as_str().unwrap(), "more", "rerun").await.unwrap();
    world.until("a second report", |_| (world.thread(&ts).iter().filter(|message| is_ours(message)).count() == 3).then_some(())).await;
    let tried = world.slack.calls().iter().filter(|call| call.method == "files.getUploadURLExternal").count();
    assert_eq!(tried, 1, "it is asked for once and then left alone");
    assert!(files(&world, &ts).is_empty());
}

#[tokio::test]
async fn all_evidence_comes_as_a_file_when_somebody_wants_it() {
    let world = World::usual().await;
    let ts = world.post(sentence("firing")).await;
    let (_, report) = world.report(&ts).await;
    world.slack.click(ALICE, &world.channel, report["ts"].as_str().unwrap(), "details").await.unwrap();
    let view = world.until("a modal", |slack| slack.open_views(ALICE).into_iter().next()).await;
    let id = view["id"].as_str().unwrap();
    for _ in 0..2 {
        world.slack.click_in_view(ALICE, id, "evidence_file").await.unwrap();
    }
    let file = world.until("a file", |_| files(&world, &ts).into_iter().next()).await;
    assert_eq!(file["title"], "INC-1: all evidence");
    let text = reqwest::get(file["url_private"].as_str().unwrap()).await.unwrap().text().await.unwrap();
    assert!(text.contains("E1 condition") && text.contains("OOMKilled") && text.contains("asked kubernetes_objects"), "{text}");
    assert_eq!(files(&world, &ts).len(), 1, "pressed twice, shared once");
}
