//! The server's own views: who is connected, who holds, who waits, which slot or replica is behind.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::observation::Document;

/// Sessions that do the same: how many, whose, what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    pub count: usize,
    pub user: String,
    pub query: String,
    /// The longest age of a transaction or state, as printed.
    pub age: String,
}

/// What `pg_stat_activity`, `SHOW PROCESSLIST`, InnoDB's monitor and the views of replication say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    pub source: String,
    pub total: usize,
    /// Open transactions without work, the largest group first.
    pub idle_in_transaction: Vec<Group>,
    pub idle: Vec<Group>,
    pub waiting: Vec<Group>,
    /// Sessions that others wait for, as a view of blocked sessions lists them.
    pub blockers: Vec<Group>,
    /// Slots that nobody reads, with what they retain.
    pub inactive_slots: Vec<(String, String)>,
    pub replica_lag: Option<f64>,
    pub replica_error: String,
    pub history: Option<f64>,
    pub deadlock: String,
    /// Seconds of the longest transaction that does not wait, with who runs what.
    pub longest: Option<(f64, Group)>,
}

impl Sessions {
    pub fn of(documents: &[Document]) -> Self {
        let mut out = Self::default();
        for document in documents {
            let rows = || document.body.as_array().into_iter().flatten().filter_map(Value::as_object);
            match document.kind.as_str() {
                "pg_stat_activity" => out.activity(&document.source, rows()),
                "blocked_sessions" => out.blocked(&document.source, rows()),
                "pg_replication_slots" => out.slots(&document.source, rows()),
                "show_replica_status" => out.replica(&document.source, rows()),
                "innodb_status" => out.innodb(&document.source, &document.body),
                _ => {}
            }
        }
        out
    }

    fn activity<'a>(&mut self, source: &str, rows: impl Iterator<Item = &'a Map<String, Value>>) {
        self.source = source.to_owned();
        let (mut open, mut idle, mut waiting) = (Groups::default(), Groups::default(), Groups::default());
        for row in rows {
            self.total += 1;
            let state = cell(row, &["state", "command"]).to_lowercase();
            let wait = format!("{} {}", cell(row, &["wait_event_type"]), cell(row, &["wait_event"])).to_lowercase();
            let (user, query) = (cell(row, &["usename", "user"]), cell(row, &["query", "info"]));
            let age = cell(row, &["xact_age", "transaction_age", "age", "duration", "state_age", "query_age", "time"]);
            if state.contains("idle in transaction") {
                open.add(user, query, age);
            } else if state == "idle" || state == "sleep" {
                idle.add(user, query, age);
            } else if wait.starts_with("lock") || state.contains("waiting for") || state.contains("locked") {
                waiting.add(user, query, age);
            }
        }
        self.idle_in_transaction = open.ordered();
        self.idle = idle.ordered();
        self.waiting = waiting.ordered();
    }

    fn blocked<'a>(&mut self, source: &str, rows: impl Iterator<Item = &'a Map<String, Value>>) {
        self.source = source.to_owned();
        let (mut blockers, mut waiting) = (Groups::default(), Groups::default());
        for row in rows {
            let blocking = ["blocking_query", "blocking_statement", "current_statement_in_blocking_process", "current_query_blocking"];
            blockers.add(
                cell(row, &["blocking_user", "blocking_usename"]),
                cell(row, &blocking),
                cell(row, &["blocking_age", "blocking_duration"]),
            );
            let blocked = ["blocked_query", "blocked_statement", "waiting_query"];
            waiting.add(
                cell(row, &["blocked_user", "blocked_usename"]),
                cell(row, &blocked),
                cell(row, &["blocked_age", "blocked_duration", "wait_age"]),
            );
        }
        self.blockers = blockers.ordered();
        self.waiting = waiting.ordered();
    }

    fn slots<'a>(&mut self, source: &str, rows: impl Iterator<Item = &'a Map<String, Value>>) {
        if self.source.is_empty() {
            self.source = source.to_owned();
        }
        let unread = rows.filter(|row| matches!(cell(row, &["active"]), "f" | "false" | "0"));
        self.inactive_slots = unread
            .map(|row| {
                let kept = cell(row, &["retained_wal", "retained", "lag", "slot_lag", "wal_retained", "size", "pg_size_pretty"]);
                (cell(row, &["slot_name"]).to_owned(), kept.to_owned())
            })
            .collect();
    }

    fn replica<'a>(&mut self, source: &str, rows: impl Iterator<Item = &'a Map<String, Value>>) {
        for row in rows {
            if self.source.is_empty() {
                self.source = source.to_owned();
            }
            self.replica_lag = cell(row, &["seconds_behind_master", "seconds_behind_source"]).parse().ok();
            self.replica_error = cell(row, &["last_sql_error", "last_error", "last_io_error"]).to_owned();
        }
    }

    fn innodb(&mut self, source: &str, body: &Value) {
        if self.source.is_empty() {
            self.source = source.to_owned();
        }
        self.history = body.get("history_list_length").and_then(Value::as_f64);
        self.deadlock = body.get("deadlock").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut waiting = Groups::default();
        for transaction in body.get("transactions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            let seconds = transaction.get("active_seconds").and_then(Value::as_f64).unwrap_or(0.0);
            let (user, query) = (cell(transaction, &["user"]), cell(transaction, &["query"]));
            if transaction.get("waiting").and_then(Value::as_bool) == Some(true) {
                waiting.add(user, query, "");
            } else if self.longest.as_ref().is_none_or(|(known, _)| seconds > *known) {
                let group = Group { count: 1, user: user.to_owned(), query: query.to_owned(), age: format!("{seconds:.0} s") };
                self.longest = Some((seconds, group));
            }
        }
        if self.waiting.is_empty() {
            self.waiting = waiting.ordered();
        }
    }
}

/// Sessions by user and statement.
#[derive(Default)]
struct Groups(BTreeMap<(String, String), Group>);

impl Groups {
    fn add(&mut self, user: &str, query: &str, age: &str) {
        let group = self.0.entry((user.to_owned(), query.to_owned())).or_insert_with(|| Group {
            user: user.to_owned(),
            query: query.to_owned(),
            ..Group::default()
        });
        group.count += 1;
        if (age.len(), age) > (group.age.len(), group.age.as_str()) {
            group.age = age.to_owned();
        }
    }

    fn ordered(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }
}

fn cell<'a>(row: &'a Map<String, Value>, names: &[&str]) -> &'a str {
    let found = names.iter().find_map(|name| row.get(*name)).and_then(Value::as_str).unwrap_or_default();
    if found == "NULL" { "" } else { found }
}
