//! Tables as `kubectl get`, `get events`, `top` and `kube-lineage` print them, with or without their header.

mod rows;

use serde_json::{Value, json};

use super::describe::{
    age_and_count, age_seconds, event_row,
    tree::{cells, present},
};
use crate::model::{
    Entity,
    observation::{Event, Object, Observations},
};

/// Reads every table in `text`; `false` when there is none or when something else stands between the tables.
pub fn read(source: &str, text: &str, out: &mut Observations) -> bool {
    let mut columns: Vec<(String, usize)> = Vec::new();
    let (mut understood, mut strange) = (0_usize, 0_usize);
    let mut found = Observations::default();
    for line in text.lines() {
        let plain = without_tree(line);
        if plain.trim().is_empty() {
            columns.clear();
            continue;
        }
        if is_header(&plain) {
            columns = self::columns(&plain);
            understood += 1;
            continue;
        }
        let taken = if columns.is_empty() { headless(source, &plain, &mut found) } else { row(source, &plain, &columns, &mut found) };
        if taken {
            understood += 1;
        } else {
            strange += 1;
        }
    }
    if understood == 0 || strange > understood {
        return false;
    }
    out.merge(found);
    true
}

/// A header is made of capital words, among them one that only such tables have.
fn is_header(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.len() >= 2
        && words.iter().all(|word| is_title(word))
        && words.iter().any(|word| ["NAME", "REASON", "NAMESPACE", "OBJECT"].contains(word))
        || cells(line) == ["Type", "Reason", "Age", "From", "Message"]
}

/// `NAME`, `PORT(S)`, `CPU(cores)`.
fn is_title(word: &str) -> bool {
    let (outside, inside) = word.split_once('(').unwrap_or((word, ""));
    outside.chars().all(|c| c.is_ascii_uppercase() || "-%_".contains(c))
        && inside.chars().all(|c| c.is_ascii_alphabetic() || ")%".contains(c))
}

/// The names of the columns and where each starts, counted in characters.
pub fn columns(header: &str) -> Vec<(String, usize)> {
    let chars: Vec<char> = header.chars().collect();
    let mut out: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        if *c == ' ' || *c == '\t' {
            at += 1;
            continue;
        }
        let start = at;
        let mut name = String::new();
        while let Some(c) = chars.get(at) {
            if *c == '\t' || (*c == ' ' && chars.get(at + 1).is_none_or(|next| *next == ' ' || *next == '\t')) {
                break;
            }
            name.push(*c);
            at += 1;
        }
        if name.contains('(') {
            name.make_ascii_uppercase();
        }
        out.push((name, start));
    }
    out
}

/// The cell of `line` below the column `name`.
pub fn cell(line: &str, columns: &[(String, usize)], name: &str) -> String {
    let Some(at) = columns.iter().position(|(column, _)| column == name) else { return String::new() };
    let Some((_, start)) = columns.get(at) else { return String::new() };
    let end = columns.get(at + 1).map_or(usize::MAX, |(_, next)| *next);
    let text: String = line.chars().skip(*start).take(end.saturating_sub(*start)).collect();
    text.trim().to_owned()
}

fn without_tree(line: &str) -> String {
    let is_glyph = |c: char| "├└│─".contains(c);
    if !line.chars().any(is_glyph) {
        return line.to_owned();
    }
    line.chars().map(|c| if is_glyph(c) { ' ' } else { c }).collect()
}

