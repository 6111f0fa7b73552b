//! Who calls whom: Graphviz, Mermaid, arrows, adjacency lists, nodes and edges, `depends_on`.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value};

use crate::model::observation::{Edge, Observations};

/// How many edges are kept. Source: own choice; the largest published service graphs have some 10,000.
const MOST: usize = 50_000;
/// How much of a text is looked at: a graph is no log.
const TEXT: usize = 4 << 20;

/// `->`, `--`, `-->`, `-.->`, `==>`, with Mermaid's `|label|` behind it.
static ARROW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\s*(?:-{1,3}>|={1,2}>|-\.+->|--+|→)(?:\s*\|[^|]*\|)?\s*"#).ok());
/// The name at the beginning of a node, without its shape and label.
static NODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^(?:"([^"]{1,200})"|([\p{L}\d_][\p{L}\d_./:-]{0,199}))"#).ok());

const DEPENDS: &[&str] = &["depends_on", "dependsOn", "dependencies", "calls", "callees", "downstream", "downstreams", "needs"];
const HOLDERS: &[&str] =
    &["topology", "graph", "service_graph", "serviceGraph", "dependency_graph", "dependencies", "service_map", "elements"];

/// A graph as text; `None` when most lines are something else.
pub fn text(text: &str) -> Option<Observations> {
    if text.len() > TEXT {
        return None;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let word = first.split([' ', '{', '\t']).next().unwrap_or("");
    let titled = match word {
        "digraph" | "strict" => first.contains('{') || text.contains('{'),
        "graph" => first.contains('{') || ["LR", "RL", "TD", "TB", "BT"].iter().any(|way| first.ends_with(way)),
        "flowchart" => true,
        _ => false,
    };
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '%', '/']));
    let (mut edges, mut others) = (Vec::new(), 0_usize);
    for line in lines {
        match chain(line) {
            Some(found) if edges.len() < MOST => edges.extend(found),
            _ => others += 1,
        }
    }
    let only = others == 0 && edges.len() >= 2;
    (!edges.is_empty() && (titled || only)).then(|| of(edges))
}

/// `a -> b -> c` as two edges; `None` when the line is no such chain.
fn chain(line: &str) -> Option<Vec<Edge>> {
    let (arrow, node) = (ARROW.as_ref()?, NODE.as_ref()?);
    // what is labelled is no part of the chain
    let line = line.split(" [").next().unwrap_or(line).trim_end_matches('}').trim();
    let mut names = Vec::new();
    for part in arrow.split(line) {
        let found = node.captures(part.trim())?;
        let name = found.get(1).or_else(|| found.get(2))?.as_str();
        let shape = part.trim().get(found.get(0)?.end()..).unwrap_or("").trim();
        if !(shape.is_empty() || shape.starts_with(['[', '(', '{', '>'])) {
            return None;
        }
        names.push(name.to_owned());
    }
    let edges: Vec<Edge> = names.windows(2).filter_map(|two| Some(edge(two.first()?, two.get(1)?))).collect();
    (!edges.is_empty()).then_some(edges)
}

fn edge(caller: &str, callee: &str) -> Edge {
    Edge { caller: caller.to_owned(), callee: callee.to_owned() }
}

fn of(mut edges: Vec<Edge>) -> Observations {
    edges.truncate(MOST);
    Observations { edges, ..Observations::default() }
}

/// A graph as JSON or YAML; `None` when it is something else.
pub fn read(value: &Value) -> Option<Observations> {
    match value {
        Value::Array(items) => listed(items, &BTreeMap::new()).map(of),
        Value::Object(map) => object(map).map(of),
        _ => None,
    }
}

