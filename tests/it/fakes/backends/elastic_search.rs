//! One search of the fake Elasticsearch: sorts, pages, totals and hits.

use std::{cmp::Ordering, sync::atomic::Ordering as Memory};

use serde_json::{Map, Value, json};

use super::{
    common::{Req, duration_ns, find, lock},
    elastic::{Flavour, State},
    elastic_aggs::fielddata,
    elastic_query::{Doc, Es, EsError, Kind, Mapping, date_ns, flatten, iso, millis, object, text_of, values},
    words::glob,
};

const WINDOW: u64 = 10_000;
const BODY_KEYS: &[&str] = &[
    "size",
    "from",
    "sort",
    "query",
    "aggs",
    "aggregations",
    "timeout",
    "track_total_hits",
    "search_after",
    "pit",
    "_source",
    "fields",
    "terminate_after",
    "highlight",
    "track_scores",
    "version",
    "docvalue_fields",
    "runtime_mappings",
    "min_score",
    "stored_fields",
    "profile",
];

impl State {
    pub fn search(&self, index: &str, req: &Req, bare: bool) -> Es<Value> {
        let body = Self::body(req)?;
        if let Some(bad) = body.keys().find(|key| !BODY_KEYS.contains(&key.as_str())) {
            return Err(EsError::parsing(format!("Unknown key for a VALUE in [{bad}].")));
        }
        let pit = body.get("pit");
        let docs = match pit {
            Some(_) if !bare => {
                return Err(invalid("[indices] cannot be used with point in time. Do not specify any index with point in time."));
            }
            Some(pit) => {
                let id = text_of(pit.get("id").ok_or_else(|| EsError::illegal("Required [id]"))?);
                let found = lock(&self.pits).get(&id).cloned();
                found
                    .ok_or_else(|| EsError::new(404, "search_context_missing_exception", "No search context found for id [1]").on_shard())?
            }
            None => self.read(index, req)?,
        };
        let mapping = Mapping::new(&docs, self.dynamic.load(Memory::Relaxed));
        self.run(&body, req, &mapping, pit)
    }

    fn run(&self, body: &Map<String, Value>, req: &Req, mapping: &Mapping<'_>, pit: Option<&Value>) -> Es<Value> {
        let number = |name: &str, default: u64| match body.get(name).cloned().or_else(|| req.q(name).and_then(|text| text.parse().ok())) {
            None => Ok(default),
            Some(value) => {
                value.as_u64().ok_or_else(|| EsError::illegal(format!("[{name}] parameter cannot be negative, found [{value}]")))
            }
        };
        let (size, from) = (number("size", 10)?, number("from", 0)?);
        if size.saturating_add(from) > WINDOW {
            let reason = format!(
                "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{}].",
                size.saturating_add(from)
            );
            return Err(EsError::illegal(reason).on_shard());
        }
        if let Some(timeout) = body.get("timeout") {
            time_value("timeout", timeout)?;
        }
        let implicit = pit.is_some() && self.flavour == Flavour::Elasticsearch;
        let sort = sorts(body.get("sort"), mapping, pit.is_some() && self.flavour == Flavour::Elasticsearch, implicit)?;
        let mut found = matching(mapping, body.get("query"))?;
        let total = found.len();
        let aggs = body.get("aggs").or_else(|| body.get("aggregations")).map(|spec| mapping.aggregate(spec, &found)).transpose()?;
        let key = |doc: &Doc| sort.iter().map(|one| one.value(mapping, doc)).collect::<Vec<_>>();
        found.sort_by(|one, other| compare(&sort, &key(one), &key(other)));
        if let Some(after) = body.get("search_after") {
            let after = after.as_array().ok_or_else(|| EsError::parsing("Expected [START_ARRAY] in [search_after]"))?;
            if from > 0 {
                return Err(invalid("`from` parameter must be set to 0 when `search_after` is used"));
            }
            if sort.is_empty() {
                return Err(EsError::illegal("Sort must contain at least one field.").on_shard());
            }
            if after.len() != sort.len() {
                return Err(EsError::illegal(format!("search_after has {} value(s) but sort has {}.", after.len(), sort.len())).on_shard());
            }
            found.retain(|doc| compare(&sort, &key(doc), after) == Ordering::Greater);
        }
        let hits: Vec<Value> =
            found.into_iter().skip(from as usize).take(size as usize).map(|doc| hit(doc, body, &sort, mapping)).collect();
        let mut inner = Map::new();
        match body.get("track_total_hits").cloned().or_else(|| req.q("track_total_hits").and_then(|text| text.parse().ok())) {
            Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => drop(inner.insert("total".to_owned(), json!({"value": total, "relation": "eq"}))),
            limit => {
                let limit = limit.and_then(|limit| limit.as_u64()).unwrap_or(WINDOW) as usize;
                inner.insert("total".to_owned(), json!({"value": total.min(limit), "relation": if total > limit { "gte" } else { "eq" }}));
            }
        }
        inner.insert("max_score".to_owned(), if sort.is_empty() && !hits.is_empty() { json!(1.0) } else { Value::Null });
        inner.insert("hits".to_owned(), json!(hits));
        let mut answer =
            json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0}, "hits": inner});
        for (name, value) in [("aggregations", aggs), ("pit_id", pit.and_then(|pit| pit.get("id")).cloned())] {
            if let (Some(value), Some(answer)) = (value, answer.as_object_mut()) {
                answer.insert(name.to_owned(), value);
            }
        }
        Ok(answer)
    }
}

