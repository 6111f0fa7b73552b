//! The description of a kind that kubectl does not know: it prints every field, with blanks between the words of its name.

use serde_json::{Map, Value};

use super::{
    camel,
    tree::{Level, Node, present},
};

/// Everything but what every description has at its head.
pub fn body(level: &Level<'_>) -> Value {
    let mut out = Map::new();
    for node in level.0 {
        if !matches!(node.key.as_str(), "" | "Name" | "Namespace" | "Labels" | "Annotations" | "API Version" | "Kind" | "Events") {
            out.insert(camel(&node.key), value(node));
        }
    }
    Value::Object(out)
}

fn value(node: &Node) -> Value {
    if node.children.is_empty() {
        return scalar(&node.value);
    }
    let words = node.children.iter().all(|child| child.key.is_empty());
    if words {
        let mut text = node.value.clone();
        for child in &node.children {
            text.push(' ');
            text.push_str(&child.raw);
        }
        return Value::from(text.trim());
    }
    fields(&node.children)
}

/// A key that comes back starts the next element of a list.
fn fields(nodes: &[Node]) -> Value {
    let mut items: Vec<Map<String, Value>> = vec![Map::new()];
    for node in nodes.iter().filter(|node| !node.key.is_empty()) {
        let key = camel(&node.key);
        if items.last().is_some_and(|item| item.contains_key(&key)) {
            items.push(Map::new());
        }
        if let Some(item) = items.last_mut() {
            item.insert(key, value(node));
        }
    }
    match items.len() {
        1 => items.pop().map(Value::Object).unwrap_or_default(),
        _ => items.into_iter().map(Value::Object).collect(),
    }
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        text => text.parse::<i64>().map_or_else(|_| Value::from(present(text)), Value::from),
    }
}
