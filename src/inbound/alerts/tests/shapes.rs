//! What the senders' documented templates print, as Slack delivers it: one row, one message.

use super::*;

fn post(sender: &str, message: Value) -> Value {
    let mut event = json!({"type": "message", "channel": "C1", "ts": "1767225600.000100", "bot_id": "B1", "text": ""});
    if !sender.is_empty() {
        event["bot_profile"] = json!({"name": sender});
    }
    event.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
    event
}

fn attachment(attachment: Value) -> Value {
    json!({"attachments": [attachment]})
}

fn section(text: &str) -> Value {
    json!({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]})
}

/// sender's bot, message; name, status, severity as sent, service, resource, count
type Row = (&'static str, Value, [&'static str; 5], u32);

fn rows() -> Vec<Row> {
    vec![
        // Alertmanager's own template; as received colours have lost their #.
        (
            "Alertmanager",
            attachment(
                json!({"color": "a30200", "title": "[FIRING:2] KubePodNotReady shop (prod-eu ledger-2 warning)", "fallback": "[FIRING:2] KubePodNotReady shop (prod-eu ledger-2 warning) | <http://am/#/alerts>"}),
            ),
            ["KubePodNotReady", "firing", "warning", "ledger", "ledger-2"],
            2,
        ),
        (
            "Alertmanager",
            attachment(json!({"color": "2eb886", "title": "[RESOLVED] TargetDown (mailer monitoring critical)"})),
            ["TargetDown", "resolved", "critical", "*", "*"],
            1,
        ),
        // Fallback only, as old clients and webhooks leave it.
        (
            "",
            attachment(json!({"fallback": "[FIRING:1] NodeFilesystemAlmostOutOfSpace (/dev/sda1 worker-3 critical) | http://am/#/alerts"})),
            ["NodeFilesystemAlmostOutOfSpace", "firing", "critical", "*", "worker-3"],
            1,
        ),
        // Custom templates of kube-prometheus users.
        (
            "",
            attachment(
                json!({"color": "danger", "title": "[FIRING:1] Monitoring Event Notification", "text": "*Alert:* Consumer lags - `critical`\n*Description:* The group is behind\n*Details:*\n • *alertname:* `KafkaConsumerLag`\n • *consumergroup:* `billing`\n • *namespace:* `data`\n • *severity:* `critical`"}),
            ),
            ["KafkaConsumerLag", "firing", "critical", "billing", "*"],
            1,
        ),
        (
            "",
            json!({"text": ":fire: *<https://am.example|HighErrorRate>*\n*Severity:* critical\n*Status:* firing\n*Service:* checkout\n*Summary:* 5xx above 5%"}),
            ["*", "firing", "critical", "checkout", "*"],
            1,
        ),
        // Grafana unified and legacy.
        (
            "Grafana",
            attachment(
                json!({"color": "D63232", "title": "[FIRING:1] High latency (orders)", "text": "**Firing**\n\nValue: A=3\nLabels:\n - alertname = High latency\n - service = orders\n - severity = P2\nAnnotations:\n - summary = p99 is high\nSource: https://g.example/alerting/1\n", "footer": "Grafana v11.2.0"}),
            ),
            ["High latency", "firing", "P2", "orders", "*"],
            1,
        ),
        (
            "Grafana",
            attachment(
                json!({"color": "D63232", "title": "[Alerting] CPU of web-1", "fields": [{"title": "web-1", "value": "97"}], "footer": "Grafana v7.5"}),
            ),
            ["CPU of web-1", "firing", "", "*", "*"],
            1,
        ),
        (
            "Grafana",
            attachment(json!({"color": "36a64f", "title": "[OK] CPU of web-1", "footer": "Grafana v7.5"})),
            ["CPU of web-1", "resolved", "", "*", "*"],
            1,
        ),
        (
            "Grafana",
            attachment(json!({"color": "888888", "title": "[No Data] CPU of web-1", "footer": "Grafana v7.5"})),
            ["CPU of web-1", "no_data", "", "*", "*"],
            1,
        ),
        // Datadog.
        (
            "Datadog",
            attachment(json!({"color": "a30200", "title": "Triggered: [P1] Error rate on service:checkout", "text": "more than 5%"})),
            ["*", "firing", "P1", "checkout", "*"],
            1,
        ),
        (
            "Datadog",
            attachment(
                json!({"color": "daa038", "title": "Warn: Disk on host:db-1", "title_link": "https://app.datadoghq.com/monitors/1"}),
            ),
            ["*", "firing", "*", "*", "db-1"],
            1,
        ),
        (
            "Datadog",
            attachment(json!({"color": "2eb886", "title": "Recovered: [P1] Error rate on service:checkout"})),
            ["*", "resolved", "P1", "checkout", "*"],
            1,
        ),
        // PagerDuty.
        (
            "PagerDuty",
            section(":red_circle: *Triggered* <https://x.pagerduty.com/incidents/P1|#123: Queue of mailer is stuck>"),
            ["Queue of mailer is stuck", "firing", "", "*", "*"],
            1,
        ),
        (
            "PagerDuty",
            section(":large_green_circle: *Resolved* <https://x.pagerduty.com/incidents/P1|#123: Queue of mailer is stuck>"),
            ["Queue of mailer is stuck", "resolved", "", "*", "*"],
            1,
        ),
        // Opsgenie.
        (
            "Opsgenie",
            attachment(
                json!({"title": "#412: [Prometheus]: disk of db-1 is full", "text": "", "color": "danger", "fields": [{"title": "Priority", "value": "P1"}, {"title": "Tags", "value": "env:prod"}]}),
            ),
            ["*", "firing", "P1", "*", "*"],
            1,
        ),
        // Sentry.
        (
            "Sentry",
            section(
                "*<https://sentry.example/issues/1/|TypeError: x is undefined>*\nrender at app/cart.js\nState: *New*   First Seen: *1 minute ago*",
            ),
            ["TypeError: x is undefined", "firing", "*", "*", "*"],
            1,
        ),
        // New Relic.
        (
            "New Relic",
            attachment(
                json!({"color": "ff0000", "title": "Critical priority issue is active", "fields": [{"title": "Condition", "value": "Apdex low"}, {"title": "Impacted entities", "value": "shop-web"}]}),
            ),
            ["*", "firing", "*", "*", "shop-web"],
            1,
        ),
        // CloudWatch by AWS Chatbot.
        (
            "AWS Chatbot",
            attachment(
                json!({"color": "d13212", "fallback": "🚨 CloudWatch Alarm | orders-5xx | eu-west-1 | Account: 123456789012", "title": ":rotating_light: CloudWatch Alarm | orders-5xx | eu-west-1 | Account: 123456789012"}),
            ),
            ["orders-5xx", "firing", "", "*", "*"],
            1,
        ),
        (
            "Amazon Q Developer",
            attachment(json!({"color": "2eb886", "fallback": "✅ CloudWatch Alarm | orders-5xx | eu-west-1 | Account: 123456789012"})),
            ["orders-5xx", "resolved", "", "*", "*"],
            1,
        ),
        ("", json!({"text": "ALARM: \"orders-5xx\" in EU (Ireland)"}), ["orders-5xx", "firing", "", "*", "*"], 1),
        // Zabbix' webhook for Slack.
        (
            "Zabbix",
            attachment(
                json!({"color": "E45959", "title": "Problem: No free memory on db-1", "fields": [{"title": "Host", "value": "db-1 [10.0.0.4]"}, {"title": "Severity", "value": "High"}, {"title": "Event time", "value": "2026.01.01 10:00:00"}]}),
            ),
            ["No free memory on db-1", "firing", "High", "*", "db-1"],
            1,
        ),
        (
            "Zabbix",
            attachment(
                json!({"color": "97AAB3", "title": "Resolved in 5m 3s: No free memory on db-1", "fields": [{"title": "Host", "value": "db-1"}, {"title": "Severity", "value": "High"}]}),
            ),
            ["*", "resolved", "High", "*", "db-1"],
            1,
        ),
        // Words of people's own scripts.
        ("", json!({"text": "CRITICAL: payments is down in prod"}), ["*", "firing", "CRITICAL", "payments", "*"], 1),
        ("", json!({"text": "RESOLVED: payments is healthy again"}), ["*", "resolved", "", "payments", "*"], 1),
        (
            "",
            json!({"text": "✅ checkout is back to normal", "attachments": [{"color": "good", "text": "error rate 0.1%"}]}),
            ["*", "resolved", "", "*", "*"],
            1,
        ),
        (
            "",
            json!({"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "[FIRING:3] QueueStuck "}, {"type": "text", "text": "mail (sender critical)", "style": {"bold": true}}]}]}]}),
            ["QueueStuck", "firing", "critical", "*", "*"],
            3,
        ),
    ]
}

#[test]
fn messages_of_documented_templates() {
    let mut wrong = Vec::new();
    for (sender, message, expected, count) in rows() {
        let event = post(sender, message);
        let Recognised::Alerts(found) = from_slack_message(&event) else {
            wrong.push(format!("no alert: {event}"));
            continue;
        };
        let alert = &found[0];
        let severity = alert.severity_source.clone().unwrap_or_default();
        let got = [alert.name.as_str(), alert.status.as_str(), severity.as_str(), alert.service.as_str(), alert.resource.as_str()];
        let differs = got.iter().zip(expected).any(|(got, wanted)| wanted != "*" && *got != wanted);
        if differs || alert.alert_count != count {
            wrong.push(format!("{got:?} ×{} instead of {expected:?} ×{count}", alert.alert_count));
        }
        // The same message edited later says the same.
        let edited = json!({"type": "message", "subtype": "message_changed", "channel": "C1", "message": event});
        assert!(matches!(from_slack_message(&edited), Recognised::Alerts(again) if again[0].fingerprint == alert.fingerprint), "{edited}");
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows().len(), wrong.join("\n"));
}
