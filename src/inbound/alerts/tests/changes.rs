//! What deploy bots write, in their own default templates and in the words that teams choose: changes, and never alerts.

use super::*;
use crate::model::observation::Change;

fn changes(message: &Value) -> Vec<Change> {
    let mut message = message.clone();
    message["ts"] = "1767225600.000100".into();
    message["type"] = "message".into();
    message["bot_id"] = "B1".into();
    match from_slack_message(&message) {
        Recognised::Changes(changes) => changes,
        other => panic!("no change: {message} → {other:?}"),
    }
}

fn by(sender: &str, text: &str) -> Value {
    json!({"bot_profile": {"name": sender}, "text": text})
}

/// message, source, service, id, author, a word of the summary
type Row = (Value, &'static str, &'static str, &'static str, &'static str, &'static str);

#[test]
fn deploy_bots_tell_what_changed() {
    let argo = |text: &str, color: &str| {
        json!({"bot_profile": {"name": "Argo CD"}, "text": text, "attachments": [{"title": "checkout", "title_link": "https://argo.example/applications/checkout",
            "color": color, "fields": [{"title": "Sync Status", "value": "Synced"}, {"title": "Repository", "value": "https://github.com/shop/deploy.git"},
            {"title": "Revision", "value": "8f3b2c19ab"}]}]})
    };
    let flux = json!({"username": "flux", "text": "", "attachments": [{"color": "good", "author_name": "kustomization/podinfo.flux-system",
        "text": "Reconciliation finished in 1.2s, next run in 10m", "fields": [{"title": "revision", "value": "main@sha1:6a1b2c3d"}]}]});
    let rows: Vec<Row> = vec![
        (by("deploybot", "Deployed checkout v1.2.3 to production by bob"), "deploy", "checkout", "v1.2.3", "bob", "production"),
        (by("Shipit", "bob deployed `checkout` (v1.2.3) to *staging*"), "slack", "checkout", "v1.2.3", "bob", "staging"),
        (by("ci", ":rocket: Deployment of checkout-api to prod-eu succeeded"), "slack", "checkout-api", "", "", "prod-eu"),
        (by("ci", "Rolled back payments to v2.0.1 in production"), "slack", "payments", "v2.0.1", "", "rolled back"),
        (by("ci", ":x: Deployment of payments to production failed (v2.1.0)"), "slack", "payments", "v2.1.0", "", "failed"),
        (
            argo(":white_check_mark: Application checkout is now running new version of deployments manifests.", "18be52"),
            "argocd",
            "checkout",
            "8f3b2c19ab",
            "",
            "8f3b2c19ab",
        ),
        (
            argo("Application checkout has been successfully synced at 2026-01-01T00:00:00Z.", "18be52"),
            "argocd",
            "checkout",
            "8f3b2c19ab",
            "",
            "synced",
        ),
        (
            argo("The sync operation of application checkout has failed at 2026-01-01T00:00:00Z with the following error: x", "E96D76"),
            "argocd",
            "checkout",
            "8f3b2c19ab",
            "",
            "failed",
        ),
        (flux, "flux", "podinfo", "main@sha1:6a1b2c3d", "", "succeeded"),
        (
            by(
                "LaunchDarkly",
                "*<https://app.launchdarkly.com/|Ann Lee>* turned on the flag *<https://x.example|new-checkout>* in `Production`",
            ),
            "launchdarkly",
            "new-checkout",
            "",
            "",
            "turned on",
        ),
        (
            by("Jenkins", "checkout-deploy - #42 Success after 3 min 12 sec (<https://ci.example/42|Open>)"),
            "jenkins",
            "checkout-deploy",
            "",
            "",
            "Success",
        ),
        (
            json!({"bot_profile": {"name": "CircleCI"}, "text": "", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Deployment Successful! :tada:"}},
                {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Project*: shop-web"}, {"type": "mrkdwn", "text": "*Tag*: v3.4.0"}]}]}),
            "circleci",
            "shop-web",
            "v3.4.0",
            "",
            "Deployment Successful",
        ),
        (by("Octopus Deploy", "Deploy checkout release 1.2.3 to Production: Success"), "octopus", "checkout", "1.2.3", "", "Production"),
        (
            by("Spinnaker", "Pipeline deploy of orders to production has completed successfully, started by ann"),
            "spinnaker",
            "orders",
            "",
            "ann",
            "production",
        ),
        (
            by("GitHub", "ann successfully deployed <https://github.com/shop/cart|shop/cart> at 4f5a6b7c to production"),
            "github",
            "cart",
            "4f5a6b7c",
            "ann",
            "production",
        ),
        (
            by("GitLab", "Deploy to production succeeded\nProject: shop/orders\nCommit: 9e8d7c6b\nAuthor: lee"),
            "gitlab",
            "orders",
            "9e8d7c6b",
            "lee",
            "production",
        ),
    ];
    for (message, source, service, id, author, word) in rows {
        let found = changes(&message);
        assert_eq!(found.len(), 1, "{message}");
        let one = &found[0];
        assert_eq!(
            (one.source.as_str(), one.service.as_str(), one.id.as_str(), one.author.as_str()),
            (source, service, id, author),
            "{message} → {one:?}"
        );
        assert!(one.summary.to_lowercase().contains(&word.to_lowercase()), "{one:?}");
        assert_eq!(one.time.unwrap().as_second(), 1_767_225_600, "{one:?}");
    }
}

#[test]
fn alerts_about_deployments_stay_alerts_and_chat_stays_chat() {
    for text in [
        "[FIRING:1] KubeDeploymentReplicasMismatch shop (checkout warning)",
        "[FIRING:1] KubeDeploymentRolloutStuck shop (checkout warning)",
        "Deployment shop/checkout has not matched the expected number of replicas for longer than 15 minutes: error rate is high",
        "checkout is down in production after the deploy of v1.2.3",
        "High error rate on checkout since 14:05",
    ] {
        let message = json!({"type": "message", "bot_id": "B1", "ts": "1.1", "text": text});
        assert!(matches!(from_slack_message(&message), Recognised::Alerts(_)), "{text} → {:?}", from_slack_message(&message));
    }
    let degraded = json!({"type": "message", "bot_id": "B1", "ts": "1.1", "bot_profile": {"name": "Argo CD"}, "text": ":exclamation: Application checkout has degraded.",
        "attachments": [{"title": "checkout", "color": "f4c030", "fields": [{"title": "Health Status", "value": "Degraded"}, {"title": "Repository", "value": "https://github.com/shop/deploy"}]}]});
    match from_slack_message(&degraded) {
        Recognised::Alerts(found) => assert_eq!((found[0].source.as_str(), found[0].service.as_str()), ("argocd", "checkout")),
        other => panic!("{other:?}"),
    }
    for text in [
        "We should talk about the deployment process",
        "Happy birthday, Ann!",
        "Release party on Friday at noon",
        "Lunch was released from the kitchen",
    ] {
        let message = json!({"type": "message", "bot_id": "B1", "ts": "1.1", "text": text});
        assert!(matches!(from_slack_message(&message), Recognised::Unknown { .. }), "{text} → {:?}", from_slack_message(&message));
    }
    let person = json!({"type": "message", "user": "U1", "ts": "1.1", "text": "Deployed checkout v1.2.3 to production"});
    assert!(!matches!(from_slack_message(&person), Recognised::Changes(_)), "a person's words are theirs");
}
