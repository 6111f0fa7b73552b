//! Indented `Key:  value` text as a tree, tolerant of wrapped values and of lines that are no pair.

/// One line with the lines that are indented below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Before the colon; empty when the line is no pair.
    pub key: String,
    pub value: String,
    /// The whole line without its indentation.
    pub raw: String,
    pub children: Vec<Node>,
}

/// How deep a tree may get before lines are attached to the deepest level: describe texts stay below ten.
const DEPTH_LIMIT: usize = 40;

/// Parses `text`; never fails.
pub fn parse(text: &str) -> Vec<Node> {
    let mut open: Vec<(usize, Node)> = Vec::new();
    let mut roots: Vec<Node> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            continue;
        }
        let indent = line.chars().take_while(|c| *c == ' ' || *c == '\t').map(|c| if c == '\t' { 8 } else { 1 }).sum();
        while open.last().is_some_and(|(at, _)| *at >= indent) || open.len() >= DEPTH_LIMIT {
            close(&mut open, &mut roots);
        }
        open.push((indent, node(line.trim())));
    }
    while !open.is_empty() {
        close(&mut open, &mut roots);
    }
    roots
}

fn close(open: &mut Vec<(usize, Node)>, roots: &mut Vec<Node>) {
    let Some((_, done)) = open.pop() else { return };
    match open.last_mut() {
        Some((_, parent)) => parent.children.push(done),
        None => roots.push(done),
    }
}

fn node(line: &str) -> Node {
    let mut found = Node { raw: line.to_owned(), ..Node::default() };
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find(':')).map(|at| at + from) {
        let after = line.get(at + 1..).unwrap_or("");
        if after.is_empty() || after.starts_with([' ', '\t']) {
            let key = line.get(..at).unwrap_or("");
            if key.len() <= 100 && !key.contains("  ") && !key.is_empty() {
                found.key = key.to_owned();
                found.value = after.trim().to_owned();
            }
            break;
        }
        from = at + 1;
    }
    found
}

/// Nodes of one level, looked up by key.
#[derive(Debug, Clone, Copy)]
pub struct Level<'a>(pub &'a [Node]);

impl<'a> Level<'a> {
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.0.iter().find(|node| node.key == key)
    }

    pub fn has(&self, key: &str) -> bool {
        self.node(key).is_some()
    }

    /// The value of `key`; nothing for `<none>`, `<unset>` and a missing key.
    pub fn value(&self, key: &str) -> &'a str {
        self.node(key).map(|node| present(&node.value)).unwrap_or_default()
    }

    pub fn below(&self, key: &str) -> Level<'a> {
        Level(self.node(key).map(|node| node.children.as_slice()).unwrap_or_default())
    }

    /// The value of `key` and its continuation lines.
    pub fn lines(&self, key: &str) -> Vec<&'a str> {
        let Some(node) = self.node(key) else { return Vec::new() };
        std::iter::once(present(&node.value))
            .chain(node.children.iter().map(|child| child.raw.as_str()))
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// A table below `key`: the header's words and the rows' cells, both split at two or more blanks.
    pub fn table(&self, key: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let mut rows = self.below(key).0.iter().flat_map(flatten).map(cells).filter(|row| !row.is_empty() && !is_rule(row));
        let header = rows.next().unwrap_or_default();
        (header, rows.collect())
    }
}

/// A node and everything below it, in the order of the text.
pub fn flatten(node: &Node) -> Vec<&str> {
    let mut out = vec![node.raw.as_str()];
    for child in &node.children {
        out.extend(flatten(child));
    }
    out
}

/// What kubectl prints for "nothing" is nothing.
pub fn present(value: &str) -> &str {
    match value {
        "<none>" | "<unset>" | "<nil>" | "<unknown>" | "<set>" | "n/a" => "",
        value => value,
    }
}

/// Cells of a table's row: split at two or more blanks, or a tab.
pub fn cells(line: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut blanks = 0;
    for c in line.trim().chars() {
        if c == ' ' || c == '\t' {
            blanks += if c == '\t' { 2 } else { 1 };
            continue;
        }
        if blanks >= 2 {
            out.push(std::mem::take(&mut cell));
        } else if blanks == 1 {
            cell.push(' ');
        }
        blanks = 0;
        cell.push(c);
    }
    if !cell.is_empty() {
        out.push(cell);
    }
    out
}

fn is_rule(row: &[String]) -> bool {
    row.iter().all(|cell| !cell.is_empty() && cell.bytes().all(|b| b == b'-' || b == b'='))
}
