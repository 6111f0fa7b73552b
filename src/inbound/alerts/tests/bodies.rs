//! One body per sender, in the shape of the sender's documentation with names of our own.

use super::*;

/// name, status, severity word, service, resource
fn facts(body: &Value) -> (String, &'static str, String, String, String) {
    let found = alert(body);
    (found.name, found.status.as_str(), found.severity_source.unwrap_or_default(), found.service, found.resource)
}

fn want(name: &str, status: &'static str, severity: &str, service: &str, resource: &str) -> (String, &'static str, String, String, String) {
    (name.to_owned(), status, severity.to_owned(), service.to_owned(), resource.to_owned())
}

#[test]
fn alertmanager_group_and_list() {
    let body = json!({"version": "4", "receiver": "r", "status": "firing", "groupLabels": {"alertname": "PodDown"}, "commonLabels": {"alertname": "PodDown", "severity": "critical"},
        "alerts": [{"status": "firing", "labels": {"alertname": "PodDown", "pod": "api-0", "severity": "critical"}, "annotations": {"runbook_url": "https://r.example/1"}},
                   {"status": "resolved", "labels": {"alertname": "PodDown", "pod": "api-1", "severity": "critical"}, "endsAt": "2026-01-01T00:00:00Z"}]});
    let found = alerts(&body);
    assert_eq!(
        found.iter().map(|alert| (alert.resource.as_str(), alert.status.as_str(), alert.alert_count)).collect::<Vec<_>>(),
        [("api-0", "firing", 2), ("api-1", "resolved", 2)]
    );
    assert_eq!(found[0].links[0].title, "runbook");
    assert_eq!(
        alert(&json!([{"labels": {"alertname": "A"}, "status": {"state": "suppressed", "silencedBy": ["x"]}}])).status,
        AlertStatus::Paused
    );
}

#[test]
fn grafana_legacy() {
    let body = json!({"ruleName": "Queue length", "ruleId": 4, "state": "no_data", "message": "m", "tags": {"severity": "high", "service": "mailer"}, "evalMatches": []});
    assert_eq!(facts(&body), want("Queue length", "no_data", "high", "mailer", "mailer"));
}

#[test]
fn datadog() {
    let body = json!({"alert_transition": "Recovered", "alert_title": "CPU is high on host web-7", "title": "[Recovered] CPU is high on host web-7", "priority": "P2", "hostname": "web-7",
        "tags": "env:prod,service:cart", "date": 1_767_225_600_000_i64, "alert_id": "77"});
    assert_eq!(facts(&body), want("CPU is high on host web-7", "resolved", "P2", "cart", "web-7"));
    assert_eq!(alert(&body).starts_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
}

#[test]
fn pagerduty_in_and_out() {
    let event = json!({"routing_key": "k", "event_action": "trigger", "dedup_key": "d1", "payload": {"summary": "Login fails", "source": "auth-3", "severity": "error", "component": "auth"}});
    assert_eq!(facts(&event), want("Login fails", "firing", "error", "auth", "auth-3"));
    let hook = |kind: &str| {
        json!({"event": {"event_type": kind, "occurred_at": "2026-01-01T00:00:00Z", "data": {"type": "incident", "id": "Q1", "title": "Login fails", "status": "resolved",
            "service": {"summary": "Auth"}, "priority": {"summary": "P2"}, "urgency": "high"}}})
    };
    assert_eq!(facts(&hook("incident.resolved")), want("Login fails", "resolved", "P2", "Auth", ""));
    assert_eq!(alert(&hook("incident.acknowledged")).fingerprint, alert(&hook("incident.triggered")).fingerprint);
    assert!(!is_alert(&hook("incident.annotated")) && !is_alert(&hook("pagey.ping")));
}

#[test]
fn opsgenie_hook() {
    let body = |action: &str| json!({"action": action, "integrationName": "x", "alert": {"alertId": "a-1", "message": "Disk is full", "alias": "disk", "entity": "db-4", "priority": "P1", "tags": ["prod"]}});
    assert_eq!(facts(&body("Create")), want("Disk is full", "firing", "P1", "", "db-4"));
    assert_eq!(alert(&body("Close")).status, AlertStatus::Resolved);
    assert!(!is_alert(&body("AddNote")));
}

#[test]
fn aws_alarms_and_events() {
    let alarm = json!({"AlarmName": "orders-5xx", "NewStateValue": "OK", "NewStateReason": "fine", "StateChangeTime": "2026-01-01T00:00:00.000+0000",
        "Trigger": {"MetricName": "HTTPCode", "Namespace": "AWS/ApplicationELB", "Dimensions": [{"name": "LoadBalancer", "value": "app/orders"}]}});
    let sns = json!({"Type": "Notification", "TopicArn": "arn:x", "Message": alarm.to_string()});
    assert_eq!(facts(&sns), want("orders-5xx", "resolved", "", "", "LoadBalancer:app/orders"));
    assert_eq!(alert(&alarm).starts_at.unwrap().to_string(), "2026-01-01T00:00:00Z");
    let bridge = json!({"detail-type": "CloudWatch Alarm State Change", "detail": {"alarmName": "orders-5xx", "state": {"value": "ALARM", "reason": "r"}}});
    assert_eq!(alert(&bridge).status, AlertStatus::Firing);
    let finding = json!({"detail-type": "GuardDuty Finding", "detail": {"type": "Trojan:EC2/DNS", "severity": 5.5, "resource": {"instanceDetails": {"instanceId": "i-0abc"}}}});
    assert_eq!(facts(&finding), want("Trojan:EC2/DNS", "firing", "Medium", "", "i-0abc"));
    assert!(!is_alert(&json!({"Type": "SubscriptionConfirmation", "TopicArn": "arn:x", "SubscribeURL": "https://x", "Message": "m"})));
    assert!(!is_alert(&json!({"Type": "Notification", "TopicArn": "arn:x", "Message": "the nightly build has been released"})));
}

#[test]
fn azure_gcp_new_relic_sentry_zabbix() {
    let azure = json!({"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {"alertRule": "Slow API", "severity": "Sev1", "monitorCondition": "Fired",
        "alertTargetIDs": ["/subscriptions/1/providers/microsoft.web/sites/api-west"], "firedDateTime": "2026-01-01T00:00:00Z"}}});
    assert_eq!(facts(&azure), want("Slow API", "firing", "Sev1", "", "api-west"));
    assert_eq!(alert(&azure).severity.as_str(), "high");
    let gcp = json!({"version": "1.2", "incident": {"incident_id": "0.x", "policy_name": "DB disk", "state": "closed", "resource_display_name": "db-1", "severity": "Warning"}});
    assert_eq!(facts(&gcp), want("DB disk", "resolved", "Warning", "", "db-1"));
    let newrelic = json!({"issueUrl": "https://nr.example/i", "state": "ACTIVATED", "priority": "HIGH", "alertConditionNames": ["Slow web"], "impactedEntities": ["web"], "trigger": "STATE_CHANGE"});
    assert_eq!(facts(&newrelic), want("Slow web", "firing", "HIGH", "", "web"));
    let sentry = json!({"action": "triggered", "data": {"event": {"title": "KeyError: 'sku'", "level": "error", "issue_id": "9", "tags": [["environment", "prod"]]}}});
    assert_eq!(facts(&sentry), want("KeyError: 'sku'", "firing", "error", "", ""));
    let zabbix =
        json!({"event_name": "Interface down", "event_value": "0", "event_severity": "High", "host_name": "sw-2", "trigger_id": "1"});
    assert_eq!(facts(&zabbix), want("Interface down", "resolved", "High", "", "sw-2"));
}