fn object(map: &Map<String, Value>) -> Option<Vec<Edge>> {
    if let Some(list) = ["edges", "links"].iter().find_map(|key| map.get(*key)?.as_array()) {
        let ids = map.get("nodes").or_else(|| map.get("vertices")).and_then(Value::as_array).map(|nodes| names(nodes)).unwrap_or_default();
        return listed(list, &ids);
    }
    // Jaeger's dependencies
    if let Some(list) = map.get("data").and_then(Value::as_array) {
        return list.first()?.get("child").and_then(|_| listed(list, &BTreeMap::new()));
    }
    match map.get("services").or_else(|| map.get("components")) {
        Some(Value::Array(services)) => {
            let edges: Vec<Edge> = services
                .iter()
                .filter_map(|service| Some((name_of(service)?, service)))
                .flat_map(|(name, service)| needs(&name, service))
                .collect();
            return (!edges.is_empty()).then_some(edges);
        }
        Some(Value::Object(services)) => return by_name(services),
        _ => {}
    }
    if let Some(inner) = HOLDERS.iter().find_map(|key| map.get(*key)).filter(|_| map.len() <= 3) {
        return read(inner).map(|found| found.edges);
    }
    adjacency(map).or_else(|| by_name(map))
}

/// The name behind each node's id.
fn names(nodes: &[Value]) -> BTreeMap<String, String> {
    nodes.iter().filter_map(|node| Some((plain(node.get("id")?)?, name_of(node)?))).collect()
}

fn name_of(node: &Value) -> Option<String> {
    ["name", "service", "label", "id"].iter().find_map(|key| plain(node.get(*key)?)).or_else(|| node.as_str().map(str::to_owned))
}

fn plain(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|number| number.to_string()))
}

/// `{source, target}`, `[caller, callee]`.
fn listed(list: &[Value], ids: &BTreeMap<String, String>) -> Option<Vec<Edge>> {
    const CALLERS: &[&str] = &["source", "from", "caller", "parent", "src", "upstream", "start"];
    const CALLEES: &[&str] = &["target", "to", "callee", "child", "dst", "destination", "downstream", "end"];
    let end = |item: &Value, keys: &[&str], at: usize| {
        let found = item.as_array().filter(|pair| pair.len() == 2).and_then(|pair| pair.get(at));
        let found = found.or_else(|| keys.iter().find_map(|key| item.get(*key)))?;
        let name = plain(found).or_else(|| name_of(found))?;
        Some(ids.get(&name).cloned().unwrap_or(name))
    };
    let edges: Option<Vec<Edge>> =
        list.iter().map(|item| Some(Edge { caller: end(item, CALLERS, 0)?, callee: end(item, CALLEES, 1)? })).collect();
    edges.filter(|edges| !edges.is_empty())
}

/// What a service's entry says that it needs.
fn needs(caller: &str, entry: &Value) -> Vec<Edge> {
    let found = DEPENDS.iter().find_map(|key| entry.get(*key));
    match found {
        Some(Value::Array(callees)) => callees.iter().filter_map(name_of).map(|callee| edge(caller, &callee)).collect(),
        Some(Value::Object(callees)) => callees.keys().map(|callee| edge(caller, callee)).collect(),
        _ => Vec::new(),
    }
}

/// `{shop: {depends_on: [cart]}}`.
fn by_name(map: &Map<String, Value>) -> Option<Vec<Edge>> {
    let edges: Vec<Edge> = map.iter().filter(|(_, entry)| entry.is_object()).flat_map(|(name, entry)| needs(name, entry)).collect();
    (!edges.is_empty() && map.values().all(Value::is_object)).then_some(edges)
}

/// `{shop: [cart], cart: [db]}`: lists of names only, and some of what is named has a list itself.
fn adjacency(map: &Map<String, Value>) -> Option<Vec<Edge>> {
    let mut edges = Vec::new();
    for (caller, callees) in map {
        for callee in callees.as_array()? {
            edges.push(edge(caller, callee.as_str()?));
        }
    }
    edges.iter().any(|edge| map.contains_key(&edge.callee)).then_some(edges)
}
