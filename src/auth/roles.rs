//! Reading and checking the settings of roles, people and policies: all mistakes at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    access::AccessConfig,
    permissions::Pattern,
    policy::{Policy, Rule},
};
use crate::model::{is_slack_people, nearest};

/// The roles that are there without settings. An entry `@role` stands for everything that role may do.
const BUILT_IN: &[(&str, &[&str])] = &[
    ("admin", &["*:*"]),
    ("developer", &["@user", "runbook:request", "approval:decide", "alert:create", "change:create"]),
    ("user", &["incident:*", "change:read", "agent:read", "agent:run", "runbook:read", "approval:read", "silence:read", "stats:read"]),
];
/// More roles, policies or names in a list than this is a mistake, in entries; checks walk over all of them.
const ENTRIES_MAX: usize = 500;
/// People and groups with roles of their own, in entries.
const PEOPLE_MAX: usize = 10_000;
/// The longest name, in bytes.
const NAME_MAX: usize = 200;

/// Something wrong in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `access.roles.developer[2]`
    pub key: String,
    /// What is wrong and what to do, without the key.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// What the settings come to.
#[derive(Debug)]
pub struct Read {
    pub roles: BTreeMap<String, Vec<Pattern>>,
    pub rules: Vec<Rule>,
}

/// Reads the settings.
///
/// # Errors
/// Everything that is wrong with them.
pub fn read(config: &AccessConfig) -> Result<Read, Vec<Problem>> {
    let known = config.roles.keys().map(String::as_str).chain(BUILT_IN.iter().map(|(name, _)| *name)).collect();
    let mut reader = Reader { written: &config.roles, known, problems: Vec::new() };
    let mut roles = BTreeMap::new();
    for name in reader.known.clone() {
        roles.insert(name.to_owned(), reader.expand(name));
    }
    reader.count("access.roles", config.roles.len(), ENTRIES_MAX);
    reader.count("access.people", config.people.len(), PEOPLE_MAX);
    reader.count("access.policies", config.policies.len(), ENTRIES_MAX);
    for (id, given) in &config.people {
        let key = format!("access.people.{id}");
        if !is_slack_people(id) {
            reader.problem(&key, "is not the id of a person or a user group in Slack, like U01ALICE or S01ONCALL".to_owned());
        }
        reader.names(&key, given);
    }
    reader.names("access.default_roles", &config.default_roles);
    let rules = config.policies.iter().enumerate().map(|(place, policy)| reader.rule(place, policy)).collect();
    if reader.problems.is_empty() { Ok(Read { roles, rules }) } else { Err(reader.problems) }
}

fn is_built_in(role: &str) -> bool {
    BUILT_IN.iter().any(|(name, _)| *name == role)
}

/// As they are written, or as they are built in.
fn entries<'a>(written: Option<&'a Vec<String>>, role: &str) -> Vec<&'a str> {
    match written {
        Some(entries) => entries.iter().map(String::as_str).collect(),
        None => BUILT_IN.iter().find(|(name, _)| *name == role).map(|(_, entries)| entries.to_vec()).unwrap_or_default(),
    }
}

struct Reader<'a> {
    written: &'a BTreeMap<String, Vec<String>>,
    /// Written or built in.
    known: BTreeSet<&'a str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn problem(&mut self, key: &str, message: String) {
        self.problems.push(Problem { key: key.to_owned(), message });
    }

    fn count(&mut self, key: &str, count: usize, most: usize) {
        if count > most {
            self.problem(key, format!("has {count} entries; {most} is the most"));
        }
    }

    /// Everything that `top` may do, by itself and by the roles that it holds; each of them is looked at once.
    /// What is wrong with an entry is told where it is written, not again where it is used.
    fn expand(&mut self, top: &'a str) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        let mut seen = BTreeSet::from([(top, false)]);
        let mut open = vec![(top, false)];
        while let Some((role, built_in)) = open.pop() {
            let written = if built_in { None } else { self.written.get(role) };
            let here = role == top && written.is_some();
            if let Some(entries) = written.filter(|_| here) {
                self.role_name(role, entries.len());
            }
            for (place, entry) in entries(written, role).into_iter().enumerate() {
                let key = format!("access.roles.{role}[{place}]");
                let Some(other) = entry.strip_prefix('@') else {
                    match Pattern::parse(entry) {
                        Ok(pattern) if !patterns.contains(&pattern) => patterns.push(pattern),
                        Err(message) if here => self.problem(&key, message),
                        _ => {}
                    }
                    continue;
                };
                // A role that names itself means the built-in one of that name: that is how one is extended.
                let next = (other, other == role && !built_in && is_built_in(other));
                if other == top && !next.1 {
                    if self.written.contains_key(top) {
                        self.problem(&format!("access.roles.{top}"), format!("leads back to itself: `{role}` holds `@{top}`"));
                    }
                } else if !self.known.contains(other) {
                    if here {
                        self.unknown_role(&key, other);
                    }
                } else if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        patterns
    }

    fn role_name(&mut self, role: &str, entries: usize) {
        let key = format!("access.roles.{role}");
        let plain = role.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-');
        if role.is_empty() || role.len() > 64 || !plain {
            self.problem(&key, "is no name for a role: up to 64 small letters, digits, `_` and `-`".to_owned());
        }
        self.count(&key, entries, ENTRIES_MAX);
    }

    fn unknown_role(&mut self, key: &str, name: &str) {
        let shown: String = name.chars().take(60).collect();
        let message = match nearest(&shown, self.known.iter().copied(), 2) {
            Some(meant) => format!("there is no role `{shown}`; did you mean `{meant}`?"),
            None => {
                let known: Vec<&str> = self.known.iter().copied().take(20).collect();
                format!("there is no role `{shown}`; roles are {}", known.join(", "))
            }
        };
        self.problem(key, message);
    }

    fn names(&mut self, key: &str, names: &[String]) {
        self.count(key, names.len(), ENTRIES_MAX);
        for (place, name) in names.iter().enumerate() {
            if !self.known.contains(name.as_str()) {
                self.unknown_role(&format!("{key}[{place}]"), name);
            }
        }
    }

    fn rule(&mut self, place: usize, policy: &Policy) -> Rule {
        let key = format!("access.policies[{place}]");
        self.names(&format!("{key}.roles"), &policy.roles);
        if policy.permissions.is_empty() {
            self.problem(&format!("{key}.permissions"), "is empty; say which permissions it is about, `*:*` for all".to_owned());
        }
        self.count(&format!("{key}.permissions"), policy.permissions.len(), ENTRIES_MAX);
        let mut patterns = Vec::new();
        for (entry, text) in policy.permissions.iter().enumerate() {
            match Pattern::parse(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(message) => self.problem(&format!("{key}.permissions[{entry}]"), message),
            }
        }
        for (list, names) in [("channels", &policy.channels), ("runbooks", &policy.runbooks), ("clusters", &policy.clusters)] {
            self.count(&format!("{key}.{list}"), names.len(), ENTRIES_MAX);
            for (entry, name) in names.iter().enumerate() {
                if name.is_empty() || name.len() > NAME_MAX {
                    self.problem(
                        &format!("{key}.{list}[{entry}]"),
                        format!("is empty or longer than {NAME_MAX} bytes; `*` stands for all"),
                    );
                }
            }
        }
        Rule { place, patterns, written: policy.clone() }
    }
}