#[test]
fn kubernetes_events() {
    let event = |kind: &str| json!({"kind": "Event", "type": kind, "reason": "BackOff", "message": "Back-off restarting", "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "cart-6c9f7d8b5-x2x9k"}});
    assert_eq!(facts(&event("Warning")), want("BackOff", "firing", "Warning", "cart", "cart-6c9f7d8b5-x2x9k"));
    assert!(!is_alert(&event("Normal")));
}

#[test]
fn small_senders_and_unknown_ones() {
    let sensu =
        json!({"check": {"metadata": {"name": "check-disk"}, "status": 2, "output": "CRITICAL"}, "entity": {"metadata": {"name": "db-9"}}});
    assert_eq!(facts(&sensu), want("check-disk", "firing", "critical", "", "db-9"));
    let kuma = json!({"heartbeat": {"status": 1, "msg": "200 OK"}, "monitor": {"id": 1, "name": "Shop", "url": "https://shop.example"}});
    assert_eq!(alert(&kuma).status, AlertStatus::Resolved);
    let victorops = json!({"message_type": "CRITICAL", "entity_id": "web/5xx", "state_message": "too many", "monitoring_tool": "own"});
    assert_eq!(facts(&victorops).0, "web/5xx");
    let unknown = json!({"alertName": "Billing job late", "currentState": "OPEN", "priority": {"name": "P2"}, "application": "billing", "node_name": "worker-1", "createdBy": {"name": "Ann"}});
    assert_eq!(facts(&unknown), want("Billing job late", "firing", "P2", "billing", "worker-1"));
    let up = json!({"monitorFriendlyName": "Shop", "alertTypeFriendlyName": "Up", "monitorURL": "https://shop.example"});
    assert_eq!(facts(&up), want("Shop", "resolved", "", "", "https://shop.example"));
}

#[test]
fn other_news_is_no_alert() {
    for body in [
        json!({}),
        json!([]),
        json!({"event_type": "comment.created", "title": "I look into it", "status": "open"}),
        json!({"type": "maintenance.planned", "title": "Upgrade", "status": "open"}),
        json!({"action": "deploy", "title": "v1.2", "status": "success"}),
        json!({"type": "test", "title": "Test", "status": "firing"}),
        json!({"challenge": "x"}),
        json!({"hello": "world", "count": 3}),
    ] {
        assert!(!is_alert(&body), "{body}");
    }
}
