//! Which words of a pattern are values, from how often each stands at its place.
//!
//! Among patterns of equal length, the words of one statement share one frequency. The most words with one frequency are a
//! pattern's root; patterns with the same root are one family. Inside a family a place with one word is part of the
//! statement; a place with a few words splits the family; a place with many is a value. How many is "many" depends on what
//! stands before: after `user` or `=` two names are values already, after a verb two words are two statements.

use std::collections::{BTreeMap, HashMap};

use super::{VALUE as PLACEHOLDER, mask::VALUE, text, words};

/// Distinct words at a place from which on it is a value.
const MANY: usize = 5;
/// The same after a preposition, where names stand as often as verbs.
const MANY_AFTER_PREPOSITION: usize = 3;
/// Behind `=` or a word that announces a name.
const MANY_AFTER_NAME: usize = 2;
/// For the first word of a message.
const MANY_FIRST: usize = 12;
/// For words in capitals: states of a machine are statements.
const MANY_STATES: usize = 12;
/// A root needs at least this share of the frequency of the pattern's most frequent word, or rare names would become roots.
const ROOT_SHARE: f64 = 0.34;

/// Words of one entry of a list, with its punctuation.
const LONGEST_REPEAT: usize = 6;

struct Pattern<'a> {
    id: usize,
    tokens: Vec<&'a [u8]>,
    count: u32,
}

/// The template text of each pattern, by pattern id.
pub fn templates(patterns: &[(u32, Box<[u8]>)], counts: &[u32]) -> Vec<String> {
    let mut texts: Vec<String> = vec![String::new(); patterns.len()];
    let mut lengths: BTreeMap<usize, Vec<Pattern<'_>>> = BTreeMap::new();
    for (id, text) in patterns {
        let tokens = without_repeats(text.split(|b| *b == b' '));
        let id = *id as usize;
        lengths.entry(tokens.len()).or_default().push(Pattern { id, tokens, count: counts.get(id).copied().unwrap_or(1) });
    }
    for family in lengths.into_values() {
        for group in by_root(family) {
            separate(group, &mut texts);
        }
    }
    texts
}

/// A list is as long as it is: of `<*> = up <*> = up` the first stays.
fn without_repeats<'a>(tokens: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for token in tokens {
        kept.push(token);
        for period in 2..=LONGEST_REPEAT {
            let Some(start) = kept.len().checked_sub(period) else { break };
            let (before, again) = kept.split_at(start);
            let quotes = again.iter().filter(|token| matches!(**token, b"\"" | b"'" | b"`")).count();
            if before.ends_with(again) && again.contains(&&[VALUE][..]) && quotes % 2 == 0 {
                kept.truncate(start);
                break;
            }
        }
    }
    kept
}

/// `Order <*> rejected: <*>`: where most of what follows a colon is one free word, the rare longer tails are values too.
pub fn join_free_text(texts: &mut [String], counts: &[u32]) {
    let mut totals: BTreeMap<String, u32> = BTreeMap::new();
    for (text, count) in texts.iter().zip(counts) {
        *totals.entry(text.clone()).or_default() += count;
    }
    let open: Vec<(String, u32)> = totals
        .iter()
        .filter_map(|(text, count)| Some((text.strip_suffix(PLACEHOLDER).filter(|head| head.ends_with(": "))?, *count)))
        // a head of one word (`Error:`) announces anything
        .filter(|(head, _)| head.split(' ').filter(|word| word.bytes().any(|b| b.is_ascii_alphabetic())).count() >= 2)
        .map(|(head, count)| (head.to_owned(), count))
        .collect();
    if open.is_empty() {
        return;
    }
    for text in texts.iter_mut() {
        let total = totals.get(text).copied().unwrap_or(0);
        if let Some((head, _)) = open
            .iter()
            .find(|(head, count)| text.len() > head.len() && text.starts_with(head.as_str()) && u64::from(total) * 8 <= u64::from(*count))
        {
            *text = format!("{head}{PLACEHOLDER}");
        }
    }
}

/// Patterns of one length, by their roots.
fn by_root(patterns: Vec<Pattern<'_>>) -> Vec<Vec<Pattern<'_>>> {
    if patterns.len() < 2 {
        return vec![patterns];
    }
    let mut frequency: HashMap<(usize, &[u8]), u32> = HashMap::new();
    for pattern in &patterns {
        for (place, word) in pattern.tokens.iter().enumerate() {
            *frequency.entry((place, word)).or_default() += pattern.count;
        }
    }
    let mut roots: BTreeMap<Vec<(usize, Vec<u8>)>, Vec<Pattern<'_>>> = BTreeMap::new();
    for pattern in patterns {
        let root = root(&pattern, &frequency);
        roots.entry(root).or_default().push(pattern);
    }
    roots.into_values().collect()
}

fn root(pattern: &Pattern<'_>, frequency: &HashMap<(usize, &[u8]), u32>) -> Vec<(usize, Vec<u8>)> {
    let words: Vec<(usize, &[u8], u32)> = pattern
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, word)| is_word(word))
        .map(|(place, word)| (place, *word, frequency.get(&(place, *word)).copied().unwrap_or(0)))
        .collect();
    let highest = words.iter().map(|word| word.2).max().unwrap_or(0);
    let mut by_frequency: BTreeMap<u32, usize> = BTreeMap::new();
    for word in &words {
        *by_frequency.entry(word.2).or_default() += 1;
    }
    let enough = |frequency: u32| f64::from(frequency) >= f64::from(highest) * ROOT_SHARE;
    let best = by_frequency
        .iter()
        .filter(|(frequency, _)| enough(**frequency))
        .max_by(|a, b| a.1.cmp(b.1).then(a.0.cmp(b.0)))
        .map(|(frequency, _)| *frequency);
    words.into_iter().filter(|word| Some(word.2) == best).map(|(place, word, _)| (place, word.to_vec())).collect()
}

