//! `key: value` lines in a message's text, in the forms that alert templates print.

use std::collections::BTreeMap;

use super::pattern::{Pattern, compile};

static BULLET: Pattern =
    Pattern::new(|| compile(r"^\s*(?:>\s*)?(?:[-•*·]\s+)?[*_`]*([A-Za-z][A-Za-z0-9_./ -]{0,40}?)[*_`]*\s*(?::|=)\s*[*_`]*(.*?)[*`]*\s*$"));
static KEY: Pattern = Pattern::new(|| compile(r"^[A-Za-z_][A-Za-z0-9_./-]*$"));

/// What a listing says: labels in bullets, and other `Key: value` lines by lower-case key.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Bullets, until a key repeats: a second alert of the same message begins there.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) pairs: Vec<(String, String)>,
    /// How many bullets named an alert.
    pub(super) alerts: u32,
}

/// `Project: shop    Alert: errors` is two lines in one.
fn pieces(line: &str) -> Vec<&str> {
    let parts: Vec<&str> = line.trim().split("  ").filter(|part| !part.trim().is_empty()).collect();
    let all_pairs =
        parts.len() > 1 && parts.iter().all(|part| part.split_once(": ").is_some_and(|(key, _)| key.trim().split(' ').count() <= 2));
    if all_pairs { parts } else { vec![line] }
}

/// Reads the lines; mark-up has been taken out before.
pub(super) fn read(text: &str) -> Listing {
    let mut listing = Listing::default();
    let mut in_annotations = false;
    for line in text.lines().take(2_000).flat_map(pieces) {
        let bullet = line.trim_start().starts_with(['-', '•', '·']) || line.trim_start().starts_with("* ");
        match line.trim().to_lowercase().trim_end_matches(':') {
            "labels" | "details" | "common labels" => in_annotations = false,
            "annotations" | "common annotations" => in_annotations = true,
            _ => {}
        }
        let Some(found) = BULLET.captures(line) else { continue };
        let part = |at: usize| found.get(at).map_or("", |group| group.as_str()).trim();
        let (key, value) = (part(1), part(2));
        if value.is_empty() || value.starts_with("//") {
            continue;
        }
        if bullet && KEY.is_match(key) {
            let first = key == "alertname";
            listing.alerts += u32::from(first);
            let target = if in_annotations { &mut listing.annotations } else { &mut listing.labels };
            if listing.alerts < 2 {
                target.entry(key.to_owned()).or_insert_with(|| value.to_owned());
            }
        } else {
            listing.pairs.push((super::words::plain(key), value.to_owned()));
        }
    }
    listing
}

impl Listing {
    /// The first of the `Key: value` lines, bullets included, with one of these keys.
    pub(super) fn pair(&self, keys: &[&str]) -> Option<&str> {
        let bullet = |key: &str| self.labels.iter().find(|(name, _)| super::words::plain(name) == key).map(|(_, value)| value.as_str());
        keys.iter().find_map(|key| self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()).or_else(|| bullet(key)))
    }
}
