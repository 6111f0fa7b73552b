//! What was changed, in the words of those who keep the record: git, GitHub, GitLab, Helm, rollouts, CloudTrail, feature flags, deploy logs.

use std::sync::LazyLock;

use jiff::{Timestamp, fmt::strtime};
use regex::Regex;
use serde_json::{Map, Value};

use super::super::{
    logs::time,
    table::{cell, columns},
};
use crate::model::{
    Entity,
    observation::{Change, Observations},
};

/// How many changes are kept. Source: own choice; a day of a large organisation has some hundred deploys.
const MOST: usize = 5_000;
/// How much of one diff is kept. Source: own choice; the analysis reads lines, and generated files are larger.
const DIFF: usize = 256 << 10;

/// Times that say by their name that something was changed then.
const TIMES: &[&str] = &["deployed_at", "merged_at", "released_at", "rolled_out_at", "applied_at", "changed_at", "deployedAt", "mergedAt"];

/// `a1b2c3d 2026-01-02 …`
static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\*? ?([0-9a-f]{7,40})[ \t|]+(\S.*)$").ok());

/// The row is a record of a change.
pub fn is_change(row: &Map<String, Value>) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| row.contains_key(*key));
    let is_text = |key: &str| row.get(key).is_some_and(Value::is_string);
    if has(&["time", "timestamp"]) && is_text("kind") && has(&["summary", "files", "diff", "id"]) {
        return true;
    }
    let commit = is_text("sha") && row.get("commit").is_some_and(|commit| commit.get("message").is_some());
    let deployment = has(&["created_at"]) && has(&["sha", "ref"]) && has(&["environment"]);
    let release = has(&["revision"]) && is_text("chart") && has(&["updated"]);
    let trail = is_text("EventName") && has(&["EventTime"]);
    let flag = has(&["titleVerb"]) && has(&["date"]);
    let plain = has(&["commit", "commit_sha", "sha", "hash"])
        && has(&["date", "timestamp", "time", "authored_date"])
        && has(&["message", "subject", "title"]);
    commit || deployment || release || trail || flag || plain || TIMES.iter().any(|key| is_text(key))
}

