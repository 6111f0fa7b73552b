//! Typed text to Slack's mrkdwn: everything from data is escaped, so that nothing in it can become a mention, a link or a command.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::model::{Span, Text};

/// Slack's three escapes. Source: docs.slack.dev, "Formatting message text".
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Plain words inside mrkdwn: escaped, and with a word joiner where `*`, `_`, `~`, backquotes or `:name:` would become
/// formatting. Names and images with such characters inside them stay as they are, so that they can be copied.
fn plain(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied();
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in chars.iter().copied().enumerate() {
        // Slack formats only at the edge of a word.
        let inside =
            index.checked_sub(1).and_then(at).is_some_and(char::is_alphanumeric) && at(index + 1).is_some_and(char::is_alphanumeric);
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '`' => out.extend(['\u{2060}', c, '\u{2060}']),
            '*' | '~' | '_' if !inside => out.extend(['\u{2060}', c, '\u{2060}']),
            ':' if starts_emoji(chars.get(index + 1..).unwrap_or_default()) => out.extend([':', '\u{2060}']),
            c => out.push(c),
        }
    }
    out
}

/// `name:` follows a colon.
fn starts_emoji(rest: &[char]) -> bool {
    let name = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '\'')).count();
    name > 0 && rest.get(name) == Some(&':')
}

/// The whole text as mrkdwn.
pub fn render(text: &Text) -> String {
    text.0.iter().map(span).collect()
}

fn span(span: &Span) -> String {
    match span {
        Span::Plain(text) => plain(text),
        Span::Bold(text) if text.trim().is_empty() => plain(text),
        Span::Bold(text) => format!("*{}*", plain(text.trim())),
        Span::Code(text) if text.trim().is_empty() => String::new(),
        Span::Code(text) => format!("`{}`", escape(&text.replace('`', "'").replace('\n', " "))),
        Span::Link { url, text } => format!("<{}|{}>", escape(url).replace('|', "%7C"), escape(text).replace('|', "/")),
        Span::User(id) if id.chars().all(|c| c.is_ascii_alphanumeric()) => format!("<@{id}>"),
        Span::Group(id) if id.chars().all(|c| c.is_ascii_alphanumeric()) => format!("<!subteam^{id}>"),
        Span::User(id) | Span::Group(id) => plain(id),
        Span::Time(at) => time(*at),
        Span::Evidence(id) => format!("`{id}`"),
        Span::Emoji(name) => format!(":{name}:"),
    }
}

/// A date token: each reader sees local time, everything else shows UTC.
fn time(at: Timestamp) -> String {
    format!("<!date^{}^{{time}}|{} UTC>", at.as_second(), at.strftime("%H:%M"))
}
