use super::{
    super::common::client::{Got, call},
    *,
};

const KEY: [(&str, &str); 2] = [("authorization", "ApiKey a2V5OnNlY3JldA=="), ("content-type", "application/json")];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

async fn elastic(flavour: Flavour) -> Elastic {
    let elastic = Elastic::start(flavour, Auth::ApiKey("a2V5OnNlY3JldA==".to_owned())).await;
    for (second, level, body) in
        [(0, "info", "started the server"), (10, "error", "DB timeout after 5 s"), (20, "error", "DB refused"), (130, "warn", "slow query")]
    {
        elastic.log("logs-shop", at(second), "api", level, body, &[("kubernetes.namespace", "shop")]);
    }
    elastic.log("logs-web", at(30), "web", "error", "oops", &[]);
    elastic
}

fn search(elastic: &Elastic, path: &str, body: Value) -> Got {
    call(&elastic.url, "POST", path, &KEY, &body.to_string())
}

fn messages(got: &Got) -> Vec<String> {
    assert_eq!(got.status, 200, "{}", got.body);
    got.json()["hits"]["hits"].as_array().unwrap().iter().map(|hit| text_of(&hit["_source"]["message"])).collect()
}

fn reason(got: &Got) -> (u16, String) {
    (got.status, text_of(&got.json()["error"]["root_cause"][0]["type"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_and_sorts() {
    let elastic = elastic(Flavour::Elasticsearch).await;
    let query = |query: Value| {
        messages(&search(&elastic, "/logs-*/_search", json!({"size": 10, "sort": [{"@timestamp": "desc"}], "query": query})))
    };
    let range = json!({"range": {"@timestamp": {"gte": "2023-11-14T22:13:20Z", "lt": 1_700_000_030_000_i64}}});
    assert_eq!(query(json!({"bool": {"filter": [range, {"term": {"log.level": "error"}}]}})), ["DB refused", "DB timeout after 5 s"]);
    assert_eq!(
        query(json!({"bool": {"must": [{"match": {"message": "timeout oops"}}], "must_not": [{"term": {"service.name": "web"}}]}})),
        ["DB timeout after 5 s"]
    );
    assert_eq!(query(json!({"match_phrase": {"message": "db timeout"}})), ["DB timeout after 5 s"]);
    assert_eq!(
        query(json!({"query_string": {"query": "service.name:web OR (timeout AND log.level:error)"}})),
        ["oops", "DB timeout after 5 s"]
    );
    assert_eq!(query(json!({"simple_query_string": {"query": "refused | \"slow query", "fields": ["message"]}})).len(), 2);
    assert_eq!(query(json!({"bool": {"should": [{"terms": {"log.level": ["warn", "info"]}}, {"exists": {"field": "nope"}}]}})).len(), 2);
    assert!(query(json!({"term": {"log.level.keyword": "error"}})).is_empty());
    elastic.dynamic_mapping();
    assert_eq!(query(json!({"term": {"log.level.keyword": "error"}})).len(), 3);
    let total = search(&elastic, "/logs-shop/_search", json!({"size": 0})).json();
    assert_eq!(total["hits"]["total"], json!({"value": 4, "relation": "eq"}));
    assert!(search(&elastic, "/logs-shop/_search", json!({"track_total_hits": false})).json()["hits"].get("total").is_none());
    assert_eq!(search(&elastic, "/logs-shop/_count", json!({"query": {"match_all": {}}})).json()["count"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregates() {
    let elastic = elastic(Flavour::OpenSearch).await;
    let aggs = json!({"levels": {"terms": {"field": "log.level", "size": 1}, "aggs": {"time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1m"}}}}});
    let got = search(&elastic, "/logs-shop,logs-web/_search", json!({"size": 0, "aggs": aggs})).json();
    let levels = &got["aggregations"]["levels"];
    assert_eq!(
        (&levels["buckets"][0]["key"], &levels["buckets"][0]["doc_count"], &levels["sum_other_doc_count"]),
        (&json!("error"), &json!(3), &json!(2))
    );
    assert_eq!(
        levels["buckets"][0]["time"]["buckets"],
        json!([{"key_as_string": "2023-11-14T22:13:00.000Z", "key": 1_699_999_980_000_i64, "doc_count": 3}])
    );
    let gaps = search(
        &elastic,
        "/logs-shop/_search",
        json!({"aggs": {"t": {"date_histogram": {"field": "@timestamp", "fixed_interval": "60s"}}}}),
    )
    .json();
    assert_eq!(gaps["aggregations"]["t"]["buckets"].as_array().unwrap().len(), 3);
    assert_eq!(
        reason(&search(&elastic, "/logs-shop/_search", json!({"aggs": {"t": {"terms": {"field": "message"}}}}))).1,
        "illegal_argument_exception"
    );
    assert_eq!(reason(&search(&elastic, "/logs-shop/_search", json!({"aggs": {"t": {"foo": {}}}}))).1, "parsing_exception");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_a_point_in_time() {
    let elastic = elastic(Flavour::Elasticsearch).await;
    let pit = search(&elastic, "/logs-*/_pit?keep_alive=1m", json!({})).json()["id"].clone();
    elastic.log("logs-web", at(40), "web", "error", "later", &[]);
    let mut body = json!({"size": 2, "sort": [{"@timestamp": "desc"}], "pit": {"id": pit, "keep_alive": "1m"}});
    let mut seen = Vec::new();
    loop {
        let got = search(&elastic, "/_search", body.clone());
        let page = messages(&got);
        if page.is_empty() {
            break;
        }
        body["search_after"] = got.json()["hits"]["hits"].as_array().unwrap().last().unwrap()["sort"].clone();
        seen.extend(page);
    }
    assert_eq!(seen, ["slow query", "oops", "DB refused", "DB timeout after 5 s", "started the server"]);
    body["search_after"] = json!([1]);
    assert_eq!(search(&elastic, "/_search", body.clone()).status, 400);
    assert_eq!(search(&elastic, "/logs-web/_search", body.clone()).status, 400);
    assert_eq!(call(&elastic.url, "DELETE", "/_pit", &KEY, &json!({"id": pit}).to_string()).json()["num_freed"], 1);
    assert_eq!(reason(&search(&elastic, "/_search", body)), (404, "search_context_missing_exception".to_owned()));
    let no_pit = search(&elastic, "/logs-web/_search", json!({"sort": [{"@timestamp": "desc"}, {"_shard_doc": "desc"}]}));
    assert_eq!(reason(&no_pit), (400, "query_shard_exception".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_in_its_own_words() {
    let elastic = elastic(Flavour::Elasticsearch).await;
    assert_eq!(reason(&call(&elastic.url, "GET", "/", &[], "")), (401, "security_exception".to_owned()));
    let got = search(&elastic, "/nope/_search", json!({}));
    assert_eq!((reason(&got), &got.json()["error"]["resource.id"]), ((404, "index_not_found_exception".to_owned()), &json!("nope")));
    assert_eq!(search(&elastic, "/nope-*/_search", json!({})).status, 200);
    for bad in [
        json!({"query": {"foo": {}}}),
        json!({"query": {"bool": {"filters": []}}}),
        json!({"query": {"term": {"a": 1, "b": 2}}}),
        json!({"query": {"range": {"@timestamp": {"from": 1}}}}),
        json!({"query": {"match": {"message": "x"}, "term": {}}}),
        json!({"limit": 3}),
    ] {
        assert_eq!(reason(&search(&elastic, "/logs-web/_search", bad)), (400, "parsing_exception".to_owned()));
    }
    for bad in [
        json!({"size": 10_001}),
        json!({"timeout": "8"}),
        json!({"sort": [{"message": "asc"}]}),
        json!({"sort": ["nope"]}),
        json!({"size": -1}),
    ] {
        assert_eq!(search(&elastic, "/logs-web/_search", bad.clone()).status, 400, "{bad}");
    }
    assert_eq!(search(&elastic, "/logs-web/_search", json!({"query": {"range": {"@timestamp": {"gte": "yesterday"}}}})).status, 400);
    assert_eq!(call(&elastic.url, "POST", "/logs-web/_search", &KEY, "{").status, 400);
    assert_eq!(call(&elastic.url, "POST", "/logs-web/_search", &[KEY[0], ("content-type", "text/plain")], "{}").status, 406);
    assert_eq!(call(&elastic.url, "PUT", "/logs-web/_search", &KEY, "").status, 405);
    assert_eq!(call(&elastic.url, "GET", "/a/b/c", &KEY, "").status, 404);
    assert_eq!(call(&elastic.url, "GET", "/logs-web/_search?foo=1", &KEY, "").status, 400);
    elastic.forbid("secret");
    assert_eq!(reason(&search(&elastic, "/secret/_search", json!({}))), (403, "security_exception".to_owned()));
    elastic.fail_next(429, 1);
    assert_eq!(reason(&search(&elastic, "/logs-web/_search", json!({}))), (429, "circuit_breaking_exception".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_of_itself() {
    let open = Elastic::start(Flavour::OpenSearch, Auth::Basic("admin".to_owned(), "pw".to_owned())).await;
    open.log("logs", at(0), "api", "info", "hello", &[]);
    let headers = [("authorization", "Basic YWRtaW46cHc=")];
    let get = |path: &str| call(&open.url, "GET", path, &headers, "");
    assert_eq!(get("/").json()["version"]["distribution"], "opensearch");
    assert_eq!(get("/_cluster/health").json()["status"], "green");
    assert_eq!(get("/_cat/indices?format=json").json()[0]["docs.count"], "1");
    assert_eq!(get("/logs/_field_caps?fields=*").json()["fields"]["@timestamp"]["date"]["aggregatable"], true);
    assert_eq!(get("/logs/_field_caps").status, 400);
    assert_eq!(call(&open.url, "GET", "/", &[], "").body, "Unauthorized");
    let pit = call(&open.url, "POST", "/logs/_search/point_in_time?keep_alive=1m", &headers, "").json()["pit_id"].clone();
    let body = json!({"pit": {"id": pit}, "sort": ["@timestamp"]}).to_string();
    let page = call(&open.url, "POST", "/_search", &[headers[0], KEY[1]], &body).json();
    assert_eq!(page["hits"]["hits"][0]["sort"], json!([1_700_000_000_000_i64]));
    assert_eq!(call(&open.url, "POST", "/logs/_pit?keep_alive=1m", &headers, "").status, 404);
}