/// The change that a row records; `None` for one that changes nothing.
pub fn change(source: &str, row: &Value) -> Option<Change> {
    let map = row.as_object()?;
    let at = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    let first = |pointers: &[&str]| {
        pointers.iter().find_map(|pointer| match row.pointer(pointer)? {
            Value::String(s) if !s.is_empty() => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        })
    };
    let text = |pointers: &[&str]| first(pointers).unwrap_or_default();
    let event = at("/EventName");
    // what only reads changes nothing
    if ["Describe", "Get", "List", "Head", "Lookup", "BatchGet", "AssumeRole", "ConsoleLogin"].iter().any(|verb| event.starts_with(verb)) {
        return None;
    }
    let kind = match text(&["/kind", "/type", "/task"]) {
        kind if !kind.is_empty() && !map.contains_key("titleVerb") => kind,
        _ if map.contains_key("titleVerb") => "flag".to_owned(),
        _ if !event.is_empty() => "config".to_owned(),
        _ if map.contains_key("commit") || map.contains_key("merged_at") || map.contains_key("hash") => "commit".to_owned(),
        _ => "deploy".to_owned(),
    };
    let chart = at("/chart");
    let named = text(&["/service", "/service_name", "/app", "/application", "/component", "/Resources/0/ResourceName"]);
    let service = if named.is_empty() { without_version(&chart).to_owned() } else { named };
    let mut summary = text(&["/summary", "/commit/message", "/message", "/subject", "/title", "/titleVerb", "/EventName", "/description"]);
    let more = [at("/name"), at("/description"), chart.clone()];
    if map.contains_key("titleVerb") || !chart.is_empty() {
        summary = more.iter().chain([&summary]).filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(": ");
    }
    let files = match map.get("files") {
        Some(Value::Array(files)) => files
            .iter()
            .filter_map(|file| file.as_str().or_else(|| file.get("filename")?.as_str()).or_else(|| file.get("path")?.as_str()))
            .map(str::to_owned)
            .collect(),
        Some(Value::String(files)) => files.split([',', ' ']).filter(|file| !file.is_empty()).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let patches = map.get("files").and_then(Value::as_array).into_iter().flatten();
    let patch = |file: &Value| {
        let (name, patch) = (file.get("filename")?.as_str()?, file.get("patch")?.as_str()?);
        Some(format!("--- a/{name}\n+++ b/{name}\n{patch}\n"))
    };
    let diff = first(&["/diff", "/patch"]).unwrap_or_else(|| patches.filter_map(patch).collect());
    let times = ["time", "timestamp", "EventTime", "updated", "date", "authored_date", "created_at"];
    let mut stamps = TIMES.iter().chain(&times).filter_map(|key| map.get(*key)).chain(row.pointer("/commit/committer/date"));
    Some(Change {
        source: source.to_owned(),
        id: text(&["/id", "/sha", "/commit", "/commit_sha", "/hash", "/revision", "/version", "/number", "/EventId"]),
        kind,
        entity: if service.is_empty() { Entity::default() } else { Entity::new("Service", "", &service) },
        service,
        time: stamps.find_map(time::field),
        author: text(&[
            "/author",
            "/author/name",
            "/user",
            "/by",
            "/commit/author/name",
            "/user/login",
            "/user/username",
            "/creator/login",
            "/Username",
            "/member/email",
            "/author_name",
        ]),
        summary,
        files,
        diff: super::super::wrapping::cut(&diff, DIFF).to_owned(),
    })
}

/// `shop-1.2.3` is shop.
fn without_version(chart: &str) -> &str {
    chart
        .rsplit_once('-')
        .filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit() || c == 'v'))
        .map_or(chart, |(name, _)| name)
}

/// `git log`, a patch, a diff, `helm history`; `None` when the text is none of these.
pub fn text(source: &str, text: &str) -> Option<Observations> {
    let head = text.lines().find(|line| !line.trim().is_empty())?;
    let changes = if head.starts_with("diff --git ") || head.starts_with("--- a/") || head.starts_with("Index: ") && text.contains("\n+++ ")
    {
        vec![Change { kind: "commit".to_owned(), diff: text.to_owned(), files: files(text), ..Change::default() }]
    } else if is_commit(head) || is_mail(head) {
        log(text)
    } else if head.starts_with("REVISION") && head.contains("UPDATED") {
        helm(text)
    } else {
        short(text)?
    };
    let finish =
        |change: Change| Change { source: source.to_owned(), diff: super::super::wrapping::cut(&change.diff, DIFF).to_owned(), ..change };
    let changes: Vec<Change> = changes.into_iter().take(MOST).map(finish).collect();
    (!changes.is_empty()).then(|| Observations { changes, ..Observations::default() })
}

