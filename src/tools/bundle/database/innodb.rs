//! `SHOW ENGINE INNODB STATUS`: the history list, transactions that wait or hold, and the last deadlock.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::super::wrapping::cut;

/// How many transactions are kept, and how much of a statement.
const TRANSACTIONS: usize = 200;
const STATEMENT: usize = 2_000;

/// `None` when `text` is nothing of the kind.
pub fn read(text: &str) -> Option<Value> {
    if !cut(text, 4_096).contains("INNODB MONITOR OUTPUT") {
        return None;
    }
    let deadlock = section(text, "LATEST DETECTED DEADLOCK").map(|part| cut(part.trim(), 4_000).to_owned());
    let transactions = section(text, "TRANSACTIONS").map(transactions).unwrap_or_default();
    Some(json!({
        "history_list_length": number(text, r"History list length (\d+)"),
        "pending_reads": number(text, r"(?m)^Pending reads\s+(\d+)"),
        "deadlock": deadlock,
        "transactions": transactions,
    }))
}

fn number(text: &str, pattern: &str) -> Option<u64> {
    Regex::new(pattern).ok()?.captures(text)?.get(1)?.as_str().parse().ok()
}

/// What stands under a title between two rules of dashes, up to the next title.
fn section<'a>(text: &'a str, title: &str) -> Option<&'a str> {
    let start = text.find(&format!("\n{title}\n"))? + title.len() + 2;
    let rest = text.get(start..)?;
    let rest = rest.split_once('\n').map_or(rest, |(_, rest)| rest);
    static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\n-{3,}\n[A-Z][A-Z /]+\n-{3,}\n").ok());
    let end = TITLE.as_ref().and_then(|title| title.find(rest)).map_or(rest.len(), |found| found.start());
    rest.get(..end)
}

/// `---TRANSACTION 421, ACTIVE 812 sec …` with the lines that follow it.
fn transactions(part: &str) -> Vec<Value> {
    static ACTIVE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(\w+), ACTIVE (?:\(PREPARED\) )?(\d+) sec").ok());
    static THREAD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?m)^MySQL thread id (\d+),.*? query id \d+ (\S+) (?:(\d+\.\d+\.\d+\.\d+) )?(\S+)").ok());
    let mut out = Vec::new();
    for chunk in part.split("---TRANSACTION ").skip(1).take(TRANSACTIONS) {
        let Some(active) = ACTIVE.as_ref().and_then(|active| active.captures(chunk)) else { continue };
        let thread = THREAD.as_ref().and_then(|thread| thread.captures(chunk));
        let of = |at: usize| thread.as_ref().and_then(|thread| thread.get(at)).map(|part| part.as_str());
        let query: Vec<&str> = chunk
            .lines()
            .skip_while(|line| !line.starts_with("MySQL thread id"))
            .skip(1)
            .take_while(|line| !line.starts_with("---") && !line.starts_with("TABLE LOCK") && !line.starts_with("RECORD LOCKS"))
            .collect();
        out.push(json!({
            "id": active.get(1).map(|id| id.as_str()),
            "active_seconds": active.get(2).and_then(|seconds| seconds.as_str().parse::<u64>().ok()),
            "waiting": chunk.contains("LOCK WAIT"),
            "thread": of(1),
            "host": of(3).or_else(|| of(2)),
            "user": of(4),
            "query": cut(query.join(" ").trim(), STATEMENT),
        }));
    }
    out
}
