//! Operations that take long, told from durations in messages of any level.

use std::collections::BTreeMap;

use super::{
    super::{Finding, Focus, Role, Seen},
    extract::{self, one_line},
};
use crate::model::{
    Category, Entity, EvidenceKind,
    observation::{LogLine, LogStream},
};

/// An operation that a person waits for should answer within a second (HTTP latency alerts of the mixins fire at 1 s).
const SLOW_MS: f64 = 1000.0;
/// Ten seconds is the limit for keeping a user's attention, and the usual client timeout.
const VERY_SLOW_MS: f64 = 5000.0;
/// Lines before a slow one that may name the operation.
const LOOK_BACK: usize = 8;
/// Durations that are meant to be long, or are no work at all.
const MEANT: &[&str] = &[
    "timeout",
    "interval",
    "retry in",
    "retrying in",
    "sleep",
    "backoff",
    "back-off",
    "expire",
    "every ",
    "uptime",
    "scheduled",
    "startup",
    "started in",
    "start up",
    "ttl",
    "cache for",
    "build",
    "built",
    "compil",
    "passed",
    "test",
    "downloaded",
    "checkpoint complete",
    "checkpoints complete",
    "in the last ",
    "per minute",
    "within ",
];
const DATABASE: &[&str] =
    &["database", "db ", " db", "sql", "query", "procedure", "select ", "update ", "insert ", "postgres", "mysql", "mongo", "oracle"];

/// The slowest line of one message.
struct Slow<'a> {
    stream: &'a LogStream,
    index: usize,
    worst: f64,
    count: u32,
    total: u32,
}

pub fn check(streams: &[&LogStream], focus: &Focus) -> Vec<Finding> {
    let mut messages: BTreeMap<String, Slow<'_>> = BTreeMap::new();
    for stream in streams {
        for (index, line) in stream.lines.iter().enumerate() {
            // cheap: most lines hold no such word
            let first = line.text.lines().next().unwrap_or("");
            if !mentions_work(first) {
                continue;
            }
            let Some(millis) = extract::taken(first) else { continue };
            let key: String = first.chars().take(100).filter(|c| !c.is_ascii_digit()).collect();
            let slow = messages.entry(key).or_insert(Slow { stream, index, worst: millis, count: 0, total: 0 });
            slow.total += 1;
            slow.count += u32::from(millis >= SLOW_MS);
            if millis > slow.worst {
                (slow.stream, slow.index, slow.worst) = (stream, index, millis);
            }
        }
    }
    let text = focus.text.to_ascii_lowercase();
    let asked =
        ["latency", "slow", "performance", "response time", "responsetime", "p99", "p95", "timeout", "timing out", "takes long", "hang"]
            .iter()
            .any(|word| text.contains(word));
    let mut found: Vec<Finding> = messages.values().filter(|slow| slow.worst >= SLOW_MS).map(|slow| finding(slow, asked)).collect();
    for one in found.iter_mut().filter(|one| one.entity.is_empty()) {
        one.entity = focus.entities.first().cloned().unwrap_or_default();
    }
    found.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.statement.cmp(&b.statement)));
    found.truncate(4);
    found
}

fn mentions_work(line: &str) -> bool {
    const WORDS: &[&[u8]] = &[
        b"took", b"taken", b"omplet", b"inish", b"ender", b"lapsed", b"uration", b"atency", b"low", b"rocess", b"andled", b"espon",
        b"xecut", b"pent", b"erved", b"eturned", b"one",
    ];
    let bytes = line.as_bytes();
    bytes.iter().any(u8::is_ascii_digit) && WORDS.iter().any(|word| memchr::memmem::find(bytes, word).is_some()) && {
        let lower = line.to_ascii_lowercase();
        !MEANT.iter().any(|word| lower.contains(word))
    }
}

fn finding(slow: &Slow<'_>, asked: bool) -> Finding {
    let lines = &slow.stream.lines;
    let line = lines.get(slow.index);
    let text = line.map_or("", |line| line.text.as_str());
    // what was started before it: a stored procedure, a query
    let before = lines.get(slow.index.saturating_sub(LOOK_BACK)..slow.index).unwrap_or_default();
    let after = lines.get(slow.index + 1..(slow.index + 1 + LOOK_BACK).min(lines.len())).unwrap_or_default();
    // some backends answer newest first
    let newest_first = lines.first().and_then(|line| line.time) > lines.last().and_then(|line| line.time);
    let name = |line: &LogLine| Some((line.text.clone(), extract::operation(&line.text)?));
    let named = if newest_first { after.iter().find_map(name) } else { before.iter().rev().find_map(name) };
    let own = extract::operation(text);
    let operation = own.clone().or_else(|| named.as_ref().map(|(_, name)| name.clone()));
    let lower = text.to_ascii_lowercase();
    let database = DATABASE.iter().any(|word| lower.contains(word));
    let seconds = slow.worst / 1000.0;
    let entity = if slow.stream.entity.is_empty() {
        line.map(|line| Entity::new("Service", "", &line.service)).filter(|entity| !entity.name.is_empty()).unwrap_or_default()
    } else {
        slow.stream.entity.clone()
    };
    let who = if entity.is_empty() { String::new() } else { format!(" of {entity}") };
    let what = match (&operation, database) {
        (Some(name), true) => format!("A slow database operation ({name})"),
        (None, true) => "A slow database operation".to_owned(),
        (Some(name), false) => format!("A slow operation (after {name})"),
        (None, false) => "A slow operation".to_owned(),
    };
    let very = slow.worst >= VERY_SLOW_MS;
    let base = if asked {
        0.8
    } else if very {
        0.45
    } else {
        0.3
    };
    let mut excerpt = String::new();
    if let Some((line, _)) = named.filter(|_| own.is_none()) {
        excerpt.push_str(&line);
        excerpt.push('\n');
    }
    excerpt.push_str(text);
    let summary = format!(
        "{} of {} took {seconds:.2} s at most: {}{}",
        slow.count,
        slow.total,
        one_line(text, 140),
        operation.as_ref().map(|name| format!(" (operation {name})")).unwrap_or_default()
    );
    Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category: if database { Category::SlowQuery } else { Category::Latency },
        role: if asked {
            Role::Cause
        } else if database && very {
            Role::Symptom
        } else {
            Role::Context
        },
        statement: format!(
            "{what}{who} takes {seconds:.2} seconds, which makes every request that waits for it slow: \"{}\"",
            one_line(text, 160)
        ),
        seen: vec![Seen {
            kind: EvidenceKind::LogPattern,
            source: slow.stream.source.clone(),
            query: String::new(),
            entity: entity.clone(),
            time: line.and_then(|line| line.time),
            until: None,
            summary: one_line(&summary, 300),
            excerpt: one_line(&excerpt, 1000),
            decisive: false,
        }],
        entity,
        decisive: false,
        strength: base + if database { 0.08 } else { 0.0 } + if operation.is_some() && database { 0.04 } else { 0.0 },
        since: line.and_then(|line| line.time),
        falsifier: "The same operation took as long when users saw no latency".to_owned(),
        remediation: vec![match (&operation, database) {
            (Some(name), true) => format!(
                "Take the plan of {name} on the database (EXPLAIN, query store) and look for locks and missing indexes; give the call a deadline"
            ),
            _ => "Profile the operation: which call inside it takes the time".to_owned(),
        }],
        prevention: vec!["Set a deadline and an alert on the operation's p99".to_owned()],
    }
}
