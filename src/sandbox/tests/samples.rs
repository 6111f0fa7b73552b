//! The validator against the shared samples: everything `good_*` is taken, everything `bad_*` refused at the right place.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::app::{config, world};

/// The folder with the public samples, or `None` where the repository stands alone; in CI that is a failure.
fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root.ancestors().map(|a| a.join("../shared")).find(|p| p.join("tools/samples").is_dir());
    if found.is_none() {
        #[expect(clippy::disallowed_methods, reason = "a test asks where it runs")]
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!in_ci, "../shared is missing: CI must check the samples");
        eprintln!("not checked: ../shared is missing");
    }
    found
}

fn files(shared: &Path, folder: &str, start: &str) -> Vec<(String, Value)> {
    let folder = shared.join(folder);
    let mut out = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(start) && name.ends_with(".json") {
            out.push((name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()));
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// The payload in our channel; its thread is made up, so a well-formed `thread_ts` is left out.
fn here(mut payload: Value) -> Value {
    payload["channel"] = "alerts".into();
    if payload["thread_ts"].is_string() {
        payload.as_object_mut().unwrap().shift_remove("thread_ts");
    }
    payload
}

#[tokio::test]
async fn good_samples_are_taken() {
    let Some(shared) = shared() else { return };
    let world = world(config()).await;
    let samples = files(&shared, "tools/samples", "good_");
    assert_eq!(samples.len(), 4);
    for (name, payload) in samples {
        let answer = world.call("chat.postMessage", here(payload)).await;
        assert_eq!(answer.body["ok"], true, "{name}: {}", answer.body);
    }
    for name in ["thread.json", "storm.json", "progress.json", "approval.json"] {
        for (_, payloads) in files(&shared, "look", name) {
            for payload in payloads.as_array().unwrap() {
                let answer = world.call("chat.postMessage", here(payload.clone())).await;
                assert_eq!(answer.body["ok"], true, "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn bad_samples_are_refused_with_a_pointer() {
    let Some(shared) = shared() else { return };
    let world = world(config()).await;
    let samples = files(&shared, "tools/samples", "bad_");
    assert_eq!(samples.len(), 35);
    let mut seen = Vec::new();
    for (name, payload) in samples {
        let answer = world.call("chat.postMessage", here(payload)).await;
        assert_eq!(answer.body["ok"], false, "{name} was taken");
        let message = answer.body["response_metadata"]["messages"][0].as_str().unwrap_or("-").to_owned();
        seen.push(format!("{} {} {message}", name.trim_end_matches(".json"), answer.body["error"].as_str().unwrap()));
    }
    insta::assert_snapshot!(seen.join("\n"));
}