pub fn invalid(what: &str) -> EsError {
    EsError::new(400, "action_request_validation_exception", format!("Validation Failed: 1: {what};"))
}

pub fn time_value(name: &str, value: &Value) -> Es<()> {
    let text = text_of(value);
    let good = value.is_string() && text.ends_with(char::is_alphabetic) && duration_ns(&text).is_some();
    let reason = format!("failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or unrecognized");
    if good { Ok(()) } else { Err(EsError::illegal(reason)) }
}

pub fn matching<'a>(mapping: &Mapping<'a>, query: Option<&Value>) -> Es<Vec<&'a Doc>> {
    let everything = json!({"match_all": {}});
    let query = query.unwrap_or(&everything);
    mapping.fits(query, &Doc { index: String::new(), id: String::new(), seq: 0, source: json!({}) })?;
    let mut found = Vec::new();
    for doc in mapping.docs {
        if mapping.fits(query, doc)? {
            found.push(doc);
        }
    }
    Ok(found)
}

struct Sort {
    field: String,
    down: bool,
    format: bool,
}

impl Sort {
    fn value(&self, mapping: &Mapping<'_>, doc: &Doc) -> Value {
        match self.field.as_str() {
            "_doc" | "_shard_doc" => json!(doc.seq),
            "_id" => json!(doc.id),
            "_score" => json!(1.0),
            field => {
                let value = mapping.values(doc, field).first().map_or(Value::Null, |value| (*value).clone());
                let date = (mapping.kind(field) == Some(Kind::Date)).then(|| millis(&value)).flatten();
                date.map_or(value, |ms| if self.format { json!(iso(ms)) } else { json!(ms) })
            }
        }
    }
}

fn sorts(spec: Option<&Value>, mapping: &Mapping<'_>, shard_doc: bool, implicit: bool) -> Es<Vec<Sort>> {
    let list = spec.map_or_else(Vec::new, |spec| spec.as_array().cloned().unwrap_or_else(|| vec![spec.clone()]));
    let mut all = Vec::new();
    for one in list {
        let pairs = match &one {
            Value::String(field) => vec![(field.clone(), json!(if field == "_score" { "desc" } else { "asc" }))],
            other => object(other, "sort")?.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        };
        for (field, how) in pairs {
            let order = how.as_str().or_else(|| how.get("order").and_then(Value::as_str)).unwrap_or("asc").to_lowercase();
            if order != "asc" && order != "desc" {
                return Err(EsError::illegal(format!("Unknown SortOrder [{order}]")));
            }
            match (field.as_str(), mapping.kind(&field)) {
                ("_shard_doc", _) if !shard_doc => return Err(no_mapping("_shard_doc").on_shard()),
                ("_score" | "_doc" | "_shard_doc" | "_id", _) => {}
                (_, Some(Kind::Text)) => return Err(EsError::illegal(fielddata(&field)).on_shard()),
                (_, None) if how.get("unmapped_type").is_none() && !mapping.docs.is_empty() => return Err(no_mapping(&field).on_shard()),
                _ => {}
            }
            all.push(Sort { field, down: order == "desc", format: how.get("format").is_some() });
        }
    }
    if implicit && !all.iter().any(|one| one.field == "_shard_doc") {
        all.push(Sort { field: "_shard_doc".to_owned(), down: false, format: false });
    }
    Ok(all)
}

