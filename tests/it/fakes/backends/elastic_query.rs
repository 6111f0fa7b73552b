//! The query language of the fake Elasticsearch: which documents fit, and the errors for queries that are not ones.

use std::{cell::RefCell, collections::HashMap};

use serde_json::{Map, Value, json};

use super::{
    common::{duration_ns, now_ns, parse_rfc3339, rfc3339},
    words::{self, Leaf, Style, What, glob, has_phrase, tokens},
};

pub use super::elastic_error::{Es, EsError};

#[derive(Debug, Clone)]
pub struct Doc {
    pub index: String,
    pub id: String,
    pub seq: usize,
    pub source: Value,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Date,
    Text,
    Keyword,
    Long,
    Double,
    Boolean,
}

/// What is known of the documents that are searched: their fields and types.
pub struct Mapping<'a> {
    pub docs: &'a [Doc],
    /// Strings are `text` with a `.keyword` beside; else they are `keyword`, and only `message` is `text`, as in ECS.
    pub dynamic: bool,
    kinds: RefCell<HashMap<String, Option<Kind>>>,
}

/// All values at a dotted path, through nested objects, dotted keys and arrays.
pub fn values<'a>(source: &'a Value, path: &str) -> Vec<&'a Value> {
    match source {
        Value::Array(all) => all.iter().flat_map(|one| values(one, path)).collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(key, value)| match path.strip_prefix(key.as_str()) {
                Some("") => value.as_array().map_or_else(|| vec![value], |all| all.iter().collect()),
                Some(rest) => rest.strip_prefix('.').map(|rest| values(value, rest)).unwrap_or_default(),
                None => Vec::new(),
            })
            .filter(|value| !value.is_null())
            .collect(),
        _ => Vec::new(),
    }
}

pub fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

impl<'a> Mapping<'a> {
    pub fn new(docs: &'a [Doc], dynamic: bool) -> Self {
        Self { docs, dynamic, kinds: RefCell::default() }
    }

    pub fn kind(&self, field: &str) -> Option<Kind> {
        let known = self.kinds.borrow().get(field).copied();
        known.unwrap_or_else(|| {
            let kind = self.find_kind(field);
            self.kinds.borrow_mut().insert(field.to_owned(), kind);
            kind
        })
    }

    fn find_kind(&self, field: &str) -> Option<Kind> {
        let keyword = self.dynamic.then(|| field.strip_suffix(".keyword")).flatten();
        let value =
            self.docs.iter().find_map(|doc| values(&doc.source, keyword.unwrap_or(field)).into_iter().find(|value| !value.is_object()))?;
        Some(match value {
            Value::String(text) if text.len() > 9 && parse_rfc3339(text).is_some() => Kind::Date,
            Value::String(_) if keyword.is_some() => Kind::Keyword,
            Value::String(_) if self.dynamic || field == "message" || field == "error.message" => Kind::Text,
            Value::String(_) => Kind::Keyword,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(number) if number.is_f64() => Kind::Double,
            _ => Kind::Long,
        })
    }

