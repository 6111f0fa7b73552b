//! Slack mark-up → plain text and links.

use super::pattern::{Pattern, compile};
use crate::model::Link;

/// Plain text of mark-up, and the links in it: `<url|text>`, mentions, entities, emphasis, `:emoji:`.
pub(super) fn plain(text: &str) -> (String, Vec<Link>) {
    let mut out = String::with_capacity(text.len());
    let mut links = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after_close)) = after.split_once('>').filter(|(inside, _)| !inside.contains('\n')) else {
            out.push('<');
            rest = after;
            continue;
        };
        let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
        match target.chars().next() {
            Some('@' | '#' | '!') => out.push_str(label),
            _ if target.contains("://") || target.starts_with("mailto:") => {
                let title = emphasis(if label.is_empty() { target } else { label });
                links.push(Link { title: title.clone(), url: entities(target) });
                out.push_str(&title);
            }
            _ => {
                out.push('<');
                out.push_str(inside);
                out.push('>');
            }
        }
        rest = after_close;
    }
    out.push_str(rest);
    (entities(&emphasis(&out)), links)
}

/// `&lt;`, `&gt;` and `&amp;`: the three that Slack writes.
pub(super) fn entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

/// Without `*bold*`, `` `code` `` and the like; a single star inside a word stays.
fn emphasis(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or(' ');
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        let edge = |c: char| !c.is_alphanumeric() && c != '/' && c != '{' && c != '=';
        let drop = match c {
            '`' => true,
            '*' => (edge(before) && !after.is_whitespace()) || (!before.is_whitespace() && edge(after)),
            '_' | '~' => {
                (edge(before) && before != '_' && after.is_alphanumeric()) || (before.is_alphanumeric() && edge(after) && after != '_')
            }
            _ => false,
        };
        if !drop {
            out.push(c);
        }
    }
    out
}

/// Without any `:emoji:`, as in the text of a button.
pub(super) fn without_any_emoji(text: &str) -> String {
    static EMOJI: Pattern = Pattern::new(|| compile(r":[a-z0-9_+-]+:"));
    let short = EMOJI.replace_all(text, "");
    if short.trim().is_empty() { text.trim_matches(':').to_owned() } else { short.trim().to_owned() }
}

/// Without a leading `:emoji:` or symbol, as titles begin with.
pub(super) fn without_emoji(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let symbol = text.trim_start_matches(|c: char| !c.is_alphanumeric() && !"[(\"'<*`@#/$%+-_{".contains(c));
        let symbol = if text.starts_with(':') { text } else { symbol };
        let next = match symbol.strip_prefix(':').and_then(|rest| rest.split_once(':')) {
            Some((name, rest)) if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-+".contains(c)) => rest,
            _ => symbol.trim_start_matches(':'),
        }
        .trim();
        if next.len() == text.len() {
            return text;
        }
        text = next;
    }
}
