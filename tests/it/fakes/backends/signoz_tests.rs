use super::{
    super::common::client::{Got, call},
    *,
};

const START: i64 = 1_700_000_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START / 1000 + second).unwrap()
}

async fn signoz(legacy: bool) -> SigNoz {
    let signoz = SigNoz::start("sekret", legacy).await;
    for (second, service, level, body) in
        [(0, "api", "INFO", "started"), (10, "api", "ERROR", "DB timeout"), (20, "api", "ERROR", "DB refused"), (70, "web", "WARN", "slow")]
    {
        signoz.log(at(second), service, level, body, &[("http.status", "500"), ("k8s.namespace.name", "shop")]);
    }
    for (index, ms) in [10, 20, 300].into_iter().enumerate() {
        let span = Span::new(
            "0af7651916cd43dd8448eb211c80319c",
            &format!("b7ad6b716920333{index}"),
            if index == 0 { "" } else { "b7ad6b7169203330" },
            "api",
            "GET /",
            at(index as i64),
            ms,
        );
        signoz.span(if index == 2 { span.failed("boom") } else { span });
    }
    for (second, value) in [(0, 10.0), (10, 30.0), (70, 90.0)] {
        signoz.metric(at(second), "queue_size", value, &[("queue", "mail")]);
    }
    signoz
}

fn post(signoz: &SigNoz, path: &str, body: &Value) -> Got {
    call(&signoz.url, "POST", path, &[("signoz-api-key", "sekret"), ("content-type", "application/json")], &body.to_string())
}

fn query(kind: &str, spec: Value) -> Value {
    json!({"schemaVersion": "v1", "start": START, "end": START + 100_000, "requestType": kind, "compositeQuery": {"queries": [{"type": "builder_query", "spec": spec}]}})
}