    pub fn values<'b>(&self, doc: &'b Doc, field: &str) -> Vec<&'b Value> {
        let field = if self.dynamic { field.strip_suffix(".keyword").unwrap_or(field) } else { field };
        values(&doc.source, field)
    }

    pub fn fits(&self, query: &Value, doc: &Doc) -> Es<bool> {
        let (name, spec) = only(query, "query")?;
        match name {
            "match_all" => Ok(true),
            "match_none" => Ok(false),
            "bool" => self.bool(spec, doc),
            "exists" => {
                let field = spec
                    .get("field")
                    .and_then(Value::as_str)
                    .ok_or_else(|| EsError::parsing("[exists] must be provided with a [field]"))?;
                Ok(!self.values(doc, field).is_empty())
            }
            "term" | "match" | "match_phrase" | "prefix" | "wildcard" => self.one_field(name, spec, doc),
            "terms" => {
                let mut fields = object(spec, name)?.iter().filter(|(key, _)| *key != "boost" && *key != "_name");
                let Some((field, wanted)) = fields.next() else { return Err(EsError::parsing("[terms] query requires a field name")) };
                let Some(wanted) = wanted.as_array() else {
                    return Err(EsError::parsing(format!("[terms] unknown token [VALUE_STRING] after [{field}]")));
                };
                Ok(wanted.iter().map(|one| self.term(doc, field, one, false)).collect::<Es<Vec<_>>>()?.contains(&true))
            }
            "range" => {
                let (field, bounds) = only(spec, "range")?;
                self.range(doc, field, object(bounds, "range")?)
            }
            "query_string" => self.query_string(spec, doc),
            "simple_query_string" => self.simple(spec, doc),
            other => Err(EsError::parsing(format!("unknown query [{other}]"))),
        }
    }

    fn bool(&self, spec: &Value, doc: &Doc) -> Es<bool> {
        let (mut fits, mut should, mut required, mut least) = (true, Vec::new(), false, None);
        for (key, clauses) in object(spec, "bool")? {
            let list = clauses.as_array().cloned().unwrap_or_else(|| vec![clauses.clone()]);
            let checked = |list: &[Value]| list.iter().map(|one| self.fits(one, doc)).collect::<Es<Vec<bool>>>();
            match key.as_str() {
                "filter" | "must" => {
                    required |= !list.is_empty();
                    fits &= checked(&list)?.iter().all(|yes| *yes);
                }
                "must_not" => fits &= !checked(&list)?.contains(&true),
                "should" => should = checked(&list)?,
                "minimum_should_match" => least = clauses.as_u64().or_else(|| clauses.as_str().and_then(|text| text.parse().ok())),
                "boost" | "_name" | "adjust_pure_negative" => {}
                other => return Err(EsError::parsing(format!("[bool] query does not support [{other}]"))),
            }
        }
        let least = least.unwrap_or(u64::from(!required && !should.is_empty()));
        Ok(fits && should.iter().filter(|yes| **yes).count() as u64 >= least)
    }

    fn one_field(&self, name: &str, spec: &Value, doc: &Doc) -> Es<bool> {
        let fields = object(spec, name)?;
        let mut keys = fields.keys();
        if let (Some(first), Some(second)) = (keys.next(), keys.next()) {
            return Err(EsError::parsing(format!("[{name}] query doesn't support multiple fields, found [{first}] and [{second}]")));
        }
        let Some((field, given)) = fields.iter().next() else { return Err(EsError::illegal("field name is null or empty")) };
        let inner = if name.starts_with("match") { "query" } else { "value" };
        let known = [
            "query",
            "value",
            "boost",
            "operator",
            "case_insensitive",
            "slop",
            "minimum_should_match",
            "lenient",
            "analyzer",
            "zero_terms_query",
            "_name",
        ];
        let (wanted, options) = match given {
            Value::Array(_) => return Err(EsError::parsing(format!("[{name}] query does not support array of values"))),
            Value::Object(options) => {
                if let Some(bad) = options.keys().find(|key| !known.contains(&key.as_str())) {
                    return Err(EsError::parsing(format!("[{name}] query does not support [{bad}]")));
                }
                (options.get(inner).cloned().ok_or_else(|| EsError::illegal("value cannot be null"))?, options.clone())
            }
            plain => (plain.clone(), Map::new()),
        };
        let fold = options.get("case_insensitive").and_then(Value::as_bool).unwrap_or(false);
        let text = text_of(&wanted);
        let any = |test: &dyn Fn(&str) -> bool| self.values(doc, field).iter().any(|value| test(&text_of(value)));
        let is_text = self.kind(field) == Some(Kind::Text);
        Ok(match name {
            "term" => self.term(doc, field, &wanted, fold)?,
            "match" if is_text => {
                let all = options.get("operator").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("and"));
                any(&|value| {
                    let (have, want) = (tokens(value), tokens(&text));
                    !want.is_empty()
                        && if all { want.iter().all(|one| have.contains(one)) } else { want.iter().any(|one| have.contains(one)) }
                })
            }
            "match_phrase" if is_text => any(&|value| has_phrase(value, &text)),
            "match" | "match_phrase" => self.term(doc, field, &wanted, false)?,
            _ => {
                let pattern = if name == "prefix" { format!("{text}*") } else { text.clone() };
                let pattern = if fold { pattern.to_lowercase() } else { pattern };
                any(&|value| {
                    let value = if fold { value.to_lowercase() } else { value.to_owned() };
                    if is_text { tokens(&value).iter().any(|one| glob(&pattern, one)) } else { glob(&pattern, &value) }
                })
            }
        })
    }

    fn term(&self, doc: &Doc, field: &str, wanted: &Value, fold: bool) -> Es<bool> {
        let kind = self.kind(field);
        let text = text_of(wanted);
        if matches!(kind, Some(Kind::Long | Kind::Double)) && text.parse::<f64>().is_err() {
            let error = EsError::new(400, "query_shard_exception", format!("failed to create query: For input string: \"{text}\""));
            return Err(error.on_shard());
        }
        let date = (kind == Some(Kind::Date)).then(|| date_ns(wanted, field)).transpose()?;
        Ok(self.values(doc, field).into_iter().any(|value| match (kind, date) {
            (_, Some(date)) => date_ns(value, field).is_ok_and(|have| have == date),
            (Some(Kind::Text), _) => tokens(&text_of(value)).contains(&text),
            (Some(Kind::Long | Kind::Double), _) => value.as_f64() == text.parse().ok(),
            _ if fold => text_of(value).eq_ignore_ascii_case(&text),
            _ => text_of(value) == text,
        }))
    }

    fn range(&self, doc: &Doc, field: &str, bounds: &Map<String, Value>) -> Es<bool> {
        let kind = self.kind(field);
        let dates = kind == Some(Kind::Date) || kind.is_none() && field == "@timestamp";
        let mut tests: Vec<(&str, &Value)> = Vec::new();
        for (key, bound) in bounds {
            match key.as_str() {
                "gte" | "lte" | "gt" | "lt" if bound.is_null() => {}
                "gte" | "lte" | "gt" | "lt" => {
                    if dates {
                        date_ns(bound, field)?;
                    }
                    tests.push((key, bound));
                }
                "format" | "time_zone" | "boost" | "relation" | "_name" => {}
                other => return Err(EsError::parsing(format!("[range] query does not support [{other}]"))),
            }
        }
        let within = |value: &Value| {
            tests.iter().all(|(key, bound)| {
                let order = if dates {
                    date_ns(value, field).ok().zip(date_ns(bound, field).ok()).map(|(have, limit)| have.cmp(&limit))
                } else if let Some(have) = value.as_f64() {
                    text_of(bound).parse::<f64>().ok().and_then(|limit| have.partial_cmp(&limit))
                } else {
                    Some(text_of(value).cmp(&text_of(bound)))
                };
                order.is_some_and(|order| match *key {
                    "gte" => order.is_ge(),
                    "lte" => order.is_le(),
                    "gt" => order.is_gt(),
                    _ => order.is_lt(),
                })
            })
        };
        Ok(self.values(doc, field).into_iter().any(within))
    }

    fn word(&self, doc: &Doc, fields: &[String], leaf: &Leaf) -> bool {
        if leaf.field.as_deref() == Some("_exists_")
            && let What::Word(field) = &leaf.what
        {
            return !self.values(doc, field).is_empty();
        }
        let named = leaf.field.clone().map(|field| vec![field]);
        let fields = named.as_deref().unwrap_or(fields);
        let mut all = Vec::new();
        flatten("", &doc.source, &mut all);
        let chosen = all.iter().filter(|(name, _)| {
            fields.iter().any(|field| {
                let field = if self.dynamic { field.strip_suffix(".keyword").unwrap_or(field) } else { field };
                glob(field.split('^').next().unwrap_or(field), name)
            })
        });
        chosen.into_iter().any(|(name, value)| {
            let is_text = self.kind(name) == Some(Kind::Text);
            match &leaf.what {
                What::Word(word) if word == "*" => true,
                What::Word(word) if !leaf.op.is_empty() => {
                    let bounds = Map::from_iter([(
                        match leaf.op {
                            ">=" => "gte",
                            "<=" => "lte",
                            ">" => "gt",
                            _ => "lt",
                        }
                        .to_owned(),
                        json!(word),
                    )]);
                    self.range(doc, name, &bounds).unwrap_or(false)
                }
                What::Word(word) if is_text => tokens(value).iter().any(|one| glob(&word.to_lowercase(), one)) || has_phrase(value, word),
                What::Word(word) => glob(word, value),
                What::Phrase(phrase) if is_text => has_phrase(value, phrase),
                What::Phrase(phrase) => value == phrase,
                What::Range { low, low_in, high, high_in } => {
                    let mut bounds = Map::new();
                    if low != "*" {
                        bounds.insert(if *low_in { "gte" } else { "gt" }.to_owned(), json!(low));
                    }
                    if high != "*" {
                        bounds.insert(if *high_in { "lte" } else { "lt" }.to_owned(), json!(high));
                    }
                    self.range(doc, name, &bounds).unwrap_or(false)
                }
                What::In(_) | What::Braces(_) => false,
            }
        })
    }

    fn fields(spec: &Map<String, Value>) -> Vec<String> {
        let listed = spec.get("fields").and_then(Value::as_array).map(|all| all.iter().map(text_of).collect());
        let single = || spec.get("default_field").map(|one| vec![text_of(one)]);
        listed.or_else(single).unwrap_or_else(|| vec!["*".to_owned()])
    }

    fn text_query<'b>(spec: &'b Value, name: &str, known: &[&str]) -> Es<(&'b Map<String, Value>, &'b str)> {
        let spec = object(spec, name)?;
        if let Some(bad) = spec.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(EsError::parsing(format!("[{name}] query does not support [{bad}]")));
        }
        let text = spec.get("query").and_then(Value::as_str);
        Ok((spec, text.ok_or_else(|| EsError::parsing(format!("[{name}] must be provided with a [query]")))?))
    }

    fn query_string(&self, spec: &Value, doc: &Doc) -> Es<bool> {
        let known = [
            "query",
            "default_field",
            "fields",
            "default_operator",
            "analyze_wildcard",
            "lenient",
            "allow_leading_wildcard",
            "time_zone",
            "boost",
        ];
        let (spec, text) = Self::text_query(spec, "query_string", &known)?;
        let and = spec.get("default_operator").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("and"));
        let expr = words::parse(text, Style { or: !and, fold: false, logsql: false })
            .map_err(|error| EsError::new(400, "query_shard_exception", format!("Failed to parse query [{text}]: {error}")).on_shard())?;
        let fields = Self::fields(spec);
        Ok(expr != words::Expr::All && expr.eval(&|leaf| self.word(doc, &fields, leaf)))
    }

    /// Never an error for what is written in it, as documented.
    fn simple(&self, spec: &Value, doc: &Doc) -> Es<bool> {
        let known = ["query", "fields", "default_operator", "analyze_wildcard", "lenient", "flags", "minimum_should_match", "boost"];
        let (spec, text) = Self::text_query(spec, "simple_query_string", &known)?;
        let and = spec.get("default_operator").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("and"));
        let fields = Self::fields(spec);
        let text = text.replace('|', " OR ").replace('+', " AND ").replace(':', "\\:");
        let style = Style { or: !and, fold: false, logsql: false };
        let expr =
            words::parse(&text, style).or_else(|_| words::parse(&text.replace(['"', '(', ')'], " "), style)).unwrap_or(words::Expr::All);
        Ok(expr.eval(&|leaf| self.word(doc, &fields, leaf)))
    }
}

