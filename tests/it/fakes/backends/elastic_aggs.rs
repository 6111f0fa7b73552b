//! The aggregations of the fake Elasticsearch.

use std::{cmp::Reverse, collections::BTreeMap};

use serde_json::{Map, Value, json};

use super::{
    common::duration_ns,
    elastic_query::{Doc, Es, EsError, Kind, Mapping, iso, millis, object, text_of},
};

const MAX_BUCKETS: i64 = 65_535;

impl Mapping<'_> {
    /// The answers to `aggs` over these documents.
    pub fn aggregate(&self, spec: &Value, docs: &[&Doc]) -> Es<Value> {
        let mut out = Map::new();
        for (name, one) in object(spec, "aggs")? {
            let parts = object(one, name)?;
            let mut nested = None;
            let mut chosen = None;
            for (key, value) in parts {
                match key.as_str() {
                    "aggs" | "aggregations" => nested = Some(value),
                    "meta" => {}
                    _ if chosen.is_some() => {
                        return Err(EsError::parsing(format!("Found two aggregation type definitions in [{name}]: [{key}]")));
                    }
                    kind => chosen = Some((kind, value)),
                }
            }
            let Some((kind, value)) = chosen else { return Err(EsError::parsing(format!("Missing definition for aggregation [{name}]"))) };
            out.insert(name.clone(), self.one(kind, value, nested, docs)?);
        }
        Ok(Value::Object(out))
    }

    fn bucket(&self, mut base: Map<String, Value>, docs: &[&Doc], nested: Option<&Value>) -> Es<Value> {
        base.insert("doc_count".to_owned(), json!(docs.len()));
        if let Some(nested) = nested {
            base.extend(self.aggregate(nested, docs)?.as_object().cloned().unwrap_or_default());
        }
        Ok(Value::Object(base))
    }

    fn one(&self, kind: &str, spec: &Value, nested: Option<&Value>, docs: &[&Doc]) -> Es<Value> {
        match kind {
            "terms" => self.terms(spec, nested, docs),
            "date_histogram" => self.date_histogram(spec, nested, docs),
            "filter" => {
                let inside = self.filtered(spec, docs)?;
                self.bucket(Map::new(), &inside, nested)
            }
            "filters" => {
                let mut buckets = Map::new();
                for (name, query) in object(spec.get("filters").unwrap_or(&Value::Null), "filters")? {
                    let inside = self.filtered(query, docs)?;
                    buckets.insert(name.clone(), self.bucket(Map::new(), &inside, nested)?);
                }
                Ok(json!({"buckets": buckets}))
            }
            "avg" | "sum" | "min" | "max" | "value_count" | "cardinality" => {
                let field = self.field(kind, spec, &["precision_threshold", "missing"])?;
                let texts: Vec<String> = docs.iter().flat_map(|doc| self.values(doc, field)).map(text_of).collect();
                let numbers: Vec<f64> = docs
                    .iter()
                    .flat_map(|doc| self.values(doc, field))
                    .filter_map(|value| value.as_f64().or_else(|| millis(value).map(|ms| ms as f64)))
                    .collect();
                let fold = |pick: fn(f64, f64) -> f64| numbers.iter().copied().reduce(pick).map_or(Value::Null, |value| json!(value));
                let sum: f64 = numbers.iter().sum();
                Ok(json!({"value": match kind {
                    "value_count" => json!(texts.len()),
                    "cardinality" => json!(texts.iter().collect::<std::collections::BTreeSet<_>>().len()),
                    "min" => fold(f64::min),
                    "max" => fold(f64::max),
                    "avg" if numbers.is_empty() => Value::Null,
                    "avg" => json!(sum / numbers.len() as f64),
                    _ => json!(sum),
                }}))
            }
            other => Err(EsError::parsing(format!("Unknown aggregation type [{other}]"))),
        }
    }

    fn filtered<'a>(&self, query: &Value, docs: &[&'a Doc]) -> Es<Vec<&'a Doc>> {
        let mut inside = Vec::new();
        for doc in docs {
            if self.fits(query, doc)? {
                inside.push(*doc);
            }
        }
        Ok(inside)
    }

    fn field<'a>(&self, kind: &str, spec: &'a Value, known: &[&str]) -> Es<&'a str> {
        if let Some(bad) = object(spec, kind)?.keys().find(|key| *key != "field" && !known.contains(&key.as_str())) {
            return Err(EsError::new(400, "x_content_parse_exception", format!("[1:1] [{kind}] unknown field [{bad}]")));
        }
        let field = spec.get("field").and_then(Value::as_str);
        let field = field
            .ok_or_else(|| EsError::illegal(format!("Required one of fields [field, script], but none were specified for [{kind}]")))?;
        if self.kind(field) == Some(Kind::Text) {
            return Err(EsError::illegal(fielddata(field)).on_shard());
        }
        Ok(field)
    }

    fn terms(&self, spec: &Value, nested: Option<&Value>, docs: &[&Doc]) -> Es<Value> {
        let field = self.field(
            "terms",
            spec,
            &["size", "order", "missing", "min_doc_count", "shard_size", "include", "exclude", "execution_hint"],
        )?;
        let size = spec.get("size").map_or(Some(10), Value::as_u64).filter(|size| *size > 0);
        let size = size.ok_or_else(|| EsError::illegal("[size] must be greater than 0. Found [0] in [terms]"))? as usize;
        let least = spec.get("min_doc_count").and_then(Value::as_u64).unwrap_or(1) as usize;
        let mut groups: BTreeMap<String, (Value, Vec<&Doc>)> = BTreeMap::new();
        for doc in docs {
            let mut keys = self.values(doc, field);
            keys.extend(spec.get("missing").filter(|_| keys.is_empty()));
            keys.dedup();
            for key in keys {
                groups.entry(text_of(key)).or_insert_with(|| (key.clone(), Vec::new())).1.push(doc);
            }
        }
        let mut all: Vec<_> = groups.into_values().filter(|(_, docs)| docs.len() >= least).collect();
        match spec
            .get("order")
            .and_then(Value::as_object)
            .and_then(|order| order.iter().next())
            .map(|(key, way)| (key.as_str(), way == "asc"))
        {
            Some(("_key", true)) => {}
            Some(("_key", false)) => all.reverse(),
            Some(("_count", true)) => all.sort_by_key(|(_, docs)| docs.len()),
            _ => all.sort_by_key(|(_, docs)| Reverse(docs.len())),
        }
        let other: usize = all.iter().skip(size).map(|(_, docs)| docs.len()).sum();
        let mut buckets = Vec::new();
        for (key, docs) in all.into_iter().take(size) {
            let mut base = Map::new();
            match &key {
                Value::Bool(yes) => {
                    base.insert("key".to_owned(), json!(u8::from(*yes)));
                    base.insert("key_as_string".to_owned(), json!(yes.to_string()));
                }
                key => {
                    base.insert("key".to_owned(), key.clone());
                }
            }
            buckets.push(self.bucket(base, &docs, nested)?);
        }
        if let (true, Some(nested)) = (buckets.is_empty(), nested) {
            self.aggregate(nested, &[])?;
        }
        Ok(json!({"doc_count_error_upper_bound": 0, "sum_other_doc_count": other, "buckets": buckets}))
    }

    fn date_histogram(&self, spec: &Value, nested: Option<&Value>, docs: &[&Doc]) -> Es<Value> {
        let known = [
            "fixed_interval",
            "calendar_interval",
            "min_doc_count",
            "extended_bounds",
            "hard_bounds",
            "time_zone",
            "format",
            "offset",
            "order",
            "keyed",
        ];
        let field = self.field("date_histogram", spec, &known)?;
        let step = match (spec.get("fixed_interval").and_then(Value::as_str), spec.get("calendar_interval").and_then(Value::as_str)) {
            (Some(text), None) => duration_ns(text).filter(|_| text.ends_with(['s', 'm', 'h', 'd']) && text.parse::<f64>().is_err()),
            (None, Some("minute" | "1m")) => Some(60_000_000_000),
            (None, Some("hour" | "1h")) => Some(3_600_000_000_000),
            (None, Some("day" | "1d")) => Some(86_400_000_000_000),
            (None, Some(other)) => {
                return Err(EsError::illegal(format!("The supplied interval [{other}] could not be parsed as a calendar interval.")));
            }
            (Some(_), Some(_)) => {
                return Err(EsError::illegal("Cannot use [fixed_interval] with [calendar_interval] configuration option."));
            }
            (None, None) => return Err(EsError::illegal("Invalid interval specified, must be non-null and non-empty")),
        };
        let bad =
            || EsError::illegal("failed to parse setting [date_histogram.fixedInterval] as a time value: unit is missing or unrecognized");
        let step = step.map(|ns| ns / 1_000_000).filter(|ms| *ms > 0).ok_or_else(bad)?;
        let mut groups: BTreeMap<i64, Vec<&Doc>> = BTreeMap::new();
        for doc in docs {
            for ms in self.values(doc, field).into_iter().filter_map(millis) {
                groups.entry(ms.div_euclid(step) * step).or_default().push(doc);
            }
        }
        if spec.get("min_doc_count").and_then(Value::as_u64).unwrap_or(0) == 0 {
            let bound = |name: &str| {
                spec.get("extended_bounds").and_then(|bounds| bounds.get(name)).and_then(millis).map(|ms| ms.div_euclid(step) * step)
            };
            let low = groups.keys().next().copied().into_iter().chain(bound("min")).min();
            let high = groups.keys().next_back().copied().into_iter().chain(bound("max")).max();
            if let (Some(low), Some(high)) = (low, high) {
                if (high - low) / step > MAX_BUCKETS {
                    let reason = format!(
                        "Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but was [{}].",
                        (high - low) / step
                    );
                    return Err(EsError::new(400, "too_many_buckets_exception", reason).on_shard());
                }
                let mut at = low;
                while at <= high {
                    groups.entry(at).or_default();
                    at += step;
                }
            }
        }
        let mut buckets = Vec::new();
        for (ms, docs) in groups {
            let base = Map::from_iter([("key_as_string".to_owned(), json!(iso(ms))), ("key".to_owned(), json!(ms))]);
            buckets.push(self.bucket(base, &docs, nested)?);
        }
        Ok(json!({"buckets": buckets}))
    }
}

pub fn fielddata(field: &str) -> String {
    format!(
        "Fielddata is disabled on [{field}] in [logs]. Text fields are not optimised for operations that require per-document field data like \
        aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true \
        on [{field}] in order to load field data by uninverting the inverted index. Note that this can use significant memory."
    )
}
