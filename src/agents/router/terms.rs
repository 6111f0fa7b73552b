//! Words and phrases in names and text: `etcdGRPCRequestsSlow` holds "etcd", "grpc", "request" and "request slow".

use std::{collections::HashMap, sync::Arc};

use super::rules::Kind;

/// At most this many words make a phrase.
const MAX_WORDS: usize = 5;

/// One word or phrase of the rules.
#[derive(Debug, Clone)]
pub(super) struct Term {
    /// As written in the rules.
    pub(super) text: String,
    pub(super) area: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) symptom: bool,
}

/// All terms, by their words written together: `HAProxy`, `ha_proxy` and `haproxy` are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    terms: HashMap<String, Arc<Term>>,
    symptoms: HashMap<String, Arc<Term>>,
}

pub(super) struct Found {
    pub(super) term: Arc<Term>,
}

impl Terms {
    /// The first area that claims a term keeps it.
    pub(super) fn insert(&mut self, text: &str, area: Option<&'static str>, kind: Kind) {
        let key = words(text).concat();
        let term = Arc::new(Term { text: text.to_owned(), area, kind, symptom: area.is_none() });
        if area.is_some() {
            self.terms.entry(key).or_insert(term)
        } else {
            self.symptoms.entry(key).or_insert(term)
        };
    }

    /// The terms of a text: of overlapping ones the longest; symptoms may overlap with anything.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let words = words(text);
        let mut found = self.scan(&words, &self.terms, true);
        found.extend(self.scan(&words, &self.symptoms, false));
        found
    }

    fn scan(&self, words: &[String], terms: &HashMap<String, Arc<Term>>, exclusive: bool) -> Vec<Found> {
        let mut found = Vec::new();
        let mut taken = vec![false; words.len()];
        for size in (1..=MAX_WORDS).rev() {
            for (at, window) in words.windows(size).enumerate() {
                let free = taken.get(at..at + size).is_some_and(|range| range.iter().all(|taken| !taken));
                if exclusive && !free {
                    continue;
                }
                if let Some(term) = terms.get(&window.concat()) {
                    found.push((at, Found { term: Arc::clone(term) }));
                    taken.iter_mut().skip(at).take(size).for_each(|slot| *slot = true);
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, found)| found).collect()
    }
}

/// Lower-case words, cut at case changes and signs, without a plural's end.
pub(super) fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let after = chars.get(at + 1).copied();
        let starts = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase)));
        // `Http5xx` is http and 5xx; `neo4j` and `p99` stay whole.
        let starts =
            starts || (c.is_ascii_digit() && before.is_some_and(char::is_alphabetic) && chars.get(at + 1..at + 3) == Some(&['x', 'x']));
        if starts || !c.is_alphanumeric() {
            push(&mut words, &mut word);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    push(&mut words, &mut word);
    words
}

fn push(words: &mut Vec<String>, word: &mut String) {
    if word.is_empty() {
        return;
    }
    if word.len() > 3 && word.ends_with('s') && !["ss", "us", "is", "os"].iter().any(|end| word.ends_with(end)) {
        word.pop();
    }
    words.push(std::mem::take(word));
}
