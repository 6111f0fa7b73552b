//! MongoDB command results: which command an answer belongs to, told by its fields.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;

use crate::model::observation::{Document, Observations};

pub fn read(source: &str, value: &Value) -> Option<Observations> {
    // `getLog`: the last lines of the server's log, each as text
    if value.get("totalLinesWritten").is_some()
        && let Some(lines) = value.get("log").and_then(Value::as_array)
    {
        let text: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        let log = super::super::mongod::read(source, &text.join("\n"))?;
        return Some(Observations { logs: vec![log], ..Observations::default() });
    }
    let kind = kind(value)?;
    let document = Document { source: source.to_owned(), kind: kind.to_owned(), body: value.clone() };
    Some(Observations { documents: vec![document], ..Observations::default() })
}

fn kind(value: &Value) -> Option<&'static str> {
    if let Value::Array(items) = value {
        let first = items.first()?;
        let has = |key: &str| first.get(key).is_some();
        if has("opid") && has("ns") {
            return Some("currentOp");
        }
        if has("accesses") && has("key") {
            return Some("indexStats");
        }
        return (has("op") && has("ns") && has("millis")).then_some("profile");
    }
    let has = |key: &str| value.get(key).is_some();
    if has("connections") && (has("opcounters") || has("wiredTiger") || has("globalLock")) {
        Some("serverStatus")
    } else if has("set")
        && value
            .get("members")
            .and_then(Value::as_array)
            .is_some_and(|members| members.iter().any(|member| member.get("stateStr").is_some()))
    {
        Some("replSetGetStatus")
    } else if value.get("inprog").is_some_and(Value::is_array) {
        Some("currentOp")
    } else if has("ns") && has("storageSize") && (has("nindexes") || has("count")) {
        Some("collStats")
    } else if has("db") && has("dataSize") && has("storageSize") {
        Some("dbStats")
    } else if has("timeDiffHours") && has("logSizeMB") {
        Some("getReplicationInfo")
    } else if has("op") && has("ns") && has("millis") {
        Some("profile")
    } else {
        None
    }
}

/// The document between a prompt with its command and the next prompt.
fn answer(text: &str) -> Option<&str> {
    let start = text.find(['{', '[']).filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with('{') || rest.starts_with('[')))?;
    if start == 0 {
        return text.get(..=text.rfind(['}', ']'])?);
    }
    // the prompt itself may hold brackets: the answer begins a line
    let begins = ["\n{", "\n["].iter().filter_map(|mark| text.find(mark)).min()? + 1;
    let is_prompt = |line: &str| line.contains("> ") && ["db.", "rs.", "sh."].iter().any(|object| line.contains(object));
    let before: Vec<&str> = text.get(..begins)?.lines().filter(|line| !line.trim().is_empty()).collect();
    let asked = before.len() <= 3 && before.iter().any(|line| is_prompt(line));
    let end = text.rfind(['}', ']'])?;
    if asked { text.get(begins..=end) } else { None }
}

/// What mongosh prints: unquoted keys, single quotes, `ISODate("…")`, `Long("…")`.
pub fn from_shell(source: &str, text: &str) -> Option<Observations> {
    static RULES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    if !["ISODate(", "Long(", "NumberLong(", "Timestamp(", "stateStr", "wiredTiger", "timeDiffHours"].iter().any(|mark| text.contains(mark))
        || text.len() > 4 << 20
    {
        return None;
    }
    let rules = RULES.get_or_init(|| {
        let rules = [
            (r":\s*/(?:[^/\n\\]|\\.)+/[a-z]*", ": \"/…/\""),
            (r"'([^'\n]*)'", "\"$1\""),
            (r#"(?:ISODate|ObjectId|UUID|Long|NumberLong|NumberInt|NumberDecimal|Decimal128|BinData)\(\s*(?:\d+,\s*)?("[^"]*"|-?\d+(?:\.\d+)?)\s*\)"#, "$1"),
            (r"Timestamp\([^)]*\)", "0"),
            (r"(?m)([{,]\s*|^\s*)([A-Za-z_$][\w$]*)\s*:", "$1\"$2\":"),
            (r",(\s*[}\]])", "$1"),
        ];
        rules.iter().filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, *with))).collect()
    });
    let mut fixed = answer(text)?.to_owned();
    for (pattern, with) in rules {
        fixed = pattern.replace_all(&fixed, *with).into_owned();
    }
    read(source, &serde_json::from_str(&fixed).ok()?)
}
