//! VictoriaLogs: LogsQL over JSON lines, without a limit unless one is asked for.

use std::{collections::BTreeMap, sync::Mutex};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    common::{Backend, Log, Pairs, Req, Resp, Server, duration_ns, fake_methods, find, lock, now_ns, parse_rfc3339, rfc3339},
    re::Re,
    words::{self, Expr, Leaf, Style, What, has_phrase},
};

const ENDPOINTS: &[&str] = &["query", "hits", "field_values", "field_names"];

pub struct VictoriaLogs {
    pub url: String,
    server: Server<State>,
}
fake_methods!(VictoriaLogs);

struct State {
    /// The bearer token that vmauth in front wants.
    token: Option<String>,
    logs: Mutex<Vec<Map<String, Value>>>,
    unbounded: Mutex<Vec<String>>,
}

impl VictoriaLogs {
    /// With a token, as behind vmauth: `Authorization: Bearer` is asked for.
    pub async fn start(token: Option<&str>) -> Self {
        let state = State { token: token.map(ToOwned::to_owned), logs: Mutex::default(), unbounded: Mutex::default() };
        let server = Server::start(state).await;
        Self { url: server.url.clone(), server }
    }

    /// Fields `_time`, `_msg`, `_stream`, `service`, `level`, and the labels.
    pub fn log(&self, time: Timestamp, service: &str, severity: &str, body: &str, labels: &[(&str, &str)]) {
        let log = Log::new(time, service, severity, body, labels);
        let mut row = Map::new();
        for (key, value) in [
            ("_time", rfc3339(log.ns)),
            ("_stream_id", "0000000000000000aa".to_owned()),
            ("_stream", format!("{{service=\"{service}\"}}")),
            ("_msg", body.to_owned()),
            ("service", service.to_owned()),
            ("level", severity.to_owned()),
        ] {
            row.insert(key.to_owned(), json!(value));
        }
        row.extend(log.labels.iter().map(|(key, value)| (key.clone(), json!(value))));
        row.retain(|_, value| value != "");
        lock(&self.server.state.logs).push(row);
    }

    /// The queries for lines that had no limit in any form; a test should find none.
    pub fn unbounded(&self) -> Vec<String> {
        lock(&self.server.state.unbounded).clone()
    }
}

type Rows = Vec<Map<String, Value>>;

impl Backend for State {
    fn failure(&self, status: u16) -> Resp {
        match status {
            401 => Resp::text(401, "missing 'Authorization' request header").with("www-authenticate", "Basic realm=\"Restricted\""),
            403 => Resp::text(403, "The provided authKey doesn't match\n"),
            429 => Resp::text(
                429,
                "couldn't start executing the request in 10 seconds, since -search.maxConcurrentRequests=8 concurrent requests are executed\n",
            ),
            status => Resp::text(status, "cannot execute query: the fake was told to fail\n"),
        }
    }

    fn handle(&self, req: &Req) -> Resp {
        if req.path == "/health" {
            return if req.get() { Resp::text(200, "OK") } else { Resp::text(405, "") };
        }
        let Some(endpoint) = req.path.strip_prefix("/select/logsql/").filter(|name| ENDPOINTS.contains(name)) else {
            return Resp::text(404, format!("unsupported path requested: {:?}\n", req.path));
        };
        if !req.get() && !req.post() {
            return Resp::text(405, "");
        }
        if self.token.as_deref().is_some_and(|token| req.bearer() != Some(token)) {
            return self.failure(401);
        }
        if ["accountid", "projectid"].iter().any(|name| req.header(name).is_some_and(|text| text.parse::<u32>().is_err())) {
            return Resp::text(400, "cannot parse AccountID or ProjectID header\n");
        }
        match self.answer(endpoint, req) {
            Ok(resp) => resp,
            Err(why) => Resp::text(400, format!("{why}\n")),
        }
    }
}

