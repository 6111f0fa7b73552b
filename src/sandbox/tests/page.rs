//! The page's files and the control API, as a browser meets them.

use serde_json::{Value, json};

use super::app::{World, config, world};

async fn get(world: &World, path: &str) -> (u16, axum::http::HeaderMap, String) {
    let request = axum::http::Request::get(format!("{}{path}", world.base)).body(axum::body::Body::empty()).unwrap();
    let answer = crate::sandbox::delivery::http_client().request(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(axum::body::Body::new(body), 1 << 20).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_runs_only_its_own_script() {
    let world = world(config()).await;
    let (status, headers, page) = get(&world, "/").await;
    assert_eq!(status, 200);
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"));
    let mut waiting = vec!["app.js".to_owned()];
    let mut seen = Vec::new();
    assert!(page.contains("/page/app.js") && !page.contains("<script>"));
    while let Some(name) = waiting.pop() {
        let (status, headers, text) = get(&world, &format!("/page/{name}")).await;
        assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "text/javascript; charset=utf-8"), "{name}");
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            assert!(!text.contains(word), "{name} uses {word}: text of a message could become markup");
        }
        for (_, rest) in text.match_indices("from \"./").map(|(at, found)| text.split_at(at + found.len())) {
            let import = rest.split('"').next().unwrap().to_owned();
            if !seen.contains(&import) {
                seen.push(import.clone());
                waiting.push(import);
            }
        }
    }
    assert!(seen.len() > 8, "{seen:?}");
    assert_eq!(get(&world, "/page/..%2Fmod.rs").await.0, 404);
}

#[tokio::test]
async fn a_permalink_leads_to_the_thread() {
    let world = world(config()).await;
    let root = world.say(json!({})).await;
    let reply = world.say(json!({"thread_ts": root})).await;
    for ts in [&root, &reply] {
        let link = world.ok("chat.getPermalink", json!({"channel": "alerts", "message_ts": ts})).await;
        let path = link["permalink"].as_str().unwrap().strip_prefix(&world.base).unwrap().to_owned();
        let (status, headers, _) = get(&world, &path).await;
        assert_eq!((status, headers["location"].to_str().unwrap()), (303, format!("/#/C01ALERTS/{root}").as_str()));
    }
    assert_eq!(get(&world, "/archives/C01ALERTS/p1%0d%0aX").await.0, 404);
}

#[tokio::test]
async fn everything_can_be_done_over_the_control_api() {
    let world = world(config()).await;
    let act = async |what: &str, body: Value| {
        let url = format!("{}/sandbox/api/{what}", world.base);
        world.post(&url, "", "application/json", body.to_string()).await.unwrap()
    };
    let typed = json!({"user": "alice", "channel": "alerts", "text": "@sre-agent <b>", "typed": true});
    let ts = act("post", typed).await.body["ts"].clone();
    assert_eq!(world.sandbox.messages("alerts")[0]["text"], "<@U00SREBOT> &lt;b&gt;");
    let alert = json!({"bot": "Grafana", "channel": "alerts", "text": "", "attachments": [{"title": "x"}]});
    act("post", alert).await;
    let react = json!({"user": "bob", "channel": "alerts", "ts": ts, "name": "eyes"});
    assert_eq!(act("react", react).await.body["status"], 200);
    act("inject", json!({"method": "auth.test", "kind": "server_error", "status": 502})).await;
    assert_eq!(world.call("auth.test", json!({})).await.status, 502);
    let event = json!({"event": {"type": "x"}, "duplicate": true});
    assert_eq!(act("event", event).await.body["attempts"], 2);
    assert_eq!(act("click", json!({"user": "bob", "channel": "alerts", "ts": "1.1", "action_id": "x"})).await.status, 400);
    let form = world.post(&format!("{}/sandbox/api/home", world.base), "", "text/plain", "{}".to_owned()).await.unwrap();
    assert_eq!(form.status, 415, "a foreign page cannot act without a preflight");

    let seen: Value = serde_json::from_str(&get(&world, "/sandbox/api/messages?channel=alerts&user=alice").await.2).unwrap();
    assert_eq!(seen["messages"].as_array().unwrap().len(), 2);
    let traffic: Value = serde_json::from_str(&get(&world, "/sandbox/api/traffic").await.2).unwrap();
    assert_eq!(traffic["calls"][0]["status"], 502);
    assert!(traffic["deliveries"].as_array().unwrap().len() >= 4);
}
