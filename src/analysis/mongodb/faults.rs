//! What a server says about itself when it cannot work: one table of faults, each with its words and its remedy.

mod table;

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use super::{
    super::{Finding, Role},
    entry::{Entry, Node, clip},
};
use crate::model::{Category, observation::Level};
use table::FAULTS;

pub struct Fault {
    category: Category,
    /// Any of these message ids settles it.
    ids: &'static [u64],
    /// Any of these, lower case, in a line that is at least as loud as `level`.
    words: &'static [&'static str],
    level: Level,
    /// `{node}` and `{words}` (the server's own) are filled in.
    statement: &'static str,
    strength: f64,
    /// Fewer lines are daily life.
    least: usize,
    falsifier: &'static str,
    remediation: &'static [&'static str],
    prevention: &'static [&'static str],
}

/// Every fault that the log of `node` shows, with its lines.
pub fn check(node: &Node<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut settled = false;
    // one pass over all lines for all words; the faults look only at what is left
    let suspects: Vec<&Entry<'_>> = node.entries.iter().filter(|entry| is_suspect(entry)).collect();
    for fault in FAULTS {
        let lines: Vec<Entry<'_>> = suspects.iter().copied().filter(|entry| fault.matches(entry)).copied().collect();
        let Some(first) = lines.first().filter(|_| lines.len() >= fault.least) else { continue };
        // an assertion is only how a fault that was named already ends
        if matches!(fault.category, Category::CodeError | Category::CrashLoop) && settled {
            continue;
        }
        settled |= fault.strength > 0.9;
        found.push(fault.finding(node, &lines, first));
    }
    found
}

/// Any fault's id, or any fault's word.
fn is_suspect(entry: &Entry<'_>) -> bool {
    static WORDS: OnceLock<Option<Regex>> = OnceLock::new();
    let words = WORDS.get_or_init(|| {
        let all: Vec<String> = FAULTS.iter().flat_map(|fault| fault.words).map(|word| regex::escape(word)).collect();
        RegexBuilder::new(&all.join("|")).case_insensitive(true).unicode(false).build().ok()
    });
    FAULTS.iter().any(|fault| fault.ids.contains(&entry.id)) || words.as_ref().is_none_or(|words| words.is_match(&entry.line.text))
}

impl Fault {
    fn matches(&self, entry: &Entry<'_>) -> bool {
        if self.ids.contains(&entry.id) {
            return true;
        }
        if entry.level() < self.level || entry.msg == "Slow query" {
            return false;
        }
        // what a client's command or a setting mentions is no fault of the server
        if entry.level() == Level::Info
            && (entry.msg.starts_with("client metadata") || entry.msg == "Options set by command line" || entry.says("startupwarnings"))
        {
            return false;
        }
        self.words.iter().any(|word| entry.says(word))
    }

    fn finding(&self, node: &Node<'_>, lines: &[Entry<'_>], first: &Entry<'_>) -> Finding {
        let words = essence(first, self.words);
        let fill = |text: &&str| text.replace("{node}", &node.name).replace("{words}", &words);
        let count = lines.len();
        let summary = format!("{words} ({count} line{} in the log of {})", if count == 1 { "" } else { "s" }, node.name);
        let decisive = self.strength > 0.9;
        Finding {
            acts_on: Vec::new(),
            against: Vec::new(),
            category: self.category,
            role: Role::Cause,
            entity: node.entity(),
            statement: fill(&self.statement),
            seen: vec![node.seen(lines, summary, decisive)],
            decisive,
            strength: self.strength,
            since: first.time(),
            falsifier: fill(&self.falsifier),
            remediation: self.remediation.iter().map(fill).collect(),
            prevention: self.prevention.iter().map(fill).collect(),
        }
    }
}

/// The part of a line around the words that matter, without the server's own prefixes.
fn essence(entry: &Entry<'_>, words: &[&str]) -> String {
    let inner =
        [&["message"][..], &["error"], &["error", "errmsg"], &["reason"], &["err"]].iter().find_map(|path| entry.text(path)).unwrap_or("");
    let text = if inner.is_empty() { entry.line.text.clone() } else { format!("{}: {inner}", entry.msg) };
    let lower = text.to_ascii_lowercase();
    let at = words.iter().find_map(|word| lower.find(word)).unwrap_or(0);
    // keep the file or place named just before
    let start = text.floor_char_boundary(at.saturating_sub(70));
    let start = if start == 0 { 0 } else { start + text.get(start..).and_then(|rest| rest.find(' ')).map_or(0, |blank| blank + 1) };
    clip(text.get(start..).unwrap_or(&text).trim(), 180)
}