fn row(source: &str, line: &str, columns: &[(String, usize)], out: &mut Observations) -> bool {
    let has = |name: &str| columns.iter().any(|(column, _)| column == name);
    let get = |name: &str| cell(line, columns, name);
    if has("REASON") && has("MESSAGE") && has("TYPE") {
        let (object, event_kind, event_name) = (get("OBJECT"), get("KIND"), get("NAME"));
        // Before 1.14 the columns were the event's own name and the object's kind.
        let own = event_name.rsplit_once('.').map_or(event_name.as_str(), |(name, _)| name);
        let (kind, name) = object.split_once('/').unwrap_or((&event_kind, if object.is_empty() { own } else { &object }));
        let seen = if has("LASTSEEN") { get("LASTSEEN") } else { get("LAST SEEN") };
        let Some((age, count)) = age_and_count(&seen) else { return false };
        out.events.push(Event {
            source: source.to_owned(),
            entity: Entity::new(&rows::kind_of_word(kind), &get("NAMESPACE"), name),
            event_type: get("TYPE"),
            reason: get("REASON"),
            message: get("MESSAGE"),
            count: get("COUNT").parse().unwrap_or(count),
            age_seconds: Some(age),
            ..Event::default()
        });
        return true;
    }
    if columns.first().is_some_and(|(name, _)| name == "Type") {
        let Some(event) = event_row(source, line, &Entity::default()) else { return false };
        out.events.push(event);
        return true;
    }
    if has("CPU(CORES)") || has("MEMORY(BYTES)") {
        // A single sample without an instant: kept on the object, where the checks compare it with requests and limits.
        let kind = if has("CPU%") || has("CPU(%)") { "Node" } else { "Pod" };
        let usage =
            json!({"cpu": get("CPU(CORES)"), "memory": get("MEMORY(BYTES)"), "cpuPercent": get("CPU%"), "memoryPercent": get("MEMORY%")});
        out.objects.push(object(source, kind, &get("NAMESPACE"), &get("NAME"), json!({"usage": usage})));
        return true;
    }
    let full = get("NAME").trim().to_owned();
    let first_word = full.split_whitespace().next().unwrap_or_default();
    let (prefix, name) = first_word.rsplit_once('/').unwrap_or(("", first_word));
    if name.is_empty() {
        return false;
    }
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let kind = if prefix.is_empty() { rows::kind_of_columns(&names).to_owned() } else { rows::kind_of_word(prefix) };
    if kind == "Event" {
        // kube-lineage: `Event/pod.17a…   -   BackOff: Back-off restarting…`.
        if let Some((reason, message)) = get("STATUS").split_once(": ") {
            let target = name.rsplit_once('.').map_or(name, |(target, _)| target);
            out.events.push(Event {
                source: source.to_owned(),
                entity: Entity::new("", &get("NAMESPACE"), target),
                event_type: rows::type_of_reason(reason).to_owned(),
                reason: reason.to_owned(),
                message: message.to_owned(),
                count: 1,
                age_seconds: age_seconds(&get("AGE")),
                ..Event::default()
            });
        }
        return true;
    }
    if kind.is_empty() {
        return false;
    }
    let body = rows::body(&kind, &get, &names);
    out.objects.push(object(source, &kind, &get("NAMESPACE"), name, body));
    true
}

/// A row without its header, as `kubectl get … | grep name` leaves it: the kind is told from the shape of the cells.
fn headless(source: &str, line: &str, out: &mut Observations) -> bool {
    if let Some(event) = event_row(source, line, &Entity::default()) {
        out.events.push(event);
        return true;
    }
    let row = cells(line);
    let Some(found) = rows::guess(&row) else { return false };
    out.objects.push(object(source, found.kind, found.namespace, found.name, found.body));
    true
}

fn object(source: &str, kind: &str, namespace: &str, name: &str, body: Value) -> Object {
    let namespace = present(namespace);
    let mut body = body;
    if let Some(map) = body.as_object_mut() {
        map.insert("kind".to_owned(), kind.into());
        let mut metadata = map.remove("metadata").unwrap_or_else(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("name".to_owned(), name.into());
            if !namespace.is_empty() {
                metadata.insert("namespace".to_owned(), namespace.into());
            }
        }
        map.insert("metadata".to_owned(), metadata);
    }
    Object {
        source: source.to_owned(),
        api_version: String::new(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        cluster: String::new(),
        body,
        partial: true,
    }
}