impl State {
    fn answer(&self, endpoint: &str, req: &Req) -> Result<Resp, String> {
        let params = req.params();
        let text = find(&params, "query").filter(|text| !text.trim().is_empty()).ok_or("missing `query` arg")?;
        if let Some(timeout) = find(&params, "timeout") {
            duration_ns(timeout).ok_or_else(|| format!("cannot parse timeout={timeout:?}: cannot parse duration"))?;
        }
        let number = |name: &str| match find(&params, name).filter(|text| !text.is_empty()) {
            None => Ok(None),
            Some(text) => text.parse::<usize>().map(Some).map_err(|_| format!("cannot parse {name}={text:?}: cannot parse int")),
        };
        let (limit, offset) = (number("limit")?, number("offset")?.unwrap_or(0));
        let parts = pipes(text);
        let wrong = |why: String| format!("cannot parse query [{text}]: {why}");
        let expr = words::parse(parts.first().map_or("*", String::as_str), Style { or: false, fold: true, logsql: true }).map_err(wrong)?;
        if expr == Expr::All {
            return Err(wrong("missing query".to_owned()));
        }
        for leaf in expr.leaves() {
            check(leaf).map_err(wrong)?;
        }
        let now = now_ns();
        let (start, end) = (instant(&params, "start")?, instant(&params, "end")?);
        let inside = |row: &Map<String, Value>| start.is_none_or(|start| time(row) >= start) && end.is_none_or(|end| time(row) < end);
        let mut rows: Rows =
            lock(&self.logs).iter().filter(|row| inside(row) && expr.eval(&|leaf| fits(leaf, row, now))).cloned().collect();
        let mut bounded = limit.is_some_and(|limit| limit > 0);
        for pipe in parts.iter().skip(1) {
            bounded |= run(pipe, &mut rows).map_err(wrong)?;
        }
        match endpoint {
            "query" => {
                if !bounded {
                    lock(&self.unbounded).push(text.to_owned());
                }
                if limit.is_some() && parts.len() == 1 {
                    rows.sort_by_key(|row| std::cmp::Reverse(time(row)));
                }
                let shown = rows.into_iter().skip(offset).take(limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX));
                let lines: String = shown.map(|row| format!("{}\n", Value::Object(row))).collect();
                Ok(Resp::text(200, lines).with("content-type", "application/stream+json"))
            }
            "hits" => hits(&params, &rows),
            "field_names" => {
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                rows.iter().flat_map(Map::keys).for_each(|key| *counts.entry(key.clone()).or_default() += 1);
                Ok(values(counts, None))
            }
            _ => {
                let field = find(&params, "field").filter(|name| !name.is_empty()).ok_or("missing `field` query arg")?;
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                rows.iter()
                    .map(|row| cell(row, field))
                    .filter(|value| !value.is_empty())
                    .for_each(|value| *counts.entry(value).or_default() += 1);
                Ok(values(counts, limit))
            }
        }
    }
}

fn values(counts: BTreeMap<String, usize>, limit: Option<usize>) -> Resp {
    let mut all: Vec<_> = counts.into_iter().collect();
    all.sort_by_key(|(_, hits)| std::cmp::Reverse(*hits));
    all.truncate(limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX));
    Resp::json(200, &json!({"values": all.into_iter().map(|(value, hits)| json!({"value": value, "hits": hits})).collect::<Vec<_>>()}))
}

fn hits(params: &Pairs, rows: &Rows) -> Result<Resp, String> {
    let text = find(params, "step").unwrap_or("1d");
    let step = duration_ns(text).filter(|step| *step > 0).ok_or_else(|| format!("cannot parse step={text:?}: cannot parse duration"))?;
    let fields: Vec<&str> = params.iter().filter(|(name, _)| name == "field").map(|(_, value)| value.as_str()).collect();
    let mut groups: BTreeMap<Vec<String>, BTreeMap<i64, usize>> = BTreeMap::new();
    for row in rows {
        let key = fields.iter().map(|field| cell(row, field)).collect();
        *groups.entry(key).or_default().entry(time(row).div_euclid(step) * step).or_default() += 1;
    }
    let one = |(key, buckets): (Vec<String>, BTreeMap<i64, usize>)| {
        let labels: Map<String, Value> = fields.iter().zip(key).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({"fields": labels, "timestamps": buckets.keys().map(|ns| rfc3339(*ns)).collect::<Vec<_>>(), "values": buckets.values().collect::<Vec<_>>(), "total": buckets.values().sum::<usize>()})
    };
    Ok(Resp::json(200, &json!({"hits": groups.into_iter().map(one).collect::<Vec<_>>()})))
}

fn cell(row: &Map<String, Value>, name: &str) -> String {
    row.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)).unwrap_or_default()
}

fn time(row: &Map<String, Value>) -> i64 {
    parse_rfc3339(&cell(row, "_time")).unwrap_or_default()
}

