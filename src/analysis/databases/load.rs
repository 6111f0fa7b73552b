//! Who carries the load: statements, waits, users and hosts, from Performance Insights or the server's own views.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::model::observation::Document;

/// What sessions wait for, by the mechanism that it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    Cpu,
    /// Write-ahead log, redo log or binary log.
    Log,
    Read,
    Write,
    Lock,
    /// The server waits for its client: an idle session.
    Client,
    /// Shared buffers, latches and mutexes in memory.
    Latch,
    Other,
}

/// Sorts a wait event of PostgreSQL, MySQL or Aurora.
pub fn wait_of(name: &str) -> Wait {
    let name = name.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if name.starts_with("cpu") {
        Wait::Cpu
    } else if any(&["clientread", "clientwrite", "idle", "socket/sql/client"]) {
        Wait::Client
    } else if any(&["wal", "redo_log", "innodb_log", "binlog", "relaylog", "xactsync"]) {
        Wait::Log
    } else if any(&["lock:", "row_lock", "lock/table", "lock/metadata", "lock_wait", "mdl"]) && !name.starts_with("lwlock") {
        Wait::Lock
    } else if any(&["filewrite", "buffersync", "fileextend", "checkpoint", "filesync", "buffilewrite"]) {
        Wait::Write
    } else if any(&["fileread", "datafileprefetch", "table/sql/handler", "innodb_data_file", "buffileread"]) {
        Wait::Read
    } else if any(&["lwlock", "mutex", "synch/", "bufferio", "buffer"]) {
        Wait::Latch
    } else {
        Wait::Other
    }
}

/// One statement with its load (average active sessions).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statement {
    pub text: String,
    pub load: f64,
    pub calls: Option<f64>,
    /// Wait events, the heaviest first.
    pub waits: Vec<(String, f64)>,
    /// Who runs it, stated or told from equal loads.
    pub user: String,
    pub host: String,
}

impl Statement {
    pub fn of_wait(&self, wait: Wait) -> f64 {
        self.waits.iter().filter(|(name, _)| wait_of(name) == wait).map(|(_, load)| load).sum()
    }

    /// What it spends most of its load on.
    pub fn main_wait(&self) -> Wait {
        let kinds = [Wait::Cpu, Wait::Log, Wait::Read, Wait::Write, Wait::Lock, Wait::Client, Wait::Latch];
        kinds
            .into_iter()
            .map(|wait| (wait, self.of_wait(wait)))
            .filter(|(_, load)| *load > 0.0)
            .reduce(|best, other| if other.1 > best.1 { other } else { best })
            .map_or(Wait::Other, |(wait, _)| wait)
    }

    pub fn verb(&self) -> String {
        verb(&self.text)
    }

    pub fn is_write(&self) -> bool {
        let verb = self.verb();
        let writes =
            ["INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "LOAD", "REPLACE", "CREATE", "ALTER", "TRUNCATE", "REFRESH", "REINDEX", "CALL"];
        writes.contains(&verb.as_str()) && !self.is_vacuum()
            || self.text.to_lowercase().contains("for update") && self.of_wait(Wait::Log) > 0.0
    }

    pub fn is_vacuum(&self) -> bool {
        self.text.to_lowercase().contains("vacuum")
    }

    pub fn is_background(&self) -> bool {
        let text = self.text.to_lowercase();
        self.is_vacuum()
            || ["checkpointer", "background writer", "walsender", "walwriter", "wal writer"].iter().any(|word| text.contains(word))
    }

    /// Sessions of it sit in a transaction and do nothing.
    pub fn is_idle(&self) -> bool {
        self.main_wait() == Wait::Client
    }

    /// The statement for people, cut.
    pub fn shown(&self) -> String {
        short(&self.text, 120)
    }

    /// ` (user etl, host 10.0.0.4)`
    pub fn by(&self) -> String {
        match (self.user.is_empty(), self.host.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!(" (user {})", self.user),
            (true, false) => format!(" (host {})", self.host),
            (false, false) => format!(" (user {}, host {})", self.user, self.host),
        }
    }

    pub fn waits_told(&self) -> String {
        self.waits.iter().take(4).map(|(name, load)| format!("{name} {load:.1}")).collect::<Vec<_>>().join(", ")
    }
}

/// The first keyword that does the work, upper case.
pub fn verb(text: &str) -> String {
    static VERB: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\b(select|insert|update|delete|merge|copy|load|replace|create|alter|truncate|refresh|reindex|vacuum|analyze|call|drop)\b",
        )
        .ok()
    });
    let verb = VERB.as_ref().and_then(|verb| verb.find(text)).map(|found| found.as_str().to_uppercase());
    verb.unwrap_or_default()
}