fn no_mapping(field: &str) -> EsError {
    EsError::new(400, "query_shard_exception", format!("No mapping found for [{field}] in order to sort on"))
}

fn compare(sort: &[Sort], one: &[Value], other: &[Value]) -> Ordering {
    sort.iter().zip(one.iter().zip(other)).fold(Ordering::Equal, |so_far, (sort, (one, other))| {
        so_far.then_with(|| {
            let order = match (one, other) {
                (Value::Null, Value::Null) => return Ordering::Equal,
                (Value::Null, _) => return Ordering::Greater,
                (_, Value::Null) => return Ordering::Less,
                (one, other) => match (one.as_f64(), other.as_f64()) {
                    (Some(one), Some(other)) => one.total_cmp(&other),
                    (Some(one), None) => one.total_cmp(&date_ns(other, "").map_or(f64::MAX, |ns| (ns / 1_000_000) as f64)),
                    _ => text_of(one).cmp(&text_of(other)),
                },
            };
            if sort.down { order.reverse() } else { order }
        })
    })
}

fn hit(doc: &Doc, body: &Map<String, Value>, sort: &[Sort], mapping: &Mapping<'_>) -> Value {
    let mut out = Map::from_iter([("_index".to_owned(), json!(doc.index)), ("_id".to_owned(), json!(doc.id))]);
    out.insert("_score".to_owned(), if sort.is_empty() { json!(1.0) } else { Value::Null });
    match body.get("_source") {
        Some(Value::Bool(false)) => {}
        None | Some(Value::Bool(true)) => drop(out.insert("_source".to_owned(), doc.source.clone())),
        Some(wanted) => {
            let list = wanted.get("includes").unwrap_or(wanted);
            let list: Vec<String> = list.as_array().map_or_else(|| vec![text_of(list)], |all| all.iter().map(text_of).collect());
            let (mut leaves, mut kept) = (Vec::new(), json!({}));
            flatten("", &doc.source, &mut leaves);
            for (name, _) in
                leaves.iter().filter(|(name, _)| list.iter().any(|one| glob(one, name) || name.starts_with(&format!("{one}."))))
            {
                if let Some(value) = values(&doc.source, name).first() {
                    set(&mut kept, name, (*value).clone());
                }
            }
            out.insert("_source".to_owned(), kept);
        }
    }
    if let Some(fields) = body.get("fields").and_then(Value::as_array) {
        let (mut leaves, mut shown) = (Vec::new(), Map::new());
        flatten("", &doc.source, &mut leaves);
        for (name, value) in
            leaves.iter().filter(|(name, _)| fields.iter().any(|one| glob(&text_of(one.get("field").unwrap_or(one)), name)))
        {
            let found = find(&leaves, name).map_or_else(|| json!(value), |value| json!(value));
            shown.insert(name.clone(), json!([found]));
        }
        out.insert("fields".to_owned(), Value::Object(shown));
    }
    if !sort.is_empty() {
        out.insert("sort".to_owned(), sort.iter().map(|one| one.value(mapping, doc)).collect());
    }
    Value::Object(out)
}

/// Puts a value at a dotted path, through objects that are made as needed.
pub fn set(target: &mut Value, path: &str, value: Value) {
    match (path.split_once('.'), target) {
        (Some((head, rest)), Value::Object(object)) => set(object.entry(head).or_insert_with(|| json!({})), rest, value),
        (None, Value::Object(object)) => {
            object.insert(path.to_owned(), value);
        }
        _ => {}
    }
}
