//! The engine from a folder of files to a conclusion.

use std::fs;

use super::{Engine, focus_of, router::Router};
use crate::{
    analysis::Thresholds,
    model::{Alert, Category, Investigation, InvestigationId, InvestigationStatus, Request},
    tools::{Registry, bundle::Bundle},
};

async fn investigate(files: &[(&str, &str)], request: &Request) -> Investigation {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let bundle = Bundle::open(folder.path()).unwrap();
    let engine = Engine::new(Registry::new(bundle.tools()), Router::default(), Thresholds::default());
    engine.investigate(InvestigationId(ulid::Ulid::nil()), request, &|_| ()).await.unwrap()
}

const TABLE: &str = "NAMESPACE   NAME                    READY   STATUS      RESTARTS   AGE\n\
                     shop        cart-7c5ddbdf54-x2x9v   0/1     OOMKilled   3          3d\n\
                     shop        mail-6f5cbdf85-c5fsf    1/1     Running     0          3d\n";
const DESCRIBED: &str = "Name:  cart-7c5ddbdf54-x2x9v\nNamespace:  shop\nNode:  node-1/10.0.0.1\nStatus:  Running\nContainers:\n  main:\n    Image:  cart:1\n    State:  Waiting\n      Reason:  CrashLoopBackOff\n    Last State:  Terminated\n      Reason:  OOMKilled\n      Exit Code:  137\n    Ready:  False\n    Restart Count:  3\n    Limits:\n      memory:  64Mi\n";

#[tokio::test]
async fn an_alert_about_a_killed_container_is_explained() {
    let alert = Alert {
        name: "KubePodCrashLooping".to_owned(),
        namespace: "shop".to_owned(),
        resource: "cart-7c5ddbdf54-x2x9v".to_owned(),
        ..Alert::default()
    };
    let found = investigate(&[("pods.txt", TABLE), ("cart.txt", DESCRIBED)], &Request::alert(alert)).await;
    assert_eq!(found.status, InvestigationStatus::Complete);
    assert_eq!(found.hypotheses[0].category, Category::OomKilled);
    assert!(found.hypotheses[0].supporting.iter().all(|id| found.evidence.iter().any(|evidence| evidence.id == *id)));
    assert!(!found.ruled_out.is_empty());
}

#[tokio::test]
async fn nothing_is_asserted_about_what_is_not_in_the_evidence() {
    let found = investigate(
        &[("pods.txt", TABLE.split("shop        cart").next().unwrap())],
        &Request::question("what is wrong with checkout-api?"),
    )
    .await;
    assert!(found.hypotheses.is_empty());
    assert!(found.gaps.iter().any(|gap| gap == "no evidence about checkout-api"), "{:?}", found.gaps);
    assert_eq!(found.status, InvestigationStatus::Partial);
}

#[tokio::test]
async fn the_same_input_gives_the_same_output() {
    let request = Request::question("what is wrong in namespace shop?");
    let files = [("pods.txt", TABLE), ("cart.txt", DESCRIBED)];
    let mut first = investigate(&files, &request).await;
    let mut second = investigate(&files, &request).await;
    for investigation in [&mut first, &mut second] {
        investigation.duration_ms = 0;
        investigation.tool_calls.iter_mut().for_each(|call| call.duration_ms = 0);
    }
    assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&second).unwrap());
}

#[test]
fn questions_and_alerts_have_a_subject() {
    let words = |text: &str| focus_of(&Request::question(text)).words;
    assert_eq!(words("What is the issue with payment-processing-worker?"), ["payment-processing-worker"]);
    assert_eq!(words("is rabbitmq healthy?"), ["rabbitmq"]);
    assert!(words("What is wrong?").is_empty());
    let focus = focus_of(&Request::question("Why does job nightly-report in namespace `ops` fail?"));
    assert_eq!(
        (focus.namespace.as_str(), focus.entities[0].kind.as_str(), focus.entities[0].name.as_str()),
        ("ops", "Job", "nightly-report")
    );
    let focus = focus_of(&Request::question(r#"What is wrong with << { "type": "pod", "name": "a-1", "namespace": "n" } >> ?"#));
    assert_eq!((focus.namespace.as_str(), focus.entities[0].name.as_str()), ("n", "a-1"));
}

#[tokio::test]
async fn without_a_source_of_evidence_it_says_so() {
    let engine = Engine::new(Registry::new(Vec::new()), Router::embedded(), Thresholds::embedded());
    let found = engine.investigate(InvestigationId(ulid::Ulid::nil()), &Request::question("why is checkout down?"), &|_| {}).await.unwrap();
    assert_eq!(found.status, InvestigationStatus::Partial);
    assert!(found.hypotheses.is_empty() && found.gaps[0].contains("no source of evidence is configured"), "{:?}", found.gaps);
}

#[tokio::test]
async fn what_is_found_elsewhere_is_said_with_little_confidence() {
    let pods = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"checkout-1","namespace":"shop"},"spec":{"containers":[{"name":"c","image":"i"}]},
        "status":{"phase":"Running","containerStatuses":[{"name":"c","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off"}},"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137}}}]}}"#;
    let about = |service: &str| Request::alert(Alert { name: "DiskFull".into(), service: service.into(), ..Alert::default() });
    let known = investigate(&[("pods.json", pods)], &about("checkout")).await;
    let unknown = investigate(&[("pods.json", pods)], &about("postgres")).await;
    assert!(known.hypotheses[0].confidence > 0.7, "{:?}", known.hypotheses);
    assert!(unknown.hypotheses.iter().all(|cause| cause.confidence < 0.5), "{:?}", unknown.hypotheses);
    assert!(unknown.gaps.iter().any(|gap| gap.contains("postgres")), "{:?}", unknown.gaps);
}
