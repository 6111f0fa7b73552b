//! Log templates: which lines are the same statement of a program with other values in it.
//!
//! Two steps. `mask` turns each line into words, with every number, address, path, identifier and date as one placeholder;
//! lines that are equal then are counted, not kept, so that everything later works on hundreds of patterns instead of
//! 100,000 lines. `split` decides which of the remaining words are values too (names of users, hosts, queues), from how
//! often each word stands at its place. One setting for all systems; nothing is learned from a system's name.

mod mask;
mod split;
mod text;
mod words;

use std::collections::HashMap;

/// What stands for a value in a template.
pub const VALUE: &str = "<*>";

/// The most different patterns that are kept, and their bytes; lines beyond share one template. Source: own measurement, the
/// splitting of 200,000 patterns takes about a second.
const MOST_PATTERNS: usize = 200_000;
const MOST_BYTES: usize = 64 << 20;

/// Collects lines, then tells templates.
#[derive(Default)]
pub struct Miner {
    patterns: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    /// How many lines each pattern has, by pattern id.
    counts: Vec<u32>,
    /// The pattern of each line that was added.
    lines: Vec<u32>,
    buffer: Vec<u8>,
    bytes: usize,
    /// The pattern of everything that came when there was no room.
    rest: Option<u32>,
}

/// The templates of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// By template id, in the order of their first lines.
    pub templates: Vec<Template>,
    /// The template id of each line, in the order in which the lines were added.
    pub of_line: Vec<u32>,
}

/// One statement of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template {
    pub text: String,
    pub count: u32,
    /// Index of its first line.
    pub first: u32,
    pub last: u32,
}

impl Miner {
    /// Adds the message of one record; of a stack trace its first line.
    pub fn add(&mut self, message: &str) {
        let pattern = self.pattern(message);
        self.lines.push(pattern);
    }

    /// Counts the message of one record without keeping that it was there: the pattern that it has.
    pub fn pattern(&mut self, message: &str) -> u32 {
        let end = memchr::memchr(b'\n', message.as_bytes()).unwrap_or(message.len());
        self.buffer.clear();
        mask::mask(message.get(..end).unwrap_or(message).trim_end_matches('\r'), &mut self.buffer);
        let id = match self.patterns.get(self.buffer.as_slice()) {
            Some(id) => *id,
            None => self.fresh(),
        };
        if let Some(count) = self.counts.get_mut(id as usize) {
            *count = count.saturating_add(1);
        }
        id
    }

    fn fresh(&mut self) -> u32 {
        let full = self.counts.len() >= MOST_PATTERNS || self.bytes + self.buffer.len() > MOST_BYTES;
        if let Some(rest) = self.rest.filter(|_| full) {
            return rest;
        }
        let id = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
        if full {
            self.buffer.clear();
            self.buffer.push(mask::VALUE);
            self.rest = Some(id);
        }
        self.bytes += self.buffer.len();
        self.counts.push(0);
        *self.patterns.entry(self.buffer.as_slice().into()).or_insert(id)
    }

    /// There were more different lines than are kept apart.
    pub fn is_full(&self) -> bool {
        self.rest.is_some()
    }

    /// The templates of everything that was added.
    pub fn finish(mut self) -> Templates {
        let lines = std::mem::take(&mut self.lines);
        let (texts, of_pattern) = self.templates();
        let mut templates: Vec<Template> =
            texts.into_iter().map(|text| Template { text, first: u32::MAX, ..Template::default() }).collect();
        let of_line: Vec<u32> = lines.iter().map(|pattern| of_pattern.get(*pattern as usize).copied().unwrap_or(0)).collect();
        for (line, id) in (0_u32..).zip(&of_line) {
            if let Some(template) = templates.get_mut(*id as usize) {
                template.count += 1;
                template.first = template.first.min(line);
                template.last = line;
            }
        }
        Templates { templates, of_line }
    }

    /// The text of each template in the order of first lines, and the template of each pattern.
    pub fn templates(self) -> (Vec<String>, Vec<u32>) {
        let mut patterns: Vec<(u32, Box<[u8]>)> = self.patterns.into_iter().map(|(text, id)| (id, text)).collect();
        // a map's order must not show in the result
        patterns.sort_unstable_by_key(|(id, _)| *id);
        let mut texts: Vec<String> = split::templates(&patterns, &self.counts);
        split::join_free_text(&mut texts, &self.counts);
        let mut ids: HashMap<String, u32> = HashMap::new();
        let mut out: Vec<String> = Vec::new();
        let mut of_pattern: Vec<u32> = Vec::with_capacity(texts.len());
        // patterns are numbered by their first lines, so templates are too
        for text in texts {
            let next = u32::try_from(out.len()).unwrap_or(u32::MAX);
            let id = *ids.entry(text.clone()).or_insert(next);
            if id == next {
                out.push(text);
            }
            of_pattern.push(id);
        }
        (out, of_pattern)
    }
}

/// At most `limit` bytes of `text`, never inside a character.
pub fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit { text } else { text.get(..text.floor_char_boundary(limit)).unwrap_or("") }
}

#[cfg(test)]
mod tests;
