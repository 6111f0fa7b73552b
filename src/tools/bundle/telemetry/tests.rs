use proptest::prelude::*;

mod shapes;

use super::*;
use crate::model::observation::SpanKind;

#[test]
fn our_own_formats() {
    let logs = read("l", "{\"timestamp\":\"2026-01-02T03:04:05Z\",\"service\":\"shop\",\"severity\":\"ERROR\",\"body\":\"boom\"}\n{\"timestamp\":\"2026-01-02T03:04:06Z\",\"service\":\"cart\",\"severity\":\"INFO\",\"body\":\"ok\"}").unwrap();
    assert_eq!((logs.logs[0].lines.len(), logs.logs[0].lines[1].service.as_str()), (2, "cart"));
    let metrics = read("m", "timestamp,service,metric,value\n2026-01-02T03:05:05Z,shop,cpu,2\n2026-01-02T03:04:05Z,shop,cpu,1\n2026-01-02T03:04:05Z,cart,cpu,\n").unwrap();
    assert_eq!((metrics.metrics.len(), metrics.metrics[0].points[0].1), (1, 1.0));
    let edges = read("t", "source,target\nshop,cart\n").unwrap();
    assert_eq!(edges.edges[0].callee, "cart");
    let spans = read("s", "{\"trace_id\":\"a\",\"span_id\":\"b\",\"parent_id\":null,\"service\":\"shop\",\"name\":\"GET\",\"start\":\"2026-01-02T03:04:05Z\",\"duration_ms\":4,\"status\":\"ERROR\"}\n{\"trace_id\":\"a\",\"span_id\":\"c\",\"parent_id\":\"b\",\"service\":\"cart\",\"name\":\"GET\",\"start\":\"2026-01-02T03:04:05Z\",\"duration_ms\":3,\"status\":\"OK\"}").unwrap();
    assert_eq!((spans.spans.len(), spans.spans[1].parent_id.as_str()), (2, "b"));
    let changes = read("c", "{\"time\":\"2026-01-02T03:04:05Z\",\"kind\":\"deploy\",\"service\":\"shop\",\"id\":\"v1\",\"summary\":\"x\",\"files\":[\"a.go\"],\"diff\":\"+1\"}").unwrap();
    assert_eq!((changes.changes[0].id.as_str(), changes.changes[0].files.len()), ("v1", 1));
}

