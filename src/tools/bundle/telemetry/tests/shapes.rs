//! Answers as real systems print them; each row says what the reader must give out.

use crate::{model::observation::Observations, tools::bundle::sniff};

/// What it is; the text; how many log lines, series, spans, edges and changes it holds; words of the first log line.
type Row = (&'static str, &'static str, [usize; 5], &'static str);

const ROWS: &[Row] = &[
    (
        "prometheus vector",
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1700000000.1,"1"]}]}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    ("prometheus scalar", r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.1,"5"]}}"#, [0, 1, 0, 0, 0], ""),
    (
        "prometheus native histogram",
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"histograms":[[1700000000,{"count":"10","sum":"5","buckets":[]}]]}]}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "prometheus targets",
        r#"{"status":"success","data":{"activeTargets":[{"labels":{"job":"shop","instance":"10.0.0.1:8080"},"scrapeUrl":"http://10.0.0.1:8080/metrics","lastError":"Get \"http://10.0.0.1:8080/metrics\": dial tcp 10.0.0.1:8080: connect: connection refused","lastScrape":"2026-01-02T03:04:05.000Z","health":"down"},{"labels":{"job":"cart","instance":"10.0.0.2:8080"},"scrapeUrl":"http://10.0.0.2:8080/metrics","lastError":"","lastScrape":"2026-01-02T03:04:05.000Z","health":"up"}],"droppedTargets":[]}}"#,
        [1, 0, 0, 0, 0],
        "10.0.0.1:8080: connect: connection refused",
    ),
    (
        "victoriametrics export",
        r#"{"metric":{"__name__":"up","job":"a"},"values":[1,0],"timestamps":[1700000000000,1700000060000]}
{"metric":{"__name__":"up","job":"b"},"values":[1,1],"timestamps":[1700000000000,1700000060000]}
"#,
        [0, 2, 0, 0, 0],
        "",
    ),
    (
        "victorialogs lines",
        r#"{"_time":"2026-01-02T03:04:05Z","_stream":"{app=\"shop\"}","_msg":"connection refused","app":"shop","level":"error"}
{"_time":"2026-01-02T03:04:06Z","_stream":"{app=\"shop\"}","_msg":"ok","app":"shop","level":"info"}
"#,
        [2, 0, 0, 0, 0],
        "connection refused",
    ),
    (
        "loki matrix",
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"app":"a"},"values":[[1700000000,"3"]]}],"stats":{}}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "elastic histogram",
        r#"{"took":3,"timed_out":false,"_shards":{"total":1},"hits":{"total":{"value":10,"relation":"eq"},"hits":[]},"aggregations":{"per_minute":{"buckets":[{"key_as_string":"2026-01-02T03:04:00.000Z","key":1767323040000,"doc_count":3},{"key_as_string":"2026-01-02T03:05:00.000Z","key":1767323100000,"doc_count":90}]}}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "elastic terms over time",
        r#"{"took":3,"hits":{"hits":[]},"aggregations":{"services":{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[{"key":"shop","doc_count":5,"over_time":{"buckets":[{"key":1767323040000,"doc_count":3,"p99":{"values":{"99.0":120.5}}},{"key":1767323100000,"doc_count":2,"p99":{"values":{"99.0":900.0}}}]}},{"key":"cart","doc_count":1,"over_time":{"buckets":[{"key":1767323040000,"doc_count":1,"p99":{"values":{"99.0":7}}}]}}]}}}"#,
        [0, 4, 0, 0, 0],
        "",
    ),
    (
        "elastic top messages",
        r#"{"took":3,"hits":{"hits":[]},"aggregations":{"patterns":{"buckets":[{"key":"connect ECONNREFUSED","doc_count":80}]}}}"#,
        [0, 0, 0, 0, 0],
        "",
    ),
    (
        "esql",
        r#"{"columns":[{"name":"@timestamp","type":"date"},{"name":"message","type":"keyword"},{"name":"service.name","type":"keyword"}],"values":[["2026-01-02T03:04:05.000Z","connection refused","shop"]]}"#,
        [1, 0, 0, 0, 0],
        "connection refused",
    ),
    (
        "opensearch sql",
        r#"{"schema":[{"name":"@timestamp","type":"timestamp"},{"name":"message","type":"text"}],"datarows":[["2026-01-02 03:04:05","connection refused"]],"total":1,"size":1,"status":200}"#,
        [1, 0, 0, 0, 0],
        "connection refused",
    ),
    (
        "clickhouse json",
        r#"{"meta":[{"name":"timestamp","type":"DateTime64(9)"},{"name":"body","type":"String"}],"data":[{"timestamp":"2026-01-02 03:04:05.000000000","body":"connection refused"}],"rows":1}"#,
        [1, 0, 0, 0, 0],
        "connection refused",
    ),
    (
        "grafana frames",
        r#"{"results":{"A":{"status":200,"frames":[{"schema":{"name":"cpu","fields":[{"name":"Time","type":"time"},{"name":"Value","type":"number","labels":{"pod":"shop-1"}}]},"data":{"values":[[1700000000000,1700000060000],[0.1,0.9]]}}]}}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "grafana log frames",
        r#"{"results":{"A":{"frames":[{"schema":{"fields":[{"name":"labels","type":"other"},{"name":"Time","type":"time"},{"name":"Line","type":"string"}]},"data":{"values":[[{"app":"shop"}],[1700000000000],["level=error msg=\"connection refused\""]]}}]}}}"#,
        [1, 0, 0, 0, 0],
        "connection refused",
    ),
    (
        "influx",
        r#"{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"a"},"columns":["time","mean"],"values":[["2026-01-02T03:04:00Z",1],["2026-01-02T03:05:00Z",null]]}]}]}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "graphite",
        r#"[{"target":"stats.shop.latency","datapoints":[[1.5,1700000000],[null,1700000060],[2.5,1700000120]]}]"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "datadog metrics",
        r#"{"status":"ok","series":[{"metric":"system.cpu.idle","scope":"host:a","tag_set":["host:a"],"pointlist":[[1700000000000,98.1],[1700000020000,97.0]]}]}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "datadog logs",
        r#"{"data":[{"id":"A","type":"log","attributes":{"timestamp":"2026-01-02T03:04:05.000Z","status":"error","service":"shop","message":"boom","attributes":{}}}],"meta":{}}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "cloudwatch metric data",
        r#"{"MetricDataResults":[{"Id":"m1","Label":"CPUUtilization","Timestamps":["2026-01-02T03:05:00+00:00","2026-01-02T03:04:00+00:00"],"Values":[2.0,1.0],"StatusCode":"Complete"}],"Messages":[]}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "cloudwatch statistics",
        r#"{"Label":"DatabaseConnections","Datapoints":[{"Timestamp":"2026-01-02T03:05:00Z","Average":90.0,"Maximum":100.0,"Unit":"Count"},{"Timestamp":"2026-01-02T03:04:00Z","Average":20.0,"Maximum":30.0,"Unit":"Count"}]}"#,
        [0, 2, 0, 0, 0],
        "",
    ),
    (
        "cloudwatch log events",
        r#"{"events":[{"timestamp":1700000000000,"message":"ERROR boom\n","ingestionTime":1700000000100}],"nextForwardToken":"f/1"}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "cloudwatch filtered events",
        r#"{"events":[{"logStreamName":"shop/1","timestamp":1700000000000,"message":"boom","ingestionTime":1700000000100,"eventId":"3"}],"searchedLogStreams":[]}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "logs insights",
        r#"{"results":[[{"field":"@timestamp","value":"2026-01-02 03:04:05.000"},{"field":"@message","value":"boom"},{"field":"@ptr","value":"x"}]],"statistics":{},"status":"Complete"}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "rds events",
        r#"{"Events":[{"SourceIdentifier":"shop-db","SourceType":"db-instance","Message":"DB instance restarted","EventCategories":["availability"],"Date":"2026-01-02T03:04:05.000Z","SourceArn":"arn:x"}]}"#,
        [1, 0, 0, 0, 0],
        "restarted",
    ),
    (
        "cloudtrail",
        r#"{"Events":[{"EventId":"e","EventName":"ModifyDBInstance","EventTime":"2026-01-02T03:04:05Z","EventSource":"rds.amazonaws.com","Username":"anna","Resources":[{"ResourceType":"AWS::RDS::DBInstance","ResourceName":"shop-db"}],"CloudTrailEvent":"{}"}]}"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "google time series",
        r#"{"timeSeries":[{"metric":{"type":"run.googleapis.com/request_latencies","labels":{"code":"200"}},"resource":{"type":"cloud_run","labels":{"service_name":"shop"}},"points":[{"interval":{"startTime":"2026-01-02T03:04:00Z","endTime":"2026-01-02T03:05:00Z"},"value":{"doubleValue":5.5}},{"interval":{"endTime":"2026-01-02T03:04:00Z"},"value":{"int64Value":"4"}}]}]}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "google log entries",
        r#"[{"insertId":"1","timestamp":"2026-01-02T03:04:05Z","severity":"ERROR","textPayload":"boom","resource":{"type":"k8s_container","labels":{"pod_name":"shop-1"}}}]"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "azure metrics",
        r#"{"cost":0,"timespan":"a/b","interval":"PT1M","value":[{"id":"x","name":{"value":"Percentage CPU"},"timeseries":[{"metadatavalues":[],"data":[{"timeStamp":"2026-01-02T03:04:00Z","average":10},{"timeStamp":"2026-01-02T03:05:00Z"}]}]}]}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "azure log analytics",
        r#"{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated","type":"datetime"},{"name":"Message","type":"string"}],"rows":[["2026-01-02T03:04:05Z","boom"]]}]}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "splunk results",
        r#"{"preview":false,"results":[{"_time":"2026-01-02T03:04:05.000+00:00","_raw":"ERROR boom","host":"a","sourcetype":"x"}]}"#,
        [1, 0, 0, 0, 0],
        "boom",
    ),
    (
        "zipkin v2",
        r#"[{"traceId":"5982fe77008310cc80f1da5e10147517","id":"bd7a977555f6b982","kind":"SERVER","name":"get /","timestamp":1458702548467000,"duration":386000,"localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1"},"tags":{"error":"timeout"}}]"#,
        [0, 0, 1, 0, 0],
        "",
    ),
    (
        "tempo batches",
        r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"YQ==","spanId":"Yg==","name":"GET","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000005000000"}]}]}]}"#,
        [0, 0, 1, 0, 0],
        "",
    ),
    (
        "datadog spans",
        r#"{"data":[{"id":"A","type":"spans","attributes":{"trace_id":"1","span_id":"2","parent_id":"0","service":"shop","resource_name":"GET /","start_timestamp":"2026-01-02T03:04:05.000Z","end_timestamp":"2026-01-02T03:04:06.000Z","status":"error"}}]}"#,
        [0, 0, 1, 0, 0],
        "",
    ),
    (
        "signoz v3 series",
        r#"{"status":"success","data":{"resultType":"","result":[{"queryName":"A","series":[{"labels":{"service_name":"shop"},"labelsArray":[{"service_name":"shop"}],"values":[{"timestamp":1700000000000,"value":"2"}]}],"list":null}]}}"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "signoz v5 table",
        r#"{"status":"success","data":{"type":"scalar","data":{"results":[{"columns":[{"name":"service.name","columnType":"group"},{"name":"__result","columnType":"aggregation"}],"data":[["shop",5]]}]}}}"#,
        [0, 0, 0, 0, 0],
        "",
    ),
    (
        "wide csv",
        r#"time,cart_cpu,shop_cpu,cart_mem,shop_mem
1700000000,1,2,3,4
1700000060,2,3,4,5
"#,
        [0, 4, 0, 0, 0],
        "",
    ),
    (
        "wide csv of one metric",
        r#"Time,cart,shop
2026-01-02 03:04:00,1,2
2026-01-02 03:05:00,2,3
"#,
        [0, 2, 0, 0, 0],
        "",
    ),
    (
        "grafana csv",
        r#""Time","{pod=""shop-1""}","http_requests{pod=""shop-2"", code=""500""}"
2026-01-02 03:04:00,1,2
2026-01-02 03:05:00,,3
"#,
        [0, 2, 0, 0, 0],
        "",
    ),
    (
        "semicolon csv",
        r#"timestamp;service;metric;value
1700000000;shop;cpu;1
"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "tab separated",
        r#"timestamp	service	metric	value
1700000000	shop	cpu	1
"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "log csv",
        r#"timestamp,service,level,message
2026-01-02T03:04:05Z,shop,ERROR,"boom, and more"
2026-01-02T03:04:06Z,shop,INFO,ok
"#,
        [2, 0, 0, 0, 0],
        "boom, and more",
    ),
    (
        "span csv",
        r#"timestamp,trace_id,span_id,parent_id,service,operation,duration_ms,status
2026-01-02T03:04:05Z,a,b,,shop,GET,5,OK
"#,
        [0, 0, 1, 0, 0],
        "",
    ),
    (
        "metrics as rows",
        r#"{"timestamp":"2026-01-02T03:04:05Z","service":"shop","metric":"cpu","value":1.5}
{"timestamp":"2026-01-02T03:05:05Z","service":"shop","metric":"cpu","value":2.5}
"#,
        [0, 1, 0, 0, 0],
        "",
    ),
    (
        "metrics by service",
        r#"{"shop":{"cpu":[["2026-01-02T03:04:00Z",1],["2026-01-02T03:05:00Z",2]]},"cart":{"cpu":[["2026-01-02T03:04:00Z",1]]}}"#,
        [0, 2, 0, 0, 0],
        "",
    ),
    (
        "dot",
        r#"digraph g {
  rankdir=LR;
  "shop" -> "cart";
  cart -> db [label="sql"];
  a -> b -> c
}
"#,
        [0, 0, 0, 4, 0],
        "",
    ),
    (
        "mermaid",
        r#"graph LR
  shop --> cart
  cart -->|sql| db[(Postgres)]
"#,
        [0, 0, 0, 2, 0],
        "",
    ),
    ("adjacency", r#"{"shop":["cart","payment"],"cart":["redis"]}"#, [0, 0, 0, 3, 0], ""),
    ("nodes and edges", r#"{"nodes":[{"id":"shop"},{"id":"cart"}],"edges":[{"source":"shop","target":"cart"}]}"#, [0, 0, 0, 1, 0], ""),
    (
        "nodes and links",
        r#"{"nodes":[{"id":"1","name":"shop"},{"id":"2","name":"cart"}],"links":[{"from":"1","to":"2"}]}"#,
        [0, 0, 0, 1, 0],
        "",
    ),
    (
        "services with dependencies",
        r#"{"services":[{"name":"shop","depends_on":["cart"]},{"name":"cart","dependencies":["db","cache"]}]}"#,
        [0, 0, 0, 3, 0],
        "",
    ),
    ("jaeger dependencies", r#"{"data":[{"parent":"shop","child":"cart","callCount":5}],"total":0}"#, [0, 0, 0, 1, 0], ""),
    (
        "compose",
        r#"services:
  shop:
    image: shop:1
    depends_on:
      - cart
  cart:
    image: cart:1
    depends_on:
      db:
        condition: service_healthy
  db:
    image: postgres
"#,
        [0, 0, 0, 2, 0],
        "",
    ),
    (
        "arrows",
        r#"shop -> cart
cart -> db
payments -> db
"#,
        [0, 0, 0, 3, 0],
        "",
    ),
    (
        "git log",
        r#"commit 1f2e3d4c5b6a79881726354433221100ffeeddcc (HEAD -> main)
Merge: a b
Author: Anna <anna@example.com>
Date:   Fri Jan 2 03:04:05 2026 +0100

    Lower the pool's limit

    It was too high.

commit 2f2e3d4c5b6a79881726354433221100ffeeddcc
Author: Ben <ben@example.com>
Date:   Thu Jan 1 03:04:05 2026 +0100

    Tidy

diff --git a/pool.yaml b/pool.yaml
index 1..2 100644
--- a/pool.yaml
+++ b/pool.yaml
@@ -1 +1 @@
-max: 50
+max: 5
"#,
        [0, 0, 0, 0, 2],
        "",
    ),
    (
        "git log, short",
        r#"1f2e3d4 2026-01-02 03:04:05 +0000 Anna Lower the pool's limit
2f2e3d4 2026-01-01 03:04:05 +0000 Ben Tidy
"#,
        [0, 0, 0, 0, 2],
        "",
    ),
    (
        "helm history",
        r#"REVISION	UPDATED                 	STATUS    	CHART     	APP VERSION	DESCRIPTION     
1       	Thu Jan  1 03:04:05 2026	superseded	shop-1.0.0	1.0        	Install complete
2       	Fri Jan  2 03:04:05 2026	deployed  	shop-1.1.0	1.1        	Upgrade complete
"#,
        [0, 0, 0, 0, 2],
        "",
    ),
    (
        "helm history json",
        r#"[{"revision":1,"updated":"2026-01-02T03:04:05.123456+01:00","status":"deployed","chart":"shop-1.0.0","app_version":"1.0","description":"Install complete"}]"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "github commits",
        r#"[{"sha":"1f2e","commit":{"author":{"name":"Anna","date":"2026-01-02T03:04:05Z"},"committer":{"name":"Anna","date":"2026-01-02T03:04:05Z"},"message":"Lower the limit"},"html_url":"https://example.com"}]"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "github pull requests",
        r#"[{"number":7,"title":"Lower the limit","user":{"login":"anna"},"merged_at":"2026-01-02T03:04:05Z","state":"closed","base":{"ref":"main"},"head":{"sha":"1f"}}]"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "github deployments",
        r#"[{"id":1,"sha":"1f2e","ref":"main","environment":"production","created_at":"2026-01-02T03:04:05Z","creator":{"login":"anna"},"description":"Deploy","task":"deploy"}]"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "gitlab deployments",
        r#"[{"id":1,"iid":1,"ref":"main","sha":"1f2e","created_at":"2026-01-02T03:04:05Z","status":"success","environment":{"name":"production"},"deployable":{"name":"deploy"},"user":{"username":"anna"}}]"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "deployments in a holder",
        r#"{"deployments":[{"service":"shop","version":"1.2","deployed_at":"2026-01-02T03:04:05Z","author":"anna","description":"pool"}]}"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "changes in a holder",
        r#"{"changes":[{"time":"2026-01-02T03:04:05Z","kind":"deploy","service":"shop","id":"v1","summary":"x"}]}"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "a diff alone",
        r#"diff --git a/pool.yaml b/pool.yaml
index 1..2 100644
--- a/pool.yaml
+++ b/pool.yaml
@@ -1 +1 @@
-max: 50
+max: 5
"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "a mailed patch",
        r#"From 1f2e3d4c5b6a79881726354433221100ffeeddcc Mon Sep 17 00:00:00 2001
From: Anna <anna@example.com>
Date: Fri, 2 Jan 2026 03:04:05 +0100
Subject: [PATCH] Lower the limit

---
 pool.yaml | 2 +-

diff --git a/pool.yaml b/pool.yaml
--- a/pool.yaml
+++ b/pool.yaml
@@ -1 +1 @@
-max: 50
+max: 5
-- 
2.39
"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    (
        "launchdarkly",
        r#"{"items":[{"_id":"1","date":1767323045000,"kind":"flag","name":"new-checkout","description":"turned on","member":{"email":"anna@example.com"},"titleVerb":"turned on the flag"}]}"#,
        [0, 0, 0, 0, 1],
        "",
    ),
    ("a package.json is no graph", r#"{"name":"x","scripts":{"a":"b"},"dependencies":{"left":"1"}}"#, [0, 0, 0, 0, 0], ""),
    ("a plain mapping is no graph", r#"{"tags":["a","b"],"owners":["anna"]}"#, [0, 0, 0, 0, 0], ""),
];

#[test]
fn every_shape() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|(name, text, want, words)| {
            let mut out = Observations::default();
            sniff::read("evidence", text.as_bytes(), &mut out);
            let lines = || out.logs.iter().flat_map(|log| &log.lines);
            let got = [lines().count(), out.metrics.len(), out.spans.len(), out.edges.len(), out.changes.len()];
            let said = words.is_empty() || lines().next().is_some_and(|line| line.text.contains(words));
            (got != *want || !said).then(|| format!("{name}: {got:?}, not {want:?}, {:?}", lines().next().map(|line| &line.text)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}
