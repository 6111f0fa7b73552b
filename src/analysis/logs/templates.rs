//! Log templates: which lines are the same statement of a program with other values in it.
//!
//! Two steps. `mask` turns each line into words, with every number, address, path, identifier and date as one placeholder;
//! lines that are equal then are counted, not kept, so that everything later works on hundreds of patterns instead of
//! 100,000 lines. `split` decides which of the remaining words are values too (names of users, hosts, queues), from how
//! often each word stands at its place. One setting for all systems; nothing is learned from a system's name.

mod mask;
mod split;

use std::collections::HashMap;

/// What stands for a value in a template.
pub const VALUE: &str = "<*>";

/// Collects lines, then tells templates.
#[derive(Default)]
pub struct Miner {
    patterns: HashMap<Box<[u8]>, u32>,
    /// How many lines each pattern has, by pattern id.
    counts: Vec<u32>,
    /// The pattern of each line that was added.
    lines: Vec<u32>,
    buffer: Vec<u8>,
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
        let line = message.lines().next().unwrap_or("");
        self.buffer.clear();
        mask::mask(line, &mut self.buffer);
        let id = match self.patterns.get(self.buffer.as_slice()) {
            Some(id) => *id,
            None => {
                let id = u32::try_from(self.counts.len()).unwrap_or(u32::MAX);
                self.patterns.insert(self.buffer.clone().into_boxed_slice(), id);
                self.counts.push(0);
                id
            }
        };
        if let Some(count) = self.counts.get_mut(id as usize) {
            *count += 1;
        }
        self.lines.push(id);
    }

    /// The templates of everything that was added.
    pub fn finish(self) -> Templates {
        let mut patterns: Vec<(u32, Box<[u8]>)> = self.patterns.into_iter().map(|(text, id)| (id, text)).collect();
        // a map's order must not show in the result
        patterns.sort_unstable_by_key(|(id, _)| *id);
        let mut texts: Vec<String> = split::templates(&patterns, &self.counts);
        split::join_free_text(&mut texts, &self.counts);
        let mut ids: HashMap<&str, u32> = HashMap::new();
        let mut templates: Vec<Template> = Vec::new();
        let mut of_pattern: Vec<u32> = Vec::with_capacity(texts.len());
        // patterns are numbered by their first lines, so templates are too
        for text in &texts {
            let next = u32::try_from(templates.len()).unwrap_or(u32::MAX);
            let id = *ids.entry(text).or_insert(next);
            if id == next {
                templates.push(Template { text: text.clone(), first: u32::MAX, ..Template::default() });
            }
            of_pattern.push(id);
        }
        let of_line: Vec<u32> = self.lines.iter().map(|pattern| of_pattern.get(*pattern as usize).copied().unwrap_or(0)).collect();
        for (line, id) in (0_u32..).zip(&of_line) {
            if let Some(template) = templates.get_mut(*id as usize) {
                template.count += 1;
                template.first = template.first.min(line);
                template.last = line;
            }
        }
        Templates { templates, of_line }
    }
}

#[cfg(test)]
mod tests;
