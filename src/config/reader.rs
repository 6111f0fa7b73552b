//! Reads one settings file key by key and remembers everything that is wrong, instead of stopping at the first.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    time::Duration,
};

use secrecy::SecretString;
use serde_json::Value;

use crate::model::edit_distance;

/// A settings file that is being read.
pub struct Reader<'a> {
    file: &'a str,
    root: Value,
    environment: &'a BTreeMap<String, String>,
    errors: &'a mut Vec<String>,
    /// The keys that were asked for; the others are unknown.
    known: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// Parses the YAML; an unreadable file is one error and nothing more can be said.
    pub fn new(file: &'a str, text: &str, environment: &'a BTreeMap<String, String>, errors: &'a mut Vec<String>) -> Option<Self> {
        let root = match serde_saphyr::from_str::<Value>(text) {
            Ok(root) => root,
            Err(error) => {
                errors.push(format!("{file}: is not readable as YAML: {}", first_line(&error.to_string())));
                return None;
            }
        };
        if !matches!(root, Value::Object(_) | Value::Null) {
            errors.push(format!("{file}: wants sections such as `server:` at the top"));
            return None;
        }
        Some(Self { file, root, environment, errors, known: BTreeSet::new() })
    }

    /// A text value, with `${NAME}` and `${NAME:-default}` filled in.
    pub fn text(&mut self, key: &str, default: &str) -> String {
        match self.value(key) {
            None | Some(Value::Null) => default.to_owned(),
            Some(Value::String(text)) => self.filled_in(key, &text),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(word)) => word.to_string(),
            Some(_) => {
                self.wrong(key, "a single text");
                default.to_owned()
            }
        }
    }

    /// A value of its own type; `allowed` says in words what that is.
    pub fn parsed<T: FromStr>(&mut self, key: &str, default: &str, allowed: &str) -> Option<T> {
        let parsed = self.text(key, default).parse().ok();
        if parsed.is_none() {
            self.wrong(key, allowed);
        }
        parsed
    }

    /// A whole number within bounds.
    pub fn number(&mut self, key: &str, default: usize, least: usize, most: usize) -> usize {
        let text = self.text(key, &default.to_string());
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.wrong(key, &format!("a whole number from {least} to {most}"));
                default
            }
        }
    }

    /// A secret, or none where the text is empty.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let text = self.text(key, "");
        (!text.is_empty()).then(|| text.into())
    }

    /// `true` or `false`.
    pub fn switch(&mut self, key: &str, default: bool) -> bool {
        let text = self.text(key, if default { "true" } else { "false" });
        self.check(key, ["true", "false"].contains(&text.as_str()), "`true` or `false`");
        text == "true"
    }

    /// A length of time such as `90s`, `10m`, `3h` or `7d`.
    pub fn duration(&mut self, key: &str, default: &str) -> Duration {
        let text = self.text(key, default);
        let parsed = parse_duration(&text);
        if parsed.is_none() {
            self.wrong(key, "a length of time such as 90s, 10m, 3h or 7d");
        }
        parsed.unwrap_or_default()
    }

    /// A list of texts; a single text is a list of one.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        match self.value(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Value::String(text) => Some(self.filled_in(key, text)),
                    _ => {
                        self.wrong(key, "a list of texts");
                        None
                    }
                })
                .filter(|text| !text.is_empty())
                .collect(),
            Some(Value::String(text)) => vec![self.filled_in(key, &text)].into_iter().filter(|text| !text.is_empty()).collect(),
            Some(_) => {
                self.wrong(key, "a list of texts");
                Vec::new()
            }
        }
    }

    /// The names below a section that the user gives names in.
    pub fn names(&mut self, section: &str) -> Vec<String> {
        match self.value(section) {
            Some(Value::Object(fields)) => fields.keys().cloned().collect(),
            None | Some(Value::Null) => Vec::new(),
            Some(_) => {
                self.wrong(section, "its settings below it, indented");
                Vec::new()
            }
        }
    }

    /// A value as it stands, whatever it is; everything below it is known.
    pub fn raw(&mut self, key: &str) -> Option<Value> {
        let value = self.value(key);
        if let Some(inner) = &value {
            let mut below = Vec::new();
            leaves(inner, key, &mut below);
            self.known.extend(below.into_iter().map(|(key, _)| key));
        }
        value
    }

    /// Every setting as it is written, its variables not filled in.
    pub fn marks(&self) -> BTreeMap<String, SecretString> {
        let mut found = Vec::new();
        leaves(&self.root, "", &mut found);
        found
            .into_iter()
            .filter_map(|(key, _)| {
                let value = key.split('.').try_fold(&self.root, |value, part| value.get(part))?;
                Some((key, value.to_string().into()))
            })
            .collect()
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    /// Notes an error unless `fine`.
    pub fn check(&mut self, key: &str, fine: bool, allowed: &str) {
        if !fine {
            self.wrong(key, allowed);
        }
    }

    /// Notes every key that nobody asked for, with the nearest one that exists.
    pub fn finish(self) {
        let mut found = Vec::new();
        leaves(&self.root, "", &mut found);
        for (key, empty) in found {
            let section = self.known.iter().any(|known| known.starts_with(&format!("{key}.")));
            if section && !empty {
                self.errors.push(format!("{}: `{key}` wants its settings below it, indented", self.file));
            }
            if self.known.contains(&key) || section {
                continue;
            }
            let near = nearest(&key, &self.known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.errors.push(format!("{}: `{key}` is not a setting{near}", self.file));
        }
    }

    fn value(&mut self, key: &str) -> Option<Value> {
        self.known.insert(key.to_owned());
        key.split('.').try_fold(&self.root, |value, part| value.get(part)).cloned()
    }

    fn wrong(&mut self, key: &str, allowed: &str) {
        let line = format!("{}: `{key}` wants {allowed}", self.file);
        if !self.errors.contains(&line) {
            self.errors.push(line);
        }
    }

    fn filled_in(&mut self, key: &str, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((inside, tail)) = after.split_once('}') else {
                self.wrong(key, "a closing `}` after `${`");
                return out;
            };
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
            match (self.environment.get(name).filter(|value| !value.is_empty()), default) {
                (Some(value), _) => out.push_str(value),
                (None, Some(default)) => out.push_str(default),
                (None, None) => self.wrong(key, &format!("the variable {name} in the environment")),
            }
            rest = tail;
        }
        out + rest
    }
}

/// `90s`, `10m`, `3h` or `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn leaves(value: &Value, path: &str, found: &mut Vec<(String, bool)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(inner, &path, found);
            }
        }
        _ if path.is_empty() => {}
        other => found.push((path.to_owned(), other.is_null())),
    }
}

fn nearest<'a>(key: &str, known: &'a BTreeSet<String>) -> Option<&'a String> {
    let distance = |known: &&String| edit_distance(key, known);
    known
        .iter()
        .min_by_key(distance)
        .filter(|known| edit_distance(key, known) <= 3 || known.ends_with(key.rsplit('.').next().unwrap_or(key)))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
