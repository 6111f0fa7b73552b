//! Messages as Slack delivers them.

use super::*;
use crate::model::Origin;

fn event(message: Value) -> Value {
    let mut event = json!({"type": "message", "channel": "C1", "ts": "1767225600.000100", "bot_id": "B1"});
    event.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
    json!({"type": "event_callback", "event": event})
}

fn title(line: &str) -> Value {
    event(json!({"text": "", "attachments": [{"title": line, "fallback": line, "color": "a30200", "id": 1}]}))
}

#[test]
fn default_template_gives_its_labels_back() {
    let found = alert(&title(
        "[FIRING:3] KubeDeploymentReplicasMismatch mail (eu-west-1 outbox http-metrics 10.9.8.7:8080 kube-state-metrics mon/k8s kube-state-metrics warning)",
    ));
    assert_eq!(
        (found.name.as_str(), found.service.as_str(), found.namespace.as_str(), found.alert_count),
        ("KubeDeploymentReplicasMismatch", "outbox", "mail", 3)
    );
    assert_eq!((found.severity_source.as_deref(), found.cluster.as_str()), (Some("warning"), "eu-west-1"));
    assert_eq!(found.origin, Origin::Slack { channel: "C1".into(), ts: "1767225600.000100".into() });
    let pod = alert(&title("[FIRING:1] KubePodNotReady (mail kube-state-metrics outbox-6c9f7d8b5-x2x9k critical)"));
    assert_eq!((pod.service.as_str(), pod.resource.as_str()), ("outbox", "outbox-6c9f7d8b5-x2x9k"));
    let over = alert(&title("[RESOLVED] High memory usage"));
    assert_eq!((over.name.as_str(), over.status), ("High memory usage", AlertStatus::Resolved));
}

#[test]
fn labels_in_text_win_over_guesses() {
    let text = "*Alert:* Disk fills - `critical`\n*Description:* less than 5 &lt;GB&gt; &amp; shrinking\n*Details:*\n • *alertname:* `DiskFills`\n • *node:* `worker-3`\n • *severity:* `critical`\n\
                *Graph:* <https://p.example/graph?a=1&amp;b=2|:chart:>";
    let found = alert(&event(json!({"attachments": [{"title": "[FIRING:1] Monitoring Event", "text": text}]})));
    assert_eq!(
        (found.name.as_str(), found.resource.as_str(), found.severity_source.as_deref()),
        ("DiskFills", "worker-3", Some("critical"))
    );
    assert_eq!((found.summary.as_str(), found.description.as_str()), ("Disk fills", "less than 5 <GB> & shrinking"));
    assert!(found.links.iter().any(|link| link.url == "https://p.example/graph?a=1&b=2"));
}

#[test]
fn titles_of_other_senders() {
    let read = |sender: &str, message: Value| {
        let mut message = message;
        message["bot_profile"] = json!({"name": sender});
        let found = alert(&event(message));
        (found.source, found.name, found.status.as_str(), found.severity_source.unwrap_or_default())
    };
    let seen = |source: &str, name: &str, status: &'static str, word: &str| (source.to_owned(), name.to_owned(), status, word.to_owned());
    assert_eq!(
        read("Datadog", json!({"attachments": [{"title": "Recovered: [P3] Queue is long"}]})),
        seen("datadog", "Queue is long", "resolved", "P3")
    );
    let section = |text: &str| json!({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]});
    assert_eq!(
        read("PagerDuty", section(":large_green_circle: Triggered *<https://p.example/1|#7: Login is down>*")),
        seen("pagerduty", "Login is down", "firing", "")
    );
    assert_eq!(read("Sentry", section(":red_circle: <https://s.example|*KeyError: sku*>")), seen("sentry", "KeyError: sku", "firing", ""));
    let chatbot = json!({"attachments": [{"fallback": "🚨 CloudWatch Alarm | orders-5xx | eu-west-1 | Account: 1"}]});
    assert_eq!(read("AWS Chatbot", chatbot), seen("cloudwatch", "orders-5xx", "firing", ""));
    let fields = json!({"attachments": [{"text": "A trigger", "color": "good", "fields": [{"title": "Alarm Name", "value": "`slow`"}, {"title": "Current State", "value": "OK"}, {"title": "Severity", "value": "High"}]}]});
    assert_eq!(read("bot", fields), seen("text", "slow", "resolved", "High"));
}

#[test]
fn sentences_of_bots() {
    let found = alert(&event(json!({"text": "checkout p99 latency is above 2s in prod since 14:05"})));
    assert_eq!((found.service.as_str(), found.labels["env"].as_str(), found.status), ("checkout", "prod", AlertStatus::Firing));
    let rich = json!({"text": "", "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "payments-db is unreachable"}]}]}]});
    assert_eq!(alert(&event(rich)).service, "payments-db");
    for chatter in [
        "deployed checkout v7 to prod",
        "thanks, latency is above 2s no more",
        "&lt;Ann&gt; hi",
        "PR #12 merged: fix latency above 2s",
        "how high is the error rate?",
        "",
    ] {
        assert!(!is_alert(&event(json!({"text": chatter}))), "{chatter}");
    }
}

#[test]
fn people_and_notices_are_no_alerts() {
    let person = json!({"type": "event_callback", "event": {"type": "message", "user": "U1", "client_msg_id": "x", "channel": "C1", "ts": "1.2", "text": "checkout is down, resolved: nothing"}});
    assert!(!is_alert(&person));
    assert!(!is_alert(&json!({"type": "url_verification", "challenge": "x"})));
    assert!(!is_alert(&event(json!({"subtype": "channel_join", "text": "<@U1> has joined the channel"}))));
    assert!(!is_alert(&event(json!({"subtype": "message_deleted"}))));
    assert!(!is_alert(&json!({"type": "event_callback", "event": {"type": "reaction_added"}})));
}

#[test]
fn an_edited_alert_keeps_its_place() {
    let body = json!({"type": "event_callback", "event": {"type": "message", "subtype": "message_changed", "channel": "C9", "ts": "2.0",
        "message": {"ts": "1.0", "bot_id": "B", "attachments": [{"title": "[RESOLVED] DiskFull web"}]}}});
    let found = alert(&body);
    assert_eq!((found.status, found.origin), (AlertStatus::Resolved, Origin::Slack { channel: "C9".into(), ts: "1.0".into() }));
}

#[test]
fn several_marked_attachments_are_several_alerts() {
    let body = event(json!({"attachments": [{"title": "[FIRING:1] DiskFull web"}, {"title": "[FIRING:1] CpuHigh web"}]}));
    assert_eq!(alerts(&body).iter().map(|alert| alert.name.as_str()).collect::<Vec<_>>(), ["DiskFull", "CpuHigh"]);
}