/// Something with a letter: neither punctuation nor the placeholder.
fn is_word(token: &[u8]) -> bool {
    token.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80)
}

/// Splits a family until every place is either one word or a value, and writes its templates.
fn separate(family: Vec<Pattern<'_>>, texts: &mut [String]) {
    let mut open = vec![family];
    while let Some(group) = open.pop() {
        let places = group.first().map_or(0, |pattern| pattern.tokens.len());
        let mut splitting: Option<(usize, usize)> = None;
        let mut values = vec![false; places];
        if group.len() > 1 {
            for (place, value) in values.iter_mut().enumerate() {
                let distinct = distinct(&group, place);
                if distinct < 2 {
                    continue;
                }
                if is_value(&group, place, distinct) {
                    *value = true;
                } else if splitting.is_none_or(|(_, fewest)| distinct < fewest) {
                    splitting = Some((place, distinct));
                }
            }
        }
        match splitting {
            Some((place, _)) => {
                let mut parts: BTreeMap<Vec<u8>, Vec<Pattern<'_>>> = BTreeMap::new();
                for pattern in group {
                    let word = pattern.tokens.get(place).map(|word| word.to_vec()).unwrap_or_default();
                    parts.entry(word).or_default().push(pattern);
                }
                open.extend(parts.into_values());
            }
            None => {
                for pattern in &group {
                    if let Some(text) = texts.get_mut(pattern.id) {
                        *text = text::render(&pattern.tokens, &values);
                    }
                }
            }
        }
    }
}

fn distinct(group: &[Pattern<'_>], place: usize) -> usize {
    let mut words: Vec<&[u8]> = Vec::new();
    for pattern in group {
        if let Some(word) = pattern.tokens.get(place)
            && !words.contains(word)
        {
            words.push(word);
            if words.len() > MANY_STATES {
                break;
            }
        }
    }
    words.len()
}

/// Whether a place with several words is a value.
fn is_value(group: &[Pattern<'_>], place: usize, distinct: usize) -> bool {
    let words = || group.iter().filter_map(|pattern| pattern.tokens.get(place)).copied();
    // punctuation differs: two shapes, not two values
    if words().any(|word| !is_word(word) && *word != [VALUE]) {
        return false;
    }
    let tokens = group.first().map_or(&[][..], |pattern| &pattern.tokens);
    let before = |back: usize| place.checked_sub(back).and_then(|at| tokens.get(at)).copied().unwrap_or(b"");
    // a name stays one in quotes
    let quoted = usize::from(matches!(before(1), b"\"" | b"'" | b"`"));
    let (last, key) = match (before(1 + quoted), before(2 + quoted)) {
        (b":", key) if quoted == 1 && words::announces_name(key) => (key, key),
        near => near,
    };
    // a key is never a value
    if tokens.get(place + 1).is_some_and(|next| *next == b"=") {
        return false;
    }
    // what a message begins with is what it is about
    let is_first = tokens.iter().take(place).all(|token| !is_word(token));
    let named = last == b"=" || words::announces_name(last);
    let next = tokens.get(place + 1).copied().unwrap_or(b"");
    let many = if is_first {
        MANY_FIRST
    } else if words().all(words::is_method)
        || words().all(words::is_switch) && (matches!(last, b"=" | b":") || words::is_switch(last) || words::is_switch(next))
    {
        return true;
    } else if words().all(|word| word == [VALUE] || words::is_qualified(word)) {
        if named || words::is_preposition(last) { MANY_AFTER_NAME } else { MANY_AFTER_PREPOSITION }
    } else if named && distinct < MANY && words().all(words::is_system_account) {
        MANY
    } else if last == b"=" {
        if words::is_kind(key) { MANY } else { MANY_AFTER_NAME }
    } else if words().all(words::is_state) {
        MANY_STATES
    } else if named {
        MANY_AFTER_NAME
    } else if quoted == 1 || words::is_preposition(last) || last == b":" && is_word(key) {
        MANY_AFTER_PREPOSITION
    } else {
        MANY
    };
    let some_masked = words().any(|word| word == [VALUE]);
    // where others have a number, a word is a value as well
    distinct
        >= if some_masked {
            many.min(if words().all(|word| word == [VALUE] || words::is_qualified(word)) { 2 } else { MANY_AFTER_PREPOSITION })
        } else {
            many
        }
}