pub fn object<'a>(value: &'a Value, name: &str) -> Es<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| EsError::parsing(format!("[{name}] query malformed, no start_object after query name")))
}

/// The one key and value that an object of this kind has.
pub fn only<'a>(value: &'a Value, name: &str) -> Es<(&'a str, &'a Value)> {
    let fields = object(value, name)?;
    let mut all = fields.iter();
    match (all.next(), all.next()) {
        (None, _) => Err(EsError::illegal("query malformed, empty clause found")),
        (Some((key, value)), None) => Ok((key, value)),
        (Some((key, _)), Some(_)) => {
            Err(EsError::parsing(format!("[{key}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")))
        }
    }
}

/// Every leaf as a dotted name and its text.
pub fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                flatten(&if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") }, value, out);
            }
        }
        Value::Array(all) => all.iter().for_each(|one| flatten(prefix, one, out)),
        Value::Null => {}
        other => out.push((prefix.to_owned(), text_of(other))),
    }
}

/// ISO dates, epoch milliseconds, and date mathematics on `now`.
pub fn date_ns(value: &Value, field: &str) -> Es<i64> {
    let text = text_of(value);
    let full = |text: &str| {
        parse_rfc3339(text).or_else(|| parse_rfc3339(&format!("{text}Z"))).or_else(|| parse_rfc3339(&format!("{text}T00:00:00Z")))
    };
    let (base, rest) = match text.strip_prefix("now") {
        Some(rest) => (Some(now_ns()), rest.to_owned()),
        None => match text.split_once("||") {
            Some((base, rest)) => (full(base), rest.to_owned()),
            None if text.len() > 4 && text.bytes().all(|c| c.is_ascii_digit()) => {
                (text.parse::<i64>().ok().map(|ms| ms.saturating_mul(1_000_000)), String::new())
            }
            None => (full(&text), String::new()),
        },
    };
    let rest = rest.split('/').next().unwrap_or_default();
    let shift = match rest.split_at_checked(1) {
        None => Some(0),
        Some((sign @ ("+" | "-"), span)) => duration_ns(span).map(|ns| if sign == "-" { -ns } else { ns }),
        Some(_) => None,
    };
    base.zip(shift).map(|(base, shift)| base.saturating_add(shift)).ok_or_else(|| {
        let inner = format!("failed to parse date field [{text}] with format [strict_date_optional_time||epoch_millis]");
        EsError::new(400, "parse_exception", format!("{inner}: [{inner}] for field [{field}]")).on_shard()
    })
}

pub fn millis(value: &Value) -> Option<i64> {
    date_ns(value, "").ok().map(|ns| ns / 1_000_000)
}

/// As `strict_date_optional_time` writes it.
pub fn iso(ms: i64) -> String {
    let text = rfc3339(ms * 1_000_000);
    if text.contains('.') { text } else { text.replace('Z', ".000Z") }
}
