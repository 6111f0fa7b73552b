mod address;
mod chains;
mod email;
mod failures;
mod oncall;
mod schedule;
mod smtp;
mod webhook;

use super::{Page, at_sender, pagerduty::event};
use crate::model::{Alert, Matcher, Priority, Scope};

fn alert() -> Alert {
    Alert {
        name: "PodCrashLooping".into(),
        service: "checkout".into(),
        namespace: "shop".into(),
        labels: [("alertname", "PodCrashLooping"), ("app", "checkout"), ("namespace", "shop"), ("pod", "checkout-1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Alert::default()
    }
}

#[test]
fn a_silence_goes_out_in_the_labels_that_the_sender_uses_or_not_at_all() {
    let matcher = |name: &str, value: &str| Matcher { name: name.into(), value: value.into() };
    assert_eq!(at_sender(&Scope::Service.matchers(&alert()), &alert()), Some(vec![matcher("app", "checkout")]));
    let own = at_sender(&Scope::Alert.matchers(&alert()), &alert()).unwrap();
    assert_eq!(own.len(), 4, "{own:?}");
    let bare = Alert { labels: Default::default(), ..alert() };
    assert_eq!(at_sender(&Scope::Service.matchers(&bare), &bare), None, "no label carries the service");
    assert_eq!(at_sender(&Scope::Name.matchers(&bare), &bare), Some(vec![matcher("alertname", "PodCrashLooping")]));
    assert_eq!(at_sender(&[], &alert()), None, "a silence of everything is never sent");
}

#[test]
fn the_event_is_as_pagerduty_documents_it() {
    let page = Page {
        key: "INC-42".into(),
        summary: "x".repeat(2000),
        source: String::new(),
        priority: Priority::P1,
        details: [("reason".to_owned(), "help".to_owned())].into(),
        links: vec![("https://example.slack.com/archives/C1/p1".into(), "Thread".into())],
    };
    let body = event(&page);
    assert_eq!(body["event_action"], "trigger");
    assert_eq!(body["dedup_key"], "INC-42");
    assert_eq!(body["payload"]["summary"].as_str().unwrap().len(), 1024);
    assert_eq!((&body["payload"]["severity"], &body["payload"]["source"]), (&"error".into(), &"unknown".into()));
    assert_eq!(body["links"][0]["text"], "Thread");
}