fn is_hash(word: &str) -> bool {
    (7..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `commit 1f2e… (HEAD -> main)`.
fn is_commit(line: &str) -> bool {
    line.strip_prefix("commit ").and_then(|rest| rest.split(' ').next()).is_some_and(is_hash)
}

/// `From 1f2e… Mon Sep 17 00:00:00 2001`.
fn is_mail(line: &str) -> bool {
    line.strip_prefix("From ").and_then(|rest| rest.split(' ').next()).is_some_and(|word| word.len() == 40 && is_hash(word))
}

/// `git log` in its longer formats, with or without `--stat` and `-p`; `git format-patch`.
fn log(text: &str) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    let mut in_diff = false;
    for line in text.lines() {
        if is_commit(line) || is_mail(line) {
            let id = line.split(' ').nth(1).unwrap_or("").to_owned();
            out.push(Change { id, kind: "commit".to_owned(), ..Change::default() });
            in_diff = false;
            continue;
        }
        let Some(change) = out.last_mut() else { continue };
        in_diff |= line.starts_with("diff --git ");
        if in_diff {
            change.diff.push_str(line);
            change.diff.push('\n');
            if let Some((_, file)) = line.strip_prefix("diff --git ").and_then(|rest| rest.rsplit_once(" b/")) {
                change.files.push(file.to_owned());
            }
        } else if let Some(author) = line.strip_prefix("Author:").or_else(|| line.strip_prefix("From:")) {
            change.author = author.split('<').next().unwrap_or("").trim().to_owned();
        } else if let Some(date) = ["Date:", "AuthorDate:", "CommitDate:"].iter().find_map(|key| line.strip_prefix(*key)) {
            change.time = instant(date.trim()).or(change.time);
        } else if let Some(subject) = line.strip_prefix("Subject:") {
            change.summary = subject.trim().trim_start_matches("[PATCH]").trim().to_owned();
        } else if let Some(words) = line.strip_prefix("    ").filter(|words| !words.trim().is_empty()) {
            if change.summary.is_empty() {
                words.trim().clone_into(&mut change.summary);
            }
        } else if let Some((file, _)) = line
            .strip_prefix(' ')
            .and_then(|line| line.split_once(" | "))
            .filter(|(_, rest)| rest.trim().starts_with(|c: char| c.is_ascii_digit() || c == 'B'))
        {
            change.files.push(file.trim().to_owned());
        }
    }
    out
}

/// `Fri Jan 2 03:04:05 2026 +0100`, `Fri, 2 Jan 2026 03:04:05 +0100`, `Thu Jan  1 03:04:05 2026`, or an ISO time.
fn instant(date: &str) -> Option<Timestamp> {
    for format in ["%a %b %d %H:%M:%S %Y %z", "%a, %d %b %Y %H:%M:%S %z"] {
        if let Ok(stamp) = strtime::parse(format, date).and_then(|parsed| parsed.to_timestamp()) {
            return Some(stamp);
        }
    }
    if let Ok(local) = strtime::parse("%a %b %d %H:%M:%S %Y", date).and_then(|parsed| parsed.to_datetime()) {
        return local.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    time::field(&Value::from(date))
}

fn files(diff: &str) -> Vec<String> {
    diff.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(|file| file.split('\t').next().unwrap_or(file).to_owned()).collect()
}

/// One line a commit, each with its time: `git log --format='%h %ci %an %s'` and its like.
fn short(text: &str) -> Option<Vec<Change>> {
    let pattern = SHORT.as_ref()?;
    let mut out = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let found = pattern.captures(line)?;
        let (id, rest) = (found.get(1)?.as_str(), found.get(2)?.as_str());
        let (stamp, length) = time::scan(rest)?;
        let words = rest.get(length..).unwrap_or("").trim_start_matches([' ', '|', '\t', '-', ')']);
        out.push(Change { id: id.to_owned(), kind: "commit".to_owned(), time: stamp, summary: words.to_owned(), ..Change::default() });
    }
    Some(out)
}

/// `helm history` as a table.
fn helm(text: &str) -> Vec<Change> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let columns = columns(lines.next().unwrap_or(""));
    let row = |line: &str| {
        let (chart, description, status) =
            (cell(line, &columns, "CHART"), cell(line, &columns, "DESCRIPTION"), cell(line, &columns, "STATUS"));
        let service = without_version(&chart).to_owned();
        Change {
            id: cell(line, &columns, "REVISION"),
            kind: "deploy".to_owned(),
            entity: Entity::new("Service", "", &service),
            service,
            time: instant(&cell(line, &columns, "UPDATED")),
            summary: format!("{chart}: {description} ({status})"),
            ..Change::default()
        }
    };
    lines.map(row).filter(|change| !change.id.is_empty() && change.time.is_some()).collect()
}