fn v5(signoz: &SigNoz, kind: &str, spec: Value) -> Value {
    let got = post(signoz, "/api/v5/query_range", &query(kind, spec));
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()["data"]["data"]["results"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_raw_rows_in_pages() {
    let signoz = signoz(false).await;
    let filter = json!({"expression": "service.name = 'api' AND severity_text IN ('ERROR','FATAL') AND body CONTAINS 'db'"});
    let page = |offset: u64| {
        v5(
            &signoz,
            "raw",
            json!({"name": "A", "signal": "logs", "filter": filter, "limit": 1, "offset": offset, "order": [{"key": {"name": "timestamp"}, "direction": "desc"}]}),
        )
    };
    assert_eq!(page(0)["rows"][0]["data"]["body"], "DB refused");
    assert_eq!(page(1)["rows"][0]["data"]["resources_string"]["service.name"], "api");
    assert_eq!(page(2)["rows"], Value::Null);
    let spans = v5(
        &signoz,
        "raw",
        json!({"name": "A", "signal": "traces", "filter": {"expression": "has_error = true AND duration_nano > 100000000"}}),
    );
    assert_eq!(spans["rows"][0]["data"]["status_message"], "boom");
    let trace = v5(&signoz, "trace", json!({"name": "A", "signal": "traces"}));
    assert_eq!(trace["rows"][0]["data"]["span_count"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn computes_series_and_tables() {
    let signoz = signoz(false).await;
    let count = json!([{"expression": "count()"}]);
    let series = v5(
        &signoz,
        "time_series",
        json!({"name": "A", "signal": "logs", "aggregations": count, "groupBy": [{"name": "service.name"}], "stepInterval": 60}),
    );
    let first = &series["aggregations"][0]["series"][0];
    assert_eq!(first["labels"], json!([{"key": {"name": "service.name"}, "value": "api"}]));
    assert_eq!(first["values"], json!([{"timestamp": 1_699_999_980_000_i64, "value": 3.0}]));
    let table = v5(
        &signoz,
        "scalar",
        json!({"name": "A", "signal": "traces", "aggregations": [{"expression": "p99(duration_nano)"}, {"expression": "count()"}], "groupBy": [{"name": "service.name"}]}),
    );
    assert_eq!(table["data"], json!([["api", 300_000_000.0, 3.0]]));
    assert_eq!(table["columns"][0]["columnType"], "group");
    let metric = json!([{"metricName": "queue_size", "timeAggregation": "max", "spaceAggregation": "sum"}]);
    let metric = v5(&signoz, "time_series", json!({"name": "A", "signal": "metrics", "aggregations": metric, "stepInterval": 60}));
    assert_eq!(metric["aggregations"][0]["series"][0]["values"][0]["value"], 30.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_signoz_refuses() {
    let signoz = signoz(false).await;
    assert_eq!(call(&signoz.url, "POST", "/api/v5/query_range", &[], "{}").json()["error"]["code"], "unauthenticated");
    let bad = |body: Value| {
        let got = post(&signoz, "/api/v5/query_range", &body);
        assert_eq!(got.status, 400, "{}", got.body);
        got.json()["error"].clone()
    };
    let unknown = bad(query("raw", json!({"name": "A", "signal": "logs", "filter": {"expression": "nope = 'x'"}})));
    assert_eq!(unknown["errors"][0]["message"], "key `nope` not found");
    bad(query("raw", json!({"name": "A", "signal": "logs", "filter": {"expression": "body ="}})));
    bad(query("raw", json!({"name": "A", "signal": "logs", "limit": 10_001})));
    bad(query("raw", json!({"name": "A", "signal": "logs", "filters": {}})));
    bad(query("raw", json!({"name": "A", "signal": "metrics"})));
    bad(query("list", json!({"name": "A", "signal": "logs"})));
    bad(query("scalar", json!({"name": "A", "signal": "logs"})));
    bad(query("scalar", json!({"name": "A", "signal": "logs", "aggregations": [{"expression": "median(x)"}]})));
    bad(json!({"start": START, "end": START}));
    assert_eq!(call(&signoz.url, "POST", "/api/v5/query_range", &[("signoz-api-key", "sekret")], "{").status, 400);
    assert_eq!(call(&signoz.url, "GET", "/api/v5/query_range", &[("signoz-api-key", "sekret")], "").status, 405);
    assert_eq!(post(&signoz, "/api/v9/query_range", &json!({})).status, 404);
    signoz.fail_next(403, 1);
    assert_eq!(post(&signoz, "/api/v5/query_range", &json!({})).json()["error"]["code"], "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn knows_the_old_api() {
    let signoz = signoz(true).await;
    assert_eq!(post(&signoz, "/api/v5/query_range", &json!({})).status, 404);
    let item = json!({"key": {"key": "serviceName", "dataType": "string", "type": "tag", "isColumn": true}, "op": "=", "value": "api"});
    let ask = |panel: &str, operator: &str, item: &Value| {
        let query = json!({"dataSource": "logs", "queryName": "A", "aggregateOperator": operator, "aggregateAttribute": {}, "filters": {"op": "AND", "items": [item]}, "groupBy": [], "expression": "A", "disabled": false, "limit": 2});
        post(
            &signoz,
            "/api/v4/query_range",
            &json!({"start": START, "end": START + 100_000, "step": 60, "variables": {}, "compositeQuery": {"queryType": "builder", "panelType": panel, "builderQueries": {"A": query}}}),
        )
    };
    assert_eq!(ask("list", "noop", &item).json()["data"]["result"][0]["list"].as_array().unwrap().len(), 2);
    assert_eq!(ask("graph", "count", &item).json()["data"]["result"][0]["series"][0]["values"][0]["value"], "3");
    assert_eq!(ask("list", "noop", &json!({"key": {"key": "a"}, "op": "~", "value": 1})).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_of_services_fields_and_rules() {
    let signoz = signoz(false).await;
    signoz.rule("7", "Too many errors", "firing");
    signoz.transition("7", at(5), "firing");
    let get = |path: &str| call(&signoz.url, "GET", path, &[("signoz-api-key", "sekret")], "");
    assert!(call(&signoz.url, "GET", "/api/v1/version", &[], "").json()["version"].as_str().unwrap().starts_with("v0."));
    let services =
        post(&signoz, "/api/v1/services", &json!({"start": "1700000000000000000", "end": "1700000100000000000", "tags": []})).json();
    assert_eq!((&services[0]["serviceName"], &services[0]["numErrors"]), (&json!("api"), &json!(1)));
    assert_eq!(post(&signoz, "/api/v1/services", &json!({"start": 1, "end": 2})).status, 400);
    assert!(get("/api/v1/fields/keys?signal=logs&searchText=k8s").json()["data"]["keys"].get("k8s.namespace.name").is_some());
    assert_eq!(get("/api/v1/rules").json()["data"]["rules"][0]["state"], "firing");
    assert_eq!(get("/api/v2/rules/7/history/timeline?start=1700000000000&end=1700000100000").json()["data"]["total"], 1);
    assert_eq!(get("/api/v2/rules/8/history/timeline?start=1&end=2").status, 404);
}
