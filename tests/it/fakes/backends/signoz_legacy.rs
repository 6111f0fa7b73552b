//! `POST /api/v3/query_range` and v4 of a SigNoz that was not upgraded.

use serde_json::{Map, Value, json};

use super::{
    common::{Resp, rfc3339},
    infix::{Cond, Expr},
    signoz::State,
    signoz_data::{Aggregation, Row, buckets, group},
};

pub fn error(why: &str) -> Resp {
    Resp::json(400, &json!({"status": "error", "errorType": "bad_data", "error": why}))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Seconds to nanoseconds by the number of digits, as SigNoz did for what its clients sent.
fn nanos(value: Option<&Value>, name: &str) -> Result<i64, String> {
    let mut number = value.and_then(Value::as_i64).filter(|number| *number > 0).ok_or_else(|| format!("{name} is required"))?;
    while number < 1_000_000_000_000_000_000 {
        number *= 10;
    }
    Ok(number)
}

pub fn query_range(state: &State, body: &Value) -> Result<Value, String> {
    let (start, end) = (nanos(body.get("start"), "start")?, nanos(body.get("end"), "end")?);
    let composite = body.get("compositeQuery").filter(|query| query.is_object()).ok_or("composite query is required")?;
    if text(composite, "queryType") != "builder" {
        return Err(format!("invalid query type: {}", text(composite, "queryType")));
    }
    let panel = text(composite, "panelType");
    if !["list", "graph", "table", "value", "trace"].contains(&panel) {
        return Err(format!("invalid panel type: {panel}"));
    }
    let step = body.get("step").and_then(Value::as_i64).unwrap_or(60);
    let queries = composite
        .get("builderQueries")
        .and_then(Value::as_object)
        .filter(|all| !all.is_empty())
        .ok_or("composite query must contain at least one query")?;
    let mut result = Vec::new();
    for (name, query) in queries {
        if text(query, "queryName") != name || text(query, "expression") != name {
            return Err(format!("the fake wants queryName and expression of {name} to be {name}"));
        }
        let rows = match text(query, "dataSource") {
            "logs" => state.log_rows(),
            "traces" => state.span_rows(),
            "metrics" => {
                state.points(query.pointer("/aggregateAttribute/key").and_then(Value::as_str).unwrap_or_default()).unwrap_or_default()
            }
            other => return Err(format!("data source is invalid: {other}")),
        };
        if query.get("disabled") == Some(&json!(true)) {
            continue;
        }
        let filter = filter(query)?;
        let mut inside: Vec<&Row> = rows.iter().filter(|row| (start..=end).contains(&row.ns) && row.fits(&filter)).collect();
        let limit = query.get("limit").and_then(Value::as_u64).or_else(|| query.get("pageSize").and_then(Value::as_u64));
        let (limit, offset) =
            (limit.filter(|limit| *limit > 0).unwrap_or(100) as usize, query.get("offset").and_then(Value::as_u64).unwrap_or(0) as usize);
        let operator = text(query, "aggregateOperator");
        if panel == "list" {
            if operator != "noop" {
                return Err(format!("aggregate operator {operator} is not supported for the list panel"));
            }
            inside.sort_by_key(|row| -row.ns);
            let show = |row: &&Row| json!({"timestamp": rfc3339(row.ns), "data": row.data});
            let list: Vec<Value> = inside.iter().skip(offset).take(limit).map(show).collect();
            result.push(json!({"queryName": name, "series": null, "list": if list.is_empty() { Value::Null } else { json!(list) }}));
            continue;
        }
        let field = query.pointer("/aggregateAttribute/key").and_then(Value::as_str).unwrap_or_default();
        let aggregation = Aggregation::parse(&format!("{operator}({field})"))?;
        let keys: Vec<String> =
            query.get("groupBy").and_then(Value::as_array).into_iter().flatten().map(|key| text(key, "key").to_owned()).collect();
        let mut series: Vec<(f64, Value)> = Vec::new();
        for (group, rows) in group(&inside, &keys) {
            let labels: Map<String, Value> = keys.iter().cloned().zip(group.iter().map(|text| json!(text))).collect();
            let array: Vec<Value> = labels.iter().map(|(key, value)| json!({key.as_str(): value})).collect();
            let total = aggregation.of(&rows, (end - start) as f64 / 1e9);
            let values: Vec<Value> = if panel == "graph" {
                buckets(&rows, step)
                    .into_iter()
                    .map(|(ms, rows)| json!({"timestamp": ms, "value": aggregation.of(&rows, step as f64).to_string()}))
                    .collect()
            } else {
                vec![json!({"timestamp": start / 1_000_000, "value": total.to_string()})]
            };
            series.push((total, json!({"labels": labels, "labelsArray": array, "values": values})));
        }
        series.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let series: Vec<Value> = series.into_iter().take(limit).map(|(_, value)| value).collect();
        result.push(json!({"queryName": name, "series": if series.is_empty() { Value::Null } else { json!(series) }, "list": null}));
    }
    Ok(json!({"resultType": "", "result": result}))
}

fn filter(query: &Value) -> Result<Expr, String> {
    let items = query.pointer("/filters/items").and_then(Value::as_array).cloned().unwrap_or_default();
    let any = query.pointer("/filters/op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case("or"));
    let mut all = Vec::new();
    for item in items {
        let key =
            item.pointer("/key/key").and_then(Value::as_str).filter(|key| !key.is_empty()).ok_or("key is required in a filter item")?;
        let key = if key == "serviceName" { "service.name" } else { key };
        let (op, not) = match text(&item, "op").to_lowercase().as_str() {
            "=" => ("=", false),
            "!=" => ("!=", false),
            ">" => (">", false),
            ">=" => (">=", false),
            "<" => ("<", false),
            "<=" => ("<=", false),
            "in" => ("IN", false),
            "nin" => ("IN", true),
            "contains" => ("CONTAINS", false),
            "ncontains" => ("CONTAINS", true),
            "like" => ("LIKE", false),
            "nlike" => ("LIKE", true),
            "regex" => ("REGEXP", false),
            "nregex" => ("REGEXP", true),
            "exists" => ("EXISTS", false),
            "nexists" => ("EXISTS", true),
            other => return Err(format!("unsupported operator: {other}")),
        };
        let value = item.get("value").cloned().unwrap_or(Value::Null);
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value]);
        let cond = Expr::Cond(Cond::new(key, op, values, false)?);
        all.push(if not { Expr::Not(Box::new(cond)) } else { cond });
    }
    Ok(if all.is_empty() {
        Expr::True
    } else if any {
        Expr::Or(all)
    } else {
        Expr::And(all)
    })
}