#[test]
fn answers_of_backends() {
    let prometheus = read("p", r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","pod":"a","namespace":"n"},"values":[[1700000000,"1"],[1700000060,"NaN"]]}]}}"#).unwrap();
    assert_eq!(
        (prometheus.metrics[0].metric.as_str(), prometheus.metrics[0].entity.path().as_str(), prometheus.metrics[0].points.len()),
        ("up", "n/a", 1)
    );
    let loki = read("k", r#"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"pod":"a"},"values":[["1700000001000000000","ERROR late"],["1700000000000000000","early"]]}]}}"#).unwrap();
    assert_eq!(loki.logs[0].lines[1].text, "late");
    let elastic = read(
        "e",
        r#"{"hits":{"total":1,"hits":[{"_source":{"@timestamp":"2026-01-02T03:04:05Z","log.level":"error","message":"boom"}}]}}"#,
    )
    .unwrap();
    assert_eq!(elastic.logs[0].lines[0].text, "boom");
    let signoz = read("z", r#"{"status":"success","data":{"result":[{"queryName":"A","list":[{"timestamp":"2026-01-02T03:04:05Z","data":{"body":"boom","severity_text":"ERROR"}}]}]}}"#).unwrap();
    assert_eq!(signoz.logs[0].lines[0].level, crate::model::observation::Level::Error);
    let otlp = read("o", r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b","name":"GET","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000","status":{"code":2}}]}]}]}"#).unwrap();
    assert_eq!((otlp.spans[0].service.as_str(), otlp.spans[0].status.as_str()), ("shop", "ERROR"));
    assert!((otlp.spans[0].duration_ms - 5.0).abs() < 0.1);
}

#[test]
fn mongodb_commands() {
    let kind = |text: &str| read("m", text).unwrap().documents[0].kind.clone();
    assert_eq!(kind(r#"{"host":"a","connections":{"current":1},"globalLock":{}}"#), "serverStatus");
    assert_eq!(
        kind(
            "{\n  set: 'rs',\n  members: [ { name: 'a:1', stateStr: 'PRIMARY', optimeDate: ISODate(\"2026-01-02T03:04:05Z\"), n: Long(\"5\") } ]\n}"
        ),
        "replSetGetStatus"
    );
    assert_eq!(kind(r#"{"inprog":[]}"#), "currentOp");
}

#[test]
fn other_files_are_left_alone() {
    for text in [
        r#"{"apiVersion":"v1","kind":"List","items":[]}"#,
        "apiVersion: v1\nkind: Pod",
        "a,b,c\n1,2,3",
        "{}",
        "[]",
        "hello",
        "",
        r#"{"alerts":[]}"#,
    ] {
        assert!(read("x", text).is_none(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,200}", json in "[\\[\\]{}\":,a-z0-9 \n]{0,120}") {
        read("x", &text);
        read("x", &json);
        read("x", &format!("timestamp,service,metric,value\n{text}"));
        read("x", &format!("{{\"data\":{{\"result\":[{json}]}}}}"));
    }
}

#[test]
fn spans_say_which_end_they_are_where_they_ran_and_what_failed() {
    let otlp = read("o", r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"k8s.pod.name","value":{"stringValue":"shop-1"}}]},"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b","name":"GET","kind":3,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000","attributes":[{"key":"http.response.status_code","value":{"intValue":"503"}}],"events":[{"name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"java.net.ConnectException"}},{"key":"exception.message","value":{"stringValue":"Connection refused"}}]}],"status":{"code":2,"message":"failed"}}]}]}]}"#).unwrap();
    let span = &otlp.spans[0];
    assert_eq!((span.kind, span.instance.as_str()), (SpanKind::Client, "shop-1"));
    assert_eq!(span.error, "java.net.ConnectException: Connection refused");
    assert_eq!(span.attributes["http.response.status_code"], "503");

    let tags: Vec<String> = (0..40).map(|n| format!(r#"{{"key":"a.{n}","type":"string","value":"{}"}}"#, "x".repeat(5000))).collect();
    let jaeger = read("j", &format!(r#"{{"data":[{{"traceID":"a","spans":[{{"traceID":"a","spanID":"b","operationName":"GET","startTime":1700000000000000,"duration":5000,"processID":"p1","tags":[{},{{"key":"span.kind","type":"string","value":"server"}},{{"key":"error","type":"bool","value":true}}]}}],"processes":{{"p1":{{"serviceName":"cart","tags":[{{"key":"hostname","type":"string","value":"cart-7d"}}]}}}}}}]}}"#, tags.join(","))).unwrap();
    let span = &jaeger.spans[0];
    assert_eq!((span.kind, span.instance.as_str(), span.error.as_str()), (SpanKind::Server, "cart-7d", ""));
    assert_eq!((span.attributes.len(), span.attributes["error"].as_str()), (16, "true"));
    assert!(span.attributes.values().all(|value| value.len() <= 200));
}

#[test]
fn traces_of_other_tools_are_read_with_their_units() {
    let read = |text: &str| super::read("t.json", text).unwrap_or_default();
    let otlp = r#"[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b","name":"GET","startTimeUnixNano":"1780000000000000000","endTimeUnixNano":"1780000000250000000"}]}]}]"#;
    for shape in [format!(r#"{{"batches":{otlp}}}"#), format!(r#"{{"trace":{{"resourceSpans":{otlp}}}}}"#)] {
        let found = read(&shape);
        assert_eq!((found.spans.len(), found.spans[0].service.as_str()), (1, "cart"), "{shape}");
        assert!((found.spans[0].duration_ms - 250.0).abs() < 1e-2);
    }
    let zipkin = read(
        r#"[{"traceId":"a","id":"1","name":"get","timestamp":1780000000000000,"duration":120000,"localEndpoint":{"serviceName":"cart"},"tags":{"error":"boom"}},{"traceId":"a","id":"2","parentId":"1","timestamp":1780000000010000,"duration":5000,"localEndpoint":{"serviceName":"db"}}]"#,
    );
    assert_eq!(zipkin.spans.len(), 2);
    assert!((zipkin.spans[0].duration_ms - 120.0).abs() < 1e-9 && zipkin.spans[0].status == "ERROR", "{:?}", zipkin.spans[0]);
    let jaeger = read(
        r#"{"traceID":"a","spans":[{"traceID":"a","spanID":"1","operationName":"GET","startTime":1780000000000000,"duration":7000,"processID":"p1"}],"processes":{"p1":{"serviceName":"web"}}}"#,
    );
    assert_eq!((jaeger.spans.len(), jaeger.spans[0].service.as_str()), (1, "web"));
    let histogram = read(
        r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]},"scopeMetrics":[{"metrics":[{"name":"http.server.duration","histogram":{"dataPoints":[{"timeUnixNano":"1780000000000000000","count":"4","sum":2.0}]}}]}]}]}"#,
    );
    assert!((histogram.metrics[0].points[0].1 - 0.5).abs() < 1e-9);
}
