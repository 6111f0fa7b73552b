//! Slow operations, grouped by namespace and shape; collection scans that an index would spare.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{Finding, Role},
    entry::{Entry, Node, clip, contains_ignoring_case},
};
use crate::model::{Category, Entity};

/// Documents read per document returned: Atlas warns at 1000:1 (Query Targeting alert), ftdc assessments at 100.
const TARGETING: f64 = 100.0;
/// A scan below this is cheap whatever its plan; `slowms` is 100 by default.
const SLOW_MS: f64 = 100.0;
/// Index suggestions start at 8,000 documents examined in Atlas' performance advisor.
const SCAN_DOCS: f64 = 8000.0;

/// One slow operation.
struct Slow<'a> {
    entry: Entry<'a>,
    namespace: String,
    shape: String,
    plan: String,
    examined: f64,
    returned: f64,
    millis: f64,
}

pub fn check(node: &Node<'_>) -> Vec<Finding> {
    let mut groups: BTreeMap<(String, String, bool), Vec<Slow<'_>>> = BTreeMap::new();
    for entry in &node.entries {
        if let Some(slow) = slow(*entry) {
            let scan = slow.plan.contains("COLLSCAN");
            groups.entry((slow.namespace.clone(), slow.shape.clone(), scan)).or_default().push(slow);
        }
    }
    let mut found: Vec<Finding> = groups.values().filter_map(|group| finding(node, group)).collect();
    found.sort_by(|a, b| b.strength.total_cmp(&a.strength).then_with(|| a.statement.cmp(&b.statement)));
    found.truncate(5);
    found
}

