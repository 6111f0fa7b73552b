//! Tempo, Jaeger, GitHub and GitLab, as far as they are asked.

use serde_json::{Value, json};

use super::server::{Server, json, text};

/// A trace of two services in which the second fails.
fn otlp(id: &str, service: &str, start: i64) -> Value {
    let span = |span: &str, parent: &str, name: &str, kind: u8, millis: i64, failed: bool| {
        json!({"traceId": id, "spanId": span, "parentSpanId": parent, "name": name, "kind": kind, "startTimeUnixNano": (start * 1_000_000).to_string(),
            "endTimeUnixNano": ((start + millis) * 1_000_000).to_string(), "status": if failed { json!({"code": 2, "message": "connection refused"}) } else { json!({}) }})
    };
    let resource = |name: &str| json!({"attributes": [{"key": "service.name", "value": {"stringValue": name}}]});
    json!({"batches": [
        {"resource": resource(service), "scopeSpans": [{"spans": [span("a1", "", "GET /pay", 2, 900, true), span("a2", "a1", "POST /charge", 3, 880, true)]}]},
        {"resource": resource("payments"), "scopeSpans": [{"spans": [span("b1", "a2", "POST /charge", 2, 870, true)]}]}]})
}

pub async fn tempo(service: &'static str, start: i64) -> Server {
    Server::start(move |asked| match asked.path.as_str() {
        "/api/search" => {
            let query = asked.get("q").unwrap_or_default();
            if !(query.starts_with('{') && query.ends_with('}')) {
                return text(400, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER");
            }
            if asked.get("start").is_some_and(|start| start.parse::<i64>().is_err()) {
                return text(400, "invalid start: must be a unix timestamp");
            }
            let known = query.contains(&format!("resource.service.name = \"{service}\"")) && !query.contains("duration >");
            let traces: Vec<Value> = if known {
                vec![json!({"traceID": "2f3e0cee77ae5dc9c17ade3689eb2e54", "rootServiceName": service, "durationMs": 900})]
            } else {
                Vec::new()
            };
            json(200, json!({"traces": traces, "metrics": {"inspectedTraces": 1}}))
        }
        "/api/traces/2f3e0cee77ae5dc9c17ade3689eb2e54" => json(200, otlp("2f3e0cee77ae5dc9c17ade3689eb2e54", service, start)),
        path if path.starts_with("/api/traces/") => text(404, "trace not found"),
        _ => text(404, "404 page not found"),
    })
    .await
}

pub async fn jaeger(service: &'static str, start: i64) -> Server {
    Server::start(move |asked| match asked.path.as_str() {
        "/api/services" => json(200, json!({"data": [service, "payments"], "total": 2, "limit": 0, "offset": 0, "errors": null})),
        "/api/dependencies" => match asked.get("endTs").map(str::parse::<i64>) {
            Some(Ok(_)) => json(200, json!({"data": [{"parent": service, "child": "payments", "callCount": 40}], "errors": null})),
            _ => json(400, json!({"data": null, "errors": [{"code": 400, "msg": "unable to parse param 'endTs'"}]})),
        },
        "/api/traces" => {
            if asked.get("service").is_none() {
                return json(400, json!({"data": null, "errors": [{"code": 400, "msg": "parameter 'service' is required"}]}));
            }
            let span = |id: &str, name: &str, process: &str, parent: &str, failed: bool| {
                let references: Vec<Value> = if parent.is_empty() { Vec::new() } else { vec![json!({"refType": "CHILD_OF", "traceID": "t1", "spanID": parent})] };
                json!({"traceID": "t1", "spanID": id, "operationName": name, "references": references, "startTime": start * 1000, "duration": 900_000, "processID": process, "logs": [],
                    "tags": [{"key": "error", "type": "bool", "value": failed}, {"key": "span.kind", "type": "string", "value": "server"}]})
            };
            json(200, json!({"data": [{"traceID": "t1", "spans": [span("a", "GET /pay", "p1", "", true), span("b", "POST /charge", "p2", "a", true)],
                "processes": {"p1": {"serviceName": service, "tags": []}, "p2": {"serviceName": "payments", "tags": []}}}], "errors": null}))
        }
        _ => text(404, "404 page not found"),
    })
    .await
}

pub async fn github(token: &'static str, at: String) -> Server {
    Server::start(move |asked| {
        if asked.header("authorization") != format!("Bearer {token}") {
            return json(401, json!({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}));
        }
        if asked.header("user-agent").is_empty() {
            return text(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header");
        }
        match asked.path.as_str() {
            "/repos/acme/checkout/deployments" => json(200, json!([
                {"id": 1, "sha": "0123456789012345678901234567890123456789", "ref": "main", "task": "deploy", "environment": "production", "description": "1.4.2", "creator": {"login": "ada"}, "created_at": at},
                {"id": 0, "sha": "f".repeat(40), "ref": "main", "task": "deploy", "environment": "production", "creator": {"login": "ada"}, "created_at": "2020-01-01T00:00:00Z"}])),
            _ => json(404, json!({"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})),
        }
    })
    .await
}

/// Atlas with a service account; the first token is taken back after its first use.
pub async fn atlas(secret: &'static str, from: jiff::Timestamp) -> Server {
    let given = std::sync::atomic::AtomicU32::new(0);
    let used = std::sync::atomic::AtomicU32::new(0);
    let error = |status: u16, code: &str| {
        (status, "application/json", json!({"error": status, "errorCode": code, "detail": "refused"}).to_string())
    };
    Server::start(move |asked| {
        use std::sync::atomic::Ordering::SeqCst;
        if asked.path == "/api/oauth/token" {
            use base64::{Engine as _, prelude::BASE64_STANDARD};
            if asked.header("authorization") != format!("Basic {}", BASE64_STANDARD.encode(format!("mdb_sa_id:{secret}"))) || asked.get("grant_type") != Some("client_credentials") {
                return error(401, "INVALID_CLIENT");
            }
            return json(200, json!({"access_token": format!("atlas-token-{}", given.fetch_add(1, SeqCst)), "expires_in": 3600, "token_type": "Bearer"}));
        }
        let first = asked.header("authorization") == "Bearer atlas-token-0";
        if !asked.header("authorization").starts_with("Bearer atlas-token-") || first && used.fetch_add(1, SeqCst) > 0 {
            return error(401, "UNAUTHORIZED");
        }
        if asked.header("accept") != "application/vnd.atlas.2024-08-05+json" {
            return error(406, "INVALID_VERSION_DATE");
        }
        let Some(rest) = asked.path.strip_prefix("/api/atlas/v2/groups/5f0c0e0e0e0e0e0e0e0e0e0e/") else { return error(404, "GROUP_NOT_FOUND") };
        match rest {
            "processes" => json(200, json!({"results": [{"id": "shard-00.abc.mongodb.net:27017", "typeName": "REPLICA_PRIMARY"}], "totalCount": 1, "links": []})),
            "processes/shard-00.abc.mongodb.net:27017/measurements" => {
                if asked.get("granularity") != Some("PT1M") || asked.get("start").is_none_or(|start| start.parse::<jiff::Timestamp>().is_err()) {
                    return error(400, "INVALID_GRANULARITY");
                }
                let points: Vec<Value> = (0..60).map(|at| json!({"timestamp": (from + jiff::SignedDuration::from_mins(at)).to_string(), "value": if at < 45 { json!(80) } else { Value::Null }})).collect();
                json(200, json!({"processId": "shard-00.abc.mongodb.net:27017", "granularity": "PT1M", "measurements": [{"name": "CONNECTIONS", "units": "SCALAR", "dataPoints": points}]}))
            }
            "processes/shard-00.abc.mongodb.net:27017/performanceAdvisor/slowQueryLogs" => {
                let line = r#"{"t":{"$date":"2026-01-15T14:00:00.000+00:00"},"s":"I","c":"COMMAND","id":51803,"ctx":"conn1","msg":"Slow query","attr":{"type":"command","ns":"shop.orders","command":{"find":"orders","filter":{"customerRef":"x"}},"planSummary":"COLLSCAN","docsExamined":2000000,"nreturned":3,"durationMillis":4200}}"#;
                json(200, json!({"slowQueries": [{"line": line, "namespace": "shop.orders"}, {"line": line, "namespace": "shop.orders"}]}))
            }
            "alerts" => json(200, json!({"results": [{"id": "1", "eventTypeName": "OUTSIDE_METRIC_THRESHOLD", "status": "OPEN"}], "totalCount": 1})),
            _ => error(404, "RESOURCE_NOT_FOUND"),
        }
    })
    .await
}

pub async fn gitlab(token: &'static str, at: String) -> Server {
    Server::start(move |asked| {
        if asked.header("private-token") != token {
            return json(401, json!({"message": "401 Unauthorized"}));
        }
        if asked.get("updated_after").is_none_or(|after| after.parse::<jiff::Timestamp>().is_err()) || asked.get("order_by") != Some("updated_at") {
            return json(400, json!({"message": "400 Bad request - `updated_at` filter and `updated_at` sorting must be paired"}));
        }
        match asked.path.as_str() {
            "/api/v4/projects/acme%2Fcheckout/deployments" => json(200, json!([{"id": 7, "iid": 1, "ref": "main", "sha": "0123456789012345678901234567890123456789", "status": "success", "created_at": at, "updated_at": at,
                "user": {"username": "grace"}, "environment": {"name": "production"}, "deployable": {"commit": {"title": "Lower the pool"}, "finished_at": at}}])),
            _ => json(404, json!({"message": "404 Project Not Found"})),
        }
    })
    .await
}
