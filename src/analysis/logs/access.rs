//! Access logs of web servers and proxies: what share of the requests fails, and why a proxy says so.

use std::{collections::BTreeMap, sync::OnceLock};

use regex::Regex;

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::one_line,
};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{LogLine, LogStream},
};

/// Fewer failed requests than this are daily life.
const LEAST: u32 = 3;
/// So are fewer than one in twenty. Source: the usual 5 % error-rate alerts of the mixins.
const SHARE: f64 = 0.05;
/// So many failed requests of one route, of which at least half fail, are a broken route. Source: own choice.
const LEAST_OF_ROUTE: u32 = 10;

/// One request: its path, its status, and the flag with which Envoy explains it.
pub struct Access<'a> {
    pub path: &'a str,
    pub status: u16,
    flag: &'a str,
}

/// `… "GET /path HTTP/1.1" 503 UH …`; `None` for every other line.
pub fn parse(text: &str) -> Option<Access<'_>> {
    let at = memchr::memmem::find(text.as_bytes(), b" HTTP/")?;
    let (request, rest) = (text.get(..at)?, text.get(at + 6..)?);
    let (version, rest) = rest.split_once("\" ")?;
    if version.len() > 3 {
        return None;
    }
    let mut words = rest.split(' ');
    let status = words.next().filter(|word| word.len() == 3)?.parse().ok()?;
    let path = request.rsplit(' ').next()?;
    Some(Access { path: path.split('?').next().unwrap_or(path), status, flag: words.next().unwrap_or("") })
}

/// The first two parts of a path: what is behind them is an id, mostly.
fn route(path: &str) -> &str {
    let end = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or(path)
}

/// What Envoy's response flags say; the first of several counts.
fn meaning(flag: &str) -> Option<(Category, &'static str)> {
    Some(match flag.split(',').next()? {
        "UH" => (Category::NoEndpoints, "there is no healthy upstream host"),
        "UF" => (Category::ConnectionRefused, "connections to the upstream fail"),
        "UO" => (Category::QueueBacklog, "the circuit breaker of the upstream overflows"),
        "UT" => (Category::ConnectionTimeout, "the upstream does not answer in time"),
        "UC" => (Category::NetworkFault, "the upstream breaks connections off"),
        "NR" => (Category::Misconfiguration, "no route matches the request"),
        "URX" => (Category::DependencyFailure, "every retry against the upstream failed"),
        _ => return None,
    })
}

pub fn check(streams: &[&LogStream], focus: &Focus) -> Vec<Finding> {
    streams.iter().filter_map(|stream| of_log(stream, focus)).collect()
}

fn of_log(stream: &LogStream, focus: &Focus) -> Option<Finding> {
    let mut total = 0_u32;
    let mut failed: Vec<&LogLine> = Vec::new();
    let mut paths: BTreeMap<&str, u32> = BTreeMap::new();
    // Requests and failed ones of each route.
    let mut routes: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut kinds: BTreeMap<(u16, &str), u32> = BTreeMap::new();
    for line in &stream.lines {
        let Some(access) = parse(&line.text) else { continue };
        total += 1;
        let asked = routes.entry(route(access.path)).or_default();
        asked.0 += 1;
        if access.status >= 500 {
            asked.1 += 1;
            failed.push(line);
            *paths.entry(access.path).or_default() += 1;
            *kinds.entry((access.status, access.flag)).or_default() += 1;
        }
    }
    let count = u32::try_from(failed.len()).ok()?;
    let share = f64::from(count) / f64::from(total.max(1));
    // One route that fails mostly is worth a word, however small its part of all traffic.
    let broken = routes.values().any(|(asked, failed)| *failed >= LEAST_OF_ROUTE && *failed * 2 >= *asked);
    if count < LEAST || share < SHARE && !broken {
        return None;
    }
    let (path, _) = paths.iter().max_by_key(|(_, count)| **count)?;
    let ((status, flag), _) = kinds.iter().max_by_key(|(_, count)| **count)?;
    let upstream = failed.iter().find_map(|line| upstream(&line.text));
    let meant = meaning(flag);
    let (category, why) = meant.unwrap_or((Category::ErrorRate, ""));
    let to = upstream.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
    let because = if why.is_empty() { String::new() } else { format!(": {why}{to} (flag {flag})") };
    let entity = match upstream {
        Some(name) => Entity::new("Service", "", name.split('.').next().unwrap_or(&name)),
        None if stream.entity.is_empty() => focus.entities.first().cloned().unwrap_or_default(),
        None => stream.entity.clone(),
    };
    let statement = format!("{count} of {total} requests are answered with a server error, most with {status} on {path}{because}");
    let times = || failed.iter().filter_map(|line| line.time);
    let first = times().min();
    let seen = Seen::new(EvidenceKind::LogPattern, &stream.source, entity.clone(), one_line(&statement, 300))
        .at(first, times().max().filter(|last| Some(*last) != first))
        .quoting(failed.first().map_or("", |line| line.text.as_str()));
    Some(
        Finding::new(category, if meant.is_some() { Role::Cause } else { Role::Symptom }, entity, statement)
            .strength(if meant.is_some() { 0.76 } else { 0.55 })
            .saw(seen)
            .falsifier("The same share of requests failed when nobody complained")
            .fix("Look at the upstream that answers these requests: its pods, its own log, its last deploy")
            .prevent("Alert on the share of 5xx answers per route"),
    )
}

/// The host of `outbound|8080||host`.
fn upstream(text: &str) -> Option<String> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| Regex::new(r"outbound\|\d*\|[^|]*\|([\w.-]+)").ok()).as_ref()?;
    Some(pattern.captures(text)?.get(1)?.as_str().to_owned())
}