/// A slow operation in a JSON line, or in the text of an older server.
fn slow(entry: Entry<'_>) -> Option<Slow<'_>> {
    if entry.msg == "Slow query" {
        let command = entry.value(&["command"]).unwrap_or(&Value::Null);
        let origin = entry.value(&["originatingCommand"]).unwrap_or(&Value::Null);
        return Some(Slow {
            namespace: entry.text(&["ns"]).unwrap_or("").to_owned(),
            shape: shape(command).or_else(|| shape(origin)).unwrap_or_default(),
            plan: entry.text(&["planSummary"]).unwrap_or("").to_owned(),
            examined: entry.number(&["docsExamined"]).unwrap_or(0.0),
            returned: entry.number(&["nreturned"]).or_else(|| entry.number(&["nMatched"])).unwrap_or(0.0),
            millis: entry.number(&["durationMillis"]).or_else(|| entry.number(&["workingMillis"])).unwrap_or(0.0),
            entry,
        });
    }
    let text = entry.msg;
    if !text.ends_with("ms") || !["command ", "query ", "getmore ", "update ", "remove ", "find "].iter().any(|verb| text.starts_with(verb))
    {
        return None;
    }
    let after =
        |key: &str| text.find(key).and_then(|at| text.get(at + key.len()..)).map(|rest| rest.split([' ', ',', '}']).next().unwrap_or(""));
    let value = |key: &str| after(key).and_then(|digits| digits.parse::<f64>().ok());
    let millis: f64 = text.trim_end_matches("ms").rsplit(' ').next()?.parse().ok()?;
    let plan = text
        .find("planSummary: ")
        .and_then(|at| text.get(at + 13..))
        .map(|rest| rest.split(" keys").next().unwrap_or(rest).split(" cursorid").next().unwrap_or(""))
        .unwrap_or("");
    Some(Slow {
        namespace: text.split(' ').nth(1).unwrap_or("").to_owned(),
        shape: text_shape(text),
        plan: clip(plan.trim(), 80),
        examined: value("docsExamined:").or_else(|| value("nscannedObjects:")).or_else(|| value("nscanned:")).unwrap_or(0.0),
        returned: value("nreturned:").or_else(|| value("nMatched:")).unwrap_or(0.0),
        millis,
        entry,
    })
}

/// The names of the fields that a command filters and sorts by.
fn shape(command: &Value) -> Option<String> {
    let filter = ["filter", "query", "q"].iter().find_map(|key| command.get(*key)).or_else(|| {
        let stages = command.get("pipeline")?.as_array()?;
        stages.iter().find_map(|stage| stage.get("$match"))
    });
    let filter = filter
        .or_else(|| command.get("updates")?.as_array()?.first()?.get("q"))
        .or_else(|| command.get("deletes")?.as_array()?.first()?.get("q"));
    let mut fields = Vec::new();
    collect(filter?, &mut fields);
    let mut text = fields.join(", ");
    if let Some(Value::Object(sort)) = command.get("sort") {
        let keys: Vec<&str> = sort.keys().map(String::as_str).collect();
        text.push_str(&format!("; sort {}", keys.join(", ")));
    }
    Some(text)
}

fn collect(filter: &Value, fields: &mut Vec<String>) {
    let Value::Object(map) = filter else { return };
    for (key, value) in map {
        match value {
            Value::Array(parts) if key.starts_with('$') => parts.iter().for_each(|part| collect(part, fields)),
            _ if key.starts_with('$') => {}
            _ if fields.len() < 8 && !fields.contains(key) => fields.push(key.clone()),
            _ => {}
        }
    }
}

/// The same from `filter: { trackingCode: "x", … }` of the text format.
fn text_shape(text: &str) -> String {
    let Some(start) = ["filter: {", "query: {", "$match: {", "q: {"].iter().find_map(|key| text.find(key).map(|at| at + key.len())) else {
        return String::new();
    };
    let mut depth = 0_i32;
    let mut fields: Vec<&str> = Vec::new();
    let rest = text.get(start..text.floor_char_boundary((start + 600).min(text.len()))).unwrap_or("");
    for word in rest.split(' ') {
        if depth == 0
            && let Some(name) = word.strip_suffix(':')
            && fields.len() < 8
            && !name.is_empty()
        {
            fields.push(name);
        }
        depth +=
            i32::try_from(word.matches(['{', '[']).count()).unwrap_or(0) - i32::try_from(word.matches(['}', ']']).count()).unwrap_or(0);
        if depth < 0 {
            break;
        }
    }
    fields.join(", ")
}

fn finding(node: &Node<'_>, group: &[Slow<'_>]) -> Option<Finding> {
    let first = group.first()?;
    let system = ["local.", "config.", "admin."].iter().any(|prefix| first.namespace.starts_with(prefix)) || first.namespace.is_empty();
    let worst = group.iter().max_by(|a, b| a.millis.total_cmp(&b.millis))?;
    let total: f64 = group.iter().map(|slow| slow.millis).sum();
    let examined = group.iter().map(|slow| slow.examined).fold(0.0, f64::max);
    let returned = group.iter().map(|slow| slow.returned).fold(0.0, f64::max);
    let ratio = examined / returned.max(1.0);
    let entries: Vec<Entry<'_>> = group.iter().map(|slow| slow.entry).collect();
    let count = group.len();
    let on = if first.shape.is_empty() { String::new() } else { format!(" filtering on {}", first.shape) };
    let collscan = first.plan.contains("COLLSCAN");
    let missing = collscan && (examined >= SCAN_DOCS || (ratio >= TARGETING && examined >= 1000.0));
    if system || worst.millis < SLOW_MS {
        return None;
    }
    let untargeted = !collscan && ratio >= TARGETING && examined >= SCAN_DOCS;
    let seen = node.seen(
        &entries,
        format!(
            "{count} slow operation{} on {}{on}: plan {}, {examined:.0} documents examined for {returned:.0} returned, up to {:.0} ms",
            if count == 1 { "" } else { "s" },
            first.namespace,
            if first.plan.is_empty() { "unknown" } else { &first.plan },
            worst.millis
        ),
        missing,
    );
    let fields = if first.shape.is_empty() {
        "<field>".to_owned()
    } else {
        first.shape.split(';').next().unwrap_or("").split(", ").map(|field| format!("{field}: 1")).collect::<Vec<_>>().join(", ")
    };
    let collection = first.namespace.split_once('.').map_or(first.namespace.as_str(), |(_, name)| name);
    let weight = (total / 1000.0).ln_1p() / 12.0;
    let (category, statement, strength, role) = if missing {
        (
            Category::MissingIndex,
            format!(
                "Queries on {}{on} have no suitable index: each is a collection scan (COLLSCAN) that examines {examined:.0} documents to return {returned:.0} and takes up to {:.0} ms",
                first.namespace, worst.millis
            ),
            (0.75 + weight).min(0.93),
            Role::Cause,
        )
    } else if untargeted {
        (
            Category::MissingIndex,
            format!(
                "Queries on {}{on} use a poor index ({}): {examined:.0} documents examined for {returned:.0} returned, up to {:.0} ms",
                first.namespace, first.plan, worst.millis
            ),
            (0.6 + weight).min(0.85),
            Role::Cause,
        )
    } else {
        let reading = worst.entry.number(&["storage", "data", "timeReadingMicros"]).unwrap_or(0.0) / 1000.0;
        let from_disk = reading >= worst.millis * 0.5 && worst.millis > 1000.0;
        let waits = entries.iter().any(|entry| contains_ignoring_case(&entry.line.text, "timeacquiringmicros"));
        (
            Category::SlowQuery,
            format!(
                "{count} operation{} on {}{on} took up to {:.0} ms{}{}",
                if count == 1 { "" } else { "s" },
                first.namespace,
                worst.millis,
                if waits { " and waited for locks" } else { "" },
                if from_disk {
                    format!(", {:.0} % of it to read from slow storage (disk)", reading / worst.millis * 100.0)
                } else {
                    String::new()
                }
            ),
            (if from_disk { 0.45 } else { 0.25 } + weight + if worst.millis > 1000.0 { 0.15 } else { 0.0 }).min(0.7),
            if worst.millis > 1000.0 { Role::Cause } else { Role::Context },
        )
    };
    Some(Finding {
        acts_on: Vec::new(),
        against: Vec::new(),
        category,
        role,
        // The collection is what people know and can act upon; which member logged it stands in the evidence.
        entity: if first.namespace.is_empty() { node.entity() } else { Entity::new("Collection", "", &first.namespace) },
        statement,
        seen: vec![seen],
        decisive: missing && count >= 3,
        strength,
        since: entries.iter().find_map(Entry::time),
        falsifier: format!("`db.{collection}.find(…).explain()` on {} shows an IXSCAN with few documents examined", first.namespace),
        remediation: vec![format!(
            "Create the index: `db.{collection}.createIndex({{{fields}}})` (a rolling build on a busy replica set), then check the plan with explain()"
        )],
        prevention: vec!["Review plans of new queries against production-sized data; alert on query targeting above 1000:1".to_owned()],
    })
}