/// The filter and the pipes after it.
fn pipes(text: &str) -> Vec<String> {
    let (mut parts, mut quote, mut escaped) = (vec![String::new()], None, false);
    for c in text.chars() {
        match (quote, c) {
            (None, '|') => {
                parts.push(String::new());
                continue;
            }
            (None, '"' | '\'' | '`') => quote = Some(c),
            (Some(open), c) if c == open && !escaped => quote = None,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

fn instant(params: &Pairs, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = find(params, name).filter(|text| !text.is_empty()) else { return Ok(None) };
    moment(text).map(Some).ok_or_else(|| format!("cannot parse {name}={text:?}: cannot parse timestamp"))
}

/// RFC 3339, a date, or a number of seconds, milliseconds, microseconds or nanoseconds by its length.
fn moment(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return number.checked_mul(match text.len() {
            ..=10 => 1_000_000_000,
            11..=13 => 1_000_000,
            14..=16 => 1000,
            _ => 1,
        });
    }
    text.parse::<f64>()
        .ok()
        .map(|seconds| (seconds * 1e9) as i64)
        .or_else(|| parse_rfc3339(text))
        .or_else(|| parse_rfc3339(&format!("{text}T00:00:00Z")))
}

fn check(leaf: &Leaf) -> Result<(), String> {
    match (&leaf.field, &leaf.what) {
        (Some(field), What::Word(word)) if field == "_time" && leaf.op.is_empty() => {
            duration_ns(word).or_else(|| moment(word)).map(drop).ok_or_else(|| format!("cannot parse _time filter {word:?}"))
        }
        (Some(field), What::Range { low, high, .. }) if field == "_time" => {
            moment(low).and(moment(high)).map(drop).ok_or_else(|| format!("cannot parse _time range [{low},{high}]"))
        }
        (_, What::Word(text) | What::Phrase(text)) if leaf.op == "~" => {
            Re::new(text).map(drop).map_err(|why| format!("invalid regexp {text:?}: {why}"))
        }
        _ => Ok(()),
    }
}

fn fits(leaf: &Leaf, row: &Map<String, Value>, now: i64) -> bool {
    let field = leaf.field.as_deref().unwrap_or("_msg");
    let have = cell(row, field);
    match &leaf.what {
        What::Braces(selector) => selector.trim_matches(['{', '}']).split(',').all(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            cell(row, name.trim()) == value.trim().trim_matches('"')
        }),
        What::Range { low, low_in, high, high_in } => {
            let within =
                |have: f64, low: f64, high: f64| (have > low || *low_in && have == low) && (have < high || *high_in && have == high);
            if field == "_time" {
                return moment(low).zip(moment(high)).is_some_and(|(low, high)| within(time(row) as f64, low as f64, high as f64));
            }
            matches!((have.parse(), low.parse(), high.parse()), (Ok(have), Ok(low), Ok(high)) if within(have, low, high))
        }
        What::In(all) => all.contains(&have),
        What::Word(word) if field == "_time" => {
            match (leaf.op, duration_ns(word).filter(|_| word.ends_with(char::is_alphabetic) && !word.ends_with('Z'))) {
                ("", Some(span)) => time(row) > now - span,
                (op, _) => moment(word).is_some_and(|limit| compare(op, time(row) as f64, limit as f64)),
            }
        }
        What::Word(text) | What::Phrase(text) => {
            let word = matches!(leaf.what, What::Word(_));
            match leaf.op {
                "=" => have == *text,
                "~" => Re::new(text).is_ok_and(|re| re.is_match(&have)),
                "" if word && text == "*" => leaf.field.is_none() || !have.is_empty(),
                "" if word && text.ends_with('*') => {
                    let prefix = text.trim_end_matches('*');
                    have.split(|c: char| !c.is_alphanumeric() && c != '_').any(|one| one.starts_with(prefix)) || have.starts_with(prefix)
                }
                "" if text.is_empty() => have.is_empty(),
                "" => phrase(&have, text),
                op => match (have.parse(), text.parse()) {
                    (Ok(have), Ok(limit)) => compare(op, have, limit),
                    _ => false,
                },
            }
        }
    }
}

fn compare(op: &str, have: f64, limit: f64) -> bool {
    match op {
        ">" => have > limit,
        ">=" => have >= limit,
        "<" => have < limit,
        "<=" => have <= limit,
        _ => have == limit,
    }
}

/// Words of LogsQL respect case.
fn phrase(have: &str, text: &str) -> bool {
    has_phrase(have, text) && have.contains(text)
}

/// Runs a pipe; true when it bounds the answer.
fn run(pipe: &str, rows: &mut Rows) -> Result<bool, String> {
    let pipe = pipe.trim();
    let (name, rest) = pipe.split_once(|c: char| c.is_whitespace() || c == '(').unwrap_or((pipe, ""));
    let rest_with = pipe.strip_prefix(name).unwrap_or_default().trim();
    match name {
        "limit" | "head" | "offset" | "skip" => {
            let number = rest.trim().parse::<usize>().map_err(|_| format!("cannot parse the number of `{name}` from {rest:?}"))?;
            if name == "limit" || name == "head" {
                rows.truncate(number);
                return Ok(true);
            }
            rows.drain(..number.min(rows.len()));
            Ok(false)
        }
        "sort" => {
            let inner = rest_with.strip_prefix("by").unwrap_or(rest_with).trim();
            let (list, tail) = inner.strip_prefix('(').and_then(|text| text.split_once(')')).ok_or("missing \"(\" after `sort by`")?;
            for part in list.split(',').rev() {
                let mut words = part.split_whitespace();
                let field = words.next().ok_or("missing a field in `sort by`")?;
                let down = words.next().is_some_and(|word| word == "desc") != tail.trim().starts_with("desc");
                rows.sort_by(|one, other| {
                    let (one, other) = (cell(one, field), cell(other, field));
                    let order = match (one.parse::<f64>(), other.parse::<f64>()) {
                        (Ok(one), Ok(other)) => one.total_cmp(&other),
                        _ if field == "_time" => parse_rfc3339(&one).cmp(&parse_rfc3339(&other)),
                        _ => one.cmp(&other),
                    };
                    if down { order.reverse() } else { order }
                });
            }
            let tail = tail.trim().strip_prefix("desc").unwrap_or(tail).trim();
            if let Some(number) = tail.strip_prefix("limit") {
                rows.truncate(number.trim().parse().map_err(|_| format!("cannot parse limit {number:?}"))?);
                return Ok(true);
            }
            if tail.is_empty() { Ok(false) } else { Err(format!("unexpected {tail:?} after `sort`")) }
        }
        "stats" => stats(rest_with, rows).map(|()| true),
        "fields" | "keep" => {
            let names: Vec<&str> = rest.split(',').map(str::trim).collect();
            rows.iter_mut().for_each(|row| row.retain(|key, _| names.contains(&key.as_str())));
            Ok(false)
        }
        other => Err(format!("unknown pipe {other:?} (as far as the fake knows)")),
    }
}

fn stats(text: &str, rows: &mut Rows) -> Result<(), String> {
    let (by, functions) = match text.strip_prefix("by").map(str::trim_start).unwrap_or(text).strip_prefix('(') {
        Some(inner) => inner.split_once(')').ok_or("missing \")\" in `stats by`")?,
        None => ("", text),
    };
    let keys: Vec<&str> = by.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    let mut names = Vec::new();
    for function in functions.split(',') {
        let (call, name) = function.trim().split_once(')').ok_or_else(|| format!("cannot parse the stats function {function:?}"))?;
        let name = name.trim().trim_start_matches("as ").trim();
        if call != "count(" && call != "count(*" {
            return Err(format!("unknown stats function {call:?} (as far as the fake knows)"));
        }
        names.push(if name.is_empty() { "count(*)" } else { name });
    }
    let bucket = |row: &Map<String, Value>, key: &str| match key.strip_prefix("_time:").and_then(duration_ns).filter(|step| *step > 0) {
        Some(step) => rfc3339(time(row).div_euclid(step) * step),
        None => cell(row, key),
    };
    let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for row in rows.iter() {
        *groups.entry(keys.iter().map(|key| bucket(row, key)).collect()).or_default() += 1;
    }
    if keys.is_empty() && groups.is_empty() {
        groups.insert(Vec::new(), 0);
    }
    let row = |(group, count): (Vec<String>, usize)| {
        let shown = keys.iter().map(|key| key.split(':').next().unwrap_or(key).to_owned()).zip(group.into_iter().map(|value| json!(value)));
        shown.chain(names.iter().map(|name| ((*name).to_owned(), json!(count.to_string())))).collect::<Map<_, _>>()
    };
    *rows = groups.into_iter().map(row).collect();
    Ok(())
}

#[cfg(test)]
#[path = "victorialogs_tests.rs"]
mod tests;
