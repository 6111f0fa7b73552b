use super::*;
use crate::model::observation::{SpanKind, TraceSpan};

fn span(id: &str, parent: &str, service: &str, name: &str, ms: f64) -> TraceSpan {
    TraceSpan {
        trace_id: "t".to_owned(),
        span_id: id.to_owned(),
        parent_id: parent.to_owned(),
        service: service.to_owned(),
        name: name.to_owned(),
        duration_ms: ms,
        ..TraceSpan::default()
    }
}

fn call(id: &str, parent: &str, service: &str, name: &str, ms: f64, attributes: &[(&str, &str)]) -> TraceSpan {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    TraceSpan { kind: SpanKind::Client, attributes, ..span(id, parent, service, name, ms) }
}

fn of(spans: Vec<TraceSpan>) -> Observations {
    let mut observations = Observations { spans, ..Observations::default() };
    peers::complete(&mut observations);
    observations
}

#[test]
fn a_server_without_spans_gets_one_for_each_call_and_only_once() {
    let mut seen = of(vec![
        span("a", "", "shop", "GET /", 900.0),
        call("b", "a", "shop", "SELECT", 800.0, &[("db.system", "mysql"), ("server.address", "orders-db.prod.svc.cluster.local")]),
        call(
            "c",
            "a",
            "shop",
            "GET",
            10.0,
            &[("net.peer.name", "10.1.2.3"), ("http.url", "https://api.bank.example:443/v1"), ("http.status_code", "404")],
        ),
        call("d", "a", "shop", "GET", 10.0, &[("peer.service", "cart")]),
        span("e", "a", "cart", "GET", 9.0),
    ]);
    let added: Vec<(&str, Option<&str>)> = seen.spans.iter().skip(5).map(|span| (span.service.as_str(), peers::kind(span))).collect();
    assert_eq!(added, [("orders-db", Some("mysql")), ("api.bank.example", Some("service"))]);
    let count = seen.spans.len();
    peers::complete(&mut seen);
    assert_eq!(seen.spans.len(), count);
}

#[test]
fn nothing_is_said_of_fast_traces_or_of_traces_of_others() {
    let fast = of(vec![span("a", "", "shop", "GET /", 90.0), call("b", "a", "shop", "SELECT", 80.0, &[("db.system", "mysql")])]);
    assert_eq!(findings(&fast, &Focus::default()), []);
    let slow = of(vec![span("a", "", "shop", "GET /", 9000.0)]);
    assert_eq!(findings(&slow, &Focus::default()).len(), 1);
    let entities = vec![crate::model::Entity::new("Service", "", "billing")];
    assert_eq!(findings(&slow, &Focus { entities, words: vec!["billing".to_owned()], ..Focus::default() }), []);
}

#[test]
fn parents_that_point_at_each_other_end() {
    let mut spans = vec![span("a", "b", "shop", "GET /", 9000.0), span("b", "a", "cart", "GET", 9000.0)];
    spans.push(span("c", "c", "shop", "GET", 5000.0));
    let _ = findings(&of(spans), &Focus::default());
}