/// The tables that a statement names, as written.
pub fn tables(text: &str) -> Vec<String> {
    static TABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?i)\b(?:from|into|update|join|table|copy|vacuum|analyze|concurrently|view)\s+(?:(?:only|if exists|freeze|full|verbose|analyze|concurrently)\s+)*[`"]?([a-z_][\w.]*)"#).ok()
    });
    let mut out: Vec<String> = Vec::new();
    for found in TABLE.as_ref().into_iter().flat_map(|table| table.captures_iter(text)) {
        let name = found.get(1).map_or("", |name| name.as_str());
        let keyword = ["select", "set", "only", "if", "freeze", "full", "analyze", "verbose", "concurrently", "where", "lateral"];
        if !keyword.contains(&name.to_lowercase().as_str()) && !out.iter().any(|known| known == name) {
            out.push(name.to_owned());
        }
    }
    out
}

fn short(text: &str, limit: usize) -> String {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= limit { flat } else { flat.chars().take(limit - 1).chain(['…']).collect() }
}

/// Everything that is known about who does what on an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    pub source: String,
    /// Where people look it up: `Performance Insights`, `pg_stat_statements`.
    pub label: &'static str,
    /// Heaviest first.
    pub statements: Vec<Statement>,
    pub waits: Vec<(String, f64)>,
    pub users: Vec<(String, f64)>,
}

impl Load {
    /// Reads a document of Performance Insights.
    pub fn of_insights(document: &Document) -> Self {
        let body = &document.body;
        let mut load = Self {
            source: document.source.clone(),
            label: "Performance Insights",
            waits: pairs(body.get("waits")),
            users: pairs(body.get("users")),
            statements: body.get("statements").and_then(Value::as_array).into_iter().flatten().filter_map(statement).collect(),
        };
        let hosts = pairs(body.get("hosts"));
        load.statements.sort_by(|a, b| b.load.total_cmp(&a.load).then_with(|| a.text.cmp(&b.text)));
        let users = load.users.clone();
        for statement in load.statements.iter_mut().filter(|statement| statement.user.is_empty()) {
            statement.user = alike(&users, statement.load);
            statement.host = alike(&hosts, statement.load);
        }
        load
    }

    /// Reads `pg_stat_statements`: the load is the time spent, in seconds.
    pub fn of_statements(document: &Document) -> Self {
        let rows = document.body.as_array().into_iter().flatten();
        let mut statements: Vec<Statement> = rows.filter_map(timed).collect();
        statements.sort_by(|a, b| b.load.total_cmp(&a.load).then_with(|| a.text.cmp(&b.text)));
        Self { source: document.source.clone(), label: "pg_stat_statements", statements, ..Self::default() }
    }

    pub fn total(&self) -> f64 {
        let statements: f64 = self.statements.iter().map(|statement| statement.load).sum();
        let waits: f64 = self.waits.iter().map(|(_, load)| load).sum();
        statements.max(waits)
    }

    /// How much of the load waits for this.
    pub fn share(&self, wait: Wait) -> f64 {
        let listed: f64 = self.waits.iter().filter(|(name, _)| wait_of(name) == wait).map(|(_, load)| load).sum();
        let of_statements: f64 = self.statements.iter().map(|statement| statement.of_wait(wait)).sum();
        let total = self.total();
        if total > 0.0 { listed.max(of_statements) / total } else { 0.0 }
    }

    /// The statement that spends most on `wait`.
    pub fn heaviest(&self, wait: Wait) -> Option<&Statement> {
        self.best(|statement| statement.of_wait(wait))
    }

    /// The write that carries the most load.
    pub fn writer(&self) -> Option<&Statement> {
        self.best(|statement| if statement.is_write() && !statement.is_background() { statement.load } else { 0.0 })
    }

    pub fn vacuum(&self) -> Option<&Statement> {
        self.best(|statement| if statement.is_vacuum() { statement.load } else { 0.0 })
    }

    pub fn idle(&self) -> Option<&Statement> {
        self.best(|statement| if statement.is_idle() { statement.load } else { 0.0 })
    }

    fn best(&self, weight: impl Fn(&Statement) -> f64) -> Option<&Statement> {
        let weighed = self.statements.iter().map(|statement| (statement, weight(statement))).filter(|(_, weight)| *weight > 0.0);
        weighed.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(statement, _)| statement)
    }
}

/// The one whose load is nearly the statement's: Performance Insights lists them apart.
fn alike(named: &[(String, f64)], load: f64) -> String {
    let tolerance = (load * 0.1).max(0.06);
    let close = named.iter().filter(|(_, own)| (own - load).abs() <= tolerance);
    let best = close.reduce(|best, other| if (other.1 - load).abs() < (best.1 - load).abs() { other } else { best });
    best.map_or(String::new(), |(name, _)| name.clone())
}

fn pairs(value: Option<&Value>) -> Vec<(String, f64)> {
    let mut out: Vec<(String, f64)> = value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_f64()?)))
        .collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    out
}

/// One row of `pg_stat_statements`, whose times are milliseconds.
fn timed(row: &Value) -> Option<Statement> {
    let text = |names: &[&str]| names.iter().find_map(|name| row.get(*name)).and_then(Value::as_str);
    let number = |names: &[&str]| text(names)?.replace(',', "").parse::<f64>().ok();
    let calls = number(&["calls"]);
    let total = number(&["total_exec_time", "total_time", "total_ms"])
        .or_else(|| Some(number(&["mean_exec_time", "mean_time", "mean_ms"])? * calls?))?;
    Some(Statement {
        text: text(&["query"])?.to_owned(),
        load: total / 1e3,
        calls,
        user: text(&["usename", "rolname", "user"]).unwrap_or_default().to_owned(),
        ..Statement::default()
    })
}

fn statement(value: &Value) -> Option<Statement> {
    Some(Statement {
        text: value.get("text")?.as_str()?.to_owned(),
        load: value.get("load")?.as_f64()?,
        calls: value.get("calls").and_then(Value::as_f64),
        waits: pairs(value.get("waits")),
        user: value.get("user").and_then(Value::as_str).unwrap_or_default().to_owned(),
        host: String::new(),
    })
}
