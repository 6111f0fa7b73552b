//! Imports go down only: the table of the code map, enforced.

use std::{collections::BTreeMap, fs, path::Path};

/// Room to level. Rooms of one level do not import each other; at level 4 the order is main → cli → app → config.
const LEVELS: &[(&str, u8)] = &[
    ("model", 0),
    ("telemetry", 0),
    ("redact", 0),
    ("web", 0),
    ("analysis", 10),
    ("report", 10),
    ("slack", 10),
    ("tools", 10),
    ("store", 10),
    ("coord", 10),
    ("notify", 10),
    ("auth", 10),
    ("console", 10),
    ("sandbox", 10),
    ("agents", 20),
    ("runbooks", 20),
    ("pipeline", 30),
    ("inbound", 30),
    ("eval", 30),
    ("config", 40),
    ("app", 41),
    ("cli", 42),
    ("main", 43),
];

#[test]
fn imports_go_down_only() {
    let levels: BTreeMap<&str, u8> = LEVELS.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in rust_files(&root) {
        let relative = file.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let room = relative.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if room == "lib" {
            continue;
        }
        let Some(level) = levels.get(room.as_str()) else {
            wrong.push(format!("{relative}: room `{room}` has no level in the table"));
            continue;
        };
        let text = without_comments(&fs::read_to_string(&file).unwrap());
        for target in targets(&text) {
            seen += 1;
            match levels.get(target.as_str()) {
                Some(_) if target == room => {}
                Some(below) if below < level => {}
                Some(_) => wrong.push(format!("{relative}: {room} → {target}")),
                None => {}
            }
        }
    }
    assert!(seen > 5, "the scan found almost no imports: is it still reading the right folder?");
    assert!(wrong.is_empty(), "arrows that point sideways or up:\n{}", wrong.join("\n"));
}

/// The rooms that a text names after `crate::` (or `sre_agent::` in main), groups in braces included.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for marker in ["crate::", "sre_agent::"] {
        for (at, _) in text.match_indices(marker) {
            let rest = &text[at + marker.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(heads(group)),
                None => found.push(word(rest)),
            }
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

/// The first word of each member of a `use` group that has just been opened.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(word(group[start..at].trim()));
                return found;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(word(group[start..at].trim()));
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn rust_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
