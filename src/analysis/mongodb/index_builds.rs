//! Index builds that slow down what else works on the same collection.

use super::{
    super::{Finding, Focus, Role},
    entry::{Entry, Node, contains_ignoring_case, seconds},
};
use crate::model::Category;

/// Slow operations on the collection while the build runs that make it more than a coincidence.
const LEAST: usize = 2;

pub fn check(node: &Node<'_>, focus: &Focus) -> Vec<Finding> {
    let asked = contains_ignoring_case(&focus.text, "index");
    let starts = node.entries.iter().filter_map(|entry| Some((entry, started(entry)?)));
    let mut found: Vec<Finding> = starts.filter_map(|(entry, namespace)| build(node, entry, namespace, asked)).collect();
    found.dedup_by(|a, b| a.statement == b.statement);
    found.truncate(3);
    found
}

/// The namespace of an index build that begins with this line.
fn started<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    if entry.msg == "Index build: registering" || entry.msg == "Index build: starting" {
        return entry.text(&["namespace"]);
    }
    // before 4.4: `build index on: shop.orders properties: { … }`
    entry.msg.split_once("build index on: ").and_then(|(_, rest)| rest.split(' ').next())
}

fn ended(entry: &Entry<'_>) -> bool {
    ["Index build: done building", "Index build: completed", "Index build: inserted", "build index done"]
        .iter()
        .any(|start| entry.msg.trim_start().starts_with(start))
}

fn build(node: &Node<'_>, start: &Entry<'_>, namespace: &str, asked: bool) -> Option<Finding> {
    let begun = start.time()?;
    let after = |entry: &&Entry<'_>| entry.time().is_some_and(|time| seconds(begun, time) > 0.0);
    let end = node.entries.iter().filter(after).find(|entry| ended(entry)).and_then(Entry::time);
    let during = |entry: &&Entry<'_>| after(entry) && end.is_none_or(|end| entry.time().is_some_and(|time| time <= end));
    let slow: Vec<Entry<'_>> = node
        .entries
        .iter()
        .filter(during)
        .filter(|entry| (entry.msg == "Slow query" || entry.msg.ends_with("ms")) && entry.says(&namespace.to_ascii_lowercase()))
        .copied()
        .collect();
    if slow.len() < LEAST && !asked {
        return None;
    }
    let progress = node.entries.iter().filter(during).rfind(|entry| contains_ignoring_case(&entry.line.text, "index build: scanning"));
    let state = match (end, progress.and_then(|entry| entry.number(&["percent"]))) {
        (Some(end), _) => format!("until {end}"),
        (None, Some(percent)) => format!("and has done {percent:.0} % at the end of the log"),
        (None, None) => "and has not ended in this log".to_owned(),
    };
    let statement = format!(
        "An index build on {namespace} runs on MongoDB {} since {begun} {state}; {} operations on the collection were slow meanwhile",
        node.name,
        slow.len()
    );
    let mut finding = Finding::new(Category::LockContention, Role::Cause, node.entity(), statement)
        .strength(if slow.len() >= LEAST { 0.76 } else { 0.5 })
        .saw(node.seen(&[*start], format!("index build on {namespace} starts"), true))
        .falsifier(format!("operations on {namespace} were as slow before {begun}"))
        .fix("Wait for its end, or end it with `db.collection.dropIndex()` / `killOp` and build it in a quiet hour, member by member (rolling)")
        .prevent("Build indexes on large collections in a quiet hour");
    if !slow.is_empty() {
        finding = finding.saw(node.seen(&slow, format!("{} slow operations on {namespace} during the build", slow.len()), false));
    }
    Some(finding)
}
