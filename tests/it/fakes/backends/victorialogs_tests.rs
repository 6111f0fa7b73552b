use super::{
    super::common::{
        client::{Got, call},
        encode,
    },
    *,
};

async fn victoria() -> VictoriaLogs {
    let victoria = VictoriaLogs::start(Some("tok")).await;
    for (second, service, level, body) in
        [(0, "api", "info", "started"), (10, "api", "error", "db timeout"), (20, "api", "error", "db refused"), (70, "web", "warn", "slow")]
    {
        victoria.log(
            Timestamp::from_second(1_700_000_000 + second).unwrap(),
            service,
            level,
            body,
            &[("namespace", "shop"), ("code", &second.to_string())],
        );
    }
    victoria
}

fn ask(victoria: &VictoriaLogs, endpoint: &str, query: &str, more: &str) -> Got {
    let body = format!("query={}{more}", encode(query));
    let headers = [("authorization", "Bearer tok"), ("content-type", "application/x-www-form-urlencoded")];
    call(&victoria.url, "POST", &format!("/select/logsql/{endpoint}"), &headers, &body)
}

fn messages(got: &Got) -> Vec<String> {
    assert_eq!(got.status, 200, "{}", got.body);
    got.body.lines().map(|line| cell(serde_json::from_str::<Value>(line).unwrap().as_object().unwrap(), "_msg")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_sorts_and_limits() {
    let victoria = victoria().await;
    let lines = |query: &str| messages(&ask(&victoria, "query", query, "&limit=10"));
    assert_eq!(lines("service:=api db"), ["db refused", "db timeout"]);
    assert_eq!(lines(r#"level:error AND NOT refused"#), ["db timeout"]);
    assert_eq!(lines(r#"(_msg:"db timeout" OR slow) namespace:="shop""#), ["slow", "db timeout"]);
    assert_eq!(lines("_time:[2023-11-14T22:13:20Z, 2023-11-14T22:13:30Z)"), ["started"]);
    assert_eq!(lines("level:in(info,warn) !slow"), ["started"]);
    assert_eq!(lines(r#"_msg:~"ref.sed$""#), ["db refused"]);
    assert_eq!(lines(r#"{service="web"} *"#), ["slow"]);
    assert_eq!(lines("code:>15 | sort by (_time) | limit 1"), ["db refused"]);
    assert!(lines("_time:5m *").is_empty() && lines("DB").is_empty());
    assert_eq!(messages(&ask(&victoria, "query", "*", "&limit=1&start=1700000000&end=1700000020")), ["db timeout"]);
    assert!(victoria.unbounded().is_empty());
    assert_eq!(messages(&ask(&victoria, "query", "* | sort by (_time desc)", "")).len(), 4);
    assert_eq!(victoria.unbounded(), ["* | sort by (_time desc)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts() {
    let victoria = victoria().await;
    let got = ask(&victoria, "query", "* | stats by (level) count() n | sort by (n desc) | limit 1", "");
    assert_eq!(got.body, "{\"level\":\"error\",\"n\":\"2\"}\n");
    let hits = ask(&victoria, "hits", "*", "&step=1m&field=service").json();
    assert_eq!(hits["hits"][0], json!({"fields": {"service": "api"}, "timestamps": ["2023-11-14T22:13:00Z"], "values": [3], "total": 3}));
    assert_eq!(ask(&victoria, "field_values", "*", "&field=service&limit=1").json(), json!({"values": [{"value": "api", "hits": 3}]}));
    assert!(victoria.unbounded().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses() {
    let victoria = victoria().await;
    assert_eq!(call(&victoria.url, "GET", "/select/logsql/query?query=*&limit=1", &[], "").status, 401);
    for bad in ["", "(a", "a AND", "* | foo", "* | limit x", "_time:yesterday", "a:~\"(\"", "* | stats by (x) median(y) n"] {
        assert_eq!(ask(&victoria, "query", bad, "&limit=1").status, 400, "{bad}");
    }
    assert_eq!(ask(&victoria, "query", "*", "&limit=ten").status, 400);
    assert_eq!(ask(&victoria, "query", "*", "&limit=1&start=soon").status, 400);
    assert_eq!(ask(&victoria, "nope", "*", "").status, 404);
    assert_eq!(call(&victoria.url, "DELETE", "/select/logsql/query", &[("authorization", "Bearer tok")], "").status, 405);
    assert_eq!(call(&victoria.url, "GET", "/health", &[], "").body, "OK");
    victoria.fail_next(503, 1);
    assert_eq!(ask(&victoria, "query", "*", "&limit=1").status, 503);
}
